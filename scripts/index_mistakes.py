"""Writes index.json of each exercise's folder: which probe shows a known mistake first, and what it sees there.

The check looks at the mistakes in that order, so a name is found soon. Run it after a probe, a solution or a mistake
has changed.
"""

import json
import sys

from resnet_exercises.checking import check_answer
from resnet_exercises.exercise import FOLDERS, Exercise, load
from resnet_exercises.mistakes import HERE, build
from resnet_exercises.naming import gist
from resnet_exercises.observing import same
from resnet_exercises.running import nothing_changes
from resnet_exercises.screening import SCREENED
from resnet_exercises.verdict import PASSED


def index_of(exercise: Exercise) -> dict[str, list]:
    """For each known mistake, the first probe that shows it and the gist of what that one sees."""
    found = {}
    for mistake in exercise.mistakes:
        if mistake.id in SCREENED:
            continue
        for number, right in enumerate(exercise.expected[0]):
            got = exercise.observed(mistake, number)
            if not same(got, right):
                found[mistake.id] = [number, *gist(right, got)]
                break
    return found


def text_of(indices: dict[str, dict[str, list]]) -> str:
    """The indices of a folder's exercises as JSON, one mistake a line."""
    parts = []
    for name, index in indices.items():
        lines = [
            f"  {json.dumps(id)}: {json.dumps(seen)}" for id, seen in sorted(index.items())
        ]
        parts.append(f"{json.dumps(name)}: {{\n" + ",\n".join(lines) + "\n}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def not_named(name: str) -> list[str]:
    """A line for each known mistake that the check does not call by its id."""
    exercise, found = load(name), []
    vars(exercise).pop("index", None)  # it has just been written
    for mistake in exercise.mistakes:
        verdict = check_answer(exercise, build(mistake.code, exercise.asked))
        if verdict.status == PASSED:
            found.append(f"{name}, {mistake.id}: no probe tells it from the solution")
        elif verdict.mistake != mistake.id:
            other = verdict.mistake or "no name"
            found.append(f"{name}, {mistake.id}: the check says {other}: {verdict.message}")
    print(f"  {name}: {len(exercise.mistakes) - len(found)} of {len(exercise.mistakes)} named")
    return found


def main(wanted: list[str]) -> int:
    if unknown := set(wanted) - {*FOLDERS, *FOLDERS.values()}:
        print(f"{', '.join(unknown)}: no exercise; there are {', '.join(FOLDERS)}")
        return 2
    wrong = []
    for folder in dict.fromkeys(FOLDERS.values()):
        names = [name for name in FOLDERS if FOLDERS[name] == folder]
        if wanted and not set(wanted) & {folder, *names} or folder.startswith("test_"):
            continue
        print(f"Trying the mistakes of {', '.join(names)} …", flush=True)
        with nothing_changes():
            text = text_of({name: index_of(load(name)) for name in names})
        (HERE / folder / "index.json").write_text(text, encoding="utf-8")
        print(f"  wrote resnet_exercises/{folder}/index.json", flush=True)
        wrong += [line for name in names for line in not_named(name)]
    print("\n".join(wrong) or "Every mistake is named by its own id.")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
