"""What the page about a class is made of (``--report FILE.html``), and numbers in place of names (``--anonymous``).

A student counts once for each exercise, with the best of the answers, in however many files they are.
"""

import ast
import difflib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

from resnet_exercises import EXERCISES
from resnet_exercises.errors import parsed
from resnet_exercises.exercise import load
from resnet_exercises.hand_ins import CRASHED, ELSEWHERE, MISSING, TIME_LIMIT, Report
from resnet_exercises.notebooks import Cell, Task, Unusable, names_in
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED

STATUSES = (PASSED, FAILED, TIME_LIMIT, CRASHED, ELSEWHERE, NOT_ATTEMPTED, MISSING)  # the best first


class Result(NamedTuple):
    """What a student has in an exercise; ``line`` is the line of code that tells most of a failed answer."""

    student: str
    exercise: str
    status: str
    mistake: str | None
    message: str
    line: str


class ClassReport:
    """Keeps what is found while the hand-ins are checked. Raises :class:`Unusable` where the page cannot be written."""

    def __init__(self, reports: list[Report], folder: Path, path: Path | None, anonymous: bool):
        self.reports, self.path = reports, path
        self.ready: list[Report] = []
        self.found: dict[tuple[str, str], Result] = {}  #: by student and exercise
        self.names: dict[str, str] = {}  #: what takes the place of a name, in small letters
        if path:
            if not folder.is_dir():
                raise Unusable("is no folder, and --report is about a folder of hand-ins.")
            reports[:] = [report for report in reports if (folder / report.file).resolve() != path.resolve()]
            _try_to_write(path)
        if anonymous:
            self._rename()

    def _rename(self) -> None:
        """Numbers for students and files, in their order."""
        numbers, files = {}, Counter()
        for report in self.reports:
            number = numbers.setdefault(_who(report), f"student {len(numbers) + 1}")
            files[number] += 1
            self.names[report.file.lower()] = self.names[_who(report).lower()] = number
            report.student, report.file = number, f"{number}, file {files[number]}"
        # what is too short would be found in any code
        self.names = {name: number for name, number in self.names.items() if len(name) > (4 if name.isdigit() else 2)}
        for report in self.reports:
            report.called = {self._clean(label): name for label, name in report.called.items()}
            self._clean_all(report)

    def _clean(self, text: str) -> str:
        """The text without the names, in whatever capitals."""
        names = "|".join(map(re.escape, sorted(self.names, key=len, reverse=True)))
        found = rf"(?<![^\W_])(?:{names})(?![^\W_])"
        return re.sub(found, lambda m: self.names.get(m.group().lower(), ""), text, flags=re.I) if names else text

    def _clean_all(self, report: Report) -> None:
        for verdict in report.verdicts:
            verdict |= {key: self._clean(verdict[key]) for key in ("answer", "label", "message")}

    def noted(self, ready: Iterable[Report]) -> Iterator[Report]:
        """The reports as they come, once what the page needs is kept of each."""
        for report in ready:
            jobs = {id(verdict): job for verdict, job in zip(report.verdicts, report.jobs)}
            self._clean_all(report)
            for name, verdict in report.exercises.items() if self.path else ():
                line = ""
                if verdict["status"] == FAILED:
                    line = self._clean(telling_line(*jobs[id(verdict)], verdict["mistake"], verdict["message"]))
                message = verdict["message"].partition("\n")[0]
                new = Result(_who(report), name, verdict["status"], verdict["mistake"], message, line)
                old = self.found.setdefault(new[:2], new)
                self.found[new[:2]] = min(old, new, key=lambda result: STATUSES.index(result.status))
            self.ready.append(report)
            yield report


def _try_to_write(path: Path) -> None:
    """Before the long run begins; what is there stays, and a notebook too."""
    there, wrong = path.exists(), "needs a name that ends in .html"
    if path.suffix.lower() in (".html", ".htm"):
        try:
            path.open("a").close()
            return None if there else path.unlink()
        except OSError as error:
            wrong = f"cannot be written: {error.strerror}"
    raise Unusable(f"is not checked yet: the report {str(path)!r} {wrong}.")


def _who(report: Report) -> str:
    return report.student or report.file


def telling_line(cells: list[Cell], task: Task, mistake: str | None, message: str) -> str:
    """One line of code for a failed answer.

    It is the line in which the answer cannot be read or run; or the one that is most like what the mistake changes in
    the solution; or the one that raised an error; or the first that the solution does not have.
    """
    if place := re.match(r"Cell (\d+), line (\d+)", message):
        cell, line = map(int, place.groups())
        return re.sub(r"(^|\s)#.*", "", [*cells[cell - 1].source.splitlines(), ""][line - 1]).strip()
    own = _statements(*_answer(cells, task))
    known = load(task.name) if task.name in EXERCISES else None
    right = _statements(known.text) if known else []
    wrong = [_statements(m.code) for m in known.mistakes if m.id == mistake] if known else []
    new = [line for lines in wrong for line in lines if line not in [*right, "import torch"]]
    gone = [line for lines in wrong for line in right if line not in lines]
    differing = [line for line in own if line not in right] or own
    close = [(max(difflib.SequenceMatcher(None, line, n).ratio() for n in new), line) for line in differing if new]
    likeness, line = max(close, default=(0, ""))
    if likeness >= 0.6:
        return line
    if gone and not new and gone[0] not in own:
        return f"# not there: {gone[0]}"
    if place := re.search(r"at your line `(.+?)`[:. ]", message):
        return re.sub(r"\s+#.*", "", place[1])
    inside = [line for line in differing if not re.match(r"(def|class|import|from|@)\b", line)]
    return (inside or differing or [""])[0]


def _answer(cells: list[Cell], task: Task) -> tuple[str, set[str]]:
    """The text of the cell that defines an answer, and the answer's names."""
    names = names_in(task.answer).uses
    making = [cell for cell in cells if cell.is_code and names & names_in(cell.source).defines]
    above = [cell for cell in making if cell.number < task.number]
    return "".join(cell.source for cell in (above[-1:] or making[:1])), names


def _statements(source: str, names: set[str] | None = None) -> list[str]:
    """The first line of each statement, or of those that define the names: no comments, no docstrings, usual spaces."""
    tree = parsed(source)
    if tree is None:
        return [line.strip() for line in source.splitlines() if line.strip()]
    body = [s for s in tree.body if not names or names & names_in(ast.unparse(s)).defines]
    inside = [s for top in body for s in ast.walk(top) if isinstance(s, ast.stmt)]
    inside.sort(key=lambda s: (s.lineno, s.col_offset))
    docstring = ast.Expr, ast.Constant
    texts = [ast.unparse(s) for s in inside if (type(s), type(getattr(s, "value", None))) != docstring]
    return [text.partition("\n")[0] for text in texts]
