"""Looking inside a network: what its layers return, what its gradients are, and what a block changes."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck
from resnet_lib.tracing import modes_come_back


@torch.no_grad()
def record_outputs(model: nn.Module, images: Tensor, names: Iterable[str]) -> dict[str, Tensor]:
    """What the layers with these ``names`` return when ``images`` (N, C, H, W) go through ``model``, in the mode that
    it is in.

    Names are paths such as ``layer1.0.batchnorm2``. Raises ``ValueError`` for a name that is no layer of the model.
    """
    outputs = {}
    with contextlib.ExitStack() as hooks:
        for name in names:

            def keep(layer, inputs, output, name=name):
                outputs[name] = output.clone()  # += and in-place ReLUs overwrite it afterwards

            hook = find_layer(model, name).register_forward_hook(keep)
            hooks.callback(hook.remove)
        model(images)
    return outputs


def input_gradient(model: nn.Module, name: str, image: Tensor) -> Tensor:
    """How much one number inside ``model`` depends on each pixel of ``image`` (C, H, W): the gradient's size, (H, W).

    The number is the largest among the channels at the middle position of the layer ``name``: a ReLU that is at 0 has
    no gradient. The size is the sum over the colours of absolute values. Raises ``ValueError`` for a name that is no
    layer.
    """
    outputs = []
    pixels = image[None].detach().clone().requires_grad_()
    layer = find_layer(model, name)
    # times 1: a new tensor, which an in-place layer that follows does not overwrite
    hook = layer.register_forward_hook(lambda layer, inputs, output: outputs.append(output * 1))
    with torch.enable_grad():
        model(pixels)
        hook.remove()
        _, _, height, width = outputs[0].shape
        unit = outputs[0][0, :, height // 2, width // 2].max()
        (gradient,) = torch.autograd.grad(unit, pixels)
    return gradient[0].abs().sum(dim=0)


def gradient_norms(model: nn.Module, images: Tensor, labels: Tensor) -> dict[str, float]:
    """The 2-norm of the loss's gradient for the weight of each convolution, by name, from the first layer to the last.

    The loss is the cross-entropy of ``images`` (N, C, H, W) and ``labels`` (N,), in train mode, as in a step of
    training. The model keeps its weights and its mode; batch norm's running statistics take the batch into account.
    """
    weights = {
        n: layer.weight for n, layer in model.named_modules() if isinstance(layer, nn.Conv2d)
    }
    with modes_come_back(model):
        loss = F.cross_entropy(model.train()(images), labels)
        gradients = torch.autograd.grad(loss, list(weights.values()))
    return {
        name: gradient.norm().item() for name, gradient in zip(weights, gradients, strict=True)
    }


def without_batchnorm(model: nn.Module) -> nn.Module:
    """Replaces every batch norm of ``model`` by the identity, in place, and returns the model."""
    for name, layer in model.named_children():
        if isinstance(layer, nn.BatchNorm2d):
            setattr(model, name, nn.Identity())
        else:
            without_batchnorm(layer)
    return model


@torch.no_grad()
def branch_ratio(block: ResidualBasicBlock | ResidualBottleNeck, x: Tensor) -> float:
    """How large the change is that a block makes: the 2-norm of F(x) over that of the shortcut, for x (N, C, H, W).

    It is computed in eval mode, and over all numbers of the batch at once; the block stays as it was. Raises
    ``TypeError`` if ``block`` is no residual block of this library.
    """
    if not isinstance(block, (ResidualBasicBlock, ResidualBottleNeck)):
        raise TypeError(
            f"block must be a ResidualBasicBlock or a ResidualBottleNeck, not {type(block).__name__}. "
            "One block of a network is network.layer1[0]."
        )
    last = "batchnorm3" if isinstance(block, ResidualBottleNeck) else "batchnorm2"
    with modes_come_back(block):
        branch = record_outputs(block.eval(), x, [last])[last]
        shortcut = x if block.downsample is None else block.downsample(x)
    return (branch.norm() / shortcut.norm()).item()


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """The layer ``name`` of ``model``. Raises ``ValueError`` with some of its names if there is none."""
    layers = dict(model.named_modules())
    if name not in layers:
        some = ", ".join(list(layers)[1:6])
        raise ValueError(f"the network has no layer {name!r}. Its layers are {some}, …")
    return layers[name]
