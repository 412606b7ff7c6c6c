"""What a notebook finds in Colab, in a temporary folder: the packages that Colab has, without this repository and
torchinfo.

Real: the notebook's own set-up cell, which clones this repository by its address, builds the library in an environment
of its own and installs it; the kernel, and every package that it imports. Stood in for:

- ``google.colab`` is an empty module, imported before the first cell as Colab does. That is how a notebook knows Colab.
- git finds the repository's address in a copy of the working tree, so that a change is tested before it is pushed.
- pip finds torchinfo, tqdm and setuptools in wheels made from this environment's own. Other downloads fail at once: the
  test needs no network.
- What takes minutes is cut, since `make test` runs it in full in the notebooks as released: trainings stop after ten
steps,
  what is compared in speed runs once, and there is no C++ compiler for chapter 9.
"""

import base64
import hashlib
import json
import os
import re
import shutil
import subprocess
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

from jupyter_client.kernelspec import KernelSpecManager
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell
from packaging.requirements import Requirement
from run_notebooks import PATIENCE, kernel_manager

ROOT = Path(__file__).resolve().parent.parent
COLAB_HAS = ["torch", "torchvision", "matplotlib", "scikit-learn", "ipykernel", "pip"]
FROM_THE_INDEX = ["torchinfo", "tqdm", "setuptools"]

# Runs after the set-up cell. A history has a loss for each step, which the figures rely on.
IN_SHORT = """
import resnet_lib
import resnet_lib.timing

def ten_steps(model, batches, steps, *arguments, train=resnet_lib.train, **named):
    history = train(model, batches, min(steps, 10), *arguments, **named)
    for values in (history.losses, history.learning_rates):
        values += values[-1:] * (steps - len(values))
    return history

def once(run, reference, **options):
    run()
    reference()
    return resnet_lib.timing.Speed((1.0, 1.0), (1.0, 1.0))

resnet_lib.train = ten_steps
resnet_lib.timing.compare_speed = once
"""

# Runs when Python starts, in the kernel and in pip: notes each file that is opened for writing elsewhere.
WATCH = """
import os, sys

def watch(event, arguments, top={top!r}, log={log!r}):
    if event == "open":
        path, mode, flags = arguments
        writes = (flags or 0) & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        changed = [path] if writes and isinstance(path, (str, bytes)) else []
    elif event in ("os.mkdir", "os.rename", "os.remove", "os.rmdir", "os.symlink", "os.link"):
        changed = [path for path in arguments[:2] if isinstance(path, (str, bytes))]
    else:
        return
    for path in changed:
        path = os.path.realpath(os.fsdecode(path))
        if not path.startswith((top, "/dev/", "/proc/")):
            with open(log, "a") as file:
                file.write(event + " " + path + "\\n")

sys.addaudithook(watch)
"""


def with_all_they_need(names: list[str]) -> dict[str, Distribution]:
    """The installed packages of these names, and those that they require, by name."""
    found: dict[str, Distribution] = {}
    wanted = [(name, "") for name in names]
    seen = set()
    while wanted:
        name, extra = wanted.pop()
        if (name, extra) in seen:
            continue
        seen.add((name, extra))
        found[name] = package = distribution(name)
        for requirement in map(Requirement, package.requires or []):
            if not requirement.marker or requirement.marker.evaluate({"extra": extra}):
                wanted += [(requirement.name, each) for each in ["", *requirement.extras]]
    return found


def make_wheel(package: Distribution, folder: Path) -> None:
    """Writes the wheel that an installed package of pure Python came from."""
    name = re.sub(r"[-_.]+", "_", package.metadata["Name"])
    files = [
        path
        for path in package.files
        if ".." not in path.parts
        and path.suffix != ".pyc"
        and path.name not in ("RECORD", "INSTALLER", "REQUESTED")
    ]
    rows = []
    with zipfile.ZipFile(folder / f"{name}-{package.version}-py3-none-any.whl", "w") as wheel:
        for path in files:
            content = path.locate().read_bytes()
            digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode()
            rows.append(f"{path},sha256={digest.rstrip('=')},{len(content)}")
            wheel.writestr(str(path), content)
        record = f"{name}-{package.version}.dist-info/RECORD"
        wheel.writestr(record, "\n".join([*rows, f"{record},,", ""]))


def commit_the_working_tree(repository: Path) -> None:
    """A git repository with one commit: the files that lie in the checkout now."""
    shutil.copytree(
        ROOT,
        repository,
        ignore=shutil.ignore_patterns(".venv*", ".git", "_build", "node_modules", ".*_cache"),
    )
    who = ["-c", "user.name=Test", "-c", "user.email=test@example.org"]
    for command in (["init", "-q"], ["add", "."], [*who, "commit", "-q", "-m", "now"]):
        subprocess.run(["git", "-C", repository, *command], check=True)


class Colab:
    """A folder with what all notebooks share: the repository, the index, the list of packages."""

    def __init__(self, top: Path, address: str):
        self.top = top.resolve()
        self.packages = with_all_they_need(COLAB_HAS)
        self.address = address
        (self.top / "index").mkdir()
        for name in FROM_THE_INDEX:
            make_wheel(distribution(name), self.top / "index")
        commit_the_working_tree(self.top / "repository")

    def machine(self, name: str) -> "Machine":
        """A new machine, on which nothing has run."""
        return Machine(self, self.top / name)


class Machine:
    """One of Colab's machines: an environment, a home and an empty folder to work in, none of which another notebook
    sees.
    """

    def __init__(self, colab: Colab, top: Path):
        self.top = top
        self.work = top / "content"
        self.log = top / "written-elsewhere"
        for folder in ("content", "home", "tmp"):
            (top / folder).mkdir(parents=True)
        venv.create(top / "env", symlinks=True)
        (packages,) = (top / "env").glob("lib/python*/site-packages")
        for package in colab.packages.values():
            for part in {path.parts[0] for path in package.files} - {"..", "__pycache__"}:
                if not (packages / part).exists():
                    (packages / part).symlink_to(package.locate_file(part))
        (packages / "google" / "colab").mkdir(parents=True)
        (packages / "google" / "colab" / "__init__.py").touch()
        watch = WATCH.format(top=f"{colab.top}/", log=str(self.log))
        (packages / "watch.py").write_text(watch, encoding="utf8")
        (packages / "watch.pth").write_text("import watch\n", encoding="utf8")
        python = str(top / "env" / "bin" / "python")
        kernel = {
            "display_name": "Colab",
            "language": "python",
            "argv": [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
            + ["--log-level=ERROR", "--IPKernelApp.exec_lines=import google.colab"],
        }
        (top / "kernels" / "colab").mkdir(parents=True)
        (top / "kernels" / "colab" / "kernel.json").write_text(json.dumps(kernel))
        passed_on = ("PATH", "LANG", "OMP_NUM_THREADS", "TQDM_DISABLE")
        self.environment = {name: os.environ[name] for name in passed_on if name in os.environ}
        nowhere = "http://127.0.0.1:9"
        self.environment |= {
            "HOME": str(top / "home"),
            "TMPDIR": str(top / "tmp"),
            "PYTHONDONTWRITEBYTECODE": "1",  # the packages are those of this environment
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(colab.top / "index"),
            "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it so: 0 is no isolation, which halves the time
            "PIP_DISABLE_PIP_VERSION_CHECK": "1",
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": f"url.{(colab.top / 'repository').as_uri()}.insteadOf",
            "GIT_CONFIG_VALUE_0": colab.address,
            "http_proxy": nowhere,
            "https_proxy": nowhere,
            "CXX": "/no-compiler",
        }

    def run(self, notebook: NotebookNode) -> None:
        """Runs all cells and stores their outputs in the notebook."""
        for place, cell in enumerate(notebook.cells, start=1):
            if '"google.colab" in sys.modules' in cell.source:
                notebook.cells.insert(place, new_code_cell(IN_SHORT))
                break
        specs = KernelSpecManager(
            kernel_dirs=[str(self.top / "kernels")], ensure_native_kernel=False
        )
        client = NotebookClient(
            notebook,
            km=kernel_manager(kernel_name="colab", kernel_spec_manager=specs),
            **PATIENCE,
            resources={"metadata": {"path": str(self.work)}},
        )
        client.execute(env=self.environment, cleanup_kc=True)

    def written(self) -> list[str]:
        """What was left in the folder that the notebook works in, and what was changed outside of the temporary
        folder.
        """
        left = [str(path) for path in self.work.rglob("*")]
        outside = self.log.read_text(encoding="utf8").splitlines() if self.log.exists() else []
        return left + outside
