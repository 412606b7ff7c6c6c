"""What holds for the built site in _build/html, which `make book` makes. `make test` builds it first.

Each check is a function from a page to a list of problems, and the last tests show each one a page that is broken in
that way.
"""

import functools
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Callable
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup
from markdown_it import MarkdownIt

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
PAGES = sorted(
    path for path in SITE.rglob("*.html") if path.relative_to(SITE).parts[0] != "_static"
)

# What a browser fetches by itself when it shows a page. A link that a reader clicks is none of these.
FETCHED = {
    "script": ["src"],
    "link": ["href"],
    "img": ["src", "srcset"],
    "source": ["src", "srcset"],
    "iframe": ["src"],
    "video": ["src", "poster"],
    "audio": ["src"],
    "track": ["src"],
    "embed": ["src"],
    "object": ["data"],
    "input": ["src"],
    "use": ["href", "xlink:href"],
    "image": ["href", "xlink:href"],
    "form": ["action"],
}
ELSEWHERE = re.compile(
    r"(?:^|[\s,])(?:\w+:)?//", re.IGNORECASE
)  # https://…, and //… with the page's own scheme
ELSEWHERE_IN_CSS = re.compile(
    r"url\(\s*[\"']?\s*(?:https?:)?//|@import\s+[\"'](?:https?:)?//", re.IGNORECASE
)


def check_no_other_host(page: BeautifulSoup) -> list[str]:
    """A page loads nothing from another host: it works offline, and nobody learns who reads it."""
    found = []
    for tag, attributes in FETCHED.items():
        for element in page.find_all(tag):
            if element.get("rel") == ["canonical"]:
                continue  # the page's own address, for search engines: nothing is fetched
            found += [
                str(element)[:200]
                for name in attributes
                if ELSEWHERE.search(element.get(name) or "")
            ]
    for element in page.find_all("script", src=False):
        # The name of SVG looks like an address, and nobody fetches it.
        text = (element.string or "").replace('"http://www.w3.org/2000/svg"', "")
        if re.search(r"https?://", text) and not element.get("type", "").endswith("json"):
            found.append(str(element)[:200])
    styles = [element.string or "" for element in page.find_all("style")]
    styles += [element["style"] for element in page.find_all(style=True)]
    return found + [style[:200] for style in styles if ELSEWHERE_IN_CSS.search(style)]


def check_images(page: BeautifulSoup) -> list[str]:
    """Every image has a text. An empty one says that an image is decoration, which the book's own never are."""
    article = page.find("article")
    found = [str(image)[:200] for image in page.find_all("img") if not image.has_attr("alt")]
    return found + [
        str(image)[:200]
        for image in (article.find_all("img") if article else [])
        if not image.get("alt")
    ]


def check_headings(page: BeautifulSoup) -> list[str]:
    """One title and one main heading. The theme repeats the heading for printing, and hides that copy on the screen."""
    titles = [title.get_text().strip() for title in page.select("head > title")]
    headings = [
        heading
        for heading in page.find_all("h1")
        if not heading.find_parent(id="jb-print-docs-body")
    ]
    found = [] if len(titles) == 1 and titles[0] else [f"titles: {titles}"]
    return found if len(headings) == 1 else [*found, f"main headings: {headings}"]


def check_links_to_other_sites(page: BeautifulSoup) -> list[str]:
    """Links to other sites are whole and encrypted. Whether they answer is not for a test to find out."""
    found = []
    for link in page.find_all("a", href=True):
        parts = urlsplit(link["href"])
        if parts.scheme not in ("", "https", "mailto") or (
            parts.scheme == "https" and "." not in parts.netloc
        ):
            found.append(link["href"])
        if not parts.scheme and parts.netloc:
            found.append(link["href"])
    return found


def check_colab_links(page: BeautifulSoup) -> list[str]:
    """A link to Colab names a notebook that is in this repository, on its main branch."""
    found = []
    for link in page.find_all("a", href=re.compile("^https://colab.research.google.com/")):
        path = re.fullmatch(
            r"/github/[^/]+/[^/]+/blob/main/(.+\.ipynb)", unquote(urlsplit(link["href"]).path)
        )
        if not path or not (ROOT / path[1]).is_file():
            found.append(link["href"])
    return found


def check_no_link_to_nobodys_repository(page: BeautifulSoup) -> list[str]:
    """A page links to the repository, to Colab or to the published book only where `make publish-as` has named it."""
    nobodys = re.compile(r"/OWNER/REPO|//owner\.github\.io/REPO")
    return [link["href"] for link in page.find_all("a", href=nobodys)]


CHECKS = [
    check_no_other_host,
    check_images,
    check_headings,
    check_links_to_other_sites,
    check_colab_links,
    check_no_link_to_nobodys_repository,
]


def parse(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def run_linkchecker(start: Path) -> tuple[int, str]:
    """Follows all links from a page through its site, without the network. 0 stands for all found."""
    # For root its command line changes to a user who may not be able to read the site, nor Python's own files.
    program = "from linkcheck.command import linkchecker as c; c.drop_privileges = lambda: None; c.linkchecker()"
    with tempfile.NamedTemporaryFile("w") as settings:  # in the place of the user's own
        print("[checking]", "threads=1", sep="\n", file=settings, flush=True)
        options = ["--config", settings.name, "--no-status"]
        command = [sys.executable, "-c", program, *options, str(start)]
        result = subprocess.run(command, capture_output=True, text=True)
    return result.returncode, result.stdout + result.stderr


def broken_anchors(pages: dict[Path, BeautifulSoup]) -> list[str]:
    """The links to a place in a page where that page has no such place. linkchecker would read a page again for each of
    them.
    """
    places = {
        path: {tag["id"] for tag in page.find_all(id=True)} for path, page in pages.items()
    }
    found = []
    for path, page in pages.items():
        for link in page.find_all("a", href=True):
            target = urlsplit(urljoin(path.as_uri(), link["href"]))
            there = places.get(Path(unquote(target.path)))
            if target.scheme == "file" and target.fragment and there is not None:
                if unquote(target.fragment) not in there:
                    found.append(f"{path.name}: {link['href']}")
    return found


def broken_markdown_links(path: Path) -> list[str]:
    """The relative links and pictures of a Markdown file whose file or heading is not there."""
    found = []
    for token in (
        MarkdownIt("commonmark").enable("table").parse(path.read_text(encoding="utf8"))
    ):
        inline = token.children or []
        targets = [child.attrs["href"] for child in inline if child.type == "link_open"]
        targets += [child.attrs["src"] for child in inline if child.type == "image"]
        if token.type == "html_block" or any(child.type == "html_inline" for child in inline):
            targets += re.findall(r"\b(?:href|src)=\"([^\"]+)\"", token.content)
        for target in targets:
            parts = urlsplit(target)
            if parts.scheme or parts.netloc:
                continue
            file = path.parent / unquote(parts.path) if parts.path else path
            if not file.exists():
                found.append(target)
            elif (
                parts.fragment and file.suffix == ".md" and parts.fragment not in headings(file)
            ):
                found.append(target)
    return found


def headings(path: Path) -> set[str]:
    """The anchors that GitHub gives the headings of a Markdown file."""
    tokens = MarkdownIt("commonmark").parse(path.read_text(encoding="utf8"))
    texts = [
        tokens[i + 1].content for i, token in enumerate(tokens) if token.type == "heading_open"
    ]
    return {re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-") for text in texts}


def test_the_site_is_there():
    assert PAGES, "there is no site in _build/html: run `make book` first"


def test_the_site_has_the_pages_of_the_toc_and_no_other():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    listed = {
        toc["root"],
        *(chapter["file"] for part in toc["parts"] for chapter in part["chapters"]),
    }
    built = {
        path.relative_to(SITE).with_suffix("").as_posix()
        for path in PAGES
        if path.parent == SITE / "book"
    }
    assert built == listed


def test_every_page_and_notebook_of_the_book_is_in_the_toc():
    toc = (ROOT / "_toc.yml").read_text(encoding="utf8")
    files = [path for path in (ROOT / "book").iterdir() if path.suffix in (".md", ".ipynb")]
    assert [
        path.name
        for path in files
        if not re.search(rf"\bbook/{re.escape(path.stem)}$", toc, re.MULTILINE)
    ] == []


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_pages(check: Callable[[BeautifulSoup], list[str]]):
    found = {str(path.relative_to(SITE)): check(page) for path, page in parsed_pages()}
    assert {path: problems for path, problems in found.items() if problems} == {}


@functools.cache
def parsed_pages() -> list[tuple[Path, BeautifulSoup]]:
    """All pages, parsed once for all checks."""
    return [(path, parse(path.read_text(encoding="utf8"))) for path in PAGES]


def test_every_chapter_and_page_describes_itself_to_search_engines_and_in_links():
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    address = settings["html"]["baseurl"]
    described = {}
    for path, page in parsed_pages():
        if path.parent != SITE / "book":
            continue
        said = {
            tag.get("property") or tag.get("name"): tag["content"]
            for tag in page.select("meta[content]")
        }
        own = address + path.relative_to(SITE).as_posix()
        assert page.find("link", rel="canonical")["href"] == said["og:url"] == own
        assert said["og:title"] and said["og:site_name"] == settings["title"], path
        assert said["og:image"].startswith(address) and said["og:image:alt"], path
        assert (SITE / said["og:image"].removeprefix(address)).is_file(), path
        assert said["twitter:card"] == "summary_large_image", path
        assert said["description"] and said["og:description"], path
        assert 50 <= len(said["description"]) <= 250, (path, said["description"])
        assert "robots" not in said, path
        described[said["description"]] = path
    assert len(described) == len(list((SITE / "book").glob("*.html")))


def test_style_sheets_load_nothing_from_another_host():
    sheets = list(SITE.rglob("*.css"))
    assert sheets
    assert [
        str(sheet)
        for sheet in sheets
        if ELSEWHERE_IN_CSS.search(sheet.read_text(encoding="utf8"))
    ] == []


def test_links():
    status, report = run_linkchecker(SITE / "index.html")
    assert status == 0, report
    assert int(re.search(r"(\d+) links? in", report)[1]) > len(PAGES), report


def test_anchors():
    assert broken_anchors(dict(parsed_pages())) == []


@pytest.mark.parametrize("path", sorted(ROOT.glob("*.md")), ids=lambda path: path.name)
def test_links_of_the_readme_and_the_texts_beside_it(path):
    assert broken_markdown_links(path) == []


def test_the_citation_and_the_changelog_name_the_version_of_the_package():
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf8"))["project"][
        "version"
    ]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf8"))
    assert citation["version"] == version
    assert (
        citation["title"]
        == yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))["title"]
    )
    (latest, *_) = re.findall(
        r"^## (\S+)$", (ROOT / "CHANGELOG.md").read_text(encoding="utf8"), re.MULTILINE
    )
    assert latest == version


GOOD_PAGE = """<!DOCTYPE html><html lang="en"><head><title>A page</title><link rel="stylesheet" href="a.css">
<script src="a.js"></script><style>p { background: url(a.png) }</style></head><body>
<div id="jb-print-docs-body"><h1>A</h1></div>
<article><h1 id="top">A</h1><img src="a.png" alt="A row of pixels"><a href="#top">up</a>
<a href="https://arxiv.org/abs/1512.03385">paper</a></article></body></html>"""

BROKEN = [
    (check_no_other_host, '<script src="https://cdn.example.org/x.js"></script>'),
    (check_no_other_host, '<script src="//cdn.example.org/x.js"></script>'),
    (
        check_no_other_host,
        '<script>const THEBE_JS_URL = "https://cdn.example.org/x.js"</script>',
    ),
    (check_no_other_host, '<link rel="stylesheet" href="https://fonts.example.org/x.css">'),
    (check_no_other_host, '<link rel="icon" href="https://example.org/x.ico">'),
    (check_no_other_host, '<img alt="A" src="https://example.org/x.png">'),
    (
        check_no_other_host,
        '<img alt="A" src="a.png" srcset="a.png 1x, https://example.org/x.png 2x">',
    ),
    (check_no_other_host, '<iframe src="https://example.org/"></iframe>'),
    (
        check_no_other_host,
        "<style>@font-face { src: url('https://example.org/x.woff2') }</style>",
    ),
    (check_no_other_host, '<style>@import "https://example.org/x.css"</style>'),
    (check_no_other_host, '<p style="background: url(//example.org/x.png)">A</p>'),
    (check_images, '<img src="a.png">'),
    (check_images, '<img src="a.png" alt="">'),
    (check_headings, "<h1>B</h1>"),
    (check_links_to_other_sites, '<a href="http://example.org/">x</a>'),
    (check_links_to_other_sites, '<a href="https://example/">x</a>'),
    (check_links_to_other_sites, '<a href="file:///home/reader/x.html">x</a>'),
    (check_links_to_other_sites, '<a href="//example.org/">x</a>'),
    (check_no_link_to_nobodys_repository, '<a href="https://github.com/OWNER/REPO">x</a>'),
    (
        check_colab_links,
        '<a href="https://colab.research.google.com/github/a/b/blob/main/book/no.ipynb">x</a>',
    ),
    (
        check_colab_links,
        '<a href="https://colab.research.google.com/github/a/b/blob/main//book/index.md">x</a>',
    ),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_check_finds_nothing_in_a_good_page(check):
    assert not check(parse(GOOD_PAGE))


@pytest.mark.parametrize(("check", "damage"), BROKEN)
def test_check_finds_the_damage(check, damage):
    assert check(parse(GOOD_PAGE.replace("</article>", damage + "</article>")))


def test_check_finds_a_missing_title_and_heading():
    assert check_headings(parse(GOOD_PAGE.replace("<title>A page</title>", "")))
    assert check_headings(parse(GOOD_PAGE.replace('<h1 id="top">A</h1>', "")))


def test_broken_links_are_found(tmp_path: Path):
    page = '<!DOCTYPE html><html lang="en"><head><title>A</title></head><body><h1 id="top">A</h1>{}</body></html>'
    good = '<a href="other.html#top">x</a><a href="#top">x</a><a href="https://example.org/#x">x</a>'
    broken = good + '<img alt="A" src="gone-1.png">'
    for link in ("gone-2.html", "index.html#gone-3", "#gone-4"):
        broken += f'<a href="{link}">x</a>'

    def look_at(body):
        pages = {}
        for name, text in (
            ("index.html", page.format(good)),
            ("other.html", page.format(body)),
        ):
            (tmp_path / name).write_text(text, encoding="utf8")
            pages[tmp_path / name] = parse(text)
        status, report = run_linkchecker(tmp_path / "index.html")
        return status, re.findall(r"(?m)^URL +`(.*)'$", report), broken_anchors(pages)

    assert look_at(good) == (0, [], [])
    assert look_at(broken) == (
        1,
        ["gone-1.png", "gone-2.html"],
        ["other.html: index.html#gone-3", "other.html: #gone-4"],
    )


def test_broken_markdown_links_are_found(tmp_path: Path):
    good = "# A title, with `code`\n\n[x](#a-title-with-code) [y](a.txt) [z](https://example.org) ![p](a.txt)\n"
    (tmp_path / "a.txt").write_text("", encoding="utf8")
    (tmp_path / "README.md").write_text(good, encoding="utf8")
    assert broken_markdown_links(tmp_path / "README.md") == []
    bad = (
        good
        + '\n[x](#gone) [y](gone.txt) ![p](gone.png)\n\n<img src="gone.svg">\n\n<a href="a.txt">x</a>\n'
    )
    (tmp_path / "README.md").write_text(bad, encoding="utf8")
    assert broken_markdown_links(tmp_path / "README.md") == [
        "#gone",
        "gone.txt",
        "gone.png",
        "gone.svg",
    ]
