"""tables.npz: the arrays of decision tables, as bytes and back."""

from __future__ import annotations

import io
import zipfile
from typing import Any

import numpy as np

from router.decision.pairs import Pair
from router.decision.schema import FeatureSet
from router.decision.tables import DecisionTables

# Training adds four at most; the bound is for files that came from elsewhere.
PAIRS_AT_MOST = 100
_ZIP_DATE = (1980, 1, 1, 0, 0, 0)  # fixed, so that equal tables are equal bytes
_KINDS = {
    "values": np.float64,
    "intercept": np.float64,
    "counts": np.int64,
    "pair_columns": np.int64,
    "pair_bins": np.uint16,
    "pair_values": np.float64,
    "pair_counts": np.int64,
}


def tables_bytes(tables: DecisionTables) -> bytes:
    """Writes tables.npz; equal tables give equal bytes.

    Arrays: values (slots, mixes, folds), intercept (mixes, folds) and counts (slots,) of the
    features; of the pairs pair_columns (pairs, 2), pair_bins (the bins of both features' slots, one
    pair after the other), pair_values (cells, mixes, folds) and pair_counts (cells,).
    """
    pairs = tables.pairs
    columns = np.array([(pair.first, pair.second) for pair in pairs], np.int64)
    bins = [side for pair in pairs for side in (pair.first_bins, pair.second_bins)]
    # Joined behind nothing: without pairs NumPy would not know the shape.
    empty = np.zeros((0, *tables.intercept.shape))
    arrays = {
        "values": tables.values,
        "intercept": tables.intercept,
        "counts": tables.counts,
        "pair_columns": columns.reshape(-1, 2),
        "pair_bins": np.concatenate([np.zeros(0), *bins]),
        "pair_values": np.concatenate([empty, *(pair.values for pair in pairs)]),
        "pair_counts": np.concatenate([np.zeros(0), *(pair.counts for pair in pairs)]),
    }

    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, array in arrays.items():
            part = io.BytesIO()
            # By hand, not `np.savez`: that stamps the time of day into the archive.
            np.lib.format.write_array(
                part, np.ascontiguousarray(array, _KINDS[name]), allow_pickle=False
            )
            archive.writestr(
                zipfile.ZipInfo(f"{name}.npy", _ZIP_DATE), part.getvalue(), zipfile.ZIP_DEFLATED
            )
    return out.getvalue()


def read_tables(data: bytes, features: FeatureSet, mixes: int) -> DecisionTables:
    """Reads tables.npz: the inverse of `tables_bytes`.

    Raises:
        ValueError: if an array has another type or shape than that of tables for these features and
            mixes, or there are more than 100 pairs.
        KeyError: if an array is missing.
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in _KINDS}

    # Types are asked for exactly: a conversion would hide a file that nobody here wrote.
    for name, kind in _KINDS.items():
        if arrays[name].dtype != kind:
            raise ValueError(f"tables.npz {name} is {arrays[name].dtype}, not {np.dtype(kind)}")

    values = arrays["values"]
    if values.ndim != 3 or values.shape[1] != mixes:
        raise ValueError(f"tables.npz values {values.shape}, not (slots, {mixes}, folds)")
    return DecisionTables(
        features=features,
        values=values,
        intercept=arrays["intercept"],
        counts=arrays["counts"],
        pairs=tuple(_pairs(arrays, features)),
    )


def _pairs(arrays: dict[str, Any], features: FeatureSet) -> list[Pair]:
    columns, bins = arrays["pair_columns"], arrays["pair_bins"]
    values, counts = arrays["pair_values"], arrays["pair_counts"]
    if columns.ndim != 2 or columns.shape[1] != 2 or bins.ndim != 1 or counts.ndim != 1:
        names = "pair_columns, pair_bins and pair_counts"
        raise ValueError(f"tables.npz {names} must have shape (pairs, 2), (n,) and (n,)")
    if len(columns) > PAIRS_AT_MOST:
        held = f"tables.npz pair_columns has {len(columns)} pairs"
        raise ValueError(f"{held}; at most {PAIRS_AT_MOST} are permitted")
    if not ((columns >= 0) & (columns < len(features.features))).all():
        raise ValueError(f"tables.npz pair_columns must be 0 to {len(features.features) - 1}")

    # Pairs lie end to end without lengths: how many bins and cells
    # each has follows from the schema and from its highest bins.
    found, bin_, cell = [], 0, 0
    for first, second in columns.tolist():
        sizes = [features.features[column].slots for column in (first, second)]
        sides = np.split(bins[bin_ : bin_ + sum(sizes)], sizes[:1])
        bin_ += sum(sizes)
        cells = (int(sides[0].max(initial=0)) + 1) * (int(sides[1].max(initial=0)) + 1)
        part = slice(cell, cell + cells)
        cell += cells
        found.append(
            Pair(
                first=first,
                second=second,
                first_bins=sides[0],
                second_bins=sides[1],
                values=values[part],
                counts=counts[part],
            )
        )

    # A slice beyond the end is short without an error, and what is left over nobody would miss.
    if bin_ != len(bins) or cell != len(values) or cell != len(counts):
        held = f"tables.npz has {len(bins)} bins and {len(values)} cells"
        raise ValueError(f"{held}; its pairs have {bin_} and {cell}")
    return found
