import torch
from torch import nn


def fold_batchnorm(conv, batchnorm):
    folded = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        stride=conv.stride,
        padding=conv.padding,
        bias=True,
    )
    with torch.no_grad():
        scale = batchnorm.weight / torch.sqrt(batchnorm.running_var + batchnorm.eps)
        bias = 0 if conv.bias is None else conv.bias
        folded.weight.copy_(conv.weight * scale.reshape(-1, 1, 1, 1))
        folded.bias.copy_(batchnorm.bias + (bias - batchnorm.running_mean) * scale)
    return folded
