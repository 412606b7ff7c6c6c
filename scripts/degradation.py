"""Trains plain and residual networks of six depths on the digits, each with six seeds, and stores what happened.

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
LONG_STEPS = 1200
LONG_SEEDS = range(3)


def one_thread():
    """Set-up of each worker."""
    torch.set_num_threads(1)


def run(job):
    """One training in a worker."""
    return degradation.run(*job, data.load_digits())


def main():
    jobs = [
        (kind, depth, seed, degradation.STEPS)
        for kind in degradation.KINDS
        for depth in DEPTHS
        for seed in SEEDS
    ]
    jobs += [(kind, 56, seed, LONG_STEPS) for kind in degradation.KINDS for seed in LONG_SEEDS]
    os.environ["TQDM_DISABLE"] = (
        "1"  # tqdm reads it when a worker imports it: one bar for all, no more
    )
    workers = concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn"), one_thread
    )
    with workers as pool:
        runs = list(tqdm(pool.map(run, jobs), total=len(jobs), unit="training"))
    degradation.store(runs, about())
    print(f"{len(runs)} trainings stored in {degradation.STORED}")


def about():
    """The settings and versions of the trainings."""
    return {
        "made by": "scripts/degradation.py",
        "seeds": len(SEEDS),
        "steps": degradation.STEPS,
        "images in a batch": data.BATCH_SIZE,
        "learning rate": training.LEARNING_RATE,
        "momentum": training.MOMENTUM,
        "weight decay": training.WEIGHT_DECAY,
        "channels of the first stage": degradation.WIDTH,
        "torch": torch.__version__.split("+")[0],
        "scikit-learn": sklearn.__version__,
    }


if __name__ == "__main__":
    main()
