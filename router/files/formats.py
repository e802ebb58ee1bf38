"""In which formats tables are written, by the file's suffix: Parquet or CSV; not how they are read.

Cases are read in router/cases/tables.py and written in router/cases/arrow.py, logged cases in
training/data/case_files.py; the journal is exported by router/journal/export.py.

Whoever writes tables asks here.
"""

from __future__ import annotations

import fnmatch
import glob
import tempfile
from collections.abc import Sequence
from enum import Enum
from pathlib import Path

from router.mendable import Mendable

# What tells a version's folder (router/versions/registry.py).
OF_A_VERSION = "manifest.json"


class OutRefused(Mendable, ValueError):
    """Nothing is written there; the message says why."""


class Format(Enum):
    """A format, by its suffix."""

    PARQUET = ".parquet"
    CSV = ".csv"


def format_of(path: Path) -> Format | None:
    """Tells a file's format by its suffix, in lower case; None if it is of neither."""
    return next((one for one in Format if one.value == path.suffix), None)


def check_out(out: Path, inputs: Sequence[Path] = (), option: str = "out") -> Format:
    """Checks that a table can be written to a place, before anything is read for it.

    Args:
        out: where.
        inputs: files, folders and patterns that it is made from, none of which is overwritten.
        option: that names the place, for messages.

    Raises:
        OutRefused: if its ending says no format, it is a folder or in none, or it is an input.
    """
    check_place(out, tuple(one.value for one in Format), inputs, option)
    return Format(out.suffix)


def check_place(
    out: Path, ends: tuple[str, ...], inputs: Sequence[Path] = (), option: str = "out"
) -> None:
    """Checks that a file can be written to a place, before anything is read for it.

    Args:
        out: where.
        ends: one of which its name must have; () for any.
        inputs: files, folders and patterns that it is made from, none of which is overwritten.
        option: that names the place, for messages.

    Raises:
        OutRefused: if its ending is another, nothing can be written there, it is or would be an
            input, or it would change a version of a model, whose files are signed or listed with
            their digests.
    """
    if ends and out.suffix not in ends:
        told = " or ".join(ends)
        raise OutRefused(f"{option}: {out} must end with {told}, in small letters")
    check_writable(out, option)
    if (out.parent / OF_A_VERSION).exists():
        raise OutRefused(
            f"{option}: {out} is among the files of a model version, which are never changed; "
            "give another place"
        )
    target = out.resolve()
    for one in inputs:
        if _is_read(target, one):
            later = "" if one.is_file() else f", or would be read with {one} the next time"
            raise OutRefused(f"{option}: {out} is a file that is read{later}; give another place")


def check_writable(out: Path, option: str = "out") -> None:
    """Checks that a file can be made in a place or replaced there, before work is spent on it.

    Args:
        out: where; of a link, what it leads to.
        option: that names the place, for messages.

    Raises:
        OutRefused: if it is there and no regular file, or nothing can be made in its folder.
    """
    try:
        target = out.resolve()
        is_folder = target.is_dir()
    except (OSError, RuntimeError) as problem:
        # A link that leads to itself, or a name that is too long.
        raise OutRefused(f"{option}: {out} is no place for a file: {problem}") from None
    if is_folder:
        raise OutRefused(f"{option}: {out} is a folder; give the name of a file")
    if target.exists() and not target.is_file():
        raise OutRefused(f"{option}: {out} is no regular file; give the name of a file")
    check_folder(target.parent if out.is_symlink() else out.parent, out, option)


def check_folder(folder: Path, out: Path, option: str = "out") -> None:
    """Checks that something can be made in a folder.

    Args:
        folder: in which.
        out: what is to be made, for messages.
        option: that names it, for messages.

    Raises:
        OutRefused: if it is no folder, or nothing can be made in it.
    """
    if not folder.is_dir():
        raise OutRefused(f"{option}: {out}: there is no folder {folder}")
    try:
        # Tried, since permissions do not say it all: disks are mounted to be read alone.
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as problem:
        why = problem.strerror or type(problem).__name__
        raise OutRefused(f"{option}: {out}: nothing can be written in {folder}: {why}") from None


def _is_read(target: Path, given: Path) -> bool:
    """Tells whether a file is, or would be, among those that a path or a pattern stands for.

    By what files are: a link and a hard link are other names of the same bytes.
    """
    if given.is_dir():
        inside = given.resolve() in target.parents
        return inside or any(_is_same(target, file) for file in given.rglob("*"))
    if given.exists() or not glob.has_magic(str(given)):
        return _is_same(target, given)

    found = [Path(one) for one in glob.glob(str(given), recursive=True)]
    if any(one.resolve() in target.parents if one.is_dir() else _is_same(target, one)
           for one in found):  # fmt: skip
        return True
    # One that is not there yet would be read the next time.
    folders = glob.glob(str(given.parent), recursive=True)
    named = given.name == "**" or fnmatch.fnmatch(target.name, given.name)
    return named and any(Path(one).resolve() == target.parent for one in folders)


def _is_same(target: Path, file: Path) -> bool:
    return file.resolve() == target or (
        target.exists() and file.is_file() and target.samefile(file)
    )
