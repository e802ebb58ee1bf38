"""Which formats of tables there are, by the file's suffix: Parquet or CSV; not how they are read.

Cases that are scored or planned are read in router/cases/arrow.py, logged cases in
training/data/case_files.py; the journal is exported by router/journal/export.py.

Whoever reads or writes tables asks here, and says itself what is to be done with other suffixes.
"""

from __future__ import annotations

from enum import Enum
from pathlib import Path


class Format(Enum):
    """A format, by its suffix."""

    PARQUET = ".parquet"
    CSV = ".csv"


def format_of(path: Path) -> Format | None:
    """Tells a file's format by its suffix, in lower case; None if it is of neither."""
    return next((one for one in Format if one.value == path.suffix), None)
