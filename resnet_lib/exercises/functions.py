"""Probes for exercises that are functions: call the answer, and turn what comes back into plain values to compare."""

from __future__ import annotations

import builtins
import copy
import dis
import inspect
import itertools
import numbers
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy
import torch
from torch import Tensor, nn

from resnet_lib.exercises.checking import Exercise
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

    kind: str  #: "int", "float", "str", "list", "tuple", "tensor", "None", "error", "other", …
    value: object = None
    shown: str = field(default="", compare=False)  #: for the message, as in "4.0, a float"
    short: str = field(default="", compare=False)  #: the same inside a list, as in "4.0"


NOT_ASKED = Seen("not asked", shown="something else when it is called again")
CHANGING = Seen("changing", shown="one result the first time and another the second")
SHARED = Seen("shared", shown="this list, but the next call of your function changes it")
CHANGED_INPUT = Seen("changed input", shown="a result, but the list it was given has changed")
ALL_RIGHT = Seen("all right")


@dataclass(frozen=True)
class Call(Probe):
    """A probe that is one call. ``arguments`` are all values in the order of the contract, defaults included."""

    arguments: tuple = ()
    many: tuple = ()  #: the calls of the last probe, which is many in one


def plainly(*arguments) -> tuple:
    """A case of :func:`calls` without named arguments."""
    return arguments, {}, arguments


def calls(
    name: str, reference: Callable, first: list, then: Iterable = (), many: Iterable = ()
) -> list[Call]:
    """Probes of the function ``name``, one for each case: positional arguments, named arguments, all values in order.

    The cases in ``then`` are special, and are tried only on an answer that has all of ``first`` right: so a mistake in
    the rule has one name, whatever the code does with special cases. ``many`` are tried together, as the last probe, on
    an answer that has all the others right: so no rule that is right by luck comes through.
    """

    def at_first(case):
        other = first[1] if case is first[0] else first[0]

        def look(answer):
            result, _ = _once(answer, case)
            expected, _ = _once(reference, case)
            # Code that keeps something between calls shows in a second call; the first case is always asked twice.
            if result == expected and case is not first[0]:
                return result
            return _number_in_text(_twice(answer, case, other), expected)

        return look

    def later(case):
        expected, _ = _once(reference, case)

        def look(answer):
            if _any_wrong(answer, reference, first):
                return NOT_ASKED
            result, _ = _once(answer, case, refuses=True)
            if result == expected:
                return result
            result = _twice(answer, case, first[0], refuses=True)
            return _in_place_of_error(answer, result) if expected.kind == "error" else result

        return look

    def at_last(answer):
        if _any_wrong(answer, reference, [*first, *then]):
            return NOT_ASKED
        for place, case in enumerate(many):
            expected, got = (_once(f, case, refuses=True)[0] for f in (reference, answer))
            if got != expected:
                return Seen("one of many", (place, expected, got))
        return ALL_RIGHT

    first, then, many = list(first), list(then), list(many)
    probes = [Call(_label(name, case), at_first(case), case[2]) for case in first]
    probes += [Call(_label(name, case), later(case), case[2]) for case in then]
    if many:
        more = tuple(Call(_label(name, case), at_first(case), case[2]) for case in many)
        probes.append(Call(f"{len(many)} more calls", at_last, many=more))
    return probes


def _any_wrong(answer: Callable, reference: Callable, cases: list) -> bool:
    return any(
        _once(answer, case, refuses=True)[0] != _once(reference, case)[0] for case in cases
    )


def _twice(answer: Callable, case: tuple, other: tuple, refuses: bool = False) -> Seen:
    """What ``case`` gives, unless the code keeps something: then it changes with a call in between."""
    before, result = _once(answer, case, refuses)
    _once(answer, other, refuses=True)
    shared = issubclass(type(result), list) and plain(result) != before
    if _once(answer, case, refuses)[0] != before:
        return CHANGING
    return SHARED if shared and before.kind == "list" else before


def _number_in_text(result: Seen, expected: Seen) -> Seen:
    """A text that holds the right number is the same, whatever words stand around it."""
    if result.kind == "str" and expected.kind == "int":
        found = re.findall(r"\d+", result.value[1].replace(",", ""))
        if str(expected.value) in found:
            return Seen("number in a text", expected.value, result.shown)
    return result


def _in_place_of_error(answer: Callable, result: Seen) -> Seen:
    """A result where an error is right, in a form that does not depend on the words or numbers in it."""
    if result.kind == "str":
        return Seen("text", None, result.shown)
    # Nobody refuses anything with these two: the code has run into them.
    if result.shown.startswith(
        ("Your code raised RecursionError", "Your code raised UnboundLocalError")
    ):
        return Seen("error", "by accident", result.shown)
    if result.kind not in ("error", "exception") and _forgets_raise(answer):
        return Seen("unraised", None, result.shown)
    return result


def _forgets_raise(answer: Callable) -> bool:
    """Whether the code names an exception outside of ``except``, and has no ``raise`` at all."""
    try:
        code = [
            instruction
            for instruction in dis.get_instructions(inspect.unwrap(answer).__code__)
            if instruction.opname != "CACHE"
        ]
    except Exception:  # no code of its own: a partial function, an object, a hostile one
        return False
    if any(instruction.opname == "RAISE_VARARGS" for instruction in code):
        return False
    return any(
        instruction.opname in ("LOAD_GLOBAL", "LOAD_NAME")
        and _is_exception(getattr(builtins, instruction.argval, None))
        and "EXC_MATCH" not in following.opname
        for instruction, following in itertools.pairwise(code)
    )


def _is_exception(value: object) -> bool:
    return type(value) is type and issubclass(value, BaseException)


def _label(name: str, case: tuple) -> str:
    positional, named, _ = case
    given = [repr(value) for value in positional]
    return f"{name}({', '.join(given + [f'{key}={value!r}' for key, value in named.items()])})"


def _once(answer: Callable, case: tuple, refuses: bool = False) -> tuple[Seen, object]:
    """One call: what it gave, as plain values and as it is.

    ``NotImplementedError`` means that the exercise has not been attempted, but not in a special case that code ``refuses``.
    """
    positional, named, everything = copy.deepcopy(case)
    try:
        if named:
            result = _by_name(answer, positional, named, everything)
        else:
            result = answer(*positional)
        return (CHANGED_INPUT if positional != case[0] else plain(result)), result
    except Exception as error:
        if isinstance(error, NotImplementedError) and not refuses:
            raise
        told = StudentError(error)
        return Seen("error", _kind_of_error(error, told.text), told.explain()), None


def _kind_of_error(error: Exception, text: str) -> str:
    """Errors that tell by themselves what is wrong have a kind of their own; all the others are one."""
    if isinstance(error, ValueError):
        return "ValueError"
    if text.startswith("exceptions must derive from"):
        return "no exception"
    if text == "'NoneType' object has no attribute 'append'":
        return "append to None"
    return "another"


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
    alike = [
        (k, value)
        for name, value in named.items()
        for k in known[len(positional) :]
        if k[0].lower() == name[0]
    ]
    if len(alike) == len(dict(alike)) == len(named):
        return answer(*positional, **dict(alike))
    return answer(*everything)


def plain(value: object, depth: int = 0) -> Seen:
    """A student's result as plain values.

    Python's and NumPy's integers are ints, as ``range`` and PyTorch take both; bools, floats, tensors and arrays are not.
    """
    kind = type(value)
    if value is None:
        return Seen("None", shown="None", short="None")
    if issubclass(kind, numbers.Integral) and not issubclass(kind, bool):
        number = int(value)
        text = f"{number:,}" if abs(number) < 10**30 else "a number of more than 30 digits"
        return Seen("int", number, text, text.replace(",", ""))
    if issubclass(kind, (float, numpy.floating)):
        text = repr(float(value))
        return Seen("float", text, f"{text}, a float", text)
    if issubclass(kind, str):
        start = str.__str__(str.__getitem__(value, slice(0, 200)))
        text = repr(start if len(start) < 100 else start[:100] + "…")
        return Seen("str", (str.__len__(value), start), f"{text}, a str", text)
    if kind in (Tensor, nn.Parameter, numpy.ndarray):
        return _plain_tensor(value, "an array" if kind is numpy.ndarray else "a tensor")
    if kind is dict and depth < 3:
        entries = plain(list(itertools.islice(value.values(), _LONGEST + 1)), depth)
        return Seen("dict", entries.value, "a dict", "a dict")
    if issubclass(kind, Iterator):
        return Seen("iterator", None, f"an iterator ({kind.__name__[:60]})", "an iterator")
    if issubclass(kind, BaseException) or _is_exception(value):
        name = _with_article((value if kind is type else kind).__name__)
        text = f"{name} as its result, and does not raise it"
        return Seen("exception", None, text, text)
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
    text = _with_article(str(kind.__name__))
    return Seen("other", kind.__name__, text, text)


def _with_article(name: str) -> str:
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name[:60]}"


def _plain_tensor(value: Tensor | numpy.ndarray, what: str) -> Seen:
    """A tensor or an array, of which the first entries are looked at."""
    shape = tuple(value.shape)
    try:
        entries = plain(value.reshape(-1)[: _LONGEST + 1].tolist(), 1)
    except Exception:  # on the meta device there are no numbers
        entries = Seen("other")
    text = entries.short[1:-1] if shape == () else entries.short
    return Seen(
        what.split()[1], (shape, entries.value), f"{text}, {what}", f"{what.split()[1]}({text})"
    )


def yours(got: Seen) -> str:
    """What the student's function gave, as the end of a sentence that began with what is right."""
    if got.kind == "error":
        return f". {got.shown}"
    return f"; yours gives {got.shown}."


def evidence(tell: Callable) -> Callable:
    """``tell(probe, expected, got)``, where the last probe stands for the one of its many calls that is wrong."""

    def told(probe: Call, expected: Seen, got: Seen):
        if got.kind == "one of many":
            place, expected, got = got.value
            probe = probe.many[place]
        return tell(probe, expected, got)

    return told


@evidence
def tell_value(probe: Call, expected: Seen, got: Seen) -> str:
    """Evidence where the label and the expected value say enough."""
    if expected.kind == got.kind == "str":
        return f"{probe.label} should give {expected.short}; yours gives {got.short}."
    return f"{probe.label} should give {expected.shown}{yours(got)}"


def wrong_kinds(exercise: Exercise) -> None:
    """Adds the mistakes of every exercise whose answer returns an int: a right number in another form."""
    right = exercise.reference

    @exercise.mistake(
        "no-return",
        "Your function returns None: a `return` is missing. `print` only shows a number; `return` hands it to the caller.",
    )
    def _(*arguments, **named):
        print(right(*arguments, **named))

    @exercise.mistake(
        "text-result",
        "The value is right, but it is a text (a str), and later code cannot calculate with it. "
        "Return the number itself, without `str(…)`, quotes or an f-string.",
    )
    def _(*arguments, **named):
        return str(right(*arguments, **named))

    @exercise.mistake(
        "tensor-result",
        "The value is right, but it is a tensor. The task asks for an int: add `.item()`, or calculate without PyTorch.",
    )
    def _(*arguments, **named):
        return torch.tensor(right(*arguments, **named))

    @exercise.mistake(
        "list-result",
        "The value is right, but it stands in a list. Return the number itself, without square brackets.",
    )
    def _(*arguments, **named):
        return [right(*arguments, **named)]

    @exercise.mistake(
        "pair-result",
        "You return a pair of two equal numbers. The task asks for one number.",
    )
    def _(*arguments, **named):
        return (right(*arguments, **named),) * 2


def wrong_refusals(exercise: Exercise, refuse: str, no_result: str, fits: Callable) -> None:
    """Adds the mistakes of an exercise that refuses some arguments: what stands where ``raise ValueError(…)`` should.

    ``refuse`` says which, as in "even kernels"; ``no_result`` names what there is none of; ``fits(*arguments, **named)``
    tells whether the arguments are good ones.
    """
    right = exercise.reference

    @exercise.mistake(
        "raise-forgotten",
        "You write the error, but not `raise` before it. `ValueError(…)` alone only makes an error and drops it: "
        "write `raise ValueError(…)`.",
    )
    def _(*arguments, **named):
        if not fits(*arguments, **named):
            ValueError("refused")
            return 0
        return right(*arguments, **named)

    @exercise.mistake(
        "error-returned",
        f"You return the error as if it were a {no_result}. Write `raise ValueError(…)`, not `return`.",
    )
    def _(*arguments, **named):
        if not fits(*arguments, **named):
            return ValueError("refused")
        return right(*arguments, **named)

    @exercise.mistake(
        "text-for-error",
        f"For {refuse} you return a text. The caller would take it for a {no_result}: write `raise ValueError(…)`.",
    )
    def _(*arguments, **named):
        return right(*arguments, **named) if fits(*arguments, **named) else "refused"

    @exercise.mistake(
        "text-raised",
        "You raise a text. Only an error can be raised: put the text into one, `raise ValueError(…)`.",
    )
    def _(*arguments, **named):
        if not fits(*arguments, **named):
            raise refuse
        return right(*arguments, **named)

    @exercise.mistake(
        "none-for-error",
        f"For {refuse} you return None, so the mistake would show much later. Write `raise ValueError(…)`; "
        "to print a message is not enough.",
    )
    def _(*arguments, **named):
        return right(*arguments, **named) if fits(*arguments, **named) else None

    @exercise.mistake(
        "zero-for-error",
        f"For {refuse} you return 0. Later code would go on with a {no_result} that is wrong: "
        "write `raise ValueError(…)`.",
    )
    def _(*arguments, **named):
        return right(*arguments, **named) if fits(*arguments, **named) else 0

    @exercise.mistake(
        "minus-one-for-error",
        f"For {refuse} you return −1, as some languages do. Later code would go on with a {no_result} that is wrong: "
        "write `raise ValueError(…)`.",
    )
    def _(*arguments, **named):
        return right(*arguments, **named) if fits(*arguments, **named) else -1

    @exercise.mistake(
        "other-exception",
        f"You refuse {refuse}, but not with a ValueError. The task asks for one, so that a caller knows what to catch.",
    )
    def _(*arguments, **named):
        assert fits(*arguments, **named)
        return right(*arguments, **named)
