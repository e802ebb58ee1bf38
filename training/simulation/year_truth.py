"""What the simulated year knows for certain: sums counted case by case, as it draws.

Nothing here calls the ledger: its sums must come out the same by another road.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from router.decision.schema import UNKNOWN
from training.simulation.year_offices import MadeUpOffice

_MILDEST_FIRST = {
    "need_group": (
        "GOOD_OPPORTUNITIES",
        "NEEDS_GUIDANCE",
        "NEEDS_GUIDANCE_REDUCED_CAPACITY",
        "PARTIAL_WORK",
        "SMALL_OPPORTUNITY",
    ),
    "digital_skill": ("STRONG", "OK", "WEAK", "NON_USER"),
}


@dataclass(slots=True, kw_only=True)
class TrueCase:
    """One case of the simulation with all that happened to it within the year.

    Attributes:
        office: where.
        need_group: value or UNKNOWN.
        digital_skill: value or UNKNOWN.
        advised: minutes of the mix recommended.
        agreed: minutes of the mix that was chosen at last; None while nobody chose.
        reached: outcome; None while there is none.
        time: by channel, contacts and minutes really spent; empty when no time was reported.
    """

    office: MadeUpOffice
    need_group: str
    digital_skill: str
    advised: int
    agreed: int | None = None
    reached: int | None = None
    time: dict[str, tuple[int, int]] = field(default_factory=dict)


def count_truth(cases: list[TrueCase]) -> dict[str, dict[str, Any]]:
    """Counts true sums by office, in whole minutes."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    for case in cases:
        one = counts[case.office.ref]
        one["cases"] += 1
        # Advice counts as followed until somebody says what was agreed.
        planned = case.advised if case.agreed is None else case.agreed
        _add(one, "estimated", case, planned)
        if case.time:
            _add(one, "measured", case, sum(minutes for _, minutes in case.time.values()))
        for channel, (contacts, minutes) in case.time.items():
            one[f"channels.{channel}.reports"] += contacts > 0
            one[f"channels.{channel}.contacts"] += contacts
            one[f"channels.{channel}.minutes"] += minutes
        if case.agreed is None:
            one["waiting_for_choice"] += 1
        else:
            one[f"choices.{_direction(case.advised, case.agreed)}"] += 1
            one["waiting_for_outcome"] += case.reached is None
        if case.reached is not None:
            one["outcomes"] += 1
            one["reached"] += case.reached
    return {office: _nested(one) for office, one in sorted(counts.items())}


def _add(counts: Counter[str], basis: str, case: TrueCase, used: int) -> None:
    before = case.office.baseline[case.need_group]
    for place in (basis, f"{basis}.tiers.{_tier(case)}"):
        counts[f"{place}.cases"] += 1
        counts[f"{place}.baseline"] += before
        counts[f"{place}.used"] += used
        if used < before:
            counts[f"{place}.released"] += before - used
        else:
            counts[f"{place}.reused"] += used - before


def _tier(case: TrueCase) -> str:
    if case.need_group == UNKNOWN:
        return UNKNOWN
    weight = 1.0
    for name, value in (("need_group", case.need_group), ("digital_skill", case.digital_skill)):
        weight *= _weight(case.office.weights.get(name, {}), _MILDEST_FIRST[name], value)
    # The ledger's tiers, written out a second time on purpose.
    if weight >= 1.5:
        return "FIRST"
    return "NEXT" if weight > 1 else "OTHERS"


def _direction(advised: int, agreed: int) -> str:
    if agreed == advised:
        return "SAME"
    return "MORE" if agreed > advised else "LESS"


def _nested(counts: Counter[str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, count in sorted(counts.items()):
        *way, last = key.split(".")
        inner = found
        for step in way:
            inner = inner.setdefault(step, {})
        inner[last] = int(count)
    return found


def _weight(weights: Mapping[str, float], mildest_first: Sequence[str], value: str) -> float:
    """Gives a value's weight, the policy's rule written out a second time on purpose."""
    if value == UNKNOWN:
        # As bad as WEAK by the order of digital skills; of need groups the largest.
        known = mildest_first[:3] if "WEAK" in mildest_first else mildest_first
        return max(_weight(weights, mildest_first, one) for one in known)
    if value not in mildest_first:
        return weights.get(value, 1.0)
    reached = mildest_first[: mildest_first.index(value) + 1]
    return next((weights[one] for one in reversed(reached) if one in weights), 1.0)
