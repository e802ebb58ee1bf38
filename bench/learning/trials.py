"""Three randomised trials as plain arrays. The files stay where they are.

Their folder is given on the command line.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl

from training.learning.scores import Floats, Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial whose arms were drawn with known chances.

    Attributes:
        name: as the table prints it.
        unit: of one point of `outcome` times `scale`.
        scale: what an outcome of 1 rather than 0 means in units.
        rows: (n, features) known before the draw.
        arm: (n,) 0 is no treatment.
        outcome: (n,) 0 to 1, more is better.
        chance: (n, arms) probability with which each arm was drawn.
        spend: (arms,) what an arm uses of the budget.
        budget: mean spend a case, or None where arms have no cost.
        by_chance: whether the chances are equal for every case.
        arms: their names.
    """

    name: str
    unit: str
    scale: float
    rows: Floats
    arm: Numbers
    outcome: Floats
    chance: Floats
    spend: Floats
    budget: float | None
    by_chance: bool
    arms: tuple[str, ...]


def jtpa(folder: Path, *, cost: float = 774.0) -> Trial:
    """Reads the National JTPA Study, Kitagawa and Tetenov's sample.

    30 months' earnings less the treatment's cost.
    """
    table = pl.read_csv(folder / "jtpa_kt.csv.gz")
    arm = table["D"].to_numpy().astype(np.int64)
    outcome, scale = _scaled(table["earnings"].to_numpy() - cost * arm)
    return Trial(
        name="JTPA" if cost else "JTPA, cost left out",
        unit="$",
        scale=scale,
        rows=_floats(table, ["prevearn", "edu"]),
        arm=arm,
        outcome=outcome,
        chance=np.tile([1 / 3, 2 / 3], (len(arm), 1)),
        spend=np.array([0.0, 1.0]),
        budget=0.5,
        by_chance=True,
        arms=("treat none", "treat all"),
    )


def penn(folder: Path) -> Trial:
    """Reads the Pennsylvania reemployment bonus: weeks of benefit, fewer is better.

    Offer 6 is offer 4 without a workshop and ended early: the two are one arm, as is usual. The
    shares drawn changed from quarter to quarter, so a case's chances are its quarter's shares.
    """
    table = pl.read_csv(folder / "penn_jae.csv.gz")
    arm = table["tg"].to_numpy().astype(np.int64)
    arm[arm == 6] = 4

    quarter = _floats(table, [f"q{number}" for number in range(1, 7)]).argmax(axis=1)
    counts = np.zeros((6, 6))
    np.add.at(counts, (quarter, arm), 1)

    outcome, scale = _scaled(-table["inuidur1"].to_numpy())
    columns = [
        column for column in table.columns if column not in ("abdt", "tg", "inuidur1", "inuidur2")
    ]

    return Trial(
        name="Pennsylvania bonus",
        unit="weeks",
        scale=scale,
        rows=_floats(table, columns),
        arm=arm,
        outcome=outcome,
        chance=(counts / counts.sum(axis=1, keepdims=True))[quarter],
        spend=np.zeros(6),
        budget=None,
        by_chance=False,
        arms=("no offer", "low, short", "low, long", "high, short", "high, long", "declining"),
    )


def hillstrom(folder: Path) -> Trial:
    """Hillstrom's e-mails: whether the customer visited; a third each; a mail is the spend."""
    table = pl.read_csv(folder / "hillstrom.csv.gz")
    arms = ("No E-Mail", "Mens E-Mail", "Womens E-Mail")
    arm = np.array([arms.index(segment) for segment in table["segment"]], dtype=np.int64)

    kinds = table.select("zip_code", "channel").to_dummies(drop_first=True).to_numpy().astype(float)
    rows = np.column_stack(
        [_floats(table, ["recency", "history", "mens", "womens", "newbie"]), kinds]
    )

    return Trial(
        name="Hillstrom",
        unit="points of visits",
        scale=100.0,
        rows=rows,
        arm=arm,
        outcome=table["visit"].to_numpy().astype(float),
        chance=np.full((len(arm), 3), 1 / 3),
        spend=np.array([0.0, 1.0, 1.0]),
        budget=0.3,
        by_chance=True,
        arms=arms,
    )


TRIALS: dict[str, Callable[[Path], Trial]] = {"jtpa": jtpa, "penn": penn, "hillstrom": hillstrom}


def _floats(table: pl.DataFrame, columns: list[str]) -> Floats:
    return table.select(columns).to_numpy().astype(float)


def _scaled(raw: np.ndarray) -> tuple[Floats, float]:
    # Bounded outcomes are what ours learns from; the scale turns differences back.
    low, high = float(raw.min()), float(raw.max())
    return (raw - low) / (high - low), high - low
