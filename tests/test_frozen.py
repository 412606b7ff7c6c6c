"""Nothing that a reader has is lost: every known mistake and every answer that was ever tried is still there."""

import pytest
from answers import BAD, RIGHT, WRONG
from frozen import DECIDED, FROZEN

from resnet_exercises import EXERCISES
from resnet_exercises.exercise import load


@pytest.mark.parametrize("name", EXERCISES)
def test_every_mistake_is_still_known(name):
    assert set(FROZEN["mistakes"].get(name, {})) <= {
        mistake.id for mistake in load(name).mistakes
    }


def test_every_answer_is_still_tried():
    """Their verdicts are compared one by one in test_exercises.py."""
    tried = {("right", name, key) for name, answers in RIGHT.items() for key in answers}
    tried |= {("wrong", name, key) for name, answers in WRONG.items() for key in answers}
    tried |= {("bad", name, "-".join(key)) for name, *key in BAD}
    frozen = {
        (group, name, key)
        for group in ("right", "wrong", "bad")
        for name, answers in FROZEN[group].items()
        for key in answers
    }
    assert frozen <= tried
    assert {(d["group"], d["exercise"], d["answer"]) for d in DECIDED} <= frozen
    assert all(len(d["why"]) > 20 for d in DECIDED)
