"""How metrics tell of cases, and give no single one away.

Who may scrape could scrape before and after a call. So cases are told of many at once (`Gathered`),
and histograms keep counts by bucket alone (`ManyHistogram`): of no case is there an exact value.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray
from prometheus_client import CollectorRegistry
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

T = TypeVar("T")

TOLD_TOGETHER = 20
"""Cases that are told of at once, at least: two scrapes around one call show nothing of it."""
# So much is held at most while nobody reads the metrics.
_GATHER_AT_MOST = 1000


class BeforeScrape(Collector):
    """Lets what has gathered be counted when somebody looks, so that no call waits for it.

    Collectors are asked in the order in which they were registered: it must be the first.
    """

    def __init__(self, calls: list[Callable[[], None]]) -> None:
        self._calls = calls

    def describe(self) -> Iterable[Metric]:
        """Names no metric of its own."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """Makes the calls; no metric of its own."""
        for call in self._calls:
            call()
        return ()


class ManyHistogram(Collector):
    """A histogram that takes many values at once, and keeps only their counts, by one label.

    Its sum takes the middle of a bucket for each value in it: the exact one would tell the value of
    a case. So it never falls either, which Prometheus would read as a restart.
    """

    def __init__(
        self,
        registry: CollectorRegistry,
        name: str,
        text: str,
        buckets: tuple[float, ...],
        label: str,
    ) -> None:
        """Begins without a series.

        Args:
            registry: of this server.
            name: of the metric.
            text: its help.
            buckets: upper bounds, rising, from 0 on.
            label: its name.
        """
        self._name = name
        self._text = text
        self._label = label
        self._bounds = np.array(buckets, float)
        below = np.concatenate([[0.0], self._bounds])
        # What is above all bounds counts as the highest of them.
        self._middles = (below + np.append(self._bounds, self._bounds[-1])) / 2
        self._counts: dict[str, NDArray[np.int64]] = {}
        registry.register(self)

    def begin(self, value: str) -> None:
        """Shows the series of a label's value from 0 on, unless it is shown already."""
        self._counts.setdefault(value, np.zeros(len(self._bounds) + 1, np.int64))

    def observe(self, value: str, values: ArrayLike) -> None:
        """Counts values, shape (n,), in a series that was begun; one below 0 counts as 0."""
        # A value equal to a bound belongs to that bucket.
        places = np.searchsorted(self._bounds, np.asarray(values, float))
        self._counts[value] += np.bincount(places, minlength=len(self._middles))

    def collect(self) -> Iterable[Metric]:
        """Gives the histogram as Prometheus reads it: counts up to each bound."""
        found = HistogramMetricFamily(self._name, self._text, labels=(self._label,))
        bounds = [*map(str, self._bounds.tolist()), "+Inf"]
        # Copied: a series may begin meanwhile.
        for value, counts in list(self._counts.items()):
            up_to = np.cumsum(counts).tolist()
            found.add_metric(
                (value,),
                buckets=list(zip(bounds, up_to, strict=True)),
                sum_value=float(counts @ self._middles),
            )
        yield found


class Gathered(Generic[T]):
    """Things counted many at once, which costs far less, at the latest when metrics are read."""

    def __init__(
        self,
        before_scrape: list[Callable[[], None]],
        count: Callable[[list[T]], None],
        at_least: int = 1,
    ) -> None:
        """Begins with nothing.

        Args:
            before_scrape: calls made before metrics are read; one is added.
            count: counts things.
            at_least: so many are counted together; fewer wait, and are lost when the server ends.
        """
        self._things: deque[T] = deque()
        self._count = count
        self._at_least = at_least
        self._one_counts = Lock()
        before_scrape.append(self._flush)

    def extend(self, things: Iterable[T]) -> None:
        """Adds things to count."""
        self._things.extend(things)
        if len(self._things) >= _GATHER_AT_MOST:
            self._flush()

    def _flush(self) -> None:
        # Who reads the metrics waits for what another thread has begun to count.
        with self._one_counts:
            # By number, not until empty: calls go on adding.
            waiting = len(self._things)
            if waiting >= self._at_least:
                self._count([self._things.popleft() for _ in range(waiting)])
