"""The server's settings, from flags and environment, checked at start."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from router.mendable import Mendable
from router.versions.registry import is_name

_PORT_AT_MOST = 65535
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:\d{1,5})?|https?://\[[0-9a-f:]+\](:\d{1,5})?")

_COLLECTOR = re.compile(r"https?://[^\s/@]+/\S+")


class SettingsError(Mendable, ValueError):
    """A setting cannot be used; the message names it, the value's problem and the bound."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A host and port to listen on."""

    host: str
    port: int

    @classmethod
    def parse(cls, setting: str, text: str) -> Address:
        """Reads HOST:PORT; port 0 means any free one.

        Raises:
            SettingsError: if it is not of that form.
        """
        # From the right: an IPv6 address holds colons itself.
        host, colon, port = text.rpartition(":")
        if not colon or not host or not port.isdecimal() or int(port) > _PORT_AT_MOST:
            raise SettingsError(
                f"{setting}: {text!r} is not HOST:PORT with a port of 0 to {_PORT_AT_MOST}"
            )
        return cls(host=host.strip("[]"), port=int(port))

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


_BOUNDS: dict[str, tuple[float, float, str]] = {
    "max_in_flight": (1, 100_000, ""),
    # Docker waits ten seconds by default, then it kills.
    "grace_seconds": (0, 9, " seconds"),
    "lame_duck_seconds": (0, 60, " seconds"),
    "reload_seconds": (0.05, 3600, " seconds"),
    "model_expires_days": (1, 36_500, " days"),
}
"""Least and most of each number, and what it counts."""


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
    lame_duck_seconds: float = 0.0
    reload_seconds: float = 2.0
    trust: tuple[Path, ...] = ()
    access_log: Literal["off", "errors", "all"] = "errors"
    traces: str = ""
    http: Address | None = None
    http_origins: tuple[str, ...] = ()
    shadow: str | None = None
    model_expires_days: int | None = None

    def __post_init__(self) -> None:
        for setting, folder in (("models", self.models), ("policies", self.policies)):
            if not folder.is_dir():
                raise SettingsError(f"{setting}: {str(folder)!r} is not a folder")
        for key in self.trust:
            if not key.is_file():
                raise SettingsError(f"trust: {str(key)!r} is not a file")
        for origin in self.http_origins:
            # Not "*": any page that an adviser has open could call then.
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(
                    f"http_origin: {origin!r} is not SCHEME://HOST or SCHEME://HOST:PORT, as "
                    "https://cases.example.org"
                )
        if self.http_origins and self.http is None:
            raise SettingsError("http_origin: is given without http, the address to serve on")
        if self.traces and not _COLLECTOR.fullmatch(self.traces):
            # Not repeated: it may hold a password.
            raise SettingsError(
                "traces: is not http://HOST:PORT/PATH or https://HOST:PORT/PATH of a collector, as "
                "http://127.0.0.1:4318/v1/traces"
            )
        if self.shadow is not None and not is_name(self.shadow):
            raise SettingsError(
                f'shadow: {self.shadow[:64]!r} is neither a version\'s name nor "rule"'
            )
        for setting, (least, most, unit) in _BOUNDS.items():
            value = getattr(self, setting)
            if value is not None and not least <= value <= most:
                raise SettingsError(f"{setting}: {value} is outside {least} to {most}{unit}")
