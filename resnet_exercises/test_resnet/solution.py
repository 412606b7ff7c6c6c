import torch
from torch import nn


def test_resnet(ResNet):
    """Raises an AssertionError where ResNet is not the network of the paper."""
    seen = []

    class Block(nn.Module):  # computes next to nothing, and notes what it was built with and what came in
        expansion = 2

        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__()
            self.numbers = in_channels, channels, stride
            self.downsample = downsample

        def forward(self, x):
            seen.append((self.numbers, x))
            return x if self.downsample is None else self.downsample(x)

    layers, images = [1, 2, 1, 1], torch.randn(2, 3, 224, 224)
    net = ResNet(Block, layers, num_classes=5)
    assert layers == [1, 2, 1, 1]  # the caller's list is left alone
    logits = net(images)
    numbers, inputs = zip(*seen)
    assert numbers == ((64, 64, 1), (128, 128, 2), (256, 128, 1), (256, 256, 2), (512, 512, 2))
    assert inputs[0].shape[-1] == 56  # 224 → 112 → 56
    assert inputs[0].min() >= 0  # after a ReLU
    assert logits.shape[1] == 5
    assert not torch.allclose(logits.sum(dim=1), torch.ones(2))  # no probabilities
    assert torch.allclose(net(images), logits)  # no chance in it, in train mode too
    assert net(torch.randn(2, 3, 97, 65)).shape[0] == 2  # images of another size

    logits.sum().backward()
    assert all(parameter.grad is not None for parameter in net.parameters())
    again = ResNet(Block, [1, 2, 1, 1], num_classes=5)  # the second network is like the first
    assert [p.numel() for p in again.parameters()] == [p.numel() for p in net.parameters()]
