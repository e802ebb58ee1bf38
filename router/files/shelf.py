"""Rows kept by key in a file without a name: more of them than memory holds."""

from __future__ import annotations

import os
import tempfile
from array import array
from types import TracebackType
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

Packed = NDArray[np.void]
"""Rows of one dtype, without objects."""
# Where rows of a key stand is noted each time they are written: so many are written at once, or the
# notes would grow with the rows of whoever brings a few at a time.
_AT_ONCE = 16_384


class Shelf:
    """Takes rows some at a time, and gives those of a key in the order in which they came.

    The file is in the system's folder for such files (TMPDIR), readable by this process alone, and
    gone with it, however it ends.
    """

    def __init__(self, dtype: np.dtype[np.void]) -> None:
        """Begins with no rows.

        Raises:
            OSError: if no file can be made.
        """
        self._dtype = dtype
        self._file = tempfile.TemporaryFile(prefix="router-", buffering=0)  # noqa: SIM115 # closed by __exit__
        # By key, where its rows stand: first one and how many, in turn.
        self._runs: dict[int, array[int]] = {}
        self._written = 0
        self._waiting: list[tuple[NDArray[np.int64], Packed]] = []
        self._length = 0

    def __enter__(self) -> Self:
        """Gives itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Lets go of the file."""
        self._file.close()

    def __len__(self) -> int:
        """Counts the rows."""
        return self._length

    def add(self, keys: NDArray[np.int64], rows: Packed) -> None:
        """Takes rows, shape (n,), with a key for each; nobody may change them afterwards.

        Raises:
            OSError: if they cannot be kept, such as for want of room.
        """
        if len(rows):
            self._waiting.append((keys, rows))
            self._length += len(rows)
        if self._length - self._written >= _AT_ONCE:
            self._write()

    def _write(self) -> None:
        """Writes what waits, by key."""
        if not self._waiting:
            return
        keys, rows = (np.concatenate(parts) for parts in zip(*self._waiting, strict=True))
        order = np.argsort(keys, kind="stable")
        sorted_keys = keys[order]
        starts = np.flatnonzero(np.concatenate([[True], sorted_keys[1:] != sorted_keys[:-1]]))
        counts = np.diff([*starts.tolist(), len(rows)])
        for key, start, count in zip(
            sorted_keys[starts].tolist(), starts.tolist(), counts.tolist(), strict=True
        ):
            self._runs.setdefault(key, array("Q")).extend((self._written + start, count))
        left = memoryview(rows[order].tobytes())
        while left:
            left = left[self._file.write(left) :]
        self._waiting.clear()
        self._written = self._length

    def of(self, key: int) -> Packed:
        """Gives the rows of a key, shape (n,); none if it has none.

        Raises:
            OSError: if what was taken cannot be kept, such as for want of room.
        """
        self._write()
        runs, size = self._runs.get(key, array("Q")), self._dtype.itemsize
        parts = [
            os.pread(self._file.fileno(), count * size, first * size)
            for first, count in zip(runs[::2], runs[1::2], strict=True)
        ]
        return np.frombuffer(b"".join(parts), self._dtype)

    @property
    def keys(self) -> list[int]:
        """Lists the keys that have rows, sorted; raises as `of` does."""
        self._write()
        return sorted(self._runs)


class Names:
    """Numbers for names, in the order in which they were first met."""

    def __init__(self) -> None:
        self._numbers: dict[Any, int] = {}

    def number(self, names: NDArray[Any]) -> NDArray[np.int64]:
        """Gives the number of each name, shape (n,)."""
        known = self._numbers
        found = [known.setdefault(name, len(known)) for name in names.tolist()]
        return np.array(found, np.int64)

    def names(self, numbers: NDArray[Any]) -> NDArray[Any]:
        """Gives the name of each number, shape (n,), dtype object."""
        table = np.empty(len(self._numbers), object)
        table[:] = list(self._numbers)
        found: NDArray[Any] = table[numbers.astype(np.int64)]
        return found

    @property
    def numbers(self) -> dict[Any, int]:
        """All of them by name."""
        return self._numbers
