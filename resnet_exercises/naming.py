"""Which known mistake an answer makes: the edit of the solution that every probe sees as it sees the answer."""

from __future__ import annotations

import functools
import itertools
import math
import sys
from collections.abc import Iterator
from typing import Any

from resnet_exercises.errors import StudentError
from resnet_exercises.exercise import Exercise
from resnet_exercises.mistakes import Mistake, build, joined
from resnet_exercises.observing import first_difference, looks
from resnet_exercises.screening import SCREENED


def named(exercise: Exercise, wrong: list[int], got: list[Any]) -> Iterator[Mistake]:
    """The known mistakes that look like ``got`` to every probe; ``wrong`` are those that saw something wrong."""
    # the probes that showed something come first: few mistakes show the same there
    order = sorted(range(len(got)), key=lambda number: (number not in wrong, number))
    for mistake in likely(exercise, wrong[0], got[wrong[0]]):
        if all(exercise.looks_like(mistake, number, got[number]) for number in order):
            yield mistake


def first_of_two(exercise: Exercise, wrong: list[int], got: list[Any]) -> Iterator[Mistake]:
    """The known mistakes that the first probe that saw something wrong sees exactly, and that no other probe speaks
    against.

    Where the answer is right they must be right too, and most of the others must see them: by one, much looks alike.
    An error hides all that comes after it, so it tells of one mistake only.
    """
    if isinstance(got[wrong[0]], StudentError):
        return
    first, right = wrong[0], [number for number in range(len(got)) if number not in wrong]
    for mistake in likely(exercise, first, got[first]):
        if all(exercise.looks_like(mistake, number, got[number]) for number in (first, *right)):
            alike = sum(exercise.looks_like(mistake, number, got[number]) for number in wrong)
            if alike > len(wrong) / 2:
                yield mistake


def second_of_two(exercise: Exercise, mistake: Mistake, wrong: list[int], got: list[Any]) -> Mistake | None:
    """The known mistake that, made together with ``mistake``, looks like ``got`` to every probe.

    It is among those that show first where ``mistake`` alone looks otherwise.
    """
    departs = next(n for n in wrong if not exercise.looks_like(mistake, n, got[n]))
    for other in exercise.mistakes:
        text = joined(mistake, other)
        if text is None or exercise.index.get(other.id, [departs])[0] != departs:
            continue
        answer = build(text, exercise.asked, "two known mistakes")
        if all(map(looks, exercise.probes, itertools.repeat(answer), got)):
            return other
    return None


def likely(exercise: Exercise, number: int, got: Any) -> list[Mistake]:
    """The known mistakes that probe ``number`` is the first to show, those first of which it sees something like
    ``got``.

    What is seen is only an order: a machine that computes other numbers finds the same name, later.
    """
    what, seen = gist(exercise.expected[0][number], got)

    def far(mistake: Mistake) -> bool:
        _, known_what, known = exercise.index.get(mistake.id, (number, what, seen))
        return known_what != what or not math.isclose(known, seen, rel_tol=1e-3)

    candidates = [
        mistake
        for mistake in exercise.mistakes
        if mistake.id not in SCREENED
        and mistake.needs <= sys.modules.keys()  # else the answer cannot have made it
        and exercise.index.get(mistake.id, [number])[0] == number
    ]
    return sorted(candidates, key=far)


def gist(expected: Any, got: Any) -> tuple[str, float]:
    """Where an observation departs from the expected one, and one number for what was seen there."""
    what = ""
    if isinstance(expected, dict) and isinstance(got, dict):
        what, _, got = first_difference(expected, got)
    if isinstance(got, StudentError):
        return got.kind, 0.0
    return str(what), float(f"{size(got):.6g}")


@functools.singledispatch
def size(value: Any) -> float:
    """One number for a value. Tensors have a version of their own, in ``tensors.py``."""
    return 0.0


@size.register
def _(value: float) -> float:
    return value if math.isfinite(value) else 0.0


@size.register(list | tuple)
def _(value) -> float:
    return sum(map(size, value))
