"""The bytes of a recommendation: one packed little-endian row, then its tail in UTF-8."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

# Mixes are bits of one 64-bit mask, and their index is one signed byte.
MOST_MIXES = 64
NO_MIX = -1
SHOWN, AFTER_OWN_VIEW, CONTROL = "SHOWN", "AFTER_OWN_VIEW", "CONTROL"
_BETWEEN = "\0"


class Tail(NamedTuple):
    """What a recommendation holds beside numbers: references as sent, "" for none, and to whom the advice was shown.

    Written as the case reference, then the others behind NUL bytes as far as they are not the usual
    ones.
    """

    case_ref: str
    office_ref: str = ""
    disclosure: str = SHOWN

    @classmethod
    def parse(cls, text: str) -> Tail:
        """The inverse of `str`.

        Raises:
            ValueError: It has more parts.
        """
        parts = text.split(_BETWEEN)
        if len(parts) > len(cls._fields):
            raise ValueError(f"a tail of {len(parts)} parts; at most {len(cls._fields)} are known")
        return cls(*parts)

    def __str__(self) -> str:
        if self.disclosure != SHOWN:
            return _BETWEEN.join(self)
        return f"{self.case_ref}{_BETWEEN}{self.office_ref}" if self.office_ref else self.case_ref


def layout(features: int, mixes: int) -> np.dtype[np.void]:
    """The packed row for a model with so many features and mixes.

    Fields: `row` slots; `expected` outcome and its standard `error` by mix, NaN when not scored;
    adviser `minutes` by mix; `permitted` a bit by mix; `mix` its index or -1; `status` and `doubts`
    as the context numbers them; `safeguards` a bit by safeguard applied; `price`, `weight` and
    `propensity` of the decision.

    Raises:
        ValueError: No feature, or not 1 to 64 mixes.
    """
    if features < 1:
        raise ValueError(f"features: {features} is below 1")
    if not 1 <= mixes <= MOST_MIXES:
        raise ValueError(f"mixes: {mixes} is outside 1 to {MOST_MIXES}")
    return np.dtype(
        [
            ("row", "<u2", (features,)),
            ("expected", "<f8", (mixes,)),
            ("error", "<f8", (mixes,)),
            ("minutes", "<f4", (mixes,)),
            ("permitted", "<u8"),
            ("mix", "i1"),
            ("status", "u1"),
            ("safeguards", "<u8"),
            ("doubts", "u1"),
            ("price", "<f8"),
            ("weight", "<f8"),
            ("propensity", "<f8"),
        ]
    )


def pack(dtype: np.dtype[np.void], rows: np.ndarray, tails: Sequence[Tail]) -> list[bytes]:
    """One payload per row.

    Args:
        dtype: From `layout`.
        rows: Structured array of that dtype, shape (n,).
        tails: n of them.

    Raises:
        ValueError: Another dtype, or another number of tails than rows.
    """
    if rows.dtype != dtype or rows.shape != (len(tails),):
        raise ValueError(f"rows: {rows.shape} of {rows.dtype} for {len(tails)} tails of {dtype}")
    data, size = rows.tobytes(), dtype.itemsize
    starts = range(0, len(data), size)
    return [
        data[start : start + size] + str(tail).encode()
        for start, tail in zip(starts, tails, strict=True)
    ]


def unpack(dtype: np.dtype[np.void], payloads: Sequence[bytes]) -> tuple[np.ndarray, list[Tail]]:
    """The rows, shape (n,), read-only, and their tails: the inverse of `pack`.

    Raises:
        ValueError: A payload is shorter than a row, or its tail is not UTF-8 or has too many parts.
    """
    size = dtype.itemsize
    for index, payload in enumerate(payloads):
        if len(payload) < size:
            raise ValueError(f"payloads[{index}]: {len(payload)} bytes, a row takes {size}")
    rows = np.frombuffer(b"".join([payload[:size] for payload in payloads]), dtype)
    return rows, [Tail.parse(payload[size:].decode()) for payload in payloads]
