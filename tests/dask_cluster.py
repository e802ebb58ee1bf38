"""Clusters of Dask on this machine, of which several may run at once."""

from __future__ import annotations

from typing import Any

OF_THIS_MACHINE: dict[str, Any] = {
    "threads_per_worker": 1,
    # A scheduler's HTTP server would else want a port that another has.
    "scheduler_kwargs": {"dashboard": False, "dashboard_address": "127.0.0.1:0"},
    "silence_logs": 50,
}
"""Arguments of `distributed.LocalCluster`."""
