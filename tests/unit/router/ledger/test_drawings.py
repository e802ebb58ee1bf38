"""What stands in the ledger's drawings."""

import re
from pathlib import Path

import pytest

from router.ledger.drawings import weekly
from router.ledger.words import load_words
from tests.unit.router.ledger.journal_builder import many, told


@pytest.mark.parametrize(
    ("language", "days", "first"),
    [
        ("nb", 364, "2. mar"),
        ("nn", 364, "2. mar"),
        ("en", 364, "2 Mar"),
        ("nb", 800, "mar 2026"),
        ("en", 800, "Mar 2026"),
    ],
)
def test_weeks_of_several_years_are_told_apart_by_their_year(
    tmp_path: Path, language: str, days: int, first: str
) -> None:
    drawing = weekly(told(tmp_path, many(20), last=days), load_words()[language])
    assert drawing is not None
    for shape in (drawing.wide, drawing.narrow):
        dates = re.findall(r">([^<>]*[A-Za-z]{3}(?: \d{4})?)</text>", shape.svg)
        marks = [one for one in dates if re.search(r"\d", one)]
        assert marks[0] == first
        assert len(set(marks)) == len(marks)
