"""The secret by which cases are drawn: read from a file, or made beside the journal."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from router.files.plain_files import plain_bytes
from router.mendable import Mendable

AT_LEAST, AT_MOST = 16, 4096
"""Bytes of a key."""


class DrawKeyRefused(Mendable, ValueError):
    """The file cannot be used as a key."""


def read_draw_key(path: Path) -> bytes:
    """Reads a key; blanks and line ends around it are none of it.

    Raises:
        DrawKeyRefused: if it cannot be read, or has fewer than 16 bytes or more than 4,096.
    """
    try:
        # A platform mounts secrets as links: what is meant is what they lead to.
        key = plain_bytes(path.resolve(), AT_MOST).strip()
    except ValueError as problem:
        raise DrawKeyRefused(f"--draw-key: {path}: {problem}") from problem
    if len(key) < AT_LEAST:
        raise DrawKeyRefused(
            f"--draw-key: {path}: {len(key)} bytes, at least {AT_LEAST} are needed; "
            "`openssl rand -hex 32` makes some"
        )
    return key


def kept_draw_key(path: Path) -> tuple[bytes, bool]:
    """Reads the key that was made, or makes one, for its owner alone.

    Returns:
        The key, and whether it is new.

    Raises:
        DrawKeyRefused: if it can be neither read nor made.
    """
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    except FileExistsError:
        return read_draw_key(path), False
    except OSError as problem:
        raise DrawKeyRefused(
            f"--draw-key: {path} cannot be made: {problem.strerror}; it is made beside the journal "
            "where no other place is named"
        ) from problem
    with open(made, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(32) + "\n")
        file.flush()
        os.fsync(file.fileno())
    return read_draw_key(path), True
