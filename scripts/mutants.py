"""Makes small changes of the solutions, and lists those that a check lets pass and those that fail without a name.

A change drops, swaps or negates an operator, an argument, a call or a line, as a reader may by mistake. One that passes
is a hole, or the same function; one without a name, that a reader could write, deserves an entry in ``mistakes.toml``.
"""

import argparse
import ast
import copy
import sys
from collections.abc import Iterator

from resnet_exercises.checking import check_answer
from resnet_exercises.exercise import FOLDERS, load
from resnet_exercises.mistakes import build
from resnet_exercises.verdict import FAILED, PASSED

#: an operator, a comparison or a word → what a reader may write in its place
SWAPS = {
    ast.Add: (ast.Sub,),
    ast.Sub: (ast.Add,),
    ast.Mult: (ast.Add,),
    ast.Div: (ast.Mult,),
    ast.FloorDiv: (ast.Div, ast.Mult, ast.Mod),
    ast.Mod: (ast.FloorDiv,),
    ast.Pow: (ast.Mult,),
    ast.Lt: (ast.LtE, ast.Gt),
    ast.Gt: (ast.GtE, ast.Lt),
    ast.Eq: (ast.NotEq,),
    ast.NotEq: (ast.Eq,),
    ast.Is: (ast.IsNot,),
    ast.IsNot: (ast.Is,),
    ast.Or: (ast.And,),
    ast.And: (ast.Or,),
}


def mutants(text: str) -> Iterator[tuple[str, str]]:
    """(what is changed, the changed text) for each small change of a solution; each text once."""
    tree = ast.parse(text)
    seen = {ast.unparse(tree)}
    for number in range(sum(1 for _ in ast.walk(tree))):
        for choice in range(sum(1 for _ in _changes(_node(tree, number)))):
            changed = copy.deepcopy(tree)
            node = _node(changed, number)
            what = list(_changes(node))[choice]()
            ast.fix_missing_locations(changed)
            try:
                new = ast.unparse(changed)
                compile(new, "<a mutant>", "exec")
            except (SyntaxError, ValueError):
                continue
            if new not in seen:
                seen.add(new)
                yield f"line {getattr(_node(tree, number), 'lineno', '?')}: {what}", new


def _node(tree: ast.AST, number: int) -> ast.AST:
    return list(ast.walk(tree))[number]


def _changes(node: ast.AST) -> Iterator:
    """Functions that change ``node`` in place and say how."""
    if isinstance(node, (ast.BinOp, ast.AugAssign)):
        yield from (_swapped(node, other) for other in SWAPS.get(type(node.op), ()))
        if isinstance(node, ast.BinOp):
            yield lambda: _become(node, node.left)
            yield lambda: _become(node, node.right)
    if isinstance(node, ast.BoolOp):
        yield from (_swapped(node, other) for other in SWAPS.get(type(node.op), ()))
        yield from (lambda v=v: _become(node, v) for v in node.values)
    if isinstance(node, ast.Compare):
        for other in SWAPS.get(type(node.ops[0]), ()):
            yield lambda other=other: _compare(node, other)
    if isinstance(node, ast.IfExp):
        yield lambda: _become(node, node.body)
        yield lambda: _become(node, node.orelse)
        yield lambda: _exchange(node, "body", "orelse")
    if isinstance(node, ast.Constant) and isinstance(node.value, bool):
        yield lambda: _set(node, not node.value)
    if isinstance(node, ast.Call):
        yield from _calls(node)
    if isinstance(getattr(node, "body", None), list):
        yield from _lines(node.body)


def _calls(node: ast.Call) -> Iterator:
    for place in range(len(node.args)):
        if len(node.args) == 1 and not isinstance(node.args[0], ast.Starred):
            yield lambda: _become(node, node.args[0])  # the call is left out
        if place:
            yield lambda place=place: _swap_arguments(node, place)
    for place, keyword in enumerate(node.keywords):
        yield lambda place=place, keyword=keyword: (
            node.keywords.pop(place),
            f"{keyword.arg}= left out",
        )[1]


def _lines(body: list[ast.stmt]) -> Iterator:
    for place, statement in enumerate(body):
        docstring = isinstance(statement, ast.Expr) and isinstance(
            statement.value, ast.Constant
        )
        if len(body) > 1 and not docstring and not isinstance(statement, ast.FunctionDef):
            yield lambda place=place: f"left out: {ast.unparse(body.pop(place))}"
        if isinstance(statement, ast.Assign) and isinstance(statement.value, ast.Call):
            yield lambda place=place: _not_assigned(body, place)
        after = body[place + 1] if place + 1 < len(body) else None
        movable = (ast.Assign, ast.AugAssign, ast.Expr)
        if not docstring and isinstance(statement, movable) and isinstance(after, movable):
            yield lambda place=place: _exchange_lines(body, place)


def _swapped(node, other) -> object:
    def change() -> str:
        before = ast.unparse(node)
        node.op = other()
        return f"{before} → {ast.unparse(node)}"

    return change


def _compare(node: ast.Compare, other: type) -> str:
    before = ast.unparse(node)
    node.ops[0] = other()
    return f"{before} → {ast.unparse(node)}"


def _become(node: ast.AST, other: ast.AST) -> str:
    before = ast.unparse(node)
    node.__class__ = type(other)
    fields = dict(vars(other))
    vars(node).clear()
    vars(node).update(fields)
    return f"{before} → {ast.unparse(node)}"


def _exchange(node: ast.AST, first: str, second: str) -> str:
    before = ast.unparse(node)
    one, other = getattr(node, first), getattr(node, second)
    setattr(node, first, other), setattr(node, second, one)
    return f"{before} → {ast.unparse(node)}"


def _set(node: ast.Constant, value: object) -> str:
    before, node.value = node.value, value
    return f"{before} → {value}"


def _swap_arguments(node: ast.Call, place: int) -> str:
    node.args[place - 1], node.args[place] = node.args[place], node.args[place - 1]
    return f"arguments exchanged: {ast.unparse(node)}"


def _not_assigned(body: list[ast.stmt], place: int) -> str:
    body[place] = ast.Expr(body[place].value)
    return f"not assigned: {ast.unparse(body[place])}"


def _exchange_lines(body: list[ast.stmt], place: int) -> str:
    body[place], body[place + 1] = body[place + 1], body[place]
    return f"moved up: {ast.unparse(body[place])}"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", choices=[*FOLDERS, []], metavar="exercise")
    parser.add_argument("--quiet", action="store_true", help="the counts only")
    given = parser.parse_args(arguments)
    print(f"{'exercise':18} made  pass  fail  named  raised")
    for name in given.names or FOLDERS:
        exercise, listed = load(name), []
        counts = {"made": 0, PASSED: 0, FAILED: 0, "named": 0, "raised": 0}
        for what, text in mutants(exercise.text):
            try:
                answer = build(text, exercise.asked)
            except Exception:  # a default or a base class that is no longer there
                continue
            verdict = check_answer(exercise, answer)
            counts["made"] += 1
            counts[verdict.status if verdict.status == PASSED else FAILED] += 1
            counts["named"] += verdict.mistake is not None
            # Python's own words and the reader's line tell what is wrong
            counts["raised"] += (
                verdict.mistake is None and "Error at your line" in verdict.message
            )
            if verdict.mistake is None:
                said = "PASSES" if verdict.status == PASSED else verdict.message
                listed.append(f"  {what}\n      {said}")
        print(f"{name:18} " + "  ".join(f"{count:4}" for count in counts.values()))
        if not given.quiet:
            print("\n".join(listed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
