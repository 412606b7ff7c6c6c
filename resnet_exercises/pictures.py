"""Pictures of a wrong result beside the right one."""

from __future__ import annotations

import math
from collections.abc import Callable

import torch
from torch import Tensor


def compare_images(
    expected: object, got: object, of: str = "the first channel of the first image"
) -> Callable | None:
    """A function that draws two results of the shape (N, C, H, W) and their difference; None where they are no such.

    Nothing is drawn before that function is called.
    """
    if not (isinstance(expected, Tensor) and isinstance(got, Tensor)):
        return None
    if expected.dim() != 4 or expected.shape != got.shape or not expected.numel():
        return None
    right, wrong = expected[0, 0].double(), got[0, 0].double()
    if torch.equal(right, wrong):  # the difference is in another channel or image
        place = (expected != got).flatten(2).any(2).nonzero()
        if not len(place):
            return None
        image, channel = place[0].tolist()
        right, wrong = expected[image, channel].double(), got[image, channel].double()
        of = f"channel {channel} of image {image}"

    def draw():
        from resnet_lib.drawing import draw_images  # here, as matplotlib takes time to import

        difference = wrong - right
        images = {"expected": right, "yours": wrong, "difference": difference}
        largest = difference.abs().max().item()
        far = "not a number in some pixels" if math.isnan(largest) else f"{largest:.3g} at most"
        alt = (
            f"Three grey images: {of}, {right.shape[0]}×{right.shape[1]} pixels, as expected, as your code gives it, "
            f"and the difference, which is {far}."
        )
        return draw_images({title: image.numpy() for title, image in images.items()}, alt, 3)

    return draw
