"""`make format` leaves nothing to do, and the types of the engine hold."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from test_budgets import ENGINE

from resnet_exercises.mistakes import HERE

ROOT = Path(__file__).resolve().parent.parent


def ruff(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=cwd, capture_output=True, text=True
    )


@pytest.mark.parametrize("task", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_code_is_as_make_format_leaves_it(task):
    result = ruff(*task, "--no-cache", ".")
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("folders", [(), ("solutions", "my-work")], ids=["fresh", "used"])
def test_folders_that_commands_make_change_no_verdict(tmp_path, folders):
    """One has the name of a script, and would be taken for a package of this repository."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("scripts", "tests", "resnet_exercises", "resnet_lib"):
        shutil.copytree(ROOT / name, tmp_path / name)
    for name in folders:
        (tmp_path / name).mkdir()
    result = ruff("check", "--no-cache", ".", cwd=tmp_path)
    assert result.returncode == 0, result.stdout


def test_the_types_of_the_engine_hold():
    """Of the files that every check runs through; those of PyTorch's part are looked at as far as they are used."""
    files = [str(HERE / f"{name}.py") for name in [*ENGINE, "calls", "torch_words"]]
    checked = subprocess.run(
        [sys.executable, "-m", "mypy", "--ignore-missing-imports", "--follow-imports=silent"]
        + ["--cache-dir", os.devnull, *files],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stdout


def test_notebooks_are_read_and_narrower():
    """Both tasks read notebooks, and the rules beside them hold there."""
    assert "book/01-output-size.ipynb" in ruff("check", "--show-files", ".").stdout
    settings = ruff("check", "--show-settings", "book/01-output-size.ipynb").stdout
    assert "formatter.line_width = 92" in settings
