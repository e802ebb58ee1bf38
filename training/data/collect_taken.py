"""Which recommendations become logged cases, each case once; the others are counted by reason.

Two steps, since a case's recommendations may stand far apart in a journal that no memory holds:
what one recommendation tells is told when it is read; which of a case's counts, once all of them
are there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import date
from enum import StrEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.cases.features import CASE_REF, REFERENCES
from router.files.shelf import Packed
from router.journal.recommendation import CONTROL
from router.journal.standing import Standing

NOT_SCORED = "handled by people alone"
NO_FEEDBACK = "without choice and outcome"
NO_CHOICE = "with an outcome but no choice"
NO_OUTCOME = "without an outcome"
AGAIN = "again for the same case"
CONTROLS = "in the control group"
NEVER_REVEALED = "never revealed"
OUTSIDE = "of other days"
BAD_REFERENCE = "with a reference that is refused today"

DAY = 24 * 60 * 60 * 1_000_000
"""Microseconds."""
NO_TIME = -1
"""Adviser minutes where no time was reported."""
_EPOCH = date(1970, 1, 1)
# No character of a reference takes more than two bytes.
_BYTES = 2 * REFERENCES[CASE_REF].longest
TOLD = np.dtype(
    [
        ("place", "<i8"),
        ("case", f"S{_BYTES}"),
        ("mix", "<i4"),
        ("outcome", "<f8"),
        ("minutes", "<i4"),
        ("at", "<i8"),
        ("seen", "?"),
        ("control", "?"),
    ]
)
"""What recommendations tell, as rows.

Columns: `place` among the journal's recommendations; `case`, its reference in UTF-8; `mix` logged,
as whoever makes the rows numbers them; `outcome` 0 to 1, NaN for none; adviser `minutes` that it
took, NO_TIME for none; `at`, when the case was decided, microseconds since 1970, UTC; whether the
advice was `seen`, and whether it is the `control` group's.
"""


class Treatment(StrEnum):
    """Which mix is logged.

    Attributes:
        CHOSEN: the one that adviser and user agreed on; nobody knows with which probability.
        RECOMMENDED: the one advised, with the probability with which it was drawn; whatever was
            chosen then.
    """

    CHOSEN = "chosen"
    RECOMMENDED = "recommended"


# A tuple: of a year there may be millions.
class Advised(NamedTuple):
    """One recommendation as far as it decides whether its case is taken.

    Attributes:
        case_ref: "" if people alone handle the case.
        disclosure: to whom the advice is shown.
        at: microseconds since 1970, UTC.
    """

    case_ref: str
    disclosure: str
    at: int


class Told(NamedTuple):
    """What is told of one recommendation; the columns of `TOLD` that are not whose it is.

    Attributes:
        mix: chosen; None for the one recommended.
    """

    mix: str | None
    outcome: float
    minutes: int
    at: int
    seen: bool
    control: bool


class Selection(NamedTuple):
    """The rows that are taken, one of a case, and how many are not, by reason."""

    taken: Packed
    left_out: Counter[str]


def told(treatment: Treatment, one: Advised, standing: Standing) -> Told | str:
    """Tells what is known of a recommendation, or why it can be no logged case.

    Args:
        treatment: which mix is logged.
        one: the recommendation.
        standing: what stands for it.
    """
    if not one.case_ref:
        return NOT_SCORED
    if REFERENCES[CASE_REF].problem(one.case_ref):
        return BAD_REFERENCE
    choice, outcome = standing.choice, standing.outcome
    if outcome is None:
        came, minutes = np.nan, NO_TIME
    else:
        spent = outcome.adviser_minutes
        came, minutes = outcome.outcome, NO_TIME if spent is None else spent
    if treatment is Treatment.RECOMMENDED:
        seen = standing.advice_seen(one.disclosure)
        return Told(None, came, minutes, one.at, seen, one.disclosure == CONTROL)

    if choice is None or standing.first_choice_at is None:
        return NO_FEEDBACK if outcome is None else NO_CHOICE
    if outcome is None:
        return NO_OUTCOME
    # Whether the advice was seen says nothing of the mix chosen.
    return Told(choice.mix, came, minutes, standing.first_choice_at, True, False)


def select(treatment: Treatment, rows: Packed) -> Selection:
    """Takes what is logged of each case.

    Args:
        treatment: as the rows were told for.
        rows: of `TOLD` and other columns, shape (n,), in any order: all of each case that is among
            them.
    """
    found = _SELECT[treatment](rows)
    return Selection(found.taken, +found.left_out)


def _chosen(rows: Packed) -> Selection:
    """Takes of a case the decision that was chosen first, for outcomes follow that one."""
    # Choices are told in any order; the first is the one made first.
    case = _numbers(rows)
    order = np.lexsort((rows["place"], rows["at"], case))
    taken = rows[order[_starts(case[order])]]
    return Selection(taken, Counter({AGAIN: len(rows) - len(taken)}))


def _recommended(rows: Packed) -> Selection:
    """Takes the first advice that each case was given: intention to treat.

    It is logged with what came of it, whatever was chosen. Whether an adviser asks again, and about
    which of the decisions the outcome is then told, may follow from what was drawn at first: later
    advice is no fresh draw. So only the first counts, and where no outcome was told about it, the
    first one told about later advice on the case does.
    """
    case = _numbers(rows)
    order = np.lexsort((rows["place"], case))
    rows, case = rows[order], case[order]
    starts, places = _starts(case), np.arange(len(rows))

    def first_of_each(those: NDArray[np.bool_]) -> NDArray[np.intp]:
        # Behind the last place where a case has none.
        return np.minimum.reduceat(np.where(those, places, len(rows)), starts)

    # Before the first advice given, unseen advice is no treatment; after it, only its outcome
    # counts.
    first = first_of_each(rows["seen"])
    before, again = places < first[case], places > first[case]
    came = first_of_each(~np.isnan(rows["outcome"]) & ~before)
    given, complete = first < len(rows), came < len(rows)

    taken = rows[first[complete]]
    for name in ("outcome", "minutes"):
        taken[name] = rows[name][came[complete]]
    left_out = Counter(
        {
            CONTROLS: int((before & rows["control"]).sum()),
            NEVER_REVEALED: int((before & ~rows["control"]).sum()),
            AGAIN: int(again.sum()),
            NO_OUTCOME: int(given.sum() - complete.sum()),
        }
    )
    return Selection(taken, left_out)


_SELECT: dict[Treatment, Callable[[Packed], Selection]] = {
    Treatment.CHOSEN: _chosen,
    Treatment.RECOMMENDED: _recommended,
}


def of_days(selection: Selection, first: date | None, last: date | None) -> Selection:
    """Leaves out what was decided on other days, UTC.

    Behind the selection: which decision stands for a case is told over the whole journal, so that
    of several periods' files none holds a case twice.

    Args:
        selection: of whole cases.
        first: day, inclusive; None for no bound.
        last: likewise.
    """
    day = selection.taken["at"] // DAY
    within = np.ones(len(day), bool)
    if first is not None:
        within &= day >= (first - _EPOCH).days
    if last is not None:
        within &= day <= (last - _EPOCH).days
    outside = Counter({OUTSIDE: int((~within).sum())})
    return Selection(selection.taken[within], +(selection.left_out + outside))


def _numbers(rows: Packed) -> NDArray[np.intp]:
    """Gives a number for each row's case, from 0 on; by the whole reference: no two share one."""
    return np.unique(rows["case"], return_inverse=True)[1]


def _starts(case: NDArray[np.intp]) -> NDArray[np.intp]:
    """Gives where each case begins in sorted numbers from 0 on."""
    return np.flatnonzero(np.diff(case, prepend=-1))
