"""Names and labels of feedback's metrics are a contract with ops."""

import pytest
from prometheus_client import CollectorRegistry

from router.journal.feedback import ChoiceReason, Direction
from router.serving.feedback.metrics import FeedbackMetrics, office_band
from tests.unit.router.serving.metric_shapes import told

FROZEN = {
    "router_choices": ("counter", ("direction", "reason", "office_band")),
    "router_choices_below_floor": ("counter", ()),
    "router_views": ("counter", ("pair", "agree")),
    "router_outcomes": ("counter", ()),
    "router_corrections": ("counter", ("kind",)),
    "router_reported_outcomes": ("counter", ("mix",)),
    "router_reported_outcome_points": ("counter", ("mix",)),
    "router_reported_expected_points": ("counter", ("mix",)),
    "router_choice_delay_seconds": ("histogram", ("office_band",)),
    "router_outcome_delay_seconds": ("histogram", ("office_band",)),
    "router_feedback_refused": ("counter", ("reason",)),
    "router_reviews_open": ("gauge", ()),
    "router_reviews_oldest_seconds": ("gauge", ()),
}


def test_names_types_and_labels_are_frozen() -> None:
    registry = CollectorRegistry()
    assert told(registry, vars(FeedbackMetrics(registry)).values()) == FROZEN


def test_every_series_of_choices_starts_at_zero_so_that_the_first_choice_is_an_increase() -> None:
    registry = CollectorRegistry()
    FeedbackMetrics(registry)
    labels = {"direction": "LESS", "reason": "CAPACITY", "office_band": "SMALL"}
    assert registry.get_sample_value("router_choices_total", labels) == 0


def test_views_are_compared_as_far_as_they_are_known() -> None:
    registry = CollectorRegistry()
    metrics = FeedbackMetrics(registry, told_together=1)
    metrics.compared({"agency": "A", "adviser": None, "user": "A"})
    metrics.compared({"agency": "A", "adviser": "B", "user": "A"})

    def found(pair: str, agree: str) -> float | None:
        return registry.get_sample_value("router_views_total", {"pair": pair, "agree": agree})

    assert (found("agency_user", "yes"), found("agency_user", "no")) == (2, 0)
    assert (found("agency_adviser", "yes"), found("agency_adviser", "no")) == (0, 1)
    assert (found("adviser_user", "yes"), found("adviser_user", "no")) == (0, 1)


def test_a_choice_falls_into_the_delay_from_minutes_to_weeks() -> None:
    registry = CollectorRegistry()
    metrics = FeedbackMetrics(registry, told_together=1)
    for days in (0.01, 10, 100):
        metrics.chosen(Direction.SAME, ChoiceReason.NONE, "SMALL", days * 86_400)
    buckets = {
        le: registry.get_sample_value(
            "router_choice_delay_seconds_bucket", {"le": le, "office_band": "SMALL"}
        )
        for le in ("900.0", "604800.0", "1209600.0", "+Inf")
    }
    assert list(buckets.values()) == [1, 1, 2, 3]


@pytest.mark.parametrize(
    ("minutes", "band"),
    [
        (None, "NATIONAL"),
        (0, "SMALL"),
        (5_999, "SMALL"),
        (6_000, "MEDIUM"),
        (23_999, "MEDIUM"),
        (24_000, "LARGE"),
    ],
)
def test_an_office_is_known_by_its_size_only(minutes: float | None, band: str) -> None:
    assert office_band(minutes) == band
