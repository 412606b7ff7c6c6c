"""What is tried on ``stage_sizes``."""

from resnet_exercises.calls import call, calls, with_numbers

PRAISE = {"stage_sizes": "All five sizes are right, and not for 224 only."}
# At 224 the input of every stage is even, at 225 odd; at 299 round() goes up, and the stages are odd and even by turns.
# Each call more counts for an answer that asks a network: small images come first. At the end 224 is asked again.
GROUPS = (224, 225, 299), (1,), (*range(2, 33), *range(190, 300, 11), 512, 1001, 224)
probes = calls(*(map(call, sizes) for sizes in GROUPS))
evidence = with_numbers(lambda expected, size: "")
