"""Offices and policies interleaved, as decisions come: every reading tells what was kept."""

import uuid
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from router.cases.features import FEATURES
from router.journal.export import export
from router.journal.recommendation import Recommended, Shares, read_recommendation
from router.journal.record import RECOMMENDATION, Record
from router.journal.store import JournalStore
from router.ledger.by_case import read_by_case
from router.ledger.reading import read_entries
from router.ledger.shown import Draws
from router.planning.recent_cases import read_arrivals
from tests.builders import a_catalogue, a_reading, a_recorded_recommendation, a_row
from tests.contract.journals import Kept
from tests.unit.router.ledger.journal_builder import came, chose, micro
from training.data.collect_journal import Candidates, Cases
from training.data.collect_taken import Treatment

OFFICES = 7
MIXES = a_catalogue().ids
CHOSEN = "BLENDED_OFFICE"


def advised(number: int) -> Record:
    """Gives the decision of a number: its office, its policy and all it says follow from that."""
    # Every third week an office has a new policy, so neighbours hardly ever share a context.
    policy = f"p{number % OFFICES}-{number // 30}"
    expected = np.linspace(0.2, 0.8, len(MIXES)) + number / 1000
    return a_recorded_recommendation(
        a_reading(policy_version=policy, shares=Shares(control=0.2)),
        f"c-{number % 80}",
        f"office-{number % OFFICES}",
        "CONTROL" if number % 5 == 0 else "SHOWN",
        at=micro(number),
        row=a_row(weeks_registered=number),
        mix=number % len(MIXES),
        status=1,
        weight=1 + number / 100,
        expected=expected,
    )


@pytest.fixture
def decisions() -> list[Record]:
    return [advised(number) for number in range(100)]


@pytest.fixture
def store(kept: Kept, decisions: Sequence[Record]) -> JournalStore:
    """Gives the journal: choices of every second decision, outcomes of every third, one erased."""
    store = kept.store()
    chosen = [chose(one, CHOSEN, day=150) for one in decisions[::2]]
    answered = [came(one, 1.0, day=160, PHONE=(2, 40)) for one in decisions[::3]]
    for start in range(0, len(decisions), 9):
        store.write_batch([*decisions[start : start + 9], *chosen[start // 2 : start // 2 + 4]])
    store.write_batch([*chosen, *answered])
    store.erase([decisions[31].id])
    return store


def read_one_by_one(store: JournalStore) -> list[Recommended | None]:
    return [read_recommendation(stored) for stored in store.read(kinds=(RECOMMENDATION,))]


def test_the_analysts_file_has_each_decision_in_its_place(
    store: JournalStore, tmp_path: Path
) -> None:
    assert export(store, tmp_path / "out.parquet") == 100
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)
    for row, one in zip(rows, read_one_by_one(store), strict=True):
        if one is None:
            assert (row["erased"], row["case_ref"], row["mix"]) == (True, None, None)
            continue
        assert row["decision_id"] == one.decision_id
        assert (row["case_ref"], row["office_ref"]) == (one.case_ref, one.office_ref)
        assert (row["mix"], row["policy_version"]) == (one.mix, one.policy_version)
        assert [row[f"expected_{mix}"] for mix in one.mixes] == list(one.expected)
    assert pq.ParquetFile(tmp_path / "out.parquet").num_row_groups == 1


def test_the_ledger_has_each_decision_once_and_in_order(
    store: JournalStore, decisions: Sequence[Record]
) -> None:
    entries, erased = read_entries(store)
    assert erased == 1
    held = [number for number in range(100) if number != 31]
    assert entries.office.tolist() == [f"office-{number % OFFICES}" for number in held]
    assert entries.weight.tolist() == [1 + number / 100 for number in held]
    assert entries.chosen.tolist() == [number % 2 == 0 for number in held]
    assert (~np.isnan(entries.outcome)).tolist() == [number % 3 == 0 for number in held]
    mixes = [CHOSEN if number % 2 == 0 else MIXES[number % len(MIXES)] for number in held]
    assert entries.mix.tolist() == mixes
    # c-0 to c-19 were asked about again 80 days later, within a plan: the one answered most counts.
    repeated = [number for number, why in zip(held, entries.left_out, strict=True)
                if why == "REPEATED"]  # fmt: skip
    assert len(repeated) == 20
    assert all((number + 80 in held) or (number - 80 in held) for number in repeated)


def test_who_was_drawn_is_the_first_advice_of_each_case(store: JournalStore) -> None:
    drawn = read_by_case(store, Draws)
    numbers = [number for number in range(80) if number != 31]
    assert drawn.office.tolist() == [f"office-{number % OFFICES}" for number in numbers]
    assert drawn.control.tolist() == [number % 5 == 0 for number in numbers]
    expected = [0.2 + 0.6 * (number % len(MIXES)) / (len(MIXES) - 1) for number in numbers]
    more = [number / 1000 for number in numbers]
    assert drawn.expected.tolist() == pytest.approx(np.add(expected, more).tolist())


def test_arrivals_are_each_offices_own_as_last_asked_about(store: JournalStore) -> None:
    offices = [f"office-{number}" for number in range(OFFICES)]
    found = read_arrivals(store, FEATURES, offices, micro(50), micro(95))
    column = FEATURES.column("weeks_registered")
    for place, office in enumerate(offices):
        asked: dict[int, int] = {}
        for number in range(50, 95):
            if number % OFFICES == place:
                asked[number % 80] = number
        assert (found.rows[office][:, column] - 1).tolist() == list(asked.values())


def test_what_is_collected_is_in_the_order_of_the_chain(store: JournalStore) -> None:
    with ExitStack() as files:
        candidates = Candidates(files, Treatment.RECOMMENDED)
        candidates.read(store)
        cases = Cases(files, candidates, Treatment.RECOMMENDED)
        for rows in candidates.parts():
            cases.add(rows)
        (frame,) = cases
    numbers = [number for number in range(100) if number != 31]
    assert (candidates.count, len(cases)) == (99, 99)
    assert frame["weeks_registered"].to_list() == numbers
    assert frame["case_ref"].to_list() == [f"c-{number % 80}" for number in numbers]
    assert frame["office_ref"].to_list() == [f"office-{number % OFFICES}" for number in numbers]
    assert frame["mix"].to_list() == [MIXES[number % len(MIXES)] for number in numbers]


def test_what_is_about_some_decisions_is_found_of_each_in_order(
    store: JournalStore, decisions: Sequence[Record]
) -> None:
    again = chose(decisions[0], "SELF_SERVICE", day=170)
    store.write_batch([again._replace(claim="choice:again")])
    asked = [decisions[number].id for number in (0, 1, 6)]
    found = store.about_any(asked, ("choice", "outcome"))
    kinds = {id_: [one.kind for one in found if one.about == id_] for id_ in asked}
    assert kinds == {
        asked[0]: ["choice", "outcome", "choice"],
        asked[1]: [],
        asked[2]: ["choice", "outcome"],
    }
    assert {one.kind for one in store.about_any(asked, ("choice",))} == {"choice"}
    assert store.about_any([uuid.uuid4().bytes], ("choice",)) == []


def test_what_was_written_since_a_moment_is_read_whatever_the_clock_did(kept: Kept) -> None:
    store = kept.store()
    moments = [5, 9, 2, 7, 1, 8]
    store.write_batch([advised(0)._replace(id=uuid.uuid4().bytes, written_at=at) for at in moments])
    assert [one.written_at for one in store.read(since=7)] == [9, 7, 8]
    assert [one.seq for one in store.read(after=2, limit=1, since=7)] == [4]
    assert [one.seq for one in store.read(kinds=("choice",), since=0)] == []
