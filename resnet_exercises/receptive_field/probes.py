"""What is tried on ``receptive_field``, and the sum layer by layer as evidence."""

import itertools

from resnet_exercises.calls import call, calls, number_in_text, with_numbers

PRAISE = {"receptive_field": "Kernels, strides and their order all count as they should."}

FIRST = [
    [(3, 2), (7, 2), (1, 1)],
    [(3, 1), (3, 1)],
    [(7, 2), (3, 2)],
    [(7, 2), (3, 2), (3, 1), (5, 3), (3, 1)],
    [(1, 2), (3, 1)],
    [(2, 2)],
    [(1, 2)],
    [(7, 2), (3, 2), *[(3, 1)] * 6, (3, 2), (3, 1), (3, 2)],
]
# All chains of one and two layers of these kinds, and all of three with two kernels: small enough for an answer that
# really convolves an image.
SHORT = [
    list(chain)
    for length, kernels in ((1, (1, 2, 3, 5)), (2, (1, 2, 3, 5)), (3, (1, 3)))
    for chain in itertools.product(itertools.product(kernels, (1, 2, 3)), repeat=length)
]
LONG = [(11, 4), (3, 2), (5, 1), (4, 2), (3, 1), (2, 5), (3, 1)]
probes = calls(map(call, FIRST), [call([])], map(call, [*SHORT, LONG]), form=number_in_text)


@with_numbers
def evidence(expected, layers) -> str:
    """The sum, layer by layer, where it is short enough to follow."""
    distance, terms = 1, ["1"]
    for kernel_size, stride in layers:
        terms.append(f"({kernel_size} − 1)·{distance}")
        distance *= stride
    return f"{' + '.join(terms)} = {expected.shown}" if 1 < len(terms) <= 6 else ""
