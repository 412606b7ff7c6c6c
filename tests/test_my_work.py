"""A reader's answers survive every command: in my-work, in the book's own notebooks, and in solutions."""

import json
import re
import resource
import shlex
import shutil
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

import my_work
import nbformat
import pytest
import run_notebooks
import solutions
from helpers import check_file
from nbformat.v4 import new_code_cell, new_markdown_cell
from run_notebooks import is_stub
from solutions import kind_of, solve

ROOT = Path(__file__).resolve().parent.parent
NAME = "04-bottleneck.ipynb"


@pytest.fixture
def clone(tmp_path, monkeypatch):
    """A clone with one chapter, for the scripts and for make. It is no git repository."""
    for name in ("Makefile", ".gitignore", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    for name in ("book/_static", "resnet_exercises", "resnet_lib", "tests"):
        (tmp_path / name).mkdir(parents=True)
    for name in (NAME, "glossary.md"):
        shutil.copy(ROOT / "book" / name, tmp_path / "book")
    monkeypatch.setattr(my_work, "BOOK", tmp_path / "book")
    monkeypatch.setattr(my_work, "MINE", tmp_path / "my-work")
    monkeypatch.setattr(solutions, "BOOK", tmp_path / "book")
    return tmp_path


def make(clone, target):
    """Runs make in the clone with this environment."""
    settings = [f"PY={shlex.quote(sys.executable)}", "-o", ".venv/.ready", f"PYTHONPATH={ROOT}"]
    command = ["make", *settings, target]
    return subprocess.run(command, cwd=clone, capture_output=True, text=True)


def edit(path, change):
    """Changes a notebook file by a function of its notebook."""
    notebook = nbformat.read(path, as_version=4)
    change(notebook)
    nbformat.write(notebook, path)


def cell_of(notebook, start):
    """The number of the code cell that begins so."""
    (number,) = [n for n, c in enumerate(notebook.cells) if c.source.startswith(start)]
    return number


def answer_wrongly(notebook):
    """A right bottleneck with a helper in its own cell, and a wrong receptive field."""
    solve(notebook)
    number = cell_of(notebook, "class Bottleneck")
    own = notebook.cells[number]
    helper = new_code_cell("def relu():\n    return nn.ReLU(inplace=True)")
    own.source = own.source.replace("nn.ReLU(inplace=True)", "relu()")
    notebook.cells.insert(number, helper)
    field = notebook.cells[cell_of(notebook, "def receptive_field")]
    field.source = "def receptive_field(layers):\n    return 1"
    notebook.cells.append(new_code_cell("# my notes"))


def newer(notebook):
    """The next version of the book: other words, a new cell in front, other cell ids, another stub."""
    notebook.cells[0].source += "\n\nMore words."
    notebook.cells.insert(1, new_markdown_cell("A new beginning."))
    for number, cell in enumerate(notebook.cells):
        cell.id = f"new{number}"
    stub = notebook.cells[cell_of(notebook, "def receptive_field")]
    stub.source = stub.source.replace("The side", "Side")


def test_clone_edit_update(clone, capsys):
    """Answers are in the new version, with the same verdicts; what else was in the copy is in old."""
    assert my_work.main([]) == 0
    mine = clone / "my-work" / NAME
    assert mine.read_bytes() == (clone / "book" / NAME).read_bytes()
    edit(mine, answer_wrongly)
    edited, before = mine.read_bytes(), check_file(mine).verdicts
    assert [v["status"] for v in before] == ["passed", "failed"]

    assert my_work.main([]) == 0 and my_work.main(["--update"]) == 0
    assert mine.read_bytes() == edited, "the book is the same"

    edit(clone / "book" / NAME, newer)
    capsys.readouterr()
    assert my_work.main([]) == 0
    assert "see make update-my-work" in capsys.readouterr().out
    assert mine.read_bytes() == edited

    assert my_work.main(["--update"]) == 0
    out = capsys.readouterr().out
    assert (
        "your answers to bottleneck, receptive_field and 2 other cells of yours; "
        f"your copy as it was is now old/{NAME}" in out
    )
    assert (clone / "my-work" / "old" / NAME).read_bytes() == edited
    notebook = nbformat.read(mine, as_version=4)
    nbformat.validate(notebook)
    assert notebook.cells[1].source == "A new beginning."
    assert check_file(mine).verdicts == before
    assert sorted(p.name for p in mine.parent.glob("*.ipynb*")) == [NAME]

    updated = mine.read_bytes()
    assert my_work.main(["--update"]) == 0
    assert mine.read_bytes() == updated and "kept" in capsys.readouterr().out
    edit(clone / "book" / NAME, newer_still)
    assert my_work.main(["--update"]) == 0
    old = sorted(p.name for p in (mine.parent / "old").iterdir())
    assert old == [NAME.replace(".ipynb", "-2.ipynb"), NAME]
    assert check_file(mine).verdicts == before


def newer_still(notebook):
    """One more version of the book."""
    notebook.cells[1].source = "Another beginning."


def test_a_copy_without_answers_is_updated_too(clone, capsys):
    """Stubs come from the book."""
    my_work.main([])
    edit(clone / "book" / NAME, newer)
    assert my_work.main(["--update"]) == 0
    assert "nothing of yours to carry over" in capsys.readouterr().out
    mine = nbformat.read(clone / "my-work" / NAME, as_version=4)
    assert mine.cells == nbformat.read(clone / "book" / NAME, as_version=4).cells


def test_answers_in_the_book_are_copied(clone):
    """Who has written into the book's notebooks first gets them with the answers."""
    edit(clone / "book" / NAME, answer_wrongly)
    my_work.main([])
    assert "return 1" in (clone / "my-work" / NAME).read_text(encoding="utf-8")


def test_answers_in_the_book_are_kept_beside_a_copy(clone, capsys):
    """`git restore book` comes next in the README. Twice the same, and none for answers that the copy has."""
    my_work.main([])
    mine, book = clone / "my-work" / NAME, clone / "book" / NAME
    copy, old = mine.read_bytes(), mine.parent / "old"
    edit(book, answer_wrongly)
    capsys.readouterr()
    assert my_work.main([]) == 0 == my_work.main([])
    kept = old / "04-bottleneck-from-book.ipynb"
    assert (
        f"to bottleneck, receptive_field: they are in old/{kept.name} now"
        in capsys.readouterr().out
    )
    assert mine.read_bytes() == copy and kept.read_bytes() == book.read_bytes()
    assert [path.name for path in old.iterdir()] == [kept.name]

    kept.unlink()
    mine.write_bytes(book.read_bytes())
    assert my_work.main([]) == 0 == my_work.main(["--update"])
    assert list(old.iterdir()) == []


def test_notes_in_the_book_are_kept_beside_a_copy(clone, capsys):
    """They are no answers, and `git restore book` would end them all the same. A newer book has no notes."""
    git = ["git", "-c", "user.name=a", "-c", "user.email=a", "-C", str(clone)]
    subprocess.run([*git, "init", "-q"], check=True)

    def commit():
        subprocess.run([*git, "add", "book"], check=True)
        subprocess.run([*git, "commit", "-qm", "book"], check=True)

    commit()
    my_work.main([])
    edit(clone / "book" / NAME, newer)
    commit()
    capsys.readouterr()
    assert my_work.main([]) == 0
    assert "of yours" not in capsys.readouterr().out
    edit(clone / "book" / NAME, lambda notebook: notebook.cells.append(new_code_cell("# mine")))
    assert my_work.main([]) == 0
    kept = clone / "my-work" / "old" / "04-bottleneck-from-book.ipynb"
    assert (
        f"book/ has other cells of yours: they are in old/{kept.name} now"
        in capsys.readouterr().out
    )
    assert "# mine" in kept.read_text("utf-8")


def swapped(notebook):
    """The next version of the book: its two exercises in the other order."""
    first, second = (cell_of(notebook, start) for start in STARTS)
    cells = notebook.cells
    cells[first - 1 : first + 3], cells[second - 1 : second + 3] = (
        cells[second - 1 : second + 3],
        cells[first - 1 : first + 3],
    )


def without_field(notebook):
    """The next version of the book: one exercise less."""
    number = cell_of(notebook, "def receptive_field")
    del notebook.cells[number - 1 : number + 3]


STARTS = ("class Bottleneck", "def receptive_field")
FIELD = "def receptive_field(layers):\n    return 1"


def changes(at, *sources, kind=new_code_cell, delete=0):
    """An edit of a copy: new cells so far from the stub of receptive_field, in the place of so many."""

    def change(notebook):
        place = cell_of(notebook, "def receptive_field") + at
        notebook.cells[place : place + delete] = [kind(source) for source in sources]

    return change


def retyped(source, at=0, kind="code"):
    """An edit of a copy: another text in a cell so far from the stub of receptive_field."""

    def change(notebook):
        cell = notebook.cells[cell_of(notebook, "def receptive_field") + at]
        cell.source, cell.cell_type = source, kind
        if kind != "code":
            del cell["outputs"], cell["execution_count"]

    return change


def colab(notebook):
    """As Colab saves: no ids, no tags."""
    notebook.nbformat_minor = 0
    for cell in notebook.cells:
        cell.pop("id", None)
        cell.metadata = {"id": "x"}
    notebook.cells[cell_of(notebook, "def receptive_field")].source = FIELD


NOTE, CHECK = "A note of mine.", 'check("receptive_field", receptive_field)'
WAYS = {
    "in the stub": (retyped(FIELD), newer, [FIELD]),
    "a note between": (changes(0, NOTE, kind=new_markdown_cell), newer, [NOTE]),
    "a draft": (
        retyped("def receptive_field(layers):\n    # first the jump"),
        newer,
        ["# first"],
    ),
    "a comment alone": (retyped("# I do not know yet"), newer, ["# I do not know yet"]),
    "below the stub": (changes(1, FIELD), newer, [FIELD, CHECK]),
    "below the check": (changes(2, FIELD), newer, [CHECK, FIELD]),
    "in the check's cell": (
        retyped(f"{FIELD}\n\n{CHECK}", at=1),
        newer,
        [f"{FIELD}\n\n{CHECK}"],
    ),
    "the stub deleted": (changes(0, FIELD, delete=1), newer, [FIELD, CHECK]),
    "the task deleted": (changes(-1, FIELD, delete=2), newer, [FIELD, CHECK]),
    "two attempts": (
        changes(0, "def receptive_field(x):\n    return 2", FIELD, delete=1),
        newer,
        ["return 2", FIELD, CHECK],
    ),
    "a helper far above": (
        lambda n: n.cells.insert(2, new_code_cell("def helper(): 1")),
        newer,
        ["def helper(): 1"],
    ),
    "turned to Markdown": (retyped(FIELD, kind="markdown"), newer, [FIELD]),
    "saved by Colab": (colab, newer, [FIELD, CHECK]),
    "swapped in the book": (retyped(FIELD), swapped, [FIELD, CHECK]),
    "own text": (lambda n: n.cells[0].update(source="# Mine"), swapped, ["# Mine"]),
}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_reader_wrote_is_in_the_new_version(clone, capsys, way):
    """In the order in which it stood; the stub of an exercise does not undo an answer."""
    change, books, expected = WAYS[way]
    my_work.main([])
    mine = clone / "my-work" / NAME
    edit(mine, change)
    edited = mine.read_bytes()
    edit(clone / "book" / NAME, books)
    capsys.readouterr()
    assert my_work.main(["--update"]) == 0
    out = capsys.readouterr().out
    assert "ONLY in" not in out and "nothing of yours" not in out
    assert (mine.parent / "old" / NAME).read_bytes() == edited
    notebook = nbformat.read(mine, as_version=4)
    nbformat.validate(notebook)
    places = [
        next(n for n, c in enumerate(notebook.cells) if text in c.source) for text in expected
    ]
    assert places == sorted(places)
    if FIELD in expected:
        below = notebook.cells[places[expected.index(FIELD)] + 1 :]
        assert not [c for c in below if c.source.startswith("def receptive_field")]
    assert my_work.main(["--update"]) == 0
    assert [path.name for path in (mine.parent / "old").iterdir()] == [NAME], "once is enough"


def test_what_is_not_carried_over_is_named(clone, capsys):
    """A text that both have changed, an exercise that the book has no more, a notebook that it has no more."""
    my_work.main([])
    mine = clone / "my-work" / NAME

    def change(notebook):
        notebook.cells[0].source = "# Mine"
        retyped(FIELD)(notebook)

    edit(mine, change)
    number = cell_of(nbformat.read(mine, as_version=4), "def receptive_field") + 1
    shutil.copy(mine, mine.with_name("notes.ipynb"))
    edit(clone / "book" / NAME, without_field)
    edit(clone / "book" / NAME, lambda notebook: notebook.cells[0].update(source="# Theirs"))
    capsys.readouterr()
    assert my_work.main(["--update"]) == 0
    out = capsys.readouterr().out
    assert (
        f"ONLY in old/{NAME}: cell 1 (# Mine), cell {number} (def receptive_field(layers):)"
        in out
    )
    assert "notes.ipynb: kept; the book has no notebook of this name" in out


def test_a_copy_without_its_base_keeps_answers_and_own_cells(clone, capsys):
    """What else differs may be an older text of the book: it is named."""
    my_work.main([])
    mine = clone / "my-work" / NAME
    (mine.parent / ".book" / NAME).unlink()

    def change(notebook):
        notebook.cells[0].source = "# Older"
        retyped(FIELD)(notebook)
        notebook.cells.append(new_code_cell("# my notes"))

    edit(mine, change)
    assert my_work.main(["--update"]) == 0
    out = capsys.readouterr().out
    assert "your answers to receptive_field and 1 other cell of yours" in out
    assert f"ONLY in old/{NAME}: cell 1 (# Older)" in out


def test_what_is_no_notebook_is_kept(clone, capsys):
    """A damaged copy is not touched, and the status says so; a damaged notebook of the book is not blamed on it."""
    my_work.main([])
    mine, book = clone / "my-work" / NAME, clone / "book" / NAME
    mine.write_text("{", encoding="utf-8")
    edit(book, newer)
    assert my_work.main(["--update"]) == 1
    assert mine.read_text(encoding="utf-8") == "{"
    assert "KEPT as it is: your copy cannot be read as a notebook" in capsys.readouterr().out
    book.write_text("<<<<<<< HEAD", encoding="utf-8")
    assert my_work.main(["--update"]) == 1
    assert "KEPT as it is: the book's cannot be read as a notebook" in capsys.readouterr().out


def test_what_a_reader_is_told_of_a_file_is_for_readers(clone, capsys):
    """Not what a teacher would do; and what to do about a damaged file of the command's own."""
    my_work.main([])
    mine, base = clone / "my-work" / NAME, clone / "my-work" / ".book" / NAME
    edit(clone / "book" / NAME, newer)
    base.write_text("{", encoding="utf-8")
    assert my_work.main(["--update"]) == 1
    assert f"{base}, which you may delete, cannot be read" in capsys.readouterr().out
    mine.write_text("{", encoding="utf-8")
    assert my_work.main(["--update"]) == 1
    assert "a notebook: is no notebook: it is not JSON.\n" in capsys.readouterr().out


def test_a_copy_with_a_mark_of_utf_8_is_a_notebook(clone):
    """As some editors write it."""
    my_work.main([])
    mine = clone / "my-work" / NAME
    edit(mine, retyped(FIELD))
    mine.write_bytes(b"\xef\xbb\xbf" + mine.read_bytes())
    edit(clone / "book" / NAME, newer)
    assert my_work.main(["--update"]) == 0
    assert "return 1" in mine.read_text("utf-8")


def test_a_file_in_the_place_of_a_folder(clone, capsys):
    """One sentence, and nothing is changed."""
    (clone / "my-work").write_text("x", encoding="utf-8")
    assert my_work.main([]) == 1
    assert "my-work is a file" in capsys.readouterr().err
    (clone / "my-work").unlink()
    my_work.main([])
    mine = clone / "my-work" / NAME
    (mine.parent / "old").write_text("x", encoding="utf-8")
    edit(mine, retyped(FIELD))
    edit(clone / "book" / NAME, newer)
    before = mine.read_bytes()
    assert my_work.main(["--update"]) == 1
    assert "old is a file" in capsys.readouterr().out
    assert mine.read_bytes() == before


def run_my_work(clone, *options, most=None, **given):
    """Runs the script in the clone; no file may become longer than ``most`` bytes, as where a disk is full."""
    limit = (lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))) if most else None
    command = [sys.executable, str(clone / "scripts" / "my_work.py"), *options]
    return subprocess.run(
        command, preexec_fn=limit, text=True, capture_output=True, cwd=ROOT, **given
    )


def test_a_full_disk_changes_nothing(clone):
    """No empty copy is left, and the next run does all; the disk is named, not the notebook."""
    done = run_my_work(clone, most=20_000)
    assert done.returncode == 1 and "KEPT as it is: File too large" in done.stdout
    assert "Traceback" not in done.stderr
    mine = clone / "my-work" / NAME
    assert not [
        path for path in mine.parent.rglob("*") if path.is_file() and not path.is_symlink()
    ]
    assert run_my_work(clone).returncode == 0
    edit(mine, retyped(FIELD))
    edit(clone / "book" / NAME, newer)
    before = mine.read_bytes()
    done = run_my_work(clone, "--update", most=20_000)
    assert done.returncode == 1 and "KEPT as it is: File too large" in done.stdout
    assert mine.read_bytes() == before and not list((mine.parent / "old").iterdir())
    assert run_my_work(clone, "--update").returncode == 0
    assert FIELD.encode() not in before and "return 1" in mine.read_text("utf-8")


def test_a_reader_of_the_first_line_alone_stops_nothing(clone):
    """`make my-work | head -1`: no traceback, and all is copied. No PyTorch is loaded for it."""
    command = (
        f"{shlex.quote(sys.executable)} -X importtime {clone}/scripts/my_work.py | head -c 0"
    )
    done = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT)
    assert "Traceback" not in done.stderr and "BrokenPipe" not in done.stderr
    assert (clone / "my-work" / NAME).exists()
    assert "nbformat" in done.stderr and "torch.nn" not in done.stderr


def test_a_notebook_that_is_open_is_not_replaced(clone, tmp_path, capsys, monkeypatch):
    """What is not saved yet would be lost, or would overwrite the new version."""
    monkeypatch.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "runtime"))
    my_work.main([])
    mine = clone / "my-work" / NAME
    edit(mine, retyped(FIELD))
    edit(clone / "book" / NAME, newer)
    before = mine.read_bytes()
    command = [
        sys.executable,
        "-m",
        "jupyter_server",
        "--no-browser",
        "--allow-root",
        "--port=0",
    ]
    with subprocess.Popen(
        [*command, str(mine.parent)], stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            start_session(server, mine.name)
            capsys.readouterr()
            assert my_work.main(["--update"]) == 1
            assert "KEPT as it is: it is open in Jupyter (http" in capsys.readouterr().out
            assert mine.read_bytes() == before
        finally:
            server.terminate()
    assert my_work.main(["--update"]) == 0


def start_session(server, name):
    """Opens a notebook in a server that has just been started."""
    urls = (
        re.search(r"(http://127\.0\.0\.1:\d+/).*token=(\w+)", line) for line in server.stderr
    )
    found = next(filter(None, urls))
    threading.Thread(target=server.stderr.read, daemon=True).start()  # or it waits to be read
    body = {"path": name, "name": name, "type": "notebook", "kernel": {"name": "python3"}}
    asked = urllib.request.Request(f"{found[1]}api/sessions", json.dumps(body).encode())
    asked.add_header("Authorization", f"token {found[2]}")
    while server.poll() is None:
        try:
            return urllib.request.urlopen(asked).read()
        except urllib.error.URLError:  # it says where it is before it listens
            time.sleep(0.2)


def test_links_of_a_copy_lead_to_the_pages_of_the_book(clone):
    """Also when the folder or the page is there. Pictures are copied: JupyterLab shows none through a link."""
    (clone / "book" / "_static" / "a.png").write_bytes(b"picture")
    my_work.main([])
    my_work.main([])
    page, picture = clone / "my-work" / "glossary.md", clone / "my-work" / "_static" / "a.png"
    assert page.is_symlink() and page.resolve() == (clone / "book" / "glossary.md").resolve()
    assert picture.read_bytes() == b"picture" and picture.resolve() == picture


def test_no_make_command_changes_answers(clone):
    """In my-work, in solutions and in the book, byte for byte; git sees neither folder."""
    my_work.main([])
    solutions.main([str(clone / "solutions")])
    places = [clone / folder / NAME for folder in ("my-work", "solutions", "book")]
    for path in places:
        edit(path, answer_wrongly)
    before = [path.read_bytes() for path in places]
    cells = nbformat.read(places[-1], as_version=4).cells
    number = next(i for i, c in enumerate(cells, 1) if c.source.startswith("class Bottleneck"))
    statuses = {}
    for target in ("my-work", "update-my-work", "solutions", "notebooks", "clean"):
        done = make(clone, target)
        statuses[target] = bool(done.returncode)
        if target == "notebooks":
            assert f"cell {number} has an answer to bottleneck: class Bottleneck" in done.stderr
            assert "make my-work" in done.stderr and "put the stubs back" in done.stderr
        assert [path.read_bytes() for path in places] == before, (
            target,
            done.stdout,
            done.stderr,
        )
    assert statuses == {
        "my-work": False,
        "update-my-work": False,
        "solutions": True,
        "notebooks": True,
        "clean": False,
    }
    ignored = (ROOT / ".gitignore").read_text(encoding="utf-8").splitlines()
    assert {"my-work/", "solutions/"} <= set(ignored)


def test_make_lab_opens_my_work_where_it_is(clone):
    """And the book's notebooks where not, or when told to."""
    command = ["make", "-n", "lab", "-o", ".venv/.ready"]

    def opened(*options):
        done = subprocess.run([*command, *options], cwd=clone, capture_output=True, text=True)
        return done.stdout.split("jupyterlab ")[1].split()[0]

    assert opened() == "book"
    (clone / "my-work").mkdir()
    assert opened() == "my-work"
    assert opened("FOLDER=book") == "book"


# make solutions


def test_solutions_are_written_once(clone, tmp_path, capsys):
    """Solved, without outputs; the same is left, another one is kept and named."""
    folder = tmp_path / "solved"
    assert solutions.main([str(folder)]) == 0 == solutions.main([str(folder)])
    notebook = nbformat.read(folder / NAME, as_version=4)
    nbformat.validate(notebook)
    assert not any(cell.get("outputs") for cell in notebook.cells)
    assert check_file(folder / NAME).complete
    edit(folder / NAME, lambda notebook: notebook.cells.append(new_code_cell("mine")))
    edited = (folder / NAME).read_bytes()
    capsys.readouterr()
    assert solutions.main([str(folder)]) == 1
    out, err = capsys.readouterr()
    assert f"{NAME}: KEPT as it is" in out and f"To get {NAME} anew, move or delete" in err
    assert (folder / NAME).read_bytes() == edited


def test_solutions_do_not_go_into_the_book(clone, capsys):
    """The book's notebooks hold the stubs."""
    before = (clone / "book" / NAME).read_bytes()
    for folder in (clone / "book", clone / "book" / "solved"):
        assert solutions.main([str(folder)]) == 2
    assert "Give another folder" in capsys.readouterr().err
    assert (clone / "book" / NAME).read_bytes() == before


def test_a_help_cell_without_solution_is_named():
    """One Python block in the last fold, no more and no fewer."""
    for text in ("", "<details><summary>S</summary>\n\nwords\n\n</details>"):
        with pytest.raises(ValueError, match="has 0 Python blocks"):
            solutions.solution_of(new_markdown_cell(text))


# make notebooks


STUBS = [
    pytest.param(cell.source, id=f"{path.stem}-{number}")
    for path in sorted((ROOT / "book").glob("*.ipynb"))
    for number, cell in enumerate(nbformat.read(path, as_version=4).cells)
    if kind_of(cell) == "exercise"
]


@pytest.mark.parametrize("source", STUBS)
def test_every_stub_of_the_book_is_one(source):
    """And with a line more in its last function it is none."""
    assert is_stub(source)
    last = source.rindex("raise")
    assert not is_stub(
        source[:last] + "x = 1\n" + " " * (last - source.rindex("\n") - 1) + source[last:]
    )


@pytest.mark.parametrize(
    "source",
    [
        "",
        "def f(x):\n    return x",
        "def f(x):\n    pass",
        "def f(x:\n    raise NotImplementedError",
        "y = 3\ndef f(x):\n    raise NotImplementedError",
        "class A(nn.Module):\n    size = f(3)\n    def f(x):\n        raise NotImplementedError",
        "class A(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.a = 1\n"
        "    def forward(self, x):\n        raise NotImplementedError",
        "def f(x):\n    raise NotImplementedError\nprint(f(3))",
    ],
)
def test_an_answer_is_no_stub(source):
    """Begun answers too, and a stub that was deleted."""
    assert not is_stub(source)


def small(*cells):
    """A notebook of the book's form."""
    return nbformat.v4.new_notebook(cells=list(cells))


def test_a_notebook_is_run_with_one_thread(tmp_path, monkeypatch):
    """As `make test` runs it: trained networks have other losses with two."""
    path = tmp_path / "a.ipynb"
    nbformat.write(small(new_code_cell('import os\nint(os.environ["OMP_NUM_THREADS"])')), path)
    for name in ("OMP_NUM_THREADS", "PYTHONHASHSEED", "TQDM_DISABLE"):
        monkeypatch.setenv(name, "2")  # set again after the test
    monkeypatch.setattr(sys, "argv", ["run_notebooks.py", str(path)])
    assert run_notebooks.main() == 0
    (output,) = nbformat.read(path, as_version=4).cells[0].outputs
    assert output.data["text/plain"] == "1"


def test_an_answer_in_another_cell_is_found_by_its_check(tmp_path):
    """The stub is still there, and the check passes: nothing is stored, and the file stays as it was."""
    path = tmp_path / "a.ipynb"
    stub = new_code_cell(
        "def same_padding(k):\n    raise NotImplementedError", metadata={"tags": ["exercise"]}
    )
    cells = [
        new_code_cell("from resnet_exercises import check"),
        stub,
        new_code_cell("def same_padding(k):\n    return 1"),
        new_code_cell('check("same_padding", same_padding)'),
    ]
    nbformat.write(small(*cells), path)
    before = path.read_bytes()
    found = run_notebooks.run(path)
    assert "cell 4 checks an answer: ✘ same_padding: failed." in found[0]
    assert found[-1] == run_notebooks.KEEP_ANSWERS
    assert path.read_bytes() == before
