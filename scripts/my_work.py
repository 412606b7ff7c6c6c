"""A reader's own copies of the notebooks, in the folder ``my-work``, which git does not see and no other command
touches.

Without an option it copies the notebooks that are not there yet, with what is written in them, and changes nothing
else. Where a copy is there and the book's notebook has another answer, that notebook is copied to ``my-work/old``. With
``--update`` it makes those anew that the book has changed: the book's new text with what the reader wrote
(``merging.py``), by comparing the copy with the notebook that it was copied from, which ``my-work/.book`` keeps. The
copy that is replaced goes to ``my-work/old``, under a name that is free. Pages that notebooks link to are links to the
book's.
"""

import argparse
import contextlib
import json
import os
import subprocess
import sys
import urllib.request
from pathlib import Path

import nbformat
from merging import answers_in, merged, same
from nbformat import NotebookNode
from solutions import write_whole

from resnet_exercises.notebooks import Unusable, read_cells

ROOT = Path(__file__).resolve().parent.parent
BOOK = ROOT / "book"
MINE = ROOT / "my-work"
OTHER_TEXT = "kept; the book has another text now: see make update-my-work"


class Kept(Exception):
    """A copy stays as it is; the message says why, and what to do."""


def tell(line: str) -> None:
    """Prints a line. Whoever reads no further (``| head``) does not stop the work."""
    try:
        print(line, flush=True)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def read(path: Path, whose: str) -> NotebookNode:
    """A notebook file. Raises :class:`Kept` for anything else, and ``OSError`` where the disk is to blame."""
    content = path.read_bytes()
    try:
        read_cells(path)
        return nbformat.reads(content.decode("utf-8-sig"), as_version=4)
    except (Unusable, ValueError) as error:
        said = str(error).splitlines()[0].partition(" Ask for")[0]  # which teachers would do
        raise Kept(f"{whose} cannot be read as a notebook: {said}") from None


def folder(path: Path) -> Path:
    """The folder, made where it is missing."""
    if path.exists() and not path.is_dir():
        raise Kept(f"{path} is a file, and a folder of this name is needed: rename the file")
    path.mkdir(exist_ok=True)
    return path


def free_name(path: Path) -> Path:
    """The path, or the first with a number before its ending that is not taken."""
    number, free = 1, path
    while free.exists():
        number += 1
        free = path.with_name(f"{path.stem}-{number}{path.suffix}")
    return free


def released(book: Path) -> bytes | None:
    """The book's notebook without what a reader has written into it: as git has it, or as it is without an answer."""
    command = ["git", "show", f"HEAD:./{book.name}"]
    shown = subprocess.run(command, cwd=book.parent, capture_output=True)
    if shown.returncode == 0:
        return shown.stdout
    return None if answers_in(read(book, "the book's")) else book.read_bytes()


def base_of(mine: Path) -> Path:
    """Where the notebook is kept that a copy was made from."""
    return folder(mine.parent / ".book") / mine.name


def copy(mine: Path, book: Path) -> str:
    """Copies a notebook for the first time, with what is written in it."""
    if base := released(book):
        write_whole(base_of(mine), base)
    write_whole(mine, book.read_bytes())
    return "copied"


def keep_answers_of(book: Path, mine: Path) -> str:
    """Copies the book's notebook to ``old`` if a reader wrote into it what is not in ``mine``; says so, or nothing."""
    there = {cell.source for cell in read(mine, "your copy").cells}
    written = read(book, "the book's")
    only = [name for name, code in answers_in(written).items() if code not in there]
    said = f"answers of yours, to {', '.join(only)}" if only else "cells of yours"
    if base := released(book):
        there |= {cell.source for cell in nbformat.reads(base.decode(), as_version=4).cells}
        only += [cell.source for cell in written.cells if cell.source not in there]
    if not only:
        return ""
    old = folder(mine.parent / "old")
    begins = f"{book.stem}-from-book"
    kept = [p for p in old.glob(f"{begins}*") if p.read_bytes() == book.read_bytes()]
    if not kept:
        kept = [free_name(old / f"{begins}{book.suffix}")]
        write_whole(kept[0], book.read_bytes())
    return f"; book/ has other {said}: they are in old/{kept[0].name} now"


def open_in_jupyter(mine: Path) -> str:
    """The address of a running Jupyter that has a copy open, with a kernel; an empty string if none has."""
    from jupyter_server.serverapp import list_running_servers

    for server in list_running_servers():
        asked = urllib.request.Request(
            f"{server['url']}api/sessions",
            headers={"Authorization": f"token {server['token']}"},
        )
        try:
            sessions = json.load(urllib.request.urlopen(asked, timeout=5))
        except (OSError, ValueError):
            continue  # it is gone, or does not answer
        for session in sessions:
            path = Path(server["root_dir"], session["path"])
            if path.exists() and path.samefile(mine):
                return server["url"]
    return ""


def update(mine: Path, book: Path) -> str:
    """Puts the book's notebook with what the reader wrote in the place of ``mine``, keeps the old one, and says so."""
    base, text = base_of(mine), book.read_bytes()
    if answers_in(read(book, "the book's")):
        text = released(book) or text
    if base.exists() and base.read_bytes() == text:
        return "kept; the book's text is the same"
    if address := open_in_jupyter(mine):
        raise Kept(
            f"it is open in Jupyter ({address}). Save it, shut its kernel down there, and run this again"
        )
    yours = read(mine, "your copy")
    new = nbformat.reads(text.decode(), as_version=4)
    cells = list(yours.cells)
    done = merged(
        yours, read(base, f"{base}, which you may delete,") if base.exists() else None, new
    )
    if len(cells) == len(done.notebook.cells) and all(map(same, cells, done.notebook.cells)):
        write_whole(base, text)
        return "kept; it has the book's text already"
    old = free_name(folder(mine.parent / "old") / mine.name)
    write_whole(old, mine.read_bytes())
    write_whole(mine, (nbformat.writes(done.notebook) + "\n").encode())
    with contextlib.suppress(OSError):  # the next run sees that the copy has this text
        write_whole(base, text)
    said = [f"your answers to {', '.join(done.answers)}"] * bool(done.answers)
    said += [f"{done.others} other cell{'s' * (done.others > 1)} of yours"] * bool(done.others)
    said = [f"updated, with {' and '.join(said) or 'nothing of yours to carry over'}"]
    said += [f"ONLY in old/{old.name}: {', '.join(done.left)}"] * bool(done.left)
    return "; ".join([*said, f"your copy as it was is now old/{old.name}"])


def look_after(mine: Path, book: Path, updating: bool) -> str:
    """Does what is to be done for one notebook, and says what it was."""
    if not mine.exists():
        return copy(mine, book)
    if updating:
        done = update(mine, book)
    else:
        base = base_of(mine)
        is_same = base.exists() and base.read_bytes() in (book.read_bytes(), released(book))
        done = "kept" if is_same else OTHER_TEXT
    return done + keep_answers_of(book, mine)


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--update", action="store_true", help="bring copies up to the book")
    updating = parser.parse_args(arguments).update
    failed = False
    try:
        folder(MINE)
        for page in BOOK.glob("*.md"):
            link = MINE / page.name
            if not link.exists() and not link.is_symlink():
                link.symlink_to(os.path.relpath(page, MINE))
        for picture in BOOK.glob(
            "_static/*.png"
        ):  # which JupyterLab does not show through a link
            shown = MINE / "_static" / picture.name
            if not shown.exists():
                write_whole(folder(shown.parent) / picture.name, picture.read_bytes())
    except (Kept, OSError) as error:
        print(f"Nothing was changed: {error}", file=sys.stderr)
        return 1
    for book in sorted(BOOK.glob("*.ipynb")):
        try:
            done = look_after(MINE / book.name, book, updating)
        except Kept as reason:
            failed, done = True, f"KEPT as it is: {reason}"
        except OSError as error:
            failed = True
            done = f"KEPT as it is: {error.strerror}, at {Path(error.filename or MINE).name}"
        tell(f"{book.name}: {done}")
    for mine in sorted(MINE.glob("*.ipynb")):
        if not (BOOK / mine.name).exists():
            tell(f"{mine.name}: kept; the book has no notebook of this name")
    tell(f"Your notebooks are in {MINE}. `make lab` opens them.")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
