"""The analysts' file: every recommendation a row of named values."""

import json
import uuid
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.csv as pc
import pyarrow.parquet as pq
import pytest

from router.decision.decision import NO_MIX
from router.journal.export import export
from router.journal.recommendation import CodedField, CodedMix, Reading
from router.journal.record import Context, JournalBroken, Record
from router.journal.stores.sqlite import SqliteJournal
from tests.builders import a_reading, a_recorded_recommendation

AGE = CodedField(name="age", lower=18, upper=67, values=None)
HAS_EID = CodedField(name="has_eid", lower=1, upper=2, values=("YES", "NO"))
READING = a_reading(
    features=(AGE, HAS_EID),
    mixes=(CodedMix(id="DIGITAL", minutes=5), CodedMix(id="PERSONAL", minutes=60)),
    statuses=("RECOMMENDED", "NEEDS_ASSESSMENT"),
    safeguards=("RESERVED", "NO_EID"),
)
WRITTEN_AT = 1_700_000_000_123_456


def a_record(case_ref: str = "sak-1", *, reading: Reading = READING, **columns: object) -> Record:
    usual = {
        "row": (3, 1),
        "expected": (0.25, np.nan),
        "error": (0.5, 0.75),
        "permitted": 0b10,
        "mix": 1,
        "safeguards": 0b11,
        "price": 0.5,
    }
    return a_recorded_recommendation(reading, case_ref, at=WRITTEN_AT, **(usual | columns))


def exported(tmp_path: Path, *records: Record, erase: int | None = None) -> list[dict[str, object]]:
    store = SqliteJournal(tmp_path / "journal.db")
    store.write_batch(records)
    if erase is not None:
        store.erase([records[erase].id])
    try:
        assert export(store, tmp_path / "out.parquet") == len(records)
    finally:
        store.close()
    found: list[dict[str, object]] = pq.read_table(tmp_path / "out.parquet").to_pylist()
    return found


def test_a_recommendation_is_a_row_of_named_values(tmp_path: Path) -> None:
    record = a_record()
    (row,) = exported(tmp_path, record)
    assert row == {
        "seq": 1,
        "decision_id": str(uuid.UUID(bytes=record.id)),
        "kind": "recommendation",
        "written_at": datetime.fromtimestamp(WRITTEN_AT // 1_000_000, UTC).replace(
            microsecond=123_456
        ),
        "erased": False,
        "caller": None,
        "case_ref": "sak-1",
        "office_ref": "",
        "disclosure": "SHOWN",
        "status": "RECOMMENDED",
        "mix": "PERSONAL",
        "adviser_minutes": 60.0,
        "model_version": "m1",
        "policy_version": "p1",
        "price": 0.5,
        "weight": 0.0,
        "propensity": 0.0,
        "safeguards": ["RESERVED", "NO_EID"],
        "age": 20,
        "has_eid": "YES",
        "expected_DIGITAL": 0.25,
        "error_DIGITAL": 0.5,
        "permitted_DIGITAL": False,
        "expected_PERSONAL": None,
        "error_PERSONAL": 0.75,
        "permitted_PERSONAL": True,
    }


def test_unknown_fields_and_no_mix_are_null(tmp_path: Path) -> None:
    (row,) = exported(tmp_path, a_record(row=(0, 0), mix=NO_MIX, status=1, safeguards=0))
    assert (row["age"], row["has_eid"], row["mix"], row["adviser_minutes"]) == (
        None,
        None,
        None,
        None,
    )
    assert (row["status"], row["safeguards"]) == ("NEEDS_ASSESSMENT", [])


def test_the_first_value_above_unknown_is_the_lower_bound(tmp_path: Path) -> None:
    (row,) = exported(tmp_path, a_record(row=(1, 2)))
    assert (row["age"], row["has_eid"]) == (18, "NO")


def test_an_erased_record_keeps_its_place_and_time_only(tmp_path: Path) -> None:
    rows = exported(tmp_path, a_record("a"), a_record("b"), a_record("c"), erase=1)
    assert [row["case_ref"] for row in rows] == ["a", None, "c"]
    kept = {name: value for name, value in rows[1].items() if value is not None}
    assert set(kept) == {"seq", "decision_id", "kind", "written_at", "erased"}
    assert kept["erased"] is True


def test_a_journal_where_all_is_erased_is_exported(tmp_path: Path) -> None:
    (row,) = exported(tmp_path, a_record(), erase=0)
    assert row["erased"] is True


def test_contexts_with_other_columns_share_one_file_in_chain_order(tmp_path: Path) -> None:
    months = CodedField(name="months", lower=0, upper=9, values=None)
    other = replace(READING, model_version="m2", features=(HAS_EID, months))
    between = a_record("b", reading=other, row=(1, 3))
    rows = exported(tmp_path, a_record("a"), between, a_record("c"))
    assert [(row["case_ref"], row["model_version"]) for row in rows] == [
        ("a", "m1"),
        ("b", "m2"),
        ("c", "m1"),
    ]
    assert [(row["age"], row["months"]) for row in rows] == [(20, None), (None, 2), (20, None)]


def an_answer(kind: str, **content: object) -> Record:
    """Makes a choice or outcome, written under a context that tells no features and mixes."""
    context = Context(document=json.dumps({"kind": kind, "format": 1}))
    return Record(uuid.uuid4().bytes, kind, context, json.dumps(content).encode(), WRITTEN_AT)


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_choices_and_outcomes_with_contexts_of_their_own_are_no_rows(
    tmp_path: Path, ending: str
) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    first = a_record("a")
    second = a_record("b", reading=replace(READING, model_version="m2"))
    choice = an_answer("choice", decision_id=str(uuid.UUID(bytes=first.id)), mix="DIGITAL")
    outcome = an_answer(
        "outcome", decision_id=str(uuid.UUID(bytes=first.id)), outcome=1, adviser_minutes=None
    )
    store.write_batch([choice, first, outcome, second, choice])
    path = tmp_path / f"out.{ending}"
    assert export(store, path) == 2
    store.close()
    rows = (pq.read_table(path) if ending == "parquet" else pc.read_csv(path)).to_pylist()
    assert [(row["case_ref"], row["kind"], row["model_version"]) for row in rows] == [
        ("a", "recommendation", "m1"),
        ("b", "recommendation", "m2"),
    ]


def test_a_journal_of_choices_alone_is_an_empty_file(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    store.write_batch([an_answer("choice", mix="DIGITAL")])
    assert export(store, tmp_path / "out.parquet") == 0
    store.close()
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_a_recommendation_whose_context_cannot_be_read_is_broken(tmp_path: Path) -> None:
    with pytest.raises(JournalBroken, match=r"context .* cannot be read"):
        exported(tmp_path, a_record()._replace(context=Context(document='{"kind": "choice"}')))
    assert not (tmp_path / "out.parquet").exists()


def test_an_empty_journal_is_an_empty_file(tmp_path: Path) -> None:
    assert exported(tmp_path) == []


def test_csv_joins_the_safeguards(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    store.write_batch([a_record("a"), a_record("b")])
    assert export(store, tmp_path / "out.csv") == 2
    store.close()
    table = pc.read_csv(tmp_path / "out.csv")
    assert table["safeguards"].to_pylist() == ["RESERVED|NO_EID"] * 2
    assert table["case_ref"].to_pylist() == ["a", "b"]


def test_another_ending_is_refused(tmp_path: Path) -> None:
    store = SqliteJournal(tmp_path / "journal.db")
    with pytest.raises(ValueError, match=r"'out\.xlsx' must end in \.parquet or \.csv"):
        export(store, tmp_path / "out.xlsx")
    store.close()


@pytest.mark.parametrize(
    "fields", [{"safeguards": 0b100}, {"mix": 2}, {"status": 2}, {"row": (1, 3)}]
)
def test_a_payload_beyond_its_context_is_broken_and_leaves_the_old_file(
    tmp_path: Path, fields: dict[str, Any]
) -> None:
    (tmp_path / "out.parquet").write_text("old")
    with pytest.raises(JournalBroken, match=r"record(s 1 to)? 1: "):
        exported(tmp_path, a_record(**fields))
    assert (tmp_path / "out.parquet").read_text() == "old"
    assert [path.name for path in tmp_path.glob(".out*")] == []
