"""What layers that an answer is given hold before it works on them, and what of it is different afterwards."""

from collections import defaultdict
from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from resnet_exercises.observing import Fact, all_holds, same

Look = tuple  #: what is looked at, what was seen, and what is right where that is no :class:`Fact`
Differences = dict[str, list[str]]  #: the names of what is different, by its kind

#: the kinds of what may be different, in the order in which it is worth telling, and what is told
KINDS = {
    "layers": "`{}` is not the layer that it was before",
    "mode": "it is in another mode (train or eval) than before",
    "training": "`{}`, the mode of a layer, is not what it was before",
    "hooks left": "a hook is left on it",
    "hooks gone": "a hook that others had put is gone",
    "statistics": "your code has changed the numbers in `{}`",
    "numbers": "your code has changed the numbers in `{}`",
    "parameters": "`{}` is a new parameter",
    "form": "`{}` has numbers of another shape or type than before, or shares them",
    "requires_grad": "your code has changed `{}`",
    "grad": "your code has left a gradient, `{}`",
    "added": "`{}` was not there before",
    "settings": "`{}` is not what it was before",
}
_ABSENT = object()


def watch(module: nn.Module) -> Callable[[], Differences]:
    """A function that tells what is different in ``module`` since now."""
    before = _held(module)

    def differences() -> Differences:
        after, found = _held(module), defaultdict(list)
        for part, name in before | after:
            was, now = (things.get((part, name), _ABSENT) for things in (before, after))
            if kind := _kind(part, was, now):
                found[kind].append(name)
        return found

    return differences


def _held(module: nn.Module) -> dict[tuple[str, str], object]:
    """All that a module and its layers hold, by what part of them it is and by name, such as ``relu1.inplace``.

    The values are the things themselves, so that no new one gets the id of an old one; of numbers there is a copy. The
    form of a tensor has the name of the first one at its place: ``.data`` of two may be the same.
    """
    found: dict[tuple[str, str], object] = {}
    places: dict[int, str] = {}
    for path, layer in module.named_modules():
        inside = f"{path}." if path else ""
        registered = {**layer._parameters, **layer._buffers, **layer._modules}
        for attribute, value in {"__class__": type(layer), **vars(layer), **registered}.items():
            name = f"{inside}{attribute}"
            if "hooks" in attribute and isinstance(value, dict):
                found |= {("hooks", f"{name}.{key}"): hook for key, hook in value.items()}
            elif attribute == "training":
                found["training" if path else "mode", name] = value
            elif attribute not in ("_parameters", "_buffers", "_modules", "_is_full_backward_hook"):
                found["", name] = value
        for kind, tensors in ("numbers", layer._parameters), ("statistics", layer._buffers):
            for name, tensor in tensors.items():
                if tensor is not None:
                    name = f"{inside}{name}"
                    place = places.setdefault(tensor.data_ptr(), name)
                    found["form", name] = tensor.shape, tensor.dtype, tensor.stride(), place
                    found[kind, name] = tensor.detach().clone()
                    found["requires_grad", f"{name}.requires_grad"] = tensor.requires_grad
                    found["grad", f"{name}.grad"] = tensor.grad
    return found


def _kind(part: str, was: object, now: object) -> str:
    """Of what kind a difference is; an empty string where there is none."""
    plain = isinstance(was, (int, float, str, tuple)) and type(now) is type(was)
    if was is now or plain and now == was:
        return ""
    if part == "hooks":
        return "hooks left" if was is _ABSENT else "hooks gone"
    if part:  # where it is missing, so is its layer or tensor: that is a difference of its own
        missing = was is _ABSENT or now is _ABSENT
        copied = part in ("numbers", "statistics") and not missing and torch.equal(was, now)
        return "" if missing or copied else part
    if isinstance(was, nn.Module) or isinstance(now, nn.Module):
        return "layers"
    if isinstance(was, nn.Parameter) and isinstance(now, nn.Parameter):
        return "parameters"
    if isinstance(was, Tensor) and isinstance(now, Tensor):
        return ""  # another tensor as a buffer, which no optimizer holds: its numbers count
    return "added" if was is _ABSENT else "settings"


def in_turn(stages: Iterable[Iterable[Look]]) -> dict[str, object]:
    """What is seen, up to the first stage in which something is wrong: of two mistakes, the first has a name then."""
    seen = {}
    for stage in stages:
        looks = list(stage)
        seen |= {what: got for what, got, *_ in looks}
        if not all(same(got, *right) if right else all_holds(got) for _, got, *right in looks):
            break
    return seen


def stays(different: Differences, *kinds: str) -> Look:
    """The look whether nothing of these kinds is different."""
    told = [KINDS[kind].format(different[kind][0]) for kind in kinds if different.get(kind)]
    return kinds[0], Fact(not told, told[0] if told else "")


def recording_stays() -> Look:
    """The look whether gradients are still recorded, for which it takes care then."""
    fact = Fact(torch.is_grad_enabled(), "gradients are switched off for all that follows")
    torch.set_grad_enabled(True)
    return "gradients are recorded", fact


#: what is told by its cause where an answer works on layers; a missing attribute by its name
CAUSES = (
    (r"'NoneType' object has no attribute", "None in place of a tensor"),
    (r"no attribute 'bn[23]'", "the last batch norm, as torchvision calls it"),
    (r".* has no attribute .*", r"\g<0>"),
)
