"""Feedback's metrics, what people answered: names, labels, buckets.

Times are in seconds, as in `router.serving.metrics`. A new metric joins in
`FeedbackMetrics.__init__`, and has its row in docs/feedback.md.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from itertools import product
from typing import TypeVar

from prometheus_client import CollectorRegistry, Counter, Gauge

from router.journal.feedback import KINDS, ChoiceReason, Direction
from router.serving.telling import TOLD_TOGETHER, BeforeScrape, Gathered, ManyHistogram

T = TypeVar("T")

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
# From the first weeks to the year after.
_OUTCOME_DELAYS = tuple(days * _DAY for days in (7, 14, 28, 56, 84, 126, 182, 365, 548))
_TWENTIETHS = 20
_BANDS = (SMALL, MEDIUM, LARGE, NATIONAL)
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
    first value. Whatever tells of a case waits until it can be told of `told_together` at once.
    """

    def __init__(self, registry: CollectorRegistry, told_together: int = TOLD_TOGETHER) -> None:
        """Registers them.

        Args:
            registry: of this server.
            told_together: cases that are told of at once, at least.
        """
        self._told_together = told_together
        self._before_scrape: list[Callable[[], None]] = []
        registry.register(BeforeScrape(self._before_scrape))

        self.choices = Counter(
            "router_choices",
            "First choices.",
            ("direction", "reason", "office_band"),
            registry=registry,
        )
        for labels in product(_DIRECTIONS, _REASONS, _BANDS):
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
        self.reported = Counter(
            "router_reported_outcomes",
            "First outcomes of a chosen mix that the model had valued.",
            ("mix",),
            registry=registry,
        )
        self.reported_points = Counter(
            "router_reported_outcome_points",
            "Sum of those outcomes, to a twentieth each.",
            ("mix",),
            registry=registry,
        )
        self.expected_points = Counter(
            "router_reported_expected_points",
            "Sum of what was expected of them, to a twentieth each.",
            ("mix",),
            registry=registry,
        )
        self.corrections = Counter(
            "router_corrections", "Corrections.", ("kind",), registry=registry
        )

        self.delay = ManyHistogram(
            registry,
            "router_choice_delay_seconds",
            "From recommendation to first choice.",
            _DELAYS,
            "office_band",
        )
        self.outcome_delay = ManyHistogram(
            registry,
            "router_outcome_delay_seconds",
            "From recommendation to first outcome.",
            _OUTCOME_DELAYS,
            "office_band",
        )
        for histogram, band in product((self.delay, self.outcome_delay), _BANDS):
            histogram.begin(band)

        self.refused = Counter(
            "router_feedback_refused", "Feedback refused.", ("reason",), registry=registry
        )
        self.reviews_open = Gauge(
            "router_reviews_open", "Reviews that wait; NaN until counted.", registry=registry
        )
        self.oldest_review = Gauge(
            "router_reviews_oldest_seconds",
            "Age of the oldest open review in whole hours, 0 without one.",
            registry=registry,
        )

        self._chosen = self._gathered(self._count_chosen)
        self._below = self._gathered(self._count_below)
        self._compared = self._gathered(self._count_compared)
        self._delays = self._gathered(self._count_delays)
        self._refusals = self._gathered(self._count_refused)
        # By mix: a mix that is seldom chosen must not tell how its one case ended.
        self._came: dict[str, Gathered[tuple[float, float]]] = {}

    def offer(self, mixes: Iterable[str]) -> None:
        """Shows the series of mixes from 0 on."""
        for mix in mixes:
            for counter in (self.reported, self.reported_points, self.expected_points):
                counter.labels(mix)

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
        told = direction.value if direction else NOT_ADVISED
        self._chosen.extend(((told, reason.value or "NONE", band, seconds),))

    def chose_below_floor(self, below: bool) -> None:
        """Counts a choice or a correction of one by whether it is below what safeguards permit."""
        self._below.extend((below,))

    def compared(self, views: Mapping[str, str | None]) -> None:
        """Counts which of the views "agency", "adviser" and "user" agree.

        A view that is not known agrees with none and differs from none.
        """
        self._compared.extend((views,))

    def came(self, band: str, seconds: float) -> None:
        """Counts how long after the recommendation a first outcome was reported."""
        self._delays.extend(((band, seconds),))

    def came_of(self, mix: str, expected: float, outcome: float) -> None:
        """Counts what came of a mix that was chosen.

        Args:
            mix: chosen.
            expected: of it, by the model that advised; NaN if it was not asked.
            outcome: reported.
        """
        if math.isnan(expected):
            return
        if mix not in self._came:
            self._came[mix] = self._gathered(partial(self._count_came, mix))
        self._came[mix].extend(((expected, outcome),))

    def corrected(self, kind: str) -> None:
        """Counts a correction of a choice or an outcome."""
        # Labels stay few whatever a caller comes up with.
        self.corrections.labels(kind if kind in KINDS else "other").inc()

    def refuse(self, reason: str) -> None:
        """Counts feedback that was refused; some reasons tell of the case."""
        self._refusals.extend((reason,))

    def watch_reviews(self, count: Callable[[], float], oldest: Callable[[], float]) -> None:
        """Reads the open reviews, and the age of the oldest in seconds, when asked."""
        self.reviews_open.set_function(count)
        # By the second it would tell when it was asked for.
        self.oldest_review.set_function(lambda: oldest() // _HOUR * _HOUR)

    def _gathered(self, count: Callable[[list[T]], None]) -> Gathered[T]:
        return Gathered(self._before_scrape, count, self._told_together)

    def _count_chosen(self, chosen: list[tuple[str, str, str, float]]) -> None:
        for direction, reason, band, seconds in chosen:
            self.choices.labels(direction, reason, band).inc()
            self.delay.observe(band, [seconds])

    def _count_below(self, below: list[bool]) -> None:
        self.below_floor.inc(sum(below))

    def _count_compared(self, compared: list[Mapping[str, str | None]]) -> None:
        for views, pair in product(compared, _PAIRS):
            first, second = (views[whose] for whose in pair.split("_"))
            if first is not None and second is not None:
                self.views.labels(pair, "yes" if first == second else "no").inc()

    def _count_delays(self, delays: list[tuple[str, float]]) -> None:
        for band, seconds in delays:
            self.outcome_delay.observe(band, [seconds])

    def _count_came(self, mix: str, came: list[tuple[float, float]]) -> None:
        self.reported.labels(mix).inc(len(came))
        self.expected_points.labels(mix).inc(sum(_coarse(expected) for expected, _ in came))
        self.reported_points.labels(mix).inc(sum(_coarse(outcome) for _, outcome in came))

    def _count_refused(self, reasons: list[str]) -> None:
        for reason in reasons:
            self.refused.labels(reason).inc()


def _coarse(points: float) -> float:
    """Rounds to a twentieth, within 0 to 1: a counter never falls, and tells nothing exact."""
    return min(1.0, max(0.0, round(points * _TWENTIETHS) / _TWENTIETHS))
