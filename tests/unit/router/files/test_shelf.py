"""Rows wait in a file by key."""

import tracemalloc

import numpy as np

from router.files.shelf import Shelf

ROW = np.dtype([("number", "<i8"), ("text", "S3")])


def test_rows_of_a_key_come_back_in_the_order_in_which_they_came() -> None:
    with Shelf(ROW) as shelf:
        for start in (0, 5):
            rows = np.zeros(5, ROW)
            rows["number"] = np.arange(start, start + 5)
            shelf.add(rows["number"] % 3 - 1, rows)
        assert len(shelf) == 10
        assert shelf.keys == [-1, 0, 1]
        assert [shelf.of(key)["number"].tolist() for key in shelf.keys] == [
            [0, 3, 6, 9],
            [1, 4, 7],
            [2, 5, 8],
        ]
        assert not len(shelf.of(7))


def test_memory_does_not_grow_with_rows_that_come_a_few_at_a_time() -> None:
    with Shelf(ROW) as shelf:
        held = []
        tracemalloc.start()
        for number in range(50_000):
            rows = np.zeros(4, ROW)
            rows["number"] = 4 * number + np.arange(4)
            shelf.add(rows["number"] * 7 % 251, rows)
            if number in (25_000, 49_999):
                held.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
        # Where 100,000 more rows stand would be 1.6 MB, noted one by one.
        assert held[1] - held[0] < 500_000
        assert sorted(shelf.of(3)["number"] * 7 % 251) == [3] * len(shelf.of(3))
