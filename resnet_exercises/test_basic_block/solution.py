import torch
from torch import nn


def test_basic_block(Block):
    """Raises an AssertionError where Block is no basic block of ResNet."""

    def with_constant_branch(block, number):  # zero weights, so only the shift of the batch norm is left
        for parameter in block.parameters():
            nn.init.constant_(parameter, number if parameter.dim() == 1 else 0)
        return block.eval()

    assert Block.expansion == 1
    x = torch.randn(2, 4, 6, 6)
    before = x.clone()
    block = with_constant_branch(Block(4, 4), -0.5)
    assert torch.allclose(block(x), torch.relu(before - 0.5))  # sum first, then ReLU
    assert torch.equal(x, before)  # the input is left alone
    assert not torch.allclose(block(x), block(2 * x))  # another input, another result

    ones = torch.ones(1, 4, 6, 6)  # the average of ones is 1, and the branch adds 0.5
    block = with_constant_branch(Block(4, 4, stride=2, downsample=nn.AvgPool2d(2)), 0.5)
    assert torch.allclose(block(ones), torch.full((1, 4, 3, 3), 1.5))

    block = Block(1, 1).eval()  # for one pixel, a 3×3 convolution multiplies by its middle weight
    for parameter in block.parameters():
        nn.init.constant_(parameter, -1 if parameter.dim() == 4 else parameter[0].item())
    assert torch.allclose(block(torch.ones(1, 1, 1, 1)), torch.ones(1, 1, 1, 1))  # 1 → −1 → ReLU: 0

    block = with_constant_branch(Block(4, 4, downsample=nn.AvgPool2d(3, stride=1, padding=1)), 0.5)
    number = torch.ones(1, requires_grad=True)
    block(number * ones).sum().backward()
    assert number.grad > 0  # only through the shortcut

    block = Block(4, 4)
    assert not torch.allclose(block.train()(ones), block.eval()(ones))  # batch norm has two modes
