"""What the ledger makes of a journal."""

from pathlib import Path
from typing import Any

import pytest

from router.journal.stores.sqlite import SqliteJournal
from router.ledger.account import LedgerRefused
from router.ledger.arithmetic import Balance, Tier
from router.ledger.entries import REPEATED, WITHHELD
from router.ledger.reading import read_entries
from tests.unit.router.ledger.journal_builder import (
    MINUTES,
    advised,
    an_office,
    came,
    chose,
    many,
    told,
    viewed,
)

LIGHT, PHONE, OFFICE = "SELF_SERVICE", "DIALOGUE_AND_PHONE", "BLENDED_OFFICE"
GOOD: dict[str, Any] = {"need_group": "GOOD_OPPORTUNITIES"}
GUIDED: dict[str, Any] = {"need_group": "NEEDS_GUIDANCE"}


def test_light_cases_release_what_personal_ones_are_given(tmp_path: Path) -> None:
    light, heavy = (
        many(20, mix=LIGHT, **GOOD),
        many(10, prefix="h", mix=OFFICE, weight=2.0, **GUIDED),
    )
    ledger = told(tmp_path, light + heavy)
    released, reused = 20 * (60 - MINUTES[LIGHT]), 10 * (MINUTES[OFFICE] - 100)
    total = ledger.total.estimated
    assert total == Balance(
        cases=30,
        baseline=2200,
        used=20 * MINUTES[LIGHT] + 10 * MINUTES[OFFICE],
        released=released,
        reused=reused,
    )
    assert total.unaccounted == released - reused
    first, _, others, _ = ledger.tiers
    assert (first.name, first.estimated.reused, others.estimated.reused) == (
        "FIRST",
        reused,
        0,
    )
    assert {one.name: one.estimated.released for one in ledger.groups["need_group"]} == {
        "GOOD_OPPORTUNITIES": released,
        "NEEDS_GUIDANCE": 0,
    }


def test_what_is_recommended_is_planned_until_something_is_chosen(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE) for number in range(20)]
    choices = [chose(one, OFFICE) for one in advice[:10]]
    ledger = told(tmp_path, advice + choices)
    assert ledger.total.estimated.used == 10 * (MINUTES[PHONE] + MINUTES[OFFICE])
    assert (ledger.due.without_choice, ledger.due.without_outcome) == (10, 10)
    assert ledger.choices == {"SAME": 0, "MORE": 10, "LESS": 0}


def test_a_corrected_choice_counts_and_keeps_the_day_of_the_first(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE, day=2) for number in range(10)]
    first = [chose(one, PHONE, day=3) for one in advice]
    last = [
        chose(one, OFFICE, day=40, corrects=other) for one, other in zip(advice, first, strict=True)
    ]
    assert (
        told(tmp_path, advice + first + last, last=3).total.estimated.used == 10 * MINUTES[OFFICE]
    )
    assert told(tmp_path, advice + first + last, first=4).cases == 0


def test_measured_takes_only_cases_whose_time_was_reported_and_is_kept_apart(
    tmp_path: Path,
) -> None:
    advice = [advised(f"c-{number}", PHONE, **GUIDED) for number in range(40)]
    records = [
        *advice,
        *(chose(one, PHONE) for one in advice),
        *(came(one, PHONE=(3, 75)) for one in advice[:20]),
    ]
    records += [came(one) for one in advice[20:30]]
    ledger = told(tmp_path, records)
    assert ledger.total.estimated == Balance(
        cases=40, baseline=4000, used=3320, released=680, reused=0
    )
    assert ledger.total.measured == Balance(
        cases=20, baseline=2000, used=1500, released=500, reused=0
    )
    assert ledger.total.planned == Balance(
        cases=20, baseline=2000, used=1660, released=340, reused=0
    )
    assert ledger.reached is not None
    assert (ledger.outcomes, ledger.reached.value, ledger.due.without_outcome) == (30, 1.0, 10)


def test_a_corrected_outcome_replaces_what_was_reported(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE, **GUIDED) for number in range(10)]
    wrong = [came(one, PHONE=(3, 500)) for one in advice]
    right = [
        came(one, 0.0, day=71, corrects=other, PHONE=(3, 60))
        for one, other in zip(advice, wrong, strict=True)
    ]
    ledger = told(tmp_path, [*advice, *(chose(one, PHONE) for one in advice), *wrong, *right])
    assert ledger.reached is not None
    assert (ledger.total.measured.used, ledger.reached.value) == (600, 0.0)


def test_advice_asked_for_again_within_twelve_weeks_is_not_counted_twice(tmp_path: Path) -> None:
    first = [advised(f"c-{number}", PHONE) for number in range(10)]
    again = [advised(f"c-{number}", OFFICE, day=20) for number in range(10)]
    ledger = told(tmp_path, [*first, *again, *(chose(one, LIGHT) for one in first)])
    assert (ledger.cases, ledger.left_out[REPEATED], ledger.total.estimated.used) == (
        10,
        10,
        10 * MINUTES[LIGHT],
    )


def test_periods_side_by_side_hold_what_the_whole_holds(tmp_path: Path) -> None:
    records = [record for day in range(0, 60, 5) for record in many(10, prefix=f"d{day}", day=day)]
    again = [advised(f"d0-{number}", OFFICE, day=30) for number in range(10)]
    whole, *parts = (
        told(tmp_path, records + again, first=a, last=b) for a, b in ((0, 59), (0, 29), (30, 59))
    )
    assert whole.cases == 120
    for name in ("cases", "baseline", "used", "released", "reused"):
        sums = [getattr(one.total.estimated, name) for one in (whole, *parts)]
        assert sums[0] == sum(sums[1:])


def test_withheld_advice_plans_nothing_until_something_is_chosen(tmp_path: Path) -> None:
    advice = [advised(f"c-{number}", PHONE, disclosure="CONTROL") for number in range(25)]
    ledger = told(tmp_path, [*advice, *(chose(one, OFFICE) for one in advice[:10])])
    assert (ledger.cases, ledger.left_out[WITHHELD]) == (10, 15)
    assert ledger.total.estimated.used == 10 * MINUTES[OFFICE]
    # Nobody saw an advice that it could differ from.
    assert ledger.choices == {"SAME": 0, "MORE": 0, "LESS": 0}


def test_a_choice_has_a_direction_only_where_the_advice_was_revealed_before_it(
    tmp_path: Path,
) -> None:
    advice = [advised(f"c-{number}", PHONE, disclosure="AFTER_OWN_VIEW") for number in range(40)]
    ledger = told(
        tmp_path, [*advice, *map(viewed, advice[:15]), *(chose(one, OFFICE) for one in advice)]
    )
    assert ledger.choices == {"SAME": 0, "MORE": 15, "LESS": 0}


def test_shielded_cases_are_in_no_sum(tmp_path: Path) -> None:
    shielded = [advised("", None, office="", shielded="YES") for _ in range(15)]
    assert told(tmp_path, many(10) + shielded).cases == 10


def test_a_case_of_unknown_need_is_held_against_the_baseline_of_unknown_need(
    tmp_path: Path,
) -> None:
    assert told(tmp_path, many(10, need_group=None)).total.estimated.baseline == 10 * 90


def test_offices_are_kept_apart_and_can_be_told_of_together(tmp_path: Path) -> None:
    records = (
        many(10) + many(20, prefix="b", office="office-b") + many(5, prefix="x", office="office-x")
    )
    both = an_office() | an_office("office-b")
    assert told(tmp_path, records).cases == 10
    assert told(tmp_path, records, both).cases == 30
    assert told(tmp_path, records, both, last=6).capacity == 14_000


def test_a_case_of_unknown_need_is_nobodys_priority_and_told_apart(tmp_path: Path) -> None:
    unknown = many(10, mix=OFFICE, weight=2.5, need_group=None)
    ledger = told(tmp_path, many(20, prefix="k", mix=OFFICE, weight=2.5, **GUIDED) + unknown)
    assert [one.estimated.cases for one in ledger.tiers] == [20, 0, 0, 10]
    assert ledger.tiers[Tier.UNKNOWN].estimated.reused == 10 * (MINUTES[OFFICE] - 90)


def test_what_cannot_be_there_yet_is_not_due(tmp_path: Path) -> None:
    old = [advised(f"o-{number}", PHONE, day=0) for number in range(30)]
    young = [advised(f"y-{number}", PHONE, day=60) for number in range(20)]
    records = [*old, *young, *(chose(one, PHONE, day=0) for one in old[:25])]
    records += [came(one, PHONE=(3, 75)) for one in old[:20]]
    due = told(tmp_path, records, as_of=84).due
    assert (due.reports, due.reported, due.running) == (30, 20, 20)
    assert (due.without_outcome, due.without_choice, due.lately) == (5, 25, 0)
    due = told(tmp_path, records, as_of=70).due
    assert (due.reports, due.reported, due.without_choice, due.lately) == (0, 0, 5, 20)


def test_what_is_left_has_a_range_that_grows_with_the_differences(tmp_path: Path) -> None:
    left = told(tmp_path, many(60, mix=LIGHT, **GUIDED)).left
    assert left.low < left.value == 60 * (100 - MINUTES[LIGHT]) < left.high
    both = many(30, mix=LIGHT, **GUIDED) + many(30, prefix="h", mix=OFFICE, **GUIDED)
    wide = told(tmp_path, both).left
    assert wide.high - wide.low > 2 * (left.high - left.low)
    assert told(tmp_path, []).left.high == 0


def test_an_office_without_a_baseline_is_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(LedgerRefused, match=r"office-a.*baseline_minutes"):
        told(tmp_path, [], an_office(baseline_minutes={}))


def test_erased_advice_is_counted_as_erased_and_in_no_sum(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    records = many(12)
    store.write_batch(records)
    store.erase([records[0].id, records[1].id])
    entries, erased = read_entries(store)
    store.close()
    assert (len(entries), erased) == (11, 1)
