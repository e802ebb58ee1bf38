"""Which formats of tables there are, by the file's suffix: Parquet or CSV; not how they are read.

Cases are read in router/cases/tables.py and written in router/cases/arrow.py, logged cases in
training/data/case_files.py; the journal is exported by router/journal/export.py.

Whoever writes tables asks here.
"""

from __future__ import annotations

import glob
from collections.abc import Iterator, Sequence
from enum import Enum
from pathlib import Path

from router.mendable import Mendable

# What tells a version's folder (router/versions/registry.py).
_OF_A_VERSION = "manifest.json"


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
        ends: one of which its name must have.
        inputs: files, folders and patterns that it is made from, none of which is overwritten.
        option: that names the place, for messages.

    Raises:
        OutRefused: if its ending is another, it is a folder or in none, it is an input, or it would
            change a version of a model, whose files are signed or listed with their digests.
    """
    if out.suffix not in ends:
        told = " or ".join(ends)
        raise OutRefused(f"{option}: {out} must end with {told}, in small letters")
    if (out.parent / _OF_A_VERSION).exists():
        raise OutRefused(
            f"{option}: {out} is among the files of a model version, which are never changed; "
            "give another place"
        )
    if out.is_dir():
        raise OutRefused(f"{option}: {out} is a folder; give the name of a file")
    if not out.parent.is_dir():
        raise OutRefused(f"{option}: {out}: there is no folder {out.parent}")
    target = out.resolve()
    for one in inputs:
        # A file that is not there yet would be read with the others the next time.
        if one.is_dir() and one.resolve() in target.parents:
            raise OutRefused(
                f"{option}: {out} is among the files that are read in {one}; give another place"
            )
        for read in _read(one):
            # By what they are: a link and a hard link are other names of the same bytes.
            if read.resolve() == target or (out.exists() and out.samefile(read)):
                raise OutRefused(f"{option}: {out} is a file that is read; give another place")


def _read(given: Path) -> Iterator[Path]:
    """Gives the files that a path, a folder or a pattern stands for, links too."""
    if given.is_dir():
        found = given.rglob("*")
    elif not given.exists() and glob.has_magic(str(given)):
        found = (Path(one) for one in glob.iglob(str(given), recursive=True))
    else:
        found = iter((given,))
    for one in found:
        if one.is_file():
            yield one
