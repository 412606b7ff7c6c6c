"""One style sheet in place of the theme's seven, with only the rules that a page of the site can use.

A page is shown when its style sheets are there. The theme's have rules for 1,900 icons and for parts that the book has
not: nine tenths of them. A rule goes if its selector asks for a class or an id that no page has and no script names.
"""

import posixpath
import re
from pathlib import Path

import tinycss2
from tinycss2.ast import AtRule, Declaration, QualifiedRule

# In the order of the theme; the last rule for an element wins.
SHEETS = [
    "styles/theme.css",
    "styles/pydata-sphinx-theme.css",
    "pygments.css",
    "styles/sphinx-book-theme.css",
    "mystnb.*.css",
    "copybutton.css",
    "style.css",
]
TARGET = "book.css"
# Bootstrap's script names the classes of all its parts. These the site has, or gets when a reader clicks or points.
BOOTSTRAP = "show showing hide fade collapse collapsed collapsing active disabled dropdown tooltip bs".split()
ADDRESS = re.compile(r"url\(\s*([\"']?)(?!data:|#)([^\"')]+)\1\s*\)")
WORD = re.compile(r"-{0,2}[A-Za-z_][\w-]*")


def words_of_pages(pages: list[str]) -> set[str]:
    """The classes and ids of the pages, and all words in their own scripts and styles."""
    words = set()
    for page in pages:
        for value in re.findall(r'\b(?:class|id)="([^"]*)"', page):
            words.update(value.split())
        for script in re.findall(
            r"<(?:script|style)\b.*?</(?:script|style)>", page, re.DOTALL
        ):
            words.update(WORD.findall(script))
    return words


def words_of_scripts(static: Path) -> set[str]:
    words = set()
    ours = (static.parent / "live").glob("*.js")
    for path in [*static.glob("*.js"), *static.glob("scripts/*.js"), *ours]:
        found = set(WORD.findall(path.read_text(encoding="utf8", errors="replace")))
        if path.name == "bootstrap.js":
            found = {word for word in found if word.split("-")[0] in BOOTSTRAP}
        words |= found
    return words


def read(path: Path, static: Path) -> str:
    """A style sheet with the sheets that it imports, its addresses as seen from the folder of all."""
    folder = path.parent.relative_to(static).as_posix()
    text = path.read_text(encoding="utf8").removeprefix('@charset "UTF-8";')

    def imported(match: re.Match) -> str:
        return read(path.parent / match[1], static)

    # Its own addresses first: those of the imported sheets are then already as they should be.
    text = ADDRESS.sub(
        lambda match: f'url("{posixpath.normpath(posixpath.join(folder, match[2]))}")', text
    )
    return re.sub(r'@import "([^"]+)";', imported, text)


def selectors(prelude: list) -> list[list]:
    """The parts of a rule's selector between its commas."""
    parts = [[]]
    for token in prelude:
        if token == ",":
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


def can_match(selector: list, words: set[str]) -> bool:
    """False where the selector asks for a class or id that is nowhere. What stands in brackets is not looked at."""
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "ident" and before == "." and token.value not in words:
            return False
        if token.type == "hash" and token.value not in words:
            return False
    return True


def written(declarations: list, variables: set[str]) -> str:
    """The declarations of a rule, without variables that nothing asks for."""
    kept = []
    for part in tinycss2.parse_blocks_contents(
        declarations, skip_comments=True, skip_whitespace=True
    ):
        if not isinstance(part, Declaration):
            raise ValueError(
                f"cannot shorten this part of a style sheet: {part.serialize()[:200]}"
            )
        if part.name.startswith("--") and part.name not in variables:
            continue
        value = tinycss2.serialize(
            [token for token in part.value if token.type != "comment"]
        ).strip()
        kept.append(f"{part.name}:{value}{'!important' if part.important else ''}")
    return ";".join(kept)


def shortened(rules: list, words: set[str], variables: set[str]) -> str:
    text = ""
    for rule in rules:
        if rule.type == "comment" and rule.value.startswith("!"):
            text += rule.serialize() + "\n"  # a licence
        elif isinstance(rule, QualifiedRule):
            kept = [part for part in selectors(rule.prelude) if can_match(part, words)]
            if kept and (body := written(rule.content, variables)):
                text += f"{','.join(tinycss2.serialize(part).strip() for part in kept)}{{{body}}}\n"
        elif isinstance(rule, AtRule) and rule.at_keyword in ("media", "supports"):
            inner = tinycss2.parse_rule_list(rule.content, True, True)
            if body := shortened(inner, words, variables):
                text += f"@{rule.at_keyword}{tinycss2.serialize(rule.prelude)}{{{body}}}\n"
        elif isinstance(rule, AtRule):
            content = rule.serialize()
            if (
                "vendor/fontawesome" not in content
            ):  # the icons' fonts are cut down: style.css
                text += content + "\n"
        elif rule.type == "error":
            raise ValueError(f"a style sheet does not parse: {rule.message}")
    return text


def one_sheet(static: Path, pages: list[str]) -> str:
    """The text of the one style sheet for these pages."""
    text = ""
    for pattern in SHEETS:
        (path,) = static.glob(pattern)
        text += read(path, static) + "\n"
    words = words_of_pages(pages) | words_of_scripts(static)
    variables = set(re.findall(r"var\(\s*(--[\w-]+)", text)) | words
    return shortened(
        tinycss2.parse_stylesheet(text, skip_whitespace=True), words, variables
    )
