"""What it takes to compare two networks so that a difference shows."""

import torch
from torch import nn


def randomise_batchnorm(model: nn.Module, seed: int = 0) -> nn.Module:
    """Fills every batch norm of ``model`` with random numbers, in place, and returns the model.

    A fresh batch norm hardly changes its input in eval mode: scale 1, shift 0, mean 0, variance 1. So a network in
    which one is missing, or was not loaded, can still give the right result. With random numbers it cannot.
    """
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                signs = torch.randint(0, 2, layer.weight.shape, generator=generator) * 2 - 1
                # Scales below 1 keep the sum of 50 blocks in range, so that every shift still counts.
                layer.weight.uniform_(0.3, 0.9, generator=generator).mul_(signs)
                layer.bias.uniform_(-0.5, 0.5, generator=generator)
                layer.running_mean.uniform_(-0.5, 0.5, generator=generator)
                layer.running_var.uniform_(0.5, 1.5, generator=generator)
                layer.num_batches_tracked.random_(1, 1000, generator=generator)
    return model
