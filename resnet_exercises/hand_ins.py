"""Checks notebooks that were handed in: ``python -m resnet_exercises FILE.ipynb``, or a folder.

Each exercise gets the verdict that its check would give in the notebook. Only the cells that its answer needs are run,
in a process of its own: one that hangs or ends the process costs the others nothing. **This is no sandbox**: the code
runs with your rights, and can read or delete your files, use the network, and fill the memory.
"""

import argparse
import builtins
import contextlib
import csv
import importlib
import json
import multiprocessing
import os
import signal
import sys
import tempfile
import traceback
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from resnet_exercises import check, notebooks
from resnet_exercises.exercise import load
from resnet_exercises.mistakes import run
from resnet_exercises.notebooks import Cell, Task, Unusable
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED

TIME_LIMIT, CRASHED = "time limit", "crashed"  # what only a notebook can get
SIGNS = {PASSED: "✔", FAILED: "✘", NOT_ATTEMPTED: "○", TIME_LIMIT: "✘", CRASHED: "✘"}
SECONDS = 20.0  # for one exercise: its cells and its check
START_UP = 120.0  # for a process to import PyTorch

LOADED = [__name__, "resnet_exercises.checking", "resnet_exercises.tensors"]
# On Linux one process loads this and what the chapters import; the others are forked from it. macOS forbids that.
PRELOADED = [*LOADED, "matplotlib.pyplot", "sklearn.datasets", "torchvision"]
PROCESSES = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
PROCESSES.set_forkserver_preload(PRELOADED)
# They inherit these: no windows, no progress bars, and one thread each.
SETTINGS = {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
FORMULA = ("=", "+", "-", "@")  # what begins so is one for a spreadsheet


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


def work(answers: Connection, cells: list[Cell], task: Task, folder: str) -> None:
    """What the process of one answer does: says that it begins, and then status, message and mistake."""
    if hasattr(os, "setsid"):
        os.setsid()  # what the cells start can be ended with them
    os.chdir(folder)
    sys.stdout = sys.stderr = open(os.devnull, "w", encoding="utf-8", errors="replace")
    for stream in (1, 2):  # what the cells start prints nothing either
        os.dup2(sys.stdout.fileno(), stream)
    builtins.input = _no_input
    for module in LOADED:  # takes a while where no process has done it before
        importlib.import_module(module)
    answers.send("begins")
    # from the check's cell on upwards; from the whole notebook if no answer stands there
    places = task.number, len(cells) + 1
    above, anywhere = (notebooks.cells_needed(cells, task.answer, place) for place in places)
    found = _judge(above, task)
    if found[0] == NOT_ATTEMPTED and anywhere != above:
        found = _judge(anywhere, task)
    answers.send(found)
    os._exit(0)  # whatever threads the cells have left


def _judge(cells: list[Cell], task: Task) -> tuple[str, str, str | None]:
    """Status, message and mistake of an answer, once its cells have been run."""
    space = {"__name__": "__main__", "display": lambda *shown, **options: None}
    troubles = []
    asked = notebooks.names_in(task.answer).uses
    for cell in cells:
        made = asked & notebooks.names_in(cell.source).defines
        old = {name: space.get(name) for name in made}
        try:
            run(cell.source, f"<cell {cell.number}>", space)
        except BaseException as error:
            troubles.append(_told(error, f"Cell {cell.number}"))
            if any(space.get(name) is old[name] for name in made):
                return FAILED, troubles[-1], None  # a cell above may have imported that name
    try:
        answer = eval(task.answer, space)
    except NameError:
        missing = f"No cell defines an answer to it: `{load(task.name).asked}`."
        return NOT_ATTEMPTED, " ".join([missing, *troubles]), None
    except BaseException as error:
        return FAILED, _told(error, f"`{task.answer}` in cell {task.number}"), None
    verdict = check(task.name, answer)
    said = verdict.message
    if verdict.status == NOT_ATTEMPTED and "cell above" in said:  # for who reads the notebook
        said = f"`{task.answer}` is still the stub."
    if verdict.status != PASSED:
        said = "\n".join([said, *troubles])
    return verdict.status, said, verdict.mistake


def _no_input(prompt: object = "") -> str:
    raise EOFError("input() waits for a keyboard, and there is none when a notebook is checked")


def _told(error: BaseException, where: str) -> str:
    line, text = None, str(error)
    if isinstance(error, SyntaxError):
        line, text = error.lineno, error.msg
    for step in traceback.extract_tb(error.__traceback__):
        line = step.lineno if step.filename.startswith("<cell") else line
    place = f"{where}, line {line}" if line else where
    return f"{place}: {type(error).__name__}: {text}"[:400].rstrip(": ") + "."


def check_file(path: Path, timeout: float = SECONDS) -> Report:
    """The verdicts on one notebook file; ``timeout`` is in seconds for each exercise."""
    return _check({str(path): path}, timeout)[0]


def check_folder(folder: Path, timeout: float = SECONDS) -> list[Report]:
    """The reports on all notebooks in a folder and its subfolders, but for hidden ones."""
    found = []
    for here, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith((".", "__MACOSX"))]
        found += [Path(here, f) for f in files if f.lower().endswith(".ipynb") and f[0] != "."]
    if not found:
        raise Unusable("is a folder without a notebook (.ipynb). Give the one that has them.")
    return _check({p.relative_to(folder).as_posix(): p for p in sorted(found)}, timeout)


def _check(files: dict[str, Path], timeout: float) -> list[Report]:
    """The reports on some files, by the names to show. Never raises for a bad one."""
    reports, jobs = [Report(name) for name in files], []
    for report, path in zip(reports, files.values()):
        try:
            cells = notebooks.read_cells(path)
            tasks = notebooks.find_tasks(cells)
            if not tasks:
                no_check = "no cell calls check(…) with the name of one. Ask for the right chapter."
                raise Unusable(f"has no exercise of this book: {no_check}")
            jobs += [(report, cells, task) for task in tasks]
        except Unusable as error:
            report.error = str(error)
    with ThreadPoolExecutor(max(1, min(4, os.cpu_count() or 1))) as pool:
        answered = pool.map(lambda job: _ask(*job[1:], timeout), jobs)
        for (report, *_), verdict in zip(jobs, answered):
            report.verdicts.append(verdict)
    return reports


def _ask(cells: list[Cell], task: Task, timeout: float) -> dict:
    """The verdict on one exercise, from a process that is started for it."""
    status, message, mistake = CRASHED, "The process that runs its cells did not start.", None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        answers, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=work, args=(theirs, cells, task, folder))
        process.start()
        theirs.close()
        try:
            if answers.poll(START_UP) and answers.recv():
                status, message = TIME_LIMIT, f"Its cells did not end within {timeout:g} s: "
                message += "an endless loop, or long work. `--timeout` gives them more."
                if answers.poll(timeout):
                    status, message, mistake = answers.recv()
        except Exception:  # the process is gone, or has closed the connection
            process.join(1)
            ended = f"(exit status {process.exitcode})"
            status, message = CRASHED, f"Its cells ended the whole Python process {ended}."
        finally:
            with contextlib.suppress(AttributeError, OSError):  # Windows has no such groups
                os.killpg(process.pid, signal.SIGKILL)  # it, and what it has started
            process.kill()
            process.join()
    asked = {"exercise": task.name, "answer": task.answer, "label": task.label}
    return asked | {"status": status, "mistake": mistake, "message": message}


def as_text(report: Report) -> str:
    """One notebook: a line for each exercise, and what its check says below."""
    if report.error:
        return f"{report.file}: {report.error}"
    lines = [f"{report.file}: {report.passed} of {len(report.verdicts)} passed"]
    for verdict in report.verdicts:
        lines.append(f"{SIGNS[verdict['status']]} {verdict['label']}: {_short(verdict)}")
        lines += ["    " + line for line in verdict["message"].splitlines()]
    return "\n".join(lines)


def as_table(reports: list[Report]) -> str:
    """A folder: a line for each file, with what is not passed."""
    width = max(len(report.file) for report in reports)
    lines = []
    for report in reports:
        wrong = [f"{v['label']} {_short(v)}" for v in report.verdicts if v["status"] != PASSED]
        count = "unusable" if report.error else f"{report.passed} of {len(report.verdicts)}"
        rest = report.error or "; ".join(wrong)
        lines.append(f"{report.file:{width}}  {count:8}  {rest}".rstrip())
    lines.append(f"{sum(report.complete for report in reports)} of {len(reports)} files have every exercise passed")
    return "\n".join(lines)


def _short(verdict: dict) -> str:
    return verdict["status"] + (f" ({verdict['mistake']})" if verdict["mistake"] else "")


def as_rows(reports: list[Report]) -> list[list[str]]:
    """The CSV: file, passed, exercises, one column for each exercise of any file, error."""
    found = {(notebooks.KNOWN.index(v["exercise"]), v["label"]) for r in reports for v in r.verdicts}
    columns = [label for _, label in sorted(found)]
    rows = [["file", "passed", "exercises", *columns, "error"]]
    for report in reports:
        got = {verdict["label"]: _short(verdict) for verdict in report.verdicts}
        counts = ["", ""] if report.error else [str(report.passed), str(len(got))]
        cells = [got.get(column, "") for column in columns]
        rows.append([report.file, *counts, *cells, report.error or ""])
    # an apostrophe makes a text of what a spreadsheet would compute
    return [[f"'{text}" if text.lstrip().startswith(FORMULA) else text for text in row] for row in rows]


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_exercises",
        description="Checks the exercises of a notebook that was handed in, or of a folder.",
        epilog="Exit status: 0 all passed, 1 not all, 2 nothing to check. "
        "The notebooks' code runs with your rights: this is no sandbox.",
    )
    parser.add_argument("path", type=Path, help="a notebook (.ipynb), or a folder of them")
    form = parser.add_mutually_exclusive_group()
    form.add_argument("--json", action="store_true", help="print a list, one object per file")
    form.add_argument("--csv", action="store_true", help="print a table for spreadsheets")
    said = "seconds for one exercise (default: %(default)g)"
    parser.add_argument("--timeout", type=_seconds, default=SECONDS, metavar="S", help=said)
    given = parser.parse_args(arguments)

    os.environ.update(SETTINGS)
    for stream in (sys.stdout, sys.stderr):  # any file name and message can be printed anywhere
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        is_folder = given.path.is_dir()
        reports = check_folder(given.path, given.timeout) if is_folder else [check_file(given.path, given.timeout)]
    except (OSError, Unusable) as error:
        print(f"{given.path}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped.", file=sys.stderr)
        return 130
    bad_file = not is_folder and reports[0].error
    if given.json:
        shown = [{"file": r.file, "passed": r.passed, "exercises": r.verdicts, "error": r.error} for r in reports]
        print(json.dumps(shown, indent=2, ensure_ascii=False))
    elif given.csv:
        csv.writer(sys.stdout, lineterminator="\n").writerows(as_rows(reports))
    elif is_folder:
        print(as_table(reports))
    else:
        print(as_text(reports[0]), file=sys.stderr if bad_file else sys.stdout)
    return 2 if bad_file else 0 if all(report.complete for report in reports) else 1


def _seconds(text: str) -> float:
    if text.replace(".", "", 1).isdecimal() and float(text) > 0:
        return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, such as 60")
