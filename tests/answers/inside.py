"""Answers to branch_ratio that the registered mistakes are not copies of."""

import copy
import sys

import numpy
import torch
from torch import nn

from resnet_lib import ResidualBottleNeck


def last_norm(block):
    return [m for name, m in block.named_children() if name.startswith("batchnorm")][-1]


def shortcut_of(block, x):
    return x if block.downsample is None else block.downsample(x)


def with_a_hook(block, x):
    kept = {}
    handle = last_norm(block).register_forward_hook(lambda m, i, o: kept.update(f=o.clone()))
    was_training = block.training
    block.eval()
    try:
        with torch.no_grad():
            block(x)
            return float(kept["f"].norm() / shortcut_of(block, x).norm())
    finally:
        handle.remove()
        block.train(was_training)


def norm_in_the_hook(block, x):
    sizes = []
    handle = last_norm(block).register_forward_hook(
        lambda m, i, o: sizes.append(o.norm().item())
    )
    was = block.training
    block.eval()
    block(x)
    block.train(was)
    handle.remove()
    return sizes[0] / shortcut_in_eval(block, x).norm().item()


def shortcut_in_eval(block, x):
    was = block.training
    shortcut = shortcut_of(block.eval(), x)
    block.train(was)
    return shortcut


@torch.no_grad()
def layer_by_layer(block, x):
    was = block.training
    block.eval()
    out = block.relu1(block.batchnorm1(block.conv1(x)))
    out = block.batchnorm2(block.conv2(out))
    if isinstance(block, ResidualBottleNeck):
        out = block.batchnorm3(block.conv3(block.relu2(out)))
    ratio = torch.linalg.vector_norm(out) / torch.linalg.vector_norm(shortcut_of(block, x))
    block.train(was)
    return ratio.item()


def on_a_copy(block, x):
    block = copy.deepcopy(block).eval()
    layers = [layer for name, layer in block.named_children() if name != "downsample"][:-1]
    branch, shortcut = nn.Sequential(*layers)(x), shortcut_of(block, x)
    return (branch.square().sum() / shortcut.square().sum()).sqrt().item()


def without_the_relu(block, x):
    """Takes the last ReLU out for a moment, and subtracts the shortcut from the sum."""
    name = "relu3" if hasattr(block, "relu3") else "relu2"
    relu, was = getattr(block, name), block.training
    setattr(block, name, nn.Identity())
    block.eval()
    with torch.no_grad():
        shortcut = shortcut_of(block, x)
        branch = block(x) - shortcut
    setattr(block, name, relu)
    block.train(was)
    return branch.norm().item() / shortcut.norm().item()


def with_numpy(block, x):
    modes = {m: m.training for m in block.modules()}
    block.eval()
    kept = []
    handle = last_norm(block).register_forward_hook(
        lambda m, i, o: kept.append(o.detach().numpy().copy())
    )
    with torch.inference_mode():
        block(x.clone())
        shortcut = shortcut_of(block, x).numpy()
    handle.remove()
    for module, training in modes.items():
        module.training = training
    return numpy.linalg.norm(kept[0].ravel()) / numpy.linalg.norm(shortcut.ravel())


def pre_hook_of_the_relu(block, x):
    """The last ReLU receives the sum; what is left without the shortcut is F(x)."""
    seen = []
    last = block.relu3 if isinstance(block, ResidualBottleNeck) else block.relu2
    handle = last.register_forward_pre_hook(lambda m, i: seen.append(i[0].detach().clone()))
    was = block.training
    with torch.no_grad():
        block.eval()(x)
        shortcut = shortcut_of(block, x)
    handle.remove()
    block.train(was)
    return ((seen[0] - shortcut).norm() / shortcut.norm()).item()


def ratio_of(block, x):
    """The ratio in the mode that the block is in."""
    last = {}
    handle = last_norm(block).register_forward_hook(lambda m, i, o: last.update(f=o.clone()))
    with torch.no_grad():
        block(x)
        shortcut = shortcut_of(block, x)
    handle.remove()
    return (last["f"].norm() / shortcut.norm()).item()


def not_in_place_for_a_moment(block, x):
    relus = [layer for layer in block.modules() if isinstance(layer, nn.ReLU)]
    for relu in relus:
        relu.inplace = False
    ratio = layer_by_layer(block, x)
    for relu in relus:
        relu.inplace = True
    return ratio


def without_a_shortcut(block, x):
    """A shortcut of zeros for a moment; downsample is None again afterwards, where it was."""

    class Zero(nn.Module):
        def forward(self, x):
            return 0

    shortcut = shortcut_in_eval(block, x).norm().item()
    relu_name = "relu3" if hasattr(block, "relu3") else "relu2"
    kept, was = (block.downsample, getattr(block, relu_name)), block.training
    block.downsample = Zero()
    setattr(block, relu_name, nn.Identity())
    branch = block.eval()(x).norm().item()
    block.downsample = kept[0]
    setattr(block, relu_name, kept[1])
    block.train(was)
    return branch / shortcut


def wraps_forward(block, x):
    """Another forward on the last batch norm for a moment."""
    last, sizes, was = last_norm(block), [], block.training
    own = last.forward

    def forward(x):
        output = own(x)
        sizes.append(output.norm().item())
        return output

    last.forward = forward
    block.eval()(x)
    del last.forward
    block.train(was)
    return sizes[0] / shortcut_in_eval(block, x).norm().item()


def exact_class(block, x):
    assert type(block).__name__ in ("ResidualBasicBlock", "ResidualBottleNeck")
    assert type(block) is ResidualBottleNeck or not hasattr(block, "conv3")
    return with_a_hook(block, x)


class Measure:
    def __call__(self, block, x):
        return layer_by_layer(block, x)


def by_hand(relu1=True, relu2=True, shortcut=None, back_first=False):
    """Layer by layer in eval mode, with one thing changed."""

    def side(block, x):
        return x if block.downsample is None else block.downsample(x)

    @torch.no_grad()
    def measure(block, x):
        was_training = block.training
        block.eval()
        out = block.batchnorm1(block.conv1(x))
        out = block.batchnorm2(block.conv2(torch.relu(out) if relu1 else out))
        if hasattr(block, "conv3"):
            out = block.batchnorm3(block.conv3(torch.relu(out) if relu2 else out))
        if back_first:
            block.train(was_training)
        carried = (shortcut or side)(block, x)
        block.train(was_training)
        return float(out.norm()) / float(carried.norm())

    return measure


RIGHT = {
    "branch_ratio": {
        "by hand, the shortcut last": by_hand(),
        "a hook that clones": with_a_hook,
        "the norm inside the hook, with gradients on": norm_in_the_hook,
        "layer by layer": layer_by_layer,
        "a Sequential on a deepcopy": on_a_copy,
        "the last ReLU taken out and put back": without_the_relu,
        "NumPy, inference mode": with_numpy,
        "a pre-hook of the last ReLU": pre_hook_of_the_relu,
        "ReLUs not in place for a moment": not_in_place_for_a_moment,
        "no shortcut for a moment": without_a_shortcut,
        "another forward for a moment": wraps_forward,
        "asks for the exact class": exact_class,
        "NumPy's float64": lambda block, x: numpy.float64(with_a_hook(block, x)),
        "a lambda": lambda block, x: with_a_hook(block, x),
        "a callable object": Measure(),
    }
}


def hook_that_keeps(block, x):
    """The tensor that the hook keeps is overwritten by the sum and by the ReLU."""
    kept = {}
    handle = last_norm(block).register_forward_hook(lambda m, i, o: kept.update(f=o))
    was = block.training
    with torch.no_grad():
        block.eval()(x)
        ratio = (kept["f"].norm() / shortcut_of(block, x).norm()).item()
    handle.remove()
    block.train(was)
    return ratio


def over_x(block, x):
    return with_a_hook(block, x) * shortcut_in_eval(block, x).norm().item() / x.norm().item()


def basic_only(block, x):
    copied = copy.deepcopy(block).eval()
    out = copied.relu1(copied.batchnorm1(copied.conv1(x)))
    return (copied.batchnorm2(copied.conv2(out)).norm() / shortcut_of(copied, x).norm()).item()


def no_eval(block, x):
    shortcut = shortcut_of(block, x)
    layers = [layer for name, layer in block.named_children() if name != "downsample"][:-1]
    return (nn.Sequential(*layers)(x).norm() / shortcut.norm()).item()


def eval_for_good(block, x):
    block.eval()
    return layer_by_layer(block, x)


def train_at_the_end(block, x):
    ratio = layer_by_layer(block, x)
    block.train()
    return ratio


def leaves_the_hook(block, x):
    kept = []
    last_norm(block).register_forward_hook(lambda m, i, o: kept.append(o.norm().item()))
    was = block.training
    block.eval()(x)
    block.train(was)
    return kept[-1] / shortcut_in_eval(block, x).norm().item()


def difference(block, x):
    copied = copy.deepcopy(block).eval()
    shortcut = shortcut_of(copied, x)
    return ((copied(x) - shortcut).norm() / shortcut.norm()).item()


def projection_only_if_sequential(block, x):
    """As if every module on a shortcut were a projection."""
    if isinstance(block.downsample, nn.Sequential):
        return with_a_hook(block, x)
    return over_x(block, x)


def bottlenecks_never_project(block, x):
    return (over_x if isinstance(block, ResidualBottleNeck) else with_a_hook)(block, x)


def bottlenecks_always_project(block, x):
    copied = copy.deepcopy(block).eval()
    if isinstance(block, ResidualBottleNeck):
        copied.downsample(x)
    return with_a_hook(block, x)


def remembers_the_block(block, x):
    """Computes once for each block, whatever x comes next."""
    if id(block) not in _by_block:
        _by_block.clear()
        _by_block[id(block)] = (
            with_a_hook(block, x),
            block,
        )  # kept, so that its id stays its own
    return _by_block[id(block)][0]


_by_block = {}
_kept = []


def keeps_the_first(block, x):
    """A list outside of the function, of which the first entry is read."""
    if len(_kept) > 0:
        return _kept[0]
    _kept.append(with_a_hook(block, x))
    return _kept[0]


def with_epsilon(block, x):
    return with_a_hook(block, x) + 0.01


def first_batchnorm_of_the_bottleneck_times_two(block, x):
    copied = copy.deepcopy(block).eval()
    return (2 * copied.batchnorm1(copied.conv1(x)).norm() / x.norm()).item()


def zeroes_x(block, x):
    ratio = with_a_hook(block, x)
    x.zero_()
    return ratio


def resets_statistics(block, x):
    ratio = with_a_hook(block, x)
    last_norm(block).reset_running_stats()
    return ratio


def another_norm(p):
    def answer(block, x):
        copied = copy.deepcopy(block).eval()
        kept = []
        last_norm(copied).register_forward_hook(lambda m, i, o: kept.append(o.clone()))
        copied(x)
        return (kept[0].norm(p) / shortcut_of(copied, x).norm(p)).item()

    return answer


def relu_on_the_shortcut(block, x):
    return (
        with_a_hook(block, x)
        * (shortcut_in_eval(block, x).norm() / shortcut_in_eval(block, x).relu().norm()).item()
    )


def asked(asks):
    """The shortcut is downsample(x) where ``asks(block, x, y)`` says so."""

    def answer(block, x):
        y = copy.deepcopy(block).eval()(x)
        return (with_a_hook if asks(block, x, y) else over_x)(block, x)

    return answer


def by_stride(block, x, y):
    conv = block.conv2 if isinstance(block, ResidualBottleNeck) else block.conv1
    return conv.stride[0] > 1


def minus_x(block, x):
    """Without a thought for the mode."""
    return (block(x) - x).norm().item() / x.norm().item()


def shortcut_first(block, x):
    with torch.no_grad():
        shortcut = shortcut_of(block, x)
    return (
        with_a_hook(block, x)
        * shortcut_in_eval(block, x).norm().item()
        / shortcut.norm().item()
    )


def batchnorms_in_eval(block, x):
    """Those of the branch; that of the projection is forgotten."""
    norms, was = [m for m in block.children() if isinstance(m, nn.BatchNorm2d)], block.training
    for norm in norms:
        norm.eval()
    ratio = ratio_of(block, x)
    for norm in norms:
        norm.train(was)
    return ratio


def branch_of_a_copy(block, x):
    copied = copy.deepcopy(block).eval()
    carried = shortcut_of(copied, x).norm().item()
    return with_a_hook(copied, x) * carried / shortcut_of(block, x).norm().item()


def statistics_put_back(block, x):
    state = copy.deepcopy(block.state_dict())
    ratio = ratio_of(block, x)
    block.load_state_dict(state)
    return ratio


def clears_the_hooks(block, x):
    ratio = with_a_hook(block, x)
    last_norm(block)._forward_hooks.clear()
    return ratio


def keeps_an_attribute(block, x):
    last_norm(block).last_branch = torch.ones(3)
    return with_a_hook(block, x)


def leaves_a_forward(block, x):
    last = last_norm(block)
    own = last.forward
    last.forward = lambda x: own(x)
    return with_a_hook(block, x)


def leaves_not_in_place(block, x):
    for layer in block.modules():
        if isinstance(layer, nn.ReLU):
            layer.inplace = False
    return with_a_hook(block, x)


def leaves_gradients_off(block, x):
    torch.set_grad_enabled(False)
    return layer_by_layer(block, x)


def trains_x(block, x):
    return with_a_hook(block, x.requires_grad_())


def freezes_x(block, x):
    return with_a_hook(block, x.requires_grad_(False))


def flat_views(block, x):
    copied, kept = copy.deepcopy(block).eval(), []
    last_norm(copied).register_forward_hook(lambda m, i, o: kept.append(o.clone()))
    copied(x)
    return (kept[0].view(-1).norm() / shortcut_of(copied, x).reshape(-1).norm()).item()


def new_relu(block, x):
    """As `without_the_relu`, but with another ReLU in the end."""
    ratio = without_the_relu(block, x)
    setattr(block, "relu3" if hasattr(block, "relu3") else "relu2", nn.ReLU(inplace=True))
    return ratio


def left_in_eval(answer):
    return lambda block, x: answer(block.eval(), x)


def hook_left_in_train(block, x):
    last_norm(block).register_forward_hook(lambda m, i, o: None)
    return ratio_of(block, x)


WRONG = {
    "branch_ratio": {
        "relu1 forgotten by hand": (by_hand(relu1=False), "relu1-forgotten"),
        "relu2 forgotten by hand": (by_hand(relu2=False), "relu2-forgotten"),
        "no relu by hand": (by_hand(relu1=False, relu2=False), "relus-forgotten"),
        "shortcut after train()": (by_hand(back_first=True), "shortcut-in-train-mode"),
        "downsample always": (
            by_hand(shortcut=lambda b, x: b.downsample(x)),
            "downsample-always-called",
        ),
        "the hook keeps the tensor itself": (hook_that_keeps, "output-for-branch"),
        "over x": (over_x, "projection-forgotten"),
        "basic blocks only": (basic_only, "always-batchnorm2"),
        "no eval": (no_eval, "eval-forgotten"),
        "eval for good": (eval_for_good, "stays-in-eval"),
        "train at the end": (train_at_the_end, "ends-in-train-mode"),
        "leaves the hook": (leaves_the_hook, "hook-left-behind"),
        "output minus shortcut": (difference, "difference-after-relu"),
        "downsample by the stride": (asked(by_stride), "downsample-by-stride"),
        "downsample by the stride of conv1": (
            asked(lambda block, x, y: block.conv1.stride == (2, 2)),
            "downsample-by-the-stride-of-conv1",
        ),
        "downsample by the channels": (
            asked(lambda block, x, y: len(x[0]) != len(y[0])),
            "downsample-by-channels",
        ),
        "downsample by the shapes": (
            asked(lambda block, x, y: x.shape != y.shape),
            "downsample-by-shapes",
        ),
        "downsample by stride and channels": (
            asked(lambda block, x, y: by_stride(block, x, y) or x.size(1) != y.size(1)),
            "downsample-by-shapes",
        ),
        "output minus x": (minus_x, "output-minus-x"),
        "shortcut before eval()": (shortcut_first, "shortcut-in-train-mode"),
        "eval() on the branch's norms": (batchnorms_in_eval, "shortcut-in-train-mode"),
        "the branch of a copy": (branch_of_a_copy, "shortcut-in-train-mode"),
        "statistics put back": (statistics_put_back, "copy-in-train-mode"),
        "a copy in train mode": (
            lambda b, x: ratio_of(copy.deepcopy(b), x),
            "copy-in-train-mode",
        ),
        "clears the hooks": (clears_the_hooks, "hooks-of-others-removed"),
        "keeps an attribute": (keeps_an_attribute, "attribute-left-behind"),
        "leaves a forward": (leaves_a_forward, "attribute-left-behind"),
        "leaves ReLUs that are not in place": (leaves_not_in_place, "setting-changed"),
        "leaves gradients off": (leaves_gradients_off, "gradients-stay-off"),
        "leaves requires_grad on x": trains_x,
        "takes requires_grad from x": freezes_x,
        "view(-1)": flat_views,
        "x.float()": lambda b, x: with_a_hook(b, x.float()),
        "another ReLU": (new_relu, "layer-not-put-back"),
        "not cloned, and left in eval mode": (
            left_in_eval(hook_that_keeps),
            "output-for-branch",
        ),
        "over x, and left in eval mode": (left_in_eval(over_x), "projection-forgotten"),
        "batchnorm2, and left in eval mode": (left_in_eval(basic_only), "always-batchnorm2"),
        "a tensor, and left in eval mode": (
            left_in_eval(lambda b, x: torch.tensor(with_a_hook(b, x))),
            "returns-tensor",
        ),
        "a hook left, and in eval mode": (left_in_eval(leaves_the_hook), "stays-in-eval"),
        "a hook left, and no eval": (hook_left_in_train, "eval-forgotten"),
        "1-norm": (another_norm(1), "absolute-values"),
        "largest": (another_norm(float("inf")), "largest-values"),
        "a 0-dim tensor": (lambda b, x: torch.tensor(with_a_hook(b, x)), "returns-tensor"),
        "a formatted text": (lambda b, x: f"{with_a_hook(b, x):.0%}", "returns-text"),
        "prints": (lambda b, x: print(with_a_hook(b, x)), "returns-nothing"),
        "percent": (lambda b, x: with_a_hook(b, x) * 100, "percent"),
        "divides by zero": lambda b, x: 1 / with_a_hook(b, x),
        "3-norm": another_norm(3),
        "keeps the first result": keeps_the_first,
        "remembers the block": remembers_the_block,
        "a projection only if it is a Sequential": projection_only_if_sequential,
        "bottlenecks always project": bottlenecks_always_project,
        "bottlenecks never project": bottlenecks_never_project,
        "a little more": with_epsilon,
        "another layer": first_batchnorm_of_the_bottleneck_times_two,
        "zeroes x": zeroes_x,
        "resets the running statistics": resets_statistics,
        "ReLU on the shortcut": relu_on_the_shortcut,
        "a list": lambda b, x: [with_a_hook(b, x)],
        "a complex number": lambda b, x: complex(with_a_hook(b, x)),
        "negative": lambda b, x: -with_a_hook(b, x),
        "one": lambda b, x: 1.0,
        "a bool": lambda b, x: with_a_hook(b, x) > 0.5,
        "a tensor with a gradient": lambda b, x: b.conv1.weight.norm(),
        "the branch itself": lambda b, x: copy.deepcopy(last_norm(b)).eval().weight,
    }
}


def stub(block, x):
    """The size of F(x) over the size of the shortcut."""
    raise NotImplementedError


def forever(block, x):
    while True:
        try:
            pass
        except BaseException:
            pass


class Evil(float):
    def __float__(self):
        sys.exit(1)

    def __eq__(self, other):
        raise RuntimeError

    __hash__ = None

    def __format__(self, spec):
        raise RuntimeError


BAD = {
    ("branch_ratio", description): answer
    for description, answer in {
        "None": None,
        "a number": 0.5,
        "a class": Measure,
        "an instance": nn.Conv2d(3, 3, 1),
        "a stub": stub,
        "sys.exit": lambda block, x: sys.exit(2),
        "no arguments": lambda: None,
        "an endless loop": forever,
        "a float that exits": lambda block, x: Evil(0.5),
        "NaN": lambda block, x: float("nan"),
        "on the meta device": lambda block, x: torch.empty((), device="meta"),
        "deletes a layer": lambda block, x: delattr(block, "conv1"),
        "removes the parameters": lambda block, x: block.conv1.__dict__.clear(),
        "recursion": lambda block, x: BAD["branch_ratio", "recursion"](block, x),
        "a typo": lambda block, x: block.batch_norm2(x),
        "a complex tensor": lambda block, x: torch.tensor(1j),
        "raises inside a hook": lambda block, x: (
            block.register_forward_hook(lambda *a: 1 / 0),
            block(x),
        ),
    }.items()
}
