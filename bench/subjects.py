"""What finding a case's records costs those who append them: `python -m bench.subjects`.

It defends the size of the index's blocks (ADR 17). The parts take turns, so that a busy machine
slows all alike.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import uuid_utils

from router.journal.recommendation import subject_of
from router.journal.record import RECOMMENDATION, Context, Record
from router.journal.stores import sqlite_file, sqlite_rows
from router.journal.stores.rows import BLOCK
from router.journal.stores.sqlite import SqliteJournal

BLOCKS = (None, 8, 10, 13)
"""Powers of two; None: records without a subject."""
SIZES = ((500, 32), (300, 1_000))
"""Batches and records of each: of calls that leave together, and of RecommendBatch."""
LOOK_UPS = 20
_CONTEXT = Context(document="{}")
_PAYLOAD = os.urandom(400)


@contextmanager
def _blocks_of(power: int) -> Iterator[None]:
    def other(text: str) -> str:
        return text.replace(f"seq >> {BLOCK}", f"seq >> {power}")

    migrations = tuple(tuple(map(other, one)) for one in sqlite_file.MIGRATIONS)
    with (
        mock.patch.object(sqlite_file, "MIGRATIONS", migrations),
        mock.patch.object(sqlite_rows, "BLOCK", power),
        mock.patch.object(sqlite_rows, "_SUBJECT", other(sqlite_rows._SUBJECT)),
    ):
        yield


def _record(number: int, *, found: bool) -> Record:
    subject = subject_of(f"c-{number:08x}") if found else None
    identity = uuid_utils.uuid7().bytes
    return Record(identity, RECOMMENDATION, _CONTEXT, _PAYLOAD, number, subject=subject)


def _measure(batches: int, size: int, folder: Path) -> None:
    journals = {}
    for power in BLOCKS:
        with _blocks_of(BLOCK if power is None else power):
            journals[power] = SqliteJournal(folder / f"{size}-{power}.db")

    records = batches * size
    spent = dict.fromkeys(BLOCKS, 0.0)
    for start in range(0, records, size):
        for power, journal in journals.items():
            batch = [_record(n, found=power is not None) for n in range(start, start + size)]
            started = time.process_time()
            journal.write_batch(batch)
            spent[power] += time.process_time() - started

    print(f"{records:,} records in batches of {size:,}")
    for power, journal in journals.items():
        told = f"{spent[power] / records * 1e6:5.1f} us of processor a record"
        if power is None:
            print(f"  no subjects:             {told}")
            continue
        with _blocks_of(power):
            started = time.perf_counter()
            for number in range(0, records, records // LOOK_UPS):
                list(journal.concerning(subject_of(f"c-{number:08x}") or b""))
            look_up = (time.perf_counter() - started) / LOOK_UPS * 1e3
        print(f"  blocks of {1 << power:5,} records: {told}, {look_up:4.1f} ms a look-up")


def main() -> None:
    """Prints microseconds of processor a record, and milliseconds a look-up."""
    with tempfile.TemporaryDirectory() as folder:
        for batches, size in SIZES:
            _measure(batches, size, Path(folder))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.subjects", description=__doc__).parse_args()
    main()
