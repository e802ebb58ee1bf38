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
from router.cases.mapping import AS_IS, KNOWN, FileMapping
from router.cases.national_id import holds_national_id
from router.cases.problems import CasesRefused, Problems
from router.cases.tables import Table

_CODES = 30
_ROWS = 65_536
# Below it, names of another language look alike by chance.
_CLOSE = 0.75
_GUESS = "  # a guess, by the name alone"


def draft_mapping(
    tables: Sequence[Table], mixes: tuple[str, ...], mapping: FileMapping = AS_IS
) -> str:
    """Drafts a mapping of files, TOML.

    Args:
        tables: the files; their first rows tell which codes there are.
        mixes: ids of the catalogue.
        mapping: by which they were opened; the draft says all that it says.
    """
    placed = {table.own_name(name) for table in tables for name in table.columns}
    strange = [
        name
        for name in dict.fromkeys(name for table in tables for name in table.names)
        if not ({name} & {*placed, *mapping.ignore} or holds_national_id(name))
    ]
    fields = {name for table in tables for name in table.columns}
    lacking = [name for name in KNOWN if name not in fields]
    lines = [
        "# Which columns and codes of your files are which fields and values: docs/files.md.",
        "# Lines that begin with # change nothing: take the # away where the line is right.",
        "",
        "# Columns that are known not to be fields; they are left out.",
        f"ignore = [{', '.join(map(_text, sorted(mapping.ignore)))}]",
        "# Of dates that are texts, if they are not as 2024-12-24; of 24/12/2024 it is",
        f"date_format = {_text(mapping.date_format)}"
        if mapping.date_format
        else '# date_format = "%d/%m/%Y"',
        "",
        "[columns]",
        "# field = the column of your files",
        *(f"{name} = {_text(column)}" for column, name in mapping.columns.items()),
    ]
    lines.append(f"# Your columns without a field: {', '.join(map(_text, strange)) or 'none'}")
    for name in lacking:
        close = get_close_matches(name, [one.lower() for one in strange], 1, _CLOSE)
        guess = next((one for one in strange if close and one.lower() == close[0]), "")
        # Names that look alike may mean something else.
        lines.append(f"# {name} = {_text(guess)}{_GUESS if guess else ''}")
    lines += ["", "[constants]", "# For fields without a column, where all cases are alike:"]
    lines += [f"{name} = {_text(value)}" for name, value in mapping.constants.items()]
    if "shielded" not in fields:
        lines.append('# shielded = "NO"')
    csv = {name: getattr(mapping, name) for name in ("separator", "encoding", "decimal")}
    if any(csv.values()):
        lines += ["", "[csv]", *(f"{name} = {_text(text)}" for name, text in csv.items() if text)]
    return "\n".join([*lines, *_codes(tables, mixes, mapping)]) + "\n"


def _codes(tables: Sequence[Table], mixes: tuple[str, ...], mapping: FileMapping) -> list[str]:
    """Lists the codes of the files' first rows that are no values of their field."""
    bounds = {one.name: one.bound for one in FEATURES.features if one.values}
    bounds["mix"] = "one of " + ", ".join(mixes)
    unread: dict[str, dict[str, None]] = {name: {} for name in (*bounds, *mapping.values)}
    for table in tables:
        batch = next(table.batches(_ROWS), None)
        if batch is None:
            continue
        for name in bounds:
            if name in table.columns:
                unread[name] |= dict.fromkeys(_unread(batch.column(name), name, table, mixes))

    lines: list[str] = []
    for name, codes in unread.items():
        known = mapping.values.get(name, {})
        if known or codes:
            lines += ["", f"[values.{name}]"]
            lines += [f"{_text(code)} = {_text(value)}" for code, value in known.items()]
        if codes:
            lines.append(f"# {bounds[name]}; {_text('')} is unknown")
            lines += [f"# {_text(code)} = {_text('')}" for code in codes]
    return lines


def _unread(values: pa.Array, name: str, table: Table, mixes: tuple[str, ...]) -> list[str]:
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
        if known and not _reads(code, apart.type, name, table, mixes):
            found.append(_code(code))
    return [one for one in found if not holds_national_id(one)]


def _reads(
    code: Any,  # noqa: ANN401 - a cell
    kind: pa.DataType,
    name: str,
    table: Table,
    mixes: tuple[str, ...],
) -> bool:
    problems = Problems()
    one = pa.RecordBatch.from_arrays([pa.array([code], kind)], [name])
    cells = table.cells(one, 0, problems, Assumed())
    if name == "mix":
        cells.codes(name, mixes, cells.known(name))
    else:
        cells.slots(FEATURES[name])
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
