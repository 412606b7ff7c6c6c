"""Answers to the exercises that are functions: right ones in other forms, wrong ones, and hostile ones."""

import functools
import itertools
import math
import re
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F
from torchinfo import summary

import resnet_lib

# --- output_size -----------------------------------------------------------------------------


def size_by_floor(input_size, kernel_size, padding=0, stride=1):
    size = math.floor((input_size - kernel_size + 2 * padding) / stride) + 1
    if size < 1:
        raise ValueError("does not fit")
    return size


def size_by_divmod(input_size, kernel_size, padding=0, stride=1):
    moves, _ = divmod(input_size - kernel_size + 2 * padding, stride)
    if moves < 0:
        raise ValueError(f"kernel {kernel_size} does not fit")
    return 1 + moves


def size_by_range(input_size, kernel_size, padding=0, stride=1):
    positions = list(range(0, input_size + 2 * padding - kernel_size + 1, stride))
    if not positions:
        raise ValueError
    return len(positions)


def size_by_recursion(input_size, kernel_size, padding=0, stride=1):
    if padding:
        return size_by_recursion(input_size + 2 * padding, kernel_size, 0, stride)
    if kernel_size > input_size:
        raise ValueError
    if input_size - stride < kernel_size:
        return 1
    return 1 + size_by_recursion(input_size - stride, kernel_size, 0, stride)


def size_by_pytorch(input_size, kernel_size, padding=0, stride=1):
    layer = nn.Conv2d(1, 1, kernel_size, stride, padding, device="meta")
    try:
        return layer(torch.empty(1, 1, input_size, input_size, device="meta")).shape[-1]
    except RuntimeError as error:
        raise ValueError("the kernel does not fit") from error


def size_by_real_convolution(input_size, kernel_size, padding=0, stride=1):
    try:
        return nn.Conv1d(1, 1, kernel_size, stride, padding)(
            torch.zeros(1, 1, input_size)
        ).size(2)
    except RuntimeError:
        raise ValueError("too large")


def size_by_numpy(input_size, kernel_size, padding=0, stride=1):
    if input_size + 2 * padding < kernel_size:
        raise ValueError
    return np.int64((input_size - kernel_size + 2 * padding) // stride + 1)


def size_other_names(i, k, p=0, s=1):
    if k > i + 2 * p:
        raise ValueError
    return int((i - k + 2 * p) / s) + 1


def size_names_unlike(n, f, extra=0, step=1):
    return size_other_names(n, f, extra, step)


def size_by_keywords(*sizes, **settings):
    return size_by_floor(*sizes, **settings)


class DoesNotFit(ValueError):
    pass


def size_own_error(input_size: int, kernel_size: int, padding: int = 0, stride: int = 1) -> int:
    if (free := input_size - kernel_size + 2 * padding) < 0:
        raise DoesNotFit(free)
    return (free + stride) // stride


class SizeObject:
    def __call__(self, input_size, kernel_size, padding=0, stride=1):
        return size_by_divmod(input_size, kernel_size, padding, stride)

    def method(self, input_size, kernel_size, padding=0, stride=1):
        return self(input_size, kernel_size, padding=padding, stride=stride)


def size_ceil_minus(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        raise ValueError
    return math.ceil((input_size - kernel_size + 2 * padding + 1) / stride)


def size_walk(input_size, kernel_size, padding=0, stride=1):
    left, count = -padding, 0
    while left + kernel_size <= input_size + padding:
        count += 1
        left += stride
    if count == 0:
        raise ValueError("no position")
    return count


def wrong(formula, message="does not fit"):
    """``formula`` behind a right check of the fit: the same mistake as without, in another form."""

    def answer(input_size, kernel_size, padding=0, stride=1):
        if kernel_size > input_size + 2 * padding:
            raise ValueError(message)
        return formula(input_size, kernel_size, padding, stride)

    return answer


def wrong_check(paddings):
    def answer(input_size, kernel_size, padding=0, stride=1):
        if kernel_size > input_size + paddings * padding:
            raise ValueError
        return (input_size - kernel_size + 2 * padding) // stride + 1

    return answer


def size_order(i, k, s=1, p=0):
    return size_other_names(i, k, p, s)


def size_pytorch_error(input_size, kernel_size, padding=0, stride=1):
    return nn.Conv2d(1, 1, kernel_size, stride, padding, device="meta")(
        torch.empty(1, 1, input_size, input_size, device="meta")
    ).shape[-1]


def size_exit(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        raise IndexError("kernel too large")
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_refuses_what_fits(i, k, p=0, s=1):
    if i + 2 * p >= k:
        raise ValueError("does not fit")
    return (i - k + 2 * p) // s + 1


def size_not_implemented(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        raise NotImplementedError("does not fit")
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_returns_text(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        return "the kernel does not fit"
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_assert_message(input_size, kernel_size, padding=0, stride=1):
    out = (input_size - kernel_size + 2 * padding) // stride + 1
    assert out > 0, f"{out} is no size"
    return out


def size_no_stride_default(input_size, kernel_size, padding=0, stride=2):
    return wrong(lambda i, k, p, s: (i - k + 2 * p) // s + 1)(
        input_size, kernel_size, padding, stride
    )


def size_refuses_small(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size:
        raise ValueError("kernel larger than input")
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_one_padding_check(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + padding:
        raise ValueError
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_only_stride_two(input_size, kernel_size, padding=0, stride=1):
    return size_by_floor(input_size, kernel_size, padding, min(stride, 2))


def size_minus_one(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        return -1
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_loop_stops_early(input_size, kernel_size, padding=0, stride=1):
    count, start = 0, -padding
    while start + kernel_size < input_size + padding:
        count, start = count + 1, start + stride
    if kernel_size > input_size + 2 * padding:
        raise ValueError("does not fit")
    return count


def size_unbound(input_size, kernel_size, padding=0, stride=1):
    if kernel_size <= input_size + 2 * padding:
        size = (input_size - kernel_size + 2 * padding) // stride + 1
    return size


def size_at_least_one(input_size, kernel_size, padding=0, stride=1):
    return max(1, (input_size - kernel_size + 2 * padding) // stride + 1)


def size_error_dropped(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        ValueError(f"kernel {kernel_size} does not fit")
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_error_dropped_and_else(i, k, p=0, s=1):
    if k > i + 2 * p:
        ValueError  # noqa: B018
    else:
        return (i - k + 2 * p) // s + 1


def size_error_printed(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        print(ValueError("does not fit"))
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_error_class_returned(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        return ValueError
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_none_after_except(input_size, kernel_size, padding=0, stride=1):
    try:
        return resnet_lib.output_size(input_size, kernel_size, padding, stride)
    except ValueError:
        return None


def size_text_raised(input_size, kernel_size, padding=0, stride=1):
    message = f"kernel {kernel_size} does not fit"
    if kernel_size > input_size + 2 * padding:
        raise message
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_raises_later(input_size, kernel_size, padding=0, stride=1):
    error = ValueError("does not fit")
    if kernel_size > input_size + 2 * padding:
        raise error
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_reraises(input_size, kernel_size, padding=0, stride=1):
    try:
        return range(0, input_size + 2 * padding - kernel_size + 1, stride).index(0) + len(
            range(0, input_size + 2 * padding - kernel_size + 1, stride)
        )
    except ValueError:
        raise


def size_remembers(input_size, kernel_size, padding=0, stride=1, known={}):  # noqa: B006
    """The padding is not in the key."""
    if kernel_size > input_size + 2 * padding:
        raise ValueError
    size = (input_size - kernel_size + 2 * padding) // stride + 1
    return known.setdefault((input_size, kernel_size, stride), size)


def size_refused(refuse):
    """Code that calls ``refuse`` where the kernel does not fit."""

    def answer(input_size, kernel_size, padding=0, stride=1):
        if kernel_size > input_size + 2 * padding:
            refuse(kernel_size)
        return (input_size - kernel_size + 2 * padding) // stride + 1

    return answer


def misspelt_error(kernel_size):
    raise Valueerror("no")  # noqa: F821


def text_and_number(kernel_size):
    raise ValueError("no padding or size for " + kernel_size)


def misspelt_before_raise(kernel_size):
    print(kernelsize)  # noqa: F821
    raise ValueError


def size_stub_left(input_size, kernel_size, padding=0, stride=1):
    if kernel_size <= input_size + 2 * padding:
        return (input_size - kernel_size + 2 * padding) // stride + 1
    raise NotImplementedError


def size_raise_outside(input_size, kernel_size, padding=0, stride=1):
    if kernel_size > input_size + 2 * padding:
        print("does not fit")
    raise ValueError("does not fit")


def size_exchanged(kernel_size, input_size, padding=0, stride=1):
    return size_by_floor(input_size, kernel_size, padding, stride)


def size_one_refused(input_size, kernel_size, padding=0, stride=1):
    size = (input_size - kernel_size + 2 * padding) // stride + 1
    if size <= 1:
        raise ValueError
    return size


def size_half_kernel_check(input_size, kernel_size, padding=0, stride=1):
    if kernel_size // 2 > input_size + padding:
        raise ValueError
    return (input_size - kernel_size + 2 * padding) // stride + 1


def size_moves_checked(input_size, kernel_size, padding=0, stride=1):
    moves = int((input_size - kernel_size + 2 * padding) / stride)
    if moves < 0:
        raise ValueError("does not fit")
    return moves + 1


def size_exact_checked(input_size, kernel_size, padding=0, stride=1):
    exact = (input_size - kernel_size + 2 * padding) / stride + 1
    if not exact > 0:
        raise ValueError(exact)
    return int(exact)


def size_like_pool(input_size, kernel_size, padding=0, stride=None):
    if stride is None:
        stride = kernel_size
    return size_by_floor(input_size, kernel_size, padding, stride)


def size_asserts(holds):
    """A right answer after an ``assert`` that holds too seldom."""

    def answer(input_size, kernel_size, padding=0, stride=1):
        assert holds(input_size, kernel_size, padding, stride)
        return size_by_floor(input_size, kernel_size, padding, stride)

    return answer


# --- same_padding ----------------------------------------------------------------------------


def padding_found(paddings, at_the_end=True):
    """A search in ``paddings`` for the one that is right."""

    def answer(kernel_size):
        for padding in paddings:
            if 2 * padding + 1 == kernel_size:
                return padding
        if at_the_end or kernel_size % 2 == 0:
            raise ValueError("no padding")

    return answer


def padding_tried_on_image(kernel_size):
    for padding in range(kernel_size):
        if resnet_lib.output_size(224, kernel_size, padding) == 224:
            return padding
    raise ValueError("no padding")


def padding_never_int(kernel_size):
    padding = (kernel_size - 1) / 2
    if not isinstance(padding, int):
        raise ValueError
    return padding


def padding_for_even(refuse):
    """Code that calls ``refuse`` for an even kernel."""

    def answer(kernel_size):
        if kernel_size % 2 == 0:
            refuse(kernel_size)
        return kernel_size // 2

    return answer


def padding_stub_left(kernel_size):
    if kernel_size % 2:
        return kernel_size // 2
    raise NotImplementedError


def padding_error_dropped(kernel_size):
    if kernel_size % 2 == 0:
        ValueError("even kernel")
    return kernel_size // 2


def padding_by_half(kernel_size):
    if not kernel_size % 2:
        raise ValueError
    return kernel_size // 2


def padding_by_int(k):
    exact = (k - 1) / 2
    if exact != int(exact):
        raise ValueError(f"{exact}")
    return int(exact)


def padding_by_divmod(kernel_size):
    half, rest = divmod(kernel_size - 1, 2)
    if rest:
        raise ValueError("even")
    return half


def padding_by_search(kernel_size):
    for padding in range(kernel_size + 1):
        if 100 - kernel_size + 2 * padding + 1 == 100:
            return padding
    raise ValueError("no padding keeps the size")


def padding_by_recursion(kernel_size):
    if kernel_size < 1:
        raise ValueError("even")
    return 0 if kernel_size == 1 else 1 + padding_by_recursion(kernel_size - 2)


@functools.lru_cache
def padding_by_remembered_recursion(kernel_size):
    """Each step takes two levels of Python's stack."""
    if kernel_size < 1:
        raise ValueError("even")
    return 0 if kernel_size == 1 else 1 + padding_by_remembered_recursion(kernel_size - 2)


def padding_endless_for_even(kernel_size):
    return 0 if kernel_size == 1 else 1 + padding_endless_for_even(kernel_size - 2)


def padding_round(kernel_size):
    return round((kernel_size - 1) / 2)


def padding_prints_error(kernel_size):
    if kernel_size % 2 == 0:
        print("ValueError: even kernel")
        return
    return (kernel_size - 1) // 2


def padding_not_implemented(kernel_size):
    if kernel_size % 2 == 0:
        raise NotImplementedError
    return (kernel_size - 1) // 2


def padding_type_error(kernel_size):
    if kernel_size % 2 == 0:
        raise TypeError("even")
    return (kernel_size - 1) // 2


# --- stage_sizes -----------------------------------------------------------------------------


def stages_by_loop(input_size):
    sizes, size = [], input_size
    for kernel_size, padding in ((7, 3), (3, 1), (3, 1), (3, 1), (3, 1)):
        size = math.floor((size - kernel_size + 2 * padding) / 2 + 1)
        sizes.append(size)
    return sizes


def stages_by_append(n):
    out = []
    while len(out) < 5:
        n = (n + 1) // 2
        out += [n]
    return out


def stages_by_recursion(size, left=5):
    return [] if left == 0 else [-(-size // 2)] + stages_by_recursion(-(-size // 2), left - 1)


def stages_by_layers(input_size):
    x = torch.empty(1, 1, input_size, input_size, device="meta")
    layers = [
        nn.Conv2d(1, 1, 7, 2, 3, device="meta"),
        nn.MaxPool2d(3, 2, 1),
        *(nn.Conv2d(1, 1, 3, 2, 1, device="meta") for _ in range(3)),
    ]
    sizes = []
    for layer in layers:
        x = layer(x)
        sizes.append(x.shape[-1])
    return sizes


def stages_by_library(input_size):
    conv1 = resnet_lib.output_size(input_size, 7, 3, 2)
    conv2 = resnet_lib.output_size(conv1, 3, 1, 2)
    conv3 = resnet_lib.output_size(conv2, 3, 1, 2)
    conv4 = resnet_lib.output_size(conv3, 3, 1, 2)
    conv5 = resnet_lib.output_size(conv4, 3, 1, 2)
    return [conv1, conv2, conv3, conv4, conv5]


def stages_floor_loop(input_size):
    sizes = []
    for _ in range(5):
        input_size = int(input_size / 2)
        sizes.append(input_size)
    return sizes


def stages_input_loop(input_size):
    sizes = [input_size]
    for _ in range(5):
        sizes.append((sizes[-1] + 1) // 2)
    return sizes


def stages_table(input_size):
    return {224: [112, 56, 28, 14, 7], 225: [113, 57, 29, 15, 8]}.get(
        input_size, [112, 56, 28, 14, 7]
    )


def stages_conv4_padded_once(input_size):
    sizes = stages_by_library(input_size)
    sizes[3] = (sizes[2] - 3 + 1) // 2 + 1
    sizes[4] = (sizes[3] - 3 + 2) // 2 + 1
    return sizes


def stages_dict(input_size):
    return dict(
        zip(
            ("conv1", "conv2_x", "conv3_x", "conv4_x", "conv5_x"), stages_by_library(input_size)
        )
    )


_kept = []


def stages_kept(input_size):
    _kept.extend(stages_by_library(input_size))
    return _kept


_five = [0] * 5


def stages_in_one_list(input_size):
    for place, size in enumerate(stages_by_library(input_size)):
        _five[place] = size
    return _five


def stages_list_cleared(input_size, sizes=[]):  # noqa: B006
    sizes.clear()
    sizes += stages_by_library(input_size)
    return sizes


def stages_last_five(input_size, sizes=[]):  # noqa: B006
    """Keeps a list, but gives out a new one that is right."""
    sizes += stages_by_library(input_size)
    return sizes[-5:]


def stages_append_assigned(input_size):
    sizes = []
    for size in stages_by_library(input_size):
        sizes = sizes.append(size)
    return sizes


def stages_append_returned(input_size):
    sizes = []
    for size in stages_by_library(input_size):
        return sizes.append(size)


def stages_same_input(input_size):
    sizes = []
    for kernel_size, padding in ((7, 3), (3, 1), (3, 1), (3, 1), (3, 1)):
        sizes.append((input_size - kernel_size + 2 * padding) // 2 + 1)
    return sizes


def stages_no_pool(input_size):
    conv1 = (input_size - 1) // 2 + 1
    sizes = [conv1, conv1]
    for _ in range(3):
        sizes.append((sizes[-1] - 3 + 2) // 2 + 1)
    return sizes


def stages_halved_after(count):
    def answer(input_size):
        sizes = stages_by_append(input_size)[:count]
        while len(sizes) < 5:
            sizes.append(sizes[-1] // 2)
        return sizes

    return answer


def stages_pool(pool):
    def answer(input_size):
        conv1 = (input_size - 7 + 2 * 3) // 2 + 1
        conv2 = pool(conv1)
        return [conv1, conv2, *stages_by_append(conv2)[:3]]

    return answer


def stages_padded(padding):
    def answer(input_size):
        sizes = [(input_size - 7 + 2 * 3) // 2 + 1]
        for _ in range(4):
            sizes.append((sizes[-1] - 3 + 2 * padding) // 2 + 1)
        return sizes

    return answer


_NETWORK = resnet_lib.resnet18().eval()
_ON_META = resnet_lib.resnet18().eval().to("meta")


def stages_by_network(input_size):
    """It takes 30 ms for each call."""
    sizes = {
        layer.name: layer.output_shape[2]
        for layer in resnet_lib.trace(_NETWORK, (1, 3, input_size, input_size))
        if len(layer.output_shape) == 4
    }
    return [sizes["conv1"], *(sizes[f"layer{n}.1.conv2"] for n in (1, 2, 3, 4))]


def stages_by_hooks(input_size):
    sizes, names = [], ("conv1", "layer1", "layer2", "layer3", "layer4")
    hooks = [
        getattr(_ON_META, name).register_forward_hook(
            lambda *seen: sizes.append(seen[2].shape[3])
        )
        for name in names
    ]
    with torch.no_grad():
        _ON_META(torch.empty(1, 3, input_size, input_size, device="meta"))
    for hook in hooks:
        hook.remove()
    return sizes


def stages_asserted(input_size):
    assert input_size >= 7, "smaller than the kernel"
    return stages_by_append(input_size)


def stages_conv1_small(input_size):
    """The padding of conv1 is forgotten, but only where the kernel would not fit without."""
    conv1 = (input_size + 1) // 2 if input_size >= 7 else 1
    return [conv1, *stages_by_append(conv1)[:4]]


def stages_pool_left_out(input_size):
    conv1 = (input_size + 1) // 2
    conv2 = (conv1 + 1) // 2 if conv1 >= 3 else conv1
    return [conv1, conv2, *stages_by_append(conv2)[:3]]


_layers = [(7, 3, 2), *[(3, 1, 2)] * 4]


def stages_popped(input_size):
    sizes = []
    while _layers:
        input_size = resnet_lib.output_size(input_size, *_layers.pop(0))
        sizes.append(input_size)
    return sizes


def stages_default_strides(input_size):
    sizes = stages_by_append(input_size)[:2]
    while len(sizes) < 5:
        sizes.append(resnet_lib.output_size(sizes[-1], 3, padding=1))
    return sizes


def stages_half_plus_one(input_size):
    sizes = []
    for _ in range(5):
        input_size = input_size // 2 + 1
        sizes.append(input_size)
    return sizes


def stages_pytorch_order(*layers):
    """Stride and padding in the order of nn.Conv2d, where output_size takes them the other way round."""

    def answer(input_size):
        sizes = []
        for kernel_size, stride, padding in layers:
            input_size = resnet_lib.output_size(input_size, kernel_size, stride, padding)
            sizes.append(input_size)
        return sizes

    return answer


def stages_conv1_halved(input_size):
    return [input_size // 2, *stages_by_append(input_size // 2)[:4]]


def stages_multiples(input_size):
    if input_size % 2:
        raise ValueError("odd")
    return stages_by_append(input_size)


def stages_not_small(input_size):
    if input_size < 32:
        raise ValueError("too small")
    return stages_by_library(input_size)


# --- counting --------------------------------------------------------------------------------


def parameters_by_numel(in_channels, out_channels, kernel_size, bias):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=bias)
    return sum(parameter.numel() for parameter in layer.parameters())


def parameters_by_branch(i, o, k, b):
    if b:
        return o * (i * k * k + 1)
    return o * i * k * k


def parameters_bool_times(in_channels, out_channels, kernel_size, bias):
    return out_channels * (in_channels * pow(kernel_size, 2) + bias)


def parameters_by_loop(in_channels, out_channels, kernel_size, bias):
    count = 0
    for _ in range(out_channels):
        count += in_channels * kernel_size * kernel_size
        if bias is True:
            count += 1
    return count


def parameters_no_else(in_channels, out_channels, kernel_size, bias):
    weights = in_channels * out_channels * kernel_size**2
    if bias:
        return weights + out_channels


def parameters_other_order(out_channels, in_channels, kernel_size, bias):
    return out_channels * (in_channels * kernel_size**2 + (1 if bias else 0))


def parameters_of_other_layer(in_channels, out_channels, kernel_size, bias):
    layer = nn.Conv2d(out_channels, in_channels, kernel_size, bias=bias)
    return sum(parameter.numel() for parameter in layer.parameters())


def multiply_adds_by_loop(in_channels, out_channels, kernel_size, output_size):
    return sum(
        in_channels * kernel_size * kernel_size for _ in range(out_channels * output_size)
    ) * (output_size)


def multiply_adds_by_weights(in_channels, out_channels, kernel_size, output_size):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False, device="meta")
    return layer.weight.numel() * output_size * output_size


def parameters_on_meta(in_channels, out_channels, kernel_size, bias):
    with torch.device("meta"):
        layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=bias)
    return sum(tensor.numel() for tensor in layer.state_dict().values())


def parameters_of_a_lazy_layer(in_channels, out_channels, kernel_size, bias):
    layer = nn.LazyConv2d(out_channels, kernel_size, bias=bias)
    layer(torch.zeros(1, in_channels, kernel_size, kernel_size))
    return sum(parameter.numel() for parameter in layer.parameters())


def parameters_of_weight_and_bias(in_channels, out_channels, kernel_size, bias):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=bias)
    return layer.weight.numel() + layer.bias.numel()


def multiply_adds_by_running(in_channels, out_channels, kernel_size, output_size):
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False)
    size = output_size + kernel_size - 1
    return layer(torch.rand(1, in_channels, size, size)).numel() * layer.weight[0].numel()


def multiply_adds_by_hook(in_channels, out_channels, kernel_size, output_size):
    counts, size = [], output_size + kernel_size - 1
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False, device="meta")
    layer.register_forward_hook(
        lambda layer, x, y: counts.append(y.numel() * layer.weight[0].numel())
    )
    layer(torch.empty(1, in_channels, size, size, device="meta"))
    return sum(counts)


def multiply_adds_by_torchinfo(in_channels, out_channels, kernel_size, output_size):
    size = output_size + kernel_size - 1
    layer = nn.Conv2d(in_channels, out_channels, kernel_size, bias=False)
    return summary(layer, (1, in_channels, size, size), verbose=0).total_mult_adds


def multiply_adds_by_matrices(in_channels, out_channels, kernel_size, output_size):
    size = output_size + kernel_size - 1
    columns = F.unfold(torch.rand(1, in_channels, size, size), kernel_size)[0]
    weight = torch.rand(out_channels, len(columns))
    return (weight @ columns).numel() * len(columns)


def multiply_adds_by_position(in_channels, out_channels, kernel_size, output_size):
    count = 0
    for _ in range(output_size):
        for _ in range(output_size):
            for _ in range(out_channels):
                count += in_channels * kernel_size**2
    return count


def field_backwards(layers):
    field = 1
    for kernel_size, stride in reversed(layers):
        field = (field - 1) * stride + kernel_size
    return field


def field_by_index(layers):
    field = 1
    for n in range(len(layers)):
        field += (layers[n][0] - 1) * math.prod(layers[m][1] for m in range(n))
    return field


def field_by_recursion(layers):
    if not layers:
        return 1
    (kernel_size, stride), *others = layers
    return kernel_size + stride * (field_by_recursion(others) - 1)


def field_by_accumulate(layers):
    jumps = itertools.accumulate((s for _, s in layers), lambda a, b: a * b, initial=1)
    return 1 + sum((k - 1) * jump for (k, _), jump in zip(layers, jumps))


def field_by_reduce(layers):
    return functools.reduce(
        lambda state, layer: (state[0] + (layer[0] - 1) * state[1], state[1] * layer[1]),
        layers,
        (1, 1),
    )[0]


def field_by_numpy(layers):
    pairs = np.array(layers, dtype=int).reshape(-1, 2)
    jumps = np.cumprod(np.concatenate(([1], pairs[:, 1])))[:-1]
    return 1 + ((pairs[:, 0] - 1) * jumps).sum()


def field_copy_popped(layers):
    rest, field, jump = list(layers), 1, 1
    while rest:
        kernel_size, stride = rest.pop(0)
        field, jump = field + (kernel_size - 1) * jump, jump * stride
    return field


def field_by_gradient(layers):
    """The pixels of an image that really have an influence on one number."""
    size = 1
    for kernel_size, stride in reversed(layers):
        size = size * stride + kernel_size
    image = torch.ones(1, 1, size, size, requires_grad=True)
    output = image
    for kernel_size, stride in layers:
        layer = nn.Conv2d(1, 1, kernel_size, stride, bias=False)
        nn.init.ones_(layer.weight)
        output = layer(output)
    output[0, 0, 0, 0].backward()
    seen = image.grad[0, 0].any(dim=0).nonzero()
    return (seen.max() - seen.min()).item() + 1


def field_by_pixels(layers):
    pixels = {0}
    for kernel_size, stride in reversed(layers):
        pixels = {pixel * stride + place for pixel in pixels for place in range(kernel_size)}
    return max(pixels) + 1


def field_of_the_library(layers):
    return field_of_the_library(layers)


def field_forward_recursion(layers):
    field = 1
    for kernel_size, stride in layers:
        field = (field - 1) * stride + kernel_size
    return field


def field_early(layers):
    field, jump = 1, 1
    for k, s in layers:
        field, jump = field + (k - 1) * jump * s, jump * s
    return field


def field_reverse_in_place(layers):
    layers.reverse()
    field = 1
    for kernel_size, stride in layers:
        field = (field - 1) * stride + kernel_size
    return field


_field, _jump = 1, 1


def field_global(layers):
    global _field, _jump
    for kernel_size, stride in layers:
        _field += (kernel_size - 1) * _jump
        _jump *= stride
    return _field


_distance = 1


def field_global_distance(layers):
    global _distance
    field = 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * _distance
        _distance *= stride
    return field


def field_strides_kept(layers, strides=[]):
    field = 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * math.prod(strides)
        strides.append(stride)
    return field


def field_written_into_the_list(layers):
    distance = 1
    for n, (kernel_size, stride) in enumerate(layers):
        layers[n] = kernel_size, distance
        distance *= stride
    return 1 + sum((k - 1) * d for k, d in layers)


def field_without_1x1(layers):
    field = field_backwards(layers)
    if (1, 1) in layers:
        layers.remove((1, 1))
    return field


def field_never_empty(layers):
    if not layers:
        layers.append((1, 1))
    return field_backwards(layers)


def field_sorted(layers):
    field = field_backwards(layers)
    layers.sort()
    return field


def field_from_the_first(layers):
    field, jump = layers[0][0], 1
    for kernel_size, stride in layers[1:]:
        field += (kernel_size - 1) * jump
        jump *= stride
    return field


def field_with_the_distance(layers):
    field, jump = 1, 1
    for kernel_size, stride in layers:
        field, jump = field + (kernel_size - 1) * jump, jump * stride
    return field, jump


def field_plus_the_distance(layers):
    field, jump = field_with_the_distance(layers)
    return field + jump - 1


def field_by_radius(layers):
    radius, jump = 0, 1
    for kernel_size, stride in layers:
        radius += kernel_size // 2 * jump
        jump *= stride
    return 2 * radius + 1


def field_without_small_kernels(layers):
    field, jump = 1, 1
    for kernel_size, stride in layers:
        if kernel_size == 1:
            continue
        field += (kernel_size - 1) * jump
        jump *= stride
    return field


def field_doubled(layers):
    field, jump = 1, 1
    for kernel_size, stride in layers:
        field += (kernel_size - 1) * jump
        if stride > 1:
            jump *= 2
    return field


def field_of_columns(layers):
    kernel_sizes, strides = zip(*layers)
    return field_backwards(list(zip(kernel_sizes, strides)))


def field_refuses_nothing(layers):
    if len(layers) == 0:
        raise ValueError("give me layers")
    return field_backwards(layers)


def field_reversed_back(layers):
    layers.reverse()
    field = field_by_index(layers[::-1])
    layers.reverse()
    return field


def field_first_layer(layers):
    field, jump = layers[0]
    for kernel_size, stride in layers[1:]:
        field += (kernel_size - 1) * jump
        jump *= stride
    return field


def field_late_return(layers):
    field, jump = 1, 1
    for n, (k, s) in enumerate(layers):
        field += (k - 1) * jump
        jump *= s
        if n == len(layers) - 1:
            return field


def field_area(layers):
    return field_backwards(layers) * field_backwards(layers)


def field_of_the_last(layers):
    field, strides = 1, 1
    for k, s in layers:
        field, strides = k * strides - strides, strides * s
    return field


def field_no_brackets(layers):
    field, strides = 1, 1
    for k, s in layers:
        field, strides = field + k - strides, strides * s
    return field


def field_minus_stride(layers):
    field, jump = 1, 0
    for k, s in layers:
        field += (k - 1) * max(jump, 1)
        jump += s
    return field


# --- torchvision_name ------------------------------------------------------------------------


def name_by_parts(name):
    return ".".join(
        "bn" + part[-1] if part.startswith("batchnorm") else part for part in name.split(".")
    )


def name_by_table(name):
    for number in "123":
        name = name.replace(f"batchnorm{number}", f"bn{number}")
    return name


def name_by_find(name):
    place = name.find("batchnorm")
    return name if place < 0 else name[:place] + "bn" + name[place + len("batchnorm") :]


def name_loop_begins_anew(name):
    for number in (1, 2, 3):
        new = name.replace(f"batchnorm{number}", f"bn{number}")
    return new


def name_only_one_digit(name):
    return re.sub(r"^(layer\d\.\d\.)?batchnorm(\d)", lambda m: (m[1] or "") + "bn" + m[2], name)


def name_only_blocks(name):
    stage, block, *rest = name.split(".")
    layer, parameter = rest
    return f"{stage}.{block}.{layer.replace('batchnorm', 'bn')}.{parameter}"


def name_by_match(name):
    found = re.match(r"(.*)batchnorm(\d)(.*)", name)
    return f"{found[1]}bn{found[2]}{found[3]}"


_OF_18 = {name: name.replace("batchnorm", "bn") for name in resnet_lib.resnet18().state_dict()}


def adds_by_counting(in_channels, out_channels, kernel_size, output_size):
    count = 0
    for _ in range(in_channels):
        for _ in range(out_channels):
            for _ in range(kernel_size**2):
                for _ in range(output_size**2):
                    count += 1
    return count


def stages_of_a_new_network(input_size):
    """The chapter's own idiom, with a network in each call."""
    sizes = {}
    for layer in resnet_lib.trace(resnet_lib.resnet18(), (1, 3, input_size, input_size)):
        sizes[layer.name.split(".")[0]] = layer.output_shape[-1]
    return [sizes[name] for name in ("conv1", "layer1", "layer2", "layer3", "layer4")]


RIGHT = {
    "output_size": {
        "math.floor": size_by_floor,
        "divmod": size_by_divmod,
        "counts positions": size_by_range,
        "recursion": size_by_recursion,
        "asks nn.Conv2d on the meta device": size_by_pytorch,
        "asks nn.Conv1d": size_by_real_convolution,
        "NumPy integer": size_by_numpy,
        "other parameter names, int after the check": size_other_names,
        "other parameter names, not alike": size_names_unlike,
        "*sizes and **settings": size_by_keywords,
        "a subclass of ValueError": size_own_error,
        "callable object": SizeObject(),
        "bound method": SizeObject().method,
        "functools.partial": functools.partial(size_by_floor),
        "functools.lru_cache": functools.lru_cache(size_by_divmod),
        "ceil of one more": size_ceil_minus,
        "walks along the row": size_walk,
        "lambda": lambda *a, **n: size_by_floor(*a, **n),
        "the library's": resnet_lib.output_size,
        "an error made before it is raised": size_raises_later,
        "Python's own ValueError, raised again": size_reraises,
        "PyTorch's integer": lambda *a, **n: torch.tensor(size_by_floor(*a, **n)).item(),
        "unsigned integer of 8 bits": lambda *a, **n: np.uint8(size_by_floor(*a, **n)),
    },
    "same_padding": {
        "half, after the check": padding_by_half,
        "int of the exact number": padding_by_int,
        "divmod": padding_by_divmod,
        "search": padding_by_search,
        "recursion": padding_by_recursion,
        "recursion that is remembered": padding_by_remembered_recursion,
        "NumPy integer": lambda k: np.int32(padding_by_half(k)),
        "callable object": functools.partial(padding_by_half),
        "the library's": resnet_lib.same_padding,
    },
    "stage_sizes": {
        "traces a new ResNet-18 in each call": stages_of_a_new_network,
        "formula in a loop": stages_by_loop,
        "half, rounded up": stages_by_append,
        "recursion": stages_by_recursion,
        "asks ResNet-18": stages_by_network,
        "asks ResNet-18 on the meta device": stages_by_hooks,
        "asks layers on the meta device": stages_by_layers,
        "five lines": stages_by_library,
        "comprehension": lambda n: [math.ceil(n / 2**e) for e in range(1, 6)],
        "NumPy integers": lambda n: [np.int64(size) for size in stages_by_append(n)],
        "remembered": functools.lru_cache(stages_by_library),
        "the last five of a longer list": stages_last_five,
        "an array's list": lambda n: np.array(stages_by_library(n)).tolist(),
        "subclass of list": lambda n: type("Sizes", (list,), {})(stages_by_append(n)),
    },
    "count_parameters": {
        "asks nn.Conv2d": parameters_by_numel,
        "asks nn.Conv2d on the meta device": parameters_on_meta,
        "asks a lazy layer": parameters_of_a_lazy_layer,
        "two branches": parameters_by_branch,
        "bool as a number": parameters_bool_times,
        "loop": parameters_by_loop,
        "other names, alike": lambda cin, cout, k, bias: cout * (cin * k * k + bias),
        "math.pow and int": lambda i, o, k, b: int(i * o * math.pow(k, 2)) + o * b,
        "math.prod": lambda i, o, k, b: math.prod((i, o, k, k)) + o * int(b),
        "NumPy integer": lambda i, o, k, b: np.prod([i, o, k, k]) + np.int64(o * b),
    },
    "multiply_adds": {
        "four loops that count": adds_by_counting,
        "sum over rows": multiply_adds_by_loop,
        "asks nn.Conv2d for the weights": multiply_adds_by_weights,
        "runs the convolution": multiply_adds_by_running,
        "a hook, on the meta device": multiply_adds_by_hook,
        "torchinfo": multiply_adds_by_torchinfo,
        "one matrix times another": multiply_adds_by_matrices,
        "position by position": multiply_adds_by_position,
        "math.prod": lambda *n: math.prod(n) * n[2] * n[3],
        "square of a product": lambda i, o, k, size: i * o * (k * size) ** 2,
        "NumPy integer": lambda i, o, k, size: np.int64(i) * o * k**2 * size**2,
        "callable object": functools.partial(multiply_adds_by_weights),
        "arguments in another order that comes to the same": lambda o, i, n, k: (
            i * o * k**2 * n**2
        ),
        "a 64-bit tensor's item": lambda *n: (
            torch.tensor([*n, n[2], n[3]]).prod().item()  # torch makes 64-bit integers of ints
        ),
        "float64 and int": lambda i, o, k, size: int(i * o * math.pow(k * size, 2)),
    },
    "receptive_field": {
        "from the last layer back": field_backwards,
        "product of earlier strides": field_by_index,
        "recursion": field_by_recursion,
        "itertools.accumulate": field_by_accumulate,
        "functools.reduce": field_by_reduce,
        "NumPy": field_by_numpy,
        "pops from a copy": field_copy_popped,
        "reverses and reverses back": field_reversed_back,
        "the library's": resnet_lib.receptive_field,
        "the gradient of real convolutions": field_by_gradient,
        "the pixels themselves": field_by_pixels,
    },
    "torchvision_name": {
        "part by part": name_by_parts,
        "one number at a time": name_by_table,
        "find": name_by_find,
        "regular expression": lambda name: re.sub(r"batchnorm(\d)", r"bn\1", name),
        "split and join": lambda name: "bn".join(name.split("batchnorm")),
        "subclass of str": lambda name: type("Name", (str,), {})(name_by_find(name)),
        "the library's": resnet_lib.torchvision_name,
    },
}

WRONG = {
    "output_size": {
        "no + 1, with a check": (
            wrong(lambda i, k, p, s: (i + 2 * p - k) // s),
            "no-plus-one",
        ),
        "one padding, with a check": (
            wrong(lambda i, k, p, s: (p + i - k) // s + 1),
            "one-padding",
        ),
        "fraction, with a check": (
            wrong(lambda i, k, p, s: 1 + (i - k + 2 * p) / s),
            "true-division",
        ),
        "floor, then a float": (
            wrong(lambda i, k, p, s: np.floor((i - k + 2 * p) / s + 1)),
            "float-result",
        ),
        "// 1 of a float": (
            lambda i, k, p=0, s=1: (i - k + 2 * p) / s // 1 + 1,
            "float-result",
        ),
        "round, with a check": (
            wrong(lambda i, k, p, s: int(round(1 + (i - k + 2 * p) / s, 0))),
            "round",
        ),
        "ceil by negation": (wrong(lambda i, k, p, s: 1 - (k - i - 2 * p) // s), "ceil"),
        "no brackets, another order": (
            wrong(lambda i, k, p, s: 1 + i - k + 2 * p // s),
            "no-brackets",
        ),
        "padding ignored, with a check": (
            wrong(lambda i, k, p, s: (i - k) // s + 1),
            "padding-ignored",
        ),
        "PyTorch's order of arguments, short names": (size_order, "arguments-in-other-order"),
        "PyTorch's own error": (size_pytorch_error, "other-exception"),
        "IndexError": (size_exit, "other-exception"),
        "NotImplementedError where it does not fit": (size_not_implemented, "stub-left"),
        "the stub's line left": (size_stub_left, "stub-left"),
        "an error that is misspelt": (size_refused(misspelt_error), "error-in-the-raise"),
        "a number added to the text": (size_refused(text_and_number), "error-in-the-raise"),
        "a NameError before the raise": (size_refused(misspelt_before_raise), ""),
        "raise outside of its if": (size_raise_outside, "all-refused"),
        "input and kernel exchanged": (size_exchanged, "fit-inverted"),
        "a tuple of one": (wrong(lambda i, k, p, s: ((i - k + 2 * p) // s + 1,)), "one-tuple"),
        "a size of 1 refused": (size_one_refused, "exact-fit-refused"),
        "half the kernel compared": (size_half_kernel_check, "zero-accepted"),
        "moves cut, then checked": (size_moves_checked, "refused-after-int"),
        "checked, then cut": (size_exact_checked, "refused-before-rounding"),
        "PyTorch's formula without − 1": (
            wrong(lambda i, k, p, s: (i + 2 * p - (k - 1)) // s + 1),
            "one-position-too-many",
        ),
        "the padded row over the stride": (
            wrong(lambda i, k, p, s: math.ceil((i + 2 * p) / s)),
            "every-start-counted",
        ),
        "stride of a pooling layer": (size_like_pool, "stride-is-kernel-by-default"),
        "large paddings, by assert": (
            size_asserts(lambda i, k, p, s: 2 * p <= k),
            "large-padding-refused",
        ),
        "large strides, by assert": (
            size_asserts(lambda i, k, p, s: s <= k),
            "large-stride-refused",
        ),
        "assert with a message": (size_assert_message, "other-exception"),
        "check without padding": (size_refuses_small, "fit-without-padding"),
        "check with one padding": (size_one_padding_check, "fit-without-padding"),
        "prints with a check": (wrong(lambda i, k, p, s: print((i - k) // s + 1)), "no-return"),
        "text where it does not fit": (size_returns_text, "text-for-error"),
        "error dropped": (size_error_dropped, "raise-forgotten"),
        "error dropped, and an else": (size_error_dropped_and_else, "raise-forgotten"),
        "error printed": (size_error_printed, "raise-forgotten"),
        "error returned as a class": (size_error_class_returned, "error-returned"),
        "None after except": (size_none_after_except, "none-for-error"),
        "a text is raised": (size_text_raised, "text-raised"),
        "a sentence": (
            lambda i, k, p=0, s=1: f"It is {(i - k + 2 * p) // s + 1}!",
            "text-result",
        ),
        "remembers too little": size_remembers,
        "refuses what fits": (size_refuses_what_fits, "fit-inverted"),
        "stride at most 3": wrong(lambda i, k, p, s: (i - k + 2 * p) // min(s, 3) + 1),
        "a float tensor": wrong(lambda i, k, p, s: torch.tensor((i - k + 2 * p) // s + 1.0)),
        "stride 2 by default": (size_no_stride_default, "stride-by-default"),
        "stride at most 2": (size_only_stride_two, "only-strides-one-and-two"),
        "-1 where it does not fit": (size_minus_one, "minus-one-for-error"),
        "at least 1": (size_at_least_one, "one-for-error"),
        "always refuses": wrong(lambda *a: int("no")),
        "a pair": (wrong(lambda i, k, p, s: ((i - k + 2 * p) // s + 1,) * 2), "pair-result"),
        "a text": (wrong(lambda i, k, p, s: str((i - k + 2 * p) // s + 1)), "text-result"),
        "a tensor": (
            wrong(lambda i, k, p, s: torch.tensor((i - k + 2 * p) // s + 1)),
            "tensor-result",
        ),
        "a bool": lambda i, k, p=0, s=1: True,
        "a kernel up to 11": lambda i, k, p=0, s=1: size_walk(i, k if k < 12 else i + 99, p, s),
        "a stride up to 7": lambda i, k, p=0, s=1: size_walk(i, k, p, min(s, 7)),
        "every term by itself": (
            wrong(lambda i, k, p, s: i // s - k // s + 2 * p // s + 1),
            "each-term-divided",
        ),
        "PyTorch's formula with K for K − 1": (
            wrong(lambda i, k, p, s: (i + 2 * p - k - 1) // s + 1),
            "last-position-missing",
        ),
        "a loop that stops at the edge": (size_loop_stops_early, "last-position-missing"),
        "padding 1 by default": (
            lambda i, k, p=1, s=1: size_walk(i, k, p, s),
            "padding-by-default",
        ),
        "no size where it does not fit": (size_unbound, ""),
        "plus 2": wrong(lambda i, k, p, s: (i - k + 2 * p) // s + 2),
        "padding squared": wrong(lambda i, k, p, s: (i - k + p**2) // s + 1),
        "check with four paddings": wrong_check(4),
        "only for odd kernels": wrong(lambda i, k, p, s: (i - k // 2 * 2 - 1 + 2 * p) // s + 1),
        "only for 3×3": wrong(lambda i, k, p, s: (i - 3 + 2 * p) // s + 1),
        "only for stride 2": wrong(lambda i, k, p, s: (i - k + 2 * p) // 2 + 1),
    },
    "same_padding": {
        "float after the check": (
            lambda k: padding_by_half(k) * 1.0,
            "float-result",
        ),
        "float without a check": (lambda k: k / 2 - 0.5, "float-result"),
        "both sides, with a check": (lambda k: 2 * padding_by_half(k), "both-sides"),
        "prints the error": (padding_prints_error, "none-for-error"),
        "error dropped": (padding_error_dropped, "raise-forgotten"),
        "only up to 39": lambda k: padding_by_half(k) if k < 39 else 1,
        "TypeError for even": (padding_type_error, "other-exception"),
        "NotImplementedError for even": (padding_not_implemented, "stub-left"),
        "the stub's line left": (padding_stub_left, "stub-left"),
        "an error that is misspelt": (padding_for_even(misspelt_error), "error-in-the-raise"),
        "a number added to the text": (padding_for_even(text_and_number), "error-in-the-raise"),
        "a NameError before the raise": (padding_for_even(misspelt_before_raise), ""),
        "search up to 19": padding_found(range(20)),
        "search up to 19, then nothing": padding_found(range(20), at_the_end=False),
        "search on an image": padding_tried_on_image,
        "search up to 10": (padding_found(range(11)), "large-kernels-refused"),
        "a list of paddings": (
            lambda k: [None, 0, None, 1, None, 2, None, 3][k],
            "large-kernels-missing",
        ),
        "at least 1": (lambda k: padding_by_half(k) or 1, "one-by-one-padded"),
        "two sides for even": (
            lambda k: k // 2 if k % 2 else (k // 2, k // 2 - 1),
            "pair-for-even",
        ),
        "an int after /": (padding_never_int, "all-refused"),
        "a tuple of one": (lambda k: (padding_by_half(k),), "one-tuple"),
        "ceil": (lambda k: math.ceil((k - 1) / 2), "even-rounded-up"),
        "int": (lambda k: int((k - 1) / 2), "even-rounded-down"),
        "round": padding_round,
        "round of a half": (lambda k: round(k / 2), "half-of-kernel-rounded"),
        "the kernel": (lambda k: k, "no-brackets-and-floor"),
        "a recursion that passes the end": (padding_endless_for_even, ""),
        "-1 for even": (lambda k: k // 2 if k % 2 else -1, "minus-one-for-error"),
        "refuses 1": (
            lambda k: padding_by_half(k) if k > 1 else padding_by_half(2),
            "one-by-one-refused",
        ),
        "log": lambda k: int(math.log2(k)),
    },
    "stage_sizes": {
        "floor in a loop": (stages_floor_loop, "halved-and-floored"),
        "input in a loop": (stages_input_loop, "input-listed-too"),
        "a list outside": (stages_kept, "keeps-its-list"),
        "no max-pool, another form": (stages_no_pool, "no-max-pool"),
        "torch.Size": (lambda n: torch.Size(stages_by_append(n)), "tuple-result"),
        "map": (lambda n: map(int, stages_by_append(n)), "iterator-result"),
        "brackets, not square": (lambda n: (s for s in stages_by_append(n)), "iterator-result"),
        "one list outside": (stages_in_one_list, "same-list-every-time"),
        "one list, cleared": (stages_list_cleared, "same-list-every-time"),
        "append assigned": (stages_append_assigned, "append-assigned"),
        "append returned": (stages_append_returned, "no-return"),
        "always from the input": (stages_same_input, "each-from-the-input"),
        "not for large images": lambda n: stages_by_append(n) if n < 1000 else [1] * 5,
        "a set": lambda n: set(stages_by_append(n)),
        "conv4_x padded on one side": stages_conv4_padded_once,
        "a table": stages_table,
        "a dict": (stages_dict, "dict-result"),
        "an array": (lambda n: np.array(stages_by_append(n)), "array-result"),
        "reversed": (lambda n: stages_by_append(n)[::-1], "order-reversed"),
        "six": (lambda n: stages_by_append(n) + [1], "global-pool-listed-too"),
        "not for small images": (stages_not_small, "small-images-refused"),
        "not below 7 pixels": (stages_asserted, "small-images-refused"),
        "zeros below 7 pixels": lambda n: stages_by_append(n) if n >= 7 else [0] * 5,
        "a network, but not for one pixel": lambda n: stages_by_network(n) if n > 1 else [],
        "conv1 of a small image": stages_conv1_small,
        "max-pool left out where it is small": stages_pool_left_out,
        "layers popped from a list outside": (stages_popped, "keeps-its-list"),
        "nothing left in a list outside": (lambda n: [n for _ in ()], "empty-list"),
        "a tuple of one": (lambda n: (stages_by_append(n),), "one-tuple"),
        "strides by default": (stages_default_strides, "each-from-conv1"),
        "half and 1": (stages_half_plus_one, "rounded-up"),
        "half rounded up, from the input": (
            lambda n: [math.floor(n / 2**e + 1 / 2) for e in range(1, 6)],
            "divided-and-rounded-half-up",
        ),
        "PyTorch's order of arguments": (
            stages_pytorch_order((7, 2, 3), *[(3, 2, 1)] * 4),
            "padding-and-stride-swapped",
        ),
        "PyTorch's order of arguments for conv1": (
            stages_pytorch_order((7, 2, 3), *[(3, 1, 2)] * 4),
            "conv1-padding-and-stride-swapped",
        ),
        "conv1 by //": (stages_conv1_halved, "conv1-halved"),
        "not for odd sizes": (stages_multiples, "sizes-refused"),
        "a text": (lambda n: str(stages_by_append(n)), "text-result"),
        "texts": (lambda n: [f"{size}" for size in stages_by_append(n)], "texts-in-the-list"),
        "a list of lists": lambda n: [[size] for size in stages_by_append(n)],
        "empty": (lambda n: [], "empty-list"),
        "the sizes for 224, scaled": (
            lambda n: [round(size * n / 224) for size in (112, 56, 28, 14, 7)],
            "divided-and-rounded",
        ),
        "conv1, then //": (stages_halved_after(1), "only-conv1-by-the-formula"),
        "conv1 and max-pool, then //": (stages_halved_after(2), "stages-halved"),
        "max-pool without padding that rounds up": (
            stages_pool(lambda n: -(-(n - 3) // 2) + 1),
            "max-pool-two",
        ),
        "max-pool without + 1": (
            stages_pool(lambda n: (n - 3 + 2) // 2),
            "max-pool-no-padding",
        ),
        "one padding for all": (stages_padded(3), "padding-3-everywhere"),
        "padding for conv1 alone": (stages_padded(0), "only-conv1-padded"),
    },
    "count_parameters": {
        "a bias for each input channel": (
            lambda i, o, k, b: i * (o * k * k + b),
            "bias-per-input",
        ),
        "no square": (lambda i, o, k, b: o * (i * k + b), "kernel-not-squared"),
        "weights only": (lambda i, o, k, b: i * o * k * k, "bias-ignored"),
        "bias is None": (
            lambda i, o, k, b: i * o * k * k + (o if b is not None else 0),
            "bias-always",
        ),
        "only for 3×3": lambda i, o, k, b: i * o * 9 + o * b,
        "sum of all": lambda i, o, k, b: i + o + k + b,
        "a text": (lambda i, o, k, b: f"{i * o * k * k + o * b:,}", "text-result"),
        "another layer": (parameters_of_other_layer, "bias-per-input"),
        "arguments in another order": (parameters_other_order, "arguments-in-other-order"),
        "no else": (parameters_no_else, "none-without-bias"),
        "0 without bias": (
            lambda i, o, k, b: i * o * k * k + o if b else 0,
            "zero-without-bias",
        ),
        "integers of 16 bits": lambda i, o, k, b: int(
            np.int16(i) * np.int16(o) * np.int16(k) ** 2 + np.int16(o * b)
        ),
        "cubed": lambda i, o, k, b: i * o * k**3 + o * b,
        "always square channels": lambda i, o, k, b: o * o * k * k + o * b,
        "bias in the brackets": (
            lambda i, o, k, b: o * k * k * (i + 1) if b else o * k * k * i,
            "bias-in-every-weight",
        ),
        "weights and biases": (lambda i, o, k, b: (i * o * k * k, o * b), "two-counts"),
        "bias k times": lambda i, o, k, b: o * i * k * k + o * k * b,
        "only with bias": (
            lambda i, o, k, b: o * i * k * k + o if b else None,
            "none-without-bias",
        ),
        "asks a bias that is None": (parameters_of_weight_and_bias, "error-without-bias"),
        "one filter": (
            lambda i, o, k, b: k * k * i + 1 if b else k * k * i,
            "one-filter-with-its-bias",
        ),
        "^, the kernel first": (
            lambda i, o, k, b: (k ^ 2 * o * i) + (o if b else 0),
            "caret-behind-the-kernel",
        ),
        "^, the kernel first, in one sum": (
            lambda i, o, k, b: k ^ 2 * i * o + b * o,
            "caret-behind-the-kernel-and-before-plus",
        ),
    },
    "multiply_adds": {
        "2 FLOPs": (lambda i, o, k, n: n * n * o * i * k * k * 2, "counted-twice"),
        "one row": (lambda i, o, k, n: n * o * i * k * k, "output-not-squared"),
        "with bias": (lambda i, o, k, n: n * n * (o * i * k * k + o), "bias-counted"),
        "only for 3×3": lambda i, o, k, n: i * o * 9 * n * n,
        "bias once": (lambda i, o, k, n: n * n * o * i * k * k + o, "bias-counted-once"),
        "ReLU": (lambda i, o, k, n: i * o * k**2 * n**2 + o * n**2, "bias-counted"),
        "as many papers count": (
            lambda i, o, k, n: 2 * n**2 * (i * k**2 + 1) * o,
            "flops-with-bias",
        ),
        "depthwise where the channels are equal": lambda i, o, k, n: (
            (o if i == o else i * o) * k**2 * n**2
        ),
        "^, the kernel first": (
            lambda i, o, k, n: k ^ 2 * o * i * n ^ 2,
            "caret-behind-the-kernel",
        ),
        "^, weights first": (
            lambda i, o, k, n: (i * o * k ^ 2) * n ^ 2,
            "caret-in-two-steps",
        ),
        "^, one number first": (
            lambda i, o, k, n: (k * i ^ 2) * o * n ^ 2,
            "caret-for-one-number",
        ),
        "kernel slides by itself": (
            lambda i, o, k, n: (n // k) ** 2 * o * i * k * k,
            "positions-of-a-kernel-step",
        ),
        "NumPy integers of 32 bits": (
            lambda *n: np.prod([*n, n[2], n[3]], dtype=np.int32),
            "integers-of-32-bits",
        ),
        "a tensor of 32-bit integers": (
            lambda i, o, k, n: int(torch.tensor(i * o * k * k, dtype=torch.int32) * n * n),
            "integers-of-32-bits",
        ),
        "a tensor of floats": (
            lambda *n: int(torch.tensor([*n, n[2], n[3]], dtype=torch.float32).prod()),
            "floats-of-32-bits",
        ),
        "a tensor of floats, another order": (
            lambda i, o, k, n: round((torch.tensor(1.0 * n) * n * k * k * o * i).item()),
            "floats-of-32-bits",
        ),
        "a NumPy float of 32 bits": (
            lambda i, o, k, n: np.float32(i) * o * k * k * n * n,
            "float-result-of-32-bits",
        ),
        "floats of 16 bits": lambda *n: int(np.prod([*n, n[2], n[3]], dtype=np.float16)),
        "cubed": lambda i, o, k, n: n**3 * o * i * k * k,
        "a text": (lambda i, o, k, n: f"{n * n * o * i * k * k:,}", "text-result"),
        "input instead of output channels": lambda i, o, k, n: n * n * i * i * k * k,
        "smaller by the kernel": (
            lambda i, o, k, n: (n - k + 1) ** 2 * o * i * k * k,
            "output-made-smaller",
        ),
    },
    "receptive_field": {
        "forward recursion": (field_forward_recursion, "order-reversed"),
        "the library's function by its name": (field_of_the_library, "calls-itself"),
        "r·S + K − 1, from the first layer": (
            lambda layers: functools.reduce(
                lambda r, layer: r * layer[1] + layer[0] - 1, layers, 1
            ),
            "forwards-times-stride",
        ),
        "own stride, in one line": (field_early, "own-stride-too-early"),
        "reverses the list in place": (field_reverse_in_place, "list-reversed"),
        "global numbers": (field_global, "keeps-its-numbers"),
        "a global distance": (field_global_distance, "keeps-its-distance"),
        "strides of earlier calls": (field_strides_kept, "keeps-its-distance"),
        "overwrites the list": (field_written_into_the_list, "list-changed"),
        "removes a layer": (field_without_1x1, "list-changed"),
        "fills the empty list": (field_never_empty, "list-changed"),
        "sorts the list": (field_sorted, "list-changed"),
        "begins with the first kernel": (field_from_the_first, "first-stride-forgotten"),
        "field and distance": (field_with_the_distance, "field-and-distance"),
        "adds the distance at the end": (field_plus_the_distance, "backwards-minus-one"),
        "the radius": (field_by_radius, "odd-kernels-only"),
        "continue for 1×1": (field_without_small_kernels, "stride-of-1x1-skipped"),
        "K times the distance, less 1": (
            lambda layers: (
                field_backwards(layers)
                + sum(math.prod(s for _, s in layers[:n]) - 1 for n in range(len(layers)))
            ),
            "no-brackets-behind-the-kernel",
        ),
        "doubles at each stride": (field_doubled, "any-stride-taken-for-two"),
        "unpacks an empty list": (field_of_columns, "empty-list-fails"),
        "refuses an empty list": (field_refuses_nothing, "empty-list-refused"),
        "starts with the first layer": (field_first_layer, "empty-list-fails"),
        "returns after the last layer": (field_late_return, "empty-list-none"),
        "area by product": (field_area, "area"),
        "strides ignored": (
            lambda layers: sum(k for k, _ in layers) - len(layers) + 1,
            "strides-ignored",
        ),
        "strides added from 0": field_minus_stride,
        "a float": (lambda layers: field_backwards(layers) / 1, "float-result"),
        "kernel of the last": lambda layers: layers[-1][0] if layers else 1,
        "largest kernel": lambda layers: max((k for k, _ in layers), default=1),
        "all strides": (
            lambda layers: 1 + sum(k - 1 for k, _ in layers) * math.prod(s for _, s in layers),
            "all-strides",
        ),
        "a pair": (lambda layers: (field_backwards(layers),) * 2, "pair-result"),
        "= for +=": (field_of_the_last, "sum-replaced"),
        "1 times the distance": (field_no_brackets, "no-brackets"),
        "no stride above 3": lambda layers: field_backwards(
            [(k, min(s, 3)) for k, s in layers]
        ),
        "no stride above 2": lambda layers: field_backwards(
            [(k, min(s, 2)) for k, s in layers]
        ),
        "0 for an empty list by sum": (
            lambda layers: field_backwards(layers) * bool(layers),
            "empty-list-zero",
        ),
    },
    "torchvision_name": {
        "PyTorch's batch_norm": (
            lambda name: name.replace("batchnorm", "batch_norm"),
            "norm-left",
        ),
        "norm left out": (lambda name: name.replace("norm", ""), "norm-left"),
        "bn for batch": (lambda name: name.replace("batch", "bn"), "batch-only"),
        "bn for norm": (
            lambda name: name.replace("batch", "").replace("norm", "bn"),
            "counter-broken",
        ),
        "the second only": (lambda name: re.sub("batchnorm(?=2)", "bn", name), "example-only"),
        "names of blocks": (name_only_blocks, "parts-counted"),
        "a match that is None": (name_by_match, "others-fail"),
        "a tuple of one": (lambda name: (name_by_find(name),), "one-tuple"),
        "the other way round": (lambda name: name.replace("bn", "batchnorm"), "unchanged"),
        "result thrown away": (
            lambda name: (name.replace("batchnorm", "bn"), name)[1],
            "unchanged",
        ),
        "one at a time": (
            lambda name: name.replace("batchnorm1", "bn1", 1),
            "first-only",
        ),
        "a loop that begins anew": (name_loop_begins_anew, "last-only"),
        "starts with": (
            lambda name: "bn" + name[9:] if name.startswith("batchnorm") else name,
            "stem-only",
        ),
        "one digit for the block": name_only_one_digit,
        "only ResNet-18": lambda name: _OF_18[name],
        "not the 35th block": lambda name: (
            name if name.startswith("layer3.35.") else name_by_find(name)
        ),
        "nothing for other names": (
            lambda name: name_by_find(name) if "batchnorm" in name else None,
            "none-for-others",
        ),
        "renames a statistic": lambda name: name_by_find(name).replace("running_var", "var"),
        "renames the projection": lambda name: name_by_find(name).replace(
            "e.0.weight", "e.conv"
        ),
        "bytes": lambda name: name_by_find(name).encode(),
        "strips letters": lambda name: name.lstrip("batchnorm"),
        "always bn1": lambda name: re.sub(r"batchnorm\d", "bn1", name),
        "weights only": lambda name: name_by_find(name).replace("bias", "weight"),
        "parts": (lambda name: name_by_find(name).split("."), "not-joined"),
        "with a point": lambda name: name.replace("batchnorm", "bn."),
        "fc renamed": lambda name: name_by_find(name).replace("fc.", "classifier."),
        "convolutions renamed": lambda name: re.sub(
            r"conv(\d)", r"conv2d_\1", name_by_find(name)
        ),
        "shortcut": (
            lambda name: name_by_find(name).replace("downsample", "shortcut"),
            "shortcut-renamed",
        ),
        "downsample only": lambda name: name.replace("downsample", "shortcut"),
    },
}


class Hostile:
    """A result that nobody can compare, print or hash."""

    def __eq__(self, other):
        raise RuntimeError("not comparable")

    def __repr__(self):
        raise RuntimeError("not printable")

    __hash__ = __str__ = __int__ = __float__ = __index__ = __bool__ = __len__ = __repr__

    @property
    def __class__(self):
        raise RuntimeError("no class")


class HostileList(list):
    def __len__(self):
        raise RuntimeError

    def __iter__(self):
        while True:
            yield 1

    def __getitem__(self, key):
        raise RuntimeError

    def __eq__(self, other):
        return True


class HostileInt(int):
    def __eq__(self, other):
        return True

    def __int__(self):
        raise RuntimeError("no int")

    def __repr__(self):
        raise RuntimeError

    __hash__ = None


class HostileText(str):
    def __eq__(self, other):
        return True

    def __repr__(self):
        raise RuntimeError

    __hash__ = None


class HostileError(Exception):
    def __str__(self):
        raise RuntimeError


def endless(*arguments, **named):
    while True:
        try:
            pass
        except BaseException:
            pass


def endless_recursion(*arguments, **named):
    return endless_recursion(*arguments, **named)


def spoils_its_input(layers):
    layers[:] = [(Hostile(), Hostile())]
    return 1


def contains_itself(*arguments):
    result = []
    result.append(result)
    return result


def raises(error):
    def answer(*arguments, **named):
        raise error

    return answer


def stub(*arguments, **named):
    raise NotImplementedError


def stub_with_text(input_size, kernel_size, padding=0, stride=1):
    """The output size."""
    ...


async def asynchronous(*arguments, **named):
    return 1


class BadSignature:
    @property
    def __signature__(self):
        raise RuntimeError("no signature")

    def __call__(self, *arguments, **named):
        return 5


_count = itertools.count()

BAD = {
    ("output_size", "None"): None,
    ("output_size", "a number"): 3,
    ("output_size", "a class"): Hostile,
    ("output_size", "an object that is not callable"): Hostile(),
    ("output_size", "stub"): stub,
    ("output_size", "stub with docstring"): stub_with_text,
    ("output_size", "hostile result"): lambda *a, **n: Hostile(),
    ("output_size", "hostile int"): lambda *a, **n: HostileInt(4),
    ("output_size", "endless loop"): endless,
    ("output_size", "endless recursion"): endless_recursion,
    ("output_size", "sys.exit"): lambda *a, **n: sys.exit(3),
    ("output_size", "KeyboardInterrupt"): raises(KeyboardInterrupt()),
    ("output_size", "an error that has no text"): raises(HostileError()),
    ("output_size", "no arguments"): lambda: 4,
    ("output_size", "asynchronous"): asynchronous,
    ("output_size", "no signature"): BadSignature(),
    ("output_size", "another number every time"): lambda *a, **n: next(_count),
    ("output_size", "a huge int"): lambda *a, **n: 10**100_000,
    ("output_size", "nan"): lambda *a, **n: math.nan,
    ("same_padding", "infinity"): lambda k: math.inf,
    ("same_padding", "int of infinity"): lambda k: int(math.inf),
    ("same_padding", "a typo"): lambda k: (kernal_size - 1) // 2,  # noqa: F821
    ("stage_sizes", "an enormous list"): lambda n: [n] * 10**6,
    ("stage_sizes", "an endless generator"): lambda n: itertools.count(n),
    ("stage_sizes", "a list that contains itself"): contains_itself,
    ("stage_sizes", "a hostile list"): lambda n: HostileList([112, 56, 28, 14, 7.0]),
    ("stage_sizes", "hostile entries"): lambda n: [Hostile()] * 5,
    ("count_parameters", "a set of hostile ints"): lambda *a: {1: HostileInt(3)},
    ("count_parameters", "NotImplemented"): lambda *a: NotImplemented,
    ("multiply_adds", "complex"): lambda *a: 1j,
    ("receptive_field", "spoils its input"): spoils_its_input,
    ("receptive_field", "pops too much"): lambda layers: [layers.pop() for _ in range(99)],
    ("torchvision_name", "an enormous text"): lambda name: name * 10**6,
    ("torchvision_name", "a hostile text"): lambda name: HostileText(name),
    ("torchvision_name", "half a character"): lambda name: "\ud800",
    ("torchvision_name", "a type"): str,
}
