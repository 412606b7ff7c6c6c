"""What is tried on ``branch_ratio``: blocks of all kinds, measured in both modes and then looked at."""

import copy
import functools
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy
import torch
from torch import Tensor, nn

from resnet_exercises import held
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import Fact, Probe, first_difference, named_kind, tell
from resnet_exercises.tensors import fill, random_input, unchanged, weights_in_order
from resnet_lib import ResidualBasicBlock, ResidualBottleNeck
from resnet_lib.blocks import conv1x1
from resnet_lib.resnet import ZeroPadShortcut

PRAISE = {
    "branch_ratio": "You measure what a block changes, for both blocks and every shortcut, and leave the block as it "
    "was."
}
FLOAT64 = ", all numbers in float64"  # for answers with x.float()
CHANNELS_LAST = ", x in memory as channels_last"  # for answers with x.view(-1)
#: the third layers of a bottleneck, asked of a basic block, are one mistake
CAUSES = (*held.CAUSES[:2], (r"attribute '(conv|batchnorm)3'", "a third layer"), *held.CAUSES[2:])
X_TRAINED = ", x with requires_grad"  # for answers that switch it off, or on for all


@dataclass(frozen=True)
class Case:
    """A block and an x that an answer is called with."""

    block_class: type[nn.Module]
    in_channels: int
    out_channels: int
    stride: int = 1
    shortcut: str = "the identity"
    training: bool = False
    special: str = ""

    def __str__(self) -> str:
        name, mode = self.block_class.__name__, "train" if self.training else "eval"
        sizes = f"{self.in_channels} → {self.out_channels}, stride {self.stride}"
        return f"a {name} ({sizes}), its shortcut {self.shortcut}, in {mode} mode{self.special}"


BASIC, NECK = ResidualBasicBlock, ResidualBottleNeck
CASES = [
    Case(BASIC, 6, 6),
    Case(BASIC, 4, 6, 2, "a projection"),
    Case(BASIC, 4, 8, 2, "without parameters"),
    Case(NECK, 8, 8),
    # downsample where stride, channels or shapes do not change
    Case(NECK, 4, 8, 1, "a projection"),
    Case(NECK, 6, 12, 2, "a projection"),
    Case(BASIC, 6, 6, 2, "a projection"),
    Case(BASIC, 6, 6, 1, "a projection"),
    Case(BASIC, 6, 6, special=CHANNELS_LAST),
    Case(BASIC, 6, 6, special=FLOAT64),
    Case(BASIC, 4, 6, 2, "a projection", special=X_TRAINED),
    Case(BASIC, 6, 6, training=True),
    Case(NECK, 6, 12, 2, "a projection", training=True),
]


def probes(name, solution):
    return [Probe("blocks of all kinds", lambda answer: held.in_turn(looks(answer, solution)))]


def looks(answer: Callable, solution: Callable) -> Iterator[Iterable[held.Look]]:
    """The results in eval mode and in train mode, then one by one what must be as it was, then a second call."""
    calls: list[Call] = []

    def results(training: bool) -> Iterator[held.Look]:
        for case in (case for case in CASES if case.training is training):
            calls.append(call := Call(answer, case, solution))
            yield (call.label, "result"), call.result, call.right
            if case.training:
                what, kept = held.stays(call.differences(), "statistics")
                yield (call.label, what), kept

    yield results(training=False)
    yield results(training=True)
    yield [((call.label, "kind of the result"), call.kind, "a float") for call in calls]
    yield from zip(*(call.changes() for call in calls))
    # A result that an answer keeps, for all blocks or for each, must not come back: so the last block comes first here.
    for call in reversed(calls):
        right = solution(call.block, call.other)
        got, _ = result(answer, call.block, call.other.clone(), right)
        yield [((call.label, "result for another x"), got, right)]


class Call:
    """An answer called with a block and an x of its own: what came back, and what is no longer as it was."""

    def __init__(self, answer: Callable, case: Case, solution: Callable):
        block, self.given, self.other = filled(case)
        self.label, self.right = str(case), solution(block, self.given)
        self.x_trained = case.special == X_TRAINED
        self.block = copy.deepcopy(block)
        self.x = self.given.clone().requires_grad_(self.x_trained)
        self.differences = held.watch(self.block)
        self.result, self.kind = result(answer, self.block, self.x, self.right)
        self.recording = held.recording_stays()

    def changes(self) -> Iterator[held.Look]:
        """All that measuring must leave, in the order in which it is looked at."""
        different = self.differences()
        kept = self.x.requires_grad is self.x_trained and self.x.grad is None
        looks = [
            *(held.stays(different, kind) for kind in held.KINDS),
            ("x", unchanged(self.x, self.given)),
            ("x.requires_grad", Fact(kept, "your code has changed requires_grad or grad of x, its input")),
            self.recording,
        ]
        return (((self.label, what), fact) for what, fact in looks)


@functools.cache
def filled(case: Case) -> tuple[nn.Module, Tensor, Tensor]:
    """A block with random numbers everywhere and a hook of somebody else on each layer, and two inputs."""
    sizes = case.in_channels, case.out_channels, case.stride
    downsample = None
    if case.shortcut == "a projection":
        downsample = nn.Sequential(conv1x1(*sizes), nn.BatchNorm2d(case.out_channels))
    elif case.shortcut == "without parameters":
        downsample = ZeroPadShortcut(*sizes)
    channels = case.out_channels // case.block_class.expansion
    block = case.block_class(case.in_channels, channels, case.stride, downsample)
    x, other = (random_input(3, case.in_channels, 6, 9, seed=seed) for seed in (0, 1))
    fill(weights_in_order(block, x))
    block = copy.deepcopy(block)  # what `fill` has filled gets its old numbers back
    for layer in block.modules():
        layer.register_forward_hook(lambda *given: None)
    dtype = torch.float64 if case.special == FLOAT64 else torch.float32
    layout = torch.channels_last if case.special == CHANNELS_LAST else torch.contiguous_format
    x, other = (tensor.to(dtype=dtype, memory_format=layout) for tensor in (x, other))
    return block.to(dtype).train(case.training), x, other


def result(answer: Callable, block: nn.Module, x: Tensor, right: float) -> tuple[object, str]:
    """What an answer gives, and its kind: a number in a tensor or a rounded one counts, as the kind is told later."""
    value, kind = tried(answer, block, x, causes=CAUSES), "a float"
    if isinstance(value, Tensor) and value.numel() == 1:
        value, kind = value.item(), "a tensor"
    if not isinstance(value, (float, numpy.floating)):
        return value if isinstance(value, StudentError) else named_kind(value), kind
    if value in [round(right, digits) for digits in range(6)]:
        return right, "a rounded float"
    return float(value), kind


def evidence(probe, expected, got) -> str:
    """The two numbers, or in words what is no longer as it was."""
    (case, what), right, wrong = first_difference(expected, got)
    if isinstance(wrong, (Fact, StudentError)):
        return tell(replace(probe, label=case), expected, got)
    if what == "kind of the result":
        return f"With {case}: the result should be a float with all digits; yours is {wrong}."
    shown = f"{wrong:.4f}" if isinstance(wrong, float) else wrong
    return f"With {case}: the {what} should be {right:.4f}; yours is {shown}."
