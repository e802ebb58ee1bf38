"""What is erased is on record outside the journal too, and nothing of the case is."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner

from router.commands.journal import erase, expire, shadow, verify
from router.journal.opening import open_journal
from router.journal.record import JournalNotNamed
from tests.builders import ROOT, a_reading, a_recorded_recommendation


def a_journal(folder: Path, case_ref: str) -> str:
    url = f"sqlite:///{folder / 'journal.db'}"
    with closing(open_journal(url)) as store:
        store.write_batch([a_recorded_recommendation(a_reading(), case_ref, at=1)])
    return url


def test_erasing_is_on_record_and_says_nothing_of_the_case(tmp_path: Path) -> None:
    url, acts = a_journal(tmp_path, "secret-case"), tmp_path / "acts.jsonl"
    words = ["--journal", url, "--yes", "--case", "secret-case"]
    done = CliRunner().invoke(erase, [*words, "--audit-log", str(acts)])
    assert done.exit_code == 0
    (line,) = map(json.loads, acts.read_text().splitlines())
    assert (line["act"], line["before"], line["after"]) == ("erase", 1, 0)
    assert {"time", "by"} < line.keys()
    assert "secret-case" not in acts.read_text()


def test_what_cannot_be_written_down_is_not_done(tmp_path: Path) -> None:
    url, nowhere = a_journal(tmp_path, "c-1"), tmp_path / "gone" / "acts.jsonl"
    words = ["--journal", url, "--yes", "--older-than", "1d", "--audit-log", str(nowhere)]
    refused = CliRunner().invoke(expire, words)
    assert refused.exit_code != 0
    assert str(refused.exception) == f"audit log: {nowhere}: No such file or directory"
    with closing(open_journal(url)) as store:
        assert all(stored.payload is not None for stored in store.read())


@pytest.mark.parametrize("words", [["erase", "--case", "c-1"], ["expire", "--older-than", "1d"]])
@pytest.mark.parametrize(("unwritable", "named"), [("journal.db", "journal.db"), (".", "")])
def test_who_may_not_write_the_file_erases_nothing_and_leaves_nothing(
    tmp_path: Path, words: list[str], unwritable: str, named: str
) -> None:
    url = a_journal(tmp_path, "c-1")
    # A process of its own, whose user owns nothing here; it reads all that it needs before.
    script = (
        "import os, sys; from click.testing import CliRunner; "
        "from router.commands.journal import journal; "
        "CliRunner().invoke(journal, ['verify', *sys.argv[-2:]]); "
        "os.setuid(54321) if os.getuid() == 0 else None; "
        "print(CliRunner().invoke(journal, sys.argv[1:]).exception)"
    )
    for one in tmp_path.parents[:-2]:
        one.chmod(one.stat().st_mode | 0o011)
    for one in (tmp_path, tmp_path / "journal.db"):
        one.chmod(0o777)
    place = tmp_path / unwritable
    place.chmod(0o555)
    told = subprocess.run(
        [sys.executable, "-c", script, *words, "--yes", "--journal", url],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    place.chmod(0o755)
    assert told.stdout == (
        f"journal {tmp_path / 'journal.db'}: this user lacks the right to write "
        f"{tmp_path / named} (EACCES: Permission denied); nothing was erased\n"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]
    with closing(open_journal(url)) as store:
        assert all(stored.payload is not None for stored in store.read())


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://router:secret@db/router",
        "postgresql://router:se/cr@et@db/router",
        "postgres://router:@db/router",
        "postgresql://db/router?user=router&password=secret",
        "postgresql://db/router?PASSWORD=secret",
    ],
)
def test_a_password_outside_a_file_is_refused_and_not_repeated(url: str) -> None:
    for told in ({"args": ["--journal", url]}, {"args": [], "env": {"ROUTER_JOURNAL": url}}):
        refused = CliRunner().invoke(verify, **told)
        assert isinstance(refused.exception, JournalNotNamed)
        assert "secrets come from files alone" in str(refused.exception)
        assert "secret@" not in str(refused.exception) + refused.output


def test_a_journal_is_named_by_a_file_too(tmp_path: Path) -> None:
    secret = tmp_path / "url"
    secret.write_text(a_journal(tmp_path, "c-1") + "\n")
    done = CliRunner().invoke(verify, ["--journal", f"file:{secret}"])
    assert done.output.startswith("1 records")
    gone = CliRunner().invoke(verify, ["--journal", f"file:{tmp_path / 'gone'}"])
    assert isinstance(gone.exception, JournalNotNamed)


def test_what_shadows_would_have_advised_is_read_without_a_write(tmp_path: Path) -> None:
    url = a_journal(tmp_path, "c-1")
    file = tmp_path / "journal.db"
    # Who opens it to write changes this mode back.
    with sqlite3.connect(file) as connection:
        connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()
    before = file.read_bytes()
    CliRunner().invoke(shadow, ["--journal", url])
    assert file.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir()] == ["journal.db"]
