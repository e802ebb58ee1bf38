"""Which recommendations become logged cases, each case once; the others are counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import NamedTuple

from router.journal.feedback import Outcome
from router.journal.payload import AFTER_OWN_VIEW, CONTROL
from training.data.collect_journal import Agreed, Answers, Asked

NOT_SCORED = "handled by people alone"
NO_FEEDBACK = "without choice and outcome"
NO_CHOICE = "with an outcome but no choice"
NO_OUTCOME = "without an outcome"
AGAIN = "again for the same case"
CONTROLS = "in the control group"
NEVER_REVEALED = "never revealed"


class Treatment(StrEnum):
    """Which mix is logged.

    Attributes:
        CHOSEN: the one that adviser and user agreed on; nobody knows with which probability.
        RECOMMENDED: the one advised, with the probability with which it was drawn; whatever was
            chosen then.
    """

    CHOSEN = "chosen"
    RECOMMENDED = "recommended"


class Taken(NamedTuple):
    """What is logged of a decision: the mix chosen (None: the one recommended), what came of it, microseconds UTC."""

    mix: str | None
    outcome: Outcome
    at: int


class Selection(NamedTuple):
    """By decision id what is taken, and how many recommendations are not, by reason."""

    taken: dict[bytes, Taken]
    left_out: Counter[str]


def chosen(asked: Iterable[Asked], answers: Answers) -> Selection:
    """Decisions with a choice and an outcome; of a case the first that was chosen, for outcomes follow that one."""
    found, left_out = Selection({}, Counter()), Counter[str]()
    complete: list[tuple[Agreed, Asked]] = []
    for one in asked:
        choice, outcome = answers.choices.get(one.decision), answers.outcomes.get(one.decision)
        if not one.case_ref:
            left_out[NOT_SCORED] += 1
        elif choice is None:
            left_out[NO_FEEDBACK if outcome is None else NO_CHOICE] += 1
        elif outcome is None:
            left_out[NO_OUTCOME] += 1
        else:
            complete.append((choice, one))
    seen: set[str] = set()
    for choice, one in sorted(complete, key=lambda pair: pair[0].at):
        if one.case_ref in seen:
            left_out[AGAIN] += 1
        else:
            seen.add(one.case_ref)
            found.taken[one.decision] = Taken(choice.mix, answers.outcomes[one.decision], choice.at)
    return found._replace(left_out=left_out)


def recommended(asked: Iterable[Asked], answers: Answers) -> Selection:
    """The first advice that each case was given and what came of it, whatever was chosen: intention to treat.

    Whether an adviser asks again, and about which of the decisions the outcome is then told, may
    follow from what was drawn at first: later advice is no fresh draw. So only the first counts,
    and where no outcome was told about it, the first one told about later advice on the case does.
    """
    left_out = Counter[str]()
    first: dict[str, Asked] = {}
    came: dict[str, Outcome] = {}
    for one in asked:
        if not one.case_ref:
            left_out[NOT_SCORED] += 1
            continue
        unseen = _unseen(one, answers)
        if unseen and one.case_ref not in first:
            left_out[unseen] += 1
            continue
        if one.case_ref in first:
            left_out[AGAIN] += 1
        first.setdefault(one.case_ref, one)
        outcome = answers.outcomes.get(one.decision)
        if outcome is not None:
            came.setdefault(one.case_ref, outcome)
    taken = {
        one.decision: Taken(None, came[ref], one.at) for ref, one in first.items() if ref in came
    }
    if len(taken) < len(first):
        left_out[NO_OUTCOME] += len(first) - len(taken)
    return Selection(taken, left_out)


def _unseen(one: Asked, answers: Answers) -> str:
    """Why the advice was never given, "" if it was."""
    if one.disclosure == CONTROL:
        return CONTROLS
    return (
        NEVER_REVEALED
        if one.disclosure == AFTER_OWN_VIEW and one.decision not in answers.viewed
        else ""
    )
