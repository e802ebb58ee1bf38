"""Which files hold cases: one, several, a folder of months, a pattern, hive partitions."""

from __future__ import annotations

import glob
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path
from urllib.parse import unquote

from router.cases.problems import CasesRefused

_NO_VALUE = "__HIVE_DEFAULT_PARTITION__"
READ = ".parquet, .csv, .tsv, .csv.gz or .tsv.gz"
"""Endings that are read, in words."""
_FIXES = {
    ".xlsx": "save the sheet as CSV UTF-8",
    ".xls": "save the sheet as CSV UTF-8",
    ".ods": "save the sheet as CSV",
    ".zip": "unpack it",
    ".feather": "write it as Parquet",
    ".arrow": "write it as Parquet",
    ".json": "write it as Parquet or CSV",
    ".rds": "write it by R's write.csv, or by arrow::write_parquet",
    ".pkl": "write it by to_parquet",
    ".sav": "write it as CSV",
    ".dta": "write it as CSV",
    ".sas7bdat": "write it as CSV",
}

_BESIDE = {".md", ".html", ".toml", ".yaml", ".yml", ".ini", ".log", ".crc", ".md5", ".sha256"}
"""Endings of files that may lie in a folder of cases and hold none."""


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
    """

    path: Path
    name: str
    kind: Kind
    partitions: Mapping[str, str | None] = field(default_factory=dict)


def kind_of(path: Path) -> Kind | None:
    """Tells how a file is read by the end of its name, large letters or small; None if not."""
    name = path.name.lower()
    return next((kind for end, kind in _KINDS.items() if name.endswith(end)), None)


def find_sources(paths: Sequence[Path]) -> list[Source]:
    """Finds the files, in order; those of a folder or pattern by name.

    Raises:
        CasesRefused: if there is none, one is there twice, cannot be read, or is not as named.
    """
    if not paths:
        raise CasesRefused("cases: no file given; at least one is needed")
    found: dict[Path, tuple[Path, Path]] = {}
    for path in paths:
        for base, file in _files(path):
            real = file.resolve()
            if real in found:
                raise CasesRefused(f"{file}: is given twice; permitted is once")
            found[real] = base, file
    each = list(found.values())
    names = _names(each)
    return [
        Source(path=file, name=name, kind=_kind(file), partitions=_partitions(file))
        for (_, file), name in zip(each, names, strict=True)
    ]


def _kind(path: Path) -> Kind:
    kind = kind_of(path)
    if kind is None:
        fix = _FIXES.get(path.suffix.lower())
        told = f"; {fix} first" if fix else ""
        raise CasesRefused(f"{path}: must end with {READ}{told}")
    return kind


def _files(path: Path) -> list[tuple[Path, Path]]:
    """Gives the files that a path stands for, each with the folder that its name begins in.

    Raises:
        CasesRefused: if there is none.
    """
    if path.is_dir():
        inside = [
            file
            for file in sorted(path.rglob("*"))
            # Hidden ones, and those that Spark and others leave behind.
            if file.is_file() and not _is_aside(file.relative_to(path))
        ]
        files = [file for file in inside if kind_of(file)]
        strange = [file for file in inside if not kind_of(file) and file.suffix not in _BESIDE]
        if strange:
            # What is passed over without a word is missed by nobody.
            _kind(strange[0])
        _refuse_links(path)
        if not files:
            raise CasesRefused(f"{path}: holds no file that ends with {READ}")
        return [(path, file) for file in files]
    if not path.exists() and glob.has_magic(str(path)):
        matched = [Path(one) for one in sorted(glob.glob(str(path), recursive=True))]
        files = [(one.parent, one) for one in matched if one.is_file()]
        # "**" goes into folders by itself.
        if "**" not in path.parts:
            files += [file for one in matched if one.is_dir() for file in _files(one)]
        if not files:
            raise CasesRefused(f"{path}: no file matches it")
        return files
    if not path.exists():
        raise CasesRefused(f"{path}: cannot be read: there is no such file or folder")
    return [(path.parent, path)]


def _refuse_links(folder: Path) -> None:
    for one in sorted(folder.rglob("*")):
        if one.is_symlink() and one.is_dir() and not _is_aside(one.relative_to(folder)):
            raise CasesRefused(
                f"{one}: is a link to a folder, which is not followed; give that folder as well, "
                "or take the link away"
            )


def _is_aside(path: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.parts)


def _partitions(file: Path) -> dict[str, str | None]:
    # However the file was given, the folders around it say the same of it.
    folders = file.absolute().parts[:-1]
    pairs = (folder.partition("=") for folder in folders if "=" in folder)
    return {name: None if value == _NO_VALUE else unquote(value) for name, _, value in pairs}


def _names(files: Sequence[tuple[Path, Path]]) -> list[str]:
    """Names files by as much of their paths as tells them apart."""
    for depth in range(1, 1 + max((len(file.parts) for _, file in files), default=1)):
        names = ["/".join(file.parts[-depth:]) for _, file in files]
        if len(set(names)) == len(names):
            return names
    return [str(file) for _, file in files]
