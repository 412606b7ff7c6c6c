"""How a notebook shows source code and tables: as Markdown, which the book, Colab, JupyterLab and GitHub all render."""

import ast
import difflib
import inspect
import textwrap
from collections.abc import Callable, Iterable, Sequence

from IPython.display import Markdown


def show_source(*objects: Callable | type, fold: str = "") -> Markdown:
    """The source code of functions or classes of the library, as a highlighted block of Python.

    With ``fold`` it opens at a click on these words: for code that a reader is to write first.
    """
    sources = [textwrap.dedent(inspect.getsource(item)).rstrip() for item in objects]
    code = "```python\n" + "\n\n\n".join(sources) + "\n```"
    return Markdown(
        f"<details><summary>{fold}</summary>\n\n{code}\n\n</details>" if fold else code
    )


def show_difference(first: Callable | type, second: Callable | type) -> Markdown:
    """What changes from the code of ``first`` to that of ``second``, docstrings aside: ``-`` lines go, ``+`` lines
    come.
    """
    lines = difflib.unified_diff(
        _without_docstring(first), _without_docstring(second), lineterm="", n=100
    )
    return Markdown(
        "```diff\n" + "\n".join(list(lines)[3:]) + "\n```"
    )  # three lines of file names and line numbers


def table(header: Sequence[str], rows: Iterable[Sequence[object]]) -> Markdown:
    """A table. Numbers stand on the right, and ints have commas between the thousands."""
    rows = [list(row) for row in rows]
    is_number = [
        all(isinstance(row[column], (int, float)) for row in rows)
        for column in range(len(header))
    ]
    lines = [header, ["---:" if right else ":---" for right in is_number]]
    lines += [[_cell(value) for value in row] for row in rows]
    return Markdown("\n".join("| " + " | ".join(line) + " |" for line in lines))


def _without_docstring(item: Callable | type) -> list[str]:
    """The lines of the source code of ``item`` but for its own docstring and the empty line after it."""
    source = inspect.getsource(item)
    docstring = ast.parse(source).body[0].body[0]
    lines = source.splitlines()
    return lines[: docstring.lineno - 1] + lines[docstring.end_lineno + 1 :]


def _cell(value: object) -> str:
    return (
        f"{value:,}" if isinstance(value, int) and not isinstance(value, bool) else str(value)
    )
