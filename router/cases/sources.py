"""Which files hold cases: one, several, a folder of months, a pattern, hive partitions."""

from __future__ import annotations

import codecs
import glob
import os
import stat
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from router.cases.assumed import NO_CASE, Assumed
from router.cases.csv_text import opened
from router.cases.problems import CasesRefused

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
READ = ".parquet, .csv, .tsv, .csv.gz or .tsv.gz"
"""Endings that are read, in words."""
_UNPACK, _AS_CSV, _AS_PARQUET = "unpack it", "write it as CSV", "write it as Parquet"
_FIXES = {
    ".xlsx": "save the sheet as CSV UTF-8",
    ".xlsm": "save the sheet as CSV UTF-8",
    ".xlsb": "save the sheet as CSV UTF-8",
    ".xls": "save the sheet as CSV UTF-8",
    ".ods": "save the sheet as CSV",
    # Of Excel's "Unicode text" too.
    ".txt": "if tabs separate its cells, let its name end with .tsv, else with .csv,",
    ".pq": "let its name end with .parquet",
    ".parq": "let its name end with .parquet",
    **dict.fromkeys((".zip", ".zst", ".bz2", ".xz", ".lz4", ".7z", ".tar", ".tgz"), _UNPACK),
    ".gz": "unpack it",
    **dict.fromkeys((".feather", ".arrow", ".ipc", ".orc", ".avro"), _AS_PARQUET),
    ".json": "write it as Parquet or CSV",
    ".jsonl": "write it as Parquet or CSV",
    ".ndjson": "write it as Parquet or CSV",
    ".rds": "write it by R's write.csv, or by arrow::write_parquet",
    ".rdata": "write it by R's write.csv, or by arrow::write_parquet",
    ".pkl": "write it by to_parquet",
    **dict.fromkeys((".sav", ".zsav", ".por", ".dta", ".sas7bdat", ".xpt"), _AS_CSV),
}

_BESIDE = {".md", ".html", ".toml", ".yaml", ".yml", ".ini", ".log", ".crc", ".md5", ".sha256"}
"""Endings of files that may lie in a folder of cases and hold none."""
TABLES = {
    "_delta_log": "a Delta table",
    ".hoodie": "a Hudi table",
    "metadata": "an Iceberg table",
}
"""Folders that say what of the files beside them still counts."""
# Others may have a folder of that name.
_OF_ICEBERG = ("metadata", "*.metadata.json*")
_CHUNK = 1 << 16


class Kind(Enum):
    """How a file is read."""

    PARQUET = "Parquet"
    CSV = "CSV"
    CSV_GZ = "CSV, gzip"


_KINDS = {
    ".parquet": Kind.PARQUET,
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".csv.gz": Kind.CSV_GZ,
    ".tsv.gz": Kind.CSV_GZ,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One file of cases.

    Attributes:
        path: where it is.
        name: by which manifests name it; no two files of one reading have the same.
        kind: how it is read.
        partitions: value by name, as the folders say: `office_ref=o-1/part-0.parquet`; None where
            they say that there is none.
        store: the URI of the object store that the path is in; "" on this machine.
    """

    path: Path
    name: str
    kind: Kind
    partitions: Mapping[str, str | None] = field(default_factory=dict)
    store: str = ""


def kind_of(path: Path) -> Kind | None:
    """Tells how a file is read by the end of its name, large letters or small; None if not."""
    name = path.name.lower()
    return next((kind for end, kind in _KINDS.items() if name.endswith(end)), None)


def find_sources(paths: Sequence[Path], assumed: Assumed | None = None) -> list[Source]:
    """Finds the files, in order; those of a folder or pattern by name.

    Args:
        paths: files, folders and patterns.
        assumed: what was passed over is added here.

    Raises:
        CasesRefused: if there is none, one is there twice, cannot be read, or is not as named.
    """
    if not paths:
        raise CasesRefused("cases: no file given; at least one is needed")
    assumed = Assumed() if assumed is None else assumed
    found: dict[Path, Path] = {}
    for path in paths:
        files = _files(path, assumed)
        for file in _without_blank(path, files, assumed):
            real = file.resolve()
            if real in found:
                raise CasesRefused(f"{file}: is given twice; permitted is once")
            found[real] = file
    each = list(found.values())
    refuse_files_of_tables(each)
    return [
        Source(path=file, name=name, kind=kind_needed(file), partitions=_partitions(file))
        for file, name in zip(each, names_of(each), strict=True)
    ]


def kind_needed(path: Path) -> Kind:
    """Tells how a file is read by the end of its name.

    Raises:
        CasesRefused: if it is not.
    """
    kind = kind_of(path)
    if kind is None:
        fix = _FIXES.get(path.suffix.lower())
        told = f"; {fix} first" if fix else ""
        raise CasesRefused(f"{path}: must end with {READ}{told}")
    return kind


def _files(path: Path, assumed: Assumed) -> list[Path]:
    """Gives the files that a path stands for.

    Raises:
        CasesRefused: if there is none, or something there can neither be read nor passed over.
    """
    if path.is_dir():
        return _files_in(path, assumed)
    if not path.exists() and glob.has_magic(str(path)):
        # Of "months/**" the folder, since the pattern names all in it, what is aside too.
        pattern = path.parent if path.name == "**" else path
        found: dict[Path, None] = {}
        for one in map(Path, sorted(glob.glob(str(pattern), recursive=True))):
            found |= dict.fromkeys(_files_in(one, assumed) if one.is_dir() else [regular_file(one)])
        if not found:
            raise CasesRefused(f"{path}: no file matches it")
        return list(found)
    return [regular_file(path)]


def _without_blank(path: Path, files: list[Path], assumed: Assumed) -> list[Path]:
    """Passes over parts of a folder or pattern that hold nothing, not even names; it is noted.

    Raises:
        CasesRefused: if all are such.
    """
    if files == [path]:
        # Given by its own name: whoever reads it says that it holds nothing.
        return files
    kept = []
    for file in files:
        if _is_blank(file):
            assumed.add(NO_CASE, file=str(file))
        else:
            kept.append(file)
    if not kept:
        raise CasesRefused(f"{path}: has no cases; all its files are empty")
    return kept


def _is_blank(file: Path) -> bool:
    """Tells whether a CSV holds nothing but blanks; Parquet always says its columns."""
    kind = kind_of(file)
    if kind not in {Kind.CSV, Kind.CSV_GZ}:
        return False
    try:
        with opened(file, packed=kind is Kind.CSV_GZ) as data:
            chunk = data.read(_CHUNK).removeprefix(codecs.BOM_UTF8)
            while chunk and not chunk.strip():
                chunk = data.read(_CHUNK)
            return not chunk
    except (OSError, EOFError, zlib.error):
        # What is wrong with it is told by whoever reads it.
        return False


def _files_in(folder: Path, assumed: Assumed) -> list[Path]:
    """Gives the files of cases in a folder; what is passed over is told.

    Raises:
        CasesRefused: if there is none, or something there can neither be read nor passed over.
    """
    files, found = [], sorted(folder.rglob("*"))
    # First: what else lies in a table is named in vain.
    for one in (folder, *found):
        if one.name in TABLES and one.is_dir():
            refuse_table(one, one.iterdir())
    for one in found:
        # Hidden ones, and those that Spark and others leave behind.
        aside = is_aside(one.relative_to(folder))
        if one.is_dir():
            if one.is_symlink() and not aside:
                raise CasesRefused(
                    f"{one}: is a link to a folder, which is not followed; give that folder as "
                    "well, or take the link away"
                )
        elif passed_over(one, folder, assumed):
            continue
        else:
            kind_needed(one)
            files.append(regular_file(one))
    if not files:
        raise CasesRefused(f"{folder}: holds no file that ends with {READ}")
    return files


def regular_file(path: Path) -> Path:
    """Gives a file that can be read to its end.

    Raises:
        CasesRefused: if it is none, such as a pipe, of which nothing may ever come.
    """
    try:
        mode = path.stat().st_mode
    except OSError as problem:
        missing = "there is no such file or folder"
        told = missing if isinstance(problem, FileNotFoundError) else problem.strerror
        raise CasesRefused(f"{path}: cannot be read: {told}") from None
    if not stat.S_ISREG(mode):
        raise CasesRefused(
            f"{path}: is no regular file (a pipe, a device or a socket); write it to a file first"
        )
    return path


def refuse_table(folder: Path, inside: Iterable[Path]) -> None:
    """Refuses a folder that says which of the files beside it still count.

    Args:
        folder: which may be one.
        inside: what lies in it.

    Raises:
        CasesRefused: if it is one.
    """
    name, told = folder.name, TABLES.get(folder.name)
    own, pattern = _OF_ICEBERG
    if told is None or (name == own and not any(one.match(pattern) for one in inside)):
        return
    raise CasesRefused(
        f"{folder.parent}: is {told}, whose files hold old cases too; export the cases as Parquet "
        "first"
    )


def refuse_files_of_tables(files: Sequence[Path]) -> None:
    """Refuses files that lie in such a folder, however they are given.

    A file of it, a pattern or the folder of one partition holds what was since deleted, as much as
    the whole does, persons who asked for it among them.

    Raises:
        CasesRefused: if one does.
    """
    folders: dict[Path, None] = {}
    for file in files:
        # As it was given, and where it is if that leads through a link.
        folders |= dict.fromkeys((*Path(os.path.abspath(file)).parents, *file.resolve().parents))
    for folder in folders:
        for name in TABLES:
            if (folder / name).is_dir():
                refuse_table(folder / name, (folder / name).iterdir())


def passed_over(file: Path, folder: Path, assumed: Assumed) -> bool:
    """Tells whether a file in a folder of cases holds none; if so, that is noted."""
    if not is_aside(file.relative_to(folder)) and file.suffix.lower() not in _BESIDE:
        return False
    assumed.add("files beside the cases are passed over", file.name, str(folder))
    return True


def is_aside(path: Path) -> bool:
    """Tells whether a path, from its folder of cases on, is hidden or left behind by Spark."""
    return any(part.startswith((".", "_")) for part in path.parts)


def _partitions(file: Path) -> dict[str, str | None]:
    """Gives what the folders around a file say, however it was given.

    Raises:
        CasesRefused: if two of them say something else of the same.
    """
    # As it was given, and where it is if that leads through a link.
    return said_by((*Path(os.path.abspath(file)).parts[:-1], *file.resolve().parts[:-1]), file)


def said_by(folders: Sequence[str], file: Path) -> dict[str, str | None]:
    """Gives what folders say of a file in them, such as `office_ref=o-1`.

    Raises:
        CasesRefused: if two of them say something else of the same.
    """
    found: dict[str, str | None] = {}
    for folder in folders:
        name, is_one, text = folder.partition("=")
        if not is_one:
            continue
        value = None if text == _NO_VALUE else unquote(text)
        if found.setdefault(name, value) != value:
            raise CasesRefused(
                f"{file}: folders around it say both {name}={found[name]} and {folder}; move it"
            )
    return found


def names_of(files: Sequence[Path]) -> list[str]:
    """Names files by as much of their paths as tells them apart."""
    for depth in range(1, 1 + max((len(file.parts) for file in files), default=1)):
        names = ["/".join(file.parts[-depth:]) for file in files]
        if len(set(names)) == len(names):
            return names
    return [str(file) for file in files]
