"""The service's metrics but feedback's: names, labels, buckets; and how advice is counted.

Times are in seconds, also advisers', and shares from 0 to 1, as Prometheus asks for base units.
Those of feedback are in `feedback/metrics.py`, the ledger's in `router/ledger/export.py`.
A new metric joins in `Metrics.__init__`, and has its row in docs/operations.md; one of
recommendations is counted in `AdviceMetrics._count`.
"""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from threading import Lock
from typing import TYPE_CHECKING, Generic, TypeVar

import numpy as np
from numpy.typing import ArrayLike
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.metrics_core import HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from router.journal.recommendation import SHOWN
from router.versions.registry import ModelInfo

if TYPE_CHECKING:
    from router.advice.recommender import Advice
    from router.decision.decide import Decider
    from router.decision.decision import Decision

T = TypeVar("T")

_SECONDS = 60
# So much is held at most while nobody reads the metrics.
_GATHER_AT_MOST = 1000
_LATENCY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_MARGINS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_FIELDS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
# By the contract's numbers, which begin with 1.
_STATUSES = ("", "RECOMMENDED", "NEEDS_ASSESSMENT", "MANUAL_ONLY")


class Metrics:
    """The service's metrics."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.registry = registry
        self.before_scrape: list[Callable[[], None]] = []
        # Collectors are asked in the order in which they were registered: this one comes first.
        registry.register(_BeforeScrape(self.before_scrape))

        rpc = ("grpc_type", "grpc_service", "grpc_method")
        self.started = Counter("grpc_server_started", "RPCs started.", rpc, registry=registry)
        self.handled = Counter(
            "grpc_server_handled",
            "RPCs ended, by real outcome.",
            (*rpc, "grpc_code"),
            registry=registry,
        )
        self.handling = Histogram(
            "grpc_server_handling_seconds",
            "Time to end of RPCs.",
            rpc,
            buckets=_LATENCY,
            registry=registry,
        )

        self.recommendations = Counter(
            "router_recommendations",
            "Answers.",
            ("mix", "status", "model_version"),
            registry=registry,
        )
        self.safeguards = Counter(
            "router_safeguards_applied",
            "Answers to which a safeguard applied.",
            ("safeguard",),
            registry=registry,
        )
        self.adviser_time = Counter(
            "router_recommended_adviser_seconds",
            "Adviser time of the mixes answered.",
            ("mix",),
            registry=registry,
        )

        self.digital = ManyHistogram(
            registry, "router_digital_share_ratio", "Digital share of the mix.", _SHARES
        )
        self.expected = ManyHistogram(
            registry, "router_expected_outcome_ratio", "Expected outcome of the mix.", _SHARES
        )
        self.margin = ManyHistogram(
            registry, "router_margin_ratio", "Utility over the best other mix.", _MARGINS
        )
        self.unknown = ManyHistogram(
            registry, "router_unknown_fields", "Unknown model inputs of a case.", _FIELDS
        )

        self.commit = Histogram(
            "router_journal_commit_seconds",
            "Time to a durable commit.",
            buckets=_LATENCY,
            registry=registry,
        )
        self.commit_failures = Counter(
            "router_journal_commit_failures", "Failed commits.", registry=registry
        )
        self.queue = Gauge(
            "router_journal_queue_records", "Records that wait for commit.", registry=registry
        )
        self.journal_up = Gauge(
            "router_journal_up", "1 while the journal can be written.", registry=registry
        )

        self.records = Counter(
            "router_journal_records", "Records that this server made durable.", registry=registry
        )
        self.head = Gauge(
            "router_journal_head_sequence",
            "Number of the journal's last record, whoever wrote it.",
            registry=registry,
        )
        self.head_failures = Counter(
            "router_journal_head_failures",
            "Times that the journal's head could not be noted.",
            registry=registry,
        )

        self.withheld = Counter(
            "router_withheld", "Answers without the advice.", ("disclosure",), registry=registry
        )
        self.explored = Counter(
            "router_explored", "Answers whose mix was subject to a draw.", registry=registry
        )

        self.unknown_office = Counter(
            "router_unknown_office",
            "Answers and plans for an office without a policy of its own.",
            registry=registry,
        )
        self.policy = Gauge(
            "router_policy_info", "The policies in force.", ("office", "version"), registry=registry
        )
        self.policy_refused = Gauge(
            "router_policy_refused",
            "1 while a policy's file is refused and another stands in.",
            ("office",),
            registry=registry,
        )
        self.reloads = Counter(
            "router_reloads",
            "Changed files taken or refused.",
            ("part", "result"),
            registry=registry,
        )

        self.refused_callers = Counter(
            "router_refused_callers",
            "Calls that their caller may not make.",
            ("caller", "reason"),
            registry=registry,
        )
        self.callers_refused_file = Gauge(
            "router_callers_file_refused",
            "1 while the callers' file is refused and the one before is in force.",
            registry=registry,
        )
        self.certificate_expiry = Gauge(
            "router_certificate_expiry_timestamp_seconds",
            "When the first certificate of a file ends.",
            ("file",),
            registry=registry,
        )
        self.token_keys = Gauge(
            "router_token_keys", "Keys by which tokens are verified.", registry=registry
        )
        self.token_keys_age = Gauge(
            "router_token_keys_age_seconds", "Time since they were last read.", registry=registry
        )

        self.model = Gauge(
            "router_model_info",
            "The model served.",
            ("version", "sha256", "synthetic"),
            registry=registry,
        )
        self.model_age = Gauge(
            "router_model_age_seconds", "Time since the model was trained.", registry=registry
        )

    def serve_model(self, info: ModelInfo) -> None:
        """Tells which model is served."""
        # Else the version before would be told as served too.
        self.model.clear()
        self.model.labels(info.version, info.sha256, str(info.synthetic).lower()).set(1)
        trained = info.trained_at.timestamp()
        # Asked when read: an age that was set would stand still.
        self.model_age.set_function(lambda: time.time() - trained)

    def serve_policies(self, versions: Mapping[str, str], refused: Iterable[str]) -> None:
        """Tells which policies are in force and whose file is refused.

        Args:
            versions: by office, "" for the national policy.
            refused: offices.
        """
        self.policy.clear()
        self.policy_refused.clear()
        for office, version in versions.items():
            self.policy.labels(office, version).set(1)
            self.policy_refused.labels(office).set(0)
        for office in refused:
            self.policy_refused.labels(office).set(1)

    def watch_queue(self, depth: Callable[[], int]) -> None:
        """Reads the journal's queue when asked."""
        self.queue.set_function(depth)

    def watch_token_keys(self, count: Callable[[], int], age: Callable[[], float]) -> None:
        """Reads the keys of tokens when asked."""
        self.token_keys.set_function(count)
        self.token_keys_age.set_function(age)

    def committed(self, seconds: float, records: int) -> None:
        """Counts a durable commit."""
        self.commit.observe(seconds)
        self.records.inc(records)

    def failed(self) -> None:
        """Counts a failed commit."""
        self.commit_failures.inc()


class _BeforeScrape(Collector):
    """Lets what has gathered be counted when somebody looks, so that no call waits for it."""

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
    """A histogram without labels that takes many values at once."""

    def __init__(
        self, registry: CollectorRegistry, name: str, text: str, buckets: tuple[float, ...]
    ) -> None:
        self._name = name
        self._text = text
        self._bounds = np.array(buckets, float)
        self._counts = np.zeros(len(buckets) + 1, np.int64)
        self._sum = 0.0
        registry.register(self)

    def observe(self, values: ArrayLike) -> None:
        """Counts values, shape (n,)."""
        many = np.asarray(values, float)
        # A value equal to a bound belongs to that bucket.
        places = np.searchsorted(self._bounds, many)
        self._counts += np.bincount(places, minlength=len(self._counts))
        self._sum += float(many.sum())

    def collect(self) -> Iterable[Metric]:
        """Gives the histogram as Prometheus reads it: counts up to each bound."""
        bounds = [*map(str, self._bounds.tolist()), "+Inf"]
        counts = np.cumsum(self._counts).tolist()
        yield HistogramMetricFamily(
            self._name,
            self._text,
            buckets=list(zip(bounds, counts, strict=True)),
            sum_value=self._sum,
        )


class Gathered(Generic[T]):
    """Things counted many at once, which costs far less, at the latest when metrics are read."""

    def __init__(self, metrics: Metrics, count: Callable[[list[T]], None]) -> None:
        self._things: deque[T] = deque()
        self._count = count
        self._one_counts = Lock()
        metrics.before_scrape.append(self._flush)

    def extend(self, things: Iterable[T]) -> None:
        """Adds things to count."""
        self._things.extend(things)
        if len(self._things) >= _GATHER_AT_MOST:
            self._flush()

    def _flush(self) -> None:
        # Who reads the metrics waits for what another thread has begun to count.
        with self._one_counts:
            # By number, not until empty: calls go on adding.
            self._count([self._things.popleft() for _ in range(len(self._things))])


class AdviceMetrics:
    """Counts decisions of one decider and model version, with its labels bound once."""

    def __init__(self, metrics: Metrics, decider: Decider, version: str) -> None:
        self._metrics = metrics
        catalogue = decider.catalogue
        # A mix's number is its place; NO_MIX is -1, the last.
        names = [*catalogue.ids, "none"]
        # What is withheld is told by no metric either: two readings around one call would.
        self._withheld = metrics.recommendations.labels("none", "WITHHELD", version)
        self._answers = [
            [metrics.recommendations.labels(mix, status, version) for mix in names]
            if status
            else []
            for status in _STATUSES
        ]

        self._minutes = [*(mix.adviser_minutes * _SECONDS for mix in catalogue.mixes), 0]
        self._time = [metrics.adviser_time.labels(mix) for mix in names[:-1]]
        self._digital = [mix.digital_share for mix in catalogue.mixes]
        self._rules = [metrics.safeguards.labels(rule.name) for rule in decider.safeguards.rules]

        self._gathered = Gathered(metrics, self._count)

    def count(self, advice: Iterable[Advice]) -> None:
        """Counts advice that is durable, at the latest when the metrics are next read."""
        self._gathered.extend(advice)

    def count_unknown(self, answers: int) -> None:
        """Counts answers for offices without a policy of their own."""
        if answers:
            self._metrics.unknown_office.inc(answers)

    def _count(self, advice: list[Advice]) -> None:
        shown = [one for one in advice if one.disclosure == SHOWN]
        decisions = [one.decision for one in shown]
        self._count_answers(decisions)
        self._count_safeguards([one.decision for one in advice])
        self._observe_figures([decision for decision in decisions if decision.mix >= 0])
        self._metrics.explored.inc(sum(one.chance < 1 for one in shown))
        self._withheld.inc(len(advice) - len(shown))
        withheld = Tally(one.disclosure for one in advice if one.disclosure != SHOWN)
        for disclosure, answers in withheld.items():
            self._metrics.withheld.labels(disclosure).inc(answers)

    def _count_answers(self, decisions: list[Decision]) -> None:
        alike = Tally((decision.status, decision.mix) for decision in decisions)
        for (status, mix), answers in alike.items():
            self._answers[status][mix].inc(answers)
            if mix >= 0:
                self._time[mix].inc(answers * self._minutes[mix])

    def _count_safeguards(self, decisions: list[Decision]) -> None:
        # Many sets of few rules: each rule's counter is asked once.
        applied = [0] * len(self._rules)
        for bits, answers in Tally(decision.safeguards for decision in decisions).items():
            for rule in range(bits.bit_length()):
                applied[rule] += answers * (bits >> rule & 1)
        for counter, answers in zip(self._rules, applied, strict=True):
            if answers:
                counter.inc(answers)

    def _observe_figures(self, mixed: list[Decision]) -> None:
        metrics = self._metrics
        metrics.digital.observe([self._digital[decision.mix] for decision in mixed])
        metrics.expected.observe([decision.expected[decision.mix] for decision in mixed])
        metrics.unknown.observe([decision.unknown for decision in mixed])
        margins = np.array([decision.margin for decision in mixed])
        metrics.margin.observe(margins[~np.isnan(margins)])
