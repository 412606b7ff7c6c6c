"""The exercise on turning a residual block into the identity, and what readers get wrong in it."""

from __future__ import annotations

import copy
import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from resnet_lib.blocks import ResidualBasicBlock
from resnet_lib.exercises.checking import Exercise, tell
from resnet_lib.exercises.probing import (
    Fact,
    Probe,
    Seen,
    comparison,
    fill,
    numbers,
    random_input,
    same,
    weights_in_order,
)
from resnet_lib.exercises.running import StudentError

HOLDS = Fact(True, "")
NOT_ASKED = "not asked"
ABSENT = object()
Look = tuple[object, object, object]  # what is looked at, what was seen, what is right


def in_turn(stages: Iterable[Iterable[Look]]) -> Seen:
    """What is seen, up to the first stage in which something is wrong: of two mistakes, the first one has a name then."""
    seen = Seen()
    for stage in stages:
        fine = True
        for what, got, right in stage:
            seen[what] = got
            fine = fine and same(got, right)
        if not fine:
            break
    return seen


def copy_of(module: nn.Module) -> nn.Module:
    """A copy with tensors and layers of its own, several times as fast as ``copy.deepcopy``."""
    new = copy.copy(module)
    for attribute, value in vars(new).items():
        if isinstance(value, (dict, set)):
            vars(new)[attribute] = value.copy()
    for name, tensor in new._parameters.items():
        new._parameters[name] = tensor if tensor is None else nn.Parameter(tensor.data.clone())
    new._buffers = {name: tensor.clone() for name, tensor in new._buffers.items()}
    new._modules = {name: copy_of(layer) for name, layer in new._modules.items()}
    return new


def held(block: nn.Module) -> dict[str, object]:
    """All that a block and its layers hold, by name: layers, parameters, hooks, modes and settings, as ``relu1.inplace``.

    The values are the things themselves, so that no new one gets the id of an old one. With a parameter or a buffer stands
    what can change in it: ``conv1.weight.requires_grad``, its ``grad``, and its ``form``.
    """
    found: dict[str, object] = {}
    for path, layer in block.named_modules():
        inside = f"{path}." if path else ""
        found[f"{inside}__class__"] = type(layer)
        for attribute, value in vars(layer).items():
            if attribute in ("_parameters", "_buffers", "_modules"):
                found |= {f"{inside}{name}": entry for name, entry in value.items()}
            elif attribute.startswith("_") and isinstance(value, dict):
                found |= {f"{inside}{attribute}.{key}": entry for key, entry in value.items()}
            else:
                found[f"{inside}{attribute}"] = value
        for name, tensor in {**layer._parameters, **layer._buffers}.items():
            if tensor is not None:
                found[f"{inside}{name}.requires_grad"] = tensor.requires_grad
                found[f"{inside}{name}.grad"] = tensor.grad
                found[f"{inside}{name}.form"] = tensor.shape, tensor.dtype, tensor.stride()
    return found


def differences(before: dict[str, object], after: dict[str, object]) -> dict[str, list[str]]:
    """The names under which a block holds something else than before, by kind of what it holds there."""
    found: dict[str, list[str]] = defaultdict(list)
    for name in before | after:
        was, now = before.get(name, ABSENT), after.get(name, ABSENT)
        plain = isinstance(was, (int, float, str, tuple))
        if was is now or plain and type(now) is type(was) and now == was:
            continue
        last = name.rpartition(".")[2]
        if re.search(r"_hooks\w*\.\d+$", name):
            kind = "hooks left" if was is ABSENT else "hooks gone"
        elif isinstance(was, nn.Module) or isinstance(now, nn.Module):
            kind = "layers"
        elif last in ("training", "requires_grad", "grad", "form"):
            kind = last
        elif isinstance(was, nn.Parameter) and isinstance(now, nn.Parameter):
            kind = "parameters"
        elif isinstance(was, Tensor) and isinstance(now, Tensor):
            continue  # a buffer: its numbers count
        else:
            kind = "added" if was is ABSENT else "settings"
        found[kind].append(name.removesuffix(".form"))
    return found


def none_of(names: list[str], otherwise: str) -> tuple[Fact, Fact]:
    """What was seen and what is right where no name should be found; ``otherwise`` has a {} for the first."""
    return Fact(not names, otherwise.format(f"`{names[0]}`" if names else "")), HOLDS


@torch.no_grad()
def make_identity(block: ResidualBasicBlock) -> None:
    block.batchnorm2.weight.zero_()
    block.batchnorm2.bias.zero_()


@functools.cache
def filled(channels: int, fresh: bool, dtype: torch.dtype) -> ResidualBasicBlock:
    """A block with random numbers everywhere; a fresh one has them in its convolutions only."""
    block = ResidualBasicBlock(channels, channels)
    weights = weights_in_order(block, random_input(1, channels, 5, 5))
    fill([entry for entry in weights if not fresh or entry[0] == "weight"])
    return copy_of(block).to(dtype)  # what `fill` has filled gets its old numbers back


def probe(
    channels: int,
    height: int,
    width: int,
    training: bool,
    fresh: bool = False,
    dtype: torch.dtype = torch.float32,
    after: Probe | None = None,
) -> Probe:
    """Hands over a block, and looks at it afterwards; only where ``after`` sees nothing wrong, if it is given."""
    mode = "train" if training else "eval"
    right_there = after and comparison(after, make_identity)

    def run(change):
        if right_there and not right_there(change):
            return NOT_ASKED
        block = copy_of(filled(channels, fresh, dtype)).train(training)
        x = random_input(3, channels, height, width).relu().to(dtype)
        before = held(block)
        try:
            change(block)
        except AttributeError as error:  # its words tell mistakes apart, not only its numbers
            return {"the change": StudentError(error), "what Python says": str(error)}
        return in_turn(looks(block, before, x))

    kind = "a fresh block" if fresh else "a block"
    where = " in float64" if dtype is torch.float64 else ""
    return Probe(f"{kind} of {channels} channels{where}, given in {mode} mode", run)


def looks(block: nn.Module, before: dict[str, object], x: Tensor) -> Iterator[list[Look]]:
    """What is looked at after the change: first what decides whether the block can compute, then its output, then the rest."""
    recording = torch.is_grad_enabled()
    torch.set_grad_enabled(True)
    now = differences(before, held(block))
    mode = "train" if before["training"] else "eval"

    changed = now["layers"] + now["settings"]
    yield [("the same layers", *none_of(changed, "{} of the block is not what it was before"))]
    yield [("the same parameters", *none_of(now["parameters"], "{} is a new parameter"))]
    spoilt = now["form"] + shared(block)
    form = "{} has another shape or type of numbers than before, or shares them"
    yield [("numbers of its own", *none_of(spoilt, form))]
    try:
        output, target, exact, learns = compute(block, x)
    except Exception as error:
        said = StudentError(error).text.partition("\n")[0].rstrip(".")
        fails = Fact(False, f"after your change the block cannot compute any more: {said}")
        yield [("it computes", fails, HOLDS)]
        return
    yield [("it computes", HOLDS, HOLDS)]

    nearly = "the output is nearly x, and not equal to it"
    unreached = "no gradient reaches a weight or a scale of the branch"
    yield [
        ("attributes that were added", sorted(now["added"]), []),
        ("output in eval mode", output, x),
        ("output in train mode", target, x),
        ("exactly the input", Fact(exact, nearly), HOLDS),
        ("the branch can learn", Fact(learns, unreached), HOLDS),
    ]
    off = "gradients are switched off for all code that follows"
    yield [("gradients are recorded", Fact(recording, off), HOLDS)]
    whole = [name for name in now["training"] if name == "training"]
    yield [("the same mode", *none_of(whole, f"the block is no longer in {mode} mode"))]
    yield [("its layers' mode", *none_of(now["training"], "{} is not what it was before"))]
    frozen = "{} is False, so this parameter is not trained any more"
    yield [("every parameter is trained", *none_of(now["requires_grad"], frozen))]
    yield [("no hook is left", *none_of(now["hooks left"], "a hook is left on the block"))]


def shared(block: nn.Module) -> list[str]:
    """The parameters that have their numbers at the same place as a parameter before them."""
    places = [parameter.data_ptr() for parameter in block.parameters()]
    names = [name for name, _ in block.named_parameters()]
    return [name for n, name in enumerate(names) if places[n] in places[:n]]


def compute(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, bool, bool]:
    """The output in eval mode and in train mode, whether both equal ``x``, and whether a weight or a scale gets a gradient."""
    block.requires_grad_(True)  # that none is frozen is looked at by itself
    block.zero_grad()
    with torch.no_grad():
        output = block.eval()(x.clone())
    target = block.train()(x.clone().requires_grad_() * 1)
    (target * random_input(*target.shape, seed=1)).sum().backward()
    learns = any(
        p.grad is not None and p.grad.abs().max().item() > 1e-6
        for name, p in block.named_parameters()
        if name.endswith("weight")
    )
    exact = torch.equal(output, x) and torch.equal(target, x)
    return numbers(output), numbers(target), exact, learns


TRAINED = probe(4, 5, 7, training=True)
IDENTITY = Exercise(
    "make_identity",
    "make_identity(block)",
    make_identity,
    [
        TRAINED,
        probe(3, 6, 6, training=False, dtype=torch.float64),
        # wider than the 64 of the first stage
        probe(72, 5, 5, training=True, fresh=True, after=TRAINED),
    ],
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
    "fresh-branch-cannot-learn",
    "A block that was trained can still learn after your change, a fresh one cannot: its shifts are zero, and with what you set to zero "
    "besides, no gradient reaches any weight or scale of the branch. The scale and the shift of batchnorm2 are enough.",
)
@torch.no_grad()
def _(block):
    make_identity(block)
    block.batchnorm1.weight.zero_()


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
    "The layers of the block are not as they were: one was taken out, put in, or has lost a parameter or changed a setting. Only the "
    "numbers in its parameters may change, so that the block can learn something later.",
)
def _(block):
    block.batchnorm2 = nn.Identity()


@mistake(
    "forward-replaced",
    "You put another forward over the block's own. Its output is right, but the branch is never computed again and cannot learn.",
)
def _(block):
    block.forward = lambda x: x


@mistake(
    "frozen",
    "The output is right, but you switched requires_grad off and left it so: these numbers will never be trained.",
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
    "data-not-a-tensor",
    "The `.data` of a parameter is a tensor, and a number cannot take its place. Fill the tensor that is there: "
    "nn.init.zeros_(block.batchnorm2.weight), or block.batchnorm2.weight.data.zero_().",
)
def _(block):
    block.batchnorm2.weight.data = 0


@mistake(
    "new-parameters",
    "You put new parameters in place of the old ones. An optimizer that was made before still holds the old ones, and would never train "
    "yours. Write into those that are there: nn.init.zeros_(block.batchnorm2.weight).",
)
def _(block):
    for name, parameter in list(block.batchnorm2.named_parameters()):
        setattr(block.batchnorm2, name, nn.Parameter(torch.zeros_like(parameter)))


@mistake(
    "numbers-not-in-place",
    "A parameter has another shape or type of numbers now, or shares its numbers with another parameter. Write zeros into the numbers that "
    "are there, rather than another tensor into `.data`: nn.init.zeros_(block.batchnorm2.weight).",
)
def _(block):
    block.batchnorm2.weight.data = torch.zeros(1)


@mistake(
    "zeros-of-another-type",
    "torch.zeros(…) makes float32 numbers, whatever type the block has, and you put them into `.data`: a block in float64 cannot compute "
    "any more. Write zeros into the numbers that are there, which keeps their type: nn.init.zeros_(block.batchnorm2.weight).",
)
def _(block):
    for parameter in block.batchnorm2.parameters():
        parameter.data = torch.zeros(len(parameter))


@mistake(
    "gradients-stay-off",
    "You switch gradients off with torch.set_grad_enabled(False), and they stay off for the whole program: nothing can be trained "
    "any more. Use nn.init.zeros_(…), or put `with torch.no_grad():` around.",
)
def _(block):
    torch.set_grad_enabled(False)
    make_identity(block)


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
