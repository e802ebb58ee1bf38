"""Options of an engine that cannot be meant: told before anything is read."""

import os
from datetime import datetime
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from router.commands.options import AS_OF, DATE, FILE, check_scheduler, end_of, engine_options


@click.command()
@AS_OF
@click.option("--to", "last", type=DATE)
def tell(as_of: datetime | None, last: datetime | None) -> None:
    for day in filter(None, (as_of, last)):
        click.echo(end_of(day))


@pytest.mark.parametrize("option", ["--as-of", "--to"])
@pytest.mark.parametrize("day", ["0001-01-01", "1969-12-31", "2200-01-01", "9999-12-31"])
def test_a_day_that_no_journal_is_of_is_refused_with_its_bounds(option: str, day: str) -> None:
    told = CliRunner().invoke(tell, [option, day])
    assert told.exit_code == 2
    assert f"'{option}': {day} is outside 1970-01-01 to 2199-12-31" in told.output


def test_the_first_and_the_last_day_are_days_as_others() -> None:
    told = CliRunner().invoke(tell, ["--as-of", "1970-01-01", "--to", "2199-12-31"])
    assert told.output.split() == ["86400000000", "7258118400000000"]


@click.command()
@engine_options("works")
def work(engine: str, scheduler: str) -> None:
    check_scheduler(engine, scheduler)
    click.echo(f"{engine} at {scheduler or 'a cluster of its own'}")


@pytest.mark.parametrize("address", ["", " "])
def test_an_empty_address_is_not_a_cluster_of_ones_own(address: str) -> None:
    told = CliRunner().invoke(work, ["--engine", "dask", "--scheduler", address])
    assert told.exit_code == 2
    assert "'--scheduler': is empty; leave it out for a cluster on this machine" in told.output


def test_an_address_needs_an_engine_and_an_engine_no_address() -> None:
    told = CliRunner().invoke(work, ["--scheduler", "tcp://host:8786"])
    assert (told.exit_code, "give --engine dask as well" in told.output) == (2, True)
    told = CliRunner().invoke(work, ["--engine", "dask"])
    assert (told.exit_code, told.output) == (0, "dask at a cluster of its own\n")


def test_an_address_with_a_password_is_refused_and_not_repeated() -> None:
    words = ["--engine", "dask", "--scheduler", "tcp://kari:s3cret@host:8786"]
    told = CliRunner().invoke(work, words)
    assert told.exit_code == 2
    assert "no user and password" in told.output
    assert "s3cret" not in told.output


@click.command()
@click.option("--tls-ca", type=FILE, required=True)
def trust(tls_ca: Path) -> None:
    click.echo(tls_ca.read_text())


def test_a_pipe_and_a_device_are_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "device").symlink_to("/dev/zero")
    for name in ("pipe", "device"):
        told = CliRunner().invoke(trust, ["--tls-ca", str(tmp_path / name)])
        assert told.exit_code == 2
        odd = f"'--tls-ca': {tmp_path / name} is no regular file (a pipe, a device or a socket)"
        assert odd in told.output


def test_a_link_to_a_file_is_that_file(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("of ours")
    (tmp_path / "link").symlink_to("ca.pem")
    told = CliRunner().invoke(trust, ["--tls-ca", str(tmp_path / "link")])
    assert (told.exit_code, told.output) == (0, "of ours\n")
