"""The two residual blocks of ResNet, twins line by line, and the plain block to compare with.

Both residual blocks compute ``relu(F(x) + shortcut(x))`` (He et al. 2015, equations 1 and 2, figures 2 and 5). They
differ in F, the residual branch, and in ``expansion``: how many times ``channels`` the block returns.
"""

from torch import Tensor, nn


def conv1x1(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 1×1 convolution: it changes the channels, and with stride 2 the size. No bias: batch norm follows."""
    return nn.Conv2d(in_channels, out_channels, kernel_size=1, stride=stride, bias=False)


def conv3x3(in_channels: int, out_channels: int, stride: int = 1) -> nn.Conv2d:
    """A 3×3 convolution whose padding of 1 keeps the size at stride 1. No bias: batch norm follows."""
    return nn.Conv2d(
        in_channels, out_channels, kernel_size=3, stride=stride, padding=1, bias=False
    )


class ResidualBasicBlock(nn.Module):
    """Two 3×3 convolutions and a shortcut: the block of ResNet-18 and 34 (He et al. 2015, figure 5).

    Shapes: (N, in_channels, H, W) → (N, channels, ⌈H / stride⌉, ⌈W / stride⌉).

    ``downsample`` is the module on the shortcut. It must turn the input's shape into the output's
    wherever the two differ; ``None`` stands for the identity. Layers and results are those of
    torchvision's ``BasicBlock`` (torchvision 0.29).
    """

    expansion = 1

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
    ):
        super().__init__()
        self.conv1 = conv3x3(in_channels, channels, stride)
        self.batchnorm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(channels, channels * self.expansion)
        self.batchnorm2 = nn.BatchNorm2d(channels * self.expansion)
        self.relu2 = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)

        out = self.relu1(self.batchnorm1(self.conv1(x)))
        out = self.batchnorm2(self.conv2(out))

        out += shortcut  # never shortcut += out: without projection, that is the caller's x
        return self.relu2(out)


class PlainBlock(nn.Module):
    """The basic block without its shortcut: two 3×3 convolutions, for the plain networks (He et al. 2015, section 4).

    Shapes: (N, in_channels, H, W) → (N, channels, ⌈H / stride⌉, ⌈W / stride⌉).

    It has the same layers, parameters and multiply-adds as ``ResidualBasicBlock`` without ``downsample``.
    """

    expansion = 1

    def __init__(self, in_channels: int, channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = conv3x3(in_channels, channels, stride)
        self.batchnorm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(channels, channels)
        self.batchnorm2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        out = self.relu1(self.batchnorm1(self.conv1(x)))
        return self.relu2(self.batchnorm2(self.conv2(out)))


class ResidualBottleNeck(nn.Module):
    """1×1, 3×3, 1×1 and a shortcut: the block of ResNet-50, 101 and 152 (He et al. 2015, figure 5).

    Shapes: (N, in_channels, H, W) → (N, 4·channels, ⌈H / stride⌉, ⌈W / stride⌉).

    The first 1×1 goes down to ``channels``, the 3×3 works there, the last 1×1 goes up to
    4·channels. The stride is in the 3×3, as in torchvision's ``Bottleneck`` (torchvision 0.29,
    "ResNet v1.5"); the paper has it in the first 1×1. ``downsample`` is as in
    ``ResidualBasicBlock``.
    """

    expansion = 4

    def __init__(
        self,
        in_channels: int,
        channels: int,
        stride: int = 1,
        downsample: nn.Module | None = None,
    ):
        super().__init__()
        self.conv1 = conv1x1(in_channels, channels)
        self.batchnorm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(channels, channels, stride)
        self.batchnorm2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)
        self.conv3 = conv1x1(channels, channels * self.expansion)
        self.batchnorm3 = nn.BatchNorm2d(channels * self.expansion)
        self.relu3 = nn.ReLU(inplace=True)
        self.downsample = downsample

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x if self.downsample is None else self.downsample(x)

        out = self.relu1(self.batchnorm1(self.conv1(x)))
        out = self.relu2(self.batchnorm2(self.conv2(out)))
        out = self.batchnorm3(self.conv3(out))

        out += shortcut  # never shortcut += out: without projection, that is the caller's x
        return self.relu3(out)
