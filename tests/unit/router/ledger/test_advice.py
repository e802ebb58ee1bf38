"""What a leader reads first, and what the page says can be done."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.journal.record import Record
from router.ledger.account import Ledger
from router.ledger.advice import headline, what_to_do
from router.ledger.words import load_words
from tests.unit.router.ledger.journal_builder import advised, an_office, came, chose, many, told

WORDS = load_words()["en"]
LIGHT, PHONE, OFFICE = "SELF_SERVICE", "DIALOGUE_AND_PHONE", "BLENDED_OFFICE"


def reported(count: int, mix: str, prefix: str = "r", **options: Any) -> list[Record]:
    advice = [advised(f"{prefix}-{number}", mix, **options) for number in range(count)]
    time: dict[str, Any] = {"PHONE": (3, 90)} if mix == PHONE else {"SELF_SERVICE": (1, 8)}
    return [*advice, *(chose(one, mix) for one in advice), *(came(one, **time) for one in advice)]


@pytest.fixture
def balanced(tmp_path: Path) -> Ledger:
    """Gives cases whose hours released were used again."""
    light = reported(50, LIGHT, need_group="GOOD_OPPORTUNITIES")
    heavy = many(52, mix=OFFICE, prefix="h", weight=2.0, need_group="NEEDS_GUIDANCE")
    return told(tmp_path, light + heavy)


def test_hours_used_again_are_good_news_and_whom_they_went_to_is_told(balanced: Ledger) -> None:
    found = headline(balanced, WORDS)
    assert found.state == "pass"
    assert re.fullmatch(
        r"The plans use the released hours again. The difference is probably −\d+ to \d+\xa0hours",
        found.line,
    )
    assert (
        found.sentences[-1]
        == "Of the hours that the plans use again, 100% go to users with high or highest priority."
    )


def test_hours_left_over_are_to_be_given_to_somebody(tmp_path: Path) -> None:
    ledger = told(tmp_path, reported(60, LIGHT, need_group="GOOD_OPPORTUNITIES"))
    assert headline(ledger, WORDS).line == (
        "The plans release 52\u00a0hours more than they use again, probably 45 to 59\u00a0hours"
    )
    assert what_to_do(ledger, WORDS)[0].startswith("You can decide who will get 52\u00a0hours.")


def test_more_hours_given_than_released_ask_for_a_new_plan(tmp_path: Path) -> None:
    ledger = told(tmp_path, many(30, mix=OFFICE, need_group="NEEDS_GUIDANCE"))
    assert headline(ledger, WORDS).line == (
        "The plans use 25\u00a0hours more than they release, probably 18 to 32\u00a0hours"
    )
    assert what_to_do(ledger, WORDS)[0].startswith(
        "The plans use 25\u00a0hours more than they release."
    )


def test_a_plan_beyond_the_offices_hours_comes_first(tmp_path: Path) -> None:
    ledger = told(tmp_path, many(30, mix=OFFICE), an_office(minutes_per_week=60.0))
    assert what_to_do(ledger, WORDS)[0].startswith(
        "The plans use 75\u00a0hours, but you have only 52\u00a0hours."
    )


def test_little_reported_time_is_asked_for(balanced: Ledger) -> None:
    assert any(
        "ask advisers to report time. Only 49%" in one for one in what_to_do(balanced, WORDS)
    )


def test_longer_calls_are_told_against_the_catalogue(tmp_path: Path) -> None:
    ledger = told(tmp_path, reported(40, PHONE))
    assert any(
        "A phone call takes 30.0 minutes. The catalogue says 18.0." in one
        for one in what_to_do(ledger, WORDS)
    )


@pytest.mark.parametrize(
    ("differ", "told_of"), [(2, "nearly always follow"), (150, "depart from the advice in 50%")]
)
def test_advice_that_is_always_or_seldom_followed_is_talked_about(
    balanced: Ledger, differ: int, told_of: str
) -> None:
    choices = {"SAME": 300 - differ, "MORE": differ, "LESS": 0}
    ledger = replace(balanced, choices=choices)
    assert any(told_of in one for one in what_to_do(ledger, WORDS))


def test_reports_that_are_not_due_are_not_asked_for(tmp_path: Path) -> None:
    ledger = told(tmp_path, many(40), as_of=83)
    assert not any("report time" in one for one in what_to_do(ledger, WORDS))
    ledger = told(tmp_path, many(40), as_of=84)
    assert any("report time. Only 0%" in one for one in what_to_do(ledger, WORDS))


def test_hours_of_unknown_need_are_not_called_priority_but_told(tmp_path: Path) -> None:
    unknown = many(30, mix=OFFICE, prefix="u", weight=2.5, need_group=None)
    known = many(10, mix=OFFICE, prefix="k", weight=2.5, need_group="NEEDS_GUIDANCE")
    *_, priority, apart = headline(told(tmp_path, unknown + known), WORDS).sentences
    assert "22% go to users with high or highest priority" in priority
    assert apart.startswith("30\u00a0hours of them go to cases where the need is not stated.")


def test_whether_there_are_none_or_a_few_is_not_told(tmp_path: Path) -> None:
    ledger = told(tmp_path, [])
    line = "No cases in the period, or fewer than ten"
    assert (headline(ledger, WORDS).line, what_to_do(ledger, WORDS)) == (line, ())
