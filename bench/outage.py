"""The service loses its PostgreSQL for a while under load.

`python -m bench.outage --seconds 30` prints what it saw.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

import grpc

from router.journal.opening import open_journal
from router.journal.verification import verify
from tests.e2e.callers import Answer, Callers, answered, refused
from tests.postgres_server import PostgresServer, binaries


def _started(url: str) -> tuple[subprocess.Popen[bytes], str]:
    # Port 0: the system gives a free one, and the log tells which.
    words = ["serve", "--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--journal", url]
    process = subprocess.Popen(
        [sys.executable, "-m", "router", *words], stderr=subprocess.PIPE, env={**os.environ}
    )
    assert process.stderr is not None
    for line in process.stderr:
        entry = json.loads(line)
        if entry["message"] == "serving":
            return process, entry["listen"]
    raise SystemExit("the server did not start")


def _milliseconds(answers: list[Answer]) -> str:
    times = [1000 * (answer.ended - answer.began) for answer in answers if answered(answer)]
    p99 = statistics.quantiles(times, n=100)[98]
    return f"p50 {statistics.median(times):.2f} ms, p99 {p99:.2f} ms of {len(times)}"


def _kept(url: str) -> tuple[list[str], bool]:
    store = open_journal(url, create=False)
    kept, intact = (
        [stored.id.hex() for stored in store.read(kinds=("recommendation",))],
        verify(store).intact,
    )
    store.close()
    return kept, intact


def measure(database: PostgresServer, *, seconds: float, around: float, callers: int) -> None:
    """Loads for `around` seconds, lets the database be lost for `seconds`, and loads again."""
    process, listen = _started(database.url)
    load = Callers(listen, callers)
    try:
        load.wait(answered, 100)  # the first calls warm the server up
        warm = time.monotonic()
        time.sleep(around)
        lost = time.monotonic()
        database.stop("immediate")
        first = load.wait(refused)
        time.sleep(max(0.0, lost + seconds - time.monotonic()))
        database.start()
        back = time.monotonic()
        recovered = load.wait(answered)
        time.sleep(around)
    finally:
        answers = load.stop()
        process.terminate()
        process.wait(15)

    # Whatever was acknowledged must be found afterwards, and only once.
    acknowledged = {answer.decision_id.replace("-", "") for answer in answers if answer.decision_id}
    kept, intact = _kept(database.url)
    longest = max(answer.ended - answer.began for answer in answers if not answered(answer))
    others = {a.code.name for a in answers} - {"OK", grpc.StatusCode.UNAVAILABLE.name}

    print(f"outage {back - lost:.1f} s under {callers} callers")
    print(
        f"acknowledged {len(acknowledged)}, found {len(acknowledged & set(kept))}, "
        f"twice {len(kept) - len(set(kept))}"
    )
    print(
        f"unavailable {sum(map(refused, answers))}, other codes {sorted(others)}, "
        f"longest refusal {longest:.2f} s"
    )
    print(
        f"first refusal after {first.ended - lost:.2f} s, "
        f"first answer {recovered.ended - back:.2f} s after the start"
    )
    print(f"before: {_milliseconds([a for a in answers if a.began > warm and a.ended < lost])}")
    print(f"after:  {_milliseconds([a for a in answers if a.began > recovered.ended])}")
    print(f"the chain is {'intact' if intact else 'BROKEN'}")


def main() -> None:
    """Starts a database and the service, and measures.

    Raises:
        SystemExit: if PostgreSQL is not installed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.outage", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="Of the outage.")
    parser.add_argument(
        "--around", type=float, default=5.0, help="Seconds of load before and after."
    )
    parser.add_argument("--callers", type=int, default=8)
    wanted = parser.parse_args()

    folder = binaries()
    if folder is None:
        raise SystemExit("PostgreSQL is not installed (Debian: postgresql)")
    database = PostgresServer(folder)

    try:
        measure(database, seconds=wanted.seconds, around=wanted.around, callers=wanted.callers)
    finally:
        database.remove()


if __name__ == "__main__":
    main()
