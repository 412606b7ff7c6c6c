// An exercise whose lines the reader puts in order: by drag, by tap or by keyboard. The wrong lines are known mistakes.

import * as answers from "./answers.js";
import { compose } from "./compose.js";
import { el } from "./elements.js";
import { showVerdict } from "./verdict.js";

const NEW_LINES = "The exercise has changed since you did this: some of your lines are no longer among its lines.";
const ELSEWHERE = "Your lines were changed in another tab: this is how they stand there now.";

export function lineExercise(place, progressed) {
  const exercise = JSON.parse(place.querySelector("script[type='application/json']").textContent);
  const { tiles, rows, functions, start } = exercise;
  const name = place.dataset.exercise, key = place.dataset.key ?? name;
  let placed = functions.map(() => []), loading = null;

  const said = el("p", { class: "visually-hidden", "aria-live": "polite" });
  const note = el("p", { class: "live-note", hidden: "" });
  const status = el("div", { role: "status", class: "live-verdict" });
  const lines = el("ul", { class: "lines-free", "aria-label": "Lines" });
  const parts = functions.map((title) => el("ol", { class: "lines-part", "aria-label": title }));
  const code = el("ol", { class: "lines-code", "aria-label": "Your code" },
    ...rows.map((row) => (typeof row === "string"
      ? el("li", { class: "lines-frame" }, el("code", {}, row || " "))
      : el("li", { style: `--indent: ${exercise.indents[row]}` }, parts[row]))));

  const say = (text) => {
    note.textContent = text;
    note.hidden = !text;
  };
  const begin = () => start?.map((part) => [...part]) ?? functions.map(() => []);
  const isAt = (number) => placed[tiles[number].part].indexOf(number);

  /** Puts a line into its part, in the place of another form of it, or else before a `return` at the end. */
  function put(number, at = null) {
    const part = placed[tiles[number].part];
    const before = part.indexOf(number);
    if (before >= 0) part.splice(before, 1);
    const other = part.findIndex((there) => tiles[there].place === tiles[number].place);
    if (other >= 0) part.splice(other, 1);
    const last = part.length && tiles[part.at(-1)].text.startsWith("return") ? part.length - 1 : part.length;
    part.splice(at ?? (other >= 0 ? other : last), 0, number);
  }
  const takeOut = (number) => placed[tiles[number].part].splice(isAt(number), 1);
  function move(number, by) {
    const part = placed[tiles[number].part], at = isAt(number), to = at + by;
    if (to >= 0 && to < part.length) [part[at], part[to]] = [part[to], part[at]];
  }

  function changed(what, focus) {
    const passed = answers.read(key)?.passed ?? false;
    const texts = placed.map((part) => part.map((number) => tiles[number].text));
    say(answers.write(key, { code: compose(exercise, placed), lines: texts, passed }));
    status.replaceChildren();
    said.textContent = what;
    show();
    focus?.()?.focus();
  }

  function show() {
    const free = tiles.map((_, number) => number).filter((number) => isAt(number) < 0);
    lines.replaceChildren(...free.map((number, at) => el("li", { "data-line": number },
      el("button", { type: "button", onclick: () => {
        put(number);
        changed(`In the code, line ${isAt(number) + 1} of ${functions[tiles[number].part]}`, () => lines.querySelectorAll("button")[Math.min(at, free.length - 2)] ?? check);
      } }, el("code", {}, tiles[number].text)))));
    parts.forEach((list, part) => list.replaceChildren(...placed[part].map((number) => {
      const find = (label) => () => list.querySelector(`[data-line="${number}"] [data-move="${label}"]`);
      const button = (sign, label, act) => el("button", { type: "button", "data-move": label, "aria-label": `${label}: ${tiles[number].text}`, onclick: act }, sign);
      const moves = (sign, label, by) => button(sign, label, () => {
        move(number, by);
        changed(`Line ${isAt(number) + 1} of ${functions[part]}`, find(label));
      });
      return el("li", { "data-line": number }, el("code", {}, tiles[number].text), el("span", { class: "lines-moves" },
        moves("↑", "Up", -1), moves("↓", "Down", 1),
        button("✕", "Take out", () => {
          takeOut(number);
          changed("Back among the lines", () => list.querySelector("button") ?? lines.querySelector("button"));
        })));
    })));
  }

  function read() {
    const saved = answers.read(key)?.lines;
    if (!saved) return begin();
    const found = saved.map((part, number) => part.map((text) => tiles.findIndex((tile) => tile.part === number && tile.text === text)));
    if (found.length !== functions.length || found.flat().includes(-1)) say(NEW_LINES);
    return functions.map((_, number) => (found[number] ?? []).filter((line) => line >= 0));
  }

  async function run() {
    const problem = "What judges the lines could not be loaded. Look at your connection and press Check again.";
    let verdict = { status: "not attempted", message: problem };
    try {
      const { judge } = await import("./reading.js");
      const response = await fetch(new URL(`${key}.json`, import.meta.url));
      verdict = judge(await response.json(), placed);
    } catch {
      // told by the verdict
    }
    const told = verdict.formula ? `\nYour lines compute \`${verdict.formula.mine}\`.\nThe block computes \`${verdict.formula.right}\`.` : "";
    showVerdict(status, verdict.status, verdict.message + told);
    if (verdict.status !== "passed") return;
    const failed = answers.write(key, { ...answers.read(key), code: compose(exercise, placed), passed: true });
    if (failed) say(failed);
    progressed();
  }

  function startAgain() {
    if (JSON.stringify(placed) !== JSON.stringify(begin()) && !confirm("Take all your lines out, and start again?")) return;
    answers.remove(key);
    placed = begin();
    status.replaceChildren();
    say("");
    show();
    progressed();
  }

  async function copy() {
    await navigator.clipboard.writeText(compose(exercise, placed));
    said.textContent = copied.textContent = "Copied";
    setTimeout(() => (copied.textContent = "Copy"), 2000);
  }

  /** Dragging comes with the first touch; a line can be dropped among the lines, and in its own part of the code. */
  function loadDragging() {
    loading ??= import("sortablejs").then(({ default: Sortable }) => {
      const drop = ({ item, to, newIndex }) => {
        const number = Number(item.dataset.line);
        if (to === lines) isAt(number) >= 0 && takeOut(number);
        else put(number, newIndex);
        changed("");
      };
      const options = { group: { name: key, put: (to, from, item) => to.el === lines || to.el === parts[tiles[item.dataset.line].part] }, onEnd: drop, animation: 120, delay: 150, delayOnTouchOnly: true, sort: true };
      for (const list of [lines, ...parts]) Sortable.create(list, options);
    }, () => (loading = null));
  }

  const check = el("button", { type: "button", class: "live-check", onclick: run }, "Check");
  const copied = el("button", { type: "button", onclick: copy }, "Copy");
  const reset = el("button", { type: "button", onclick: startAgain }, "Reset");
  const live = el("div", { class: "live live-lines" },
    el("div", { class: "lines" },
      el("div", {}, el("p", { class: "lines-title" }, "Lines: choose the right ones"), lines),
      el("div", {}, el("p", { class: "lines-title" }, "Your code"), code)),
    said, note, el("div", { class: "live-buttons" }, check, copied, reset), status);
  for (const event of ["pointerover", "touchstart", "focusin"]) live.addEventListener(event, loadDragging, { once: true, passive: true });
  answers.onChange(() => {
    const now = read();
    if (JSON.stringify(now) !== JSON.stringify(placed)) {
      placed = now;
      show();
      say(ELSEWHERE);
    }
    progressed();
  });
  placed = read();
  show();
  for (const cell of place.querySelectorAll(".tag_exercise, .tag_exercise-check")) cell.hidden = true;
  place.prepend(live);
}
