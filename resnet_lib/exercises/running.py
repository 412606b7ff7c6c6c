"""Running a student's code so that nothing it does reaches the notebook: no exception, no endless loop, no changed state."""

from __future__ import annotations

import contextlib
import functools
import gc
import io
import linecache
import random
import re
import signal
import sys
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

import numpy
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_lib.blocks import ResidualBasicBlock, ResidualBottleNeck
from resnet_lib.resnet import ResNetBase

_OURS = str(Path(__file__).resolve().parent.parent)
_TORCH = str(Path(torch.__file__).resolve().parent)


class TimeIsUp(BaseException):
    """Raised in a student's code that takes too long. No ``Exception``, so that ``except Exception`` does not catch it."""


@contextlib.contextmanager
def nothing_changes() -> Iterator[None]:
    """Keeps seeds, grad mode, dtype and threads as they are, and hides what is printed or warned of meanwhile.

    The garbage collector waits: with PyTorch loaded, one full collection takes as long as all the rest of a check.
    """
    states = random.getstate(), numpy.random.get_state(), torch.get_rng_state()
    grad, dtype = torch.is_grad_enabled(), torch.get_default_dtype()
    device = torch.get_default_device()
    threads = torch.get_num_threads()
    deterministic = _deterministic()
    anomaly = torch.is_anomaly_enabled(), torch.is_anomaly_check_nan_enabled()
    modes = torch._C._len_torch_function_stack()
    collects = gc.isenabled()
    gc.disable()
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(io.StringIO()),
            contextlib.redirect_stderr(io.StringIO()),
            torch.inference_mode(False),
            torch.autocast("cpu", enabled=False),
        ):
            warnings.simplefilter("ignore")
            torch.set_grad_enabled(True)
            torch.set_default_dtype(torch.float32)
            use_default_device(torch.device("cpu"))
            torch.set_num_threads(1)  # the probes are too small to share out
            yield
    finally:
        # An answer may leave a mode on; so does a time limit that ends one of ours while it begins or ends.
        while torch._C._len_torch_function_stack() > modes:
            torch._C._pop_torch_function_stack()
        random.setstate(states[0])
        numpy.random.set_state(states[1])
        torch.set_rng_state(states[2])
        torch.set_grad_enabled(grad)
        torch.set_default_dtype(dtype)
        use_default_device(device)
        torch.set_num_threads(threads)
        if _deterministic() != deterministic:  # to set it at all, PyTorch loads its compiler
            torch.use_deterministic_algorithms(deterministic[0], warn_only=deterministic[1])
        torch.autograd.set_detect_anomaly(*anomaly)
        if collects:
            gc.collect(0)  # of this check alone; else a full collection comes first of all
            gc.enable()


def _deterministic() -> tuple[bool, bool]:
    return (
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
    )


#: what answers compute with: the names in them, and the hooks of all modules
_TOOLS = (
    torch,
    F,
    *{kind for kind in vars(nn).values() if isinstance(kind, type)},
    ResidualBasicBlock,
    ResidualBottleNeck,
    ResNetBase,
)
_HOOKS = [
    hooks
    for name, hooks in vars(nn.modules.module).items()
    if name.startswith("_global_") and isinstance(hooks, dict)
]


@contextlib.contextmanager
def tools_stay() -> Iterator[None]:
    """Puts PyTorch's functions, layers and global hooks, and the library's classes back.

    An answer that patches one must not change the next check.
    """
    names = [dict(vars(tool)) for tool in _TOOLS]
    entries = [dict(hooks) for hooks in _HOOKS]
    try:
        yield
    finally:
        with untimed():
            for tool, before in zip(_TOOLS, names):
                for name, value in before.items():
                    if vars(tool).get(name) is not value:
                        setattr(tool, name, value)
                if isinstance(tool, type):
                    for name in vars(tool).keys() - before.keys():
                        if not name.startswith("__"):
                            delattr(tool, name)
            for hooks, before in zip(_HOOKS, entries):
                hooks.clear()
                hooks.update(before)


def use_default_device(device: torch.device) -> None:
    """Makes new tensors on ``device``. Not with set_default_device("cpu"), which slows every later operation down."""
    if torch.get_default_device() != device:
        torch.set_default_device(None if device.type == "cpu" else device)


_EVERY = 0.01  # seconds between two looks at the clock
_not_theirs = 0.0  # processor time in `untimed` so far


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises :class:`TimeIsUp` inside after ``seconds``, and again every 10 ms in case a bare ``except`` catches it.

    It counts processor time, so that a busy machine fails no right answer. Code that waits, which uses none, has as long
    by the clock: it is told from code that has to wait for others, which works whenever the clock is looked at.
    Modules that are loaded meanwhile, as on PyTorch's first use of the meta device, cost nothing and are not interrupted.
    Only the main thread can be interrupted, on systems that have interval timers; elsewhere there is no limit.
    """
    global _not_theirs
    if not _can_interrupt():
        yield
        return
    _not_theirs = 0.0
    start = latest = time.thread_time()
    idle, is_up, caught = 0.0, False, False

    def interrupt(signum, frame):
        global _not_theirs
        nonlocal latest, idle, is_up, caught
        now = time.thread_time()
        if _is_loading(frame):
            _not_theirs += now - latest
            latest = now
            return
        idle = idle + _EVERY if now - latest < _EVERY / 10 else 0.0
        latest = now
        is_up = is_up or now - start - _not_theirs >= seconds or idle >= seconds
        if is_up:
            if caught:
                _raise_at_next_line(frame)
            caught = True
            raise TimeIsUp

    tracing = sys.gettrace()
    before = signal.signal(signal.SIGALRM, interrupt)
    timer = signal.setitimer(signal.ITIMER_REAL, _EVERY, _EVERY)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        signal.setitimer(signal.ITIMER_REAL, *timer)
        if caught:
            sys.settrace(tracing)


def _is_loading(frame: FrameType | None) -> bool:
    """Whether a module that is not the student's is being loaded."""
    while frame is not None and not _is_theirs(frame.f_code.co_filename):
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _raise_at_next_line(frame: FrameType | None) -> None:
    """Raises :class:`TimeIsUp` once more at the next line of a student's code: that is in the bare ``except`` that catches it.

    A loop that waits inside ``try`` is interrupted there, and nowhere else, however often.
    """

    def at_line(frame, event, argument):
        if event == "line":
            raise TimeIsUp
        return at_line

    while frame is not None and frame.f_code.co_name != "check_answer":
        if _is_theirs(frame.f_code.co_filename):
            frame.f_trace = at_line
        frame = frame.f_back
    sys.settrace(lambda frame, event, argument: None)


@contextlib.contextmanager
def untimed() -> Iterator[None]:
    """Stops the clock of :func:`time_limit` meanwhile: what is not the student's code does not take their time.

    Ctrl-C waits until the end: what is looked at here is remembered, so a part of it would be wrong for the whole session.
    """
    global _not_theirs
    if not _can_interrupt():
        yield
        return
    left, interval = signal.setitimer(signal.ITIMER_REAL, 0)
    start = time.thread_time()
    interrupts: list[tuple] = []
    handler = signal.getsignal(signal.SIGINT)
    if callable(handler):
        signal.signal(signal.SIGINT, lambda *given: interrupts.append(given))
    try:
        yield
    finally:
        if callable(handler):
            signal.signal(signal.SIGINT, handler)
        if left:  # else this is inside another `untimed`, which counts
            _not_theirs += time.thread_time() - start
        signal.setitimer(signal.ITIMER_REAL, left, interval)
        if interrupts:
            handler(*interrupts[-1])


def _can_interrupt() -> bool:
    main = threading.current_thread() is threading.main_thread()
    return main and hasattr(signal, "setitimer")


class Differs(BaseException):
    """Ends the look at a known mistake once it is clear that it is another one; ``seen`` is what was seen until then."""

    def __init__(self, seen: dict):
        super().__init__()
        self.seen = seen


class StudentError(Exception):
    """What a student's code raised, told without a traceback: ``reason``, and their own ``line`` where there is one."""

    def __init__(self, error: BaseException):
        self.kind = type(error).__name__
        try:
            self.text = str(error)
        except BaseException:
            self.text = ""
        self.not_implemented = isinstance(error, NotImplementedError) and _raised_by_name(error)
        self.timed_out = isinstance(error, TimeIsUp)
        self.line = _students_line(error)
        super().__init__(self.text)

    @property
    def numbers(self) -> tuple[str, ...]:
        """Type and numbers of the error: equal for the same mistake written in another order.

        Without numbers it is the kind of trouble or, where that has no name here, the words: not every TypeError is the same.
        """
        if self.text.startswith("a block was built for "):
            return (self.text,)  # our own words, in which the order of the numbers counts
        if layer_for_tensor(self.text):
            return ("a layer in place of a tensor",)  # whichever operation meets it first
        found = sorted(re.findall(r"\d+", self.text))
        if not found:
            kind = next(
                (what for what, words in _TROUBLES if re.search(words, self.text)), None
            )
            found = [kind] if kind else sorted(re.findall(r"\w+", self.text))
        return (self.kind, *found)

    def explain(self) -> str:
        """One or two sentences for the student."""
        if self.timed_out:
            return "Your code had not finished after the time that a check may take. Either it is slow, or a loop in it never ends."
        where = f" at your line `{self.line}`" if self.line else ""
        said = self.text.strip().splitlines()[0] if self.text.strip() else ""
        said = _shortened(re.sub(r",? but expected one of:?$", "", said))
        raised = f"Your code raised {self.kind}{where}" + (f": {said}" if said else "")
        translation = translate(self.text)
        raised = raised if raised.endswith("?") else raised.rstrip(".") + "."
        return raised + (f" {translation}" if translation else "")


#: what errors without numbers are about, in whichever words they say it
_TROUBLES = (
    ("something else as a stride", r"^a block received \w+ as its stride"),
    ("no super().__init__()", r"before Module\.__init__\(\) call"),
    ("no tensor as data", r"^Variable data has to be a tensor"),
    ("no parameter", r"^cannot assign .* as parameter"),
    ("a leaf in place", r"a leaf Variable that requires grad"),
    ("None in a calculation", r"^unsupported operand .*'NoneType'"),
    ("numbers of two types", r"scalar type|and (bias|weight) type|same dtype"),
)


def _shortened(said: str, most: int = 200) -> str:
    """A long message up to the end of a sentence, or else of a word."""
    if len(said) <= most:
        return said
    sentence = said[: 2 * most].split(". ")[0]
    return sentence if len(sentence) < 1.5 * most else said[:most].rpartition(" ")[0] + " …"


def attempt(function: Callable, *args, **kwargs):
    """Calls ``function``; whatever it raises, ``sys.exit`` and endless loops included, becomes a :class:`StudentError`."""
    try:
        return function(*args, **kwargs)
    except (StudentError, Differs):
        raise
    except BaseException as error:
        raise StudentError(error) from None


def translate(text: str) -> str:
    """What PyTorch's message means here, or an empty string."""
    match = re.search(
        r"size of tensor a \((\d+)\) must match the size of tensor b \((\d+)\) at non-singleton dimension (\d)",
        text,
    )
    if match:
        a, b, axis = match.groups()
        what = {"1": "numbers of channels", "2": "heights", "3": "widths"}.get(
            axis, f"sizes along axis {axis}"
        )
        return f"Two tensors that must have the same shape, as in a sum, have different {what}: {a} and {b}."
    match = re.search(
        r"weight of size \[(\d+), (\d+), .*expected input.* to have (\d+) channels, but got (\d+) channels",
        text,
    )
    if match:
        out, _, wanted, got = match.groups()
        return f"A convolution was made for {wanted} channels (it gives {out}) and receives {got}. Look at its in_channels, or at the tensor that you give it."
    match = re.search(
        r"mat1 and mat2 shapes cannot be multiplied \((\d+)x(\d+) and (\d+)x(\d+)\)", text
    )
    if match:
        batch, got, wanted, _ = match.groups()
        return f"A linear layer expects {wanted} numbers for each image and receives {got} (for {batch} images)."
    match = re.search(r"running_mean should contain (\d+) elements not (\d+)", text)
    if match:
        return f"A batch norm was made for {match.group(2)} channels and receives {match.group(1)}."
    if "'NoneType' object is not callable" in text:
        return "What stands before the brackets is None there."
    if "modified by an inplace operation" in text:
        return "An in-place operation, such as += or inplace=True, overwrote a tensor that the gradient needs."
    if (
        "before Module.__init__() call" in text
        or "__init__() call" in text
        and "Module" in text
    ):
        return "Call super().__init__() first in your __init__."
    if layer := layer_for_tensor(text):
        return (
            f"A layer ({layer}) stands where a tensor is needed. A layer is applied by brackets behind it, as in "
            f"`self.layer(x)`; without them, or as `nn.{layer}(x)`, it is made or named, and not applied."
        )
    if kind := not_a_module(text):
        article = "An" if kind[0].lower() in "aeiou" else "A"
        return f"{article} {kind} stands where nn.Sequential takes one module."
    return ""


_LAYERS = {name for name, kind in vars(nn).items() if isinstance(kind, type)}


def layer_for_tensor(text: str) -> str:
    """The class of the layer that an operation received instead of a tensor, as PyTorch's or Python's message tells it."""
    for pattern in (
        r"must be Tensor, not (\w+)",
        r"arguments - got \((\w+),",
        r"unsupported operand type\(s\) for \S+ '(\w+)' and 'Tensor'",
        r"unsupported operand type\(s\) for \S+ 'Tensor' and '(\w+)'",
    ):
        match = re.search(pattern, text)
        if match and match.group(1) in _LAYERS:
            return match.group(1)
    match = re.search(r"'(\w+)' object has no attribute '(\w+)'", text)
    if match and match.group(1) in _LAYERS and hasattr(Tensor, match.group(2)):
        return match.group(1)
    return ""


def not_a_module(text: str) -> str:
    """The type of what a container such as nn.Sequential was given in the place of a module, as PyTorch's message tells it."""
    match = re.fullmatch(r"(?:\w+\.)*(\w+) is not a Module subclass", text.strip())
    return match.group(1) if match else ""


def _raised_by_name(error: BaseException) -> bool:
    """Whether the function that raised an error names its type, as a stub does. Else the error is one of PyTorch's."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    return (
        step is not None
        and _is_theirs(step.tb_frame.f_code.co_filename)
        and type(error).__name__ in step.tb_frame.f_code.co_names
    )


@functools.cache
def _is_theirs(path: str) -> bool:
    """Whether a file is neither ours, nor PyTorch's, nor Python's own."""
    return (
        not path.startswith((_OURS, _TORCH, "<frozen", sys.base_prefix))
        and "site-packages" not in path
    )


def _students_line(error: BaseException) -> str | None:
    """The last line of the traceback that is the student's."""
    last, step = None, error.__traceback__
    while step is not None:
        if _is_theirs(step.tb_frame.f_code.co_filename):
            last = step
        step = step.tb_next
    if last is None:
        return None
    path = last.tb_frame.f_code.co_filename
    linecache.checkcache(path)
    return linecache.getline(path, last.tb_lineno, last.tb_frame.f_globals).strip() or None
