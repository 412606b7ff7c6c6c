"""The photographs: what is read, what a damaged file says, and the stored sample, network and trainings."""

import gzip
import struct

import numpy as np
import pytest
import torch
import torchvision

from resnet_lib import ResidualBasicBlock, photographs
from resnet_lib.clothes import (
    BLOCKS_PER_STAGE,
    clothes_net,
    load_sample,
    prepared,
    stored_about,
    stored_histories,
)
from resnet_lib.photographs import (
    CLOTHES,
    DEBIAN,
    FILES,
    Photographs,
    load_photographs,
    read_clothes,
    read_idx,
)
from resnet_lib.recipe import predict
from scripts import photographs as script

IMAGES = torch.arange(3 * 4 * 5, dtype=torch.uint8).reshape(3, 4, 5)


def idx(array: torch.Tensor) -> bytes:
    """The content of a file of the MNIST format."""
    sizes = struct.pack(f">{array.dim()}I", *array.shape)
    return bytes([0, 0, 8, array.dim()]) + sizes + array.numpy().tobytes()


@pytest.fixture
def folder(tmp_path):
    """Four small files, two of them packed."""
    labels = torch.tensor([0, 9, 4], dtype=torch.uint8)
    for name, pack in zip(FILES, (gzip.compress, bytes, bytes, gzip.compress), strict=True):
        path = tmp_path / f"{name}-ubyte{'.gz' if pack is gzip.compress else ''}"
        path.write_bytes(pack(idx(IMAGES if name.endswith("3") else labels)))
    return tmp_path


def test_files_are_read_packed_or_not(folder):
    clothes = read_clothes(folder)
    assert torch.equal(clothes.train_images[:, 0], IMAGES)
    assert torch.equal(clothes.test_images[:, 0], IMAGES)
    assert clothes.train_labels.tolist() == clothes.test_labels.tolist() == [0, 9, 4]
    assert clothes.train_labels.dtype == torch.int64
    mean, deviation = clothes.mean_and_deviation()
    assert mean.item() == pytest.approx(IMAGES.float().mean().item() / 255)
    assert deviation.item() == pytest.approx(IMAGES.float().std().item() / 255)


PACKED = FILES[0] + "-ubyte.gz"
PLAIN = FILES[1] + "-ubyte"


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        (PACKED, gzip.compress(idx(IMAGES))[:-20], f"{PACKED} cannot be unpacked"),
        (PACKED, b"<html>Not found</html>", f"{PACKED} cannot be unpacked"),
        (PACKED, b"", "begins with the bytes"),
        (PACKED, gzip.compress(idx(IMAGES)[:-7]), "3 × 4 × 5 = 60 numbers, and holds 53"),
        (PACKED, gzip.compress(idx(IMAGES) + b"\0"), "60 numbers, and holds 61"),
        (
            PACKED,
            gzip.compress(b"\0\0\x09\x03" + idx(IMAGES)[4:]),
            r"bytes \[0, 0, 9, 3\], not",
        ),
        (PACKED, gzip.compress(idx(IMAGES[0, 0])), "holds an array of 1 axes, not 3"),
        (PLAIN, idx(IMAGES), "holds an array of 3 axes, not 1"),
        (
            PLAIN,
            idx(torch.zeros(2, dtype=torch.uint8)),
            "3 photographs to train on and 2 labels",
        ),
        (PLAIN, idx(torch.full((3,), 10, dtype=torch.uint8)), "from 0 to 9, not from 10 to 10"),
    ],
    ids="cut no-gzip empty short long other-type other-axes images-for-labels too-few tenth".split(),
)
def test_a_damaged_file_is_told_by_what_is_wrong_with_it(folder, name, content, says):
    (folder / name).write_bytes(content)
    with pytest.raises(ValueError, match=says):
        read_clothes(folder)


def test_another_name_is_an_error():
    with pytest.raises(ValueError, match='"clothes" or "cifar10", not \'mnist\''):
        load_photographs("mnist")


def test_without_a_network_the_error_says_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setattr(photographs, "DEBIAN", tmp_path / "nothing")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    for proxy in ("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"):
        monkeypatch.setenv(proxy, "http://127.0.0.1:9")
    for name in ("clothes", "cifar10"):
        with pytest.raises(
            ConnectionError, match="no network connection to fetch .*load_sample"
        ):
            load_photographs(name)


def test_what_torchvision_has_fetched_is_read(monkeypatch, folder, tmp_path):
    """torchvision takes files that are there for granted, so small ones can stand for them."""
    raw = tmp_path / "hub" / "datasets" / "FashionMNIST" / "raw"
    raw.mkdir(parents=True)
    clothes = read_clothes(folder)
    for name in FILES:
        part = "train" if name.startswith("train") else "test"
        images = name.endswith("3")
        array = getattr(clothes, f"{part}_{'images' if images else 'labels'}")
        (raw / f"{name}-ubyte").write_bytes(
            idx(array[:, 0] if images else array.to(torch.uint8))
        )
    monkeypatch.setattr(photographs, "DEBIAN", tmp_path / "nothing")
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    assert torch.equal(load_photographs().train_images, clothes.train_images)


class FakeCifar:
    """As torchvision's CIFAR10: images (N, H, W, C) as an array, labels as a list."""

    classes = ["airplane", "automobile", "bird"]

    def __init__(self, root, train, download):
        assert download
        number = 3 if train else 2
        self.data = np.arange(number * 32 * 32 * 3).astype(np.uint8).reshape(number, 32, 32, 3)
        self.targets = list(range(number))


def test_cifar10_comes_with_its_colours_on_axis_1(monkeypatch):
    monkeypatch.setattr(torchvision.datasets, "CIFAR10", FakeCifar)
    cifar = load_photographs("cifar10")
    assert cifar.train_images.shape == (3, 3, 32, 32) and cifar.test_images.shape == (
        2,
        3,
        32,
        32,
    )
    assert cifar.train_images[0, :, 0, 0].tolist() == [0, 1, 2]
    assert cifar.train_labels.tolist() == [0, 1, 2] and cifar.classes[2] == "bird"
    mean, _ = cifar.mean_and_deviation()
    assert mean.shape == (3, 1, 1)


def test_a_part_has_the_first_photographs_and_all_to_test_with(folder):
    clothes = read_clothes(folder)
    part = clothes.part(2)
    assert (len(part.train_images), len(part.train_labels), len(part.test_images)) == (2, 2, 3)
    for number in (0, 1.5):
        with pytest.raises((ValueError, TypeError), match="number must be"):
            clothes.part(number)


def test_labels_and_photographs_must_be_as_many():
    with pytest.raises(ValueError, match="3 photographs to test with and 2 labels"):
        Photographs(
            IMAGES[:, None],
            torch.zeros(3, dtype=torch.int64),
            IMAGES[:, None],
            torch.zeros(2, dtype=torch.int64),
            CLOTHES,
        )


# What is stored
# -----------------------------------------------------------------------------------------------------


def test_the_sample_has_as_many_of_each_class():
    sample = load_sample()
    assert sample.train_labels.bincount().tolist() == [script.SAMPLE_TRAIN] * 10
    assert sample.test_labels.bincount().tolist() == [script.SAMPLE_TEST] * 10
    assert sample.train_images.shape == (2000, 1, 28, 28)


def test_the_stored_network_is_as_good_as_was_measured():
    """On the sample's 1,000 photographs, which were drawn at random from the 10,000 to test with: its error may differ
    from theirs by three standard deviations, about 2.5 %.
    """
    sample = load_sample()
    wrong = predict(clothes_net(), prepared(sample.test_images)).argmax(1) != sample.test_labels
    error = wrong.float().mean().item()
    measured = stored_histories()["residual-20"][-1].test_error
    assert abs(error - measured) < 3 * (measured * (1 - measured) / 1000) ** 0.5
    assert error < 0.1


needs_all = pytest.mark.skipif(
    not DEBIAN.is_dir(), reason="the whole data set is not here (package dataset-fashion-mnist)"
)


@needs_all
def test_on_all_photographs_the_stored_network_has_the_measured_error():
    """Half precision changes hardly an answer."""
    clothes = load_photographs()
    assert (len(clothes.train_images), len(clothes.test_images)) == (60_000, 10_000)
    predicted = predict(clothes_net(), prepared(clothes.test_images)).argmax(1)
    error = (predicted != clothes.test_labels).float().mean().item()
    assert error == pytest.approx(stored_histories()["residual-20"][-1].test_error, abs=0.001)


@needs_all
def test_the_sample_and_the_mean_are_those_of_the_data(monkeypatch, tmp_path):
    """The script draws the stored sample again, number by number."""
    clothes = load_photographs()
    mean, deviation = clothes.mean_and_deviation()
    about = stored_about()
    assert about["mean"] == pytest.approx(mean.item(), abs=1e-5)
    assert about["deviation"] == pytest.approx(deviation.item(), abs=1e-5)
    stored = load_sample()
    monkeypatch.setattr(script, "SAMPLE", tmp_path / "sample.npz")
    script.draw_sample(clothes)
    monkeypatch.setattr("resnet_lib.clothes.SAMPLE", tmp_path / "sample.npz")
    drawn = load_sample()
    for name in ("train_images", "train_labels", "test_images", "test_labels"):
        assert torch.equal(getattr(drawn, name), getattr(stored, name)), name


def test_every_training_of_the_script_is_stored_whole():
    histories = stored_histories()
    assert list(histories) == list(script.TRAININGS)
    for name, (_, blocks, epochs) in script.TRAININGS.items():
        assert len(histories[name]) == epochs, name
        assert name.endswith(str(6 * blocks + 2))
    assert script.TRAININGS["residual-20"][1] == BLOCKS_PER_STAGE


def test_a_block_with_other_names_is_told_what_does_not_fit():
    class Block(ResidualBasicBlock):
        def __init__(self, *arguments):
            super().__init__(*arguments)
            self.bn1 = self.batchnorm1
            del self.batchnorm1

    with pytest.raises(
        ValueError, match=r"fit into Block: they have no layer1\.0\.bn1\.weight\."
    ):
        clothes_net(Block)


def test_read_idx_takes_a_file_that_is_not_there_as_python_does(tmp_path):
    with pytest.raises(FileNotFoundError):
        read_idx(tmp_path / "nothing")
