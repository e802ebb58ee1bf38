"""How a CSV file is written, found from its bytes: encoding, separator, names of its columns."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, cast

from router.cases.assumed import Assumed
from router.cases.mapping import FileMapping
from router.cases.problems import CasesRefused, shown

_CHUNK = 1 << 20
_HEADER_BYTES = 1 << 18
_SEPARATORS = (",", ";", "\t", "|")
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What other formats begin with, whatever the file is called.
_MAGIC = (
    (b"PK\3\4", "is an Excel workbook or a ZIP file, not a CSV; save the sheet as CSV UTF-8"),
    (b"\xd0\xcf\x11\xe0", "is an old Excel workbook, not a CSV; save the sheet as CSV UTF-8"),
    (b"PAR1", "is Parquet, not a CSV; let its name end with .parquet"),
    (b"\x1f\x8b", "is packed by gzip; let its name end with .csv.gz"),
    (b"\x28\xb5\x2f\xfd", "is packed by zstd; unpack it first"),
    (b"\xfd7zXZ\0", "is packed by xz; unpack it first"),
    (b"BZh91AY&SY", "is packed by bzip2; unpack it first"),
    (b"ARROW1\0\0", "is an Arrow file (Feather), not a CSV; write it as Parquet"),
    # Before UTF-16, whose mark is the beginning of theirs.
    (codecs.BOM_UTF32_LE, "is UTF-32; save it as CSV UTF-8"),
    (codecs.BOM_UTF32_BE, "is UTF-32; save it as CSV UTF-8"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class CsvText:
    """How a CSV file is written.

    Attributes:
        encoding: a name that Python and Arrow know.
        separator: between cells.
        skipped: lines before the first case: the names, and before them Excel's `sep=` line.
        names: of the columns, as they stand there, blanks around them aside.
    """

    encoding: str
    separator: str
    skipped: int
    names: tuple[str, ...]

    @property
    def decimal_comma(self) -> bool:
        """Whether a comma can stand in a number."""
        return self.separator != ","


def opened(path: Path, *, packed: bool) -> IO[bytes]:
    """Opens the bytes of a CSV, unpacked if it is packed."""
    return cast("IO[bytes]", gzip.open(path, "rb")) if packed else path.open("rb")


def csv_text(
    path: Path, known: frozenset[str], mapping: FileMapping, assumed: Assumed, *, packed: bool
) -> CsvText:
    """Finds how a CSV is written.

    Args:
        path: of the file.
        known: names of columns that tell the separator, in small letters.
        mapping: what the user says of the files.
        assumed: what was assumed is added here.
        packed: whether gzip packed it.

    Raises:
        CasesRefused: if it is no CSV, or nothing tells how it is written.
        OSError: if it cannot be read.
    """
    with opened(path, packed=packed) as file:
        start = file.read(_HEADER_BYTES)
        for magic, told in _MAGIC:
            if start.startswith(magic):
                raise CasesRefused(f"{path}: {told}")
        encoding = mapping.encoding or _encoding(path, start, file, assumed)
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(start)
    except UnicodeDecodeError as problem:
        raise CasesRefused(f"{path}: is not {encoding}: {problem.reason}") from problem
    lines = io.StringIO(text.removeprefix("\ufeff"), newline="")
    first = lines.readline()
    skipped = 1
    told = ""
    if first[:4].lower() == "sep=" and len(first.strip()) == len("sep=") + 1:
        told, first, skipped = first.rstrip("\r\n")[4:], lines.readline(), 2
    if not first.strip():
        raise CasesRefused(f"{path}: has no cases; its first line is empty")
    separator = mapping.separator or told or _separator(path, first, known)
    if separator != ",":
        name = "tab" if separator == "\t" else separator
        assumed.add(f"cells are separated by {name}", file=str(path))
    if first.count('"') % 2:
        raise CasesRefused(f"{path}: the first line, of names, ends within quotes")
    names = next(csv.reader([first.rstrip("\r\n")], delimiter=separator))
    return CsvText(
        encoding=encoding,
        separator=separator,
        skipped=skipped,
        names=tuple(name.strip() for name in names),
    )


def _encoding(path: Path, start: bytes, file: IO[bytes], assumed: Assumed) -> str:
    for mark, encoding in _BOMS:
        if start.startswith(mark):
            if encoding != "utf-8":
                assumed.add(f"texts are {encoding}, as the file's first bytes say", file=str(path))
            return encoding
    if b"\0" in start:
        raise CasesRefused(
            f"{path}: is no text; save it as CSV UTF-8, or say its encoding in --map"
        )
    try:
        decoder = codecs.getincrementaldecoder("utf-8")()
        chunk = start
        while chunk:
            decoder.decode(chunk)
            chunk = file.read(_CHUNK)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        # What Excel and R write on Windows; Latin 1 is the same but for signs nobody writes.
        assumed.add("texts are Windows-1252 (Latin 1), since they are not UTF-8", file=str(path))
        return "cp1252"
    return "utf-8"


def _separator(path: Path, first: str, known: frozenset[str]) -> str:
    """Finds the separator that gives most known names, in the first line.

    Raises:
        CasesRefused: if none gives any.
    """
    found: list[tuple[int, int, bool]] = []
    for separator in _SEPARATORS:
        names = next(csv.reader([first.rstrip("\r\n")], delimiter=separator), [])
        # Known names first, then names at all: which are lacking is told by whoever needs them.
        fields = sum(name.strip().lower() in known for name in names)
        found.append((fields, len(names), _are_names(names)))
    best = max(range(len(found)), key=lambda one: found[one][:2])
    fields, _, plain = found[best]
    if not fields and not plain:
        raise CasesRefused(
            f"{path}: its first line names no field of a case, whatever separates its cells "
            f"(comma, semicolon, tab or |): {shown(first.strip())}; "
            "the first line must be names of columns, as docs/files.md has them or --map says"
        )
    return _SEPARATORS[best]


def _are_names(cells: Sequence[str]) -> bool:
    """Tells if cells may be an agency's own names of columns, such as "Uker (12)" or "Alder.år"."""
    if len(cells) == 1:
        return cells[0].strip().isidentifier()
    # The first has no name where pandas and R write row numbers. A quote within a cell: it was cut.
    named = [cell.strip() for cell in cells[not cells[0] :]]
    return all(any(sign.isalpha() for sign in name) and '"' not in name for name in named)
