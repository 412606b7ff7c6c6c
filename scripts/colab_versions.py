"""Writes requirements-colab.txt: the releases of Colab's own packages that the notebooks meet there.

    python3 scripts/colab_versions.py                                # Colab's lists, as they are published now
    python3 scripts/colab_versions.py pip-freeze.txt os-info.txt     # copies of them

`make test-library COLAB=1` runs the library's tests and all notebooks with what the file says, and a workflow does both
every week. The last line printed names Colab's Python for the workflow. It needs nothing but Python.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path
from urllib.request import urlopen

TARGET = Path(__file__).resolve().parent.parent / "requirements-colab.txt"
PUBLISHED = "https://raw.githubusercontent.com/googlecolab/backend-info/main/"
LISTS = ("pip-freeze.txt", "os-info.txt")

# What a notebook of this book loads in Colab and does not install itself.
PACKAGES = ["torch", "torchvision", "numpy", "scipy", "scikit-learn", "matplotlib", "pillow"]
PACKAGES += ["tqdm", "ipykernel", "ipython", "ipywidgets", "traitlets"]

HEAD = """\
# What Colab has, for `make test-library COLAB=1`. scripts/colab_versions.py writes this file from Colab's lists.
# Python {python}
"""


def releases(freeze: Iterable[str]) -> dict[str, str]:
    """The releases in a list by `pip freeze`, by name. That a build is for CUDA (2.11.0+cu128) is left out."""
    found = {}
    for line in freeze:
        name, at, address = line.strip().partition(" @ ")
        if at:  # name @ https://…/torch-2.11.0%2Bcu128-cp313-….whl
            file = address.rpartition("/")[2]
            release = re.match(r"[\w.]+-(\d[\w.]*)(?:%2B|[-+])", file)
        else:
            name, _, text = name.partition("==")
            release = re.match(r"(\d[\w.]*)", text)
        if release and not name.startswith("#"):
            found[re.sub(r"[-_.]+", "-", name).lower()] = release[1]
    return found


def requirements(freeze: str, system: str) -> str:
    """The text of requirements-colab.txt, from Colab's two lists. A list without one of the packages is an error."""
    found = releases(freeze.splitlines())
    python = re.search(r"(?m)^Python (3\.\d+)", system)
    missing = [name for name in PACKAGES if name not in found] + ["Python"] * (not python)
    if missing:
        raise ValueError(f"Colab's lists say nothing of {', '.join(missing)}")
    lines = [f"{name}=={found[name]}\n" for name in PACKAGES]
    return HEAD.format(python=python[1]) + "".join(lines)


def main(paths: list[str]) -> int:
    if len(paths) not in (0, 2):
        print("Give the two lists, or nothing: then they are fetched.", file=sys.stderr)
        return 2
    if paths:
        texts = [Path(path).read_text(encoding="utf8") for path in paths]
    else:
        texts = [urlopen(PUBLISHED + name, timeout=60).read().decode() for name in LISTS]
    text = requirements(*texts)
    TARGET.write_text(text, encoding="utf8")
    print(text)
    print(f"python={re.search(r'# Python (.+)', text)[1]}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
