"""What leaders read of what ten hours would give elsewhere."""

import json
from pathlib import Path
from typing import Any

import pytest

from router.ledger.account import LedgerRefused
from router.ledger.elsewhere import HoursElsewhere, elsewhere, read_hours
from router.ledger.words import load_words
from tests.plain_language import faults

WORDS = load_words()
FILE: dict[str, Any] = {
    "hours": 10,
    "weeks": 4.0,
    "until": "2026-03-01",
    "offices": {
        "a": {
            "cases": 217,
            "price_per_hour": 0.05,
            "more": {"value": 0.2, "low": 0.1, "high": 0.31},
            "fewer": {"value": 0.26, "low": 0.12, "high": 0.4},
        },
        "b": {
            "cases": 180,
            "price_per_hour": 0.1,
            "more": {"value": 0.9, "low": 0.5, "high": 1.4},
            "fewer": None,
        },
    },
    "best_move": {"from": "a", "to": "b", "gain": {"value": 0.65, "low": 0.2, "high": 1.1}},
    "left_out": {"c": "fewer than 100 cases"},
}


def read(folder: Path, **changes: Any) -> HoursElsewhere:
    path = folder / "hours.json"
    path.write_text(json.dumps(FILE | changes))
    return read_hours(path)


def test_leaders_read_the_best_move_with_its_range_and_each_office(tmp_path: Path) -> None:
    found = elsewhere(read(tmp_path), ["a", "b"], WORDS["nb"])
    assert found.sentences[0] == (
        "Flytter dere 10 timer fra a til b, når 0,65 flere brukere målet. "
        "Det er et anslag, med spennet 0,20 til 1,10."
    )
    assert [(row.what, row.value, row.range, row.basis) for row in found.rows] == [
        ("a, ti timer mer", "0,20", "0,10 til 0,31", "210"),
        ("a, ti timer mindre", "−0,26", "−0,40 til −0,12", "210"),
        ("b, ti timer mer", "0,90", "0,50 til 1,40", "180"),
        ("b, ti timer mindre", "har ikke så mange å gi", "–", "180"),
    ]


@pytest.mark.parametrize("language", sorted(WORDS))
def test_where_the_range_holds_nothing_it_is_said_that_nobody_can_tell(
    tmp_path: Path, language: str
) -> None:
    words = WORDS[language]
    gain = {"value": 0.3, "low": -0.2, "high": 0.8}
    found = elsewhere(
        read(tmp_path, best_move=FILE["best_move"] | {"gain": gain}), ["a", "b"], words
    )
    start = {"nb": "Vi vet ikke", "nn": "Vi veit ikkje", "en": "We cannot tell"}[language]
    assert found.sentences[0].startswith(start)
    for one in found.sentences:
        assert list(faults(language, one)) == []


def test_a_page_of_one_office_names_no_other(tmp_path: Path) -> None:
    found = elsewhere(read(tmp_path), ["a"], WORDS["en"])
    assert [row.what for row in found.rows] == ["a, ten hours more", "a, ten hours fewer"]
    assert "If you move" not in found.sentences[0]
    assert elsewhere(read(tmp_path), ["c"], WORDS["en"]).sentences[0].startswith("We cannot say")


def test_another_file_is_refused_with_what_is_amiss(tmp_path: Path) -> None:
    with pytest.raises(LedgerRefused, match=r"hours.*weeks"):
        read(tmp_path, weeks="four")
    huge = {"value": 1e308, "low": 0.0, "high": 1e308}
    with pytest.raises(LedgerRefused, match="gain"):
        read(tmp_path, best_move=FILE["best_move"] | {"gain": huge})
    with pytest.raises(LedgerRefused, match=r"none\.json: .*o such file"):
        read_hours(tmp_path / "none.json")
