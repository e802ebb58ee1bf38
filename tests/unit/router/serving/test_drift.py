"""Live drift: a stream that has shifted raises the field that did, and no other."""

import dataclasses

import numpy as np
import pytest
from prometheus_client import CollectorRegistry

from router.cases.features import FEATURES
from router.decision.decision import Decision
from router.decision.tables import DecisionTables
from router.serving.drift import BLOCK, BLOCKS, Drift
from router.versions.registry import Evaluated
from tests.builders import a_catalogue, a_decider, a_row, random_rows, the_promoted_model

MIXES = a_catalogue().ids
MODEL = the_promoted_model()
COLUMNS = MODEL.tables.columns.tolist()
NAMES = [FEATURES.features[column].name for column in COLUMNS]


class Watch:
    """Drift of a model, and the decisions that it is told of."""

    def __init__(
        self, tables: DecisionTables = MODEL.tables, evaluated: Evaluated | None = None
    ) -> None:
        self.registry = CollectorRegistry()
        self.drift = Drift(self.registry)
        self.drift.follow("v1", tables, MIXES, evaluated)
        (self.decision,) = a_decider().decide_each([a_row().tolist()])

    def count(self, rows: np.ndarray, *decisions: Decision, version: str = "v1") -> None:
        every = list(decisions) or [self.decision] * len(rows)
        self.drift.count(version, MIXES, rows.tolist(), every)

    def value(self, name: str, **labels: str) -> float | None:
        return self.registry.get_sample_value(name, labels)

    def psi(self) -> dict[str, float | None]:
        return {name: self.value("router_field_drift_psi", field=name) for name in NAMES}


def a_stream(seed: int, cases: int) -> np.ndarray:
    """Draws cases like those that the promoted version was trained on, field by field."""
    random = np.random.default_rng(seed)
    rows = np.tile(a_row(), (cases, 1))
    for column, counts in zip(
        COLUMNS, np.split(MODEL.tables.counts, MODEL.tables.offsets[1:]), strict=True
    ):
        rows[:, column] = random.choice(len(counts), cases, p=counts / counts.sum())
    return rows


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_like_the_training_cases_raises_no_field(seed: int) -> None:
    watch = Watch()
    watch.count(a_stream(seed, 1_000))
    assert all(psi is not None and psi < 0.1 for psi in watch.psi().values())


def test_a_shifted_stream_raises_the_right_field_and_no_other() -> None:
    trained = np.split(MODEL.tables.counts, MODEL.tables.offsets[1:])
    # Another stream for each field.
    for seed, (shifted, column, counts) in enumerate(zip(NAMES, COLUMNS, trained, strict=True)):
        rows, feature = a_stream(seed, 1_000), FEATURES.features[column]
        # Six in ten get the field's value that is rarest among the training cases, or are unknown.
        rows[:600, column] = counts.argmin() if feature.values else 0
        watch = Watch()
        watch.count(rows)
        raised = {name for name, psi in watch.psi().items() if psi is not None and psi > 0.25}
        assert raised == {shifted}


def test_the_unknown_share_is_told_beside_that_of_training() -> None:
    watch, rows = Watch(), a_stream(1, 1_000)
    rows[:300, FEATURES.column("digital_skill")] = 0
    watch.count(rows)
    now = watch.value("router_field_unknown_ratio", field="digital_skill")
    then = watch.value("router_field_unknown_trained_ratio", field="digital_skill")
    assert now is not None
    assert then is not None
    assert now >= 0.3 > then


def test_advice_is_compared_with_that_of_the_evaluation() -> None:
    watch = Watch(evaluated=Evaluated(mixes={MIXES[0]: 0.5, MIXES[1]: 0.5}, outcome=0.4))
    halves = [watch.decision._replace(mix=number % 2) for number in range(1_000)]
    watch.count(a_stream(1, 1_000), *halves)
    assert watch.value("router_advice_drift_psi") == pytest.approx(0)
    assert watch.value("router_recent_mix_ratio", mix=MIXES[1]) == 0.5

    watch.count(a_stream(1, 2_000), *[watch.decision._replace(mix=3)] * 2_000)
    drift = watch.value("router_advice_drift_psi")
    assert drift is not None
    assert drift > 0.25
    assert watch.value("router_evaluated_outcome_ratio") == 0.4
    assert watch.value("router_recent_expected_outcome_ratio") == pytest.approx(
        watch.decision.expected[3]
    )


def test_nothing_changes_but_with_a_whole_block_and_the_window_is_bounded() -> None:
    watch, seen = Watch(), set[float | None]()
    rows = random_rows(1, 10)
    for _ in range(BLOCK * (BLOCKS + 2) // len(rows)):
        watch.count(rows)
        seen.add(watch.value("router_drift_window_cases"))
    # Told from four blocks on, never of more than eight.
    assert seen == {0, *(BLOCK * blocks for blocks in range(4, BLOCKS + 1))}


def test_another_version_begins_anew_and_those_before_it_count_no_more() -> None:
    watch = Watch()
    watch.count(a_stream(1, 1_000))
    watch.drift.follow("v2", dataclasses.replace(MODEL.tables), MIXES, None)
    assert watch.value("router_drift_window_cases") == 0
    assert set(watch.psi().values()) == {None}
    watch.count(a_stream(1, 1_000), version="v1")
    assert watch.value("router_drift_window_cases") == 0
