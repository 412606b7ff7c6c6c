"""What is tried on ``resnet``: networks of light blocks, planned, run and trained; then the plans of Table 1."""

import contextlib
import functools
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_exercises import light_blocks, tensors
from resnet_exercises.errors import StudentError
from resnet_exercises.light_blocks import LightBlock, LightBlock2, LightBlock4
from resnet_exercises.observing import Fact, Probe, all_holds, same
from resnet_exercises.steps import OUTPUT, Steps, Taken, tell_steps
from resnet_exercises.tensors import Weights, images, numbers, random_input

PRAISE = {"resnet": "Stem, stages, projections and classifier are right, for every block and every size of image."}
BLOCKS = "what the blocks are built with"
NO_BLOCKS = "what the network has in place of its blocks"


@dataclass(frozen=True)
class Network:
    """A network that an answer has to make. Without ``classes`` it has the default."""

    block: type[LightBlock]
    layers: list[int]
    classes: tuple[int, ...] = ()

    @property
    def label(self) -> str:
        """The network in words."""
        arguments = ", ".join(map(str, (self.layers, *self.classes)))
        return f"ResNet(a block with expansion {self.block.expansion}, {arguments})"

    def build(self, answer: type) -> nn.Module:
        """The answer's network, the second one that is built: what the first leaves behind in its class shows."""
        tensors.set_seeds(0)  # so that an answer with chance in it gets the same verdict each time
        with light_blocks.quickly_made():
            with contextlib.suppress(Exception):  # the next line raises too
                answer(LightBlock, [1, 1, 1, 1], 2)
            return light_blocks.with_shapes(answer(self.block, list(self.layers), *self.classes), 3)


def probes(name, solution):
    """The networks that an answer has to make, for even and odd sizes: TensorFlow's padding fits the odd ones."""
    ones = [1, 1, 1, 1]
    return [
        output_probe(Network(LightBlock2, [1, 2, 3, 1], (10,)), solution, (2, 3, 40, 32)),
        output_probe(Network(LightBlock, ones, (200,)), solution, (3, 3, 33, 24), (2, 3, 24, 49)),
        # large numbers show what bounds them, as ReLU6 does
        output_probe(Network(LightBlock, ones), solution, (1, 3, 34, 257), (1, 3, 226, 225), scale=10),
        training_probe(Network(LightBlock2, [2, 1, 1, 1], (200,)), solution, (2, 3, 17, 33)),
        Probe("the plans of ResNet-34, 101 and 152", plans),
    ]


def plan(model: nn.Module) -> dict[str, object]:
    """The blocks and parameters of a network; nothing is computed."""
    seen = blocks_of(model)
    return seen | light_blocks.state(model) if seen[BLOCKS] else seen


def blocks_of(model: nn.Module) -> dict[str, object]:
    """What its blocks were built with, or what it has in their place."""
    blocks = sorted(module.built_with for module in model.modules() if isinstance(module, LightBlock))
    return {BLOCKS: blocks} if blocks else {BLOCKS: [], NO_BLOCKS: instead_of_blocks(model)}


def plans(answer) -> dict[str, object]:
    """The plans of ResNet-34, 101 and 152, of Table 1, and what building a network leaves behind."""
    seen = {}
    for depth, layers in ((34, [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3])):
        given = list(layers)
        with light_blocks.quickly_made():
            model = answer(LightBlock if depth == 34 else LightBlock4, given, 10)
            found = plan(light_blocks.with_shapes(model, 3))
        found["list of layers"] = Fact(given == layers, "your network has changed the list `layers` that it was given")
        seen |= {f"{what} of ResNet-{depth}": value for what, value in found.items()}
    heeds = tensors.heeds_the_seed(lambda: answer(LightBlock, [1, 1, 1, 1], 10))
    return seen | {"the seed is left alone": Fact(heeds, "__init__ sets the seed of the random numbers")}


def output_probe(network: Network, solution: type, shape, then=None, scale: int = 1) -> Probe:
    """Looks at the output of the network in eval mode, and ``then`` for images of another number and size."""

    def first(answer) -> tuple[nn.Module, dict]:
        model = network.build(answer)
        seen, state = blocks_of(model), light_blocks.state(model)
        if seen[BLOCKS]:
            x, twin = scale * random_input(*shape), functools.partial(network.build, solution)
            seen |= light_blocks.in_use(output_in_eval_mode, model, x, twin) | state
        return model, seen

    right = functools.cache(lambda: first(solution)[1][OUTPUT])

    def run(answer):
        model, seen = first(answer)
        # only then, as a network that does not shrink its images takes long for large ones
        if then and OUTPUT in seen and same(seen[OUTPUT], right()):
            what, other = f"output for {images(then)}, given after these", scale * random_input(*then)
            with torch.no_grad(), Weights():
                seen |= light_blocks.in_use(lambda: {what: numbers(model(other))})
        return seen

    return Probe(f"{network.label}, {images(shape)}", run)


def output_in_eval_mode(model: nn.Module, x: Tensor, twin: Callable) -> dict[str, object]:
    """The output, once the weights are filled; before, how the weights begin."""
    weights = tensors.weights_in_order(model, x, twin)
    begins = {"the numbers that its weights begin with": _begins(model, weights)}
    tensors.fill(weights)
    with torch.no_grad(), Weights():
        seen = steady(model.eval(), x)
        if all_holds(seen):
            with Steps() as steps:
                output = numbers(model(x.clone()))
            seen |= {**begins, "its steps": Taken(steps.taken), OUTPUT: output}
    return seen


def _begins(model: nn.Module, weights: tensors.Roles) -> str:
    """What is wrong with the numbers that the network begins with; the scales inside its blocks do not count."""
    inside = {id(block.norm.weight) for block in model.modules() if isinstance(block, LightBlock)}
    scales = [t for role, t in weights if role == "scale" and id(t) not in inside and (t != 1).any()]
    number = "1" if not scales else "other numbers" if all(scale.all() for scale in scales) else "0"
    return tensors.starts(weights) or f"{number} as scales of the stem and of the projections"


def training_probe(network: Network, solution: type, shape) -> Probe:
    """Looks at outputs, statistics and gradients; not of a network with far too many parameters, which takes long."""
    most = 3 * sum(p.numel() for p in network.build(solution).parameters())

    def run(answer):
        model = network.build(answer)
        x, twin = random_input(*shape), functools.partial(network.build, solution)

        def used() -> dict[str, object]:
            found = steady(model.train(), x)
            return found | tensors.behaviour(model, x, twin) if all_holds(found) else found

        seen = plan(model)
        if seen[BLOCKS] and seen["number of parameters"] <= most:
            seen |= light_blocks.in_use(used)
        return seen

    return Probe(f"{network.label}, {images(shape)}", run)


@torch.no_grad()
def steady(model: nn.Module, x: Tensor) -> dict[str, object]:
    """Whether two outputs for the same image are equal."""
    before = tensors.randomness()
    is_steady = same(*(numbers(model(x.clone())) for _ in range(2))) and tensors.randomness() == before
    said = "chance has a part in the output: the same image gives two different ones, or random numbers are drawn"
    return {"the same output for the same image": Fact(is_steady, said)}


def instead_of_blocks(model: nn.Module) -> str:
    """Where the blocks are that PyTorch does not find in ``model``, as far as it can be told."""
    own = [value for name, value in {**vars(model), **model._modules}.items() if name not in vars(nn.Module())]
    if any("block(" in str(value) for value in own if isinstance(value, (list, tuple, dict))):
        return "a Python list or dict of blocks"
    _, *inside = model.modules()
    if not LightBlock.made and not all(type(module).__module__.startswith("torch.") for module in inside):
        return "blocks of another class"
    return "None" if any(value is None for value in own) else "nothing that was found"


def evidence(probe, expected, got) -> str:
    """As :func:`tell_steps`, but of many blocks only the first that differs."""
    seen = got if isinstance(got, dict) else {}
    plans = (what for what in seen if what.startswith(BLOCKS) and seen[what] != expected[what])
    if (what := next(plans, None)) is None:
        return tell_steps(probe, expected, got)
    right, wrong = expected[what], got[what]
    if not wrong:
        found = next(value for name, value in got.items() if name.startswith(NO_BLOCKS))
        none = f"PyTorch finds none of the {len(right)} blocks in your network"
        return f"With {probe.label}: {none}; in their place it has {found}."
    got_of, right_of = (Counter(plan.channels for plan in plans) for plans in (wrong, right))
    lengths = [
        f"layer{n}, of {channels} channels, has {got_of[channels]} instead of {right_of[channels]} different blocks"
        for n, channels in enumerate((64, 128, 256, 512), 1)
        if got_of[channels] != right_of[channels]
    ]
    # not number by number: one block too many among the first would put all later ones beside another
    extra, lacking = ([*(Counter(a) - Counter(b))] for a, b in ((wrong, right), (right, wrong)))
    told = "; ".join(lengths)
    if not lengths or len(right) == len(wrong) and not set(wrong) <= set(right):
        w = min(extra, key=lambda plan: plan.channels)
        r = min(lacking, key=lambda p: (p.channels != w.channels, p.stride != w.stride, p), default="no more")
        told = f"a block is built with {w}; expected {r}"
    error = next((seen for seen in got.values() if isinstance(seen, StudentError)), None)
    return f"With {probe.label}: {told}. {error.explain() if error else ''}".rstrip()
