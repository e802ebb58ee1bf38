"""What logged cases look like before anything is learned: `check` tells it, and draws it.

Months, mixes by side of the time split, unknown shares, drift, how many cases would show a gain,
and what makes a statistician stop (`soundness`).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.stability import stability_index
from training.data.dataset import LoggedCases
from training.data.hold_out import SHARE, sides
from training.evaluation.figures import Soundness
from training.evaluation.propensities import mean_weights
from training.evaluation.soundness import explained

SHOWN = 50
"""Months and mixes of fewer cases are not told: they would say something of persons."""
DRIFT = 0.25
GAINS = (0.01, 0.02, 0.05)
"""Gains, as shares of cases, whose showing is counted."""
_Z = 1.645
# A gain is then shown in four of five draws.
_POWER = 0.84
_KNOWN_APART = 0.2
_NAMED = 8


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

    `explained` is the share of the outcome's variance that the field's values explain alone.
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


def examine(cases: LoggedCases, mixes: tuple[str, ...], sound: Soundness, seed: int) -> Examined:
    """Looks at logged cases.

    Args:
        cases: at least one.
        mixes: ids of the catalogue, by number.
        sound: what `soundness` says of them.
        seed: of the split, where there are no days.
    """
    _, held, by = sides(cases, seed)
    month = None if cases.days is None else cases.days.astype("datetime64[M]")
    numbers = np.zeros(0, "datetime64[M]") if month is None else np.unique(month)
    columns = range(cases.rows.shape[1])
    fields = tuple(_field(cases, held, month, numbers, column) for column in columns)
    first = "" if cases.days is None or not held.any() else str(cases.days[held].min())
    weights: list[float | None] = [None] * len(mixes)
    if cases.propensity is not None:
        found = mean_weights(cases.mix, cases.propensity, len(mixes))
        weights = [one.value for one in found]
    findings = [
        *(
            Finding(what=f"column {one.column}: {one.problem}", way_out=one.fix)
            for one in sound.suspicions
        ),
        *_never_known(fields),
        *_apart(fields),
        *_small_side(cases),
    ]
    return Examined(
        cases=len(cases.mix),
        split=(by, first),
        months=tuple(_month(cases, month, one) for one in numbers) if month is not None else (),
        mixes=tuple(
            _mix(cases, held, number, name, weight)
            for number, (name, weight) in enumerate(zip(mixes, weights, strict=True))
        ),
        fields=fields,
        needed=_needed(cases, len(mixes)),
        findings=tuple(findings),
    )


def _never_known(fields: tuple[FieldSeen, ...]) -> tuple[Finding, ...]:
    never = [one.name for one in fields if one.unknown_earlier + one.unknown_later >= 2]
    if not never:
        return ()
    shown, more = ", ".join(never[:_NAMED]), len(never) - _NAMED
    rest = f" and {more} more" if more > 0 else ""
    return (
        Finding(
            what=f"{len(never)} of {len(fields)} fields are unknown in all cases: {shown}{rest}",
            way_out="give their columns, or name them in --map; nothing can be learned of what is "
            "never known",
        ),
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


def _mix(
    cases: LoggedCases, held: NDArray[np.bool_], number: int, name: str, weight: float | None
) -> MixSeen:
    own = cases.mix == number
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
        explained=max(0.0, explained(slots.astype(np.int64), cases.outcome)),
    )


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
