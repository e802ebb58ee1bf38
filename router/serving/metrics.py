"""The service's metrics but feedback's: names, labels, buckets; and how advice is counted.

Times are in seconds, also advisers', and shares from 0 to 1, as Prometheus asks for base units.
Those of feedback are in `feedback/metrics.py`, of drift in `drift.py`, the ledger's in
`router/ledger/export.py`. A new metric joins in `Metrics.__init__`, and has its row in
docs/operations.md; one of recommendations is counted in `AdviceMetrics._count`.

Who may scrape learns of no single case: what is counted of cases is told as `telling.py` says.
"""

from __future__ import annotations

import math
import shutil
import time
from collections import Counter as Tally
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from router.decision.decision import Doubt
from router.journal.recommendation import SHOWN
from router.serving.callers.metrics import CallerMetrics
from router.serving.drift import Drift
from router.serving.telling import TOLD_TOGETHER, BeforeScrape, Gathered, ManyHistogram
from router.serving.version_metrics import VersionMetrics
from router.versions.registry import ModelVersion

if TYPE_CHECKING:
    from router.advice.recommender import Advice
    from router.decision.decide import Decider
    from router.decision.decision import Decision

_SECONDS = 60
_LATENCY = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0)
_SHARES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
_MARGINS = (0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
_FIELDS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
PARTS = ("policy", "office_policy", "model")
"""What is followed on disk."""
# By the contract's numbers, which begin with 1.
_STATUSES = ("", "RECOMMENDED", "NEEDS_ASSESSMENT", "MANUAL_ONLY")


class Metrics:
    """The service's metrics."""

    def __init__(self, registry: CollectorRegistry, told_together: int = TOLD_TOGETHER) -> None:
        """Registers them.

        Args:
            registry: of this server.
            told_together: cases that are told of at once, at least.
        """
        self.registry = registry
        self.told_together = told_together
        self.before_scrape: list[Callable[[], None]] = []
        registry.register(BeforeScrape(self.before_scrape))

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

        def by_version(name: str, text: str, buckets: tuple[float, ...]) -> ManyHistogram:
            return ManyHistogram(registry, name, text, buckets, "model_version")

        self.digital = by_version(
            "router_digital_share_ratio", "Digital share of the mix.", _SHARES
        )
        self.expected = by_version(
            "router_expected_outcome_ratio", "Expected outcome of the mix.", _SHARES
        )
        self.margin = by_version(
            "router_margin_ratio", "Utility over the best other mix.", _MARGINS
        )
        self.heavier = Counter(
            "router_margin_negative",
            "Answers whose mix is not the best for its price: safeguards or a draw chose it.",
            ("model_version",),
            registry=registry,
        )
        self.doubts = Counter(
            "router_doubts",
            "Answers that ask for an assessment, by why; one may have several reasons.",
            ("doubt", "model_version"),
            registry=registry,
        )
        self.unknown = by_version(
            "router_unknown_fields", "Unknown model inputs of a case.", _FIELDS
        )
        self.offices = Counter(
            "router_office_recommendations",
            "Answers by the size of the office.",
            ("office_band", "mix"),
            registry=registry,
        )
        self.drift = Drift(registry)

        self.commit = Histogram(
            "router_journal_commit_seconds",
            "Time to a durable commit.",
            buckets=_LATENCY,
            registry=registry,
        )
        self.commit_failures = Counter(
            "router_journal_commit_failures", "Failed commits.", registry=registry
        )
        self.disk_free = Gauge(
            "router_journal_disk_free_bytes",
            "Free space of the disk that the journal is on; NaN for a database.",
            registry=registry,
        )
        self.disk_free.set(math.nan)
        self.journal_bytes = Gauge(
            "router_journal_bytes",
            "Size of the journal's files; NaN for a database.",
            registry=registry,
        )
        self.journal_bytes.set(math.nan)
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
            "Parts on disk that were taken or refused.",
            ("part", "result"),
            registry=registry,
        )
        for part, result in product(PARTS, ("taken", "refused")):
            self.reloads.labels(part, result)

        self.callers = CallerMetrics(registry)

        self.model = Gauge(
            "router_model_info",
            "The model served.",
            ("version", "sha256", "synthetic"),
            registry=registry,
        )
        self.versions = VersionMetrics(registry)
        self.model_age = Gauge(
            "router_model_age_seconds", "Time since the model was trained.", registry=registry
        )

        self.ready = Gauge(
            "router_ready", "1 while the server takes calls and can record them.", registry=registry
        )
        self.in_flight = Gauge("router_calls_in_flight", "Calls in flight.", registry=registry)
        self.in_flight_limit = Gauge(
            "router_calls_in_flight_limit", "Calls in flight at most.", registry=registry
        )
        self.loop_lag = Histogram(
            "router_loop_lag_seconds",
            "How long what is due waits for its turn on the server's loop.",
            buckets=_LATENCY,
            registry=registry,
        )

    def serve_model(self, model: ModelVersion, mixes: Sequence[str]) -> None:
        """Tells which model is served; drift is told of it alone.

        Args:
            model: served from now on.
            mixes: of the catalogue, by number.
        """
        info = model.info
        self.drift.follow(info.version, model.tables, mixes, model.evaluated)
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

    def watch_disk(self, journal: Path) -> None:
        """Reads the size of the journal's files, and what is free beside them, when asked."""
        # The write-ahead log grows beside the file.
        files = (journal, journal.with_name(f"{journal.name}-wal"))
        self.disk_free.set_function(lambda: _free(journal.parent))
        self.journal_bytes.set_function(lambda: sum(map(_size, files)))

    def committed(self, seconds: float, records: int) -> None:
        """Counts a durable commit."""
        self.commit.observe(seconds)
        self.records.inc(records)

    def failed(self) -> None:
        """Counts a failed commit."""
        self.commit_failures.inc()


def _free(folder: Path) -> float:
    try:
        return float(shutil.disk_usage(folder).free)
    except OSError:
        return math.nan


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


class AdviceMetrics:
    """Counts decisions of one decider and model version, with its labels bound once."""

    def __init__(self, metrics: Metrics, decider: Decider, version: str) -> None:
        self._metrics = metrics
        self._version = version
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
        self._names, self._mixes = names, catalogue.ids

        self._minutes = [*(mix.adviser_minutes * _SECONDS for mix in catalogue.mixes), 0]
        self._time = [metrics.adviser_time.labels(mix) for mix in names[:-1]]
        self._digital = [mix.digital_share for mix in catalogue.mixes]
        self._rules = [metrics.safeguards.labels(rule.name) for rule in decider.safeguards.rules]
        self._heavier = metrics.heavier.labels(version)
        self._doubts = {
            doubt: metrics.doubts.labels(doubt.name, version)
            for doubt in Doubt
            if doubt is not Doubt.CLOSE_OPTIONS
        }
        for histogram in (metrics.digital, metrics.expected, metrics.margin, metrics.unknown):
            histogram.begin(version)

        at_least = metrics.told_together
        self._gathered = Gathered(metrics.before_scrape, self._count, at_least)
        self._offices = Gathered(metrics.before_scrape, self._count_offices, at_least)

    def count(self, advice: Iterable[Advice], band: str) -> None:
        """Counts advice that is durable, once there is enough of it to be told together.

        Args:
            advice: what left.
            band: size of the office that it was for.
        """
        self._gathered.extend((one, band) for one in advice)

    def count_unknown(self, unknown: Iterable[bool]) -> None:
        """Counts answers by whether their office has no policy of its own."""
        self._offices.extend(unknown)

    def count_unknown_plan(self) -> None:
        """Counts a plan for an office without a policy of its own."""
        self._metrics.unknown_office.inc()

    def _count_offices(self, unknown: list[bool]) -> None:
        self._metrics.unknown_office.inc(sum(unknown))

    def _count(self, banded: list[tuple[Advice, str]]) -> None:
        advice = [one for one, _ in banded]
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

        # Of a case that was not scored its office is not told.
        by_band = Tally(
            (band, one.decision.mix)
            for one, band in banded
            if one.disclosure == SHOWN and one.decision.is_scored
        )
        for (band, mix), answers in by_band.items():
            self._metrics.offices.labels(band, self._names[mix]).inc(answers)
        scored = [one for one in shown if one.decision.is_scored]
        self._metrics.drift.count(
            self._version,
            self._mixes,
            [one.row for one in scored],
            [one.decision for one in scored],
        )

    def _count_answers(self, decisions: list[Decision]) -> None:
        alike = Tally((decision.status, decision.mix) for decision in decisions)
        for (status, mix), answers in alike.items():
            self._answers[status][mix].inc(answers)
            if mix >= 0:
                self._time[mix].inc(answers * self._minutes[mix])
        for bits, answers in Tally(decision.doubts for decision in decisions).items():
            for doubt, counter in self._doubts.items():
                if bits & doubt:
                    counter.inc(answers)

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
        metrics, version = self._metrics, self._version
        metrics.digital.observe(version, [self._digital[decision.mix] for decision in mixed])
        metrics.expected.observe(version, [decision.expected[decision.mix] for decision in mixed])
        metrics.unknown.observe(version, [decision.unknown for decision in mixed])
        margins = np.array([decision.margin for decision in mixed])
        # What is below 0 is a kind of its own, not a small margin.
        metrics.margin.observe(version, margins[margins >= 0])
        self._heavier.inc(int((margins < 0).sum()))
