"""What mixes are worth by their channels, and how sure that is."""

import numpy as np
import pytest

from training.evaluation.from_channels import (
    fit_from_channels,
    left_out,
    tau2_bound,
    terms_of,
)

CONTACTS = np.array(
    [[1, 0, 0], [1, 1, 0], [1, 0, 3], [1, 3, 3], [0, 6, 0], [1, 6, 2], [0, 6, 6], [1, 3, 0]], float
)
TERMS = terms_of(CONTACTS)
BETA = np.array([0.4, 0.02, 0.03, 0.01])
SIGMA = 0.01**2 * (np.eye(8) + 0.3)


def test_a_mix_that_was_never_logged_is_worth_what_its_channels_are() -> None:
    fit = fit_from_channels(TERMS, TERMS @ BETA, SIGMA)
    new = terms_of(np.array([[1.0, 1.0, 3.0]]))
    value, covariance = fit.worth(new)
    assert value[0] == pytest.approx((new @ BETA)[0])
    assert fit.tau == 0.0
    assert covariance[0, 0] > 0


def test_what_no_channel_tells_widens_the_error() -> None:
    rng = np.random.default_rng(3)
    beside = TERMS @ BETA + rng.normal(0, 0.05, 8)
    assert tau2_bound(TERMS, beside, SIGMA) > 0.03**2
    assert fit_from_channels(TERMS, beside, SIGMA).tau > 0.03


def test_the_bound_of_tau_is_seldom_too_low() -> None:
    rng = np.random.default_rng(11)
    root = np.linalg.cholesky(SIGMA)
    held = [
        tau2_bound(TERMS, TERMS @ BETA + rng.normal(0, 0.02, 8) + root @ rng.normal(size=8), SIGMA)
        >= 0.02**2
        for _ in range(200)
    ]
    assert np.mean(held) == pytest.approx(0.8, abs=0.08)


def test_leaving_one_mix_out_covers_it() -> None:
    rng = np.random.default_rng(12)
    root, inside = np.linalg.cholesky(SIGMA), []
    for _ in range(100):
        seen = TERMS @ BETA + rng.normal(0, 0.02, 8) + root @ rng.normal(size=8)
        apart, errors = left_out(TERMS, seen, SIGMA)
        known = ~np.isnan(apart)
        inside += (np.abs(apart[known]) <= 1.645 * errors[known]).tolist()
    assert np.mean(inside) >= 0.85


def test_as_many_terms_as_mixes_are_refused() -> None:
    with pytest.raises(ValueError, match="must be fewer"):
        fit_from_channels(TERMS[:4], np.zeros(4), np.eye(4))
