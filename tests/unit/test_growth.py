"""What `bench.growth` makes of a year follows from the largest sizes, and says where it bends."""

import pytest

from bench.growth import Growth, growth

SIZES = (10_000, 100_000, 1_000_000)
YEAR = 30_000_000


def test_a_cost_that_rises_evenly_is_projected_along_its_line() -> None:
    found = growth(SIZES, [1.0, 5.5, 50.5], YEAR, 0.1)
    assert found.slope == pytest.approx(5e-5)
    assert found.projected == pytest.approx(1500.5)
    assert found.told("25.0 min") == "25.0 min"


@pytest.mark.parametrize("values", [[0.9, 1.2, 0.6], [44, 44, 44], [57, 57, 58]])
def test_a_cost_that_does_not_rise_stays_and_never_falls_below_nothing(
    values: list[float],
) -> None:
    found = growth(SIZES, values, YEAR, 0.05)
    assert (found.slope, found.projected) == (0, values[-1])
    assert found.told("-0.2 min") == "as now"


def test_what_small_sizes_cost_once_is_not_projected() -> None:
    # A straight line through all three made 0.9 GB of it.
    assert growth(SIZES, [193, 237, 236], YEAR, 0.05).projected == 236


def test_a_bend_is_told() -> None:
    flatter = growth(SIZES, [2.9, 4.6, 6.8], YEAR, 0.1)
    assert flatter.told("1.3 min") == "1.3 min (flatter)"
    assert flatter.projected == pytest.approx(77.7, abs=0.1)
    assert growth(SIZES, [44, 44, 100], YEAR, 0.05).told("1.9 GB") == "1.9 GB (steeper)"


def test_two_sizes_make_a_line_and_one_makes_none() -> None:
    assert growth([10, 20], [1.0, 2.0], 30, 0.1) == Growth(0.1, 3.0, "")
    with pytest.raises(ValueError, match="1 costs of 1 sizes"):
        growth([10], [1.0], 30, 0.1)
