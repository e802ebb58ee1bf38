"""`python -m bench.plan`: what a plan costs, beside a linear solver; the whole call.

A million cases on one core.
"""

from __future__ import annotations

import argparse
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import grpc
import numpy as np
import polars as pl
import psutil
import scipy.optimize
import scipy.sparse

from bench.load import free_port, pinned
from router.cases.features import FEATURES
from router.commands.score import load_decider
from router.decision.decide import Decider
from router.planning.allocate import Allocation, allocate
from router.planning.hulls import upper_hulls
from router.planning.plan import plan_caseload
from router.v1 import case_pb2, caseload_pb2, caseload_pb2_grpc
from router.versions.registry import promoted_version
from training.simulation.population import draw_population
from training.simulation.simulate import simulate

OFFICE = "office-01"
CASES, SOLVED, FILED, DRAWN = 50_000, 20_000, 1_000_000, 100_000
MINUTES_A_CASE = 115
REPEATS = 5
MODELS, POLICIES = Path("models"), Path("policies")
MODEL = MODELS / promoted_version(MODELS)


def seconds(work: Callable[[], object], repeats: int = REPEATS) -> str:
    """Gives median times: on the wall, and of this process's cores, which no load lengthens."""
    wall, cores = [], []
    for _ in range(repeats):
        began, used = time.perf_counter(), time.process_time()
        work()
        wall.append(time.perf_counter() - began)
        cores.append(time.process_time() - used)
    return f"{statistics.median(wall):.3f} s (CPU {statistics.median(cores):.3f} s)"


def drawn(cases: int) -> np.ndarray:
    slots = draw_population(np.random.default_rng(0), cases)
    return np.stack([slots[name] for name in FEATURES.names], axis=1).astype(np.uint16)


def in_process(decider: Decider) -> None:
    rows = drawn(CASES)
    budget = float(CASES * MINUTES_A_CASE)
    decisions = decider.decide(rows)
    expected, permitted = decisions.expected, decisions.permitted
    minutes, weights = decider.catalogue.minutes, decider.policy.weights.of(rows)
    alone = seconds(lambda: allocate(upper_hulls(expected, minutes, permitted), weights, budget))
    print(f"{CASES:,} cases x {expected.shape[1]} mixes: hulls and steps {alone}")
    whole = seconds(lambda: plan_caseload(decider, rows, budget))
    print(f"  the whole plan, with its price and the plan without weights to compare with: {whole}")

    # Fewer cases for the solver, which takes hundreds of times as long.
    few = slice(0, SOLVED)
    share = float(SOLVED * MINUTES_A_CASE)
    used = time.process_time()
    allocation = allocate(upper_hulls(expected[few], minutes, permitted[few]), weights[few], share)
    ours = time.process_time() - used
    used = time.process_time()
    optimum = solved(allocation, permitted[few])
    theirs = time.process_time() - used
    apart = abs(allocation.linear_value - optimum) / optimum
    print(
        f"{SOLVED:,} cases: HiGHS takes {theirs / ours:,.0f} times our {ours:.3f} s CPU; "
        f"optima {apart:.1e} apart"
    )


def solved(allocation: Allocation, permitted: np.ndarray) -> float:
    """Gives the optimum as HiGHS finds it."""
    case, mix = np.nonzero(permitted)
    # Cases that no mix is permitted for have no row: their constraint could not be met.
    able, row = np.unique(case, return_inverse=True)
    one_each = scipy.sparse.csr_matrix(
        (np.ones(len(case)), (row, np.arange(len(case)))), (len(able), len(case))
    )
    found = scipy.optimize.linprog(  # type: ignore[call-overload] # stubs lack sparse matrices
        -allocation.weights[case] * allocation.hulls.expected[case, mix],
        A_ub=allocation.hulls.minutes[mix][None],
        b_ub=[allocation.budget],
        A_eq=one_each,
        b_eq=np.ones(len(able)),
        method="highs",
    )
    return -float(found.fun)


def messages(rows: np.ndarray) -> Iterator[caseload_pb2.PlanCaseloadRequest]:
    names = [
        (column, feature)
        for column, feature in enumerate(FEATURES.features)
        if feature.name != "shielded"
    ]
    yield caseload_pb2.PlanCaseloadRequest(
        header=caseload_pb2.PlanHeader(office_ref=OFFICE, hours=len(rows) * MINUTES_A_CASE / 60)
    )
    for first in range(0, len(rows), 2_500):
        cases = []
        for number, row in enumerate(rows[first : first + 2_500].tolist(), first):
            values = {feature.name: row[column] + feature.lower - 1 for column, feature in names}
            cases.append(case_pb2.Case(case_ref=f"c-{number:08x}", shielded=False, **values))
        yield caseload_pb2.PlanCaseloadRequest(cases=caseload_pb2.CaseChunk(cases=cases))


def call(folder: Path) -> None:
    # Made before the clock starts: the caller's work is not the server's.
    parts = list(messages(drawn(CASES)))
    port, metrics = free_port(), free_port()
    words = [
        "router",
        "serve",
        "--listen",
        f"127.0.0.1:{port}",
        "--metrics",
        f"127.0.0.1:{metrics}",
    ]
    with (
        pinned(*words, "--journal", f"sqlite:///{folder}/plan.db", ready='"serving"') as server,
        grpc.insecure_channel(f"127.0.0.1:{port}") as channel,
    ):
        stub = caseload_pb2_grpc.CaseloadPlannerStub(channel)
        began, used = time.perf_counter(), sum(psutil.Process(server.pid).cpu_times()[:2])
        for _ in range(REPEATS):
            list(stub.PlanCaseload(iter(parts), timeout=60))
        taken = (time.perf_counter() - began) / REPEATS
        cores = (sum(psutil.Process(server.pid).cpu_times()[:2]) - used) / REPEATS
    print(
        f"PlanCaseload of {CASES:,} cases, server on one core, journal on: {taken:.2f} s "
        f"(server CPU {cores:.2f} s)"
    )


def file(folder: Path) -> None:
    # One draw, repeated: drawing a million would take longer than planning them.
    cases = simulate(DRAWN, 0, load_decider(MODEL, POLICIES)[0].catalogue).cases.drop("office_ref")
    many = pl.concat(
        [cases.with_columns(pl.col("case_ref") + f"-{n}") for n in range(FILED // DRAWN)]
    )
    many.write_parquet(folder / "cases.parquet")

    hours = str(FILED * MINUTES_A_CASE / 60)
    words = [
        "taskset",
        "-c",
        "0",
        sys.executable,
        "-m",
        "router",
        "plan",
        "--cases",
        str(folder / "cases.parquet"),
    ]
    words += ["--office", OFFICE, "--hours", hours, "--out", str(folder / "plan.parquet")]

    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, check=True, capture_output=True)
    taken = time.perf_counter() - began
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cores, peak = (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        after.ru_maxrss / 2**10,
    )

    print(
        f"plan of {FILED:,} cases from Parquet to Parquet on one core: {taken:.1f} s "
        f"(CPU {cores:.1f} s), "
        f"{peak:,.0f} MiB at most"
    )


def main() -> None:
    in_process(load_decider(MODEL, POLICIES, OFFICE)[0])
    sys.stdout.flush()
    with tempfile.TemporaryDirectory() as name:
        call(Path(name))
        sys.stdout.flush()
        file(Path(name))


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.plan", description=__doc__).parse_args()
    main()
