"""Finds the browser for the tests of the pages: the system's Chromium or Chrome, or else playwright's own, which it downloads.

`make env` runs this, so that no test has to fetch anything. Where no browser can be had, it says what to do and fails.
"""

import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
MACOS = [
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
]


def system_browser() -> str | None:
    """The path of the system's Chromium or Chrome, or None."""
    found = [path for path in map(shutil.which, NAMES) if path]
    found += [path for path in MACOS if Path(path).exists()]
    return found[0] if found else None


def main() -> int:
    if system_browser():
        return 0
    print(
        "No Chromium or Chrome found: downloading playwright's own for the tests of the pages …"
    )
    if (
        subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"]).returncode
        == 0
    ):
        return 0
    print(
        "The tests of the pages need a browser, and none could be had. Install one and try again:\n"
        "  Debian, Ubuntu: sudo apt install chromium     macOS: brew install --cask chromium",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
