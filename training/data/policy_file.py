"""Files of a policy of one's own: for each case a mix, or the chance of every mix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from router.cases.assumed import NO_CASE, Assumed
from router.cases.cells import Bools, Cells, Floats
from router.cases.features import CASE_REF, REFERENCES
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused, Problems, shown
from router.cases.sources import find_sources
from router.cases.tables import Table, open_tables
from training.data.case_files import BATCH

_MIX = "mix"
_SUM = 1e-6


@dataclass(frozen=True, slots=True, kw_only=True)
class GivenPolicy:
    """What a policy would give.

    Attributes:
        path: of its file.
        mixes: (K,) ids of the catalogue.
        places: row of each case's chances.
        chances: of each mix, (rows, K).
    """

    path: Path
    mixes: tuple[str, ...]
    places: dict[str, int]
    chances: Floats

    def of(self, case_refs: Sequence[str], mixes: tuple[str, ...]) -> Floats:
        """Gives the chances of each mix for some cases.

        Args:
            case_refs: (n,) of the cases that are evaluated.
            mixes: (k,) ids of those that can be measured.

        Returns:
            Chances, (n, k).

        Raises:
            CasesRefused: if it says nothing of a case, or gives a mix that cannot be measured.
        """
        lacking = [ref for ref in case_refs if ref not in self.places]
        if lacking:
            raise CasesRefused(
                f"{self.path}: says nothing of {len(lacking)} of the {len(case_refs)} cases to "
                f"evaluate on, such as {shown(lacking[0])}; a policy must say what it gives to "
                "every one of them"
            )
        given = self.chances[[self.places[ref] for ref in case_refs]]
        for number, mix in enumerate(self.mixes):
            count = int((given[:, number] > 0).sum())
            if count and mix not in mixes:
                raise CasesRefused(
                    f"{self.path}: gives {mix} to {count} cases, and too few cases were logged of "
                    f"it to be measured; permitted are {', '.join(mixes)}"
                )
        return given[:, [self.mixes.index(mix) for mix in mixes]]


def read_policy(
    path: Path,
    mixes: tuple[str, ...],
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
) -> GivenPolicy:
    """Reads what a policy would give each case.

    The file has a column `case_ref` and either a column `mix`, or a column of chances for each mix
    that it may give, by the mix's id. Rows that say nothing else are passed over.

    Args:
        path: as files of cases are, of any kind.
        mixes: (K,) ids of the catalogue.
        mapping: what columns and codes are called in the files of cases, and perhaps in this one.
        assumed: what was assumed of the file is added here.

    Raises:
        CasesRefused: if it cannot be read, lacks a column, or a row is no policy.
    """
    problems, assumed = Problems(), Assumed() if assumed is None else assumed
    sources = find_sources([path], assumed)
    tables = open_tables(sources, mapping, problems, assumed, own=mixes, partial=True)
    for table in tables:
        _check_columns(table, mixes, problems)
    problems.refuse()

    places: dict[str, int] = {}
    parts = [np.zeros((0, len(mixes)))]
    for table in tables:
        first_row = 0
        for batch in table.batches(BATCH):
            cells = table.cells(batch, first_row, problems, assumed)
            first_row += len(batch)
            texts = cells.short_texts(CASE_REF, REFERENCES[CASE_REF])
            refs = [None] * len(batch) if texts is None else texts.to_pylist()
            given, says = _given(cells, mixes)
            nameless = np.array([ref is None for ref in refs], np.bool_)
            cells.refuse(CASE_REF, nameless & says, "have no case_ref")

            twice = np.zeros(len(batch), np.bool_)
            for row in np.flatnonzero(says & ~nameless).tolist():
                ref = str(refs[row])
                twice[row] = ref in places
                places.setdefault(ref, len(places))
            cells.refuse(CASE_REF, twice, "are of a case that was there before; permitted is once")
            parts.append(given[says & ~nameless])
        if not first_row:
            assumed.add(NO_CASE, file=str(table.path))
    problems.refuse()
    return GivenPolicy(path=path, mixes=mixes, places=places, chances=np.concatenate(parts))


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


def _given(cells: Cells, mixes: tuple[str, ...]) -> tuple[Floats, Bools]:
    """Reads the chances of some rows, (rows, K), and which rows say anything, (rows,)."""
    every = np.ones(len(cells), np.bool_)
    if _MIX in cells.batch.schema.names:
        says = cells.known(_MIX)
        numbers = cells.codes(_MIX, mixes, says)
        known = np.zeros(len(cells), np.int64) if numbers is None else np.maximum(numbers, 0)
        chosen: Floats = np.eye(len(mixes))[known]
        return chosen, says

    policy, says = np.zeros((len(cells), len(mixes))), ~every
    for number, mix in enumerate(mixes):
        bound = "0 to 1, the chance of the mix"
        found = cells.numbers(mix, 0.0, 1.0, bound, every, truth=True)
        if found is not None:
            # A mix that a row does not name is one that it does not give.
            policy[:, number] = np.nan_to_num(found)
            says |= ~np.isnan(found)
    sums = policy.sum(axis=1)
    bad = ~(np.abs(sums - 1) < _SUM) & says
    if bad.any():
        told = (
            f"have chances that do not sum to 1 (within {_SUM:f}), but to {sums[bad][0]:.6g} in "
            "the first of these; write more digits, or divide the chances of a row by their sum"
        )
        cells.refuse(CASE_REF, bad, told)
    return policy, says
