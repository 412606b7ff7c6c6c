"""Answers to fold_batchnorm that the registered mistakes are not copies of."""

import copy
import functools
import math
import sys

import torch
from torch import nn
from torch.nn.functional import batch_norm
from torch.nn.utils import fuse_conv_bn_eval

import resnet_lib.folding


def functional(conv, bn):
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    factor = bn.weight / (bn.running_var + bn.eps) ** 0.5
    bias = torch.zeros_like(bn.running_mean) if conv.bias is None else conv.bias
    new.weight = nn.Parameter(conv.weight * factor[:, None, None, None])
    new.bias = nn.Parameter((bias - bn.running_mean) * factor + bn.bias)
    return new


def in_place_on_a_copy(conv, bn):
    new = copy.deepcopy(conv)
    factor = bn.weight.detach() * torch.rsqrt(bn.running_var + bn.eps)
    new.weight.data *= factor.view(-1, 1, 1, 1)
    bias = -bn.running_mean if new.bias is None else new.bias.data - bn.running_mean
    new.bias = nn.Parameter(bias * factor + bn.bias.detach())
    return new


@torch.no_grad()
def by_channel(conv, bn):
    new = nn.Conv2d(
        in_channels=conv.in_channels,
        out_channels=conv.out_channels,
        kernel_size=conv.kernel_size,
        stride=conv.stride,
        padding=conv.padding,
        bias=True,
    )
    for channel in range(conv.out_channels):
        deviation = math.sqrt(bn.running_var[channel].item() + bn.eps)
        factor = bn.weight[channel].item() / deviation
        new.weight[channel] = conv.weight[channel] * factor
        own = 0.0 if conv.bias is None else conv.bias[channel].item()
        new.bias[channel] = bn.bias[channel] + factor * (own - bn.running_mean[channel].item())
    return new


def matrix(conv, bn):
    """As the widely read tutorial does it: a diagonal matrix times the flattened weight."""
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    diagonal = torch.diag(bn.weight.div(torch.sqrt(bn.eps + bn.running_var)))
    flat = conv.weight.clone().view(conv.out_channels, -1)
    with torch.no_grad():
        new.weight.copy_(torch.mm(diagonal, flat).view(new.weight.size()))
        own = conv.bias if conv.bias is not None else torch.zeros(conv.weight.size(0))
        shift = bn.bias - bn.weight.mul(bn.running_mean).div(
            torch.sqrt(bn.running_var + bn.eps)
        )
        new.bias.copy_(torch.matmul(diagonal, own) + shift)
    return new


def by_state_dict(conv, bn):
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    factor = bn.weight / torch.sqrt(bn.running_var + bn.eps)
    own = 0 if conv.bias is None else conv.bias
    new.load_state_dict(
        {
            "weight": torch.einsum("o,oikl->oikl", factor, conv.weight),
            "bias": factor * own + bn.bias - factor * bn.running_mean,
        }
    )
    return new.eval().requires_grad_(False)


@torch.no_grad()
def by_trying(conv, bn):
    """Asks the batch norm itself what it makes of 0 and 1."""
    zero, one = (
        bn(torch.zeros(1, bn.num_features, 1, 1)),
        bn(torch.ones(1, bn.num_features, 1, 1)),
    )
    factor, shift = (one - zero).flatten(), zero.flatten()
    new = copy.deepcopy(conv)
    new.weight.copy_(conv.weight * factor[:, None, None, None])
    new.bias = nn.Parameter(shift if conv.bias is None else shift + factor * conv.bias)
    return new


@torch.no_grad()
def by_trying_in_eval_mode(conv, bn):
    """Asks the batch norm that is given, and gives it its mode back."""
    mode = bn.training
    bn.eval()
    zero = bn(torch.zeros(2, bn.num_features, 2, 2))[0, :, 0, 0]
    factor = bn(torch.ones(2, bn.num_features, 2, 2))[0, :, 0, 0] - zero
    bn.train(mode)
    new = functional(conv, bn)
    new.weight.copy_(conv.weight * factor.reshape(-1, 1, 1, 1))
    new.bias.copy_(zero if conv.bias is None else zero + factor * conv.bias)
    return new


def by_function(training):
    """Lets PyTorch's function work on the bias."""

    @torch.no_grad()
    def fold(conv, bn):
        new = functional(conv, bn)
        own = torch.zeros_like(bn.bias) if conv.bias is None else conv.bias
        batch = own.repeat(2, 1)  # one row would be refused in train mode
        batch = batch_norm(
            batch, bn.running_mean, bn.running_var, bn.weight, bn.bias, training(bn), eps=bn.eps
        )
        new.bias.copy_(batch[0])
        return new

    return fold


def on_copies(conv, bn):
    return fuse_conv_bn_eval(copy.deepcopy(conv).eval(), copy.deepcopy(bn).eval())


def frozen_but_recorded(conv, bn):
    """Frozen in place of no_grad, as widely copied: the new numbers are right; PyTorch knows where they are from."""
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    ).requires_grad_(False)
    factor = bn.weight / std(bn)
    new.weight.copy_(conv.weight * four(factor))
    own = 0 if conv.bias is None else conv.bias
    new.bias.copy_(bn.bias + (own - bn.running_mean) * factor)
    return new


def with_all_settings(conv, bn):
    new = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        conv.dilation,
        conv.groups,
        True,
        conv.padding_mode,
        conv.weight.device,
        conv.weight.dtype,
    )
    right = functional(conv, bn)
    new.weight.data, new.bias.data = right.weight.data, right.bias.data
    return new


def refuses_train_mode(conv, bn):
    if conv.training or bn.training:
        raise ValueError("fold in eval mode")
    return functional(conv, bn)


def in_float64_and_back(conv, bn):
    return functional(copy.deepcopy(conv).double(), copy.deepcopy(bn).double()).float()


@torch.inference_mode()
def in_inference_mode(conv, bn):
    return copy.deepcopy(functional(conv, bn))


class Callable:
    def __call__(self, conv, bn):
        return functional(conv, bn)


RIGHT = {
    "fold_batchnorm": {
        "functional form, nn.Parameter": functional,
        "in place on a deepcopy": in_place_on_a_copy,
        "a loop over the channels": by_channel,
        "a diagonal matrix": matrix,
        "load_state_dict, einsum, frozen": by_state_dict,
        "PyTorch's own": fuse_conv_bn_eval,
        "the library's": resnet_lib.folding.fold_batchnorm,
        "asks the batch norm": by_trying,
        "asks the batch norm in eval mode, and switches it back": by_trying_in_eval_mode,
        "F.batch_norm": by_function(lambda bn: False),
        "PyTorch's own, on copies in eval mode": on_copies,
        "frozen, with a graph": frozen_but_recorded,
        "all settings copied": with_all_settings,
        "in inference mode": in_inference_mode,
        "refuses train mode": refuses_train_mode,
        "in float64 and back": in_float64_and_back,
        "a lambda": lambda conv, batchnorm: functional(conv, batchnorm),
        "a callable object": Callable(),
    }
}


def made(weight=None, bias=None, change=None, options=None):
    """``functional`` with another formula for weight or bias."""

    def fold(conv, bn):
        new = functional(conv, bn)
        deviation = (bn.running_var + bn.eps).sqrt()
        own = torch.zeros_like(bn.bias) if conv.bias is None else conv.bias
        with torch.no_grad():
            if weight:
                new.weight.copy_(weight(conv, bn, deviation))
            if bias:
                new.bias.copy_(bias(conv, bn, deviation, own))
        for name, value in (options or {}).items():
            setattr(new, name, value)
        if change:
            change(conv, bn, new)
        return new

    return fold


def four(factor):
    return factor[:, None, None, None]


def std(bn):
    return (bn.running_var + bn.eps).sqrt()


def no_eps(conv, bn):
    other = copy.deepcopy(bn)
    other.eps = 0
    return functional(conv, other)


def fixed_eps(conv, bn):
    other = copy.deepcopy(bn)
    other.eps = 1e-5
    return functional(conv, other)


def no_gamma(conv, bn):
    other = copy.deepcopy(bn)
    nn.init.ones_(other.weight)
    return functional(conv, other)


def forgets_own_bias(conv, bn):
    other = copy.deepcopy(conv)
    other.bias = None
    return functional(other, bn)


def in_place(conv, bn):
    factor = bn.weight.data / std(bn)
    conv.weight.data *= four(factor)
    own = 0 if conv.bias is None else conv.bias.data
    conv.bias = nn.Parameter((own - bn.running_mean) * factor + bn.bias.data)
    return conv


def second_time(conv, bn):
    """Right the first time."""
    new = functional(conv, bn)
    second_time.calls = getattr(second_time, "calls", 0) + 1
    if second_time.calls % 2 == 0:
        nn.init.zeros_(new.weight)
    return new


def clamped(conv, bn):
    other = copy.deepcopy(bn)
    other.running_var, other.eps = torch.maximum(bn.running_var, torch.tensor(bn.eps)), 0
    return functional(conv, other)


def first_numbers(kernel_size):
    """Takes the first number of each pair."""

    def fold(conv, bn):
        new = nn.Conv2d(
            conv.in_channels,
            conv.out_channels,
            kernel_size(conv),
            conv.stride[0],
            conv.padding[0],
        )
        right = functional(conv, bn)
        with torch.no_grad():
            new.weight.copy_(right.weight)
            new.bias.copy_(right.bias)
        return new

    return fold


def bias_is_none(conv, bn):
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    factor = bn.weight / std(bn)
    new.weight = nn.Parameter(conv.weight * four(factor))
    new.bias = nn.Parameter(bn.bias + (conv.bias - bn.running_mean) * factor)
    return new


@torch.no_grad()
def copy_has_no_bias(conv, bn):
    new, right = copy.deepcopy(conv), functional(conv, bn)
    new.weight.copy_(right.weight)
    new.bias.copy_(right.bias)
    return new


def without_no_grad(conv, bn):
    new = copy.deepcopy(conv)
    new.weight *= four(bn.weight / std(bn))
    return new


def assigns_a_tensor(conv, bn):
    new = copy.deepcopy(conv)
    new.weight = conv.weight * four(bn.weight / std(bn))
    return new


def shallow(conv, bn):
    new, right = copy.copy(conv), functional(conv, bn)
    new.weight, new.bias = right.weight, right.bias
    return new


def with_hook(conv, bn):
    new = copy.deepcopy(conv)
    new.bias = nn.Parameter(torch.zeros(conv.out_channels)) if conv.bias is None else new.bias
    later = copy.deepcopy(bn)
    new.register_forward_hook(lambda layer, inputs, result: later(result))
    return new


def one_memory(conv, bn):
    """Both weights lie in one piece of memory, one behind the other."""
    new = functional(conv, bn)
    both = torch.stack([conv.weight.detach(), new.weight.detach()])
    conv.weight.data, new.weight.data = both
    return new


def leaves_gradients(conv, bn):
    bn(conv(torch.ones(2, conv.in_channels, 9, 9))).sum().backward()
    return functional(conv, bn)


def trains_on_noise(conv, bn):
    other = copy.deepcopy(bn).train()
    other(conv(torch.randn(8, conv.in_channels, 9, 9)))
    return functional(conv, other.eval())


def bias_by_chance(conv, bn):
    new = functional(conv, bn)
    if conv.bias is None:
        nn.init.uniform_(new.bias)
    return new


def sequential(conv, bn):
    return nn.Sequential(functional(conv, bn), nn.Identity())


def weight_only(conv, bn):
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    new.weight.data = functional(conv, bn).weight.data
    return new


def turned_round(conv, bn):
    new = nn.Conv2d(
        conv.out_channels, conv.in_channels, conv.kernel_size, conv.stride, conv.padding
    )
    with torch.no_grad():
        new.weight.copy_(functional(conv, bn).weight)
        new.bias.copy_(functional(conv, bn).bias)
    return new


def told(settings):
    """A new layer that is made with other settings, and then given the right weight and bias."""

    def fold(conv, bn):
        new = nn.Conv2d(*settings(conv), conv.stride, conv.padding)
        right = functional(conv, bn)
        new.weight, new.bias = right.weight, right.bias
        return new

    return fold


@torch.no_grad()
def old_bias_as_setting(conv, bn):
    new = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        conv.stride,
        conv.padding,
        bias=conv.bias,
    )
    new.weight.copy_(functional(conv, bn).weight)
    new.bias.copy_(functional(conv, bn).bias)
    return new


@torch.no_grad()
def bias_as_before(conv, bn):
    settings = conv.kernel_size, conv.stride, conv.padding
    has_bias = conv.bias is not None
    new = nn.Conv2d(conv.in_channels, conv.out_channels, *settings, bias=has_bias)
    new.weight.copy_(conv.weight * four(bn.weight / std(bn)))
    own = conv.bias if has_bias else 0
    new.bias.copy_(bn.bias + (own - bn.running_mean) * bn.weight / std(bn))
    return new


def bias_only(conv, bn):
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    new.bias.data = functional(conv, bn).bias.data
    return new


def eps_of_keras(conv, bn):
    other = copy.deepcopy(bn)
    other.eps = 0.001
    return functional(conv, other)


def or_zero(conv, bn):
    own = conv.bias or 0
    new = functional(conv, bn)
    new.bias.data = bn.bias.data + (own - bn.running_mean) * bn.weight.data
    return new


@torch.no_grad()
def one_weight_for_both(conv, bn):
    new = functional(conv, bn)
    new.weight = conv.weight
    new.weight.mul_((bn.weight / (bn.running_var + bn.eps).sqrt()).view(-1, 1, 1, 1))
    return new


@torch.no_grad()
def by_trying_on_images(conv, bn):
    """Asks the batch norm as it is: in train mode it works on these images, and keeps their mean and variance."""
    zero = bn(torch.zeros(4, bn.num_features, 3, 3))[0, :, 0, 0]
    factor = bn(torch.ones(4, bn.num_features, 3, 3))[0, :, 0, 0] - zero
    new = functional(conv, bn)
    new.weight.copy_(conv.weight * four(factor))
    new.bias.copy_(zero if conv.bias is None else zero + factor * conv.bias)
    return new


def statistics_by_mode(conv, bn):
    other = copy.deepcopy(bn)
    if bn.training:
        other.running_mean, other.running_var = (
            torch.zeros_like(bn.running_mean),
            torch.ones_like(bn.running_var),
        )
    return functional(conv, other)


def nothing_in_train_mode(conv, bn):
    if not bn.training:
        return functional(conv, bn)


def kept_by_shape():
    kept = {}

    @torch.no_grad()
    def fold(conv, bn):
        settings = (
            conv.in_channels,
            conv.out_channels,
            conv.kernel_size,
            conv.stride,
            conv.padding,
        )
        new, right = kept.setdefault(settings, nn.Conv2d(*settings)), functional(conv, bn)
        new.weight.copy_(right.weight)
        new.bias.copy_(right.bias)
        return new

    return fold


@functools.lru_cache
def layer_of(*settings):
    return nn.Conv2d(*settings)


def kept_by_a_helper(conv, bn):
    new = layer_of(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    right = functional(conv, bn)
    new.weight.data, new.bias.data = right.weight.data, right.bias.data
    return new


_only_one = nn.Conv2d(1, 1, 1)


def made_anew(conv, bn):
    """One layer for all calls, which begins anew each time."""
    _only_one.__init__(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    right = functional(conv, bn)
    _only_one.load_state_dict(right.state_dict())
    return _only_one


def frozen_by_loop(conv, bn):
    new = functional(conv, bn)
    for parameter in (*conv.parameters(), *bn.parameters(), *new.parameters()):
        parameter.requires_grad = False
    new.weight.copy_(conv.weight * four(bn.weight / std(bn)))
    return new


def asks_whether_true(conv, bn):
    new = functional(conv, bn)
    if conv.bias:
        new.bias.data += 0
    return new


@torch.no_grad()
def zeros_for_conv(conv, bn):
    if conv.bias is None:
        conv.bias = nn.Parameter(torch.zeros_like(bn.bias))
    return in_place_on_a_copy(conv, bn)


def switched_off(conv, bn):
    new = nn.Conv2d(
        conv.in_channels,
        conv.out_channels,
        conv.kernel_size,
        stride=conv.stride,
        padding=conv.padding,
        bias=False,
    )
    with torch.no_grad():
        new.weight.copy_(conv.weight * four(bn.weight / std(bn)))
        new.bias.copy_(bn.bias - bn.running_mean * bn.weight / std(bn))
    return new


@torch.no_grad()
def true_by_place(conv, bn):
    settings = conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    new, right = nn.Conv2d(*settings, True), functional(conv, bn)
    new.weight.copy_(right.weight)
    new.bias.copy_(right.bias)
    return new


@torch.no_grad()
def swapped_by_place(conv, bn):
    sizes = conv.in_channels, conv.out_channels, conv.kernel_size
    new, right = nn.Conv2d(*sizes, conv.padding, conv.stride), functional(conv, bn)
    new.weight.copy_(right.weight)
    new.bias.copy_(right.bias)
    return new


def thrown_away(conv, bn):
    new = nn.Conv2d(
        conv.in_channels, conv.out_channels, conv.kernel_size, conv.stride, conv.padding
    )
    weight, bias = new.weight, new.bias
    right = functional(conv, bn)
    weight, bias = right.weight, right.bias  # other names for other tensors
    return new


def eps_added_in_place(conv, bn):
    variance = bn.running_var
    variance += bn.eps
    other = copy.deepcopy(bn)
    other.eps = 0
    return functional(conv, other)


def gamma_divided_in_place(conv, bn):
    new = functional(conv, bn)
    bn.weight.data /= std(bn)
    return new


@torch.no_grad()
def mean_subtracted_in_place(conv, bn):
    new, own = functional(conv, bn), conv.bias
    if own is not None:
        own -= bn.running_mean
    return new


def root_of_the_mean(conv, bn):
    """Gives NaN where a mean is negative."""
    new = in_place_on_a_copy(conv, bn)
    factor = torch.rsqrt(bn.running_mean + bn.eps) * bn.weight.detach()
    new.weight.data = conv.weight.data * factor.view(-1, 1, 1, 1)
    bias = -bn.running_mean if conv.bias is None else conv.bias.data - bn.running_mean
    new.bias.data = bias * factor + bn.bias.detach()
    return new


WRONG = {
    "fold_batchnorm": {
        "the root of the mean": (root_of_the_mean, "mean-under-the-root"),
        "asks the batch norm on images": (by_trying_on_images, "batchnorm-run-in-train-mode"),
        "F.batch_norm in the mode of the layer": (
            by_function(lambda bn: bn.training),
            "batchnorm-run-in-train-mode",
        ),
        "mean 0 and variance 1 in train mode": (
            statistics_by_mode,
            "another-result-in-train-mode",
        ),
        "None in train mode": (nothing_in_train_mode, "another-result-in-train-mode"),
        "forgets the statistics in train mode": made(
            change=lambda c, b, new: b.training and b.reset_running_stats()
        ),
        "counts a batch in train mode": made(
            change=lambda c, b, new: b.training and b.num_batches_tracked.add_(1)
        ),
        "one layer for each shape": kept_by_shape(),
        "a helper that remembers": kept_by_a_helper,
        "one layer for all": made_anew,
        "remembers by convolution": functools.lru_cache(functional),
        "a hook stays on conv": made(
            change=lambda c, b, new: c.register_forward_hook(lambda layer, x, y: None)
        ),
        "a hook stays before the batch norm": made(
            change=lambda c, b, new: b.register_forward_pre_hook(lambda layer, x: None)
        ),
        "conv computes otherwise": made(
            change=lambda c, b, new: setattr(c, "forward", new.forward)
        ),
        "the batch norm is now an nn.Identity": made(
            change=lambda c, b, new: setattr(b, "__class__", nn.Identity)
        ),
        "requires_grad = False in a loop": (frozen_by_loop, "freezes-the-given-layers"),
        "detach_": (
            made(change=lambda c, b, new: c.weight.detach_()),
            "freezes-the-given-layers",
        ),
        "both in an nn.Sequential, in eval mode": (
            lambda conv, bn: nn.Sequential(conv, bn).eval(),
            "returns-sequential",
        ),
        "if conv.bias": (asks_whether_true, "bias-or-zero"),
        "zeros for conv": (zeros_for_conv, "gives-conv-a-bias"),
        "bias=False": (switched_off, "bias-switched-off"),
        "True in the place of the dilation": (true_by_place, "true-for-the-dilation"),
        "a stride of floats": (
            made(change=lambda c, b, new: setattr(new, "stride", (1.0, 1.0))),
            "",
        ),
        "padding in the place of the stride": (swapped_by_place, "stride-and-padding-swapped"),
        "computed, and not written": (thrown_away, "never-written"),
        "eps added in place": (eps_added_in_place, "changes-in-place"),
        "gamma divided in place": (gamma_divided_in_place, "changes-in-place"),
        "mean subtracted in place": (mean_subtracted_in_place, "changes-the-given-bias"),
        "conv to train mode": (made(change=lambda c, b, new: c.train()), "train-mode"),
        "only the batch norm to eval mode": (
            made(change=lambda c, b, new: b.eval()),
            "switches-to-eval",
        ),
        "momentum set to 0": (
            made(change=lambda c, b, new: setattr(b, "momentum", 0.0)),
            "",
        ),
        "no factor in the bias": (
            made(bias=lambda c, b, d, own: own - b.running_mean + b.bias),
            "bias-not-scaled",
        ),
        "beta alone": (made(bias=lambda c, b, d, own: b.bias * 1), "shift-alone"),
        "both biases": (made(bias=lambda c, b, d, own: own + b.bias), "biases-added"),
        "mean minus bias": (
            made(bias=lambda c, b, d, own: (b.running_mean - own) / d * b.weight + b.bias),
            "mean-minus-bias",
        ),
        "bias subtracted": (
            made(bias=lambda c, b, d, own: b.bias - b.weight / d * (own + b.running_mean)),
            "conv-bias-subtracted",
        ),
        "gamma in the bias alone": (
            made(weight=lambda c, b, d: c.weight / four(d)),
            "scale-forgotten-in-the-weight",
        ),
        "neither gamma nor beta": (
            made(
                weight=lambda c, b, d: c.weight / four(d),
                bias=lambda c, b, d, own: (own - b.running_mean) / d,
            ),
            "scale-and-shift-forgotten",
        ),
        "no root in the weight": (
            made(weight=lambda c, b, d: c.weight * four(b.weight / d**2)),
            "variance-without-root-in-the-weight",
        ),
        "no root in the bias": (
            made(bias=lambda c, b, d, own: (own - b.running_mean) * b.weight / d**2 + b.bias),
            "variance-without-root-in-the-bias",
        ),
        "bias never set": (weight_only, "bias-never-set"),
        "channels in the wrong order": (turned_round, "channels-swapped"),
        "channels in the wrong order, weight replaced": (
            told(lambda c: (c.out_channels, c.in_channels, c.kernel_size)),
            "channels-told-swapped",
        ),
        "another kernel size, weight replaced": told(
            lambda c: (c.in_channels, c.out_channels, c.stride)
        ),
        "in_channels twice, weight replaced": told(
            lambda c: (c.in_channels, c.in_channels, c.kernel_size)
        ),
        "bias=conv.bias is not None": (bias_as_before, "new-bias-is-none"),
        "bias=conv.bias": (old_bias_as_setting, "old-bias-as-a-setting"),
        "weight never set": (bias_only, "weight-never-set"),
        "the eps of Keras": (eps_of_keras, "eps-fixed-as-in-keras"),
        "or zero": or_zero,
        "one weight for both": (one_weight_for_both, "shares-the-given-weight"),
        "eps forgotten": (no_eps, "eps-forgotten"),
        "eps fixed": (fixed_eps, "eps-fixed"),
        "gamma forgotten": (no_gamma, "scale-forgotten"),
        "own bias forgotten": (forgets_own_bias, "conv-bias-forgotten"),
        "beta forgotten": (
            made(bias=lambda c, b, d, own: (own - b.running_mean) / d * b.weight),
            "shift-forgotten",
        ),
        "mean forgotten": (
            made(bias=lambda c, b, d, own: b.bias + b.weight / d * own),
            "mean-forgotten",
        ),
        "sign of the mean": (
            made(bias=lambda c, b, d, own: b.bias + (own + b.running_mean) / d * b.weight),
            "mean-added",
        ),
        "the larger of variance and eps": (clamped, "eps-as-a-lower-bound"),
        "stride and padding by their first numbers": (
            first_numbers(lambda conv: conv.kernel_size),
            "stride-and-padding-of-one-axis",
        ),
        "all three by their first numbers": (
            first_numbers(lambda conv: conv.kernel_size[0]),
            "kernel-of-one-axis",
        ),
        "padding by its first number": (
            made(change=lambda c, b, new: setattr(new, "padding", c.padding[:1] * 2)),
            "padding-of-one-axis",
        ),
        "padding turned": made(
            change=lambda c, b, new: setattr(new, "padding", c.padding[::-1])
        ),
        "conv.bias may be None": (bias_is_none, "conv-bias-is-none"),
        "the bias of a copy may be None": (copy_has_no_bias, "new-bias-is-none"),
        "no torch.no_grad": (without_no_grad, "in-place-with-gradients"),
        "a tensor for a parameter": (assigns_a_tensor, "tensor-for-parameter"),
        "copy.copy": (shallow, "shallow-copy"),
        "float64": (
            lambda conv, bn: functional(conv, bn).to(torch.float64),
            "double-precision",
        ),
        "the batch norm as a hook": with_hook,
        "one piece of memory": one_memory,
        "leaves gradients": (leaves_gradients, "leaves-gradients"),
        "statistics of noise": trains_on_noise,
        "bias by chance": bias_by_chance,
        "variance with n − 1": made(
            weight=lambda c, b, d: (
                c.weight * four(b.weight / (b.running_var * 9 / 8 + b.eps).sqrt())
            )
        ),
        "in place on what is given": (in_place, "changes-the-given-convolution"),
        "an nn.Sequential of one": (sequential, "returns-sequential"),
        "stride set back": (made(options={"stride": (1, 1)}), "stride-not-copied"),
        "padding set back": (made(options={"padding": (0, 0)}), "padding-not-copied"),
        "absolute scale": made(
            weight=lambda c, b, d: c.weight * four(b.weight.abs() / d),
        ),
        "scale squared": made(weight=lambda c, b, d: c.weight * four((b.weight / d) ** 2)),
        "beta divided": made(
            bias=lambda c, b, d, own: (own - b.running_mean) / d * b.weight + b.bias / d
        ),
        "the mean of the scale": made(weight=lambda c, b, d: c.weight * (b.weight / d).mean()),
        "momentum taken for eps": made(
            weight=lambda c, b, d: (
                c.weight * four(b.weight / (b.running_var + b.momentum).sqrt())
            )
        ),
        "resets the batch norm": made(change=lambda c, b, new: b.reset_parameters()),
        "switches conv to train": made(change=lambda c, b, new: c.train()),
        "right every other time": second_time,
        "weight as a plain tensor": made(
            change=lambda c, b, new: (
                new.__dict__.update(weight=new.weight.data),
                new._parameters.pop("weight"),
            )
        ),
        "a transposed kernel": made(
            weight=lambda c, b, d: (c.weight * four(b.weight / d)).transpose(2, 3)
        ),
        "a flipped kernel": made(
            weight=lambda c, b, d: (c.weight * four(b.weight / d)).flip(2, 3)
        ),
        "takes the batch norm first": lambda conv, bn: functional(bn, conv),
        "nn.Conv1d": lambda conv, bn: nn.Conv1d(3, 3, 1),
        "a string": lambda conv, bn: "done",
    }
}


class Evil(nn.Conv2d):
    def __getattr__(self, name):
        sys.exit(1)


def forever(conv, bn):
    while True:
        try:
            pass
        except BaseException:
            pass


def stub(conv, bn):
    """Fold batch norm into the convolution."""
    raise NotImplementedError


BAD = {
    ("fold_batchnorm", description): answer
    for description, answer in {
        "None": None,
        "an instance": nn.Conv2d(3, 3, 1),
        "a class": nn.Conv2d,
        "a stub": stub,
        "sys.exit": lambda conv, bn: sys.exit(2),
        "no arguments": lambda: None,
        "an endless loop": forever,
        "a result that exits": lambda conv, bn: Evil(3, 3, 1),
        "NaN everywhere": made(weight=lambda c, b, d: c.weight * float("nan")),
        "deletes what it is given": lambda conv, bn: delattr(conv, "weight"),
        "recursion": lambda conv, bn: BAD["fold_batchnorm", "recursion"](conv, bn),
        "a lazy layer": lambda conv, bn: nn.LazyConv2d(3, 1),
        "another dtype": lambda conv, bn: functional(conv, bn).double(),
        "on the meta device": lambda conv, bn: functional(conv, bn).to("meta"),
    }.items()
}
