"""Reads files of cases, a format each, as tables: Arrow batches. A new format: here and `sources`.

Columns are by the contract's names, and rows untouched.

What the cells say is read by `cells`; here it is only found which column is which.
"""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from difflib import get_close_matches
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet as pq

from router.cases.assumed import Assumed, few
from router.cases.cells import Cells
from router.cases.csv_text import CsvText, csv_text, opened
from router.cases.features import CASE_REF, FEATURES
from router.cases.mapping import KNOWN, FileMapping
from router.cases.problems import CasesRefused, Problems, shown_name
from router.cases.sources import Kind, Source
from router.files.stores import store_of

_BLOCK = 1 << 24
# What to do, by what the libraries say.
_FIXES = {
    "more than 64 bits": "write such columns, whatever they hold, with 64 bits or leave them out",
    "crypt": "write it without encryption",
    "Not a gzipped file": "let its name end without .gz",
}
# Row names of pandas and R, which say nothing of a case.
_INDEX = re.compile(r"|Unnamed: ?\d+(_level_\d+)?|__index_level_\d+__|\.\.\.1|\"\"")
# Of a name that may be a mistyped one of a field; 1 is the same.
_CLOSE = 0.8
_ROWS_SHOWN = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A file of cases.

    Attributes:
        source: where it is.
        places: number of the column in the file, by the contract's name or, of an audit file, its
            own.
        constants: value by name of what is the same for all cases of the file: by the folders that
            it is in, or by the mapping.
        csv: how it is written, None of Parquet.
        names: of all columns, as the file has them.
        texts: names of those that Parquet says are texts.
    """

    source: Source
    places: Mapping[str, int]
    constants: Mapping[str, str | None]
    csv: CsvText | None
    names: tuple[str, ...]
    texts: frozenset[str] = frozenset()
    mapping: FileMapping = field(default_factory=FileMapping)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.source.path

    @property
    def columns(self) -> tuple[str, ...]:
        """Names of what it tells of its cases."""
        return (*self.places, *self.constants)

    def own_name(self, column: str) -> str:
        """Gives a column's name in the file."""
        return self.names[self.places[column]] if column in self.places else column

    def batches(self, rows: int, groups: range | None = None) -> Iterator[pa.RecordBatch]:
        """Reads the rows in order, so many at a time; of a CSV every cell is a text or null.

        Args:
            rows: at most so many at a time.
            groups: which row groups of a Parquet file; all if not given.

        Raises:
            CasesRefused: if the file cannot be read.
        """
        with reading(self.path):
            if self.csv is None:
                yield from self._of_parquet(rows, groups)
            else:
                yield from self._of_csv(self.csv, rows)

    def row_groups(self) -> list[int]:
        """Gives the number of rows of each row group of a Parquet file, from its footer alone.

        Raises:
            CasesRefused: if the file cannot be read.
        """
        with reading(self.path), _parquet(self.source) as file:
            footer = file.metadata
            return [footer.row_group(one).num_rows for one in range(footer.num_row_groups)]

    def cells(
        self, batch: pa.RecordBatch, first_row: int, problems: Problems, assumed: Assumed
    ) -> Cells:
        """Takes some of its rows as cells that can be read.

        Args:
            batch: of `batches`.
            first_row: rows of the file before these.
            problems: what is wrong is added here.
            assumed: what was assumed is added here.
        """
        return Cells(
            batch=batch,
            first_row=first_row,
            problems=problems,
            assumed=assumed,
            file=str(self.path),
            mapping=self.mapping,
            comma=self.csv is not None and self.csv.decimal_comma,
        )

    def _of_parquet(self, rows: int, groups: range | None) -> Iterator[pa.RecordBatch]:
        wanted = [self.names[place] for place in self.places.values()]
        chosen = None if groups is None else list(groups)
        # Of a field with few values each is read once, not once a case.
        few = [feature.name for feature in FEATURES.features if feature.values]
        by_entry = self.texts.intersection(self.own_name(name) for name in few)
        with _parquet(self.source, by_entry) as file:
            for batch in file.iter_batches(rows, chosen, wanted):
                # Of a name that is there twice, which is refused, the first.
                places = [batch.schema.get_all_field_indices(name)[0] for name in wanted]
                columns = [batch.column(place) for place in places]
                yield self._named(columns, len(batch))

    def _of_csv(self, written: CsvText, rows: int) -> Iterator[pa.RecordBatch]:
        # By number, since names may be there twice.
        numbers = [str(number) for number in range(len(written.names))]
        wanted = [str(place) for place in self.places.values()]
        ragged = _Ragged()
        read = pa.csv.ReadOptions(
            block_size=_BLOCK,
            column_names=numbers,
            skip_rows=written.skipped,
            encoding=written.encoding,
            # Arrow numbers bad rows in one thread only.
            use_threads=False,
        )
        parse = pa.csv.ParseOptions(
            delimiter=written.separator, newlines_in_values=True, invalid_row_handler=ragged
        )
        # No types are guessed: a guess from the first rows fails at a later cell.
        convert = pa.csv.ConvertOptions(
            include_columns=wanted,
            column_types=dict.fromkeys(numbers, pa.string()),
            strings_can_be_null=True,
            quoted_strings_can_be_null=True,
            null_values=[""],
        )
        with opened(self.path, packed=self.source.kind is Kind.CSV_GZ) as file:
            batches = _csv_batches(file, read, parse, convert)
            # Spreadsheets write lines of separators alone below the last case.
            for batch in _without_blank_end(batches) if CASE_REF in self.places else batches:
                for start in range(0, len(batch), rows):
                    part = batch.slice(start, rows)
                    yield self._named(list(part.columns), len(part))
        ragged.refuse(self.path, len(written.names))

    def _named(self, columns: list[pa.Array], rows: int) -> pa.RecordBatch:
        texts = [pa.array([value] * rows, pa.string()) for value in self.constants.values()]
        if not self.columns:
            # Rows without columns would not be counted.
            return pa.RecordBatch.from_arrays([pa.nulls(rows)], [""])
        return pa.RecordBatch.from_arrays([*columns, *texts], list(self.columns))


def _parquet(source: Source, by_entry: Collection[str] = ()) -> pq.ParquetFile:
    """Opens a file.

    Args:
        source: where it is.
        by_entry: names of columns whose texts are given as a dictionary and places in it.
    """
    if not source.store:
        return pq.ParquetFile(source.path, read_dictionary=by_entry)
    filesystem = store_of(source.store).filesystem
    return pq.ParquetFile(source.path.as_posix(), filesystem=filesystem, read_dictionary=by_entry)


def _is_text(kind: pa.DataType) -> bool:
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _csv_batches(file: object, *options: object) -> Iterator[pa.RecordBatch]:
    try:
        yield from pa.csv.open_csv(file, *options)
    except pa.ArrowInvalid as problem:
        # A file of names alone, with the end of that line or without.
        if not re.search("Empty CSV|Could not skip initial", str(problem)):
            raise


def _without_blank_end(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Holds rows without any cell back until one with cells follows."""
    held: list[pa.RecordBatch] = []
    for batch in batches:
        end = len(batch)
        while end and not any(column[end - 1].is_valid for column in batch.columns):
            end -= 1
        if end:
            yield from held
            yield batch.slice(0, end)
            held.clear()
        if end < len(batch):
            held.append(batch.slice(end))


class _Ragged:
    """Collects rows with more or fewer cells than there are names."""

    def __init__(self) -> None:
        self.lines: list[int] = []
        self.cells: Counter[int] = Counter()

    def __call__(self, row: pa.csv.InvalidRow) -> str:
        self.cells[row.actual_columns] += 1
        if len(self.lines) < _ROWS_SHOWN:
            self.lines.append(row.number)
        return "skip"

    def refuse(self, path: Path, names: int) -> None:
        count = sum(self.cells.values())
        if not count:
            return
        shown = ", ".join(str(line) for line in self.lines)
        more = f" and {count - len(self.lines)} more" if count > len(self.lines) else ""
        cells = " or ".join(str(number) for number in sorted(self.cells))
        fix = (
            "lines end with a separator that the first line lacks, or R's write.table left out the "
            "name of its row names (write with row.names = FALSE)"
            if set(self.cells) == {names + 1}
            else "put quotes around cells that hold the separator, and let no line be cut short"
        )
        raise CasesRefused(
            f"{path}: lines {shown}{more}: have {cells} cells; permitted are {names}, "
            f"one for each name in the first line: {fix}"
        )


def open_tables(
    sources: Sequence[Source],
    mapping: FileMapping,
    problems: Problems,
    assumed: Assumed,
    *,
    audit: bool = False,
    own: Collection[str] = (),
    partial: bool = False,
) -> list[Table]:
    """Opens files of cases.

    Args:
        sources: the files.
        mapping: what their columns are called.
        problems: what is wrong is added here.
        assumed: what was assumed is added here.
        audit: whether columns that are no fields of a case are wanted, under their own names.
        own: names of such columns that are wanted though the others are not.
        partial: whether the mapping is of other files too, whose columns these need not have; the
            contract's names are read as well then. So they are of audit files.

    Raises:
        CasesRefused: if a file cannot be read at all.
    """
    partial = partial or audit
    tables = [
        _open(source, mapping, problems, assumed, audit=audit, own=own, partial=partial)
        for source in sources
    ]
    for column, name in mapping.columns.items():
        names = (name for table in tables for name in (*table.names, *table.source.partitions))
        if not partial and column not in names:
            problems.add(
                f"{mapping.path}: columns.{name}", f"no file has a column {shown_name(column)}"
            )
    # Of a policy's files each may name the mixes that it gives, and no others.
    if audit or not partial:
        _tell_lacking(tables, assumed)
    return tables


def _tell_lacking(tables: Sequence[Table], assumed: Assumed) -> None:
    """Says which columns some files have and others lack: all cases of the others are unknown."""
    # Without a reference none is read, and who is shielded is told by whoever reads.
    known = {name: None for table in tables for name in table.columns}
    told = [name for name in known if name not in {CASE_REF, "shielded"}]
    files_of: dict[tuple[str, ...], list[str]] = {}
    for table in tables:
        if lacking := tuple(name for name in told if name not in table.columns):
            files_of.setdefault(lacking, []).append(str(table.path))
    for lacking, files in files_of.items():
        for name in lacking:
            assumed.add(
                f"columns that other files have are lacking in {few(files)}, and unknown for all "
                "cases there",
                shown_name(name),
            )


def _open(
    source: Source,
    mapping: FileMapping,
    problems: Problems,
    assumed: Assumed,
    *,
    audit: bool,
    own: Collection[str],
    partial: bool,
) -> Table:
    written, texts = None, frozenset[str]()
    with reading(source.path):
        if source.kind is Kind.PARQUET:
            with _parquet(source) as file:
                names = tuple(file.schema_arrow.names)
                texts = frozenset(one.name for one in file.schema_arrow if _is_text(one.type))
        else:
            known = frozenset(name.lower() for name in (*KNOWN, *mapping.columns, *mapping.ignore))
            packed = source.kind is Kind.CSV_GZ
            written = csv_text(source.path, known, mapping, assumed, packed=packed)
            names = written.names
    if partial:
        mapping = _of_these(mapping, names)
    found = _Names(source.path, names, mapping, problems, assumed, audit=audit, own=own)
    constants: dict[str, str | None] = {}
    if not audit:
        inside = _of_folders(source, mapping, problems, assumed)
        constants = {**mapping.constants, **inside}
    for name in constants:
        if name in found.places:
            problems.add(
                f"{source.path}: column {name}",
                "is said by the mapping or by the folder too; permitted is one of them",
            )
    return Table(
        source=source,
        places=found.places,
        constants={k: v or None for k, v in constants.items() if k not in found.places},
        csv=written,
        names=names,
        texts=texts,
        mapping=mapping,
    )


def _of_folders(
    source: Source, mapping: FileMapping, problems: Problems, assumed: Assumed
) -> dict[str, str | None]:
    """Gives what the folders around a file say of fields, by the names that columns go by."""
    found: dict[str, str | None] = {}
    for name, value in source.partitions.items():
        field = mapping.columns.get(name, name.lower())
        if name in mapping.ignore:
            continue
        # A field that the mapping gives another column is not read from this folder.
        elsewhere = name not in mapping.columns and field in mapping.columns.values()
        if field not in KNOWN or elsewhere:
            told = "folders named after no field say nothing of their cases"
            assumed.add(told, shown_name(name), str(source.path))
        elif field in found:
            problems.add(f"{source.path}: folder {shown_name(name)}", f"{field} is said twice")
        else:
            found[field] = value
    return found


def _of_these(mapping: FileMapping, names: Sequence[str]) -> FileMapping:
    """Gives a mapping without the columns that a file does not have."""
    columns = {column: name for column, name in mapping.columns.items() if column in names}
    return replace(mapping, columns=columns)


class _Names:
    """Finds which column of a file is which field."""

    def __init__(
        self,
        path: Path,
        names: Sequence[str],
        mapping: FileMapping,
        problems: Problems,
        assumed: Assumed,
        *,
        audit: bool,
        own: Collection[str],
    ) -> None:
        self._own = own
        self._path, self._names, self._problems, self._assumed = path, names, problems, assumed
        self.places: dict[str, int] = {}
        strange = []
        for place, name in enumerate(names):
            field_name = self._field(name, mapping, audit=audit)
            if field_name is None:
                if name not in mapping.ignore and not self._is_index(name):
                    strange.append(name)
            elif field_name in self.places:
                problems.add(
                    f"{path}: column {shown_name(field_name)}",
                    f"is there twice, as columns {self.places[field_name] + 1} and {place + 1}; "
                    "permitted is once",
                )
            else:
                self.places[field_name] = place
        self._tell(strange)

    def _field(self, name: str, mapping: FileMapping, *, audit: bool) -> str | None:
        if name in mapping.columns:
            return mapping.columns[name]
        if name in mapping.ignore:
            return None
        # A field that the mapping gives another column is not read from this one.
        if name in KNOWN:
            return None if name in mapping.columns.values() else name
        if name in self._own:
            return name
        if _INDEX.fullmatch(name):
            return None
        plain = re.sub(r"[\s.\-]+", "_", name.strip()).lower()
        if plain in KNOWN and plain not in mapping.columns.values():
            self._assumed.add(
                "names of columns in other letters are read as the field's",
                plain,
                str(self._path),
            )
            return plain
        return name if audit else None

    def _is_index(self, name: str) -> bool:
        if not _INDEX.fullmatch(name):
            return False
        told = "columns without a name of their own are taken for row numbers and left out"
        self._assumed.add(told, name or "(no name)", str(self._path))
        return True

    def _tell(self, strange: Sequence[str]) -> None:
        lacking = {name.lower(): name for name in (*KNOWN, *self._own) if name not in self.places}
        fix = "name it in --map, under columns or ignore, or rename it"
        for name in strange:
            close = get_close_matches(name.lower(), lacking, 1, _CLOSE)
            where = f"{self._path}: column {shown_name(name)}"
            if name in KNOWN:
                self._assumed.add(
                    "columns that the mapping gives another column for are left out",
                    name,
                    str(self._path),
                )
            elif close:
                told = f"is not a field of a case; did you mean {lacking[close[0]]}? {fix}"
                self._problems.add(where, told)
            else:
                self._assumed.add(
                    "columns that are no fields of a case are left out",
                    shown_name(name),
                    str(self._path),
                )


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turns whatever the libraries raise of a file that they cannot read into one refusal.

    Raises:
        CasesRefused: if the file cannot be read.
    """
    try:
        yield
    except CasesRefused:
        raise
    except (OSError, EOFError, UnicodeError, csv.Error, pa.ArrowException) as problem:
        # Only the first line: Arrow shows the row, which may hold anything.
        told = str(problem).split("\n", maxsplit=1)[0].partition(": Expected")[0]
        told += next((f"; {fix}" for sign, fix in _FIXES.items() if sign in told), "")
        raise CasesRefused(f"{path}: cannot be read: {told or type(problem).__name__}") from problem
