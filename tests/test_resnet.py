"""The networks by themselves: the CIFAR nets, what goes in, what is refused in which words."""

import copy

import numpy
import pytest
import torch
from helpers import (
    assert_close,
    assert_same_state,
    copy_of_state,
    random_images,
)
from torch import nn
from torchvision.models.feature_extraction import create_feature_extractor
from torchvision.models.resnet import BasicBlock, ResNet

import resnet_lib
from resnet_lib import (
    CifarResNet,
    ResidualBasicBlock,
    ResidualBottleNeck,
    ResNetBase,
    ZeroPadShortcut,
    load_torchvision_weights,
    randomise_batchnorm,
    trace,
)

CIFAR_BLOCKS = {
    20: 3,
    32: 5,
    44: 7,
    56: 9,
    110: 18,
}  # depth: blocks in each of the three stages, n
CIFAR_PARAMETERS = {20: 269_722, 32: 464_154, 56: 853_018}


def small_resnet():
    """ResNetBase with one block a stage: as strict as the deep ones, and quick."""
    return ResNetBase(ResidualBasicBlock, [1, 1, 1, 1], 10)


MODELS = {"imagenet": small_resnet, "cifar": lambda: CifarResNet(1)}


class TestCifarResNet:
    @pytest.mark.parametrize(("depth", "n"), CIFAR_BLOCKS.items())
    def test_parameters_and_layers(self, depth, n):
        """6n + 2 layers with weights, and as many parameters as their shapes add up to."""
        model = getattr(resnet_lib, f"resnet{depth}")()
        assert depth == 6 * n + 2
        assert (
            sum(isinstance(module, (nn.Conv2d, nn.Linear)) for module in model.modules())
            == depth
        )

        widths = (
            [3, 16] + 2 * n * [16] + 2 * n * [32] + 2 * n * [64]
        )  # channels before and after each convolution
        expected = (
            sum(9 * before * after + 2 * after for before, after in zip(widths, widths[1:]))
            + 64 * 10
            + 10
        )
        assert sum(parameter.numel() for parameter in model.parameters()) == expected
        assert expected == CIFAR_PARAMETERS.get(depth, expected)

        shortcuts = [
            module for module in model.modules() if isinstance(module, ZeroPadShortcut)
        ]
        assert len(shortcuts) == 2 and not any(
            list(module.parameters()) for module in shortcuts
        )
        assert not any("downsample" in name for name in model.state_dict())

    def test_sizes(self):
        """Sizes are halved twice, and rounded up where they are odd."""
        model = resnet_lib.resnet20()
        ends = ("layer1.2.relu2", "layer2.2.relu2", "layer3.2.relu2", "fc")
        for sides in [(32, 16, 8), (29, 15, 8)]:
            shapes = {
                layer.name: layer.output_shape[1:]
                for layer in trace(model, (1, 3, sides[0], sides[0]))
            }
            expected = [(channels, side, side) for channels, side in zip((16, 32, 64), sides)]
            assert [shapes[name] for name in ends] == [*expected, (10,)]

    @pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
    @pytest.mark.parametrize("centred", [False, True], ids=["behind", "centred"])
    def test_equals_a_network_of_torchvision_blocks(self, training, centred):
        """The same network put together from torchvision's BasicBlock gives the same logits."""

        class OptionA(nn.Module):
            def forward(self, x):
                half = x[:, :, ::2, ::2]
                zeros = torch.zeros_like(half)
                if centred:  # as in checkpoints of others
                    front = zeros[:, ::2]
                    return torch.cat([front, half, front], dim=1)
                return torch.cat([half, zeros], dim=1)

        blocks = [BasicBlock(16, 16) for _ in range(3)]
        for channels in (32, 64):
            blocks += [BasicBlock(channels // 2, channels, 2, OptionA())]
            blocks += [BasicBlock(channels, channels) for _ in range(2)]
        stem = [nn.Conv2d(3, 16, 3, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
        reference = nn.Sequential(
            *stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10)
        )

        model = randomise_batchnorm(CifarResNet(3, centred_zeros=centred), seed=0)
        # Both have their layers in the same order, so names can be left out; shapes are
        # compared by load_state_dict.
        reference.load_state_dict(
            dict(zip(reference.state_dict(), model.state_dict().values(), strict=True))
        )
        x = random_images(4, 3, 33, 30)
        with torch.no_grad():
            assert_close(model.train(training)(x), reference.train(training)(x), relative=1e-5)

    def test_number_of_classes(self):
        assert resnet_lib.resnet20(num_classes=7)(random_images(2, 3, 8, 8)).shape == (2, 7)
        assert resnet_lib.resnet20()(random_images(2, 3, 8, 8)).shape == (2, 10)


class TestZeroPadShortcut:
    @pytest.mark.parametrize("height_width", [(8, 8), (7, 10), (5, 3), (1, 1)])
    @pytest.mark.parametrize(
        ("in_channels", "out_channels", "stride"),
        [(16, 32, 2), (3, 5, 2), (4, 7, 3), (4, 8, 1)],
    )
    def test_is_subsampling_and_channels_of_zeros(
        self, height_width, in_channels, out_channels, stride
    ):
        """Every stride-th pixel, then channels of zeros; the gradient goes to these pixels."""
        x = random_images(2, in_channels, *height_width).requires_grad_()
        result = ZeroPadShortcut(in_channels, out_channels, stride)(x)

        assert result.shape == (2, out_channels, *(-(-side // stride) for side in height_width))
        assert torch.equal(result[:, :in_channels], x[:, :, ::stride, ::stride])
        assert (result[:, in_channels:] == 0).all()

        result.sum().backward()
        taken = torch.zeros_like(x)
        taken[:, :, ::stride, ::stride] = 1
        assert torch.equal(x.grad, taken)

    def test_fits_the_branch_at_odd_sizes(self):
        """It has the size of the 3×3 convolution with stride 2 and padding 1, always."""
        for side in range(1, 20):
            x = random_images(1, 4, side, 2 * side + 1)
            assert (
                ZeroPadShortcut(4, 8, 2)(x).shape == nn.Conv2d(4, 8, 3, 2, padding=1)(x).shape
            )

    def test_in_the_network_it_is_the_shortcut(self):
        """With its branch at zero, the first block of layer2 is relu of the shortcut."""
        block = resnet_lib.resnet20().eval().layer2[0]
        nn.init.zeros_(block.batchnorm2.weight)
        x = random_images(1, 16, 7, 8)
        before = x.clone()
        assert torch.equal(
            block(x),
            torch.relu(torch.cat([x[:, :, ::2, ::2], torch.zeros(1, 16, 4, 4)], dim=1)),
        )
        assert torch.equal(x, before)


# Inputs that are no batch of colour images, the error, and what its message must hold: what was
# given, and what to do.
BAD_INPUTS = {
    "None": (lambda: None, TypeError, ["torch.Tensor", "NoneType"]),
    "list": (lambda: [[0.5]], TypeError, ["torch.Tensor", "list", "torch.as_tensor"]),
    "numpy": (
        lambda: numpy.zeros((1, 3, 40, 40), "float32"),
        TypeError,
        ["ndarray", "torch.as_tensor"],
    ),
    "rank 0": (lambda: torch.tensor(1.0), ValueError, ["4 axes (N, C, H, W), not 0", "()"]),
    "rank 1": (lambda: torch.zeros(3), ValueError, ["4 axes (N, C, H, W), not 1", "(3,)"]),
    "rank 2": (
        lambda: torch.zeros(40, 41),
        ValueError,
        ["4 axes (N, C, H, W), not 2", "(40, 41)"],
    ),
    "one image": (
        lambda: torch.zeros(3, 40, 41),
        ValueError,
        ["not 3", "(3, 40, 41)", "unsqueeze(0)"],
    ),
    "rank 5": (
        lambda: torch.zeros(1, 1, 3, 40, 41),
        ValueError,
        ["not 5", "(1, 1, 3, 40, 41)"],
    ),
    "grey": (
        lambda: torch.zeros(2, 1, 40, 41),
        ValueError,
        ["3 channels", "not 1", "(2, 1, 40, 41)", "expand(-1, 3"],
    ),
    "four channels": (
        lambda: torch.zeros(2, 4, 40, 41),
        ValueError,
        ["3 channels", "not 4", "(2, 4, 40, 41)"],
    ),
    "no channels": (lambda: torch.zeros(2, 0, 40, 41), ValueError, ["3 channels", "not 0"]),
    "channels last": (
        lambda: torch.zeros(2, 40, 41, 3),
        ValueError,
        ["not 40", "permute(0, 3, 1, 2)"],
    ),
    "no height": (lambda: torch.zeros(2, 3, 0, 40), ValueError, ["empty", "0×40"]),
    "no width": (lambda: torch.zeros(2, 3, 40, 0), ValueError, ["empty", "40×0"]),
    "int64": (
        lambda: torch.zeros(2, 3, 40, 41, dtype=torch.int64),
        TypeError,
        ["torch.int64", "floating point"],
    ),
    "uint8": (
        lambda: torch.zeros(2, 3, 40, 41, dtype=torch.uint8),
        TypeError,
        ["torch.uint8", "x.float() / 255"],
    ),
    "bool": (
        lambda: torch.zeros(2, 3, 40, 41, dtype=torch.bool),
        TypeError,
        ["torch.bool", "floating point"],
    ),
    "complex": (
        lambda: torch.zeros(2, 3, 40, 41, dtype=torch.complex64),
        TypeError,
        ["torch.complex64", "floating"],
    ),
    "float64": (
        lambda: torch.zeros(2, 3, 40, 41, dtype=torch.float64),
        TypeError,
        ["torch.float64", "torch.float32", "x.to(torch.float32)"],
    ),
    "float16": (
        lambda: torch.zeros(2, 3, 40, 41, dtype=torch.float16),
        TypeError,
        ["torch.float16", "torch.float32"],
    ),
}


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
class TestBadInputs:
    @pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
    @pytest.mark.parametrize("case", BAD_INPUTS)
    def test_is_refused_in_plain_words(self, make, case, training):
        """The error shows what was given and what to do; running statistics stay."""
        give, error, fragments = BAD_INPUTS[case]
        model = make().train(training)
        before = copy_of_state(model)
        with pytest.raises(error) as caught:
            model(give())
        for fragment in fragments:
            assert fragment in str(caught.value)
        assert_same_state(model, before)

    def test_float32_to_a_double_model(self, make):
        """The hint names the dtype of the weights, whichever it is."""
        with pytest.raises(TypeError, match=r"x\.to\(torch\.float64\)"):
            make().double()(torch.zeros(1, 3, 40, 40))

    def test_what_the_advice_says_does_work(self, make):
        """Each remedy that a message names makes the input acceptable."""
        model = make().eval()
        model(torch.zeros(3, 40, 41).unsqueeze(0))
        model(torch.zeros(2, 40, 41, 3).permute(0, 3, 1, 2))
        model(torch.zeros(2, 1, 40, 41).expand(-1, 3, -1, -1))
        model(torch.zeros(2, 3, 40, 41, dtype=torch.uint8).float() / 255)
        model(torch.zeros(2, 3, 40, 41, dtype=torch.float64).to(torch.float32))
        model(torch.as_tensor(numpy.zeros((1, 3, 40, 40), "float32")))

    def test_one_tiny_image_in_training(self, make):
        """Batch norm has no variance of one value per channel: the message says what helps."""
        model = make()
        limit = {ResNetBase: 32, CifarResNet: 4}[type(model)]
        for height, width in [(1, 1), (limit, limit), (1, limit)]:
            with pytest.raises(ValueError) as caught:
                model(torch.zeros(1, 3, height, width))
            for fragment in (
                f"{height}×{width}",
                "larger batch",
                f"more than {limit}",
                "model.eval()",
            ):
                assert fragment in str(caught.value)

    def test_the_remedies_for_one_tiny_image(self, make):
        """Two images, one image just above the limit in one direction, or eval mode."""
        model = make()
        limit = {ResNetBase: 32, CifarResNet: 4}[type(model)]
        assert model(random_images(2, 3, 1, 1)).shape == (2, 10)
        assert model(random_images(1, 3, limit + 1, 1)).shape == (1, 10)
        assert model(random_images(1, 3, 1, limit + 1)).shape == (1, 10)
        assert model.eval()(random_images(1, 3, limit, limit)).shape == (1, 10)


def freeze_statistics(model):
    """Training mode with the batch norms in eval mode, as in fine-tuning with small batches."""
    model.train()
    for module in model.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.eval()


def stem_for_small_images(model):
    """The usual change for CIFAR: 3×3 stem of stride 1, no max-pool; strides multiply to 8."""
    torch.manual_seed(1)
    model.train()
    model.conv1 = nn.Conv2d(3, 64, 3, padding=1, bias=False)
    model.maxpool = nn.Identity()


class SpaceToDepth(nn.Module):
    """A first layer that takes pixels from 0 to 255: four of them become the channels of one."""

    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(12, 64, 3, padding=1, bias=False)

    def forward(self, x):
        return self.conv(nn.functional.pixel_unshuffle(x.float() / 255, 2))


def stem_of_another_kind(model):
    torch.manual_seed(1)
    model.eval().conv1 = SpaceToDepth()


def weight_norm_in_the_stem(model):
    nn.utils.parametrizations.weight_norm(model.eval().conv1)


# What torchvision's ResNet accepts: what is done to the model first, and the input.
ACCEPTED = {
    "no images": (nn.Module.eval, torch.zeros(0, 3, 40, 40)),
    "no images in training": (nn.Module.train, torch.zeros(0, 3, 40, 40)),
    "one pixel": (nn.Module.eval, random_images(1, 3, 1, 1)),
    "two of one pixel in training": (nn.Module.train, random_images(2, 3, 1, 1)),
    "one of 33×1 in training": (nn.Module.train, random_images(1, 3, 33, 1)),
    "one tiny with frozen statistics": (freeze_statistics, random_images(1, 3, 20, 20)),
    "one tiny with a stem for small images": (
        stem_for_small_images,
        random_images(1, 3, 20, 20),
    ),
    "weight norm in the stem": (weight_norm_in_the_stem, random_images(2, 3, 40, 33)),
    "pixels of uint8 to a stem that takes them": (
        stem_of_another_kind,
        (255 * random_images(2, 3, 40, 32).sigmoid()).byte(),
    ),
    "bfloat16": (
        lambda model: model.eval().to(torch.bfloat16),
        random_images(1, 3, 40, 33).bfloat16(),
    ),
    "float64": (lambda model: model.eval().double(), random_images(1, 3, 40, 33).double()),
    "channels last in memory": (
        lambda model: model.eval().to(memory_format=torch.channels_last),
        random_images(2, 3, 40, 33).to(memory_format=torch.channels_last),
    ),
    "not contiguous": (nn.Module.eval, random_images(2, 1, 40, 33).expand(-1, 3, -1, -1)),
    "a parameter": (nn.Module.eval, nn.Parameter(random_images(1, 3, 40, 33))),
}


@pytest.fixture
def pair():
    """(ours, theirs): one basic block a stage, ten classes, the same random weights."""
    torch.manual_seed(0)
    theirs = randomise_batchnorm(ResNet(BasicBlock, [1, 1, 1, 1], 10), seed=0)
    ours = small_resnet()
    load_torchvision_weights(ours, theirs.state_dict())
    return ours, theirs


class TestAcceptsWhatTorchvisionAccepts:
    @pytest.mark.parametrize("case", ACCEPTED)
    def test_input(self, pair, case):
        """The checks refuse nothing that torchvision computes; the results are equal."""
        prepare, x = ACCEPTED[case]
        ours, theirs = pair
        for model in pair:
            prepare(model)
        expected = theirs(x)
        result = ours(x)
        assert result.dtype == expected.dtype
        scale = expected.abs().max().item() if len(x) else 0  # no images have no largest logit
        torch.testing.assert_close(result, expected, rtol=1e-4, atol=1e-4 * scale)

    @pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
    def test_autocast(self, pair, dtype):
        """Under autocast the input may have another dtype than the weights."""
        ours, theirs = (model.eval() for model in pair)
        x = random_images(2, 3, 40, 33).to(dtype)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            result, expected = ours(x), theirs(x)
        assert_close(result, expected, relative=1e-2)

    def test_feature_extractor(self, pair):
        """torchvision's feature extraction runs the model with a stand-in for the tensor."""
        x = random_images(2, 3, 40, 33)
        ours, theirs = (
            create_feature_extractor(model.eval(), ["layer2", "fc"])(x) for model in pair
        )
        assert_close(ours["layer2"], theirs["layer2"], relative=1e-5)
        assert_close(ours["fc"], theirs["fc"], relative=1e-5)

    def test_deepcopy_and_export(self, pair):
        """A copy gives the same, and so does the program that torch.export records."""
        ours = pair[0].eval()
        x = random_images(2, 3, 40, 33)
        with torch.no_grad():
            expected = ours(x)
            assert torch.equal(copy.deepcopy(ours)(x), expected)
            assert_close(torch.export.export(ours, (x,)).module()(x), expected, relative=1e-5)


@pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")
@pytest.mark.parametrize(
    ("make", "size"), [(resnet_lib.resnet50, 64), (resnet_lib.resnet20, 32)], ids=["50", "20"]
)
def test_torchscript(make, size):
    """The scripted network is the same function; it leaves out the check of the input."""
    model = randomise_batchnorm(make(), seed=0).eval()
    x = random_images(2, 3, size, size)
    with torch.no_grad():
        assert torch.equal(torch.jit.script(model)(x), model(x))


class TestConstructors:
    @pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
    def test_number_of_classes(self, depth):
        """``num_classes`` changes the classifier alone; the default is 1000."""
        make = getattr(resnet_lib, f"resnet{depth}")
        with torch.device("meta"):
            ten, default = make(num_classes=10), make()
        assert (ten.fc.out_features, default.fc.out_features) == (10, 1000)
        state, other = ten.state_dict(), default.state_dict()
        assert [name for name in state if state[name].shape != other[name].shape] == [
            "fc.weight",
            "fc.bias",
        ]

    @pytest.mark.parametrize(
        ("depth", "layers", "block"),
        [
            (18, [2, 2, 2, 2], ResidualBasicBlock),
            (34, [3, 4, 6, 3], ResidualBasicBlock),
            (50, [3, 4, 6, 3], ResidualBottleNeck),
            (101, [3, 4, 23, 3], ResidualBottleNeck),
            (152, [3, 8, 36, 3], ResidualBottleNeck),
        ],
    )
    def test_table_1(self, depth, layers, block):
        """As Table 1 has it; projections only where the shape changes; depth counts layers."""
        with torch.device("meta"):
            model = getattr(resnet_lib, f"resnet{depth}")()
        stages = [model.layer1, model.layer2, model.layer3, model.layer4]
        assert [len(stage) for stage in stages] == layers
        assert all(type(one) is block for stage in stages for one in stage)
        projected = [[one.downsample is not None for one in stage] for stage in stages]
        assert [flags[0] for flags in projected] == [
            block is ResidualBottleNeck,
            True,
            True,
            True,
        ]
        assert not any(any(flags[1:]) for flags in projected)
        convolutions = {ResidualBasicBlock: 2, ResidualBottleNeck: 3}[block]
        assert sum(layers) * convolutions + 2 == depth

    def test_make_layer_projects_where_the_size_changes_alone(self):
        """Stride 2 with equal channels, as in no standard depth, needs a projection too."""
        model = small_resnet()
        model.in_channels = 64
        halved, kept = (
            model._make_layer(ResidualBasicBlock, 64, 2, 2),
            model._make_layer(ResidualBasicBlock, 64, 2, 1),
        )
        assert [block.downsample is not None for block in (*halved, *kept)] == [
            True,
            False,
            False,
            False,
        ]
        assert kept(halved(random_images(2, 64, 7, 10))).shape == (2, 64, 4, 5)

    def test_layers_may_be_a_tuple_and_stay_as_given(self):
        layers = [1, 2, 1, 1]
        assert len(ResNetBase(ResidualBasicBlock, layers).layer2) == 2 and layers == [
            1,
            2,
            1,
            1,
        ]
        assert len(ResNetBase(ResidualBasicBlock, tuple(layers)).layer2) == 2

    @pytest.mark.parametrize(
        ("arguments", "error", "fragments"),
        [
            ((None, [1, 1, 1, 1]), TypeError, ["block class", "None"]),
            (("basic", [1, 1, 1, 1]), TypeError, ["block class", "'basic'"]),
            (
                (ResidualBasicBlock(64, 64), [1, 1, 1, 1]),
                TypeError,
                ["without brackets", "ResidualBasicBlock("],
            ),
            ((nn.Conv2d, [1, 1, 1, 1]), TypeError, ["block class", "Conv2d"]),
            ((dict, [1, 1, 1, 1]), TypeError, ["block class", "dict"]),
            ((ResidualBasicBlock, [1, 1, 1]), ValueError, ["four", "[1, 1, 1]"]),
            ((ResidualBasicBlock, [1, 1, 1, 1, 1]), ValueError, ["four", "[1, 1, 1, 1, 1]"]),
            ((ResidualBasicBlock, 18), ValueError, ["four", "18"]),
            ((ResidualBasicBlock, None), ValueError, ["four", "None"]),
            ((ResidualBasicBlock, [1, 0, 1, 1]), ValueError, ["layers", "1 or more", "0"]),
            ((ResidualBasicBlock, [1, 1, -2, 1]), ValueError, ["layers", "-2"]),
            ((ResidualBasicBlock, [1, 1.5, 1, 1]), TypeError, ["layers", "1.5"]),
            ((ResidualBasicBlock, [1, 1, True, 1]), TypeError, ["layers", "True"]),
            ((ResidualBasicBlock, [1, 1, 1, 1], 0), ValueError, ["num_classes", "0"]),
            ((ResidualBasicBlock, [1, 1, 1, 1], -3), ValueError, ["num_classes", "-3"]),
            ((ResidualBasicBlock, [1, 1, 1, 1], 10.0), TypeError, ["num_classes", "10.0"]),
            ((ResidualBasicBlock, [1, 1, 1, 1], "10"), TypeError, ["num_classes", "'10'"]),
            ((ResidualBasicBlock, [1, 1, 1, 1], None), TypeError, ["num_classes", "None"]),
            ((ResidualBasicBlock, [1, 1, 1, 1], True), TypeError, ["num_classes", "True"]),
        ],
        ids=lambda value: "" if isinstance(value, (type, list)) else repr(value)[:40],
    )
    def test_bad_arguments_of_resnet_base(self, arguments, error, fragments):
        """The message names the argument and shows what was given."""
        with pytest.raises(error) as caught:
            ResNetBase(*arguments)
        for fragment in fragments:
            assert fragment in str(caught.value)

    @pytest.mark.parametrize(
        ("arguments", "error", "fragments"),
        [
            ((0,), ValueError, ["blocks_per_stage", "0"]),
            ((-1,), ValueError, ["blocks_per_stage", "-1"]),
            ((3.0,), TypeError, ["blocks_per_stage", "3.0"]),
            ((True,), TypeError, ["blocks_per_stage", "True"]),
            (([3, 3, 3],), TypeError, ["blocks_per_stage", "[3, 3, 3]"]),
            ((3, 0), ValueError, ["num_classes", "0"]),
            ((3, "10"), TypeError, ["num_classes", "'10'"]),
        ],
        ids=repr,
    )
    def test_bad_arguments_of_the_cifar_resnet(self, arguments, error, fragments):
        with pytest.raises(error) as caught:
            CifarResNet(*arguments)
        for fragment in fragments:
            assert fragment in str(caught.value)


@pytest.mark.parametrize("make", MODELS.values(), ids=MODELS)
class TestState:
    def test_two_models_share_nothing(self, make):
        """A training step on one model leaves another from the same function as it was."""
        first, second = make(), make()
        before = copy_of_state(second)
        optimizer = torch.optim.SGD(first.parameters(), lr=0.1)
        first(random_images(2, 3, 40, 40)).sum().backward()
        optimizer.step()
        assert_same_state(second, before)
        places = [
            {tensor.data_ptr() for tensor in model.state_dict().values()}
            for model in (first, second)
        ]
        assert not places[0] & places[1]

    def test_every_parameter_learns(self, make):
        """Every parameter gets a gradient that is not zero: forward leaves no layer out."""
        model = make()
        nn.functional.cross_entropy(
            model(random_images(2, 3, 97, 66)), torch.tensor([1, 2])
        ).backward()
        gradients = {name: parameter.grad for name, parameter in model.named_parameters()}
        assert not [
            name
            for name, gradient in gradients.items()
            if gradient is None or not gradient.any()
        ]

    def test_input_stays_as_it_was(self, make):
        """No layer writes into the caller's images."""
        x = random_images(2, 3, 40, 33)
        before = x.clone()
        make()(x)
        assert torch.equal(x, before)

    def test_images_do_not_mix_in_eval_mode(self, make):
        """Each image of a batch gets the logits that it gets alone."""
        model = randomise_batchnorm(make(), seed=1).eval()
        x = random_images(3, 3, 40, 33)
        with torch.no_grad():
            assert_close(
                torch.cat([model(image[None]) for image in x]), model(x), relative=1e-5
            )
