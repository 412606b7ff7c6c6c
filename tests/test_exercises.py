"""The checks bite: every misconception is named by its own id, every right answer passes, and nothing gets through.

The last test prints the table of all that was tried. Answers that are no copies of a registered misconception stand in
tests/answers: right ones written in other ways, wrong ones, and broken or hostile ones.
"""

import copy
import dataclasses
import functools
import itertools
import random
import re
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import nbformat
import numpy
import pytest
import torch
from answers import BAD, RIGHT, WRONG

from resnet_lib import ResidualBasicBlock, ResidualBottleNeck, ResNetBase, exercises
from resnet_lib.exercises import (
    EXERCISES,
    Verdict,
    check,
    checking,
    conformance_card,
    network,
    probing,
    progress,
)
from resnet_lib.exercises.checking import gist, near
from resnet_lib.exercises.first_shown import SHOWN
from resnet_lib.exercises.probing import observe, same

NAMES = [
    "output_size",
    "same_padding",
    "stage_sizes",
    "count_parameters",
    "multiply_adds",
    "receptive_field",
    "basic_block",
    "bottleneck",
    "plain_block",
    "make_identity",
    "make_layer",
    "resnet",
    "torchvision_name",
    "fold_batchnorm",
    "branch_ratio",
]
MISTAKES = [(name, mistake) for name in NAMES for mistake in EXERCISES[name].mistakes]
SLOWEST = 6  # times as long as the check of a right network, in processor time: how long a check may take at most
checking.NAMING_SECONDS = 60  # so that no name depends on how fast the machine is
tally: dict[str, int] = {}
slowest: dict[str, float] = {}


def timed_check(name: str, answer: object) -> Verdict:
    """The verdict, with the processor time of the check noted."""
    start = time.process_time()
    verdict = check(name, answer)
    slowest[name] = max(slowest.get(name, 0), time.process_time() - start)
    assert isinstance(verdict, Verdict) and verdict.status in (
        "passed",
        "failed",
        "not attempted",
    )
    assert verdict.message and "Traceback" not in verdict.message
    assert "resnet_lib/" not in verdict.message
    return verdict


def entries(answers: dict[str, dict[str, object]]) -> list:
    """(exercise, answer) for each entry, with a readable id."""
    return [
        pytest.param(name, answer, id=f"{name}-{description}".replace("::", ":"))
        for name, by_description in answers.items()
        for description, answer in by_description.items()
    ]


def test_the_exercises_are_those_of_the_contract():
    assert sorted(EXERCISES) == sorted(NAMES)


@pytest.mark.parametrize("name", NAMES)
def test_the_reference_passes(name):
    verdict = timed_check(name, EXERCISES[name].reference)
    assert (verdict.status, verdict.mistake) == ("passed", None)


@pytest.mark.parametrize(
    ("name", "mistake"), [pytest.param(n, m, id=f"{n}-{m.id}") for n, m in MISTAKES]
)
def test_each_misconception_is_named(name, mistake):
    """It fails, and is recognised as itself and as nothing else."""
    verdict = timed_check(name, mistake.answer)
    tally["caught"] = tally.get("caught", 0) + (verdict.status == "failed")
    tally["named"] = tally.get("named", 0) + (verdict.mistake == mistake.id)
    assert (verdict.status, verdict.mistake) == ("failed", mistake.id)
    assert mistake.message in verdict.message
    evidence = verdict.message.removeprefix(mistake.message)
    assert not re.search(r"(should be|it is) (True|False)", evidence)  # a sentence, not a flag
    assert "got NoneType" not in evidence and "expected one of" not in evidence


@pytest.mark.parametrize("name", NAMES)
def test_no_two_misconceptions_are_the_same(name):
    """Over all probes each differs from each other one and from the reference; ids are unique and readable."""
    exercise = EXERCISES[name]
    ids = [mistake.id for mistake in exercise.mistakes]
    assert [one for one in ids if ids.count(one) > 1] == [], "ids that stand twice"
    assert all(id == id.lower() and " " not in id for id in ids)
    seen = {"the reference": exercise.reference} | {m.id: m.answer for m in exercise.mistakes}
    signatures = {
        id: [exercise.observed(answer, probe) for probe in exercise.probes]
        for id, answer in seen.items()
    }
    for (first, one), (second, other) in itertools.combinations(signatures.items(), 2):
        assert not all(map(same, one, other)), (first, second)


@pytest.mark.parametrize("name", SHOWN)
def test_it_is_known_which_probe_shows_a_mistake_first(name):
    """The list that saves time is that of the probes as they are. If not: python scripts/write_first_shown.py."""
    exercise = EXERCISES[name]
    found: list[list[str]] = [[] for _ in exercise.probes]
    gists = {id: seen for by_id in SHOWN[name] for id, seen in by_id.items()}
    for mistake in exercise.mistakes:
        number, right, got = next(
            (number, right, got)
            for number, probe in enumerate(exercise.probes)
            if not same(
                got := exercise.observed(mistake.answer, probe),
                right := exercise.observed(exercise.reference, probe),
            )
        )
        found[number].append(mistake.id)
        assert near(gists.get(mistake.id), gist(right, got)), mistake.id
    assert [list(by_id) for by_id in SHOWN[name]] == found


def test_an_answer_that_nobody_can_name_in_time_still_fails(monkeypatch):
    """When the time for naming is over, the verdict has the probe that shows the mistake, and no name."""
    monkeypatch.setattr(checking, "NAMING_SECONDS", -1)
    verdict = check("basic_block", EXERCISES["basic_block"].known("no-last-relu").answer)
    assert (verdict.status, verdict.mistake) == ("failed", None)
    assert "expected" in verdict.message


def test_an_error_that_is_not_raised_is_told():
    """A `raise` that was forgotten: alone it is a stub, in a wrong answer the verdict says so."""

    def stub(block, in_channels, channels, blocks, stride):
        NotImplementedError

    def wrong(block, in_channels, channels, blocks, stride):
        if blocks < 1:
            ValueError(f"no stage has {blocks} blocks")
        return torch.nn.Sequential()

    def caught(block, in_channels, channels, blocks, stride):
        try:
            return torch.nn.Sequential(block)
        except (ValueError, TypeError):
            return torch.nn.Sequential()

    assert check("make_layer", stub).status == "not attempted"
    assert "`ValueError` stands there without `raise`" in check("make_layer", wrong).message
    assert "without `raise`" not in check("make_layer", caught).message


def test_there_are_enough_misconceptions():
    assert len(MISTAKES) >= 75


@pytest.mark.parametrize(("name", "answer"), entries(RIGHT))
def test_right_answers_in_other_forms_pass(name, answer):
    verdict = timed_check(name, answer)
    tally["right"] = tally.get("right", 0) + (verdict.status == "passed")
    assert verdict.status == "passed", verdict.message


@pytest.mark.parametrize(("name", "answer"), entries(WRONG))
def test_other_wrong_answers_fail(name, answer):
    """A pair (answer, id) must also be recognised, or with "" taken for no known mistake; the others fail with the probe
    that shows it.
    """
    expected = None
    if isinstance(answer, tuple):
        answer, expected = answer
    verdict = timed_check(name, answer)
    tally["wrong"] = tally.get("wrong", 0) + (verdict.status == "failed")
    assert verdict.status == "failed"
    if expected is not None:
        assert (verdict.mistake or "") == expected, verdict.message


@pytest.mark.parametrize(
    ("key", "answer"), [pytest.param(k, a, id="-".join(k)) for k, a in BAD.items()]
)
def test_bad_inputs_are_survived(key, answer):
    """No exception, no endless loop, no changed state: a verdict that did not pass."""
    verdict = timed_check(key[0], answer)
    tally["survived"] = tally.get("survived", 0) + 1
    assert verdict.status in ("failed", "not attempted")


class Restless(torch.nn.Module):
    """Changes all global state it can reach."""

    expansion = 1

    def __init__(self, *arguments, **named):
        super().__init__()
        torch.manual_seed(99)
        random.seed(99)
        numpy.random.seed(99)
        torch.set_grad_enabled(False)
        torch.set_default_dtype(torch.float64)
        self.conv = torch.nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, x):
        print("noise")
        return self.conv(x)


@pytest.mark.parametrize("grad", [True, False])
def test_a_check_leaves_no_trace(grad, capsys):
    """Seeds, grad mode, dtype and threads are as before, and nothing is printed, whatever the answer does."""
    torch.manual_seed(1)
    random.seed(1)
    numpy.random.seed(1)
    before = torch.get_rng_state(), random.getstate(), numpy.random.get_state()[1].tolist()
    threads = torch.get_num_threads()
    with torch.set_grad_enabled(grad):
        for name, answer in (("basic_block", Restless), ("output_size", lambda *a: print(1))):
            check(name, answer)
            assert torch.is_grad_enabled() == grad
    assert torch.equal(torch.get_rng_state(), before[0])
    assert random.getstate() == before[1]
    assert numpy.random.get_state()[1].tolist() == before[2]
    assert torch.get_default_dtype() is torch.float32
    assert torch.get_num_threads() == threads
    assert capsys.readouterr() == ("", "")


@pytest.mark.parametrize("name", ["stage_sizes", "receptive_field"])
def test_a_mistake_looks_the_same_whichever_probe_comes_first(name):
    """Mistakes that keep something between calls: else their names would depend on what was checked before."""
    exercise = EXERCISES[name]
    for mistake in exercise.mistakes:
        for probe in exercise.probes:
            function = mistake.answer
            fresh = types.FunctionType(
                function.__code__,
                function.__globals__,
                argdefs=copy.deepcopy(function.__defaults__),
                closure=function.__closure__,
            )
            alone, after = observe(probe, fresh), exercise.observed(function, probe)
            assert same(alone, after), (mistake.id, probe.label)


def test_a_block_class_stays_as_it_is():
    """An answer that sets `expansion` of the block that it is given fails, and leaves the next answer alone."""

    def sets_expansion(block, in_channels, channels, blocks, stride):
        block.expansion = 7
        return EXERCISES["make_layer"].reference(block, in_channels, channels, blocks, stride)

    class SetsExpansion(ResNetBase):
        def __init__(self, block, layers, num_classes=1000):
            block.expansion = 7
            super().__init__(block, layers, num_classes)

    for name, answer in (("make_layer", sets_expansion), ("resnet", SetsExpansion)):
        verdict = check(name, answer)
        assert (verdict.status, verdict.mistake) == ("failed", None)
        assert "`expansion`" in verdict.message
        right = EXERCISES[name].reference
        assert (
            check(name, type("Right", (right,), {}) if name == "resnet" else right).status
            == "passed"
        )


class OddError(ResNetBase):
    def __init__(self, block, layers, num_classes=1000):
        raise TypeError("'int' object is not iterable")


class OddShortcut(ResidualBasicBlock):
    def forward(self, x):
        return super().forward(x) if self.downsample else list(x.dim)


def odd_error(*arguments):
    raise TypeError("'int' object is not iterable")


def odd_operation(*arguments):
    raise RuntimeError("something else went wrong")


@pytest.mark.parametrize(
    ("name", "answer"),
    [
        ("resnet", OddError),
        ("basic_block", OddShortcut),
        ("make_layer", odd_error),
        ("make_identity", odd_error),
        ("make_identity", odd_operation),
    ],
)
def test_an_error_of_the_same_type_is_not_the_same_mistake(name, answer):
    verdict = check(name, answer)
    assert (verdict.status, verdict.mistake) == ("failed", None)


def test_another_default_device_changes_no_verdict():
    """As in a notebook that begins with torch.set_default_device("cuda"); an answer may set it as well."""

    class SetsDevice(ResidualBasicBlock):
        def __init__(self, *arguments, **named):
            torch.set_default_device("meta")
            super().__init__(*arguments, **named)

    assert check("basic_block", SetsDevice).mistake is None
    assert torch.get_default_device() == torch.device("cpu")
    try:
        torch.set_default_device("meta")
        for name in ("basic_block", "resnet", "fold_batchnorm"):
            verdict = check(name, EXERCISES[name].reference)
            assert verdict.status == "passed", (name, verdict.message)
            assert torch.get_default_device() == torch.device("meta")
    finally:
        torch.set_default_device(None)


@pytest.mark.parametrize(
    "change",
    [
        lambda: torch.set_default_dtype(torch.float64),
        lambda: torch.set_default_device("meta"),
    ],
    ids=["dtype", "device"],
)
def test_defaults_that_forward_changes_leave_nothing_for_the_next_check(change):
    """The numbers that weights are filled with are drawn once and kept; here such an answer is the first to need them."""

    class ChangesDefaults(ResidualBasicBlock):
        def forward(self, x):
            change()
            return super().forward(x)

    check("basic_block", EXERCISES["basic_block"].reference)
    probing._numbers_for.cache_clear()  # as after many other shapes
    check("basic_block", ChangesDefaults)
    verdict = check("basic_block", EXERCISES["basic_block"].reference)
    probing._numbers_for.cache_clear()
    assert verdict.status == "passed", verdict.message


def _double(*given):
    return given[-1] * 2


@pytest.mark.parametrize(
    "change",
    [
        lambda: setattr(torch.nn.functional, "relu", _double),
        lambda: setattr(torch.nn.BatchNorm2d, "forward", _double),
        lambda: torch.nn.modules.module.register_module_forward_hook(_double),
        lambda: setattr(ResidualBasicBlock, "forward", _double),
    ],
    ids=["function", "layer", "hook", "the library's class"],
)
def test_what_forward_patches_is_put_back(change):
    """Also the mistakes that such an answer is compared with, which are looked at once, compute as ever."""

    class Patches(ResidualBasicBlock):
        def forward(self, x):
            change()
            return super().forward(x)

    check("basic_block", Patches)
    for mistake in EXERCISES["basic_block"].mistakes[:20]:
        assert check("basic_block", mistake.answer).mistake == mistake.id
    for name in ("basic_block", "branch_ratio"):
        verdict = check(name, EXERCISES[name].reference)
        assert verdict.status == "passed", verdict.message


def test_weights_of_a_class_stay():
    """Layers that belong to the class, which all instances share, keep their weights."""

    class Shared(torch.nn.Module):
        expansion = 1
        conv = torch.nn.Conv2d(4, 4, 3, padding=1)

        def __init__(self, *arguments):
            super().__init__()

        def forward(self, x):
            return Shared.conv(x)

    before = Shared.conv.weight.clone()
    assert check("basic_block", Shared).status == "failed"
    assert torch.equal(Shared.conv.weight, before)


def test_works_without_gradients_and_in_inference_mode():
    with torch.inference_mode():
        verdict = check("basic_block", EXERCISES["basic_block"].reference)
    assert verdict.status == "passed", verdict.message


def test_works_under_autocast():
    """Also where an earlier cell computes with bfloat16."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for name in NAMES:
            verdict = check(name, EXERCISES[name].reference)
            assert verdict.status == "passed", (name, verdict.message)


def test_a_readers_own_timer_goes_on():
    """And the settings for reproducible results that an answer's forward switches on do not."""

    class Settings(ResidualBasicBlock):
        def forward(self, x):
            torch.use_deterministic_algorithms(True)
            torch.autograd.set_detect_anomaly(True)
            return super().forward(x)

    before = signal.signal(signal.SIGALRM, lambda *given: None)
    try:
        signal.setitimer(signal.ITIMER_REAL, 1000, 7)
        assert check("basic_block", Settings).status == "passed"
        left, interval = signal.getitimer(signal.ITIMER_REAL)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
    assert left > 900 and interval == 7
    assert not torch.are_deterministic_algorithms_enabled()
    assert not torch.is_anomaly_enabled()


def test_a_mode_that_an_answer_leaves_on_ends():
    """As torch.device does where it is entered and never left; each later operation would go through it."""

    def enters(in_channels, out_channels, kernel_size, bias):
        torch.device("meta").__enter__()
        return in_channels * out_channels * kernel_size**2 + bias * out_channels

    check("count_parameters", enters)
    assert torch._C._len_torch_function_stack() == 0
    assert torch.ones(1).device == torch.device("cpu")


def test_an_interrupt_spoils_no_later_check():
    """Ctrl-C while the reference is looked at for the first time: what is remembered is whole all the same."""
    exercise = copy.deepcopy(EXERCISES["count_parameters"])
    first = exercise.probes[0]

    def interrupted(answer):
        seen = first.run(answer)
        if answer is exercise.reference:
            signal.raise_signal(signal.SIGINT)
        return seen

    exercise.probes[0] = dataclasses.replace(first, run=interrupted)
    exercise.reference = lambda *given: EXERCISES["count_parameters"].reference(*given)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else it may be ignored
    try:
        verdict = checking.check_answer(exercise, EXERCISES["count_parameters"].reference)
    finally:
        signal.signal(signal.SIGINT, before)
    assert "interrupted" in verdict.message
    exercise.probes[0] = first
    verdict = checking.check_answer(exercise, EXERCISES["count_parameters"].reference)
    assert verdict.status == "passed", verdict.message


def test_what_pytorch_loads_at_its_first_use_takes_no_time_of_an_answer(tmp_path, monkeypatch):
    """A module of an installed package may take as long as it likes; a reader's own helper with an endless loop does not."""
    packages = tmp_path / "site-packages"
    packages.mkdir()
    busy = (
        "import time\nend = time.process_time() + {}\nwhile time.process_time() < end: pass\n"
    )
    (packages / "loads_slowly.py").write_text(busy.format(0.9))
    (tmp_path / "never_ends.py").write_text(busy.format(float("1e9")))
    monkeypatch.syspath_prepend(packages)
    monkeypatch.syspath_prepend(tmp_path)

    def loads(kernel_size):
        import loads_slowly  # noqa: F401

        return EXERCISES["same_padding"].reference(kernel_size)

    def hangs(kernel_size):
        import never_ends  # noqa: F401

    verdict = check("same_padding", loads)
    assert verdict.status == "passed", verdict.message
    assert "had not finished" in check("same_padding", hangs).message


LIGHT = """
import sys, torch, resnet_lib
before = set(sys.modules)
from resnet_lib.exercises import EXERCISES, check
for name in ("output_size", "same_padding", "stage_sizes", "count_parameters", "receptive_field"):
    assert check(name, EXERCISES[name].reference).status == "passed"
    assert check(name, lambda *given, **named: 1.5).status == "failed"
resnet_lib.trace(resnet_lib.resnet18(), (1, 3, 224, 224))
print(*sorted({"sympy", "torch._dynamo", "torch._inductor"} & (set(sys.modules) - before)))
"""


def test_importing_the_exercises_loads_no_compiler():
    """Nor does a check of plain numbers, or a trace: PyTorch's compiler is 900 modules, which take seconds."""
    ran = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("\n", "")


def test_numbers_of_an_answer_decide_no_tolerance():
    """NaN, infinity and what is huge: they are different from a right number, and let no other number be wrong."""
    nan, inf = float("nan"), float("inf")
    for right, wrong in (
        ([1, 1], [nan, 1]),
        ([1, 1], [1, inf]),
        ([1, 1], [1e30, 2]),
        ([nan, 1], [nan, 2]),
        ([inf, 1], [inf, 2]),
        ([nan, 1], [inf, 1]),
    ):
        right, wrong = torch.tensor(right), torch.tensor(wrong)
        assert same(right, right.clone()) and same(wrong, wrong.clone())
        assert not same(right, wrong) and not same(wrong, right)

    class GivesNaN(ResNetBase):
        def forward(self, x):
            return super().forward(x) * nan

    assert "got nan" in check("resnet", GivesNaN).message


def test_half_a_character_can_be_shown():
    def raises(kernel_size):
        raise RuntimeError("\ud800")

    shown = check("same_padding", raises)._repr_mimebundle_()
    assert "RuntimeError" in shown["text/html"].encode("utf8").decode("utf8")


def test_an_unknown_name_lists_the_names():
    with pytest.raises(KeyError) as caught:
        check("basicblock", None)
    assert all(name in str(caught.value) for name in NAMES)


@pytest.fixture
def new_session(monkeypatch):
    """A session in which nothing has been checked yet."""
    monkeypatch.setattr(exercises, "_best", {})


def test_progress_tells_what_is_passed(capsys, new_session):
    check("same_padding", EXERCISES["same_padding"].reference)
    check("output_size", None)
    progress()
    lines = capsys.readouterr().out.splitlines()
    assert any("✔ same_padding" in line for line in lines)
    assert any("○ output_size" in line for line in lines)


def test_progress_keeps_what_was_passed(capsys, new_session):
    """A wrong answer that is tried later, as in the bug clinic, takes nothing away."""
    check("same_padding", EXERCISES["same_padding"].reference)
    assert check("same_padding", lambda kernel_size: kernel_size).status == "failed"
    progress()
    assert "✔ same_padding" in capsys.readouterr().out


def test_a_block_that_differs_is_shown_beside_the_one_that_it_should_be():
    """Not beside another one, which is right: the lists are sorted, and what is wrong may move a whole stage."""
    late = WRONG["resnet"]["in_channels updated last"][0]
    assert "(128, 128, 1, 'identity'); expected (256, 128, 1, 'identity')" in (
        check("resnet", late).message
    )


def test_a_verdict_displays_itself():
    """As plain text and as HTML in which nothing of the student's text is taken for markup."""
    verdict = check("basic_block", EXERCISES["basic_block"].mistakes[0].answer)
    shown = verdict._repr_mimebundle_()
    assert verdict.mistake and verdict.message in shown["text/plain"]
    hostile = Verdict("basic_block", "failed", None, "<script>alert(1)</script>")
    assert "<script>" not in hostile._repr_mimebundle_()["text/html"]


def test_the_table(record_property):
    """What the tests above tried: conftest.py prints it at the end of the run."""
    mistakes, right, wrong = (
        len(MISTAKES),
        sum(map(len, RIGHT.values())),
        sum(map(len, WRONG.values())),
    )
    caught, named, passed, survived = (
        tally.get(k, 0) for k in ("caught", "named", "right", "survived")
    )
    longest = max(slowest, key=slowest.get)
    start = time.process_time()
    for _ in range(3):
        check("resnet", EXERCISES["resnet"].reference)
    usual = (time.process_time() - start) / 3
    record_property(
        "table",
        f"misconceptions        {mistakes:4}   caught   {caught:4}   named {named:4}\n"
        f"right, in other forms {right:4}   passed   {passed:4}\n"
        f"wrong, not foreseen   {wrong:4}   caught   {tally.get('wrong', 0):4}\n"
        f"bad inputs            {len(BAD):4}   survived {survived:4}\n"
        f"slowest check         {slowest[longest]:.2f} s of processor time ({longest}); "
        f"that of a right network {usual:.2f} s",
    )
    assert right >= 25 and len(BAD) >= 30
    assert (caught, named, passed, survived) == (mistakes, mistakes, right, len(BAD))
    assert slowest[longest] < SLOWEST * usual


BROKEN_IN_THE_CLINIC = {
    "1": "branch-added-to-itself",
    "2": "conv2-takes-x",
    "3": "stride-on-conv2",
    "4": "relu-before-and-after-add",
    "5": "stem-without-relu",
    "6": "later-blocks-share-weights",
    "7": "stride-only-in-layer1",
    "8": "projection-without-batchnorm",
}


def test_the_networks_of_the_bug_clinic_are_broken_as_said():
    """Each broken network of the notebook is recognised as the misconception that its diagnosis describes."""
    notebook = nbformat.read(
        Path(__file__).parent.parent / "book" / "bug-clinic.ipynb", as_version=4
    )
    codes = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    checks = re.findall(r'check\("(\w+)", [Mm]ended(\d)\)', "\n".join(codes))
    names = {number: name for name, number in checks}
    cells: dict = {}
    exec(codes[1], cells)  # the imports
    for code in codes:
        if re.match(r"(class Case|def case)\d", code):
            exec(code, cells)
    broken = {key[-1]: value for key, value in cells.items() if re.fullmatch(r"[Cc]ase\d", key)}
    found = {number: check(names[number], answer).mistake for number, answer in broken.items()}
    assert found == BROKEN_IN_THE_CLINIC


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
    work = network._count(4_000, 1_000, network.MUCH_WORK)
    assert "max-pool" in work.reason
    row = network._row(18, lambda: WithoutMaxPool(ResidualBasicBlock, [2, 2, 2, 2]))
    assert row[1].reason == network.MUCH_WORK
    pairs = [("layer2.0.shortcut.0.weight", "layer2.0.downsample.0.weight")]
    assert network._renamed(pairs * 2) == "rename `shortcut` to `downsample`"


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
    """Padding as in TensorFlow, which is right for odd sizes, and another eps in the stem, which hardly shows in small numbers."""
    for key in ("padding as TensorFlow has it", "eps of all batch norms"):
        wrong = WRONG["resnet"][key][0]
        row = network._row(50, functools.partial(wrong, ResidualBottleNeck, [3, 4, 6, 3]))
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

    for wrong, said in ((StemWithGELU, "other logits"), (Squeezed, "shape is (1000,)")):
        row = network._row(18, functools.partial(wrong, ResidualBasicBlock, [2, 2, 2, 2]))
        assert row[2].right and row[3].right is False and said in row[3].reason


def test_the_card_says_that_blocks_are_shared():
    """All names are there and take weights, so the loading alone would look right."""
    row = network._row(34, functools.partial(SharedBlocks, ResidualBasicBlock, [3, 4, 6, 3]))
    assert (
        "`layer1.2.conv1.weight` first" in row[2].reason and "[block(…)] * n" in row[2].reason
    )
    assert [entry.right for entry in row] == [False, None, False, None]


def test_the_card_says_what_is_left_over():
    biased = WRONG["resnet"]["a bias in conv1"][0]
    row = network._row(18, lambda: biased(ResidualBasicBlock, [2, 2, 2, 2]))
    assert str(row[2]) == "122 of 122 by name, 1 left over ✘"


def test_the_card_names_what_blocks_the_loading_and_says_it_once(monkeypatch):
    """Two names that must change, and not the book's batchnorm1; a stage that is too short, by its name."""
    monkeypatch.setattr(network, "FIVE", {depth: network.FIVE[depth] for depth in (18, 34, 50)})
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


@pytest.mark.parametrize(
    ("id", "loses"),
    [("downsample-lost", "self.downsample is None"), ("no-expansion", "attribute `expansion`")],
)
def test_messages_say_what_is_there(id, loses):
    verdict = check("basic_block", EXERCISES["basic_block"].known(id).answer)
    assert verdict.mistake == id and loses in verdict.message


def test_only_init_written():
    """Layers that are there are told from the stub of the notebooks, whose verdict stays as it is."""

    class Begun(torch.nn.Module):
        expansion = 1

        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__()
            self.conv1 = torch.nn.Conv2d(in_channels, channels, 3, stride, 1, bias=False)

        def forward(self, x):
            raise NotImplementedError

    class Stub(torch.nn.Module):
        expansion = 1

        def __init__(self, in_channels, channels, stride=1, downsample=None):
            super().__init__()
            raise NotImplementedError

        def forward(self, x):
            raise NotImplementedError

    assert str(check("basic_block", Stub)) == (
        "○ basic_block: not attempted. `forward` is still empty."
    )
    assert str(check("basic_block", Begun)) == (
        "○ basic_block: not attempted. `__init__` is there; now write `forward`."
    )


def test_a_verdict_on_too_many_blocks_needs_no_clock():
    """A network with channels and blocks exchanged is stopped by the number of its blocks, not by the time."""
    answer = WRONG["resnet"]["channels and blocks exchanged"]
    assert "more than 120 blocks" in check("resnet", answer).message


def test_the_card_says_what_a_convolution_for_a_linear_layer_lacks():
    """A classifier as a 1×1 convolution passes the check, and the card says why it takes no weights by name."""
    answer = RIGHT["resnet"]["the classifier as a 1×1 convolution"]
    plan = ResidualBasicBlock, [1, 1, 1, 1], 10
    entry = network._load(answer(*plan), ResNetBase(*plan).state_dict())
    assert entry.right is False and "`fc.weight` is (10, 512, 1, 1)" in entry.reason
    assert "a 1×1 convolution and nn.Linear do the same" in entry.reason
