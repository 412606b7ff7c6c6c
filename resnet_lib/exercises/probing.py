"""Probes: what a check tries on an answer, and how it compares what comes back with the reference.

An answer and a misconception are observed by the same probes. Equal observations mean the same mistake, however the code
is written: so layers are not looked up by name but found by the order in which they compute.
"""

from __future__ import annotations

import contextlib
import functools
import math
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_lib.exercises.running import StudentError, attempt

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
    try:
        return attempt(probe.run, answer)
    except StudentError as error:
        return error


def same(first: object, second: object) -> bool:
    """Whether two observations are equal, numbers up to rounding."""
    if isinstance(first, StudentError) or isinstance(second, StudentError):
        both = isinstance(first, StudentError) and isinstance(second, StudentError)
        return both and first.numbers == second.numbers
    if isinstance(first, Tensor) or isinstance(second, Tensor):
        return (
            isinstance(first, Tensor)
            and isinstance(second, Tensor)
            and _same_tensors(first, second)
        )
    if type(first) is not type(second):
        return False
    if isinstance(first, (list, tuple)):
        return len(first) == len(second) and all(map(same, first, second))
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(
            same(first[key], second[key]) for key in first
        )
    if isinstance(first, float):
        return (
            math.isclose(first, second, rel_tol=RELATIVE) or first != first and second != second
        )
    return first == second


def _same_tensors(first: Tensor, second: Tensor) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if not first.is_floating_point():
        return torch.equal(first, second)
    scale = max(second.abs().max().item() if second.numel() else 0.0, 1e-6)
    return torch.allclose(first, second, rtol=0, atol=RELATIVE * scale, equal_nan=True)


class Weights(TorchFunctionMode):
    """Notes the weights of convolutions, batch norms and linear layers in the order in which they compute."""

    def __init__(self):
        super().__init__()
        self.used: dict[
            int, tuple[str, Tensor]
        ] = {}  # by identity: what is used twice is noted once

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        kind = {"conv2d": "conv", "batch_norm": "norm", "linear": "linear"}.get(
            getattr(function, "__name__", "")
        )
        if kind == "norm":
            names = ("running_mean", "running_var", "weight", "bias")
            found = [
                named.get(name, arguments[i + 1] if len(arguments) > i + 1 else None)
                for i, name in enumerate(names)
            ]
            roles = ("mean", "variance", "scale", "shift")
        elif kind:
            found = [
                named.get(name, arguments[i + 1] if len(arguments) > i + 1 else None)
                for i, name in enumerate(("weight", "bias"))
            ]
            roles = ("weight", "shift")
        if kind:
            for role, tensor in zip(roles, found):
                if isinstance(tensor, Tensor):
                    self.used.setdefault(id(tensor), (role, tensor))
        return function(*arguments, **named)


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
        module.eval()(*inputs)
    return [entry for key, entry in weights.used.items() if key not in others]


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
                _originals.setdefault(id(tensor), (tensor, tensor.detach().clone()))
            tensor.copy_(_numbers_for(role, place, seed, tuple(tensor.shape)))


@functools.lru_cache(maxsize=256)
def _numbers_for(role: str, place: int, seed: int, shape: tuple[int, ...]) -> Tensor:
    key = f"{seed} {role} {place} {shape}"
    generator = torch.Generator().manual_seed(zlib.crc32(key.encode()))
    low, high = _RANGES[role]
    if role == "weight":
        low, high = (
            bound / math.sqrt(max(math.prod(shape[1:]), 1) / 3) for bound in (low, high)
        )
    return torch.rand(shape, generator=generator) * (high - low) + low


def random_input(*shape: int, seed: int = 0) -> Tensor:
    """Normal random numbers, the same for the same shape and seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def numbers(value: object) -> object:
    """A tensor, detached and copied so that later steps cannot change it; anything else as its type, for comparing."""
    if isinstance(value, Tensor):
        return value.detach().clone()
    return f"no tensor, but {type(value).__name__}"


def behaviour(
    module: nn.Module, x: Tensor, leave_out: nn.Module | None = None
) -> dict[str, object]:
    """What ``module`` does with ``x``, once its weights are filled: results, gradients and side effects.

    The entries stand in the order in which a difference is worth telling.
    """
    fill(weights := weights_in_order(module, x.clone(), leave_out=leave_out))
    seen: dict[str, object] = {}
    seen["number of parameters"] = sum(p.numel() for p in module.parameters()) - (
        sum(p.numel() for p in leave_out.parameters()) if leave_out is not None else 0
    )
    given = x.clone()
    with torch.no_grad():
        seen["output in eval mode"] = numbers(module.eval()(given))
        seen["the input is left as it was"] = torch.equal(given, x)
        seen["output, the second time"] = numbers(module(x.clone()))
        seen["output in train mode"] = numbers(module.train()(x.clone()))
    seen["running statistics"] = [
        t.clone() for role, t in weights if role in ("mean", "variance")
    ]
    seen |= attempt_gradients(module, x, weights)
    return seen


def attempt_gradients(
    module: nn.Module, x: Tensor, weights: list[tuple[str, Tensor]]
) -> dict[str, object]:
    """The gradients of a fixed random sum of the output, with respect to the input and to each weight, in train mode."""
    leaf = x.clone().requires_grad_()
    trained = [tensor for _, tensor in weights if tensor.requires_grad]
    try:
        output = module.train()(
            leaf * 1
        )  # times 1: an in-place operation on a leaf would raise for another reason
        target = (output * random_input(*output.shape, seed=1)).sum()
        gradients = torch.autograd.grad(target, [leaf, *trained], allow_unused=True)
    except Exception as error:
        return {"gradients": StudentError(error)}
    return {
        "gradient of the input": numbers(gradients[0]),
        "gradients of the weights": [numbers(gradient) for gradient in gradients[1:]],
    }
