"""Exercises whose check names the mistake.

``check("basic_block", BasicBlock)`` tries the answer, compares it with the reference, and where it differs looks for the
known misconception that differs in the same way. The misconceptions are data: small wrong implementations, each with an id
and a message, beside the exercise that they belong to.
"""

from resnet_lib.exercises import (
    blocks,
    counting,
    folding,
    formula,
    identity,
    inside,
    layers,
    naming,
    network,
)
from resnet_lib.exercises.checking import Exercise, Misconception, check_answer
from resnet_lib.exercises.network import ConformanceCard, conformance_card
from resnet_lib.exercises.verdict import PASSED, Verdict

#: All exercises by name, in the order of the chapters.
EXERCISES: dict[str, Exercise] = {
    exercise.name: exercise
    for exercise in (
        *formula.EXERCISES,
        *counting.EXERCISES,
        *blocks.EXERCISES,
        *identity.EXERCISES,
        *layers.EXERCISES,
        *network.EXERCISES,
        *naming.EXERCISES,
        *inside.EXERCISES,
        *folding.EXERCISES,
    )
}

_best: dict[
    str, Verdict
] = {}  # of this session, for progress(): one that passed, or else the last


def check(name: str, answer: object) -> Verdict:
    """The verdict on ``answer`` to the exercise ``name``; in a notebook it displays itself.

    Whatever the answer does, this raises nothing, leaves seeds, grad mode and dtype as they are, and ends within a second
    or so; the first check of a block also loads parts of PyTorch, which takes some more.
    Raises ``KeyError`` only for a ``name`` that is no exercise, and lists those that are.
    """
    if name not in EXERCISES:
        raise KeyError(f"there is no exercise {name!r}; there are {', '.join(EXERCISES)}")
    verdict = check_answer(EXERCISES[name], answer)
    if name not in _best or _best[name].status != PASSED:
        _best[name] = verdict
    return verdict


def progress() -> None:
    """Prints which exercises have been passed in this session."""
    for name in EXERCISES:
        status = _best[name].status if name in _best else "not checked yet"
        print(f"{'✔' if status == PASSED else '○'} {name:18} {status}")
    passed = sum(verdict.status == PASSED for verdict in _best.values())
    print(f"{passed} of {len(EXERCISES)} passed")
