"""What is tried on ``output_size``, and the formula with the numbers put in as evidence."""

import itertools
import math

from resnet_exercises.calls import Call, call, calls, first_wrong, number_in_text, yours

PRAISE = {
    "output_size": "Every size is right, with halves and without, and a kernel that does not fit is refused."
}


def _size(*positional: int, **named: int) -> Call:
    i, k, p, s = (*positional, *(0, 1)[len(positional) - 2 :])
    everything = i, k, named.get("padding", p), named.get("stride", s)
    return call("output_size", *positional, everything=everything, **named)


FITTING = [
    _size(7, 3),
    _size(7, 3, padding=1, stride=2),
    _size(8, 3, padding=1, stride=2),
    _size(14, 3, padding=1, stride=2),  # 7.5: here even round() is wrong
    _size(6, 2, stride=2),  # an even kernel, and no padding given
    _size(9, 3, 2),  # padding and stride by their places
    _size(9, 3, 2, 3),  # 3.33: a fraction that is not a half
    _size(224, 7, padding=3, stride=2),
    _size(5, 1, 1),  # more padding than kernel
    _size(56, 1, stride=2),  # a kernel smaller than the stride, as on the shortcuts
    _size(8, 3, 1, 3),  # here each term rounded down by itself gives less than the whole
]
SPECIAL = [
    _size(5, 5),  # fits exactly
    _size(5, 7, padding=1, stride=2),  # fits exactly with the padding on both sides
    _size(6, 7, stride=2),  # -1 / 2: int() cuts it to 0
    _size(4, 7, padding=1),  # one pixel too few, with the padding on both sides
    _size(2, 9, padding=1, stride=2),  # -2.5 + 1: int() cuts it to -1, the floor is -2
]
# All small layers: a rule that is right for the sizes above by luck is wrong for one of these.
SMALL = itertools.product(range(1, 8), (1, 2, 3, 5), range(3), range(1, 5))
# And some large ones, for a rule with a limit: a kernel may be as large as the image, as in global pooling.
LARGE = [(56, 56), (224, 31, 15, 8), (1000, 11, 2, 4)]


def probes(name, solution):
    """The calls that are made of an answer."""
    many = [_size(*sizes) for sizes in (*SMALL, *LARGE)]
    return calls(solution, FITTING, SPECIAL, many, form=number_in_text)


def evidence(probe, expected, got) -> str:
    """The formula with the numbers put in."""
    one, expected, got = first_wrong(expected, got)
    i, k, p, s = one.everything
    if expected.kind == "error":
        room = f"{i} + 2·{p} = {i + 2 * p}"
        return f"{one}: the kernel, {k} wide, does not fit into {room} pixels, so a ValueError is right{yours(got)}"
    exact = (i - k + 2 * p) / s + 1
    formula = f"({i} − {k} + 2·{p}) / {s} + 1 = {round(exact, 2)}, floor {math.floor(exact)}"
    return f"{one}: {formula}{yours(got)}"


def picture(probe, expected, got):
    """The positions of the kernel, where they fit on a drawing."""
    i, k, p, s = first_wrong(expected, got)[0].everything
    if not k <= i + 2 * p <= 20:
        return None

    def draw():
        from resnet_lib.drawing import draw_positions  # matplotlib takes a while to load

        return draw_positions(i, k, p, s)

    return draw
