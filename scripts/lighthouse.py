"""Measures the built site with Lighthouse, as a phone and as a desktop, and fails where a score is below the bar.

`make lighthouse` runs it. It needs npm (Node 18.16 or newer), which fetches Lighthouse at the version below. It is no
part of `make test`: the performance score depends on the machine and on what else runs there. Of three runs the middle
score counts.

The site is served as GitHub Pages serves it: gzip for text, connections kept open, and ten minutes in the browser's
cache.
"""

import functools
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from browser import find

LIGHTHOUSE = "lighthouse@12.8.2"
RUNS = 3
SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
PAGES = ["book/index.html", "book/01-output-size.html"]
DEVICES = {"phone": [], "desktop": ["--preset=desktop"]}  # the phone is Lighthouse's default
BAR = {"performance": 95, "accessibility": 100, "best-practices": 96, "seo": 100}
TEXT = (".html", ".css", ".js", ".svg", ".json", ".txt", ".xml")


@functools.cache
def compressed(path: Path) -> bytes:
    return gzip.compress(path.read_bytes())


class StaticHost(SimpleHTTPRequestHandler):
    """Serves files with the headers of GitHub Pages."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        zipped = path.suffix in TEXT and "gzip" in self.headers.get("Accept-Encoding", "")
        if not (zipped and path.is_file()):
            return super().do_GET()
        body = compressed(path)
        self.send_response(200)
        self.send_header("Content-Type", f"{self.guess_type(path)}; charset=utf-8")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def end_headers(self):
        self.send_header("Cache-Control", "max-age=600")
        super().end_headers()

    def log_message(self, *arguments):
        pass


def measure(address: str, flags: list[str], browser: str) -> dict:
    """Lighthouse's report on one page."""
    sandbox = " --no-sandbox" if os.geteuid() == 0 else ""  # root has no sandbox
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        command = ["npm", "exec", "--yes", LIGHTHOUSE, "--", address, "--quiet"]
        command += ["--output=json", f"--output-path={report}"]
        command += [f"--chrome-flags=--headless=new{sandbox}", *flags]
        ran = subprocess.run(
            command,
            env={**os.environ, "CHROME_PATH": browser},
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        if not report.exists():
            raise SystemExit(f"Lighthouse gave no report on {address}:\n{ran.stdout[-2000:]}")
        return json.loads(report.read_text(encoding="utf8"))


def scores(report: dict) -> dict[str, int]:
    """The score of each category, 0 to 100."""
    return {name: round(100 * (report["categories"][name]["score"] or 0)) for name in BAR}


def lost_points(report: dict, name: str) -> list[str]:
    """What takes points from a category."""
    found = []
    for part in report["categories"][name]["auditRefs"]:
        audit = report["audits"][part["id"]]
        if part["weight"] and audit["score"] is not None and audit["score"] < 1:
            found.append(f"{audit['title']} {audit.get('displayValue', '')}".strip())
    return found


def main() -> int:
    if not SITE.is_dir():
        raise SystemExit("There is no site in _build/html: run `make book` first.")
    if not shutil.which("npm"):
        raise SystemExit("Lighthouse comes from npm, which is not here: install Node.js.")
    below = False
    browser = find()
    handler = functools.partial(StaticHost, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        for page in PAGES:
            for device, flags in DEVICES.items():
                address = f"http://127.0.0.1:{server.server_port}/{page}"
                reports = [measure(address, flags, browser) for _ in range(RUNS)]
                each = [scores(report) for report in reports]
                middle = {name: statistics.median(run[name] for run in each) for name in BAR}
                said = "  ".join(f"{name} {score:3d}" for name, score in middle.items())
                print(f"{page:26} {device:8} {said}", flush=True)
                for name, score in middle.items():
                    if score < BAR[name]:
                        below = True
                        print(f"  {name} is below {BAR[name]}: {lost_points(reports[0], name)}")
        server.shutdown()
    return int(below)


if __name__ == "__main__":
    sys.exit(main())
