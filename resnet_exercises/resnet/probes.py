"""What is tried on ``resnet``: networks of light blocks, planned, run and trained; then the plans of Table 1."""

import functools

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
    Weights,
    behaviour,
    fill,
    images,
    numbers,
    random_input,
    randomness,
    set_seeds,
    torch_seed,
    weights_in_order,
)

__all__ = ["PRAISE", "evidence", "probes"]
PRAISE = {
    "resnet": "Stem, stages, projections and classifier are right, for every block and every size of image."
}
STEADY = "the same output for the same image"


def probes(name, solution):
    """The networks that an answer has to make. Heights and widths are even and odd: TensorFlow's padding fits the odd
    ones.
    """
    ones = [1, 1, 1, 1]
    return [
        plan_probe(LightBlock2, [1, 2, 3, 1], 10),
        output_probe(
            solution, LightBlock, ones, 200, shape=(3, 3, 33, 24), then=(2, 3, 24, 49)
        ),
        output_probe(
            solution, LightBlock, ones, shape=(1, 3, 34, 257), then=(1, 3, 226, 225), scale=10
        ),
        training_probe(solution, LightBlock2, [2, 1, 1, 1], 200, shape=(2, 3, 17, 33)),
        Probe("the plans of ResNet-34, 101 and 152", table),
    ]


def build(answer: type, block: type[nn.Module], layers: list[int], *classes: int) -> nn.Module:
    """The answer's network, the second one that is built: what the first leaves behind in its class shows."""
    set_seeds(0)  # so that an answer with chance in it gets the same verdict each time
    LightBlock.made = 0
    with quickly_made():
        try:
            answer(LightBlock, [1, 1, 1, 1], 2)
        except Exception:
            pass  # the next line raises too, or the probe of that network
        LightBlock.made = 0
        return with_shapes(answer(block, layers, *classes), 3)


def named(block: type[nn.Module], layers: list[int], *classes: int) -> str:
    """A network in words."""
    classes = f", {classes[0]}" if classes else ""
    return f"ResNet(a block with expansion {block.expansion}, {layers}{classes})"


def plan(model: nn.Module) -> dict[str, object]:
    """The blocks and parameters of a network; nothing is computed."""
    seen = blocks_of(model)
    if NO_BLOCKS not in seen:
        seen |= parameters_of(model)
    return seen


def blocks_of(model: nn.Module) -> Seen:
    """What its blocks were built with, or what it has in their place."""
    blocks = [module for module in model.modules() if isinstance(module, LightBlock)]
    seen = Seen()
    seen[BLOCKS] = sorted(block.built_with for block in blocks)
    if not blocks:
        seen[NO_BLOCKS] = instead_of_blocks(model)
    return seen


def parameters_of(model: nn.Module) -> dict[str, object]:
    """How many parameters it has, and how they begin."""
    count = sum(p.numel() for p in model.parameters())
    return {"number of parameters": count} | state(model)


def plan_probe(block: type[nn.Module], layers: list[int], classes: int) -> Probe:
    """Builds a network and looks at its plan, and at what building it leaves behind."""

    def run(answer):
        given = list(layers)
        model = build(answer, block, given, classes)
        seen = blocks_of(model)
        if NO_BLOCKS not in seen:
            seen |= in_use(steps_for_small_images, model)  # an error tells more than a count
            seen |= parameters_of(model)
        seen["the list of layers is left as it was"] = Fact(
            given == layers, "your network has changed the list `layers` that it was given"
        )
        seeds = [torch_seed()]
        set_seeds(1)
        LightBlock.made = 0
        with quickly_made():
            answer(block, list(layers), classes)
        seeds.append(torch_seed())
        seen["the seed is left alone"] = Fact(
            seeds[0] != seeds[1], "__init__ sets the seed of the random numbers"
        )
        return seen

    return Probe(named(block, layers, classes), run)


def steps_for_small_images(model: nn.Module) -> dict[str, object]:
    """The steps that the network takes, once its weights are filled."""
    x = random_input(2, 3, 40, 32)
    fill(weights_in_order(model, x.clone()))
    with torch.no_grad(), Weights(), Steps() as steps:
        model.eval()(x.clone())
    model.train()
    return {"its steps": Taken(steps.taken)}


def table(answer) -> Seen:
    """The plans of ResNet-34, 101 and 152, of Table 1."""
    seen = Seen()
    for depth, layers in ((34, [3, 4, 6, 3]), (101, [3, 4, 23, 3]), (152, [3, 8, 36, 3])):
        LightBlock.made = 0
        with quickly_made():
            block = LightBlock if depth == 34 else LightBlock4
            model = with_shapes(answer(block, list(layers), 10), 3)
        with looking_for(None):
            found = plan(model)
        seen |= {f"{what} of ResNet-{depth}": value for what, value in found.items()}
    return seen


def output_probe(solution, block, layers: list[int], *classes: int, shape, then, scale=1):
    """Looks at the output of the network in eval mode, and ``then`` for images of another number and size.

    A large ``scale`` shows what bounds the numbers, as ReLU6 does.
    """

    def first(answer) -> tuple[nn.Module, dict[str, object]]:
        model = build(answer, block, list(layers), *classes)
        x = scale * random_input(*shape)
        if len(x) > 1:
            x[1] = x[0]  # whose outputs differ only if chance has a part in it
        seen = plan(model)
        if seen[BLOCKS]:
            seen |= in_use(output_in_eval_mode, model, x)
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

    return Probe(f"{named(block, layers, *classes)}, {images(shape)}", run)


def output_in_eval_mode(model: nn.Module, x: Tensor) -> dict[str, object]:
    """The output for images of which two are the same, once the weights are filled; before, how the weights begin."""
    weights = weights_in_order(model, x.clone())
    starts = _starts(model, weights)
    fill(weights)
    with torch.no_grad(), Weights():
        with Steps() as steps:
            output = numbers(model.eval()(x.clone()))
        twins = (output, output)
        if len(x) == 1:
            twins = (output, numbers(model(x.clone())))
        elif isinstance(output, Tensor) and output.shape[:1] == x.shape[:1]:
            twins = (output[0], output[1])
    seen = Seen()
    seen[STEADY] = steady(twins)
    if seen[STEADY]:
        seen |= starts
        seen["its steps"] = Taken(steps.taken)
        seen[OUTPUT] = output
    return seen


def _starts(model: nn.Module, weights: list[tuple[str, Tensor]]) -> dict[str, Fact]:
    """How the weights of the network's own layers begin, those inside the blocks not counted."""
    inside = [block.norm.weight for block in model.modules() if isinstance(block, LightBlock)]
    scales = [
        tensor
        for role, tensor in weights
        if role == "scale" and not any(tensor is scale for scale in inside)
    ]
    kernels = [tensor for role, tensor in weights if role == "weight" and tensor.dim() == 4]
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
        output = numbers(model(x.clone()))
    return {f"output for {images(x.shape)}, given after these": output}


def training_probe(solution, block, layers: list[int], classes: int, shape) -> Probe:
    """Looks at everything: outputs, running statistics and gradients.

    Not of a network with several times too many parameters: that takes long, and the plan tells what is wrong.
    """
    most = 3 * sum(p.numel() for p in build(solution, block, layers, classes).parameters())

    def run(answer):
        model = build(answer, block, list(layers), classes)
        seen = plan(model)
        if NO_BLOCKS in seen or seen["number of parameters"] > most:
            return seen
        seen |= in_use(in_training, model, random_input(*shape))
        return seen

    return Probe(f"{named(block, layers, classes)}, {images(shape)}", run)


def in_training(model: nn.Module, x: Tensor) -> dict[str, object]:
    """All that the network does with ``x``, if chance has no part in it."""
    before = randomness()
    with torch.no_grad():
        outputs = [numbers(model.train()(x.clone())) for _ in range(2)]
    seen = Seen()
    seen[STEADY] = steady(outputs, randomness() == before)
    if seen[STEADY]:
        seen |= behaviour(model, x)
    return seen


def steady(outputs, draws_nothing: bool = True) -> Fact:
    """Whether two outputs for the same image are equal."""
    return Fact(
        same(*outputs) and draws_nothing,
        "chance has a part in the output: the same image gives two different ones, or random numbers are drawn",
    )
