"""What is told of cases in tens: never of fewer, the same in every table, and near the truth."""

from dataclasses import fields, replace
from datetime import timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench import two_tellings
from bench.disclosure import (
    FIRST,
    drawn,
    found_out,
    made_up_offices,
    periods,
    published,
    without_small,
)
from router.ledger.account import Ledger, account, together
from router.ledger.entries import CHANNELS, REPEATED, Entries
from router.ledger.tens import TEN, in_tens
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from tests.builders import ROOT

CATALOGUE = load_catalogue(ROOT / "policies" / "mixes.toml")
OFFICES = made_up_offices("abc", load_policies(ROOT / "policies", CATALOGUE).national)
WEEKS = 8


def cases(seed: int, a_week: float = 12.0, weeks: int = WEEKS) -> Entries:
    return drawn(seed, list(OFFICES), weeks, a_week, CATALOGUE)


def counts_of(entries: Entries, *names: str) -> list[int]:
    """Counts entries that agree in all these fields."""
    columns = [
        entries.group[name] if name in entries.group else getattr(entries, name) for name in names
    ]
    found: dict[tuple[str, ...], int] = {}
    for key in zip(*(column.astype(str).tolist() for column in columns), strict=True):
        found[key] = found.get(key, 0) + 1
    return list(found.values())


@given(st.integers(0, 10_000), st.floats(0.2, 40))
@settings(max_examples=25, deadline=None)
def test_what_is_told_may_be_the_truth_for_it_would_be_told_the_same(
    seed: int, a_week: float
) -> None:
    told = in_tens(cases(seed, a_week), OFFICES)
    again = in_tens(told, OFFICES)
    for one in fields(told):
        if one.name == "group":
            assert all((told.group[name] == again.group[name]).all() for name in told.group)
        elif one.name != "synthetic":
            np.testing.assert_array_equal(getattr(told, one.name), getattr(again, one.name))


@given(st.integers(0, 10_000), st.floats(0.2, 40))
@settings(max_examples=25, deadline=None)
def test_however_cases_are_split_no_part_holds_one_to_nine(seed: int, a_week: float) -> None:
    told = in_tens(cases(seed, a_week), OFFICES)
    every = ("office", "day", "need_group", "digital_skill", "age_band", "mix", "spent", "outcome")
    assert all(count % TEN == 0 for count in counts_of(told, *every))


@pytest.mark.parametrize("seed", range(3))
def test_linear_programming_over_all_that_is_published_finds_no_cell_under_ten(seed: int) -> None:
    made = cases(seed)
    told = list(published(in_tens(made, OFFICES), OFFICES, CATALOGUE, periods(WEEKS)))
    assert found_out(told, made, tried=4, seed=seed) == []


def test_the_same_attack_finds_cells_where_small_figures_are_only_left_out() -> None:
    made = cases(0)
    raw = without_small(list(published(made, OFFICES, CATALOGUE, periods(WEEKS))))
    assert found_out(raw, made, tried=6, seed=0) != []


@given(st.integers(0, 10_000))
@settings(max_examples=25, deadline=None)
def test_both_tellings_of_cases_may_be_the_truth_together(seed: int) -> None:
    told = two_tellings.tell(two_tellings.drawn(seed), carried=True)
    # Each of the ledger's tens is ten cases of its day; those that carry another are also its.
    kinds = [(int(day), kind) for kind, days in enumerate(told.kinds) for day in days]
    assert told.free is not None
    kinds += [(int(day), two_tellings.KINDS) for day in told.free]
    assert sorted(day for day, _ in kinds) == told.ledger.tolist()
    day, kind = np.repeat(np.array(sorted(kinds), np.int64).reshape(-1, 2), TEN, axis=0).T
    again = two_tellings.tell(two_tellings.Made(day, kind), carried=True)
    assert again.ledger.tolist() == told.ledger.tolist()
    assert [one.tolist() for one in again.kinds] == [one.tolist() for one in told.kinds]


def test_two_tellings_set_against_each_other_find_no_days_with_fewer_than_ten() -> None:
    made = two_tellings.drawn(3)
    told = two_tellings.tell(made, carried=True)
    assert sum(map(len, told.kinds)) > 0
    assert two_tellings.found_out(made, told, tried=20, seed=0) == []
    # What must not do, so that the attack is one.
    full = two_tellings.tell(made, carried=False)
    assert two_tellings.found_out(made, full, tried=60, seed=0) != []


def test_errors_do_not_grow_with_the_period() -> None:
    made = cases(1, a_week=60.0, weeks=52)
    told = in_tens(made, OFFICES)
    for weeks in (4, 13, 26, 48):
        first = FIRST + timedelta(weeks=2)
        last = first + timedelta(days=7 * weeks - 1)
        one, true = (
            account(entries, OFFICES, CATALOGUE, first, last, last) for entries in (told, made)
        )
        assert abs(one.cases - true.cases) < 3 * TEN
        for part, of_truth in zip(one.tiers, true.tiers, strict=True):
            assert abs(part.estimated.cases - of_truth.estimated.cases) <= 6 * TEN
        for name in ("released", "reused"):
            a, b = (getattr(ledger.total.estimated, name) for ledger in (one, true))
            assert abs(a - b) <= 100 * 60


def test_an_offices_last_cases_wait_until_there_are_ten() -> None:
    made = cases(2)
    alone = made.where(made.office == "office-c")
    assert len(in_tens(alone.where(np.arange(9)), OFFICES)) == 0
    assert len(in_tens(alone.where(np.arange(19)), OFFICES)) == 10


def test_an_office_is_told_the_same_alone_and_among_others() -> None:
    made = cases(3)
    all_of_them, alone = in_tens(made, OFFICES), in_tens(made, {"office-b": OFFICES["office-b"]})
    of_all = all_of_them.where(all_of_them.office == "office-b")
    assert of_all.day.tolist() == alone.day.tolist()
    assert of_all.mix.tolist() == alone.mix.tolist()


def test_a_report_is_told_in_ten_minutes_and_what_is_left_out_apart() -> None:
    made = cases(4)
    made.left_out[::3] = REPEATED
    told = in_tens(made, OFFICES)
    assert (told.spent[told.measured] % TEN == 0).all()
    assert all(count % TEN == 0 for count in counts_of(told, "office", "left_out"))


def test_offices_without_a_policy_are_told_of_nowhere() -> None:
    assert len(in_tens(cases(5), {})) == 0


def figures_of(ledger: Ledger) -> dict[str, object]:
    """Gives all that a ledger tells, by name."""
    told = {one.name: getattr(ledger, one.name) for one in fields(ledger) if one.name != "reports"}
    return told | {
        name: getattr(ledger, name) for name in ("left", "overrides", "reached", "contacts")
    }


@pytest.mark.parametrize("seed", range(4))
def test_offices_told_together_are_told_the_same_whether_their_cases_or_figures_are_added(
    seed: int,
) -> None:
    made, rng = cases(seed), np.random.default_rng(seed)
    contacts = rng.poisson(1.5, (len(made), len(CHANNELS))).astype(float)
    told = in_tens(replace(made, contacts=contacts, minutes=np.rint(contacts * 17)), OFFICES)
    for first, last in periods(WEEKS)[:3]:
        days = first, last, last
        one = account(told, OFFICES, CATALOGUE, *days)
        added = together(
            [account(told, {ref: policy}, CATALOGUE, *days) for ref, policy in OFFICES.items()]
        )
        assert figures_of(added) == figures_of(one)
        assert any(channel.minutes for channel in one.contacts)
