"""The exercise on how much a block changes, and what readers get wrong in it."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from types import SimpleNamespace

import numpy
import torch
from torch import Tensor, nn

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck, conv1x1
from resnet_lib.exercises.checking import Exercise, first_difference
from resnet_lib.exercises.identity import (
    HOLDS,
    Look,
    copy_of,
    differences,
    held,
    in_turn,
    none_of,
)
from resnet_lib.exercises.probing import (
    Fact,
    Probe,
    fill,
    numbers,
    random_input,
    unchanged,
    weights_in_order,
)
from resnet_lib.exercises.running import StudentError, attempt
from resnet_lib.inspecting import branch_ratio, record_outputs
from resnet_lib.resnet import ZeroPadShortcut


@dataclass(frozen=True)
class Case:
    """A block and an x that an answer is called with."""

    block_class: type[nn.Module]
    in_channels: int
    channels: int
    stride: int = 1
    shortcut: str = "the identity"
    training: bool = False
    dtype: torch.dtype = torch.float32
    layout: torch.memory_format = torch.contiguous_format
    x_trained: bool = False

    @property
    def out_channels(self) -> int:
        return self.channels * self.block_class.expansion

    @property
    def label(self) -> str:
        name, mode = self.block_class.__name__, "train" if self.training else "eval"
        sizes = f"{self.in_channels} → {self.out_channels}, stride {self.stride}"
        special = [
            (self.dtype is torch.float64, ", all numbers in float64"),
            (self.layout is torch.channels_last, ", x in memory as channels_last"),
            (self.x_trained, ", x with requires_grad"),
        ]
        more = "".join(text for holds, text in special if holds)
        return f"a {name} ({sizes}), its shortcut {self.shortcut}, in {mode} mode{more}"

    def build(self) -> nn.Module:
        downsample = {
            "the identity": lambda *sizes: None,
            "a projection": lambda in_channels, out_channels, stride: nn.Sequential(
                conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels)
            ),
            "without parameters": ZeroPadShortcut,
        }[self.shortcut](self.in_channels, self.out_channels, self.stride)
        return self.block_class(self.in_channels, self.channels, self.stride, downsample)


@functools.cache
def filled(case: Case) -> tuple[nn.Module, Tensor, Tensor]:
    """A block with random numbers everywhere and a hook of somebody else on each layer, and two inputs."""
    block = case.build()
    x, other = (random_input(3, case.in_channels, 6, 9, seed=seed) for seed in (0, 1))
    fill(weights_in_order(block, x))
    block = copy_of(block)  # what `fill` has filled gets its old numbers back
    for layer in block.modules():
        layer.register_forward_hook(lambda *given: None)
    like = {"dtype": case.dtype, "memory_format": case.layout}
    return block.to(case.dtype).train(case.training), x.to(**like), other.to(**like)


@functools.cache
def ratios(case: Case) -> list[tuple]:
    """The ratio for each of the two inputs."""
    block, *inputs = filled(case)
    return [plain(branch_ratio(block, x)) for x in inputs]


class Call:
    """An answer called with a block and an x of its own: what came back, and what is no longer as it was."""

    def __init__(self, answer: Callable, case: Case):
        block, x, self.other = filled(case)
        self.answer, self.case, self.given = answer, case, x
        self.block, self.x = copy_of(block), x.clone().requires_grad_(case.x_trained)
        self.before, self.numbers = held(self.block), values(self.block)
        self.result = measured(answer, self.block, self.x)
        self.recording = torch.is_grad_enabled()
        torch.set_grad_enabled(True)

    def changes(self) -> dict[str, tuple[Fact, Fact]]:
        """All that measuring must leave, in the order in which it is looked at."""
        now = differences(self.before, held(self.block))
        weights, statistics = (
            [name for name in was if is_now.get(name) != was[name]]
            for was, is_now in zip(self.numbers, values(self.block))
        )
        weights += now["parameters"] + now["form"]
        mode = [name for name in now["training"] if name == "training"]
        x_stays = self.x.requires_grad is self.case.x_trained and self.x.grad is None
        return {
            "layers": none_of(now["layers"], "{} is not the layer that it was before"),
            "mode": none_of(mode, "the block is in another mode (train or eval) than before"),
            "modes": none_of(
                now["training"],
                "layers of the block are in another mode (train or eval) than before",
            ),
            "hooks": none_of(now["hooks left"], "a hook is left on the block"),
            "other hooks": none_of(now["hooks gone"], "a hook that others had put is gone"),
            "statistics": none_of(statistics, "your code has changed {}"),
            "weights": none_of(weights, "your code has changed {}"),
            "requires_grad": none_of(now["requires_grad"], "your code has changed {}"),
            "gradients": none_of(now["grad"], "your code has left a gradient, {}"),
            "attributes": none_of(now["added"], "{} was not there before"),
            "settings": none_of(now["settings"], "{} is not what it was before"),
            "x": (unchanged(self.x, self.given), HOLDS),
            "x.requires_grad": (
                Fact(x_stays, "your code has changed requires_grad or grad of x, its input"),
                HOLDS,
            ),
            "recording": (Fact(self.recording, "gradients are switched off afterwards"), HOLDS),
        }


def values(block: nn.Module) -> tuple[dict[str, list], dict[str, list]]:
    """The numbers in the parameters and in the buffers of a block, by name."""
    parameters = {name: p.tolist() for name, p in block.named_parameters()}
    return parameters, {name: b.tolist() for name, b in block.named_buffers()}


def measured(answer: Callable, block: nn.Module, x: Tensor) -> tuple | StudentError:
    """A student's result as plain values, or the error that the code raised."""
    try:
        return attempt(lambda: plain(answer(block, x)))
    except StudentError as error:
        if error.timed_out or error.not_implemented:
            raise
        return error


def plain(value: object) -> tuple:
    """A student's result as plain values: what it is, and the number or numbers."""
    kind = type(value)
    if issubclass(kind, float):
        return "float", float.__add__(value, 0.0)
    if issubclass(kind, numpy.floating):
        return "float", float(value)
    if kind in (Tensor, nn.Parameter):
        return "tensor", numbers(value.float() if value.is_floating_point() else value)
    if issubclass(kind, str):
        return "str", None
    return kind.__name__, None


BASIC, NECK = ResidualBasicBlock, ResidualBottleNeck
MEASURED = [
    Case(BASIC, 6, 6),
    Case(BASIC, 4, 6, 2, "a projection"),
    Case(BASIC, 4, 8, 2, "without parameters"),
    Case(NECK, 8, 2),
    # downsample where stride, channels or shapes do not change
    Case(NECK, 4, 2, 1, "a projection"),
    Case(BASIC, 6, 6, 2, "a projection"),
    Case(BASIC, 6, 6, 1, "a projection"),
    Case(BASIC, 6, 6, layout=torch.channels_last),
    Case(BASIC, 6, 6, dtype=torch.float64),
]
IN_EVAL = [Case(BASIC, 6, 6), Case(BASIC, 4, 6, 2, "a projection")]
IN_TRAIN = [
    Case(BASIC, 6, 6, training=True),
    Case(NECK, 6, 3, 2, "a projection", training=True),
]
X_TRAINED = [Case(BASIC, 4, 6, 2, "a projection", x_trained=True)]


def measures(answer: Callable) -> Iterator[Iterator[Look]]:
    """The results for all kinds of blocks, in eval mode."""
    yield (
        ((case.label, "result"), Call(answer, case).result, ratios(case)[0])
        for case in MEASURED
    )


def leaves(answer: Callable) -> Iterator[Iterator[Look]]:
    """The results in eval mode and in train mode, then one by one what must be as it was, then a second call."""
    calls: list[Call] = []

    def results(cases: list[Case]) -> Iterator[Look]:
        for case in cases:
            calls.append(call := Call(answer, case))
            yield (case.label, "result"), call.result, ratios(case)[0]
            if case.training:
                yield (case.label, "statistics"), *call.changes()["statistics"]

    def changes() -> Iterator[Iterator[Look]]:
        found = [(call.case.label, call.changes()) for call in calls]
        for what in found[0][1]:
            yield (((label, what), *changed[what]) for label, changed in found)

    yield results(IN_EVAL)
    yield results(IN_TRAIN)
    yield from changes()
    yield results(X_TRAINED)
    yield from changes()
    # the last block first: what an answer has kept for it must not come back
    yield (
        (
            (call.case.label, "result for another x"),
            measured(answer, call.block, call.other.clone()),
            ratios(call.case)[1],
        )
        for call in reversed(calls)
    )


def tell_result(probe: Probe, expected: dict, got: dict) -> str:
    """Evidence with the two numbers, or in words what is no longer as it was."""
    (label, what), right, wrong = first_difference(expected, got)
    if isinstance(wrong, StudentError):
        return f"With {label}: {wrong.explain()}"
    if isinstance(wrong, Fact):
        return f"With {label}: {wrong.otherwise}."
    kind, value = wrong
    if kind == "tensor":
        few = value.dim() == 0 and not value.is_complex() and value.device.type == "cpu"
        shown = f"a tensor, {value.item():.4f}" if few else f"a tensor {tuple(value.shape)}"
    else:
        shown = (
            f"{value:.4f}"
            if kind == "float"
            else "None"
            if kind == "NoneType"
            else f"{'an' if kind[0].lower() in 'aeiou' else 'a'} {kind}"
        )
    return f"With {label}: the {what} should be {right[1]:.4f}; yours is {shown}."


RATIO = Exercise(
    "branch_ratio",
    "branch_ratio",
    branch_ratio,
    [
        Probe("blocks in eval mode", lambda answer: in_turn(measures(answer))),
        Probe("blocks in both modes", lambda answer: in_turn(leaves(answer))),
    ],
    "You measure what a block changes, for both blocks and every shortcut, and leave the block as it was.",
    tell_result,
)
EXERCISES: list[Exercise] = [RATIO]


def inside(block: nn.Module, x: Tensor) -> SimpleNamespace:
    """The tensors of a block in eval mode, which the mistakes below compare wrongly."""
    modes = [(m, m.training) for m in block.modules()]
    last = "3" if isinstance(block, ResidualBottleNeck) else "2"
    names = ["batchnorm1", "batchnorm2", f"conv{last}", f"batchnorm{last}", ""]
    seen = record_outputs(block.eval(), x, names)
    with torch.no_grad():
        shortcut = x if block.downsample is None else block.downsample(x)
    for module, training in modes:
        module.training = training
    return SimpleNamespace(
        x=x,
        first=seen["batchnorm1"],
        second=seen["batchnorm2"],
        convolved=seen[f"conv{last}"],
        branch=seen[f"batchnorm{last}"],
        shortcut=shortcut,
        output=seen[""],
    )


def size(tensor: Tensor) -> Tensor:
    return tensor.norm()


def mistake(id: str, message: str, formula: Callable[[SimpleNamespace], Tensor]) -> None:
    """Adds a wrong formula; code, mode and hooks around it are right."""
    RATIO.mistake(id, message)(lambda block, x: formula(inside(block, x)).item())


mistake(
    "output-for-branch",
    "You measure the block's output, after the sum and the ReLU, where F(x) is asked for. If your hook kept the tensor of the "
    "last batch norm: `out += shortcut` and the in-place ReLU overwrite that very tensor. Keep `output.clone()`, or take the "
    "norm inside the hook.",
    lambda t: size(t.output) / size(t.shortcut),
)
mistake(
    "sum-for-branch",
    "You measure the sum F(x) + shortcut, before the ReLU. F(x) is what is added *to* the shortcut: the output of the last "
    "batch norm alone.",
    lambda t: size(t.branch + t.shortcut) / size(t.shortcut),
)
mistake(
    "difference-after-relu",
    "You subtract the shortcut from the block's output. The last ReLU stands between: where the sum was negative, the "
    "difference is not F(x). Take the output of the last batch norm.",
    lambda t: size(t.output - t.shortcut) / size(t.shortcut),
)
mistake(
    "difference-after-relu-over-output",
    "You compare the difference of output and shortcut with the output. F(x) is the output of the last batch norm, before "
    "the sum, and it is divided by the size of the shortcut.",
    lambda t: size(t.output - t.shortcut) / size(t.output),
)
mistake(
    "output-minus-x",
    "You take block(x) − x for F(x). The last ReLU stands between, and where the block has a `downsample`, x is not what was added. "
    "Take the output of the last batch norm.",
    lambda t: size(t.output - t.x) / size(t.x),
)
mistake(
    "relu-on-the-branch",
    "You apply a ReLU to F(x). In the block the ReLU comes after the sum; F(x) may be negative.",
    lambda t: size(t.branch.relu()) / size(t.shortcut),
)
mistake(
    "before-the-last-batchnorm",
    "You measure the output of the last convolution. Its batch norm belongs to F(x) too.",
    lambda t: size(t.convolved) / size(t.shortcut),
)
mistake(
    "first-batchnorm",
    "You measure the output of the first batch norm. The branch goes on after it; F(x) is the output of its *last* batch norm.",
    lambda t: size(t.first) / size(t.shortcut),
)
mistake(
    "always-batchnorm2",
    "You always take batchnorm2. In a bottleneck the branch ends with batchnorm3.",
    lambda t: size(t.second) / size(t.shortcut),
)
mistake(
    "projection-forgotten",
    "You divide by the size of x. Where the block has a `downsample`, the shortcut carries block.downsample(x).",
    lambda t: size(t.branch) / size(t.x),
)
mistake(
    "divided-by-output",
    "You divide by the size of the block's output. The question is how large F(x) is beside what the shortcut carries.",
    lambda t: size(t.branch) / size(t.output),
)
mistake(
    "share-of-both",
    "You divide by the sizes of branch and shortcut together. Divide by the size of the shortcut alone.",
    lambda t: size(t.branch) / (size(t.branch) + size(t.shortcut)),
)
mistake(
    "upside-down",
    "You have shortcut over branch. Turn the fraction over: F(x) above, the shortcut below.",
    lambda t: size(t.shortcut) / size(t.branch),
)
mistake(
    "square-root-forgotten",
    "You compare sums of squares. The 2-norm is the square root of the sum of squares.",
    lambda t: size(t.branch) ** 2 / size(t.shortcut) ** 2,
)
mistake(
    "absolute-values",
    "You compare sums or means of absolute values. The task asks for the 2-norm, the square root of the sum of squares: "
    "`tensor.norm()`.",
    lambda t: t.branch.abs().sum() / t.shortcut.abs().sum(),
)
mistake(
    "sums",
    "You compare sums or means of the numbers, in which positive and negative ones cancel. The 2-norm squares first: "
    "`tensor.norm()`.",
    lambda t: t.branch.sum() / t.shortcut.sum(),
)
mistake(
    "largest-values",
    "You compare the largest absolute values. The 2-norm counts all numbers: `tensor.norm()`.",
    lambda t: t.branch.abs().max() / t.shortcut.abs().max(),
)
mistake(
    "standard-deviations",
    "You compare standard deviations. They leave the mean out; the 2-norm does not: `tensor.norm()`.",
    lambda t: t.branch.std() / t.shortcut.std(),
)
mistake(
    "mean-over-images",
    "You take the ratio for each image and then the mean. Take the norm over all numbers of the batch at once: "
    "`branch.norm() / shortcut.norm()`.",
    lambda t: (t.branch.flatten(1).norm(dim=1) / t.shortcut.flatten(1).norm(dim=1)).mean(),
)
mistake(
    "mean-of-the-norms-of-images",
    "You take the norm of each image and the mean of these norms. Take the norm over all numbers of the batch at once: "
    "`branch.norm() / shortcut.norm()`.",
    lambda t: t.branch.flatten(1).norm(dim=1).mean() / t.shortcut.flatten(1).norm(dim=1).mean(),
)
mistake(
    "variances",
    "You compare variances, which are the squares of standard deviations and leave the mean out. Take the 2-norm: "
    "`tensor.norm()`.",
    lambda t: t.branch.var() / t.shortcut.var(),
)
mistake(
    "mean-over-channels",
    "You take the ratio for each channel and then the mean. Take the norm over all numbers of the batch at once: "
    "`branch.norm() / shortcut.norm()`.",
    lambda t: (
        t.branch.transpose(0, 1).flatten(1).norm(dim=1)
        / t.shortcut.transpose(0, 1).flatten(1).norm(dim=1)
    ).mean(),
)
mistake(
    "first-image-only",
    "You look at the first image only. Take the norm over the whole batch.",
    lambda t: size(t.branch[0]) / size(t.shortcut[0]),
)
mistake(
    "percent",
    "You return percent. The task asks for the ratio itself, without the factor of 100.",
    lambda t: 100 * size(t.branch) / size(t.shortcut),
)
mistake(
    "norm-of-the-branch",
    "You return the size of F(x) alone. Divide it by the size of what the shortcut carries.",
    lambda t: size(t.branch),
)


mistake(
    "divided-by-sum",
    "You divide by the size of the sum F(x) + shortcut. Divide by the size of the shortcut alone.",
    lambda t: size(t.branch) / size(t.branch + t.shortcut),
)
mistake(
    "mean-over-pixels",
    "`norm(dim=1)` gives a norm for each pixel, over its channels, and you take the mean of the ratios. Take the norm over all numbers "
    "of the batch at once: `branch.norm() / shortcut.norm()`.",
    lambda t: (t.branch.norm(dim=1) / t.shortcut.norm(dim=1)).mean(),
)
mistake(
    "ratio-of-each-number",
    "You divide number by number and take the norm of the quotients. Take the two norms first, then divide: "
    "`branch.norm() / shortcut.norm()`.",
    lambda t: size(t.branch / t.shortcut),
)


def _branch(block: nn.Module, x: Tensor, relu1: bool, relu2: bool) -> Tensor:
    """The branch, each of its ReLUs only where it is asked for."""
    out = block.batchnorm1(block.conv1(x))
    out = block.batchnorm2(block.conv2(out.relu() if relu1 else out))
    if isinstance(block, ResidualBottleNeck):
        out = block.batchnorm3(block.conv3(out.relu() if relu2 else out))
    return out


def by_hand(block: nn.Module, x: Tensor, branch: Callable, shortcut: Callable) -> float:
    """The ratio of two tensors, measured in eval mode; the mode is put back."""
    was_training = block.training
    block.eval()
    try:
        with torch.no_grad():
            return (size(branch(block, x)) / size(shortcut(block, x))).item()
    finally:
        block.train(was_training)


def _shortcut(block: nn.Module, x: Tensor) -> Tensor:
    return x if block.downsample is None else block.downsample(x)


for which, message, relu1, relu2 in (
    (
        "relu1-forgotten",
        "The ReLU after the first batch norm is left out. F(x) goes through every layer of the branch: conv1, batchnorm1, relu1, conv2, …",
        False,
        True,
    ),
    (
        "relu2-forgotten",
        "In a bottleneck the ReLU after the second batch norm is left out. F(x) goes through every layer of the branch: … batchnorm2, "
        "relu2, conv3, batchnorm3.",
        True,
        False,
    ),
    (
        "relus-forgotten",
        "The ReLUs inside the branch are left out. F(x) goes through every layer of the branch: conv1, batchnorm1, relu1, conv2, …",
        False,
        False,
    ),
):
    RATIO.mistake(which, message)(
        lambda block, x, relu1=relu1, relu2=relu2: by_hand(
            block, x, lambda *given: _branch(*given, relu1, relu2), _shortcut
        )
    )


@RATIO.mistake(
    "relu2-after-the-basic-branch",
    "In a basic block you apply relu2 to F(x). There it comes after the sum: F(x) ends with batchnorm2 and may be negative. Only in a "
    "bottleneck does relu2 belong to the branch, before conv3.",
)
def _(block, x):
    tensors = inside(block, x)
    deep = isinstance(block, ResidualBottleNeck)
    branch = tensors.branch if deep else tensors.branch.relu()
    return (size(branch) / size(tensors.shortcut)).item()


@RATIO.mistake(
    "last-batchnorm-of-all",
    "You take the last batch norm of block.modules(). Where the block has a projection, that is the projection's own. F(x) is the "
    "output of batchnorm2, or of batchnorm3 in a bottleneck.",
)
def _(block, x):
    projected = isinstance(block.downsample, nn.Sequential)
    return 1.0 if projected else branch_ratio(block, x)


@RATIO.mistake(
    "projection-without-its-batchnorm",
    "You take `block.downsample[0](x)`, the convolution of the projection alone. The shortcut carries block.downsample(x), batch norm "
    "included; and a downsample need not be a Sequential.",
)
def _(block, x):
    return by_hand(
        block,
        x,
        lambda *given: _branch(*given, True, True),
        lambda block, x: x if block.downsample is None else block.downsample[0](x),
    )


for which, asked, message, asks in (
    (
        "downsample-by-stride",
        "the stride",
        "the first bottleneck of layer1 has stride 1 and still a projection",
        lambda block, t: (2, 2) in (block.conv1.stride, block.conv2.stride),
    ),
    (
        "downsample-by-the-stride-of-conv1",
        "the stride of conv1",
        "in a bottleneck conv2 has the stride, and the first one of layer1 has stride 1 and still a projection",
        lambda block, t: block.conv1.stride != (1, 1),
    ),
    (
        "downsample-by-channels",
        "the channels",
        "a projection may be there where they stay, as with stride 2",
        lambda block, t: t.branch.shape[1] != t.x.shape[1],
    ),
    (
        "downsample-by-shapes",
        "the shapes, or the stride and the channels,",
        "a projection may be there although no size changes",
        lambda block, t: t.branch.shape != t.x.shape,
    ),
):

    @RATIO.mistake(
        which,
        f"You let {asked} decide whether the shortcut is block.downsample(x) or x. Ask `block.downsample is None`: {message}.",
    )
    def _(block, x, asks=asks):
        tensors = inside(block, x)
        shortcut = tensors.shortcut if asks(block, tensors) else x
        return (size(tensors.branch) / size(shortcut)).item()


@RATIO.mistake(
    "downsample-always-called",
    "You call block.downsample(x) even where block.downsample is None, as it is where size and channels stay. There the shortcut is "
    "x: `x if block.downsample is None else block.downsample(x)`.",
)
def _(block, x):
    return by_hand(
        block,
        x,
        lambda *given: _branch(*given, True, True),
        lambda block, x: block.downsample(x),
    )


@RATIO.mistake(
    "shortcut-in-train-mode",
    "The shortcut is computed while downsample is in train mode: before block.eval(), after block.train(…), or because eval() never "
    "reached it. Compute both tensors in eval mode, then put the mode back.",
)
@torch.no_grad()
def _(block, x):
    branch = inside(block, x).branch
    return (size(branch) / size(_shortcut(block, x))).item()


@RATIO.mistake(
    "rounded", "You round the result. Return the number as it is; round where you print it."
)
def _(block, x):
    return round(branch_ratio(block, x), 2)


@RATIO.mistake(
    "returns-tensor",
    "Your result is a tensor. `.item()` makes a float of a tensor that holds one number.",
)
def _(block, x):
    return torch.tensor(branch_ratio(block, x))


@RATIO.mistake(
    "returns-text", "Your result is a text. Return the number; format it where you print it."
)
def _(block, x):
    return f"{branch_ratio(block, x):.2f}"


@RATIO.mistake(
    "returns-nothing",
    "Your function returns None: a `return` is missing. `print` only shows a number; `return` hands it to the caller.",
)
def _(block, x):
    branch_ratio(block, x)


@torch.no_grad()
def measure(block: nn.Module, x: Tensor) -> float:
    """The ratio in the mode in which the block is."""
    last = "batchnorm3" if isinstance(block, ResidualBottleNeck) else "batchnorm2"
    branch = record_outputs(block, x, [last])[last]
    shortcut = x if block.downsample is None else block.downsample(x)
    return (size(branch) / size(shortcut)).item()


@RATIO.mistake(
    "eval-forgotten",
    "You measure in the mode that the block is in. In train mode, batch norm takes mean and variance from this batch, and its "
    "running statistics change. Call block.eval() first, and put the mode back at the end.",
)
def _(block, x):
    return measure(block, x)


@RATIO.mistake(
    "copy-in-train-mode",
    "The block's running statistics stay, yet what you measure is in train mode, where batch norm takes mean and variance from this "
    "batch. A copy is in the mode of the block: call `.eval()` on what you measure.",
)
def _(block, x):
    return measure(copy.deepcopy(block), x)


@RATIO.mistake(
    "stays-in-eval",
    "You switch the block to eval mode and leave it so. Whoever goes on training it gets another network: remember "
    "`block.training` and end with `block.train(was_training)`.",
)
def _(block, x):
    return measure(block.eval(), x)


@RATIO.mistake(
    "ends-in-train-mode",
    "At the end you switch the block to train mode, whatever it was in. Remember `block.training` first, and end with "
    "`block.train(was_training)`.",
)
def _(block, x):
    ratio = measure(block.eval(), x)
    block.train()
    return ratio


@RATIO.mistake(
    "children-stay-in-eval",
    "You put back `block.training`, which is the mode of the block alone; its layers stay in eval mode. "
    "`block.train(was_training)` sets them all.",
)
def _(block, x):
    was_training = block.training
    ratio = measure(block.eval(), x)
    block.training = was_training
    return ratio


@RATIO.mistake(
    "measured-in-train-mode",
    "You measure in train mode, whatever mode the block is in. Measure in eval mode, with the running statistics.",
)
def _(block, x):
    was_training = block.training
    ratio = measure(block.train(), x)
    block.train(was_training)
    return ratio


@RATIO.mistake(
    "hook-left-behind",
    "Your hook is still on the block and runs in every later forward pass. `register_forward_hook` returns a handle: call "
    "`handle.remove()`.",
)
def _(block, x):
    last = block.batchnorm3 if isinstance(block, ResidualBottleNeck) else block.batchnorm2
    last.register_forward_hook(lambda layer, inputs, output: None)
    return branch_ratio(block, x)


@RATIO.mistake(
    "hooks-of-others-removed",
    "You remove hooks that are not yours: `_forward_hooks.clear()` takes all of them. Keep the handle that `register_forward_hook` "
    "returns, and call `handle.remove()`.",
)
def _(block, x):
    ratio = branch_ratio(block, x)
    for layer in block.modules():
        layer._forward_hooks.clear()
    return ratio


@RATIO.mistake(
    "attribute-left-behind",
    "You set an attribute on the block or on one of its layers, such as a tensor to keep or a `forward` of your own, and it stays there. "
    "Keep tensors in a variable, and delete at the end what you set.",
)
def _(block, x):
    block.ratio = branch_ratio(block, x)
    return block.ratio


@RATIO.mistake(
    "setting-changed",
    "You change a setting of a layer, such as `inplace` of a ReLU, and do not put it back. Keep a copy with `clone()` instead, so that "
    "in-place operations do no harm.",
)
def _(block, x):
    block.relu1.inplace = False
    return branch_ratio(block, x)


@RATIO.mistake(
    "gradients-stay-off",
    "You switch gradients off with torch.set_grad_enabled(False), and they stay off for the whole program: nothing can be trained "
    "any more. Put `with torch.no_grad():` around instead.",
)
def _(block, x):
    torch.set_grad_enabled(False)
    return branch_ratio(block, x)


@RATIO.mistake(
    "layer-not-put-back",
    "A layer of the block is not the one that it was: you took it out, or put another one in its place. Keep the layer in a variable, and "
    "put the same one back at the end.",
)
def _(block, x):
    ratio = branch_ratio(block, x)
    setattr(block, "relu3" if isinstance(block, ResidualBottleNeck) else "relu2", nn.Identity())
    return ratio


@RATIO.mistake(
    "shortcut-left-out",
    "You take `block.downsample` out of the block and do not put it back: the block has lost its projection.",
)
def _(block, x):
    ratio = branch_ratio(block, x)
    block.downsample = None
    return ratio


@RATIO.mistake(
    "gradients-left-behind",
    "You call `backward()`, which leaves gradients in the block. Nothing is trained here: measure under `torch.no_grad()`.",
)
def _(block, x):
    sum(parameter.sum() for parameter in block.parameters()).backward()
    return branch_ratio(block, x)


@RATIO.mistake(
    "weights-frozen",
    "You set requires_grad of the block's weights to False, and they stay so. Measure under `torch.no_grad()` instead.",
)
def _(block, x):
    block.requires_grad_(False)
    return branch_ratio(block, x)
