"""Answers to initialise_weights that the registered mistakes are not copies of."""

import math
import sys

import numpy
import torch
from torch import nn

from resnet_lib import initialise_weights


def convolutions(model):
    return [layer for layer in model.modules() if isinstance(layer, nn.Conv2d)]


def set_batchnorms(model):
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            nn.init.constant_(layer.weight, 1)
            nn.init.constant_(layer.bias, 0)


def std_of(conv):
    return math.sqrt(2 / (conv.out_channels * conv.kernel_size[0] * conv.kernel_size[1]))


def as_torchvision(model):
    for m in model.modules():
        if isinstance(m, nn.Conv2d):
            nn.init.kaiming_normal_(m.weight, mode="fan_out", nonlinearity="relu")
        elif isinstance(m, (nn.BatchNorm2d, nn.GroupNorm)):
            nn.init.constant_(m.weight, 1)
            nn.init.constant_(m.bias, 0)


@torch.no_grad()
def by_hand(model):
    for conv in convolutions(model):
        conv.weight.copy_(torch.randn_like(conv.weight) * std_of(conv))
    set_batchnorms(model)


def with_apply(model):
    def fill(layer):
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out")
        if isinstance(layer, nn.BatchNorm2d):
            layer.weight.data.fill_(1)
            layer.bias.data.zero_()

    return model.apply(fill)


def in_place(model):
    with torch.no_grad():
        for conv in convolutions(model):
            conv.weight.normal_(0, std_of(conv))
        for layer in model.modules():
            if isinstance(layer, nn.BatchNorm2d):
                layer.weight.fill_(1.0)
                layer.bias.fill_(0.0)


def by_fan_of_pytorch(model):
    for conv in convolutions(model):
        _, fan_out = nn.init._calculate_fan_in_and_fan_out(conv.weight)
        nn.init.normal_(conv.weight, 0.0, nn.init.calculate_gain("relu") / math.sqrt(fan_out))
    set_batchnorms(model)


def by_children(model):
    for child in model.children():
        by_children(child)
        if isinstance(child, nn.Conv2d):
            nn.init.kaiming_normal_(child.weight, 0, "fan_out", "relu")
    set_batchnorms(model)


def by_names(model):
    """By the axes of the weights: four are a convolution's, two the linear layer's."""
    for name, parameter in model.named_parameters():
        if parameter.dim() == 4:
            nn.init.kaiming_normal_(parameter, mode="fan_out", nonlinearity="relu")
        elif name.endswith("weight") and parameter.dim() == 1:
            nn.init.ones_(parameter)
        elif not name.startswith("fc"):
            nn.init.zeros_(parameter)


def other_data(model):
    for conv in convolutions(model):
        conv.weight.data = torch.randn(conv.weight.shape) * std_of(conv)
    set_batchnorms(model)


def with_numpy(model):
    for conv in convolutions(model):
        drawn = numpy.random.normal(0, std_of(conv), tuple(conv.weight.shape))
        conv.weight.data.copy_(torch.from_numpy(drawn))
    set_batchnorms(model)


def own_generator(model):
    generator = torch.Generator().manual_seed(torch.randint(10**9, ()).item())
    for conv in convolutions(model):
        nn.init.kaiming_normal_(
            conv.weight, mode="fan_out", nonlinearity="relu", generator=generator
        )
    set_batchnorms(model)


def batchnorms_twice(model):
    """Every scale is 1 in the end, whatever it was in between."""
    initialise_weights(model)
    nn.init.zeros_(model.layer1[0].batchnorm2.weight)
    set_batchnorms(model)


RIGHT = {
    "initialise_weights": {
        "as torchvision": as_torchvision,
        "by hand with randn_like": by_hand,
        "model.apply": with_apply,
        "normal_ under no_grad": in_place,
        "by PyTorch's own count of fans": by_fan_of_pytorch,
        "recursion over children": by_children,
        "by the axes of the parameters": by_names,
        "other tensors as data": other_data,
        "with NumPy": with_numpy,
        "a generator that is seeded at random": own_generator,
        "batch norms set twice": batchnorms_twice,
    }
}


def drawn(draw):
    """An answer that sets batch norms and fills each convolution by ``draw(weight, std)``."""

    @torch.no_grad()
    def fill(model):
        for conv in convolutions(model):
            draw(conv.weight, std_of(conv))
        set_batchnorms(model)

    return fill


def then(change):
    """The right answer, and ``change(model)`` after it."""

    def fill(model):
        initialise_weights(model)
        change(model)

    return fill


def one_filter(weight, std):
    weight.copy_(torch.randn_like(weight[:1]) * std)


def some_numbers(weight, std):
    weight.copy_(std * torch.randint(0, 2, weight.shape).mul(2).sub(1))


def first_stage_only(model):
    for conv in (model.conv1, *convolutions(model.layer1)):
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
    set_batchnorms(model)


def names_of_the_big_one(model):
    for conv in convolutions(model.layer4):
        nn.init.kaiming_normal_(conv.weight)


def linear_gain_by_default(model):
    drawn(lambda weight, std: nn.init.normal_(weight, 0, std / math.sqrt(2)))(model)


def default_arguments(model):
    for conv in convolutions(model):
        nn.init.kaiming_normal_(conv.weight)
    set_batchnorms(model)


def on_a_copy(model):
    import copy

    filled = copy.deepcopy(model)
    initialise_weights(filled)
    return filled


def rebinds(model):
    for layer in model.modules():
        if isinstance(layer, nn.Conv2d):
            layer = nn.Conv2d(layer.in_channels, layer.out_channels, layer.kernel_size)


def new_network(model):
    model.__dict__.update(type(model)(1, width=24).__dict__)


def generator_with_a_seed(model):
    generator = torch.Generator().manual_seed(0)
    for conv in convolutions(model):
        nn.init.kaiming_normal_(conv.weight, mode="fan_out", generator=generator)
    set_batchnorms(model)


def seed_kept_to_itself(model):
    with torch.random.fork_rng():
        torch.manual_seed(1)
        initialise_weights(model)


def shared_data(model):
    initialise_weights(model)
    block = model.layer1[0]
    block.conv2.weight.data = block.conv1.weight.data


def fills_with(value):
    return drawn(lambda weight, std: weight.fill_(value))


def double(model):
    initialise_weights(model.double())


WRONG = {
    "initialise_weights": {
        "twice as large": drawn(lambda weight, std: weight.normal_(0, 2 * std)),
        "a mean of its own": drawn(lambda weight, std: weight.normal_(std / 2, std)),
        "positive only": drawn(lambda weight, std: weight.normal_(0, std).abs_()),
        "3 % too large": drawn(lambda weight, std: weight.normal_(0, 1.03 * std)),
        "cut off at two standard deviations": drawn(
            lambda weight, std: nn.init.trunc_normal_(weight, 0, std, -2 * std, 2 * std)
        ),
        "uniform by hand": (
            drawn(lambda weight, std: weight.uniform_(-math.sqrt(3) * std, math.sqrt(3) * std)),
            "uniform",
        ),
        "one filter for all": drawn(one_filter),
        "plus or minus std": drawn(some_numbers),
        "constant": (fills_with(0.1), "all-equal"),
        "all zero": fills_with(0),
        "not a number": fills_with(math.nan),
        "Dirac": drawn(lambda weight, std: nn.init.dirac_(weight)),
        "orthogonal": drawn(lambda weight, std: nn.init.orthogonal_(weight)),
        "no factor 2, by hand": (linear_gain_by_default, "gain-forgotten"),
        "kaiming_normal_ without mode": (default_arguments, "fan-in"),
        "the first stage only": first_stage_only,
        "names of a larger network": names_of_the_big_one,
        "a copy is filled and returned": (on_a_copy, "nothing-changed"),
        "a new layer in the name of the loop": (rebinds, "nothing-changed"),
        "another network in its place": (new_network, "layers-changed"),
        "a generator with a seed": (generator_with_a_seed, "seed-inside"),
        "a seed that only it sees": (seed_kept_to_itself, "seed-inside"),
        "one tensor as data of two": shared_data,
        "fc without its bias": then(lambda model: nn.init.zeros_(model.fc.bias)),
        "fc made again": (
            then(lambda model: model.fc.reset_parameters()),
            "fc-weight-and-bias",
        ),
        "Xavier for fc": (
            then(lambda model: nn.init.xavier_uniform_(model.fc.weight)),
            "fc-too",
        ),
        "one batch norm left out": then(
            lambda model: nn.init.normal_(model.layer2[0].batchnorm1.weight)
        ),
        "running variance as new": (
            then(lambda model: model.batchnorm1.running_var.fill_(1)),
            "statistics",
        ),
        "all unfrozen": (then(lambda model: model.requires_grad_(True)), "frozen"),
        "all in eval mode": then(lambda model: model.eval()),
        "all in train mode": then(lambda model: model.train()),
        "gradients off": then(lambda model: torch.set_grad_enabled(False)),
        "a hook left": then(lambda model: model.register_forward_hook(print)),
        "an attribute left": then(lambda model: setattr(model, "ready", True)),
        "numbers of float64": double,
        "nothing": lambda model: list(model.modules()),
    }
}


def leaves(model):
    sys.exit(1)


def breaks(model):
    model.undefined.weight


def loops(model):
    while True:
        pass


def takes_all_away(model):
    for name, _ in list(model.named_children()):
        delattr(model, name)


def no_weights(model):
    for layer in model.modules():
        layer._parameters.clear()


class Counter:
    """Fills the first network and takes the weights away from the others."""

    calls = 0


def changes_its_mind(model):
    Counter.calls += 1
    (initialise_weights if Counter.calls == 1 else no_weights)(model)


BAD = {
    ("initialise_weights", "leaves"): leaves,
    ("initialise_weights", "an attribute that is not there"): breaks,
    ("initialise_weights", "an endless loop"): loops,
    ("initialise_weights", "all layers taken away"): takes_all_away,
    ("initialise_weights", "all parameters taken away"): no_weights,
    ("initialise_weights", "another function at each call"): changes_its_mind,
    ("initialise_weights", "to the meta device"): lambda model: model.to("meta"),
    ("initialise_weights", "no arguments"): lambda: None,
    ("initialise_weights", "an instance"): nn.Identity(),
    ("initialise_weights", "a class"): nn.Identity,
    ("initialise_weights", "None"): None,
    ("initialise_weights", "the library's own"): initialise_weights,
}
