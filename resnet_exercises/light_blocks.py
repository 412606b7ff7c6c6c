"""Blocks that are handed to an answer: they are built like the book's, and note what they were built with."""

import contextlib
from collections.abc import Callable, Iterator
from typing import NamedTuple
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import UninitializedParameter

from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import Fact
from resnet_lib.tracing import modes_come_back


class Kept(type):
    """The type of our blocks: code may read from such a class, but not set ``block.expansion`` for the next check."""

    def __setattr__(cls, name, value):
        if name == "expansion" and cls.__module__ == __name__ and cls.expansion is not value:
            said = "your code sets `expansion` of the block class that it was given, which others use too; only read it"
            raise AttributeError(said)
        super().__setattr__(name, value)


class Plan(NamedTuple):
    """What a block was built with, and whether its shortcut has weights."""

    in_channels: int
    channels: int
    stride: int
    projects: bool

    def __repr__(self) -> str:
        shortcut = "a projection" if self.projects else "x itself"
        return f"in_channels {self.in_channels}, channels {self.channels}, stride {self.stride}, shortcut {shortcut}"


class LightBlock(nn.Module, metaclass=Kept):
    """Stands in for a block: built alike and shaped alike, with pooling in place of the convolutions, so it is fast.

    It refuses to be built more often than in any ResNet: what an endless loop gets depends on no machine's speed.
    """

    expansion = 1
    made, most = 0, 120
    _computes = False  # while a block computes on its own, and no layer of its projection

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__()
        LightBlock.made += 1
        if LightBlock.made > self.most:
            raise RuntimeError(
                f"your code makes more than {self.most} blocks, far more than it was asked for; "
                "are channels and the number of blocks exchanged, or does a loop never end?"
            )
        if stride is None or isinstance(stride, nn.Module):
            order = "in_channels, channels, stride, downsample"
            raise TypeError(f"a block received {type(stride).__name__} as its stride; the order is {order}")
        self.stride = stride[0] if isinstance(stride, (tuple, list)) else stride
        self.out_channels = channels * self.expansion
        self.norm = nn.BatchNorm2d(self.out_channels)
        self.downsample = downsample
        self.given = int(in_channels), int(channels), int(self.stride)

    @property
    def built_with(self) -> Plan:
        """Its plan. The shortcut may also be set after the block is built."""
        shortcut = self.downsample  # an nn.Identity has no weights
        projects = any(True for _ in shortcut.parameters()) if isinstance(shortcut, nn.Module) else shortcut is not None
        return Plan(*self.given, projects)

    def forward(self, x: Tensor) -> Tensor:
        wanted, got = self.given[0], x.shape[1]
        if got != wanted:
            raise RuntimeError(f"a block was built for {wanted} channels and receives {got}")
        shortcut = x if self.downsample is None else self.downsample(x)
        LightBlock._computes = True
        try:
            out = F.avg_pool2d(x, 3, self.stride, 1)
            out = out.repeat(1, -(-self.out_channels // wanted), 1, 1)[:, : self.out_channels]
            return F.relu(self.norm(out) + shortcut)
        finally:
            LightBlock._computes = False


# In an error in a reader's code each of them is called "block".
LightBlock.__name__ = LightBlock.__qualname__ = "block"
LightBlock.__init__.__qualname__ = "block.__init__"
LightBlock2 = Kept("block", (LightBlock,), {"expansion": 2})  # which no ResNet has
LightBlock4 = Kept("block", (LightBlock,), {"expansion": 4})  # that of bottlenecks


@torch.no_grad()
def _count_up(layer: nn.Module) -> None:
    for parameter in layer.parameters(recurse=False):
        torch.linspace(-0.1, 0.1, parameter.numel(), out=parameter.view(-1))


@contextlib.contextmanager
def quickly_made() -> Iterator[None]:
    """Layers made inside begin with numbers that count up, as random ones take time; blocks are counted anew."""
    LightBlock.made = 0
    counts_up = {"reset_parameters": _count_up}
    with patch.multiple(nn.modules.conv._ConvNd, **counts_up), patch.multiple(nn.Linear, **counts_up):
        yield


def begins_in_train_mode(module: nn.Module) -> bool:
    """Whether a new module is in train mode; one ReLU that all share may be in eval mode from an earlier use."""
    return all(part.training for part in module.modules() if part is module or part._buffers)


def state(module: nn.Module) -> dict[str, object]:
    """What every module should be in when it is new: train mode, float32, trainable; and how many parameters it has."""
    trainable = all(p.requires_grad for p in module.parameters())
    frozen = "a new weight has requires_grad=False, so it is never trained"
    return {
        "number of parameters": sum(p.numel() for p in module.parameters()),
        "every module begins in train mode": Fact(begins_in_train_mode(module), "a new layer is in eval mode"),
        "the types of its weights": sorted({str(p.dtype) for p in module.parameters()}),
        "every weight has requires_grad": Fact(trainable, frozen),
    }


def tensor_ids(module: nn.Module) -> set[int]:
    """The identities of the parameters and buffers of a module."""
    return {id(tensor) for tensor in (*module.parameters(), *module.buffers())}


def with_shapes(module: nn.Module, channels: int) -> nn.Module:
    """The module, once lazy layers, as nn.LazyLinear, have their shapes from a first image."""
    if any(isinstance(weight, UninitializedParameter) for weight in module.parameters()):
        with modes_come_back(module), torch.no_grad():
            module.eval()(torch.zeros(1, channels, 32, 32))
    return module


def in_use(look: Callable, *arguments) -> dict[str, object]:
    """What ``look`` sees, or one entry with the error that stopped it."""
    seen = tried(look, *arguments)
    return {"the output": seen} if isinstance(seen, StudentError) else seen
