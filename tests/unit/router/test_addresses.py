"""Secrets in addresses are told nowhere; what tells where a place is stays."""

import json
import logging
import sys

import pytest

from router.addresses import holds_secret, without_secrets
from router.cases.problems import CasesRefused
from router.serving.logs import JsonFormatter


@pytest.mark.parametrize(
    ("given", "told"),
    [
        ("https://kari:hunter2@host/x", "https://...@host/x"),
        ("https://kari:hunter2@host:5000/a@b: no", "https://...@b: no"),
        ("https://kari:hun@ter2/?#@host/x", "https://...@host/x"),
        ("tcp://kari:hunter2@host:8786", "tcp://...@host:8786"),
        # A token of the web stands where a name does.
        ("git+https://hunter2@host/x", "git+https://...@host/x"),
        # What a path makes of it.
        ("'/here/https:/kari:hunter2@host/x'", "'/here/https:/...@host/x'"),
        ("(https://host/x?sv=1&sig=hunter2%2F&se=2).", "(https://host/x?sv=1&sig=...&se=2)."),
        (
            "'https://host/x?X-Amz-Signature=hunter2', gone",
            "'https://host/x?X-Amz-Signature=...', gone",
        ),
        ("https://host/#access_token=hunter2", "https://host/#access_token=..."),
        ("amqp://host?a=1;Password=hunter2", "amqp://host?a=1;Password=..."),
        ("dbname=db password = 'hunter2 x' host=h", "dbname=db password=... host=h"),
        ("a https://k:hunter2@h and b://k:hunter2@h", "a https://...@h and b://...@h"),
    ],
)
def test_what_opens_an_address_is_left_out_wherever_it_is_told(given: str, told: str) -> None:
    assert without_secrets(given) == told
    assert holds_secret(given)


@pytest.mark.parametrize(
    "address",
    [
        "abfs://container@account.dfs.core.windows.net/cases",
        "s3://bucket/2026/load@7?region=eu-north-1&endpoint_override=http://127.0.0.1:9000",
        "postgresql://router@db/router?sslmode=verify-full&sslkey=/etc/router.key",
        "http://127.0.0.1:5000/models",
        "models/2026-12, written by kari@example.org: 3 a = 4",
    ],
)
def test_an_address_without_a_secret_stays_as_it_is(address: str) -> None:
    assert without_secrets(address) == address
    assert not holds_secret(address)


@pytest.mark.parametrize(
    "address", ["https://kari:hun ter2@host", 's3://k:h"2@b', "s3://b?k=1&sig=a b"]
)
def test_a_secret_with_blanks_and_quotes_is_one(address: str) -> None:
    assert holds_secret(address)


@pytest.mark.parametrize("part", ["a", "?", ":/", "sig", "&sig=", "'", '\\"', "password ", "@:/"])
def test_a_long_text_is_read_in_time(part: str) -> None:
    # A minute and more if it took the square of its length.
    assert without_secrets(f"x:/{part * 20_000}=").startswith("x:/")


def test_neither_an_error_nor_a_line_of_the_log_tells_one() -> None:
    address = 'https://kari:hun"ter2@host/x?sig=hunter3'
    try:
        raise CasesRefused(f"{address}: cannot be read")
    except CasesRefused as problem:
        told = str(problem)
        record = logging.LogRecord("a", 20, "", 1, "at %s", (address,), sys.exc_info())
    record.place = address
    line = JsonFormatter().format(record)
    assert json.loads(line)["place"] == "https://...@host/x?sig=..."
    assert json.loads(line)["message"] == "at https://...@host/x?sig=..."
    assert told == 'https://kari:hun"ter2@host/x?sig=...: cannot be read'
