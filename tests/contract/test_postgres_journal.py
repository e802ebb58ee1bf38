"""What only a journal on a database server meets: sessions, roles, settings, silence."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from router.commands.journal import journal
from router.journal.opening import open_journal
from router.journal.record import Context, JournalBroken, JournalUnavailable
from router.journal.store import JournalStore
from router.journal.stores.postgres import PostgresJournal
from router.journal.stores.postgres_database import LOCK_KEY, MIGRATIONS
from router.journal.verification import verify
from tests.builders import a_reading, a_recorded_recommendation
from tests.contract.journals import a_record_about, ids, some_records
from tests.postgres_server import PostgresServer

ROOT = Path(__file__).parents[2]
SESSIONS = "application_name = 'channel-router journal' AND pid <> pg_backend_pid()"


@pytest.fixture
def store(database: str) -> Iterator[JournalStore]:
    opened = open_journal(database)
    yield opened
    opened.close()


def ask(url: str, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(url, autocommit=True) as connection:
        cursor = connection.execute(query)
        return cursor.fetchall() if cursor.description else []


def schema_of(database: str) -> str:
    return database.rpartition("%3D")[2]


@contextmanager
def a_role(database: str, *rights: str) -> Iterator[str]:
    """Gives the URL by which a role with these rights alone reaches a journal."""
    name = schema_of(database)
    ask(database, f"CREATE ROLE {name} LOGIN; GRANT USAGE ON SCHEMA {name} TO {name}")
    try:
        for one in rights:
            ask(database, f"GRANT {one} TO {name}")
        yield database.replace("router@", f"{name}@")
    finally:
        ask(database, f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_either_name_of_the_scheme_opens_the_same_journal(
    database: str, store: JournalStore
) -> None:
    store.write_batch(some_records(2))
    other = open_journal(database.replace("postgresql://", "postgres://"), create=False)
    assert ids(other) == ids(store)
    other.close()


@pytest.mark.parametrize(
    "read",
    [
        lambda store: store.read(),
        lambda store: store.read(kinds={"recommendation"}),
        lambda store: store.read(since=0),
        lambda store: store.held_before(2**62),
    ],
)
def test_each_record_is_looked_up_once_also_before_there_are_statistics(
    database: str, store: JournalStore, read: Callable[[JournalStore], Iterable[object]]
) -> None:
    for _ in range(6):
        store.write_batch(some_records(1000))
    looked_up = (
        "SELECT idx_tup_read FROM pg_stat_user_indexes "
        "WHERE indexrelname = 'record_pkey' AND schemaname = current_schema()"
    )
    [(before,)] = ask(database, looked_up)
    assert sum(1 for _ in read(store)) == 6000
    store.close()
    # What a session did is counted when it has ended.
    while ask(database, f"SELECT FROM pg_stat_activity WHERE {SESSIONS}"):
        pass
    [(after,)] = ask(database, looked_up)
    assert 6000 <= int(str(after)) - int(str(before)) < 7000


def test_servers_that_start_at_once_on_an_empty_database_make_one_journal(database: str) -> None:
    together, opened = threading.Barrier(4), []

    def begin() -> None:
        together.wait()
        opened.append(PostgresJournal(database))

    threads = [threading.Thread(target=begin) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for store in opened:
        store.write_batch(some_records(1))
    assert verify(opened[0]).records == 4
    for store in opened:
        store.close()


def test_a_session_that_would_not_wait_for_the_disk_is_refused(database: str) -> None:
    with pytest.raises(JournalBroken, match="synchronous_commit is off"):
        open_journal(f"{database}%20-c%20synchronous_commit%3Doff")


def test_a_reader_does_not_make_a_missing_journal(database: str) -> None:
    with pytest.raises(JournalBroken, match="no journal in this database"):
        open_journal(database, create=False)
    assert ask(database, "SELECT to_regclass('record')") == [(None,)]


def test_a_newer_journal_is_refused(database: str, store: JournalStore) -> None:
    ask(database, "INSERT INTO migration VALUES (99, 0)")
    with pytest.raises(JournalBroken, match="version 99 is newer"):
        open_journal(database)


def of_the_version_before(database: str) -> None:
    """Makes the tables of a journal that is to be brought up to date."""
    ask(database, "CREATE TABLE migration (version bigint PRIMARY KEY, applied_at bigint NOT NULL)")
    for statement in (one for version in MIGRATIONS[:-1] for one in version):
        ask(database, statement)
    ask(database, f"INSERT INTO migration SELECT generate_series(1, {len(MIGRATIONS) - 1}), 0")


def test_an_index_that_takes_longer_than_a_batch_may_is_made_nevertheless(database: str) -> None:
    of_the_version_before(database)
    # As over the records of years: a server that is silent for so long in a batch is given up, and
    # so is who waits for so long for another's lock.
    function = """CREATE FUNCTION slow() RETURNS event_trigger LANGUAGE plpgsql
        AS $$ BEGIN PERFORM pg_sleep(2.5); END $$"""
    ask(database, function)
    slow = "ON ddl_command_start WHEN TAG IN ('CREATE INDEX') EXECUTE FUNCTION slow()"
    ask(database, f"CREATE EVENT TRIGGER slow_index {slow}")
    try:
        with ThreadPoolExecutor(2) as at_once:
            stores = list(at_once.map(open_journal, [database, database]))
    finally:
        ask(database, "DROP EVENT TRIGGER slow_index; DROP FUNCTION slow")
    for store in stores:
        store.write_batch(some_records(2))
    assert verify(stores[0]).intact
    for store in stores:
        store.close()


def test_an_index_that_was_made_beforehand_is_taken(database: str) -> None:
    of_the_version_before(database)
    kinds = "kind IN ('review', 'answer')"
    ask(database, f"CREATE INDEX CONCURRENTLY record_review ON record (seq) WHERE {kinds}")
    store = open_journal(database)
    assert verify(store).intact
    store.close()


def test_another_programs_tables_are_refused_and_left_alone(database: str) -> None:
    ask(database, "CREATE TABLE record (theirs text)")
    with pytest.raises(JournalBroken, match="record"):
        open_journal(database)
    assert ask(database, "SELECT to_regclass('migration')") == [(None,)]


def test_a_connection_lost_while_idle_is_made_again_without_an_error(
    database: str, store: JournalStore
) -> None:
    records = some_records(3)
    store.write_batch(records[:1])
    store.find([records[0].id])
    assert (
        len(
            ask(
                database,
                f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE {SESSIONS}",
            )
        )
        == 2
    )
    store.write_batch(records[1:])
    assert [one.id for one in store.find([record.id for record in records])] == ids(store)


def test_a_server_that_goes_silent_is_unavailable_and_used_again_when_it_answers(
    database: str, store: JournalStore
) -> None:
    records = some_records(3)
    store.write_batch(records[:1])
    ((backend,),) = ask(database, f"SELECT pid FROM pg_stat_activity WHERE {SESSIONS}")
    os.kill(int(str(backend)), signal.SIGSTOP)
    try:
        with pytest.raises(JournalUnavailable, match="did not answer within 2 s"):
            store.write_batch(records[1:])
    finally:
        os.kill(int(str(backend)), signal.SIGCONT)
    store.write_batch(records)
    assert ids(store) == [record.id for record in records]
    assert verify(store).intact


def test_one_who_may_only_read_verifies_but_neither_writes_nor_erases(
    postgres: PostgresServer, database: str, store: JournalStore
) -> None:
    records = some_records(3)
    store.write_batch(records)
    schema = database.rpartition("%3D")[2]
    ask(database, f"CREATE ROLE {schema}; GRANT USAGE ON SCHEMA {schema} TO {schema}")
    ask(
        database,
        f"GRANT SELECT ON ALL TABLES IN SCHEMA {schema} TO {schema}; ALTER ROLE {schema} LOGIN",
    )
    auditor = open_journal(database.replace("router@", f"{schema}@"), create=False)
    try:
        assert verify(auditor).records == 3
        for forbidden in (
            lambda: auditor.write_batch(some_records(1)),
            auditor.probe,
            lambda: auditor.erase([b""]),
        ):
            with pytest.raises(JournalBroken, match=r"permission denied .*\(42501\)"):
                forbidden()
        ask(database, f"GRANT UPDATE ON record TO {schema}")
        with pytest.raises(JournalUnavailable, match="erased, but copies are left"):
            auditor.erase([records[0].id])
    finally:
        auditor.close()
        ask(database, f"DROP OWNED BY {schema}; DROP ROLE {schema}")


@pytest.mark.parametrize(
    ("rights", "lacking"),
    [
        (
            "SELECT ON record, context, state, migration",
            "INSERT on record, INSERT on context, UPDATE on record, the ownership of record",
        ),
        # As a server has them: it could put the erasure on record, and then not erase.
        (
            "SELECT, INSERT ON record, context, state, migration",
            "UPDATE on record, the ownership of record",
        ),
        ("ALL ON record, context, state, migration", "the ownership of record"),
    ],
)
@pytest.mark.parametrize("words", [["erase", "--case", "c-1"], ["expire", "--older-than", "1d"]])
def test_who_lacks_a_right_to_erase_is_told_which_before_anything_is_done(
    database: str, store: JournalStore, rights: str, lacking: str, words: list[str]
) -> None:
    store.write_batch([a_recorded_recommendation(a_reading(), "c-1", at=1)])
    with a_role(database, rights) as url:
        told = CliRunner().invoke(journal, [*words, "--yes", "--journal", url])
    assert isinstance(told.exception, JournalBroken)
    assert f": this role lacks {lacking}, by which it is vacuumed; erase as" in str(told.exception)
    assert str(told.exception).endswith("; nothing was erased")
    assert [stored.payload is None for stored in store.read()] == [False]


@pytest.mark.parametrize(("choices", "reviews"), [(0, 0), (1, 0), (0, 1), (0, 30), (30, 1)])
def test_a_journal_verifies_whatever_statistics_there_are(
    database: str, store: JournalStore, choices: int, reviews: int
) -> None:
    records = some_records(3)
    kinds = ["choice"] * choices + ["review"] * reviews
    store.write_batch(records + [a_record_about(records[0].id, kind) for kind in kinds])
    assert verify(store).problems == ()
    # As autovacuum does, whenever enough has been written.
    ask(database, "ANALYZE")
    assert verify(store).problems == ()


@pytest.mark.parametrize("statistics", ["", "ANALYZE"])
def test_an_index_that_misses_a_review_is_found_whatever_statistics_there_are(
    database: str, store: JournalStore, statistics: str
) -> None:
    records = some_records(3)
    store.write_batch([*records, a_record_about(records[0].id, "review")])
    ready = "UPDATE pg_index SET indisready = {} WHERE indexrelid = 'record_review'::regclass"
    ask(database, ready.format("false"))
    store.write_batch([a_record_about(records[1].id, "review")])
    ask(database, ready.format("true"))
    ask(database, statistics)
    told = "index record_review is damaged: it does not lead to all rows"
    assert told in verify(store).problems


def test_nothing_of_an_erased_case_is_left_in_the_statistics_of_the_planner(
    database: str, store: JournalStore
) -> None:
    cases = [f"case-{number}" for number in range(4)]
    records = [a_recorded_recommendation(a_reading(), case, at=1) for case in cases]
    store.write_batch([one._replace(subject=os.urandom(16)) for one in records])
    # As autovacuum does, whenever enough has been written.
    ask(database, "ANALYZE record")

    def sampled(column: str) -> set[bytes]:
        bounds = "unnest(histogram_bounds::text::bytea[])"
        query = f"SELECT {bounds} FROM pg_stats WHERE schemaname = %s AND attname = %s"
        with psycopg.connect(database) as link:
            return {one for (one,) in link.execute(query, (schema_of(database), column))}

    columns = ("payload", "salt", "subject")
    assert [len(sampled(column)) for column in columns] == [4, 4, 4]
    words = ["expire", "--older-than", "1d", "--yes", "--journal", database]
    assert CliRunner().invoke(journal, words).output.startswith("4 records erased")
    left = {one for column in columns for one in sampled(column)}
    assert not left & {value for row in records for value in (row.payload, row.subject)}
    assert all(case.encode() not in one for case in cases for one in left)


def test_nothing_is_said_to_be_erased_while_a_batch_about_it_may_yet_be_written(
    database: str, store: JournalStore
) -> None:
    (record,) = some_records(1)
    store.write_batch([record])
    with psycopg.connect(database) as writing:
        # As another server does, which has looked and has not committed yet.
        writing.execute("SELECT pg_advisory_xact_lock(%s)", (LOCK_KEY,))
        with pytest.raises(JournalUnavailable):
            store.erase([record.id])
    assert store.erase([record.id]) == 0
    assert [stored.payload for stored in store.read()] == [None]


def test_who_owns_the_database_needs_no_right_but_those_to_append_and_to_empty(
    database: str, store: JournalStore
) -> None:
    store.write_batch([a_recorded_recommendation(a_reading(), "c-1", at=1)])
    with a_role(
        database,
        "SELECT, INSERT ON record, context, state, migration",
        "UPDATE (payload, salt, subject) ON record",
    ) as url:
        ask(database, f"ALTER DATABASE postgres OWNER TO {schema_of(database)}")
        try:
            words = ["--yes", "--case", "c-1", "--journal", url]
            told = CliRunner().invoke(journal, ["erase", *words])
        finally:
            ask(database, "ALTER DATABASE postgres OWNER TO router")
    assert told.output == "1 record erased; the chain keeps the digests\n"


def test_who_may_only_read_restores_nothing_and_is_told_so(
    database: str, store: JournalStore, tmp_path: Path
) -> None:
    store.write_batch([a_recorded_recommendation(a_reading(), "c-1", at=1)])
    kept = ["--from", str(tmp_path / "kept.db")]
    CliRunner().invoke(journal, ["backup", "--journal", database, "--to", kept[1]])
    ask(database, "TRUNCATE record, context")
    with a_role(database, "SELECT ON record, context, state, migration") as url:
        told = CliRunner().invoke(journal, ["restore", "--journal", url, *kept])
    assert "permission denied for table context" in str(told.exception)
    assert str(told.exception).endswith("; nothing was restored")
    assert ids(store) == []


def test_a_server_needs_no_right_to_change_or_remove_a_record(
    database: str, store: JournalStore
) -> None:
    schema = database.rpartition("%3D")[2]
    ask(database, f"CREATE ROLE {schema} LOGIN; GRANT USAGE ON SCHEMA {schema} TO {schema}")
    ask(database, f"GRANT SELECT, INSERT ON record, context TO {schema}")
    ask(database, f"GRANT SELECT ON migration TO {schema}")
    ask(database, f"GRANT SELECT, UPDATE ON state TO {schema}")
    appending = open_journal(database.replace("router@", f"{schema}@"))
    try:
        records = some_records(3)
        appending.write_batch(records[:2])
        appending.write_batch(records)
        appending.probe()
        assert ids(appending) == [record.id for record in records]
    finally:
        appending.close()
        ask(database, f"DROP OWNED BY {schema}; DROP ROLE {schema}")


def test_text_of_every_alphabet_is_kept(store: JournalStore) -> None:
    (record,) = some_records(1)
    context = Context(document='{"navn":"blåbær, čáhci, 水, 🌊"}')
    store.write_batch([record._replace(context=context, caller="æøå 水")])
    (stored,) = store.read()
    assert (stored.context, stored.caller) == (context, "æøå 水")
    assert verify(store).intact


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://u:se/cret@127.0.0.1/db",
        "postgresql://u:cret@cret@127.0.0.1/db",
        "postgresql://u:cret%zz@127.0.0.1/db",
        "postgresql://u:cr?cret@127.0.0.1/db",
        "postgresql://u:cret cret@127.0.0.1/db",
        "postgresql://u:cret#@127.0.0.1/db",
        "postgresql://127.0.0.1/db?password=cret&nonsense=1",
        "postgresql://127.0.0.1/db?password=cret&port=x%cret",
    ],
)
def test_a_url_that_cannot_be_read_is_refused_without_repeating_its_password(url: str) -> None:
    with pytest.raises(ValueError, match="journal: the URL cannot be read") as refused:
        open_journal(url)
    assert "cret" not in str(refused.value)


@pytest.mark.parametrize(
    "url", ["postgresql://u:cret%40@127.0.0.1:1/db", "postgresql://127.0.0.1:1/db?password=cret"]
)
def test_a_database_that_cannot_be_reached_is_named_without_its_password(url: str) -> None:
    with pytest.raises(
        JournalUnavailable, match=r"journal postgresql://127\.0\.0\.1:1/db: .*refused"
    ) as refused:
        open_journal(url)
    assert "cret" not in str(refused.value)


def test_a_missing_driver_is_named_with_the_extra_that_brings_it() -> None:
    program = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from router.journal.opening import open_journal\n"
        "open_journal('postgresql://h/d')"
    )
    ended = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert "PostgreSQL needs psycopg; install channel-router[postgres]" in ended.stderr
