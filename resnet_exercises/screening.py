"""What is no answer at all, seen before anything runs: an empty stub, an instance, a method whose name is misspelt."""

import ast
import builtins
import difflib
import functools
import inspect
import sys
from typing import Any

from resnet_exercises.errors import parsed_file
from resnet_exercises.exercise import Exercise
from resnet_exercises.observing import named_kind
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, Verdict

#: mistakes that are told by a name: a class that does nothing for another reason looks the same to the probes
SCREENED = ("init-misspelt", "forward-misspelt")
WRITE = "Write your code in the cell above, run it, then run this one."


def screen(exercise: Exercise, answer: Any) -> Verdict | None:
    """The verdict on what is no answer yet, or no answer at all; None where it can be tried."""
    wants_class = isinstance(exercise.solution, type)
    is_class = isinstance(answer, type)
    # `make_layer` may be a class of stages
    makes_one = not wants_class and is_class and _is_module(answer, "Sequential")
    if (is_class != wants_class and not makes_one) or not callable(answer):
        what, kind = "class" if wants_class else "function", "a class" if is_class else named_kind(answer)
        if wants_class and _is_module(type(answer)):
            kind = "an instance"
        without = "" if is_class or inspect.isfunction(answer) else ", without brackets"
        give = f'Give the {what} itself{without}: `check("{exercise.name}", {exercise.asked})`.'
        return exercise.verdict(FAILED, f"The check got {kind}, where it expected a {what}. {give}")
    works = _works(exercise, answer)
    package = str(getattr(works, "__module__", "")).split(".")[0]
    if package in ("torchvision", "resnet_lib", "resnet_exercises"):  # as chapters import them
        said = f"{package}'s own `{works.__name__}`"
        todo = f"Your function only calls {said}. Write out in it what that one does."
        if works is answer or is_class:
            todo = f"This is {said}, not yours. Run the cell with your code first: if it ends in an error, the name "
            todo += "still means what was imported."
        return exercise.verdict(NOT_ATTEMPTED, todo)
    if not wants_class:
        return exercise.verdict(NOT_ATTEMPTED, WRITE) if is_stub(answer) else None
    return _screen_class(exercise, answer)


def _works(exercise: Exercise, answer: Any) -> Any:
    """What does the work: the class with the first method, or the function of this name that is all an answer calls."""
    if isinstance(answer, type):
        return next((base for base in answer.__mro__ if any(map(inspect.isfunction, vars(base).values()))), answer)
    code = getattr(answer, "__code__", None)
    first, *path = (code.co_names if code and not code.co_freevars else ()) or [""]
    start = getattr(answer, "__globals__", {}).get(first, sys.modules.get(first))
    called = functools.reduce(lambda owner, name: getattr(owner, name, None), path, start)
    return called if getattr(called, "__name__", "") == exercise.asked else answer


def _is_module(kind: type, name: str = "Module") -> bool:
    """Whether a class is PyTorch's ``nn.Module``, or another class of ``torch.nn``, or a subclass of it."""
    nn = sys.modules.get("torch.nn")
    return nn is not None and issubclass(kind, getattr(nn, name))


def _screen_class(exercise: Exercise, answer: type) -> Verdict | None:
    if not _is_module(answer):
        return exercise.verdict(FAILED, "Your class is no nn.Module: begin it with `class …(nn.Module):`.")
    module = sys.modules["torch.nn"].Module
    bases = [base for base in answer.__mro__ if base not in module.__mro__]
    own = {name: value for base in bases for name, value in vars(base).items()}
    if all(map(is_stub, filter(callable, own.values()))):
        return exercise.verdict(NOT_ATTEMPTED, WRITE)
    for name in ("__init__", "forward"):
        # the method whose name is nearly this, whatever underscores and capitals it has
        methods = {method.strip("_").lower(): method for method in own if inspect.isfunction(own[method])}
        near = difflib.get_close_matches(name.strip("_"), methods, n=1, cutoff=0.7)
        if name not in own and near:
            id = f"{name.strip('_')}-misspelt"
            says = next(mistake.says for mistake in exercise.mistakes if mistake.id == id)
            return exercise.verdict(FAILED, f"{says}\nYour class has `{methods[near[0]]}`, and no `{name}`.", id)
    if "forward" not in own:
        return exercise.verdict(FAILED, "Your class has no method `forward`.")
    if is_stub(own["forward"]):
        # something such as self.conv1 is set, which no stub does
        nodes = ast.walk(source_tree(own.get("__init__")) or ast.Pass())
        begun = any(isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) for node in nodes)
        there = "`__init__` is there; now write `forward`." if begun else "`forward` is still empty."
        return exercise.verdict(NOT_ATTEMPTED, there)
    return None


def source_tree(function: Any) -> ast.FunctionDef | ast.Lambda | None:
    """The syntax tree of a function; None where its text is not to be had, or where it has another lambda beside it."""
    code: Any = getattr(inspect.unwrap(function), "__code__", None) if callable(function) else None
    tree = parsed_file(code.co_filename) if inspect.iscode(code) else None
    found: list[Any] = []
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Lambda) and code.co_name == "<lambda>":
            found += [node] * (node.lineno == code.co_firstlineno)
        elif isinstance(node, ast.FunctionDef) and node.name == code.co_name:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            found += [node] * (first == code.co_firstlineno)
    return found[0] if len(found) == 1 else None


def is_stub(function: Any) -> bool:
    """Whether a function is missing, or does nothing but ``pass``, ``return`` or ``raise NotImplementedError``."""
    if function is None:
        return True
    tree = source_tree(function)
    if isinstance(tree, ast.Lambda):
        return isinstance(tree.body, ast.Constant) and tree.body.value in (None, ...)
    return tree is not None and all(map(_is_idle, tree.body))


def _is_idle(statement: ast.stmt) -> bool:
    if not isinstance(statement, (ast.Raise, ast.Return, ast.Expr)):
        return isinstance(statement, ast.Pass)
    value = statement.exc if isinstance(statement, ast.Raise) else statement.value
    if isinstance(value, ast.Constant):
        return isinstance(statement, ast.Expr) or value.value in (None, ...)
    return value is None or _error_named(value) == "NotImplementedError"


def _error_named(expression: ast.expr | None) -> str:
    """The exception that an expression names or makes, such as ``ValueError("…")``; else an empty string."""
    name = getattr(expression.func if isinstance(expression, ast.Call) else expression, "id", "")
    kind = getattr(builtins, name, None)
    is_error = isinstance(kind, type) and issubclass(kind, BaseException) and not issubclass(kind, Warning)
    return name if is_error else ""


def dropped_error(answer: Any) -> str:
    """The first error that an answer makes or prints, and does not raise, as in ``ValueError("…")`` alone on a line."""
    methods = vars(answer).values() if isinstance(answer, type) else [answer]
    for tree in filter(None, map(source_tree, filter(inspect.isfunction, methods))):
        for node in ast.walk(tree):
            value = node.value if isinstance(node, ast.Expr) else None
            for made in (value, *getattr(value, "args", ())):
                if name := _error_named(made):
                    return name
    return ""
