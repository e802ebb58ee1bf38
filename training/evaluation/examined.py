"""What logged cases look like before anything is learned: `check` tells it, and draws it.

Months, mixes by side of the time split, unknown shares, drift, and what makes a statistician stop:
outcomes not yet known, fields that know the outcome, rows that are there several times.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from training.data.dataset import LoggedCases
from training.data.hold_out import SHARE, held_out
from training.evaluation.drift import stability_index
from training.learning.scores import Floats, Numbers

SHOWN = 50
"""Months and mixes of fewer cases are not told: they would say something of persons."""
DRIFT = 0.25
LEAKS = 0.25
"""Share of the outcome's variance that a field explains alone, beyond which it is suspected."""
GAINS = (0.01, 0.02, 0.05)
"""Gains, as shares of cases, whose showing is counted."""
_LAST_DAYS = 30
_Z = 1.645
# A gain is then shown in four of five draws.
_POWER = 0.84
_KNOWN_APART = 0.2
# Of the earlier mean, and in standard errors: what looks like outcomes that are not yet known.
_FALLEN, _ERRORS = 0.8, 4.0
# Fields that a row must know before two that are equal are more than alike.
_FIELDS = 8
_REPEATED = 0.01


@dataclass(frozen=True, slots=True, kw_only=True)
class MonthSeen:
    """A month's cases: `outcome` with its standard error, None where they are too few to tell."""

    month: str
    cases: int
    outcome: float | None
    error: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MixSeen:
    """A mix's cases on both sides of the split, mean outcome, and mean of 1{A = a} / propensity."""

    mix: str
    earlier: int
    later: int
    outcome: float | None
    weight: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldSeen:
    """A field: share unknown by side and by month, drift (PSI), and what it knows of the outcome.

    `explained` is the share of the outcome's variance that the field's values explain alone, on
    cases that they were not counted on.
    """

    name: str
    unknown_earlier: float
    unknown_later: float
    unknown_by_month: tuple[float | None, ...]
    drift: float
    explained: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """Cases in all that it takes to show a gain, and months at the pace of the files."""

    gain: float
    cases: int
    months: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something to look at: what was found, and what to do."""

    what: str
    way_out: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """What logged cases look like.

    Attributes:
        cases: without shielded and too recent ones.
        split: how learning and evaluation are told apart, "time" or "random", and the first day
            held out, "" without days.
        months: in order; empty without days.
        mixes: in the catalogue's order.
        fields: in the contract's order.
        needed: to show gains.
        findings: what to look at.
    """

    cases: int
    split: tuple[str, str]
    months: tuple[MonthSeen, ...]
    mixes: tuple[MixSeen, ...]
    fields: tuple[FieldSeen, ...]
    needed: tuple[Needed, ...]
    findings: tuple[Finding, ...]


def examine(cases: LoggedCases, mixes: tuple[str, ...], seed: int) -> Examined:
    """Looks at logged cases.

    Args:
        cases: at least one.
        mixes: ids of the catalogue, by number.
        seed: of the split, where there are no days.
    """
    held, by = held_out(cases, seed)
    month = None if cases.days is None else cases.days.astype("datetime64[M]")
    numbers = np.zeros(0, "datetime64[M]") if month is None else np.unique(month)
    columns = range(cases.rows.shape[1])
    fields = tuple(_field(cases, held, month, numbers, column) for column in columns)
    first = "" if cases.days is None or not held.any() else str(cases.days[held].min())
    findings = [
        *_censored(cases),
        *_leaks(fields),
        *_apart(fields),
        *_repeated(cases),
        *_small_side(cases),
    ]
    return Examined(
        cases=len(cases.mix),
        split=(by, first),
        months=tuple(_month(cases, month, one) for one in numbers) if month is not None else (),
        mixes=tuple(_mix(cases, held, number, name) for number, name in enumerate(mixes)),
        fields=fields,
        needed=_needed(cases, len(mixes)),
        findings=tuple(findings),
    )


def _month(cases: LoggedCases, month: NDArray[np.datetime64], one: np.datetime64) -> MonthSeen:
    outcome = cases.outcome[month == one]
    enough = len(outcome) >= SHOWN
    return MonthSeen(
        month=str(one),
        cases=len(outcome),
        outcome=float(outcome.mean()) if enough else None,
        error=float(outcome.std() / len(outcome) ** 0.5) if enough else None,
    )


def _mix(cases: LoggedCases, held: NDArray[np.bool_], number: int, name: str) -> MixSeen:
    own = cases.mix == number
    weight = None
    if cases.propensity is not None:
        weight = float(np.where(own, 1 / cases.propensity, 0.0).mean())
    return MixSeen(
        mix=name,
        earlier=int((own & ~held).sum()),
        later=int((own & held).sum()),
        outcome=float(cases.outcome[own].mean()) if own.sum() >= SHOWN else None,
        weight=weight,
    )


def _field(
    cases: LoggedCases,
    held: NDArray[np.bool_],
    month: NDArray[np.datetime64] | None,
    months: NDArray[np.datetime64],
    column: int,
) -> FieldSeen:
    feature, slots = FEATURES.features[column], cases.rows[:, column]
    before = np.bincount(slots[~held], minlength=feature.slots)
    after = np.bincount(slots[held], minlength=feature.slots)
    by_month: list[float | None] = []
    for one in months:
        own = slots[month == one]
        by_month.append(float((own == 0).mean()) if len(own) >= SHOWN else None)
    return FieldSeen(
        name=feature.name,
        unknown_earlier=float(before[0] / max(1, before.sum())),
        unknown_later=float(after[0] / max(1, after.sum())),
        unknown_by_month=tuple(by_month),
        drift=stability_index(before, after, feature) if len(slots) else 0.0,
        explained=explained(slots.astype(np.int64), cases.outcome),
    )


def explained(slots: Numbers, outcome: Floats) -> float:
    """Gives the share of the outcome's variance that a field's values explain alone.

    The means of the values are those of every other case, and judged on the rest; below 0 is 0.
    """
    taught = np.arange(len(slots)) % 2 == 0
    count = np.bincount(slots[taught], minlength=int(slots.max(initial=0)) + 1)
    total = np.bincount(slots[taught], outcome[taught], minlength=len(count))
    overall = outcome[taught].mean() if taught.any() else 0.0
    # A value that was hardly met says what all cases say.
    mean = (total + 5 * overall) / (count + 5)
    judged = outcome[~taught]
    spread = float(((judged - overall) ** 2).sum())
    if spread == 0:
        return 0.0
    return max(0.0, 1 - float(((judged - mean[slots[~taught]]) ** 2).sum()) / spread)


def _censored(cases: LoggedCases) -> list[Finding]:
    """Looks for outcomes that are not yet known: the newest cases reach the goal far less often."""
    if cases.days is None or cases.too_recent:
        return []
    age = (cases.days.max() - cases.days).astype(np.int64)
    found = 0
    # From the newest on, as long as a stretch lies below all that is older.
    for start in range(0, int(age.max()) - _LAST_DAYS, _LAST_DAYS):
        own = cases.outcome[(age >= start) & (age < start + _LAST_DAYS)]
        older = cases.outcome[age >= start + _LAST_DAYS]
        if len(own) < SHOWN or len(older) < SHOWN:
            break
        error = float(np.hypot(own.std() / len(own) ** 0.5, older.std() / len(older) ** 0.5))
        below = older.mean() - own.mean()
        if own.mean() > _FALLEN * older.mean() or below <= _ERRORS * error:
            break
        found = start + _LAST_DAYS
    if not found:
        return []
    recent, older = cases.outcome[age < found].mean(), cases.outcome[age >= found].mean()
    return [
        Finding(
            what=f"column outcome: of the last {found} days {recent:.1%} reach the goal, of those "
            f"before {older:.1%}: their outcome may not be known yet, and count as a failure",
            way_out=f"give --horizon DAYS, the time in which an outcome is complete "
            f"({found} at least)",
        )
    ]


def _leaks(fields: tuple[FieldSeen, ...]) -> list[Finding]:
    return [
        Finding(
            what=f"column {one.name}: explains {one.explained:.0%} of the outcome's variance "
            "alone; hardly anything known beforehand does: it may have been written afterwards, "
            "or from the outcome",
            way_out="see when the column is written; leave it out (ignore, in --map) if it is "
            "not known when the mix is chosen",
        )
        for one in fields
        if one.explained > LEAKS
    ]


def _apart(fields: tuple[FieldSeen, ...]) -> list[Finding]:
    found = []
    for one in fields:
        if abs(one.unknown_later - one.unknown_earlier) > _KNOWN_APART:
            found.append(
                Finding(
                    what=f"column {one.name}: unknown for {one.unknown_earlier:.0%} of the earlier "
                    f"cases and {one.unknown_later:.0%} of the later",
                    way_out="what is learned of it on one side says little on the other; see "
                    "whether it was logged otherwise",
                )
            )
        elif one.drift >= DRIFT:
            found.append(
                Finding(
                    what=f"column {one.name}: drifts between the earlier and the later cases "
                    f"(PSI {one.drift:.2f}; {DRIFT} asks for action)",
                    way_out="see whether it is recorded otherwise, or the users are others",
                )
            )
    return found


def _repeated(cases: LoggedCases) -> list[Finding]:
    """Looks for rows that are there several times under other references."""
    known = (cases.rows > 0).sum(axis=1) >= _FIELDS
    days = np.zeros(len(cases.mix)) if cases.days is None else cases.days.astype(np.int64)
    whole = np.column_stack([cases.rows, cases.mix, cases.outcome, days])[known]
    if not len(whole):
        return []
    _, counts = np.unique(whole, axis=0, return_counts=True)
    repeated = int(counts[counts > 1].sum())
    if repeated <= _REPEATED * len(cases.mix):
        return []
    return [
        Finding(
            what=f"column case_ref: {repeated} cases are equal to another in every field, mix, "
            "outcome and day, under another reference",
            way_out="leave doubles out: each counts as a case of its own, and intervals become "
            "too narrow",
        )
    ]


def _small_side(cases: LoggedCases) -> list[Finding]:
    if cases.days is not None:
        return []
    return [
        Finding(
            what="column decided_on: is not known, so held-out cases are drawn at random",
            way_out="give the day of the decision: a model is used on later cases than it "
            "learned from",
        )
    ]


def _needed(cases: LoggedCases, mixes: int) -> tuple[Needed, ...]:
    """Counts the cases that it takes to show a gain over the logged practice.

        n = (z_0.95 + z_0.8)^2 var(Y) (1 / p - 1) / gain^2,

    held out; p is the chance with which the version's mix was logged, taken as that of a mix drawn
    evenly: the harmonic mean of the mixes' shares.
    """
    shares = np.bincount(cases.mix, minlength=mixes) / max(1, len(cases.mix))
    shares = shares[shares > 0]
    spread = float(cases.outcome.var())
    inverse = float((1 / shares).mean()) if len(shares) else 1.0
    months = 0.0
    if cases.days is not None and len(cases.days):
        months = max(1, int((cases.days.max() - cases.days.min()).astype(np.int64))) / 30.4
    found = []
    for gain in GAINS:
        later = (_Z + _POWER) ** 2 * spread * max(inverse - 1, 1.0) / gain**2
        total = int(np.ceil(later / SHARE))
        pace = len(cases.mix) / months if months else 0.0
        found.append(Needed(gain=gain, cases=total, months=total / pace if pace else None))
    return tuple(found)
