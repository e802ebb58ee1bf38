"""What a client certificate calls its holder, over gRPC and over HTTP alike.

The first kind of name that a certificate has is the one that counts: its SPIFFE id, else its DNS
names, else its common name. The others are not looked at: who may choose one kind of name must not
be taken for somebody by it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ssl import DER_cert_to_PEM_cert

_SPIFFE = "spiffe://"
_HAS_ONE = "x509_pem_cert"
# A caller has one, or a few while it changes them.
_KEPT_AT_MOST = 1_024


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
    # The names are the certificate's own: those that gRPC lists end at a NUL, so that whoever may
    # have a name below a domain of theirs could put another's before it.
    return next((_of_certificate(pem) for pem in auth_context.get(_HAS_ONE, ())), ())


def of_http(certificate: bytes | None) -> Mapping[str, tuple[bytes, ...]]:
    """Tells of a connection over HTTP in gRPC's words, from its certificate in DER."""
    return {_HAS_ONE: (DER_cert_to_PEM_cert(certificate).encode(),)} if certificate else {}


@lru_cache(maxsize=_KEPT_AT_MOST)
def _of_certificate(pem: bytes) -> tuple[str, ...]:
    from cryptography import x509  # noqa: PLC0415 - an extra, there where certificates are

    try:
        certificate = x509.load_pem_x509_certificate(pem)
        common_names = [
            name.value
            for name in certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
            if isinstance(name.value, str)
        ]
        try:
            other = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
        except x509.ExtensionNotFound:
            return identities((), (), common_names)
        uris = other.value.get_values_for_type(x509.UniformResourceIdentifier)
        dns = other.value.get_values_for_type(x509.DNSName)
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        # What cannot be read whole is nobody's.
        return ()
    return identities(uris, dns, common_names)
