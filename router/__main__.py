"""Command line: `python -m router serve|score|plan|policy|ledger|journal|health|demo`."""

from __future__ import annotations

import click

from router.commands.journal import journal
from router.commands.ledger import ledger
from router.commands.plan import plan
from router.commands.policy import policy
from router.commands.price import price
from router.commands.run import run as run_command_line
from router.commands.score import score
from router.commands.serve import demo, health, serve


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Recommends a mix of digital self-service and personal follow-up for a case."""


for command in (serve, score, plan, price, policy, ledger, journal, health, demo):
    main.add_command(command)


def run() -> None:
    """Runs the command line."""
    run_command_line(main, "python -m router")


if __name__ == "__main__":
    run()
