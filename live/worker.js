// Runs the check of the book's own packages in Python (Pyodide), away from the page, which can end it.

// What Python gets besides its core. PyTorch would be one more, and its exercises could then be written here too.
const PACKAGES = ["packages.zip"];

const loading = load();

async function load() {
  const here = (name) => new URL(name, self.location).href;
  const { loadPyodide } = await import(here("pyodide/pyodide.mjs"));
  const python = await loadPyodide({ indexURL: here("pyodide/") });
  for (const name of PACKAGES) {
    const response = await fetch(here(name));
    if (!response.ok) throw new Error(`${name}: ${response.status}`);
    python.unpackArchive(await response.arrayBuffer(), "zip", { extractDir: "/book" });
  }
  const signal = python.pyimport("signal");
  signal.setitimer = timer(python);
  signal.ITIMER_REAL = 0;
  python.runPython("import sys; sys.path.insert(0, '/book')");
  return python.pyimport("resnet_exercises.page");
}

// The interval timer that Python has elsewhere, and the check needs to end a loop. Python looks every few instructions into
// the interrupt buffer, which here gives the number of the signal whenever it is time.
function timer(python) {
  const SIGALRM = 14;
  let interval = 0, next = Infinity;
  python.setInterruptBuffer({
    get 0() {
      const now = performance.now();
      if (now < next) return 0;
      next = interval ? now + interval : Infinity;
      return SIGALRM;
    },
    set 0(taken) {},
  });
  return (which, first, every = 0) => {
    const left = next === Infinity ? 0 : Math.max(next - performance.now(), 0.001);
    const before = python.toPy([left / 1000, interval / 1000]);
    interval = 1000 * every;
    next = first ? performance.now() + 1000 * first : Infinity;
    return before;
  };
}

self.onmessage = async ({ data: { name, code } }) => {
  let page;
  try {
    page = await loading;
  } catch (problem) {
    self.postMessage({ trouble: `The browser says: ${problem.message}` });
    return;
  }
  self.postMessage({ begins: true, timedOut: page.TIMED_OUT });
  const verdict = page.check_code(name, code);
  self.postMessage({ verdict: verdict.toJs({ dict_converter: Object.fromEntries }) });
  verdict.destroy();
};
