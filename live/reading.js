// Judges an arrangement of lines without running it: which line works on what which other line has made.
//
// `exercise` is what scripts/arranging.py has read from the solution and the known mistakes; `placed` has, for each part of
// the code, the numbers of its lines in order.

/** {status, mistake, message, formula} of an arrangement, as the check of the notebook would say. */
export function judge(exercise, placed) {
  const { tiles, functions, known } = exercise;
  const failed = (message, mistake = null, formula = formulas(exercise, placed)) => ({ status: "failed", mistake, message, formula });
  const empty = placed.findIndex((part) => !part.length);
  if (empty >= 0) return { status: "not attempted", mistake: null, message: emptyPart(exercise, placed, empty), formula: null };

  const below = belowReturn(exercise, placed);
  if (below !== undefined) return failed(`The line ${line(tiles[below])} stands below the \`return\`, so it never runs.`);
  const mine = read(exercise, placed), right = read(exercise, exercise.solution);
  if (mine.harmless && same(mine, right)) return { status: "passed", mistake: null, message: exercise.passed, formula: null };
  for (const { mistake, says, parts } of known) {
    const wrong = read(exercise, parts);
    if (same(mine, wrong) && mine.dead.join() === wrong.dead.join()) return failed(says, mistake);
  }
  if (mine.unset) return failed(mine.unset);
  const wrong = mine.order.find((number) => tiles[number].wrong);
  if (wrong === undefined) return failed(ordered(exercise, mine, right));
  // the formula says nothing of a wrong line of `__init__`
  return tiles[wrong].formula ? failed(tiles[wrong].wrong) : failed(tiles[wrong].wrong, null, null);
}

function emptyPart({ functions }, placed, empty) {
  const name = functions[empty];
  if (placed.every((part) => !part.length)) return "Put lines into your code first.";
  return functions.indexOf(name) === functions.lastIndexOf(name) ? `\`${name}\` has no line yet.` : `A part of \`${name}\` has no line yet.`;
}

function belowReturn({ tiles }, placed) {
  const after = (part) => part.slice(part.findIndex((number) => tiles[number].returns) + 1);
  return placed.filter((part) => part.some((number) => tiles[number].returns)).flatMap(after)[0];
}

/** What differs where all lines are right ones: a line without use, one that works on something else, one that is missing. */
function ordered({ tiles, solution, functions }, mine, right) {
  const missing = solution.flat().filter((number) => !mine.order.includes(number));
  if (missing.some((number) => tiles[number].returns)) return `Nothing is returned: \`${functions.at(-1)}\` does not end with a \`return\`.`;
  const unused = mine.dead.find((number) => !right.dead.includes(number));
  if (unused !== undefined && missing.length) return `What the line ${line(tiles[unused])} makes is used nowhere: a line is still missing.`;
  for (const number of mine.order) {
    const [got, wanted] = [mine.sources.get(number), right.sources.get(number)];
    const path = [...got.keys()].find((key) => got.get(key).join() !== wanted.get(key).join());
    if (!path) continue;
    const name = path.replace(" itself", "");
    if (wanted.get(path).some((from) => missing.includes(from))) return `A line that sets \`${name}\` is still missing before the line ${line(tiles[number])}.`;
    const late = wanted.get(path).find((from) => !got.get(path).includes(from));
    if (late !== undefined) return `The line ${line(tiles[number])} uses \`${name}\`, and comes before the line ${line(tiles[late])}, which sets it.`;
    const early = got.get(path).find((from) => !wanted.get(path).includes(from));
    return `The line ${line(tiles[number])} uses \`${name}\`, and comes after the line ${line(tiles[early])}, which changes it.`;
  }
  const [path] = [...tiles[missing[0]].sets, ...tiles[missing[0]].changes];
  return `A line is still missing: one that sets \`${path}\`.`;
}

const line = ({ text }) => `\`${text.split("\n")[0].replace(/:$/, "")}\``;

/** Who works on what: the lines that run, the sources of what each of them reads, and the lines of no consequence. */
function read(exercise, placed) {
  const { tiles, functions, given } = exercise;
  const steps = []; // {number, tile, scope}
  placed.forEach((part, place) => {
    for (const number of part) {
      const returned = steps.some(({ tile, scope }) => scope === functions[place] && tile.returns);
      if (!returned) steps.push({ number, tile: tiles[number], scope: functions[place] });
    }
  });
  if (exercise.result) steps.push({ number: -1, tile: exercise.result, scope: functions.at(-1) });
  const set = new Set(tiles.flatMap(({ sets, changes }) => [...sets, ...changes]));
  const isGiven = (path, tile) => given[tile.part].includes(path.split(".")[0]);
  const sources = new Map();
  let unset = null;
  steps.forEach(({ number, tile }, at) => {
    const found = new Map();
    for (const path of tile.reads) found.set(path, writers(steps, at, path, true));
    for (const path of tile.needs) found.set(`${path} itself`, writers(steps, at, path, false));
    sources.set(number, found);
    for (const [path, from] of found) {
      const name = path.match(path.startsWith("self.") ? /^self\.\w+/ : /^\w+/)[0];
      if (from.length || !set.has(name) || (isGiven(name, tile) && !name.includes("."))) continue;
      if (tile.changes.includes(path)) unset ??= `The line ${line(tile)} sets \`${name}\` in one case only: a line before it must set it for the other.`;
      const later = placed.flat().some((other) => other !== number && tiles[other].sets.includes(name));
      unset ??= later ? `The line ${line(tile)} uses \`${name}\` before a line sets it.` : `No line sets \`${name}\`, which the line ${line(tile)} uses.`;
    }
  });
  // backwards from what counts: the result, and the changes of what the function was given
  const live = new Set();
  const visit = (number) => {
    if (live.has(number)) return;
    live.add(number);
    for (const from of sources.get(number).values()) from.forEach(visit);
  };
  for (const { number, tile } of steps) {
    const inside = [...tile.changes, ...tile.sets.filter((path) => path.includes("."))];
    if (tile.returns || inside.some((path) => !path.startsWith("self.") && isGiven(path, tile))) visit(number);
  }
  const dead = steps.filter(({ number }) => !live.has(number));
  return {
    order: steps.map(({ number }) => number).filter((number) => number >= 0),
    sources,
    unset,
    live: [...live].sort((a, b) => a - b),
    dead: dead.map(({ number }) => number).sort((a, b) => a - b),
    harmless: unset === null && dead.every(({ tile }) => !tile.calls),
  };
}

/** The lines before `at` that have made what stands under `path`; with `inside`, also what has changed a part of it. */
function writers(steps, at, path, inside) {
  const found = [];
  const holds = (outer, inner) => inner === outer || inner.startsWith(`${outer}.`);
  for (let place = at - 1; place >= 0; place -= 1) {
    const { number, tile, scope } = steps[place];
    if (scope !== steps[at].scope && !path.startsWith("self.")) continue; // another function's name
    const made = tile.sets.some((set) => holds(set, path));
    const changed = tile.changes.some((set) => holds(set, path));
    const part = inside && [...tile.sets, ...tile.changes].some((set) => holds(path, set));
    if (made || changed || part) found.push(number);
    if (made) break;
  }
  return found.sort((a, b) => a - b);
}

const same = (one, other) =>
  one.live.join() === other.live.join() && one.live.every((number) => told(one.sources.get(number)) === told(other.sources.get(number)));
const told = (sources) => JSON.stringify([...sources]);

/** What forward computes, and what it should, as one formula each; null where that cannot be said, or is the same. */
function formulas(exercise, placed) {
  let mine = formula(exercise, placed), right = formula(exercise, exercise.solution);
  if (!mine || mine === right) return null;
  for (const { tile, text } of inBrackets(exercise))
    if (mine.includes(text)) [mine, right] = [mine, right].map((formula) => formula.replaceAll(text, tile.sets[0])); // shortcut
  return { mine, right };
}

/** What stands in brackets in the right formula, as it is no call: with its line, whose name can stand for it. */
function inBrackets({ tiles, solution }) {
  return solution.flat().map((number) => ({ tile: tiles[number], text: (tiles[number].formula ?? []).map((part) => part.name ?? part).join("") }))
    .filter(({ tile, text }) => tile.sets.length && bracketed(text) !== text)
    .map(({ tile, text }) => ({ tile, text: `(${text})` }));
}

function formula(exercise, placed) {
  const { order, sources, unset } = read(exercise, placed);
  if (unset) return null;
  const write = (number) => {
    const parts = exercise.tiles[number].formula;
    if (!parts) return null;
    const written = parts.map((part) => {
      if (typeof part === "string") return part;
      const from = sources.get(number).get(part.name)?.at(-1);
      return from === undefined ? part.name : bracketed(write(from));
    });
    return written.includes(null) ? null : written.join("");
  };
  const last = order.find((number) => exercise.tiles[number].returns);
  return last === undefined ? null : write(last);
}

/** A sum or a choice in brackets; a call needs none. */
function bracketed(text) {
  let depth = 0;
  for (const letter of text ?? "") {
    if (letter === "(") depth += 1;
    else if (letter === ")") depth -= 1;
    else if (letter === " " && !depth) return `(${text})`;
  }
  return text;
}
