"""Charts of "What each mix is worth, by field" (effects.html.j2): one a field, with its support."""

from __future__ import annotations

import textwrap
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from router.decision.schema import Feature
from router.decision.tables import DecisionTables, Floats
from router.drawing.axes import rows, zero_line
from router.drawing.colours import BLUE, INK, LINE, ORANGE, QUIET
from router.drawing.drawing import Drawing, draw
from training.report.words import names, number, percent

FIELDS_SHOWN = 10
BINS = 40
LONGEST_LINE = 18  # signs; more would reach into the panel beside it
NINETY = 1.645  # a normal's two-sided 90 per cent


@dataclass(frozen=True, slots=True, kw_only=True)
class Effects:
    """One field's part of the contrasts to the first mix, as shifts from the average training case.

    Attributes:
        feature: the field.
        shift: (slots, mixes - 1) points.
        error: (slots, mixes - 1) points, standard error.
        counts: (slots,) training cases.
    """

    feature: Feature
    shift: Floats
    error: Floats
    counts: NDArray[np.int64]

    @property
    def weight(self) -> float:
        """Mean absolute shift over training cases and mixes, points: how much the field matters."""
        cases = self.counts.sum()
        return float((self.counts @ np.abs(self.shift)).mean() / cases) if cases else 0.0


def effects(tables: DecisionTables) -> list[Effects]:
    """Measures all model fields, the one that matters most first.

    The error is the folds' delete-a-group jackknife, sqrt((F - 1) / F * sum_f (c_f - c)^2); the
    tables' folds are spread by the calibrated factor already.
    """
    found = []
    for column, start in zip(tables.columns, tables.offsets, strict=True):
        feature = tables.features.features[column]
        part = slice(start, start + feature.slots)
        counts = tables.counts[part]
        contrast = 100 * (tables.values[part, 1:] - tables.values[part, :1])
        if counts.sum():
            # Relative to the average case, as the reasons that users are given are.
            contrast = contrast - np.tensordot(counts / counts.sum(), contrast, 1)
        mean = contrast.mean(axis=2)
        spread = ((contrast - mean[:, :, None]) ** 2).sum(axis=2)
        error = np.sqrt((tables.folds - 1) / tables.folds * spread)
        found.append(Effects(feature=feature, shift=mean, error=error, counts=counts))
    return sorted(found, key=lambda one: (-one.weight, one.feature.name))


def effect_drawings(found: list[Effects], mixes: tuple[str, ...]) -> list[Drawing]:
    """Draws each of the fields that matter most."""
    return [_drawing(one, mixes) for one in found[:FIELDS_SHOWN] if one.weight > 0]


def _drawing(one: Effects, mixes: tuple[str, ...]) -> Drawing:
    name = names().field(one.feature.name)
    label = f"{name[0].upper()}{name[1:]}"
    cases = one.counts.sum()
    unknown = percent(one.counts[0] / max(1, cases))
    words = (
        f"The mean shift is {one.weight:.2f} percentage points. "
        f"Of {number(cases)} training cases, {unknown} are unknown."
    )

    def paint(figure: Figure) -> None:
        # Values have no distance between them, numbers have: dots here, steps there.
        parts = _values if one.feature.values else _steps
        parts(figure, one, mixes)

    height = 1.25 + 0.27 * len(one.counts) if one.feature.values else 2.75
    return draw(f"effect-{one.feature.name}", label, words, height, paint)


def _values(figure: Figure, one: Effects, mixes: tuple[str, ...]) -> None:
    """Paints dots with intervals: a row for each value, a panel for each mix, the support last."""
    # Values that no training case has are left out: there is nothing known to draw.
    seen = np.flatnonzero(one.counts)
    labels = [names().english.value(one.feature, int(slot)) for slot in seen]
    panels = figure.subplots(1, len(mixes), width_ratios=[1.0] * (len(mixes) - 1) + [0.8])
    # One scale for all mixes: they are drawn beside each other to be compared.
    reach = 1.08 * max(float((np.abs(one.shift) + NINETY * one.error)[seen].max()), 1e-9)

    for k, axes in enumerate(panels[:-1]):
        axes.errorbar(
            one.shift[seen, k],
            range(len(seen)),
            xerr=NINETY * one.error[seen, k],
            fmt="o",
            color=BLUE,
            markersize=5,
        )
        rows(axes, labels, shown=k == 0)
        zero_line(axes)
        axes.set_xlim(-reach, reach)
        axes.locator_params(axis="x", nbins=4)
        axes.set_title(wrapped(names().mix(mixes[k + 1])))
    figure.supxlabel(
        "shift of the mix's worth over “" + names().mix(mixes[0]) + "”, percentage points",
        fontsize=9.5,
    )

    support = panels[-1]
    support.barh(range(len(seen)), one.counts[seen], color=LINE, height=0.65)
    rows(support, labels, shown=False)
    support.set_title("training\ncases")
    _thousands(support)


def _thousands(axes: Axes) -> None:
    axes.locator_params(axis="x", nbins=3)
    axes.xaxis.set_major_formatter(lambda value, _: _short(value))


def _short(count: float) -> str:
    return f"{count / 1000:g}k" if count >= 1000 else f"{count:g}"


def _steps(figure: Figure, one: Effects, mixes: tuple[str, ...]) -> None:
    """Paints steps with a band: a panel for each mix, the support under each."""
    first, last = _bulk(one.counts[1:])
    known = slice(first, last + 1)
    place = np.arange(first, last + 1) + one.feature.lower
    panels = figure.subplots(2, len(mixes) - 1, height_ratios=[3, 1], sharex=True, squeeze=False)
    # Unknown first, then the places that are drawn: slot 0 is not among the places.
    shown = np.r_[0, np.arange(first, last + 1) + 1]
    # One scale for all mixes; the few cases in the tails, which are not shown, do not set it.
    reach = 1.08 * max(float((np.abs(one.shift) + NINETY * one.error)[shown].max()), 1e-9)
    # A step is drawn around its number, half to either side.
    edges = np.append(place, place[-1] + 1) - 0.5
    # So many numbers a bar that the support has at most `BINS` bars.
    width = max(1, -(-len(place) // BINS))
    # Unknown has no place among numbers: it stands apart, to their left.
    unknown_at = edges[0] - 0.09 * (edges[-1] - edges[0])

    for k, (axes, support) in enumerate(panels.T):
        shift = one.shift[1:][known, k]
        error = NINETY * one.error[1:][known, k]
        _band(axes, edges, shift, error)
        if one.counts[0]:
            axes.errorbar(
                unknown_at,
                one.shift[0, k],
                yerr=NINETY * one.error[0, k],
                fmt="D",
                color=ORANGE,
                markersize=4,
            )
        zero_line(axes, upright=False)
        axes.set_ylim(-reach, reach)
        axes.set_title(wrapped(names().mix(mixes[k + 1])))
        counts = np.add.reduceat(one.counts[1:][known], np.arange(0, len(place), width))
        support.bar(
            edges[:-1][::width],
            counts,
            np.diff(np.append(edges[:-1][::width], edges[-1])),
            align="edge",
            color=QUIET,
        )
        support.locator_params(axis="x", nbins=4, integer=True)
        support.locator_params(axis="y", nbins=2)
        support.yaxis.set_major_formatter(lambda value, _: _short(value))
        if k:
            axes.set_yticklabels([])
            support.set_yticklabels([])

    panels[0, 0].set_ylabel("shift, % points")
    panels[1, 0].set_ylabel("cases")
    figure.align_ylabels(panels[:, 0])
    figure.supxlabel(one.feature.unit or "value", fontsize=9.5, color=INK)


def _band(axes: Axes, edges: Floats, shift: Floats, error: Floats) -> None:
    """Paints the steps of one mix, with the band of their 90 % intervals."""
    # Hundreds of equal points would only make the page heavier.
    keep = _changes(shift, error)
    at = np.append(edges[:-1][keep], edges[-1])
    low, high = shift - error, shift + error
    axes.fill_between(
        at,
        np.append(low[keep], low[-1]),
        np.append(high[keep], high[-1]),
        step="post",
        color=BLUE,
        alpha=0.2,
        linewidth=0,
    )
    axes.step(at, np.append(shift[keep], shift[-1]), where="post", color=BLUE)


def _changes(shift: Floats, error: Floats) -> NDArray[np.bool_]:
    """Finds where a step begins: over a long constant stretch no point is needed."""
    changes: NDArray[np.bool_] = np.r_[True, (np.diff(shift) != 0) | (np.diff(error) != 0)]
    return changes


def _bulk(counts: NDArray[np.int64]) -> tuple[int, int]:
    """Finds the first and last place between which 99 per cent of the known cases lie."""
    total = np.cumsum(counts)
    if not total[-1]:
        return 0, len(counts) - 1
    first = int(np.searchsorted(total, 0.005 * total[-1], side="right"))
    last = int(np.searchsorted(total, 0.995 * total[-1]))
    # At least two places, for a step to be seen.
    return min(first, last), max(first + 1, last) if len(counts) > 1 else last


def wrapped(name: str) -> str:
    """Breaks a name into as few lines as fit over a panel, about equally long."""
    if len(name) <= 14:
        return name
    lines = max(2, len(textwrap.wrap(name, LONGEST_LINE)))
    # The narrowest width that takes no more lines.
    widths = range(-(-len(name) // lines), LONGEST_LINE + 1)
    found = (textwrap.wrap(name, width, break_long_words=False) for width in widths)
    return "\n".join(next((one for one in found if len(one) <= lines), [name]))
