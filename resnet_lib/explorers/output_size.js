// The output-size explorer: a K×K window moves over an input of I×I pixels with P zeros on each side, S pixels at a time.
const NAME = "output_size";
const LETTERS = ["I", "K", "P", "S"];
const WIDTH = 300; // of a picture, in its own units: about the width of a phone, so that its text is not made smaller there
const GAP = 1.6; // width of the place where pixels are left out, in cells

const STYLE = `
& [hidden] { display: none !important; }
& .rx-body { container-type: inline-size; }
& .rx-control { grid-template-columns: 7.2rem 1fr 4.6rem; flex-basis: 19rem; }
& .os-panes { display: grid; gap: 0.8rem 1.5rem; }
@container (min-width: 34rem) {
  & .os-panes { grid-template: auto 1fr / 1fr 1fr; }
  & .os-input { grid-area: 1 / 1 / 3 / 2; }
  & .os-formula { grid-area: 1 / 2; }
}
& .os-picture { max-width: 27rem; }
& svg { width: 100%; margin: 0; user-select: none; }
& .os-caption { margin: 0.4rem 0 0.7rem; font-size: 0.88rem; }
& .os-moves { gap: 0.5rem; }
& .os-formula { font-variant-numeric: tabular-nums; }
& .os-formula p { margin: 0; padding-left: 2.2em; text-indent: -2.2em; }
& .os-formula .os-result { font-weight: 700; font-size: 1.1rem; }
& button { min-width: 2.4rem; }
& input[type="range"] { min-height: 2rem; }
& path { stroke: var(--rx-grey); stroke-width: 0.6; }
& pattern path { stroke: var(--rx-orange); stroke-width: 1.6; }
& .os-pixels { fill: var(--rx-blue-fill); }
& .os-padding { fill: var(--rx-field); stroke-width: 0.9; stroke-dasharray: 1.5 1.8; }
& .os-passed { fill: var(--rx-grey); stroke: none; }
& .os-torn { fill: none; stroke-width: 1; }
& .os-cells { fill: var(--rx-green-fill); }
& .os-window { fill: var(--rx-orange-fill); stroke: var(--rx-orange); stroke-width: 3; }
& rect.os-window { fill-opacity: 0.55; }
& .os-window.os-misfit { stroke: var(--rx-red); stroke-dasharray: 6 3; fill: none; }
& .os-moving { transition: transform 0.2s; }
& .os-hand { fill: transparent; cursor: grab; touch-action: none; }
& text { pointer-events: none; }`.replaceAll("&", `[data-explorer="${NAME}"]`);

// The arithmetic of resnet_lib.output_size, for one axis. exact is the value before the floor, as a reduced fraction.
const divisor = (a, b) => (b ? divisor(b, a % b) : Math.abs(a));
const compute = ({ I, K, P, S }, misfit) => {
  const padded = I + 2 * P;
  const free = padded - K; // how far the kernel can move, in pixels
  if (free < 0) {
    const numbers = { K, I, P, padded };
    return { fits: false, padded, free, message: misfit.replace(/\{(\w+)\}/g, (_, name) => numbers[name]) };
  }
  const common = divisor(free + S, S);
  return { fits: true, padded, free, output: Math.floor(free / S) + 1, unused: free % S, exact: [(free + S) / common, S / common] };
};

// What is drawn of one axis. A long axis is drawn in part: `head` pixels at its start, `tail` at its end, a gap between them.
// shown are the positions of the window that can be visited: those drawn whole, and always the first and the last.
const axis = ({ K, S }, { fits, padded, output, unused }) => {
  const side = Math.max(padded, K); // a kernel that does not fit hangs over the edge
  const between = (value) => Math.min(11, Math.max(6, value));
  let [head, tail] = fits ? [between(K + S), between(K + S + unused)] : [side, 0]; // two windows at each end
  if (side <= Math.max(20, head + tail + GAP)) [head, tail] = [side, 0];
  const hidden = side - head - tail;
  const place = (pixel) => {
    if (pixel <= head) return pixel;
    if (pixel >= side - tail) return pixel - hidden + (hidden ? GAP : 0);
    return head + (GAP * (pixel - head)) / hidden;
  };
  const drawn = [...Array(side).keys()].filter((pixel) => pixel < head || pixel >= side - tail);
  const shown = fits ? [...Array(output).keys()].filter((position) => position === 0 || position === output - 1
    || position * S + K <= head || position * S >= side - tail) : [];
  return { side, head, tail, hidden, place, drawn, shown, length: head + tail + (hidden ? GAP : 0) };
};

const words = (number, noun) => `${count(number)} ${noun}${number === 1 ? "" : "s"}`;
const minus = (number) => String(number).replace("-", "−");
const inWords = ([over, under]) => {
  if (under === 1) return String(over);
  const decimal = String(Number((over / under).toFixed(3)));
  return Number(decimal) * under === over ? `${over}/${under} = ${decimal}` : `${over}/${under} ≈ ${decimal}`;
};

const build = (body, data, address) => {
  const hatched = `os-${Math.random().toString(36).slice(2, 8)}`; // a pattern is found by its id, and a page may hold two explorers
  let state = {};
  let result, line, cell, timer;

  const limits = { ...data.limits, row: [1, Infinity], column: [1, Infinity] };
  const take = (wanted) => { // bad values are put right: no number keeps the setting at the start
    for (const [key, [lowest, highest]] of Object.entries(limits)) {
      const value = /^[+-]?\d+$/.test(wanted[key]) ? Number(wanted[key]) : data.start[key] ?? 1;
      state[key] = Math.min(highest, Math.max(lowest, value));
    }
  };

  // ---- what is on the page
  const controls = Object.fromEntries(LETTERS.map((letter) => {
    const label = { I: "Input size I", K: "Kernel size K", P: "Padding P", S: "Stride S" }[letter];
    const [min, max] = data.limits[letter];
    return [letter, numberControl(label, { min, max, value: data.start[letter], changed: (value) => change({ [letter]: value }) })];
  }));
  const settings = [...data.examples, ...data.layers];
  const options = settings.map(([text, { I, K, S }], index) => [index, `${text}: ${K}×${K}, stride ${S}, on ${I}`]);
  const presets = choice("Setting", [["", "your own numbers"], ...options], { value: "", changed: (index) => index && change(settings[index][1]) });
  const input = svg("svg", { role: "img" });
  const output = svg("svg", { role: "img" });
  const inputCaption = el("p", { class: "os-caption" }); // no figcaption: the themes of pages lay hands on it
  const outputCaption = el("p", { class: "os-caption" });
  const formula = el("div", { class: "os-formula" });
  const message = el("p", { class: "rx-message" });
  const status = spoken();
  const play = el("button", { type: "button", onclick: () => (timer ? stop() : run()) }, "Play");
  const button = (text, label, act) => el("button", { type: "button", "aria-label": label, title: label, onclick: () => { stop(); act(); } }, text);
  const moves = el("div", { class: "rx-controls os-moves", role: "group", "aria-label": "Move the window" }, play,
    button("←", "previous position", () => step(-1)), button("→", "next position", () => step(1)),
    button("↑", "one row up", () => step(0, -1)), button("↓", "one row down", () => step(0, 1)));
  body.append(el("style", {}, STYLE), el("p", { class: "rx-title" }, "Output size: move the window"),
    el("div", { class: "rx-controls" }, presets.node), el("div", { class: "rx-controls" }, LETTERS.map((letter) => controls[letter].node)),
    el("div", { class: "os-panes" }, formula, el("div", { class: "os-picture os-input" }, input, inputCaption, moves), el("div", { class: "os-picture" }, output, outputCaption)),
    message, status);

  // ---- drawing
  const square = (size) => `h${size}v${size}h${-size}z`;
  const cells = (places, size, which, shape = square(size)) => places.flatMap((row) => places.filter((column) => which(row, column))
    .map((column) => `M${line.place(column) * size} ${line.place(row) * size}${shape}`)).join("");
  const text = (said, left, top, size, font) => svg("text", { x: left + size / 2, y: top + size / 2, "text-anchor": "middle", "dominant-baseline": "central", "font-size": font }, said);
  const torn = (across, length, size) => [0.15, GAP - 0.15].flatMap((edge) => [false, true].map((turned) => {
    const points = [...Array(Math.ceil(length) + 1).keys()].map((at) => [(across + edge + (at % 2 ? 0.12 : -0.12)) * size, Math.min(at, length) * size]);
    return `M${points.map((point) => (turned ? point.reverse() : point).join(" ")).join("L")}`;
  })).join("");
  const dots = (across, size) => text("⋱", across * size, across * size, GAP * size, 14);

  const drawInput = () => {
    const { I, K, P, S } = state;
    const size = Math.min(30, (WIDTH - 4) / line.length);
    const inImage = (pixel) => pixel >= P && pixel < P + I;
    const padding = (row, column) => Math.max(row, column) < result.padded && !(inImage(row) && inImage(column));
    const lost = (row, column) => result.fits && Math.max(row, column) >= result.padded - result.unused;
    const between = (pixel) => pixel % S >= K;
    const passed = (row, column) => result.fits && !lost(row, column) && (between(row) || between(column));
    const hatch = svg("pattern", { id: hatched, width: 6, height: 6, patternUnits: "userSpaceOnUse", patternTransform: "rotate(45)" }, svg("path", { d: "M3 0V6" }));
    const part = (name, which, shape) => svg("path", { class: name, d: cells(line.drawn, size, which, shape) });
    const lostPart = part("os-lost", lost);
    lostPart.setAttribute("fill", `url(#${hatched})`);
    const radius = Math.max(1.3, size / 12);
    const dot = `m${size / 2 - radius} ${size / 2}a${radius} ${radius} 0 1 0 ${2 * radius} 0a${radius} ${radius} 0 1 0 ${-2 * radius} 0z`;
    const group = svg("g", { transform: "translate(2 2)" }, svg("defs", {}, hatch),
      part("os-padding", padding), part("os-pixels", (row, column) => inImage(row) && inImage(column)), part("os-passed", passed, dot), lostPart);
    if (line.hidden) group.append(svg("path", { class: "os-torn", d: torn(line.head, line.length, size) }), dots(line.head, size));
    const frame = svg("rect", { class: result.fits ? "os-window" : "os-window os-misfit" });
    const hand = svg("rect", { class: "os-hand" }); // larger than a small window, so that a finger finds it
    const mover = svg("g", { class: "os-moving" }, frame, hand);
    group.append(mover);
    if (size >= 15) { // where a digit finds room
      for (const row of line.drawn) {
        for (const column of line.drawn.filter((at) => padding(row, at) && !lost(row, at))) group.append(text("0", line.place(column) * size, line.place(row) * size, size, 12));
      }
    }
    input.replaceChildren(group);
    input.setAttribute("viewBox", `0 0 ${WIDTH} ${line.length * size + 4}`);
    input.lay = (row, column) => {
      const [left, top] = [column, row].map((position) => line.place(position * S) * size);
      const [right, bottom] = [column, row].map((position) => line.place(position * S + K) * size);
      const more = Math.max(0, (34 - (right - left)) / 2);
      mover.style.transform = `translate(${left}px, ${top}px)`;
      for (const [rect, extra] of [[frame, 0], [hand, more]]) {
        for (const [key, value] of Object.entries({ x: -extra, y: -extra, width: right - left + 2 * extra, height: bottom - top + 2 * extra })) rect.setAttribute(key, value);
      }
    };
    // The position whose window has its middle nearest to a point, and the point is in units of the picture.
    input.near = (at) => nearest((position) => Math.abs(((line.place(position * S) + line.place(position * S + K)) / 2) * size + 2 - at));
  };

  const drawOutput = () => {
    output.parentNode.hidden = !result.fits;
    if (!result.fits) return;
    const all = line.shown.length === result.output;
    const first = all ? result.output : line.shown.findIndex((position, index) => position !== index); // the shown ones before the gap
    const length = line.shown.length + (all ? 0 : GAP);
    const size = Math.min(22, (WIDTH - 4) / length);
    const place = (index) => (index < first ? index : index + GAP) * size;
    const one = (row, column) => `M${place(column)} ${place(row)}${square(size)}`;
    const indices = [...line.shown.keys()];
    const lit = svg("path", { class: "os-window" });
    const group = svg("g", { transform: "translate(2 2)" }, svg("path", { class: "os-cells", d: indices.flatMap((row) => indices.map((column) => one(row, column))).join("") }));
    if (!all) group.append(svg("path", { class: "os-torn", d: torn(first, length, size) }), dots(first, size));
    group.append(lit);
    output.replaceChildren(group);
    output.setAttribute("viewBox", `0 0 ${WIDTH} ${length * size + 4}`);
    output.lay = (row, column) => lit.setAttribute("d", one(line.shown.indexOf(row), line.shown.indexOf(column)));
    output.near = (at) => nearest((position) => Math.abs(place(line.shown.indexOf(position)) + size / 2 + 2 - at));
  };
  const nearest = (distance) => line.shown.reduce((best, position) => (distance(position) < distance(best) ? position : best));

  const write = () => {
    const { I, K, P, S } = state;
    const { fits, free, unused, exact } = result;
    const row = (text, name) => el("p", { class: name }, text);
    const rows = [row("O = ⌊(I − K + 2P) / S⌋ + 1"), row(`O = ⌊(${I} − ${K} + 2·${P}) / ${S}⌋ + 1`)];
    if (!fits) {
      formula.replaceChildren(...rows, row(`${I} − ${K} + 2·${P} = ${minus(free)} is below 0: there is no position`, "os-result"));
      message.textContent = `ValueError: ${result.message}`;
      return;
    }
    const exactly = `${free}/${S} + 1 = ${inWords(exact)}`;
    formula.replaceChildren(...rows, row(`O = ⌊${free}/${S}⌋ + 1 = ${Math.floor(free / S)} + 1`), row(`O = ${result.output}`, "os-result"),
      row(unused ? `before the floor: ${exactly}` : `nothing to round: ${exactly}`));
    const whose = unused <= P ? "all of it padding" : P ? `${P} of padding, ${unused - P} of the image` : "of the image itself";
    const said = [unused
      ? `Left over by the floor: ${words(unused, "column")} and ${words(unused, "row")} at the far edges, hatched, ${whose}. (I − K + 2P) mod S = ${free} mod ${S} = ${unused}.`
      : "Nothing is left over: the last window ends at the far edge."];
    if (K < S && result.output > 1) said.push(`The stride is larger than the kernel: it passes over ${words(S - K, "pixel")} between two windows, marked with a dot.`);
    message.textContent = said.join(" ");
  };

  // The window moves; row and column in the state count from 1, as a reader does.
  const lay = () => {
    const { I, K, P, S } = state;
    const ground = `Padded input: ${I} + 2·${P} = ${result.padded} pixels on each side${P ? ", the zeros in dotted frames" : ""}.`;
    if (!result.fits) {
      input.lay(0, 0);
      inputCaption.textContent = `${ground} The kernel of ${K} by ${K}, in dashes, hangs over its edge.`;
      input.setAttribute("aria-label", inputCaption.textContent);
      return;
    }
    const [row, column] = ["row", "column"].map((key) => nearest((position) => Math.abs(position + 1 - state[key])));
    Object.assign(state, { row: row + 1, column: column + 1 });
    input.lay(row, column);
    output.lay(row, column);
    const span = (position) => (K === 1 ? `${position * S + 1}` : `${position * S + 1} to ${position * S + K}`);
    const left = line.hidden ? ` Drawn in part: ${count(line.hidden)} rows and columns in the middle are left out.` : "";
    inputCaption.textContent = `${ground} The window is on row${K === 1 ? "" : "s"} ${span(row)}, column${K === 1 ? "" : "s"} ${span(column)}.${left}`;
    const here = `the cell in row ${row + 1}, column ${column + 1} is lit`;
    outputCaption.textContent = `Output: ${result.output} × ${result.output}; ${here}.`;
    input.setAttribute("aria-label", `${inputCaption.textContent} ${message.textContent}`);
    output.setAttribute("aria-label", outputCaption.textContent);
  };

  let speaking;
  const speak = (text) => { // after the last of many changes only
    clearTimeout(speaking);
    speaking = setTimeout(() => { status.textContent = text; }, 500);
  };
  const show = () => {
    result = compute(state, data.misfit);
    line = axis(state, result);
    for (const letter of LETTERS) controls[letter].set(state[letter]);
    const chosen = settings.findIndex(([, setting]) => LETTERS.every((letter) => setting[letter] === state[letter]));
    presets.set(chosen < 0 ? "" : String(chosen));
    message.classList.toggle("rx-wrong", !result.fits);
    moves.hidden = !result.fits;
    drawInput();
    drawOutput();
    write();
    lay();
  };
  const change = (wanted) => {
    stop();
    take({ ...state, ...wanted });
    show();
    writeAddress(NAME, state);
    speak(result.fits ? `Output ${result.output} by ${result.output}. ${message.textContent}` : message.textContent);
  };
  const moveTo = (row, column) => {
    if (row + 1 === state.row && column + 1 === state.column) return;
    Object.assign(state, { row: row + 1, column: column + 1 });
    lay();
    if (timer) return; // while it plays, nothing is said and the address stays as it is
    writeAddress(NAME, state);
    speak(outputCaption.textContent);
  };

  // ---- moving: positions in the order of reading, the left-out ones are jumped over
  const step = (by, rows = 0) => {
    const { shown } = line;
    const last = shown.length - 1;
    let [row, column] = [shown.indexOf(state.row - 1), shown.indexOf(state.column - 1) + by];
    if (column > last && row < last) [row, column] = [row + 1, 0];
    if (column < 0 && row > 0) [row, column] = [row - 1, last];
    const inside = (index) => Math.min(last, Math.max(0, index));
    moveTo(shown[inside(row + rows)], shown[inside(column)]);
  };
  const atEnd = () => state.row === result.output && state.column === result.output;
  const stop = () => {
    if (!timer) return;
    clearInterval(timer);
    timer = null;
    play.textContent = "Play";
    writeAddress(NAME, state);
    speak(outputCaption.textContent);
  };
  const run = () => {
    play.textContent = "Pause";
    timer = setInterval(() => { step(1); if (atEnd()) stop(); }, 600);
    if (atEnd()) moveTo(0, 0);
  };
  for (const picture of [input, output]) {
    const point = (event) => {
      if (!result.fits) return;
      const at = new DOMPoint(event.clientX, event.clientY).matrixTransform(picture.getScreenCTM().inverse());
      stop();
      moveTo(picture.near(at.y), picture.near(at.x));
    };
    let held = false;
    picture.addEventListener("pointerdown", (event) => {
      // a finger beside the window may want to scroll the page; its tap comes as a click
      if (event.pointerType !== "mouse" && !event.target.classList.contains("os-hand")) return;
      held = true;
      picture.setPointerCapture(event.pointerId);
      event.preventDefault();
    });
    picture.addEventListener("pointermove", (event) => held && point(event));
    for (const end of ["pointerup", "pointercancel"]) picture.addEventListener(end, () => { held = false; });
    picture.addEventListener("click", point);
  }
  addEventListener("hashchange", () => { // someone follows a link to a setting
    const wanted = readAddress(NAME);
    if (Object.keys(wanted).length) { stop(); take(wanted); show(); }
  });

  take(address);
  show();
  const arithmetic = (setting) => compute(setting, data.misfit);
  return { compute: arithmetic, shown: (setting) => axis(setting, arithmetic(setting)).shown };
};
start(NAME, build);
