"""An exercise: its solution, the probes that try an answer, the mistakes that are known."""

import functools
import importlib
import json
import re
from dataclasses import dataclass, field
from typing import Any

from resnet_exercises.mistakes import HERE, Mistake, build, read_mistakes
from resnet_exercises.observing import Probe, all_holds, observe
from resnet_exercises.running import processor_time
from resnet_exercises.verdict import Verdict

#: All exercises in the order of the chapters, and the folder of each.
FOLDERS = {
    name: "blocks" if name in ("basic_block", "bottleneck", "plain_block") else name
    for name in (
        "output_size same_padding test_output_size stage_sizes count_parameters multiply_adds basic_block "
        "test_basic_block bottleneck receptive_field make_layer resnet initialise_weights test_make_layer "
        "torchvision_name test_resnet plain_block make_identity branch_ratio fold_batchnorm grad_cam"
    ).split()
}


@dataclass
class Exercise:
    """One exercise. What it knows is read from its folder when it is first asked for."""

    name: str
    folder: str
    _known: dict = field(default_factory=dict, repr=False)  # answers by id, what probes see of them by id and number
    judge: Any = None  #: gives the verdict on an answer where probes do not: see ``impostors.py``

    @functools.cached_property
    def text(self) -> str:
        """The text of the solution: ``solution.py``, or the file of its name where a family shares the folder."""
        own = HERE / self.folder / f"{self.name}.py"
        return (own if own.exists() else HERE / self.folder / "solution.py").read_text(encoding="utf-8")

    @functools.cached_property
    def asked(self) -> str:
        """The name of what the reader writes, such as ``BasicBlock``."""
        return re.findall(r"^(?:def|class) (\w+)", self.text, re.MULTILINE)[-1]

    @functools.cached_property
    def solution(self) -> object:
        """The solution as a function or class."""
        return build(self.text, self.asked, "the solution")

    @functools.cached_property
    def mistakes(self) -> list[Mistake]:
        """The mistakes that are known."""
        return read_mistakes(self.name, self.folder, self.text)

    @functools.cached_property
    def index(self) -> dict[str, list]:
        """Which probe is the first to show a mistake, and what it sees there: by id. Written by ``make index``."""
        text = (HERE / self.folder / "index.json").read_text(encoding="utf-8")
        return json.loads(text).get(self.name, {})

    @functools.cached_property
    def module(self) -> Any:
        """``probes.py``: its ``probes`` and ``PRAISE`` and, where it has them, ``evidence`` and ``picture``."""
        return importlib.import_module(f"resnet_exercises.{self.folder}.probes")

    @functools.cached_property
    def probes(self) -> list[Probe]:
        """What is tried, in order."""
        return self.module.probes(self.name, self.solution)

    @functools.cached_property
    def expected(self) -> tuple[list[object], float]:
        """What each probe sees of the solution, and how long that took: in seconds of processor time.

        Raises where a probe itself is wrong: it could see in every answer the same error as in the solution.
        """
        start = processor_time()
        seen = [probe.run(self.solution) for probe in self.probes]
        took = processor_time() - start
        for probe, found in zip(self.probes, seen):
            if not all_holds(found):
                raise RuntimeError(f"{self.name}: the probe {probe.label!r} finds something wrong in the solution")
        return seen, took

    def observed(self, mistake: Mistake, number: int) -> object:
        """What probe ``number`` sees of a known mistake."""
        if mistake.id not in self._known:
            self._known[mistake.id] = build(mistake.code, self.asked, "a known mistake")
        if (mistake.id, number) not in self._known:
            self._known[mistake.id, number] = observe(self.probes[number], self._known[mistake.id])
        return self._known[mistake.id, number]

    def verdict(self, status: str, message: str, mistake: str | None = None, picture=None) -> Verdict:
        """A verdict on an answer to this exercise. Half a character cannot be shown, and is replaced."""
        return Verdict(self.name, status, mistake, message.encode("utf8", "replace").decode("utf8"), picture=picture)


@functools.cache
def load(name: str) -> Exercise:
    """The exercise ``name``. Raises ``KeyError`` for a name that is none, and lists those that are."""
    if name not in FOLDERS:
        raise KeyError(f"there is no exercise {name!r}; there are {', '.join(FOLDERS)}")
    kind = importlib.import_module("resnet_exercises.impostors").TestExercise if name[:5] == "test_" else Exercise
    return kind(name, FOLDERS[name])
