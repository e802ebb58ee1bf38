"""Cases that cannot be believed are suspected, with column, bound and the way out."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation import CATALOGUE, simulated
from bench.gate import KINDS, shuffled, wrong_propensities
from router.cases.features import FEATURES
from router.cases.problems import CasesRefused
from training.data.dataset import LoggedCases
from training.evaluation import soundness as sound
from training.evaluation.figures import Suspicion
from training.evaluation.propensities import impossibly_rare, weights_by_fields

Spoil = Callable[[LoggedCases, np.random.Generator], LoggedCases]


@pytest.fixture(scope="module")
def cases() -> LoggedCases:
    return simulated(3000, 5, 1.0)[0]


def kinds(found: tuple[Suspicion, ...]) -> set[str]:
    return {one.kind for one in found}


def test_a_true_log_is_not_suspected_and_tells_its_clusters_and_months(cases: LoggedCases) -> None:
    found = sound.soundness(cases, CATALOGUE, seed=1)
    assert found.suspicions == ()
    assert found.clusters == {"office_ref": 40}
    assert len(found.periods) == 12
    assert sum(one.cases for one in found.periods) == len(cases.mix)
    sound.refuse_hopeless(found)


# Shuffled outcomes are seen by the share that fields explain of them, which the gate asks for.
@pytest.mark.parametrize("spoil", [one for one in KINDS if one is not shuffled])
def test_a_spoilt_log_is_suspected_in_words_that_name_column_and_way_out(
    cases: LoggedCases, spoil: Spoil
) -> None:
    spoilt = spoil(cases, np.random.default_rng(8))
    if spoil is not wrong_propensities:
        # Asking them takes longest, and what they answer is tried elsewhere.
        spoilt = replace(spoilt, propensity=None)
    found = sound.soundness(spoilt, CATALOGUE, seed=1).suspicions
    assert found
    for one in found:
        assert one.column in {*FEATURES.names, "outcome", "mix", "propensity", "case_ref"}
        assert sound.in_words(one).startswith(f"column {one.column}: ")


def test_outcomes_that_do_not_vary_are_refused_before_anything_is_learned(
    cases: LoggedCases,
) -> None:
    same = replace(cases, outcome=np.ones(len(cases.mix)), propensity=None)
    found = sound.soundness(same, CATALOGUE, seed=1)
    with pytest.raises(CasesRefused, match=r"column outcome: is 1 for all but 0 of \d+ cases"):
        sound.refuse_hopeless(found)


def test_propensities_that_nobody_drew_with_are_refused_by_mix_and_bound(
    cases: LoggedCases,
) -> None:
    sixth = replace(cases, propensity=np.full(len(cases.mix), 1 / 6))
    found = sound.wrong_propensities(sixth, CATALOGUE, seed=1)
    assert "DIALOGUE_AND_PHONE is" in found[0].problem
    assert "must be at most 1 within" in found[0].problem
    assert "leave the column out" in found[0].fix


def test_chances_that_so_few_cases_cannot_show_are_named_by_case(cases: LoggedCases) -> None:
    assert cases.propensity is not None
    tiny = cases.propensity.copy()
    tiny[7] = 1e-12
    found = sound.wrong_propensities(replace(cases, propensity=tiny), CATALOGUE, seed=1)
    assert str(cases.case_refs[7]) in found[0].problem
    true = np.random.default_rng(1).random(100_000)
    # Drawn in proportion to itself, as chances are: small ones come up seldom.
    drawn = true[np.random.default_rng(2).random(100_000) < true]
    assert len(impossibly_rare(drawn, 2)) == 0


def test_who_can_never_get_a_mix_does_not_make_its_propensities_wrong() -> None:
    rng = np.random.default_rng(3)
    able = rng.random(5000) < 0.6
    chances = np.column_stack([np.where(able, 0.5, 1.0), np.where(able, 0.5, 0.0)])
    mix = (rng.random(5000) < chances[:, 1]).astype(np.int64)
    known = chances[np.arange(5000), mix]
    for one in weights_by_fields(mix, known, chances):
        assert abs(one.value - 1) < 4 * one.error
    wrong = weights_by_fields(mix, np.where(mix == 1, 0.25, known), chances)
    assert wrong[1].low > 1.5


def test_people_who_are_alike_are_not_copies() -> None:
    few = simulated(3000, 6, 1.0)[0]
    # Nothing is known of them but the mix and a field: hundreds are alike, outcomes differ.
    rows = np.zeros_like(few.rows)
    rows[:, FEATURES.column("need_group")] = few.rows[:, FEATURES.column("need_group")]
    alike = replace(few, rows=rows, minutes=None, days=None, offices=None)
    assert sound.copies(alike) == ()


def test_a_fall_at_the_end_is_suspected_and_one_by_other_people_is_not(cases: LoggedCases) -> None:
    assert cases.days is not None
    late = cases.days >= np.sort(cases.days)[int(0.9 * len(cases.days))]
    fallen = replace(cases, outcome=np.where(late, 0.0, cases.outcome))
    assert "--horizon DAYS" in sound.censored(fallen)[0].fix
    group = FEATURES.column("need_group")
    weak = cases.rows[:, group] == FEATURES["need_group"].slot("SMALL_OPPORTUNITY")
    others = cases.take(np.where(late, weak, np.random.default_rng(4).random(len(late)) < 0.9))
    assert sound.censored(others) == ()


def test_what_the_file_does_not_hold_is_not_asked(cases: LoggedCases) -> None:
    bare = replace(cases, days=None, minutes=None, propensity=None, offices=None)
    found = sound.soundness(bare, CATALOGUE, seed=1)
    assert (kinds(found.suspicions), found.periods, found.clusters) == (set(), (), {})
