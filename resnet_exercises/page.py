"""What a page asks, where Python runs in the browser: the check of the code that stands in its editor."""

import contextlib
import io
import re

from resnet_exercises import check
from resnet_exercises.errors import TIMED_OUT, StudentError
from resnet_exercises.exercise import load
from resnet_exercises.mistakes import run
from resnet_exercises.running import as_long_as, time_limit
from resnet_exercises.screening import WRITE
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED
from resnet_lib import formula

#: The exercises of plain numbers and names: a check of them needs no package at all.
PLAIN = "output_size same_padding stage_sizes count_parameters multiply_adds receptive_field torchvision_name".split()
PLAIN.append("test_output_size")
#: seconds that the code itself may take before its function is tried
SECONDS = 2.0
LONGEST = 5_000  # characters of what the code prints
__all__ = ["PLAIN", "TIMED_OUT", "check_code"]


def check_code(name: str, code: str) -> dict[str, str | None]:
    """The verdict of ``check(name, …)`` on code from the page, and what it ``printed``; raises nothing that it does."""
    exercise = load(name)
    others = {name: value for name, value in vars(formula).items() if name[0] != "_" and name != exercise.asked}
    space = {name: value for name, value in others.items() if callable(value)} | {"__name__": "__main__"}
    printed = io.StringIO()
    try:
        with contextlib.redirect_stdout(printed), contextlib.redirect_stderr(printed), time_limit(as_long_as(SECONDS)):
            run(code, "<your code>", space)
    except BaseException as error:  # sys.exit() too
        said = StudentError(error).explain()
        if isinstance(error, SyntaxError):
            line = f"`{error.text.strip()}`" if error.text and error.text.strip() else "the end"
            said = f"Python cannot read line {error.lineno}, {line}: {error.msg}."
        verdict = exercise.verdict(FAILED, said)
    else:
        verdict = exercise.verdict(NOT_ATTEMPTED, f"Your code defines no `{exercise.asked}`: name your function so.")
        if exercise.asked in space:
            verdict = check(name, space[exercise.asked])
    message = verdict.message.replace(WRITE, "Write your code above, then press Check.")
    if found := re.search(r"No module named '(\w+)", message):
        message += (
            f" This exercise needs no {found[1]}, and the page has none: plain Python is enough. "
            "Where you want it all the same, open the exercise in Colab."
        )
    text = printed.getvalue()
    if "print(" in code and not text:
        text = "Nothing yet: a check hides what your function prints. Call it in the last line to see that.\n"
    return {
        "status": verdict.status,
        "mistake": verdict.mistake,
        "message": message,
        "printed": text if len(text) <= LONGEST else text[:LONGEST] + " …",
    }
