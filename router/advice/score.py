"""Scores files of cases at memory speed: a pure function over Arrow batches, files around it."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from router.cases.arrow import cells_of, read_batches, read_rows, write_batches
from router.cases.assumed import Assumed
from router.cases.cells import Cells
from router.cases.features import CASE_REF
from router.cases.mapping import AS_IS, FileMapping
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Status
from router.decision.probability import as_probabilities


def score_batch(batch: pa.RecordBatch, decider: Decider, first_row: int = 0) -> pa.RecordBatch:
    """Scores a batch of cases.

    Args:
        batch: `case_ref` and feature columns by name; an absent column or a null is unknown.
        decider: what decides.
        first_row: number of the batch's first row, for messages.

    Returns:
        case_ref, status, mix (null for MANUAL_ONLY), adviser_minutes, and expected_, error_ (null
        where no model judged, or knows nothing of the mix) and permitted_ by mix.

    Raises:
        CasesRefused: naming column, rows and bound.
    """
    return score_cells(cells_of(batch, first_row), decider)


def score_arrow(batches: Iterable[pa.RecordBatch], decider: Decider) -> Iterator[pa.RecordBatch]:
    """Scores batches of cases, one after the other, as engines such as Spark hand them over.

    Args:
        batches: as `score_batch` takes them.
        decider: what decides; it can be sent to other processes.

    Yields:
        A batch for each, of the schema that `scored_schema` gives.

    Raises:
        CasesRefused: naming column, rows and bound; rows are counted over these batches.
    """
    first_row = 0
    for batch in batches:
        yield score_batch(batch, decider, first_row)
        first_row += len(batch)


def scored_schema(decider: Decider) -> pa.Schema:
    """Gives the schema of scored batches: it has columns for each mix of the catalogue."""
    none = pa.RecordBatch.from_pydict({CASE_REF: pa.array([], pa.string())})
    return score_batch(none, decider).schema


def score_cells(cells: Cells, decider: Decider) -> pa.RecordBatch:
    """Scores rows of a file, as `score_batch` does.

    Raises:
        CasesRefused: naming file, column, rows and bound.
    """
    rows, references = read_rows(cells)
    decisions = decider.decide(rows)
    catalogue = decider.catalogue
    none = decisions.mix == NO_MIX
    # NO_MIX is -1, the last: it takes no minutes.
    minutes = np.append(catalogue.minutes, 0)[decisions.mix]
    columns: dict[str, Any] = {
        CASE_REF: references[CASE_REF],
        # Statuses count from 1, places from 0.
        "status": pa.array([s.name for s in Status]).take(pa.array(decisions.status - 1)),
        "mix": pa.array(catalogue.ids).take(pa.array(decisions.mix, mask=none)),
        "adviser_minutes": pa.array(minutes, mask=none),
    }

    unjudged = np.isnan(decisions.expected[:, 0])
    expected, permitted = as_probabilities(decisions.expected), decisions.permitted
    for number, mix in enumerate(catalogue.ids):
        # What the next lighter mix is worth serves to decide; in a file it would pass for learned.
        unscored = unjudged | (number in decider.tables.unscored)
        mask = unscored if unscored.any() else None
        columns[f"expected_{mix}"] = pa.array(expected[:, number], mask=mask)
        columns[f"error_{mix}"] = pa.array(decisions.error[:, number], mask=mask)
        columns[f"permitted_{mix}"] = pa.array(permitted[:, number])
    return pa.RecordBatch.from_pydict(columns)


def score_file(
    cases: Path,
    out: Path,
    decider: Decider,
    mapping: FileMapping = AS_IS,
    assumed: Assumed | None = None,
) -> int:
    """Scores files of cases into one, which appears whole or not at all.

    Args:
        cases: Parquet or CSV, a folder or a pattern of them.
        out: Parquet or CSV.
        decider: what decides.
        mapping: what columns and codes are called in the files.
        assumed: what was assumed of the files is added here.

    Returns:
        The number of cases.

    Raises:
        CasesRefused: naming file, column, rows and bound; nothing is left behind.
    """
    batches = read_batches(cases, assumed or Assumed(), mapping)
    return write_batches(_scored(batches, decider), out, cases)


def _scored(batches: Iterator[Cells], decider: Decider) -> Iterator[pa.RecordBatch]:
    """Scores on all cores, in the file's order, with few batches under way."""
    workers = os.cpu_count() or 1
    # Threads are enough: NumPy and Arrow let go of the interpreter's lock while they compute.
    with ThreadPoolExecutor(workers) as pool:
        under_way: deque[Future[pa.RecordBatch]] = deque()
        for batch in batches:
            under_way.append(pool.submit(score_cells, batch, decider))
            # Nobody idles, and a file larger than the memory is never held whole.
            if len(under_way) > 2 * workers:
                yield under_way.popleft().result()
        while under_way:
            yield under_way.popleft().result()
