// What the reader has written, by the name of the exercise: {code, passedCode, …}. It stays in this browser.

const START = "resnet-exercise:";
const unsaved = new Map(); // where the browser keeps nothing, or no more

function storage() {
  try {
    return window.localStorage;
  } catch {
    return null; // forbidden, as in some private windows
  }
}

export function read(name) {
  if (unsaved.has(name)) return unsaved.get(name);
  try {
    return JSON.parse(storage()?.getItem(START + name) ?? "null");
  } catch {
    return null;
  }
}

/** Whether the code that stands there has passed. */
export const isPassed = (answer) => Boolean(answer) && answer.code === answer.passedCode;

/** Keeps an answer; gives back "" or, where the browser does not keep it, what the reader must know. */
export function write(name, answer) {
  try {
    storage().setItem(START + name, JSON.stringify(answer));
    unsaved.delete(name);
    return "";
  } catch {
    unsaved.set(name, answer);
    const why = storage() ? "The storage of this browser is full" : "This browser keeps nothing for this site";
    return `${why}: your code is lost when you leave the page. Copy it first.`;
  }
}

export function remove(name) {
  unsaved.delete(name);
  try {
    storage().removeItem(START + name);
  } catch {
    // nothing was kept
  }
}

/** Calls `changed` where another tab, or another page before this one was left, has written something. */
export function onChange(changed) {
  addEventListener("storage", (event) => {
    if (event.key === null || event.key.startsWith(START)) changed();
  });
  addEventListener("pageshow", (event) => event.persisted && changed());
}
