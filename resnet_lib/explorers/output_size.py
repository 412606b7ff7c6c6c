"""The explorer of chapter 1: a kernel moves over a padded input, and the output size follows."""

from __future__ import annotations

from resnet_lib.drawing import draw_windows
from resnet_lib.explorers import Explorer
from resnet_lib.formula import output_size

#: The setting at the start: the smallest one with padding, a stride and a pixel that the floor leaves over.
START = {"I": 8, "K": 3, "P": 1, "S": 2}
#: The lowest and highest value of each control. 256 is the largest image that the book speaks of.
LIMITS = {"I": (1, 256), "K": (1, 15), "P": (0, 8), "S": (1, 8)}
#: What there is to choose from: a name, and the setting.
EXAMPLES = [
    ("small example", START),
    ("does not fit", {"I": 6, "K": 7, "P": 0, "S": 2}),
]
#: One layer of each kind in ResNet-50, by its name in the model. A test holds them against the model.
LAYERS = {
    "conv1": ("first layer", {"I": 224, "K": 7, "P": 3, "S": 2}),
    "maxpool": ("max-pool", {"I": 112, "K": 3, "P": 1, "S": 2}),
    "layer1.0.conv2": ("convolution", {"I": 56, "K": 3, "P": 1, "S": 1}),
    "layer2.0.conv2": ("convolution", {"I": 56, "K": 3, "P": 1, "S": 2}),
    "layer1.0.conv1": ("convolution", {"I": 56, "K": 1, "P": 0, "S": 1}),
    "layer2.0.downsample.0": ("shortcut", {"I": 56, "K": 1, "P": 0, "S": 2}),
}


def output_size_explorer() -> Explorer:
    """An explorer of O = ⌊(I − K + 2P) / S⌋ + 1 on a square input: four controls, and a window that moves.

    It knows one layer of each kind in ResNet at its real size. Where the kernel does not fit, it says what
    :func:`resnet_lib.output_size.output_size` says.
    """
    data = {
        "start": START,
        "limits": LIMITS,
        "examples": EXAMPLES,
        "layers": list(LAYERS.values()),
        "misfit": _misfit_words(),
    }
    still = draw_windows(START["I"], START["K"], START["P"], START["S"])
    return Explorer("output_size", "Output size: move the window", data, still)


def _misfit_words() -> str:
    """The message of the library for a kernel that does not fit, with {K}, {I}, {P} and {padded} for the numbers."""
    # no number is part of another one or stands in the sentence itself
    numbers = {"{I}": 111, "{K}": 999, "{P}": 44, "{padded}": 111 + 2 * 44}
    try:
        output_size(numbers["{I}"], numbers["{K}"], numbers["{P}"])
    except ValueError as error:
        words = str(error)
    for name, number in numbers.items():
        words = words.replace(str(number), name)
    return words
