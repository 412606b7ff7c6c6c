"""Folding: the convolution before a batch norm does the work of both.

In eval mode a batch norm is one multiplication and one addition for each channel, the same for every image.
"""

from __future__ import annotations

import copy
from collections import Counter

import torch
from torch import fx, nn


def fold_batchnorm(conv: nn.Conv2d, batchnorm: nn.BatchNorm2d) -> nn.Conv2d:
    """One new convolution, with a bias, that equals ``batchnorm(conv(x))`` in eval mode.

    Shapes are those of ``conv``: (N, in_channels, H, W) → (N, out_channels, H', W'). The two given layers stay as they
    are. The statistics are the running ones (Ioffe, Szegedy 2015, algorithm 2).

    Raises ``TypeError`` if the two are not an ``nn.Conv2d`` and an ``nn.BatchNorm2d``, and ``ValueError`` if their
    channels differ or if the batch norm takes its statistics from the batch, as it does in train mode: no convolution
    can do that.
    """
    _check_layers(conv, batchnorm)
    with torch.no_grad():
        mean, variance = batchnorm.running_mean, batchnorm.running_var
        gamma = torch.ones_like(mean) if batchnorm.weight is None else batchnorm.weight
        beta = torch.zeros_like(mean) if batchnorm.bias is None else batchnorm.bias
        bias = torch.zeros_like(mean) if conv.bias is None else conv.bias

        scale = gamma / torch.sqrt(variance + batchnorm.eps)
        weight = conv.weight * scale.reshape(-1, 1, 1, 1)  # one factor per output channel
        shift = beta + (bias - mean) * scale

    new = copy.deepcopy(conv)  # keeps stride, padding, dilation, groups and mode
    new.weight = nn.Parameter(weight.to(conv.weight.dtype))
    new.bias = nn.Parameter(shift.to(conv.weight.dtype))
    return new


def folded(model: nn.Module) -> nn.Module:
    """A copy of ``model`` for inference, without batch norm: each one is folded into the convolution before it.

    Every ``nn.BatchNorm2d`` that the forward pass uses becomes an ``nn.Identity``. Results are those of ``model`` in
    eval mode, but for rounding; ``model`` stays as it is. Which convolution stands before which batch norm is read from
    the forward pass with ``torch.fx``, not from names or order, so the networks of torchvision 0.29 fold as well.

    Raises ``TypeError`` if ``model`` is no ``nn.Module``, and ``ValueError`` if a batch norm is in train mode, if it
    has no convolution of its own before it, or if ``torch.fx`` cannot follow the forward pass.
    """
    if not isinstance(model, nn.Module):
        raise TypeError(f"model must be an nn.Module, not {model!r}")
    pairs = _pairs(model)
    new = copy.deepcopy(model)
    for conv_name, batchnorm_name in pairs:
        conv, batchnorm = new.get_submodule(conv_name), new.get_submodule(batchnorm_name)
        new.set_submodule(conv_name, fold_batchnorm(conv, batchnorm))
        new.set_submodule(batchnorm_name, nn.Identity())
    return new


def _pairs(model: nn.Module) -> list[tuple[str, str]]:
    """The names of each batch norm that ``model`` uses and of the convolution before it, as (convolution, batch
    norm).
    """
    nodes = [node for node in fx.Tracer().trace(model).nodes if node.op == "call_module"]
    calls = Counter(model.get_submodule(node.target) for node in nodes)
    pairs = []
    for node in nodes:
        batchnorm = model.get_submodule(node.target)
        if not isinstance(batchnorm, nn.BatchNorm2d):
            continue
        before = node.all_input_nodes[0]
        conv = model.get_submodule(before.target) if before in nodes else None
        if not isinstance(conv, nn.Conv2d):
            raise ValueError(
                f"{node.target} cannot be folded: what comes right before it is no nn.Conv2d"
            )
        if len(before.users) > 1 or calls[conv] > 1 or calls[batchnorm] > 1:
            raise ValueError(
                f"{node.target} cannot be folded into {before.target}: one of them, or what lies between them, "
                "is used in another place too, which folding would change"
            )
        try:
            _check_layers(conv, batchnorm)
        except ValueError as reason:
            raise ValueError(f"{node.target} cannot be folded: {reason}") from None
        pairs.append((before.target, node.target))
    return pairs


def _check_layers(conv: nn.Conv2d, batchnorm: nn.BatchNorm2d) -> None:
    """Raises a ``TypeError`` or ``ValueError`` that says what to do if the two layers cannot become one."""
    if not isinstance(conv, nn.Conv2d):
        raise TypeError(f"conv must be an nn.Conv2d, not {conv!r}")
    if not isinstance(batchnorm, nn.BatchNorm2d):
        raise TypeError(f"batchnorm must be an nn.BatchNorm2d, not {batchnorm!r}")
    if conv.out_channels != batchnorm.num_features:
        raise ValueError(
            f"the convolution outputs {conv.out_channels} channels, the batch norm takes {batchnorm.num_features}. "
            "Give the batch norm that follows this convolution."
        )
    if batchnorm.training or batchnorm.running_mean is None:
        what = (
            "has no running statistics"
            if batchnorm.running_mean is None
            else "is in train mode"
        )
        remedy = "" if batchnorm.running_mean is None else " Call .eval() first."
        raise ValueError(
            f"the batch norm {what}, so it takes mean and variance from the batch, which no convolution can do.{remedy}"
        )
