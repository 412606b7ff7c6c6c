"""What is noted while a block computes: what no block has, and where sizes do not fit."""

import re

from torch import Tensor

from resnet_exercises.errors import StudentError
from resnet_exercises.held import LayerError
from resnet_exercises.tensors import Weights, owner

#: functions that no block computes with
_FOREIGN = {"instance_norm", "group_norm", "layer_norm", "leaky_relu", "relu6", "gelu", "silu"}
_FOREIGN |= {"elu", "tanh", "softplus", "prelu", "sigmoid"}
_SUMS = {"add", "add_", "sub", "sub_", "mul", "mul_", "maximum"}


class Watch(Weights):
    """Notes, besides the weights, what gives a mistake away in any of its forms."""

    def __init__(self):
        super().__init__()
        self.theirs: set[int] = set()  # identities of the tensors of a downsample
        self.foreign = ""  # the first thing that no block has
        self.option = ""  # of a convolution, that no block has
        self.terms: tuple | None = None  # the shapes of the last sum
        self.convolutions: dict[int, str] = {}  # their sizes, by identity of the weight
        self.norms = 0  # batch norms applied so far

    def __torch_function__(self, function, types, arguments=(), named=None):
        name, named = getattr(function, "__name__", ""), named or {}
        if name in _SUMS:
            if len(arguments) == 2 and all(isinstance(term, Tensor) for term in arguments):
                self.terms = tuple(tuple(term.shape) for term in arguments)
        elif found := _foreign(name, arguments, named):
            self.foreign = self.foreign or found
        return super().__torch_function__(function, types, arguments, named)

    def note(self, name: str, given: dict[str, object]) -> None:
        """Notes also the sizes and settings of convolutions, and counts the block's own batch norms."""
        super().note(name, given)
        own = not any(id(owner(t)) in self.theirs for t in given.values() if isinstance(t, Tensor))
        self.norms += own and name == "batch_norm"
        if name != "conv2d":
            return
        if own:
            weight, sizes = given["weight"], [given.get("stride", 1), given.get("padding", 0)]
            sizes = [(size, size) if isinstance(size, int) else tuple(size) for size in sizes]
            self.convolutions[id(owner(weight))] = f"{sizes} {tuple(weight.shape[2:])} {len(weight)}"
        for option in ("dilation", "groups"):
            value = given.get(option, 1)
            if value not in (1, (1, 1), [1, 1]):
                self.option = f"a convolution has another {option} than 1"
                self.foreign = self.foreign or self.option


def _foreign(name: str, arguments: tuple, named: dict[str, object]) -> str:
    """What a function does that no block does; an empty string for others."""
    if name == "hardtanh":  # nn.ReLU6 is one too
        name = "relu6" if 6 in (*arguments[2:3], named.get("max_val")) else name
        return f"it computes with `{name}`"
    if name == "pad" and named.get("mode", "constant") != "constant":
        return "it pads with something else than zeros"
    if name == "sigmoid" and arguments[0].shape[2:] in ((), (1, 1)):  # a number per channel
        return "it weighs its channels with a sigmoid"
    return f"it computes with `{name}`" if name in _FOREIGN else ""


_NO_VALUE = r"^(?:name|cannot access local variable)"


class BlockError(LayerError):
    """What a block raised; what readers name as they like has one name here."""

    CAUSES = (
        (r"attribute 'downsample'|^name 'downsample' is not defined", "no downsample is kept"),
        (r"^unsupported operand type\(s\) for %: '\w+' and 'int'", "the block as in_channels"),
        (r"^module 'torch\.nn\S*' has no attribute '(?i:relu)'", "a misspelt ReLU"),
        (r"^module 'torch\.nn' has no attribute ", "a misspelt layer"),
        (r"^'\w+' object has no attribute '\w*(relu|act)", "a ReLU that is not set"),
        (r"^'\w+' object has no attribute '\w*(conv|bn|norm)", "a layer that is not set"),
        (r"^name '\w*(conv|bn|norm|relu)\w*' is not defined", "a layer without self"),
        (r"^name '(Conv|BatchNorm|ReLU|Sequential)\w*' is not defined", "a layer without nn"),
        (rf"{_NO_VALUE} '(shortcut|identity|residual|skip|res)\w*'", "no shortcut"),
        (rf"{_NO_VALUE} '(out|h|y|z|fx|branch|result)\w*'", "no result"),
    )


class SizeError(StudentError):
    """Two sizes in a block do not fit. ``place`` is where, and ``told`` says it to readers."""

    def __init__(self, error: Exception, place: list[str], told: str):
        super().__init__(error)
        self.place, self.told = place, told

    @property
    def numbers(self) -> tuple[str, ...]:
        """With the place."""
        return (*super().numbers, *self.place)

    def explain(self) -> str:
        """With the place."""
        return f"{super().explain()} {self.told}"


def explained(error: Exception, watch: Watch, start: tuple, wanted: tuple) -> StudentError:
    """What a block raised on its way from a tensor of shape ``start`` to one of ``wanted``."""
    if watch.terms and "must match the size" in str(error):
        start, first, second, wanted = map(_shape, (start, *watch.terms, wanted))
        told = f"From x of {start}, one of the two paths gives {first}, the other {second}; "
        # whichever convolution has the stride, or too large a kernel, the shapes are the same
        place = list(watch.convolutions.values())
        return SizeError(error, place, f"{told}the block should give {wanted}.")
    if sizes := re.search(r"should contain \d+ elements not \d+", str(error)):
        told = f"It is batch norm number {watch.norms} of the block."
        return SizeError(error, [str(watch.norms), sizes[0]], told)  # too narrow, or too wide
    return BlockError(error)


def _shape(shape: tuple[int, ...]) -> str:
    """A shape as readers say it: ``6 channels of 3×4 pixels``."""
    if len(shape) != 4:
        return f"shape {shape}"
    return f"{shape[1]} channels of {shape[2]}×{shape[3]} pixels"
