"""Speed of our ResNet against torchvision's, measured side by side in one run.

    python scripts/bench.py              # ResNet-18 and 50, batch 8, 224×224, all cores
    python scripts/bench.py --rounds 40  # more rounds: a narrower spread on a busy machine
    python scripts/bench.py --batch 2    # smaller and faster

How to read it: each round times ours and torchvision's right after one another, first the one
and then the other in turn, and divides the two times. So whatever slows the machine down for a
while slows both. "ratio" is the median of these quotients, ours / torchvision: 1.00 is equally
fast, 1.05 means that ours takes 5 % longer. "middle half" is the range of the middle 50 % of
the quotients. Where 1.00 lies inside that range, this run shows no difference; where the range
is wide, other programs were running, and the ratio says little. The times in milliseconds are
medians; they depend on the machine and are there for scale only. The two networks have the same
layers and the same weights, so ratios of up to 1.05 are expected. This is a measurement, not a
test: it never fails.
"""

import argparse
import os
import statistics
import time

import torch
import torchvision
from torch import nn

import resnet_lib

EXPECTED = 1.05  # ratios up to this count as equally fast
WARM_UP = 3  # untimed calls of each network: the first ones allocate memory and choose kernels


def inference(model, images, labels):
    """A function that runs one forward pass in eval mode without gradients."""
    model.eval()

    def run():
        with torch.inference_mode():
            model(images)

    return run


def training(model, images, labels):
    """A function that runs one full training step: forward, cross-entropy, backward, SGD."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def run():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(images), labels).backward()
        optimizer.step()

    return run


def seconds(run):
    """How long one call takes."""
    start = time.perf_counter()
    run()
    return time.perf_counter() - start


def measure_pairs(ours, theirs, rounds):
    """The times of both in each round, as (ours, theirs). Who goes first alternates."""
    for run in (ours, theirs) * WARM_UP:
        run()
    pairs = []
    for number in range(rounds):
        if number % 2 == 0:
            our_time = seconds(ours)
            their_time = seconds(theirs)
        else:
            their_time = seconds(theirs)
            our_time = seconds(ours)
        pairs.append((our_time, their_time))
    return pairs


def compare(depth, work, batch, rounds):
    """Measures one depth at one kind of work, prints its line, and returns the ratio."""
    torch.manual_seed(0)
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(1000, (batch,))
    theirs = getattr(torchvision.models, f"resnet{depth}")()
    ours = getattr(resnet_lib, f"resnet{depth}")()
    resnet_lib.load_torchvision_weights(ours, theirs.state_dict())

    pairs = measure_pairs(work(ours, images, labels), work(theirs, images, labels), rounds)
    ratios = [our_time / their_time for our_time, their_time in pairs]
    low, ratio, high = statistics.quantiles(ratios, n=4, method="inclusive")
    our_ms, their_ms = (1000 * statistics.median(times) for times in zip(*pairs))
    name = f"ResNet-{depth}"
    times = f"{our_ms:>8.0f}{their_ms:>13.0f}"
    spread = f"{low:.3f} to {high:.3f}"
    print(f"{name:<11}{work.__name__:<11}{times}{ratio:>8.3f}   {spread}", flush=True)
    return ratio


def main():
    parser = argparse.ArgumentParser(
        description="Compares the speed of our ResNet with torchvision's."
    )
    parser.add_argument(
        "--rounds",
        type=int,
        default=15,
        help="timed pairs for each line (default: 15; at least 2)",
    )
    parser.add_argument("--batch", type=int, default=8, help="images in a batch (default: 8)")
    arguments = parser.parse_args()
    if arguments.rounds < 2 or arguments.batch < 1:
        parser.error("--rounds must be 2 or more, --batch 1 or more")

    torch.set_num_threads(os.cpu_count() or 1)
    print(
        f"float32, batch {arguments.batch}, 224×224, {torch.get_num_threads()} threads, "
        f"{arguments.rounds} rounds, torch {torch.__version__}, "
        f"torchvision {torchvision.__version__}\n"
    )
    titles = f"{'network':<11}{'work':<11}{'ours ms':>8}{'torchvision':>13}{'ratio':>8}"
    print(f"{titles}   middle half")
    works = (inference, training)
    ratios = [
        compare(depth, work, arguments.batch, arguments.rounds)
        for depth in (18, 50)
        for work in works
    ]

    slowest = max(ratios)
    if slowest <= EXPECTED:
        print(
            f"\nOurs is as fast as torchvision's: the largest ratio is {slowest:.3f} "
            f"(expected: up to {EXPECTED})."
        )
    else:
        print(
            f"\nThe largest ratio is {slowest:.3f}, above the {EXPECTED} that is expected. "
            "If its middle half is wide, other\nprograms were running: run it again with "
            "--rounds 40. If not, our network has become slower."
        )


if __name__ == "__main__":
    main()
