"""TLS of the ports that are called: certificates and keys from files, replaced while it serves.

Connections that are open go on with what they began with. What cannot be used, e.g. a certificate
whose key has not been written yet, leaves the last good one in force.
"""

from __future__ import annotations

import logging
import ssl
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import grpc

from router.files.plain_files import plain_bytes
from router.serving.metrics import Metrics
from router.serving.settings import SettingsError, TlsFiles

try:
    from cryptography import x509
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_private_key,
    )
except ImportError as missing:
    raise SettingsError(
        f"tls_certificate: TLS needs cryptography; install channel-router[tls] ({missing})"
    ) from missing

PEM_BYTES_AT_MOST = 1 << 20
"""Bytes of a file of certificates, or of a key."""

_log = logging.getLogger(__name__)


class TlsRefused(Exception):
    """Files of TLS cannot be used; the message says which and why, and nothing of a key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _InForce:
    """What was read and fits together."""

    certificate: bytes
    key: bytes
    client_ca: bytes | None
    context: ssl.SSLContext


class Tls:
    """What is in force now, for every new connection."""

    def __init__(self, files: TlsFiles, metrics: Metrics) -> None:
        """Reads the files for the first time.

        Raises:
            SettingsError: if they cannot be used.
        """
        self._files = files
        self._metrics = metrics
        try:
            self._now = self._read()
        except TlsRefused as problem:
            raise SettingsError(str(problem)) from None
        self._front = _context()
        # Each handshake is passed on to the context of that moment, whatever the client asks for.
        self._front.sni_callback = self._hand_over
        self._adopt(self._front, self._now)
        self._grpc = _grpc_configuration(self._now)

    def refresh(self) -> None:
        """Takes files that have changed; those that cannot be used are told of, once."""
        try:
            found = self._read()
        except TlsRefused as problem:
            # Counted at each look: it stays wrong until somebody mends it.
            self._metrics.reloads.labels("tls", "refused").inc()
            _log.error(
                "refused; what was good before stands",
                extra={"part": "tls", "problem": str(problem)},
            )
            return
        same = (found.certificate, found.key, found.client_ca) == (
            self._now.certificate,
            self._now.key,
            self._now.client_ca,
        )
        if same:
            return
        self._now = found
        self._grpc = _grpc_configuration(found)
        self._metrics.reloads.labels("tls", "taken").inc()
        _log.info("reloaded", extra={"part": "tls"})

    def for_grpc(self) -> grpc.ServerCredentials:
        """Gives credentials for a port of gRPC; each new connection gets what is in force."""
        # Asked on gRPC's own threads before each handshake: no file is read there.
        return grpc.dynamic_ssl_server_credentials(
            self._grpc, lambda: self._grpc, self._files.client_ca is not None
        )

    def for_http(self) -> ssl.SSLContext:
        """Gives the context for a port of HTTP; each new connection gets what is in force."""
        return self._front

    def _hand_over(
        self, connection: ssl.SSLSocket | ssl.SSLObject, _: str | None, __: ssl.SSLContext
    ) -> None:
        connection.context = self._now.context

    def _read(self) -> _InForce:
        """Reads the files, and checks that they fit together.

        Raises:
            TlsRefused: if one cannot be used, or they do not.
        """
        files = self._files
        certificate = _bytes("tls_certificate", files.certificate)
        key = _bytes("tls_key", files.key)
        client_ca = _bytes("tls_client_ca", files.client_ca) if files.client_ca else None
        chain = _certificates("tls_certificate", files.certificate, certificate)
        _check_key(files.key, key, chain[0])
        _check_times("tls_certificate", files.certificate, chain[:1])
        authorities = (
            _certificates("tls_client_ca", files.client_ca, client_ca)
            if files.client_ca and client_ca
            else []
        )
        found = _InForce(certificate=certificate, key=key, client_ca=client_ca, context=_context())
        self._adopt(found.context, found)
        # OpenSSL has read the files again: what lies there now need not be what was checked.
        if _bytes("tls_certificate", files.certificate) != certificate:
            raise TlsRefused("tls_certificate: changed while it was read")
        self._tell("certificate", chain)
        self._tell("client_ca", authorities)
        return found

    def _adopt(self, context: ssl.SSLContext, what: _InForce) -> None:
        try:
            context.load_cert_chain(self._files.certificate, self._files.key)
        except (OSError, ssl.SSLError) as problem:
            raise TlsRefused(
                f"tls_key: {self._files.key} does not fit {self._files.certificate}, or changed "
                "while it was read"
            ) from problem
        if what.client_ca is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            # A connection of 1.2 may go on from an earlier one, whose authority is no longer
            # trusted; one of 1.3 without tickets cannot.
            context.minimum_version = ssl.TLSVersion.TLSv1_3
            context.load_verify_locations(cadata=what.client_ca.decode("ascii", "replace"))

    def _tell(self, file: str, certificates: Iterable[x509.Certificate]) -> None:
        ends = [one.not_valid_after_utc.timestamp() for one in certificates]
        if ends:
            # The first that ends breaks the chain.
            self._metrics.certificate_expiry.labels(file).set(min(ends))


def _context() -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
    context.num_tickets = 0
    return context


def _grpc_configuration(what: _InForce) -> grpc.ServerCertificateConfiguration:
    return grpc.ssl_server_certificate_configuration([(what.key, what.certificate)], what.client_ca)


def _bytes(setting: str, path: Path) -> bytes:
    try:
        return plain_bytes(path, PEM_BYTES_AT_MOST, links=True)
    except ValueError as problem:
        raise TlsRefused(f"{setting}: {path}: {problem}") from None


def _certificates(setting: str, path: Path, data: bytes) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(data)
    except ValueError:
        raise TlsRefused(f"{setting}: {path} holds no PEM certificate that can be read") from None


def _check_key(path: Path, data: bytes, certificate: x509.Certificate) -> None:
    try:
        key = load_pem_private_key(data, password=None)
    except TypeError:
        raise TlsRefused(f"tls_key: {path} is encrypted; give it without a password") from None
    except ValueError:
        raise TlsRefused(f"tls_key: {path} holds no PEM private key that can be read") from None
    form = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    if key.public_key().public_bytes(*form) != certificate.public_key().public_bytes(*form):
        raise TlsRefused(f"tls_key: {path} is not the key of the certificate")


def _check_times(setting: str, path: Path, certificates: Iterable[x509.Certificate]) -> None:
    now = datetime.now(UTC)
    for one in certificates:
        if not one.not_valid_before_utc <= now < one.not_valid_after_utc:
            raise TlsRefused(
                f"{setting}: {path} is valid from {one.not_valid_before_utc:%Y-%m-%d %H:%M} to "
                f"{one.not_valid_after_utc:%Y-%m-%d %H:%M} UTC, and not now"
            )
