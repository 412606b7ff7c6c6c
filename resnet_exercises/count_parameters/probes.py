"""What is tried on ``count_parameters``, and the count with the numbers put in as evidence."""

import itertools

from resnet_exercises.calls import call, calls, first_wrong, number_in_text, yours

PRAISE = {"count_parameters": "Weights and biases are all counted."}


def probes(name, solution):
    """The calls that are made of an answer."""
    first = [
        call(name, 3, 64, 7, False),
        call(name, 2, 5, 3, True),
        call(name, 3, 5, 1, True),
        call(name, 4, 4, 3, False),
        call(name, 127, 129, 3, True),  # 147,576: a 16-bit integer is too small
        call(
            name,
            in_channels=2,
            out_channels=5,
            kernel_size=3,
            bias=True,
            everything=(2, 5, 3, True),
        ),
    ]
    small = itertools.product((1, 2, 7), (1, 3, 8), (1, 2, 3, 5), (False, True))
    return calls(
        solution, first, (), (call(name, *sizes) for sizes in small), form=number_in_text
    )


def evidence(probe, expected, got) -> str:
    """The count with the numbers put in."""
    one, expected, got = first_wrong(expected, got)
    i, o, k, bias = one.everything
    biases = f" + {o}" if bias else ""
    return f"{one}: {o}·{i}·{k}·{k}{biases} = {expected.shown}{yours(got)}"
