"""What a call cannot cost less than here, whoever wrote the server: `python -m bench.floors`.

Three things are measured that any server of these messages and this journal in Python must do, and
beside them what this one takes for the same:

- the messages of a batch of 1,000, VIEW_BASIC: parsed, each field that is set read once, and an
  answer of the shortest kind written for each case, and nothing decided;
- 1,000 records of the size of a recommendation's put into SQLite as the journal's are, with a
  commitment and a head each (two SHA-256), in memory, so that no disk is waited for;
- a write of 4 KiB made durable (fdatasync) in the folder given: what a lone call waits for.

The best of many turns, for what cannot be undercut; a disk's middle, since it is waited for.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from bench.beside import some_cases
from router.v1 import channel_router_pb2, recommendation_pb2

CASES, TURNS, SYNCS = 1_000, 40, 200
AIMS = {"without journal": 150_000, "with journal": 60_000}
_ID = "01930000-0000-7000-8000-000000000000"


def messages() -> Callable[[], bytes]:
    """Gives what reads the messages of a batch and writes the shortest answers."""
    cases = some_cases(CASES, 1, random.Random(1))
    sent = channel_router_pb2.RecommendBatchRequest(cases=cases).SerializeToString()
    usual = recommendation_pb2.Recommendation(
        decision_id=_ID, model_version="m", policy_version="p"
    )

    def read_and_write() -> bytes:
        request = channel_router_pb2.RecommendBatchRequest.FromString(sent)
        answer = channel_router_pb2.RecommendBatchResponse()
        for index, case in enumerate(request.cases):
            for _ in case.ListFields():
                pass
            one = answer.results.add(index=index).recommendation
            one.CopyFrom(usual)
            one.case_ref, one.decision_id = case.case_ref, _ID
        return answer.SerializeToString()

    return read_and_write


def appending() -> Callable[[], None]:
    """Gives what puts a batch's records into a table like the journal's."""
    database = sqlite3.connect(":memory:", isolation_level=None)
    database.execute(
        "CREATE TABLE record (seq INTEGER PRIMARY KEY, id BLOB NOT NULL UNIQUE, payload BLOB, "
        "salt BLOB, commitment BLOB NOT NULL, head BLOB NOT NULL, subject BLOB)"
    )
    database.execute("CREATE INDEX record_subject ON record (seq >> 10, subject)")
    payload, head = os.urandom(250), bytes(32)

    def append() -> None:
        nonlocal head
        rows = []
        for _ in range(CASES):
            id_, salt = os.urandom(16), os.urandom(16)
            commitment = hashlib.sha256(salt + payload).digest()
            head = hashlib.sha256(head + id_ + commitment).digest()
            rows.append((None, id_, payload, salt, commitment, head, id_[:8]))
        database.execute("BEGIN")
        database.executemany("INSERT INTO record VALUES (?, ?, ?, ?, ?, ?, ?)", rows)
        database.execute("COMMIT")

    return append


def best(work: Callable[[], object]) -> float:
    """Gives the processor time of the fastest of many turns, in microseconds a case."""
    work()
    times = []
    for _ in range(TURNS):
        began = time.process_time_ns()
        work()
        times.append(time.process_time_ns() - began)
    return min(times) / 1_000 / CASES


def synced(folder: Path) -> list[float]:
    """Makes writes durable one after the other; their times in ms."""
    times = []
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        for _ in range(SYNCS):
            file.write(bytes(4096))
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            times.append(1_000 * (time.perf_counter() - began))
    return times


def main() -> None:
    """Prints the floors, and what the aims would leave for everything else."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.floors", description=__doc__, allow_abbrev=False
    )
    parser.add_argument("--folder", type=Path, default=Path(), help="of the disk; default: here")
    folder = parser.parse_args().folder
    spoken, kept = best(messages()), best(appending())
    print("| must be done | µs a case | so at most, cases a second | aim |")
    print("|---|---:|---:|---:|")
    for name, floor, aim in (
        ("messages alone", spoken, AIMS["without journal"]),
        ("messages and records", spoken + kept, AIMS["with journal"]),
    ):
        print(f"| {name} | {floor:.1f} | {1e6 / floor:,.0f} | {aim:,} |")
    times = synced(folder)
    middle, late = statistics.median(times), sorted(times)[int(0.99 * len(times))]
    print(f"\nA durable write of 4 KiB: p50 {middle:.2f} ms, p99 {late:.2f} ms.")


if __name__ == "__main__":
    main()
