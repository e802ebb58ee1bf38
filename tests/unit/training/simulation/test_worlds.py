"""Simulated worlds: effects of the size that trials found, and a decision that matters."""

import numpy as np
import pytest

from bench.worlds import drawn, measured
from router.cases.features import FEATURES
from tests.builders import a_catalogue
from training.simulation.worlds import ASSUMED, DEFAULT, WORLDS, Factor, Term, World

CATALOGUE = a_catalogue()


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_a_phone_mix_is_worth_about_what_the_trial_found(world: World) -> None:
    # UWV/SEO 2017-18: 63 to 65 per cent.
    _, truth = drawn(4000, 7, world)
    light, phone = (CATALOGUE.ids.index(mix) for mix in ("SELF_SERVICE", "DIALOGUE_AND_PHONE"))
    assert 0.015 < (truth[:, phone] - truth[:, light]).mean() < 0.025


def test_in_the_default_world_at_least_five_mixes_are_best_for_somebody() -> None:
    found = measured(*drawn(4000, 7, DEFAULT))
    assert sum(share >= 0.05 for share in found.mixes) >= 5
    assert found.gain > 0.01


def test_where_effects_do_not_differ_hardly_anything_can_be_gained() -> None:
    assert measured(*drawn(4000, 7, WORLDS["same"])).gain < 0.0005


@pytest.mark.parametrize("world", WORLDS.values(), ids=WORLDS)
def test_every_difference_is_of_somebody_and_says_where_it_is_from(world: World) -> None:
    factors = [one for group in world.factors for one in group]
    differences: list[Factor | Term] = [*factors, *world.terms]
    for difference in differences:
        assert difference.source == ASSUMED or any(sign.isdigit() for sign in difference.source)
        for who in difference.who:
            slots = {who.field: np.arange(FEATURES[who.field].slots)}
            assert 0 < who.are(slots).sum() < FEATURES[who.field].slots
            # Nobody is one of them for being unknown.
            assert not who.are(slots)[0]
