"""Rows of "Who gets what" (sections/groups), and of the card: mixes, minutes and gain by group."""

from __future__ import annotations

from dataclasses import dataclass, replace

from router.cases.features import FEATURES
from training.evaluation.figures import Estimate, Figures, GroupFigures
from training.report.words import is_share


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
    """Gives the groups of a field, as `in_order` has them."""
    return [group for group in in_order(figures) if (group.source, group.field) == (source, field)]


def in_order(figures: Figures) -> list[GroupFigures]:
    """Gives all groups, field by field: in the contract's order where it has the field.

    An audit file's column may have a field's name, and then goes by it too. Values that the
    contract does not have, "unknown" among them, come last and stay in the figures' order.
    What would be no share of people is left out of a group, see `words.is_share`.
    """
    fields = fields_of(figures)

    def place(group: GroupFigures) -> tuple[int, int]:
        known = group.field in FEATURES.names
        values = FEATURES[group.field].values if known else ()
        at = values.index(group.group) if group.group in values else len(values)
        return fields.index((group.source, group.field)), at

    return [_as_told(group) for group in sorted(figures.groups, key=place)]


def _as_told(group: GroupFigures) -> GroupFigures:
    if group.candidate is None or is_share(group.candidate):
        return group
    return replace(group, candidate=None, gain=None, calibration=None)


def some_untold(figures: Figures) -> bool:
    """Tells if `in_order` leaves something out of a group."""
    return any(_as_told(group) != group for group in figures.groups)


def gain_scale(figures: Figures) -> Scale:
    """Finds the scale on which all groups' gains fit."""
    return scale([group.gain for group in in_order(figures) if group.gain is not None])


def scale(gains: list[Estimate]) -> Scale:
    """Finds the scale on which gains fit, with a little room."""
    low = min([100 * gain.low for gain in gains] + [-0.1])
    high = max([100 * gain.high for gain in gains] + [0.1])
    room = 0.04 * (high - low)
    return Scale(low=low - room, high=high + room)
