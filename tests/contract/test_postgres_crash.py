"""The database crashes in the middle of writes: nothing acknowledged is lost or doubled."""

import os
import random
import threading
from collections.abc import Iterator

import pytest

from router.journal.record import JournalUnavailable, Record
from router.journal.stores.postgres import PostgresJournal
from router.journal.verification import verify
from tests.contract.journals import some_records
from tests.postgres_server import PostgresServer, a_server

CRASHES = int(os.environ.get("ROUTER_KILLS", "2"))
WRITERS = 2


@pytest.fixture
def crashing() -> Iterator[PostgresServer]:
    server = a_server(fsync=True)
    yield server
    server.remove()


class Writing:
    """Writers that try the same ids again until they are acknowledged."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = threading.Event()
        self._progress = threading.Semaphore(0)
        self.acknowledged: list[list[Record]] = [[] for _ in range(WRITERS)]
        self.refused = 0
        self._threads = [threading.Thread(target=self._write, args=(at,)) for at in range(WRITERS)]
        for thread in self._threads:
            thread.start()

    def wait(self, batches: int) -> None:
        for _ in range(batches):
            assert self._progress.acquire(timeout=30)

    def stop(self) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def _write(self, at: int) -> None:
        store = PostgresJournal(self._url)
        chance = random.Random(at)
        while not self._stop.is_set():
            batch = some_records(chance.randrange(1, 200), payload=chance.randbytes(250))
            while True:
                try:
                    store.write_batch(batch)
                    break
                except JournalUnavailable:
                    self.refused += 1
            self.acknowledged[at] += batch
            self._progress.release()
        store.close()


def test_a_database_that_crashes_under_writers_loses_and_doubles_nothing(
    crashing: PostgresServer,
) -> None:
    writing = Writing(crashing.url)
    for crash in range(CRASHES):
        writing.wait(20 + 13 * crash)
        crashing.stop("immediate")
        crashing.start()
    writing.wait(20)
    writing.stop()
    store = PostgresJournal(crashing.url)
    kept = [stored.id for stored in store.read()]
    verdict = verify(store)
    store.close()
    acknowledged = [record.id for one in writing.acknowledged for record in one]
    assert sorted(kept) == sorted(acknowledged)
    assert verdict.intact, verdict
    assert writing.refused
    print(f"crashes {CRASHES}, acknowledged {len(acknowledged)}, kept {len(kept)}")
    print(f"refused {writing.refused}")
