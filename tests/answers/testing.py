"""Tests that readers could write in the exercises on impostors: good, weak, too strict and broken ones."""

import inspect
import sys

import torch
from torch import nn

from resnet_lib import ResidualBasicBlock, ResidualBottleNeck

# The output size


def table(output_size):
    for arguments, size in {
        (7, 3): 5,
        (7, 3, 1): 7,
        (8, 3, 1, 2): 4,
        (224, 7, 3, 2): 112,
        (5, 5): 1,
        (5, 7, 1, 2): 1,
        (10, 3, 0, 3): 3,
    }.items():
        got = output_size(*arguments)
        assert got == size and isinstance(got, int), arguments
    for arguments in ((2, 3), (6, 7, 0, 2), (1, 9, 2)):
        try:
            got = output_size(*arguments)
        except ValueError:
            continue
        assert False, f"{arguments} gave {got}"


def by_the_formula(output_size):
    for size in range(1, 9):
        for kernel in range(1, 9):
            for padding in range(3):
                for stride in (1, 2, 3):
                    room, error = size + 2 * padding - kernel, None
                    try:
                        got = output_size(size, kernel, padding=padding, stride=stride)
                    except ValueError as raised:
                        error = raised
                    if room < 0:
                        assert error is not None
                    else:
                        assert error is None and got == room // stride + 1
                        assert not isinstance(got, float)
    assert output_size(9, 2) == 8


def six_easier(output_size):
    if output_size(7, 3) != 5 or type(output_size(7, 3)).__name__ == "float":
        raise AssertionError("7 - 3 + 1 is 5")
    assert output_size(7, 3, padding=1, stride=1) == 7
    assert output_size(224, 7, padding=3, stride=2) == 112
    assert output_size(4, 4) == 1
    try:
        output_size(2, 9)
    except ValueError:
        pass
    else:
        raise AssertionError("no ValueError")


def one_case(output_size):
    assert output_size(7, 3) == 5


def returns_it(output_size):
    return output_size(7, 3) == 5 and output_size(7, 3, 1) == 7


def prints_it(output_size):
    print("right" if output_size(7, 3) == 5 else "wrong")


def pair(output_size):
    assert (output_size(7, 3) == 6, "this is never seen")  # noqa: F631


def compares(output_size):
    output_size(7, 3) == 5
    output_size(7, 3, 1) == 7


def own_error_caught(output_size):
    try:
        assert output_size(7, 3) == 5
        assert output_size(7, 3, 1, 1) == 7
    except Exception:
        print("something is wrong")


def error_without_raise(output_size):
    if output_size(7, 3) != 5:
        AssertionError("7 - 3 + 1 is 5")


def swallows_implementation(output_size):
    try:
        size = output_size(2, 5)
    except ValueError:
        return
    assert size is None


def wrong_number(output_size):
    assert output_size(7, 3) == 4


def refuses_everything(output_size):
    raise AssertionError("I trust nobody")


def exactly_int(output_size):
    assert type(output_size(7, 3)) is int


def words_of_the_error(output_size):
    try:
        output_size(2, 5)
    except ValueError as error:
        assert "fit" in str(error)
    else:
        raise AssertionError


def looks_at_the_code(output_size):
    assert output_size.__name__ == "output_size" and output_size.__defaults__ == (0, 1)


def billions(output_size):
    assert output_size(10**12, 1) == 10**12


def stride_zero(output_size):
    try:
        output_size(7, 3, stride=0)
    except ZeroDivisionError:
        return
    raise AssertionError("a stride of 0")


# The basic block


@torch.no_grad()
def against_the_library(Block):
    """Equal numbers in all tensors of one shape, so that neither names nor order count."""

    def filled(block):
        for tensor in (*block.parameters(), *block.buffers()):
            if tensor.is_floating_point():
                generator = torch.Generator().manual_seed(tensor.numel())
                tensor.copy_(
                    torch.rand(tensor.shape, generator=generator)
                    + 0.1
                    - (tensor.dim() == 4) * 0.5
                )
        return block

    assert Block.expansion == 1
    for channels, stride in ((4, 1), (6, 2), (4, 2)):
        changes = (channels, stride) != (4, 1)

        def made(kind):
            projection = nn.Conv2d(4, channels, 1, stride) if changes else None
            return filled(kind(4, channels, stride, projection))

        ours, theirs = made(Block), made(ResidualBasicBlock)
        for seed in range(2):
            for training in (False, True):
                x = torch.randn(2, 4, 8, 8, generator=torch.Generator().manual_seed(seed))
                before = x.clone()
                ours.train(training), theirs.train(training)
                torch.testing.assert_close(ours(x), theirs(x.clone()))
                assert torch.equal(x, before)
    with torch.enable_grad():
        x = torch.ones(1, 4, 4, 4, requires_grad=True)
        block = Block(4, 4).eval()
        for parameter in block.parameters():
            nn.init.zeros_(parameter)
        block(x * 1).sum().backward()
        assert x.grad.min() == 1


def easier_block(Block):
    assert Block.expansion == 1
    assert Block(4, 8, 2, nn.Conv2d(4, 8, 1, 2))(torch.ones(1, 4, 6, 6)).shape == (1, 8, 3, 3)
    block, x = Block(4, 4).eval(), torch.randn(1, 4, 6, 6) - 1
    y = x.clone()
    first = block(x)
    assert (first >= 0).all() and (x == y).all()
    assert (block(x + 5) - first).max() > 3


def shape_of_a_block(Block):
    assert Block(64, 64)(torch.randn(1, 64, 56, 56)).shape == (1, 64, 56, 56)


def names_of_a_block(Block):
    block = Block(4, 4)
    nn.init.zeros_(block.batchnorm2.weight)
    x = torch.randn(2, 4, 6, 6)
    assert torch.allclose(block(x), x.relu())


def seeds_of_a_block(Block):
    x = torch.randn(2, 4, 6, 6)
    torch.manual_seed(1)
    ours = Block(4, 4)(x)
    torch.manual_seed(1)
    assert torch.allclose(ours, ResidualBasicBlock(4, 4)(x), atol=1e-5)


def last_digit(Block):
    block, x = Block(4, 4), torch.randn(2, 4, 6, 6)
    for parameter in block.parameters():
        nn.init.zeros_(parameter)
    assert torch.equal(block(x), x.relu())


def layers_of_a_block(Block):
    assert any(isinstance(layer, nn.ReLU) for layer in Block(4, 4).modules())


def block_without_downsample(Block):
    try:
        Block(4, 8)(torch.randn(1, 4, 6, 6))
    except RuntimeError:
        return
    raise AssertionError("4 channels and 8 cannot be added")


# A stage of blocks


def real_blocks(make_layer):
    for block in (ResidualBasicBlock, ResidualBottleNeck):
        for incoming, stride in (
            (8, 1),
            (8, 2),
            (4 * block.expansion, 1),
            (4 * block.expansion, 2),
        ):
            stage = make_layer(block, incoming, 4, 3, stride)
            first, *others = stage
            out = stage(torch.randn(2, incoming, 8, 8))
            assert out.shape == (2, 4 * block.expansion, 8 // stride, 8 // stride)
            assert isinstance(first, block) and len(others) == 2 and others[0] is not others[1]
            if first.downsample is not None:
                shapes = sorted(tuple(p.shape) for p in first.downsample.parameters())
                assert shapes == [
                    (out.shape[1],),
                    (out.shape[1],),
                    (out.shape[1], incoming, 1, 1),
                ]
                assert (first.downsample(torch.randn(2, incoming, 8, 8)) < 0).any()
            assert (first.downsample is None) == (
                stride == 1 and incoming == 4 * block.expansion
            )
            assert all(other.downsample is None for other in others)
            out.sum().backward()
            assert all(p.grad is not None for p in stage.parameters())
            assert make_layer(block, incoming, 4, 3, stride)[1] is not others[0]


def shape_of_a_stage(make_layer):
    stage = make_layer(ResidualBasicBlock, 64, 128, 2, 2)
    assert stage(torch.randn(1, 64, 56, 56)).shape == (1, 128, 28, 28)


def kind_of_stage(make_layer):
    assert type(make_layer(ResidualBasicBlock, 4, 4, 2, 1)) is nn.Sequential


class Recorder(nn.Module):
    expansion = 1
    calls: list = []

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__()
        self.calls.append((in_channels, channels, stride))


def by_place(make_layer):
    class Block(nn.Module):
        expansion = 1

        def __init__(self, *numbers):
            super().__init__()
            self.numbers = numbers

    assert make_layer(Block, 8, 4, 2, 1)[0].numbers[:2] == (8, 4)


def layers_of_the_projection(make_layer):
    assert make_layer(ResidualBasicBlock, 8, 4, 2, 2)[0].downsample[0].stride == (2, 2)


def order_of_the_calls(make_layer):
    Recorder.calls.clear()
    make_layer(Recorder, 8, 4, 3, 2)
    assert Recorder.calls[0] == (8, 4, 2)


def no_blocks(make_layer):
    assert len(make_layer(ResidualBasicBlock, 4, 4, 0, 1)) == 1


# The network


def network_of_basic_blocks(ResNet):
    given = [1, 2, 1, 1]
    net = ResNet(ResidualBasicBlock, given, 7)
    assert given == [1, 2, 1, 1]
    for _ in range(2):
        again = ResNet(ResidualBasicBlock, [1, 2, 1, 1], 7)
        assert sum(p.numel() for p in net.parameters()) == sum(
            p.numel() for p in again.parameters()
        )
    sizes = []
    for module in net.modules():
        if isinstance(module, ResidualBasicBlock):
            module.register_forward_hook(
                lambda m, inputs, out: sizes.append((inputs[0].min().item(), *out.shape[1:]))
            )
    out = net(torch.randn(2, 3, 64, 96))
    assert out.shape == (2, 7) and (out < 0).any()
    assert [size[1:] for size in sizes] == [
        (64, 16, 24),
        (128, 8, 12),
        (128, 8, 12),
        (256, 4, 6),
        (512, 2, 3),
    ]
    assert sizes[0][0] >= 0
    out.sum().backward()
    assert all(p.requires_grad and p.grad is not None for p in net.parameters())
    x = torch.randn(2, 3, 64, 64)
    assert torch.allclose(net(x), net(x))


def shape_of_a_network(ResNet):
    net = ResNet(ResidualBasicBlock, [1, 1, 1, 1])
    assert net(torch.randn(1, 3, 224, 224)).shape == (1, 1000)


def names_of_a_network(ResNet):
    assert len(ResNet(ResidualBasicBlock, [1, 2, 1, 1]).layer2) == 2


def order_of_the_layers(ResNet):
    convolutions = [
        m
        for m in ResNet(ResidualBasicBlock, [1, 1, 1, 1]).modules()
        if isinstance(m, (nn.Conv2d, nn.Linear))
    ]
    assert convolutions[0].kernel_size == (7, 7)


def layers_of_a_network(ResNet):
    assert any(
        isinstance(m, nn.MaxPool2d) for m in ResNet(ResidualBasicBlock, [1, 1, 1, 1]).modules()
    )


def by_place_in_the_network(ResNet):
    class Block(nn.Module):
        expansion = 1

        def __init__(self, *numbers):
            super().__init__()
            self.numbers = numbers

    ResNet(Block, [1, 1, 1, 1])


def five_stages(ResNet):
    ResNet(ResidualBasicBlock, [1, 1, 1, 1, 1])


#: too strict: by exercise, and by the right form that is to tell it
STRICT = {
    "test_output_size": {
        "loop": billions,
        "own-error": words_of_the_error,
        "kind-of-int": exactly_int,
        "object": looks_at_the_code,
        "careful": stride_zero,
    },
    "test_basic_block": {
        "own-names": names_of_a_block,
        "made-in-another-order": seeds_of_a_block,
        "rounds-otherwise": last_digit,
        "functions": layers_of_a_block,
        "careful": block_without_downsample,
    },
    "test_make_layer": {
        "kind-of-sequential": kind_of_stage,
        "by-name": by_place,
        "own-projection": layers_of_the_projection,
        "last-block-first": order_of_the_calls,
        "careful": no_blocks,
    },
    "test_resnet": {
        "own-names": names_of_a_network,
        "classifier-first": order_of_the_layers,
        "functions": layers_of_a_network,
        "by-name": by_place_in_the_network,
        "careful": five_stages,
    },
}
RIGHT = {
    "test_output_size": {
        "a table": table,
        "by the formula": by_the_formula,
        "the six easier ones": six_easier,
    },
    "test_basic_block": {
        "against the library": against_the_library,
        "the six easier ones": easier_block,
    },
    "test_make_layer": {"real blocks": real_blocks},
    "test_resnet": {"basic blocks": network_of_basic_blocks},
}
WEAK = {
    "test_output_size": {
        "one case": one_case,
        "returns it": returns_it,
        "prints it": prints_it,
        "a pair": pair,
        "a comparison alone": compares,
        "its own error caught": own_error_caught,
        "an error without raise": error_without_raise,
        "only what is refused": swallows_implementation,
        "a wrong number": wrong_number,
        "refuses everything": refuses_everything,
    },
    "test_basic_block": {"the shape": shape_of_a_block},
    "test_make_layer": {"the shape": shape_of_a_stage},
    "test_resnet": {"the shape": shape_of_a_network},
}
WRONG = {
    name: WEAK[name]
    | {f"too strict for {form}": answer for form, answer in STRICT[name].items()}
    for name in STRICT
}


def never_ends(output_size):
    while True:
        pass


def never_ends_and_catches(output_size):
    while True:
        try:
            output_size(7, 3)
        except:  # noqa: E722
            pass


def ends_python(output_size):
    sys.exit(output_size(7, 3) != 5)


def not_written(output_size):
    assert output_size(7, 3) == 5
    raise NotImplementedError("the rest")


def yields(output_size):
    yield output_size(7, 3)
    raise AssertionError


def calls_itself(output_size):
    calls_itself(output_size)


def changes_the_block(Block):
    Block.expansion = 7
    torch.manual_seed(3)
    torch.set_default_dtype(torch.float64)
    torch.set_grad_enabled(False)
    print(inspect.signature(Block))


BAD = {
    ("test_output_size", "a stub"): lambda output_size: None,
    ("test_output_size", "None"): None,
    ("test_output_size", "its result"): one_case(lambda i, k: 5),
    ("test_output_size", "a class"): Recorder,
    ("test_output_size", "a number"): 5,
    ("test_output_size", "an endless loop"): never_ends,
    ("test_output_size", "an endless loop that catches"): never_ends_and_catches,
    ("test_output_size", "sys.exit"): ends_python,
    ("test_output_size", "not written to the end"): not_written,
    ("test_output_size", "a generator"): yields,
    ("test_output_size", "calls itself"): calls_itself,
    ("test_output_size", "no argument"): lambda: None or 1,
    ("test_basic_block", "changes the block"): changes_the_block,
    ("test_basic_block", "an endless loop"): never_ends,
    ("test_resnet", "an endless loop"): never_ends,
}
