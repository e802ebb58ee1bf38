"""The journal as a Parquet or CSV file for analysts: one row per recommendation."""

from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from router.files.aside import written_aside
from router.files.formats import Format, OutRefused, format_of
from router.files.spreadsheet import batch_as_text
from router.journal.export_columns import columns, schema
from router.journal.recommendation import Chunk, Reading, recommendations
from router.journal.record import JournalBroken
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
    known: set[bytes] = set()
    layout = schema(_readings(store, known), lists=lists)

    rows = 0
    opened, write = _writer(path, layout, lists=lists)
    with opened:
        for every in recommendations(store):
            chunk = _known(every, known)
            # A Parquet file's row group, or so many lines: one a chunk, however many contexts.
            if len(chunk):
                write(columns(chunk, layout))
            rows += len(chunk)
            if len(chunk) < len(every):
                break
    return rows


def _readings(store: JournalReader, known: set[bytes]) -> Iterator[Reading]:
    """Yields how to read recommendations, and notes the digests of their contexts.

    Records of other kinds have contexts of their own, which tell of no recommendation.
    """
    for context in store.contexts():
        with suppress(JournalBroken):
            yield Reading.of(context)
            known.add(context.digest)


def _known(chunk: Chunk, known: Collection[bytes]) -> Chunk:
    """Cuts a chunk before the first record of a context that was first written since.

    It may bring new columns.

    Raises:
        JournalBroken: if a context is missing or altered, or cannot be read.
    """
    if all(digest in known for digest in chunk.contexts()):
        return chunk
    for place, record in enumerate(chunk.records):
        if not record.context.document:
            raise JournalBroken(f"record {record.seq}: its context is missing or altered")
        if record.context.digest not in known:
            Reading.of(record.context)
            return Chunk(chunk.records[:place])
    return chunk


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
