"""How two ways to do the same work are timed against each other, so that what slows the machine down slows both."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import nn

from resnet_lib.formula import check_int


@dataclass(frozen=True)
class Speed:
    """The times in seconds that a function and its reference took, round by round."""

    times: tuple[float, ...]
    reference_times: tuple[float, ...]

    @property
    def seconds(self) -> float:
        """The median time of the function."""
        return statistics.median(self.times)

    @property
    def reference_seconds(self) -> float:
        """The median time of the reference."""
        return statistics.median(self.reference_times)

    @property
    def quartiles(self) -> tuple[float, float, float]:
        """What a quarter, half and three quarters of the rounds stay below, of reference time / time.

        The quotient is taken round by round, so a slow minute, in which both are slow, does not change it.
        """
        quotients = [
            theirs / ours for ours, theirs in zip(self.times, self.reference_times, strict=True)
        ]
        low, middle, high = statistics.quantiles(quotients, n=4, method="inclusive")
        return low, middle, high

    @property
    def speed_up(self) -> float:
        """How many times as fast as the reference: 1 is equally fast, 2 takes half the time. The median over the
        rounds.
        """
        return self.quartiles[1]


def compare_speed(
    run: Callable[[], object],
    reference: Callable[[], object],
    rounds: int = 15,
    warm_up: int = 3,
) -> Speed:
    """Times ``run`` and ``reference`` right after one another, ``rounds`` times; who goes first alternates.

    Both are called ``warm_up`` times before, untimed: the first calls allocate memory and choose how to compute.
    Raises ``TypeError`` or ``ValueError`` if ``rounds`` is not an int from 2 or ``warm_up`` not one from 1.
    """
    check_int("rounds", rounds, lowest=2)
    check_int("warm_up", warm_up)
    for _ in range(warm_up):
        run()
        reference()
    times, reference_times = [], []
    for number in range(rounds):
        turn = [(run, times), (reference, reference_times)]
        for function, kept in turn if number % 2 == 0 else reversed(turn):
            start = time.perf_counter()
            function()
            kept.append(time.perf_counter() - start)
    return Speed(tuple(times), tuple(reference_times))


@torch.inference_mode()
def gemm_speed_up(
    reference: Callable[[], object], multiply_adds: int, dtype: torch.dtype, size: int = 1536
) -> float:
    """How many times as fast ``reference`` would be if its ``multiply_adds`` ran at the rate of a matrix product.

    A yardstick for what the processor can do, and no bound: a convolution that is better written may pass it. The two
    ``size`` × ``size`` matrices are multiplied as ``a @ b`` and as a 1×1 convolution, which go through different
    libraries; the faster one counts.
    """
    a, b = torch.randn(2, size, size).to(dtype)
    conv = nn.Conv2d(size, size, 1, bias=False).to(dtype, memory_format=torch.channels_last)
    pixels = torch.randn(1, size, 48, size // 48).to(dtype, memory_format=torch.channels_last)
    products = (lambda: a @ b, lambda: conv(pixels))
    fastest = max(compare_speed(product, reference, rounds=7).speed_up for product in products)
    return fastest * size**3 / multiply_adds
