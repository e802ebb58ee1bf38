"""Alters a journal in a thousand ways behind its back: does `verify` notice each of them?

`python -m bench.tampering --alterations 1000` alters a file and a PostgreSQL database, by turns in
every field, table, index, trigger and in the order of records, and prints what went unnoticed
against a head that was kept outside. It ends with 1 if anything did.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import sqlite3
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Protocol

import psycopg

from router.journal.chain import COLUMNS, START
from router.journal.opening import open_journal, open_to_read
from router.journal.record import Context, Head, JournalBroken, JournalUnavailable, Record
from router.journal.retention import erase
from router.journal.store import Held, JournalStore
from router.journal.stores.postgres_database import MIGRATIONS
from router.journal.verification import verify
from tests.builders import a_reading, a_recorded_recommendation
from tests.postgres_server import PostgresServer, binaries

_RECORD = tuple(COLUMNS.split(", "))
_TABLES = {
    "context": ("id", "digest", "document"),
    "migration": ("version", "applied_at"),
    "record": _RECORD,
    "state": ("name", "value"),
}
# Marks that say nothing of a record: how often the store was probed, when it was brought up to
# date, and whether a server has the file open. Nobody can know what they were.
_SAYS_NOTHING = "name NOT IN ('probes', 'open')"
_INDEXES = ("record_about", "record_claim", "record_other", "record_review", "record_subject")
_PREDICATES = {
    "record_about": "about IS NOT NULL",
    "record_claim": "claim IS NOT NULL",
    "record_other": "kind <> 'recommendation'",
    "record_review": "kind IN ('review', 'answer')",
    "record_subject": "subject IS NOT NULL",
}
_COLUMNS_OF = {
    "record_about": "about, seq",
    "record_claim": "about, claim",
    "record_other": "seq",
    "record_review": "seq",
    "record_subject": "(seq >> 10), subject",
}
_FEEDBACK = Context(document='{"feedback":1}')
_NOW = 1_790_000_000_000_000
Statement = str
Rows = list[tuple[Any, ...]]


class Place(Protocol):
    """A journal that can be altered and is then as it was."""

    name: str
    url: str

    def renew(self) -> None:
        """Puts the journal back as it was."""

    def alter(self, statements: list[Statement]) -> None:
        """Runs statements, each committed; raises what the database raises."""

    def contents(self) -> object:
        """Gives rows and schema, as far as they say something."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One way to alter a journal."""

    kind: str
    statements: list[Statement]


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What came of alterations: how many were noticed by kind, and those that were not."""

    noticed: Counter[str]
    unnoticed: list[Alteration]
    idle: int


def fill(store: JournalStore, chance: random.Random) -> None:
    """Writes what a journal holds: recommendations, feedback about them, an erased case."""
    reading = a_reading()
    advised = [
        a_recorded_recommendation(reading, f"case-{at}", mix=1, at=_NOW + at) for at in range(12)
    ]
    about = [
        Record(
            chance.randbytes(16), kind, _FEEDBACK, b'{"a":1}', _NOW + 20, one.id, kind, None, caller
        )
        for one, caller in zip(advised, ["", "case-system"] * 6, strict=True)
        for kind in ("choice", "outcome")
    ]
    store.write_batch([*advised, *about])
    gone = store.find([advised[3].id, about[6].id, about[7].id])
    held = sorted(Held(one.seq, one.id) for one in gone)
    erase(store, lambda: held, now=_NOW + 30, why="request")
    store.write_batch(
        [
            Record(chance.randbytes(16), "review", _FEEDBACK, b'{"a":1}', _NOW + 40, one.id)
            for one in advised[:2]
        ]
    )


def rows_of_version_1(chance: random.Random) -> tuple[Rows, Rows]:
    """Gives rows of contexts and records as 0.3.0 wrote them, two of them erased."""
    document = Context(document='{"version":1}')
    erasure = Context(document='{"erasure":1}')
    contexts: Rows = [
        (1, document.digest, document.document),
        (2, erasure.digest, erasure.document),
    ]
    rows: Rows = []
    head = START.digest
    decision = chance.randbytes(16)
    for seq in range(1, 10):
        kind, about, context, payload = "recommendation", None, document, b"row and case"
        if seq in (3, 5, 7):
            kind, about, payload = "choice", decision, b'{"mix":"A"}'
        if seq == 9:
            kind, context, payload = "erasure", erasure, b'{"records": 2, "why": "request"}'
        id_ = decision if seq == 1 else chance.randbytes(16)
        salt, at = chance.randbytes(16), _NOW - 100 + seq
        sealed = sha256(salt + context.digest + payload).digest()
        named = kind if about is None else f"{kind}:{about.hex()}"
        counted = seq.to_bytes(8, "big") + id_ + named.encode() + at.to_bytes(8, "big")
        head = sha256(head + counted + sealed).digest()
        claim = f"choice:{seq}" if about else None
        erased = seq in (2, 3)
        number = 2 if context is erasure else 1
        content = (None, None) if erased else (payload, salt)
        rows.append((seq, id_, kind, number, at, *content, sealed, head, about, claim, None, 1, ""))
    return contexts, rows


class InAFile:
    """A journal in an SQLite file."""

    name = "sqlite"

    def __init__(self, folder: Path, chance: random.Random) -> None:
        self._path, self._kept = folder / "journal.db", folder / "kept.db"
        self.url = f"sqlite:///{self._path}"
        open_journal(self.url).close()
        contexts, rows = rows_of_version_1(chance)
        with closing(sqlite3.connect(self._path)) as file, file:
            file.executemany("INSERT INTO context VALUES (?,?,?)", contexts)
            places = ",".join("?" * len(_RECORD))
            file.executemany(f"INSERT INTO record ({COLUMNS}) VALUES ({places})", rows)
            file.execute("UPDATE state SET value = 9 WHERE name = 'subjects_after'")
        with closing(open_journal(self.url)) as store:
            fill(store, chance)
        shutil.copy(self._path, self._kept)

    def renew(self) -> None:
        for ending in ("-wal", "-shm"):
            self._path.with_name(self._path.name + ending).unlink(missing_ok=True)
        shutil.copy(self._kept, self._path)

    def alter(self, statements: list[Statement]) -> None:
        for statement in statements:
            if statement.startswith("flip "):
                self._flip(int(statement.split()[1]))
                continue
            # Opened anew: what was written into the schema is read again.
            with closing(sqlite3.connect(self._path)) as file, file:
                file.execute("PRAGMA writable_schema = ON")
                file.execute(statement)

    def _flip(self, bit: int) -> None:
        data = bytearray(self._path.read_bytes())
        data[bit // 8 % len(data)] ^= 1 << bit % 8
        self._path.write_bytes(data)

    def contents(self) -> object:
        with closing(sqlite3.connect(f"file:{self._path}?immutable=1", uri=True)) as file:
            try:
                rows = {
                    table: file.execute(
                        f"SELECT {_said(table)}, {','.join(f'typeof({name})' for name in names)} "
                        f"FROM {table} NOT INDEXED {_meaningful(table)} ORDER BY 1"
                    ).fetchall()
                    for table, names in _TABLES.items()
                }
                (sound,) = file.execute("PRAGMA integrity_check").fetchone()
                schema = file.execute("SELECT type, name, tbl_name, sql FROM sqlite_master")
                return rows, sound, sorted(map(str, schema))
            except sqlite3.Error as error:
                return str(error)


class InADatabase:
    """A journal in a schema of a PostgreSQL database."""

    name = "postgres"

    def __init__(self, url: str, chance: random.Random) -> None:
        self._link = psycopg.connect(url, autocommit=True)
        self._make()
        self.url = f"{url}?options=-c%20search_path%3Dtampered"
        contexts, rows = rows_of_version_1(chance)
        self._insert({"context": contexts, "record": rows})
        self._link.execute("UPDATE state SET value = 9 WHERE name = 'subjects_after'")
        self._link.execute("SELECT setval('context_id_seq', 2)")
        with closing(open_journal(self.url)) as store:
            fill(store, chance)
        self._kept = {
            table: self._link.execute(f"SELECT {', '.join(names)} FROM {table}").fetchall()
            for table, names in _TABLES.items()
        }

    def _make(self) -> None:
        self._link.execute("DROP SCHEMA IF EXISTS tampered CASCADE; CREATE SCHEMA tampered")
        self._link.execute("SET search_path = tampered")
        self._link.execute(
            "CREATE TABLE migration (version bigint PRIMARY KEY, applied_at bigint NOT NULL)"
        )
        for number, statements in enumerate(MIGRATIONS, 1):
            for statement in statements:
                self._link.execute(statement)
            self._link.execute("INSERT INTO migration VALUES (%s, 0)", (number,))

    def _insert(self, tables: dict[str, Rows]) -> None:
        for table, rows in tables.items():
            names = _TABLES[table]
            with self._link.cursor() as cursor:
                cursor.executemany(
                    f"INSERT INTO {table} ({', '.join(names)}) "
                    f"VALUES ({', '.join(['%s'] * len(names))})",
                    rows,
                )

    def renew(self) -> None:
        self._make()
        self._link.execute("DELETE FROM state; DELETE FROM migration")
        self._insert(self._kept)

    def alter(self, statements: list[Statement]) -> None:
        for statement in statements:
            self._link.execute(statement)

    def contents(self) -> object:
        try:
            rows = {
                table: self._link.execute(
                    f"SELECT {_said(table)} FROM {table} {_meaningful(table)} ORDER BY 1"
                )
                for table in _TABLES
            }
            return {table: found.fetchall() for table, found in rows.items()}
        except psycopg.Error as error:
            return str(error)

    def close(self) -> None:
        self._link.close()


def _said(table: str) -> str:
    return "version" if table == "migration" else "*"


def _meaningful(table: str) -> str:
    return f"WHERE {_SAYS_NOTHING}" if table == "state" else ""


class Tamperer:
    """Draws alterations of a journal."""

    def __init__(self, place: Place, chance: random.Random) -> None:
        self._chance = chance
        self._sqlite = place.name == "sqlite"
        with closing(open_to_read(place.url)) as store:
            self._stored = list(store.read())
        self._kinds: tuple[Callable[[], list[Statement]], ...] = (
            self._a_field,
            self._a_field,
            self._a_field,
            self._bytes_moved,
            self._another_records_field,
            self._a_row,
            self._an_order,
            self._an_erasure,
            self._a_context,
            self._a_mark,
            self._an_index,
            self._a_hole_in_an_index,
            self._a_trigger,
            self._a_column,
            self._a_table,
            *((self._a_bit, self._schema_text) if self._sqlite else (self._catalogue,)),
        )

    def draw(self, at: int) -> Alteration:
        """Draws one; kinds come by turns."""
        kind = self._kinds[at % len(self._kinds)]
        return Alteration(kind=kind.__name__.strip("_"), statements=kind())

    def _seq(self) -> int:
        return self._chance.choice(self._stored).seq

    def _blob(self, data: bytes) -> str:
        return f"X'{data.hex()}'" if self._sqlite else f"'\\x{data.hex()}'::bytea"

    def _a_field(self) -> list[Statement]:
        column, chance = self._chance.choice(_RECORD), self._chance
        stored = chance.choice(self._stored)
        data = chance.randbytes(chance.choice([0, 1, 15, 16, 17, 31, 32, 33]))
        texts = ["''", "'outcome'", "'recommendation'", "'choice:x'", "'a b'", "'é'"]
        values = [
            "NULL",
            self._blob(data),
            *texts,
            str(chance.choice([-1, 0, 1, 2, 3, 7, 2**40])),
            f"{column} + 1" if column in ("seq", "written_at", "context", "version") else "NULL",
            f"{column} || {self._blob(b'x')}",
            f"substr({column}, 2)",
        ]
        if self._sqlite:
            values += ["1.5", f"CAST({column} AS TEXT)", f"CAST({column} AS BLOB)"]
        return [f"UPDATE record SET {column} = {chance.choice(values)} WHERE seq = {stored.seq}"]

    def _bytes_moved(self) -> list[Statement]:
        """Moves bytes from a field to its neighbour in what is hashed."""
        about = [one for one in self._stored if one.about is not None]
        one = self._chance.choice(about)
        assert one.about is not None
        moves = [
            f"id = {self._blob(one.id + one.kind.encode() + b':')}, kind = '{one.about.hex()}', "
            "about = NULL, claim = NULL",
            f"kind = '{one.kind}:{one.about.hex()}', about = NULL",
            f"kind = '{one.kind}{one.claim}', claim = NULL",
            f"claim = '{one.claim}{one.caller or 'x'}', caller = ''",
            f"kind = '{one.kind[:-1]}', claim = '{one.kind[-1]}{one.claim}'",
            f"caller = '{one.claim}', claim = NULL",
            f"id = {self._blob(one.id[:-1])}, kind = '{one.id[-1:].hex()}{one.kind}'",
            f"about = {self._blob(one.about[:8])}, claim = '{one.about[8:].hex()}'",
        ]
        if one.payload is not None and one.salt is not None:
            longer = self._blob(one.payload[:1]), self._blob(one.payload[1:])
            moves.append(f"salt = salt || {longer[0]}, payload = {longer[1]}")
            moves.append(f"subject = salt, payload = {longer[1]}")
        return [f"UPDATE record SET {self._chance.choice(moves)} WHERE seq = {one.seq}"]

    def _another_records_field(self) -> list[Statement]:
        column = self._chance.choice([name for name in _RECORD if name not in ("seq", "id")])
        other = f"(SELECT {column} FROM record WHERE seq = {self._seq()})"
        return [f"UPDATE record SET {column} = {other} WHERE seq = {self._seq()}"]

    def _a_row(self) -> list[Statement]:
        seq, last = self._seq(), self._stored[-1].seq
        columns = ", ".join(name for name in _RECORD if name not in ("seq", "id", "claim"))
        copied = (
            f"INSERT INTO record (seq, id, {columns}) "
            f"SELECT {last} + 1, {self._blob(self._chance.randbytes(16))}, {columns} "
            f"FROM record WHERE seq = {seq}"
        )
        return [
            self._chance.choice(
                [
                    f"DELETE FROM record WHERE seq = {seq}",
                    f"DELETE FROM record WHERE seq >= {seq}",
                    f"DELETE FROM record WHERE seq <= {seq}",
                    "DELETE FROM record",
                    copied,
                ]
            )
        ]

    def _an_order(self) -> list[Statement]:
        one, other = self._seq(), self._seq()
        return [
            f"UPDATE record SET seq = -1 WHERE seq = {one}",
            f"UPDATE record SET seq = {one} WHERE seq = {other}",
            f"UPDATE record SET seq = {other} WHERE seq = -1",
        ]

    def _an_erasure(self) -> list[Statement]:
        (told,) = [one for one in self._stored if one.kind == "erasure" and one.version == 2]
        seal = next(one for one in self._stored if one.kind == "seal")
        erased = "payload = NULL, salt = NULL"
        return [
            self._chance.choice(
                [
                    f"UPDATE record SET {erased}, subject = NULL WHERE seq = {self._seq()}",
                    f"UPDATE record SET {erased} WHERE seq = {self._seq()}",
                    f"UPDATE record SET salt = NULL WHERE seq = {self._seq()}",
                    f"UPDATE record SET payload = NULL WHERE seq = {self._seq()}",
                    f"UPDATE record SET subject = NULL WHERE seq = {self._seq()}",
                    f"UPDATE record SET {erased} WHERE seq IN ({told.seq}, {seal.seq})",
                    f"DELETE FROM record WHERE seq = {told.seq}",
                    f"UPDATE record SET payload = {self._blob(b'new')}, "
                    f"salt = {self._blob(bytes(16))} WHERE payload IS NULL",
                ]
            )
        ]

    def _a_context(self) -> list[Statement]:
        id_ = self._chance.randrange(1, 6)
        digest = self._blob(self._chance.randbytes(32))
        added = f"INSERT INTO context (id, digest, document) VALUES (77, {digest}, '{{}}')"
        return [
            self._chance.choice(
                [
                    f"UPDATE context SET document = document || ' ' WHERE id = {id_}",
                    f"UPDATE context SET digest = {digest} WHERE id = {id_}",
                    f"UPDATE context SET id = 88 WHERE id = {id_}",
                    f"DELETE FROM context WHERE id = {id_}",
                    added,
                    f"UPDATE record SET context = {id_} WHERE seq = {self._seq()}",
                ]
            )
        ]

    def _a_mark(self) -> list[Statement]:
        number = self._chance.randrange(1, 60)
        return [
            self._chance.choice(
                [
                    f"UPDATE state SET value = value + {number} WHERE name = 'subjects_after'",
                    f"UPDATE state SET value = {number % 9} WHERE name = 'subjects_after'",
                    "UPDATE state SET value = -1 WHERE name = 'probes'",
                    "DELETE FROM state WHERE name = 'subjects_after'",
                    "DELETE FROM state WHERE name = 'probes'",
                    f"INSERT INTO state VALUES ('mark {number}', 1)",
                    f"DELETE FROM migration WHERE version = {number % 3 + 1}",
                    f"INSERT INTO migration VALUES ({number + 3}, 0)",
                    f"UPDATE migration SET version = version + {number} WHERE version = 1",
                ]
            )
        ]

    def _an_index(self) -> list[Statement]:
        name = self._chance.choice(_INDEXES)
        less = self._chance.choice([f"seq <> {self._seq()}", "seq > 5", "kind <> 'outcome'"])
        unique = "UNIQUE " if name != "record_claim" and self._chance.random() < 0.3 else ""
        made = f"CREATE {unique}INDEX {name} ON record ({_COLUMNS_OF[name]})"
        drop = f"DROP INDEX {name}"
        return self._chance.choice(
            [
                [drop],
                [drop, f"{made} WHERE {_PREDICATES[name]} AND {less}"],
                [drop, made],
                [f"CREATE INDEX other_{self._seq()} ON record (kind)"],
                [f"CREATE UNIQUE INDEX claims ON record (claim) WHERE seq = {self._seq()}"],
            ]
        )

    def _a_hole_in_an_index(self) -> list[Statement]:
        name = self._chance.choice(_INDEXES)
        seq = self._chance.choice([one.seq for one in self._stored if _is_in(name, one)])
        if self._sqlite:
            # The index is built without the row, then said to be as it was.
            at = f"UPDATE sqlite_master SET sql = {{}} WHERE name = '{name}'"
            return [
                at.format(f"sql || ' AND seq <> {seq}'"),
                f"REINDEX {name}",
                at.format(f"replace(sql, ' AND seq <> {seq}', '')"),
            ]
        # The index is not told of a row that is written anew.
        at = f"UPDATE pg_index SET indisready = {{}} WHERE indexrelid = '{name}'::regclass"
        return [
            at.format("false"),
            f"CREATE TEMP TABLE kept_row AS SELECT * FROM record WHERE seq = {seq}; "
            f"DELETE FROM record WHERE seq = {seq}; "
            "INSERT INTO record SELECT * FROM kept_row; DROP TABLE kept_row",
            at.format("true"),
        ]

    def _a_trigger(self) -> list[Statement]:
        number = self._seq()
        if self._sqlite:
            when = self._chance.choice(["AFTER INSERT", "BEFORE DELETE", "AFTER UPDATE"])
            does = self._chance.choice(
                [
                    "UPDATE record SET payload = NULL, salt = NULL WHERE seq = new.seq",
                    f"DELETE FROM record WHERE seq = {number}",
                    "SELECT 1",
                ]
            )
            does = does if "DELETE" not in when else "SELECT 1"
            return [f"CREATE TRIGGER t{number} {when} ON record BEGIN {does}; END"]
        return self._chance.choice(
            [
                [
                    "CREATE FUNCTION f() RETURNS trigger LANGUAGE plpgsql AS "
                    "$$ BEGIN new.payload := NULL; RETURN new; END $$",
                    f"CREATE TRIGGER t{number} BEFORE INSERT ON record "
                    "FOR EACH ROW EXECUTE FUNCTION f()",
                ],
                [f"CREATE RULE r{number} AS ON DELETE TO record DO INSTEAD NOTHING"],
                [f"CREATE RULE r{number} AS ON UPDATE TO state DO INSTEAD NOTHING"],
                [f"CREATE POLICY p{number} ON record USING (seq <> {number})"],
                ["ALTER TABLE record ENABLE ROW LEVEL SECURITY"],
            ]
        )

    def _a_column(self) -> list[Statement]:
        table = self._chance.choice(["record", "context", "state"])
        changes = [
            [f"ALTER TABLE {table} ADD COLUMN more INTEGER"],
            ["ALTER TABLE record DROP COLUMN caller"],
            ["ALTER TABLE record RENAME COLUMN caller TO called"],
        ]
        if not self._sqlite:
            changes += [
                ["ALTER TABLE record ALTER COLUMN version SET DEFAULT 1"],
                ["ALTER TABLE record ALTER COLUMN caller DROP NOT NULL"],
                ["ALTER TABLE record ALTER COLUMN kind SET DEFAULT 'choice'"],
                ["ALTER TABLE record ALTER COLUMN written_at TYPE numeric"],
                [f"ALTER TABLE {table} ADD CHECK (true)"],
                ["ALTER TABLE record DROP CONSTRAINT record_id_key"],
                ['ALTER TABLE record ALTER COLUMN claim TYPE text COLLATE "C"'],
            ]
        return self._chance.choice(changes)

    def _a_table(self) -> list[Statement]:
        changes = [
            ["DROP TABLE record"],
            ["DROP TABLE context"],
            ["DELETE FROM state"],
            ["DROP TABLE state"],
            ["ALTER TABLE record RENAME TO kept"],
            ["ALTER TABLE record RENAME TO kept", "CREATE VIEW record AS SELECT * FROM kept"],
            [
                "CREATE TABLE copy AS SELECT * FROM record",
                "DROP TABLE record",
                "ALTER TABLE copy RENAME TO record",
            ],
        ]
        if self._sqlite:
            changes += [["CREATE TABLE more (a)"], ["CREATE VIEW more AS SELECT * FROM record"]]
        else:
            changes += [
                ["CREATE TABLE more () INHERITS (record)"],
                ["ALTER TABLE record SET UNLOGGED"],
            ]
        return self._chance.choice(changes)

    def _a_bit(self) -> list[Statement]:
        return [f"flip {self._chance.randrange(8 * 400_000)}"]

    def _schema_text(self) -> list[Statement]:
        name = self._chance.choice(["record", "context", "state", *_INDEXES])
        before, after = self._chance.choice(
            [
                (" NOT NULL", ""),
                ("BLOB", "TEXT"),
                ("UNIQUE", ""),
                ("IS NOT NULL", "IS NULL"),
                ("seq", "rowid"),
                ("'recommendation'", "'choice'"),
            ]
        )
        return [
            f"UPDATE sqlite_master SET sql = replace(sql, '{before}', '{after}') "
            f"WHERE name = '{name}'"
        ]

    def _catalogue(self) -> list[Statement]:
        index = self._chance.choice((*_INDEXES, "record_id_key", "record_pkey"))
        change = self._chance.choice(
            [
                "indisvalid = false",
                "indisready = false",
                "indisunique = NOT indisunique",
                "indislive = false",
            ]
        )
        return [f"UPDATE pg_index SET {change} WHERE indexrelid = '{index}'::regclass"]


def _is_in(index: str, stored: Any) -> bool:
    if index == "record_other":
        return bool(stored.kind != "recommendation")
    if index == "record_review":
        return stored.kind in {"review", "answer"}
    return getattr(stored, index.removeprefix("record_")) is not None


def tamper(place: Place, alterations: int, chance: random.Random) -> Found:
    """Alters a journal so many times, each time as it was first, and verifies it."""
    with closing(open_to_read(place.url)) as store:
        untouched = verify(store)
    assert untouched.intact, untouched
    tamperer, noticed = Tamperer(place, chance), Counter[str]()
    as_it_was = place.contents()
    unnoticed: list[Alteration] = []
    done = idle = at = 0
    while done < alterations:
        alteration = tamperer.draw(at)
        at += 1
        place.renew()
        try:
            place.alter(alteration.statements)
        except (sqlite3.Error, psycopg.Error):
            # The database forbids it.
            idle += 1
            continue
        found = notices(place.url, untouched.head)
        if not found and place.contents() == as_it_was:
            # Nothing was altered: a bit in a free page, a field that held this value.
            idle += 1
            continue
        done += 1
        noticed[alteration.kind] += found
        if not found:
            unnoticed.append(alteration)
    place.renew()
    return Found(noticed=noticed, unnoticed=unnoticed, idle=idle)


def notices(url: str, head: Head) -> bool:
    """Tells whether a verification finds a journal to be altered, or cannot read it."""
    try:
        with closing(open_to_read(url)) as store:
            return not verify(store, head).intact
    except (JournalBroken, JournalUnavailable):
        return True


def _places(seed: int) -> Iterator[Place]:
    with tempfile.TemporaryDirectory() as folder:
        yield InAFile(Path(folder), random.Random(seed))
    programs = binaries()
    if programs is None:
        print("PostgreSQL is not installed: the file alone was altered")
        return
    server = PostgresServer(programs, fsync=False)
    try:
        with closing(InADatabase(server.url, random.Random(seed))) as place:
            yield place
    finally:
        server.remove()


def main() -> None:
    """Runs the benchmark."""
    parser = argparse.ArgumentParser(prog="python -m bench.tampering", description=__doc__)
    parser.add_argument("--alterations", type=int, default=1000, help="of each store")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    missed = 0
    for place in _places(arguments.seed):
        began = time.perf_counter()
        found = tamper(place, arguments.alterations, random.Random(arguments.seed))
        missed += len(found.unnoticed)
        told = {
            "store": place.name,
            "alterations": arguments.alterations,
            "unnoticed": len(found.unnoticed),
            "changed nothing or forbidden": found.idle,
            "noticed by kind": dict(found.noticed),
            "seconds": round(time.perf_counter() - began, 1),
        }
        print(json.dumps(told))
        for one in found.unnoticed[:10]:
            print(one.kind, one.statements)
    sys.exit(1 if missed else 0)


if __name__ == "__main__":
    main()
