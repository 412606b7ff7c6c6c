"""What the site adds to its theme: formulas without a script, light pages, a page for addresses that lead nowhere.

Before `make publish-as` has named the repository, pages show no link to it, to Colab or to the published site.
"""

import base64
import hashlib
import html
import logging
import re
from fnmatch import fnmatch
from io import BytesIO
from pathlib import Path
from urllib.parse import urlsplit

import one_sheet
from docutils import nodes
from fontTools import subset
from fontTools.ttLib import TTFont
from latex2mathml.converter import convert
from PIL import Image

# The icons that the theme and this site show, by font. It brings 1.5 MB of scripts and 0.3 MB of fonts for all that
# exist.
ICONS = {
    "fa-solid-900": "angle-left angle-right angle-down angles-right arrow-right arrow-up bars chevron-down "
    "circle-half-stroke "
    "download expand file file-pdf list magnifying-glass moon outdent rocket sun up-right-from-square xmark".split(),
    "fa-brands-400": ["github"],
}
NOT_FOUND = "404"
NOBODYS = "https://github.com/OWNER/"  # so _config.yml begins the address until `make publish-as` names the repository
# Pages that help readers of the book and would only crowd the results of a search engine.
NOT_FOR_SEARCH = re.compile(r"_modules/|genindex|py-modindex|search$|404$")
# A description that was cut within a sentence, and the whole sentences at its start.
CUT_SHORT = re.compile(r'content="([^"]{49,}[.?!]) [^"]*\.\.\."')
LARGE = 150_000  # bytes of an image from which on a loss that no eye sees is worth it


# Jupyter Book sets others of these; in _config.yml they would take the place of its own.
THEME_OPTIONS = {
    "logo": {"text": "ResNet, built by you", "link": "book/index"},
    "show_toc_level": 2,
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}


def is_named(config) -> bool:
    return not config.html_theme_options["repository_url"].startswith(NOBODYS)


def set_options(app, config) -> None:
    options = {**config.html_theme_options, **THEME_OPTIONS}
    if not is_named(config):
        options |= {"use_repository_button": False, "launch_buttons": {}}
    config.html_theme_options = options


def for_the_site(app, docname, source) -> None:
    """Takes in what only the site can show, and leaves out what only others do.

    The first stands in comments, `<!-- in the book: … -->`, so that GitHub and JupyterLab show none of it. The second
    stands between `<!-- elsewhere: -->` and `<!-- until here -->`.
    """
    if not app.env.doc2path(docname).endswith(".md"):
        return
    text = re.sub(r"<!-- in the book:\s(.*?)\s-->", r"\1", source[0], flags=re.DOTALL)
    text = re.sub(r"<!-- elsewhere: -->.*?<!-- until here -->", "", text, flags=re.DOTALL)
    if left := re.search(r"in the book:|elsewhere: -->|until here -->", text):
        raise ValueError(f"{docname}.md: {left[0]!r} has no end, or no beginning")
    source[0] = text


def unlink(app, doctree, docname) -> None:
    """Leaves the words alone of links to a repository that has no name yet."""
    if is_named(app.config):
        return
    for link in list(doctree.findall(nodes.reference)):
        if link.get("refuri", "").startswith(NOBODYS):
            link.replace_self(link.children)


def inline_formula(writer, node) -> None:

    writer.body.append(f'<span class="math">{convert(node.astext())}</span>')
    raise nodes.SkipNode


def block_formula(writer, node) -> None:

    # tabindex: a formula wider than a phone scrolls, by keyboard too
    writer.body.append(
        '<div class="math" tabindex="0" role="group" aria-label="formula">'
        f"{convert(node.astext(), display='block')}</div>\n"
    )
    raise nodes.SkipNode


def image_of_its_own(app, context, encoded: str) -> str:
    """Writes a picture that a page carries inside, an explorer's still, to a file that loads when one comes near."""
    data = base64.b64decode(encoded)
    name = f"{hashlib.sha256(data).hexdigest()[:40]}.png"
    folder = Path(app.outdir, "_images")
    folder.mkdir(exist_ok=True)
    (folder / name).write_bytes(data)
    address = context["pathto"](f"_images/{name}", resource=True)
    return f'src="{address.removesuffix("png")}webp" loading="lazy"'


def prepare_page(app, pagename, templatename, context, doctree) -> None:
    """Images load when they are near, and as WebP; search engines are told what to leave out."""
    body = context.get("body", "")
    sources = {name: Path(app.srcdir, path) for path, name in app.builder.images.items()}

    def lighter(match: re.Match) -> str:
        start, name = match.groups()
        width, height = Image.open(
            sources[f"{name}.png"]
        ).size  # so that the page does not jump
        return f'{start}{name}.webp" width="{width}" height="{height}" loading="lazy"'

    body = re.sub(r'(<img [^>]*src="[^"]*_images/)([^"/]+)\.png"', lighter, body)
    body = re.sub(
        r'src="data:image/png;base64,([\w+/=]{500,})"',
        lambda match: image_of_its_own(app, context, match[1]),
        body,
    )
    body = body.replace(
        '<div class="pst-scrollable-table-container">',
        '<div class="pst-scrollable-table-container" tabindex="0">',
    )
    # An empty corner of a table is no heading, and Sphinx nests this list in a way that HTML does not know.
    body = re.sub(r"<th( [^>]*)?>(?:<p></p>)?</th>", "<td></td>", body)
    if pagename == "_modules/index":
        first, *rest = body.split("<ul>")
        body = first + "<ul>" + "".join(rest).replace("</ul>", "") + "</ul>"
    context["body"] = body
    tags = context.get("metatags", "")
    tags = CUT_SHORT.sub(r'content="\1"', tags)
    if NOT_FOR_SEARCH.search(pagename):
        tags += '<meta name="robots" content="noindex" />\n'
    if pagename == NOT_FOUND:
        # The one page that is shown at addresses of any depth: its links start from the root of the site.
        root = urlsplit(app.config.html_baseurl).path or "/"
        tags = f'<base href="{html.escape(root)}" />\n{tags}'
    context["metatags"] = tags


def lighter_head(head: str) -> str:
    """The theme's head with one style sheet for its seven, and without the script that turns icons into pictures.

    The icons' font is enough, and far smaller. What one_sheet.py does not know stays as it is.
    """
    head = re.sub(
        r"\s*<!-- So that users[^>]*>\s*<script [^>]*fontawesome\.js[^>]*></script>",
        "",
        head,
    )
    # A preload would take its turn before what the page is shown with.
    head = re.sub(
        r'\s*<!-- Pre-loaded[^>]*>|\s*<link rel="preload" as="script"[^>]*>', "", head
    )
    links = re.findall(r'\s*<link [^>]*href="([^"]*_static/)([^"?]+)[^>]*>', head)
    ours = [
        (folder, name)
        for folder, name in links
        if any(fnmatch(name, pattern) for pattern in one_sheet.SHEETS)
    ]
    for _, name in ours:
        head = re.sub(rf"\s*<link [^>]*_static/{re.escape(name)}[^>]*>", "", head)
    return f'{head}\n<link rel="stylesheet" href="{ours[0][0]}{one_sheet.TARGET}" />\n'


def later(scripts: str) -> str:
    """The theme's scripts, to run when the page has been read: none of them is needed to show it.

    Not for the page of the search, whose own scripts do not wait for these.
    """
    scripts = scripts.replace("<script src=", "<script defer src=")
    return scripts.replace("<script>", '<script type="module">')


def as_webp(path: Path) -> bytes:
    image = Image.open(path)
    buffer = BytesIO()
    image.save(buffer, "WEBP", lossless=True, quality=80)
    if buffer.tell() > LARGE:
        buffer = BytesIO()
        image.convert("RGB").save(buffer, "WEBP", quality=90)
    return buffer.getvalue()


def finish(app, exception) -> None:
    """Writes the images as WebP and the one style sheet, and cuts the fonts of the icons down to those in use."""
    if exception or app.builder.name != "html":
        return
    out = Path(app.outdir)
    for path in (out / "_images").glob("*.png"):
        target = path.with_suffix(".webp")
        if not target.exists() or target.stat().st_mtime < path.stat().st_mtime:
            target.write_bytes(as_webp(path))
    for name, icons in ICONS.items():
        font = TTFont(
            out / "_static" / "vendor" / "fontawesome" / "webfonts" / f"{name}.ttf"
        )
        missing = set(icons) - set(font.getGlyphOrder())
        if missing:
            raise ValueError(
                f"{name} has no icon {sorted(missing)}: take another name in ICONS"
            )
        logging.getLogger("fontTools").setLevel(
            logging.WARNING
        )  # not a line for each table
        wanted = subset.Subsetter()
        wanted.populate(glyphs=icons)
        wanted.subset(font)
        font.flavor = "woff"
        font.save(out / "_static" / f"{name}.woff")
    pages = {path: path.read_text(encoding="utf8") for path in out.rglob("*.html")}
    sheet = one_sheet.one_sheet(out / "_static", list(pages.values()))
    (out / "_static" / one_sheet.TARGET).write_text(sheet, encoding="utf8")
    digest = hashlib.sha256(sheet.encode()).hexdigest()[:8]
    for path, page in pages.items():
        # A browser that has an older sheet fetches the new one.
        fresh = re.sub(
            rf'/{one_sheet.TARGET}(\?v=\w+)?"', f'/{one_sheet.TARGET}?v={digest}"', page
        )
        if fresh != page:
            path.write_text(fresh, encoding="utf8")


def add_filters(app) -> None:
    if app.builder.name == "html":
        app.builder.templates.environment.filters.update(
            lighter_head=lighter_head, later=later
        )


def setup(app):
    app.add_html_math_renderer("mathml", (inline_formula, None), (block_formula, None))
    app.connect("config-inited", set_options)
    app.connect("source-read", for_the_site)
    app.connect("doctree-resolved", unlink)
    app.connect("builder-inited", add_filters)
    app.connect("html-page-context", prepare_page, priority=900)
    app.connect(
        "build-finished", finish, priority=900
    )  # after the theme wrote the colours of code
    return {"parallel_read_safe": True, "parallel_write_safe": True}
