"""A folder of files that are made apart, here or in an object store; each appears whole or not.

Whoever writes a file again writes the same bytes, so it does not matter which of two writers is
the last.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

import pyarrow.fs as pa_fs

from router.addresses import is_address
from router.files.aside import written_aside
from router.files.formats import OF_A_VERSION, OutRefused, check_folder
from router.files.stores import Store, store_of

_PARTIAL = ".partial"
_SHOWN = 3


@dataclass(frozen=True, slots=True)
class OutFolder:
    """A folder that files are written into.

    Attributes:
        uri: where, a URI or an absolute path; other machines know it by the same.
    """

    uri: str

    @classmethod
    def at(cls, place: str) -> OutFolder:
        """Gives the folder of a path or URI."""
        if is_address(place):
            return cls(place)
        return cls(os.path.abspath(place))

    @property
    def store(self) -> Store:
        """The store that it is in.

        Raises:
            StoreRefused: if its URI cannot be used.
        """
        return store_of(self.uri)

    def check(self, cases: Store, names: Collection[str], option: str = "out") -> None:
        """Makes the folder, and checks that nothing else is there, before anything is written.

        Args:
            cases: what is read, which it may neither hold nor be in.
            names: of files that will be written, relative to the folder.
            option: that names the folder, for messages.

        Raises:
            OutRefused: if files of cases are read from it, it cannot be written, or it holds a
                file that will not be written: who reads the folder would take it for one.
            StoreRefused: if its URI cannot be used.
        """
        own, read = PurePosixPath(_real(self.store)), PurePosixPath(_real(cases))
        same = self.store.filesystem.type_name == cases.filesystem.type_name
        if same and (own == read or own in read.parents or read in own.parents):
            raise OutRefused(
                f"{option}: {self.uri} is where cases are read, holds that or lies in it, so what "
                "is written would be read the next time; give another place"
            )
        if (local := self.store.local) is not None:
            _check_local(local, option)
        others = sorted(name for name in self._files() if name not in names)
        if others:
            shown = ", ".join(others[:_SHOWN])
            more = f" and {len(others) - _SHOWN} more" if len(others) > _SHOWN else ""
            raise OutRefused(
                f"{option}: {self.uri} holds {shown}{more}, which would be taken for a part of "
                "what is written; remove them, or give another folder"
            )

    @contextmanager
    def written(self, name: str) -> Iterator[Any]:
        """Gives a path or an open file to write to, which becomes the file of that name at the end.

        If anything is raised meanwhile, what was written is removed and the file, if there was one
        of that name, stays as it was.

        Args:
            name: relative to the folder.

        Raises:
            OSError: if it cannot be written.
        """
        filesystem, root = self.store
        target = PurePosixPath(root) / name
        if self.store.local is not None:
            os.makedirs(target.parent, exist_ok=True)
            with written_aside(Path(target)) as path:
                yield path
            return
        # Of folders some stores know nothing; then this does nothing.
        filesystem.create_dir(target.parent.as_posix(), recursive=True)
        aside = target.with_name(f".{target.name}.{secrets.token_hex(8)}{_PARTIAL}").as_posix()
        try:
            # Closed before it is moved. A file that broke off is whole to the store, so it never
            # gets the name that readers look for.
            with filesystem.open_output_stream(aside) as sink:
                yield sink
            filesystem.move(aside, target.as_posix())
        except BaseException:
            _remove(filesystem, aside)
            raise

    def remove(self, name: str) -> None:
        """Removes a file, if it is there.

        Raises:
            OSError: if it cannot be removed.
        """
        filesystem, root = self.store
        _remove(filesystem, (PurePosixPath(root) / name).as_posix())

    def sweep(self) -> None:
        """Removes what writers left that were ended meanwhile.

        Raises:
            OSError: if it cannot be removed.
        """
        filesystem, root = self.store
        for name in self._files(hidden=True):
            if name.endswith(_PARTIAL):
                _remove(filesystem, (PurePosixPath(root) / name).as_posix())

    def _files(self, *, hidden: bool = False) -> Iterator[str]:
        """Lists the files that readers would see, or those that they would not."""
        filesystem, root = self.store
        selector = pa_fs.FileSelector(root, allow_not_found=True, recursive=True)
        for one in filesystem.get_file_info(selector):
            if one.type == pa_fs.FileType.Directory:
                continue
            name = PurePosixPath(one.path).relative_to(PurePosixPath(root))
            if any(part.startswith((".", "_")) for part in name.parts) == hidden:
                yield name.as_posix()


def _check_local(folder: Path, option: str) -> None:
    if folder.exists() and not folder.is_dir():
        raise OutRefused(f"{option}: {folder} is a file; give a folder, one that is there or not")
    if (folder / OF_A_VERSION).exists():
        raise OutRefused(
            f"{option}: {folder} is the folder of a model version, which is never changed; give "
            "another place"
        )
    if not folder.is_dir():
        check_folder(folder.parent, folder, option)
        folder.mkdir()
    check_folder(folder, folder, option)


def _real(store: Store) -> str:
    return str(store.local.resolve()) if store.local is not None else store.path.rstrip("/")


def _remove(filesystem: Any, path: str) -> None:  # noqa: ANN401 - PyArrow's have no types
    if filesystem.get_file_info(path).type != pa_fs.FileType.NotFound:
        filesystem.delete_file(path)
