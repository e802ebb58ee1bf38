"""Rows per second the journal makes durable, in SQLite and in PostgreSQL.

Run as `python -m bench.journal`.
"""

from __future__ import annotations

import argparse
import os
import threading
import time
from collections.abc import Callable, Collection
from contextlib import closing
from functools import partial

from bench.stores import STORES, new_journals
from router.journal.group_commit import GroupCommit
from router.journal.opening import open_journal
from router.journal.record import Context, JournalUnavailable, Record
from router.journal.store import JournalStore
from router.journal.verification import verify

CONTEXT = Context(document='{"model_version":"bench"}')
PAYLOAD = os.urandom(250)


def _records(start: int, count: int) -> list[Record]:
    # Time-ordered like UUIDv7: random ids would measure the index instead.
    return [
        Record(
            (start + at).to_bytes(8, "big") + os.urandom(8),
            "recommendation",
            CONTEXT,
            PAYLOAD,
            start + at,
        )
        for at in range(count)
    ]


def _direct(store: JournalStore, size: int, rows: int) -> float:
    # Made before the clock starts: only writing is timed.
    batches = [_records(start, size) for start in range(0, rows, size)]
    started = time.perf_counter()
    for batch in batches:
        store.write_batch(batch)
    return rows / (time.perf_counter() - started)


def _grouped(store: JournalStore, callers: int, rows: int) -> float:
    """Keeps `callers` single records in flight, as the server sees them."""
    free = threading.Semaphore(callers)

    def written(tickets: list[int], error: JournalUnavailable | None, _: Collection[bytes]) -> None:
        if error is not None:
            raise error
        free.release(len(tickets))

    writer: GroupCommit[int] = GroupCommit(store, written)
    records = _records(0, rows)
    started = time.perf_counter()
    for at, record in enumerate(records):
        free.acquire()
        writer.submit((record,), at)
    writer.close()
    return rows / (time.perf_counter() - started)


def _verified(store: JournalStore) -> float:
    started = time.perf_counter()
    verdict = verify(store)
    return verdict.records / (time.perf_counter() - started)


def _best(runs: int, fresh: Callable[[], str], measure: Callable[[JournalStore], float]) -> float:
    best = 0.0
    for _ in range(runs):
        with closing(open_journal(fresh())) as store:
            # The best run: what else the machine does only ever slows it.
            best = max(best, measure(store))
    return best


def _measure(name: str, fresh: Callable[[], str], runs: int) -> None:
    # Fewer rows of small batches: each batch waits for the disk once, whatever its size.
    for size, rows in ((1, 2_000), (10, 20_000), (100, 100_000), (1000, 200_000)):
        rate = _best(runs, fresh, partial(_direct, size=size, rows=rows))
        print(f"{name} write_batch of {size:>4}: {rate:>9,.0f} rows/s", flush=True)
    for callers in (1, 64):
        rate = _best(runs, fresh, partial(_grouped, callers=callers, rows=10_000))
        print(f"{name} group commit, {callers:>2} in flight: {rate:>9,.0f} rows/s", flush=True)
    with closing(open_journal(fresh())) as store:
        _direct(store, 1000, 200_000)
        print(f"{name} verify: {_verified(store):>9,.0f} rows/s", flush=True)


def main() -> None:
    """Prints one line per measurement, the best of several runs each.

    Raises:
        SystemExit: if PostgreSQL is not installed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.journal", description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs

    for store in STORES:
        with new_journals(store) as fresh:
            _measure(store, fresh, runs)


if __name__ == "__main__":
    main()
