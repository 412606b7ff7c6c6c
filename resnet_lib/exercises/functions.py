"""Probes for exercises that are functions: call the answer, and turn what comes back into plain values to compare."""

from __future__ import annotations

import builtins
import copy
import dis
import inspect
import itertools
import numbers
import re
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace

import numpy
import torch
from torch import Tensor, nn

from resnet_lib.exercises.checking import ENDS_A_STATEMENT, SECONDS, Exercise
from resnet_lib.exercises.probing import Probe
from resnet_lib.exercises.running import StudentError, TimeIsUp

_LONGEST = 12  # of a list, so many entries are looked at, and its length
_ENOUGH = SECONDS / 2  # of processor time in calls: then no more of the many are made
_SLOW = SECONDS / 60  # for one call, on average: all that a check makes could take too long

#: how an error came about
ON_PURPOSE = "on purpose"  # by a `raise` or an `assert`
BY_LIBRARY = "by a library"  # which may be a refusal too
STUB_LEFT = "stub left"  # a NotImplementedError on purpose
IN_RAISE = "in a raise"  # in a statement that was about to raise
BY_ACCIDENT = "by accident"


@dataclass(frozen=True)
class Seen:
    """What one call gave, as plain values: comparing two of these runs no code of a student's."""

    kind: str  #: "int", "float", "str", "list", "tuple", "tensor", "None", "error", "other", …
    value: object = None
    shown: str = field(default="", compare=False)  #: for the message, as in "4.0, a float"
    short: str = field(default="", compare=False)  #: the same inside a list, as in "4.0"
    how: str = field(default="", compare=False)  #: of an error: ``ON_PURPOSE``, …


NOT_ASKED = Seen("not asked", shown="something else when it is called again")
REFUSED_TOO = Seen("refused, as all that is right")
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


class _OutOfTime(StudentError):
    """The time is up: which call was running, and how long those before it took."""

    def __init__(self, error: TimeIsUp, running: str, before: int, each: float):
        super().__init__(error)
        self.running, self.before, self.each = running, before, each

    def explain(self) -> str:
        said = f"{self.running} had not finished when the {SECONDS} s were up that a check has for your code."
        if not self.before:
            return f"{said} It was the first call: either your code is slow, or a loop in it never ends."
        said += f" The {self.before} before it took about {1000 * self.each:.0f} ms each"
        if self.each > _SLOW:
            return f"{said}, which is too slow. Make what takes long, such as a network, once and outside of the function."
        return f"{said}, so in this one a loop seems never to end."


@dataclass
class _Record:
    """What the calls of one answer gave in one check: each is made once, and again only to see whether it changes."""

    name: str
    answer: Callable
    gave: dict = field(default_factory=dict)  #: by the id of the case
    settled: dict = field(default_factory=dict)  #: the same, for calls that were made twice
    made: int = 0
    seconds: float = 0.0  #: of processor time
    since: float = field(default_factory=time.perf_counter)

    def call(self, case: tuple, refuses: bool = False) -> tuple[Seen, object]:
        """Makes a call: what it gave, as plain values and as it is."""
        start, clock = time.thread_time(), time.perf_counter()
        try:
            gave = _once(self.answer, case, refuses)
        except TimeIsUp as error:
            # By the clock, as code may also wait.
            each = (clock - self.since) / max(self.made, 1)
            raise _OutOfTime(error, _label(self.name, case), self.made, each) from None
        self.seconds += time.thread_time() - start
        self.made += 1
        self.gave.setdefault(id(case), gave)
        return gave

    def first(self, case: tuple, refuses: bool = False) -> tuple[Seen, object]:
        """What a call gave when it was first made."""
        if id(case) not in self.gave:
            self.call(case, refuses)
        return self.gave[id(case)]

    def twice(self, case: tuple, other: tuple, refuses: bool = False) -> Seen:
        """What a call gives, unless the code keeps something: then it changes with a call in between."""
        if id(case) not in self.settled:
            before, result = self.first(case, refuses)
            self.call(other)
            shared = before.kind == "list" and plain(result) != before
            changing = self.call(case, refuses)[0] != before
            self.settled[id(case)] = CHANGING if changing else SHARED if shared else before
        return self.settled[id(case)]


def _number_in_text(result: Seen, expected: Seen) -> Seen:
    """A text that holds the right number is the same, whatever words stand around it."""
    if result.kind == "str" and expected.kind == "int":
        found = re.findall(r"\d+", result.value[1].replace(",", ""))
        if str(expected.value) in found:
            return Seen("number in a text", expected.value, result.shown)
    return result


def calls(
    name: str,
    reference: Callable,
    first: list,
    then: Iterable = (),
    many: Iterable = (),
    form: Callable = _number_in_text,
) -> list[Call]:
    """Probes of the function ``name``, one for each case: positional arguments, named arguments, all values in order.

    The cases in ``then`` are special, and are tried only on an answer that has all of ``first`` right: so a mistake in
    the rule has one name, whatever the code does with special cases. ``many`` are tried together, as the last probe, on
    an answer that has all the others right: so no rule that is right by luck comes through. A slow answer, such as one
    that asks a network, is not tried on all of them. ``form(result, expected)`` gives what is wrong in ``first`` a form
    in which one mistake looks the same in all codes that make it.
    """
    first, then, many = list(first), list(then), list(many)
    right = _Record(name, reference)
    latest = right

    def record_of(answer, anew=False):
        nonlocal latest
        if anew or latest.answer is not answer:
            latest = _Record(name, answer)
        return latest

    def expect(case):
        return right.first(case)[0]

    def any_wrong(record, *groups):
        return any(
            record.first(case, refuses=group is then)[0] != expect(case)
            for group in groups
            for case in group
        )

    def at_first(case):
        def look(answer):
            # The first probe is the first of a check: since the one before, what the answer uses may have changed.
            record = record_of(answer, anew=case is first[0])
            result, expected = record.first(case)[0], expect(case)
            # Code that keeps something between calls shows in a second call; the first case is always asked twice.
            if case is first[0]:
                result = record.twice(case, first[1])
            elif result != expected:
                keeps = record.twice(first[0], first[1]) == CHANGING
                result = CHANGING if keeps else record.twice(case, first[0])
            if result == expected:
                return result
            return form(_wrong(answer, result, expected), expected)

        return look

    def later(case):
        def look(answer):
            record, expected = record_of(answer), expect(case)
            if any_wrong(record, first):
                all_refused = expected.kind == "error" and all(
                    record.first(one, refuses=True)[0].how == ON_PURPOSE
                    for one in [*first, case]
                )
                return REFUSED_TOO if all_refused else NOT_ASKED
            result = record.first(case, refuses=True)[0]
            if result == expected:
                return result
            return _wrong(answer, record.twice(case, first[0], refuses=True), expected)

        return look

    def at_last(answer):
        record = record_of(answer)
        if any_wrong(record, first, then):
            return NOT_ASKED
        for place, case in enumerate(many):
            if record.seconds > _ENOUGH:
                break
            expected, got = expect(case), record.call(case, refuses=True)[0]
            if got != expected:
                return Seen("one of many", (place, expected, _wrong(answer, got, expected)))
        return ALL_RIGHT

    probes = [Call(_label(name, case), at_first(case), case[2]) for case in first]
    probes += [Call(_label(name, case), later(case), case[2]) for case in then]
    if many:
        more = tuple(Call(_label(name, case), at_first(case), case[2]) for case in many)
        probes.append(Call(f"{len(many)} more calls", at_last, many=more))
    return probes


def _wrong(answer: Callable, result: Seen, expected: Seen) -> Seen:
    """A wrong result, in a form in which refusals look alike whatever they raise, and so do other results in place of an error."""
    if result.kind == "error" and result.value in ("ValueError", "another"):
        if expected.kind == "error":
            refused = result.how in (ON_PURPOSE, BY_LIBRARY)
            return replace(result, value="another" if refused else result.how)
        return replace(result, value="refused" if result.how == ON_PURPOSE else "another")
    if expected.kind != "error":
        return result
    if result.kind in ("str", "tuple"):
        return Seen(result.kind, None, result.shown)
    if result.kind not in ("error", "exception") and _forgets_raise(answer):
        return Seen("unraised", None, result.shown)
    return result


def _how(error: Exception) -> str:
    """How an error came about, as the instruction that it comes from tells."""
    step = error.__traceback__
    while step.tb_next is not None:
        step = step.tb_next
    if str(step.tb_frame.f_globals.get("__name__")).split(".")[0] in ("torch", "numpy"):
        return BY_LIBRARY
    left = [
        instruction.opname
        for instruction in dis.get_instructions(step.tb_frame.f_code)
        if instruction.offset >= step.tb_lasti
    ]
    if left[0] == "RAISE_VARARGS":
        return STUB_LEFT if isinstance(error, NotImplementedError) else ON_PURPOSE
    ends = (name for name in left if name.startswith((*ENDS_A_STATEMENT, "POP_TOP")))
    if next(ends, "") == "RAISE_VARARGS":
        return IN_RAISE
    if isinstance(error, RuntimeError) and not isinstance(error, RecursionError):
        return BY_LIBRARY
    return BY_ACCIDENT


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
        kind = _kind_of_error(error, told.text)
        return Seen("error", kind, told.explain(), how=_how(error)), None


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
            text += "," if sequence is tuple and length == 1 else ""
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

    one_tuple(exercise)


def one_tuple(exercise: Exercise) -> None:
    """Adds the mistake of a comma too many, which makes a tuple of anything."""
    right = exercise.reference

    @exercise.mistake(
        "one-tuple",
        "What you return is right, but it stands in a tuple of one. A comma behind a value makes one: leave it out.",
    )
    def _(*arguments, **named):
        return (right(*arguments, **named),)


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
        "stub-left",
        f"For {refuse} you raise a NotImplementedError. It says that code is still to be written, as in the stub: "
        "write `raise ValueError(…)` in its place.",
    )
    def _(*arguments, **named):
        if not fits(*arguments, **named):
            raise NotImplementedError
        return right(*arguments, **named)

    @exercise.mistake(
        "error-in-the-raise",
        f"For {refuse} the line with your `raise` fails before it raises. Is a name in it misspelt, as in `Valueerror`? "
        'Or do you add a number to a text? An f-string takes both: `f"… {number}"`.',
    )
    def _(*arguments, **named):
        if not fits(*arguments, **named):
            raise ValueError("refused: " + 1)
        return right(*arguments, **named)

    @exercise.mistake(
        "all-refused",
        "You raise an error whatever your function is given. Does the `raise` stand outside of its `if`? "
        "Or does the `if` look for an int after a division with /, which always gives a float?",
    )
    def _(*arguments, **named):
        raise ValueError

    @exercise.mistake(
        "other-exception",
        f"You refuse {refuse}, but not with a ValueError. The task asks for one, so that a caller knows what to catch.",
    )
    def _(*arguments, **named):
        assert fits(*arguments, **named)
        return right(*arguments, **named)
