"""The checks stay small enough to hold in the head: their figures, which conftest.py prints, and their limits."""

import ast
from pathlib import Path

import pytest

from resnet_exercises import EXERCISES
from resnet_exercises.exercise import load
from resnet_exercises.mistakes import HERE

ENGINE = (
    "__init__ checking errors exercise mistakes naming observing running screening verdict"
).split()


#: what came after the budgets were set, and has its own: lines of Python and of TOML
LATER = {
    "grad_cam": (120, 120),
    "impostors.py": (190, 0),
    "test_": (120, 650),
    "class_": (340, 0),
    "comparing.py": (300, 0),
    "departing.py": (190, 0),
    "following.py": (360, 0),
}


def lines_of(path: Path) -> int:
    return len(path.read_text(encoding="utf-8").splitlines())


def functions() -> dict[str, int]:
    """Every function of the package, by file and name, with its number of lines."""
    return {
        f"{path.relative_to(HERE)}: {node.name}": node.end_lineno - node.lineno + 1
        for path in HERE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.FunctionDef)
    }


def of_the_first(files: dict[str, int]) -> int:
    """The lines in all files but the later ones."""
    return sum(lines for file, lines in files.items() if not file.startswith(tuple(LATER)))


def test_the_budgets(record_property):
    """Lines of Python in all, in the engine, in a file and in a function; lines of TOML."""
    python = {str(path.relative_to(HERE)): lines_of(path) for path in HERE.rglob("*.py")}
    toml = {
        str(path.relative_to(HERE)): lines_of(path)
        for path in HERE.rglob("*.toml")
        if path.name != "ruff.toml"
    }
    longest, function = max(python, key=python.get), max(functions(), key=functions().get)
    later = {
        f"{what}, {begin}": (
            sum(n for file, n in files.items() if file.startswith(begin)),
            most,
        )
        for begin, limits in LATER.items()
        for what, files, most in zip(("Python", "TOML"), (python, toml), limits)
    }
    known = sum(len(load(name).mistakes) for name in EXERCISES)
    figures = {
        "Python": (of_the_first(python), 5_000),
        "engine": (sum(python[f"{name}.py"] for name in ENGINE), 1_300),
        f"longest file, {longest}": (python[longest], 500),
        f"longest function, {function}": (functions()[function], 60),
        f"TOML, {known:,} mistakes with those of later exercises": (of_the_first(toml), 5_500),
        **later,
    }
    lines = [
        f"{what}: {lines:,} of at most {most:,} lines"
        for what, (lines, most) in figures.items()
    ]
    record_property("table", "\n".join(lines))
    assert all(lines <= most for lines, most in figures.values()), "\n".join(lines)


@pytest.mark.parametrize("name", EXERCISES)
def test_a_message_is_one_that_can_be_shown(name):
    """Code in backticks, no stars that HTML would show as stars, and a full stop at the end."""
    for mistake in load(name).mistakes:
        text = "".join(mistake.says.split("`")[::2])
        assert "*" not in text and mistake.says.count("`") % 2 == 0, mistake.id
        assert mistake.says.rstrip(")`")[-1] in ".?…", mistake.id
