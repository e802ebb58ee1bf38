"""Numbers of records as runs: those of an expired month are one run, not a hundred thousand."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator


class Seqs:
    """A set of numbers, kept as runs of neighbours in rising order."""

    def __init__(self, numbers: Iterable[int] = ()) -> None:
        """Takes numbers in rising order."""
        self._first: list[int] = []
        self._last: list[int] = []
        for number in numbers:
            self.add(number)

    @classmethod
    def parse(cls, runs: list[object]) -> Seqs:
        """Reads what `runs` gave, as JSON has it.

        Raises:
            ValueError: if these are no runs in rising order.
        """
        found = cls()
        for run in runs:
            match run:
                case [int(first), int(last)] if found.end < first <= last:
                    found._first.append(first)
                    found._last.append(last)
                case _:
                    raise ValueError(f"{run!r} is no run of numbers behind {found.end}")
        return found

    @classmethod
    def union(cls, several: Iterable[Seqs]) -> Seqs:
        """Gives the numbers that are in any of several sets."""
        found = cls()
        for first, last in sorted(tuple(run) for one in several for run in one.runs):
            if found._last and first <= found._last[-1] + 1:
                found._last[-1] = max(last, found._last[-1])
            else:
                found._first.append(first)
                found._last.append(last)
        return found

    @property
    def end(self) -> int:
        """The highest number, 0 without any."""
        return self._last[-1] if self._last else 0

    @property
    def runs(self) -> list[list[int]]:
        """The first and last number of each run."""
        return [list(run) for run in zip(self._first, self._last, strict=True)]

    def add(self, number: int) -> None:
        """Adds a number behind all others.

        Raises:
            ValueError: if it is not behind them.
        """
        if number <= self.end:
            raise ValueError(f"{number} is not behind {self.end}")
        if self._last and number == self._last[-1] + 1:
            self._last[-1] = number
        else:
            self._first.append(number)
            self._last.append(number)

    def without(self, others: Seqs) -> Iterator[int]:
        """Yields the numbers that are not among the others."""
        return (number for number in self if number not in others)

    def __contains__(self, number: int) -> bool:
        at = bisect_right(self._first, number) - 1
        return at >= 0 and number <= self._last[at]

    def __iter__(self) -> Iterator[int]:
        for first, last in zip(self._first, self._last, strict=True):
            yield from range(first, last + 1)

    def __len__(self) -> int:
        return sum(last - first + 1 for first, last in zip(self._first, self._last, strict=True))
