"""Is unknown inert? Fits, scores and reports on logs that lack fields, each in every way.

    python -m bench.unknown                 # every field, every pattern: hours
    python -m bench.unknown --every 8       # each eighth of them: minutes
    python -m bench.unknown --only noise    # what a field that says nothing changes

What is asked of each: no error, no warning, finite tables, a report; and of a field that is noise,
that the candidate's value moves by less than a standard error.
"""

from __future__ import annotations

import argparse
import tempfile
import time
import warnings
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path

import numpy as np
import polars as pl

from router.advice.score import score_file
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.schema import Role
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from training.data.dataset import read_cases
from training.evaluation.gate import judge, load_gate
from training.evaluation.ready import ready
from training.fit import Fitted, Run, fit
from training.learning.teachers import TEACHERS
from training.report.page import write_report
from training.simulation.simulate import simulate
from training.version.manifest import manifest

POLICIES = Path("policies")
# All that is logged beside the contract's fields and may lack.
OPTIONAL = ("adviser_minutes", "propensity", "decided_on", "office_ref")
KNOWN = (0, 1, 2, 5, 10)
# Two that learn in the two ways there are: by trees and by splines.
QUICK = ("x_learner", "r_spline")


def patterns(frame: pl.DataFrame) -> Iterator[tuple[str, pl.DataFrame]]:
    """Gives logs that lack something, each with what it is that they lack."""
    fields = [feature.name for feature in FEATURES.features if feature.name != "shielded"]
    late = pl.int_range(pl.len()) >= pl.len() * 0.85
    early = pl.int_range(pl.len()) < pl.len() * 0.15
    yield "nothing", frame
    for name in (*fields, *OPTIONAL):
        yield f"without {name}", frame.drop(name)
    for name in fields:
        yield f"{name} late only", frame.with_columns(pl.when(late).then(name).alias(name))
        yield f"{name} early only", frame.with_columns(pl.when(early).then(name).alias(name))
    for place, name in enumerate(fields):
        known = KNOWN[place % len(KNOWN)]
        few = pl.when(pl.int_range(pl.len()) < known).then(name).alias(name)
        yield f"{name} in {known} cases", frame.with_columns(few)
    for one, other in combinations(Role, 2):
        lacking = [f.name for f in FEATURES.features if {one, other} & f.roles]
        yield f"without {one.name} and {other.name}", frame.drop(set(lacking) - {"shielded"})
    for name in fields:
        yield f"with {name} alone", frame.drop(set(fields) - {name})
    yield "with no field at all", frame.drop(fields)
    yield "with nothing but what is needed", frame.drop(*fields, *OPTIONAL)


def fitted(
    frame: pl.DataFrame,
    folder: Path,
    teachers: tuple[str, ...] = QUICK,
    *,
    calibrate: bool = False,
    seed: int = 1,
) -> Fitted:
    """Fits, judges, reports and scores; whatever fails is raised."""
    catalogue = load_catalogue(POLICIES / "mixes.toml")
    policy = load_policy(POLICIES / "national.toml", catalogue)
    path = folder / "cases.parquet"
    frame.write_parquet(path)
    cases = read_cases([path], catalogue)
    run = Run(
        version="bench",
        trained_at="2026-01-01T00:00:00+00:00",
        synthetic=True,
        teachers={name: TEACHERS[name] for name in teachers},
        calibrate=calibrate,
    )
    found = fit(ready(cases, catalogue, policy, seed=seed), run)
    assert np.isfinite(found.tables.values).all()

    verdict = judge(
        found.figures,
        load_gate(POLICIES / "gate.toml"),
        parity_difference=found.parity.max_abs_difference,
        features_ok=True,
    )
    described = manifest(found, catalogue, seed=seed, command="bench", digests={}) | {"sha256": {}}
    write_report(folder / "report.html", found.figures, verdict, found.tables, catalogue, described)
    decider = Decider(tables=found.tables, catalogue=catalogue, policy=policy)
    assert score_file(path, folder / "scored.parquet", decider) == len(frame)
    return found


def value(found: Fitted) -> tuple[float, float]:
    """Gives the candidate's value and its standard error."""
    candidate = found.figures.policy("candidate")
    assert candidate is not None
    estimate = candidate.estimates["dr"]
    return estimate.value, estimate.error


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.unknown", description=__doc__)
    parser.add_argument("--cases", type=int, default=5_000)
    parser.add_argument("--every", type=int, default=1, help="each so-many-eth pattern")
    parser.add_argument("--start", type=int, default=0, help="first pattern")
    parser.add_argument("--only", choices=("patterns", "noise"), default="patterns")
    parser.add_argument("--calibrate", action="store_true", help="twice the time")
    parser.add_argument("--seed", type=int, default=11)
    asked = parser.parse_args()
    catalogue = load_catalogue(POLICIES / "mixes.toml")
    frame = simulate(asked.cases, asked.seed, catalogue).cases
    # What a library only warns of would be met by a user as a wrong figure.
    warnings.simplefilter("error")

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        if asked.only == "noise":
            _noise(frame, folder)
            return
        failed = 0
        each = list(patterns(frame))[asked.start :: asked.every]
        for name, part in each:
            began = time.perf_counter()
            try:
                told = f"value {value(fitted(part, folder, calibrate=asked.calibrate))[0]:.4f}"
            except Exception as problem:
                failed += 1
                told = f"FAILED: {type(problem).__name__}: {problem}"
            print(f"{name:<48} {told}  {time.perf_counter() - began:.0f} s", flush=True)
        print(f"{len(each) - failed} of {len(each)} patterns fitted, reported and scored")


def _noise(frame: pl.DataFrame, folder: Path) -> None:
    """Shuffles one field, so that it says nothing, and drops it: what does that change?"""
    for name in ("travel_minutes_band", "unread_messages", "benefit_type"):
        noise = frame.with_columns(pl.col(name).shuffle(seed=5))
        with_it, error = value(fitted(noise, folder))
        without, _ = value(fitted(frame.drop(name), folder))
        print(f"{name:<32} {with_it - without:+.4f}, standard error of the value {error:.4f}")


if __name__ == "__main__":
    main()
