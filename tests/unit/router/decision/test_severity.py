"""Worse never means less human contact: the proof over tables, and decisions by proven tables."""

import dataclasses
import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import Status
from router.decision.schema import Feature, Role
from router.decision.severity import Fall, prove
from router.decision.tables import DecisionTables
from tests.builders import (
    a_catalogue,
    a_decider,
    a_pair,
    a_policy,
    a_row,
    random_rows,
    random_tables,
)

IDS = a_catalogue().ids
MIXES = len(IDS)
ORDERED = [one for one in FEATURES.features if one.severity]
READ = [one for one in ORDERED if Role.MODEL in one.roles]
AGE, TRAVEL = FEATURES.column("age_band"), FEATURES.column("travel_minutes_band")
GROUP, SKILL = FEATURES.column("need_group"), FEATURES.column("digital_skill")


def ordered_tables(seed: int) -> DecisionTables:
    """Draws tables whose gains from mix to mix rise with each field's severity."""
    drawn = random_tables(seed)
    values = drawn.values.copy()
    for column, start in zip(drawn.columns.tolist(), drawn.offsets.tolist(), strict=True):
        feature = FEATURES.features[column]
        if feature.severity:
            part = slice(start, start + feature.slots)
            values[part] = _raised(feature, values[part])
    pair = a_pair(np.random.default_rng(seed), 0.02, 0.004, AGE, TRAVEL)
    return dataclasses.replace(drawn, values=values, pairs=(pair,))


def _raised(feature: Feature, values: np.ndarray) -> np.ndarray:
    gains = np.diff(values, axis=1)
    lowest = gains.min(axis=0)
    for step in feature.severity:
        # Each step at least the one before: what equally bad values say may differ.
        gains[list(step)] = np.maximum(gains[list(step)], lowest)
        lowest = gains[list(step)].max(axis=0)
    return np.concatenate([values[:, :1], values[:, :1] + np.cumsum(gains, axis=1)], axis=1)


def place(tables: DecisionTables, name: str, slot: int) -> int:
    """Gives where a slot's values stand in the table."""
    return int(tables.offsets[tables.columns.tolist().index(FEATURES.column(name))]) + slot


def test_tables_that_rise_with_every_field_are_proven_for_every_step() -> None:
    proof = prove(ordered_tables(3), IDS)
    assert proof.holds
    assert proof.falls == ()
    assert proof.features == tuple(one.name for one in READ)
    expected = sum(
        len(milder) * len(worse)
        for one in READ
        for milder, worse in itertools.pairwise(one.severity)
    )
    assert proof.steps == expected * (MIXES - 1)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), planted=st.data())
def test_a_planted_exception_is_found_with_its_values_mixes_and_size(
    seed: int, planted: st.DataObject
) -> None:
    tables = ordered_tables(seed % 5)
    feature = planted.draw(st.sampled_from(READ))
    mix = planted.draw(st.integers(0, MIXES - 2))
    # The worst step, so that only what leads to it changes.
    worse = planted.draw(st.sampled_from(feature.severity[-1]))
    by = planted.draw(st.floats(1e-6, 0.1))

    values = tables.values.copy()
    better = [place(tables, feature.name, slot) for slot in feature.severity[-2]]
    at = place(tables, feature.name, worse)
    gains = np.diff(values[better].mean(axis=2), axis=1)[:, mix]
    now = np.diff(values[at].mean(axis=1))[mix]
    values[at, mix + 1 :] -= now - gains.max() + by

    changed = dataclasses.replace(tables, values=values)
    proof = prove(changed, IDS)
    assert not proof.holds
    assert {(one.feature, one.lighter, one.heavier) for one in proof.falls} == {
        (feature.name, IDS[mix], IDS[mix + 1])
    }
    assert max(one.by for one in proof.falls) == pytest.approx(by, abs=1e-9)
    value = feature.value(worse)
    assert {one.worse for one in proof.falls} == {"UNKNOWN" if value is None else str(value)}


def test_of_random_tables_exactly_the_steps_that_fall_are_exceptions() -> None:
    tables = dataclasses.replace(random_tables(7), pairs=())
    expected = set()
    for feature in READ:
        for milder, worse in itertools.pairwise(feature.severity):
            for one, other in itertools.product(milder, worse):
                first, second = (
                    np.diff(tables.mean[place(tables, feature.name, slot)]) for slot in (one, other)
                )
                expected |= {
                    (feature.name, feature.value(one), feature.value(other), IDS[mix])
                    for mix in np.flatnonzero(second < first - 1e-12)
                }
    found = prove(tables, IDS).falls
    assert len(found) == len(expected) > 1000
    assert {(one.feature, one.better, one.worse, one.lighter) for one in found} == {
        (name, _text(better), _text(worse), mix) for name, better, worse, mix in expected
    }


def _text(value: str | int | None) -> str:
    return "UNKNOWN" if value is None else str(value)


@pytest.mark.parametrize("seed", range(4))
def test_of_pairs_the_bound_is_what_the_worst_case_meets(seed: int) -> None:
    rng = np.random.default_rng(seed)
    # Two pairs share a field, one of them turned round: their least may not be taken apart.
    pairs = tuple(
        a_pair(rng, 0.02, 0.0, *columns) for columns in ((GROUP, AGE), (AGE, GROUP), (GROUP, SKILL))
    )
    tables = dataclasses.replace(ordered_tables(seed), pairs=pairs)
    found = {
        (one.better, one.worse, one.lighter): one.by
        for one in prove(tables, IDS).falls
        if one.feature == "need_group"
    }

    feature = FEATURES["need_group"]
    others = itertools.product(range(FEATURES["age_band"].slots), range(5))
    rows = np.tile(a_row(), (FEATURES["age_band"].slots * 5, 1))
    rows[:, [AGE, SKILL]] = list(others)
    for [better], [worse] in itertools.pairwise(feature.severity):
        gains = []
        for slot in (better, worse):
            rows[:, GROUP] = slot
            gains.append(np.diff(tables.fold_values(rows).mean(axis=2), axis=1))
        least = (gains[1] - gains[0]).min(axis=0)
        for mix in range(MIXES - 1):
            key = (feature.values[better - 1], feature.values[worse - 1], IDS[mix])
            assert found.get(key, 0.0) == pytest.approx(max(0.0, -least[mix]), abs=1e-12)


def test_a_value_outside_the_order_that_counts_as_less_than_the_mildest_is_told() -> None:
    tables = ordered_tables(2)
    values = tables.values.copy()
    feature = FEATURES["plan_has_goal"]
    values[place(tables, feature.name, 0)] = values[
        place(tables, feature.name, feature.slot("YES"))
    ]
    equal = dataclasses.replace(tables, values=values.copy())
    values[place(tables, feature.name, 0), -1] -= 0.01
    less = dataclasses.replace(tables, values=values)

    named = [
        [one for one in prove(each, IDS).unordered if one.feature == feature.name]
        for each in (equal, less)
    ]
    fall = Fall(
        feature="plan_has_goal",
        better="YES",
        worse="UNKNOWN",
        lighter=IDS[-2],
        heavier=IDS[-1],
        by=pytest.approx(0.01),  # type: ignore[arg-type] # compares as a number
    )
    assert named == [[], [fall]]


def made_worse(rows: np.ndarray, feature: Feature, rng: np.random.Generator) -> np.ndarray:
    """Gives the same rows with one field worse, by as many steps as chance says."""
    slots = np.array([slot for step in feature.severity for slot in step])
    ranks = np.array([feature.ranks[slot] for slot in slots])
    worse = rows.copy()
    column = FEATURES.column(feature.name)
    for row in worse:
        rank = feature.ranks.get(int(row[column]))
        if rank is not None and rank < ranks.max():
            row[column] = rng.choice(slots[ranks > rank])
    return worse


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    feature=st.sampled_from(ORDERED),
    price=st.sampled_from([0.0, 0.0002, 0.0004, 0.001, 0.004]),
)
def test_a_worse_value_never_means_fewer_minutes_at_any_price(
    seed: int, feature: Feature, price: float
) -> None:
    policy = dataclasses.replace(a_policy(), price=price)
    decider = dataclasses.replace(a_decider(policy=policy), tables=ordered_tables(seed % 7))
    rows = random_rows(seed, 60)
    before, after = (
        decided_minutes(decider, each)
        for each in (rows, made_worse(rows, feature, np.random.default_rng(seed)))
    )
    assert (after >= before).all(), feature.name


def decided_minutes(decider: Decider, rows: np.ndarray) -> np.ndarray:
    """Gives the minutes of each row's mix; those of people alone are more than any."""
    decided = decider.decide(rows)
    minutes = decider.catalogue.minutes[decided.mix].astype(np.float64)
    minutes[decided.status == Status.MANUAL_ONLY] = np.inf
    return minutes
