"""Records about recommendations: one rule for retries and races, and how they are found again."""

import os
import random
import threading
from typing import Any

import pytest

from router.journal.record import Record
from router.journal.verification import verify
from tests.contract.journals import CONTEXT, Kept, a_record_about, erase, ids, some_records


def test_records_are_found_by_id_in_the_order_asked(kept: Kept) -> None:
    store, records = kept.store(), some_records(4)
    store.write_batch(records)
    wanted = [records[2].id, os.urandom(16), records[0].id]
    found = store.find(wanted)
    assert [stored.id for stored in found] == [records[2].id, records[0].id]
    assert [(stored.seq, stored.payload, stored.context) for stored in found] == [
        (3, b"payload", CONTEXT),
        (1, b"payload", CONTEXT),
    ]
    assert store.find([]) == []


def test_records_about_a_recommendation_are_found_in_chain_order(kept: Kept) -> None:
    store, (one, other) = kept.store(), some_records(2)
    first, elsewhere, second = (
        a_record_about(one.id),
        a_record_about(other.id),
        a_record_about(one.id, "outcome"),
    )
    store.write_batch([one, other, first, elsewhere, second])
    found = store.about(one.id)
    assert [(stored.id, stored.kind, stored.about) for stored in found] == [
        (first.id, "choice", one.id),
        (second.id, "outcome", one.id),
    ]
    assert [stored.context for stored in found] == [first.context, second.context]
    assert store.about(os.urandom(16)) == []


def test_reading_keeps_the_kinds_asked_for(kept: Kept) -> None:
    store, records = kept.store(), some_records(3)
    about = [
        a_record_about(records[0].id, kind) for kind in ("choice", "outcome", "choice", "review")
    ]
    store.write_batch([records[0], about[0], about[1], records[1], about[2], about[3], records[2]])
    assert [stored.seq for stored in store.read(kinds=("choice",))] == [2, 5]
    assert [stored.seq for stored in store.read(kinds=("outcome", "choice"), after=2, limit=2)] == [
        3,
        5,
    ]
    assert [stored.seq for stored in store.read(kinds={"recommendation", "review"})] == [1, 4, 6, 7]
    assert list(store.read(kinds=("nothing",))) == []
    assert list(store.read(kinds=())) == []


def test_a_claim_is_held_by_one_record_and_the_rest_of_the_batch_is_written(kept: Kept) -> None:
    store, (one, other) = kept.store(), some_records(2)
    held = a_record_about(one.id, "outcome", claim="outcome")
    store.write_batch([one, other, held])
    late = a_record_about(one.id, "outcome", claim="outcome")
    rest = [
        a_record_about(one.id, claim="choice 1"),
        a_record_about(other.id, "outcome", claim="outcome"),
    ]
    store.write_batch([rest[0], late, rest[1]])
    assert ids(store) == [one.id, other.id, held.id, rest[0].id, rest[1].id]
    assert store.find([late.id]) == []
    assert verify(store).intact


def test_of_two_claims_in_one_batch_the_first_is_held(kept: Kept) -> None:
    store, (one,) = kept.store(), some_records(1)
    claims = [a_record_about(one.id, claim="outcome") for _ in range(3)]
    store.write_batch([one, *claims])
    assert [stored.id for stored in store.about(one.id)] == [claims[0].id]


def test_records_without_a_claim_never_exclude_each_other(kept: Kept) -> None:
    store, (one,) = kept.store(), some_records(1)
    store.write_batch([one, a_record_about(one.id)])
    store.write_batch([a_record_about(one.id), a_record_about(one.id)])
    assert len(store.about(one.id)) == 3


def test_a_retry_of_a_batch_that_holds_its_claims_changes_nothing(kept: Kept) -> None:
    store, (one,) = kept.store(), some_records(1)
    batch = [one, a_record_about(one.id, claim="outcome")]
    store.write_batch(batch)
    before = store.heads()
    store.write_batch(batch)
    assert store.heads() == before


def test_writers_that_race_for_a_claim_leave_one_record_and_one_chain(kept: Kept) -> None:
    first, (one,) = kept.store(), some_records(1)
    first.write_batch([one])
    stores = [first, kept.store(), kept.store()]
    together = threading.Barrier(len(stores))

    def race(at: int) -> None:
        together.wait()
        for number in range(20):
            stores[at].write_batch(
                [a_record_about(one.id, claim=f"claim {number}"), *some_records(2)]
            )

    threads = [threading.Thread(target=race, args=(at,)) for at in range(len(stores))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(first.about(one.id)) == 20
    assert len(ids(first)) == 1 + 20 + 3 * 20 * 2
    assert verify(first).intact


def test_random_batches_leave_what_the_rule_says(kept: Kept) -> None:
    store, chance = kept.store(), random.Random(7)
    names, decisions = (
        [bytes([at]) * 16 for at in range(60)],
        [bytes([200 + at]) * 16 for at in range(3)],
    )
    expected: list[bytes] = []
    held: set[tuple[bytes | None, str]] = set()
    for _ in range(40):
        batch = []
        for _ in range(chance.randrange(1, 6)):
            about = chance.choice([None, *decisions])
            claim = chance.choice(["", "a", "b", "c"]) if about else ""
            batch.append(Record(chance.choice(names), "choice", CONTEXT, b"{}", 1, about, claim))
        for record in batch:
            if record.id not in expected and (record.about, record.claim) not in held:
                expected.append(record.id)
                held |= {(record.about, record.claim)} if record.claim else set()
        store.write_batch(batch)
    assert ids(store) == expected
    assert verify(store).intact


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"id": b"short"}, "id: 5 bytes instead of 16"),
        ({"about": b"short"}, "about: 5 bytes instead of 16"),
        ({"about": None}, "claim: 'outcome' is about no recommendation"),
        ({"kind": "choice:outcome"}, "kind: 'choice:outcome' is no word"),
        ({"caller": "a\nb"}, "caller: must be at most 128 characters that print"),
    ],
)
def test_what_no_store_may_keep_is_refused_with_its_whole_batch(
    kept: Kept, change: dict[str, Any], problem: str
) -> None:
    store, (one,) = kept.store(), some_records(1)
    refused = a_record_about(one.id, claim="outcome")._replace(**change)
    with pytest.raises(ValueError, match=problem):
        store.write_batch([one, refused])
    assert ids(store) == []
    store.write_batch([one])
    assert ids(store) == [one.id]


@pytest.mark.parametrize(
    "change",
    [
        "about = NULL",
        "about = X'00112233445566778899AABBCCDDEEFF'",
        "about = X''",
        "kind = 'outcome'",
    ],
)
def test_a_record_moved_to_another_recommendation_is_found(kept: Kept, change: str) -> None:
    store, (one,) = kept.store(), some_records(1)
    store.write_batch([one, a_record_about(one.id), a_record_about(one.id)])
    kept.sql(f"UPDATE record SET {change} WHERE seq = 2")
    assert verify(store).broken_seq == 2


def test_a_recommendation_made_to_be_about_another_is_found(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(2))
    kept.sql("UPDATE record SET about = X'00112233445566778899AABBCCDDEEFF' WHERE seq = 2")
    assert verify(store).broken_seq == 2


def test_what_a_record_is_about_cannot_be_hidden_in_its_kind(kept: Kept) -> None:
    store, (one,) = kept.store(), some_records(1)
    store.write_batch([one, a_record_about(one.id)])
    kept.sql(f"UPDATE record SET about = NULL, kind = 'choice:{one.id.hex()}' WHERE seq = 2")
    verdict = verify(store)
    assert verdict.broken_seq == 2
    assert "kind" in (verdict.reason or "")


def test_records_that_hold_content_from_before_a_moment_are_listed(kept: Kept) -> None:
    store, records = kept.store(), some_records(2_500)
    store.write_batch(records)
    erase(store, records[1])
    assert list(store.held_before(1_000)) == []
    assert list(store.held_before(1_003)) == [(1, records[0].id), (3, records[2].id)]
    assert len(list(store.held_before(9_999))) == 2_499


def test_many_records_are_erased_and_the_chain_still_verifies(kept: Kept) -> None:
    store, records = kept.store(), some_records(1_200)
    store.write_batch(records)
    old = [record for record in records if record.written_at < 2_150]
    assert erase(store, *old) == 1_150
    assert [stored.payload for stored in store.read(after=1_148, limit=4)] == [
        None,
        None,
        b"payload",
        b"payload",
    ]
    assert erase(store, *records) == 50
    verdict = verify(store)
    assert (verdict.intact, verdict.erased) == (True, 1_200)


def test_what_was_written_with_a_record_is_kept_with_it_or_not_at_all(kept: Kept) -> None:
    store, (one, other) = kept.store(), some_records(2)
    with_one, later = a_record_about(one.id, "withheld"), a_record_about(one.id, "withheld")
    feedback = a_record_about(one.id, "choice", claim="choice")
    assert set(store.write_batch([one, with_one])) == set()
    # As a request id that is used again, beside another call's feedback.
    assert set(store.write_batch([one, later, feedback, other])) == {one.id, later.id}
    assert [stored.id for stored in store.about(one.id)] == [with_one.id, feedback.id]
