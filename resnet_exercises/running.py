"""Runs a student's code so that nothing it does reaches the notebook: no output, no endless loop, no changed state."""

import contextlib
import functools
import gc
import io
import random
import signal
import sys
import threading
import time
import warnings
from collections.abc import Iterator
from types import FrameType

from resnet_exercises.errors import TimeIsUp, is_theirs

#: processor time of this thread in seconds; where Python runs in a page there is only the clock
processor_time = getattr(time, "thread_time", time.perf_counter)
_EVERY = 0.01  # seconds between two looks at the clock


@contextlib.contextmanager
def nothing_changes() -> Iterator[None]:
    """Keeps seeds, modes and defaults as they are, and hides what is printed or warned of meanwhile.

    The garbage collector waits: with PyTorch loaded, one full collection takes as long as all the rest of a check.
    """
    with contextlib.ExitStack() as stack:
        stack.callback(random.setstate, random.getstate())
        if gc.isenabled():
            gc.disable()
            stack.callback(gc.enable)
            stack.callback(gc.collect, 0)  # of this check alone
        stack.enter_context(warnings.catch_warnings())
        stack.enter_context(contextlib.redirect_stdout(io.StringIO()))
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))
        warnings.simplefilter("ignore")
        if "torch" in sys.modules:
            from resnet_exercises.tensors import torch_stays

            stack.enter_context(torch_stays())
        yield


@functools.cache
def as_long_as(seconds: float) -> float:
    """What takes ``seconds`` of processor time on a usual machine takes so many on this one: it may be slower."""
    took = []
    for _ in range(3):  # the least: in a page there is only the clock, and other work counts
        start = processor_time()
        sum(number % 7 for number in range(200_000))
        took.append(processor_time() - start)
    return seconds * max(1.0, min(took) / 0.008)


@contextlib.contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Raises :class:`TimeIsUp` inside after ``seconds``, and again every 10 ms in case a bare ``except`` catches it.

    It counts processor time, so that a busy machine fails no right answer. Code that waits, which uses none, has as
    long by the clock. Modules that are loaded meanwhile, as on PyTorch's first use of the meta device, cost nothing.
    Only the main thread can be interrupted, on systems that have interval timers; elsewhere there is no limit.
    """
    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or not hasattr(signal, "setitimer"):
        yield
        return
    latest, busy, idle, caught = processor_time(), 0.0, 0.0, False

    def interrupt(signum, frame):
        nonlocal latest, busy, idle, caught
        took = processor_time() - latest
        latest += took
        if _is_loading(frame):
            return
        busy += took
        idle = idle + _EVERY if took < _EVERY / 10 else 0.0
        if caught or busy >= seconds or idle >= seconds:
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
    while frame is not None and not is_theirs(frame.f_code.co_filename):
        if frame.f_code.co_filename == "<frozen importlib._bootstrap>":
            return True
        frame = frame.f_back
    return False


def _raise_at_next_line(frame: FrameType | None) -> None:
    """Raises :class:`TimeIsUp` again at a student's next line, as ``while True: try: … except: pass`` catches it."""

    def at_line(frame, event, argument):
        if event == "line":
            raise TimeIsUp
        return at_line

    while frame is not None and frame.f_code.co_name != "check_answer":
        if is_theirs(frame.f_code.co_filename):
            frame.f_trace = at_line
        frame = frame.f_back
    sys.settrace(lambda frame, event, argument: None)
