"""The journal as a Parquet or CSV file for analysts: one row per recommendation."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from router.files.aside import written_aside
from router.files.formats import Format, OutRefused, format_of
from router.files.spreadsheet import batch_as_text
from router.journal.export_columns import columns, schema
from router.journal.recommendation import Reading, recommendations
from router.journal.record import RECOMMENDATION, JournalBroken
from router.journal.store import JournalReader

if TYPE_CHECKING:
    import pyarrow as pa


def export(store: JournalReader, path: str | Path) -> int:
    """Writes every recommendation in chain order; the file appears whole or not at all.

    Erased records keep seq, decision_id, kind and written_at and are null elsewhere. In CSV the
    names in `safeguards` are joined by `|`.

    Args:
        store: the journal; may be written to meanwhile.
        path: ends in `.parquet` or `.csv`; an existing file is replaced.

    Returns:
        The rows written.

    Raises:
        OutRefused: if the path ends otherwise.
        JournalUnavailable: if the store cannot be read now.
        JournalBroken: if a record, or the context that tells how to read it, cannot be read.
        OSError: if the file cannot be written.
    """
    target = Path(path)
    # Here capitals are taken too: JOURNAL.CSV is a CSV file.
    kind = format_of(Path(target.name.lower()))
    if kind is None:
        raise OutRefused(f"path: {target.name!r} must end in .parquet or .csv")
    with written_aside(target) as aside:
        return _write(store, aside, lists=kind is Format.PARQUET)


def _write(store: JournalReader, path: Path, *, lists: bool) -> int:
    # All contexts first: a file has its columns before its first row.
    readings = _readings(store)
    layout = schema(list(readings.values()), lists=lists)

    rows = 0
    opened, write = _writer(path, layout, lists=lists)
    with opened:
        for run in recommendations(store):
            context = run[0].context
            if not context.document:
                raise JournalBroken(f"record {run[0].seq}: its context is missing or altered")
            if context.digest not in readings:
                # First written after the contexts were listed:
                # it may bring new columns, so end here.
                break
            write(columns(run, layout))
            rows += len(run)
    return rows


def _readings(store: JournalReader) -> dict[bytes, Reading]:
    """Finds how to read recommendations, by digest of the context.

    Records of other kinds have contexts of their own.
    """
    contexts = {
        record.context.digest: record.context for record in store.read(kinds=(RECOMMENDATION,))
    }
    return {digest: Reading.of(context) for digest, context in contexts.items() if context.document}


def _writer(
    path: Path, layout: "pa.Schema", *, lists: bool
) -> "tuple[AbstractContextManager[object], Callable[[pa.RecordBatch], None]]":
    # Imported here: the server keeps a journal without PyArrow.
    if lists:
        import pyarrow.parquet as pq

        parquet = pq.ParquetWriter(path, layout, compression="zstd")
        return parquet, parquet.write_batch
    import pyarrow.csv as pc

    csv = pc.CSVWriter(str(path), layout)
    return csv, lambda batch: csv.write_batch(batch_as_text(batch))
