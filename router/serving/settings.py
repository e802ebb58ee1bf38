"""The server's settings, from flags and environment, checked at start."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from router.loopback import is_loopback
from router.mendable import Mendable
from router.policies.callers import CALLERS
from router.versions.registry import is_name

_PORT_AT_MOST = 65535
# Of a socket's name, with its end: what the system takes.
_PATH_BYTES_AT_MOST = 107
_UNIX = "unix:"
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")

_COLLECTOR = re.compile(r"https?://[^\s/@]+/\S+")


def option_of(setting: str) -> str:
    """Gives the option that gives a setting: `max_in_flight` is given by `--max-in-flight`."""
    return f"--{setting.replace('_', '-')}"


class SettingsError(Mendable, ValueError):
    """A setting cannot be used; the message names its option, the problem, bound and way out.

    Attributes:
        setting: its name, as `Settings` has it.
        problem: the rest of the message.
    """

    def __init__(self, setting: str, problem: str, *, variable: str = "") -> None:
        """Makes the message.

        Args:
            setting: as above.
            problem: as above.
            variable: of the environment, if the value came from there.
        """
        super().__init__(f"{option_of(setting)}{f' ({variable})' if variable else ''}: {problem}")
        self.setting = setting
        self.problem = problem


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where to listen: a host and port, or the path of a Unix socket."""

    host: str = ""
    port: int = 0
    path: str = ""

    @classmethod
    def parse(cls, setting: str, text: str, *, unix: bool = False) -> Address:
        """Reads HOST:PORT, where port 0 means any free one, or unix:PATH.

        Args:
            setting: its name.
            text: as given.
            unix: whether it may be a Unix socket.

        Raises:
            SettingsError: if it is not of that form.
        """
        if unix and text.startswith(_UNIX):
            path = text.removeprefix(_UNIX)
            # Two slashes are how URLs write the same.
            path = path.removeprefix("//") if path.startswith("///") else path
            if not path or len(path.encode()) > _PATH_BYTES_AT_MOST or "\0" in path:
                raise SettingsError(
                    setting,
                    f"{text!r} is not unix:PATH with a path of 1 to {_PATH_BYTES_AT_MOST} bytes, "
                    "as unix:/run/router.sock",
                )
            return cls(path=path)
        # From the right: an IPv6 address holds colons itself.
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > _PORT_AT_MOST:
            forms = "HOST:PORT or unix:PATH" if unix else "HOST:PORT"
            raise SettingsError(
                setting,
                f"{text!r} is not {forms} with a port of 0 to {_PORT_AT_MOST}, as 127.0.0.1:50051",
            )
        return cls(host=host.strip("[]"), port=int(port))

    @property
    def is_near(self) -> bool:
        """Whether this machine alone can reach it."""
        return bool(self.path) or is_loopback(self.host)

    def __str__(self) -> str:
        if self.path:
            return f"{_UNIX}{self.path}"
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def cannot_listen(address: Address, why: object) -> str:
    """Says that an address cannot be listened on, and what to do about it."""
    return (
        f"cannot listen on {address}: {why}; end what listens there, or give another address "
        "(port 0 is any that is free)"
    )


_BOUNDS: dict[str, tuple[float, float, str]] = {
    "max_in_flight": (1, 100_000, ""),
    "max_connections": (1, 100_000, ""),
    "max_pending": (1, 100_000, ""),
    "max_pending_hard": (1, 100_000, ""),
    # gRPC's core takes whole seconds, and waits for 30 by default.
    "queue_seconds": (1, 30, " seconds"),
    # Docker waits ten seconds by default, then it kills.
    "grace_seconds": (0, 9, " seconds"),
    "lame_duck_seconds": (0, 60, " seconds"),
    "reload_seconds": (0.05, 3600, " seconds"),
    "model_expires_days": (1, 36_500, " days"),
}
"""Least and most of each number, and what it counts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TlsFiles:
    """The files of TLS, in PEM.

    Attributes:
        certificate: the server's, and those between it and its authority.
        key: its private key, without a password.
        client_ca: authorities of client certificates; with it, every connection needs one.
    """

    certificate: Path
    key: Path
    client_ca: Path | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenIssuer:
    """Whose bearer tokens are taken.

    Attributes:
        issuer: what `iss` must be.
        audience: what `aud` must be, or hold.
        jwks: of the issuer's public keys: an address, or a file.
    """

    issuer: str
    audience: str
    jwks: str


def tls_files(
    certificate: Path | None, key: Path | None, client_ca: Path | None
) -> TlsFiles | None:
    """Puts the settings of TLS together; None if none is given.

    Raises:
        SettingsError: if one is missing.
    """
    given = {"tls_certificate": certificate, "tls_key": key}
    if not (certificate or key or client_ca):
        return None
    if certificate is None or key is None:
        missing = next(name for name, path in given.items() if path is None)
        raise SettingsError(missing, "is missing; TLS needs a certificate and its key: give both")
    return TlsFiles(certificate=certificate, key=key, client_ca=client_ca)


def token_source(issuer: str | None, audience: str | None, jwks: str | None) -> TokenIssuer | None:
    """Puts the settings of tokens together; None if none is given.

    Raises:
        SettingsError: if one is missing.
    """
    given = {"token_issuer": issuer, "token_audience": audience, "token_jwks": jwks}
    if not any(given.values()):
        return None
    if not (issuer and audience and jwks):
        missing = next(name for name, value in given.items() if not value)
        raise SettingsError(
            missing,
            "is missing; tokens need an issuer, an audience and the issuer's keys: give "
            "--token-issuer, --token-audience and --token-jwks, or none of them",
        )
    return TokenIssuer(issuer=issuer, audience=audience, jwks=jwks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What the server is told.

    Raises:
        SettingsError: naming the first setting that cannot be used.
    """

    listen: Address
    metrics: Address
    models: Path
    policies: Path
    journal: str
    reflection: bool
    max_in_flight: int
    grace_seconds: float
    max_connections: int = 16_384
    max_pending: int = 16_384
    max_pending_hard: int = 16_384
    queue_seconds: int = 4
    lame_duck_seconds: float = 0.0
    reload_seconds: float = 2.0
    trust: tuple[Path, ...] = ()
    access_log: Literal["off", "errors", "all"] = "errors"
    traces: str = ""
    http: Address | None = None
    http_origins: tuple[str, ...] = ()
    shadow: str | None = None
    model_expires_days: int | None = None
    insecure_listen: bool = False
    tls: TlsFiles | None = None
    callers: Path | None = None
    tokens: TokenIssuer | None = None
    audit_log: Path | None = None

    @property
    def callers_file(self) -> Path:
        """The callers' file: the one that is named, else the one beside the policies."""
        return self.callers or self.policies / CALLERS

    def __post_init__(self) -> None:
        for setting, folder, held in (
            ("models", self.models, "versions of the model"),
            ("policies", self.policies, "mixes.toml and national.toml"),
        ):
            if not folder.is_dir():
                problem = f"{str(folder)!r} is not a folder: name the one that holds {held}"
                raise SettingsError(setting, problem)
        for key in self.trust:
            if not key.is_file():
                raise SettingsError(
                    "trust", f"{str(key)!r} is not a file: name one with a public key, PEM"
                )
        for origin in self.http_origins:
            # Not "*": any page that an adviser has open could call then.
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(
                    "http_origin",
                    f"{origin!r} is not SCHEME://HOST or SCHEME://HOST:PORT, as "
                    "https://cases.example.org",
                )
        if self.http_origins and self.http is None:
            raise SettingsError(
                "http_origin", "is given without --http, the address to serve on: give that too"
            )
        self._check_callers()
        if self.traces and not _COLLECTOR.fullmatch(self.traces):
            # Not repeated: it may hold a password.
            raise SettingsError(
                "traces",
                "is not http://HOST:PORT/PATH or https://HOST:PORT/PATH of a collector, as "
                "http://127.0.0.1:4318/v1/traces",
            )
        if self.shadow is not None and not is_name(self.shadow):
            raise SettingsError(
                "shadow",
                f'{self.shadow[:64]!r} is neither a version\'s name nor "rule": name a folder '
                "of --models",
            )
        for setting, (least, most, unit) in _BOUNDS.items():
            value = getattr(self, setting)
            if value is not None and not least <= value <= most:
                raise SettingsError(
                    setting,
                    f"{value} is outside {least} to {most}{unit}: give one within, or leave the "
                    "option out",
                )
        if self.max_pending > self.max_pending_hard:
            raise SettingsError(
                "max_pending",
                f"{self.max_pending} is over --max-pending-hard, {self.max_pending_hard}: lower "
                "this or raise that",
            )

    def _check_callers(self) -> None:
        """Checks that nobody calls from elsewhere unseen, unless that is asked for.

        Raises:
            SettingsError: if somebody could.
        """
        if self.callers is not None and not self.callers.is_file():
            raise SettingsError(
                "callers",
                f"{str(self.callers)!r} is not a file: write it (docs/security.md), or leave the "
                "option out",
            )
        for setting, address in (("listen", self.listen), ("http", self.http)):
            if address is None or address.is_near or self.insecure_listen:
                continue
            if self.tls is None:
                raise SettingsError(
                    setting,
                    f"{address} can be reached from other machines, and without TLS anybody on the "
                    "way reads along: give --tls-certificate and --tls-key, listen on 127.0.0.1 or "
                    "unix:PATH, or give --insecure-listen behind a mesh that encrypts",
                )
            if not os.path.lexists(self.callers_file):
                raise SettingsError(
                    setting,
                    f"{address} can be reached from other machines, and without "
                    f"{self.callers_file} everybody there may call everything: write it "
                    "(docs/security.md), or give --insecure-listen behind a mesh that knows "
                    "callers",
                )
        # Who sets either wants callers told apart; without the file nobody would be.
        told_apart = self.tokens or (self.tls and self.tls.client_ca)
        if told_apart and not os.path.lexists(self.callers_file):
            setting = "token_issuer" if self.tokens else "tls_client_ca"
            raise SettingsError(
                setting,
                f"is given without {self.callers_file}, which says who may call what: write it "
                "(docs/security.md)",
            )
