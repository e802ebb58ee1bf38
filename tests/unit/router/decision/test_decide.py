"""Decisions: utility, abstention, and one answer however it is asked for."""

import dataclasses
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.wide.agency import make_policies
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision, Doubt, Status
from router.decision.tables import DecisionTables
from router.decision.weights import weights_of
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from tests.builders import FOLDS, MODEL_SLOTS, a_catalogue, a_decider, a_policy, a_row, random_rows

MIXES = len(a_catalogue().mixes)


def flat_decider(
    expected: list[float], *, spread: float = 0.0, menu: tuple[str, ...] | None = None
) -> Decider:
    """Gives a decider whose mixes are worth the same for every case.

    The last value holds for every mix behind it too. Errors grow with the mix.
    """
    fold = np.linspace(-1, 1, FOLDS)
    worth = np.array([*expected, *[expected[-1]] * MIXES][:MIXES])
    intercept = worth[:, None] + spread * np.arange(MIXES)[:, None] * fold
    tables = DecisionTables(
        features=FEATURES,
        values=np.zeros((MODEL_SLOTS, MIXES, FOLDS)),
        intercept=intercept,
        counts=np.full(MODEL_SLOTS, 1000),
    )
    decider = a_decider()
    policy = dataclasses.replace(a_policy(), menu=menu or a_policy().menu)
    return dataclasses.replace(decider, tables=tables, policy=policy)


def bits(decision: Decision) -> list[tuple[str, bytes]]:
    """Gives the bytes of every number of a decision, by name."""
    return [
        (name, np.asarray(value, np.float64).tobytes())
        for name, value in decision._asdict().items()
    ]


def test_a_case_gets_the_same_bits_alone_and_among_more_than_are_decided_at_once() -> None:
    decider, rows = a_decider(), random_rows(3, 10_000)
    every = decider.decide(rows).each()
    for place in (0, 511, 512, 4095, 4096, 8191, 8192, 9999):
        (alone,) = decider.decide(rows[place : place + 1]).each()
        assert bits(every[place]) == bits(alone)
    (scalar,) = decider.decide_each([rows[9999].tolist()])
    assert bits(every[9999]) == bits(scalar)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    effect=st.sampled_from([0.0, 0.002, 0.02]),
    office=st.sampled_from(["", "office-01"]),
)
def test_a_case_alone_and_among_others_gets_the_same_bits(
    seed: int, effect: float, office: str
) -> None:
    decider = a_decider(seed, effect=effect, policy=a_policy(office))
    rows = random_rows(seed, 40)
    for row, among in zip(rows, decider.decide(rows).each(), strict=True):
        [alone] = decider.decide(row[None]).each()
        [in_scalars] = decider.decide_each([row.tolist()])
        assert bits(among) == bits(alone) == bits(in_scalars)


@pytest.mark.parametrize("folds", [2, 7, 8, 10])
def test_the_bits_are_the_same_for_any_number_of_folds(folds: int) -> None:
    rng = np.random.default_rng(folds)
    values = rng.normal(0, 0.02, (MODEL_SLOTS, MIXES, folds))
    tables = DecisionTables(
        features=FEATURES,
        values=values,
        intercept=rng.normal(0.4, 0.02, (MIXES, folds)),
        counts=rng.integers(100, 5000, MODEL_SLOTS),
    )
    decider = dataclasses.replace(a_decider(), tables=tables)
    rows = random_rows(folds, 40)
    for row, among in zip(rows, decider.decide(rows).each(), strict=True):
        [alone] = decider.decide(row[None]).each()
        [in_scalars] = decider.decide_each([row.tolist()])
        assert bits(among) == bits(alone) == bits(in_scalars)


@pytest.mark.parametrize("folds", [2, 5, 8])
@pytest.mark.parametrize("mixes", [5, 21, 63])
def test_the_bits_are_the_same_for_any_number_of_mixes(
    tmp_path: Path, mixes: int, folds: int
) -> None:
    make_policies(tmp_path / "policies", mixes)
    catalogue = load_catalogue(tmp_path / "policies" / "mixes.toml")
    policy = load_policies(tmp_path / "policies", catalogue).usable("")
    rng = np.random.default_rng(mixes)
    # Neighbours of a number are worth the same, as what was learned of them is.
    values = np.repeat(rng.normal(0, 0.02, (MODEL_SLOTS // 4 + 1, mixes, folds)), 4, axis=0)
    tables = DecisionTables(
        features=FEATURES,
        values=values[:MODEL_SLOTS],
        intercept=rng.normal(0.4, 0.02, (mixes, folds)),
        counts=rng.integers(100, 5000, MODEL_SLOTS),
    )
    decider = Decider(tables=tables, catalogue=catalogue, policy=policy)
    rows = random_rows(folds, 40)
    every = decider.decide(rows)
    for row, among in zip(rows, every.each(), strict=True):
        [in_scalars] = decider.decide_each([row.tolist()])
        assert bits(among) == bits(in_scalars)

    # And they are what the tables say: what each field adds, one after the other.
    places = rows[:, tables.columns] + tables.offsets
    plain = np.add.reduce(tables.values[places], axis=1) + tables.intercept
    assert np.array_equal(tables.fold_values(rows), plain)


@pytest.mark.parametrize("seed", range(5))
def test_mix_and_status_alone_are_those_of_the_whole_decision(seed: int) -> None:
    decider, rows = a_decider(seed), random_rows(seed, 300)
    # Of these nobody knows whether people alone handle them.
    rows[:10, FEATURES.column("shielded")] = 0
    decided = decider.decide(rows)
    mix, status = decider.choose(rows)
    assert (mix == decided.mix).all()
    assert (status == decided.status).all()
    assert len(np.unique(status)) == len(Status)


def test_the_mix_with_the_highest_expected_outcome_minus_priced_minutes_is_recommended() -> None:
    wanted = a_catalogue().ids.index("DIALOGUE_AND_PHONE")
    decider = flat_decider([0.40] + [0.44] * (wanted - 1) + [0.50] * (MIXES - wanted))
    decision = decider.decide(a_row()[None]).each()[0]
    assert decision.status == Status.RECOMMENDED
    assert a_catalogue().ids[decision.mix] == "DIALOGUE_AND_PHONE"


def test_a_higher_price_never_gives_more_minutes() -> None:
    rows = random_rows(3, 500)
    minutes = []
    for price in (0.0, 0.0002, 0.001, 0.01):
        decider = a_decider(3, policy=dataclasses.replace(a_policy(), price=price), spread=0.0)
        minutes.append(decider.catalogue.minutes[decider.decide(rows).mix])
    for cheap, dear in itertools.pairwise(minutes):
        assert (dear <= cheap).all()


def test_a_higher_weight_never_gives_fewer_minutes() -> None:
    rows, minutes = random_rows(4, 500), []
    for weight in (1.0, 1.2, 2.0, 3.0):
        every = {"need_group": dict.fromkeys(FEATURES["need_group"].values, weight)}
        policy = dataclasses.replace(a_policy(), weights=weights_of(FEATURES, every))
        decider = a_decider(4, policy=policy, spread=0.0)
        minutes.append(np.append(decider.catalogue.minutes, 0)[decider.decide(rows).mix])
    for light, heavy in itertools.pairwise(minutes):
        assert (heavy >= light).all()
    assert (minutes[-1] > minutes[0]).any()


@pytest.mark.parametrize("price", [0.0, 0.0004, 0.004])
def test_mixes_that_cannot_be_told_apart_need_no_person_whatever_the_price(price: float) -> None:
    decider = flat_decider([0.5] * MIXES, spread=0.05)
    decider = dataclasses.replace(decider, policy=dataclasses.replace(decider.policy, price=price))
    decision = decider.decide(a_row()[None]).each()[0]
    assert (decision.status, decision.doubts) == (Status.RECOMMENDED, 0)
    assert decision.mix == 0


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), prices=st.tuples(st.floats(0, 0.01), st.floats(0, 0.01)))
def test_who_needs_a_person_first_does_not_depend_on_the_price(
    seed: int, prices: tuple[float, float]
) -> None:
    rows = random_rows(seed, 200)
    cheap, dear = (
        a_decider(seed, policy=dataclasses.replace(a_policy(), price=price)).decide(rows)
        for price in prices
    )
    assert (cheap.status == dear.status).all()
    assert (cheap.doubts == dear.doubts).all()


def test_a_case_in_doubt_gets_what_it_would_get_without_the_doubt() -> None:
    decider = a_decider(8)
    rows = random_rows(8, 300)
    sure = dataclasses.replace(
        decider.policy,
        abstention=dataclasses.replace(decider.policy.abstention, unknown_fields=30, rare_cases=0),
    )
    doubting, certain = decider.decide(rows), dataclasses.replace(decider, policy=sure).decide(rows)
    assert (doubting.status == Status.NEEDS_ASSESSMENT).sum() > 20
    assert (doubting.mix == certain.mix).all()


@pytest.mark.parametrize(
    "facts",
    [
        {"goal_by_user": "YES", "plan_has_goal": "NO"},
        {"job_situation": "NEVER_WORKED", "worked_6_of_last_12_months": "YES"},
        {"job_situation": "NEVER_WORKED", "months_since_last_work": 5},
        {"job_situation": "NOT_WORKED_2_YEARS", "months_since_last_work": 23},
        {"worked_6_of_last_12_months": "YES", "months_since_last_work": 7},
        {"weeks_registered": 2, "days_since_personal_contact": 700},
        {"weeks_registered": 2, "days_since_user_plan_activity": 35},
        {"weeks_registered": 2, "days_waiting_for_agency_reply": 35},
        {"phone_talks_90d": 1, "days_since_personal_contact": 105},
        {"video_talks_90d": 1, "days_since_personal_contact": 105},
        {"office_talks_90d": 50, "days_since_personal_contact": 720},
        {"benefit_type": "NO_BENEFIT", "benefit_weeks_left": 1},
        {"language_support": "SIGN_INTERPRETER", "can_use_phone": "YES"},
    ],
)
def test_facts_that_contradict_each_other_need_a_person_who_is_told_which(
    facts: dict[str, str | int],
) -> None:
    decider = flat_decider([0.9, 0.5, 0.5, 0.5, 0.5, 0.5])
    row = a_row(**facts)
    decision = decider.decide(row[None]).each()[0]
    assert decision.status == Status.NEEDS_ASSESSMENT
    assert decision.doubts & Doubt.CONTRADICTION
    named = {name for one in decider.contradictions.found(row.tolist()) for name in one.fields}
    assert named >= set(facts)


@pytest.mark.parametrize(
    "facts",
    [
        {"weeks_registered": 2, "days_since_personal_contact": 34},
        {"weeks_registered": 2, "days_since_user_plan_activity": 34},
        {"weeks_registered": 2, "days_waiting_for_agency_reply": 34},
        # Longer than any wait is counted.
        {"weeks_registered": 520, "days_waiting_for_agency_reply": 90},
        {"days_since_personal_contact": 104, "weeks_registered": 200},
        {"benefit_type": "NO_BENEFIT", "benefit_weeks_left": 0},
        # A wait, a plan or messages may be of other days, or have come another way.
        {"plan_activities_active": 0, "plan_activities_overdue": 0},
        {"messages_90d": 0, "unread_messages": 5, "days_waiting_for_agency_reply": 13},
    ],
)
def test_facts_that_are_only_unlikely_together_contradict_nothing(
    facts: dict[str, str | int],
) -> None:
    decision = flat_decider([0.9] * MIXES).decide(a_row(**facts)[None]).each()[0]
    assert not decision.doubts


@pytest.mark.parametrize("field", ["goal_by_user", "plan_has_goal", "weeks_registered"])
def test_what_is_unknown_contradicts_nothing(field: str) -> None:
    facts: dict[str, str | int | None] = {"goal_by_user": "YES", "plan_has_goal": "YES"}
    facts |= {"weeks_registered": 200, field: None}
    decision = flat_decider([0.9] * MIXES).decide(a_row(**facts)[None]).each()[0]
    assert not decision.doubts


@pytest.mark.parametrize("facts", [{"job_situation": "NEW_JOB"}, {"expected_weeks_to_job": 0}])
def test_who_has_a_job_to_go_to_is_met_by_a_person_before_any_advice(
    facts: dict[str, str | int],
) -> None:
    decision = flat_decider([0.9] * MIXES).decide(a_row(**facts)[None]).each()[0]
    assert decision.doubts == Doubt.HAS_JOB


def test_too_many_unknown_model_inputs_need_a_person() -> None:
    unknown = dict.fromkeys(
        (
            "age_band",
            "education_level",
            "job_situation",
            "months_since_last_work",
            "weeks_registered",
            "benefit_type",
            "benefit_weeks_left",
            "main_goal",
            "applications_4w",
        )
    )
    decision = flat_decider([0.9, 0.5, 0.5, 0.5, 0.5, 0.5]).decide(a_row(**unknown)[None]).each()[0]
    assert decision.status == Status.NEEDS_ASSESSMENT
    assert decision.doubts & Doubt.UNKNOWN_FIELDS
    assert decision.unknown == len(unknown)


def test_a_value_hardly_seen_in_training_needs_a_person() -> None:
    decider = flat_decider([0.9, 0.5, 0.5, 0.5, 0.5, 0.5])
    counts = decider.tables.counts.copy()
    place = decider.tables.offsets[0] + FEATURES["age_band"].slot("30_39")
    counts[place] = 3
    rare = dataclasses.replace(decider, tables=dataclasses.replace(decider.tables, counts=counts))
    assert rare.decide(a_row()[None]).each()[0].doubts == Doubt.RARE_VALUES
    assert rare.decide(a_row(age_band="40_49")[None]).each()[0].doubts == 0


def test_a_menu_without_any_permitted_mix_gives_manual_only() -> None:
    decider = flat_decider([0.5] * MIXES, menu=("SELF_SERVICE",))
    decision = decider.decide(a_row(digitally_reserved="YES")[None]).each()[0]
    assert (decision.status, decision.mix) == (Status.MANUAL_ONLY, NO_MIX)


def test_tables_with_numbers_that_are_not_finite_are_refused() -> None:
    tables = a_decider().tables
    with pytest.raises(ValueError, match="finite"):
        dataclasses.replace(tables, values=tables.values * np.nan)
