"""A head that is kept outside: what it refuses, and how it is written."""

import os
import sqlite3
import stat
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from router.commands.serve import serve
from router.journal.head_file import HeadFile, JournalLost
from router.journal.opening import open_journal
from router.journal.record import Head, JournalNotNamed
from router.journal.stores.sqlite import SqliteJournal
from tests.contract.journals import some_records


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Gives a journal of three records, whose head is noted in the file `head`."""
    path = tmp_path / "journal.db"
    with closing(SqliteJournal(path)) as store:
        store.write_batch(some_records(3))
        HeadFile(tmp_path / "head").note(*store.heads())
    return path


def started(path: Path) -> Result:
    """Starts a server on the journal: it ends before it serves."""
    words = ["--journal", f"sqlite:///{path}", "--head-file", str(path.with_name("head"))]
    return CliRunner().invoke(serve, words)


def test_a_head_is_noted_for_its_owner_and_holds_as_the_journal_goes_on(path: Path) -> None:
    noted = path.with_name("head")
    assert stat.S_IMODE(noted.stat().st_mode) == 0o600
    with closing(SqliteJournal(path)) as store:
        assert noted.read_text() == f"{store.heads()[0]}\n"
        store.write_batch(some_records(2))
        HeadFile(noted).check(store)


def test_a_server_does_not_start_on_a_journal_that_lost_its_end(path: Path) -> None:
    with closing(sqlite3.connect(path)) as file, file:
        file.execute("DELETE FROM record WHERE seq = 3")
    told = str(started(path).exception)
    assert "record 3 was written, but the journal ends at record 2" in told
    assert "move the head file away first" in told


def test_a_server_does_not_start_on_a_journal_that_was_replaced(path: Path) -> None:
    path.unlink()
    with closing(SqliteJournal(path)) as store:
        store.write_batch(some_records(5))
    assert "record 3 is another one than was written" in str(started(path).exception)


def test_a_server_makes_no_new_journal_while_a_head_of_a_lost_one_is_there(path: Path) -> None:
    path.unlink()
    told = str(started(path).exception)
    assert "there is no such file, but one was written to" in told
    assert "`journal restore`" in told
    assert not path.exists()


def test_a_head_that_cannot_be_read_is_no_head(path: Path) -> None:
    path.with_name("head").write_text("3:zz\n")
    assert isinstance(started(path).exception, JournalLost)


def test_a_head_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    with pytest.raises(JournalNotNamed, match="nowhere/head: cannot be written: No such file"):
        HeadFile(tmp_path / "nowhere" / "head").note(Head(1, bytes(32)))
    with closing(open_journal(f"sqlite:///{tmp_path}/new.db")):
        assert not (tmp_path / "nowhere").exists()


@pytest.mark.parametrize("make", [os.mkfifo, lambda path: path.symlink_to("/dev/zero")])
def test_a_head_file_that_is_none_is_not_waited_for(
    path: Path, make: Callable[[Path], None]
) -> None:
    noted = path.with_name("head")
    noted.unlink()
    make(noted)
    with closing(SqliteJournal(path)) as store, pytest.raises(JournalLost, match="not a plain"):
        HeadFile(noted).check(store)
    assert "is no regular file" in started(path).output
