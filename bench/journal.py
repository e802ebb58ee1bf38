"""Rows per second the SQLite journal makes durable; run as `python -m bench.journal`."""

import argparse
import os
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from router.journal.chain import verify
from router.journal.group_commit import GroupCommit
from router.journal.record import Context, JournalUnavailable, Record
from router.journal.sqlite import SqliteJournal

CONTEXT = Context(document='{"model_version":"bench"}')
PAYLOAD = os.urandom(250)


def _records(start: int, count: int) -> list[Record]:
    # Time-ordered like UUIDv7: random ids would measure the index instead.
    return [
        Record((start + at).to_bytes(8, "big") + os.urandom(8), "recommendation", CONTEXT, PAYLOAD, start + at)
        for at in range(count)
    ]


def _direct(size: int, rows: int, folder: Path) -> float:
    store = SqliteJournal(folder / f"direct-{size}.db")
    batches = [_records(start, size) for start in range(0, rows, size)]
    started = time.perf_counter()
    for batch in batches:
        store.write_batch(batch)
    seconds = time.perf_counter() - started
    store.close()
    return rows / seconds


def _grouped(callers: int, rows: int, folder: Path) -> float:
    """`callers` single records in flight at any time, as the server sees them."""
    free = threading.Semaphore(callers)

    def settle(tickets: list[int], error: JournalUnavailable | None) -> None:
        if error is not None:
            raise error
        free.release(len(tickets))

    writer: GroupCommit[int] = GroupCommit(SqliteJournal(folder / f"grouped-{callers}.db"), settle)
    records = _records(0, rows)
    started = time.perf_counter()
    for at, record in enumerate(records):
        free.acquire()
        writer.submit((record,), at)
    writer.close()
    return rows / (time.perf_counter() - started)


def _verified(folder: Path) -> float:
    store = SqliteJournal(folder / "direct-1000.db")
    started = time.perf_counter()
    verdict = verify(store)
    seconds = time.perf_counter() - started
    store.close()
    return verdict.records / seconds


def _best(runs: int, measure: Callable[[Path], float]) -> float:
    best = 0.0
    for _ in range(runs):
        with tempfile.TemporaryDirectory(dir=".") as folder:
            best = max(best, measure(Path(folder)))
    return best


def main() -> None:
    """Print one line per measurement, the best of several runs each."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    runs = parser.parse_args().runs
    for size, rows in ((1, 5_000), (10, 30_000), (100, 100_000), (1000, 200_000)):
        rate = _best(runs, lambda folder, size=size, rows=rows: _direct(size, rows, folder))  # type: ignore[misc]
        print(f"write_batch of {size:>4}: {rate:>9,.0f} rows/s")
    for callers in (1, 64):
        rate = _best(runs, lambda folder, n=callers: _grouped(n, 30_000, folder))  # type: ignore[misc]
        print(f"group commit, {callers:>2} in flight: {rate:>9,.0f} rows/s")
    with tempfile.TemporaryDirectory(dir=".") as name:
        _direct(1000, 200_000, Path(name))
        print(f"verify: {_verified(Path(name)):>9,.0f} rows/s")


if __name__ == "__main__":
    main()
