"""Holds any network that means to be a ResNet against a reference: ``compare(model, "resnet50")``.

Also a command: ``python -m resnet_exercises compare FILE.py:NAME --with resnet50``.
"""

import argparse
import copy
import math
import re
import runpy
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from resnet_exercises.conformance import FIVE
from resnet_exercises.departing import told
from resnet_exercises.errors import StudentError
from resnet_exercises.exercise import load
from resnet_exercises.following import alike, block_of, copy_weights, followed, logits
from resnet_exercises.observing import named_kind
from resnet_exercises.running import nothing_changes
from resnet_exercises.tensors import owner, random_input
from resnet_lib import randomise_batchnorm

SIZES = (64, 224, 32)  # the first of them that the network takes
PROOF = ((2, 3, 64, 64), (1, 3, 97, 65), (1, 3, 224, 224))
#: by the spread of a convolution's first numbers, from its fan-in and fan-out: which mistake that is
SPREADS: dict[str, Callable[[int, int], float]] = {
    "": lambda fan_in, fan_out: math.sqrt(2 / fan_out),
    "fan-in": lambda fan_in, fan_out: math.sqrt(2 / fan_in),
    "as-pytorch-does": lambda fan_in, fan_out: math.sqrt(1 / 3 / fan_in),
    "xavier": lambda fan_in, fan_out: math.sqrt(2 / (fan_in + fan_out)),
}


@dataclass(frozen=True)
class Comparison:
    """What ``compare`` found. In a notebook it displays itself."""

    same: bool  #: whether both are the same function, in eval mode and in train mode
    differences: list[tuple[str, str]]  #: where, by the names of both networks, and what, from the first on
    notes: list[str]  #: what is no part of the function: mode, frozen weights, the numbers that training begins with
    proof: str  #: how much was compared, and the largest difference
    reference: str = "the reference"

    def __str__(self) -> str:
        many = f"{len(self.differences)} difference{'s' * (len(self.differences) != 1)}"
        head = f"✔ The same function as {self.reference}." if self.same else f"✘ {many} to {self.reference}:"
        lines = [f"- {where}: {what}" for where, what in self.differences]
        notes = ["", "Not part of the function:", "", *(f"- {note}" for note in self.notes)] if self.notes else []
        return "\n".join([head, "", *lines, *[""] * bool(lines), self.proof, *notes])

    __repr__ = _repr_markdown_ = __str__


def compare(model: nn.Module, reference: nn.Module | str = "resnet50") -> Comparison:
    """Holds any network against one of the five, whatever its names: the first layer that departs, and the others.

    ``reference`` is a name, such as ``"resnet50"``, for torchvision's, or a network of your own. Layers are matched by
    order and shape, weights are copied into a copy of ``model``, and both compute in eval and in train mode. Raises
    ``TypeError`` or ``ValueError``, which say what to do, for what cannot be compared. Changes nothing in ``model``.
    """
    if not isinstance(model, nn.Module):
        hint = "Call it first, and give what it makes." if callable(model) else "Give an nn.Module."
        raise TypeError(f"compare needs a network, and was given {named_kind(model)}. {hint}")
    with nothing_changes():
        torch.manual_seed(0)
        mine = copy.deepcopy(model).to("cpu", torch.float64).requires_grad_()
        x, classes, refused = _first_input(in_mode(mine, False))
        called, theirs = _made(reference, classes)
        theirs = randomise_batchnorm(theirs).to("cpu", torch.float64).requires_grad_()
        in_mode(theirs, False)
        found, pairs = followed(mine, theirs, x)
        notes = _mode(model) + _beginning(model, mine, pairs)
        said = told(found, pairs) + _unused(mine, pairs)
        if not any(one.what == "stopped" for one in found):
            known = {(one.place, one.what) for one in found}
            later = [
                one
                for one in followed(in_mode(mine, True), in_mode(theirs, True), x)[0]
                if (one.place, one.what) not in known
            ]
            said += [(where, f"in train mode, {what}") for where, what in told(later, [])]
        copy_weights(pairs)
        said += [("images of other sizes", refused)] * bool(refused)
        proof, trouble = _difference(mine, theirs, x) if said else _proof(mine, theirs, pairs)
    said += trouble
    return Comparison(not said, said, notes, proof, called)


def in_mode(network: nn.Module, training: bool) -> nn.Module:
    """The network, put in train mode or in eval mode. A ``train`` of its own may return nothing."""
    network.train(training)
    return network


def _first_input(model: nn.Module) -> tuple[Tensor, int, str]:
    """Images that the network takes, how many classes it has, and what it says of images of 64×64."""
    refused = ""
    for size in SIZES:
        x = 10 * random_input(2, 3, size, size).double()  # a ReLU6 shows
        try:
            with torch.no_grad():
                output = logits(model(x.clone()))
        except TypeError as error:
            if "no logits" in str(error):
                raise
            refused = refused or StudentError(error).explain()
        except Exception as error:
            refused = refused or StudentError(error).explain()
        else:
            only = (
                f"it takes {size}×{size} pixels, where the reference takes any. With 64×64: {refused}"
                if refused
                else ""
            )
            return x, output.shape[-1] if output.dim() == 2 else 1000, only
    raise ValueError(
        f"the network computes nothing from 2 images of 3 channels, of 64×64, 224×224 or 32×32 pixels. {refused} "
        "Wrap it in a module that takes one batch of images."
    )


def _made(reference: nn.Module | str, classes: int) -> tuple[str, nn.Module]:
    """What the reference is called, and a copy of it."""
    if isinstance(reference, nn.Module):
        return "the reference", copy.deepcopy(reference)
    depth = re.fullmatch(r"resnet-?(\d+)", str(reference).lower())
    if not depth or int(depth[1]) not in FIVE:
        names = ", ".join(f"resnet{number}" for number in FIVE)
        raise ValueError(f"{reference!r} is no reference. Give an nn.Module, or one of {names}.")
    from torchvision import models  # here, as the rest of the package works without torchvision

    return f"torchvision's resnet{depth[1]}", models.get_model(f"resnet{depth[1]}", num_classes=classes)


# What is not followed layer by layer


def _unused(model: nn.Module, pairs: list[tuple]) -> list[tuple[str, str]]:
    """The parameters that no layer uses which could be followed."""
    used = {id(owner(tensor)) for got, _ in pairs if got for tensor in got.weights.values()}
    left = [(name, tensor.numel()) for name, tensor in model.named_parameters() if id(tensor) not in used]
    if not left:
        return []
    said = (
        f"{sum(n for _, n in left):,} of its parameters are in no convolution, batch norm or linear layer that is used."
    )
    return [(f"`{left[0][0]}`" + f" and {len(left) - 1} more" * (len(left) > 1), said)]


def _proof(mine: nn.Module, theirs: nn.Module, pairs: list[tuple]) -> tuple[str, list[tuple[str, str]]]:
    """Both networks as they are, with the same weights: what was compared, and what differs."""
    trouble, largest, sizes = [], 0.0, []

    def compared(what: str, got: Tensor | None, right: Tensor | None) -> None:
        nonlocal largest
        if got is None or right is None or not alike(got, right):
            trouble.append((what, "with the same weights it differs from the reference's."))
        else:
            largest = max(largest, (got.flatten() - right.flatten()).abs().max().item())

    gradients = statistics = 0
    for shape in PROOF:
        x, size = random_input(*shape).double(), f"{shape[0]} of {shape[2]}×{shape[3]}"
        try:
            with torch.no_grad():
                compared(
                    f"the output in eval mode, {size}",
                    logits(in_mode(mine, False)(x.clone())),
                    in_mode(theirs, False)(x.clone()),
                )
            sizes.append(size)
            if shape[0] == 1:
                continue
            outputs = [logits(in_mode(network, True)(x.clone())) for network in (mine, theirs)]
            for output in outputs:
                (output * random_input(*output.shape, seed=1)).sum().backward()
            compared(f"the output in train mode, {size}", *(output.detach() for output in outputs))
            for got, right in pairs:
                for role, tensor in right.weights.items() if got and right else ():
                    one = owner(got.weights[role]) if role in got.weights else None
                    if one is not None and role.startswith("running"):
                        compared(f"`{got.name}`, its {role} after one batch", one, tensor)
                        statistics += 1
                    elif one is not None:
                        compared(f"`{got.name}`, the gradient of its {role}", one.grad, tensor.grad)
                        gradients += 1
        except Exception as error:
            trouble.append((f"images, {size}", StudentError(error).explain()))
    said = (
        f"Compared as they are, with the same weights: the logits of {len(sizes)} batches ({', '.join(sizes)} pixels)"
    )
    said += f" in eval mode, those of the first in train mode, {gradients} gradients, {statistics} running statistics."
    return f"{said} Largest difference: {largest:.0e}." if not trouble else "", trouble[:1]


@torch.no_grad()
def _difference(mine: nn.Module, theirs: nn.Module, x: Tensor) -> tuple[str, list]:
    """How far the logits of two networks differ that are not the same, with the same weights."""
    got, right = (logits(in_mode(network, False)(x.clone())) for network in (mine, theirs))
    if got.shape != right.shape:
        return f"The output has shape {tuple(got.shape)}, the reference's {tuple(right.shape)}.", []
    largest = (got - right).abs().max().item() / right.abs().max().item()
    said = "As they are, with the same weights, their logits in eval mode "
    return said + ("are the same." if alike(got, right) else f"differ by up to {largest:.0%} of the largest."), []


def _mode(model: nn.Module) -> list[str]:
    """The mode in which the network came, and what of it is frozen."""
    modules = [m for m in model.modules() if not list(m.children())]
    resting, notes = [m for m in modules if not m.training], []
    if resting and len(resting) == len(modules):
        notes.append("It came in eval mode; call `model.train()` before training.")
    elif resting:
        notes.append(f"{len(resting)} of its {len(modules)} layers came in eval mode, the others in train mode.")
    frozen = [name for name, tensor in model.named_parameters() if not tensor.requires_grad]
    if frozen:
        notes.append(f"{len(frozen)} of its parameters are frozen, `{frozen[0]}` first: `requires_grad` is False.")
    return notes


def _beginning(model: nn.Module, mine: nn.Module, pairs: list[tuple]) -> list[str]:
    """How the weights that the network came with were drawn, where they look untrained."""
    came, notes = dict(model.named_modules()), []
    layers = [(came[got.name], right) for got, right in pairs if got and right and got.name in came]
    norms = [
        (layer, right) for layer, right in layers if right.is_norm and getattr(layer, "running_mean", None) is not None
    ]
    if not norms or any(layer.running_mean.any() for layer, _ in norms):
        return ["Its batch norms have seen images, so how its weights were drawn cannot be told."] * bool(norms)
    mistakes = {mistake.id: mistake.says for mistake in load("initialise_weights").mistakes}
    weights = [
        layer.weight.detach().double() for layer, right in layers if right.kind == "conv2d" and layer.weight.dim() == 4
    ]
    ratios = {}
    for id, spread in SPREADS.items():
        found = [w.std().item() / spread(w[0].numel(), w[:, 0].numel()) for w in weights]
        ratios[id] = max(abs(math.log(max(ratio, 1e-9))) for ratio in found)
    closest = min(ratios, key=ratios.__getitem__)
    if ratios[closest] > 0.1:
        spread = sum(w.std().item() * math.sqrt(w[:, 0].numel() / 2) for w in weights) / len(weights)
        notes.append(f"Its convolutions begin with {spread:.2f} times the spread of He's initialisation by fan-out.")
    elif closest:
        notes.append(f"The numbers that it begins with: {mistakes[closest]}")
    elif max((w.abs().max() / w.std()).item() for w in weights) < 2:
        notes.append(f"The numbers that it begins with: {mistakes['uniform']}")
    zeros = [right.name for layer, right in norms if layer.weight is not None and not layer.weight.any()]
    if zeros and len(zeros) == len({block_of(right.name) for _, right in norms} - {""}):
        notes.append(f"The numbers that it begins with: {mistakes['last-batchnorm-zero']}")
    return notes


# The command


def network(text: str) -> nn.Module:
    """What ``FILE.py:NAME`` makes: a network, or a class or function that is called without arguments."""
    path, colon, name = text.rpartition(":")
    if not colon or not Path(path).is_file():
        raise ValueError(
            f"{path or text}: no such file. Give FILE.py:NAME, where NAME is a class, a function or a network."
        )
    sys.path.insert(0, str(Path(path).resolve().parent))
    space = runpy.run_path(path)
    found = eval(name, space)
    return found if isinstance(found, nn.Module) else found()


def main(arguments: list[str] | None = None) -> int:
    """The command; returns its exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m resnet_exercises compare",
        description="Compares a network with torchvision's, layer by layer, whatever its names.",
        epilog="Exit status: 0 the same function, 1 another, 2 not compared. The file runs with your rights.",
    )
    parser.add_argument("network", metavar="FILE.py:NAME", help="a class, a function or an expression that makes it")
    parser.add_argument("--with", dest="reference", default="resnet50", help="resnet18, 34, 50 (default), 101 or 152")
    given = parser.parse_args((sys.argv[1:] if arguments is None else arguments)[1:])
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace")
    try:
        found = compare(network(given.network), given.reference)
    except Exception as error:
        print(f"{given.network}: {type(error).__name__}: {error}", file=sys.stderr)
        return 2
    print(found)
    return 0 if found.same else 1
