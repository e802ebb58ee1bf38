"""Files appear whole or not at all: written aside, then renamed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def written_aside(target: Path) -> Iterator[Path]:
    """Gives a path in the target's folder to write to, and renames it to the target at the end.

    If anything is raised meanwhile, what was written is removed and the target stays as it was.

    Args:
        target: the file to be; replaced if it exists. Of a link, what it leads to is replaced.

    Raises:
        OSError: if it cannot be renamed.
    """
    # Else the link would be replaced, and whoever else reads what it leads to would see nothing.
    target = target.resolve() if target.is_symlink() else target
    # Beside the target, since only within a file system a rename is
    # atomic; the process in its name keeps two that write at once apart.
    aside = target.with_name(f".{target.name}.{os.getpid()}.partial")
    try:
        yield aside
        aside.replace(target)
    finally:
        # After the rename nothing of that name is left.
        aside.unlink(missing_ok=True)
