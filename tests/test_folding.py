"""Folded networks give the same logits, the given ones stay as they are, and what cannot be folded is refused by
name.
"""

import copy

import pytest
import torch
import torchvision
from helpers import DEPTHS, assert_close, assert_same_state, copy_of_state, random_images
from torch import nn

import resnet_lib
from resnet_lib import CIFAR_RESNETS, fold_batchnorm, folded, randomise_batchnorm

# For float32 and up to 152 layers. Everything that a mistake in folding changes is far above it.
RELATIVE = 1e-5


def network(make, seed=0):
    """A network in eval mode with random weights and random batch norms."""
    torch.manual_seed(seed)
    return randomise_batchnorm(make(), seed).eval()


def layers(conv_options=None, **batchnorm_options):
    """A convolution 4 → 6 and a batch norm, both random and in eval mode."""
    torch.manual_seed(0)
    options = {"stride": 2, "padding": 1, "bias": False} | (conv_options or {})
    conv = nn.Conv2d(4, 6, 3, **options)
    batchnorm = nn.BatchNorm2d(6, **batchnorm_options)
    if batchnorm.affine and batchnorm.track_running_stats:
        randomise_batchnorm(batchnorm)
    return conv.eval(), batchnorm.eval()


def names_of(model, kind):
    return [name for name, layer in model.named_modules() if isinstance(layer, kind)]


@torch.no_grad()
def assert_equal_output(fast, model, *shape):
    images = random_images(*shape)
    assert_close(fast(images), model(images), RELATIVE, f"output for {shape}")


@pytest.mark.parametrize("source", [resnet_lib, torchvision.models], ids=lambda s: s.__name__)
@pytest.mark.parametrize("depth", DEPTHS)
def test_every_depth(source, depth):
    model = network(getattr(source, f"resnet{depth}"))
    before = copy_of_state(model)
    fast = folded(model)

    assert not names_of(fast, nn.BatchNorm2d)
    assert names_of(fast, nn.Conv2d) == names_of(model, nn.Conv2d)
    assert not fast.training
    assert_equal_output(fast, model, 2, 3, 65, 97)
    assert_same_state(model, before)


@pytest.mark.parametrize("make", CIFAR_RESNETS.values(), ids=lambda make: make.__name__)
def test_cifar(make):
    model = network(make)
    fast = folded(model)
    assert not names_of(fast, nn.BatchNorm2d)
    assert_equal_output(fast, model, 2, 3, 32, 32)
    assert_equal_output(fast, model, 1, 3, 27, 45)


@pytest.mark.parametrize("shape", [(1, 3, 224, 224), (3, 3, 31, 70), (2, 3, 1, 5)], ids=str)
def test_sizes(shape):
    model = network(resnet_lib.resnet18)
    assert_equal_output(folded(model), model, *shape)


def test_model_stays_a_model_of_its_own():
    """Neither weights nor layers are shared, the modes stay, and training the one does not change the other."""
    model = network(resnet_lib.resnet18)
    fast = folded(model)
    theirs = {tensor.data_ptr() for tensor in model.state_dict().values()}
    assert not any(tensor.data_ptr() in theirs for tensor in fast.state_dict().values())
    assert names_of(model, nn.BatchNorm2d) and not names_of(model, nn.Identity)

    before = copy_of_state(model)
    with torch.no_grad():
        for parameter in fast.parameters():
            parameter.add_(1)
    assert_same_state(model, before)


def test_folding_twice_is_folding_once():
    fast = folded(network(resnet_lib.resnet18))
    assert_same_state(folded(fast), copy_of_state(fast))


def test_channels_last_stays():
    fast = folded(network(resnet_lib.resnet18).to(memory_format=torch.channels_last))
    weight = fast.layer1[0].conv1.weight
    assert weight.is_contiguous(memory_format=torch.channels_last)


@pytest.mark.parametrize(
    ("conv_options", "batchnorm_options"),
    [
        ({}, {}),
        ({"bias": True}, {}),
        ({"stride": (1, 2), "padding": (0, 2)}, {"eps": 0.3}),
        ({"dilation": 2, "padding": 2}, {}),
        ({"groups": 2, "bias": True}, {}),
        ({"padding": "same", "stride": 1, "padding_mode": "reflect"}, {}),
        ({"bias": True}, {"affine": False}),
        ({"dtype": torch.float64}, {"dtype": torch.float64}),
    ],
    ids=str,
)
def test_pair_of_layers(conv_options, batchnorm_options):
    conv, batchnorm = layers(conv_options, **batchnorm_options)
    before = copy.deepcopy((conv.state_dict(), batchnorm.state_dict()))
    one = fold_batchnorm(conv, batchnorm)

    x = random_images(2, 4, 13, 18, dtype=conv.weight.dtype)
    with torch.no_grad():
        assert_close(one(x), batchnorm(conv(x)), RELATIVE)
    assert type(one) is nn.Conv2d and one.bias is not None and one.weight.dtype == x.dtype
    assert_same_state(conv, before[0])
    assert_same_state(batchnorm, before[1])


def test_folding_draws_no_random_numbers():
    conv, batchnorm = layers()
    state = torch.get_rng_state()
    fold_batchnorm(conv, batchnorm)
    assert torch.equal(torch.get_rng_state(), state)


@pytest.mark.parametrize(
    ("conv", "batchnorm", "error", "says"),
    [
        (nn.Linear(4, 6), layers()[1], TypeError, "conv must be an nn.Conv2d"),
        (nn.ConvTranspose2d(4, 6, 3), layers()[1], TypeError, "conv must be an nn.Conv2d"),
        (layers()[0], nn.BatchNorm1d(6), TypeError, "batchnorm must be an nn.BatchNorm2d"),
        (layers()[0], nn.BatchNorm2d(4).eval(), ValueError, "outputs 6 .* takes 4"),
        (layers()[0], nn.BatchNorm2d(6), ValueError, r"in train mode.*\.eval\(\)"),
        (
            layers()[0],
            layers(track_running_stats=False)[1],
            ValueError,
            "no running statistics",
        ),
    ],
    ids=["linear", "transposed", "1d", "channels", "train mode", "no statistics"],
)
def test_layers_that_cannot_be_folded(conv, batchnorm, error, says):
    with pytest.raises(error, match=says):
        fold_batchnorm(conv, batchnorm)


def test_train_mode_is_refused_and_kept():
    model = network(resnet_lib.resnet18).train()
    with pytest.raises(
        ValueError, match=r"batchnorm1 cannot be folded: .*train mode.*eval\(\)"
    ):
        folded(model)
    assert all(layer.training for layer in model.modules())


def test_one_batchnorm_in_train_mode_is_named():
    model = network(resnet_lib.resnet18)
    model.layer3[0].downsample[1].train()
    with pytest.raises(ValueError, match=r"layer3\.0\.downsample\.1 cannot be folded"):
        folded(model)


def test_frozen_batchnorm_in_a_network_that_trains():
    """What counts is the mode of the batch norm, not that of the network around it."""
    model = network(resnet_lib.resnet18)
    model.training = True
    assert_equal_output(folded(model), model, 2, 3, 64, 64)


class Branches(nn.Module):
    """A convolution and a batch norm that a test puts together in its own way."""

    def __init__(self, forward):
        super().__init__()
        self.conv, self.other = nn.Conv2d(3, 3, 1), nn.Conv2d(3, 3, 1)
        self.batchnorm, self.relu = nn.BatchNorm2d(3), nn.ReLU()
        self.how = forward

    def forward(self, x):
        return self.how(self, x)


CANNOT = {
    "batch norm first": lambda m, x: m.conv(m.batchnorm(x)),
    "ReLU between": lambda m, x: m.batchnorm(m.relu(m.conv(x))),
    "sum between": lambda m, x: m.batchnorm(m.conv(x) + x),
    "convolution read by another": lambda m, x: (lambda y: m.batchnorm(y) + y)(m.conv(x)),
    "convolution used twice": lambda m, x: m.conv(m.batchnorm(m.conv(x))),
    "batch norm used twice": lambda m, x: m.batchnorm(m.other(m.batchnorm(m.conv(x)))),
}


@pytest.mark.parametrize("forward", CANNOT.values(), ids=CANNOT)
def test_networks_that_cannot_be_folded(forward):
    model = network(lambda: Branches(forward))
    before = copy_of_state(model)
    with pytest.raises(ValueError, match="batchnorm cannot be folded"):
        folded(model)
    assert_same_state(model, before)


def test_order_of_names_does_not_count():
    """The pairs come from the forward pass: here the batch norm belongs to the convolution named last."""
    model = network(lambda: Branches(lambda m, x: m.batchnorm(m.other(m.conv(x)))))
    fast = folded(model)
    assert_equal_output(fast, model, 2, 3, 5, 6)
    assert torch.equal(fast.conv.weight, model.conv.weight)


def test_forward_that_cannot_be_followed():
    model = network(lambda: Branches(lambda m, x: m.conv(x) if x.sum() > 0 else x))
    with pytest.raises(ValueError):
        folded(model)


@pytest.mark.parametrize(
    "wrong", [resnet_lib.resnet18, None, "resnet18"], ids=["no brackets", "None", "a name"]
)
def test_no_network(wrong):
    with pytest.raises(TypeError, match=r"model must be an nn\.Module"):
        folded(wrong)


def test_bfloat16_keeps_the_logits_to_its_own_precision():
    """What chapter 9 says: folded, channels_last and in bfloat16, the logits are right to a few hundredths."""
    model = network(resnet_lib.resnet50)
    fast = folded(model).to(torch.bfloat16, memory_format=torch.channels_last)
    images = random_images(2, 3, 65, 97)
    with torch.no_grad():
        logits = fast(images.to(torch.bfloat16, memory_format=torch.channels_last))
        assert_close(logits.float(), model(images), 0.05)
