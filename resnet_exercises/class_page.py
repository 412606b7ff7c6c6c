"""The page about a class: which exercises are passed, what goes wrong, with whom to talk, and what to teach again."""

import functools
import html
import re
from collections import Counter
from pathlib import Path

from resnet_exercises import notebooks
from resnet_exercises.class_report import STATUSES, ClassReport, Result
from resnet_exercises.hand_ins import CRASHED, MISSING, TIME_LIMIT
from resnet_exercises.verdict import FAILED, PASSED

TRIED = STATUSES[:4]
SHOWN, SAMPLES = 10, 3  # how many of a long list are not folded; lines of code for a mistake
STYLE = Path(__file__).with_suffix(".css")
FRAME = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>The class</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
{}</style></head>
<body><main>
{}
</main></body></html>
"""


def write(kept: ClassReport) -> None:
    """Writes the page, where one is asked for."""
    if kept.path:
        kept.path.write_text(page(kept), encoding="utf-8", errors="backslashreplace")


def page(kept: ClassReport) -> str:
    """The page, about what is ready."""
    results = list(kept.found.values())
    students = list(dict.fromkeys(report.student or report.file for report in kept.ready))
    perfect = [s for s in students if {r.status for r in results if r.student == s} == {PASSED}]
    count = f"{_many(len(kept.ready), 'file')} of {_many(len(students), 'student')}"
    parts = [f"<h1>The class</h1><p>{count}. {len(perfect)} passed every exercise that they handed in.</p>"]
    if len(kept.ready) < len(kept.reports):
        parts.append(
            f'<p class="note"><strong>Not complete.</strong> {len(kept.ready)} of {len(kept.reports)} files are in '
            "this report; this run has not checked the others.</p>"
        )
    unread = Counter(report.student or report.file for report in kept.ready if report.error)
    parts += [_exercises(results), _again(results), _mistakes(results), _talk(students, results, unread)]
    files = [f"<li>{_text(r.file)} {_text(r.error)}</li>" for r in kept.ready if r.error]
    parts.append(_section("Files that were not read", files, "<ul>{}</ul>") if files else "")
    return FRAME.format(STYLE.read_text(encoding="utf-8"), "\n".join(filter(None, parts)))


@functools.cache
def _places() -> dict[str, tuple[int, int, str]]:
    """Where each exercise stands in the book: numbers by which to sort, and words."""
    places = {}
    for number, path in enumerate(sorted(notebooks.BOOK.glob("*.ipynb"))):
        cells = notebooks.read_cells(path)
        title = cells[0].source.partition("\n")[0].lstrip("# ")
        title = f"Chapter {int(path.stem[:2])}, {title}" if path.stem[:2].isdigit() else title
        for order, task in enumerate(notebooks.find_tasks(cells)):
            places.setdefault(task.label, (number, order, title))
    return places


def _place(exercise: str) -> tuple[int, int, str]:
    return _places().get(exercise, (99, 0, "Other exercises"))


def _many(count: int, what: str) -> str:
    return f"{count} {what}" + "s" * (count != 1)


def _plain(text: str) -> str:
    return html.escape(re.sub(r"[\x00-\x08\x0b-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", text))


def _text(text: str) -> str:
    """As HTML, with code where the backticks are."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", _plain(text))


def _section(title: str, entries: list[str], around: str = "{}", words: str = "") -> str:
    """A heading and a list, of which the end is folded where it is long."""
    first, rest = ("\n".join(part) for part in (entries[:SHOWN], entries[SHOWN:]))
    folded = f"<details><summary>{len(entries) - SHOWN} more</summary>{around.format(rest)}</details>" if rest else ""
    shown = around.format(first) if first else "<p>None.</p>"
    words = words and f'<p class="quiet">{words}</p>'
    return f"<section><h2>{title}</h2>{words}\n{shown}\n{folded}</section>"


def _bar(counts: Counter[str]) -> str:
    """The counts as a coloured bar; the numbers stand beside it."""
    parts = "".join(f'<span class="s{n}" style="flex:{counts[s]}"></span>' for n, s in enumerate(STATUSES) if counts[s])
    return f'<span class="bar" aria-hidden="true">{parts}</span>'


def _exercises(results: list[Result]) -> str:
    """The table: a row for each exercise, a column for each status that there is."""
    columns = [s for s in STATUSES if s in STATUSES[:2] + STATUSES[5:6] or any(r.status == s for r in results)]
    head = "".join(f'<th class="n" scope="col"><span class="key s{STATUSES.index(s)}"></span>{s}</th>' for s in columns)
    rows, chapter = [], None
    for name in sorted({r.exercise for r in results}, key=lambda name: (*_place(name), name)):
        counts = Counter(r.status for r in results if r.exercise == name)
        if chapter != (chapter := _place(name)[2]):
            rows.append(f'<tr><th class="group" colspan="{len(columns) + 1}">{_text(chapter)}</th></tr>')
        numbers = "".join(f'<td class="n">{counts[s] or "–"}</td>' for s in columns)
        rows.append(f'<tr><th scope="row"><code>{_text(name)}</code>{_bar(counts)}</th>{numbers}</tr>')
    table = f'<table class="counts"><thead><tr><th scope="col">exercise</th>{head}</tr></thead>\n<tbody>'
    table += "\n".join(rows) + "</tbody></table>"
    words = "The numbers count students; of several answers of a student, the best counts."
    return f'<section><h2>Exercises</h2><p class="quiet">{words}</p>{table}</section>'


def _groups(results: list[Result]) -> list[list[Result]]:
    """The failed results by exercise and mistake, the most frequent first."""
    groups: dict[tuple, list[Result]] = {}
    for result in results:
        if result.status == FAILED:
            groups.setdefault((result.exercise, result.mistake), []).append(result)
    return sorted(groups.values(), key=lambda group: (-len(group), _place(group[0].exercise)))


def _again(results: list[Result]) -> str:
    """The exercises that the fewest of those who tried have passed; not those that hardly anyone tried."""
    tried, passed = (Counter(r.exercise for r in results if r.status in these) for these in (TRIED, [PASSED]))
    most = max(tried.values(), default=0)
    open_ = [name for name in tried if passed[name] < tried[name] and 10 * tried[name] >= most]
    entries = []
    for name in sorted(open_, key=lambda name: (passed[name] / tried[name], _place(name)))[:5]:
        often = next((g for g in _groups(results) if g[0].exercise == name and g[0].mistake), None)
        words = f" Most frequent ({len(often)}): {_text(often[0].message)}" if often else ""
        title = f"<strong><code>{_text(name)}</code></strong> ({_text(_place(name)[2])})"
        entries.append(f"<li>{title}: {passed[name]} of {tried[name]} who tried it passed.{words}</li>")
    return _section("What to teach again", entries, "<ol>{}</ol>", "The lowest shares of passed among those who tried.")


def _mistakes(results: list[Result]) -> str:
    """The groups with three lines of code, each of another student, and different ones first."""
    entries: dict[bool, list[str]] = {True: [], False: []}
    for group in _groups(results):
        message = Counter(r.message for r in group).most_common(1)[0][0] if group[0].mistake else ""
        name = f"<code>{_text(group[0].exercise)}</code>" + (f": {group[0].mistake}" if message else "")
        lines: dict[str, Result] = {}
        for result in group:
            lines.setdefault(result.line, result)
        samples = [*lines.values(), *(r for r in group if r is not lines[r.line])][:SAMPLES]
        shown = "".join(
            f"<li><code>{_plain(r.line)}</code>"
            f'<span class="quiet">{_text(r.student)}{"" if message else ": " + _text(r.message)}</span></li>'
            for r in samples
        )
        entries[bool(message)].append(
            f'<div class="mistake"><h3>{name} ({_many(len(group), "student")})</h3>'
            f'{message and f"<p>{_text(message)}</p>"}<ul class="samples">{shown}</ul></div>'
        )
    words = "With lines of the answers as Python reads them: without comments, and in the usual spaces."
    named = _section("The most frequent mistakes", entries[True], words=words)
    words = "They are none of the mistakes that have a name; beside each line stands what its check says."
    return named + (_section("Other wrong answers", entries[False], words=words) if entries[False] else "")


def _talk(students: list[str], results: list[Result], unread: Counter[str]) -> str:
    """Who has passed nothing, has failed often, or whose files crashed, lack exercises or cannot be read."""
    rows = []
    for student in students:
        own = [r for r in results if r.student == student]
        by = {s: [r.exercise for r in own if r.status == s] for s in STATUSES}
        passed, failed = len(by[PASSED]), len(by[FAILED])
        why = ["<strong>nothing passed</strong>"] if own and not passed else []
        why += [f"{s}: " + ", ".join(f"<code>{_text(name)}</code>" for name in by[s]) for s in STATUSES[1:] if by[s]]
        why += [f"{_many(unread[student], 'file')} not read"] if unread[student] else []
        stopped = by[TIME_LIMIT] + by[CRASHED] + by[MISSING]
        if not passed or failed > passed or failed > 2 or stopped or unread[student]:
            row = f'<tr><th scope="row">{_text(student)}</th><td class="n">{passed} of {len(own)}</td>'
            rows.append((passed / len(own) if own else 0, passed - len(own), f"{row}<td>{'; '.join(why)}</td></tr>"))
    head = '<th scope="col">student</th><th class="n" scope="col">passed</th><th scope="col">why</th>'
    table = f"<table class='talk'><thead><tr>{head}</tr></thead>\n<tbody>{{}}</tbody></table>"
    rows = [row for *_, row in sorted(rows, key=lambda row: row[:2])]
    words = "Nothing passed, more failed than passed or at least three failed, stopped, crashed, missing, or not read."
    return _section("Who to talk to", rows, table, words)
