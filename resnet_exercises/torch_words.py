"""PyTorch's words for what went wrong, and what they mean here. It needs no PyTorch itself."""

import re
import sys

#: what errors are about, in whichever words they say it; ``\1`` is a name in them that counts
_TROUBLES = (
    (r"a layer without \1", r"^(?:Conv|_BatchNorm|Linear)\w*\.__init__\(\) missing .*?: (.*)"),
    ("an argument for super().__init__()", r"\.__init__\(\) takes 1 positional argument"),
    ("a method without self", r" takes 1 positional argument but 2 were given"),
    ("a float as a size", r"^empty\(\).*\bfloat\b"),
    ("something else as a stride", r"^a block received \w+ as its stride"),
    ("no super().__init__()", r"before Module\.__init__\(\) call"),
    ("no tensor as data", r"^Variable data has to be a tensor"),
    ("no parameter", r"^cannot assign .* as parameter"),
    ("a leaf in place", r"a leaf Variable that requires grad"),
    ("None in a calculation", r"^unsupported operand .*'NoneType'"),
    ("a call of itself", r"^maximum recursion depth"),
    ("numbers of two types", r"scalar type|and (bias|weight) type|same dtype"),
)
_KINDS = {"bool": "True or False", "NoneType": "None"}


def trouble(text: str) -> str:
    """A name for what an error is about that many words may tell; an empty string where its numbers tell it."""
    if text.startswith("a block was built for "):
        return text  # our own words, in which the order of the numbers counts
    if layer_for_tensor(text):
        return "a layer in place of a tensor"  # whichever operation meets it first
    found = ((what, re.search(words, text)) for what, words in _TROUBLES)
    return next((match.expand(what) for what, match in found if match), odd_types(text))


def odd_types(text: str) -> str:
    """What a convolution gets for a number, as in ``a float as its padding``; of other operations, all types."""
    got = re.search(r"^(\w+\(\)) received an invalid combination of .* - got (\(.*?\))", text)
    if not got:
        return ""
    of_images = f"{got[1]}{got[2]}".startswith("conv2d()(Tensor,")
    kinds = re.findall(r"tuple of \((\w+)", text) if of_images else ()
    odd = [
        f"{_KINDS.get(kind) or with_article(kind)} as its {setting}"
        for kind, setting in zip(kinds, ("stride", "padding", "dilation"))
        if kind != "int"
    ]
    return " and ".join(odd) or f"{got[1]} of {got[2]}"


def with_article(name: str) -> str:
    """The name of a class with ``a`` or ``an`` before it."""
    return f"{'an' if name[:1].lower() in tuple('aeiou') else 'a'} {name}"


_AXES = {"1": "numbers of channels", "2": "heights", "3": "widths"}
#: PyTorch's words → what they mean here; {0}, {1}, … are the numbers found in them, {sizes} those along the axis
_MEANINGS = (
    (
        r"tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (?P<axis>\d)",
        "Two tensors that must have the same shape, as in a sum, have different {sizes}: {0} and {1}.",
    ),
    (
        r"weight of size \[(\d+), .*expected input.* to have (\d+) channels, but got (\d+) channels",
        "A convolution was made for {1} channels (it gives {0}) and receives {2}. Look at its in_channels, or at the "
        "tensor that you give it.",
    ),
    (
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x",
        "A linear layer expects {2} numbers for each image and receives {1} (for {0} images).",
    ),
    (
        r"running_mean should contain (\d+) elements not (\d+)",
        "A batch norm was made for {1} channels and receives {0}.",
    ),
    (r"the same number of spatial dimensions", "F.interpolate takes (N, C, H, W): keep the axes, by `keepdim=True`."),
    (r"'NoneType' object is not callable", "What stands before the brackets is None there."),
    (r"^unsupported operand .*'NoneType'", "One of the two is None there, and no tensor."),
    (r"^maximum recursion depth", "Your code calls or makes itself there, again and again."),
    (
        r"modified by an inplace operation",
        "An in-place operation, such as += or inplace=True, overwrote a tensor that the gradient needs.",
    ),
    (
        r"^torch\.nn\.[\w.]*?(\w+) is not a Module subclass",
        "`nn.{0}` is a class, and no layer yet: brackets are missing, as in `nn.ReLU()`.",
    ),
    (r"(\w+) is not a Module subclass", "nn.Sequential takes modules, and no {0}."),
    (
        r"(?s)before Module.__init__\(\) call|__init__\(\) call.*Module|Module.*__init__\(\) call",
        "Call super().__init__() first in your __init__.",
    ),
)


def translate(text: str) -> str:
    """What PyTorch's message means here, or an empty string."""
    for words, meaning in _MEANINGS:
        if match := re.search(words, text):
            sizes = _AXES.get(match.groupdict().get("axis", ""), "sizes")
            return meaning.format(*match.groups(), sizes=sizes)
    if layer := layer_for_tensor(text):
        return (
            f"A layer ({layer}) stands where a tensor is needed. A layer is applied by brackets behind it, as in "
            f"`self.layer(x)`; without them, or as `nn.{layer}(x)`, it is made or named, and not applied."
        )
    if " as its " in (odd := odd_types(text)):
        return f"A convolution gets {odd}."
    return ""


def layer_for_tensor(text: str) -> str:
    """The class of the layer that an operation received instead of a tensor, as the message tells it."""
    if "torch" not in sys.modules:
        return ""
    from torch import Tensor, nn

    match = re.search(
        r"must be Tensor, not (\w+)|arguments - got \((\w+),"
        r"|'(\w+)' and 'Tensor'|'Tensor' and '(\w+)'|'(\w+)' object has no attribute '(?P<asked>\w+)'",
        text,
    )
    if not match or match["asked"] and not hasattr(Tensor, match["asked"]):
        return ""
    layer = next(filter(None, match.groups()))
    return layer if isinstance(getattr(nn, layer, None), type) else ""
