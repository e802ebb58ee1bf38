"""Shown against control: what a journal tells, when nothing is told, and weekly reading."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.control import Setting, compared, drawn, measure
from bench.two_tellings import carriers_of
from router.journal.recommendation import Shares
from router.journal.record import Record
from router.journal.stores.sqlite import SqliteJournal
from router.ledger.by_case import read_by_case
from router.ledger.sequences import reach
from router.ledger.shown import (
    FOLLOWED_DAYS,
    Drawn,
    Draws,
    drawn_in_tens,
)
from tests.builders import a_catalogue, a_reading, a_recorded_recommendation, a_row
from tests.unit.router.ledger.journal_builder import came, micro

SHARES = Shares(control=0.1, after_own_view=0.2)
PHONE = a_catalogue().ids.index("DIALOGUE_AND_PHONE")


def in_their_tens(cases: Drawn) -> Drawn:
    """Tells cases of which the ledger tells, and of no others."""
    return drawn_in_tens(cases, carriers_of(cases.office, cases.day))


def advised(case: str, disclosure: str = "SHOWN", *, day: int = 0, **changes: object) -> Record:
    expected = np.full(len(a_catalogue().mixes), 0.4)
    columns = {"mix": PHONE, "status": 1, "weight": 1.0, "expected": expected} | changes
    shares = columns.pop("shares", SHARES)
    return a_recorded_recommendation(
        a_reading(shares=shares),
        case,
        "office-a",
        disclosure,
        at=micro(day),
        row=a_row(need_group="NEEDS_GUIDANCE"),
        **columns,
    )


def read(folder: Path, records: list[Record]) -> Drawn:
    store = SqliteJournal(folder / "journal.db")
    store.write_batch(sorted(records, key=lambda record: record.written_at))
    found = read_by_case(store, Draws)
    store.close()
    return found


def test_who_was_drawn_is_read_with_the_chance_that_was_recorded(tmp_path: Path) -> None:
    shown, control = advised("a"), advised("b", "CONTROL")
    found = read(
        tmp_path,
        [
            shown,
            control,
            advised("waits", "AFTER_OWN_VIEW"),
            advised("assessed first", status=2),
            advised("of a policy that draws nothing", shares=None),
            came(shown, 1.0, PHONE=(2, 40)),
            came(control, 0.0),
        ],
    )
    assert found.chance.tolist() == pytest.approx([0.7, 0.1])
    assert found.control.tolist() == [False, True]
    assert found.outcome.tolist() == [1.0, 0.0]
    assert found.spent.tolist() == [40, -1]


def test_later_advice_is_no_fresh_draw_but_its_outcome_counts(tmp_path: Path) -> None:
    first, again = advised("a", "CONTROL"), advised("a", day=80, shares=Shares(control=0.5))
    found = read(tmp_path, [first, again, came(again, 1.0, day=90)])
    assert (found.control.tolist(), found.chance.tolist()) == ([True], [0.1])
    assert found.outcome.tolist() == [1.0]


def test_nothing_is_told_of_groups_that_are_too_small_or_not_followed_long_enough() -> None:
    cases = drawn(Setting(name="", a_week=30, control=0.1), 1)
    told = in_their_tens(cases)
    offices = sorted(set(told.office.tolist()))
    early = compared(told, offices, FOLLOWED_DAYS + 20)
    assert early.drawn
    assert (early.outcome, early.minutes, early.groups) == (None, None, {})
    late = compared(told, offices, FOLLOWED_DAYS + 365)
    assert late.outcome is not None
    assert compared(told, ["elsewhere"], FOLLOWED_DAYS + 365).drawn is False


def test_every_count_is_in_tens_and_telling_again_changes_nothing() -> None:
    told = in_their_tens(drawn(Setting(name="", offices=2, control=0.3), 2, weeks=10))
    cells = np.column_stack([told.office == "office-00", told.control, told.tier, told.outcome])
    counts = np.unique(np.nan_to_num(cells.astype(float), nan=-1), axis=0, return_counts=True)[1]
    assert not (counts % 10).any()
    again = in_their_tens(told.where(np.argsort(told.day, kind="stable")))
    for one in ("outcome", "tier", "spent", "day"):
        assert sorted(np.nan_to_num(getattr(again, one)).tolist()) == sorted(
            np.nan_to_num(getattr(told, one)).tolist()
        )


def test_outcomes_told_of_one_group_more_than_of_the_other_tell_nothing() -> None:
    cases = drawn(Setting(name="", offices=3, control=0.4), 3)
    missing = cases.control & (np.arange(len(cases)) % 3 == 0)
    told = in_their_tens(
        replace(
            cases,
            outcome=np.where(missing, np.nan, cases.outcome),
            spent=np.where(missing, -1, cases.spent),
        )
    )
    found = compared(told, sorted(set(told.office.tolist())), 365 + FOLLOWED_DAYS)
    assert found.uneven
    assert found.outcome is None


def test_harm_to_the_first_tier_is_found_and_named() -> None:
    cases = drawn(Setting(name="", offices=6, control=0.5), 4)
    rng = np.random.default_rng(4)
    hurt = (
        ~cases.control & (cases.tier == 0) & (cases.outcome == 1) & (rng.random(len(cases)) < 0.8)
    )
    told = in_their_tens(replace(cases, outcome=np.where(hurt, 0.0, cases.outcome)))
    found = compared(told, sorted(set(told.office.tolist())), 365 + FOLLOWED_DAYS)
    assert found.harmed == ("FIRST",)


def test_weekly_reading_seldom_claims_what_is_not_so_and_finds_what_is() -> None:
    nothing = measure(Setting(name="", control=0.3), 12, first=900)["outcome"]
    assert sum(one.ever_claimed for one in nothing) <= 2
    planted = measure(Setting(name="", offices=3, control=0.5, points=0.15), 3, first=950)
    assert all(one.ever_claimed for one in planted["outcome"])
    assert all(not one.ever_wrong for one in planted["outcome"])


def test_a_sequence_is_wider_than_a_plain_interval_and_narrows_with_its_error() -> None:
    for cases in (100, 2000, 100_000):
        assert reach(1.0, cases) > 1.96
    assert reach(0.5, 2000) == pytest.approx(reach(1.0, 2000) / 2)
    with pytest.raises(ValueError, match="cases: 0"):
        reach(1.0, 0)
    with pytest.raises(ValueError, match="wrong: 1"):
        reach(1.0, 10, 1.0)
