import torch
from torch import nn


def test_make_layer(make_layer):
    """Raises an AssertionError where make_layer builds no stage of ResNet."""

    class Block(nn.Module):  # computes nothing, but remembers what it was built with
        expansion = 4

        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__()
            self.numbers = in_channels, channels, stride
            self.downsample = downsample

    stage = make_layer(Block, 8, 4, 3, 2)  # 8 channels come in, 4 · 4 = 16 go out
    assert len(stage) == 3
    assert stage[0].numbers == (8, 4, 2)
    assert stage[1].numbers == (16, 4, 1)
    assert stage[1] is not stage[2]  # each block learns by itself

    projection = stage[0].downsample
    assert sum(parameter.numel() for parameter in projection.parameters()) == 16 * 8 + 16 + 16
    assert projection(torch.randn(2, 8, 6, 6)).min() < 0  # no ReLU in it
    assert all(parameter.requires_grad for parameter in projection.parameters())

    assert make_layer(Block, 8, 4, 1, 1)[0].downsample is not None  # other channels, same size
    assert make_layer(Block, 16, 4, 1, 1)[0].downsample is None  # 16 in, 16 out
    assert make_layer(Block, 8, 4, 3, 2)[0] is not stage[0]  # new blocks in each call
