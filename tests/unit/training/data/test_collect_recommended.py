"""From the journal to logged cases whose mix is the one recommended, with its chance."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from router.decision.policy import DisclosureShares
from router.journal.recommendation import read_recommendation
from router.journal.stores.sqlite import SqliteJournal
from tests.unit.training.data.journal_builder import (
    DAY,
    EXPLORER,
    EXPLORING,
    MONDAY,
    a_recommender,
    both,
    came,
    chosen,
    collected,
    recommended,
    viewed,
)
from training.data.collect import NothingToLearn, Treatment

UNKNOWN: dict[str, Any] = dict.fromkeys(
    (
        "education_recognised",
        "months_since_last_work",
        "expected_weeks_to_job",
        "applications_4w",
        "plan_has_goal",
        "goal_by_user",
        "plan_activities_active",
        "plan_activities_overdue",
        "messages_90d",
        "phone_talks_90d",
    )
)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    store = SqliteJournal(tmp_path / "journal.db")
    yield store
    store.close()


def test_advice_is_logged_with_the_chance_it_was_drawn_with_whatever_was_chosen(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    decisions = recommended(60, by=EXPLORER)
    # Half are answered without a choice: what came of the advice is known all the same.
    answers = [
        chosen(one, "INTENSIVE_PERSONAL", day=DAY + timedelta(days=60)) for one in decisions[:30]
    ]
    journal.write_batch([*decisions, *answers, *(came(one) for one in decisions)])
    done, frame = collected(tmp_path, Treatment.RECOMMENDED)
    told = [read_recommendation(one) for one in journal.read(kinds=("recommendation",))]
    assert dict(frame.select("case_ref", "mix").rows()) == {
        one.case_ref: one.mix for one in told if one
    }
    chances = sorted(frame.select("mix", "propensity").unique()["propensity"].to_list())
    # Half the cases were drawn among all that is near the best.
    drawn = 0.5 / len(chances)
    assert chances == pytest.approx([drawn] * (len(chances) - 1) + [0.5 + drawn])
    assert set(frame["decided_on"]) == {MONDAY}
    assert (done.drawn, done.cases) == (60, 60)


def test_a_mix_is_advised_as_often_as_its_propensity_says(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    decisions = recommended(4000, by=EXPLORER)
    journal.write_batch([*decisions, *(came(one) for one in decisions)])
    frame = collected(tmp_path, Treatment.RECOMMENDED)[1]
    for mix, chance in frame.select("mix", "propensity").unique().rows():
        share = frame.filter(mix=mix).height / len(frame)
        assert share == pytest.approx(chance, abs=4 * np.sqrt(chance * (1 - chance) / len(frame)))


def test_only_advice_that_was_given_is_logged(tmp_path: Path, journal: SqliteJournal) -> None:
    controls = recommended(
        3, by=a_recommender(**EXPLORING, disclosure=DisclosureShares(after_own_view=0, control=1))
    )
    own = a_recommender(**EXPLORING, disclosure=DisclosureShares(after_own_view=1, control=0))
    withheld = recommended(5, by=own, first=10)
    shown = recommended(2, by=EXPLORER, first=20)
    every = [*controls, *withheld, *shown]
    journal.write_batch([*every, *map(viewed, withheld[:2]), *both(every)])
    done, frame = collected(tmp_path, Treatment.RECOMMENDED)
    assert done.left_out == {"in the control group": 3, "never revealed": 3}
    assert sorted(frame["case_ref"]) == ["c-10", "c-11", "c-20", "c-21"]
    # What was chosen without having seen advice tells as much of the mix chosen.
    assert collected(tmp_path)[0].cases == 10


def test_of_a_case_the_first_advice_given_counts_with_the_outcome_told_about_any(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    own = a_recommender(**EXPLORING, disclosure=DisclosureShares(after_own_view=1, control=0))
    unseen, first = recommended(1, by=own), recommended(3, by=EXPLORER)
    again = recommended(
        3, by=EXPLORER, day=DAY + timedelta(days=60), need_group="SMALL_OPPORTUNITY"
    )
    answers = [came(first[1], 0.25), came(again[0], 0.5), came(again[1], 0.75)]
    journal.write_batch([*unseen, *first, *again, *answers])
    done, frame = collected(tmp_path, Treatment.RECOMMENDED)
    assert done.left_out == {
        "never revealed": 1,
        "again for the same case": 3,
        "without an outcome": 1,
    }
    assert done.recommendations == done.cases + sum(done.left_out.values())
    assert dict(frame.select("case_ref", "outcome").rows()) == {"c-0": 0.5, "c-1": 0.25}
    assert set(frame["need_group"]) == {"GOOD_OPPORTUNITIES"}
    assert set(frame["decided_on"]) == {MONDAY}


def test_cases_for_which_nothing_was_drawn_keep_the_chance_of_one(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    drawn, assessed = (
        recommended(3, by=EXPLORER),
        recommended(2, by=EXPLORER, first=10, **UNKNOWN),
    )
    journal.write_batch([*drawn, *assessed, *(came(one) for one in [*drawn, *assessed])])
    done, frame = collected(tmp_path, Treatment.RECOMMENDED)
    assert (done.drawn, done.cases) == (3, 5)
    assert "5 of 5 recommendations taken (3 drawn among several mixes)" in str(done)
    assert frame.filter(pl.col("case_ref").is_in(["c-10", "c-11"]))["propensity"].to_list() == [
        1,
        1,
    ]


def test_without_exploration_there_is_nothing_to_learn_about_advice(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    decisions = recommended(5)
    journal.write_batch([*decisions, *both(decisions)])
    with pytest.raises(
        NothingToLearn, match="5 cases, and none of their advice was drawn among several mixes"
    ):
        collected(tmp_path, Treatment.RECOMMENDED)
    assert not (tmp_path / "cases.parquet").exists()
