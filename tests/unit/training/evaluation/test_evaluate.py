"""Evaluation on simulated held-out cases whose truth is known."""

from dataclasses import replace

import numpy as np
import pytest

from bench.evaluation import (
    CATALOGUE,
    NATIONAL,
    POLICIES,
    UNIFORM,
    Run,
    candidate,
    coverage,
    models,
    run,
    simulated,
)
from router.cases.features import FEATURES
from router.decision.decide import Decider
from training.data.dataset import LoggedCases
from training.evaluation.evaluate import Rival, evaluate, evaluate_policy, lifted_share
from training.evaluation.figures import Figures, PolicyFigures, Soundness
from training.evaluation.figures_json import from_json, to_json
from training.evaluation.gate import judge, load_gate, of_any_policy
from training.learning.scores import Floats

HeldOut = tuple[LoggedCases, Floats]
# Fewer cases would leave a mix with less than the 200 that reading asks for.
CASES, RUNS, SHIELDED = 2600, 6, 11
# Published counts are in tens.
HALF_A_TEN = 5
SOUND = Soundness(suspicions=(), periods=(), clusters={})
NAMES = {
    "candidate",
    "promoted",
    "todays_rule",
    "logged",
    *(f"uniform:{mix}" for mix in CATALOGUE.ids),
}


@pytest.fixture(scope="module")
def deciders() -> tuple[Decider, Decider]:
    return models(1)


@pytest.fixture(scope="module")
def held_out() -> HeldOut:
    """Gives cases, forty of them in a small region, and the true value of each mix for them."""
    cases, truth = simulated(CASES, 5)
    place = np.arange(len(truth))
    region = np.where(place < 40, "small", np.where(place % 2, "north", ""))
    return replace(cases, audit={"region": region}), truth


def measure(cases: LoggedCases, decider: Decider, promoted: Decider | None) -> Figures:
    return evaluate(
        cases,
        "time",
        candidate(decider.tables, decider.decide(cases.rows).expected),
        Rival(version="good", tables=promoted.tables) if promoted else None,
        CATALOGUE,
        NATIONAL,
        seed=1,
        folds=2,
    )


@pytest.fixture(scope="module")
def measured(held_out: HeldOut, deciders: tuple[Decider, Decider]) -> Figures:
    return measure(held_out[0], *deciders)


@pytest.fixture(scope="module")
def blind(held_out: HeldOut, deciders: tuple[Decider, Decider]) -> Figures:
    """Measures the same cases without logged propensities and rival; some are shielded."""
    cases, _ = held_out
    rows = cases.rows.copy()
    rows[:SHIELDED, FEATURES.column("shielded")] = FEATURES["shielded"].slot("YES")
    return measure(replace(cases, rows=rows, propensity=None), deciders[0], None)


@pytest.fixture(scope="module")
def runs(deciders: tuple[Decider, Decider]) -> list[Run]:
    gate = load_gate(POLICIES / "gate.toml")
    return [run(*deciders, gate, CASES, seed) for seed in range(100, 100 + RUNS)]


def named(figures: Figures, name: str) -> PolicyFigures:
    found = figures.policy(name)
    assert found is not None
    return found


def test_intervals_cover_the_true_values_where_overlap_is_good(runs: list[Run]) -> None:
    found = [
        coverage(runs, policy, "dr") for policy in ("promoted", "candidate", "todays_rule", UNIFORM)
    ]
    counts = np.array([count for count, *_ in found])
    covered = sum(count * share for count, share, *_ in found if count)
    assert counts.sum() >= 2 * RUNS
    assert covered / counts.sum() >= 0.85


def test_a_planted_worse_model_is_refused_every_time(runs: list[Run]) -> None:
    assert all(one.truth["candidate"] < one.truth["promoted"] - 0.02 for one in runs)
    assert not any(one.verdict.passed for one in runs)
    unmet = [{line.name for line in one.verdict.conditions if not line.passed} for one in runs]
    assert sum("beats_promoted" in names for names in unmet) >= RUNS - 1


def test_every_policy_is_valued_and_compared_with_the_candidate(measured: Figures) -> None:
    assert {policy.name for policy in measured.policies} == NAMES
    assert {one.than for one in measured.differences} == NAMES - {"candidate"}
    assert {one.than for one in measured.sensitivity} == {"promoted", "todays_rule"}
    for policy in measured.policies:
        assert sum(policy.mixes.values()) == pytest.approx(1)


def test_the_logged_policy_is_worth_what_was_seen(measured: Figures, held_out: HeldOut) -> None:
    cases, _ = held_out
    logged = named(measured, "logged")
    assert all(
        one.value == pytest.approx(cases.outcome.mean()) for one in logged.estimates.values()
    )
    assert cases.minutes is not None
    assert logged.minutes == pytest.approx(cases.minutes.mean())
    counted = dict(zip(CATALOGUE.ids, np.bincount(cases.mix).tolist(), strict=True))
    assert measured.logged_mixes == pytest.approx(counted, abs=HALF_A_TEN)
    assert all(count % 10 == 0 for count in measured.logged_mixes.values())


def test_nobody_is_given_less_than_the_safeguards_permit_by_any_policy(
    measured: Figures, held_out: HeldOut, deciders: tuple[Decider, Decider]
) -> None:
    cases, _ = held_out
    lightest = deciders[0].decide(cases.rows).first_permitted
    expected = np.bincount(lightest, minlength=len(CATALOGUE.ids)) / len(lightest)
    shares = list(named(measured, "uniform:SELF_SERVICE").mixes.values())
    assert shares == pytest.approx(expected, abs=2 * HALF_A_TEN / CASES)
    assert named(measured, "todays_rule").mixes["SELF_SERVICE"] <= expected[0]


def test_logged_propensities_are_used_and_estimated_ones_only_without_them(
    measured: Figures,
    blind: Figures,
    held_out: HeldOut,
    deciders: tuple[Decider, Decider],
) -> None:
    cases, _ = held_out
    assert (measured.propensity, blind.propensity) == ("logged", "estimated")
    assert {policy.name for policy in blind.policies} == NAMES - {"promoted"}
    decided = deciders[0].decide(cases.rows)
    assert cases.propensity is not None
    number = CATALOGUE.ids.index(UNIFORM.partition(":")[2])
    given = decided.at_least(np.full(len(cases.mix), number))
    weights = (cases.mix == given) / cases.propensity
    exact = (weights * cases.outcome).mean()
    # Told in steps, which hide how many cases got the mix.
    step = 10 / named(measured, UNIFORM).matched
    assert named(measured, UNIFORM).estimates["ips"].value == pytest.approx(exact, abs=step)
    assert abs(named(blind, UNIFORM).estimates["ips"].value - exact) > step


def test_figures_survive_json_and_equal_seeds_give_equal_figures(
    measured: Figures, held_out: HeldOut, deciders: tuple[Decider, Decider]
) -> None:
    assert from_json(to_json(measured), Figures) == measured
    assert measure(held_out[0], *deciders) == measured


def test_small_groups_are_suppressed_and_an_empty_audit_value_is_unknown(
    measured: Figures,
) -> None:
    regions = {group.group: group for group in measured.groups if group.source == "audit"}
    assert set(regions) == {"small", "north", "unknown"}
    small = regions.pop("small")
    assert (small.cases, small.suppressed) == (0, True)
    assert (small.gain, small.minutes, small.mixes) == (None, None, None)
    for group in regions.values():
        assert group.gain is not None
        assert group.candidate is not None
        assert group.logged is not None
        assert group.gain.low < group.gain.value < group.gain.high
        assert group.gain.value == pytest.approx(group.candidate.value - group.logged.value)
    ages = [group for group in measured.groups if group.field == "age_band"]
    assert sum(group.cases for group in ages) == pytest.approx(
        sum(measured.logged_mixes.values()),
        abs=HALF_A_TEN * (len(ages) + len(measured.logged_mixes)),
    )
    assert sum(group.hours_share or 0 for group in ages) <= 1 + 1e-9


def test_a_case_that_only_a_person_may_assess_is_counted_and_left_out(
    blind: Figures, held_out: HeldOut
) -> None:
    cases = len(held_out[1])
    told = HALF_A_TEN / cases
    assert blind.abstention["MANUAL_ONLY"] == pytest.approx(SHIELDED / cases, abs=told)
    assert named(blind, "logged").matched == pytest.approx(cases - SHIELDED, abs=HALF_A_TEN)
    statuses = [
        blind.abstention[name] for name in ("RECOMMENDED", "NEEDS_ASSESSMENT", "MANUAL_ONLY")
    ]
    assert sum(statuses) == pytest.approx(1, abs=3 * told)


def test_what_does_not_fit_is_refused_by_name(
    held_out: HeldOut, deciders: tuple[Decider, Decider]
) -> None:
    cases, truth = held_out
    short = candidate(deciders[0].tables, truth[:5])
    with pytest.raises(ValueError, match=r"values: shape \(5, 6\), must be"):
        evaluate(cases, "time", short, None, CATALOGUE, NATIONAL, seed=1)


def test_shown_probabilities_are_judged_by_the_outcomes_of_the_mixes_given(
    measured: Figures, held_out: HeldOut
) -> None:
    found = measured.reliability
    assert found is not None
    assert sum(one.cases for one in found.tenths) == len(held_out[0].mix)
    assert all(0 < one.predicted < 1 for one in found.tenths)
    observed = sum(one.observed.value * one.cases for one in found.tenths)
    assert observed == pytest.approx(held_out[0].outcome.sum())


def test_every_step_of_severity_of_the_candidates_tables_is_compared(measured: Figures) -> None:
    # The model of this test knows no order: what is found are exceptions, each with its size.
    proof = measured.severity
    assert proof is not None
    assert not proof.holds
    assert all(one.by > 0 and one.lighter in CATALOGUE.ids for one in proof.falls)
    assert len(proof.falls) < proof.steps


def test_nuisances_weights_and_balance_are_told_for_every_mix(
    measured: Figures, blind: Figures
) -> None:
    for figures in (measured, blind):
        found = figures.diagnostics
        assert found is not None
        assert [one.mix for one in found.mixes] == list(CATALOGUE.ids)
        assert found.propensity.brier < found.propensity.blind_brier
        assert found.outcome.brier < found.outcome.blind_brier
        assert found.explained.low > 0
        for one in found.mixes:
            assert one.weight.low < 1.2
            assert one.weight.high > 0.8
        assert 0 < found.influence.top_share < 1
    # Estimated chances weigh mixes into balance by what they were fitted to.
    assert blind.diagnostics is not None
    apart = [(one.apart, one.apart_weighted) for one in blind.diagnostics.mixes]
    assert np.mean([after for _, after in apart]) < np.mean([before for before, _ in apart])


def test_how_often_the_safeguards_lift_a_policy_is_known(
    held_out: HeldOut, deciders: tuple[Decider, Decider]
) -> None:
    cases, _ = held_out
    decided = deciders[0].decide(cases.rows)
    served = decided.mix >= 0
    permitted = np.eye(len(CATALOGUE.ids))[np.maximum(decided.mix, 0)]
    assert lifted_share(cases, permitted, CATALOGUE, NATIONAL) == 0
    lightest = np.zeros_like(permitted)
    lightest[:, 0] = 1
    refused = float((~decided.permitted[served, 0]).mean())
    assert 0 < refused < 1
    assert lifted_share(cases, lightest, CATALOGUE, NATIONAL) == pytest.approx(refused)
    half = (permitted + lightest) / 2
    assert lifted_share(cases, half, CATALOGUE, NATIONAL) == pytest.approx(refused / 2)


def test_the_same_mixes_brought_as_a_policy_get_the_same_figures_and_a_verdict(
    measured: Figures, held_out: HeldOut, deciders: tuple[Decider, Decider]
) -> None:
    cases, _ = held_out
    given = deciders[0].decide(cases.rows).mix
    chances = np.eye(len(CATALOGUE.ids))[np.maximum(given, 0)]
    rival = Rival(version="good", tables=deciders[1].tables)
    found = evaluate_policy(
        cases, "time", "mine", chances, rival, CATALOGUE, NATIONAL, SOUND, seed=1, folds=2
    )
    assert found.soundness == SOUND
    for name in ("candidate", "promoted", "todays_rule", "logged"):
        mine, own = named(found, name), named(measured, name)
        assert mine.estimates["dr"].value == pytest.approx(own.estimates["dr"].value)
        assert mine.minutes == pytest.approx(own.minutes)
    gate = of_any_policy(load_gate(POLICIES / "gate.toml"))
    names = {
        one.name for one in judge(found, gate, parity_difference=0, features_ok=True).conditions
    }
    assert {"overlap", "beats_promoted", "no_group_worse_off"} <= names
    assert not names & {"calibration_slope", "fidelity_value", "abstention", "parity"}
