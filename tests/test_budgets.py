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


def test_the_budgets(record_property):
    """Lines of Python in all, in the engine, in a file and in a function; lines of TOML."""
    python = {str(path.relative_to(HERE)): lines_of(path) for path in HERE.rglob("*.py")}
    longest, function = max(python, key=python.get), max(functions(), key=functions().get)
    toml = sum(map(lines_of, HERE.rglob("*.toml")))
    figures = {
        "Python": (sum(python.values()), 5_030),
        "engine": (sum(python[f"{name}.py"] for name in ENGINE), 1_300),
        f"longest file, {longest}": (python[longest], 500),
        f"longest function, {function}": (functions()[function], 60),
        f"TOML, {sum(len(load(name).mistakes) for name in EXERCISES):,} mistakes": (
            toml,
            5_500,
        ),
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
