"""The paper's recipe for training on small photographs (He et al. 2015, section 4.2), with a checkpoint each epoch."""

import copy
import functools
import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from resnet_lib.photographs import Photographs
from resnet_lib.timing import compare_speed
from resnet_lib.tracing import modes_come_back
from resnet_lib.training import MOMENTUM, WEIGHT_DECAY, choose_device


@dataclass(frozen=True)
class Recipe:
    """How to train. The paper: 128 images a batch, a rate of 0.1, and 164 epochs of CIFAR-10.

    ``padding`` is in pixels on each side: the paper has 4 for 32×32. With ``bfloat16``, PyTorch computes convolutions
    with half as many bits (autocast). ``seed`` decides the order of the photographs and how each one is varied.
    """

    epochs: int
    batch_size: int = 128
    learning_rate: float = 0.1
    padding: int = 2
    seed: int = 0
    bfloat16: bool = False

    def rate(self, done: float) -> float:
        """The learning rate after the share ``done`` of all steps: divided by 10 at a half and at three quarters.

        So the paper does it, after 32,000 and 48,000 of 64,000 steps.
        """
        return self.learning_rate / (100 if done >= 0.75 else 10 if done >= 0.5 else 1)


@dataclass(frozen=True)
class Epoch:
    """What was measured in one pass through the photographs: errors are shares from 0 to 1.

    ``loss`` and ``train_error`` are means over the epoch, of varied photographs and while the weights change;
    ``test_error`` is that of its end.
    """

    learning_rate: float
    loss: float
    train_error: float
    test_error: float
    seconds: float


def vary(images: Tensor, padding: int, random: torch.Generator) -> Tensor:
    """Each image moved by up to ``padding`` pixels in each direction, and half of them mirrored: uint8 (N, C, H, W).

    It is padded with zeros (black) on each side, and a place for the old size is drawn in it ("pad and crop").
    """
    number, _, height, width = images.shape
    padded = F.pad(images, (padding,) * 4)
    top, left = torch.randint(2 * padding + 1, (2, number, 1), generator=random)
    rows, columns = top + torch.arange(height), left + torch.arange(width)
    mirrored = torch.rand(number, 1, generator=random) < 0.5
    columns = torch.where(mirrored, columns.flip(1), columns)
    which = torch.arange(number)[:, None, None]
    return padded.permute(0, 2, 3, 1)[which, rows[:, :, None], columns[:, None]].permute(
        0, 3, 1, 2
    )


def standardised(images: Tensor, mean: Tensor, deviation: Tensor) -> Tensor:
    """Pixels from 0 to 255 → floats: from 0 to 1 first, then minus ``mean`` and divided by ``deviation``, (C, 1, 1)."""
    return (images.float() / 255 - mean) / deviation


def train_epochs(
    model: nn.Module,
    photographs: Photographs,
    recipe: Recipe,
    checkpoint: str | Path | None = None,
    title: str = "",
) -> Iterator[Epoch]:
    """Trains ``model`` in place by the paper's recipe, and gives an :class:`Epoch` after each pass: use it in a loop.

    After each epoch everything goes to the file ``checkpoint``. Where that file is there already, its epochs come at
    once, the training goes on from it, and ends with the same weights as without the interruption. Raises
    ``ValueError`` if the file is of another recipe, model or number of photographs. ``model`` is on the CPU and in eval
    mode at the end.
    """
    model.to(choose_device(), memory_format=torch.channels_last)
    optimizer = sgd(model, recipe)
    random = torch.Generator().manual_seed(recipe.seed)
    settings = asdict(recipe) | {
        "photographs": len(photographs.train_images),
        "model": str(model),
    }
    history = _resumed(checkpoint, settings, model, optimizer, random)
    yield from history
    mean, deviation = photographs.mean_and_deviation()
    prepare = functools.partial(standardised, mean=mean, deviation=deviation)
    for number in range(len(history) + 1, recipe.epochs + 1):
        bar = f"{title} epoch {number} of {recipe.epochs}".strip()
        history.append(
            _one_epoch(model, photographs, prepare, recipe, optimizer, random, number, bar)
        )
        if checkpoint is not None:
            _save(checkpoint, settings, model, optimizer, random, history)
        yield history[-1]
    model.to("cpu").eval()


def sgd(model: nn.Module, recipe: Recipe) -> torch.optim.SGD:
    """Stochastic gradient descent with the paper's momentum and weight decay."""
    return torch.optim.SGD(
        model.parameters(), recipe.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY
    )


def one_step(
    model: nn.Module,
    images: Tensor,
    labels: Tensor,
    optimizer: torch.optim.Optimizer,
    bfloat16: bool,
) -> tuple[float, int]:
    """One step of training on a batch (N, C, H, W) with labels (N,): its mean loss, and the number of wrong answers."""
    model.train()  # batch norm takes mean and variance of this batch
    with torch.autocast(images.device.type, torch.bfloat16, enabled=bfloat16):
        logits = model(images)
    loss = F.cross_entropy(logits.float(), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item(), int((logits.argmax(dim=1) != labels).sum())


def _one_epoch(model, photographs, prepare, recipe, optimizer, random, number, bar) -> Epoch:
    device = next(model.parameters()).device
    order = torch.randperm(len(photographs.train_images), generator=random)
    batches = order.split(recipe.batch_size)
    start, losses, wrong = time.perf_counter(), 0.0, 0
    for step, chosen in enumerate(tqdm(batches, desc=bar, unit="step", leave=False)):
        rate = recipe.rate((number - 1 + step / len(batches)) / recipe.epochs)
        for group in optimizer.param_groups:
            group["lr"] = rate
        images = vary(photographs.train_images[chosen], recipe.padding, random)
        images = prepare(images).to(device, memory_format=torch.channels_last)
        labels = photographs.train_labels[chosen].to(device)
        loss, wrong_here = one_step(model, images, labels, optimizer, recipe.bfloat16)
        losses += loss * len(labels)
        wrong += wrong_here
    predicted = predict(model, prepare(photographs.test_images)).argmax(dim=1)
    return Epoch(
        rate,
        losses / len(order),
        wrong / len(order),
        (predicted != photographs.test_labels).float().mean().item(),
        time.perf_counter() - start,
    )


def bfloat16_speed_up(
    model: nn.Module, photographs: Photographs, batch_size: int = 128
) -> float:
    """How many times as fast a step of training is with bfloat16 as without, where :func:`train_epochs` computes.

    Some processors have instructions for it, others imitate it and are slower. ``model`` stays as it is.
    """
    device = choose_device()
    images = photographs.train_images[:batch_size]
    images = standardised(images, *photographs.mean_and_deviation())
    images = images.to(device, memory_format=torch.channels_last)
    labels = photographs.train_labels[:batch_size].to(device)
    net = copy.deepcopy(model).to(device, memory_format=torch.channels_last)
    optimizer = sgd(net, Recipe(epochs=1))
    # a step ends with loss.item(), which waits for a GPU
    with_bfloat16, without = (
        functools.partial(one_step, net, images, labels, optimizer, bfloat16)
        for bfloat16 in (True, False)
    )
    return compare_speed(with_bfloat16, without, rounds=4, warm_up=1).speed_up


@torch.no_grad()
def predict(model: nn.Module, images: Tensor, batch_size: int = 500) -> Tensor:
    """Logits in eval mode, a batch at a time: images (N, C, H, W) as the model wants them → (N, classes) on the CPU."""
    device = next(model.parameters()).device
    with modes_come_back(model):
        model.eval()
        return torch.cat([model(part.to(device)).cpu() for part in images.split(batch_size)])


def _save(checkpoint, settings, model, optimizer, random, history) -> None:
    """Under another name first: a training that is stopped while it writes keeps the checkpoint before."""
    path = Path(checkpoint)
    state = {
        "settings": settings,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "random": random.get_state(),
        "history": [asdict(epoch) for epoch in history],
    }
    torch.save(state, path.with_name(path.name + ".part"))
    os.replace(path.with_name(path.name + ".part"), path)


def _resumed(checkpoint, settings, model, optimizer, random) -> list[Epoch]:
    """The epochs that the checkpoint has, with everything set as it was after them; none without a file."""
    if checkpoint is None or not Path(checkpoint).exists():
        return []
    state = torch.load(checkpoint, weights_only=True)
    for name, now in settings.items():
        then = state["settings"][name]
        if then != now:
            difference = "another model" if name == "model" else f"{name} = {then}, now {now}"
            raise ValueError(
                f"{Path(checkpoint).name} is the checkpoint of another training: {difference}. To begin a new one, "
                "give it another name, or remove the file."
            )
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    random.set_state(state["random"])
    return [Epoch(**values) for values in state["history"]]
