"""Every notebook with each solution in its stub's place, as in Colab: every check says "passed". As released: "not
attempted".
"""

import re
from pathlib import Path
from textwrap import dedent

import nbformat
import pytest
import yaml
from colab import Colab
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook
from run_notebooks import is_stub
from solutions import KINDS, kind_of, solution_of, solve

from resnet_exercises import CASES, EXERCISES
from resnet_exercises.exercise import load

BOOK = Path(__file__).resolve().parent.parent / "book"


def exercises_in(path: Path) -> list[list[NotebookNode]]:
    """The exercises of a notebook, each as its four cells."""
    notebook = nbformat.read(path, as_version=4)
    marked = [(number, cell) for number, cell in enumerate(notebook.cells) if kind_of(cell)]
    assert [kind_of(cell) for _, cell in marked] == KINDS * (len(marked) // 4), path.name
    for (first, _), (last, _) in zip(marked[::4], marked[3::4], strict=True):
        assert last - first == 3, f"{path.name}: the four cells of an exercise stand together"
    return [[cell for _, cell in marked[i : i + 4]] for i in range(0, len(marked), 4)]


NOTEBOOKS = [path for path in sorted(BOOK.glob("*.ipynb")) if exercises_in(path)]
ALL = [
    pytest.param(cells, id=f"{path.stem}-{n}")
    for path in NOTEBOOKS
    for n, cells in enumerate(exercises_in(path))
]


@pytest.mark.parametrize("cells", ALL)
def test_the_four_cells(cells):
    """Task with difficulty, minutes and name; a stub; a check that says "not attempted"; hints and solution."""
    task, stub, check, help_cell = cells
    (name,) = re.findall(r'check\("(\w+)", \w+\)', check.source)
    assert name in (*EXERCISES, *CASES) and f"`{name}`" in task.source
    assert task.source.startswith("### Exercise")
    assert re.search(r"[●○]{3}", task.source) and re.search(r"\d+ minutes?", task.source)
    assert is_stub(stub.source)
    (output,) = check.outputs
    assert "not attempted" in output.data["text/plain"]
    assert solution_of(help_cell)
    folds = re.findall(
        r"<details><summary>(.*?)</summary>\n\n(.*?)\n\n</details>", help_cell.source, re.S
    )
    titles = [title for title, _ in folds]
    assert titles[:2] == ["Hint 1", "Hint 2"] and "olution" in titles[2] and len(titles) == 3
    assert all(len(text.strip()) > 15 for _, text in folds), "an empty fold helps nobody"


def test_the_fold_shows_the_solution_that_the_check_compares_with():
    """But for the imports, which the notebook has at its top."""
    for path in NOTEBOOKS:
        for _, _, check, help_cell in exercises_in(path):
            (name,) = re.findall(r'check\("(\w+)"', check.source)
            if path.stem != "bug-clinic":
                code = load(name).text.partition("\n\n\n")
                assert solution_of(help_cell) == (code[2] or code[0]).strip("\n"), name


def test_every_exercise_has_its_place():
    """Each exercise of the library stands in a chapter, with at most four in one."""
    chapters = [path for path in NOTEBOOKS if path.stem != "bug-clinic"]
    found = []
    for path in chapters:
        names = [
            re.findall(r'check\("(\w+)"', cells[2].source)[0] for cells in exercises_in(path)
        ]
        assert len(names) <= 4, path.name
        found += names
    assert sorted(found) == sorted(EXERCISES)


@pytest.fixture(scope="session")
def colab(tmp_path_factory):
    """Colab as far as a notebook sees it, and this repository where the set-up cell looks for it."""
    settings = yaml.safe_load((BOOK.parent / "_config.yml").read_text(encoding="utf8"))
    return Colab(tmp_path_factory.mktemp("colab"), settings["repository"]["url"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_in_colab_with_solutions_every_check_passes(path, colab):
    """In an empty folder, from its own first cell to the last, with the solutions in the stubs' places. It writes
    nothing.
    """
    notebook = nbformat.read(path, as_version=4)
    solve(notebook)
    machine = colab.machine(path.stem)
    machine.run(notebook)
    for cell in notebook.cells:
        if kind_of(cell) == "exercise-check":
            assert ": passed." in cell.outputs[0].data["text/plain"], (
                cell.source,
                cell.outputs[0].data["text/plain"],
            )
    assert machine.written() == []


def test_colab_has_no_more_than_it_should_and_what_is_written_is_found(colab):
    """What the set-up cell forgets stays missing, and so does what only the repository has; a file left behind is
    seen.
    """
    code = """
        import importlib.util, os
        asked = ["torch", "sklearn", "resnet_lib", "torchinfo", "tqdm", "run_notebooks", "jupyterlab"]
        print([name for name in asked if importlib.util.find_spec(name)])
        open("left", "w").close()
        open(os.environ["HOME"] + "/../../../also-left", "w").close()
    """
    notebook = new_notebook(cells=[new_code_cell(dedent(code))])
    machine = colab.machine("without-set-up")
    machine.run(notebook)
    assert notebook.cells[0].outputs[0].text == "['torch', 'sklearn']\n"
    assert [line.split("/")[-1] for line in machine.written()] == ["left", "also-left"]
