"""The block explorer: a residual block with the shape and the cost of everything in it, and what mistakes do to it."""

from __future__ import annotations

import torch

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck
from resnet_lib.costs import layer_costs
from resnet_lib.drawing import Picture, draw_block
from resnet_lib.explorers import Explorer
from resnet_lib.resnet import resnet18, resnet50
from resnet_lib.tracing import trace

BLOCKS = {"basic": ResidualBasicBlock, "bottleneck": ResidualBottleNeck}
NETWORKS = {"ResNet-18": ("basic", resnet18), "ResNet-50": ("bottleneck", resnet50)}


def block_explorer(kind: str = "basic") -> Explorer:
    """The explorer of the residual blocks. It starts with the first block of ``layer1`` of ResNet-18 or ResNet-50.

    ``kind`` is ``"basic"`` or ``"bottleneck"``; the reader can change it. Raises ``ValueError`` for another one.
    """
    if kind not in BLOCKS:
        raise ValueError(f'kind must be "basic" or "bottleneck", not {kind!r}')
    presets, stills = [], {}
    for network, (network_kind, build) in NETWORKS.items():
        with torch.random.fork_rng(devices=[]):  # the next random numbers stay what they were
            model = build()
        shapes = {layer.name: layer.input_shape for layer in trace(model, (1, 3, 224, 224))}
        for stage in ("layer1", "layer2", "layer3", "layer4"):
            block = getattr(model, stage)[0]
            _, in_channels, size, _ = shapes[f"{stage}.0.conv1"]
            presets.append(
                {
                    "network": network,
                    "stage": stage,
                    "kind": network_kind,
                    "in": in_channels,
                    "channels": block.conv1.out_channels,
                    "stride": block.conv1.stride[0] * block.conv2.stride[0],
                    "size": size,
                }
            )
        stills[network_kind] = _still(model.layer1[0], shapes["layer1.0.conv1"][1:])
    data = {
        "start": kind,
        "expansion": {name: block.expansion for name, block in BLOCKS.items()},
        "presets": presets,
    }
    return Explorer("block", "Block explorer", data, stills[kind])


def _still(block: torch.nn.Module, input_shape: tuple[int, int, int]) -> Picture:
    """The figure of a block, with its costs in the text."""
    picture = draw_block(block, input_shape)
    costs = layer_costs(block, input_shape)
    parameters = sum(cost.parameters for cost in costs)
    multiply_adds = sum(cost.multiply_adds for cost in costs)
    text = f"It has {parameters:,} parameters and takes {multiply_adds:,} multiply-adds."
    return Picture(picture.figure, f"{picture.alt} {text}")
