"""The steps of a computation in their order, and where they depart from the solution's."""

import functools
from collections.abc import Collection
from dataclasses import dataclass, field

from torch import Tensor
from torch.overrides import TorchFunctionMode

from resnet_exercises.light_blocks import LightBlock
from resnet_exercises.observing import Probe, first_difference, same, tell

#: what the steps explain: the output is their last result, and the weights are those that they use
OUTPUT, PARAMETERS, SHAPE = "output in eval mode", "number of parameters", "shape of the output"


class Steps(TorchFunctionMode):
    """Notes what each step of a computation is, in words, and the numbers that come out of it.

    A block that was handed to the answer is one step, whatever it computes; the layers of its projection, which come
    from the answer, are steps too. What is computed with the tensors of a downsample, ``theirs``, is one step.
    """

    def __init__(self, theirs: Collection[int] = ()):
        super().__init__()
        self.taken: list[tuple[str, Tensor]] = []
        self.theirs = set(theirs)

    def __torch_function__(self, function, types, arguments=(), named=None):
        result = function(*arguments, **(named or {}))
        name = getattr(function, "__name__", "").rstrip("_")  # add_ is a sum too
        describe = _WORDS.get(name)
        # not the integers: batch norm counts the batches by a sum
        if describe is None or not (isinstance(result, Tensor) and result.is_floating_point()):
            return result
        if not self.theirs.isdisjoint(map(id, arguments)):
            words = "downsample"
            self.taken = self.taken[: -1 if self.taken and self.taken[-1][0] == words else None]
        elif not LightBlock._computes:
            words = describe(*arguments, **(named or {})) if callable(describe) else describe
        elif name == "relu":  # the last that a block computes
            words = f"block {1 + sum(w.startswith('block') for w, _ in self.taken)}"
        else:
            return result
        self.taken.append((words, result.detach().flatten().clone()))
        return result


def _convolution(input, weight, bias=None, stride=1, padding=0, dilation=1, groups=1) -> str:
    text = f"{weight.shape[1] * groups} → {weight.shape[0]} channels"
    given = {"stride": stride, "padding": padding, "dilation": dilation, "groups": groups}
    for what, value in given.items():
        if _number(value) != (0 if what == "padding" else 1):
            text += f", {what} {_number(value)}"
    text += ", with a bias" if bias is not None else ""
    return f"a {_window(weight.shape[2:])} convolution ({text})"


def _max_pool(input, kernel_size, stride=None, padding=0, *others, ceil_mode=False, **more) -> str:
    text = f"stride {_number(stride or kernel_size)}, padding {_number(padding)}"
    text += ", ceil_mode" if ceil_mode else ""
    return f"a max-pool of {_window(kernel_size)} ({text})"


def _adaptive(what: str, input, output_size, *others, **more) -> str:
    over = "over the whole image" if _number(output_size) == 1 else f"for {_window(output_size)} pixels"
    return f"{what} {over}"


def _number(value: object) -> object:
    """A setting for two axes as one number, where it is the same for both."""
    is_one = isinstance(value, (tuple, list)) and len(set(value)) == 1
    return value[0] if is_one else value


def _window(size: object) -> str:
    return "×".join(map(str, size if isinstance(size, (tuple, list)) else (size, size)))


#: the functions that count as a step, and what they are in words
_WORDS = {
    "conv2d": _convolution,
    "linear": lambda input, weight, bias=None: (
        f"a linear layer ({weight.shape[1]} → {weight.shape[0]}{', without a bias' if bias is None else ''})"
    ),
    "batch_norm": lambda input, *others, **more: f"a batch norm of {input.shape[1]} channels",
    "max_pool2d": _max_pool,
    "adaptive_avg_pool2d": functools.partial(_adaptive, "an average"),
    "adaptive_max_pool2d": functools.partial(_adaptive, "a maximum"),
    "avg_pool2d": lambda input, kernel_size, *others, **more: f"an average pool of {_window(kernel_size)}",
    "pad": lambda input, pad, *others, **more: f"a padding of {tuple(pad)}",
    **{"relu": "a ReLU", "relu6": "a ReLU6", "hardtanh": "a ReLU6", "add": "a sum", "abs": "absolute values"},
    **{"sub": "a difference", "mul": "a product", "div": "a division", "maximum": "a maximum"},
    **dict.fromkeys(("cat", "concat"), "a concatenation"),
    **{f"{name}_norm": f"another norm ({name})" for name in ("group", "instance", "layer")},
    **dict.fromkeys(("clamp", "clip"), "a clamp"),
    **{name: f"a {name}" for name in ("softmax", "log_softmax", "sigmoid", "tanh")},
    **{"leaky_relu": "a leaky ReLU", "gelu": "a GELU", "silu": "a SiLU", "dropout": "dropout"},
    **{"mean": "an average", "amax": "a maximum", "sum": "a sum of pixels"},
}


@dataclass(frozen=True)
class Taken:
    """The steps that a module took, for the evidence: as an observation equal to all others."""

    steps: list[tuple[str, Tensor]] = field(compare=False)


def tell_steps(probe: Probe, expected: object, got: object) -> str:
    """As :func:`tell`, and then where the steps depart from the solution's, if they explain what differs."""
    told = tell(probe, expected, got)
    if not (isinstance(expected, dict) and isinstance(got, dict)):
        return told
    what, right, wrong = first_difference(expected, got)
    steps = [v.steps for seen in (expected, got) for v in seen.values() if isinstance(v, Taken)]
    if not what.startswith((OUTPUT, PARAMETERS, SHAPE)) or len(steps) < 2 or not steps[1]:
        return told
    said = departure(*steps)
    if not said and what == OUTPUT:
        said = f"Your results are right up to {_the(steps[1], len(steps[1]))}, but what forward returns is not."
    if not said and what.startswith(PARAMETERS) and wrong > right:
        said = "The results of all your steps are right, so a layer is made that is not used."
    return f"{told}\n{said}".rstrip()


def departure(right: list[tuple[str, Tensor]], got: list[tuple[str, Tensor]]) -> str:
    """What comes after the last result that the solution has too; an empty string where it is the last of both.

    Steps before it may come in another order and give the same in the end, as a ReLU and a max-pool.
    """
    common = [(0, 0)]
    for mine, (_, result) in enumerate(got, 1):
        common += [(mine, n) for n, (_, other) in enumerate(right, 1) if same(result, other)]
    # the furthest in both: a shortcut may be computed first or late
    last = max(common, key=sum)
    rest = [
        [words for n, (words, _) in enumerate(steps, 1) if n > start and n not in known]
        for steps, start, known in zip((got, right), last, zip(*common))
    ]
    if not any(rest):
        return ""
    begins = f"Your results are right up to {_the(got, last[0])}. Then" if last[0] else "At first"
    yours, solutions = (steps[0] if steps else "nothing more" for steps in rest)
    if yours != solutions:
        return f"{begins} you have {yours}; the solution has {solutions}."
    both = "as the solution has, but it gives other numbers: it has another input or another setting."
    return f"{begins} you have {yours}, {both}"


def _the(steps: list[tuple[str, Tensor]], number: int) -> str:
    """A step by its number, as in ``the second ReLU`` where others have the same words."""
    words = [words for words, _ in steps]
    first, _, rest = words[number - 1].partition(" ")
    which = words[:number].count(words[number - 1])
    if words.count(words[number - 1]) > 1 and which <= len(_ORDINALS):
        rest = f"{_ORDINALS[which - 1]} {rest}"
    return f"the {rest}" if first in ("a", "an") else words[number - 1]


_ORDINALS = ("first", "second", "third", "fourth", "fifth")
