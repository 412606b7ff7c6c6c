"""What checks of layers and networks need: PyTorch's settings kept, equal weights in each answer, what a module does.

Layers are found by the order in which they compute, so names and forms of the code do not count.
"""

import contextlib
import functools
import math
import random
import zlib
from collections.abc import Callable, Collection, Iterator

import numpy
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from resnet_exercises import naming, observing
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import RELATIVE, Fact, named_kind, same
from resnet_exercises.steps import Steps, Taken

Roles = list[tuple[str, Tensor]]  #: weights, each with its role, such as "scale"
STATISTICS = "mean", "variance"  #: the roles of a batch norm's buffers

# How tensors are compared and told


@observing.equal.register
def _(first: Tensor, second) -> bool:
    if first.shape != second.shape or first.dtype != second.dtype:
        return False
    if torch.equal(first, second):
        return True
    if not first.is_floating_point():
        return False
    # of the finite numbers: no NaN or infinity of an answer decides how much it may differ
    largest = [t.abs().nan_to_num(0.0, posinf=0.0).max().item() for t in (first, second)]
    return torch.allclose(first, second, rtol=0, atol=RELATIVE * max(min(largest), 1e-6), equal_nan=True)


@naming.size.register
def _(value: Tensor) -> float:
    return value.double().nan_to_num().abs().sum().item()


@observing.short.register
def _(value: Tensor) -> str:
    return f"shape {tuple(value.shape)}"


@observing.difference.register
def _(right: Tensor, wrong, what: str) -> str:
    if not isinstance(wrong, Tensor):
        return f"{what}: expected a tensor of shape {tuple(right.shape)}, got {observing.short(wrong)}."
    if right.shape != wrong.shape:
        return f"{what}: expected shape {tuple(right.shape)}, got {tuple(wrong.shape)}."
    if right.dtype != wrong.dtype:
        return f"{what}: expected numbers of type {right.dtype}, got {wrong.dtype}."
    off = (right - wrong).abs().double().nan_to_num(torch.inf, torch.inf)
    differs = off > RELATIVE * max(right.abs().max().item(), 1e-6)
    place = tuple(map(int, torch.unravel_index(off.argmax(), off.shape)))
    return (
        f"{what} differs in {int(differs.sum())} of {right.numel()} numbers; "
        f"most at {list(place)}: expected {right[place].item():.4g}, got {wrong[place].item():.4g}."
    )


# PyTorch's settings

_originals: dict[int, tuple[Tensor, Tensor]] | None = None  # what was filled, by identity, while a check runs


@contextlib.contextmanager
def torch_stays() -> Iterator[None]:
    """Keeps PyTorch's seeds, modes and defaults. Every tensor that :func:`fill` overwrites gets its numbers back."""
    global _originals
    before, _originals = _originals, {}
    states = numpy.random.get_state(), torch.get_rng_state()
    dtype, device = torch.get_default_dtype(), torch.get_default_device()
    threads, deterministic = torch.get_num_threads(), torch.get_deterministic_debug_mode()
    modes = torch._C._len_torch_function_stack()
    try:
        with (
            torch.set_grad_enabled(True),
            torch.inference_mode(False),
            torch.autocast("cpu", enabled=False),
            torch.autograd.set_detect_anomaly(False),
        ):
            usual_settings()
            torch.set_num_threads(1)  # the probes are too small to share out
            yield
    finally:
        # An answer may leave a mode on; so does a time limit that ends one of ours while it begins or ends.
        while torch._C._len_torch_function_stack() > modes:
            torch._C._pop_torch_function_stack()
        numpy.random.set_state(states[0])
        torch.set_rng_state(states[1])
        torch.set_default_dtype(dtype)
        _use_default_device(device)
        torch.set_num_threads(threads)
        if torch.get_deterministic_debug_mode() != deterministic:  # setting it takes seconds
            torch.set_deterministic_debug_mode(deterministic)
        with torch.inference_mode(False), torch.no_grad():
            for tensor, original in _originals.values():
                tensor.copy_(original)
        _originals = before


def usual_settings() -> None:
    """Gradients on, float32, on the CPU."""
    torch.set_grad_enabled(True)
    torch.set_default_dtype(torch.float32)
    _use_default_device(torch.device("cpu"))


def _use_default_device(device: torch.device) -> None:
    """Makes new tensors on ``device``. Not with set_default_device("cpu"), which slows every later operation down."""
    if torch.get_default_device() != device:
        torch.set_default_device(None if device.type == "cpu" else device)


def set_seeds(seed: int) -> None:
    """Sets the three seeds. Not by torch.manual_seed, which notes a traceback for the GPU each time."""
    torch.default_generator.manual_seed(seed)
    random.seed(seed)
    numpy.random.seed(seed)


def randomness() -> tuple:
    """Where the three random number generators stand."""
    place = numpy.random.get_state()
    return random.getstate(), place[1].tobytes(), place[2], torch.default_generator.get_state().tolist()


def heeds_the_seed(function: Callable[[], object]) -> bool:
    """Whether PyTorch's random numbers after a call depend on the seed that was set before."""
    places = []
    for seed in (1, 2):
        set_seeds(seed)
        function()
        places.append(randomness()[-1])
    return places[0] != places[1]


# Weights, by the order in which they compute

_NORM = ("training", "momentum", "eps")
#: what the functions that use weights take, in their order
TAKES = {
    "conv2d": ("input", "weight", "bias", "stride", "padding", "dilation", "groups"),
    "linear": ("input", "weight", "bias"),
    "batch_norm": ("input", "running_mean", "running_var", "weight", "bias", *_NORM),
    # it has the name of F.batch_norm too
    torch.batch_norm: (*("input", "weight", "bias", "running_mean", "running_var", *_NORM, "cudnn_enabled"),),
}
_ROLES = {"running_mean": "mean", "running_var": "variance", "weight": "weight", "bias": "shift"}


class Weights(TorchFunctionMode):
    """Notes the weights of convolutions, batch norms and linear layers in the order in which they compute.

    Batch norms compute with the usual eps and momentum: another one is a finding, ``settings``, whatever the number.
    """

    def __init__(self):
        super().__init__()
        self.settings = ""
        #: by identity of their owner: what is used twice is noted once
        self.used: dict[int, tuple[str, Tensor]] = {}

    def __torch_function__(self, function, types, arguments=(), named=None):
        name, named = getattr(function, "__name__", ""), named or {}
        takes = TAKES.get(function, TAKES.get(name))
        if takes is None:
            return function(*arguments, **named)
        named = dict(zip(takes, arguments)) | named
        self.note(name, named)
        return function(**named)

    def note(self, name: str, given: dict[str, object]) -> None:
        """Notes what a function is ``given`` by name, before it computes."""
        is_norm = name == "batch_norm"
        for argument, role in _ROLES.items():
            if isinstance(tensor := given.get(argument), Tensor):
                role = "scale" if is_norm and role == "weight" else role
                self.used.setdefault(id(owner(tensor)), (role, tensor))
        for setting, usual in (("momentum", 0.1), ("eps", 1e-5)) if is_norm else ():
            if given.get(setting, usual) != usual:
                self.settings = f"a batch norm has another {setting} than {usual:g}"
            given[setting] = usual


def owner(tensor: Tensor) -> Tensor:
    """The weight that a tensor shows in another shape, as weight[:, :, None, None] does; else the tensor itself."""
    whole = tensor._base
    return tensor if whole is None or whole.numel() != tensor.numel() else whole


def weights_in_order(module: nn.Module, x: Tensor, twin: Callable[[], nn.Module] | None = None) -> Roles:
    """(role, tensor) of all weights that ``module`` uses, in the order of the computation, in eval mode.

    Where some are used by functions that :class:`Weights` does not follow, :func:`as_registered` in the ``twin``.
    """
    with torch.no_grad(), Weights() as weights:
        numbers(module.eval()(x.clone()))
    followed = list(weights.used.values())
    if twin is None or all(id(parameter) in weights.used for parameter in module.parameters()):
        return followed
    return as_registered(module, twin(), x) or followed


def as_registered(module: nn.Module, twin: nn.Module, x: Tensor, given: Collection[int] = ()) -> Roles:
    """The weights of ``module`` by their sizes, those of one size in the order in which they are registered.

    ``twin`` is what the solution makes. Where it has others, or gives another result with the same numbers, none. A
    right answer needs it that computes a linear layer by einsum or a batch norm by its formula. The tensors that were
    ``given`` to the two, by their identities, do not count.
    """

    def by_size(m: nn.Module) -> list[Tensor]:
        own = [t for t in (*m.parameters(), *m.buffers()) if id(t) not in given]
        return sorted((t for t in own if t.is_floating_point()), key=Tensor.numel)

    wanted = [entry for entry in weights_in_order(twin, x) if id(entry[1]) not in given]
    ours, theirs = by_size(module), by_size(twin)
    if [t.numel() for t in ours] != [t.numel() for t in theirs]:
        return []
    place = dict(zip(map(id, theirs), ours))
    before = [t.clone() for t in ours]
    with torch.enable_grad():  # PyTorch refuses some views that are made without
        weights = [(role, _shaped_like(t, place[id(t)])) for role, t in wanted]
    with torch.no_grad(), Weights():
        fill(weights)
        fill(wanted)
        are_right = same(module(x.clone()), twin(x.clone()))
        for tensor, original in zip(ours, before):
            tensor.copy_(original)
    return weights if are_right else []


def _shaped_like(tensor: Tensor, ours: Tensor) -> Tensor:
    """A weight in another's shape; that of a linear layer may stand turned, for ``x @ weight``."""
    is_turned = ours.dim() == 2 and ours.shape[::-1] == tensor.shape
    return ours.t() if is_turned and ours.shape != tensor.shape else ours.reshape(tensor.shape)


def live(module: nn.Module, weights: Roles) -> Callable[[], Roles]:
    """A function: the weights as they are by then. A forward may put new tensors in the place of its buffers."""
    names = {id(tensor): name for name, tensor in module.named_buffers()}

    def as_it_is(tensor: Tensor) -> Tensor:
        name = names.get(id(owner(tensor)))
        return module.get_buffer(name).reshape(tensor.shape) if name else tensor

    return lambda: [(role, as_it_is(tensor)) for role, tensor in weights]


def starts(weights: Roles) -> str:
    """What is wrong with the numbers that weights begin with, or an empty string. How they are drawn is free."""
    for role, tensor in weights:
        if not tensor.isfinite().all():
            return "it begins with weights that are no finite numbers"
        of_convolution = role == "weight" and tensor.dim() == 4 and tensor.numel() > 1
        if of_convolution and bool(tensor.max() == tensor.min()):
            return "all weights of a convolution begin with the same number"
    return ""


_RANGES = {"weight": (-1, 1), "scale": (0.4, 1.2), "shift": (-0.5, 0.5), "mean": (-0.5, 0.5), "variance": (0.5, 1.5)}


def fill(weights: Roles, seed: int = 0) -> None:
    """Fills weights with numbers that depend only on role, place in the order and shape: the same for every answer."""
    places: dict[str, int] = {}
    with torch.no_grad():
        for role, tensor in weights:
            place = places[role] = places.get(role, -1) + 1
            if _originals is not None:
                whole = tensor if tensor._base is None else tensor._base
                _originals.setdefault(id(whole), (whole, whole.detach().clone()))
            shape = tuple(tensor.shape)
            # a 1×1 convolution and the linear layer that does the same get the same numbers
            drawn = shape[:2] if shape[2:] == (1, 1) else shape
            tensor.copy_(numbers_for(role, place, seed, drawn).view(shape))


@functools.lru_cache(maxsize=256)
def numbers_for(role: str, place: int, seed: int, shape: tuple[int, ...]) -> Tensor:
    generator = torch.Generator().manual_seed(zlib.crc32(f"{seed} {role} {place} {shape}".encode()))
    low, high = _RANGES[role]
    largest = math.sqrt(3 / max(math.prod(shape[1:]), 1)) if role == "weight" else 1  # by the fan-in
    # named, as an answer's forward may have changed the defaults, and what is drawn is kept for the next check
    drawn = torch.rand(shape, generator=generator, dtype=torch.float32, device="cpu")
    return (drawn * (high - low) + low) * largest


def of_batch_norm(layer: nn.BatchNorm2d) -> Roles:
    """The numbers of a batch norm."""
    learnt = [("scale", layer.weight), ("shift", layer.bias)]
    return [*learnt, ("mean", layer.running_mean), ("variance", layer.running_var)]


def random_input(*shape: int, seed: int = 0) -> Tensor:
    """Normal random numbers, the same for the same shape and seed."""
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def images(shape: tuple[int, int, int, int]) -> str:
    """A batch in words: ``3 images of 5×7 pixels``."""
    return f"{shape[0]} image{'s' * (shape[0] > 1)} of {shape[2]}×{shape[3]} pixels"


def numbers(value: object) -> object:
    """A tensor, detached and copied so that later steps cannot change it; anything else as its type, for comparing."""
    if isinstance(value, nn.Module):  # as PyTorch would, were it used as a tensor
        raise TypeError(f"the result must be Tensor, not {type(value).__name__}")
    if isinstance(value, Tensor):
        return value.detach().as_subclass(Tensor).clone()
    return named_kind(value)


# What a module does


def behaviour(module: nn.Module, x: Tensor, twin: Callable[[], nn.Module] | None = None) -> dict[str, object]:
    """What ``module`` does with ``x``, once its weights are filled: results, gradients and side effects.

    The entries stand in the order in which a difference is worth telling.
    """
    weights = weights_in_order(module, x, twin)
    now = live(module, weights)
    begins = starts(weights)
    fill(weights)
    given = x.clone()
    with torch.no_grad(), Weights() as watch:
        with Steps() as steps:
            output = numbers(module.eval()(given))
        seen = {
            "number of parameters": sum(p.numel() for p in module.parameters()),
            "its steps": Taken(steps.taken),
            "output in eval mode": output,
            "the input is left as it was": unchanged(given, x),
            "output, the second time": numbers(module(x.clone())),
            "output in train mode": numbers(module.train()(x.clone())),
            "running statistics": [tensor.clone() for role, tensor in now() if role in STATISTICS],
        }
    with Weights():
        seen |= gradients(module, x, weights, in_training=False)
        seen |= gradients(module, x, weights, in_training=True)
    seen["the settings of the batch norms"] = watch.settings or "as they should be"
    seen["the numbers that its weights begin with"] = begins or "as they should be"
    return seen


def unchanged(given: Tensor, x: Tensor) -> Fact:
    """Whether the tensor that an answer was given still has the numbers of ``x``."""
    return Fact(torch.equal(given, x), "your code has changed the numbers in x, its input")


def gradients(module: nn.Module, x: Tensor, weights: Roles, in_training: bool) -> dict[str, object]:
    """The gradients of a fixed random sum of the output, or the error; in eval mode that of the input alone."""
    module.train(in_training)
    trained = [t for _, t in weights if in_training and owner(t).requires_grad]
    found = tried(_gradients, module, x, trained)
    if isinstance(found, StudentError):
        return {"gradients": found}
    of_input, *of_weights = map(numbers, found)
    if not in_training:
        return {"gradient of the input in eval mode": of_input}
    return {"gradient of the input": of_input, "gradients of the weights": of_weights}


def _gradients(module: nn.Module, x: Tensor, trained: list[Tensor]) -> list[Tensor | None]:
    """Gradients of ``x`` and ``trained``, in the shapes in which these show their owners."""
    leaf = x.clone().requires_grad_()
    for tensor in (*module.parameters(), *map(owner, trained)):
        if tensor.is_leaf:
            tensor.grad = None
    # times 1: an in-place operation on a leaf raises for another reason; checkpoint() needs backward()
    output = module(leaf * 1)
    (output * random_input(*output.shape, seed=1)).sum().backward()
    found = [leaf.grad]
    for tensor in trained:
        gradient = owner(tensor).grad if owner(tensor).is_leaf else None
        if gradient is not None and owner(tensor) is not tensor:
            gradient = gradient.as_strided(tensor.shape, tensor.stride(), tensor.storage_offset())
        as_linear = gradient is not None and gradient.shape[2:] == (1, 1)
        found.append(gradient.flatten(1) if as_linear else gradient)
    return found
