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
    then: tuple[int, ...]


def _candidates(features: FeatureSet) -> Iterator[_Candidate]:
    for is_wish, told in enumerate((ACTIONS, WISHES)):
        for name, direction in told:
            column, feature = features.column(name), features[name]
            if feature.values:
                wanted = feature.slot(direction)
                # Of what is unknown nobody can say that it should be otherwise.
                then = (0, *(wanted for _ in range(1, feature.slots)))
                yield _Candidate(column, direction, bool(is_wish), then)
                continue
            for step in _STEPS:
                far = step if direction == MORE else -step
                slots = range(1, feature.slots)
                then = (0, *(min(max(slot + far, 1), feature.slots - 1) for slot in slots))
                yield _Candidate(column, direction, bool(is_wish), then)


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Finds what would change the decisions of one decider."""

    decider: Decider

    @cached_property
    def _candidates(self) -> tuple[_Candidate, ...]:
        return tuple(_candidates(self.decider.tables.features))

    def _advised(self, rows: Rows) -> NDArray[np.bool_]:
        """Tells which candidates may be advised to whom, shape (n, candidates)."""
        features = self.decider.tables.features
        advised = np.ones((len(rows), len(self._candidates)), np.bool_)
        for number, one in enumerate(self._candidates):
            field, values = NOT_OF.get(features.features[one.column].name, ("", ()))
            if field:
                slots = [features[field].slot(value) for value in values]
                advised[:, number] = ~np.isin(rows[:, features.column(field)], slots)
        return advised

    def of(self, rows: Rows, decisions: Sequence[Decision]) -> list[list[Change]]:
        """Gives at most one action and one wish for each row, the first that changes its mix.

        Only of plain recommendations, and such that the answer would be one as well.

        Args:
            rows: slots, shape (n, features).
            decisions: those of the rows.
        """
        plain = [n for n, one in enumerate(decisions) if one.status == Status.RECOMMENDED]
        found: list[list[Change]] = [[] for _ in decisions]
        if not plain:
            return found

        tried = np.repeat(rows[plain][:, None], len(self._candidates), axis=1)
        for number, one in enumerate(self._candidates):
            then = np.array(one.then, np.uint16)
            tried[:, number, one.column] = then[tried[:, number, one.column]]

        # Only what is another case: most candidates leave a row as it is, or go as far as others.
        differs = (tried != rows[plain][:, None]).any(axis=2) & self._advised(rows[plain])
        answers = self.decider.decide(tried[differs])
        mix = np.full(differs.shape, -1)
        mix[differs] = np.where(answers.status == int(Status.RECOMMENDED), answers.mix, -1)

        for place, n in enumerate(plain):
            for is_wish in (False, True):
                for number, one in enumerate(self._candidates):
                    then_mix, now_mix = int(mix[place, number]), decisions[n].mix
                    # Nobody is told to do or wish for what would be less contact: it would
                    # read as a penalty.
                    if one.is_wish is is_wish and then_mix > now_mix:
                        now = int(rows[n, one.column])
                        slot = int(tried[place, number, one.column])
                        direction = one.direction
                        found[n].append(Change(one.column, now, slot, direction, then_mix, is_wish))
                        break
        return found
