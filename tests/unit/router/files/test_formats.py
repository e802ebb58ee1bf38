"""Formats of tables in files, by their suffix."""

from pathlib import Path

import pytest

from router.files.formats import Format, format_of


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("cases.parquet", Format.PARQUET),
        ("cases.2026.csv", Format.CSV),
        ("cases.CSV", None),
        ("cases.xlsx", None),
        ("csv", None),
        (".csv", None),
    ],
)
def test_the_format_of_a_file_is_told_by_its_last_suffix(name: str, kind: Format | None) -> None:
    assert format_of(Path("folder") / name) is kind
