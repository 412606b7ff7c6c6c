"""What is tried on ``same_padding``, and the formula with the numbers put in as evidence."""

from resnet_exercises.calls import call, calls, number_in_text, with_numbers

PRAISE = {"same_padding": "This padding keeps every size, and an even kernel is refused."}


# The large ones are for a search that ends somewhere, or that tries the padding on an image.
GROUPS = (3, 1, 5, 7, 31), (4, 2, 8, 30), (*range(1, 41), 100, 101, 225, 400, 401)
probes = calls(*(map(call, sizes) for sizes in GROUPS), form=number_in_text)


@with_numbers
def evidence(expected, k) -> str:
    if expected.kind == "error":
        return f"({k} − 1) / 2 = {(k - 1) / 2} is no whole number, so a ValueError is right"
    return f"({k} − 1) / 2 = {expected.shown}"
