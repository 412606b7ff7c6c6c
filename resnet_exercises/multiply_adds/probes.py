"""What is tried on ``multiply_adds``, and the count with the numbers put in as evidence."""

import itertools

from resnet_exercises.calls import call, calls, number_in_text, with_numbers

PRAISE = {"multiply_adds": "Every weight is used once at every position, as you count it."}

FIRST = [
    call(2, 4, 3, 5),
    call(3, 64, 7, 14),
    call(16, 16, 1, 7),
    call(in_channels=2, out_channels=4, kernel_size=3, output_size=5),
]
SMALL = itertools.product((1, 2, 7), (1, 3, 8), (1, 2, 3, 5), (1, 2, 7))
# Above 2³¹: too much for 32-bit integers and floats. The floats give the same whatever comes first, as powers of 2 cost
# them nothing, and without these only the whole product has more than 24 bits.
LARGE = [call(3, 64, 7, 112), call(504, 520, 3, 31)]
probes = calls(FIRST, (), itertools.starmap(call, SMALL), LARGE, form=number_in_text)


@with_numbers
def evidence(expected, i, o, k, size) -> str:
    return f"{o}·{i}·{k}·{k} weights × {size}·{size} positions = {expected.shown}"
