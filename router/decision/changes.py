"""What would change the advice: only what is within the person's reach and may be advised, as data.

What is said of each is `change.FIELD.DIRECTION` of `router/texts`. Silence where nothing of the
kind would change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import FEW_ROWS, Decider, Terms
from router.decision.decision import Decision, Numbers, Status
from router.decision.heavier import Changed, Heavier
from router.decision.schema import FeatureSet, Rows
from router.decision.tables import Floats
from router.decision.together import Whose

MORE, LESS = "MORE", "LESS"
ACTIONS = (
    ("plan_has_goal", "YES"),
    ("goal_by_user", "YES"),
    ("applications_4w", MORE),
    ("plan_activities_active", MORE),
    ("plan_activities_overdue", LESS),
    ("plan_user_created_percent", MORE),
    ("messages_90d", MORE),
    ("education_recognised", "YES"),
    ("has_eid", "YES"),
)
"""What a person can do: field, and the value or the direction that may be advised."""
WISHES = (
    ("self_assessed_need", "WANTS_GUIDANCE"),
    ("channel_preference", "PREFERS_REMOTE_TALK"),
    ("channel_preference", "PREFERS_MEETING"),
)
"""What a person can say: a wish for more contact is always worth telling of."""
NOT_OF = {
    # Who has said how to meet is not told to wish for something else.
    "channel_preference": ("channel_preference", ("PREFERS_REMOTE_TALK", "PREFERS_MEETING")),
    # Who is laid off for a time, or has a job to keep, is not told to apply for another.
    "applications_4w": ("job_situation", ("LAID_OFF_TEMPORARILY", "NEW_JOB")),
}
"""By field, whom a change of it is not advised to: a field, and its values."""
# Of counts: how far one may be asked to go. Further is no advice, but another life.
_STEPS = (1, 2, 5, 10)


class Change(NamedTuple):
    """A change of one field, within the person's reach, and the mix that follows."""

    column: int
    slot_now: int
    slot_then: int
    direction: str
    mix: int
    is_wish: bool


class _Candidate(NamedTuple):
    column: int
    direction: str
    is_wish: bool
    # By slot now, the slot then; the slot itself where there is no such change.
    then: NDArray[np.uint16]
    # Whom it is not advised to: by slot of the field of that column.
    asked_of: int
    not_of: NDArray[np.bool_]


def _candidates(features: FeatureSet) -> Iterator[_Candidate]:
    told = [*((*one, False) for one in ACTIONS), *((*one, True) for one in WISHES)]
    for name, direction, is_wish in told:
        column, feature = features.column(name), features[name]
        field, values = NOT_OF.get(name, (name, ()))
        not_of = np.zeros(features[field].slots, np.bool_)
        not_of[[features[field].slot(value) for value in values]] = True
        whom = (features.column(field), not_of)

        slots = np.arange(feature.slots)
        if feature.values:
            then = [np.full(feature.slots, feature.slot(direction))]
        else:
            far = [step if direction == MORE else -step for step in _STEPS]
            then = [np.clip(slots + step, 1, feature.slots - 1) for step in far]
        for one in then:
            # Of what is unknown nobody can say that it should be otherwise.
            one[0] = 0
            yield _Candidate(column, direction, is_wish, one.astype(np.uint16), *whom)


class _Candidates:
    """The C candidates of a feature set as arrays, so that all are tried at once."""

    def __init__(self, features: FeatureSet) -> None:
        every = [*_candidates(features)]
        self.columns = np.array([one.column for one in every])
        self.directions = [one.direction for one in every]
        self.is_wish = np.array([one.is_wish for one in every])
        self._then, self._starts = _end_to_end([one.then for one in every])
        self._asked_of = np.array([one.asked_of for one in every])
        self._not_of, self._asked_starts = _end_to_end([one.not_of for one in every])

    def of(self, rows: Rows) -> tuple[Rows, NDArray[np.bool_]]:
        """Gives the slots then, and where that is another case; both of shape (n, C)."""
        now = rows.take(self.columns, axis=1)
        then = self._then.take(now + self._starts)
        # Most candidates leave a row as it is.
        differs = then != now
        differs &= ~self._not_of.take(rows.take(self._asked_of, axis=1) + self._asked_starts)
        return then, differs


def _end_to_end(parts: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Gives parts in one array, and where each of them starts."""
    starts = np.cumsum([0, *map(len, parts)])[:-1]
    return np.concatenate(parts), starts.astype(np.intp)


@lru_cache(maxsize=16)
def _candidates_of(features: FeatureSet) -> _Candidates:
    """Makes the candidates once for all offices."""
    return _Candidates(features)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Finds what would change the decisions of one decider."""

    decider: Decider

    @cached_property
    def _candidates(self) -> _Candidates:
        return _candidates_of(self.decider.tables.features)

    @cached_property
    def _heavier(self) -> Heavier:
        return Heavier(self.decider)

    def of(
        self,
        rows: Rows,
        decisions: Sequence[Decision],
        expected: Floats,
        whose: Whose | None = None,
    ) -> list[list[Change]]:
        """Gives at most one action and one wish for each row, the first that changes its mix.

        Only of plain recommendations, and such that the answer would be one as well.

        Args:
            rows: slots, shape (n, features).
            decisions: those of the rows.
            expected: their outcomes, shape (n, K).
            whose: the rows are, if not all this decider's.
        """
        plain = [n for n, one in enumerate(decisions) if one.status == Status.RECOMMENDED]
        found: list[list[Change]] = [[] for _ in decisions]
        if not plain:
            return found

        candidates, own = self._candidates, rows.take(plain, axis=0)
        then, differs = candidates.of(own)
        case, number = differs.nonzero()
        column = candidates.columns.take(number)
        tried = own.take(case, axis=0)
        tried[np.arange(len(case)), column] = then[differs]
        if whose is None:
            terms = self.decider.terms(tried)
        else:
            each = np.zeros(len(rows), np.intp)
            each[plain] = differs.sum(axis=1)
            terms = whose.terms(tried, each)

        # Nobody is told to do or wish for what would be less contact: it would read as a penalty.
        now = np.array([decisions[n].mix for n in plain])
        changed = Changed(tried, case, column, terms)
        some = self._heavier.among(own, expected.take(plain, axis=0), now, changed)
        mix, status = self._decided(tried[some], Terms(*(side[some] for side in terms)), whose)
        gains = (status == int(Status.RECOMMENDED)) & (mix > now[case[some]])

        told: set[tuple[int, bool]] = set()
        for one, its_mix in zip(some[gains].tolist(), mix[gains].tolist(), strict=True):
            place, is_wish = int(case[one]), bool(candidates.is_wish[number[one]])
            # They come case by case, in the order of the candidates: the first stands.
            if (place, is_wish) in told:
                continue
            told.add((place, is_wish))
            its_column = int(column[one])
            found[plain[place]].append(
                Change(
                    column=its_column,
                    slot_now=int(own[place, its_column]),
                    slot_then=int(tried[one, its_column]),
                    direction=candidates.directions[number[one]],
                    mix=its_mix,
                    is_wish=is_wish,
                )
            )
        return found

    def _decided(self, rows: Rows, terms: Terms, whose: Whose | None) -> tuple[Numbers, Numbers]:
        """Gives mixes and statuses of changed cases, whichever way is faster for so many."""
        if whose is not None or len(rows) > FEW_ROWS:
            return self.decider.choose(rows, terms)
        few = self.decider.decide_each(rows.tolist())
        mix, status = np.array([(one.mix, one.status) for one in few], np.intp).reshape(-1, 2).T
        return mix, status
