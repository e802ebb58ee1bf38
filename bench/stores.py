"""New journals for benchmarks: SQLite files, or databases of a PostgreSQL server of their own."""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.postgres_server import PostgresServer, binaries

STORES = ("sqlite", "postgresql")


def add_store(parser: argparse.ArgumentParser) -> None:
    """Adds the option that says in which of them to keep the journal."""
    parser.add_argument(
        "--store",
        choices=STORES,
        default=STORES[0],
        help="where journals are kept: in files here, or on a PostgreSQL server that is started "
        "for the time; default: %(default)s",
    )


@contextmanager
def new_journals(store: str) -> Iterator[Callable[[], str]]:
    """Gives what makes the URL of one more empty journal; all are gone when the block ends.

    Raises:
        SystemExit: if PostgreSQL is not installed.
    """
    with _files() if store == "sqlite" else _databases() as fresh:
        yield fresh


@contextmanager
def _files() -> Iterator[Callable[[], str]]:
    # Here, not in the system's folder, which may be memory and durable at once.
    with tempfile.TemporaryDirectory(dir=".") as folder:
        yield lambda: f"sqlite:///{folder}/{_name()}.db"


@contextmanager
def _databases() -> Iterator[Callable[[], str]]:
    # Only where it is asked for: a file needs no driver.
    import psycopg

    programs = binaries()
    if programs is None:
        raise SystemExit("PostgreSQL is not installed (Debian: postgresql)")
    server = PostgresServer(programs)

    def fresh() -> str:
        name = _name()
        with psycopg.connect(server.url, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return server.url.replace("/postgres", f"/{name}")

    try:
        yield fresh
    finally:
        server.remove()


def _name() -> str:
    return f"bench_{os.urandom(6).hex()}"
