"""Trains plain and residual networks of six depths on the digits, each with six seeds, and some for longer or at other
learning rates, and stores what happened.

    make sweep                       # all cores, about ten minutes on two

Each training has one thread, so the numbers do not depend on how many cores there are; another processor or version of
PyTorch may change them in the third digit or so. The result is resnet_lib/measured/degradation.json, which holds the
settings, the seeds and the versions beside the numbers. Chapter 7 draws it.
"""

import concurrent.futures
import multiprocessing
import os

import sklearn
import torch
from tqdm import tqdm

from resnet_lib import data, degradation, training

DEPTHS = (8, 14, 20, 32, 44, 56)
SEEDS = range(6)
LONG_SEEDS = range(3)
RATES = (0.005, 0.01, 0.05, 0.1)  # besides the one of all others
AT_ALL_RATES = (("plain", 20), ("plain", 56), ("residual", 56))


def one_thread():
    """Set-up of each worker."""
    torch.set_num_threads(1)


def run(job):
    """One training in a worker."""
    return degradation.run(*job, data.load_digits())


def jobs():
    """What :func:`degradation.run` is called with, for each training."""
    rate = training.LEARNING_RATE
    short = [
        (kind, depth, seed, degradation.STEPS, rate)
        for kind in degradation.KINDS
        for depth in DEPTHS
        for seed in SEEDS
    ]
    long = [
        (kind, 56, seed, degradation.LONG_STEPS, rate)
        for kind in degradation.KINDS
        for seed in LONG_SEEDS
    ]
    other_rates = [
        (kind, depth, 0, degradation.STEPS, rate)
        for kind, depth in AT_ALL_RATES
        for rate in RATES
    ]
    return short + long + other_rates


def main():
    os.environ["TQDM_DISABLE"] = (
        "1"  # tqdm reads it when a worker imports it: one bar for all, no more
    )
    workers = concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn"), one_thread
    )
    with workers as pool:
        runs = list(tqdm(pool.map(run, jobs()), total=len(jobs()), unit="training"))
    degradation.store(runs, about())
    print(f"{len(runs)} trainings stored in {degradation.STORED}")


def about():
    """The settings and versions of the trainings."""
    return {
        "made by": "scripts/degradation.py",
        "seeds": len(SEEDS),
        "steps": degradation.STEPS,
        "images in a batch": data.BATCH_SIZE,
        "optimiser": "SGD",
        "learning rate": f"{training.LEARNING_RATE}, falling to 0 along half a cosine",
        "momentum": training.MOMENTUM,
        "weight decay": training.WEIGHT_DECAY,
        "channels of the first stage": degradation.WIDTH,
        "torch": torch.__version__.split("+")[0],
        "scikit-learn": sklearn.__version__,
    }


if __name__ == "__main__":
    main()
