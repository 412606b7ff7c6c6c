"""``compare``: any network beside one of the five. What differs is told where it is, and right ones are the same."""

import copy
import functools
import subprocess
import sys
import time
from types import SimpleNamespace

import pytest
import torch
from torch import nn
from torchvision.models import resnet as theirs

from resnet_exercises import compare
from resnet_exercises.comparing import main
from resnet_exercises.exercise import load
from resnet_lib import ResidualBasicBlock, ResidualBottleNeck, ResNetBase

SMALL = {"layers": [1, 2, 1, 1], "num_classes": 10}


def small(block=theirs.BasicBlock, **more) -> theirs.ResNet:
    return theirs.ResNet(block, **SMALL | more)


@functools.cache
def reference(block=theirs.BasicBlock) -> theirs.ResNet:
    """A small one with the names of torchvision's."""
    return small(block)


def said(exercise: str, id: str) -> str:
    return next(m.says for m in load(exercise).mistakes if m.id == id)


class Renamed(nn.Module):
    """The projection comes first, the shortcut is a copy, and no name is torchvision's."""

    def __init__(self, inside: int, stride: int, came: int):
        super().__init__()
        out = 4 * inside
        self.branch = nn.Sequential(
            *(nn.Conv2d(came, inside, 1, bias=False), nn.BatchNorm2d(inside), nn.ReLU(True)),
            *(nn.Conv2d(inside, inside, 3, stride, "same" if stride == 1 else 1, bias=False),),
            *(nn.BatchNorm2d(inside), nn.ReLU(), nn.Conv2d(inside, out, 1, bias=False)),
            nn.BatchNorm2d(out),
        )
        self.side = nn.Identity()
        if stride > 1 or came != out:
            self.side = nn.Sequential(
                nn.Conv2d(came, out, 1, stride, bias=False), nn.BatchNorm2d(out)
            )

    def forward(self, x):
        side = self.side(x.clone())
        side += self.branch(x)
        return side.relu_()


class RenamedNet(nn.Module):
    def __init__(self, depths=(1, 2, 1, 1), classes=10):
        super().__init__()
        parts, came = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU()], 64
        parts.append(nn.MaxPool2d(3, 2, 1))
        for stage, depth in enumerate(depths):
            for n in range(depth):
                parts.append(Renamed(64 << stage, 2 if stage and not n else 1, came))
                came = 256 << stage
        self.body, self.head = nn.Sequential(*parts), nn.Conv2d(came, classes, 1)

    def forward(self, x):
        logits = self.head(self.body(x).mean((2, 3), keepdim=True)).squeeze(-1).squeeze(-1)
        return SimpleNamespace(logits=logits, hidden_states=None)


def block(forward) -> type:
    """The basic block with another ``forward``."""
    return type("Block", (theirs.BasicBlock,), {"forward": forward})


def shortcut(self, x):
    return x if self.downsample is None else self.downsample(x)


def without_relu(self, x):
    return self.bn2(self.conv2(self.bn1(self.conv1(x)))).add(shortcut(self, x)).relu()


def without_last_relu(self, x):
    return self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x))))) + shortcut(self, x)


def with_dropout(self, x):
    out = nn.functional.dropout(self.relu(self.bn1(self.conv1(x))), 0.5, self.training)
    return self.relu(self.bn2(self.conv2(out)) + shortcut(self, x))


def relu_changes_x(self, x):
    out = self.relu(self.bn1(self.conv1(x)))
    out, old = self.bn2(self.conv2(out)), x.neg_()
    return self.relu(out + shortcut(self, old))


def test_torchvisions_and_the_librarys_are_the_same():
    for model, name in (
        (theirs.resnet18(), "resnet18"),
        (ResNetBase(ResidualBasicBlock, [2, 2, 2, 2]), "ResNet-18"),
        (
            ResNetBase(ResidualBottleNeck, [1, 2, 1, 1], num_classes=10),
            reference(theirs.Bottleneck),
        ),
    ):
        found = compare(model, name)
        assert found.same and not found.differences and "✔" in str(found), found
        assert "3 batches" in found.proof and "gradients" in found.proof


def test_a_resnet50_takes_no_more_than_20_seconds():
    start = time.process_time()
    assert compare(theirs.resnet50()).same
    assert time.process_time() - start < 20


def test_names_forms_and_outputs_do_not_count():
    found = compare(RenamedNet(), reference(theirs.Bottleneck))
    assert found.same, found
    assert "the weights that PyTorch gives a new convolution" in " ".join(found.notes)


def test_what_is_given_to_a_projection_that_comes_first():
    model = RenamedNet()
    model.body[3] = nn.Identity()
    found = compare(model, reference(theirs.Bottleneck))
    (only,) = found.differences
    assert "the stem" in only[0] and "`body.4.side.0`" in only[0]
    assert "`ReLU(bn1)`" in only[1] and "max-pool(ReLU(bn1)" in only[1]


class Early(theirs.BasicBlock):
    def __init__(self, came, *more, **named):
        super().__init__(came, *more, **named)
        self.bn1 = nn.BatchNorm2d(came)

    def forward(self, x):
        out = self.conv1(self.relu(self.bn1(x)))
        return self.conv2(self.relu(self.bn2(out))) + shortcut(self, x)


def test_batch_norms_that_come_first_are_told_once():
    found = compare(small(Early, layers=[2, 2, 2, 2]), "resnet18")
    assert said("basic_block", "pre-activation") in found.differences[0][1]
    assert len(found.differences) < 4, found


@pytest.mark.parametrize(
    "forward, id", [(without_relu, "no-relu-between"), (without_last_relu, "no-last-relu")]
)
def test_a_known_mistake_has_its_message(forward, id):
    found = compare(small(block(forward)), reference())
    (only,) = found.differences
    assert only[1] == said("basic_block", id) and "5 blocks" in only[0]


def test_the_papers_stride():
    model = small(theirs.Bottleneck)
    for one in (model.layer2, model.layer3, model.layer4):
        one[0].conv1.stride, one[0].conv2.stride = (2, 2), (1, 1)
    found = compare(model, reference(theirs.Bottleneck))
    (only,) = found.differences
    assert only[1] == said("bottleneck", "stride-on-first-conv") and "3 blocks" in only[0]


def change(model: nn.Module, how) -> nn.Module:
    how(model)
    return model


def every(kind: type, **settings):
    """Sets attributes of all layers of a kind."""
    return lambda model: [
        setattr(m, k, v)
        for m in model.modules()
        if type(m) is kind
        for k, v in settings.items()
    ]


def in_layer2(**settings):
    return lambda model: [setattr(model.layer2[0], k, v) for k, v in settings.items()]


CHANGES = {
    "eps": (every(nn.BatchNorm2d, eps=1e-3), "eps is 0.001; in the reference 1e-05"),
    "momentum": (
        every(nn.BatchNorm2d, momentum=0.01),
        "momentum is 0.01; in the reference 0.1",
    ),
    "padding": (
        lambda m: setattr(m.conv1, "padding", (2, 2)),
        "padding is 2; in the reference 3",
    ),
    "pool": (
        lambda m: setattr(m, "maxpool", nn.MaxPool2d(3, 2)),
        "padding 0)`; in the reference",
    ),
    "no pool": (
        lambda m: setattr(m, "maxpool", nn.Identity()),
        "what comes out is `ReLU(bn1)`",
    ),
    "projection": (
        lambda m: setattr(m.layer2[0], "downsample", m.layer2[0].downsample[0]),
        "a batch norm of 128 channels is missing here",
    ),
    "bias": (
        lambda m: setattr(m, "conv1", nn.Conv2d(3, 64, 7, 2, 3)),
        "it has a bias, which the reference has not",
    ),
    "shared": (
        lambda m: (
            m.layer2.__setitem__(1, m.layer2[1].__class__(128, 128))
            or setattr(m.layer2[1], "conv2", m.layer2[1].conv1)
        ),
        "the very same layer as `layer2.1.conv1`",
    ),
    "softmax": (lambda m: setattr(m, "fc", nn.Sequential(m.fc, nn.Softmax(1))), "softmax"),
    "unused": (
        lambda m: setattr(m, "more", nn.Linear(3, 4)),
        "16 of its parameters are in no convolution",
    ),
    "relu6": (
        lambda m: setattr(m, "relu", nn.ReLU6()),
        "ReLU6(bn1)",
    ),
}


@pytest.mark.parametrize("name", CHANGES)
def test_one_change_is_told(name):
    how, words = CHANGES[name]
    found = compare(change(small(), how), reference())
    assert not found.same and words in str(found), found
    assert len(found.differences) == 1, found


def test_what_differs_in_train_mode_only():
    found = compare(small(block(with_dropout)), reference())
    assert found.differences and all("in train mode" in what for _, what in found.differences)
    assert "dropout" in str(found)

    class Frozen(theirs.ResNet):
        def train(self, mode=True):
            super().train(mode)
            self.bn1.eval()  # and it returns nothing

    found = compare(Frozen(theirs.BasicBlock, **SMALL), reference())
    assert [what for _, what in found.differences] == [
        "in train mode, it computes with the running statistics: it is frozen."
    ]


def test_an_input_that_is_changed_in_place():
    found = compare(small(block(relu_changes_x)), reference())
    assert not found.same and "neg" in str(found), found


def test_mode_frozen_weights_and_beginnings_are_notes():
    model = small(zero_init_residual=True).eval()
    model.fc.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    found = compare(model, reference())
    assert found.same
    notes = "\n".join(found.notes)
    assert (
        "It came in eval mode" in notes
        and "2 of its parameters are frozen, `fc.weight`" in notes
    )
    assert said("initialise_weights", "last-batchnorm-zero") in notes
    # and the network is as it was
    assert not model.training and not model.fc.weight.requires_grad
    assert all(torch.equal(before[k], v) for k, v in model.state_dict().items())
    assert all(p.grad is None for p in model.parameters())
    assert compare(small(), reference()).notes == []


def test_the_seed_stays():
    torch.manual_seed(3)
    model, expected = small(), torch.get_rng_state()
    compare(model, reference())
    assert torch.equal(torch.get_rng_state(), expected)


def test_other_blocks_and_only_one_size():
    longer = compare(small(layers=[1, 3, 1, 1]), reference())
    assert not longer.same and "which the reference has not" in str(longer)
    model = small()
    model.avgpool = nn.AvgPool2d(7)
    found = compare(model, reference())
    assert [where for where, _ in found.differences] == ["images of other sizes"]
    assert "224×224" in found.differences[0][1] and "are the same" in found.proof


@pytest.mark.parametrize(
    "model, with_what, error, words",
    [
        (theirs.resnet18, "resnet18", TypeError, "Call it first"),
        (None, "resnet18", TypeError, "Give an nn.Module"),
        (nn.Identity(), "resnet20", ValueError, "resnet18, resnet34, resnet50"),
        (
            nn.Linear(3, 4),
            "resnet18",
            ValueError,
            "computes nothing from 2 images of 3 channels",
        ),
    ],
)
def test_what_cannot_be_compared(model, with_what, error, words):
    with pytest.raises(error, match=words):
        compare(model, with_what)


def test_an_output_without_logits():
    class Odd(nn.Module):
        def forward(self, x):
            return {"loss": 1}

    with pytest.raises(TypeError, match="no logits are found"):
        compare(Odd(), "resnet18")


def test_the_command(tmp_path, capsys):
    path = tmp_path / "mine.py"
    path.write_text(
        "from torchvision.models import resnet\n"
        "def plain(): return resnet.resnet18(num_classes=7)\n"
        "def odd(): return resnet.resnet18(norm_layer=lambda c: resnet.nn.BatchNorm2d(c, eps=1e-3))\n"
    )
    assert main(["compare", f"{path}:plain", "--with", "resnet18"]) == 0
    assert "The same function as torchvision's resnet18" in capsys.readouterr().out
    assert main(["compare", f"{path}:odd()", "--with", "resnet18"]) == 1
    assert "eps is 0.001" in capsys.readouterr().out
    assert main(["compare", f"{path}:missing"]) == 2
    assert main(["compare", str(tmp_path / "no.py:plain")]) == 2
    assert "no such file" in capsys.readouterr().err


def test_the_command_by_its_name():
    done = subprocess.run(
        [sys.executable, "-m", "resnet_exercises", "compare", "--help"],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0 and "FILE.py:NAME" in done.stdout
