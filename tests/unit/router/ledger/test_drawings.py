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
    ledger = told(tmp_path, many(20), last=days, as_of=days)
    drawing = weekly(ledger, load_words()[language])
    assert drawing is not None
    for shape in (drawing.wide, drawing.narrow):
        dates = re.findall(r">([^<>]*[A-Za-z]{3}(?: \d{4})?)</text>", shape.svg)
        marks = [one for one in dates if re.search(r"\d", one)]
        assert marks[0] == first
        assert len(set(marks)) == len(marks)


@pytest.mark.parametrize(
    ("from_day", "to_day", "as_of", "weeks"),
    [(-84, 83, 83, 12), (0, 364, 40, 6)],
    ids=["before the first case", "weeks to come"],
)
def test_weeks_that_nobody_knows_hours_of_are_not_drawn_as_weeks_without(
    tmp_path: Path, from_day: int, to_day: int, as_of: int, weeks: int
) -> None:
    ledger = told(tmp_path, many(20), first=from_day, last=to_day, as_of=as_of)
    drawing = weekly(ledger, load_words()["nb"])
    assert drawing is not None
    assert drawing.wide.description.startswith(f"{weeks} uker, ")
    assert re.findall(r">(\d+\. [a-z]{3})</text>", drawing.wide.svg)[0] == "2. mar"


def test_in_its_first_week_a_journal_has_no_weeks_to_compare(tmp_path: Path) -> None:
    assert weekly(told(tmp_path, many(20), last=83, as_of=6), load_words()["nb"]) is None
