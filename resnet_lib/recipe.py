"""The paper's recipe for training on small photographs (He et al. 2015, section 4.2), with a checkpoint each epoch."""

import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from resnet_lib.photographs import Photographs
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
) -> list[Epoch]:
    """Trains ``model`` in place by the paper's recipe, and returns what each epoch measured.

    After each epoch everything goes to the file ``checkpoint``. Where that file is there already, the training goes on
    from it, and ends with the same weights as without the interruption. Raises ``ValueError`` if the file is of another
    recipe, model or number of photographs. ``model`` is on the CPU and in eval mode afterwards.
    """
    device = choose_device()
    model.to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), recipe.learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    random = torch.Generator().manual_seed(recipe.seed)
    settings = asdict(recipe) | {
        "photographs": len(photographs.train_images),
        "model": str(model),
    }
    history = _resumed(checkpoint, settings, model, optimizer, random)
    for _ in range(len(history), recipe.epochs):
        history.append(
            _one_epoch(model, photographs, recipe, optimizer, random, len(history), title)
        )
        if checkpoint is not None:
            _save(checkpoint, settings, model, optimizer, random, history)
    model.to("cpu").eval()
    return history


def _one_epoch(model, photographs, recipe, optimizer, random, epoch, title) -> Epoch:
    device = next(model.parameters()).device
    mean_and_deviation = photographs.mean_and_deviation()
    order = torch.randperm(len(photographs.train_images), generator=random)
    batches = order.split(recipe.batch_size)
    start, losses, wrong = time.perf_counter(), 0.0, 0
    bar = tqdm(batches, desc=f"{title} epoch {epoch + 1} of {recipe.epochs}", leave=False)
    for step, chosen in enumerate(bar):
        done = (epoch + step / len(batches)) / recipe.epochs
        for group in optimizer.param_groups:
            group["lr"] = recipe.rate(done)
        images = vary(photographs.train_images[chosen], recipe.padding, random)
        images = standardised(images, *mean_and_deviation).to(
            device, memory_format=torch.channels_last
        )
        labels = photographs.train_labels[chosen].to(device)
        with torch.autocast(device.type, torch.bfloat16, enabled=recipe.bfloat16):
            logits = model.train()(images)
        loss = F.cross_entropy(logits.float(), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses += loss.item() * len(labels)
        wrong += (logits.argmax(1) != labels).sum().item()
    test_images = standardised(photographs.test_images, *mean_and_deviation)
    predicted = predict(model, test_images).argmax(1)
    return Epoch(
        optimizer.param_groups[0]["lr"],
        losses / len(order),
        wrong / len(order),
        (predicted != photographs.test_labels).float().mean().item(),
        time.perf_counter() - start,
    )


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
