"""Feedback's metrics, what people answered: names, labels, buckets.

Times are in seconds, as in `router.serving.metrics`. A new metric joins in
`FeedbackMetrics.__init__`, and has its row in docs/feedback.md.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import product

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from router.journal.feedback import KINDS, ChoiceReason, Direction

NOT_ADVISED = "NOT_ADVISED"
"""Direction of a choice made without seeing the advice: it neither follows nor overrides it."""
SMALL, MEDIUM, LARGE, NATIONAL = "SMALL", "MEDIUM", "LARGE", "NATIONAL"
_SMALL_BELOW = 6_000
_MEDIUM_BELOW = 24_000
_HOUR, _DAY = 3_600, 86_400
# From a talk in which the adviser answers at once to the twelve weeks of a mix.
_DELAYS = (
    60,
    300,
    900,
    _HOUR,
    4 * _HOUR,
    _DAY,
    3 * _DAY,
    7 * _DAY,
    14 * _DAY,
    28 * _DAY,
    84 * _DAY,
)
_DIRECTIONS = (*(direction.value for direction in Direction), NOT_ADVISED)
_REASONS = tuple(reason.value or "NONE" for reason in ChoiceReason)
_PAIRS = ("agency_user", "agency_adviser", "adviser_user")


def office_band(minutes_per_week: float | None) -> str:
    """Tells the size of an office by its adviser minutes per week.

    So labels stay few, and no office is singled out.

    SMALL is below 6,000 (about five advisers of 20 hours of follow-up a week, assumed), MEDIUM
    below 24,000, LARGE from there on; NATIONAL is an office without a policy of its own.
    """
    if minutes_per_week is None:
        return NATIONAL
    if minutes_per_week < _SMALL_BELOW:
        return SMALL
    return MEDIUM if minutes_per_week < _MEDIUM_BELOW else LARGE


class FeedbackMetrics:
    """Choices, outcomes, views, reviews, and what was refused.

    Series of choices and views are there from the start at 0: `increase` does not see a series'
    first value.
    """

    def __init__(self, registry: CollectorRegistry) -> None:
        self.choices = Counter(
            "router_choices",
            "First choices.",
            ("direction", "reason", "office_band"),
            registry=registry,
        )
        for labels in product(_DIRECTIONS, _REASONS, (SMALL, MEDIUM, LARGE, NATIONAL)):
            self.choices.labels(*labels)

        self.below_floor = Counter(
            "router_choices_below_floor",
            "Choices below what safeguards permit, wished by the user.",
            registry=registry,
        )

        self.views = Counter(
            "router_views", "Pairs of views on a mix.", ("pair", "agree"), registry=registry
        )
        for pair, agree in product(_PAIRS, ("yes", "no")):
            self.views.labels(pair, agree)

        self.outcomes = Counter("router_outcomes", "First outcomes.", registry=registry)
        self.corrections = Counter(
            "router_corrections", "Corrections.", ("kind",), registry=registry
        )
        self.delay = Histogram(
            "router_choice_delay_seconds",
            "From recommendation to first choice.",
            buckets=_DELAYS,
            registry=registry,
        )

        self.refused = Counter(
            "router_feedback_refused", "Feedback refused.", ("reason",), registry=registry
        )
        self.reviews_open = Gauge(
            "router_reviews_open", "Reviews that wait; NaN until counted.", registry=registry
        )
        self.oldest_review = Gauge(
            "router_reviews_oldest_seconds",
            "Age of the oldest open review, 0 without one.",
            registry=registry,
        )

    def chosen(
        self, direction: Direction | None, reason: ChoiceReason, band: str, seconds: float
    ) -> None:
        """Counts a first choice.

        Args:
            direction: against the advice; None where it was not seen.
            reason: given for it.
            band: of the office, see `office_band`.
            seconds: since the recommendation.
        """
        self.choices.labels(
            direction.value if direction else NOT_ADVISED, reason.value or "NONE", band
        ).inc()
        self.delay.observe(seconds)

    def compared(self, views: Mapping[str, str | None]) -> None:
        """Counts which of the views "agency", "adviser" and "user" agree.

        A view that is not known agrees with none and differs from none.
        """
        for pair in _PAIRS:
            first, second = (views[whose] for whose in pair.split("_"))
            if first is not None and second is not None:
                self.views.labels(pair, "yes" if first == second else "no").inc()

    def corrected(self, kind: str) -> None:
        """Counts a correction of a choice or an outcome."""
        # Labels stay few whatever a caller comes up with.
        self.corrections.labels(kind if kind in KINDS else "other").inc()

    def watch_reviews(self, count: Callable[[], float], oldest: Callable[[], float]) -> None:
        """Reads the open reviews, and the age of the oldest in seconds, when asked."""
        self.reviews_open.set_function(count)
        self.oldest_review.set_function(oldest)
