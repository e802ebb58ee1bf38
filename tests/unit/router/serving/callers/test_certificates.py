"""Of the names in a certificate, the first kind that it has is its holder's."""

from __future__ import annotations

from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from router.serving.callers.certificates import identities, identities_of, of_http
from tests.authority import Authority, Holder, spiffe


@pytest.mark.parametrize(
    ("uris", "dns", "common_names", "found"),
    [
        (["spiffe://a/b"], ["x.org"], ["cn"], ("spiffe://a/b",)),
        (["spiffe://a/b", "spiffe://a/c"], ["x.org"], ["cn"], ()),
        (["spiffe://a/b", "https://x.org"], ["x.org"], ["cn"], ()),
        (["SPIFFE://a/b"], [], ["cn"], ("SPIFFE://a/b",)),  # like no name that a file may hold
        (["https://x.org"], ["X.org", "y.org"], ["cn"], ("dns:x.org", "dns:y.org")),
        ([], [], ["Case system"], ("cn:Case system",)),
        ([], [], ["one", "two"], ()),
        (["https://x.org"], [], ["cn"], ("cn:cn",)),
        ([], [], [], ()),
    ],
)
def test_the_first_kind_counts(
    uris: list[str], dns: list[str], common_names: list[str], found: tuple[str, ...]
) -> None:
    assert identities(uris, dns, common_names) == found


def test_a_connection_without_a_certificate_is_nobodys() -> None:
    assert identities_of({"transport_security_type": [b"ssl"], "peer_dns": [b"x.org"]}) == ()
    assert identities_of(of_http(None)) == identities_of(of_http(b"")) == ()


def _identities(holder: Holder) -> tuple[str, ...]:
    """Reads a certificate as both doors do, which must tell the same."""
    over_http = identities_of(of_http(holder.made.public_bytes(Encoding.DER)))
    # What gRPC lists beside it counts for nothing.
    listed = {"peer_dns": [b"somebody.example.org"], "x509_common_name": [b"somebody"]}
    over_grpc = identities_of({"x509_pem_cert": [holder.certificate.read_bytes()], **listed})
    assert over_http == over_grpc
    return over_http


def test_both_doors_tell_the_same(tmp_path: Path) -> None:
    authority = Authority(tmp_path, "authority")
    mail = x509.RFC822Name("somebody@example.org")
    dns = authority.issue("Case system", x509.DNSName("Case.example.org"), mail)

    assert _identities(dns) == ("dns:case.example.org",)
    assert _identities(authority.issue("Case system", mail)) == ("cn:Case system",)
    assert _identities(authority.issue("Case system")) == ("cn:Case system",)
    assert _identities(authority.issue("x", spiffe("ns/a"))) == ("spiffe://example.org/ns/a",)


@pytest.mark.parametrize(
    ("name", "known_as"),
    [
        (x509.DNSName("one.example.org\0.evil.example"), "dns:one.example.org"),
        (spiffe("ns/one\0/evil"), "spiffe://example.org/ns/one"),
        (x509.DNSName("evil.example, DNS:one.example.org"), "dns:one.example.org"),
    ],
)
def test_a_name_is_taken_whole(tmp_path: Path, name: x509.GeneralName, known_as: str) -> None:
    found = _identities(Authority(tmp_path, "authority").issue("x", name))

    assert known_as not in found
    assert len(found) == 1


def test_what_cannot_be_read_is_nobodys() -> None:
    assert identities_of({"x509_pem_cert": [b"..."], "peer_dns": [b"one.example.org"]}) == ()
