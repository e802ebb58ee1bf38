"""Has a fit's calls made on a cluster of Dask, as threads of this process would make them."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

import training
from router.advice.bulk import EngineRefused
from router.advice.cluster import Cluster, Ended, Lost, connected
from router.advice.installed import code_of, installed, versions
from router.mendable import Mendable
from training.learning.at_once import AtOnce

_LIBRARIES = ("scipy", "scikit-learn", "joblib")
_WAY_OUT = (
    "start them as `python -m distributed.cli.dask_worker ADDRESS` in the image `reports`, or in a "
    "checkout of this version after `make setup`"
)
# Workers may all end, others come, and end again.
_TRIES = 3

T = TypeVar("T")


@cache
def installed_to_fit() -> dict[str, str]:
    """Gives versions by name: what `installed` does, and of what fits use beside it."""
    code = code_of(Path(training.__file__).parent)
    return {**installed(), "training, digest of its code": code, **versions(_LIBRARIES)}


@contextmanager
def on_dask(scheduler: str) -> Iterator[AtOnce]:
    """Gives who makes calls on a cluster.

    Args:
        scheduler: address of a Dask scheduler; "" for a cluster of its own (`connected`).

    Raises:
        EngineRefused: if the cluster cannot be reached, has no worker or is lost, or if a worker
            has not what this process has.
    """
    with connected(scheduler, installed_to_fit, _WAY_OUT) as cluster:

        def at_once(calls: Sequence[Callable[[], T]]) -> Iterator[T]:
            done, tries = 0, 0
            while done < len(calls):
                try:
                    for found in _made(cluster, calls, done):
                        done += 1
                        yield found
                except Lost as lost:
                    # What is left is begun anew, where workers are left or come.
                    tries += 1
                    if tries == _TRIES:
                        raise EngineRefused(
                            f"fit: workers that held its cases ended {tries} times; see their "
                            "logs, and whether each has memory for the cases, and run it again"
                        ) from lost
                    cluster.wait_for_workers()

        yield at_once


def _made(cluster: Cluster, calls: Sequence[Callable[[], T]], first: int) -> Iterator[T]:
    """Makes calls from a number on.

    Raises:
        EngineRefused: if every worker ended that took up a call.
    """
    job = cluster.job("fit", _Calls(calls=tuple(calls)), large=True)
    tasks = [job(number, number) for number in range(first, len(calls))]
    for task in tasks:
        try:
            made = task.result()
        except Ended as ended:
            raise EngineRefused(
                f"fit: every worker that took up a part of it ended, the last of them {ended}; see "
                "its log, and whether it has memory for the cases"
            ) from ended
        if made.failed is not None:
            raise made.failed
        yield made.found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Made:
    """What came of a call: what it found, or why it failed."""

    found: Any = None
    failed: Exception | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Calls:
    """Calls of a phase, sent together: most of what they need they share.

    Attributes:
        calls: made by their number.
    """

    calls: tuple[Callable[[], Any], ...]

    def __call__(self, number: int) -> _Made:
        """Makes a call.

        Why it fails is returned: what a task raises is logged, and it may show cases.
        """
        try:
            return _Made(found=self.calls[number]())
        except Mendable as problem:
            return _Made(failed=problem)
        except Exception as error:
            # A fault of ours is told with where it happened, there.
            error.add_note("".join(traceback.format_tb(error.__traceback__)))
            return _Made(failed=error)
