"""One place for the repository's address: `make publish-as` sets it everywhere, and every other place agrees with
it.
"""

import json
import re
import shlex
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml
from colab import commit_the_working_tree
from markdown_it import MarkdownIt
from publish_as import (
    IN_SETTINGS,
    SITE,
    SITE_IN_CITATION,
    is_named,
    of_origin,
    places,
    site_of,
    texts,
)

ROOT = Path(__file__).resolve().parent.parent


def disagreements(root: Path) -> list[str]:
    """The addresses of this repository or its site that are not those of _config.yml."""
    settings = yaml.safe_load((root / "_config.yml").read_text(encoding="utf8"))
    ours = settings["repository"]["url"].removeprefix("https://github.com/")
    site = settings["html"]["baseurl"]
    found = []
    if settings["sphinx"]["config"]["ogp_site_url"] != site or not re.match(
        r"https://.*/$", site
    ):
        found.append(f"_config.yml: {site}")
    if ".github.io/" in site and site != site_of(ours):
        found.append(f"_config.yml: {site} is not the site of {ours}")
    for path, text in texts(root):
        wrong = [match[0] for match in places(root, text) if match["repository"] != ours]
        if path.name == "CITATION.cff":
            wrong += [url for url in re.findall(SITE_IN_CITATION, text) if url != site]
        if path.suffix == ".ipynb":
            commands = re.findall(r"pip install[^\n]*github[^\n]*", text)
            wrong += [
                line for line in commands if f"git+https://github.com/{ours}\\" not in line
            ]
        found += [f"{path.relative_to(root)}: {address}" for address in wrong]
    return found


@pytest.fixture
def tree(tmp_path):
    """A copy of the working tree, as git knows it."""
    commit_the_working_tree(tmp_path / "tree")
    return tmp_path / "tree"


def publish(tree: Path, name: str = "") -> subprocess.CompletedProcess:
    command = ["make", "-s", "-C", str(tree), "publish-as"]
    command += [f"PYTHON={shlex.quote(sys.executable)}", *([f"REPO={name}"] if name else [])]
    return subprocess.run(command, capture_output=True, text=True)


def contents(tree: Path) -> dict[str, str]:
    return {str(path.relative_to(tree)): text for path, text in texts(tree)}


def test_every_place_gives_the_same_address():
    assert disagreements(ROOT) == []


@pytest.mark.parametrize(
    ("name", "site"),
    [
        ("marie-curie/Resnet.book_2", "https://marie-curie.github.io/Resnet.book_2/"),
        ("Ada/ada.github.io", "https://ada.github.io/"),
    ],
)
def test_publish_as_sets_every_place_and_back(tree, name, site):
    before = contents(tree)
    (old,) = re.findall(IN_SETTINGS, before["_config.yml"])
    said = publish(tree, name)
    assert said.returncode == 0 and said.stdout.endswith(f"the site {site}\n"), said
    after = contents(tree)
    changed = [path for path in before if before[path] != after[path]]
    assert set(changed) == set(re.findall(r"(?m)^  (.+)$", said.stdout))
    assert {"_config.yml", *(path for path in before if path.endswith(".ipynb"))} <= set(
        changed
    )
    assert disagreements(tree) == []
    for gone in (old, site_of(old)):
        assert [path for path, text in after.items() if gone in text] == []
    for path in changed:
        if path.endswith(".ipynb"):
            old_cells, new_cells = (
                json.loads(text)["cells"] for text in (before[path], after[path])
            )
            for one, other in zip(old_cells, new_cells, strict=True):
                source = "".join(one.pop("source")).replace(old, name)
                assert source == "".join(other.pop("source")) and one == other, path

    again = publish(tree, name)
    assert again.stdout.startswith("Nothing had to change.") and contents(tree) == after
    assert publish(tree, old).returncode == 0 and contents(tree) == before


def test_a_domain_of_ones_own_stays_and_what_came_from_another_fork_is_set(tree):
    settings = tree / "_config.yml"
    text = settings.read_text(encoding="utf8")
    settings.write_text(re.sub(SITE, "  baseurl: &site https://book.example.org/", text))
    foreign = tree / "README.md"
    link = (
        "https://colab.research.google.com/github/an/other/blob/main/book/01-output-size.ipynb"
    )
    foreign.write_text(foreign.read_text(encoding="utf8") + f"\n[Colab]({link})\n")
    assert [each.split(":")[0] for each in disagreements(tree)] == ["CITATION.cff", "README.md"]
    assert publish(tree, "ada/book").stdout.endswith("the site https://book.example.org/\n")
    assert disagreements(tree) == [] and "github/ada/book/blob" in foreign.read_text(
        encoding="utf8"
    )


ADDRESSES = [
    ("https://github.com/ada/book", "ada/book"),
    ("https://github.com/ada/book.git/", "ada/book"),
    ("https://someone@github.com/ada/Book.2.git", "ada/Book.2"),
    ("git@github.com:ada/book.git", "ada/book"),
    ("ssh://git@github.com/ada/book.git", "ada/book"),
    ("https://gitlab.com/ada/book.git", ""),
    ("https://notgithub.com/ada/book.git", ""),
    ("../github.com/book", ""),
    (None, ""),
]


@pytest.mark.parametrize(("address", "name"), ADDRESSES, ids=str)
def test_the_name_of_origin(tmp_path, address, name):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    if address:
        subprocess.run(["git", "-C", tmp_path, "remote", "add", "origin", address], check=True)
    assert of_origin(tmp_path) == name


def test_publish_as_takes_the_name_of_origin_and_says_where_there_is_none(tree):
    before = contents(tree)
    said = publish(tree)
    assert said.returncode == 2 and said.stderr.startswith("git's remote origin is no"), said
    assert contents(tree) == before
    address = "git@github.com:ada/book.git"
    subprocess.run(["git", "-C", tree, "remote", "add", "origin", address], check=True)
    assert publish(tree).stdout.endswith("the site https://ada.github.io/book/\n")
    assert disagreements(tree) == []


def links(readme: Path) -> list[str]:
    """The addresses that a reader of a Markdown file can click."""
    parsed = MarkdownIt("commonmark").enable("table").parse(readme.read_text(encoding="utf8"))
    parts = [part for token in parsed for part in token.children or []]
    return [part.attrs["href"] for part in parts if part.type == "link_open"]


def test_the_readme_links_to_the_published_book_and_to_colab_once_there_is_one(tree):
    elsewhere = re.compile(r"https://(?:colab\.|[\w-]+\.github\.io|github\.com/)")
    assert publish(tree, "OWNER/REPO").returncode == 0
    assert [link for link in links(tree / "README.md") if elsewhere.match(link)] == []
    assert publish(tree, "ada/book").returncode == 0
    assert [link for link in links(tree / "README.md") if elsewhere.match(link)] == [
        "https://ada.github.io/book/",
        "https://colab.research.google.com/github/ada/book/blob/main/book/01-output-size.ipynb",
    ]


@pytest.mark.parametrize("name", ["OWNER/REPO", "ada/book"])
def test_pages_have_their_buttons_once_the_repository_has_a_name(monkeypatch, name):
    """The site is built with one of the two alone: test_site.py looks at it."""
    monkeypatch.syspath_prepend(str(ROOT / "book" / "_theme"))
    import book_site

    given = {"launch_buttons": {"colab_url": "colab"}, "use_repository_button": True}
    given["repository_url"] = f"https://github.com/{name}"
    config = SimpleNamespace(html_theme_options=given)
    assert book_site.is_named(config) == is_named(name) == (name != "OWNER/REPO")
    book_site.set_options(None, config)
    shown = config.html_theme_options
    assert bool(shown["launch_buttons"]) == shown["use_repository_button"] == is_named(name)


@pytest.mark.parametrize(
    "name",
    [
        "book",
        "a/b/c",
        "https://github.com/ada/book",
        "ada/book.git",
        "-a/b",
        "a b/c",
        "a/b;c",
        "a/..",
        "a/b\n",
    ],
)
def test_a_name_that_is_none_is_refused(name, tmp_path):
    command = [sys.executable, str(ROOT / "scripts" / "publish_as.py"), name]
    said = subprocess.run(command, capture_output=True, text=True)
    assert said.returncode == 2 and said.stderr.startswith("REPO must be the owner's and")
    assert repr(name) in said.stderr and not said.stdout


def test_the_example_of_the_readme_and_a_quote_are_refused(tree):
    """The one would become the README's other words, the other is none of the shell's."""
    before = contents(tree)
    for name, words in [
        ("your-name/your-repository", "stands for the name of your own"),
        ("a'b/c", "REPO must be the owner's and"),
    ]:
        said = publish(tree, name)
        assert said.returncode == 2 and words in said.stderr, said
    assert contents(tree) == before and "your-name/your-repository" in before["README.md"]


@pytest.mark.parametrize(
    ("file", "text"),
    [
        ("README.md", "https://github.com/an/other/blob/main/book/glossary.md"),
        ("README.md", "https://github.com/an/other/actions/workflows/book.yml"),
        ("book/index.md", "https://raw.githubusercontent.com/an/other/main/README.md"),
        ("book/index.md", "pip install git+https://github.com/an/other"),
        ("CITATION.cff", "repository-code: https://github.com/an/other"),
        ("CITATION.cff", "url: https://an.github.io/other/"),
    ],
)
def test_a_place_that_disagrees_is_found(tmp_path, file, text):
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    for path in ("_config.yml", "README.md", "book/glossary.md"):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_bytes((ROOT / path).read_bytes())
    assert disagreements(tmp_path) == []
    (tmp_path / file).write_text(f"{text}\n", encoding="utf8")
    assert len(disagreements(tmp_path)) == 1
