"""Advice of a whole journal, case by case: more of it than memory holds, some cases at a time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping
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

    def __init__(self, files: ExitStack, offices: Collection[str] | None = None) -> None:
        """Begins with none.

        Args:
            files: which lets go of what it keeps.
            offices: whose cases are asked for; None for all.
        """
        self._rows = files.enter_context(Shelf(self.dtype))
        self._case_keys = CaseKeys()
        self._offices = Names()
        self._asked = offices

    @abstractmethod
    def told(self, part: Unpacked, standing: Mapping[bytes, Standing]) -> tuple[Packed, Flags]:
        """Gives what is to be kept of advice of one context, and which of it tells something.

        Returns:
            Rows and flags, both (n,); whose the rows are, and where they stand, is filled in.
        """

    @abstractmethod
    def found(self) -> _Found:
        """Gives what is told of the cases, of the offices asked for."""

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

    def each(self, chosen: Callable[[Packed], Packed]) -> tuple[Texts, Packed]:
        """Gives what is chosen of each case.

        Args:
            chosen: gives one row or none of each case, from all rows of whole cases.

        Returns:
            References of the offices, and rows, both (n,): those of the offices asked for, by day
            and then in the chain's order.
        """
        asked = np.array(
            [self._asked is None or name in self._asked for name in self._offices.numbers], bool
        )
        parts = []
        for part in range(_PARTS):
            found = chosen(self._rows.of(part))
            parts.append(found[asked[found["office"]]])
        cases = np.concatenate(parts)
        # Of a country's year they are gigabytes, which are not to be held three times.
        parts.clear()
        cases = cases[np.lexsort((cases["seq"], cases["day"]))]
        return self._offices.names(cases["office"]), cases


def read_by_case(
    store: JournalReader, kind: Callable[[ExitStack], ByCase[_Found]], until: int | None = None
) -> _Found:
    """Reads a whole journal for one question, of any office.

    Args:
        store: the journal.
        kind: of what is asked.
        until: only what was written before, microseconds since 1970, UTC.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    with read_alone(store, kind, until) as one:
        return one.found()
