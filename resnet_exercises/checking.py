"""The check of an answer: screen it, try it with every probe, and give a mistake its name."""

from resnet_exercises.errors import StudentError, attempt
from resnet_exercises.exercise import Exercise
from resnet_exercises.naming import first_of_two, named, second_of_two
from resnet_exercises.observing import goes_on, observe, same, tell
from resnet_exercises.running import as_long_as, nothing_changes, time_limit
from resnet_exercises.screening import NOT_ATTEMPTED, dropped_error, screen
from resnet_exercises.verdict import FAILED, PASSED, Verdict

#: An answer may take so many times as long as the solution took on this machine, and at least so many seconds.
TIMES, SECONDS = 10, 1.0


def check_answer(exercise: Exercise, answer: object) -> Verdict:
    """The verdict on one answer. Raises nothing but what is wrong in a probe, changes no state, and ends soon."""
    try:
        with nothing_changes():
            exercise.expected  # noqa: B018 - first: what is wrong in a probe is no fault of the answer
            # whatever a student can write, a notebook never sees our traceback
            found = attempt(exercise.judge or _verdict, exercise, answer)
    except KeyboardInterrupt:
        return exercise.verdict(FAILED, "The check was interrupted. Run it again.")
    return exercise.verdict(FAILED, found.explain()) if isinstance(found, StudentError) else found


def _verdict(exercise: Exercise, answer: object) -> Verdict:
    with time_limit(max(TIMES * exercise.expected[1], as_long_as(SECONDS))):
        found = screen(exercise, answer) or _try(exercise, answer)
    # naming a mistake takes no time of the answer
    return found if isinstance(found, Verdict) else _judge(exercise, answer, found)


def _try(exercise: Exercise, answer: object) -> Verdict | list[object]:
    """What the probes see, or those of them for which there is time; a verdict where nothing is to be seen."""
    expected, got = exercise.expected[0], []
    for probe in exercise.probes:
        got.append(observe(probe, answer))
        error = got[-1] if isinstance(got[-1], StudentError) else None
        if error and error.not_implemented:
            return exercise.verdict(NOT_ATTEMPTED, "Your code still raises NotImplementedError.")
        if error and error.timed_out:
            if all(map(same, got[:-1], expected)):
                return exercise.verdict(FAILED, error.explain())
            got.pop()  # slow, and wrong before the time was up
            break
    return got


def _judge(exercise: Exercise, answer: object, got: list[object]) -> Verdict:
    """The verdict on what the probes saw: where they see it of a known mistake too, its name."""
    expected = exercise.expected[0]
    wrong = [number for number, seen in enumerate(got) if not same(seen, expected[number])]
    if not wrong:
        return exercise.verdict(PASSED, exercise.module.PRAISE[exercise.name])

    first = wrong[0]
    shown = exercise.probes[first], expected[first], got[first]
    error = got[first] if isinstance(got[first], StudentError) else None
    evidence = tell if error else getattr(exercise.module, "evidence", tell)
    lines = [evidence(*shown)]
    if dropped := dropped_error(answer):
        lines.append(f"Besides, `{dropped}` stands there without `raise`, so it has no effect.")
    found = named(exercise, wrong, got)
    mistake = next(found, None)
    if len(got) < len(expected) and next(found, None):
        mistake = None  # what was seen fits more than one
    if mistake is not None:
        lines.insert(0, mistake.says)
    elif mistake := next(first_of_two(exercise, wrong, got), None):
        more = second_of_two(exercise, mistake, wrong, got)
        lines[:0] = [mistake.says, more.says] if more else [f"At least: {goes_on(mistake.says)}"]
    draw = None if error else getattr(exercise.module, "picture", None)
    return exercise.verdict(FAILED, "\n".join(lines), mistake.id if mistake else None, draw and draw(*shown))
