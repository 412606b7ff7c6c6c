"""What holds for every page of the built site in a browser: light and dark, on a wide screen and on a phone.

`make book` makes the site in _build/html, and `make test` does that first. The last tests show the same checks pages
that are broken, each in one way.
"""

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import yaml
from axe_playwright_python.sync_playwright import Axe
from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
# The first page of all leads at once to book/index.html, and 404.html is for addresses that lead nowhere: each has its
# test.
PAGES = sorted(
    path.relative_to(SITE).as_posix()
    for path in SITE.rglob("*.html")
    if path.relative_to(SITE).parts[0] not in ("_static", "index.html", "404.html")
)
VIEWS = [(width, colours) for width in (1280, 390) for colours in ("light", "dark")]
HEAVIEST = 1_500_000  # bytes of all that a page loads, as they are on disk, its pictures far down included

# What the theme itself does not do: the name of the book stands in the sidebar outside of all landmarks.
KNOWN = {"region": (".title",)}

# Shows all that is folded, fetches the pictures that wait for the reader to come near, and gives back what can be
# measured.
LOOK = """async () => {
  for (const fold of document.querySelectorAll("details")) fold.open = true;
  await Promise.all([...document.images].map((image) => {
    image.loading = "eager";
    return image.complete || new Promise((done) => { image.onload = image.onerror = done; });
  }));
  await document.fonts.ready;
  const loaded = [...performance.getEntriesByType("navigation"), ...performance.getEntriesByType("resource")];
  return {
    width: document.documentElement.scrollWidth,
    room: window.innerWidth,
    weight: loaded.reduce((sum, entry) => sum + entry.decodedBodySize, 0),
    heaviest: loaded.sort((a, b) => b.decodedBodySize - a.decodedBodySize).slice(0, 4)
      .map((entry) => `${entry.name.split("/").pop()} ${entry.decodedBodySize}`),
    broken: [...document.images].filter((image) => !image.naturalWidth).map((image) => image.outerHTML.slice(0, 200)),
  };
}"""


# axe measures the contrast of each coloured word of code. One word of each kind and ground is enough: the others become
# plain.
THIN = """() => {
  for (const code of document.querySelectorAll(".highlight pre, dt.sig")) {
    const ground = getComputedStyle(code.closest("div, dt")).backgroundColor;
    window.grounds ||= new Set();
    for (const word of [...code.querySelectorAll("span")].reverse()) {
      const kind = `${ground} ${word.className}`;
      if (word.children.length || (word.className && !window.grounds.has(kind))) window.grounds.add(kind);
      else word.replaceWith(word.textContent);
    }
    code.normalize();
  }
}"""


class Visitor:
    """Visits pages in one view and says what is wrong with each."""

    def __init__(self, browser, site: str, width: int = 1280, colours: str = "light"):
        self.site = site
        self.context = browser.new_context(
            viewport={"width": width, "height": 900},
            color_scheme=colours,
            reduced_motion="reduce",
        )
        self.page = self.context.new_page()
        self.heard: list[str] = []
        self.page.on("request", self._request)
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self.heard.append(f"script error: {error}"))
        self.axe = Axe()

    def _request(self, request) -> None:
        if not request.url.startswith((self.site, "data:", "blob:")):
            self.heard.append(f"foreign request: {request.url[:200]}")

    def _console(self, message) -> None:
        if message.type == "error":
            self.heard.append(f"console: {message.text[:200]}")

    def problems(self, path: str) -> list[str]:
        """Goes to a page of the site and looks at it in every way."""
        self.heard.clear()
        self.page.goto(f"{self.site}/{path}")
        seen = self.page.evaluate(LOOK)
        found = list(self.heard)
        if seen["width"] > seen["room"]:
            found.append(f"scrolls sideways: {seen['width']} > {seen['room']} pixels")
        if seen["weight"] >= HEAVIEST:
            found.append(f"too heavy: {seen['weight']} bytes, {seen['heaviest']}")
        found += [f"image without a picture: {image}" for image in seen["broken"]]
        return found + self._accessibility()

    def _accessibility(self) -> list[str]:
        self.page.evaluate(THIN)
        options = {"resultTypes": ["violations"], "preload": False}
        found = []
        for finding in self.axe.run(self.page, options=options).response["violations"]:
            for node in finding["nodes"]:
                target = " ".join(map(str, node["target"]))
                if not target.endswith(KNOWN.get(finding["id"], ())):
                    found.append(f"axe {finding['id']}: {target} {node['html'][:120]}")
        return found


@pytest.fixture
def visitor(browser, site):
    """A function that makes visitors; their windows close when the test is over."""
    made = []

    def make(width: int = 1280, colours: str = "light") -> Visitor:
        made.append(Visitor(browser, site, width, colours))
        return made[-1]

    yield make
    for one in made:
        one.context.close()


def test_the_site_is_there():
    assert PAGES, "there is no site in _build/html: run `make book` first"


@pytest.mark.parametrize(("width", "colours"), VIEWS)
def test_every_page(visitor, width: int, colours: str):
    there = visitor(width, colours)
    found = {path: problems for path in PAGES if (problems := there.problems(path))}
    assert found == {}, json.dumps(found, indent=1)


def test_the_first_address_leads_to_the_first_page(visitor, site):
    page = visitor().page
    page.goto(f"{site}/index.html")
    page.wait_for_url(f"{site}/book/index.html")


def test_descriptions_are_whole_sentences():
    said = []
    for path in (SITE / "book").glob("*.html"):
        page = BeautifulSoup(path.read_text(encoding="utf8"), "html.parser")
        said += [tag["content"] for tag in page.select('meta[name="description"]')]
        said += [tag["content"] for tag in page.select('meta[property="og:description"]')]
    assert said
    assert [text for text in said if text.endswith("...") or text[-1] not in ".?!"] == []


@pytest.mark.parametrize("path", ["nowhere", "book/nowhere/deep/down.html"])
def test_an_address_that_leads_nowhere_shows_a_page_with_links_that_work(visitor, path):
    """The page stands at any depth below the address of the book, as a host serves it."""
    address = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))["html"][
        "baseurl"
    ]
    folder = urlsplit(address).path
    host = address.removesuffix(folder).lower()  # as browsers write it
    address = host + folder
    there = visitor()
    there.site = host
    missing = []

    def serve(route):
        asked = urlsplit(route.request.url).path
        file = SITE / asked.removeprefix(folder)
        if asked.startswith(folder) and file.is_file():
            return route.fulfill(path=file)
        missing.append(asked)
        return route.fulfill(status=404, path=SITE / "404.html")

    there.context.route(f"{host}/**", serve)
    there.page.goto(address + path)
    assert missing == [folder + path]
    assert there.page.locator("article h1").is_visible()
    links = there.page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")
    own = {link.split("#")[0] for link in links if link.startswith(address)}
    assert len(own) > 10
    assert [link for link in own if not (SITE / link.removeprefix(address)).is_file()] == []
    there.heard.clear()  # the browser reports the status 404 itself
    there.page.locator("article a", has_text="glossary").click()
    there.page.wait_for_url(address + "book/glossary.html")
    assert there.heard == [] and missing == [folder + path]


def test_the_search_finds(visitor, site):
    there = visitor()
    there.page.goto(f"{site}/book/index.html")
    there.page.keyboard.press("Control+k")
    there.page.keyboard.type("projection")
    there.page.keyboard.press("Enter")
    there.page.wait_for_url("**/search.html?q=projection*")
    there.page.locator("#search-results li a", has_text="basic block").first.wait_for()
    assert there.heard == []


GOOD = """<!doctype html><html lang="en"><head><title>A page</title><link rel="icon" href="data:,"></head>
<body><main><h1>A page</h1><p>Text.</p></main></body></html>"""

DAMAGE = {
    "foreign request": '<img alt="A" src="https://example.org/x.png">',
    "console": "<script>console.error('gone wrong')</script>",
    "script error": "<script>nowhere()</script>",
    "scrolls sideways": "<p style='width: 2000px'>wide</p>",
    "axe color-contrast": "<p style='color: #999; background: #fff'>pale</p>",
    "axe image-alt": "<img src='data:image/gif;base64,R0lGODlhAQABAAAAACwAAAAAAQABAAA='>",
    "axe region": "</main><p>outside of all landmarks</p>",
    "too heavy": "<script src='/heavy.js'></script>",
    "image without a picture": "<details><summary>More</summary><img alt='A' src='/gone.png' loading='lazy'></details>",
}


def look_at(there: Visitor, html: str) -> list[str]:
    """What is wrong with a page that is not in the site."""

    def serve(route):
        if route.request.url == f"{there.site}/page.html":
            route.fulfill(body=html, content_type="text/html")
        elif route.request.url == f"{there.site}/heavy.js":
            route.fulfill(body="/" * HEAVIEST, content_type="text/javascript")
        else:
            route.abort()

    there.context.route("**/*", serve)
    return there.problems("page.html")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_is_wrong_with_a_good_page(visitor, width):
    assert look_at(visitor(width), GOOD) == []


@pytest.mark.parametrize("problem", DAMAGE)
def test_damage_is_found(visitor, problem):
    found = look_at(visitor(), GOOD.replace("</main>", DAMAGE[problem] + "</main>"))
    assert [line for line in found if line.startswith(problem)], found
