"""Reads a notebook: its cells, the exercises it has, and the cells that an answer needs.

All is found by name and needs no tags, so a notebook that lost them in an editor is read too.
"""

import ast
import functools
import itertools
import json
import re
import symtable
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

from resnet_exercises import CASES, EXERCISES
from resnet_exercises.errors import parsed
from resnet_exercises.exercise import load

#: what a notebook can ask for
KNOWN = (*EXERCISES, *CASES)
BOOK = Path(__file__).parent.parent / "book"  # in a clone


class Unusable(ValueError):
    """A file or folder that cannot be checked; the message says why, and what to do."""


@dataclass(frozen=True)
class Cell:
    """One cell: its place, counted from 1, its kind, and its text with magics taken out."""

    number: int
    is_code: bool
    source: str


@dataclass(frozen=True)
class Task:
    """One exercise in a notebook: ``check("name", answer)`` in cell ``number``."""

    name: str
    answer: str  #: the expression, mostly a name
    number: int

    @property
    def label(self) -> str:
        """The exercise's name; with the answer's, where that is not the one asked for."""
        return self.name if self.answer == _asked(self.name) else f"{self.name} ({self.answer})"


def _asked(name: str) -> str:
    """The name of the answer that is asked for; a case of the bug clinic asks for none."""
    return "" if name in CASES else load(name).asked


def read_cells(path: Path) -> list[Cell]:
    """The cells of a notebook file. Raises :class:`Unusable` for anything else."""
    notebook = _read_json(path)
    if not isinstance(notebook, dict) or "nbformat" not in notebook:
        raise Unusable("is JSON, but no notebook: `nbformat` is missing. Ask for the .ipynb.")
    if notebook["nbformat"] != 4:
        raise Unusable(
            f"is a notebook of format {notebook['nbformat']!r}, and 4 is expected. "
            "Open it in JupyterLab and save it, which makes it one."
        )
    cells = []
    try:
        for number, cell in enumerate(notebook["cells"], start=1):
            is_code, source = cell["cell_type"] == "code", "".join(cell["source"])
            cells.append(Cell(number, is_code, python_only(source) if is_code else source))
    except (KeyError, TypeError):
        raise Unusable("is no notebook: its `cells` are damaged. Ask for it again.") from None
    return cells


def _read_json(path: Path) -> object:
    try:
        text = path.read_text(encoding="utf-8-sig")
        return json.loads(text)
    except FileNotFoundError:
        said = "does not exist. Give a notebook (.ipynb), or a folder that has some."
    except UnicodeDecodeError:
        said = "is no text in UTF-8, as a notebook is. Ask for the .ipynb file itself."
    except (json.JSONDecodeError, RecursionError):
        said = "is no notebook: it is not JSON. Ask for the .ipynb file."
        if not text.strip():
            said = "is empty. Ask for the notebook again."
    except (OSError, ValueError) as error:
        said = f"cannot be read: {getattr(error, 'strerror', error)}."
    raise Unusable(said)


def python_only(source: str) -> str:
    """The source with ``pass`` in place of each line for IPython or the shell."""
    if parsed(source) is not None:
        return source
    first = re.match(r"\s*%%(\w+)", source)
    if first and first.group(1) not in ("time", "timeit", "capture", "prun"):
        return ""  # the cell is in another language
    magic = re.compile(r"^(\s*)(?:[%!?]|[\w, ]+=\s*[%!]|[\w.]+\?+\s*$).*$")
    return "\n".join(magic.sub(r"\1pass", line) for line in source.split("\n"))


def find_tasks(cells: list[Cell]) -> list[Task]:
    """The exercises of a notebook, in order: where a check stands, or only its task is left.

    Where a check stands twice, the last one counts. Where none stands below a task, what is asked
    for is the answer with the right name, or else what is defined there first.
    """
    found = {task.label: task for cell in cells for task in _checks(cell)}
    for place, name in enumerate(map(_name_in_task, cells), start=1):
        below = list(itertools.takewhile(lambda cell: not _name_in_task(cell), cells[place:]))
        if name in KNOWN and name not in [task.name for cell in below for task in _checks(cell)]:
            made = [n for cell in below if cell.is_code for n in _definitions(cell.source)]
            asked = _asked(name)
            task = Task(name, asked if asked in made or not made else made[0], place + len(below))
            found.setdefault(task.label, task)
    return sorted(found.values(), key=lambda task: task.number)


@functools.cache
def _chapters() -> list[list[Task]]:
    """The exercises of each notebook of the book; none where only the packages are installed."""
    return [find_tasks(read_cells(path)) for path in sorted(BOOK.glob("*.ipynb"))]


def in_the_book(tasks: list[Task]) -> tuple[dict[str, str], list[Task]]:
    """What the book calls the exercises of renamed answers, by label; and those that are missing from the chapter.

    The chapter is the one that has most of them. A renamed answer stands for the first of its exercise that is left.
    """

    def texts(chapter: list[Task]) -> Counter[str]:
        return Counter(text for task in chapter for text in (task.label, task.name))

    shared = [(texts(chapter) & texts(tasks)).total() for chapter in _chapters()]
    best = [chapter for chapter, score in zip(_chapters(), shared) if score == max(shared)]
    left = [task for task in best[0] if task.label not in texts(tasks)] if len(best) == 1 else []
    in_book, called = set().union(*map(texts, _chapters())), {}
    for task in tasks:
        if in_book and task.label not in in_book:
            other = next((other for other in left if other.name == task.name), task)
            called[task.label] = task.name if other is task else other.label
            left = [task for task in left if task is not other]
    return called, left


def _checks(cell: Cell) -> list[Task]:
    """The calls ``check("name", answer)`` in a cell, for names that are exercises."""
    tree = parsed(cell.source) if cell.is_code else None
    found = []
    for node in ast.walk(tree) if tree else []:
        if isinstance(node, ast.Call) and len(node.args) == 2:
            called = getattr(node.func, "id", getattr(node.func, "attr", None))
            name = getattr(node.args[0], "value", None)
            if called == "check" and name in KNOWN:
                found.append(Task(name, ast.unparse(node.args[1]), cell.number))
    return found


def _name_in_task(cell: Cell) -> str:
    """The name in the text of a task; an empty string where a cell is none."""
    found = re.search(r"check name `(\w+)`", cell.source)
    return found.group(1) if found and not cell.is_code else ""


def _definitions(source: str) -> list[str]:
    """The functions and classes of a cell, also of one that has a syntax error."""
    return re.findall(r"^(?:def|class)\s+(\w+)", source, re.MULTILINE)


class Names(NamedTuple):
    """The global names that a cell defines, and those that it takes from other cells."""

    defines: set[str]
    uses: set[str]


@functools.cache
def names_in(source: str) -> Names:
    """What a cell defines and uses; one with a syntax error defines what its ``def`` says."""
    tree = parsed(source)
    if tree is None:
        return Names(set(_definitions(source)), set())
    defines, uses = set(), set()
    for statement in tree.body:
        new, used = set(), set()
        tables = [symtable.symtable(ast.unparse(statement), "cell", "exec")]
        for table in tables:
            tables += table.get_children()  # the functions and classes inside
            for symbol in filter(symtable.Symbol.is_global, table.get_symbols()):
                if symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace():
                    new.add(symbol.get_name())
                if symbol.is_referenced():
                    used.add(symbol.get_name())
        for target in getattr(statement, "targets", ()):
            if isinstance(getattr(target, "value", None), ast.Name):
                new.add(target.value.id)  # `Block.forward = forward` makes part of Block
        if isinstance(statement, ast.ImportFrom) and statement.names[0].name == "*":
            new.add("*")
        if isinstance(statement, ast.FunctionDef | ast.ClassDef):
            used.discard(statement.name)
        if isinstance(statement, ast.AugAssign):
            used |= new
        uses |= used - defines
        defines |= new
    return Names(defines, uses)


def cells_needed(cells: list[Cell], answer: str, number: int) -> list[Cell]:
    """The cells that ``check(name, answer)`` in cell ``number`` needs.

    A name comes from the last cell before that defines it, or else from the first one after.
    """
    names = {cell.number: names_in(cell.source) for cell in cells if cell.is_code}
    needed = {place for place, cell in names.items() if "*" in cell.defines and place < number}
    wanted = [(name, number) for name in names_in(answer).uses]
    wanted += [(name, place) for place in needed for name in names[place].uses]
    for name, before in wanted:  # gets longer meanwhile
        defining = [place for place, cell in names.items() if name in cell.defines]
        if defining:
            # a cell that sets an attribute of a name uses it, and so asks for the one before it
            source = max((place for place in defining if place < before), default=defining[0])
            if source not in needed:
                needed.add(source)
                wanted += [(used, source) for used in names[source].uses]
    return [cell for cell in cells if cell.number in needed]
