"""The page about a class (``--report``), and numbers in place of names (``--anonymous``)."""

import csv
import html
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from html.parser import HTMLParser

import pytest
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup
from test_hand_ins import CHECK, IMPORTS, RIGHT, STUB, notebook

from resnet_exercises import class_page, hand_ins
from resnet_exercises.class_report import telling_line
from resnet_exercises.exercise import load
from resnet_exercises.hand_ins import main
from resnet_exercises.notebooks import Cell, Task

HALF = "def same_padding(kernel_size):\n    return kernel_size / 2"
HALF_OF_KERNEL = "You take half of the kernel."
SIZE_CHECK = 'check("output_size", output_size)'
SIZE = """def output_size(input_size, kernel_size, padding=0, stride=1):
    size = (input_size - kernel_size + 2 * padding) // stride + 1
    if size < 1:
        raise ValueError("too small")
    return size"""
AWAY = "def same_padding(k):\n    import tensorflow9"
CLASS = {
    "Ada Adler": (RIGHT, SIZE),
    "Bo <b>&": (f"{HALF}  # '<i>' Bo <b>&\n# <script>Bo", SIZE),
    "Chloé": ("def same_padding(k):\n    return k/2", SIZE),
    "Deniz": (f"'''Deniz'''\n{RIGHT.replace('// 2', '/ 2')}", SIZE),
    "Emil": (STUB, SIZE.replace("2 * padding", "padding")),
    "Fatma": (
        f"{RIGHT}\nimport os\nos._exit(3)",
        "def output_size(:\n    return '</code>' # Fatma",
    ),
    "Goran": (
        "def same_padding(k):\n    return {}['GORAN']",
        f"{SIZE}\nimport time\ntime.sleep(60)",
    ),
    "Hana": (AWAY, None),
}


@pytest.fixture(scope="module", autouse=True)
def book_of_two(tmp_path_factory):
    """A book whose chapter 1 asks for two exercises, so that no third one of the real book is missing from all."""
    book = tmp_path_factory.mktemp("book")
    chapter = notebook("# How large is the output?", SIZE, SIZE_CHECK, RIGHT, CHECK)
    (book / "01-output-size.ipynb").write_text(chapter, encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(hand_ins.notebooks, "BOOK", book)
        hand_ins.notebooks._chapters.cache_clear()
        yield
    hand_ins.notebooks._chapters.cache_clear()


def hand_in(
    folder,
    student: str,
    padding: str,
    size: str | None,
    name: str = "01.ipynb",
    more: tuple[str, ...] = (),
):
    """The notebook of a student, as Moodle names its folder; without ``size`` it lacks that exercise."""
    path = folder / f"{student}_12345_assignsubmission_file_" / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        notebook(IMPORTS, padding, CHECK, *([size, SIZE_CHECK] if size else []), *more),
        encoding="utf-8",
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A class of eight with every status; Ada's first answer was wrong, and there is a file that is not read."""
    made = tmp_path_factory.mktemp("class")
    for student, answers in CLASS.items():
        hand_in(made, student, *answers)
    hand_in(made, "Ada Adler", HALF, SIZE, "01-first.ipynb")
    (made / "Chloé_12345_assignsubmission_file_" / "more.zip").write_text("x")
    return made


def run(folder, *words: str) -> tuple[int, str]:
    """Exit status and page."""
    path = folder.parent / f"{folder.name}.html"
    status = main([str(folder), "--report", str(path), "--timeout", "6", *words])
    return status, path.read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def page(folder):
    """The page about them, read."""
    status, text = run(folder)
    assert status == 1
    return text


def part(page: str, title: str) -> BeautifulSoup:
    """A section of the page."""
    sections = BeautifulSoup(page, "html.parser").find_all("section")
    (found,) = [s for s in sections if s.h2.text == title]
    return found


def rows(section: BeautifulSoup) -> list[list[str]]:
    """The cells of its table."""
    return [[c.get_text() for c in row(["th", "td"])] for row in section("tr")]


def test_the_counts(page):
    """Every status has its column; a student counts once, with the best of two answers."""
    head, chapter, size, padding = rows(part(page, "Exercises"))
    assert head == ["exercise", *class_page.STATUSES]
    assert chapter == ["Chapter 1, How large is the output?"]
    assert size == ["output_size", "4", "2", "1", "–", "–", "–", "1"]
    assert padding == ["same_padding", "1", "4", "–", "1", "1", "1", "–"]
    words = BeautifulSoup(page, "html.parser").main.p.text
    assert words == "10 files of 8 students. 1 passed every exercise that they handed in."
    bars = part(page, "Exercises").find_all(class_="bar")
    flex = [[(s["class"], s["style"]) for s in bar("span")] for bar in bars]
    assert flex[0] == [
        (["s0"], "flex:4"),
        (["s1"], "flex:2"),
        (["s2"], "flex:1"),
        (["s6"], "flex:1"),
    ]
    assert "Not complete" not in page


def test_the_mistakes(page):
    """The most frequent first, each with its message and lines of three students; apart, those without a name."""

    def blocks(title):
        found = part(page, title).find_all(class_="mistake")
        return {b.h3.text: [[li.code.text, li.span.text] for li in b("li")] for b in found}

    named = blocks("The most frequent mistakes")
    assert list(named) == [
        "same_padding: half-of-kernel (3 students)",
        "output_size: one-padding (1 student)",
    ]
    says = part(page, "The most frequent mistakes").find(class_="mistake").p.text
    assert says.startswith(HALF_OF_KERNEL)
    assert named["same_padding: half-of-kernel (3 students)"] == [
        ["return kernel_size / 2", "Bo <b>&"],
        ["return k / 2", "Chloé"],
        ["return kernel_size / 2", "Deniz"],
    ]
    assert named["output_size: one-padding (1 student)"] == [
        ["size = (input_size - kernel_size + padding) // stride + 1", "Emil"]
    ]
    others = blocks("Other wrong answers")
    assert list(others) == ["output_size (1 student)", "same_padding (1 student)"]
    ((line, who),) = others["output_size (1 student)"]
    assert line == "def output_size(:" and who.startswith("Fatma: Cell 4, line 1")
    ((line, who),) = others["same_padding (1 student)"]
    assert line == "return {}['GORAN']" and "KeyError" in who


def test_who_to_talk_to(page):
    """Those with nothing passed first; who has passed all is not there, nor who has failed once."""
    _, *found = rows(part(page, "Who to talk to"))
    assert [row[:2] for row in found] == [
        ["Emil", "0 of 2"],
        ["Fatma", "0 of 2"],
        ["Goran", "0 of 2"],
        ["Hana", "0 of 2"],
        ["Chloé", "1 of 2"],
    ]
    assert found[0][2] == "nothing passed; failed: output_size; not attempted: same_padding"
    assert found[1][2] == "nothing passed; failed: output_size; crashed: same_padding"
    assert found[2][2] == "nothing passed; failed: same_padding; time limit: output_size"
    assert (
        found[3][2]
        == "nothing passed; needs another environment: same_padding; missing: output_size"
    )
    assert found[4][2] == "failed: same_padding; 1 file not read"
    (unread,) = part(page, "Files that were not read")("li")
    assert unread.text.endswith("/more.zip is not read: unpack it where it is.")


def test_what_to_teach_again(page):
    """The lowest share first, with the chapter and the most frequent mistake."""
    found = [li.text for li in part(page, "What to teach again")("li")]
    assert len(found) == 2 and found[0].startswith(
        "same_padding (Chapter 1, How large is the output?): 1 of 6 who tried it passed. "
        f"Most frequent (3): {HALF_OF_KERNEL}"
    )
    assert found[1].startswith("output_size (") and ": 4 of 7 who tried" in found[1]


class Tags(HTMLParser):
    """Reads a page strictly: every tag is closed where it should be."""

    def __init__(self, text: str):
        super().__init__()
        self.open, self.seen = [], set()
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.seen |= {tag, *(name for name, _ in attributes)}
        if tag not in ("meta", "link", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_nothing_is_loaded_and_nothing_is_taken_for_html(page):
    """One file, without scripts or addresses; what students write is text."""
    tags = Tags(page)
    assert not tags.seen & {"script", "link", "img", "src", "href", "b", "i", "a", "iframe"}
    assert "://" not in page and "url(" not in page and "@import" not in page
    assert html.escape("Bo <b>&") in page


VIEWS = [(width, colours) for width in (1280, 390) for colours in ("light", "dark")]


@pytest.mark.parametrize(("width", "colours"), VIEWS)
def test_in_a_browser(page, browser, tmp_path, width, colours):
    """axe finds nothing, nothing is wider than a phone, and nothing is asked of another place."""
    path = tmp_path / "report.html"
    path.write_text(page, encoding="utf-8")
    there = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=colours)
    asked = []
    there.on("request", lambda request: asked.append(request.url))
    there.goto(path.as_uri())
    found = Axe().run(there).response["violations"]
    assert found == []
    assert there.evaluate("document.documentElement.scrollWidth") <= width
    assert asked == [path.as_uri()]
    there.context.close()


def test_a_long_list_is_folded(tmp_path):
    """Ten are shown, and a click shows the rest; many lines of one kind are three samples of different ones."""
    for n in range(13):
        hand_in(tmp_path, f"s-{n:02}", STUB, None)
    reports = hand_ins.read_folder(tmp_path)
    for report in reports:
        report.verdicts[0] |= {
            "status": "failed",
            "mistake": "half-of-kernel",
            "message": "Half.\n1",
        }
    kept = class_page.ClassReport(reports, tmp_path, tmp_path / "r.html", False)
    list(kept.noted(reports))
    text = class_page.page(kept)
    Tags(text)
    talk = part(text, "Who to talk to")
    assert len(talk("table")[0]("tr")) == 11 and talk.details.summary.text == "3 more"
    assert len(talk.details("tr")) == 4
    assert len(part(text, "The most frequent mistakes")("li")) == 3


# Which line is shown

BLOCK = """class BasicBlock(nn.Module):
    '''Two convolutions.'''
    expansion = 1
    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__()
        self.first = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)
        self.bn = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU()
        self.downsample = downsample
    def forward(self, x):
        same = x if self.downsample is None else self.downsample(x)
        y = self.relu(self.bn(self.first(x)))
        return self.relu(y) + same  # mine"""
LINES = {
    "the edit's line in other words": (
        BLOCK,
        "relu-before-add",
        "",
        "return self.relu(y) + same",
    ),
    "a line that is not there": (
        BLOCK.replace("        super().__init__()\n", ""),
        "no-super-init",
        "",
        "# not there: super().__init__()",
    ),
    "the line of an error": (
        BLOCK,
        None,
        "Your code raised KeyError at your line `self.x = {}[1]  # mine`: 1.",
        "self.x = {}[1]",
    ),
    "the line of a cell": (
        BLOCK,
        None,
        "Cell 1, line 7: KeyError.",
        "self.bn = nn.BatchNorm2d(channels)",
    ),
    "another than the solution's": (
        BLOCK,
        None,
        "",
        "self.first = nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)",
    ),
    "no answer": ("x = 1", None, "", ""),
}


@pytest.mark.parametrize("name", LINES)
def test_the_telling_line(name):
    source, mistake, message, line = LINES[name]
    cells = [Cell(1, True, source), Cell(2, True, 'check("basic_block", BasicBlock)')]
    assert telling_line(cells, Task("basic_block", "BasicBlock", 2), mistake, message) == line


def test_the_telling_line_of_a_case_without_a_solution():
    """The first inside of it."""
    cells = [Cell(1, True, "def predict(model, images):\n    '''x'''\n    return 1")]
    assert telling_line(cells, Task("predict", "predict", 2), None, "") == "return 1"


# No names


@pytest.mark.parametrize("form", [[], ["--csv"], ["--json"]])
def test_anonymous(form, folder, capsys):
    """No student's name and no file's in anything that is written: page, table, CSV, JSON, messages."""
    status, text = run(folder, "--anonymous", *form)
    shown = capsys.readouterr()
    assert status == 1 and shown.err == ""
    for student in CLASS:
        for out in (text, html.unescape(text), shown.out):
            assert student.lower() not in out.lower(), student
    for out in (text, shown.out):
        assert not re.search(r"assignsubmission|\.ipynb|\.zip|12345", out)
    assert "student 8" in text and "return {}[&#x27;student 7&#x27;]" in text
    if form == ["--csv"]:
        table = list(csv.DictReader(io.StringIO(shown.out.removeprefix("\ufeff"))))
        assert [row["student"] for row in table[:3]] == ["student 1", "student 1", "student 2"]
        assert [row["file"] for row in table[:3]] == [
            "student 1, file 1",
            "student 1, file 2",
            "student 2, file 1",
        ]
    elif form:
        assert json.loads(shown.out)[-1]["file"] == "student 8, file 1"


def test_anonymous_keeps_what_is_counted(folder, page):
    """The same page but for the names."""
    _, text = run(folder, "--anonymous")
    assert rows(part(text, "Exercises")) == rows(part(page, "Exercises"))
    _, text = run(folder, "--anonymous", "--from", "student 8, file 1")  # what Ctrl-C says
    assert "1 of 10 files" in text and "student 8" in text and "student 7" not in text


def test_a_name_that_is_part_of_a_word_or_short(tmp_path, capsys):
    """Another word stays as it is, and so does code where a student is a short number; an answer's name does not."""
    for student, answer in (("2", HALF), ("ker", HALF), ("Ada", RIGHT)):
        mine = answer.replace("same_padding", "ada_padding")
        cells = IMPORTS, mine, 'check("same_padding", ada_padding)'
        (tmp_path / student).mkdir()
        (tmp_path / student / "x.ipynb").write_text(notebook(*cells))
    _, text = run(tmp_path, "--anonymous", "--json")
    assert "return kernel_size / 2" in text
    assert "ada" not in (text + capsys.readouterr().out).lower().replace("padding", "")


# When it cannot be, or not yet


@pytest.mark.parametrize(
    ("path", "words"),
    [
        ("no/such/report.html", "cannot be written: No such file or directory."),
        ("folder.html", "cannot be written: Is a directory."),
        ("Hana_12345_assignsubmission_file_/01.ipynb", "needs a name that ends in .html."),
    ],
)
def test_a_report_that_cannot_be_written(path, words, folder, capsys, monkeypatch):
    """One sentence, status 2, before anything is checked; no file is harmed."""
    monkeypatch.setattr(hand_ins, "checked", lambda *given: pytest.fail("too late"))
    monkeypatch.chdir(folder)
    (folder / ".." / "folder.html").mkdir(exist_ok=True)
    path = f"../{path}" if path == "folder.html" else path
    before = {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()}
    assert main([".", "--report", path]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err == f".: is not checked yet: the report {path!r} {words}\n"
    assert {p: p.read_bytes() for p in folder.rglob("*") if p.is_file()} == before


def test_a_report_on_a_file(folder, capsys, tmp_path):
    """It is about a folder, and that is said."""
    path = next(folder.rglob("01.ipynb"))
    assert main([str(path), "--report", str(tmp_path / "r.html")]) == 2
    assert "--report is about a folder of hand-ins" in capsys.readouterr().err
    assert not (tmp_path / "r.html").exists()


def test_a_report_among_the_hand_ins(tmp_path, capsys):
    """It is no hand-in when it is made again; what stands there is kept until the new one is ready."""
    hand_in(tmp_path, "Ada", RIGHT, SIZE)
    path = tmp_path / "report.html"
    path.write_text("old")
    assert main([str(tmp_path), "--from", "x", "--report", str(path)]) == 2
    assert path.read_text() == "old"
    assert main([str(tmp_path), "--report", str(path)]) == 0
    assert "1 file of 1 student." in path.read_text()
    assert "1 of 1 files" in capsys.readouterr().out


def test_a_file_name_that_no_encoding_has(tmp_path):
    """It is shown with backslashes, as in the table; half a character too."""
    (tmp_path / "x").mkdir()
    (tmp_path / "x" / os.fsdecode(b"\xff.ipynb")).write_text("")
    (tmp_path / "x" / "\x07.ipynb").write_text("")
    _, text = run(tmp_path / "x")
    assert "\\udcff.ipynb is empty" in text and "\N{REPLACEMENT CHARACTER}.ipynb is" in text


def test_ctrl_c_and_from(tmp_path):
    """The page is about what was ready, and says that it is not complete; so it does after --from."""
    folder = tmp_path / "hand-ins"
    folder.mkdir()
    test = load("test_output_size").text, 'check("test_output_size", test_output_size)'
    for n in range(4):
        wait = "import time\ntime.sleep(60)\n" * (n == 2)
        hand_in(folder, f"s-{n}", wait + RIGHT, SIZE, more=test)  # all that the real book asks
    command = [sys.executable, "-m", "resnet_exercises", "hand-ins", "--report=r.html", "--csv"]
    with subprocess.Popen(
        command, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        for _ in range(3):
            process.stdout.readline()
        assert not (tmp_path / "r.html").exists()
        process.send_signal(signal.SIGINT)
        began = time.monotonic()
        _, err = process.communicate()
    assert (
        process.returncode == 130
        and err.startswith("Stopped. ")
        and time.monotonic() - began < 20
    )
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    Tags(text)
    assert (
        "Not complete. 2 of 4 files are in this report"
        in BeautifulSoup(text, "html.parser").text
    )
    assert rows(part(text, "Exercises"))[2][:3] == ["output_size", "2", "–"]
    status, text = run(folder, "--from", "s-3_12345_assignsubmission_file_/01.ipynb")
    assert status == 0 and "1 of 4 files" in text
