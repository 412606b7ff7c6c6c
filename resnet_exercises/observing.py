"""Probes and what they see: how an answer is looked at, and how two observations are compared and told apart.

Equal observations of an answer and of a known mistake mean the same mistake, however the code is written.
"""

import functools
import math
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from resnet_exercises.errors import StudentError, attempt
from resnet_exercises.torch_words import with_article

RELATIVE = 1e-4  # two correct programs may differ by this much of the largest number
ANYTHING = object()  # equals every observation


@dataclass(frozen=True)
class Probe:
    """One thing to try, and its name for the student: ``run(answer)`` returns what is seen, as values and tensors."""

    label: str
    run: Callable


@dataclass(frozen=True)
class Fact:
    """Whether something holds that should; ``otherwise`` is the sentence for an answer of which it does not."""

    holds: bool
    otherwise: str = field(compare=False)


def observe(probe: Probe, answer: object) -> object:
    """What ``probe`` sees of ``answer``; a :class:`StudentError` where the answer raised."""
    if "torch" in sys.modules:
        from resnet_exercises.tensors import usual_settings

        usual_settings()  # an answer tried before may have changed them
    return attempt(probe.run, answer)


def all_holds(seen: Any) -> bool:
    """Whether an observation has no error in it and no fact that does not hold, as that of a solution must."""
    if isinstance(seen, (dict, list, tuple)):
        return all(map(all_holds, seen.values() if isinstance(seen, dict) else seen))
    return seen is not ANYTHING and not isinstance(seen, StudentError) and (not isinstance(seen, Fact) or seen.holds)


def same(first: Any, second: Any) -> bool:
    """Whether two observations are equal, numbers up to rounding."""
    if first is ANYTHING or second is ANYTHING:
        return True
    if isinstance(first, StudentError) and isinstance(second, StudentError):
        return first.numbers == second.numbers
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    return type(first) is type(second) and equal(first, second)


@functools.singledispatch
def equal(first: Any, second: Any) -> bool:
    """Whether two values of one type are equal. Tensors have a version of their own, in ``tensors.py``."""
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, float):
        return math.isclose(first, second, rel_tol=RELATIVE) or math.isnan(first) and math.isnan(second)
    return first == second


def comparison(probe: Probe, solution: object) -> Callable[[object], bool]:
    """A function: whether ``probe`` sees of an answer what it sees of the solution."""
    right = functools.cache(lambda: observe(probe, solution))
    return lambda answer: same(observe(probe, answer), right())


def first_difference(expected: Any, got: Any) -> tuple[Any, Any, Any]:
    """The first entry of two observations that differs: what it is, what is right, and what came."""
    for what in expected:
        if what not in got or not same(got[what], expected[what]):
            raised = next((v for v in got.values() if isinstance(v, StudentError)), None)
            return what, expected[what], got.get(what, raised)
    extra = next(what for what in got if what not in expected)
    return extra, None, got[extra]


def tell(probe: Probe, expected: Any, got: Any) -> str:
    """Evidence in words: the first thing that differs, with what was expected and what came."""
    if isinstance(got, StudentError):
        return f"With {probe.label}: {goes_on(got.explain())}"
    if not isinstance(got, dict):
        return f"With {probe.label}: expected {short(expected)}, got {short(got)}."
    what, right, wrong = first_difference(expected, got)
    if isinstance(wrong, StudentError):
        return tell(probe, expected, wrong)
    if isinstance(wrong, Fact):
        return f"With {probe.label}: {wrong.otherwise}."
    what = what if what.startswith(("the ", "a ", "its ", "(")) else f"the {what}"
    return f"With {probe.label}: {difference(right, wrong, what)}"


def goes_on(sentence: str) -> str:
    """A sentence behind a colon: it begins with a small letter, unless with a name such as ReLU."""
    first = sentence.partition(" ")[0]
    is_name = not first[1:].islower() and len(first) > 1 or first == "Python"
    return sentence if is_name else sentence[:1].lower() + sentence[1:]


@functools.singledispatch
def difference(right: Any, wrong: Any, what: str) -> str:
    """A sentence on ``what``, which is ``wrong``. Tensors have a version of their own, in ``tensors.py``."""
    is_list = isinstance(right, list) and isinstance(wrong, list) and len(right) == len(wrong)
    if is_list and any(hasattr(entry, "shape") for entry in right):
        places = [n for n, (r, w) in enumerate(zip(right, wrong), 1) if not same(w, r)]
        wrong_ones = f"{len(places)} of {len(right)} entries of {what} are wrong"
        return f"{wrong_ones}. In the order of use: {', '.join(map(str, places))}."
    return f"{what}: expected {short(right)}, got {short(wrong)}."


@functools.singledispatch
def short(value: object) -> str:
    """A value in a few words. Tensors have a version of their own, in ``tensors.py``."""
    if isinstance(value, (list, tuple)) and any(hasattr(entry, "shape") for entry in value):
        return f"{len(value)} tensors"
    text = f"{value:,}" if type(value) is int else str(value)
    return text if len(text) <= 200 else text[:200] + " …"


def named_kind(value: object) -> str:
    """What a value is, as readers say it: ``a tuple``, ``an int``, ``None``."""
    return "None" if value is None else with_article(type(value).__name__[:60])
