"""Advice of a whole journal, case by case: more of it than memory holds, some cases at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from typing import ClassVar, Generic, TypeVar

import numpy as np

from router.files.shelf import Names, Packed, Shelf
from router.journal.recommendation import Chunk, Unpacked
from router.journal.standing import Standing
from router.journal.store import JournalReader
from router.ledger.arithmetic import Flags
from router.ledger.entries import Names as Texts
from router.ledger.reading import CaseKeys, read_alone

_PARTS = 256
_Found = TypeVar("_Found")


class ByCase(ABC, Generic[_Found]):
    """Takes advice as the journal has it, and gives it back by case.

    Attributes:
        dtype: of a row, with `seq`, `case`, `office` and `day` among its fields.
    """

    dtype: ClassVar[np.dtype[np.void]]

    def __init__(self, files: ExitStack) -> None:
        """Begins with none.

        Args:
            files: which lets go of what it keeps.
        """
        self._rows = files.enter_context(Shelf(self.dtype))
        # What is told of each case, by office: made when it is first asked for.
        self._cases = files.enter_context(Shelf(self.dtype))
        self._sorted = False
        self._case_keys = CaseKeys()
        self._offices = Names()

    @abstractmethod
    def told(self, part: Unpacked, standing: Mapping[bytes, Standing]) -> tuple[Packed, Flags]:
        """Gives what is to be kept of advice of one context, and which of it tells something.

        Returns:
            Rows and flags, both (n,); whose the rows are, and where they stand, is filled in.
        """

    @abstractmethod
    def chosen(self, rows: Packed) -> Packed:
        """Gives one row or none of each case, from all rows of whole cases."""

    @abstractmethod
    def found(self, office: Texts, cases: Packed) -> _Found:
        """Gives what is told of cases, from their rows and the references of their offices."""

    def take(self, chunk: Chunk, standing: Mapping[bytes, Standing]) -> None:
        """Takes recommendations with what stands for them; see `reading.Taking`."""
        for part in chunk.held().by_context():
            rows, tells = self.told(part, standing)
            refs = [tail.case_ref for tail in part.tails]
            rows["seq"] = [record.seq for record in part.records]
            rows["case"] = self._case_keys.numbers(refs, rows["seq"])
            rows["office"] = self._offices.number(
                np.array([tail.office_ref for tail in part.tails], object)
            )
            # What names no case is of none.
            kept = rows[tells & np.array([bool(ref) for ref in refs], bool)]
            self._rows.add((kept["case"] % _PARTS).astype(np.int64), kept)

    def of(self, office: str) -> _Found:
        """Gives what is told of the cases of an office, by day and then in the chain's order."""
        self._sort()
        return self._told_of(self._cases.of(self._offices.numbers.get(office, -1)))

    def every(self) -> _Found:
        """Gives what is told of all cases, likewise: where memory holds them."""
        self._sort()
        parts = [self._cases.of(office) for office in self._offices.numbers.values()]
        return self._told_of(np.concatenate([np.zeros(0, self.dtype), *parts]))

    def _told_of(self, cases: Packed) -> _Found:
        cases = cases[np.lexsort((cases["seq"], cases["day"]))]
        return self.found(self._offices.names(cases["office"]), cases)

    def _sort(self) -> None:
        """Looks for what is told of each case, some cases at a time, and keeps it by office."""
        if not self._sorted:
            for part in range(_PARTS):
                cases = self.chosen(self._rows.of(part))
                self._cases.add(cases["office"].astype(np.int64), cases)
            self._sorted = True


def read_by_case(
    store: JournalReader, kind: Callable[[ExitStack], ByCase[_Found]], until: int | None = None
) -> _Found:
    """Reads a whole journal for one question, of all offices at once.

    Args:
        store: the journal.
        kind: of what is asked.
        until: only what was written before, microseconds since 1970, UTC.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    with read_alone(store, kind, until) as one:
        return one.every()
