"""The exercise on parameter names, and what readers get wrong in it."""

from __future__ import annotations

import re
from dataclasses import replace

from resnet_lib.exercises.checking import Exercise
from resnet_lib.exercises.functions import Seen, calls, one_tuple, plainly, tell_value
from resnet_lib.torchvision_names import torchvision_name as right_name

NAMES = [
    "batchnorm1.weight",
    "layer1.0.batchnorm2.running_mean",
    "layer2.0.downsample.1.bias",
    "layer1.0.batchnorm3.weight",
    "layer3.22.batchnorm3.bias",  # two digits, as in ResNet-101
    "layer4.1.batchnorm1.num_batches_tracked",
    "layer1.0.conv1.weight",
    "fc.bias",
]


def all_names() -> list[str]:
    """Every name in the state_dict of ResNet-152, which has all those of the four other networks."""
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")
    names = ["conv1.weight", *(f"batchnorm1.{name}" for name in norm), "fc.weight", "fc.bias"]
    for stage, blocks in enumerate((3, 8, 36, 3), 1):
        for block in range(blocks):
            start = f"layer{stage}.{block}."
            names += [f"{start}conv{n}.weight" for n in (1, 2, 3)]
            names += [f"{start}batchnorm{n}.{name}" for n in (1, 2, 3) for name in norm]
        names.append(f"layer{stage}.0.downsample.0.weight")
        names += [f"layer{stage}.0.downsample.1.{name}" for name in norm]
    return names


def word_for_bn(result: Seen, expected: Seen) -> Seen:
    """A wrong name in which only `bn` or the counter differs, in a form that does not depend on the letters of other words."""
    if result.kind != "str":
        return result
    pattern = re.escape(expected.value[1]).replace("bn", r"(?P<bn>[^.]*)")
    pattern = pattern.replace("batches", r"(?P<batches>[^.]*)")
    found = re.fullmatch(pattern, result.value[1])
    words = found.groupdict() if found else {}
    if not words or words["bn"] == "batchnorm":
        return result
    word = words["bn"].lower() if words["bn"].lower() == "bn" else "another"
    return replace(result, value=(word, words.get("batches", "batches") == "batches"))


torchvision_name = Exercise(
    name="torchvision_name",
    signature="torchvision_name(our_parameter_name)",
    reference=right_name,
    probes=calls(
        "torchvision_name",
        right_name,
        map(plainly, NAMES),
        many=map(plainly, all_names()),
        form=word_for_bn,
    ),
    praise="Every name of ours finds its partner in torchvision.",
    evidence=tell_value,
)


one_tuple(torchvision_name)


@torchvision_name.mistake(
    "no-return",
    "Your function returns None. A str never changes, so `replace` makes a new one: `return` it.",
)
def _(name):
    name.replace("batchnorm", "bn")


@torchvision_name.mistake(
    "unchanged",
    "The name comes back as it was. `name.replace(old, new)` takes the old part first (`batchnorm`, then `bn`) and "
    "returns a new str; `name` itself does not change.",
)
def _(name):
    return name


@torchvision_name.mistake(
    "none-for-others",
    "For a name without `batchnorm` your function returns None: the `return` for this case is missing. "
    "Such a name stays as it is.",
)
def _(name):
    if "batchnorm" in name:
        return name.replace("batchnorm", "bn")


@torchvision_name.mistake(
    "others-refused",
    "For a name without `batchnorm` you raise an error. Such a name is a good one, and stays as it is.",
)
def _(name):
    if "batchnorm" not in name:
        raise ValueError
    return name.replace("batchnorm", "bn")


@torchvision_name.mistake(
    "others-fail",
    "For a name without `batchnorm` your code fails, as it goes on with something that it did not find. "
    "Such a name stays as it is: return it first.",
)
def _(name):
    start, end = name.split("batchnorm")
    return f"{start}bn{end}"


@torchvision_name.mistake(
    "parts-counted",
    "Your code expects four parts in each name. Those of the stem and of `fc` have two, and `layer2.0.downsample.1.bias` has five.",
)
def _(name):
    stage, block, layer, parameter = name.split(".")
    return ".".join([stage, block, layer.replace("batchnorm", "bn"), parameter])


@torchvision_name.mistake(
    "not-joined",
    "You return a list of the parts. Join them again: `'.'.join(parts)`.",
)
def _(name):
    return right_name(name).split(".")


@torchvision_name.mistake(
    "points-lost",
    "The points between the parts are lost. Join the parts with a point: `'.'.join(parts)`.",
)
def _(name):
    return right_name(name).replace(".", "")


@torchvision_name.mistake(
    "number-from-zero",
    "You count from 0. torchvision counts as we do: `batchnorm1` becomes `bn1`.",
)
def _(name):
    return re.sub(r"batchnorm(\d)", lambda m: f"bn{int(m[1]) - 1}", name)


@torchvision_name.mistake(
    "shortcut-renamed",
    "You rename `downsample`. torchvision calls the projection on the shortcut `downsample`, as we do.",
)
def _(name):
    return right_name(name).replace("downsample", "shortcut")


@torchvision_name.mistake(
    "number-lost",
    "The number of the batch norm is lost: `batchnorm2` must become `bn2`, not `bn`.",
)
def _(name):
    return re.sub(r"batchnorm\d", "bn", name)


@torchvision_name.mistake(
    "stem-forgotten",
    "The batch norm of the stem, `batchnorm1` outside of all layers, keeps its name. It is `bn1` in torchvision.",
)
def _(name):
    return name.replace(".batchnorm", ".bn")


@torchvision_name.mistake(
    "stem-only",
    "Only the batch norm of the stem gets its new name. Those in the blocks, such as `layer1.0.batchnorm2`, need it too.",
)
def _(name):
    return re.sub("^batchnorm", "bn", name)


@torchvision_name.mistake(
    "third-forgotten",
    "`batchnorm3` keeps its name. The bottlenecks of ResNet-50, 101 and 152 have three batch norms.",
)
def _(name):
    return name.replace("batchnorm1", "bn1").replace("batchnorm2", "bn2")


@torchvision_name.mistake(
    "two-digit-blocks",
    "Names of blocks with two digits, such as `layer3.22`, stay as they are. ResNet-101 has 23 blocks in layer3.",
)
def _(name):
    parts = name.split(".")
    return (
        name
        if len(parts) > 1 and len(parts[1]) > 1 and parts[1].isdigit()
        else right_name(name)
    )


@torchvision_name.mistake(
    "last-only",
    "Only `batchnorm3` gets its new name. Does a loop begin each time with the name that was given? Go on with the new one: "
    "`name = name.replace(…)`.",
)
def _(name):
    return name.replace("batchnorm3", "bn3")


@torchvision_name.mistake(
    "first-only",
    "Only `batchnorm1` gets its new name. `batchnorm2` and `batchnorm3` need it too.",
)
def _(name):
    return name.replace("batchnorm1", "bn1")


@torchvision_name.mistake(
    "example-only",
    "Only `batchnorm2`, which the task has as its example, gets its new name. `batchnorm1` and `batchnorm3` need it too.",
)
def _(name):
    return name.replace("batchnorm2", "bn2")


@torchvision_name.mistake(
    "buffers-forgotten",
    "Weights and biases get their new names, the running statistics and the counter do not. "
    "A batch norm has five tensors, and all of them must be loaded.",
)
def _(name):
    return name.replace("batchnorm", "bn") if name.endswith(("weight", "bias")) else name


@torchvision_name.mistake(
    "counter-broken",
    "You also change `num_batches_tracked`, as it contains `batch`. Replace the whole word `batchnorm`.",
)
def _(name):
    return name.replace("batch", "b").replace("norm", "n")


@torchvision_name.mistake(
    "batch-only",
    "`batchnorm` does not become `bn`, and `num_batches_tracked` changes too, as it contains `batch`. "
    "Replace the whole word `batchnorm` by `bn`.",
)
def _(name):
    return name.replace("batch", "b")


@torchvision_name.mistake(
    "norm-left",
    "In the place of `batchnorm` you write something that torchvision does not use. It says `bn`: `bn1`, `bn2`, `bn3`.",
)
def _(name):
    return name.replace("batchnorm", "norm")


@torchvision_name.mistake(
    "upper-case",
    "torchvision writes `bn` in small letters, and Python tells `BN` and `bn` apart.",
)
def _(name):
    return name.replace("batchnorm", "BN")


@torchvision_name.mistake(
    "prefix-lost",
    "You keep only the last two parts of the name. `layer1.0.` in front says which block it is, and must stay.",
)
def _(name):
    return ".".join(right_name(name).split(".")[-2:])


@torchvision_name.mistake(
    "downsample-renamed",
    "You change the batch norm of the shortcut too. In torchvision it is also called `downsample.1`.",
)
def _(name):
    return right_name(name).replace("downsample.1", "downsample.bn")


@torchvision_name.mistake(
    "downsample-numbered",
    "You change the batch norm of the shortcut too. In torchvision it is also called `downsample.1`.",
)
def _(name):
    return right_name(name).replace("downsample.1", "downsample.bn1")


@torchvision_name.mistake(
    "stages-of-paper",
    "You use the paper's names, conv2_x … conv5_x. torchvision calls the stages layer1 … layer4, as we do.",
)
def _(name):
    return re.sub(r"layer(\d)", lambda m: f"conv{int(m[1]) + 1}_x", right_name(name))


@torchvision_name.mistake(
    "stages-shifted",
    "You add one to the number of the stage. The paper counts from conv2_x, but torchvision from layer1, as we do.",
)
def _(name):
    return re.sub(r"layer(\d)", lambda m: f"layer{int(m[1]) + 1}", right_name(name))


EXERCISES = [torchvision_name]
