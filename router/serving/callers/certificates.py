"""What a client certificate calls its holder, over gRPC and over HTTP alike.

The first kind of name that a certificate has is the one that counts: its SPIFFE id, else its DNS
names, else its common name. The others are not looked at: who may choose one kind of name must not
be taken for somebody by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

_SPIFFE = "spiffe://"
_HAS_ONE = "x509_pem_cert"


def identities(
    uris: Sequence[str], dns: Sequence[str], common_names: Sequence[str]
) -> tuple[str, ...]:
    """Gives what the callers' file may call the holder, all of one kind; none if nothing counts."""
    spiffe = [uri for uri in uris if uri.lower().startswith(_SPIFFE)]
    if spiffe:
        # Of several, none is the holder's (X.509-SVID, 4.1).
        return tuple(spiffe) if len(uris) == 1 else ()
    if dns:
        return tuple(f"dns:{name.lower()}" for name in dns)
    return (f"cn:{common_names[0]}",) if len(common_names) == 1 else ()


def identities_of(auth_context: Mapping[str, Iterable[bytes]]) -> tuple[str, ...]:
    """Reads the identities of a connection; none without a client certificate."""
    if _HAS_ONE not in auth_context:
        return ()
    names = (_texts(auth_context, key) for key in ("peer_uri", "peer_dns", "x509_common_name"))
    return identities(*names)


def of_http(certificate: Mapping[str, Any] | None) -> Mapping[str, tuple[bytes, ...]]:
    """Tells of a connection over HTTP in gRPC's words, from what `ssl` tells of its certificate."""
    if not certificate:
        return {}
    other = certificate.get("subjectAltName", ())
    subject = [pair for part in certificate.get("subject", ()) for pair in part]
    return {
        _HAS_ONE: (b"",),
        "peer_uri": _values(other, "URI"),
        "peer_dns": _values(other, "DNS"),
        "x509_common_name": _values(subject, "commonName"),
    }


def _values(pairs: Iterable[tuple[str, str]], wanted: str) -> tuple[bytes, ...]:
    return tuple(value.encode() for kind, value in pairs if kind == wanted)


def _texts(auth_context: Mapping[str, Iterable[bytes]], key: str) -> list[str]:
    # What is no UTF-8 is like no name that a file could hold.
    return [value.decode(errors="replace") for value in auth_context.get(key, ())]
