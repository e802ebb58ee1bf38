"""Folders of cases scored part by part: a part is some row groups of a file, and a file of its own.

A part is scored from its words alone, wherever that happens, and always to the same bytes. So an
engine need only say who scores which part; it may lose a worker, or score a part twice.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import msgspec
import pyarrow as pa

from router.addresses import is_address
from router.advice.score import score_cells
from router.cases.arrow import cells_in, open_cases, write_to
from router.cases.assumed import NO_CASE, Assumed
from router.cases.mapping import AS_IS, FileMapping
from router.cases.problems import CasesRefused, Problems
from router.cases.sources import Kind, Source, find_sources
from router.cases.stored import find_stored
from router.cases.tables import Table
from router.decision.decide import Decider
from router.files.formats import Format, OutRefused
from router.files.out_folder import OutFolder
from router.files.stores import store_of
from router.mendable import Mendable

ROWS = 1 << 18
"""Rows that a part has at least, if its file has: seconds of work, and few files."""
DONE = "_scored.json"
"""The file that says that all of a folder is there, and what decided."""
_END = ".parquet"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some cases that are scored together: words only, none of the cases.

    Attributes:
        table: the file that they are in.
        groups: which of its row groups.
        first_row: rows of the file before these.
        name: of the file that is written, relative to the folder that it is written into.
    """

    table: Table
    groups: range
    first_row: int
    name: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Scored:
    """What is told of a part that is written.

    Attributes:
        rows: how many cases.
        assumed: what was assumed of them.
    """

    rows: int
    assumed: Assumed


class EngineRefused(Mendable, RuntimeError):
    """An engine cannot score, or no longer; the message says what is wrong and the way out."""


def parts_of(
    cases: str, assumed: Assumed, mapping: FileMapping = AS_IS, rows: int = ROWS
) -> list[Part]:
    """Finds the parts of a file, a folder or a pattern, in the order of the cases.

    Only the ends of files are read, where Parquet says its columns and row groups.

    Args:
        cases: Parquet; a path, or the URI of a file or folder in an object store.
        assumed: what was assumed is added here.
        mapping: what columns and codes are called there.
        rows: that a part has at least, but for the last of a file; row groups are never divided.

    Raises:
        CasesRefused: naming file, column and bound, if something cannot be read or has no cases.
        StoreRefused: if the URI cannot be used.
    """
    sources, root = _sources(cases, assumed)
    problems = Problems()
    for source in sources:
        if source.kind is not Kind.PARQUET:
            problems.add(
                str(source.path),
                "must end with .parquet: other files have no row groups to be scored apart; write "
                "it as Parquet, or score it without --engine",
            )
    problems.refuse()
    parts: list[Part] = []
    for table in open_cases(sources, assumed, mapping):
        found = list(_parts_of(table, root, rows))
        if not found:
            assumed.add(NO_CASE, file=str(table.path))
        parts += found
    if not parts:
        raise CasesRefused(f"{cases}: has no cases")
    return parts


def _sources(cases: str, assumed: Assumed) -> tuple[list[Source], Path]:
    """Gives files of cases, and the folder from which on their paths are names."""
    if is_address(cases):
        store = store_of(cases)
        if store.local is None:
            sources = find_stored(cases, assumed)
            given = Path(store.path)
            return sources, given.parent if sources[0].path == given else given
        cases = store.path
    # As other machines know it.
    path = Path(os.path.abspath(cases))
    sources = find_sources([path], assumed)
    root = os.path.commonpath([source.path.parent for source in sources])
    return sources, path if path.is_dir() else Path(root)


def _parts_of(table: Table, root: Path, rows: int) -> Iterator[Part]:
    stem = table.path.relative_to(root).as_posix().removesuffix(_END)
    first_group, first_row, row, number = 0, 0, 0, 0
    sizes = table.row_groups()
    for group, size in enumerate(sizes):
        row += size
        is_last = group + 1 == len(sizes)
        if row - first_row >= rows or (is_last and row > first_row):
            yield Part(
                table=table,
                groups=range(first_group, group + 1),
                first_row=first_row,
                name=f"{stem}.{number:05}{_END}",
            )
            first_group, first_row, number = group + 1, row, number + 1


def score_part(part: Part, decider: Decider, out: OutFolder) -> Scored:
    """Scores a part into its file, as `score_file` scores a file.

    Raises:
        CasesRefused: naming file, column, rows and bound; nothing is left behind.
        OutRefused: if it cannot be written.
        StoreRefused: if its URI cannot be used.
    """
    assumed = Assumed()
    cells = cells_in(part.table, assumed, part.groups, part.first_row)
    try:
        with out.written(part.name) as sink:
            rows = write_to(sink, Format.PARQUET, (score_cells(one, decider) for one in cells))
    except (OSError, pa.ArrowException) as problem:
        told = str(problem).split("\n", maxsplit=1)[0]
        raise OutRefused(f"out: {out.uri}: {part.name} cannot be written: {told}") from problem
    return Scored(rows=rows or 0, assumed=assumed)


def check(parts: Sequence[Part], cases: str, out: OutFolder) -> None:
    """Checks that the parts can be written into the folder.

    Raises:
        CasesRefused: if two parts would have the same name.
        OutRefused: if it cannot be written, is where cases are read, or holds other files.
        StoreRefused: if a URI cannot be used.
    """
    names = {part.name for part in parts}
    if len(names) < len(parts):
        raise CasesRefused(f"{cases}: names of files differ in nothing but their endings")
    own = store_of(cases if is_address(cases) else os.path.abspath(cases))
    out.check(own, names)


def begin(out: OutFolder) -> None:
    """Lets the folder no longer say that it is whole."""
    out.remove(DONE)


def finish(out: OutFolder, said: Mapping[str, str | int]) -> None:
    """Says in the folder that it is whole, and removes what ended writers left.

    Args:
        out: the folder, in which all parts are.
        said: of how many cases and files, and by what.

    Raises:
        OSError: if it cannot be written.
    """
    out.sweep()
    text = msgspec.json.format(msgspec.json.encode(said), indent=2) + b"\n"
    with out.written(DONE) as sink:
        if isinstance(sink, Path):
            sink.write_bytes(text)
        else:
            sink.write(text)
