"""Files that 0.3.0 scored: today's command values the same mixes of the same cases the same."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from router.decision.probability import EDGE
from tests.compatibility import readings
from tests.compatibility.kept import FOLDER


@pytest.mark.parametrize("office", ["", "office-02"])
def test_every_case_gets_the_values_that_0_3_0_gave_it(office: str, tmp_path: Path) -> None:
    kept = pq.read_table(FOLDER / f"scored-{office or 'national'}.parquet")
    found = pq.read_table(readings.scored(tmp_path, office))
    assert set(found.column_names) == set(kept.column_names)
    assert found["case_ref"].equals(kept["case_ref"])
    for name in kept.column_names:
        before, now = (table[name].to_numpy() for table in (kept, found))
        if name.startswith("error_"):
            assert np.array_equal(before, now, equal_nan=True)
        if name.startswith("expected_"):
            # Near 0 and 1 what is shown is a probability since (ADR 19).
            plain = ~((before < EDGE) | (before > 1 - EDGE))
            assert np.array_equal(before[plain], now[plain], equal_nan=True)
    # What is permitted is by other safeguards now; nobody gets a mix that is not.
    for mix, number in zip(found["mix"].to_pylist(), range(len(found)), strict=True):
        assert mix is None or found[f"permitted_{mix}"][number].as_py()
