"""The audit file: categories that fairness is measured by, and nothing is ever learned from.

Purpose-bound: a data scientist gives it for one evaluation, joined on case_ref; no column of it
enters the rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl

from router.cases.assumed import NO_CASE, Assumed
from router.cases.features import CASE_REF, FEATURES, LOGGED, REFERENCES
from router.cases.mapping import FileMapping
from router.cases.problems import Problems
from router.cases.references import printable
from router.cases.sources import Source
from router.cases.tables import Table, open_tables
from training.data.case_files import BATCH, Texts

UNKNOWN = "unknown"
"""The category of a case of which a file does not say one."""
CATEGORIES_AT_MOST = 50
_CATEGORY = printable("a category", 64)
_NAME = printable("a name", 64)
_BOUND = f"category texts of {_CATEGORY.bound}, at most {CATEGORIES_AT_MOST} different ones"


def read_audit(
    sources: Sequence[Source],
    case_refs: Texts,
    problems: Problems,
    mapping: FileMapping,
    assumed: Assumed,
) -> tuple[dict[str, Texts], int]:
    """Reads an audit file: `case_ref`, and columns of short categories.

    Args:
        sources: Parquet or CSV; of a folder all.
        case_refs: of the n cases to join to, shape (n,).
        problems: what is wrong is added here.
        mapping: what columns and codes are called in the file.
        assumed: what was assumed of the file is added here.

    Returns:
        Each column's categories by case, shape (n,), "unknown" where the file does not say; and how
        many rows of the file are of cases that are not among the n.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    frames = []
    for table in open_tables(sources, mapping, problems, assumed, audit=True):
        path, names = table.path, _good_names(table, problems)
        if CASE_REF not in names:
            problems.add(f"{path}: column {CASE_REF}", "is missing")
            continue
        # A column of a case under this file would be measured here and learned from there.
        taken = {*FEATURES.names, *REFERENCES, *LOGGED} - {CASE_REF}
        for name in names:
            if name in taken:
                told = "is of the logged cases already; an audit file has others"
                problems.add(f"{path}: column {name}", told)
        frames.append(_frame(table, names, problems, assumed))
    if not frames:
        return {}, 0

    frame, where = pl.concat(frames, how="diagonal"), ", ".join(str(one.path) for one in sources)
    refs = frame[CASE_REF]
    twice = refs.is_duplicated() & refs.is_not_null()
    problems.cells(
        f"{where}: column {CASE_REF}", twice.to_numpy(), 0, "are of a case that is there twice"
    )
    for name in frame.columns:
        kinds = frame[name].n_unique()
        # One more, since cells without a category count as a value too.
        if name != CASE_REF and kinds > CATEGORIES_AT_MOST + 1:
            problems.add(
                f"{where}: column {name}", f"has {kinds} different values; permitted are {_BOUND}"
            )
    # Refused above, but until all problems are told the join must not double a case.
    return _joined(frame.filter(~twice), case_refs)


def _good_names(table: Table, problems: Problems) -> list[str]:
    """Gives the names of the columns that may stand in a report."""
    good = []
    for name, place in table.places.items():
        problem = _NAME.problem(name)
        if problem:
            problems.add(f"{table.path}: column {place + 1}", f"{_NAME.what} that {problem}")
        else:
            good.append(name)
    return good


def _frame(table: Table, names: list[str], problems: Problems, assumed: Assumed) -> pl.DataFrame:
    """Reads every column as text; one that cannot be is null throughout."""
    parts, first_row = [pl.DataFrame(schema=dict.fromkeys(names, pl.String))], 0
    for batch in table.batches(BATCH):
        columns = table.cells(batch, first_row, problems, assumed)
        nothing = pl.Series([None] * len(batch), dtype=pl.String)
        texts = {}
        for name in names:
            found = columns.short_texts(name, REFERENCES.get(name, _CATEGORY))
            texts[name] = nothing if found is None else pl.Series(found, dtype=pl.String)
            if name == CASE_REF:
                missing = texts[name].is_null().to_numpy()
                columns.refuse(name, missing, "have no case_ref")
        parts.append(pl.DataFrame(texts))
        first_row += len(batch)
    if not first_row:
        assumed.add(NO_CASE, file=str(table.path))
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
