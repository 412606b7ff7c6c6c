"""The exercises on what a network costs and sees, and what readers get wrong in them."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections.abc import Callable

import numpy

from resnet_lib.costs import receptive_field as right_field
from resnet_lib.exercises.checking import Exercise
from resnet_lib.exercises.functions import (
    ALL_RIGHT,
    NOT_ASKED,
    Call,
    Seen,
    calls,
    evidence,
    plain,
    plainly,
    tell_value,
    wrong_kinds,
    yours,
)

# --- count_parameters ------------------------------------------------------------------------


def right_parameters(in_channels: int, out_channels: int, kernel_size: int, bias: bool) -> int:
    """Each of the ``out_channels`` filters has one K×K kernel for every input channel, and at most one bias."""
    return out_channels * in_channels * kernel_size**2 + (out_channels if bias else 0)


@evidence
def tell_parameters(probe: Call, expected: Seen, got: Seen) -> str:
    """The count with the numbers put in."""
    i, o, k, bias = probe.arguments
    biases = f" + {o}" if bias else ""
    return f"{probe.label}: {o}·{i}·{k}·{k}{biases} = {expected.shown}{yours(got)}"


count_parameters = Exercise(
    name="count_parameters",
    signature="count_parameters(in_channels, out_channels, kernel_size, bias)",
    reference=right_parameters,
    probes=calls(
        "count_parameters",
        right_parameters,
        [
            plainly(3, 64, 7, False),
            plainly(2, 5, 3, True),
            plainly(3, 5, 1, True),
            plainly(4, 4, 3, False),
            plainly(127, 129, 3, True),  # 147,576: a 16-bit integer is too small
            (
                (),
                dict(in_channels=2, out_channels=5, kernel_size=3, bias=True),
                (2, 5, 3, True),
            ),
        ],
        (),
        itertools.starmap(
            plainly, itertools.product((1, 2, 7), (1, 3, 8), (1, 2, 3, 5), (False, True))
        ),
    ),
    praise="Weights and biases are all counted.",
    evidence=tell_parameters,
)


wrong_kinds(count_parameters)


@count_parameters.mistake(
    "float-result",
    "The values are right, but they are floats. A count is an int: nothing here needs a division.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return float(right_parameters(in_channels, out_channels, kernel_size, bias))


@count_parameters.mistake(
    "bias-ignored",
    "You never count the biases. With bias=True there is one more parameter for each output channel.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size**2


@count_parameters.mistake(
    "none-without-bias",
    "With bias=False your function returns None: the `return` for this case is missing. "
    "There are still the weights to count.",
)
def _(in_channels, out_channels, kernel_size, bias):
    if bias:
        return right_parameters(in_channels, out_channels, kernel_size, bias)


@count_parameters.mistake(
    "error-without-bias",
    "With bias=False your code raises an error. There are still the weights to count. (Do you ask an nn.Conv2d? Its `bias` is None "
    "then: ask `if conv.bias is not None` first.)",
)
def _(in_channels, out_channels, kernel_size, bias):
    if not bias:
        None.numel()
    return right_parameters(in_channels, out_channels, kernel_size, bias)


@count_parameters.mistake(
    "none-with-bias",
    "With bias=True your function returns None: the `return` for this case is missing. "
    "Count the weights, and one bias for each output channel.",
)
def _(in_channels, out_channels, kernel_size, bias):
    if not bias:
        return right_parameters(in_channels, out_channels, kernel_size, bias)


@count_parameters.mistake(
    "zero-without-bias",
    "With bias=False you give 0, but the weights are still there. Python reads `a + b if bias else 0` as "
    "`(a + b) if bias else 0`: put brackets around `(b if bias else 0)`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return right_parameters(in_channels, out_channels, kernel_size, bias) if bias else 0


@count_parameters.mistake(
    "only-biases-with-bias",
    "With bias=True you count the biases alone. The weights are there too: add the two.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels if bias else out_channels * in_channels * kernel_size**2


@count_parameters.mistake(
    "arguments-in-other-order",
    "The count is right, but the function takes out_channels before in_channels. "
    "Begin it with `def count_parameters(in_channels, out_channels, kernel_size, bias)`, as `nn.Conv2d` does.",
)
def _(out_channels, in_channels, kernel_size, bias):
    return right_parameters(in_channels, out_channels, kernel_size, bias)


@count_parameters.mistake(
    "bias-in-every-weight",
    "You add the bias before you multiply by K·K, so an output channel gets K·K biases. It has one number more, however large its kernel is.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * (in_channels + bias) * kernel_size**2


@count_parameters.mistake(
    "two-counts",
    "You return weights and biases as two numbers. The task asks for one number: add them.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size**2, out_channels if bias else 0


@count_parameters.mistake(
    "bias-always",
    "You count the biases even with bias=False. In ResNet the convolutions have none, as batch norm follows.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size**2 + out_channels


@count_parameters.mistake(
    "bias-inverted",
    "You count the biases with bias=False and not with bias=True: it should be the other way round.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return right_parameters(in_channels, out_channels, kernel_size, not bias)


@count_parameters.mistake(
    "one-bias",
    "You add a single bias. There is one for each output channel.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size**2 + bias


@count_parameters.mistake(
    "bias-per-input",
    "You add one bias for each input channel. A bias is added to the finished sum: one for each *output* channel. "
    "(Or have in_channels and out_channels changed places in your code?)",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size**2 + bias * in_channels


@count_parameters.mistake(
    "bias-per-kernel",
    "You add a bias for each pair of an input and an output channel. "
    "The sum over the input channels comes first: one bias for each output channel.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * (kernel_size**2 + bias)


@count_parameters.mistake(
    "kernel-not-squared",
    "You count K weights for each kernel. It is a square: K·K.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size + bias * out_channels


@count_parameters.mistake(
    "kernel-doubled",
    "You take 2·K for the square of K. The kernel has K rows of K weights: K·K.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size * 2 + bias * out_channels


@count_parameters.mistake(
    "caret",
    "`^` is no power in Python: it compares the bits of two numbers. Write `kernel_size ** 2`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    count = out_channels * in_channels * kernel_size ^ 2
    return count + bias * out_channels


@count_parameters.mistake(
    "caret-before-plus",
    "`^` is no power in Python: it compares the bits of two numbers, after the sum behind it. Write `kernel_size ** 2`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * kernel_size ^ 2 + (out_channels if bias else 0)


@count_parameters.mistake(
    "caret-behind-the-kernel",
    "`^` is no power in Python: it compares the bits of two numbers, here of the kernel size and of the product behind it. "
    "Write `kernel_size ** 2`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    count = kernel_size ^ 2 * in_channels * out_channels
    return count + bias * out_channels


@count_parameters.mistake(
    "caret-behind-the-kernel-and-before-plus",
    "`^` is no power in Python: it compares the bits of two numbers, here of the kernel size and of all that stands behind it. "
    "Write `kernel_size ** 2`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return kernel_size ^ 2 * in_channels * out_channels + (out_channels if bias else 0)


@count_parameters.mistake(
    "caret-in-brackets",
    "`^` is no power in Python: 3 ^ 2 is 1, as it compares the bits. Write `kernel_size ** 2`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * (kernel_size ^ 2) + bias * out_channels


@count_parameters.mistake(
    "kernel-ignored",
    "You do not use the kernel size. Each kernel has K·K weights.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels + bias * out_channels


@count_parameters.mistake(
    "power-of-two",
    "You take 2 to the power of K. The kernel has K rows of K weights: `kernel_size ** 2`.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * in_channels * 2**kernel_size + bias * out_channels


@count_parameters.mistake(
    "input-channels-ignored",
    "You do not count the input channels. A filter looks at all of them, with a K×K kernel for each.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return out_channels * kernel_size**2 + bias * out_channels


@count_parameters.mistake(
    "output-channels-ignored",
    "You count one filter only. Each output channel has a filter of its own: multiply by out_channels.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return in_channels * kernel_size**2 + bias * out_channels


@count_parameters.mistake(
    "one-filter-with-its-bias",
    "You count one filter and its bias. Each output channel has a filter and a bias of its own: multiply both by out_channels.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return in_channels * kernel_size**2 + bias


@count_parameters.mistake(
    "channels-added",
    "You add the channels. Each output channel has a kernel for each input channel: multiply them.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return (in_channels + out_channels) * kernel_size**2 + bias * out_channels


@count_parameters.mistake(
    "batch-norm-counted",
    "You also count the two parameters of batch norm for each channel. Here it is the convolution alone.",
)
def _(in_channels, out_channels, kernel_size, bias):
    return right_parameters(in_channels, out_channels, kernel_size, bias) + 2 * out_channels


# --- multiply_adds ---------------------------------------------------------------------------


def right_multiply_adds(
    in_channels: int, out_channels: int, kernel_size: int, output_size: int
) -> int:
    """Every weight is used once at every position of the output."""
    return in_channels * out_channels * kernel_size**2 * output_size**2


@evidence
def tell_multiply_adds(probe: Call, expected: Seen, got: Seen) -> str:
    """The count with the numbers put in."""
    i, o, k, size = probe.arguments
    weights = f"{o}·{i}·{k}·{k} weights"
    return f"{probe.label}: {weights} × {size}·{size} positions = {expected.shown}{yours(got)}"


multiply_adds = Exercise(
    name="multiply_adds",
    signature="multiply_adds(in_channels, out_channels, kernel_size, output_size)",
    reference=right_multiply_adds,
    probes=calls(
        "multiply_adds",
        right_multiply_adds,
        [
            plainly(2, 4, 3, 5),
            plainly(3, 64, 7, 112),
            plainly(16, 16, 1, 7),
            # Above 2³¹: too much for 32-bit integers and floats. The floats give the same whatever comes first, as powers of 2
            # cost them nothing, and without these only the whole product has more than 24 bits. A real convolution takes 0.1 s.
            plainly(504, 520, 3, 31),
            (
                (),
                dict(in_channels=2, out_channels=4, kernel_size=3, output_size=5),
                (2, 4, 3, 5),
            ),
        ],
        (),
        itertools.starmap(
            plainly, itertools.product((1, 2, 7), (1, 3, 8), (1, 2, 3, 5), (1, 2, 7))
        ),
    ),
    praise="Every weight is used once at every position, as you count it.",
    evidence=tell_multiply_adds,
)


wrong_kinds(multiply_adds)


@multiply_adds.mistake(
    "float-result",
    "The values are right, but they are floats. A count is an int: nothing here needs a division.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return float(right_multiply_adds(in_channels, out_channels, kernel_size, output_size))


@multiply_adds.mistake(
    "integers-of-32-bits",
    "Your integers have 32 bits, which end at 2,147,483,647: a larger result starts again from the other end. "
    "Use Python's own int, which has no end, or 64 bits.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    count = right_multiply_adds(in_channels, out_channels, kernel_size, output_size)
    return (count + 2**31) % 2**32 - 2**31


@multiply_adds.mistake(
    "floats-of-32-bits",
    "You calculate with floats of 32 bits, as PyTorch does. They keep about 7 digits, so the last digits of a large result "
    "are lost. Use ints all the way.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return int(
        numpy.float32(right_multiply_adds(in_channels, out_channels, kernel_size, output_size))
    )


@multiply_adds.mistake(
    "float-result-of-32-bits",
    "Your result is a float, and of 32 bits: it keeps about 7 digits, so the last ones are lost. Use ints all the way.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return numpy.float32(
        right_multiply_adds(in_channels, out_channels, kernel_size, output_size)
    )


@multiply_adds.mistake(
    "in-billions",
    "You divide by a billion (10⁹). The task asks for the number itself.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return right_multiply_adds(in_channels, out_channels, kernel_size, output_size) / 10**9


@multiply_adds.mistake(
    "in-millions",
    "You divide by a million (10⁶). The task asks for the number itself.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return right_multiply_adds(in_channels, out_channels, kernel_size, output_size) / 10**6


@multiply_adds.mistake(
    "in-thousands",
    "You divide by a thousand. The task asks for the number itself.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return right_multiply_adds(in_channels, out_channels, kernel_size, output_size) / 1000


@multiply_adds.mistake(
    "output-not-squared",
    "You count one row of the output. It has as many rows as columns: output_size · output_size positions.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size**2 * output_size


@multiply_adds.mistake(
    "kernel-not-squared",
    "You count K weights for each kernel. It is a square: K·K.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size * output_size**2


@multiply_adds.mistake(
    "nothing-squared",
    "Kernel and output are squares: K·K weights at output_size · output_size positions.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size * output_size


@multiply_adds.mistake(
    "positions-ignored",
    "You count the weights. Each of them is used again at every position: multiply by output_size squared.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size**2


@multiply_adds.mistake(
    "counted-twice",
    "You count the multiplication and the addition as two. A multiply-add is both in one.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return 2 * right_multiply_adds(in_channels, out_channels, kernel_size, output_size)


@multiply_adds.mistake(
    "additions-counted-apart",
    "You count n multiplications and n − 1 additions for each output number. A multiply-add is both in one: n.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return (2 * in_channels * kernel_size**2 - 1) * out_channels * output_size**2


@multiply_adds.mistake(
    "flops-with-bias",
    "You count multiplications and additions apart, and a bias as well: 2·(C·K² + 1) for each number of the output. "
    "A multiply-add is both in one, and this convolution has no bias: C·K².",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return 2 * (in_channels * kernel_size**2 + 1) * out_channels * output_size**2


@multiply_adds.mistake(
    "additions-only",
    "You count the n − 1 additions between the n products. Each product needs one multiply-add: n.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return (in_channels * kernel_size**2 - 1) * out_channels * output_size**2


@multiply_adds.mistake(
    "bias-counted-once",
    "You add out_channels, as for a bias. This convolution has none, and a bias is no multiply-add.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return (
        right_multiply_adds(in_channels, out_channels, kernel_size, output_size) + out_channels
    )


@multiply_adds.mistake(
    "positions-added",
    "You add the weights and the positions. Every weight is used at every position: multiply them.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size**2 + output_size**2


@multiply_adds.mistake(
    "bias-counted",
    "You count one more for each number of the output, as for a bias or a ReLU. Neither is a multiply-add, and this convolution has no bias.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return (in_channels * kernel_size**2 + 1) * out_channels * output_size**2


@multiply_adds.mistake(
    "input-channels-ignored",
    "You do not count the input channels. Every output number is a sum over all of them.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return out_channels * kernel_size**2 * output_size**2


@multiply_adds.mistake(
    "output-channels-ignored",
    "You count one output channel only. Each of them costs the same: multiply by out_channels.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * kernel_size**2 * output_size**2


@multiply_adds.mistake(
    "kernel-ignored",
    "You do not count the kernel. Every output number needs K·K products for each input channel.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * output_size**2


@multiply_adds.mistake(
    "positions-only",
    "You count the numbers of the output. Each of them needs K·K products for every input channel.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return out_channels * output_size**2


@multiply_adds.mistake(
    "positions-of-a-kernel-step",
    "You divide the output by the kernel. `output_size` is already the number of positions in a row: do not divide it.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size**2 * (output_size // kernel_size) ** 2


@multiply_adds.mistake(
    "output-made-smaller",
    "You take `output_size` for the size of the input, and shrink it by the kernel. "
    "It is the size *after* the convolution: use it as it is.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size**2 * (output_size - kernel_size + 1) ** 2


@multiply_adds.mistake(
    "channels-added",
    "You add the channels. Each output channel has a kernel for each input channel: multiply them.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return (in_channels + out_channels) * kernel_size**2 * output_size**2


@multiply_adds.mistake(
    "doubled-for-squared",
    "You take 2·K and 2·O for the squares. Write `** 2`.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * (kernel_size * 2) * (output_size * 2)


@multiply_adds.mistake(
    "caret",
    "`^` is no power in Python: it compares the bits of two numbers. Write `** 2`.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * kernel_size ^ 2 * output_size ^ 2


@multiply_adds.mistake(
    "caret-behind-the-kernel",
    "`^` is no power in Python: in both places it compares the bits of two numbers. Write `** 2`.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return kernel_size ^ 2 * in_channels * out_channels * output_size ^ 2


@multiply_adds.mistake(
    "caret-in-two-steps",
    "`^` is no power in Python: in both places it compares the bits of two numbers. Write `** 2`.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    weights = in_channels * out_channels * kernel_size ^ 2
    return weights * output_size ^ 2


@multiply_adds.mistake(
    "caret-for-one-number",
    "`^` is no power in Python: in both places it compares the bits of two numbers. Write `** 2`.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    for_one_number = in_channels * kernel_size ^ 2
    return for_one_number * out_channels * output_size ^ 2


@multiply_adds.mistake(
    "caret-in-brackets",
    "`^` is no power in Python: 3 ^ 2 is 1, as it compares the bits. Write `** 2`.",
)
def _(in_channels, out_channels, kernel_size, output_size):
    return in_channels * out_channels * (kernel_size ^ 2) * (output_size ^ 2)


# --- receptive_field -------------------------------------------------------------------------


@evidence
def tell_field(probe: Call, expected: Seen, got: Seen) -> str:
    """The sum, layer by layer, where it is short enough to follow."""
    if got.kind == "changed list":
        return got.shown
    (layers,) = probe.arguments
    distance, terms = 1, ["1"]
    for kernel_size, stride in layers:
        terms.append(f"({kernel_size} − 1)·{distance}")
        distance *= stride
    if not 1 < len(terms) <= 6:
        return tell_value(probe, expected, got)
    return f"{probe.label}: {' + '.join(terms)} = {expected.shown}{yours(got)}"


def list_afterwards(answer: Callable) -> Seen:
    """What an answer leaves of the lists that it is given."""
    for layers in ([(3, 2), (7, 2), (1, 1)], []):
        given = list(layers)
        try:
            answer(given)
        except Exception:  # which the other probes tell
            pass
        if given != layers:
            how = "turned round" if given == layers[::-1] else "other layers"
            told = f"receptive_field({layers}): afterwards the list should be as before, and it is {plain(given).short}."
            return Seen("changed list", how, told)
    return ALL_RIGHT


def if_it_leaves_the_list(call: Call) -> Call:
    """The same call, but not of an answer that changes its list: which calls show that depends on how it does so."""

    def look(answer):
        return call.run(answer) if list_afterwards(answer) == ALL_RIGHT else NOT_ASKED

    return dataclasses.replace(call, run=look)


# All chains of one and two layers of these kinds, and all of three with two kernels.
SHORT = [
    list(chain)
    for length, kernels in ((1, (1, 2, 3, 5)), (2, (1, 2, 3, 5)), (3, (1, 3)))
    for chain in itertools.product(itertools.product(kernels, (1, 2, 3)), repeat=length)
]
# Fields small enough for an answer that really convolves an image.
FIELDS = calls(
    "receptive_field",
    right_field,
    [
        plainly([(3, 1), (3, 1)]),
        plainly([(7, 2), (3, 2)]),
        plainly([(7, 2), (3, 2), (3, 1), (5, 3), (3, 1)]),
        plainly([(1, 2), (3, 1)]),
        plainly([(2, 2)]),
        plainly([(1, 2)]),
        plainly([(7, 2), (3, 2), *[(3, 1)] * 6, (3, 2), (3, 1), (3, 2)]),
    ],
    [plainly([])],
    map(plainly, [*SHORT, [(11, 4), (3, 2), (5, 1), (4, 2), (3, 1), (2, 5), (3, 1)]]),
)

receptive_field = Exercise(
    name="receptive_field",
    signature="receptive_field(layers)",
    reference=right_field,
    probes=[
        Call("receptive_field([(3, 2), (7, 2), (1, 1)])", list_afterwards),
        *map(if_it_leaves_the_list, FIELDS),
    ],
    praise="Kernels, strides and their order all count as they should.",
    evidence=tell_field,
)


wrong_kinds(receptive_field)


@receptive_field.mistake(
    "float-result",
    "The values are right, but they are floats. A number of pixels is an int: nothing here needs a division.",
)
def _(layers):
    return float(right_field(layers))


@receptive_field.mistake(
    "list-changed",
    "Your function changes the list that it is given, and the caller still needs it. "
    "Only read it: `for kernel_size, stride in layers`.",
)
def _(layers):
    field, distance = 1, 1
    while layers:
        kernel_size, stride = layers.pop(0)
        field += (kernel_size - 1) * distance
        distance *= stride
    return field


@receptive_field.mistake(
    "list-reversed",
    "Your function turns the caller's list round: `reverse()` changes the list itself. "
    "Go through it with `reversed(layers)` or `layers[::-1]`, which leave it as it is.",
)
def _(layers):
    layers.reverse()
    return right_field(layers[::-1])


@receptive_field.mistake(
    "keeps-its-numbers",
    "Called twice with the same layers, your function gives two results: something stays from the first call. "
    "Set field and distance to 1 inside the function, not outside it with `global`.",
)
def _(layers, kept=[2, 1]):  # as if called before: it must not matter which probe comes first
    for kernel_size, stride in layers:
        kept[:] = kept[0] + (kernel_size - 1) * kept[1], kept[1] * stride
    return kept[0]


@receptive_field.mistake(
    "keeps-its-distance",
    "Called twice with the same layers, your function gives two results: the distance, or the list of strides, stays from the first "
    "call. Set it inside the function, not outside it with `global` or as a default.",
)
def _(layers, kept=[2]):  # as if called before
    field = 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * kept[0]
        kept[0] *= stride
    return field


@receptive_field.mistake(
    "strides-ignored",
    "The strides are not used. After a stride of 2, neighbouring pixels of a layer are 2 pixels of the image apart, "
    "so each later kernel reaches twice as far.",
)
def _(layers):
    return 1 + sum(kernel_size - 1 for kernel_size, _ in layers)


@receptive_field.mistake(
    "own-stride-too-early",
    "You use the stride of a layer for its own kernel. A stride spreads the *outputs*, "
    "so it counts from the next layer on: first add, then multiply the distance.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        distance *= stride
        field += (kernel_size - 1) * distance
    return field


@receptive_field.mistake(
    "own-stride-only",
    "You multiply a kernel by the stride of its own layer. It is the product of the strides of all layers *before* it.",
)
def _(layers):
    return 1 + sum((kernel_size - 1) * stride for kernel_size, stride in layers)


@receptive_field.mistake(
    "order-reversed",
    "Your result is that of the layers in reverse: a kernel is multiplied by the strides of the layers *after* it, not before. "
    "With field and distance, go from the first layer to the last; with r = (r − 1)·S + K, from the last to the first.",
)
def _(layers):
    return right_field(layers[::-1])


@receptive_field.mistake(
    "all-strides",
    "You multiply every kernel by the product of all strides. Only the strides of the layers before it count.",
)
def _(layers):
    return 1 + sum(kernel_size - 1 for kernel_size, _ in layers) * math.prod(
        stride for _, stride in layers
    )


@receptive_field.mistake(
    "backwards-from-zero",
    "You go from the last layer to the first with r = (r − 1)·S + K, but begin at 0. One number of the last output is one "
    "pixel wide: begin at 1.",
)
def _(layers):
    field = 0
    for kernel_size, stride in reversed(layers):
        field = (field - 1) * stride + kernel_size
    return field


@receptive_field.mistake(
    "backwards-minus-one",
    "Your result is too large by the product of all strides, minus 1. From the last layer to the first, r = r·S + K − 1 does that: "
    "there are r − 1 steps of S between r numbers, so r = (r − 1)·S + K. From the first to the last, add no distance at the end.",
)
def _(layers):
    field = 1
    for kernel_size, stride in reversed(layers):
        field = field * stride + kernel_size - 1
    return field


@receptive_field.mistake(
    "forwards-times-stride",
    "You multiply by the stride all that is seen so far, r·S + K − 1, from the first layer to the last. A later stride changes nothing "
    "there: add (K − 1) times the distance, the product of the strides before.",
)
def _(layers):
    field = 1
    for kernel_size, stride in layers:
        field = field * stride + kernel_size - 1
    return field


@receptive_field.mistake(
    "backwards-without-minus-one",
    "Going from the last layer to the first, you use r = r·S + K. There are only r − 1 steps between r numbers: "
    "r = (r − 1)·S + K.",
)
def _(layers):
    field = 1
    for kernel_size, stride in reversed(layers):
        field = field * stride + kernel_size
    return field


@receptive_field.mistake(
    "no-start",
    "Your sum begins at 0. Without any layer, a pixel already sees itself: begin at 1.",
)
def _(layers):
    return right_field(layers) - 1


@receptive_field.mistake(
    "sum-replaced",
    "You keep only what the last layer adds. What all layers add is summed up, beginning with 1: `+=`, not `=`.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field = (kernel_size - 1) * distance
        distance *= stride
    return field


@receptive_field.mistake(
    "no-brackets",
    "Only the 1 is multiplied by the distance, as `*` comes before −. Put brackets around K − 1.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += kernel_size - 1 * distance
        distance *= stride
    return field


@receptive_field.mistake(
    "no-brackets-behind-the-kernel",
    "Only the kernel size is multiplied by the distance, as `*` comes before −. Put brackets around K − 1.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += kernel_size * distance - 1
        distance *= stride
    return field


@receptive_field.mistake(
    "odd-kernels-only",
    "You count K // 2 pixels on both sides of the middle. A kernel of even size has no middle: it adds K − 1 pixels, whatever K is.",
)
def _(layers):
    return right_field([(kernel_size // 2 * 2 + 1, stride) for kernel_size, stride in layers])


@receptive_field.mistake(
    "stride-of-1x1-skipped",
    "You leave out layers with a kernel of 1, and their stride with them. Such a layer adds nothing itself, but after its stride "
    "all later kernels reach further.",
)
def _(layers):
    return right_field([layer for layer in layers if layer[0] > 1])


@receptive_field.mistake(
    "kernel-without-minus-one",
    "You add K times the distance. One of the K pixels has been counted already: K − 1.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += kernel_size * distance
        distance *= stride
    return field


@receptive_field.mistake(
    "kernels-summed-from-zero",
    "You begin at 0 and add K for each layer. Neighbouring kernels overlap: begin at 1, and add K − 1 times the distance.",
)
def _(layers):
    field, distance = 0, 1
    for kernel_size, stride in layers:
        field += kernel_size * distance
        distance *= stride
    return field


@receptive_field.mistake(
    "previous-stride-only",
    "You use only the stride of the layer just before. All earlier strides count: multiply the distance, "
    "do not replace it.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * distance
        distance = stride
    return field


@receptive_field.mistake(
    "strides-added",
    "You add the strides. Two strides of 2 put neighbours 4 pixels apart, and three 8: multiply them.",
)
def _(layers):
    field, distance = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * distance
        distance += stride
    return field


@receptive_field.mistake(
    "stride-always-two",
    "You double the distance at every layer. Multiply it by the layer's own stride, which may also be 1 or 3.",
)
def _(layers):
    return right_field([(kernel_size, 2) for kernel_size, _ in layers])


@receptive_field.mistake(
    "any-stride-taken-for-two",
    "You double the distance at every layer with a stride above 1. Multiply it by the layer's own stride, which may also be 3.",
)
def _(layers):
    return right_field([(kernel_size, min(stride, 2)) for kernel_size, stride in layers])


@receptive_field.mistake(
    "kernels-multiplied",
    "You multiply the kernel sizes. Two 3×3 convolutions see 5 pixels, not 9, as their windows overlap.",
)
def _(layers):
    return math.prod(kernel_size for kernel_size, _ in layers)


@receptive_field.mistake(
    "distance-returned",
    "You return the distance, which is the product of the strides. The task asks for the field.",
)
def _(layers):
    return math.prod(stride for _, stride in layers)


@receptive_field.mistake(
    "field-and-distance",
    "You return the field and the distance. The task asks for the field alone.",
)
def _(layers):
    return right_field(layers), math.prod(stride for _, stride in layers)


@receptive_field.mistake(
    "area",
    "You give the number of pixels in the square. The task asks for its side.",
)
def _(layers):
    return right_field(layers) ** 2


@receptive_field.mistake(
    "pair-swapped",
    "You read the pairs as (stride, kernel_size). They are (kernel_size, stride).",
)
def _(layers):
    return right_field([(kernel_size, stride) for stride, kernel_size in layers])


@receptive_field.mistake(
    "last-layer-missing",
    "The last layer is not counted. A layer's kernel counts even though its stride does not yet.",
)
def _(layers):
    return right_field(layers[:-1])


@receptive_field.mistake(
    "first-layer-missing",
    "The first layer is not counted. Begin with a field of 1 and a distance of 1, before the first layer.",
)
def _(layers):
    return right_field(layers[1:])


@receptive_field.mistake(
    "first-stride-forgotten",
    "The stride of the first layer is not used. Behind the first layer, the distance is already its stride, not 1.",
)
def _(layers):
    return right_field([(kernel_size, 1) for kernel_size, _ in layers[:1]] + layers[1:])


@receptive_field.mistake(
    "return-in-loop",
    "Your function ends after the first layer. Does the `return` stand inside the loop? Move it to the left.",
)
def _(layers):
    return right_field(layers[:1])


@receptive_field.mistake(
    "empty-list-fails",
    "With no layers at all, your code raises an error. A pixel then sees itself: the answer is 1.",
)
def _(layers):
    layers[0]
    return right_field(layers)


@receptive_field.mistake(
    "empty-list-refused",
    "You refuse an empty list. It has an answer: with no layers at all, a pixel sees itself, and the field is 1.",
)
def _(layers):
    if not layers:
        raise ValueError("no layers")
    return right_field(layers)


@receptive_field.mistake(
    "empty-list-zero",
    "With no layers at all, you give 0. A pixel then sees itself: the answer is 1.",
)
def _(layers):
    return right_field(layers) if layers else 0


@receptive_field.mistake(
    "empty-list-none",
    "With no layers at all, you give None. A pixel then sees itself: the answer is 1. "
    "Does the `return` stand inside the loop?",
)
def _(layers):
    return right_field(layers) if layers else None


EXERCISES = [count_parameters, multiply_adds, receptive_field]
