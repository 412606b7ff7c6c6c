"""What is tried on ``make_identity``: blocks that are handed over, then looked at and run."""

import copy
import functools
from collections.abc import Iterator

import torch
from torch import Tensor, nn

from resnet_exercises import held
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import Fact, Probe, comparison
from resnet_exercises.tensors import fill, numbers, random_input, weights_in_order
from resnet_lib import ResidualBasicBlock

PRAISE = {
    "make_identity": "The branch gives zero, so the block outputs what it gets, in both modes; and it can still learn."
}


def probes(name, solution):
    trained = probe("a block of 4 channels, given in train mode", 4)
    is_right = comparison(trained, solution)
    # Wider than the 64 channels of the first stage. Its shifts are zero, so much that is wrong does not show: it is
    # only for answers that have changed the trained block rightly.
    fresh = probe("a fresh block of 72 channels, given in train mode", 72, fresh=True)
    return [
        trained,
        probe("a block of 3 channels in float64, given in eval mode", 3, training=False, dtype=torch.float64),
        Probe(fresh.label, lambda change: is_right(change) and fresh.run(change)),
    ]


def probe(label: str, channels: int, **how: object) -> Probe:
    """Hands over a block, and looks at it afterwards; ``how`` it is :func:`filled`."""

    def run(change):
        block = copy.deepcopy(filled(channels, **how))
        x = random_input(3, channels, 5, 7).relu().to(block.conv1.weight.dtype)
        differences = held.watch(block)
        raised = tried(change, block, causes=held.CAUSES)
        if isinstance(raised, StudentError):
            return {"the change": raised}
        recording = held.recording_stays()
        return held.in_turn(looks(block, differences(), recording, x))

    return Probe(label, run)


@functools.cache
def filled(channels: int, training=True, fresh=False, dtype=torch.float32) -> ResidualBasicBlock:
    """A block with random numbers everywhere; a fresh one has them in its convolutions only."""
    block = ResidualBasicBlock(channels, channels)
    weights = weights_in_order(block, random_input(1, channels, 5, 5))
    fill([entry for entry in weights if not fresh or entry[0] == "weight"])
    block = copy.deepcopy(block)  # what `fill` has filled gets its old numbers back
    return block.to(dtype).train(training)


def looks(block: nn.Module, different: held.Differences, recording: held.Look, x: Tensor) -> Iterator[list[held.Look]]:
    """What is looked at after the change: first what decides whether it can compute, then its output, then the rest."""
    for kinds in (("layers", "settings"), ("parameters",), ("form",)):
        yield [held.stays(different, *kinds)]
    try:
        output, in_training, learns = compute(block, x)
    except Exception as error:
        said = StudentError(error).text.partition("\n")[0].rstrip(".")
        yield [("it computes", Fact(False, f"after your change the block cannot compute any more: {said}"))]
        return
    exact = torch.equal(output, x) and torch.equal(in_training, x)
    yield [
        ("it computes", Fact(True, "")),
        ("attributes that were added", sorted(different["added"]), []),
        ("output in eval mode", output, x),
        ("output in train mode", in_training, x),
        ("exactly the input", Fact(exact, "the output is nearly x, and not equal to it")),
        ("the branch can learn", Fact(learns, "no gradient reaches a weight or a scale of the branch")),
    ]
    yield [recording]
    for kind in ("mode", "training", "requires_grad", "hooks left"):
        yield [held.stays(different, kind)]


def compute(block: nn.Module, x: Tensor) -> tuple[Tensor, Tensor, bool]:
    """The output in eval mode and in train mode, and whether a weight or a scale gets a gradient."""
    block.requires_grad_(True)  # that none is frozen is looked at by itself
    block.zero_grad()
    with torch.no_grad():
        output = block.eval()(x.clone())
    in_training = block.train()(x.clone().requires_grad_() * 1)
    (in_training * random_input(*in_training.shape, seed=1)).sum().backward()
    learns = any(
        parameter.grad is not None and parameter.grad.abs().max().item() > 1e-6
        for name, parameter in block.named_parameters()
        if name.endswith("weight")
    )
    return numbers(output), numbers(in_training), learns
