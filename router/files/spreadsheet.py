"""Texts in a CSV that a spreadsheet would run as formulas: an apostrophe goes before them."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa

# Full-width signs too: spreadsheets read them like the others.
FORMULA = "^([=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20])"
"""Regular expression for how such a text begins."""
_FIRST = frozenset("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20")


def as_text(text: str) -> str:
    """Gives a text that a spreadsheet shows and does not run."""
    return f"'{text}" if text[:1] in _FIRST else text


def batch_as_text(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Gives a batch whose texts a spreadsheet shows and does not run."""
    # Imported here: files are written without PyArrow too.
    import pyarrow as pa  # noqa: PLC0415
    import pyarrow.compute as pc  # noqa: PLC0415

    columns = [
        pc.replace_substring_regex(column, FORMULA, "'\\1")
        if pa.types.is_string(column.type)
        else column
        for column in batch.columns
    ]
    return pa.RecordBatch.from_arrays(columns, schema=batch.schema)
