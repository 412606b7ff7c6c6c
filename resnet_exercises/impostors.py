"""Exercises in which the reader writes the test: it must let every right implementation pass, and catch the impostors.

An impostor is a wrong implementation, mostly one of the known mistakes. ``impostors.toml`` has them in the order from
easy to hard, and right implementations in other forms: see "How a check works" in the book.
"""

import ast
import functools
import itertools
import random
import sys
import tomllib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from resnet_exercises.errors import StudentError, attempt
from resnet_exercises.exercise import Exercise, load
from resnet_exercises.mistakes import HERE, edited, run
from resnet_exercises.running import as_long_as, processor_time, time_limit
from resnet_exercises.screening import dropped_error, screen, source_tree
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED, Verdict

#: So many impostors, the easier ones, are worth the first star.
EASIER = 6
#: Seconds of processor time on a usual machine for one implementation, and for all of them.
SECONDS, IN_ALL = 2.0, 12.0
#: What the right implementation raises that accepts only what the task speaks of.
OUTSIDE = "OutsideTheTask"
SMALLER = "If it is slow, make what it tries smaller: few channels, and images of a few pixels, show as much."
_numbers = itertools.count()


@dataclass(frozen=True)
class Implementation:
    """One that a test is given: an impostor, which ``does`` something wrong, or a right one in some ``form``."""

    name: str
    code: str
    does: str = ""
    hint: str = ""  #: what would catch it, without telling what it does
    line: str = ""  #: the line of the solution that catches it
    form: str = ""
    takes_for_granted: str = ""  #: what a test takes for granted that refuses it


@dataclass
class TestExercise(Exercise):
    """An exercise on another one, ``tests``, whose implementations the reader's test has to tell apart."""

    __test__ = False  # pytest collects what is named so, and this is none
    mistakes, probes, index = (), (), {}

    def __post_init__(self):
        self.tests, self.judge = self.name.removeprefix("test_"), judge_test

    @functools.cached_property
    def module(self) -> Any:
        """The probes of the other exercise; PyTorch is loaded with them, where it is needed."""
        return load(self.tests).module


@functools.cache
def implementations(name: str) -> tuple[list[Implementation], list[Implementation]]:
    """The right ones, the book's own first, and the impostors from easy to hard."""
    tested = load(load(name).tests)
    known = {mistake.id: mistake.code for mistake in tested.mistakes}

    def made(key: str, entry: dict) -> Implementation:
        edits = entry.pop("edits", None)
        code = entry.pop("code", None) or (edited(tested.text, edits) if edits else known[key])
        return Implementation(key, code, **entry)

    entries = tomllib.loads((HERE / load(name).folder / "impostors.toml").read_text(encoding="utf-8"))
    own = Implementation("solution", tested.text, form="the one that this book shows")
    right = [made(*entry) for entry in entries.pop("right").items()]
    return [own, *right], [made(*entry) for entry in entries.items()]


def judge_test(exercise: TestExercise, answer: Callable) -> Verdict:
    """The verdict on a test: whether it passes what is right, and which impostors it catches."""
    if found := screen(exercise, answer):
        return found
    right, impostors = implementations(exercise.name)
    asked, start = load(exercise.tests).asked, processor_time()
    seen: dict[str, Any] = {}
    for one in (*right, *impostors):
        seen[one.name] = error = attempt(_tried, answer, one.code, asked)
        if isinstance(error, StudentError) and one is right[0] and error.not_implemented:
            return exercise.verdict(NOT_ATTEMPTED, "Your code still raises NotImplementedError.")
        if isinstance(error, StudentError) and (error.kind == OUTSIDE or one is right[0] and error.timed_out):
            break  # others may never end
        if processor_time() - start > as_long_as(IN_ALL):
            said = f"Your test takes too long for all the {len(right) + len(impostors)} implementations. {SMALLER}"
            return exercise.verdict(FAILED, said)
    errors = {name: error for name, error in seen.items() if isinstance(error, StudentError)}
    caught = [one for one in impostors if one.name in errors and not errors[one.name].timed_out]
    if refused := [one for one in right if one.name in errors]:
        return exercise.verdict(FAILED, "\n".join(_too_strict(refused, errors, len(caught), len(impostors))))
    return _counted(exercise, impostors, caught, [*_advice(answer, seen)], errors)


def _tried(answer: Callable, code: str, asked: str) -> object:
    """What a test returns for an implementation, made anew, with equal random numbers each time."""
    space: dict[str, Any] = {"__name__": "__main__"}
    run(code, str(HERE / f"an implementation, {next(_numbers)}"), space)  # a path of ours: errors show the test's line
    random.seed(0)
    if "torch" in sys.modules:
        from resnet_exercises.tensors import set_seeds, usual_settings

        usual_settings()
        set_seeds(0)
    with time_limit(as_long_as(SECONDS)):
        return answer(space[asked])


def _too_strict(refused: list[Implementation], errors: dict, caught: int, of: int) -> Iterator[str]:
    """What a test refuses that is right, and what it took for granted."""
    outside = (one for one in refused if errors[one.name].kind == OUTSIDE)
    one = next(outside, refused[0])
    error = errors[one.name]
    said = f"Your test refuses a right implementation, {one.form}."
    if one.takes_for_granted:
        said += f" It takes for granted {one.takes_for_granted}."
    yield f"{said}\n{error.explain()}" + (f" {SMALLER}" if error.timed_out else "")
    if not one.takes_for_granted and not error.timed_out:
        yield "Nothing is wrong there, so a test must not complain: work out by hand what is right in that line."
    elif caught:
        yield f"It catches {caught} of the {of} impostors. They count once every right implementation passes."


def _counted(exercise: Exercise, impostors: list, caught: list, advice: list[str], errors: dict) -> Verdict:
    """The verdict on a test that refuses nothing right, by the number of impostors that it catches."""
    left = [one for one in impostors if one not in caught]
    easier = [one for one in impostors[:EASIER] if one in left]
    stars, many = "☆☆" if easier else "★☆" if left else "★★", len(impostors)
    says = [f"{stars} Your test passes every right implementation, and catches {len(caught)} of {many} impostors."]
    if not caught:
        says = [f"{stars} Your test catches none of the {many} impostors: it lets everything pass, right or wrong."]
    elif not left:
        says = [f"{stars} Your test catches all {many} impostors, and passes every right implementation."]
    if left:
        says += advice
        still = "One impostor is still in." if len(left) == 1 else f"{len(left)} impostors are still in."
        missing = f"{len(easier)} of them {'is' if len(easier) == 1 else 'are'} missing."
        star = f"The first star takes the six easier ones: {missing}" if easier else "The second star takes them all."
        says.append(f"{still} {star} A hint for the easiest that is in: {left[0].hint}")
        if any(one.name in errors for one in left):
            says.append("With one of them your test does not end; it must raise an error, in time.")
    for one in caught:
        line = _short((errors[one.name].line or "").partition("  #")[0])
        says.append(f"Caught: `{one.name}` ({one.does})" + (f", at your line `{line}`." if line else "."))
    return exercise.verdict(FAILED if easier else PASSED, "\n".join(says))


def _advice(answer: Callable, seen: dict[str, object]) -> Iterator[str]:
    """Why a test may catch less than its author thinks."""
    returned = [value for value in seen.values() if value is not None and not isinstance(value, StudentError)]
    tree = source_tree(answer) or ast.Pass()
    nodes = list(ast.walk(tree))
    if returned:
        kind = "True or False" if isinstance(returned[0], bool) else "a value"
        yield f"Your test returns {kind}, and nobody looks at it: write `assert` before what must be true."
    for node in nodes:
        if isinstance(node, ast.Assert) and isinstance(node.test, ast.Tuple) and node.test.elts:
            yield f"`{_short(ast.unparse(node))}` is always true, as a pair in brackets is: leave the brackets out."
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Compare):
            yield f"`{_short(ast.unparse(node))}` alone on its line changes nothing: write `assert` before it."
        if isinstance(node, ast.Try) and any(map(_has_assert, node.body)) and any(map(_swallows, node.handlers)):
            yield "An `except` in your test catches its own AssertionError too, so nobody hears of it."
    if isinstance(tree, ast.FunctionDef) and not returned and not any(map(_has_assert, tree.body)):
        if len({type(value) for value in seen.values()}) == 1:  # it never fails
            yield "No line of it can fail: write `assert` before what must be true. `print` tells nobody."
    if dropped := dropped_error(answer):
        yield f"`{dropped}` stands there without `raise`, so it has no effect."


def _short(code: str) -> str:
    return code if len(code) <= 80 else code[:80] + " …"


def _has_assert(statement: ast.AST) -> bool:
    return any(isinstance(node, ast.Assert | ast.Raise) for node in ast.walk(statement))


def _swallows(handler: ast.ExceptHandler) -> bool:
    """Whether an ``except`` catches an AssertionError and goes on."""
    names = {getattr(node, "id", "") for node in ast.walk(handler.type)} if handler.type else {"Exception"}
    return bool(names & {"AssertionError", "Exception", "BaseException"}) and not any(map(_has_assert, handler.body))
