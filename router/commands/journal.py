"""`journal`: verifies and exports the record of advice, and erases what it may no longer hold."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Event

import click

from router.commands.options import AUDIT_LOG, FILE, JOURNAL
from router.files.acts import Acts
from router.files.formats import check_place, check_writable
from router.journal.backup import backup as write_backup
from router.journal.backup import restore as restore_backup
from router.journal.opening import file_of, open_journal, open_to_read
from router.journal.outlet.shipping import PositionFile
from router.journal.outlet.shipping import ship as ship_records
from router.journal.record import Head, JournalBroken, JournalUnavailable
from router.journal.retention import erase as erase_records
from router.journal.retention import erase_case, of_case
from router.journal.shadow import compared
from router.journal.store import JournalReader, JournalStore
from router.journal.verification import Verification
from router.journal.verification import verify as walk

_MOST_DAYS = 36_500
_YES = click.option("--yes", is_flag=True, help="Do not ask.")


def _days(_: click.Context, __: click.Parameter, value: str) -> timedelta:
    days = int(value[:-1]) if re.fullmatch(r"[0-9]{1,6}d", value) else 0
    if not 1 <= days <= _MOST_DAYS:
        raise click.BadParameter(f"{value!r} is not a number of days from 1d to {_MOST_DAYS}d")
    return timedelta(days=days)


@click.group()
def journal() -> None:
    """Verify or export the journal; erase what it may no longer hold."""


@journal.command()
@JOURNAL
@click.option("--head", help="A head noted earlier, SEQ:HEX; detects records cut off since.")
def verify(journal: str, head: str | None) -> None:
    """Verify the hash chain; exit 1 if it is broken."""
    expected = Head.parse(head) if head else None
    with _read(journal) as store:
        verdict = walk(store, expected)
    click.echo(f"{verdict.records} records, {verdict.erased} erased, head {verdict.head}")
    for line in (*verdict.notes, *verdict.problems):
        click.echo(line)
    if verdict.broken_seq is not None:
        raise click.ClickException(
            f"the chain is broken at record {verdict.broken_seq}: {verdict.reason}"
        )
    if verdict.problems:
        raise click.ClickException(
            "every record holds its place, but the journal is not as it was written: see above"
        )
    click.echo("the chain is intact")


@journal.command()
@JOURNAL
@click.option("--to", type=FILE, required=True, help="A new file.")
def backup(journal: str, to: Path) -> None:
    """Copy the journal, while it is served, into a file that holds one moment of it."""
    check_writable(to, "to")
    _tell_copied(write_backup(journal, to), f"in {to}")


@journal.command()
@JOURNAL
@click.option("--from", "kept", type=FILE, required=True, help="A backup.")
@click.option("--head", help="A head noted earlier, SEQ:HEX, which the backup must hold.")
def restore(journal: str, kept: Path, head: str | None) -> None:
    """Put a backup in the place of a journal that is lost; the server must be stopped."""
    expected = Head.parse(head) if head else None
    _tell_copied(restore_backup(kept, journal, expected), "in the journal")


def _tell_copied(verdict: Verification, where: str) -> None:
    click.echo(f"{verdict.records} records {where}, {verdict.erased} erased, head {verdict.head}")
    for line in (*verdict.notes, *verdict.problems):
        click.echo(line)
    if not verdict.intact:
        raise click.ClickException(
            f"what was copied does not verify: {verdict.reason or 'see above'}"
        )


@journal.command()
@JOURNAL
@click.option("--to", type=FILE, required=True, help="Parquet or CSV.")
def export(journal: str, to: Path) -> None:
    """Export recommendations to a file."""
    from router.journal.export import export as write  # imports PyArrow

    kept = file_of(journal)
    check_place(to, (), [kept] if kept else [], "to")
    with _read(journal) as store:
        click.echo(f"{write(store, to)} records exported to {to}")


@journal.command()
@JOURNAL
@click.option("--to", required=True, help="kafka://BROKER[,BROKER...]/TOPIC.")
@click.option("--position", type=FILE, help="How far it came: kept there, and gone on from there.")
@click.option(
    "--from",
    "first",
    type=click.IntRange(min=1),
    help="Number of the first record, where no position is noted; 1 if not given.",
)
@click.option("--config", type=FILE, help="Properties of librdkafka, key=value: credentials, TLS.")
@click.option("--follow", is_flag=True, help="Go on as records come, until SIGTERM.")
def ship(
    journal: str,
    to: str,
    position: Path | None,
    first: int | None,
    config: Path | None,
    follow: bool,
) -> None:
    """Send recommendations and feedback to Kafka as CloudEvents, in order, at least once."""
    from router.journal.outlet.kafka import KafkaOutlet, Properties, Target

    target = Target.parse(to)
    properties = Properties.read(config) if config else Properties()
    noted = None
    if position is not None:
        check_writable(position, "position")
        noted = PositionFile(position)
        if first is not None and noted.exists():
            raise click.UsageError(
                f"--from {first}: {position} notes how far was shipped; leave out --from, or move "
                "that file away"
            )
    with (
        _until_told_to_stop() as stopping,
        _read(journal) as store,
        closing(KafkaOutlet(target, properties, stopping)) as outlet,
    ):
        done = ship_records(store, outlet, noted, stopping, first=first or 1, follow=follow)
    click.echo(f"{done.events} events shipped to {target.topic}, up to record {done.head.seq}")


@contextmanager
def _until_told_to_stop() -> Iterator[Event]:
    """Gives what SIGTERM and SIGINT set instead of ending the process in the middle."""
    stopping = Event()
    before = {
        number: signal.signal(number, lambda *_: stopping.set())
        for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        yield stopping
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@journal.command()
@JOURNAL
@click.option("--older-than", callback=_days, required=True, help="For example 730d.")
@_YES
@AUDIT_LOG
def expire(journal: str, older_than: timedelta, yes: bool, audit_log: Path | None) -> None:
    """Erase the content of every record that is older.

    Whatever its kind: feedback goes by its own age, not with the recommendation it is about.
    Digests stay, and the chain still verifies.
    """
    now = datetime.now(UTC)
    moment = _microseconds(now - older_than)
    day = f"{now - older_than:%Y-%m-%d}"
    with _opened_to_erase(journal) as store:
        # Counted before it is erased: the number is asked about, and goes on record first.
        count = sum(1 for _ in store.held_before(moment))
        if not count:
            # An erasure that was interrupted may have left
            # copies, though nothing holds content any more.
            _finish(store)
            click.echo(f"no record written before {day} holds content")
            return
        _confirm(count, f"written before {day}", yes=yes)
        Acts(audit_log).keep("expire", count, 0, what="records written before", day=day)
        erased = erase_records(
            store,
            lambda: store.held_before(moment),
            now=_microseconds(now),
            why="age",
            before=day,
        )
    _tell_erased(erased)


@journal.command()
@JOURNAL
@click.option("--case", "case_ref", required=True, help="Reference of the case, as it was sent.")
@_YES
@AUDIT_LOG
def erase(journal: str, case_ref: str, yes: bool, audit_log: Path | None) -> None:
    """Erase the content of one case: its recommendations and every record about them."""
    with _opened_to_erase(journal) as store:
        # Any text is looked for, also one that would be refused
        # today: an older journal may hold it, and must let go of it.
        held = of_case(store, case_ref)
        if not held:
            _finish(store)
            raise click.ClickException("no recommendation of this case holds content")
        _confirm(len(held), "of this case", yes=yes)
        # Never whose: the log outlives what is erased.
        Acts(audit_log).keep("erase", len(held), 0, what="records of one case")
        erased = erase_case(store, held, now=time.time_ns() // 1000)
    _tell_erased(erased)


@journal.command()
@JOURNAL
@click.option("--newer-than", callback=_days, default=f"{_MOST_DAYS}d", help="For example 28d.")
def shadow(journal: str, newer_than: timedelta) -> None:
    """Sum up what shadows would have advised, by shadow and by the mix that was advised."""
    since = _microseconds(datetime.now(UTC) - newer_than)
    with _read(journal) as reader:
        found = compared(reader, since)
    if not found:
        raise click.ClickException("no shadow was asked; serve --shadow VERSION, or rule")
    click.echo("shadow,mix,cases,agreed,minutes_more")
    for one in found:
        click.echo(f"{one.shadow},{one.mix},{one.cases},{one.agreed},{one.minutes}")


def _tell_erased(count: int) -> None:
    records = "1 record" if count == 1 else f"{count} records"
    click.echo(f"{records} erased; the chain keeps the digests")


def _read(url: str) -> closing[JournalReader]:
    return closing(open_to_read(url))


def _opened_to_erase(url: str) -> closing[JournalStore]:
    """Opens a journal to erase in it.

    Raises:
        JournalBroken: if it cannot be opened, or rights to erase are lacking.
        JournalUnavailable: if it cannot be written.
    """
    # Before anything is counted, asked or put on record: a record of an erasure that is not done
    # would stay.
    try:
        store = open_journal(url, create=False)
        try:
            store.check_erasing()
        except BaseException:
            store.close()
            raise
    except JournalBroken as problem:
        raise JournalBroken(f"{problem}; nothing was erased") from problem
    except JournalUnavailable as problem:
        raise JournalUnavailable(f"{problem}; nothing was erased", problem.code) from problem
    return closing(store)


def _finish(store: JournalStore) -> None:
    """Removes copies that an erasure left behind when it was interrupted."""
    store.erase(())


def _confirm(count: int, which: str, *, yes: bool) -> None:
    if not yes:
        click.confirm(f"Erase the content of {count} records {which} for good?", abort=True)


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
