// An exercise that is written as code: editor, check and verdict in the place of the notebook's stub and check.

import * as answers from "./answers.js";
import { el } from "./elements.js";
import * as python from "./python.js";
import { showVerdict } from "./verdict.js";

const LOADS = "The first check loads Python into the page: 13 MB, 6 MB where the host compresses.";
const NEW_STUB = "The exercise has changed since you wrote this. Your code is as you left it; Reset gives the new stub.";
const ELSEWHERE = "Your code was changed in another tab: this is how it stands there now.";

export function codeExercise(place, progressed) {
  const name = place.dataset.exercise;
  const stub = place.querySelector(".tag_exercise pre").textContent.trimEnd() + "\n";
  const textarea = el("textarea", { "aria-label": "Your code", spellcheck: "false", autocapitalize: "off", autocomplete: "off", rows: stub.split("\n").length + 3 });
  const note = el("p", { class: "live-note", hidden: "" });
  const status = el("div", { role: "status", class: "live-verdict" });
  const printed = el("pre", { class: "live-printed", tabindex: "0", "aria-label": "What your code prints", hidden: "" });
  const loads = el("small", { id: `loads-${name}` }, LOADS);
  const check = el("button", { type: "button", class: "live-check", "aria-describedby": loads.id, onclick: run }, "Check");
  const stop = el("button", { type: "button", onclick: python.stop, disabled: "" }, "Stop");
  const reset = el("button", { type: "button", onclick: startAgain }, "Reset");
  let editor = textarea, loading = null, quiet = false, runs = false;

  const say = (text) => {
    note.textContent = text;
    note.hidden = !text;
  };
  const saved = () => answers.read(name);
  const show = (text) => {
    quiet = true; // not something that the reader has just written
    editor.value = text;
    quiet = false;
  };
  const changed = (code) => {
    if (quiet) return;
    const { passed = false, stub: old = stub } = saved() ?? {};
    say(answers.write(name, { code, stub: old, passed }));
  };
  const loadEditor = () => {
    loading ??= import("./editor.js").then(
      ({ replace }) => (editor = replace(textarea, { changed, run })),
      () => (loading = null), // the plain field works too
    );
  };

  async function run() {
    if (runs) return;
    runs = true;
    check.disabled = stop.disabled = false;
    check.setAttribute("aria-disabled", "true");
    printed.hidden = true;
    const code = editor.value;
    const verdict = await python.check(name, code, (text) => showVerdict(status, null, text));
    runs = false;
    check.removeAttribute("aria-disabled");
    if (document.activeElement === stop) check.focus();
    stop.disabled = true;
    showVerdict(status, verdict.status, verdict.message);
    printed.textContent = verdict.printed;
    printed.hidden = !verdict.printed;
    if (python.isLoaded()) loads.hidden = true;
    if (verdict.status === "passed") {
      const problem = answers.write(name, { code: saved()?.code ?? code, stub: saved()?.stub ?? stub, passed: true });
      if (problem) say(problem);
      progressed();
    }
  }

  function startAgain() {
    if (editor.value !== stub && !confirm("Delete your code, and start again from the stub?")) return;
    show(stub);
    answers.remove(name);
    status.replaceChildren();
    printed.hidden = true;
    say("");
    progressed();
  }

  const before = saved();
  textarea.value = before?.code ?? stub;
  if (before && before.stub !== stub) say(NEW_STUB);
  textarea.addEventListener("focus", loadEditor);
  textarea.addEventListener("input", () => changed(textarea.value));
  answers.onChange(() => {
    const code = saved()?.code ?? stub;
    if (code !== editor.value) {
      show(code);
      say(ELSEWHERE);
    }
    progressed();
  });
  for (const cell of place.querySelectorAll(".tag_exercise, .tag_exercise-check")) cell.hidden = true;
  place.prepend(el("div", { class: "live" }, textarea, note, el("div", { class: "live-buttons" }, check, stop, reset, loads), status, printed));
}
