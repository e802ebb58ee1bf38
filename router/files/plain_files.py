"""Reads files that may have been made to do harm.

Only regular files are opened, no size is believed, nothing is unpacked unseen. In the folder of a
version no link is followed; what people place elsewhere may be links, as Kubernetes mounts it.
"""

from __future__ import annotations

import errno
import hashlib
import io
import math
import os
import stat
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

UNPACKED_AT_MOST = 128 * 1024 * 1024
"""Bytes of all arrays of an archive together."""
_PART_BYTES = 1 << 20
_END_BYTES = 22  # of an archive's end record without a comment
# An entry takes about 60 bytes: far more arrays than a version has, far fewer than would hurt.
_DIRECTORY_BYTES_AT_MOST = 4096
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


ODD = "is no regular file (a pipe, a device or a socket)"


def is_odd(path: Path) -> bool:
    """Tells whether what is there is neither file nor folder; links are followed."""
    try:
        mode = os.stat(path).st_mode
    # Whoever reads it says what is missing.
    except (OSError, ValueError):
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def plain_bytes(path: Path, at_most: int, *, links: bool = False) -> bytes:
    """Reads the bytes of a plain file.

    Args:
        path: of the file.
        at_most: bytes that it may have.
        links: whether it may be a link to a plain file: platforms swap certificates by links.

    Raises:
        ValueError: if it is missing, a link or no plain file, or larger than `at_most` bytes.
    """
    with _opened(path, links=links) as file:
        # One byte more than permitted tells that there is more, whatever the file says of its size.
        data = _read(file, at_most + 1, path.name)
    if len(data) > at_most:
        raise ValueError(f"{path.name} is larger than {at_most} bytes")
    return data


def plain_digest(path: Path, at_most: int) -> str:
    """Gives the SHA-256 of a plain file, hexadecimal.

    Raises:
        ValueError: if it is missing, a link or no plain file, or larger than `at_most` bytes.
    """
    found, left = hashlib.sha256(), at_most
    with _opened(path) as file:
        # A file of holes costs nothing to make and hours to read.
        if os.fstat(file.fileno()).st_size > at_most:
            raise ValueError(f"{path.name} is larger than {at_most} bytes")
        while part := _read(file, min(_PART_BYTES, left + 1), path.name):
            left -= len(part)
            if left < 0:
                raise ValueError(f"{path.name} is larger than {at_most} bytes")
            found.update(part)
    return found.hexdigest()


@contextmanager
def _opened(path: Path, *, links: bool = False) -> Iterator[io.BufferedReader]:
    try:
        # Before it is opened: to open a device may do something.
        mode = os.stat(path, follow_symlinks=links).st_mode
        if stat.S_ISLNK(mode):
            raise ValueError(f"{path.name} is a symbolic link")
        if not stat.S_ISREG(mode):
            raise ValueError(f"{path.name} is not a plain file")
        # Another may have taken its place since: what is opened is looked at again, and a pipe is
        # not waited for.
        flags = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY
        descriptor = os.open(path, flags | (0 if links else os.O_NOFOLLOW))
    except OSError as problem:
        why = (
            "is a symbolic link"
            if problem.errno == errno.ELOOP
            else f"cannot be read: {problem.strerror}"
        )
        raise ValueError(f"{path.name} {why}") from problem
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError(f"{path.name} is not a plain file")
    with open(descriptor, "rb") as file:
        yield file


def _read(file: io.BufferedReader, most: int, name: str) -> bytes:
    try:
        # None where what looks like a file has nothing to give yet: that is not waited for.
        return file.read(most) or b""
    except OSError as problem:
        raise ValueError(f"{name} cannot be read: {problem.strerror}") from problem


def check_archive(data: bytes, name: str) -> None:
    """Checks what an archive of arrays claims before it is unpacked.

    A small file may claim arrays of any size.

    Args:
        data: the bytes of an .npz file.
        name: of the file, for messages.

    Raises:
        ValueError: if a name is there twice, an array holds objects or not the bytes that its shape
            asks for, or all together are too large.
        zipfile.BadZipFile: if it is no archive.
    """
    end = data[-_END_BYTES:]
    # Nothing before and no comment behind: what two readers
    # could understand in two ways is refused.
    if data[:4] != b"PK\3\4" or end[:4] != b"PK\5\6":
        raise ValueError(f"{name} is not a plain archive of arrays")
    # Before `zipfile` reads it: it would make an object of every entry.
    if int.from_bytes(end[12:16], "little") > _DIRECTORY_BYTES_AT_MOST:
        raise ValueError(f"{name} holds too many arrays")
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        parts = archive.infolist()
        # Of two parts of one name, the one checked need not be the one that NumPy reads.
        if len({part.filename for part in parts}) != len(parts):
            raise ValueError(f"{name} holds a name twice")
        unpacked = sum(part.file_size for part in parts)
        if unpacked > UNPACKED_AT_MOST:
            raise ValueError(f"{name} unpacks to {unpacked} bytes, more than {UNPACKED_AT_MOST}")
        for part in parts:
            _check_array(archive, part, f"{name}: {part.filename}")


def _check_array(archive: zipfile.ZipFile, part: zipfile.ZipInfo, where: str) -> None:
    with archive.open(part) as file:
        read = _HEADERS.get(np.lib.format.read_magic(file))
        if read is None:
            raise ValueError(f"{where} is an array of an unknown format")
        shape, _, dtype = read(file)
        held = part.file_size - file.tell()

    # Unpickling runs whatever the file says.
    if dtype.hasobject:
        raise ValueError(f"{where} holds pickled objects")
    if any(length < 0 for length in shape) or math.prod(shape) * dtype.itemsize != held:
        raise ValueError(f"{where} says shape {shape} of {dtype} and holds {held} bytes")
