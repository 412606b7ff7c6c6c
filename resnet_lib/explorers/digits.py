"""A ResNet in the page: a reader draws a digit, and the network of ``drawn_digits`` reads it in the browser."""

from __future__ import annotations

import torch
from torch import Tensor

from resnet_lib.data import load_digits
from resnet_lib.drawing import draw_reading
from resnet_lib.drawn_digits import BLOCK, GRID, OUTPUTS, WIDEST, PageNet, stored_net
from resnet_lib.explorers import Explorer

BRUSH = 4  # pixels: lines are then about as thick as those of the data set
SHOWN_STILL = 3  # the digit of the still picture
PLACES = ["After the stem", "After layer1", "After layer2", "After layer3"]


@torch.no_grad()
def digits_explorer(folder: str, size: int) -> Explorer:
    """A grid to draw on, the 8×8 counts, the probabilities and the feature maps of each stage.

    ``folder`` is the address, seen from the page, of ``digits.onnx`` and of the runtime, both loaded on click; ``size``
    is what they weigh together, in bytes, which the button says.
    """
    net = PageNet(stored_net()).eval()
    examples = example_counts(net)
    logits, *maps = net(examples[SHOWN_STILL][None])
    still = draw_reading(
        examples[SHOWN_STILL][0],
        dict(zip(PLACES, (stage[0] for stage in maps), strict=True)),
        torch.softmax(logits[0], dim=0),
        f"An image of the data set that the network was not trained on, a {SHOWN_STILL}.",
    )
    stages = [
        {"output": output, "place": place, "channels": stage.shape[1], "size": stage.shape[2]}
        for output, place, stage in zip(OUTPUTS[1:], PLACES, maps, strict=True)
    ]
    data = {
        "folder": folder,
        "megabytes": f"{size / 1e6:.1f}",
        "grid": GRID,
        "block": BLOCK,
        "widest": WIDEST,
        "brush": BRUSH,
        "examples": [image.int().flatten().tolist() for image in examples],
        "stages": stages,
    }
    return Explorer("digits", "A ResNet that reads digits, in this page", data, still)


def example_counts(net: PageNet) -> Tensor:
    """The first test image of each digit from 0 to 9, as counts (10, 1, 8, 8)."""
    digits = load_digits()
    first = [int((digits.test_labels == digit).nonzero()[0]) for digit in range(10)]
    return ((digits.test_images[first] - net.empty) / net.per_pixel).round()
