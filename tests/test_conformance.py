"""The conformance card: all ticks for the library's network; for broken ones a cross where they differ, in words."""

import functools
import sys
import time

import pytest
import torch
from answers import RIGHT, WRONG
from torchvision.models import resnet as theirs

from resnet_exercises import check, conformance, conformance_card
from resnet_exercises.conformance import MUCH_WORK, compared, counted, load_by_name, renamed
from resnet_lib import ResidualBasicBlock, ResidualBottleNeck, ResNetBase


class StemWithoutReLU(ResNetBase):
    def forward(self, x):
        x = self.maxpool(self.batchnorm1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class StrideInTheFirst(ResidualBottleNeck):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.conv1.stride, self.conv2.stride = self.conv2.stride, self.conv1.stride


def test_the_conformance_card():
    """All ticks for the library's network; for broken ones a cross where they differ, in words, and no exception."""
    right = str(conformance_card(ResNetBase, ResidualBasicBlock, ResidualBottleNeck))
    assert right.count("✔") == 21 and "✘" not in right and "25,557,032" in right

    without_relu = str(
        conformance_card(StemWithoutReLU, ResidualBasicBlock, ResidualBottleNeck)
    )
    assert without_relu.count("different ✘") == 5 and "logits" in without_relu

    strided = str(conformance_card(ResNetBase, ResidualBasicBlock, StrideInTheFirst))
    assert "231,211,008" in strided and strided.count("different ✘") == 3
    assert strided.count("That is exactly the paper's stride") == strided.count("\n- ") == 1

    for hopeless in (None, ResNetBase(ResidualBasicBlock, [1, 1, 1, 1]), lambda *a: 1 / 0):
        assert "✔ Your five" not in str(
            conformance_card(hopeless, ResidualBasicBlock, ResidualBottleNeck)
        )


class EmptyBlock(torch.nn.Module):
    expansion = 1

    def __init__(self, *arguments):
        raise NotImplementedError


class WithoutMaxPool(ResNetBase):
    def forward(self, x):
        x = torch.relu(self.batchnorm1(self.conv1(x)))
        x = self.layer4(self.layer3(self.layer2(self.layer1(x))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


def test_the_card_says_the_one_thing_that_is_wrong():
    """An empty block, two blocks exchanged and a missing max-pool have one line each, not one for every depth."""
    empty = conformance_card(ResNetBase, EmptyBlock, ResidualBottleNeck)
    assert "write your BasicBlock" in str(empty)
    text = conformance_card("ResNet", ResidualBasicBlock, ResidualBottleNeck)
    assert "ResNet is a str" in str(text)
    exchanged = conformance_card(ResNetBase, ResidualBottleNeck, ResidualBasicBlock)
    assert len(exchanged.reasons()) == 1 and "exchanged" in exchanged.reasons()[0]
    work = counted(4_000, 1_000, MUCH_WORK)
    assert "max-pool" in work.reason
    row = compared(18, lambda: WithoutMaxPool(ResidualBasicBlock, [2, 2, 2, 2]))
    assert row[1].reason == MUCH_WORK
    pairs = [("layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight")]
    assert renamed(pairs * 2) == "rename `shortcut` to `downsample`"


class OtherNames(ResNetBase):
    """Two names that are neither torchvision's nor the book's."""

    def __init__(self, *given):
        super().__init__(*given)
        self.stage_a, self.classifier = self.layer1, self.fc
        del self.layer1, self.fc

    def forward(self, x):
        x = self.maxpool(self.relu1(self.batchnorm1(self.conv1(x))))
        x = self.layer4(self.layer3(self.layer2(self.stage_a(x))))
        return self.classifier(torch.flatten(self.avgpool(x), 1))


def test_the_card_sees_small_differences():
    """Padding as in TensorFlow, which is right for odd sizes, and another eps in the stem."""
    for key in ("padding as TensorFlow has it", "eps of all batch norms"):
        wrong = WRONG["resnet"][key][0]
        row = compared(50, functools.partial(wrong, ResidualBottleNeck, [3, 4, 6, 3]))
        assert str(row[2]) == "320 of 320 by name ✔" and row[3].right is False


class StemWithGELU(ResNetBase):
    def __init__(self, *given):
        super().__init__(*given)
        self.relu1 = torch.nn.GELU()


class SharedBlocks(ResNetBase):
    def _make_layer(self, *given, **named):
        stage = super()._make_layer(*given, **named)
        return torch.nn.Sequential(stage[0], *[stage[1]] * (len(stage) - 1))


def test_the_card_sees_what_large_numbers_hide():
    """GELU, which is ReLU far from zero; and an output that has another shape for one image."""

    class Squeezed(ResNetBase):
        def forward(self, x):
            return super().forward(x).squeeze()

    for wrong, said in ((StemWithGELU, "other logits"), (Squeezed, "got (1000,)")):
        row = compared(18, functools.partial(wrong, ResidualBasicBlock, [2, 2, 2, 2]))
        assert row[2].right and row[3].right is False and said in row[3].reason


def test_the_card_says_that_blocks_are_shared():
    """All names are there and take weights, so the loading alone would look right."""
    row = compared(34, functools.partial(SharedBlocks, ResidualBasicBlock, [3, 4, 6, 3]))
    assert (
        "`layer1.2.conv1.weight` first" in row[2].reason and "[block(…)] * n" in row[2].reason
    )
    assert [entry.right for entry in row] == [False, None, False, None]


def test_the_card_says_what_is_left_over():
    biased = WRONG["resnet"]["a bias in conv1"][0]
    row = compared(18, lambda: biased(ResidualBasicBlock, [2, 2, 2, 2]))
    assert str(row[2]) == "122 of 122 by name, 1 left over ✘"


def test_the_card_names_what_blocks_the_loading_and_says_it_once(monkeypatch):
    """Two names that must change, and not the book's batchnorm1; a stage that is too short, by its name."""
    three = {depth: conformance.FIVE[depth] for depth in (18, 34, 50)}
    monkeypatch.setattr(conformance, "FIVE", three)
    blocks = ResidualBasicBlock, ResidualBottleNeck
    assert conformance_card(OtherNames, *blocks).reasons() == [
        "ResNet-18, 34, 50, torchvision's weights: shapes agree in order, so only names differ: "
        "rename `stage_a` to `layer1`, `classifier` to `fc`."
    ]
    short = WRONG["resnet"]["layers[1] for layer3"][0]
    card = conformance_card(short, *blocks)
    assert card.reasons() == [
        "ResNet-34, 50, torchvision's weights: layer3 has too few blocks; it needs as many as layers[2] says."
    ]
    assert card.status == "failed" and str(card).count("✘ |") == 6
    verdict = check("resnet", short)
    assert "layer3, of 256 channels, has 2 instead of 3" in verdict.message


def test_the_card_says_what_a_convolution_for_a_linear_layer_lacks():
    """A classifier as a 1×1 convolution passes the check, and the card says why it takes no weights by name."""
    answer = RIGHT["resnet"]["the classifier as a 1×1 convolution"]
    plan = ResidualBasicBlock, [1, 1, 1, 1], 10
    right, _, reason = load_by_name(answer(*plan), ResNetBase(*plan).state_dict())
    assert right is False and "`fc.weight` is (10, 512, 1, 1)" in reason
    assert "a 1×1 convolution and nn.Linear do the same" in reason


def test_torchvisions_own_classes_get_all_ticks(monkeypatch):
    two = {depth: conformance.FIVE[depth] for depth in (18, 50)}
    monkeypatch.setattr(conformance, "FIVE", two)
    card = conformance_card(theirs.ResNet, theirs.BasicBlock, theirs.Bottleneck)
    assert card.status == "passed" and str(card).count("✔") == 9


class HalfBlock(ResidualBasicBlock):
    def forward(self, x):
        raise NotImplementedError


class HalfResNet(ResNetBase):
    def forward(self, x):
        raise NotImplementedError


@pytest.mark.parametrize(
    ("network", "block", "unwritten"),
    [(ResNetBase, HalfBlock, "BasicBlock"), (HalfResNet, ResidualBasicBlock, "ResNet")],
)
def test_the_card_names_the_class_that_is_half_written(network, block, unwritten):
    card = conformance_card(network, block, ResidualBottleNeck)
    assert card.status == "not attempted" and f"write your {unwritten}," in str(card)


def endless(*given):
    while True:
        try:
            time.sleep(0) or sum(range(1000))
        except:  # noqa: E722
            pass


def test_an_endless_loop_ends_the_card(monkeypatch):
    """The deeper networks are not tried then: each would take as long."""
    monkeypatch.setattr(conformance, "SECONDS", 0.2)
    start, tracing = time.process_time(), sys.gettrace()
    card = conformance_card(endless, ResidualBasicBlock, ResidualBottleNeck)
    assert time.process_time() - start < 5 and sys.gettrace() is tracing
    (reason,) = card.reasons()
    assert reason.startswith("ResNet-18, parameters: Your code did not end")
    assert list(card.rows) == [18, 34, 50, 101, 152]
    assert str(card).count("not tried ○") == 19
