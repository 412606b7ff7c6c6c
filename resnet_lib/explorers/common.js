// What all explorers share. Each explorer's own script follows and ends with start(NAME, build).
const SVG = "http://www.w3.org/2000/svg";

// An element of HTML, or of SVG in svg(): attributes, on… listeners, then children and texts.
const make = (element, attributes, children) => {
  for (const [key, value] of Object.entries(attributes || {})) {
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat().filter((child) => child !== null && child !== undefined));
  return element;
};
const el = (tag, attributes, ...children) => make(document.createElement(tag), attributes, children);
const svg = (tag, attributes, ...children) => make(document.createElementNS(SVG, tag), attributes, children);

const count = (number) => Math.round(number).toLocaleString("en-US");

// A number that can be set by slider and by typing. set(value) changes both without calling changed.
let ids = 0;
const numberControl = (label, { min, max, value, changed }) => {
  const id = `rx-${(ids += 1)}-${Math.random().toString(36).slice(2, 7)}`;
  const limit = (text) => Math.min(max, Math.max(min, Math.round(Number(text)) || min));
  const slider = el("input", { type: "range", min, max, value, "aria-label": `${label}, slider` });
  const field = el("input", { type: "number", min, max, value, id, inputmode: "numeric" });
  const note = el("p", { class: "rx-taken", "aria-live": "polite" });
  let taken = value;
  const take = (wanted) => {
    taken = wanted;
    changed(wanted);
  };
  const tell = (typed) => {
    note.textContent = `Whole numbers from ${min} to ${max}: ${limit(typed)} is taken in place of ${typed || "nothing"}.`;
  };
  slider.addEventListener("input", () => {
    field.value = slider.value;
    note.textContent = "";
    take(Number(slider.value));
  });
  field.addEventListener("input", () => { // what is empty or too small may be the beginning of a number
    const typed = field.value;
    if (typed === "") return;
    note.textContent = "";
    if (Number(typed) > max) tell(typed);
    slider.value = limit(typed);
    take(limit(typed));
  });
  field.addEventListener("change", () => {
    const typed = field.value, wanted = limit(typed);
    if (typed === "" || Number(typed) !== wanted) tell(typed);
    slider.value = field.value = wanted;
    take(wanted);
  });
  return {
    node: el("div", { class: "rx-control" }, el("label", { for: id }, label), slider, field, note),
    set: (wanted) => { // what someone is typing stays until they have done
      if (wanted === taken) return;
      slider.value = field.value = taken = wanted;
      note.textContent = "";
    },
  };
};

// A choice of a few, as a select: options are [value, text].
const choice = (label, options, { value, changed }) => {
  const id = `rx-${(ids += 1)}-${Math.random().toString(36).slice(2, 7)}`;
  const select = el("select", { id, onchange: () => changed(select.value) },
    options.map(([key, text]) => el("option", { value: key, selected: String(key) === String(value) }, text)));
  return {
    node: el("div", {}, el("label", { for: id }, label), select),
    set: (wanted) => { select.value = wanted; },
  };
};

// The setting stands in the page's address, as #NAME=key.value,key.value, so that it can be linked.
const readAddress = (name) => {
  const part = location.hash.slice(1).split("&").find((text) => text.startsWith(`${name}=`));
  if (!part) return {};
  return Object.fromEntries(part.slice(name.length + 1).split(",").map((pair) => pair.split(".")).filter((pair) => pair.length === 2));
};
const writeAddress = (name, state) => {
  const setting = `${name}=${Object.entries(state).map((pair) => pair.join(".")).join(",")}`;
  const others = location.hash.slice(1).split("&").filter((text) => text.includes("=") && !text.startsWith(`${name}=`));
  try { history.replaceState(history.state, "", `#${[...others, setting].join("&")}`); } catch { /* a frame without an address */ }
};

// A line that screen readers speak when it changes.
const spoken = () => el("p", { class: "rx-visually-hidden", role: "status", "aria-live": "polite" });

// Brings every explorer of this name to life: build(body, data, start) fills body. What it returns is kept at the section, as
// section.explorer, for tests.
const start = (name, build) => {
  for (const section of document.querySelectorAll(`[data-explorer="${name}"]:not(.rx-live)`)) {
    const data = JSON.parse(section.querySelector('script[type="application/json"]').textContent);
    const body = el("div", { class: "rx-body" });
    section.explorer = build(body, data, readAddress(name));
    section.addEventListener("keydown", (event) => event.stopPropagation()); // else JupyterLab acts on it: X cuts a cell
    section.append(body);
    section.classList.add("rx-live");
  }
};
