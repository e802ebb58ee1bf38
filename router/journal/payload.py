"""The bytes of a recommendation: one packed little-endian row, then the case reference in UTF-8."""

from collections.abc import Sequence

import numpy as np

# Mixes are bits of one 64-bit mask, and their index is one signed byte.
MOST_MIXES = 64
NO_MIX = -1


def layout(features: int, mixes: int) -> np.dtype[np.void]:
    """The packed row for a model with so many features and mixes.

    Fields: `row` slots; `expected` outcome and its standard `error` by mix, NaN when not scored; adviser
    `minutes` by mix; `permitted` a bit by mix; `mix` its index or -1; `status` and `doubts` as the context
    numbers them; `safeguards` a bit by safeguard applied; `price`, `weight` and `propensity` of the decision.

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


def pack(dtype: np.dtype[np.void], rows: np.ndarray, case_refs: Sequence[str]) -> list[bytes]:
    """One payload per row.

    Args:
        dtype: From `layout`.
        rows: Structured array of that dtype, shape (n,).
        case_refs: n references, "" for none.

    Raises:
        ValueError: Another dtype, or another number of references than rows.
    """
    if rows.dtype != dtype or rows.shape != (len(case_refs),):
        raise ValueError(f"rows: {rows.shape} of {rows.dtype} for {len(case_refs)} case references of {dtype}")
    data, size = rows.tobytes(), dtype.itemsize
    starts = range(0, len(data), size)
    return [data[start : start + size] + ref.encode() for start, ref in zip(starts, case_refs, strict=True)]


def unpack(dtype: np.dtype[np.void], payloads: Sequence[bytes]) -> tuple[np.ndarray, list[str]]:
    """The rows, shape (n,), read-only, and the case references: the inverse of `pack`.

    Raises:
        ValueError: A payload is shorter than a row, or its reference is not UTF-8.
    """
    size = dtype.itemsize
    for index, payload in enumerate(payloads):
        if len(payload) < size:
            raise ValueError(f"payloads[{index}]: {len(payload)} bytes, a row takes {size}")
    rows = np.frombuffer(b"".join([payload[:size] for payload in payloads]), dtype)
    return rows, [payload[size:].decode() for payload in payloads]
