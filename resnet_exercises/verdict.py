"""What a check answers."""

import base64
import html
import re
from collections.abc import Callable
from dataclasses import dataclass, field

PASSED, FAILED, NOT_ATTEMPTED = "passed", "failed", "not attempted"
_LOOK = {PASSED: ("✔", "#2f7d4f"), FAILED: ("✘", "#b4540a"), NOT_ATTEMPTED: ("○", "#6b7280")}


@dataclass(frozen=True)
class Verdict:
    """The answer of :func:`resnet_exercises.check`. In a notebook it displays itself as a coloured line."""

    exercise: str  #: name of the exercise
    status: str  #: ``"passed"``, ``"failed"`` or ``"not attempted"``
    mistake: str | None  #: id of the mistake that was recognised
    message: str  #: what happened and why, in the reader's terms
    answer: str = ""  #: the name of the answer, where it is not the one that is asked for
    #: draws what a picture says better than words; called only when the verdict is displayed
    picture: Callable | None = field(default=None, repr=False, compare=False)

    @property
    def label(self) -> str:
        """The exercise, and which case of the bug clinic it is: ``basic_block (Fixed4)``."""
        return f"{self.exercise} ({self.answer})" if self.answer else self.exercise

    def __str__(self) -> str:
        return f"{_LOOK[self.status][0]} {self.label}: {self.status}. {self.message}"

    def _repr_mimebundle_(self, include=None, exclude=None):
        sign, colour = _LOOK[self.status]
        lines = "<br>".join(html.escape(line) for line in self.message.splitlines())
        lines = re.sub(r"`([^`]+)`", r"<code>\1</code>", lines)
        picture = ""
        if self.picture is not None:
            drawn = self.picture()
            image = base64.b64encode(drawn.png()).decode()
            picture = f'<br><img alt="{html.escape(drawn.alt)}" width="480" src="data:image/png;base64,{image}">'
        box = f"border-left: 5px solid {colour}; padding: 0.4em 0.8em; margin: 0.3em 0"
        heading = f"<b>{sign} {html.escape(self.label)}: {self.status}.</b>"
        shown = f'<div style="{box}">{heading} {lines}{picture}</div>'
        return {"text/plain": str(self), "text/html": shown}
