"""From the journal to logged cases."""

import json
import uuid
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from prometheus_client import CollectorRegistry

from router.features import FEATURES
from router.journal.record import Context, JournalBroken, Record
from router.journal.sqlite import SqliteJournal
from router.metrics import Metrics
from router.registry import ModelInfo, ModelVersion
from router.serving.recommender import Recommender
from tests.builders import a_catalogue, a_decider, a_row
from training.collect import NothingToLearn, collect
from training.dataset import read_cases

CATALOGUE = a_catalogue()
DAY = datetime(2026, 11, 25, 12, tzinfo=UTC)
OTHER = Context(document="{}")


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[SqliteJournal]:
    store = SqliteJournal(tmp_path / "journal.db")
    yield store
    store.close()


@pytest.fixture(scope="module")
def recommender() -> Recommender:
    decider = a_decider()
    info = ModelInfo(version="v1", sha256="0" * 64, trained_at=DAY, cases=1, synthetic=True)
    model = ModelVersion(info=info, tables=decider.tables)
    return Recommender(model, decider, Metrics(CollectorRegistry()))


def recommended(recommender: Recommender, count: int, *, first: int = 0, **changes: object) -> list[Record]:
    rows = [a_row(**changes).tolist() for _ in range(count)]  # type: ignore[arg-type]
    return recommender.decide(rows, [f"c-{first + number}" for number in range(count)])[1]


def answer(kind: str, decision: Record, *, day: datetime = DAY, **content: object) -> Record:
    text = json.dumps({"decision_id": str(uuid.UUID(bytes=decision.id)), **content})
    return Record(uuid.uuid4().bytes, kind, OTHER, text.encode(), int(day.timestamp() * 1e6))


def chosen(decision: Record, mix: str = "BLENDED_OFFICE", **options: datetime) -> Record:
    return answer("choice", decision, mix=mix, **options)  # type: ignore[arg-type]


def came(decision: Record, outcome: object = 1, minutes: object = 140.5) -> Record:
    return answer("outcome", decision, outcome=outcome, adviser_minutes=minutes)


def both(decisions: list[Record]) -> list[Record]:
    return [chosen(one) for one in decisions] + [came(one) for one in decisions]


def collected(tmp_path: Path, name: str = "cases.parquet") -> pl.DataFrame:
    collect(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / name)
    return pl.read_parquet(tmp_path / name)


def test_the_case_the_choice_and_the_outcome_are_joined(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions = recommended(recommender, 6, weeks_registered=7, travel_minutes_band=None)
    journal.write_batch([*decisions, *both(decisions)])
    frame = collected(tmp_path)
    first = frame.row(0, named=True)
    assert len(frame) == 6
    assert {name: first[name] for name in ("case_ref", "mix", "outcome", "adviser_minutes", "decided_on")} == {
        "case_ref": "c-0",
        "mix": "BLENDED_OFFICE",
        "outcome": 1.0,
        "adviser_minutes": 140.5,
        "decided_on": date(2026, 11, 23),
    }
    assert (first["weeks_registered"], first["age_band"], first["travel_minutes_band"]) == (7, "30_39", None)
    assert set(frame.columns) == {"case_ref", *FEATURES.names, "mix", "outcome", "adviser_minutes", "decided_on"}


def test_without_choices_and_outcomes_nothing_is_written(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions = recommended(recommender, 9)
    journal.write_batch([*decisions, chosen(decisions[0]), came(decisions[1])])
    says = "^0 of 9 recommendations have a choice and an outcome; nothing to learn from$"
    with pytest.raises(NothingToLearn, match=says):
        collected(tmp_path)
    assert not (tmp_path / "cases.parquet").exists()


def test_of_shielded_cases_alone_nothing_is_learned(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions = recommended(recommender, 6, shielded="YES")
    journal.write_batch([*decisions, *both(decisions)])
    with pytest.raises(NothingToLearn, match="6 of 6 recommendations have both, all shielded; nothing to learn from"):
        collected(tmp_path)


def test_only_complete_ones_are_taken_and_the_last_answer_counts(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions = recommended(recommender, 8)
    corrected = [chosen(decisions[0], "SELF_SERVICE"), came(decisions[0], 0.25, None)]
    journal.write_batch([*decisions, *both(decisions[:6]), chosen(decisions[7]), *corrected])
    done = collect(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "cases.parquet")
    assert (done.recommendations, done.complete, done.exported.rows) == (8, 6, 6)
    first = pl.read_parquet(tmp_path / "cases.parquet").filter(case_ref="c-0").row(0, named=True)
    assert (first["mix"], first["outcome"], first["adviser_minutes"]) == ("SELF_SERVICE", 0.25, None)


def test_a_case_is_taken_once_with_its_first_choice(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions, again = recommended(recommender, 6), recommended(recommender, 1)
    later = [chosen(again[0], "SELF_SERVICE", day=datetime(2026, 11, 30, tzinfo=UTC)), came(again[0])]
    journal.write_batch([*later, *again, *decisions, *both(decisions)])
    done = collect(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "cases.parquet")
    assert (done.complete, done.repeated, done.exported.rows) == (7, 1, 6)
    assert "7 of 7 recommendations have a choice and an outcome, 0 of them shielded, 1 again" in str(done)
    assert set(pl.read_parquet(tmp_path / "cases.parquet")["mix"]) == {"BLENDED_OFFICE"}


def test_shielded_and_erased_cases_are_not_taken(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions = recommended(recommender, 7)
    shielded = recommended(recommender, 2, first=90, shielded="YES")
    journal.write_batch([*decisions, *shielded, *both([*decisions, *shielded])])
    journal.erase([decisions[0].id])
    done = collect(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "cases.parquet")
    assert (done.recommendations, done.complete, done.shielded) == (8, 8, 2)
    frame = pl.read_parquet(tmp_path / "cases.parquet")
    assert sorted(frame["case_ref"]) == [f"c-{number}" for number in range(1, 7)]


def test_rare_cases_are_suppressed_and_counted(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    decisions = recommended(recommender, 6) + recommended(recommender, 2, first=50, age_band="60_66")
    journal.write_batch([*decisions, *both(decisions)])
    done = collect(f"sqlite:///{tmp_path / 'journal.db'}", tmp_path / "cases.csv")
    assert (done.exported.rows, done.exported.suppressed) == (6, 2)
    assert "60_66" not in (tmp_path / "cases.csv").read_text()


@pytest.mark.parametrize(
    ("kind", "content"),
    [
        ("choice", {}),
        ("choice", {"mix": 3}),
        ("outcome", {"outcome": 1}),
        ("outcome", {"outcome": "1", "adviser_minutes": 3}),
        ("outcome", {"outcome": 1.5, "adviser_minutes": 3}),
        ("outcome", {"outcome": float("nan"), "adviser_minutes": 3}),
        ("outcome", {"outcome": 1, "adviser_minutes": -3}),
        ("outcome", {"outcome": True, "adviser_minutes": 3}),
        ("outcome", {"outcome": 1, "adviser_minutes": "3"}),
        ("outcome", {"decision_id": "none", "outcome": 1, "adviser_minutes": 3}),
    ],
)
def test_an_answer_that_cannot_be_read_is_named_and_nothing_is_written(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender, kind: str, content: dict[str, object]
) -> None:
    decisions = recommended(recommender, 6)
    journal.write_batch([*decisions, *both(decisions), answer(kind, decisions[0], **content)])  # type: ignore[arg-type]
    with pytest.raises(JournalBroken, match=f"record 19: is not a valid {kind}"):
        collected(tmp_path)
    assert not (tmp_path / "cases.parquet").exists()


def test_what_is_collected_can_be_learned_from(
    tmp_path: Path, journal: SqliteJournal, recommender: Recommender
) -> None:
    random = np.random.default_rng(0)
    count = 210 * len(CATALOGUE.ids)
    decisions = recommended(recommender, count)
    answers = [chosen(one, CATALOGUE.ids[number % len(CATALOGUE.ids)]) for number, one in enumerate(decisions)]
    answers += [came(one, int(random.integers(0, 2))) for one in decisions]
    journal.write_batch([*decisions, *answers])
    collected(tmp_path)
    cases = read_cases([tmp_path / "cases.parquet"], CATALOGUE)
    assert len(cases.rows) == count
    assert np.array_equal(cases.rows[0], a_row())
    assert (cases.synthetic, cases.propensity, cases.offices) == (None, None, None)
    assert np.bincount(cases.mix).tolist() == [210] * len(CATALOGUE.ids)
