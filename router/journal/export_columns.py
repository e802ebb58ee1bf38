"""Recommendations by name: what an export tells of them, and its columns as Arrow has them."""

import uuid
from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from router.journal.recommendation import (
    Chunk,
    CodedField,
    PackedRows,
    Reading,
    Tail,
    Unpacked,
)
from router.journal.record import JournalBroken, StoredRecord

if TYPE_CHECKING:
    import pyarrow as pa


def schema(readings: Iterable[Reading], *, lists: bool) -> "pa.Schema":
    """Gives the columns of all readings together, each named once, in the order first met.

    Args:
        readings: every context of the journal; each is let go of once its names are known.
        lists: false for formats without lists, where `safeguards` becomes text.
    """
    import pyarrow as pa

    text = pa.string()
    types: dict[str, pa.DataType] = {
        "seq": pa.int64(),
        "decision_id": text,
        "kind": text,
        "written_at": pa.timestamp("us", tz="UTC"),
        "erased": pa.bool_(),
        "caller": text,
        "case_ref": text,
        "office_ref": text,
        "disclosure": text,
        "status": text,
        "mix": text,
        "adviser_minutes": pa.float32(),
        "model_version": text,
        "policy_version": text,
        "price": pa.float64(),
        "weight": pa.float64(),
        "propensity": pa.float64(),
        "safeguards": pa.list_(text) if lists else text,
    }
    mixes: dict[str, None] = {}
    for reading in readings:
        mixes |= dict.fromkeys(reading.mix_ids)
        for field in reading.features:
            # A field that became an enum is text throughout: a column has one type.
            if field.values is not None:
                types[field.name] = text
            else:
                types.setdefault(field.name, pa.int64())
    for mix in mixes:
        types[f"expected_{mix}"] = pa.float64()
        types[f"error_{mix}"] = pa.float64()
        types[f"permitted_{mix}"] = pa.bool_()
    return pa.schema(list(types.items()))


def columns(chunk: Chunk, target: "pa.Schema") -> "pa.RecordBatch":
    """Gives rows of the target schema, one by record, in their order.

    Args:
        chunk: of any contexts; records are null in most columns where erased.
        target: from `schema`; columns that a record's context lacks are null.

    Raises:
        JournalBroken: if a payload does not fit its context.
    """
    import pyarrow as pa

    count = len(chunk)
    found: dict[str, Any] = {**of_chain(chunk.records)}
    as_text = {field.name for field in target if str(field.type) == "string"}
    for part in chunk.by_context():
        for name, values in of_content(part, as_text).items():
            if name not in found:
                found[name] = np.full(count, None, dtype=object)
            found[name][part.places] = values
    arrays = [
        pa.array(found[field.name], type=field.type)
        if field.name in found
        else pa.nulls(count, field.type)
        for field in target
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=target)


def of_chain(records: Sequence[StoredRecord]) -> dict[str, list[Any]]:
    """Gives what the chain tells of recommendations, also of erased ones, by column."""
    return {
        "seq": [record.seq for record in records],
        "decision_id": [str(uuid.UUID(bytes=record.id)) for record in records],
        "kind": [record.kind for record in records],
        "written_at": [record.written_at for record in records],
        "erased": [record.payload is None for record in records],
        "caller": [record.caller or None for record in records],
    }


def of_content(part: Unpacked, as_text: Collection[str] = ()) -> dict[str, npt.NDArray[Any]]:
    """Gives what the content of recommendations tells, by column.

    Args:
        part: of one context.
        as_text: columns that are text, although they may be numbers or lists here.

    Returns:
        Arrays of Python's own values, shape (n,): one for each record that is not erased.

    Raises:
        JournalBroken: if a payload does not fit the context.
    """
    reading, _, records, rows, tails = part
    try:
        found = _decision(rows, reading)
        for at, field in enumerate(reading.features):
            found[field.name] = by_slot(rows["row"][:, at], field, as_text=field.name in as_text)
    except (ValueError, IndexError) as error:
        first, last = records[0].seq, records[-1].seq
        raise JournalBroken(f"records {first} to {last}: {error}") from error

    for at, name in enumerate(Tail._fields):
        found[name] = _objects([tail[at] for tail in tails])
    if "safeguards" in as_text:
        found["safeguards"] = _objects(["|".join(names) for names in found["safeguards"]])
    return found


def _decision(rows: PackedRows, reading: Reading) -> dict[str, npt.NDArray[Any]]:
    count = len(rows)
    # The last name stands for "none": NO_MIX counts from the end.
    mixes = np.array([*reading.mix_ids, None], dtype=object)
    none = np.full((count, 1), np.nan, np.float32)
    minutes = np.concatenate([rows["minutes"], none], axis=1)
    safeguards = [names_of(int(mask), reading.safeguards) for mask in rows["safeguards"]]

    found: dict[str, npt.NDArray[Any]] = {
        "status": np.array(reading.statuses, dtype=object)[rows["status"]],
        "mix": mixes[rows["mix"]],
        "adviser_minutes": _numbers(minutes[np.arange(count), rows["mix"]]),
        "model_version": np.full(count, reading.model_version, dtype=object),
        "policy_version": np.full(count, reading.policy_version, dtype=object),
        "safeguards": _objects(safeguards),
    }

    for name in ("price", "weight", "propensity"):
        found[name] = _numbers(rows[name])
    for at, mix in enumerate(reading.mix_ids):
        found[f"expected_{mix}"] = _numbers(rows["expected"][:, at])
        found[f"error_{mix}"] = _numbers(rows["error"][:, at])
        bits = rows["permitted"] >> np.uint64(at) & np.uint64(1)
        found[f"permitted_{mix}"] = bits.astype(bool).astype(object)
    return found


def by_slot(slots: npt.NDArray[np.uint16], field: CodedField, *, as_text: bool) -> npt.NDArray[Any]:
    """Gives what slots of a field stand for, shape (n,): texts or numbers, None for unknown.

    Args:
        slots: shape (n,).
        field: as the context tells of it.
        as_text: whether numbers are told as text, in a column that has texts elsewhere.

    Raises:
        IndexError: if a slot is none of the values of an enum.
    """
    if field.values is not None:
        return np.array([None, *field.values], dtype=object)[slots]
    numbers = slots.astype(np.int64) + (field.lower - 1)
    found = (numbers.astype(str) if as_text else numbers).astype(object)
    found[slots == 0] = None
    return found


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found = values.astype(object)
    found[np.isnan(values)] = None
    return found


def names_of(mask: int, names: Sequence[str]) -> list[str]:
    """Names the bits that are set in a mask.

    Raises:
        ValueError: if one is set that has no name.
    """
    # Named by nothing, it would silently be no safeguard at all.
    if mask >> len(names):
        raise ValueError("safeguards: a bit is set that the context does not name")
    return [name for at, name in enumerate(names) if mask >> at & 1]


def _objects(values: Sequence[object]) -> npt.NDArray[Any]:
    # Filled afterwards: NumPy would turn lists of one length into a matrix.
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found
