"""What is tried on ``torchvision_name``: names of every kind, then all names of ResNet-152."""

import re
from dataclasses import replace

from resnet_exercises.calls import Result, call, calls, with_numbers

PRAISE = {"torchvision_name": "Every name of ours finds its partner in torchvision."}

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
        layers = [f"{block}.conv{n}" for block in range(blocks) for n in (1, 2, 3)]
        norms = [layer.replace("conv", "batchnorm") for layer in layers]
        names += [f"layer{stage}.{layer}.weight" for layer in (*layers, "0.downsample.0")]
        names += [f"layer{stage}.{n}.{x}" for n in (*norms, "0.downsample.1") for x in norm]
    return names


def word_for_bn(result: Result, expected: Result) -> Result:
    """A wrong name in which only `bn` or the counter differs, in a form that depends on no other letters."""
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


probes = calls(map(call, NAMES), (), map(call, all_names()), form=word_for_bn)
evidence = with_numbers(lambda expected, name: "")
