"""An office's open cases from a file, and their plan to another: Parquet or CSV."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from router.cases.arrow import read_batches, read_rows, write_batches
from router.cases.assumed import Assumed
from router.cases.features import CASE_REF, OFFICE_REF
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused
from router.decision.decision import NO_MIX, Status
from router.decision.schema import Rows
from router.planning.plan import Plan

_WRITTEN_AT_ONCE = 65_536
_WITHHELD = "WITHHELD"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenCases:
    """The open cases of an office.

    Attributes:
        refs: their references, shape (n,).
        rows: slots, shape (n, features).
        left_out: cases in the file that another office has.
    """

    refs: pa.ChunkedArray
    rows: Rows
    left_out: int


def read_open_cases(
    cases: Path,
    office_ref: str,
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
) -> OpenCases:
    """Reads the open cases of an office, and keeps of each its reference and its slots alone.

    A case that names no office is taken to be this office's; one that names another is left out and
    counted.

    Args:
        cases: Parquet or CSV, a folder or a pattern of them.
        office_ref: whose.
        mapping: what columns and codes are called in the files.
        assumed: what was assumed of the files is added here.

    Raises:
        CasesRefused: naming file, column, rows and bound; also if a case is there twice or there is
            none. A plan with cases missing is no plan.
    """
    refs, slots, read = [], [], 0
    for cells in read_batches(cases, assumed or Assumed(), mapping):
        rows, references = read_rows(cells)
        read += len(cells)
        own = _own(references.get(OFFICE_REF), office_ref, len(cells))
        refs.append(references[CASE_REF].filter(pa.array(own)))
        slots.append(rows if own.all() else rows[own])
    kept = pa.chunked_array(refs, pa.string())
    if not len(kept):
        raise CasesRefused(f"{cases}: has no cases of {office_ref or 'anyone'}")
    _refuse_doubles(kept, cases)
    return OpenCases(refs=kept, rows=np.concatenate(slots), left_out=read - len(kept))


def _own(
    offices: pa.Array | None, office_ref: str, count: int
) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    if offices is None:
        return np.ones(count, bool)
    # Comparing with nothing gives nothing: such a case names no office, and is taken as this one's.
    same = pc.equal(offices, office_ref).fill_null(True)
    return np.asarray(same.to_numpy(zero_copy_only=False))


def _refuse_doubles(refs: pa.ChunkedArray, cases: Path) -> None:
    # Who is there twice is looked for only once it is known that somebody is.
    if pc.count_distinct(refs).as_py() == len(refs):
        return
    counted = pc.value_counts(refs)
    first = counted.filter(pc.greater(counted.field("counts"), 1))[0].as_py()
    ref, times = first["values"], first["counts"]
    raise CasesRefused(
        f"{cases}: column {CASE_REF}: {ref!r} is there {times} times; permitted is once"
    )


def write_plan(plan: Plan, refs: pa.ChunkedArray, out: Path) -> None:
    """Writes what each case gets, in the order of the cases; the file appears whole or not at all.

    Columns: case_ref, status, mix (null for MANUAL_ONLY and WITHHELD), adviser_minutes (null for
    MANUAL_ONLY), at_floor.

    Raises:
        OSError: if the file cannot be written.
    """
    starts = range(0, len(refs), _WRITTEN_AT_ONCE)
    parts = (slice(start, start + _WRITTEN_AT_ONCE) for start in starts)
    write_batches((_planned(plan, refs, part) for part in parts), out)


def _planned(plan: Plan, refs: pa.ChunkedArray, part: slice) -> pa.RecordBatch:
    mix = plan.allocation.mix[part]
    none = mix == NO_MIX
    # One more than the statuses of a decision: of these it is told that there is one, and no more.
    status = np.where(plan.withheld[part], len(Status), plan.status[part] - 1)
    return pa.RecordBatch.from_pydict(
        {
            CASE_REF: refs.slice(part.start, len(mix)).combine_chunks(),
            # Statuses count from 1, places from 0.
            "status": pa.array([*(one.name for one in Status), _WITHHELD]).take(pa.array(status)),
            "mix": pa.array(plan.decider.catalogue.ids).take(
                pa.array(mix, mask=none | plan.withheld[part])
            ),
            "adviser_minutes": pa.array(plan.minutes[part], mask=none),
            "at_floor": pa.array(plan.at_floor[part]),
        }
    )
