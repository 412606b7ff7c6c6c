"""A trace of the sizes in a network: each layer with the size that PyTorch gives and the size by the formula."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import nn

from resnet_lib.formula import check_shape, output_size


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

    The size of each layer's output is *derived*: :func:`resnet_lib.formula.output_size` for convolution and pooling,
    the given size for adaptive pooling, unchanged for batch norm and ReLU, none for layers of other kinds. The size
    that PyTorch gives stands beside it. The model runs in eval mode and without gradients; it is left as it was.

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

    False where the network cannot do without an image: ``x.view(x.size(0), -1)`` is then ambiguous, and ``x[0]`` not
    there.
    """
    like = next(model.parameters(), torch.zeros(()))
    try:
        model(like.new_empty(0, *input_shape[1:]))
    except (RuntimeError, IndexError, ZeroDivisionError):
        return False
    return True


def _run_without_numbers(model: nn.Module, input_shape: tuple[int, int, int, int]) -> None:
    """The same on the "meta" device, where tensors have a shape and no numbers. Its first use loads modules for
    seconds.
    """
    tensors = (*model.named_parameters(), *model.named_buffers())
    weights = {name: tensor.to("meta") for name, tensor in tensors}
    like = next(model.parameters(), torch.zeros(()))
    images = like.new_empty(tuple(input_shape), device="meta")
    torch.func.functional_call(model, weights, images)


@contextlib.contextmanager
def modes_come_back(model: nn.Module) -> Iterator[None]:
    """Gives each layer its own mode back at the end: a frozen batch norm may be in eval mode in a model that is
    trained.
    """
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
