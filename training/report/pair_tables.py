"""Tables of pairs in "What each mix is worth, by field": what two fields add beyond each alone."""

from __future__ import annotations

import numpy as np

from router.decision.pairs import Bins, Pair
from router.decision.schema import Feature, FeatureSet
from router.decision.tables import DecisionTables, Floats
from training.report.heat import HeatTable, heat_row, jackknife
from training.report.words import names

PAIRS_SHOWN = 4
FEWEST_CASES = 30
"""Cells with fewer training cases hold a dot: a number there would be read as known."""


def pair_tables(tables: DecisionTables, mixes: tuple[str, ...]) -> list[HeatTable]:
    """Makes a table of each pair, the one that matters most first."""
    found = sorted(tables.pairs, key=lambda pair: -float(_weights(pair).max(initial=0.0)))
    return [_table(pair, tables.features, mixes) for pair in found[:PAIRS_SHOWN]]


def _contrasts(pair: Pair) -> Floats:
    """Gives a pair's contrasts, points, shape (first bins, second bins, mixes - 1, folds)."""
    contrasts: Floats = 100 * (pair.values[:, 1:] - pair.values[:, :1])
    return contrasts.reshape(-1, pair.width, *contrasts.shape[1:])


def _weights(pair: Pair) -> Floats:
    """Gives the mean absolute shift of each mix over training cases, shape (mixes - 1,)."""
    shifts = np.abs(_contrasts(pair).mean(axis=3)).reshape(len(pair.counts), -1)
    weights: Floats = pair.counts @ shifts / max(1, int(pair.counts.sum()))
    return weights


def _table(pair: Pair, features: FeatureSet, mixes: tuple[str, ...]) -> HeatTable:
    first, second = features.features[pair.first], features.features[pair.second]
    down, across = bin_labels(first, pair.first_bins), bin_labels(second, pair.second_bins)
    # Of the mix whose worth the pair moves most: as many tables as mixes nobody would read.
    told = int(_weights(pair).argmax())
    mean, error = jackknife(_contrasts(pair)[:, :, told])
    counts = pair.counts.reshape(mean.shape)

    # The longer side stands: paper and phones are higher than wide.
    if len(across) > len(down):
        first, second, down, across = second, first, across, down
        mean, error, counts = mean.T, error.T, counts.T
    thin = counts < FEWEST_CASES
    mean = np.where(thin, np.nan, mean)
    reach = max(float(np.nanmax(np.abs(mean), initial=0.0)), 0.01)

    title = f"{names().field(first.name)} with {names().field(second.name)}"
    return HeatTable(
        title=f"{title[0].upper()}{title[1:]}",
        sentence=(
            f"What the two together add to “{names().mix(mixes[told + 1])}”, the mix that they "
            f"move most. A dot stands for fewer than {FEWEST_CASES} cases."
        ),
        corner=names().field(first.name),
        heads=tuple(across),
        rows=tuple(
            heat_row(label, int(counts[row].sum()), mean[row], error[row], reach)
            for row, label in enumerate(down)
        ),
    )


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
