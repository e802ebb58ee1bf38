"""The made-up offices of the simulated year, as policy files: budgets, prices, weights."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from router.decision.schema import UNKNOWN

NATIONAL_FILES = ("national.toml", "mixes.toml", "gate.toml")
OFFICES_AT_MOST = 50
_BEFORE = {
    "GOOD_OPPORTUNITIES": 96,
    "NEEDS_GUIDANCE": 108,
    "NEEDS_GUIDANCE_REDUCED_CAPACITY": 126,
    "PARTIAL_WORK": 130,
    "SMALL_OPPORTUNITY": 134,
    "NOT_DECIDED": 104,
    UNKNOWN: 110,
}
"""Assumed minutes a case before: much alike for all, as where nobody looks at who needs it most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lots:
    """What offices leave to the lot, shares of plain advice.

    Attributes:
        control: never shown.
        own_view: waits for the adviser's own view.
        exploration: whose mix is drawn among those that are nearly worth the best.
    """

    control: float = 0.0
    own_view: float = 0.0
    exploration: float = 0.0

    @property
    def drawn(self) -> bool:
        """Whether anything is."""
        return bool(self.control or self.own_view or self.exploration)


NO_LOTS = Lots()


@dataclass(frozen=True, slots=True, kw_only=True)
class MadeUpOffice:
    """One office of the simulation.

    Attributes:
        ref: its reference.
        minutes_per_week: adviser minutes that it has.
        price: of a minute, outcome points.
        weights: by field, then value.
        baseline: minutes a case before, by need group and UNKNOWN.
        override: share of choices that differ from the advice.
        reports: share of outcomes whose time is reported.
        lots: what is left to the lot.
    """

    ref: str
    minutes_per_week: int
    price: float
    weights: dict[str, dict[str, float]]
    baseline: dict[str, int]
    override: float
    reports: float
    lots: Lots


# Outcome points: as far from the best as an office may draw.
_MARGIN = 0.01
# Weights of an office that puts the weakest first, and of one that does so a little.
_STRONG = {
    "SMALL_OPPORTUNITY": 2.5,
    "NEEDS_GUIDANCE_REDUCED_CAPACITY": 1.8,
    "PARTIAL_WORK": 1.8,
    "NOT_DECIDED": 1.2,
}
_MILD = {"SMALL_OPPORTUNITY": 1.6, "NEEDS_GUIDANCE_REDUCED_CAPACITY": 1.3}
_SKILL = {"WEAK": 1.3, "NON_USER": 1.6}
# Price, weights by need group, weights by digital skill, practice before against the usual one,
# overrides, reports.
_KINDS: tuple[tuple[float, dict[str, float], dict[str, float], float, float, float], ...] = (
    (0.00055, _STRONG, _SKILL, 1.14, 0.12, 0.92),
    (0.00060, _MILD, _SKILL, 1.20, 0.05, 0.85),
    (0.00048, _STRONG, {}, 1.00, 0.25, 0.75),
    (0.00050, {}, {"WEAK": 1.2, "NON_USER": 1.5}, 1.10, 0.09, 0.45),
    (0.00050, _STRONG, {"WEAK": 1.5, "NON_USER": 2.0}, 1.18, 0.17, 0.95),
)


def made_up_offices(
    count: int, cases_a_week: int, lots: Lots = NO_LOTS
) -> tuple[MadeUpOffice, ...]:
    """Gives the first so many offices; after five the kinds repeat.

    Raises:
        ValueError: if it is not 1 to 50.
    """
    if not 1 <= count <= OFFICES_AT_MOST:
        raise ValueError(f"offices: {count} is outside 1 to {OFFICES_AT_MOST}")
    found = []
    for number in range(count):
        price, need, skill, before, override, reports = _KINDS[number % len(_KINDS)]
        found.append(
            MadeUpOffice(
                ref=f"synthetic-{number + 1}",
                minutes_per_week=max(60, round(115 * before * cases_a_week)),
                price=price,
                weights={
                    name: one
                    for name, one in (("need_group", need), ("digital_skill", skill))
                    if one
                },
                baseline={group: round(minutes * before) for group, minutes in _BEFORE.items()},
                override=override,
                reports=reports,
                lots=lots,
            )
        )
    return tuple(found)


def write_policies(folder: Path, offices: tuple[MadeUpOffice, ...], national: Path) -> None:
    """Writes a folder of policies: the national files as they are, and one for each office."""
    (folder / "offices").mkdir(parents=True)
    for name in NATIONAL_FILES:
        shutil.copyfile(national / name, folder / name)
    for office in offices:
        (folder / "offices" / f"{office.ref}.toml").write_text(_policy(office), encoding="utf-8")


def _policy(office: MadeUpOffice) -> str:
    lines = [
        "# SYNTHETIC: a made-up office of the simulated year. It describes no real one.",
        f"minutes_per_week = {office.minutes_per_week}",
        f"price_per_minute = {office.price}",
    ]
    lots = office.lots
    shares = {"control": lots.control, "after_own_view": lots.own_view}
    if any(shares.values()):
        lines += ["", "[disclosure]", *(f"{name} = {one}" for name, one in shares.items() if one)]
    if lots.exploration:
        lines += ["", "[exploration]", f"share = {lots.exploration}", f"margin = {_MARGIN}"]
    sections: dict[str, Mapping[str, float]] = {
        f"weights.{field}": values for field, values in office.weights.items()
    }
    for section, values in (sections | {"baseline_minutes": office.baseline}).items():
        lines += ["", f"[{section}]", *(f"{name} = {value}" for name, value in values.items())]
    return "\n".join(lines) + "\n"
