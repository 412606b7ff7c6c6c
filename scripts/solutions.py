"""Writes a copy of each notebook with the solutions in the stubs' places, to the folder ``solutions``. Nothing is run.

A solution stands in one place, the help cell under its exercise. A copy that is there already and differs is left as it
is, since someone may have edited it.
"""

import argparse
import os
import re
import sys
from pathlib import Path

import nbformat
from nbformat import NotebookNode

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
CHECKED = re.compile(r"""check\(\s*["'](\w+)""")  # the exercise that a check is of
KINDS = ["exercise-task", "exercise", "exercise-check", "exercise-solution"]


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file, all of it or nothing: what was there stays where the disk is full."""
    made = path.with_name(f".{path.name}.new")
    try:
        made.write_bytes(content)
        os.replace(made, path)
    finally:
        made.unlink(missing_ok=True)


def kind_of(cell: NotebookNode) -> str | None:
    """Which of the four cells of an exercise this is."""
    tags = [tag for tag in cell.metadata.get("tags", []) if tag in KINDS]
    if len(tags) > 1:
        raise ValueError(
            f"a cell has the tags {tags}, and one of them is expected: {cell.source[:60]!r}"
        )
    return tags[0] if tags else None


def solution_of(help_cell: NotebookNode) -> str:
    """The code in the last fold of a help cell. Raises ``ValueError`` where there is not one piece of code."""
    folds = re.findall(
        r"<details><summary>.*?</summary>\n\n(.*?)\n\n</details>", help_cell.source, re.S
    )
    code = re.findall(r"```python\n(.*?)\n```", folds[-1], re.S) if folds else []
    if len(code) != 1:
        raise ValueError(
            f"a help cell has {len(code)} Python blocks in its last fold, and one is expected: the solution. "
            f"It begins {help_cell.source[:60]!r}"
        )
    return code[0]


def solve(notebook: NotebookNode) -> int:
    """Puts each solution in its stub's place, in ``notebook`` itself. Returns how many."""
    stubs = [cell for cell in notebook.cells if kind_of(cell) == "exercise"]
    helps = [cell for cell in notebook.cells if kind_of(cell) == "exercise-solution"]
    for stub, help_cell in zip(stubs, helps, strict=True):
        stub.source = solution_of(help_cell)
    return len(stubs)


def solved_text(path: Path) -> str | None:
    """The text of the solved copy of a notebook file, without outputs; None if it has no exercise."""
    notebook = nbformat.read(path, as_version=4)
    if not solve(notebook):
        return None
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
        cell.metadata.pop("mystnb", None)  # it describes outputs
    return nbformat.writes(notebook) + "\n"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "solutions")
    folder = parser.parse_args(arguments).folder
    if folder.resolve() == BOOK or BOOK in folder.resolve().parents:
        print(
            f"{folder} is in the book, whose notebooks hold the stubs. Give another folder.",
            file=sys.stderr,
        )
        return 2
    folder.mkdir(parents=True, exist_ok=True)
    kept = []
    for path in sorted(BOOK.glob("*.ipynb")):
        text = solved_text(path)
        target = folder / path.name
        if text is None:
            continue
        if not target.exists():
            write_whole(target, text.encode())
            print(f"{path.name}: written, without outputs")
        elif target.read_text(encoding="utf-8") == text:
            print(f"{path.name}: is there already, the same")
        else:
            kept.append(path.name)
            print(f"{path.name}: KEPT as it is: it was edited, run, or is of an older book")
    print(f"The solutions are in {folder}.")
    if kept:
        print(
            f"To get {', '.join(kept)} anew, move or delete what is there and run this again.",
            file=sys.stderr,
        )
    return 1 if kept else 0


if __name__ == "__main__":
    sys.exit(main())
