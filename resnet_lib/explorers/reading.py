"""A ResNet in the page: in the browser, it reads a digit that a reader draws, or a photograph of clothes."""

from __future__ import annotations

import torch
from torch import Tensor

from resnet_lib import clothes, drawn_digits
from resnet_lib.data import load_digits
from resnet_lib.drawing import draw_reading
from resnet_lib.drawn_digits import BLOCK, GRID, WIDEST
from resnet_lib.explorers import Explorer
from resnet_lib.page_network import OUTPUTS, PageNet
from resnet_lib.photographs import CLOTHES

BRUSH = 4  # pixels: lines are then about as thick as those of the data set
SHOWN_STILL = 3  # the digit of the still picture
PLACES = ["After the stem", "After layer1", "After layer2", "After layer3"]


@torch.no_grad()
def reading_explorer(folder: str, sizes: dict[str, int]) -> Explorer:
    """A choice of drawn digits and clothes, the image that the network gets, the probabilities, and the feature maps of
    each stage.

    ``folder`` is the address, seen from the page, of ``digits.onnx``, ``clothes.onnx`` and the runtime, which are
    loaded on click; ``sizes`` is what ``"digits"``, ``"clothes"`` and ``"runtime"`` weigh in bytes, which the button
    says.
    """
    net = drawn_digits.page_net()
    counts = example_counts(net)
    logits, *maps = net(counts[SHOWN_STILL][None])
    still = draw_reading(
        counts[SHOWN_STILL][0],
        dict(zip(PLACES, (stage[0] for stage in maps), strict=True)),
        torch.softmax(logits[0], dim=0),
        f"An image of the data set that the network was not trained on, a {SHOWN_STILL}.",
    )
    digits = {"grid": GRID, "block": BLOCK, "widest": WIDEST, "brush": BRUSH}
    data = {
        "folder": folder,
        "runtime": sizes["runtime"],
        "digits": digits | _network(net, counts, list(range(10)), sizes["digits"]),
        "clothes": _network(
            clothes.page_net(), example_photographs(), CLOTHES, sizes["clothes"]
        ),
    }
    title = "A ResNet that reads digits and clothes, in this page"
    return Explorer("reading", title, data, still, parts=("digits", "clothes"))


def _network(net: PageNet, examples: Tensor, classes: list, size: int) -> dict:
    """What the script needs for one network: its classes, an example of each, and the shapes of its feature maps."""
    stages = [
        {"output": output, "place": place, "channels": stage.shape[1], "size": stage.shape[2]}
        for output, place, stage in zip(OUTPUTS[1:], PLACES, net(examples[:1])[1:], strict=True)
    ]
    return {
        "size": size,
        "side": examples.shape[-1],
        "classes": [str(name) for name in classes],
        "examples": [image.int().flatten().tolist() for image in examples],
        "stages": stages,
    }


def example_counts(net: PageNet) -> Tensor:
    """The first test image of each digit from 0 to 9, as counts (10, 1, 8, 8)."""
    digits = load_digits()
    images = digits.test_images[_first_of_each(digits.test_labels)]
    return ((images - net.empty) / net.per_pixel).round()


def example_photographs() -> Tensor:
    """The first test image of each class in the stored sample, with pixels from 0 to 255: float32 (10, 1, 28, 28)."""
    sample = clothes.load_sample()
    return sample.test_images[_first_of_each(sample.test_labels)].float()


def _first_of_each(labels: Tensor) -> list[int]:
    return [int((labels == label).nonzero()[0]) for label in range(10)]
