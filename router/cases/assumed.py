"""What was assumed of files when they were read: said once, grouped, and never in silence."""

from __future__ import annotations

from collections.abc import Collection

NO_CASE = "files hold no case"
"""Noted of parts of several, such as Spark writes where a filter left nothing."""
_SHOWN = 8


class Assumed:
    """Collects assumptions, each with the columns and the files that it is of."""

    def __init__(self) -> None:
        # Dicts in the place of sets: in the order in which they were met.
        self._of: dict[str, tuple[dict[str, None], dict[str, None]]] = {}

    def add(self, what: str, column: str = "", file: str = "") -> None:
        """Notes an assumption, once."""
        columns, files = self._of.setdefault(what, ({}, {}))
        if column:
            columns[column] = None
        if file:
            files[file] = None

    def merge(self, other: Assumed) -> None:
        """Notes what was assumed elsewhere."""
        for what, (columns, files) in other._of.items():
            own = self._of.setdefault(what, ({}, {}))
            own[0].update(columns)
            own[1].update(files)

    def lines(self) -> list[str]:
        """Gives a line for each assumption."""
        told = []
        for what, (columns, files) in self._of.items():
            named = f": {few(columns)}" if columns else ""
            where = f" ({few(files) if len(files) == 1 else f'{len(files)} files'})"
            told.append(f"{what}{named}{where if files else ''}")
        return told


def few(names: Collection[str]) -> str:
    """Names the first of several, and says how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(list(names)[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
