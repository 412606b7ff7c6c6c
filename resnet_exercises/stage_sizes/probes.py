"""What is tried on ``stage_sizes``."""

from resnet_exercises.calls import call, calls, with_numbers

PRAISE = {"stage_sizes": "All five sizes are right, and not for 224 only."}


def probes(name, solution):
    """The calls that are made of an answer."""
    # At 224 the input of every stage is even, at 225 odd; at 299 round() goes up, and the stages are odd and even by
    # turns. Each call more counts for an answer that asks a network: small images come first. At the end 224 is asked
    # again.
    groups = (224, 225, 299), (1,), (*range(2, 33), *range(190, 300, 11), 512, 1001, 224)
    return calls(solution, *([call(solution, size) for size in sizes] for sizes in groups))


evidence = with_numbers(lambda expected, size: "")
