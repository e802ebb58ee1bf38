"""Command line: `python -m router serve|score|plan|policy|ledger|journal|health|demo`."""

from __future__ import annotations

import sys

import click

from router.commands.journal import journal
from router.commands.ledger import ledger
from router.commands.plan import plan
from router.commands.policy import policy
from router.commands.price import price
from router.commands.score import score
from router.commands.serve import demo, health, serve
from router.journal.record import JournalBroken, JournalUnavailable
from router.versions.registry import ModelRefused


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Recommends a mix of digital self-service and personal follow-up for a case."""


for command in (serve, score, plan, price, policy, ledger, journal, health, demo):
    main.add_command(command)


def run() -> None:
    """Runs the command line; what an operator can mend is one clear line and exit code 2."""
    try:
        main(standalone_mode=True, prog_name="python -m router")
    except (ValueError, OSError, ModelRefused, JournalUnavailable, JournalBroken) as problem:
        click.echo(f"error: {problem}", err=True)
        sys.exit(2)


if __name__ == "__main__":
    run()
