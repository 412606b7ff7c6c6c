// An exercise whose lines the reader puts in order: by drag, by tap or by keyboard. The wrong lines are known mistakes.

import { compose } from "./compose.js";
import { el } from "./elements.js";
import { button, Exercise } from "./exercise.js";

const HOW = "Choose the right lines: tap one, or drag it, to put it into your code. It takes the place of another form of the same line. There, ↑ and ↓ move it, and ✕ takes it out.";
const NEW_LINES = "The exercise has changed since you did this: some of your lines are no longer among its lines.";
const NOT_LOADED = "What judges the lines could not be loaded. Look at your connection and press Check again.";

export class LineExercise extends Exercise {
  constructor(place, progressed) {
    super(place, progressed);
    this.exercise = JSON.parse(place.querySelector("script[type='application/json']").textContent);
    this.said = el("p", { class: "lines-said", "aria-live": "polite" });
    this.copy = button("Copy code", () => this.copyCode());
    this.begin(this.lists(), this.said, this.note, el("div", { class: "live-buttons" }, this.check, this.copy, this.reset), this.status);
    for (const event of ["pointerover", "touchstart", "focusin"])
      place.addEventListener(event, () => this.loadDragging(), { once: true, passive: true });
  }

  /** The lines to choose from, and the code with a list of its own for each part. */
  lists() {
    const { rows, functions, indents } = this.exercise;
    this.free = el("ul", { class: "lines-free", "aria-label": "Lines" });
    this.parts = functions.map((title) => el("ol", { class: "lines-part", "aria-label": title }));
    const code = rows.map((row) => (typeof row === "string"
      ? el("li", { class: "lines-frame" }, el("code", {}, row || " "))
      : el("li", { style: `--indent: ${indents[row]}` }, this.parts[row])));
    return el("div", { class: "lines" },
      el("div", {}, el("p", { class: "lines-how" }, HOW), this.free),
      el("div", {}, el("p", { class: "lines-title" }, "Your code"), el("ol", { class: "lines-code", "aria-label": "Your code" }, ...code)));
  }

  partOf(number) {
    return this.placed[this.exercise.tiles[number].part];
  }

  isPlaced(number) {
    return this.partOf(number).includes(number);
  }

  /** Puts a line into its part: in the place of another form of it, or before a `return` at the end, or where it is dropped. */
  put(number, at = null) {
    const { tiles } = this.exercise, part = this.partOf(number);
    if (this.isPlaced(number)) this.takeOut(number);
    const other = part.findIndex((there) => tiles[there].place === tiles[number].place);
    if (other >= 0) part.splice(other, 1);
    const last = part.length && tiles[part.at(-1)].text.startsWith("return") ? part.length - 1 : part.length;
    part.splice(at ?? (other >= 0 ? other : last), 0, number);
  }

  takeOut(number) {
    this.partOf(number).splice(this.partOf(number).indexOf(number), 1);
  }

  move(number, by) {
    const part = this.partOf(number), at = part.indexOf(number), to = at + by;
    if (to >= 0 && to < part.length) [part[at], part[to]] = [part[to], part[at]];
  }

  /** After the reader has moved a line: keeps it, shows it, and says to a screen reader where it is. */
  changed(number) {
    this.keep(this.answer());
    const { functions, tiles } = this.exercise;
    const place = `line ${this.partOf(number).indexOf(number) + 1} of ${functions[tiles[number].part]}`;
    this.said.textContent = this.isPlaced(number) ? `In your code: ${place}` : "Taken out: it is among the lines again";
    clearTimeout(this.saying);
    this.saying = setTimeout(() => (this.said.textContent = ""), 4000);
    this.show();
  }

  show() {
    const { tiles } = this.exercise;
    const free = tiles.map((_, number) => number).filter((number) => !this.isPlaced(number));
    this.free.replaceChildren(...free.map((number, at) => this.freeLine(number, at)));
    this.parts.forEach((list, part) => list.replaceChildren(...this.placed[part].map((number) => this.placedLine(number))));
  }

  freeLine(number, at) {
    const put = () => {
      this.put(number);
      this.changed(number);
      const left = this.free.querySelectorAll("button");
      (left[Math.min(at, left.length - 1)] ?? this.check).focus();
    };
    return el("li", { "data-line": number }, button(codeOf(this.exercise.tiles[number]), put));
  }

  placedLine(number) {
    const { text, part } = this.exercise.tiles[number];
    const act = (sign, label, change) => button(sign, () => {
      change();
      this.changed(number);
      /** The code of a line, which may break after a bracket, a dot or a comma, and keeps its indentation then. */
function codeOf({ text }) {
  return el("code", {}, ...text.split("\n").map((row) => {
    const parts = row.trimStart().split(/(?<=[(.,])/).flatMap((part) => [part, el("wbr")]);
    return el("span", { style: `--indent: ${row.length - row.trimStart().length}` }, ...parts);
  }));
}

const same = this.parts[part].querySelector(`[data-line="${number}"] [data-move="${label}"]`);
      (same ?? this.parts[part].querySelector("button") ?? this.free.querySelector("button")).focus();
    }, { "data-move": label, "aria-label": `${label}: ${text}` });
    return el("li", { "data-line": number }, codeOf(this.exercise.tiles[number]), el("span", { class: "lines-moves" },
      act("↑", "Up", () => this.move(number, -1)),
      act("↓", "Down", () => this.move(number, 1)),
      act("✕", "Take out", () => this.takeOut(number))));
  }

  begun() {
    return this.exercise.start?.map((part) => [...part]) ?? this.exercise.functions.map(() => []);
  }

  isNew() {
    return same(this.placed, this.begun());
  }

  answer() {
    const lines = this.placed.map((part) => part.map((number) => this.exercise.tiles[number].text));
    return { code: compose(this.exercise, this.placed), lines };
  }

  /** Shows a saved answer, whose lines are kept as texts; true where it is another one than stood there. */
  restore(saved) {
    const { tiles, functions } = this.exercise;
    const found = saved?.lines?.map((part, place) =>
      part.map((text) => tiles.findIndex((tile) => tile.part === place && tile.text === text)));
    const before = this.placed;
    this.placed = found ? functions.map((_, place) => (found[place] ?? []).filter((number) => number >= 0)) : this.begun();
    if (found && (found.length !== functions.length || found.flat().includes(-1))) this.say(NEW_LINES);
    this.show();
    return before !== undefined && !same(before, this.placed);
  }

  async judge() {
    try {
      const { judge } = await import("./reading.js");
      const response = await fetch(new URL(`${this.key}.json`, import.meta.url));
      const { status, message, formula } = judge(await response.json(), this.placed);
      const told = formula ? `\nYour lines compute \`${formula.mine}\`.\nThey should compute \`${formula.right}\`.` : "";
      return { status, message: message + told };
    } catch {
      return { status: "not attempted", message: NOT_LOADED };
    }
  }

  async copyCode() {
    await navigator.clipboard.writeText(compose(this.exercise, this.placed));
    this.said.textContent = this.copy.textContent = "Copied";
    setTimeout(() => (this.copy.textContent = "Copy code"), 2000);
  }

  /** Dragging comes with the first touch. A line can be dropped among the lines, and in its own part of the code. */
  loadDragging() {
    this.loading ??= import("sortablejs").then(({ default: Sortable }) => {
      const { tiles } = this.exercise;
      const onEnd = ({ item, from, to, newIndex }) => {
        const number = Number(item.dataset.line);
        if (to !== this.free) this.put(number, newIndex);
        else if (from !== this.free) this.takeOut(number);
        this.changed(number);
      };
      const put = (to, from, item) => [this.free, this.parts[tiles[item.dataset.line].part]].includes(to.el);
      // forceFallback: a press that becomes a scroll of the page would else be the last one that Sortable hears of
      const options = { group: { name: this.key, put }, onEnd, animation: 120, delay: 150, delayOnTouchOnly: true, forceFallback: true };
      for (const list of [this.free, ...this.parts]) Sortable.create(list, options);
    }, () => (this.loading = null));
  }
}

/** The code of a line, which may break after a bracket, a dot or a comma, and keeps its indentation then. */
function codeOf({ text }) {
  return el("code", {}, ...text.split("\n").map((row) => {
    const parts = row.trimStart().split(/(?<=[(.,])/).flatMap((part) => [part, el("wbr")]);
    return el("span", { style: `--indent: ${row.length - row.trimStart().length}` }, ...parts);
  }));
}

const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
