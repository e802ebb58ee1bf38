"""The offline command line: `python -m training simulate|fit|promote`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from router.mixes import load_catalogue
from router.registry import ModelRefused
from training.artefact import VersionExists, check_name, promote, write_version
from training.compile import NotAdditive
from training.dataset import CasesRefused, read_cases
from training.fit import fit
from training.simulate import simulate, write_simulation

app = typer.Typer(no_args_is_help=True, add_completion=False, help="Trains and promotes models.")
_console = Console(stderr=True)
_Policies = Annotated[Path, typer.Option(help="Folder of mixes.toml.", envvar="ROUTER_POLICIES")]
_Models = Annotated[Path, typer.Option(help="Folder of model versions.", envvar="ROUTER_MODELS")]
_POLICIES, _MODELS = Path("policies"), Path("models")


@app.command("simulate")
def simulate_command(
    cases: Annotated[int, typer.Option(min=1, max=10_000_000, help="How many cases.")],
    out: Annotated[Path, typer.Option(help="Parquet file; the truth is written beside it.")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
    policies: _Policies = _POLICIES,
) -> None:
    """Simulate logged cases. They are synthetic and say nothing about real people."""
    if out.suffix != ".parquet":
        raise ValueError(f"out: {out} must end with .parquet")
    truth = write_simulation(simulate(cases, seed, load_catalogue(policies / "mixes.toml")), out, seed)
    _console.print(f"{cases} synthetic cases in {out}, their truth in {truth}")


@app.command("fit")
def fit_command(
    cases: Annotated[Path, typer.Option(help="Logged cases: Parquet or CSV.")],
    out: Annotated[Path, typer.Option(help="Folder of the new version, models/VERSION.")],
    seed: Annotated[int, typer.Option(min=0)] = 1,
    synthetic: Annotated[
        bool | None, typer.Option("--synthetic/--real", help="Needed when the file does not say.")
    ] = None,
    jobs: Annotated[int, typer.Option(min=1, max=64, help="Folds fitted at once.")] = 1,
    policies: _Policies = _POLICIES,
) -> None:
    """Fit a model version."""
    check_name(out.name)
    if out.exists():
        raise VersionExists(f"{out}: exists; a version is never overwritten, choose another name")
    catalogue = load_catalogue(policies / "mixes.toml")
    logged = read_cases(cases, catalogue)
    marked = logged.synthetic if synthetic is None else synthetic
    if marked is None or (logged.synthetic and synthetic is False):
        says = "says that it is synthetic" if logged.synthetic else "does not say whether it is synthetic"
        raise ValueError(f"{cases}: {says}; give --synthetic or --real accordingly")
    began = time.perf_counter()
    with _console.status(f"fitting on {len(logged.rows)} cases"):
        fitted = fit(logged, len(catalogue.mixes), seed=seed, synthetic=marked, jobs=jobs)
    write_version(out, fitted, logged, catalogue)
    _console.print(
        f"{out}: {len(logged.rows)} cases in {time.perf_counter() - began:.0f} s; tables equal the students on "
        f"{fitted.parity.rows} rows and {fitted.parity.slots} slots within {fitted.parity.max_abs_difference:.0e}"
    )


@app.command("promote")
def promote_command(
    version: Annotated[str, typer.Argument(help="Name of the version.")],
    models: _Models = _MODELS,
    policies: _Policies = _POLICIES,
) -> None:
    """Make a version the one that is served."""
    promote(models, version, load_catalogue(policies / "mixes.toml"))
    _console.print(f"{version} is promoted")


def run() -> None:
    """Runs the command line; what a data scientist can mend is a clear message and exit code 2."""
    try:
        app(prog_name="python -m training")
    except (ValueError, OSError, CasesRefused, ModelRefused, NotAdditive) as problem:
        _console.print(f"error: {problem}", style="red", markup=False, highlight=False, soft_wrap=True)
        sys.exit(2)


if __name__ == "__main__":
    run()
