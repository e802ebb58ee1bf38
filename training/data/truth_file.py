"""Reads the true values that `simulate` writes beside its cases: of made-up people alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.cases.problems import CasesRefused
from router.cases.sources import regular_file
from router.decision.catalogue import Catalogue
from training.data.case_files import SYNTHETIC_KEY

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    """The true value of every mix by case.

    Attributes:
        values: (n, K) chances that the goal is reached, 0 to 1.
        places: row of each case's reference.
    """

    values: Floats
    places: dict[str, int]

    def of(self, case_refs: NDArray[np.str_]) -> Floats:
        """Gives the values of these cases, shape (cases, K).

        Raises:
            CasesRefused: if one of them is not among them, naming it.
        """
        missing = [ref for ref in case_refs.tolist() if ref not in self.places]
        if missing:
            raise CasesRefused(
                f"truth: has no case {missing[0]} and {len(missing) - 1} more; "
                "it must be the file that was written beside these cases"
            )
        return self.values[[self.places[ref] for ref in case_refs.tolist()]]


def read_truth(path: Path, catalogue: Catalogue) -> Truth:
    """Reads a file of true values.

    Raises:
        CasesRefused: if it is not one of simulated cases and these mixes.
    """
    regular_file(path)
    columns = [f"value_{mix}" for mix in catalogue.ids]
    try:
        if pl.read_parquet_metadata(path).get(SYNTHETIC_KEY) != "true":
            raise CasesRefused(f"{path}: does not say that it is synthetic; `simulate` writes it")
        frame = pl.read_parquet(path, columns=["case_ref", *columns])
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise CasesRefused(f"{path}: is no file of true values of these mixes: {problem}") from None
    return Truth(
        values=frame.select(columns).to_numpy(),
        places={ref: place for place, ref in enumerate(frame["case_ref"].to_list())},
    )
