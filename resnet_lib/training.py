"""One small training loop: SGD with momentum, and a learning rate that falls along a cosine."""

import contextlib
import math
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from resnet_lib.formula import check_int
from resnet_lib.tracing import modes_come_back

LEARNING_RATE = 0.02
MOMENTUM = 0.9
WEIGHT_DECAY = 1e-4


@dataclass
class History:
    """What happened in a training: one entry for each step, taken before the weights change."""

    losses: list[float] = field(default_factory=list)
    learning_rates: list[float] = field(default_factory=list)

    def final_loss(self) -> float:
        """The mean loss over the last tenth of the steps: single batches differ too much to compare."""
        last = self.losses[-max(1, len(self.losses) // 10) :]
        return sum(last) / len(last)


def choose_device() -> torch.device:
    """Where the trainings compute: on a GPU where there is one (``cuda``, or ``mps`` on a Mac with Apple silicon), else
    on the CPU.

    The environment variable RESNET_DEVICE, one of the three names, decides otherwise. Raises ``ValueError`` if PyTorch
    cannot compute there.
    """
    name = os.environ.get("RESNET_DEVICE")
    if name is None:
        has_mps = torch.backends.mps.is_available()
        return torch.device(
            "cuda" if torch.cuda.is_available() else "mps" if has_mps else "cpu"
        )
    try:
        torch.ones(1, device=name).sum().item()
        return torch.device(name)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        reason = str(error).partition("\n")[0]
        raise ValueError(
            f"RESNET_DEVICE is {name!r}, and PyTorch cannot compute there: {reason} "
            "It can be cpu, cuda (a GPU of NVIDIA or AMD) or mps (a Mac with Apple silicon). Without it, the GPU is "
            "taken where there is one."
        ) from error


def train(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    steps: int,
    learning_rate: float = LEARNING_RATE,
    title: str = "",
) -> History:
    """Trains ``model`` in place for ``steps`` batches and returns the :class:`History`.

    ``batches`` gives images (N, C, H, W) and labels (N,), again and again from the start when it ends. The loss is the
    cross-entropy; the learning rate falls from ``learning_rate`` to 0 along half a cosine; momentum and weight decay
    are the paper's (He et al. 2015, section 4.2). A progress bar with ``title`` disappears at the end.
    :func:`choose_device` says where it computes; ``model`` is on the CPU afterwards.

    Raises ``TypeError`` or ``ValueError`` if ``steps`` is not a positive int, ``learning_rate`` is not above 0 or
    ``batches`` is empty. The model is in train mode afterwards.
    """
    check_int("steps", steps)
    if not learning_rate > 0:
        raise ValueError(
            f"learning_rate must be above 0, not {learning_rate!r}. 0.02 is a good start."
        )
    device = choose_device()
    model.train().to(device, memory_format=torch.channels_last)
    optimizer = torch.optim.SGD(
        model.parameters(), learning_rate, MOMENTUM, weight_decay=WEIGHT_DECAY
    )
    history = History()
    stream = endless(batches)
    with enough_threads(model):
        for step in tqdm(range(steps), desc=title, unit="step", leave=False):
            rate = learning_rate * (1 + math.cos(math.pi * step / steps)) / 2
            for group in optimizer.param_groups:
                group["lr"] = rate
            images, labels = (part.to(device) for part in next(stream))
            images = images.contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(model(images), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            history.losses.append(loss.item())
            history.learning_rates.append(rate)
    model.to("cpu")
    return history


@contextlib.contextmanager
def enough_threads(model: nn.Module) -> Iterator[None]:
    """One thread on the CPU meanwhile, if ``model`` begins with fewer than 16 channels; else as many as before.

    So narrow a network is not faster with two, measured with images of 8×8 to 28×28. Beside another program that
    computes it was four times as slow with them: the threads wait for each other at every layer.
    """
    threads = torch.get_num_threads()
    first = next((layer for layer in model.modules() if isinstance(layer, nn.Conv2d)), None)
    try:
        if first is not None and first.out_channels < 16:
            torch.set_num_threads(1)
        yield
    finally:
        torch.set_num_threads(threads)


def endless(batches: Iterable[tuple[Tensor, Tensor]]) -> Iterator[tuple[Tensor, Tensor]]:
    """The batches, from the start again each time they end. Raises ``ValueError`` if there are none."""
    while True:
        empty = True
        for batch in batches:
            empty = False
            yield batch
        if empty:
            raise ValueError(
                "batches gave nothing. It must be a DataLoader or a list, which can be read again and again."
            )


@torch.no_grad()
def accuracy(model: nn.Module, images: Tensor, labels: Tensor) -> float:
    """The share of images (N, C, H, W) whose most likely class is the label (N,), from 0 to 1, in eval mode.

    Raises ``ValueError`` if there are not as many labels as images. The model is left in the mode that it was in.
    """
    if len(images) != len(labels):
        raise ValueError(
            f"there are {len(images)} images and {len(labels)} labels: each image needs one."
        )
    with modes_come_back(model):
        predicted = model.eval()(images).argmax(dim=1)
    return (predicted == labels).float().mean().item()
