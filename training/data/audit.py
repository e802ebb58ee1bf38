"""The audit file: categories that fairness is measured by, and nothing is ever learned from.

Purpose-bound: a data scientist gives it for one evaluation, joined on case_ref; no column of it
enters the rows.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import polars as pl

from router.cases.features import CASE_REF, FEATURES, LOGGED, REFERENCES
from router.cases.problems import Problems
from router.cases.references import printable
from training.data.case_files import batches, columns_of
from training.data.columns import Columns, Texts

UNKNOWN = "unknown"
"""The category of a case of which a file does not say one."""
CATEGORIES_AT_MOST = 50
_CATEGORY = printable("a category", 64)
_NAME = printable("a name", 64)
_BOUND = f"category texts of {_CATEGORY.bound}, at most {CATEGORIES_AT_MOST} different ones"


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
    names = _good_names(path, problems)
    if CASE_REF not in names:
        problems.add(f"{path}: column {CASE_REF}", "is missing")
        return {}, 0
    # A column of a case under this file would be measured here and learned from there.
    taken = {*FEATURES.names, *REFERENCES, *LOGGED} - {CASE_REF}
    for name in names:
        if name in taken:
            problems.add(
                f"{path}: column {name}", "is of the logged cases already; an audit file has others"
            )

    frame = _frame(path, names, problems)
    refs = frame[CASE_REF]
    twice = refs.is_duplicated() & refs.is_not_null()
    problems.cells(
        f"{path}: column {CASE_REF}", twice.to_numpy(), 0, "are of a case that the file has twice"
    )
    for name in names:
        kinds = frame[name].n_unique()
        # One more, since cells without a category count as a value too.
        if name != CASE_REF and kinds > CATEGORIES_AT_MOST + 1:
            problems.add(
                f"{path}: column {name}", f"has {kinds} different values; permitted are {_BOUND}"
            )
    # Refused above, but until all problems are told the join must not double a case.
    return _joined(frame.filter(~twice), case_refs)


def _good_names(path: Path, problems: Problems) -> list[str]:
    """Gives the names of the columns that may stand in a report."""
    good = []
    for number, name in enumerate(columns_of(path), 1):
        problem = _NAME.problem(name)
        if problem:
            problems.add(f"{path}: column {number}", f"{_NAME.what} that {problem}")
        else:
            good.append(name)
    return good


def _frame(path: Path, names: list[str], problems: Problems) -> pl.DataFrame:
    """Reads every column as text; one that cannot be is null throughout."""
    parts, first_row = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))], 0
    for batch in batches(path):
        columns = Columns(frame=batch, path=path, first_row=first_row, problems=problems)
        nothing = pl.Series([None] * len(batch), dtype=pl.String)
        texts = {}
        for name in names:
            found = columns.short_texts(name, REFERENCES.get(name, _CATEGORY))
            texts[name] = nothing if found is None else found
            if name == CASE_REF:
                missing = texts[name].is_null().to_numpy()
                columns.refuse(name, missing, "have no case_ref")
        parts.append(pl.DataFrame(texts))
        first_row += len(batch)
    return pl.concat(parts)


def _joined(frame: pl.DataFrame, case_refs: Texts) -> tuple[dict[str, Texts], int]:
    cases = pl.DataFrame({CASE_REF: pl.Series(case_refs.tolist(), dtype=pl.String)})
    joined = cases.join(frame, on=CASE_REF, how="left", maintain_order="left")
    others = frame.join(cases, on=CASE_REF, how="anti").height
    return {
        name: np.array(joined[name].fill_null(UNKNOWN).to_list(), np.str_)
        for name in frame.columns
        if name != CASE_REF
    }, others
