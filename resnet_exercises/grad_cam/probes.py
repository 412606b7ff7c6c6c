"""What is tried on ``grad_cam``: layers, labels and images of several sizes, and what is left of the network then."""

import copy
import functools
from collections import defaultdict
from collections.abc import Callable, Iterator
from typing import NamedTuple

import torch
from torch import Tensor, nn

from resnet_exercises import held
from resnet_exercises.errors import StudentError, tried
from resnet_exercises.observing import Fact, Probe, same
from resnet_exercises.tensors import fill, numbers, random_input, weights_in_order
from resnet_lib import CifarResNet

PRAISE = {"grad_cam": "Your map shows where a network looks, at every layer and for every label."}
#: PyTorch has several words for one cause
CAUSES = (
    (r"element 0 of tensors does not require grad", "gradients are not recorded"),
    (r"differentiated Tensor", "a copy of the output"),
    *held.CAUSES,
)
MAY_DIFFER = "mode", "training", "grad"  # afterwards


class Case(NamedTuple):
    """What an answer is called with; the network predicts another label."""

    layer: str
    label: int
    size: tuple[int, int]

    def __str__(self) -> str:
        return f"the map at `model.{self.layer}` for label {self.label}"


#: the first two differ in the layer alone; the output of layer1 is as large as the image
CASES = Case("layer2", 2, (13, 21)), Case("layer3", 2, (13, 21)), Case("layer1", 0, (9, 16))


def probes(name, solution):
    """The network into which an answer has to look."""
    return [Probe("a small ResNet in train mode", lambda answer: held.in_turn(looks(answer, solution)))]


@functools.cache
def network() -> nn.Module:
    """Random numbers everywhere, and a hook of somebody else on each layer."""
    model = CifarResNet(1, num_classes=5, width=4)
    fill(weights_in_order(model, random_input(1, 3, 13, 21)))
    model.fc.weight.data *= 10  # so that maps differ in the first three decimals
    model = copy.deepcopy(model)  # what `fill` has filled gets its old numbers back
    for layer in model.modules():
        layer.register_forward_hook(lambda *given: None)
    return model.train()


def looks(answer: Callable, solution: Callable) -> Iterator[list[held.Look]]:
    """Whether the layer counts, the maps, their axes, and then what must be as it was."""
    maps, right, different, images = [], [], defaultdict(list), []
    for case in CASES:
        image = random_input(1, 3, *case.size, seed=2)
        images.append((image, image.clone()))
        model = copy.deepcopy(network())
        right.append(called(solution, copy.deepcopy(model), case, image))
        differences = held.watch(model)
        maps.append(called(answer, model, case, images[-1][1]))
        recording = held.recording_stays()
        for kind, names in differences().items():
            different[kind] += names
        if isinstance(maps[-1], StudentError):
            break
    tensors = all(isinstance(found, Tensor) and found.nan_to_num().any() for found in maps)
    ignored = tensors and len(maps) > 1 and same(*maps[:2])
    yield [("the layer counts", Fact(not ignored, "your map is the same for `model.layer2` and for `model.layer3`"))]
    yield [(str(case), in_form(found, map_), map_) for case, found, map_ in zip(CASES, maps, right)]
    shape = next((tuple(found.shape) for found in maps if found.dim() != 2), ())
    yield [("two axes", Fact(not shape, f"the shape of the map is {shape}, where (H, W) is asked for"))]
    yield from ([held.stays(different, kind)] for kind in held.KINDS if kind not in MAY_DIFFER)
    kept = all(torch.equal(*pair) and not pair[1].requires_grad for pair in images)
    yield [("image", Fact(kept, "your code has changed `image`: its numbers or `requires_grad`")), recording]


def called(answer: Callable, model: nn.Module, case: Case, image: Tensor) -> object:
    """What an answer gives, whether or not it still requires a gradient."""
    layer = model.get_submodule(case.layer)
    return tried(lambda: numbers(answer(model, layer, image, case.label)), causes=CAUSES)


def in_form(found: object, right: Tensor) -> object:
    """A map with more axes of size 1 counts, as that is told later."""
    fits = isinstance(found, Tensor) and found.squeeze().shape == right.shape
    return found.reshape(right.shape) if fits else found
