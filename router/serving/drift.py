"""Live drift: the fields and advice of the last cases beside those that the version knows.

Slots are counted in blocks of a fixed number of cases, and the last blocks are the window: memory
is bounded, and what is told changes only with a whole block, so that it gives no case away.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from threading import Lock

import numpy as np
from numpy.typing import NDArray
from prometheus_client import CollectorRegistry, Gauge

from router.decision.decision import Decision
from router.decision.stability import index_of, stability_index
from router.decision.tables import DecisionTables
from router.versions.registry import Evaluated

Counts = NDArray[np.int64]

BLOCK = 250
"""Cases that are told together."""
BLOCKS = 8
"""Blocks of the window."""
_LEAST_BLOCKS = 4  # of fewer than 1,000 cases an index of ten bins is mostly chance


class Drift:
    """What is told of drift. The window belongs to one version, and begins anew with each."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._psi = Gauge(
            "router_field_drift_psi",
            "Stability index of a model field against the training cases.",
            ("field",),
            registry=registry,
        )
        self._unknown = Gauge(
            "router_field_unknown_ratio",
            "Share of the last cases in which a model field is unknown.",
            ("field",),
            registry=registry,
        )
        self._unknown_trained = Gauge(
            "router_field_unknown_trained_ratio",
            "Share of the training cases in which a model field is unknown.",
            ("field",),
            registry=registry,
        )
        self._advice = Gauge(
            "router_advice_drift_psi",
            "Stability index of the mixes advised against those of the version's evaluation.",
            (),
            registry=registry,
        )
        self._evaluated_mix = Gauge(
            "router_evaluated_mix_ratio",
            "Share of a mix in what the version advised when it was evaluated.",
            ("mix",),
            registry=registry,
        )
        self._mix = Gauge(
            "router_recent_mix_ratio",
            "Share of a mix in what was advised to the last cases.",
            ("mix",),
            registry=registry,
        )
        self._expected = Gauge(
            "router_recent_expected_outcome_ratio",
            "Mean expected outcome of what was advised to the last cases.",
            registry=registry,
        )
        self._expected_evaluated = Gauge(
            "router_evaluated_outcome_ratio",
            "Mean outcome of what the version advised when it was evaluated.",
            registry=registry,
        )
        self._cases = Gauge(
            "router_drift_window_cases",
            "Cases that drift is told of; none before the first 1,000.",
            registry=registry,
        )
        self._followed: tuple[str, Sequence[str]] = ("", ())
        # Versions are taken on one thread, cases counted on others.
        self._one_changes = Lock()
        self._begin()

    def follow(
        self,
        version: str,
        tables: DecisionTables,
        mixes: Sequence[str],
        evaluated: Evaluated | None,
    ) -> None:
        """Begins anew, with another version.

        Args:
            version: its name.
            tables: what it was trained on.
            mixes: of the catalogue, by number.
            evaluated: what it advised when it was evaluated; None if that is not known.
        """
        with self._one_changes:
            self._followed = version, mixes
            self._tables = tables
            self._advised_then = evaluated.shares(mixes) if evaluated else None
            self._begin()
            self._show_trained(evaluated)

    def _show_trained(self, evaluated: Evaluated | None) -> None:
        for gauge in (self._psi, self._unknown, self._unknown_trained, self._mix):
            gauge.clear()
        self._evaluated_mix.clear()
        for name, counts in self._by_field(self._tables.counts):
            self._unknown_trained.labels(name).set(counts[0] / max(1, counts.sum()))
        if evaluated is not None and self._advised_then is not None:
            self._expected_evaluated.set(evaluated.outcome)
            for mix, share in zip(self._mixes, self._advised_then, strict=True):
                self._evaluated_mix.labels(mix).set(share)
        else:
            self._expected_evaluated.set(np.nan)

    def count(
        self,
        version: str,
        mixes: Sequence[str],
        rows: list[list[int]],
        decisions: list[Decision],
    ) -> None:
        """Counts cases that were scored, and what was advised to them.

        Args:
            version: that scored them; those of another than is followed are left out.
            mixes: that its decisions number.
            rows: slots by feature.
            decisions: one for each.
        """
        with self._one_changes:
            if (version, mixes) != self._followed:
                return
            waiting = self._waiting
            waiting.extend(zip(rows, decisions, strict=True))
            if len(waiting) < BLOCK:
                return
            while len(waiting) >= BLOCK:
                self._close([waiting.popleft() for _ in range(BLOCK)])
            if len(self._blocks) >= _LEAST_BLOCKS:
                # Once for all blocks: it costs more than counting them.
                self._tell()

    @property
    def _mixes(self) -> Sequence[str]:
        return self._followed[1]

    def _begin(self) -> None:
        self._waiting: deque[tuple[list[int], Decision]] = deque()
        self._blocks: deque[tuple[Counts, Counts, float]] = deque(maxlen=BLOCKS)
        self._cases.set(0)
        self._advice.set(np.nan)
        self._expected.set(np.nan)

    def _close(self, block: list[tuple[list[int], Decision]]) -> None:
        tables = self._tables
        rows = np.array([row for row, _ in block], np.intp)
        slots = rows[:, tables.columns] + tables.offsets
        counts = np.bincount(slots.ravel(), minlength=len(tables.counts))

        advised = [one for _, one in block if one.mix >= 0]
        mixes = np.bincount([one.mix for one in advised], minlength=len(self._mixes))
        expected = sum(one.expected[one.mix] for one in advised)
        self._blocks.append((counts, mixes, expected))

    def _tell(self) -> None:
        counts = sum((one for one, _, _ in self._blocks), np.zeros_like(self._tables.counts))
        self._cases.set(len(self._blocks) * BLOCK)
        features = self._tables.features
        for (name, before), (_, now) in zip(
            self._by_field(self._tables.counts), self._by_field(counts), strict=True
        ):
            self._psi.labels(name).set(stability_index(before, now, features[name]))
            self._unknown.labels(name).set(now[0] / max(1, now.sum()))

        mixes = sum((one for _, one, _ in self._blocks), np.zeros(len(self._mixes), np.int64))
        total = mixes.sum()
        if not total:
            return
        for mix, share in zip(self._mixes, (mixes / total).tolist(), strict=True):
            self._mix.labels(mix).set(share)
        self._expected.set(sum(one for _, _, one in self._blocks) / total)
        if self._advised_then is not None:
            self._advice.set(index_of(self._advised_then, mixes))

    def _by_field(self, counts: Counts) -> list[tuple[str, Counts]]:
        """Splits counts of slots into those of each model field, by name."""
        tables = self._tables
        names = [tables.features.features[column].name for column in tables.columns]
        parts = np.split(counts, tables.offsets[1:])
        return list(zip(names, parts, strict=True))
