"""From the journal to logged cases."""

import uuid
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.journal.record import Context, JournalBroken, Record
from router.journal.stores.sqlite import SqliteJournal
from tests.builders import a_catalogue, a_row
from tests.unit.training.data.journal_builder import (
    DAY,
    EXPLORER,
    MONDAY,
    both,
    came,
    chosen,
    collected,
    micro,
    recommended,
)
from training.data.collect import NothingToLearn, Treatment, collect
from training.data.dataset import read_cases

CATALOGUE = a_catalogue()


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    store = SqliteJournal(tmp_path / "journal.db")
    yield store
    store.close()


def test_the_case_the_choice_and_the_outcome_are_joined(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    decisions = recommended(6, weeks_registered=7, travel_minutes_band=None)
    journal.write_batch([*decisions, *both(decisions)])
    done, frame = collected(tmp_path)
    first = frame.row(0, named=True)
    assert {
        name: first[name]
        for name in ("case_ref", "mix", "outcome", "adviser_minutes", "decided_on")
    } == {
        "case_ref": "c-0",
        "mix": "BLENDED_OFFICE",
        "outcome": 1.0,
        "adviser_minutes": 140.0,
        "decided_on": MONDAY,
    }
    assert (first["weeks_registered"], first["age_band"], first["travel_minutes_band"]) == (
        7,
        "30_39",
        None,
    )
    assert set(frame.columns) == {
        "case_ref",
        *FEATURES.names,
        "mix",
        "outcome",
        "adviser_minutes",
        "decided_on",
    }
    assert str(done).startswith("6 of 6 recommendations taken; left out: none; 6 cases exported")


def test_a_field_that_was_unknown_is_unknown_in_the_file_and_changes_no_other(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    fields = [name for name in FEATURES.names if name != "shielded"]
    lacking = [{one} for one in fields] + [{one, other} for one, other in pairwise(fields)]
    lacking.append(set(fields))
    unknown: list[dict[str, Any]] = [dict.fromkeys(names) for names in lacking]
    # Three of each, so that none is too rare to be shown.
    decisions = [
        decision
        for place, changes in enumerate(unknown)
        for decision in recommended(3, first=3 * place, **changes)
    ]
    journal.write_batch([*decisions, *both(decisions)])
    _, frame = collected(tmp_path)

    found = frame.sort("case_ref").select(fields)
    names_by_case = {f"c-{number}": lacking[number // 3] for number in range(len(decisions))}
    assert len(found) == len(names_by_case)
    for case, row in zip(sorted(names_by_case), found.rows(named=True), strict=True):
        assert {name for name, value in row.items() if value is None} == names_by_case[case]
    assert all(found[name].drop_nulls().n_unique() == 1 for name in fields)


def test_offices_are_told_as_bands(tmp_path: Path, journal: SqliteJournal) -> None:
    decisions = recommended(4, office="office-9") + recommended(2, first=10)
    journal.write_batch([*decisions, *both(decisions)])
    assert collected(tmp_path)[1]["office_ref"].to_list() == ["office-any"] * 4 + [None] * 2


@pytest.mark.parametrize("treatment", Treatment)
def test_what_tells_nothing_is_not_written(
    tmp_path: Path, journal: SqliteJournal, treatment: Treatment
) -> None:
    decisions = recommended(9, by=EXPLORER)
    journal.write_batch([*decisions, chosen(decisions[0])])
    with pytest.raises(
        NothingToLearn, match=r"^0 of 9 recommendations can be learned from; left out: .* without"
    ):
        collected(tmp_path, treatment)
    assert not (tmp_path / "cases.parquet").exists()


def test_each_recommendation_that_is_left_out_is_counted_by_its_reason(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    decisions, again = recommended(9), recommended(1, first=3)
    shielded = recommended(2, first=90, shielded="YES")
    journal.write_batch([*decisions, *again, *shielded, *both([*decisions[:5], *again, *shielded])])
    journal.write_batch([chosen(decisions[5]), chosen(decisions[6]), came(decisions[7])])
    done, frame = collected(tmp_path)
    assert done.left_out == {
        "handled by people alone": 2,
        "without an outcome": 2,
        "with an outcome but no choice": 1,
        "without choice and outcome": 1,
        "again for the same case": 1,
    }
    assert (done.recommendations, done.cases, len(frame)) == (12, 5, 5)
    assert done.recommendations == done.cases + sum(done.left_out.values())
    assert (
        "5 of 12 recommendations taken; left out: 1 again for the same case, 2 handled by"
        in str(done)
    )


def test_of_several_answers_the_last_stands_and_the_day_is_that_of_the_first_choice(
    tmp_path: Path, journal: SqliteJournal
) -> None:
    decisions = recommended(3)
    corrected = [
        chosen(decisions[0], "SELF_SERVICE", day=DAY + timedelta(days=60)),
        came(decisions[0], 0.25, ()),
    ]
    journal.write_batch([*decisions, *both(decisions), *corrected])
    first = collected(tmp_path)[1].filter(case_ref="c-0").row(0, named=True)
    assert (first["mix"], first["outcome"], first["adviser_minutes"]) == (
        "SELF_SERVICE",
        0.25,
        None,
    )
    assert first["decided_on"] == MONDAY


def test_a_case_is_taken_once_with_its_first_choice(tmp_path: Path, journal: SqliteJournal) -> None:
    decisions, again = recommended(3), recommended(1)
    later = [chosen(again[0], "SELF_SERVICE", day=DAY + timedelta(days=5)), came(again[0])]
    journal.write_batch([*again, *later, *decisions, *both(decisions)])
    done, frame = collected(tmp_path)
    assert done.left_out == {"again for the same case": 1}
    assert frame["mix"].to_list() == ["BLENDED_OFFICE"] * 3


def test_erased_records_are_not_taken(tmp_path: Path, journal: SqliteJournal) -> None:
    decisions = recommended(6)
    answers = both(decisions)
    journal.write_batch([*decisions, *answers])
    journal.erase([decisions[0].id, answers[1].id, answers[6 + 2].id])
    done, frame = collected(tmp_path)
    assert (done.recommendations, done.cases) == (5, 3)
    assert sorted(frame["case_ref"]) == ["c-3", "c-4", "c-5"]


def test_rare_cases_are_suppressed_and_counted(tmp_path: Path, journal: SqliteJournal) -> None:
    decisions = recommended(6) + recommended(1, first=50, age_band="60_66")
    journal.write_batch([*decisions, *both(decisions)])
    done = collect(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "cases.csv")
    assert (done.cases, done.exported.rows, done.exported.suppressed) == (7, 6, 1)
    assert "60_66" not in (tmp_path / "cases.csv").read_text()


@pytest.mark.parametrize("kind", ["choice", "outcome"])
def test_an_answer_that_cannot_be_read_is_named_and_nothing_is_written(
    tmp_path: Path, journal: SqliteJournal, kind: str
) -> None:
    decisions = recommended(3)
    payload, about = b'{"outcome":1.5}', decisions[0].id
    bad = Record(uuid.uuid4().bytes, kind, Context(document="{}"), payload, micro(DAY), about=about)
    journal.write_batch([*decisions, *both(decisions), bad])
    with pytest.raises(JournalBroken, match="record 10: "):
        collected(tmp_path)
    assert not (tmp_path / "cases.parquet").exists()


def test_what_is_collected_can_be_learned_from(tmp_path: Path, journal: SqliteJournal) -> None:
    count = 210 * len(CATALOGUE.ids)
    decisions = recommended(count)
    answers = [
        chosen(one, CATALOGUE.ids[number % len(CATALOGUE.ids)])
        for number, one in enumerate(decisions)
    ]
    journal.write_batch(
        [*decisions, *answers, *(came(one, number % 2) for number, one in enumerate(decisions))]
    )
    collected(tmp_path)
    cases = read_cases([tmp_path / "cases.parquet"], CATALOGUE)
    assert len(cases.rows) == count
    assert np.array_equal(cases.rows[0], a_row())
    assert (cases.synthetic, cases.propensity, cases.offices) == (None, None, None)
    assert np.bincount(cases.mix).tolist() == [210] * len(CATALOGUE.ids)
