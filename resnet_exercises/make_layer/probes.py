"""What is tried on ``make_layer``: short stages that compute, and long ones that are only looked at."""

from torch import nn

from resnet_exercises.light_blocks import (
    LightBlock,
    LightBlock2,
    LightBlock4,
    in_use,
    quickly_made,
    shares_weights,
    state,
    with_shapes,
)
from resnet_exercises.observing import ANYTHING, Fact, Probe, Seen, named_kind
from resnet_exercises.steps import tell_steps as evidence
from resnet_exercises.tensors import behaviour, heeds_the_seed, random_input

__all__ = ["PRAISE", "evidence", "probes"]
PRAISE = {
    "make_layer": "Blocks, channels, stride and projection are right, for every block and every expansion."
}
BUILT_WITH = "(in_channels, channels, stride, shortcut) of each block"
#: in_channels, channels, blocks and stride: the lengths of ResNet-34, 101 and 152, and one more than any of them has;
#: then a width at which equal numbers are two objects, as Python has them above 256
LARGE = [*((64, 128, blocks, 2) for blocks in (2, 4, 6, 8, 23, 36, 37)), (512, 512, 1, 1)]


def probes(name, solution):
    """The stages that an answer has to make."""
    return [
        stage_probe(LightBlock, 4, 4, 2, 1),
        stage_probe(LightBlock, 4, 6, 1, 1),
        stage_probe(LightBlock, 4, 4, 1, 1),
        stage_probe(LightBlock4, 8, 2, 1, 2),
        stage_probe(LightBlock2, 4, 4, 2, 1),
        stage_probe(LightBlock2, 6, 3, 2, 1),
        stage_probe(LightBlock2, 4, 3, 3, 2),
        stage_probe(LightBlock4, 12, 2, 1, 1),  # fewer channels come out, and not half as many
        stage_probe(LightBlock4, 16, 2, 1, 1),  # half as many
        stage_probe(LightBlock, 4, 4, 2, 3),
        Probe("a long or wide stage", large_stages),
    ]


def stage_probe(
    block: type[nn.Module], in_channels: int, channels: int, blocks: int, stride: int
) -> Probe:
    """Makes one stage, looks at its blocks, and at what it does with images of 5×7 pixels."""

    def run(make_layer):
        LightBlock.made = 0
        try:
            stage = make_layer(block, in_channels, channels, blocks, stride)
        except (ValueError, AssertionError):
            if stride > 2:
                return ANYTHING  # no ResNet has such a stride: a right answer may refuse it
            raise
        if not isinstance(stage, nn.Sequential):
            return {"the result": named_kind(stage)}
        modules = list(stage)
        seen = Seen()
        seen["the result"] = "a Sequential"
        seen["the modules in it"] = [_kind(module) for module in modules]
        seen["the number of different blocks"] = len(set(map(id, modules)))
        again = make_layer(block, in_channels, channels, blocks, stride)
        seen["a second call makes new layers"] = Fact(
            not shares_weights(stage, again),
            "a second call of your function gives layers of the first one again",
        )
        if all(isinstance(module, LightBlock) for module in modules):
            seen[BUILT_WITH] = [module.built_with for module in modules]
        seen |= state(stage)
        seen |= in_use(behaviour, stage, random_input(3, in_channels, 5, 7))
        return seen

    arguments = (
        f"in_channels {in_channels}, channels {channels}, blocks {blocks}, stride {stride}"
    )
    return Probe(f"make_layer(a block with expansion {block.expansion}, {arguments})", run)


def _kind(module: nn.Module) -> str:
    return "a block" if isinstance(module, LightBlock) else named_kind(module)


def large_stages(make_layer) -> Seen:
    """What stages of many lengths and of real width consist of; nothing is computed."""
    seen = Seen()
    for arguments in LARGE:
        LightBlock.made = 0
        with quickly_made():
            stage = make_layer(LightBlock, *arguments)
        is_stage = isinstance(stage, nn.Sequential)
        modules = list(with_shapes(stage, arguments[0])) if is_stage else []
        found = {
            "the number of blocks": len(modules),
            "the number of different blocks": len(set(map(id, modules))),
            BUILT_WITH: [getattr(module, "built_with", None) for module in modules],
            "the number of parameters": sum(
                p.numel() for module in modules for p in module.parameters()
            ),
            **state(nn.ModuleList(modules)),
        }
        given = f"for make_layer(a block, {', '.join(map(str, arguments))})"
        seen |= {f"{what}, {given}": value for what, value in found.items()}
    seen["the seed is left alone"] = Fact(
        heeds_the_seed(lambda: make_layer(LightBlock, 4, 6, 1, 2)),
        "make_layer sets the seed of the random numbers",
    )
    return seen
