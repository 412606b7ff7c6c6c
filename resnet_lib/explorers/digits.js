const LOOK = `
  .rx .digits-views { display: flex; flex-wrap: wrap; gap: 1rem 1.4rem; justify-content: center; }
  .rx .digits-views > div { flex: 1 1 14rem; max-width: 19rem; }
  .rx .digits-views p { margin: 0 0 0.3rem; font-weight: 600; }
  .rx .digits-views svg { width: 100%; background: var(--rx-field); border: 1px solid var(--rx-grey); }
  .rx .digits-pad svg { touch-action: none; user-select: none; -webkit-user-select: none; cursor: crosshair; }
  .rx .digits-views table { margin: 0; }
  .rx .digits-views td, .rx .digits-views th { padding: 0.1rem 0.3rem; border: 0; }
  .rx .digits-views td:nth-child(2) { width: 70%; }
  .rx .digits-bar { height: 0.9rem; background: var(--rx-blue); }
  .rx tr.digits-best { background: var(--rx-blue-fill); font-weight: 700; }
  .rx .digits-maps p { margin: 0.8rem 0 0.2rem; }
  .rx .digits-maps svg { margin: 0; }
  .rx .digits-fit { display: flex; gap: 0.4rem; align-items: center; min-height: 2rem; }`;

const FROM_A_FILE = "This page was opened as a file, and browsers do not let a file load others. Open the published book, or serve the site: "
  + "python3 -m http.server in the folder _build/html, then the address localhost:8000.";
const NO_WEBASSEMBLY = "This browser does not run WebAssembly, or has it switched off. The network needs it.";

start("digits", (body, data, address) => {
  const { grid, block, widest, brush, examples, stages } = data;
  const side = grid / block;
  let ink = new Array(grid * grid).fill(0); // the drawing, row by row
  let example = 0; // 1 to 10, or 0 for the reader's own drawing
  let fitted = true;
  let cursor = { x: grid / 2, y: grid / 2 };
  let session = null, ort = null, answer = null;

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
  const softmax = (logits) => {
    const highest = Math.max(...logits), powers = logits.map((logit) => Math.exp(logit - highest));
    const sum = powers.reduce((a, b) => a + b, 0);
    return powers.map((power) => power / sum);
  };
  const counts = () => (example ? examples[example - 1] : count(fitted ? fit(ink) : ink));

  // The runtime takes one image at a time.
  let last = Promise.resolve();
  const run = (values) => {
    const next = last.then(async () => {
      const outputs = await session.run({ counts: new ort.Tensor("float32", Float32Array.from(values), [1, 1, side, side]) });
      return Object.fromEntries(Object.entries(outputs).map(([name, tensor]) => [name, Array.from(tensor.data)]));
    });
    last = next.catch(() => null);
    return next;
  };

  const say = spoken();
  let speaking;
  const speak = (text) => { clearTimeout(speaking); speaking = setTimeout(() => { say.textContent = text; }, 500); };

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
    speak(where + told());
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

  // The answer
  const bars = examples.map((_, digit) => {
    const bar = el("div", { class: "digits-bar" }), number = el("td", {});
    return { bar, number, row: el("tr", {}, el("th", { scope: "row" }, String(digit)), el("td", {}, bar), number) };
  });
  const message = el("p", { class: "rx-message" });
  const load = el("button", { type: "button", onclick: () => loadNetwork() }, `Load the network (${data.megabytes} MB)`);

  // The feature maps: one square for each number, the stronger the larger
  const maps = stages.map(({ channels, size, place: title }) => {
    const across = size === 2 ? 16 : 8, tile = 1.12;
    const pixels = [], frames = [];
    for (let map = 0; map < channels; map += 1) {
      const x = (map % across) * tile + 0.06, y = Math.floor(map / across) * tile + 0.06;
      frames.push(svg("rect", { x, y, width: 1, height: 1, fill: "none", stroke: "var(--rx-grey)", "stroke-width": 0.02 }));
      for (let n = 0; n < size * size; n += 1)
        pixels.push(svg("rect", { x: x + (n % size) / size, y: y + Math.floor(n / size) / size, width: 1 / size, height: 1 / size, fill: "var(--rx-ink)", "fill-opacity": 0 }));
    }
    const width = across * tile, height = Math.ceil(channels / across) * tile;
    const view = svg("svg", { viewBox: `0 0 ${width} ${height}`, width: 512, role: "img", "shape-rendering": "crispEdges" }, pixels, frames);
    return { pixels, view, name: `${title}: ${channels} maps of ${size}×${size}` };
  });

  const told = () => {
    if (!session) return "";
    if (!answer) return "Nothing is drawn.";
    const chances = softmax(answer.logits), best = chances.indexOf(Math.max(...chances));
    return `It reads a ${best}, with probability ${chances[best].toFixed(3)}.`;
  };
  const show = () => {
    const path = [];
    if (!example) ink.forEach((set, n) => { if (set) path.push(`M${n % grid} ${Math.floor(n / grid)}h1v1h-1z`); });
    strokes.setAttribute("d", path.join(""));
    const values = counts();
    cells.forEach(([square, text], n) => {
      // a step in the middle, so that the number can be read on every grey
      square.setAttribute("fill-opacity", values[n] > block ** 2 / 2 ? 0.65 + (values[n] - 9) * 0.05 : values[n] * 0.04);
      text.style.fill = values[n] > block ** 2 / 2 ? "var(--rx-field)" : "var(--rx-ink)";
      text.textContent = values[n] || "";
    });
    const rows = Array.from({ length: side }, (_, row) => values.slice(row * side, (row + 1) * side).join(" "));
    countsView.setAttribute("aria-label", `Counts of ink from 0 to ${block ** 2}, row by row: ${rows.join("; ")}`);
    const chances = answer ? softmax(answer.logits) : null;
    bars.forEach(({ bar, number, row }, digit) => {
      bar.style.width = chances ? `${100 * chances[digit]}%` : 0;
      number.textContent = chances ? chances[digit].toFixed(3) : "–";
      row.className = chances && chances[digit] === Math.max(...chances) ? "digits-best" : "";
    });
    maps.forEach(({ pixels, view, name }, stage) => {
      const numbers = answer ? answer[stages[stage].output] : null;
      const largest = numbers ? Math.max(...numbers) : 0;
      pixels.forEach((pixel, n) => pixel.setAttribute("fill-opacity", largest ? Math.max(0, numbers[n]) / largest : 0));
      const size = stages[stage].size ** 2;
      const silent = numbers ? Array.from({ length: stages[stage].channels }, (_, map) => numbers.slice(map * size, (map + 1) * size)).filter((map) => Math.max(...map) <= 0).length : 0;
      const which = numbers ? Math.floor(numbers.indexOf(largest) / size) + 1 : 0;
      view.setAttribute("aria-label", answer ? `${name}. The largest number, ${largest.toFixed(2)}, is in map ${which}; ${silent} maps are 0 everywhere.` : `${name}, empty until the network reads something.`);
    });
    if (session) message.textContent = (example ? `Test image ${example} of ${examples.length}, a ${example - 1}. It comes as 8×8 counts: its drawing is not in the data set. ` : "") + told();
  };

  let reading = false, again = false, written = null;
  const changed = async () => {
    if (example !== written) writeAddress("digits", { example }); // not at each point of a line: browsers count such calls
    written = example;
    show();
    again = true;
    if (!session || reading) return;
    reading = true;
    while (again) {
      again = false;
      const values = counts();
      try {
        answer = values.some(Boolean) ? await run(values) : null;
      } catch (problem) {
        answer = null;
        message.textContent = `The network stopped: ${problem.message}`;
      }
    }
    reading = false;
    show();
    speak(where + told());
  };

  const trouble = (text) => {
    message.textContent = text;
    message.classList.add("rx-wrong");
    speak(text);
    load.disabled = false;
  };
  const loadNetwork = async () => {
    if (location.protocol === "file:") return trouble(FROM_A_FILE);
    if (typeof WebAssembly !== "object") return trouble(NO_WEBASSEMBLY);
    load.disabled = true;
    message.classList.remove("rx-wrong");
    message.textContent = "Loading the network …";
    try {
      const folder = new URL(`${data.folder}/`, document.baseURI).href;
      ort = await import(`${folder}ort.wasm.bundle.min.mjs`);
      ort.env.logLevel = "error";
      ort.env.wasm.numThreads = 1; // several need headers that few hosts send
      ort.env.wasm.wasmPaths = { wasm: `${folder}ort-wasm-simd-threaded.wasm` };
      const options = { executionProviders: ["wasm"], logSeverityLevel: 3 };
      session = await ort.InferenceSession.create(`${folder}digits.onnx`, options);
    } catch (problem) {
      return trouble(`The network could not be loaded. Look at your connection, reload the page and press the button again. The browser says: ${problem.message}`);
    }
    pad.focus({ preventScroll: true });
    load.remove();
    await changed();
  };

  const clear = () => { ink.fill(0); example = 0; changed(); };
  const check = el("input", { type: "checkbox", checked: true, onchange: () => { fitted = check.checked; changed(); } });
  const wanted = Number(address.example);
  if (Number.isInteger(wanted) && wanted >= 1 && wanted <= examples.length) example = wanted;
  message.textContent = "Draw a digit, or take an example. What the network makes of it appears once it is loaded; nothing leaves your browser.";
  body.append(
    el("style", {}, LOOK),
    el("div", { class: "rx-controls" },
      load,
      el("button", { type: "button", onclick: clear }, "Clear"),
      el("button", { type: "button", onclick: () => { example = (example % examples.length) + 1; changed(); } }, "An example from the test images"),
      el("label", { class: "digits-fit" }, check, "Fit the drawing to the frame")),
    message,
    el("div", { class: "digits-views" },
      el("div", { class: "digits-pad" }, el("p", {}, `Draw here, on ${grid}×${grid} pixels`), pad),
      el("div", {}, el("p", {}, `What the network gets: ${side}×${side} counts`), countsView),
      el("div", {}, el("p", {}, "Probability of each digit"), el("table", {},
        el("caption", { class: "rx-visually-hidden" }, "Probability of each digit"),
        el("thead", { class: "rx-visually-hidden" }, el("tr", {}, ["digit", "bar", "probability"].map((text) => el("th", { scope: "col" }, text)))),
        el("tbody", {}, bars.map(({ row }) => row))))),
    el("div", { class: "digits-maps" }, maps.flatMap(({ name, view }) => [el("p", {}, name), view])),
    say,
  );
  show();
  return { count, fit, softmax, run, counts, answer: () => answer, ready: () => session !== null && !reading };
});
