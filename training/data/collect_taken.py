"""Which recommendations become logged cases, each case once; the others are counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from sys import intern
from typing import NamedTuple, TypeAlias

from router.cases.features import CASE_REF, REFERENCES
from router.journal.recommendation import CONTROL
from router.journal.standing import Standing
from training.data.collect_journal import Advised

NOT_SCORED = "handled by people alone"
NO_FEEDBACK = "without choice and outcome"
NO_CHOICE = "with an outcome but no choice"
NO_OUTCOME = "without an outcome"
AGAIN = "again for the same case"
CONTROLS = "in the control group"
NEVER_REVEALED = "never revealed"
BAD_REFERENCE = "with a reference that is refused today"


class Treatment(StrEnum):
    """Which mix is logged.

    Attributes:
        CHOSEN: the one that adviser and user agreed on; nobody knows with which probability.
        RECOMMENDED: the one advised, with the probability with which it was drawn; whatever was
            chosen then.
    """

    CHOSEN = "chosen"
    RECOMMENDED = "recommended"


Asked: TypeAlias = Iterable[tuple[Advised, Standing]]
"""Recommendations in chain order, each with what stands for it."""


# As small as they can be: there is one for each case that is logged.
class Taken(NamedTuple):
    """What is logged of a decision.

    Attributes:
        mix: chosen; None for the one recommended.
        outcome: what came of it, 0 to 1.
        adviser_minutes: that it took; None where no time was reported.
        at: microseconds since 1970, UTC.
    """

    mix: str | None
    outcome: float
    adviser_minutes: int | None
    at: int


class Selection(NamedTuple):
    """By decision id what is taken, and how many recommendations are not, by reason."""

    taken: dict[bytes, Taken]
    left_out: Counter[str]


def chosen(asked: Asked) -> Selection:
    """Takes decisions with a choice and an outcome.

    Of a case it is the first that was chosen, for outcomes follow that one.
    """
    found = Selection({}, Counter())
    complete: list[tuple[int, str, bytes, Taken]] = []
    for one, standing in asked:
        choice, outcome = standing.choice, standing.outcome
        if not one.case_ref:
            found.left_out[NOT_SCORED] += 1
        elif REFERENCES[CASE_REF].problem(one.case_ref):
            found.left_out[BAD_REFERENCE] += 1
        elif choice is None or standing.first_choice_at is None:
            found.left_out[NO_FEEDBACK if outcome is None else NO_CHOICE] += 1
        elif outcome is None:
            found.left_out[NO_OUTCOME] += 1
        else:
            taken = Taken(
                intern(choice.mix),
                outcome.outcome,
                outcome.adviser_minutes,
                standing.first_choice_at,
            )
            complete.append((taken.at, one.case_ref, one.decision, taken))

    # Choices are told in any order; the first is the one made first.
    seen: set[str] = set()
    complete.sort(key=lambda each: each[0])
    for _, case_ref, decision, taken in complete:
        if case_ref in seen:
            found.left_out[AGAIN] += 1
            continue
        seen.add(case_ref)
        found.taken[decision] = taken
    return found


def recommended(asked: Asked) -> Selection:
    """Takes the first advice that each case was given: intention to treat.

    It is logged with what came of it, whatever was chosen. Whether an adviser asks again, and about
    which of the decisions the outcome is then told, may follow from what was drawn at first: later
    advice is no fresh draw. So only the first counts, and where no outcome was told about it, the
    first one told about later advice on the case does.
    """
    left_out = Counter[str]()
    first: dict[str, tuple[bytes, int]] = {}
    came: dict[str, tuple[float, int | None]] = {}
    for one, standing in asked:
        if not one.case_ref:
            left_out[NOT_SCORED] += 1
            continue
        if REFERENCES[CASE_REF].problem(one.case_ref):
            left_out[BAD_REFERENCE] += 1
            continue
        # Before the first advice given, unseen advice is no treatment; after it, only its outcome
        # counts.
        if one.case_ref not in first and not standing.advice_seen(one.disclosure):
            left_out[CONTROLS if one.disclosure == CONTROL else NEVER_REVEALED] += 1
            continue
        if one.case_ref in first:
            left_out[AGAIN] += 1
        first.setdefault(one.case_ref, (one.decision, one.at))
        if standing.outcome is not None:
            outcome = standing.outcome
            came.setdefault(one.case_ref, (outcome.outcome, outcome.adviser_minutes))

    taken = {
        decision: Taken(None, *came[ref], at)
        for ref, (decision, at) in first.items()
        if ref in came
    }
    if len(taken) < len(first):
        left_out[NO_OUTCOME] += len(first) - len(taken)
    return Selection(taken, left_out)
