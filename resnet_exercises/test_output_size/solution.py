def test_output_size(output_size):
    """Raises an AssertionError where output_size is wrong."""
    assert output_size(7, 3) == 5  # padding and stride left out
    assert output_size(8, 5, padding=1, stride=1) == 6  # padding on both sides
    assert output_size(6, 3, padding=0, stride=2) == 2  # 2.5, rounded down
    assert isinstance(output_size(10, 4), int)  # 7.0 == 7, so the value alone is not enough

    assert output_size(5, 5) == 1  # fits exactly
    assert output_size(5, 6, padding=1, stride=2) == 1  # fits thanks to the padding
    assert output_size(9, 3, padding=0, stride=3) == 3  # a longer stride
    assert output_size(7, 3, stride=2) == 3  # the first input again, with another stride

    try:
        output_size(6, 7, stride=2)  # one pixel too few
    except ValueError:
        return
    raise AssertionError("a kernel that does not fit was accepted")
