"""Processes that are asked, line by line, how long something takes there: each in a checkout."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path


def started(command: Sequence[str], folder: Path) -> subprocess.Popen[str]:
    """Starts a worker in a folder: it reads questions and answers each with a line."""
    return subprocess.Popen(
        command, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def told(process: subprocess.Popen[str]) -> str:
    """Gives the next line that a worker writes."""
    assert process.stdout is not None
    return process.stdout.readline()


def asked(process: subprocess.Popen[str], question: str) -> float:
    """Gives what a worker measures."""
    assert process.stdin is not None
    process.stdin.write(f"{question}\n")
    process.stdin.flush()
    return float(told(process))
