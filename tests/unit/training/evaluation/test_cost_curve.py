"""The cost curve: budgets are kept, and no other choice within them is worth more."""

import itertools

import numpy as np
import pytest

from training.evaluation.cost_curve import chosen_within, cost_curve, minutes_by_mix


def test_the_cost_curve_keeps_each_budget_and_beats_a_rule_blind_to_the_case() -> None:
    values = np.random.default_rng(12).normal([0.3, 0.35, 0.4], 0.1, (3000, 3))
    minutes, permitted = np.array([10.0, 50.0, 100.0]), np.ones((3000, 3), bool)
    permitted[:300, 0] = False
    curve = cost_curve(values, values, minutes, permitted, points=6)
    budgets = np.linspace(curve[0].minutes, curve[-1].minutes, 6)
    assert all(point.minutes <= budget + 1e-6 for point, budget in zip(curve, budgets, strict=True))
    assert all(point.minutes > budget - 1 for point, budget in zip(curve, budgets, strict=True))
    assert all(point.outcome.value > point.blind for point in curve[1:])
    assert curve[0].minutes == pytest.approx(14)
    assert curve[0].outcome.value == pytest.approx(curve[0].blind)


def test_within_a_budget_no_other_choice_is_worth_more() -> None:
    values = np.random.default_rng(13).random((6, 3))
    minutes, budget = np.array([1.0, 4.0, 9.0]), 4.0
    found = chosen_within(values, minutes, budget)
    spent = minutes[found].mean()
    best = max(
        values[np.arange(6), list(pick)].sum()
        for pick in itertools.product(range(3), repeat=6)
        if minutes[list(pick)].mean() <= spent
    )
    assert spent <= budget
    assert values[np.arange(6), found].sum() == pytest.approx(best)


def test_minutes_are_measured_where_enough_are_known_and_planned_elsewhere() -> None:
    mix = np.repeat([0, 1], [150, 20])
    spent = np.where(np.arange(170) < 10, np.nan, 12.0)
    assert minutes_by_mix(mix, spent, np.array([8.0, 50.0])).tolist() == [12, 50]
    assert minutes_by_mix(mix, None, np.array([8.0, 50.0])).tolist() == [8, 50]
