"""ResNet-18 to ResNet-152 for ImageNet, and the thin ResNets for CIFAR-10, built from the same blocks."""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_lib.blocks import (
    PlainBlock,
    ResidualBasicBlock,
    ResidualBottleNeck,
    conv1x1,
    conv3x3,
)
from resnet_lib.formula import check_int


class ResNetBase(nn.Module):
    """The ImageNet ResNet (He et al. 2015, Table 1): stem, four stages of blocks, classifier.

    Shapes: (N, 3, H, W) → (N, num_classes). The paper has 224×224; any H and W from 1 will do.
    (In train mode a single image must be larger than 32×32: batch norm needs several values.)

    ``block`` is ``ResidualBasicBlock`` or ``ResidualBottleNeck``, ``layers`` the number of blocks
    in each of ``layer1`` … ``layer4``, which the paper calls conv2_x … conv5_x. Structure, results
    and random weights are those of ``torchvision.models.ResNet`` (torchvision 0.29) without its
    dilation, groups and width options.

    Raises ``TypeError`` or ``ValueError`` if ``block`` is no block class, ``layers`` not four
    positive ints or ``num_classes`` not a positive int; ``forward`` raises them for an input that
    is not a floating-point (N, 3, H, W) tensor.
    """

    def __init__(self, block: type[nn.Module], layers: list[int], num_classes: int = 1000):
        super().__init__()
        check_plan(block, layers, num_classes)

        self.in_channels = 64  # what reaches the next block; _make_layer keeps it up to date
        self.conv1 = nn.Conv2d(3, 64, kernel_size=7, stride=2, padding=3, bias=False)
        self.batchnorm1 = nn.BatchNorm2d(64)
        self.relu1 = nn.ReLU(inplace=True)
        self.maxpool = nn.MaxPool2d(kernel_size=3, stride=2, padding=1)

        self.layer1 = self._make_layer(
            block, 64, layers[0], stride=1
        )  # the max-pool has halved
        self.layer2 = self._make_layer(block, 128, layers[1], stride=2)
        self.layer3 = self._make_layer(block, 256, layers[2], stride=2)
        self.layer4 = self._make_layer(block, 512, layers[3], stride=2)

        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        initialise_weights(self)

    def _make_layer(
        self, block: type[nn.Module], channels: int, blocks: int, stride: int
    ) -> nn.Sequential:
        """One stage: the first block takes the stride and, where needed, a projection."""
        out_channels = channels * block.expansion
        downsample = None
        # x can be added to F(x) only if their shapes are equal. In two cases they are not:
        #   stride != 1:    F(x) is half the size of x. First block of layer2, layer3, layer4.
        #   channels differ: the same blocks, and the first of layer1 for bottlenecks, 64 → 256.
        if stride != 1 or self.in_channels != out_channels:
            downsample = nn.Sequential(
                conv1x1(self.in_channels, out_channels, stride),
                nn.BatchNorm2d(out_channels),
            )

        stage = [block(self.in_channels, channels, stride, downsample)]
        self.in_channels = out_channels
        for _ in range(1, blocks):
            stage.append(block(self.in_channels, channels))
        return nn.Sequential(*stage)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_scripting():
            check_images(self, x)
        x = self.maxpool(self.relu1(self.batchnorm1(self.conv1(x))))

        x = self.layer1(x)
        x = self.layer2(x)
        x = self.layer3(x)
        x = self.layer4(x)

        x = torch.flatten(self.avgpool(x), 1)
        return self.fc(x)


def initialise_weights(model: nn.Module) -> None:
    """Random weights, in place: He normal for convolutions, scale 1 and shift 0 for batch norm.

    A convolution's weights are drawn from N(0, 2 / (out_channels · K²)): the factor 2 makes up for
    the half that ReLU sets to zero (He et al. 2015b, "Delving Deep into Rectifiers"; fan-out as in
    torchvision 0.29). The classifier keeps PyTorch's own initialisation, as in torchvision.
    """
    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(module, nn.BatchNorm2d):
            nn.init.ones_(module.weight)
            nn.init.zeros_(module.bias)


def resnet18(num_classes: int = 1000) -> ResNetBase:
    """ResNet-18: basic blocks, 2 + 2 + 2 + 2. (N, 3, H, W) → (N, num_classes)."""
    return ResNetBase(ResidualBasicBlock, [2, 2, 2, 2], num_classes)


def resnet34(num_classes: int = 1000) -> ResNetBase:
    """ResNet-34: basic blocks, 3 + 4 + 6 + 3. (N, 3, H, W) → (N, num_classes)."""
    return ResNetBase(ResidualBasicBlock, [3, 4, 6, 3], num_classes)


def resnet50(num_classes: int = 1000) -> ResNetBase:
    """ResNet-50: bottlenecks, 3 + 4 + 6 + 3. (N, 3, H, W) → (N, num_classes)."""
    return ResNetBase(ResidualBottleNeck, [3, 4, 6, 3], num_classes)


def resnet101(num_classes: int = 1000) -> ResNetBase:
    """ResNet-101: bottlenecks, 3 + 4 + 23 + 3. (N, 3, H, W) → (N, num_classes)."""
    return ResNetBase(ResidualBottleNeck, [3, 4, 23, 3], num_classes)


def resnet152(num_classes: int = 1000) -> ResNetBase:
    """ResNet-152: bottlenecks, 3 + 8 + 36 + 3. (N, 3, H, W) → (N, num_classes)."""
    return ResNetBase(ResidualBottleNeck, [3, 8, 36, 3], num_classes)


#: The five networks of Table 1, by depth.
IMAGENET_RESNETS = {18: resnet18, 34: resnet34, 50: resnet50, 101: resnet101, 152: resnet152}


class ZeroPadShortcut(nn.Module):
    """Option A for ``downsample``, without parameters (He et al. 2015, sections 3.3 and 4.2).

    Takes every ``stride``-th pixel and appends channels of zeros; with ``centred``, half of
    them come in front.
    Shapes: (N, in_channels, H, W) → (N, out_channels, ⌈H / stride⌉, ⌈W / stride⌉).
    """

    def __init__(self, in_channels: int, out_channels: int, stride: int, centred: bool = False):
        super().__init__()
        new_channels = out_channels - in_channels
        self.front = new_channels // 2 if centred else 0
        self.back = new_channels - self.front
        self.stride = stride

    def forward(self, x: Tensor) -> Tensor:
        subsampled = x[:, :, :: self.stride, :: self.stride]
        return F.pad(subsampled, (0, 0, 0, 0, self.front, self.back))  # pairs for W, H, then C


class CifarResNet(nn.Module):
    """The thin ResNet for CIFAR-10 (He et al. 2015, section 4.2): three stages of 16, 32 and 64 channels.

    Shapes: (N, in_channels, H, W) → (N, num_classes); the paper trains on colour images of 32×32. With n blocks a stage
    it has 6n + 2 layers. Shortcuts have no parameters (:class:`ZeroPadShortcut`), the stem is one 3×3 convolution, and
    there is no max-pool. ``width`` is the number of channels of the first stage; the second and third have 2 and 4
    times as many.

    The paper does not say where the zeros of a shortcut go. Some networks of others have half of them in front, such as
    those of akamaster/pytorch_resnet_cifar10: their weights fit by name and shape, and need ``centred_zeros`` to mean
    the same.

    ``block`` is a basic block of one's own, called as ``ResidualBasicBlock`` is.

    Raises ``TypeError`` or ``ValueError`` if an argument is not a positive int; ``forward`` raises as
    :class:`ResNetBase` does.
    """

    def __init__(
        self,
        blocks_per_stage: int,
        num_classes: int = 10,
        in_channels: int = 3,
        width: int = 16,
        centred_zeros: bool = False,
        block: type[nn.Module] = ResidualBasicBlock,
    ):
        super().__init__()
        check_int("blocks_per_stage", blocks_per_stage)
        check_int("num_classes", num_classes)
        check_int("in_channels", in_channels)
        check_int("width", width)

        self.centred_zeros, self.block = centred_zeros, block
        self.conv1 = conv3x3(in_channels, width)
        self.batchnorm1 = nn.BatchNorm2d(width)
        self.relu1 = nn.ReLU(inplace=True)
        self.layer1 = self._make_layer(width, width, blocks_per_stage, stride=1)
        self.layer2 = self._make_layer(width, 2 * width, blocks_per_stage, stride=2)
        self.layer3 = self._make_layer(2 * width, 4 * width, blocks_per_stage, stride=2)
        self.avgpool = nn.AdaptiveAvgPool2d((1, 1))
        self.fc = nn.Linear(4 * width, num_classes)
        initialise_weights(self)

    def _make_layer(
        self, in_channels: int, channels: int, blocks: int, stride: int
    ) -> nn.Sequential:
        """One stage of basic blocks; only the first one changes size and channels."""
        downsample = None
        if stride != 1:
            downsample = ZeroPadShortcut(in_channels, channels, stride, self.centred_zeros)
        first = self.block(in_channels, channels, stride, downsample)
        others = (self.block(channels, channels) for _ in range(1, blocks))
        return nn.Sequential(first, *others)

    def forward(self, x: Tensor) -> Tensor:
        if not torch.jit.is_scripting():
            check_images(self, x)
        x = self.relu1(self.batchnorm1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class CifarPlainNet(CifarResNet):
    """The plain network of section 4.2: :class:`CifarResNet` without its shortcuts, and the same in everything else.

    Shapes, arguments and what raises: as there. Layers and parameters have the same names, so weights fit both.
    """

    def _make_layer(
        self, in_channels: int, channels: int, blocks: int, stride: int
    ) -> nn.Sequential:
        """One stage of plain blocks; only the first one changes size and channels."""
        first = PlainBlock(in_channels, channels, stride)
        others = (PlainBlock(channels, channels) for _ in range(1, blocks))
        return nn.Sequential(first, *others)


def resnet20(num_classes: int = 10) -> CifarResNet:
    """ResNet-20 for CIFAR-10: 3 basic blocks a stage. (N, 3, H, W) → (N, num_classes)."""
    return CifarResNet(3, num_classes)


def resnet32(num_classes: int = 10) -> CifarResNet:
    """ResNet-32 for CIFAR-10: 5 basic blocks a stage. (N, 3, H, W) → (N, num_classes)."""
    return CifarResNet(5, num_classes)


def resnet44(num_classes: int = 10) -> CifarResNet:
    """ResNet-44 for CIFAR-10: 7 basic blocks a stage. (N, 3, H, W) → (N, num_classes)."""
    return CifarResNet(7, num_classes)


def resnet56(num_classes: int = 10) -> CifarResNet:
    """ResNet-56 for CIFAR-10: 9 basic blocks a stage. (N, 3, H, W) → (N, num_classes)."""
    return CifarResNet(9, num_classes)


def resnet110(num_classes: int = 10) -> CifarResNet:
    """ResNet-110 for CIFAR-10: 18 basic blocks a stage. (N, 3, H, W) → (N, num_classes)."""
    return CifarResNet(18, num_classes)


#: The five networks of Table 6 that have option A, by depth.
CIFAR_RESNETS = {20: resnet20, 32: resnet32, 44: resnet44, 56: resnet56, 110: resnet110}


def check_plan(block: type[nn.Module], layers: list[int], num_classes: int) -> None:
    """Raises a ``TypeError`` or ``ValueError`` that says what to do if no ResNet can be built from these."""
    if not (
        isinstance(block, type) and issubclass(block, nn.Module) and hasattr(block, "expansion")
    ):
        raise TypeError(
            f"block must be a block class such as ResidualBasicBlock, without brackets, not {block!r}"
        )
    if not isinstance(layers, (list, tuple)) or len(layers) != 4:
        raise ValueError(
            f"layers must be four numbers of blocks, for layer1 … layer4, not {layers!r}"
        )
    for blocks in layers:
        check_int("each number in layers", blocks)
    check_int("num_classes", num_classes)


def check_images(model: nn.Module, x: Tensor) -> None:
    """Raises a ``TypeError`` or ``ValueError`` that says what to do if ``x`` is no batch of images.

    ``model.conv1`` says what is right. With another first layer in its place, any input is left to that layer.
    """
    if isinstance(x, torch.fx.Proxy) or not isinstance(
        getattr(model, "conv1", None), nn.Conv2d
    ):
        return  # a model that is being traced has no tensor to look at
    if not isinstance(x, Tensor):
        kind = type(x).__name__
        raise TypeError(
            f"the input must be a torch.Tensor, not {kind}. Try torch.as_tensor(…)."
        )
    shape = tuple(x.shape)
    if x.dim() != 4:
        hint = " One image (C, H, W) becomes a batch of one with image.unsqueeze(0)."
        raise ValueError(
            f"the input must have 4 axes (N, C, H, W), not {x.dim()}: its shape is {shape}."
            + hint * (x.dim() == 3)
        )
    if not x.is_floating_point():
        raise TypeError(
            f"the input must be floating point, not {x.dtype}. "
            "For pixels from 0 to 255: x.float() / 255."
        )
    dtype, wanted = model.conv1.weight.dtype, model.conv1.in_channels
    if x.dtype != dtype and not torch.is_autocast_enabled(x.device.type):
        raise TypeError(
            f"the input is {x.dtype}, the weights are {dtype}. Convert it: x.to({dtype})."
        )
    images, channels, height, width = shape
    if channels != wanted:
        hint = ""
        if width == 3:
            hint = " The last axis is 3: x.permute(0, 3, 1, 2) turns (N, H, W, C) into (N, C, H, W)."
        if channels == 1 and wanted == 3:
            hint = " Grey images become three equal channels with x.expand(-1, 3, -1, -1)."
        raise ValueError(
            f"the input must have {wanted} channels on axis 1, not {channels}: "
            f"its shape is {shape}.{hint}"
        )
    if height < 1 or width < 1:
        raise ValueError(
            f"the images are empty: {height}×{width} pixels. They need 1 or more in each direction."
        )
    if images == 1 and any(
        m.training for m in model.modules() if isinstance(m, nn.BatchNorm2d)
    ):
        check_size_in_training(model, height, width)


def check_size_in_training(model: nn.Module, height: int, width: int) -> None:
    """Raises ``ValueError`` for a single image that the strides shrink to one pixel.

    In training, batch norm takes the variance over N, H and W, and one number has none.
    """
    shrinks_by = 1
    for name, layer in model.named_modules():
        if isinstance(layer, (nn.Conv2d, nn.MaxPool2d)) and "downsample" not in name:
            shrinks_by *= layer.stride if isinstance(layer.stride, int) else layer.stride[0]
    if height <= shrinks_by and width <= shrinks_by:
        raise ValueError(
            f"one image of {height}×{width} is too small to train on: the strides shrink it to 1×1, "
            "a single value per channel, of which batch norm can take no variance. Use a larger "
            f"batch, an image of more than {shrinks_by} pixels in height or width, or model.eval()."
        )
