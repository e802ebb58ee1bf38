"""Which files in an object store hold cases: one, or a folder of them, also in hive partitions."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.fs as pa_fs

from router.cases.assumed import Assumed
from router.cases.problems import CasesRefused
from router.cases.sources import (
    TABLES,
    Kind,
    Source,
    kind_needed,
    names_of,
    passed_over,
    refuse_table,
    said_by,
)
from router.files.stores import Store, store_of


def find_stored(uri: str, assumed: Assumed) -> list[Source]:
    """Finds the Parquet files, in order by name.

    Args:
        uri: of a file, or of a folder, of which all is read as of one on this machine.
        assumed: what was passed over is added here.

    Raises:
        CasesRefused: if there is none, or something there can neither be read nor passed over.
        StoreRefused: if the URI cannot be used.
    """
    store = store_of(uri)
    try:
        _refuse_part_of_a_table(store)
        given = store.filesystem.get_file_info(store.path)
        if given.type == pa_fs.FileType.Directory:
            selector = pa_fs.FileSelector(store.path, recursive=True)
            found = sorted(store.filesystem.get_file_info(selector), key=lambda one: one.path)
            files = _of_folder(found, Path(store.path), assumed)
        elif given.type == pa_fs.FileType.File:
            files = [Path(store.path)]
        else:
            raise CasesRefused(f"{uri}: cannot be read: there is no such file or folder")
    except (OSError, pa.ArrowException) as problem:
        told = str(problem).split("\n", maxsplit=1)[0]
        raise CasesRefused(f"{uri}: cannot be read: {told}") from problem
    if not files:
        raise CasesRefused(f"{uri}: holds no file that ends with .parquet")
    for file in files:
        if kind_needed(file) is not Kind.PARQUET:
            raise CasesRefused(f"{file}: must end with .parquet in an object store")
    return [
        Source(
            path=file,
            name=name,
            kind=Kind.PARQUET,
            partitions=said_by(file.parts[:-1], file),
            store=uri,
        )
        for file, name in zip(files, names_of(files), strict=True)
    ]


def _refuse_part_of_a_table(store: Store) -> None:
    """Refuses a file or folder that lies in a table whose files hold old cases too."""
    for folder in Path(store.path).parents:
        if not folder.name:
            return
        places = [(folder / name).as_posix() for name in TABLES]
        try:
            found = store.filesystem.get_file_info(places)
            for one in found:
                if one.type == pa_fs.FileType.Directory:
                    inside = store.filesystem.get_file_info(pa_fs.FileSelector(one.path))
                    refuse_table(Path(one.path), [Path(name.path) for name in inside])
        except (OSError, pa.ArrowException):
            # Keys of a store often let one see no further than what one is to read.
            return


def _of_folder(found: list[pa_fs.FileInfo], folder: Path, assumed: Assumed) -> list[Path]:
    paths = [Path(one.path) for one in found]
    # First: what else lies in a table is named in vain.
    for table in dict.fromkeys((folder, *(path.parent for path in paths), *paths)):
        if table.name in TABLES:
            refuse_table(table, [path for path in paths if path.parent == table])
    return [
        path
        for path, one in zip(paths, found, strict=True)
        if one.type != pa_fs.FileType.Directory and not passed_over(path, folder, assumed)
    ]
