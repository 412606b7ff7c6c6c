"""Figures show the numbers that they are given, and say them to those who cannot see them."""

import pytest
import torch

from resnet_lib.drawing import draw_bands, draw_lines, draw_reading


def test_a_band_goes_from_the_lowest_to_the_highest_run_with_the_median_in_it():
    runs = [[1.0, 9.0], [2.0, 4.0], [6.0, 5.0]]
    picture = draw_bands(
        {"plain": runs, "residual": [[0.5, 0.25]]}, [8, 20], "layers", "loss", "It rises."
    )
    (axes,) = picture.figure.axes
    lines = [(list(line.get_xdata()), list(line.get_ydata())) for line in axes.lines]
    assert lines == [([8, 20], [2.0, 5.0]), ([8, 20], [0.5, 0.25])]
    band = axes.collections[0].get_paths()[0].vertices
    at_the_end = [y for x, y in band if x == 20]
    assert (min(at_the_end), max(at_the_end)) == (4.0, 9.0)
    assert picture.alt == "It rises. At the right end: plain 5 (4 to 9), residual 0.25."
    assert {text.get_text() for text in axes.texts} == {"plain", "residual"}
    markers = {(line.get_marker(), line.get_linestyle()) for line in axes.lines}
    assert len(markers) == 2, "told apart without colour"


@pytest.mark.parametrize("draw", ["lines", "bands"])
def test_no_line_is_left_out_in_silence(draw):
    five = {str(n): [1.0, 2.0] for n in range(5)}
    with pytest.raises(ValueError):
        if draw == "lines":
            draw_lines(five, "x", "y", "five lines")
        else:
            draw_bands(
                {name: [run] for name, run in five.items()}, [0, 1], "x", "y", "five lines"
            )


def test_runs_of_unequal_length_are_refused():
    with pytest.raises(ValueError):
        draw_bands({"plain": [[1.0, 2.0], [1.0]]}, [0, 1], "x", "y", "unequal")


def test_a_reading_shows_every_count_and_every_map():
    counts = torch.arange(64).reshape(8, 8) % 17
    chances = torch.tensor([0.0, 0.25, 0.75] + [0.0] * 7)
    stages = {"After the stem": torch.rand(8, 8, 8), "After layer3": torch.rand(32, 2, 2)}
    picture = draw_reading(counts, stages, chances, "A smear.")
    assert picture.alt == "A smear. The network reads a 2, with probability 0.750."
    top, *rows = picture.figure.axes
    image, bars = top.child_axes
    assert [text.get_text() for text in image.texts] == [
        str(n) for n in counts.flatten().tolist()
    ]
    assert [bar.get_width() for bar in bars.patches] == chances.tolist()
    assert [len(row.images) for row in rows] == [8, 32]
    assert [row.get_title(loc="left") for row in rows] == [
        "After the stem: 8 maps of 8×8",
        "After layer3: 32 maps of 2×2",
    ]
