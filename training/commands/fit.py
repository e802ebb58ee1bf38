"""`fit`: a new version from logged cases, measured, judged and written with its report."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from contextlib import AbstractContextManager, nullcontext
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console

from router.addresses import without_secrets
from router.cases.assumed import Assumed
from router.cases.problems import CasesRefused
from router.commands.options import check_scheduler, engine_options
from router.commands.told import tell_assumed
from router.decision.decide import Decider
from router.decision.unscored import for_mixes
from router.policies.catalogue_file import load_catalogue
from router.policies.check import check_policy
from router.policies.offices import load_policy
from training.commands.options import MODELS, PLACE, POLICIES
from training.commands.promoted import promoted_rival
from training.commands.reading import Reading, reads_cases
from training.commands.told import tell_conditions, tell_few, tell_figures
from training.data.case_files import digest
from training.data.dataset import LoggedCases
from training.data.truth_file import read_truth
from training.evaluation.figures import Figures
from training.evaluation.foreseen import foreseen, in_line
from training.evaluation.gate import judge, load_gate
from training.evaluation.ready import ready
from training.evidence.evidence_file import load_evidence
from training.fit import Run
from training.fit import fit as fit_version
from training.learning.at_once import AtOnce, in_threads
from training.learning.crossfit import FOLDS
from training.learning.learner import LEAST_FOLDS, MOST_FOLDS
from training.learning.teachers import TEACHERS
from training.progress import progress
from training.version.artefact import check_new, write_version
from training.version.files import REPORT
from training.version.manifest import manifest
from training.version.signing import check_key

_NOT_TOLD = ("cases", "more", "sign", "mlflow", "engine", "scheduler")


@click.command()
@click.option(
    "--cases",
    type=PLACE,
    multiple=True,
    required=True,
    help="Logged cases: Parquet or CSV, a folder or a pattern; may be given again.",
)
@click.option("--out", type=PLACE, required=True, help="Folder of the new version, models/VERSION.")
# A shell's `--cases *.parquet` gives the option one file and leaves the others here.
@click.argument("more", type=PLACE, nargs=-1)
@reads_cases
@click.option(
    "--evidence",
    type=PLACE,
    help="Published findings to know beforehand, such as policies/evidence.toml.",
)
@click.option(
    "--truth",
    type=PLACE,
    help="True values of simulated cases: the report then says what could be gained at most.",
)
@click.option("--synthetic/--real", default=None, help="Needed when the files do not say.")
@click.option(
    "--jobs",
    type=click.IntRange(1, 64),
    default=2,
    show_default=True,
    help="Fits at once, in this process.",
)
@engine_options("makes the fits")
@click.option(
    "--calibrate/--no-calibrate",
    default=True,
    show_default=True,
    help="Calibrate standard errors: as long again.",
)
@click.option(
    "--curve/--no-curve",
    default=False,
    show_default=True,
    help="Learn from a quarter and a half of the cases too: what would more cases buy?",
)
@click.option(
    "--folds",
    type=click.IntRange(LEAST_FOLDS, MOST_FOLDS),
    default=FOLDS,
    show_default=True,
    help="Each is learned without: fewer are quicker.",
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
    reading: Reading,
    evidence: Path | None,
    truth: Path | None,
    synthetic: bool | None,
    jobs: int,
    engine: str,
    scheduler: str,
    calibrate: bool,
    curve: bool,
    folds: int,
    teachers: tuple[str, ...],
    sign: Path | None,
    mlflow: str | None,
    policies: Path,
    models: Path,
) -> None:
    """Fit a version, measure it on held-out cases, judge it, and write it with its report.

    MORE are more files of logged cases.
    """
    check_scheduler(engine, scheduler)
    # First what fails at once: a name that is taken, or a bad key, would waste hours.
    check_new(out)
    if sign is not None:
        check_key(sign)
    if mlflow is not None:
        # An extra that not everybody has installed.
        from training.version.mlflow_log import check_server

        check_server(mlflow)
    at_once = click.get_current_context().with_resource(_at_once(engine, scheduler, jobs))
    catalogue = load_catalogue(policies / "mixes.toml")
    gate = load_gate(policies / "gate.toml")
    policy = load_policy(policies / "national.toml", catalogue)
    findings = load_evidence(evidence) if evidence is not None else None

    # Before files are read for minutes.
    check_policy(catalogue, policy)

    known = None if truth is None else read_truth(truth, catalogue)
    files, assumed = [*cases, *more], Assumed()
    logged = reading.read(files, catalogue, assumed)
    tell_assumed(assumed)
    marked = _synthetic(logged, synthetic, files)
    _say(
        f"{len(logged.mix)} cases; left out: {logged.shielded} shielded, "
        f"{logged.too_recent} too recent, "
        f"{logged.audit_unknown} rows of the audit file without a case"
    )
    if known is not None:
        known.of(logged.case_refs)
    start = ready(logged, catalogue, policy, seed=reading.seed)
    tell_few(start.few)
    for one in foreseen(start, gate):
        # Now, and not in the report alone: who knows may stop before the minutes are spent.
        click.secho(f"the gate will refuse this: {in_line(one)}", fg="yellow", err=True)

    with progress(Console(stderr=True, soft_wrap=True)) as watch:
        run = Run(
            version=out.name,
            trained_at=datetime.now(UTC).isoformat(timespec="seconds"),
            synthetic=marked,
            rival=promoted_rival(models, catalogue, start.catalogue),
            teachers={name: TEACHERS[name] for name in TEACHERS if name in (teachers or TEACHERS)},
            evidence=findings,
            calibrate=calibrate,
            folds=folds,
            at_once=at_once,
            curve=curve,
            truth=known,
            watch=watch,
        )
        fitted = fit_version(start, run)

    verdict = judge(
        fitted.figures,
        gate,
        parity_difference=fitted.parity.max_abs_difference,
        # It was fitted on the service's own features just now.
        features_ok=True,
    )
    described = manifest(
        fitted,
        start.catalogue,
        seed=reading.seed,
        command=_again(click.get_current_context(), files),
        digests={
            file: digest(policies / file) for file in ("mixes.toml", "national.toml", "gate.toml")
        },
    )
    # As it will be served: mixes that it does not value are unscored.
    tables = for_mixes(fitted.tables, start.catalogue.ids, catalogue.ids)
    golden = Decider(tables=tables, catalogue=catalogue, policy=policy)
    write_version(out, fitted, verdict, start.catalogue, described, sign, golden)
    _say_cost(fitted.figures)
    tell_figures(fitted.figures)
    tell_conditions(verdict)
    click.echo(f"report: {out / REPORT}")
    if mlflow is not None:
        _log(mlflow, out)


def _log(uri: str, out: Path) -> None:
    """Logs the version that was written; last, for nothing that was learned may be lost to it.

    Raises:
        NotLogged: saying that the version is there all the same, and how to log it later.
    """
    from training.version.mlflow_log import NotLogged, log_run

    try:
        _say(f"MLflow run {log_run(uri, out)}")
    except NotLogged as problem:
        later = f"python -m training mlflow {out.name} URI --models {out.parent}"
        raise NotLogged(f"{problem}; {out} is written: log it later with {later}") from problem


def _synthetic(logged: LoggedCases, told: bool | None, files: Sequence[Path]) -> bool:
    """Says whether the cases are simulated: as told, else as their files say.

    Raises:
        CasesRefused: if nobody says, or what is told denies what the files say.
    """
    marked = logged.synthetic if told is None else told
    # Real cases may be called synthetic, synthetic ones never real.
    if marked is None or (logged.synthetic and not marked):
        says = (
            "says that it is synthetic"
            if logged.synthetic
            else "does not say whether it is synthetic"
        )
        raise CasesRefused(f"{files[0]}: {says}; give --synthetic or --real accordingly")
    return marked


def _at_once(engine: str, scheduler: str, jobs: int) -> AbstractContextManager[AtOnce]:
    """Gives who makes the fits."""
    if engine == "local":
        return nullcontext(in_threads(jobs))
    # An extra that not everybody has installed.
    from training.engine import on_dask

    return on_dask(scheduler)


def _again(context: click.Context, files: Sequence[Path]) -> str:
    """Gives the command with every option that bears on the result, defaults too.

    Not who makes the fits, the key, nor the tracking server: they bear on nothing, and the latter
    may hold a secret.
    """
    words = ["python", "-m", "training", "fit"]
    for path in files:
        words += ["--cases", str(path)]
    for option in context.command.params:
        value = context.params[str(option.name)]
        if option.name in _NOT_TOLD or value is None or value == ():
            continue
        if isinstance(value, bool):
            words.append(option.opts[0] if value else option.secondary_opts[0])
            continue
        for one in value if isinstance(value, tuple) else (value,):
            told = one.date().isoformat() if isinstance(one, datetime) else str(one)
            # Whatever option has an address: the command is published with the version.
            words += [option.opts[0], without_secrets(told)]
    return shlex.join(words)


def _say(line: str) -> None:
    click.echo(line, err=True)


def _say_cost(figures: Figures) -> None:
    phases = ", ".join(f"{phase} {spent:g}" for phase, spent in figures.seconds.items())
    _say(f"seconds: {phases}")
    _say(f"peak memory: {figures.peak_memory_mib:.0f} MiB")
