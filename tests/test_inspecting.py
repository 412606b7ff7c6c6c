"""Looking inside: the functions of resnet_lib.inspecting, and what chapter 8 claims of numbers that depend on the
processor.

The claims are tested with margins, by the functions that the chapter itself defines.
"""

import math
import re
from pathlib import Path

import nbformat
import pytest
import torch
from helpers import assert_same_state, copy_of_state, random_images
from torch import nn
from torch.nn import functional as F

from resnet_lib import (
    CifarPlainNet,
    CifarResNet,
    PlainBlock,
    ResidualBasicBlock,
    ResidualBottleNeck,
    ResNetBase,
    accuracy,
    branch_ratio,
    gradient_norms,
    input_gradient,
    load_digits,
    randomise_batchnorm,
    record_outputs,
    train,
    without_batchnorm,
)

CHAPTER = Path(__file__).resolve().parent.parent / "book" / "08-inside.ipynb"
SIDES = {"layer1": 43, "layer2": 99, "layer3": 211}  # of ResNet-18, as in test_costs.py


def digits_net(kind: type, depth: int, seed: int = 0) -> CifarResNet:
    torch.manual_seed(seed)
    return kind((depth - 2) // 6, in_channels=1, width=8)


@pytest.fixture(scope="module")
def chapter() -> dict[str, object]:
    """The functions and classes that chapter 8 defines."""
    cells = [c for c in nbformat.read(CHAPTER, as_version=4).cells if c.cell_type == "code"]
    found = {"digits": load_digits(), "stages": tuple(SIDES)}
    found["images"], found["labels"] = next(iter(found["digits"].loader(seed=0)))
    exec(cells[1].source, found)  # the imports
    for cell in cells:
        for code in re.findall(r"(?ms)^(?:@.*?\n)?(?:def|class) .*?(?=\n\n\n|\Z)", cell.source):
            if "NotImplementedError" not in code:
                exec(code, found)
    return found


@pytest.fixture(scope="module")
def trained() -> CifarResNet:
    """The chapter's ResNet-20 after 300 steps."""
    net = digits_net(CifarResNet, 20)
    train(net, load_digits().loader(), steps=300)
    return net.eval()


@pytest.fixture(scope="module")
def batch():
    return next(iter(load_digits().loader(seed=0)))


# the library


@pytest.mark.parametrize("training", [False, True])
def test_recorded_outputs_are_those_of_the_layers(training):
    """They are copies from the moment when the layer had computed, before += and ReLU overwrite them."""
    block = randomise_batchnorm(ResidualBasicBlock(4, 4)).train(training)
    x = random_images(2, 4, 5, 6)
    outputs = record_outputs(block, x, ["conv1", "batchnorm2", "relu2"])
    assert list(outputs) == ["conv1", "batchnorm2", "relu2"]
    with torch.no_grad():
        branch = block.batchnorm2(block.conv2(block.relu1(block.batchnorm1(block.conv1(x)))))
    torch.testing.assert_close(outputs["conv1"], block.conv1(x).detach())
    torch.testing.assert_close(outputs["batchnorm2"], branch)
    torch.testing.assert_close(outputs["relu2"], (branch + x).relu())
    assert not any(output.requires_grad for output in outputs.values())
    assert block.training == training


def test_no_hook_is_left_even_after_an_error():
    block = ResidualBasicBlock(4, 4)
    record_outputs(block, random_images(1, 4, 5, 6), ["conv1"])
    with pytest.raises(RuntimeError):
        record_outputs(block, random_images(1, 3, 5, 6), ["conv1", "conv2"])
    with pytest.raises(ValueError, match="conv9.*conv1"):
        record_outputs(block, random_images(1, 4, 5, 6), ["conv1", "conv9"])
    assert not any(layer._forward_hooks for layer in block.modules())


def test_the_input_gradient_of_one_convolution_is_its_kernel():
    """Sums over colours of absolute weights, around the middle, for the channel with the largest number."""
    conv = nn.Conv2d(3, 2, 3, padding=1, bias=False)
    image = random_images(3, 9, 7)
    best = conv(image[None])[0, :, 4, 3].argmax()
    gradient = input_gradient(nn.Sequential(conv, nn.ReLU(inplace=True)), "0", image)
    expected = torch.zeros(9, 7)
    expected[3:6, 2:5] = conv.weight[best].detach().abs().sum(dim=0)
    torch.testing.assert_close(gradient, expected)
    assert not conv._forward_hooks and conv.weight.grad is None
    with torch.no_grad():
        assert torch.equal(input_gradient(conv, "", image), expected)
    with pytest.raises(ValueError, match="has no layer 'layer9'"):
        input_gradient(nn.Sequential(conv), "layer9", image)


def test_the_input_gradient_is_that_of_the_layer_itself():
    """Not of the sum and the ReLU that overwrite the layer's output in place."""
    torch.manual_seed(0)
    block = randomise_batchnorm(ResidualBasicBlock(3, 3)).eval()
    image = random_images(3, 7, 7)
    pixels = image[None].clone().requires_grad_()
    branch = block.batchnorm2(block.conv2(block.relu1(block.batchnorm1(block.conv1(pixels)))))
    (expected,) = torch.autograd.grad(branch[0, :, 3, 3].max(), pixels)
    gradient = input_gradient(block, "batchnorm2", image)
    torch.testing.assert_close(gradient, expected[0].abs().sum(dim=0))


def test_gradient_norms_are_those_of_a_step(batch):
    net = digits_net(CifarResNet, 8).eval()
    before = {name: p.clone() for name, p in net.named_parameters()}
    norms = gradient_norms(net, *batch)
    assert not net.training and all(p.grad is None for p in net.parameters())
    assert all(torch.equal(p, before[name]) for name, p in net.named_parameters())

    F.cross_entropy(net.train()(batch[0]), batch[1]).backward()
    expected = {n: p.grad.norm().item() for n, p in net.named_parameters() if p.dim() == 4}
    assert [f"{name}.weight" for name in norms] == list(expected)
    assert list(norms.values()) == pytest.approx(list(expected.values()), rel=1e-4)


def test_without_batchnorm_leaves_none():
    net = digits_net(CifarResNet, 8)
    convolutions = [p for p in net.parameters() if p.dim() == 4]
    assert without_batchnorm(net) is net
    assert not any(isinstance(layer, nn.BatchNorm2d) for layer in net.modules())
    assert [id(p) for p in net.parameters() if p.dim() == 4] == [id(p) for p in convolutions]


@pytest.mark.parametrize("training", [False, True])
@pytest.mark.parametrize("block_class", [ResidualBasicBlock, ResidualBottleNeck])
def test_branch_ratio_by_hand(block_class, training):
    """F(x) made constant: the last scale is 0 and the shift 3, so ‖F(x)‖ is 3 times the root of the count."""
    block = block_class(8, 8 // block_class.expansion).train(training)
    last = block.batchnorm3 if block_class is ResidualBottleNeck else block.batchnorm2
    nn.init.zeros_(last.weight)
    nn.init.constant_(last.bias, 3)
    x = random_images(2, 8, 5, 6)
    before = copy_of_state(block)
    ratio = branch_ratio(block, x)
    assert isinstance(ratio, float)
    assert ratio == pytest.approx(3 * math.sqrt(x.numel()) / x.norm().item(), rel=1e-5)
    assert_same_state(block, before)
    assert all(layer.training == training for layer in block.modules())


def test_branch_ratio_divides_by_the_projection():
    projection = nn.Conv2d(4, 8, 1, stride=2, bias=False)
    block = ResidualBasicBlock(4, 8, 2, projection)
    x = random_images(2, 4, 6, 6)
    ratio = branch_ratio(block, x)
    nn.init.constant_(projection.weight, 0.1)
    with torch.no_grad():
        before = branch_ratio(block, x)
        projection.weight *= 10
    assert branch_ratio(block, x) == pytest.approx(before / 10, rel=1e-4) and ratio > 0


def test_each_layer_gets_its_own_mode_back(batch):
    """Also one that is frozen, whose mode is not that of the block, and after an error."""
    block, net = ResidualBasicBlock(4, 4), digits_net(CifarResNet, 8)
    for model in (block, net):
        model.batchnorm1.eval()
    modes = [[layer.training for layer in model.modules()] for model in (block, net)]
    branch_ratio(block, random_images(2, 4, 5, 6))
    with pytest.raises(RuntimeError):
        branch_ratio(block, random_images(2, 3, 5, 6))
    gradient_norms(net, *batch)
    assert [[layer.training for layer in model.modules()] for model in (block, net)] == modes


@pytest.mark.parametrize("no_block", [PlainBlock(4, 4), CifarResNet(1), None])
def test_branch_ratio_refuses_what_is_no_residual_block(no_block):
    with pytest.raises(TypeError, match=f"not {type(no_block).__name__}"):
        branch_ratio(no_block, random_images(1, 4, 5, 5))


# what the chapter claims


@pytest.mark.parametrize("seed", [0, 1])
def test_the_middle_counts_most_and_shortcuts_narrow(chapter, seed):
    """Nothing outside of theory's square, most of it inside half its side; less so without shortcuts."""
    image = random_images(3, 224, 224)
    shares = {}
    for block in (ResidualBasicBlock, chapter["WithoutShortcut"]):
        torch.manual_seed(seed)
        net = ResNetBase(block, [2, 2, 2, 2]).eval()
        for stage, side in SIDES.items():
            gradient = input_gradient(net, stage, image)
            rows = gradient.sum(dim=1).nonzero().flatten()
            assert (rows[0], rows[-1]) == (112 - side // 2, 112 + side // 2)
            shares[block, stage] = chapter["middle_share"](gradient, side)
    ours = [shares[ResidualBasicBlock, stage] for stage in SIDES]
    assert ours == sorted(ours) and ours[0] > 0.5 and ours[2] > 0.78
    for stage in SIDES:
        assert (
            shares[chapter["WithoutShortcut"], stage] < shares[ResidualBasicBlock, stage] - 0.04
        )


@pytest.mark.parametrize("seed", [0, 1, 2])
def test_gradients_before_training(batch, seed):
    """The four networks of 56 layers: exploding, even, huge and dying."""

    def norms(kind, change=lambda net: net):
        return list(gradient_norms(change(digits_net(kind, 56, seed)), *batch).values())

    plain, residual = norms(CifarPlainNet), norms(CifarResNet)
    assert plain[0] / plain[-1] > 300
    assert max(residual) / min(residual) < 40 and 0.1 < min(residual) < max(residual) < 20
    dying, huge = norms(CifarPlainNet, without_batchnorm), norms(CifarResNet, without_batchnorm)
    assert max(dying) < 1e-4 and max(dying) / min(dying) < 100
    assert min(huge) > 5


def number(text: str) -> float:
    return float(text.replace(",", ""))


def test_the_gap_of_plain_networks_grows_with_depth(chapter):
    """And that of residual ones hardly: about ten times at 56 layers."""
    gap = chapter["first_over_last"]
    plain, residual = (
        [number(gap(digits_net(kind, depth))) for depth in (20, 32, 44, 56)]
        for kind in (CifarPlainNet, CifarResNet)
    )
    assert plain == sorted(plain) and plain[0] < 20 and plain[-1] > 1000
    assert residual == sorted(residual) and residual[0] > 3 and residual[-1] < 20


@pytest.mark.parametrize("seed", [0, 1])
def test_the_papers_plain_network_has_a_gap_too(chapter, seed):
    """34 layers of ImageNet's kind: more than a hundred times before training, several times that of the residual."""
    gaps = []
    for block in (chapter["WithoutShortcut"], ResidualBasicBlock):
        torch.manual_seed(seed)
        net, noise = ResNetBase(block, [3, 4, 6, 3]), torch.randn(16, 3, 64, 64)
        gaps.append(number(chapter["first_over_last"](net, noise, torch.arange(16))))
    assert gaps[0] > 100 and gaps[0] > 4 * gaps[1]


@pytest.mark.parametrize("seed", [0, 1])
def test_without_batchnorm_and_shortcuts_each_layer_counts_alike(batch, seed):
    """Twice the weights of any one layer, twice the logits: so each ⟨weight, gradient⟩ is the same number (Euler)."""
    net = without_batchnorm(digits_net(CifarPlainNet, 56, seed)).double()
    weights = [layer.weight for layer in net.modules() if isinstance(layer, nn.Conv2d)]
    loss = F.cross_entropy(net(batch[0].double()), batch[1])
    gradients = torch.autograd.grad(loss, weights)
    products = [(w * g).sum().item() for w, g in zip(weights, gradients, strict=True)]
    assert max(map(abs, products)) > 0
    assert products == pytest.approx([products[0]] * len(products), rel=1e-9)


def test_one_step_throws_away_the_first_layer_of_the_plain_network(chapter):
    plain, residual = map(chapter["changes_in_one_step"], (CifarPlainNet, CifarResNet))
    assert len(plain) == len(residual) == 55
    assert max(plain) == plain[0] > 3 and min(plain) == plain[-1] < 2e-3
    assert plain[-1] > 3e-4
    assert max(residual) == residual[0] < 0.12 and 5e-4 < residual[-1] < 2e-3


def test_gradients_after_some_steps(batch):
    """The plain network's gap shrinks at once and turns round, as its first weights grow; the residual network has
    begun to learn.
    """

    def gap_growth_and_loss(kind, steps):
        net = digits_net(kind, 56)
        before = net.conv1.weight.norm()
        losses = train(net, load_digits().loader(), steps).losses
        sizes = list(gradient_norms(net, *batch).values())
        growth = net.conv1.weight.norm() / before
        return sizes[0] / sizes[-1], growth, sum(losses[-5:]) / len(losses[-5:])

    gap, growth, _ = gap_growth_and_loss(CifarPlainNet, 1)
    assert gap < 400 and growth > 3
    gap, growth, loss = gap_growth_and_loss(CifarPlainNet, 30)
    assert gap < 0.8 and growth > 20 and 1.9 < loss < 2.6
    gap, growth, loss = gap_growth_and_loss(CifarResNet, 30)
    assert 1 < gap < 15 and growth < 2 and loss < 1.5


def test_larger_weights_before_batch_norm_compute_the_same_and_get_a_smaller_gradient():
    conv, norm = nn.Conv2d(2, 4, 3, bias=False).double(), nn.BatchNorm2d(4).double()
    x, target = torch.randn(8, 2, 6, 6).double(), torch.randn(8, 4, 4, 4).double()

    def output_and_gradient():
        out = norm(conv(x))
        return out, torch.autograd.grad((out * target).sum(), conv.weight)[0]

    out, gradient = output_and_gradient()
    conv.weight.data *= 45
    same, smaller = output_and_gradient()
    torch.testing.assert_close(same, out, rtol=0, atol=1e-3)
    torch.testing.assert_close(45 * smaller, gradient, rtol=1e-2, atol=1e-2)


def test_without_batchnorm_the_signal_dies_or_grows(batch):
    """Without shortcuts by the power of ten that zero padding explains; with them until training breaks."""
    plain = without_batchnorm(digits_net(CifarPlainNet, 56))
    outputs = record_outputs(plain, batch[0], ["conv1", "layer3.8.conv2"])
    kept = math.prod(((3 * s - 2) / (3 * s)) ** n for s, n in {8: 19, 4: 18, 2: 18}.items())
    assert kept / 30 < outputs["layer3.8.conv2"].std() < 30 * kept
    assert 0.1 < outputs["conv1"].std() < 1

    residual = without_batchnorm(digits_net(CifarResNet, 56))
    assert record_outputs(residual, batch[0], ["layer3"])["layer3"].std() > 20
    losses = train(residual, load_digits().loader(), steps=10).losses
    assert losses[0] > 10 and not losses[-1] < 2


def test_what_blocks_change(chapter, trained):
    """Less and less within a stage, more again at the next; before training too."""
    before, after = chapter["ratios"](chapter["untrained"](20)), chapter["ratios"](trained)
    for found in (before, after):
        values = list(found.values())
        assert max(values) == values[0] > 1
        for first in (0, 3, 6):
            assert values[first] > values[first + 1] + 0.03 > values[first + 2] + 0.06
        assert values[3] > values[2] + 0.03 and values[6] > values[5] + 0.03


def test_blocks_taken_away(chapter, trained):
    digits = load_digits()
    whole = accuracy(trained, digits.test_images, digits.test_labels)
    names = list(chapter["ratios"](trained))
    left = [chapter["accuracy_without"](trained, name) for name in names]
    assert whole > 0.94 and min(left) == left[0] < whole - 0.15
    assert min(left[-2:]) > whole - 0.03
    assert accuracy(trained, digits.test_images, digits.test_labels) == whole
