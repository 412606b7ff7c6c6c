"""What is tried on ``make_layer``: short stages that compute, and long ones that are only looked at."""

from functools import partial

from torch import nn

from resnet_exercises import light_blocks
from resnet_exercises.light_blocks import LightBlock, LightBlock2, LightBlock4
from resnet_exercises.observing import ANYTHING, Fact, Probe, named_kind
from resnet_exercises.steps import tell_steps as evidence
from resnet_exercises.tensors import behaviour, heeds_the_seed, random_input

__all__ = ["PRAISE", "evidence", "probes"]
PRAISE = {"make_layer": "Blocks, channels, stride and projection are right, for every block and every expansion."}
#: the lengths of ResNet-34, 101 and 152, and one more; then a width at which equal numbers are two objects: above 256
LARGE = [*((64, 128, blocks, 2) for blocks in (2, 4, 6, 8, 23, 36, 37)), (512, 512, 1, 1)]


def probes(name, solution):
    stages = [
        (LightBlock, 4, 4, 2, 1),
        (LightBlock, 4, 6, 1, 1),
        (LightBlock, 4, 4, 1, 1),
        (LightBlock4, 8, 2, 1, 2),
        (LightBlock2, 4, 4, 2, 1),
        (LightBlock2, 6, 3, 2, 1),
        (LightBlock2, 4, 3, 3, 2),
        (LightBlock4, 12, 2, 1, 1),  # fewer channels come out, and not half as many
        (LightBlock4, 16, 2, 1, 1),  # half as many
        (LightBlock, 4, 4, 2, 3),
    ]
    return [*(stage_probe(solution, *stage) for stage in stages), Probe("a long or wide stage", large_stages)]


def stage_probe(solution, block: type[LightBlock], *arguments: int) -> Probe:
    """Makes one stage, looks at its blocks, and at what it does with images of 5×7 pixels."""

    def run(make_layer):
        try:
            with light_blocks.quickly_made():
                stage = make_layer(block, *arguments)
        except (ValueError, AssertionError):
            if arguments[-1] > 2:
                return ANYTHING  # no ResNet has such a stride: a right answer may refuse it
            raise
        seen = plan(stage, arguments[0])
        if isinstance(stage, nn.Sequential):
            x, twin = random_input(3, arguments[0], 5, 7), partial(solution, block, *arguments)
            seen |= light_blocks.in_use(behaviour, stage, x, twin)
        return seen

    given = ", ".join(f"{name} {value}" for name, value in zip("in_channels channels blocks stride".split(), arguments))
    return Probe(f"make_layer(a block with expansion {block.expansion}, {given})", run)


def plan(stage: object, in_channels: int) -> dict[str, object]:
    """What a stage consists of."""
    if not isinstance(stage, nn.Sequential):
        return {"the result": named_kind(stage)}
    modules = list(stage)
    plans = [getattr(module, "built_with", named_kind(module)) for module in modules]
    return {
        "the result": "a Sequential",
        "the number of modules in it": len(modules),
        "the number of different blocks": len(set(map(id, modules))),
        **{f"its block {n} of {len(plans)}": plan for n, plan in enumerate(plans, 1)},
        **light_blocks.state(light_blocks.with_shapes(stage, in_channels)),
    }


def large_stages(make_layer) -> dict[str, object]:
    """What stages of many lengths and of real width consist of; nothing is computed."""
    seen = {}
    for arguments in LARGE:
        with light_blocks.quickly_made():
            stage = make_layer(LightBlock, *arguments)
        given = f"for make_layer(a block, {', '.join(map(str, arguments))})"
        seen |= {f"{what}, {given}": value for what, value in plan(stage, arguments[0]).items()}
    once, again = (make_layer(LightBlock, 4, 4, 1, 1) for _ in range(2))
    seen["a new stage"] = Fact(once is not again, "make_layer returns the stage of an earlier call, not a new one")
    heeds = heeds_the_seed(lambda: make_layer(LightBlock, 4, 6, 1, 2))
    return seen | {"the seed is left alone": Fact(heeds, "make_layer sets the seed of the random numbers")}
