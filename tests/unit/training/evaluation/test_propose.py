"""What to draw next, so that a synergy is known twice as well."""

from dataclasses import replace

import numpy as np
import pytest

from router.decision.catalogue import Channel
from router.decision.decide import Decider
from router.decision.policy import Exploration
from router.policies.offices import load_policy
from tests.builders import ROOT, a_catalogue, random_rows, random_tables
from tests.unit.training.evaluation.test_synergy import a_log
from training.evaluation.propose import (
    NothingToPropose,
    Proposal,
    Service,
    known_so_far,
    proposals,
)
from training.evaluation.squares import Square, nearest_squares, with_mixes
from training.evaluation.synergy import Log
from training.learning.scores import Floats

CATALOGUE = a_catalogue()
NATIONAL = load_policy(ROOT / "policies" / "national.toml", CATALOGUE)
PAIR = (Channel.DIALOGUE_MESSAGE, Channel.PHONE)
FOUR = ("SELF_SERVICE", "LIGHT_DIALOGUE", "PHONE_TALKS", "DIALOGUE_AND_PHONE")
CASES = 1500


def a_service(catalogue: object = CATALOGUE, share: float = 0.0) -> Service:
    """Gives what random tables would advise for random cases, minutes nearly free."""
    assert isinstance(catalogue, type(CATALOGUE))
    policy = replace(
        NATIONAL,
        price=0.00001,
        menu=catalogue.ids,
        exploration=Exploration(share=share, margin=0.05),
    )
    tables = random_tables(3, mixes=len(catalogue.ids))
    decider = Decider(tables=tables, catalogue=catalogue, policy=policy)
    return Service.of(decider, random_rows(5, CASES))


def the_square() -> Square:
    return nearest_squares(CATALOGUE, PAIR, CATALOGUE.ids)[0]


def flat(service: Service) -> Service:
    """Gives the same service for whom every mix is as good, whatever safeguards permit."""
    decided = service.decided
    permitted = np.full_like(decided.masks, (1 << len(service.catalogue.ids)) - 1)
    same = np.full_like(decided.expected, 0.4)
    status, mix = np.ones_like(decided.status), np.zeros_like(decided.mix)
    wide = replace(decided, masks=permitted, expected=same, status=status, mix=mix)
    return replace(service, decided=wide, utility=same - 0.0001 * service.catalogue.minutes)


def found(service: Service, covariance: Floats, cases: int = 20_000) -> list[Proposal]:
    return list(proposals(the_square(), service, covariance, 0.2, cases))


KNOWN = 0.03**2 * np.eye(4)


def test_each_proposal_halves_the_variance_within_what_a_policy_may_say() -> None:
    every = found(flat(a_service()), KNOWN)
    assert every
    for one in every:
        assert one.after**2 <= one.before**2 / 2 + 1e-9
        assert 0 < one.share <= 0.5
        assert one.margin <= 0.05
        assert set(one.drawn) <= set(FOUR)


def test_the_more_cases_are_to_come_the_fewer_are_drawn() -> None:
    few, many = (found(flat(a_service()), KNOWN, cases) for cases in (10_000, 80_000))
    share = {(one.drawn, one.margin): one.share for one in many}
    assert few
    assert all(share[one.drawn, one.margin] <= one.share for one in few)


def test_what_safeguards_forbid_is_never_proposed() -> None:
    service = flat(a_service())
    without = service.decided.masks & ~(1 << CATALOGUE.ids.index("SELF_SERVICE"))
    strict = replace(service, decided=replace(service.decided, masks=without))
    assert found(strict, KNOWN) == []


def test_what_is_known_well_needs_more_than_exploration_can_give() -> None:
    assert found(flat(a_service()), 0.0001**2 * np.eye(4), 1000) == []


def test_a_mix_that_was_never_logged_is_known_less_than_those_that_were() -> None:
    log, mixes = of_many_mixes()
    video = (Channel.DIALOGUE_MESSAGE, Channel.VIDEO)
    square = nearest_squares(CATALOGUE, video, mixes)[0]
    wider = with_mixes(CATALOGUE, square.missing)
    known = known_so_far(square, mixes, wider, log, np.ones(len(log.mix), np.bool_))
    assert np.linalg.eigvalsh(known).min() > 0
    place = square.ids.index(square.missing[0].id)
    assert known[place, place] > 0


def test_the_mix_that_a_square_lacks_is_always_drawn() -> None:
    log, mixes = of_many_mixes()
    video = (Channel.DIALOGUE_MESSAGE, Channel.VIDEO)
    square = nearest_squares(CATALOGUE, video, mixes)[0]
    wider = with_mixes(CATALOGUE, square.missing)
    everyone = np.ones(len(log.mix), np.bool_)
    known = known_so_far(square, mixes, wider, log, everyone)
    service = flat(a_service(wider))
    every = list(proposals(square, service, known, 0.2, 100_000))
    assert every
    assert all(square.missing[0].id in one.drawn for one in every)
    assert all(one.new == square.missing for one in every)


def test_too_few_cases_with_a_chance_of_each_mix_are_refused() -> None:
    log = a_log(150, 1, 0.0)
    everyone = np.ones(150, np.bool_)
    with pytest.raises(NothingToPropose, match="at least 200 are needed"):
        known_so_far(the_square(), FOUR, CATALOGUE, log, everyone)


def of_many_mixes() -> tuple[Log, tuple[str, ...]]:
    rng = np.random.default_rng(4)
    mixes = CATALOGUE.ids
    worth = 0.3 + 0.01 * np.arange(len(mixes))
    scores = worth + rng.normal(0, 1.0, (CASES, len(mixes)))
    log = Log(
        scores=scores,
        possible=np.ones(scores.shape, np.bool_),
        chance=np.full(CASES, 1 / len(mixes)),
        mix=np.arange(CASES) % len(mixes),
        outcome=np.zeros(CASES),
        cluster=None,
    )
    return log, mixes
