"""Trains the network of the page "A ResNet in the page" on the digits, and stores its weights.

    make digits                      # about a minute

It is ResNet-20 as chapter 7 trains it. People who draw with a mouse do not draw as the writers of the data set did on
paper, so most training images are varied first: moved, stretched, slanted, with thicker or thinner lines and more or
less ink. The images to test with stay as they are. One thread: the numbers do not depend on how many cores there are;
another processor or version of PyTorch may change them in the third digit or so.
"""

import json
from collections.abc import Iterator

import sklearn
import torch
from torch import Tensor
from torch.nn import functional as F

from resnet_lib import data, training
from resnet_lib.degradation import digits_net
from resnet_lib.drawn_digits import ABOUT, BLOCK, DEPTH, GRID, WEIGHTS

SEED = 0
STEPS = 900
LEFT_ALONE = 0.3  # share of the images whose shape is not varied
MOVE, STRETCH, SLANT = (
    0.7,
    0.25,
    0.3,
)  # at most: pixels of 8×8; share of the size; sideways per upwards
INK = 0.4  # at most this share of the ink more or less
THRESHOLDS = (
    4,
    11,
)  # counts above which a pixel of the enlarged image is ink: low ones give thick lines


class Varied:
    """The training images in batches, varied anew each time: (N, 1, 8, 8) standardised, with labels (N,)."""

    def __init__(self, digits: data.Digits, seed: int):
        self.batches = digits.loader(seed=seed)
        self.random = torch.Generator().manual_seed(seed)
        self.empty = digits.train_images.min()
        self.per_pixel = (digits.train_images.max() - self.empty) / BLOCK**2

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        for images, labels in self.batches:
            counts = (images - self.empty) / self.per_pixel
            yield self.vary(counts) * self.per_pixel + self.empty, labels

    def vary(self, counts: Tensor) -> Tensor:
        """Counts of ink (N, 1, 8, 8) as if drawn by another hand: whole numbers from 0 to 16 again."""
        number = len(counts)
        place = torch.zeros(number, 2, 3)
        place[:, 0, 0] = 1 + self._between(-STRETCH, STRETCH, number)
        place[:, 1, 1] = 1 + self._between(-STRETCH, STRETCH, number)
        place[:, 0, 1] = self._between(-SLANT, SLANT, number)
        # affine_grid measures from −1 to 1: a pixel of 8×8 is a quarter
        place[:, :, 2] = self._between(-MOVE, MOVE, 2 * number).reshape(number, 2) / 4
        grid = F.affine_grid(place, (number, 1, GRID, GRID), align_corners=False)
        drawing = F.grid_sample(counts, grid, mode="bicubic", align_corners=False)
        threshold = self._between(*THRESHOLDS, number)
        redrawn = F.avg_pool2d((drawing > threshold.reshape(-1, 1, 1, 1)).float(), BLOCK)
        alone = self._between(0, 1, number).reshape(-1, 1, 1, 1) < LEFT_ALONE
        ink = 1 + self._between(-INK, INK, number).reshape(-1, 1, 1, 1)
        varied = torch.where(alone, counts, redrawn * BLOCK**2) * ink
        return varied.round().clamp(0, BLOCK**2)

    def _between(self, low: float, high: float, number: int) -> Tensor:
        return low + (high - low) * torch.rand(number, generator=self.random)


def main():
    torch.set_num_threads(1)
    digits = data.load_digits()
    net = digits_net("residual", DEPTH, SEED)
    training.train(net, Varied(digits, SEED), STEPS, title=f"ResNet-{DEPTH}")
    torch.save(net.eval().to(memory_format=torch.contiguous_format).state_dict(), WEIGHTS)
    about = {
        "made by": "scripts/train_digits.py",
        "depth": DEPTH,
        "seed": SEED,
        "steps": STEPS,
        "images in a batch": data.BATCH_SIZE,
        "images to train on": len(digits.train_images),
        "images to test with": len(digits.test_images),
        "training accuracy": round(
            training.accuracy(net, digits.train_images, digits.train_labels), 4
        ),
        "test accuracy": round(
            training.accuracy(net, digits.test_images, digits.test_labels), 4
        ),
        "torch": torch.__version__.split("+")[0],
        "scikit-learn": sklearn.__version__,
    }
    ABOUT.write_text(json.dumps(about, indent=1) + "\n", "utf-8")
    print(f"test accuracy {about['test accuracy']:.4f}, weights stored in {WEIGHTS}")


if __name__ == "__main__":
    main()
