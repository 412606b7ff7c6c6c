"""What ``scripts/photographs.py`` has stored: a sample of the photographs of clothes, and trainings on all of them."""

import json
from importlib import resources

import numpy as np
import torch
from torch import Tensor, nn

from resnet_lib.blocks import ResidualBasicBlock
from resnet_lib.page_network import PageNet
from resnet_lib.photographs import CLOTHES, Photographs
from resnet_lib.recipe import Epoch, standardised
from resnet_lib.resnet import CifarResNet

FOLDER = resources.files("resnet_lib") / "measured"
SAMPLE, WEIGHTS, RUNS = (
    FOLDER / name for name in ("clothes_sample.npz", "clothes_resnet20.pt", "photographs.json")
)
BLOCKS_PER_STAGE = 3  # ResNet-20


def load_sample() -> Photographs:
    """The 2,000 photographs of clothes to train on and 1,000 to test with that come with the book.

    ``scripts/photographs.py`` has drawn them from Fashion-MNIST at random, as many from each class.
    """
    with np.load(str(SAMPLE)) as stored:
        parts = {name: torch.from_numpy(stored[name]) for name in stored.files}
    return Photographs(
        parts["train_images"],
        parts["train_labels"].long(),
        parts["test_images"],
        parts["test_labels"].long(),
        CLOTHES,
    )


def prepared(images: Tensor) -> Tensor:
    """Photographs as :func:`clothes_net` wants them, with mean and deviation of the 60,000: uint8 → float32 (N, 1, 28,
    28).
    """
    about = stored_about()
    return standardised(images, torch.tensor(about["mean"]), torch.tensor(about["deviation"]))


def clothes_weights() -> dict[str, Tensor]:
    """The weights of ResNet-20 after its training on 60,000 photographs of clothes. They were stored as float16."""
    weights = torch.load(str(WEIGHTS), weights_only=True)
    return {
        name: tensor.float() if tensor.is_floating_point() else tensor
        for name, tensor in weights.items()
    }


def clothes_net(block: type[nn.Module] = ResidualBasicBlock) -> CifarResNet:
    """ResNet-20 with :func:`clothes_weights`, in eval mode, from ``block``: standardised images (N, 1, 28, 28) → logits
    (N, 10).

    Raises ``ValueError`` if ``block`` names its layers otherwise than the library.
    """
    net = CifarResNet(BLOCKS_PER_STAGE, len(CLOTHES), in_channels=1, block=block)
    weights = clothes_weights()
    other_names = [name for name in net.state_dict() if name not in weights]
    if other_names:
        raise ValueError(
            f"the stored weights do not fit into {block.__name__}: they have no {other_names[0]}. Name the layers of "
            "the block as this book does: conv1, batchnorm1, conv2, batchnorm2."
        )
    net.load_state_dict(weights)
    return net.eval()


def page_net() -> PageNet:
    """The network for the page, in eval mode: it takes pixels from 0 to 255."""
    about = stored_about()
    mean, deviation = about["mean"], about["deviation"]
    return PageNet(clothes_net(), 1 / (255 * deviation), -mean / deviation).eval()


def stored_histories() -> dict[str, list[Epoch]]:
    """What each epoch of each training measured, by the name of the network, such as ``"residual-20"``."""
    runs = json.loads(RUNS.read_text("utf-8"))["runs"]
    return {name: [Epoch(**values) for values in epochs] for name, epochs in runs.items()}


def stored_about() -> dict:
    """The settings and versions of these trainings, and the machine that they ran on."""
    return json.loads(RUNS.read_text("utf-8"))["about"]
