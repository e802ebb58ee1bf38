"""Scores parts on a Dask cluster.

Neither client nor scheduler sees a case: a task is the words of a part, and its result a count.
Few tasks are under way at a time, so both stay as small for a billion cases as for a thousand.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from router.advice.bulk import EngineRefused, Part, Scored, begin, score_part
from router.advice.cluster import Ended, Lost, Task, connected
from router.advice.installed import installed
from router.cases.problems import CasesRefused
from router.decision.decide import Decider
from router.files.formats import OutRefused
from router.files.out_folder import OutFolder
from router.files.stores import StoreRefused
from router.mendable import Mendable

# Under way for each thread of the workers: one that is scored, and those that it takes up next.
_AHEAD = 3
_WAY_OUT = "install the same channel-router[dask] there, from the same lock file"


def score_parts(
    parts: Sequence[Part], decider: Decider, out: OutFolder, scheduler: str = ""
) -> Iterator[Scored]:
    """Scores parts, each into its file of a folder.

    Args:
        parts: what is scored.
        decider: what decides; it is sent to the workers, which need no model.
        out: the folder, which all workers must reach, as they must the cases.
        scheduler: address of a Dask scheduler; "" for a cluster of its own (`connected`).

    Yields:
        What is told of each part, in their order, once it is written.

    Raises:
        EngineRefused: if the cluster cannot be reached, has no worker or is lost, or if a worker
            has not what this process has.
        CasesRefused: of the first part that has a problem: naming file, column, rows and bound.
        OutRefused: if a worker cannot write.
        StoreRefused: if a worker cannot use a URI.
    """
    with connected(scheduler, installed, _WAY_OUT) as cluster:
        # Only now: a cluster that cannot be had leaves a folder that is whole as it is.
        begin(out)
        waiting = deque(enumerate(parts))
        under_way: deque[tuple[Part, Task[Scored | Mendable]]] = deque()
        try:
            job = cluster.job("score", _Job(decider=decider, out=out))
            while waiting or under_way:
                # Asked each time: workers come and go.
                at_once = _AHEAD * cluster.threads
                while waiting and len(under_way) < at_once:
                    number, part = waiting.popleft()
                    under_way.append((part, job(part, number)))
                if not under_way:
                    cluster.wait_for_workers()
                    continue
                yield _result(*under_way.popleft())
        except Lost as lost:
            raise EngineRefused(
                f"scheduler: {cluster.address} was lost; run it again: what is written "
                "is written anew to the same bytes"
            ) from lost


def _result(part: Part, task: Task[Scored | Mendable]) -> Scored:
    try:
        found = task.result()
    except Ended as ended:
        raise EngineRefused(
            f"{part.table.path}: every worker that took up rows from {part.first_row + 1} on "
            f"ended, the last of them {ended}; see its log, and whether it has memory for a row "
            "group of this file"
        ) from ended
    if isinstance(found, Scored):
        return found
    raise found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Job:
    """What is the same for all parts.

    Attributes:
        decider: what decides.
        out: the folder.
    """

    decider: Decider
    out: OutFolder

    def __call__(self, part: Part) -> Scored | Mendable:
        """Scores a part.

        What is wrong is returned: what a task raises is logged, and it may show cells.
        """
        try:
            return score_part(part, self.decider, self.out)
        except (CasesRefused, OutRefused, StoreRefused) as problem:
            # Without what it came from, which may not be sent.
            return type(problem)(*problem.args)
