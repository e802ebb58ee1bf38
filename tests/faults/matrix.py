"""The matrix: every fault, in the order of its rows."""

from __future__ import annotations

from tests.faults import (
    clock,
    connections,
    database,
    disk,
    ending,
    fuzz,
    history,
    models,
    replicas,
    sizes,
    soak,
    waiting,
)
from tests.faults.fault import ALL, Fault

_MODULES = (
    fuzz,
    ending,
    database,
    models,
    disk,
    connections,
    sizes,
    clock,
    replicas,
    waiting,
    soak,
    history,
)


def _place(one: Fault) -> tuple[int, int]:
    return int(one.row), ALL.index(one)


MATRIX = sorted(ALL, key=_place)
