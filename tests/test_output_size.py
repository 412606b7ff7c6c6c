"""The output-size formula, its inverse and the trace, against PyTorch's own layers."""

import copy
from itertools import product

import pytest
import torch
import torchvision
from helpers import assert_same_state, copy_of_state
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

import resnet_lib
from resnet_lib import TracedLayer, input_sizes, output_size, same_padding, trace, unused_pixels


def size(low, high):
    """An int from low to high, or a pair of them."""
    axis = st.integers(low, high)
    return axis | st.tuples(axis, axis)


def as_pair(value):
    return value if isinstance(value, tuple) else (value, value)


def size_by_pytorch(layer, input_size):
    """The (H, W) of what PyTorch really computes, or None if the kernel does not fit."""
    try:
        with torch.no_grad():
            return tuple(layer(torch.zeros(1, 1, *as_pair(input_size))).shape[2:])
    except RuntimeError:
        return None


def size_by_ours(*arguments):
    """The (H, W) that the library gives, or None if it says that the kernel does not fit."""
    try:
        result = output_size(*arguments)
    except ValueError as error:
        assert "does not fit" in str(error)
        return None
    assert isinstance(result, tuple) == any(
        isinstance(argument, tuple) for argument in arguments
    )
    return as_pair(result)


def positions(input_size, kernel_size, padding, stride):
    """The left edges of all kernel positions on one axis of the padded input, by walking."""
    return range(0, input_size + 2 * padding - kernel_size + 1, stride)


class TestOutputSize:
    @settings(max_examples=1500)
    @given(size(1, 40), size(1, 12), size(0, 6), size(1, 7))
    def test_equals_conv2d(self, input_size, kernel_size, padding, stride):
        """Ints and pairs, mixed, give nn.Conv2d's size, and ValueError where it raises."""
        layer = nn.Conv2d(1, 1, kernel_size, stride, padding)
        assert size_by_ours(input_size, kernel_size, padding, stride) == size_by_pytorch(
            layer, input_size
        )

    @settings(max_examples=1000)
    @given(st.data())
    def test_equals_max_pool(self, data):
        """The same for nn.MaxPool2d, which allows a padding of at most half the kernel."""
        input_size, kernel_size, stride = (
            data.draw(size(1, 40)),
            data.draw(size(1, 12)),
            data.draw(size(1, 7)),
        )
        padding = data.draw(size(0, min(as_pair(kernel_size)) // 2))
        layer = nn.MaxPool2d(kernel_size, stride, padding)
        assert size_by_ours(input_size, kernel_size, padding, stride) == size_by_pytorch(
            layer, input_size
        )

    def test_equals_conv2d_for_every_small_case(self):
        """All 2,304 small cases: fractional results and kernels that do not fit among them."""
        fractional = unfit = 0
        for case in product(range(1, 17), range(1, 10), range(4), range(1, 5)):
            input_size, kernel_size, padding, stride = case
            expected = size_by_pytorch(
                nn.Conv2d(1, 1, kernel_size, stride, padding), input_size
            )
            assert size_by_ours(*case) == expected, case
            unfit += expected is None
            fractional += (input_size - kernel_size + 2 * padding) % stride != 0
        assert (
            fractional > 500 and unfit > 100
        )  # otherwise the cases do not show what they should

    def test_numbers_of_the_resnet_stem(self):
        """At 224 it gives 112.5, 56.5, 28.5, 14.5 and 7.5: all are rounded down."""
        assert output_size(224, 7, padding=3, stride=2) == 112
        assert output_size(112, 3, padding=1, stride=2) == 56
        assert [output_size(side, 3, padding=1, stride=2) for side in (56, 28, 14, 7)] == [
            28,
            14,
            7,
            4,
        ]

    def test_padding_and_stride_default_to_none_and_one(self):
        assert output_size(10, 3) == 8
        assert output_size(10, 3, 1) == 10

    def test_takes_lists_and_torch_sizes(self):
        """A tensor's shape[2:] is a torch.Size; a list is as good as a tuple."""
        assert output_size(torch.empty(1, 1, 7, 9).shape[2:], [3, 5], [0, 1], (2, 1)) == (3, 7)


class TestUnusedPixels:
    def test_counts_what_lies_behind_the_last_position(self):
        """Padded width minus the right edge of the last position, for every small case."""
        for case in product(range(1, 17), range(1, 10), range(4), range(1, 5)):
            input_size, kernel_size, padding, stride = case
            lefts = positions(*case)
            if lefts:
                assert unused_pixels(*case) == input_size + 2 * padding - (
                    lefts[-1] + kernel_size
                ), case
            else:
                with pytest.raises(ValueError, match="does not fit"):
                    unused_pixels(*case)

    @pytest.mark.parametrize(
        ("kernel_size", "stride"), [(1, 2), (2, 3), (3, 2), (5, 4), (7, 2)]
    )
    def test_pixels_that_no_gradient_reaches(self, kernel_size, stride):
        """In a convolution without padding, that many last columns get no gradient."""
        for input_size in range(kernel_size, kernel_size + 2 * stride):
            image = torch.zeros(1, 1, input_size, input_size, requires_grad=True)
            nn.functional.conv2d(
                image, torch.ones(1, 1, kernel_size, kernel_size), stride=stride
            ).sum().backward()
            last_reached = image.grad[0, 0, 0].nonzero().max().item()
            assert (
                unused_pixels(input_size, kernel_size, stride=stride)
                == input_size - 1 - last_reached
            )

    def test_stem_of_resnet(self):
        """224 wastes one of 230 padded columns."""
        assert unused_pixels(224, 7, 3, 2) == 1


class TestInputSizes:
    def test_is_the_complete_inverse(self):
        """The range holds every input size that gives the output, and no other."""
        empty = 0
        for kernel_size, padding, stride in product(range(1, 10), range(5), range(1, 6)):
            by_output = {}
            for input_size in range(1, 80):
                by_output.setdefault(
                    len(positions(input_size, kernel_size, padding, stride)), []
                ).append(input_size)
            for wanted in range(1, 9):
                result = input_sizes(wanted, kernel_size, padding, stride)
                assert isinstance(result, range)
                assert list(result) == by_output.get(wanted, []), (
                    wanted,
                    kernel_size,
                    padding,
                    stride,
                )
                empty += len(result) == 0
        assert empty > 10  # outputs that much padding makes impossible occur too

    @settings(max_examples=300)
    @given(st.integers(1, 500), st.integers(1, 20), st.integers(0, 10), st.integers(1, 9))
    def test_goes_back_to_the_output(self, wanted, kernel_size, padding, stride):
        """Every size in the range gives the output; its neighbours on both sides do not."""
        result = input_sizes(wanted, kernel_size, padding, stride)
        assert {output_size(one, kernel_size, padding, stride) for one in result} <= {wanted}
        for outside in (result.start - 1, result.stop):
            if outside >= 1:
                assert size_by_ours(outside, kernel_size, padding, stride) != (wanted, wanted)

    def test_two_sizes_give_112(self):
        """The stem turns 223 and 224 into 112."""
        assert list(input_sizes(112, 7, 3, 2)) == [223, 224]


class TestSamePadding:
    @pytest.mark.parametrize("kernel_size", range(1, 16, 2))
    def test_keeps_the_size(self, kernel_size):
        """With this padding nn.Conv2d of stride 1 keeps every size; one less does not."""
        padding = same_padding(kernel_size)
        for side in (1, 2, 7, 10):
            assert output_size(side, kernel_size, padding) == side
            assert size_by_pytorch(nn.Conv2d(1, 1, kernel_size, padding=padding), side) == (
                side,
                side,
            )

    @pytest.mark.parametrize("kernel_size", [2, 4, 10])
    def test_even_kernels_have_none(self, kernel_size):
        with pytest.raises(ValueError, match=f"even.*{kernel_size}"):
            same_padding(kernel_size)


# Calls with one argument each that is free to be wrong, the name of that argument, and the
# lowest value it may have.
ONE_AXIS_CALLS = [
    pytest.param(
        lambda value: output_size(value, 3), "input_size", 1, id="output_size-input_size"
    ),
    pytest.param(
        lambda value: output_size(7, value), "kernel_size", 1, id="output_size-kernel_size"
    ),
    pytest.param(
        lambda value: output_size(7, 3, value), "padding", 0, id="output_size-padding"
    ),
    pytest.param(
        lambda value: output_size(7, 3, 0, value), "stride", 1, id="output_size-stride"
    ),
    pytest.param(
        lambda value: unused_pixels(value, 3), "input_size", 1, id="unused_pixels-input_size"
    ),
    pytest.param(
        lambda value: unused_pixels(7, value), "kernel_size", 1, id="unused_pixels-kernel_size"
    ),
    pytest.param(
        lambda value: unused_pixels(7, 3, value), "padding", 0, id="unused_pixels-padding"
    ),
    pytest.param(
        lambda value: unused_pixels(7, 3, 0, value), "stride", 1, id="unused_pixels-stride"
    ),
    pytest.param(
        lambda value: input_sizes(value, 3), "output_size", 1, id="input_sizes-output_size"
    ),
    pytest.param(
        lambda value: input_sizes(7, value), "kernel_size", 1, id="input_sizes-kernel_size"
    ),
    pytest.param(
        lambda value: input_sizes(7, 3, value), "padding", 0, id="input_sizes-padding"
    ),
    pytest.param(
        lambda value: input_sizes(7, 3, 0, value), "stride", 1, id="input_sizes-stride"
    ),
    pytest.param(
        lambda value: same_padding(value), "kernel_size", 1, id="same_padding-kernel_size"
    ),
]
PAIR_CALLS = ONE_AXIS_CALLS[:4]
SCALAR_CALLS = ONE_AXIS_CALLS[4:]


class TestErrorMessages:
    @pytest.mark.parametrize(("call", "name", "lowest"), ONE_AXIS_CALLS)
    @pytest.mark.parametrize(
        "value", [True, False, 2.0, 2.5, "3", None, (1, 2, 3), (3,), (), [1, 2, 3]], ids=repr
    )
    def test_wrong_types(self, call, name, lowest, value):
        """TypeError names the argument and shows the value. True is no 1."""
        with pytest.raises(TypeError) as caught:
            call(value)
        assert name in str(caught.value) and repr(value) in str(caught.value)

    @pytest.mark.parametrize(("call", "name", "lowest"), PAIR_CALLS)
    @pytest.mark.parametrize(
        ("value", "shown"),
        [((3, 2.5), "2.5"), ((None, 3), "None"), ((True, 3), "True"), (((1, 2), 3), "(1, 2)")],
    )
    def test_wrong_types_in_a_pair(self, call, name, lowest, value, shown):
        """The same for one half of a pair."""
        with pytest.raises(TypeError) as caught:
            call(value)
        assert name in str(caught.value) and shown in str(caught.value)

    @pytest.mark.parametrize(("call", "name", "lowest"), SCALAR_CALLS)
    def test_pairs_where_one_axis_is_meant(self, call, name, lowest):
        """The functions for one axis refuse a pair, and say which argument it was."""
        with pytest.raises(TypeError) as caught:
            call((3, 3))
        assert name in str(caught.value) and "(3, 3)" in str(caught.value)

    @pytest.mark.parametrize(("call", "name", "lowest"), ONE_AXIS_CALLS)
    def test_out_of_range(self, call, name, lowest):
        """ValueError names the argument, the given value and the lowest, which is accepted."""
        for value in (lowest - 1, -7):
            with pytest.raises(ValueError) as caught:
                call(value)
            assert f"{name} must be {lowest} or more" in str(caught.value) and str(
                value
            ) in str(caught.value)
        if (
            name != "input_size"
        ):  # an input of one pixel is in range, but the kernel of 3 does not fit
            call(lowest)

    @pytest.mark.parametrize(("call", "name", "lowest"), PAIR_CALLS)
    def test_out_of_range_in_a_pair(self, call, name, lowest):
        for value in ((7, lowest - 1), (lowest - 1, 7)):
            with pytest.raises(
                ValueError, match=f"{name} must be {lowest} or more, not {lowest - 1}"
            ):
                call(value)

    def test_kernel_that_does_not_fit(self):
        """The message holds every number that matters, and what to do."""
        with pytest.raises(
            ValueError, match=r"kernel_size 9 .* 4 \+ 2·2 = 8 pixels.*smaller kernel"
        ):
            output_size(4, 9, padding=2)
        with pytest.raises(ValueError, match="kernel_size 5 .* 4 "):
            output_size((9, 4), (5, 5))


def resnet(source, depth):
    return getattr(source, f"resnet{depth}")()


class TestTrace:
    @pytest.mark.parametrize(
        "source", [resnet_lib, torchvision.models], ids=["ours", "torchvision"]
    )
    @pytest.mark.parametrize("depth", [18, 50])
    @pytest.mark.parametrize("height_width", [(97, 131), (224, 224), (64, 33), (1, 1)])
    def test_formula_agrees_with_pytorch(self, source, depth, height_width):
        """In our networks and torchvision's the formula gives every size that there is."""
        with torch.device("meta"):
            model = resnet(source, depth)
        layers = trace(model, (2, 3, *height_width))

        assert all(layer.agrees for layer in layers)
        sized = [
            layer
            for layer in layers
            if isinstance(layer.module, (nn.Conv2d, nn.MaxPool2d, nn.AdaptiveAvgPool2d))
        ]
        assert all(layer.size_by_formula == tuple(layer.output_shape[2:]) for layer in sized)
        assert (
            len(sized) == {18: 20, 50: 53}[depth] + 2
        )  # otherwise agreement could be that of nothing
        assert (layers[0].name, layers[0].input_shape) == ("conv1", (2, 3, *height_width))
        assert (layers[-1].name, layers[-1].output_shape, layers[-1].size_by_formula) == (
            "fc",
            (2, 1000),
            None,
        )

    @pytest.mark.parametrize("height_width", [(32, 32), (33, 45)])
    def test_formula_agrees_in_the_cifar_resnet(self, height_width):
        layers = trace(resnet_lib.resnet20(), (1, 3, *height_width))
        assert all(layer.agrees for layer in layers)
        assert sum(layer.size_by_formula is not None for layer in layers) >= 19

    def test_is_in_the_order_of_the_forward_pass_with_the_shapes_of_it(self):
        """Names, shapes and order, written out for a bottleneck with stride 2 at 9×6."""
        block = resnet_lib.ResidualBottleNeck(
            8, 4, 2, nn.Sequential(nn.Conv2d(8, 16, 1, 2), nn.BatchNorm2d(16))
        )
        shapes = {
            layer.name: (layer.input_shape[1:], layer.output_shape[1:])
            for layer in trace(block, (1, 8, 9, 6))
        }
        assert shapes == {
            "downsample.0": ((8, 9, 6), (16, 5, 3)),
            "downsample.1": ((16, 5, 3), (16, 5, 3)),
            "conv1": ((8, 9, 6), (4, 9, 6)),
            "batchnorm1": ((4, 9, 6), (4, 9, 6)),
            "relu1": ((4, 9, 6), (4, 9, 6)),
            "conv2": ((4, 9, 6), (4, 5, 3)),
            "batchnorm2": ((4, 5, 3), (4, 5, 3)),
            "relu2": ((4, 5, 3), (4, 5, 3)),
            "conv3": ((4, 5, 3), (16, 5, 3)),
            "batchnorm3": ((16, 5, 3), (16, 5, 3)),
            "relu3": ((16, 5, 3), (16, 5, 3)),
        }
        order = [
            layer.name for layer in trace(block, (1, 8, 9, 6)) if "downsample" not in layer.name
        ]
        assert order == [
            f"{kind}{n}" for n in (1, 2, 3) for kind in ("conv", "batchnorm", "relu")
        ]

    def test_disagreement_is_reported(self):
        """``agrees`` can be False: without that, the tests above would show nothing."""
        layer = TracedLayer(
            "conv", nn.Conv2d(1, 1, 3), (1, 1, 9, 9), (1, 1, 7, 7), size_by_formula=(7, 8)
        )
        assert not layer.agrees

    def test_the_formula_does_not_look_at_the_result(self):
        """A convolution that crops its output disagrees: the size comes from its settings."""

        class Cropping(nn.Conv2d):
            def forward(self, x):
                return super().forward(x)[..., 1:]

        (layer,) = trace(Cropping(3, 3, 3), (1, 3, 9, 9))
        assert (layer.size_by_formula, layer.output_shape[2:]) == ((7, 7), (7, 6))
        assert not layer.agrees

    def test_leaves_the_model_as_it_was(self):
        """Mode of each module, weights, statistics, gradients and the user's own hooks stay."""
        model = resnet(resnet_lib, 18).train()
        model.layer2.eval()
        model.layer3[0].batchnorm1.eval()
        seen = []
        model.conv1.register_forward_hook(lambda *_: seen.append("called"))
        modes, state = [module.training for module in model.modules()], copy_of_state(model)

        trace(model, (1, 3, 40, 33))
        with pytest.raises(ValueError):
            trace(
                model, (1, 4, 40, 33)
            )  # the model itself refuses four channels; it must be left in order then too

        assert [module.training for module in model.modules()] == modes
        assert_same_state(model, state)
        assert all(parameter.grad is None for parameter in model.parameters())
        assert sum(len(module._forward_hooks) for module in model.modules()) == 1 and seen == [
            "called"
        ]

    def test_needs_no_statistics_of_one_small_image(self):
        """A model in training mode is traced in eval mode, where one image of 1×1 is enough."""
        assert trace(resnet_lib.resnet20().train(), (1, 3, 1, 1))[-1].output_shape == (1, 10)

    def test_follows_the_dtype_of_the_model(self):
        assert trace(resnet_lib.resnet20().double(), (1, 3, 9, 9))[-1].output_shape == (1, 10)

    @pytest.mark.filterwarnings("ignore:Using padding=.same. with even kernel")
    @pytest.mark.parametrize("height_width", [(9, 9), (12, 7), (1, 1)])
    @pytest.mark.parametrize(
        ("kernel_size", "padding"), [(3, "same"), ((1, 5), "same"), (1, "valid"), (4, "same")]
    )
    def test_padding_by_word(self, height_width, kernel_size, padding):
        """nn.Conv2d takes "same" and "valid". "same" keeps the size with an even kernel too:
        one side gets more.
        """
        (layer,) = trace(nn.Conv2d(3, 3, kernel_size, padding=padding), (1, 3, *height_width))
        assert layer.size_by_formula == tuple(layer.output_shape[2:])

    def test_padding_valid_shrinks(self):
        (layer,) = trace(nn.Conv2d(3, 3, (3, 2), padding="valid"), (1, 3, 9, 9))
        assert layer.size_by_formula == (7, 8) and layer.agrees

    def test_pooling_layers(self):
        """Max-pool and average pool, with padding, and with the kernel size as stride."""
        model = nn.Sequential(
            nn.MaxPool2d(3), nn.AvgPool2d((3, 2), padding=(1, 0)), nn.AdaptiveAvgPool2d((2, 3))
        )
        layers = trace(model, (1, 2, 31, 40))
        assert [layer.size_by_formula for layer in layers] == [(10, 13), (4, 6), (2, 3)]
        assert all(layer.agrees for layer in layers)

    @pytest.mark.parametrize(
        ("model", "shown"),
        [
            (nn.Conv2d(3, 3, 3, dilation=2), "dilation=(2, 2)"),
            (nn.Conv2d(3, 3, 3, dilation=(1, 2)), "dilation=(1, 2)"),
            (nn.MaxPool2d(3, dilation=2), "dilation=2"),
            (nn.MaxPool2d(3, ceil_mode=True), "ceil_mode=True"),
            (nn.AvgPool2d(3, ceil_mode=True), "AvgPool2d"),
        ],
        ids=["conv", "conv-one-axis", "max-pool", "max-pool-ceil", "average-pool-ceil"],
    )
    def test_dilation_and_ceil_mode_are_refused(self, model, shown):
        """The formula does not cover them: ValueError shows the layer. No wrong size."""
        with pytest.raises(ValueError, match="dilation 1 and ceil_mode False") as caught:
            trace(model, (1, 3, 20, 20))
        assert shown in str(caught.value)

    def test_real_networks_with_dilation_and_ceil_mode_are_refused(self):
        """SqueezeNet uses ceil_mode, ResNet-50 for segmentation dilation; no hook stays."""
        with torch.device("meta"):
            models = [
                torchvision.models.squeezenet1_1(),
                torchvision.models.resnet50(replace_stride_with_dilation=[False, True, True]),
            ]
        for model in models:
            with pytest.raises(ValueError, match="ceil_mode"):
                trace(model, (1, 3, 97, 97))
            assert not any(module._forward_hooks for module in model.modules())
            assert all(module.training for module in model.modules())

    @pytest.mark.parametrize("model", [resnet_lib.resnet18, nn.Conv2d, None, "resnet18"])
    def test_what_is_no_model(self, model):
        with pytest.raises(TypeError, match="nn.Module") as caught:
            trace(model, (1, 3, 32, 32))
        assert repr(model) in str(caught.value)

    @pytest.mark.parametrize(
        "shape",
        [(3, 32, 32), 32, None, (1, 3, 32, 0), (1, 3, 32.0, 32), (1, 3, True, 32)],
        ids=repr,
    )
    def test_what_is_no_shape(self, shape):
        with pytest.raises(ValueError, match="four positive ints") as caught:
            trace(nn.Conv2d(3, 3, 3), shape)
        assert repr(shape) in str(caught.value)

    @pytest.mark.parametrize("depth", [18, 50])
    def test_shapes_are_those_of_a_real_run(self, depth):
        """``trace`` works out shapes without computing; a real run gives the same ones."""
        model = resnet(resnet_lib, depth).eval()
        traced = {layer.name: layer.output_shape for layer in trace(model, (2, 3, 97, 131))}
        real = {}
        for name, module in model.named_modules():
            if not list(module.children()):
                module.register_forward_hook(
                    lambda _, inputs, y, name=name: real.update({name: tuple(y.shape)})
                )
        with torch.no_grad():
            model(torch.zeros(2, 3, 97, 131))
        assert traced == real

    @pytest.mark.parametrize(
        "flatten",
        [
            lambda x: x.view(x.size(0), -1),
            lambda x: x.view(len(x), x[0].numel()),
            lambda x: x.view(len(x), x.numel() // len(x)),
        ],
        ids=["-1", "the first image", "by division"],
    )
    def test_a_network_that_cannot_do_without_an_image(self, flatten):
        """Ways in which people flatten, which are ambiguous or refused for an empty batch."""

        class Flattens(nn.Sequential):
            def forward(self, x):
                x = self[1](self[0](x))
                return self[2](flatten(x))

        model = Flattens(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Linear(4 * 8 * 9, 5))
        for images in (1, 3):
            shapes = [layer.output_shape for layer in trace(model, (images, 3, 10, 11))]
            assert shapes == [(images, 4, 8, 9)] * 2 + [(images, 5)]
        with pytest.raises(RuntimeError, match="multiplied|same reduction dim"):
            trace(model, (1, 3, 10, 12))

    def test_a_copy_of_the_model_traces_alike(self):
        """Nothing of a trace stays in the model: a deep copy made after it behaves alike."""
        model = resnet_lib.resnet20()
        first = trace(model, (1, 3, 33, 32))
        again = trace(copy.deepcopy(model), (1, 3, 33, 32))
        assert [(one.name, one.output_shape) for one in first] == [
            (one.name, one.output_shape) for one in again
        ]
