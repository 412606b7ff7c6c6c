"""The browser of the tests, of `make pdf` and of `make lighthouse`: `python scripts/browser.py` sees to it that there
is one.

It takes the first that works: the system's Chromium or Chrome; the one that playwright downloads; Debian's package,
where this may install it; the one in the npm package @sparticuz/chromium, which needs nothing but x86-64 Linux.
"""

import contextlib
import os
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import node
from playwright.sync_api import Browser, sync_playwright

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
MACOS = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]
UNPACKED = node.ROOT / "_build" / "browser"
START = UNPACKED / "start"

# The package unpacks itself into the folder for temporary files; only these three parts are needed here.
UNPACK = """import { inflate } from "@sparticuz/chromium";
const parts = ["chromium.br", "al2023.tar.br", "fonts.tar.br"];
await Promise.all(parts.map((part) => inflate(`node_modules/@sparticuz/chromium/bin/${part}`)));"""
# Its libraries come before the system's, and its fonts stand beside the system's.
START_SCRIPT = """#!/bin/sh
here=$(dirname "$0")
LD_LIBRARY_PATH="$here/al2023/lib" XDG_DATA_HOME="$here" exec "$here/chromium" "$@"
"""


def works(path: str | Path) -> bool:
    """Whether the browser starts: one may be there and lack a library, or only say how to install it."""
    try:
        return subprocess.run([path, "--version"], capture_output=True).returncode == 0
    except OSError:
        return False


def find() -> str | None:
    """The path of the first browser that works, or None. Not to be called while playwright runs."""
    there = [path for path in map(shutil.which, NAMES) if path] + MACOS
    found = next(filter(works, there), None) or next(filter(works, [downloaded(), START]), None)
    return found and str(found)


def downloaded() -> str:
    """Where playwright's own browser is, once it is there."""
    with sync_playwright() as playwright:
        return playwright.chromium.executable_path


@contextlib.contextmanager
def opened() -> Iterator[Browser]:
    """A browser without a window, driven by playwright."""
    path = find()
    if not path:
        raise SystemExit(f"No browser was found. {sys.executable} {__file__} sees to one.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--disable-gpu"])
        yield browser
        browser.close()


def download() -> None:
    """Playwright's own, from its server."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def install() -> None:
    """Debian's package, where this is root."""
    if shutil.which("apt-get") and os.geteuid() == 0:
        settings = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update"], ["install", "-y", "--no-install-recommends", "chromium"]):
            subprocess.run(["apt-get", "-qq", *words], env=settings, stdout=subprocess.DEVNULL)


def unpack() -> None:
    """The one in the npm package."""
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        return
    fetched = node.run("npm", "install", "--no-save", "--include=dev")
    if fetched.returncode != 0:
        print(fetched.stdout, file=sys.stderr)
        return
    shutil.rmtree(UNPACKED, ignore_errors=True)
    UNPACKED.mkdir(parents=True)
    settings = {**os.environ, "TMPDIR": str(UNPACKED)}
    unpacked = node.run("node", "--input-type=module", "-e", UNPACK, env=settings)
    print(unpacked.stdout, end="", file=sys.stderr)
    START.write_text(START_SCRIPT, encoding="utf8")
    START.chmod(0o755)


WAYS = {
    "playwright's download": download,
    "Debian's package": install,
    "the npm package @sparticuz/chromium": unpack,
}


def main() -> int:
    """Tries one way after the other until there is a browser. 1 where there is none in the end."""
    if find():
        return 0
    for name, fetch in WAYS.items():
        print(f"The tests of the pages need a browser. Trying {name} …", flush=True)
        fetch()
        if find():
            return 0
    print(
        "The tests of the pages need a browser, and none could be had. Install one and try again:\n"
        "  Debian, Ubuntu: sudo apt install chromium     macOS: brew install --cask chromium",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
