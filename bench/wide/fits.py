"""What `fit` takes as mixes grow: `python -m bench.wide.fits`.

Cases are simulated with catalogues of so many mixes, each case given a mix at random, so that
every mix has cases enough, its outcome drawn by the truth. What stands behind `--` is given to
`fit`, such as the options that make it quick. Each fit runs in a process of its own, whose
processor time and peak resident memory are what the system tells of it. Printed as Markdown.
"""

from __future__ import annotations

import argparse
import os
import shlex
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import numpy as np
import polars as pl

from bench.wide.agency import ROOT, make_policies
from router.policies.catalogue_file import load_catalogue
from training.data.case_files import digest
from training.simulation.simulate import truth_place

CASES, MIXES = (1, 10_000_000), (5, 63)
"""What `simulate` draws, and what catalogues can be made (`make_policies`)."""


class Took(NamedTuple):
    """What a process took: CPU seconds, seconds of the clock, peak resident MiB."""

    cpu: float
    seconds: float
    peak: float


def measured(words: list[str], told: Path) -> Took:
    """Runs `python -m` with these words; what it says goes to a file.

    Raises:
        SystemExit: if it fails, with the command and the end of what it said.
    """
    began = time.perf_counter()
    with told.open("w") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *words], cwd=ROOT, stdout=out, stderr=subprocess.STDOUT
        )
        _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"python -m {shlex.join(words)} failed:\n{told.read_text()[-2000:]}")
    return Took(used.ru_utime + used.ru_stime, time.perf_counter() - began, used.ru_maxrss / 1024)


def at_random(file: Path, truth: Path, policies: Path) -> None:
    """Gives each case of a simulated log a mix at random, and the outcome that it then has."""
    rng, mixes = np.random.default_rng(0), load_catalogue(policies / "mixes.toml")
    # Of shielded cases there is no truth.
    cases = pl.read_parquet(file).join(
        pl.read_parquet(truth), on="case_ref", how="inner", maintain_order="left"
    )
    values = cases.select(f"value_{mix}" for mix in mixes.ids).to_numpy()
    given = rng.integers(0, len(mixes.ids), len(cases))
    reached = rng.random(len(cases)) < values[np.arange(len(cases)), given]
    cases.drop(truth_columns(cases)).with_columns(
        pl.Series("mix", np.array(mixes.ids)[given].tolist()),
        pl.Series("outcome", reached.astype(np.int64)),
        pl.Series("adviser_minutes", mixes.minutes[given].astype(np.int64)),
        pl.lit(1 / len(mixes.ids)).alias("propensity"),
    ).write_parquet(file)


def within(least: int, most: int) -> Callable[[str], int]:
    """Gives what reads an argument that must be a whole number from `least` to `most`."""

    def read(told: str) -> int:
        number = int(told) if told.isdecimal() else -1
        if not least <= number <= most:
            problem = f"{told!r}, must be a whole number from {least:,} to {most:,}"
            raise argparse.ArgumentTypeError(problem)
        return number

    return read


def truth_columns(cases: pl.DataFrame) -> list[str]:
    """Names the columns of the truth."""
    return [name for name in cases.columns if name.startswith(("value_", "propensity_"))]


def main() -> None:
    """Prints a row for each number of cases and mixes."""
    parser = argparse.ArgumentParser(prog="python -m bench.wide.fits", description=__doc__)
    parser.add_argument("--cases", type=within(*CASES), nargs="+", default=[20_000])
    parser.add_argument("--mixes", type=within(*MIXES), nargs="+", default=[10, 20, 30])
    parser.add_argument("options", nargs="*", help="Of fit, behind --.")
    asked = parser.parse_args()
    options: list[str] = asked.options or ["--no-calibrate"]

    print(f"`fit {' '.join(options)}`\n")
    print("| cases | mixes | CPU s | seconds | peak MiB | tables.npz |")
    print("|---:|---:|---:|---:|---:|---|")
    for cases in asked.cases:
        for mixes in asked.mixes:
            with tempfile.TemporaryDirectory() as made:
                folder = Path(made)
                policies, file = folder / "policies", folder / "cases.parquet"
                make_policies(policies, mixes)
                where = ["--policies", str(policies)]
                measured(
                    ["training", "simulate", "--cases", str(cases), "--out", str(file), *where],
                    folder / "simulated.txt",
                )
                at_random(file, truth_place(file), policies)
                # Without a promoted version: those of today know other mixes.
                fit = [
                    "training",
                    "fit",
                    "--cases",
                    str(file),
                    "--out",
                    str(folder / "wide"),
                    "--synthetic",
                ]
                took = measured(
                    [*fit, "--models", str(folder / "none"), *where, *options],
                    folder / "fitted.txt",
                )
                found = digest(folder / "wide/tables.npz")
            print(
                f"| {cases:,} | {mixes} | {took.cpu:,.0f} | {took.seconds:,.0f} | "
                f"{took.peak:,.0f} | {found[:12]} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
