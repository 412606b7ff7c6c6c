"""The wheel that `pip install` makes of this repository, as a reader in Colab gets it."""

import os
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
