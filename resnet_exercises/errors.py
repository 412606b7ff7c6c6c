"""What a student's code raised, told without a traceback."""

import ast
import contextlib
import functools
import linecache
import re
import symtable
import textwrap
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from resnet_exercises.torch_words import translate, trouble

_HERE = Path(__file__).resolve().parent
#: this package, the library beside it, and Python's own files
_OURS = _HERE, _HERE.parent / "resnet_lib", Path(linecache.__file__).resolve().parent, "<frozen"


class TimeIsUp(BaseException):
    """Raised in code that takes too long. No ``Exception``, so that ``except Exception`` does not catch it."""


def attempt(function: Callable, *arguments: object) -> Any:
    """What ``function`` returns, or whatever an answer raises in it, ``sys.exit`` included, as a :class:`StudentError`.

    Ctrl-C goes on: what was interrupted is not remembered as what an answer does.
    """
    try:
        return function(*arguments)
    except KeyboardInterrupt:
        raise
    except BaseException as error:
        return error if isinstance(error, StudentError) else StudentError(error)


Causes = Iterable[tuple[str, str]]
TIMED_OUT = "Your code did not end in the time that a check has for it. Either a loop in it never ends, or it is slow."


class StudentError(Exception):
    """What a student's code raised: ``kind`` and ``text``, and their own ``line`` where there is one.

    ``causes`` are pairs of a pattern and a name for what it tells of, whatever the words and numbers. ``place`` tells
    the error from the same one elsewhere, and ``told`` says to readers where it is.
    """

    def __init__(self, error: BaseException, causes: Causes = (), place: Iterable[str] = (), told: str = ""):
        self.causes, self.place, self.told = causes, tuple(place), told
        self.kind = type(error).__name__
        self.text = ""
        with contextlib.suppress(BaseException):
            self.text = str(error)
        self.timed_out = isinstance(error, TimeIsUp)
        steps = list(traceback.walk_tb(error.__traceback__))
        code = steps[-1][0].f_code
        stub = isinstance(error, NotImplementedError) and type(error).__name__ in code.co_names
        #: the qualified name of the student's function that raises a NotImplementedError, where it is not PyTorch's
        self.not_implemented = code.co_qualname if stub and is_theirs(code.co_filename) else ""
        theirs = [(frame, line) for frame, line in steps if is_theirs(frame.f_code.co_filename)]
        self.line = None
        for frame, line in theirs[-1:]:
            linecache.checkcache(frame.f_code.co_filename)
            self.line = linecache.getline(frame.f_code.co_filename, line, frame.f_globals).strip() or None
        self.hint = _self_forgotten(error)
        super().__init__(self.text)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Type and numbers of the error: equal for the same mistake written in another order.

        Without numbers it is the kind of trouble or, where that has no name here, the words.
        """
        causes = ((name, re.search(words, self.text)) for words, name in self.causes)
        if same := trouble(self.text) or next((match.expand(name) for name, match in causes if match), ""):
            return (same, *self.place)
        found = sorted(re.findall(r"(?<!\w)\d+|(?<=\dx)\d+", self.text))  # not that of conv2d
        return (self.kind, *(found or sorted(re.findall(r"\w+", self.text))), *self.place)

    def explain(self) -> str:
        """One or two sentences for the student."""
        if self.timed_out:
            return self.text or TIMED_OUT
        where = f" at your line `{self.line}`" if self.line else ""
        said = re.sub(r",? but expected one of:?$", "", self.text.strip().partition("\n")[0])
        said = textwrap.shorten(said, 300, placeholder=" …")
        raised = f"Your code raised {self.kind}{where}" + (f": {said}" if said else "")
        translation = translate(self.text) or self.hint
        raised = raised if raised.endswith("?") else raised.rstrip(".") + "."
        return " ".join(filter(None, (raised, translation, self.told)))


def tried(function: Callable, *arguments: object, causes: Causes = ()) -> object:
    """What ``function`` returns, or its error. One that says "still to be written" goes on, as ever."""
    try:
        return function(*arguments)
    except Exception as error:
        raised = StudentError(error, causes)
        if raised.not_implemented:
            raise
        return raised


@functools.cache
def is_theirs(path: str) -> bool:
    """Whether a file is a student's: neither ours, nor Python's own, nor of an installed package."""
    return not path.startswith(tuple(map(str, _OURS))) and "site-packages" not in path and "dist-packages" not in path


def _self_forgotten(error: BaseException) -> str:
    """A hint where an object lacks what its ``__init__`` keeps in a name of its own."""
    kind: Any = type(getattr(error, "obj", None))
    code, name = getattr(kind.__init__, "__code__", None), getattr(error, "name", None)
    if code and name in code.co_varnames[code.co_argcount + code.co_kwonlyargcount :]:
        return f"Is `self.` missing where {name} is made in `__init__`?"
    return ""


def raising_statement(error: BaseException) -> ast.Raise | ast.Assert | None:
    """The ``raise`` or ``assert`` in whose line an error came up, in the code that raised it."""
    *_, (frame, line) = traceback.walk_tb(error.__traceback__)
    tree = parsed_file(frame.f_code.co_filename)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, (ast.Raise, ast.Assert)) and node.lineno <= line <= (node.end_lineno or line):
            return node
    return None


def parsed_file(path: str) -> ast.Module | None:
    """The syntax tree of the file or notebook cell ``path``; None where there is no text of it."""
    linecache.checkcache(path)
    return parsed("".join(linecache.getlines(path)))


@functools.lru_cache(maxsize=64)
def parsed(text: str) -> ast.Module | None:
    """The syntax tree; None where there is no text, or none that Python can read."""
    try:
        symtable.symtable(text, "cell", "exec")  # finds arguments of one name, too
        return ast.parse(text) if text else None
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
