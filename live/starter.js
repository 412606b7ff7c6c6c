// On every page: makes its exercises live, and shows what has been passed. All else is loaded when a reader needs it.

import { CodeExercise } from "./code.js";
import { LineExercise } from "./lines.js";
import { showProgress } from "./progress.js";

const KINDS = { code: CodeExercise, lines: LineExercise };
if (typeof WebAssembly === "object" && typeof Worker === "function")
  for (const place of document.querySelectorAll("[data-kind]")) new KINDS[place.dataset.kind](place, showProgress);
showProgress();
if (document.getElementById("all-answers")) import("./my-work.js").then(({ showWork }) => showWork(showProgress));
