"""The check of an exercise: screen the answer, probe it, and give a mistake its name."""

from __future__ import annotations

import builtins
import dataclasses
import difflib
import dis
import functools
import inspect
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from torch import Tensor, nn

from resnet_lib.exercises.first_shown import SHOWN
from resnet_lib.exercises.probing import (
    Fact,
    Probe,
    looking_for,
    named_kind,
    observe,
    same,
    weights_come_back,
    without_gradients,
)
from resnet_lib.exercises.running import (
    Differs,
    StudentError,
    nothing_changes,
    time_limit,
    tools_stay,
    untimed,
)
from resnet_lib.exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED, Verdict

SECONDS = 0.6  # of processor time, for the student's code in one check
# Of processor time: a wrong answer that is not recognised by then fails without a name.
NAMING_SECONDS = 1.0


@dataclass(frozen=True)
class Misconception:
    """A known mistake: an ``id``, what a teacher would say, and the small wrong ``answer`` that makes it."""

    id: str
    message: str
    answer: object


@dataclass
class Exercise:
    """One exercise: what to write, what is right, what to try, and the mistakes that are known."""

    name: str
    signature: str  #: what the reader writes, as in ``output_size(input_size, kernel_size, …)``
    reference: object  #: a right answer
    probes: list[Probe]
    praise: str  #: what passing means
    #: (probe, expected, got) → one or two lines of evidence, with the numbers put in
    evidence: Callable[[Probe, object, object], str]
    #: (probe, expected, got) → a function that draws them, or None
    picture: Callable[[Probe, object, object], Callable | None] = lambda *seen: None
    mistakes: list[Misconception] = field(default_factory=list)

    def mistake(self, id: str, message: str) -> Callable:
        """Decorator: adds the wrong answer below it to the known mistakes."""

        def add(answer):
            self.mistakes.append(Misconception(id, message, answer))
            return answer

        return add

    @functools.cached_property
    def _seen(self) -> dict:
        return {}

    @functools.cached_property
    def _glimpsed(self) -> dict:
        return {}

    def observed(self, answer: object, probe: Probe) -> object:
        """What ``probe`` sees of the reference or of a known mistake: looked at once, then remembered."""
        key = (id(answer), probe.label)
        if key not in self._seen:
            with untimed():
                self._seen[key] = observe(probe, answer)
        return self._seen[key]

    def looks_like(self, answer: object, probe: Probe, got: object) -> bool:
        """Whether ``probe`` sees ``got`` of a known mistake too. It looks no further than the first thing that differs."""
        key = (id(answer), probe.label)
        if key not in self._seen:
            glimpsed = self._glimpsed.get(key, {})
            if isinstance(got, dict) and any(
                what not in got or not same(got[what], value)
                for what, value in glimpsed.items()
            ):
                return False
            try:
                with looking_for(got):
                    self._seen[key] = observe(probe, answer)
            except Differs as found:
                self._glimpsed[key] = found.seen
                return False
        return same(got, self._seen[key])

    def known(self, id: str) -> Misconception | None:
        """The mistake of this ``id``, if it is one of this exercise."""
        return next((mistake for mistake in self.mistakes if mistake.id == id), None)


def check_answer(exercise: Exercise, answer: object) -> Verdict:
    """The verdict on one answer. Never raises, changes no state, and ends soon."""
    try:
        with nothing_changes(), weights_come_back(), time_limit(SECONDS):
            return _screen(exercise, answer) or _probe(exercise, answer)
    except KeyboardInterrupt:
        return _verdict(exercise, FAILED, "The check was interrupted. Run it again.")
    # whatever a student can write, a notebook never sees our traceback
    except BaseException as error:
        return _verdict(exercise, FAILED, StudentError(error).explain())


def _verdict(
    exercise: Exercise, status: str, message: str, mistake: str | None = None, picture=None
) -> Verdict:
    # half a character cannot be shown
    message = message.encode("utf8", "replace").decode("utf8")
    return Verdict(exercise.name, status, mistake, message, picture)


def _screen(exercise: Exercise, answer: object) -> Verdict | None:
    """The verdict on what is not an answer at all: a stub, an instance, a name that is spelt wrongly."""
    wants_class = isinstance(exercise.reference, type)
    what = "class" if wants_class else "function"
    name = exercise.signature.split("(")[0]
    made = not isinstance(answer, type) and not inspect.isfunction(answer)
    without = ", without brackets" if made else ""
    wanted = f'Give the {what} itself{without}: `check("{exercise.name}", {name})`.'
    makes_one = (
        not wants_class and isinstance(answer, type) and issubclass(answer, nn.Sequential)
    )
    if (isinstance(answer, type) != wants_class and not makes_one) or not callable(answer):
        kind = (
            "an instance"
            if wants_class and isinstance(answer, nn.Module)
            else "a class"
            if isinstance(answer, type)
            else named_kind(answer)
        )
        return _verdict(
            exercise, FAILED, f"The check got {kind}, where it expected a {what}. {wanted}"
        )
    if not wants_class:
        return _not_attempted(exercise) if is_stub(answer) else None

    if not issubclass(answer, nn.Module):
        return _verdict(
            exercise, FAILED, "Your class is no nn.Module: begin it with `class …(nn.Module):`."
        )
    own = {
        name: value
        for base in answer.__mro__
        if base not in nn.Module.__mro__
        for name, value in vars(base).items()
    }
    if is_stub(own.get("__init__")) and is_stub(own.get("forward")):
        methods = [name for name in own if inspect.isfunction(own[name])]
        if all(is_stub(own[name]) for name in methods):
            return _not_attempted(exercise)
    if "__init__" not in own and (near := _misspelt("init", own)):
        return _screened(
            exercise, "init-misspelt", f"Your class has `{near}`, and no `__init__`."
        )
    if "forward" not in own:
        if near := _misspelt("forward", own):
            found = f"Your class has `{near}`, and no `forward`."
            return _screened(exercise, "forward-misspelt", found)
        return _verdict(exercise, FAILED, "Your class has no method `forward`.")
    if is_stub(own["forward"]):
        if _sets_attributes(own.get("__init__")):
            return _not_attempted(exercise, "`__init__` is there; now write `forward`.")
        return _not_attempted(exercise, "`forward` is still empty.")
    return None


def _sets_attributes(function: object) -> bool:
    """Whether a method sets something such as ``self.conv1``, which no stub does."""
    code = getattr(function, "__code__", None)
    return inspect.iscode(code) and any(
        step.opname == "STORE_ATTR" for step in dis.get_instructions(code)
    )


def _misspelt(name: str, own: dict[str, object]) -> str | None:
    """The method of a class whose name is nearly ``name``, whatever underscores and capitals it has."""
    plain = {
        method.strip("_").lower(): method for method in own if inspect.isfunction(own[method])
    }
    near = difflib.get_close_matches(name, plain, n=1, cutoff=0.7)
    return plain[near[0]] if near else None


#: mistakes that are told by a name: a class that does nothing for another reason looks the same to the probes
SCREENED = ("init-misspelt", "forward-misspelt")


def _screened(exercise: Exercise, id: str, found: str) -> Verdict:
    """The verdict on a mistake that shows before anything runs."""
    return _verdict(exercise, FAILED, f"{exercise.known(id).message}\n{found}", id)


def _not_attempted(
    exercise: Exercise,
    message: str = "Write your code in the cell above, run it, then run this one.",
) -> Verdict:
    return _verdict(exercise, NOT_ATTEMPTED, message)


def is_stub(function: object) -> bool:
    """Whether a function is missing or does nothing but ``pass``, ``...``, ``return`` or ``raise NotImplementedError``."""
    if function is None:
        return True
    code = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    if code is None:
        return False
    instructions = list(dis.get_instructions(code))
    if code.co_names == ("NotImplementedError",) and not dropped_errors(function):
        return not any(
            i.opname.startswith(("STORE", "FOR_ITER", "RETURN")) for i in instructions
        )
    idle = {
        "RESUME",
        "NOP",
        "LOAD_CONST",
        "RETURN_VALUE",
        "RETURN_CONST",
        "POP_TOP",
        "COPY_FREE_VARS",
    }
    if code.co_names == ("NotImplementedError",):  # without `raise`
        return all(i.opname in idle | {"LOAD_GLOBAL", "PRECALL", "CALL"} for i in instructions)
    returned = [i.argval for i in instructions if i.opname in ("LOAD_CONST", "RETURN_CONST")]
    return all(i.opname in idle for i in instructions) and all(
        v is None or v is Ellipsis for v in returned
    )


def dropped_errors(answer: object) -> str:
    """The first error that a function, or a method of a class, makes and does not raise, as in ``ValueError("…")`` alone."""
    methods = vars(answer).values() if isinstance(answer, type) else [answer]
    for method in methods:
        code = getattr(method, "__code__", None)
        if not inspect.iscode(code):
            continue
        before, candidate = "RESUME", ""
        for step in dis.get_instructions(code):
            if step.opname in ("CACHE", "PRECALL", "PUSH_NULL"):
                continue
            begins = bool(step.starts_line) or before in ("POP_TOP", "RESUME", "NOP")
            error = getattr(builtins, str(step.argval), None)
            if step.opname in ("LOAD_GLOBAL", "LOAD_NAME") and begins and not candidate:
                if isinstance(error, type) and issubclass(error, BaseException):
                    candidate = step.argval
            elif step.opname == "POP_TOP" and candidate:
                return f"`{candidate}`"
            elif step.opname.startswith(ENDS_A_STATEMENT):
                candidate = ""
            before = step.opname
    return ""


ENDS_A_STATEMENT = ("RAISE", "RETURN", "STORE", "CHECK_EXC", "JUMP", "POP_JUMP", "FOR_ITER")


def _probe(exercise: Exercise, answer: object) -> Verdict:
    """Tries every probe; where one differs from the reference, looks for the mistake that differs in the same way."""
    expected = [exercise.observed(exercise.reference, probe) for probe in exercise.probes]
    got = []
    with tools_stay():
        for probe in exercise.probes:
            got.append(observe(probe, answer))
            if isinstance(got[-1], StudentError) and (
                got[-1].timed_out or got[-1].not_implemented
            ):
                if got[-1].not_implemented:
                    return _not_attempted(
                        exercise, "Your code still raises NotImplementedError."
                    )
                if all(same(g, e) for e, g in zip(expected, got[:-1])):
                    return _verdict(exercise, FAILED, got[-1].explain())
                got.pop()  # slow, and wrong before the time was up
                break
    with untimed():
        verdict = _judge(exercise, expected, got)
        if verdict.status == FAILED and (dropped := dropped_errors(answer)):
            note = f"Besides, {dropped} stands there without `raise`, so it has no effect."
            verdict = dataclasses.replace(verdict, message=f"{verdict.message}\n{note}")
        return verdict


def _judge(exercise: Exercise, expected: list, got: list) -> Verdict:
    """The verdict on what the probes saw, or those of them for which there was time."""
    deadline = time.thread_time() + NAMING_SECONDS
    wrong = [number for number, (e, g) in enumerate(zip(expected, got)) if not same(g, e)]
    if not wrong:
        return _verdict(exercise, PASSED, exercise.praise)

    first = wrong[0]
    shown = exercise.probes[first], expected[first], got[first]
    details = describe_difference(exercise, *shown)
    picture = exercise.picture(*shown)
    shown = {id: n for n, by_id in enumerate(SHOWN.get(exercise.name, ())) for id in by_id}
    # the probes that showed something come first: few mistakes show the same there
    order = sorted(range(len(got)), key=lambda number: (number not in wrong, number))

    def alike(got: list) -> Iterator[Misconception]:
        return (
            mistake
            for mistake in _likely_first(exercise, first, expected[first], got[first])
            if mistake.id not in SCREENED
            and shown.get(mistake.id, first) == first
            and time.thread_time() < deadline
            and all(
                exercise.looks_like(mistake.answer, exercise.probes[number], got[number])
                for number in order
            )
        )

    found = alike(got)
    mistake = next(found, None)
    if len(got) < len(exercise.probes):
        if next(found, None):
            mistake = None  # what was seen fits more than one
    elif mistake is None:
        other = [without_gradients(seen) for seen in got]
        if not same(other[first], expected[first]):
            mistake = next(alike(other), None)
    if mistake is None:
        return _verdict(exercise, FAILED, details, None, picture)
    return _verdict(exercise, FAILED, f"{mistake.message}\n{details}", mistake.id, picture)


def _likely_first(
    exercise: Exercise, number: int, expected: object, got: object
) -> list[Misconception]:
    """The known mistakes, those in front of which it is known that probe ``number`` sees something like ``got`` of them.

    It is an order and no choice, so that a machine that computes other numbers finds the same name, only later.
    """
    probes = SHOWN.get(exercise.name)
    if not probes:
        return exercise.mistakes
    seen = gist(expected, got)
    return sorted(
        exercise.mistakes, key=lambda mistake: not near(probes[number].get(mistake.id), seen)
    )


def gist(expected: object, got: object) -> tuple[str, float]:
    """Where an observation departs from the expected one, and one number for what was seen there."""
    what = ""
    if isinstance(expected, dict) and isinstance(got, dict):
        what, _, got = first_difference(expected, got)
    if isinstance(got, StudentError):
        return got.kind, 0.0
    tensors = [
        part for part in (got if isinstance(got, list) else [got]) if isinstance(part, Tensor)
    ]
    return what, sum(tensor.double().nan_to_num().abs().sum().item() for tensor in tensors)


def near(first: tuple[str, float] | None, second: tuple[str, float]) -> bool:
    """Whether two gists are those of one mistake, as far as one number can tell."""
    return (
        first is not None
        and first[0] == second[0]
        and math.isclose(first[1], second[1], rel_tol=1e-3)
    )


def describe_difference(exercise: Exercise, probe: Probe, expected: object, got: object) -> str:
    """The first probe that showed a difference, with what was expected and what came."""
    if isinstance(got, StudentError):
        return f"With {probe.label}: {got.explain()}"
    return exercise.evidence(probe, expected, got)


def first_difference(
    expected: dict[str, object], got: dict[str, object]
) -> tuple[str, object, object]:
    """The first entry of two observations of :func:`resnet_lib.exercises.probing.behaviour` that differs."""
    for what in expected:
        if what not in got or not same(got[what], expected[what]):
            raised = next((v for v in got.values() if isinstance(v, StudentError)), None)
            return what, expected[what], got.get(what, raised)
    extra = next(what for what in got if what not in expected)
    return extra, None, got[extra]


def tell(probe: Probe, expected: dict[str, object], got: dict[str, object]) -> str:
    """Evidence for classes: the first thing that differs, in words."""
    if not isinstance(got, dict):
        return f"With {probe.label}: expected {_short(expected)}, got {_short(got)}."
    what, right, wrong = first_difference(expected, got)
    if isinstance(wrong, StudentError):
        return f"With {probe.label}: {wrong.explain()}"
    if isinstance(wrong, Fact):
        return f"With {probe.label}: {wrong.otherwise}."
    if isinstance(right, bool):
        return f"With {probe.label}: this should be so, and is not: {what}."
    return f"With {probe.label}: {_difference(what, right, wrong)}"


def _difference(what: str, right: object, wrong: object) -> str:
    """One entry that differs, with what was expected and what came."""
    what = what if what.startswith(("the ", "a ", "its ", "(")) else f"the {what}"
    if isinstance(right, Tensor):
        return _tensor_difference(what, right, wrong)
    lists = isinstance(right, list) and isinstance(wrong, list)
    if lists and len(right) == len(wrong):
        pairs = list(zip(right, wrong))
        places = [n for n, (r, w) in enumerate(pairs, 1) if not same(w, r)]
        if any(isinstance(entry, Tensor) for entry in right):
            listed = ", ".join(map(str, places))
            return f"{len(places)} of {len(right)} entries of {what} are wrong. In the order of use: {listed}."
        r, w = pairs[places[0] - 1]
        more = f"; {len(places) - 1} more are wrong too" if len(places) > 1 else ""
        return f"{what}: number {places[0]} of {len(right)} should be {_short(r)}, and is {_short(w)}{more}."
    return f"{what}: expected {_short(right)}, got {_short(wrong)}."


_AXES = ("numbers of images", "numbers of channels", "heights", "widths")


def _tensor_difference(what: str, right: Tensor, wrong: object) -> str:
    if not isinstance(wrong, Tensor):
        return f"{what}: expected a tensor of shape {tuple(right.shape)}, got {_short(wrong)}."
    if right.shape != wrong.shape:
        text = f"{what}: expected shape {tuple(right.shape)}, got {tuple(wrong.shape)}"
        if right.dim() == wrong.dim() == 4:
            pairs = zip(_AXES, right.shape, wrong.shape)
            differ = [f"different {axis} ({r} and {w})" for axis, r, w in pairs if r != w]
            text += ": " + ", ".join(differ)
        return text + "."
    if right.dtype != wrong.dtype:
        return f"{what}: expected numbers of type {right.dtype}, got {wrong.dtype}."
    differs = ~(right - wrong).abs().le(1e-4 * max(right.abs().max().item(), 1e-6))
    place = tuple(differs.nonzero()[0].tolist())
    return (
        f"{what} differs in {int(differs.sum())} of {right.numel()} numbers; "
        f"at {list(place)} expected {right[place].item():.3f}, got {wrong[place].item():.3f}."
    )


def _short(value: object) -> str:
    """A value in a few words."""
    if isinstance(value, Tensor):
        return f"shape {tuple(value.shape)}"
    if isinstance(value, (list, tuple)) and any(isinstance(entry, Tensor) for entry in value):
        return f"{len(value)} tensors"
    try:
        text = f"{value:,}" if type(value) is int else str(value)
    except Exception:
        text = f"a {type(value).__name__}"
    return text if len(text) <= 200 else text[:200] + " …"
