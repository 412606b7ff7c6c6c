"""The conformance card: the networks of Table 1, built from the reader's three classes, beside torchvision's."""

import functools
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from resnet_exercises.errors import StudentError, attempt
from resnet_exercises.observing import difference, named_kind, same
from resnet_exercises.running import as_long_as, nothing_changes, time_limit
from resnet_exercises.tensors import images, numbers, random_input
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED
from resnet_lib import count_parameters, randomise_batchnorm

#: depth: blocks in each stage, and whether they are bottlenecks (He et al. 2015, Table 1)
FIVE = {
    18: ([2, 2, 2, 2], False),
    34: ([3, 4, 6, 3], False),
    50: ([3, 4, 6, 3], True),
    101: ([3, 4, 23, 3], True),
    152: ([3, 8, 36, 3], True),
}
COLUMNS = ("parameters", "multiply-adds at 224×224", "torchvision's weights", "logits")
SECONDS = 30  # for a network, which takes about two
MOST_NAMES = 12  # a bottleneck has ten layers


@dataclass(frozen=True)
class Entry:
    """One cell of the card."""

    right: bool | None  #: ``None``: not tried, because an earlier step failed
    text: str
    reason: str = ""  #: what differs

    def __str__(self) -> str:
        return f"{self.text} {'○' if self.right is None else '✔' if self.right else '✘'}"


NOT_COMPARED, NOT_TRIED = Entry(None, "not compared"), Entry(None, "not tried")
PAPERS_STRIDE = "That is exactly the paper's stride, in the first 1×1 of a bottleneck; torchvision has it in the 3×3."
MUCH_WORK = (
    "more than three times those of torchvision's. The stages work on larger images: is the max-pool of the stem "
    "missing, or a stride of 2?"
)


@dataclass(frozen=True)
class ConformanceCard:
    """What ``conformance_card`` found. In a notebook it displays itself as a table."""

    rows: dict[int, list[Entry]]  #: by depth; one entry for each of ``COLUMNS``
    status: str  #: ``"passed"``, ``"failed"`` or ``"not attempted"``
    empty: str = ""  #: where nothing was attempted: the class that is still to be written

    def reasons(self) -> list[str]:
        """What differs, said once for all depths that it concerns."""
        depths: dict[tuple[str, str], list[str]] = {}
        for number, column in enumerate(COLUMNS):
            for depth, row in self.rows.items():
                if reason := row[number].reason:
                    depths.setdefault((column, reason), []).append(str(depth))
        return [f"ResNet-{', '.join(found)}, {column}: {reason}" for (column, reason), found in depths.items()]

    def __str__(self) -> str:
        if self.status == NOT_ATTEMPTED:
            return f"○ not attempted: write your {self.empty}, run its cell, then run this one."
        lines = [f"| network | {' | '.join(COLUMNS)} |", "| :--- | ---: | ---: | :--- | :--- |"]
        for depth, row in self.rows.items():
            lines.append(f"| ResNet-{depth} | {' | '.join(map(str, row))} |")
        entries = [entry.right is True for row in self.rows.values() for entry in row]
        said = f"✘ {sum(entries)} of {len(entries)} agree with torchvision. What differs:"
        if self.status == PASSED:
            said = "✔ Your five networks are torchvision's: same parameters, names, costs and logits."
        reasons = [f"- {reason}" for reason in self.reasons()]
        return "\n".join([*lines, "", said, "", *reasons]).rstrip()

    __repr__ = _repr_markdown_ = __str__


def conformance_card(ResNet: type, BasicBlock: type, Bottleneck: type) -> ConformanceCard:
    """Holds the five networks of Table 1, built from the reader's three classes, against torchvision's.

    Raises nothing for what is wrong with them: the card says it. Takes some ten seconds, and changes no seed or mode.
    """
    given = {"ResNet": ResNet, "BasicBlock": BasicBlock, "Bottleneck": Bottleneck}
    trouble = [
        f"{name} is {'an instance' if isinstance(answer, nn.Module) else named_kind(answer)}, where a class is needed."
        for name, answer in given.items()
        if isinstance(answer, nn.Module) or not callable(answer)
    ]
    if not trouble and [getattr(block, "expansion", None) for block in (BasicBlock, Bottleneck)] == [4, 1]:
        order = "conformance_card(ResNet, BasicBlock, Bottleneck), and the second of them has expansion 1."
        trouble = [f"The two blocks are exchanged: the order is {order}"]
    if trouble:
        return ConformanceCard(dict.fromkeys(FIVE, _stopped(" ".join(trouble))), FAILED)
    rows = dict.fromkeys(FIVE, [NOT_TRIED] * 4)
    for depth, (layers, deep) in FIVE.items():
        name = "Bottleneck" if deep else "BasicBlock"
        make = functools.partial(ResNet, given[name], list(layers))
        with nothing_changes():  # the limit inside: it may strike again while an error is told
            found = attempt(time_limit(as_long_as(SECONDS))(compared), depth, make)
        if not isinstance(found, StudentError):
            rows[depth] = found
            continue
        if found.not_implemented:
            unwritten, _, _ = found.not_implemented.rpartition(".")
            is_block = unwritten == getattr(given[name], "__qualname__", "")
            return ConformanceCard({}, NOT_ATTEMPTED, name if is_block else "ResNet")
        rows[depth] = _stopped(found.explain())
        if found.timed_out:
            break  # each of the deeper ones would take as long
    return ConformanceCard(rows, PASSED if all(entry.right for row in rows.values() for entry in row) else FAILED)


def _stopped(reason: str) -> list[Entry]:
    return [Entry(False, "no network", reason), *[NOT_TRIED] * 3]


def compared(depth: int, make: Callable) -> list[Entry]:
    """The row of one network: what ``make()`` builds beside torchvision's of this depth, with the same weights."""
    from torchvision import models  # here, as the rest of the package works without torchvision

    torch.manual_seed(0)
    model = make()
    if not isinstance(model, nn.Module):
        return _stopped(f"ResNet(block, layers) is {named_kind(model)}, and no nn.Module.")
    model.eval()
    theirs = randomise_batchnorm(models.get_model(f"resnet{depth}"), seed=depth).eval()

    parameters = counted(count_parameters(model), count_parameters(theirs))
    if reason := shared_weights(model):
        return [parameters, NOT_COMPARED, Entry(False, "shared", reason), NOT_COMPARED]
    costs = _of_output(lambda: counted(_multiply_adds(model), _multiply_adds(theirs), MUCH_WORK))
    weights = Entry(*load_by_name(model, theirs.state_dict()))
    logits = _of_output(lambda: _compare(model, theirs)) if weights.right else NOT_COMPARED
    if logits.reason == PAPERS_STRIDE:  # it explains the multiply-adds too
        costs = replace(costs, reason=f"{costs.reason} {PAPERS_STRIDE}")
        logits = replace(logits, reason="")
    row = [parameters, costs, weights, logits]
    if lengths := other_lengths(model, theirs):
        # the numbers of parameters, multiply-adds and tensors follow from it, and differ with the depth
        row = [replace(entry, reason="") for entry in row]
        row[2] = replace(weights, reason=lengths)
    return row


def counted(got: int, expected: int, suspicion: str = "") -> Entry:
    """Two counts beside each other; ``suspicion`` is the reason where ours is more than three times theirs."""
    if got == expected:
        return Entry(True, f"{got:,}")
    reason = f"{abs(got - expected):,} {'more' if got > expected else 'fewer'} than torchvision's."
    if suspicion and got > 3 * expected:
        reason = suspicion
    return Entry(False, f"{got:,}, expected {expected:,}", reason)


def _multiply_adds(model: nn.Module) -> int:
    """For one image of 224×224."""
    with torch.no_grad(), FlopCounterMode(display=False) as counter:
        model(torch.zeros(1, 3, 224, 224))
    return counter.get_total_flops() // 2  # it counts both


def _of_output(entry: Callable[[], Entry]) -> Entry:
    """What ``entry`` gives, which calls forward. One that does not end, or is not written, ends the row."""
    found = attempt(entry)
    if not isinstance(found, StudentError):
        return found
    if found.timed_out or found.not_implemented:
        raise found
    return Entry(False, "no output", found.explain())


@torch.no_grad()
def _compare(model: nn.Module, theirs: nn.Module) -> Entry:
    """Logits of large numbers, as on small ones a deep network's depend little, and of usual ones: they show a GELU."""
    for x in (100 * random_input(2, 3, 64, 97), random_input(1, 3, 65, 64)):
        expected = theirs(x)
        got = numbers(model(x.clone()))
        if same(got, expected):
            continue
        if not isinstance(got, Tensor) or got.shape != expected.shape:
            return Entry(False, "different", difference(expected, got, "The output"))
        for block in theirs.modules():
            if hasattr(block, "conv3"):  # He et al. 2015, Table 1
                block.conv1.stride, block.conv2.stride = block.conv2.stride, block.conv1.stride
        if same(got, theirs(x)):
            return Entry(False, "different", PAPERS_STRIDE)
        reason = (
            f"With the same weights, other logits come out for {images(x.shape)}: names and shapes are right, so "
            "look at what forward does, and at strides and padding."
        )
        return Entry(False, "different", reason)
    return Entry(True, "equal")


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
    for whose, those, who in (("torchvision", missing, "yours"), ("yours", unknown, "torchvision")):
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
            reasons = [f"shapes agree in order, so only names differ: {renamed(list(zip(unknown, missing)))}"]
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
    return between.join(texts[:most]) + (f", and {len(texts) - most} more" if len(texts) > most else "")


def shared_weights(model: nn.Module) -> str | list:
    """The names that stand for the weights of another name, as after ``[block(…)] * n``; else nothing."""
    first = dict(model.named_parameters())
    extra = [n for n, _ in model.named_parameters(remove_duplicate=False) if n not in first]
    return extra and (
        f"{len(extra)} names, `{extra[0]}` first, stand for weights that have another name already: a layer or a block "
        "is made once and used in several places, as `[block(…)] * n` does."
    )


def other_lengths(model: nn.Module, theirs: nn.Module) -> str:
    """The stages that have too few or too many blocks, by their weights' names; nothing where names differ too."""
    found = []
    for number in range(4):
        first = re.compile(rf"layer{number + 1}\.\d+\.conv1\.weight")
        got, wanted = (len(list(filter(first.fullmatch, network.state_dict()))) for network in (model, theirs))
        if got and got != wanted:
            many = "few" if got < wanted else "many"
            found.append(f"layer{number + 1} has too {many} blocks; it needs as many as layers[{number}] says")
    return "; ".join(found) + "." if found else ""
