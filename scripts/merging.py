"""Puts what a reader wrote into a copy of a notebook into the book's next version of that notebook."""

from typing import NamedTuple

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell
from run_notebooks import is_stub
from solutions import CHECKED, kind_of

from resnet_exercises.exercise import load
from resnet_exercises.notebooks import names_in

Key = tuple[str, str]  #: a stub's or a check's kind and exercise, or no kind and the whole text


class Merged(NamedTuple):
    """The new notebook, and what of the reader's is in it."""

    notebook: NotebookNode
    answers: list[str]  #: exercises whose stub the reader's cell replaces
    others: int  #: other cells of the reader's
    left: list[str]  #: cells of the reader's that are not in it: their numbers and first lines


def keys(notebook: NotebookNode) -> list[Key]:
    """What each cell of a notebook of the book is, in words that hold in its next version too."""
    found, name = [], ""
    for cell in reversed(notebook.cells):  # a stub's name stands in the check below it
        kind = kind_of(cell)
        if kind == "exercise-check":
            name = "".join(CHECKED.findall(cell.source)[:1])
        known = kind in ("exercise", "exercise-check")
        found.append((kind, name) if known else ("", cell.source))
    return found[::-1]


def same(cell: NotebookNode, other: NotebookNode) -> bool:
    """Whether two cells say the same, whatever their outputs."""
    return (cell.cell_type, cell.source.strip()) == (other.cell_type, other.source.strip())


def origins(mine: NotebookNode, base: NotebookNode, known: list[Key]) -> list[int | None]:
    """For each cell of a copy the number of the cell in the notebook it was copied from; None for the reader's own.

    ``known`` are that notebook's :func:`keys`. Where a stub was deleted, the last own cell that defines what is asked
    for stands for it.
    """
    by_id = {cell.id: n for n, cell in enumerate(base.cells) if "id" in cell}
    by_text = {cell.source: n for n, cell in enumerate(base.cells)}
    found = [by_id.get(cell.get("id"), by_text.get(cell.source)) for cell in mine.cells]
    for place, (kind, name) in enumerate(known):
        if kind == "exercise" and place not in found:
            asked = load(name).asked
            defining = [
                n
                for n, cell in enumerate(mine.cells)
                if found[n] is None and cell.cell_type == "code"
                if asked in names_in(cell.source).defines
            ]
            if defining:
                found[defining[-1]] = place
    return found


def merged(mine: NotebookNode, base: NotebookNode | None, new: NotebookNode) -> Merged:
    """The notebook ``new`` of the book with what the reader wrote into ``mine``, a copy of ``base``.

    A cell that the reader changed takes the place of the book's, unless the book has changed it too; an answer takes
    its stub's place, whether the stub is the same or not. A cell of the reader's own comes below the one that it stood
    below. Without a base only answers and own cells count as the reader's: other text may be an older one of the book.
    """
    released, known = base or new, keys(base or new)
    places = {key: n for n, key in enumerate(keys(new))}
    replaced: dict[int, NotebookNode] = {}
    below: dict[int, list[NotebookNode]] = {}
    answers, left, above = [], [], -1
    for number, (cell, origin) in enumerate(
        zip(mine.cells, origins(mine, released, known), strict=True), 1
    ):
        key = None if origin is None else known[origin]
        place = places.get(key)
        changed = key and not same(cell, released.cells[origin])
        if any(same(cell, other) for other in new.cells) or not cell.source.strip():
            pass
        elif key is None or (changed and place in replaced):
            cell.setdefault("id", new_markdown_cell().id)  # Colab writes none
            below.setdefault(above, []).append(cell)
        elif changed and place is not None and (key[0] or base):
            cell.metadata, cell.id = new.cells[place].metadata, new.cells[place].id
            replaced[place] = cell
            answers += [key[1]] * (key[0] == "exercise")
        elif changed:
            left.append(f"cell {number} ({cell.source.strip().splitlines()[0][:40]})")
        above = above if place is None else place
    others = len(replaced) - len(answers) + sum(map(len, below.values()))
    cells = list(below.get(-1, []))
    for n, cell in enumerate(new.cells):
        cells += [replaced.get(n, cell), *below.get(n, [])]
    new.cells = cells
    return Merged(new, answers, others, left)


def answers_in(notebook: NotebookNode) -> dict[str, str]:
    """The answers that stand in the stubs' places, by exercise."""
    stubs = zip(keys(notebook), notebook.cells, strict=True)
    return {
        name: c.source
        for (kind, name), c in stubs
        if kind == "exercise" and not is_stub(c.source)
    }
