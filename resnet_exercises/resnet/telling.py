"""How a wrong plan of a network is told: of many blocks, the first that differs."""

from collections import Counter

from torch import nn

from resnet_exercises.errors import StudentError
from resnet_exercises.light_blocks import LightBlock
from resnet_exercises.steps import tell_steps

BLOCKS = "the blocks (in_channels, channels, stride, shortcut)"
NO_BLOCKS = "what the network has in place of its blocks"
WIDTHS = (64, 128, 256, 512)


def instead_of_blocks(model: nn.Module) -> str:
    """Where the blocks are that PyTorch does not find in ``model``, as far as it can be told."""
    usual = vars(nn.Module())
    own = {
        name: value
        for module in model.modules()
        for name, value in vars(module).items()
        if name not in usual
    }
    for value in own.values():
        inside = value.values() if isinstance(value, dict) else value
        if isinstance(value, (list, tuple, dict)) and any(map(_holds_a_block, inside)):
            return "a Python list or dict of blocks"
    for module in model.modules():
        own_class = module is not model and not type(module).__module__.startswith("torch.")
        if own_class and any(isinstance(layer, nn.Conv2d) for layer in module.modules()):
            return "blocks of another class"
    modules = [part for module in model.modules() for part in module._modules.values()]
    if None in (*own.values(), *modules):
        return "None"
    return "nothing that was found"


def _holds_a_block(value: object) -> bool:
    inside = value if isinstance(value, (list, tuple)) else [value]
    modules = [m for part in inside if isinstance(part, nn.Module) for m in part.modules()]
    return any(isinstance(module, LightBlock) for module in modules)


def evidence(probe, expected, got) -> str:
    """As :func:`tell_steps`, but of many blocks only the first that differs."""
    plans = [what for what in expected if what.startswith(BLOCKS)]
    if not isinstance(got, dict) or all(got.get(what) == expected[what] for what in plans):
        return tell_steps(probe, expected, got)
    what = next(what for what in plans if got.get(what) != expected[what])
    if what not in got:
        return tell_steps(probe, expected, got)
    right, wrong = expected[what], got[what]
    if not wrong:
        found = next((value for name, value in got.items() if name.startswith(NO_BLOCKS)), "")
        return (
            f"With {probe.label}: PyTorch finds none of the {len(right)} blocks in your network; "
            f"in their place it has {found}."
        )
    lengths = _wrong_lengths(right, wrong)
    if len(right) != len(wrong) or lengths and set(wrong) <= set(right):
        counted = f"expected {len(right)} different blocks, and PyTorch finds {len(wrong)}: "
        counted = counted if len(right) != len(wrong) else ""
        error = next((seen for seen in got.values() if isinstance(seen, StudentError)), None)
        told = f"With {probe.label}: {counted}{'; '.join(lengths)}."
        return f"{told} {error.explain()}" if error else told
    # the lists are sorted: one block too many among the first would put all later ones beside another
    extra, lacking = ([*(Counter(a) - Counter(b))] for a, b in ((wrong, right), (right, wrong)))
    by = 0 if lengths else 1  # where widths are wrong, what comes in tells which block it is
    w = min(extra, key=lambda plan: plan[by])
    r = min(lacking, key=lambda plan: (plan[by] != w[by], plan[by]))
    whose = "a block" if lengths else f"a block of layer{WIDTHS.index(w[1]) + 1}"
    others = f"one with {r} is missing" if lengths else f"expected {r}"
    built_with = "(in_channels, channels, stride, shortcut)"
    return f"With {probe.label}: {whose} has {built_with} = {w}; {others}."


def _wrong_lengths(right: list[tuple], wrong: list[tuple]) -> list[str]:
    """The stages that have another number of blocks than they should, told by their channels."""
    found = []
    for number, channels in enumerate(WIDTHS, 1):
        expected, got = (sum(plan[1] == channels for plan in plans) for plans in (right, wrong))
        if expected != got:
            found.append(
                f"layer{number}, of {channels} channels, has {got} instead of {expected}"
            )
    if others := [plan for plan in wrong if plan[1] not in WIDTHS]:
        found.append(f"{len(others)} have other channels, such as {others[0][1]}")
    return found
