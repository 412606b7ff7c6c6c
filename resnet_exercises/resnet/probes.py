"""What is tried on ``resnet``: networks of light blocks, planned, run and trained; then the plans of Table 1."""

import functools
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_exercises.light_blocks import (
    LightBlock,
    LightBlock2,
    LightBlock4,
    in_use,
    quickly_made,
    state,
    with_shapes,
)
from resnet_exercises.observing import Fact, Probe, Seen, looking_for, same
from resnet_exercises.resnet.telling import BLOCKS, NO_BLOCKS, evidence, instead_of_blocks
from resnet_exercises.steps import OUTPUT, Steps, Taken
from resnet_exercises.tensors import (
    Roles,
    Weights,
    behaviour,
    fill,
    heeds_the_seed,
    images,
    numbers,
    random_input,
    randomness,
    set_seeds,
    weights_in_order,
)

__all__ = ["PRAISE", "evidence", "probes"]
PRAISE = {
    "resnet": "Stem, stages, projections and classifier are right, for every block and every size of image."
}


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

    def build(self, answer: type, layers: list[int] | None = None) -> nn.Module:
        """The answer's network, the second one that is built: what the first leaves behind in its class shows."""
        set_seeds(0)  # so that an answer with chance in it gets the same verdict each time
        LightBlock.made = 0
        with quickly_made():
            try:
                answer(LightBlock, [1, 1, 1, 1], 2)
            except Exception:
                pass  # the next line raises too, or the probe of that network
            LightBlock.made = 0
            model = answer(self.block, layers or list(self.layers), *self.classes)
            return with_shapes(model, 3)


def probes(name, solution):
    """The networks that an answer has to make. Heights and widths are even and odd: TensorFlow's padding fits the odd
    ones.
    """
    ones = [1, 1, 1, 1]
    images_of_two_sizes = (3, 3, 33, 24), (2, 3, 24, 49)
    large_images = (1, 3, 34, 257), (1, 3, 226, 225)
    return [
        plan_probe(Network(LightBlock2, [1, 2, 3, 1], (10,)), solution),
        output_probe(Network(LightBlock, ones, (200,)), solution, *images_of_two_sizes),
        # large numbers show what bounds them, as ReLU6 does
        output_probe(Network(LightBlock, ones), solution, *large_images, scale=10),
        training_probe(Network(LightBlock2, [2, 1, 1, 1], (200,)), solution, (2, 3, 17, 33)),
        Probe("the plans of ResNet-34, 101 and 152", table),
    ]


def plan(model: nn.Module) -> dict[str, object]:
    """The blocks and parameters of a network; nothing is computed."""
    seen = blocks_of(model)
    return seen | parameters_of(model) if seen[BLOCKS] else seen


def blocks_of(model: nn.Module) -> Seen:
    """What its blocks were built with, or what it has in their place."""
    seen = Seen()
    blocks = [module for module in model.modules() if isinstance(module, LightBlock)]
    seen[BLOCKS] = sorted(block.built_with for block in blocks)
    if not blocks:
        seen[NO_BLOCKS] = instead_of_blocks(model)
    return seen


def parameters_of(model: nn.Module) -> dict[str, object]:
    """How many parameters it has, and how they begin."""
    count = sum(p.numel() for p in model.parameters())
    return {"number of parameters": count} | state(model)


def plan_probe(network: Network, solution: type) -> Probe:
    """Builds a network and looks at its plan, and at what building it leaves behind."""

    def run(answer):
        given = list(network.layers)
        model = network.build(answer, given)
        seen = blocks_of(model)
        if seen[BLOCKS]:
            # an error in a step tells more than a count
            seen |= in_use(steps_for_small_images, model, lambda: network.build(solution))
            seen |= parameters_of(model)
        seen["the list of layers is left as it was"] = Fact(
            given == network.layers,
            "your network has changed the list `layers` that it was given",
        )
        LightBlock.made = 0
        seen["the seed is left alone"] = Fact(
            heeds_the_seed(lambda: answer(network.block, list(network.layers), 10)),
            "__init__ sets the seed of the random numbers",
        )
        return seen

    return Probe(network.label, run)


def steps_for_small_images(model: nn.Module, twin: Callable) -> dict[str, object]:
    """The steps that the network takes, once its weights are filled."""
    x = random_input(2, 3, 40, 32)
    fill(weights_in_order(model, x, twin))
    with torch.no_grad(), Weights(), Steps() as steps:
        model.eval()(x)
    model.train()
    return {"its steps": Taken(steps.taken)}


def table(answer) -> Seen:
    """The plans of ResNet-34, 101 and 152, of Table 1."""
    seen = Seen()
    for depth, layers in ((34, [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3])):
        LightBlock.made = 0
        with quickly_made(), looking_for(None):
            block = LightBlock if depth == 34 else LightBlock4
            found = plan(with_shapes(answer(block, layers, 10), 3))
        seen |= {f"{what} of ResNet-{depth}": value for what, value in found.items()}
    return seen


def output_probe(network: Network, solution: type, shape, then, scale: int = 1) -> Probe:
    """Looks at the output of the network in eval mode, and ``then`` for images of another number and size."""

    def first(answer) -> tuple[nn.Module, dict[str, object]]:
        model = network.build(answer)
        seen = plan(model)
        if seen[BLOCKS]:
            x = scale * random_input(*shape)
            seen |= in_use(output_in_eval_mode, model, x, lambda: network.build(solution))
        return model, seen

    @functools.cache
    def right() -> object:
        with looking_for(None):
            return first(solution)[1][OUTPUT]

    def run(answer):
        model, seen = first(answer)
        # only then, as a network that does not shrink its images takes long for large ones
        if OUTPUT in seen and same(seen[OUTPUT], right()):
            seen |= in_use(output_for_others, model, scale * random_input(*then))
        return seen

    return Probe(f"{network.label}, {images(shape)}", run)


def output_in_eval_mode(model: nn.Module, x: Tensor, twin: Callable) -> Seen:
    """The output, once the weights are filled; before, how the weights begin."""
    weights = weights_in_order(model, x, twin)
    starts = _starts(model, weights)
    fill(weights)
    seen = Seen()
    with torch.no_grad(), Weights():
        if steady(seen, model.eval(), x):
            with Steps() as steps:
                output = numbers(model(x.clone()))
            seen |= {**starts, "its steps": Taken(steps.taken), OUTPUT: output}
    return seen


def _starts(model: nn.Module, weights: Roles) -> dict[str, Fact]:
    """How the weights of the network's own layers begin, those inside the blocks not counted."""
    inside = {
        id(block.norm.weight) for block in model.modules() if isinstance(block, LightBlock)
    }
    scales = [t for role, t in weights if role == "scale" and id(t) not in inside]
    kernels = [t for role, t in weights if role == "weight" and t.dim() == 4]
    return {
        "every convolution starts with different numbers": Fact(
            all(bool(kernel.max() > kernel.min()) for kernel in kernels),
            "all weights of a convolution start with the same number",
        ),
        "every batch norm starts with a scale other than 0": Fact(
            all(bool(scale.all()) for scale in scales), "a batch norm starts with a scale of 0"
        ),
        "every batch norm starts with scale 1": Fact(
            all(bool((scale == 1).all()) for scale in scales),
            "a batch norm of the stem or of a projection starts with a scale other than 1",
        ),
    }


def output_for_others(model: nn.Module, x: Tensor) -> dict[str, object]:
    """The output for images that come after those of another number and size."""
    with torch.no_grad(), Weights():
        return {f"output for {images(x.shape)}, given after these": numbers(model(x))}


def training_probe(network: Network, solution: type, shape) -> Probe:
    """Looks at everything: outputs, running statistics and gradients.

    Not of a network with several times too many parameters: that takes long, and the plan tells what is wrong.
    """
    most = 3 * sum(p.numel() for p in network.build(solution).parameters())

    def run(answer):
        model = network.build(answer)
        seen = plan(model)
        if seen[BLOCKS] and seen["number of parameters"] <= most:
            twin = functools.partial(network.build, solution)
            seen |= in_use(in_training, model, random_input(*shape), twin)
        return seen

    return Probe(f"{network.label}, {images(shape)}", run)


def in_training(model: nn.Module, x: Tensor, twin: Callable) -> Seen:
    """All that the network does with ``x``, if chance has no part in it."""
    seen = Seen()
    with torch.no_grad():
        is_steady = steady(seen, model.train(), x)
    if is_steady:
        seen |= behaviour(model, x, twin)
    return seen


def steady(seen: Seen, model: nn.Module, x: Tensor) -> bool:
    """Sees whether two outputs for the same image are equal."""
    before = randomness()
    outputs = [numbers(model(x.clone())) for _ in range(2)]
    fact = seen["the same output for the same image"] = Fact(
        same(*outputs) and randomness() == before,
        "chance has a part in the output: the same image gives two different ones, or random numbers are drawn",
    )
    return bool(fact)
