"""Options that several commands of `python -m router` share."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from router.addresses import holds_secret, is_address, scheme_of
from router.files.plain_files import ODD, is_odd, plain_bytes
from router.journal.record import JournalNotNamed
from router.planning.price_feedback import WEEKS


class Place(click.Path):
    """A file or folder of this machine.

    Not asked whether it exists: whoever reads it says what is missing, and in which words.
    """

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - click's
        """Makes it a path, and refuses an address: as a path it would be another place."""
        if isinstance(value, str) and is_address(value):
            self.fail(
                f"{scheme_of(value)} is an address; permitted is a path on this machine", param, ctx
            )
        place: Any = super().convert(value, param, ctx)
        # A pipe is waited for, and some devices never end: neither may hold up a start or a probe.
        if not self.dir_okay and is_odd(place):
            self.fail(f"{place} {ODD}; give the name of a file", param, ctx)
        return place


FOLDER = Place(path_type=Path, file_okay=False)


class Day(click.DateTime):
    """A day, YYYY-MM-DD, of a time of which there may be journals."""

    def __init__(self) -> None:
        """Reads no other form."""
        super().__init__(formats=["%Y-%m-%d"])

    def convert(
        self,
        value: Any,  # noqa: ANN401 - click's
        param: click.Parameter | None,
        ctx: click.Context | None,
    ) -> Any:  # noqa: ANN401 - click's
        """Makes it a date, and refuses what no journal is of: a year that was mistyped."""
        found: datetime = super().convert(value, param, ctx)
        # Far enough from the calendar's ends for any period beside it.
        if not FIRST_DAY <= found.date() <= LAST_DAY:
            self.fail(f"{found.date()} is outside {FIRST_DAY} to {LAST_DAY}", param, ctx)
        return found


FIRST_DAY, LAST_DAY = date(1970, 1, 1), date(2199, 12, 31)
DATE = Day()
AS_OF = click.option(
    "--as-of",
    type=DATE,
    help="As it stood at the end of that day (UTC), YYYY-MM-DD; now if not given.",
)
FILE = Place(path_type=Path, dir_okay=False)
MODELS = click.option(
    "--models",
    type=FOLDER,
    default="models",
    envvar="ROUTER_MODELS",
    show_default=True,
    help="Model versions.",
)
POLICIES = click.option(
    "--policies",
    type=FOLDER,
    default="policies",
    envvar="ROUTER_POLICIES",
    show_default=True,
    help="Policies.",
)
# A file, a folder of files, or a pattern.
CASES = Place(path_type=Path)
MAP = click.option(
    "--map",
    "map_file",
    type=FILE,
    help="What columns and codes are called in the files: a TOML file (docs/files.md).",
)
DRAW_KEY = click.option(
    "--draw-key",
    type=FILE,
    envvar="ROUTER_DRAW_KEY",
    help="File with the secret by which cases are drawn, if a policy explores or withholds.",
)
JOURNAL = click.option(
    "--journal",
    default="sqlite:///journal.db",
    envvar="ROUTER_JOURNAL",
    show_default=True,
    callback=lambda _, __, value: journal_url(value),
    help="Durable record: sqlite:///FILE, postgresql://..., or file:FILE that holds one of these.",
)
_URL_BYTES_AT_MOST = 4_096


def journal_url(told: str) -> str:
    """Gives the URL of a journal, which may stand in a file: it may hold a password there.

    Raises:
        JournalNotNamed: if the file cannot be read, or a password stands outside one.
    """
    if told.startswith("file:"):
        path = Path(told.removeprefix("file:"))
        try:
            return plain_bytes(path, _URL_BYTES_AT_MOST, links=True).decode().strip()
        except ValueError as problem:
            raise JournalNotNamed(f"journal: {path}: {problem}") from None
    # Everybody on the machine sees the words of a command, and many an environment is logged.
    if holds_secret(told):
        raise JournalNotNamed(
            "journal: holds a password, and secrets come from files alone: leave it out and let "
            "PGPASSFILE name a file, or put the whole URL into a file and give file:FILE"
        )
    return told


ALL = "ALL"


def _offices(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    for office in given:
        if office != ALL and office.upper() == ALL:
            raise click.BadParameter(f"{office!r}: for all offices, write {ALL}")
    return given


OFFICES = click.option(
    "--office",
    "offices",
    multiple=True,
    required=True,
    callback=_offices,
    help=f"Reference; may be given again; {ALL} for all, read in one pass.",
)
AUDIT_LOG = click.option(
    "--audit-log",
    type=FILE,
    envvar="ROUTER_AUDIT_LOG",
    help="Keep administrative acts in this file, a JSON object a line.",
)


def end_of(day: datetime) -> int:
    """Gives the moment at which a day ends, microseconds since 1970, UTC."""
    midnight = day.replace(hour=0, minute=0, second=0, microsecond=0, tzinfo=UTC)
    return round((midnight + timedelta(days=1)).timestamp()) * 1_000_000


WEEKS_LOOKED_AT = click.option(
    "--weeks",
    type=click.IntRange(1, 26),
    default=WEEKS,
    show_default=True,
    help="Whose arrivals are looked at.",
)
MODEL = click.option(
    "--model", type=FOLDER, help="Model version's folder; the promoted one if not given."
)


def _address_if_given(_: click.Context, _option: click.Parameter, value: str | None) -> str:
    # As of a shell's variable that is not set: a cluster of its own is not what was meant.
    if value is not None and not value.strip():
        raise click.BadParameter("is empty; leave it out for a cluster on this machine")
    return value or ""


def engine_options(what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds `--engine` and `--scheduler` to a command.

    Args:
        what: an engine does, for the help.
    """
    engine = click.option(
        "--engine",
        type=click.Choice(["local", "dask"]),
        default="local",
        show_default=True,
        help=f"What {what}: this process, or workers of Dask (docs/bulk.md).",
    )
    scheduler = click.option(
        "--scheduler",
        callback=_address_if_given,
        metavar="ADDRESS",
        help="Of Dask, such as tcp://host:8786; a cluster on this machine if not given.",
    )
    return lambda command: engine(scheduler(command))


def check_scheduler(engine: str, scheduler: str) -> None:
    """Checks that an address is that of an engine.

    Raises:
        click.UsageError: if it is not.
    """
    if scheduler and engine == "local":
        raise click.UsageError("--scheduler: is of an engine; give --engine dask as well")
    if "@" in scheduler or holds_secret(scheduler):
        # Not repeated: what stands before it may be a password.
        raise click.UsageError(
            "--scheduler: an address has no user and password, and no token; certificates are of "
            "Dask's settings"
        )
