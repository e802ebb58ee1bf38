"""The audit file: categories of cases that fairness is measured by and nothing is ever learned from.

Purpose-bound: a data scientist gives it for one evaluation, joined on case_ref; no column of it
enters the rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from router.cases.features import FEATURES
from training.data.case_columns import WrongType, texts_of
from training.data.case_files import Problems, batches, columns_of, national_ids

Texts = NDArray[np.str_]
UNKNOWN = "unknown"
LOGGED = ("case_ref", "mix", "outcome", "adviser_minutes", "propensity", "decided_on", "office_ref")
"""Columns of logged cases beside the features."""
CATEGORIES_AT_MOST = 50
_LONGEST = 64
_BOUND = (
    f"category texts of 1 to {_LONGEST} characters, at most {CATEGORIES_AT_MOST} different ones"
)


def read_audit(path: Path, case_refs: Texts, problems: Problems) -> tuple[dict[str, Texts], int]:
    """Reads an audit file: `case_ref`, and columns of short categories.

    Args:
        path: Parquet or CSV.
        case_refs: of the n cases to join to, shape (n,).
        problems: what is wrong is added here.

    Returns:
        Each column's categories by case, shape (n,), "unknown" where the file does not say; and how
        many rows of the file are of cases that are not among the n.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    columns = columns_of(path)
    if "case_ref" not in columns:
        problems.add(f"{path}: column case_ref", "is missing")
        return {}, 0
    for name in columns:
        if name != "case_ref" and (name in FEATURES.names or name in LOGGED):
            problems.add(
                f"{path}: column {name}", "is of the logged cases already; an audit file has others"
            )
    parts, first_row = [], 0
    for batch in batches(path):
        parts.append(_texts(batch, path, first_row, problems))
        first_row += len(batch)
    frame = pl.concat(parts) if parts else pl.DataFrame(schema=dict.fromkeys(columns, pl.String))
    refs = frame["case_ref"]
    twice = refs.is_duplicated() & refs.is_not_null()
    problems.cells(
        f"{path}: column case_ref", twice.to_numpy(), 0, "are of a case that the file has twice"
    )
    for name in columns:
        kinds = frame[name].n_unique()
        if name != "case_ref" and kinds > CATEGORIES_AT_MOST + 1:
            problems.add(
                f"{path}: column {name}", f"has {kinds} different values; permitted are {_BOUND}"
            )
    return _joined(frame.filter(~twice), case_refs)


def _texts(batch: pl.DataFrame, path: Path, first_row: int, problems: Problems) -> pl.DataFrame:
    """The batch with every column as text; one that cannot be is null throughout."""
    found = []
    for values in batch.iter_columns():
        where = f"{path}: column {values.name}"
        try:
            texts = texts_of(values, _BOUND)
        except WrongType as problem:
            problems.add(where, str(problem))
            texts = pl.Series(values.name, [None] * len(batch), dtype=pl.String)
        too_long = (texts.str.len_chars() > _LONGEST).fill_null(False).to_numpy()
        problems.cells(where, too_long, first_row, _BOUND, texts)
        problems.cells(where, national_ids(texts), first_row, "look like national identity numbers")
        if values.name == "case_ref":
            problems.cells(where, texts.is_null().to_numpy(), first_row, "have no case_ref")
        found.append(texts)
    return pl.DataFrame(found)


def _joined(frame: pl.DataFrame, case_refs: Texts) -> tuple[dict[str, Texts], int]:
    cases = pl.DataFrame({"case_ref": pl.Series(case_refs.tolist(), dtype=pl.String)})
    joined = cases.join(frame, on="case_ref", how="left", maintain_order="left")
    others = frame.join(cases, on="case_ref", how="anti").height
    names = [name for name in frame.columns if name != "case_ref"]
    return {
        name: np.array(joined[name].fill_null(UNKNOWN).to_list(), np.str_) for name in names
    }, others
