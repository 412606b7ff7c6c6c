"""Figures of what a trained network answers: which classes it confuses, and where it looks."""

from __future__ import annotations

import matplotlib
from torch import Tensor

from resnet_lib.drawing import INK, ORANGE, PAPER, Picture, new_figure


def draw_confusion(counts: Tensor, classes: list[str], alt: str) -> Picture:
    """How often each class (row) was given each answer (column): ``counts`` (classes, classes). The diagonal is right.

    The darker a square, the larger its share of the row.
    """
    figure, axes = new_figure(5.2, 5.0)
    shares = counts / counts.sum(dim=1, keepdim=True)
    axes.imshow(shares.numpy(), cmap="Blues", vmin=0, vmax=1)
    for row, column in (counts > 0).nonzero().tolist():
        ink = PAPER if shares[row, column] > 0.5 else INK
        axes.text(
            column,
            row,
            int(counts[row, column]),
            ha="center",
            va="center",
            color=ink,
            fontsize=8,
        )
    places = range(len(classes))
    axes.set_xticks(places, classes, rotation=45, ha="right", fontsize=9)
    axes.set_yticks(places, classes, fontsize=9)
    axes.set(xlabel="the network's answer", ylabel="the label")
    return Picture(figure, alt)


def draw_looks(looks: dict[str, tuple[Tensor, Tensor]], alt: str, columns: int = 4) -> Picture:
    """For each title a photograph (H, W), and beside it the same, pale, under a map (H, W) of where a network looks.

    The more orange a pixel, the larger the map there; each map is stretched to its own maximum.
    """
    rows = -(-len(looks) * 2 // columns)
    figure, axes = new_figure(
        5.2, 0.1 + rows * (5.2 / columns + 0.22), nrows=rows, ncols=columns, squeeze=False
    )
    for place in axes.flat:
        place.axis("off")
    dots = matplotlib.colors.ListedColormap([ORANGE])
    for number, (title, (photo, map_)) in enumerate(looks.items()):
        left, right = axes.flat[2 * number], axes.flat[2 * number + 1]
        left.imshow(photo, cmap="gray")
        left.set_title(title, fontsize=9)
        right.imshow(photo.float(), cmap="gray", vmin=-400, vmax=255)  # pale
        strength = map_ / map_.max().clamp(min=1e-12)
        right.imshow(strength * 0, cmap=dots, alpha=0.9 * strength.numpy())
    return Picture(figure, alt)
