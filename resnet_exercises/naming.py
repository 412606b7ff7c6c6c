"""Which known mistake an answer makes: the edit of the solution that every probe sees as it sees the answer."""

import functools
import math
import sys
import zlib
from collections.abc import Iterator
from typing import Any

from resnet_exercises.errors import StudentError
from resnet_exercises.exercise import Exercise
from resnet_exercises.mistakes import Mistake, build, joined
from resnet_exercises.observing import first_difference, observe, same
from resnet_exercises.screening import SCREENED


def named(exercise: Exercise, wrong: list[int], got: list[Any]) -> Iterator[Mistake]:
    """The known mistakes that look like ``got`` to every probe; ``wrong`` are those that saw something wrong."""
    # the probes that showed something come first: few mistakes show the same there
    order = sorted(range(len(got)), key=lambda number: (number not in wrong, number))
    for mistake in likely(exercise, wrong[0], got[wrong[0]]):
        if all(same(exercise.observed(mistake, number), got[number]) for number in order):
            yield mistake


def first_of_two(exercise: Exercise, wrong: list[int], got: list[Any]) -> Iterator[Mistake]:
    """The known mistakes that the first probe that saw something wrong sees exactly, and no other speaks against.

    Where the answer is right they must be right too, and most of the others must see them: by one, much looks alike.
    An error hides all that comes after it, so it tells of one mistake only.
    """
    if isinstance(got[wrong[0]], StudentError):
        return
    first, right = wrong[0], [number for number in range(len(got)) if number not in wrong]
    for mistake in likely(exercise, first, got[first]):
        if all(same(exercise.observed(mistake, number), got[number]) for number in (first, *right)):
            if sum(same(exercise.observed(mistake, number), got[number]) for number in wrong) > len(wrong) / 2:
                yield mistake


def second_of_two(exercise: Exercise, mistake: Mistake, wrong: list[int], got: list[Any]) -> Mistake | None:
    """The known mistake that, made together with ``mistake``, looks like ``got`` to every probe."""
    seen = {number: exercise.observed(mistake, number) for number in wrong}
    # it is among those that show first where ``mistake`` alone looks otherwise
    departs = next(number for number in wrong if not same(seen[number], got[number]))
    shown = [departs, gist(seen[departs], got[departs])[0]]
    order = sorted(range(len(got)), key=departs.__ne__)
    for other in exercise.mistakes:
        text = joined(mistake, other)
        if text is None or exercise.index.get(other.id, shown)[:2] != shown:
            continue
        answer = build(text, exercise.asked, "two known mistakes")
        if all(same(observe(exercise.probes[number], answer), got[number]) for number in order):
            return other
    return None


def likely(exercise: Exercise, number: int, got: Any) -> Iterator[Mistake]:
    """The known mistakes that probe ``number`` is the first to show, and that depart there as ``got`` does.

    The numbers in the index may come from another machine, so they need not be exactly those.
    """
    what, seen = gist(exercise.expected[0][number], got)
    for mistake in exercise.mistakes:
        first, known_what, known = exercise.index.get(mistake.id, (number, what, seen))
        departs_there = (first, known_what) == (number, what) and math.isclose(known, seen, rel_tol=0.01, abs_tol=1e-6)
        imported = mistake.needs <= sys.modules.keys()  # else the answer cannot have made it
        if departs_there and imported and mistake.id not in SCREENED:
            yield mistake


def gist(expected: Any, got: Any) -> tuple[str, float]:
    """Where an observation departs from the expected one, and one number for what was seen there."""
    what = ""
    if isinstance(expected, dict) and isinstance(got, dict):
        what, _, got = first_difference(expected, got)
    return str(what), float(f"{size(got):.6g}")


@functools.singledispatch
def size(value: Any) -> float:
    """One number for a value, the same for equal ones. Tensors have a version of their own, in ``tensors.py``."""
    if isinstance(value, StudentError):
        value = value.numbers
    if isinstance(value, (list, tuple)):
        return sum(map(size, value))
    if isinstance(value, str):
        return zlib.crc32(value.encode("utf8", "replace")) % 9973
    return value if isinstance(value, (int, float)) and abs(value) < math.inf else 0.0
