"""A command line whose commands are imported when they are called: some need slow libraries."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any

import click


class LazyGroup(click.Group):
    """A group of commands by the module that holds each of them under its own name."""

    def __init__(self, *, modules: Mapping[str, str], **others: Any) -> None:  # noqa: ANN401 - click's
        super().__init__(**others)
        self._modules = modules

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click's
        """Lists the names, in their order."""
        return list(self._modules)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click's
        """Gives a command by its name; None if there is none."""
        if cmd_name not in self._modules:
            return None
        found: click.Command = getattr(import_module(self._modules[cmd_name]), cmd_name)
        return found
