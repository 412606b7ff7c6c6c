"""What is tried on ``multiply_adds``, and the count with the numbers put in as evidence."""

import itertools

from resnet_exercises.calls import call, calls, number_in_text, with_numbers

PRAISE = {"multiply_adds": "Every weight is used once at every position, as you count it."}


def probes(name, solution):
    """The calls that are made of an answer."""
    first = [
        call(solution, 2, 4, 3, 5),
        call(solution, 3, 64, 7, 14),
        call(solution, 16, 16, 1, 7),
        call(solution, in_channels=2, out_channels=4, kernel_size=3, output_size=5),
    ]
    small = itertools.product((1, 2, 7), (1, 3, 8), (1, 2, 3, 5), (1, 2, 7))
    # Above 2³¹: too much for 32-bit integers and floats. The floats give the same whatever comes first, as powers of 2
    # cost them nothing, and without these only the whole product has more than 24 bits.
    large = [call(solution, 3, 64, 7, 112), call(solution, 504, 520, 3, 31)]
    many = [call(solution, *sizes) for sizes in small]
    return calls(solution, first, (), many, large, form=number_in_text)


@with_numbers
def evidence(expected, i, o, k, size) -> str:
    """The count with the numbers put in."""
    return f"{o}·{i}·{k}·{k} weights × {size}·{size} positions = {expected.shown}"
