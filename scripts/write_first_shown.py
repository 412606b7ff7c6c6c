"""Writes resnet_lib/exercises/first_shown.py. Run it after a probe or a known mistake of a slow exercise has changed."""

from pathlib import Path

from resnet_lib.exercises import EXERCISES, first_shown
from resnet_lib.exercises.checking import Exercise
from resnet_lib.exercises.probing import same
from resnet_lib.exercises.running import nothing_changes

SLOW = ("basic_block", "bottleneck", "plain_block", "make_layer", "resnet")
BEGINS = "SHOWN: dict[str, list[list[str]]] = {"


def find(exercise: Exercise) -> list[list[str]]:
    """For each probe of an exercise, the ids of the mistakes that it is the first to show."""
    found: list[list[str]] = [[] for _ in exercise.probes]
    with nothing_changes():
        for mistake in exercise.mistakes:
            for number, probe in enumerate(exercise.probes):
                right = exercise.observed(exercise.reference, probe)
                if not same(exercise.observed(mistake.answer, probe), right):
                    found[number].append(mistake.id)
                    break
    return found


def main() -> None:
    path = Path(first_shown.__file__)
    lines = [path.read_text(encoding="utf-8").split(BEGINS)[0] + BEGINS]
    for name in SLOW:
        lines.append(f'    "{name}": [')
        for ids in find(EXERCISES[name]):
            listed = [f'            "{id}",' for id in ids]
            lines += ["        [", *listed, "        ],"] if ids else ["        [],"]
        lines.append("    ],")
    path.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
