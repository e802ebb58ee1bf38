"""tables.npz: what is written is read back equal; a file of other tables is refused, and why."""

import dataclasses
import io

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.versions.table_file import PAIRS_AT_MOST, read_tables, tables_bytes
from tests.builders import a_catalogue, random_rows, random_tables
from tests.unit.router.versions.harmful_tables import npz

MIXES = len(a_catalogue().mixes)
TABLES = random_tables(4)
DATA = tables_bytes(TABLES)


def arrays() -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(DATA), allow_pickle=False) as archive:
        return {name: archive[name] for name in archive.files}


def test_tables_that_were_written_are_read_back_equal_pairs_included() -> None:
    found = read_tables(DATA, FEATURES, MIXES)
    rows = random_rows(1, 200)
    assert len(found.pairs) == 2
    assert [(one.first, one.second) for one in found.pairs] == [
        (one.first, one.second) for one in TABLES.pairs
    ]
    assert np.array_equal(found.fold_values(rows), TABLES.fold_values(rows))
    assert np.array_equal(found.counts, TABLES.counts)
    assert np.array_equal(found.pairs[1].counts, TABLES.pairs[1].counts)


def test_equal_tables_are_equal_bytes() -> None:
    assert tables_bytes(random_tables(4)) == DATA
    assert tables_bytes(read_tables(DATA, FEATURES, MIXES)) == DATA
    assert tables_bytes(random_tables(5)) != DATA


def test_tables_without_pairs_are_read_back_without_pairs() -> None:
    alone = dataclasses.replace(TABLES, pairs=())
    found = read_tables(tables_bytes(alone), FEATURES, MIXES)
    assert found.pairs == ()
    assert np.array_equal(found.values, TABLES.values)


def test_a_hundred_pairs_are_read_and_one_more_is_refused_with_the_bound() -> None:
    some = tuple(TABLES.pairs[number % 2] for number in range(PAIRS_AT_MOST))
    most = dataclasses.replace(TABLES, pairs=some)
    assert len(read_tables(tables_bytes(most), FEATURES, MIXES).pairs) == 100
    more = dataclasses.replace(TABLES, pairs=(*some, TABLES.pairs[0]))
    with pytest.raises(ValueError, match=r"pair_columns has 101 pairs; at most 100 are permitted"):
        read_tables(tables_bytes(more), FEATURES, MIXES)


def test_a_great_number_of_pairs_is_refused_before_any_of_them_is_looked_at() -> None:
    many = npz(arrays() | {"pair_columns": np.zeros((1_000_000, 2), np.int64)})
    with pytest.raises(ValueError, match="1000000 pairs; at most 100"):
        read_tables(many, FEATURES, MIXES)


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"pair_columns": np.array([[0, 99]])}, "pair_columns must be 0 to"),
        ({"pair_columns": np.array([[-1, 0]])}, "pair_columns must be 0 to"),
        ({"pair_columns": np.zeros(4, np.int64)}, r"must have shape \(pairs, 2\)"),
        ({"pair_columns": np.zeros((0, 2), np.int64)}, "its pairs have 0 and 0"),
        ({"pair_counts": np.zeros(1, np.int64)}, "counts"),
        ({"counts": np.zeros(3, np.float64)}, "counts is float64, not int64"),
        ({"values": np.zeros((3, MIXES))}, rf"not \(slots, {MIXES}, folds\)"),
    ],
)
def test_arrays_that_do_not_fit_each_other_are_refused_by_name(
    changed: dict[str, np.ndarray], says: str
) -> None:
    with pytest.raises(ValueError, match=says):
        read_tables(npz(arrays() | changed), FEATURES, MIXES)


def test_an_array_that_is_missing_is_named() -> None:
    left = {name: array for name, array in arrays().items() if name != "pair_values"}
    with pytest.raises(KeyError, match="pair_values"):
        read_tables(npz(left), FEATURES, MIXES)


def test_tables_of_another_number_of_mixes_are_refused() -> None:
    with pytest.raises(ValueError, match=rf"not \(slots, {MIXES - 1}, folds\)"):
        read_tables(DATA, FEATURES, MIXES - 1)
