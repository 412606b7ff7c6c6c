"""Parameters, multiply-adds, receptive fields: against torchvision, the paper, measurement."""

import functools
import math

import pytest
import torch
import torchvision
from helpers import DEPTHS, without_numbers
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import resnet_lib
from resnet_lib import (
    LayerCost,
    ResidualBottleNeck,
    ResNetBase,
    ZeroPadShortcut,
    count_multiply_adds,
    count_parameters,
    layer_costs,
    receptive_field,
)

PARAMETERS = {18: 11_689_512, 34: 21_797_672, 50: 25_557_032, 101: 44_549_160, 152: 60_192_808}
MULTIPLY_ADDS = {
    18: 1_814_073_344,
    34: 3_663_761_408,
    50: 4_089_184_256,
    101: 7_801_405_440,
    152: 11_513_626_624,
}
RECEPTIVE_FIELD = {18: 435, 34: 899, 50: 427, 101: 971, 152: 1451}

# With the stride in the first 1×1 of a bottleneck, as in the paper.
PAPER_MULTIPLY_ADDS = {50: 3_857_973_248, 101: 7_570_194_432, 152: 11_282_415_616}
PAPER_RECEPTIVE_FIELD = {50: 483, 101: 1027, 152: 1507}

CIFAR_MULTIPLY_ADDS = {20: 40_551_040, 32: 68_862_592, 56: 125_485_696}


def network(source, depth):
    """The network, for its shapes alone."""
    return without_numbers(getattr(source, f"resnet{depth}"))


@functools.cache
def costs_of(depth, *shape):
    """The costs of our network, computed once for all tests."""
    return tuple(layer_costs(network(resnet_lib, depth), *shape))


def stride_in_the_first_1x1(model):
    """Moves the stride of every bottleneck to the first 1×1: the network of the paper."""
    for block in model.modules():
        if isinstance(block, ResidualBottleNeck):
            block.conv1.stride, block.conv2.stride = block.conv2.stride, (1, 1)
    return model


def multiply_adds_by_hooks(model, height_width):
    """Counted on the running model: each output costs one product per weight that is in it."""
    total = 0

    def convolution(module, inputs, output):
        nonlocal total
        total += (
            output[0].numel()
            * module.in_channels
            // module.groups
            * math.prod(module.kernel_size)
        )

    def linear(module, inputs, output):
        nonlocal total
        total += output[0].numel() * module.in_features

    for module in model.modules():
        if isinstance(module, nn.Conv2d):
            module.register_forward_hook(convolution)
        elif isinstance(module, nn.Linear):
            module.register_forward_hook(linear)
    with torch.no_grad():
        model.eval()(torch.zeros(1, 3, *height_width, device=next(model.parameters()).device))
    return total


def largest_field(costs):
    return max(cost.receptive_field for cost in costs if cost.receptive_field is not None)


@pytest.mark.parametrize("depth", DEPTHS)
class TestTheFiveDepths:
    def test_parameters(self, depth):
        """The parts add up to the whole, which is torchvision's number."""
        assert sum(cost.parameters for cost in costs_of(depth)) == PARAMETERS[depth]
        assert count_parameters(network(resnet_lib, depth)) == PARAMETERS[depth]
        assert count_parameters(network(torchvision.models, depth)) == PARAMETERS[depth]

    def test_multiply_adds(self, depth):
        """At 224×224: the known number, and what hooks on torchvision's network count."""
        assert sum(cost.multiply_adds for cost in costs_of(depth)) == MULTIPLY_ADDS[depth]
        assert (
            multiply_adds_by_hooks(network(torchvision.models, depth), (224, 224))
            == MULTIPLY_ADDS[depth]
        )

    def test_multiply_adds_at_an_odd_size(self, depth):
        """The same at 97×130, where the floor changes the sizes; for torchvision's too."""
        theirs = network(torchvision.models, depth)
        counted = count_multiply_adds(theirs, (3, 97, 130))
        assert counted == sum(cost.multiply_adds for cost in costs_of(depth, (3, 97, 130)))
        assert counted == multiply_adds_by_hooks(theirs, (97, 130))

    def test_receptive_field(self, depth):
        """That of the last convolution is the largest, whatever the size of the image."""
        for costs in (costs_of(depth), costs_of(depth, (3, 97, 130))):
            fields = [
                cost.receptive_field for cost in costs if cost.receptive_field is not None
            ]
            assert fields[-1] == max(fields) == RECEPTIVE_FIELD[depth]

    def test_receptive_field_by_measurement(self, depth):
        """The pixels that have a gradient, in the real network: one unit of the last stage sees
        exactly that many.

        All weights are positive, so that no two paths cancel; max-pool, which passes a gradient
        to one of its nine pixels only, gives way to the mean of the same nine. A strip one
        pixel wide is enough to measure the height.
        """
        model = network(resnet_lib, depth).double().eval()
        model.maxpool = nn.AvgPool2d(3, 2, padding=1)
        for module in model.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.constant_(module.weight, 1 / module.in_channels)
            elif isinstance(module, nn.BatchNorm2d):
                module.reset_parameters()

        features = []
        model.layer4.register_forward_hook(
            lambda module, inputs, output: features.append(output)
        )
        strip = torch.ones(
            1, 3, RECEPTIVE_FIELD[depth] + 100, 1, dtype=torch.float64, requires_grad=True
        )
        model(strip)
        (gradient,) = torch.autograd.grad(
            features[0][0, 0, features[0].shape[2] // 2, 0], strip
        )
        rows = gradient[0, 0, :, 0].nonzero()
        assert (
            0 < rows.min() and rows.max() < strip.shape[2] - 1
        )  # the edge of the image cuts nothing off
        assert rows.max() - rows.min() + 1 == RECEPTIVE_FIELD[depth]


class TestVariants:
    @pytest.mark.parametrize("depth", PAPER_MULTIPLY_ADDS)
    def test_stride_in_the_first_1x1(self, depth):
        """The paper's bottleneck: fewer multiply-adds, equal parameters, a larger field."""
        costs = layer_costs(stride_in_the_first_1x1(network(resnet_lib, depth)))
        assert sum(cost.multiply_adds for cost in costs) == PAPER_MULTIPLY_ADDS[depth]
        assert sum(cost.parameters for cost in costs) == PARAMETERS[depth]
        assert largest_field(costs) == PAPER_RECEPTIVE_FIELD[depth]

    def test_resnet34_with_shortcuts_without_parameters(self):
        """Option A in ResNet-34: the number behind the paper's 3.6×10⁹."""
        model = network(resnet_lib, 34)
        for stage in (model.layer2, model.layer3, model.layer4):
            convolution = stage[0].downsample[0]
            stage[0].downsample = ZeroPadShortcut(
                convolution.in_channels, convolution.out_channels, 2
            )
        assert count_multiply_adds(model) == 3_644_493_824

    @pytest.mark.parametrize("depth", CIFAR_MULTIPLY_ADDS)
    def test_cifar(self, depth):
        """The CIFAR nets at 32×32."""
        model = network(resnet_lib, depth)
        costs = layer_costs(model, (3, 32, 32))
        assert sum(cost.multiply_adds for cost in costs) == CIFAR_MULTIPLY_ADDS[depth]
        assert sum(cost.parameters for cost in costs) == count_parameters(model)
        assert count_multiply_adds(model, (3, 32, 32)) == multiply_adds_by_hooks(
            model, (32, 32)
        )

    def test_grouped_convolution(self):
        """Each weight is used once per output position, in groups too."""
        model = nn.Sequential(
            nn.Conv2d(8, 16, 3, groups=4), nn.Flatten(), nn.Linear(16 * 5 * 4, 3)
        )
        convolution, _, linear = layer_costs(model, (8, 7, 6))
        assert (convolution.parameters, convolution.multiply_adds) == (
            16 * 2 * 9 + 16,
            16 * 2 * 9 * 5 * 4,
        )
        assert (linear.parameters, linear.multiply_adds) == (3 * 320 + 3, 3 * 320)


class TestLayerCosts:
    def test_the_stem_line_by_line(self):
        """What each layer in front of layer1 costs, computed by hand."""
        assert layer_costs(network(resnet_lib, 50))[
            :4
        ] == [  # a list, in the order of the forward pass
            LayerCost("conv1", "Conv2d", (64, 112, 112), 9_408, 118_013_952, 7),
            LayerCost("batchnorm1", "BatchNorm2d", (64, 112, 112), 128, 0, 7),
            LayerCost("relu1", "ReLU", (64, 112, 112), 0, 0, 7),
            LayerCost("maxpool", "MaxPool2d", (64, 56, 56), 0, 0, 11),
        ]

    def test_shortcuts_and_what_follows_the_pooling_have_no_field(self):
        """``None`` for exactly the shortcuts, the global pooling and the classifier."""
        costs = costs_of(50)
        without = [cost.name for cost in costs if cost.receptive_field is None]
        assert without == [
            f"layer{n}.0.downsample.{m}" for n in (1, 2, 3, 4) for m in (0, 1)
        ] + ["avgpool", "fc"]

    def test_field_grows_along_the_path(self):
        """1×1 convolutions leave the field alone, 3×3 add 2·distance, shortcuts nothing."""
        fields = {cost.name: cost.receptive_field for cost in costs_of(50)}
        names = [f"layer{stage}.0.conv{n}" for stage in (1, 2) for n in (1, 2, 3)] + [
            "layer2.1.conv2"
        ]
        assert [fields[name] for name in names] == [11, 19, 19, 35, 43, 43, 59]

    def test_last_line_is_the_classifier(self):
        assert costs_of(18)[-1] == LayerCost("fc", "Linear", (1000,), 513_000, 512_000, None)

    def test_average_pooling_counts(self):
        """An average pooling on the path widens the field as a max-pool does."""
        for pool in (nn.MaxPool2d(2), nn.AvgPool2d(2)):
            costs = layer_costs(
                nn.Sequential(nn.Conv2d(3, 4, 3), pool, nn.Conv2d(4, 4, 3)), (3, 20, 20)
            )
            assert [cost.receptive_field for cost in costs] == [3, 4, 8]

    def test_kernels_that_are_no_squares(self):
        """They have no side: ValueError shows the pair."""
        with pytest.raises(ValueError, match=r"square.*\(3, 1\)"):
            layer_costs(nn.Conv2d(3, 3, (3, 1)), (3, 9, 9))
        with pytest.raises(ValueError, match=r"square.*\(1, 2\)"):
            layer_costs(nn.Conv2d(3, 3, 3, stride=(1, 2)), (3, 9, 9))

    def test_refuses_what_trace_refuses(self):
        with pytest.raises(ValueError, match="dilation"):
            layer_costs(nn.Conv2d(3, 3, 3, dilation=2), (3, 9, 9))
        with pytest.raises(TypeError, match="nn.Module"):
            count_multiply_adds(resnet_lib.resnet18)

    @pytest.mark.parametrize(
        "shape", [(3, 224), (1, 3, 224, 224), 224, None, (3, 224, 0), (3, 224.0, 224)], ids=repr
    )
    def test_what_is_no_shape_of_an_image(self, shape):
        """ValueError shows the shape as it was given, not one with a batch axis in front."""
        with pytest.raises(ValueError) as caught:
            layer_costs(nn.Conv2d(3, 3, 3), shape)
        assert f" {shape!r}" in str(caught.value)


class TestCountParameters:
    def test_running_statistics_do_not_count(self):
        assert count_parameters(nn.BatchNorm2d(5)) == 10
        assert count_parameters(nn.Conv2d(3, 5, 3, bias=True)) == 5 * 3 * 9 + 5
        assert count_parameters(nn.ReLU()) == 0


class TestReceptiveField:
    def test_known_chains(self):
        """No layer sees one pixel; a stride doubles the steps after it, not its own."""
        assert receptive_field([]) == 1
        assert receptive_field([(3, 1), (3, 1)]) == 5
        assert (
            receptive_field([(3, 1)] * 3)
            == receptive_field([(7, 1)])
            == receptive_field([(7, 5)])
            == 7
        )
        assert receptive_field([(7, 2), (3, 2)]) == 11
        assert receptive_field([(1, 2), (3, 1)]) == 5 and receptive_field([(3, 1), (1, 2)]) == 3

    def test_takes_any_iterable(self):
        assert receptive_field(iter([(3, 2), (3, 2)])) == receptive_field(((3, 2), (3, 2))) == 7

    @settings(max_examples=60)
    @given(st.lists(st.tuples(st.integers(1, 7), st.integers(1, 3)), max_size=4))
    def test_equals_what_a_gradient_reaches(self, chain):
        """In convolutions of ones, the pixels that a middle unit depends on span that side."""
        image = torch.zeros(1, 1, 300, 300, requires_grad=True)
        out = image
        for kernel_size, stride in chain:
            out = nn.functional.conv2d(
                out, torch.ones(1, 1, kernel_size, kernel_size), stride=stride
            )
        (gradient,) = torch.autograd.grad(
            out[0, 0, out.shape[2] // 2, out.shape[3] // 2], image
        )
        reached = gradient[0, 0].nonzero()
        sides = reached.max(dim=0).values - reached.min(dim=0).values + 1
        assert sides.tolist() == 2 * [receptive_field(chain)]

    @pytest.mark.parametrize(
        ("layers", "error", "fragments"),
        [
            ([(0, 1)], ValueError, ["kernel_size", "0"]),
            ([(3, 0)], ValueError, ["stride", "0"]),
            ([(3, 1), (-3, 1)], ValueError, ["kernel_size", "-3"]),
            ([(3, -1)], ValueError, ["stride", "-1"]),
            ([(3.0, 1)], TypeError, ["kernel_size", "3.0"]),
            ([(3, "2")], TypeError, ["stride", "'2'"]),
            ([(None, 1)], TypeError, ["kernel_size", "None"]),
            ([(3, True)], TypeError, ["stride", "True"]),
            ([((3, 3), 1)], TypeError, ["kernel_size", "(3, 3)"]),
            ([3, 3], TypeError, ["(kernel_size, stride)", "3"]),
            ([(3, 1, 1)], (TypeError, ValueError), ["(kernel_size, stride)", "(3, 1, 1)"]),
            ((3, 1), TypeError, ["(kernel_size, stride)", "3"]),
        ],
        ids=repr,
    )
    def test_bad_values(self, layers, error, fragments):
        """The message names what is wrong and shows what was given."""
        with pytest.raises(error) as caught:
            receptive_field(layers)
        for fragment in fragments:
            assert fragment in str(caught.value)


def test_costs_of_a_network_of_ones_own():
    """The functions take any ResNetBase, here with one bottleneck a stage and five classes."""
    with torch.device("meta"):
        model = ResNetBase(ResidualBottleNeck, [1, 1, 1, 1], 5)
    costs = layer_costs(model, (3, 64, 96))
    assert sum(cost.parameters for cost in costs) == count_parameters(model)
    assert sum(cost.multiply_adds for cost in costs) == multiply_adds_by_hooks(model, (64, 96))
    assert largest_field(costs) == receptive_field(
        [(7, 2), (3, 2), (3, 1), (3, 2), (3, 2), (3, 2)]
    )
