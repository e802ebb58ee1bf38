"""`promote`, `rollback` and `canary`: which versions answer."""

from __future__ import annotations

from pathlib import Path

import click

from router.commands.options import AUDIT_LOG
from router.files.acts import Acts
from router.policies.catalogue_file import load_catalogue
from training.commands.options import MODELS, POLICIES, SHOWN, VERSION
from training.evaluation.gate import Verdict
from training.version import versions
from training.version.judged import judge_anew

_TORN_TOLD = 500  # characters


@click.command()
@VERSION
@click.option("--override", help="Why, although the gate did not pass; kept.")
@SHOWN
@MODELS
@POLICIES
@AUDIT_LOG
def promote(
    version: str,
    override: str | None,
    shown: Path | None,
    models: Path,
    policies: Path,
    audit_log: Path | None,
) -> None:
    """Make a version the one that is served; with --shown the gate is asked anew."""
    _tell_unread(models)
    catalogue = load_catalogue(policies / "mixes.toml")
    anew = _anew(models, version, policies, shown)
    versions.promote(models, version, catalogue, override, Acts(audit_log), anew)
    click.echo(f"{version} is promoted", err=True)


@click.command()
@MODELS
@POLICIES
@AUDIT_LOG
def rollback(models: Path, policies: Path, audit_log: Path | None) -> None:
    """Return to the version that was promoted before."""
    _tell_unread(models)
    catalogue = load_catalogue(policies / "mixes.toml")
    promotion = versions.rollback(models, catalogue, Acts(audit_log))
    click.echo(f"{promotion.after} is promoted again", err=True)


@click.command()
@click.argument("version", required=False)
@click.option("--office", "offices", multiple=True, help="Whose cases it answers; repeatable.")
@click.option("--override", help="Why, although the gate did not pass; kept.")
@SHOWN
@click.option("--end", is_flag=True, help="The promoted version answers all offices again.")
@MODELS
@POLICIES
@AUDIT_LOG
def canary(
    version: str | None,
    offices: tuple[str, ...],
    override: str | None,
    shown: Path | None,
    end: bool,
    models: Path,
    policies: Path,
    audit_log: Path | None,
) -> None:
    """Have a version answer some offices' cases, or end that with --end."""
    _tell_unread(models)
    if end:
        if version is not None or offices or override is not None or shown is not None:
            raise click.UsageError("--end: takes neither a version nor offices")
        ended = versions.end_canary(models, Acts(audit_log))
        click.echo(f"{ended.before or 'what stood there'} is no canary any more", err=True)
        return
    if version is None or not offices:
        raise click.UsageError("needs a version and at least one --office, or --end")
    catalogue = load_catalogue(policies / "mixes.toml")
    acts = Acts(audit_log)
    anew = _anew(models, version, policies, shown)
    done = versions.start_canary(models, version, offices, catalogue, override, acts, anew)
    click.echo(f"{version} answers {len(done.offices)} offices", err=True)


def _anew(models: Path, version: str, policies: Path, shown: Path | None) -> Verdict | None:
    """Asks the gate anew where it is told what the advice did so far."""
    if shown is None:
        return None
    verdict = judge_anew(models, version, policies / "gate.toml", shown)
    for one in verdict.conditions:
        # The other conditions' warnings are in the report; this one's is of the textfile.
        if one.name == "advice_not_harmful" and one.warning:
            click.secho(one.warning, fg="yellow", err=True)
    return verdict


def _tell_unread(models: Path) -> None:
    """Tells what of the record cannot be read, and of a promotion that was only half recorded."""
    path = models / versions.PROMOTIONS
    for line in versions.unread_lines(models):
        told = f"{path} {line}; it is left as it is and not counted: mend it by hand"
        click.secho(told, fg="yellow", err=True)
    torn = versions.torn_record(models)
    if torn:
        click.secho(
            f"{path}: its last line is torn ({len(torn)} characters of a promotion that never came "
            f"to be: {torn[:_TORN_TOLD]!r}); it is not counted, and the next line takes its place",
            fg="yellow",
            err=True,
        )
