"""The ledger for machines: a CSV, a textfile for Prometheus, and a short table for the terminal.

A new metric of the textfile joins in `write_prometheus`, and has its row in docs/ledger.md.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from prometheus_client import CollectorRegistry, Gauge, write_to_textfile

from router.files.spreadsheet import as_text
from router.ledger.account import Ledger, LedgerRefused
from router.ledger.arithmetic import Balance
from router.ledger.benefit import Benefit, Measured
from router.ledger.entries import EPOCH
from router.ledger.overrides import Overrides
from router.ledger.sequences import Effect
from router.ledger.shown import MINUTE_DIGITS, OUTCOME_DIGITS, Shown, rounded

# Of a minute: Prometheus asks for base units.
_SECONDS = 60
_DAY_SECONDS = 86_400
_BASES = ("estimated", "measured")
_OF_BALANCE = ("baseline", "used", "released", "reused", "unaccounted")
ALL = "ALL"
_NOTHING_SHOWN: Mapping[str, Shown] = MappingProxyType({})
_NO_BENEFIT: Mapping[str, Benefit] = MappingProxyType({})
_NOTHING_VIEWED: Mapping[str, Overrides] = MappingProxyType({})
COLUMNS = (
    "office",
    "week",
    "tier",
    "cases",
    "baseline",
    "planned",
    "released",
    "reused",
    "unaccounted",
    "measured_cases",
    "measured_baseline",
    "spent",
    "measured_released",
    "measured_reused",
    "measured_unaccounted",
    "measured_planned",
    "benefit_cases",
    "effect_from",
    "effect_lacks",
    "users_by_model",
    "users_measured",
    "users_measured_low",
    "users_measured_high",
    "minutes_by_catalogue",
    "minutes_measured",
    "minutes_measured_low",
    "minutes_measured_high",
)
"""Minutes; a week is named by its Monday, and ALL stands for all weeks, tiers or offices together.

`measured_planned` are the catalogue's minutes of the cases that were measured. From `benefit_cases`
on it is what showing the advice is worth (`Benefit`): of all weeks and tiers together only, empty
in other rows and where it cannot be told.
"""
_OF_BENEFIT = len(COLUMNS) - COLUMNS.index("benefit_cases")


def write_csv(
    path: Path, ledgers: Mapping[str, Ledger], benefits: Mapping[str, Benefit] = _NO_BENEFIT
) -> None:
    """Writes one row for each office, week and tier, and for each of them together.

    Args:
        path: of the file.
        ledgers: by office; of several together under ALL.
        benefits: what showing the advice is worth, likewise.
    """
    with path.open("w", encoding="utf-8", newline="") as file:
        out = csv.writer(file)
        out.writerow(COLUMNS)
        for office, ledger in ledgers.items():
            lines = [
                (ALL, ALL, ledger.total),
                *((ALL, part.name, part) for part in ledger.tiers),
                *((part.name, ALL, part) for part in ledger.weeks),
                *(
                    (week.name, part.name, part)
                    for week, parts in zip(ledger.weeks, ledger.weeks_by_tier, strict=True)
                    for part in parts
                ),
            ]
            for week, tier, part in lines:
                cells: list[object] = [
                    *_cells(part.estimated),
                    *_cells(part.measured),
                    part.planned.used,
                ]
                told = benefits.get(office) if week == tier == ALL else None
                cells += [""] * _OF_BENEFIT if told is None else _of_benefit(told)
                out.writerow([as_text(office), week, tier, *cells])


def _of_benefit(one: Benefit) -> list[object]:
    cells = [
        one.cases,
        one.source,
        one.lack,
        one.users_by_model,
        *(one.users or (None,) * 3),
        one.minutes_by_catalogue,
        *(one.minutes or (None,) * 3),
    ]
    return ["" if cell is None else cell for cell in cells]


def _cells(one: Balance) -> list[int]:
    return [one.cases, *(getattr(one, name) for name in _OF_BALANCE)]


def write_prometheus(
    path: Path,
    ledgers: Mapping[str, Ledger],
    shown: Mapping[str, Shown] = _NOTHING_SHOWN,
    overrides: Mapping[str, Overrides] = _NOTHING_VIEWED,
    benefits: Mapping[str, Benefit] = _NO_BENEFIT,
) -> None:
    """Writes a file for node_exporter's textfile collector, whole or not at all.

    Args:
        path: of the file.
        ledgers: by office.
        shown: what showing the advice does, by office; what cannot be told has no sample.
        overrides: whether own views do better than the advice, likewise.
        benefits: what showing the advice in the period is worth, likewise.

    Raises:
        LedgerRefused: if the file's name does not end with .prom: the collector would not read it.
    """
    if path.suffix != ".prom":
        raise LedgerRefused(f"prometheus: {path} must end with .prom")
    # Of its own: the file must not hold the metrics of the process that wrote it.
    registry = CollectorRegistry()
    spent = Gauge(
        "router_ledger_seconds",
        "Adviser time by office in the period asked for.",
        ("office", "kind", "basis"),
        registry=registry,
    )
    cases = Gauge("router_ledger_cases", "Cases counted.", ("office", "basis"), registry=registry)
    capacity = Gauge(
        "router_ledger_capacity_seconds",
        "Adviser time of the office.",
        ("office",),
        registry=registry,
    )
    contact = Gauge(
        "router_contact_seconds",
        "Adviser time per contact: reported, or the catalogue's.",
        ("office", "channel", "basis"),
        registry=registry,
    )
    ends = Gauge(
        "router_ledger_period_seconds",
        "Ends of the period, since 1970.",
        ("end",),
        registry=registry,
    )
    for office, ledger in ledgers.items():
        capacity.labels(office).set(ledger.capacity * _SECONDS)
        for basis in _BASES:
            for kind, minutes in _samples(getattr(ledger.total, basis), basis):
                spent.labels(office, kind, basis).set(minutes * _SECONDS)
            cases.labels(office, basis).set(getattr(ledger.total, basis).cases)
        for channel in ledger.contacts:
            if channel.minutes is not None:
                contact.labels(office, channel.channel, "measured").set(
                    channel.minutes.value * _SECONDS
                )
            if channel.catalogue is not None:
                contact.labels(office, channel.channel, "catalogue").set(
                    channel.catalogue * _SECONDS
                )
        for end, day in (("first", ledger.first), ("last", ledger.last)):
            ends.labels(end).set((day - EPOCH).days * _DAY_SECONDS)

    _write_shown(registry, shown)
    _write_overrides(registry, overrides)
    _write_benefits(registry, benefits)
    # Aside and renamed by the library: the collector may read at any moment.
    write_to_textfile(str(path), registry)


def _write_shown(registry: CollectorRegistry, shown: Mapping[str, Shown]) -> None:
    names = ("office", "group", "end")
    outcome = Gauge(
        "router_shown_outcome_ratio",
        "Outcome of cases shown the advice, less that of the control group.",
        names,
        registry=registry,
    )
    spent = Gauge(
        "router_shown_adviser_seconds",
        "Adviser time of a case shown the advice, less that of the control group.",
        names,
        registry=registry,
    )
    cases = Gauge(
        "router_shown_cases",
        "Cases that were drawn and followed up for 16 weeks.",
        ("office", "drawn"),
        registry=registry,
    )
    for office, one in shown.items():
        if not one.drawn:
            continue
        cases.labels(office, "shown").set(one.shown)
        cases.labels(office, "control").set(one.control)
        effects = [
            (outcome, ALL, one.outcome, 1, OUTCOME_DIGITS),
            (spent, ALL, one.minutes, _SECONDS, MINUTE_DIGITS),
        ]
        effects += [
            (outcome, name, effect, 1, OUTCOME_DIGITS) for name, effect in one.groups.items()
        ]
        for gauge, group, effect, times, digits in effects:
            _write_ends(gauge, (office, group), effect, times, digits)


def _write_ends(
    gauge: Gauge,
    labels: tuple[str, ...],
    told: Effect | Measured | None,
    times: int,
    digits: int,
) -> None:
    """Writes a value and the ends of its range, rounded in its own unit; nothing of None."""
    for end in ("value", "low", "high") if told is not None else ():
        gauge.labels(*labels, end).set(times * rounded(getattr(told, end), digits))


def _write_benefits(registry: CollectorRegistry, benefits: Mapping[str, Benefit]) -> None:
    names = ("office", "basis", "effect_from", "end")
    users = Gauge(
        "router_benefit_users",
        "Users more who reach the goal by the advice shown in the period; never add bases.",
        names,
        registry=registry,
    )
    spent = Gauge(
        "router_benefit_adviser_seconds",
        "Adviser time more by the advice shown in the period; never add bases.",
        names,
        registry=registry,
    )
    cases = Gauge(
        "router_benefit_cases",
        "Cases in the period whose plain advice was shown at once.",
        ("office",),
        registry=registry,
    )
    for office, one in benefits.items():
        cases.labels(office).set(one.cases)
        if one.source is None:
            continue
        for gauge, estimated, measured, times, digits in (
            (users, one.users_by_model, one.users, 1, OUTCOME_DIGITS),
            (spent, one.minutes_by_catalogue, one.minutes, _SECONDS, MINUTE_DIGITS),
        ):
            if estimated is not None:
                gauge.labels(office, "estimated", one.source, "value").set(times * estimated)
            _write_ends(gauge, (office, "measured", one.source), measured, times, digits)


def _write_overrides(registry: CollectorRegistry, overrides: Mapping[str, Overrides]) -> None:
    outcome = Gauge(
        "router_own_view_outcome_ratio",
        "Outcome where the adviser's own view was advised, less that where the model's best was.",
        ("office", "end"),
        registry=registry,
    )
    cases = Gauge(
        "router_own_view_cases",
        "Cases whose own view came before the advice, followed up for 16 weeks.",
        ("office", "place"),
        registry=registry,
    )
    for office, one in overrides.items():
        for place, count in one.places.items():
            cases.labels(office, place.lower()).set(count)
        _write_ends(outcome, (office,), one.outcome, 1, OUTCOME_DIGITS)


def _samples(one: Balance, basis: str) -> Iterator[tuple[str, int]]:
    for name in _OF_BALANCE:
        kind = name if name != "used" else "planned" if basis == "estimated" else "spent"
        yield kind, getattr(one, name)


def table(ledgers: Mapping[str, Ledger]) -> str:
    """Writes a short table of hours for the terminal, estimated and measured apart."""
    kinds = ("cases", "baseline", "used", "released", "reused", "unaccounted")
    heads = ("cases", "earlier", "used", "released", "used again", "unallocated")
    lines = [f"{'office':<24} {'hours':<10}" + "".join(f"{head:>12}" for head in heads)]
    for office, ledger in ledgers.items():
        for basis in _BASES:
            one: Balance = getattr(ledger.total, basis)
            if not one.cases:
                lines.append(f"{office:<24} {basis:<10}  no cases, or fewer than ten")
                continue
            hours = (f"{getattr(one, kind) / _SECONDS:,.0f}" for kind in kinds[1:])
            lines.append(
                f"{office:<24} {basis:<10}"
                + "".join(f"{text:>12}" for text in (f"{one.cases:,}", *hours))
            )
    return "\n".join(lines)
