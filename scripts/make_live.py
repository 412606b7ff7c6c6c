"""Writes what the exercises in the pages load; `make book` runs it where a source has changed.

- `book/_generated/exercises.json`: what a page needs to know of each exercise, read from the notebooks
- `book/_generated/lines.json`: the lines of those exercises whose lines are arranged
- `book/_generated/root/live/`: the scripts of `live/`, bundled; Python (Pyodide) and our two packages for it; the
  notebook into which *My work* puts the answers
"""

import json
import re
import shutil
import zipfile
from pathlib import Path

import node
from arranging import LINES, arrangement
from docutils.nodes import make_id

from resnet_exercises import notebooks
from resnet_exercises.page import PLAIN

ROOT = Path(__file__).resolve().parent.parent
GENERATED = ROOT / "book" / "_generated"
TARGET = GENERATED / "root" / "live"
PYODIDE = ROOT / "node_modules" / "pyodide"
# The core alone: the page loads no other package.
PYODIDE_FILES = (
    "pyodide.mjs pyodide.asm.mjs pyodide.asm.wasm python_stdlib.zip pyodide-lock.json".split()
)
FIRST_TRY = "first-try"
PACKAGES = ("resnet_lib", "resnet_exercises")
# Data of measurements and of a network, which no check uses.
LEFT_OUT = {"__pycache__", "measured", "explorers"}
# Safari 15 and Firefox 114 are the first that run modules in workers.
BUNDLE = """import { build } from "esbuild";
await build({
  entryPoints: ["live/starter.js", "live/worker.js"],
  bundle: true, splitting: true, minify: true, format: "esm", target: "es2021", legalComments: "none",
  logLevel: "warning",
  outdir: process.argv[1],
});"""


def exercises() -> list[dict[str, str]]:
    """What a page needs to know of each exercise, in the order of the chapters."""
    found = []
    for path in sorted((ROOT / "book").glob("[0-9]*.ipynb")):
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        chapter = _heading(cells[0])
        for task in notebooks.find_tasks(notebooks.read_cells(path)):
            above = [cell for cell in cells[: task.number] if "exercise" in _tags(cell)]
            asked = [cell for cell in cells[: task.number] if "exercise-task" in _tags(cell)]
            title = _heading(asked[-1])
            found.append(
                {
                    "name": task.name,
                    "title": title.removeprefix("Exercise: "),
                    "chapter": chapter,
                    "anchor": make_id(title),
                    "page": path.relative_to(ROOT).with_suffix("").as_posix(),
                    "cell": above[-1]["id"],
                    "kind": _kind(task.name),
                }
            )
    return found


def _kind(name: str) -> str:
    """How an exercise is done in the page; "notebook": it is not."""
    return "code" if name in PLAIN else "lines" if name in LINES else "notebook"


def _tags(cell: dict) -> list[str]:
    return cell["metadata"].get("tags", [])


def _heading(cell: dict) -> str:
    return re.search(r"^#+ (.+)$", "".join(cell["source"]), re.MULTILINE)[1]


IMPORTS = """import torch
from torch import nn

from resnet_exercises import check
from resnet_lib import input_sizes, output_size, same_padding, unused_pixels"""


def notebook_for_answers(known: list[dict[str, str]]) -> dict:
    """A notebook with the task, the stub and the check of every exercise.

    *My work* replaces the stubs, by the ids of their cells, with the reader's answers.
    """
    pages = dict.fromkeys(exercise["page"] for exercise in known)
    notebooks = [json.loads((ROOT / f"{page}.ipynb").read_text("utf-8")) for page in pages]
    setup = next(
        cell for cell in notebooks[0]["cells"] if "google.colab" in "".join(cell["source"])
    )
    title = {"cell_type": "markdown", "id": "title", "metadata": {}, "source": "# My answers"}
    cells = [title, setup, setup | {"id": "imports", "metadata": {}, "source": IMPORTS}]
    for cell in (cell for notebook in notebooks for cell in notebook["cells"]):
        if {"exercise-task", "exercise", "exercise-check"} & set(_tags(cell)):
            of_code = {"outputs": [], "execution_count": None}
            cells.append(cell | (of_code if cell["cell_type"] == "code" else {}))
    return notebooks[0] | {"cells": cells}


def first_try() -> dict:
    """The block of the first page, of which a reader corrects the last line: its forward pass alone."""
    lines = arrangement(
        "basic_block", {"__init__"}, {"relu-before-add", "no-last-relu", "no-shortcut"}
    )
    start = next(
        known["parts"] for known in lines["known"] if known["mistake"] == "relu-before-add"
    )
    head = lines["rows"].index("    def forward(self, x):")
    lines["rows"] = ["def forward(self, x):", *lines["rows"][head + 1 :]]
    return lines | {"indents": [4], "start": start}


def write_lines(name: str, lines: dict) -> dict:
    """Writes what judges an arrangement, and returns what the page shows of it from the start."""
    write(TARGET / f"{name}.json", lines)
    tiles = [{key: tile[key] for key in ("part", "place", "text")} for tile in lines["tiles"]]
    shown = {
        key: lines[key] for key in ("rows", "indents", "functions", "start") if key in lines
    }
    return shown | {"tiles": tiles}


def pack(path: Path) -> None:
    """Our packages in one file, the same bytes for the same sources."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as packed:
        for source in sorted(p for name in PACKAGES for p in (ROOT / name).rglob("*.*")):
            inside = source.relative_to(ROOT)
            if source.suffix in (".py", ".toml", ".json") and not LEFT_OUT & set(inside.parts):
                packed.writestr(
                    zipfile.ZipInfo(inside.as_posix()),
                    source.read_bytes(),
                    zipfile.ZIP_DEFLATED,
                )


def write(path: Path, value: object) -> None:
    path.write_text(json.dumps(value, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


def main() -> None:
    shutil.rmtree(TARGET, ignore_errors=True)
    (TARGET / "pyodide").mkdir(parents=True)
    known = exercises()
    write(GENERATED / "exercises.json", known)
    write(TARGET / "answers.ipynb", notebook_for_answers(known))
    shown = {}
    for name in (exercise["name"] for exercise in known if exercise["kind"] == "lines"):
        shown[name] = write_lines(name, arrangement(name))
    shown[FIRST_TRY] = write_lines(FIRST_TRY, first_try())
    write(GENERATED / "lines.json", shown)
    for name in PYODIDE_FILES:
        shutil.copyfile(PYODIDE / name, TARGET / "pyodide" / name)
    pack(TARGET / "packages.zip")
    ran = node.run("node", "--input-type=module", "-e", BUNDLE, str(TARGET))
    if ran.returncode:
        raise SystemExit(ran.stdout)


if __name__ == "__main__":
    main()
