"""The offline command line, `python -m training`: gathers the commands of training/commands."""

from __future__ import annotations

import click

from router.commands.lazily import LazyGroup
from router.commands.run import run as run_command_line

_NAMES = (
    "simulate",
    "year",
    "collect",
    "check",
    "evidence",
    "fit",
    "evaluate",
    "synergy",
    "propose",
    "report",
    "gate",
    "card",
    "compare",
    "promote",
    "golden",
    "rewrite",
    "mlflow",
)
_MODULES = {name: f"training.commands.{name}" for name in _NAMES} | {
    "rollback": "training.commands.promote",
    "canary": "training.commands.promote",
    "key": "training.commands.key",
}


@click.group(cls=LazyGroup, modules=_MODULES)
def main() -> None:
    """Learns, judges and promotes models."""


def run() -> None:
    """Runs the command line."""
    run_command_line(main, "python -m training")


if __name__ == "__main__":
    run()
