"""What is given to learn from, as arrays; what cannot be is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.learning.scores import ERRORS, MOST_APART, Floats, Numbers

LEAST_CHANCE = 1e-6
"""A case of a smaller propensity would outweigh a million others."""
# Chances written with four digits, of up to twenty mixes.
_ROUNDED = 1e-3


def array_of(name: str, given: ArrayLike) -> NDArray[Any]:
    """Gives a table or column of any kind as an array; unknown numbers as NaN.

    Raises:
        ValueError: if it holds neither numbers nor, of groups, labels.
    """
    # A frame of whole numbers and gaps is one of objects to NumPy.
    found = nw.from_native(given, allow_series=True, pass_through=True, eager_only=True)
    if isinstance(found, nw.DataFrame):
        for column, kind in found.schema.items():
            if kind.is_temporal():
                raise ValueError(f"{name}: column {column!r} holds times; must be numbers")
    array = found.to_numpy() if isinstance(found, nw.DataFrame | nw.Series) else np.asarray(given)
    if array.dtype.kind in "mM":
        # To NumPy they are numbers, of whatever unit they are told in.
        raise ValueError(f"{name}: holds times; must be numbers")
    if array.dtype.kind not in "biuf" and name != "groups":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as problem:
            raise ValueError(f"{name}: must be numbers, unknown as NaN: {problem}") from problem
    return array


def in_order(propensity: Any, labels: Sequence[object]) -> Floats:  # noqa: ANN401 - any table
    """Gives chances as an array, columns in the order of the labels.

    A table that has names says by them which mix a column is of: its order may be another. Columns
    that are only counted, as pandas counts those of an array, are in the order of labels.

    Args:
        propensity: (n,) of the logged mix, or (n, K) of every mix.
        labels: of the K mixes.

    Raises:
        ValueError: if names are not those of the mixes, or a chance is no number.
    """
    chances: Floats = array_of("propensity", propensity).astype(np.float64)
    table = nw.from_native(propensity, allow_series=True, pass_through=True, eager_only=True)
    if not isinstance(table, nw.DataFrame):
        return chances
    names = [*table.columns]
    counted = names == [*range(len(names))]
    return chances if counted else chances[:, _order(names, labels)]


def _order(names: Sequence[object], labels: Sequence[object]) -> list[int]:
    told = [str(name) for name in names]
    needed = [str(label) for label in labels]
    if sorted(told) != sorted(needed):
        raise ValueError(
            f"propensity: columns are {_some(told)}, must be the mixes {_some(needed)}; or give an "
            "array with the mixes in that order"
        )
    return [told.index(label) for label in needed]


def _some(names: list[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")


def check_chances(propensity: Floats, mix: Numbers, labels: Sequence[object]) -> None:
    """Checks that mixes can have been drawn with these chances.

    Args:
        propensity: (n,) of the logged mix, or (n, K) of every mix.
        mix: (n,) number of the logged mix.
        labels: of the K mixes, for messages.

    Raises:
        ValueError: saying what cannot be, and of which mix.
    """
    if propensity.ndim not in {1, 2} or len(propensity) != len(mix):
        raise ValueError(
            f"propensity: shape {propensity.shape}, must be ({len(mix)},) as rows, "
            f"or ({len(mix)}, {len(labels)})"
        )
    own = propensity
    possible = np.ones(len(labels))
    if propensity.ndim == 2:
        own, possible = _own(propensity, mix, labels)
    if not ((own >= LEAST_CHANCE) & (own <= 1)).all():
        wrong = own[~((own >= LEAST_CHANCE) & (own <= 1))]
        raise ValueError(
            f"propensity: {wrong[0]:g} of the logged mix in {len(wrong)} cases, must be "
            f"{LEAST_CHANCE:.6f} to 1; leave those cases out, or all of propensity, and it is "
            "estimated"
        )

    for number, label in enumerate(labels):
        weights = (mix == number) / own
        error = weights.std() / len(weights) ** 0.5
        most = possible[number]
        above = weights.mean() - most - ERRORS * error - MOST_APART
        # Which cases could have got a mix is known of chances of every mix alone.
        below = most - weights.mean() - ERRORS * error - MOST_APART
        if above > 0 or (propensity.ndim == 2 and below > 0):
            bound = f"{most:.2f}" if propensity.ndim == 2 else "at most 1"
            raise ValueError(
                f"propensity: 1 / propensity of the cases with mix {label} adds up to "
                f"{weights.mean():.2f} a case of all, must be {bound} but for chance: mixes were "
                "not drawn with these chances; leave them out, and they are estimated"
            )


def _own(propensity: Floats, mix: Numbers, labels: Sequence[object]) -> tuple[Floats, Floats]:
    """Gives each logged mix's chance, and the share of cases that could get each mix.

    Raises:
        ValueError: if columns are not one a mix, or a row is no distribution.
    """
    if propensity.shape[1] != len(labels):
        raise ValueError(
            f"propensity: has {propensity.shape[1]} columns, must have one for each of "
            f"{len(labels)} mixes"
        )
    if not ((propensity >= 0) & (propensity <= 1)).all():
        raise ValueError("propensity: must be 0 to 1, 0 where a mix could not be drawn")
    apart = np.abs(propensity.sum(axis=1) - 1)
    if apart.max() > _ROUNDED:
        case = int(apart.argmax())
        raise ValueError(
            f"propensity: the chances of case {case} sum to {propensity[case].sum():g}, must be 1 "
            f"within {_ROUNDED:g}"
        )
    own: Floats = propensity[np.arange(len(mix)), mix]
    possible: Floats = (propensity > 0).mean(axis=0)
    return own, possible
