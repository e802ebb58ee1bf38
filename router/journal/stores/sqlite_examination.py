"""Looks below the records of an SQLite journal: pages, schema, and what stands beside records."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

from router.journal.stores.rows import lost
from router.journal.stores.sqlite_file import (
    MIGRATION_TABLE,
    MIGRATIONS,
    log_of,
    version_of,
)

_PROBLEMS_AT_MOST = 5
_SCHEMA = "SELECT type, name, tbl_name, sql FROM sqlite_master"
# By the version of the schema in which they came.
_STATE = {"probes": 1, "subjects_after": 3, "open": 4}
_State = dict[object, object]


def examine(connection: sqlite3.Connection, path: Path) -> Iterator[str]:
    """Tells what is wrong; see `JournalReader.examine`."""
    found = connection.execute(f"PRAGMA integrity_check({_PROBLEMS_AT_MOST})").fetchall()
    yield from (f"the file is damaged: {told}" for (told,) in found if told != "ok")

    version = version_of(connection)
    strange = list(_schema_problems(connection, version))
    yield from strange
    # What is not there cannot be looked into.
    if strange:
        return
    yield from _migration_problems(connection, version)
    state = dict(connection.execute("SELECT name, value FROM state"))
    yield from _state_problems(state, version)
    if state.get("open") and not log_of(path).exists():
        yield (
            f"its log {log_of(path).name} is missing: this was copied while a server had it "
            "open, and the last records are not in it; use `journal backup`"
        )
    yield from _context_problems(connection)


def _schema_problems(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    """Compares the schema with the one that the migrations make."""
    with closing(sqlite3.connect(":memory:")) as made:
        made.execute(MIGRATION_TABLE)
        for statements in MIGRATIONS[:version]:
            for statement in statements:
                made.execute(statement)
        expected = _schema(made)
    found = _schema(connection)
    for name in sorted(expected.keys() | found.keys()):
        if name not in found:
            yield f"{' '.join(name)} is missing"
        elif name not in expected:
            yield f"{' '.join(name)} is none of the journal's"
        elif found[name] != expected[name]:
            yield f"{' '.join(name)} was altered"


def _schema(connection: sqlite3.Connection) -> dict[tuple[str, str], tuple[str, str]]:
    return {
        (str(type_), str(name)): (str(table), " ".join(str(sql).split()))
        for type_, name, table, sql in connection.execute(_SCHEMA)
    }


def _migration_problems(connection: sqlite3.Connection, version: int) -> Iterator[str]:
    rows = connection.execute("SELECT version, applied_at FROM migration ORDER BY 1").fetchall()
    numbers = [number for number, _ in rows]
    if numbers != list(range(1, version + 1)) or any(type(at) is not int for _, at in rows):
        yield f"the list of migrations was altered: {numbers}"


def _state_problems(state: _State, version: int) -> Iterator[str]:
    names = {name for name, since in _STATE.items() if since <= version}
    if state.keys() != names:
        yield f"the marks are not {', '.join(sorted(names))}"
    for name, value in state.items():
        if type(value) is not int or value < 0 or (name == "open" and value > 1):
            yield f"the mark {name} was altered: {value!r}"


def _context_problems(connection: sqlite3.Connection) -> Iterator[str]:
    rows = connection.execute("SELECT id, digest, document FROM context").fetchall()
    yield from (f"context {id_} was altered" for id_ in lost(rows))
    unused = "SELECT id FROM context WHERE id NOT IN (SELECT context FROM record)"
    yield from (f"context {id_} belongs to no record" for (id_,) in connection.execute(unused))
