"""What is tried on ``initialise_weights``: it fills copies of a network, and what counts is how the numbers lie."""

import copy
import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_exercises import held
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import Fact, Probe
from resnet_exercises.tensors import set_seeds
from resnet_lib import CifarResNet, ResidualBottleNeck
from resnet_lib.blocks import conv1x1

PRAISE = {"initialise_weights": "Convolutions and batch norms begin as torchvision's do, and all else is as it was."}
#: With so many, a right answer misses a margin once in 10⁹ checks: the smallest layer has 5,184 numbers then, and its
#: mean a standard error of 0.014; all together have 442,944, and an error of 0.0015, and of 0.008 in the fourth moment.
CALLS = 8
OF_LAYER, OF_ALL, OF_MOMENT = 0.1, 0.01, 0.1
RANDOM = "random numbers"
MOMENTS = {"normal": 3.0, "uniform": 1.8}


@dataclass(frozen=True, eq=False)
class Spread:
    """Mean and standard deviation of numbers. Two are equal whose difference is within a ``margin`` of the latter."""

    mean: float
    std: float
    margin: float

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Spread) or not min(self.std, other.std) > 0:
            return False
        apart = abs(self.mean - other.mean) / max(self.std, other.std)
        return apart < self.margin and abs(math.log(self.std / other.std)) < self.margin

    def __str__(self) -> str:
        return f"mean {round(self.mean, 3) + 0.0:.3g} and standard deviation {self.std:.3g}"


def probes(name, solution):
    return [Probe("a small ResNet that was in use", lambda answer: held.in_turn(looks(answer)))]


@functools.cache
def network() -> nn.Module:
    """Random numbers everywhere, a layer in eval mode and a frozen parameter show what is left and what is set."""
    model = CifarResNet(1, width=24)
    model.layer3[0] = ResidualBottleNeck(48, 24, 2, nn.Sequential(conv1x1(48, 96, 2), nn.BatchNorm2d(96)))
    generator = torch.Generator().manual_seed(0)
    for tensor in (*model.parameters(), *model.buffers()):
        if tensor.is_floating_point():
            tensor.data.uniform_(0.5, 1.5, generator=generator)
    model.layer1[0].batchnorm1.eval()
    model.layer1[0].batchnorm2.bias.requires_grad_(False)
    return model


def looks(answer: Callable) -> Iterator[list[held.Look]]:
    """What is looked at, in the order in which it is worth telling."""
    models = [copy.deepcopy(network()) for _ in range(CALLS)]
    set_seeds(0)
    differences = held.watch(models[0])
    for model in models:
        raised = tried(answer, model, causes=held.CAUSES)
        if isinstance(raised, StudentError):
            yield [("the call", raised, None)]
            return
    recording, different = held.recording_stays(), differences()
    for kinds in (("layers", "settings"), ("parameters",), ("form",)):
        yield [held.stays(different, *kinds)]

    before, layers = network().state_dict(), list(network().named_modules())
    calls = [model.state_dict() for model in models]
    after = {name: torch.stack([call[name] for call in calls]) for name in before}
    convolutions = {f"{name}.weight": layer for name, layer in layers if isinstance(layer, nn.Conv2d)}
    std = {name: math.sqrt(2 / (c.out_channels * c.kernel_size[0] ** 2)) for name, c in convolutions.items()}
    kinds = {name: kind(numbers, before[name]) for name, numbers in after.items()}
    alike = [f"`{a}` and `{b}`" for a, b in itertools.combinations(std, 2) if torch.equal(after[a], after[b])]
    yield [
        *(spread(f"`{name}`", after[name], Spread(0.0, std[name], OF_LAYER), kinds[name]) for name in std),
        ("each has numbers of its own", Fact(not alike, f"{', '.join(alike[:1])} have the same numbers")),
    ]
    together = torch.cat([(after[name] / std[name]).flatten() for name in std])
    yield [spread("all convolutions, divided by √(2 / fan_out)", together, Spread(0.0, 1.0, OF_ALL))]
    moment = together.pow(4).mean().item() / together.var().item() ** 2
    shapes = [shape for shape, usual in MOMENTS.items() if abs(moment - usual) < OF_MOMENT]
    yield [("the distribution of the weights", *(shapes or ["another one"]), "normal")]

    norms = [name for name, layer in layers if isinstance(layer, nn.BatchNorm2d)]
    asked = {f"{name}.{part}": number for name in norms for part, number in (("weight", "all 1"), ("bias", "all 0"))}
    yield [(f"the numbers in `{name}`", kinds[name], right) for name, right in asked.items()]
    fc = {name: name not in different["numbers"] for name in ("fc.weight", "fc.bias")}
    yield [(name, Fact(holds, f"your code has changed `{name}`")) for name, holds in fc.items()]
    for what in ("statistics", "mode", "training", "requires_grad", "grad", "added", "hooks left"):
        yield [held.stays(different, what)]
    yield [recording]


def spread(where: str, numbers: Tensor, right: Spread, kind: str = RANDOM) -> held.Look:
    """The look how weights are spread; what they are in words, where they are not random."""
    found = Spread(numbers.double().mean().item(), numbers.double().std().item(), right.margin)
    return f"the numbers in {where}", kind if kind != RANDOM else right if found == right else found, right


def kind(numbers: Tensor, before: Tensor) -> str:
    """What numbers are that were ``before`` and are here as each call left them."""
    if numbers.min() == numbers.max():
        return f"all {numbers.min():g}" if numbers.min() in (0, 1) else "one number everywhere"
    if torch.equal(numbers, before.expand_as(numbers)):
        return "those from before"
    if numbers[0].unique().numel() < 0.9 * numbers[0].numel():
        return "numbers that repeat"
    return "the same in each call" if torch.equal(numbers[0], numbers[1]) else RANDOM
