"""Settings that would let somebody call unseen are refused, with the way out."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.commands.serve import serve
from router.serving.settings import (
    Address,
    Settings,
    SettingsError,
    TlsFiles,
    TokenIssuer,
    tls_files,
    token_source,
)

TLS = TlsFiles(certificate=Path("c.pem"), key=Path("k.pem"))
MUTUAL = TlsFiles(certificate=Path("c.pem"), key=Path("k.pem"), client_ca=Path("ca.pem"))
ISSUER = TokenIssuer(issuer="i", audience="a", jwks="keys.json")


def settings(folder: Path, listen: str, **more: Any) -> Settings:
    usual: dict[str, Any] = {
        "listen": Address.parse("listen", listen, unix=True),
        "metrics": Address.parse("metrics", "127.0.0.1:0"),
        "models": folder,
        "policies": folder,
        "journal": "",
        "reflection": False,
        "max_in_flight": 1,
        "grace_seconds": 1.0,
    }
    return Settings(**usual | more)


@pytest.mark.parametrize(
    "listen", ["127.0.0.1:1", "127.9.9.9:1", "[::1]:1", "localhost:1", "unix:/run/router.sock"]
)
def test_this_machine_may_call_in_plain_text(tmp_path: Path, listen: str) -> None:
    assert settings(tmp_path, listen).listen.is_near


@pytest.mark.parametrize(
    "listen", ["0.0.0.0:1", "[::]:1", "10.0.0.1:1", "[::ffff:10.0.0.1]:1", "router.example.org:1"]
)
def test_other_machines_may_not(tmp_path: Path, listen: str) -> None:
    with pytest.raises(SettingsError, match=r"^--listen: .* other machines.*--insecure-listen"):
        settings(tmp_path, listen)
    assert settings(tmp_path, listen, insecure_listen=True)


def test_nor_over_http(tmp_path: Path) -> None:
    far = Address.parse("http", "0.0.0.0:1")
    with pytest.raises(SettingsError, match=r"^--http: 0\.0\.0\.0:1 can be reached"):
        settings(tmp_path, "127.0.0.1:1", http=far)


def test_tls_alone_lets_nobody_call_from_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"callers\.toml everybody there may call everything"):
        settings(tmp_path, "0.0.0.0:1", tls=TLS)
    (tmp_path / "callers.toml").touch()
    assert settings(tmp_path, "0.0.0.0:1", tls=TLS)


@pytest.mark.parametrize(
    ("what", "named"),
    [({"tokens": ISSUER}, "--token-issuer"), ({"tls": MUTUAL}, "--tls-client-ca")],
)
def test_callers_are_not_told_apart_without_a_file_of_them(
    tmp_path: Path, what: dict[str, Any], named: str
) -> None:
    with pytest.raises(SettingsError, match=f"^{named}: is given without .*callers.toml"):
        settings(tmp_path, "127.0.0.1:1", insecure_listen=True, **what)


def test_a_file_of_callers_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"^--callers: .*gone\.toml' is not a file"):
        settings(tmp_path, "127.0.0.1:1", callers=tmp_path / "gone.toml")


@pytest.mark.parametrize("text", ["unix:", "unix:" + "x" * 108, "unix:a\0b"])
def test_a_socket_needs_a_path_that_the_system_takes(text: str) -> None:
    with pytest.raises(SettingsError, match="1 to 107 bytes"):
        Address.parse("listen", text, unix=True)


def test_a_socket_is_for_calls_alone() -> None:
    with pytest.raises(SettingsError, match="is not HOST:PORT"):
        Address.parse("metrics", "unix:/run/x.sock")
    assert str(Address.parse("listen", "unix:///run/x.sock", unix=True)) == "unix:/run/x.sock"


def test_half_of_what_belongs_together_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^--tls-key: is missing"):
        tls_files(Path("c.pem"), None, None)
    with pytest.raises(SettingsError, match=r"^--tls-certificate: is missing"):
        tls_files(None, None, Path("ca.pem"))
    with pytest.raises(SettingsError, match=r"^--token-audience: is missing"):
        token_source("https://issuer", None, "keys.json")
    assert tls_files(None, None, None) is None
    assert token_source(None, "", None) is None


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--max-in-flight", "0"], "--max-in-flight: 0 is outside 1 to 100000: give one within"),
        (["--grace-seconds", "nan"], "--grace-seconds: nan is outside 0 to 9 seconds"),
        (["--max-pending", "20000"], "--max-pending: 20000 is over --max-pending-hard, 16384"),
        (["--metrics", "9464"], "--metrics: '9464' is not HOST:PORT with a port of 0 to 65535, as"),
        (["--models", "/absent"], "--models: '/absent' is not a folder: name the one that"),
        (["--http-origin", "https://a.example"], "--http-origin: is given without --http"),
    ],
)
def test_an_option_that_cannot_be_used_is_named_as_it_was_typed(
    words: list[str], told: str
) -> None:
    refused = CliRunner().invoke(serve, words)
    assert isinstance(refused.exception, SettingsError)
    assert str(refused.exception).startswith(told)


def test_a_variable_that_cannot_be_used_is_named_beside_its_option() -> None:
    refused = CliRunner().invoke(serve, env={"ROUTER_MAX_IN_FLIGHT": "0"})
    assert str(refused.exception).startswith("--max-in-flight (ROUTER_MAX_IN_FLIGHT): 0 is outside")
    typed = CliRunner().invoke(serve, ["--queue-seconds", "31"], env={"ROUTER_QUEUE_SECONDS": "2"})
    assert str(typed.exception).startswith("--queue-seconds: 31 is outside 1 to 30 seconds")
