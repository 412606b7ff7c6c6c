"""The network explorer: all that a ResNet of Table 1 (He et al. 2015) is made of, at any depth and input size."""

from __future__ import annotations

import functools
from itertools import groupby

import torch
from matplotlib.patches import Rectangle
from torch import nn

from resnet_lib.blocks import ResidualBottleNeck
from resnet_lib.costs import count_parameters, layer_costs
from resnet_lib.drawing import (
    BLUE,
    BLUE_FILL,
    GREEN,
    GREEN_FILL,
    GREY,
    INK,
    Picture,
    new_figure,
)
from resnet_lib.explorers import Explorer
from resnet_lib.resnet import IMAGENET_RESNETS
from resnet_lib.tracing import TracedLayer, trace

STAGES = ("layer1", "layer2", "layer3", "layer4")


def network_explorer(depth: int = 50) -> Explorer:
    """Every stage, block and layer of ResNet-18 to 152 with its size, parameters, multiply-adds and receptive field.

    It starts with ResNet-``depth`` at 224×224; the reader chooses depth, input size and the stride's place, and
    compares two depths. Raises ``ValueError`` if ``depth`` is none of 18, 34, 50, 101, 152.
    """
    if depth not in list(IMAGENET_RESNETS):
        raise ValueError(
            f"depth must be one of {', '.join(map(str, IMAGENET_RESNETS))}, not {depth!r}"
        )
    title = "Network explorer: the five ResNets, block by block"
    return Explorer("network", title, {"depth": depth, "networks": _networks()}, _still(depth))


@functools.cache
def _networks() -> dict[int, list]:
    """The blocks of each of the five networks."""
    with torch.random.fork_rng(devices=[]):  # the next random numbers stay what they were
        return {depth: _blocks(make()) for depth, make in IMAGENET_RESNETS.items()}


def _blocks(model: nn.Module) -> list:
    """``[part, repeats, layers]`` for each run of equal blocks; part is "stem", "layer1" … "layer4" or "head".

    A layer is ``[name in the block, kind, in_channels, out_channels, K, S, P, parameters]``.
    """
    blocks = groupby(trace(model, (1, 3, 64, 64)), key=lambda layer: _block_of(layer.name))
    each = [
        (name.split(".")[0], [_layer(layer) for layer in layers]) for name, layers in blocks
    ]
    return [[*block, len(list(run))] for block, run in groupby(each)]


def _block_of(name: str) -> str:
    """The block that a layer belongs to: ``layer1.0`` for ``layer1.0.conv1``, else ``stem`` or ``head``."""
    if name.startswith("layer"):
        return ".".join(name.split(".")[:2])
    return "head" if name in ("avgpool", "fc") else "stem"


def _layer(layer: TracedLayer) -> list:
    module = layer.module
    name = layer.name.split(".", 2)[2] if layer.name.startswith("layer") else layer.name
    channels = [layer.input_shape[1], layer.output_shape[1]]
    window = [0, 0, 0]  # what has no window
    if isinstance(module, (nn.Conv2d, nn.MaxPool2d)):
        sides = (module.kernel_size, module.stride, module.padding)
        window = [side if isinstance(side, int) else side[0] for side in sides]
    return [name, type(module).__name__, *channels, *window, count_parameters(module)]


def _still(depth: int) -> Picture:
    """The network as the explorer first shows it: for each part its size, field, and shares of the costs."""
    with torch.random.fork_rng(devices=[]):
        model = IMAGENET_RESNETS[depth]()
    parts = {"stem": [], **{stage: [] for stage in STAGES}, "head": []}
    for cost in layer_costs(model):
        parts[_block_of(cost.name).split(".")[0]].append(cost)
    totals = [
        sum(getattr(cost, kind) for costs in parts.values() for cost in costs)
        for kind in ("parameters", "multiply_adds")
    ]

    figure, axes = new_figure(5.2, 3.5)
    described = []
    for row, (part, costs) in enumerate(parts.items()):
        shape = "×".join(map(str, costs[-1].output_shape))
        field = costs[-1].receptive_field
        sees = f"{field}×{field} pixels" if field else "the whole image"
        blocks = f", {len(getattr(model, part))} blocks" if part in STAGES else ""
        axes.text(
            -84, row - 0.18, part + blocks, weight="bold", va="center", fontsize=9, color=INK
        )
        axes.text(
            -84, row + 0.2, f"{shape}, sees {sees}", va="center", fontsize=7.5, color=GREY
        )
        numbers = []
        for place, kind, total, fill, edge, hatch in (
            (-0.2, "parameters", totals[0], BLUE_FILL, BLUE, ""),
            (0.2, "multiply_adds", totals[1], GREEN_FILL, GREEN, "||||"),
        ):
            value = sum(getattr(cost, kind) for cost in costs)
            share, words = 100 * value / total, f"{value:,} {kind.replace('_', '-')}"
            axes.add_patch(
                Rectangle((0, row + place - 0.16), share, 0.32, fc=fill, ec=edge, hatch=hatch)
            )
            axes.text(share + 1, row + place, words, va="center", fontsize=7.5, color=INK)
            numbers.append(words)
        described.append(f"{part}{blocks}: {shape}, {', '.join(numbers)}, sees {sees}")
    axes.set_xlim(-84, 118)
    axes.set_ylim(5.5, -0.6)
    axes.axis("off")
    whole = f"ResNet-{depth} at 224×224: {totals[0]:,} parameters, {totals[1]:,} multiply-adds"
    moved = _with_the_papers_stride(model)
    axes.set_title(f"{whole}\n{moved}".strip(), fontsize=9)
    return Picture(figure, f"{whole}. {'; '.join(described)}. {moved}".strip())


def _with_the_papers_stride(model: nn.Module) -> str:
    """What the network of bottlenecks would be with the stride of 2 in the first 1×1; nothing for basic blocks."""
    blocks = [block for block in model.modules() if isinstance(block, ResidualBottleNeck)]
    if not blocks:
        return ""
    for block in blocks:
        block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    costs = layer_costs(model)
    work = sum(cost.multiply_adds for cost in costs) / 1e9
    field = max(cost.receptive_field or 0 for cost in costs)
    return f"Stride of 2 in the first 1×1: {work:.2f} ×10⁹ multiply-adds, layer4 sees {field}×{field} pixels"
