"""A journal is copied while it is written to, and restored in a file or a database."""

import os
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

from click.testing import CliRunner, Result

from router.commands.journal import journal
from router.journal.opening import open_journal, open_to_read
from router.journal.verification import verify
from tests.contract.journals import Kept, a_record_about, erase, ids, some_records


def run(*words: str) -> Result:
    return CliRunner().invoke(journal, words)


def test_a_backup_holds_what_was_written_and_verifies(kept: Kept, tmp_path: Path) -> None:
    store, records = kept.store(), some_records(2_500)
    store.write_batch(records)
    store.write_batch([a_record_about(records[0].id, claim="choice")])
    erase(store, records[3])
    (head,) = store.heads()
    out = tmp_path / "backup.db"
    ended = run("backup", "--journal", kept.url, "--to", str(out))
    assert (ended.exit_code, ended.output) == (
        0,
        f"2502 records in {out}, 1 erased, head {head}\n",
    )
    assert stat.S_IMODE(out.stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.glob("backup*")) == ["backup.db"]
    assert ids(open_to_read(f"sqlite:///{out}")) == ids(store)


def test_a_backup_is_restored_and_goes_on(kept: Kept, tmp_path: Path) -> None:
    store, out = kept.store(), tmp_path / "backup.db"
    store.write_batch(some_records(5))
    run("backup", "--journal", kept.url, "--to", str(out))
    again = run("backup", "--journal", kept.url, "--to", str(out))
    assert "is there already" in str(again.exception)
    refused = run("restore", "--journal", kept.url, "--from", str(out))
    assert refused.exit_code == 1
    kept.forget()
    ended = run("restore", "--journal", kept.url, "--from", str(out))
    assert (ended.exit_code, ended.output.split(",")[0]) == (0, "5 records in the journal")
    restored = kept.store()
    other = some_records(3)
    # As long as nothing was written, numbers of contexts go on too.
    other[1] = a_record_about(other[0].id)
    restored.write_batch(other)
    assert verify(restored, verify(restored).head).records == 8
    assert verify(restored).intact


def test_a_backup_that_lost_records_is_not_restored(tmp_path: Path) -> None:
    url, out = f"sqlite:///{tmp_path}/journal.db", tmp_path / "backup.db"
    with closing(open_journal(url)) as store:
        store.write_batch(some_records(5))
        (head,) = store.heads()
    run("backup", "--journal", url, "--to", str(out))
    with closing(sqlite3.connect(out)) as file, file:
        file.execute("DELETE FROM record WHERE seq = 5")
    to = f"sqlite:///{tmp_path}/new.db"
    ended = run("restore", "--journal", to, "--from", str(out), "--head", str(head))
    assert "its end was removed" in str(ended.exception)
    assert not (tmp_path / "new.db").exists()


def test_a_file_copied_under_traffic_without_its_log_is_told(tmp_path: Path) -> None:
    path, copy = tmp_path / "journal.db", tmp_path / "copy.db"
    with closing(open_journal(f"sqlite:///{path}")) as store:
        store.write_batch(some_records(5))
        copy.write_bytes(path.read_bytes())
        ended = run("verify", "--journal", f"sqlite:///{copy}")
        assert ended.exit_code == 1
        assert "its log copy.db-wal is missing" in ended.output
        # With its log beside it nothing is missing, and the copy is left as it was.
        copied = Path(f"{copy}-wal")
        copied.write_bytes(Path(f"{path}-wal").read_bytes())
        before = copied.read_bytes(), copy.read_bytes()
        ended = run("verify", "--journal", f"sqlite:///{copy}")
        assert (ended.exit_code, ended.output.split(",")[0]) == (0, "5 records")
        assert (copied.read_bytes(), copy.read_bytes()) == before
        assert not Path(f"{copy}-shm").exists()
    # Closed in order, the file needs no log.
    assert run("verify", "--journal", f"sqlite:///{path}").exit_code == 0


def test_reading_commands_leave_nothing_beside_the_file(tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    folder.mkdir()
    path = folder / "journal.db"
    with closing(open_journal(f"sqlite:///{path}")) as store:
        store.write_batch(some_records(5))
    folder.chmod(0o555)
    path.chmod(0o444)
    try:
        for words in (["verify"], ["export", "--to", str(tmp_path / "out.parquet")]):
            run(words[0], "--journal", f"sqlite:///{path}", *words[1:])
            assert os.listdir(folder) == ["journal.db"]
        assert run("verify", "--journal", f"sqlite:///{path}").exit_code == 0
    finally:
        folder.chmod(0o755)
