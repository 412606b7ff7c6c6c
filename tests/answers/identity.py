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


def new_parameters(block):
    channels = block.conv2.out_channels
    block.batchnorm2.weight = nn.Parameter(torch.zeros(channels))
    block.batchnorm2.bias = nn.Parameter(torch.zeros(channels))


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


RIGHT = {
    "make_identity": {
        "with nn.init": with_init,
        "with data, returns the block": with_data,
        "copy and fill": with_copy,
        "new parameters": new_parameters,
        "statistics reset as well": all_of_the_last,
        "the convolution instead of the scale": through_the_convolution,
        "by name": by_name,
        "by state dict": by_state,
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
        "shift taken away": bias_gone,
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
