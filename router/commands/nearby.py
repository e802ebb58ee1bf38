"""Connections of commands to a server: one on this machine is never asked for through a proxy."""

from __future__ import annotations

import urllib.request
from dataclasses import dataclass
from pathlib import Path

import grpc

from router.loopback import is_loopback

# gRPC goes by `http_proxy`, `https_proxy` and `grpc_proxy`, and not by where the server is.
_NO_PROXY = (("grpc.enable_http_proxy", 0),)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Which server is trusted, and as whom it is asked.

    Attributes:
        credentials: authorities of its certificate, and a certificate of one's own.
        name: in its certificate; None for that of the address.
    """

    credentials: grpc.ChannelCredentials
    name: str | None

    @classmethod
    def read(cls, ca: Path, name: str | None, certificate: Path | None, key: Path | None) -> Trust:
        """Reads it from files in PEM.

        Raises:
            OSError: if one cannot be read.
        """
        own = [path.read_bytes() if path else None for path in (key, certificate)]
        return cls(credentials=grpc.ssl_channel_credentials(ca.read_bytes(), *own), name=name)


def open_channel(target: str, trust: Trust | None = None) -> grpc.Channel:
    """Opens a channel to HOST:PORT or unix:PATH, in plain text unless a server is trusted."""
    nearby = target.startswith("unix:") or is_loopback(target.rpartition(":")[0])
    options: tuple[tuple[str, int | str], ...] = _NO_PROXY if nearby else ()
    if trust is None:
        return grpc.insecure_channel(target, options=options)
    if trust.name is not None:
        options = (*options, ("grpc.ssl_target_name_override", trust.name))
    return grpc.secure_channel(target, trust.credentials, options=options)


def read(url: str) -> str:
    """Reads a page of a server on this machine."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(url, timeout=5) as answer:
        text: str = answer.read().decode()
    return text
