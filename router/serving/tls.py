"""TLS of the ports that are called: certificates and keys from files, replaced while it serves.

Connections that are open go on with what they began with. What cannot be used, e.g. a certificate
whose key has not been written yet, leaves the last good one in force.
"""

from __future__ import annotations

import logging
import ssl
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import grpc

from router.files.plain_files import plain_bytes
from router.serving.metrics import Metrics
from router.serving.settings import SettingsError, TlsFiles, option_of

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )
except ImportError as missing:
    raise SettingsError(
        "tls_certificate", f"TLS needs cryptography; install channel-router[tls] ({missing})"
    ) from missing

PEM_BYTES_AT_MOST = 1 << 20
"""Bytes of a file of certificates, or of a key."""

# Core needs microseconds to begin a handshake, or to make what handshakes are made from.
_APART_SECONDS = 0.1

_log = logging.getLogger(__name__)


class TlsRefused(Exception):
    """Files of TLS cannot be used; the message says which and why, and nothing of a key.

    Attributes:
        setting: whose file it is, as `Settings` has it.
        problem: the rest of the message.
    """

    def __init__(self, setting: str, problem: str) -> None:
        super().__init__(f"{option_of(setting)}: {problem}")
        self.setting = setting
        self.problem = problem


class _Files(NamedTuple):
    """What the files hold."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _InForce:
    """What was read, and fits together."""

    files: _Files
    for_grpc: grpc.ServerCertificateConfiguration
    for_http: ssl.SSLContext


class Tls:
    """What is in force now, for every new connection."""

    def __init__(self, files: TlsFiles, metrics: Metrics) -> None:
        """Reads the files for the first time.

        Raises:
            SettingsError: if they cannot be used.
        """
        self._paths = files
        self._metrics = metrics
        self._told = ""
        try:
            self._now = self._checked(self._read())
        except TlsRefused as problem:
            raise SettingsError(problem.setting, problem.problem) from None
        self._front = _context(mutual=files.client_ca is not None)
        # Each handshake is passed on to the context of that moment, whatever the client asks for.
        self._front.sni_callback = self._hand_over

    def refresh(self) -> None:
        """Takes files that have changed; those that cannot be used are told of once."""
        try:
            found = self._read()
            if found == self._now.files:
                return
            self._now = self._checked(found)
        except TlsRefused as problem:
            # Looked at again each time: a certificate may be for tomorrow.
            if str(problem) != self._told:
                self._told = str(problem)
                self._metrics.reloads.labels("tls", "refused").inc()
                _log.error(
                    "refused; what was good before stands",
                    extra={"part": "tls", "problem": self._told},
                )
            return
        self._told = ""
        self._metrics.reloads.labels("tls", "taken").inc()
        _log.info("reloaded", extra={"part": "tls"})

    def for_grpc(self) -> grpc.ServerCredentials:
        """Gives credentials for a port of gRPC; each new connection gets what is in force."""
        # Asked on gRPC's own threads before each handshake: no file is read there.
        first = self._now.for_grpc
        renewal = _Renewal(first, lambda: self._now.for_grpc)
        return grpc.dynamic_ssl_server_credentials(
            first,
            renewal.wanted,  # type: ignore[arg-type] # None is "unchanged", which stubs leave out
            self._paths.client_ca is not None,
        )

    def for_http(self) -> ssl.SSLContext:
        """Gives the context for a port of HTTP; each new connection gets what is in force."""
        return self._front

    def _hand_over(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _: str | None, __: ssl.SSLContext
    ) -> None:
        connection.context = self._now.for_http

    def _read(self) -> _Files:
        paths = self._paths
        return _Files(
            _bytes("tls_certificate", paths.certificate),
            _bytes("tls_key", paths.key),
            _bytes("tls_client_ca", paths.client_ca) if paths.client_ca else None,
        )

    def _checked(self, files: _Files) -> _InForce:
        """Checks that what the files hold fits together.

        Raises:
            TlsRefused: if it does not, or something else lies there by now.
        """
        paths = self._paths
        chain = _certificates("tls_certificate", paths.certificate, files.certificate)
        _check_key(paths.key, files.key, chain[0])
        _check_times(paths.certificate, chain[0])
        context = _context(mutual=files.client_ca is not None)
        authorities: list[x509.Certificate] = []
        if paths.client_ca is not None and files.client_ca is not None:
            authorities = _certificates("tls_client_ca", paths.client_ca, files.client_ca)
            context.load_verify_locations(
                cadata=b"".join(one.public_bytes(Encoding.DER) for one in authorities)
            )
        try:
            # From the files, for it takes no bytes; afterwards they must be what was checked.
            context.load_cert_chain(paths.certificate, paths.key)
        except (OSError, ssl.SSLError) as problem:
            raise TlsRefused("tls_certificate", "cannot be used, or changed meanwhile") from problem
        if self._read() != files:
            raise TlsRefused("tls_certificate", "changed while it was read")

        self._tell("certificate", chain)
        self._tell("client_ca", authorities)
        return _InForce(
            files=files,
            for_grpc=grpc.ssl_server_certificate_configuration(
                [(files.key, files.certificate)], files.client_ca
            ),
            for_http=context,
        )

    def _tell(self, file: str, certificates: Iterable[x509.Certificate]) -> None:
        ends = [one.not_valid_after_utc.timestamp() for one in certificates]
        if ends:
            # The first that ends breaks the chain.
            self._metrics.callers.certificate_expiry.labels(file).set(min(ends))


class _Renewal:
    """Tells gRPC's core of another certificate, once and with nobody else about.

    What it makes handshakes from it replaces without a lock (grpc/grpc issue 36693): a connection
    that begins meanwhile may use what was freed, and the process ends. So those who came before the
    change are given time to be done, and those who come with it wait until it is made.
    """

    def __init__(
        self,
        first: grpc.ServerCertificateConfiguration,
        now: Callable[[], grpc.ServerCertificateConfiguration],
    ) -> None:
        self._given = first
        self._now = now
        self._made_at = 0.0
        self._one_at_a_time = threading.Lock()

    def wanted(self) -> grpc.ServerCertificateConfiguration | None:
        """Gives what is to be taken instead; None where nothing has changed."""
        if self._now() is self._given and time.monotonic() >= self._made_at:
            return None
        with self._one_at_a_time:
            # Made by another connection just now: it is waited for.
            time.sleep(max(0.0, self._made_at - time.monotonic()))
            found = self._now()
            if found is self._given:
                return None
            time.sleep(_APART_SECONDS)
            self._given, self._made_at = found, time.monotonic() + _APART_SECONDS
            return found


def _context(*, mutual: bool) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    if mutual:
        context.verify_mode = ssl.CERT_REQUIRED
        # A connection of 1.2 may go on from an earlier one, whose authority is no longer trusted;
        # one of 1.3 without tickets cannot.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
    return context


def _bytes(setting: str, path: Path) -> bytes:
    try:
        return plain_bytes(path, PEM_BYTES_AT_MOST, links=True)
    except ValueError as problem:
        raise TlsRefused(setting, f"{path}: {problem}") from None


def _certificates(setting: str, path: Path, data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise TlsRefused(setting, f"{path} holds no PEM certificate that can be read") from None


def _check_key(path: Path, data: bytes, certificate: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise TlsRefused("tls_key", f"{path} is encrypted; give it without a password") from None
    except ValueError:
        raise TlsRefused("tls_key", f"{path} holds no PEM private key that can be read") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise TlsRefused("tls_key", f"{path} is not the key of the certificate")


def _check_times(path: Path, certificate: x509.Certificate) -> None:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if not begins <= datetime.now(UTC) < ends:
        raise TlsRefused(
            "tls_certificate",
            f"{path} is valid from {begins:%Y-%m-%d %H:%M} to {ends:%Y-%m-%d %H:%M} UTC, and not "
            "now",
        )
