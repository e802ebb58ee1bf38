"""A cluster of Dask, as whoever works on one needs it; the only file that knows Dask."""

from __future__ import annotations

import asyncio
import logging
import operator
import os
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from distributed import Client, KilledWorker, LocalCluster
from distributed.comm.core import CommClosedError
from distributed.core import rpc
from distributed.protocol import pickle
from distributed.security import Security

from router.advice.bulk import EngineRefused

_LOG = logging.getLogger(__name__)
_REACHED_SECONDS = 10
# Less, so that what stops it is told by who knows it.
_CONNECTED_SECONDS = 8
_NO_SCHEDULER = "what listens there does not answer as a scheduler, as its page (:8787) does not"
_WORKERS_SECONDS = 60
_SHOWN = 5
# What runs on workers may be lost with the last of them that held it.
_LOST = (CancelledError, CommClosedError, TimeoutError)

A = TypeVar("A")
R = TypeVar("R")
Installed = Callable[[], Mapping[str, str]]
"""Says what a process has that results depend on."""


class Lost(EngineRefused):
    """The cluster is gone, or what was kept on its workers."""


class Ended(EngineRefused):
    """Every worker that took up a task ended; the message is the address of the last."""


@contextmanager
def _lost_is_told() -> Iterator[None]:
    try:
        yield
    except _LOST as lost:
        raise Lost("the cluster, or what was kept on its workers, was lost") from lost


class Task(Generic[R]):
    """One task under way."""

    def __init__(self, future: Any) -> None:  # noqa: ANN401 - Dask's
        self._future = future

    def result(self) -> R:
        """Waits for the task.

        Raises:
            Ended: if every worker that took it up ended.
            Lost: if the cluster was lost, or what the task needs.
            EngineRefused: if the worker that took it up has not what this process has.
        """
        try:
            with _lost_is_told():
                found: R | _Differs = self._future.result()
        except KilledWorker as killed:
            raise Ended(str(killed.last_worker.address)) from killed
        if isinstance(found, _Differs):
            raise EngineRefused(f"workers: one has not what this process has: {found.told}")
        return found


class Job(Generic[A, R]):
    """A function on the workers, which takes one argument."""

    def __init__(self, client: Client, made: Any, name: str) -> None:  # noqa: ANN401 - Dask's
        self._client, self._made, self._name = client, made, name

    def __call__(self, argument: A, number: int) -> Task[R]:
        """Begins a task; its number is its own. The scheduler reads bytes of it alone.

        Raises:
            Lost: if the cluster was lost.
        """
        key, words = f"{self._name}-{number:07}", pickle.dumps(argument)
        with _lost_is_told():
            # The scheduler reads tasks: of bytes and functions of Python's own, it needs no code of
            # ours.
            call = self._client.submit(operator.call, self._made, words, key=key, pure=False)
        return Task(call)


@dataclass(frozen=True, slots=True)
class _Differs:
    """What a worker has that this process has not, or the reverse, in words."""

    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class _OnWorker(Generic[A, R]):
    """A function as a worker calls it, by the words of its argument.

    Attributes:
        function: is called.
        installed: says what a worker has.
        needed: what it must have.
    """

    function: Callable[[A], R]
    installed: Installed
    needed: Mapping[str, str]

    def __call__(self, words: bytes) -> R | _Differs:
        # Workers also come while there is work.
        if told := _differs(self.needed, self.installed()):
            return _Differs(told)
        return self.function(pickle.loads(words))


class Cluster:
    """Workers that have what this process has."""

    def __init__(self, client: Client, installed: Installed) -> None:
        self._client = client
        self._installed = installed

    @property
    def address(self) -> str:
        """Of the scheduler."""
        return str(self._client.scheduler.address)

    @property
    def threads(self) -> int:
        """Of all workers, now: they come and go."""
        return sum(self._client.nthreads().values())

    def job(self, name: str, function: Callable[[A], R], *, large: bool = False) -> Job[A, R]:
        """Sends a function; a worker that has it hands it on.

        If all are lost that have it, the scheduler has it made again; a large one is lost then.

        Args:
            name: of its tasks.
            function: is called on workers.
            large: whether there is much in it: neither client nor scheduler then keeps any of it.

        Raises:
            Lost: if the cluster was lost.
        """
        key = f"{name}-{secrets.token_hex(8)}"
        sent = _OnWorker(
            function=function, installed=self._installed, needed=dict(self._installed())
        )
        with _lost_is_told():
            words = pickle.dumps(sent)
            given = self._client.scatter(words, hash=False) if large else words
            made = self._client.submit(pickle.loads, given, key=key, pure=False)
        return Job(self._client, made, key)

    def wait_for_workers(self) -> None:
        """Waits until there is one.

        Raises:
            EngineRefused: if none comes.
        """
        if not self.threads:
            _LOG.warning(
                "scheduler: %s has no worker yet; waiting %s seconds for one",
                self.address,
                _WORKERS_SECONDS,
            )
        try:
            self._client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
        except TimeoutError:
            raise EngineRefused(
                f"scheduler: {self.address} has no worker, and none came within "
                f"{_WORKERS_SECONDS} seconds; start some by `dask worker ADDRESS`"
            ) from None

    def check_workers(self, way_out: str) -> None:
        """Checks that every worker has what this process has.

        Args:
            way_out: how workers come to have it, in words.

        Raises:
            EngineRefused: naming the workers that have not, and what they have.
        """
        self.wait_for_workers()
        lines = []
        for address, found in sorted(self._client.run(self._installed, on_error="return").items()):
            if isinstance(found, Exception):
                lines.append(f"{address} cannot say what it has: {found}")
            elif told := _differs(self._installed(), found):
                lines.append(f"{address} {told}")
        if lines:
            more = f"\nand {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
            raise EngineRefused(
                "workers: must have what this process has, or what they give would differ; "
                f"{way_out}:\n" + "\n".join(lines[:_SHOWN]) + more
            )


@contextmanager
def connected(scheduler: str, installed: Installed, way_out: str) -> Iterator[Cluster]:
    """Gives a cluster whose workers have what this process has.

    Args:
        scheduler: address of a Dask scheduler, such as tcp://host:8786; "" for a cluster on all
            cores of this machine, which ends with the block.
        installed: says what a process has.
        way_out: how workers come to have it, in words.

    Raises:
        EngineRefused: if it cannot be reached, has no worker, or if a worker has not what this
            process has.
    """
    with _client_of(scheduler) as client:
        cluster = Cluster(client, installed)
        cluster.check_workers(way_out)
        yield cluster


@contextmanager
def _client_of(scheduler: str) -> Iterator[Client]:
    if not scheduler:
        with _own_cluster() as own, Client(own, set_as_default=False) as client:
            yield client
        return
    try:
        asyncio.run(_answer_of(scheduler))
    # Of what is wrong with certificates and their settings, Dask makes errors of many types.
    except Exception as problem:
        raise EngineRefused(
            f"scheduler: {scheduler} cannot be reached within {_REACHED_SECONDS} seconds: "
            f"{str(problem) or _NO_SCHEDULER}; give the address that `dask scheduler` prints, such "
            "as tcp://host:8786"
        ) from problem
    with Client(scheduler, timeout=_REACHED_SECONDS, set_as_default=False) as client:
        yield client


async def _answer_of(scheduler: str) -> None:
    """Asks whoever listens there: a client would wait without end where it is no scheduler."""
    how = Security().get_connection_args("client")
    async with asyncio.timeout(_REACHED_SECONDS):
        async with rpc(scheduler, timeout=_CONNECTED_SECONDS, connection_args=how) as asked:
            await asked.identity()


def _own_cluster() -> LocalCluster:
    """Starts a cluster on this machine, which other users of it cannot speak to."""
    return LocalCluster(
        n_workers=os.cpu_count() or 1,
        threads_per_worker=1,
        host="127.0.0.1",
        # Whoever can speak to a scheduler runs code on its workers: by certificates of its own.
        security=True,
        # Without a page, a scheduler's HTTP server still listens: by default on every address, and
        # on a port that another cluster may have.
        scheduler_kwargs={"dashboard": False, "dashboard_address": "127.0.0.1:0"},
        # Cases that a fit sends would else be written to files where memory runs short.
        config={f"distributed.worker.memory.{when}": False for when in ("target", "spill")},
        # Workers log as errors that the cluster ends while they report; what is wrong with a task
        # is told without their logs.
        silence_logs=logging.CRITICAL,
    )


def _differs(needed: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Says what differs; "" if nothing does."""
    differ = [
        f"{name} {found.get(name, 'none')} instead of {value}"
        for name, value in needed.items()
        if found.get(name) != value
    ]
    return f"has {', '.join(differ)}" if differ else ""
