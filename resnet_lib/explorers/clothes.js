// Photographs to choose from, or a picture of the reader's own, brought into the form of the data set.
const CLOTHES_LOOK = `
  .rx .reading-views > .clothes-choice { flex: 1 1 100%; max-width: none; }
  .rx .clothes-choice div { display: grid; grid-template-columns: repeat(auto-fit, minmax(3.2rem, 1fr)); gap: 0.3rem; }
  .rx .clothes-choice button { display: flex; flex-direction: column; gap: 0.15rem; padding: 0.1rem; font-size: 0.75rem; line-height: 1.2; align-items: center; }
  .rx .clothes-choice button[aria-pressed="true"] { font-weight: 700; box-shadow: 0 0 0 2px var(--rx-blue); }
  .rx .reading-clothes .reading-maps span { background: #000; }
  .rx .reading-clothes .reading-maps canvas { filter: invert(1); }
  .rx .clothes-own input { display: block; width: 100%; min-height: 2rem; margin: 0.2rem 0; font: inherit; color: inherit; }
  .rx .reading-views .clothes-own p { margin: 0; font-weight: 400; font-size: 0.85rem; }`;

const LARGEST = 560; // pixels of a picture in each direction that are looked at
const NEAR = 0.05; // of the way from black to white: so close to the background is background

// Each pixel's difference from the background, from 0 to 1. The background is the middle one of the greys along the edge, up to a tenth of
// its length from each corner: things in a picture often reach the edge elsewhere.
const fromBackground = (greys, width, height) => {
  const fromEdge = (at, length) => Math.min(at, length - 1 - at);
  const corners = greys.filter((_, n) => {
    const x = fromEdge(n % width, width), y = fromEdge(Math.floor(n / width), height);
    return Math.min(x, y) === 0 && x < width / 10 && y < height / 10;
  });
  const background = corners.sort((a, b) => a - b)[Math.floor(corners.length / 2)];
  return greys.map((grey) => Math.abs(grey - background) / Math.max(background, 1 - background));
};

// The part of a picture outside of which all pixels are near the background, as rows of pixels; none if all are.
const trimmed = (pixels, width) => {
  const far = pixels.flatMap((pixel, n) => (pixel > NEAR ? [n] : []));
  const columns = far.map((n) => n % width);
  if (!far.length) return [];
  const lowest = (numbers) => numbers.reduce((a, b) => Math.min(a, b)), highest = (numbers) => numbers.reduce((a, b) => Math.max(a, b));
  const [left, right] = [lowest(columns), highest(columns) + 1];
  const rows = [];
  for (let row = Math.floor(far[0] / width); row * width <= far[far.length - 1]; row += 1)
    rows.push(pixels.slice(row * width + left, row * width + right));
  return rows;
};

// The same picture with `height` rows of `width` pixels: each is the mean over the area that it covers.
const resized = (rows, width, height) => {
  const shares = (from, to) => Array.from({ length: to }, (_, at) => { // how much of each old pixel is in a new one
    const [start, end] = [(at * from) / to, ((at + 1) * from) / to], parts = [];
    for (let n = Math.floor(start); n < end; n += 1) parts.push([n, ((Math.min(n + 1, end) - Math.max(n, start)) * to) / from]);
    return parts;
  });
  const mean = (parts, value) => parts.reduce((sum, [n, share]) => sum + share * value(n), 0);
  const across = shares(rows[0].length, width);
  const narrow = rows.map((row) => across.map((parts) => mean(parts, (n) => row[n])));
  return shares(rows.length, height).map((parts) => across.map((_, column) => mean(parts, (n) => narrow[n][column])));
};

// A picture of any size, greys from 0 to 1 → `side` × `side` pixels from 0 to 255, made as the data set was: on black, trimmed, its longer
// side as long as the frame, and in the middle.
const asInDataSet = (greys, width, height, side) => {
  const rows = trimmed(fromBackground(greys, width, height), width);
  const pixels = new Array(side * side).fill(0);
  if (!rows.length) return pixels;
  const scale = side / Math.max(rows.length, rows[0].length);
  const [wide, high] = [rows[0].length, rows.length].map((length) => Math.max(1, Math.round(length * scale)));
  const left = Math.floor((side - wide) / 2), top = Math.floor((side - high) / 2);
  resized(rows, wide, high).forEach((row, y) => row.forEach((pixel, x) => {
    pixels[(top + y) * side + left + x] = Math.round(255 * pixel);
  }));
  return pixels;
};

// The greys of a file with a picture, from 0 to 1, where it is transparent white. Rejects what the browser cannot read.
const greysOf = async (file) => {
  const picture = new Image(), url = URL.createObjectURL(file);
  try {
    picture.src = url;
    await picture.decode();
    const scale = Math.min(1, LARGEST / Math.max(picture.naturalWidth, picture.naturalHeight));
    const [width, height] = [picture.naturalWidth, picture.naturalHeight].map((length) => Math.max(1, Math.round(length * scale)));
    const context = el("canvas", { width, height }).getContext("2d", { willReadFrequently: true });
    context.imageSmoothingQuality = "high";
    context.fillStyle = "#fff";
    context.fillRect(0, 0, width, height);
    context.drawImage(picture, 0, 0, width, height);
    const bytes = context.getImageData(0, 0, width, height).data;
    const greys = Array.from({ length: width * height }, (_, n) => (0.299 * bytes[4 * n] + 0.587 * bytes[4 * n + 1] + 0.114 * bytes[4 * n + 2]) / 255);
    return { greys, width, height };
  } finally {
    URL.revokeObjectURL(url);
  }
};

const photograph = ({ side, classes, examples }, { changed, trouble }) => {
  let example = 1; // 1 to 10, or 0 for the reader's own picture
  let own = null; // its pixels and its name

  const values = () => (example ? examples[example - 1] : own.pixels);
  const draw = (canvas, pixels) => paint(canvas, pixels.map((pixel) => pixel / 255), true);
  const take = (number) => {
    example = number;
    file.value = ""; // so that the same file can be opened again
  };
  const buttons = examples.map((pixels, n) => {
    const canvas = el("canvas", { width: side, height: side, "aria-hidden": "true" });
    draw(canvas, pixels);
    return el("button", { type: "button", onclick: () => { take(n + 1); changed(); } }, canvas, classes[n]);
  });
  const view = el("canvas", { width: side, height: side, role: "img" });

  const open = async () => {
    const [opened] = file.files;
    if (!opened) return;
    try {
      const { greys, width, height } = await greysOf(opened);
      if (opened !== file.files[0]) return; // another was chosen meanwhile
      own = { pixels: asInDataSet(greys, width, height, side), name: opened.name };
    } catch {
      if (opened === file.files[0]) trouble(`“${opened.name}” is no picture that this browser can read. JPEG and PNG files can be read everywhere. What you see is still the picture before.`);
      return;
    }
    example = 0;
    changed();
  };
  const file = el("input", { type: "file", accept: "image/*", onchange: open });

  const show = () => {
    buttons.forEach((button, n) => button.setAttribute("aria-pressed", String(n + 1 === example)));
    draw(view, values());
    view.setAttribute("aria-label", `${example ? `The photograph: ${classes[example - 1]}` : `Your picture ${own.name}`}, ${side} by ${side} pixels, bright on black`);
  };
  return {
    controls: [],
    views: [
      el("div", { class: "clothes-choice" }, el("p", {}, "Choose a photograph"), el("div", {}, buttons)),
      el("div", { class: "clothes-own" },
        el("label", {}, "or open your own picture", file),
        el("p", {}, "The network was trained on 60,000 small photographs from a shop, each of one piece of clothing on an empty background. "
          + "It knows these ten classes and nothing else: a person or a dog is read as one of the ten too.")),
      el("div", {}, el("p", {}, `What the network gets: ${side}×${side} pixels`), view),
    ],
    table: "Probability of each class",
    intro: "Choose a photograph, or open your own picture. What the network makes of it appears once it is loaded; nothing leaves your browser.",
    about: () => (example ? `A test image with the label “${classes[example - 1]}”. ` : `Your picture “${own.name}”. `),
    nothing: "It has the same colour everywhere, so there is nothing to read.",
    says: (name) => `The network answers “${name}”`,
    place: () => "",
    focus: () => buttons[Math.max(0, example - 1)].focus({ preventScroll: true }),
    show, take, values, example: () => example,
  };
};
