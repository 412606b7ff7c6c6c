"""The book in a real JupyterLab, started by `make lab`: keys stay in an explorer, and links lead to the words."""

import os
import re
import shlex
import signal
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from generate import PIECES, filled
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from run_notebooks import NOTEBOOK_METADATA

ROOT = Path(__file__).resolve().parent.parent
PATIENCE = 600_000  # ms
CELLS = [
    new_markdown_cell("What is [batch norm](glossary.md#batch-norm)?"),
    new_code_cell(
        "from resnet_lib.explorers.output_size import output_size_explorer\noutput_size_explorer()"
    ),
    new_code_cell("x = 2"),
    new_code_cell("y = 3"),
]


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """The address of a JupyterLab with one small notebook, and its token."""
    folder = tmp_path_factory.mktemp("lab")
    notebook = new_notebook(cells=CELLS, metadata=NOTEBOOK_METADATA)
    nbformat.write(notebook, folder / "a.ipynb")
    for path in [*PAGES, ROOT / "book" / "_static"]:
        (folder / path.name).symlink_to(path)
    own = {f"JUPYTER_{name}_DIR": str(folder / name) for name in ("RUNTIME", "CONFIG", "DATA")}
    settings = [f"PY={shlex.quote(sys.executable)}", "-o", ".venv/.ready", f"FOLDER={folder}"]
    options = f"OPTIONS=--no-browser --LabApp.workspaces_dir={folder}/w --LabApp.user_settings_dir={folder}/u"
    command = ["env", *(f"{name}={value}" for name, value in own.items()), "make", "lab"]
    with subprocess.Popen(
        [*command, *settings, options],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as server:
        try:
            urls = (
                re.search(r"http://127\.0\.0\.1:\d+/lab\?(token=\w+)", line)
                for line in server.stderr
            )
            found = next(filter(None, urls))
            threading.Thread(
                target=server.stderr.read, daemon=True
            ).start()  # or it waits to be read
            yield f"{found[0].split('?')[0]}/tree/a.ipynb?{found[1]}"
        finally:
            os.killpg(server.pid, signal.SIGTERM)


@pytest.fixture
def page(lab, browser):
    context = browser.new_context(viewport={"width": 1300, "height": 1400})
    page = context.new_page()
    page.goto(lab)
    page.locator(".jp-Notebook .jp-Cell").first.wait_for(timeout=PATIENCE)
    yield page
    context.close()


def cells_of(page):
    """The texts of the code cells, and which cell is active."""
    return page.evaluate(
        """() => [[...document.querySelectorAll(".jp-Notebook .jp-CodeCell .cm-content")].map((c) => c.innerText),
        [...document.querySelectorAll(".jp-Notebook .jp-Cell")].findIndex((c) => c.matches(".jp-mod-active"))]"""
    )


def test_keys_in_an_explorer_stay_there(page):
    """Arrows, letters and Tab, on a slider, a field and a button: no cell is cut, added or left."""
    explorer, asked = page.locator("section.rx-live"), page.locator(".jp-Dialog .jp-mod-accept")
    cell = page.locator(".jp-CodeCell").first
    not_run = cell.locator(".jp-InputPrompt", has_text="[ ]:")
    for _ in range(PATIENCE // 1000):  # it runs a cell once it has a kernel, or asks for one
        if explorer.count():
            break
        if asked.count():
            asked.click()
        elif not_run.count():
            cell.click()
            page.keyboard.press("Control+Enter")
        page.wait_for_timeout(1000)
    slider = explorer.locator("input[type=range]").first
    slider.focus()
    before, value = cells_of(page), int(slider.input_value())
    page.keyboard.press("ArrowRight")
    assert int(slider.input_value()) == value + 1
    for control in ("input[type=range]", "input[type=number]", "button"):
        for key in ("ArrowRight", "ArrowDown", "x", "a", "b", "d", "d", "m", "y", "Tab"):
            explorer.locator(control).first.focus()
            page.keyboard.press(key)
            assert cells_of(page) == before, (control, key)


def test_a_link_opens_the_glossary_at_its_word(page):
    """As a page, not as Markdown; and no question about news stands in front of it."""
    heading = page.locator(".jp-MarkdownViewer h2", has_text=re.compile("^batch norm"))
    for _ in range(PATIENCE // 1000):  # while it starts, it may go back to the notebook
        if heading.count() and heading.is_visible():
            break
        page.get_by_role("link", name="batch norm").click()
        page.wait_for_timeout(1000)
    page.wait_for_function(
        """h => Math.abs(h.getBoundingClientRect().top -
        h.closest('.jp-MarkdownViewer').getBoundingClientRect().top) < 120""",
        arg=heading.element_handle(),
    )
    assert page.locator(".Toastify__toast").count() == 0


def test_the_first_page_is_one_here_too(lab, page):
    """Its directives are not to be seen, nor what is told to readers of the built book alone."""
    page.goto(lab.replace("a.ipynb?", "index.md?reset&"))
    shown = page.locator(".jp-RenderedMarkdown:visible", has_text="The chapters")
    shown.wait_for(timeout=PATIENCE)
    text = shown.inner_text()
    assert "This is what the check says:" in text and "Press Check" not in text
    assert not re.search("[{}]|in the book:|myst", text.replace("self", ""))


def test_every_link_to_a_word_is_as_jupyterlab_makes_it():
    """It takes a heading as it is, with hyphens for spaces; GitHub and the book write it small first."""
    words = re.findall(
        r"^## (.*)$", (ROOT / "book" / "glossary.md").read_text("utf-8"), re.MULTILINE
    )
    pages = [
        path.read_text("utf-8")
        for path in (ROOT / "book").glob("*.*")
        if path.suffix in (".ipynb", ".md")
    ]
    links = {link for page in pages for link in re.findall(r"glossary\.md#([^)\s]+)", page)}
    assert len(links) > 30 and links <= {word.replace(" ", "-") for word in words}


PAGES = sorted((ROOT / "book").glob("*.md"))
#: directives, roles, attributes and front matter, which only the book's own renderer knows
RAW = re.compile(
    r"^ *(?:`{3,}|:{3,}) *\{.*|\{[\w:-]+\}`|\{[.#\w][^}`]*\}$|\A---$|^:::.*", re.MULTILINE
)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.stem)
def test_a_page_can_be_read_without_the_book(path):
    """What GitHub and JupyterLab show of it has no directive, and its tables are those that the library gives today."""
    page = path.read_text("utf-8")
    assert RAW.findall(re.sub("<!--.*?-->", "", page, flags=re.DOTALL)) == []
    assert filled(page) == page


def test_every_piece_stands_in_a_page():
    """Once."""
    pages = "".join(path.read_text("utf-8") for path in PAGES)
    assert {name: pages.count(f"<!-- {name} -->") for name in PIECES} == dict.fromkeys(
        PIECES, 1
    )


@pytest.mark.parametrize(
    "text", ["<!-- in the book: x", "<!-- elsewhere: -->x", "x<!-- until here -->"]
)
def test_a_mark_without_its_other_end_stops_the_build(text, monkeypatch):
    """And what is in order becomes the page of the book."""
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_theme"))
    from book_site import for_the_site

    app = SimpleNamespace(env=SimpleNamespace(doc2path=lambda name: f"{name}.md"))
    source = ["<!-- in the book:\n```{a}\n```\n-->\nb<!-- elsewhere: -->c<!-- until here -->"]
    for_the_site(app, "a", source)
    assert source == ["```{a}\n```\nb"]
    with pytest.raises(ValueError, match="a.md: '.*' has no end, or no beginning"):
        for_the_site(app, "a", [*source, text][1:])
