"""Every store behind the journal; another one joins by one more place."""

import os
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from tests.contract.journals import Kept, in_a_database, in_a_file
from tests.postgres_server import PostgresServer, a_server


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """Gives one server for the tests that leave it running."""
    server = a_server(fsync=False)
    yield server
    server.remove()


@pytest.fixture
def database(postgres: PostgresServer) -> Iterator[str]:
    """Gives the URL of an empty schema of its own."""
    name = f"test_{os.urandom(6).hex()}"
    with psycopg.connect(postgres.url, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {name}")
        yield f"{postgres.url}?options=-c%20search_path%3D{name}"
        connection.execute(f"DROP SCHEMA {name} CASCADE")


@pytest.fixture
def kept(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Kept]:
    """Gives an empty place; what is opened there is closed after the test."""
    kept = (
        in_a_file(tmp_path)
        if place == "sqlite"
        else in_a_database(request.getfixturevalue("database"))
    )
    yield kept
    for store in kept.opened:
        store.close()


@pytest.fixture(params=["sqlite", "postgres"])
def place(request: pytest.FixtureRequest) -> str:
    """Tells where the journal is kept."""
    return str(request.param)
