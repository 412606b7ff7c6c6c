"""Known mistakes: edits of an exercise's solution, read from its ``*.toml`` files."""

import linecache
import re
import tomllib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
_numbers: Iterator[int] = iter(range(10**9))  # for the names of what is built


@dataclass(frozen=True)
class Mistake:
    """One known mistake: what a teacher would say of it, and the wrong answer as text."""

    id: str
    says: str
    code: str
    edits: tuple = ()  #: what it replaces in the solution; nothing where ``code`` is written out
    arrange: bool = False  #: its line is a wrong one among those that a reader of the page arranges

    @property
    def needs(self) -> set[str]:
        """PyTorch or NumPy, where the wrong answer imports it."""
        return set(re.findall(r"\b(?:import|from) (torch|numpy)\b", self.code))


def edited(text: str, edits: Iterable[tuple[str, str]]) -> str:
    """``text`` with each ``[old, new]`` replaced in turn. ``ValueError`` where ``old`` is not there exactly once."""
    for old, new in edits:
        if text.count(old) != 1:
            raise ValueError(
                f"the text {old!r} of an edit stands {text.count(old)} times in the solution, and once is expected: "
                "give more of the line"
            )
        text = text.replace(old, new)
    return text


def joined(first: Mistake, second: Mistake) -> str | None:
    """The solution with two mistakes at once; None where they are not edits of different places."""
    if not (first.edits and second.edits) or first.id == second.id:
        return None
    try:
        text = edited(first.code, second.edits)
        compile(text, "<two known mistakes>", "exec")
    except (ValueError, SyntaxError):
        return None
    return text


def read_mistakes(name: str, folder: str, solution: str) -> list[Mistake]:
    """The known mistakes of ``name``, in its folder and shared; ``ValueError`` says in which file an entry is wrong."""
    found = {}
    for path in (*sorted((HERE / folder).glob("*.toml")), HERE / "mistakes.toml"):
        data = tomllib.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        imports = data.pop("imports", "")
        of = data.pop("of", [name])
        for id, entry in data.items():
            try:
                mistake = _read(id, {"of": of, **entry}, name, solution, imports)
                if mistake and id in found:
                    raise ValueError("the id stands in another file too")
            except (ValueError, TypeError) as error:
                raise ValueError(f"{path.relative_to(HERE)}, mistake {id!r} of {name}: {error}") from None
            if mistake:
                found[id] = mistake
    return list(found.values())


def _read(id: str, entry: dict, name: str, solution: str, imports: str) -> Mistake | None:
    """The mistake of an entry; None where the entry is about other exercises."""
    if unknown := entry.keys() - {"says", "of", "edit", "edits", "code", "arrange"}:
        raise ValueError(f"it has {sorted(unknown)}, which no entry has")
    if not re.fullmatch(r"[a-z0-9-]+", id) or not entry.get("says"):
        raise ValueError("it needs an id of small letters, digits and hyphens, and `says`")
    if len(given := entry.keys() & {"edit", "edits", "code"}) != 1:
        raise ValueError("it needs one of `edit`, `edits` and `code`")
    (key,) = given
    texts = entry[key] if isinstance(entry[key], dict) else dict.fromkeys(entry["of"], entry[key])
    if (how := texts.get(name)) is None:
        return None
    edits = () if key == "code" else tuple(map(tuple, [how] if key == "edit" else how))
    text = how if key == "code" else edited(solution, edits)
    text = f"{imports}\n{text}" if imports else text
    return Mistake(id, entry["says"], text, edits, entry.get("arrange", False))


def build(text: str, name: str, called: str = "an answer") -> object:
    """What ``name`` is after ``text`` was run."""
    space: dict[str, object] = {"__name__": "__main__"}
    run(text, f"<{called} {next(_numbers)}>", space)
    return space[name]


def run(text: str, path: str, space: dict[str, object]) -> None:
    """Runs code in the names of ``space``. Its lines can be shown and parsed as those of a file ``path``."""
    linecache.cache[path] = len(text), None, text.splitlines(keepends=True), path
    exec(compile(text, path, "exec", dont_inherit=True), space)
