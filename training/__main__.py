"""The offline command line: `python -m training simulate|collect|fit|report|gate|card|compare|promote|rollback`."""

from __future__ import annotations

import json
import shlex
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from router.cases.features import FEATURES
from router.journal.record import JournalBroken, JournalUnavailable
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from router.versions.registry import ModelRefused, check_name, load_model, promoted_version
from training.data.collect import NothingToLearn, Treatment, collect
from training.data.dataset import CasesRefused, read_cases
from training.data.k_anonymity import K
from training.evaluation.figures import Figures
from training.evaluation.figures_json import from_json
from training.evaluation.gate import Verdict, judge, load_gate
from training.fit import Rival, Run, fit
from training.learning.compile import NotAdditive
from training.progress import Bars
from training.simulation.simulate import simulate, write_simulation
from training.simulation.year import year_command
from training.version.artefact import CARD, FIGURES, GATE, REPORT, check_new, write_version
from training.version.compare import compare
from training.version.manifest import manifest
from training.version.signing import check_key, generate_key
from training.version.versions import NotPromoted, promote, rollback

app = typer.Typer(
    no_args_is_help=True, add_completion=False, help="Learns, judges and promotes models."
)
_console = Console(stderr=True, soft_wrap=True)
_out = Console(soft_wrap=True, highlight=False, markup=False)
_Policies = Annotated[
    Path, typer.Option(help="Folder of mixes, policy and gate.", envvar="ROUTER_POLICIES")
]
_Models = Annotated[Path, typer.Option(help="Folder of model versions.", envvar="ROUTER_MODELS")]
_Version = Annotated[str, typer.Argument(help="Name of the version.")]
_POLICIES, _MODELS = Path("policies"), Path("models")
app.command("year")(year_command)


@app.command("simulate")
def simulate_command(
    cases: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many cases.")],
    out: Annotated[Path, typer.Option(help="Parquet file; the truth is written beside it.")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
    heterogeneity: Annotated[bool, typer.Option(help="Whether effects vary between cases.")] = True,
    policies: _Policies = _POLICIES,
) -> None:
    """Simulate logged cases. They are synthetic and say nothing about real people."""
    if out.suffix != ".parquet":
        raise ValueError(f"out: {out} must end with .parquet")
    simulation = simulate(
        cases, seed, load_catalogue(policies / "mixes.toml"), heterogeneity=heterogeneity
    )
    _console.print(
        f"{cases} synthetic cases in {out}, their truth in {write_simulation(simulation, out, seed)}"
    )


@app.command("collect")
def collect_command(
    journal: Annotated[str, typer.Option(help="URL of the journal.", envvar="ROUTER_JOURNAL")],
    out: Annotated[Path, typer.Option(help="Parquet or CSV file of logged cases.")],
    k: Annotated[
        int,
        typer.Option(min=2, max=100, help="Cases that share their quasi-identifiers, at least."),
    ] = K,
    treatment: Annotated[
        Treatment,
        typer.Option(help="Log the mix chosen, or the mix recommended with its true propensity."),
    ] = Treatment.CHOSEN,
) -> None:
    """Join recommendations, choices and outcomes into logged cases, k-anonymous."""
    _out.print(str(collect(journal, out, k, treatment)))


@app.command("fit")
def fit_command(
    cases: Annotated[
        list[Path], typer.Option(help="Logged cases: Parquet or CSV; may be given again.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the new version, models/VERSION.")],
    more: Annotated[list[Path] | None, typer.Argument(help="More files of logged cases.")] = None,
    audit: Annotated[
        Path | None, typer.Option(help="Purpose-bound groups by case_ref, for fairness alone.")
    ] = None,
    horizon: Annotated[
        int | None, typer.Option(min=1, max=3650, help="Days until an outcome is complete.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0)] = 1,
    synthetic: Annotated[
        bool | None, typer.Option("--synthetic/--real", help="Needed when the files do not say.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Fits at once.")] = 2,
    calibrate: Annotated[
        bool, typer.Option(help="Calibrate standard errors: as long again.")
    ] = True,
    sign: Annotated[
        Path | None, typer.Option(help="Ed25519 private key to sign the version with.")
    ] = None,
    mlflow: Annotated[
        str | None, typer.Option(help="MLflow tracking URI to log the run to.")
    ] = None,
    policies: _Policies = _POLICIES,
    models: _Models = _MODELS,
) -> None:
    """Fit a version, measure it on held-out cases, judge it, and write it with its report."""
    check_new(out)
    if sign is not None:
        check_key(sign)
    catalogue, gate = load_catalogue(policies / "mixes.toml"), load_gate(policies / "gate.toml")
    policy = load_policy(policies / "national.toml", catalogue)
    files = [*cases, *(more or [])]
    logged = read_cases(files, catalogue, audit, horizon)
    marked = logged.synthetic if synthetic is None else synthetic
    if marked is None or (logged.synthetic and synthetic is False):
        says = (
            "says that it is synthetic"
            if logged.synthetic
            else "does not say whether it is synthetic"
        )
        raise ValueError(f"{files[0]}: {says}; give --synthetic or --real accordingly")
    _console.print(
        f"{len(logged.mix)} cases; left out: {logged.shielded} shielded, {logged.too_recent} too recent, "
        f"{logged.audit_unknown} rows of the audit file without a case"
    )
    with Bars(_console) as bars:
        run = Run(
            version=out.name, trained_at=datetime.now(UTC).isoformat(timespec="seconds"), synthetic=marked,
            rival=_rival(models, policies), calibrate=calibrate, seed=seed, jobs=jobs, watch=bars,
        )  # fmt: skip
        fitted = fit(logged, catalogue, policy, run)
    verdict = judge(
        fitted.figures,
        gate,
        parity_difference=fitted.parity.max_abs_difference,
        feature_digest_ok=True,
    )
    command = shlex.join(["python", "-m", "training", *sys.argv[1:]])
    write_version(
        out,
        fitted,
        verdict,
        catalogue,
        manifest(fitted, catalogue, seed=seed, command=command),
        sign,
    )
    _console.print(
        "seconds: "
        + ", ".join(f"{phase} {spent:g}" for phase, spent in fitted.figures.seconds.items())
    )
    _console.print(f"peak memory: {fitted.figures.peak_memory_mib:.0f} MiB")
    if mlflow is not None:
        from training.version.mlflow_log import log_run  # noqa: PLC0415 - an extra that not everybody has installed

        _console.print(f"MLflow run {log_run(mlflow, out)}")
    _tell(fitted.figures, verdict)
    _out.print(f"report: {out / REPORT}")


@app.command("report")
def report_command(
    version: _Version,
    to: Annotated[Path | None, typer.Option(help="File to copy the report to.")] = None,
    models: _Models = _MODELS,
) -> None:
    """Say what was measured of a version, and where its report is."""
    figures, verdict = _figures(models, version), _stored_verdict(models, version)
    _tell(figures, verdict)
    report = _folder(models, version) / REPORT
    if to is not None:
        report = Path(shutil.copyfile(report, to))
    _out.print(f"report: {report}")


@app.command("gate")
def gate_command(
    version: _Version, models: _Models = _MODELS, policies: _Policies = _POLICIES
) -> None:
    """Judge a version's figures by the gate as it is now; exit 1 if it does not pass."""
    found = json.loads((_folder(models, version) / "manifest.json").read_text(encoding="utf-8"))
    verdict = judge(
        _figures(models, version),
        load_gate(policies / "gate.toml"),
        parity_difference=found["parity"]["max_abs_difference"],
        feature_digest_ok=found["feature_digest"] == FEATURES.digest,
    )
    _conditions(verdict)
    if not verdict.passed:
        raise typer.Exit(1)


@app.command("card")
def card_command(version: _Version, models: _Models = _MODELS) -> None:
    """Print a version's model card."""
    _out.print((_folder(models, version) / CARD).read_text(encoding="utf-8"))


@app.command("compare")
def compare_command(
    one: _Version, other: _Version, models: _Models = _MODELS, policies: _Policies = _POLICIES
) -> None:
    """Compare two versions: figures, and where their tables differ."""
    _out.print(compare(models, one, other, load_catalogue(policies / "mixes.toml")))


@app.command("promote")
def promote_command(
    version: _Version,
    override: Annotated[
        str | None, typer.Option(help="Why, although the gate did not pass; kept.")
    ] = None,
    models: _Models = _MODELS,
    policies: _Policies = _POLICIES,
) -> None:
    """Make a version the one that is served."""
    promote(models, version, load_catalogue(policies / "mixes.toml"), override)
    _console.print(f"{version} is promoted")


@app.command("rollback")
def rollback_command(models: _Models = _MODELS, policies: _Policies = _POLICIES) -> None:
    """Return to the version that was promoted before."""
    _console.print(
        f"{rollback(models, load_catalogue(policies / 'mixes.toml')).after} is promoted again"
    )


@app.command("key")
def key_command(path: Annotated[Path, typer.Argument(help="File of the new private key.")]) -> None:
    """Make a key pair to sign versions with."""
    _console.print(f"private key in {path}, public key for `serve --trust` in {generate_key(path)}")


def _folder(models: Path, version: str) -> Path:
    check_name(version)
    return models / version


def _rival(models: Path, policies: Path) -> Rival | None:
    """The promoted version, or None and a word of why, if there is none to compare with."""
    try:
        version = promoted_version(models)
        model = load_model(models / version, FEATURES, load_catalogue(policies / "mixes.toml"))
    except ModelRefused as problem:
        _console.print(
            f"no promoted version to compare with: {problem}", style="yellow", markup=False
        )
        return None
    return Rival(version=version, tables=model.tables)


def _figures(models: Path, version: str) -> Figures:
    return from_json((_folder(models, version) / FIGURES).read_text(encoding="utf-8"), Figures)


def _stored_verdict(models: Path, version: str) -> Verdict:
    return from_json((_folder(models, version) / GATE).read_text(encoding="utf-8"), Verdict)


def _tell(figures: Figures, verdict: Verdict) -> None:
    for name in ("candidate", "promoted", "todays_rule", "logged"):
        policy = figures.policy(name)
        if policy is not None:
            value = policy.estimates["dr"]
            _out.print(
                f"{name:<12} value {value.value:.4f} ({value.low:.4f} to {value.high:.4f}), "
                f"{policy.minutes:.0f} minutes a case, overlap {policy.verdict}"
            )
    _conditions(verdict)


def _conditions(verdict: Verdict) -> None:
    for one in verdict.conditions:
        value = "not measured" if one.value is None else f"{float(one.value):.4g}"
        why = f"  {one.explanation}" if not one.passed or "Not required" in one.explanation else ""
        _out.print(
            f"{'pass' if one.passed else 'FAIL'}  {one.name:<22} {value:>12}  {one.bound}{why}"
        )
    _out.print("yes: the gate is passed" if verdict.passed else "no: the gate is not passed")


def run() -> None:
    """Runs the command line; what a data scientist can mend is a clear message and exit code 2."""
    try:
        app(prog_name="python -m training")
    except (ValueError, OSError, CasesRefused, ModelRefused, NotAdditive, NotPromoted, NothingToLearn,
            JournalUnavailable, JournalBroken) as problem:  # fmt: skip
        _console.print(
            f"error: {problem}", style="red", markup=False, highlight=False, soft_wrap=True
        )
        sys.exit(2)


if __name__ == "__main__":
    run()
