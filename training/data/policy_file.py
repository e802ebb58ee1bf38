"""Files of a policy of one's own: for each case a mix, or the chance of every mix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from router.cases.assumed import Assumed
from router.cases.cells import Bools, Cells, Floats
from router.cases.features import CASE_REF, REFERENCES
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused, Problems, shown
from router.cases.sources import find_sources
from router.cases.tables import Table, open_tables
from training.data.case_files import BATCH

_MIX = "mix"
_SUM = 1e-6


def read_policy(
    path: Path,
    case_refs: Sequence[str],
    mixes: tuple[str, ...],
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
) -> Floats:
    """Reads what a policy would give each case.

    The file has a column `case_ref` and either a column `mix`, or a column of chances for each mix
    that it may give, by the mix's id. Cases that are not asked for are passed over.

    Args:
        path: as files of cases are, of any kind.
        case_refs: (n,) of the cases that are evaluated.
        mixes: (K,) ids of the catalogue.
        mapping: what columns and codes are called in the files of cases, and perhaps in this one.
        assumed: what was assumed of the file is added here.

    Returns:
        Chances of each mix, (n, K).

    Raises:
        CasesRefused: if it cannot be read, lacks a case or column, or a row is no policy.
    """
    problems, assumed = Problems(), Assumed() if assumed is None else assumed
    sources = find_sources([path], assumed)
    tables = open_tables(sources, mapping, problems, assumed, own=mixes, partial=True)
    for table in tables:
        _check_columns(table, mixes, problems)
    problems.refuse()

    wanted, found = set(case_refs), dict[str, Floats]()
    for table in tables:
        first_row = 0
        for batch in table.batches(BATCH):
            cells = table.cells(batch, first_row, problems, assumed)
            texts = cells.short_texts(CASE_REF, REFERENCES[CASE_REF])
            refs = [None] * len(batch) if texts is None else texts.to_pylist()
            asked = np.array([ref in wanted for ref in refs], np.bool_)
            given = _given(cells, mixes, asked)
            twice = np.zeros(len(batch), np.bool_)
            for row, (ref, chances) in enumerate(zip(refs, given, strict=True)):
                if ref in wanted:
                    twice[row] = ref in found
                    found[ref] = chances
            cells.refuse(CASE_REF, twice, "are of a case that was there before; permitted is once")
            first_row += len(batch)
    problems.refuse()

    lacking = [ref for ref in case_refs if ref not in found]
    if lacking:
        raise CasesRefused(
            f"{path}: lacks {len(lacking)} of the {len(case_refs)} cases to evaluate on, such as "
            f"{shown(lacking[0])}; a policy must say what it gives to every one of them"
        )
    return np.stack([found[ref] for ref in case_refs])


def _check_columns(table: Table, mixes: tuple[str, ...], problems: Problems) -> None:
    named = [mix for mix in mixes if mix in table.columns]
    if CASE_REF not in table.columns:
        problems.add(f"{table.path}: column {CASE_REF}", "is missing")
    if not named and _MIX not in table.columns:
        columns = f"a column mix, or columns of chances named {', '.join(mixes)}"
        problems.add(f"{table.path}", f"needs {columns}")
    if named and _MIX in table.columns:
        told = f"is there, and so are chances ({', '.join(named)}); permitted is one of them"
        problems.add(f"{table.path}: column {_MIX}", told)


def _given(cells: Cells, mixes: tuple[str, ...], asked: Bools) -> Floats:
    """Reads the chances of some rows, (rows, K); only those asked for must be as they must."""
    if _MIX in cells.batch.schema.names:
        numbers = cells.codes(_MIX, mixes, asked)
        known = np.zeros(len(cells), np.int64) if numbers is None else np.maximum(numbers, 0)
        chosen: Floats = np.eye(len(mixes))[known]
        return chosen

    policy = np.zeros((len(cells), len(mixes)))
    for number, mix in enumerate(mixes):
        bound = "0 to 1, the chance of the mix"
        found = cells.numbers(mix, 0.0, 1.0, bound, asked, truth=True)
        if found is not None:
            # A mix that a row does not name is one that it does not give.
            policy[:, number] = np.nan_to_num(found)
    sums = policy.sum(axis=1)
    bad = ~(np.abs(sums - 1) < _SUM) & asked
    if bad.any():
        told = (
            f"have chances that do not sum to 1 (within {_SUM:f}), but to {sums[bad][0]:.6g} in "
            "the first of these; write more digits, or divide the chances of a row by their sum"
        )
        cells.refuse(CASE_REF, bad, told)
    return policy
