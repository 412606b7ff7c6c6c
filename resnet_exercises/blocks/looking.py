"""A block is built, gets the weights that every answer gets, and is looked at."""

import inspect
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from resnet_exercises import held, tensors
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.light_blocks import begins_in_train_mode, tensor_ids
from resnet_exercises.observing import ANYTHING, Fact, named_kind
from resnet_exercises.steps import Steps, Taken
from resnet_exercises.tensors import Weights, fill, numbers, owner

#: functions that no block computes with
_FOREIGN = {"instance_norm", "group_norm", "layer_norm", "leaky_relu", "relu6", "gelu", "silu"}
_FOREIGN |= {"elu", "tanh", "softplus", "prelu", "sigmoid", "hardtanh"}


class Watch(Weights):
    """Notes, besides the weights, what gives a mistake away in any of its forms."""

    def __init__(self):
        super().__init__()
        self.theirs: set[int] = set()  # identities of the tensors of a downsample
        self.foreign = ""  # the first thing that no block has
        self.option = ""  # of a convolution, that no block has
        self.convolutions: dict[int, str] = {}  # their sizes, by identity of the weight
        self.norms = 0  # batch norms applied so far

    def __torch_function__(self, function, types, arguments=(), named=None):
        name, named = getattr(function, "__name__", ""), named or {}
        self.foreign = self.foreign or _foreign(name, arguments, named)
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
            if given.get(option, 1) not in (1, (1, 1), [1, 1]):
                self.option = f"a convolution has another {option} than 1"
                self.foreign = self.foreign or self.option


def _foreign(name: str, arguments: tuple, named: dict[str, object]) -> str:
    """What a function does that no block does; an empty string for others."""
    if name == "hardtanh" and 6 in (*arguments[2:3], named.get("max_val")):
        name = "relu6"  # as nn.ReLU6 computes it
    if name == "pad" and named.get("mode", "constant") != "constant":
        return "it pads with something else than zeros"
    if name == "sigmoid" and arguments[0].shape[2:] in ((), (1, 1)):  # a number per channel
        return "it weighs its channels with a sigmoid"
    return f"it computes with `{name}`" if name in _FOREIGN else ""


_NO_VALUE = r"^(?:name|cannot access local variable)"
#: what readers name as they like has one name here
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
    held.CAUSES[-1],
)


def explained(error: Exception, watch: Watch) -> StudentError:
    """What a block raised, and what else tells the mistake: the shapes may be those of others, too."""
    if "must match the size" in str(error):
        return StudentError(error, (), watch.convolutions.values())
    if sizes := re.search(r"should contain \d+ elements not \d+", str(error)):
        told = f"It is batch norm number {watch.norms} of the block."
        return StudentError(error, (), [str(watch.norms), sizes[0]], told)  # too narrow, or too wide
    return StudentError(error, CAUSES)


class Odd(Exception):
    """A finding that makes all others idle, as a layer that is not registered does: a probe sees its text alone."""


SEED = 987_654_321  #: none that an answer would set
#: what a block gets as downsample
PROJECTION = "a 1×1 convolution and its batch norm"
CONVOLUTION = "a 1×1 convolution alone"
IDENTITY = "nn.Identity()"


@dataclass(frozen=True)
class Case:
    """One way to build a block. One without ``expansion`` is a block without a shortcut."""

    in_channels: int
    channels: int
    stride: int
    expansion: int | None
    downsample: str = ""

    @property
    def label(self) -> str:
        """The case in words."""
        text = f"in_channels {self.in_channels}, channels {self.channels}"
        if self.stride > 1 or self.downsample:
            text += f", stride {self.stride}"
        return text + (f", downsample {self.downsample}" if self.downsample else "")

    def input(self, images: int = 3, height: int = 0, width: int = 0) -> Tensor:
        """Images; without a size, so large that strides leave more than one pixel, which PyTorch adds to any size."""
        shrunk = self.stride ** (3 if self.expansion == 4 else 2)
        height, width = height or max(5, shrunk + 1), width or max(7, shrunk + 3)
        return tensors.random_input(images, self.in_channels, height, width)

    def build(self, block) -> tuple[nn.Module, nn.Module]:
        """The block and the module that it gets on its shortcut, an nn.Identity if it gets none."""
        if self.expansion is not None and expansion_of(block) != self.expansion:
            raise Odd("its `expansion` is not right yet")
        out = self.channels * (self.expansion or 1)
        shortcut: nn.Module = nn.Identity()
        if self.downsample in (PROJECTION, CONVOLUTION):
            shortcut = nn.Conv2d(self.in_channels, out, 1, self.stride, bias=False)
        if self.downsample == PROJECTION:
            shortcut = nn.Sequential(shortcut, nn.BatchNorm2d(out))
        given = 4 if self.downsample else 3 if self.stride > 1 else 2
        arguments = [self.in_channels, self.channels, self.stride, shortcut]
        return call(block, arguments[:given]), shortcut


def call(block, arguments: list):
    """Calls the class by position, or by name where it takes arguments only so."""
    names = ("in_channels", "channels", "stride", "downsample")[: len(arguments)]
    signature = inspect.signature(block)
    order = [p.name for p in signature.parameters.values() if p.kind != p.KEYWORD_ONLY]
    if "stride" in order and "downsample" in order[: order.index("stride")]:
        raise Odd("downsample stands before stride")
    for given, named in ((arguments, {}), ((), dict(zip(names, arguments)))):
        try:
            signature.bind(*given, **named)
        except TypeError:
            continue
        return block(*given, **named)
    raise Odd(f"the class cannot be called with {', '.join(names)}")


def expansion_of(block) -> object:
    """The class attribute ``expansion`` if it is an int, else what is there instead."""
    value = getattr(block, "expansion", None)
    if value is None or isinstance(value, property):
        return "the class has none"
    return value if type(value) is int else f"it is {named_kind(value)}"


class Look:
    """A built block with the weights that every answer gets. ``watch`` must be on."""

    def __init__(self, case: Case, block, watch: Watch, solution: type):
        tensors.set_seeds(SEED)
        module, shortcut = case.build(block)
        self.case, self.module, self.watch, self.x = case, module, watch, case.input()
        self.shortcut, self.given = shortcut, list(shortcut.parameters())
        watch.theirs = tensor_ids(shortcut)
        self.asleep = not begins_in_train_mode(module)
        made = set(map(id, module.parameters()))
        with torch.no_grad():
            first = numbers(module.eval()(self.x.clone()))
            if not isinstance(first, Tensor):
                raise Odd(f"forward returns {first}, where a tensor is needed")
            used, self.norms = list(watch.used.values()), watch.norms
            self._all_are_registered(used, made)
        self.biases = [t for (a, _), (b, t) in zip(used, used[1:]) if (a, b) == ("weight", "shift")]
        leave_out = watch.theirs | set(map(id, self.biases))
        self.weights = [(role, t) for role, t in used if id(t) not in leave_out]
        followed = watch.theirs | watch.used.keys()
        self.idle = any(id(p) not in followed for p in module.parameters())
        if self.idle and not watch.foreign:
            tensors.set_seeds(SEED)  # for the same shortcut
            twin, theirs = case.build(solution)
            if found := tensors.as_registered(module, twin, self.x, watch.theirs | tensor_ids(theirs)):
                self.idle, self.weights = False, found
        self.begins = _begins(self.weights, case.expansion is None)
        self.now = tensors.live(module, self.weights)
        if self.given:
            self._downsample_has_a_part()
        self.fill()

    def _all_are_registered(self, used: list, made: set[int]) -> None:
        weights = [owner(t) for _, t in used if isinstance(owner(t), nn.Parameter)]
        if not all(weight.requires_grad for weight in weights):
            raise Odd("it computes with weights that have requires_grad=False")
        known = set(map(id, self.module.parameters()))
        late = (set(map(id, weights)) | known) - made
        if late:
            self.watch.used.clear()
            self.module(self.x.clone())
            if late - self.watch.used.keys() - set(map(id, self.module.parameters())):
                raise Odd("forward makes new layers in each call")
            if late <= known:
                raise Odd("its layers are made in the first call of forward")
            raise Odd("it computes with layers that PyTorch does not know of")

    def fill(self) -> None:
        """Gives all weights and statistics the numbers that they have in each answer."""
        fill(self.now())
        for layer in self.shortcut.modules():
            if isinstance(layer, nn.Conv2d):
                fill([("weight", layer.weight)], seed=9)
            elif isinstance(layer, nn.BatchNorm2d):
                fill(tensors.of_batch_norm(layer), seed=9)
        for bias in self.biases:  # batch norm removes it; `settings` tells of it
            bias.data.zero_()

    @torch.no_grad()
    def _downsample_has_a_part(self) -> None:
        copied = any(
            own is not given and given.dim() == 4 and torch.equal(own, given)
            for own in self.module.parameters()
            for given in self.given
        )
        self.fill()
        output = self.module.eval()(self.x.clone())
        self.given[-1].data.add_(1)
        if torch.equal(self.module(self.x.clone()), output):
            if copied:
                raise Odd("it computes with a copy of the downsample that was given")
            raise Odd("the downsample that was given has no part in the result")

    def result(self) -> dict[str, object]:
        """The output in eval mode."""
        what = "parameters used in nn.Conv2d, F.conv2d, nn.BatchNorm2d or F.batch_norm"
        trained = [t for role, t in self.weights if role not in tensors.STATISTICS]
        given = self.x.clone()
        with torch.no_grad(), Steps(self.watch.theirs) as steps:
            output = _draws_no_numbers(self.module.eval(), given, "eval")
        return {
            "its steps": Taken(steps.taken),
            "shape of the output": tuple(getattr(output, "shape", ())),
            f"number of {what}": sum(map(Tensor.numel, trained)),
            "output in eval mode": numbers(output),
            "the input is left as it was": tensors.unchanged(given, self.x),
        }

    def rest(self) -> dict[str, object]:
        """Modes, other inputs, gradients, in the order in which a difference is worth telling."""
        module, x = self.module, self.x
        module.eval()(x.clone())
        switched_off = "forward switches the gradients off for all code after it"
        seen: dict[str, object] = {"gradients are still switched on": Fact(torch.is_grad_enabled(), switched_off)}
        with torch.no_grad():
            output = numbers(_draws_no_numbers(module.train(), x.clone(), "train"))
        in_eval = "after block.train(), a call of forward finds or leaves it in eval mode"
        seen["the block stays in train mode"] = Fact(module.training, in_eval)
        seen |= self._other_images()
        seen["output in train mode"] = output
        running = [tensor for role, tensor in self.now() if role in tensors.STATISTICS]
        seen["running statistics"] = [tensor.clone() for tensor in (*running, *self.shortcut.buffers())]
        seen |= tensors.gradients(module, x, self.weights, in_training=True)
        self.fill()  # torch.utils.checkpoint computes twice, and moves the statistics twice
        seen |= tensors.gradients(module, x, self.weights, in_training=False)
        with torch.no_grad():
            rows = x.clone(memory_format=torch.channels_last)
            seen["output for an input in channels_last layout"] = numbers(module(rows))
            output = tried(lambda: numbers(module.double()(x.double())))
            module.float()  # it may share its layers with others
            # an error, as with x.float() in forward, does no harm: nobody asks for float64
            seen["output in float64"] = ANYTHING if isinstance(output, StudentError) else output
        return seen

    @torch.no_grad()
    def _other_images(self) -> dict[str, object]:
        """Large numbers, so that an upper bound shows, and an even size, so that padding on one side does. Also one
        pixel and one image, where the folk cure for "Expected more than 1 value per channel" does harm."""
        seen = {}
        small = [(3, 1, 1), (1, 5, 5)] if self.case.stride == 1 else []
        for size in [(1, 8, 6), *small]:
            other = 1000 * self.case.input(*size)
            for mode in ("eval", "train"):
                self.module.train(mode == "train")
                what = f"output for {tensors.images(other.shape)}, of large numbers"
                seen[f"{what}, in {mode} mode"] = self._output(other.clone())
        self.module.eval()
        return seen | {"output, after other images": self._output(self.x.clone())}

    def _output(self, x: Tensor) -> object:
        """The output for ``x``, or the error. It notes where fewer batch norms are applied."""
        before = self.watch.norms
        output = tried(lambda: numbers(self.module(x)))
        if not isinstance(output, StudentError) and self.watch.norms - before < self.norms:
            again = x.shape == self.x.shape
            where = "when the same images come again" if again else "for some images"
            self.watch.foreign = f"it leaves a batch norm out {where}"
        return output

    def settings(self) -> Iterator[str]:
        """What is wrong with the block, although its output is right."""
        if self.asleep:
            yield "it, or a part of it, begins in eval mode"
        if self.biases:
            yield "a convolution has a bias"
        if self.idle:
            yield "it has parameters that no convolution or batch norm uses"
        saved = [t for t in self.module.state_dict().values() if t.is_floating_point()]
        if sum(map(Tensor.numel, saved)) < sum(t.numel() for _, t in self.weights):
            keeps = "nn.BatchNorm2d or self.register_buffer(…) keeps them"
            yield f"its running statistics are not saved with its weights, as plain tensors are not: {keeps}"
        with torch.no_grad():
            self.module.train()(self.x.clone())
        if found := self.watch.settings or self.begins:
            yield found


def _begins(weights: list[tuple[str, Tensor]], plain: bool) -> str:
    """What is wrong with the numbers that a new block begins with, or an empty string."""
    if found := tensors.starts(weights):
        return found
    scales = [tensor for role, tensor in weights if role == "scale"]
    if scales and not scales[0].any():
        return "the first batch norm begins with a scale of 0"
    if plain and scales and not scales[-1].any():  # beside a shortcut it is a known trick
        return "the last batch norm begins with a scale of 0, so the block gives 0"
    usual = {"mean": 0, "variance": 1}
    if any((tensor != usual[role]).any() for role, tensor in weights if role in usual):
        return "the running means must begin with 0, the running variances with 1"
    return ""


def _draws_no_numbers(function: Callable, x: Tensor, mode: str) -> object:
    """What ``function`` gives; ``Odd`` if it draws random numbers or sets the seed."""
    tensors.set_seeds(SEED)
    before = tensors.randomness()
    result = function(x)
    if tensors.randomness() != before:
        if tensors.heeds_the_seed(lambda: function(x)):
            raise Odd(f"forward draws random numbers in {mode} mode")
        raise Odd("forward sets the seed of the random numbers")
    return result
