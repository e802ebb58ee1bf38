"""Files of logged cases, and what is said when they are refused."""

from pathlib import Path

import polars as pl
import pytest

from router.cases.problems import CasesRefused
from tests.policies_of_six import CATALOGUE
from training.data.dataset import read_cases
from training.simulation.simulate import simulate

# Enough of each mix to be learned from, however many there are.
CASES = 1000 * (len(CATALOGUE.mixes) - 2)
# Simulated once: every test writes its own files from it.
FRAME = simulate(CASES, 3, CATALOGUE).cases
NATIONAL_ID = "01017012345"


def a_file(
    folder: Path, frame: pl.DataFrame = FRAME, name: str = "cases.parquet", **marks: str
) -> Path:
    if name.endswith(".csv"):
        frame.write_csv(folder / name)
    else:
        frame.write_parquet(folder / name, metadata=marks)
    return folder / name


def in_rows(column: str, values: dict[int, object], frame: pl.DataFrame = FRAME) -> pl.DataFrame:
    """Gives the frame with some values of a column changed, by row number from 1."""
    found = frame[column].to_list()
    for row, value in values.items():
        found[row - 1] = value
    return frame.with_columns(pl.Series(column, found, strict=False))


def refusal(*paths: Path, **options: object) -> str:
    with pytest.raises(CasesRefused) as refused:
        read_cases(paths, CATALOGUE, **options)  # type: ignore[arg-type]
    return str(refused.value)


def open_rows(frame: pl.DataFrame = FRAME) -> list[int]:
    """Numbers of the rows that are not shielded."""
    return [row for row, value in enumerate(frame["shielded"], 1) if value == "NO"]


# A bad cell of a shielded case is no problem, so tests spoil cells of these.
ROWS = open_rows()
