"""Exercises whose check names the mistake: ``check("basic_block", BasicBlock)``.

A known mistake is an edit of the exercise's solution. Where an answer does not do what the solution does, the check
looks for the edit that differs in the same way. See "How a check works" in the book.
"""

from dataclasses import replace
from types import FunctionType

from resnet_exercises.exercise import FOLDERS
from resnet_exercises.verdict import Verdict

#: The names of all exercises, in the order of the chapters.
EXERCISES = tuple(FOLDERS)
#: Cases of the bug clinic that are no exercise of a chapter: there a right network is used wrongly.
CASES = ("training_loss", "predict", "freeze")


def check(name: str, answer: object) -> Verdict:
    """The verdict on ``answer`` to the exercise ``name``; in a notebook it displays itself.

    Whatever the answer does, this raises nothing, leaves seeds, grad mode and dtype as they are, and ends within a
    second or so; the first check of a block also loads parts of PyTorch, which takes some more. Raises ``KeyError``
    only for a ``name`` that is no exercise, and lists those that are.
    """
    from resnet_exercises.checking import check_answer
    from resnet_exercises.exercise import load

    if name in CASES:
        from resnet_exercises.clinic import check_case

        verdict, asked = check_case(name, answer), ""
    else:
        exercise = load(name)
        verdict, asked = check_answer(exercise, answer), exercise.asked
    if issubclass(type(answer), (type, FunctionType)):
        given = str(getattr(answer, "__name__", ""))
        if given not in (asked, "<lambda>"):  # as in the bug clinic
            verdict = replace(verdict, answer=given)
    return verdict


def __getattr__(name: str) -> object:
    late = {"conformance_card": "conformance", "ConformanceCard": "conformance", "compare": "comparing"}
    if name in late:  # they need PyTorch
        return getattr(__import__(f"resnet_exercises.{late[name]}", fromlist=[name]), name)
    raise AttributeError(f"module 'resnet_exercises' has no attribute {name!r}")
