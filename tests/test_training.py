"""The digits, the training loop, and the degradation problem that chapter 7 shows with them."""

import copy
import itertools
import json
import math
import statistics
from pathlib import Path

import degradation as sweep
import nbformat
import pytest
import torch
from torch import nn
from torch.nn import functional as F

import resnet_lib
from resnet_lib import (
    CifarPlainNet,
    CifarResNet,
    PlainBlock,
    ResidualBasicBlock,
    accuracy,
    count_multiply_adds,
    count_parameters,
    degradation,
    load_digits,
    train,
    training,
)
from resnet_lib.degradation import KINDS, curve, digits_net, stored_about, stored_runs
from resnet_lib.training import History

BOOK = Path(__file__).resolve().parent.parent / "book"


@pytest.fixture(scope="module")
def digits():
    return load_digits()


# The data
# ---------------------------------------------------------------------------------------------------------------


def test_the_digits_are_split_into_two_parts_without_overlap(digits):
    assert digits.train_images.shape == (1437, 1, 8, 8) and digits.test_images.shape == (
        360,
        1,
        8,
        8,
    )
    assert digits.train_labels.shape == (1437,) and digits.test_labels.shape == (360,)
    assert (
        digits.train_images.dtype == torch.float32 and digits.train_labels.dtype == torch.int64
    )

    from sklearn import datasets

    def rows(images):
        pixels = images.flatten(1) * deviation + mean
        return [tuple(row) for row in pixels.round().int().tolist()]

    everything = torch.tensor(datasets.load_digits().data, dtype=torch.int32)
    in_train = digits.train_images.flatten()
    # pixel values are whole numbers from 0 to 16: from the standardised ones both numbers come back
    deviation = 16 / (in_train.max() - in_train.min())
    mean = -in_train.min() * deviation
    together = sorted(rows(digits.train_images) + rows(digits.test_images))
    assert together == sorted(tuple(row) for row in everything.tolist())


def test_each_digit_has_its_share_on_both_sides(digits):
    for label in range(10):
        train_share = (digits.train_labels == label).float().mean().item()
        test_share = (digits.test_labels == label).float().mean().item()
        assert train_share == pytest.approx(test_share, abs=0.003)


def test_the_training_images_are_standardised(digits):
    assert digits.train_images.mean().item() == pytest.approx(0, abs=1e-5)
    assert digits.train_images.std().item() == pytest.approx(1, abs=1e-5)
    assert digits.test_images.min() == digits.train_images.min()  # the same scale on both sides


def test_the_order_depends_on_the_seed_alone_and_changes_with_each_epoch(digits):
    def epoch(loader):
        return torch.cat([labels for _, labels in loader])

    torch.manual_seed(5)
    first, again = digits.loader(seed=3), digits.loader(seed=3)
    one = epoch(first)
    torch.manual_seed(6)
    assert torch.equal(one, epoch(again))
    assert not torch.equal(one, epoch(first))
    assert not torch.equal(one, epoch(digits.loader(seed=4)))
    assert torch.equal(one.sort().values, digits.train_labels.sort().values)


@pytest.mark.parametrize(("batch_size", "error"), [(0, ValueError), (2.5, TypeError)])
def test_a_bad_batch_size_is_refused(digits, batch_size, error):
    with pytest.raises(error, match="batch_size"):
        digits.loader(batch_size)


# The loop
# ---------------------------------------------------------------------------------------------------------------


def small_batches():
    torch.manual_seed(1)
    return [(torch.randn(8, 1, 8, 8), torch.randint(10, (8,))) for _ in range(3)]


def test_training_is_sgd_with_the_papers_settings():
    """The same weights as a loop that is written out with PyTorch's own scheduler."""
    batches, steps = small_batches(), 7
    ours, theirs = digits_net("residual", 8), digits_net("residual", 8)
    history = train(ours, batches, steps, learning_rate=0.05)

    theirs.train()
    sgd = torch.optim.SGD(theirs.parameters(), 0.05, momentum=0.9, weight_decay=1e-4)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(sgd, steps)
    losses = []
    for images, labels in itertools.islice(itertools.cycle(batches), steps):
        loss = F.cross_entropy(theirs(images), labels)
        sgd.zero_grad()
        loss.backward()
        sgd.step()
        schedule.step()
        losses.append(loss.item())
    assert history.losses == pytest.approx(losses, rel=1e-3)
    for ours_tensor, theirs_tensor in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(ours_tensor, theirs_tensor, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize(("width", "used"), [(8, 1), (15, 1), (16, 3)])
def test_a_narrow_network_trains_with_one_thread(width, used):
    """And the number of threads comes back, also after an error."""
    model = CifarPlainNet(1, in_channels=1, width=width)
    seen = []
    model.register_forward_hook(lambda *given: seen.append(torch.get_num_threads()))
    batches = [
        (torch.randn(2, 1, 8, 8), torch.tensor([0, 1])),
        (torch.zeros(1, 2, 8, 8), torch.tensor([0])),
    ]
    threads = torch.get_num_threads()
    try:
        torch.set_num_threads(3)
        with pytest.raises(ValueError):
            train(model, batches, 2)
        assert seen == [used] and torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(threads)


def test_the_learning_rate_falls_along_a_cosine_to_zero():
    rates = train(digits_net("plain", 8), small_batches(), 10, learning_rate=0.1).learning_rates
    assert rates == pytest.approx([0.05 * (1 + math.cos(math.pi * s / 10)) for s in range(10)])


def test_the_same_seed_gives_the_same_training(digits):
    first, second = (
        train(digits_net("residual", 8, seed=2), digits.loader(seed=2), 5).losses
        for _ in range(2)
    )
    assert first == second


def test_a_training_leaves_the_model_in_train_mode_and_prints_nothing_to_keep(capsys):
    model = digits_net("residual", 8).eval()
    train(model, small_batches(), 2, title="a title")
    assert model.training
    assert capsys.readouterr().out == ""


def test_the_final_loss_is_the_mean_of_the_last_tenth():
    assert History(losses=[9.0] * 18 + [1.0, 3.0]).final_loss() == 2.0
    assert History(losses=[5.0, 4.0]).final_loss() == 4.0


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({"steps": 0}, ValueError, "steps"),
        ({"steps": 1.5}, TypeError, "steps"),
        ({"learning_rate": 0}, ValueError, "above 0"),
        ({"learning_rate": float("nan")}, ValueError, "above 0"),
        ({"batches": []}, ValueError, "batches gave nothing"),
        ({"batches": iter(small_batches()), "steps": 4}, ValueError, "again and again"),
    ],
)
def test_what_cannot_be_trained_is_refused(change, error, says):
    arguments = {"batches": small_batches(), "steps": 2} | change
    with pytest.raises(error, match=says):
        train(digits_net("plain", 8), **arguments)


def test_accuracy_counts_right_answers_in_eval_mode():
    class Says(nn.Module):
        """The class that is written in the first pixel, in eval mode; always 0 in train mode."""

        def forward(self, x):
            return F.one_hot((x[:, 0, 0, 0] * (not self.training)).long(), 10).float()

    model = Says()
    images = torch.tensor([1.0, 2.0, 3.0, 4.0]).reshape(4, 1, 1, 1)
    assert accuracy(model, images, torch.tensor([1, 2, 3, 9])) == 0.75
    assert model.training
    with pytest.raises(ValueError, match="4 images and 3 labels"):
        accuracy(model, images, torch.tensor([1, 2, 3]))


def test_a_training_takes_model_and_batches_to_the_chosen_device(monkeypatch):
    """The meta device stands for a GPU: it is not the CPU, and PyTorch refuses to mix the two, up to the loss, which
    has no number.
    """
    seen = []

    class Probe(nn.Linear):
        def forward(self, x):
            seen.append((x.device.type, self.weight.device.type))
            return super().forward(x.flatten(1))

    batches = [(torch.zeros(2, 1, 3, 3), torch.zeros(2, dtype=torch.long))]
    monkeypatch.setattr(training, "choose_device", lambda: torch.device("meta"))
    with pytest.raises(RuntimeError, match="meta"):
        train(Probe(9, 2), batches, steps=1)
    monkeypatch.undo()
    train(Probe(9, 2), batches, steps=1)
    assert seen == [("meta", "meta"), ("cpu", "cpu")]


@pytest.mark.parametrize(
    ("cuda", "mps", "device"),
    [(True, True, "cuda"), (True, False, "cuda"), (False, True, "mps"), (False, False, "cpu")],
)
def test_the_device_is_a_gpu_where_there_is_one(monkeypatch, cuda, mps, device):
    monkeypatch.delenv("RESNET_DEVICE", raising=False)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: cuda)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: mps)
    assert training.choose_device() == torch.device(device)
    monkeypatch.setenv("RESNET_DEVICE", "cpu")
    assert training.choose_device() == torch.device("cpu")


def test_a_device_that_is_not_there_is_an_error(monkeypatch):
    for name in ("meta", "gpu", "cuda:99", ""):
        monkeypatch.setenv("RESNET_DEVICE", name)
        with pytest.raises(ValueError, match=f"RESNET_DEVICE is '{name}', and PyTorch cannot"):
            training.choose_device()


# Plain and residual
# -----------------------------------------------------------------------------------------------------


def without_shortcut(self, x):
    """The forward of a residual block whose shortcut was taken away."""
    out = self.relu1(self.batchnorm1(self.conv1(x)))
    return self.relu2(self.batchnorm2(self.conv2(out)))


@pytest.mark.parametrize(("depth", "parameters"), [(20, 67_906), (56, 214_402)])
def test_plain_and_residual_have_the_same_weights_and_cost(depth, parameters):
    plain, residual = digits_net("plain", depth, seed=4), digits_net("residual", depth, seed=4)
    assert count_parameters(plain) == count_parameters(residual) == parameters
    costs = [count_multiply_adds(net, (1, 8, 8)) for net in (plain, residual)]
    assert costs[0] == costs[1]
    ours, theirs = plain.state_dict(), residual.state_dict()
    assert list(ours) == list(theirs)
    assert all(torch.equal(ours[name], theirs[name]) for name in ours)


def test_the_plain_network_is_the_residual_one_without_its_shortcuts(monkeypatch):
    x = torch.randn(3, 3, 12, 9)
    torch.manual_seed(0)
    plain = CifarPlainNet(2, num_classes=7)
    torch.manual_seed(0)
    residual = CifarResNet(2, num_classes=7)
    assert not torch.allclose(plain(x), residual(x), atol=0.1)
    monkeypatch.setattr(ResidualBasicBlock, "forward", without_shortcut)
    assert torch.equal(plain(x), residual(x))


def test_the_plain_block_is_the_residual_block_without_its_shortcut():
    plain, residual = PlainBlock(4, 6, stride=2), ResidualBasicBlock(4, 6, stride=2)
    residual.load_state_dict(plain.state_dict())
    x = torch.randn(2, 4, 7, 10)
    assert torch.equal(plain(x), without_shortcut(residual, x))
    assert plain(x).shape == (2, 6, 4, 5) and PlainBlock.expansion == 1


def test_building_a_network_leaves_the_random_numbers_of_others_alone():
    torch.manual_seed(7)
    expected = torch.rand(3)
    torch.manual_seed(7)
    digits_net("residual", 8, seed=1)
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    ("kind", "depth", "error", "says"),
    [
        ("Plain", 20, ValueError, '"plain" or "residual", not \'Plain\''),
        ("plain", 18, ValueError, "not 18. Near it is 20"),
        ("plain", 2, ValueError, "Near it is 8"),
        ("residual", "20", TypeError, "depth"),
    ],
)
def test_networks_that_do_not_exist_are_refused(kind, depth, error, says):
    with pytest.raises(error, match=says):
        digits_net(kind, depth)


@pytest.mark.parametrize("change", [{"in_channels": 0}, {"width": -1}, {"width": 2.0}])
def test_bad_widths_are_refused(change):
    with pytest.raises((TypeError, ValueError), match=next(iter(change))):
        CifarResNet(1, **change)


# The degradation problem
# ------------------------------------------------------------------------------------------------

DEPTH, STEPS = 44, 60


def final_loss(kind, digits):
    return train(digits_net(kind, DEPTH, seed=0), digits.loader(seed=0), STEPS).final_loss()


def test_a_deep_plain_network_does_not_learn_what_a_residual_one_learns(digits, monkeypatch):
    """And it is the shortcut alone: without it, the residual network has exactly the plain network's loss."""
    plain, residual = final_loss("plain", digits), final_loss("residual", digits)
    assert residual < 0.4 and plain > 1.5, (plain, residual)

    monkeypatch.setattr(ResidualBasicBlock, "forward", without_shortcut)
    assert final_loss("residual", digits) == plain


# The stored sweep
# -------------------------------------------------------------------------------------------------------


def losses(kind, depth, **which):
    return [r.final_loss for r in stored_runs(**which) if (r.kind, r.depth) == (kind, depth)]


def test_the_stored_runs_are_those_of_the_script():
    everything = json.loads(degradation.STORED.read_text("utf-8"))
    keys = ("kind", "depth", "seed", "steps", "learning_rate")
    assert [tuple(r[key] for key in keys) for r in everything["runs"]] == sweep.jobs()
    versions = {"torch", "scikit-learn"}  # of the machine that ran it
    assert {k: v for k, v in stored_about().items() if k not in versions} == {
        k: v for k, v in sweep.about().items() if k not in versions
    }


def test_stored_runs_are_chosen_by_steps_and_rate():
    assert len(stored_runs()) == 2 * 6 * 6
    assert {r.steps for r in stored_runs(degradation.LONG_STEPS)} == {1200}
    assert {r.learning_rate for r in stored_runs()} == {training.LEARNING_RATE}
    rates = {r.learning_rate for r in stored_runs(learning_rate=None)}
    assert rates == {training.LEARNING_RATE, *sweep.RATES}
    assert len(stored_runs(learning_rate=0.1)) == len(sweep.AT_ALL_RATES)


def test_the_stored_curves_end_at_the_stored_losses():
    for one in stored_runs(learning_rate=None) + stored_runs(degradation.LONG_STEPS):
        assert len(one.curve) == 30
        assert one.final_loss == pytest.approx(sum(one.curve[-3:]) / 3, abs=2e-4)
        assert 0 <= one.test_accuracy <= 1 and 0 <= one.train_accuracy <= 1


def test_a_stored_run_comes_back(digits):
    """One run, made again. Other processors round differently, so not to the last digit."""
    stored = next(r for r in stored_runs() if (r.kind, r.depth, r.seed) == ("residual", 8, 0))
    again = degradation.run("residual", 8, 0, stored.steps, stored.learning_rate, digits)
    assert again.final_loss == pytest.approx(stored.final_loss, rel=0.3)
    assert again.curve[:5] == pytest.approx(stored.curve[:5], rel=0.1)
    assert again.test_accuracy == pytest.approx(stored.test_accuracy, abs=0.02)


def test_what_chapter_7_says_of_the_stored_runs():
    for depth in sweep.DEPTHS[1:]:
        assert max(losses("residual", depth)) < min(losses("plain", depth))
    assert max(losses("residual", 8)) > min(losses("plain", 8))
    plain, residual = (
        [statistics.median(losses(kind, depth)) for depth in sweep.DEPTHS] for kind in KINDS
    )
    assert plain[0] > plain[1] and plain[1:] == sorted(plain[1:])
    assert residual[:5] == sorted(residual[:5], reverse=True)
    assert residual[5] == pytest.approx(residual[4], rel=0.1)
    spread = [max(losses("plain", d)) / min(losses("plain", d)) for d in sweep.DEPTHS]
    assert max(spread) == spread[3], "the band is widest at 32 layers"


def test_what_chapter_7_says_of_more_steps_and_other_rates():
    long = losses("plain", 56, steps=degradation.LONG_STEPS)
    assert all(after < before for after, before in zip(long, losses("plain", 56), strict=False))
    assert min(long) < min(losses("plain", 56)) / 2
    assert min(long) > 100 * max(losses("residual", 56, steps=degradation.LONG_STEPS))
    for rate in sweep.RATES:
        (shallow,), (deep,), (residual,) = (
            losses(*net, learning_rate=rate) for net in sweep.AT_ALL_RATES
        )
        assert residual < shallow < deep


@pytest.fixture(scope="module")
def copying(digits):
    """What the cells of chapter 7 define that make 56 layers of 20, from networks that are trained for 200 steps."""
    chapter = nbformat.read(BOOK / "07-why-residual.ipynb", as_version=4)
    models = {f"{kind}-20": digits_net(kind, 20) for kind in KINDS}
    for model in models.values():
        train(model, digits.loader(seed=0), 200)
    found = {"nn": nn, "torch": torch, "resnet_lib": resnet_lib, "digits_net": digits_net}
    found |= {"ResidualBasicBlock": ResidualBasicBlock, "models": models}
    found |= {"print": lambda *said: None, "table": lambda header, rows: rows}
    for cell in chapter.cells:
        if cell.source.startswith(("def plain_copies", "def residual_copies", "def deepened")):
            exec(cell.source, found)
    return found


def test_a_plain_block_copies_in_eval_mode_only(copying):
    assert copying["rows"] == [["plain", "yes", "no"], ["residual", "yes", "yes"]]


@pytest.mark.parametrize("kind", KINDS)
def test_a_network_that_is_built_from_a_shallower_one_computes_the_same(copying, digits, kind):
    """In eval mode; in train mode the copies of the residual network alone are exact."""
    built, shallow = copying["built"][f"{kind}-56, built"], copying["models"][f"{kind}-20"]
    assert count_parameters(built) == count_parameters(digits_net(kind, 56))
    images = digits.test_images
    with torch.no_grad():
        difference = (built.eval()(images) - shallow.eval()(images)).abs().max()
    assert difference < 0.05


def test_training_does_not_stay_with_the_copies_of_plain_blocks(copying, digits):
    """The loss begins high, climbs, and then falls below that of a random start; in a residual network it stays low."""
    plain, residual = (
        train(copy.deepcopy(copying["built"][f"{kind}-56, built"]), digits.loader(seed=0), 60)
        for kind in KINDS
    )
    means = curve(plain, points=6)
    assert plain.losses[0] > 1 and max(means) > 1.3
    assert plain.final_loss() < final_loss("plain", digits) / 2
    assert max(residual.losses) < 0.2


def test_a_curve_is_made_of_means():
    assert curve(History(losses=[float(n) for n in range(60)])) == [
        2 * n + 0.5 for n in range(30)
    ]
    assert training.LEARNING_RATE == 0.02
