"""The paper's recipe: the rate's steps, how photographs are varied, and a training that is interrupted."""

import signal
import subprocess
import sys
import textwrap
import time

import pytest
import torch
from torch import nn

from resnet_lib import CifarResNet, load_sample
from resnet_lib.recipe import (
    Recipe,
    bfloat16_speed_up,
    one_step,
    predict,
    sgd,
    standardised,
    train_epochs,
    vary,
)


def small_net() -> CifarResNet:
    torch.manual_seed(0)
    return CifarResNet(1, in_channels=1, width=2)


def test_the_rate_is_divided_by_ten_at_a_half_and_at_three_quarters():
    """The paper: after 32,000 and 48,000 of 64,000 steps."""
    recipe = Recipe(epochs=164)
    rates = {step: recipe.rate(step / 64_000) for step in (0, 31_999, 32_000, 47_999, 48_000)}
    assert rates == {0: 0.1, 31_999: 0.1, 32_000: 0.01, 47_999: 0.01, 48_000: 0.001}


def test_varied_photographs_are_moved_and_half_of_them_mirrored():
    """A picture whose pixels all differ says for each result by how much it was moved, and whether it was mirrored."""
    image = torch.arange(1, 31, dtype=torch.uint8).reshape(1, 1, 5, 6)
    varied = vary(image.expand(2000, -1, -1, -1), 2, torch.Generator().manual_seed(0))
    padded = nn.functional.pad(image[0], (2, 2, 2, 2))
    seen = {}
    for top in range(5):
        for left in range(5):
            for mirrored in (False, True):
                moved = padded[:, top : top + 5, left : left + 6]
                moved = moved.flip(2) if mirrored else moved
                seen[top, left, mirrored] = int((varied == moved).flatten(1).all(1).sum())
    assert sum(seen.values()) == 2000
    assert all(20 < count < 65 for count in seen.values()), seen  # 40 expected for each
    assert varied.dtype == torch.uint8


def test_colours_and_channels_stay_together():
    images = torch.randint(0, 256, (8, 3, 6, 6), dtype=torch.uint8)
    assert torch.equal(
        vary(images, 0, torch.Generator().manual_seed(3)).sort(-1).values,
        images.sort(-1).values,
    )


def test_standardised_training_pixels_have_mean_0_and_variance_1():
    sample = load_sample()
    pixels = standardised(sample.train_images, *sample.mean_and_deviation())
    assert pixels.mean().item() == pytest.approx(0, abs=1e-3)
    assert pixels.std().item() == pytest.approx(1, abs=1e-3)


def test_a_step_trains_in_train_mode_and_counts_the_wrong_answers():
    net = small_net().eval()
    sample = load_sample()
    images = standardised(sample.train_images[:32], *sample.mean_and_deviation())
    before = [p.clone() for p in net.parameters()]
    with torch.no_grad():
        wrong = int((net.train()(images).argmax(1) != sample.train_labels[:32]).sum())
    net.eval()
    loss, counted = one_step(net, images, sample.train_labels[:32], sgd(net, Recipe(1)), False)
    assert net.training and counted == wrong and loss > 0
    assert not any(torch.equal(a, b) for a, b in zip(before, net.parameters(), strict=True))


def test_a_training_learns():
    sample = load_sample()
    *_, last = train_epochs(small_net(), sample, Recipe(epochs=6, batch_size=50))
    assert last.test_error < 0.5 and last.train_error < 0.6  # guessing: 0.9
    assert last.learning_rate == pytest.approx(0.001)


def test_predictions_are_made_in_eval_mode_and_do_not_depend_on_the_batches():
    net = small_net().train()
    images = torch.randn(7, 1, 28, 28)
    assert torch.allclose(predict(net, images), predict(net, images, batch_size=2), atol=1e-5)
    assert net.training


def test_the_speed_of_bfloat16_is_measured_on_a_copy():
    net = small_net()
    before = {name: tensor.clone() for name, tensor in net.state_dict().items()}
    assert bfloat16_speed_up(net, load_sample(), batch_size=8) > 0
    assert all(torch.equal(before[name], tensor) for name, tensor in net.state_dict().items())


# Interrupted
# -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("bfloat16", [False, True])
def test_twice_interrupted_the_weights_are_the_same_in_the_end(tmp_path, bfloat16):
    """Each time it goes on with a new network, of other random weights, and with another global random state."""
    sample = load_sample().part(300)
    recipe = Recipe(epochs=4, bfloat16=bfloat16)
    whole, parts = small_net(), [small_net() for _ in range(3)]
    history = list(train_epochs(whole, sample, recipe))
    checkpoint = tmp_path / "training.pt"
    next(train_epochs(parts[0], sample, recipe, checkpoint))
    torch.manual_seed(99)
    training = train_epochs(parts[1], sample, recipe, checkpoint)
    for _ in range(3):
        next(training)
    again = list(train_epochs(parts[2], sample, recipe, checkpoint))
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, parts[2].state_dict()[name]), name
    measured = ("learning_rate", "loss", "train_error", "test_error")
    for one, other in zip(history, again, strict=True):
        assert [getattr(one, name) for name in measured] == [
            getattr(other, name) for name in measured
        ]


KILLED = """
    import torch
    from resnet_lib import CifarResNet, load_sample
    from resnet_lib.recipe import Recipe, train_epochs
    torch.set_num_threads(1)
    torch.manual_seed(0)
    net = CifarResNet(1, in_channels=1, width=2)
    for epoch in train_epochs(net, load_sample().part(600), Recipe(epochs=6), {path!r}):
        print("epoch", flush=True)
    torch.save(net.state_dict(), {path!r} + ".end")
"""


def test_a_process_that_is_killed_twice_goes_on(tmp_path):
    """Killed without warning in the middle of an epoch, as Colab ends a session."""

    def run(name, kill_after=None):
        code = textwrap.dedent(KILLED.format(path=str(tmp_path / name)))
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
        )
        for _ in range(kill_after or 0):
            process.stdout.readline()
        if kill_after:
            time.sleep(0.05)
            process.send_signal(signal.SIGKILL)
        process.communicate()
        return process.returncode

    assert run("whole") == 0
    assert run("parts", kill_after=2) == run("parts", kill_after=3) == -signal.SIGKILL
    assert run("parts") == 0
    whole, parts = (
        torch.load(tmp_path / f"{name}.end", weights_only=True) for name in ("whole", "parts")
    )
    assert all(torch.equal(tensor, parts[name]) for name, tensor in whole.items())


@pytest.mark.parametrize(
    ("net", "part", "recipe", "says"),
    [
        (small_net, 300, Recipe(epochs=3), "epochs = 2, now 3"),
        (small_net, 200, Recipe(epochs=2), "photographs = 300, now 200"),
        (
            lambda: CifarResNet(2, in_channels=1, width=2),
            300,
            Recipe(epochs=2),
            "another model",
        ),
    ],
)
def test_the_checkpoint_of_another_training_is_refused(tmp_path, net, part, recipe, says):
    checkpoint = tmp_path / "training.pt"
    list(train_epochs(small_net(), load_sample().part(300), Recipe(epochs=2), checkpoint))
    with pytest.raises(
        ValueError, match=f"training.pt is .* another training: {says}.*remove the file"
    ):
        next(train_epochs(net(), load_sample().part(part), recipe, checkpoint))
