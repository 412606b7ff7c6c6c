"""The figures of the book, drawn from the numbers of the library.

Every function returns a :class:`Picture`: an image with a text that says what it shows, made from the same numbers. The
figures are narrow, so that they can be read on a phone, stand on a light card of their own, so that they can be read on
a dark page, and tell things apart by pattern and label as well as by colour.
"""

from __future__ import annotations

import io
import math
import statistics

import matplotlib
from matplotlib.figure import Figure
from matplotlib.patches import Circle, FancyBboxPatch, Rectangle
from matplotlib.ticker import FuncFormatter, MaxNLocator
from torch import Tensor, nn

from resnet_lib.costs import layer_costs
from resnet_lib.formula import output_size, unused_pixels
from resnet_lib.tracing import TracedLayer, trace

PAPER, INK, GREY, PALE = "#fbfaf6", "#1d2433", "#6b7280", "#e7e5de"
BLUE, ORANGE, GREEN = "#2563a8", "#b4540a", "#2f7d4f"
BLUE_FILL, ORANGE_FILL, GREEN_FILL = "#d6e4f5", "#fbe3cc", "#d7eddd"

STYLE = {
    "figure.facecolor": PAPER,
    "axes.facecolor": PAPER,
    "savefig.facecolor": PAPER,
    "font.family": "DejaVu Sans",  # comes with matplotlib: the same everywhere
    "font.size": 10,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": GREY,
    "xtick.color": INK,
    "ytick.color": INK,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "hatch.color": GREY,
    "hatch.linewidth": 0.8,
}
ON_LINE = {"fc": PAPER, "ec": "none", "pad": 2}  # the ground of a label that stands on a line
HALF_BOX = 0.14  # inches from the middle of a layer's box to its upper edge
PIXELS_PER_INCH = 104  # on the page; the image has twice as many, for sharp screens and print


class Picture:
    """A drawn figure and the text for those who cannot see it. In a notebook it displays itself."""

    def __init__(self, figure: Figure, alt: str):
        self.figure = figure
        self.alt = alt

    def png(self) -> bytes:
        """The figure as a PNG image, the same bytes each time."""
        buffer = io.BytesIO()
        with matplotlib.rc_context(STYLE):
            metadata = {"Software": None, "Description": self.alt}
            self.figure.savefig(
                buffer, format="png", dpi=2 * PIXELS_PER_INCH, metadata=metadata
            )
        return buffer.getvalue()

    def _repr_mimebundle_(self, include=None, exclude=None):
        width = round(self.figure.get_figwidth() * PIXELS_PER_INCH)
        data = {"image/png": self.png(), "text/plain": self.alt}
        return data, {"image/png": {"width": width, "alt": self.alt}}


def new_figure(width: float, height: float, **options) -> tuple[Figure, matplotlib.axes.Axes]:
    """A figure of ``width`` by ``height`` inches in the style of the book, and its axes."""
    with matplotlib.rc_context(STYLE):
        figure = Figure(figsize=(width, height), layout="constrained")
        return figure, figure.subplots(**options)


def draw_positions(
    input_size: int, kernel_size: int, padding: int = 0, stride: int = 1
) -> Picture:
    """Every position of a kernel along one row of a padded input, one below the other: their number is the output size.

    Padding is dotted; pixels that no position reaches, which the floor leaves out, are hatched.
    """
    positions = output_size(input_size, kernel_size, padding, stride)
    unused = unused_pixels(input_size, kernel_size, padding, stride)
    padded = input_size + 2 * padding

    figure, axes = new_figure(5.2, 0.9 + 0.3 * (positions + 2))
    for pixel in range(padded):
        is_padding = not padding <= pixel < padding + input_size
        is_unused = pixel >= padded - unused
        fill = "white" if is_padding else BLUE_FILL
        axes.add_patch(
            Rectangle((pixel, 0), 1, 1, fc=fill, ec=GREY, ls=":" if is_padding else "-")
        )
        if is_unused:
            axes.add_patch(
                Rectangle((pixel, 0), 1, 1, fc="none", ec=ORANGE, hatch="////", lw=0)
            )
        axes.text(
            pixel + 0.5,
            0.5,
            "0" if is_padding else pixel - padding + 1,
            ha="center",
            va="center",
            fontsize=9,
        )
    for position in range(positions):
        y = 1.5 + position
        axes.add_patch(
            Rectangle(
                (position * stride, y), kernel_size, 0.7, fc=ORANGE_FILL, ec=ORANGE, lw=1.5
            )
        )
        middle = position * stride + kernel_size / 2
        axes.text(
            middle, y + 0.35, f"output {position + 1}", ha="center", va="center", fontsize=9
        )
    if unused:
        note = "not used" if positions > 1 else "not\nused"
        axes.text(
            padded - unused / 2, 1.5, note, ha="center", va="top", fontsize=9, color=ORANGE
        )
    axes.set_xlim(-0.2, padded + 0.2)
    axes.set_ylim(positions + 1.6, -0.2)
    axes.axis("off")
    exact = (input_size - kernel_size + 2 * padding) / stride + 1
    axes.set_title(
        f"I = {input_size}   K = {kernel_size}   P = {padding}   S = {stride}   →   O = {positions}",
        fontsize=10,
    )
    waste = (
        f"; the last {_count(unused, 'pixel')} no position reaches, as {exact:g} is rounded down"
        if unused
        else ""
    )
    alt = (
        f"A row of {_count(input_size, 'pixel')} with {_count(padding, 'zero')} of padding on each side. A kernel of "
        f"width {kernel_size} "
        f"that moves by {stride} has {_count(positions, 'position')}{waste}."
    )
    return Picture(figure, alt)


def draw_windows(
    input_size: int, kernel_size: int, padding: int = 0, stride: int = 1
) -> Picture:
    """The first two and the last window of a kernel on a square padded input, and the output they fill.

    Padding is dotted; rows and columns that no window reaches, which the floor leaves out, are hatched.
    """
    positions = output_size(input_size, kernel_size, padding, stride)
    unused = unused_pixels(input_size, kernel_size, padding, stride)
    padded = input_size + 2 * padding

    figure, (left, right) = new_figure(
        5.2, 3.4, ncols=2, width_ratios=[padded, max(positions, padded / 2)]
    )
    for row in range(padded):
        for column in range(padded):
            inside = all(padding <= place < padding + input_size for place in (row, column))
            fill = BLUE_FILL if inside else "white"
            left.add_patch(
                Rectangle(
                    (column, row), 1, 1, fc=fill, ec=GREY, lw=0.6, ls="-" if inside else ":"
                )
            )
            if max(row, column) >= padded - unused:
                left.add_patch(
                    Rectangle((column, row), 1, 1, fc="none", ec=ORANGE, lw=0, hatch="////")
                )
    for row in range(positions):
        for column in range(positions):
            right.add_patch(Rectangle((column, row), 1, 1, fc=GREEN_FILL, ec=GREY, lw=0.6))

    windows = {"1": (0, 0), "2": (0, 1), "last": (positions - 1, positions - 1)}
    for (label, (row, column)), colour, style in zip(
        windows.items(), (BLUE, ORANGE, GREEN), ("-", "--", "-")
    ):
        if column >= positions:
            continue
        corner = (column * stride, row * stride)
        left.add_patch(
            Rectangle(corner, kernel_size, kernel_size, fc="none", ec=colour, lw=2.5, ls=style)
        )
        left.text(
            corner[0] + kernel_size / 2, corner[1] + kernel_size / 2, label,
            ha="center", va="center", color=colour, weight="bold",
            bbox={"fc": PAPER, "ec": "none", "pad": 1, "alpha": 0.85},
        )  # fmt: skip
        right.text(
            column + 0.5,
            row + 0.5,
            label,
            ha="center",
            va="center",
            color=colour,
            weight="bold",
            fontsize=9,
        )
    for axes, side, title in (
        (left, padded, "padded input" if padding else "input"),
        (right, positions, "output"),
    ):
        axes.set_xlim(-0.15, side + 0.15)
        axes.set_ylim(side + 0.15, -0.15)
        axes.set_aspect("equal")
        axes.axis("off")
        axes.set_title(f"{title}\n{side} × {side}", fontsize=10)

    waste = (
        f" The last {_count(unused, 'row')} and {_count(unused, 'column')}, hatched, are in no window."
        if unused
        else ""
    )
    alt = (
        f"Left, an input of {input_size} by {input_size} pixels with {padding} of padding: windows of {kernel_size} by "
        f"{kernel_size} start {_count(stride, 'pixel')} apart. Right, the output, {positions} by {positions}: one "
        f"cell for each window.{waste}"
    )
    return Picture(figure, alt)


def draw_block(block: nn.Module, input_shape: tuple[int, int, int]) -> Picture:
    """A residual block as it is built, with the shape (C, H, W) of every tensor for an input of ``input_shape``."""
    layers = trace(block, (1, *input_shape))
    shortcut = [layer for layer in layers if layer.name.startswith("downsample")]
    *branch, last_relu = [layer for layer in layers if not layer.name.startswith("downsample")]

    step = 0.52
    height = step * (1.22 * len(branch) + 4.4)
    figure, axes = new_figure(5.2, height)
    axes.set_xlim(0, 5.2)
    axes.set_ylim(height, 0)
    axes.axis("off")
    main, side = 1.55, 4.05  # x of the two paths

    y = step * 0.5
    _label(axes, main, y, f"x   {_shape(input_shape)}", weight="bold")
    fork = y + step * 0.55
    for layer in branch:
        _arrow(axes, (main, y + HALF_BOX), (main, y + step * 1.22 - HALF_BOX))
        y += step * 1.22
        _layer_box(axes, main, y, layer)
    plus = y + step * 1.3
    _arrow(axes, (main, y + HALF_BOX), (main, plus - 0.16))
    branch_shape = f"F(x)   {_shape(branch[-1].output_shape[1:])}"
    _label(axes, main + 0.1, (y + plus) / 2 - 0.02, branch_shape, ha="left", color=GREY)

    axes.add_patch(Circle((main, plus), 0.16, fc="white", ec=INK, lw=1.5))
    _label(axes, main, plus, "+", fontsize=14)
    axes.plot([main, side, side], [fork, fork, plus], color=ORANGE, lw=2, zorder=0)
    _arrow(axes, (side, plus), (main + 0.16, plus), color=ORANGE, lw=2)
    middle = (fork + plus) / 2
    if shortcut:
        for number, layer in enumerate(shortcut):
            _layer_box(
                axes,
                side,
                middle + (number - (len(shortcut) - 1) / 2) * step * 1.25,
                layer,
                edge=ORANGE,
            )
        shape = _shape(shortcut[-1].output_shape[1:])
        distance = step * (0.4 + 0.62 * len(shortcut))
        _label(
            axes,
            side,
            middle - distance,
            "projection",
            color=ORANGE,
            weight="bold",
            bbox=ON_LINE,
        )
        _label(axes, side, middle + distance, shape, color=GREY, bbox=ON_LINE)
    else:
        _label(
            axes,
            side,
            middle,
            "identity:\nx as it is",
            color=ORANGE,
            weight="bold",
            bbox=ON_LINE,
        )

    y = plus + step * 1.2
    _arrow(axes, (main, plus + 0.16), (main, y - HALF_BOX))
    _layer_box(axes, main, y, last_relu)
    _arrow(axes, (main, y + HALF_BOX), (main, y + step * 0.62))
    _label(axes, main, y + step * 0.85, _shape(last_relu.output_shape[1:]), weight="bold")

    path = ", ".join(_describe(layer) for layer in branch)
    projection = " then ".join(_describe(layer) for layer in shortcut)
    alt = (
        f"{type(block).__name__}: an input of {_shape(input_shape)} goes down the residual branch: {path}. Beside it "
        "runs "
        f"the shortcut: {projection or 'the identity'}. The two are added, then comes the last ReLU. "
        f"The output is {_shape(last_relu.output_shape[1:])}."
    )
    return Picture(figure, alt)


def draw_network(
    model: nn.Module, input_shape: tuple[int, int, int] = (3, 224, 224)
) -> Picture:
    """An ImageNet ResNet from image to logits: each stage with its blocks and the shape (C, H, W) of its output."""
    layers = trace(model, (1, *input_shape))
    shape_after = {layer.name: layer.output_shape[1:] for layer in layers}
    rows = [("image", None, input_shape)]
    rows += [("conv1", None, shape_after["conv1"]), ("max-pool", None, shape_after["maxpool"])]
    for number in range(1, 5):
        stage = getattr(model, f"layer{number}")
        last = [layer for layer in layers if layer.name.startswith(f"layer{number}.")][-1]
        rows.append((f"layer{number}\nconv{number + 1}_x", stage, last.output_shape[1:]))
    rows += [("average pool", None, shape_after["avgpool"]), ("fc", None, shape_after["fc"])]

    figure, axes = new_figure(5.2, 0.66 * len(rows) + 0.5)
    axes.set_xlim(0, 5.2)
    axes.set_ylim(0.66 * len(rows) + 0.5, 0)
    axes.axis("off")
    left, right = 1.15, 3.75
    for number, (name, stage, shape) in enumerate(rows):
        y = 0.4 + 0.66 * number
        _label(axes, 0.08, y, name, ha="left", weight="bold" if stage else "normal")
        _label(axes, 5.12, y, _shape(shape), ha="right")
        size = 0.10 + 0.42 * (shape[1] / input_shape[1]) ** 0.5 if len(shape) == 3 else 0.1
        if stage is None:
            axes.add_patch(
                Rectangle((2.45 - size / 2, y - size / 2), size, size, fc=PALE, ec=INK, lw=1)
            )
        else:
            _draw_stage(axes, stage, left, right, y, size)
        if number + 1 < len(rows):
            _arrow(axes, (2.45, y + 0.31), (2.45, y + 0.40), color=GREY)
    y = 0.4 + 0.66 * len(rows) - 0.1
    axes.add_patch(
        Rectangle((1.15, y - 0.08), 0.2, 0.16, fc=ORANGE_FILL, ec=ORANGE, hatch="////")
    )
    _label(axes, 1.42, y, "projects", ha="left")
    axes.add_patch(Rectangle((2.45, y - 0.08), 0.2, 0.16, fc=BLUE_FILL, ec=BLUE))
    _label(axes, 2.72, y, "identity shortcut", ha="left")

    stages = "; ".join(
        f"layer{number}, the paper's conv{number + 1}_x, {_count(len(stage), 'block')}, {_shape(shape)}"
        for number, (_, stage, shape) in enumerate(rows[3:7], start=1)
    )
    projecting = [
        f"layer{n}"
        for n, (_, stage, _) in enumerate(rows[3:7], start=1)
        if stage[0].downsample is not None
    ]
    alt = (
        f"The network from top to bottom. Image {_shape(input_shape)}; conv1, {_shape(rows[1][2])}; max-pool, "
        f"{_shape(rows[2][2])}; {stages}; average pool, {_shape(rows[7][2])}; fc, {rows[8][2][0]} numbers. "
        f"The first block of {', '.join(projecting)} projects its shortcut; all others add x as it is."
    )
    return Picture(figure, alt)


def draw_costs(model: nn.Module, input_shape: tuple[int, int, int] = (3, 224, 224)) -> Picture:
    """Where the parameters and the multiply-adds of an ImageNet ResNet are: a pair of bars for each part."""
    parts = {name: [0, 0] for name in ("stem", "layer1", "layer2", "layer3", "layer4", "fc")}
    for cost in layer_costs(model, input_shape):
        part = cost.name.split(".")[0]
        parts[part if part in parts else "stem"][0] += cost.parameters
        parts[part if part in parts else "stem"][1] += cost.multiply_adds
    totals = [sum(values[column] for values in parts.values()) for column in (0, 1)]
    shares = {
        name: [100 * value / total for value, total in zip(values, totals)]
        for name, values in parts.items()
    }

    return draw_bars(
        {
            name: {"parameters": pair[0], "multiply-adds": pair[1]}
            for name, pair in shares.items()
        },
        unit="%",
        xlabel="share of the whole network",
        alt="For each part of the network, its share of all parameters and of all multiply-adds",
    )


def draw_bars(groups: dict[str, dict[str, float]], unit: str, xlabel: str, alt: str) -> Picture:
    """Groups of horizontal bars, such as ``{"layer1": {"parameters": 1.0, "multiply-adds": 20.5}}``, each with its
    value.

    ``alt`` says what the bars compare; the values are added to it.
    """
    names = list(next(iter(groups.values())))
    figure, axes = new_figure(5.2, 0.75 + len(groups) * (0.12 + 0.23 * len(names)))
    fills = [(BLUE_FILL, BLUE, ""), (ORANGE_FILL, ORANGE, "////"), (GREEN_FILL, GREEN, "....")]
    thickness = 0.8 / len(names)
    for index, (name, (fill, edge, hatch)) in enumerate(zip(names, fills)):
        places = [
            place + (index - (len(names) - 1) / 2) * thickness for place in range(len(groups))
        ]
        values = [group[name] for group in groups.values()]
        bars = axes.barh(
            places, values, thickness * 0.9, fc=fill, ec=edge, hatch=hatch, label=name
        )
        axes.bar_label(
            bars, [f"{_number(value)} {unit}" for value in values], padding=3, fontsize=9
        )
    axes.set_yticks(range(len(groups)), list(groups))
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_xlabel(xlabel)
    if len(names) > 1:
        axes.legend(frameon=False, fontsize=9, loc="best")
    described = "; ".join(
        f"{group}: "
        + ", ".join(f"{name} {_number(value)} {unit}" for name, value in values.items())
        for group, values in groups.items()
    )
    return Picture(figure, f"{alt}. {described}.")


def draw_lines(
    lines: dict[str, list[float]], xlabel: str, ylabel: str, alt: str, log: bool = False
) -> Picture:
    """One line for each entry of ``lines``, over 1, 2, 3 …; told apart by marker and label. ``alt`` says what to see.

    Raises ``ValueError`` for more than four lines: no more can be told apart.
    """
    figure, axes = new_figure(5.2, 3.2)
    styles = [(BLUE, "o", "-"), (ORANGE, "s", "--"), (GREEN, "^", "-."), (INK, "D", ":")]
    for (label, values), (colour, marker, line) in zip(
        lines.items(), styles[: len(lines)], strict=True
    ):
        axes.plot(
            range(1, len(values) + 1),
            values,
            color=colour,
            marker=marker,
            ls=line,
            ms=4,
            label=label,
        )
    if log:
        axes.set_yscale("log")
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(color=PALE, lw=0.8)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    above = {"loc": "lower left", "bbox_to_anchor": (0, 1), "ncols": 2}
    place = above if len(lines) > 3 else {}  # among four lines there is no room
    axes.legend(frameon=False, fontsize=9, **place)
    return Picture(figure, alt)


def draw_bands(
    lines: dict[str, list[list[float]]],
    x: list[float],
    xlabel: str,
    ylabel: str,
    alt: str,
    log: bool = False,
) -> Picture:
    """Several runs of the same thing as one line: their median over ``x``, and a band from the lowest to the highest.

    ``lines`` has the runs of each line, every run with one value for each ``x``. Lines are told apart by marker, dashes
    and the label at their right end; residual networks are blue besides, plain ones orange. ``alt`` says what to see;
    the values at the right end are added to it. Raises ``ValueError`` for more than four lines: no more can be told
    apart.
    """
    figure, axes = new_figure(5.2, 3.4)
    styles = [("s", "--"), ("o", "-"), ("D", ":"), ("^", "-.")]
    ends, labels = [], []
    for (label, runs), (marker, dashes) in zip(
        lines.items(), styles[: len(lines)], strict=True
    ):
        lowest, middle, highest = (
            [choose(values) for values in zip(*runs, strict=True)]
            for choose in (min, statistics.median, max)
        )
        colour = BLUE if label.startswith("residual") else ORANGE
        axes.fill_between(x, lowest, highest, color=colour, alpha=0.2, lw=0)
        axes.plot(x, middle, color=colour, marker=marker, ls=dashes, ms=4)
        labels.append((middle[-1], label, colour))
        spread = "" if len(runs) == 1 else f" ({lowest[-1]:.2g} to {highest[-1]:.2g})"
        ends.append(f"{label} {middle[-1]:.2g}{spread}")
    if log:
        axes.set_yscale("log")
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_major_locator(MaxNLocator("auto", steps=[1, 2, 2.5, 5, 10], integer=True))
    if len(x) <= 8:
        axes.set_xticks(x)
    axes.set_xlabel(xlabel)
    axes.set_ylabel(ylabel)
    axes.grid(color=PALE, lw=0.8)
    _label_ends(axes, x[-1], labels)
    return Picture(figure, f"{alt} At the right end: {', '.join(ends)}.")


def _label_ends(axes, x: float, labels: list[tuple[float, str, str]]) -> None:
    """Writes (y, text, colour) to the right of the ends of lines, the lowest first, moved up where two would
    overlap.
    """
    points_per_axis = 72 * 2.6  # about the height of the axes
    bottom, top = (axes.transScale.transform((1, limit))[1] for limit in axes.get_ylim())
    free = -math.inf
    for y, text, colour in sorted(labels):
        place = (
            (axes.transScale.transform((1, y))[1] - bottom) / (top - bottom) * points_per_axis
        )
        free = max(place, free)
        axes.annotate(
            text, (x, y), (8, free - place), textcoords="offset points", va="center",
            color=colour, weight="bold", fontsize=9,
        )  # fmt: skip
        free += 12


def draw_images(images: dict[str, object], alt: str, columns: int = 4) -> Picture:
    """Images (H, W) or (H, W, 3) in a grid, each under its title. Grey ones are stretched to the full range."""
    rows = -(-len(images) // columns)
    figure, axes = new_figure(
        5.2, 0.1 + rows * (5.2 / columns + 0.22), nrows=rows, ncols=columns, squeeze=False
    )
    for place in axes.flat:
        place.axis("off")
    for place, (title, image) in zip(axes.flat, images.items()):
        place.imshow(image, cmap="gray")
        place.set_title(title, fontsize=9)
    return Picture(figure, alt)


def draw_receptive_fields(
    photo: Tensor, fields: dict[str, tuple[Tensor, int]], center: tuple[int, int], alt: str
) -> Picture:
    """Where one number in a layer looks: for each title a gradient (H, W), and the side of theory's square around
    ``center``.

    The more a pixel of the ``photo`` (H, W, 3) counts, the bluer it is. The dashed square has half the side.
    """
    figure, axes = new_figure(5.2, 5.7, nrows=2, ncols=2)
    for place in axes.flat:
        place.axis("off")
    axes.flat[0].imshow(photo)
    axes.flat[0].set_title("the photograph", fontsize=9)
    dots = matplotlib.colors.ListedColormap([BLUE])
    for place, (title, (gradient, side)) in zip(axes.flat[1:], fields.items()):
        place.imshow(photo.float().mean(dim=2), cmap="gray", vmin=-400, vmax=255)  # pale
        strength = (gradient / gradient.max()) ** 0.5  # the root: so that weak pixels show too
        place.imshow(strength * 0, cmap=dots, alpha=strength.numpy())
        for length, style in ((side, "-"), (side // 2, "--")):
            corner = (center[1] - length / 2, center[0] - length / 2)
            outline = Rectangle(corner, length, length, fc="none", ec=INK, lw=1.3, ls=style)
            place.add_patch(outline)
        place.set_title(title, fontsize=9)
    return Picture(figure, alt)


def draw_reading(
    counts: Tensor, stages: dict[str, Tensor], probabilities: Tensor, alt: str
) -> Picture:
    """What a network makes of an image (8, 8) of counts: its feature maps (C, H, W) for each title, and the
    probabilities (10,).

    In each stage the darkest number is the largest. ``alt`` says what the image is; the likeliest class is added.
    """
    heights = [2.4, *(0.3 + 4.6 / 16 * -(-len(maps) // 16) for maps in stages.values())]
    figure, axes = new_figure(
        5.2,
        sum(heights) + 0.3,
        nrows=len(heights),
        gridspec_kw={"height_ratios": heights},
    )
    axes[0].axis("off")
    with matplotlib.rc_context(STYLE):
        image, bars = (
            axes[0].inset_axes([left, 0, width, 0.94])
            for left, width in ((0, 0.44), (0.56, 0.36))
        )
    image.imshow(counts.numpy(), cmap="Greys", vmin=0, vmax=16)
    image.set_title(f"{len(counts)}×{len(counts)} counts of ink", fontsize=9)
    for index, value in enumerate(counts.flatten().tolist()):
        row, column = divmod(index, counts.shape[1])
        ink = PAPER if value > 8 else INK
        image.text(column, row, int(value), ha="center", va="center", fontsize=7, color=ink)
    image.set_xticks([])
    image.set_yticks([])
    bars.barh(range(10), probabilities.tolist(), color=BLUE)
    bars.set(ylim=(9.6, -0.6), yticks=range(10), xlim=(0, 1), xticks=[0, 1])
    bars.tick_params(labelsize=8)
    bars.set_title("probability of each digit", fontsize=9)
    for place, (title, maps) in zip(axes[1:], stages.items(), strict=True):
        number, height, width = maps.shape
        place.axis("off")
        place.set_title(f"{title}: {number} maps of {height}×{width}", fontsize=9, loc="left")
        for index, one in enumerate(maps):
            row, column = divmod(index, 16)
            box = (column, column + 0.9, row + 0.9, row)
            place.imshow(one.numpy(), cmap="Greys", vmin=0, vmax=float(maps.max()), extent=box)
            place.add_patch(Rectangle((column, row), 0.9, 0.9, fc="none", ec=GREY, lw=0.6))
        place.set(xlim=(0, 16), ylim=(-(-number // 16), 0))  # imshow has changed them
    best = int(probabilities.argmax())
    return Picture(
        figure, f"{alt} The network reads a {best}, with probability {probabilities[best]:.3f}."
    )


def _draw_stage(
    axes, stage: nn.Sequential, left: float, right: float, y: float, size: float
) -> None:
    """The blocks of one stage as boxes in a row, each under the arc of its shortcut."""
    slot = min((right - left) / len(stage), 0.6)
    width = min(size, slot * 0.72)
    start = (left + right - slot * len(stage)) / 2
    for number, block in enumerate(stage):
        middle = start + slot * (number + 0.5)
        projects = block.downsample is not None
        fill, edge = (ORANGE_FILL, ORANGE) if projects else (BLUE_FILL, BLUE)
        box = Rectangle(
            (middle - width / 2, y - size / 2),
            width,
            size,
            fc=fill,
            ec=edge,
            hatch="////" if projects else "",
        )
        axes.add_patch(box)
    axes.plot([start, start + slot * len(stage)], [y, y], color=GREY, lw=0.8, zorder=0)


def _layer_box(axes, x: float, y: float, layer: TracedLayer, edge: str = BLUE) -> None:
    module = layer.module
    fills = {nn.Conv2d: BLUE_FILL, nn.BatchNorm2d: "white", nn.ReLU: GREEN_FILL}
    is_conv = isinstance(module, nn.Conv2d)
    width = 2.15
    edge = edge if is_conv else GREY
    box = FancyBboxPatch(
        (x - width / 2, y - HALF_BOX),
        width,
        2 * HALF_BOX,
        boxstyle="round,pad=0,rounding_size=0.06",
        fc=fills[type(module)],
        ec=edge,
    )
    axes.add_patch(box)
    _label(axes, x, y, _describe(layer), fontsize=9)


def _describe(layer: TracedLayer) -> str:
    """A layer in words, with its settings: ``3×3 conv, 64 → 128, stride 2``."""
    module = layer.module
    if isinstance(module, nn.Conv2d):
        kernel, stride = module.kernel_size[0], module.stride[0]
        moved = f", stride {stride}" if stride > 1 else ""
        return f"{kernel}×{kernel} conv, {module.in_channels} → {module.out_channels}{moved}"
    return {nn.BatchNorm2d: "batch norm", nn.ReLU: "ReLU"}[type(module)]


def _number(value: float) -> str:
    """Three digits, and for small shares one."""
    return f"{value:,.3g}" if value >= 0.1 else f"{value:.1g}"


def _shape(shape: tuple[int, ...]) -> str:
    return " × ".join(str(number) for number in shape)


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _label(axes, x: float, y: float, text: str, **options) -> None:
    axes.text(x, y, text, **{"ha": "center", "va": "center", "fontsize": 10, **options})


def _arrow(
    axes,
    start: tuple[float, float],
    end: tuple[float, float],
    color: str = INK,
    lw: float = 1.3,
) -> None:
    axes.annotate(
        "",
        end,
        start,
        arrowprops={"arrowstyle": "->", "color": color, "lw": lw, "shrinkA": 0, "shrinkB": 0},
    )
