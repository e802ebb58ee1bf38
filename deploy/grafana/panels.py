"""The dashboards as values, read from `panels.toml` beside this file, where a new panel joins."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

SELECTED = 'job=~"$job", instance=~"$instance"'
"""What `SEL` stands for in a query."""


class Panel(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One picture of a dashboard.

    Attributes:
        title: short.
        description: what it tells, and what to do about it.
        unit: Grafana's name of it.
        queries: PromQL by legend; `SEL` stands for the chosen job and instances.
        fault: what is made to happen in the test that shows the panel moving.
        moves: up or down; "new" where another series appears.
        lines: values from which it is worth a look, and from which somebody must act.
        stacked: whether series are parts of a whole.
    """

    title: str
    description: str
    unit: str
    queries: dict[str, str]
    fault: str
    moves: Literal["up", "down", "new"] = "up"
    lines: tuple[float, ...] = ()
    stacked: bool = False

    def expressions(self) -> list[str]:
        """Gives the queries as Grafana sends them, but for its variables."""
        return [one.replace("SEL", SELECTED) for one in self.queries.values()]


class Board(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One dashboard."""

    uid: str
    title: str
    description: str
    panels: tuple[Panel, ...]


class _Boards(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    board: tuple[Board, ...]


BOARDS = msgspec.toml.decode(
    Path(__file__).with_suffix(".toml").read_bytes(), type=_Boards, strict=False
).board
"""All dashboards."""
