"""The exercises on sizes, and what readers get wrong in them."""

from __future__ import annotations

import itertools
import math

import numpy
import torch

from resnet_lib.exercises.checking import Exercise
from resnet_lib.exercises.functions import (
    Call,
    Seen,
    calls,
    evidence,
    one_tuple,
    plainly,
    tell_value,
    wrong_kinds,
    wrong_refusals,
    yours,
)
from resnet_lib.formula import output_size as right_size
from resnet_lib.formula import same_padding as right_padding

# --- output_size -----------------------------------------------------------------------------


def _case(*positional: int, **named: int) -> tuple:
    defaults = (*positional, *(0, 1)[len(positional) - 2 :])
    i, k, p, s = defaults
    return positional, named, (i, k, named.get("padding", p), named.get("stride", s))


FITTING = [
    _case(7, 3),
    _case(7, 3, padding=1, stride=2),
    _case(8, 3, padding=1, stride=2),
    _case(14, 3, padding=1, stride=2),  # 7.5: here even round() is wrong
    _case(6, 2, stride=2),  # an even kernel, and no padding given
    _case(9, 3, 2),  # padding and stride by their places
    _case(9, 3, 2, 3),  # 3.33: a fraction that is not a half
    _case(224, 7, padding=3, stride=2),
    _case(5, 1, 1),  # more padding than kernel
    _case(56, 1, stride=2),  # a kernel smaller than the stride, as on the shortcuts
    _case(8, 3, 1, 3),  # here each term rounded down by itself gives less than the whole
]
SPECIAL = [
    _case(5, 5),  # fits exactly
    _case(5, 7, padding=1, stride=2),  # fits exactly with the padding on both sides
    _case(6, 7, stride=2),  # -1 / 2: int() cuts it to 0
    _case(4, 7, padding=1),  # one pixel too few, with the padding on both sides
    _case(2, 9, padding=1, stride=2),  # -2.5 + 1: int() cuts it to -1, the floor is -2
]
# All small layers, most of which fit: a rule that is right for the sizes above by luck is wrong for one of these.
SMALL = [
    _case(*sizes)
    for sizes in itertools.product(range(1, 8), (1, 2, 3, 5), range(3), range(1, 5))
]
# And some large ones, for a rule with a limit: a kernel may be as large as the image, as in global pooling.
LARGE = [_case(56, 56), _case(224, 31, 15, 8), _case(1000, 11, 2, 4)]


@evidence
def tell_size(probe: Call, expected: Seen, got: Seen) -> str:
    """The formula with the numbers put in."""
    i, k, p, s = probe.arguments
    if expected.kind == "error":
        room = f"{i} + 2·{p} = {i + 2 * p}"
        return (
            f"{probe.label}: the kernel, {k} wide, does not fit into {room} pixels, "
            f"so a ValueError is right{yours(got)}"
        )
    exact = (i - k + 2 * p) / s + 1
    formula = f"({i} − {k} + 2·{p}) / {s} + 1 = {round(exact, 2)}, floor {math.floor(exact)}"
    return f"{probe.label}: {formula}{yours(got)}"


@evidence
def picture_size(probe: Call, expected: Seen, got: Seen):
    """The positions of the kernel, where they fit on a drawing."""
    i, k, p, _ = probe.arguments
    if not k <= i + 2 * p <= 20:
        return None

    def draw():
        from resnet_lib.drawing import draw_positions  # matplotlib takes a while to load

        return draw_positions(*probe.arguments)

    return draw


output_size = Exercise(
    name="output_size",
    signature="output_size(input_size, kernel_size, padding=0, stride=1)",
    reference=right_size,
    probes=calls("output_size", right_size, FITTING, SPECIAL, SMALL + LARGE),
    praise="Every size is right, with halves and without, and a kernel that does not fit is refused.",
    evidence=tell_size,
    picture=picture_size,
)


def _fits(input_size, kernel_size, padding=0, stride=1):
    return kernel_size <= input_size + 2 * padding


wrong_kinds(output_size)
wrong_refusals(output_size, "a kernel that does not fit", "size", _fits)

# Mistakes in the rule come first. What they do where the kernel does not fit is not looked at.


@output_size.mistake(
    "true-division",
    "Your division keeps the fraction. Half a position does not exist: use `//`, which rounds down and gives an int.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) / stride + 1


@output_size.mistake(
    "float-result",
    "Where the kernel fits, the values are right, but they are floats. A size must be an int, as `range` and PyTorch "
    "refuse 4.0: use `//` on ints, or `int(…)` at the end.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return float((input_size - kernel_size + 2 * padding) // stride + 1)


@output_size.mistake(
    "round",
    "You use `round`. A move that does not fit completely does not happen, so the formula rounds down: use `//`. "
    "(`round` goes to the nearest number, and from a half to the even one, so it is right only sometimes.)",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return round((input_size - kernel_size + 2 * padding) / stride + 1)


@output_size.mistake(
    "round-before-plus-one",
    "You use `round` on the number of moves, before the + 1. A move that does not fit completely does not happen, "
    "so round down: use `//`.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return round((input_size - kernel_size + 2 * padding) / stride) + 1


@output_size.mistake(
    "round-half-up",
    "You round a half up. The last move needs the whole stride, and only half of it is left: round down, with `//`.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return math.floor((input_size - kernel_size + 2 * padding) / stride + 0.5) + 1


@output_size.mistake(
    "ceil",
    "You round up. The last move would carry the kernel over the edge, so it does not happen: round down, with `//`.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return math.ceil((input_size - kernel_size + 2 * padding) / stride) + 1


@output_size.mistake(
    "each-term-divided",
    "You divide each term by itself, so each is rounded by itself. Put brackets around I − K + 2·P, and divide and round once.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return input_size // stride - kernel_size // stride + 2 * padding // stride + 1


@output_size.mistake(
    "last-position-missing",
    "Where the kernel ends with the last pixel, your count leaves this position out. A loop goes on while the kernel ends at the edge or "
    "before it (`<=`, not `<`); `range` leaves out its end, so it ends at I − K + 2·P + 1; and the longer formula with a dilation of 1 "
    "subtracts K − 1 and 1, not K and 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return len(range(0, input_size - kernel_size + 2 * padding, stride))


@output_size.mistake(
    "one-position-too-many",
    "You subtract one pixel too few. The formula is (I − K + 2·P) / S + 1; the longer one, with a dilation of 1, subtracts K − 1 "
    "and then another 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - (kernel_size - 1) + 2 * padding) // stride + 1


@output_size.mistake(
    "every-start-counted",
    "Your size does not depend on the kernel: it counts a start at every S pixels of the padded row. The kernel must end inside too, "
    "so its last start is K pixels before the end: divide I − K + 2·P, and add 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return len(range(0, input_size + 2 * padding, stride))


@output_size.mistake(
    "one-padding",
    "You count the padding once. It is added on both sides of the row, so it counts twice: 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + padding) // stride + 1


@output_size.mistake(
    "padding-subtracted",
    "You subtract the padding. Padding makes the row longer, so it is added: I − K + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size - 2 * padding) // stride + 1


@output_size.mistake(
    "no-plus-one",
    "The + 1 is missing. The division counts moves; the position where the kernel starts is one more.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) // stride


@output_size.mistake(
    "plus-one-before-division",
    "You add 1 before you divide. The 1 is the starting position, not a pixel: divide first, then add 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding + 1) // stride


@output_size.mistake(
    "plus-one-in-denominator",
    "You divide by S + 1. The + 1 stands outside the fraction: divide by S, then add 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) // (stride + 1)


@output_size.mistake(
    "no-brackets",
    "Only 2·P is divided by the stride, as `//` comes before + and −. Put brackets around I − K + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return input_size - kernel_size + 2 * padding // stride + 1


@output_size.mistake(
    "no-brackets-and-true-division",
    "Only 2·P is divided by the stride, as / comes before + and −. Put brackets around I − K + 2·P, "
    "and use `//`, which gives an int.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return input_size - kernel_size + 2 * padding / stride + 1


@output_size.mistake(
    "stride-ignored",
    "The stride is not used. It says how long a move is, so divide the free way I − K + 2·P by it.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return input_size - kernel_size + 2 * padding + 1


@output_size.mistake(
    "padding-ignored",
    "The padding is not used. It makes the row longer by 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size) // stride + 1


@output_size.mistake(
    "kernel-ignored",
    "You divide the input size by the stride. The kernel size and the padding count too: (I − K + 2·P) / S + 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return input_size // stride


@output_size.mistake(
    "kernel-ignored-rounded-up",
    "Your size is the input size divided by the stride and rounded up. That is right only with the padding (K − 1) / 2; "
    "kernel size and padding as they are given count too: (I − K + 2·P) / S + 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return math.ceil(input_size / stride)


@output_size.mistake(
    "kernel-added",
    "You add the kernel size. The kernel needs room itself, so it is subtracted: I − K + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size + kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "padding-after-division",
    "You add 2·P after the division. Padding makes the row longer, so it is divided by the stride too: "
    "(I − K + 2·P) / S + 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size) // stride + 2 * padding + 1


@output_size.mistake(
    "remainder",
    "`%` gives the remainder of a division, the pixels that are left over. The moves are the quotient: use `//`.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) % stride + 1


@output_size.mistake(
    "multiplied-by-stride",
    "You multiply by the stride. The longer each move is, the fewer moves there are: divide, with `//`.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) * stride + 1


@output_size.mistake(
    "minus-one",
    "You subtract 1 at the end. The division counts moves; the position where the kernel starts is one more: + 1.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) // stride - 1


@output_size.mistake(
    "padding-and-stride-swapped",
    "Padding and stride have changed places in your formula: the padding is added twice, the stride divides.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * stride) // padding + 1


@output_size.mistake(
    "arguments-in-other-order",
    "The formula is right, but the function takes the stride before the padding. "
    "Begin it with `def output_size(input_size, kernel_size, padding=0, stride=1)`.",
)
def _(input_size, kernel_size, stride=1, padding=0):
    return (input_size - kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "input-and-kernel-swapped",
    "Input size and kernel size have changed places: the free way is the input minus the kernel.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (kernel_size - input_size + 2 * padding) // stride + 1


@output_size.mistake(
    "no-defaults",
    "Padding and stride can be left out: `output_size(7, 3)`. Give them defaults, `padding=0, stride=1`.",
)
def _(input_size, kernel_size, padding, stride):
    return (input_size - kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "padding-by-default",
    "Where no padding is given, you take 1. A layer has none by default, as in PyTorch: `padding=0`.",
)
def _(input_size, kernel_size, padding=1, stride=1):
    return (input_size - kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "stride-by-default",
    "Where no stride is given, you take 2. A layer moves by one pixel by default, as in PyTorch: `stride=1`.",
)
def _(input_size, kernel_size, padding=0, stride=2):
    return (input_size - kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "stride-is-kernel-by-default",
    "Where no stride is given, you take the kernel size, as pooling layers do. A convolution moves by one pixel: `stride=1`.",
)
def _(input_size, kernel_size, padding=0, stride=None):
    return (input_size - kernel_size + 2 * padding) // (stride or kernel_size) + 1


@output_size.mistake(
    "only-strides-one-and-two",
    "You take every stride above 1 for 2. Divide by the stride that is given.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) // min(stride, 2) + 1


@output_size.mistake(
    "large-padding-refused",
    "You refuse a padding of more than half the kernel. PyTorch does so in pooling layers; for a convolution any padding is "
    "valid, and only a kernel that does not fit is refused.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if padding > kernel_size // 2:
        raise ValueError
    return right_size(input_size, kernel_size, padding, stride)


@output_size.mistake(
    "large-stride-refused",
    "You refuse a stride that is larger than the kernel. It leaves pixels out, and is valid: on its shortcuts ResNet has 1×1 "
    "kernels with stride 2.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if stride > kernel_size:
        raise ValueError
    return right_size(input_size, kernel_size, padding, stride)


@output_size.mistake(
    "fraction-refused",
    "You raise an error where the division has a remainder. That is no mistake of the caller's: "
    "nearly every stride of 2 in ResNet has one. Round down.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if (input_size - kernel_size + 2 * padding) % stride:
        raise ValueError
    return right_size(input_size, kernel_size, padding, stride)


@output_size.mistake(
    "none-for-fraction",
    "Where the division has a remainder, your function returns None: the `return` for this case is missing. "
    "Round down there too.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if (input_size - kernel_size + 2 * padding) % stride == 0:
        return right_size(input_size, kernel_size, padding, stride)


@output_size.mistake(
    "fit-without-padding",
    "You refuse a kernel that fits thanks to the padding. Compare it with the *padded* input: I + 2·P, "
    "with the padding of both sides.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size:
        raise ValueError
    return right_size(input_size, kernel_size, padding, stride)


@output_size.mistake(
    "fit-inverted",
    "You refuse a kernel that fits. Is the comparison the wrong way round? Raise the ValueError where K is *larger* than "
    "I + 2·P. Or are the first two arguments exchanged? `input_size` comes before `kernel_size`.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if kernel_size < input_size + 2 * padding:
        raise ValueError
    return (input_size - kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "exact-fit-refused",
    "You refuse a kernel that is as large as the padded input. It fits, in one position, and 1 is a valid size: raise the "
    "ValueError only where K is larger than I + 2·P. Is there an equal sign too many in your comparison?",
)
def _(input_size, kernel_size, padding=0, stride=1):
    if kernel_size >= input_size + 2 * padding:
        raise ValueError
    return right_size(input_size, kernel_size, padding, stride)


@output_size.mistake(
    "no-error",
    "Where the kernel does not fit, your function gives a size of 0 or below. No such output exists: "
    "raise a ValueError where K is larger than I + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return (input_size - kernel_size + 2 * padding) // stride + 1


@output_size.mistake(
    "int-of-a-negative",
    "`int` cuts towards zero, so it rounds −0.5 *up* to 0, and a kernel that does not fit gets a position. "
    "Use `//`, and raise a ValueError where K is larger than I + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return int((input_size - kernel_size + 2 * padding) / stride) + 1


@output_size.mistake(
    "int-after-plus-one",
    "`int` cuts towards zero, also below zero, and nothing is refused. "
    "Use `//`, and raise a ValueError where K is larger than I + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return int((input_size - kernel_size + 2 * padding) / stride + 1)


@output_size.mistake(
    "zero-accepted",
    "You refuse some kernels that do not fit, and for others you give a size of 0. Do you raise the ValueError only for sizes "
    "below 0? Raise it for every size below 1: that is where K is larger than I + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    size = (input_size - kernel_size + 2 * padding) // stride + 1
    if size < 0:
        raise ValueError
    return size


@output_size.mistake(
    "refused-after-int",
    "You refuse some kernels that do not fit, and where less than a stride is missing you give a size of 1. `int` cuts towards zero, "
    "so −0.5 becomes 0, and with the + 1 it looks like a size: use `//`, which rounds down, or compare K with I + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    size = int((input_size - kernel_size + 2 * padding) / stride) + 1
    if size < 1:
        raise ValueError
    return size


@output_size.mistake(
    "refused-before-rounding",
    "You refuse some kernels that do not fit, and where less than a stride is missing you give a size of 0. Do you test the size before "
    "you round it down? 0.5 is above 0, and becomes 0: refuse every size below 1, or compare K with I + 2·P.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    size = (input_size - kernel_size + 2 * padding) / stride + 1
    if size <= 0:
        raise ValueError
    return math.floor(size)


@output_size.mistake(
    "one-for-error",
    "Where the kernel does not fit, you return at least 1. No such output exists: raise a ValueError.",
)
def _(input_size, kernel_size, padding=0, stride=1):
    return max((input_size - kernel_size + 2 * padding) // stride + 1, 1)


# --- same_padding ----------------------------------------------------------------------------


@evidence
def tell_padding(probe: Call, expected: Seen, got: Seen) -> str:
    """The formula with the numbers put in."""
    (k,) = probe.arguments
    if expected.kind == "error":
        result = f"({k} − 1) / 2 = {(k - 1) / 2} is no whole number, so a ValueError is right"
    else:
        result = f"({k} − 1) / 2 = {expected.shown}"
    return f"{probe.label}: {result}{yours(got)}"


same_padding = Exercise(
    name="same_padding",
    signature="same_padding(kernel_size)",
    reference=right_padding,
    probes=calls(
        "same_padding",
        right_padding,
        [plainly(odd) for odd in (3, 1, 5, 7, 31)],
        [plainly(even) for even in (4, 2, 8, 30)],
        # The large ones are for a search that ends somewhere, or that tries the padding on an image.
        [plainly(size) for size in (*range(1, 41), 100, 101, 225, 400, 401)],
    ),
    praise="This padding keeps every size, and an even kernel is refused.",
    evidence=tell_padding,
)


wrong_kinds(same_padding)
wrong_refusals(same_padding, "an even kernel", "padding", lambda kernel_size: kernel_size % 2)


@same_padding.mistake(
    "float-result",
    "For odd kernels the values are right, but they are floats, and `nn.Conv2d` refuses a padding of 1.0: use `//`. "
    "As it hides the fraction of an even kernel, raise a ValueError before.",
)
def _(kernel_size):
    return (kernel_size - 1) / 2


@same_padding.mistake(
    "half-of-kernel",
    "You take half of the kernel. The middle pixel of the kernel needs no padding: take half of K − 1.",
)
def _(kernel_size):
    return kernel_size / 2


@same_padding.mistake(
    "half-of-kernel-rounded",
    "You take half of the kernel and use `round`, which goes from a half to the even number: right for 1 and 5, wrong for 3. "
    "Take half of K − 1, with `//`.",
)
def _(kernel_size):
    return round(kernel_size / 2)


@same_padding.mistake(
    "no-brackets",
    "Only the 1 is divided by 2, as / comes before −. Put brackets around K − 1, and use `//`, which gives an int.",
)
def _(kernel_size):
    return kernel_size - 1 / 2


@same_padding.mistake(
    "no-brackets-and-floor",
    "You give K itself. Does your formula read K − 1 // 2? Only the 1 is divided there, as `//` comes before −, and 1 // 2 is 0: "
    "put brackets around K − 1.",
)
def _(kernel_size):
    return kernel_size - 1 // 2


@same_padding.mistake(
    "both-sides",
    "K − 1 is the padding of both sides together. `padding` is the number on *each* side: half of it.",
)
def _(kernel_size):
    return kernel_size - 1


@same_padding.mistake(
    "rounded-up",
    "You give one too many, (K + 1) / 2. Solve I = I − K + 2·P + 1 for P: (K − 1) / 2.",
)
def _(kernel_size):
    return (kernel_size + 1) // 2


@same_padding.mistake(
    "one-too-few",
    "You give one too few, (K − 3) / 2. Solve I = I − K + 2·P + 1 for P: (K − 1) / 2.",
)
def _(kernel_size):
    return kernel_size // 2 - 1


@same_padding.mistake(
    "always-one",
    "You always give 1. That is right for a 3×3 kernel only: a larger kernel needs more padding, a 1×1 needs none.",
)
def _(kernel_size):
    return 1


@same_padding.mistake(
    "word-same",
    'You give the word "same", with which PyTorch works the number out by itself. Here, work it out: (K − 1) / 2.',
)
def _(kernel_size):
    return "same"


@same_padding.mistake(
    "odd-refused",
    "You refuse the odd kernels. It is the even ones that no padding fits: (4 − 1) / 2 = 1.5.",
)
def _(kernel_size):
    if kernel_size % 2:
        raise ValueError
    return (kernel_size - 1) // 2


@same_padding.mistake(
    "one-by-one-padded",
    "You give a 1×1 kernel a padding of 1. It needs none: (1 − 1) / 2 = 0.",
)
def _(kernel_size):
    return max(1, kernel_size // 2)


@same_padding.mistake(
    "one-by-one-refused",
    "You refuse a 1×1 kernel. A padding of 0 keeps the size, and is valid: (1 − 1) / 2 = 0.",
)
def _(kernel_size):
    if kernel_size < 3:
        raise ValueError
    return kernel_size // 2


@same_padding.mistake(
    "large-kernels-refused",
    "You refuse large kernels. Is there a table, or a search, that ends too early? Every odd kernel has a padding: (K − 1) / 2.",
)
def _(kernel_size):
    if kernel_size > 9:
        raise ValueError
    return kernel_size // 2


@same_padding.mistake(
    "large-kernels-missing",
    "Your code fails for large kernels. Is there a table that has no entry for them? Every odd kernel has a padding: (K − 1) / 2.",
)
def _(kernel_size):
    return {1: 0, 3: 1, 5: 2, 7: 3}[kernel_size]


@same_padding.mistake(
    "pair-for-even",
    "For an even kernel you give two numbers, one for each side. The task asks for one that holds on both sides, and there is none: "
    "raise a ValueError.",
)
def _(kernel_size):
    padding = kernel_size // 2
    return padding if kernel_size % 2 else (padding - 1, padding)


@same_padding.mistake(
    "even-rounded-down",
    "Rounding down (`//`, `int`, `floor`) hides the fraction of an even kernel: with your padding the output is one pixel too small. "
    "Raise a ValueError.",
)
def _(kernel_size):
    return (kernel_size - 1) // 2


@same_padding.mistake(
    "even-rounded-up",
    "Your padding is right for odd kernels, but for an even one it is rounded up, as by K // 2 or `ceil`, and the output is one pixel "
    "too large. Raise a ValueError.",
)
def _(kernel_size):
    return kernel_size // 2


@same_padding.mistake(
    "even-keeps-fraction",
    "For an even kernel you give a padding with a fraction, and half a pixel does not exist. Raise a ValueError.",
)
def _(kernel_size):
    padding = (kernel_size - 1) / 2
    return int(padding) if kernel_size % 2 else padding


# --- stage_sizes -----------------------------------------------------------------------------


def right_stages(input_size: int) -> list[int]:
    """conv1 is 7×7, the max-pool and the first convolution of conv3_x … conv5_x are 3×3, all with stride 2."""
    sizes = [right_size(input_size, 7, padding=3, stride=2)]
    for _ in range(4):
        sizes.append(right_size(sizes[-1], 3, padding=1, stride=2))
    return sizes


stage_sizes = Exercise(
    name="stage_sizes",
    signature="stage_sizes(input_size)",
    reference=right_stages,
    # At 224 the input of every stage is even, at 225 odd; at 299 round() goes up, and the stages are odd and even by turns.
    # Each call more counts for an answer that asks a network. At the end the first size is asked again.
    probes=calls(
        "stage_sizes",
        right_stages,
        [plainly(size) for size in (224, 225, 299)],
        [plainly(1)],
        [plainly(size) for size in (*range(2, 33), *range(190, 300, 11), 512, 1001, 224)],
    ),
    praise="All five sizes are right, and not for 224 only.",
    evidence=tell_value,
)


@stage_sizes.mistake(
    "no-return",
    "Your function returns None. `print` only shows the sizes, and `append` itself gives None: "
    "write `return` and the name of your list as the last line.",
)
def _(input_size):
    print(right_stages(input_size))


one_tuple(stage_sizes)


@stage_sizes.mistake(
    "keeps-its-list",
    "Called twice with the same number, your function gives two results: the first call leaves something behind, or uses something up. "
    "Where a list changes, make it inside the function, not outside it and not as a default (`sizes=[]`).",
)
def _(input_size, sizes=[0]):  # as if called before: it must not matter which probe comes first
    sizes.extend(right_stages(input_size))
    return sizes


@stage_sizes.mistake(
    "same-list-every-time",
    "Each call of your function returns the same list and overwrites the sizes of the call before. "
    "Make a new list inside the function, not outside it and not as a default (`sizes=[0] * 5`).",
)
def _(input_size, sizes=[0] * 5):
    sizes[:] = right_stages(input_size)
    return sizes


@stage_sizes.mistake(
    "empty-list",
    "Your list is empty. Is nothing appended to it? Or does your loop take the layers out of a list that stands outside of the function, "
    "so that an earlier call has left none?",
)
def _(input_size):
    return []


@stage_sizes.mistake(
    "append-assigned",
    "`append` changes the list and gives None, so `sizes = sizes.append(…)` throws your list away. "
    "Write `sizes.append(…)` alone.",
)
def _(input_size, sizes=None):
    return sizes.append(input_size)


@stage_sizes.mistake(
    "dict-result",
    "The sizes are right, but they stand in a dict. The task asks for a list of the five ints.",
)
def _(input_size):
    return dict(enumerate(right_stages(input_size)))


@stage_sizes.mistake(
    "iterator-result",
    "`yield`, `map`, or a `for` in round brackets makes an iterator: it holds no list, and it is empty after one use. "
    "Collect the sizes in a list, with `list(…)` or square brackets, and return it.",
)
def _(input_size):
    yield from right_stages(input_size)


@stage_sizes.mistake(
    "array-result",
    "The sizes are right, but they come as an array. The task asks for a list: `.tolist()`.",
)
def _(input_size):
    return numpy.array(right_stages(input_size))


@stage_sizes.mistake(
    "tensor-result",
    "The sizes are right, but they come as a tensor. The task asks for a list: `.tolist()`.",
)
def _(input_size):
    return torch.tensor(right_stages(input_size))


@stage_sizes.mistake(
    "tensors-in-the-list",
    "The sizes are right, but each is a tensor. The task asks for ints: add `.item()`, or calculate without PyTorch.",
)
def _(input_size):
    return [torch.tensor(size) for size in right_stages(input_size)]


@stage_sizes.mistake(
    "texts-in-the-list",
    "The sizes are right, but each is a text (a str). The task asks for ints: leave out the quotes or `str(…)`.",
)
def _(input_size):
    return [str(size) for size in right_stages(input_size)]


@stage_sizes.mistake(
    "text-result",
    "The sizes are right, but you return a text that looks like a list. Return the list itself.",
)
def _(input_size):
    return str(right_stages(input_size))


@stage_sizes.mistake(
    "order-reversed",
    "Your list is the wrong way round: conv1, the largest size, comes first.",
)
def _(input_size):
    return right_stages(input_size)[::-1]


@stage_sizes.mistake(
    "global-pool-listed-too",
    "Your list has six sizes, as the average pool at the end has an entry of its own. "
    "The task asks for conv1, conv2_x, conv3_x, conv4_x and conv5_x.",
)
def _(input_size):
    return [*right_stages(input_size), 1]


@stage_sizes.mistake(
    "each-from-the-input",
    "You calculate every size from `input_size`. The input of a stage is the *output* of the one before: "
    "replace the size in your loop, or use the last entry of your list.",
)
def _(input_size):
    return [(input_size - 1) // 2 + 1] * 5


@stage_sizes.mistake(
    "each-from-conv1",
    "From conv2_x on your sizes stay the same. Either conv3_x, conv4_x and conv5_x lack their stride of 2 (the default is 1), "
    "or you calculate each size from the one after conv1, and not from the one just before it.",
)
def _(input_size):
    conv1 = (input_size - 1) // 2 + 1
    return [conv1] + [(conv1 - 1) // 2 + 1] * 4


@stage_sizes.mistake(
    "rounded-up",
    "Your sizes are one too large where the size before is even: for 224, (224 − 7 + 2·3) / 2 + 1 = 112.5, so 112 after conv1. "
    "Do you round up? A move that does not fit completely does not happen, so round down. Or do you halve and always add 1?",
)
def _(input_size):
    sizes = [math.ceil((input_size - 1) / 2) + 1]
    for _ in range(4):
        sizes.append(math.ceil((sizes[-1] - 1) / 2) + 1)
    return sizes


@stage_sizes.mistake(
    "round",
    "You use `round` in the formula. It goes from a half to the even number, so it is right only sometimes: "
    "round down at every stage, `//`.",
)
def _(input_size):
    sizes = [round((input_size - 1) / 2 + 1)]
    for _ in range(4):
        sizes.append(round((sizes[-1] - 1) / 2 + 1))
    return sizes


@stage_sizes.mistake(
    "tuple-result",
    "The sizes are right, but they come as a tuple. The task asks for a list: square brackets, or `list(…)`.",
)
def _(input_size):
    return tuple(right_stages(input_size))


@stage_sizes.mistake(
    "pairs",
    "You give a pair (height, width) for each stage. The image is square here: one int for each stage.",
)
def _(input_size):
    return [(size, size) for size in right_stages(input_size)]


@stage_sizes.mistake(
    "last-size-only",
    "You give the last size only. Collect the size after each of the five stages in a list.",
)
def _(input_size):
    return right_stages(input_size)[-1]


@stage_sizes.mistake(
    "return-in-loop",
    "Your list ends after the first size. Does the `return` stand inside the loop? Move it to the left.",
)
def _(input_size):
    return right_stages(input_size)[:1]


@stage_sizes.mistake(
    "float-result",
    "The values are right, but they are floats. A size is an int: use `//`.",
)
def _(input_size):
    return [float(size) for size in right_stages(input_size)]


@stage_sizes.mistake(
    "halved-to-floats",
    "You divide by 2 with /, which gives floats, and fractions where the size is odd. "
    "Use the output-size formula with its floor at each stride of 2.",
)
def _(input_size):
    return [input_size / 2**n for n in range(1, 6)]


@stage_sizes.mistake(
    "no-floor",
    "Your formula has no floor, so a fraction goes on into the next stage. Round down at every stage: `//`.",
)
def _(input_size):
    sizes = [(input_size - 1) / 2 + 1]
    for _ in range(4):
        sizes.append((sizes[-1] - 1) / 2 + 1)
    return sizes


@stage_sizes.mistake(
    "halved-and-floored",
    "You halve and round down. The formula gives one more for an odd size: for 225, conv1 gives "
    "(225 − 7 + 2·3) / 2 + 1 = 113, not 112.",
)
def _(input_size):
    return [input_size // 2**n for n in range(1, 6)]


@stage_sizes.mistake(
    "halved-and-rounded",
    "You halve and use `round`, which goes from a half to the even number: 112.5 becomes 112. "
    "The formula gives 113: (225 − 7 + 2·3) / 2 + 1.",
)
def _(input_size):
    sizes = [round(input_size / 2)]
    for _ in range(4):
        sizes.append(round(sizes[-1] / 2))
    return sizes


@stage_sizes.mistake(
    "divided-and-rounded",
    "You divide `input_size` by 2, 4, 8, … and use `round`. The sizes are rounded up: for 225, conv1 gives "
    "(225 − 7 + 2·3) / 2 + 1 = 113, not 112.",
)
def _(input_size):
    return [round(input_size / 2**n) for n in range(1, 6)]


@stage_sizes.mistake(
    "divided-and-rounded-half-up",
    "You divide `input_size` by 2, 4, 8, … and round to the nearest number, as `int(… + 0.5)` does. Each stage rounds its own size up: "
    "for 225, conv1 gives 113, and the max-pool (113 − 3 + 2·1) / 2 + 1 = 57, not 56.",
)
def _(input_size):
    return [int(input_size / 2**n + 0.5) for n in range(1, 6)]


@stage_sizes.mistake(
    "sizes-refused",
    "You refuse sizes that 2, or 32, does not divide. They are no mistake of the caller's: where a size is odd, the formula rounds down.",
)
def _(input_size):
    if input_size % 32:
        raise ValueError
    return right_stages(input_size)


@stage_sizes.mistake(
    "small-images-refused",
    "You refuse small images. conv1 has a padding of 3, so its 7×7 kernel fits even on one pixel: every size from 1 has five sizes.",
)
def _(input_size):
    if input_size < 7:
        raise ValueError
    return right_stages(input_size)


@stage_sizes.mistake(
    "six-sizes",
    "You give six sizes, and halve once more than ResNet does: conv1, the max-pool and the first blocks of three stages "
    "have stride 2, which are five.",
)
def _(input_size):
    sizes = right_stages(input_size)
    return [*sizes, right_size(sizes[-1], 3, padding=1, stride=2)]


@stage_sizes.mistake(
    "only-for-224",
    "You give the sizes for 224, whatever the input is. Work them out from `input_size`. "
    "(Or does a list outside of your function keep the sizes of its first call?)",
)
def _(input_size):
    return [112, 56, 28, 14, 7]


def _chain(*layers):
    """A wrong ``stage_sizes`` from the (kernel_size, padding, stride) of the layer before each size."""

    def answer(input_size):
        sizes = []
        for kernel_size, padding, stride in layers:
            input_size = (input_size - kernel_size + 2 * padding) // stride + 1
            sizes.append(input_size)
        return sizes

    return answer


_CONV1, _HALF, _KEEP = (7, 3, 2), (3, 1, 2), (3, 1, 1)

for _id, _message, _layers in [
    (
        "no-max-pool",
        "conv2_x has the same size as conv1 in your list. It begins with the max-pool, which halves the size.",
        (_CONV1, _KEEP, _HALF, _HALF, _HALF),
    ),
    (
        "conv2-strided",
        "Your conv2_x halves the size twice. Only its max-pool has stride 2; its blocks (`layer1`) have stride 1.",
        (_CONV1, (5, 2, 4), _HALF, _HALF, _HALF),
    ),
    (
        "no-strides",
        "Your list holds one size five times: the strides are missing. conv1, the max-pool, and the first convolution of "
        "conv3_x, conv4_x and conv5_x have stride 2.",
        (_KEEP,) * 5,
    ),
    (
        "starts-with-input",
        "Your first size is that of the input. The first of the five is the size *after* conv1, which has stride 2.",
        (_KEEP, _HALF, _HALF, _HALF, _HALF),
    ),
    (
        "input-listed-too",
        "Your list has six sizes, as it begins with the input. It should begin with the size after conv1.",
        (_KEEP, _CONV1, _HALF, _HALF, _HALF, _HALF),
    ),
    (
        "max-pool-listed-too",
        "Your list has six sizes, as the max-pool has an entry of its own. It belongs to conv2_x: one size for both.",
        (_CONV1, _HALF, _KEEP, _HALF, _HALF, _HALF),
    ),
    (
        "conv3-not-strided",
        "Your third size is the same as the second. The max-pool belongs to conv2_x and has no entry of its own, "
        "and conv3_x begins with stride 2.",
        (_CONV1, _HALF, _KEEP, _HALF, _HALF),
    ),
    (
        "conv4-not-strided",
        "Your conv4_x keeps the size. It begins with stride 2, as conv3_x and conv5_x do.",
        (_CONV1, _HALF, _HALF, _KEEP, _HALF),
    ),
    (
        "conv5-not-strided",
        "Your conv5_x keeps the size. It begins with stride 2, as conv3_x and conv4_x do.",
        (_CONV1, _HALF, _HALF, _HALF, _KEEP),
    ),
    (
        "conv1-missing",
        "Your list has four sizes, and that after conv1 is missing. It is the first of the five.",
        ((5, 2, 4), _HALF, _HALF, _HALF),
    ),
    (
        "conv5-missing",
        "Your list has four sizes and ends too early: conv1, conv2_x, conv3_x, conv4_x and conv5_x are five.",
        (_CONV1, _HALF, _HALF, _HALF),
    ),
    (
        "one-padding",
        "You count each padding once. It is added on both sides: I − K + 2·P.",
        ((4, 0, 2), *[(2, 0, 2)] * 4),  # 7 − 3 and 3 − 1
    ),
    (
        "no-plus-one",
        "The + 1 of the formula is missing at every stage.",
        ((3, 0, 2),) * 5,  # (I − 3) / 2 + 1 is (I − 1) / 2
    ),
    (
        "padding-and-stride-swapped",
        "Padding and stride have changed places: `output_size` takes the padding first, nn.Conv2d the stride. "
        "conv1 has padding 3 and stride 2, the others padding 1 and stride 2.",
        ((7, 2, 3), *[(3, 2, 1)] * 4),
    ),
    (
        "conv1-padding-and-stride-swapped",
        "In conv1, padding and stride have changed places: `output_size` takes the padding first, nn.Conv2d the stride. "
        "conv1 has padding 3 and stride 2.",
        ((7, 2, 3), *[_HALF] * 4),
    ),
    (
        "conv1-halved",
        "You halve for conv1 and round down. It gives one more for an odd size: (225 − 7 + 2·3) / 2 + 1 = 113, not 112.",
        ((2, 0, 2), *[_HALF] * 4),
    ),
    (
        "conv1-no-padding",
        "Your conv1 has no padding. The 7×7 convolution has padding 3.",
        ((7, 0, 2), _HALF, _HALF, _HALF, _HALF),
    ),
    (
        "conv1-padding-one",
        "Your conv1 has padding 1. That goes with a 3×3 kernel; the 7×7 convolution has padding 3.",
        ((7, 1, 2), _HALF, _HALF, _HALF, _HALF),
    ),
    (
        "max-pool-no-padding",
        "Your conv2_x is as small as a max-pool without padding makes it. ResNet's is 3×3 with stride 2 and padding 1: "
        "(I − 3 + 2·1) / 2 + 1, with the + 1.",
        (_CONV1, (3, 0, 2), _HALF, _HALF, _HALF),
    ),
    (
        "max-pool-two",
        "Your max-pool gives one too few for an odd size, as a 2×2 one does. ResNet's is 3×3 with stride 2 and padding 1 on both sides.",
        (_CONV1, (2, 0, 2), _HALF, _HALF, _HALF),
    ),
    (
        "only-conv1-by-the-formula",
        "After conv1 you halve and round down. The max-pool and the first 3×3 convolution of conv3_x, conv4_x and conv5_x have padding 1, "
        "and give one more for an odd size: (I − 3 + 2·1) // 2 + 1.",
        (_CONV1, *[(2, 0, 2)] * 4),
    ),
    (
        "stages-halved",
        "In conv3_x, conv4_x and conv5_x you halve and round down. Each begins with a 3×3 convolution with stride 2 and padding 1, "
        "which gives one more for an odd size: (I − 3 + 2·1) // 2 + 1.",
        (_CONV1, _HALF, *[(2, 0, 2)] * 3),
    ),
    (
        "only-conv1-padded",
        "Only your conv1 has padding. The max-pool and the 3×3 convolutions with stride 2 have padding 1.",
        (_CONV1, *[(3, 0, 2)] * 4),
    ),
    (
        "padding-3-everywhere",
        "All your layers have padding 3. That goes with the 7×7 kernel of conv1; the 3×3 ones have padding 1.",
        (_CONV1, *[(3, 3, 2)] * 4),
    ),
    (
        "stages-no-padding",
        "Your conv3_x, conv4_x and conv5_x have no padding. Their 3×3 convolutions with stride 2 have padding 1.",
        (_CONV1, _HALF, (3, 0, 2), (3, 0, 2), (3, 0, 2)),
    ),
    (
        "no-padding-at-all",
        "None of your layers has padding. conv1 has padding 3; the max-pool and the 3×3 convolutions have padding 1.",
        ((7, 0, 2), (3, 0, 2), (3, 0, 2), (3, 0, 2), (3, 0, 2)),
    ),
]:
    stage_sizes.mistake(_id, _message)(_chain(*_layers))

EXERCISES = [output_size, same_padding, stage_sizes]
