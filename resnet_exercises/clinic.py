"""The cases of the bug clinic in which a right network is used wrongly: a fix passes when the trouble is gone."""

from __future__ import annotations

from typing import Any

from resnet_exercises.errors import StudentError
from resnet_exercises.running import as_long_as, nothing_changes, time_limit
from resnet_exercises.verdict import FAILED, NOT_ATTEMPTED, PASSED, Verdict
from resnet_lib import clinic

#: seconds of processor time on a usual machine that a fix may take in all
SECONDS = 3.0
#: What says in a sentence what is wrong with a fix, by the name of the case, and what is said where nothing is.
TROUBLE = {
    "training_loss": (clinic.trouble_with_loss, "Certain and right answers have a loss of 0."),
    "predict": (clinic.trouble_with_predictions, "An image gets the same class alone and among others."),
    "freeze": (clinic.trouble_with_freezing, "Only `fc` learns, and nothing else changes."),
}


def check_case(name: str, fix: Any) -> Verdict:
    """The verdict on a fix of the case ``name``; raises nothing that the fix raises, and changes no seed."""
    trouble, praise = TROUBLE[name]
    status, message = PASSED, praise
    try:
        with nothing_changes(), time_limit(as_long_as(SECONDS)):
            if told := trouble(fix):
                status, message = FAILED, told
    except NotImplementedError:
        status, message = NOT_ATTEMPTED, "Your code still raises NotImplementedError."
    except KeyboardInterrupt:
        status, message = FAILED, "The check was interrupted. Run it again."
    except BaseException as error:  # sys.exit() too
        status, message = FAILED, StudentError(error).explain()
    return Verdict(name, status, None, message)
