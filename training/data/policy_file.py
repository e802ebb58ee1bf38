"""Files of a policy of one's own: for each case a mix, or the chance of every mix."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import polars as pl

from router.cases.cells import Floats
from router.cases.features import CASE_REF
from router.cases.problems import CasesRefused, shown
from router.files.formats import Format, format_of

_SUM = 1e-6


def read_policy(path: Path, case_refs: Sequence[str], mixes: tuple[str, ...]) -> Floats:
    """Reads what a policy would give each case.

    The file has a column `case_ref` and either a column `mix`, or a column of chances for each mix
    that it may give, by the mix's id. Cases that are not asked for are passed over.

    Args:
        path: CSV or Parquet.
        case_refs: (n,) of the cases that are evaluated.
        mixes: (K,) ids of the catalogue.

    Returns:
        Chances of each mix, (n, K).

    Raises:
        CasesRefused: if it cannot be read, lacks a case or column, or a row is no policy.
    """
    frame = _read(path)
    if CASE_REF not in frame.columns:
        raise CasesRefused(f"{path}: column {CASE_REF} is missing")
    known = frame.with_columns(pl.col(CASE_REF).cast(pl.String))
    if known[CASE_REF].is_duplicated().any():
        twice = known.filter(pl.col(CASE_REF).is_duplicated())[CASE_REF][0]
        raise CasesRefused(f"{path}: column {CASE_REF}: {shown(twice)} is there more than once")

    wanted = pl.DataFrame({CASE_REF: list(case_refs)}, schema={CASE_REF: pl.String})
    found = wanted.join(known, on=CASE_REF, how="left", maintain_order="left")
    lacking = wanted.join(known, on=CASE_REF, how="anti")
    if len(lacking):
        raise CasesRefused(
            f"{path}: lacks {len(lacking)} of the {len(wanted)} cases to evaluate on, such as "
            f"{shown(lacking[CASE_REF][0])}; a policy must say what it gives to every one of them"
        )
    return _mixes(path, found, mixes) if "mix" in found.columns else _chances(path, found, mixes)


def _read(path: Path) -> pl.DataFrame:
    kind = format_of(path)
    if kind is None:
        raise CasesRefused(f"{path}: must end with .parquet or .csv")
    try:
        if kind is Format.CSV:
            return pl.read_csv(path, schema_overrides={CASE_REF: pl.String})
        return pl.read_parquet(path)
    except (OSError, pl.exceptions.PolarsError) as problem:
        raise CasesRefused(f"{path}: cannot be read: {problem}") from problem


def _mixes(path: Path, found: pl.DataFrame, mixes: tuple[str, ...]) -> Floats:
    number = {mix: place for place, mix in enumerate(mixes)}
    given = found["mix"].cast(pl.String).to_list()
    strange = [mix for mix in given if mix not in number]
    if strange:
        raise CasesRefused(
            f"{path}: column mix: {shown(strange[0])} is none of {', '.join(mixes)}; "
            f"{len(strange)} cases"
        )
    policy: Floats = np.eye(len(mixes))[[number[mix] for mix in given]]
    return policy


def _chances(path: Path, found: pl.DataFrame, mixes: tuple[str, ...]) -> Floats:
    named = [mix for mix in mixes if mix in found.columns]
    if not named:
        columns = f"a column mix, or columns of chances named {', '.join(mixes)}"
        raise CasesRefused(f"{path}: needs {columns}")
    policy = np.zeros((len(found), len(mixes)))
    for mix in named:
        # A mix that a row does not name is one that it does not give.
        chances = found[mix].cast(pl.Float64, strict=False).fill_null(0.0).to_numpy()
        policy[:, mixes.index(mix)] = chances

    bad = np.flatnonzero(~((policy >= 0).all(axis=1) & (np.abs(policy.sum(axis=1) - 1) < _SUM)))
    if len(bad):
        case, total = found[CASE_REF][int(bad[0])], policy[bad[0]].sum()
        raise CasesRefused(
            f"{path}: the chances of {shown(case)} sum to {total:g}; of each case they must be 0 "
            f"or more and sum to 1; {len(bad)} cases"
        )
    return policy
