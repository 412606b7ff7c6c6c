// On every page: makes its exercises live, and shows what has been passed. All else is loaded when a reader needs it.

import { codeExercise } from "./code.js";
import { lineExercise } from "./lines.js";
import { showProgress } from "./progress.js";

const KINDS = { code: codeExercise, lines: lineExercise };
if (typeof WebAssembly === "object" && typeof Worker === "function")
  for (const place of document.querySelectorAll("[data-kind]")) KINDS[place.dataset.kind](place, showProgress);
showProgress();
if (document.getElementById("all-answers")) import("./my-work.js").then(({ showWork }) => showWork(showProgress));
