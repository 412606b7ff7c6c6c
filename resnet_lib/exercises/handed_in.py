"""Checks notebooks that were handed in: ``python -m resnet_lib.exercises FILE.ipynb``, or a folder of them.

Each exercise gets the verdict that its check would give in the notebook. Only the cells that its answer needs are run, not
the trainings of a chapter: the cell that defines the answer, those that define a name which that one uses, and so on. What
is found by name needs no tags, so a notebook that lost them in an editor is checked too.

Cells run in another process, in an empty temporary folder, without keyboard and display, for ``--timeout`` seconds per
exercise. Lines for ``%pip``, other magics and the shell are left out. An exercise that hangs or ends the process costs the
others nothing. **This is no sandbox**: the code runs with your rights, and can read or delete your files, use the network,
and fill the memory. For people whom you do not trust, use a container or an account without rights.

Exit status: 0 if every exercise is passed, 1 if not, 2 if the file or folder cannot be used. In a folder, a file that
cannot be used is a row with its error, and the status is 1.

It reads notebooks as JSON and runs the cells with ``exec``, so it needs no more than the library itself.
"""

from __future__ import annotations

import argparse
import ast
import builtins
import csv
import json
import linecache
import math
import multiprocessing
import os
import re
import signal
import symtable
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from resnet_lib.exercises import EXERCISES, check
from resnet_lib.exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED

TIME_LIMIT, CRASHED = (
    "time limit",
    "crashed",
)  # what only a notebook can get, beside a Verdict's
SECONDS = 20.0  # for one exercise: its cells and its check
START_UP = 120.0  # seconds for a process to import PyTorch
LARGEST = 20  # MB; the chapters with their outputs have less than 1
SIGNS = {PASSED: "✔", FAILED: "✘", NOT_ATTEMPTED: "○", TIME_LIMIT: "✘", CRASHED: "✘"}

# On Linux PyTorch is imported once, in a process from which those for the notebooks are forked. macOS forbids that.
PROCESSES = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
# So is what PyTorch loads when a check first asks it for shapes alone.
PROCESSES.set_forkserver_preload([__name__, "torch._dynamo"])
# The processes inherit these: no windows, no progress bars, and one thread each.
SETTINGS = {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}


class Unusable(ValueError):
    """A file or folder that cannot be checked; the message says what it is, what was expected, and what to do."""


@dataclass(frozen=True)
class Cell:
    """One cell: its place in the notebook, counted from 1, its kind, and its text with magics taken out."""

    number: int
    is_code: bool
    source: str


@dataclass(frozen=True)
class Task:
    """One exercise in a notebook: ``check("name", answer)`` in cell ``number``."""

    name: str
    answer: str  #: the expression, mostly a name; empty where neither a check nor an answer stands under the task
    number: int

    @property
    def label(self) -> str:
        """The name of the exercise, with the name of the answer where it is not the one that the exercise asks for."""
        asked = EXERCISES[self.name].signature.split("(")[0]
        return self.name if self.answer in (asked, "") else f"{self.name} ({self.answer})"


@dataclass
class Report:
    """What came out for one file: a verdict for each exercise, or the error."""

    file: str
    verdicts: list[dict] = field(default_factory=list)
    error: str | None = None

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(verdict["status"] == PASSED for verdict in self.verdicts)

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return not self.error and self.passed == len(self.verdicts)


# Reading a notebook


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook file. Raises :class:`Unusable` for anything else."""
    try:
        if path.is_dir() or not path.is_file():
            found = "is no file" if path.exists() else "does not exist"
            raise Unusable(f"{found}. Give a notebook (.ipynb), or a folder that has some.")
        if path.stat().st_size > LARGEST * 10**6:
            raise Unusable(
                f"has {path.stat().st_size / 1e6:.0f} MB, and {LARGEST} MB is the most that is read. "
                "Open it, clear all outputs, and save it."
            )
        text = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Unusable(
            "is no text in UTF-8, as a notebook is. Ask for the .ipynb file itself."
        ) from None
    except OSError as error:
        raise Unusable(f"cannot be read: {error.strerror}.") from None
    if not text.strip():
        raise Unusable("is empty. Ask for the notebook again.")
    try:
        notebook = json.loads(text)
    except (ValueError, RecursionError):
        raise Unusable("is no notebook: it is not JSON. Ask for the .ipynb file.") from None
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise Unusable("is JSON, but no notebook: `nbformat` is missing. Ask for the .ipynb.")
    if notebook["nbformat"] != 4:
        raise Unusable(
            f"is a notebook of format {notebook['nbformat']!r}, and 4 is expected. "
            "Open it in JupyterLab and save it, which makes it one."
        )
    cells = notebook.get("cells")
    if not isinstance(cells, list) or not all(map(_is_cell, cells)):
        raise Unusable("is no valid notebook: its `cells` are damaged. Ask for it again.")
    return [
        Cell(
            number,
            cell["cell_type"] == "code",
            python_only(source) if cell["cell_type"] == "code" else source,
        )
        for number, cell in enumerate(cells, start=1)
        for source in ["".join(cell["source"])]
    ]


def _is_cell(cell: object) -> bool:
    if not isinstance(cell, dict) or "cell_type" not in cell:
        return False
    source = cell.get("source")
    return isinstance(source, str) or (
        isinstance(source, list) and all(isinstance(line, str) for line in source)
    )


def python_only(source: str) -> str:
    """The source without lines for IPython and the shell; each becomes ``pass``, so that lines keep their numbers."""
    if parsed(source) is not None:
        return source
    first = re.match(r"\s*%%(\w+)", source)
    if first and first.group(1) not in ("time", "timeit", "capture", "prun"):
        return ""  # the cell is in another language
    magic = re.compile(r"^(\s*)(?:[%!?]|[\w, ]+=\s*[%!]|[\w.]+\?+\s*$).*$")
    return "\n".join(magic.sub(r"\1pass", line) for line in source.split("\n"))


def parsed(source: str) -> ast.Module | None:
    """The syntax tree, or None where Python cannot read the source."""
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


# Which exercises a notebook has, and which cells each needs

TASK = re.compile(r"check name `(\w+)`")


def find_tasks(cells: list[Cell]) -> list[Task]:
    """The exercises of a notebook, in order: where a check stands, and where only its task or its answer is left."""
    found: dict[str, Task] = {}
    for start, cell in enumerate(cells):
        if cell.is_code:
            for task in _checks(cell):
                found[task.label] = task  # where a check stands twice, the last one counts
            continue
        name = next(iter(TASK.findall(cell.source)), None)
        if name not in EXERCISES:
            continue
        below = []
        for other in cells[start + 1 :]:
            if not other.is_code and TASK.search(other.source):
                break
            below.append(other)
        if any(task.name == name for other in below for task in _checks(other)):
            continue
        defined = [d for other in below for d in _definitions(other.source)]
        asked = EXERCISES[name].signature.split("(")[0]
        answer = asked if asked in defined else next(iter(defined), "")
        number = below[-1].number if below else cell.number
        task = Task(name, answer, number)
        found.setdefault(task.label, task)
    return sorted(found.values(), key=lambda task: task.number)


def _checks(cell: Cell) -> list[Task]:
    """The calls ``check("name", answer)`` in a cell, for names that are exercises."""
    tree = parsed(cell.source) if cell.is_code else None
    found = []
    for node in ast.walk(tree) if tree else []:
        if isinstance(node, ast.Call) and len(node.args) == 2:
            called = getattr(node.func, "id", getattr(node.func, "attr", None))
            name = getattr(node.args[0], "value", None)
            if called == "check" and isinstance(name, str) and name in EXERCISES:
                found.append(Task(name, ast.unparse(node.args[1]), cell.number))
    return found


def _definitions(source: str) -> list[str]:
    """The names of the functions and classes of a cell, also of one that has a syntax error."""
    return re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE)


@dataclass(frozen=True)
class Names:
    """The global names that a cell defines, and those that it takes from other cells."""

    defines: frozenset[str]
    uses: frozenset[str]


def names_in(source: str) -> Names:
    """What a cell defines and uses; a cell that Python cannot read defines what its ``def`` and ``class`` say."""
    tree = parsed(source)
    if tree is None:
        return Names(frozenset(_definitions(source)), frozenset())
    defines, uses = set(), set()
    for statement in tree.body:
        table = symtable.symtable(ast.unparse(statement), "cell", "exec")
        new, used = _symbols(table, top=True)
        for node in ast.walk(statement):
            if isinstance(node, ast.AugAssign) and isinstance(node.target, ast.Name):
                used.add(node.target.id)
            if isinstance(node, (ast.Attribute, ast.Subscript)):
                if isinstance(node.ctx, ast.Store) and isinstance(node.value, ast.Name):
                    new.add(node.value.id)  # `Block.forward = forward` makes part of Block
                    used.add(node.value.id)
            if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
                new.add("*")
        if isinstance(statement, (ast.FunctionDef, ast.ClassDef)):
            used.discard(statement.name)
        uses |= used - defines
        defines |= new
    return Names(frozenset(defines), frozenset(uses))


def _symbols(table: symtable.SymbolTable, top: bool) -> tuple[set[str], set[str]]:
    """The global names that a piece of code, with the functions and classes in it, defines and uses."""
    defines, uses = set(), set()
    for symbol in table.get_symbols():
        if top or symbol.is_global():
            if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                defines.add(symbol.get_name())
            if symbol.is_referenced():
                uses.add(symbol.get_name())
    for child in table.get_children():
        inner = _symbols(child, top=False)
        defines |= inner[0]
        uses |= inner[1]
    return defines, uses


def cells_needed(cells: list[Cell], task: Task, below: bool = False) -> list[int]:
    """The numbers of the cells to run before ``check(name, answer)``, in the order of the notebook.

    A name comes from the last cell before the check that defines it, or else from the first one after it. With ``below``
    cells after the check count as if they stood before it.
    """
    names = {cell.number: names_in(cell.source) for cell in cells if cell.is_code}
    stars = [number for number, cell in names.items() if "*" in cell.defines]
    needed = {number for number in stars if number < task.number}
    wanted = [(name, math.inf if below else task.number) for name in _names_of(task.answer)]
    wanted += [(name, number) for number in needed for name in names[number].uses]
    seen = set(wanted)
    while wanted:
        name, before = wanted.pop()
        defining = [number for number, cell in names.items() if name in cell.defines]
        earlier = [number for number in defining if number < before]
        # a cell that sets an attribute of a name needs the one before it: its own uses ask for that
        source = earlier[-1] if earlier else next(iter(defining), None)
        if source is None:
            continue
        needed.add(source)
        more = {(used, source) for used in names[source].uses} - seen
        seen |= more
        wanted += more
    return sorted(needed)


def _names_of(expression: str) -> frozenset[str]:
    return names_in(expression).uses


# The process that runs the cells


def work(answers: Connection, cells: list[Cell], tasks: list[Task], folder: str) -> None:
    """What the other process does: says in JSON which exercise begins, then the verdict on it; at the end, that it is done."""
    if hasattr(os, "setsid"):
        os.setsid()  # what the cells start can be ended with them
    os.chdir(folder)
    sys.path.insert(0, "")
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")
    builtins.input = _no_input
    ours = os.getpid()

    def say(**what):
        if os.getpid() == ours:  # not from a copy that a cell made with os.fork()
            answers.send_bytes(json.dumps(what).encode("ascii"))

    for task in tasks:
        say(begins=task.label)
        say(verdict=_judge(cells, task))
    say(done=True)
    os._exit(0)  # whatever threads the cells have left


def _no_input(prompt: object = "") -> str:
    raise EOFError("input() waits for a keyboard, and there is none when a notebook is checked")


def _judge(cells: list[Cell], task: Task) -> dict:
    """The verdict on one exercise, from its check's cell on upwards; from the whole notebook if nothing stands there."""
    first = _judge_with(cells, task, below=False)
    if first["status"] == NOT_ATTEMPTED and cells_needed(cells, task) != cells_needed(
        cells, task, below=True
    ):
        return _judge_with(cells, task, below=True)
    return first


def _judge_with(cells: list[Cell], task: Task, below: bool) -> dict:
    missing = f"No cell defines an answer to it: `{EXERCISES[task.name].signature}`."
    if not task.answer:
        return _verdict(task, NOT_ATTEMPTED, missing)
    by_number = {cell.number: cell for cell in cells}
    space = {"__name__": "__main__", "display": lambda *shown, **options: None}
    troubles = {}
    asked = _names_of(task.answer)
    for number in cells_needed(cells, task, below):
        old = {name: space.get(name) for name in asked}
        trouble = _run(by_number[number], space)
        for name in asked & names_in(by_number[number].source).defines:
            # an import above may have given the name to the library's own answer
            if trouble and space.get(name) is old[name]:
                return _verdict(task, FAILED, trouble)
        if trouble:
            troubles[number] = trouble
    try:
        answer = eval(task.answer, space)
    except NameError:
        return _verdict(task, NOT_ATTEMPTED, " ".join([missing, *troubles.values()]))
    except BaseException as error:
        return _verdict(task, FAILED, _told(error, f"`{task.answer}` in cell {task.number}"))
    if str(getattr(answer, "__module__", "")).startswith("resnet_lib."):
        return _verdict(
            task,
            NOT_ATTEMPTED,
            f"`{task.answer}` is the library's own here: no cell of the notebook writes it.",
        )
    verdict = check(task.name, answer)
    said = verdict.message
    if (
        verdict.status == NOT_ATTEMPTED and "cell above" in said
    ):  # said to those who read the notebook
        said = f"`{task.answer}` is still the stub."
    if verdict.status != PASSED:
        said = "\n".join([said, *troubles.values()])
    return _verdict(task, verdict.status, said, verdict.mistake)


def _run(cell: Cell, space: dict) -> str:
    """Runs one cell; returns what went wrong, in one line, or nothing."""
    file = f"<cell {cell.number}>"
    lines = cell.source.splitlines(keepends=True)
    linecache.cache[file] = (len(cell.source), None, lines, file)  # for what quotes a line
    try:
        exec(compile(cell.source, file, "exec"), space)
    except BaseException as error:
        return _told(error, f"Cell {cell.number}")
    return ""


def _told(error: BaseException, where: str) -> str:
    line = getattr(error, "lineno", None) if isinstance(error, SyntaxError) else None
    step = error.__traceback__
    while step is not None:
        if step.tb_frame.f_code.co_filename.startswith("<cell"):
            line = step.tb_lineno
        step = step.tb_next
    text = error.msg if isinstance(error, SyntaxError) else str(error)
    place = f"{where}, line {line}" if line else where
    return f"{place}: {type(error).__name__}: {text}"[:400].rstrip(": ") + "."


def _verdict(task: Task, status: str, message: str, mistake: str | None = None) -> dict:
    return {
        "exercise": task.name,
        "answer": task.answer or None,
        "label": task.label,
        "status": status,
        "mistake": mistake,
        "message": message,
    }


# The process that asks it


def check_file(path: Path, timeout: float = SECONDS, shown_as: str | None = None) -> Report:
    """The verdicts on one notebook file; ``timeout`` is in seconds for each exercise. Never raises for a bad file."""
    report = Report(shown_as or str(path))
    try:
        cells = read_cells(path)
        tasks = find_tasks(cells)
        if not tasks:
            raise Unusable(
                "has no exercise of this book: no cell calls check(…) with the name of one. "
                "Ask for the chapter that was meant."
            )
    except Unusable as error:
        report.error = str(error)
        return report
    verdicts: dict[str, dict] = {}
    while left := [task for task in tasks if task.label not in verdicts]:
        before = len(verdicts)
        _ask(cells, left, timeout, verdicts)
        if len(verdicts) == before:
            report.error = (
                "could not be checked: the process that runs its cells does not start."
            )
            return report
    report.verdicts = [verdicts[task.label] for task in tasks]
    return report


def _ask(cells: list[Cell], tasks: list[Task], timeout: float, verdicts: dict) -> None:
    """Starts one process and fills in ``verdicts``, up to the exercise that hangs or ends the process."""
    by_label = {task.label: task for task in tasks}
    running, deadline = None, time.monotonic() + START_UP
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        answers, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=work, args=(theirs, cells, tasks, folder))
        process.start()
        theirs.close()
        try:
            while time.monotonic() < deadline:
                if not answers.poll(0.1):
                    if process.exitcode is not None:
                        break
                    continue
                answer = json.loads(answers.recv_bytes())  # JSON: reading it runs no code
                if "begins" in answer:
                    running, deadline = by_label[answer["begins"]], time.monotonic() + timeout
                elif "verdict" in answer:
                    said = [answer["verdict"][key] for key in ("status", "message", "mistake")]
                    if said[0] not in SIGNS:
                        raise ValueError(said)
                    verdicts[running.label] = _verdict(running, *said)
                    running = None
                elif "done" in answer:
                    return
                else:
                    raise ValueError(answer)
        except Exception:  # the process is gone, or a cell has written into its connection
            process.join(1)
            deadline = math.inf
        finally:
            status = process.exitcode
            _end(process)
    if running is not None:
        hung = status is None and deadline < math.inf
        verdicts[running.label] = _stopped(running, timeout if hung else None, status)


def _stopped(task: Task, timeout: float | None, status: int | None) -> dict:
    """The verdict on an exercise that gave none: it used up ``timeout``, or its process ended."""
    if timeout:
        slow = f"Its cells did not end within {timeout:g} s: an endless loop, or long work. "
        return _verdict(task, TIME_LIMIT, slow + "`--timeout` gives them more.")
    return _verdict(
        task, CRASHED, f"Its cells ended the whole Python process (exit status {status})."
    )


def _end(process: multiprocessing.Process) -> None:
    """Ends a process and those that it started."""
    if hasattr(os, "killpg"):
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass
    process.kill()
    process.join()


def check_folder(folder: Path, timeout: float = SECONDS) -> list[Report]:
    """The reports on all notebooks in a folder and its subfolders, by path. Hidden ones, as of checkpoints, are left out."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = sorted(f for f in folders if not f.startswith((".", "__MACOSX")))
        found += [Path(here, f) for f in files if f.lower().endswith(".ipynb") and f[0] != "."]
    if not found:
        raise Unusable("is a folder without a notebook (.ipynb). Give the one that has them.")
    found.sort()
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:
        names = [path.relative_to(folder).as_posix() for path in found]
        return list(pool.map(check_file, found, [timeout] * len(found), names))


# What is printed


def as_text(report: Report) -> str:
    """One notebook: a line for each exercise, and what its check says below."""
    if report.error:
        return f"{_on_one_line(report.file)}: {report.error}"
    lines = [f"{_on_one_line(report.file)}: {report.passed} of {len(report.verdicts)} passed"]
    for verdict in report.verdicts:
        lines.append(f"{SIGNS[verdict['status']]} {verdict['label']}: {_short(verdict)}")
        lines += ["    " + line for line in verdict["message"].splitlines()]
    return "\n".join(lines)


def as_table(reports: list[Report]) -> str:
    """A folder: a line for each file, with what is not passed."""
    names = [_on_one_line(report.file) for report in reports]
    width = max(map(len, names))
    lines = []
    for report, name in zip(reports, names):
        if report.error:
            lines.append(f"{name:{width}}  unusable  {report.error}")
            continue
        rest = [f"{v['label']} {_short(v)}" for v in report.verdicts if v["status"] != PASSED]
        count = f"{report.passed} of {len(report.verdicts)}"
        lines.append(f"{name:{width}}  {count:8}  {'; '.join(rest)}".rstrip())
    complete = sum(report.complete for report in reports)
    lines.append(f"{complete} of {len(reports)} files have every exercise passed")
    return "\n".join(lines)


def _on_one_line(name: str) -> str:
    """A file's name with line breaks, tabs and what steers a terminal written as ``\\n`` and the like."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in name)


def _short(verdict: dict) -> str:
    return verdict["status"] + (f" ({verdict['mistake']})" if verdict["mistake"] else "")


def as_rows(reports: list[Report]) -> list[list[str]]:
    """The CSV: file, passed, exercises, one column for each exercise of any file, error."""
    order = list(EXERCISES)
    labels = sorted(
        {(order.index(v["exercise"]), v["label"]) for r in reports for v in r.verdicts}
    )
    columns = [label for _, label in labels]
    rows = [["file", "passed", "exercises", *columns, "error"]]
    for report in reports:
        got = {verdict["label"]: _short(verdict) for verdict in report.verdicts}
        counts = ["", ""] if report.error else [str(report.passed), str(len(report.verdicts))]
        verdicts = [got.get(column, "") for column in columns]
        rows.append([report.file, *counts, *verdicts, report.error or ""])
    return [[_no_formula(value) for value in row] for row in rows]


def _no_formula(value: str) -> str:
    """The value, with an apostrophe before what a spreadsheet would take for a formula."""
    return f"'{value}" if value.lstrip().startswith(("=", "+", "-", "@")) else value


def as_json(reports: list[Report]) -> str:
    """A list with one object for each file: file, passed, exercises (a list of verdicts), error (null or a sentence)."""
    shown = [
        {
            "file": report.file,
            "passed": report.passed,
            "exercises": report.verdicts,
            "error": report.error,
        }
        for report in reports
    ]
    return json.dumps(shown, indent=2, ensure_ascii=False)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(
            f"{text!r} is no number of seconds above 0, such as 60"
        )
    return seconds


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_lib.exercises",
        description="Checks the exercises of a notebook that was handed in, or of a folder of them.",
        epilog="Exit status: 0 all passed, 1 not all, 2 nothing to check. The notebooks' code runs with your rights: "
        "this is no sandbox.",
    )
    parser.add_argument(
        "path", type=Path, help="a notebook (.ipynb), or a folder that has some"
    )
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list, one object per file")
    form.add_argument("--csv", action="store_true", help="print a table for spreadsheets")
    parser.add_argument(
        "--timeout",
        type=_seconds,
        default=SECONDS,
        metavar="S",
        help="seconds for one exercise (default: %(default)g)",
    )
    given = parser.parse_args(arguments)
    os.environ.update(SETTINGS)
    for stream in (sys.stdout, sys.stderr):  # any file name and message can be printed anywhere
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        is_folder = given.path.is_dir()
        if is_folder:
            reports = check_folder(given.path, given.timeout)
        else:
            reports = [check_file(given.path, given.timeout)]
    except (Unusable, OSError, ValueError) as error:
        print(f"{given.path}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    if given.json:
        print(as_json(reports))
    elif given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(as_rows(reports))
    elif is_folder:
        print(as_table(reports))
    else:
        out = sys.stderr if reports[0].error else sys.stdout
        print(as_text(reports[0]), file=out)
    if reports[0].error and not is_folder:
        return 2
    return 0 if all(report.complete for report in reports) else 1
