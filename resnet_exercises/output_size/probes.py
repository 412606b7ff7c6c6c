"""What is tried on ``output_size``, and the formula with the numbers put in as evidence."""

import itertools
import math

from resnet_exercises.calls import call, calls, first_wrong, number_in_text, with_numbers

PRAISE = {"output_size": "Every size is right, with halves and without, and a kernel that does not fit is refused."}

FITTING = [
    call(7, 3),
    call(7, 3, padding=1, stride=2),
    call(8, 3, padding=1, stride=2),
    call(14, 3, padding=1, stride=2),  # 7.5: here even round() is wrong
    call(6, 2, stride=2),  # an even kernel, and no padding given
    call(9, 3, 2),  # padding and stride by their places
    call(9, 3, 2, 3),  # 3.33: a fraction that is not a half
    call(224, 7, padding=3, stride=2),
    call(5, 1, 1),  # more padding than kernel
    call(56, 1, stride=2),  # a kernel smaller than the stride, as on the shortcuts
    call(8, 3, 1, 3),  # here each term rounded down by itself gives less than the whole
]
SPECIAL = [
    call(5, 5),  # fits exactly
    call(5, 7, padding=1, stride=2),  # fits exactly with the padding on both sides
    call(6, 7, stride=2),  # -1 / 2: int() cuts it to 0
    call(4, 7, padding=1),  # one pixel too few, with the padding on both sides
    call(2, 9, padding=1, stride=2),  # -2.5 + 1: int() cuts it to -1, the floor is -2
]
# All small layers: a rule that is right for the sizes above by luck is wrong for one of these.
SMALL = itertools.product(range(1, 8), (1, 2, 3, 5), range(3), range(1, 5))
# And some large ones, for a rule with a limit: a kernel may be as large as the image, as in global pooling.
LARGE = [(56, 56), (224, 31, 15, 8), (1000, 11, 2, 4)]
probes = calls(FITTING, SPECIAL, itertools.starmap(call, (*SMALL, *LARGE)), form=number_in_text)


@with_numbers
def evidence(expected, i, k, p, s) -> str:
    if expected.kind == "error":
        fits = f"does not fit into {i} + 2·{p} = {i + 2 * p} pixels"
        return f"the kernel, {k} wide, {fits}, so a ValueError is right"
    exact = (i - k + 2 * p) / s + 1
    return f"({i} − {k} + 2·{p}) / {s} + 1 = {round(exact, 2)}, floor {math.floor(exact)}"


def picture(probe, expected, got):
    """The positions of the kernel, where they fit on a drawing."""
    i, k, p, s = first_wrong(expected, got)[0].everything
    if not k <= i + 2 * p <= 20:
        return None

    def draw():
        from resnet_lib.drawing import draw_positions  # matplotlib takes a while to load

        return draw_positions(i, k, p, s)

    return draw
