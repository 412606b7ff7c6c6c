"""Answers to try the checks with, by family of exercises: right ones in other forms, wrong ones, and broken ones."""

from answers import (
    blocks,
    folding,
    functions,
    identity,
    initialising,
    inside,
    layers,
    looking,
    network,
    testing,
)

FAMILIES = (
    functions,
    blocks,
    identity,
    initialising,
    layers,
    network,
    folding,
    inside,
    looking,
    testing,
)
RIGHT = {name: answers for family in FAMILIES for name, answers in family.RIGHT.items()}
WRONG = {name: answers for family in FAMILIES for name, answers in family.WRONG.items()}
BAD = {key: answer for family in FAMILIES for key, answer in family.BAD.items()}
