"""`score --engine dask` on real clusters: workers that die, differ, or cannot be reached."""

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import dask
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from distributed import Client, LocalCluster

from bench.cases import folder_of_cases
from router.advice.bulk import EngineRefused, check, finish, parts_of
from router.advice.cluster import connected
from router.advice.installed import installed
from router.advice.on_dask import score_parts
from router.advice.score import score_file
from router.cases.assumed import Assumed
from router.decision.decide import Decider, Terms
from router.decision.decision import Decisions
from router.decision.schema import Rows
from router.files.out_folder import OutFolder
from tests.builders import ROOT, a_decider
from tests.dask_cluster import OF_THIS_MACHINE
from tests.in_process import router

# Small, so that there are many parts.
GROUP = 300
SIZES = {f"month={n % 2}/cases-{n}.parquet": 3000 for n in range(4)}
PARTS = len(SIZES) * 3000 // GROUP


@pytest.fixture(scope="module")
def cases(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cases")
    folder_of_cases(folder, SIZES, GROUP)
    return folder


def files(folder: Path) -> dict[str, bytes]:
    each = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in each}


def test_a_worker_that_is_killed_in_the_middle_loses_nothing_and_again_gives_the_same_bytes(
    cases: Path, tmp_path: Path
) -> None:
    decider, out = a_decider(), OutFolder.at(str(tmp_path / "out"))
    parts = parts_of(str(cases), Assumed(), rows=GROUP)
    assert len(parts) == PARTS
    with LocalCluster(n_workers=2, **OF_THIS_MACHINE) as cluster, Client(cluster) as client:
        check(parts, str(cases), out)
        killed, before = 0, client.run(os.getpid)
        scored = 0
        for told in score_parts(parts, decider, out, cluster.scheduler_address):
            scored += told.rows
            if not killed:
                killed = next(iter(before.values()))
                os.kill(killed, signal.SIGKILL)
        finish(out, {"cases": scored})
        client.wait_for_workers(2)
        assert killed not in client.run(os.getpid).values()

        assert scored == 12_000
        score_file(cases, tmp_path / "one.parquet", decider)
        paths = [tmp_path / "out" / part.name for part in parts]
        apart = pa.concat_tables([pq.read_table(path, partitioning=None) for path in paths])
        assert apart.equals(pq.read_table(tmp_path / "one.parquet"))

        first = files(tmp_path / "out")
        assert set(first) == {"_scored.json", *(part.name for part in parts)}
        again = score_parts(parts, decider, out, cluster.scheduler_address)
        assert sum(told.rows for told in again) == scored
        # While it goes on the folder does not say that it is whole.
        assert "_scored.json" not in files(tmp_path / "out")
        finish(out, {"cases": scored})
        assert files(tmp_path / "out") == first


class Ending(Decider):
    """Ends the worker that asks it amid a part: a signal from here could come when all are done."""

    def decide(self, rows: Rows, terms: Terms | None = None) -> Decisions:
        if len(rows):
            os.kill(os.getpid(), signal.SIGKILL)
        return super().decide(rows, terms)


def test_a_part_whose_workers_all_end_is_named_with_its_file(cases: Path, tmp_path: Path) -> None:
    out, some = OutFolder.at(str(tmp_path / "out")), a_decider()
    ending = Ending(tables=some.tables, catalogue=some.catalogue, policy=some.policy)
    parts = parts_of(str(cases), Assumed(), rows=GROUP)
    # As Dask counts: a part is given up once it was on a worker that ended.
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 0}),
        LocalCluster(n_workers=1, **OF_THIS_MACHINE) as cluster,
    ):
        check(parts, str(cases), out)
        scored = score_parts(parts, ending, out, cluster.scheduler_address)
        with pytest.raises(
            EngineRefused, match=r"cases-\d\.parquet: every worker that took up rows"
        ):
            list(scored)


@contextmanager
def started(*words: str, folder: Path, path: Path | None = None) -> Iterator[None]:
    """Runs a program of Dask until the end of the block."""
    paths = {} if path is None else {"PYTHONPATH": str(path)}
    process = subprocess.Popen(
        [sys.executable, "-m", *words],
        cwd=folder,
        env=os.environ | paths,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.kill()
        process.wait()


@contextmanager
def a_cluster(folder: Path, *codes: Path | None) -> Iterator[str]:
    """Gives the address of a scheduler with workers.

    Args:
        folder: for its files.
        codes: of each worker, the folder that this package is imported from; None for none.
    """
    told = folder / "scheduler.json"
    scheduler = ["distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0"]
    scheduler += ["--no-dashboard", "--scheduler-file", str(told)]
    worker = ["distributed.cli.dask_worker", "--no-dashboard", "--no-nanny", "--nthreads", "1"]
    worker += ["--host", "127.0.0.1", "--scheduler-file", str(told)]
    with ExitStack() as running:
        running.enter_context(started(*scheduler, folder=folder))
        for code in codes:
            running.enter_context(started(*worker, folder=folder, path=code))
        with Client(scheduler_file=str(told), timeout=120) as client:
            client.wait_for_workers(len(codes), timeout=120)
        yield json.loads(told.read_text())["address"]


def run(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "router", "score", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_the_command_says_how_many_cases_and_what_decided(cases: Path, tmp_path: Path) -> None:
    with a_cluster(tmp_path, ROOT) as address:
        out = tmp_path / "out"
        words = ("--cases", str(cases), "--out", str(out), "--engine", "dask")
        done = run(*words, "--scheduler", address)
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"12000 cases scored to {out}\n"
    assert "assumed: folders named after no field say nothing of their cases: month" in done.stderr
    said = json.loads((out / "_scored.json").read_text())
    assert (said["cases"], said["files"]) == (12_000, len(SIZES))
    assert said["model"] == (ROOT / "models/promoted").read_text().strip()


def test_a_bad_cell_is_told_in_a_line_that_names_file_column_and_row(
    cases: Path, tmp_path: Path
) -> None:
    bad = tmp_path / "bad"
    shutil.copytree(cases, bad)
    path = bad / "month=1/cases-3.parquet"
    table = pq.read_table(path, partitioning=None)
    weeks = table["weeks_registered"].to_pylist()
    weeks[2500] = -7
    place = table.schema.get_field_index("weeks_registered")
    changed = table.set_column(place, "weeks_registered", pa.array(weeks))
    pq.write_table(changed, path, row_group_size=GROUP)
    # Without an address: the command starts a cluster of its own.
    done = run("--cases", str(bad), "--out", str(tmp_path / "out"), "--engine", "dask")
    assert done.returncode == 2
    told = f"error: {path}: column weeks_registered: row 2501: -7; permitted is 0 to 520 weeks"
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "out/_scored.json").exists()


def test_workers_that_have_other_code_or_none_are_named(cases: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "router", other / "router", ignore=ignored)
    (other / "router/mendable.py").write_text((ROOT / "router/mendable.py").read_text() + "\n")
    with a_cluster(tmp_path, ROOT, other, None) as address:
        words = ("--cases", str(cases), "--out", str(tmp_path / "out"), "--engine", "dask")
        done = run(*words, "--scheduler", address)
    assert done.returncode == 2
    first, *lines = done.stderr.splitlines()
    assert first.startswith("error: workers: must have what this process has")
    assert len(lines) == 2
    told = sorted(line.partition(" ")[2] for line in lines)
    assert "No module named 'router'" in told[0]
    assert told[1].startswith("has channel-router, digest of its code ")
    assert not list((tmp_path / "out").iterdir())


def test_a_scheduler_that_cannot_be_reached_is_told(cases: Path, tmp_path: Path) -> None:
    words = ("--cases", str(cases), "--out", str(tmp_path / "out"), "--engine", "dask")
    (tmp_path / "out").mkdir()
    whole = tmp_path / "out" / "_scored.json"
    whole.write_text("{}")
    done = run(*words, "--scheduler", "tcp://127.0.0.1:9")
    assert done.returncode == 2
    assert "error: scheduler: tcp://127.0.0.1:9 cannot be reached within 10 seconds" in done.stderr
    assert whole.exists()
    assert "Traceback" not in done.stderr


def listening() -> set[tuple[str, int]]:
    """Gives where this process and those that it started listen."""
    processes = [psutil.Process(), *psutil.Process().children(recursive=True)]
    held = [one for process in processes for one in process.net_connections("tcp")]
    return {(one.laddr.ip, one.laddr.port) for one in held if one.status == psutil.CONN_LISTEN}


def test_a_cluster_of_its_own_listens_on_this_machine_alone_and_writes_no_cases() -> None:
    before = listening()
    with connected("", installed, "install it") as cluster:
        assert {address for address, _ in listening() - before} == {"127.0.0.1"}
        spilled = cluster.job("config", dask.config.get)("distributed.worker.memory.spill", 0)
        assert spilled.result() is False


def test_options_of_an_engine_without_it_are_told(cases: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.parquet"
    done = router("score", "--cases", "s3://bucket/cases", "--out", out)
    assert done.code == 2
    assert "--cases: s3://... is a URI; give --engine dask as well" in done.err
    done = router("score", "--cases", cases, "--out", out, "--scheduler", "tcp://127.0.0.1:9")
    assert done.code == 2
    assert "give --engine dask as well" in done.err
