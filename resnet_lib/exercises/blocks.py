"""The exercises on blocks, and what readers get wrong in them."""

from __future__ import annotations

import contextlib
import copy
import functools
import inspect
import re

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck, conv1x1, conv3x3
from resnet_lib.exercises.checking import Exercise, first_difference, tell
from resnet_lib.exercises.pictures import compare_images
from resnet_lib.exercises.probing import (
    ANYTHING,
    Fact,
    Probe,
    Seen,
    Weights,
    attempt_gradients,
    comparison,
    fill,
    gradient_in_eval_mode,
    images,
    layer_instead_of_tensor,
    looking_for,
    named_kind,
    numbers,
    owner,
    random_input,
    randomness,
    same,
    set_seeds,
    starts,
    unchanged,
)
from resnet_lib.exercises.running import StudentError


def projection(in_channels: int, out_channels: int, stride: int) -> nn.Sequential:
    """The module that a probe hands in as ``downsample``."""
    return nn.Sequential(
        conv1x1(in_channels, out_channels, stride), nn.BatchNorm2d(out_channels)
    )


def fill_projection(module: nn.Module) -> None:
    """After the block is built: its __init__ may initialise all weights that it holds."""
    if isinstance(module, nn.Conv2d):
        fill([("weight", module.weight)], seed=9)
        return
    norm = module[1]
    fill(
        [
            ("weight", module[0].weight),
            ("scale", norm.weight),
            ("shift", norm.bias),
            ("mean", norm.running_mean),
            ("variance", norm.running_var),
        ],
        seed=9,
    )


# What a probe sees --------------------------------------------------------------------------------------------------


class Odd(Exception):
    """A finding that makes all others idle, such as a layer that is not registered: the probe returns its text alone.

    So the mistake is known by it wherever in the block it was made.
    """


class Another(str):
    """A finding whose details the reader sees, and which equals every other of its kind."""

    def __eq__(self, other):
        return isinstance(other, Another)

    def __hash__(self):
        return 0


class SumError(StudentError):
    """PyTorch could not add two tensors: tells which of the two paths has the wrong shape."""

    def __init__(
        self, error: Exception, terms: tuple, start: tuple, wanted: tuple, strides: list
    ):
        super().__init__(error)
        self.terms, self.start, self.wanted, self.strides = terms, start, wanted, strides

    @property
    def numbers(self) -> tuple[str, ...]:
        """With the strides of the block's own convolutions: whichever two of three have one, the shapes are the same."""
        return (*super().numbers, *map(str, self.strides))

    def explain(self) -> str:
        where = f" at your line `{self.line}`" if self.line else ""
        first, second = self.terms
        if first == self.wanted or second == self.wanted:
            other = second if first == self.wanted else first
            paths = f"one path gives {_shape(self.wanted)}, as the block should, the other {_shape(other)}"
            if other == self.start:
                paths += ", which is the shape of x itself: x must go through downsample there"
            elif other[1] != self.wanted[1]:
                paths += ": its channels are wrong"
            else:
                paths += ": its stride or its padding is wrong"
        else:
            paths = f"one path gives {_shape(first)}, the other {_shape(second)}; both should give {_shape(self.wanted)}"
        return f"Your code raised {self.kind}{where}: the two paths do not fit together. From x of {_shape(self.start)}, {paths}."


def _shape(shape: tuple[int, ...]) -> str:
    """A shape as readers say it: ``6 channels of 3×4 pixels``."""
    if len(shape) != 4:
        return f"shape {shape}"
    return f"{shape[1]} channels of {shape[2]}×{shape[3]} pixels"


_FOREIGN = {
    "instance_norm": "InstanceNorm",
    "group_norm": "GroupNorm",
    "layer_norm": "LayerNorm",
    "leaky_relu": "LeakyReLU",
    "relu6": "ReLU6",
    "gelu": "GELU",
    "silu": "SiLU",
    "elu": "ELU",
    "tanh": "tanh",
    "sigmoid": "sigmoid",
    "softplus": "softplus",
    "prelu": "PReLU",
}


_SUMS = {"add", "add_", "sub", "sub_", "mul", "mul_", "maximum"}
_WEIGHTED = {"conv2d", "batch_norm", "linear"}
_WATCHED = {*_SUMS, *_FOREIGN, *_WEIGHTED, "hardtanh", "sigmoid", "pad"}


def _is_gate(arguments: tuple) -> bool:
    """Whether what goes into a function is one number per channel: (N, C) or (N, C, 1, 1)."""
    shape = tuple(arguments[0].shape) if arguments and isinstance(arguments[0], Tensor) else ()
    return len(shape) == 2 or len(shape) == 4 and shape[2:] == (1, 1)


class Watch(Weights):
    """Notes what gives a mistake away in any of its forms: layers that no block has, settings, the shapes of a sum."""

    def __init__(self):
        super().__init__()
        self.foreign = ""
        self.options: list[str] = []  # of convolutions, which no block has
        self.terms = None
        self.strides: dict[int, tuple] = {}  # of convolutions, by identity of their weights
        self.norms = 0  # batch norms applied so far

    def __torch_function__(self, function, types, arguments=(), named=None):
        name = getattr(function, "__name__", "")
        named = named or {}
        if name not in _WATCHED:
            return function(*arguments, **named)
        if name in _SUMS and len(arguments) == 2:
            if all(isinstance(term, Tensor) for term in arguments):
                self.terms = tuple(tuple(term.shape) for term in arguments)
        elif name == "hardtanh":
            bounds = tuple(arguments[1:3]) or (
                named.get("min_val", -1),
                named.get("max_val", 1),
            )
            kind = "ReLU6" if bounds == (0, 6) else "Hardtanh"  # nn.ReLU6 is such a Hardtanh
            self.foreign = self.foreign or f"it computes with {kind}"
        elif name == "sigmoid" and _is_gate(arguments):
            self.foreign = self.foreign or "it weighs its channels with a sigmoid"
        elif name in _FOREIGN:
            self.foreign = self.foreign or f"it computes with {_FOREIGN[name]}"
        elif name == "pad" and named.get("mode", "constant") != "constant":
            self.foreign = self.foreign or "it pads with something else than zeros"
        elif name == "conv2d":
            stride = arguments[3] if len(arguments) > 3 else named.get("stride", 1)
            weight = arguments[1] if len(arguments) > 1 else named["weight"]
            pair = tuple(stride) if isinstance(stride, (tuple, list)) else (stride, stride)
            self.strides[id(owner(weight))] = pair
            for place, option in ((5, "dilation"), (6, "groups")):
                value = arguments[place] if len(arguments) > place else named.get(option, 1)
                if value not in (1, (1, 1), [1, 1]):
                    self.options.append(f"a convolution has {option}={value}")
                    self.foreign = self.foreign or f"a convolution has another {option} than 1"
        if name in _WEIGHTED:
            return super().__torch_function__(function, types, arguments, named)
        return function(*arguments, **named)

    def normalise(self, function, given: dict[str, object]) -> Tensor:
        """On the meta device, where it takes long to compute nothing, one that fits gives the shape that it gets."""
        self.norms += 1
        x = given["input"]
        if x.is_meta and all(
            given.get(name) is None or given[name].shape == x.shape[1:2]
            for name in ("running_mean", "running_var", "weight", "bias")
        ):
            return x.clone()
        return super().normalise(function, given)


class Case:
    """One way to build a block, and the input that it gets."""

    def __init__(
        self,
        block_channels: tuple[int, int],
        stride: int,
        expansion: int | None,
        downsample: str,
        short: bool = False,
    ):
        self.in_channels, self.channels = block_channels
        self.stride, self.expansion, self.downsample = stride, expansion, downsample
        self.out_channels = self.channels * (expansion or 1)
        self.short = short  # leaves out the arguments that have defaults

    @property
    def label(self) -> str:
        text = f"in_channels {self.in_channels}, channels {self.channels}"
        if not self.short:
            text += f", stride {self.stride}"
        given = {
            "": "",
            "projection": ", downsample a 1×1 convolution and its batch norm",
            "convolution": ", downsample a 1×1 convolution alone",
        }
        return text + given.get(self.downsample, f", downsample {self.downsample}")

    def input(self, images: int = 3, height: int = 0, width: int = 0) -> Tensor:
        """Images; without a size, so large that a stride in each convolution leaves more than 1×1, which PyTorch adds to any size."""
        shrunk = self.stride ** (3 if self.expansion == 4 else 2)
        height, width = height or max(5, shrunk + 1), width or max(7, shrunk + 3)
        return random_input(images, self.in_channels, height, width)

    def build(self, block) -> tuple[nn.Module, nn.Module | None]:
        """The block and the module on its shortcut, if there is one."""
        set_seeds(987_654_321)
        if self.expansion is not None and _expansion(block) != self.expansion:
            raise Odd("its `expansion` is not right yet")
        shortcut = None
        if self.downsample == "projection":
            shortcut = projection(self.in_channels, self.out_channels, self.stride)
        elif self.downsample == "convolution":
            shortcut = conv1x1(self.in_channels, self.out_channels, self.stride)
        elif self.downsample == "nn.Identity()":
            shortcut = nn.Identity()
        arguments = [self.in_channels, self.channels]
        if not self.short:
            arguments += [self.stride] + ([shortcut] if self.expansion is not None else [])
        try:
            return _call(block, arguments), shortcut
        except AttributeError as error:
            if "before Module.__init__() call" in str(error):
                raise Odd(
                    "super().__init__() is not called before the first layer is made"
                ) from error
            raise


def _call(block, arguments: list):
    """Calls the class by position, or by name where it takes arguments only so."""
    names = ("in_channels", "channels", "stride", "downsample")
    try:
        signature = inspect.signature(block)
    except (TypeError, ValueError):
        return block(*arguments)
    order = [p.name for p in signature.parameters.values() if p.kind != p.KEYWORD_ONLY]
    if "stride" in order and "downsample" in order[: order.index("stride")]:
        raise Odd("downsample stands before stride")
    try:
        signature.bind(*arguments)
    except TypeError:
        try:
            signature.bind(**dict(zip(names, arguments)))
        except TypeError:
            given = ", ".join(names[: len(arguments)])
            raise Odd(f"the class cannot be called with {given}") from None
        return block(**dict(zip(names, arguments)))
    return block(*arguments)


def _expansion(block) -> object:
    """The class attribute ``expansion`` as a plain int, or as a text that says what is there instead."""
    missing = object()
    value = inspect.getattr_static(block, "expansion", missing)
    if isinstance(value, (int, numpy.integer)) and not isinstance(value, bool):
        return int(value)
    if value is missing or isinstance(value, property):
        return "the class has no attribute `expansion`"
    if isinstance(value, float):
        return f"the float {value}"
    return f"a {type(value).__name__}"


def _draws_no_numbers(function, x: Tensor, mode: str) -> object:
    """What ``function`` gives; an :class:`Odd` finding if it draws random numbers or sets the seed."""
    set_seeds(987_654_321)
    before = randomness()
    result = function(x.clone())
    first = randomness()
    if first != before:
        set_seeds(123_456_789)
        function(x.clone())
        if randomness()[-1] == first[-1]:
            raise Odd("forward sets the seed of the random numbers")
        raise Odd(f"forward draws random numbers in {mode} mode")
    return result


def _begins(weights: list[tuple[str, Tensor]]) -> str:
    """What is wrong with the numbers that the weights and statistics of a new block begin with, or an empty string."""
    scales = [tensor for role, tensor in weights if role == "scale"]
    if found := starts(weights):
        return found
    if scales and not scales[0].any():
        return "the first batch norm begins with a scale of 0"
    for role, tensor in weights:
        if role in ("mean", "variance") and (tensor != (role == "variance")).any():
            return "a running mean begins with another number than 0, or a running variance with another than 1"
    return ""


def _by_size(module: nn.Module, leave_out: set[int]) -> list[Tensor]:
    """Parameters and statistics of a block, sorted by how many numbers they hold; equal ones as they are registered."""
    tensors = [*module.parameters(), *module.buffers()]
    own = [t for t in tensors if id(t) not in leave_out and t.is_floating_point()]
    return sorted(own, key=Tensor.numel)


class Look:
    """A built block, its weights filled, ready to be looked at."""

    def __init__(
        self,
        case: Case,
        module: nn.Module,
        shortcut: nn.Module | None,
        watch: Watch,
        reference: type,
    ):
        self.case, self.watch = case, watch
        self.module, self.shortcut = module, shortcut
        self.x = case.input()
        made = {id(parameter) for parameter in module.parameters()}
        given = set()
        if shortcut is not None:
            given = {id(t) for t in (*shortcut.parameters(), *shortcut.buffers())}
        with torch.no_grad():
            self.asleep = [m for m in self.module.modules() if not m.training]
            first = self.module.eval()(self.x.clone())
            if isinstance(first, nn.Module):
                raise TypeError(layer_instead_of_tensor(first))
            if not isinstance(first, Tensor):
                raise Odd(f"forward returns {named_kind(first)}, where a tensor is needed")
            used, self.norms = list(watch.used.values()), watch.norms
            self._all_are_registered(used, made, given)
        self.starts = _begins(used)
        if self.shortcut is not None:
            self.copied = self._has_a_copy()
        self.biases = [
            tensor
            for (before, _), (role, tensor) in zip(used, used[1:])
            if (before, role) == ("weight", "shift")
        ]
        leave_out = given | {id(bias) for bias in self.biases}
        self.weights = [(role, t) for role, t in used if id(t) not in leave_out]
        self.by_size = _by_size(module, given)
        self.idle = sum(
            p.numel()
            for p in self.module.parameters()
            if id(p) not in watch.used and id(p) not in given
        )
        if self.idle and not watch.foreign:
            self._take_those_registered(reference)
        self.fill()

    def _take_those_registered(self, reference: type) -> None:
        """Where functions compute that no watch follows: the weights in the order in which they are registered.

        That is so if there are as many as in the reference, of the same sizes, and the results are equal then.
        """
        with Watch() as watch:
            twin = Look(self.case, *self.case.build(reference), watch, reference)
        if [t.numel() for t in self.by_size] != [t.numel() for t in twin.by_size]:
            return
        ours = {id(theirs): own for own, theirs in zip(self.by_size, twin.by_size)}
        followed = self.weights
        with torch.no_grad():
            self.weights = [(role, ours[id(t)].reshape(t.shape)) for role, t in twin.weights]
            begins = _begins(self.weights)
            self.fill()
            if same(self.module(self.x.clone()), twin.module(self.x.clone())):
                self.idle, self.starts = 0, begins
            else:
                self.weights = followed

    def fill(self) -> None:
        """Gives all weights and statistics the numbers that they have in each answer."""
        fill(self.weights)
        if self.shortcut is not None and any(True for _ in self.shortcut.parameters()):
            fill_projection(self.shortcut)
        for bias in self.biases:  # batch norm removes it; settings() finds it
            bias.data.zero_()

    def _has_a_copy(self) -> bool:
        """Whether the block has a copy of the module that it was given, with the same numbers."""
        theirs = [p for p in self.shortcut.parameters() if p.dim() == 4]
        return any(
            own is not given and own.shape == given.shape and torch.equal(own, given)
            for own in self.module.parameters()
            for given in theirs
        )

    def _all_are_registered(self, used: list, made: set[int], given: set[int]) -> None:
        known = {id(parameter) for parameter in self.module.parameters()}
        if self.shortcut is not None:
            theirs = {id(parameter) for parameter in self.shortcut.parameters()}
            if theirs - known and theirs & self.watch.used.keys():
                raise Odd("PyTorch does not know of the downsample that it computes with")
        weights = [owner(t) for _, t in used if isinstance(owner(t), nn.Parameter)]
        if not all(weight.requires_grad for weight in weights):
            raise Odd("it computes with weights that have requires_grad=False")
        late = [p for p in (*weights, *self.module.parameters()) if id(p) not in made | given]
        if late:
            self.watch.used.clear()
            self.module(self.x.clone())
            still = self.watch.used.keys() | {id(p) for p in self.module.parameters()}
            if not all(id(parameter) in still for parameter in late):
                raise Odd("forward makes new layers in each call")
            if all(id(parameter) in known for parameter in late):
                raise Odd("its layers are made in the first call of forward")
            raise Odd("it computes with layers that PyTorch does not know of")
        saved = self.module.state_dict(keep_vars=True).values()
        places = {t.untyped_storage().data_ptr() for t in saved if isinstance(t, Tensor)}
        for role, t in used:
            if role in ("mean", "variance") and id(t) not in given:
                if t.untyped_storage().data_ptr() not in places:
                    raise Odd(
                        "its running statistics are plain tensors, or have persistent=False, and so are not saved "
                        "with its weights: nn.BatchNorm2d or self.register_buffer(…) keeps them"
                    )

    def result(self) -> dict[str, object]:
        """The output in eval mode."""
        parameters = [owner(t) for _, t in self.weights if isinstance(owner(t), nn.Parameter)]
        with torch.no_grad():
            output = _draws_no_numbers(self.module.eval(), self.x, "eval")
            weights = [] if self.shortcut is None else list(self.shortcut.parameters())
            if weights:
                weights[-1].data.add_(1)
                if torch.equal(self.module(self.x.clone()), output):
                    if self.copied:
                        raise Odd("it computes with a copy of the downsample that was given")
                    raise Odd("the downsample that was given has no part in the result")
                weights[-1].data.sub_(1)
        return {
            FOLLOWED: sum(parameter.numel() for parameter in parameters),
            "output in eval mode": numbers(output),
        }

    def input(self) -> dict[str, object]:
        """What becomes of the tensor that the block is given."""
        given = self.x.clone()
        with torch.no_grad():
            self.module.eval()(given)
        return {"the input is left as it was": unchanged(given, self.x)}

    def rest(self) -> dict[str, object]:
        """Training, gradients, side effects, other inputs. In the order in which a difference is worth telling."""
        module, x, case = self.module, self.x, self.case
        seen = Seen(self.input())
        with torch.no_grad():
            # large: an upper bound such as that of ReLU6 shows; of even size: so does padding on one side
            other = 1000 * case.input(1, 8, 6)
            seen["output for one large image of 8×6 pixels"] = self._output(other)
            seen["output, after other images"] = self._output(x.clone())
            output = _draws_no_numbers(module.train(), x, "train")
            seen["output in train mode"] = numbers(output)
        seen["the block stays in train mode"] = Fact(
            module.training,
            "after block.train(), a call of forward finds or leaves it in eval mode",
        )
        seen["running statistics"] = self._statistics()
        if case.stride == 1:
            seen |= self.small_images()
        seen |= attempt_gradients(module, x, self.weights)
        self.fill()  # torch.utils.checkpoint computes twice, and moves the statistics twice
        seen |= gradient_in_eval_mode(module, x)
        module.eval()(x.clone())
        seen["the block stays in eval mode"] = Fact(
            not module.training, "forward takes the block out of eval mode"
        )
        with torch.no_grad():
            rows = x.clone(memory_format=torch.channels_last)
            seen["output for an input in channels_last layout"] = numbers(module(rows))
            try:
                output = numbers(module.double()(x.double()))
            except Exception:
                output = ANYTHING  # as with torch.zeros(…) or x.float() in forward: nobody asks for float64
            module.float()  # it may share its layers with others
            seen["output in float64"] = output
        seen["gradients are still switched on"] = Fact(
            torch.is_grad_enabled(), "forward switches the gradients off for all code after it"
        )
        return seen

    @torch.no_grad()
    def small_images(self) -> dict[str, object]:
        """Images of one pixel, and a single image: where the folk cure for "Expected more than 1 value per channel" does harm."""
        seen = {}
        for number, size in ((3, 1), (1, 5)):
            small = self.case.input(number, size, size)
            what = f"output for {images(small.shape)}"
            self.module.eval()
            seen[what] = self._output(small.clone())
            self.module.train()
            seen[f"{what}, in train mode"] = self._output(small.clone())
        return seen | {"running statistics, after these images": self._statistics()}

    def _output(self, x: Tensor) -> object:
        """The output for ``x``, or the error. It notes if fewer batch norms are applied than to the first images."""
        before = self.watch.norms
        try:
            output = numbers(self.module(x))
        except Exception as error:
            return StudentError(error)
        if self.watch.norms - before < self.norms:
            self.watch.foreign = (
                self.watch.foreign or "it leaves a batch norm out for some images"
            )
        return output

    def _statistics(self) -> list[Tensor]:
        watched = [t for role, t in self.weights if role in ("mean", "variance")]
        watched += [] if self.shortcut is None else self.shortcut.buffers()
        return [tensor.clone() for tensor in watched]

    def settings(self) -> str:
        """What the output does not show."""
        if self.asleep:
            return ASLEEP
        if self.biases:
            return "a convolution has a bias"
        if self.idle:
            return IDLE
        if self.watch.settings:
            return self.watch.settings
        with torch.no_grad():
            self.module.train()(self.x.clone())
        return self.watch.settings or self.starts or RIGHT


FOLLOWED = "number of parameters that forward uses in nn.Conv2d or F.conv2d, and in nn.BatchNorm2d or F.batch_norm"
IDLE = "it has parameters that no convolution or batch norm uses"

#: errors that tell a mistake in whichever class and line they are raised, and what they tell
_TELLING = (
    (
        r"has no attribute 'downsample'|^name 'downsample' is not defined",
        "forward asks for a downsample that `__init__` has not kept",
    ),
    (r"tuple of \(bool, bool\)!?, !?int!?\)", "a convolution has dilation=False"),
)


def _probe(case: Case, parts: tuple, reference: type, label: str = "") -> Probe:
    """Builds the block as in ``case`` and takes the named looks at it."""

    def observe(block) -> object:
        watch = Watch()
        try:
            module, shortcut = case.build(block)
            with watch:
                look = Look(case, module, shortcut, watch, reference)
                seen = Seen()
                for part in parts:
                    seen |= getattr(look, part)()
                    if block is not reference and any(
                        not same(value, right().get(what)) for what, value in seen.items()
                    ):
                        break  # of two mistakes, the first one has a name then
        except Odd as finding:
            return str(finding)
        except RuntimeError as error:
            if watch.terms and "must match the size" in str(error):
                x = tuple(case.input().shape)
                size = [-(-pixels // case.stride) for pixels in x[2:]]
                wanted = (x[0], case.out_channels, *size)
                theirs = set() if shortcut is None else {id(p) for p in shortcut.parameters()}
                strides = [s for key, s in watch.strides.items() if key not in theirs]
                raise SumError(error, watch.terms, x, wanted, strides) from None
            raise
        except (AttributeError, NameError, TypeError) as error:
            for pattern, told in _TELLING:
                if re.search(pattern, str(error)):
                    return told
            raise
        if watch.foreign and not same(seen, right()):
            return watch.foreign
        return seen

    @functools.cache
    def right() -> object:
        with looking_for(None):
            return observe(reference)

    def run(block) -> object:
        if block is reference:
            right()  # it is looked at first, before an answer may have patched anything
        return observe(block)

    return Probe(label or case.label, run)


SETTINGS = "its layers, as `__init__` makes them"
RIGHT = "as they should be"
ASLEEP = "it begins in eval mode"
CLOSER = ", in training and with other images"


def _settings_probe(case: Case, projected: Case, reference: type) -> Probe:
    """What results do not show, and what the block does at real widths only.

    It is looked at where the output is right, so no mistake hides another.
    """
    is_right = comparison(_probe(case, ("result", "rest"), reference), reference)
    expansion = case.expansion or 1
    first_stage = Case((64 * expansion, 64), 1, case.expansion, "")
    is_right_in_layer1 = comparison(_probe(first_stage, ("result",), reference), reference)
    given = "" if case.expansion is None else "projection"
    widths = [64, 128, 256, 512]
    wide = [Case((w * expansion, w), 1, case.expansion, "") for w in widths]
    wide += [Case((w * expansion, w), 2, case.expansion, given) for w in widths]

    @functools.cache
    def expected(number: int) -> dict[str, object]:
        with torch.device("meta"):
            return _plan(reference, wide[number])[0]

    def settings(block) -> str:
        if not is_right(block):
            return "not looked at, as the output is not right yet"
        module, shortcut = case.build(block)
        with Watch() as watch:
            look = Look(case, module, shortcut, watch, reference)
            found = look.settings()
        made = [case.build(block)[0]]
        states = [randomness()[-1]]
        set_seeds(123_456_789)
        made.append(_call(block, [case.in_channels, case.channels]))
        states.append(randomness()[-1])
        ours = [{id(parameter) for parameter in module.parameters()} for module in made]
        if ours[0] & ours[1]:
            return "two blocks share their weights"
        if states[0] == states[1]:
            return "__init__ sets the seed of the random numbers"
        if found != RIGHT:
            return found
        if (found := _beside_another(block, module, look.x, projected)) != RIGHT:
            return found
        if not is_right_in_layer1(block):
            return f"with {first_stage.label}, the output is another than the reference gives"
        plans = (
            _without_computing(block, case, expected(number))
            for number, case in enumerate(wide)
        )
        return next((found for found in plans if found != RIGHT), RIGHT)

    return Probe(SETTINGS, settings)


def _beside_another(block, module: nn.Module, x: Tensor, case: Case) -> str:
    """What is wrong once a block of another kind is made and used: whether ``module`` computes what it did before."""
    with torch.no_grad():
        before = module.eval()(x.clone())
        later, _ = case.build(block)
        if not all(part.training for part in later.modules()):
            return ASLEEP
        after = None
        with contextlib.suppress(Exception):
            later(case.input())
        with contextlib.suppress(Exception):
            after = module(x.clone())
    return (
        RIGHT
        if same(before, after)
        else "a block made later changes what an earlier one computes"
    )


def _plan(block, case: Case) -> tuple[dict[str, object], bool]:
    """What shows without computing, and whether there are parameters that nothing uses."""
    module, _ = case.build(block)
    with torch.no_grad(), Watch() as watch:
        output = module.eval()(torch.ones(1, case.in_channels, 9, 9))
    # the results tell what becomes of downsample
    own = [] if case.downsample else list(module.parameters())
    seen = {
        "the number of parameters": sum(p.numel() for p in own),
        "the shape of the output": tuple(output.shape),
        "what its convolutions have": ", ".join(sorted(set(watch.options))),
    }
    return seen, any(id(p) not in watch.used for p in own)


def _without_computing(block, case: Case, expected: dict[str, object]) -> str:
    """The first thing that is wrong in the plan of a wide block: on the meta device, which computes shapes only.

    An answer that cannot run there is looked at in numbers.
    """
    try:
        with torch.device("meta"):
            got, idle = _plan(block, case)
    except Exception:
        try:
            got, idle = _plan(block, case)
        except Exception as error:
            return Another(f"with {case.label}: {StudentError(error).explain()}".rstrip("."))
    for what, value in expected.items():
        if got[what] != value:
            if idle and what == "the number of parameters":
                return IDLE
            found = f"expected {value}, got {got[what]}" if value else got[what]
            return Another(f"with {case.label}, {what}: {found}")
    return RIGHT


def _expansion_probe(expansion: int) -> Probe:
    def run(block) -> object:
        value = _expansion(block)
        if isinstance(value, str) and value.startswith("the class has"):
            try:
                inside = getattr(block(8 * expansion, 8), "expansion", None)
            except Exception:
                inside = None
            return "only instances have it" if inside is not None else value
        if isinstance(value, int) and value != expansion:
            return Another(value)
        return "a float" if isinstance(value, str) and "float" in value else value

    return Probe("the class attribute `expansion`", run)


def _evidence(probe: Probe, expected: object, got: object) -> str:
    """The first finding in words; for numbers, where they differ."""
    if isinstance(got, str) and probe.label.startswith("the class"):
        return f"Of {probe.label}: expected {expected}, got: {got}."
    if got == "a result" and probe.label.endswith(MISSING):
        return f"With {probe.label}: PyTorch raises an error there, as the shapes do not fit; your block gives a result."
    if isinstance(got, str):
        where = "In your block" if probe.label == SETTINGS else f"With {probe.label}"
        return f"{where}: {got}."
    if isinstance(expected, dict) and isinstance(got, dict):
        what, right, wrong = first_difference(expected, got)
        lists = isinstance(right, list) and isinstance(wrong, list)
        if lists and len(right) != len(wrong):
            return f"With {probe.label}: {what}: expected {len(right)}, got {len(wrong)}."
    return tell(probe, expected, got)


def _picture(probe: Probe, expected: object, got: object):
    if isinstance(expected, dict) and isinstance(got, dict):
        return compare_images(*first_difference(expected, got)[1:])
    return None


MISSING = ", and no downsample"


def _missing_projection_probe(case: Case, reference: type) -> Probe:
    """Stride 2, but no downsample: the sum is impossible, and must not be hidden.

    A block that then makes a projection of its own adds one all the same, and is not refused here.
    """

    def convolutions(module: nn.Module) -> int:
        return sum(p.dim() == 4 for p in module.parameters())

    def gives_a_result(block, channels: int) -> bool:
        try:
            module = _call(block, [case.in_channels, channels, 2, None])
            with torch.no_grad():
                module.eval()(case.input(3, 9, 11))  # not 1×1 after three strides
        except Exception:
            return False
        return convolutions(module) <= convolutions(reference(case.in_channels, channels, 2))

    def run(block):
        if _expansion(block) != case.expansion:
            return "its `expansion` is not right yet"
        widths = (case.channels, same_channels)
        return "a result" if any(gives_a_result(block, c) for c in widths) else "an error"

    same_channels = case.in_channels // case.expansion  # only the size differs
    label = (
        f"in_channels {case.in_channels}, channels {case.channels} or {same_channels}, stride 2"
    )
    return Probe(label + MISSING, run)


def _lost_downsample_probe(cases: list[Case]) -> Probe:
    """Whether the block ever keeps the module that it is given, if it runs at all."""

    def lost(block, case: Case) -> bool:
        module, shortcut = case.build(block)
        known = {*map(id, module.modules()), *map(id, vars(module).values())}
        known |= set(map(id, module.parameters()))
        given = {id(shortcut), *map(id, shortcut.parameters())}
        return getattr(module, "downsample", shortcut) is None and not given & known

    def run(block) -> str:
        try:
            case = next(
                case
                for case in cases
                if case.stride == 1 and case.in_channels == case.out_channels
            )
            with torch.no_grad():
                case.build(block)[0].eval()(case.input())
            return (
                "self.downsample is None" if all(lost(block, case) for case in cases) else RIGHT
            )
        except (Exception, Odd):
            return RIGHT  # the other probes tell why it does not run

    return Probe("a downsample is given", run)


def _exercise(name: str, signature: str, reference: type, praise: str, cases: list) -> Exercise:
    """``cases`` are (Case, parts) in the order in which they are tried; the settings are looked at in the first one."""
    probes = [_probe(case, parts, reference) for case, parts in cases]
    probes[1] = _probe(cases[1][0], cases[1][1], reference, probes[1].label + CLOSER)
    probes.append(_settings_probe(cases[0][0], cases[2][0], reference))
    if cases[0][0].expansion is not None:
        probes.insert(0, _expansion_probe(cases[0][0].expansion))
        probes.append(_missing_projection_probe(cases[3][0], reference))
        projected = [case for case, _ in cases if case.downsample == "projection"]
        probes.append(_lost_downsample_probe(projected))
    return Exercise(name, signature, reference, probes, praise, _evidence, _picture)


# References ---------------------------------------------------------------------------------------------------------


class Basic(ResidualBasicBlock):
    """The reference in parts, so that a misconception changes one of them."""

    def first(self, x):
        return self.relu1(self.batchnorm1(self.conv1(x)))

    def branch(self, x):
        return self.batchnorm2(self.conv2(self.first(x)))

    def shortcut(self, x):
        return x if self.downsample is None else self.downsample(x)

    def forward(self, x):
        return F.relu(self.branch(x) + self.shortcut(x))


class Neck(ResidualBottleNeck):
    def first(self, x):
        return self.relu1(self.batchnorm1(self.conv1(x)))

    def second(self, x):
        return self.relu2(self.batchnorm2(self.conv2(self.first(x))))

    def branch(self, x):
        return self.batchnorm3(self.conv3(self.second(x)))

    shortcut = Basic.shortcut
    forward = Basic.forward


class Plain(nn.Module):
    """The basic block without its shortcut."""

    def __init__(self, in_channels: int, channels: int, stride: int = 1):
        super().__init__()
        self.conv1 = conv3x3(in_channels, channels, stride)
        self.batchnorm1 = nn.BatchNorm2d(channels)
        self.relu1 = nn.ReLU(inplace=True)
        self.conv2 = conv3x3(channels, channels)
        self.batchnorm2 = nn.BatchNorm2d(channels)
        self.relu2 = nn.ReLU(inplace=True)

    def first(self, x):
        return self.relu1(self.batchnorm1(self.conv1(x)))

    def branch(self, x):
        return self.batchnorm2(self.conv2(self.first(x)))

    def forward(self, x):
        return self.relu2(self.branch(x))


ALL = ("result", "rest")
basic_block = _exercise(
    "basic_block",
    "BasicBlock(in_channels, channels, stride=1, downsample=None)",
    Basic,
    "Your block computes what torchvision's BasicBlock computes: results, gradients and running statistics.",
    [
        (Case((4, 4), 1, 1, "", short=True), ("result",)),
        (Case((4, 4), 1, 1, "", short=True), ("rest",)),
        (Case((4, 6), 2, 1, "projection"), ALL),
        (Case((4, 6), 1, 1, "projection"), ("result",)),
        (Case((4, 4), 3, 1, "projection"), ("result",)),
        (Case((4, 4), 1, 1, "projection"), ("result",)),
        (Case((6, 4), 1, 1, "convolution"), ("result",)),
        (Case((4, 4), 1, 1, "nn.Identity()"), ("result", "input")),
    ],
)
bottleneck = _exercise(
    "bottleneck",
    "Bottleneck(in_channels, channels, stride=1, downsample=None)",
    Neck,
    "Your block computes what torchvision's Bottleneck computes: results, gradients and running statistics.",
    [
        (Case((8, 2), 1, 4, "", short=True), ("result",)),
        (Case((8, 2), 1, 4, "", short=True), ("rest",)),
        (Case((6, 3), 2, 4, "projection"), ALL),
        (Case((4, 4), 1, 4, "projection"), ("result",)),
        (Case((8, 2), 3, 4, "projection"), ("result",)),
        (Case((8, 2), 1, 4, "projection"), ("result",)),
        (Case((6, 2), 1, 4, "convolution"), ("result",)),
        (Case((8, 2), 1, 4, "nn.Identity()"), ("result", "input")),
    ],
)
plain_block = _exercise(
    "plain_block",
    "PlainBlock(in_channels, channels, stride=1)",
    Plain,
    "Your block is the basic block without its shortcut: the twin that a fair comparison needs.",
    [
        (Case((4, 4), 1, None, "", short=True), ("result",)),
        (Case((4, 4), 1, None, "", short=True), ("rest",)),
        (Case((4, 6), 2, None, ""), ALL),
        (Case((6, 4), 3, None, ""), ("result",)),
    ],
)


PRE_ACTIVATION = (
    "This is the order of the later paper on identity mappings (batch norm, ReLU, conv, and no ReLU at the end); "
    "the first ResNet has conv, batch norm, ReLU."
)


# Mistakes that can be made in every block -----------------------------------------------------------------------------


def _layers(module: nn.Module, kind: type) -> list[str]:
    return [
        name
        for name, layer in module.named_children()
        if isinstance(layer, kind) and name != "downsample"
    ]


def _replace(module: nn.Module, kind: type, make) -> None:
    """Puts ``make(old layer)`` in the place of each layer of a ``kind`` that is the block's own."""
    for name in _layers(module, kind):
        setattr(module, name, make(getattr(module, name)))


def _changed(base: type, kind: type, make, only: str = "") -> type:
    """``base`` with layers replaced."""

    class Changed(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            _replace(
                self,
                kind,
                lambda old: make(old) if getattr(self, only or "x", old) is old else old,
            )

    return Changed


def _conv(old: nn.Conv2d, **options) -> nn.Conv2d:
    """The convolution again, with other options."""
    usual = {"stride": old.stride, "padding": old.padding, "bias": False}
    size = options.pop("kernel_size", old.kernel_size)
    return nn.Conv2d(old.in_channels, old.out_channels, size, **(usual | options))


class ResultNotUsed(nn.BatchNorm2d):
    def forward(self, x):
        super().forward(x)
        return x


class SkipsSmall(nn.BatchNorm2d):
    def forward(self, x):
        return super().forward(x) if x.shape[2] * x.shape[3] > 1 else x


def _add_common(exercise: Exercise, base: type) -> None:
    mistake, name = exercise.mistake, exercise.signature.split("(")[0]

    @mistake(
        "no-super-init",
        "Call super().__init__() in the first line of your __init__, before the first layer: it prepares "
        "the module to hold layers.",
    )
    class NoSuperInit(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            self.conv1 = conv3x3(in_channels, channels, stride)

    def misspelt(id: str, message: str, **methods) -> None:
        """Registers a class of its own, as nothing can be left out of one that inherits."""
        own = {"expansion": base.expansion} if base is not Plain else {}
        mistake(id, message)(type("Misspelt", (nn.Module,), own | methods))

    misspelt(
        "init-misspelt",
        "The method that makes the layers must be called `__init__`, with two underscores on each side. Under another name "
        "Python never calls it.",
        __int__=lambda self, *given: None,
        forward=lambda self, x: x,
    )
    misspelt(
        "forward-misspelt",
        "The method that computes must be called `forward`: that is the name that PyTorch calls.",
        __init__=lambda self, *given: nn.Module.__init__(self),
        foward=lambda self, x: x,
    )

    @mistake(
        "layer-without-brackets",
        "A layer stands where its result is needed: a pair of brackets is missing. `nn.ReLU(x)` makes a layer with x as its setting, and "
        "`out = self.conv1` gives the layer a second name. Make each layer in __init__, as in self.relu1 = nn.ReLU(), and apply it in "
        "forward, as in self.relu1(x).",
    )
    class WithoutBrackets(base):
        def first(self, x):
            return nn.ReLU(self.batchnorm1(self.conv1(x)))

    @mistake(
        "starts-in-eval-mode",
        "The new block, or a part of it, is in eval mode, so its batch norms would never learn: take self.eval() or self.train(False) out of "
        "__init__. The mode is for the caller to choose.",
    )
    class StartsInEvalMode(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.eval()

    @mistake(
        "constant-weights",
        "All weights of a convolution begin with the same number, so all its channels learn the same. They must begin with random "
        "ones: leave them as nn.Conv2d makes them.",
    )
    class ConstantWeights(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            nn.init.constant_(self.conv1.weight, 0.1)

    @mistake(
        "batchnorm-starts-at-zero",
        "The first batch norm begins with a scale of 0, so nothing passes through it, forwards or backwards. Only the last one of the "
        "branch may begin so; all others begin with 1. (In F.batch_norm, weight is the scale and comes before bias.)",
    )
    class StartsAtZero(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            nn.init.zeros_(self.batchnorm1.weight)

    @mistake(
        "frozen-weights",
        "Some weights have requires_grad=False, so training leaves them as they are. Leave requires_grad alone.",
    )
    class Frozen(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.conv1.requires_grad_(False)

    @mistake(
        "no-gradients-in-eval-mode",
        "In eval mode no gradient reaches x (.detach() or torch.no_grad there). Eval mode changes batch norm only; whether there are "
        "gradients is for the caller to choose.",
    )
    class NoGradientsInEvalMode(base):
        def forward(self, x):
            return super().forward(x if self.training else x.detach())

    @mistake(
        "no-defaults",
        f"The class must also work as `{name}(in_channels, channels)`: give stride its default of 1"
        + (", and downsample None." if base is not Plain else "."),
    )
    class NoDefaults(base):
        if base is Plain:

            def __init__(self, in_channels, channels, stride):
                super().__init__(in_channels, channels, stride)
        else:

            def __init__(self, in_channels, channels, stride, downsample):
                super().__init__(in_channels, channels, stride, downsample)

    @mistake(
        "channels-swapped",
        "in_channels and channels have changed places: the block receives in_channels and gives channels"
        + (" × expansion." if base is Neck else "."),
    )
    class Swapped(base):
        def __init__(self, in_channels, channels, *others):
            super().__init__(channels, in_channels, *others)

    @mistake(
        "layers-not-registered",
        "PyTorch does not know of some layers: those in a plain list, in a dict or at class level are missing in "
        "parameters(), so they are never trained. Set them as self.conv1 = …, or use nn.ModuleList or nn.Sequential.",
    )
    class InList(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            conv = self.conv2
            del self.conv2
            self.__dict__["conv2"] = conv  # as hidden from PyTorch as in a list

    @mistake(
        "layers-made-in-forward",
        "A layer is made inside forward, so each call starts with a new one, and what the old one has learnt is lost. "
        "Make the layers in __init__ and use them in forward.",
    )
    class MadeInForward(base):
        def forward(self, x):
            old = self.conv2
            self.conv2 = _conv(old)
            try:
                return super().forward(x)
            finally:
                self.conv2 = old

    @mistake(
        "layers-made-at-first-call",
        "Layers are made in the first call of forward, so a new block lacks their parameters: an optimizer that is made before that call "
        "does not get them, and saved weights do not fit. Make all layers in __init__.",
    )
    class MadeAtFirstCall(base):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.__dict__["late"] = self.conv2
            self.conv2 = None

        def forward(self, x):
            self.conv2 = self.late
            return super().forward(x)

    @mistake(
        "settings-on-the-class",
        "A setting of one block is kept where all blocks share it, as on the class or in a global variable, so the block that is made last "
        "changes how the earlier ones compute. Keep it on the block: self.stride = stride.",
    )
    class SettingsOnTheClass(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, stride, *others)
            type(self).step = stride

        def forward(self, x):
            strided = self.conv2 if base is Neck else self.conv1
            strided.stride = (self.step, self.step)
            return super().forward(x)

    mistake(
        "batchnorm-skipped-for-small-inputs",
        "A batch norm is left out where the batch has one image, or the images one pixel. It is part of the block for all sizes: where one "
        "number per channel is left in training, PyTorch's error is right.",
    )(_changed(base, nn.BatchNorm2d, lambda old: SkipsSmall(old.num_features)))

    @mistake(
        "bias-as-dilation",
        "A convolution gets False as its dilation. The order of nn.Conv2d is in_channels, out_channels, kernel_size, stride, padding, "
        "dilation, groups, bias: write bias=False by name.",
    )
    class BiasAsDilation(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, stride, *others)
            self.conv1 = nn.Conv2d(in_channels, channels, 3, 1, 1, False)

    @mistake(
        "returns-nothing",
        "forward returns nothing: end it with `return` and the result. print(out) shows it and returns None.",
    )
    class ReturnsNothing(base):
        def forward(self, x):
            super().forward(x)

    @mistake(
        "returns-tuple",
        "forward returns a tuple; the next block needs the tensor alone. A comma at the end of the line makes a tuple too.",
    )
    class ReturnsTuple(base):
        def forward(self, x):
            return super().forward(x), x

    @mistake(
        "dropout",
        "The block draws random numbers while it trains, as dropout does. ResNet has no dropout: batch norm does that work.",
    )
    class Dropout(base):
        def branch(self, x):
            return F.dropout(super().branch(x), 0.5, self.training)

    @mistake(
        "dropout-always-on",
        "The block draws random numbers in eval mode too: F.dropout is on unless you pass training=self.training. "
        "And ResNet has no dropout.",
    )
    class DropoutInEval(base):
        def branch(self, x):
            return F.dropout(super().branch(x), 0.5)

    @mistake(
        "sets-the-seed",
        "forward calls torch.manual_seed: everything random in the program, such as the order of the images, would repeat. "
        "Leave the seed to the training script.",
    )
    class SetsSeed(base):
        def forward(self, x):
            torch.manual_seed(0)
            return super().forward(x)

    @mistake(
        "no-grad",
        "forward computes without gradients (torch.no_grad or .detach() around the whole), so the block can never learn.",
    )
    class NoGrad(base):
        def forward(self, x):
            with torch.no_grad():
                return super().forward(x)

    @mistake(
        "calls-eval",
        "Your block puts itself into eval mode, by self.eval() in forward or by a method train of its own, so its batch norms never learn. "
        "The mode is for the caller to choose.",
    )
    class CallsEval(base):
        def forward(self, x):
            self.eval()
            return super().forward(x)

    @mistake(
        "calls-train",
        "forward calls self.train(), so batch norm uses the statistics of the batch even in evaluation. "
        "The mode is for the caller to choose.",
    )
    class CallsTrain(base):
        def forward(self, x):
            self.train()
            return super().forward(x)

    for id, function, what in (
        ("leaky-relu", F.leaky_relu, "LeakyReLU lets a part of the negative numbers through"),
        ("gelu", F.gelu, "GELU is the smooth activation of transformers"),
        ("silu", F.silu, "SiLU (swish) came with later networks"),
        ("elu", F.elu, "ELU lets a part of the negative numbers through"),
        ("relu6", F.relu6, "ReLU6 cuts at 6, as in MobileNet"),
        ("sigmoid", torch.sigmoid, "sigmoid makes gradients vanish in a deep network"),
        ("tanh", torch.tanh, "tanh makes gradients vanish in a deep network"),
    ):

        class OtherActivation(base):
            activation = staticmethod(function)

            def first(self, x):
                return self.activation(self.batchnorm1(self.conv1(x)))

        mistake(id, f"The activation is not ReLU. {what}; ResNet has ReLU throughout.")(
            OtherActivation
        )

    for id, make, what in (
        (
            "instance-norm",
            lambda old: nn.InstanceNorm2d(old.num_features),
            "InstanceNorm normalises each image by itself",
        ),
        (
            "group-norm",
            lambda old: nn.GroupNorm(1, old.num_features),
            "GroupNorm normalises each image by itself, over groups of channels",
        ),
    ):
        mistake(
            id, f"{what}; ResNet has nn.BatchNorm2d, which normalises a channel over the batch."
        )(_changed(base, nn.BatchNorm2d, make))

    @mistake(
        "layer-norm",
        "LayerNorm normalises each image by itself; ResNet has nn.BatchNorm2d, which normalises a channel over the batch.",
    )
    class LayerNorm(base):
        def first(self, x):
            return self.relu1(F.layer_norm(self.conv1(x), x.shape[-1:]))

    for id, message, options in (
        (
            "batchnorm-eps",
            "The batch norm has another eps: keep PyTorch's 1e-5, with which the published weights were trained.",
            {"eps": 1e-3},
        ),
        (
            "batchnorm-momentum",
            "The batch norm has another momentum: keep PyTorch's 0.1, the weight of the new batch. "
            "Other libraries count the other way and write 0.9.",
            {"momentum": 0.9},
        ),
        (
            "batchnorm-without-affine",
            "The batch norm has affine=False, so its scale and shift are missing; ResNet learns both.",
            {"affine": False},
        ),
        (
            "batchnorm-without-statistics",
            "The batch norm keeps no running mean and variance (track_running_stats=False, or F.batch_norm without them), so a result "
            "in eval mode depends on the other images of the batch.",
            {"track_running_stats": False},
        ),
    ):
        make = functools.partial(
            lambda options, old: nn.BatchNorm2d(old.num_features, **options), options
        )
        mistake(id, message)(_changed(base, nn.BatchNorm2d, make))

    mistake(
        "conv-bias",
        "A convolution has a bias. Batch norm subtracts the mean right after it, bias included: pass bias=False.",
    )(_changed(base, nn.Conv2d, lambda old: _conv(old, bias=True)))

    @mistake(
        "unused-parameters",
        "The block holds parameters besides those of its convolutions and batch norms: a layer that forward "
        "never uses, or a factor that the paper does not have.",
    )
    class Unused(base):
        def __init__(self, in_channels, channels, *others):
            super().__init__(in_channels, channels, *others)
            self.spare = conv1x1(in_channels, channels)

    mistake(
        "padding-mode",
        "The 3×3 convolution pads with something else than zeros; leave padding_mode out.",
    )(_changed(base, nn.Conv2d, lambda old: _conv(old, padding_mode="replicate")))

    mistake(
        "kernel-5",
        "The convolution has a kernel of 5×5 where ResNet has 3×3 with a padding of 1.",
    )(
        _changed(
            base,
            nn.Conv2d,
            lambda old: (
                _conv(old, kernel_size=5, padding=2) if old.kernel_size == (3, 3) else old
            ),
        )
    )

    @mistake(
        "squeeze-and-excitation",
        "The block weighs its channels with a sigmoid of their means, as the later squeeze-and-excitation networks do (SENet); "
        "ResNet adds the branch as it is.",
    )
    class Gated(base):
        def branch(self, x):
            out = super().branch(x)
            return out * torch.sigmoid(out.mean((2, 3), keepdim=True))

    mistake(
        "dilated",
        "A 3×3 convolution is dilated, so it reads pixels that lie apart; here every convolution has dilation=1.",
    )(
        _changed(
            base,
            nn.Conv2d,
            lambda old: _conv(old, padding=2, dilation=2) if old.kernel_size == (3, 3) else old,
        )
    )
    mistake(
        "grouped",
        "A convolution is grouped or depthwise, as in ResNeXt and MobileNet; here every convolution has groups=1.",
    )(
        _changed(
            base,
            nn.Conv2d,
            lambda old: _conv(old, groups=old.out_channels),
            only="conv2",
        )
    )

    @mistake(
        "relu-before-batchnorm",
        "After conv1 the order is ReLU, batch norm; ResNet has conv, batch norm, ReLU.",
    )
    class ReluFirst(base):
        def first(self, x):
            return self.batchnorm1(self.relu1(self.conv1(x)))

    @mistake(
        "no-first-batchnorm",
        "There is no batch norm after conv1; each convolution has its own.",
    )
    class NoFirstNorm(base):
        def first(self, x):
            return self.relu1(self.conv1(x))

    for number in (1, 2, 3) if base is Neck else (1, 2):

        class NormNotUsed(base):
            unused = f"batchnorm{number}"

            def __init__(self, *arguments):
                super().__init__(*arguments)
                channels = getattr(self, self.unused).num_features
                setattr(self, self.unused, ResultNotUsed(channels))

        mistake(
            f"result-of-batchnorm{number}-not-used",
            f"Batch norm number {number} is applied, and its result is not used: `self.bn{number}(out)` alone changes nothing. Write "
            f"`out = self.bn{number}(out)`.",
        )(NormNotUsed)

    mistake(
        "no-batchnorm",
        "The block has no batch norm; each convolution is followed by its own, nn.BatchNorm2d.",
    )(_changed(base, nn.BatchNorm2d, lambda old: nn.Identity()))

    @mistake("no-last-relu", _NO_LAST_RELU[base])
    class NoLastRelu(base):
        def forward(self, x):
            if base is Plain:
                return self.branch(x)
            return self.branch(x) + self.shortcut(x)

    @mistake(
        "stride-ignored",
        "The argument stride is never used: pass it to the convolution that makes the output smaller"
        + (", the 3×3." if base is Neck else ", conv1.")
        + " If you call super().__init__, hand it on there too.",
    )
    class NoStride(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, 1, *others)

    strided = "conv2" if base is Neck else "conv1"
    for id, message, options in (
        (
            "stride-as-padding",
            "The stride stands in the place of the padding: the order of nn.Conv2d is in_channels, out_channels, kernel_size, stride, "
            "padding. Write stride=stride, padding=1 by name.",
            lambda stride: {"stride": 1, "padding": stride},
        ),
        (
            "padding-is-the-stride",
            "A 3×3 convolution is padded by the stride. Its padding is 1 whatever the stride: a border as wide as the kernel needs.",
            lambda stride: {"stride": stride, "padding": stride},
        ),
    ):

        class OtherPadding(base):
            settings = staticmethod(options)

            def __init__(self, in_channels, channels, stride=1, *others):
                super().__init__(in_channels, channels, stride, *others)
                old = getattr(self, strided)
                setattr(self, strided, _conv(old, **self.settings(stride)))

        mistake(id, message)(OtherPadding)

    @mistake(
        "stride-always-2-or-1",
        "The stride is 2 whenever it is not 1: pass the argument stride itself, whatever its value.",
    )
    class StrideTwo(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, 2 if stride > 1 else 1, *others)

    @mistake(
        "stride-2-always",
        "A convolution has a stride of 2 whatever `stride` says, so every block halves the image. Give it the argument: "
        "stride=stride.",
    )
    class AlwaysTwo(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, 2, *others)


_NO_LAST_RELU = {
    Basic: "There is no ReLU after the addition, or its result is not used. The paper adds first, then applies ReLU to the sum. "
    "`self.relu(out)` alone changes nothing: `return` it, or write `out = self.relu(out)`.",
    Neck: "There is no ReLU after the addition, or its result is not used. The paper adds first, then applies ReLU to the sum. "
    "`self.relu(out)` alone changes nothing: `return` it, or write `out = self.relu(out)`.",
    Plain: "There is no ReLU after the second batch norm, or its result is not used. Without its shortcut the block still ends in "
    "ReLU. `self.relu(out)` alone changes nothing: `return` it, or write `out = self.relu(out)`.",
}


# Mistakes that can be made in a block with a shortcut -----------------------------------------------------------------


def _add_shortcut(exercise: Exercise, base: type) -> None:
    mistake = exercise.mistake
    last = "second" if base is Basic else "third"

    @mistake(
        "no-expansion",
        f"The class attribute is missing: write `expansion = {base.expansion}` below the line with `class`. "
        "The network reads it to know how many channels come out.",
    )
    class NoExpansion(base):
        expansion = property(lambda self: None)

    @mistake(
        "expansion-only-in-init",
        "Only the blocks have `expansion`, set in __init__ or by a property, and not the class. The network reads it from the class, before "
        "there is any block: "
        f"write `expansion = {base.expansion}` below the line with `class`.",
    )
    class ExpansionInInit(base):
        expansion = property(lambda self: base.expansion)

    @mistake(
        "wrong-expansion",
        f"`expansion` must be {base.expansion}: "
        + (
            "a basic block gives out `channels` channels, once."
            if base is Basic
            else "a bottleneck gives out four times `channels`, as 64 → 256."
        ),
    )
    class WrongExpansion(base):
        expansion = 5 - base.expansion

    @mistake(
        "expansion-is-a-float",
        f"`expansion` is a float; numbers of channels must be int: write {base.expansion}.",
    )
    class FloatExpansion(base):
        expansion = float(base.expansion)

    @mistake(
        "no-downsample-argument",
        "The class does not take the fourth argument, downsample: the module that is to stand on the shortcut. "
        "Default: None.",
    )
    class NoDownsample(base):
        def __init__(self, in_channels, channels, stride=1):
            super().__init__(in_channels, channels, stride)

    @mistake(
        "downsample-as-stride",
        "A convolution gets `downsample` as its stride. The order is in_channels, channels, stride, downsample: if you call "
        "super().__init__ or a helper, hand on the stride too, or write downsample=downsample.",
    )
    class DownsampleAsStride(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, downsample)

    @mistake(
        "projected-branch-doubled",
        "x was overwritten by the branch, so downsample gets the branch, and the sum adds that tensor to itself. "
        "Keep the input under a name of its own in the first line of forward, as in `identity = x`.",
    )
    class ProjectedBranchDoubled(base):
        def forward(self, x):
            x = self.shortcut(self.branch(x))
            return F.relu(x + x)

    @mistake(
        "arguments-in-another-order",
        "downsample stands before stride; the order is in_channels, channels, stride=1, downsample=None.",
    )
    class OtherOrder(base):
        def __init__(self, in_channels, channels, downsample=None, stride=1):
            super().__init__(in_channels, channels, stride, downsample)

    def joined(id: str, message: str):
        """Registers the block whose two paths meet in another way: ``(self, branch, shortcut) -> result``."""

        def add(function):
            class Joined(base):
                def forward(self, x):
                    branch = self.branch(x)
                    return function(self, branch, self.shortcut(x))

            mistake(id, message)(Joined)
            return function

        return add

    joined(
        "no-shortcut",
        "The shortcut is never added: your block computes ReLU(F(x)), the paper ReLU(F(x) + x).",
    )(lambda self, b, s: F.relu(b))
    joined(
        "relu-before-add",
        f"ReLU comes before the addition, and none after it. The paper adds first: the {last} batch norm, the sum, ReLU.",
    )(lambda self, b, s: F.relu(b) + s)
    joined(
        "relu-before-and-after-add",
        f"There is a ReLU between the {last} batch norm and the addition, so F(x) could only add. The one ReLU after the sum is enough.",
    )(lambda self, b, s: F.relu(F.relu(b) + s))
    joined(
        "relu-on-each-summand",
        "Each summand has a ReLU of its own. Add first, and then take one ReLU of the sum: a negative F(x) must be able to take "
        "something away from x.",
    )(lambda self, b, s: F.relu(b) + F.relu(s))
    joined(
        "branch-added-to-itself",
        "The branch is added to itself, and the input is lost: x was overwritten before `x += x` or `out += out`. "
        "Keep the input under a name of its own first.",
    )(lambda self, b, s: F.relu(b + b))

    joined(
        "branch-lost-with-downsample",
        "Where downsample is given, the block gives downsample(x) alone, and the branch is lost. `out + x if … else downsample(x)` means "
        "`(out + x) if … else downsample(x)`: put brackets around the shortcut, or give it a name first.",
    )(lambda self, b, s: F.relu(b + s if self.downsample is None else s))
    joined(
        "sum-not-used",
        "The sum is computed, and its result is not used: `out + shortcut` alone changes nothing. Write out = out + shortcut, or "
        "out += shortcut.",
    )(lambda self, b, s: (b + s, F.relu(b))[1])
    joined(
        "returns-the-branch",
        "The block gives F(x) alone: the shortcut is never added, and there is no last ReLU. The paper has ReLU(F(x) + x).",
    )(lambda self, b, s: b)
    for case, condition in (("without", True), ("with", False)):
        joined(
            f"no-last-relu-{case}-downsample",
            f"{case.capitalize()} downsample the block ends without the ReLU after the sum. It comes last in both cases: look at the "
            "indentation of the last lines.",
        )(
            functools.partial(
                lambda bare, self, b, s: (
                    b + s if (self.downsample is None) == bare else F.relu(b + s)
                ),
                condition,
            )
        )

    @mistake(
        "x-overwritten",
        "x was overwritten before the shortcut was taken, so the branch is added to itself. Take the shortcut in the first "
        "line of forward, or give the branch a name of its own, such as `out`.",
    )
    class XOverwritten(base):
        def forward(self, x):
            x = self.branch(x)
            return F.relu(x + self.shortcut(x))

    if base is Basic:

        @mistake(
            "shortcut-after-first-half",
            "The shortcut is taken after the first convolution, batch norm and ReLU. It starts from x, the input of the block.",
        )
        class ShortcutAfterFirstHalf(base):
            def forward(self, x):
                x = self.first(x)
                return F.relu(self.batchnorm2(self.conv2(x)) + self.shortcut(x))

        @mistake(
            "shortcut-after-first-half-without-downsample",
            "The shortcut is taken after the first convolution, batch norm and ReLU, and downsample is never applied. It starts from x, "
            "the input of the block: take it in the first line of forward, as in "
            "`shortcut = x if self.downsample is None else self.downsample(x)`.",
        )
        class HalfWithoutDownsample(base):
            def forward(self, x):
                x = self.first(x)
                return F.relu(self.batchnorm2(self.conv2(x)) + x)

    @mistake(
        "missing-projection-hidden",
        "Where the shapes differ and no downsample is given, your block leaves the sum out, or makes x fit without weights, and so hides "
        "that a projection was forgotten. Without downsample the shortcut is x, and PyTorch's error is welcome.",
    )
    class MissingProjectionHidden(base):
        def forward(self, x):
            out, shortcut = self.branch(x), self.shortcut(x)
            return F.relu(out + shortcut if out.shape == shortcut.shape else out)

    joined("shortcut-twice", "The shortcut is added twice; once is enough.")(
        lambda self, b, s: F.relu(b + s + s)
    )
    joined("shortcut-subtracted", "The shortcut is subtracted; it must be added.")(
        lambda self, b, s: F.relu(b - s)
    )
    joined(
        "branch-subtracted", "The branch is subtracted from the shortcut; the two are added."
    )(lambda self, b, s: F.relu(s - b))
    joined("shortcut-multiplied", "The two paths are multiplied; they must be added.")(
        lambda self, b, s: F.relu(b * s)
    )
    joined(
        "shortcut-concatenated",
        "torch.cat puts the channels of the two paths side by side, as DenseNet does. ResNet adds them number by number: use +.",
    )(lambda self, b, s: F.relu(torch.cat([b, s], 1)))
    joined(
        "shortcut-concatenated-first",
        "torch.cat puts the channels of the two paths side by side, as DenseNet does. ResNet adds them number by number: use +.",
    )(lambda self, b, s: F.relu(torch.cat([s, b], 1)))
    joined(
        "shortcut-averaged", "The sum is divided by 2; ResNet adds the two paths as they are."
    )(lambda self, b, s: F.relu((b + s) / 2))
    joined(
        "larger-of-the-two", "The block takes the larger of the two paths; it must add them."
    )(lambda self, b, s: F.relu(torch.maximum(b, s)))
    joined(
        "shortcut-detached",
        "No gradient passes through the shortcut: it is detached (.detach(), .data or torch.no_grad). "
        "That path is the very reason why deep ResNets train; leave it connected.",
    )(lambda self, b, s: F.relu(b + s.detach()))
    joined(
        "shortcut-detached-without-downsample",
        "No gradient passes through the shortcut where it is x: x is detached (.detach() or .data). "
        "That path is the very reason why deep ResNets train; leave it connected.",
    )(lambda self, b, s: F.relu(b + (s.detach() if self.downsample is None else s)))
    joined(
        "projection-detached",
        "No gradient passes through downsample: its result is detached (.detach(), .data or torch.no_grad), so the projection "
        "never learns.",
    )(lambda self, b, s: F.relu(b + (s if self.downsample is None else s.detach())))
    joined(
        "branch-detached",
        "No gradient passes through the branch: it is detached (.detach(), .data or torch.no_grad), so its layers never learn.",
    )(lambda self, b, s: F.relu(b.detach() + s))
    joined(
        "relu-on-shortcut",
        "The shortcut passes through a ReLU. It must stay as it is, negative numbers included.",
    )(lambda self, b, s: F.relu(b + F.relu(s)))
    joined(
        "relu-on-projection",
        "The projected shortcut passes through a ReLU; downsample(x) is added as it is.",
    )(lambda self, b, s: F.relu(b + (s if self.downsample is None else F.relu(s))))
    joined(
        "input-changed",
        "`+=` on the shortcut writes into the caller's tensor: without a projection the shortcut *is* x. "
        "Write out = out + shortcut, or out += shortcut.",
    )(lambda self, b, s: F.relu(s.add_(b)))
    for id, activation, more in (
        ("", F.relu, ""),
        ("-with-relu", F.relu_, ", and the in-place ReLU after it does too"),
    ):

        @mistake(
            f"input-changed{id}-without-downsample",
            f"`+=` on x, or on another name for it, writes into the caller's tensor{more}; and downsample is never applied. Write "
            "out += shortcut, where the shortcut is x, or downsample(x) if one is given.",
        )
        class InputChangedWithoutDownsample(base):
            last_relu = staticmethod(activation)

            def forward(self, x):
                branch = self.branch(x)
                x += branch
                return self.last_relu(x)

    joined(
        "input-overwritten-by-last-relu",
        "`+=` on the shortcut and then an in-place ReLU write into the caller's tensor: without a projection "
        "the shortcut *is* x. Write out += shortcut, and apply ReLU to out.",
    )(lambda self, b, s: F.relu_(s.add_(b)))

    @mistake(
        "relu-on-input",
        "x passes through a ReLU before the block begins, so both paths lose its negative numbers.",
    )
    class ReluOnInput(base):
        def forward(self, x):
            return super().forward(F.relu(x))

    @mistake(
        "input-overwritten-by-relu",
        "An in-place ReLU (nn.ReLU(inplace=True) or F.relu_) is applied to x itself, so it changes the caller's tensor, and "
        "the shortcut with it.",
    )
    class InplaceReluOnInput(base):
        def forward(self, x):
            return super().forward(F.relu_(x))

    @mistake(
        "input-overwritten-by-relu-on-shortcut",
        "An in-place ReLU on the shortcut changes the caller's tensor: without a projection the shortcut *is* x. "
        "And the shortcut needs no ReLU.",
    )
    class InplaceReluOnShortcut(base):
        def forward(self, x):
            return F.relu(self.branch(x) + F.relu_(self.shortcut(x)))

    @mistake(
        "shortcut-after-conv1",
        "The shortcut starts after conv1, where x was already overwritten; it starts at the input of the block. "
        "Keep the input under a name of its own first.",
    )
    class AfterConv1(base):
        def forward(self, x):
            inside = self.conv1(x)
            shortcut = inside if self.downsample is None else self.downsample(x)
            return F.relu(self.branch(x) + shortcut)

    @mistake(
        "projection-after-conv1",
        "The shortcut, downsample included, starts after conv1, where x was already overwritten; it starts at the input of "
        "the block. Keep the input under a name of its own first.",
    )
    class ProjectionAfterConv1(base):
        def forward(self, x):
            return F.relu(self.branch(x) + self.shortcut(self.conv1(x)))

    @mistake(
        "shortcut-after-first-relu",
        "The shortcut starts after the first ReLU, where x was already overwritten; it starts at the input of the block. "
        "Keep the input under a name of its own first.",
    )
    class AfterRelu(base):
        def forward(self, x):
            inside = self.first(x)
            shortcut = inside if self.downsample is None else self.downsample(x)
            return F.relu(self.branch(x) + shortcut)

    @mistake(
        "projection-after-first-relu",
        "The shortcut, downsample included, starts after the first ReLU, where x was already overwritten; it starts at the "
        "input of the block. Keep the input under a name of its own first.",
    )
    class ProjectionAfterRelu(base):
        def forward(self, x):
            return F.relu(self.branch(x) + self.shortcut(self.first(x)))

    for case, condition in (("without", False), ("with", True)):

        @mistake(
            f"returns-nothing-{case}-downsample",
            f"{case.capitalize()} downsample, forward reaches its end without `return`, and so returns None. Every way through "
            "`if` must end in return; look at the indentation of the last lines.",
        )
        class ReturnsNothingInOneCase(base):
            silent = condition

            def forward(self, x):
                if (self.downsample is not None) != self.silent:
                    return super().forward(x)

    @mistake(
        "downsample-copied",
        "The shortcut goes through a copy of downsample (copy.deepcopy). It must be the module that was given: the network trains, "
        "saves and loads that one.",
    )
    class DownsampleCopied(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride, copy.deepcopy(downsample))

    @mistake(
        "downsample-not-registered",
        "PyTorch does not know of downsample: in a list, a dict or a lambda its weights are missing in parameters(), so they are never "
        "trained. Write self.downsample = downsample.",
    )
    class DownsampleNotRegistered(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride)
            self.__dict__["hidden"] = downsample

        def shortcut(self, x):
            return x if self.hidden is None else self.hidden(x)

    @mistake(
        "downsample-only-if-sequential",
        "downsample is applied only if it is an nn.Sequential. Any module may be given: apply it unless it is None.",
    )
    class OnlyIfSequential(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            keep = downsample if isinstance(downsample, nn.Sequential) else None
            super().__init__(in_channels, channels, stride, keep)

    @mistake(
        "downsample-ignored",
        "In eval mode at least, downsample is not applied, or its result is not used. Where one is given, the shortcut is downsample(x) "
        "in both modes, so that it has the shape of the branch.",
    )
    class DownsampleIgnored(base):
        def shortcut(self, x):
            return x

    @mistake(
        "downsample-lost",
        "downsample is given, but self.downsample is None, so forward never sees it. Write self.downsample = downsample, or hand it "
        "on: super().__init__(in_channels, channels, stride, downsample).",
    )
    class DownsampleLost(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride)

    @mistake(
        "downsample-not-stored",
        "forward asks for downsample, which __init__ has not kept. Write self.downsample = downsample in __init__, and self.downsample in "
        "forward.",
    )
    class DownsampleNotStored(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride)
            del self.downsample

    @mistake(
        "downsample-stored-only-if-given",
        "Where downsample is None, __init__ does not set self.downsample, and forward asks for it all the same. Write "
        "self.downsample = downsample without a condition.",
    )
    class StoredOnlyIfGiven(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride, downsample)
            if downsample is None:
                del self.downsample

    @mistake(
        "downsample-without-brackets",
        "self.downsample stands in the sum without `(x)`: it is the layer itself, and the sum needs what it gives. Write "
        "self.downsample(x).",
    )
    class WithoutItsBrackets(base):
        def shortcut(self, x):
            return x if self.downsample is None else self.downsample

    @mistake(
        "stride-and-downsample-lost",
        "Your __init__ takes stride and downsample, and both are lost: no convolution has the stride, and self.downsample is None. "
        "Hand them on: super().__init__(in_channels, channels, stride, downsample).",
    )
    class StrideAndDownsampleLost(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels)

    @mistake(
        "downsample-only-if-stride",
        "downsample is applied only if the stride is not 1. The channels can change without it: apply downsample whenever "
        "it is given.",
    )
    class OnlyIfStride(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride, downsample if stride != 1 else None)

    @mistake(
        "downsample-only-if-channels",
        "downsample is applied only if the channels change. The size can change without them: apply downsample whenever "
        "it is given.",
    )
    class OnlyIfChannels(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            keep = in_channels == channels * self.expansion
            super().__init__(in_channels, channels, stride, None if keep else downsample)

    @mistake(
        "downsample-only-if-needed",
        "The block decides by itself whether downsample is needed. That is for the caller: where one is given, the "
        "shortcut is downsample(x).",
    )
    class OnlyIfNeeded(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            keep = stride == 1 and in_channels == channels * self.expansion
            super().__init__(in_channels, channels, stride, None if keep else downsample)

    @mistake(
        "own-projection",
        "The block makes a projection of its own and leaves aside the one that it was given. Where downsample is given, the "
        "shortcut is downsample(x).",
    )
    class OwnProjection(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            out_channels = channels * self.expansion
            fits = stride == 1 and in_channels == out_channels
            own = None if fits else projection(in_channels, out_channels, stride)
            super().__init__(in_channels, channels, stride, own)

    @mistake(
        "downsample-as-a-flag",
        "downsample is taken for a yes or no: where it is given, the block makes a projection of its own. It is the module for the shortcut "
        "itself: write self.downsample = downsample, and add downsample(x).",
    )
    class AsAFlag(base):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            own = downsample and projection(in_channels, channels * self.expansion, stride)
            super().__init__(in_channels, channels, stride, own)

    @mistake(
        "downsample-always-called",
        "downsample is called even where it is None. Without one, the shortcut is x.",
    )
    class AlwaysCalled(base):
        def shortcut(self, x):
            return self.downsample(x)

    @mistake(
        "no-shortcut-without-downsample",
        "x is added only where downsample is given. Without one, the shortcut is x itself and is added too.",
    )
    class OnlyWithDownsample(base):
        def forward(self, x):
            branch = self.branch(x)
            return F.relu(branch if self.downsample is None else branch + self.downsample(x))

    @mistake(
        "downsample-on-branch",
        "downsample is applied to the branch; it belongs on the shortcut: downsample(x).",
    )
    class OnBranch(base):
        def forward(self, x):
            branch = self.branch(x)
            return F.relu((branch if self.downsample is None else self.downsample(branch)) + x)

    @mistake(
        "downsample-of-the-branch",
        "downsample gets the branch, as x was overwritten before. It belongs on the shortcut, and starts at the input of the block: keep x, "
        "or call downsample(x) in the first line of forward.",
    )
    class OfTheBranch(base):
        def forward(self, x):
            branch = self.branch(x)
            return F.relu(branch + (x if self.downsample is None else self.downsample(branch)))

    @mistake(
        "branch-of-projected-input",
        "The branch starts from downsample(x), because x was overwritten. Both paths start at the input of the block: "
        "give the projected tensor a name of its own.",
    )
    class ProjectedInput(base):
        def forward(self, x):
            x = self.shortcut(x)
            return F.relu(self.branch(x) + x)

    @mistake(
        "keeps-the-first-input",
        "The block keeps the shortcut of an earlier call and adds it to later ones. Use the x of this call.",
    )
    class KeepsState(base):
        kept = None

        def forward(self, x):
            if self.kept is None:
                self.kept = self.shortcut(x)
            return F.relu(self.branch(x) + self.kept)

    @mistake(
        "no-relu-at-all",
        "The block has no ReLU, or the results of its ReLUs are not used. Without them, the convolutions of the branch are together one "
        "linear step.",
    )
    class NoRelu(base):
        def forward(self, x):
            out = self.batchnorm2(self.conv2(self.batchnorm1(self.conv1(x))))
            if base is Neck:
                out = self.batchnorm3(self.conv3(out))
            return out + self.shortcut(x)


for _exercise_, _base in ((basic_block, Basic), (bottleneck, Neck)):
    _add_shortcut(_exercise_, _base)
for _exercise_, _base in ((basic_block, Basic), (bottleneck, Neck), (plain_block, Plain)):
    _add_common(_exercise_, _base)


# Mistakes in the two 3×3 convolutions of the basic and the plain block --------------------------------------------------


def _add_two_convolutions(exercise: Exercise, base: type) -> None:
    mistake = exercise.mistake

    @mistake(
        "no-relu-between",
        "There is no ReLU between the first batch norm and conv2, or its result is not used. Without it, the two convolutions are "
        "together one linear step.",
    )
    class NoReluBetween(base):
        def first(self, x):
            return self.batchnorm1(self.conv1(x))

    if base is Basic:

        @mistake(
            "relu-behind-the-second-batchnorm",
            "The first ReLU stands behind the second batch norm. It belongs between the first batch norm and conv2; the second one comes "
            "after the sum.",
        )
        class ReluBehind(NoReluBetween):
            def branch(self, x):
                return F.relu(super().branch(x))

    @mistake(
        "no-second-batchnorm",
        "There is no batch norm after conv2; each convolution has its own.",
    )
    class NoSecondNorm(base):
        def branch(self, x):
            return self.conv2(self.first(x))

    @mistake(
        "one-batchnorm-for-both",
        "One batch norm serves both convolutions. Each needs its own: their outputs have other means and variances.",
    )
    class OneNorm(base):
        def branch(self, x):
            return self.batchnorm1(self.conv2(self.first(x)))

    @mistake(
        "one-convolution-for-both",
        "conv1 is used twice; the block has two convolutions with weights of their own.",
    )
    class OneConv(base):
        def branch(self, x):
            return self.batchnorm2(self.conv1(self.first(x)))

    @mistake("one-convolution", "The block has one convolution; it should have two.")
    class Short(base):
        def branch(self, x):
            return self.batchnorm1(self.conv1(x))

    @mistake(
        "conv2-not-used",
        "forward never applies conv2, only its batch norm. The block computes conv1, batch norm, ReLU, conv2, batch norm.",
    )
    class WithoutConv2(base):
        def branch(self, x):
            return self.batchnorm2(self.first(x))

    @mistake(
        "relu-before-both-batchnorms",
        "The order is conv, ReLU, batch norm, twice; ResNet has conv, batch norm, ReLU, and the second ReLU comes last.",
    )
    class ReluFirstTwice(base):
        def branch(self, x):
            out = self.batchnorm1(F.relu(self.conv1(x)))
            return self.batchnorm2(F.relu(self.conv2(out)))

    @mistake(
        "relu-before-both-batchnorms-not-last",
        "The order is conv, ReLU, batch norm, twice, and the block does not end with a ReLU. ResNet has conv, batch norm, ReLU"
        + (", twice." if base is Plain else "; the second ReLU comes last, after the sum."),
    )
    class ReluFirstTwiceNotLast(ReluFirstTwice):
        def forward(self, x):
            return self.branch(x) if base is Plain else self.branch(x) + self.shortcut(x)

    @mistake(
        "relu-before-second-batchnorm",
        "After conv2 the order is ReLU, batch norm. ResNet has conv, batch norm, and the second ReLU comes last.",
    )
    class SecondReluFirst(base):
        def branch(self, x):
            return self.batchnorm2(F.relu(self.conv2(self.first(x))))

    @mistake(
        "relu-before-second-batchnorm-not-last",
        "After conv2 the order is ReLU, batch norm, and the block does not end with a ReLU. ResNet has conv, batch norm, and the "
        "second ReLU comes last.",
    )
    class SecondReluFirstNotLast(SecondReluFirst):
        def forward(self, x):
            return self.branch(x) if base is Plain else self.branch(x) + self.shortcut(x)

    @mistake(
        "conv2-used-twice",
        "conv2 and batchnorm2 are used twice in forward. The block has two convolutions, and each is used once.",
    )
    class Conv2Twice(base):
        def branch(self, x):
            out = F.relu(super().branch(x))
            return self.batchnorm2(self.conv2(out))

    @mistake(
        "three-convolutions",
        "The block has three 3×3 convolutions; it should have two, each with its batch norm.",
    )
    class ThreeConvolutions(base):
        def __init__(self, in_channels, channels, *others):
            super().__init__(in_channels, channels, *others)
            self.conv3 = conv3x3(channels, channels)
            self.batchnorm3 = nn.BatchNorm2d(channels)

        def branch(self, x):
            return self.batchnorm3(self.conv3(F.relu(super().branch(x))))

    @mistake(
        "width-stays-in-channels",
        "conv1 keeps in_channels, and only conv2 goes to `channels`. conv1 makes the change, together with the stride: "
        "in_channels → channels; conv2 goes channels → channels.",
    )
    class WidthStays(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, stride, *others)
            self.conv1 = conv3x3(in_channels, in_channels, stride)
            self.batchnorm1 = nn.BatchNorm2d(in_channels)
            self.conv2 = conv3x3(in_channels, channels)

    @mistake(
        "batchnorm-before-conv",
        "Batch norm stands before its convolution; ResNet has conv, batch norm, ReLU.",
    )
    class NormFirst(base):
        def __init__(self, in_channels, *others):
            super().__init__(in_channels, *others)
            self.batchnorm1 = nn.BatchNorm2d(in_channels)

        def branch(self, x):
            out = self.relu1(self.conv1(self.batchnorm1(x)))
            return self.conv2(self.batchnorm2(out))

    @mistake(
        "pre-activation",
        PRE_ACTIVATION,
    )
    class PreActivation(NormFirst):
        def forward(self, x):
            out = self.conv1(F.relu(self.batchnorm1(x)))
            out = self.conv2(F.relu(self.batchnorm2(out)))
            return out if base is Plain else out + self.shortcut(x)

    if base is not Plain:

        @mistake("pre-activation-of-projection", PRE_ACTIVATION)
        class PreActivationOfProjection(NormFirst):
            def forward(self, x):
                start = F.relu(self.batchnorm1(x))
                out = self.conv2(F.relu(self.batchnorm2(self.conv1(start))))
                return out + (x if self.downsample is None else self.downsample(start))

    mistake(
        "no-padding",
        "The 3×3 convolutions have no padding, so the images shrink: pass padding=1.",
    )(_changed(base, nn.Conv2d, lambda old: _conv(old, padding=0)))
    for name in ("conv1", "conv2"):
        mistake(
            f"no-padding-in-{name}",
            f"{name} has no padding, so the images shrink: pass padding=1.",
        )(_changed(base, nn.Conv2d, lambda old: _conv(old, padding=0), only=name))
        for size in (1, 5):
            resized = functools.partial(_conv, kernel_size=size, padding=size // 2)
            mistake(
                f"kernel-{size}-in-{name}",
                f"{name} has a kernel of {size}×{size}; both convolutions of the block are 3×3, with a padding of 1.",
            )(_changed(base, nn.Conv2d, resized, only=name))

    @mistake(
        "stride-on-conv2",
        "The stride is in conv2; it belongs in conv1, the first that the images meet.",
    )
    class StrideOnConv2(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, stride, *others)
            self.conv1 = conv3x3(in_channels, channels)
            self.conv2 = conv3x3(channels, channels, stride)

    @mistake(
        "conv2-takes-x",
        "The second convolution receives x, so the result of the first is thrown away; give it the result of the "
        "first, after batch norm and ReLU.",
    )
    class Conv2TakesX(base):
        def forward(self, x):
            self.batchnorm1(self.conv1(x))
            out = self.batchnorm2(self.conv2(x))
            return F.relu(out if base is Plain else out + self.shortcut(x))

    @mistake(
        "stride-on-both",
        "Both convolutions have the stride, so the images shrink twice; only conv1 has it.",
    )
    class StrideOnBoth(base):
        def __init__(self, in_channels, channels, stride=1, *others):
            super().__init__(in_channels, channels, stride, *others)
            self.conv2 = conv3x3(channels, channels, stride)

    mistake(
        "kernel-1",
        "The convolutions have kernels of 1×1; the basic block has 3×3 with a padding of 1, twice.",
    )(_changed(base, nn.Conv2d, lambda old: _conv(old, kernel_size=1, padding=0)))


for _exercise_, _base in ((basic_block, Basic), (plain_block, Plain)):
    _add_two_convolutions(_exercise_, _base)


@basic_block.mistake(
    "conv2-takes-the-shortcut",
    "conv2 receives the shortcut, so the result of conv1 is thrown away. Give conv2 the result of conv1, after batch norm and ReLU.",
)
class Conv2TakesTheShortcut(Basic):
    def forward(self, x):
        self.batchnorm1(self.conv1(x))
        shortcut = self.shortcut(x)
        return F.relu(self.batchnorm2(self.conv2(shortcut)) + shortcut)


@basic_block.mistake(
    "batchnorm-after-add",
    "The second batch norm comes after the addition, so it changes the shortcut too. It belongs to the branch: "
    "conv2, batch norm, then add.",
)
class NormAfterAdd(Basic):
    def forward(self, x):
        return F.relu(self.batchnorm2(self.conv2(self.first(x)) + self.shortcut(x)))


# Mistakes in the three convolutions of the bottleneck ------------------------------------------------------------------


def _neck(id: str, message: str, **sizes) -> None:
    """A bottleneck whose convolutions are made otherwise: name=(in, out, kernel size, stride, padding) from (i, c, s)."""

    class Otherwise(Neck):
        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__(in_channels, channels, stride, downsample)
            for number in (1, 2, 3):
                if f"conv{number}" not in sizes:
                    continue
                into, out, kernel, step, padding = sizes[f"conv{number}"](
                    in_channels, channels, stride
                )
                conv = nn.Conv2d(into, out, kernel, step, padding, bias=False)
                setattr(self, f"conv{number}", conv)
                setattr(self, f"batchnorm{number}", nn.BatchNorm2d(out))

    bottleneck.mistake(id, message)(Otherwise)


_neck(
    "stride-on-first-conv",
    "The stride is in the first 1×1. That is the paper's version; torchvision's weights need it in the 3×3 "
    '("v1.5"), which also sees every pixel, and so does this exercise.',
    conv1=lambda i, c, s: (i, c, 1, s, 0),
    conv2=lambda i, c, s: (c, c, 3, 1, 1),
)
_neck(
    "stride-on-last-conv",
    "The stride comes after the 3×3, in the last 1×1 or as a slice of the result; it belongs in the 3×3. In eval mode the numbers are even "
    "the same, but most of what the 3×3 computes is thrown away, and its batch norm trains on other pixels.",
    conv2=lambda i, c, s: (c, c, 3, 1, 1),
    conv3=lambda i, c, s: (c, 4 * c, 1, s, 0),
)
_neck(
    "stride-on-first-and-middle",
    "Two convolutions have the stride, the first 1×1 and the 3×3, so the images shrink twice; only the 3×3 has it.",
    conv1=lambda i, c, s: (i, c, 1, s, 0),
)
_neck(
    "stride-on-middle-and-last",
    "Two convolutions have the stride, the 3×3 and the last 1×1, so the images shrink twice; only the 3×3 has it.",
    conv3=lambda i, c, s: (c, 4 * c, 1, s, 0),
)
_neck(
    "stride-on-all",
    "All three convolutions have the stride, so the images shrink three times; only the 3×3 has it.",
    conv1=lambda i, c, s: (i, c, 1, s, 0),
    conv3=lambda i, c, s: (c, 4 * c, 1, s, 0),
)
_neck(
    "no-expansion-in-conv3",
    "The last 1×1 gives `channels` channels; it must give channels * expansion, four times as many.",
    conv3=lambda i, c, s: (c, c, 1, 1, 0),
)
_neck(
    "expansion-in-conv1",
    "The first 1×1 goes up to channels * expansion; it goes down to `channels`, and only the last 1×1 goes up.",
    conv1=lambda i, c, s: (i, 4 * c, 1, 1, 0),
    conv2=lambda i, c, s: (4 * c, c, 3, s, 1),
)
_neck(
    "expansion-in-conv2",
    "The 3×3 goes up to channels * expansion; it keeps `channels`, and only the last 1×1 goes up.",
    conv2=lambda i, c, s: (c, 4 * c, 3, s, 1),
    conv3=lambda i, c, s: (4 * c, 4 * c, 1, 1, 0),
)
_neck(
    "expansion-in-all",
    "The whole branch is channels * expansion wide. The first 1×1 goes down to `channels`, the 3×3 stays there, and only the last 1×1 "
    "goes up: that is the bottleneck.",
    conv1=lambda i, c, s: (i, 4 * c, 1, 1, 0),
    conv2=lambda i, c, s: (4 * c, 4 * c, 3, s, 1),
    conv3=lambda i, c, s: (4 * c, 4 * c, 1, 1, 0),
)
_neck(
    "width-from-in-channels",
    "The width inside is in_channels // 4; it is `channels`. The first block of layer1 shows it: 64 channels come in, the width is "
    "64, not 16.",
    conv1=lambda i, c, s: (i, i // 4, 1, 1, 0),
    conv2=lambda i, c, s: (i // 4, i // 4, 3, s, 1),
    conv3=lambda i, c, s: (i // 4, 4 * c, 1, 1, 0),
)
_neck(
    "channels-as-the-outer-width",
    "You take `channels` for what the block gives out, and channels // 4 for the width inside. `channels` is the width inside: the last "
    "1×1 goes up to channels * expansion.",
    conv1=lambda i, c, s: (i, c // 4, 1, 1, 0),
    conv2=lambda i, c, s: (c // 4, c // 4, 3, s, 1),
    conv3=lambda i, c, s: (c // 4, c, 1, 1, 0),
)
_neck(
    "width-stays-in-channels",
    "The first 1×1 does not go down to `channels`: it keeps in_channels, and the 3×3 changes them. Then the 3×3 is as dear as ever.",
    conv1=lambda i, c, s: (i, i, 1, 1, 0),
    conv2=lambda i, c, s: (i, c, 3, s, 1),
)
_neck(
    "padding-in-first-conv",
    "The first 1×1 has a padding of 1, so the images grow by a frame of zeros. A 1×1 needs none: K = 1, so P = (K - 1) / 2 = 0.",
    conv1=lambda i, c, s: (i, c, 1, 1, 1),
)
_neck(
    "padding-in-last-conv",
    "The last 1×1 has a padding of 1, so the images grow by a frame of zeros. A 1×1 needs none: K = 1, so P = (K - 1) / 2 = 0.",
    conv3=lambda i, c, s: (c, 4 * c, 1, 1, 1),
)
_neck(
    "padding-in-both-1x1",
    "The 1×1 convolutions have a padding of 1, so the images grow by a frame of zeros. A 1×1 needs none: K = 1, so P = (K - 1) / 2 = 0.",
    conv1=lambda i, c, s: (i, c, 1, 1, 1),
    conv3=lambda i, c, s: (c, 4 * c, 1, 1, 1),
)
_neck(
    "no-padding-in-conv2",
    "The 3×3 has no padding, so the images shrink: pass padding=1.",
    conv2=lambda i, c, s: (c, c, 3, s, 0),
)
_neck(
    "kernel-1-in-conv2",
    "The middle convolution is a 1×1; it is a 3×3 with a padding of 1. Otherwise no pixel ever sees its neighbours.",
    conv2=lambda i, c, s: (c, c, 1, s, 0),
)
_neck(
    "kernel-3-in-conv1",
    "The first convolution is a 3×3; it is a 1×1. Only the middle one is a 3×3.",
    conv1=lambda i, c, s: (i, c, 3, 1, 1),
)
_neck(
    "kernel-3-in-conv3",
    "The last convolution is a 3×3; it is a 1×1. Only the middle one is a 3×3.",
    conv3=lambda i, c, s: (c, 4 * c, 3, 1, 1),
)
_neck(
    "kernel-3-in-all",
    "All three convolutions are 3×3; the first and the last are 1×1. That is what makes the block cheap.",
    conv1=lambda i, c, s: (i, c, 3, 1, 1),
    conv3=lambda i, c, s: (c, 4 * c, 3, 1, 1),
)
_neck(
    "3x3-comes-first",
    "The order of the kernels is 3×3, 1×1, 1×1; it is 1×1, 3×3, 1×1, so that the 3×3 works on few channels.",
    conv1=lambda i, c, s: (i, c, 3, s, 1),
    conv2=lambda i, c, s: (c, c, 1, 1, 0),
)


@bottleneck.mistake(
    "two-convolutions",
    "The block has two convolutions, 3×3 and 3×3: that is the basic block with more channels. The bottleneck has three: 1×1, 3×3, 1×1.",
)
class TwoConvolutions(Neck):
    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__(in_channels, channels, stride, downsample)
        self.conv1 = conv3x3(in_channels, channels, stride)
        self.conv2 = conv3x3(channels, channels * self.expansion)
        self.batchnorm2 = nn.BatchNorm2d(channels * self.expansion)

    def branch(self, x):
        return self.batchnorm2(self.conv2(self.first(x)))


@bottleneck.mistake(
    "no-conv2",
    "The 3×3 is left out: the block goes down with one 1×1 and up with the next.",
)
class NoConv2(Neck):
    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__(in_channels, channels, stride, downsample)
        self.conv1 = conv1x1(in_channels, channels, stride)

    def second(self, x):
        return self.first(x)


@bottleneck.mistake(
    "no-relu-after-conv1",
    "There is no ReLU between the first batch norm and the 3×3. Each of the first two convolutions has its own.",
)
class NoReluAfterConv1(Neck):
    def first(self, x):
        return self.batchnorm1(self.conv1(x))


@bottleneck.mistake(
    "no-relu-after-conv2",
    "There is no ReLU between the second batch norm and the last 1×1. Each of the first two convolutions has its own.",
)
class NoReluAfterConv2(Neck):
    def second(self, x):
        return self.batchnorm2(self.conv2(self.first(x)))


@bottleneck.mistake(
    "no-relu-in-branch",
    "There is no ReLU inside the branch: the three convolutions are together one linear step. ReLU follows the first two batch norms.",
)
class NoReluInBranch(NoReluAfterConv2):
    def first(self, x):
        return self.batchnorm1(self.conv1(x))


@bottleneck.mistake(
    "no-second-batchnorm",
    "There is no batch norm after the 3×3; each convolution has its own.",
)
class NoSecondNorm(Neck):
    def second(self, x):
        return self.relu2(self.conv2(self.first(x)))


@bottleneck.mistake(
    "no-third-batchnorm",
    "There is no batch norm after the last 1×1; each convolution has its own.",
)
class NoThirdNorm(Neck):
    def branch(self, x):
        return self.conv3(self.second(x))


@bottleneck.mistake(
    "no-expansion-in-batchnorm3",
    "The third batch norm is made for `channels`. The last 1×1 gives channels * expansion: its batch norm needs as many.",
)
class NarrowThirdNorm(Neck):
    def __init__(self, in_channels, channels, *others):
        super().__init__(in_channels, channels, *others)
        self.batchnorm3 = nn.BatchNorm2d(channels)


@bottleneck.mistake(
    "one-batchnorm-for-two",
    "One batch norm serves the first two convolutions. Each needs its own: their outputs have other means and variances.",
)
class OneNormForTwo(Neck):
    def second(self, x):
        return self.relu2(self.batchnorm1(self.conv2(self.first(x))))


@bottleneck.mistake(
    "relu-before-second-batchnorm",
    "After the 3×3 the order is ReLU, batch norm; ResNet has conv, batch norm, ReLU.",
)
class SecondReluFirstInNeck(Neck):
    def second(self, x):
        return self.batchnorm2(F.relu(self.conv2(self.first(x))))


class ReluFirstTwiceInNeck(Neck):
    def second(self, x):
        out = self.batchnorm1(F.relu(self.conv1(x)))
        return self.batchnorm2(F.relu(self.conv2(out)))


class ReluFirstInNeck(ReluFirstTwiceInNeck):
    def branch(self, x):
        return self.batchnorm3(F.relu(self.conv3(self.second(x))))


def _without_last_relu(base: type) -> type:
    class WithoutLastRelu(base):
        def forward(self, x):
            return self.branch(x) + self.shortcut(x)

    return WithoutLastRelu


for _base, _name, _times in (
    (ReluFirstTwiceInNeck, "first-two", "after conv1 and conv2"),
    (ReluFirstInNeck, "all", "three times"),
):
    bottleneck.mistake(
        f"relu-before-{_name}-batchnorms",
        f"The order is conv, ReLU, batch norm, {_times}. ResNet has conv, batch norm, ReLU, and the third ReLU comes after the sum.",
    )(_base)
    bottleneck.mistake(
        f"relu-before-{_name}-batchnorms-not-last",
        f"The order is conv, ReLU, batch norm, {_times}, and the block does not end with a ReLU. ResNet has conv, batch norm, "
        "ReLU, and the third ReLU comes after the sum.",
    )(_without_last_relu(_base))


@bottleneck.mistake(
    "batchnorm-after-add",
    "The third batch norm comes after the addition, so it changes the shortcut too. It belongs to the branch: "
    "conv3, batch norm, then add.",
)
class ThirdNormAfterAdd(Neck):
    def forward(self, x):
        return F.relu(self.batchnorm3(self.conv3(self.second(x)) + self.shortcut(x)))


@bottleneck.mistake(
    "pre-activation",
    PRE_ACTIVATION,
)
class NeckPreActivation(Neck):
    def __init__(self, in_channels, channels, *others):
        super().__init__(in_channels, channels, *others)
        self.batchnorm1 = nn.BatchNorm2d(in_channels)
        self.batchnorm3 = nn.BatchNorm2d(channels)

    def branch(self, start):
        out = self.conv2(F.relu(self.batchnorm2(self.conv1(start))))
        return self.conv3(F.relu(self.batchnorm3(out)))

    def forward(self, x):
        return self.branch(F.relu(self.batchnorm1(x))) + self.shortcut(x)


@bottleneck.mistake("pre-activation-of-projection", PRE_ACTIVATION)
class NeckPreActivationOfProjection(NeckPreActivation):
    def forward(self, x):
        start = F.relu(self.batchnorm1(x))
        return self.branch(start) + (x if self.downsample is None else self.downsample(start))


# Mistakes in the plain block ------------------------------------------------------------------------------------------


@plain_block.mistake(
    "kept-shortcut",
    "The shortcut is still there: out + x. A plain block has none; that is all that sets it apart from the basic block.",
)
class KeptShortcut(Plain):
    def forward(self, x):
        return F.relu(self.branch(x) + x)


@plain_block.mistake(
    "kept-shortcut-after-relu",
    "The shortcut is still there, added after the last ReLU. A plain block has none: it ends with that ReLU.",
)
class KeptAfterRelu(Plain):
    def forward(self, x):
        return F.relu(self.branch(x)) + x


@plain_block.mistake(
    "kept-shortcut-where-it-fits",
    "The shortcut is still there where the shapes agree. A plain block has none; that is all that sets it apart from the basic block.",
)
class KeptWhereItFits(Plain):
    def forward(self, x):
        out = self.branch(x)
        return F.relu(out + x if out.shape == x.shape else out)


@plain_block.mistake(
    "kept-shortcut-with-projection",
    "The shortcut is still there, with a projection of its own. A plain block has none; that is all that sets it apart from the basic block.",
)
class KeptWithProjection(Plain):
    def __init__(self, in_channels, channels, stride=1):
        super().__init__(in_channels, channels, stride)
        self.projection = None
        if stride != 1 or in_channels != channels:
            self.projection = nn.Sequential(
                conv1x1(in_channels, channels, stride), nn.BatchNorm2d(channels)
            )

    def forward(self, x):
        out = self.branch(x)
        return F.relu(out + (x if self.projection is None else self.projection(x)))


@plain_block.mistake(
    "relu-on-input",
    "x passes through a ReLU before the block begins, so its negative numbers are lost.",
)
class ReluOnInput(Plain):
    def forward(self, x):
        return super().forward(F.relu(x))


@plain_block.mistake(
    "branch-doubled",
    "The output of the branch is added to itself. Take the whole line with the addition out.",
)
class Doubled(Plain):
    def forward(self, x):
        return F.relu(2 * self.branch(x))


@plain_block.mistake(
    "no-relu-at-all",
    "The block has no ReLU, or the results of its ReLUs are not used. Without them, the two convolutions are together one linear step.",
)
class NoReluAtAll(Plain):
    def forward(self, x):
        return self.batchnorm2(self.conv2(self.batchnorm1(self.conv1(x))))


EXERCISES: list[Exercise] = [basic_block, bottleneck, plain_block]
