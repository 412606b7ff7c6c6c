"""What a network costs: parameters, multiply-adds and receptive field, per layer and in all.

A multiply-add is one multiplication and the addition of its result. The paper's "FLOPs" are multiply-adds (He et al.
2015, Table 1), of convolutions and the fully connected layer; the rest is below 1 %.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from torch import nn

from resnet_lib.formula import check_int, check_shape
from resnet_lib.tracing import trace


@dataclass(frozen=True)
class LayerCost:
    """What one layer costs for one image."""

    name: str  #: path of the layer in the model, such as ``layer1.0.conv1``
    kind: str  #: class of the layer, such as ``Conv2d``
    output_shape: tuple[int, ...]  #: (C, H, W), or (C,) after the global pooling
    parameters: int  #: weights and biases that are trained
    multiply_adds: int  #: for one image; 0 for all but convolution and linear layers
    receptive_field: (
        int | None
    )  #: side of the square of input pixels that one output depends on; ``None`` on shortcuts


def layer_costs(
    model: nn.Module, input_shape: tuple[int, int, int] = (3, 224, 224)
) -> list[LayerCost]:
    """The costs of each layer for one image of ``input_shape`` (C, H, W), in the order of the forward pass.

    The receptive field is that of the longest path, through the residual branches; a shortcut (``downsample``) never
    sees more. From the global pooling on every output depends on the whole image: ``None`` there too.
    Raises ``ValueError`` if ``input_shape`` is not three positive ints, and as
    :func:`resnet_lib.tracing.trace` does.
    """
    check_shape(input_shape, "(C, H, W)")
    costs = []
    main_path = []  # (kernel_size, stride) of the layers so far that are on no shortcut
    pooled = False
    for layer in trace(model, (1, *input_shape)):
        module, on_shortcut = layer.module, "downsample" in layer.name
        pooled = pooled or isinstance(module, nn.AdaptiveAvgPool2d)
        if isinstance(module, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)) and not on_shortcut:
            main_path.append((_side(module.kernel_size), _side(module.stride)))
        costs.append(
            LayerCost(
                name=layer.name,
                kind=type(module).__name__,
                output_shape=layer.output_shape[1:],
                parameters=count_parameters(module),
                multiply_adds=_multiply_adds(module, layer.output_shape),
                receptive_field=None if pooled or on_shortcut else receptive_field(main_path),
            )
        )
    return costs


def count_parameters(model: nn.Module) -> int:
    """The number of weights and biases that are trained. Batch norm's running statistics are not among them."""
    return sum(parameter.numel() for parameter in model.parameters())


def count_multiply_adds(
    model: nn.Module, input_shape: tuple[int, int, int] = (3, 224, 224)
) -> int:
    """The multiply-adds of convolutions and linear layers for one image of ``input_shape`` (C, H, W)."""
    return sum(cost.multiply_adds for cost in layer_costs(model, input_shape))


def receptive_field(layers: Iterable[tuple[int, int]]) -> int:
    """The side, in input pixels, of the square that one output of a chain of (kernel_size, stride) layers depends on.

    Each layer adds (K - 1) times the distance between its neighbouring inputs, measured in pixels of the image: the
    product of all strides before it. An empty chain sees one pixel. Raises ``TypeError`` or ``ValueError`` for a
    kernel size or stride that is not a positive int.
    """
    field, distance = 1, 1
    for layer in layers:
        if not isinstance(layer, (tuple, list)) or len(layer) != 2:
            raise TypeError(f"each layer must be a pair (kernel_size, stride), not {layer!r}")
        kernel_size, stride = layer
        check_int("kernel_size", kernel_size)
        check_int("stride", stride)
        field += (kernel_size - 1) * distance
        distance *= stride
    return field


def _multiply_adds(module: nn.Module, output_shape: tuple[int, ...]) -> int:
    """Each weight of a convolution is used once per output position, each weight of a linear layer once."""
    if isinstance(module, nn.Conv2d):
        return module.weight.numel() * output_shape[2] * output_shape[3]
    return module.weight.numel() if isinstance(module, nn.Linear) else 0


def _side(value: int | tuple[int, int]) -> int:
    """The side of a square kernel or stride, which PyTorch keeps as an int or as a pair."""
    if isinstance(value, int):
        return value
    if value[0] != value[1]:
        raise ValueError(
            f"the receptive field here is a square: kernel and stride must be square too, not {value}"
        )
    return value[0]
