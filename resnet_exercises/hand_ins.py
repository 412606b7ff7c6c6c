"""Checks notebooks that were handed in: ``python -m resnet_exercises FILE.ipynb``, or a folder.

Each exercise gets the verdict that its check would give in the notebook. Only the cells that its answer needs are run,
in a process of its own: one that hangs or ends the process costs the others nothing. **This is no sandbox**: the code
runs with your rights, and can read or delete your files, use the network, and fill the memory.
"""

import argparse
import ast
import builtins
import contextlib
import csv
import importlib
import json
import linecache
import multiprocessing
import os
import re
import shlex
import signal
import sys
import tempfile
import threading
import traceback
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from tqdm import tqdm

from resnet_exercises import check, notebooks
from resnet_exercises.errors import parsed
from resnet_exercises.exercise import load
from resnet_exercises.mistakes import run
from resnet_exercises.notebooks import Cell, Task, Unusable
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED

# what only a notebook can get
TIME_LIMIT, CRASHED, ELSEWHERE, MISSING = "time limit", "crashed", "needs another environment", "missing"
SIGNS = {PASSED: "✔", NOT_ATTEMPTED: "○", ELSEWHERE: "○", MISSING: "○"}
SECONDS = 20.0  # for one exercise: its cells and its check
START_UP = 120.0  # for a process to import PyTorch

LOADED = [__name__, "resnet_exercises.checking", "resnet_exercises.tensors"]
# On Linux one process loads this and what the chapters import; the others are forked from it. macOS forbids that.
PROCESSES = multiprocessing.get_context("forkserver" if sys.platform == "linux" else "spawn")
PROCESSES.set_forkserver_preload([*LOADED, "matplotlib.pyplot", "sklearn.datasets", "torchvision"])
# They inherit these: no windows, no progress bars, and one thread each.
SETTINGS = {"MPLBACKEND": "Agg", "TQDM_DISABLE": "1", "OMP_NUM_THREADS": "1"}
FORMULA = ("=", "+", "-", "@")  # what begins so is one for a spreadsheet
# what is said where a package, Colab, IPython, a GPU or a file is missing
AWAY = re.compile(r"No module|cannot import|colab|get_ipython|\b(?i:cuda|mps|nvidia)|No such file|'a[\w ]+' outside")
# in a file's path, who handed it in: as Moodle and as Canvas have it, or else the folder
STUDENT = r"([^/]+?)(?:_LATE)?_\d+_(?:assignsubmission|\d+)_", r"^([^/]+)/"
ARCHIVES = (".7z", ".gz", ".rar", ".tar", ".tgz", ".zip")
BESIDE = (".csv", ".jpeg", ".jpg", ".npy", ".npz", ".png", ".pt", ".pth", ".svg")  # what notebooks read and write


@dataclass
class Report:
    """What came out for one file: a verdict for each exercise, or the error."""

    file: str
    verdicts: list[dict] = field(default_factory=list)
    error: str | None = None
    student: str = ""
    jobs: list[tuple[list[Cell], Task]] = field(default_factory=list)  #: what is still to be checked
    called: dict[str, str] = field(default_factory=dict)  #: the exercises of renamed answers, by label

    @property
    def exercises(self) -> dict[str, dict]:
        """The verdict on each exercise: of two answers, that on one which passed."""
        found: dict[str, dict] = {}
        for verdict in self.verdicts:
            name = self.called.get(verdict["label"], verdict["label"])
            if name not in found or verdict["status"] == PASSED:
                found[name] = verdict
        return found

    @property
    def passed(self) -> int:
        """How many exercises are passed."""
        return sum(verdict["status"] == PASSED for verdict in self.exercises.values())

    @property
    def complete(self) -> bool:
        """Whether all are."""
        return not self.error and self.passed == len(self.exercises)


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
    troubles, lost = [], {"get_ipython"}
    asked = notebooks.names_in(task.answer).uses
    for cell in cells:
        made = asked & notebooks.names_in(cell.source).defines
        old, status, unsure = {name: space.get(name) for name in made}, ELSEWHERE, lost
        try:
            _run(cell, space, lost, troubles)
        except BaseException as error:
            troubles.append(_told(error, f"Cell {cell.number}"))
            status, unsure = FAILED, made
        if any(space.get(name) is old[name] for name in made & unsure):
            return status, "\n".join(troubles), None  # a cell above may have imported that name
    try:
        answer = eval(task.answer, space)
    except NameError:
        missing = f"No cell defines an answer to it: `{load(task.name).asked}`."
        return NOT_ATTEMPTED, " ".join([missing, *troubles]), None
    except BaseException as error:
        return FAILED, _told(error, f"`{task.answer}` in cell {task.number}"), None
    verdict = check(task.name, answer)
    status, said = verdict.status, verdict.message
    if status == NOT_ATTEMPTED and "cell above" in said:  # for who reads the notebook
        said = f"`{task.answer}` is still the stub."
    raised = "".join(re.findall("Your code raised .*", said))
    if status == FAILED and (AWAY.search(raised) or any(f"name '{name}'" in raised for name in lost)):
        status = ELSEWHERE
    return status, "\n".join([said, *troubles]), verdict.mistake


def _run(cell: Cell, space: dict, lost: set[str], troubles: list[str]) -> None:
    """Runs a cell but for statements that need another environment: what they define is ``lost``."""
    path, tree = f"<cell {cell.number}>", parsed(cell.source)
    run("" if tree else cell.source, path, space)
    linecache.cache[path] = len(cell.source), None, cell.source.splitlines(keepends=True), path
    body = tree.body if tree else []
    future = [s for s in body if getattr(s, "module", "") == "__future__"]
    for statement in body:
        text = ast.unparse(statement)
        try:
            exec(compile(ast.Module([*future, statement], []), path, "exec", dont_inherit=True), space)
        except BaseException as error:
            said = f"{error}" if isinstance(statement, ast.FunctionDef | ast.ClassDef) else f"{error}{text}"
            if getattr(error, "name", "") not in lost and not AWAY.search(said):
                raise
            lost |= notebooks.names_in(text).defines
            troubles.append("Left out: " + _told(error, f"Cell {cell.number}"))


def _no_input(prompt: object = "") -> str:
    raise EOFError("input() waits for a keyboard, and there is none when a notebook is checked")


def _told(error: BaseException, where: str) -> str:
    line, text = (error.lineno, error.msg) if isinstance(error, SyntaxError) else (None, str(error))
    for step in traceback.extract_tb(error.__traceback__):
        line = step.lineno if step.filename.startswith("<cell") else line
    return f"{where}{f', line {line}' if line else ''}: {type(error).__name__}: {text}"[:400].rstrip(": ") + "."


def read_folder(folder: Path, student: Iterable[str] = STUDENT) -> list[Report]:
    """What is to be checked in a folder, and the error of each file that is none."""
    reports = []
    for here, folders, files in os.walk(folder):
        folders[:] = [f for f in folders if not f.startswith((".", "__MACOSX"))]
        for path in (Path(here, f) for f in files if f[0] != "." and not f.lower().endswith(BESIDE)):
            name = path.relative_to(folder).as_posix()
            found = [match for pattern in student if (match := re.search(pattern, name))]
            reports.append(read_file(path, name, found[0][found[0].lastindex or 0] if found else ""))
    reports.sort(key=lambda report: Path(report.file))
    if not any(report.file.lower().endswith(".ipynb") for report in reports):
        others = "".join(f"\n{report.file} {report.error}" for report in reports)
        raise Unusable(f"is a folder without a notebook (.ipynb). Give the one that has them.{others}")
    return reports


def read_file(path: Path, name: str, student: str = "") -> Report:
    """What is to be checked in one file. Never raises for a bad one."""
    report = Report(name, student=student)
    try:
        if path.exists() and not name.lower().endswith(".ipynb"):
            to_do = "rename it to end in .ipynb" if ".ipynb" in name.lower() else "ask for the notebook (.ipynb)"
            to_do = "unpack it where it is" if path.suffix.lower() in ARCHIVES else to_do
            raise Unusable(f"is not read: {to_do}.")
        cells = notebooks.read_cells(path)
        tasks = notebooks.find_tasks(cells)
        if not tasks:
            no_check = "no cell calls check(…) with the name of one. Ask for the right chapter."
            raise Unusable(f"has no exercise of this book: {no_check}")
        report.jobs = [(cells, task) for task in tasks]
        report.called, missing = notebooks.in_the_book(tasks)
        said = "Its chapter asks for it, and the notebook has neither its task nor its check."
        report.verdicts = [_verdict(task, MISSING, said) for task in tasks + missing]
    except Unusable as error:
        report.error = str(error)
    return report


def checked(reports: list[Report], timeout: float = SECONDS, processes: int | None = None) -> Iterator[Report]:
    """Each report in turn, once its exercises have their verdicts."""
    processes = processes or os.cpu_count() or 1
    gate, turns = threading.Lock(), threading.Semaphore(processes)

    def ask(cells: list[Cell], task: Task) -> dict:
        with gate:
            turns.acquire()
        verdict = _ask(cells, task, timeout)
        turns.release()
        return verdict

    pool = ThreadPoolExecutor(processes)
    asked = [pool.submit(ask, *job) for report in reports for job in report.jobs]
    answered = iter(tqdm(asked, unit=" exercises", leave=False, disable=None))
    try:
        for report in reports:
            for place, job in enumerate(report.jobs):
                report.verdicts[place] = next(answered).result()
                if report.verdicts[place]["status"] == CRASHED:
                    with gate:  # once more, alone: another's cells may have ended it
                        all(turns.acquire() for _ in range(processes))
                    report.verdicts[place] = _ask(*job, timeout)
                    turns.release(processes)
            with tqdm.external_write_mode():
                yield report
            report.jobs = []
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        while wait([future for future in asked if future.running()], 0.1).not_done:  # after Ctrl-C
            list(map(_end, multiprocessing.active_children()))


def _ask(cells: list[Cell], task: Task, timeout: float) -> dict:
    """The verdict on one exercise, from a process that is started for it."""
    status, message, mistake = CRASHED, "The process that runs its cells did not start.", None
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        answers, theirs = PROCESSES.Pipe(duplex=False)
        process = PROCESSES.Process(target=work, args=(theirs, cells, task, folder))
        try:
            process.start()
            theirs.close()
            if answers.poll(START_UP) and answers.recv():
                status, message = TIME_LIMIT, f"Its cells did not end within {timeout:g} s: "
                message += "an endless loop, or long work. `--timeout` gives them more."
                if answers.poll(timeout):
                    status, message, mistake = answers.recv()
        except Exception:  # the process is gone, or has closed the connection
            if process.pid:
                process.join(1)
            ended = f"(exit status {process.exitcode})"
            status, message = CRASHED, f"Its cells ended the whole Python process {ended}."
        finally:
            _end(process)
    return _verdict(task, status, message, mistake)


def _end(process: multiprocessing.process.BaseProcess) -> None:
    """Ends a process and what it has started, whatever of it there is. Windows has no groups of processes."""
    for end in (lambda: os.killpg(process.pid, signal.SIGKILL), process.kill, process.join):
        with contextlib.suppress(AssertionError, AttributeError, OSError, TypeError):
            end()


def _verdict(task: Task, status: str, message: str, mistake: str | None = None) -> dict:
    asked = {"exercise": task.name, "answer": task.answer, "label": task.label}
    return asked | {"status": status, "mistake": mistake, "message": message}


def as_text(report: Report) -> str:
    """One notebook: a line for each exercise, and what its check says below."""
    if report.error:
        return f"{report.file}: {report.error}"
    lines = [f"{report.file}: {report.passed} of {len(report.exercises)} passed"]
    for verdict in report.verdicts:
        lines.append(f"{SIGNS.get(verdict['status'], '✘')} {verdict['label']}: {_short(verdict)}")
        lines += ["    " + line for line in verdict["message"].splitlines()]
    return "\n".join(lines)


def as_line(report: Report, width: int) -> str:
    """One notebook of a folder, with what is not passed."""
    wrong = [f"{v['label']} {_short(v)}" for v in report.exercises.values() if v["status"] != PASSED]
    count = "unusable" if report.error else f"{report.passed} of {len(report.exercises)}"
    return f"{report.file:{width}}  {count:8}  {report.error or '; '.join(wrong)}".rstrip()


def _short(verdict: dict) -> str:
    return verdict["status"] + (f" ({verdict['mistake']})" if verdict["mistake"] else "")


def as_rows(reports: list[Report], ready: Iterable[Report]) -> Iterator[list[str]]:
    """The CSV: student, file, passed, exercises, one column for each exercise of any file, error."""
    found = {(notebooks.KNOWN.index(v["exercise"]), name) for r in reports for name, v in r.exercises.items()}
    columns = [name for _, name in sorted(found)]
    yield _texts(["student", "file", "passed", "exercises", *columns, "error"])
    for report in ready:
        got = {name: _short(verdict) for name, verdict in report.exercises.items()}
        counts = ["", ""] if report.error else [str(report.passed), str(len(got))]
        yield _texts([report.student, report.file, *counts, *(got.get(c, "") for c in columns), report.error or ""])


def _texts(row: list[str]) -> list[str]:
    """An apostrophe makes a text of what a spreadsheet would compute."""
    return [f"'{text}" if text.lstrip().startswith(FORMULA) else text for text in row]


def _show(reports: list[Report], left: list[Report], ready: Iterable[Report], given: argparse.Namespace) -> None:
    """Prints each report that is ``left`` to do when it is ready, in the form that is asked for."""
    if given.json:
        shown: list[dict] = []
        try:
            shown.extend({"file": r.file, "passed": r.passed, "exercises": r.verdicts, "error": r.error} for r in ready)
        finally:  # Ctrl-C too
            print(json.dumps(shown, indent=2, ensure_ascii=False))
    elif given.csv:
        table, rows = csv.writer(sys.stdout, lineterminator="\n"), as_rows(reports, ready)
        head = next(rows)
        if left is reports:
            print("\ufeff" * sys.stdout.seekable(), end="")  # in a file, by which spreadsheets see UTF-8
            table.writerow(head)
        table.writerows(rows)
    elif given.path.is_dir():
        width = max(len(report.file) for report in reports)
        for report in ready:
            print(as_line(report, width))
        print(f"{sum(report.complete for report in left)} of {len(left)} files have every exercise passed")
    else:
        for report in ready:
            print(as_text(report), file=sys.stderr if report.error else sys.stdout)


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
    parser.add_argument("--jobs", type=int, metavar="N", help="exercises at a time (default: one for each core)")
    parser.add_argument("--from", dest="start", metavar="FILE", help="begin with this file of the folder")
    said = "its first group is the student, in a file's path (default: as Moodle or Canvas has it, or the folder)"
    parser.add_argument("--student", nargs=1, default=STUDENT, metavar="REGEX", help=said)
    parser.add_argument("--report", type=Path, metavar="FILE.html", help="write a page on the class too")
    parser.add_argument("--anonymous", action="store_true", help="numbers in place of students and files")
    given = parser.parse_args(arguments)

    from resnet_exercises.class_page import ClassReport, write  # they take what stands above

    os.environ.update(SETTINGS)
    for stream in (sys.stdout, sys.stderr):  # any file name and message can be printed anywhere
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)
    is_folder, left = given.path.is_dir(), []
    try:
        reports = read_folder(given.path, given.student) if is_folder else [read_file(given.path, str(given.path))]
        kept = ClassReport(reports, given.path, given.report, given.anonymous)
        left = reports[[report.file for report in reports].index(given.start) :] if given.start else reports
        try:
            _show(reports, left, kept.noted(checked(left, given.timeout, given.jobs)), given)
        finally:  # Ctrl-C too
            write(kept)
    except (OSError, ValueError, re.error) as error:
        print(f"{given.path}: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        rest = [f" `--from {shlex.quote(report.file)}` goes on there." for report in left if report.jobs and is_folder]
        print(f"Stopped.{''.join(rest[:1])}", file=sys.stderr)
        return 130
    return 2 if left[0].error and not is_folder else 0 if all(report.complete for report in left) else 1


def _seconds(text: str) -> float:
    if text.replace(".", "", 1).isdecimal() and float(text) > 0:
        return float(text)
    raise argparse.ArgumentTypeError(f"{text!r} is no number of seconds above 0, such as 60")
