"""Probes: what a check tries on an answer, and how it compares what comes back with the reference.

An answer and a misconception are observed by the same probes. Equal observations mean the same mistake, however the code
is written: so layers are not looked up by name but found by the order in which they compute.
"""

from __future__ import annotations

import contextlib
import functools
import math
import random
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_lib.exercises.running import Differs, StudentError, attempt, use_default_device

RELATIVE = 1e-4  # two correct programs may differ by this much of the largest number


@dataclass(frozen=True)
class Probe:
    """One thing to try: ``run(answer)`` returns what is observed, as plain values and tensors.

    ``label`` names it for the student, as in "a block with stride 2, 5×7 pixels".
    """

    label: str
    run: Callable


def observe(probe: Probe, answer) -> object:
    """What ``probe`` sees of ``answer``; a :class:`StudentError` where the answer raised."""
    torch.set_grad_enabled(True)  # an answer tried before may have changed them
    torch.set_default_dtype(torch.float32)
    use_default_device(torch.device("cpu"))
    try:
        return attempt(probe.run, answer)
    except StudentError as error:
        return error


@dataclass(frozen=True)
class Fact:
    """Whether something holds that should; ``otherwise`` is the sentence for an answer of which it does not."""

    holds: bool
    otherwise: str = field(compare=False)

    def __bool__(self) -> bool:
        return self.holds


_looked_for: dict | None = (
    None  # what the student's answer showed, while known mistakes are compared with it
)


@contextlib.contextmanager
def looking_for(seen: object) -> Iterator[None]:
    """Inside, a :class:`Seen` that departs from ``seen`` raises :class:`Differs`: the rest need not be computed."""
    global _looked_for
    before = _looked_for
    _looked_for = seen if isinstance(seen, dict) else None
    try:
        yield
    finally:
        _looked_for = before


class Seen(dict):
    """What a probe sees, entry by entry, in the order in which a difference is worth telling."""

    def __setitem__(self, what: str, value: object) -> None:
        super().__setitem__(what, value)
        if _looked_for is not None and not (
            what in _looked_for and same(_looked_for[what], value)
        ):
            raise Differs(self)

    def __ior__(self, other: dict) -> Seen:
        for what, value in other.items():
            self[what] = value
        return self


ANYTHING = object()  # equals every observation

_GRADIENTS = (
    "gradient of the input",
    "gradients of the weights",
    "gradient of the input in eval mode",
)


def without_gradients(seen: object) -> object:
    """``seen``, where an in-place operation broke the gradients, with these left open: what else is wrong then has its name."""
    if not isinstance(seen, dict) or not any(
        isinstance(value, StudentError) and "modified by an inplace operation" in value.text
        for value in seen.values()
    ):
        return seen
    others = {what: value for what, value in seen.items() if what != "gradients"}
    return others | dict.fromkeys(_GRADIENTS, ANYTHING)


def same(first: object, second: object) -> bool:
    """Whether two observations are equal, numbers up to rounding."""
    if first is ANYTHING or second is ANYTHING:
        return True
    if isinstance(first, StudentError) or isinstance(second, StudentError):
        both = isinstance(first, StudentError) and isinstance(second, StudentError)
        return both and first.numbers == second.numbers
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return (
            isinstance(first, Tensor)
            and isinstance(second, Tensor)
            and _same_tensors(first, second)
        )
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(
            same(first[key], second[key]) for key in first
        )
    if type(first) is not type(second):
        return False
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, float):
        return (
            math.isclose(first, second, rel_tol=RELATIVE) or first != first and second != second
        )
    return first == second


def _same_tensors(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if torch.equal(first, second):
        return True
    if not first.is_floating_point():
        return False
    scale = max(min(_largest(first), _largest(second)), 1e-6)
    return torch.allclose(first, second, rtol=0, atol=RELATIVE * scale, equal_nan=True)


def _largest(tensor: Tensor) -> float:
    """The largest size of the finite numbers: no NaN or infinity of an answer decides how much it may differ."""
    return tensor.abs().nan_to_num(0.0, posinf=0.0).max().item()


def comparison(probe: Probe, reference: object) -> Callable[[object], bool]:
    """A function: whether ``probe`` sees of an answer what it sees of the reference."""
    right = functools.cache(lambda: probe.run(reference))

    def is_right(answer) -> bool:
        with looking_for(None):
            expected = right()
        try:
            with looking_for(expected):
                return same(probe.run(answer), expected)
        except Differs:
            return False

    return is_right


_AFFINE, _STATISTICS = ("weight", "bias"), ("running_mean", "running_var")
_SETTINGS = ("training", "momentum", "eps")
#: what the functions that use weights take, in their order
_TAKES = {
    "conv2d": ("input", *_AFFINE),
    "linear": ("input", *_AFFINE),
    "batch_norm": ("input", *_STATISTICS, *_AFFINE, *_SETTINGS),
}
_TORCH_BATCH_NORM = torch.batch_norm  # takes the same as F.batch_norm, in another order
_TORCH_TAKES = ("input", *_AFFINE, *_STATISTICS, *_SETTINGS, "cudnn_enabled")
_ROLES = {
    "running_mean": "mean",
    "running_var": "variance",
    "weight": "weight",
    "bias": "shift",
}


class Weights(TorchFunctionMode):
    """Notes the weights of convolutions, batch norms and linear layers in the order in which they compute.

    Batch norms compute with the usual eps and momentum, so that other ones are one finding, ``settings``, whatever the number.
    """

    def __init__(self):
        super().__init__()
        self.settings = ""
        self.used: dict[
            int, tuple[str, Tensor]
        ] = {}  # by identity of their owner: what is used twice is noted once

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        name = getattr(function, "__name__", "")
        if name not in _TAKES:
            return function(*arguments, **named)
        takes = _TORCH_TAKES if function == _TORCH_BATCH_NORM else _TAKES[name]
        given = dict(zip(takes, arguments)) | named
        is_norm = name == "batch_norm"
        roles = _ROLES | {"weight": "scale"} if is_norm else _ROLES
        for argument, role in roles.items():
            if isinstance(tensor := given.get(argument), Tensor):
                self.used.setdefault(id(owner(tensor)), (role, tensor))
        if not is_norm:
            return function(*arguments, **named)
        for setting, usual in (("momentum", 0.1), ("eps", 1e-5)):
            if given.get(setting, usual) != usual:
                self.settings = f"a batch norm has another {setting} than {usual:g}"
            given[setting] = usual
        return self.normalise(function, given)

    def normalise(self, function: Callable, given: dict[str, object]) -> Tensor:
        """What a batch norm gives."""
        return function(**given)


def owner(tensor: Tensor) -> Tensor:
    """The parameter whose numbers a tensor shows in another shape, as weight[:, :, None, None] does; else the tensor itself."""
    whole = tensor._base
    shows_all = isinstance(whole, nn.Parameter) and whole.numel() == tensor.numel()
    return whole if shows_all else tensor


def weights_in_order(
    module: nn.Module, *inputs: Tensor, leave_out: nn.Module | None = None
) -> list[tuple[str, Tensor]]:
    """(role, tensor) of all weights that ``module`` uses, in the order of the computation, in eval mode.

    The weights of ``leave_out``, a module that was handed in, are not listed.
    """
    others = (
        {id(tensor) for tensor in (*leave_out.parameters(), *leave_out.buffers())}
        if leave_out is not None
        else set()
    )
    with torch.no_grad(), Weights() as weights:
        result = module.eval()(*inputs)
    if isinstance(result, nn.Module):
        raise TypeError(layer_instead_of_tensor(result))
    return [entry for key, entry in weights.used.items() if key not in others]


def layer_instead_of_tensor(layer: nn.Module) -> str:
    """The message of the error that PyTorch would raise for a result that is a layer, were it used as a tensor."""
    return f"the result must be Tensor, not {type(layer).__name__}"


def starts(weights: list[tuple[str, Tensor]]) -> str:
    """What is wrong with the numbers that weights begin with, or an empty string. How they are drawn is up to the reader."""
    for role, tensor in weights:
        if not tensor.isfinite().all():
            return "it begins with weights that are no finite numbers"
        if (
            role == "weight"
            and tensor.dim() == 4
            and tensor.numel() > 1
            and bool(tensor.max() == tensor.min())
        ):
            return "all weights of a convolution begin with the same number"
    return ""


_RANGES = {
    "weight": (-1, 1),
    "scale": (0.4, 1.2),
    "shift": (-0.5, 0.5),
    "mean": (-0.5, 0.5),
    "variance": (0.5, 1.5),
}


_originals: dict[int, tuple[Tensor, Tensor]] | None = None  # by identity, while a check runs


@contextlib.contextmanager
def weights_come_back() -> Iterator[None]:
    """Gives every tensor that :func:`fill` overwrites its own numbers back at the end.

    A student's class may hold layers that all its instances share, and that other cells use.
    """
    global _originals
    _originals = {}
    try:
        yield
    finally:
        with torch.no_grad():
            for tensor, original in _originals.values():
                tensor.copy_(original)
        _originals = None


def fill(weights: list[tuple[str, Tensor]], seed: int = 0) -> None:
    """Fills weights with numbers that depend only on role, place in the order and shape: the same for every answer."""
    places: dict[str, int] = {}
    with torch.no_grad():
        for role, tensor in weights:
            place = places[role] = places.get(role, -1) + 1
            if _originals is not None:
                whole = tensor if tensor._base is None else tensor._base
                _originals.setdefault(id(whole), (whole, whole.detach().clone()))
            shape = tuple(tensor.shape)
            # a 1×1 convolution and the linear layer that does the same get the same numbers
            drawn = shape[:2] if shape[2:] == (1, 1) else shape
            tensor.copy_(_numbers_for(role, place, seed, drawn).view(shape))


@functools.lru_cache(maxsize=256)
def _numbers_for(role: str, place: int, seed: int, shape: tuple[int, ...]) -> Tensor:
    key = f"{seed} {role} {place} {shape}"
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()))
    low, high = _RANGES[role]
    if role == "weight":
        low, high = (
            bound / math.sqrt(max(math.prod(shape[1:]), 1) / 3) for bound in (low, high)
        )
    # named, as an answer's forward may have changed the defaults, and what is drawn is kept for the next check
    drawn = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
    return drawn * (high - low) + low


def set_seeds(seed: int) -> None:
    """Sets the three seeds. Not by torch.manual_seed, which notes a traceback for the GPU each time."""
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed)


def random_input(*shape: int, seed: int = 0) -> Tensor:
    """Normal random numbers, the same for the same shape and seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def randomness() -> tuple:
    """Where the three random number generators stand."""
    place = numpy.random.get_state()
    state = torch.default_generator.get_state().numpy().tobytes()
    return random.getstate(), place[1].tobytes(), place[2], state


def images(shape: tuple[int, int, int, int]) -> str:
    return f"{shape[0]} image{'s' * (shape[0] > 1)} of {shape[2]}×{shape[3]} pixels"


def numbers(value: object) -> object:
    """A tensor, detached and copied so that later steps cannot change it; anything else as its type, for comparing."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    if isinstance(value, nn.Module):
        raise TypeError(layer_instead_of_tensor(value))
    return named_kind(value)


def named_kind(value: object) -> str:
    """What a value is, as readers say it: ``a tuple``, ``an int``, ``None``."""
    name = type(value).__name__
    if value is None:
        return "None"
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


def behaviour(
    module: nn.Module, x: Tensor, leave_out: nn.Module | None = None
) -> dict[str, object]:
    """What ``module`` does with ``x``, once its weights are filled: results, gradients and side effects.

    The entries stand in the order in which a difference is worth telling.
    """
    weights = weights_in_order(module, x.clone(), leave_out=leave_out)
    begins = starts(weights) or "as they should be"
    fill(weights)
    seen = Seen()
    seen["number of parameters"] = sum(p.numel() for p in module.parameters()) - (
        sum(p.numel() for p in leave_out.parameters()) if leave_out is not None else 0
    )
    given = x.clone()
    with torch.no_grad(), Weights() as watch:
        seen["output in eval mode"] = numbers(module.eval()(given))
        seen["the input is left as it was"] = unchanged(given, x)
        seen["output, the second time"] = numbers(module(x.clone()))
        seen["output in train mode"] = numbers(module.train()(x.clone()))
    seen["running statistics"] = [
        t.clone() for role, t in weights if role in ("mean", "variance")
    ]
    with Weights():
        seen |= gradient_in_eval_mode(module, x)
        seen |= attempt_gradients(module, x, weights)
    seen["the settings of the batch norms"] = watch.settings or "as they should be"
    seen["the numbers that its weights begin with"] = begins
    return seen


def unchanged(given: Tensor, x: Tensor) -> Fact:
    """Whether the tensor that an answer was given still has the numbers of ``x``."""
    return Fact(torch.equal(given, x), "your code has changed the numbers in x, its input")


def gradient_in_eval_mode(module: nn.Module, x: Tensor) -> dict[str, object]:
    """The gradient with respect to the input, as it is asked for when one looks into a trained network."""
    try:
        return {"gradient of the input in eval mode": numbers(_gradients(module.eval(), x)[0])}
    except Exception as error:
        return {"gradient of the input in eval mode": StudentError(error)}


def attempt_gradients(
    module: nn.Module, x: Tensor, weights: list[tuple[str, Tensor]]
) -> dict[str, object]:
    """The gradients of a fixed random sum of the output, with respect to the input and to each weight, in train mode."""
    trained = [tensor for _, tensor in weights if owner(tensor).requires_grad]
    try:
        of_input, *of_weights = _gradients(module.train(), x, trained)
    except Exception as error:
        return {"gradients": StudentError(error)}
    for place, gradient in enumerate(of_weights):
        if isinstance(gradient, Tensor) and gradient.shape[2:] == (1, 1):
            of_weights[place] = gradient.flatten(1)  # as that of a linear layer
    return {
        "gradient of the input": numbers(of_input),
        "gradients of the weights": [numbers(gradient) for gradient in of_weights],
    }


def _gradients(module: nn.Module, x: Tensor, trained: list[Tensor] = ()) -> list[Tensor | None]:
    """Gradients with respect to ``x`` and ``trained``. By ``backward()``, as torch.utils.checkpoint may refuse the other way."""
    leaf = x.clone().requires_grad_()
    leaves = [*module.parameters(), *map(owner, trained)]
    leaves = [tensor for tensor in leaves if tensor.is_leaf]
    before = [(tensor, tensor.grad) for tensor in leaves]
    for tensor in leaves:
        tensor.grad = None
    try:
        output = module(
            leaf * 1
        )  # times 1: an in-place operation on a leaf raises for another reason
        (output * random_input(*output.shape, seed=1)).sum().backward()
        return [leaf.grad, *map(_gradient, trained)]
    finally:
        for tensor, gradient in before:
            tensor.grad = gradient


def _gradient(tensor: Tensor) -> Tensor | None:
    """The gradient that ``backward()`` left, in the shape in which a tensor shows its owner."""
    leaf = owner(tensor)
    gradient = leaf.grad if leaf.is_leaf else None
    if gradient is None or leaf is tensor:
        return gradient
    return gradient.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
