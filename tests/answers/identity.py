"""Answers to make_identity that the registered mistakes are not copies of."""

import sys

import torch
from torch import nn


def with_init(block):
    nn.init.zeros_(block.batchnorm2.weight)
    nn.init.zeros_(block.batchnorm2.bias)


def with_data(block):
    block.batchnorm2.weight.data *= 0
    block.batchnorm2.bias.data[:] = 0.0
    return block


def with_copy(block):
    with torch.no_grad():
        block.batchnorm2.weight.copy_(torch.zeros_like(block.batchnorm2.weight))
        block.batchnorm2.bias.fill_(0)


def all_of_the_last(block):
    """The statistics too: they do no harm, as nothing that is made of them goes through."""
    block.batchnorm2.reset_parameters()
    with_init(block)


def through_the_convolution(block):
    with torch.no_grad():
        block.conv2.weight.zero_()
        block.batchnorm2.bias.zero_()
        block.batchnorm2.running_mean.zero_()


def by_name(block):
    with torch.no_grad():
        for name, parameter in block.named_parameters():
            if name.startswith("batchnorm2"):
                parameter.zero_()


def by_state(block):
    state = block.state_dict()
    for name in ("batchnorm2.weight", "batchnorm2.bias"):
        state[name] = torch.zeros_like(state[name])
    block.load_state_dict(state)


def other_data(block):
    """Other tensors, but in the same parameters, of the same type, and each with its own numbers."""
    for parameter in block.batchnorm2.parameters():
        parameter.data = torch.zeros_like(parameter)


def not_trained_for_a_moment(block):
    for parameter in block.batchnorm2.parameters():
        parameter.requires_grad = False
        parameter.zero_()
        parameter.requires_grad = True


def in_eval_mode_for_a_moment(block):
    training = block.training
    with_init(block.eval())
    block.train(training)


def new_statistics(block):
    """A buffer may be another tensor: no optimizer holds it."""
    through_the_convolution(block)
    block.batchnorm2.running_mean = torch.zeros_like(block.batchnorm2.running_mean)


RIGHT = {
    "make_identity": {
        "with nn.init": with_init,
        "with data, returns the block": with_data,
        "copy and fill": with_copy,
        "statistics reset as well": all_of_the_last,
        "the convolution instead of the scale": through_the_convolution,
        "by name": by_name,
        "by state dict": by_state,
        "other tensors of the same kind as data": other_data,
        "requires_grad off and on again": not_trained_for_a_moment,
        "in eval mode for a moment": in_eval_mode_for_a_moment,
        "a new tensor as running mean": new_statistics,
    }
}


@torch.no_grad()
def negative(block):
    block.batchnorm2.weight.neg_()


@torch.no_grad()
def half(block):
    block.batchnorm2.weight.mul_(0.5)
    block.batchnorm2.bias.zero_()


@torch.no_grad()
def one_channel(block):
    block.batchnorm2.weight[0] = 0
    block.batchnorm2.bias[0] = 0


@torch.no_grad()
def nearly(block):
    block.batchnorm2.weight.fill_(0.01)
    block.batchnorm2.bias.zero_()


@torch.no_grad()
def huge_variance(block):
    block.batchnorm2.running_var.fill_(1e30)
    block.batchnorm2.bias.zero_()
    block.batchnorm2.running_mean.zero_()


@torch.no_grad()
def tiny(block):
    block.batchnorm2.weight.fill_(1e-7)
    block.batchnorm2.bias.zero_()


def new_layer(block):
    block.batchnorm2 = nn.BatchNorm2d(block.batchnorm2.num_features)
    nn.init.zeros_(block.batchnorm2.weight)


def hook(block):
    block.register_forward_hook(lambda module, inputs, output: inputs[0])


def downsample(block):
    with_init(block)
    block.downsample = nn.ReLU()


def nothing(block):
    return block.batchnorm2.weight


def torch_zeros(block):
    torch.zeros_like(block.batchnorm2.weight)
    torch.zeros_like(block.batchnorm2.bias)


def bias_gone(block):
    nn.init.zeros_(block.batchnorm2.weight)
    block.batchnorm2.bias = None


def all_scales(block):
    for layer in block.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.zeros_(layer.weight)
    nn.init.zeros_(block.batchnorm2.bias)


def first_convolution_too(block):
    with_init(block)
    nn.init.zeros_(block.conv1.weight)


def new_parameters(block):
    channels = block.conv2.out_channels
    block.batchnorm2.weight = nn.Parameter(torch.zeros(channels))
    block.batchnorm2.bias = nn.Parameter(torch.zeros(channels))


def new_scale(block):
    block.batchnorm2.weight = nn.Parameter(0 * block.batchnorm2.weight)
    nn.init.zeros_(block.batchnorm2.bias)


def first_in_eval(block):
    with_init(block)
    block.batchnorm1.eval()


def float_data(block):
    channels = block.conv2.out_channels
    block.batchnorm2.weight.data = torch.tensor([0.0] * channels)
    block.batchnorm2.bias.data = torch.tensor([0.0] * channels)


def shared_data(block):
    zeros = torch.zeros_like(block.batchnorm2.weight.data)
    block.batchnorm2.weight.data = block.batchnorm2.bias.data = zeros


def expanded(block):
    for parameter in block.batchnorm2.parameters():
        parameter.data = torch.zeros(1, dtype=parameter.dtype).expand_as(parameter)


def double(block):
    with_init(block.double())


def first_channels(channels):
    def change(block):
        block.batchnorm2.weight.data[:channels] = 0
        block.batchnorm2.bias.data[:channels] = 0

    return change


def gradients_off(block):
    torch.set_grad_enabled(False)
    block.batchnorm2.weight.zero_()
    block.batchnorm2.bias.zero_()


def no_layers(block):
    for name, _ in list(block.named_children()):
        setattr(block, name, nn.Identity())


def no_layer(block):
    block.batchnorm2 = nn.Identity()


def other_eps(block):
    with_init(block)
    block.batchnorm2.eps = 0


def number_as_data(block):
    block.batchnorm2.bias.data = 0
    block.batchnorm2.weight.data = 0


def inference_data(block):
    with torch.inference_mode():
        for parameter in block.batchnorm2.parameters():
            parameter.data = torch.zeros_like(parameter)


def scale_only_in_eval(block):
    nn.init.zeros_(block.eval().batchnorm2.weight)


def shift_frozen(block):
    with_init(block)
    block.batchnorm2.bias.requires_grad_(False)


WRONG = {
    "make_identity": {
        "scale negated": negative,
        "scale halved": half,
        "one channel only": one_channel,
        "nearly zero": nearly,
        "so small that nothing shows": (tiny, "nearly-zero"),
        "a new batch norm that is zero": (new_layer, "layers-changed"),
        "variance made huge": huge_variance,
        "a hook that returns the input": hook,
        "a layer on the shortcut": downsample,
        "reads only": nothing,
        "zeros that nobody uses": torch_zeros,
        "shift taken away": (bias_gone, "layers-changed"),
        "all scales and the last shift": (all_scales, "fresh-branch-cannot-learn"),
        "conv1 as well": (first_convolution_too, "fresh-branch-cannot-learn"),
        "new parameters": (new_parameters, "new-parameters"),
        "a new scale": (new_scale, "new-parameters"),
        "one layer left in eval mode": first_in_eval,
        "float32 as data": (float_data, "zeros-of-another-type"),
        "one tensor as data of both": (shared_data, "numbers-not-in-place"),
        "one number for all channels": (expanded, "numbers-not-in-place"),
        "block.double()": double,
        "8 channels": first_channels(8),
        "64 channels": first_channels(64),
        "gradients off for all that follows": (gradients_off, "gradients-stay-off"),
        "all layers taken out": (no_layers, "layers-changed"),
        "batchnorm2 taken out": (no_layer, "layers-changed"),
        "another eps": (other_eps, "layers-changed"),
        "a number as data": (number_as_data, "data-not-a-tensor"),
        "data that PyTorch cannot train": inference_data,
        "scale only, and left in eval mode": (scale_only_in_eval, "shift-left"),
        "shift frozen": (shift_frozen, "frozen"),
    }
}


def leaves(block):
    sys.exit(1)


def breaks(block):
    block.undefined.weight


def loops(block):
    while True:
        pass


BAD = {
    ("make_identity", "leaves"): leaves,
    ("make_identity", "an attribute that is not there"): breaks,
    ("make_identity", "an endless loop"): loops,
    ("make_identity", "an instance"): nn.Identity(),
    ("make_identity", "a class"): nn.Identity,
    ("make_identity", "None"): None,
}
