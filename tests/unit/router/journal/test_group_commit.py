"""Many callers, one durable write, and what they hear of it."""

import threading
from collections.abc import Collection, Iterator, Sequence
from queue import SimpleQueue

import pytest

from router.journal.group_commit import GroupCommit
from router.journal.record import Context, JournalFull, JournalUnavailable, Record

CONTEXT = Context(document="{}")
SECONDS = 10.0


def some_records(count: int) -> list[Record]:
    return [
        Record(bytes([at % 256]) * 16, "recommendation", CONTEXT, b"", at) for at in range(count)
    ]


class MemoryStore:
    """A store that waits for its gate and fails on demand."""

    def __init__(self) -> None:
        self.batches: list[list[Record]] = []
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Semaphore(0)
        self.failure: Exception | None = None
        self.known: Collection[bytes] = ()
        self.full_once_at: int | None = None
        self.takes_records = True
        self.probed = threading.Semaphore(0)
        self.closed = False

    def write_batch(self, records: Sequence[Record]) -> Collection[bytes]:
        self.entered.release()
        assert self.gate.wait(SECONDS)
        self.probe(rehearse=True)
        if len(self.batches) == self.full_once_at:
            self.full_once_at = None
            raise JournalUnavailable("disk full")
        self.batches.append(list(records))
        return [record.id for record in records if record.id in self.known]

    def probe(self, *, rehearse: bool = False) -> None:
        self.probed.release()
        if self.failure is not None:
            raise self.failure
        if rehearse and not self.takes_records:
            raise JournalUnavailable("no record is taken")

    def close(self) -> None:
        self.closed = True


class Watcher:
    """Keeps what the writer tells, in queues that a test can wait on."""

    def __init__(self) -> None:
        self.resolved: SimpleQueue[tuple[list[str], JournalUnavailable | None]] = SimpleQueue()
        self.skipped: SimpleQueue[set[bytes]] = SimpleQueue()
        self.ups: SimpleQueue[bool] = SimpleQueue()
        self.counts: SimpleQueue[int] = SimpleQueue()

    def resolve(
        self, tickets: list[str], error: JournalUnavailable | None, skipped: Collection[bytes]
    ) -> None:
        self.resolved.put((tickets, error))
        self.skipped.put(set(skipped))

    def committed(self, seconds: float, records: int) -> None:
        self.counts.put(records)

    def failed(self) -> None:
        self.counts.put(-1)


@pytest.fixture
def store() -> MemoryStore:
    return MemoryStore()


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def writer(store: MemoryStore, watcher: Watcher) -> Iterator[GroupCommit[str]]:
    group: GroupCommit[str] = GroupCommit(
        store,
        watcher.resolve,
        capacity=10,
        largest_batch=4,
        observe=watcher,
        on_up_change=watcher.ups.put,
        retry_seconds=0.01,
    )
    yield group
    store.gate.set()
    assert group.close(SECONDS)


def hold(store: MemoryStore, writer: GroupCommit[str]) -> None:
    """Brings the writer into a write that does not end until the gate opens."""
    store.gate.clear()
    writer.submit(some_records(1), "held")
    assert store.entered.acquire(timeout=SECONDS)


def test_a_submission_is_resolved_once_it_is_written(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    writer.submit(some_records(2), "a")
    assert watcher.resolved.get(timeout=SECONDS) == (["a"], None)
    assert store.batches == [some_records(2)]
    assert watcher.counts.get(timeout=SECONDS) == 2


def test_who_submitted_hears_what_was_there_already(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    store.known = [some_records(1)[0].id]
    writer.submit(some_records(2), "a")
    assert watcher.skipped.get(timeout=SECONDS) == {some_records(1)[0].id}


def test_what_waits_is_written_together_in_whole_submissions(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    hold(store, writer)
    for ticket, count in (("a", 2), ("b", 2), ("c", 3), ("d", 2)):
        writer.submit(some_records(count), ticket)
    assert writer.depth == 9
    store.gate.set()
    resolved = [watcher.resolved.get(timeout=SECONDS)[0] for _ in range(4)]
    assert resolved == [["held"], ["a", "b"], ["c"], ["d"]]
    assert writer.depth == 0


def test_a_large_submission_is_written_in_shares_and_nobody_waits_for_all_of_them(
    store: MemoryStore, watcher: Watcher
) -> None:
    writer: GroupCommit[str] = GroupCommit(
        store, watcher.resolve, largest_batch=4, largest_share=2, observe=watcher
    )
    hold(store, writer)
    large = some_records(5)
    writer.submit(large, "large")
    writer.submit(some_records(1), "a")
    writer.submit(some_records(3), "another")
    store.gate.set()
    resolved = [watcher.resolved.get(timeout=SECONDS)[0] for _ in range(4)]
    assert resolved == [["held"], ["a"], ["large"], ["another"]]
    assert store.batches[1:] == [
        [*large[:2], *some_records(1)],
        large[2:4],
        large[4:],
        some_records(2),
        some_records(3)[2:],
    ]
    assert writer.depth == 0
    assert writer.close(SECONDS)


def test_what_is_about_one_decision_is_written_with_it(
    store: MemoryStore, watcher: Watcher
) -> None:
    writer: GroupCommit[str] = GroupCommit(store, watcher.resolve, largest_share=3)
    first, second, third = some_records(3)
    about = [
        Record(bytes([100 + at]) * 16, "answer", CONTEXT, b"", at, about=second.id)
        for at in range(3)
    ]
    hold(store, writer)
    writer.submit([first, second, *about, third], "large")
    store.gate.set()
    resolved = [watcher.resolved.get(timeout=SECONDS)[0] for _ in range(2)]
    assert resolved == [["held"], ["large"]]
    assert store.batches[1:] == [[first, second, *about], [third]]
    assert writer.close(SECONDS)


def test_of_a_large_submission_it_is_told_what_of_any_share_was_there(
    store: MemoryStore, watcher: Watcher
) -> None:
    writer: GroupCommit[str] = GroupCommit(store, watcher.resolve, largest_share=2)
    first, *_, last = large = some_records(5)
    hold(store, writer)
    store.known = {first.id, last.id}
    writer.submit(large, "large")
    store.gate.set()
    resolved = [watcher.resolved.get(timeout=SECONDS)[0] for _ in range(2)]
    assert resolved == [["held"], ["large"]]
    assert [watcher.skipped.get(timeout=SECONDS) for _ in range(2)][1] == {first.id, last.id}
    assert len(store.batches) == 4
    assert writer.close(SECONDS)


def test_a_failure_amid_a_large_submission_is_told_once_and_the_rest_is_not_written(
    store: MemoryStore, watcher: Watcher
) -> None:
    writer: GroupCommit[str] = GroupCommit(
        store, watcher.resolve, largest_share=2, on_up_change=watcher.ups.put, retry_seconds=0.01
    )
    hold(store, writer)
    writer.submit(some_records(5), "large")
    writer.submit(some_records(1), "a")
    store.full_once_at = 2
    store.gate.set()
    assert watcher.resolved.get(timeout=SECONDS) == (["held"], None)
    assert watcher.resolved.get(timeout=SECONDS) == (["a"], None)
    tickets, error = watcher.resolved.get(timeout=SECONDS)
    assert (tickets, str(error)) == (["large"], "disk full")
    assert watcher.ups.get(timeout=SECONDS) is False
    assert watcher.ups.get(timeout=SECONDS) is True
    assert len(store.batches) == 2
    writer.submit(some_records(1), "b")
    assert watcher.resolved.get(timeout=SECONDS) == (["b"], None)
    assert writer.close(SECONDS)


def test_a_large_submission_that_nobody_is_beside_is_written_at_once(
    store: MemoryStore, watcher: Watcher
) -> None:
    writer: GroupCommit[str] = GroupCommit(store, watcher.resolve, largest_share=2)
    writer.submit(some_records(5), "large")
    assert watcher.resolved.get(timeout=SECONDS) == (["large"], None)
    assert store.batches == [some_records(5)]
    assert writer.close(SECONDS)


def test_an_empty_submission_is_resolved(writer: GroupCommit[str], watcher: Watcher) -> None:
    writer.submit([], "empty")
    assert watcher.resolved.get(timeout=SECONDS) == (["empty"], None)


def test_over_capacity_is_refused_and_what_waits_is_kept(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    hold(store, writer)
    writer.submit(some_records(10), "fits")
    with pytest.raises(JournalFull, match="10 records wait"):
        writer.submit(some_records(1), "refused")
    store.gate.set()
    assert [watcher.resolved.get(timeout=SECONDS)[0] for _ in range(2)] == [["held"], ["fits"]]


def test_a_failure_refuses_everything_waiting_at_once(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    hold(store, writer)
    for ticket in ("a", "b", "c"):
        writer.submit(some_records(3), ticket)
    store.failure = JournalUnavailable("disk full")
    store.gate.set()
    assert watcher.resolved.get(timeout=SECONDS) == (["held", "a", "b", "c"], store.failure)
    assert watcher.ups.get(timeout=SECONDS) is False
    assert watcher.counts.get(timeout=SECONDS) == -1
    assert not writer.up
    assert store.batches == []


def test_the_writer_recovers_by_itself_while_idle(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    store.failure = JournalUnavailable("disk full")
    writer.submit(some_records(1), "a")
    assert watcher.ups.get(timeout=SECONDS) is False
    store.failure = None
    assert watcher.ups.get(timeout=SECONDS) is True
    assert writer.up
    writer.submit(some_records(1), "b")
    assert watcher.resolved.get(timeout=SECONDS)[1] is not None
    assert watcher.resolved.get(timeout=SECONDS) == (["b"], None)


def test_an_unexpected_error_is_resolved_as_unavailable_and_the_writer_lives(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    store.failure = RuntimeError("a fault")
    writer.submit(some_records(1), "a")
    tickets, error = watcher.resolved.get(timeout=SECONDS)
    assert tickets == ["a"]
    assert isinstance(error, JournalUnavailable)
    assert watcher.ups.get(timeout=SECONDS) is False
    store.failure = None
    assert watcher.ups.get(timeout=SECONDS) is True


def test_a_listener_that_fails_does_not_stop_the_writer(store: MemoryStore) -> None:
    done: SimpleQueue[str] = SimpleQueue()

    def resolve(
        tickets: list[str], error: JournalUnavailable | None, skipped: Collection[bytes]
    ) -> None:
        done.put(tickets[0])
        raise ValueError("a fault of the listener")

    writer: GroupCommit[str] = GroupCommit(store, resolve)
    writer.submit(some_records(1), "a")
    assert done.get(timeout=SECONDS) == "a"
    writer.submit(some_records(1), "b")
    assert done.get(timeout=SECONDS) == "b"
    assert writer.close(SECONDS)


def test_closing_writes_what_was_submitted_and_closes_the_store(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    hold(store, writer)
    for ticket in ("a", "b", "c"):
        writer.submit(some_records(3), ticket)
    assert not writer.close(0.0)
    assert not store.closed
    store.gate.set()
    assert writer.close(SECONDS)
    assert store.closed
    resolved = [watcher.resolved.get(timeout=SECONDS) for _ in range(4)]
    assert resolved == [(["held"], None), (["a"], None), (["b"], None), (["c"], None)]


def test_a_closing_journal_takes_nothing_more(writer: GroupCommit[str]) -> None:
    assert writer.close(SECONDS)
    with pytest.raises(JournalUnavailable, match="closing"):
        writer.submit(some_records(1), "late")


def test_an_idle_store_that_fails_is_found_without_a_call_and_told_once_with_its_cause(
    store: MemoryStore, watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    group: GroupCommit[str] = GroupCommit(
        store,
        watcher.resolve,
        on_up_change=watcher.ups.put,
        retry_seconds=0.01,
        idle_seconds=0.01,
    )
    cause = "journal /srv/journal.db: database or disk is full (SQLITE_FULL)"
    store.failure = JournalUnavailable(cause, "ENOSPC")
    assert watcher.ups.get(timeout=SECONDS) is False
    with pytest.raises(JournalUnavailable, match="cannot be written now"):
        group.submit(some_records(1), "a")
    store.failure = None
    assert watcher.ups.get(timeout=SECONDS) is True
    assert group.close(SECONDS)
    down, up = caplog.records
    assert (down.message, vars(down)["reason"], vars(down)["errno"]) == (
        "the journal is down",
        cause,
        "ENOSPC",
    )
    assert up.message == "the journal is up"


def test_a_store_that_takes_no_record_stays_down_however_well_all_else_is_written(
    store: MemoryStore, writer: GroupCommit[str], watcher: Watcher
) -> None:
    store.takes_records = False
    writer.submit(some_records(1), "a")
    _, error = watcher.resolved.get(timeout=SECONDS)
    assert "no record is taken" in str(error)
    assert watcher.ups.get(timeout=SECONDS) is False
    for _ in range(4):
        assert store.probed.acquire(timeout=SECONDS)
    assert watcher.ups.empty()
    store.takes_records = True
    assert watcher.ups.get(timeout=SECONDS) is True


def test_a_store_that_takes_no_record_is_known_before_somebody_asks(
    store: MemoryStore, watcher: Watcher
) -> None:
    store.takes_records = False
    group: GroupCommit[str] = GroupCommit(
        store, watcher.resolve, on_up_change=watcher.ups.put, idle_seconds=0.01
    )
    assert watcher.ups.get(timeout=SECONDS) is False
    assert group.close(SECONDS)
