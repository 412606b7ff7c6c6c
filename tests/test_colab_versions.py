"""Colab's lists of packages, as `make test-library COLAB=1` and the weekly workflow read them."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
from colab_versions import PACKAGES, TARGET, releases, requirements

ROOT = Path(__file__).resolve().parent.parent
SYSTEM = "# A comment\nUbuntu 22.04.5 LTS\nPython 3.13.7\nR version 4.5.2\n"
FREEZE = "# pip freeze\n" + "".join(f"{name}==1.2.3\n" for name in PACKAGES)


@pytest.mark.parametrize(
    ("line", "release"),
    [
        ("torch==2.11.0+cu128", "2.11.0"),
        ("torch==2.11.0", "2.11.0"),
        (
            "torch @ https://download.pytorch.org/whl/cu118/torch-2.1.0%2Bcu118-cp310-cp310-linux_x86_64.whl#sha256=a81b",
            "2.1.0",
        ),
        (
            "torch @ https://example.org/torch-2.12.0rc1-cp313-cp313-linux_x86_64.whl",
            "2.12.0rc1",
        ),
        ("torch @ git+https://github.com/pytorch/pytorch@b134e99", None),
        ("# torch==2.11.0", None),
        ("torch-data==1.0", None),
    ],
)
def test_a_release_is_found_in_each_form_that_pip_freeze_has(line, release):
    assert releases([line]).get("torch") == release


def test_names_are_compared_as_pip_does():
    assert releases(["Scikit_Learn==1.6.1"]) == {"scikit-learn": "1.6.1"}


def test_the_file_has_every_package_and_python():
    text = requirements(FREEZE, SYSTEM)
    assert "# Python 3.13\n" in text
    assert re.findall(r"(?m)^([a-z-]+)==1\.2\.3$", text) == PACKAGES


@pytest.mark.parametrize(
    ("freeze", "system", "name"),
    [
        (FREEZE.replace("numpy==", "numpy-of-ours=="), SYSTEM, "numpy"),
        (FREEZE, "<html>Not found</html>", "Python"),
    ],
)
def test_a_list_that_lacks_something_is_an_error(freeze, system, name):
    with pytest.raises(ValueError, match=f"say nothing of {name}$"):
        requirements(freeze, system)


def test_the_stored_file_is_one_that_the_script_writes():
    stored = TARGET.read_text(encoding="utf8")
    (python,) = re.findall(r"(?m)^# Python (.+)$", stored)
    assert requirements(stored, f"Python {python}.0") == stored


def test_the_script_says_which_python_to_take(tmp_path):
    """In a copy of the repository's folder, as it writes there."""
    script = tmp_path / "scripts" / "colab_versions.py"
    script.parent.mkdir()
    script.write_bytes((ROOT / "scripts" / "colab_versions.py").read_bytes())
    for name, text in (("freeze", FREEZE), ("system", SYSTEM)):
        (tmp_path / name).write_text(text, encoding="utf8")
    command = [sys.executable, script, tmp_path / "freeze", tmp_path / "system"]
    said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert said.endswith("python=3.13\n")
    written = (tmp_path / "requirements-colab.txt").read_text(encoding="utf8")
    assert written == requirements(FREEZE, SYSTEM)
