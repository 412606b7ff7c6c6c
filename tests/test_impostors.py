"""The exercises in which a reader writes a test: what is right passes, impostors are caught, the verdict says why.

Tests that readers could write stand in tests/answers/testing.py; test_exercises.py tries them too.
"""

import ast
import inspect
import linecache
import random
import re

import pytest
import torch
from answers.testing import RIGHT, STRICT, WEAK
from arranging import LINES
from make_live import exercises

from resnet_exercises import EXERCISES, check
from resnet_exercises.exercise import load
from resnet_exercises.impostors import EASIER, implementations
from resnet_exercises.mistakes import build

TESTS = [name for name in EXERCISES if name.startswith("test_")]
IMPOSTORS = [
    pytest.param(name, one, id=f"{name}-{one.name}")
    for name in TESTS
    for one in implementations(name)[1]
]
FORMS = [
    pytest.param(name, one, id=f"{name}-{one.name}")
    for name in TESTS
    for one in implementations(name)[0]
]


def solution(name: str) -> object:
    return build(load(name).text, load(name).asked)


def passes(function, name: str, code: str) -> bool:
    """Whether a test lets an implementation pass, outside of the check."""
    torch.manual_seed(0)
    try:
        function(build(code, load(load(name).tests).asked))
    except Exception:
        return False
    return True


def without(name: str, line: str):
    """The solution with one of its lines replaced by ``pass``."""
    tree, found = ast.parse(load(name).text), []

    class Remove(ast.NodeTransformer):
        def visit(self, node):
            if isinstance(node, ast.Assert | ast.Raise) and ast.unparse(node) == ast.unparse(
                ast.parse(line)
            ):
                found.append(node)
                return ast.copy_location(ast.Pass(), node)
            return self.generic_visit(node)

    changed = ast.unparse(Remove().visit(tree))
    assert len(found) == 1, f"{line} stands {len(found)} times in the solution of {name}"
    return build(changed, load(name).asked)


def empty(implementation):
    """A test that tests nothing, and is no stub."""
    assert implementation


@pytest.mark.parametrize("name", TESTS)
def test_the_table_of_impostors(name, record_property):
    """All are caught by the solution and none by an empty test, and every right form passes both."""
    forms, impostors = implementations(name)
    function, rows = solution(name), []
    for one in (*forms, *impostors):
        by_solution, by_empty = (passes(f, name, one.code) for f in (function, empty))
        rows.append((one.name, one in impostors, by_solution, by_empty))
    words = {True: "passes", False: "caught"}
    lines = [f"{name:34} by the solution   by an empty test"]
    for key, wrong, by_solution, by_empty in rows:
        kind = "impostor" if wrong else "right"
        lines.append(f"  {kind:8} {key:34} {words[by_solution]:12} {words[by_empty]}")
    record_property("table", "\n".join(lines))
    assert all(by_solution != wrong and by_empty for _, wrong, by_solution, by_empty in rows)
    assert len(forms) == 6 and 9 < len(impostors) < 13


@pytest.mark.parametrize(("name", "one"), IMPOSTORS)
def test_each_impostor_is_caught_by_the_line_that_it_names(name, one):
    """Without this line it is in again."""
    assert not passes(solution(name), name, one.code)
    assert passes(without(name, one.line), name, one.code)


@pytest.mark.parametrize("name", TESTS)
def test_each_line_of_the_solution_catches_something(name):
    tree = ast.parse(load(name).text)
    lines = {
        ast.unparse(node) for node in ast.walk(tree) if isinstance(node, ast.Assert | ast.Raise)
    }
    assert lines == {ast.unparse(ast.parse(one.line)) for one in implementations(name)[1]}


@pytest.mark.parametrize(("name", "one"), IMPOSTORS)
def test_each_impostor_fails_the_exercise_that_it_pretends_to_solve(name, one):
    tested = load(name).tests
    assert check(tested, build(one.code, load(tested).asked)).status == "failed"


@pytest.mark.parametrize(("name", "one"), FORMS)
def test_each_right_form_passes_the_exercise(name, one):
    tested = load(name).tests
    verdict = check(tested, build(one.code, load(tested).asked))
    assert verdict.status == "passed", verdict.message


@pytest.mark.parametrize("name", TESTS)
def test_what_the_entries_say(name):
    """Sentences that a verdict puts together, code in backticks, and each hint told once."""
    forms, impostors = implementations(name)
    assert len({one.hint for one in impostors}) == len(impostors)
    for one in impostors:
        assert one.does and one.does[-1] not in ".!?" and one.hint[-1] in ".?!"
        assert one.does.count("`") % 2 == one.hint.count("`") % 2 == 0
        assert one.name not in one.hint and one.line not in one.hint
    for one in forms:
        assert one.form and one.form[-1] != "." and not one.takes_for_granted.endswith(".")
        assert "*" not in one.form + one.takes_for_granted


@pytest.mark.parametrize("name", TESTS)
def test_two_stars_and_who_was_caught(name):
    verdict = check(name, solution(name))
    impostors = implementations(name)[1]
    assert verdict.status == "passed" and verdict.mistake is None
    assert verdict.message.startswith(f"★★ Your test catches all {len(impostors)} impostors")
    for one in impostors:
        assert f"Caught: `{one.name}` ({one.does}), at your line `" in verdict.message


@pytest.mark.parametrize("name", TESTS)
def test_one_star_for_the_easier_ones_and_what_is_missing_for_the_second(name):
    """And a test with one of the easier ones left in has none. A hint, and no name, for the easiest that is in."""
    impostors = implementations(name)[1]
    caught = {one.code: one for one in impostors[:EASIER]}

    def with_all_but(*left):
        """A test that knows the text of what it is given."""

        def knows(given):
            method = getattr(given, "__init__", given) if isinstance(given, type) else given
            path = (
                getattr(method, "__code__", method).co_filename
                if hasattr(method, "__code__")
                else ""
            )
            code = "".join(linecache.getlines(path))
            assert code not in caught or caught[code].name in left

        return knows

    verdict = check(name, with_all_but())
    assert verdict.status == "passed" and verdict.message.startswith("★☆ ")
    assert f"catches {EASIER} of {len(impostors)} impostors" in verdict.message
    assert "The second star takes them all." in verdict.message
    assert impostors[EASIER].hint in verdict.message
    for one in impostors[EASIER:]:
        assert one.name not in verdict.message and one.does not in verdict.message
    two = impostors[1], impostors[4]
    verdict = check(name, with_all_but(*(one.name for one in two)))
    assert verdict.status == "failed" and verdict.message.startswith("☆☆ ")
    assert "2 of them are missing" in verdict.message and two[0].hint in verdict.message
    for one in two:
        assert f"`{one.name}`" not in verdict.message and one.does not in verdict.message
    assert two[1].hint not in verdict.message


@pytest.mark.parametrize(
    ("name", "form", "answer"),
    [
        pytest.param(name, form, answer, id=f"{name}-{form}")
        for name, answers in STRICT.items()
        for form, answer in answers.items()
    ],
)
def test_a_test_that_is_too_strict_is_told_what_it_took_for_granted(name, form, answer):
    """It passes the book's own implementation, so that this form alone can tell."""
    (one,) = (one for one in implementations(name)[0] if one.name == form)
    verdict = check(name, answer)
    assert verdict.status == "failed"
    said = f"Your test refuses a right implementation, {one.form}. It takes for granted {one.takes_for_granted}."
    assert verdict.message.startswith(said), verdict.message
    (line,) = re.findall(r"at your line `(.*?)`", verdict.message)
    assert line in inspect.getsource(answer)  # not a line of the implementation


def test_every_right_form_has_a_test_that_is_too_strict_for_it():
    for name in TESTS:
        assert STRICT[name].keys() == {one.name for one in implementations(name)[0][1:]}


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (
            "one case",
            "☆☆ Your test passes every right implementation, and catches 1 of 10 impostors.",
        ),
        (
            "returns it",
            "returns True or False, and nobody looks at it: write `assert`",
        ),
        ("prints it", "No line of it can fail: write `assert`"),
        ("a pair", "is always true, as a pair in brackets is"),
        ("a comparison alone", "`output_size(7, 3) == 5` alone on its line changes nothing"),
        ("its own error caught", "catches its own AssertionError too"),
        ("an error without raise", "`AssertionError` stands there without `raise`"),
        ("only what is refused", "catches 1 of 10 impostors"),
        (
            "a wrong number",
            "Your test refuses a right implementation, the one that this book shows.\n"
            "Your code raised AssertionError at your line `assert output_size(7, 3) == 4`.\n"
            "Nothing is wrong there",
        ),
        ("refuses everything", 'at your line `raise AssertionError("I trust nobody")`'),
    ],
)
def test_weak_tests_are_told_why(key, said):
    verdict = check("test_output_size", WEAK["test_output_size"][key])
    assert verdict.status == "failed" and said in verdict.message, verdict.message


@pytest.mark.parametrize("name", TESTS)
def test_an_empty_test_catches_none(name):
    verdict = check(name, empty)
    count = len(implementations(name)[1])
    assert verdict.status == "failed"
    assert f"catches none of the {count} impostors" in verdict.message
    assert "Caught" not in verdict.message
    assert not any(one.name in verdict.message for one in implementations(name)[1])


def test_a_shape_is_not_enough():
    for name in ("test_basic_block", "test_make_layer", "test_resnet"):
        message = check(name, WEAK[name]["the shape"]).message
        assert message.startswith("☆☆"), message


def test_good_tests_in_other_forms_have_their_stars():
    for name, answers in RIGHT.items():
        for key, answer in answers.items():
            message = check(name, answer).message
            assert message.startswith("★☆" if "easier" in key else ("★★", "★☆")), (key, message)


def test_a_loop_is_stopped_and_what_a_test_changes_is_put_back():
    def never_ends(output_size):
        while True:
            pass

    def hangs_on_an_impostor(output_size):
        while output_size(5, 5) != 1 or output_size(7, 3) != 5:
            pass

    def restless(implementation):
        random.seed(3)
        torch.manual_seed(3)
        torch.set_default_dtype(torch.float64)
        print("noise")

    assert "did not end" in check("test_output_size", never_ends).message
    message = check("test_output_size", hangs_on_an_impostor).message
    assert "With one of them your test does not end" in message
    before = random.getstate(), torch.get_rng_state()
    check("test_make_layer", restless)
    assert random.getstate() == before[0] and torch.equal(torch.get_rng_state(), before[1])
    assert torch.get_default_dtype() is torch.float32


def test_random_numbers_are_the_same_in_every_check():
    """So that a test with random inputs is judged alike today and tomorrow."""
    drawn = []

    def draws(make_layer):
        drawn.append((torch.randn(2).tolist(), random.random()))

    check("test_make_layer", draws)
    assert len(drawn) > 10 and len(set(map(str, drawn))) == 1


def test_an_implementation_is_new_in_each_check():
    """A test that changes what it is given spoils no later one."""

    def spoils(Block):
        Block.expansion = 3

    check("test_basic_block", spoils)
    assert check("test_basic_block", solution("test_basic_block")).status == "passed"


def test_it_says_how_far_the_reader_has_come():
    assert check("test_output_size", lambda output_size: None).status == "not attempted"

    def begun(output_size):
        assert output_size(7, 3) == 5
        raise NotImplementedError

    assert check("test_output_size", begun).status == "not attempted"


def test_a_test_of_networks_is_for_a_notebook_only():
    """The page runs no PyTorch, and the lines of a test are not put in order."""
    kinds = {found["name"]: found["kind"] for found in exercises() if found["name"] in TESTS}
    assert kinds.pop("test_output_size") == "code"
    assert set(kinds.values()) == {"notebook"} and not set(LINES) & set(TESTS)
