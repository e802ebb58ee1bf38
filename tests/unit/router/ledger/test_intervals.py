"""Shares and means with intervals that cover the truth."""

import numpy as np

from router.ledger.intervals import ratio, ratio_sums, share


def test_the_interval_of_minutes_per_contact_covers_the_truth_about_nine_times_in_ten() -> None:
    rng = np.random.default_rng(3)
    covered = 0
    for _ in range(400):
        contacts = rng.integers(1, 6, 60).astype(float)
        found = ratio(ratio_sums(contacts * rng.normal(20, 6, 60), contacts))
        covered += found.low <= 20 <= found.high
    assert 0.85 <= covered / 400 <= 0.94


def test_a_share_stays_within_nothing_and_all() -> None:
    assert (share(10, 10).high, share(0, 10).low) == (1.0, 0.0)
    assert 0.7 < share(10, 10).low < 0.9
