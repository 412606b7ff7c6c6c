// As wide as there is room for at the start, so that the letters stay as large as those of the page.
const WIDTH = Math.min(640, Math.max(300, document.documentElement.clientWidth - 70));
const HEIGHT = 340, LEFT = 58, RIGHT = 96, TOP = 12, BOTTOM = 44, LETTERS = 13;
const LOWEST = 1e-3, HIGHEST = 4; // of the axis of the loss
const STYLES = {
  plain: { colour: "orange", dashes: "7 4", marker: (x, y) => svg("rect", { x: x - 3.5, y: y - 3.5, width: 7, height: 7, fill: "var(--rx-orange)" }) },
  residual: { colour: "blue", dashes: null, marker: (x, y) => svg("circle", { cx: x, cy: y, r: 4, fill: "var(--rx-blue)" }) },
};

const median = (values) => {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 ? sorted[Math.floor(middle)] : (sorted[middle - 1] + sorted[middle]) / 2;
};
// Of several runs, at each point: lowest, median, highest.
const band = (runs) => runs[0].map((_, point) => {
  const values = runs.map((run) => run[point]);
  return [Math.min(...values), median(values), Math.max(...values)];
});
// The place of a loss on the logarithmic axis, in pixels from above.
const height = (loss) => {
  const share = Math.log(Math.max(loss, LOWEST) / LOWEST) / Math.log(HIGHEST / LOWEST);
  return TOP + (1 - share) * (HEIGHT - TOP - BOTTOM);
};
const short = (loss) => (loss >= 0.1 ? loss.toFixed(2) : loss.toPrecision(2));

start("degradation", (body, data, address) => {
  const { depths, size, curves, finals } = data;
  const points = curves.plain[0][0].length;
  const across = (step) => LEFT + (step / (points * size)) * (WIDTH - LEFT - RIGHT);
  let chosen = depths.indexOf(Number(address.depth));
  if (chosen < 0) chosen = data.start;

  const name = el("strong", {});
  const slider = el("input", { type: "range", min: 0, max: depths.length - 1, step: 1, value: chosen, "aria-label": "layers" });
  const shallower = el("button", { type: "button", onclick: () => go(chosen - 1) }, "◀ shallower");
  const deeper = el("button", { type: "button", onclick: () => go(chosen + 1) }, "deeper ▶");
  const chart = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img" });
  const table = el("tbody", {});
  const say = spoken();

  const axes = () => {
    const lines = [0.001, 0.01, 0.1, 1].flatMap((loss) => [
      svg("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: height(loss), y2: height(loss), stroke: "var(--rx-line)" }),
      svg("text", { x: LEFT - 8, y: height(loss) + 5, "text-anchor": "end", "font-size": LETTERS }, String(loss)),
    ]);
    const ticks = [0, 100, 200, 300].filter((step) => step <= points * size).map((step) =>
      svg("text", { x: across(step), y: HEIGHT - BOTTOM + 20, "text-anchor": "middle", "font-size": LETTERS }, String(step)));
    return [
      ...lines, ...ticks,
      svg("text", { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 5, "text-anchor": "middle", "font-size": LETTERS }, "step"),
      svg("text", { x: 14, y: HEIGHT / 2, "text-anchor": "middle", "font-size": LETTERS, transform: `rotate(-90 14 ${HEIGHT / 2})` }, "training loss"),
    ];
  };
  const line = (kind) => {
    const { colour, dashes, marker } = STYLES[kind];
    const places = band(curves[kind][chosen]).map((values, point) => [across((point + 1) * size), ...values.map(height)]);
    const edge = [...places.map(([x, low]) => `${x},${low}`), ...places.map(([x, , , high]) => `${x},${high}`).reverse()];
    const [x, , y] = places[places.length - 1];
    return [
      svg("polygon", { points: edge.join(" "), fill: `var(--rx-${colour})`, opacity: 0.22 }),
      svg("polyline", { points: places.map(([px, , middle]) => `${px},${middle}`).join(" "), fill: "none", stroke: `var(--rx-${colour})`, "stroke-width": 2.5, "stroke-dasharray": dashes }),
      places.filter((_, point) => point % 3 === 2).map(([px, , middle]) => marker(px, middle)),
      svg("text", { x: x + 9, y: y + 5, "font-size": LETTERS, "font-weight": 700, style: `fill: var(--rx-${colour})` }, `${kind}-${depths[chosen]}`),
    ];
  };
  const result = (kind) => {
    const values = finals[kind][chosen];
    return [short(Math.min(...values)), short(median(values)), short(Math.max(...values))];
  };

  const show = () => {
    const text = Object.keys(STYLES).map((kind) => {
      const [low, middle, high] = result(kind);
      return `${kind} ${middle}, from ${low} to ${high}`;
    });
    const sentence = `${depths[chosen]} layers, loss in the last tenth of the steps: ${text.join("; ")}.`;
    name.textContent = `${depths[chosen]} layers`;
    slider.value = chosen;
    slider.setAttribute("aria-valuetext", `${depths[chosen]} layers`);
    shallower.disabled = chosen === 0;
    deeper.disabled = chosen === depths.length - 1;
    chart.setAttribute("aria-label", `Training loss over ${points * size} steps on a logarithmic axis. ${sentence}`);
    chart.replaceChildren(...axes(), ...Object.keys(STYLES).flatMap(line).flat());
    table.replaceChildren(...Object.keys(STYLES).map((kind) =>
      el("tr", {}, el("th", { scope: "row" }, `${kind}-${depths[chosen]}`), result(kind).map((value) => el("td", {}, value)))));
    say.textContent = sentence;
  };
  const go = (wanted) => {
    chosen = Math.min(depths.length - 1, Math.max(0, wanted));
    show();
    writeAddress("degradation", { depth: depths[chosen] });
  };
  slider.addEventListener("input", () => go(Number(slider.value)));

  body.append(
    el("div", { class: "rx-controls" }, name, shallower, el("div", { style: "flex: 1 1 8rem" }, slider), deeper),
    chart,
    el("table", {},
      el("caption", { class: "rx-visually-hidden" }, "Loss in the last tenth of the steps, over all seeds"),
      el("thead", {}, el("tr", {}, ["loss at the end", "lowest", "median", "highest"].map((text) => el("th", { scope: "col" }, text)))),
      table),
    say,
  );
  show();
  return { band: (kind, index) => band(curves[kind][index]), height, chosen: () => depths[chosen] };
});
