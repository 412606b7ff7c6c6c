"""Answers to the exercises on blocks: right ones in other forms, wrong ones, and broken ones."""

import copy
import sys
import time

import torch
from torch import nn
from torch.nn import functional as F
from torch.utils.checkpoint import checkpoint

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck


def norm(channels):
    return nn.BatchNorm2d(channels)


def conv(into, out, kernel=3, stride=1, bias=False, padding=None):
    return nn.Conv2d(
        into, out, kernel, stride, kernel // 2 if padding is None else padding, bias=bias
    )


def make(kind, forward=None, init=None, **attributes):
    """A block of a kind (basic, neck, plain), written as students do, with one thing changed."""
    expansion = {"basic": 1, "neck": 4, "plain": None}[kind]

    class Block(nn.Module):
        def __init__(self, inplanes, planes, s=1, down=None):
            super().__init__()
            if kind == "neck":
                self.c1, self.b1 = conv(inplanes, planes, 1), norm(planes)
                self.c2, self.b2 = conv(planes, planes, 3, s), norm(planes)
                self.c3, self.b3 = conv(planes, planes * 4, 1), norm(planes * 4)
            else:
                self.c1, self.b1 = conv(inplanes, planes, 3, s), norm(planes)
                self.c2, self.b2 = conv(planes, planes), norm(planes)
            self.act = nn.ReLU()
            self.down = down
            if init:
                init(self, inplanes, planes, s)

        def body(self, x):
            out = self.act(self.b1(self.c1(x)))
            out = self.b2(self.c2(out))
            return self.b3(self.c3(self.act(out))) if kind == "neck" else out

        def side(self, x):
            return self.down(x) if self.down is not None else x

        def forward(self, x):
            if forward:
                return forward(self, x)
            if kind == "plain":
                return self.act(self.body(x))
            return self.act(self.body(x) + self.side(x))

    if expansion:
        Block.expansion = expansion
    for name, value in attributes.items():
        setattr(Block, name, value)
    return Block


def sequential(kind):
    class Block(nn.Module):
        expansion: int = 4 if kind == "neck" else 1

        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__()
            if kind == "neck":
                layers = [conv(in_channels, channels, 1), norm(channels), nn.ReLU(inplace=True)]
                layers += [
                    conv(channels, channels, 3, stride),
                    norm(channels),
                    nn.ReLU(inplace=True),
                ]
                layers += [conv(channels, 4 * channels, 1), norm(4 * channels)]
            else:
                layers = [conv(in_channels, channels, 3, stride), norm(channels), nn.ReLU(True)]
                layers += [conv(channels, channels), norm(channels)]
            self.branch = nn.Sequential(*layers)
            self.shortcut = downsample if downsample is not None else nn.Identity()

        def forward(self, x):
            out = self.branch(x)
            if kind != "plain":
                out += self.shortcut(x)
            return F.relu(out, inplace=True)

    return Block


def functional(kind):
    """Convolutions and batch norms as functions of parameters of its own."""

    class Block(nn.Module):
        expansion = 4 if kind == "neck" else 1

        def __init__(self, i, c, stride=1, downsample=None):
            super().__init__()
            sizes = [(c, i, 3), (c, c, 3)]
            if kind == "neck":
                sizes = [(c, i, 1), (c, c, 3), (4 * c, c, 1)]
            self.w = nn.ParameterList(
                [nn.Parameter(torch.randn(o, n, k, k) / 9) for o, n, k in sizes]
            )
            self.g = nn.ParameterList([nn.Parameter(torch.ones(o)) for o, _, _ in sizes])
            self.h = nn.ParameterList([nn.Parameter(torch.zeros(o)) for o, _, _ in sizes])
            for number, (o, _, _) in enumerate(sizes):
                self.register_buffer(f"m{number}", torch.zeros(o))
                self.register_buffer(f"v{number}", torch.ones(o))
            self.where = 1 if kind == "neck" else 0
            self.stride, self.downsample = stride, downsample

        def forward(self, x):
            out = x
            for n, w in enumerate(self.w):
                out = F.conv2d(
                    out, w, None, self.stride if n == self.where else 1, w.shape[-1] // 2
                )
                mean, variance = getattr(self, f"m{n}"), getattr(self, f"v{n}")
                out = F.batch_norm(out, mean, variance, self.g[n], self.h[n], self.training)
                if n + 1 < len(self.w):
                    out = out.clamp(min=0)
            if kind != "plain":
                out = out + (self.downsample(x) if self.downsample else x)
            return torch.maximum(out, torch.zeros_like(out))

    return Block


def lazy(kind):
    class Block(nn.Module):
        expansion = 4 if kind == "neck" else 1

        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__()
            if kind == "neck":
                sizes = [(channels, 1, 1), (channels, 3, stride), (channels * 4, 1, 1)]
            else:
                sizes = [(channels, 3, stride), (channels, 3, 1)]
            self.convs = nn.ModuleList(
                [nn.LazyConv2d(c, k, s, k // 2, bias=False) for c, k, s in sizes]
            )
            self.norms = nn.ModuleList([nn.BatchNorm2d(c) for c, _, _ in sizes])
            self.downsample = downsample

        def forward(self, x):
            out = x
            for number, (c, n) in enumerate(zip(self.convs, self.norms)):
                out = n(c(out))
                if number < len(self.convs) - 1:
                    out = torch.relu(out)
            if kind == "plain":
                return out.relu()
            return torch.relu((x if self.downsample is None else self.downsample(x)) + out)

    return Block


def keyword_only(kind):
    base = make(kind)

    class Block(base):
        def __init__(self, in_channels, channels, *, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride, downsample)

    return Block


def initialised(kind):
    def init(self, i, c, s):
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")
        nn.init.zeros_(self.b2.weight)
        self.calls = 0

    def forward(self, x):
        print(x.shape)  # a print left over
        self.calls += 1
        if kind == "plain":
            return self.act(self.body(x))
        identity = x.clone()
        if self.down:
            identity = self.down(x)
        identity = identity + self.body(x)
        return F.relu(identity)

    return make(kind, forward, init)


def torch_sum(self, x):
    return torch.stack([self.side(x), self.body(x)]).sum(0).relu()


def _torchvision(name):
    from torchvision.models import resnet

    return getattr(resnet, name)


class Pixelwise(nn.Module):
    """A 1×1 convolution as a linear layer over the channels of each pixel."""

    def __init__(self, into, out):
        super().__init__()
        self.linear = nn.Linear(into, out, bias=False)

    def forward(self, x):
        return self.linear(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)


def _linear(self, i, c, s):
    self.c1, self.c3 = Pixelwise(i, c), Pixelwise(c, 4 * c)


def applied(layer, x):
    return layer(x)


def by_hand(kind, convolve=applied, normalise=applied, init=None):
    """The branch in a loop, each layer applied by a function of (layer, x)."""
    last = 3 if kind == "neck" else 2

    def body(self, x):
        for number in range(1, last + 1):
            x = convolve(getattr(self, f"c{number}"), x)
            x = normalise(getattr(self, f"b{number}"), x)
            if number < last:
                x = F.relu(x)
        return x

    return make(kind, init=init, body=body)


def positional_norm(b, x):
    statistics = b.running_mean, b.running_var
    return F.batch_norm(x, *statistics, b.weight, b.bias, b.training, 0.1, 1e-5)


def torch_norm(b, x):
    statistics = b.running_mean, b.running_var
    return torch.batch_norm(x, b.weight, b.bias, *statistics, b.training, 0.1, 1e-5, False)


def keyword_norm(b, x):
    return F.batch_norm(
        input=x,
        bias=b.bias,
        weight=b.weight,
        running_var=b.running_var,
        running_mean=b.running_mean,
        training=b.training,
    )


def unfolded(c, x):
    """A convolution as one product of matrices."""
    size = c.kernel_size[0]
    patches = F.unfold(x, size, padding=c.padding, stride=c.stride)
    sides = [(side + 2 * c.padding[0] - size) // c.stride[0] + 1 for side in x.shape[2:]]
    return (c.weight.flatten(1) @ patches).view(len(x), -1, *sides)


def shifted(c, x):
    """A convolution as a sum of 1×1 convolutions, one for each place of the kernel."""
    size, step = c.kernel_size[0], c.stride[0]
    x = F.pad(x, [c.padding[0]] * 4)
    height, width = ((side - size) // step * step + 1 for side in x.shape[2:])
    return sum(
        F.conv2d(
            x[:, :, i : i + height : step, j : j + width : step],
            c.weight[:, :, i : i + 1, j : j + 1],
        )
        for i in range(size)
        for j in range(size)
    )


def summed(c, x):
    """1×1 convolutions by einsum."""
    if c.kernel_size != (1, 1):
        return torch.convolution(
            x, c.weight, None, c.stride, c.padding, (1, 1), False, (0, 0), 1
        )
    return torch.einsum("oc,nchw->nohw", c.weight[:, :, 0, 0], x)


def padded_by_hand(c, x):
    images, channels, height, width = x.shape
    edge = c.padding[0]
    larger = torch.zeros(images, channels, height + 2 * edge, width + 2 * edge)
    larger[:, :, edge : edge + height, edge : edge + width] = x
    return F.conv2d(larger, c.weight, None, c.stride)


class HandNorm(nn.Module):
    def __init__(self, channels, momentum=0.1, unbiased=True):
        super().__init__()
        self.gamma = nn.Parameter(torch.ones(1, channels, 1, 1))
        self.beta = nn.Parameter(torch.zeros(1, channels, 1, 1))
        self.register_buffer("mean", torch.zeros(1, channels, 1, 1))
        self.register_buffer("var", torch.ones(1, channels, 1, 1))
        self.momentum, self.unbiased = momentum, unbiased

    def forward(self, x):
        mean, var = self.mean, self.var
        if self.training:
            mean = x.mean((0, 2, 3), keepdim=True)
            var = x.var((0, 2, 3), unbiased=False, keepdim=True)
            kept = x.detach().var((0, 2, 3), unbiased=self.unbiased, keepdim=True)
            self.mean.lerp_(mean.detach(), self.momentum)
            self.var.lerp_(kept, self.momentum)
        return (x - mean) / torch.sqrt(var + 1e-5) * self.gamma + self.beta


class ReboundNorm(HandNorm):
    """It puts new tensors in the place of its buffers."""

    def forward(self, x):
        if not self.training:
            return super().forward(x)
        var, mean = torch.var_mean(x, (0, 2, 3), unbiased=False, keepdim=True)
        with torch.no_grad():
            kept = x.var((0, 2, 3), keepdim=True)
            self.mean = 0.9 * self.mean + 0.1 * mean
            self.var = 0.9 * self.var + 0.1 * kept
        return (x - mean) / torch.sqrt(var + 1e-5) * self.gamma + self.beta


class PairedNorm(nn.Module):
    """Both running statistics in one buffer."""

    def __init__(self, channels):
        super().__init__()
        self.register_parameter("g", nn.Parameter(torch.ones(channels)))
        self.register_parameter("h", nn.Parameter(torch.zeros(channels)))
        self.register_buffer("both", torch.stack([torch.zeros(channels), torch.ones(channels)]))

    def forward(self, x):
        return F.batch_norm(x, self.both[0], self.both[1], self.g, self.h, self.training)


class LastAxisFirst(nn.Module):
    """A convolution whose kernel is (height, width, in, out), as TensorFlow stores it."""

    def __init__(self, old):
        super().__init__()
        self.kernel = nn.Parameter(old.weight.detach().permute(2, 3, 1, 0).contiguous())
        self.stride, self.padding = old.stride, old.padding

    def forward(self, x):
        return F.conv2d(x, self.kernel.permute(3, 2, 0, 1), None, self.stride, self.padding)


class OverPixels(nn.Module):
    """A 1×1 convolution as one over a row of pixels."""

    def __init__(self, old):
        super().__init__()
        self.row = nn.Conv1d(old.in_channels, old.out_channels, 1, bias=False)

    def forward(self, x):
        return self.row(x.flatten(2)).unflatten(2, x.shape[2:])


def replaced(letter, new, moved=False):
    """An init that puts ``new(old layer)`` in the place of the layers b1, b2, … or c1, c2, …"""

    def init(self, i, c, s):
        for number in (1, 2, 3):
            name = f"{letter}{number}"
            if old := getattr(self, name, None):
                if moved:
                    delattr(self, name)
                setattr(self, name, new(old))

    return init


def over_pixels(self, i, c, s):
    self.c1, self.c3 = OverPixels(self.c1), OverPixels(self.c3)


def needs_a_projection(kind):
    """Where the shapes change and no downsample is given, it refuses at once."""

    class Block(make(kind)):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            changes = stride != 1 or in_channels != channels * self.expansion
            if changes and downsample is None:
                raise ValueError(f"x has another shape than F(x) with stride {stride}")
            super().__init__(in_channels, channels, stride, downsample)

    return Block


def in_other_words(kind):
    """Right, with other functions than those of the layers."""
    return {
        "batch norm as a function, by position": by_hand(kind, normalise=positional_norm),
        "torch.batch_norm": by_hand(kind, normalise=torch_norm),
        "batch norm as a function, by name": by_hand(kind, normalise=keyword_norm),
        "unfold and a product": by_hand(kind, unfolded),
        "a sum of shifted convolutions": by_hand(kind, shifted),
        "einsum, torch.convolution": by_hand(kind, summed),
        "zeros around the image": by_hand(kind, padded_by_hand),
        "a batch norm of its own": by_hand(
            kind, init=replaced("b", lambda old: HandNorm(old.num_features))
        ),
        "a batch norm of its own, registered last": by_hand(
            kind, unfolded, init=replaced("b", lambda old: HandNorm(old.num_features), True)
        ),
        "a batch norm of its own, with new tensors as buffers": by_hand(
            kind, init=replaced("b", lambda old: ReboundNorm(old.num_features))
        ),
        "both statistics in one buffer": by_hand(
            kind, init=replaced("b", lambda old: PairedNorm(old.num_features))
        ),
        "kernels as TensorFlow has them": by_hand(kind, init=replaced("c", LastAxisFirst)),
        "x.float()": make(kind, lambda s, x: _whole(kind, s, x.float())),
    }


def _whole(kind, block, x):
    return F.relu(block.body(x) + (0 if kind == "plain" else block.side(x)))


def saves_memory(kind, **options):
    """The branch computed twice, to store less: torch.utils.checkpoint."""

    def forward(self, x):
        out = checkpoint(self.body, x, **options)
        return F.relu(out if kind == "plain" else out + self.side(x))

    return make(kind, forward)


def right(kind):
    answers = in_other_words(kind) | {
        "checkpoint": saves_memory(kind, use_reentrant=False),
        "checkpoint, the older form": saves_memory(kind, use_reentrant=True),
        "other names, positional": make(kind),
        "Sequential branch, in-place sum and ReLU": sequential(kind),
        "functional layers with its own parameters": functional(kind),
        "lazy convolutions in a ModuleList": lazy(kind),
        "stride and downsample by keyword only": keyword_only(kind),
        "own initialisation, counts its calls, prints": initialised(kind),
    }
    if kind == "neck":
        answers["1×1 convolutions as linear layers"] = make("neck", init=_linear)
        answers["1×1 convolutions over rows of pixels"] = make("neck", init=over_pixels)
    if kind != "plain":
        answers["refuses a missing projection at once"] = needs_a_projection(kind)
        answers["sum of a stack"] = make(kind, torch_sum)
        answers["torch.add, other order"] = make(
            kind, lambda self, x: F.relu(torch.add(self.side(x), self.body(x)))
        )
        answers["ReLU by where"] = make(
            kind,
            lambda self, x: (lambda y: torch.where(y > 0, y, 0 * y))(
                self.body(x) + self.side(x)
            ),
        )
        answers["torchvision's"] = _torchvision(
            "Bottleneck" if kind == "neck" else "BasicBlock"
        )
        answers["ReLU as LeakyReLU with slope 0"] = make(
            kind, lambda self, x: F.leaky_relu(self.body(x) + self.side(x), 0.0)
        )
    return answers


class HandsOn(ResidualBasicBlock):
    """The library's block, its arguments handed on by name."""

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__(in_channels, channels, downsample=downsample, stride=stride)


class Matrices(make("neck")):
    """The weights of its 1×1 convolutions are matrices, which forward makes into kernels."""

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__(in_channels, channels, stride, downsample)
        del self.c1, self.c3
        self.down_to = nn.Parameter(torch.randn(channels, in_channels) / 9)
        self.up_to = nn.Parameter(torch.randn(4 * channels, channels) / 9)

    def body(self, x):
        out = self.act(self.b1(F.conv2d(x, self.down_to[:, :, None, None])))
        out = self.act(self.b2(self.c2(out)))
        return self.b3(F.conv2d(out, self.up_to.unsqueeze(-1).unsqueeze(-1)))


RIGHT = {
    "basic_block": right("basic") | {"hands its arguments on": HandsOn},
    "bottleneck": right("neck") | {"matrices for the 1×1": Matrices},
    "plain_block": right("plain"),
}


def _cached(self, x):
    out = self.body(x)
    self.old = (
        getattr(self, "old", None) if getattr(self, "old", None) is not None else self.side(x)
    )
    return (
        self.act(out + self.old)
        if self.old.shape == out.shape
        else self.act(out + self.side(x))
    )


def _works_once(self, x):
    if getattr(self, "used", False):
        return x
    self.used = True
    return self.act(self.body(x) + (self.side(x) if hasattr(self, "down") else 0))


def _own_forward_layer(self, x):
    extra = conv(x.shape[1], x.shape[1]).to(x.dtype)
    return self.act(self.body(extra(x)) + self.side(x))


def _attribute(name, value):
    def init(self, i, c, s):
        setattr(self, name, value(i, c, s))

    return init


def _data(self, x):
    return self.act(self.body(x) + self.side(x).data)


def _no_grad_side(self, x):
    with torch.no_grad():
        side = self.side(x)
    return self.act(side + self.body(x))


def _in_place(self, x):
    identity = x
    out = self.body(x)
    if self.down is not None:
        identity = self.down(x)
    identity += out
    return self.act(identity)


def _overwritten(self, x):
    identity = self.side(x)
    x = self.body(x)
    x += x
    return self.act(x)


def _detached_input(self, x):
    return self.act(self.body(x) + self.side(x.detach()))


def _in_place_without_downsample(self, x):
    shortcut = x
    x = self.body(x)
    shortcut += x
    return F.relu(shortcut, inplace=True)


def hands_on(kind, given, after=lambda block, stride: None):
    """The book's block, as a class whose __init__ hands on to it what ``given`` makes of the four arguments."""
    base = ResidualBottleNeck if kind == "neck" else ResidualBasicBlock

    class HandsOn(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(*given(in_channels, channels, stride, downsample))
            after(self, stride)

    return HandsOn


def set_stride(block, stride):
    (block.conv2 if block.expansion == 4 else block.conv1).stride = (stride, stride)


def wrong_shortcut(kind):
    out = 4 if kind == "neck" else 1
    return {
        "no shortcut, in other words": (
            make(kind, lambda s, x: F.relu(s.body(x))),
            "no-shortcut",
        ),
        "no last ReLU, torch.add": (
            make(kind, lambda s, x: torch.add(s.side(x), s.body(x))),
            "no-last-relu",
        ),
        "ReLU on the branch only": (
            make(kind, lambda s, x: s.side(x) + s.body(x).clamp(min=0)),
            "relu-before-add",
        ),
        ".data on the shortcut": (make(kind, _data), "shortcut-detached"),
        "no_grad on the shortcut": (make(kind, _no_grad_side), "projection-detached"),
        "identity += out": (make(kind, _in_place), "input-changed"),
        "x += out, no downsample": (
            make(kind, lambda s, x: F.relu(x.add_(s.body(x)))),
            "input-changed-without-downsample",
        ),
        "identity = x, x overwritten, identity += x, ReLU in place, no downsample": (
            make(kind, _in_place_without_downsample),
            "input-changed-with-relu-without-downsample",
        ),
        "downsample and stride not handed on": (
            hands_on(kind, lambda i, c, s, d: (i, c)),
            "stride-and-downsample-lost",
        ),
        "downsample not handed on": (
            hands_on(kind, lambda i, c, s, d: (i, c, s)),
            "downsample-lost",
        ),
        "downsample not handed on, the stride set again": (
            hands_on(kind, lambda i, c, s, d: (i, c), set_stride),
            "downsample-lost",
        ),
        "stride not handed on": (
            hands_on(kind, lambda i, c, s, d: (i, c, 1, d)),
            "stride-ignored",
        ),
        "downsample kept, not applied": (
            make(kind, lambda s, x: F.relu(s.body(x) + x), downsample=None),
            "downsample-ignored",
        ),
        "x += x": (make(kind, _overwritten), "branch-added-to-itself"),
        "second norm declared, never used": (
            make(
                kind,
                lambda s, x: F.relu(
                    (
                        s.b3(s.c3(s.act(s.c2(s.act(s.b1(s.c1(x)))))))
                        if kind == "neck"
                        else s.c2(s.act(s.b1(s.c1(x))))
                    )
                    + s.side(x)
                ),
            ),
            "no-second-batchnorm",
        ),
        "bias in one convolution": (
            make(
                kind,
                init=_attribute(
                    "c1",
                    lambda i, c, s: conv(
                        i, c, 1 if kind == "neck" else 3, 1 if kind == "neck" else s, True
                    ),
                ),
            ),
            "conv-bias",
        ),
        "bias and no shortcut": (
            make(
                kind,
                lambda s, x: F.relu(s.body(x)),
                _attribute(
                    "c1",
                    lambda i, c, s: conv(
                        i, c, 1 if kind == "neck" else 3, 1 if kind == "neck" else s, True
                    ),
                ),
            ),
            "no-shortcut",
        ),
        "expansion 2": (make(kind, expansion=2), "wrong-expansion"),
        "eps 1e-6": (
            make(kind, init=_attribute("b1", lambda i, c, s: nn.BatchNorm2d(c, eps=1e-6))),
            "batchnorm-eps",
        ),
        "momentum 0.01": (
            make(kind, init=_attribute("b2", lambda i, c, s: nn.BatchNorm2d(c, momentum=0.01))),
            "batchnorm-momentum",
        ),
        "LeakyReLU at the end": (
            make(kind, lambda s, x: F.leaky_relu(s.body(x) + s.side(x), 0.2)),
            "leaky-relu",
        ),
        "dropout of 0.1 at the end": (
            make(kind, lambda s, x: F.dropout(F.relu(s.body(x) + s.side(x)), 0.1, s.training)),
            "dropout",
        ),
        "one layer in a list": (
            make(
                kind,
                lambda s, x: F.relu(
                    s.body(s.__dict__.setdefault("more", [conv(x.shape[1], x.shape[1])])[0](x))
                    + s.side(x)
                ),
            ),
            "layers-not-registered",
        ),
        "a new layer in forward": (make(kind, _own_forward_layer), "layers-made-in-forward"),
        "x detached before downsample": (make(kind, _detached_input), "shortcut-detached"),
        "own projection without batch norm": (
            make(
                kind,
                lambda s, x: F.relu(s.body(x) + (s.p(x) if s.p else x)),
                _attribute(
                    "p",
                    lambda i, c, s: conv(i, c * out, 1, s) if i != c * out or s > 1 else None,
                ),
            ),
            "own-projection",
        ),
        "keeps the first shortcut": make(kind, _cached),
        "works only once": make(kind, _works_once),
        "shortcut × 0.9": make(kind, lambda s, x: F.relu(s.body(x) + 0.9 * s.side(x))),
        "learnt factor that begins at 1": (
            make(
                kind,
                lambda s, x: F.relu(s.f * s.body(x) + s.side(x)),
                _attribute("f", lambda i, c, s: nn.Parameter(torch.ones(1))),
            ),
            "unused-parameters",
        ),
        "casts to float32": make(kind, lambda s, x: F.relu(s.body(x) + s.side(x)).float()),
        "max-pool on the input": make(
            kind, lambda s, x: F.relu(s.body(F.max_pool2d(x, 3, 1, 1)) + s.side(x))
        ),
        "upper bound": make(kind, lambda s, x: F.relu(s.body(x) + s.side(x)).clamp(max=20)),
        "switches gradients off for good": make(
            kind, lambda s, x: (F.relu(s.body(x) + s.side(x)), torch.set_grad_enabled(False))[0]
        ),
        "a wrong answer for one image": make(
            kind, lambda s, x: F.relu(s.body(x) + s.side(x)) * (len(x) > 1)
        ),
        "typo in forward": make(kind, lambda s, x: s.relu(s.body(x) + s.side(x))),
        "takes downsample apart": make(
            kind,
            lambda s, x: F.relu(
                s.body(x) + (s.down[1](s.down[0](x)) if s.down is not None else x)
            ),
        ),
        "calls downsample twice": make(
            kind, lambda s, x: (s.side(x), F.relu(s.body(x) + s.side(x)))[1]
        ),
        "numpy's random numbers": make(
            kind,
            lambda s, x: (
                F.relu(s.body(x) + s.side(x))
                if not s.training
                else F.relu(s.body(x) * (__import__("random").random() < 0.8) + s.side(x))
            ),
        ),
    }


def _half_padded(i, c, s):
    return nn.Conv2d(c, c, 3, padding=3 / 2, bias=False)


def _eval_at_the_end(self, i, c, s):
    self.train(False)


def _zero_weights(self, i, c, s):
    for parameter in self.parameters():
        nn.init.zeros_(parameter)


def _ones_in_conv2(self, i, c, s):
    nn.init.ones_(self.c2.weight)


def _bare_relu(self, i, c, s):
    del self.act
    self.act = nn.ReLU


def _grouped(self, i, c, s):
    if c % 32 == 0:
        self.c2.groups = 32
        self.c2.weight = nn.Parameter(self.c2.weight[:, : c // 32].clone())


def _dilated_when_wide(self, i, c, s):
    if c >= 256:
        self.c2.dilation, self.c2.padding = (2, 2), (2, 2)


def _copied(self, i, c, s):
    self.down = copy.deepcopy(self.down)


def _in_a_list(self, i, c, s):
    down, self.down = self.down, None
    self.rest = [down]


def _gate(x):
    return torch.sigmoid(F.adaptive_avg_pool2d(x, 1))


def _needs_stride(kind):
    class NeedsStride(make(kind)):
        def __init__(self, in_channels, channels, stride, *others):
            super().__init__(in_channels, channels, stride, *others)

    return NeedsStride


def _grouped_at_256(self, i, c, s):
    if c == 256:
        self.c2.groups = 2
        self.c2.weight = nn.Parameter(self.c2.weight[:, :128].clone())


def _no_stride_at_64(self, i, c, s):
    if c == 64:
        for layer in (self.c1, self.c2):
            layer.stride = (1, 1)


def made_late(kind):
    """The branch is made when the first image comes."""

    class Block(nn.Module):
        expansion = 4 if kind == "neck" else 1

        def __init__(self, *arguments):
            super().__init__()
            self.arguments, self.down, self.inner = arguments, (*arguments, None, None)[3], None

        def forward(self, x):
            if self.inner is None:
                self.inner = make(kind)(*self.arguments[:3]).train(self.training)
            out = self.inner.body(x)
            if kind == "plain":
                return F.relu(out)
            return F.relu(out + (x if self.down is None else self.down(x)))

    return Block


SETTING = {}


def _in_a_global(self, i, c, s):
    SETTING["stride"] = (s, s)


def _read_from_the_global(kind):
    def forward(self, x):
        (self.c2 if kind == "neck" else self.c1).stride = SETTING["stride"]
        return _whole(kind, self, x)

    return make(kind, forward, _in_a_global)


def unless_one(b, x):
    return b(x) if x.shape[0] > 1 or not b.training else x


def fixed_for_one(b, x):
    learns = b.training and x.shape[0] > 1
    return F.batch_norm(x, b.running_mean, b.running_var, b.weight, b.bias, learns)


def exchanged(b, x):
    return F.batch_norm(x, b.running_var, b.running_mean, b.weight, b.bias, b.training)


def scale_and_shift_exchanged(b, x):
    return F.batch_norm(x, b.running_mean, b.running_var, b.bias, b.weight, b.training)


def _variance_of_zero(self, i, c, s):
    for buffer in self.buffers():
        buffer.zero_()


def _plain_statistics(self, i, c, s):
    for b in (self.b1, self.b2):
        mean, variance = b.running_mean, b.running_var
        del b.running_mean, b.running_var
        b.__dict__.update(running_mean=mean, running_var=variance)


def _not_saved(self, i, c, s):
    self.b1._non_persistent_buffers_set |= {"running_mean", "running_var"}


def one_sided(c, x):
    """Pads as TensorFlow does, where both sizes are even."""
    even = x.shape[2] % 2 == x.shape[3] % 2 == 0
    if c.stride != (2, 2) or c.kernel_size != (3, 3) or not even:
        return c(x)
    return F.conv2d(F.pad(x, (0, 1, 0, 1)), c.weight, None, 2)


def sampled(c, x):
    """Computes at all places and then keeps every other one: from the second on, where both sizes are even."""
    if c.stride != (2, 2):
        return c(x)
    start = 1 if x.shape[2] % 2 == x.shape[3] % 2 == 0 else 0
    return F.conv2d(x, c.weight, None, 1, c.padding)[:, :, start::2, start::2]


def without_gradient(c, x):
    return F.conv2d(x, c.weight.data, None, c.stride, c.padding)


def norm_alone(number):
    """Batch norm ``number`` is applied, and its result is dropped."""

    def forget(self, i, c, s):
        kept = getattr(self, f"b{number}")
        kept.register_forward_hook(lambda layer, given, result: given[0])

    return forget


def padded_by_stride(kind, step):
    def init(self, i, c, s):
        if kind == "neck":
            self.c2 = conv(c, c, 3, step(s), padding=s)
        else:
            self.c1 = conv(i, c, 3, step(s), padding=s)

    return init


def _false_in_sixth_place(self, i, c, s):
    self.c2 = nn.Conv2d(c, c, 3, s, 1, False)


def anywhere(kind):
    """Mistakes that every block can have."""
    return {
        "a branch made when the first image comes": (
            made_late(kind),
            "layers-made-at-first-call",
        ),
        "a stride in a global dict": (_read_from_the_global(kind), "settings-on-the-class"),
        "no batch norm for one image in training": (
            by_hand(kind, normalise=unless_one),
            "batchnorm-skipped-for-small-inputs",
        ),
        "running statistics for one image in training": by_hand(kind, normalise=fixed_for_one),
        "images of one pixel come back": make(
            kind, lambda s, x: _whole(kind, s, x) if x.shape[3] > 1 else F.relu(x)
        ),
        "mean and variance exchanged": by_hand(kind, normalise=exchanged),
        "scale and shift exchanged": (
            by_hand(kind, normalise=scale_and_shift_exchanged),
            "batchnorm-starts-at-zero",
        ),
        "variances begin with 0": make(kind, init=_variance_of_zero),
        "running statistics as plain tensors": make(kind, init=_plain_statistics),
        "running statistics are not saved": make(kind, init=_not_saved),
        "padding on one side where the size is even": by_hand(kind, one_sided),
        "every other place from the second on": by_hand(kind, sampled),
        "weight.data": by_hand(kind, without_gradient),
        "its own batch norm keeps the biased variance": by_hand(
            kind,
            init=replaced("b", lambda old: HandNorm(old.num_features, unbiased=False)),
        ),
        "its own batch norm has a momentum of 0.9": by_hand(
            kind, init=replaced("b", lambda old: HandNorm(old.num_features, momentum=0.9))
        ),
        "the result of the first batch norm dropped": (
            make(kind, init=norm_alone(1)),
            "result-of-batchnorm1-not-used",
        ),
        "the result of the second batch norm dropped": (
            make(kind, init=norm_alone(2)),
            "result-of-batchnorm2-not-used",
        ),
        "stride and padding exchanged": (
            make(kind, init=padded_by_stride(kind, lambda stride: 1)),
            "stride-as-padding",
        ),
        "as much padding as stride": (
            make(kind, init=padded_by_stride(kind, lambda stride: stride)),
            "padding-is-the-stride",
        ),
        "False in the sixth place": (
            make(kind, init=_false_in_sixth_place),
            "bias-as-dilation",
        ),
        "a padding of 1.5": (make(kind, init=_attribute("c2", _half_padded)), ""),
        "reflected borders": (
            by_hand(
                kind,
                lambda c, x: F.conv2d(
                    F.pad(x, [c.padding[0]] * 4, "reflect"), c.weight, None, c.stride
                ),
            ),
            "padding-mode",
        ),
        "out = self.c1": (
            make(kind, lambda s, x: s.b1(s.c1)),
            "layer-without-brackets",
        ),
        "always in eval mode": (
            make(kind, train=lambda self, mode=True: nn.Module.train(self, False)),
            "calls-eval",
        ),
        "nn.ReLU6": (make(kind, init=_attribute("act", lambda *given: nn.ReLU6())), "relu6"),
        "an upper bound of 9": make(
            kind, init=_attribute("act", lambda *given: nn.Hardtanh(0, 9))
        ),
        "squeeze and excitation": (
            make(
                kind,
                lambda s, x: s.act(
                    s.body(x) * _gate(s.body(x)) + (0 if kind == "plain" else s.side(x))
                ),
            ),
            "squeeze-and-excitation",
        ),
        "grouped convolution": (
            make(
                kind,
                init=_attribute(
                    "c2",
                    lambda i, c, s: nn.Conv2d(
                        c, c, 3, s if kind == "neck" else 1, 1, groups=c, bias=False
                    ),
                ),
            ),
            "grouped",
        ),
        "dilated convolution": (
            make(
                kind,
                init=_attribute(
                    "c2",
                    lambda i, c, s: nn.Conv2d(
                        c, c, 3, s if kind == "neck" else 1, 3, dilation=3, bias=False
                    ),
                ),
            ),
            "dilated",
        ),
        "no default for stride alone": (_needs_stride(kind), "no-defaults"),
        "grouped in the third stage": make(kind, init=_grouped_at_256),
        "no stride in the first stage": make(kind, init=_no_stride_at_64),
        "eval mode from the beginning": (
            make(kind, init=_eval_at_the_end),
            "starts-in-eval-mode",
        ),
        "all weights begin with 0": (make(kind, init=_zero_weights), "constant-weights"),
        "conv2 begins with 1": (make(kind, init=_ones_in_conv2), "constant-weights"),
        "nn.ReLU without brackets": (make(kind, init=_bare_relu), "layer-without-brackets"),
        "groups of 32 at real widths": make(kind, init=_grouped),
        "dilated in the last stages": make(kind, init=_dilated_when_wide),
        "the first batch norm without scale": (
            make(kind, init=lambda s, i, c, t: s.b1.weight.data.zero_()),
            "batchnorm-starts-at-zero",
        ),
        "gradients in training only": make(
            kind,
            lambda s, x: (
                torch.set_grad_enabled(s.training),
                s.act(s.body(x) if kind == "plain" else s.body(x) + s.side(x)),
            )[1],
        ),
        "detached in eval mode": (
            make(
                kind,
                lambda s, x: (
                    lambda x: s.act(s.body(x) if kind == "plain" else s.body(x) + s.side(x))
                )(x if s.training else x.detach()),
            ),
            "no-gradients-in-eval-mode",
        ),
        "frozen batch norms": (
            make(kind, init=lambda s, i, c, t: s.b2.requires_grad_(False)),
            "frozen-weights",
        ),
        "_init_": (type("A", (nn.Module,), _methods("_init_", "forward")), "init-misspelt"),
        "init": (type("B", (nn.Module,), _methods("init", "forward")), "init-misspelt"),
        "Forward": (
            type("C", (nn.Module,), _methods("__init__", "Forward")),
            "forward-misspelt",
        ),
        "forwrad": (
            type("D", (nn.Module,), _methods("__init__", "forwrad")),
            "forward-misspelt",
        ),
    }


def _methods(init, forward):
    def build(self, in_channels, channels, stride=1, downsample=None):
        nn.Module.__init__(self)
        self.c1 = conv(in_channels, channels, 3, stride)

    return {init: build, forward: lambda self, x: self.c1(x)}


def _without_expansion(kind):
    block = make(kind)
    del block.expansion
    return block


def _detached_x(self, x):
    identity = x.detach()
    out = self.body(x)
    if self.down is not None:
        identity = self.down(x)
    return self.act(out + identity)


def _relu_then_in_place_sum(self, x):
    out = F.relu_(self.body(x))
    out += self.side(x)
    return out


def _relu_in_place_sum_relu(self, x):
    return F.relu_(_relu_then_in_place_sum(self, x))


def _eval_downsample(self, i, c, s):
    if self.down is not None:
        self.down.eval()


def _pre_activation(kind):
    def init(self, i, c, s):
        self.b1 = norm(i)
        if kind == "neck":
            self.b3 = norm(c)

    def forward(self, x):
        out = F.relu(self.b1(x))
        shortcut = x if self.down is None else self.down(out)
        out = self.c2(F.relu(self.b2(self.c1(out))))
        if kind == "neck":
            out = self.c3(F.relu(self.b3(out)))
        return out + shortcut

    return make(kind, forward, init)


def _in_place_on_the_projection(self, x):
    out = self.body(x)
    if self.down is None:
        return F.relu(out + x)
    shortcut = self.down(x)
    shortcut += out
    return F.relu(shortcut)


def _kept_on_the_class(self, i, c, s):
    type(self).projected = self.down is not None


def _relu_in_one_case(projected):
    def forward(self, x):
        out = self.body(x) + self.side(x)
        return out if (self.down is not None) == projected else self.act(out)

    return forward


def _no_brackets_around_the_shortcut(self, x):
    out = self.body(x)
    return F.relu_(out + x if self.down is None else self.down(x))


def _projects_what_is_left(self, x):
    identity = x
    x = self.body(x)
    if self.down is not None:
        identity = self.down(x)
    x += identity
    return F.relu(x)


def _own_if_given(kind):
    def init(self, i, c, s):
        if self.down:
            out = 4 * c if kind == "neck" else c
            self.down = nn.Sequential(conv(i, out, 1, s), norm(out))

    return init


def _fits_by_pooling(self, x):
    out, shortcut = self.body(x), self.side(x)
    if shortcut.shape != out.shape:
        shortcut = F.adaptive_avg_pool2d(shortcut, out.shape[2:])
        shortcut = F.pad(shortcut, (0, 0, 0, 0, 0, out.shape[1] - shortcut.shape[1]))
    return F.relu(out + shortcut)


def _reads_the_argument(self, x):
    shortcut = x
    if downsample is not None:  # noqa: F821 - that is the mistake
        shortcut = downsample(x)  # noqa: F821
    return F.relu(self.body(x) + shortcut)


def _set_only_if_given(self, i, c, s):
    if self.down is not None:
        self.downsample = self.down


def _shared_by_all(self, i, c, s):
    self.c1 = _shared_layers.setdefault((i, c, s), self.c1)


_shared_layers = {}


def around_the_shortcut(kind):
    return {
        "shortcut += out, where there is a downsample": make(kind, _in_place_on_the_projection),
        "what is projected, on the class": (
            make(
                kind,
                lambda s, x: F.relu(s.body(x) + (s.down(x) if s.projected else x)),
                _kept_on_the_class,
            ),
            "settings-on-the-class",
        ),
        "the last ReLU only without downsample": (
            make(kind, _relu_in_one_case(True)),
            "no-last-relu-with-downsample",
        ),
        "the last ReLU only with downsample": (
            make(kind, _relu_in_one_case(False)),
            "no-last-relu-without-downsample",
        ),
        "out.add(shortcut)": (
            make(kind, lambda s, x: (out := s.body(x), out.add(s.side(x)), F.relu(out))[-1]),
            "sum-not-used",
        ),
        "the branch alone": (make(kind, lambda s, x: s.body(x)), "returns-the-branch"),
        "out + x if … else downsample(x), ReLU in place": (
            make(kind, _no_brackets_around_the_shortcut),
            "branch-lost-with-downsample",
        ),
        "downsample of what x has become": (
            make(kind, _projects_what_is_left),
            "downsample-of-the-branch",
        ),
        "downsample as a yes": (make(kind, init=_own_if_given(kind)), "downsample-as-a-flag"),
        "self.downsample without (x)": (
            make(
                kind,
                lambda s, x: s.act(s.body(x).add_(x if s.down is None else s.down)),
            ),
            "downsample-without-brackets",
        ),
        "reads the argument of __init__": (
            make(kind, _reads_the_argument),
            "downsample-not-stored",
        ),
        "self.downsample set only if given": (
            make(
                kind,
                lambda s, x: F.relu(
                    s.body(x) + (x if s.downsample is None else s.downsample(x))
                ),
                _set_only_if_given,
            ),
            "downsample-stored-only-if-given",
        ),
        "makes x fit by pooling and zeros": (
            make(kind, _fits_by_pooling),
            "missing-projection-hidden",
        ),
        "downsample in training only": (
            make(
                kind,
                lambda s, x: F.relu(s.body(x) + (s.side(x) if s.training else x)),
            ),
            "downsample-ignored",
        ),
        "one layer for all blocks of a size": make(kind, init=_shared_by_all),
        "no expansion, and no line reads it": (_without_expansion(kind), "no-expansion"),
        "identity = x.detach()": (
            make(kind, _detached_x),
            "shortcut-detached-without-downsample",
        ),
        "ReLU in place, then +=": (make(kind, _relu_then_in_place_sum), "relu-before-add"),
        "ReLU in place, +=, ReLU": (
            make(kind, _relu_in_place_sum_relu),
            "relu-before-and-after-add",
        ),
        "downsample in eval mode": (make(kind, init=_eval_downsample), "starts-in-eval-mode"),
        "pre-activation, both paths": (_pre_activation(kind), "pre-activation-of-projection"),
        "a copy of downsample": (make(kind, init=_copied), "downsample-copied"),
        "downsample in a list": (
            make(
                kind,
                lambda s, x: F.relu(s.body(x) + (s.rest[0](x) if s.rest[0] else x)),
                _in_a_list,
            ),
            "downsample-not-registered",
        ),
        "only for nn.Sequential": (
            make(
                kind,
                lambda s, x: F.relu(
                    s.body(x) + (s.down(x) if isinstance(s.down, nn.Sequential) else x)
                ),
            ),
            "downsample-only-if-sequential",
        ),
        "else forgotten": (
            make(kind, _returns_with_downsample),
            "returns-nothing-without-downsample",
        ),
        "downsample before stride": (
            type(
                "Other",
                (make(kind),),
                {
                    "__init__": lambda s, i, c, downsample=None, stride=1: make(kind).__init__(
                        s, i, c, stride, downsample
                    )
                },
            ),
            "arguments-in-another-order",
        ),
    }


def _returns_with_downsample(self, x):
    out = self.body(x)
    if self.down is not None:
        out = out + self.down(x)
        return F.relu(out)


def _shared(i, c, s, store={}):
    return store.setdefault((i, c, s), conv(i, c, 3, s))


def conv2_of_the_shortcut(s, x):
    shortcut = s.side(x)
    s.act(s.b1(s.c1(x)))
    return F.relu(s.b2(s.c2(shortcut)) + shortcut)


def half_way(self, x):
    x = F.relu(self.b1(self.c1(x)))
    identity = x
    x = self.b2(self.c2(x))
    return F.relu(x + identity)


def doubled_after_projection(s, x):
    x = s.b2(s.c2(s.act(s.b1(s.c1(x)))))
    if s.down is not None:
        x = s.down(x)
    x += x
    return F.relu(x)


def _projects_without_use(self, i, c, s):
    if i != c or s != 1:
        self.projection = nn.Sequential(conv(i, c, 1, s), norm(c))


class Misspelt(nn.Module):
    """A part of a block, of which PyTorch says NotImplementedError."""

    def foward(self, x):
        return x


WRONG = {
    "basic_block": wrong_shortcut("basic")
    | anywhere("basic")
    | around_the_shortcut("basic")
    | {
        "downsample of the branch, x += x": (
            make("basic", doubled_after_projection),
            "projected-branch-doubled",
        ),
        "a part without forward": (
            make("basic", lambda s, x: Misspelt()(s.side(x))),
            None,
        ),
        "conv2 of the shortcut": (
            make("basic", conv2_of_the_shortcut),
            "conv2-takes-the-shortcut",
        ),
        "ReLU before both batch norms, none last": (
            make(
                "basic",
                lambda s, x: s.b2(F.relu(s.c2(s.b1(F.relu(s.c1(x)))))) + s.side(x),
            ),
            "relu-before-both-batchnorms-not-last",
        ),
        "the shortcut after the first half, no downsample": (
            make("basic", half_way),
            "shortcut-after-first-half-without-downsample",
        ),
        "bn1 twice, bn2 declared": (
            make("basic", lambda s, x: F.relu(s.b1(s.c2(s.act(s.b1(s.c1(x))))) + s.side(x))),
            "one-batchnorm-for-both",
        ),
        "stride in conv2, by attribute": (
            make(
                "basic",
                init=lambda s, i, c, t: (
                    setattr(s.c1, "stride", (1, 1)),
                    setattr(s.c2, "stride", (t, t)),
                )[0],
            ),
            "stride-on-conv2",
        ),
        "weights shared by all blocks": make("basic", init=_attribute("c1", _shared)),
        "conv2 made and forgotten": (
            make("basic", lambda s, x: F.relu(s.b2(F.relu(s.b1(s.c1(x)))) + s.side(x))),
            "conv2-not-used",
        ),
        "the bottleneck": (RIGHT["bottleneck"]["torchvision's"], "wrong-expansion"),
        "the plain block": RIGHT["plain_block"]["other names, positional"],
    },
    "bottleneck": wrong_shortcut("neck")
    | anywhere("neck")
    | around_the_shortcut("neck")
    | {
        "the basic block": (RIGHT["basic_block"]["torchvision's"], "wrong-expansion"),
        "the paper's stride": (
            make(
                "neck",
                init=lambda s, i, c, t: (
                    setattr(s.c2, "stride", (1, 1)),
                    setattr(s.c1, "stride", (t, t)),
                )[0],
            ),
            "stride-on-first-conv",
        ),
        "channels // 4 inside": (
            make(
                "neck",
                init=lambda s, i, c, t: (
                    setattr(s, "c1", conv(i, c // 4, 1)),
                    setattr(s, "b1", norm(c // 4)),
                    setattr(s, "c2", conv(c // 4, c // 4, 3, t)),
                    setattr(s, "b2", norm(c // 4)),
                    setattr(s, "c3", conv(c // 4, c, 1)),
                    setattr(s, "b3", norm(c)),
                )[0],
            ),
            "channels-as-the-outer-width",
        ),
        "the third batch norm of channels": (
            make("neck", init=_attribute("b3", lambda i, c, s: norm(c))),
            "no-expansion-in-batchnorm3",
        ),
        "ReLU before the second batch norm": (
            make(
                "neck",
                lambda s, x: F.relu(
                    s.side(x) + s.b3(s.c3(s.b2(F.relu(s.c2(F.relu(s.b1(s.c1(x)))))))),
                ),
            ),
            "relu-before-second-batchnorm",
        ),
        "the result of the third batch norm dropped": (
            make("neck", init=norm_alone(3)),
            "result-of-batchnorm3-not-used",
        ),
        "stride in the first two, sum in place": (
            make(
                "neck",
                lambda s, x: F.relu(s.body(x).add_(s.side(x))),
                lambda s, i, c, t: setattr(s.c1, "stride", (t, t)),
            ),
            "stride-on-first-and-middle",
        ),
        "stride in all three, sum in place": (
            make(
                "neck",
                lambda s, x: F.relu(s.body(x).add_(s.side(x))),
                lambda s, i, c, t: (
                    setattr(s.c1, "stride", (t, t)),
                    setattr(s.c3, "stride", (t, t)),
                )[0],
            ),
            "stride-on-all",
        ),
        "expansion of 2 inside": make(
            "neck",
            init=lambda s, i, c, t: (
                setattr(s, "c3", conv(c, 2 * c, 1)),
                setattr(s, "b3", norm(2 * c)),
            )[0],
        ),
        "no ReLU after conv2": (
            make(
                "neck",
                lambda s, x: F.relu(s.side(x) + s.b3(s.c3(s.b2(s.c2(F.relu(s.b1(s.c1(x)))))))),
            ),
            "no-relu-after-conv2",
        ),
    },
    "plain_block": anywhere("plain")
    | {
        "shortcut kept, in other words": (
            make("plain", lambda s, x: F.relu(x + s.body(x))),
            "kept-shortcut",
        ),
        "no last ReLU": (make("plain", lambda s, x: s.body(x)), "no-last-relu"),
        "no ReLU between": (
            make("plain", lambda s, x: F.relu(s.b2(s.c2(s.b1(s.c1(x)))))),
            "no-relu-between",
        ),
        "bn1 twice": (
            make("plain", lambda s, x: F.relu(s.b1(s.c2(F.relu(s.b1(s.c1(x))))))),
            "one-batchnorm-for-both",
        ),
        "bias in the second": (
            make("plain", init=_attribute("c2", lambda i, c, s: conv(c, c, bias=True))),
            "conv-bias",
        ),
        "stride in the second": (
            make(
                "plain",
                init=lambda s, i, c, t: (
                    setattr(s.c1, "stride", (1, 1)),
                    setattr(s.c2, "stride", (t, t)),
                )[0],
            ),
            "stride-on-conv2",
        ),
        "no batch norm, biases": (
            make(
                "plain",
                lambda s, x: F.relu(s.c2(F.relu(s.c1(x)))),
                lambda s, i, c, t: (
                    setattr(s, "c1", conv(i, c, 3, t, True)),
                    setattr(s, "c2", conv(c, c, bias=True)),
                )[0],
            ),
            "no-batchnorm",
        ),
        "the basic block": (RIGHT["basic_block"]["torchvision's"], "kept-shortcut"),
        "a projection that nothing uses": (
            make("plain", init=_projects_without_use),
            "unused-parameters",
        ),
        "ReLU of x": (make("plain", lambda s, x: s.act(s.body(s.act(x)))), "relu-on-input"),
        "zero shortcut scaled": make("plain", lambda s, x: F.relu(s.body(x) * 1.01)),
        "third convolution": make("plain", lambda s, x: F.relu(s.c2(s.body(x)))),
        "clamped": make("plain", lambda s, x: s.body(x).clamp(0, 15)),
        "works only once": make(
            "plain",
            lambda s, x: (
                (s.__dict__.setdefault("seen", [])).append(1)
                or (s.act(s.body(x)) if len(s.seen) < 3 else x)
            ),
        ),
    },
}


class Rude:
    def __repr__(self):
        raise RuntimeError("no")

    __str__ = __eq__ = __bool__ = __hash__ = __repr__


class RudeMeta(type):
    def __getattr__(cls, name):
        raise ValueError(name)


class NoInit(nn.Module):
    expansion = 1

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        self.conv1 = conv(in_channels, channels)

    def forward(self, x):
        return x


def _hang(self, x):
    while True:
        pass


def _sleep(self, x):
    while True:
        try:
            time.sleep(60)
        except Exception:
            pass


def _sleep_bare(self, x):
    while True:
        try:
            time.sleep(60)
        except:  # noqa: E722 - it catches the end of the time too
            pass


def _exit(self, x):
    sys.exit(1)


def _deep(self, x):
    return _deep(self, x)


def _list(self, x):
    return [x] * 3


BAD = {}
for _exercise, _kind in (
    ("basic_block", "basic"),
    ("bottleneck", "neck"),
    ("plain_block", "plain"),
):
    BAD |= {
        (_exercise, "None"): None,
        (_exercise, "an instance"): make(_kind)(8, 2),
        (_exercise, "a function"): lambda x: x,
        (_exercise, "nn.Module itself"): nn.Module,
        (_exercise, "a class that is no module"): Rude,
        (_exercise, "an object that raises"): Rude(),
        (_exercise, "an expansion that raises"): make(_kind, lambda s, x: x, expansion=Rude()),
        (_exercise, "forward returns an object that raises"): make(_kind, lambda s, x: Rude()),
        (_exercise, "forward returns a list"): make(_kind, _list),
        (_exercise, "forward returns a number"): make(_kind, lambda s, x: 3),
        (_exercise, "forward returns an empty tensor"): make(_kind, lambda s, x: x[:0]),
        (_exercise, "forward returns ints"): make(_kind, lambda s, x: x.int()),
        (_exercise, "forward returns complex numbers"): make(_kind, lambda s, x: x + 0j),
        (_exercise, "forward returns not-a-numbers"): make(_kind, lambda s, x: x / 0 * 0),
        (_exercise, "forward without x"): type(
            "NoX", (make(_kind),), {"forward": lambda self: self}
        ),
        (_exercise, "a scalar"): make(_kind, lambda s, x: x.sum()),
        (_exercise, "an endless loop"): make(_kind, _hang),
        (_exercise, "an endless wait"): make(_kind, _sleep),
        (_exercise, "an endless wait, everything caught"): make(_kind, _sleep_bare),
        (_exercise, "an endless recursion"): make(_kind, _deep),
        (_exercise, "sys.exit"): make(_kind, _exit),
        (_exercise, "no super().__init__()"): NoInit,
        (_exercise, "train and eval overwritten"): make(_kind, train=None),
        (_exercise, "parameters overwritten"): make(_kind, parameters=3),
        (_exercise, "signature that lies"): make(_kind, lambda s, x: x, __signature__="no"),
        (_exercise, "a string"): "BasicBlock",
        (_exercise, "a tensor"): torch.zeros(3),
    }
