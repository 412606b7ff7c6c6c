"""The wheel that `pip install` makes of this repository, as a reader in Colab gets it."""

import os
import shutil
import subprocess
import sys
import zipfile

from colab import ROOT, commit_the_working_tree


def test_the_wheel_holds_both_packages_and_its_build_warns_of_nothing(tmp_path):
    commit_the_working_tree(tmp_path / "tree")
    build = f"from setuptools import build_meta; build_meta.build_wheel({str(tmp_path)!r})"
    made = subprocess.run(
        [sys.executable, "-c", build],
        cwd=tmp_path / "tree",
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": ""},
        capture_output=True,
        text=True,
    )
    assert made.returncode == 0 and "arning" not in made.stdout + made.stderr, made
    (wheel,) = tmp_path.glob("*.whl")
    files = {name for name in zipfile.ZipFile(wheel).namelist() if "dist-info" not in name}
    ours = [
        path
        for name in ("resnet_lib", "resnet_exercises")
        for path in (ROOT / name).rglob("*.*")
    ]
    ours = {path.relative_to(ROOT).as_posix() for path in ours if path.suffix != ".pyc"}
    assert files == ours


def make_env(tmp_path, **settings):
    """Runs `make env` where there is no environment yet."""
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(ROOT / "scripts", tmp_path / "scripts")
    command = ["make", "env"]
    return subprocess.run(
        command, cwd=tmp_path, env={**os.environ, **settings}, capture_output=True, text=True
    )


def test_the_python_that_is_asked_for_is_not_passed_over(tmp_path):
    """Named in the environment, as `PYTHON=python3.9 make env`."""
    made = make_env(tmp_path, PYTHON="/no/python")
    assert made.returncode and "No suitable Python: looked for /no/python." in made.stderr


def test_a_missing_network_is_named(tmp_path):
    """pip says only that it found no version."""
    made = make_env(
        tmp_path, PYTHON=sys.executable, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull
    )
    assert made.returncode and "is there a network connection?" in made.stderr
