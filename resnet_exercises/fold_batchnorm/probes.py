"""What is tried on ``fold_batchnorm``: pairs of layers are folded, and compared with what the two do."""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from resnet_exercises import held
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import Fact, Probe, named_kind, same
from resnet_exercises.tensors import fill, numbers, of_batch_norm, random_input, set_seeds

PRAISE = {
    "fold_batchnorm": "One convolution now does the work of both, for every kernel, stride, padding, bias and eps."
}
#: many words of Python's and PyTorch's have the same cause here
CAUSES = (
    (r"^'(Conv2d|BatchNorm2d)' object has no attribute", "no attribute of a layer"),
    (r"'NoneType' object .*(_'|assignment|setting)", "None is written into"),
    (r"NoneType", "None in a calculation"),
    (r"tuple of \(bool, bool\)", "True in place of a number"),
    held.CAUSES[-1],
)
KERNEL_3 = 3, 5, 3, 2, 1


def probes(name, solution):
    return [
        probe(3, 3, 1, 1, 0, bias=False),
        probe(4, 6, 3, 1, 2, bias=True, eps=0.3),
        probe(3, 4, (3, 5), (2, 1), (1, 2), bias=False, eps=1e-3),
        Probe("conv and batchnorm in train mode", in_train_mode),
    ]


def probe(*sizes: int | tuple[int, int], bias: bool, eps: float = 1e-5) -> Probe:
    """Has two layers folded, and looks at what comes back and at what is left of the two."""
    x, label = random_input(2, sizes[0], 7, 10), f"{nn.Conv2d(*sizes, bias=bias)}, eps {eps:g}"
    return Probe(f"{label} and images of 7×10 pixels", lambda fold: look(fold, layers(sizes, bias, eps), x))


def look(fold: Callable, pair: nn.ModuleDict, x: Tensor) -> dict[str, object]:
    """What is seen when an answer folds ``pair``; ``x`` is what the layers are tried with."""
    conv, batchnorm = pair.values()
    differences = held.watch(pair)
    new = folding(fold, conv, batchnorm)
    if not isinstance(new, nn.Conv2d):
        return {"the result": new if isinstance(new, StudentError) else named_kind(new)}
    changes = changed(differences())
    own, theirs = ({tensor.untyped_storage().data_ptr() for tensor in m.state_dict().values()} for m in (new, pair))
    shared = "the new layer shares memory with conv or batchnorm, where its own was expected"
    seen = {
        "the result": "a Conv2d",
        **changes,
        "the result is a new layer": Fact(new is not conv, "the result is conv itself"),
        "the parameters of the new layer": sorted(n for n, _ in new.named_parameters()),
        "its weights have their own memory": Fact(not own & theirs, shared),
        "the type of its numbers": sorted({str(p.dtype) for p in new.parameters()}),
        "output in eval mode": (first := output(new, x)),
        "output of its weight and bias alone": output(new, x, nn.Conv2d.forward),
    }
    if changes["what has changed"]:
        return seen  # what later calls get depends on how the layers have been changed
    fill(of_batch_norm(batchnorm), seed=1)
    seen["output, when the batch norm has got other numbers"] = output(folding(fold, conv, batchnorm), x)
    # An answer may keep the layers that it makes, by their shape for example.
    stays = "another call changes the first result: each call should make a layer of its own"
    seen["the result stays as it is"] = Fact(same(output(new, x), first), stays)
    # Stride and padding show in the output. These do not, where the weight is replaced after the layer was made.
    for name in ("in_channels", "out_channels", "kernel_size"):
        seen[f"the {name} of the new layer"] = repr(getattr(new, name))
    return seen


def in_train_mode(fold: Callable) -> dict[str, object]:
    """What an answer does otherwise where the layers are in train mode. Refusing them is as good as folding them."""
    usual = folding(fold, *layers(KERNEL_3, bias=True).values())
    pair = layers(KERNEL_3, bias=True).train()
    differences = held.watch(pair)
    new = folding(fold, *pair.values())
    if refused := isinstance(new, StudentError):
        # An answer may ask the batch norm for one pixel: it counts a batch before it refuses that.
        pair["batchnorm"].num_batches_tracked.zero_()
    x = random_input(2, KERNEL_3[0], 7, 10)
    # Before `output`, which switches to eval mode: the result may consist of the two layers.
    changes = changed(differences())
    as_usual = refused or same(output(new, x), output(usual, x))
    otherwise = "the result is another one than for the same layers in eval mode"
    return changes | {"the mode does not count": Fact(as_usual, otherwise)}


def layers(sizes: tuple, bias: bool, eps: float = 1e-5) -> nn.ModuleDict:
    """A convolution and its batch norm in eval mode, with the same numbers each time."""
    conv = nn.Conv2d(*sizes, bias=bias)
    batchnorm = nn.BatchNorm2d(conv.out_channels, eps=eps)
    own = [("shift", conv.bias)] if bias else []
    fill([("weight", conv.weight), *of_batch_norm(batchnorm), *own])
    with torch.no_grad():
        batchnorm.weight[0] *= -1  # training may make a scale negative
        # And a channel may be nearly constant: there eps counts. A large one is larger than the variance.
        batchnorm.running_var[1] = 100 * eps if eps < 1e-3 else eps / 2
    return nn.ModuleDict({"conv": conv, "batchnorm": batchnorm}).eval()


def folding(fold: Callable, conv: nn.Conv2d, batchnorm: nn.BatchNorm2d) -> object:
    """What an answer makes of two layers; a bias that is left as it was drawn has the same numbers in each answer."""
    set_seeds(0)
    return tried(fold, conv, batchnorm, causes=CAUSES)


def output(layer: object, x: Tensor, call: Callable = nn.Module.__call__) -> object:
    """What a layer gives in eval mode, or the error that it or the folding raised."""
    if isinstance(layer, StudentError):
        return layer
    with torch.no_grad():
        return tried(lambda: numbers(call(layer.eval(), x)), causes=CAUSES)


def changed(different: held.Differences) -> dict[str, object]:
    """Whether the two layers are as they were, and what is not: the mode, the numbers of one layer, a setting …"""
    kinds, names = set(), []
    for kind, found in different.items():
        if kind in ("parameters", "form"):
            continue  # another tensor with the same numbers does no harm
        names += [f"`{name}`" for name in found]
        if kind in ("numbers", "statistics"):
            kinds |= {f"numbers of {name.partition('.')[0]}" for name in found}
        else:
            kinds |= {kind} if kind in ("training", "requires_grad", "grad") else set(found)
    told = f"your function changes {' and '.join(names[:2])}"
    stay = Fact(not kinds, f"{told}, and should leave both layers as they are")
    return {"the two layers stay": stay, "what has changed": sorted(kinds)}
