"""A bucket lets through no more than its rate, and lets a large call through at all."""

from __future__ import annotations

from router.policies.callers import Rate
from router.serving.callers.bucket import Bucket


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def a_bucket() -> tuple[Bucket, Clock]:
    clock = Clock()
    return Bucket(Rate(cases_per_second=2, burst=3), clock), clock


def test_it_holds_its_burst_and_fills_by_its_rate() -> None:
    bucket, clock = a_bucket()
    assert [bucket.take() for _ in range(3)] == [0, 0, 0]
    assert bucket.take() == 0.5
    clock.now += 0.25
    assert bucket.take() == 0.25
    clock.now += 0.25
    assert bucket.take() == 0


def test_who_waits_long_has_no_more_than_the_burst() -> None:
    bucket, clock = a_bucket()
    clock.now += 1_000
    assert [bucket.take() for _ in range(4)] == [0, 0, 0, 0.5]


def test_what_is_overdrawn_is_waited_for_by_what_follows() -> None:
    bucket, clock = a_bucket()
    bucket.take()
    bucket.spend(999)
    assert bucket.take() == (1 - (3 - 1_000)) / 2
    clock.now += 499
    assert bucket.take() == 0
