"""The exercises, done in the pages by mouse, by touch and by keyboard: editor, lines, check and verdict.

`make book` makes the site in _build/html, and `make test` does that first.
"""

import ast
import gzip
import inspect
import json
import re
from types import FunctionType

import pytest
from answers import BAD, RIGHT, WRONG
from arranging import arrangement
from axe_playwright_python.sync_playwright import Axe
from helpers import check_file
from in_page import PAGES, PATIENCE, Exercise
from playwright.sync_api import expect

from resnet_exercises import check
from resnet_exercises.exercise import load
from resnet_exercises.page import PLAIN, check_code
from resnet_exercises.screening import source_tree

LOOP = "while True: pass"


def function(name: str, body: str) -> str:
    """A function with the name and arguments that an exercise asks for."""
    return f"def {name}{inspect.signature(load(name).solution)}:\n    {body}\n"


@pytest.mark.parametrize("by", ["mouse", "keyboard"])
@pytest.mark.parametrize("name", PLAIN)
def test_a_code_exercise_is_passed_failed_by_name_and_stopped(visit, name, by):
    exercise, known = visit(name), load(name)
    keys = exercise.page.keyboard
    wrong = next(((m.code, m.says) for m in known.mistakes if not m.needs), None)
    text, says = wrong or (function(name, "assert output_size(7, 3) == 5"), "catches 1 of 10")

    def check_it(code: str) -> None:
        if by == "mouse":
            exercise.write(code)
            exercise.button("Check").click()
            return
        exercise.code.focus()
        expect(exercise.place.locator(".cm-editor")).to_be_visible(timeout=PATIENCE)
        keys.press("Control+a")
        keys.insert_text(code)
        keys.press("Tab")
        keys.press("Enter")

    for code, status, said in (
        (function(name, "raise NotImplementedError"), "not attempted", ""),
        (known.text, "passed", ""),
        (text, "failed", says.replace("`", "").split("\n")[0]),
    ):
        check_it(code)
        assert said in exercise.expect(status)
    check_it(function(name, LOOP))
    expect(exercise.button("Stop")).to_be_enabled()
    if by == "mouse":
        exercise.button("Stop").click()
    else:
        keys.press("Tab")
        keys.press("Enter")
    assert "stopped" in exercise.expect("not attempted")


def test_by_keyboard_alone(visit):
    exercise = visit("same_padding")
    keys = exercise.page.keyboard
    exercise.code.focus()
    expect(exercise.place.locator(".cm-editor")).to_be_visible(timeout=PATIENCE)
    keys.press("Control+a")
    keys.type("def same_padding(kernel_size):\nif kernel_size % 2 == 0:\nraise ValueError")
    keys.press("Enter")
    keys.press("Backspace")
    keys.type("return kernel_size // 2\n")
    keys.press("Tab")  # out of the editor: to the button
    expect(exercise.button("Check")).to_be_focused()
    keys.press("Enter")
    exercise.expect("passed")
    exercise.code.focus()
    keys.press("Control+a")
    keys.type(f"def same_padding(kernel_size):\n{LOOP}")
    keys.press("Control+Enter")
    expect(exercise.button("Stop")).to_be_enabled()
    keys.press("Tab")
    keys.press("Tab")
    keys.press("Space")
    assert "stopped" in exercise.expect("not attempted")


def test_an_endless_loop_ends_by_itself_with_the_notebooks_verdict(visit):
    exercise = visit("output_size")
    code = function("output_size", LOOP)
    exercise.write(code)
    exercise.button("Check").click()
    said = exercise.expect("failed")
    assert said.removeprefix("failed. ") == check_code("output_size", code)["message"]
    exercise.write(LOOP)
    exercise.button("Check").click()
    exercise.expect("failed")


def test_what_the_code_prints_and_raises_is_shown(visit):
    exercise = visit("output_size")
    for code, said in (
        (
            "print('hello')\n1 / 0\n",
            "Your code raised ZeroDivisionError at your line 1 / 0: division by zero.",
        ),
        ("def output_size(i:\n", "Python cannot read line 1, def output_size(i:"),
        ("import torch\n", "This exercise needs no torch"),
    ):
        exercise.write(code)
        exercise.button("Check").click()
        expect(exercise.verdict).to_contain_text(said, timeout=PATIENCE)
    exercise.write("print('hello')\n")
    exercise.button("Check").click()
    expect(exercise.place.get_by_label("What your code prints")).to_have_text(
        "hello\n", timeout=PATIENCE
    )


# --- the same check --------------------------------------------------------------------------

STANDARD = ("functools", "itertools", "math", "re", "resnet_lib", "sys")
PLAIN_VALUES = int | str | list | tuple | dict | range


def text_of(answer, name: str) -> str | None:
    """The text that makes ``name`` mean what ``answer`` does; None where it takes more than plain Python."""
    tree = source_tree(answer) if type(answer) is FunctionType else None
    if tree is None or answer.__module__.startswith("resnet_lib"):  # that is no answer
        return None
    outside = inspect.getclosurevars(answer).nonlocals | answer.__globals__
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    parts = []
    for key in sorted(used & outside.keys() - {answer.__name__}):
        value = outside[key]
        part = f"{key} = {value!r}" if isinstance(value, PLAIN_VALUES) else text_of(value, key)
        if inspect.ismodule(value) and key in STANDARD:
            part = f"import {key}"
        if part is None:
            return None
        parts.append(part)
    text = ast.unparse(tree)
    if re.search(r"resnet_lib\.(?!output_size|same_padding)", text):  # that takes PyTorch
        return None
    parts.append(
        f"{name} = {text}"
        if answer.__name__ == "<lambda>"
        else f"{text}\n{name} = {answer.__name__}"
    )
    return "\n".join(parts) + "\n"


def answers_to(name: str) -> list:
    """The answers of tests/answers; beside a wrong one stands its mistake."""
    bad = [answer for (exercise, _), answer in BAD.items() if exercise == name]
    found = [*RIGHT[name].values(), *WRONG[name].values(), *bad]
    return [answer[0] if type(answer) is tuple else answer for answer in found]


def tried() -> list[tuple[str, str]]:
    """(exercise, code): the answers of tests/answers that are plain Python, and every known mistake."""
    found = [
        (name, text)
        for name in PLAIN
        for answer in answers_to(name)
        if (text := text_of(answer, load(name).asked))
    ]
    assert len(found) >= 300
    for name in PLAIN:
        found += [(name, m.code) for m in load(name).mistakes if not m.needs]
    return found


RUN_ALL = """async (tried) => {
  const worker = new Worker("/live/worker.js", { type: "module" });
  const answer = () => new Promise((resolve, reject) => {
    worker.onmessage = ({ data }) => data.trouble ? reject(data.trouble) : data.begins || resolve(data.verdict);
  });
  const verdicts = [];
  for (const [name, code] of tried) {
    worker.postMessage({ name, code });
    verdicts.push(await answer());
  }
  return verdicts;
}"""


def test_status_id_and_message_are_those_of_python(visit):
    """The page has Python 3.14 without PyTorch and NumPy; each answer goes through it, and through this Python."""
    answers = tried()
    page = visit("output_size").page
    version = [
        [
            "output_size",
            "import sys\nprint(sys.version_info[:2], {'torch', 'numpy'} & set(sys.modules))",
        ]
    ]
    found = page.evaluate(RUN_ALL, answers + version)
    assert found.pop()["printed"] == "(3, 14) set()\n"
    for (name, code), there in zip(answers, found):
        here = check_code(name, code)
        for verdict in (here, there):  # Python's own words change from one version to the next
            verdict["message"] = re.sub(r"(code raised \w+.*`): .*", r"\1", verdict["message"])
        # pytest keeps Python's warnings to itself
        warning = r"<your code>:\d+: SyntaxWarning: .*\n.*\n"
        there["printed"] = re.sub(warning, "", there["printed"])
        assert there == here, code


def test_the_page_and_the_notebook_have_one_verdict():
    for name in PLAIN:
        for answer in answers_to(name):
            if code := text_of(answer, load(name).asked):
                verdict, there = check(name, answer), check_code(name, code)
                assert (verdict.status, verdict.mistake) == (
                    there["status"],
                    there["mistake"],
                ), code


# --- nothing is lost without a word ----------------------------------------------------------

MINE = "def output_size(i, k, p=0, s=1):\n    return 7  # mine\n"


def test_code_and_tick_stay_after_a_reload_and_on_the_way_back(visit):
    exercise = visit("output_size")
    exercise.write(load("output_size").text)
    exercise.button("Check").click()
    exercise.expect("passed")
    exercise.page.reload()
    expect(exercise.page.locator(".bd-links .live-count").first).to_have_text("1/3")
    exercise.write(MINE)  # the tick is for the code that stands there
    expect(exercise.page.locator(".bd-links .live-count")).to_have_count(0)
    exercise.page.reload()
    assert exercise.text() == MINE
    exercise.page.goto(exercise.page.url.replace("01-output-size", "02-overall-structure"))
    exercise.page.go_back()
    assert exercise.text() == MINE


def test_reset_asks_first(visit):
    exercise = visit("output_size")
    before = exercise.text()
    exercise.write(MINE)
    exercise.page.once("dialog", lambda dialog: dialog.dismiss())
    exercise.button("Reset").click()
    assert exercise.text() == MINE
    exercise.page.once("dialog", lambda dialog: dialog.accept())
    exercise.button("Reset").click()
    assert exercise.text() == before
    exercise.page.reload()
    assert exercise.text() == before


def test_two_tabs_show_the_same_code_and_say_so(visit):
    first = visit("output_size")
    second = visit("output_size", context=first.page.context)
    first.write("# before\n")
    second.write(MINE)
    expect(first.place.get_by_text("in another tab")).to_be_visible()
    assert first.text() == MINE
    first.code.focus()
    first.page.keyboard.press("Control+z")
    assert first.text() == "# before\n"


def test_another_edition_of_the_stub_is_told_and_loses_nothing(visit):
    exercise = visit("output_size")
    exercise.write(MINE)
    exercise.page.evaluate(
        """() => {
          const key = "resnet-exercise:output_size", answer = JSON.parse(localStorage.getItem(key));
          localStorage.setItem(key, JSON.stringify({ ...answer, stub: "an older one" }));
        }"""
    )
    exercise.page.reload()
    expect(exercise.place.get_by_text("has changed since you wrote this")).to_be_visible()
    assert exercise.text() == MINE


@pytest.mark.parametrize(
    ("script", "said"),
    [
        (
            "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no'); } })",
            "keeps nothing",
        ),
        (
            "Storage.prototype.setItem = () => { throw new DOMException('full'); }",
            "is full",
        ),
    ],
)
def test_where_the_browser_keeps_nothing_the_page_says_so(visit, browser, site, script, said):
    context = browser.new_context()
    context.add_init_script(script)
    exercise = visit("output_size", context=context)
    exercise.write(load("output_size").text)
    expect(exercise.place.get_by_text(said)).to_be_visible()
    exercise.button("Check").click()
    exercise.expect("passed")
    exercise.page.close()


# --- what is loaded, and when ----------------------------------------------------------------


def test_nothing_but_a_small_script_is_loaded_before_a_reader_touches_an_exercise(
    browser, site
):
    context = browser.new_context()
    page, loaded = context.new_page(), []
    page.on("response", lambda got: "/live/" in got.url and loaded.append(got))
    page.goto(f"{site}/{PAGES['output_size']}", wait_until="networkidle")
    assert sum(len(gzip.compress(got.body())) for got in loaded) < 10_000
    assert not [
        got.url for got in loaded if not re.search(r"/(starter|chunk-\w+)\.js$", got.url)
    ]
    Exercise(page, "output_size").code.click()
    expect(page.locator(".cm-editor")).to_be_visible(timeout=PATIENCE)
    assert not [got.url for got in loaded if re.search("pyodide|worker|packages", got.url)]
    context.close()


def test_without_scripts_the_page_is_as_the_notebook(browser, site):
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{site}/{PAGES['output_size']}")
    place = page.locator("[data-exercise=output_size]")
    expect(place.get_by_text("raise NotImplementedError")).to_be_visible()
    expect(place.get_by_text("not attempted")).to_be_visible()
    context.close()


def test_what_cannot_be_loaded_is_told_and_can_be_tried_again(visit):
    exercise, lines = visit("same_padding"), visit("basic_block")
    for page in (exercise.page, lines.page):
        page.route(re.compile("/live/(packages|basic_block)"), lambda route: route.abort())
    exercise.write(load("same_padding").text)
    lines.free(arrangement("basic_block")["solution"][0][0]).click()
    for place in (exercise, lines):
        place.button("Check").click()
        assert "could not be loaded" in place.expect("not attempted")
        place.page.unroute_all()
        place.button("Check").click()
    exercise.expect("passed")
    expect(lines.verdict).to_contain_text("forward has no line yet")


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("colours", ["light", "dark"])
def test_accessibility_in_use(visit, width, colours):
    """axe finds nothing in an editor with a verdict and output, and in lines that are put in order."""
    view = {"viewport": {"width": width, "height": 900}, "color_scheme": colours}
    code, lines = visit("output_size", **view), visit("basic_block", **view)
    code.write("print('hello')\n" + function("output_size", "return 'seven'  # no number"))
    for number in arrangement("basic_block")["solution"][1]:
        lines.free(number).click()
    for place, status in ((code, "failed"), (lines, "not attempted")):
        place.button("Check").click()
        place.expect(status)
        found = (
            Axe()
            .run(place.page, context=f"[data-exercise={place.name}]")
            .response["violations"]
        )
        assert [(one["id"], one["nodes"][0]["html"]) for one in found] == []


# --- my work ---------------------------------------------------------------------------------


def test_my_work_shows_downloads_loads_and_deletes_the_answers(visit, site, tmp_path):
    page = (exercise := visit("output_size")).page
    exercise.write(load("output_size").text)
    page.goto(f"{site}/book/my-work.html")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the notebook").click()
    notebook = tmp_path / "mine.ipynb"
    download.value.save_as(notebook)
    with page.expect_download() as download:
        page.get_by_role("button", name="Download the answers").click()
    download.value.save_as(tmp_path / "mine.json")
    page.once("dialog", lambda dialog: dialog.accept())
    page.get_by_role("button", name="Delete all").click()
    expect(page.get_by_text("There is no answer")).to_be_visible()
    with page.expect_file_chooser() as chooser:
        page.get_by_role("button", name="Load answers").click()
    chooser.value.set_files(tmp_path / "mine.json")
    expect(page.get_by_text("Loaded: 1 answer.")).to_be_visible()
    expect(page.locator("#all-answers summary")).to_contain_text("the output size")

    verdicts = {
        verdict["label"]: verdict["status"] for verdict in check_file(notebook).verdicts
    }
    assert verdicts["output_size"] == "passed" and verdicts["same_padding"] == "not attempted"
    assert len(verdicts) == 21 and "colab" in json.dumps(
        json.loads(notebook.read_text("utf-8"))
    )
