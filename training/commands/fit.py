"""`fit`: a new version from logged cases, measured, judged and written with its report."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from router.versions.registry import ModelRefused, load_model, promoted_version
from training.commands.options import MODELS, PLACE, POLICIES, SEED
from training.commands.told import tell_conditions, tell_figures
from training.data.dataset import LoggedCases, read_cases
from training.data.truth_file import read_truth
from training.evaluation.evaluate import Rival
from training.evaluation.figures import Figures
from training.evaluation.gate import judge, load_gate
from training.fit import Run
from training.fit import fit as fit_version
from training.learning.teachers import TEACHERS
from training.progress import Bars
from training.version.artefact import check_new, write_version
from training.version.files import REPORT
from training.version.manifest import manifest
from training.version.signing import check_key


@click.command()
@click.option(
    "--cases",
    type=PLACE,
    multiple=True,
    required=True,
    help="Logged cases: Parquet or CSV; may be given again.",
)
@click.option("--out", type=PLACE, required=True, help="Folder of the new version, models/VERSION.")
# A shell's `--cases *.parquet` gives the option one file and leaves the others here.
@click.argument("more", type=PLACE, nargs=-1)
@click.option("--audit", type=PLACE, help="Purpose-bound groups by case_ref, for fairness alone.")
@click.option(
    "--truth",
    type=PLACE,
    help="True values of simulated cases: the report then says what could be gained at most.",
)
@click.option("--horizon", type=click.IntRange(1, 3650), help="Days until an outcome is complete.")
@SEED
@click.option("--synthetic/--real", default=None, help="Needed when the files do not say.")
@click.option(
    "--jobs", type=click.IntRange(1, 64), default=2, show_default=True, help="Fits at once."
)
@click.option(
    "--calibrate/--no-calibrate",
    default=True,
    show_default=True,
    help="Calibrate standard errors: as long again.",
)
@click.option(
    "--teacher",
    "teachers",
    type=click.Choice(list(TEACHERS)),
    multiple=True,
    help="Only this teacher, for a quick look; may be given again.  [default: all]",
)
@click.option("--sign", type=PLACE, help="Ed25519 private key to sign the version with.")
@click.option("--mlflow", help="MLflow tracking URI to log the run to.")
@POLICIES
@MODELS
def fit(
    cases: tuple[Path, ...],
    out: Path,
    more: tuple[Path, ...],
    audit: Path | None,
    truth: Path | None,
    horizon: int | None,
    seed: int,
    synthetic: bool | None,
    jobs: int,
    calibrate: bool,
    teachers: tuple[str, ...],
    sign: Path | None,
    mlflow: str | None,
    policies: Path,
    models: Path,
) -> None:
    """Fit a version, measure it on held-out cases, judge it, and write it with its report.

    MORE are more files of logged cases.
    """
    # First what fails at once: a name that is taken, or a bad key, would waste hours.
    check_new(out)
    if sign is not None:
        check_key(sign)
    catalogue = load_catalogue(policies / "mixes.toml")
    gate = load_gate(policies / "gate.toml")
    policy = load_policy(policies / "national.toml", catalogue)

    known = None if truth is None else read_truth(truth, catalogue)
    files = [*cases, *more]
    logged = read_cases(files, catalogue, audit, horizon)
    marked = _synthetic(logged, synthetic, files)
    _say(
        f"{len(logged.mix)} cases; left out: {logged.shielded} shielded, "
        f"{logged.too_recent} too recent, "
        f"{logged.audit_unknown} rows of the audit file without a case"
    )
    rival = _rival(models, catalogue)

    with Bars(Console(stderr=True, soft_wrap=True)) as bars:
        run = Run(
            version=out.name,
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            synthetic=marked,
            rival=rival,
            teachers={name: TEACHERS[name] for name in TEACHERS if name in (teachers or TEACHERS)},
            calibrate=calibrate,
            seed=seed,
            jobs=jobs,
            truth=known,
            watch=bars,
        )
        fitted = fit_version(logged, catalogue, policy, run)

    verdict = judge(
        fitted.figures,
        gate,
        parity_difference=fitted.parity.max_abs_difference,
        # It was fitted on the service's own features just now.
        features_ok=True,
    )
    command = shlex.join(["python", "-m", "training", *sys.argv[1:]])
    described = manifest(fitted, catalogue, seed=seed, command=command)
    write_version(out, fitted, verdict, catalogue, described, sign)
    _say_cost(fitted.figures)
    # After the version is written: a server that cannot be reached must not cost a fit.
    if mlflow is not None:
        # An extra that not everybody has installed.
        from training.version.mlflow_log import log_run

        _say(f"MLflow run {log_run(mlflow, out)}")

    tell_figures(fitted.figures)
    tell_conditions(verdict)
    click.echo(f"report: {out / REPORT}")


def _synthetic(logged: LoggedCases, told: bool | None, files: Sequence[Path]) -> bool:
    """Says whether the cases are simulated: as told, else as their files say.

    Raises:
        ValueError: if nobody says, or what is told denies what the files say.
    """
    marked = logged.synthetic if told is None else told
    # Real cases may be called synthetic, synthetic ones never real.
    if marked is None or (logged.synthetic and not marked):
        says = (
            "says that it is synthetic"
            if logged.synthetic
            else "does not say whether it is synthetic"
        )
        raise ValueError(f"{files[0]}: {says}; give --synthetic or --real accordingly")
    return marked


def _rival(models: Path, catalogue: Catalogue) -> Rival | None:
    """Gives the promoted version; None and a word of why, if there is none to compare with."""
    try:
        version = promoted_version(models)
        model = load_model(models / version, FEATURES, catalogue)
    except ModelRefused as problem:
        click.secho(f"no promoted version to compare with: {problem}", fg="yellow", err=True)
        return None
    return Rival(version=version, tables=model.tables)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _say_cost(figures: Figures) -> None:
    phases = ", ".join(f"{phase} {spent:g}" for phase, spent in figures.seconds.items())
    _say(f"seconds: {phases}")
    _say(f"peak memory: {figures.peak_memory_mib:.0f} MiB")
