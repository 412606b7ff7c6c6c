"""Marks each exercise of a page, so that the page's script finds it, and leads from it to its own cell in Colab.

The directive ``first-try`` is the one of the first page.

What is known of the exercises comes from scripts/make_live.py. Without the script an exercise looks as in the notebook.
"""

import html
import json
from pathlib import Path

from docutils import nodes
from sphinx.util.docutils import SphinxDirective

GENERATED = Path(__file__).resolve().parent.parent / "_generated"


def mark(app, doctree, docname) -> None:
    """Puts the stub and the check of an exercise into an element with its name."""
    if app.builder.format != "html":
        return
    exercises = _read("exercises")
    known = [exercise for exercise in exercises if exercise["page"] == docname]
    cells = [
        cell
        for cell in doctree.findall(nodes.container)
        if "tag_exercise" in cell["classes"]
    ]
    if known and len(known) != len(cells):
        raise ValueError(
            f"{docname} has {len(cells)} exercises, and {len(known)} are known"
        )
    for exercise, stub in zip(known, cells):
        place = stub.parent.index(stub)
        check = stub.parent[place + 1]
        if "tag_exercise-check" not in check["classes"]:
            raise ValueError(f"{docname}: no check follows the stub of {exercise['name']}")
        name, kind = exercise["name"], exercise["kind"]
        live = "" if kind == "notebook" else f' data-kind="{kind}"'
        start = f'<div id="{name}" data-exercise="{name}"{live}>'
        if kind == "lines":
            start += data(_read("lines")[name])
        link = colab_link(app.config.html_theme_options, exercise)
        stub.parent[place : place + 2] = [raw(start), stub, check, raw(f"{link}</div>")]


class FirstTry(SphinxDirective):
    """The exercise of the first page; its content is what stands there where no script runs."""

    has_content = True

    def run(self) -> list[nodes.Node]:
        shown = nodes.container(classes=["tag_exercise"])
        self.state.nested_parse(self.content, self.content_offset, shown)
        start = '<div data-exercise="basic_block" data-kind="lines" data-key="first-try">'
        return [raw(start + data(_read("lines")["first-try"])), shown, raw("</div>")]


def data(value: object) -> str:
    """Data for a script; "</" would end the element that holds it."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace(
        "</", "<\\/"
    )
    return f'<script type="application/json">{text}</script>'


def _read(name: str):
    return json.loads((GENERATED / f"{name}.json").read_text(encoding="utf-8"))


def raw(text: str) -> nodes.raw:
    return nodes.raw("", text, format="html")


def colab_link(options: dict, exercise: dict[str, str]) -> str:
    """A link to the cell of an exercise in Colab, by the address in _config.yml; none where Colab has no button."""
    if not options["launch_buttons"]:
        return ""
    repository = options["repository_url"].removeprefix("https://github.com/")
    notebook = f"{repository}/blob/{options['repository_branch']}/{exercise['page']}.ipynb"
    address = f"{options['launch_buttons']['colab_url']}/github/{notebook}#scrollTo={exercise['cell']}"
    return f'<p class="in-colab"><a href="{html.escape(address)}">Open in Colab</a></p>'


def outdated(app, env, added, changed, removed) -> set[str]:
    """The pages with exercises, where something else is known of these than when the pages were read."""
    now = [_read("exercises"), _read("lines")]
    before, env.known_exercises = getattr(env, "known_exercises", None), now
    return (
        set()
        if now == before
        else {exercise["page"] for exercise in now[0]} | {"book/index"}
    )


def setup(app):
    app.add_directive("first-try", FirstTry)
    app.connect("env-get-outdated", outdated)
    app.connect("doctree-resolved", mark)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
