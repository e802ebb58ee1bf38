"""Which recommendations become logged cases, each case once; the others are counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from router.cases.features import CASE_REF, REFERENCES
from router.journal.feedback import Choice, Outcome
from router.journal.recommendation import CONTROL
from router.journal.standing import NOTHING, Standing
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


Stands: TypeAlias = Mapping[bytes, Standing]
"""What stands, by decision id."""


class Taken(NamedTuple):
    """What is logged of a decision.

    Attributes:
        mix: chosen; None for the one recommended.
        outcome: what came of it.
        at: microseconds since 1970, UTC.
    """

    mix: str | None
    outcome: Outcome
    at: int


class Selection(NamedTuple):
    """By decision id what is taken, and how many recommendations are not, by reason."""

    taken: dict[bytes, Taken]
    left_out: Counter[str]


class _Complete(NamedTuple):
    """A recommendation with a choice, first made then, and an outcome."""

    asked: Advised
    choice: Choice
    chosen_at: int
    outcome: Outcome


def chosen(asked: Iterable[Advised], stands: Stands) -> Selection:
    """Takes decisions with a choice and an outcome.

    Of a case it is the first that was chosen, for outcomes follow that one.
    """
    found = Selection({}, Counter())
    complete: list[_Complete] = []
    for one in asked:
        standing = stands.get(one.decision, NOTHING)
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
            complete.append(_Complete(one, choice, standing.first_choice_at, outcome))

    # Choices are told in any order; the first is the one made first.
    seen: set[str] = set()
    for each in sorted(complete, key=lambda each: each.chosen_at):
        if each.asked.case_ref in seen:
            found.left_out[AGAIN] += 1
            continue
        seen.add(each.asked.case_ref)
        taken = Taken(each.choice.mix, each.outcome, each.chosen_at)
        found.taken[each.asked.decision] = taken
    return found


def recommended(asked: Iterable[Advised], stands: Stands) -> Selection:
    """Takes the first advice that each case was given: intention to treat.

    It is logged with what came of it, whatever was chosen. Whether an adviser asks again, and about
    which of the decisions the outcome is then told, may follow from what was drawn at first: later
    advice is no fresh draw. So only the first counts, and where no outcome was told about it, the
    first one told about later advice on the case does.
    """
    left_out = Counter[str]()
    first: dict[str, Advised] = {}
    came: dict[str, Outcome] = {}
    for one in asked:
        if not one.case_ref:
            left_out[NOT_SCORED] += 1
            continue
        if REFERENCES[CASE_REF].problem(one.case_ref):
            left_out[BAD_REFERENCE] += 1
            continue
        standing = stands.get(one.decision, NOTHING)
        # Before the first advice given, unseen advice is no treatment; after it, only its outcome
        # counts.
        if one.case_ref not in first and not standing.advice_seen(one.disclosure):
            left_out[CONTROLS if one.disclosure == CONTROL else NEVER_REVEALED] += 1
            continue
        if one.case_ref in first:
            left_out[AGAIN] += 1
        first.setdefault(one.case_ref, one)
        if standing.outcome is not None:
            came.setdefault(one.case_ref, standing.outcome)

    taken = {
        one.decision: Taken(None, came[ref], one.at) for ref, one in first.items() if ref in came
    }
    if len(taken) < len(first):
        left_out[NO_OUTCOME] += len(first) - len(taken)
    return Selection(taken, left_out)
