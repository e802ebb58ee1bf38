"""Metrics of versions beside the one that is promoted: shadows, canaries, expiry, refusals.

A new one joins in `VersionMetrics.__init__`, and has its row in docs/operations.md.
"""

from __future__ import annotations

import math
import time
from collections import Counter as Tally
from collections.abc import Mapping, Sequence
from datetime import datetime

from prometheus_client import CollectorRegistry, Counter, Gauge

from router.serving.telling import TOLD_TOGETHER

_SECONDS = 60
PARTS = ("policy", "offices", "model", "canary", "shadow")
"""What can be refused whole, each on its own; an office's policy is told by its office."""


class VersionMetrics:
    """Shadows, canaries, expiry, and what of the disk is refused now."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.refused = Gauge(
            "router_part_refused",
            "1 while what lies on disk is refused and what was good before stands.",
            ("part",),
            registry=registry,
        )
        self.looked_at = Gauge(
            "router_last_look_timestamp_seconds",
            "When a look at models and policies last ended.",
            registry=registry,
        )
        self.expires = Gauge(
            "router_model_expires_timestamp_seconds",
            "When a version that answers expires; +Inf if never.",
            ("version",),
            registry=registry,
        )
        self.expired = Gauge(
            "router_model_expired",
            "1 if a version that answers has expired.",
            ("version",),
            registry=registry,
        )
        self.canary = Gauge(
            "router_canary_offices",
            "Offices that a version other than the promoted one answers.",
            ("version",),
            registry=registry,
        )
        self.golden = Gauge(
            "router_golden_cases",
            "Golden cases that a version that answers was held to; 0 if it has none.",
            ("version",),
            registry=registry,
        )

        self.shadow = Gauge(
            "router_shadow_info",
            "What is asked beside the model and never answers.",
            ("shadow", "sha256"),
            registry=registry,
        )
        self.compared = Counter(
            "router_shadow_compared",
            "Answers beside which a shadow was asked, by the mix advised.",
            ("shadow", "mix", "agrees"),
            registry=registry,
        )
        self.more = Counter(
            "router_shadow_more_adviser_seconds",
            "Adviser time by which the shadow's mixes were heavier than those advised.",
            ("shadow",),
            registry=registry,
        )
        self.less = Counter(
            "router_shadow_less_adviser_seconds",
            "Adviser time by which the shadow's mixes were lighter than those advised.",
            ("shadow",),
            registry=registry,
        )
        self.missed = Counter(
            "router_shadow_missed",
            "Answers beside which the shadow was not asked, or failed.",
            ("reason",),
            registry=registry,
        )
        for reason in ("behind", "failed", "journal"):
            self.missed.labels(reason)
        self._waiting: list[tuple[str, str, int]] = []

    def serve(self, answering: Mapping[str, tuple[datetime | None, int]]) -> None:
        """Tells of the versions that answer.

        Args:
            answering: by version, when it expires, and how many golden cases it was held to.
        """
        for gauge in (self.expires, self.expired, self.golden):
            gauge.clear()
        for version, (expires_at, golden) in answering.items():
            moment = math.inf if expires_at is None else expires_at.timestamp()
            self.expires.labels(version).set(moment)
            self.golden.labels(version).set(golden)
            self._follow_expiry(version, moment)

    def serve_beside(self, canary: str, offices: int, shadow: tuple[str, str]) -> None:
        """Tells of what is there beside the promoted version.

        Args:
            canary: the version that answers some offices, "" if none does.
            offices: so many.
            shadow: name and digest of what is asked and never answers, "" if nothing is.
        """
        self.canary.clear()
        self.shadow.clear()
        if canary:
            self.canary.labels(canary).set(offices)
        if shadow[0]:
            self.shadow.labels(*shadow).set(1)

    def _follow_expiry(self, version: str, moment: float) -> None:
        # Asked when read: it comes to pass without anybody's doing.
        self.expired.labels(version).set_function(lambda: float(time.time() >= moment))

    def refuse(self, refused: Sequence[str]) -> None:
        """Tells which parts are refused now."""
        for part in PARTS:
            self.refused.labels(part).set(part in refused)

    def compare(self, shadow: str, differences: Sequence[tuple[str, int]]) -> None:
        """Counts comparisons, once there are enough to be told together.

        Args:
            shadow: its name.
            differences: the mix advised, and the minutes by which the shadow's differs; 0 is
                agreement, since mixes differ in minutes.
        """
        self._waiting += [(shadow, mix, minutes) for mix, minutes in differences]
        if len(self._waiting) < TOLD_TOGETHER:
            return
        waiting, self._waiting = self._waiting, []
        for (name, mix, agrees), cases in Tally(
            (name, mix, minutes == 0) for name, mix, minutes in waiting
        ).items():
            self.compared.labels(name, mix, "yes" if agrees else "no").inc(cases)
        for name in {name for name, _, _ in waiting}:
            own = [minutes for one, _, minutes in waiting if one == name]
            self.more.labels(name).inc(_SECONDS * sum(max(0, one) for one in own))
            self.less.labels(name).inc(_SECONDS * sum(max(0, -one) for one in own))
