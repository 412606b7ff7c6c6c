"""The clock of chapter 9 and of `make bench`: who is timed when, and what is made of the times."""

import pytest
import torch

from resnet_lib import timing
from resnet_lib.timing import Speed, compare_speed


@pytest.fixture
def clock(monkeypatch):
    """A clock that only moves when a function under test moves it."""
    now = [0.0]
    monkeypatch.setattr(timing.time, "perf_counter", lambda: now[0])
    return now


def test_pairs_in_turn(clock):
    calls = []

    def take(name, seconds):
        def run():
            calls.append(name)
            clock[0] += seconds

        return run

    speed = compare_speed(take("run", 2), take("reference", 3), rounds=3, warm_up=1)
    assert calls[:2] == ["run", "reference"]
    assert calls[2:] == ["run", "reference", "reference", "run", "run", "reference"]
    assert speed == Speed((2.0,) * 3, (3.0,) * 3)
    assert (speed.seconds, speed.reference_seconds, speed.speed_up) == (2, 3, 1.5)


def test_a_slow_minute_changes_nothing():
    """Both take ten times as long in two rounds of five: the speed-up, taken round by round, stays."""
    speed = Speed((1, 1, 10, 10, 1), (2, 2, 20, 20, 2))
    assert speed.quartiles == (2, 2, 2)


def test_quartiles_are_of_the_quotients():
    speed = Speed((1, 1, 1, 1, 1), (9, 1, 4, 2, 3))
    assert speed.quartiles == (2, 3, 4) and speed.speed_up == 3
    assert speed.reference_seconds == 3


def test_speed_up_is_no_quotient_of_medians():
    speed = Speed((1, 4, 2), (8, 4, 3))
    assert speed.reference_seconds / speed.seconds == 2 and speed.speed_up == 1.5


@pytest.mark.parametrize("options", [{"rounds": 1}, {"warm_up": 0}, {"rounds": -2}], ids=str)
def test_too_few(options):
    with pytest.raises(ValueError, match="must be . or more"):
        compare_speed(int, int, **options)


def test_no_int():
    with pytest.raises(TypeError, match="rounds must be an int"):
        compare_speed(int, int, rounds=2.0)


def test_at_the_rate_of_a_matrix_product(monkeypatch):
    """The reference takes 6 s for ten times the multiply-adds of a product, and the faster way to one takes 0.2 s."""
    speeds = iter([Speed(times=(0.3, 0.3), reference_times=(6, 6)), Speed((0.2, 0.2), (6, 6))])
    monkeypatch.setattr(timing, "compare_speed", lambda *runs, **options: next(speeds))
    speed_up = timing.gemm_speed_up(int, 10 * 96**3, torch.float32, size=96)
    assert speed_up == pytest.approx(6 / (10 * 0.2))
