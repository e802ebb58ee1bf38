"""Batches of cases scored one after the other, as engines hand them over."""

import pickle
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pytest

from bench.cases import random_cases
from router.advice.score import score_arrow, score_batch, scored_schema
from router.cases.problems import CasesRefused
from tests.builders import a_decider

DECIDER = a_decider()
CASES = random_cases(np.random.default_rng(0), 60)


def given() -> Iterator[pa.RecordBatch]:
    yield from CASES.to_batches(max_chunksize=25)


def test_batches_are_scored_in_their_order_as_one_would_be() -> None:
    apart = list(score_arrow(given(), DECIDER))
    assert [len(batch) for batch in apart] == [25, 25, 10]
    (whole,) = CASES.to_batches()
    one = pa.Table.from_batches([score_batch(whole, DECIDER)])
    assert pa.Table.from_batches(apart).equals(one)


def test_a_partition_without_cases_gives_none() -> None:
    assert list(score_arrow([], DECIDER)) == []
    (none,) = score_arrow([next(given()).slice(0, 0)], DECIDER)
    assert len(none) == 0
    assert none.schema == scored_schema(DECIDER)


def test_the_schema_is_known_before_anything_is_scored() -> None:
    assert next(score_arrow(given(), DECIDER)).schema == scored_schema(DECIDER)


def test_what_decides_can_be_sent_to_another_process() -> None:
    sent = pickle.loads(pickle.dumps(DECIDER))
    assert list(score_arrow(given(), sent)) == list(score_arrow(given(), DECIDER))


def test_a_bad_cell_is_told_with_its_row_among_all_batches() -> None:
    weeks = CASES["weeks_registered"].to_pylist()
    weeks[40] = -7
    place = CASES.schema.get_field_index("weeks_registered")
    bad = CASES.set_column(place, "weeks_registered", pa.array(weeks)).to_batches(25)
    scored = score_arrow(bad, DECIDER)
    assert len(next(scored)) == 25
    with pytest.raises(CasesRefused, match="column weeks_registered: row 41: -7; permitted is 0"):
        next(scored)
