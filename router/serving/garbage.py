"""When Python looks for garbage that refers to itself: by the bytes of requests, not by objects.

An error and the frames that it went through refer to each other, and to the request. Python counts
objects, of which a body of four MiB is one: a hundred calls that failed held a GiB before it
looked. What was made of a request, up to a hundred times its bytes, is let go of at once.
"""

from __future__ import annotations

import gc
import traceback

BYTES_BETWEEN = 32 << 20
"""Bytes of requests after which it looks: some milliseconds each time, since what was made at the
start is not looked through (`gc.freeze`)."""


class _Seen:
    """What came since the last look."""

    bytes = 0


def came(size: int) -> None:
    """Hears of a request, or a part of one, and looks if much has come."""
    _Seen.bytes += size
    if _Seen.bytes >= BYTES_BETWEEN:
        _Seen.bytes = 0
        gc.collect()


def forget_frames(error: BaseException | None) -> None:
    """Lets go of what was at hand where an error was raised, and those before it.

    grpc keeps the error by which a call was ended, in a circle with the call itself.
    """
    while error is not None:
        traceback.clear_frames(error.__traceback__)
        error = error.__context__
