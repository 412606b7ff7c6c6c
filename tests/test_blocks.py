"""The two residual blocks against torchvision's, and what they promise by themselves."""

import pytest
import torch
from helpers import (
    assert_close,
    assert_same_state,
    copy_of_state,
    named_as_ours,
    output_and_gradients,
    random_images,
)
from torch import nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from resnet_lib import ResidualBasicBlock, ResidualBottleNeck, randomise_batchnorm, trace

PAIRS = {
    "basic": (ResidualBasicBlock, BasicBlock),
    "bottleneck": (ResidualBottleNeck, Bottleneck),
}

# (channels into the block, channels, stride) of each kind of block: the two without a
# projection come last.
CASES = [
    pytest.param("basic", 6, 8, 1, id="basic-projection"),
    pytest.param("basic", 6, 8, 2, id="basic-projection-stride2"),
    pytest.param("basic", 8, 8, 2, id="basic-same-channels-stride2"),
    pytest.param("bottleneck", 8, 8, 1, id="bottleneck-projection"),
    pytest.param("bottleneck", 12, 8, 2, id="bottleneck-projection-stride2"),
    pytest.param("bottleneck", 32, 8, 2, id="bottleneck-same-channels-stride2"),
    pytest.param("basic", 8, 8, 1, id="basic-identity"),
    pytest.param("bottleneck", 32, 8, 1, id="bottleneck-identity"),
]
SIZES = [(7, 10), (5, 5), (8, 13), (1, 2)]


def projection(in_channels, out_channels, stride):
    """torchvision's shortcut: 1×1 convolution and batch norm; None if the shapes are equal."""
    if stride == 1 and in_channels == out_channels:
        return None
    return nn.Sequential(
        nn.Conv2d(in_channels, out_channels, 1, stride, bias=False),
        nn.BatchNorm2d(out_channels),
    )


def pair_of_blocks(kind, in_channels, channels, stride):
    """Ours and torchvision's with the same random weights and statistics, in float64."""
    ours_class, theirs_class = PAIRS[kind]
    torch.manual_seed(0)
    out_channels = channels * theirs_class.expansion
    theirs = theirs_class(
        in_channels, channels, stride, projection(in_channels, out_channels, stride)
    )
    randomise_batchnorm(theirs, seed=1)
    ours = ours_class(
        in_channels, channels, stride, projection(in_channels, out_channels, stride)
    )
    ours.load_state_dict(named_as_ours(theirs.state_dict()), strict=True)
    return ours.double(), theirs.double()


@pytest.mark.parametrize(("kind", "in_channels", "channels", "stride"), CASES)
@pytest.mark.parametrize("training", [True, False], ids=["train", "eval"])
@pytest.mark.parametrize("height_width", SIZES)
class TestAgainstTorchvision:
    def test_output_and_gradients(
        self, kind, in_channels, channels, stride, training, height_width
    ):
        """Output, gradients of parameters and of the input, and new statistics are equal."""
        ours, theirs = (
            block.train(training)
            for block in pair_of_blocks(kind, in_channels, channels, stride)
        )
        x = random_images(3, in_channels, *height_width, dtype=torch.float64)

        our_output, our_gradients = output_and_gradients(ours, x)
        their_output, their_gradients = output_and_gradients(theirs, x)

        assert_close(our_output, their_output, relative=1e-10)
        for name, gradient in named_as_ours(their_gradients).items():
            assert_close(
                our_gradients[name], gradient, relative=1e-9, what=f"gradient of {name}"
            )
        for name, tensor in named_as_ours(
            theirs.state_dict()
        ).items():  # in training the running statistics have moved
            torch.testing.assert_close(ours.state_dict()[name], tensor, rtol=1e-10, atol=0)

    def test_input_stays_as_it_was(
        self, kind, in_channels, channels, stride, training, height_width
    ):
        """Nothing is added into the caller's tensor, with and without gradients."""
        ours, _ = pair_of_blocks(kind, in_channels, channels, stride)
        ours.train(training)
        x = random_images(3, in_channels, *height_width, dtype=torch.float64)
        before = x.clone()
        shortcuts = [ours.downsample] if ours.downsample is not None else [None, nn.Identity()]
        for ours.downsample in shortcuts:
            ours(x)
            with torch.no_grad():
                ours(x)
            assert torch.equal(x, before)


@pytest.mark.parametrize(
    ("kind", "expansion", "convolutions"), [("basic", 1, 2), ("bottleneck", 4, 3)]
)
class TestByThemselves:
    def test_names(self, kind, expansion, convolutions):
        """The book's names, in the order of the forward pass; each ReLU is its own module."""
        block_class = PAIRS[kind][0]
        names = [
            f"{layer}{n + 1}"
            for n in range(convolutions)
            for layer in ("conv", "batchnorm", "relu")
        ]
        identity = block_class(4 * expansion, 4)
        assert [name for name, _ in identity.named_children()] == names
        assert [layer.name for layer in trace(identity, (1, 4 * expansion, 5, 5))] == names
        assert identity.downsample is None

        shortcut = projection(4, 4 * expansion, 2)
        projected = block_class(4, 4, 2, shortcut)
        assert [name for name, _ in projected.named_children()] == [*names, "downsample"]
        assert projected.downsample is shortcut

    def test_expansion_is_on_the_class(self, kind, expansion, convolutions):
        """``expansion`` is on the class: how many times ``channels`` come out."""
        block_class = PAIRS[kind][0]
        assert block_class.expansion == expansion
        block = block_class(3, 5, 2, projection(3, 5 * expansion, 2))
        assert block(random_images(2, 3, 9, 6)).shape == (2, 5 * expansion, 5, 3)

    def test_arguments_by_name(self, kind, expansion, convolutions):
        """The arguments are called in_channels, channels, stride and downsample."""
        shortcut = projection(3, 5 * expansion, 2)
        block = PAIRS[kind][0](in_channels=3, channels=5, stride=2, downsample=shortcut)
        assert block.conv1.in_channels == 3

    def test_convolutions_have_no_bias(self, kind, expansion, convolutions):
        """Batch norm follows each and would take a bias away again."""
        block = PAIRS[kind][0](4 * expansion, 4)
        found = [module for module in block.modules() if isinstance(module, nn.Conv2d)]
        assert len(found) == convolutions and all(module.bias is None for module in found)

    def test_is_relu_of_the_shortcut_where_the_branch_gives_zero(
        self, kind, expansion, convolutions
    ):
        """With the last batch norm at zero the block is relu(x): ReLU comes after the sum."""
        block = PAIRS[kind][0](4 * expansion, 4).eval()
        last = getattr(block, f"batchnorm{convolutions}")
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        x = random_images(2, 4 * expansion, 5, 7)
        assert torch.equal(block(x), torch.relu(x))
        assert (x < 0).any()  # otherwise relu(x) is x

    def test_gives_the_same_twice_in_eval_mode(self, kind, expansion, convolutions):
        """A forward pass in eval mode leaves no trace in the block."""
        block = randomise_batchnorm(PAIRS[kind][0](4 * expansion, 4), seed=1).eval()
        x, state = random_images(2, 4 * expansion, 5, 7), copy_of_state(block)
        assert torch.equal(block(x), block(x))
        assert_same_state(block, state)


def test_bottleneck_has_its_stride_in_the_3x3():
    """torchvision's placement, not the paper's: the first 1×1 keeps the size."""
    block = ResidualBottleNeck(8, 4, 2, projection(8, 16, 2))
    assert [convolution.stride for convolution in (block.conv1, block.conv2, block.conv3)] == [
        (1, 1),
        (2, 2),
        (1, 1),
    ]
    assert [
        convolution.kernel_size[0] for convolution in (block.conv1, block.conv2, block.conv3)
    ] == [1, 3, 1]
