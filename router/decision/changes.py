"""What would change the advice: only what is within the person's reach and may be advised, as data.

What is said of each is `change.FIELD.DIRECTION` of `router/texts`. Silence where nothing of the
kind would change it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from router.decision.decide import Decider
from router.decision.decision import Decision, Status
from router.decision.schema import FeatureSet, Rows
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


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Finds what would change the decisions of one decider."""

    decider: Decider

    @cached_property
    def _candidates(self) -> tuple[_Candidate, ...]:
        return tuple(_candidates(self.decider.tables.features))

    def of(
        self, rows: Rows, decisions: Sequence[Decision], whose: Whose | None = None
    ) -> list[list[Change]]:
        """Gives at most one action and one wish for each row, the first that changes its mix.

        Only of plain recommendations, and such that the answer would be one as well.

        Args:
            rows: slots, shape (n, features).
            decisions: those of the rows.
            whose: the rows are, if not all this decider's.
        """
        plain = [n for n, one in enumerate(decisions) if one.status == Status.RECOMMENDED]
        found: list[list[Change]] = [[] for _ in decisions]
        if not plain:
            return found

        now = rows[plain]
        tried = np.repeat(now[:, None], len(self._candidates), axis=1)
        differs = np.empty(tried.shape[:2], np.bool_)
        for number, one in enumerate(self._candidates):
            then = one.then[now[:, one.column]]
            tried[:, number, one.column] = then
            # Only what is another case: most candidates leave a row as it is.
            differs[:, number] = (then != now[:, one.column]) & ~one.not_of[now[:, one.asked_of]]
        terms = None
        if whose is not None:
            each = np.zeros(len(rows), np.intp)
            each[plain] = differs.sum(axis=1)
            terms = whose.terms(tried[differs], each)
        answers = self.decider.decide(tried[differs], terms)
        mix = np.full(differs.shape, -1)
        mix[differs] = np.where(answers.status == int(Status.RECOMMENDED), answers.mix, -1)

        for place, n in enumerate(plain):
            for is_wish in (False, True):
                for number, one in enumerate(self._candidates):
                    then_mix, now_mix = int(mix[place, number]), decisions[n].mix
                    # Nobody is told to do or wish for what would be less contact: it would
                    # read as a penalty.
                    if one.is_wish is is_wish and then_mix > now_mix:
                        slot_now = int(rows[n, one.column])
                        slot = int(one.then[slot_now])
                        change = Change(
                            one.column, slot_now, slot, one.direction, then_mix, is_wish
                        )
                        found[n].append(change)
                        break
        return found
