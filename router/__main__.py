"""The command line, `python -m router`: gathers the commands of router/commands."""

from __future__ import annotations

import click

from router.commands.lazily import LazyGroup
from router.commands.run import run as run_command_line

_MODULES = {
    "serve": "router.commands.serve",
    "score": "router.commands.score",
    "plan": "router.commands.plan",
    "hours": "router.commands.hours",
    "price": "router.commands.price",
    "policy": "router.commands.policy",
    "ledger": "router.commands.ledger",
    "journal": "router.commands.journal",
    "health": "router.commands.serve",
    "demo": "router.commands.serve",
}


@click.group(
    cls=LazyGroup, modules=_MODULES, context_settings={"help_option_names": ["-h", "--help"]}
)
def main() -> None:
    """Recommends a mix of digital self-service and personal follow-up for a case."""


def run() -> None:
    """Runs the command line."""
    run_command_line(main, "python -m router")


if __name__ == "__main__":
    run()
