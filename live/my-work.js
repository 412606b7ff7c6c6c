// The page My work: all answers of this browser, to look at, to download, to load again, to delete.

import all from "../book/_generated/exercises.json";
import * as answers from "./answers.js";
import { el } from "./elements.js";

const exercises = all.filter(({ kind }) => kind !== "notebook"); // those that are done in the pages
const FORM = 1; // of the file with the answers

export function showWork(progressed) {
  const place = document.getElementById("all-answers");
  const said = el("p", { role: "status", class: "live-note" });
  const list = el("div", {});
  const file = el("input", { type: "file", accept: ".json,application/json", id: "answers-file", hidden: "", onchange: load });
  const written = () => exercises.map((exercise) => ({ ...exercise, answer: answers.read(exercise.name) })).filter(({ answer }) => answer);

  function show() {
    const found = written();
    const passed = found.filter(({ answer }) => answers.isPassed(answer)).length;
    list.replaceChildren(
      el("p", {}, found.length ? `${passed} of ${exercises.length} exercises passed (✔), ${found.length - passed} begun (○):` : "There is no answer in this browser yet."),
      ...found.map(({ chapter, title, page, anchor, answer }) =>
        el("details", {},
          el("summary", {}, `${answers.isPassed(answer) ? "✔" : "○"} ${chapter}: ${title}`),
          el("pre", { tabindex: "0" }, answer.code),
          el("p", {}, el("a", { href: `../${page}.html#${anchor}` }, "Go to the exercise")))));
    progressed();
  }

  async function asNotebook() {
    const response = await fetch(new URL("answers.ipynb", import.meta.url));
    if (!response.ok) return tell("The notebook could not be loaded. Look at your connection and try again.");
    const notebook = await response.json();
    for (const { cell, answer } of written())
      notebook.cells.find(({ id }) => id === cell).source = answer.code.trimEnd();
    download("my-answers.ipynb", JSON.stringify(notebook, null, 1));
  }

  function asFile() {
    const found = Object.fromEntries(written().map(({ name, answer }) => [name, answer]));
    download("my-answers.json", JSON.stringify({ form: FORM, answers: found }, null, 1));
  }

  async function load() {
    let given = null;
    try {
      given = JSON.parse(await file.files[0].text());
    } catch {
      // told below
    }
    file.value = "";
    const known = exercises.filter(({ name }) => typeof given?.answers?.[name]?.code === "string");
    if (given?.form !== FORM || !known.length) return tell("This file holds no answers. Load a .json file that this page has made; a notebook is for Colab and JupyterLab.");
    const changed = known.filter(({ name }) => answers.read(name) && answers.read(name).code !== given.answers[name].code);
    if (changed.length && !confirm(`Replace ${changed.length === 1 ? "one answer" : `${changed.length} answers`} in this browser by what is in the file?`)) return;
    const problem = known.map(({ name }) => answers.write(name, given.answers[name])).find(Boolean);
    tell(problem ?? `Loaded: ${known.length} ${known.length === 1 ? "answer" : "answers"}.`);
    show();
  }

  function deleteAll() {
    const found = written();
    if (!found.length || !confirm(`Delete ${found.length === 1 ? "your answer" : `all ${found.length} answers`} from this browser?`)) return;
    for (const { name } of found) answers.remove(name);
    tell("Deleted.");
    show();
  }

  const tell = (text) => {
    said.textContent = text;
  };
  const button = (text, onclick) => el("button", { type: "button", onclick }, text);
  place.replaceChildren(
    el("div", { class: "live" },
      el("div", { class: "live-buttons" },
        button("Download the notebook (.ipynb)", asNotebook),
        button("Download the answers (.json)", asFile),
        button("Load answers (.json)", () => file.click()),
        button("Delete all", deleteAll),
        file),
      said),
    list);
  answers.onChange(show);
  show();
}

function download(name, text) {
  const address = URL.createObjectURL(new Blob([text], { type: "application/json" }));
  el("a", { href: address, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(address), 10_000);
}
