"""The ledger's arithmetic: exact, additive over any split, and nothing counted twice."""

from dataclasses import astuple

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.ledger.arithmetic import (
    Balance,
    Tier,
    Whole,
    balances,
    counted_once,
    tiers_of,
)

MINUTES = st.integers(0, 3000)
CASES = st.lists(st.tuples(MINUTES, MINUTES, st.integers(0, 4)), max_size=60)
Triples = list[tuple[int, int, int]]


def columns(cases: Triples) -> tuple[Whole, Whole, Whole]:
    table = np.array(cases, np.int64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2]


def balance(baseline: Whole, used: Whole) -> Balance:
    """Balances the hours of all cases."""
    (found,) = balances(baseline, used, np.zeros(len(baseline), np.int64), 1)
    return found


@given(CASES)
def test_baseline_is_what_is_used_plus_released_less_reused_for_every_group_and_in_all(
    cases: Triples,
) -> None:
    baseline, used, groups = columns(cases)
    parts = balances(baseline, used, groups, 5)
    for one in [*parts, balance(baseline, used)]:
        assert one.baseline == one.used + one.released - one.reused
        assert one.released >= 0
        assert one.reused >= 0


@given(CASES)
def test_groups_sum_to_the_whole_however_cases_are_split(cases: Triples) -> None:
    baseline, used, groups = columns(cases)
    whole = balance(baseline, used)
    for split, count in ((groups, 5), (np.arange(len(cases)), len(cases))):
        parts = [astuple(one) for one in balances(baseline, used, split, count)]
        assert np.sum([*parts, (0,) * 5], axis=0).tolist() == list(astuple(whole))


def test_a_case_that_takes_less_releases_and_one_that_takes_more_is_given() -> None:
    found = balance(np.array([100, 100, 100]), np.array([40, 150, 100]))
    assert found == Balance(cases=3, baseline=300, used=290, released=60, reused=50)
    assert found.unaccounted == 10


def test_more_given_than_released_is_told_as_a_negative_rest() -> None:
    assert balance(np.array([100, 100]), np.array([90, 150])).unaccounted == -40


@pytest.mark.parametrize(
    ("baseline", "used", "groups", "named"),
    [
        (np.array([1.5]), np.array([1]), np.array([0]), "baseline"),
        (np.array([1]), np.array([-1]), np.array([0]), "used"),
        (np.array([1]), np.array([1, 2]), np.array([0]), "used"),
        (np.array([1]), np.array([1]), np.array([7]), "groups"),
    ],
)
def test_minutes_that_are_not_whole_or_below_zero_are_refused_by_name(
    baseline: Whole, used: Whole, groups: Whole, named: str
) -> None:
    with pytest.raises(ValueError, match=named):
        balances(baseline, used, groups, 5)


def test_tiers_follow_the_weakest_first_weight() -> None:
    known = np.ones(5, bool)
    tiers = [Tier(one) for one in tiers_of(np.array([1.0, 1.01, 1.49, 1.5, 4.0]), known)]
    assert tiers == [Tier.OTHERS, Tier.NEXT, Tier.NEXT, Tier.FIRST, Tier.FIRST]
    with pytest.raises(ValueError, match="weights"):
        tiers_of(np.array([0.9]), known[:1])


def test_whose_need_is_not_known_has_no_priority_whatever_the_weight() -> None:
    assert tiers_of(np.array([1.0, 4.0]), np.zeros(2, bool)).tolist() == [Tier.UNKNOWN] * 2


def counting(*asked: tuple[int, int, int]) -> list[bool]:
    case, day, rank = columns(list(asked))
    return [bool(one) for one in counted_once(case, day, rank, 84)]


def test_of_advice_asked_for_again_the_one_with_the_choice_counts() -> None:
    assert counting((1, 0, 0), (1, 5, 2), (1, 9, 0)) == [False, True, False]


def test_of_advice_asked_for_again_without_a_choice_the_last_counts() -> None:
    assert counting((1, 5, 0), (2, 0, 0), (1, 9, 0)) == [False, True, True]


def test_after_a_plan_has_run_out_the_same_case_begins_another() -> None:
    assert counting((1, 0, 2), (1, 83, 1), (1, 84, 0)) == [True, False, True]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(0, 300), st.integers(0, 3)), max_size=40))
def test_each_case_counts_at_most_once_within_a_plan_and_never_not_at_all(asked: Triples) -> None:
    case, day, rank = columns(asked)
    which = counted_once(case, day, rank, 84)
    assert set(case[which].tolist()) == set(case.tolist())
    for one in set(case.tolist()):
        days = day[case == one]
        assert which[case == one].sum() <= (days.max() - days.min()) // 84 + 1
