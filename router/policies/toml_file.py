"""Reads TOML that people edit: every error names file, key, the value's problem and the bound."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from router.mendable import Mendable


class PolicyError(Mendable, ValueError):
    """A file under policies/ cannot be used; the message says which key and why."""


class TomlTable:
    """One table of a TOML file; values are taken by key, and what nobody took is an error."""

    def __init__(self, path: Path, values: dict[str, Any], prefix: str = "") -> None:
        self._path = path
        # A copy, since what is taken is removed: what is left at the end is what nobody knew.
        self._values = dict(values)
        self._prefix = prefix

    def error(self, key: str, problem: str) -> PolicyError:
        """Makes an error that names the file and the key."""
        return PolicyError(f"{self._path}: {self._prefix}{key}: {problem}")

    def has(self, key: str) -> bool:
        """Says whether the key is there and not taken yet."""
        return key in self._values

    def _take(self, key: str) -> Any:  # noqa: ANN401 - TOML values have many types
        if key not in self._values:
            raise self.error(key, "is missing")
        return self._values.pop(key)

    def number(self, key: str, lower: float, upper: float) -> float:
        """Takes a number within bounds.

        Raises:
            PolicyError: if it is missing, no number, or outside.
        """
        value = self._take(key)
        # To Python a bool is an int, and `true` for a price would pass as 1.
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error(key, f"{value!r} is not a number")
        # Written so that NaN, which TOML knows, is outside too.
        if not lower <= value <= upper:
            raise self.error(key, f"{value} is outside {lower} to {upper}")
        return float(value)

    def integer(self, key: str, lower: int, upper: int) -> int:
        """Takes a whole number within bounds.

        Raises:
            PolicyError: if it is missing, not whole, or outside.
        """
        value = self.number(key, lower, upper)
        if value != int(value):
            raise self.error(key, f"{value} is not a whole number")
        return int(value)

    def text(self, key: str) -> str:
        """Takes a text that is not empty.

        Raises:
            PolicyError: if it is missing, no text, or empty.
        """
        value = self._take(key)
        if not isinstance(value, str) or not value:
            raise self.error(key, f"{value!r} is not a text")
        return value

    def one_of(self, key: str, known: Sequence[str]) -> str:
        """Takes one of the known texts.

        Raises:
            PolicyError: if it is another.
        """
        value = self.text(key)
        if value not in known:
            raise self.error(key, f"{value!r} is not one of {', '.join(known)}")
        return value

    def texts(self, key: str, known: Sequence[str]) -> tuple[str, ...]:
        """Takes a list of known texts.

        Raises:
            PolicyError: if it is no list, or holds another.
        """
        values = self._take(key)
        if not isinstance(values, list) or any(value not in known for value in values):
            raise self.error(key, f"{values!r} must be a list of {', '.join(known)}")
        return tuple(values)

    def names(self, key: str, problem: Callable[[str], str]) -> tuple[str, ...]:
        """Takes a list of different texts that are good; an empty one if it is missing.

        Args:
            key: of the list.
            problem: tells what is wrong with a text, "" if nothing is; the text is not repeated
                unless it does.

        Raises:
            PolicyError: if it is no list of texts, or one is not good or there twice.
        """
        values = self._take(key) if self.has(key) else []
        if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
            raise self.error(key, f"{values!r} is not a list of texts")
        for at, value in enumerate(values):
            told = "is there twice" if value in values[:at] else problem(value)
            if told:
                raise self.error(f"{key}[{at}]", told)
        return tuple(values)

    def keys(self) -> tuple[str, ...]:
        """Gives the keys that are not taken yet, of a table whose keys are names."""
        return tuple(self._values)

    def boolean(self, key: str) -> bool:
        """Takes true or false.

        Raises:
            PolicyError: if it is anything else.
        """
        value = self._take(key)
        if not isinstance(value, bool):
            raise self.error(key, f"{value!r} is not true or false")
        return value

    def table(self, key: str) -> TomlTable:
        """Takes a table within.

        Raises:
            PolicyError: if it is none.
        """
        value = self._take(key)
        if not isinstance(value, dict):
            raise self.error(key, f"{value!r} is not a table")
        return TomlTable(self._path, value, f"{self._prefix}{key}.")

    def table_or_empty(self, key: str) -> TomlTable:
        """Takes a table within; an empty one if it is missing.

        Raises:
            PolicyError: if it is no table.
        """
        if self.has(key):
            return self.table(key)
        return TomlTable(self._path, {}, f"{self._prefix}{key}.")

    def tables(self, key: str, fewest: int, most: int) -> list[TomlTable]:
        """Takes a list of tables.

        Raises:
            PolicyError: if it is none, or has too few or too many.
        """
        values = self._take(key)
        if not isinstance(values, list) or not all(isinstance(value, dict) for value in values):
            raise self.error(key, "is not a list of tables")
        if not fewest <= len(values) <= most:
            raise self.error(key, f"has {len(values)} entries; {fewest} to {most} are permitted")
        return [
            TomlTable(self._path, v, f"{self._prefix}{key}[{i}].") for i, v in enumerate(values)
        ]

    def span(self, key: str) -> tuple[float, float]:
        """Takes two numbers, the lowest and the highest that are permitted.

        Raises:
            PolicyError: if it is missing or anything else.
        """
        values = self._take(key)
        numbers = isinstance(values, list) and all(
            isinstance(value, int | float) and not isinstance(value, bool) for value in values
        )
        if not numbers or len(values) != 2 or not values[0] <= values[1]:
            raise self.error(key, f"{values!r} is not [lowest, highest]")
        return float(values[0]), float(values[1])

    def finish(self) -> None:
        """Checks that every key was known.

        Raises:
            PolicyError: if one was not, naming the first.
        """
        for key in self._values:
            raise self.error(key, "is not a known key")


def read_toml(path: Path) -> TomlTable:
    """Reads a TOML file.

    Raises:
        PolicyError: if it cannot be read or is no TOML.
    """
    try:
        return TomlTable(path, tomllib.loads(path.read_text(encoding="utf-8")))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as problem:
        raise PolicyError(f"{path}: cannot be read: {problem}") from problem
