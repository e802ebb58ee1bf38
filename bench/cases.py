"""Cases at random, every field known and even over its values: what files are measured with."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from router.cases.features import FEATURES


def random_cases(rng: np.random.Generator, count: int, first: int = 0) -> pa.Table:
    """Gives a table of cases.

    Args:
        rng: what is drawn with.
        count: rows.
        first: number of the first one, for its reference.
    """
    references = [f"c-{first + n:08x}" for n in range(count)]
    columns = {"case_ref": pa.array(references, pa.string())}
    for feature in FEATURES.features:
        if feature.values:
            places = pa.array(rng.integers(0, len(feature.values), count))
            columns[feature.name] = pa.array(feature.values).take(places)
        else:
            columns[feature.name] = pa.array(rng.integers(feature.lower, feature.upper + 1, count))
    columns["shielded"] = pa.array(["NO"] * count, pa.string())
    return pa.table(columns)


def folder_of_cases(folder: Path, sizes: dict[str, int], group: int) -> None:
    """Writes files of random cases.

    Args:
        folder: where; its folders are made.
        sizes: rows by name of the file, relative to the folder.
        group: rows of a row group.
    """
    rng, first = np.random.default_rng(0), 0
    for name, count in sizes.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with pq.ParquetWriter(path, random_cases(rng, 0).schema) as writer:
            # A group at a time: a file may be larger than the memory.
            for start in range(0, count, group):
                rows = min(group, count - start)
                writer.write_table(random_cases(rng, rows, first + start), row_group_size=rows)
        first += count
