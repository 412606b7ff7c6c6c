"""Nothing that a reader has is lost: the verdict on every answer that was ever tried, as it was before the checks were redesigned.

``frozen_verdicts.json`` has status and id for every known mistake and every entry of tests/answers. It is never written anew.
"""

import json
from pathlib import Path

import pytest
from answers import BAD, RIGHT, WRONG

from resnet_lib.exercises import EXERCISES, check

FROZEN = json.loads(
    (Path(__file__).parent / "frozen_verdicts.json").read_text(encoding="utf-8")
)


def answers_now() -> dict[str, dict[str, dict[str, object]]]:
    """All entries of tests/answers: group → exercise → description → answer."""
    bad: dict[str, dict[str, object]] = {}
    for (name, *description), answer in BAD.items():
        bad.setdefault(name, {})["-".join(description)] = answer
    wrong = {
        name: {key: a[0] if isinstance(a, tuple) else a for key, a in answers.items()}
        for name, answers in WRONG.items()
    }
    return {"right": RIGHT, "wrong": wrong, "bad": bad}


@pytest.mark.parametrize("name", EXERCISES)
def test_verdicts_are_as_they_were(name):
    """Status and id of every entry, exercise by exercise; the known mistakes are tried one by one in test_exercises.py."""
    found, expected = {}, {}
    for group, by_exercise in answers_now().items():
        for key, answer in by_exercise.get(name, {}).items():
            verdict = check(name, answer)
            found[group, key] = [verdict.status, verdict.mistake]
            expected[group, key] = FROZEN[group][name].get(key)
    new = {key for key, frozen in expected.items() if frozen is None}
    assert {k: v for k, v in found.items() if k not in new} == {
        k: v for k, v in expected.items() if k not in new
    }


def test_every_mistake_is_still_known():
    for name, mistakes in FROZEN["mistakes"].items():
        assert set(mistakes) <= {mistake.id for mistake in EXERCISES[name].mistakes}
