// The block explorer: one residual block with every shape and cost, and what the classic mistakes do to it.
const LIMITS = { in: [1, 2048], channels: [1, 512], size: [1, 224] };
const BATCH = 2; // PyTorch's messages name whole shapes, so they need a number of images

const shapeText = (shape) => shape.join(" × ");
const batched = (shape) => `[${[BATCH, ...shape].join(", ")}]`;
const outputSize = (size, { kernel, padding, stride }) => Math.floor((size - kernel + 2 * padding) / stride) + 1;

// A convolution and the batch norm after it. `norm` is the number of channels that this batch norm is built for.
const conv = (from, to, kernel, stride) => ({ from, to, kernel, stride, padding: (kernel - 1) / 2, norm: to, wrong: [] });
const isWide = (layer) => layer.kernel === 3;
// Changes a layer and notes which of its numbers are wrong now, if any.
const spoil = (layer, change) => Object.assign(layer, { wrong: Object.keys(change).filter((key) => layer[key] !== change[key]) }, change);

// Each mistake changes the right block. `kind` limits it to one of the two; `why` says what was written.
const MISTAKES = {
  no_projection: { place: "shortcut", text: "never", why: "The shortcut is x itself, whatever the shapes.",
    make: (block) => { block.projection = null; } },
  only_stride: { place: "shortcut", text: "only if the stride is not 1", why: "The code asks for the stride alone, not for the channels.",
    make: (block) => { if (!block.reasons.size) block.projection = null; } },
  only_channels: { place: "shortcut", text: "only if the channels differ", why: "The code asks for the channels alone, not for the stride.",
    example: "None of ResNet's own blocks shows it. Set stride 2, and in_channels equal to the channels that the block outputs.",
    make: (block) => { if (!block.reasons.channels) block.projection = null; } },
  condition_without_expansion: { place: "shortcut", kind: "bottleneck", text: "by a condition without × 4",
    why: "The code compares in_channels with channels, not with channels × 4.",
    make: (block, { in: from, channels }) => { block.projection = block.reasons.size || from !== channels ? block.project() : null; } },
  projection_without_stride: { place: "shortcut", text: "without the stride", why: "The projection has a stride of 1, whatever the branch has.",
    make: (block) => { if (block.projection) spoil(block.projection, { stride: 1 }); } },
  projection_without_expansion: { place: "shortcut", kind: "bottleneck", text: "without × 4",
    why: "The projection outputs channels, not channels × 4.",
    make: (block, { channels }) => { if (block.projection) spoil(block.projection, { to: channels, norm: channels }); } },
  stride_twice: { place: "branch", text: "the stride twice", why: "A second convolution of the branch has the stride too.",
    make: (block, { kind, stride }) => spoil(block.convs[kind === "basic" ? 1 : 0], { stride }) },
  no_padding: { place: "branch", text: "no padding in the 3×3", why: "The padding of 1 is forgotten, so each 3×3 outputs a smaller map.",
    make: (block) => block.convs.filter(isWide).forEach((layer) => spoil(layer, { padding: 0 })) },
  padded_1x1: { place: "branch", kind: "bottleneck", text: "padding 1 in the 1×1", why: "The padding of the 3×3 is copied to the 1×1 convolutions of the branch.",
    make: (block) => block.convs.filter((layer) => !isWide(layer)).forEach((layer) => spoil(layer, { padding: 1 })) },
  conv2_in_channels: { place: "branch", text: "conv2 for in_channels", why: "The line of conv1 is copied: conv2 expects in_channels, but it receives channels.",
    make: (block, { in: from }) => spoil(block.convs[1], { from }) },
  conv3_without_expansion: { place: "branch", kind: "bottleneck", text: "conv3 without × 4", why: "The last convolution outputs channels, not channels × 4.",
    make: (block, { channels }) => spoil(block.convs[2], { to: channels, norm: channels }) },
  norm3_without_expansion: { place: "branch", kind: "bottleneck", text: "batchnorm3 without × 4", why: "The last batch norm is built for channels, not for channels × 4.",
    make: (block, { channels }) => spoil(block.convs[2], { norm: channels }) },
  paper_stride: { place: "branch", kind: "bottleneck", text: "the paper's stride (no mistake)", right: true,
    why: "No mistake, but the paper's choice: the first 1×1 has the stride, and the 3×3 has a stride of 1. With stride 2, the 1×1 reads only every second pixel in each direction.",
    make: (block, { stride }) => { block.convs[0].stride = stride; block.convs[1].stride = 1; } },
};
const applies = (mistake, kind) => Object.hasOwn(MISTAKES, mistake) && [undefined, kind].includes(MISTAKES[mistake].kind);

// The block as someone builds it, before any image comes: its convolutions, its projection or null.
const design = (setting, expansion) => {
  const { kind, in: from, channels, stride, mistake } = setting;
  const out = channels * expansion[kind];
  const convs = kind === "basic"
    ? [conv(from, channels, 3, stride), conv(channels, out, 3, 1)]
    : [conv(from, channels, 1, 1), conv(channels, channels, 3, stride), conv(channels, out, 1, 1)];
  const reasons = { size: stride !== 1, channels: from !== out };
  const project = () => conv(from, out, 1, stride);
  const block = { convs, reasons, project, projection: reasons.size || reasons.channels ? project() : null };
  if (applies(mistake, kind)) MISTAKES[mistake].make(block, setting);
  return block;
};

// Sends a tensor of `shape` through a convolution and its batch norm, as PyTorch would. An error ends the way.
const through = (layer, shape, names, error) => {
  const [channels, size] = shape || [];
  let output = null;
  if (shape && !error) {
    if (channels !== layer.from) {
      error = { at: names[0], text: `Given groups=1, weight of size [${layer.to}, ${layer.from}, ${layer.kernel}, ${layer.kernel}], expected input${batched(shape)} to have ${layer.from} channels, but got ${channels} channels instead` };
    } else if (size + 2 * layer.padding < layer.kernel) {
      const sides = (side) => `(${side} x ${side})`;
      error = { at: names[0], text: `Calculated padded input size per channel: ${sides(size + 2 * layer.padding)}. Kernel size: ${sides(layer.kernel)}. Kernel size can't be greater than actual input size` };
    } else {
      const side = outputSize(size, layer);
      output = [layer.to, side, side];
    }
  }
  const weights = layer.from * layer.to * layer.kernel ** 2;
  const rows = [{ name: names[0], parameters: weights, multiplyAdds: output && weights * output[1] * output[2], shape: output }];
  if (output && layer.norm !== layer.to) error = { at: names[1], text: `running_mean should contain ${layer.to} elements not ${layer.norm}` };
  rows.push({ name: names[1], parameters: 2 * layer.norm, multiplyAdds: 0, shape: error ? null : output });
  return { rows, error, output: rows[1].shape };
};

// What `out += shortcut` says to two shapes: it looks at the last dimension first, and a 1 fits to everything but must not grow in out.
const sumError = (branch, shortcut) => {
  for (const dimension of [2, 1, 0]) {
    const [a, b] = [branch[dimension], shortcut[dimension]];
    if (a !== b && a !== 1 && b !== 1) {
      return `The size of tensor a (${a}) must match the size of tensor b (${b}) at non-singleton dimension ${dimension + 1}`;
    }
  }
  const grown = branch.map((a, dimension) => (a === 1 ? shortcut[dimension] : a));
  return String(grown) === String(branch) ? null : `output with shape ${batched(branch)} doesn't match the broadcast shape ${batched(grown)}`;
};

const compute = (setting, expansion) => {
  const block = design(setting, expansion);
  const x = [setting.in, setting.size, setting.size];
  const rows = [];
  let [branch, error, shortcut] = [x, null, x];
  block.convs.forEach((layer, index) => {
    const step = through(layer, branch, [`conv${index + 1}`, `batchnorm${index + 1}`], error);
    rows.push(...step.rows);
    if (index + 1 < block.convs.length) rows.push({ name: `relu${index + 1}`, parameters: 0, multiplyAdds: 0, shape: step.output });
    ({ error, output: branch } = step);
  });
  if (block.projection) {
    const step = through(block.projection, x, ["downsample.0", "downsample.1"], null);
    rows.push(...step.rows);
    shortcut = step.output;
  }
  if (!error) {
    const text = sumError(branch, shortcut);
    error = text && { at: "sum", text };
  }
  const output = error ? null : branch;
  rows.push({ name: `relu${block.convs.length}`, parameters: 0, multiplyAdds: 0, shape: output });
  const sum = (key) => rows.reduce((total, row) => total + row[key], 0);
  return { block, rows, branch, shortcut, output, error, reasons: block.reasons,
    broadcast: !error && String(branch) !== String(shortcut), parameters: sum("parameters"), multiplyAdds: sum("multiplyAdds") };
};

// What there is to say of a block: whether its shortcut is projected and why; for a mistake, what became of it.
const reasonText = ({ size, channels }) => [size && "size", channels && "channels"].filter(Boolean).join(" and ");
const changes = (setting, out) => {
  const after = outputSize(setting.size, { kernel: 1, padding: 0, stride: setting.stride });
  return [
    setting.stride === 1 ? `the size stays ${setting.size}` : `stride ${setting.stride} takes the size from ${setting.size} to ${after}`,
    setting.in === out ? `the channels stay ${out}` : `the channels go from ${setting.in} to ${out}`,
  ].join(", ");
};
const verdict = (setting, data) => {
  const { result, right } = { result: compute(setting, data.expansion), right: compute({ ...setting, mistake: "none" }, data.expansion) };
  const mistake = MISTAKES[setting.mistake];
  const what = changes(setting, setting.channels * data.expansion[setting.kind]);
  if (!mistake) {
    const reason = reasonText(result.reasons);
    const which = result.reasons.size && result.reasons.channels ? "both reasons" : "one of the two reasons is enough";
    return { lines: [reason ? `The shortcut needs a projection, because of ${reason} (${which}): ${what}.` : `The shortcut is x as it is: ${what}.`,
      setting.stride > 1 && setting.size === 1 ? "One pixel cannot be halved, but the block does not know the size when it is built." : null] };
  }
  const lines = [mistake.why];
  if (result.error) {
    const { at } = result.error;
    lines.push(at === "sum"
      ? `At the sum, F(x) with ${shapeText(result.branch)} meets the shortcut with ${shapeText(result.shortcut)}. PyTorch stops:`
      : `PyTorch stops at ${at}, before the sum:`);
    const reading = at !== "sum" ? null : result.error.text.startsWith("The size")
      ? "Tensor a is F(x), tensor b the shortcut. Dimension 1 is the channels, 3 the width; PyTorch compares the width first."
      : "The sum is written into F(x), which would have to grow for it.";
    return { wrong: true, lines, message: `RuntimeError: ${result.error.text}`, reading };
  }
  if (result.broadcast) {
    lines.push(`No error, and yet wrong: ${shapeText(result.shortcut)} has a 1 where F(x) with ${shapeText(result.branch)} has more, so PyTorch copies the shortcut to that size.`);
    return { wrong: true, lines };
  }
  if (!mistake.right) {
    const showing = data.presets.filter((preset) => applies(setting.mistake, preset.kind) && compute({ ...preset, mistake: setting.mistake }, data.expansion).error);
    const stages = [...new Set(showing.map((preset) => preset.network))].map((network) => `${showing.filter((preset) => preset.network === network).map((preset) => preset.stage).join(", ")} of ${network}`);
    lines.push("No error here: the two shapes are equal, so nothing tells of the mistake.", stages.length ? `It shows in the first block of ${stages.join(" and of ")}.` : mistake.example);
  }
  if (mistake.right && setting.stride === 1) lines.push("With stride 1 the two are the same.");
  for (const [key, noun] of [["parameters", "parameters"], ["multiplyAdds", "multiply-adds"]]) {
    const difference = result[key] - right[key];
    if (difference) lines.push(`${count(Math.abs(difference))} ${noun} ${difference > 0 ? "more" : "fewer"} than ${mistake.right ? "with the stride in the 3×3" : "in the right block"}.`);
  }
  return { lines };
};

// The diagram, 330 units wide so that its texts are large enough on a phone.
const [MAIN, SIDE, WIDTH] = [84, 248, 330];
const BOX = { main: 162, side: 152 };
const draw = (setting, result) => {
  const { block, rows, error } = result;
  const shapes = Object.fromEntries(rows.map((row) => [row.name, row.shape]));
  const parts = [];
  const text = (x, y, words, style = "") => parts.push(svg("text", { x, y: y + 4.5, "text-anchor": "middle", "font-size": 13, style }, words));
  const red = "fill:var(--rx-red);font-weight:700";
  const orange = "fill:var(--rx-orange);font-weight:700";
  const onLine = (x, y, words, style) => {
    parts.push(svg("rect", { x: x - words.length * 4.3, y: y - 8, width: words.length * 8.6, height: 17, fill: "var(--rx-ground)" }));
    text(x, y, words, style);
  };
  const line = (points, color) => parts.push(svg("path", { d: `M${points.map((point) => point.join(" ")).join("L")}`, fill: "none", stroke: color, "stroke-width": 2 }));
  const arrow = (points, color = "var(--rx-grey)") => {
    line(points, color);
    const [[fromX, fromY], [x, y]] = points.slice(-2);
    const turn = fromX === x ? (y > fromY ? 0 : 180) : 90;
    parts.push(svg("path", { d: "M-4 -7L0 0L4 -7Z", fill: color, transform: `translate(${x} ${y}) rotate(${turn})` }));
  };
  const box = (x, y, width, lines, { fill, edge, wrong }) => {
    const height = 8 + 16 * lines.length;
    parts.push(svg("rect", { x: x - width / 2, y, width, height, rx: 5, fill, stroke: wrong ? "var(--rx-red)" : edge, "stroke-width": wrong ? 2.5 : 1.2, "stroke-dasharray": wrong ? "6 3" : false }));
    lines.forEach((words, index) => text(x, y + 12 + 16 * index, words, words.startsWith("✗") ? "fill:var(--rx-red)" : ""));
    return y + height;
  };
  const tensor = (x, y, shape, { bad, name = "" } = {}) => {
    arrow([[x, y], [x, y + 30]]);
    onLine(x, y + 11, shape ? `${name}${shapeText(shape)}` : "not reached", bad ? red : shape ? "" : "fill:var(--rx-grey);font-style:italic");
    return y + 30;
  };
  const convBox = (x, y, width, layer, edge) => {
    const [badStride, badOther] = [layer.wrong.includes("stride"), ["from", "to", "padding"].some((key) => layer.wrong.includes(key))];
    return box(x, y, width, [
      `${badStride ? "✗ " : ""}${layer.kernel}×${layer.kernel} conv${layer.stride > 1 || badStride ? `, stride ${layer.stride}` : ""}`,
      `${badOther ? "✗ " : ""}${layer.from} → ${layer.to}${layer.padding || isWide(layer) ? `, pad ${layer.padding}` : ""}`,
    ], { fill: `var(--rx-${edge}-fill)`, edge: `var(--rx-${edge})`, wrong: badStride || badOther });
  };
  const plain = { fill: "var(--rx-field)", edge: "var(--rx-grey)" };
  const clash = error?.at === "sum" || result.broadcast;

  text(MAIN, 12, `x   ${shapeText([setting.in, setting.size, setting.size])}`, "font-weight:700");
  arrow([[MAIN, 22], [MAIN, 48]]);
  let y = 48;
  block.convs.forEach((layer, index) => {
    const last = index + 1 === block.convs.length;
    const [name, norm] = [`conv${index + 1}`, `batchnorm${index + 1}`];
    y = tensor(MAIN, convBox(MAIN, y, BOX.main, layer, "blue"), shapes[name]);
    const unfit = layer.norm !== layer.to;
    y = box(MAIN, y, BOX.main, [`${unfit ? "✗ " : ""}batch norm${unfit ? ` for ${layer.norm}` : ""}${last ? "" : ", ReLU"}`], { ...plain, wrong: unfit });
    y = tensor(MAIN, y, last ? result.branch : shapes[norm], { bad: last && clash, name: last && result.branch ? "F(x)  " : "" });
  });
  const plus = y + 13;
  arrow([[MAIN, 32], [SIDE, 32], [SIDE, plus], [MAIN + 14, plus]], "var(--rx-orange)");

  const middle = (32 + plus) / 2;
  const needed = reasonText(block.reasons);
  if (block.projection) {
    const title = needed ? ["projection for", needed] : ["projection", "✗ needed by nothing"];
    title.forEach((words, index) => onLine(SIDE, middle - 66 + 17 * index, words, needed ? orange : red));
    const end = convBox(SIDE, middle - 36, BOX.side, block.projection, "orange");
    arrow([[SIDE, end], [SIDE, end + 30]], "var(--rx-orange)");
    onLine(SIDE, end + 11, shapeText(shapes["downsample.0"]));
    box(SIDE, end + 30, BOX.side, ["batch norm"], plain);
  } else {
    const title = needed ? ["✗ x as it is,", "not projected for", needed] : ["identity:", "x as it is"];
    title.forEach((words, index) => onLine(SIDE, middle - 34 + 17 * index, words, needed ? red : orange));
  }
  onLine(SIDE, plus - 22, shapeText(result.shortcut), clash ? red : "");
  parts.push(svg("circle", { cx: MAIN, cy: plus, r: 13, fill: "var(--rx-field)", stroke: clash ? "var(--rx-red)" : "var(--rx-ink)", "stroke-width": clash ? 3 : 1.5 }));
  text(MAIN, plus + 1, error?.at === "sum" ? "✗" : "+", `font-size:18px;${clash ? red : ""}`);
  if (clash) {
    const [[channels, size], [otherChannels, otherSize]] = [result.branch, result.shortcut];
    [size !== otherSize && `size ${size} ≠ ${otherSize}`, channels !== otherChannels && `channels ${channels} ≠ ${otherChannels}`]
      .filter(Boolean).forEach((words, index) => text(SIDE, plus + 18 + 18 * index, words, red));
  }

  y = tensor(MAIN, plus + 13, result.output);
  y = tensor(MAIN, box(MAIN, y, BOX.main, ["ReLU"], plain), result.output, { name: result.output ? "y   " : "" });
  const way = [
    `Input ${shapeText([setting.in, setting.size, setting.size])}.`,
    `Branch: ${rows.filter((row) => row.name.startsWith("conv")).map((row) => `${row.name} ${row.shape ? shapeText(row.shape) : "fails or is not reached"}`).join(", ")}.`,
    `Shortcut: ${block.projection ? `projection for ${needed || "no reason"}` : "identity"}, ${shapeText(result.shortcut)}.`,
    error ? (error.at === "sum" ? "The two cannot be added." : `The block stops at ${error.at}.`) : `Output ${shapeText(result.output)}.`,
  ];
  return svg("svg", { viewBox: `0 0 ${WIDTH} ${y + 2}`, role: "img", "aria-label": way.join(" "), width: 400 }, parts);
};

const costTable = (result) => {
  const cells = (row) => [count(row.parameters), row.multiplyAdds === null ? "–" : count(row.multiplyAdds)].map((value) => el("td", {}, value));
  return el("table", {},
    el("thead", {}, el("tr", {}, ["layer", "parameters", "multiply-adds"].map((name) => el("th", { scope: "col" }, name)))),
    el("tbody", {}, result.rows.map((row) => el("tr", {}, el("th", { scope: "row" }, row.name), cells(row)))),
    el("tfoot", {}, el("tr", {}, el("th", { scope: "row" }, "sum"), el("td", {}, count(result.parameters)), el("td", {}, count(result.multiplyAdds)))));
};

const STYLE = `
& .rx-chips { display: flex; flex-wrap: wrap; gap: 0.35rem; align-items: center; margin: 0 0 0.5rem; }
& .rx-chips > span { font-weight: 600; margin-right: 0.3rem; }
& .rx-chips button { padding: 0.2rem 0.5rem; font-size: 0.85rem; }
& .rx-chips button[aria-pressed="true"] { text-decoration: underline 2px; text-underline-offset: 3px; }
& .rx-pair { display: flex; flex-wrap: wrap; gap: 0.5rem 1rem; align-items: start; }
& .rx-pair > * { flex: 1 1 17rem; min-width: 0; }
& .rx-pair table { font-size: 0.82rem; overflow-wrap: normal; white-space: nowrap; }
@media (max-width: 30rem) { & .rx-chips > span { flex-basis: 100%; } }
& .rx-pair :is(th, td) { padding: 0.2rem; }
& tbody th { font-weight: 400; }
& tfoot :is(th, td) { font-weight: 700; border-top: 2px solid var(--rx-grey); }
& .rx-message p { margin: 0 0 0.3rem; }
& .rx-message code { display: block; margin: 0.3rem 0; color: inherit; background: none; border: 0; padding: 0; font-size: 0.88rem; white-space: pre-wrap; }`.replaceAll("&", `[data-explorer="block"]`);

start("block", (body, data, address) => {
  const firstOf = (kind) => data.presets.find((preset) => preset.kind === kind);
  const kind = Object.hasOwn(data.expansion, address.kind) ? address.kind : data.start;
  const { network, stage, ...state } = { ...firstOf(kind), mistake: "none" };
  for (const [key, [min, max]] of Object.entries(LIMITS)) {
    const wanted = Math.round(Number(address[key] ?? NaN));
    if (Number.isFinite(wanted)) state[key] = Math.min(max, Math.max(min, wanted));
  }
  if (["1", "2"].includes(address.stride)) state.stride = Number(address.stride);
  if (applies(address.mistake, kind)) state.mistake = address.mistake;

  const speaker = spoken();
  let later;
  const change = (wanted) => {
    Object.assign(state, wanted);
    if (!applies(state.mistake, state.kind)) state.mistake = "none";
    writeAddress("block", state);
    show();
    clearTimeout(later); // spoken once the reader has stopped moving
    later = setTimeout(() => {
      const { lines, message } = verdict(state, data);
      const result = compute(state, data.expansion);
      const costs = `${count(result.parameters)} parameters, ${count(result.multiplyAdds)} multiply-adds.`;
      speaker.textContent = [...lines, message, costs].filter(Boolean).join(" ");
    }, 500);
  };

  const kinds = choice("block", [["basic", "basic block"], ["bottleneck", "bottleneck"]], { value: state.kind, changed: (value) => change({ kind: value }) });
  const strides = choice("stride", [[1, "1"], [2, "2"]], { value: state.stride, changed: (value) => change({ stride: Number(value) }) });
  const numbers = Object.fromEntries([["in", "in_channels"], ["channels", "channels"], ["size", "size H = W"]].map(([key, label]) => {
    const [min, max] = LIMITS[key];
    return [key, numberControl(label, { min, max, value: state[key], changed: (value) => change({ [key]: value }) })];
  }));
  const chips = (label, buttons) => el("div", { class: "rx-chips rx-controls", role: "group", "aria-label": label }, el("span", {}, label), buttons);
  const button = (text, pressed, onclick) => ({ pressed, node: el("button", { type: "button", onclick }, text) });
  const presets = data.presets.map(({ network: from, stage: name, ...preset }) => ({ from,
    ...button(name, () => Object.entries(preset).every(([key, value]) => state[key] === value), () => {
      change(preset);
      kinds.set(state.kind);
      strides.set(state.stride);
      for (const key of Object.keys(LIMITS)) numbers[key].set(state[key]);
    }) }));
  const mistakes = Object.entries(MISTAKES).map(([name, { place, text }]) => ({ name, place,
    ...button(text, () => state.mistake === name, () => change({ mistake: state.mistake === name ? "none" : name })) }));
  const nodes = (list) => list.map((item) => item.node);

  const said = el("div", { class: "rx-message" });
  const diagram = el("div", {});
  const costs = el("div", { class: "rx-scroll", tabindex: 0, role: "group", "aria-label": "Costs of each layer, for one image" });
  const show = () => {
    const result = compute(state, data.expansion);
    const { lines, message, reading, wrong } = verdict(state, data);
    said.classList.toggle("rx-wrong", Boolean(wrong));
    said.replaceChildren(...[el("p", {}, lines.filter(Boolean).join(" ")), message && el("code", {}, message), reading && el("p", {}, reading)].filter(Boolean));
    diagram.replaceChildren(draw(state, result));
    costs.replaceChildren(costTable(result));
    for (const item of [...presets, ...mistakes]) item.node.setAttribute("aria-pressed", item.pressed());
    for (const item of mistakes) item.node.hidden = !applies(item.name, state.kind);
  };

  body.append(el("style", {}, STYLE), el("p", { class: "rx-title" }, "A residual block, with every shape and cost"),
    ...[...new Set(presets.map((preset) => preset.from))].map((from) => chips(`${from}, first block of`, nodes(presets.filter((preset) => preset.from === from)))),
    el("div", { class: "rx-controls" }, kinds.node, strides.node, Object.values(numbers).map((control) => control.node)),
    chips("Mistake: the shortcut is projected", nodes(mistakes.filter((item) => item.place === "shortcut"))),
    chips("Mistake: the branch has", nodes(mistakes.filter((item) => item.place === "branch"))),
    said, el("div", { class: "rx-pair" }, diagram, costs), speaker);
  show();
  return { state, mistakes: Object.keys(MISTAKES), compute: (setting) => compute({ mistake: "none", ...setting }, data.expansion) };
});
