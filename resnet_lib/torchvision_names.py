"""Our parameter names ↔ torchvision's, and loading torchvision's weights by name.

The two name things alike but for batch norm, which torchvision calls ``bn1``, ``bn2``, ``bn3``. Both have the layers of
a block in the same order, so parameter shapes are equal too (torchvision 0.29).
"""

import re

from torch import Tensor, nn

from resnet_lib.fetching import fetching

_NORM = r"(?:weight|bias|running_mean|running_var|num_batches_tracked)"
_ANY_NAME = (
    r"conv1\.weight|{norm}1\." + _NORM + r"|fc\.(?:weight|bias)"
    r"|layer[1-4]\.\d+\.(?:conv[1-3]\.weight|{norm}[1-3]\." + _NORM + r"|downsample\.0\.weight"
    r"|downsample\.1\." + _NORM + ")"
)
_OUR_NAME = re.compile(_ANY_NAME.replace("{norm}", "batchnorm"))
_THEIR_NAME = re.compile(_ANY_NAME.replace("{norm}", "bn"))


def torchvision_name(our_name: str) -> str:
    """torchvision's name of a parameter or buffer of ours: ``layer1.0.batchnorm2.bias`` → ``layer1.0.bn2.bias``.

    Raises ``ValueError`` for a name that no ResNet of ours has.
    """
    _check_name(our_name, _OUR_NAME, "layer1.0.batchnorm2.weight")
    return our_name.replace("batchnorm", "bn")


def our_name(torchvision_name: str) -> str:
    """Our name of a parameter or buffer of torchvision's: ``layer1.0.bn2.bias`` → ``layer1.0.batchnorm2.bias``.

    Raises ``ValueError`` for a name that no ResNet of torchvision has.
    """
    _check_name(torchvision_name, _THEIR_NAME, "layer1.0.bn2.weight")
    return torchvision_name.replace("bn", "batchnorm")


def _check_name(name: str, pattern: re.Pattern, example: str) -> None:
    if not isinstance(name, str):
        raise TypeError(f"a parameter name is a str such as {example!r}, not {name!r}")
    if not pattern.fullmatch(name):
        raise ValueError(
            f"{name!r} is not the name of a ResNet parameter; one looks like {example!r}"
        )


def load_torchvision_weights(model: nn.Module, state_dict: dict[str, Tensor]) -> None:
    """Copies the weights of a torchvision ResNet of the same depth into ``model``, by name.

    Strict: every tensor of the model must be in ``state_dict`` with the same shape, and nothing
    else. One exception, which PyTorch itself makes: files from before batch norm had a counter
    hold no ``num_batches_tracked`` at all.

    Raises ``ValueError`` that names what is missing, unexpected or of another shape; the model is
    then unchanged.
    """
    check_state_dict(state_dict)
    ours = model.state_dict()
    wanted = {torchvision_name(name): name for name in ours}
    if not any(name.endswith("num_batches_tracked") for name in state_dict):
        wanted = {t: o for t, o in wanted.items() if not t.endswith("num_batches_tracked")}

    _check_whose(state_dict, wanted)
    problems = [f"missing: {name}" for name in wanted if name not in state_dict]
    problems += [f"unexpected: {name}" for name in state_dict if name not in wanted]
    for theirs, name in wanted.items():
        given, needed = state_dict.get(theirs, ours[name]).shape, ours[name].shape
        if given != needed:
            shapes = f"is {tuple(given)}, the model has {tuple(needed)}"
            problems.append(f"another shape: {theirs} {shapes}")
    if problems:
        more = [f"… and {len(problems) - 10} more"] if len(problems) > 10 else []
        raise ValueError(
            "these weights do not fit the model, which is unchanged. Is it the same depth and "
            "num_classes?\n  " + "\n  ".join(problems[:10] + more)
        )
    found = {name: state_dict[theirs] for theirs, name in wanted.items()}
    model.load_state_dict(found, strict=False)


def _check_whose(state_dict: dict[str, Tensor], wanted: dict[str, str]) -> None:
    """Raises ``ValueError`` that says what to do if the names are the library's own, or begin with a wrapper's
    prefix.
    """
    if (set(state_dict) - set(wanted)) & set(wanted.values()):
        raise ValueError(
            "these are the names of this library, not torchvision's: use model.load_state_dict(state_dict)."
        )
    first = next(iter(state_dict), "")
    prefix = first.removesuffix(max(filter(first.endswith, wanted), key=len, default=first))
    if prefix and all(name.startswith(prefix) for name in state_dict):
        raise ValueError(
            f"all names begin with {prefix!r}, as a wrapper such as DataParallel or torch.compile leaves them. Take "
            "it off: "
            f"{{name.removeprefix({prefix!r}): tensor for name, tensor in state_dict.items()}}"
        )


def check_state_dict(state_dict: dict[str, Tensor]) -> None:
    """Raises ``TypeError`` that says what to do if this is no dict of names and tensors."""
    is_dict = isinstance(state_dict, dict)
    if not is_dict or not all(isinstance(value, Tensor) for value in state_dict.values()):
        raise TypeError(
            "state_dict must be a dict of names and tensors, as torchvision_model.state_dict() "
            "gives it. A checkpoint often holds it under a key of its own, such as "
            'checkpoint["state_dict"].'
        )


def imagenet_weights(name: str) -> tuple[dict[str, Tensor], list[str]]:
    """torchvision's ImageNet weights for ``name``, ``"resnet18"`` … ``"resnet152"``, downloaded once and then from its
    cache.

    Returns the state dict and the names of the 1000 classes. Raises ``ConnectionError`` where there is no connection.
    """
    from torchvision import models  # here, as the rest of the library works without torchvision

    weights = models.get_model_weights(name).DEFAULT
    with fetching(
        f"It takes a network connection to download the weights of {name}: run it where there is one, as in Colab."
    ):
        state_dict = weights.get_state_dict(progress=False, check_hash=True)
    return state_dict, weights.meta["categories"]
