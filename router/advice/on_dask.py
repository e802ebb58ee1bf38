"""Scores parts on a Dask cluster; the only file that knows Dask.

Neither client nor scheduler sees a case: a task is the words of a part, and its result a count.
Few tasks are under way at a time, so both stay as small for a billion cases as for a thousand.
"""

from __future__ import annotations

import logging
import operator
import os
import secrets
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from distributed import Client, KilledWorker, LocalCluster
from distributed.comm.core import CommClosedError
from distributed.protocol import pickle

from router.advice.bulk import EngineRefused, Part, Scored, begin, score_part
from router.advice.installed import installed
from router.cases.problems import CasesRefused
from router.decision.decide import Decider
from router.files.formats import OutRefused
from router.files.out_folder import OutFolder
from router.files.stores import StoreRefused
from router.mendable import Mendable

_REACHED_SECONDS = 10
_WORKERS_SECONDS = 60
# Under way for each thread of the workers: one that is scored, and those that it takes up next.
_AHEAD = 3
_SHOWN = 5


def score_parts(
    parts: Sequence[Part], decider: Decider, out: OutFolder, scheduler: str = ""
) -> Iterator[Scored]:
    """Scores parts, each into its file of a folder.

    Args:
        parts: what is scored.
        decider: what decides; it is sent to the workers, which need no model.
        out: the folder, which all workers must reach, as they must the cases.
        scheduler: address of a Dask scheduler, such as tcp://host:8786; "" for a cluster on all
            cores of this machine, which ends with the last part.

    Yields:
        What is told of each part, in their order, once it is written.

    Raises:
        EngineRefused: if the cluster cannot be reached, has no worker or is lost, or if a worker
            has not what this process has.
        CasesRefused: of the first part that has a problem: naming file, column, rows and bound.
        OutRefused: if a worker cannot write.
        StoreRefused: if a worker cannot use a URI.
    """
    with _connected(scheduler) as client:
        _check_workers(client)
        # Only now: a cluster that cannot be had leaves a folder that is whole as it is.
        begin(out)
        run = secrets.token_hex(8)
        # The scheduler reads tasks: of bytes and functions of Python's own, it needs no code of
        # ours. A worker that has the job hands it on; if all are lost that have it, the scheduler
        # has it made again.
        words = pickle.dumps(_Job(decider=decider, out=out, needed=installed()))
        job = client.submit(pickle.loads, words, key=f"job-{run}", pure=False)
        waiting = deque(enumerate(parts))
        under_way: deque[tuple[Part, Any]] = deque()
        try:
            while waiting or under_way:
                # Asked each time: workers come and go.
                at_once = _AHEAD * sum(client.nthreads().values())
                while waiting and len(under_way) < at_once:
                    number, part = waiting.popleft()
                    key, words = f"score-{run}-{number:07}", pickle.dumps(part)
                    future = client.submit(operator.call, job, words, key=key, pure=False)
                    under_way.append((part, future))
                if not under_way:
                    _wait_for_workers(client)
                    continue
                part, future = under_way.popleft()
                yield _result(part, future)
        except (CancelledError, CommClosedError, TimeoutError) as lost:
            raise EngineRefused(
                f"scheduler: {client.scheduler.address} was lost; run it again: what is written "
                "is written anew to the same bytes"
            ) from lost


def _result(part: Part, future: Any) -> Scored:  # noqa: ANN401 - Dask's
    try:
        found = future.result()
    except KilledWorker as killed:
        raise EngineRefused(
            f"{part.table.path}: every worker that took up rows from {part.first_row + 1} on "
            f"ended, the last of them {killed.last_worker.address}; see its log, and whether it "
            "has memory for a row group of this file"
        ) from killed
    if isinstance(found, Scored):
        return found
    raise found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is the same for all parts; a worker calls it with the words of one.

    Attributes:
        decider: what decides.
        out: the folder.
        needed: what a worker must have installed.
    """

    decider: Decider
    out: OutFolder
    needed: Mapping[str, str]

    def __call__(self, words: bytes) -> Scored | Mendable:
        """Scores a part.

        What is wrong is returned: what a task raises is logged, and it may show cells.
        """
        # Workers also come while parts are scored.
        if told := _differs(self.needed, installed()):
            return EngineRefused(f"workers: one has not what this process has: {told}")
        part: Part = pickle.loads(words)
        try:
            return score_part(part, self.decider, self.out)
        except (CasesRefused, OutRefused, StoreRefused) as problem:
            # Without what it came from, which may not be sent.
            return type(problem)(*problem.args)


@contextmanager
def _connected(scheduler: str) -> Iterator[Client]:
    """Gives a client of a cluster.

    Raises:
        EngineRefused: if it cannot be reached.
    """
    if not scheduler:
        with _own_cluster() as cluster, Client(cluster, set_as_default=False) as client:
            yield client
        return
    try:
        client = Client(scheduler, timeout=_REACHED_SECONDS, set_as_default=False)
    except (OSError, TimeoutError, ValueError, ImportError) as problem:
        raise EngineRefused(
            f"scheduler: {scheduler} cannot be reached within {_REACHED_SECONDS} seconds: "
            f"{problem}; give the address that `dask scheduler` prints, such as tcp://host:8786"
        ) from problem
    with client:
        yield client


def _own_cluster() -> LocalCluster:
    """Starts a cluster on this machine, which other users of it cannot speak to."""
    return LocalCluster(
        n_workers=os.cpu_count() or 1,
        threads_per_worker=1,
        host="127.0.0.1",
        # Whoever can speak to a scheduler runs code on its workers: by certificates of its own.
        security=True,
        dashboard_address=None,
        # Workers log as errors that the cluster ends while they report; what is wrong with a part
        # is told without their logs.
        silence_logs=logging.CRITICAL,
    )


def _wait_for_workers(client: Client) -> None:
    try:
        client.wait_for_workers(1, timeout=_WORKERS_SECONDS)
    except TimeoutError:
        raise EngineRefused(
            f"scheduler: {client.scheduler.address} has no worker, and none came within "
            f"{_WORKERS_SECONDS} seconds; start some by `dask worker ADDRESS`"
        ) from None


def _check_workers(client: Client) -> None:
    """Checks that every worker has what this process has.

    Raises:
        EngineRefused: naming the workers that have not, and what they have.
    """
    _wait_for_workers(client)
    lines = []
    for address, found in sorted(client.run(installed, on_error="return").items()):
        if isinstance(found, Exception):
            lines.append(f"{address} cannot say what it has: {found}")
        elif told := _differs(installed(), found):
            lines.append(f"{address} {told}")
    if lines:
        more = f"\nand {len(lines) - _SHOWN} more" if len(lines) > _SHOWN else ""
        raise EngineRefused(
            "workers: must have what this process has, or what they write would differ; install "
            "the same channel-router[dask] there, from the same lock file:\n"
            + "\n".join(lines[:_SHOWN])
            + more
        )


def _differs(needed: Mapping[str, str], found: Mapping[str, str]) -> str:
    """Says what differs; "" if nothing does."""
    differ = [
        f"{name} {found.get(name, 'none')} instead of {value}"
        for name, value in needed.items()
        if found.get(name) != value
    ]
    return f"has {', '.join(differ)}" if differ else ""
