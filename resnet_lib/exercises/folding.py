"""The exercise on folding batch norm into the convolution before it, and what readers get wrong in it."""

from __future__ import annotations

import copy

import torch
from torch import Tensor, nn

from resnet_lib.exercises.checking import Exercise, tell
from resnet_lib.exercises.probing import Probe, fill, numbers, random_input


def fold_batchnorm(conv: nn.Conv2d, batchnorm: nn.BatchNorm2d) -> nn.Conv2d:
    return folded(conv, batchnorm)


def folded(
    conv: nn.Conv2d,
    batchnorm: nn.BatchNorm2d,
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var + bn.eps),
    weight=lambda weight, scale: weight * scale.reshape(-1, 1, 1, 1),
    shift=lambda bn, bias, scale: bn.bias + (bias - bn.running_mean) * scale,
    **settings,
) -> nn.Conv2d:
    """The folding in parts that a mistake can vary."""
    settings = {"stride": conv.stride, "padding": conv.padding} | settings
    new = nn.Conv2d(conv.in_channels, conv.out_channels, conv.kernel_size, **settings)
    with torch.no_grad():
        factor = scale(batchnorm)
        bias = 0 if conv.bias is None else conv.bias
        new.weight.copy_(weight(conv.weight, factor))
        if new.bias is not None:
            new.bias.copy_(shift(batchnorm, bias, factor))
    return new


def probe(
    in_channels: int,
    out_channels: int,
    kernel_size: int,
    stride: int,
    padding: int,
    bias: bool,
    eps: float = 1e-5,
) -> Probe:
    def run(fold):
        conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
        batchnorm = nn.BatchNorm2d(out_channels, eps=eps)
        weights = [("weight", conv.weight), ("scale", batchnorm.weight)]
        weights += [("shift", batchnorm.bias), ("mean", batchnorm.running_mean)]
        weights += [("variance", batchnorm.running_var)]
        weights += [("shift", conv.bias)] if bias else []
        fill(weights)
        with torch.no_grad():
            batchnorm.weight[0] *= -1  # training may make a scale negative
            batchnorm.running_var[1] = (
                100 * eps
            )  # and a channel nearly constant: there eps counts
        conv.eval(), batchnorm.eval()
        before = state(conv, batchnorm)

        new = fold(conv, batchnorm)
        if not isinstance(new, nn.Conv2d):
            return {"the type of the result": type(new).__name__}
        seen = {
            "the type of the result": "Conv2d",
            "conv and batchnorm are left as they were": state(conv, batchnorm) == before,
            "the result is a new layer": new is not conv,
            "its parameters": sorted(name for name, _ in new.named_parameters()),
            "its weights are its own": not shares(new, conv, batchnorm),
        }
        x = random_input(2, in_channels, 7, 10)
        with torch.no_grad():
            seen["output in eval mode"] = numbers(new.eval()(x))
            again = fold(conv, batchnorm)
            seen["output, when the same two are folded a second time"] = numbers(
                again.eval()(x)
            )
        return seen

    what = f"kernel size {kernel_size}, stride {stride}, padding {padding}"
    options = f"{'with' if bias else 'without'} bias, eps {eps:g}"
    return Probe(
        f"a convolution {in_channels} → {out_channels}, {what}, {options}, images of 7×10 pixels",
        run,
    )


def state(*layers: nn.Module) -> list:
    """All that folding must not change, as plain values."""
    return [
        (name, value.tolist()) for layer in layers for name, value in layer.state_dict().items()
    ] + [
        (layer.training, layer.bias is None, [p.requires_grad for p in layer.parameters()])
        for layer in layers
    ]


def shares(new: nn.Module, *layers: nn.Module) -> bool:
    """Whether a tensor of ``new`` lies in the same memory as one of ``layers``."""
    theirs = {t.data_ptr() for layer in layers for t in layer.state_dict().values()}
    return any(t.data_ptr() in theirs for t in new.state_dict().values())


def in_train_mode(fold) -> str:
    """Folds two layers that are in train mode. Refusing them is as good as folding them; changing them is not."""
    conv, batchnorm = nn.Conv2d(2, 2, 1, bias=False).train(), nn.BatchNorm2d(2).train()
    try:
        fold(conv, batchnorm)
    except Exception:
        pass
    return "in train mode" if conv.training and batchnorm.training else "in eval mode"


FOLD = Exercise(
    "fold_batchnorm",
    "fold_batchnorm",
    fold_batchnorm,
    [
        probe(3, 3, 1, 1, 0, bias=False),
        probe(3, 5, 3, 2, 1, bias=False),
        probe(4, 4, 3, 1, 2, bias=True, eps=0.3),
        Probe("conv and batchnorm in train mode, how they are afterwards", in_train_mode),
    ],
    "One convolution now does the work of both, for every stride, padding, bias and eps.",
    tell,
)
EXERCISES: list[Exercise] = [FOLD]


def mistake(id: str, message: str, **parts) -> None:
    FOLD.mistake(id, message)(lambda conv, batchnorm: folded(conv, batchnorm, **parts))


@FOLD.mistake(
    "switches-to-eval",
    "You switch the given layers to eval mode, and they stay so. Whoever goes on training gets another network.",
)
def _(conv, batchnorm):
    conv.eval(), batchnorm.eval()
    return folded(conv, batchnorm)


mistake(
    "eps-forgotten",
    "eps is missing: the standard deviation is sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var),
)
mistake(
    "eps-fixed",
    "eps is a fixed 1e-5. Use batchnorm.eps: not every batch norm has the default.",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var + 1e-5),
)
mistake(
    "eps-outside-the-root",
    "eps is added to the square root. It belongs inside: sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / (torch.sqrt(bn.running_var) + bn.eps),
)
mistake(
    "variance-without-root",
    "You divide by the variance. Batch norm divides by the standard deviation: sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / (bn.running_var + bn.eps),
)
mistake(
    "multiplied-by-deviation",
    "You multiply by the standard deviation. Batch norm divides by it.",
    scale=lambda bn: bn.weight * torch.sqrt(bn.running_var + bn.eps),
)
mistake(
    "divided-by-root-twice",
    "You take the square root and divide twice: the factor is batchnorm.weight / sqrt(running_var + eps), once.",
    scale=lambda bn: bn.weight / torch.sqrt(torch.sqrt(bn.running_var + bn.eps)),
)
mistake(
    "scale-forgotten",
    "batchnorm.weight, the scale γ, is missing: the factor is batchnorm.weight / sqrt(running_var + eps).",
    scale=lambda bn: 1 / torch.sqrt(bn.running_var + bn.eps),
)
mistake(
    "shift-forgotten",
    "batchnorm.bias, the shift β, is missing in the new bias.",
    shift=lambda bn, bias, scale: (bias - bn.running_mean) * scale,
)
mistake(
    "mean-forgotten",
    "running_mean is missing: batch norm subtracts it before it scales.",
    shift=lambda bn, bias, scale: bn.bias + bias * scale,
)
mistake(
    "mean-not-scaled",
    "running_mean is subtracted unscaled. Batch norm subtracts it first and scales then: it is scaled too.",
    shift=lambda bn, bias, scale: bn.bias + bias * scale - bn.running_mean,
)
mistake(
    "mean-added",
    "running_mean has the wrong sign: batch norm subtracts it.",
    shift=lambda bn, bias, scale: bn.bias + (bias + bn.running_mean) * scale,
)
mistake(
    "conv-bias-forgotten",
    "The convolution's own bias is forgotten. Where it has one, batch norm scales it too.",
    shift=lambda bn, bias, scale: bn.bias - bn.running_mean * scale,
)
mistake(
    "conv-bias-not-scaled",
    "The convolution's own bias is added unscaled. Batch norm comes after it, so it is multiplied by the factor too.",
    shift=lambda bn, bias, scale: bn.bias + bias - bn.running_mean * scale,
)
mistake(
    "shift-scaled",
    "batchnorm.bias is multiplied by the factor. Batch norm adds it last, as it is.",
    shift=lambda bn, bias, scale: (bn.bias + bias - bn.running_mean) * scale,
)
mistake(
    "shift-minus",
    "batchnorm.bias has the wrong sign: batch norm adds it.",
    shift=lambda bn, bias, scale: (bias - bn.running_mean) * scale - bn.bias,
)
mistake(
    "weight-not-scaled",
    "The convolution's weight is left as it was. Multiply each output channel of it by its factor.",
    weight=lambda weight, scale: weight,
)
mistake(
    "scale-on-the-wrong-axis",
    "The factor is multiplied along axis 1, the input channels. There is one factor for each *output* channel, axis 0: "
    "scale.reshape(-1, 1, 1, 1).",
    weight=lambda weight, scale: weight * scale.reshape(1, -1, 1, 1),
)
mistake(
    "scale-on-the-last-axis",
    "The factor has one axis, so PyTorch multiplies it along the last axis, the kernel's width. There is one factor for each "
    "output channel, axis 0: scale.reshape(-1, 1, 1, 1).",
    weight=lambda weight, scale: weight * scale,
)
mistake(
    "new-layer-without-bias",
    "The new convolution has no bias, so mean and shift of the batch norm are lost. Make it with bias=True.",
    bias=False,
)
mistake(
    "stride-not-copied",
    "The new convolution has stride 1 whatever the old one has. Copy conv.stride.",
    stride=1,
)
mistake(
    "padding-not-copied",
    "The new convolution has no padding. Copy conv.padding.",
    padding=0,
)
mistake(
    "padding-1-always",
    "The new convolution always has padding 1. Copy conv.padding.",
    padding=1,
)


@FOLD.mistake(
    "settings-not-copied",
    "The new convolution has neither the stride nor the padding of the old one. Copy both.",
)
def _(conv, batchnorm):
    return folded(conv, batchnorm, stride=1, padding=0)


@FOLD.mistake(
    "changes-the-given-convolution",
    "You change the convolution that was given, so the network around it is broken. Make a new nn.Conv2d, or work on "
    "copy.deepcopy(conv).",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    conv.weight.data, conv.bias = new.weight.data, new.bias
    return conv


@FOLD.mistake(
    "changes-the-given-weight",
    "The new convolution is right, but on the way you multiply the weight of the given one in place. Compute "
    "conv.weight * scale, which makes a new tensor.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    conv.weight.data.copy_(new.weight)
    return new


@FOLD.mistake(
    "batchnorm-shares-its-bias",
    "The new layer's bias is a tensor of the batch norm itself, changed in place. Compute a new one.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    batchnorm.bias.data.copy_(new.bias)
    new.bias = batchnorm.bias
    return new


@FOLD.mistake(
    "train-mode",
    "You switch the batch norm to train mode. Folding is for eval mode: take running_mean and running_var, and leave the "
    "mode as it is.",
)
def _(conv, batchnorm):
    batchnorm.train()
    return folded(conv, batchnorm)


@FOLD.mistake(
    "statistics-of-the-weight",
    "You take mean and variance of the convolution's weight. Batch norm in eval mode uses batchnorm.running_mean and "
    "batchnorm.running_var.",
)
def _(conv, batchnorm):
    other = copy.deepcopy(batchnorm)
    flat = conv.weight.detach().flatten(1)
    other.running_mean, other.running_var = flat.mean(1), flat.var(1, unbiased=False)
    return folded(conv, other)


@FOLD.mistake(
    "statistics-of-the-default",
    "Mean 0 and variance 1 are taken, as in a fresh batch norm. Use batchnorm.running_mean and batchnorm.running_var.",
)
def _(conv, batchnorm):
    other = copy.deepcopy(batchnorm)
    other.reset_running_stats()
    return folded(conv, other)


@FOLD.mistake(
    "returns-sequential",
    "The result is an nn.Sequential: both layers are still there. Give out one nn.Conv2d.",
)
def _(conv, batchnorm):
    return nn.Sequential(conv, batchnorm)


@FOLD.mistake(
    "returns-weight-and-bias",
    "The result is a tuple. Put weight and bias into a new nn.Conv2d and return that.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    return new.weight, new.bias


@FOLD.mistake("returns-weight", "The result is a tensor. Put it into a new nn.Conv2d.")
def _(conv, batchnorm):
    return Tensor(folded(conv, batchnorm).weight.detach())


@FOLD.mistake(
    "returns-nothing", "Your function returns None: the `return` is missing at its end."
)
def _(conv, batchnorm):
    folded(conv, batchnorm)


@FOLD.mistake(
    "returns-the-old-convolution",
    "The result is the convolution that was given, unchanged. Return the new one.",
)
def _(conv, batchnorm):
    return conv


@FOLD.mistake(
    "returns-a-copy",
    "The result is a copy of the convolution, with nothing of the batch norm in it.",
)
def _(conv, batchnorm):
    return copy.deepcopy(conv)
