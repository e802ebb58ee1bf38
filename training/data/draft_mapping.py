"""A draft of a mapping: an agency's columns and codes that could not be placed, to be filled in.

Nothing is guessed that is not shown as a guess: as it is written, a draft changes nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from router.cases.assumed import Assumed
from router.cases.features import FEATURES
from router.cases.mapping import KNOWN
from router.cases.national_id import holds_national_id
from router.cases.problems import CasesRefused, Problems
from router.cases.tables import Table

_CODES = 30
_ROWS = 65_536
_CLOSE = 0.5


def draft_mapping(tables: Sequence[Table]) -> str:
    """Drafts a mapping of files, TOML.

    Args:
        tables: the files; their first rows tell which codes there are.
    """
    placed = {table.own_name(name) for table in tables for name in table.columns}
    strange = [
        name
        for name in dict.fromkeys(name for table in tables for name in table.names)
        if name not in placed and name and not holds_national_id(name)
    ]
    fields = {name for table in tables for name in table.columns}
    lacking = [name for name in KNOWN if name not in fields]
    lines = [
        "# Which columns and codes of your files are which fields and values: docs/files.md.",
        "# A draft: take the # away where it is right. What stays as it is changes nothing.",
        "",
        "# Columns that are known not to be fields; they are left out.",
        "ignore = []",
        "# Of dates that are texts, if they are not as 2024-12-24: 24/12/2024 is",
        '# date_format = "%d/%m/%Y"',
        "",
        "[columns]",
        "# field = the column of your files",
    ]
    for name in lacking:
        close = get_close_matches(name, [one.lower() for one in strange], 1, _CLOSE)
        guess = next((one for one in strange if close and one.lower() == close[0]), "")
        lines.append(f"# {name} = {_text(guess)}")
    lines.append(f"# Your columns without a field: {', '.join(map(_text, strange)) or 'none'}")
    lines += ["", "[constants]", "# For fields without a column, where all cases are alike:"]
    lines.append('# shielded = "NO"')
    for table in tables[:1]:
        lines += _codes(table)
    return "\n".join(lines) + "\n"


def _codes(table: Table) -> list[str]:
    """Lists the codes of a file's first rows that are no values of their field."""
    lines: list[str] = []
    batch = next(table.batches(_ROWS), None)
    if batch is None:
        return lines
    for feature in FEATURES.features:
        if not feature.values or feature.name not in table.columns:
            continue
        values = batch.column(feature.name)
        unread = _unread(values, feature.name, table)
        if unread:
            lines += ["", f"[values.{feature.name}]", f"# {feature.bound}; {_text('')} is unknown"]
            lines += [f"# {_text(code)} = {_text('')}" for code in unread]
    return lines


def _unread(values: pa.Array, name: str, table: Table) -> list[str]:
    """Gives the codes that cannot be read; none if they are too many to be codes."""
    try:
        apart = pc.unique(values)
    except pa.ArrowException:
        return []
    if len(apart) > _CODES:
        return []
    found = []
    for code in apart.to_pylist():
        known = code is not None and not (isinstance(code, float) and math.isnan(code))
        if known and not _reads(code, apart.type, name, table):
            found.append(_code(code))
    return [one for one in found if not holds_national_id(one)]


def _reads(code: Any, kind: pa.DataType, name: str, table: Table) -> bool:  # noqa: ANN401 - a cell
    problems = Problems()
    one = pa.RecordBatch.from_arrays([pa.array([code], kind)], [name])
    table.cells(one, 0, problems, Assumed()).slots(FEATURES[name])
    try:
        problems.refuse()
    except CasesRefused:
        return False
    return True


def _code(value: object) -> str:
    if isinstance(value, float) and value == int(value):
        return str(int(value))
    return str(value)


def _text(value: str) -> str:
    # A JSON string is a TOML one.
    return json.dumps(value, ensure_ascii=False)
