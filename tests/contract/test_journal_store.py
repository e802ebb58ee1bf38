"""What every durable store behind the journal must do."""

import pytest

from router.journal.record import Context, Head, JournalBroken, JournalUnavailable
from router.journal.verification import verify
from tests.contract.journals import CONTEXT, Kept, a_record_about, erase, ids, some_records

# What keeps records out, and how it is taken away, by store.
REFUSING = {
    "sqlite": (
        [
            "CREATE TRIGGER refusing BEFORE INSERT ON record "
            "BEGIN SELECT RAISE(ABORT, 'none today'); END"
        ],
        "DROP TRIGGER refusing",
    ),
    "postgresql": (
        [
            "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql "
            "AS $$ BEGIN RAISE EXCEPTION 'none today'; END $$",
            "CREATE TRIGGER refusing BEFORE INSERT ON record "
            "FOR EACH ROW EXECUTE FUNCTION refuse()",
        ],
        "DROP FUNCTION refuse CASCADE",
    ),
}


def test_a_written_batch_is_there_after_opening_again(kept: Kept) -> None:
    records = some_records(5)
    kept.store().write_batch(records)
    kept.opened.pop().close()
    stored = list(kept.store().read())
    kept_as = [
        (one.id, one.kind, one.context, one.payload, one.written_at, one.about, "", None, "")
        for one in stored
    ]
    assert kept_as == list(map(tuple, records))
    assert [one.seq for one in stored] == [1, 2, 3, 4, 5]


def test_an_empty_batch_changes_nothing(kept: Kept) -> None:
    store = kept.store()
    store.write_batch([])
    assert ids(store) == []
    assert verify(store).intact


def test_the_same_batch_again_is_kept_once(kept: Kept) -> None:
    store, records = kept.store(), some_records(3)
    store.write_batch(records[:2])
    store.write_batch(records)
    store.write_batch(records)
    assert ids(store) == [record.id for record in records]
    assert verify(store).intact


def test_a_batch_tells_which_of_its_records_were_there_already(kept: Kept) -> None:
    store, records = kept.store(), some_records(3)
    assert not store.write_batch(records[:2])
    assert set(store.write_batch(records)) == {record.id for record in records[:2]}


def test_records_of_a_subject_are_found_the_latest_first_in_whatever_block(kept: Kept) -> None:
    store, (one, other) = kept.store(), (b"1" * 16, b"2" * 16)
    # More than a block of the index, so that some are in another one.
    records = [
        record._replace(subject=one if at % 2_000 == 0 else other)
        for at, record in enumerate(some_records(9_000))
    ]
    store.write_batch(records)
    found = [record.id for record in store.concerning(one)]
    assert found == [record.id for record in records[::2_000]][::-1]
    assert [record.seq for record in store.concerning(one, before=4_001)] == [2_001, 1]
    store.erase(found[:2])
    assert [record.id for record in store.concerning(one)] == found[2:]
    assert list(store.concerning(b"3" * 16)) == []


def test_an_id_twice_in_one_batch_is_kept_once(kept: Kept) -> None:
    store, (record,) = kept.store(), some_records(1)
    store.write_batch([record, record])
    assert ids(store) == [record.id]


def test_two_stores_on_one_place_make_one_chain(kept: Kept) -> None:
    one, other = kept.store(), kept.store()
    for store in (one, other, one, other):
        store.write_batch(some_records(2))
    assert verify(one).records == 8
    assert verify(one).intact


def test_a_batch_larger_than_one_statement_keeps_its_order(kept: Kept) -> None:
    store, records = kept.store(), some_records(1_111)
    store.write_batch(records)
    assert ids(store) == [record.id for record in records]
    assert verify(store).intact


def test_reading_starts_after_a_number_and_ends_at_the_limit(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(6))
    assert [stored.seq for stored in store.read(after=2, limit=3)] == [3, 4, 5]
    assert list(store.read(after=6)) == []


def test_every_context_is_kept_once_in_order(kept: Kept) -> None:
    store, other = kept.store(), Context(document='{"model_version":"m2"}')
    first, second, third = some_records(3)
    store.write_batch([first, second._replace(context=other)])
    store.write_batch([third])
    assert list(store.contexts()) == [CONTEXT, other]
    assert [stored.context for stored in store.read()] == [CONTEXT, other, CONTEXT]


def test_a_probe_leaves_the_chain_alone(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(1))
    before = store.heads()
    store.probe()
    assert store.heads() == before


def test_a_rehearsal_leaves_nothing_behind(kept: Kept) -> None:
    store, records = kept.store(), some_records(3)
    for record in records:
        store.probe(rehearse=True)
        store.write_batch([record])
    store.probe(rehearse=True)
    assert ids(store) == [record.id for record in records]
    assert verify(store).intact
    assert list(store.contexts()) == [CONTEXT]


def test_a_rehearsal_finds_what_keeps_records_out(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(1))
    refuse, forget = REFUSING["postgresql" if kept.url.startswith("postgresql") else "sqlite"]
    for statement in refuse:
        kept.sql(statement)
    # All else can be written.
    store.probe()
    with pytest.raises(JournalUnavailable, match=r"none today|RaiseException"):
        store.probe(rehearse=True)
    with pytest.raises(JournalUnavailable):
        store.write_batch(some_records(1))
    kept.sql(forget)
    store.probe(rehearse=True)
    store.write_batch(some_records(1))
    assert verify(store).intact


@pytest.mark.parametrize(
    ("statement", "broken"),
    [
        ("UPDATE record SET payload = X'00' WHERE seq = 3", 3),
        ("UPDATE record SET salt = X'00' WHERE seq = 3", 3),
        ("UPDATE record SET payload = NULL WHERE seq = 3", 3),
        ("UPDATE record SET kind = 'outcome' WHERE seq = 3", 3),
        ("UPDATE record SET kind = 7 WHERE seq = 3", 3),
        ("UPDATE record SET written_at = written_at - 1 WHERE seq = 3", 3),
        ("UPDATE record SET id = X'00112233445566778899AABBCCDDEEFF' WHERE seq = 3", 3),
        ("UPDATE record SET commitment = zeroblob(32) WHERE seq = 3", 3),
        ("UPDATE record SET head = zeroblob(32) WHERE seq = 3", 3),
        ("UPDATE record SET context = 99 WHERE seq = 3", 3),
        ("UPDATE record SET seq = 9 WHERE seq = 3", 3),
        ("DELETE FROM record WHERE seq = 1", 1),
        ("DELETE FROM record WHERE seq = 3", 3),
        ("UPDATE context SET document = 'other'", 1),
        ("DELETE FROM context", 1),
    ],
)
def test_an_edited_moved_or_removed_record_is_found(
    kept: Kept, statement: str, broken: int
) -> None:
    store = kept.store()
    store.write_batch(some_records(5))
    assert verify(store).intact
    kept.sql(statement)
    verdict = verify(store)
    assert verdict.broken_seq == broken
    assert verdict.reason
    assert verdict.records == broken - 1


def test_two_swapped_records_are_found(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(4))
    for statement in (
        "SET seq = 9 WHERE seq = 2",
        "SET seq = 2 WHERE seq = 3",
        "SET seq = 3 WHERE seq = 9",
    ):
        kept.sql(f"UPDATE record {statement}")
    assert verify(store).broken_seq == 2


def test_a_removed_end_is_found_by_an_earlier_head(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(5))
    exported = Head.parse(str(verify(store).head))
    kept.sql("DELETE FROM record WHERE seq > 3")
    verdict = verify(store, exported)
    assert verdict.broken_seq == 4
    assert "removed" in (verdict.reason or "")


def test_a_rewritten_journal_is_found_by_an_earlier_head(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(5))
    exported = verify(store).head
    kept.sql("DELETE FROM record")
    kept.opened.pop().close()
    store = kept.store()
    store.write_batch(some_records(6))
    assert verify(store).intact
    assert verify(store, exported).broken_seq == 5


def test_an_earlier_head_still_holds_when_more_was_appended(kept: Kept) -> None:
    store = kept.store()
    store.write_batch(some_records(2))
    exported = verify(store).head
    store.write_batch(some_records(2))
    assert verify(store, exported).intact


def test_an_erased_record_still_verifies(kept: Kept) -> None:
    store, records = kept.store(), some_records(3)
    store.write_batch(records)
    before = verify(store).head
    assert erase(store, records[1]) == 1
    found = [stored.payload for stored in store.read(limit=3)]
    assert found == [b"payload", None, b"payload"]
    verdict = verify(store, before)
    assert verdict.intact
    assert (verdict.records, verdict.erased) == (4, 1)


def test_a_locked_store_is_unavailable_and_works_again_after_release(kept: Kept) -> None:
    store, records = kept.store(), some_records(3)
    store.write_batch(records[:1])
    release = kept.lock()
    with pytest.raises(JournalUnavailable, match="lock"):
        store.write_batch(records[1:])
    with pytest.raises(JournalUnavailable, match="lock"):
        store.probe()
    release()
    store.probe()
    store.write_batch(records[1:])
    assert ids(store) == [record.id for record in records]
    assert verify(store).intact


def test_a_store_is_tried_out_after_another_process_appended(kept: Kept) -> None:
    store, other = kept.store(), kept.store()
    store.write_batch(some_records(2))
    other.write_batch(some_records(1))
    store.probe(rehearse=True)
    store.write_batch(some_records(1))
    assert len(ids(store)) == 4
    assert verify(store).intact


def test_a_closed_store_may_be_closed_again(kept: Kept) -> None:
    store = kept.store()
    store.close()
    store.close()


_FUNCTION = "CREATE FUNCTION t() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {}; END $$"
# What lets records go without a word, or only as they are committed, by store, and what ends it.
LETTING_GO = {
    "sqlite": (
        [["CREATE TRIGGER t BEFORE INSERT ON record BEGIN SELECT RAISE(IGNORE); END"]],
        "DROP TRIGGER t",
    ),
    "postgresql": (
        [
            [
                _FUNCTION.format("RETURN NULL"),
                "CREATE TRIGGER t BEFORE INSERT ON record FOR EACH ROW EXECUTE FUNCTION t()",
            ],
            [
                _FUNCTION.format("RAISE EXCEPTION 'none today'"),
                "CREATE CONSTRAINT TRIGGER t AFTER INSERT ON record DEFERRABLE INITIALLY DEFERRED "
                "FOR EACH ROW EXECUTE FUNCTION t()",
            ],
        ],
        "DROP FUNCTION t CASCADE",
    ),
}


def test_records_that_are_let_go_late_or_in_silence_are_not_taken_for_kept(kept: Kept) -> None:
    store = kept.store()
    ways, end = LETTING_GO[kept.url.partition(":")[0]]
    store.write_batch(some_records(2))
    for way in ways:
        for statement in way:
            kept.sql(statement)
        with pytest.raises(JournalUnavailable):
            store.probe(rehearse=True)
        with pytest.raises(JournalUnavailable):
            store.write_batch(some_records(3))
        kept.sql(end)
    store.write_batch(some_records(2))
    assert len(ids(store)) == 4
    assert verify(store).intact


_ON_UPDATE = "CREATE TRIGGER t {} UPDATE ON record FOR EACH ROW EXECUTE FUNCTION t()"
_ON_COMMIT = (
    "CREATE CONSTRAINT TRIGGER t AFTER UPDATE ON record DEFERRABLE INITIALLY DEFERRED "
    "FOR EACH ROW EXECUTE FUNCTION t()"
)
_BACK = "UPDATE record SET {} WHERE seq = OLD.seq AND payload IS NULL"
_ALL = "payload = OLD.payload, salt = OLD.salt, subject = OLD.subject"
_IN_SQLITE = "CREATE TRIGGER t {} UPDATE ON record BEGIN {}; END"
# What keeps, without a word, the content that is to be removed: all of it, at once or when it is
# committed, or the salt or the subject alone.
KEEPING = {
    "sqlite": [
        [_IN_SQLITE.format("BEFORE", "SELECT RAISE(IGNORE)")],
        [_IN_SQLITE.format("AFTER", _BACK.format(_ALL))],
        [_IN_SQLITE.format("AFTER", _BACK.format("salt = OLD.salt"))],
        [_IN_SQLITE.format("AFTER", _BACK.format("subject = OLD.subject"))],
    ],
    "postgresql": [
        [_FUNCTION.format("RETURN OLD"), _ON_UPDATE.format("BEFORE")],
        [_FUNCTION.format(f"{_BACK.format(_ALL)}; RETURN NULL"), _ON_COMMIT],
        [_FUNCTION.format("NEW.salt = OLD.salt; RETURN NEW"), _ON_UPDATE.format("BEFORE")],
        [_FUNCTION.format("NEW.subject = OLD.subject; RETURN NEW"), _ON_UPDATE.format("BEFORE")],
    ],
}


def test_an_erasure_that_comes_to_nothing_is_not_said_to_be_done(kept: Kept) -> None:
    store, records = kept.store(), [one._replace(subject=bytes(16)) for one in some_records(3)]
    kind, _, _ = kept.url.partition(":")
    store.write_batch(records)
    for way in KEEPING[kind]:
        for statement in way:
            kept.sql(statement)
        told = r"record 2 still holds its content.*`journal verify`"
        with pytest.raises(JournalBroken, match=told):
            erase(store, records[1])
        kept.sql(LETTING_GO[kind][1])
    assert erase(store, records[1]) == 1
    assert verify(store).intact


def test_nothing_more_is_taken_about_what_was_erased(kept: Kept) -> None:
    store, other = kept.store(), kept.store()
    decisions = some_records(2)
    store.write_batch(decisions)
    late, in_time = (a_record_about(one.id, claim="choice") for one in decisions)
    erase(other, decisions[0])
    # As of a call that had read the decision before it was erased.
    assert store.write_batch([late, in_time]) == {late.id}
    # Nor beside what comes again of the decision itself.
    assert store.write_batch([decisions[0], late]) == {decisions[0].id, late.id}
    assert [one.id for one in store.read() if one.about is not None] == [in_time.id]
    assert verify(store).intact
