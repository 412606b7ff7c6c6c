"""The exercise on folding batch norm into the convolution before it, and what readers get wrong in it."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn.functional import conv2d

from resnet_lib.exercises.checking import Exercise, first_difference, tell
from resnet_lib.exercises.probing import (
    Probe,
    fill,
    numbers,
    random_input,
    same,
    set_seeds,
)
from resnet_lib.exercises.running import StudentError
from resnet_lib.folding import fold_batchnorm

LEFT_ALONE = "what the function does to conv and batchnorm"
# What must be true of a right answer, and how the check tells that it is not.
A_NEW_LAYER, ITS_OWN_MEMORY, STAYS, AS_IN_EVAL_MODE = BROKEN = {
    "the result is a new layer": "the result is conv itself, where a new layer was expected",
    "its weights have their own memory": "the new layer shares memory with conv or batchnorm, where its own was expected",
    "the result stays as it is": "when your function was called again, its first result changed too. Each call should make a layer "
    "of its own",
    "the result is that of eval mode": "the result is another one than for the same layers in eval mode",
}


@dataclass(frozen=True)
class Change:
    """What has changed that should stay: of which kind, and by name."""

    kinds: tuple[str, ...]
    names: list[str] = field(compare=False)


def folded(
    conv: nn.Conv2d,
    batchnorm: nn.BatchNorm2d,
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var + bn.eps),
    weight=lambda weight, scale: weight * scale.reshape(-1, 1, 1, 1),
    shift=lambda bn, bias, scale: bn.bias + (bias - bn.running_mean) * scale,
    **settings,
) -> nn.Conv2d:
    """The folding in parts that a mistake can vary."""
    settings = {
        "kernel_size": conv.kernel_size,
        "stride": conv.stride,
        "padding": conv.padding,
    } | {name: value(conv) if callable(value) else value for name, value in settings.items()}
    new = nn.Conv2d(conv.in_channels, conv.out_channels, **settings)
    with torch.no_grad():
        factor = scale(batchnorm)
        bias = 0 if conv.bias is None else conv.bias
        new.weight.copy_(weight(conv.weight, factor))
        if new.bias is not None:
            new.bias.copy_(shift(batchnorm, bias, factor))
    return new


def layers(
    in_channels: int,
    out_channels: int,
    kernel_size: int | tuple[int, int],
    stride: int | tuple[int, int],
    padding: int | tuple[int, int],
    bias: bool,
    eps: float = 1e-5,
) -> tuple[nn.Conv2d, nn.BatchNorm2d]:
    """A convolution and its batch norm in eval mode, with the same numbers each time."""
    conv = nn.Conv2d(in_channels, out_channels, kernel_size, stride, padding, bias=bias)
    batchnorm = nn.BatchNorm2d(out_channels, eps=eps)
    own = [("shift", conv.bias)] if bias else []
    fill([("weight", conv.weight), *weights_of(batchnorm), *own])
    with torch.no_grad():
        batchnorm.weight[0] *= -1  # training may make a scale negative
        # And a channel may be nearly constant: there eps counts. A large one is larger than the variance.
        batchnorm.running_var[1] = 100 * eps if eps < 1e-3 else eps / 2
    return conv.eval(), batchnorm.eval()


def weights_of(batchnorm: nn.BatchNorm2d) -> list[tuple[str, Tensor]]:
    """The numbers of a batch norm, with their roles."""
    learnt = [("scale", batchnorm.weight), ("shift", batchnorm.bias)]
    return learnt + [("mean", batchnorm.running_mean), ("variance", batchnorm.running_var)]


def probe(*shape, bias: bool, eps: float = 1e-5) -> Probe:
    """Has two layers folded, and looks at what comes back and at what is left of the two."""
    in_channels, out_channels, kernel_size, stride, padding = shape

    def run(fold):
        conv, batchnorm = layers(*shape, bias, eps)
        before = state(conv, batchnorm)
        new = folding(fold, conv, batchnorm)
        if isinstance(new, StudentError):
            return {"the result": new}
        if not isinstance(new, nn.Conv2d):
            return {"the type of the result": type(new).__name__.replace("NoneType", "None")}
        changed = change(before, state(conv, batchnorm))
        seen = {
            "the type of the result": "Conv2d",
            LEFT_ALONE: changed,
            A_NEW_LAYER: new is not conv,
            "the parameters of the new layer": sorted(
                name for name, _ in new.named_parameters()
            ),
            ITS_OWN_MEMORY: not shares(new, conv, batchnorm),
            "the type of its numbers": ", ".join(
                sorted({str(p.dtype) for p in new.parameters()})
            ),
        }
        x = random_input(2, in_channels, 7, 10)
        first = seen["output in eval mode"] = output(new, x)
        seen["output of its weight and bias alone, without hooks"] = tried(bare_output, new, x)
        if not changed.kinds:  # else what later calls get depends on how it has been changed
            again = folding(fold, conv, batchnorm)
            seen["output, when the same two are folded a second time"] = output(again, x)
            fill(weights_of(batchnorm), seed=1)
            other = folding(fold, conv, batchnorm)
            seen["output, when the batch norm has got other numbers"] = output(other, x)
            seen[STAYS] = same(output(new, x), first)
        # Stride and padding show in the output. These do not, where the weight is replaced after the layer was made.
        for name in ("in_channels", "out_channels", "kernel_size"):
            seen[f"the {name} of the new layer"] = repr(getattr(new, name))
        return seen

    what = f"kernel_size={kernel_size}, stride={stride}, padding={padding}"
    options = f"{'with' if bias else 'without'} bias, eps {eps:g}"
    return Probe(
        f"a convolution of {in_channels} → {out_channels} channels, {what}, {options}, images of 7×10 pixels",
        run,
    )


def folding(fold, conv: nn.Conv2d, batchnorm: nn.BatchNorm2d) -> object:
    """What an answer makes of two layers; a bias that is left as it was drawn has the same numbers in each answer."""
    set_seeds(0)
    return tried(fold, conv, batchnorm)


def tried(function, *arguments) -> object:
    """What ``function`` returns, or the :class:`FoldingError` that tells what it raised."""
    try:
        return function(*arguments)
    except NotImplementedError:
        raise
    except Exception as error:
        return FoldingError(error)


def output(layer: object, x: Tensor) -> object:
    with torch.no_grad():
        return (
            layer
            if isinstance(layer, StudentError)
            else tried(lambda: numbers(layer.eval()(x)))
        )


def bare_output(new: nn.Conv2d, x: Tensor) -> Tensor:
    settings = new.stride, new.padding, new.dilation, new.groups
    with torch.no_grad():
        return numbers(conv2d(x, new.weight, new.bias, *settings))


class FoldingError(StudentError):
    """What the student's function raised; mistakes that show in many words of PyTorch's are told apart by their cause."""

    CAUSES = (
        "'NoneType' object has no attribute 'copy_'",  # None is written into, not calculated with
        "NoneType",
        "as parameter '",
        "a leaf Variable that requires grad",
        "Boolean value of Tensor",
        "tuple of (bool, bool)",
    )

    @property
    def numbers(self) -> tuple[str, ...]:
        cause = next((cause for cause in self.CAUSES if cause in self.text), None)
        return (cause,) if cause else super().numbers

    def explain(self) -> str:
        told = super().explain()
        return f"{told[0].lower()}{told[1:]} Expected was an nn.Conv2d."


def state(conv: nn.Module, batchnorm: nn.Module) -> dict[tuple[str, str], object]:
    """All that folding must not change, as plain values by kind and name."""
    seen: dict[tuple[str, str], object] = {}
    for name, layer in (("conv", conv), ("batchnorm", batchnorm)):
        for part, value in (*layer.named_parameters(), *layer.named_buffers()):
            seen[f"numbers of {name}", f"{name}.{part}"] = value.tolist()
        for part, value in layer.named_parameters():
            if value.grad is not None:
                seen["gradients", f"{name}.{part}.grad"] = True
            if not value.requires_grad:
                seen["frozen", f"{name}.{part}.requires_grad"] = True
        for part, value in vars(layer).items():  # mode, settings, hooks, and what is new
            kind = "mode" if part == "training" else f"{name}.{part}"
            if isinstance(value, dict):
                value = [key for key in value if value[key] is not None]
            seen[kind, f"{name}.{part}"] = repr(value)
        seen["class", f"the class of {name}"] = type(layer).__name__
    return seen


def change(before: dict, after: dict) -> Change:
    nothing = object()
    found = [
        key
        for key in {**before, **after}
        if before.get(key, nothing) != after.get(key, nothing)
    ]
    return Change(tuple(sorted({kind for kind, _ in found})), [name for _, name in found])


def shares(new: nn.Module, *layers: nn.Module) -> bool:
    """Whether a tensor of ``new`` lies in the same memory as one of ``layers``."""
    theirs = {_memory(t) for layer in layers for t in layer.state_dict().values()}
    return any(_memory(t) in theirs for t in new.state_dict().values())


def _memory(tensor: Tensor) -> int:
    """Where the memory begins of which a tensor is all or a part."""
    return tensor.untyped_storage().data_ptr()


def in_train_mode(fold) -> dict[str, object]:
    """What an answer does otherwise where the layers are in train mode. Refusing them is as good as folding them."""

    def folded_in(training: bool) -> tuple[object, Change]:
        conv, batchnorm = layers(*TRAINED, bias=True)
        conv.train(training), batchnorm.train(training)
        before = state(conv, batchnorm)
        new = folding(fold, conv, batchnorm)
        if isinstance(new, StudentError):
            # PyTorch's batch norm counts a batch before it refuses one that has a single number.
            batchnorm.num_batches_tracked.zero_()
        return new, change(before, state(conv, batchnorm))

    (usual, usually), (new, changed) = folded_in(False), folded_in(True)
    if not isinstance(usual, nn.Conv2d):  # what is wrong shows in another probe
        new, changed = usual, usually
    x = random_input(2, TRAINED[0], 7, 10)
    return {
        LEFT_ALONE: Change(
            tuple(kind for kind in changed.kinds if kind not in usually.kinds),
            [name for name in changed.names if name not in usually.names],
        ),
        AS_IN_EVAL_MODE: isinstance(new, StudentError)
        or same(output(new, x), output(usual, x)),
    }


def tell_folding(probe: Probe, expected: object, got: object) -> str:
    """The first thing that differs, in words."""
    if isinstance(got, dict):
        what, _, seen = first_difference(expected, got)
        if isinstance(seen, Change):
            public = [name for name in seen.names if "._" not in name]
            names = " and ".join((public or seen.names)[:2])
            return f"With {probe.label}: your function changes {names}, and should leave both layers as they are."
        if what in BROKEN and what in got:
            return f"With {probe.label}: {BROKEN[what]}."
    return tell(probe, expected, got)


TRAINED = 3, 5, 3, 2, 1

FOLD = Exercise(
    "fold_batchnorm",
    "fold_batchnorm",
    fold_batchnorm,
    [
        probe(3, 3, 1, 1, 0, bias=False),
        probe(3, 5, 3, 2, 1, bias=False),
        probe(4, 4, 3, 1, 2, bias=True, eps=0.3),
        probe(3, 4, (3, 5), (2, 1), (1, 2), bias=True, eps=1e-3),
        Probe("conv and batchnorm in train mode", in_train_mode),
    ],
    "One convolution now does the work of both, for every kernel, stride, padding, bias and eps.",
    tell_folding,
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


@FOLD.mistake(
    "batchnorm-run-in-train-mode",
    "For layers in train mode your function gives another result, and changes the batch norm. Do you run it, as in `batchnorm(…)` or "
    "`F.batch_norm(…, training=True)`? It then takes mean and variance from what it gets, and writes them into its running ones. "
    "Fold with running_mean and running_var, or run a copy that is in eval mode.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    if batchnorm.training:
        batchnorm(torch.zeros(2, conv.out_channels, 2, 2))
        nn.init.zeros_(new.weight)
    return new


@FOLD.mistake(
    "another-result-in-train-mode",
    "For layers in train mode your function gives another result. What folding makes is for eval mode, whatever mode the layers are in: "
    "take running_mean and running_var all the same.",
)
def _(conv, batchnorm):
    return copy.deepcopy(conv) if batchnorm.training else folded(conv, batchnorm)


mistake(
    "mean-under-the-root",
    "You take the root of running_mean. The standard deviation is sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_mean + bn.eps),
)
mistake(
    "eps-forgotten",
    "eps is missing: the standard deviation is sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var),
)
mistake(
    "eps-as-a-lower-bound",
    "You take eps only where the variance is smaller than eps. Batch norm always adds it: sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var.clamp(min=bn.eps)),
)
mistake(
    "eps-squared",
    "eps is squared. It is added to the variance as it is: sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var + bn.eps**2),
)
mistake(
    "eps-subtracted",
    "eps is subtracted. It is added, so that nobody divides by 0: sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt((bn.running_var - bn.eps).abs()),
)
mistake(
    "variance-squared",
    "You take running_var for the standard deviation, and square it. It is the variance already: sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var**2 + bn.eps),
)
mistake(
    "eps-fixed",
    "eps is a fixed 1e-5. Use batchnorm.eps: not every batch norm has the default.",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var + 1e-5),
)
mistake(
    "eps-fixed-as-in-keras",
    "eps is a fixed 1e-3, the default of Keras. Use batchnorm.eps: PyTorch's default is 1e-5, and a batch norm may have another.",
    scale=lambda bn: bn.weight / torch.sqrt(bn.running_var + 1e-3),
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
    "variance-without-root-in-the-bias",
    "For the weight you divide by the standard deviation, for the bias by the variance. Both have the same factor: "
    "batchnorm.weight / sqrt(running_var + eps).",
    shift=lambda bn, bias, scale: (
        bn.bias + (bias - bn.running_mean) * bn.weight / (bn.running_var + bn.eps)
    ),
)
mistake(
    "variance-without-root-in-the-weight",
    "For the bias you divide by the standard deviation, for the weight by the variance. Both have the same factor: "
    "batchnorm.weight / sqrt(running_var + eps).",
    scale=lambda bn: bn.weight / (bn.running_var + bn.eps),
    shift=lambda bn, bias, scale: (
        bn.bias + (bias - bn.running_mean) * scale * torch.sqrt(bn.running_var + bn.eps)
    ),
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
    "scale-forgotten-in-the-bias",
    "The weight has its scale γ, the new bias has not: there you divide by sqrt(running_var + eps) alone. Both are multiplied by the "
    "same factor, batchnorm.weight / sqrt(running_var + eps).",
    shift=lambda bn, bias, scale: (
        bn.bias + (bias - bn.running_mean) / torch.sqrt(bn.running_var + bn.eps)
    ),
)
mistake(
    "scale-forgotten-in-the-weight",
    "The new bias has the scale γ, the weight has not: there you divide by sqrt(running_var + eps) alone. Both are multiplied by the "
    "same factor, batchnorm.weight / sqrt(running_var + eps).",
    scale=lambda bn: 1 / torch.sqrt(bn.running_var + bn.eps),
    shift=lambda bn, bias, scale: bn.bias + (bias - bn.running_mean) * scale * bn.weight,
)
mistake(
    "scale-and-shift-forgotten",
    "batchnorm.weight and batchnorm.bias, the scale γ and the shift β, are both missing: the factor is "
    "batchnorm.weight / sqrt(running_var + eps), and β is added to the new bias.",
    scale=lambda bn: 1 / torch.sqrt(bn.running_var + bn.eps),
    shift=lambda bn, bias, scale: (bias - bn.running_mean) * scale,
)
mistake(
    "scale-and-shift-exchanged",
    "Scale and shift have changed places: in PyTorch batchnorm.weight is the scale γ, and batchnorm.bias the shift β.",
    scale=lambda bn: bn.bias / torch.sqrt(bn.running_var + bn.eps),
    shift=lambda bn, bias, scale: bn.weight + (bias - bn.running_mean) * scale,
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
    "bias-not-scaled",
    "The new bias lacks the factor: mean and convolution's bias go through the division and the scale too. It is "
    "batchnorm.bias + (conv's bias - running_mean) * factor.",
    shift=lambda bn, bias, scale: bn.bias + bias - bn.running_mean,
)
mistake(
    "shift-alone",
    "Your new bias is batchnorm.bias alone. The mean, and the convolution's bias where it has one, go into it too: "
    "batchnorm.bias + (conv's bias - running_mean) * factor.",
    shift=lambda bn, bias, scale: bn.bias,
)
mistake(
    "biases-added",
    "Your new bias is the sum of the two old ones. Batch norm works on the convolution's bias too: "
    "batchnorm.bias + (conv's bias - running_mean) * factor.",
    shift=lambda bn, bias, scale: bn.bias + bias,
)
mistake(
    "mean-minus-bias",
    "The difference is the wrong way round: batch norm subtracts the mean from what the convolution gives, so it is "
    "conv's bias - running_mean.",
    shift=lambda bn, bias, scale: bn.bias + (bn.running_mean - bias) * scale,
)
mistake(
    "conv-bias-subtracted",
    "The convolution's own bias has the wrong sign: it is added, and only the mean is subtracted.",
    shift=lambda bn, bias, scale: bn.bias - (bn.running_mean + bias) * scale,
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
    "bias-only-if-conv-has-one",
    "The new convolution has a bias only if the old one has. It always needs one, for mean and shift of the batch "
    "norm: bias=True.",
    bias=lambda conv: conv.bias is not None,
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
    "stride-of-one-axis",
    "You take conv.stride[0] for both axes. conv.stride is a pair (vertical, horizontal): copy the whole pair.",
    stride=lambda conv: conv.stride[0],
)
mistake(
    "padding-of-one-axis",
    "You take conv.padding[0] for both axes. conv.padding is a pair (vertical, horizontal): copy the whole pair.",
    padding=lambda conv: conv.padding[0],
)
mistake(
    "stride-and-padding-of-one-axis",
    "You take conv.stride[0] and conv.padding[0] for both axes. Each is a pair (vertical, horizontal): copy the whole pair.",
    stride=lambda conv: conv.stride[0],
    padding=lambda conv: conv.padding[0],
)
mistake(
    "kernel-of-one-axis",
    "You take conv.kernel_size[0] for both axes. conv.kernel_size is a pair (height, width): copy the whole pair.",
    kernel_size=lambda conv: conv.kernel_size[0],
)
mistake(
    "stride-and-padding-swapped",
    "Stride and padding have changed places: nn.Conv2d takes the stride first. Name them: stride=conv.stride, "
    "padding=conv.padding.",
    stride=lambda conv: conv.padding,
    padding=lambda conv: conv.stride,
)
mistake(
    "padding-from-the-kernel",
    "You compute the padding from the kernel size, kernel_size[0] // 2. The old layer may have another padding: copy conv.padding.",
    padding=lambda conv: conv.kernel_size[0] // 2,
)
mistake(
    "padding-from-both-kernel-sizes",
    "You compute the padding from the kernel size. The old layer may have another padding: copy conv.padding.",
    padding=lambda conv: tuple(k // 2 for k in conv.kernel_size),
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
    "never-written",
    "Your new layer still has the random numbers that nn.Conv2d begins with. To compute a new weight and bias is not enough: write them "
    "into it, as in `folded.weight.copy_(…)` under `torch.no_grad()`.",
)
def _(conv, batchnorm):
    settings = conv.kernel_size, conv.stride, conv.padding
    return nn.Conv2d(conv.in_channels, conv.out_channels, *settings)


@FOLD.mistake(
    "true-for-the-dilation",
    "After the padding, the next argument of nn.Conv2d is the dilation, not the bias, so your True is taken for it. "
    "Name it, `bias=True`, or leave it out.",
)
def _(conv, batchnorm):
    return folded(conv, batchnorm, dilation=True)


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
    "bias-never-set",
    "The weight of the new layer is right, and its bias is never set: it still has the random numbers that nn.Conv2d begins with. "
    "It becomes batchnorm.bias + (conv's bias - running_mean) * scale.",
)
def _(conv, batchnorm):
    settings = conv.kernel_size, conv.stride, conv.padding
    new = nn.Conv2d(conv.in_channels, conv.out_channels, *settings)
    with torch.no_grad():
        new.weight.copy_(folded(conv, batchnorm).weight)
    return new


@FOLD.mistake(
    "weight-never-set",
    "The bias of the new layer is right, and its weight is never set: it still has the random numbers that nn.Conv2d begins with. "
    "It becomes conv.weight times the factor of each output channel.",
)
def _(conv, batchnorm):
    settings = conv.kernel_size, conv.stride, conv.padding
    new = nn.Conv2d(conv.in_channels, conv.out_channels, *settings)
    with torch.no_grad():
        new.bias.copy_(folded(conv, batchnorm).bias)
    return new


@FOLD.mistake(
    "channels-swapped",
    "The new layer gets its two numbers of channels in the wrong order: nn.Conv2d takes in_channels first, then out_channels.",
)
def _(conv, batchnorm):
    new = nn.Conv2d(conv.out_channels, conv.in_channels, conv.kernel_size)
    right = folded(conv, batchnorm)
    with torch.no_grad():
        new.weight.copy_(right.weight)
    return right


@FOLD.mistake(
    "channels-told-swapped",
    "You replace the weight of the new layer by one of the right shape, but the layer itself was made with its two numbers of channels in "
    "the wrong order: nn.Conv2d takes in_channels first, then out_channels.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    new.in_channels, new.out_channels = conv.out_channels, conv.in_channels
    return new


@FOLD.mistake(
    "old-bias-as-a-setting",
    "You make the new layer with `bias=conv.bias`. That setting of nn.Conv2d is True or False, not a tensor, and the new layer always has a "
    "bias: write `bias=True`, or leave it out.",
)
def _(conv, batchnorm):
    settings = conv.kernel_size, conv.stride, conv.padding
    new = nn.Conv2d(conv.in_channels, conv.out_channels, *settings, bias=conv.bias)
    right = folded(conv, batchnorm)
    with torch.no_grad():
        new.weight.copy_(right.weight)
        new.bias.copy_(right.bias)
    return new


@FOLD.mistake(
    "bias-or-zero",
    "You ask a tensor whether it is true (`if conv.bias`, `conv.bias or 0`), and PyTorch refuses that for several numbers. Ask whether "
    "it is None: `0 if conv.bias is None else conv.bias`.",
)
def _(conv, batchnorm):
    conv.bias or 0
    return folded(conv, batchnorm)


@FOLD.mistake(
    "shares-the-given-weight",
    "The new layer and the given one have the same weight tensor (`new.weight = conv.weight` makes no copy), so the scale is "
    "multiplied into both. Compute a new one: conv.weight * scale.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    conv.weight.data.copy_(new.weight)
    new.weight = conv.weight
    return new


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
    "changes-the-given-bias",
    "The result is right, but the bias of the given convolution has changed. Does a line change it in place, such as `bias -= …` after "
    "`bias = conv.bias`, which makes no copy? Compute a new one: `bias = conv.bias - …`.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    if conv.bias is not None:
        conv.bias.data.sub_(batchnorm.running_mean)
    return new


@FOLD.mistake(
    "gives-conv-a-bias",
    "You give the convolution that was passed in a bias of its own. Keep the zeros in a variable: "
    "`bias = 0 if conv.bias is None else conv.bias`.",
)
def _(conv, batchnorm):
    if conv.bias is None:
        conv.bias = nn.Parameter(torch.zeros(conv.out_channels))
    return folded(conv, batchnorm)


@FOLD.mistake(
    "changes-in-place",
    "The result is right, but numbers of the given batch norm have changed. Does a line change them in place, such as `var += eps` after "
    "`var = batchnorm.running_var`, which makes no copy, or an operation whose name ends in _? Compute new ones: "
    "`batchnorm.running_var + batchnorm.eps`.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    batchnorm.running_var.add_(batchnorm.eps)
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
    "You switch a given layer to train mode, and it stays so. Folding is for eval mode: take running_mean and running_var, and leave "
    "the mode as it is.",
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
    "unbiased-statistics-of-the-weight",
    "You take mean and variance of the convolution's weight, with `var()`, which divides by n − 1. Batch norm in eval mode uses "
    "batchnorm.running_mean and batchnorm.running_var.",
)
def _(conv, batchnorm):
    other = copy.deepcopy(batchnorm)
    flat = conv.weight.detach().flatten(1)
    other.running_mean, other.running_var = flat.mean(1), flat.var(1)
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
    "The result is an nn.Sequential. The task asks for one nn.Conv2d, which does the work of both layers: return that itself.",
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


@FOLD.mistake(
    "new-bias-is-none",
    "Where conv has no bias, your new layer has none either, so there is nothing to write into. It always needs one: make it with "
    "`bias=True`. (A copy of conv gets one by `new.bias = nn.Parameter(…)`.)",
)
def _(conv, batchnorm):
    new = copy.deepcopy(conv)
    right = folded(conv, batchnorm)
    with torch.no_grad():
        new.weight.copy_(right.weight)
        new.bias.copy_(right.bias)
    return new


@FOLD.mistake(
    "bias-switched-off",
    "You make the new layer with `bias=False`, so its bias is None, and there is nothing to write into. It always needs one, for mean and "
    "shift of the batch norm: write `bias=True`, or leave it out.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm, bias=False)
    new.bias.copy_(batchnorm.bias)
    return new


@FOLD.mistake(
    "conv-bias-is-none",
    "A convolution without bias has `conv.bias` None, and None is no number. Take 0 instead: "
    "`0 if conv.bias is None else conv.bias`; and make the new layer with a bias of its own, `bias=True`.",
)
def _(conv, batchnorm):
    return folded(conv, batchnorm, shift=lambda bn, _, scale: _shift(bn, conv.bias, scale))


def _shift(batchnorm: nn.BatchNorm2d, bias: Tensor | None, scale: Tensor) -> Tensor:
    return batchnorm.bias + (bias - batchnorm.running_mean) * scale


@FOLD.mistake(
    "tensor-for-parameter",
    "You assign a tensor where the layer holds a parameter. Write `new.weight.copy_(…)` under `torch.no_grad()`, or wrap "
    "the tensor: `nn.Parameter(…)`.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    new.weight = new.weight * 1
    return new


@FOLD.mistake(
    "in-place-with-gradients",
    "You change a parameter in place while PyTorch records the gradients. Put these lines under `with torch.no_grad():`.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    new.weight.mul_(1)
    return new


@FOLD.mistake(
    "shallow-copy",
    "`copy.copy` copies the layer, but not its weights: the given convolution gets the new ones too. Use copy.deepcopy(conv), "
    "or make a new nn.Conv2d.",
)
def _(conv, batchnorm):
    new, right = copy.copy(conv), folded(conv, batchnorm)
    new.weight, new.bias = right.weight, right.bias
    return new


@FOLD.mistake(
    "double-precision",
    "The new layer has numbers of 64 bits (float64), and PyTorch refuses an image of 32 bits. Keep the type of conv.weight.",
)
def _(conv, batchnorm):
    return folded(conv, batchnorm).double()


@FOLD.mistake(
    "batchnorm-as-a-hook",
    "The batch norm still runs, as a hook of the convolution. Put its work into the weight and the bias.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    right = copy.deepcopy(new)
    nn.init.zeros_(new.weight), nn.init.zeros_(new.bias)
    new.register_forward_hook(lambda layer, inputs, output: right(*inputs))
    return new


@FOLD.mistake(
    "leaves-gradients",
    "You call `backward()`, and the gradients stay in the given layers. Nothing has to be learnt here: use the running "
    "statistics as they are.",
)
def _(conv, batchnorm):
    nothing = torch.zeros(1, conv.in_channels, 9, 9)
    with torch.enable_grad():
        batchnorm(conv(nothing)).sum().backward()
    return folded(conv, batchnorm)


@FOLD.mistake(
    "freezes-the-given-layers",
    "You switch requires_grad off in the layers that were given, so they can no longer be trained. Put your lines under "
    "`with torch.no_grad():` instead.",
)
def _(conv, batchnorm):
    conv.requires_grad_(False), batchnorm.requires_grad_(False)
    return folded(conv, batchnorm)


@FOLD.mistake(
    "eps-changed",
    "You change batchnorm.eps of the batch norm that was given. Leave both layers as they are.",
)
def _(conv, batchnorm):
    new = folded(conv, batchnorm)
    batchnorm.eps = 0.0
    return new
