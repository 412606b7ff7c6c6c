"""Speed of our ResNet against torchvision's, measured side by side in one run.

    python scripts/bench.py                  # ResNet-18 and 50, batch 8, 224×224, all cores: about ten minutes
    python scripts/bench.py --depths 18      # one network
    python scripts/bench.py --rounds 40      # more rounds: a narrower spread on a busy machine
    python scripts/bench.py --batch 2        # smaller and faster

How to read it: each round times ours and torchvision's right after one another, first the one and then the other in
turn, and divides the two times. So whatever slows the machine down for a while slows both. "speed-up" is the median of
these quotients, torchvision's time / ours: 1.00 is equally fast, 1.40 is 1.4 times as fast. "middle half" is the range
of the middle 50 % of the quotients. Where 1.00 lies inside that range, this run shows no difference; where the range is
wide, other programs were running, and the number says little. The times in milliseconds are medians; they depend on the
machine and are there for scale only. "difference" is the largest difference of a logit, divided by the largest logit.

The first two lines of a network do the same work in both libraries: the layers are the same, so 1.00 is expected. The
lines after them are the steps of chapter 9, against torchvision as one gets it: float32, not compiled, the default
memory layout. How much they gain depends on the processor. This is a measurement, not a test: it never fails.
"""

import argparse
import logging
import os
import subprocess
import sys
from copy import deepcopy

import torch
import torchvision
from torch import nn
from torch._inductor import config as inductor

import resnet_lib
from resnet_lib import folded
from resnet_lib.timing import compare_speed, gemm_speed_up

SAME_WORK = 0.95  # from here on, two networks with the same layers count as equally fast
FAST_PATH = 1.4  # what all steps in float32 are expected to gain together, where the processor leaves room for it
CLOSE = 1e-3  # the largest relative difference of the logits in float32
FAST = "folded + channels_last"  # the name of that step

# The weights of compiled networks stay as they are. As an option of torch.compile, PyTorch 2.14 ignores it without a
# word.
inductor.freezing = True

# It tells everyone with a CUDA toolkit and no GPU that there is no GPU. Here all is measured on the CPU.
logging.getLogger("torch.utils.cpp_extension").setLevel(logging.ERROR)


def inference(model, images):
    """A function that runs one forward pass in eval mode without gradients."""
    model.eval()

    def run():
        with torch.inference_mode():
            return model(images)

    return run


def training(model, images, labels, autocast=False):
    """A function that runs one full training step: forward, cross-entropy, backward, SGD."""
    model.train()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01, momentum=0.9)

    def run():
        optimizer.zero_grad()
        with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
            loss = nn.functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()

    return run


def steps_of_inference(ours, images):
    """The steps of chapter 9 for inference, as (name, function that gives the logits)."""
    channels_last = torch.channels_last
    yield "folded", inference(folded(ours), images)

    images = images.to(memory_format=channels_last)
    yield "channels_last", inference(deepcopy(ours).to(memory_format=channels_last), images)
    for name, dtype in ((FAST, torch.float32), (f"{FAST}, bfloat16", torch.bfloat16)):
        fast = folded(ours).to(dtype, memory_format=channels_last)
        yield name, inference(fast, images.to(dtype))
        yield f"{name}, compiled", inference(torch.compile(fast), images.to(dtype))


def steps_of_training(ours, images, labels):
    """The steps of chapter 9 for training, as (name, function that trains for one step)."""
    images = images.to(memory_format=torch.channels_last)
    for name, autocast in (
        ("channels_last", False),
        ("channels_last, bfloat16 autocast", True),
    ):
        model = deepcopy(ours).to(memory_format=torch.channels_last)
        yield f"training: {name}", training(model, images, labels, autocast)


def report(name, speed, difference=""):
    """Prints one line of the table."""
    low, speed_up, high = speed.quartiles
    times = f"{1000 * speed.seconds:>7.0f}{1000 * speed.reference_seconds:>13.0f}"
    print(
        f"{name:<42}{times}{speed_up:>10.2f}   {low:.2f} to {high:.2f}   {difference}",
        flush=True,
    )


def compare(depth, batch, rounds):
    """Measures one depth, prints its table, and returns the speed-ups at the same work."""
    torch.manual_seed(0)
    images, labels = torch.randn(batch, 3, 224, 224), torch.randint(1000, (batch,))
    theirs = resnet_lib.randomise_batchnorm(torchvision.models.get_model(f"resnet{depth}"))
    ours = resnet_lib.IMAGENET_RESNETS[depth]()
    resnet_lib.load_torchvision_weights(ours, theirs.state_dict())
    title = f"ResNet-{depth}"
    print(
        f"\n{title:<42}{'ours ms':>7}{'torchvision':>13}{'speed-up':>10}   middle half    difference"
    )

    reference = inference(theirs, images)
    logits = reference()
    same_work = compare_speed(inference(ours, images), reference, rounds)
    report("inference, the same work", same_work)
    speeds = {}
    for name, run in steps_of_inference(ours, images):
        try:
            difference = (run().float() - logits).abs().max() / logits.abs().max()
        except RuntimeError as reason:  # torch.compile needs a C++ compiler
            print(f"{name:<42}not here: {str(reason).splitlines()[0]}", flush=True)
            continue
        speeds[name] = compare_speed(run, reference, rounds)
        report(name, speeds[name], f"{difference:.0e}")
        if "bfloat16" not in name and difference > CLOSE:
            print(f"The logits differ by more than {CLOSE:.0e}: this step is wrong.")

    trained, reference = deepcopy(ours), training(theirs, images, labels)
    same_training = compare_speed(training(trained, images, labels), reference, rounds)
    report("training, the same work", same_training)
    for name, run in steps_of_training(ours, images, labels):
        report(name, compare_speed(run, reference, rounds))

    multiply_adds = resnet_lib.count_multiply_adds(ours) * batch
    yardstick = gemm_speed_up(inference(theirs, images), multiply_adds, torch.float32)
    print(
        f"\nAt the rate of a large matrix product, float32 would have a speed-up of {yardstick:.2f}."
    )
    fastest = max(
        (FAST, f"{FAST}, compiled"),
        key=lambda name: speeds[name].speed_up if name in speeds else 0,
    )
    verdict = "reaches" if speeds[fastest].speed_up >= FAST_PATH else "misses"
    print(
        f"In float32, {fastest} {verdict} the {FAST_PATH} that is expected: {speeds[fastest].speed_up:.2f}."
    )
    return [same_work.speed_up, same_training.speed_up]


START_UP = """
import time, torch, resnet_lib
start = time.process_time()
from resnet_exercises import check
from resnet_exercises.exercise import load
loaded = time.process_time()
check("output_size", load("output_size").solution)
print(f"importing the exercises {loaded - start:.2f} s, a first check {time.process_time() - loaded:.2f} s", end="")
"""


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
    parser.add_argument(
        "--depths",
        type=int,
        nargs="+",
        default=[18, 50],
        choices=list(resnet_lib.IMAGENET_RESNETS),
        help="the networks (default: 18 50)",
    )
    arguments = parser.parse_args()
    if arguments.rounds < 2 or arguments.batch < 1:
        parser.error("--rounds must be 2 or more, --batch 1 or more")

    torch.set_num_threads(os.cpu_count() or 1)
    print(
        f"batch {arguments.batch}, 224×224, {torch.get_num_threads()} threads, "
        f"{torch.backends.cpu.get_cpu_capability()}, {arguments.rounds} rounds, "
        f"torch {torch.__version__}, torchvision {torchvision.__version__}"
    )
    # A new process, as the exercises may be loaded in this one.
    said = subprocess.run([sys.executable, "-c", START_UP], capture_output=True, text=True)
    print(f"{said.stdout}, in processor time on top of PyTorch's")
    for depth in arguments.depths:
        same_work = compare(depth, arguments.batch, arguments.rounds)
        if min(same_work) >= SAME_WORK:
            print(f"The same work takes the same time (expected: {SAME_WORK} and more).")
        else:
            print(
                f"At the same work the smallest speed-up is {min(same_work):.2f}, below the {SAME_WORK} that is "
                "expected. If its middle\nhalf is wide, other programs were running: run it again with "
                "--rounds 40. If not, our network has become slower."
            )


if __name__ == "__main__":
    main()
