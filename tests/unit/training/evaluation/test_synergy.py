"""Synergy of channels where the truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from router.decision.catalogue import Channel
from router.versions.synergies import CANNOT_TELL, COMPLEMENT, IDENTIFIED, SUBSTITUTE
from tests.builders import a_catalogue
from training.evaluation import figures
from training.evaluation.figures import Synergies, SynergyOfPair
from training.evaluation.synergy import Log, cases_needed, measure, synergies, together
from training.learning.crossfit import Nuisances
from training.learning.scores import Floats, doubly_robust

CATALOGUE = a_catalogue()
FOUR = ("SELF_SERVICE", "LIGHT_DIALOGUE", "PHONE_TALKS", "DIALOGUE_AND_PHONE")
SQUARE = replace(CATALOGUE, mixes=tuple(mix for mix in CATALOGUE.mixes if mix.id in FOUR))
CONTRAST = np.array([1.0, -1.0, -1.0, 1.0])
NO_GROUPS: dict[str, np.ndarray] = {}


def a_log(cases: int, seed: int, synergy: float, offices: int = 40) -> Log:
    """Draws cases whose chances hang on x, with a planted synergy, in offices of their own."""
    rng = np.random.default_rng(seed)
    x, office = rng.random(cases), rng.integers(0, offices, cases)
    likes = np.column_stack([1.2 - x, 0.2 + x, 0.5 + 0 * x, 0.2 + x])
    chances = likes / likes.sum(axis=1, keepdims=True)
    level = rng.normal(0, 0.03, offices)[office]
    worth = np.array([0.0, 0.03, 0.04, 0.07 + synergy])
    values = 0.3 + 0.2 * x[:, None] + level[:, None] + worth
    mix = (rng.random(cases)[:, None] > chances.cumsum(axis=1)).sum(axis=1).clip(max=3)
    outcome = (rng.random(cases) < values[np.arange(cases), mix]).astype(float)
    chance = chances[np.arange(cases), mix]
    mu = 0.3 + 0.2 * x[:, None] + np.zeros(4)
    fitted = Nuisances(
        mu=mu,
        chances=chances,
        estimated=chances,
        chance=chance,
        scores=doubly_robust(mu, mix, outcome, chance, clip=0.0),
        fold=np.zeros(cases, np.int64),
    )
    return Log.of(fitted, mix, outcome, office[:, None])


def of_pair(found: Synergies, first: Channel, second: Channel) -> SynergyOfPair:
    (one,) = (
        pair for pair in found.pairs if (pair.first, pair.second) == (first.value, second.value)
    )
    return one


def dialogue_and_phone(log: Log) -> SynergyOfPair:
    found = synergies(log, FOUR, SQUARE, NO_GROUPS)
    return of_pair(found, Channel.DIALOGUE_MESSAGE, Channel.PHONE)


@pytest.mark.parametrize(("synergy", "answer"), [(0.25, COMPLEMENT), (-0.25, SUBSTITUTE)])
def test_a_large_synergy_is_told(synergy: float, answer: str) -> None:
    one = dialogue_and_phone(a_log(6000, 1, synergy))
    assert one.identified == IDENTIFIED
    assert one.answer == answer
    assert one.outcome is not None
    assert one.outcome.low <= synergy <= one.outcome.high


def test_of_a_small_one_the_log_says_that_it_cannot_tell_and_how_many_cases_would() -> None:
    one = dialogue_and_phone(a_log(3000, 2, 0.01))
    assert one.answer == CANNOT_TELL
    assert one.needed is not None
    assert one.needed > one.needed_even > 3000


def test_intervals_cover_a_planted_synergy_and_nothing_is_claimed_where_there_is_none() -> None:
    held, claimed = [], 0
    for seed in range(60):
        planted = dialogue_and_phone(a_log(1500, 9000 + seed, 0.1))
        assert planted.outcome is not None
        held.append(planted.outcome.low <= 0.1 <= planted.outcome.high)
        claimed += dialogue_and_phone(a_log(1500, 9500 + seed, 0.0)).answer != CANNOT_TELL
    assert 0.8 <= np.mean(held) <= 0.99
    assert claimed <= 4


def test_a_mix_that_had_no_chance_takes_its_cases_out() -> None:
    log = a_log(2000, 3, 0.0)
    possible = log.possible.copy()
    possible[:700, 2] = False
    found = measure(CONTRAST, replace(log, possible=possible))
    assert found is not None
    assert not found.members[:700].any()
    assert found.members[700:].all()


def test_too_rare_a_mix_is_no_answer() -> None:
    log = a_log(400, 4, 0.5)
    one = dialogue_and_phone(log)
    assert one.overlap == figures.NOT_ENOUGH
    assert one.answer == CANNOT_TELL


def test_fewer_than_fifty_cases_are_not_told_of() -> None:
    log = a_log(2000, 5, 0.0)
    possible = np.zeros_like(log.possible)
    possible[:40] = True
    one = dialogue_and_phone(replace(log, possible=possible))
    assert one.outcome is None
    assert one.cases == 0
    assert one.identified != IDENTIFIED


def test_a_log_of_other_mixes_says_which_are_missing() -> None:
    log = a_log(2000, 6, 0.0)
    three = Log(
        scores=log.scores[:, :3],
        possible=log.possible[:, :3],
        chance=log.chance,
        mix=np.minimum(log.mix, 2),
        outcome=log.outcome,
        cluster=log.cluster,
    )
    found = synergies(three, FOUR[:3], SQUARE, NO_GROUPS)
    one = of_pair(found, Channel.DIALOGUE_MESSAGE, Channel.PHONE)
    assert one.missing == {"DIALOGUE_AND_PHONE": 83}
    assert one.identified == figures.NOT_IDENTIFIED
    assert found.none is None


def test_what_a_model_of_doses_could_tell_is_kept_apart() -> None:
    every = CATALOGUE.ids
    log = a_log(500, 7, 0.0)
    wide = np.zeros((500, len(every)))
    cannot = replace(log, scores=wide, possible=np.zeros(wide.shape, np.bool_))
    found = synergies(cannot, every, CATALOGUE, NO_GROUPS)
    assert of_pair(found, Channel.DIALOGUE_MESSAGE, Channel.VIDEO).identified == figures.BY_MODEL
    assert of_pair(found, Channel.PHONE, Channel.VIDEO).identified == figures.NOT_IDENTIFIED


def test_groups_with_overlap_have_a_synergy_of_their_own() -> None:
    log = a_log(6000, 8, 0.1)
    halves = np.where(np.arange(6000) % 2, "odd", "even")
    found = synergies(log, FOUR, SQUARE, {"half": halves})
    one = of_pair(found, Channel.DIALOGUE_MESSAGE, Channel.PHONE)
    assert [(group.group, group.cases) for group in one.groups] == [("even", 3000), ("odd", 3000)]


def test_scales_may_differ_in_sign() -> None:
    # 0.1, 0.3, 0.3 and 0.55: 5 points more than the sum, and less than the sum of log odds.
    log = of_means(0.1, 0.3, 0.3, 0.55)
    one = dialogue_and_phone(log)
    assert one.outcome is not None
    assert one.logit is not None
    assert one.outcome.value == pytest.approx(0.05)
    assert one.logit.value < 0


def of_means(*means: float) -> Log:
    """Gives a log whose mixes have exactly these means."""
    rng = np.random.default_rng(1)
    noise = rng.normal(0, 0.1, (800, 4))
    mix = np.arange(800) % 4
    return Log(
        scores=np.array(means) + noise - noise.mean(axis=0),
        possible=np.ones((800, 4), np.bool_),
        chance=np.full(800, 0.25),
        mix=mix,
        outcome=(np.arange(800) % 5 < 2).astype(float),
        cluster=None,
    )


def several(values: tuple[float, ...], seed: int = 1) -> tuple[list[Floats], Log]:
    rng = np.random.default_rng(seed)
    scores = rng.normal(0, 1, (900, len(values))) + np.array(values)
    log = Log(
        scores=scores,
        possible=np.ones(scores.shape, np.bool_),
        chance=np.full(900, 0.3),
        mix=np.arange(900) % len(values),
        outcome=np.zeros(900),
        cluster=None,
    )
    return list(np.eye(len(values))), log


def test_whoever_looks_at_more_pairs_needs_more() -> None:
    reach = []
    for count in (1, 2, 6):
        contrasts, log = several((0.0,) * count)
        found = [one for contrast in contrasts if (one := measure(contrast, log)) is not None]
        reach.append(together(found, None).critical)
    assert reach[0] < reach[1] < reach[2]


def test_joint_tests_tell_complements_from_substitutes() -> None:
    contrasts, log = several((0.2, 0.0, 0.1))
    found = [one for contrast in contrasts if (one := measure(contrast, log)) is not None]
    joint = together(found, None)
    assert joint.none < 0.01
    assert joint.no_complements < 0.01
    assert joint.no_substitutes > 0.3


def test_cases_needed_are_as_power_says() -> None:
    # Four equal cells of p = 0.4: the variance of S is 16 p (1 - p) / n; one-sided 5 per cent.
    found = cases_needed((16 * 0.24) ** 0.5, 1, 0.03, 1.645, np.inf)
    assert found == pytest.approx(26_400, rel=0.01)
