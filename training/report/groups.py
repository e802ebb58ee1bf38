"""Rows of "Who gets what" (sections/groups): mixes, minutes and gain by group."""

from __future__ import annotations

from dataclasses import dataclass

from training.evaluation.figures import Estimate, Figures, GroupFigures


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Where gains lie on the small drawings of all groups: one scale, with zero on it.

    Attributes:
        low: points at the left end.
        high: points at the right end.
    """

    low: float
    high: float

    def at(self, outcome: float) -> str:
        """Gives the place of an outcome difference, 0 to 100."""
        return f"{100 * (100 * outcome - self.low) / (self.high - self.low):.1f}"


def fields_of(figures: Figures) -> list[tuple[str, str]]:
    """Gives source and field of each grouping, in the figures' order."""
    return list(dict.fromkeys((group.source, group.field) for group in figures.groups))


def groups_of(figures: Figures, source: str, field: str) -> list[GroupFigures]:
    """Gives the groups of a field."""
    return [group for group in figures.groups if (group.source, group.field) == (source, field)]


def gain_scale(figures: Figures) -> Scale:
    """Finds the scale on which all groups' gains fit."""
    return scale([group.gain for group in figures.groups if group.gain is not None])


def scale(gains: list[Estimate]) -> Scale:
    """Finds the scale on which gains fit, with a little room."""
    low = min([100 * gain.low for gain in gains] + [-0.1])
    high = max([100 * gain.high for gain in gains] + [0.1])
    room = 0.04 * (high - low)
    return Scale(low=low - room, high=high + room)
