"""A SYNTHETIC year of made-up offices: advice and answers in a real journal, and the truth.

Advice comes from the real decision core with the promoted model; people are drawn. It says nothing
of real people.
"""

from __future__ import annotations

import json
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
from prometheus_client import CollectorRegistry

from router.advice.recommender import Advice
from router.cases.features import FEATURES
from router.decision.decision import Status
from router.decision.draws import Draws
from router.decision.schema import UNKNOWN
from router.files.formats import OutRefused
from router.journal.opening import open_journal
from router.journal.record import Record
from router.serving.live import Loader, Snapshot
from router.serving.metrics import Metrics
from router.texts import load_texts
from training.simulation.effects import mix_values
from training.simulation.population import Slots, draw_population
from training.simulation.worlds import DEFAULT, WORLDS
from training.simulation.year_offices import (
    NO_LOTS,
    Lots,
    MadeUpOffice,
    made_up_offices,
    write_policies,
)
from training.simulation.year_people import Habits, People
from training.simulation.year_truth import TrueCase, count_truth

FIRST_DAY = date(2026, 1, 5)
# Shares: cases shielded, and asked about twice; unknowns of a field, and of a register that rarely
# fails.
SHIELDED, ASKED_AGAIN, UNKNOWN_SHARE, UNKNOWN_RESERVATION = 0.003, 0.04, 0.04, 0.005
JOURNAL, TRUTH, POLICIES = "journal.db", "truth.json", "policies"
NOTICE = (
    "SYNTHETIC: a simulated year of made-up offices. Its figures say nothing about real people."
)
_BATCH = 1000
_DAYS = 7


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """How much is simulated, from which seed, in which world, and what is left to the lot."""

    seed: int = 1
    offices: int = 5
    weeks: int = 52
    cases_a_week: int = 60
    world: str = DEFAULT.name
    lots: Lots = NO_LOTS

    @property
    def last_day(self) -> date:
        """Last day of the simulation."""
        return FIRST_DAY + timedelta(days=_DAYS * self.weeks - 1)


def simulate_year(out: Path, extent: Extent, *, models: Path, policies: Path) -> dict[str, Any]:
    """Simulates offices and writes policies/, journal.db and truth.json into a new folder.

    Args:
        out: the folder; it must not exist, or be empty.
        extent: how much.
        models: with the promoted version.
        policies: the national policy and the catalogue to copy.

    Returns:
        The truth as written.

    Raises:
        OutRefused: if the folder has something in it.
        ValueError: if the extent is outside its bounds.
    """
    if not 1 <= extent.weeks <= 520 or not 1 <= extent.cases_a_week <= 10_000:
        weeks = f"weeks: {extent.weeks} is outside 1 to 520"
        raise ValueError(f"{weeks}, or cases: {extent.cases_a_week} outside 1 to 10000")
    offices = made_up_offices(extent.offices, extent.cases_a_week, extent.lots)
    if out.exists() and any(out.iterdir()):
        raise OutRefused(f"out: {out} is not empty; give a new folder")
    write_policies(out / POLICIES, offices, policies)

    # A registry of its own, for nobody scrapes a simulation.
    metrics = Metrics(CollectorRegistry())
    loader = Loader(
        models=models,
        policies=out / POLICIES,
        trusted=None,
        texts=load_texts(),
        metrics=metrics,
        # No secret: whoever repeats the seed gets the same groups.
        draws=Draws(f"synthetic year {extent.seed}".encode()) if extent.lots.drawn else None,
    )
    year = _Year(loader.load(loader.look(), None), extent)
    for week in range(extent.weeks):
        for office in offices:
            year.arrive(office, week)
    _write(out / JOURNAL, year.records)

    truth = {
        "synthetic": True,
        "notice": NOTICE,
        "seed": extent.seed,
        "from": str(FIRST_DAY),
        "to": str(extent.last_day),
        "offices": count_truth(year.cases),
    }
    if extent.lots.control:
        truth["shown"] = year.shown()
    (out / TRUTH).write_text(json.dumps(truth, indent=1) + "\n", encoding="utf-8")
    return truth


class _Year:
    """The simulation while it runs: what was recorded, and each case with what truly happened."""

    def __init__(self, served: Snapshot, extent: Extent) -> None:
        self.records: list[Record] = []
        self.cases: list[TrueCase] = []
        self._served = served
        self._rng = np.random.default_rng(extent.seed)
        self._weeks = extent.weeks
        self._cases_a_week = extent.cases_a_week
        self._world = WORLDS[extent.world]
        self._end = _moment(extent.last_day + timedelta(days=1), 0)
        self._people = People(self._rng, served.catalogue, self._end)
        self._effects: dict[str, list[tuple[float, float]]] = defaultdict(list)

    def shown(self) -> dict[str, dict[str, float]]:
        """Gives what showing plain advice truly does on average, by office and for ALL.

        Outcome, and minutes by the catalogue.
        """
        every = {**self._effects, "ALL": [one for part in self._effects.values() for one in part]}
        means = {office: np.mean(found, axis=0).tolist() for office, found in every.items()}
        return {office: {"outcome": one[0], "minutes": one[1]} for office, one in means.items()}

    def arrive(self, office: MadeUpOffice, week: int) -> None:
        """Lets a week's cases arrive at one office, with all that comes of them within the year."""
        count = int(self._rng.poisson(self._cases_a_week))
        if not count:
            return
        true = draw_population(self._rng, count)
        rows = _recorded(self._rng, true)
        refs = [
            f"synthetic-{self._rng.integers(2**32):08x}x{self._rng.integers(2**32):08x}"
            for _ in range(count)
        ]

        monday = FIRST_DAY + timedelta(weeks=week)
        weekday = timedelta(days=int(self._rng.integers(0, 5)))
        moment = _moment(monday + weekday, 9)
        advice = self._advise(office, rows, refs, moment)

        # People answer the later advice; the first stays in the journal and nobody answers it.
        again = self._rng.random(count) < ASKED_AGAIN
        later = moment + int(self._rng.integers(2, 21)) * _moment_day()
        if later < self._end and again.any():
            asked = np.flatnonzero(again).tolist()
            for place, one in zip(
                asked,
                self._advise(office, [rows[p] for p in asked], [refs[p] for p in asked], later),
                strict=True,
            ):
                advice[place] = one
        else:
            again[:] = False

        values = mix_values(true, self._served.catalogue, self._world)
        habits = Habits.of(advice, self._served.catalogue)
        for place, one in enumerate(advice):
            if one.decision.mix < 0:
                continue  # shielded: people alone, and no ledger
            case = self._case(office, one)
            if one.decision.status == Status.RECOMMENDED:
                effect = self._people.effect(one, values[place], office, case.need_group)
                self._effects[office.ref].append(effect)
            self.records += self._people.answer(
                case, one, values[place], later if again[place] else moment, office, habits
            )
            self.cases.append(case)

    def _advise(
        self, office: MadeUpOffice, rows: list[list[int]], refs: list[str], moment: int
    ) -> list[Advice]:
        advice, records = self._served.recommender(office.ref).decide(rows, refs, now=moment)
        self.records += records
        return advice

    def _case(self, office: MadeUpOffice, one: Advice) -> TrueCase:
        known = {
            name: FEATURES[name].value(int(one.row[FEATURES.column(name)]))
            for name in ("need_group", "digital_skill")
        }
        return TrueCase(
            office=office,
            need_group=str(known["need_group"] or UNKNOWN),
            digital_skill=str(known["digital_skill"] or UNKNOWN),
            advised=self._served.catalogue.mixes[one.decision.mix].adviser_minutes,
        )


def _recorded(rng: np.random.Generator, true: Slots) -> list[list[int]]:
    """Gives rows of slots as an agency would have them: some unknown, a few cases shielded."""
    columns = []
    for name, slots in true.items():
        share = {"digitally_reserved": UNKNOWN_RESERVATION, "shielded": 0.0}.get(
            name, UNKNOWN_SHARE
        )
        unknown = rng.random(len(slots)) < share
        columns.append(np.where(unknown, 0, slots))
    rows = np.column_stack(columns)

    shielded = rng.random(len(rows)) < SHIELDED
    # Of a shielded case nothing else is sent.
    rows[shielded] = 0
    rows[shielded, FEATURES.column("shielded")] = FEATURES["shielded"].slot("YES")
    found: list[list[int]] = rows.tolist()
    return found


def _moment(day: date, hour: int) -> int:
    """Gives an hour of a day in microseconds since 1970."""
    return int(datetime.combine(day, time(hour), UTC).timestamp()) * 1_000_000


def _moment_day() -> int:
    return 24 * 60 * 60 * 1_000_000


def _write(path: Path, records: list[Record]) -> None:
    store = open_journal(f"sqlite:///{path}")
    try:
        # Drawn office by office; a chain is in order of time.
        ordered = sorted(records, key=lambda record: record.written_at)
        for start in range(0, len(ordered), _BATCH):
            store.write_batch(ordered[start : start + _BATCH])
    finally:
        store.close()
