"""PostgreSQL that is stopped, frozen, slow, cut off, or whose primary is switched."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from tests.e2e.callers import Callers, answered, refused
from tests.faults.fault import NotHere, fault
from tests.faults.served import OPTIONS, Served, accounted
from tests.postgres_server import PostgresServer, binaries

CALLERS = 4
REFUSALS = ("UNAVAILABLE", "RESOURCE_EXHAUSTED")


def programs() -> Path:
    found = binaries()
    if found is None:
        raise NotHere("PostgreSQL is not installed")
    return found


@contextmanager
def a_database() -> Iterator[PostgresServer]:
    server = PostgresServer(programs())
    try:
        yield server
    finally:
        server.remove()


@contextmanager
def load(server: Served) -> Iterator[Callers]:
    """Calls a server until the block ends, and then stops it."""
    callers = Callers(server.listen, CALLERS, OPTIONS, patient=True)
    try:
        callers.wait(answered, 20, seconds=60)
        yield callers
        callers.wait(answered, 20, seconds=60)
    finally:
        callers.stop()
        server.end()


@fault(
    row="3",
    done="PostgreSQL stopped as by a crash {} times, under load and once without any",
    passes="nothing acknowledged is lost or doubled; calls end OK or UNAVAILABLE; without a call "
    "too, readiness says so and says when it is back (D2)",
    full=20,
    short=1,
)
def postgres_stopped(stops: int, folder: Path) -> str:
    with a_database() as database:
        server = Served(folder, journal=database.url)
        # Nobody calls: only a probe can find out.
        database.stop("immediate")
        server.wait_for_health("NOT_SERVING")
        database.start()
        server.wait_for_health("SERVING")
        with load(server) as callers:
            for _ in range(stops):
                database.stop("immediate")
                callers.wait(refused, 20)
                assert server.health() == "NOT_SERVING"
                assert server.figure("router_journal_up") == 0
                database.start()
                callers.wait(answered, 100)
        return accounted(callers.answers, database.url, *REFUSALS)


@fault(
    row="3",
    done="PostgreSQL frozen (SIGSTOP of all its processes) {} times under load",
    passes="calls are refused as UNAVAILABLE before their deadline of 10 s, none hangs; it goes on "
    "by itself, nothing acknowledged is lost",
    full=10,
    short=1,
)
def postgres_frozen(freezes: int, folder: Path) -> str:
    with a_database() as database:
        server = Served(folder, journal=database.url)
        with load(server) as callers:
            for _ in range(freezes):
                postmaster = psutil.Process(database.postmaster())
                processes = [postmaster, *postmaster.children(recursive=True)]
                signalled(processes, signal.SIGSTOP)
                try:
                    callers.wait(refused, 20)
                    assert server.health() == "NOT_SERVING"
                finally:
                    signalled(processes, signal.SIGCONT)
                callers.wait(answered, 100, seconds=60)
        return accounted(callers.answers, database.url, *REFUSALS)


def signalled(processes: Sequence[psutil.Process], number: signal.Signals) -> None:
    for process in processes:
        with suppress(psutil.NoSuchProcess):
            process.send_signal(number)


class Between:
    """What stands between the service and a database, and passes bytes on as it is told to.

    Attributes:
        delay: seconds before bytes from the database are passed on.
        silent: whether bytes are taken and not passed on.
    """

    def __init__(self, to: int) -> None:
        self._to = to
        self.delay = 0.0
        self.silent = False
        self._writers: set[asyncio.StreamWriter] = set()
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()
        started = asyncio.start_server(self._join, "127.0.0.1", 0)
        server = asyncio.run_coroutine_threadsafe(started, self._loop).result(10)
        self.port = int(server.sockets[0].getsockname()[1])

    def cut(self) -> None:
        """Resets every connection there is."""
        self._loop.call_soon_threadsafe(self._abort)

    def end(self) -> None:
        self.cut()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)

    def _abort(self) -> None:
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            there, back = await asyncio.open_connection("127.0.0.1", self._to)
            self._writers |= {writer, back}
            await asyncio.gather(self._pass(reader, back), self._pass(there, writer, slow=True))

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, slow: bool = False
    ) -> None:
        with suppress(OSError):
            while data := await reader.read(65536):
                if slow and self.delay:
                    await asyncio.sleep(self.delay)
                if not self.silent:
                    writer.write(data)
                    await writer.drain()
        writer.close()


@fault(
    row="3",
    done="the network to PostgreSQL slow (0.2 s an answer), silent and cut, {} times each",
    passes="slow answers are answers; silence and cuts end as UNAVAILABLE before the deadline; it "
    "goes on by itself, nothing acknowledged is lost",
    full=10,
    short=0,
)
def postgres_slow(times: int, folder: Path) -> str:
    with a_database() as database:
        between = Between(database.port)
        url = database.url.replace(f":{database.port}/", f":{between.port}/")
        server = Served(folder, journal=url)
        with load(server) as callers:
            for _ in range(times):
                between.delay = 0.2
                callers.wait(answered, 8, seconds=60)
                between.delay = 0.0
                between.silent = True
                callers.wait(refused, 8)
                between.silent = False
                between.cut()
                callers.wait(answered, 50, seconds=60)
        between.end()
        return accounted(callers.answers, database.url, *REFUSALS)


def synchronous(primary: PostgresServer, names: str) -> None:
    """Has every commit wait for a standby; for nobody with no names."""
    with psycopg.connect(primary.url, autocommit=True) as connection:
        connection.execute(f"ALTER SYSTEM SET synchronous_standby_names = '{names}'")
        connection.execute("SELECT pg_reload_conf()")


@fault(
    row="3",
    done="primary of PostgreSQL crashed and its synchronous standby promoted {} times under load "
    "(two hosts in the URL, `target_session_attrs=read-write`)",
    passes="calls end OK or UNAVAILABLE, it goes on at the new primary by itself, nothing "
    "acknowledged is lost or doubled",
    full=10,
    short=0,
)
def postgres_switched(switches: int, folder: Path) -> str:
    primary = PostgresServer(programs())
    standby = PostgresServer(programs(), of=primary)
    hosts = ",".join(f"127.0.0.1:{one.port}" for one in (primary, standby))
    url = f"postgresql://router@{hosts}/postgres?target_session_attrs=read-write"
    free = 0
    try:
        synchronous(primary, "*")
        server = Served(folder, journal=url)
        with load(server) as callers:
            for number in range(switches):
                if number:
                    # In the place of the one that crashed.
                    standby = PostgresServer(programs(), of=primary, port=free)
                    synchronous(primary, "*")
                    callers.wait(answered, 50, seconds=60)
                primary.stop("immediate")
                standby.promote()
                callers.wait(answered, 50, seconds=60)
                free = primary.port
                primary.remove()
                primary = standby
        return accounted(callers.answers, url, *REFUSALS)
    finally:
        for one in {primary, standby}:
            one.remove()
