"""Which cases are held out for evaluation."""

from dataclasses import replace

import numpy as np
import pytest

from router.cases.features import FEATURES
from training.data.dataset import LoggedCases
from training.data.hold_out import hold_out


def some_cases(count: int, days: np.ndarray | None) -> LoggedCases:
    return LoggedCases(
        rows=np.zeros((count, len(FEATURES.features)), np.uint16),
        mix=np.zeros(count, np.int64),
        outcome=np.zeros(count),
        propensity=None,
        minutes=None,
        days=None if days is None else np.datetime64("2025-01-01") + days.astype("timedelta64[D]"),
        offices=None,
        case_refs=np.array([f"c-{number}" for number in range(count)]),
        audit={},
        audit_unknown=0,
        too_recent=0,
        shielded=0,
        synthetic=True,
        simulation={},
        sha256={},
    )


def random_days(count: int, seed: int, last: int = 40) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, last, count)


@pytest.mark.parametrize("seed", range(5))
def test_by_time_every_held_out_day_is_whole_and_later_than_all_that_was_learned_from(
    seed: int,
) -> None:
    cases = some_cases(3_000, random_days(3_000, seed))
    earlier, later, by = hold_out(cases, seed)
    assert by == "time"
    assert earlier.days is not None
    assert later.days is not None
    assert earlier.days.max() < later.days.min()
    assert 0.3 <= len(later.mix) / 3_000 < 0.36
    assert sorted([*earlier.case_refs, *later.case_refs]) == sorted(cases.case_refs)


def test_the_seed_does_not_matter_where_days_are_known() -> None:
    cases = some_cases(2_000, random_days(2_000, 0))
    assert np.array_equal(hold_out(cases, 1)[1].case_refs, hold_out(cases, 2)[1].case_refs)


def test_without_days_three_tenths_are_drawn_and_the_seed_says_which() -> None:
    cases = some_cases(2_000, None)
    earlier, later, by = hold_out(cases, 1)
    assert by == "random"
    assert len(later.mix) == 600
    assert not set(earlier.case_refs) & set(later.case_refs)
    assert np.array_equal(hold_out(cases, 1)[1].case_refs, later.case_refs)
    assert not np.array_equal(hold_out(cases, 2)[1].case_refs, later.case_refs)


@pytest.mark.parametrize("dated", [True, False])
def test_cases_of_one_person_are_never_on_both_sides(dated: bool) -> None:
    days = random_days(4_000, 1) if dated else None
    persons = np.random.default_rng(2).integers(0, 2_500, 4_000).astype(np.str_)
    cases = replace(some_cases(4_000, days), clusters={"person": persons})
    earlier, later, _ = hold_out(cases, 1)
    assert not set(earlier.clusters["person"]) & set(later.clusters["person"])
    assert 0.25 < len(later.mix) / 4_000 < 0.36
    # A person with later cases is judged by those; the earlier ones are not learned from.
    assert (len(earlier.mix) + len(later.mix) < 4_000) is dated


def test_a_column_of_few_values_clusters_and_divides_nobody() -> None:
    regions = np.random.default_rng(2).integers(0, 5, 3_000).astype(np.str_)
    cases = replace(some_cases(3_000, random_days(3_000, 3)), clusters={"region": regions})
    earlier, later, _ = hold_out(cases, 1)
    assert len(earlier.mix) + len(later.mix) == 3_000
