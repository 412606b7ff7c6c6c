"""How a wrong plan of a network is told: of many blocks, the first that differs."""

from collections import Counter

from torch import nn

from resnet_exercises.errors import StudentError
from resnet_exercises.light_blocks import LightBlock
from resnet_exercises.steps import tell_steps

BLOCKS = "what the blocks are built with"
NO_BLOCKS = "what the network has in place of its blocks"


def instead_of_blocks(model: nn.Module) -> str:
    """Where the blocks are that PyTorch does not find in ``model``, as far as it can be told."""
    usual = vars(nn.Module())
    own = [
        value
        for module in model.modules()
        for name, value in {**vars(module), **module._modules}.items()
        if name not in usual
    ]
    if any(map(_holds_a_block, own)):
        return "a Python list or dict of blocks"
    for module in model.modules():
        own_class = module is not model and not type(module).__module__.startswith("torch.")
        if own_class and any(isinstance(layer, nn.Conv2d) for layer in module.modules()):
            return "blocks of another class"
    return "None" if any(value is None for value in own) else "nothing that was found"


def _holds_a_block(value: object) -> bool:
    if isinstance(value, (list, tuple, dict)):
        return any(map(_holds_a_block, value.values() if isinstance(value, dict) else value))
    modules = value.modules() if isinstance(value, nn.Module) else []
    return any(isinstance(module, LightBlock) for module in modules)


def evidence(probe, expected, got) -> str:
    """As :func:`tell_steps`, but of many blocks only the first that differs."""
    seen = got if isinstance(got, dict) else {}
    plans = (what for what in seen if what.startswith(BLOCKS) and seen[what] != expected[what])
    if (what := next(plans, None)) is None:
        return tell_steps(probe, expected, got)
    right, wrong = expected[what], got[what]
    if not wrong:
        found = next(value for name, value in got.items() if name.startswith(NO_BLOCKS))
        return (
            f"With {probe.label}: PyTorch finds none of the {len(right)} blocks in your network; "
            f"in their place it has {found}."
        )
    got_of, right_of = (Counter(plan.channels for plan in plans) for plans in (wrong, right))
    lengths = [
        f"layer{number}, of {channels} channels, has {got_of[channels]} instead of {right_of[channels]}"
        for number, channels in enumerate((64, 128, 256, 512), 1)
        if got_of[channels] != right_of[channels]
    ]
    # not number by number: one block too many among the first would put all later ones beside another
    extra, lacking = ([*(Counter(a) - Counter(b))] for a, b in ((wrong, right), (right, wrong)))
    if lengths and (len(right) != len(wrong) or set(wrong) <= set(right)):
        told = f"expected {len(right)} different blocks, and PyTorch finds {len(wrong)}: "
        told = (told if len(right) != len(wrong) else "") + "; ".join(lengths)
    elif extra and lacking:
        w = min(extra, key=lambda plan: plan.channels)
        r = min(lacking, key=lambda plan: (plan.channels != w.channels, plan))
        told = f"a block is built with {w}; expected {r}"
    else:
        told = f"one with {lacking[0]} is missing" if lacking else f"{extra[0]} is too many"
    error = next((seen for seen in got.values() if isinstance(seen, StudentError)), None)
    return f"With {probe.label}: {told}. {error.explain() if error else ''}".rstrip()
