"""The output-size formula O = (I - K + 2P) / S + 1 and its inverse.

Names, for each of height and width:

====== ==================================================================
symbol meaning
====== ==================================================================
I      input size, in pixels
K      kernel size
P      padding: zeros added on *each* of the two sides
S      stride: how far the kernel moves from one position to the next
O      output size: the number of positions of the kernel
====== ==================================================================

Source: the shape section of ``torch.nn.Conv2d`` and ``torch.nn.MaxPool2d`` (PyTorch documentation), with dilation 1.
"""

#: A size in pixels: one int for a square, or a pair (H, W).
Size = int | tuple[int, int]


def output_size(
    input_size: Size, kernel_size: Size, padding: Size = 0, stride: Size = 1
) -> Size:
    """The output size of a convolution or pooling layer: O = floor((I - K + 2P) / S) + 1.

    Every argument is an int, or a pair (H, W). The result is an int if all four are ints, else a
    pair (H, W).

    Raises ``TypeError`` for anything but ints and pairs of ints, and ``ValueError`` for a value
    that is out of range or a kernel that is larger than the padded input.
    """
    values = (input_size, kernel_size, padding, stride)
    if any(isinstance(value, (tuple, list)) for value in values):
        pairs = [_as_pair(name, value) for name, value in zip(_LOWEST, values)]
        return tuple(output_size(*one_axis) for one_axis in zip(*pairs))
    for name, value in zip(_LOWEST, values):
        check_int(name, value, _LOWEST[name])

    room = input_size - kernel_size + 2 * padding  # how far the kernel can move, in pixels
    if room < 0:
        raise ValueError(
            f"the kernel does not fit: kernel_size {kernel_size} is larger than the padded "
            f"input, {input_size} + 2·{padding} = {input_size + 2 * padding} pixels. "
            "Use a smaller kernel, more padding or a larger input."
        )
    return room // stride + 1


def unused_pixels(input_size: int, kernel_size: int, padding: int = 0, stride: int = 1) -> int:
    """How many pixels at the far edge of the padded input no kernel position reaches: (I - K + 2P) mod S.

    This is what the floor in :func:`output_size` throws away, for one axis. Raises as :func:`output_size` does.
    """
    for name, value in zip(_LOWEST, (input_size, kernel_size, padding, stride)):
        check_int(name, value, _LOWEST[name])
    output_size(input_size, kernel_size, padding, stride)  # raises if the kernel does not fit
    return (input_size - kernel_size + 2 * padding) % stride


def input_sizes(output_size: int, kernel_size: int, padding: int = 0, stride: int = 1) -> range:
    """All input sizes that give this output size, for one axis: the inverse of :func:`output_size`.

    From the formula: (O - 1)·S + K - 2P and the S - 1 sizes after it. Sizes below 1 are left out, so the range is
    empty where no input gives this output. Raises ``TypeError`` and ``ValueError`` for bad values.
    """
    check_int("output_size", output_size)
    check_int("kernel_size", kernel_size)
    check_int("padding", padding, lowest=0)
    check_int("stride", stride)
    first = (output_size - 1) * stride + kernel_size - 2 * padding
    return range(max(first, 1), max(first + stride, 1))


def same_padding(kernel_size: int) -> int:
    """The padding with which a layer of stride 1 keeps the size: P = (K - 1) / 2.

    Raises ``ValueError`` for an even kernel: P would not be a whole number.
    """
    check_int("kernel_size", kernel_size)
    if kernel_size % 2 == 0:
        raise ValueError(
            f"no padding that is equal on both sides keeps the size with an even kernel: for kernel_size "
            f"{kernel_size} it would be "
            f"({kernel_size} - 1) / 2 = {(kernel_size - 1) / 2}. Use an odd kernel."
        )
    return (kernel_size - 1) // 2


# The arguments of output_size in order, each with the lowest value that makes sense.
_LOWEST = {"input_size": 1, "kernel_size": 1, "padding": 0, "stride": 1}


def _as_pair(name: str, value: Size) -> tuple[int, int]:
    if not isinstance(value, (tuple, list)):
        value = (value, value)
    if len(value) != 2:
        raise TypeError(
            f"{name} must be an int or a pair (H, W), not {value!r} with {len(value)} values"
        )
    for side in value:
        check_int(name, side, _LOWEST[name])
    return tuple(value)


def check_int(name: str, value: int, lowest: int = 1) -> None:
    """Raises ``TypeError`` if ``value`` is no int, ``ValueError`` if it is below ``lowest``."""
    if type(value) is not int:  # to isinstance, True is an int
        raise TypeError(f"{name} must be an int, not {value!r} of type {type(value).__name__}")
    if value < lowest:
        raise ValueError(f"{name} must be {lowest} or more, not {value}")


def check_shape(shape: tuple[int, ...], axes: str) -> None:
    """Raises ``ValueError`` if ``shape`` is not one positive int for each of ``axes``: "(C, H, W)"."""
    wanted = axes.count(",") + 1
    in_words = {3: "three", 4: "four"}[wanted]
    is_shape = isinstance(shape, (tuple, list)) and len(shape) == wanted
    if not is_shape or any(type(side) is not int or side < 1 for side in shape):
        raise ValueError(f"input_shape must be {in_words} positive ints {axes}, not {shape!r}")
