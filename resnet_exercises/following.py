"""Follows a network layer by layer beside a reference, by order and shape, so that names do not count.

Each layer of the model is given on as the reference's, with the reference's weights: what one gets wrong is found
there, and hides nothing of what comes after it.
"""

import re
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_exercises.observing import named_kind, same
from resnet_exercises.tensors import TAKES, owner

WEIGHTS = ("weight", "bias", "running_mean", "running_var")
#: what is compared of each kind of layer, and what PyTorch takes where it is not given
SETTINGS = {
    "conv2d": {"stride": 1, "padding": 0, "dilation": 1, "groups": 1},
    "linear": {},
    "batch_norm": {"eps": 1e-5, "momentum": 0.1, "training": False},
}
#: what gives the numbers of its input, in another shape
VIEWS = set("view reshape flatten squeeze unsqueeze contiguous clone detach to double float alias".split())
WORDS = {"relu": "ReLU", "relu6": "ReLU6", "hardtanh": "ReLU6", "gelu": "GELU", "silu": "SiLU"}
WORDS |= {"max_pool2d": "max-pool", **dict.fromkeys(("adaptive_avg_pool2d", "mean"), "average")}


@dataclass(eq=False)
class Layer:
    """One use of a layer with weights: what it is given, what it makes of it, and from what its input comes."""

    name: str
    kind: str
    weights: dict[str, Tensor]
    settings: dict[str, object]
    given: Tensor
    result: Tensor
    origin: str
    ids: tuple[int, int]  #: of its input and of its weight
    entry: str = ""  #: the first layer that takes the same input

    @property
    def shape(self) -> tuple[int, ...]:
        """That of the weight; a 1×1 convolution has that of the linear layer which does the same."""
        weight = self.weights.get("weight", self.weights.get("running_mean", torch.zeros(0)))
        return tuple(weight.shape[:2] if weight.shape[2:] == (1, 1) else weight.shape)

    @property
    def is_norm(self) -> bool:
        """Whether it is a batch norm."""
        return self.kind == "batch_norm"

    def __str__(self) -> str:
        if self.is_norm:
            return f"a batch norm of {self.shape[0]} channels"
        size = "×".join(map(str, self.shape[2:])) or "1×1"
        channels = f"{self.shape[1] * self.settings.get('groups', 1)} → {self.shape[0]}"
        if self.kind == "linear":
            return f"a linear layer, {channels}"
        stride, padding = self.settings["stride"], self.settings["padding"]
        return f"a {size} convolution, {channels} channels, stride {stride}, padding {padding}"


@dataclass(frozen=True)
class Finding:
    """What differs at one place of the reference: at a layer, or in what a block gives (``block.out``)."""

    place: str
    what: str  #: a setting, or "input", "shape", "missing", "extra", "bias", "shared", "numbers", "stopped"
    got: str = ""
    expected: str = ""
    own: str = field(default="", compare=False)  #: the layer's name in the model


class Trace(TorchFunctionMode):
    """Notes the layers of a computation. Each that has a leader gives on that one's result."""

    def __init__(self, module: nn.Module, leaders: list[Layer | None] | None = None):
        super().__init__()
        self.leaders = leaders
        self.layers: list[Layer] = []
        named = [*module.named_parameters(), *module.named_buffers()]
        self.names = {id(tensor): name.rpartition(".")[0] for name, tensor in named}
        self.origins: dict[int, str] = {}
        self.entries: dict[int, str] = {}
        self.swapped: dict[int, Tensor] = {}  # by the identity of a wrong input, the right one
        self.kept: list[Tensor] = []  # so that no identity is used again

    def __torch_function__(self, function, types, arguments=(), named=None):
        arguments, named = self.right(arguments), {key: self.right(value) for key, value in (named or {}).items()}
        name = getattr(function, "__name__", "").strip("_")
        takes = TAKES.get(function, TAKES.get(name))
        if takes is not None:
            return self.layer(name, function, dict(zip(takes, arguments)) | named)
        try:
            result = function(*arguments, **named)
        except Exception:
            tensors = [a for a in arguments if isinstance(a, Tensor) and a.is_floating_point()]
            if not (self.leaders and tensors):
                raise
            result = tensors[0].clone()  # sizes do not fit after a difference; the next layer is put right again
        if isinstance(result, Tensor) and result.is_floating_point():
            self.note(result, self.told(name, arguments, named))
        return result

    def right(self, value: object) -> object:
        """``value`` with the right tensor in the place of one that was found wrong."""
        if type(value) in (list, tuple):
            return type(value)(map(self.right, value))
        return self.swapped.get(id(value), value)

    def note(self, tensor: Tensor, origin: str) -> None:
        """Remembers where a tensor comes from."""
        self.kept.append(tensor)
        self.origins[id(tensor)] = origin

    def told(self, name: str, arguments: tuple, named: dict) -> str:
        """What a function computes, in words: of layers' results, and of what was the input of others."""
        flat = [a for v in (*arguments, *named.values()) for a in (v if isinstance(v, (list, tuple)) else [v])]
        parts = [self.origins.get(id(a), "another tensor") for a in flat if isinstance(a, Tensor)]
        if name in VIEWS and parts:
            return parts[0]
        if name in ("add", "iadd", "radd") and len(parts) == 2:
            return f"({' + '.join(sorted(parts, reverse=True))})"
        if name in ("max_pool2d", "avg_pool2d"):
            given = dict(zip(("kernel_size", "stride", "padding"), arguments[1:])) | named
            given["stride"] = given.get("stride") or given["kernel_size"]
            parts.append(f"kernel {plain(given['kernel_size'])}, stride {plain(given['stride'])}")
            parts.append(f"padding {plain(given.get('padding', 0))}" + ", ceil_mode" * bool(given.get("ceil_mode")))
        return f"{WORDS.get(name, name)}({', '.join(parts)})"

    def layer(self, kind: str, function, given: dict) -> Tensor:
        """Computes a layer, and gives on what its leader gave."""
        x, weights = given["input"], {role: given[role] for role in WEIGHTS if isinstance(given.get(role), Tensor)}
        first = owner(next(iter(weights.values()), x))
        settings = {key: plain(given.get(key, usual)) for key, usual in SETTINGS[kind].items()}
        if isinstance(padding := settings.get("padding"), str):
            sizes = tuple((k - 1) * settings["dilation"] // 2 for k in given["weight"].shape[2:])
            settings["padding"] = 0 if padding == "valid" else plain(sizes)
        name, origin, input = self.names.get(id(first), "?"), self.origins.get(id(x), "the images"), x.detach().clone()
        leader = self.leaders[len(self.layers)] if self.leaders else None
        try:
            result = function(**given)
        except Exception:
            if not self.leaders:
                raise
            result = x.new_zeros(0) if leader else x.clone()
        entry = self.entries.setdefault(id(x), name)
        self.layers.append(
            Layer(name, kind, weights, settings, input, result.detach().clone(), origin, (id(x), id(first)), entry)
        )
        self.kept.append(x)
        if self.leaders and leader is None:
            self.note(result, f"{name}!({origin})")
            return result
        if leader is None:
            leader = self.layers[-1]
        else:
            if not alike(input, leader.given):
                self.swapped[id(x)] = x = leader.given.clone().reshape(in_form_of(leader.given, input))
                self.kept.append(x)
            result = leader.result.clone().reshape(in_form_of(leader.result, input))
        if not leader.is_norm:
            self.origins[id(x)] = f"@>{leader.entry}"
        self.note(result, f"@{leader.name}")
        return result


def plain(value: object) -> object:
    """A setting for two axes as one number, where it is the same for both."""
    is_one = isinstance(value, (tuple, list)) and len(set(value)) == 1
    return value[0] if is_one else value


def in_form_of(right: Tensor, other: Tensor) -> torch.Size:
    """The shape of ``right`` with as many axes as ``other``: a linear layer has two, the same convolution four."""
    shape = right.shape
    return shape if other.dim() == len(shape) else torch.Size([*shape[:2], *[1] * (other.dim() - 2)])


def alike(got: Tensor, right: Tensor) -> bool:
    """Whether numbers are the same, whatever the number of axes."""
    return got.numel() == right.numel() and same(got.flatten(), right.flatten())


def logits(output: object) -> Tensor:
    """The tensor in what a network returns: itself, its ``logits``, or the first of several."""
    for _ in range(3):
        if isinstance(output, Tensor):
            return output
        if isinstance(output, dict) or hasattr(output, "logits"):
            output = (
                output["logits"] if isinstance(output, dict) and "logits" in output else getattr(output, "logits", None)
            )
        elif isinstance(output, (list, tuple)) and output:
            output = output[0]
    raise TypeError(
        f"its output is {named_kind(output)}, and no logits are found in it. Wrap the network in a module whose "
        "forward returns the logits as one tensor."
    )


def projections_first(layers: list[Layer]) -> list[Layer]:
    """The layers with the projection of each block before its branch; they take the same input."""
    ordered, seen = list(layers), {}
    for layer, after in zip(layers, [*layers[1:], None]):
        first = seen.setdefault(layer.ids[0], layer)
        place = ordered.index(first)
        if first is not layer and ordered.index(layer) > place + 2:
            those = [layer, after] if after is not None and after.is_norm else [layer]
            ordered = [one for one in ordered if one not in those]
            ordered[place:place] = those
    return ordered


def matched(got: list[Layer], right: list[Layer]) -> tuple[float, list[tuple[Layer | None, Layer | None]]]:
    """The layers of two networks in pairs, so that as few as can be differ in kind or shape; and how many that are."""
    cost: dict = {(0, 0): (0.0, None)}
    for i in range(len(got) + 1):
        for j in range(len(right) + 1):
            ways = [(cost[i - 1, j][0] + 1, (i - 1, j))] if i else []
            ways += [(cost[i, j - 1][0] + 1, (i, j - 1))] if j else []
            if i and j and got[i - 1].is_norm == right[j - 1].is_norm:
                differs = got[i - 1].shape != right[j - 1].shape
                goes_on = cost[i - 1, j - 1][1] == (i - 2, j - 2)  # a batch norm belongs to the convolution before it
                ways.insert(0, (cost[i - 1, j - 1][0] + 1.5 * differs - 0.001 * goes_on, (i - 1, j - 1)))
            if ways:
                cost[i, j] = min(ways, key=lambda way: way[0])
    pairs, place = [], (len(got), len(right))
    while place != (0, 0):
        before = cost[place][1]
        pairs.append(
            (got[before[0]] if before[0] < place[0] else None, right[before[1]] if before[1] < place[1] else None)
        )
        place = before
    return cost[len(got), len(right)][0], pairs[::-1]


def block_of(name: str) -> str:
    """The block in which a layer of the reference is, by its name; an empty string for stem and head."""
    found = re.match(r"(.*?\.\d+)\.", name)
    return found[1] if found else ""


@torch.no_grad()
def followed(model: nn.Module, reference: nn.Module, x: Tensor) -> tuple[list[Finding], list[tuple]]:
    """What differs when ``model`` is followed beside ``reference``, and their layers in pairs.

    The model gets the reference's weights. Both compute in the mode in which they are.
    """
    with Trace(reference) as theirs:
        wanted = logits(reference(x.clone()))
    with Trace(model) as plain_run:
        logits(model(x.clone()))
    orders = [
        (a, b)
        for b in (theirs.layers, projections_first(theirs.layers))
        for a in (plain_run.layers, projections_first(plain_run.layers))
    ]
    ways = [matched(*order) for order in orders]
    least = min(cost for cost, _ in ways)
    found: list[tuple[list[Finding], list[tuple]]] = []
    for cost, pairs in ways:
        if cost == least and not (found and not found[-1][0]):
            copy_weights(pairs)
            leader = {id(a): b for a, b in pairs if a is not None}
            found.append((_along(model, x, wanted, theirs, plain_run.layers, leader, pairs), pairs))
    return min(found, key=lambda one: len(one[0]))


@torch.no_grad()
def copy_weights(pairs: list[tuple]) -> None:
    """Gives layers the weights of those that they are paired with; a bias that only they have becomes 0."""
    for got, right in pairs:
        for role, tensor in got.weights.items() if got and right else ():
            theirs = right.weights.get(role)
            if theirs is None and role == "bias":
                owner(tensor).zero_()
            elif theirs is not None and theirs.numel() == tensor.numel():
                owner(tensor).copy_(theirs.reshape(owner(tensor).shape))


def _along(model, x, wanted, theirs, layers, leader, pairs) -> list[Finding]:
    """What is found on the way, in the order of the reference, and then at the output."""
    trace, stopped = Trace(model, [leader[id(layer)] for layer in layers]), ""
    try:
        with trace:
            output = logits(model(x.clone()))
    except Exception as error:
        stopped, output = f"{type(error).__name__}: {error}".partition("\n")[0], None
    own = {id(a): b for a, b in zip(layers, trace.layers)}
    found, used = [], {}
    lost = {right.name for got, right in pairs if got is None}
    before = {b.name: a.name for a, b in zip(theirs.layers, theirs.layers[1:])}
    for got, right in pairs:
        if right is None:
            found.append(Finding(near(pairs, got), "extra", str(got), own=got.name))
        elif got is None:
            found.append(Finding(right.name, "missing", "", str(right)))
        elif id(got) in own:
            first = used.setdefault(got.ids[1], right.name)
            if first != right.name:
                found.append(Finding(right.name, "shared", "", first, got.name))
            shared = sum(one.ids[1] == got.ids[1] for one in layers) > 1
            start = right
            for one, entry in pairs:  # the projection may be computed first
                if one and entry and right.entry == entry.name != right.name and alike(one.given, got.given):
                    start = entry
            here = _at(own[id(got)], right, start, before.get(start.name, ""), lost)
            found += [one for one in here if not (shared and one.what == "numbers")]
    if output is not None and not alike(output, wanted):
        origins = trace.origins.get(id(output), "?"), theirs.origins.get(id(wanted), "?")
        origins = [text if "@" in text else "" for text in origins]
        if not explained(*origins, lost):
            found.append(Finding("head.out", "input", *origins))
    elif stopped:
        found.append(Finding("head.out", "stopped", stopped))
    return found


def near(pairs: list[tuple], layer: Layer) -> str:
    """The layer of the reference after which ``layer`` comes, which has no counterpart there."""
    place = next(n for n, (got, _) in enumerate(pairs) if got is layer)
    return next((right.name for _, right in pairs[place::-1] if right is not None), "")


def explained(got: str, right: str, lost: set[str]) -> bool:
    """Whether what differs comes from a layer that one of the two has not, which is told already."""
    return "!(" in got or any(re.search(rf"@{re.escape(name)}\b(?![.])", right) for name in lost)


def _at(got: Layer, right: Layer, start: Layer, before: str, lost: set[str]) -> list[Finding]:
    """What differs at one layer: its shape, its settings, and its input, told as that of ``start``."""
    found, is_same = [], alike(got.result, right.result)
    if is_reshaped := got.shape != right.shape:
        found.append(Finding(right.name, "shape", str(got), str(right), got.name))
    if ("bias" in got.weights) != ("bias" in right.weights):
        found.append(Finding(right.name, "bias", *(str("bias" in one.weights) for one in (got, right)), got.name))
    for setting, wanted in right.settings.items():
        if (right.is_norm or not is_same and not is_reshaped) and got.settings.get(setting, wanted) != wanted:
            found.append(Finding(right.name, setting, str(got.settings[setting]), str(wanted), got.name))
    if not alike(got.given, right.given) and not is_same:
        if not explained(got.origin, start.origin, lost):
            enters = start.entry == start.name and block_of(start.name) != block_of(before)
            place = f"{block_of(before) or 'stem'}.out" if enters else right.name
            found.append(Finding(place, "input", got.origin, start.origin, got.name))
    elif not (is_same or is_reshaped or found):
        found.append(Finding(right.name, "numbers", own=got.name))
    return found
