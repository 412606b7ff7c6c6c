"""The network of the page "A ResNet in the page": it reads digits that a reader draws, in the browser.

``scripts/train_digits.py`` has trained it and stored its weights. Here a drawing becomes an image as the data set has
them.
"""

from __future__ import annotations

import json
from importlib import resources

import numpy as np
import torch

from resnet_lib.data import load_digits
from resnet_lib.degradation import digits_net
from resnet_lib.page_network import PageNet
from resnet_lib.resnet import CifarResNet

DEPTH = 20
GRID = 32  # pixels of the drawing, in each direction
BLOCK = 4  # pixels of a block whose ink is counted, in each direction
WIDEST = 24  # pixels of a fitted drawing: in the data set, the first and the last column are nearly always empty
FOLDER = resources.files("resnet_lib") / "measured"
WEIGHTS, ABOUT = FOLDER / "digits_resnet20.pt", FOLDER / "digits_resnet20.json"


def count_ink(bitmap: np.ndarray) -> np.ndarray:
    """How many of the 16 pixels of each 4×4 block are set: bool (32, 32) → int (8, 8), from 0 to 16.

    So the data set was made (``sklearn.datasets.load_digits().DESCR``). Raises ``ValueError`` for another shape.
    """
    return _check(bitmap).reshape(8, BLOCK, 8, BLOCK).sum(axis=(1, 3))


def fit_drawing(bitmap: np.ndarray) -> np.ndarray:
    """The drawing in the middle and as high as the grid, or 24 pixels wide if that comes first: bool (32, 32) → (32,
    32).

    Height and width are scaled by the same factor; each new pixel takes the nearest old one. The digits of the data set
    are as high as their grid too. An empty bitmap stays empty. Raises ``ValueError`` for another shape.
    """
    bitmap = _check(bitmap)
    rows, columns = bitmap.any(axis=1).nonzero()[0], bitmap.any(axis=0).nonzero()[0]
    if not len(rows):
        return bitmap.copy()
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    # one pixel of the result is `old / new` pixels of the drawing
    old, new = (height, GRID) if height * WIDEST >= width * GRID else (width, WIDEST)
    from_middle = (
        2 * np.arange(GRID) + 1 - GRID
    )  # in half pixels: integers, so JavaScript agrees
    source = [
        (from_middle * old + (line[0] + line[-1] + 1) * new) // (2 * new)
        for line in (rows, columns)
    ]
    inside = [
        (line[0] <= at) & (at <= line[-1])
        for line, at in zip((rows, columns), source, strict=True)
    ]
    fitted = bitmap[np.ix_(*(at.clip(0, GRID - 1) for at in source))]
    return fitted & inside[0][:, None] & inside[1][None, :]


def _check(bitmap: np.ndarray) -> np.ndarray:
    bitmap = np.asarray(bitmap)
    if bitmap.shape != (GRID, GRID):
        raise ValueError(f"a drawing has {GRID}×{GRID} pixels, not the shape {bitmap.shape}")
    return bitmap.astype(bool)


def stored_net() -> CifarResNet:
    """The trained network, in eval mode: standardised images (N, 1, 8, 8), as ``load_digits`` gives them, → logits (N,
    10).
    """
    net = digits_net("residual", DEPTH)
    net.load_state_dict(torch.load(str(WEIGHTS), weights_only=True))
    return net.eval()


def stored_about() -> dict:
    """How the stored weights came about: seed, steps, versions, and the test accuracy that was measured then."""
    return json.loads(ABOUT.read_text("utf-8"))


def page_net() -> PageNet:
    """The network for the page, in eval mode: it takes counts from 0 to 16."""
    images = load_digits().train_images
    # they hold every count from 0 to 16, so their ends give back mean and deviation
    empty = images.min().item()
    return PageNet(stored_net(), (images.max().item() - empty) / BLOCK**2, empty).eval()
