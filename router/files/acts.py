"""The log of administrative acts: who changed what decides, or what is kept; a JSON object a line.

It holds names of versions and policies, numbers of records, reasons; never a value of a case.
"""

from __future__ import annotations

import fcntl
import getpass
import json
import logging
import os
from datetime import UTC, datetime
from pathlib import Path

from router.mendable import Mendable

_log = logging.getLogger(__name__)


class ActNotKept(Mendable):
    """The log of acts cannot be written, so the act is not done; the message says why."""


class Acts:
    """Keeps acts in a file, if one is named."""

    def __init__(self, path: Path | None, by: str | None = None) -> None:
        """Takes the file.

        Args:
            path: of the file; None keeps nothing.
            by: who acts; the user who runs this if not given.
        """
        self._path = path
        self._by = who() if by is None else by

    def keep(self, act: str, before: object, after: object, **told: object) -> None:
        """Writes an act down before it is done.

        Args:
            act: what is done, e.g. "promote".
            before: what was in force until then, or how much was held.
            after: what is from now on.
            **told: what else the line tells.

        Raises:
            ActNotKept: if it cannot be written: then the act must not be done.
        """
        if self._path is None:
            return
        try:
            self._append(act, before, after, told)
        except OSError as problem:
            raise ActNotKept(f"audit log: {self._path}: {problem.strerror or problem}") from problem

    def note(self, act: str, before: object, after: object, **told: object) -> None:
        """Writes down what has happened already; where that fails, the log of the process has it.

        Args:
            act: what was done.
            before: what was in force until then.
            after: what is since.
            **told: what else the line tells.
        """
        try:
            self.keep(act, before, after, **told)
        except ActNotKept as problem:
            _log.error("%s", problem, extra={"act": act, "before": before, "after": after})

    def _append(self, act: str, before: object, after: object, told: dict[str, object]) -> None:
        line = {
            "time": datetime.now(UTC).isoformat(timespec="milliseconds"),
            "act": act,
            "by": self._by,
            "before": before,
            "after": after,
            **told,
        }
        assert self._path is not None
        # Not through a link that somebody has planted, and for nobody else to read.
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self._path, flags | os.O_NONBLOCK, 0o600)
        with open(descriptor, "r+b", buffering=0) as file:
            # One at a time, and the lock goes with the file where the process dies.
            fcntl.flock(file, fcntl.LOCK_EX)
            end = file.seek(0, os.SEEK_END)
            torn = end and os.pread(descriptor, 1, end - 1) != b"\n"
            text = json.dumps(line, ensure_ascii=False)
            file.write(b"\n" * bool(torn) + text.encode() + b"\n")
            os.fsync(descriptor)


def who() -> str:
    """Names who runs this; by number where the machine knows no name, as in many containers."""
    try:
        return os.environ.get("USER") or getpass.getuser()
    except (KeyError, OSError):
        return f"uid {os.getuid()}"
