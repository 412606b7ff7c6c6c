import { el } from "./elements.js";

/** The verdict begins with its status, if it has one; what stands in backticks is code. */
export function showVerdict(place, status, message) {
  place.dataset.status = status ?? "";
  const lines = message.split("\n").map((line) =>
    el("p", {}, ...line.split("`").map((part, number) => (number % 2 ? el("code", {}, part) : part))));
  if (status) lines[0].prepend(el("b", {}, `${status}.`), " ");
  place.replaceChildren(...lines);
}
