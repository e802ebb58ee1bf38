"""The matrix: every fault, in the order of its rows."""

from __future__ import annotations

from tests.faults import database, ending, replicas
from tests.faults.fault import ALL

_MODULES = (ending, database, replicas)

MATRIX = sorted(ALL, key=lambda one: int(one.row) if one.row.isdigit() else 99)
