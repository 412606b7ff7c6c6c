"""The cases of the bug clinic in which a right network is used wrongly: a fix passes when the trouble is gone."""

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


def check_case(name: str, fix: object) -> Verdict:
    """The verdict on a fix of the case ``name``; raises nothing that the fix raises, and changes no seed."""
    trouble, praise = TROUBLE[name]
    try:
        with nothing_changes(), time_limit(as_long_as(SECONDS)):
            told = trouble(fix)
    except NotImplementedError:
        return Verdict(name, NOT_ATTEMPTED, None, "Your code still raises NotImplementedError.")
    except KeyboardInterrupt:
        told = "The check was interrupted. Run it again."
    except BaseException as error:  # sys.exit() too
        told = StudentError(error).explain()
    return Verdict(name, FAILED if told else PASSED, None, told or praise)
