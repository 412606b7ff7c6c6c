"""The degradation problem on the digits: plain and residual networks of equal size, trained in the same way.

The networks are those of section 4.2 of the paper (He et al. 2015), half as wide and for grey images. Plain and
residual networks of one depth have the same layers and parameters; they differ in the shortcuts alone.
"""

import json
from dataclasses import asdict, dataclass
from importlib import resources

import torch

from resnet_lib.data import Digits
from resnet_lib.formula import check_int
from resnet_lib.resnet import CifarPlainNet, CifarResNet
from resnet_lib.training import LEARNING_RATE, History, accuracy, train

KINDS = {"plain": CifarPlainNet, "residual": CifarResNet}
STEPS = 300
LONG_STEPS = 1200
WIDTH = 8
STORED = resources.files("resnet_lib") / "measured" / "degradation.json"


@dataclass(frozen=True)
class Run:
    """One training. ``curve`` is the training loss, as its mean over ``steps / len(curve)`` steps at a time."""

    kind: str
    depth: int
    seed: int
    steps: int
    learning_rate: float
    curve: list[float]
    final_loss: float
    train_accuracy: float
    test_accuracy: float


def digits_net(kind: str, depth: int, seed: int = 0) -> CifarResNet:
    """A ``"plain"`` or ``"residual"`` network for the digits, with random weights that depend on ``seed`` alone.

    Shapes: (N, 1, 8, 8) → (N, 10). Three stages of 8, 16 and 32 channels. Raises ``ValueError`` for another kind, or a
    depth that is not 6n + 2, such as 8, 14, 20, 32, 44 or 56.
    """
    check_int("depth", depth)
    if kind not in KINDS:
        raise ValueError(f'kind must be "plain" or "residual", not {kind!r}')
    if depth < 8 or depth % 6 != 2:
        near = max(8, round((depth - 2) / 6) * 6 + 2)
        raise ValueError(
            f"depth must be 6n + 2 (three stages of n blocks with two convolutions, the stem and the classifier), "
            f"not {depth}. Near it is {near}."
        )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return KINDS[kind]((depth - 2) // 6, num_classes=10, in_channels=1, width=WIDTH)


def run(
    kind: str, depth: int, seed: int, steps: int, learning_rate: float, digits: Digits
) -> Run:
    """Trains one network and measures it. ``seed`` decides the weights and the order of the images.

    Raises as :func:`digits_net` and :func:`resnet_lib.training.train` do.
    """
    model = digits_net(kind, depth, seed)
    batches = digits.loader(seed=seed)
    history = train(model, batches, steps, learning_rate, title=f"{kind}-{depth}")
    return Run(
        kind,
        depth,
        seed,
        steps,
        learning_rate,
        [round(loss, 4) for loss in curve(history)],
        round(history.final_loss(), 5),
        round(accuracy(model, digits.train_images, digits.train_labels), 4),
        round(accuracy(model, digits.test_images, digits.test_labels), 4),
    )


def curve(history: History, points: int = 30) -> list[float]:
    """The losses of a training as ``points`` means, each over an equal number of steps: single batches differ too much
    to see.
    """
    size = max(1, len(history.losses) // points)
    parts = [
        history.losses[start : start + size] for start in range(0, len(history.losses), size)
    ]
    return [sum(part) / len(part) for part in parts]


def stored_runs(steps: int = STEPS, learning_rate: float | None = LEARNING_RATE) -> list[Run]:
    """The runs that ``scripts/degradation.py`` has made with so many steps, and at this learning rate, or at any for
    ``None``.

    There are 300 steps for depths 8 to 56 with six seeds, 1,200 for some seeds of depth 56, and other learning rates
    for seed 0.
    """
    return [
        run
        for run in (Run(**values) for values in _stored()["runs"])
        if run.steps == steps and learning_rate in (None, run.learning_rate)
    ]


def stored_about() -> dict[str, object]:
    """The settings and versions with which :func:`stored_runs` were made."""
    return _stored()["about"]


def _stored() -> dict:
    return json.loads(STORED.read_text("utf-8"))


def store(runs: list[Run], about: dict[str, object]) -> None:
    """Writes the runs, and ``about``, which says how they came about, to where :func:`stored_runs` reads them."""
    lines = ",\n".join(json.dumps(asdict(one)) for one in runs)
    text = f'{{"about": {json.dumps(about, indent=1)},\n"runs": [\n{lines}\n]}}\n'
    STORED.write_text(text, "utf-8")
