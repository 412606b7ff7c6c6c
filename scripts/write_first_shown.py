"""Writes resnet_lib/exercises/first_shown.py. Run it after a probe or a known mistake of a slow exercise has changed."""

import subprocess
import sys
from pathlib import Path

from resnet_lib.exercises import EXERCISES, first_shown
from resnet_lib.exercises.checking import Exercise, gist
from resnet_lib.exercises.probing import same
from resnet_lib.exercises.running import nothing_changes

SLOW = ("basic_block", "bottleneck", "plain_block", "make_layer", "resnet")
BEGINS = "SHOWN: dict[str, list[dict[str, tuple[str, float]]]] = {"


def find(exercise: Exercise) -> list[dict[str, tuple[str, float]]]:
    """For each probe of an exercise, the mistakes that it is the first to show: by id, the gist of what it sees."""
    found: list[dict[str, tuple[str, float]]] = [{} for _ in exercise.probes]
    with nothing_changes():
        for mistake in exercise.mistakes:
            for number, probe in enumerate(exercise.probes):
                right = exercise.observed(exercise.reference, probe)
                got = exercise.observed(mistake.answer, probe)
                if not same(got, right):
                    what, number_seen = gist(right, got)
                    found[number][mistake.id] = what, float(f"{number_seen:.6g}")
                    break
    return found


def main() -> None:
    path = Path(first_shown.__file__)
    lines = [path.read_text(encoding="utf-8").split(BEGINS)[0] + BEGINS]
    for name in SLOW:
        lines.append(f'    "{name}": [')
        for by_id in find(EXERCISES[name]):
            listed = [
                f'            "{id}": ("{what}", {n}),' for id, (what, n) in by_id.items()
            ]
            lines += ["        {", *listed, "        },"] if by_id else ["        {},"]
        lines.append("    ],")
    path.write_text("\n".join([*lines, "}", ""]), encoding="utf-8")
    subprocess.run([sys.executable, "-m", "ruff", "format", "--quiet", path], check=True)


if __name__ == "__main__":
    main()
