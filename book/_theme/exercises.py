"""Marks each exercise of a page, so that the page's script finds it, and leads from it to its own cell in Colab.

What is known of the exercises comes from scripts/live.py. Without the script an exercise looks as in the notebook.
"""

import html
import json
from pathlib import Path

from docutils import nodes

KNOWN = Path(__file__).resolve().parent.parent / "_generated" / "exercises.json"


def mark(app, doctree, docname) -> None:
    """Puts the stub and the check of an exercise into an element with its name."""
    if app.builder.format != "html":
        return
    exercises = json.loads(KNOWN.read_text(encoding="utf-8"))
    known = [exercise for exercise in exercises if exercise["page"] == docname]
    cells = [
        cell
        for cell in doctree.findall(nodes.container)
        if "tag_exercise" in cell["classes"]
    ]
    if known and len(known) != len(cells):
        raise ValueError(
            f"{docname} has {len(cells)} exercises, and {KNOWN} knows {len(known)}"
        )
    for exercise, stub in zip(known, cells):
        place = stub.parent.index(stub)
        check = stub.parent[place + 1]
        if "tag_exercise-check" not in check["classes"]:
            raise ValueError(f"{docname}: no check follows the stub of {exercise['name']}")
        start = f'<div id="{exercise["name"]}" data-exercise="{exercise["name"]}" data-kind="{exercise["kind"]}">'
        link = colab_link(app.config.html_theme_options, exercise)
        stub.parent[place : place + 2] = [raw(start), stub, check, raw(f"{link}</div>")]


def raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def colab_link(options: dict, exercise: dict[str, str]) -> str:
    """A link to the cell of an exercise in Colab; from the one address in _config.yml."""
    repository = options["repository_url"].removeprefix("https://github.com/")
    notebook = f"{repository}/blob/{options['repository_branch']}/{exercise['page']}.ipynb"
    address = f"{options['launch_buttons']['colab_url']}/github/{notebook}#scrollTo={exercise['cell']}"
    return f'<p class="in-colab"><a href="{html.escape(address)}">Open in Colab</a></p>'


def setup(app):
    app.connect("doctree-resolved", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
