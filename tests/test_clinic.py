"""The bug clinic: each case shows its symptom, the solution in the notebook takes it away, and the check says which is
which.
"""

import copy
import re
import sys
from collections.abc import Callable
from pathlib import Path

import nbformat
import pytest
import torch
from solutions import kind_of, solution_of
from torch import nn
from torch.nn import functional as F

from resnet_exercises import CASES, check
from resnet_exercises.clinic import TROUBLE
from resnet_lib import (
    ResidualBasicBlock,
    ResidualBottleNeck,
    accuracy,
    clinic,
    count_multiply_adds,
    load_digits,
)
from resnet_lib.degradation import digits_net

BOOK = Path(__file__).resolve().parent.parent / "book"
CELLS = nbformat.read(BOOK / "bug-clinic.ipynb", as_version=4).cells
CHECKS = {
    number: name
    for cell in CELLS
    for name, number in re.findall(r'check\("(\w+)", [Ff]ixed(\d)\)', cell.source)
}
NUMBERS = [str(number) for number in range(1, 9)]
RESNET_18, RESNET_50 = (ResidualBasicBlock, [2, 2, 2, 2]), (ResidualBottleNeck, [3, 4, 6, 3])
IMAGES = torch.zeros(1, 3, 64, 64)

MISTAKES = {
    "1": "no-projection-in-layer1",
    "2": "in-channels-without-expansion",
    "3": "in-channels-not-updated",
    "4": "branch-added-to-itself",
    "5": "stride-only-in-layer1",
}


def broken(number: str) -> Callable:
    """A case as a reader would have written it: what is the library's own is no answer to an exercise."""
    space = {"__name__": "__main__"}
    exec(Path(clinic.__file__).read_text(encoding="utf-8"), space)
    return space.get(f"Case{number}") or space[f"case{number}"]


def fixed(number: str) -> Callable:
    """The solution of a case, from the help cell of the notebook."""
    space = {}
    exec(next(cell.source for cell in CELLS if cell.source.startswith("import copy")), space)
    helps = [cell for cell in CELLS if kind_of(cell) == "exercise-solution"]
    exec(solution_of(helps[int(number) - 1]), space)
    return space.get(f"Fixed{number}") or space[f"fixed{number}"]


@pytest.fixture(scope="module")
def digits():
    return load_digits()


@pytest.fixture(scope="module")
def trained(digits):
    """A network that names nearly all digits, in train mode, as training has left it."""
    model = digits_net("residual", 8)
    batches = list(digits.loader(seed=0)) * 5
    clinic.training_losses(model, batches, learning_rate=0.2)
    return model


def stops(plan: tuple) -> Callable:
    return lambda case, *_: clinic.outcome(case(*plan).eval(), IMAGES).startswith("stops")


def hardly_learns(case, digits, _) -> bool:
    batches = list(digits.loader(seed=0)) * 2
    return clinic.training_losses(clinic.stack(case), batches)[-1] > 1.5


def gets_stuck(case, digits, _) -> bool:
    """The loss stays high although nearly all answers are right."""
    model, batches = digits_net("residual", 8), list(digits.loader(seed=0)) * 5
    losses = clinic.training_losses(model, batches, case, learning_rate=0.2)
    assert accuracy(model, digits.test_images, digits.test_labels) > 0.9
    return min(losses) > 1.4


def better_in_company(case, digits, trained) -> bool:
    alone, together = (clinic.right_in_batches(case, trained, digits, n) for n in (1, 8))
    return together > alone + 0.1


def forgets(case, digits, trained) -> bool:
    rights = clinic.right_while_tuned(case, trained, digits)
    return rights[-1] < rights[0] - 0.2


SYMPTOMS = {
    "1": stops(RESNET_50),
    "2": stops(RESNET_50),
    "3": stops(RESNET_18),
    "4": hardly_learns,
    "5": lambda case, *_: count_multiply_adds(case(*RESNET_18)) > 4e9,
    "6": gets_stuck,
    "7": better_in_company,
    "8": forgets,
}


@pytest.mark.parametrize("number", NUMBERS)
def test_the_symptom_is_there_with_the_broken_code_and_gone_with_the_solution(
    number, digits, trained
):
    shows = SYMPTOMS[number]
    assert shows(broken(number), digits, trained)
    assert not shows(fixed(number), digits, trained)


@pytest.mark.parametrize("number", "12")
def test_only_bottlenecks_show_it(number):
    assert not stops(RESNET_18)(broken(number))


@pytest.mark.parametrize("number", NUMBERS)
def test_the_check_tells_the_broken_code_from_the_solution(number):
    """And knows the mistake of what is built wrong: it is the one that the diagnosis describes."""
    verdict = check(CHECKS[number], broken(number))
    assert (verdict.status, verdict.mistake) == ("failed", MISTAKES.get(number))
    assert check(CHECKS[number], fixed(number)).status == "passed"
    assert (number in MISTAKES) == (CHECKS[number] not in CASES)


def loss_of_probabilities(model, images, labels):
    return -model(images).softmax(1)[range(len(labels)), labels].log().mean()


def loss_of_log_softmax(model, images, labels):
    return nn.CrossEntropyLoss()(model(images).log_softmax(1), labels)


def predict_and_go_back(model, images):
    mode = model.training
    classes = model.eval()(images).argmax(1)
    model.train(mode)
    return classes


def freeze_one_by_one(model):
    for name, weight in model.named_parameters():
        weight.requires_grad = name.startswith("fc.")
    model.train()
    for layer in model.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.eval()


@pytest.mark.parametrize(
    ("name", "fix"),
    [
        ("training_loss", loss_of_probabilities),
        ("training_loss", loss_of_log_softmax),
        ("predict", predict_and_go_back),
        ("freeze", freeze_one_by_one),
    ],
)
def test_fixes_in_other_forms_pass(name, fix):
    verdict = check(name, fix)
    assert verdict.status == "passed", verdict.message


def detached(model, images, labels):
    return F.cross_entropy(model(images).detach(), labels)


def summed(model, images, labels):
    return F.cross_entropy(model(images), labels, reduction="sum")


def not_reduced(model, images, labels):
    return F.cross_entropy(model(images), labels, reduction="none")


def eval_after(model, images):
    classes = model(images).argmax(1)
    model.eval()
    return classes


def eval_only_for_one(model, images):
    return model.train(len(images) > 1)(images).argmax(1)


def one_class_for_all(model, images):
    return model.eval()(images).argmax()


def another_class(model, images):
    return model.eval()(images).argmin(1)


def never_ends(model, images):
    while True:
        pass


def train_last(model):
    model.requires_grad_(False)
    model.fc.requires_grad_(True)
    model.eval()
    model.train()


def only_eval(model):
    model.eval()


def all_frozen(model):
    model.requires_grad_(False)
    model.eval()


@pytest.mark.parametrize(
    ("name", "fix", "says"),
    [
        ("training_loss", detached, "No gradient"),
        ("training_loss", summed, "For the logits of a network"),
        ("training_loss", not_reduced, "one number"),
        ("training_loss", lambda model, images, labels: 0.5, "one number"),
        ("predict", eval_after, "another class than among others"),
        ("predict", eval_only_for_one, "another class than among others"),
        ("predict", one_class_for_all, "one for each image"),
        ("predict", another_class, "not the network's classes"),
        ("predict", lambda model, images: model.no_such_layer(images), "no_such_layer"),
        ("predict", lambda model, images: None, "one for each image"),
        ("predict", None, "not callable"),
        ("predict", never_ends, "did not end"),
        ("freeze", sys.exit, "SystemExit"),
        ("freeze", train_last, "running statistics"),
        ("freeze", only_eval, "not frozen"),
        ("freeze", all_frozen, "`fc` is frozen too"),
    ],
)
def test_other_wrong_fixes_are_told_what_is_left(name, fix, says):
    verdict = check(name, fix)
    assert verdict.status == "failed" and says in verdict.message, verdict.message


def test_the_cases_without_an_exercise_are_those_of_the_notebook():
    assert tuple(TROUBLE) == CASES == tuple(CHECKS[number] for number in "678")


def test_a_check_leaves_the_seed():
    torch.manual_seed(1)
    before = torch.get_rng_state()
    check("freeze", broken("8"))
    check("predict", lambda model, images: torch.manual_seed(5))
    assert torch.equal(torch.get_rng_state(), before)


def test_a_prediction_changes_buffers_and_no_parameter(trained, digits):
    """What the measurements of cases 7 and 8 show."""
    after = copy.deepcopy(trained)
    clinic.case7(after, digits.test_images)
    assert clinic.changed(trained.parameters(), after.parameters()).startswith("0 of ")
    assert clinic.changed(trained.buffers(), after.buffers()) == "21 of 21"
