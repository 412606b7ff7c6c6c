"""What is tried on the three blocks: they are built in several ways, and looked at."""

import contextlib
import functools
import itertools
import math
from collections.abc import Callable, Iterator

import torch

from resnet_exercises import observing
from resnet_exercises.blocks import looking
from resnet_exercises.blocks.looking import Case, Look, Odd, Watch, call, expansion_of, explained
from resnet_exercises.errors import StudentError
from resnet_exercises.light_blocks import quickly_made, tensor_ids
from resnet_exercises.observing import Fact, Probe, same
from resnet_exercises.steps import tell_steps
from resnet_exercises.tensors import heeds_the_seed

TORCHVISIONS = "Your block computes what torchvision's {} computes: results, gradients and running statistics."
PRAISE = {
    "basic_block": TORCHVISIONS.format("BasicBlock"),
    "bottleneck": TORCHVISIONS.format("Bottleneck"),
    "plain_block": "Your block is the basic block without its shortcut: the twin that a fair comparison needs.",
}
EXPANSIONS = {"basic_block": 1, "bottleneck": 4, "plain_block": None}
#: in_channels and channels of the blocks that are made
CHANNELS = {
    "basic_block": [(4, 4), (4, 6), (4, 6), (4, 4), (4, 4), (6, 4), (4, 4)],
    "bottleneck": [(8, 2), (6, 3), (4, 4), (8, 2), (8, 2), (6, 2), (8, 2)],
    "plain_block": [(4, 4), (4, 6), (6, 4), (6, 4)],
}
#: their strides, and what they get as downsample where they take one
STRIDES = [1, 2, 1, 3, 1, 1, 1]
GIVEN = ["", *[looking.PROJECTION] * 4, looking.CONVOLUTION, looking.IDENTITY]

NEW = "a new block"
RIGHT = "as it should be"
MISSING = ", and no downsample"
NO_EXPANSION = "its `expansion` is not right yet"


def probes(name, solution):
    expansion = EXPANSIONS[name]
    cases = [
        Case(*channels, stride, expansion, given if expansion else "")
        for channels, stride, given in zip(CHANNELS[name], STRIDES, GIVEN)
    ]
    first = [look_probe(solution, case, more) for case in cases[:2] for more in (False, True)]
    tried = [*first, *(look_probe(solution, case) for case in cases[2:]), new_block_probe(solution, cases[:2], first)]
    if expansion is None:
        return tried
    like = cases[2]
    widths = like.channels, like.in_channels // expansion  # of the second, the size alone
    said = f"in_channels {like.in_channels}, channels {widths[0]} or {widths[1]}, stride 2"
    return [
        Probe("the class attribute `expansion`", functools.partial(class_attribute, expansion)),
        *tried,
        Probe(said + MISSING, functools.partial(missing_projection, solution, like, widths)),
        Probe("a downsample that is given", functools.partial(lost_downsample, cases[1:5])),
    ]


def look_probe(solution: type, case: Case, more: bool = False) -> Probe:
    """Builds the block as in ``case`` and looks at its output, or at what ``more`` it does."""

    def run(block) -> object:
        watch = Watch()
        try:
            with watch:
                look = Look(case, block, watch, solution)
                seen = look.rest() if more else look.result()
        except Odd as finding:
            return str(finding)
        except Exception as error:
            if "must be divisible by groups" in str(error):
                return "a convolution has another groups than 1"  # as where it is divisible
            raise explained(error, watch) from None
        return watch.foreign if watch.foreign and not same(seen, right()) else seen

    right = functools.cache(lambda: run(solution))
    return Probe(case.label + (", in training and other images" if more else ""), run)


def new_block_probe(solution: type, cases: list[Case], first: list[Probe]) -> Probe:
    """What results do not show, and blocks as wide as in a ResNet, where the ``first`` probes see nothing wrong."""
    are_right = [observing.comparison(probe, solution) for probe in first]

    def run(block) -> object:
        if not all(is_right(block) for is_right in are_right):
            return "it is not looked at, as another thing is not right yet"
        return next(findings(block, cases, solution), None) or wide_blocks(block, cases[1])

    return Probe(NEW, run)


def findings(block, cases: list[Case], solution: type) -> Iterator[str]:
    """What is wrong with a block, although its results are right."""
    made = []
    heeds = heeds_the_seed(lambda: made.append(cases[0].build(block)[0]))
    if not tensor_ids(made[0]).isdisjoint(tensor_ids(made[1])):
        yield "two blocks share their weights"
    if not heeds:
        yield "`__init__` sets the seed of the random numbers"
    looks, outputs = [], []
    for case in cases:
        with Watch() as watch:
            looks.append(Look(case, block, watch, solution))
            yield from looks[-1].settings()
        # an error, where a setting of the later block does not fit the first
        with torch.no_grad(), contextlib.suppress(Exception):
            outputs.append(looks[0].module.eval()(looks[0].x.clone()))
    if not same(outputs[:1], outputs[1:]):
        yield "a block made later changes what an earlier one computes"


def wide_blocks(block, like: Case) -> dict[str, object]:
    """What blocks of real width consist of. Those with a stride are ``like`` one with a stride."""
    seen = {}
    for width, stride in itertools.product((64, 128, 256, 512), (1, 2)):
        given = like.downsample if stride == 2 else ""
        case = Case(width * (like.expansion or 1), width, stride, like.expansion, given)
        try:
            with quickly_made(), torch.no_grad(), Watch() as watch:
                module, _ = case.build(block)
                output = module.eval()(torch.ones(1, case.in_channels, 5, 5))
        except Exception as error:
            raise StudentError(error, (), [case.label], f"The block has {case.label}.") from None
        seen |= {
            f"the shape of the output, with {case.label}": tuple(output.shape),
            f"its convolutions, with {case.label}": Fact(not watch.option, f"{watch.option}, with {case.label}"),
            f"the number of parameters, with {case.label}": sum(parameter.numel() for parameter in module.parameters()),
        }
    return seen


def class_attribute(expansion: int, block) -> object:
    """What is seen of the class attribute alone."""
    value = expansion_of(block)
    if value == "the class has none":
        with contextlib.suppress(Exception):
            if getattr(block(8 * expansion, 8), "expansion", None) is not None:
                return "only instances have it"
    is_other = type(value) is int and value != expansion
    return Fact(False, f"it is {value}") if is_other else value


def missing_projection(solution: type, case: Case, widths: tuple[int, int], block) -> str:
    """Stride 2, but no downsample: the sum is impossible, but for a block that makes a projection of its own."""
    if expansion_of(block) != case.expansion:
        return NO_EXPANSION
    for channels in widths:
        arguments = [case.in_channels, channels, 2]
        with contextlib.suppress(Exception):
            module = call(block, arguments)
            output = module.eval()(case.input(3, 9, 11))  # not 1×1 after three strides
            own, usual = (sum(p.dim() == 4 for p in m.parameters()) for m in (module, solution(*arguments)))
            if isinstance(output, torch.Tensor) and own <= usual:
                return "a result"
    return "an error"


def lost_downsample(cases: list[Case], block) -> str:
    """Whether the block ever keeps the module that it is given, if it runs at all."""
    try:
        cases[-1].build(block)[0].eval()(cases[-1].input())
        for case in cases:
            module, shortcut = case.build(block)
            kept = {*module.modules(), *module.parameters(), *map(id, vars(module).values())}
            given = {shortcut, *shortcut.parameters(), id(shortcut)}
            if getattr(module, "downsample", shortcut) is not None or given & kept:
                return RIGHT
    except Exception:
        return RIGHT  # the other probes tell why it does not run
    return "`self.downsample` is None"


def evidence(probe, expected, got) -> str:
    """The first finding in words; for numbers, where they differ."""
    if isinstance(got, dict):
        return tell_steps(probe, expected, got)
    found = got.otherwise if isinstance(got, Fact) else got
    if probe.label.startswith("the class attribute"):
        return f"The class attribute `expansion` should be {expected}: {found}."
    if probe.label.endswith(MISSING) and found != NO_EXPANSION:
        found = "the shapes do not fit, and PyTorch raises an error; your block gives a result"
    return f"{'In your block' if probe.label == NEW else f'With {probe.label}'}: {found}."


def picture(probe, expected, got) -> Callable | None:
    """A function that draws the first channel in which two results of the shape (N, C, H, W) differ; else None."""
    if not (isinstance(expected, dict) and isinstance(got, dict)):
        return None
    _, right, wrong = observing.first_difference(expected, got)
    both = [entry for entry in (right, wrong) if isinstance(entry, torch.Tensor) and entry.dim() == 4]
    if len(both) < 2 or right.shape != wrong.shape:
        return None
    image, channel = (right != wrong).flatten(2).any(2).nonzero()[0].tolist()
    right, wrong = right[image, channel].double(), wrong[image, channel].double()

    def draw():
        from resnet_lib.drawing import draw_images  # here, as matplotlib takes time to import

        largest = (wrong - right).abs().max().item()
        far = "not a number in some pixels" if math.isnan(largest) else f"{largest:.3g} at most"
        alt = (
            f"Three grey images: channel {channel} of image {image}, {right.shape[0]}×{right.shape[1]} pixels, "
            f"as expected, as your code gives it, and the difference, which is {far}."
        )
        images = {"expected": right, "yours": wrong, "difference": wrong - right}
        return draw_images({title: image.numpy() for title, image in images.items()}, alt, 3)

    return draw
