"""From the `journal` setting to an open journal, or to a refusal that says what is wrong."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from router.journal.opening import open_journal, open_to_read
from router.journal.record import JournalBroken, JournalNotNamed, JournalUnavailable


def test_an_absolute_url_opens_that_file_for_its_owner_alone(tmp_path: Path) -> None:
    open_journal(f"sqlite:///{tmp_path}/journal.db").close()
    assert stat.S_IMODE((tmp_path / "journal.db").stat().st_mode) == 0o600


def test_a_relative_url_opens_a_file_in_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    open_journal("sqlite:///journal.db").close()
    assert (tmp_path / "journal.db").exists()


@pytest.mark.parametrize(
    "url", ["mysql://u:secret@host/db", "journal.db", "sqlite:///", "sqlite:///dir/"]
)
def test_other_urls_are_refused_without_repeating_a_password(url: str) -> None:
    with pytest.raises(
        ValueError, match=r"journal: .*accepted.* sqlite:///relative\.db"
    ) as refused:
        open_journal(url)
    assert "secret" not in str(refused.value)


def test_a_missing_directory_is_named(tmp_path: Path) -> None:
    with pytest.raises(JournalUnavailable, match=r"nowhere/journal\.db: No such file or directory"):
        open_journal(f"sqlite:///{tmp_path}/nowhere/journal.db")


def test_a_reader_does_not_make_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(JournalBroken, match="no such file"):
        open_journal(f"sqlite:///{tmp_path}/journal.db", create=False)
    assert not (tmp_path / "journal.db").exists()


def test_a_file_of_another_kind_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("not a database " * 100)
    with pytest.raises(JournalBroken, match=r"notes\.txt"):
        open_journal(f"sqlite:///{tmp_path}/notes.txt")


def test_another_programs_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "other.db"
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE theirs (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(JournalBroken, match="another program"):
        open_journal(f"sqlite:///{path}")
    assert path.read_bytes() == before


def test_a_pipe_and_a_device_are_no_journal_and_are_not_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        for opened in (open_journal, open_to_read):
            with pytest.raises(JournalNotNamed, match=f"{name} is no regular file"):
                opened(f"sqlite:///{tmp_path}/{name}")


def test_a_slash_too_many_before_an_absolute_path_names_the_same_file(tmp_path: Path) -> None:
    url = f"sqlite:////{tmp_path}/journal.db"
    open_journal(url).close()
    with closing(open_to_read(url)) as journal:
        assert len(journal.heads()) == 1
    assert (tmp_path / "journal.db").exists()
