"""Answers to resnet that the registered mistakes are not copies of."""

import random
import sys

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from answers.blocks import ReboundNorm
from resnet_lib.resnet import ResNetBase


class InOne(nn.Module):
    """Everything in one Sequential, a loop over the stages."""

    def __init__(self, block, layers, num_classes=1000):
        super().__init__()
        parts = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(True)]
        parts += [nn.MaxPool2d(3, 2, 1)]
        width, features = 64, 64
        for number, blocks in enumerate(layers):
            for index in range(blocks):
                stride = 2 if number and not index else 1
                down = None
                if stride != 1 or features != width * block.expansion:
                    down = nn.Sequential(
                        nn.Conv2d(features, width * block.expansion, 1, stride, bias=False),
                        nn.BatchNorm2d(width * block.expansion),
                    )
                parts.append(block(features, width, stride, down))
                features = width * block.expansion
            width *= 2
        parts += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(features, num_classes)]
        self.everything = nn.Sequential(*parts)

    def forward(self, images):
        return self.everything(images)


class Functional(nn.Module):
    """Functional ReLU and pooling, an nn.ModuleList, the mean over (2, 3)."""

    def __init__(self, block, layers, num_classes=1000):
        super().__init__()
        self.inplanes = 64
        self.c = nn.Conv2d(3, 64, (7, 7), stride=(2, 2), padding=(3, 3), bias=False)
        self.n = nn.BatchNorm2d(64)
        self.stages = nn.ModuleList(
            self.stage(block, 64 * 2**i, layers[i], 1 if i == 0 else 2) for i in range(4)
        )
        self.head = nn.Linear(512 * block.expansion, num_classes)

    def stage(self, block, width, count, stride):
        made = nn.ModuleList()
        for s in [stride] + [1] * (count - 1):
            out = width * block.expansion
            down = nn.Identity()
            if s != 1 or self.inplanes != out:
                down = nn.Sequential(
                    nn.Conv2d(self.inplanes, out, 1, s, bias=False), nn.BatchNorm2d(out)
                )
            made.append(block(self.inplanes, width, stride=s, downsample=down))
            self.inplanes = out
        return made

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.n(self.c(x))), 3, stride=2, padding=1)
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.head(x.mean((2, 3)))


class WithDefault(nn.Module):
    """in_channels as a class attribute that each network shadows: right."""

    in_channels = 64

    def __init__(self, block, layers, num_classes=1000):
        super().__init__()
        for module in (self,):
            module.stem = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
        self.norm = nn.BatchNorm2d(64)
        self.layer1 = self._make_layer(block, 64, layers[0])
        self.layer2 = self._make_layer(block, 128, layers[1], 2)
        self.layer3 = self._make_layer(block, 256, layers[2], 2)
        self.layer4 = self._make_layer(block, 512, layers[3], 2)
        self.fc = nn.Linear(512 * block.expansion, num_classes)
        for p in self.modules():
            if isinstance(p, nn.Conv2d):
                nn.init.normal_(p.weight, std=0.01)
            if isinstance(p, nn.Linear):
                nn.init.zeros_(p.weight)

    def _make_layer(self, block, channels, blocks, stride=1):
        make = ResNetBase._make_layer
        return make(self, block, channels, blocks, stride)

    def forward(self, x):
        x = torch.max_pool2d(torch.relu_(self.norm(self.stem(x))), 3, 2, 1)
        for layer in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = layer(x)
        x = F.adaptive_avg_pool2d(x, (1, 1))
        return self.fc(x.view(x.size(0), -1))


class PoolFirst(ResNetBase):
    """ReLU after the max-pool: the same function, cheaper. Average over the size that there is."""

    def forward(self, x):
        x = self.relu1(self.maxpool(self.batchnorm1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        x = F.avg_pool2d(x, kernel_size=x.shape[2:])
        return self.fc(x.reshape(x.shape[0], -1))


class Loops(ResNetBase):
    def forward(self, x):
        for name in "conv1 batchnorm1 relu1 maxpool layer1 layer2 layer3 layer4".split():
            x = getattr(self, name)(x)
        x = x.flatten(2).mean(-1)
        return F.linear(x, self.fc.weight, self.fc.bias)


class KeywordsOnly(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        out = channels * block.expansion
        down = None
        if not (stride == 1 and self.in_channels == out):
            down = nn.Sequential(
                nn.Conv2d(self.in_channels, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )
        first = block(
            in_channels=self.in_channels, channels=channels, stride=stride, downsample=down
        )
        self.in_channels = out
        rest = [block(in_channels=out, channels=channels) for _ in range(blocks - 1)]
        return nn.Sequential(first, *rest)


class PaddedByHand(ResNetBase):
    """Zeros around what ReLU gives out change no maximum."""

    def forward(self, x):
        x = self.relu1(self.batchnorm1(self.conv1(x)))
        x = F.max_pool2d(F.pad(x, (1, 1, 1, 1)), 3, 2)
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.squeeze(torch.squeeze(self.avgpool(x), -1), -1))


class Ours(ResNetBase):
    def __init__(self, block, layers, num_classes: int = 1000):
        super().__init__(block, list(layers), num_classes)
        for parameter in self.fc.parameters():
            nn.init.normal_(parameter, 0, 0.01)


class ClassifierAsConvolution(ResNetBase):
    """The classifier as a 1×1 convolution, flattened after it."""

    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        self.fc = nn.Conv2d(512 * block.expansion, num_classes, 1)

    def forward(self, x):
        x = self.maxpool(self.relu1(self.batchnorm1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(self.avgpool(x)).flatten(1)


class LazyClassifier(ResNetBase):
    """The classifier learns the number of its inputs from the first image."""

    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        self.fc = nn.LazyLinear(num_classes)


class SavesMemory(ResNetBase):
    def forward(self, x):
        x = self.maxpool(self.relu1(self.batchnorm1(self.conv1(x))))
        for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
            x = checkpoint(stage, x, use_reentrant=False)
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Einsum(nn.Linear):
    def forward(self, x):
        return torch.einsum("oi,ni->no", self.weight, x) + self.bias


class ClassifierByEinsum(ResNetBase):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        self.fc = Einsum(512 * block.expansion, num_classes)


class TurnedLinear(nn.Module):
    """A linear layer whose weight stands turned: one column for each output."""

    def __init__(self, in_features, out_features):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(in_features, out_features) / in_features**0.5)
        self.bias = nn.Parameter(torch.zeros(out_features))

    def forward(self, x):
        return x @ self.weight + self.bias


class OwnClassifier(ResNetBase):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        self.fc = TurnedLinear(512 * block.expansion, num_classes)


class OwnNorm(ResNetBase):
    """The batch norm of the stem by its formula; it puts new tensors in the place of its buffers."""

    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        self.batchnorm1 = ReboundNorm(64)


def built_with(make_layer, features=lambda block: 512 * block.expansion):
    """A network of four calls of a ``make_layer(block, in_channels, channels, blocks, stride)``."""

    class ByFunction(nn.Module):
        def __init__(self, block, layers, num_classes=1000):
            super().__init__()
            self.conv1 = nn.Conv2d(3, 64, 7, 2, 3, bias=False)
            self.bn1 = nn.BatchNorm2d(64)
            self.pool = nn.MaxPool2d(3, 2, 1)
            e = block.expansion
            self.layer1 = make_layer(block, 64, 64, layers[0], 1)
            self.layer2 = make_layer(block, 64 * e, 128, layers[1], 2)
            self.layer3 = make_layer(block, 128 * e, 256, layers[2], 2)
            self.layer4 = make_layer(block, 256 * e, 512, layers[3], 2)
            self.fc = nn.Linear(features(block), num_classes)

        def forward(self, x):
            x = self.pool(F.relu(self.bn1(self.conv1(x))))
            for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
                x = stage(x)
            return self.fc(x.mean((2, 3)))

    return ByFunction


def stage_by_function(block, in_channels, channels, blocks, stride):
    out = channels * block.expansion
    downsample = None
    if stride != 1 or in_channels != out:
        conv = nn.Conv2d(in_channels, out, 1, stride, bias=False)
        downsample = nn.Sequential(conv, nn.BatchNorm2d(out))
    first = block(in_channels, channels, stride, downsample)
    return nn.Sequential(first, *(block(out, channels) for _ in range(1, blocks)))


class OwnBlock(nn.Module):
    """A block that is hard-coded in a network, where the given one should stand."""

    expansion = 1

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, channels, 3, stride, 1)

    def forward(self, x):
        return self.conv(x)


def without_expansion(make_layer):
    """Hint 1 of the chapter, with the channels of the stages as plain numbers."""

    def made(block, in_channels, channels, blocks, stride):
        before = 64 if channels == 64 else channels // 2
        return make_layer(block, before, channels, blocks, stride)

    return made


RIGHT = {
    "resnet": {
        "make_layer as a function, in_channels times expansion": built_with(stage_by_function),
        "the classifier as a 1×1 convolution": ClassifierAsConvolution,
        "the classifier by einsum": ClassifierByEinsum,
        "a linear layer of its own, its weight turned": OwnClassifier,
        "a batch norm of its own, with new tensors as buffers": OwnNorm,
        "checkpoint": SavesMemory,
        "a lazy classifier": LazyClassifier,
        "one Sequential, one loop": InOne,
        "functional, nn.ModuleList, mean over (2, 3), nn.Identity": Functional,
        "in_channels as a class default, own initialisation": WithDefault,
        "ReLU after the max-pool, avg_pool2d of the whole size": PoolFirst,
        "getattr in a loop, flatten and mean, F.linear": Loops,
        "keywords": KeywordsOnly,
        "max-pool padded by hand": PaddedByHand,
        "fc drawn from a normal": Ours,
    }
}


class Base(InOne):
    """A right answer, of which the wrong ones change one thing."""

    def last(self, x):
        return x

    def forward(self, x):
        return self.last(super().forward(x))


def changed(place=None, layer=None, **methods):
    """``Base`` with another layer at a place of its Sequential, or other methods."""

    class Changed(Base):
        def __init__(self, block, layers, num_classes=1000):
            super().__init__(block, layers, num_classes)
            if layer is not None:
                old = self.everything[place]
                self.everything[place] = layer(old)

    for name, method in methods.items():
        setattr(Changed, name, method)
    return Changed


class TwoModels(Base):
    """The second network has one block more: state in the class."""

    made = 0

    def __init__(self, block, layers, num_classes=1000):
        TwoModels.made += 1
        super().__init__(block, [layers[0] + TwoModels.made, *layers[1:]], num_classes)


WIDTH = 64


class Global(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        global WIDTH
        self.in_channels = WIDTH
        made = super()._make_layer(block, channels, blocks, stride)
        WIDTH = self.in_channels
        return made


class PlainLists(ResNetBase):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        stages = [self.layer1, self.layer2, self.layer3, self.layer4]
        del self.layer1, self.layer2, self.layer3, self.layer4
        self.stages = [list(stage) for stage in stages]

    def forward(self, x):
        x = self.maxpool(self.relu1(self.batchnorm1(self.conv1(x))))
        for stage in self.stages:
            for block in stage:
                x = block(x)
        return self.fc(self.avgpool(x).flatten(1))


class Forward(ResNetBase):
    """``forward`` in parts."""

    def stem(self, x):
        return self.maxpool(self.relu1(self.batchnorm1(self.conv1(x))))

    def body(self, x):
        return self.layer4(self.layer3(self.layer2(self.layer1(x))))

    def head(self, x):
        return self.fc(torch.flatten(self.avgpool(x), 1))

    def forward(self, x):
        return self.head(self.body(self.stem(x)))


def forward(**methods):
    return type("Other", (Forward,), methods)


def padded(sides):
    """``Forward`` whose conv1 has the padding beside it: ``sides(height or width)`` in front and behind."""

    def stem(self, x):
        pads = [*sides(x.shape[3]), *sides(x.shape[2])]
        x = F.conv2d(F.pad(x, pads), self.conv1.weight, stride=2)
        return self.maxpool(F.relu(self.batchnorm1(x)))

    return forward(stem=stem)


def cifar(default=1000, pool=lambda x: x.mean((2, 3))):
    """The stem, and with other arguments the end, of much public code for CIFAR-10."""

    class Cifar(ResNetBase):
        def __init__(self, block, layers, num_classes=default):
            super().__init__(block, layers, num_classes)
            self.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)

        def forward(self, x):
            x = F.relu(self.batchnorm1(self.conv1(x)))
            x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
            return self.fc(pool(x).flatten(1))

    return Cifar


def stages(**changed):
    """``ResNetBase`` with its own ``_make_layer``, line by line, and one thing changed."""
    rule = {
        "gives": lambda self, block, channels: channels * block.expansion,
        "convolution": lambda i, o, stride, channels: nn.Conv2d(i, o, 1, stride, bias=False),
        "norm": lambda o, channels: nn.BatchNorm2d(o),
        "updates": "after the first",
    } | changed

    class Stages(ResNetBase):
        def _make_layer(self, block, channels, blocks, stride):
            out = rule["gives"](self, block, channels)
            if rule["updates"] == "before all":
                self.in_channels = out
            downsample = None
            if stride != 1 or self.in_channels != out:
                conv = rule["convolution"](self.in_channels, out, stride, channels)
                downsample = nn.Sequential(conv, rule["norm"](out, channels))
            if rule["updates"] == "before the first":
                self.in_channels = out
            stage = [block(self.in_channels, channels, stride, downsample)]
            if rule["updates"] in ("after the first", "returns there"):
                self.in_channels = out
            for _ in range(1, blocks):
                stage.append(block(self.in_channels, channels))
                if rule["updates"] == "returns there":
                    return nn.Sequential(*stage)
            self.in_channels = out
            return None if rule["updates"] == "returns there" else nn.Sequential(*stage)

    return Stages


def keeps_no_stage(self):
    del self.layer1, self.layer2, self.layer3, self.layer4


def starts_norms(start):
    return built(
        lambda self: [start(m.weight) for m in self.modules() if isinstance(m, nn.BatchNorm2d)]
    )


def last_norms_at_zero(self):
    """As torchvision's zero_init_residual, for blocks with any names."""
    for stage in (self.layer1, self.layer2, self.layer3, self.layer4):
        for block in stage:
            norms = [
                module
                for name, module in block.named_modules()
                if isinstance(module, nn.BatchNorm2d) and "downsample" not in name
            ]
            nn.init.zeros_(norms[-1].weight)


def forgets_the_result(self, x):
    x = self.conv1(x)
    self.batchnorm1(x)
    return self.maxpool(F.relu(x))


class Inverted(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        return super()._make_layer(block, channels, blocks, 1 if channels == 512 else 2)


class NoFinalUpdate(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        made = super()._make_layer(block, channels, blocks, stride)
        self.in_channels = channels
        return made


def built(change):
    """``ResNetBase`` with something done in __init__, once it is built."""

    class Built(ResNetBase):
        def __init__(self, block, layers, num_classes=1000):
            super().__init__(block, layers, num_classes)
            change(self)

    return Built


def planned(plan):
    """``ResNetBase`` with other numbers of blocks."""
    return type(
        "Planned",
        (ResNetBase,),
        {
            "__init__": lambda self, block, layers, num_classes=1000: ResNetBase.__init__(
                self, block, plan(layers), num_classes
            )
        },
    )


def reverse(layers):
    layers.reverse()
    return layers


class SharedFromTheTenth(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        stage = super()._make_layer(block, channels, blocks, stride)
        return nn.Sequential(*stage[:10], *[stage[9]] * (blocks - 10)) if blocks > 10 else stage


class ReluClass(ResNetBase):
    def __init__(self, *given):
        super().__init__(*given)
        del self.relu1
        self.relu1 = nn.ReLU


class Seeds(ResNetBase):
    def __init__(self, *given):
        torch.manual_seed(42)
        super().__init__(*given)


class SwapsArguments(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        return super()._make_layer(
            type(
                "Swapped",
                (),
                {
                    "expansion": block.expansion,
                    "__new__": lambda cls, i, c, s=1, d=None: block(i, c, d, s),
                },
            ),
            channels,
            blocks,
            stride,
        )


class SetsTheExpansion(ResNetBase):
    """Changes the class of the block, which the next check uses too."""

    def __init__(self, block, layers, num_classes=1000):
        block.expansion = 3
        super().__init__(block, layers, num_classes)


class ListNotUnpacked(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        return nn.Sequential(list(super()._make_layer(block, channels, blocks, stride)))


class Fraction(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        return super()._make_layer(block, channels, blocks / 1, stride)


RIGHT["resnet"] |= {
    "padding 3 beside the convolution": padded(lambda size: (3, 3)),
    "the last batch norm of each block starts at zero": built(last_norms_at_zero),
}
WRONG = {
    "resnet": {
        "a bias in conv1": (
            built(lambda self: setattr(self, "conv1", nn.Conv2d(3, 64, 7, 2, 3))),
            "conv1-with-bias",
        ),
        "padding as TensorFlow has it": (
            padded(lambda size: (3, 3) if size % 2 else (2, 3)),
            "conv1-padding-same",
        ),
        "padding 2 and 3": (padded(lambda size: (2, 3)), "conv1-padding-2-and-3"),
        "padding that is right for odd sizes": padded(
            lambda size: (3, 3) if size % 2 else (2, 2)
        ),
        "a stem for CIFAR-10": (cifar(), "cifar-stem"),
        "a stem and a pool for CIFAR-10": (
            cifar(pool=lambda x: F.avg_pool2d(x, 4)),
            "cifar-stem-and-pool",
        ),
        "a network for CIFAR-10": (
            cifar(10, pool=lambda x: F.avg_pool2d(x, 4)),
            "cifar-network",
        ),
        "4 times the channels": (
            stages(gives=lambda self, block, channels: channels * 4),
            "expansion-always-4-in-the-stages",
        ),
        "no block has an expansion": (
            stages(gives=lambda self, block, channels: channels),
            "expansion-always-1-in-the-stages",
        ),
        "batch norm of the projection for channels": (
            stages(norm=lambda o, channels: nn.BatchNorm2d(channels)),
            "projection-batchnorm-without-expansion",
        ),
        "projection to channels": (
            stages(
                convolution=lambda i, o, stride, channels: nn.Conv2d(
                    i, channels, 1, stride, bias=False
                ),
                norm=lambda o, channels: nn.BatchNorm2d(channels),
            ),
            "projection-without-expansion",
        ),
        "in_channels updated first": (
            stages(updates="before all"),
            "in-channels-updated-before-the-projection",
        ),
        "in_channels updated before the first block": (
            stages(updates="before the first"),
            "in-channels-updated-before-the-first-block",
        ),
        "in_channels updated last": (
            stages(updates="at the end"),
            "in-channels-updated-after-the-stage",
        ),
        "return in the loop": (stages(updates="returns there"), "return-in-the-loop"),
        "keeps no stage": (built(keeps_no_stage), ""),
        "batch norms start at random": (
            starts_norms(lambda weight: nn.init.normal_(weight, 1, 0.02)),
            "batchnorm-starts-with-another-scale",
        ),
        "the batch norm's result is thrown away": (
            forward(stem=forgets_the_result),
            "stem-batchnorm-result-unused",
        ),
        "view(1, -1)": (
            forward(head=lambda self, x: self.fc(self.avgpool(x).view(1, -1))),
            "flatten-into-one-row",
        ),
        "layer3 before layer2": (
            forward(body=lambda s, x: s.layer4(s.layer2(s.layer3(s.layer1(x))))),
            "layer2-skipped",
        ),
        "sets the expansion of the block": SetsTheExpansion,
        "eval mode": (built(lambda self: self.eval()), "starts-in-eval-mode"),
        "one batch norm in eval mode": (
            built(lambda self: self.batchnorm1.eval()),
            "starts-in-eval-mode",
        ),
        "22 blocks for 23": planned(lambda layers: [22 if n == 23 else n for n in layers]),
        "ten blocks at most": planned(lambda layers: [min(n, 10) for n in layers]),
        "one block from the tenth on": SharedFromTheTenth,
        "layers.reverse()": (planned(reverse), "layers-reversed-in-place"),
        "a class for a layer": (ReluClass, "layer-without-brackets"),
        "a seed in __init__": (Seeds, "sets-the-seed"),
        "downsample before stride": (SwapsArguments, "stride-and-downsample-swapped"),
        "the blocks in a list, no star": (ListNotUnpacked, "list-not-unpacked"),
        "a number of blocks that is a fraction": (Fraction, ""),
        "layers[1] for layer3": (
            planned(lambda n: [n[0], n[1], n[1], n[3]]),
            "layer3-has-layers-1",
        ),
        "layers[0] for layer4": (
            planned(lambda n: [n[0], n[1], n[2], n[0]]),
            "layer4-has-layers-0",
        ),
        "abs for ReLU": (
            forward(stem=lambda s, x: s.maxpool(s.batchnorm1(s.conv1(x)).abs())),
            "stem-absolute-values",
        ),
        "abs after the max-pool": (
            forward(stem=lambda s, x: torch.abs(s.maxpool(s.batchnorm1(s.conv1(x))))),
            "stem-absolute-values-after-the-max-pool",
        ),
        "eps of all batch norms": (
            built(
                lambda self: [
                    setattr(m, "eps", 1e-3)
                    for m in self.modules()
                    if isinstance(m, nn.BatchNorm2d) and m.num_features == 64
                ]
            ),
            "batchnorm-eps",
        ),
        "momentum None": (
            built(lambda self: setattr(self.batchnorm1, "momentum", None)),
            "batchnorm-momentum",
        ),
        "no return": (changed(last=lambda self, x: None), "returns-nothing"),
        "no return in training": (
            changed(last=lambda self, x: None if self.training else x),
            "returns-nothing-in-train-mode",
        ),
        "no_grad in eval mode": changed(
            forward=lambda self, x: (
                torch.set_grad_enabled(self.training),
                InOne.forward(self, x),
            )[1]
        ),
        "detached in eval mode": (
            changed(last=lambda self, x: x if self.training else x.detach()),
            "no-gradients-in-eval-mode",
        ),
        "layer4 in float64": built(lambda self: self.layer4.double()),
        "layer1 frozen": built(lambda self: self.layer1.requires_grad_(False)),
        "a global for in_channels": (Global, "in-channels-shared-by-all-networks"),
        "lists of blocks": (PlainLists, "stages-in-plain-list"),
        "a list from make_layer": (
            built_with(lambda *plan: list(stage_by_function(*plan))),
            "stages-in-plain-list",
        ),
        "None from make_layer": (
            built_with(lambda *plan: None),
            "make-layer-returns-nothing",
        ),
        "a block of its own": (
            built_with(lambda block, *plan: stage_by_function(OwnBlock, *plan)),
            "another-block-class",
        ),
        "in_channels without expansion": (
            built_with(without_expansion(stage_by_function)),
            "stages-without-expansion",
        ),
        "in_channels and fc without expansion": (
            built_with(without_expansion(stage_by_function), lambda block: 512),
            "stages-and-fc-without-expansion",
        ),
        "channels and blocks exchanged": built_with(
            lambda block, in_channels, channels, blocks, stride: stage_by_function(
                block, in_channels, blocks, channels, stride
            )
        ),
        "strides by width": (Inverted, "strides-inverted"),
        "F.softmax": (
            changed(last=lambda self, x: F.softmax(x, dim=-1)),
            "softmax",
        ),
        "F.log_softmax": (changed(last=lambda self, x: F.log_softmax(x, -1)), "log-softmax"),
        "clamped": (changed(last=lambda self, x: x.clamp(min=0)), "relu-after-fc"),
        "dropout of 0.2": (
            changed(-1, lambda fc: nn.Sequential(nn.Dropout(0.2), fc)),
            "dropout",
        ),
        "the pool keeps the size of the first image": forward(
            head=lambda self, x: self.fc(
                F.avg_pool2d(x, vars(self).setdefault("size", x.shape[2:])).flatten(1)
            )
        ),
        "the first number of images stays": forward(
            head=lambda self, x: self.fc(
                self.avgpool(x).view(vars(self).setdefault("images", len(x)), -1)
            )
        ),
        "a window of 7 where there are 7 pixels": forward(
            head=lambda self, x: self.fc(
                (F.avg_pool2d(x, 7) if min(x.shape[2:]) >= 7 else self.avgpool(x)).mean((2, 3))
            )
        ),
        "F.avg_pool2d of 4": (
            forward(head=lambda self, x: self.fc(F.avg_pool2d(x, 4).flatten(1))),
            "fixed-average-pool-4",
        ),
        "large images made smaller": forward(
            stem=lambda self, x: Forward.stem(
                self, F.interpolate(x, (224, 224)) if min(x.shape[2:]) > 224 else x
            )
        ),
        "stages that chance leaves out in training": (
            changed(
                last=lambda self, x: x / 2 if self.training and random.random() < 0.1 else x
            ),
            "dropout",
        ),
        "dropout that never ends": (
            changed(last=lambda self, x: F.dropout(x, 0.1)),
            "dropout-in-eval-mode",
        ),
        "F.max_pool2d without padding": (
            forward(
                stem=lambda self, x: F.max_pool2d(F.relu(self.batchnorm1(self.conv1(x))), 3, 2)
            ),
            "max-pool-without-padding",
        ),
        "no max-pool, functional": (
            forward(stem=lambda self, x: F.relu(self.batchnorm1(self.conv1(x)))),
            "no-max-pool",
        ),
        "no ReLU, functional": (
            forward(stem=lambda self, x: self.maxpool(self.batchnorm1(self.conv1(x)))),
            "stem-without-relu",
        ),
        "F.avg_pool2d(x, 7)": (
            forward(head=lambda self, x: self.fc(F.avg_pool2d(x, 7).flatten(1))),
            "fixed-average-pool",
        ),
        "amax": (
            forward(head=lambda self, x: self.fc(x.amax((2, 3)))),
            "max-pool-at-the-end",
        ),
        "view(-1, 512)": (
            forward(head=lambda self, x: self.fc(self.avgpool(x).view(-1, 512))),
            "view-with-512",
        ),
        "average over the height's size": forward(
            head=lambda self, x: self.fc(F.avg_pool2d(x, x.shape[2]).flatten(1))
        ),
        "the middle pixel": forward(
            head=lambda self, x: self.fc(x[:, :, x.shape[2] // 2, x.shape[3] // 2])
        ),
        "max and average": forward(
            head=lambda self, x: self.fc((x.mean((2, 3)) + x.amax((2, 3))) / 2)
        ),
        "average in two steps of 2": forward(
            head=lambda self, x: self.fc(F.avg_pool2d(x, 2, ceil_mode=True).mean((2, 3)))
        ),
        "logits divided": changed(last=lambda self, x: x / 2),
        "tanh": changed(last=lambda self, x: x.tanh()),
        "softmax over the batch": changed(last=lambda self, x: x.softmax(0)),
        "argmax": changed(last=lambda self, x: x.argmax(1)),
        "softmax in eval mode only": changed(
            last=lambda self, x: x if self.training else x.softmax(1)
        ),
        "softmax in train mode only": changed(
            last=lambda self, x: x.softmax(1) if self.training else x
        ),
        "detached": changed(last=lambda self, x: x.detach()),
        "detached stem": forward(
            body=lambda self, x: Forward.body(self, x.detach()),
        ),
        "changes its input": changed(
            forward=lambda self, x: InOne.forward(self, x.mul_(1)) + 0 * x.add_(1).sum()
        ),
        "normalises the images": changed(
            forward=lambda self, x: InOne.forward(self, (x - x.mean()) / x.std())
        ),
        "wants 224": changed(
            forward=lambda self, x: InOne.forward(self, F.interpolate(x, (64, 64)))
        ),
        "conv1 5×5": changed(0, lambda old: nn.Conv2d(3, 64, 5, 2, 2, bias=False)),
        "conv1 dilated": changed(
            0, lambda old: nn.Conv2d(3, 64, 7, 2, 6, dilation=2, bias=False)
        ),
        "conv1 with reflected border": changed(
            0, lambda old: nn.Conv2d(3, 64, 7, 2, 3, bias=False, padding_mode="replicate")
        ),
        "conv1 frozen": changed(0, lambda old: old.requires_grad_(False)),
        "batch norm with another eps": changed(1, lambda old: nn.BatchNorm2d(64, eps=1e-2)),
        "batch norm with another momentum": changed(
            1, lambda old: nn.BatchNorm2d(64, momentum=0.01)
        ),
        "batch norm without statistics": changed(
            1, lambda old: nn.BatchNorm2d(64, track_running_stats=False)
        ),
        "instance norm": changed(1, lambda old: nn.InstanceNorm2d(64, affine=True)),
        "leaky ReLU": changed(2, lambda old: nn.LeakyReLU(0.01)),
        "GELU": changed(2, lambda old: nn.GELU()),
        "ReLU6": changed(2, lambda old: nn.ReLU6()),
        "max-pool of 5": changed(3, lambda old: nn.MaxPool2d(5, 2, 2)),
        "fc twice": changed(-1, lambda fc: nn.Sequential(fc, nn.Linear(fc.out_features, 7))),
        "fc of another block": changed(-1, lambda fc: nn.LazyLinear(10)),
        "an unused layer": type(
            "Unused",
            (ResNetBase,),
            {
                "__init__": lambda self, *given: (
                    ResNetBase.__init__(self, *given),
                    setattr(self, "spare", nn.Linear(2, 2)),
                )[0]
            },
        ),
        "one more block": TwoModels,
        "in_channels set back after a stage": NoFinalUpdate,
        "reads the wrong depth": type(
            "Swapped",
            (ResNetBase,),
            {
                "__init__": lambda self, block, layers, num_classes=1000: ResNetBase.__init__(
                    self, block, [layers[1], layers[0], *layers[2:]], num_classes
                )
            },
        ),
        "batch norm zeroed": type(
            "Zero",
            (ResNetBase,),
            {
                "__init__": lambda self, *given: (
                    ResNetBase.__init__(self, *given),
                    nn.init.zeros_(self.batchnorm1.weight),
                )[0]
            },
        ),
        "a dictionary": changed(last=lambda self, x: {"logits": x}),
        "transposed": changed(last=lambda self, x: x.T),
        "double": changed(last=lambda self, x: x.double()),
    }
}


class NoSuper(nn.Module):
    def __init__(self, block, layers, num_classes=1000):
        self.conv1 = nn.Conv2d(3, 64, 7)

    def forward(self, x):
        return x


class Stub(nn.Module):
    def __init__(self, block, layers, num_classes=1000):
        raise NotImplementedError

    def forward(self, x):
        raise NotImplementedError


class HalfStub(ResNetBase):
    def forward(self, x): ...


class Exits(ResNetBase):
    def forward(self, x):
        sys.exit(1)


class Endless(ResNetBase):
    def forward(self, x):
        while True:
            try:
                pass
            except BaseException:
                pass


class Typo(ResNetBase):
    def foward(self, x):
        return x

    def forward(self, x):
        return self.layer5(x)


class NoForward(nn.Module):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__()

    def foward(self, x):
        return x


class EvilResult(ResNetBase):
    def forward(self, x):
        class Evil:
            def __eq__(self, other):
                raise RuntimeError

            def __repr__(self):
                raise RuntimeError

        return Evil()


class EvilParameters(ResNetBase):
    def parameters(self, recurse=True):
        raise MemoryError


class EvilTrain(ResNetBase):
    def train(self, mode=True):
        raise KeyboardInterrupt


class Nothing(nn.Module):
    def __init__(self, *given):
        super().__init__()

    def forward(self, x):
        return x


BAD = {
    ("resnet", description): answer
    for description, answer in {
        "None": None,
        "an instance": nn.Linear(1, 1),
        "a function": lambda block, layers: None,
        "no nn.Module": dict,
        "nn.Module itself": nn.Module,
        "a stub": Stub,
        "half a stub": HalfStub,
        "no super().__init__": NoSuper,
        "sys.exit": Exits,
        "an endless loop": Endless,
        "a typo in forward": Typo,
        "forward misspelt": NoForward,
        "a result that raises": EvilResult,
        "parameters() raises": EvilParameters,
        "train() raises": EvilTrain,
        "nothing": Nothing,
        "torchvision's function": __import__("torchvision").models.resnet18,
    }.items()
}
