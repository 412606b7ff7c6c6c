// Python in the page: one worker, started at the first check, in which the same check runs as in a notebook.

// A check ends by itself, as in a notebook. Only what no clock in Python interrupts, such as one huge power, needs this.
const PATIENCE = 60_000;
const FROM_A_FILE = "This page was opened as a file, and browsers do not let a file load others. Open the published book, or serve the site: "
  + "python3 -m http.server in the folder _build/html, then the address localhost:8000.";

let worker = null, waiting = null, clock = 0;

export const isLoaded = () => worker !== null;

/** The verdict on `code`: {status, mistake, message, printed}. `say` hears what goes on meanwhile. */
export function check(name, code, say) {
  stop();
  if (location.protocol === "file:") return Promise.resolve(trouble(FROM_A_FILE));
  return new Promise((resolve) => {
    waiting = resolve;
    if (!worker) {
      say("Loading Python …");
      worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    } else say("Checking …");
    worker.onmessage = ({ data }) => {
      if (data.begins) {
        say("Checking …");
        clock = setTimeout(() => end(failed(data.timedOut)), PATIENCE);
        return;
      }
      if (data.trouble) end(trouble(data.trouble));
      else settle(data.verdict);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      end(trouble(event.message));
    };
    worker.postMessage({ name, code });
  });
}

/** Ends the check that runs, if one does. */
export function stop() {
  if (waiting) end({ ...failed("The check was stopped. Press Check to run it again."), status: "not attempted" });
}

function end(verdict) {
  worker?.terminate();
  worker = null;
  settle(verdict);
}

function settle(verdict) {
  clearTimeout(clock);
  waiting?.(verdict);
  waiting = null;
}

const failed = (message) => ({ status: "failed", mistake: null, message, printed: "" });
const trouble = (message) => ({
  status: "not attempted",
  mistake: null,
  message: message === FROM_A_FILE ? message : `Python could not be loaded. Look at your connection and press Check again. ${message ?? ""}`,
  printed: "",
});
