"""What the terminal is told of a version: its figures, and the gate line by line."""

from __future__ import annotations

from collections.abc import Mapping

import click

from training.evaluation.figures import Figures
from training.evaluation.gate import Verdict
from training.report.words import MAIN_POLICIES, attainable_words


def tell_figures(figures: Figures) -> None:
    """Prints the value, minutes and overlap of each policy that was measured."""
    for name in MAIN_POLICIES:
        policy = figures.policy(name)
        if policy is None:
            continue
        value = policy.estimates["dr"]
        click.echo(
            f"{name:<12} value {value.value:.4f} ({value.low:.4f} to {value.high:.4f}), "
            f"{policy.minutes:.0f} minutes a case, overlap {policy.verdict}"
        )
    if figures.attainable is not None:
        click.echo(attainable_words(figures.attainable))


def tell_conditions(verdict: Verdict) -> None:
    """Prints the gate's conditions, why where one is not met, and what follows."""
    for one in verdict.conditions:
        met = "FAIL" if not one.passed else "n/a " if one.needless else "pass"
        value = "not measured" if one.value is None else f"{float(one.value):.4g}"
        why = "" if met == "pass" else f"  {one.explanation}"
        click.echo(f"{met}  {one.name:<22} {value:>12}  {one.bound}{why}")
    answer = "yes: the gate is passed" if verdict.passed else "no: the gate is not passed"
    click.echo(answer)


def tell_few(few: Mapping[str, int]) -> None:
    """Says which mixes have too few cases to be learned of, and how many."""
    for mix, count in few.items():
        cases = f"{count} cases, too few" if count else "no case"
        left_out = ", and these cases are left out" if count else ""
        click.secho(
            f"{mix}: {cases} to learn its value; it is not scored{left_out}", fg="yellow", err=True
        )
