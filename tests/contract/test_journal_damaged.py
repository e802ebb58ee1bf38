"""Whoever reads an edited journal is told which record it is, and ends with no other error."""

import gzip
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from threading import Event as Flag

import pytest

from router.cases.features import FEATURES
from router.journal.export import export
from router.journal.opening import open_to_read
from router.journal.outlet.events import Event
from router.journal.outlet.shipping import ship
from router.journal.record import JournalBroken
from router.journal.shadow import compared
from router.journal.store import JournalReader
from router.ledger.by_case import read_by_case
from router.ledger.overrides import OwnViews
from router.ledger.reading import read_entries
from router.ledger.shown import Draws
from router.planning.recent_cases import read_arrivals
from tests.compatibility.kept import FOLDER

END = 1 << 62
KINDS = ("recommendation", "choice", "outcome")
COLUMNS = ("id", "kind", "context", "written_at", "payload", "salt", "commitment", "head", "about")
VALUES = ("'x'", "1.5", "CAST(X'FF' AS TEXT)", "zeroblob(3)", "NULL", str(END))


class Nowhere:
    """An outlet that lets everything go."""

    def send(self, event: Event) -> bool:
        return bool(event.headers)

    def settle(self) -> bool:
        return True


READERS: dict[str, Callable[[JournalReader, Path], object]] = {
    "export": lambda store, folder: export(store, folder / "export.csv"),
    "ledger": lambda store, _: read_entries(store),
    "shown": lambda store, _: read_by_case(store, Draws),
    "own views": lambda store, _: read_by_case(store, OwnViews),
    "price": lambda store, _: read_arrivals(store, FEATURES, ["office-02"], 0, END),
    "shadow": lambda store, _: compared(store),
    "ship": lambda store, _: ship(store, Nowhere(), None, Flag()),
}


@pytest.fixture(scope="module")
def journal(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a journal that 0.3.0 wrote, with records of all kinds."""
    path = tmp_path_factory.mktemp("damaged") / "journal.db"
    path.write_bytes(gzip.decompress((FOLDER / "journal.db.gz").read_bytes()))
    return path


@pytest.mark.parametrize("reader", READERS)
def test_it_is_read_as_it_was_written(journal: Path, tmp_path: Path, reader: str) -> None:
    READERS[reader](open_to_read(f"sqlite:///{journal}"), tmp_path)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("column", COLUMNS)
def test_a_value_that_was_altered_is_told_or_does_not_matter(
    journal: Path, tmp_path: Path, column: str, reader: str
) -> None:
    place = tmp_path / "journal.db"
    place.write_bytes(journal.read_bytes())
    told = 0
    for kind in KINDS:
        for value in VALUES:
            with closing(sqlite3.connect(place)) as connection:
                where = f"SELECT seq, {column} FROM record WHERE kind = ? AND payload IS NOT NULL"
                seq, before = connection.execute(f"{where} LIMIT 1", (kind,)).fetchone()
                update = f"UPDATE OR IGNORE record SET {column} = %s WHERE seq = {seq}"
                connection.execute(update % value)
                connection.commit()
                try:
                    READERS[reader](open_to_read(f"sqlite:///{place}"), tmp_path)
                except JournalBroken as problem:
                    # The store says so of text that is no UTF-8, before there is a record.
                    assert "record" in str(problem) or "no UTF-8" in str(problem)
                    told += 1
                connection.execute(update % "?", (before,))
                connection.commit()
    # Of another kind, or about another decision, it is not met; there are no shadows.
    assert told or column in {"kind", "about"} or reader == "shadow"
