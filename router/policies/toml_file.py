"""Reads TOML that people edit: every error names file, key, the value's problem and the bound."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from router.files.plain_files import plain_bytes
from router.files.toml_text import toml_of
from router.mendable import Mendable

BYTES_AT_MOST = 64 * 1024
"""Of a file under policies/; the longest that the project ships has a tenth of that."""
# Of an error: what somebody wrote is repeated, but not all of it.
_TOLD_AT_MOST = 500
_TEXT_AT_MOST = 500
_HIGHEST = 1e15  # up to there, a float holds every whole number
# Of the SHA-256: 48 bits tell any two contents apart, and a version stays short on a screen.
_DIGITS = 12


class PolicyError(Mendable, ValueError):
    """A file under policies/ cannot be used; the message says which key and why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TomlFile:
    """A file as it was read once: what is compared, digested and parsed are the same bytes.

    Attributes:
        path: where it lies.
        content: its bytes; empty if it cannot be read.
        problem: why it cannot be read; "" if it can.
    """

    path: Path
    content: bytes = b""
    problem: str = ""

    @classmethod
    def read(cls, path: Path) -> TomlFile:
        """Reads a file, or finds out why it cannot be read."""
        try:
            # Links are followed: Kubernetes mounts every file of a ConfigMap as one.
            return cls(path=path, content=plain_bytes(path, BYTES_AT_MOST, links=True))
        except ValueError as problem:
            return cls(path=path, problem=str(problem))

    @property
    def digest(self) -> str:
        """The start of the content's SHA-256, as versions end with it."""
        return hashlib.sha256(self.content).hexdigest()[:_DIGITS]

    def parse(self) -> TomlTable:
        """Parses what was read.

        Raises:
            PolicyError: if it could not be read or is no TOML.
        """
        if self.problem:
            raise PolicyError(f"{self.path}: {self.problem}")
        try:
            return TomlTable(self.path, toml_of(self.content))
        except ValueError as problem:
            raise PolicyError(f"{self.path}: cannot be read: {problem}") from problem


@contextmanager
def understood(file: TomlFile) -> Iterator[None]:
    """Turns whatever a file's values make fail into a refusal: what is not understood is not used.

    Raises:
        PolicyError: whatever was raised within.
    """
    try:
        yield
    except PolicyError:
        raise
    except Exception as problem:
        told = (str(problem) or type(problem).__name__)[:_TOLD_AT_MOST]
        raise PolicyError(f"{file.path}: cannot be understood: {told}") from problem


class TomlTable:
    """One table of a TOML file; values are taken by key, and what nobody took is an error."""

    def __init__(self, path: Path, values: dict[str, Any], prefix: str = "") -> None:
        self._path = path
        # A copy, since what is taken is removed: what is left at the end is what nobody knew.
        self._values = dict(values)
        self._prefix = prefix

    def error(self, key: str, problem: str) -> PolicyError:
        """Makes an error that names the file and the key."""
        told = f"{self._prefix}{key}: {problem}"
        cut = told if len(told) <= _TOLD_AT_MOST else f"{told[:_TOLD_AT_MOST]} ..."
        return PolicyError(f"{self._path}: {cut}")

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
        """Takes a text of 1 to 500 printable characters.

        Raises:
            PolicyError: if it is missing or anything else.
        """
        value = self._take(key)
        if not isinstance(value, str) or not value:
            raise self.error(key, f"{value!r} is not a text")
        # Names and versions go to logs, metrics and answers.
        if len(value) > _TEXT_AT_MOST or not value.isprintable():
            told = f"has {len(value)} characters; 1 to {_TEXT_AT_MOST} printable ones are permitted"
            raise self.error(key, told)
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
        # TOML knows infinity, and whole numbers that no float can hold.
        if not -_HIGHEST <= values[0] <= values[1] <= _HIGHEST:
            raise self.error(key, f"{values!r} has no end; name two numbers")
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
    return TomlFile.read(path).parse()
