"""An exercise as lines to arrange: the solution's statements and wrong ones, and what each of them reads and sets.

No PyTorch runs for this: all is read from the source. ``live/reading.js`` judges an arrangement with it.
"""

from __future__ import annotations

import ast
import contextlib
import copy
import random
import textwrap
from collections.abc import Collection, Iterator

from resnet_exercises import EXERCISES
from resnet_exercises.exercise import Exercise, load
from resnet_exercises.mistakes import Mistake
from resnet_exercises.page import PLAIN

#: Exercises whose lines are arranged. A test of networks is written in a notebook only, as it has to run them.
LINES = [name for name in EXERCISES if name not in PLAIN and not name.startswith("test_")]

#: a method that the reader has written in an exercise before: it stands there
GIVEN_METHODS = {"_make_layer"}


class Tile:
    """One statement of a solution or a mistake that the reader can place, in ``part`` of the code."""

    def __init__(self, part: int, node: ast.stmt, text: str):
        self.part, self.node, self.text = part, node, text
        self.key = part, ast.unparse(node)


class Reader:
    """The tiles of one program, and the frame around them."""

    def __init__(self, source: str, given: Collection[str] = GIVEN_METHODS):
        self.given = given
        self.lines = source.strip().split("\n")
        self.tiles: list[Tile] = []
        self.of_part: list[ast.FunctionDef] = []  # which function a part belongs to
        self.indents: dict[int, int] = {}
        self.given_names: list[list[str]] = []  # by part: what its lines need not set
        self.result: ast.stmt | None = None  # a last line that stands there
        self.methods: dict[str, ast.FunctionDef] = {}
        for node in ast.parse(source.strip()).body:
            if isinstance(node, ast.ClassDef):
                for method in node.body:
                    if isinstance(method, ast.FunctionDef):
                        self._function(method)
            elif isinstance(node, ast.FunctionDef):
                self._function(node)

    def _function(self, function: ast.FunctionDef) -> None:
        if function.name in self.given:
            self.methods[function.name] = function
            return
        self._body(function.body, function)

    def _body(
        self, body: list[ast.stmt], function: ast.FunctionDef, of_loop: Collection[str] = ()
    ) -> None:
        part = None
        for node in body:
            if _is_frame(node):
                continue
            if isinstance(node, ast.With):
                self._body(node.body, function)
                self.result = body[-1]  # what follows stands there
                return
            if isinstance(node, ast.For) and [node] == body:  # a function that is one loop
                self._body(node.body, function, [ast.unparse(node.target)])
                return
            if part is None:
                part = len(self.of_part)
                self.of_part.append(function)
                self.given_names.append([*(a.arg for a in function.args.args), *of_loop])
                self.indents[part] = node.col_offset
            lines = self.lines[node.lineno - 1 : node.end_lineno]
            text = "\n".join(line for line in lines if line.strip())
            self.tiles.append(Tile(part, node, textwrap.dedent(text)))

    def rows(self) -> list[str | int]:
        """The lines of the frame, and the number of a part where its tiles stand."""
        spans: dict[int, tuple[int, int]] = {}
        for tile in self.tiles:
            first, _ = spans.get(tile.part, (tile.node.lineno, 0))
            spans[tile.part] = first, tile.node.end_lineno
        found: list[str | int] = []
        for number, line in enumerate(self.lines, start=1):
            parts = [part for part, (first, last) in spans.items() if first <= number <= last]
            if not parts:
                found.append(line)
            elif parts[0] not in found:
                found.append(parts[0])
        return found


def _is_frame(node: ast.stmt) -> bool:
    """What always stands there: a docstring, ``super().__init__()``."""
    if not isinstance(node, ast.Expr):
        return False
    return isinstance(node.value, ast.Constant) or ast.unparse(node).startswith("super()")


def _changed_tile(solution: Reader, mistake: Mistake) -> tuple[Tile, Tile]:
    """The one statement that a mistake changes, and what it has in its place."""
    wrong = Reader(mistake.code, solution.given)
    differ = [(a, b) for a, b in zip(solution.tiles, wrong.tiles) if a.key != b.key]
    if (
        len(differ) != 1
        or len(wrong.tiles) != len(solution.tiles)
        or not _same_frame(wrong, solution)
    ):
        said = "changes more than one line: `arrange` is for those that change one"
        raise ValueError(f"{mistake.id} {said}")
    return differ[0]


def _same_frame(one: Reader, other: Reader) -> bool:
    return _without_tiles(one) == _without_tiles(other)


def _without_tiles(reader: Reader) -> list[str]:
    """The frame, but for blank lines and imports, which a mistake may add."""
    rows = [row for row in reader.rows() if isinstance(row, str) and row.strip()]
    return [row for row in rows if not row.startswith(("import ", "from "))]


class Effects(ast.NodeVisitor):
    """What a statement reads, sets and changes: paths such as ``self.conv1`` or ``folded.weight``.

    It changes what it works on in place, as ``stage`` in ``stage.append(…)``, or sets in some cases only. ``needs``
    are objects that must exist and whose state does not count, as ``folded`` in ``folded.weight.copy_(…)``.
    """

    def __init__(self, methods: dict[str, ast.FunctionDef], given: set[str], local: set[str]):
        self.methods, self.given = methods, given
        self.own = given | local  # names of the function, not of modules
        self.reads: list[str] = []
        self.sets: list[str] = []
        self.changes: list[str] = []
        self.needs: list[str] = []
        self.calls = False  # a layer computes: that may leave something, as running statistics
        self.hooked = ""  # what a hook is put on
        self.filled: list[str] = []  # what the hook changes when that computes
        self.unsure = 0  # inside a branch or loop, which may not run

    def _path(self, node: ast.expr) -> str:
        """``self.conv1`` of an attribute of one of the function's own names; else an empty string."""
        names = []
        while isinstance(node, ast.Attribute):
            names.append(node.attr)
            node = node.value
        found = isinstance(node, ast.Name) and node.id in self.own
        return ".".join([node.id, *reversed(names)]) if found else ""

    def _set(self, path: str) -> None:
        if self.unsure:
            self._change(path)
        else:
            self.sets.append(path)

    def _change(self, path: str) -> None:
        self.changes.append(path)
        self.reads.append(path)

    def visit_Attribute(self, node):
        if path := self._path(node):
            self.reads.append(path)
        else:
            self.generic_visit(node)

    def visit_Name(self, node):
        if node.id in self.own:
            self.reads.append(node.id)

    def visit_Assign(self, node):
        self.visit(node.value)
        for target in node.targets:
            if path := self._path(target):
                self._set(path)

    def visit_Expr(self, node):
        call = node.value
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute):
            for argument in [*call.args, *(given.value for given in call.keywords)]:
                self.visit(argument)
            changed = self._path(call.func.value)
            overwrites = call.func.attr.endswith("_")
            if not changed and overwrites and call.args:  # nn.init.zeros_(tensor)
                changed = self._path(call.args[0])
                self.reads = [path for path in self.reads if path != changed]
            if changed and overwrites:
                self.sets.append(changed)
                self.needs.append(changed.rpartition(".")[0])
            elif changed:
                self._change(changed)
            if changed:
                return
        self.visit(call)

    def visit_Call(self, node):
        if ast.unparse(node.func) == "isinstance":  # asks what it is, whatever it holds
            self.needs.append(self._path(node.args[0]))
            return
        path = self._path(node.func)
        owner, _, name = path.rpartition(".")
        if name.startswith("register_") and isinstance(node.args[0], ast.Lambda):
            inside = Effects({}, self.own, set())
            inside.visit(ast.Expr(node.args[0].body))
            self.hooked, self.filled = owner, inside.changes
            self._change(owner)
            return
        if owner == "self" and name in self.methods:
            inside = Effects({}, {"self"}, set())
            for statement in self.methods[name].body:
                inside.visit(statement)
            self.reads += inside.reads
            self.sets += inside.sets
        elif path.partition(".")[0] in self.given:
            self.calls = True
        self.generic_visit(node)

    def visit_If(self, node):
        self.visit(node.test)
        self._maybe([*node.body, *node.orelse])

    def visit_For(self, node):
        self.visit(node.iter)
        self._maybe(node.body)

    def _maybe(self, body: list[ast.stmt]) -> None:
        self.unsure += 1
        for statement in body:
            self.visit(statement)
        self.unsure -= 1


def formula(node: ast.stmt, local: set[str]) -> list | None:
    """The value of an assignment or a return as text, with ``{"name": …}`` where a local name stands."""
    value = node.value if isinstance(node, (ast.Assign, ast.Return)) else None
    if value is None:
        return None
    value = copy.deepcopy(value)
    for name in ast.walk(value):
        if isinstance(name, ast.Name) and name.id in local:
            name.id = f"\x00{name.id}\x00"
    text = ast.unparse(value).replace("self.", "").split("\x00")
    return [{"name": part} if number % 2 else part for number, part in enumerate(text) if part]


def arrangement(
    name: str, given: Collection[str] = GIVEN_METHODS, wrong: Collection[str] | None = None
) -> dict:
    """All that a page needs to show an exercise as lines, and to judge what a reader makes of them.

    The methods ``given`` stand there; ``wrong`` are the mistakes whose lines are among those to choose from, or else
    all that have the flag ``arrange``.
    """
    exercise = load(name)
    solution = Reader(exercise.text, given)
    tiles = {tile.key: tile for tile in solution.tiles}
    places = {key: place for place, key in enumerate(tiles)}  # forms of one line have one place
    says: dict[tuple, str] = {}
    for mistake in exercise.mistakes:
        if mistake.arrange if wrong is None else mistake.id in wrong:
            before, after = _changed_tile(solution, mistake)
            tiles.setdefault(after.key, after)
            places.setdefault(after.key, places[before.key])
            says[after.key] = mistake.says
    shuffled = sorted(tiles)
    random.Random(name).shuffle(shuffled)
    numbers = {key: number for number, key in enumerate(shuffled)}
    set_somewhere = _set_names(tiles.values())
    effects = (_effects(tile, solution, set_somewhere) for tile in tiles.values())
    hooks = [hook for hook in effects if hook.hooked]
    return {
        "rows": solution.rows(),
        "indents": [solution.indents[part] for part in range(len(solution.of_part))],
        "functions": [function.name for function in solution.of_part],
        "given": solution.given_names,
        "tiles": [
            _told(tiles[key], solution, set_somewhere, hooks)
            | {"place": places[key], "wrong": says.get(key)}
            for key in shuffled
        ],
        "solution": _order(solution, numbers),
        "known": list(_known_orders(exercise, solution, numbers)),
        "result": _told(Tile(0, solution.result, ""), solution, set_somewhere)
        if solution.result
        else None,
        "passed": exercise.module.PRAISE[name],
    }


def _set_names(tiles) -> set[str]:
    """The local names that some tile sets."""
    found = set()
    for tile in tiles:
        for node in ast.walk(tile.node):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                found.add(node.id)
    return found


def _effects(tile: Tile, solution: Reader, set_somewhere: set[str]) -> Effects:
    given = set(solution.given_names[tile.part])
    effects = Effects(solution.methods, {*given, "self"}, set_somewhere)
    effects.visit(tile.node)
    return effects


def _told(
    tile: Tile, solution: Reader, set_somewhere: set[str], hooks: Collection[Effects] = ()
) -> dict:
    function = solution.of_part[tile.part]
    effects = _effects(tile, solution, set_somewhere)
    for hook in hooks:
        if effects.calls:  # whatever computes may run the layer that has the hook
            effects.reads.append(hook.hooked)
            effects.needs += hook.filled
            effects.sets += [f"{path}.filled" for path in hook.filled]
        if set(hook.sets) & set(effects.changes):  # its handle is used to take it away
            effects._change(hook.hooked)
    return {
        "part": tile.part,
        "text": tile.text,
        "reads": _once(effects.reads),
        "sets": _once(effects.sets),
        "changes": _once(effects.changes),
        "needs": _once(effects.needs),
        "calls": effects.calls,
        "returns": isinstance(tile.node, ast.Return),
        "formula": formula(tile.node, set_somewhere) if function.name == "forward" else None,
    }


def _once(paths: list[str]) -> list[str]:
    return [path for path in dict.fromkeys(paths) if path and path != "self"]


def _order(program: Reader, numbers: dict[tuple, int]) -> list[list[int]]:
    """The tiles of each part, by their numbers."""
    parts: list[list[int]] = [[] for _ in program.of_part]
    for tile in program.tiles:
        parts[tile.part].append(numbers[tile.key])
    return parts


def _known_orders(
    exercise: Exercise, solution: Reader, numbers: dict[tuple, int]
) -> Iterator[dict]:
    """The mistakes that consist of these tiles alone, as one where a line is missing or stands in another place."""
    for mistake in exercise.mistakes:
        with contextlib.suppress(SyntaxError):
            wrong = Reader(mistake.code, solution.given)
            keys = [tile.key for tile in wrong.tiles]
            once = len(set(keys)) == len(keys)  # as each line can be placed once
            parts = len(wrong.of_part) == len(solution.of_part)
            if once and parts and _same_frame(wrong, solution) and numbers.keys() >= set(keys):
                yield {
                    "mistake": mistake.id,
                    "says": mistake.says,
                    "parts": _order(wrong, numbers),
                }
