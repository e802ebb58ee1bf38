"""Rows wait in a file by key."""

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
