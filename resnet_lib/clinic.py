"""The bug clinic: eight cases, each with one fault, and what is measured on them.

Names and docstrings say nothing of the faults: a reader measures before the code is shown. A case that builds has the
form of what it replaces, a block or a network; one that uses a network is a function.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable

import torch
from IPython.display import Markdown
from torch import Tensor, nn
from torch.nn import functional as F

from resnet_lib.blocks import ResidualBasicBlock, conv1x1, conv3x3
from resnet_lib.comparing import randomise_batchnorm
from resnet_lib.data import Digits
from resnet_lib.degradation import WIDTH
from resnet_lib.display import table
from resnet_lib.resnet import CifarResNet, ResNetBase
from resnet_lib.training import LEARNING_RATE, MOMENTUM, accuracy, enough_threads


class Case1(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        out_channels = channels * block.expansion
        downsample = None
        if stride != 1:
            downsample = nn.Sequential(
                conv1x1(self.in_channels, out_channels, stride),
                nn.BatchNorm2d(out_channels),
            )

        stage = [block(self.in_channels, channels, stride, downsample)]
        self.in_channels = out_channels
        for _ in range(1, blocks):
            stage.append(block(self.in_channels, channels))
        return nn.Sequential(*stage)


class Case2(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        out_channels = channels * block.expansion
        downsample = None
        if stride != 1 or self.in_channels != out_channels:
            downsample = nn.Sequential(
                conv1x1(self.in_channels, out_channels, stride),
                nn.BatchNorm2d(out_channels),
            )

        stage = [block(self.in_channels, channels, stride, downsample)]
        self.in_channels = channels
        for _ in range(1, blocks):
            stage.append(block(self.in_channels, channels))
        return nn.Sequential(*stage)


class Case3(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        out_channels = channels * block.expansion
        downsample = None
        if stride != 1 or self.in_channels != out_channels:
            downsample = nn.Sequential(
                conv1x1(self.in_channels, out_channels, stride),
                nn.BatchNorm2d(out_channels),
            )

        stage = [block(self.in_channels, channels, stride, downsample)]
        for _ in range(1, blocks):
            stage.append(block(self.in_channels, channels))
        return nn.Sequential(*stage)


class Case4(ResidualBasicBlock):
    def forward(self, x):
        x = F.relu(self.batchnorm1(self.conv1(x)))
        x = self.batchnorm2(self.conv2(x))
        x += x
        return F.relu(x)


class Case5(ResNetBase):
    def _make_layer(self, block, channels, blocks, stride):
        stride = 2 if channels == 64 else 1
        return super()._make_layer(block, channels, blocks, stride)


def case6(model, images, labels):
    probabilities = model(images).softmax(dim=1)
    return F.cross_entropy(probabilities, labels)


def case7(model, images):
    with torch.no_grad():
        return model(images).argmax(dim=1)


def case8(model):
    model.requires_grad_(False)
    model.fc.requires_grad_(True)
    model.train()


def measured(title: str, header: list[str], rows: Iterable[list[object]]) -> Markdown:
    """A table that opens at a click on ``title``."""
    return Markdown(
        f"<details><summary>{title}</summary>\n\n{table(header, rows).data}\n\n</details>"
    )


def outcome(model: nn.Module, images: Tensor) -> str:
    """The shape of what ``model`` returns for ``images`` (N, C, H, W), or the error that stops it."""
    try:
        return f"returns {tuple(model(images).shape)}"
    except RuntimeError as error:
        return f"stops: {error}"


def last_layer(model: nn.Module, images: Tensor) -> tuple[str, tuple[int, ...]]:
    """The name of the last layer of ``model`` that returned something for ``images``, and the shape of that."""
    ran = []
    hooks = [
        layer.register_forward_hook(
            lambda layer, inputs, output, name=name: ran.append((name, tuple(output.shape)))
        )
        for name, layer in model.named_modules()
        if not list(layer.children())
    ]
    outcome(model, images)
    for hook in hooks:
        hook.remove()
    return ran[-1]


def stack(block_class: type[nn.Module], blocks: int = 16) -> nn.Module:
    """A network for the digits, (N, 1, 8, 8) → (N, 10), with that many blocks of one kind. Its weights are always the
    same.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        stem = [conv3x3(1, WIDTH), nn.BatchNorm2d(WIDTH), nn.ReLU()]
        middle = [block_class(WIDTH, WIDTH) for _ in range(blocks)]
        return nn.Sequential(
            *stem, *middle, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(WIDTH, 10)
        )


def cross_entropy(model: nn.Module, images: Tensor, labels: Tensor) -> Tensor:
    """The loss of ``model`` on ``images`` (N, C, H, W) with ``labels`` (N,)."""
    return F.cross_entropy(model(images), labels)


def training_losses(
    model: nn.Module,
    batches: Iterable[tuple[Tensor, Tensor]],
    loss_of: Callable = cross_entropy,
    learning_rate: float = LEARNING_RATE,
) -> list[float]:
    """Trains ``model`` in place, one step for each batch, and returns what ``loss_of(model, images, labels)`` was."""
    learning = [parameter for parameter in model.parameters() if parameter.requires_grad]
    optimizer = torch.optim.SGD(learning, learning_rate, MOMENTUM)
    losses = []
    with enough_threads(model):
        for images, labels in batches:
            loss = loss_of(model, images, labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
    return losses


def right_in_batches(
    predict: Callable, model: nn.Module, digits: Digits, batch_size: int
) -> float:
    """The share of right answers of ``predict(model, images)`` on the test images, so many at a time. ``model`` is as
    it was before.
    """
    model = copy.deepcopy(model)
    with enough_threads(model):
        classes = [predict(model, images) for images in digits.test_images.split(batch_size)]
    return (torch.cat(classes) == digits.test_labels).float().mean().item()


def right_while_tuned(freeze: Callable, model: nn.Module, digits: Digits) -> list[float]:
    """How well a network still does its old task while a new ``fc`` learns from brighter images: the share of right
    answers on the test images with the old ``fc`` put back, after each step. ``model`` is as it was before.
    """
    tuned = copy.deepcopy(model)
    old, new = tuned.fc, nn.Linear(tuned.fc.in_features, tuned.fc.out_features)
    rights = []
    with enough_threads(model):
        for images, labels in digits.loader(seed=0):
            tuned.fc = new
            freeze(tuned)
            training_losses(tuned, [(images + 2, labels)])
            tuned.fc = old
            rights.append(accuracy(tuned, digits.test_images, digits.test_labels))
    return rights


def changed(before: Iterable[Tensor], after: Iterable[Tensor]) -> str:
    """How many tensors differ, such as ``0 of 23``."""
    equal = [torch.equal(one, other) for one, other in zip(before, after, strict=True)]
    return f"{equal.count(False)} of {len(equal)}"


def _small_network() -> CifarResNet:
    """A network with random numbers everywhere, batch norms too."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        return randomise_batchnorm(CifarResNet(1, num_classes=10, in_channels=1, width=8))


def _some_images(number: int) -> Tensor:
    return torch.randn(number, 1, 8, 8, generator=torch.Generator().manual_seed(0))


def trouble_with_loss(training_loss: Callable) -> str:
    """What is wrong with a loss of (model, images, labels), in a sentence; empty where nothing is."""
    model, images = _small_network(), _some_images(12)
    labels = torch.arange(12) % 10
    certain = 100.0 * F.one_hot(labels, 10)
    best = training_loss(lambda images: certain, images, labels)
    if not isinstance(best, Tensor) or best.dim():
        return "A loss is a tensor with one number."
    if best.item() > 1e-3:
        return f"Answers that are certain and right still have a loss of {best.item():.2f}. It should be 0."
    loss, right = (of(model, images, labels) for of in (training_loss, cross_entropy))
    if not torch.allclose(loss, right):
        return f"For the logits of a network the loss is {loss.item():.2f}, and cross-entropy is {right.item():.2f}."
    return "" if loss.requires_grad else "No gradient comes back from this loss."


def trouble_with_predictions(predict: Callable) -> str:
    """What is wrong with a prediction from (model, images), in a sentence; empty where nothing is."""
    model, images = _small_network().train(), _some_images(32)
    right = copy.deepcopy(model).eval()(images).argmax(dim=1)
    before = [buffer.clone() for buffer in model.buffers()]
    together = predict(model, images)
    if getattr(together, "shape", None) != right.shape:
        return (
            "For 32 images the result should be a tensor with 32 classes, one for each image."
        )
    alone = [predict(model.train(), image[None]) for image in images]
    if not torch.equal(together, torch.cat(alone)):
        return "An image alone still gets another class than among others: batch norm takes its numbers from the batch."
    if not all(map(torch.equal, before, model.buffers())):
        return "A prediction changes the running statistics of batch norm."
    return "" if torch.equal(together, right) else "These are not the network's classes."


def trouble_with_freezing(freeze: Callable) -> str:
    """What is wrong with a function that freezes a network but for ``fc``, in a sentence; empty where nothing is."""
    model, images = _small_network().train(), _some_images(12)
    freeze(model)
    learning = {name for name, weight in model.named_parameters() if weight.requires_grad}
    if not {"fc.weight", "fc.bias"} <= learning:
        return "`fc` is frozen too, and it is what should learn."
    if others := learning - {"fc.weight", "fc.bias"}:
        return f"Some weights are not frozen, such as `{min(others)}`."
    before = [buffer.clone() for buffer in model.buffers()]
    model(images)
    if not all(map(torch.equal, before, model.buffers())):
        return "The weights are frozen, and the running statistics of batch norm still follow the new images."
    return ""
