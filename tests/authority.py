"""An authority of the tests' own: certificates, keys and tokens that the project did not make."""

from __future__ import annotations

import ipaddress
import json
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import grpc
import jwt
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

DAY = timedelta(days=1)
ISSUER = "https://login.example.org/tenant/v2.0"
AUDIENCE = "6f1c0a52-router"


def private_pem(key: Any) -> bytes:
    pem: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return pem


@dataclass(frozen=True)
class Holder:
    """A certificate and its key, in files."""

    certificate: Path
    key: Path
    made: x509.Certificate

    @property
    def expires(self) -> float:
        return self.made.not_valid_after_utc.timestamp()

    def replace_by(self, other: Holder) -> None:
        """Writes another's files in the place of these, one by one, as a careless operator does."""
        self.certificate.write_bytes(other.certificate.read_bytes())
        self.key.write_bytes(other.key.read_bytes())

    def channel(self, ca: Path) -> grpc.ChannelCredentials:
        return grpc.ssl_channel_credentials(
            ca.read_bytes(), self.key.read_bytes(), self.certificate.read_bytes()
        )


class Authority:
    """Signs certificates."""

    def __init__(self, folder: Path, name: str) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self._made = self._signed(self._name, self._key.public_key(), -DAY, 30 * DAY, [], ca=True)
        self.file = folder / f"{name}.ca.pem"
        self.file.write_bytes(self._made.public_bytes(Encoding.PEM))

    def issue(
        self,
        name: str,
        *other: x509.GeneralName,
        begins: timedelta = -DAY,
        ends: timedelta = 10 * DAY,
    ) -> Holder:
        """Issues a certificate; `other` are its alternative names."""
        key = ec.generate_private_key(ec.SECP256R1())
        subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        made = self._signed(subject, key.public_key(), begins, ends, list(other))
        serial = f"{name}.{made.serial_number % 10**9}"
        certificate, private = self._folder / f"{serial}.pem", self._folder / f"{serial}.key"
        certificate.write_bytes(made.public_bytes(Encoding.PEM))
        private.write_bytes(private_pem(key))
        return Holder(certificate, private, made)

    def server(self, **times: timedelta) -> Holder:
        here = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
        return self.issue("router", x509.DNSName("localhost"), here, **times)

    def _signed(
        self,
        subject: x509.Name,
        public: Any,
        begins: timedelta,
        ends: timedelta,
        other: list[x509.GeneralName],
        *,
        ca: bool = False,
    ) -> x509.Certificate:
        now = datetime.now(UTC)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(now + begins)
            .not_valid_after(now + ends)
            .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        )
        if other:
            builder = builder.add_extension(x509.SubjectAlternativeName(other), critical=False)
        return builder.sign(self._key, hashes.SHA256())


def spiffe(path: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(f"spiffe://example.org/{path}")


_MAKERS: dict[str, Any] = {
    "RS256": lambda: rsa.generate_private_key(public_exponent=65537, key_size=2048),
    "ES256": lambda: ec.generate_private_key(ec.SECP256R1()),
    "EdDSA": ed25519.Ed25519PrivateKey.generate,
}


class Issuer:
    """Issues tokens as Entra ID does for programs."""

    def __init__(self, algorithm: str = "ES256", kid: str = "key-1") -> None:
        self.algorithm, self.kid = algorithm, kid
        self.key = _MAKERS[algorithm]()

    @property
    def jwk(self) -> dict[str, Any]:
        made = jwt.get_algorithm_by_name(self.algorithm)
        one: dict[str, Any] = json.loads(made.to_jwk(self.key.public_key()))
        return {**one, "kid": self.kid, "use": "sig"}

    def token(self, caller: str, *, headers: dict[str, Any] | None = None, **claims: Any) -> str:
        """Makes a token; a claim of None is left out."""
        now = int(time.time())
        usual = {
            "iss": ISSUER,
            "aud": AUDIENCE,
            "iat": now,
            "nbf": now,
            "exp": now + 600,
            "azp": caller,
            "azp_name": "dev:team:somebody-else",
            "idtyp": "app",
            "roles": ["access_as_application"],
        } | claims
        said = {name: value for name, value in usual.items() if value is not None}
        head = {"kid": self.kid, **(headers or {})}
        return jwt.encode(said, self.key, algorithm=self.algorithm, headers=head)


def key_set(*issuers: Issuer) -> bytes:
    return json.dumps({"keys": [one.jwk for one in issuers]}).encode()
