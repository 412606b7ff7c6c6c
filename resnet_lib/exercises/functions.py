"""Probes for exercises that are functions: call the answer, and turn what comes back into plain values to compare."""

from __future__ import annotations

import copy
import inspect
import numbers
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy
import torch
from torch import nn

from resnet_lib.exercises.probing import Probe
from resnet_lib.exercises.running import StudentError

# On its first use the meta device loads modules for a second or more. A right answer may ask it for a size, and must
# not run out of time for that.
with torch.device("meta"), torch.no_grad():
    nn.BatchNorm2d(1).eval()(nn.Conv2d(1, 1, 1)(torch.empty(1, 1, 1, 1)))

_LONGEST = 12  # of a list, so many entries are looked at, and its length


@dataclass(frozen=True)
class Seen:
    """What one call gave, as plain values: comparing two of these runs no code of a student's."""

    kind: str  #: "int", "float", "str", "list", "tuple", "None", "error", "other", …
    value: object = None
    shown: str = field(default="", compare=False)  #: for the message, as in "4.0, a float"
    short: str = field(default="", compare=False)  #: the same inside a list, as in "4.0"


NOT_ASKED = Seen("not asked", shown="something else when it is called again")
CHANGING = Seen("changing", shown="one result the first time and another the second")
CHANGED_INPUT = Seen("changed input", shown="a result, but the list it was given has changed")


@dataclass(frozen=True)
class Call(Probe):
    """A probe that is one call. ``arguments`` are all values in the order of the contract, defaults included."""

    arguments: tuple = ()


def calls(
    name: str, reference: Callable, first: Iterable[tuple], then: Iterable[tuple] = ()
) -> list[Call]:
    """Probes of the function ``name``, one for each tuple of arguments.

    Those in ``then`` are about special cases, and are tried only on an answer that has all of ``first`` right: so a
    mistake in the rule has one name, whatever the code does with special cases.
    """
    first = [(arguments, {}, arguments) for arguments in first]
    then = [(arguments, {}, arguments) for arguments in then]
    return mixed_calls(name, reference, first, then)


def mixed_calls(name: str, reference: Callable, first: Iterable, then: Iterable) -> list[Call]:
    """As :func:`calls`, from triples: positional arguments, named arguments, all values in order."""
    first = list(first)

    def run(case, later):
        def look(answer):
            if later and any(_once(answer, c) != _once(reference, c) for c in first):
                return NOT_ASKED
            result = _once(answer, case, refuses=later)
            # Code that keeps something between calls shows in a second call; the first case is always asked twice.
            if result == _once(reference, case) and case is not first[0]:
                return result
            return result if _once(answer, case, refuses=later) == result else CHANGING

        return look

    return [Call(_label(name, case), run(case, False), case[2]) for case in first] + [
        Call(_label(name, case), run(case, True), case[2]) for case in then
    ]


def _label(name: str, case: tuple) -> str:
    positional, named, _ = case
    given = [repr(value) for value in positional]
    return f"{name}({', '.join(given + [f'{key}={value!r}' for key, value in named.items()])})"


def _once(answer: Callable, case: tuple, refuses: bool = False) -> Seen:
    """One call. Any error but ``ValueError`` counts as the same: the message tells which.

    ``NotImplementedError`` means that the exercise has not been attempted, but not in a special case that code ``refuses``.
    """
    positional, named, everything = copy.deepcopy(case)
    try:
        if named:
            result = _by_name(answer, positional, named, everything)
        else:
            result = answer(*positional)
        if positional != case[0]:
            return CHANGED_INPUT
        return plain(result)
    except NotImplementedError as error:
        if not refuses:
            raise
        return Seen("error", "another", StudentError(error).explain())
    except ValueError as error:
        return Seen("error", "ValueError", StudentError(error).explain())
    except Exception as error:
        return Seen("error", "another", StudentError(error).explain())


def _by_name(answer: Callable, positional: tuple, named: dict, everything: tuple):
    """A call with named arguments; the names in the answer may be others with the same initial, or others at all."""
    try:
        parameters = list(inspect.signature(answer).parameters.values())
    except (TypeError, ValueError):
        return answer(*everything)
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return answer(*positional, **named)
    known = [
        parameter.name
        for parameter in parameters
        if parameter.kind in (parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY)
    ]
    if all(name in known for name in named):
        return answer(*positional, **named)
    alike = {name: [k for k in known if k[0].lower() == name[0]] for name in named}
    if all(len(found) == 1 for found in alike.values()):
        return answer(*positional, **{alike[name][0]: value for name, value in named.items()})
    return answer(*everything)


def plain(value: object, depth: int = 0) -> Seen:
    """A student's result as plain values. NumPy's integers are ints, as ``range`` and PyTorch take them for ints."""
    kind = type(value)
    if value is None:
        return Seen("None", shown="None", short="None")
    if issubclass(kind, numbers.Integral) and not issubclass(kind, bool):
        number = int(value)
        text = f"{number:,}" if abs(number) < 10**30 else "a number of more than 30 digits"
        return Seen("int", number, text, text)
    if issubclass(kind, (float, numpy.floating)):
        text = repr(float(value))
        return Seen("float", text, f"{text}, a float", text)
    if issubclass(kind, str):
        start = str.__str__(str.__getitem__(value, slice(0, 200)))
        text = repr(start if len(start) < 100 else start[:100] + "…")
        return Seen("str", (str.__len__(value), start), f"{text}, a str", text)
    for sequence in (list, tuple):
        if issubclass(kind, sequence) and depth < 3:
            length = sequence.__len__(value)
            entries = sequence.__getitem__(value, slice(0, _LONGEST))
            entries = [plain(entry, depth + 1) for entry in entries]
            text = ", ".join(entry.short for entry in entries)
            text += ", …" if length > _LONGEST else ""
            text = f"[{text}]" if sequence is list else f"({text})"
            remark = "" if sequence is list else ", a tuple"
            return Seen(sequence.__name__, (length, tuple(entries)), text + remark, text)
    name = str(kind.__name__)[:60]
    text = f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"
    return Seen("other", name, text, text)


def yours(got: Seen) -> str:
    """What the student's function gave, as the end of a sentence that began with what is right."""
    if got.kind == "error":
        return f". {got.shown}"
    return f"; yours gives {got.shown}."


def tell_value(probe: Call, expected: Seen, got: Seen) -> str:
    """Evidence where the label and the expected value say enough."""
    return f"{probe.label} should give {expected.shown}{yours(got)}"
