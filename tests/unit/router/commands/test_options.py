"""Options of an engine that cannot be meant: told before anything is read."""

import click
import pytest
from click.testing import CliRunner

from router.commands.options import check_scheduler, engine_options


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
