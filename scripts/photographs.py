"""Trains ResNet-20 on 60,000 photographs of clothes, and plain-20 and networks of 56 layers beside it, and stores what
happened.

    make photographs                 # about two hours on two cores; stopped, it goes on where it was

Each training has one thread, so the numbers do not depend on how many cores there are; another processor or version of
PyTorch may change them in the second or third digit. Results, in resnet_lib/measured: photographs.json (what each epoch
measured, settings, versions), clothes_resnet20.pt (the weights of ResNet-20 in half precision) and clothes_sample.npz
(a few photographs). Chapter 10 shows them.
"""

import concurrent.futures
import json
import multiprocessing
import os
import platform
from dataclasses import asdict
from pathlib import Path

import numpy as np
import torch

from resnet_lib import training
from resnet_lib.clothes import BLOCKS_PER_STAGE, RUNS, SAMPLE, WEIGHTS
from resnet_lib.photographs import Photographs, load_photographs
from resnet_lib.recipe import Epoch, Recipe, train_epochs
from resnet_lib.resnet import CifarPlainNet, CifarResNet

CHECKPOINTS = Path("_build/photographs")
SEED = 0
#: the name of a training → network, blocks in each stage, epochs
TRAININGS = {
    "residual-20": (CifarResNet, BLOCKS_PER_STAGE, 20),
    "plain-20": (CifarPlainNet, BLOCKS_PER_STAGE, 20),
    "residual-56": (CifarResNet, 9, 3),
    "plain-56": (CifarPlainNet, 9, 3),
}
SAMPLE_TRAIN, SAMPLE_TEST = 200, 100  # photographs of each class


def recipe(epochs: int) -> Recipe:
    """bfloat16: about twice as fast where the processor has instructions for it."""
    return Recipe(epochs, seed=SEED, bfloat16=True)


def run(name: str) -> list[Epoch]:
    """One training, in a process of its own."""
    torch.set_num_threads(1)
    kind, blocks, epochs = TRAININGS[name]
    torch.manual_seed(SEED)
    net = kind(blocks, num_classes=10, in_channels=1)
    checkpoint = CHECKPOINTS / f"{name}.pt"
    history = list(train_epochs(net, load_photographs(), recipe(epochs), checkpoint, name))
    if name == "residual-20":
        weights = net.to(memory_format=torch.contiguous_format).half().state_dict()
        torch.save(weights, WEIGHTS)
    return history


def draw_sample(clothes: Photographs) -> None:
    """Stores as many photographs of each class, drawn at random, in their order in the data set."""
    random = torch.Generator().manual_seed(SEED)
    drawn = {}
    for part, number in (("train", SAMPLE_TRAIN), ("test", SAMPLE_TEST)):
        labels = getattr(clothes, f"{part}_labels")
        of_each = [(labels == label).nonzero().flatten() for label in range(10)]
        chosen = [at[torch.randperm(len(at), generator=random)[:number]] for at in of_each]
        chosen = torch.cat(chosen).sort().values
        drawn[f"{part}_images"] = getattr(clothes, f"{part}_images")[chosen].numpy()
        drawn[f"{part}_labels"] = labels[chosen].numpy().astype(np.uint8)
    np.savez_compressed(str(SAMPLE), **drawn)


def about(clothes: Photographs) -> dict[str, object]:
    """The settings and versions of the trainings."""
    mean, deviation = clothes.mean_and_deviation()
    return {
        "made by": "scripts/photographs.py",
        "recipe": {
            name: value for name, value in asdict(recipe(0)).items() if name != "epochs"
        },
        "momentum": training.MOMENTUM,
        "weight decay": training.WEIGHT_DECAY,
        "threads of each training": 1,
        "mean": round(mean.item(), 5),
        "deviation": round(deviation.item(), 5),
        "processor": platform.machine(),
        "torch": torch.__version__.split("+")[0],
    }


def main():
    CHECKPOINTS.mkdir(parents=True, exist_ok=True)
    clothes = load_photographs()
    draw_sample(clothes)
    workers = concurrent.futures.ProcessPoolExecutor(
        os.cpu_count(), multiprocessing.get_context("spawn")
    )
    with workers as pool:
        histories = dict(zip(TRAININGS, pool.map(run, TRAININGS), strict=True))
    runs = {
        name: [
            {what: round(value, 5) for what, value in asdict(epoch).items()}
            for epoch in history
        ]
        for name, history in histories.items()
    }
    lines = ",\n".join(
        f"{json.dumps(name)}: {json.dumps(epochs)}" for name, epochs in runs.items()
    )
    RUNS.write_text(
        f'{{"about": {json.dumps(about(clothes), indent=1)},\n"runs": {{\n{lines}\n}}}}\n',
        "utf-8",
    )
    for name, history in histories.items():
        print(f"{name}: test error {history[-1].test_error:.2%}")


if __name__ == "__main__":
    main()
