"""What is wrong with cases: by field of a message, by column and row of a file; told at once."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from router.cases.national_id import holds_national_id
from router.mendable import Mendable

_SHOWN = 5
_SHOWN_CHARACTERS = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldProblem:
    """What is wrong with one field of one case.

    Attributes:
        index: of the case, among several.
        field: path within the case.
        description: the value's problem with the bound.
    """

    index: int
    field: str
    description: str


class CasesRefused(Mendable, ValueError):
    """A file of cases cannot be used.

    The message names file, column, rows and bound of what is wrong.
    """


class _Values(Protocol):
    """Values by row."""

    def __getitem__(self, row: int, /) -> object: ...


@dataclass(slots=True)
class _Cells:
    shown: list[str] = field(default_factory=list)
    count: int = 0


class Problems:
    """What is wrong with files of cases; rows are numbered from 1, a CSV's header not counted."""

    def __init__(self) -> None:
        # A dict in the place of a set: told once, and in the order in which they were met.
        self._texts: dict[str, None] = {}
        self._cells: dict[tuple[str, str, bool], _Cells] = {}

    def add(self, where: str, problem: str) -> None:
        """Adds a problem of a whole file or column, once."""
        self._texts[f"{where}: {problem}"] = None

    def cells(
        self,
        where: str,
        bad: NDArray[np.bool_],
        first_row: int,
        bound: str,
        values: _Values | None = None,
    ) -> None:
        """Adds cells of one batch.

        Args:
            where: file and column.
            bad: which rows of the batch, shape (n,).
            first_row: rows of the file before the batch.
            bound: what is permitted; without values, what the rows have in common.
            values: of the batch, shown in the message unless they look like a national identity
                number.
        """
        places = np.flatnonzero(bad)
        if not len(places):
            return

        # Counted over all batches: a file may be wrong in a million rows for one reason.
        found = self._cells.setdefault((where, bound, values is None), _Cells())
        found.count += len(places)
        for place in places[: _SHOWN - len(found.shown)].tolist():
            row = first_row + place + 1
            if values is None:
                found.shown.append(f"{row}")
                continue
            value = values[place]
            found.shown.append(f"row {row}: {'empty' if value is None else shown(value)}")

    def refuse(self) -> None:
        """Refuses the files if anything was added.

        Raises:
            CasesRefused: with every problem, one a line.
        """
        lines = list(self._texts)
        for (where, bound, bare), found in self._cells.items():
            more = found.count - len(found.shown)
            rows = ", ".join(found.shown) + (f" and {more} more" if more else "")
            if bare:
                lines.append(f"{where}: rows {rows}: {bound}")
            else:
                lines.append(f"{where}: {rows}; permitted is {bound}")
        if lines:
            raise CasesRefused("\n".join(lines))


def shown_name(name: str) -> str:
    """Shows the name of a column: as it is, or as a value that is no good one."""
    return name if name.isidentifier() and not holds_national_id(name) else shown(name)


def shown(value: object) -> str:
    """Shows a value as messages do: short, and never a national identity number."""
    text = str(value)
    # Messages end up in logs, terminals and tickets.
    if holds_national_id(text):
        return "(looks like a national identity number)"
    if len(text) > _SHOWN_CHARACTERS:
        return f"{text[:_SHOWN_CHARACTERS]!r}..."
    return repr(value)
