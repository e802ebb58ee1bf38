"""Exploration: drawn among near-equals, by recorded chances, never below a safeguard."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.decision.decide import Decider
from router.decision.decision import Decision, Status
from router.decision.explore import explore
from router.decision.policy import Exploration
from tests.builders import a_decider, a_policy, random_rows

WAYS = Exploration(share=0.3, margin=0.02)


def utilities(seed: int, count: int) -> tuple[Decider, list[Decision], np.ndarray]:
    decider = a_decider(seed, policy=dataclasses.replace(a_policy(), exploration=WAYS))
    rows = random_rows(seed, count)
    found = decider.decide(rows)
    return decider, found.each(), found.expected - decider.costs(rows)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000), drawn=st.floats(0, 1, exclude_max=True))
def test_what_is_drawn_is_permitted_and_within_the_margin(seed: int, drawn: float) -> None:
    decider, decisions, utility = utilities(seed, 30)
    for decision, worth in zip(decisions, utility.tolist(), strict=True):
        explored, chance = explore(decision, worth, WAYS, drawn)
        if decision.status != Status.RECOMMENDED:
            assert (explored, chance) == (decision, 1.0)
            continue
        assert decision.permits(explored.mix)
        assert decider.menu[explored.mix]
        assert worth[explored.mix] >= worth[decision.mix] - WAYS.margin
        assert 0 < chance <= 1


def test_only_what_the_policy_names_is_drawn() -> None:
    _, decisions, utility = utilities(7, 40)
    among, elsewhere = 0b101010101010, 0
    for decision, worth in zip(decisions, utility.tolist(), strict=True):
        if decision.status != Status.RECOMMENDED:
            continue
        drawn_evenly = ((np.arange(500) + 0.5) / 500).tolist()
        found = [explore(decision, worth, WAYS, drawn, among) for drawn in drawn_evenly]
        chances = {explored.mix: chance for explored, chance in found}
        assert all(among >> mix & 1 for mix in chances if mix != decision.mix)
        assert sum(chances.values()) == pytest.approx(1.0)
        elsewhere += not among >> decision.mix & 1 and len(chances) > 1
    assert elsewhere


def test_where_nothing_named_is_near_the_best_nothing_is_drawn() -> None:
    _, decisions, utility = utilities(7, 10)
    for decision, worth in zip(decisions, utility.tolist(), strict=True):
        assert explore(decision, worth, WAYS, 0.01, 0) == (decision, 1.0)


def test_each_mix_is_drawn_as_often_as_its_recorded_chance_says() -> None:
    _, decisions, utility = utilities(7, 40)
    drawn_evenly = (np.arange(3000) + 0.5) / 3000
    several = 0
    for decision, worth in zip(decisions, utility.tolist(), strict=True):
        if decision.status != Status.RECOMMENDED:
            continue
        found = [explore(decision, worth, WAYS, drawn) for drawn in drawn_evenly.tolist()]
        chances = {explored.mix: chance for explored, chance in found}
        several += len(chances) > 1
        assert sum(chances.values()) == pytest.approx(1.0)
        for mix, chance in chances.items():
            assert np.mean([explored.mix == mix for explored, _ in found]) == pytest.approx(
                chance, abs=0.002
            )
    assert several
