"""The small library of the book: ResNet from the output-size formula to five networks that equal torchvision's.

A name is loaded from its file when it is first asked for, so the formula works without PyTorch.
"""

import importlib

#: file → the names that the package offers from it
_OFFERS = {
    "blocks": ("PlainBlock", "ResidualBasicBlock", "ResidualBottleNeck", "conv1x1", "conv3x3"),
    "clothes": ("clothes_net", "clothes_weights", "load_sample"),
    "comparing": ("randomise_batchnorm",),
    "costs": (
        "LayerCost",
        "count_multiply_adds",
        "count_parameters",
        "layer_costs",
        "receptive_field",
    ),
    "data": ("Digits", "load_digits"),
    "folding": ("fold_batchnorm", "folded"),
    "formula": ("input_sizes", "output_size", "same_padding", "unused_pixels"),
    "inspecting": (
        "branch_ratio",
        "gradient_norms",
        "input_gradient",
        "record_outputs",
        "without_batchnorm",
    ),
    "photographs": ("Photographs", "load_photographs"),
    "recipe": ("Epoch", "Recipe", "train_epochs"),
    "resnet": (
        "CIFAR_RESNETS",
        "IMAGENET_RESNETS",
        "CifarPlainNet",
        "CifarResNet",
        "ResNetBase",
        "ZeroPadShortcut",
        "initialise_weights",
        "resnet18",
        "resnet20",
        "resnet32",
        "resnet34",
        "resnet44",
        "resnet50",
        "resnet56",
        "resnet101",
        "resnet110",
        "resnet152",
    ),
    "torchvision_names": (
        "imagenet_weights",
        "load_torchvision_weights",
        "our_name",
        "torchvision_name",
    ),
    "tracing": ("TracedLayer", "trace"),
    "training": ("History", "accuracy", "choose_device", "train"),
}
_FILE_OF = {name: file for file, names in _OFFERS.items() for name in names}
__all__ = list(_FILE_OF)


def __getattr__(name: str) -> object:
    if name not in _FILE_OF:
        raise AttributeError(f"module 'resnet_lib' has no attribute {name!r}")
    value = getattr(importlib.import_module(f"resnet_lib.{_FILE_OF[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
