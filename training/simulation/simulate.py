"""Simulates logged cases and, beside them, the truth no log ever holds: the value of every mix."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.files.aside import written_aside
from training.data.case_files import CASES_KEY, SEED_KEY, SYNTHETIC_KEY, WORLD_KEY
from training.simulation.effects import mix_values
from training.simulation.logged_policy import draw_offices, mix_propensities
from training.simulation.population import Floats, Slots, draw_population
from training.simulation.worlds import DEFAULT, World

FIRST_DAY = date(2024, 9, 1)
DAYS = 730
OFFICES = 40
SHIELDED_SHARE = 0.003
# Standard deviation of the logarithm of minutes around the catalogue's.
MINUTES_SPREAD = 0.25
# Between which each field's share of unknowns is drawn.
UNKNOWN_SHARES = (0.03, 0.08)
UNKNOWN_RESERVATION = 0.005
"""Reservation comes from a register that rarely fails."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Simulation:
    """Logged cases, and the truth for those that are not shielded.

    Attributes:
        cases: as they are logged.
        truth: value_<MIX> and propensity_<MIX> by case_ref.
        seed: of all draws.
        world: name of the world that they are of.
    """

    cases: pl.DataFrame
    truth: pl.DataFrame
    seed: int
    world: str


def simulate(cases: int, seed: int, catalogue: Catalogue, world: World = DEFAULT) -> Simulation:
    """Simulates cases; equal arguments give equal frames."""
    rng = np.random.default_rng(seed)
    offices = draw_offices(rng, OFFICES)
    office = rng.integers(0, OFFICES, cases)
    day = np.sort(rng.integers(0, DAYS, cases))
    # Outcomes follow what people are; advisers, as learners, go by what was recorded of them.
    true = draw_population(rng, cases)
    recorded = record(rng, true)
    values = mix_values(true, catalogue, world)
    propensities = mix_propensities(recorded, office, day >= DAYS // 2, offices, catalogue)
    mix = _draw(rng, propensities)
    every = np.arange(cases)
    outcome = (rng.random(cases) < values[every, mix]).astype(np.int64)
    minutes = np.rint(catalogue.minutes[mix] * np.exp(rng.normal(0, MINUTES_SPREAD, cases))).astype(
        np.int64
    )

    refs = _references(rng, cases)
    frame = pl.DataFrame({"case_ref": refs} | _columns(recorded)).with_columns(
        pl.Series("mix", np.array(catalogue.ids)[mix].tolist()),
        pl.Series("outcome", outcome),
        pl.Series("adviser_minutes", minutes),
        pl.Series("propensity", propensities[every, mix]),
        pl.Series("decided_on", np.datetime64(FIRST_DAY, "D") + day.astype("timedelta64[D]")),
        pl.Series("office_ref", [f"office-{number + 1:02d}" for number in office]),
    )

    shielded = rng.random(cases) < SHIELDED_SHARE
    return Simulation(
        cases=_hide(frame, shielded),
        truth=_truth(refs, values, propensities, catalogue).filter(~pl.Series(shielded)),
        seed=seed,
        world=world.name,
    )


def truth_place(out: Path) -> Path:
    """Says where the truth of cases is written, beside them."""
    return out.with_name(f"{out.stem}.truth.parquet")


def write_simulation(simulation: Simulation, out: Path) -> Path:
    """Writes the cases to `out`, marked as synthetic, and the truth beside them.

    Returns:
        The truth's path.
    """
    truth = truth_place(out)
    mark = {
        SYNTHETIC_KEY: "true",
        SEED_KEY: str(simulation.seed),
        WORLD_KEY: simulation.world,
        CASES_KEY: str(len(simulation.cases)),
    }
    for frame, path in ((simulation.truth, truth), (simulation.cases, out)):
        with written_aside(path) as aside:
            frame.write_parquet(aside, metadata=mark)
    return truth


def record(rng: np.random.Generator, true: Slots) -> Slots:
    """Gives slots as recorded, some of every field unknown."""
    cases = len(true["shielded"])
    recorded = {}
    for name, slots in true.items():
        share = (
            UNKNOWN_RESERVATION if name == "digitally_reserved" else rng.uniform(*UNKNOWN_SHARES)
        )
        unknown = rng.random(cases) < share
        recorded[name] = slots if name == "shielded" else np.where(unknown, 0, slots)
    return recorded


def _draw(rng: np.random.Generator, propensities: Floats) -> NDArray[np.intp]:
    # A draw above the rounding error of the last sum must not name a mix that does not exist.
    above = rng.random(len(propensities))[:, None] > np.cumsum(propensities, axis=1)
    drawn: NDArray[np.intp] = np.minimum(above.sum(axis=1), propensities.shape[1] - 1)
    return drawn


def _references(rng: np.random.Generator, cases: int) -> list[str]:
    # The letter in the middle keeps chance runs of digits shorter than a national identity number.
    halves = rng.integers(0, 2**32, (cases, 2))
    return [f"{left:08x}x{right:08x}" for left, right in halves.tolist()]


def _columns(recorded: Slots) -> dict[str, pl.Series]:
    columns = {}
    for feature in FEATURES.features:
        slots = recorded[feature.name]
        if feature.values:
            names = pl.Series([None, *feature.values], dtype=pl.String)
            columns[feature.name] = names.gather(pl.Series(slots))
        else:
            integers = pl.Series(slots + feature.lower - 1, dtype=pl.Int32)
            columns[feature.name] = integers.set(pl.Series(slots == 0), None)
    return columns


def _hide(frame: pl.DataFrame, shielded: NDArray[np.bool_]) -> pl.DataFrame:
    """Keeps nothing of a shielded case but its reference and the fact."""
    hidden = pl.lit(pl.Series("hidden", shielded))
    yes = pl.when(hidden).then(pl.lit("YES")).otherwise(pl.col("shielded")).alias("shielded")
    others = [name for name in frame.columns if name not in ("case_ref", "shielded")]
    return frame.with_columns(
        yes, *(pl.when(~hidden).then(pl.col(name)).alias(name) for name in others)
    )


def _truth(
    refs: list[str], values: Floats, propensities: Floats, catalogue: Catalogue
) -> pl.DataFrame:
    columns = {f"value_{mix}": values[:, k] for k, mix in enumerate(catalogue.ids)}
    columns |= {f"propensity_{mix}": propensities[:, k] for k, mix in enumerate(catalogue.ids)}
    return pl.DataFrame({"case_ref": refs} | columns)
