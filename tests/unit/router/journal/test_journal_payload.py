import numpy as np
import pytest

from router.journal.payload import (
    AFTER_OWN_VIEW,
    CONTROL,
    NO_MIX,
    SHOWN,
    Tail,
    layout,
    pack,
    unpack,
)


def test_the_layout_is_packed_and_little_endian() -> None:
    dtype = layout(3, 2)
    assert dtype.itemsize == 3 * 2 + 2 * (8 + 8 + 4) + 8 + 1 + 1 + 8 + 1 + 3 * 8
    assert dtype["row"].base.str == "<u2"


@pytest.mark.parametrize("count", [0, 1, 1_000])
def test_what_is_packed_is_unpacked_unchanged(count: int) -> None:
    rows = np.zeros(count, layout(4, 3))
    rows["row"] = np.arange(count * 4).reshape(count, 4)
    rows["expected"] = np.nan
    rows["mix"] = NO_MIX
    rows["safeguards"] = 1 << 63
    ways = [("", SHOWN), ("office-01", SHOWN), ("", CONTROL), ("office-01", AFTER_OWN_VIEW)]
    tails = [Tail(f"sak-{at}-æ", *ways[at % len(ways)]) for at in range(count)]
    found, read = unpack(rows.dtype, pack(rows.dtype, rows, tails))
    assert found.tobytes() == rows.tobytes()
    assert read == tails


def test_a_payload_that_is_too_short_is_named() -> None:
    dtype = layout(1, 1)
    with pytest.raises(ValueError, match=r"payloads\[1\]: 3 bytes, a row takes"):
        unpack(dtype, [bytes(dtype.itemsize), b"abc"])


def test_as_many_tails_as_rows_are_needed() -> None:
    rows = np.zeros(2, layout(1, 1))
    with pytest.raises(ValueError, match="for 1 tails"):
        pack(rows.dtype, rows, [Tail("a")])


def test_more_mixes_than_mask_bits_are_refused() -> None:
    with pytest.raises(ValueError, match="mixes: 65"):
        layout(1, 65)
