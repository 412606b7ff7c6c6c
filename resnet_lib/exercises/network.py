"""The exercise on the whole network, what readers get wrong in it, and the conformance card."""

from __future__ import annotations

import copy
import dataclasses
import functools
import itertools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.overrides import TorchFunctionMode

from resnet_lib.blocks import ResidualBasicBlock
from resnet_lib.comparing import randomise_batchnorm
from resnet_lib.costs import count_parameters
from resnet_lib.exercises.checking import Exercise, is_stub, tell
from resnet_lib.exercises.layers import LightBlock, in_use, state, with_shapes
from resnet_lib.exercises.probing import (
    Fact,
    Probe,
    Seen,
    Weights,
    behaviour,
    fill,
    images,
    looking_for,
    named_kind,
    numbers,
    random_input,
    randomness,
    same,
    set_seeds,
    weights_in_order,
)
from resnet_lib.exercises.running import (
    StudentError,
    TimeIsUp,
    attempt,
    nothing_changes,
    time_limit,
)
from resnet_lib.resnet import ResNetBase


class LightBlock2(LightBlock):
    """With expansion 2, which no ResNet has: it tells who reads `expansion` and who knows it by heart."""

    expansion = 2


class LightBlock4(LightBlock):
    """With the expansion of bottlenecks."""

    expansion = 4


def build(answer: type, block: type[nn.Module], layers: list[int], *classes: int) -> nn.Module:
    """The answer's network, the second one that is built: what the first leaves behind in its class shows."""
    set_seeds(0)  # so that an answer with chance in it gets the same verdict each time
    LightBlock.made = 0
    if not issubclass(answer, Network) or issubclass(answer, Shared):
        try:
            answer(LightBlock, [1, 1, 1, 1], 2)
        except Exception:
            pass  # the next line raises too, or the probe of that network
    LightBlock.made = 0
    return with_shapes(answer(block, layers, *classes), 3)


def named(block: type[nn.Module], layers: list[int], *classes: int) -> str:
    classes = f", {classes[0]}" if classes else ""
    return f"ResNet(a block with expansion {block.expansion}, {layers}{classes})"


BLOCKS = "the blocks (in_channels, channels, stride, shortcut)"
NO_BLOCKS = "what the network has in place of its blocks"
OUTPUT = "output in eval mode"
STEADY = "the same output for the same image"


def instead_of_blocks(model: nn.Module) -> str:
    """Where the blocks are that PyTorch does not find in ``model``, as far as it can be told."""
    own = {
        name: value
        for module in model.modules()
        for name, value in vars(module).items()
        if name not in vars(nn.Module())
    }
    for value in own.values():
        inside = value.values() if isinstance(value, dict) else value
        if isinstance(value, (list, tuple, dict)) and _holds_a_block(inside):
            return "a Python list or dict of blocks"
    if any(
        module is not model
        and not type(module).__module__.startswith("torch.")
        and any(isinstance(layer, nn.Conv2d) for layer in module.modules())
        for module in model.modules()
    ):
        return "blocks of another class"
    if any(kind != "stem" and value is None for kind, value in own.items()):
        return "None"
    return "nothing that was found"


def _holds_a_block(values) -> bool:
    return any(
        isinstance(module, LightBlock)
        for value in values
        for module in (
            value.modules()
            if isinstance(value, nn.Module)
            else value
            if isinstance(value, (list, tuple))
            else ()
        )
    )


def plan(model: nn.Module) -> dict[str, object]:
    """The blocks and parameters of a network; nothing is computed."""
    blocks = [module for module in model.modules() if isinstance(module, LightBlock)]
    seen = Seen()
    seen[BLOCKS] = sorted(block.built_with for block in blocks)
    if not blocks:
        seen[NO_BLOCKS] = instead_of_blocks(model)
        return seen
    seen["number of parameters"] = sum(p.numel() for p in model.parameters())
    seen |= state(model)
    return seen


def plan_probe(block: type[nn.Module], layers: list[int], classes: int) -> Probe:
    def run(answer):
        given = list(layers)
        seen = plan(build(answer, block, given, classes))
        seen["the list of layers is left as it was"] = Fact(
            given == layers, "your network has changed the list `layers` that it was given"
        )
        states = [torch.default_generator.get_state()]
        set_seeds(1)
        LightBlock.made = 0
        answer(block, list(layers), classes)
        states.append(torch.default_generator.get_state())
        seen["the seed is left alone"] = Fact(
            not torch.equal(*states), "__init__ sets the seed of the random numbers"
        )
        return seen

    return Probe(named(block, layers, classes), run)


def table_probe() -> Probe:
    """Builds ResNet-34, 101 and 152 of Table 1 on the meta device, where weights take neither time nor memory.

    An answer that cannot be built there is built in memory.
    """

    def run(answer):
        seen = Seen()
        for depth, layers in ((34, [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3])):
            block = LightBlock if depth == 34 else LightBlock4
            LightBlock.made = 0
            try:
                with torch.device("meta"):
                    model = with_shapes(answer(block, list(layers), 1000), 3)
            except Exception:
                LightBlock.made = 0
                model = with_shapes(answer(block, list(layers), 1000), 3)
            with looking_for(None):
                found = plan(model)
            for what, value in found.items():
                seen[f"{what} of ResNet-{depth}"] = value
        return seen

    return Probe("the plans of ResNet-34, 101 and 152", run)


def output_probe(
    block: type[nn.Module], layers: list[int], *classes: int, shape, then, scale=1
) -> Probe:
    """Looks at the output of the network in eval mode, and ``then`` for images of another number and size.

    A large ``scale`` shows what bounds the numbers, as ReLU6 does.
    """

    def first(answer) -> tuple[nn.Module, dict[str, object]]:
        model = build(answer, block, list(layers), *classes)
        x = scale * random_input(*shape)
        if len(x) > 1:
            x[1] = x[0]  # whose outputs differ only if chance has a part in it
        seen = plan(model)
        if seen[BLOCKS]:
            seen |= in_use(output_in_eval_mode, model, x)
        return model, seen

    @functools.cache
    def right() -> object:
        with looking_for(None):
            return first(ResNetBase)[1][OUTPUT]

    def run(answer):
        model, seen = first(answer)
        # only then, as a network that does not shrink its images takes long for large ones
        if OUTPUT in seen and same(seen[OUTPUT], right()):
            seen |= in_use(output_for_others, model, scale * random_input(*then))
        return seen

    return Probe(f"{named(block, layers, *classes)}, {images(shape)}", run)


def output_in_eval_mode(model: nn.Module, x: Tensor) -> dict[str, object]:
    weights = weights_in_order(model, x.clone())
    inside = [block.norm.weight for block in model.modules() if isinstance(block, LightBlock)]
    scales = [
        tensor
        for role, tensor in weights
        if role == "scale" and not any(tensor is scale for scale in inside)
    ]
    starts = {
        "every convolution starts with different numbers": Fact(
            all(
                bool(tensor.max() > tensor.min())
                for role, tensor in weights
                if role == "weight" and tensor.dim() == 4
            ),
            "all weights of a convolution start with the same number",
        ),
        "every batch norm starts with a scale other than 0": Fact(
            all(bool(scale.all()) for scale in scales), "a batch norm starts with a scale of 0"
        ),
        "every batch norm starts with scale 1": Fact(
            all(bool((scale == 1).all()) for scale in scales),
            "a batch norm of the stem or of a projection starts with a scale other than 1",
        ),
    }
    fill(weights)
    with torch.no_grad(), Weights():
        output = numbers(model.eval()(x.clone()))
        twins = (output, output)
        if len(x) == 1:
            twins = (output, numbers(model(x.clone())))
        elif isinstance(output, Tensor) and output.shape[:1] == x.shape[:1]:
            twins = (output[0], output[1])
    seen = Seen()
    seen[STEADY] = steady(twins)
    if seen[STEADY]:
        seen |= starts
        seen[OUTPUT] = output
    return seen


def output_for_others(model: nn.Module, x: Tensor) -> dict[str, object]:
    """The output for images that come after those of another number and size."""
    with torch.no_grad(), Weights():
        output = numbers(model(x.clone()))
    return {f"output for {images(x.shape)}, given after these": output}


def training_probe(block: type[nn.Module], layers: list[int], classes: int, shape) -> Probe:
    """Looks at everything: outputs, running statistics and gradients.

    Not of a network with several times too many parameters: that takes long, and the plan tells what is wrong.
    """
    most = 3 * sum(p.numel() for p in Network(block, layers, classes).parameters())

    def run(answer):
        model = build(answer, block, list(layers), classes)
        seen = plan(model)
        if NO_BLOCKS in seen or seen["number of parameters"] > most:
            return seen
        seen |= in_use(in_training, model, random_input(*shape))
        return seen

    return Probe(f"{named(block, layers, classes)}, {images(shape)}", run)


def steady(outputs, draws_nothing: bool = True) -> Fact:
    return Fact(
        same(*outputs) and draws_nothing,
        "chance has a part in the output: the same image gives two different ones, or random numbers are drawn",
    )


def in_training(model: nn.Module, x: Tensor) -> dict[str, object]:
    before = randomness()
    with torch.no_grad():
        outputs = [numbers(model.train()(x.clone())) for _ in range(2)]
    seen = Seen()
    seen[STEADY] = steady(outputs, randomness() == before)
    if seen[STEADY]:
        seen |= behaviour(model, x)
    return seen


def evidence(probe: Probe, expected: dict, got: object) -> str:
    """As :func:`tell`, but of many blocks only the first that differs."""
    plans = [what for what in expected if what.startswith(BLOCKS)]
    if not isinstance(got, dict) or all(got.get(what) == expected[what] for what in plans):
        return tell(probe, expected, got)
    what = next(what for what in plans if got.get(what) != expected[what])
    if what not in got:
        return tell(probe, expected, got)
    right, wrong = expected[what], got[what]
    if not wrong:
        found = next((value for name, value in got.items() if name.startswith(NO_BLOCKS)), "")
        return (
            f"With {probe.label}: PyTorch finds none of the {len(right)} blocks in your network; "
            f"in their place it has {found}."
        )
    if len(right) != len(wrong):
        stages = "; ".join(
            f"layer{number}, of {channels} channels, has {len(is_there)} instead of {len(expected_there)}"
            for number, channels in enumerate(Network.widths, 1)
            for expected_there, is_there in [
                [[plan for plan in plans if plan[1] == channels] for plans in (right, wrong)]
            ]
            if len(expected_there) != len(is_there)
        )
        return (
            f"With {probe.label}: expected {len(right)} different blocks, got {len(wrong)}"
            + (f": {stages}." if stages else ".")
        )
    # the lists are sorted: one block too many among the first would put all later ones beside another
    extra, lacking = ([*(Counter(a) - Counter(b))] for a, b in ((wrong, right), (right, wrong)))
    w = min(extra, key=lambda plan: plan[1])
    r = min(lacking, key=lambda plan: (plan[1] != w[1], plan[1]))
    return (
        f"With {probe.label}: one of the {len(right)} blocks has (in_channels, channels, stride, "
        f"shortcut) = {w}; expected {r}."
    )


class Network(nn.Module):
    """The reference in parts that a mistake can vary. Its weights are not drawn, as the probes fill them: fast."""

    widths, strides, conv1_bias = (64, 128, 256, 512), (1, 2, 2, 2), False
    kernel, stride, padding = 7, 2, 3

    def __init__(self, block, layers, num_classes=1000):
        super().__init__()
        self.in_channels = 64
        self.stem = self.make_stem()
        self.stages = self.whole(
            [self.make_layer(block, *plan) for plan in zip(self.widths, layers, self.strides)]
        )
        self.pool = nn.AdaptiveAvgPool2d(1)
        self.fc = skip(nn.Linear, self.features(block), num_classes)

    def features(self, block):
        return 512 * block.expansion

    def whole(self, stages):
        return nn.Sequential(*stages)

    def make_stem(self):
        conv = skip(
            nn.Conv2d, 3, 64, self.kernel, self.stride, self.padding, bias=self.conv1_bias
        )
        return nn.Sequential(conv, nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))

    def needs(self, out_channels, stride):
        return stride != 1 or self.in_channels != out_channels

    def project(self, out_channels, stride):
        conv = skip(nn.Conv2d, self.in_channels, out_channels, 1, stride, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(out_channels))

    def gives(self, block, channels):
        return channels * block.expansion

    def update(self, channels, out_channels):
        self.in_channels = out_channels

    def first(self, block, channels, stride, downsample):
        return block(self.in_channels, channels, stride, downsample)

    def other(self, block, channels, stride):
        return block(self.in_channels, channels)

    def make_layer(self, block, channels, blocks, stride):
        out_channels = self.gives(block, channels)
        needed = self.needs(out_channels, stride)
        downsample = self.project(out_channels, stride) if needed else None
        stage = [self.first(block, channels, stride, downsample)]
        self.update(channels, out_channels)
        stage += [self.other(block, channels, stride) for _ in range(1, blocks)]
        return nn.Sequential(*stage)

    def flatten(self, x):
        return torch.flatten(x, 1)

    def last(self, x):
        return x

    def forward(self, x):
        return self.last(self.fc(self.flatten(self.pool(self.stages(self.stem(x))))))


def skip(kind: type[nn.Module], *arguments, **options) -> nn.Module:
    """A layer with weights that count up instead of random ones, which take time."""
    layer = kind(*arguments, **options, device="meta")
    for name, parameter in list(layer.named_parameters()):
        counted = torch.arange(parameter.numel(), dtype=torch.float32)
        setattr(layer, name, nn.Parameter(counted.view(parameter.shape)))
    return layer


class Shared(Network):
    """Keeps in_channels in the class, where the next network finds it."""

    latest = 64
    in_channels = property(lambda self: Shared.latest, lambda self, value: None)

    def update(self, channels, out_channels):
        Shared.latest = out_channels


# Heights and widths are even and odd: padding as in TensorFlow is right for the odd ones.
RESNET = Exercise(
    "resnet",
    "ResNet",
    ResNetBase,
    [
        plan_probe(LightBlock2, [1, 2, 3, 1], 10),
        output_probe(LightBlock, [1, 1, 1, 1], 200, shape=(3, 3, 33, 24), then=(2, 3, 24, 49)),
        output_probe(
            LightBlock, [1, 1, 1, 1], shape=(1, 3, 34, 257), then=(1, 3, 226, 225), scale=10
        ),
        training_probe(LightBlock2, [2, 1, 1, 1], 200, shape=(2, 3, 17, 33)),
        table_probe(),
    ],
    "Stem, stages, projections and classifier are right, for every block and every size of image.",
    evidence,
)
EXERCISES: list[Exercise] = [RESNET]


def mistake(id: str, message: str, **parts) -> None:
    RESNET.mistake(id, message)(type("Mistake", (Network,), parts))


def stem_of(*after_conv):
    """``make_stem`` with other layers after the convolution."""

    def make_stem(self):
        conv = Network.make_stem(self)[0]
        return nn.Sequential(conv, *(make() for make in after_conv))

    return make_stem


def norm():
    return nn.BatchNorm2d(64)


def max_pool():
    return nn.MaxPool2d(3, 2, 1)


mistake(
    "stem-without-relu",
    "The stem has no ReLU. After conv1 and its batch norm comes one, before the max-pool.",
    make_stem=stem_of(norm, max_pool),
)


class Magnitude(nn.Module):
    """The absolute value, as a layer."""

    def forward(self, x):
        return x.abs()


for id, after_conv in (
    ("stem-absolute-values", (norm, Magnitude, max_pool)),
    ("stem-absolute-values-after-the-max-pool", (norm, max_pool, Magnitude)),
):
    mistake(
        id,
        "The stem takes absolute values. A ReLU does not turn negative numbers round: it makes them 0, as in F.relu(x).",
        make_stem=stem_of(*after_conv),
    )
mistake(
    "stem-without-batchnorm",
    "The stem has no batch norm. In ResNet one follows every convolution, conv1 too.",
    make_stem=stem_of(nn.ReLU, max_pool),
)
mistake(
    "stem-relu-before-batchnorm",
    "In the stem the ReLU comes before the batch norm. The order is convolution, batch norm, ReLU.",
    make_stem=stem_of(nn.ReLU, norm, max_pool),
)
mistake(
    "stem-max-pool-first",
    "In the stem the max-pool comes before the batch norm. The order is convolution, batch norm, ReLU, max-pool.",
    make_stem=stem_of(max_pool, norm, nn.ReLU),
)
mistake(
    "no-max-pool",
    "The max-pool after the stem's ReLU is missing. The global pooling at the end hides it: the network runs, and is "
    "about four times as slow.",
    make_stem=stem_of(norm, nn.ReLU),
)
mistake(
    "max-pool-without-padding",
    "The max-pool has no padding. It is 3×3 with stride 2 and padding 1.",
    make_stem=stem_of(norm, nn.ReLU, lambda: nn.MaxPool2d(3, 2)),
)
mistake(
    "max-pool-ceil-mode",
    "The max-pool reaches over the border on the right and below only, by ceil_mode=True or by padding there. At 224×224 that gives "
    "the same size, from other pixels: use padding=1.",
    make_stem=stem_of(norm, nn.ReLU, lambda: nn.MaxPool2d(3, 2, ceil_mode=True)),
)
mistake(
    "max-pool-2x2",
    "The max-pool is 2×2. The paper's is 3×3 with stride 2 (and padding 1): its windows overlap.",
    make_stem=stem_of(norm, nn.ReLU, lambda: nn.MaxPool2d(2)),
)
mistake(
    "max-pool-stride-1",
    "The max-pool has stride 1. With stride 2 it halves the size before layer1.",
    make_stem=stem_of(norm, nn.ReLU, lambda: nn.MaxPool2d(3, 1, 1)),
)
mistake(
    "max-pool-stride-3",
    "The max-pool has no stride of its own, so PyTorch takes the kernel size, 3. Give it stride=2.",
    make_stem=stem_of(norm, nn.ReLU, lambda: nn.MaxPool2d(3, padding=1)),
)
mistake(
    "stem-average-pool",
    "The stem pools by the average. It is a max-pool; only the pooling at the end of the network is an average.",
    make_stem=stem_of(norm, nn.ReLU, lambda: nn.AvgPool2d(3, 2, 1)),
)
for wrong in (0, 1, 2):
    mistake(
        f"conv1-padding-{wrong}" if wrong else "conv1-without-padding",
        f"conv1 has padding {wrong}. A 7×7 kernel with stride 2 needs padding 3 to halve the size exactly.",
        padding=wrong,
    )


class AsInTensorFlow(nn.Module):
    """Pads so that a 7×7 kernel with stride 2 halves every size, rounding up: an odd rest goes to the right and below."""

    def forward(self, x):
        rests = [5 if size % 2 == 0 else 6 for size in (x.shape[3], x.shape[2])]
        return F.pad(x, [side for rest in rests for side in (rest // 2, rest - rest // 2)])


for id, pad in (
    ("conv1-padding-2-and-3", lambda: nn.ZeroPad2d((2, 3, 2, 3))),
    ("conv1-padding-same", AsInTensorFlow),
):
    mistake(
        id,
        'conv1 pads an even size by 2 on the left and above, and by 3 on the right and below, as TensorFlow does with "same". '
        "Here it is padding=3, on every side.",
        padding=0,
        make_stem=lambda self, pad=pad: nn.Sequential(pad(), *Network.make_stem(self)),
    )
mistake(
    "conv1-3x3",
    "conv1 is 3×3, with padding 1. In the ImageNet ResNet it is 7×7, with stride 2 and padding 3.",
    kernel=3,
    padding=1,
)
mistake(
    "conv1-3x3-stride-1",
    "conv1 is 3×3 with stride 1, as in the ResNets for CIFAR-10. For ImageNet it is 7×7, with stride 2 and padding 3.",
    kernel=3,
    padding=1,
    stride=1,
)
for id, default, pool in (
    ("cifar-stem", 1000, lambda: nn.AdaptiveAvgPool2d(1)),
    ("cifar-stem-and-pool", 1000, lambda: nn.AvgPool2d(4)),
    ("cifar-network", 10, lambda: nn.AvgPool2d(4)),
):

    def __init__(self, block, layers, num_classes=default, pool=pool):
        Network.__init__(self, block, layers, num_classes)
        self.pool = pool()

    mistake(
        id,
        "This is a network for CIFAR-10, with images of 32×32: its conv1 is 3×3 with stride 1, and it has no max-pool. For ImageNet "
        "conv1 is 7×7 with stride 2 and padding 3, and a max-pool follows"
        + (
            "; the average pool takes any size: nn.AdaptiveAvgPool2d((1, 1))."
            if id != "cifar-stem"
            else "."
        ),
        kernel=3,
        padding=1,
        stride=1,
        make_stem=stem_of(norm, nn.ReLU),
        __init__=__init__,
    )
mistake("conv1-stride-1", "conv1 has stride 1. It has stride 2: it halves the size.", stride=1)
mistake(
    "conv1-with-bias",
    "conv1 has a bias. Batch norm follows and has its own shift: bias=False.",
    conv1_bias=True,
)
mistake(
    "stride-2-in-layer1",
    "layer1 has stride 2. The max-pool has just halved the size: layer1 has stride 1, the other three have 2.",
    strides=(2, 2, 2, 2),
)
mistake(
    "strides-inverted",
    "The strides of the stages are 2, 2, 2, 1. They are 1, 2, 2, 2: the max-pool does the halving before layer1.",
    strides=(2, 2, 2, 1),
)
mistake(
    "stride-only-in-layer1",
    "layer1 has stride 2 and the other stages have stride 1. It is the other way round: the max-pool has halved the "
    "images before layer1.",
    strides=(2, 1, 1, 1),
)
for number in (2, 3, 4):
    mistake(
        f"layer{number}-without-stride",
        f"layer{number} has stride 1. layer2, layer3 and layer4 each halve the size: stride 2.",
        strides=tuple(
            1 if stage == number else stride for stage, stride in enumerate((1, 2, 2, 2), 1)
        ),
    )
mistake(
    "stages-without-stride",
    "All four stages have stride 1. layer2, layer3 and layer4 halve the size: stride 2.",
    strides=(1, 1, 1, 1),
)
mistake(
    "fc-without-expansion",
    "fc has 512 inputs. layer4 gives out 512 * block.expansion channels.",
    features=lambda self, block: 512,
)
mistake(
    "fc-fixed-2048",
    "fc has 2048 inputs, which is right for bottlenecks only. layer4 gives out 512 * block.expansion channels.",
    features=lambda self, block: 2048,
)
mistake(
    "view-with-512",
    "You flatten with a fixed 512, so one image with 1024 numbers becomes two. Flatten from axis 1: torch.flatten(x, 1).",
    flatten=lambda self, x: x.reshape(-1, 512),
)
mistake(
    "fixed-512",
    "512 is fixed twice, in fc and in the view before it, so for a block with expansion one image becomes several. "
    "layer4 gives out 512 * block.expansion channels: use that for fc, and flatten from axis 1.",
    features=lambda self, block: 512,
    flatten=lambda self, x: x.reshape(-1, 512),
)
mistake(
    "no-flatten",
    "Nothing flattens the result of the pooling, of shape (N, C, 1, 1), before fc. Use torch.flatten(x, 1).",
    flatten=lambda self, x: x,
)
mistake(
    "flatten-the-batch",
    "You flatten all axes, the batch too. Keep axis 0: torch.flatten(x, 1).",
    flatten=lambda self, x: torch.flatten(x),
)
mistake(
    "flatten-into-one-row",
    "You flatten all axes into one row, the batch too. Keep axis 0: torch.flatten(x, 1).",
    flatten=lambda self, x: x.reshape(1, -1),
)
mistake(
    "squeeze",
    "You remove all axes of size 1, and with a single image that is the batch too. Use torch.flatten(x, 1).",
    flatten=lambda self, x: x.squeeze(),
)
mistake(
    "no-pooling",
    "There is no average pooling before fc: the flattened features are too many.",
    pool=lambda self, x: x,
)


def ends_with(pool):
    def __init__(self, block, layers, num_classes=1000):
        Network.__init__(self, block, layers, num_classes)
        self.pool = pool()

    return __init__


mistake(
    "fixed-average-pool",
    "The average pool has a fixed 7×7 window, which fits images of 224×224 only. nn.AdaptiveAvgPool2d((1, 1)) takes any size.",
    __init__=ends_with(lambda: nn.AvgPool2d(7)),
)
mistake(
    "fixed-average-pool-4",
    "The average pool has a fixed 4×4 window, as in networks for small images. nn.AdaptiveAvgPool2d((1, 1)) takes any size.",
    __init__=ends_with(lambda: nn.AvgPool2d(4)),
)
mistake(
    "fixed-average-pool-stride-1",
    "The average pool has a fixed 7×7 window and stride 1, which fits images of 224×224 only. "
    "nn.AdaptiveAvgPool2d((1, 1)) takes any size.",
    __init__=ends_with(lambda: nn.AvgPool2d(7, stride=1)),
)
mistake(
    "fixed-average-pool-ceil",
    "The average pool has a 7×7 window: larger images give more than one. nn.AdaptiveAvgPool2d((1, 1)) takes any size.",
    __init__=ends_with(lambda: nn.AvgPool2d(7, ceil_mode=True)),
)
mistake(
    "adaptive-pool-7x7",
    "The average pool gives out 7×7 pixels, as in VGG. ResNet averages over the whole image: nn.AdaptiveAvgPool2d((1, 1)).",
    __init__=ends_with(lambda: nn.AdaptiveAvgPool2d(7)),
)
mistake(
    "max-pool-at-the-end",
    "The pooling before fc takes the maximum. It is an average.",
    __init__=ends_with(lambda: nn.AdaptiveMaxPool2d(1)),
)
mistake(
    "sum-at-the-end",
    "The pooling before fc takes the sum over the pixels. It is an average, so that the size of the image does not matter.",
    pool=lambda self, x: x.sum((2, 3)),
)
mistake(
    "softmax",
    "The output goes through a softmax. ResNet gives out logits; nn.CrossEntropyLoss has the softmax in it.",
    last=lambda self, x: x.softmax(1),
)
mistake(
    "log-softmax",
    "The output goes through a log_softmax. ResNet gives out logits; nn.CrossEntropyLoss has it in it.",
    last=lambda self, x: x.log_softmax(1),
)
mistake(
    "relu-after-fc",
    "A ReLU follows fc. Logits may be negative: after fc comes nothing.",
    last=lambda self, x: x.relu(),
)
mistake(
    "sigmoid",
    "The output goes through a sigmoid. ResNet gives out logits: after fc comes nothing.",
    last=lambda self, x: x.sigmoid(),
)
mistake(
    "dropout",
    "In training, chance has a part in what your network gives out, as with dropout. ResNet has no dropout: batch norm "
    "does the regularising.",
    last=lambda self, x: F.dropout(x, 0.5, self.training),
)
mistake(
    "dropout-in-eval-mode",
    "Your network drops numbers at random in eval mode too. ResNet has no dropout.",
    last=lambda self, x: F.dropout(x, 0.5),
)
mistake(
    "no-gradients",
    "Your forward runs without gradients, so the network cannot be trained. Take torch.no_grad() or .detach() out of it.",
    forward=torch.no_grad()(Network.forward),
)
mistake(
    "classes-always-1000",
    "fc always gives out 1000 numbers. It must give out num_classes.",
    __init__=lambda self, block, layers, num_classes=1000: Network.__init__(
        self, block, layers, 1000
    ),
)
mistake(
    "classes-always-10",
    "fc always gives out 10 numbers. It must give out num_classes.",
    __init__=lambda self, block, layers, num_classes=1000: Network.__init__(
        self, block, layers, 10
    ),
)
mistake(
    "classes-default-10",
    "Without num_classes your network has 10 classes. The default is 1000, the classes of ImageNet.",
    __init__=lambda self, block, layers, num_classes=10: Network.__init__(
        self, block, layers, num_classes
    ),
)
mistake(
    "classes-without-default",
    "num_classes has no default. ResNet(block, layers) must work too, with num_classes=1000.",
    __init__=lambda self, block, layers, num_classes: Network.__init__(
        self, block, layers, num_classes
    ),
)
for fixed in ([2, 2, 2, 2], [3, 4, 6, 3]):
    mistake(
        f"layers-always-{''.join(map(str, fixed))}",
        f"The numbers of blocks are always {fixed}. They must be those in `layers`.",
        __init__=lambda self, block, layers, num_classes=1000, fixed=fixed: Network.__init__(
            self, block, fixed, num_classes
        ),
    )
mistake(
    "layers-first-for-all",
    "Every stage has layers[0] blocks. layer1 has layers[0], layer2 has layers[1], and so on.",
    __init__=lambda self, block, layers, num_classes=1000: Network.__init__(
        self, block, layers[:1] * 4, num_classes
    ),
)
for stage, other in itertools.permutations(range(4), 2):
    mistake(
        f"layer{stage + 1}-has-layers-{other}",
        f"layer{stage + 1} has layers[{other}] blocks, the number of layer{other + 1}. It has layers[{stage}].",
        __init__=lambda self, block, layers, num_classes=1000, stage=stage, other=other: (
            Network.__init__(
                self,
                block,
                [layers[other if n == stage else n] for n in range(4)],
                num_classes,
            )
        ),
    )
mistake(
    "layers-reversed",
    "The numbers of blocks go to the stages in reverse. layer1 has layers[0] blocks.",
    __init__=lambda self, block, layers, num_classes=1000: Network.__init__(
        self, block, layers[::-1], num_classes
    ),
)
mistake(
    "layers-emptied",
    "Your network takes the numbers out of the list `layers` that it was given, so the list cannot be used again. Read "
    "layers[0] … layers[3].",
    __init__=lambda self, block, layers, num_classes=1000: Network.__init__(
        self, block, [layers.pop(0) for _ in range(4)], num_classes
    ),
)
mistake(
    "in-channels-not-updated",
    "in_channels stays 64. After each stage's first block it becomes channels * block.expansion, what the block gives out.",
    update=lambda self, channels, out_channels: None,
)
mistake(
    "in-channels-without-expansion",
    "in_channels becomes channels. It must become channels * block.expansion, what the block gives out.",
    update=lambda self, channels, out_channels: setattr(self, "in_channels", channels),
)
for id, parts in (
    (
        "in-channels-updated-before-the-first-block",
        {
            "first": lambda self, block, channels, stride, downsample: block(
                channels * block.expansion, channels, stride, downsample
            )
        },
    ),
    (
        "in-channels-updated-before-the-projection",
        {
            "make_layer": lambda self, block, channels, blocks, stride: (
                self.update(channels, channels * block.expansion),
                Network.make_layer(self, block, channels, blocks, stride),
            )[1]
        },
    ),
):
    mistake(
        id,
        "in_channels is updated too early: projection and first block still receive what the stage before gives out. Update it "
        "right after the first block.",
        **parts,
    )


@RESNET.mistake(
    "in-channels-updated-after-the-stage",
    "in_channels is updated too late: the other blocks of a stage already receive channels * block.expansion. Update it right after "
    "the first block.",
)
class _(Network):
    def update(self, channels, out_channels):
        pass

    def make_layer(self, block, channels, blocks, stride):
        stage = super().make_layer(block, channels, blocks, stride)
        self.in_channels = channels * block.expansion
        return stage


for number, why in (
    (
        4,
        "In your stages a block always gives out 4 * channels, which is right for bottlenecks only.",
    ),
    (
        1,
        "In your stages a block always gives out `channels`, which is right for basic blocks only.",
    ),
):
    for id, features in (
        (f"expansion-always-{number}", lambda self, block, number=number: 512 * number),
        (f"expansion-always-{number}-in-the-stages", Network.features),
    ):
        mistake(
            id,
            f"{why} It gives out channels * block.expansion.",
            gives=lambda self, block, channels, number=number: channels * number,
            features=features,
        )


@RESNET.mistake(
    "in-channels-shared-by-all-networks",
    "in_channels belongs to the class or is global, so the second network begins with what the first one left. Set "
    "self.in_channels = 64 in __init__.",
)
class _(Shared):
    pass


@RESNET.mistake(
    "in-channels-shared-with-the-stem",
    "in_channels belongs to the class or is global, so the stem of the second network gets what the first one left. Set "
    "self.in_channels = 64 in __init__.",
)
class _(Shared):
    def make_stem(self):
        conv = skip(nn.Conv2d, 3, self.in_channels, 7, 2, 3, bias=False)
        return nn.Sequential(
            conv, nn.BatchNorm2d(self.in_channels), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )


mistake(
    "no-projection-in-layer1",
    "layer1 has no projection. With a bottleneck its first block turns 64 channels into 256, so x must be projected: the "
    "condition is stride != 1 or in_channels != channels * block.expansion.",
    needs=lambda self, out_channels, stride: stride != 1,
)
mistake(
    "projection-never",
    "No block has a projection. The first block of a stage needs one where the stride is not 1 or the channels change.",
    needs=lambda self, out_channels, stride: False,
)
mistake(
    "projection-always",
    "Every stage has a projection. Where size and channels stay the same, as in layer1 of ResNet-18, the shortcut is x itself.",
    needs=lambda self, out_channels, stride: True,
)


def projects(*, kernel=1, bias=False, strided=True, batchnorm=True, relu=False):
    def project(self, out_channels, stride):
        stride = stride if strided else 1
        conv = skip(
            nn.Conv2d, self.in_channels, out_channels, kernel, stride, kernel // 2, bias=bias
        )
        more = [nn.BatchNorm2d(out_channels)] * batchnorm + [nn.ReLU()] * relu
        return nn.Sequential(conv, *more)

    return project


mistake(
    "projection-without-batchnorm",
    "The projections have no batch norm. Each is a 1×1 convolution *and* a batch norm.",
    project=projects(batchnorm=False),
)
mistake(
    "projection-bare",
    "The projections are convolutions with a bias, and have no batch norm. Each is a 1×1 convolution with bias=False, and "
    "then a batch norm.",
    project=projects(bias=True, batchnorm=False),
)
mistake(
    "projection-with-bias",
    "The convolution of a projection has a bias. Batch norm follows and has its own shift: bias=False.",
    project=projects(bias=True),
)
mistake(
    "every-convolution-with-bias",
    "conv1 and the convolutions of the projections have a bias. Batch norm follows and has its own shift: bias=False.",
    conv1_bias=True,
    project=projects(bias=True),
)
for id, what, convolution, batchnorm in (
    ("projection-without-expansion", "The projections give", True, True),
    (
        "projection-convolution-without-expansion",
        "The convolutions of the projections give",
        True,
        False,
    ),
    (
        "projection-batchnorm-without-expansion",
        "The batch norms of the projections are made for",
        False,
        True,
    ),
):

    def make_layer(self, block, *plan):
        self.expansion = block.expansion
        return Network.make_layer(self, block, *plan)

    def project(self, out_channels, stride, convolution=convolution, batchnorm=batchnorm):
        channels = out_channels // self.expansion
        given = channels if convolution else out_channels
        conv = skip(nn.Conv2d, self.in_channels, given, 1, stride, bias=False)
        return nn.Sequential(conv, nn.BatchNorm2d(channels if batchnorm else out_channels))

    mistake(
        id,
        f"{what} `channels` channels. The block gives out channels * block.expansion, and the projection must give out as many.",
        make_layer=make_layer,
        project=project,
    )
mistake(
    "projection-3x3",
    "The projections are 3×3. They only have to change the channels and the size: 1×1, without padding.",
    project=projects(kernel=3),
)
mistake(
    "projection-without-stride",
    "The projections have no stride. They must shrink x as the block does.",
    project=projects(strided=False),
)
mistake(
    "projection-with-relu",
    "The projections end with a ReLU. They have none: the block's last ReLU comes after the sum.",
    project=projects(relu=True),
)
mistake(
    "projection-in-every-block",
    "Every block has a projection. Only the first of a stage changes the shape; on the others the shortcut is x itself.",
    other=lambda self, block, channels, stride: block(
        self.in_channels, channels, 1, self.project(self.in_channels, 1)
    ),
)
mistake(
    "stride-in-every-block",
    "Every block of a stage gets its stride. Only the first one does; the others keep the size.",
    other=lambda self, block, channels, stride: block(self.in_channels, channels, stride),
)
mistake(
    "first-block-without-stride",
    "The projections have the stride, the blocks have not. Give it to the first block of a stage too.",
    first=lambda self, block, channels, stride, downsample: block(
        self.in_channels, channels, 1, downsample
    ),
)
mistake(
    "list-not-unpacked",
    "A whole list of blocks stands where nn.Sequential takes one block. The blocks are in a list: unpack it, nn.Sequential(*stage). "
    "A list joins another by +=, as append puts it in as one entry.",
    make_layer=lambda self, *plan: nn.Sequential([*Network.make_layer(self, *plan)]),
)
mistake(
    "one-block-too-many",
    "Every stage has one block too many: the first one counts too, so the loop makes blocks - 1 more.",
    make_layer=lambda self, block, channels, blocks, stride: Network.make_layer(
        self, block, channels, blocks + 1, stride
    ),
)
mistake(
    "one-block-too-few",
    "A stage with several blocks has one too few: after the first come blocks - 1 more, as in range(1, blocks).",
    make_layer=lambda self, block, channels, blocks, stride: Network.make_layer(
        self, block, channels, blocks - 1, stride
    ),
)


@RESNET.mistake(
    "blocks-share-weights",
    "The later blocks of a stage are one block, several times: [block(…)] * n copies the reference, so they share their "
    "weights. Build each in a loop or a comprehension.",
)
class _(Network):
    def make_layer(self, block, channels, blocks, stride):
        stage = super().make_layer(block, channels, min(blocks, 2), stride)
        return nn.Sequential(stage[0], *list(stage[1:]) * (blocks - 1))


@RESNET.mistake(
    "stages-in-plain-list",
    "Stages or blocks are in a plain Python list or dict, so PyTorch does not know their parameters, and a list cannot be called. "
    "Use nn.Sequential(*blocks).",
)
class _(Network):
    def whole(self, stages):
        self.hidden = [nn.Sequential(*stages)]

    def forward(self, x):
        x = self.hidden[0](self.stem(x))
        return self.fc(torch.flatten(self.pool(x), 1))


@RESNET.mistake(
    "no-fc",
    "The output is the pooled features: the classifier fc is missing. It is nn.Linear(512 * block.expansion, num_classes).",
)
class _(Network):
    def __init__(self, *plan):
        super().__init__(*plan)
        self.fc = nn.Identity()


mistake(
    "fc-not-called",
    "fc is made, and forward does not call it: the output is the pooled features.",
    forward=lambda self, x: torch.flatten(self.pool(self.stages(self.stem(x))), 1),
)


@RESNET.mistake(
    "fc-result-unused",
    "fc is called, and its result is thrown away: a layer gives out a new tensor. Write `x = self.fc(x)`, or return it.",
)
class _(Network):
    def last(self, x):
        return self.pooled

    def flatten(self, x):
        self.pooled = torch.flatten(x, 1)
        return self.pooled


mistake(
    "fc-without-bias",
    "fc has no bias. It is the one layer that has one, as no batch norm follows.",
    __init__=lambda self, block, layers, num_classes=1000: (
        Network.__init__(self, block, layers, num_classes),
        setattr(self.fc, "bias", None),
    )[0],
)
mistake(
    "returns-features-too",
    "forward gives out a tuple. It gives out the logits and nothing else.",
    last=lambda self, x: (x, x),
)
for number in (1, 2, 3, 4):
    mistake(
        f"layer{number}-twice",
        f"layer{number} is called twice, one time after the other. Each stage is called once: is a line copied, and its number not "
        "changed?",
        forward=lambda self, x, number=number: self.fc(
            torch.flatten(
                self.pool(
                    nn.Sequential(
                        *(
                            s
                            for n, s in enumerate(self.stages, 1)
                            for _ in range(1 + (n == number))
                        )
                    )(self.stem(x))
                ),
                1,
            )
        ),
    )
    mistake(
        f"layer{number}-skipped",
        f"layer{number} does not pass its result on. Either forward does not call it in its turn, or its result is thrown away: write "
        f"`x = self.layer{number}(x)`, in the order of the numbers.",
        forward=lambda self, x, number=number: self.fc(
            torch.flatten(
                self.pool(
                    nn.Sequential(*(s for n, s in enumerate(self.stages, 1) if n != number))(
                        self.stem(x)
                    )
                ),
                1,
            )
        ),
    )
CHANNELS_BEFORE = {64: 64, 128: 64, 256: 128, 512: 256}


class StageWithoutExpansion(Network):
    def make_layer(self, block, channels, blocks, stride):
        self.in_channels = CHANNELS_BEFORE[channels]
        return super().make_layer(block, channels, blocks, stride)


RESNET.mistake(
    "stages-without-expansion",
    "layer2, layer3 and layer4 get 64, 128 and 256 as in_channels. The stage before gives out more where block.expansion is not 1: "
    "64 * block.expansion, 128 * block.expansion, 256 * block.expansion.",
)(StageWithoutExpansion)


@RESNET.mistake(
    "stages-and-fc-without-expansion",
    "layer2, layer3, layer4 and fc get 64, 128, 256 and 512 as their inputs. The stage before gives out more where "
    "block.expansion is not 1: each of these numbers times block.expansion.",
)
class _(StageWithoutExpansion):
    def features(self, block):
        return 512


@RESNET.mistake(
    "make-layer-returns-nothing",
    "A stage is None: the `return` is missing at the end of your _make_layer, or of the function that makes a stage.",
)
class _(Network):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        del self.stages
        self.stages = None


@RESNET.mistake(
    "return-in-the-loop",
    "The `return` of a stage stands inside the loop, so it ends after one turn, and a stage of one block is None. Put it behind the "
    "loop, as far to the left as `for`.",
)
class _(Network):
    def make_layer(self, block, channels, blocks, stride):
        stage = super().make_layer(block, channels, min(blocks, 2), stride)
        return stage if blocks > 1 else None

    def whole(self, stages):
        self.all = nn.ModuleList(stages)
        self.first_stage = stages[0]

    def forward(self, x):
        x = self.stem(x)
        for stage in self.all:
            x = stage(x)
        return self.fc(torch.flatten(self.pool(x), 1))


@RESNET.mistake(
    "another-block-class",
    "The stages are built with a block class of their own, such as ResidualBasicBlock. Build them with `block`, the class that was "
    "given: so the same code makes ResNet-18 and ResNet-50.",
)
class _(Network):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, [1, 1, 1, 1], num_classes)
        self.stages = ResidualBasicBlock(1, 1)


@RESNET.mistake(
    "stem-batchnorm-not-called",
    "The batch norm after conv1 is made, and forward does not call it. In ResNet a batch norm follows every convolution.",
)
class _(Network):
    def forward(self, x):
        conv, _, relu, pool = self.stem
        x = self.stages(pool(relu(conv(x))))
        return self.fc(torch.flatten(self.pool(x), 1))


@RESNET.mistake(
    "stem-batchnorm-result-unused",
    "The batch norm after conv1 is called, and its result is thrown away: a layer gives out a new tensor. Write `x = self.bn1(x)`, "
    "with the name that the layer has in your network.",
)
class _(Network):
    def forward(self, x):
        conv, norm, relu, pool = self.stem
        x = conv(x)
        norm(x)
        x = self.stages(pool(relu(x)))
        return self.fc(torch.flatten(self.pool(x), 1))


@RESNET.mistake(
    "fc-arguments-swapped",
    "nn.Linear gets its two numbers in the wrong order. What comes in stands first: nn.Linear(512 * block.expansion, num_classes).",
)
class _(Network):
    def __init__(self, block, layers, num_classes=1000):
        super().__init__(block, layers, num_classes)
        self.fc = skip(nn.Linear, num_classes, self.features(block))


mistake(
    "widths-all-64",
    "Every stage has 64 channels. They are 64, 128, 256 and 512.",
    widths=(64, 64, 64, 64),
)
mistake(
    "widths-from-128",
    "The stages have 128, 256, 512 and 1024 channels. They begin with 64: 64, 128, 256 and 512.",
    widths=(128, 256, 512, 1024),
    features=lambda self, block: 1024 * block.expansion,
)
mistake(
    "constant-weights",
    "A convolution starts with equal numbers, so all its channels learn the same. Start with random ones.",
    __init__=lambda self, block, layers, num_classes=1000: (
        Network.__init__(self, block, layers, num_classes),
        [nn.init.constant_(m.weight, 0.1) for m in self.modules() if isinstance(m, nn.Conv2d)],
    )[0],
)
mistake(
    "batchnorm-starts-at-zero",
    "A batch norm of the stem or of a projection starts with scale 0, so nothing passes through it. Only the last batch "
    "norm *inside* a block may start so; all others start with 1.",
    __init__=lambda self, block, layers, num_classes=1000: (
        Network.__init__(self, block, layers, num_classes),
        [nn.init.zeros_(m.weight) for m in self.modules() if isinstance(m, nn.BatchNorm2d)],
    )[0],
)
mistake(
    "batchnorm-starts-with-another-scale",
    "A batch norm of the stem or of a projection starts with another scale than 1. Leave its weight as PyTorch makes it, 1: random "
    "numbers are for the convolutions.",
    __init__=lambda self, *given: (
        Network.__init__(self, *given),
        [nn.init.constant_(m.weight, 0.5) for m in self.stem if isinstance(m, nn.BatchNorm2d)],
    )[0],
)
mistake(
    "stride-and-downsample-swapped",
    "downsample stands in the third place, where the block takes its stride. The order is block(in_channels, channels, stride, "
    "downsample).",
    first=lambda self, block, channels, stride, downsample: block(
        self.in_channels, channels, downsample, stride
    ),
)
mistake(
    "layers-reversed-in-place",
    "layers.reverse() turns the list round that the caller gave, and the stages get their numbers of blocks in reverse. layer1 "
    "has layers[0] blocks; leave the list as it is.",
    __init__=lambda self, block, layers, num_classes=1000: (
        layers.reverse(),
        Network.__init__(self, block, layers, num_classes),
    )[1],
)
mistake(
    "starts-in-eval-mode",
    "The new network, or a part of it, is in eval mode, so its batch norms would never learn: take self.eval() or self.train(False) out of __init__. "
    "The mode is for the caller to choose.",
    __init__=lambda self, *given: (Network.__init__(self, *given), self.eval())[0],
)
mistake(
    "sets-the-seed",
    "__init__ calls torch.manual_seed: all networks begin alike, and everything random after it repeats. Leave the seed to the "
    "training script.",
    __init__=lambda self, *given: (set_seeds(0), Network.__init__(self, *given))[1],
)
for setting, usual, value in (("momentum", 0.1, 0.9), ("eps", 1e-5, 1e-3)):
    mistake(
        f"batchnorm-{setting}",
        f"A batch norm of the stem or of a projection has another {setting} than PyTorch's {usual:g}. Leave it out: the published "
        "weights were trained with the usual one.",
        make_stem=stem_of(
            lambda options={setting: value}: nn.BatchNorm2d(64, **options), nn.ReLU, max_pool
        ),
    )
mistake(
    "layer-without-brackets",
    "A layer is written without its first pair of brackets: `nn.ReLU` is the class, and nn.ReLU(x) makes a layer with x as its "
    "setting. Write self.relu1 = nn.ReLU() in __init__ and self.relu1(x) in forward, or F.relu(x).",
    flatten=lambda self, x: nn.ReLU(x),
)
mistake(
    "returns-nothing",
    "forward returns nothing: end it with `return` and the logits.",
    last=lambda self, x: None,
)
for mode in ("train", "eval"):
    mistake(
        f"returns-nothing-in-{mode}-mode",
        f"In {mode} mode forward reaches its end without `return`, and so returns None. Every way through `if` must end in "
        "return.",
        last=lambda self, x, mode=mode: None if self.training == (mode == "train") else x,
    )
mistake(
    "no-gradients-in-eval-mode",
    "In eval mode your forward runs without gradients (.detach() or torch.no_grad there). Whether there are gradients is for the "
    "caller to choose.",
    last=lambda self, x: x if self.training else x.detach(),
)
mistake(
    "frozen-weights",
    "Some weights have requires_grad=False, so training leaves them as they are. Leave requires_grad alone.",
    __init__=lambda self, *given: (
        Network.__init__(self, *given),
        self.stem[0].requires_grad_(False),
    )[0],
)


def misspelt(id: str, message: str, **methods) -> None:
    """Registers a class of its own, as nothing can be left out of one that inherits."""
    RESNET.mistake(id, message)(type("Misspelt", (nn.Module,), methods))


misspelt(
    "init-misspelt",
    "The method that makes the layers must be called `__init__`, with two underscores on each side. Under another name Python "
    "never calls it.",
    __int__=lambda self, *given: None,
    forward=lambda self, x: x,
)
misspelt(
    "forward-misspelt",
    "The method that computes must be called `forward`: that is the name that PyTorch calls.",
    __init__=lambda self, *given: nn.Module.__init__(self),
    foward=lambda self, x: x,
)


# The conformance card.

#: depth: blocks in each stage, and whether they are bottlenecks (He et al. 2015, Table 1)
FIVE = {
    18: ([2, 2, 2, 2], False),
    34: ([3, 4, 6, 3], False),
    50: ([3, 4, 6, 3], True),
    101: ([3, 4, 23, 3], True),
    152: ([3, 8, 36, 3], True),
}
COLUMNS = ("parameters", "multiply-adds at 224×224", "torchvision's weights", "logits")
SECONDS_PER_NETWORK = 30  # a network takes about two


@dataclass(frozen=True)
class Entry:
    """One cell of the card."""

    right: bool | None  #: ``None``: not tried, because an earlier step failed
    text: str
    reason: str = ""  #: what differs

    def __str__(self) -> str:
        return f"{self.text} {'○' if self.right is None else '✔' if self.right else '✘'}"


@dataclass(frozen=True)
class ConformanceCard:
    """What ``conformance_card`` found. In a notebook it displays itself as a table."""

    rows: dict[int, list[Entry]]  #: by depth; one entry for each of ``COLUMNS``
    status: str  #: ``"passed"``, ``"failed"`` or ``"not attempted"``
    empty: str = "ResNet"  #: where nothing was attempted: the class that is still to be written

    @property
    def summary(self) -> str:
        if self.status == "not attempted":
            return f"○ not attempted: write your {self.empty}, run its cell, then run this one."
        entries = [entry for row in self.rows.values() for entry in row]
        right = sum(entry.right is True for entry in entries)
        if right == len(entries):
            return "✔ Your five networks are torchvision's: same parameters, names, costs and logits."
        return f"✘ {right} of {len(entries)} agree with torchvision. What differs:"

    def reasons(self) -> list[str]:
        """What differs, said once for all depths that it concerns."""
        depths: dict[tuple[str, str], list[int]] = {}
        for number, column in enumerate(COLUMNS):
            for depth, row in self.rows.items():
                if row[number].reason:
                    depths.setdefault((column, row[number].reason), []).append(depth)
        return [
            f"ResNet-{', '.join(map(str, found))}, {column}: {reason}"
            for (column, reason), found in depths.items()
        ]

    def __str__(self) -> str:
        return "\n".join(self._lines())

    def _lines(self) -> list[str]:
        lines = []
        if self.rows:
            lines += [
                "| network | " + " | ".join(COLUMNS) + " |",
                "| :--- | ---: | ---: | :--- | :--- |",
            ]
            lines += [
                f"| ResNet-{depth} | " + " | ".join(map(str, row)) + " |"
                for depth, row in self.rows.items()
            ]
            lines += [""]
        lines += [self.summary]
        if reasons := self.reasons():
            lines += ["", *(f"- {reason}" for reason in reasons)]
        return lines

    def __repr__(self) -> str:
        return str(self)

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/plain": str(self), "text/markdown": str(self)}


def conformance_card(ResNet: type, BasicBlock: type, Bottleneck: type) -> ConformanceCard:
    """Holds the five networks of Table 1, built from the reader's three classes, against torchvision's.

    Raises nothing for what is wrong with them: the card says it. Takes some ten seconds, and changes no seed or mode.
    """
    given = {"ResNet": ResNet, "BasicBlock": BasicBlock, "Bottleneck": Bottleneck}
    empty = [name for name, answer in given.items() if _is_stub_class(answer)]
    if empty:
        return ConformanceCard({}, "not attempted", empty[0])
    no_class = [
        f"{name} is {'an instance' if isinstance(answer, nn.Module) else named_kind(answer)}, where a class is needed."
        for name, answer in given.items()
        if isinstance(answer, nn.Module) or not callable(answer)
    ]
    if no_class:
        row = _stopped(" ".join(no_class))
        return ConformanceCard(dict.fromkeys(FIVE, row), "failed")

    expansions = [getattr(block, "expansion", None) for block in (BasicBlock, Bottleneck)]
    if expansions == [4, 1]:
        row = _stopped(
            "The two blocks are exchanged: the order is conformance_card(ResNet, BasicBlock, Bottleneck), and the second of them "
            "has expansion 1."
        )
        return ConformanceCard(dict.fromkeys(FIVE, row), "failed")

    rows = {}
    for depth, (layers, deep) in FIVE.items():
        block = Bottleneck if deep else BasicBlock
        try:
            with nothing_changes(), time_limit(SECONDS_PER_NETWORK):
                rows[depth] = _row(depth, functools.partial(ResNet, block, list(layers)))
        except (StudentError, TimeIsUp) as raised:
            error = raised if isinstance(raised, StudentError) else StudentError(raised)
            if error.not_implemented:
                name = "Bottleneck" if deep else "BasicBlock"
                return ConformanceCard(
                    {}, "not attempted", name if _is_unwritten(block) else "ResNet"
                )
            rows[depth] = _stopped(error.explain())
            if error.timed_out:
                rows |= {d: [Entry(None, "not tried")] * 4 for d in FIVE if d not in rows}
                break
    right = all(entry.right is True for row in rows.values() for entry in row)
    return ConformanceCard(rows, "passed" if right else "failed")


def _is_stub_class(given: object) -> bool:
    return (
        isinstance(given, type)
        and given.__bases__ == (nn.Module,)
        and is_stub(vars(given).get("__init__"))
        and is_stub(vars(given).get("forward"))
    )


def _is_unwritten(block: Callable) -> bool:
    """Whether a block raises NotImplementedError, when it is made or when it is called."""
    try:
        with nothing_changes(), time_limit(SECONDS_PER_NETWORK):
            attempt(lambda: block(64, 64)(torch.zeros(1, 64, 8, 8)))
    except (StudentError, TimeIsUp) as raised:
        return isinstance(raised, StudentError) and raised.not_implemented
    return False


def _stopped(reason: str) -> list[Entry]:
    return [Entry(False, "no network", reason), *[Entry(None, "not tried")] * 3]


def _row(depth: int, make: Callable) -> list[Entry]:
    from torchvision import models  # here, as the rest of the library works without torchvision

    torch.manual_seed(0)
    model = attempt(make)
    if not isinstance(model, nn.Module):
        return _stopped(f"ResNet(block, layers) is {named_kind(model)}, and no nn.Module.")
    theirs = randomise_batchnorm(models.get_model(f"resnet{depth}"), seed=depth).eval()

    row = [_count(attempt(count_parameters, model), count_parameters(theirs))]
    if reason := _shared(model):
        return [*row, NOT_COMPARED, Entry(False, "shared", reason), NOT_COMPARED]
    try:
        row.append(_count(attempt(_multiply_adds, model), _multiply_adds(theirs), MUCH_WORK))
    except StudentError as error:
        if error.timed_out or error.not_implemented:
            raise
        row.append(Entry(False, "no output", error.explain()))
    row.append(attempt(_load, model, theirs.state_dict()))
    row.append(_compare(model, theirs) if row[-1].right else NOT_COMPARED)
    if row[-1].reason == PAPERS_STRIDE:  # it explains the multiply-adds too
        row[1] = dataclasses.replace(row[1], reason=f"{row[1].reason} {PAPERS_STRIDE}")
        row[-1] = dataclasses.replace(row[-1], reason="")
    if lengths := _other_lengths(model, theirs):
        # the numbers of parameters, multiply-adds and tensors follow from it, and differ with the depth
        row = [dataclasses.replace(entry, reason="") for entry in row]
        row[2] = dataclasses.replace(row[2], reason=lengths)
    return row


NOT_COMPARED = Entry(None, "not compared")
PAPERS_STRIDE = "That is exactly the paper's stride: yours is in the first 1×1 of a bottleneck; torchvision has it in the 3×3."


def _shared(model: nn.Module) -> str:
    """The names that stand for the weights of another name, as after ``[block(…)] * n``; nothing where there are none."""
    first = dict(model.named_parameters())
    names = dict(model.named_parameters(remove_duplicate=False))
    extra = [name for name in names if name not in first]
    if not extra:
        return ""
    return (
        f"{len(extra)} names, `{extra[0]}` first, stand for weights that have another name already: a layer or a block is "
        "made once and used in several places, as `[block(…)] * n` does."
    )


def _with_papers_stride(theirs: nn.Module) -> nn.Module:
    """torchvision's network with the stride of a bottleneck where the paper has it (He et al. 2015, Table 1)."""
    moved = copy.deepcopy(theirs)
    for block in moved.modules():
        if hasattr(block, "conv3"):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
    return moved


def _other_lengths(model: nn.Module, theirs: nn.Module) -> str:
    """The stages that have too few or too many blocks, by the names of their weights; nothing where names differ too."""
    found = []
    for number in (1, 2, 3, 4):
        got, wanted = (_blocks(network, f"layer{number}") for network in (model, theirs))
        if got and got != wanted:
            found.append(
                f"layer{number} has too {'few' if got < wanted else 'many'} blocks; it needs as many as layers[{number - 1}] says"
            )
    return "; ".join(found) + "." if found else ""


def _blocks(network: nn.Module, stage: str) -> int:
    """How many blocks a stage has; 0 if what is in it has other names than torchvision's."""
    names = [name.split(".") for name in network.state_dict() if name.startswith(stage + ".")]
    blocks = {name[1] for name in names if name[2:] == ["conv1", "weight"]}
    return len(blocks) if blocks == {name[1] for name in names} else 0


MUCH_WORK = (
    "more than three times those of torchvision's. The stages work on larger images: is the max-pool of the stem missing, or "
    "a stride of 2?"
)


def _count(got: int, expected: int, suspicion: str = "") -> Entry:
    if got == expected:
        return Entry(True, f"{got:,}")
    more = "more" if got > expected else "fewer"
    if suspicion and got > 3 * expected:
        return Entry(False, f"{got:,}, expected {expected:,}", suspicion)
    return Entry(
        False,
        f"{got:,}, expected {expected:,}",
        f"{abs(got - expected):,} {more} than torchvision's.",
    )


class MultiplyAdds(TorchFunctionMode):
    """Counts the multiply-adds of convolutions and linear layers, whatever they are called and however they are written."""

    total = 0

    def __torch_function__(self, function, types, arguments=(), named=None):
        named = named or {}
        output = function(*arguments, **named)
        name = getattr(function, "__name__", "")
        if name in ("conv2d", "linear"):
            weight = named.get("weight", arguments[1] if len(arguments) > 1 else None)
            # of one image: (N, C, H, W) or, where a linear layer does the work of a 1×1 convolution, (N, H, W, C)
            positions = (output.shape[2:] if name == "conv2d" else output.shape[1:-1]).numel()
            self.total += weight.numel() * positions
        return output


def _multiply_adds(model: nn.Module) -> int:
    """For one image of 224×224. On the meta device, which computes shapes only; where that fails, in numbers."""
    mode = {name: module.training for name, module in model.named_modules()}
    try:
        with torch.no_grad(), MultiplyAdds() as counter:
            on_meta = {
                name: tensor.to("meta")
                for name, tensor in (*model.named_parameters(), *model.named_buffers())
            }
            image = torch.empty(1, 3, 224, 224, device="meta")
            torch.func.functional_call(model.eval(), on_meta, (image,))
    except Exception:
        with torch.no_grad(), MultiplyAdds() as counter:
            model.eval()(torch.zeros(1, 3, 224, 224))
    finally:
        for name, module in model.named_modules():
            module.training = mode[name]
    return counter.total


def _load(model: nn.Module, theirs: dict[str, Tensor]) -> Entry:
    """Copies torchvision's weights into ``model`` by name: torchvision's names, or the book's, where bn is batchnorm."""
    ours = model.state_dict()
    wanted = {}
    for name in ours:
        translated = name if name in theirs else name.replace("batchnorm", "bn")
        wanted[translated] = name
    missing = [name for name in theirs if name not in wanted]
    unknown = [name for translated, name in wanted.items() if translated not in theirs]
    shapes = [
        f"`{name}` is {tuple(ours[name].shape)}, torchvision's `{t}` is {tuple(theirs[t].shape)}"
        for t, name in wanted.items()
        if t in theirs and ours[name].shape != theirs[t].shape
    ]
    reasons = []
    if missing:
        reasons.append(f"torchvision has {_layers(missing)}, which yours has not")
    if unknown:
        reasons.append(f"yours has {_layers(unknown)}, which torchvision has not")
    if shapes:
        more = f", and {len(shapes) - 2} more" if len(shapes) > 2 else ""
        reasons.append("another shape: " + "; ".join(shapes[:2]) + more)
        if all(
            ours[name].flatten(1).shape == theirs[t].flatten(1).shape
            for t, name in wanted.items()
            if t in theirs and ours[name].dim() > 1
        ):
            reasons.append(
                "a 1×1 convolution and nn.Linear do the same, but to load by name, use the one that torchvision uses"
            )
    loaded = len(wanted.keys() & theirs.keys()) - len(shapes)
    text = f"{loaded} of {len(theirs)} by name"
    if unknown and loaded == len(theirs):
        text += f", {len(unknown)} left over"
    if reasons:
        if missing and len(missing) == len(unknown) and not shapes:
            pairs = list(zip(unknown, missing))
            if all(ours[a].shape == theirs[b].shape for a, b in pairs):
                reasons = [f"shapes agree in order, so only names differ: {_renamed(pairs)}"]
        return Entry(False, text, "; ".join(reasons) + ".")
    model.load_state_dict({name: theirs[t] for t, name in wanted.items()}, strict=True)
    return Entry(True, text)


MOST_NAMES = 12  # a bottleneck has ten layers


def _renamed(pairs: list[tuple[str, str]]) -> str:
    """The names to change, part by part: ``rename `shortcut` to `downsample```. The book's batchnorm1 for bn1 is none of them."""
    parts = [(a.split("."), b.split(".")) for a, b in pairs]
    if any(len(a) != len(b) for a, b in parts):
        a, b = (name.rpartition(".")[0] for name in pairs[0])
        return f"rename `{a}` to `{b}`, for a start"
    found = dict.fromkeys(
        f"`{x}` to `{y}`"
        for a, b in parts
        for x, y in zip(a, b)
        if y not in (x, x.replace("batchnorm", "bn"))
    )
    more = f", and {len(found) - MOST_NAMES} more" if len(found) > MOST_NAMES else ""
    return "rename " + ", ".join(list(found)[:MOST_NAMES]) + more


def _layers(names: list[str]) -> str:
    """A few tensors by name, many by their layers."""
    if len(names) <= 2:
        return " and ".join(f"`{name}`" for name in names)
    layers = list(dict.fromkeys(name.rpartition(".")[0] or name for name in names))
    more = f" and {len(layers) - 3} more layers" if len(layers) > 3 else ""
    return ", ".join(f"`{layer}`" for layer in layers[:3]) + more + f" ({len(names)} tensors)"


def _compare(model: nn.Module, theirs: nn.Module) -> Entry:
    """Logits of two images of large numbers, and of one of usual ones.

    On small numbers the logits of a deep network depend little; in large ones GELU is as ReLU.
    """
    large = _compare_for(100 * random_input(2, 3, 64, 97), model, theirs)
    return _compare_for(random_input(1, 3, 65, 64), model, theirs) if large.right else large


def _compare_for(x: Tensor, model: nn.Module, theirs: nn.Module) -> Entry:
    with torch.no_grad():
        expected = theirs(x)
        try:
            got = attempt(lambda: numbers(model.eval()(x.clone())))
        except StudentError as error:
            if error.timed_out:
                raise
            return Entry(False, "no output", error.explain())
    if same(got, expected):
        return Entry(True, "equal")
    if not isinstance(got, Tensor):
        return Entry(False, "different", f"The output is {got}, and no tensor.")
    if got.shape != expected.shape:
        return Entry(
            False,
            "different",
            f"The shape is {tuple(got.shape)} instead of {tuple(expected.shape)}.",
        )
    with torch.no_grad():
        if same(got, _with_papers_stride(theirs)(x)):
            return Entry(False, "different", PAPERS_STRIDE)
    return Entry(
        False,
        "different",
        f"With the same weights, other logits come out for {images(x.shape)}: names and shapes are right, so look at what "
        "forward does, and at strides and padding.",
    )
