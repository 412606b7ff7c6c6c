"""Sets the repository's address wherever it stands: python3 scripts/publish_as.py [OWNER/NAME]. `make publish-as` calls
it. Without a name it takes that of git's remote origin.

_config.yml holds the address, and everything else follows it: the notebooks' set-up cells, and links to Colab and to
this repository's own files and workflows. Links to other repositories stay. It needs nothing but Python and git.

Texts hold what is true of a published book alone as <!--published …-->, which nobody sees, until there is an address.
"""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

OWNER = r"[A-Za-z0-9](?:-?[A-Za-z0-9]){0,38}"
REPOSITORY = rf"(?P<repository>{OWNER}/[A-Za-z0-9._-]*[A-Za-z0-9_-])"

EXAMPLE = "your-name/your-repository"  # in the README, where it must stay
HIDDEN = r"<!--published (.+?)-->"
SHOWN = r"<!--published-->(.+?)<!--end-->"

# What an address of this repository looks like, whatever owner and name it gives. A file or a folder must be there.
PLACES = [
    rf"git\+https://github\.com/{REPOSITORY}",
    rf"colab\.research\.google\.com/github/{REPOSITORY}",
    rf"github\.com/{REPOSITORY}/actions\b",
    rf"github\.com/{REPOSITORY}/(?:blob|tree|raw|edit)/main/(?P<path>[\w./-]*[\w/-])",
    rf"raw\.githubusercontent\.com/{REPOSITORY}/main/(?P<path>[\w./-]*[\w/-])",
    rf"(?m)^repository-code: \W?https://github\.com/{REPOSITORY}",  # CITATION.cff
]
IN_SETTINGS = rf"(?m)^  url: https://github\.com/{REPOSITORY}"
SITE = r"(?m)^  baseurl: &site (?P<site>\S+)"
SITE_IN_CITATION = r"(?m)^url: (?P<site>\S+)"


def is_named(repository: str) -> bool:
    """Whether this is a repository's name, and not what stands for one until the first `make publish-as`."""
    return not repository.startswith("OWNER/")


def site_of(repository: str) -> str:
    """Where GitHub Pages puts the site of a repository. One that is named owner.github.io is its owner's main site."""
    owner, name = repository.split("/")
    host = f"{owner.lower()}.github.io"
    return f"https://{host}/" if name.lower() == host else f"https://{host}/{name}/"


def of_origin(root: Path) -> str:
    """The owner's and the repository's name by the address of the remote origin, or "" where that is none on GitHub."""
    command = ["git", "-C", str(root), "remote", "get-url", "origin"]
    address = subprocess.run(command, capture_output=True, text=True).stdout.strip()
    found = re.search(
        rf"\bgithub\.com[:/]{REPOSITORY}$", address.rstrip("/").removesuffix(".git")
    )
    return found["repository"] if found else ""


def texts(root: Path) -> Iterator[tuple[Path, str]]:
    """The text files that git knows or would take in, with what is in them. Tests have addresses that are made up."""
    command = ["git", "-C", str(root), "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    for name in sorted(set(listed.split("\0")) - {""}):
        path = root / name
        if path.is_file() and not name.startswith("tests/"):
            try:
                yield path, path.read_bytes().decode()
            except UnicodeDecodeError:
                pass  # a picture or a font


def places(root: Path, text: str) -> list[re.Match]:
    """Where a text gives this repository's address."""
    found = [match for pattern in PLACES for match in re.finditer(pattern, text)]
    return [
        match
        for match in found
        if not match.groupdict().get("path") or (root / match["path"]).exists()
    ]


def publish_as(root: Path, repository: str) -> list[str]:
    """Sets the address in all files below ``root``. Returns what was changed, one line for each file."""
    settings = (root / "_config.yml").read_text(encoding="utf8")
    old = re.search(IN_SETTINGS, settings)["repository"]
    old_site = re.search(SITE, settings)["site"]
    site = (
        site_of(repository) if old_site == site_of(old) else old_site
    )  # or a domain of one's own
    changed = []
    for path, text in list(texts(root)):
        spans = [match.span("repository") for match in places(root, text)]
        ours = rf"github\.com/(?P<repository>{re.escape(old)})(?=\.git\b|\.?(?![\w.-]))"
        spans += [match.span("repository") for match in re.finditer(ours, text)]
        new, end = [], 0
        for first, last in sorted(set(spans)):
            new += [text[end:first], repository]
            end = last
        new = "".join([*new, text[end:]]).replace(old_site, site)
        if path.name == "README.md":
            new = (
                re.sub(HIDDEN, r"<!--published-->\1<!--end-->", new)
                if is_named(repository)
                else re.sub(SHOWN, r"<!--published \1-->", new)
            )
        if path.name == "CITATION.cff":
            new = re.sub(SITE_IN_CITATION, f"url: {site}", new)
        if new != text:
            path.write_bytes(new.encode())
            changed.append(f"  {path.relative_to(root)}")
    return changed


def main(arguments: list[str]) -> int:
    root = Path(__file__).resolve().parent.parent
    given = (arguments[0] if arguments else "") or of_origin(root)
    if not given:
        print(
            "git's remote origin is no repository on GitHub. "
            "Give the name, for example: make publish-as REPO=marie-curie/resnet-book",
            file=sys.stderr,
        )
        return 2
    if not re.fullmatch(REPOSITORY, given) or given.endswith(".git"):
        print(
            f"REPO must be the owner's and the repository's name on GitHub, not {given!r}. "
            "For example: make publish-as REPO=marie-curie/resnet-book",
            file=sys.stderr,
        )
        return 2
    if given == EXAMPLE:
        print(f"{EXAMPLE} stands for the name of your own repository.", file=sys.stderr)
        return 2
    changed = publish_as(root, given)
    print("\n".join(["Changed:", *changed] if changed else ["Nothing had to change."]))
    settings = (root / "_config.yml").read_text(encoding="utf8")
    print(
        f"The repository is https://github.com/{given}, the site {re.search(SITE, settings)['site']}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
