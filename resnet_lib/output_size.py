"""The output-size formula O = (I - K + 2P) / S + 1, its inverse, and a trace of the sizes in a network.

Names, for each of height and width:

====== ==================================================================
symbol meaning
====== ==================================================================
I      input size, in pixels
K      kernel size
P      padding: zeros added on *each* of the two sides
S      stride: how far the kernel moves from one position to the next
O      output size: the number of positions of the kernel
====== ==================================================================

Source: the shape section of ``torch.nn.Conv2d`` and ``torch.nn.MaxPool2d`` (PyTorch documentation), with dilation 1.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

#: A size in pixels: one int for a square, or a pair (H, W).
Size = int | tuple[int, int]


def output_size(
    input_size: Size, kernel_size: Size, padding: Size = 0, stride: Size = 1
) -> Size:
    """The output size of a convolution or pooling layer: O = floor((I - K + 2P) / S) + 1.

    Every argument is an int, or a pair (H, W). The result is an int if all four are ints, else a
    pair (H, W).

    Raises ``TypeError`` for anything but ints and pairs of ints, and ``ValueError`` for a value
    that is out of range or a kernel that is larger than the padded input.
    """
    values = (input_size, kernel_size, padding, stride)
    if any(isinstance(value, (tuple, list)) for value in values):
        pairs = [_as_pair(name, value) for name, value in zip(_LOWEST, values)]
        return tuple(output_size(*one_axis) for one_axis in zip(*pairs))
    for name, value in zip(_LOWEST, values):
        check_int(name, value, _LOWEST[name])

    free_way = input_size - kernel_size + 2 * padding  # how far the kernel can move, in pixels
    if free_way < 0:
        raise ValueError(
            f"the kernel does not fit: kernel_size {kernel_size} is larger than the padded "
            f"input, {input_size} + 2·{padding} = {input_size + 2 * padding} pixels. "
            "Use a smaller kernel, more padding or a larger input."
        )
    return free_way // stride + 1


def unused_pixels(input_size: int, kernel_size: int, padding: int = 0, stride: int = 1) -> int:
    """How many pixels at the far edge of the padded input no kernel position reaches: (I - K + 2P) mod S.

    This is what the floor in :func:`output_size` throws away, for one axis. Raises as :func:`output_size` does.
    """
    for name, value in zip(_LOWEST, (input_size, kernel_size, padding, stride)):
        check_int(name, value, _LOWEST[name])
    output_size(input_size, kernel_size, padding, stride)  # raises if the kernel does not fit
    return (input_size - kernel_size + 2 * padding) % stride


def input_sizes(output_size: int, kernel_size: int, padding: int = 0, stride: int = 1) -> range:
    """All input sizes that give this output size, for one axis: the inverse of :func:`output_size`.

    From the formula: (O - 1)·S + K - 2P and the S - 1 sizes after it. Sizes below 1 are left out, so the range is
    empty where no input gives this output. Raises ``TypeError`` and ``ValueError`` for bad values.
    """
    check_int("output_size", output_size)
    check_int("kernel_size", kernel_size)
    check_int("padding", padding, lowest=0)
    check_int("stride", stride)
    first = (output_size - 1) * stride + kernel_size - 2 * padding
    return range(max(first, 1), max(first + stride, 1))


def same_padding(kernel_size: int) -> int:
    """The padding with which a layer of stride 1 keeps the size: P = (K - 1) / 2.

    Raises ``ValueError`` for an even kernel: P would not be a whole number.
    """
    check_int("kernel_size", kernel_size)
    if kernel_size % 2 == 0:
        raise ValueError(
            f"no padding that is equal on both sides keeps the size with an even kernel: for kernel_size {kernel_size} it would be "
            f"({kernel_size} - 1) / 2 = {(kernel_size - 1) / 2}. Use an odd kernel."
        )
    return (kernel_size - 1) // 2


@dataclass(frozen=True)
class TracedLayer:
    """One layer of a network in the order of the forward pass, with its sizes as PyTorch and the formula have them."""

    name: str  #: path of the layer in the model, such as ``layer1.0.conv1``
    module: nn.Module
    input_shape: tuple[int, ...]  #: as PyTorch has it, (N, C, H, W)
    output_shape: tuple[int, ...]  #: as PyTorch has it, (N, C, H, W)
    size_by_formula: (
        tuple[int, int] | None
    )  #: (H, W); ``None`` where no rule applies, as for ``nn.Linear``

    @property
    def agrees(self) -> bool:
        """Whether the formula gives the size that PyTorch computed. True where there is no size to compare."""
        return self.size_by_formula is None or self.size_by_formula == tuple(
            self.output_shape[2:]
        )


def trace(model: nn.Module, input_shape: tuple[int, int, int, int]) -> list[TracedLayer]:
    """Lists the layers of ``model`` with their sizes, for images of shape ``input_shape`` (N, C, H, W), in order.

    The size of each layer's output is *derived*: :func:`output_size` for convolution and pooling, the given size for
    adaptive pooling, unchanged for batch norm and ReLU, none for layers of other kinds. The size that PyTorch gives
    stands beside it. The model runs in eval mode and without gradients; it is left as it was.

    Raises ``TypeError`` if ``model`` is no model, ``ValueError`` if ``input_shape`` is not four positive ints, or if a
    layer uses dilation or ``ceil_mode``, which the formula does not cover.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(
            f"trace needs a model, an instance of nn.Module, not {model!r}. Did you forget the brackets?"
        )
    check_shape(input_shape, "(N, C, H, W)")
    images = input_shape[0]
    layers = []

    def record(name):
        def hook(module, inputs, output):
            given, got = ((len(x) or images, *x.shape[1:]) for x in (inputs[0], output))
            by_formula = _size_after(module, given[2:]) if len(got) == 4 else None
            layers.append(TracedLayer(name, module, given, got, by_formula))

        return hook

    leaves = [
        (name, module) for name, module in model.named_modules() if not list(module.children())
    ]
    hooks = [module.register_forward_hook(record(name)) for name, module in leaves]
    try:
        with modes_come_back(model), torch.no_grad():
            if not _run_on_no_image(model.eval(), input_shape):
                layers.clear()
                _run_without_numbers(model, input_shape)
    finally:
        for hook in hooks:
            hook.remove()
    return layers


def _run_on_no_image(model: nn.Module, input_shape: tuple[int, int, int, int]) -> bool:
    """Sends a batch of no images through ``model``: every shape is worked out, and nothing is computed.

    False where the network cannot do without an image: ``x.view(x.size(0), -1)`` is then ambiguous, and ``x[0]`` not there.
    """
    like = next(model.parameters(), torch.zeros(()))
    try:
        model(like.new_empty(0, *input_shape[1:]))
    except (RuntimeError, IndexError, ZeroDivisionError):
        return False
    return True


def _run_without_numbers(model: nn.Module, input_shape: tuple[int, int, int, int]) -> None:
    """The same on the "meta" device, where tensors have a shape and no numbers. Its first use loads modules for seconds."""
    tensors = (*model.named_parameters(), *model.named_buffers())
    weights = {name: tensor.to("meta") for name, tensor in tensors}
    like = next(model.parameters(), torch.zeros(()))
    images = like.new_empty(tuple(input_shape), device="meta")
    torch.func.functional_call(model, weights, images)


@contextlib.contextmanager
def modes_come_back(model: nn.Module) -> Iterator[None]:
    """Gives each layer its own mode back at the end: a frozen batch norm may be in eval mode in a model that is trained."""
    modes = [(layer, layer.training) for layer in model.modules()]
    try:
        yield
    finally:
        for layer, training in modes:
            layer.training = training


def _size_after(layer: nn.Module, size: tuple[int, int]) -> tuple[int, int] | None:
    """The (H, W) after one layer, from its (H, W) before and its settings alone.

    None for a layer of another kind.
    """
    if isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d)):
        dilation = getattr(layer, "dilation", 1)
        if dilation not in (1, (1, 1)) or getattr(layer, "ceil_mode", False):
            raise ValueError(
                f"the formula covers dilation 1 and ceil_mode False only, not {layer}"
            )
        if layer.padding == "same":  # by definition, and with an even kernel too
            return tuple(size)
        padding = 0 if layer.padding == "valid" else layer.padding
        return output_size(size, layer.kernel_size, padding, layer.stride)
    if isinstance(layer, nn.AdaptiveAvgPool2d):
        wanted = layer.output_size
        return tuple(wanted) if isinstance(wanted, tuple) else (wanted, wanted)
    return tuple(size) if isinstance(layer, (nn.BatchNorm2d, nn.ReLU, nn.Identity)) else None


# The arguments of output_size in order, each with the lowest value that makes sense.
_LOWEST = {"input_size": 1, "kernel_size": 1, "padding": 0, "stride": 1}


def _as_pair(name: str, value: Size) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise TypeError(
            f"{name} must be an int or a pair (H, W), not {value!r} with {len(value)} values"
        )
    for side in value:
        check_int(name, side, _LOWEST[name])
    return tuple(value)


def check_int(name: str, value: int, lowest: int = 1) -> None:
    """Raises ``TypeError`` if ``value`` is no int, ``ValueError`` if it is below ``lowest``."""
    if type(value) is not int:  # to isinstance, True is an int
        raise TypeError(f"{name} must be an int, not {value!r} of type {type(value).__name__}")
    if value < lowest:
        raise ValueError(f"{name} must be {lowest} or more, not {value}")


def check_shape(shape: tuple[int, ...], axes: str) -> None:
    """Raises ``ValueError`` if ``shape`` is not one positive int for each of ``axes``: "(C, H, W)"."""
    wanted = axes.count(",") + 1
    in_words = {3: "three", 4: "four"}[wanted]
    is_shape = isinstance(shape, (tuple, list)) and len(shape) == wanted
    if not is_shape or any(type(side) is not int or side < 1 for side in shape):
        raise ValueError(f"input_shape must be {in_words} positive ints {axes}, not {shape!r}")
