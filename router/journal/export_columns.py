"""Payloads of one context as columns."""

import json
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from router.journal.payload import NO_MIX, Tail, layout, unpack
from router.journal.record import Context, JournalBroken, StoredRecord

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True, slots=True, kw_only=True)
class Feature:
    """One field of a case, as its slots are counted.

    Attributes:
        name: Column name.
        lower: What slot 1 stands for; ignored when there are values.
        values: Names of an enum's values from slot 1 on; None for an integer.
    """

    name: str
    lower: int
    values: tuple[str, ...] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What a context document tells about the payloads written under it."""

    model_version: str
    policy_version: str
    features: tuple[Feature, ...]
    mixes: tuple[str, ...]
    statuses: tuple[str, ...]
    safeguards: tuple[str, ...]

    @classmethod
    def of(cls, context: Context) -> "Reading":
        """Read a context document.

        Raises:
            JournalBroken: It is not JSON, or a part is missing.
        """
        try:
            content = json.loads(context.document)
            return cls(
                model_version=content["model_version"],
                policy_version=content["policy_version"],
                features=tuple(_feature(one) for one in content["features"]),
                mixes=tuple(mix["id"] for mix in content["mixes"]),
                statuses=tuple(content["statuses"]),
                safeguards=tuple(content["safeguards"]),
            )
        except (ValueError, KeyError, TypeError) as error:
            raise JournalBroken(
                f"context {context.digest.hex()[:12]}: cannot be read ({error!r})"
            ) from error


def _feature(content: dict[str, Any]) -> Feature:
    values = content["values"]
    return Feature(
        name=content["name"],
        lower=0 if values else int(content["lower"]),
        values=tuple(values) if values else None,
    )


def schema(readings: Sequence[Reading], *, lists: bool) -> "pa.Schema":
    """Columns of all the readings together, each named once, in the order first met.

    Args:
        readings: Every context of the journal.
        lists: False for formats without lists, where `safeguards` becomes text.
    """
    import pyarrow as pa

    text = pa.string()
    types: dict[str, pa.DataType] = {
        "seq": pa.int64(),
        "decision_id": text,
        "kind": text,
        "written_at": pa.timestamp("us", tz="UTC"),
        "erased": pa.bool_(),
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
    for feature in (feature for reading in readings for feature in reading.features):
        # A field that became an enum is text throughout: a column has one type.
        if feature.values is not None:
            types[feature.name] = text
        else:
            types.setdefault(feature.name, pa.int64())
    for mix in dict.fromkeys(mix for reading in readings for mix in reading.mixes):
        types[f"expected_{mix}"] = pa.float64()
        types[f"error_{mix}"] = pa.float64()
        types[f"permitted_{mix}"] = pa.bool_()
    return pa.schema(list(types.items()))


def columns(
    records: Sequence[StoredRecord], reading: Reading, target: "pa.Schema"
) -> "pa.RecordBatch":
    """Rows of the target schema.

    Args:
        records: All written under one context.
        reading: That context.
        target: From `schema`; columns the reading lacks are null.

    Raises:
        JournalBroken: A payload does not fit the context.
    """
    import pyarrow as pa

    erased = np.array([record.payload is None for record in records])
    found = _chain(records, erased) | _nulled(_kept(records, reading, target), erased)
    arrays = [
        pa.nulls(len(records), field.type)
        if field.name not in found
        else pa.array(found[field.name], type=field.type)
        for field in target
    ]
    return pa.RecordBatch.from_arrays(arrays, schema=target)


def _chain(records: Sequence[StoredRecord], erased: npt.NDArray[np.bool_]) -> dict[str, Any]:
    return {
        "seq": [record.seq for record in records],
        "decision_id": [str(uuid.UUID(bytes=record.id)) for record in records],
        "kind": [record.kind for record in records],
        "written_at": [record.written_at for record in records],
        "erased": erased,
    }


def _kept(records: Sequence[StoredRecord], reading: Reading, target: "pa.Schema") -> dict[str, Any]:
    """Object arrays by column, one entry per record that is not erased."""
    dtype = layout(len(reading.features), len(reading.mixes))
    kept = [record for record in records if record.payload is not None]
    try:
        rows, tails = unpack(dtype, [record.payload or b"" for record in kept])
        found = _decision(rows, reading)
        for at, feature in enumerate(reading.features):
            as_text = str(target.field(feature.name).type) == "string"
            found[feature.name] = _by_slot(rows["row"][:, at], feature, as_text=as_text)
    except (ValueError, IndexError) as error:
        raise JournalBroken(f"records {records[0].seq} to {records[-1].seq}: {error}") from error
    for name, texts in zip(
        Tail._fields, zip(*tails, strict=True) if tails else ((),) * len(Tail._fields), strict=True
    ):
        found[name] = _objects(texts)
    if str(target.field("safeguards").type) == "string":
        found["safeguards"] = _objects(["|".join(names) for names in found["safeguards"]])
    return found


def _decision(rows: npt.NDArray[np.void], reading: Reading) -> dict[str, npt.NDArray[Any]]:
    count = len(rows)
    # The last name stands for "none": NO_MIX counts from the end.
    mixes = np.array([*reading.mixes, None], dtype=object)
    minutes = np.concatenate([rows["minutes"], np.full((count, 1), np.nan, np.float32)], axis=1)
    if count and (int(rows["mix"].min()) < NO_MIX or int(rows["mix"].max()) >= len(reading.mixes)):
        raise ValueError("mix: not one of the context's mixes")
    found: dict[str, npt.NDArray[Any]] = {
        "status": np.array(reading.statuses, dtype=object)[rows["status"]],
        "mix": mixes[rows["mix"]],
        "adviser_minutes": _numbers(minutes[np.arange(count), rows["mix"]]),
        "model_version": np.full(count, reading.model_version, dtype=object),
        "policy_version": np.full(count, reading.policy_version, dtype=object),
        "safeguards": _objects(
            [_names(int(mask), reading.safeguards) for mask in rows["safeguards"]]
        ),
    }
    for name in ("price", "weight", "propensity"):
        found[name] = _numbers(rows[name])
    for at, mix in enumerate(reading.mixes):
        found[f"expected_{mix}"] = _numbers(rows["expected"][:, at])
        found[f"error_{mix}"] = _numbers(rows["error"][:, at])
        bits = rows["permitted"] >> np.uint64(at) & np.uint64(1)
        found[f"permitted_{mix}"] = bits.astype(bool).astype(object)
    return found


def _by_slot(slots: npt.NDArray[np.uint16], feature: Feature, *, as_text: bool) -> npt.NDArray[Any]:
    if feature.values is not None:
        return np.array([None, *feature.values], dtype=object)[slots]
    numbers = slots.astype(np.int64) + (feature.lower - 1)
    found = (numbers.astype(str) if as_text else numbers).astype(object)
    found[slots == 0] = None
    return found


def _numbers(values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    found = values.astype(object)
    found[np.isnan(values)] = None
    return found


def _names(mask: int, names: Sequence[str]) -> list[str]:
    if mask >> len(names):
        raise ValueError("safeguards: a bit is set that the context does not name")
    return [name for at, name in enumerate(names) if mask >> at & 1]


def _objects(values: Sequence[object]) -> npt.NDArray[Any]:
    # Filled afterwards: NumPy would turn lists of one length into a matrix.
    found = np.empty(len(values), dtype=object)
    found[:] = values
    return found


def _nulled(kept: dict[str, Any], erased: npt.NDArray[np.bool_]) -> dict[str, Any]:
    """Spread the kept entries over all records, null where erased."""
    if not erased.any():
        return kept
    found = {}
    for name, values in kept.items():
        found[name] = np.full(len(erased), None, dtype=object)
        found[name][~erased] = values
    return found
