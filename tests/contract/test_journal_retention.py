"""Content leaves the journal by age or on request, as an operator asks for it, on every store."""

import json
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result

from router.commands.journal import journal
from router.journal.record import Head, JournalUnavailable, Record
from router.journal.store import JournalStore
from router.journal.stores.sqlite import SqliteJournal
from router.journal.verification import verify
from tests.builders import a_reading, a_recorded_recommendation
from tests.contract.journals import Kept, a_record_about, in_a_file, some_records

DAY = 24 * 3600 * 1_000_000
NOW = time.time_ns() // 1000
READING = a_reading()


def a_recommendation(case_ref: str, *, days_old: int = 0) -> Record:
    return a_recorded_recommendation(READING, case_ref, mix=1, at=NOW - days_old * DAY)


def run(kept: Kept, *words: str, answer: str | None = None) -> Result:
    return CliRunner().invoke(journal, [words[0], "--journal", kept.url, *words[1:]], input=answer)


def with_content(store: JournalStore) -> list[tuple[bytes, str]]:
    return [(stored.id, stored.kind) for stored in store.read() if stored.payload is not None]


def two_cases(store: JournalStore) -> Sequence[Record]:
    """Gives two recommendations of case c-1, one of c-2, and a choice about each."""
    decisions = [
        a_recommendation("c-1", days_old=3),
        a_recommendation("c-2"),
        a_recommendation("c-1"),
    ]
    records = [*decisions, *(a_record_about(one.id)._replace(written_at=NOW) for one in decisions)]
    store.write_batch(records)
    return records


def test_a_case_is_erased_with_all_that_is_about_it(kept: Kept) -> None:
    store = kept.store()
    first, other, second, about_first, about_other, about_second = two_cases(store)
    before = verify(store).head
    ended = run(kept, "erase", "--case", "c-1", "--yes")
    assert (ended.exit_code, ended.output) == (
        0,
        "4 records erased; the chain keeps the digests\n",
    )
    erased = {stored.id for stored in store.read() if stored.payload is None}
    assert erased == {first.id, second.id, about_first.id, about_second.id}
    assert [kind for _, kind in with_content(store)] == ["recommendation", "choice", "erasure"]
    verdict = verify(store, before)
    assert (verdict.intact, verdict.records, verdict.erased) == (True, 7, 4)
    assert other.id not in erased
    assert about_other.id not in erased


def test_an_erasure_is_on_the_chain_and_does_not_say_whose(kept: Kept) -> None:
    store = kept.store()
    two_cases(store)
    run(kept, "erase", "--case", "c-1", "--yes")
    (record,) = store.read(kinds=("erasure",))
    assert json.loads(record.payload or b"") == {
        "why": "request",
        "records": 4,
        "seqs": [[1, 1], [3, 4], [6, 6]],
    }
    assert record.about is None


def test_a_case_without_content_is_an_error_and_leaves_no_trace(kept: Kept) -> None:
    store = kept.store()
    records = two_cases(store)
    for reference in ("c-3", "c"):
        ended = run(kept, "erase", "--case", reference, "--yes")
        assert ended.exit_code == 1
        assert "no recommendation of this case holds content" in ended.output
    assert len(with_content(store)) == len(records)


def test_cases_that_were_not_scored_are_not_one_case(kept: Kept) -> None:
    store = kept.store()
    store.write_batch([a_recommendation(""), a_recommendation("")])
    ended = run(kept, "erase", "--case", "", "--yes")
    assert isinstance(ended.exception, ValueError)
    assert len(with_content(store)) == 2


@pytest.mark.parametrize("words", [("erase", "--case", "c-1"), ("expire", "--older-than", "2d")])
def test_nothing_is_erased_unless_a_person_says_yes(kept: Kept, words: tuple[str, ...]) -> None:
    store = kept.store()
    records = two_cases(store)
    refused = run(kept, *words, answer="n\n")
    assert refused.exit_code == 1
    assert len(with_content(store)) == len(records)
    assert run(kept, *words, answer="y\n").exit_code == 0
    assert records[0].id not in dict(with_content(store))


def test_what_is_recorded_of_the_case_while_a_person_is_asked_goes_too(kept: Kept) -> None:
    store = kept.store()
    decision = two_cases(store)[0]
    words = ["erase", "--journal", kept.url, "--case", "c-1"]
    with subprocess.Popen(
        [sys.executable, "-m", "router", "journal", *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as asking:
        prompt = asking.stdout
        assert prompt is not None
        assert "Erase the content of 4 records" in "".join(iter(lambda: prompt.read(1), "]"))
        store.write_batch([a_record_about(decision.id, "review")])
        told, _ = asking.communicate("y\n")
    assert (asking.returncode, told.partition("5 records")[2]) == (
        0,
        " erased; the chain keeps the digests\n",
    )
    left = [kind for _, kind in with_content(store)]
    assert left == ["recommendation", "choice", "erasure", "erasure"]
    assert verify(store).intact


def test_every_record_older_than_the_days_given_expires_whatever_its_kind(kept: Kept) -> None:
    store = kept.store()
    old, young = a_recommendation("c-1", days_old=731), a_recommendation("c-2", days_old=729)
    old_choice = a_record_about(young.id)._replace(written_at=NOW - 800 * DAY)
    young_choice = a_record_about(old.id)._replace(written_at=NOW)
    store.write_batch([old, young, old_choice, young_choice])
    ended = run(kept, "expire", "--older-than", "730d", "--yes")
    assert (ended.exit_code, ended.output) == (
        0,
        "2 records erased; the chain keeps the digests\n",
    )
    assert [one for one, kind in with_content(store) if kind != "erasure"] == [
        young.id,
        young_choice.id,
    ]
    (record,) = store.read(kinds=("erasure",))
    told = json.loads(record.payload or b"")
    assert (told["why"], told["records"], len(told["before"])) == ("age", 2, 10)
    assert verify(store).intact


def test_an_interrupted_erasure_is_finished_by_running_it_again(tmp_path: Path) -> None:
    kept = in_a_file(tmp_path)
    record = a_recommendation("c-find-me")
    store = SqliteJournal(tmp_path / "journal.db", busy_seconds=0.01)
    store.write_batch([record])
    log = tmp_path / "journal.db-wal"
    reader = sqlite3.connect(tmp_path / "journal.db", isolation_level=None)
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM record").fetchone()
    with pytest.raises(JournalUnavailable, match="erase again"):
        store.erase([record.id])
    assert b"c-find-me" in log.read_bytes()
    reader.close()
    assert run(kept, "erase", "--case", "c-find-me", "--yes").exit_code == 1
    assert b"c-find-me" not in log.read_bytes() + (tmp_path / "journal.db").read_bytes()
    store.close()


def test_appending_goes_on_while_many_records_expire(kept: Kept) -> None:
    store = kept.store()
    old = [record._replace(written_at=NOW - 800 * DAY) for record in some_records(3_000)]
    store.write_batch(old)
    ended: list[Result] = []
    expiring = threading.Thread(
        target=lambda: ended.append(run(kept, "expire", "--older-than", "730d", "--yes"))
    )
    expiring.start()
    for _ in range(100):
        store.write_batch([record._replace(written_at=NOW) for record in some_records(5)])
    expiring.join()
    assert ended[0].exception is None
    assert ended[0].output == "3000 records erased; the chain keeps the digests\n"
    verdict = verify(store)
    assert (verdict.intact, verdict.records, verdict.erased) == (True, 3_000 + 500 + 1, 3_000)


def test_nothing_old_enough_leaves_the_journal_as_it_was(kept: Kept) -> None:
    store = kept.store()
    two_cases(store)
    before = store.heads()
    ended = run(kept, "expire", "--older-than", "730d", "--yes")
    assert ended.exit_code == 0
    assert "no record" in ended.output
    assert store.heads() == before


@pytest.mark.parametrize("age", ["0d", "730", "two years", "-1d", "999999d"])
def test_an_age_that_is_no_number_of_days_is_refused(tmp_path: Path, age: str) -> None:
    ended = CliRunner().invoke(
        journal, ["expire", "--older-than", age, "--yes", "--journal", f"sqlite:///{tmp_path}/j"]
    )
    assert ended.exit_code == 2
    assert "is not a number of days from 1d to 36500d" in ended.output


def test_the_journal_verifies_against_a_head_noted_earlier(kept: Kept) -> None:
    store = kept.store()
    two_cases(store)
    (head,) = store.heads()
    assert "the chain is intact" in run(kept, "verify", "--head", str(head)).output
    ended = run(kept, "verify", "--head", str(Head(head.seq + 1, head.digest)))
    assert ended.exit_code == 1
    assert "its end was removed" in ended.output


def test_recommendations_are_exported_and_erased_ones_are_empty(kept: Kept, tmp_path: Path) -> None:
    store = kept.store()
    two_cases(store)
    run(kept, "erase", "--case", "c-1", "--yes")
    out = tmp_path / "out.parquet"
    assert run(kept, "export", "--to", str(out)).output == f"3 records exported to {out}\n"
    rows = pq.read_table(out).to_pylist()
    assert [(row["seq"], row["case_ref"], row["erased"]) for row in rows] == [
        (1, None, True),
        (2, "c-2", False),
        (3, None, True),
    ]
