"""The network of the page "A ResNet in the page": it reads digits that a reader draws, in the browser.

``scripts/train_digits.py`` has trained it and stored its weights. Here a drawing becomes an image as the data set has
them, and the network becomes a file that a browser can run.
"""

from __future__ import annotations

import json
from importlib import resources
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from resnet_lib.data import load_digits
from resnet_lib.degradation import digits_net
from resnet_lib.folding import folded
from resnet_lib.resnet import CifarResNet

DEPTH = 20
GRID = 32  # pixels of the drawing, in each direction
BLOCK = 4  # pixels of a block whose ink is counted, in each direction
WIDEST = 24  # pixels of a fitted drawing: in the data set, the first and the last column are nearly always empty
OUTPUTS = ["logits", "stem", "stage1", "stage2", "stage3"]
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


class PageNet(nn.Module):
    """A network for the digits that takes counts from 0 to 16 and also gives the feature maps.

    Shapes: (N, 1, 8, 8) → logits (N, 10), stem (N, 8, 8, 8), and the three stages (N, 8, 8, 8), (N, 16, 4, 4), (N, 32,
    2, 2).
    """

    def __init__(self, net: CifarResNet):
        super().__init__()
        self.net = net
        images = load_digits().train_images
        # they hold every count from 0 to 16, so their ends give back mean and deviation
        self.empty = images.min().item()
        self.per_pixel = (images.max().item() - self.empty) / BLOCK**2

    def forward(self, counts: Tensor) -> tuple[Tensor, ...]:
        net = self.net
        stem = net.relu1(net.batchnorm1(net.conv1(counts * self.per_pixel + self.empty)))
        stage1 = net.layer1(stem)
        stage2 = net.layer2(stage1)
        stage3 = net.layer3(stage2)
        logits = net.fc(torch.flatten(net.avgpool(stage3), 1))
        return logits, stem, stage1, stage2, stage3


def export(path: str | Path) -> None:
    """Writes the stored network, batch norm folded, as an ONNX file for one image at a time: the same bytes each time.

    Input ``counts`` and the outputs of :data:`OUTPUTS` are those of :class:`PageNet`. Needs the packages onnx and
    onnxscript.
    """
    program = torch.onnx.export(
        PageNet(folded(stored_net())).eval(),
        (torch.zeros(1, 1, GRID // BLOCK, GRID // BLOCK),),
        input_names=["counts"],
        output_names=OUTPUTS,
        dynamo=True,
        verbose=False,
    )
    model = program.model_proto
    # What the exporter notes about where each step comes from names folders of this machine.
    del model.metadata_props[:], model.graph.metadata_props[:]
    model.graph.doc_string = ""
    for part in (*model.graph.node, *model.graph.value_info, *model.graph.input):
        del part.metadata_props[:]
        part.doc_string = ""
    for part in (*model.graph.output, *model.graph.initializer):
        del part.metadata_props[:]
    Path(path).write_bytes(model.SerializeToString(deterministic=True))
