"""Logged cases from a journal wherever it is kept."""

from pathlib import Path

import polars as pl
import pytest

from tests.contract.journals import Kept
from tests.unit.training.data.journal_builder import EXPLORER, both, recommended
from training.data.collect import Treatment, collect


@pytest.mark.parametrize("treatment", Treatment)
def test_cases_are_collected_from_a_journal_wherever_it_is_kept(
    kept: Kept, tmp_path: Path, treatment: Treatment
) -> None:
    store = kept.store()
    decisions = recommended(40, by=EXPLORER, office="office-1")
    store.write_batch([*decisions, *both(decisions)])
    store.erase([decisions[0].id])
    done = collect(kept.url, tmp_path / "cases.parquet", treatment=treatment)
    frame = pl.read_parquet(tmp_path / "cases.parquet")
    assert (done.recommendations, done.cases, len(frame)) == (39, 39, 39)
    assert set(frame["office_ref"]) == {"office-any"}
    assert ("propensity" in frame.columns) == (treatment == Treatment.RECOMMENDED)
