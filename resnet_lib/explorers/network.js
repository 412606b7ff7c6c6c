// The five ResNets of the paper, block by block. The data hold the layers of each network, as Python has read them out of the
// models; sizes, multiply-adds and receptive fields follow from them here, for the chosen input size and the stride's place.
const SMALLEST = 32, LARGEST = 512;
const PLACES = { "3x3": "in the 3×3 (torchvision)", "1x1": "in the first 1×1 (the paper)" };
const OTHER_PLACE = { "3x3": "1x1", "1x1": "3x3" };
const PARTS = {
  stem: "conv1 and max-pool", layer1: "conv2_x in the paper", layer2: "conv3_x in the paper",
  layer3: "conv4_x in the paper", layer4: "conv5_x in the paper", head: "average pool and fc",
};
const STYLE = `
  .rx .nx-part { display: grid; grid-template-columns: 10rem 1fr 16rem; gap: 0.3rem 0.9rem; padding: 0.45rem 0; border-top: 1px solid var(--rx-line); align-items: center; }
  .rx .nx-part small, .rx .nx-caption, .rx .nx-legend { color: var(--rx-grey); font-size: 0.82rem; line-height: 1.35; }
  .rx .nx-part small { display: block; }
  .rx .nx-blocks { display: flex; flex-wrap: wrap; gap: 0.25rem; }
  .rx .nx-block { min-width: 2.1rem; padding: 0.2rem 0.3rem; background: var(--rx-blue-fill); border-color: var(--rx-blue); }
  .rx .nx-projects, .rx .nx-projects[aria-pressed="true"] { background: var(--rx-orange-fill) repeating-linear-gradient(135deg, transparent 0 5px, var(--rx-orange) 5px 6px); border-color: var(--rx-orange); }
  .rx .nx-projects span { background: var(--rx-orange-fill); padding: 0 0.2rem; border-radius: 0.2rem; }
  .rx .nx-block[aria-pressed="true"], .rx td button[aria-pressed="true"] { box-shadow: 0 0 0 2px var(--rx-ink); font-weight: 700; }
  .rx .nx-part svg { width: 100%; margin: 0 0 0.15rem; }
  .rx .nx-legend { display: flex; flex-wrap: wrap; gap: 0.2rem 1rem; margin: 0.3rem 0; }
  .rx .nx-legend i { display: inline-block; width: 1.1rem; height: 0.8rem; margin-right: 0.3rem; border: 1px solid; vertical-align: -0.05rem; }
  .rx .nx-detail { display: flex; flex-wrap: wrap; gap: 0.5rem 1.2rem; align-items: flex-start; }
  .rx .nx-detail .rx-scroll { flex: 1 1 26rem; min-width: 0; }
  .rx .nx-picture { flex: 0 1 11rem; margin: 0.5rem auto; }
  .rx .nx-picture p { margin: 0.3rem 0; }
  .rx .nx-detail :is(th, td) { padding-inline: 0.35rem; }
  .rx table { overflow-wrap: normal; font-size: 0.86rem; white-space: nowrap; }
  .rx caption { caption-side: top; text-align: left; font-weight: 600; color: inherit; padding: 0.2rem 0; white-space: normal; }
  .rx .nx-compare { max-width: 34rem; white-space: normal; } /* all four columns fit on a phone */
  .rx .nx-compare td { white-space: nowrap; }
  .rx .nx-in th { font-weight: 400; padding-left: 1.2rem; }
  .rx .nx-steps { margin: 0.4rem 0 0; padding-left: 1.2rem; }
  @media (max-width: 44rem) { .rx .nx-compare :is(th, td) { padding-inline: 0.25rem; } .rx .nx-in th { padding-left: 0.8rem; } .rx .nx-part { grid-template-columns: 1fr; } .rx { padding: 0.8rem 0.6rem; } }
  @media print { .rx .nx-block, .rx td button { display: inline-block; } }`;

const outputSize = (I, K, P, S) => Math.floor((I - K + 2 * P) / S) + 1;
const sum = (list, key) => list.reduce((total, each) => total + each[key], 0);
const billions = (number) => `${(number / 1e9).toFixed(2)} ×10⁹`;
const millions = (number) => (number / 1e6).toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
const times = (second, first) => `× ${(second / first).toFixed(2)}`;
const square = (side) => `${side}×${side}`;
const sees = (field) => (field ? `${square(field)} pixels` : "the whole image");

// Every block of one network, with its layers, for an image of size × size. On the way the field and the distance grow: distance
// is how many pixels of the image lie between two neighbours in the input of a layer.
const compute = (networks, { depth, size, stride }) => {
  const blocks = [];
  let field = 1, distance = 1, pooled = false;
  for (const [part, plan, repeats] of networks[depth]) {
    for (let repeat = 0; repeat < repeats; repeat += 1) {
      let shortcutSize = size; // the shortcut begins with the block's input too
      const bottleneck = plan.some(([name]) => name === "conv3");
      const halves = plan.find(([name]) => name === "conv2")?.[5]; // where the models have it: in the 3×3
      const layers = plan.map(([name, kind, inChannels, outChannels, K, S, P, parameters]) => {
        const moved = bottleneck && stride === "1x1" && (name === "conv1" || name === "conv2");
        const step = moved ? (name === "conv1" ? halves : 1) : S;
        const shortcut = name.startsWith("downsample");
        const inSize = shortcut ? shortcutSize : size;
        pooled = pooled || kind === "AdaptiveAvgPool2d";
        const outSize = pooled ? 1 : K ? outputSize(inSize, K, P, step) : inSize;
        const layer = { name, kind, inChannels, outChannels, K, S: step, P, parameters, inSize, outSize, fieldBefore: field, distance };
        layer.multiplyAdds = kind === "Conv2d" ? K * K * inChannels * outChannels * outSize ** 2 : kind === "Linear" ? inChannels * outChannels : 0;
        layer.shape = kind === "Linear" ? [outChannels] : [outChannels, outSize, outSize];
        if (K && !shortcut) { field += (K - 1) * distance; distance *= step; }
        layer.field = pooled || shortcut ? null : field;
        if (shortcut) shortcutSize = outSize;
        else size = outSize;
        return layer;
      });
      const last = layers.at(-1);
      blocks.push({
        part, layers, name: part.startsWith("layer") ? `${part}.${blocks.filter((block) => block.part === part).length}` : part, shape: last.shape, field: last.field,
        parameters: sum(layers, "parameters"), multiplyAdds: sum(layers, "multiplyAdds"),
        projects: layers.some((layer) => layer.name.startsWith("downsample")), bottleneck,
      });
    }
  }
  return blocks;
};

// The costs of a whole network, or of one part of it. (Stem and head stand among the blocks, and are none.)
const costs = (blocks, part) => {
  const chosen = blocks.filter((block) => !part || block.part === part);
  return { parameters: sum(chosen, "parameters"), multiplyAdds: sum(chosen, "multiplyAdds"), field: blocks.at(-2).field, blocks: blocks.length - 2 };
};

// How each number of a layer comes about, with its numbers put in: a sentence each.
const steps = (layer) => {
  const { kind, K, S, P, inSize, outSize, inChannels, outChannels } = layer;
  const said = [];
  if (K) {
    const exact = (inSize - K + 2 * P) / S + 1;
    const floor = Number.isInteger(exact) ? "" : `, which is ${exact} before the floor`;
    said.push(`Output size: ⌊(I − K + 2P) / S⌋ + 1 = ⌊(${inSize} − ${K} + 2·${P}) / ${S}⌋ + 1 = ${outSize}${floor}.`);
  } else if (kind === "AdaptiveAvgPool2d") said.push(`The mean of all ${square(inSize)} numbers of a channel: one number is left of each.`);
  else if (kind !== "Linear") said.push(`Each number is changed on its own: the size stays ${square(outSize)}.`);
  if (kind === "Conv2d") {
    said.push(`Parameters: K·K · in_channels · out_channels = ${K}·${K} · ${inChannels} · ${outChannels} = ${count(layer.parameters)}.`,
      `Multiply-adds: each parameter once for every pixel of the output, ${count(layer.parameters)} · ${outSize}·${outSize} = ${count(layer.multiplyAdds)}.`);
  } else if (kind === "BatchNorm2d") said.push(`Parameters: a scale and a shift for each channel, 2 · ${outChannels} = ${count(layer.parameters)}.`);
  else if (kind === "Linear") {
    said.push(`Parameters: ${inChannels} · ${outChannels} weights and ${outChannels} biases = ${count(layer.parameters)}.`,
      `Multiply-adds: each weight once, ${count(layer.multiplyAdds)}.`);
  } else said.push("No parameters.");
  if (layer.name.startsWith("downsample")) said.push("On the shortcut: it never sees more than the residual branch beside it.");
  else if (!layer.field) said.push("It sees the whole image.");
  else if (K) {
    said.push(`Receptive field: ${layer.fieldBefore} + (K − 1) · ${layer.distance} = ${layer.field} pixels, as neighbours in its input are ${layer.distance} ` +
      `${layer.distance === 1 ? "pixel" : "pixels"} of the image apart.`);
  } else said.push(`Receptive field: ${layer.field} pixels, as before.`);
  return said;
};

start("network", (body, data, address) => {
  const depths = Object.keys(data.networks);

  // Whatever an address or a former setting says becomes a setting that exists; "-" stands for the "." in the name of a block.
  const settle = (wanted) => {
    const known = (options, value, otherwise) => (options.includes(String(value)) ? String(value) : otherwise);
    const state = {
      depth: known(depths, wanted.depth, String(data.depth)),
      size: Math.min(LARGEST, Math.max(SMALLEST, Math.round(Number(wanted.size ?? 224)) || 224)),
      stride: known(Object.keys(PLACES), wanted.stride, "3x3"),
      with: known(["none", "moved", ...depths], wanted.with, "none"),
    };
    const blocks = compute(data.networks, state);
    const block = String(wanted.block ?? "layer2-0").replace("-", ".");
    const part = blocks.filter((each) => each.part === block.split(".")[0]);
    const picked = blocks.find((each) => each.name === block) ?? part.at(-1) ?? blocks[1];
    state.block = picked.name.replace(".", "-");
    const layers = picked.layers.map((layer) => layer.name.replace(".", "-"));
    state.layer = known(layers, wanted.layer, known(layers, "conv2", layers[0])); // conv2 has the stride
    return state;
  };

  let state = settle(address);
  const title = (setting) => `ResNet-${setting.depth}`;
  const change = (what) => {
    state = settle({ ...state, ...what });
    writeAddress("network", state);
    show();
    clearTimeout(waiting);
    waiting = setTimeout(() => { said.textContent = news(); }, 500);
  };

  let waiting = 0;
  const said = spoken();
  const options = depths.map((depth) => [depth, `ResNet-${depth}`]);
  const controls = {
    depth: choice("Network", options, { value: state.depth, changed: (depth) => change({ depth }) }),
    size: numberControl("Input size I", { min: SMALLEST, max: LARGEST, value: state.size, changed: (size) => change({ size }) }),
    stride: choice("Stride of 2 in a bottleneck", Object.entries(PLACES), { value: state.stride, changed: (stride) => change({ stride }) }),
    with: choice("Compare with", [["none", "nothing"], ["moved", "itself, stride moved"], ...options], { value: state.with, changed: (value) => change({ with: value }) }),
  };
  const summary = el("p", { class: "rx-message" });
  const compared = el("div", { class: "rx-scroll", role: "region", "aria-label": "Comparison of two networks", tabindex: 0 });
  const map = el("div", { role: "toolbar", onkeydown: (event) => walk(event) });
  const about = el("p", {});
  const layerTable = el("div", { class: "rx-scroll" });
  const picture = el("div", { class: "nx-picture" });
  const working = el("div", {});
  body.append(
    el("style", {}, STYLE), el("p", { class: "rx-title" }, "Network explorer"),
    el("div", { class: "rx-controls" }, Object.values(controls).map((control) => control.node)),
    summary, compared, map,
    el("p", { class: "nx-legend" },
      el("span", {}, el("i", { style: "background:var(--rx-blue-fill);border-color:var(--rx-blue)" }), "block, parameters"),
      el("span", {}, el("i", { class: "nx-projects" }), "block that projects its shortcut"),
      el("span", {}, svg("svg", { width: 18, height: 12, style: "display:inline-block;vertical-align:-1px", "aria-hidden": "true" }, bar(1, "green", 12)), " multiply-adds"),
      el("span", {}, "Choose a block by mouse or with the arrow keys.")),
    about, el("div", { class: "nx-detail" }, layerTable, picture), working, said,
  );

  // A bar as long as its share; that of the multiply-adds has stripes, for those who see no colours.
  function bar(share, colour, height) {
    const stripes = `nx-stripes-${(ids += 1)}`;
    const hatched = colour === "green";
    return [
      hatched && svg("defs", {}, svg("pattern", { id: stripes, width: 6, height: 6, patternUnits: "userSpaceOnUse" },
        svg("rect", { width: 6, height: 6, fill: "var(--rx-green-fill)" }), svg("rect", { width: 1.5, height: 6, fill: "var(--rx-green)" }))),
      svg("rect", { x: 1, y: 1, width: `${Math.max(0.8, 98 * share)}%`, height: height - 2, stroke: `var(--rx-${colour})`, fill: hatched ? `url(#${stripes})` : `var(--rx-${colour}-fill)` }),
    ].filter(Boolean);
  }

  const costBar = (value, whole, unit, colour) => {
    const share = (100 * value) / whole;
    const words = `${count(value)} ${unit}, ${share < 0.1 ? "< 0.1" : share.toFixed(1)} %`;
    return [svg("svg", { height: 10, role: "img", "aria-label": words }, bar(value / whole, colour, 10)), el("small", { "aria-hidden": "true" }, words)];
  };

  const partRow = (blocks, part, whole) => {
    const own = blocks.filter((block) => block.part === part);
    const { parameters, multiplyAdds } = costs(blocks, part);
    const last = own.at(-1);
    const buttons = own.map((block, number) => el("button", {
      type: "button", class: block.projects ? "nx-block nx-projects" : "nx-block", "data-key": block.name,
      "aria-pressed": String(block.name === chosen(blocks).name), tabindex: block.name === chosen(blocks).name ? 0 : -1,
      "aria-label": block.projects ? `${block.name}, projects its shortcut` : block.name,
      onclick: () => change({ block: block.name.replace(".", "-"), layer: undefined }),
    }, el("span", {}, own.length > 1 ? number : part)));
    return el("div", { class: "nx-part", role: "group", "aria-label": part },
      el("div", {}, el("strong", {}, part), el("small", {}, PARTS[part]), el("small", {}, `gives ${last.shape.join("×")}`), el("small", {}, `sees ${sees(last.field)}`)),
      el("div", { class: "nx-blocks" }, buttons),
      el("div", {}, costBar(parameters, whole.parameters, "parameters", "blue"), costBar(multiplyAdds, whole.multiplyAdds, "multiply-adds", "green")));
  };

  const chosen = (blocks) => blocks.find((block) => block.name === state.block.replace("-", "."));
  const chosenLayer = (block) => block.layers.find((layer) => layer.name === state.layer.replace("-", "."));

  // One stop for the Tab key, and the arrow keys from block to block: 50 stops would be in everyone's way.
  function walk(event) {
    const blocks = compute(data.networks, state);
    const here = blocks.indexOf(chosen(blocks));
    const there = { ArrowRight: here + 1, ArrowDown: here + 1, ArrowLeft: here - 1, ArrowUp: here - 1, Home: 0, End: blocks.length - 1 }[event.key];
    if (there === undefined) return;
    event.preventDefault();
    if (!blocks[there]) return;
    change({ block: blocks[there].name.replace(".", "-"), layer: undefined });
    map.querySelector('[aria-pressed="true"]').focus();
  }

  const layerRows = (block) => {
    const header = ["layer", "K", "S", "P", "output", "parameters", "multiply-adds", "field"];
    const rows = block.layers.map((layer) => el("tr", {},
      el("td", {}, el("button", {
        type: "button", "data-key": `layer ${layer.name}`, "aria-pressed": String(layer === chosenLayer(block)),
        onclick: () => change({ layer: layer.name.replace(".", "-") }),
      }, layer.name)),
      [...(layer.K ? [square(layer.K), layer.S, layer.P] : ["–", "–", "–"]), layer.shape.join("×"), count(layer.parameters), count(layer.multiplyAdds),
        layer.field ? square(layer.field) : layer.name.startsWith("downsample") ? "–" : "all"].map((text) => el("td", {}, String(text)))));
    const kind = !block.part.startsWith("layer") ? "" : `${block.bottleneck ? "bottleneck" : "basic block"}, ${block.projects ? "projects its shortcut" : "adds x as it is"}; `;
    about.replaceChildren(el("strong", {}, block.name), `: ${kind}gives ${block.shape.join("×")}, ${count(block.parameters)} parameters, ${count(block.multiplyAdds)} multiply-adds, sees ${sees(block.field)}. Choose a layer for its formulas.`);
    return el("table", { "aria-label": `Layers of ${block.name}` },
      el("thead", {}, el("tr", {}, header.map((text) => el("th", { scope: "col" }, text)))), el("tbody", {}, rows));
  };

  // The image, and the square that one number in the middle of the layer's output depends on, to one scale.
  const fieldPicture = (block, layer) => {
    const field = layer.field ?? block.field;
    const who = layer.field ? (block.part === "stem" ? layer.name : `${block.name}.${layer.name}`) : block.name;
    const place = (side) => ({ x: -side / 2, y: -side / 2, width: side, height: side, "vector-effect": "non-scaling-stroke" });
    const whole = Math.max(state.size, field ?? 0) * 1.06;
    const words = field
      ? `One number of ${who} sees ${sees(field)} (dashed) of the image of ${square(state.size)} (solid)${field > state.size ? ": more than there is; the rest is padding" : ""}.`
      : "After the average pool every number depends on the whole image.";
    picture.replaceChildren(
      svg("svg", { viewBox: `${-whole / 2} ${-whole / 2} ${whole} ${whole}`, width: 176, height: 176, role: "img", "aria-label": words },
        svg("rect", { ...place(state.size), fill: "var(--rx-blue-fill)", stroke: "var(--rx-blue)", "stroke-width": 2 }),
        svg("rect", { ...place(field ?? state.size), fill: "none", stroke: "var(--rx-orange)", "stroke-width": 3, "stroke-dasharray": "6 4" })),
      el("p", { class: "nx-caption", "aria-hidden": "true" }, words));
  };

  const rival = () => (state.with === "moved" ? { ...state, stride: OTHER_PLACE[state.stride] } : { ...state, depth: state.with });

  const comparison = (blocks) => {
    compared.hidden = state.with === "none";
    if (compared.hidden) return compared.replaceChildren();
    const others = compute(data.networks, rival());
    const row = (name, key, write, part) => {
      const [first, second] = [costs(blocks, part)[key], costs(others, part)[key]];
      return el("tr", { class: part && "nx-in" }, el("th", { scope: "row" }, name), [write(first), write(second), times(second, first)].map((text) => el("td", {}, text)));
    };
    const parts = (key) => Object.keys(PARTS).map((part) => row(`in ${part}`, key, millions, part));
    const header = ["", title(state), state.with === "moved" ? "stride moved" : title(rival()), "ratio"];
    return compared.replaceChildren(el("table", { class: "nx-compare" },
      el("caption", {}, `Side by side at ${square(state.size)}; the ratio is the second to the first`),
      el("thead", {}, el("tr", {}, header.map((text) => (text ? el("th", { scope: "col" }, text) : el("td", {}))))),
      el("tbody", {}, row("blocks", "blocks", count), row("receptive field", "field", count),
        row("parameters, ×10⁶", "parameters", millions), parts("parameters"), row("multiply-adds, ×10⁶", "multiplyAdds", millions), parts("multiplyAdds"))));
  };

  const news = () => {
    const blocks = compute(data.networks, state);
    const [whole, block] = [costs(blocks), chosen(blocks)];
    const other = state.with === "none" ? null : costs(compute(data.networks, rival()));
    const ratio = other ? ` ${state.with === "moved" ? "With the stride moved" : title(rival())}: ${times(other.parameters, whole.parameters)} parameters, ${times(other.multiplyAdds, whole.multiplyAdds)} multiply-adds.` : "";
    return `${title(state)} at ${square(state.size)}: ${count(whole.parameters)} parameters, ${billions(whole.multiplyAdds)} multiply-adds.${ratio} ${block.name}, ${chosenLayer(block).name}: ${steps(chosenLayer(block)).join(" ")}`;
  };

  function show() {
    const blocks = compute(data.networks, state);
    const [whole, moved] = [costs(blocks), costs(compute(data.networks, { ...state, stride: OTHER_PLACE[state.stride] }))];
    summary.replaceChildren(el("strong", {}, `${title(state)} at ${square(state.size)}: ${count(whole.parameters)} parameters, ${billions(whole.multiplyAdds)} multiply-adds`),
      ` (${count(whole.multiplyAdds)}). At the end of layer4 one number sees ${sees(whole.field)}. `,
      blocks[1].bottleneck
        ? `With the stride ${PLACES[OTHER_PLACE[state.stride]]} it would be ${billions(moved.multiplyAdds)}, and ${sees(moved.field)}.`
        : "It has basic blocks, not bottlenecks: the place of the stride changes nothing here.");
    comparison(blocks);
    map.setAttribute("aria-label", `Blocks of ${title(state)}: the arrow keys go from block to block`);
    // what had the focus is made anew, so the focus goes to the new one
    const focused = body.contains(document.activeElement) && document.activeElement.dataset.key;
    map.replaceChildren(...Object.keys(PARTS).map((part) => partRow(blocks, part, whole)));
    const block = chosen(blocks), layer = chosenLayer(block);
    layerTable.replaceChildren(layerRows(block));
    fieldPicture(block, layer);
    working.replaceChildren(el("p", { class: "rx-title" }, `${block.part.startsWith("layer") ? `${block.name}.` : ""}${layer.name} (${layer.kind})`),
      el("ul", { class: "nx-steps" }, steps(layer).map((text) => el("li", {}, text))));
    if (focused) [...body.querySelectorAll("[data-key]")].find((element) => element.dataset.key === focused)?.focus({ preventScroll: true });
  }

  show();
  addEventListener("hashchange", () => { // someone has followed a link to this page
    if (!location.hash.includes("network=")) return;
    state = settle(readAddress("network"));
    for (const [key, control] of Object.entries(controls)) control.set(state[key]);
    show();
  });
  return { compute: (setting) => compute(data.networks, setting), costs: (setting) => costs(compute(data.networks, setting)), state: () => ({ ...state }) };
});
