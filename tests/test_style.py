"""`make format` leaves nothing to do."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def ruff(*arguments: str) -> subprocess.CompletedProcess:
    return subprocess.run(
        [sys.executable, "-m", "ruff", *arguments], cwd=ROOT, capture_output=True, text=True
    )


@pytest.mark.parametrize("task", [["check"], ["format", "--check"]], ids=" ".join)
def test_the_code_is_as_make_format_leaves_it(task):
    result = ruff(*task, "--no-cache", ".")
    assert result.returncode == 0, result.stdout + result.stderr


def test_notebooks_are_read_and_narrower():
    """Both tasks read notebooks, and the rules beside them hold there."""
    assert "book/01-output-size.ipynb" in ruff("check", "--show-files", ".").stdout
    settings = ruff("check", "--show-settings", "book/01-output-size.ipynb").stdout
    assert "formatter.line_width = 92" in settings
