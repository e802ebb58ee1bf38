"""An agency's own columns and codes, as fields and values of the contract: `--map mapping.toml`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from router.cases.features import FEATURES, LOGGED, REFERENCES
from router.cases.problems import CasesRefused, Problems
from router.files.plain_files import plain_bytes
from router.files.toml_text import toml_of

KNOWN = (*REFERENCES, *FEATURES.names, *LOGGED)
"""Names that a column may have or be mapped to."""
_BYTES_AT_MOST = 1024 * 1024
_KEYS = ("columns", "values", "constants", "ignore", "date_format", "csv")
_CSV_KEYS = ("separator", "encoding", "decimal")
_SEPARATORS = (",", ";", "\t", "|")


@dataclass(frozen=True, slots=True, kw_only=True)
class FileMapping:
    """How an agency's files name what the contract names otherwise.

    Attributes:
        path: of the file that says so, None if none does.
        columns: field by the column of the files.
        values: by field, the contract's value by the code of the files; "" is unknown.
        constants: value by field, of every case, for fields that the files have no column for.
        ignore: columns that are left out on purpose.
        date_format: of dates that are texts, as `strptime` has it; "" for what is unambiguous.
        separator: of CSV files, "" to find it.
        encoding: of CSV files, "" to find it.
        decimal: sign of CSV files, "" to find it.
    """

    path: Path | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    values: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    ignore: frozenset[str] = frozenset()
    date_format: str = ""
    separator: str = ""
    encoding: str = ""
    decimal: str = ""


AS_IS = FileMapping()
"""Files that name everything as the contract does."""


def read_mapping(path: Path | None) -> FileMapping:
    """Reads a mapping; without a path, the one that changes nothing.

    Raises:
        CasesRefused: naming every key that cannot be used, with what is permitted.
    """
    if path is None:
        return AS_IS
    try:
        found = toml_of(plain_bytes(path, _BYTES_AT_MOST))
    except ValueError as problem:
        raise CasesRefused(f"{path}: is not a mapping: {problem}") from problem
    problems = Problems()
    for key in found:
        if key not in _KEYS:
            problems.add(f"{path}: {key}", f"is unknown; permitted are {', '.join(_KEYS)}")

    columns = _columns(path, _texts(path, found, "columns", problems), problems)
    values = _values(path, found, problems)
    constants = _texts(path, found, "constants", problems)
    _check_fields(path, "constants", constants, problems)
    for name in constants:
        if name in columns.values():
            problems.add(f"{path}: constants.{name}", "is mapped to a column too; permitted is one")
    ignore = found.get("ignore", [])
    if not isinstance(ignore, list) or not all(isinstance(one, str) for one in ignore):
        problems.add(f"{path}: ignore", "must be a list of names of columns")
        ignore = []

    csv = _texts(path, found, "csv", problems)
    for key in csv:
        if key not in _CSV_KEYS:
            problems.add(f"{path}: csv.{key}", f"is unknown; permitted are {', '.join(_CSV_KEYS)}")
    if csv.get("separator", ",") not in _SEPARATORS:
        problems.add(f"{path}: csv.separator", "must be one of , ; | or a tab")
    if csv.get("decimal", ".") not in {".", ","}:
        problems.add(f"{path}: csv.decimal", "must be . or ,")
    _check_encoding(path, csv.get("encoding", ""), problems)

    date_format = found.get("date_format", "")
    if not isinstance(date_format, str) or (date_format and "%" not in date_format):
        problems.add(f"{path}: date_format", 'must be as "%d/%m/%Y"')
    problems.refuse()
    return FileMapping(
        path=path,
        columns=columns,
        values=values,
        constants=constants,
        ignore=frozenset(ignore),
        date_format=date_format,
        separator=csv.get("separator", ""),
        encoding=csv.get("encoding", ""),
        decimal=csv.get("decimal", ""),
    )


def _texts(path: Path, found: Mapping[str, Any], key: str, problems: Problems) -> dict[str, str]:
    table = found.get(key, {})
    if not isinstance(table, dict):
        problems.add(f"{path}: {key}", "must be a table")
        return {}
    for name, value in table.items():
        if not isinstance(value, str):
            problems.add(f"{path}: {key}.{name}", f"is {value!r}; permitted is a text in quotes")
    return {name: value for name, value in table.items() if isinstance(value, str)}


def _columns(path: Path, told: Mapping[str, str], problems: Problems) -> dict[str, str]:
    """Turns field = "column" around; each column is of one field."""
    _check_fields(path, "columns", told, problems)
    columns: dict[str, str] = {}
    for name, column in told.items():
        if column in columns:
            where = f"{path}: columns.{name}"
            problems.add(where, f"{column!r} is the column of {columns[column]} already")
        columns[column] = name
    return columns


def _values(path: Path, found: Mapping[str, Any], problems: Problems) -> dict[str, dict[str, str]]:
    tables = found.get("values", {})
    if not isinstance(tables, dict):
        problems.add(f"{path}: values", "must hold tables, such as [values.digital_skill]")
        return {}
    _check_fields(path, "values", tables, problems)
    values = {}
    for name in tables:
        values[name] = _texts(path, tables, name, problems)
        if "" in values[name]:
            # An empty cell is unknown, and what is unknown is never taken for a value.
            told = "is an empty cell, which is always unknown; write the value into the file"
            problems.add(f'{path}: values.{name}.""', told)
        if name not in FEATURES.names:
            continue
        feature = FEATURES[name]
        for code, value in values[name].items():
            if feature.values and value not in ("", *feature.values):
                where = f"{path}: values.{name}.{code}"
                problems.add(where, f'is {value!r}; permitted is {feature.bound}, or "": unknown')
    return values


def _check_fields(path: Path, table: str, names: Mapping[str, object], problems: Problems) -> None:
    for name in names:
        if name not in KNOWN:
            problems.add(f"{path}: {table}.{name}", "is not a field of a case")


def _check_encoding(path: Path, encoding: str, problems: Problems) -> None:
    try:
        "".encode(encoding or "utf-8")
    except (LookupError, ValueError):
        # The latter of a name with NUL, or of a codec for no text.
        problems.add(f"{path}: csv.encoding", f"{encoding!r} is not known; an example is utf-8")
