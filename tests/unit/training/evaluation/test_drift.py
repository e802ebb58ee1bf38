"""Drift of the fields between two sets of training cases."""

import dataclasses

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.schema import Role
from tests.builders import MODEL_SLOTS, random_rows, random_tables
from training.evaluation.drift import field_figures


def test_every_field_is_told_and_only_those_the_promoted_model_reads_have_drift() -> None:
    rows = random_rows(1, 3_000)
    found = field_figures(rows, random_tables(0))
    assert [one.name for one in found] == list(FEATURES.names)
    reads = {FEATURES.features[column].name for column in FEATURES.columns(Role.MODEL)}
    assert {one.name for one in found if one.drift is not None} == reads
    unknown = next(one for one in found if one.name == "age_band").unknown
    assert unknown == pytest.approx((rows[:, FEATURES.column("age_band")] == 0).mean())
    assert all(one.drift is None for one in field_figures(rows, None))


def test_the_cases_that_the_promoted_model_was_trained_on_show_no_drift() -> None:
    rows = random_rows(1, 3_000)
    columns = FEATURES.columns(Role.MODEL).tolist()
    seen = [
        np.bincount(rows[:, column], minlength=FEATURES.features[column].slots)
        for column in columns
    ]
    tables = dataclasses.replace(random_tables(0), counts=np.concatenate(seen))
    assert len(tables.counts) == MODEL_SLOTS
    assert {one.drift for one in field_figures(rows, tables)} == {0.0, None}
