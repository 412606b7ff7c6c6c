"""torchvision's weights in a reader's network, by name, and in words what keeps them from fitting. For the card."""

from torch import Tensor, nn

MOST_NAMES = 12  # a bottleneck has ten layers


def load_by_name(model: nn.Module, theirs: dict[str, Tensor]) -> tuple[bool, str, str]:
    """Copies weights into ``model`` by torchvision's names, or by the book's, where bn is batchnorm.

    Returns whether all fit, how many, and what keeps the others from it.
    """
    ours = model.state_dict()
    names = {n if n in theirs else n.replace("batchnorm", "bn"): n for n in ours}
    missing = [t for t in theirs if t not in names]
    unknown = [name for t, name in names.items() if t not in theirs]
    pairs = {t: name for t, name in names.items() if t in theirs}
    shapes = [
        f"`{name}` is {tuple(ours[name].shape)}, torchvision's `{t}` is {tuple(theirs[t].shape)}"
        for t, name in pairs.items()
        if ours[name].shape != theirs[t].shape
    ]
    loaded = len(pairs) - len(shapes)
    text = f"{loaded} of {len(theirs)} by name"
    if unknown and loaded == len(theirs):
        text += f", {len(unknown)} left over"
    if not (missing or unknown or shapes):
        model.load_state_dict({name: theirs[t] for t, name in pairs.items()}, strict=True)
        return True, text, ""
    reasons = []
    for whose, those, who in (
        ("torchvision", missing, "yours"),
        ("yours", unknown, "torchvision"),
    ):
        if those:
            shown = _first(3, [f"`{name}`" for name in those])
            reasons.append(f"{whose} has {shown}, which {who} has not")
    if shapes:
        reasons.append("another shape: " + _first(2, shapes, "; "))
        matrices = [(ours[n], theirs[t]) for t, n in pairs.items() if ours[n].dim() > 1]
        if all(a.flatten(1).shape == b.flatten(1).shape for a, b in matrices):
            reasons.append(
                "a 1×1 convolution and nn.Linear do the same, but to load by name, use the one that torchvision uses"
            )
    elif missing and len(missing) == len(unknown):
        if all(ours[a].shape == theirs[b].shape for a, b in zip(unknown, missing)):
            change = renamed(list(zip(unknown, missing)))
            reasons = [f"shapes agree in order, so only names differ: {change}"]
    return False, text, "; ".join(reasons) + "."


def renamed(pairs: list[tuple[str, str]]) -> str:
    """The names to change, part by part: ``rename `shortcut` to `downsample```. The book's batchnorm1 is none."""
    parts = [(a.split("."), b.split(".")) for a, b in pairs]
    if any(len(a) != len(b) for a, b in parts):
        a, b = (name.rpartition(".")[0] for name in pairs[0])
        return f"rename `{a}` to `{b}`, for a start"
    found = dict.fromkeys(
        f"`{x}` to `{y}`" for a, b in parts for x, y in zip(a, b) if y not in (x, x.replace("batchnorm", "bn"))
    )
    return "rename " + _first(MOST_NAMES, list(found))


def _first(most: int, texts: list[str], between: str = ", ") -> str:
    more = f", and {len(texts) - most} more" if len(texts) > most else ""
    return between.join(texts[:most]) + more


def shared_weights(model: nn.Module) -> str:
    """The names that stand for the weights of another name, as after ``[block(…)] * n``; else an empty string."""
    first = dict(model.named_parameters())
    extra = [n for n, _ in model.named_parameters(remove_duplicate=False) if n not in first]
    if not extra:
        return ""
    return (
        f"{len(extra)} names, `{extra[0]}` first, stand for weights that have another name already: a layer or a block "
        "is made once and used in several places, as `[block(…)] * n` does."
    )


def other_lengths(model: nn.Module, theirs: nn.Module) -> str:
    """The stages that have too few or too many blocks, by their weights' names; nothing where names differ too."""
    found = []
    for number, (got, wanted) in enumerate(zip(_stages(model), _stages(theirs))):
        if got and got != wanted:
            many = "few" if got < wanted else "many"
            needs = f"it needs as many as layers[{number}] says"
            found.append(f"layer{number + 1} has too {many} blocks; {needs}")
    return "; ".join(found) + "." if found else ""


def _stages(network: nn.Module) -> list[int]:
    """How many blocks with torchvision's names each stage has."""
    names = [name.split(".") for name in network.state_dict()]
    stages = [name[0] for name in names if name[2:] == ["conv1", "weight"]]
    return [stages.count(f"layer{number}") for number in (1, 2, 3, 4)]
