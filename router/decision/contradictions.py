"""Facts of a case that contradict each other, as data: two fields, and which values do not fit.

What is said of each is `contradiction.NAME` of `router/texts`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import DAYS_PER_WEEK
from router.decision.schema import Feature, FeatureSet, Rows

Value = str | int
Span = tuple[Value, Value | None]
"""The first and the last value of a field that do not fit one of another; None is its last."""
# Weeks and days, and what is counted on other days, may be some days apart.
_GRACE_DAYS = 14
_TALKS_DAYS = 90
"""Of how many days talks are counted."""
SINCE_REGISTRATION = {
    "days_since_personal_contact": "CONTACT_BEFORE_REGISTERED",
    "days_since_user_plan_activity": "PLAN_ACTIVITY_BEFORE_REGISTERED",
    "days_waiting_for_agency_reply": "WAITING_BEFORE_REGISTERED",
}
"""Days since what registration comes before, and the contradiction if they are more than it."""
_TALKS = ("phone_talks_90d", "video_talks_90d", "office_talks_90d")


@dataclass(frozen=True, slots=True, kw_only=True)
class Contradiction:
    """Two fields whose values do not fit; what is unknown contradicts nothing.

    Attributes:
        name: of the contradiction; those of one name are told as one.
        fields: the two.
        misfits: which values of the second do not fit a value of the first; None if all do.
    """

    name: str
    fields: tuple[str, str]
    misfits: Callable[[Value], Span | None]


def _if(first: str, lowest: Value, highest: Value | None) -> Callable[[Value], Span | None]:
    return lambda value: (lowest, highest) if value == first else None


def _days_beyond(weeks: Value) -> Span:
    return (int(weeks) + 1) * DAYS_PER_WEEK + _GRACE_DAYS, None


def _before_the_talks(talks: Value) -> Span | None:
    return (_TALKS_DAYS + _GRACE_DAYS + 1, None) if int(talks) else None


CONTRADICTIONS = (
    Contradiction(
        name="GOAL_WITHOUT_PLAN_GOAL",
        fields=("goal_by_user", "plan_has_goal"),
        misfits=_if("YES", "NO", "NO"),
    ),
    Contradiction(
        name="NEVER_WORKED_BUT_WORKED",
        fields=("job_situation", "worked_6_of_last_12_months"),
        misfits=_if("NEVER_WORKED", "YES", "YES"),
    ),
    Contradiction(
        name="NEVER_WORKED_BUT_MONTHS",
        fields=("job_situation", "months_since_last_work"),
        # The longest time is what systems write of somebody who never worked.
        misfits=_if("NEVER_WORKED", 0, 239),
    ),
    Contradiction(
        name="NOT_WORKED_2_YEARS_BUT_WORKED",
        fields=("job_situation", "worked_6_of_last_12_months"),
        misfits=_if("NOT_WORKED_2_YEARS", "YES", "YES"),
    ),
    Contradiction(
        name="NOT_WORKED_2_YEARS_BUT_MONTHS",
        fields=("job_situation", "months_since_last_work"),
        misfits=_if("NOT_WORKED_2_YEARS", 0, 23),
    ),
    Contradiction(
        name="RECENT_WORK_BUT_MONTHS",
        fields=("worked_6_of_last_12_months", "months_since_last_work"),
        misfits=_if("YES", 7, None),
    ),
    *(
        Contradiction(name=name, fields=("weeks_registered", days), misfits=_days_beyond)
        for days, name in SINCE_REGISTRATION.items()
    ),
    *(
        Contradiction(
            name="TALK_BUT_NO_CONTACT",
            fields=(talks, "days_since_personal_contact"),
            misfits=_before_the_talks,
        )
        for talks in _TALKS
    ),
    Contradiction(
        name="NO_BENEFIT_BUT_WEEKS",
        fields=("benefit_type", "benefit_weeks_left"),
        misfits=_if("NO_BENEFIT", 1, None),
    ),
    Contradiction(
        name="CAN_USE_PHONE_BUT_SIGN",
        fields=("can_use_phone", "language_support"),
        misfits=_if("YES", "SIGN_INTERPRETER", "SIGN_INTERPRETER"),
    ),
)


def fields_by_name(rules: Iterable[Contradiction]) -> dict[str, tuple[str, ...]]:
    """Gives what is told of contradictions: each name once, with the fields of all that have it."""
    told: dict[str, dict[str, None]] = {}
    for rule in rules:
        told.setdefault(rule.name, {}).update(dict.fromkeys(rule.fields))
    return {name: tuple(fields) for name, fields in told.items()}


# A span that ends before it begins holds nothing.
_NO_SLOTS = (1, 0)


def _slots(feature: Feature, lowest: Value, highest: Value | None) -> tuple[int, int]:
    # Such a time may be longer than the field counts.
    if isinstance(lowest, int) and lowest > feature.upper:
        return _NO_SLOTS
    last = feature.slots - 1 if highest is None else feature.slot(highest)
    return feature.slot(lowest), last


@dataclass(frozen=True, kw_only=True)
class CompiledContradictions:
    """Contradictions as tables by slot of a feature set."""

    features: FeatureSet
    rules: tuple[Contradiction, ...] = CONTRADICTIONS

    @cached_property
    def columns(self) -> NDArray[np.intp]:
        """Columns of all rules' first fields, then of their second ones."""
        sides = [*(rule.fields[0] for rule in self.rules), *(rule.fields[1] for rule in self.rules)]
        return np.array([self.features.column(name) for name in sides], np.intp)

    @cached_property
    def _spans(self) -> list[list[tuple[int, int]]]:
        """By rule and slot of its first field, the slots of the second that do not fit."""
        return [
            [self._span(rule, slot) for slot in range(self.features[rule.fields[0]].slots)]
            for rule in self.rules
        ]

    def _span(self, rule: Contradiction, slot: int) -> tuple[int, int]:
        first, second = (self.features[name] for name in rule.fields)
        value = first.value(slot)
        span = None if value is None else rule.misfits(value)
        return _NO_SLOTS if span is None else _slots(second, *span)

    def found(self, row: Sequence[int]) -> list[Contradiction]:
        """Gives the contradictions of a row of slots."""
        return [
            rule
            for rule, spans, first, second in self._each
            if spans[row[first]][0] <= row[second] <= spans[row[first]][1]
        ]

    @cached_property
    def _each(self) -> list[tuple[Contradiction, list[tuple[int, int]], int, int]]:
        """The rules with their spans and columns."""
        columns, rules = self.columns.tolist(), len(self.rules)
        return [*zip(self.rules, self._spans, columns[:rules], columns[rules:], strict=True)]

    @cached_property
    def _stretches(self) -> tuple[NDArray[np.intp], NDArray[np.uint16], NDArray[np.uint16]]:
        """Where each rule's spans start in one array of all, and the spans' two ends."""
        starts = np.cumsum([0, *(len(spans) for spans in self._spans)])[:-1]
        ends = np.array([span for spans in self._spans for span in spans], np.uint16)
        return starts.astype(np.intp), ends[:, 0].copy(), ends[:, 1].copy()

    def any(self, rows: Rows) -> NDArray[np.bool_]:
        """Tells which rows of slots contradict themselves, shape (n,)."""
        starts, lowest, highest = self._stretches
        sides = rows.take(self.columns, axis=1)
        places = sides[:, : len(starts)] + starts
        second = sides[:, len(starts) :]
        misfits = (second >= lowest.take(places)) & (second <= highest.take(places))
        found: NDArray[np.bool_] = np.logical_or.reduce(misfits, axis=1)
        return found
