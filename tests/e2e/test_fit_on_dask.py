"""`fit --engine dask` on real clusters: the bytes of one process, and workers that die."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from distributed import Client, LocalCluster

from router.advice.bulk import EngineRefused
from router.cases.problems import CasesRefused
from tests.builders import ROOT
from tests.dask_cluster import OF_THIS_MACHINE
from training.engine import on_dask
from training.learning.learned import Learned
from training.learning.learner import Watch, learn, nobody_watches
from training.learning.teachers import TEACHERS

CASES, MIXES = 400, 3


@pytest.fixture(scope="module")
def running() -> Iterator[LocalCluster]:
    with LocalCluster(n_workers=2, **OF_THIS_MACHINE) as found:
        yield found


@pytest.fixture
def cluster(running: LocalCluster) -> LocalCluster:
    """Gives a cluster of two workers: where a test before ended some, others have taken over."""
    with Client(running) as client:
        client.wait_for_workers(2, timeout=60)
    return running


def pids(cluster: LocalCluster) -> list[int]:
    with Client(cluster) as client:
        return [*client.run(os.getpid).values()]


def learned(watch: Watch = nobody_watches, **options: Any) -> Learned:
    chance = np.random.default_rng(1)
    rows = chance.normal(size=(CASES, 4))
    mix = chance.integers(0, MIXES, CASES)
    outcome = (chance.random(CASES) < 0.4 + 0.1 * mix * (rows[:, 0] > 0)).astype(float)
    few: dict[str, Any] = {"teachers": {"r_spline": TEACHERS["r_spline"]}, "pairs": 1, "folds": 3}
    return learn(rows, mix, outcome, calibrate=False, watch=watch, **few, **options)


def values(found: Learned) -> bytes:
    rows = np.random.default_rng(2).normal(size=(200, 4))
    told = [found.values(rows), found.fold_values(rows), found.scores, found.chances]
    return b"".join(one.tobytes() for one in told)


def test_what_is_learned_on_a_cluster_has_the_bytes_of_one_process_also_if_workers_die(
    cluster: LocalCluster,
) -> None:
    killed: list[int] = []

    def watch(phase: str, done: int, of: int) -> None:
        # Amid the teachers, all that were there: what they held is gone.
        if (phase, done) == ("teachers", 1) and not killed:
            killed.extend(pids(cluster))
            for pid in killed:
                os.kill(pid, signal.SIGKILL)

    with on_dask(cluster.scheduler_address) as at_once:
        apart = learned(watch, at_once=at_once)
    assert len(killed) == 2
    assert values(apart) == values(learned(jobs=2))


def test_why_a_call_fails_is_told_as_if_it_had_been_made_here(cluster: LocalCluster) -> None:
    def refused() -> None:
        raise CasesRefused("column mix: too few")

    def broken() -> None:
        raise ZeroDivisionError("a fault")

    failing: list[Callable[[], object]] = [partial(int, "1"), refused]
    with on_dask(cluster.scheduler_address) as at_once:
        assert list(at_once([partial(pow, 2, n) for n in range(9)])) == [2**n for n in range(9)]
        with pytest.raises(CasesRefused, match="column mix: too few"):
            list(at_once(failing))
        with pytest.raises(ZeroDivisionError, match="a fault") as failed:
            list(at_once([broken]))
        # And where: a traceback does not travel.
        assert "in broken" in "".join(failed.value.__notes__)


def test_a_call_that_ends_every_worker_is_told(cluster: LocalCluster) -> None:
    def ending() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    with (
        on_dask(cluster.scheduler_address) as at_once,
        pytest.raises(
            EngineRefused, match="fit: workers that held its cases ended 3 times; see their logs"
        ),
    ):
        list(at_once([ending]))


def test_a_scheduler_that_cannot_be_reached_is_told_before_cases_are_read(tmp_path: Path) -> None:
    words = ["fit", "--cases", str(tmp_path / "missing.parquet"), "--out", str(tmp_path / "v1")]
    words += ["--engine", "dask", "--scheduler", "tcp://127.0.0.1:9"]
    done = subprocess.run(
        [sys.executable, "-m", "training", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert "error: scheduler: tcp://127.0.0.1:9 cannot be reached within 10 seconds" in done.stderr
    assert "Traceback" not in done.stderr
