"""The offline command line, `python -m training`: gathers the commands of training/commands."""

from __future__ import annotations

import click

from router.cases.problems import CasesRefused
from router.commands.run import run as run_command_line
from training.commands.card import card
from training.commands.collect import collect
from training.commands.compare import compare
from training.commands.fit import fit
from training.commands.gate import gate
from training.commands.key import key
from training.commands.promote import promote, rollback
from training.commands.report import report
from training.commands.simulate import simulate
from training.commands.year import year
from training.learning.compile import NotAdditive


@click.group()
def main() -> None:
    """Learns, judges and promotes models."""


for command in (
    simulate,
    year,
    collect,
    fit,
    report,
    gate,
    card,
    compare,
    promote,
    rollback,
    key,
):
    main.add_command(command)


def run() -> None:
    """Runs the command line."""
    run_command_line(main, "python -m training", CasesRefused, NotAdditive)


if __name__ == "__main__":
    run()
