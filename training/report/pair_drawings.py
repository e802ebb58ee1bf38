"""Charts of pairs in "What each mix is worth, by field": what two fields add beyond each alone."""

from __future__ import annotations

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from router.decision.pairs import Bins, Pair
from router.decision.schema import Feature, FeatureSet
from router.decision.tables import DecisionTables, Floats
from router.drawing.colours import INK, QUIET
from router.drawing.drawing import Drawing, draw
from training.report.effect_drawings import NINETY, wrapped
from training.report.words import names, number

PAIRS_SHOWN = 8
FEWEST_CASES = 30
"""Cells with fewer training cases are dark grey: what is drawn there would be read as known."""
_COLOURS = 9  # few enough that the scale is drawn as shapes, not as an embedded picture
_LABELS_DOWN, _LABELS_ACROSS = 14, 7


def pair_drawings(tables: DecisionTables, mixes: tuple[str, ...]) -> list[Drawing]:
    """Draws a heat map of each pair, the one that matters most first."""
    found = sorted(tables.pairs, key=lambda pair: -_weight(pair))
    return [_drawing(pair, tables.features, mixes) for pair in found[:PAIRS_SHOWN]]


def _contrasts(pair: Pair) -> Floats:
    """Gives a pair's contrasts, points, shape (first bins, second bins, mixes - 1, folds)."""
    contrasts: Floats = 100 * (pair.values[:, 1:] - pair.values[:, :1])
    return contrasts.reshape(-1, pair.width, *contrasts.shape[1:])


def _weight(pair: Pair) -> float:
    cases = pair.counts.reshape(-1, pair.width)
    return float((cases[:, :, None] * np.abs(_contrasts(pair).mean(axis=3))).sum()) / max(
        1, int(cases.sum())
    )


def _drawing(pair: Pair, features: FeatureSet, mixes: tuple[str, ...]) -> Drawing:
    first, second = features.features[pair.first], features.features[pair.second]
    down, across = bin_labels(first, pair.first_bins), bin_labels(second, pair.second_bins)
    contrasts = _contrasts(pair)
    mean = contrasts.mean(axis=3)
    spread = ((contrasts - mean[..., None]) ** 2).sum(axis=3)
    folds = contrasts.shape[3]
    error = np.sqrt((folds - 1) / folds * spread)
    thin = pair.counts.reshape(mean.shape[:2]) < FEWEST_CASES
    # Thin cells are masked, so they do not set the scale either.
    reach = max(float(np.abs(mean[~thin]).max(initial=0.0)), 0.01)

    def paint(figure: Figure) -> None:
        panels = figure.subplots(1, len(mixes) - 1, sharey=True, squeeze=False)[0]
        for k, axes in enumerate(panels):
            cells = np.ma.array(mean[:, :, k], mask=thin)
            colours = mpl.colormaps["PuOr_r"].resampled(_COLOURS).with_extremes(bad=QUIET)
            mesh = axes.pcolormesh(
                cells, cmap=colours, vmin=-reach, vmax=reach, edgecolors="white", linewidth=0.5
            )

            rows, columns = np.nonzero((np.abs(mean[:, :, k]) > NINETY * error[:, :, k]) & ~thin)
            # Dots must be seen on dark cells as on light ones.
            strong = np.abs(mean[rows, columns, k]) > reach / 2
            axes.scatter(columns + 0.5, rows + 0.5, 4, np.where(strong, "white", INK), zorder=3)
            axes.set_title(wrapped(names().mix(mixes[k + 1])))
            _label(axes, down, across)
        panels[0].set_ylabel(names().field(first.name))
        # All panels have one scale, so the last one's colours stand for all.
        figure.colorbar(
            mesh,
            ax=list(panels),
            label="percentage points",
            shrink=0.9,
            format=lambda value, _: number(value, 1),
        )
        figure.supxlabel(names().field(second.name), fontsize=9.5)

    title = f"{names().field(first.name)} with {names().field(second.name)}"
    cases = number(pair.counts.sum())
    words = (
        f"This is what the two together add to a mix's worth over “{names().mix(mixes[0])}”. "
        "A dot means that the 90% interval excludes zero. "
        f"Dark grey means fewer than {FEWEST_CASES} of the {cases} training cases."
    )
    height = 1.9 + 0.24 * len(down) + 0.05 * max(map(len, across))
    return draw(
        f"pair-{first.name}-{second.name}", f"{title[0].upper()}{title[1:]}", words, height, paint
    )


def _label(axes: Axes, down: list[str], across: list[str]) -> None:
    axes.grid(visible=False)
    axes.set_ylim(len(down), 0)
    for axis, labels, most in (
        (axes.yaxis, down, _LABELS_DOWN),
        (axes.xaxis, across, _LABELS_ACROSS),
    ):
        # As many labels as fit, evenly spread.
        every = -(-len(labels) // most)
        axis.set_ticks(np.arange(0, len(labels), every) + 0.5, labels[::every])
        axis.set_tick_params(length=0)
    axes.tick_params(axis="x", labelrotation=90, labelsize=8)


def bin_labels(feature: Feature, bins: Bins) -> list[str]:
    """Tells what each bin of a feature holds: values, or a stretch of numbers without unit."""
    found = []
    for place in range(int(bins.max(initial=0)) + 1):
        slots = np.flatnonzero(bins == place)
        known = slots[slots > 0]
        parts = []
        if len(known) and not feature.values:
            low, high = feature.value(int(known[0])), feature.value(int(known[-1]))
            parts.append(f"{low}" if low == high else f"{low} to {high}")
        elif len(known):
            more = f" and {len(known) - 1} more" if len(known) > 2 else ""
            shown = known[:1] if more else known
            labels = [names().english.value(feature, int(slot)) for slot in shown]
            parts.append(", ".join(labels) + more)
        if len(known) < len(slots):
            parts.append("unknown")
        found.append(" or ".join(parts))
    return found
