"""Files that 0.3.0 scored: today's command scores the same cases the same."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.compatibility import readings
from tests.compatibility.kept import FOLDER


@pytest.mark.parametrize("office", ["", "office-02"])
def test_every_case_gets_the_scores_that_0_3_0_gave_it(office: str, tmp_path: Path) -> None:
    kept = pq.read_table(FOLDER / f"scored-{office or 'national'}.parquet")
    found = pq.read_table(readings.scored(tmp_path, office))
    assert found.select(kept.column_names).equals(kept)
