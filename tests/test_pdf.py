"""The printed book: three pages of it, one with an explorer, made as `make pdf` makes the whole, and what would be
wrong.
"""

import io
import re

import make_pdf as module
import pytest
from pypdf import PdfReader

PAGES = ["book/01-output-size", "book/cheat-sheet", "book/references"]
A4 = (595, 842)  # points


@pytest.fixture(scope="module")
def made(browser, site):
    return module.make_pdf(browser, site, PAGES)


@pytest.fixture(scope="module")
def reader(made):
    return PdfReader(io.BytesIO(made[0]))


@pytest.fixture(scope="module")
def texts(reader):
    return [flat(page.extract_text()) for page in reader.pages]


def flat(text: str) -> str:
    """Text without spaces, as a PDF has its own, and with one form of the apostrophe."""
    return re.sub(r"\s+", "", text).replace("ʼ", "’")


def outline(reader) -> list[tuple[str, int]]:
    """Titles and pages, from 0, of all bookmarks."""
    found = []

    def walk(entries):
        for entry in entries:
            if isinstance(entry, list):
                walk(entry)
            else:
                found.append((entry.title, reader.get_destination_page_number(entry)))

    walk(reader.outline)
    return found


def test_every_bookmark_leads_to_its_title(reader, texts):
    found = outline(reader)
    assert len(found) > 20
    assert [title for title, page in found if flat(title) not in texts[page]] == []


def test_each_page_of_the_site_begins_on_a_page_of_its_own_and_the_contents_say_which(
    reader, texts
):
    contents = "".join(texts[1:3])
    starts = {
        title: page for title, page in outline(reader) if re.match(r"1\. |Cheat|Refer", title)
    }
    assert len(starts) == len(PAGES)
    for title, page in starts.items():
        # The running head, the number of the page, and then the title.
        assert texts[page].startswith(f"{flat(title)}{page + 1}{flat(title)}"), title
        assert f"{flat(title)}{page + 1}" in contents, title
    sections = [
        (title, page) for title, page in outline(reader) if title == "What you have now"
    ]
    assert sections and all(f"{flat(title)}{page + 1}" in contents for title, page in sections)


def test_every_page_but_the_cover_has_its_number(texts):
    assert [i for i, text in enumerate(texts[1:], 2) if str(i) not in text] == []


def test_nothing_stands_beyond_the_edge_of_the_paper(made, reader):
    assert made[1] == []
    for page in reader.pages:
        assert tuple(round(side) for side in page.mediabox[2:]) == A4


def test_what_is_too_wide_is_found(browser, site, monkeypatch):
    wide = module.STYLE + "div.cell_input { width: 900px !important; }"
    monkeypatch.setattr(module, "STYLE", wide)
    assert module.make_pdf(browser, site, ["book/cheat-sheet", "book/06-real-weights"])[1]


def test_what_belongs_together_is_not_parted(browser, site):
    """A cell and its output, and a small table, wherever on a page they would begin."""
    places = range(200, 260, 3)  # mm from the top
    parts = [
        f'<div class="cell_{kind}"><pre>{kind}{{0}}</pre></div>' for kind in ("input", "output")
    ]
    cell = f'<div class="cell">{"".join(parts)}</div>'
    table = (
        "<table>"
        + "<tr><td>top{0}</td></tr>"
        + "<tr><td>row</td></tr>" * 8
        + "<tr><td>end{0}</td></tr></table>"
    )
    filler = '<div style="break-before: page; height: {0}mm"></div>'
    body = "".join((filler + part).format(mm) for part in (cell, table) for mm in places)
    page = browser.new_page()
    page.goto(f"{site}/404.html")
    style = f'<link rel="stylesheet" href="{site}/_static/style.css">'
    page.set_content(f'{style}<article class="bd-article">{body}</article>', wait_until="load")
    pages = PdfReader(io.BytesIO(page.pdf(prefer_css_page_size=True))).pages
    texts = [page.extract_text() for page in pages]
    for begins, ends in (("input", "output"), ("top", "end")):
        found = [
            mm
            for mm in places
            if any(f"{begins}{mm}" in text and f"{ends}{mm}" in text for text in texts)
        ]
        assert found == list(places), begins


def test_links_within_the_book_lead_to_a_place_in_the_pdf(reader):
    places = reader.named_destinations
    inside, outside = [], []
    for page in reader.pages:
        for note in page.get("/Annots") or []:
            note = note.get_object()
            if "/Dest" in note:
                inside.append(note["/Dest"])
            else:
                outside.append(note["/A"]["/URI"])
    assert len(inside) > 15 and outside
    assert [name for name in inside if str(name) not in places] == []
    assert [link for link in outside if not link.startswith("https://")] == []


def test_the_explorer_stands_with_its_numbers_and_answers_are_open(texts):
    whole = "".join(texts)
    assert "Outputsize:movethewindow" in whole and "O=4" in whole
    assert "Hint2" in whole and "roomtomoveis" in whole
    assert "Hidetheoutput" in whole and "byhand:112.5" in whole


def test_the_pdf_names_itself_and_can_be_read_aloud(reader):
    root = reader.trailer["/Root"]
    assert reader.metadata.title == "ResNet, Built by You"
    assert root["/Lang"] == "en"
    assert root["/MarkInfo"]["/Marked"] and "/StructTreeRoot" in root
