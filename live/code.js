// An exercise that is written as code: an editor, and the check of the book's own packages in Python.

import { el } from "./elements.js";
import { button, Exercise } from "./exercise.js";
import * as python from "./python.js";

const LOADS = "The first check loads Python into the page, 6 to 13 MB.";
const NEW_STUB = "The exercise has changed since you wrote this. Your code is as you left it; Reset gives the new stub.";

export class CodeExercise extends Exercise {
  constructor(place, progressed) {
    super(place, progressed);
    this.stub = place.querySelector(".tag_exercise pre").textContent.trimEnd() + "\n";
    // a plain field, until CodeMirror comes into its place
    this.editor = el("textarea", { "aria-label": "Your code", spellcheck: "false", autocapitalize: "off", autocomplete: "off", rows: this.stub.split("\n").length + 3 });
    this.editor.addEventListener("focus", () => this.loadEditor());
    this.editor.addEventListener("input", () => this.changed());
    this.printed = el("pre", { class: "live-printed", tabindex: "0", "aria-label": "What your code prints", hidden: "" });
    this.stop = button("Stop", python.stop, { disabled: "" });
    this.loads = el("small", { class: "live-loads" }, LOADS);
    this.begin(this.editor, this.note, el("div", { class: "live-buttons" }, this.check, this.stop, this.reset, this.loads), this.status, this.printed);
    if (this.saved && this.saved.stub !== this.stub) this.say(NEW_STUB);
  }

  loadEditor() {
    this.loading ??= import("./editor.js").then(
      ({ replace }) => (this.editor = replace(this.editor, { changed: () => this.changed(), run: () => this.run() })),
      () => (this.loading = null), // the plain field works too
    );
  }

  answer() {
    return { code: this.editor.value, stub: this.saved?.stub ?? this.stub };
  }

  changed() {
    if (!this.isRestoring) this.keep(this.answer());
  }

  isNew() {
    return this.editor.value === this.stub;
  }

  /** Shows a saved answer; true where it is another one than stood there. */
  restore(saved) {
    const code = saved?.code ?? this.stub;
    if (code === this.editor.value) return false;
    this.isRestoring = true;
    this.editor.value = code;
    this.isRestoring = false;
    return true;
  }

  async judge() {
    this.stop.disabled = false;
    this.printed.hidden = true;
    const verdict = await python.check(this.name, this.editor.value, (text) => this.tell("", text));
    if (document.activeElement === this.stop) this.check.focus();
    this.stop.disabled = true;
    for (const note of document.querySelectorAll(".live-loads")) note.hidden = python.isLoaded();
    this.printed.textContent = verdict.printed;
    this.printed.hidden = !verdict.printed;
    return verdict;
  }

  startAgain() {
    super.startAgain();
    this.printed.hidden = true;
  }
}
