// Both networks: loading them, asking them, and what they answer. digits.js and clothes.js make the image that they get.
const LOOK = `
  .rx .reading-kinds { display: flex; flex-wrap: wrap; gap: 0 1.4rem; margin: 0 0 0.7rem; padding: 0; border: 0; }
  .rx .reading-kinds legend { float: left; width: auto; margin: 0 1.4rem 0 0; padding: 0; font-size: inherit; line-height: 2rem; }
  .rx .rx-controls:empty { display: none; }
  .rx .reading-kinds label, .rx .reading-fit { display: flex; gap: 0.4rem; align-items: center; min-height: 2rem; }
  .rx .reading-views { display: flex; flex-wrap: wrap; gap: 1rem 1.4rem; justify-content: center; }
  .rx .reading-views > div { flex: 1 1 14rem; max-width: 19rem; }
  .rx .reading-views p { margin: 0 0 0.3rem; font-weight: 600; }
  .rx .reading-views table { margin: 0; }
  .rx .reading-views td, .rx .reading-views th { padding: 0.1rem 0.3rem; border: 0; }
  .rx .reading-views tbody th { white-space: nowrap; }
  .rx .reading-views td:nth-child(2) { width: 70%; }
  .rx .reading-bar { height: 0.9rem; background: var(--rx-blue); }
  .rx tr.reading-best { background: var(--rx-blue-fill); font-weight: 700; }
  .rx .reading-maps p { margin: 0.8rem 0 0.2rem; }
  .rx .reading-maps div { display: grid; gap: 0.25rem; max-width: 32rem; }
  .rx .reading-maps span { background: var(--rx-field); border: 1px solid var(--rx-grey); }
  .rx canvas { display: block; width: 100%; aspect-ratio: 1; image-rendering: pixelated; }
  html[data-theme="dark"] .rx .reading-maps canvas { filter: invert(1); }`;

const FROM_A_FILE = "This page was opened as a file, and browsers do not let a file load others. Open the published book, or serve the site: "
  + "python3 -m http.server in the folder _build/html, then the address localhost:8000.";
const NO_WEBASSEMBLY = "This browser does not run WebAssembly, or has it switched off. The network needs it.";

const softmax = (logits) => {
  const highest = Math.max(...logits), powers = logits.map((logit) => Math.exp(logit - highest));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => power / sum);
};

// One pixel of a canvas for each share from 0 to 1: its opacity, or its grey from black to white.
const paint = (canvas, shares, grey = false) => {
  const bytes = Uint8ClampedArray.from(shares.flatMap((share) => (grey ? [255 * share, 255 * share, 255 * share, 255] : [0, 0, 0, 255 * share])));
  canvas.getContext("2d").putImageData(new ImageData(bytes, canvas.width), 0, 0);
};

const probabilityTable = (classes, title) => {
  const rows = classes.map((name) => {
    const bar = el("div", { class: "reading-bar" }), number = el("td", {});
    return { bar, number, row: el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, bar), number) };
  });
  const show = (chances) => rows.forEach(({ bar, number, row }, n) => {
    bar.style.width = chances ? `${100 * chances[n]}%` : 0;
    number.textContent = chances ? chances[n].toFixed(3) : "–";
    row.className = chances && chances[n] === Math.max(...chances) ? "reading-best" : "";
  });
  const node = el("table", {},
    el("caption", { class: "rx-visually-hidden" }, title),
    el("thead", { class: "rx-visually-hidden" }, el("tr", {}, ["class", "bar", "probability"].map((text) => el("th", { scope: "col" }, text)))),
    el("tbody", {}, rows.map(({ row }) => row)));
  return { node: el("div", {}, el("p", {}, title), node), show };
};

// The maps of one stage: the larger a number, the stronger its square.
const mapsOf = ({ output, place, channels, size }) => {
  const name = `${place}: ${channels} maps of ${size}×${size}`;
  const canvases = Array.from({ length: channels }, () => el("canvas", { width: size, height: size }));
  const view = el("div", { role: "img", style: `grid-template-columns: repeat(${channels > 16 ? 16 : 8}, 1fr)` }, canvases.map((canvas) => el("span", {}, canvas)));
  const show = (answer) => {
    const numbers = answer ? answer[output] : new Array(channels * size ** 2).fill(0);
    const maps = canvases.map((_, map) => numbers.slice(map * size ** 2, (map + 1) * size ** 2));
    const strongest = maps.map((map) => Math.max(...map)), largest = Math.max(...strongest);
    canvases.forEach((canvas, map) => paint(canvas, maps[map].map((number) => (largest > 0 ? Math.max(0, number) / largest : 0))));
    const told = `The largest number, ${largest.toFixed(2)}, is in map ${strongest.indexOf(largest) + 1}; ${strongest.filter((most) => most <= 0).length} maps are 0 everywhere.`;
    view.setAttribute("aria-label", answer ? `${name}. ${told}` : `${name}, empty until the network reads something.`);
  };
  return { nodes: [el("p", {}, name), view], show };
};

// One of the networks: loaded on demand, then it takes one image at a time.
const network = (name, side, shared) => {
  let session = null, ort = null, last = Promise.resolve();
  const load = async () => {
    ort = await shared.runtime();
    session = await ort.InferenceSession.create(`${shared.folder}${name}.onnx`, { executionProviders: ["wasm"], logSeverityLevel: 3 });
  };
  const run = (values) => {
    const next = last.then(async () => {
      const outputs = await session.run({ pixels: new ort.Tensor("float32", Float32Array.from(values), [1, 1, side, side]) });
      return Object.fromEntries(Object.entries(outputs).map(([output, tensor]) => [output, Array.from(tensor.data)]));
    });
    last = next.catch(() => null);
    return next;
  };
  return { load, run, loaded: () => session !== null };
};

// A network and the input that makes images for it: input(data, { changed, trouble, speak }) gives what the page shows (controls, views,
// show, focus), what the network gets (values: its pixels; example: 1 to 10, or 0 for the reader's own) and the sentences.
const reader = (name, data, shared, input) => {
  const { side, classes, stages } = data[name];
  const net = network(name, side, shared);
  let answer = null, wrong = null;
  let loading = false, reading = false, again = false;

  const say = spoken();
  let speaking;
  const speak = (text = image.place() + told()) => { clearTimeout(speaking); speaking = setTimeout(() => { say.textContent = text; }, 500); };
  const told = () => {
    if (!net.loaded()) return "";
    if (!answer) return image.nothing;
    const chances = softmax(answer.logits), best = chances.indexOf(Math.max(...chances));
    return `${image.says(classes[best])}, with probability ${chances[best].toFixed(3)}.`;
  };
  const show = () => {
    image.show();
    table.show(answer ? softmax(answer.logits) : null);
    maps.forEach((stage) => stage.show(answer));
    message.textContent = wrong ?? (loading ? "Loading the network …" : net.loaded() ? image.about() + told() : image.intro);
    message.classList.toggle("rx-wrong", wrong !== null);
    button.textContent = `Load the network (${shared.megabytes(name)} MB)`;
    button.disabled = loading;
  };
  const trouble = (text) => {
    wrong = text;
    show();
    speak(text);
  };

  const changed = async () => {
    shared.write(name, image.example());
    wrong = null;
    show();
    again = true;
    if (!net.loaded() || reading) return;
    reading = true;
    while (again) {
      again = false;
      const values = image.values();
      try {
        answer = values.some(Boolean) ? await net.run(values) : null;
      } catch (problem) {
        answer = null;
        wrong = `The network stopped: ${problem.message}`;
      }
    }
    reading = false;
    show();
    speak();
  };

  const load = async () => {
    if (location.protocol === "file:") return trouble(FROM_A_FILE);
    if (typeof WebAssembly !== "object") return trouble(NO_WEBASSEMBLY);
    loading = true;
    wrong = null;
    show();
    try {
      await net.load();
    } catch (problem) {
      return trouble(`The network could not be loaded. Look at your connection, reload the page and press the button again. The browser says: ${problem.message}`);
    } finally {
      loading = false;
      show();
    }
    image.focus();
    button.remove();
    await changed();
  };

  const image = input(data[name], { changed, trouble, speak: () => speak() });
  const message = el("p", { class: "rx-message" });
  const button = el("button", { type: "button", onclick: load });
  const table = probabilityTable(classes, image.table), maps = stages.map(mapsOf);
  const node = el("div", { class: `reading-${name}` },
    el("div", { class: "rx-controls" }, button, image.controls),
    message,
    el("div", { class: "reading-views" }, image.views, table.node),
    el("div", { class: "reading-maps" }, maps.flatMap(({ nodes }) => nodes)),
    say);
  const ready = () => net.loaded() && !reading;
  return { node, show, image, tests: { ...image, softmax, run: net.run, answer: () => answer, ready } };
};

start("reading", (body, data, address) => {
  let runtime = false, written = "";
  const folder = new URL(`${data.folder}/`, document.baseURI).href;
  const shared = {
    folder,
    // The program that runs both networks, loaded with the first of them.
    runtime: async () => {
      const ort = await import(`${folder}ort.wasm.bundle.min.mjs`);
      ort.env.logLevel = "error";
      ort.env.wasm.numThreads = 1; // several need headers that few hosts send
      ort.env.wasm.wasmPaths = { wasm: `${folder}ort-wasm-simd-threaded.wasm` };
      runtime = true;
      return ort;
    },
    megabytes: (name) => ((data[name].size + (runtime ? 0 : data.runtime)) / 1e6).toFixed(1),
    write: (net, example) => { // not at each point of a line: browsers count such calls
      if (written !== `${net} ${example}`) writeAddress("reading", { net, example });
      written = `${net} ${example}`;
    },
  };
  const readers = {
    digits: reader("digits", data, shared, drawnDigit),
    clothes: reader("clothes", data, shared, photograph),
  };
  const place = el("div");
  const show = (chosen) => {
    readers[chosen].show();
    place.replaceChildren(readers[chosen].node);
  };
  const chosen = address.net === "clothes" ? "clothes" : "digits";
  const wanted = Number(address.example);
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= 10) readers[chosen].image.take(wanted);
  const kinds = Object.entries({ digits: "drawn digits", clothes: "clothes" }).map(([name, text]) => el("label", {},
    el("input", { type: "radio", name: "reading", value: name, checked: name === chosen, onchange: () => {
      show(name);
      shared.write(name, readers[name].image.example());
    } }), text));
  body.append(
    el("style", {}, LOOK + DIGITS_LOOK + CLOTHES_LOOK),
    el("fieldset", { class: "reading-kinds" }, el("legend", {}, "What it reads"), kinds),
    place);
  show(chosen);
  return { digits: readers.digits.tests, clothes: readers.clothes.tests };
});
