"""What the command line makes of a journal that 0.3.0 wrote, and of cases that it scored."""

from __future__ import annotations

import csv
import gzip
import json
import os
import sqlite3
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pyarrow.parquet as pq
from psycopg import sql

from tests.builders import ROOT
from tests.compatibility.kept import FOLDER, Names, lay_out
from tests.postgres_server import PostgresServer, binaries

READINGS = FOLDER / "readings.json.gz"
PLACES = ("sqlite", "postgres")
OFFICES = ("office-02",)
TREATMENTS = ("chosen", "recommended")
_NEWEST_SECONDS_AGO = 30
_WITHIN = 300
_NEWEST = "SELECT max(written_at) FROM record"


class CommandFailed(AssertionError):
    """A command did not end with 0."""


def kept_readings() -> dict[str, Any]:
    """What 0.3.0 made of its journal."""
    found: dict[str, Any] = json.loads(gzip.decompress(READINGS.read_bytes()))
    return found


def keep_readings(found: dict[str, Any]) -> None:
    """Writes them; equal readings are equal bytes."""
    text = json.dumps(found, ensure_ascii=False, sort_keys=True)
    READINGS.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


def run(program: str, *words: str) -> str:
    """What a command says.

    Raises:
        CommandFailed: if it does not end with 0.
    """
    done = subprocess.run(
        [sys.executable, "-m", program, *words],
        cwd=ROOT,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=_WITHIN,
    )
    if done.returncode:
        raise CommandFailed(f"{program} {' '.join(words)}: {done.stderr}")
    return done.stdout


@contextmanager
def the_journal(place: str, folder: Path, postgres: PostgresServer | None) -> Iterator[str]:
    """A copy of the journal that 0.3.0 wrote to a file or a database; gives its URL."""
    if postgres is None:
        path = folder / f"{place}.db"
        path.write_bytes(gzip.decompress((FOLDER / "journal.db.gz").read_bytes()))
        yield f"sqlite:///{path}"
        return
    name = f"kept_{os.urandom(6).hex()}"
    url = postgres.url.rpartition("/")[0] + f"/{name}"
    database = sql.Identifier(name)
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(database))
        try:
            _restore(url)
            yield url
        finally:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(database))


def _restore(url: str) -> None:
    folder = binaries()
    assert folder is not None
    subprocess.run(
        [folder / "psql", "-q", "-X", "-v", "ON_ERROR_STOP=1", url],
        input=gzip.decompress((FOLDER / "journal.sql.gz").read_bytes()),
        stdout=subprocess.DEVNULL,
        check=True,
    )


def make_young(url: str) -> None:
    """Moves every record in time, so that the newest has just been written."""
    now = time.time_ns() // 1000 - _NEWEST_SECONDS_AGO * 1_000_000
    if url.startswith("sqlite:///"):
        with closing(sqlite3.connect(url.removeprefix("sqlite:///"))) as file:
            (newest,) = file.execute(_NEWEST).fetchone()
            file.execute("UPDATE record SET written_at = written_at + ?", (now - newest,))
            file.commit()
    else:
        with psycopg.connect(url) as connection:
            (newest,) = connection.execute(_NEWEST).fetchone() or (now,)
            connection.execute("UPDATE record SET written_at = written_at + %s", (now - newest,))


def verify(url: str, head: str) -> str:
    """What `journal verify` says with a head that was noted."""
    return run("router", "journal", "verify", "--journal", url, "--head", head)


def exported(url: str, folder: Path) -> list[dict[str, Any]]:
    """The recommendations that `journal export` writes, moments as days."""
    path = folder / "exported.parquet"
    run("router", "journal", "export", "--journal", url, "--to", str(path))
    return _rows(path)


def ledger(url: str, folder: Path, days: list[str]) -> dict[str, Any]:
    """The ledger's figures of all offices: the rows of its CSV, the samples of its textfile."""
    lay_out(folder)
    figures, samples = folder / "ledger.csv", folder / "ledger.prom"
    run(
        "router", "ledger", "--office", "ALL", "--from", days[0], "--to", days[1],
        "--journal", url, "--policies", str(folder / "policies"),
        "--csv", str(figures), "--prometheus", str(samples),
    )  # fmt: skip
    with figures.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    lines = [line for line in samples.read_text().splitlines() if not line.startswith("#")]
    return {"rows": rows, "samples": dict(line.rsplit(" ", 1) for line in lines)}


def collected(url: str, folder: Path, treatment: str) -> list[dict[str, Any]]:
    """The logged cases that `collect` makes."""
    path = folder / f"{treatment}.parquet"
    run(
        "training", "collect", "--journal", url, "--out", str(path),
        "--treatment", treatment, "--k", "3",
    )  # fmt: skip
    return _rows(path)


def price(url: str, folder: Path, office: str) -> float:
    """The price that `price --write-price` writes into an office's policy."""
    lay_out(folder)
    run(
        "router", "price", "--office", office, "--weeks", "3", "--write-price",
        "--journal", url, "--models", str(folder / "models"),
        "--policies", str(folder / "policies"),
    )  # fmt: skip
    text = (folder / "policies" / "offices" / f"{office}.toml").read_text(encoding="utf-8")
    return float(tomllib.loads(text)["price_per_minute"])


def scored(folder: Path, office: str) -> Path:
    """The file that `score` writes for the cases that are kept."""
    lay_out(folder)
    version = (folder / "models" / "promoted").read_text().strip()
    out = folder / f"scored-{office}.parquet"
    run(
        "router", "score", "--cases", str(FOLDER / "cases.csv"), "--out", str(out),
        "--office", office, "--model", str(folder / "models" / version),
        "--policies", str(folder / "policies"),
    )  # fmt: skip
    return out


def _rows(path: Path) -> list[dict[str, Any]]:
    """The rows of a Parquet file as JSON has them, ids named."""
    found = pq.read_table(path).to_pylist()
    plain = json.loads(json.dumps(found, default=lambda value: str(value)[: len("2026-11-25")]))
    rows: list[dict[str, Any]] = Names().hide(plain)
    return rows
