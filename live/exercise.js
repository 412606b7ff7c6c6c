// What every exercise in a page has: an answer that stays in this browser, a note about it, Check, Reset and a verdict.

import * as answers from "./answers.js";
import { el } from "./elements.js";

/** A kind of exercise says what its answer `isNew` is, how to `restore` one, and how to `judge` it. */
export class Exercise {
  constructor(place, progressed) {
    this.place = place;
    this.progressed = progressed;
    this.name = place.dataset.exercise;
    this.key = place.dataset.key ?? this.name; // the first page has a basic block too, with an answer of its own
    this.note = el("p", { class: "live-note", hidden: "" });
    this.status = el("div", { role: "status", class: "live-verdict" });
    this.check = button("Check", () => this.run(), { class: "live-check" });
    this.reset = button("Reset", () => this.startAgain());
  }

  get saved() {
    return answers.read(this.key);
  }

  /** Puts the exercise into the place of the notebook's stub and check, with the answer as it was left. */
  begin(...parts) {
    this.restore(this.saved);
    answers.onChange(() => {
      if (this.restore(this.saved)) this.say("This was changed in another tab: here is how it stands there now.");
      this.progressed();
    });
    for (const cell of this.place.querySelectorAll(".tag_exercise, .tag_exercise-check")) cell.hidden = true;
    this.place.prepend(el("div", { class: "live" }, ...parts));
  }

  say(text) {
    this.note.textContent = text;
    this.note.hidden = !text;
  }

  keep(answer) {
    this.say(answers.write(this.key, { passedCode: this.saved?.passedCode, ...answer }));
    this.status.toggleAttribute("data-stale", true); // what it says is of the code before
    this.progressed();
  }

  async run() {
    if (this.check.ariaDisabled) return;
    this.check.ariaDisabled = "true";
    const { code } = this.answer(); // a reader may go on writing meanwhile
    const verdict = await this.judge();
    this.check.ariaDisabled = null;
    this.tell(verdict.status, verdict.message);
    if (verdict.status !== "passed") return;
    this.keep({ ...this.answer(), passedCode: code });
    this.status.toggleAttribute("data-stale", this.answer().code !== code);
  }

  startAgain() {
    if (!this.isNew() && !confirm("Delete what you have done here, and start again?")) return;
    answers.remove(this.key);
    this.restore(null);
    this.status.replaceChildren();
    this.say("");
    this.progressed();
  }

  /** The verdict begins with its status, if it has one; what stands in backticks is code. */
  tell(status, message) {
    this.status.dataset.status = status;
    this.status.removeAttribute("data-stale");
    const lines = message.split("\n").map((line) =>
      el("p", {}, ...line.split("`").map((part, number) => (number % 2 ? el("code", {}, part) : part))));
    if (status) lines[0].prepend(el("b", {}, `${status}.`), " ");
    this.status.replaceChildren(...lines);
  }
}

export const button = (text, onclick, attributes = {}) => el("button", { type: "button", onclick, ...attributes }, text);
