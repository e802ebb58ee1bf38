"""The journal on a full disk and killed at any moment; the writer is a process of its own."""

import os
import random
import resource
import signal
import subprocess
import sys
from collections.abc import Collection
from pathlib import Path

from router.journal.group_commit import GroupCommit
from router.journal.opening import open_journal
from router.journal.record import JournalUnavailable
from router.journal.stores.sqlite import SqliteJournal
from router.journal.verification import verify
from tests.contract.journals import Kept, some_records

ROOT = Path(__file__).parents[2]
KILLS = int(os.environ.get("ROUTER_KILLS", "5"))


def start(role: str, url: str) -> "subprocess.Popen[str]":
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    command = [sys.executable, __file__, role, url]
    return subprocess.Popen(
        command,
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
    )


def test_killed_at_any_moment_nothing_acknowledged_is_lost(kept: Kept) -> None:
    acknowledged: set[str] = set()
    chance = random.Random(os.urandom(8))
    for _ in range(KILLS):
        with start("write", kept.url) as writer:
            assert writer.stdout is not None
            # Killed after a random number of acknowledgements: in the middle of whatever comes
            # next.
            for _ in range(chance.randrange(1, 300)):
                acknowledged.add(writer.stdout.readline().strip())
            writer.send_signal(signal.SIGKILL)
            # Acknowledged, too, but not read yet; a line cut by the kill was not.
            acknowledged.update(line.strip() for line in writer.stdout if line.endswith("\n"))
        assert writer.returncode == -signal.SIGKILL
    store = kept.store()
    found = {stored.id.hex() for stored in store.read()}
    verdict = verify(store)
    assert acknowledged
    assert acknowledged <= found
    assert verdict.intact, verdict
    print(f"kills {KILLS}, acknowledged {len(acknowledged)}, kept {len(found)}")


def test_a_full_disk_is_unavailable_and_the_journal_recovers_by_itself(tmp_path: Path) -> None:
    path = tmp_path / "journal.db"
    with start("fill", f"sqlite:///{path}") as writer:
        assert writer.stdin is not None
        assert writer.stdout is not None
        assert writer.stdout.readline() == "ready\n"
        _, hard = resource.prlimit(writer.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(writer.pid, resource.RLIMIT_FSIZE, (300_000, hard))
        print("full", file=writer.stdin)
        assert writer.stdout.readline() == "unavailable\n"
        resource.prlimit(writer.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, hard))
        print("space", file=writer.stdin)
        written = writer.stdout.readline().split()
        assert writer.wait() == 0
    store = SqliteJournal(path)
    kept = {stored.id.hex() for stored in store.read()}
    assert written
    assert set(written) <= kept
    assert verify(store).intact
    store.close()


def write_until_killed(url: str) -> None:
    def resolve(
        tickets: list[str], error: JournalUnavailable | None, skipped: Collection[bytes]
    ) -> None:
        if error is not None:
            os._exit(3)
        # One write call per batch: what the pipe holds outlives the process.
        os.write(1, "".join(tickets).encode())

    store = open_journal(url)
    writer: GroupCommit[str] = GroupCommit(store, resolve, capacity=64, largest_batch=32)
    while True:
        records = some_records(random.randrange(1, 20), payload=os.urandom(250))
        while writer.depth > 30:
            pass
        writer.submit(records, "".join(record.id.hex() + "\n" for record in records))


def write_until_full_and_again(url: str) -> None:
    store, written = open_journal(url), []
    print("ready", flush=True)
    sys.stdin.readline()
    for batch in iter(lambda: some_records(20, payload=os.urandom(250)), None):
        try:
            store.write_batch(batch)
        except JournalUnavailable:
            break
        written += batch
    print("unavailable", flush=True)
    sys.stdin.readline()
    store.probe()
    store.write_batch(batch)
    print(*(record.id.hex() for record in written + batch), flush=True)
    store.close()


if __name__ == "__main__":
    {"write": write_until_killed, "fill": write_until_full_and_again}[sys.argv[1]](sys.argv[2])
