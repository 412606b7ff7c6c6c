// What has been passed, beside the chapters in the sidebar and on the first page.

import all from "../book/_generated/exercises.json";
import * as answers from "./answers.js";
import { el } from "./elements.js";

const exercises = all.filter(({ kind }) => kind !== "notebook");

export function showProgress() {
  const passed = new Set(exercises.filter(({ name }) => answers.isPassed(answers.read(name))).map(({ name }) => name));
  for (const link of document.querySelectorAll(".bd-links a")) {
    const of = exercises.filter(({ page }) => new URL(link.href).pathname.endsWith(`/${page}.html`));
    tell(link, of.length ? `${of.filter(({ name }) => passed.has(name)).length} of ${of.length}` : "", passed.size);
  }
  for (const place of document.querySelectorAll("[data-kind]"))
    place.closest("section")?.classList.toggle("live-done", passed.has(place.dataset.key ?? place.dataset.exercise));
  const total = document.getElementById("progress");
  if (total) total.textContent = passed.size ? `You have passed ${passed.size} of ${exercises.length} exercises in the pages.` : "";
}

function tell(link, text, any) {
  link.querySelector(".live-count")?.remove();
  if (!text || !any) return;
  const [got, all] = text.split(" of ");
  link.append(" ", el("span", { class: "live-count", title: `${text} exercises passed` }, `${got === all ? "✔ " : ""}${got}/${all}`));
}
