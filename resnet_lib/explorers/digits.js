// A pad to draw a digit on, and the counts that the network gets.
const DIGITS_LOOK = `
  .rx .reading-digits .reading-views svg { width: 100%; background: var(--rx-field); border: 1px solid var(--rx-grey); }
  .rx .digits-pad svg { touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair; }`;

const drawnDigit = ({ grid, block, widest, brush, side, examples }, { changed, speak }) => {
  const ink = new Array(grid * grid).fill(0); // the drawing, row by row
  let example = 0; // 1 to 10, or 0 for the reader's own drawing
  let fitted = true;
  let cursor = { x: grid / 2, y: grid / 2 };

  // The 4×4 blocks' counts of set pixels.
  const count = (bitmap) => {
    const counts = new Array(side * side).fill(0);
    bitmap.forEach((set, at) => {
      const row = Math.floor(at / grid / block), column = Math.floor((at % grid) / block);
      counts[row * side + column] += set ? 1 : 0;
    });
    return counts;
  };
  // As fit_drawing of the library: in whole numbers, so that no rounding can differ.
  const fit = (bitmap) => {
    const rows = [], columns = [];
    bitmap.forEach((set, at) => { if (set) { rows.push(Math.floor(at / grid)); columns.push(at % grid); } });
    if (!rows.length) return bitmap.slice();
    const [top, bottom, left, right] = [Math.min(...rows), Math.max(...rows), Math.min(...columns), Math.max(...columns)];
    const high = bottom + 1 - top, wide = right + 1 - left;
    const [before, after] = high * widest >= wide * grid ? [high, grid] : [wide, widest];
    const source = (to, first, last) => Math.floor(((2 * to + 1 - grid) * before + (first + last + 1) * after) / (2 * after));
    return bitmap.map((_, at) => {
      const y = source(Math.floor(at / grid), top, bottom), x = source(at % grid, left, right);
      return y >= top && y <= bottom && x >= left && x <= right && bitmap[y * grid + x] ? 1 : 0;
    });
  };
  const values = () => (example ? examples[example - 1] : count(fitted ? fit(ink) : ink));

  // The drawing
  const strokes = svg("path", { fill: "var(--rx-ink)" });
  const place = svg("rect", { width: 1, height: 1, fill: "none", stroke: "var(--rx-orange)", "stroke-width": 0.35, visibility: "hidden" });
  const lines = Array.from({ length: side - 1 }, (_, n) => `M${(n + 1) * block} 0v${grid}M0 ${(n + 1) * block}h${grid}`).join("");
  const pad = svg("svg", {
    viewBox: `0 0 ${grid} ${grid}`, tabindex: 0, role: "application",
    "aria-label": `Drawing, ${grid} by ${grid} pixels. Arrow keys move the pen, Shift and an arrow draws on the way, Space draws here, Backspace rubs out.`,
  }, svg("path", { d: lines, stroke: "var(--rx-line)", "stroke-width": 0.12 }), strokes, place);

  const dab = (x, y, value) => {
    for (let row = 0; row < grid; row += 1) for (let column = 0; column < grid; column += 1)
      if ((column + 0.5 - x) ** 2 + (row + 0.5 - y) ** 2 <= (brush / 2) ** 2) ink[row * grid + column] = value;
  };
  const drawLine = (from, to, value = 1) => {
    if (example) { example = 0; ink.fill(0); }
    const steps = Math.max(1, Math.ceil(2 * Math.hypot(to.x - from.x, to.y - from.y)));
    for (let step = 0; step <= steps; step += 1)
      dab(from.x + ((to.x - from.x) * step) / steps, from.y + ((to.y - from.y) * step) / steps, value);
    changed();
  };
  let pen = null, where = ""; // the pen's place is spoken to those who move it by keyboard
  const at = (event) => {
    const box = pad.getBoundingClientRect();
    return { x: ((event.clientX - box.left) / box.width) * grid, y: ((event.clientY - box.top) / box.height) * grid };
  };
  pad.addEventListener("pointerdown", (event) => {
    if (event.button) return;
    pad.setPointerCapture(event.pointerId);
    where = "";
    pen = at(event);
    drawLine(pen, pen);
  });
  // A line over a page would otherwise select its text, and the next one drag what is selected.
  pad.addEventListener("mousedown", (event) => { event.preventDefault(); pad.focus({ preventScroll: true }); });
  pad.addEventListener("pointermove", (event) => {
    if (!pen) return;
    const next = at(event);
    drawLine(pen, next);
    pen = next;
  });
  for (const end of ["pointerup", "pointercancel"]) pad.addEventListener(end, () => { pen = null; });

  const STEPS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
  pad.addEventListener("keydown", (event) => {
    const middle = () => ({ x: cursor.x + 0.5, y: cursor.y + 0.5 });
    const before = middle();
    if (STEPS[event.key]) {
      const [x, y] = STEPS[event.key];
      cursor = { x: Math.min(grid - 1, Math.max(0, cursor.x + x)), y: Math.min(grid - 1, Math.max(0, cursor.y + y)) };
      if (event.shiftKey) drawLine(before, middle());
    } else if (event.key === " ") drawLine(before, before);
    else if (event.key === "Backspace" || event.key === "Delete") drawLine(before, before, 0);
    else return;
    event.preventDefault();
    showCursor();
    const here = ink[cursor.y * grid + cursor.x] && !example ? "ink" : "empty";
    where = `Row ${cursor.y + 1}, column ${cursor.x + 1}, ${here}. `;
    speak();
  });
  const showCursor = () => {
    place.setAttribute("x", cursor.x);
    place.setAttribute("y", cursor.y);
    place.setAttribute("visibility", "visible");
  };
  pad.addEventListener("focus", () => { if (pad.matches(":focus-visible")) showCursor(); });
  pad.addEventListener("blur", () => { where = ""; place.setAttribute("visibility", "hidden"); });

  // The counts
  const cells = Array.from({ length: side * side }, (_, n) => {
    const x = n % side, y = Math.floor(n / side);
    return [
      svg("rect", { x, y, width: 1, height: 1, fill: "var(--rx-ink)", stroke: "var(--rx-line)", "stroke-width": 0.02 }),
      svg("text", { x: x + 0.5, y: y + 0.65, "text-anchor": "middle", "font-size": 0.42 }),
    ];
  });
  const countsView = svg("svg", { viewBox: `0 0 ${side} ${side}`, role: "img" }, cells.flat());

  const show = () => {
    const path = [];
    if (!example) ink.forEach((set, n) => { if (set) path.push(`M${n % grid} ${Math.floor(n / grid)}h1v1h-1z`); });
    strokes.setAttribute("d", path.join(""));
    const counts = values();
    cells.forEach(([square, text], n) => {
      // a step in the middle, so that the number can be read on every grey
      square.setAttribute("fill-opacity", counts[n] > block ** 2 / 2 ? 0.65 + (counts[n] - 9) * 0.05 : counts[n] * 0.04);
      text.style.fill = counts[n] > block ** 2 / 2 ? "var(--rx-field)" : "var(--rx-ink)";
      text.textContent = counts[n] || "";
    });
    const rows = Array.from({ length: side }, (_, row) => counts.slice(row * side, (row + 1) * side).join(" "));
    countsView.setAttribute("aria-label", `Counts of ink from 0 to ${block ** 2}, row by row: ${rows.join("; ")}`);
  };

  const take = (number) => { example = number; };
  const clear = () => { ink.fill(0); example = 0; changed(); };
  const check = el("input", { type: "checkbox", checked: true, onchange: () => { fitted = check.checked; changed(); } });
  return {
    controls: [
      el("button", { type: "button", onclick: clear }, "Clear"),
      el("button", { type: "button", onclick: () => { take((example % examples.length) + 1); changed(); } }, "An example from the test images"),
      el("label", { class: "reading-fit" }, check, "Fit the drawing to the frame"),
    ],
    views: [
      el("div", { class: "digits-pad" }, el("p", {}, `Draw here, on ${grid}×${grid} pixels`), pad),
      el("div", {}, el("p", {}, `What the network gets: ${side}×${side} counts`), countsView),
    ],
    table: "Probability of each digit",
    intro: "Draw a digit, or take an example. What the network makes of it appears once it is loaded; nothing leaves your browser.",
    about: () => (example ? `Test image ${example} of ${examples.length}, a ${example - 1}. It comes as 8×8 counts: its drawing is not in the data set. ` : ""),
    nothing: "Nothing is drawn.",
    says: (digit) => `It reads a ${digit}`,
    place: () => where,
    focus: () => pad.focus({ preventScroll: true }),
    show, take, values, count, fit, example: () => example,
  };
};
