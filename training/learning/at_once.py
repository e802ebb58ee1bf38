"""Who makes several calls at once: threads of this process, or an engine on several machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar

from joblib import Parallel, delayed

T = TypeVar("T")


class AtOnce(Protocol):
    """Makes calls, which depend on nothing but what they were made with."""

    def __call__(self, calls: Sequence[Callable[[], T]]) -> Iterator[T]:
        """Gives what they find, in their order, each as soon as it and those before are there."""


def in_threads(jobs: int) -> AtOnce:
    """Makes calls in threads of this process.

    Not in processes: boosting frees the interpreter, and the rows need not be copied.

    Args:
        jobs: calls at once.
    """

    def at_once(calls: Sequence[Callable[[], T]]) -> Iterator[T]:
        # As a generator it gives each result when it is there: progress can be told.
        parallel = Parallel(n_jobs=jobs, prefer="threads", return_as="generator")
        yield from parallel(delayed(call)() for call in calls)

    return at_once
