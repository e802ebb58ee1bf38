"""Tables for a catalogue that has mixes which nothing was learned of yet."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from router.decision.tables import DecisionTables, Floats

FAR_WORSE = 1.0
"""Outcome points: a mix lighter than all that were tried counts as worth so much less."""


def for_mixes(
    tables: DecisionTables, valued: Sequence[str], wanted: Sequence[str]
) -> DecisionTables:
    """Gives tables for other mixes than those that they value.

    A mix that they do not value is worth what the next lighter one is: more contact is not believed
    to help until it was tried, so it is advised only where that lighter one may not be taken, and a
    worse situation never asks for less contact.

    Args:
        tables: of the mixes `valued`.
        valued: ids, lightest first.
        wanted: ids, lightest first; those that are valued in the same order.

    Raises:
        ValueError: if fewer than two of the wanted mixes are valued, or their order differs.
    """
    both = [mix for mix in wanted if mix in valued]
    if len(both) < 2 or both != [mix for mix in valued if mix in wanted]:
        raise ValueError(f"it values the mixes {list(valued)}, the catalogue has {list(wanted)}")
    if list(valued) == list(wanted):
        return tables

    # Which of the valued mixes each wanted one is like; the first valued one for those below it.
    like, unscored, below = [], [], []
    last = valued.index(both[0])
    for number, mix in enumerate(wanted):
        if mix in valued:
            last = valued.index(mix)
        else:
            unscored.append(number)
            below += [number] if number < wanted.index(both[0]) else []
        like.append(last)

    def taken(values: Floats) -> Floats:
        return np.ascontiguousarray(np.take(values, like, axis=-2))

    intercept = taken(tables.intercept)
    intercept[below] -= FAR_WORSE
    return replace(
        tables,
        values=taken(tables.values),
        intercept=intercept,
        pairs=tuple(replace(pair, values=taken(pair.values)) for pair in tables.pairs),
        unscored=tuple(unscored),
    )
