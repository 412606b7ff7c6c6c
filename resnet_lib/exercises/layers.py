"""The exercise on one stage of blocks, and what readers get wrong in it."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.nn.parameter import UninitializedParameter

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck, conv1x1, conv3x3
from resnet_lib.exercises.checking import Exercise, tell
from resnet_lib.exercises.probing import (
    ANYTHING,
    Fact,
    Probe,
    Seen,
    behaviour,
    random_input,
    set_seeds,
)
from resnet_lib.exercises.running import StudentError, attempt
from resnet_lib.tracing import modes_come_back


def check_stride(stride: object) -> None:
    """Raises a ``TypeError`` that tells what a block received in the place of its stride."""
    if stride is None or isinstance(stride, nn.Module):
        raise TypeError(
            f"a block received {type(stride).__name__} as its stride; the order is in_channels, channels, stride, downsample"
        )


class Noted:
    """Beside a block: notes what the block was built with."""

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        check_stride(stride)
        super().__init__(in_channels, channels, stride, downsample)
        stride = stride[0] if isinstance(stride, (tuple, list)) else stride
        self.built_with = int(in_channels), int(channels), int(stride)


class Kept(type):
    """The type of our blocks: code that is given such a class may read from it, but not change it for the next check."""

    def __setattr__(cls, name, value):
        ours = cls.__module__.startswith("resnet_lib.") and not name.startswith("_")
        if ours and name != "made" and getattr(cls, name, None) is not value:
            raise AttributeError(
                f"your code sets `{name}` of the block class that it was given, which others use too; only read it"
            )
        super().__setattr__(name, value)


class BasicBlock(Noted, ResidualBasicBlock, metaclass=Kept):
    """Expansion 1."""


class Bottleneck(Noted, ResidualBottleNeck, metaclass=Kept):
    """Expansion 4."""


class WideBlock(Noted, ResidualBasicBlock, metaclass=Kept):
    """A basic block with expansion 2, which no ResNet has: it tells who reads `expansion` and who knows it by heart."""

    expansion = 2


class LightBlock(nn.Module, metaclass=Kept):
    """Stands in for a block: built alike and shaped alike, with pooling in place of the convolutions, so it is fast.

    It refuses to be built more often than in any ResNet: what an endless loop gets depends on no machine's speed.
    """

    expansion = 1
    made, most = 0, 120

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__()
        LightBlock.made += 1
        if LightBlock.made > self.most:
            raise RuntimeError(
                f"your code makes more than {self.most} blocks, far more than it was asked for; "
                "are channels and the number of blocks exchanged, or does a loop never end?"
            )
        check_stride(stride)
        self.stride = stride[0] if isinstance(stride, (tuple, list)) else stride
        self.out_channels = channels * self.expansion
        self.norm = nn.BatchNorm2d(self.out_channels)
        self.downsample = downsample
        self.given = int(in_channels), int(channels), int(self.stride)

    @property
    def built_with(self) -> tuple[int, int, int, str]:
        """In_channels, channels, stride and the kind of shortcut, which may also be set after the block is built."""
        return *self.given, "projected" if is_projection(self.downsample) else "identity"

    def forward(self, x: Tensor) -> Tensor:
        wanted, got = self.given[0], x.shape[1]
        if got != wanted:
            raise RuntimeError(f"a block was built for {wanted} channels and receives {got}")
        shortcut = x if self.downsample is None else self.downsample(x)
        out = F.avg_pool2d(x, 3, self.stride, 1)
        out = out.repeat(1, -(-self.out_channels // wanted), 1, 1)[:, : self.out_channels]
        return F.relu(self.norm(out) + shortcut)


def in_use(look: Callable, *arguments, **named) -> dict[str, object]:
    """What ``look`` sees, or one entry with the error that stopped it."""
    try:
        return attempt(look, *arguments, **named)
    except StudentError as error:
        if error.timed_out or error.not_implemented:
            raise
        return {"the output": error}


def stage_probe(
    block: type[nn.Module], in_channels: int, channels: int, blocks: int, stride: int
) -> Probe:
    """Makes one stage, looks at its blocks, and at what it does with images of 5×7 pixels."""

    def run(make_layer):
        try:
            stage = make_layer(block, in_channels, channels, blocks, stride)
        except (ValueError, AssertionError):
            if stride > 2:
                return ANYTHING  # no ResNet has such a stride: a right answer may refuse it
            raise
        if not isinstance(stage, nn.Sequential):
            return {"the type of the result": type(stage).__name__.replace("NoneType", "None")}
        modules = list(stage)
        seen = Seen()
        seen["the type of the result"] = "Sequential"
        seen["the modules in it"] = [type(module).__name__ for module in modules]
        seen["the number of different blocks"] = len(set(map(id, modules)))
        again = make_layer(block, in_channels, channels, blocks, stride)
        seen["a second call makes new layers"] = Fact(
            not shares_weights(stage, again),
            "a second call of your function gives layers of the first one again",
        )
        if all(isinstance(module, Noted) for module in modules):
            seen["(in_channels, channels, stride) of each block"] = [
                module.built_with for module in modules
            ]
            seen["a projection in each block"] = [
                "yes" if is_projection(module.downsample) else "no" for module in modules
            ]
        seen |= state(stage)
        seen |= in_use(behaviour, stage, random_input(3, in_channels, 5, 7))
        return seen

    what = f"{block.__name__} (expansion {block.expansion})"
    return Probe(
        f"make_layer({what}, in_channels {in_channels}, channels {channels}, blocks {blocks}, stride {stride})",
        run,
    )


def state(module: nn.Module) -> dict[str, object]:
    """What every module should be in when it is new: train mode, float32, trainable."""
    return {
        "every module begins in train mode": Fact(
            all(m.training for m in module.modules()), "a new layer is in eval mode"
        ),
        "the types of its weights": sorted({str(p.dtype) for p in module.parameters()}),
        "every weight has requires_grad": Fact(
            all(p.requires_grad for p in module.parameters()),
            "a new weight has requires_grad=False, so it is never trained",
        ),
    }


def with_shapes(module: nn.Module, channels: int) -> nn.Module:
    """The module, once lazy layers, as nn.LazyLinear, have their shapes from a first image."""
    if any(isinstance(weight, UninitializedParameter) for weight in module.parameters()):
        with modes_come_back(module), torch.no_grad():
            module.eval()(torch.zeros(1, channels, 32, 32))
    return module


#: of ResNet-34, 101 and 152, and one more than any of them has
LENGTHS = (2, 4, 6, 8, 23, 36, 37)


def long_stages_probe() -> Probe:
    """Makes stages of many lengths and of real width, and looks at their blocks; nothing is computed."""

    def run(make_layer):
        seen = Seen()
        states = []
        for blocks in LENGTHS:
            set_seeds(blocks)
            LightBlock.made = 0
            stage = make_layer(LightBlock, 64, 128, blocks, 2)
            states.append(torch.default_generator.get_state())
            modules = list(with_shapes(stage, 64)) if isinstance(stage, nn.Sequential) else []
            what = f", where `blocks` is {blocks}"
            seen["the number of blocks" + what] = len(modules)
            seen["the number of different blocks" + what] = len(set(map(id, modules)))
            seen["(in_channels, channels, stride, shortcut) of each block" + what] = [
                getattr(module, "built_with", None) for module in modules
            ]
            seen["the number of parameters" + what] = sum(
                p.numel() for module in modules for p in module.parameters()
            )
            for name, value in state(nn.ModuleList(modules)).items():
                seen[name + what] = value
        seen["the seed is left alone"] = Fact(
            not torch.equal(*states[:2]), "make_layer sets the seed of the random numbers"
        )
        return seen

    return Probe(
        "long stages: make_layer(a block, in_channels 64, channels 128, blocks, stride 2)", run
    )


def shares_weights(first: nn.Module, second: object) -> bool:
    """Whether a parameter of ``first`` is one of ``second`` too."""
    theirs = set(map(id, second.parameters())) if isinstance(second, nn.Module) else set()
    return any(id(parameter) in theirs for parameter in first.parameters())


def is_projection(downsample: object) -> bool:
    """Whether a shortcut has weights. An ``nn.Identity`` has none."""
    if isinstance(downsample, nn.Module):
        return any(True for _ in downsample.parameters())
    return downsample is not None


def shape_changes(in_channels: int, channels: int, stride: int, expansion: int) -> bool:
    return stride != 1 or in_channels != channels * expansion


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Module:
    return nn.Sequential(
        conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels)
    )


def stages(
    needs: Callable = shape_changes,
    project: Callable = projection,
    first: Callable = lambda block, *given: block(*given),
    others: Callable = lambda block, in_channels, out_channels, channels, stride: block(
        out_channels, channels
    ),
    count: Callable = lambda blocks: blocks,
    whole: Callable = lambda modules: nn.Sequential(*modules),
) -> Callable:
    """A ``make_layer`` of these parts; the default of each is the right one."""

    def make_layer(block, in_channels, channels, blocks, stride):
        out_channels = channels * block.expansion
        downsample = None
        if needs(in_channels, channels, stride, block.expansion):
            downsample = project(in_channels, out_channels, stride)
        modules = [first(block, in_channels, channels, stride, downsample)]
        for _ in range(1, count(blocks)):
            modules.append(others(block, in_channels, out_channels, channels, stride))
        return whole(modules)

    return make_layer


MAKE_LAYER = Exercise(
    "make_layer",
    "make_layer",
    stages(),
    [
        stage_probe(BasicBlock, 4, 4, 2, 1),
        stage_probe(BasicBlock, 4, 6, 1, 1),
        stage_probe(BasicBlock, 4, 4, 1, 1),
        stage_probe(Bottleneck, 8, 2, 1, 2),
        stage_probe(WideBlock, 4, 4, 2, 1),
        stage_probe(WideBlock, 6, 3, 2, 1),
        stage_probe(WideBlock, 4, 3, 3, 2),
        stage_probe(Bottleneck, 12, 2, 1, 1),  # fewer channels come out, and not half as many
        stage_probe(BasicBlock, 4, 4, 2, 3),
        long_stages_probe(),
    ],
    "Blocks, channels, stride and projection are right, for every block and every expansion.",
    tell,
)
EXERCISES: list[Exercise] = [MAKE_LAYER]


def mistake(id: str, message: str, **parts: Callable) -> None:
    MAKE_LAYER.mistake(id, message)(stages(**parts))


mistake(
    "in-channels-not-updated",
    "in_channels is never updated: after the first block, every block receives channels * block.expansion channels, "
    "what the first one gives out.",
    others=lambda block, in_channels, out_channels, channels, stride: block(
        in_channels, channels
    ),
)
mistake(
    "in-channels-without-expansion",
    "After the first block in_channels becomes channels; it must be channels * block.expansion, what the block gives out.",
    others=lambda block, in_channels, out_channels, channels, stride: block(channels, channels),
)
mistake(
    "stride-in-every-block",
    "Every block gets the stride. Only the first block of a stage does; the others keep the size, with stride 1.",
    others=lambda block, in_channels, out_channels, channels, stride: block(
        out_channels, channels, stride
    ),
)
mistake(
    "stride-and-projection-in-every-block",
    "Every block gets the stride and a projection. Only the first block does; the others keep size and channels, and "
    "need neither.",
    others=lambda block, in_channels, out_channels, channels, stride: block(
        out_channels, channels, stride, projection(out_channels, out_channels, stride)
    ),
)
mistake(
    "one-block-too-many",
    "There is one block too many: the first one counts too, so the loop makes blocks - 1 more.",
    count=lambda blocks: blocks + 1,
)
mistake(
    "one-block-too-few",
    "There is one block too few: after the first one come blocks - 1 more, as in range(1, blocks).",
    count=lambda blocks: blocks - 1,
)
mistake(
    "only-one-block",
    "The stage has only its first block, whatever `blocks` says. After it come blocks - 1 more.",
    count=lambda blocks: 1,
)
mistake("returns-list", "The result is a list. Wrap it: nn.Sequential(*blocks).", whole=list)
mistake(
    "returns-tuple",
    "The result is a tuple. Return nn.Sequential(*blocks) alone: no comma behind it, and no second value.",
    whole=tuple,
)
mistake(
    "returns-module-list",
    "The result is an nn.ModuleList, which has no forward. nn.Sequential(*blocks) calls its blocks one after the other.",
    whole=nn.ModuleList,
)
mistake(
    "list-not-unpacked",
    "A whole list of blocks stands where nn.Sequential takes one block. The blocks are in a list: unpack it, nn.Sequential(*stage). "
    "A list joins another by +=, as append puts it in as one entry.",
    whole=lambda modules: nn.Sequential(modules),
)
mistake(
    "block-in-a-list",
    "Each block after the first is in a list of its own. append takes the block itself: stage.append(block(…)).",
    others=lambda block, in_channels, out_channels, channels, stride: [
        block(out_channels, channels)
    ],
)
mistake(
    "returns-nothing",
    "Your function returns None: the `return` is missing at its end.",
    whole=lambda modules: None,
)
mistake(
    "nested-sequential",
    "The blocks after the first are in a Sequential of their own. Put all of them side by side in one nn.Sequential.",
    whole=lambda modules: nn.Sequential(modules[0], nn.Sequential(*modules[1:])),
)
mistake(
    "relu-after-the-stage",
    "A ReLU follows the blocks. Each block ends with its own ReLU: the stage is its blocks and nothing else.",
    whole=lambda modules: nn.Sequential(*modules, nn.ReLU()),
)
mistake(
    "projection-only-if-stride",
    "You project only if the stride changes the size. A stage with stride 1 that changes the channels needs the "
    "projection too: the condition is stride != 1 or in_channels != channels * block.expansion.",
    needs=lambda in_channels, channels, stride, expansion: stride != 1,
)
mistake(
    "projection-only-if-channels",
    "You project only if the channels change. With stride 2 the block halves the size, so x must be projected even if "
    "the channels stay.",
    needs=lambda in_channels, channels, stride, expansion: in_channels != channels * expansion,
)
mistake(
    "projection-by-the-expansion",
    "You project if the stride is not 1 or the expansion is not 1. Compare the channels: in_channels with "
    "channels * block.expansion.",
    needs=lambda in_channels, channels, stride, expansion: stride != 1 or expansion != 1,
)
mistake(
    "projection-only-if-both",
    "You project only if stride *and* channels change. One of the two is enough: join the conditions by `or`.",
    needs=lambda in_channels, channels, stride, expansion: (
        stride != 1 and in_channels != channels * expansion
    ),
)
mistake(
    "projection-always",
    "You project always. Where size and channels stay the same, the shortcut is x itself: downsample is None.",
    needs=lambda *given: True,
)
mistake(
    "projection-never",
    "The first block never gets a projection. It needs one, as `downsample`, where the stride is not 1 or the channels "
    "change.",
    needs=lambda *given: False,
)
mistake(
    "condition-without-expansion",
    "The condition compares in_channels with channels. The block gives out channels * block.expansion: compare with that.",
    needs=lambda in_channels, channels, stride, expansion: (
        stride != 1 or in_channels != channels
    ),
)
mistake(
    "projection-without-batchnorm",
    "The projection has no batch norm. It is a 1×1 convolution *and* a batch norm.",
    project=lambda a, b, stride: conv1x1(a, b, stride),
)
mistake(
    "projection-bare",
    "The projection is a convolution with a bias, and has no batch norm. It is a 1×1 convolution with bias=False, and then a "
    "batch norm.",
    project=lambda a, b, stride: nn.Conv2d(a, b, 1, stride),
)
mistake(
    "projection-without-stride",
    "The projection has no stride. It must shrink x as the block does: give its convolution the stride too.",
    project=lambda a, b, stride: projection(a, b, 1),
)
mistake(
    "projection-stride-2-always",
    "The projection has stride 2 whatever the stage has. Give its convolution the `stride` of the stage.",
    project=lambda a, b, stride: projection(a, b, 2),
)
mistake(
    "projection-3x3",
    "The projection is a 3×3 convolution. It only has to change the channels and the size: 1×1, without padding.",
    project=lambda a, b, stride: nn.Sequential(conv3x3(a, b, stride), nn.BatchNorm2d(b)),
)
mistake(
    "projection-padded",
    "The 1×1 convolution of the projection is padded. A 1×1 kernel needs no padding; with it, zeros stand around the "
    "image.",
    project=lambda a, b, stride: nn.Sequential(
        nn.Conv2d(a, b, 1, stride, padding=1, bias=False), nn.BatchNorm2d(b)
    ),
)
mistake(
    "projection-with-relu",
    "The projection ends with a ReLU. It has none: the block's last ReLU comes after the sum.",
    project=lambda a, b, stride: nn.Sequential(*projection(a, b, stride), nn.ReLU()),
)
mistake(
    "projection-with-bias",
    "The convolution of the projection has a bias. Batch norm follows and has its own shift: bias=False.",
    project=lambda a, b, stride: nn.Sequential(nn.Conv2d(a, b, 1, stride), nn.BatchNorm2d(b)),
)
mistake(
    "projection-batchnorm-first",
    "In the projection the batch norm comes before the convolution. The order is convolution, batch norm.",
    project=lambda a, b, stride: nn.Sequential(nn.BatchNorm2d(a), conv1x1(a, b, stride)),
)
mistake(
    "projection-without-convolution",
    "The projection has a batch norm but no convolution. The 1×1 convolution is what changes channels and size.",
    project=lambda a, b, stride: nn.BatchNorm2d(b),
)
mistake(
    "projection-pools",
    "The projection shrinks x by pooling. Here the 1×1 convolution does it, with the stride of the stage.",
    project=lambda a, b, stride: nn.Sequential(
        nn.AvgPool2d(stride, ceil_mode=True), *projection(a, b, 1)
    ),
)
mistake(
    "projection-in-every-block",
    "Every block gets a projection. Only the first block changes the shape; on the others the shortcut is x itself.",
    others=lambda block, in_channels, out_channels, channels, stride: block(
        out_channels, channels, 1, projection(out_channels, out_channels, 1)
    ),
)
mistake(
    "stride-ignored",
    "The stride is not used: neither in the first block nor in its projection.",
    first=lambda block, a, b, stride, downsample: block(
        a, b, 1, downsample and projection(a, b * block.expansion, 1)
    ),
)
mistake(
    "first-block-without-stride",
    "The projection has the stride, the first block has not. Give the stride to both.",
    first=lambda block, a, b, stride, downsample: block(a, b, 1, downsample),
)
mistake(
    "first-block-stride-2-always",
    "The first block has stride 2 whatever `stride` says. Give it the stride of the stage.",
    first=lambda block, a, b, stride, downsample: block(a, b, 2, downsample),
)
mistake(
    "channels-times-expansion",
    "The blocks get channels * block.expansion as channels. They multiply by the expansion themselves: give them channels.",
    first=lambda block, a, b, stride, downsample: block(
        a, b * block.expansion, stride, downsample
    ),
    others=lambda block, in_channels, out_channels, channels, stride: block(
        out_channels, out_channels
    ),
)
mistake(
    "channels-times-expansion-in-the-first-block",
    "The first block gets channels * block.expansion as channels. It multiplies by the expansion itself: block(in_channels, "
    "channels, stride, downsample).",
    first=lambda block, a, b, stride, downsample: block(
        a, b * block.expansion, stride, downsample
    ),
)
mistake(
    "channels-times-expansion-in-later-blocks",
    "The blocks after the first get channels * block.expansion twice. They multiply by the expansion themselves: only what comes "
    "in is channels * block.expansion, as in block(channels * block.expansion, channels).",
    others=lambda block, in_channels, out_channels, channels, stride: block(
        out_channels, out_channels
    ),
)
mistake(
    "projection-channels-without-expansion",
    "The projection gives out channels. The block gives out channels * block.expansion, and the two are added: the "
    "projection must give out as many.",
    first=lambda block, a, b, stride, downsample: block(
        a, b, stride, downsample and projection(a, b, stride)
    ),
)
mistake(
    "projection-batchnorm-without-expansion",
    "The batch norm of the projection is made for channels. Its convolution gives out channels * block.expansion: the batch norm "
    "needs as many.",
    first=lambda block, a, b, stride, downsample: block(
        a, b, stride, downsample and nn.Sequential(downsample[0], nn.BatchNorm2d(b))
    ),
)


@MAKE_LAYER.mistake(
    "expansion-forgotten",
    "`block.expansion` is used nowhere. A block gives out channels * block.expansion: projection, condition and the "
    "in_channels of the next block need it.",
)
def _(block, in_channels, channels, blocks, stride):
    downsample = None
    if stride != 1 or in_channels != channels:
        downsample = projection(in_channels, channels, stride)
    first = block(in_channels, channels, stride, downsample)
    return nn.Sequential(first, *(block(channels, channels) for _ in range(1, blocks)))


@MAKE_LAYER.mistake(
    "expansion-fixed-4",
    "The expansion is a fixed 4, which is right for bottlenecks only. Use block.expansion.",
)
def _(block, in_channels, channels, blocks, stride):
    downsample = None
    if stride != 1 or in_channels != channels * 4:
        downsample = projection(in_channels, channels * 4, stride)
    first = block(in_channels, channels, stride, downsample)
    return nn.Sequential(first, *(block(channels * 4, channels) for _ in range(1, blocks)))


@MAKE_LAYER.mistake(
    "later-blocks-share-weights",
    "The blocks after the first are one block, several times: [block(…)] * n copies the reference, so they share their "
    "weights. Build each in a loop or a comprehension.",
)
def _(block, in_channels, channels, blocks, stride):
    stage = list(stages()(block, in_channels, channels, blocks, stride))
    return nn.Sequential(stage[0], *stage[1:2] * (blocks - 1))


@MAKE_LAYER.mistake(
    "first-block-repeated",
    "All blocks are the first one, several times: [block(…)] * blocks makes one block. Only the first has stride and "
    "projection; build the others each for itself.",
)
def _(block, in_channels, channels, blocks, stride):
    return nn.Sequential(*[stages()(block, in_channels, channels, 1, stride)[0]] * blocks)


@MAKE_LAYER.mistake(
    "all-blocks-like-the-first",
    "All blocks are built like the first, with the same in_channels, stride and projection. The others receive "
    "channels * block.expansion channels and need neither.",
)
def _(block, in_channels, channels, blocks, stride):
    make = stages()
    return nn.Sequential(
        *(make(block, in_channels, channels, 1, stride)[0] for _ in range(blocks))
    )


def projection_for_all(block, in_channels, channels, blocks, stride, later_stride):
    first = stages()(block, in_channels, channels, 1, stride)[0]
    later = (channels * block.expansion, channels, later_stride, first.downsample)
    return nn.Sequential(first, *(block(*later) for _ in range(1, blocks)))


@MAKE_LAYER.mistake(
    "projection-shared",
    "One projection is made and given to every block. Only the first block needs it; on the others the shortcut is x "
    "itself.",
)
def _(block, in_channels, channels, blocks, stride):
    return projection_for_all(block, in_channels, channels, blocks, stride, 1)


@MAKE_LAYER.mistake(
    "projection-and-stride-shared",
    "Every block gets the stride, and the one projection that was made for the first. Only the first block needs them; the others "
    "are block(channels * block.expansion, channels).",
)
def _(block, in_channels, channels, blocks, stride):
    return projection_for_all(block, in_channels, channels, blocks, stride, stride)


@MAKE_LAYER.mistake(
    "projection-in-the-last-block",
    "The last block gets the projection. The first block is the one that changes the shape.",
)
def _(block, in_channels, channels, blocks, stride):
    stage = stages()(block, in_channels, channels, blocks, stride)
    downsample, stage[0].downsample = stage[0].downsample, None
    stage[-1].downsample = downsample
    return stage


@MAKE_LAYER.mistake(
    "stride-in-the-last-block",
    "The last block gets the stride and its projection. The first block is the one that shrinks the image.",
)
def _(block, in_channels, channels, blocks, stride):
    make, out_channels = stages(), channels * block.expansion
    if blocks == 1:
        return make(block, in_channels, channels, 1, stride)
    stage = make(block, in_channels, channels, blocks - 1, 1)
    return nn.Sequential(*stage, *make(block, out_channels, channels, 1, stride))


mistake(
    "channels-swapped-in-the-first-block",
    "The first block gets in_channels and channels in the wrong order. It is block(in_channels, channels, stride, downsample).",
    first=lambda block, a, b, stride, downsample: block(b, a, stride, downsample),
)
mistake(
    "channels-swapped-in-later-blocks",
    "The blocks after the first get their two numbers of channels in the wrong order. The first number is what comes in: "
    "block(channels * block.expansion, channels).",
    others=lambda block, in_channels, out_channels, channels, stride: block(
        channels, out_channels
    ),
)
mistake(
    "channels-swapped-in-every-block",
    "Every block gets its two numbers of channels in the wrong order. The first number is what comes in: "
    "block(in_channels, channels, …).",
    first=lambda block, a, b, stride, downsample: block(b, a, stride, downsample),
    others=lambda block, in_channels, out_channels, channels, stride: block(
        channels, out_channels
    ),
)
mistake(
    "stride-and-downsample-swapped",
    "downsample is given to the block before stride. The order is block(in_channels, channels, stride, downsample).",
    first=lambda block, a, b, stride, downsample: block(a, b, downsample, stride),
)
mistake(
    "blocks-reversed",
    "The blocks are in reverse, as after layers.reverse(). The first one, with stride and projection, comes first.",
    whole=lambda modules: nn.Sequential(*modules[::-1]),
)
mistake(
    "starts-in-eval-mode",
    "The stage, or a part of it, comes back in eval mode, so its batch norms would never learn: take .eval() out. The mode is for the caller to "
    "choose.",
    whole=lambda modules: nn.Sequential(*modules).eval(),
)
mistake(
    "projection-only-if-stride-2",
    "Stride 2 is taken for the only one that changes the size: a stride of 3 does too. Compare with 1: stride != 1.",
    needs=lambda in_channels, channels, stride, expansion: (
        stride == 2 or in_channels != channels * expansion
    ),
)
for setting, usual, value in (("momentum", 0.1, 0.9), ("eps", 1e-5, 1e-3)):
    mistake(
        f"projection-batchnorm-{setting}",
        f"The batch norm of the projection has another {setting} than PyTorch's {usual:g}. Leave it out: the published weights "
        "were trained with the usual one.",
        project=lambda a, b, stride, options={setting: value}: nn.Sequential(
            conv1x1(a, b, stride), nn.BatchNorm2d(b, **options)
        ),
    )
mistake(
    "weights-in-float64",
    "The stage has weights of type float64 (.double()). A network computes in float32, PyTorch's own choice: leave the type "
    "alone.",
    whole=lambda modules: nn.Sequential(*modules).double(),
)
mistake(
    "weights-in-float16",
    "The stage has weights of type float16 (.half()). A network is built in float32, PyTorch's own choice: leave the type alone.",
    whole=lambda modules: nn.Sequential(*modules).half(),
)
mistake(
    "frozen-projection",
    "The weights of the projection have requires_grad=False, so training leaves them as they are. Leave requires_grad alone.",
    project=lambda a, b, stride: projection(a, b, stride).requires_grad_(False),
)
mistake(
    "frozen-weights",
    "All weights of the stage have requires_grad=False, so training leaves them as they are. Leave requires_grad alone.",
    whole=lambda modules: nn.Sequential(*modules).requires_grad_(False),
)


def constant(conv: nn.Conv2d) -> nn.Conv2d:
    nn.init.constant_(conv.weight, 0.1)
    return conv


mistake(
    "constant-weights",
    "All weights of the projection begin with the same number, so all its channels learn the same. Leave them as nn.Conv2d makes "
    "them.",
    project=lambda a, b, stride: nn.Sequential(
        constant(conv1x1(a, b, stride)), nn.BatchNorm2d(b)
    ),
)


@MAKE_LAYER.mistake(
    "sets-the-seed",
    "make_layer calls torch.manual_seed: every stage begins alike, and everything random after it repeats. Leave the seed to "
    "the training script.",
)
def _(*given):
    set_seeds(0)
    return stages()(*given)


@MAKE_LAYER.mistake(
    "return-inside-the-loop",
    "The `return` stands inside the loop, so the stage ends after its second block, and with a single block nothing comes back. "
    "Move `return` to the left, below the loop.",
)
def _(block, in_channels, channels, blocks, stride):
    return stages()(block, in_channels, channels, 2, stride) if blocks > 1 else None


for case, silent in (("with", True), ("without", False)):

    @MAKE_LAYER.mistake(
        f"returns-nothing-{case}-projection",
        f"Where the stage is built {case} a projection, your function reaches its end without `return`, and so returns None. Look at "
        "the indentation of the last lines.",
    )
    def _(block, in_channels, channels, blocks, stride, silent=silent):
        if shape_changes(in_channels, channels, stride, block.expansion) != silent:
            return stages()(block, in_channels, channels, blocks, stride)
