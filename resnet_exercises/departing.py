"""What the layers of a network and of a reference differ in, in words; that of a known mistake where it is one."""

import functools
import re

from torch import nn

from resnet_exercises.errors import StudentError, attempt
from resnet_exercises.exercise import load
from resnet_exercises.following import Finding, block_of, followed
from resnet_exercises.mistakes import build
from resnet_exercises.tensors import random_input
from resnet_lib import randomise_batchnorm

#: mistakes of the exercise `resnet` outside of the blocks: what stands where
OUTSIDE = {
    ("stem.out", "max-pool(bn1, kernel 3, stride 2, padding 1)"): "stem-without-relu",
    ("head.out", "softmax(fc)"): "softmax",
    ("head.out", "log_softmax(fc)"): "log-softmax",
    ("head.out", "ReLU(fc)"): "relu-after-fc",
}


def shown(text: str, block: str) -> str:
    """Where a tensor comes from, with the names that layers have in their block; ``x`` is what the block gets."""

    def name(match: re.Match) -> str:
        short = match[2].removeprefix(f"{block}.").replace("batchnorm", "bn")
        return short if not match[1] else "x" if block_of(match[2]) == block else f"the input of {short}"

    text = re.sub(r"@(>?)([\w.]+)", name, text)
    text = re.sub(r"\(\(([^()]*(?:\([^()]*\)[^()]*)*)\)\)", r"(\1)", text)
    return re.sub(r"^\(([^()]*(?:\([^()]*\)[^()]*)*)\)$", r"\1", text)


def key(found: Finding) -> tuple[str, str, str, str]:
    """A finding without what differs from block to block: the block's name, and the numbers of channels."""
    block = found.place.removesuffix(".out") if found.place.endswith(".out") else block_of(found.place)
    got, expected = found.got, found.expected
    while got.startswith("average(") and expected.startswith("average("):
        got, expected = got[8:-1], expected[8:-1]
    role = found.place.removeprefix(f"{block}.").replace("batchnorm", "bn")
    if block in ("stem", "head"):
        block, role = "", found.place
    texts = (re.sub(r"( of \d+ channels|, \d+ → \d+( channels)?)", "", shown(t, block)) for t in (got, expected))
    return role, found.what, *texts


def _block(found: Finding) -> str:
    place = found.place.removesuffix(".out")
    return place if place != found.place and place not in ("stem", "head") else block_of(found.place)


def told(found: list[Finding], pairs: list[tuple]) -> list[tuple[str, str]]:
    """Where and what, each once for all the layers or blocks that it concerns."""
    early = [one for one, _ in pairs if one and one.is_norm and " + " in one.origin]
    if len(early) > 2:  # the batch norms come first: the layers of the blocks have no counterparts
        says = next(m.says for m in load("basic_block").mistakes if m.id == "pre-activation")
        blocks = (f"{len(early)} blocks, first at `{early[0].name}`", f"{says} The blocks are not compared further.")
        return [blocks, *told([one for one in found if one.place in ("conv1", "stem.out", "head.out", "fc")], [])]
    says, known = _known(found, pairs)
    groups: dict[object, list[Finding]] = {}
    for one in found:
        of_all = one.what in ("eps", "momentum", "bias", "training")  # whatever the layer's place in its block
        what = says if _block(one) in known else ("", *key(one)[1:]) if of_all else key(one)
        groups.setdefault(what, []).append(one)
    return [_one(what, those) for what, those in groups.items()]


def _one(what: object, those: list[Finding]) -> tuple[str, str]:
    """Where a group of findings is, and what they say."""
    first, blocks = those[0], list(dict.fromkeys(map(_block, those)))
    place = first.place.removesuffix(".out")
    own = f" (`{first.own}` here)" if first.own not in ("", place) else ""
    if isinstance(what, str):  # a known mistake
        where = f"`{blocks[0]}`" if len(blocks) == 1 else f"{len(blocks)} blocks, `{blocks[0]}` first"
        return where + f" (at `{first.own}` here)" * bool(first.own), what
    role, _, got, _ = what
    if place != first.place:
        own = f" (what `{first.own}` gets here)" * (bool(first.own) and place != "head")
    where = f"`{place}`{own}" if place not in ("stem", "head") else f"the {place}{own}"
    if first.what == "extra":
        where = f"`{first.own}`, " + (
            f"after the reference's `{place}`" if place else "before all layers of the reference"
        )
    if len(those) > 1:
        things = "blocks" if role and len(blocks) == len(those) else "layers"
        where = f"{len(those)} {things}, first {where}"
    id = OUTSIDE.get((role, got))
    known = next((m.says for m in load("resnet").mistakes if m.id == id), "")
    return where, known or _sentence(first, *what)


def _sentence(found: Finding, role: str, what: str, got: str, expected: str) -> str:
    if what == "input":
        if not got or not expected:
            return "another output comes out, and what computes it could not be followed."
        those = "what it is given is" if not role.endswith("out") else "what comes out is"
        said = f"{those} `{shortened(got)}`; in the reference it is `{shortened(expected)}`."
        if got == expected:
            said = f"{those} `{shortened(got)}`, as in the reference, and it has other numbers or another shape."
        missing = expected.count("ReLU(") - got.count("ReLU(")
        return f"{'a ReLU is missing' if missing > 0 else 'one ReLU too many'}: {said}" if missing else said
    texts = {
        "missing": f"{found.expected} is missing here.",
        "extra": f"{found.got}, which the reference has not.",
        "shape": f"it is {found.got}; in the reference {found.expected}.",
        "shared": f"it is the very same layer as `{found.expected}`, which stands for two in the reference.",
        "numbers": "the same input gives other numbers; its weights or settings are no plain ones.",
        "stopped": f"beyond what is told above, it cannot be followed: {found.got}.",
        "bias": "it has a bias, which the reference has not."
        if got == "True"
        else "it has no bias; the reference has one.",
        "training": "it computes with the running statistics: it is frozen."
        if expected == "True"
        else "it does not use its running statistics.",
    }
    return texts.get(what, f"{what} is {got}; in the reference {expected}.")


def shortened(text: str, most: int = 160) -> str:
    """A long expression, cut."""
    return text if len(text) <= most else text[:most] + " …"


# The known mistakes in a block


def _known(found: list[Finding], pairs: list[tuple]) -> tuple[str, set[str]]:
    """What is said of the known mistake that differs as the blocks do, and the blocks; nothing where none does."""
    blocks: dict[str, list] = {}
    for _, right in pairs:
        if right is not None and block_of(right.name):
            blocks.setdefault(block_of(right.name), []).append(right)
    seen = {block: frozenset(key(one) for one in found if _block(one) == block) for block in blocks}
    wrong = {block for block, keys in seen.items() if keys}
    variants: dict[tuple, set] = {}
    for block, layers in blocks.items():
        strides = [one.settings["stride"] for one in layers if one.kind == "conv2d"]
        variant = (
            len(strides) - (has := any(one.entry != one.name and not one.is_norm for one in layers)),
            has,
            max(strides),
        )
        variants.setdefault(variant, set()).add(seen[block])
    wanted = {variant: keys - {frozenset()} or keys for variant, keys in variants.items()}
    if not wrong or any(len(keys) > 1 for keys in wanted.values()):
        return "", set()
    name = "bottleneck" if max(variants)[0] == 3 else "basic_block"
    order = sorted(wanted, key=lambda variant: wanted[variant] == {frozenset()})  # what is wrong first
    for mistake in load(name).mistakes:
        if all(signature(name, mistake.id, *variant[1:]) in wanted[variant] for variant in order):
            return mistake.says, wrong
    return "", set()


@functools.cache
def signature(name: str, id: str, projects: bool, stride: int) -> frozenset | None:
    """The findings in one block with a known mistake."""
    exercise = load(name)
    code = next(m.code for m in exercise.mistakes if m.id == id)
    right = exercise.solution
    wide = 8 * right.expansion
    arguments = (wide, 8) if not projects else (wide, 16, 2) if stride == 2 else (8, 8, 1)

    def net(block: type) -> nn.Module:
        downsample = []
        if projects:
            out = arguments[1] * right.expansion
            downsample = [nn.Sequential(nn.Conv2d(arguments[0], out, 1, stride, bias=False), nn.BatchNorm2d(out))]
        return nn.ModuleDict({"layer": nn.Sequential(block(*arguments, *([1] * (not projects)), *downsample))})

    def found() -> frozenset:
        ours, theirs = net(build(code, exercise.asked, "a known mistake")), randomise_batchnorm(net(right))
        for one in (ours, theirs):
            one.forward = one["layer"].forward
        x = 10 * random_input(2, arguments[0], 8, 8)  # a ReLU6 shows
        differs, _ = followed(ours.eval(), theirs.eval(), x)
        return frozenset(key(Finding(f.place.replace("head", "layer.0"), f.what, f.got, f.expected)) for f in differs)

    result = attempt(found)
    return None if isinstance(result, StudentError) else result
