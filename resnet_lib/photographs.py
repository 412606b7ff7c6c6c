"""Photographs to train on: Fashion-MNIST (60,000 of clothes, grey, 28×28) or CIFAR-10 (50,000, in colour, 32×32)."""

import gzip
import struct
import zlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from resnet_lib.fetching import fetching
from resnet_lib.formula import check_int

CLOTHES = (
    "T-shirt, trouser, pullover, dress, coat, sandal, shirt, sneaker, bag, ankle boot".split(
        ", "
    )
)
FILES = ("train-images-idx3", "train-labels-idx1", "t10k-images-idx3", "t10k-labels-idx1")
#: where Debian's package dataset-fashion-mnist puts the four files
DEBIAN = Path("/usr/share/datasets/fashion-mnist")


@dataclass(frozen=True)
class Photographs:
    """Photographs to train on and others to test with, and what the labels mean.

    Images are uint8 of shape (N, C, H, W) from 0 to 255, labels int64 of shape (N,): places in ``classes``.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor
    classes: list[str]

    def __post_init__(self):
        for images, labels, part in (
            (self.train_images, self.train_labels, "to train on"),
            (self.test_images, self.test_labels, "to test with"),
        ):
            if len(images) != len(labels):
                raise ValueError(
                    f"there are {len(images):,} photographs {part} and {len(labels):,} labels: each photograph needs "
                    "one. Fetch the files again."
                )
            if len(labels) and not 0 <= labels.min() <= labels.max() < len(self.classes):
                raise ValueError(
                    f"labels {part} must be from 0 to {len(self.classes) - 1}, not from {labels.min()} to "
                    f"{labels.max()}. Fetch the files again."
                )

    def part(self, number: int) -> "Photographs":
        """The first ``number`` photographs to train on, and all to test with. Raises as a positive int does."""
        check_int("number", number)
        return Photographs(
            self.train_images[:number],
            self.train_labels[:number],
            self.test_images,
            self.test_labels,
            self.classes,
        )

    def mean_and_deviation(self) -> tuple[Tensor, Tensor]:
        """Of each channel over all photographs to train on, with pixels from 0 to 1: two tensors (C, 1, 1)."""
        pixels = self.train_images.transpose(0, 1).flatten(1).float() / 255
        return pixels.mean(1).reshape(-1, 1, 1), pixels.std(1).reshape(-1, 1, 1)


def read_idx(path: Path) -> Tensor:
    """The array in a file of the MNIST format, packed by gzip or not: uint8, (N, H, W) for images, (N,) for labels.

    Raises ``ValueError`` that says what is wrong with the file: not of this format, or cut short.
    """
    path = Path(path)
    again = f"Remove it from {path.parent} and fetch it again."
    try:
        content = (gzip.open if path.suffix == ".gz" else open)(path, "rb").read()
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise ValueError(f"{path.name} cannot be unpacked ({error}). {again}") from error
    # two zeros, 8 for uint8, and the number of axes; then the length of each, as big-endian int32
    axes = content[3] if len(content) > 3 else 0
    if content[:3] != b"\0\0\x08" or axes not in (1, 3) or len(content) < 4 + 4 * axes:
        raise ValueError(
            f"{path.name} begins with the bytes {list(content[:4])}, not with [0, 0, 8, 3] for images or [0, 0, 8, 1] "
            f"for labels, so it is no file of the MNIST format. {again}"
        )
    shape = struct.unpack(f">{axes}I", content[4 : 4 + 4 * axes])
    wanted, given = int(np.prod(shape)), len(content) - 4 - 4 * axes
    if wanted != given:
        raise ValueError(
            f"{path.name} should hold {' × '.join(map(str, shape))} = {wanted:,} numbers, and holds {given:,}. "
            f"{again}"
        )
    return torch.frombuffer(bytearray(content[4 + 4 * axes :]), dtype=torch.uint8).reshape(
        shape
    )


def read_clothes(folder: Path) -> Photographs:
    """Fashion-MNIST from the four files in ``folder``, packed or not. Raises as :func:`read_idx` does."""
    parts = []
    for name in FILES:
        path = Path(folder) / f"{name}-ubyte"
        content = read_idx(path if path.exists() else path.with_name(path.name + ".gz"))
        if content.dim() != int(name[-1]):
            raise ValueError(
                f"{path.name} holds an array of {content.dim()} axes, not {name[-1]}. Fetch it again."
            )
        parts.append(content[:, None] if content.dim() == 3 else content.long())
    return Photographs(*parts, CLOTHES)


def load_photographs(name: str = "clothes") -> Photographs:
    """``"clothes"``, Fashion-MNIST (Xiao, Rasul and Vollgraf 2017), or ``"cifar10"`` (Krizhevsky 2009).

    The clothes come from Debian's package ``dataset-fashion-mnist`` where that is installed. Else torchvision fetches
    the data (31 MB, or 170 MB) into the folder where PyTorch keeps its downloads, once. Raises ``ConnectionError``
    where that fails, ``ValueError`` for another name or damaged files.
    """
    if name not in ("clothes", "cifar10"):
        raise ValueError(f'name must be "clothes" or "cifar10", not {name!r}')
    if name == "clothes" and DEBIAN.is_dir():
        return read_clothes(DEBIAN)
    from torchvision import (
        datasets,
    )  # here, as the rest of the library works without torchvision

    fetch = datasets.FashionMNIST if name == "clothes" else datasets.CIFAR10
    root = Path(torch.hub.get_dir()) / "datasets"
    with fetching(
        "The photographs are not here, and there is no network connection to fetch them. With one, for example in "
        "Colab, run this cell again; resnet_lib.load_sample() has a few that come with the book.",
        RuntimeError,  # when none of torchvision's servers had a file
    ):
        train, test = (fetch(root, train=part, download=True) for part in (True, False))
    if name == "clothes":
        return read_clothes(root / "FashionMNIST" / "raw")
    images = (torch.tensor(part.data).permute(0, 3, 1, 2) for part in (train, test))
    labels = (torch.tensor(part.targets) for part in (train, test))
    (first, second), (third, fourth) = images, labels
    return Photographs(first, third, second, fourth, train.classes)
