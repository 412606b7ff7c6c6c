"""Handwritten digits that come with scikit-learn: small enough to train many networks on a laptop."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.utils.data import DataLoader, TensorDataset

from resnet_lib.formula import check_int

BATCH_SIZE = 64


@dataclass(frozen=True)
class Digits:
    """The digits, split once and for all into images to train on and images to test with.

    Images are float32 of shape (N, 1, 8, 8), labels int64 of shape (N,) from 0 to 9.
    """

    train_images: Tensor
    train_labels: Tensor
    test_images: Tensor
    test_labels: Tensor

    def loader(self, batch_size: int = BATCH_SIZE, seed: int = 0) -> DataLoader:
        """The images to train on, in batches, in a new order for each epoch that depends on ``seed`` alone.

        The last batch of an epoch is smaller where the batches do not divide the images.
        Raises ``TypeError`` or ``ValueError`` if ``batch_size`` is not a positive int.
        """
        check_int("batch_size", batch_size)
        order = torch.Generator().manual_seed(seed)
        images = TensorDataset(self.train_images, self.train_labels)
        return DataLoader(images, batch_size, shuffle=True, generator=order)


def load_digits() -> Digits:
    """1,797 digits of 8×8 pixels from scikit-learn, four fifths to train on and one fifth to test with.

    They were 32×32 pixels of ink or no ink, counted in squares of 4×4, so each value was from 0 to 16; here they have
    mean 0 and variance 1, taken over the images to train on. The split has the same share of each digit on both sides
    and is always the same. (E. Alpaydin and C. Kaynak, "Optical Recognition of Handwritten Digits", UCI Machine
    Learning Repository, 1998.)
    """
    from sklearn import datasets, model_selection

    images, labels = datasets.load_digits(return_X_y=True)
    parts = model_selection.train_test_split(
        images, labels, test_size=0.2, stratify=labels, random_state=0
    )
    train_images, test_images = (
        torch.tensor(part, dtype=torch.float32).reshape(-1, 1, 8, 8) for part in parts[:2]
    )
    train_labels, test_labels = (torch.tensor(part, dtype=torch.int64) for part in parts[2:])
    mean, deviation = train_images.mean(), train_images.std()
    return Digits(
        (train_images - mean) / deviation,
        train_labels,
        (test_images - mean) / deviation,
        test_labels,
    )
