"""What is tried on ``count_parameters``, and the count with the numbers put in as evidence."""

import itertools

from resnet_exercises.calls import call, calls, number_in_text, with_numbers

PRAISE = {"count_parameters": "Weights and biases are all counted."}

FIRST = [
    call(3, 64, 7, False),
    call(2, 5, 3, True),
    call(3, 5, 1, True),
    call(4, 4, 3, False),
    call(127, 129, 3, True),  # 147,576: a 16-bit integer is too small
    call(in_channels=2, out_channels=5, kernel_size=3, bias=True),
]
SMALL = itertools.product((1, 2, 7), (1, 3, 8), (1, 2, 3, 5), (False, True))
probes = calls(FIRST, (), itertools.starmap(call, SMALL), form=number_in_text)


@with_numbers
def evidence(expected, i, o, k, bias) -> str:
    return f"{o}·{i}·{k}·{k}{f' + {o}' if bias else ''} = {expected.shown}"
