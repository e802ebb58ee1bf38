"""Processor time that a database server uses."""

from __future__ import annotations

from contextlib import suppress

import psutil


def of_server(pid: int) -> float:
    """Gives the processor time of a process and of all that it ever started, seconds.

    Args:
        pid: of the first process of a server, which keeps count of those that have ended.
    """
    main = psutil.Process(pid)
    used = sum(main.cpu_times()[:4])
    for one in main.children():
        with suppress(psutil.NoSuchProcess):
            used += sum(one.cpu_times()[:2])
    return float(used)
