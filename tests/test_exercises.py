"""The checks bite: every known mistake is named by its own id, every right answer passes, and nothing gets through.

The last test prints the table of all that was tried. Answers that are no known mistakes stand in tests/answers: right
ones written in other ways, wrong ones, and broken or hostile ones.
"""

import itertools
import random
import re
import signal
import subprocess
import sys
import time
from dataclasses import replace

import numpy
import pytest
import torch
from answers import BAD, RIGHT, WRONG
from frozen import expected_verdict
from index_mistakes import index_of

import resnet_exercises.checking
from resnet_exercises import EXERCISES, Verdict, check, tensors
from resnet_exercises.checking import check_answer
from resnet_exercises.errors import attempt
from resnet_exercises.exercise import Exercise, load
from resnet_exercises.mistakes import build
from resnet_exercises.observing import ANYTHING, Fact, Probe, same
from resnet_exercises.screening import SCREENED
from resnet_lib import ResidualBasicBlock, ResNetBase

MISTAKES = [(name, mistake) for name in EXERCISES for mistake in load(name).mistakes]
SLOWEST = 30  # times as long as the check of a right network, in processor time: no check takes longer
tally: dict[str, int] = {}
slowest: dict[str, float] = {}


def timed_check(name: str, answer: object) -> Verdict:
    """The verdict, with the processor time of the check noted."""
    start = time.process_time()
    verdict = check(name, answer)
    if "did not end" not in verdict.message:
        slowest[name] = max(slowest.get(name, 0), time.process_time() - start)
    assert isinstance(verdict, Verdict) and verdict.status in (
        "passed",
        "failed",
        "not attempted",
    )
    assert verdict.message and "Traceback" not in verdict.message
    assert "resnet_lib/" not in verdict.message
    assert "has no attribute 'kind'" not in verdict.message  # of ours
    return verdict


def entries(answers: dict[str, dict[str, object]]) -> list:
    """(exercise, description, answer) for each entry, with a readable id."""
    return [
        pytest.param(name, key, answer, id=f"{name}-{key}".replace("::", ":"))
        for name, by_description in answers.items()
        for key, answer in by_description.items()
    ]


def wrong(name: str, id: str) -> object:
    """The wrong answer of a known mistake, built anew: as in a reader's cell."""
    exercise = load(name)
    (mistake,) = [mistake for mistake in exercise.mistakes if mistake.id == id]
    return build(mistake.code, exercise.asked)


def right(name: str) -> object:
    """The solution, built anew."""
    return build(load(name).text, load(name).asked)


@pytest.mark.parametrize("name", EXERCISES)
def test_the_solution_passes(name):
    verdict = timed_check(name, right(name))
    assert (verdict.status, verdict.mistake) == ("passed", None)


@pytest.mark.parametrize(
    ("name", "mistake"), [pytest.param(n, m, id=f"{n}-{m.id}") for n, m in MISTAKES]
)
def test_each_mistake_is_named(name, mistake):
    """It fails, and is recognised as itself and as nothing else."""
    verdict = timed_check(name, wrong(name, mistake.id))
    tally["caught"] = tally.get("caught", 0) + (verdict.status == "failed")
    tally["named"] = tally.get("named", 0) + (verdict.mistake == mistake.id)
    assert (verdict.status, verdict.mistake) == ("failed", mistake.id)
    assert verdict.message.startswith(f"{mistake.says}\n")
    evidence = verdict.message.removeprefix(mistake.says)
    assert not re.search(r"(should be|it is) (True|False)", evidence)  # a sentence, not a flag
    assert "got NoneType" not in evidence and "expected one of" not in evidence
    assert not re.search(r"\b(Noted|LightBlock\d?|WideBlock)\b", evidence)  # names of ours


@pytest.mark.parametrize("name", EXERCISES)
def test_no_two_mistakes_are_the_same(name):
    """Over all probes each differs from each other one and from the solution."""
    exercise = load(name)
    numbers = range(len(exercise.probes))
    signatures = {"the solution": exercise.expected[0]} | {
        mistake.id: [exercise.observed(mistake, number) for number in numbers]
        for mistake in exercise.mistakes
        if mistake.id not in SCREENED
    }
    for (first, one), (second, other) in itertools.combinations(signatures.items(), 2):
        assert not all(map(same, one, other)), (first, second)


@pytest.mark.parametrize("name", EXERCISES)
def test_no_probe_is_blind(name):
    """Each sees some known mistake: one that fails by itself sees the same in every answer."""
    exercise = load(name)
    mistakes = [mistake for mistake in exercise.mistakes if mistake.id not in SCREENED]
    for number, right in enumerate(exercise.expected[0]):
        seen = (exercise.observed(mistake, number) for mistake in mistakes)
        assert not all(same(right, other) for other in seen), exercise.probes[number].label


@pytest.mark.parametrize(
    "seen",
    [
        lambda: 1 / 0,
        lambda: {"the output": attempt(lambda: 1 / 0)},
        lambda: [{"the mode": Fact(False, "it is another one")}],
        lambda: ANYTHING,
    ],
    ids=["raises", "an error inside", "a fact that does not hold", "anything"],
)
def test_a_probe_that_fails_is_no_fault_of_the_answer(seen):
    """It would see the same in an answer and in the solution, so all would pass: it is an error of ours, and loud."""
    exercise = Exercise("output_size", "output_size")
    exercise.__dict__["probes"] = [Probe("a broken probe", lambda answer: seen())]
    with pytest.raises((ZeroDivisionError, RuntimeError)):
        check_answer(exercise, lambda *arguments, **named: 5)


def test_who_only_calls_the_library_is_told_so():
    """The reader's own cell has run, so "run your cell first" would be no help."""

    def output_size(input_size, kernel_size, padding=0, stride=1):
        from resnet_lib import output_size

        return output_size(input_size, kernel_size, padding, stride)

    verdict = check("output_size", output_size)
    assert verdict.status == "not attempted"
    assert "only calls resnet_lib's own `output_size`" in verdict.message


@pytest.mark.parametrize("name", EXERCISES)
def test_the_index_is_that_of_the_mistakes_as_they_are(name):
    """Which probe shows a mistake first, and what it sees. If it is stale: make index."""
    found, known = index_of(load(name)), load(name).index
    assert {id: seen[:2] for id, seen in found.items()} == {
        id: seen[:2] for id, seen in known.items()
    }
    for id, (_, _, number) in found.items():
        assert number == pytest.approx(known[id][2], rel=1e-3), id


def test_what_is_the_librarys_own_is_no_answer():
    """A cell with a syntax error leaves the name that was imported: that is not the reader's work."""
    from torchvision.models.resnet import BasicBlock

    import resnet_lib

    for name, answer in (("basic_block", BasicBlock), ("plain_block", resnet_lib.PlainBlock)):
        verdict = check(name, answer)
        assert (
            verdict.status == "not attempted" and f"own `{answer.__name__}`" in verdict.message
        )
    assert check("receptive_field", resnet_lib.receptive_field).status == "not attempted"


def test_two_mistakes_at_once():
    """Both are told where one more edit fits; else the first one, as: at least."""
    text = load("basic_block").text.replace("out + shortcut)", "out) + shortcut")
    only_strided = "downsample if stride != 1 else None"
    both = text.replace("self.downsample = downsample", f"self.downsample = {only_strided}")
    verdict = check("basic_block", build(both, "BasicBlock"))
    first, second = verdict.message.splitlines()[:2]
    assert verdict.mistake == "relu-before-add" and "ReLU comes before the addition" in first
    assert "downsample is applied only if the stride is not 1" in second

    unknown = text.replace(
        "out) + shortcut", "out) + (shortcut if self.stride < 3 else 2 * shortcut)"
    )
    unknown = unknown.replace(
        "self.downsample =", "self.stride = stride\n        self.downsample ="
    )
    verdict = check("basic_block", build(unknown, "BasicBlock"))
    assert verdict.mistake == "relu-before-add" and verdict.message.startswith("At least: ")


def test_a_slow_machine_changes_no_verdict(monkeypatch):
    """The time that an answer may take follows from what the solution took on the same machine."""
    allowed = []

    def note(seconds):
        allowed.append(seconds)
        return time_limit(seconds)

    time_limit = resnet_exercises.checking.time_limit
    monkeypatch.setattr(resnet_exercises.checking, "time_limit", note)
    exercise = Exercise("resnet", "resnet")
    seen, took = exercise.expected
    exercise.__dict__["expected"] = seen, 10 * took  # a machine of a tenth of the speed
    verdict = check_answer(exercise, right("resnet"))
    assert verdict.status == "passed" and allowed[0] >= 100 * took


def test_a_clock_that_counts_other_work_hides_no_wrong_large_number(monkeypatch):
    """In a page there is no clock for this code alone: what the machine does besides counts too."""
    monkeypatch.setattr(
        "resnet_exercises.calls.processor_time", itertools.count(step=0.001).__next__
    )
    wrong = "def multiply_adds(i, o, k, size):\n    return (i * o * k * k * size * size) & 0x7FFFFFFF"
    assert check("multiply_adds", build(wrong, "multiply_adds")).status == "failed"


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


@pytest.mark.parametrize(("name", "key", "answer"), entries(RIGHT))
def test_right_answers_in_other_forms_pass(name, key, answer):
    verdict = timed_check(name, answer)
    expected = expected_verdict("right", name, key) or ("passed", None)
    assert (verdict.status, verdict.mistake) == expected, verdict.message
    tally["right"] = tally.get("right", 0) + 1


@pytest.mark.parametrize(("name", "key", "answer"), entries(WRONG))
def test_other_wrong_answers_fail(name, key, answer):
    """A pair (answer, id) is also recognised, or with "" taken for no known mistake; as they always were."""
    id = None
    if isinstance(answer, tuple):
        answer, id = answer
    verdict = timed_check(name, answer)
    if expected := expected_verdict("wrong", name, key):
        assert (verdict.status, verdict.mistake) == expected, verdict.message
    else:
        assert verdict.status == "failed" and id in (None, verdict.mistake or "")
    tally["wrong"] = tally.get("wrong", 0) + 1


@pytest.mark.parametrize(
    ("name", "key", "answer"),
    [pytest.param(k[0], "-".join(k[1:]), a, id="-".join(k)) for k, a in BAD.items()],
)
def test_bad_inputs_are_survived(name, key, answer):
    """No exception, no endless loop, no changed state: a verdict that did not pass."""
    verdict = timed_check(name, answer)
    assert verdict.status in ("failed", "not attempted")
    if expected := expected_verdict("bad", name, key):
        assert (verdict.status, verdict.mistake) == expected, verdict.message
    tally["survived"] = tally.get("survived", 0) + 1


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


def test_a_block_class_stays_as_it_is():
    """An answer that sets `expansion` of the block that it is given fails, and leaves the next answer alone."""

    def sets_expansion(block, in_channels, channels, blocks, stride):
        block.expansion = 7
        return right("make_layer")(block, in_channels, channels, blocks, stride)

    class SetsExpansion(ResNetBase):
        def __init__(self, block, layers, num_classes=1000):
            block.expansion = 7
            super().__init__(block, layers, num_classes)

    for name, answer in (("make_layer", sets_expansion), ("resnet", SetsExpansion)):
        verdict = check(name, answer)
        assert (verdict.status, verdict.mistake) == ("failed", None)
        assert "`expansion`" in verdict.message
        assert check(name, right(name)).status == "passed"


class OddError(ResNetBase):
    def __init__(self, block, layers, num_classes=1000):
        raise TypeError("'int' object is not a network")


class OddShortcut(ResidualBasicBlock):
    def forward(self, x):
        return super().forward(x) if self.downsample else list(x.dim)


def odd_error(*arguments):
    raise TypeError("'int' object is not a network")


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
            verdict = check(name, right(name))
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
    """The numbers that weights are filled with are drawn once and kept; here such an answer is the first to need
    them.
    """

    class ChangesDefaults(ResidualBasicBlock):
        def forward(self, x):
            change()
            return super().forward(x)

    check("basic_block", right("basic_block"))
    tensors.numbers_for.cache_clear()  # as after many other shapes
    check("basic_block", ChangesDefaults)
    verdict = check("basic_block", right("basic_block"))
    tensors.numbers_for.cache_clear()
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
        verdict = check("basic_block", right("basic_block"))
    assert verdict.status == "passed", verdict.message


def test_works_under_autocast():
    """Also where an earlier cell computes with bfloat16."""
    with torch.autocast("cpu", dtype=torch.bfloat16):
        for name in EXERCISES:
            verdict = check(name, right(name))
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
    """Ctrl-C while the solution is looked at for the first time: what is remembered is whole all the same."""
    exercise = Exercise("count_parameters", "count_parameters")
    (probe,) = exercise.probes

    def interrupted(answer):
        seen = probe.run(answer)
        if answer is exercise.solution:
            signal.raise_signal(signal.SIGINT)
        return seen

    exercise.probes[0] = replace(probe, run=interrupted)
    before = signal.signal(signal.SIGINT, signal.default_int_handler)  # else it may be ignored
    try:
        verdict = check_answer(exercise, right("count_parameters"))
    finally:
        signal.signal(signal.SIGINT, before)
    assert "interrupted" in verdict.message
    exercise.probes[0] = probe
    verdict = check_answer(exercise, right("count_parameters"))
    assert verdict.status == "passed", verdict.message


def test_what_pytorch_loads_at_its_first_use_takes_no_time_of_an_answer(tmp_path, monkeypatch):
    """A module of an installed package may take as long as it likes; a reader's own helper with an endless loop does
    not.
    """
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

        return right("same_padding")(kernel_size)

    def hangs(kernel_size):
        import never_ends  # noqa: F401

    verdict = check("same_padding", loads)
    assert verdict.status == "passed", verdict.message
    assert "did not end" in check("same_padding", hangs).message


LIGHT = """
import sys
import resnet_exercises, resnet_lib
from resnet_exercises.exercise import load
for name in ("output_size", "same_padding", "stage_sizes", "count_parameters", "multiply_adds", "receptive_field",
             "torchvision_name"):
    assert resnet_exercises.check(name, load(name).solution).status == "passed"
    assert resnet_exercises.check(name, lambda *given, **named: 1.5).status == "failed"
assert resnet_lib.output_size(7, 3) == 5
print(sorted({"torch", "numpy"} & set(sys.modules)))
for name in ("basic_block", "resnet"):
    assert resnet_exercises.check(name, load(name).solution).status == "passed"
print(sorted({"sympy", "torch._dynamo", "torch._inductor"} & set(sys.modules)))
"""


def test_plain_exercises_load_no_pytorch_and_the_others_no_compiler():
    """They also run where there is no PyTorch. PyTorch's compiler is 900 modules, which take seconds."""
    ran = subprocess.run([sys.executable, "-c", LIGHT], capture_output=True, text=True)
    assert (ran.stdout, ran.stderr) == ("[]\n[]\n", "")


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
    assert all(name in str(caught.value) for name in EXERCISES)


def test_a_block_that_differs_is_shown_beside_the_one_that_it_should_be():
    """Not beside another one, which is right: the lists are sorted, and what is wrong may move a whole stage."""
    late = WRONG["resnet"]["in_channels updated last"][0]
    wrong, right = (
        f"in_channels {n}, channels 128, stride 1, shortcut x itself" for n in (128, 256)
    )
    assert f"{wrong}; expected {right}" in check("resnet", late).message


def test_a_verdict_displays_itself():
    """As plain text and as HTML in which nothing of the student's text is taken for markup."""
    verdict = check("basic_block", wrong("basic_block", "no-shortcut"))
    shown = verdict._repr_mimebundle_()
    assert verdict.mistake and verdict.message in shown["text/plain"]
    hostile = Verdict("basic_block", "failed", None, "<script>alert(1)</script>")
    assert "<script>" not in hostile._repr_mimebundle_()["text/html"]


def test_the_table(record_property):
    """What the tests above tried: conftest.py prints it at the end of the run."""
    counts = len(MISTAKES), *(sum(map(len, answers.values())) for answers in (RIGHT, WRONG))
    caught, named, passed, survived = (
        tally.get(k, 0) for k in ("caught", "named", "right", "survived")
    )
    longest = max(slowest, key=slowest.get)
    start = time.process_time()
    for _ in range(3):
        check("resnet", right("resnet"))
    usual = (time.process_time() - start) / 3
    record_property(
        "table",
        f"misconceptions        {counts[0]:4}   caught   {caught:4}   named {named:4}\n"
        f"right, in other forms {counts[1]:4}   passed   {passed:4}\n"
        f"wrong, not foreseen   {counts[2]:4}   caught   {tally.get('wrong', 0):4}\n"
        f"bad inputs            {len(BAD):4}   survived {survived:4}\n"
        f"slowest check         {slowest[longest]:.2f} s of processor time ({longest}); "
        f"that of a right network {usual:.2f} s",
    )
    assert (caught, named, passed, survived) == (counts[0], counts[0], counts[1], len(BAD))
    assert slowest[longest] < SLOWEST * usual


@pytest.mark.parametrize(
    ("id", "loses"),
    [
        ("downsample-lost", "`self.downsample` is None"),
        ("no-expansion", "attribute `expansion`"),
    ],
)
def test_messages_say_what_is_there(id, loses):
    verdict = check("basic_block", wrong("basic_block", id))
    assert verdict.mistake == id and loses in verdict.message


class LocalConv(torch.nn.Module):
    """A layer in a local name, and forward asks self for it."""

    expansion = 1

    def __init__(self, in_channels, channels, stride=1, downsample=None):
        super().__init__()
        conv1 = torch.nn.Conv2d(in_channels, channels, 3, stride, 1)  # noqa: F841

    def forward(self, x):
        return self.conv1(x)


class AsksForMore(ResNetBase):
    def forward(self, x):
        return super().forward(self.drop(x))


def test_an_error_says_what_is_forgotten():
    """`self.`, where the layer is made in a name of `__init__`; the brackets of a class that stands for a layer."""
    hint = "Is `self.` missing where conv1 is made in `__init__`?"
    assert check("basic_block", LocalConv).message.endswith(hint)
    assert "Is `self.` missing" not in check("resnet", AsksForMore).message

    def without_brackets(block, in_channels, channels, blocks, stride):
        return torch.nn.Sequential(torch.nn.ReLU)

    assert "brackets are missing, as in `nn.ReLU()`" in (
        check("make_layer", without_brackets).message
    )


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
        "○ basic_block (Stub): not attempted. `forward` is still empty."
    )
    assert str(check("basic_block", Begun)) == (
        "○ basic_block (Begun): not attempted. `__init__` is there; now write `forward`."
    )


def test_a_verdict_on_too_many_blocks_needs_no_clock():
    """A network with channels and blocks exchanged is stopped by the number of its blocks, not by the time."""
    answer = WRONG["resnet"]["channels and blocks exchanged"]
    assert "more than 120 blocks" in check("resnet", answer).message
