"""What is given to learn from, as arrays; what cannot be is refused by name."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Integral
from typing import Any

import narwhals as nw
import numpy as np
from numpy.typing import ArrayLike, NDArray

from training.learning.scores import ERRORS, MOST_APART, Floats, Numbers

LEAST_CHANCE = 1e-6
"""A case of a smaller propensity would outweigh a million others."""
# Chances written with four digits, of up to twenty mixes.
_ROUNDED = 1e-3
_SHOWN = 5


NUMBERS = "numbers, unknown as NaN"


def array_of(name: str, given: ArrayLike, bound: str = NUMBERS) -> NDArray[Any]:
    """Gives a table or column of any kind as an array of numbers; unknown ones as NaN.

    Args:
        name: of the argument.
        given: of any shape.
        bound: what it must hold, in words.

    Raises:
        ValueError: if it does not hold numbers.
    """
    # A frame of whole numbers and gaps is one of objects to NumPy.
    found = nw.from_native(given, allow_series=True, pass_through=True, eager_only=True)
    if isinstance(found, nw.DataFrame):
        for column, kind in found.schema.items():
            if kind.is_temporal():
                raise ValueError(f"{name}: column {column!r} holds times; must be numbers")
    if isinstance(found, nw.DataFrame | nw.Series):
        array = found.to_numpy()
    else:
        array = _array(name, given, bound)
    if array.dtype.kind in "mM":
        # To NumPy they are numbers, of whatever unit they are told in.
        raise ValueError(f"{name}: holds times; must be numbers")
    if array.dtype.kind == "c":
        # To NumPy they are numbers with a part that it drops.
        raise ValueError(f"{name}: holds complex numbers; must be {bound}")
    if array.dtype.kind not in "biuf":
        try:
            array = array.astype(np.float64)
        except (TypeError, ValueError) as problem:
            refuse_texts(name, given)
            raise ValueError(f"{name}: must be {bound}: {problem}") from problem
    return array


def refuse_texts(name: str, given: Any) -> None:  # noqa: ANN401 - a table of any kind
    """Says which columns of a frame hold something else than numbers; of other tables nothing.

    Raises:
        ValueError: naming the argument and the columns, if there are such.
    """
    found = nw.from_native(given, pass_through=True, eager_only=True)
    if not isinstance(found, nw.DataFrame):
        return
    others = [column for column in found.columns if not _is_of_numbers(found[column].to_numpy())]
    if others:
        told = ", ".join(map(repr, others[:_SHOWN]))
        more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
        raise ValueError(
            f"{name}: columns {told}{more} hold other values than numbers; must be {NUMBERS}: "
            "encode them first, as OneHotEncoder does, or leave them out"
        )


def _is_of_numbers(column: NDArray[Any]) -> bool:
    try:
        column.astype(np.float64)
    except (TypeError, ValueError):
        return False
    return True


def _array(name: str, given: ArrayLike, bound: str, dtype: type | None = None) -> NDArray[Any]:
    if given is None:
        raise ValueError(f"{name}: is None; must be {bound}")
    try:
        return np.asarray(given, dtype)
    except ValueError as problem:
        # Of lists that are not equally long.
        raise ValueError(f"{name}: must be {bound}: {problem}") from problem


def column_of(name: str, given: ArrayLike, cases: int, bound: str = NUMBERS) -> NDArray[Any]:
    """Gives a column of numbers as an array, shape (cases,), or (cases, 1) if it is such a table.

    Raises:
        ValueError: naming the argument, if it holds others or is of another shape.
    """
    array = array_of(name, given, f"{bound}, ({cases},)")
    check_length(name, array, cases)
    return array


def labels_of(name: str, given: ArrayLike, cases: int) -> NDArray[Any]:
    """Gives a column of labels as an array, shape (cases,), or (cases, 1) if it is such a table.

    Whether they can be told apart is for `check_labels`.

    Raises:
        ValueError: naming the argument, if it is of another shape.
    """
    bound = f"labels, ({cases},)"
    array = _array(name, given, bound)
    if array.dtype.kind in "US" and not hasattr(given, "dtype"):
        # NumPy makes a text of each number beside a text, and of each that is not known.
        array = _array(name, given, bound, object)
    check_length(name, array, cases)
    return array


def check_length(name: str, array: NDArray[Any], cases: int) -> None:
    """Checks that there is one value a case, (cases,) or (cases, 1).

    Raises:
        ValueError: naming the argument, its shape and the bound.
    """
    if array.shape not in {(cases,), (cases, 1)}:
        raise ValueError(f"{name}: shape {array.shape}, must be ({cases},), one for each row")


def check_labels(name: str, labels: NDArray[Any]) -> None:
    """Checks that labels can be told apart: all known, all texts or all numbers.

    Args:
        name: of the argument.
        labels: (n,).

    Raises:
        ValueError: naming the argument; unknown is no mix, and no person.
    """
    if labels.dtype.kind in "biu":
        return
    each = labels.astype(object).tolist()
    unknown = sum(map(_is_unknown, each))
    if unknown:
        raise ValueError(f"{name}: {unknown} are unknown; leave those cases out")
    bound = "must be all texts or all numbers"
    texts = [one for one in each if isinstance(one, str)]
    if 0 < len(texts) < len(each):
        other = next(one for one in each if not isinstance(one, str))
        raise ValueError(f"{name}: holds {texts[0]!r} and {other!r}, {bound}")
    try:
        np.unique(labels)
    except TypeError as problem:
        raise ValueError(f"{name}: {bound}: {problem}") from problem


def _is_unknown(label: object) -> bool:
    if isinstance(label, float | np.floating):
        return bool(np.isnan(label))
    # None, and what pandas has in its place.
    return label is None or repr(label) in {"<NA>", "NaT"}


def check_whole(name: str, given: object, lower: int, upper: int | None = None) -> None:
    """Checks that an option is a whole number within its bound.

    Raises:
        ValueError: naming the option and the bound.
    """
    bound = f"{lower} or more" if upper is None else f"{lower} to {upper}"
    if not _is_whole(given):
        raise ValueError(f"{name}: {given!r}, must be a whole number, {bound}")
    if given < lower or (upper is not None and given > upper):  # type: ignore[operator]
        raise ValueError(f"{name}: {given}, must be {bound}")


def check_jobs(name: str, given: object) -> None:
    """Checks how many fits are made at once.

    Raises:
        ValueError: naming the option and the bound.
    """
    if not _is_whole(given) or given == 0:
        bound = "a whole number, 1 or more, or -1 for as many as there are cores"
        raise ValueError(f"{name}: {given!r}, must be {bound}")


def check_yes_or_no(name: str, given: object) -> None:
    """Checks that an option is true or false.

    Raises:
        TypeError: naming the option; a text is true to Python, whatever it says.
    """
    if not isinstance(given, bool | np.bool_):
        raise TypeError(f"{name}: {given!r}, must be True or False")


def _is_whole(given: object) -> bool:
    # True and False are numbers to Python.
    return isinstance(given, Integral) and not isinstance(given, bool)


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
    chances: Floats = array_of("propensity", propensity, "numbers").astype(np.float64)
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
    check_shape_of_chances(propensity, len(mix), len(labels))
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


def check_shape_of_chances(propensity: Floats, cases: int, mixes: int) -> None:
    """Checks that there is a chance, or a row of them, for each case.

    Raises:
        ValueError: saying the shape, and those that are permitted.
    """
    if propensity.ndim not in {1, 2} or len(propensity) != cases:
        raise ValueError(
            f"propensity: shape {propensity.shape}, must be ({cases},), one for each row, "
            f"or ({cases}, {mixes})"
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
