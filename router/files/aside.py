"""Files appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PRIVATE, _SHARED = 0o600, 0o666


@contextmanager
def written_aside(target: Path, *, shared: bool = False) -> Iterator[Path]:
    """Gives a path in the target's folder to write to, and renames it to the target at the end.

    If anything is raised meanwhile, what was written is removed and the target stays as it was.

    Args:
        target: the file to be; replaced if it exists. Of a link, what it leads to is replaced.
        shared: whether others may read it, as far as the umask lets them. Most files may hold
            cases, and are for their owner alone.

    Raises:
        OSError: if it cannot be made or renamed.
    """
    # Else the link would be replaced, and whoever else reads what it leads to would see nothing.
    target = target.resolve() if target.is_symlink() else target
    # Beside the target, since only within a file system a rename is atomic; by a name that nobody
    # can have put a link under, and never through one.
    aside = target.with_name(f".{target.name}.{secrets.token_hex(8)}.partial")
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW
    os.close(os.open(aside, flags, _SHARED if shared else _PRIVATE))
    try:
        yield aside
        aside.replace(target)
    finally:
        # After the rename nothing of that name is left.
        aside.unlink(missing_ok=True)


def made_alike(aside: Path, model: Path) -> None:
    """Gives a file the mode of another one, and its owner and group as far as that is permitted.

    A file that is renamed over another one would otherwise have those of whoever wrote it, and who
    read the old one, such as a server, could not read it.
    """
    status = model.stat()
    for owner, group in ((status.st_uid, -1), (-1, status.st_gid)):
        # Only root may give a file away, and in a container not to whom it does not know, nor on
        # every file system.
        with suppress(OSError):
            os.chown(aside, owner, group)
    aside.chmod(status.st_mode & 0o777)
