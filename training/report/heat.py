"""Heat tables: numbers that a colour makes easy to scan, as HTML, so that they fit any width."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from router.decision.tables import Floats
from training.report.words import signed

NINETY = 1.645  # a normal's two-sided 90 per cent
_STRONGEST = 0.55  # of the colour: dark words must still be read on it


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One number: its words, its colour's strength (-1 to 1), whether it is beyond chance."""

    words: str
    strength: float
    sure: bool

    @property
    def style(self) -> str:
        """The cell's background: blue above zero, orange below."""
        colour = "0 114 178" if self.strength > 0 else "213 94 0"
        return f"background:rgb({colour} / {_STRONGEST * abs(self.strength):.2f})"


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatRow:
    """A row: its label, what stands beside the label, and its cells."""

    label: str
    cases: int
    cells: tuple[Cell, ...]
    within: str


@dataclass(frozen=True, slots=True, kw_only=True)
class HeatTable:
    """A table with a sentence on what it means.

    Attributes:
        title: what it is of.
        sentence: what a reader should see in it.
        corner: what the rows are.
        heads: of the columns.
        rows: from the top down.
    """

    title: str
    sentence: str
    corner: str
    heads: tuple[str, ...]
    rows: tuple[HeatRow, ...]


def heat_row(label: str, cases: int, values: Floats, errors: Floats, reach: float) -> HeatRow:
    """Makes a row of percentage points.

    Args:
        label: of the row.
        cases: training cases that it rests on.
        values: (columns,) points; NaN where too few cases say anything.
        errors: (columns,) standard errors.
        reach: points that have the strongest colour.
    """
    cells = tuple(
        Cell(
            words=signed(value) if np.isfinite(value) else "·",
            strength=float(np.clip(np.nan_to_num(value) / reach, -1, 1)),
            sure=bool(abs(value) > NINETY * error),
        )
        for value, error in zip(values.tolist(), errors.tolist(), strict=True)
    )
    known = errors[np.isfinite(values)]
    within = f"±{NINETY * known.max():.1f}" if len(known) else ""
    return HeatRow(label=label, cases=cases, cells=cells, within=within)


def jackknife(folds: Floats) -> tuple[Floats, Floats]:
    """Gives mean and delete-a-group jackknife error over the last axis."""
    count = folds.shape[-1]
    mean = folds.mean(axis=-1)
    spread = ((folds - mean[..., None]) ** 2).sum(axis=-1)
    return mean, np.sqrt((count - 1) / count * spread)
