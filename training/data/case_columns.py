"""Columns of cases as arrays: each reader gives the values and which cells are outside the bound."""

from __future__ import annotations

from datetime import date

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.decision.schema import Feature

EARLIEST, LATEST = date(2000, 1, 1), date(2099, 12, 31)
DAYS_BOUND = f"a date as YYYY-MM-DD, {EARLIEST} to {LATEST}"

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]
Days = NDArray[np.datetime64]


class WrongType(TypeError):
    """A whole column has a type that cannot hold its values; the message says which and what is permitted."""


def is_text(values: pl.Series) -> bool:
    """Whether a column holds texts."""
    return values.dtype in (pl.String, pl.Categorical, pl.Enum)


def _refuse(values: pl.Series, bound: str) -> WrongType:
    return WrongType(f"has type {values.dtype}; permitted is {bound}")


def texts_of(values: pl.Series, bound: str) -> pl.Series:
    """Texts, an empty one as null.

    Raises:
        WrongType: if the column holds anything else.
    """
    if values.dtype == pl.Null:
        return values.cast(pl.String)
    if not is_text(values):
        raise _refuse(values, bound)
    texts = values.cast(pl.String)
    return texts.set(texts == "", None)


def slots_of(
    values: pl.Series, feature: Feature, *, typed: bool
) -> tuple[NDArray[np.uint16], Bools]:
    """Slots of a feature's values, null as 0, and which cells are outside the bound; both of shape (n,).

    Args:
        values: of the column.
        feature: the column's.
        typed: whether the file has types (Parquet); in one that has none (CSV) numbers are read
            from texts.

    Raises:
        WrongType: if the column's type cannot hold the feature.
    """
    if values.dtype == pl.Null:
        return np.zeros(len(values), np.uint16), np.zeros(len(values), np.bool_)
    if feature.values:
        texts = texts_of(values, feature.bound)
        names = {value: slot for slot, value in enumerate(feature.values, 1)}
        slots = (
            texts.replace_strict(names, default=0, return_dtype=pl.UInt16).fill_null(0).to_numpy()
        )
        return slots, (slots == 0) & texts.is_not_null().to_numpy()
    if typed and not values.dtype.is_integer():
        raise _refuse(values, f"whole numbers, {feature.bound}")
    numbers = values.cast(pl.Int64, strict=False).fill_null(feature.lower - 1).to_numpy()
    bad = ((numbers < feature.lower) | (numbers > feature.upper)) & values.is_not_null().to_numpy()
    return np.where(bad, 0, numbers - feature.lower + 1).astype(np.uint16), bad


def numbers_of(
    values: pl.Series, lower: float, upper: float, bound: str, *, typed: bool
) -> tuple[Floats, Bools]:
    """Numbers, unknown (null or NaN) as NaN, and which cells are outside the bounds; both of shape (n,).

    Raises:
        WrongType: if the column's type cannot hold numbers.
    """
    if typed and values.dtype != pl.Null and not values.dtype.is_numeric():
        raise _refuse(values, bound)
    numbers = values.cast(pl.Float64, strict=False).fill_null(np.nan).to_numpy()
    unread = np.isnan(numbers) & values.is_not_null().to_numpy() & (not typed)
    return numbers, unread | (numbers < lower) | (numbers > upper)


def days_of(values: pl.Series) -> tuple[Days, Bools]:
    """Days, unknown as NaT, and which cells are no date within the bounds; both of shape (n,).

    Raises:
        WrongType: if the column holds neither dates nor texts.
    """
    if is_text(values):
        days = values.cast(pl.String).str.to_date("%Y-%m-%d", strict=False)
    elif values.dtype in (pl.Date, pl.Datetime, pl.Null):
        days = values.cast(pl.Date)
    else:
        raise _refuse(values, DAYS_BOUND)
    found = days.to_numpy().astype("datetime64[D]")
    unread = np.isnat(found) & values.is_not_null().to_numpy()
    return found, unread | (found < np.datetime64(EARLIEST)) | (found > np.datetime64(LATEST))
