"""Of the names in a certificate, the first kind that it has is its holder's."""

from __future__ import annotations

import pytest

from router.serving.callers.certificates import identities, identities_of, of_http


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
    assert identities_of(of_http(None)) == identities_of(of_http({})) == ()


def test_both_doors_tell_the_same() -> None:
    over_http = of_http(
        {
            "subject": ((("organizationName", "NAV"),), (("commonName", "Case system"),)),
            "subjectAltName": (("DNS", "Case.example.org"), ("email", "spiffe://a/b")),
        }
    )
    over_grpc = {
        "x509_pem_cert": [b"..."],
        "x509_common_name": [b"Case system"],
        "peer_dns": [b"Case.example.org"],
        "peer_email": [b"spiffe://a/b"],
        "x509_subject_alternative_name": [b"Case.example.org", b"spiffe://a/b"],
    }
    assert identities_of(over_http) == identities_of(over_grpc) == ("dns:case.example.org",)
