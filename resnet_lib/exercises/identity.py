"""The exercise on turning a residual block into the identity, and what readers get wrong in it."""

from __future__ import annotations

import copy

import torch
from torch import nn

from resnet_lib.blocks import ResidualBasicBlock
from resnet_lib.exercises.checking import Exercise, tell
from resnet_lib.exercises.probing import (
    Fact,
    Probe,
    fill,
    numbers,
    random_input,
    weights_in_order,
)
from resnet_lib.exercises.running import StudentError


@torch.no_grad()
def make_identity(block: ResidualBasicBlock) -> None:
    block.batchnorm2.weight.zero_()
    block.batchnorm2.bias.zero_()


def probe(channels: int, height: int, width: int, training: bool) -> Probe:
    """Hands over a block with random numbers everywhere, and looks at it afterwards."""
    mode = "train" if training else "eval"

    def run(change):
        block = ResidualBasicBlock(channels, channels)
        x = random_input(3, channels, height, width).relu()
        fill(weights_in_order(block, x))
        block.train(training)
        before, attributes = layers(block), own_attributes(block)
        modules = list(block.modules())  # kept, so that no new layer gets the id of an old one
        try:
            change(block)
        except AttributeError as error:  # its words tell mistakes apart, not only its numbers
            return {"the change": StudentError(error), "what Python says": str(error)}

        trained = all(p.requires_grad for p in block.parameters())
        seen = {
            "attributes that were added": sorted(own_attributes(block) - attributes),
            "the same layers": Fact(
                layers(block) == before and [*map(id, block.modules())] == [*map(id, modules)],
                "the block has other layers than before",
            ),
            "the same mode": Fact(
                block.training is training, f"the block is no longer in {mode} mode"
            ),
            "every parameter is trained": Fact(
                trained, "a parameter has requires_grad=False, so it is not trained any more"
            ),
        }
        with torch.no_grad():
            seen["output in eval mode"] = numbers(block.eval()(x.clone()))
        target = block.train()(x.clone().requires_grad_() * 1)
        seen["output in train mode"] = numbers(target)
        seen["exactly the input"] = Fact(
            torch.equal(seen["output in eval mode"], x) and torch.equal(target, x),
            "the output is nearly x, and not equal to it",
        )
        (target * random_input(*target.shape, seed=1)).sum().backward()
        learns = any(
            p.grad is not None and p.grad.abs().max().item() > 1e-6
            for name, p in block.named_parameters()
            if name.endswith("weight")
        )
        seen["the branch can learn"] = Fact(
            learns, "no gradient reaches a weight or a scale of the branch"
        )
        return seen

    return Probe(f"a block of {channels} channels, given in {mode} mode", run)


def own_attributes(block: nn.Module) -> set[str]:
    """The names of all that was set on the block and its layers, as in ``batchnorm2.eps``."""
    return {
        f"{name}.{attribute}".lstrip(".")
        for name, layer in block.named_modules()
        for attribute in vars(layer)
    }


def layers(block: nn.Module) -> list[tuple[str, str]]:
    """The layers of the block by name, with their settings."""
    return [(name, repr(layer)) for name, layer in block.named_modules()]


IDENTITY = Exercise(
    "make_identity",
    "make_identity(block)",
    make_identity,
    [probe(4, 5, 7, training=True), probe(3, 6, 6, training=False)],
    "The branch gives zero, so the block gives out what it gets, in both modes; and it can still learn.",
    tell,
)
EXERCISES: list[Exercise] = [IDENTITY]
mistake = IDENTITY.mistake


@mistake(
    "shift-left",
    "The scale of batchnorm2 is zero, but its shift still adds its number to each channel. Set batchnorm2.bias to zero too.",
)
@torch.no_grad()
def _(block):
    block.batchnorm2.weight.zero_()


@mistake(
    "scale-left",
    "Only the shift of batchnorm2 is zero; its scale still lets the branch through. Set batchnorm2.weight to zero too.",
)
@torch.no_grad()
def _(block):
    block.batchnorm2.bias.zero_()


@mistake(
    "nearly-zero",
    "The scale of batchnorm2 is small, and not zero: the output is nearly x. It takes exactly 0.",
)
@torch.no_grad()
def _(block):
    block.batchnorm2.weight.fill_(1e-6)
    block.batchnorm2.bias.zero_()


@mistake(
    "first-batchnorm",
    "You changed batchnorm1. After it come conv2 and batchnorm2, and batchnorm2 adds a shift of its own: F(x) is not zero. The last "
    "layer of the branch is batchnorm2.",
)
@torch.no_grad()
def _(block):
    block.batchnorm1.weight.zero_()
    block.batchnorm1.bias.zero_()


@mistake(
    "only-convolution",
    "conv2 gives zero now, but batchnorm2 comes after it: it subtracts its mean and adds its shift, so F(x) is not zero.",
)
@torch.no_grad()
def _(block):
    block.conv2.weight.zero_()


@mistake(
    "mean-left",
    "In train mode this works. In eval mode batchnorm2 subtracts the running mean that it has stored, so zero comes in and something "
    "else goes out. Set the scale of batchnorm2 to zero, rather than conv2.",
)
@torch.no_grad()
def _(block):
    block.conv2.weight.zero_()
    block.batchnorm2.bias.zero_()


@mistake(
    "branch-cannot-learn",
    "The block gives out its input, but no gradient reaches any weight or scale of the branch, so it can never learn again: too "
    "much is zero, or the branch is not used. The scale and the shift of batchnorm2 are enough.",
)
@torch.no_grad()
def _(block):
    for parameter in block.parameters():
        parameter.zero_()


@mistake(
    "batchnorm-reset",
    "batchnorm2 is as new now: scale 1 and shift 0. Scale 1 lets the branch through; it takes scale 0.",
)
@torch.no_grad()
def _(block):
    block.batchnorm2.weight.fill_(1)
    block.batchnorm2.bias.zero_()


@mistake(
    "batchnorm-reset-with-statistics",
    "batchnorm2 is as new now, running statistics included. Its scale is 1, which lets the branch through; it takes scale 0.",
)
def _(block):
    block.batchnorm2.reset_parameters()


@mistake(
    "shift-one",
    "The shift of batchnorm2 is 1 now, so every value of the output is larger by 1. It takes shift 0.",
)
@torch.no_grad()
def _(block):
    block.batchnorm2.weight.zero_()
    block.batchnorm2.bias.fill_(1)


@mistake(
    "wrong-way-round",
    "Scale and shift have changed places in your code: the shift is 0 and the scale is 1. A scale of 1 keeps the branch; it takes 0.",
)
@torch.no_grad()
def _(block):
    block.batchnorm2.weight.fill_(1)
    block.batchnorm1.bias.zero_()
    block.batchnorm2.bias.zero_()


@torch.no_grad()
def copying(layer: nn.Conv2d) -> None:
    nn.init.dirac_(layer.weight)


@mistake(
    "convolutions-copy",
    "You let the convolutions copy their input. A plain block would need that; here the shortcut copies already, and what the branch "
    "gives is added to it. F(x) must be zero.",
)
def _(block):
    copying(block.conv1)
    copying(block.conv2)


@mistake(
    "branch-copies",
    "Your branch copies x, and the shortcut adds x once more: in eval mode about 2x comes out. A plain block would have to copy; here "
    "F(x) must be zero.",
)
@torch.no_grad()
def _(block):
    for conv, norm in ((block.conv1, block.batchnorm1), (block.conv2, block.batchnorm2)):
        copying(conv)
        norm.reset_parameters()


@mistake(
    "nothing-changed",
    "No number in the block has changed. Write into its parameters in place: nn.init.zeros_(block.batchnorm2.weight). A copy, a "
    "comparison with ==, or a method without its brackets changes nothing.",
)
def _(block):
    make_identity(copy.deepcopy(block))


@mistake(
    "layers-changed",
    "The layers of the block are not as they were: one was taken out, put in, or has another setting. Only the numbers in its "
    "parameters may change, so that the block can learn something later.",
)
def _(block):
    block.batchnorm2 = nn.Identity()
    block.conv2.weight.data.zero_()


@mistake(
    "forward-replaced",
    "You put another forward over the block's own. Its output is right, but the branch is never computed again and cannot learn.",
)
def _(block):
    block.forward = lambda x: x


@mistake(
    "frozen",
    "The output is right, but you switched requires_grad off, so these numbers will never be trained.",
)
def _(block):
    make_identity(block)
    for parameter in block.parameters():
        parameter.requires_grad_(False)


@mistake(
    "mode-changed",
    "The output is right, but you switched the block to eval mode, and it stays so. Whoever goes on training gets another network.",
)
def _(block):
    make_identity(block)
    block.eval()


@mistake(
    "mode-changed-to-train",
    "The output is right, but you switched the block to train mode, and it stays so. Whoever evaluates it gets other results.",
)
def _(block):
    make_identity(block)
    block.train()


@mistake(
    "parameter-replaced",
    "A parameter is a tensor that PyTorch looks after: a number or another tensor cannot take its place. Write into it: "
    "nn.init.zeros_(block.batchnorm2.weight).",
)
def _(block):
    block.batchnorm2.weight = 0


@mistake(
    "without-no-grad",
    "PyTorch forbids writing into a parameter in place while it records gradients. Use nn.init.zeros_(…), or put "
    "`with torch.no_grad():` around.",
)
def _(block):
    block.batchnorm2.weight.zero_()


@mistake(
    "torchvision-names",
    "The block is the library's: its batch norms are batchnorm1 and batchnorm2, not bn1 and bn2 as in torchvision.",
)
def _(block):
    nn.init.zeros_(block.bn2.weight)


WEIGHT_AND_BIAS = "In PyTorch a batch norm's scale is called weight, and its shift bias: block.batchnorm2.weight."


@mistake("scale-for-weight", WEIGHT_AND_BIAS)
def _(block):
    nn.init.zeros_(block.batchnorm2.scale)


@mistake("shift-for-bias", WEIGHT_AND_BIAS)
def _(block):
    nn.init.zeros_(block.batchnorm2.shift)


@mistake(
    "scale-and-shift-set",
    WEIGHT_AND_BIAS + " Setting scale and shift only adds new attributes, which nothing uses.",
)
def _(block):
    block.batchnorm2.scale = 0
    block.batchnorm2.shift = 0


@mistake(
    "layer-for-parameter",
    "nn.init.zeros_ fills a tensor, not a layer. Give it the parameters of the layer, one after the other: block.batchnorm2.weight, "
    "then block.batchnorm2.bias.",
)
def _(block):
    nn.init.zeros_(block.batchnorm2)


@mistake(
    "convolution-has-no-bias",
    "The convolutions of the block have no bias: it is None. The shift that counts is that of batchnorm2.",
)
def _(block):
    nn.init.zeros_(block.conv2.bias)


@mistake(
    "init-without-underscore",
    "The functions of nn.init that change a tensor end with an underscore: nn.init.zeros_.",
)
def _(block):
    nn.init.zeros(block.batchnorm2.weight)
