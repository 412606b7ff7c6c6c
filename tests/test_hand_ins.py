"""Notebooks that were handed in get the verdicts that they would get in the book, whatever else is in them."""

import csv
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest
from helpers import check_file, check_folder
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from solutions import BOOK, solve, solved_text

from resnet_exercises import EXERCISES, hand_ins
from resnet_exercises.hand_ins import main
from resnet_exercises.notebooks import find_tasks, read_cells

README = (BOOK.parent / "README.md").read_text(encoding="utf-8")
TASK = "### Exercise\n\n**Difficulty** ●○○ · **about 5 minutes** · check name `{}`"
RIGHT = """def same_padding(kernel_size):
    if kernel_size % 2 == 0:
        raise ValueError("even")
    return kernel_size // 2"""
STUB = "def same_padding(kernel_size):\n    raise NotImplementedError"
COUNT = """def count_parameters(in_channels, out_channels, kernel_size, bias):
    return out_channels * (in_channels * kernel_size ** 2 + bool(bias))"""
CHECK = 'check("same_padding", same_padding)'
COUNT_CHECK = 'check("count_parameters", count_parameters)'
IMPORTS = "from resnet_exercises import check"
ENDLESS = "import time\nwhile True:\n    time.sleep(0.1)"


def notebook(*cells: str) -> str:
    """The text of a notebook of these cells; one that begins with # is Markdown, and none has a tag."""
    made = [new_markdown_cell(c) if c.startswith("#") else new_code_cell(c) for c in cells]
    return nbformat.writes(new_notebook(cells=made))


ELSEWHERE = "needs another environment"
#: chapters with two exercises, of which most notebooks here have the first alone
CHAPTERS = [
    {task.name for task in find_tasks(read_cells(path))} for path in BOOK.glob("[01]*.ipynb")
]


# name: (cells, the verdicts as {label: (status, part of the message)})
PASSED = ("passed", "")
CASES = {
    "right": ((IMPORTS, RIGHT, CHECK), {"same_padding": PASSED}),
    "stub": ((IMPORTS, STUB, CHECK), {"same_padding": ("not attempted", "still the stub")}),
    "wrong": (
        (IMPORTS, "def same_padding(kernel_size):\n    return kernel_size / 2", CHECK),
        {"same_padding": ("failed", "half of the kernel")},
    ),
    "hangs": (
        (IMPORTS, COUNT, COUNT_CHECK, f"{RIGHT}\n{ENDLESS}", CHECK),
        {"same_padding": ("time limit", "within 20 s"), "count_parameters": PASSED},
    ),
    "hangs first": (
        (IMPORTS, f"{RIGHT}\n{ENDLESS}", CHECK, COUNT, COUNT_CHECK),
        {"same_padding": ("time limit", "--timeout"), "count_parameters": PASSED},
    ),
    "ends the process": (
        (IMPORTS, f"{RIGHT}\nimport os\nos._exit(7)", CHECK, COUNT, COUNT_CHECK),
        {"same_padding": ("crashed", "exit status 7"), "count_parameters": PASSED},
    ),
    "closes all files": (
        (IMPORTS, f"import os\nos.closerange(3, 256)\n{RIGHT}", CHECK, COUNT, COUNT_CHECK),
        {"same_padding": ("crashed", "process"), "count_parameters": PASSED},
    ),
    "writes into the connection": (
        (
            IMPORTS,
            "import gc\nfrom multiprocessing.connection import Connection as C\n"
            f"[c.send_bytes(b'[]') for c in gc.get_objects() if type(c) is C]\n{RIGHT}",
            CHECK,
            COUNT,
            COUNT_CHECK,
        ),
        {"same_padding": ("crashed", "process"), "count_parameters": PASSED},
    ),
    "sys.exit after": (
        (IMPORTS, f"{RIGHT}\nimport sys\nsys.exit(1)", CHECK),
        {"same_padding": PASSED},
    ),
    "sys.exit before": (
        (IMPORTS, f"import sys\nsys.exit(1)\n{RIGHT}", CHECK),
        {"same_padding": ("failed", "Cell 2, line 2: SystemExit: 1.")},
    ),
    "flood": (
        (IMPORTS, f"{RIGHT}\nfor n in range(20000):\n    print('x' * 1000)", CHECK),
        {"same_padding": PASSED},
    ),
    "prints what looks like a verdict": (
        (IMPORTS, f'{STUB}\nprint(\'{{"verdict": {{"status": "passed"}}}}\')', CHECK),
        {"same_padding": ("not attempted", "")},
    ),
    "input": (
        (IMPORTS, "def same_padding(kernel_size):\n    return int(input())", CHECK),
        {"same_padding": ("failed", "keyboard")},
    ),
    "unicode ∂ß🙂": (
        (IMPORTS, f"größe = '🙂 \\ud800'\nprint(größe)\n{RIGHT}", CHECK),
        {"same_padding": PASSED},
    ),
    "magics": (
        (
            "%pip install no-such-package\n!touch ../made-by-shell\nfiles = !ls\nprint?",
            f"%%time\n{IMPORTS}",
            "%%bash\ntouch ../made-by-bash",
            f"import sys\nif 'google.colab' in sys.modules:\n    %pip install x\n{RIGHT}",
            CHECK,
        ),
        {"same_padding": PASSED},
    ),
    "deletes files": (
        (IMPORTS, f"import os\nos.rmdir(os.getcwd())\n{RIGHT}", CHECK),
        {"same_padding": PASSED},
    ),
    "is in an empty folder": (
        (IMPORTS, f"import os\nassert os.listdir() == []\n{RIGHT}", CHECK),
        {"same_padding": PASSED},
    ),
    "forks": ((IMPORTS, f"import os\nos.fork()\n{RIGHT}", CHECK), {"same_padding": PASSED}),
    "draws": (
        (
            IMPORTS,
            f"import matplotlib.pyplot as plt\nplt.plot([1])\nplt.show()\ndisplay(1)\n{RIGHT}",
            CHECK,
        ),
        {"same_padding": PASSED},
    ),
    "needs other cells": (
        (
            "import math as m",
            "PARTS = 2\nclass Old: pass",
            IMPORTS,
            "def half(n):\n    return m.floor(n / PARTS)",
            "def odd(n):\n    return n % 2",
            "def same_padding(k):\n    if not odd(k):\n        raise ValueError(k)\n    return half(k)",
            CHECK,
        ),
        {"same_padding": PASSED},
    ),
    "other cells are not run": (
        (IMPORTS, ENDLESS, "losses = [1]\n" + ENDLESS, RIGHT, CHECK, ENDLESS),
        {"same_padding": PASSED},
    ),
    "uses the name of a cell that is not needed": (
        (IMPORTS, f"n = 3\n{ENDLESS}", f"{RIGHT}\nn = 5\nprint(same_padding(n))", CHECK),
        {"same_padding": PASSED},
    ),
    "helper below": (
        (
            IMPORTS,
            "def same_padding(k):\n    return half(k)",
            CHECK,
            "def half(k): return k//2",
        ),
        {"same_padding": ("failed", "even")},
    ),
    "answer below the check": (
        (IMPORTS, STUB, CHECK, RIGHT),
        {"same_padding": PASSED},
    ),
    "star import": (
        (
            "from resnet_exercises import *",
            "from math import *",
            RIGHT.replace("kernel_size // 2", "floor(kernel_size / 2)"),
            CHECK,
        ),
        {"same_padding": PASSED},
    ),
    "error without raise": (
        (IMPORTS, RIGHT.replace("raise ValueError", "ValueError"), CHECK),
        {"same_padding": ("failed", "without `raise`")},
    ),
    "stub of one word": (
        (IMPORTS, "def same_padding(kernel_size):\n    pass", CHECK),
        {"same_padding": ("not attempted", "still the stub")},
    ),
    "a local name is not that of another cell": (
        (
            IMPORTS,
            f"total = 0\nclass A:\n    def __init__(self):\n        self.a = 1\n{ENDLESS}",
            "def odd(k):\n    total = 0\n    total += k % 2\n    return total",
            RIGHT.replace("kernel_size % 2 == 0", "not odd(kernel_size)"),
            CHECK,
        ),
        {"same_padding": PASSED},
    ),
    "a name that other cells change": (
        (
            IMPORTS,
            "HALF = [1]",
            "HALF[0] = 0\nSHIFT = 1",
            "SHIFT += 1",
            RIGHT.replace("kernel_size // 2", "(kernel_size + HALF[0]) // SHIFT"),
            CHECK,
        ),
        {"same_padding": PASSED},
    ),
    "method added later": (
        (
            IMPORTS,
            "from resnet_lib import PlainBlock as Library",
            "class PlainBlock(Library):\n    pass",
            "PlainBlock.forward = lambda self, x: x",
            'check("plain_block", PlainBlock)',
        ),
        {"plain_block": ("failed", "")},
    ),
    "syntax error": (
        (
            "from resnet_lib import same_padding",
            "def same_padding(kernel_size):\n    return (kernel_size",
            CHECK,
            COUNT,
            COUNT_CHECK,
        ),
        {
            "same_padding": ("failed", "Cell 2, line 2: SyntaxError: '(' was never closed."),
            "count_parameters": PASSED,
        },
    ),
    "two arguments of one name": (
        (IMPORTS, "def same_padding(k, k):\n    return k // 2", CHECK, COUNT, COUNT_CHECK),
        {
            "same_padding": ("failed", "Cell 2, line 1: SyntaxError: duplicate argument 'k'"),
            "count_parameters": PASSED,
        },
    ),
    "annotation that is not imported": (
        (IMPORTS, RIGHT.replace("kernel_size):", "kernel_size: Size):", 1), CHECK),
        {"same_padding": ("failed", "Cell 2, line 1: NameError: name 'Size' is not defined.")},
    ),
    "error before the answer": (
        ("from resnet_lib import same_padding", f"1 / 0\n{RIGHT}", CHECK),
        {"same_padding": ("failed", "Cell 2, line 1: ZeroDivisionError")},
    ),
    "packages of another environment": (
        (
            "from resnet_lib import same_padding",
            "from google.colab import drive\nimport tensorflow9 as tf\ndrive.mount('/content')\n"
            "rows = open('/content/rows.csv').read()\nfrom tensorflow9 import same_padding\n"
            f"{RIGHT}\ntf.ones(same_padding(3))",
            CHECK,
        ),
        {
            "same_padding": (
                "passed",
                "Left out: Cell 2, line 2: ModuleNotFoundError: No module",
            )
        },
    ),
    "a package that the answer needs": (
        (
            IMPORTS,
            "import tensorflow9 as tf",
            f"from __future__ import annotations\n{RIGHT.replace('// 2', '// tf.two')}",
            CHECK,
            "import tensorflow9\nclass PlainBlock(tensorflow9.Module):\n    pass",
            'check("plain_block", PlainBlock)',
            "def count_parameters(*sizes):\n    import tensorflow9",
            COUNT_CHECK,
        ),
        {
            "same_padding": (
                ELSEWHERE,
                "Left out: Cell 2, line 1: ModuleNotFoundError: No module",
            ),
            "plain_block": (ELSEWHERE, "Cell 5, line 2: NameError: name 'tensorflow9'"),
            "count_parameters": (ELSEWHERE, "No module named 'tensorflow9'"),
        },
    ),
    "IPython": (
        (
            IMPORTS,
            "from IPython import get_ipython as ask\nask().run_line_magic('time', '1')",
            f"get_ipython().run_line_magic('matplotlib', 'inline')\nshell = get_ipython()\n"
            f"shell.system('ls')\nimport IPython\nIPython.get_ipython().run_cell('1')\n{RIGHT}",
            CHECK,
        ),
        {"same_padding": ("passed", "NameError: name 'get_ipython' is not defined")},
    ),
    "await": (
        (
            IMPORTS,
            f"import asyncio\nawait asyncio.sleep(0)\nasync with asyncio.Lock(): pass\n{RIGHT}",
            CHECK,
        ),
        {"same_padding": ("passed", "Cell 2, line 2: SyntaxError: 'await' outside function")},
    ),
    "asks for a GPU": (
        (
            IMPORTS,
            "import torch\nassert torch.cuda.is_available(), 'switch it on'\n"
            f"image = torch.zeros(1).to('cuda')\nprint(image.sum())\n{RIGHT}",
            CHECK,
            "import torch\ndevice = torch.device('cuda')",
            "def count_parameters(*sizes):\n    return int(torch.ones(3, device=device).sum())",
            COUNT_CHECK,
        ),
        {
            "same_padding": ("passed", "Cell 2, line 2: AssertionError: switch it on"),
            "count_parameters": (ELSEWHERE, "Your code raised "),
        },
    ),
    "asks for a Mac's GPU": (
        (
            IMPORTS,
            "import torch\ndef same_padding(k):\n    return int(torch.ones(k).to('mps').sum()) // 2",
            CHECK,
        ),
        {"same_padding": (ELSEWHERE, "Your code raised ")},
    ),
    "the library's own": (
        ("from resnet_lib import same_padding", IMPORTS, CHECK),
        {"same_padding": ("not attempted", "resnet_lib's own `same_padding`")},
    ),
    "handed on to the library": (
        (
            IMPORTS,
            "import resnet_lib\nfrom resnet_lib import count_parameters as count",
            "def same_padding(*sizes):\n    return resnet_lib.same_padding(*sizes)",
            CHECK,
            "count_parameters = lambda *sizes: count(*sizes)",
            COUNT_CHECK,
            "class BasicBlock(resnet_lib.ResidualBasicBlock):\n    expansion = 1",
            'check("basic_block", BasicBlock)',
        ),
        {
            "same_padding": ("not attempted", "resnet_lib's own `same_padding`"),
            "count_parameters": ("not attempted", "resnet_lib's own `count_parameters`"),
            "basic_block": ("not attempted", "resnet_lib's own `ResidualBasicBlock`"),
        },
    ),
    "no answer": ((IMPORTS, CHECK), {"same_padding": ("not attempted", "No cell defines")}),
    "answer is an error": (
        (IMPORTS, RIGHT, 'check("same_padding", same_padding())'),
        {"same_padding (same_padding())": ("failed", "TypeError")},
    ),
    "check in other words": (
        (
            IMPORTS,
            RIGHT,
            "import resnet_exercises as e\nv = e.check('same_padding',same_padding)\nprint(v)",
        ),
        {"same_padding": PASSED},
    ),
    "check twice": (
        (IMPORTS, STUB, CHECK, RIGHT, CHECK),
        {"same_padding": PASSED},
    ),
    "another name": (
        (IMPORTS, RIGHT.replace("same_padding", "mine"), 'check("same_padding", mine)'),
        {"same_padding (mine)": PASSED},
    ),
    "check cell lost": (
        (IMPORTS, TASK.format("same_padding"), RIGHT, TASK.format("count_parameters"), COUNT),
        {"same_padding": PASSED, "count_parameters": PASSED},
    ),
    "check and answer lost": (
        (IMPORTS, TASK.format("same_padding"), TASK.format("count_parameters"), COUNT),
        {"same_padding": ("not attempted", "No cell defines"), "count_parameters": PASSED},
    ),
    "check lost, and the answer has another name": (
        (
            IMPORTS,
            TASK.format("same_padding"),
            "# Help\ndef same_padding(k): ...",
            RIGHT.replace("same_padding", "mine"),
        ),
        {"same_padding (mine)": PASSED},
    ),
    "unknown exercise beside a known one": (
        (IMPORTS, RIGHT, CHECK, 'check("my_own", 1)', "def check2(): check()"),
        {"same_padding": PASSED},
    ),
}


@pytest.fixture(scope="module")
def class_folder(tmp_path_factory):
    """A folder with a notebook for each case, in folders as a learning platform makes them."""
    folder = tmp_path_factory.mktemp("handed-in")
    for name, (cells, _) in CASES.items():
        (folder / name).mkdir()
        (folder / name / "answer.ipynb").write_text(notebook(*cells), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def reports(class_folder):
    """The report on each case."""
    return {report.file.split("/")[0]: report for report in check_folder(class_folder)}


@pytest.mark.parametrize("name", CASES)
def test_case(name, reports):
    """Each exercise has the verdict that is expected of this case."""
    _, expected = CASES[name]
    report = reports[name]
    assert report.error is None
    got = {verdict["label"]: verdict for verdict in report.verdicts}
    asked = {label.partition(" ")[0] for label in expected}
    chapter = [names for names in CHAPTERS if asked <= names]
    missing = chapter[0] - asked if len(chapter) == 1 else ()
    assert {label: v["status"] for label, v in got.items()} == {
        label: status for label, (status, _) in expected.items()
    } | dict.fromkeys(missing, "missing"), got
    for label, (_, words) in expected.items():
        assert words in got[label]["message"]


def test_nothing_is_left(class_folder, reports):
    """Shell lines were not run, and no file of the cells is in the folder."""
    files = [p.name for p in class_folder.rglob("*") if p.is_file()]
    assert files == ["answer.ipynb"] * len(CASES)
    assert not list(class_folder.parent.rglob("made-by-*"))


def test_every_solved_notebook_passes_without_tags(tmp_path):
    """All notebooks with their solutions, as they are and as Colab saves them, and each exercise of the book is
    found.
    """
    for path in sorted(BOOK.glob("*.ipynb")):
        text = solved_text(path)
        saved = json.loads(text)
        saved["nbformat_minor"] = 0
        saved["metadata"] = {"colab": {"provenance": []}}
        for cell in saved["cells"]:
            cell["metadata"] = {"id": cell.pop("id") + "AbCd"}
        (tmp_path / path.name).write_text(json.dumps(saved), encoding="utf-8")
    found = check_folder(tmp_path, timeout=600)
    assert [r.file for r in found] == [path.name for path in sorted(BOOK.glob("*.ipynb"))]
    assert all(report.complete for report in found), list(hand_ins.as_rows(found, found))
    labels = [v["label"] for report in found for v in report.verdicts]
    assert len(labels) == len(set(labels)) == 21 + 8
    assert set(EXERCISES) == {label for label in labels if " (" not in label} | {"make_layer"}


def test_released_notebooks_are_not_attempted():
    """The stubs of the book, found by their tasks and checks; the message is one for teachers."""
    for name in ("02-overall-structure", "bug-clinic"):
        report = check_file(BOOK / f"{name}.ipynb", timeout=600)
        assert {v["status"] for v in report.verdicts} == {"not attempted"}
        assert all("cell above" not in v["message"] for v in report.verdicts)


def test_a_loop_that_works_all_the_time_is_stopped(tmp_path, capsys):
    """--timeout is in seconds, for one exercise; the process is gone afterwards, and so is what it has started."""
    path = tmp_path / "busy.ipynb"
    pids = tmp_path / "pids"
    loop = f"""import os, subprocess
other = subprocess.Popen(["sleep", "300"])
open({str(pids)!r}, "w").write(f"{{os.getpid()}} {{other.pid}}")
while True:
    pass"""
    path.write_text(notebook(IMPORTS, f"{RIGHT}\n{loop}", CHECK))
    assert main([str(path), "--timeout", "5"]) == 1
    assert (
        "✘ same_padding: time limit\n    Its cells did not end within 5 s"
        in capsys.readouterr().out
    )
    for pid in pids.read_text().split():
        state = Path(f"/proc/{pid}/stat") if sys.platform == "linux" else None
        if state and state.exists():
            assert state.read_text().split()[2] == "Z"  # ended, and not yet collected
        elif not state:
            with pytest.raises(ProcessLookupError):
                os.kill(int(pid), 0)


def test_where_processes_are_not_forked(tmp_path, monkeypatch):
    """macOS and Windows start each process anew; the verdicts are the same."""
    monkeypatch.setattr(hand_ins, "PROCESSES", hand_ins.multiprocessing.get_context("spawn"))
    path = tmp_path / "a.ipynb"
    path.write_text(notebook(IMPORTS, RIGHT, CHECK))
    verdict, *_ = check_file(path).verdicts
    assert verdict["status"] == "passed"


def without(path: Path, *names: str) -> str:
    """The solved notebook without the cells in which one of the names stands."""
    cells = json.loads(solved_text(path))
    cells["cells"] = [
        c for c in cells["cells"] if not any(n in "".join(c["source"]) for n in names)
    ]
    return json.dumps(cells)


def test_an_exercise_whose_cells_were_deleted_is_missing(tmp_path, monkeypatch):
    """In a chapter, and in the bug clinic by the name of its answer; not where there is no book."""
    for name, gone in (("01-output-size", "same_padding"), ("bug-clinic", "Fixed3")):
        (tmp_path / f"{name}.ipynb").write_text(without(BOOK / f"{name}.ipynb", gone))
    chapter, clinic = check_folder(tmp_path)
    assert (
        hand_ins.as_line(chapter, 0) == "01-output-size.ipynb  2 of 3    same_padding missing"
    )
    assert hand_ins.as_line(clinic, 0) == "bug-clinic.ipynb  7 of 8    resnet (Fixed3) missing"
    assert not chapter.complete and "○ same_padding: missing\n" in hand_ins.as_text(chapter)
    monkeypatch.setattr(hand_ins.notebooks, "_chapters", lambda: [])
    alone = check_file(tmp_path / "01-output-size.ipynb")
    assert alone.complete and list(alone.exercises) == ["output_size", "test_output_size"]


def test_a_renamed_answer_opens_no_column(tmp_path):
    """It stands in the column of its exercise, in the clinic too; of two answers, the one that passes."""
    chapter = solved_text(BOOK / "01-output-size.ipynb").replace("def same_padding", "def mine")
    (tmp_path / "a.ipynb").write_text(chapter.replace(", same_padding)", ", mine)"))
    clinic = solved_text(BOOK / "bug-clinic.ipynb")
    (tmp_path / "b.ipynb").write_text(clinic.replace("Fixed3", "Mine"))
    mine = RIGHT.replace("same_padding", "mine"), 'check("same_padding", mine)'
    (tmp_path / "c.ipynb").write_text(notebook(IMPORTS, STUB, CHECK, *mine))
    reports = check_folder(tmp_path)
    head, own, fixed, both = hand_ins.as_rows(reports, reports)
    labels = [v["label"] for v in check_file(BOOK / "bug-clinic.ipynb").verdicts]
    assert sorted(name for name in head if "(" in name) == sorted(labels)
    assert own[2:4] == ["3", "3"] and "same_padding (mine)" in hand_ins.as_text(reports[0])
    assert fixed[2:4] == ["8", "8"] and reports[1].complete
    assert both[2:4] == ["1", "3"] and both[head.index("same_padding")] == "passed"
    assert {v["label"] for v in reports[2].verdicts} == {
        "same_padding",
        "same_padding (mine)",
        "output_size",
        "test_output_size",
    }


# Many at a time


def test_a_crashed_exercise_is_tried_again_alone(tmp_path, monkeypatch):
    """Once more, when no other runs: its process may have been ended by another's cells."""
    running, tries, together = [], [], {1: [], 2: []}

    def ask(cells, task, timeout):
        running.append(task)
        tries.append((id(cells), task))
        nth, begun = tries.count((id(cells), task)), len(running)
        time.sleep(0.05)
        together[nth].append(max(begun, len(running)))
        running.remove(task)
        crashed = task.name == "same_padding" and nth == 1
        return hand_ins._verdict(task, "crashed" if crashed else "passed", "")

    monkeypatch.setattr(hand_ins, "_ask", ask)
    for n in range(8):
        (tmp_path / f"{n}.ipynb").write_text(
            notebook(IMPORTS, RIGHT, CHECK, COUNT, COUNT_CHECK)
        )
    reports = list(hand_ins.checked(hand_ins.read_folder(tmp_path), processes=3))
    assert all(report.complete for report in reports)
    assert len(together[1]) == 16 and max(together[1]) > 1
    assert together[2] == [1] * 8


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere no process is between")
def test_a_hand_in_that_ends_its_parent_costs_the_others_nothing(tmp_path):
    """The process that all are forked from is started again."""
    kill = f"{RIGHT}\nimport os, signal\nos.kill(os.getppid(), signal.SIGKILL)"
    for n in range(8):
        cells = IMPORTS, kill if n == 2 else RIGHT, CHECK, COUNT, COUNT_CHECK
        (tmp_path / f"{n}.ipynb").write_text(notebook(*cells))
    reports = list(hand_ins.checked(hand_ins.read_folder(tmp_path), processes=4))
    assert [r.file for r in reports if not r.complete] in ([], ["2.ipynb"])


@pytest.fixture
def slow_third(tmp_path):
    """Five hand-ins; the third works for a minute, and the fourth makes a file ``begun`` beside their folder."""
    folder = tmp_path / "hand-ins"
    folder.mkdir()
    for n in range(5):
        wait = "import time\ntime.sleep(60)\n" * (n == 2)
        wait += f"open({str(tmp_path / 'begun')!r}, 'w').close()\n" * (n == 3)
        cells = IMPORTS, wait + RIGHT, CHECK, COUNT, COUNT_CHECK
        (folder / f"{n} ü.ipynb").write_text(notebook(*cells))
    return folder


@pytest.mark.parametrize("form", ["--csv", "--json", "--timeout=99"])
def test_ctrl_c_keeps_what_is_done(form, slow_third):
    """The first two are there, in order and before the end; the rest is checked by what is said."""
    command = [sys.executable, "-m", "resnet_exercises", "hand-ins", "--jobs=2", form]
    with subprocess.Popen(
        command,
        cwd=slow_third.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        rows = {"--csv": 3, "--json": 0}.get(form, 2)
        lines = [process.stdout.readline() for _ in range(rows)]
        while process.poll() is None and not (slow_third.parent / "begun").exists():
            time.sleep(
                0.1
            )  # of two processes, one waits in the third: the other is through with the first two
        assert process.poll() is None
        began = time.monotonic()
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert process.returncode == 130 and time.monotonic() - began < 10
    assert err == "Stopped. `--from '2 ü.ipynb'` goes on there.\n"
    out = "".join(lines) + out
    assert "0 ü.ipynb" in out and "1 ü.ipynb" in out and "2 ü.ipynb" not in out
    if form == "--json":
        assert [shown["passed"] for shown in json.loads(out)] == [2, 2]


def test_from_goes_on(slow_third, capsys):
    """Its rows follow the others': the same columns, no head and no mark; a file that is not there is told."""
    (slow_third / "2 ü.ipynb").unlink()
    command = [str(slow_third), "--csv", "--from", "3 ü.ipynb"]
    assert main(command) == 0
    out = capsys.readouterr().out
    assert out == ",3 ü.ipynb,2,2,passed,passed,\n,4 ü.ipynb,2,2,passed,passed,\n"
    assert main([*command[:-1], "9.ipynb"]) == 2
    assert "'9.ipynb' is not in list" in capsys.readouterr().err


def test_progress_is_for_a_terminal(slow_third, monkeypatch):
    """A bar with the time left, on stderr; rows are printed above it. Not where stderr is a file."""
    (slow_third / "2 ü.ipynb").unlink()
    bar = io.StringIO()
    monkeypatch.setattr(sys, "stderr", bar)
    assert all(report.complete for report in check_folder(slow_third))
    assert bar.getvalue() == ""
    bar.isatty = lambda: True
    assert all(report.complete for report in check_folder(slow_third))
    assert re.search(r"\d/8 \[.*<.*exercises", bar.getvalue())


# Files that cannot be checked

BAD = {
    "missing": (None, "does not exist"),
    "empty": ("", "is empty"),
    "blank": (" \n", "is empty"),
    "text": ("hello", "not JSON"),
    "nested": ("[" * 100_000, "not JSON"),
    "other JSON": ("[1, 2]", "`nbformat` is missing"),
    "old": ('{"nbformat": 3, "worksheets": []}', "of format 3, and 4 is expected"),
    "new": ('{"nbformat": 5, "cells": []}', "of format 5, and 4 is expected"),
    "without cells": ('{"nbformat": 4}', "`cells` are damaged"),
    "damaged": ('{"nbformat": 4, "cells": [{"cell_type": "code"}]}', "`cells` are damaged"),
    "numbers": ('{"nbformat": 4, "cells": [1]}', "`cells` are damaged"),
    "foreign": (notebook("print(1)", "# Title"), "has no exercise of this book"),
    "no cells": ('{"nbformat": 4, "cells": []}', "has no exercise of this book"),
    "bytes": (b"\xff\xfe\x00", "no text in UTF-8"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_file(name, tmp_path, capsys):
    """One line on stderr that says what it is and what to do; status 2; no traceback."""
    content, words = BAD[name]
    path = tmp_path / "given.ipynb"
    if content is not None:
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    assert main([str(path)]) == 2
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1
    assert err.startswith(f"{path}: ") and words in err


def test_bad_folder(tmp_path, capsys):
    """A folder without notebooks, and those of checkpoints and of archives from macOS do not count."""
    for name in (".ipynb_checkpoints/a.ipynb", "__MACOSX/a.ipynb", "x/._a.ipynb", "x/a.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(notebook(IMPORTS, RIGHT, CHECK))
    (tmp_path / "folder.ipynb").mkdir()
    assert main([str(tmp_path)]) == 2
    assert "is a folder without a notebook" in capsys.readouterr().err


def test_files_that_are_not_read(tmp_path, capsys):
    """Each is a row that says what to do, but for what notebooks read and write."""
    for name in ("a.zip", "b/x.py", "c.ipynb.txt", "d.html", "plot.png", "rows.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    told = [
        "a.zip is not read: unpack it where it is.",
        "b/x.py is not read: ask for the notebook (.ipynb).",
        "c.ipynb.txt is not read: rename it to end in .ipynb.",
        "d.html is not read: ask for the notebook (.ipynb).",
    ]
    assert main([str(tmp_path)]) == 2
    assert capsys.readouterr().err.splitlines()[1:] == told
    (tmp_path / "e.ipynb").write_text(notebook(IMPORTS, RIGHT, CHECK))
    reports = check_folder(tmp_path)
    assert [f"{r.file} {r.error}" for r in reports[:-1]] == told and not reports[-1].error
    assert main([str(tmp_path / "a.zip")]) == 2
    assert "a.zip: is not read: unpack" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-1", "nan", "inf", "soon"])
def test_bad_timeout(wrong, capsys):
    """A time limit is a positive number."""
    with pytest.raises(SystemExit) as ended:
        main(["x.ipynb", "--timeout", wrong])
    assert ended.value.code == 2
    assert f"--timeout: '{wrong}' is no number of seconds above 0" in capsys.readouterr().err


# What is printed


@pytest.fixture(scope="module")
def class_of_six(tmp_path_factory):
    """The folder of the README: right, half done, wrong, saved by Colab, an endless loop, an empty file."""
    folder = tmp_path_factory.mktemp("class") / "hand-ins"

    def solved(name):
        notebook = nbformat.read(BOOK / name, as_version=4)
        solve(notebook)
        return notebook

    def save(notebook, name):
        (folder / name).parent.mkdir(parents=True)
        nbformat.write(notebook, folder / name)

    def put(notebook, source):
        (cell,) = [c for c in notebook.cells if c.source.startswith(source.split("(")[0] + "(")]
        cell.source = source
        return notebook

    chapter = "01-output-size.ipynb"
    save(solved(chapter), f"s-01/{chapter}")
    half = put(solved(chapter), STUB)
    save(half, "s-02/01 überarbeitet.ipynb")
    wrong = put(
        put(solved(chapter), "def same_padding(kernel_size):\n    return kernel_size / 2"),
        "def output_size(input_size, kernel_size, padding=0, stride=1):\n"
        "    return (input_size - kernel_size + padding) // stride + 1",
    )
    put(wrong, "def test_output_size(output_size):\n    raise NotImplementedError")
    save(wrong, f"s-03/{chapter}")
    colab = solved(chapter)
    for cell in colab.cells:
        cell.metadata = nbformat.NotebookNode(id="AbCd")
    save(colab, f"s-04/{chapter}")
    endless = "def same_padding(kernel_size):\n    return 1\n\nwhile same_padding(3):\n    __import__('time').sleep(1)"
    save(put(solved(chapter), endless), f"s-05/{chapter}")
    (folder / "s-06").mkdir()
    (folder / "s-06" / "=empty.ipynb").write_text("")
    return folder


def blocks(kind: str) -> list[str]:
    """The fenced blocks of a kind in the README."""
    return re.findall(rf"```{kind}\n(.*?)\n```", README, re.DOTALL)


def shown_in_readme(words: str, out: str) -> bool:
    """Whether a block of the README shows this command with what it prints."""
    shown = f"$ .venv/bin/python -m resnet_exercises {words}\n{out.rstrip()}"
    return shown in blocks("console")


def test_the_readme_shows_what_the_command_prints(class_of_six):
    """The table of a folder, word for word. The status is 1, as not all is passed."""
    command = [sys.executable, "-m", "resnet_exercises", "hand-ins"]
    done = subprocess.run(command, cwd=class_of_six.parent, capture_output=True)
    assert done.returncode == 1 and done.stderr == b""
    assert shown_in_readme("hand-ins", done.stdout.decode()), done.stdout.decode()


def test_the_readme_shows_the_report_on_a_file(class_of_six, capsys, monkeypatch):
    """Word for word too."""
    monkeypatch.chdir(class_of_six.parent)
    path = "hand-ins/s-03/01-output-size.ipynb"
    assert main([path]) == 1
    assert shown_in_readme(path, capsys.readouterr().out)


def test_csv(class_of_six, capsys):
    """One row per file, one column per exercise; the error of a bad file; nothing that a spreadsheet would compute."""
    assert main([str(class_of_six), "--csv"]) == 1
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out.removeprefix("\ufeff"))))
    assert list(rows[0]) == [
        "student",
        "file",
        "passed",
        "exercises",
        "output_size",
        "same_padding",
        "test_output_size",
        "error",
    ]
    by_name = {row["file"].split("/")[0]: row for row in rows}
    assert by_name["s-01"]["passed"] == by_name["s-04"]["passed"] == "3"
    assert by_name["s-02"]["file"] == "s-02/01 überarbeitet.ipynb"
    assert by_name["s-02"]["same_padding"] == "not attempted"
    assert by_name["s-03"]["output_size"] == "failed (one-padding)"
    assert by_name["s-05"]["same_padding"] == "time limit"
    assert by_name["s-05"]["passed"] == "2" and by_name["s-05"]["exercises"] == "3"
    assert all(row["student"] == name for name, row in by_name.items())
    assert by_name["s-06"]["passed"] == "" and "is empty" in by_name["s-06"]["error"]


@pytest.mark.parametrize(
    "file, student",
    [
        ("s-01/x.ipynb", "s-01"),
        ("Özil Ä_12345_assignsubmission_file_/x.ipynb", "Özil Ä"),
        ("week 1/Ada B_12345_assignsubmission_file_/deep/x.ipynb", "Ada B"),
        ("Ada B_12345_assignsubmission_file_01-output-size.ipynb", "Ada B"),
        ("bada_12345_67890_01-output-size.ipynb", "bada"),
        ("bada_LATE_12345_67890_01-output-size-2.ipynb", "bada"),
        ("01-output-size.ipynb", ""),
    ],
)
def test_the_student(file, student, tmp_path):
    """As Moodle and Canvas name the files, or else the folder."""
    (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
    (tmp_path / file).write_text("")
    (report,) = hand_ins.read_folder(tmp_path)
    assert report.student == student


def test_the_student_by_a_pattern(tmp_path, capsys):
    """--student takes the first group, or all that is found; a wrong pattern is told."""
    (tmp_path / "x-ada.ipynb").write_text("")
    for pattern, student in (("x-(ada)", "ada"), ("x-", "x-"), ("z", "")):
        assert main([str(tmp_path), "--csv", "--student", pattern]) == 1
        assert capsys.readouterr().out.splitlines()[1].startswith(f"{student},x-ada.ipynb,")
    assert main([str(tmp_path), "--student", "("]) == 2
    assert "unterminated subpattern" in capsys.readouterr().err


def test_spreadsheets_read_umlauts(class_of_six):
    """A file begins with the mark by which they see UTF-8; a pipe does not."""
    command = [sys.executable, "-m", "resnet_exercises", "hand-ins/s-06", "--csv"]
    path = class_of_six.parent / "rows.csv"
    with path.open("wb") as file:
        subprocess.run(command, cwd=path.parent, stdout=file)
    piped = subprocess.run(command, cwd=path.parent, stdout=subprocess.PIPE).stdout
    assert path.read_bytes() == b"\xef\xbb\xbf" + piped and piped.startswith(b"student,file,")


@pytest.mark.parametrize("value", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", " =1"])
def test_no_cell_is_a_formula(value):
    """What a spreadsheet would take for a formula is text, in each column; other text stays as it is."""
    bad = hand_ins.Report(f"{value}.ipynb", error=value)
    verdict = {"exercise": "output_size", "label": value, "status": "failed", "mistake": None}
    reports = [bad, hand_ins.Report("a", [verdict], student=value)]
    rows = list(hand_ins.as_rows(reports, reports))
    assert rows[0][4] == f"'{value}"
    assert rows[1][1] == f"'{value}.ipynb" and rows[1][-1] == f"'{value}"
    assert rows[2] == [f"'{value}", "a", "0", "1", "failed", ""]


def test_json(class_folder, capsys):
    """A list with one object for each file; each exercise with six fields."""
    assert main([str(class_folder / "hangs" / "answer.ipynb"), "--json"]) == 1
    (shown,) = json.loads(capsys.readouterr().out)
    assert list(shown) == ["file", "passed", "exercises", "error"]
    assert shown["file"].endswith("answer.ipynb")
    assert (shown["passed"], shown["error"]) == (1, None)
    fields = ["exercise", "answer", "label", "status", "mistake", "message"]
    assert [list(verdict) for verdict in shown["exercises"]] == [fields] * 2
    assert {v["status"] for v in shown["exercises"]} == {"passed", "time limit"}


def test_json_of_a_bad_file(tmp_path, capsys):
    """The error is in the object, and the status is 2."""
    assert main([str(tmp_path / "no.ipynb"), "--json"]) == 2
    (shown,) = json.loads(capsys.readouterr().out)
    assert shown["exercises"] == [] and "does not exist" in shown["error"]


def test_status_0_only_when_all_is_passed(class_folder, capsys):
    """For a file; a folder of it too."""
    assert main([str(class_folder / "check cell lost" / "answer.ipynb")]) == 0
    out = capsys.readouterr().out
    assert "answer.ipynb: 2 of 2 passed\n✔ same_padding: passed\n    " in out
    assert main([str(class_folder / "check cell lost")]) == 0
    assert main([str(class_folder / "right")]) == 1  # its chapter has another exercise
    assert main([str(class_folder / "stub" / "answer.ipynb")]) == 1


def test_a_file_name_that_no_encoding_has(tmp_path, capsys):
    """It is shown with backslashes."""
    name = os.fsdecode(b"\xff.ipynb")
    (tmp_path / name).write_text("")
    assert main([str(tmp_path)]) == 1
    assert "\\udcff.ipynb" in capsys.readouterr().out


def test_an_ending_in_capitals_counts(tmp_path, capsys):
    """A row per file."""
    for name in ("a b.ipynb", "ü ö.IPYNB"):
        (tmp_path / name).write_text("")
    assert main([str(tmp_path)]) == 1
    lines = capsys.readouterr().out.splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == ["a b.ipynb", "ü ö.IPYNB"]
    assert main([str(tmp_path / "a b.ipynb")]) == 2
    assert "a b.ipynb: is empty" in capsys.readouterr().err
