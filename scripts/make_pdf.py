"""Writes the whole book to _build/book.pdf, for paper: `make pdf`, from the site that `make book` built.

The pages of the site become one document in the browser, printed twice: the first time tells on which page each
heading stands, for the contents. Folds are open, since paper has no click: an answer stands in a box below its
question. Explorers stand as the still picture and the numbers that they start with. Links within the book lead to their
place in the PDF.
"""

import functools
import html
import io
import subprocess
import sys
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import yaml
from browser import opened
from playwright.sync_api import Browser, Page
from publish_as import is_named
from pypdf import PdfReader, PdfWriter

ROOT = Path(__file__).resolve().parent.parent
SITE = ROOT / "_build" / "html"
OUT = ROOT / "_build" / "book.pdf"

# Gives back the article of a page as it stands when its scripts have run: ids with the page's name before them, links
# to pages of the book as links within the document, all others with their whole address, where there is one. The
# glossary and the like have no sections of use to the contents.
TAKE = """async ({pages, site, address}) => {
  const article = document.querySelector("article");
  const here = location.pathname.slice(1).replace(/[.]html$/, "");
  const place = (page, id) => page.replaceAll("/", "-") + "--" + (id || "top");
  for (const image of article.querySelectorAll("img")) image.loading = "eager";
  await Promise.all([...article.querySelectorAll("img")].map((image) =>
    image.complete || new Promise((done) => { image.onload = image.onerror = done; })));
  article.querySelectorAll("script, .headerlink, button.copybtn").forEach((part) => part.remove());
  article.querySelectorAll("details").forEach((fold) => { fold.open = true; });
  for (const image of article.querySelectorAll("img")) image.src = image.src;
  for (const field of article.querySelectorAll("input")) field.setAttribute("value", field.value);
  for (const link of article.querySelectorAll("a[href]")) {
    const target = new URL(link.href);
    if (target.origin !== location.origin) continue;
    const page = target.pathname.slice(1).replace(/[.]html$/, "");
    if (pages.includes(page)) link.setAttribute("href", "#" + place(page, decodeURIComponent(target.hash.slice(1))));
    else if (address) link.setAttribute("href", address + target.pathname.slice(1) + target.hash);
    else link.removeAttribute("href");
  }
  const names = new Set([...article.querySelectorAll("[id]")].map((part) => part.id));
  for (const part of article.querySelectorAll("*"))
    for (const {name, value} of [...part.attributes])
      if (name === "id") part.id = place(here, value);
      else if (["for", "aria-labelledby", "aria-describedby", "aria-controls", "headers", "list"].includes(name))
        part.setAttribute(name, value.split(/\\s+/).map((id) => names.has(id) ? place(here, id) : id).join(" "));
      else if (value.includes("url(#"))
        part.setAttribute(name, value.replace(/url\\(#([^)]+)\\)/g, (all, id) => `url(#${place(here, id)})`));
      else if (part.localName === "use" && value.startsWith("#"))
        part.setAttribute(name, "#" + place(here, value.slice(1)));
  const heading = article.querySelector("h1");
  const chapters = article.querySelector(".cell") ? article.querySelectorAll("h2") : [];
  const sections = [...chapters].map((h) => [h.textContent.trim(), h.closest("section")?.id]);
  return {
    id: place(here), title: heading.textContent.trim(), sections, body: article.innerHTML,
  };
}"""

# What is wider than the paper's column, and would be cut at its right edge.
CUT = """() => {
  const column = document.querySelector("main").getBoundingClientRect();
  return [...document.querySelectorAll("main *")]
    .filter((part) => {
      const box = part.getBoundingClientRect();
      return box.width && box.right > column.right + 1 && !part.closest("svg svg, math, .visually-hidden, defs")
        && getComputedStyle(part).position !== "absolute";
    })
    .map((part) => part.outerHTML.slice(0, 160));
}"""

# The style of what only the whole book has; all else is in book/_static/style.css.
STYLE = """
@page cover {
  @bottom-center {
    content: none;
  }
}

.cover {
  page: cover;
  height: 250mm;
  padding-top: 20mm;
  text-align: center;
}

.cover h1 {
  font: 600 36pt/1.15 var(--book-serif);
}

.cover img {
  width: auto;
  max-width: 100%;
  height: 150mm;
  margin: 8mm auto;
}

.book-contents {
  break-before: page;
}

.book-contents ul {
  padding: 0;
  list-style: none;
}

.book-contents li.chapter {
  margin-top: 0.5rem;
  font-weight: 650;
  break-after: avoid;
}

.book-contents li.section {
  padding-left: 1.2rem;
  font-size: 0.92em;
}

.book-contents a {
  display: flex;
  justify-content: space-between;
  gap: 1rem;
  color: inherit;
  text-decoration: none;
}

.part {
  break-before: page;
}
"""


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


def version() -> str:
    """The day of the last change, which is the same for everyone who prints this state of the book."""
    command = ["git", "log", "-1", "--format=%cs"]
    found = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    return found.stdout.strip()


def chapters_of_the_book() -> list[str]:
    """The pages in reading order, as in _toc.yml."""
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf8"))
    return [toc["root"], *(page["file"] for part in toc["parts"] for page in part["chapters"])]


def address_of_the_site(settings: dict) -> str:
    """Where the book is published, or "" before `make publish-as` has said it."""
    repository = settings["repository"]["url"].removeprefix("https://github.com/")
    return settings["html"]["baseurl"] if is_named(repository) else ""


def in_css(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def document(parts: list[dict], head: str, site: str, numbers: dict[str, int]) -> str:
    """The book as one page: cover, contents with the pages in ``numbers``, chapters."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    title = settings["title"]
    rules, rows, bodies = "", "", ""
    for i, part in enumerate(parts):
        rules += f"#part-{i} {{ page: part-{i}; }}\n"
        rules += f"@page part-{i} {{ @top-right {{ content: {in_css(part['title'])}; }} }}\n"
        entries = [("chapter", part["title"], part["id"])]
        entries += [("section", text, target) for text, target in part["sections"] if target]
        for kind, text, target in entries:
            number = numbers.get(target, "")
            rows += (
                f'<li class="{kind}"><a href="#{html.escape(target)}"><span>{html.escape(text)}</span>'
                f"<span>{number}</span></a></li>\n"
            )
        body = f'<div id="{part["id"]}">{part["body"]}</div>'
        bodies += f'<article class="bd-article part" id="part-{i}">{body}</article>\n'
    return f"""<!doctype html><html lang="en" data-theme="light"><head><meta charset="utf-8">
<base href="{site}/book/"><title>{html.escape(title)}</title>{head}<style>{STYLE}{rules}</style></head><body>
<main class="bd-content">
<section class="cover"><h1>{html.escape(title)}</h1>
<p>From O = (I − K + 2P) / S + 1 to ResNet-18, 34, 50, 101 and 152, with torchvision's weights</p>
<img src="../_images/resnet50.webp" alt="ResNet-50 from image to logits">
<p class="edition">{html.escape(address_of_the_site(settings))}<br>{version()}</p></section>
<nav class="book-contents" aria-label="Contents"><h2>Contents</h2><ul>{rows}</ul></nav>
{bodies}</main></body></html>"""


def pages_of_headings(pdf: bytes, parts: list[dict]) -> dict[str, int]:
    """The page, from 1, of each entry of the contents: where the browser put the target of its link."""
    reader = PdfReader(io.BytesIO(pdf))
    places = reader.named_destinations
    wanted = [part["id"] for part in parts]
    wanted += [target for part in parts for _, target in part["sections"] if target]
    return {
        name: reader.get_destination_page_number(
            places[f"/{name}" if f"/{name}" in places else name]
        )
        + 1
        for name in wanted
    }


def printed(page: Page) -> bytes:
    return page.pdf(prefer_css_page_size=True, print_background=True, tagged=True, outline=True)


def make_pdf(browser: Browser, site: str, pages: list[str]) -> tuple[bytes, list[str]]:
    """The PDF of these pages of a served site, and what is wider than the paper."""
    settings = yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf8"))
    context = browser.new_context(
        viewport={"width": 680, "height": 960}, color_scheme="light", reduced_motion="reduce"
    )
    try:
        page = context.new_page()
        parts = []
        for name in pages:
            page.goto(f"{site}/{name}.html")
            asked = {"pages": pages, "site": site, "address": address_of_the_site(settings)}
            parts.append(page.evaluate(TAKE, asked))
        head = page.evaluate(
            "() => [...document.querySelectorAll('link[rel=stylesheet]')]"
            '.map((link) => `<link rel="stylesheet" href="${link.href}">`).join(\'\')'
        )
        page.emulate_media(media="print")
        numbers: dict[str, int] = {}
        for _ in range(2):
            page.goto(f"{site}/404.html")
            page.set_content(document(parts, head, site, numbers), wait_until="load")
            page.evaluate("() => document.fonts.ready")
            pdf = printed(page)
            numbers = pages_of_headings(pdf, parts)
        return with_title(pdf, settings["title"]), page.evaluate(CUT)
    finally:
        context.close()


def with_title(pdf: bytes, title: str) -> bytes:
    """The same PDF with its title, language and how a viewer opens it. No time of writing: the same book gives the same
    file.
    """
    writer = PdfWriter(clone_from=io.BytesIO(pdf))
    writer.metadata = {"/Title": title}
    writer.page_mode = "/UseOutlines"
    buffer = io.BytesIO()
    writer.write(buffer)
    return buffer.getvalue()


def main() -> int:
    handler = functools.partial(Quiet, directory=SITE)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server, opened() as browser:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        site = f"http://127.0.0.1:{server.server_port}"
        pdf, cut = make_pdf(browser, site, chapters_of_the_book())
        server.shutdown()
    if cut:
        print("Wider than the paper:", *cut, sep="\n  ", file=sys.stderr)
        return 1
    OUT.write_bytes(pdf)
    print(
        f"{OUT.relative_to(ROOT)}: {len(PdfReader(OUT).pages)} pages, {len(pdf) / 1e6:.1f} MB"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
