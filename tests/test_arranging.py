"""Lines that are put in order: the page's verdict, which runs nothing, is that of the check with real PyTorch."""

import json
import random

import node
import pytest
from arranging import LINES, arrangement
from make_live import FIRST_TRY, first_try

from resnet_exercises import check
from resnet_exercises.exercise import load
from resnet_exercises.mistakes import build

EACH = 290  # arrangements of each exercise, where there are so many
JUDGE = """
import { readFileSync } from "node:fs";
import { compose } from "./live/compose.js";
import { judge } from "./live/reading.js";

const { exercise, arrangements } = JSON.parse(readFileSync(0, "utf8"));
const told = (placed) => ({ ...judge(exercise, placed), code: compose(exercise, placed) });
console.log(JSON.stringify(arrangements.map(told)));
"""


def judged(exercise: dict, arrangements: list) -> list[dict]:
    """What the page says of each arrangement, and the code that it stands for."""
    given = json.dumps({"exercise": exercise, "arrangements": arrangements})
    ran = node.run("node", "--input-type=module", "-e", JUDGE, input=given)
    assert ran.returncode == 0, ran.stdout
    return json.loads(ran.stdout)


def put(exercise: dict, part: list[int], number: int, at: int) -> None:
    """Puts a line into a part, in the place of another form of it, as the page does."""
    place = exercise["tiles"][number]["place"]
    for there, other in enumerate(part):
        if exercise["tiles"][other]["place"] == place:
            part[there] = number
            return
    part.insert(at, number)


def arrangements(exercise: dict, name: str) -> list[list[list[int]]]:
    """The solution; all with one wrong line, one line too few or two exchanged; then random ones with several."""
    solution, chance = exercise["solution"], random.Random(name)
    found = [solution, *(known["parts"] for known in exercise["known"])]

    def changed():
        return [list(part) for part in solution]

    for number, tile in enumerate(exercise["tiles"]):
        parts = changed()
        put(exercise, parts[tile["part"]], number, 0)
        found.append(parts)
    for place, part in enumerate(solution):
        for at in range(len(part)):
            fewer, exchanged = changed(), changed()
            del fewer[place][at]
            exchanged[place][at - 1 : at + 1] = exchanged[place][at - 1 : at + 1][::-1]
            found += [fewer, exchanged]
    for _ in range(20 * EACH):
        parts = changed()
        for _ in range(chance.randint(1, 4)):
            place = chance.randrange(len(parts))
            part, what = parts[place], chance.random()
            free = [
                n
                for n, tile in enumerate(exercise["tiles"])
                if tile["part"] == place and n not in part
            ]
            if what < 0.4 and part:
                part.insert(chance.randrange(len(part)), part.pop(chance.randrange(len(part))))
            elif what < 0.5 and part:
                part.pop(chance.randrange(len(part)))
            elif free:
                put(exercise, part, chance.choice(free), chance.randint(0, len(part)))
        found.append(parts)
    once = {json.dumps(parts): parts for parts in found}
    return list(once.values())[:EACH]


@pytest.mark.parametrize("name", LINES)
def test_the_verdict_is_that_of_the_check(name):
    exercise = arrangement(name)
    tried = arrangements(exercise, name)
    for there in judged(exercise, tried):
        here = check(name, build(there["code"], load(name).asked))
        assert there["status"] == here.status, there["code"]
        assert there["mistake"] in (None, here.mistake), there["code"]


def test_there_are_at_least_two_thousand_arrangements():
    tried = {name: len(arrangements(arrangement(name), name)) for name in LINES}
    assert sum(tried.values()) >= 2_000, tried


@pytest.mark.parametrize("name", LINES)
def test_each_wrong_line_has_its_mistake_and_is_told(name):
    exercise, known = arrangement(name), load(name)
    flagged = {mistake.id: mistake.says for mistake in known.mistakes if mistake.arrange}
    assert len(flagged) >= 4
    found = {}
    for said in judged(exercise, [entry["parts"] for entry in exercise["known"]]):
        found[said["mistake"]] = said["message"]
    assert flagged.items() <= found.items()


def test_right_lines_in_another_order_pass():
    exercise = arrangement("basic_block")
    init, forward = exercise["solution"]
    upside_down = [init[::-1], [forward[1], forward[0], *forward[2:]]]
    assert [said["status"] for said in judged(exercise, [upside_down])] == ["passed"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda init, forward: forward.pop(), "Nothing is returned"),
        (lambda init, forward: forward.insert(3, forward.pop()), None),
        (
            lambda init, forward: forward.insert(1, forward.pop(2)),
            "uses `out` before a line sets it",
        ),
        (lambda init, forward: init.pop(0), "No line sets `self.conv1`"),
        (
            lambda init, forward: forward.insert(0, forward.pop()),
            "stands below the `return`",
        ),
        (lambda init, forward: forward.insert(2, forward.pop()), "stands below the `return`"),
        (lambda init, forward: forward.clear(), "`forward` has no line yet"),
    ],
)
def test_a_line_that_is_missing_or_misplaced_is_told_by_what_it_does(change, said):
    exercise = arrangement("basic_block")
    parts = [list(part) for part in exercise["solution"]]
    change(*parts)
    (verdict,) = judged(exercise, [parts])
    assert verdict["status"] == "passed" if said is None else said in verdict["message"]


def test_the_formula_tells_what_the_lines_compute():
    exercise = first_try()
    (verdict,) = judged(exercise, [exercise["start"]])
    assert verdict["mistake"] == "relu-before-add" and FIRST_TRY == "first-try"
    branch = "batchnorm2(conv2(relu(batchnorm1(conv1(x)))))"
    assert verdict["formula"] == {
        "mine": f"relu({branch}) + shortcut",
        "right": f"relu({branch} + shortcut)",
    }
