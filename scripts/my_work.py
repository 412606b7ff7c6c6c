"""A reader's own copies of the notebooks, in the folder ``my-work``, which git does not see and no other command
touches.

Without an option it copies the notebooks that are not there yet, with what is written in them, and changes nothing
else. Where a copy is there and the book's notebook has another answer, that notebook is copied to ``my-work/old``. With
``--update`` it makes those anew that differ from the book's: the book's text with the reader's answers in it. The copy
that it replaces goes to ``my-work/old``, under a name that is free. Pages that notebooks link to are links to the
book's.
"""

import argparse
import os
import shutil
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from run_notebooks import is_stub
from solutions import kind_of

from resnet_exercises.notebooks import Task, Unusable, find_tasks, read_cells

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
MINE = ROOT / "my-work"


def answers_in(path: Path) -> dict[str, list[str]]:
    """By exercise, the code cells between its task and its check; none for an exercise whose stub is as released."""
    cells = read_cells(path)
    sources = [cell.source for cell in nbformat.read(path, as_version=4).cells]
    found = {}
    for task in find_tasks(cells):
        above = cells[: task.number - 1]
        start = max((c.number for c in above if not c.is_code), default=0)
        code = [sources[cell.number - 1] for cell in above[start:]]
        code = [source for source in code if source.strip() and not is_stub(source)]
        if code:
            found[task.label] = code
    return found


def carried(old: Path, new: Path) -> tuple[NotebookNode, list[str]]:
    """The notebook ``new`` with the answers of ``old`` in the stubs' places, and the exercises that had one there."""
    answers = answers_in(old)
    places: dict[int, Task] = {task.number: task for task in find_tasks(read_cells(new))}
    notebook = nbformat.read(new, as_version=4)
    cells, moved = [], []
    for number, cell in enumerate(notebook.cells, start=1):
        task = places.get(number + 1)  # the check stands below the stub
        code = answers.get(task.label) if task and kind_of(cell) == "exercise" else None
        if code:
            cell.source = code[0]
            moved.append(task.label)
        cells += [cell, *map(new_code_cell, (code or [])[1:])]
    notebook.cells = cells
    return notebook, moved


def is_current(mine: Path, book: Path) -> bool:
    """Whether a copy has every cell of the book's notebook, but for the stubs."""
    there = {cell.source for cell in nbformat.read(mine, as_version=4).cells}
    released = nbformat.read(book, as_version=4).cells
    return all(cell.source in there for cell in released if kind_of(cell) != "exercise")


def free_name(path: Path) -> Path:
    """The path, or the first with a number before its ending that is not taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def keep_answers_of(book: Path, mine: Path) -> str:
    """Copies the book's notebook to ``old`` if it holds an answer that ``mine`` does not; says so, or nothing."""
    there = {cell.source for cell in nbformat.read(mine, as_version=4).cells}
    only = [label for label, code in answers_in(book).items() if not there.issuperset(code)]
    if not only:
        return ""
    old = mine.parent / "old"
    old.mkdir(exist_ok=True)
    begins = f"{book.stem}-from-book"
    same = [p for p in old.glob(f"{begins}*") if p.read_bytes() == book.read_bytes()]
    kept = same[0] if same else free_name(old / f"{begins}{book.suffix}")
    if not same:
        shutil.copy2(book, kept)
    return f"; book/ has other answers of yours, to {', '.join(only)}: they are in old/{kept.name} now"


def update(mine: Path, book: Path) -> str:
    """Puts the book's notebook with the reader's answers in the place of ``mine``, keeps the old one, and says so."""
    notebook, moved = carried(mine, book)
    old = free_name(mine.parent / "old" / mine.name)
    old.parent.mkdir(exist_ok=True)
    shutil.copy2(mine, old)
    made = mine.with_name(f".{mine.name}.new")
    nbformat.write(notebook, made)
    os.replace(made, mine)  # all of it or nothing
    left = [label for label in answers_in(old) if label not in moved]
    answers = [f"with your answers to {', '.join(moved)}"] if moved else []
    answers += [f"NOT carried over: {', '.join(left)}"] if left else []
    answers = "; ".join(answers) or "no answers to carry over"
    return (
        f"updated, {answers}; your copy with all its cells is now {old.parent.name}/{old.name}"
    )


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="bring copies up to the book")
    given = parser.parse_args(arguments)
    MINE.mkdir(exist_ok=True)
    failed = False
    for page in sorted([*BOOK.glob("*.md"), BOOK / "_static"]):
        link = MINE / page.name
        if not link.exists() and not link.is_symlink():
            link.symlink_to(os.path.relpath(page, MINE))
    for book in sorted(BOOK.glob("*.ipynb")):
        mine = MINE / book.name
        try:
            if not mine.exists():
                shutil.copyfile(book, mine)
                done = "copied"
            elif is_current(mine, book):
                done = "kept"
            elif given.update:
                done = update(mine, book)
            else:
                done = "kept; the book's text is another now, or you have changed it: see make update-my-work"
            done += keep_answers_of(book, mine)
        except (Unusable, ValueError, OSError) as error:
            failed = True
            done = f"KEPT as it is, since it cannot be read as a notebook: {str(error).splitlines()[0]}"
        print(f"{book.name}: {done}")
    for mine in sorted(MINE.glob("*.ipynb")):
        if not (BOOK / mine.name).exists():
            print(f"{mine.name}: kept; the book has no notebook of this name")
    print(f"Your notebooks are in {MINE}. `make lab` opens them.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
