"""The exercise on how much a block changes, and what readers get wrong in it."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import numpy
import torch
from torch import Tensor, nn

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck, conv1x1
from resnet_lib.exercises.checking import Exercise, first_difference, tell
from resnet_lib.exercises.probing import (
    Fact,
    Probe,
    fill,
    numbers,
    random_input,
    unchanged,
    weights_in_order,
)
from resnet_lib.inspecting import branch_ratio, record_outputs
from resnet_lib.resnet import ZeroPadShortcut

RESULT = "result"


def probe(
    block_class: type[nn.Module],
    in_channels: int,
    channels: int,
    stride: int = 1,
    shortcut: str = "the identity",
    training: bool = False,
) -> Probe:
    def run(answer):
        block = build(block_class, in_channels, channels, stride, shortcut)
        x, other = (random_input(3, in_channels, 6, 9, seed=seed) for seed in (0, 1))
        fill(weights_in_order(block, x))
        block.train(training)
        before, given = state(block), x.clone()

        seen = {RESULT: plain(answer(block, given))}
        seen |= {what: Fact(now == before[what], what) for what, now in state(block).items()}
        seen["x is as it was"] = unchanged(given, x)
        seen["result for another x"] = plain(answer(block, other))
        return seen

    where = "train" if training else "eval"
    sizes = f"{in_channels} → {channels * block_class.expansion}, stride {stride}"
    return Probe(
        f"a {block_class.__name__} ({sizes}), its shortcut {shortcut}, in {where} mode",
        run,
    )


def build(block_class, in_channels, channels, stride, shortcut) -> nn.Module:
    out_channels = channels * block_class.expansion
    downsample = {
        "the identity": lambda: None,
        "a projection": lambda: nn.Sequential(
            conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels)
        ),
        "without parameters": lambda: ZeroPadShortcut(in_channels, out_channels, stride),
    }[shortcut]()
    return block_class(in_channels, channels, stride, downsample)


def state(block: nn.Module) -> dict[str, object]:
    """All that measuring must not change, as plain values, each under what to say where it has changed."""
    return {
        "a hook is left on the block": sum(
            len(m._forward_hooks) + len(m._forward_pre_hooks) for m in block.modules()
        ),
        "the block has other layers than before": [
            (n, id(m)) for n, m in block.named_modules()
        ],
        "your code has changed the weights of the block": [
            (n, p.tolist()) for n, p in block.named_parameters()
        ],
        "your code has changed requires_grad of the block's weights": [
            p.requires_grad for p in block.parameters()
        ],
        "your code has changed the running statistics of the block": [
            (n, b.tolist()) for n, b in block.named_buffers()
        ],
        "the block is in another mode (train or eval) than before": block.training,
        "layers of the block are in another mode (train or eval) than before": [
            m.training for m in block.modules() if m is not block
        ],
        "your code has left gradients in the block": [
            p.grad is None for p in block.parameters()
        ],
    }


def plain(value: object) -> tuple:
    """A student's result as plain values: what it is, and the number or numbers."""
    kind = type(value)
    if issubclass(kind, float):
        return "float", float.__add__(value, 0.0)
    if issubclass(kind, numpy.floating):
        return "float", float(value)
    if kind in (Tensor, nn.Parameter):
        return "tensor", numbers(value)
    if issubclass(kind, str):
        return "str", None
    return kind.__name__, None


def tell_result(probe: Probe, expected: dict[str, object], got: dict[str, object]) -> str:
    """Evidence with the two numbers; side effects as in other exercises."""
    if not isinstance(got, dict):
        return tell(probe, expected, got)
    what, right, wrong = first_difference(expected, got)
    if not isinstance(right, tuple) or not isinstance(wrong, tuple):
        return tell(probe, expected, got)
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
    return f"With {probe.label}: the {what} should be {right[1]:.4f}; yours is {shown}."


BASIC, NECK = ResidualBasicBlock, ResidualBottleNeck
RATIO = Exercise(
    "branch_ratio",
    "branch_ratio",
    branch_ratio,
    [
        probe(BASIC, 6, 6),
        probe(BASIC, 4, 6, 2, "a projection"),
        probe(BASIC, 4, 8, 2, "without parameters"),
        probe(NECK, 8, 2),
        probe(BASIC, 6, 6, training=True),
        probe(NECK, 6, 3, 2, "a projection", training=True),
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
    "shortcut-after-eval-mode",
    "You compute the shortcut after `block.train(was_training)`, so in train mode its batch norm uses this batch, and its running "
    "statistics change. Compute both tensors in eval mode, then put the mode back.",
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
    "You switch the block to train mode. Measure in eval mode, with the running statistics.",
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
    "last-relu-left-out",
    "You take the last ReLU out of the block and do not put it back.",
)
def _(block, x):
    ratio = branch_ratio(block, x)
    setattr(block, "relu3" if isinstance(block, ResidualBottleNeck) else "relu2", nn.Identity())
    return ratio


@RATIO.mistake(
    "shortcut-left-out",
    "You set `block.downsample` to None and do not put it back: the block has lost its projection.",
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
