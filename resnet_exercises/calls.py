"""The probe of an exercise that is a function of plain values: it calls the answer and compares what comes back."""

import ast
import contextlib
import copy
import inspect
import numbers
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from resnet_exercises.errors import StudentError, TimeIsUp, raising_statement
from resnet_exercises.observing import Probe, first_difference, named_kind
from resnet_exercises.running import as_long_as, processor_time
from resnet_exercises.screening import dropped_error, source_tree
from resnet_exercises.torch_words import with_article

LONGEST = 12  # of a list, so many entries are looked at, and its length
ENOUGH = 0.3  # seconds of processor time in calls: then no more of the many are made
LITTLE = 0.01  # and where an answer counts in loops, no large ones: those would never end


@dataclass(frozen=True, eq=False)
class Call:
    """One call: positional and named arguments, and all of them in the order of the signature, defaults included."""

    label: str
    positional: tuple
    named: dict[str, object]
    everything: tuple

    def __str__(self) -> str:
        return self.label


def call(*positional: object, **named: object) -> tuple[tuple, dict[str, object]]:
    """The arguments of one call."""
    return positional, named


def _call_of(solution: Callable, positional: tuple, named: dict[str, object]) -> Call:
    given = [*map(repr, positional), *(f"{key}={value!r}" for key, value in named.items())]
    all_given = inspect.signature(solution).bind(*positional, **named)
    all_given.apply_defaults()
    return Call(f"{solution.__name__}({', '.join(given)})", positional, named, all_given.args)


@dataclass(frozen=True)
class Result:
    """What one call gave, as plain values: comparing two of these runs no code of a student's."""

    kind: str  #: "int", "float", "str", "list", "tuple", "tensor", "None", "error", "other", …
    value: Any = None
    shown: str = field(default="", compare=False)  #: for the message, as in "4.0, a float"
    short: str = field(default="", compare=False)  #: the same inside a list, as in "4.0"
    right: Any = field(default=None, compare=False)  #: of one of the many calls


STEADY = Result("steady", shown="the right result")
CHANGING = Result("changing", shown="one result the first time and another the second")
SHARED = Result("shared", shown="this list, but the next call of your function changes it")


def calls(*groups: Iterable, form: Callable = lambda result, expected: result) -> Callable[..., list[Probe]]:
    """The ``probes`` of an exercise: one, which makes calls, and sees a :class:`Result` for each.

    The ``groups`` are up to four. Those of the second, special cases, are made only of an answer that has the first
    right, so a mistake in the rule has one name. The many of the third follow where all is right, up to one that is
    wrong, so no rule that is right by luck comes through; large ones come last. ``form(result, expected)`` gives a
    wrong result of the first a form in which a mistake looks the same in all codes.
    """
    given = [list(group) for group in (*groups, (), (), ())]

    def probes(name: str, solution: Callable) -> list[Probe]:
        made = [[_call_of(solution, *arguments) for arguments in group] for group in given]
        alone = _Calls(solution, {})
        right = {one: alone.once(one, special=True)[0] for group in made for one in group}
        return [Probe("these calls", lambda answer: _results(_Calls(answer, right), form, *made[:4]))]

    return probes


def _results(made: "_Calls", form: Callable, first: list, then: list, many: list, large: list) -> dict[Any, Any]:
    """What the calls of an answer give, as far as they are made."""
    right = made.right
    seen: dict[Any, Any] = {}
    if kept := made.keeps_something(first[0], first[1]):
        seen[first[0]] = kept
        for one in first[1:] if kept is CHANGING else ():
            results = [made.once(call)[0] for call in (one, first[0], one)]
            seen[one] = STEADY if results[0] == results[2] == right[one] else CHANGING
        return seen
    for one in first:
        result = made.make(one)
        seen[one] = result if result == right[one] else form(result, right[one])
    if all(result.value == "refused" for result in seen.values()):
        refuses = [made.make(one, True) for one in then if right[one].kind == "error"]
        seen["refuses the special cases too"] = all(result.value in ("ValueError", "refused") for result in refuses)
    if all(result.kind == "float" for result in seen.values()):
        for one in large:  # how exact are they?
            seen[one] = made.make(one, special=True)
    for one in then if not made.wrong else ():
        seen[one] = made.make(one, special=True)
    nodes = ast.walk(source_tree(made.answer) or ast.Pass())
    loops = any(isinstance(node, (ast.For, ast.While, ast.comprehension)) for node in nodes)
    for one in (*many, *large) if not made.wrong else ():
        # an answer that asks a network, say, is not tried on all of them
        if made.wrong or made.seconds > as_long_as(LITTLE if loops and one in large else ENOUGH):
            break
        if (result := made.make(one, special=True)) != right[one]:
            seen[one] = replace(result, right=right[one])
    return seen


class _Calls:
    """The calls of one answer in one check."""

    def __init__(self, answer: Callable, right: dict[Call, Result]):
        self.answer, self.right = answer, right
        self.wrong, self.seconds = 0, 0.0

    def make(self, one: Call, special: bool = False) -> Result:
        """What a call gives. In a ``special`` case a NotImplementedError does not mean that nothing is written yet."""
        start = processor_time()
        result, _ = self.once(one, special)
        self.seconds += processor_time() - start
        expected = self.right[one]
        if result == expected:
            return result
        self.wrong += 1
        if expected.kind != "error" or result.kind in ("error", "exception"):
            return result
        if result.kind in ("str", "tuple"):  # whatever they say
            return replace(result, value=None)
        return Result("unraised", shown=result.shown) if dropped_error(self.answer) else result

    def keeps_something(self, one: Call, other: Call) -> Result | None:
        """What a call leaves: a changed input, or another result after a call in between, as where a list is kept."""
        before, result = self.once(one)
        if before.kind == "changed input":
            return before
        self.once(other)
        shared = before.kind == "list" and plain(result) != before
        changing = self.once(one)[0] != before
        return CHANGING if changing else SHARED if shared else None

    def once(self, one: Call, special: bool = False) -> tuple[Result, object]:
        """One call: what it gave, as plain values and as it is."""
        before, named = _with_its_names(self.answer, one) if one.named else (one.positional, {})
        positional = copy.deepcopy(before)
        try:
            result = self.answer(*positional, **named)
            if positional != before:
                turned = tuple(value[::-1] for value in before if isinstance(value, list))
                how = "turned round" if positional == turned else "other values"
                shown = f"a result, but leaves {plain(list(positional)).short[1:-1]} of what it was given"
                return Result("changed input", how, shown), result
            return plain(result), result
        except TimeIsUp:
            raise TimeIsUp(
                f"{one} did not end in the time that a check has for your code. Either a loop in it never ends, or it "
                "is slow: make what takes long, such as a network, once and outside of the function."
            ) from None
        except Exception as error:
            if isinstance(error, NotImplementedError) and not special:
                raise
            told = StudentError(error)
            refused = one not in self.right or self.right[one].kind == "error"
            return Result("error", _kind_of_error(error, told.text, refused), told.explain()), None


def _with_its_names(answer: Callable, one: Call) -> tuple[tuple, dict[str, object]]:
    """The arguments of a call, named as the answer names them: with the same initial, or by their places."""
    names: list[str] = []
    try:
        signature = inspect.signature(answer)
        names = list(signature.parameters)
        signature.bind(*one.positional, **one.named)
        return one.positional, one.named
    except (TypeError, ValueError):
        free = names[len(one.positional) :]
        alike = {own: one.named[n] for n in one.named for own in free if own[0].lower() == n[0]}
        return (one.positional, alike) if len(alike) == len(one.named) else (one.everything, {})


def _kind_of_error(error: Exception, text: str, refused: bool) -> str:
    """How an error came about: a ValueError where there should be one, another refusal, or a fault in the code."""
    if text.startswith("exceptions must derive from"):
        return "no exception is raised"
    if text == "'NoneType' object has no attribute 'append'":
        return "append to None"
    line = raising_statement(error)
    raised = ast.unparse(line.exc) if isinstance(line, ast.Raise) and line.exc else ""
    named = type(error).__name__ in raised or raised.isidentifier()
    on_purpose = named or isinstance(error, AssertionError)
    if not refused:
        return "refused" if on_purpose else "calls itself" if isinstance(error, RecursionError) else "another"
    if isinstance(error, ValueError):
        return "ValueError"
    if isinstance(error, NotImplementedError):
        return "stub left" if on_purpose else "refused"
    if on_purpose or isinstance(error, RuntimeError) and not isinstance(error, RecursionError):
        return "refused"
    return "in a raise" if line is not None else "by accident"


def plain(value: Any, depth: int = 0) -> Result:
    """A student's result as plain values.

    Python's and NumPy's integers are ints, as ``range`` and PyTorch take both; bools, floats and tensors are not.
    """
    kind = type(value)
    if value is None:
        return Result("None", shown="None", short="None")
    if issubclass(kind, numbers.Integral) and not issubclass(kind, bool):
        number = int(value)
        text = f"{number:,}" if abs(number) < 10**30 else "a number of more than 30 digits"
        return Result("int", number, text, text.replace(",", ""))
    if issubclass(kind, numbers.Real) and not issubclass(kind, bool):
        text = repr(float(value))
        return Result("float", text, f"{text}, a float", text)
    if issubclass(kind, str):
        start = str.__str__(str.__getitem__(value, slice(0, 200)))
        text = repr(start if len(start) < 100 else start[:100] + "…")
        return Result("str", (str.__len__(value), start), f"{text}, a str", text)
    if kind.__module__.split(".")[0] in ("torch", "numpy") and hasattr(value, "reshape"):
        shape, what = tuple(value.shape), "array" if kind.__module__ == "numpy" else "tensor"
        entries = Result("other")
        with contextlib.suppress(Exception):  # on the meta device there are no numbers
            entries = plain(value.reshape(-1)[: LONGEST + 1].tolist(), 1)
        text = entries.short[1:-1] if shape == () else entries.short
        return Result(what, (shape, entries.value), f"{text}, {with_article(what)}", f"{what}({text})")
    if issubclass(kind, Iterator):
        return Result("iterator", None, f"an iterator ({kind.__name__[:60]})", "an iterator")
    error = value if kind is type else kind
    if issubclass(error, BaseException):
        text = f"{with_article(error.__name__[:60])} as its result, and does not raise it"
        return Result("exception", None, text, text)
    sequence: Any = list if issubclass(kind, list) else tuple
    if not issubclass(kind, sequence) or depth >= 3:
        return Result("other", kind.__name__, named_kind(value), named_kind(value))
    length = sequence.__len__(value)
    all_plain = tuple(plain(entry, depth + 1) for entry in sequence.__getitem__(value, slice(0, LONGEST)))
    text = ", ".join(entry.short for entry in all_plain) + (", …" if length > LONGEST else "")
    if sequence is list:
        return Result("list", (length, all_plain), f"[{text}]", f"[{text}]")
    text = f"({text},)" if length == 1 else f"({text})"
    return Result("tuple", (length, all_plain), f"{text}, a tuple", text)


def number_in_text(result: Result, expected: Result) -> Result:
    """A text that holds the right number is the same, whatever words stand around it. For ``form`` of :func:`calls`."""
    if result.kind == "str" and expected.kind == "int":
        if str(expected.value) in re.findall(r"\d+", result.value[1].replace(",", "")):
            return Result("number in a text", expected.value, result.shown)
    return result


def first_wrong(expected: object, got: object) -> tuple[Call, Result, Result]:
    """The first call that gave something wrong: the call, what it should give, and what it gave."""
    one, right, wrong = first_difference(expected, got)
    return one, right or wrong.right, wrong


def with_numbers(reason: Callable[..., str]) -> Callable[[Probe, object, object], str]:
    """Evidence in words: the first call that gave something wrong, and what is right.

    ``reason(expected, *arguments)`` says why, with the numbers put in, or nothing where the value says enough.
    """

    def evidence(probe: Probe, expected: object, got: object) -> str:
        one, right, wrong = first_wrong(expected, got)
        if right.kind == wrong.kind == "str":
            return f"{one} should give {right.short}; yours gives {wrong.short}."
        why = reason(right, *one.everything)
        said = f"{one}: {why}" if why else f"{one} should give {right.shown}"
        gave = f". {wrong.shown}" if wrong.kind == "error" else f"; yours gives {wrong.shown}."
        return said + gave

    return evidence
