"""Signatures of model versions: trusted public keys, and whether one of them signed a manifest.

A signature is Ed25519 (RFC 8032) over the exact bytes of manifest.json, 64 bytes in manifest.sig
beside it. The manifest holds the SHA-256 of the version's other files, so it vouches for them.
`cryptography` is imported only when keys are given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from router.files.plain_files import plain_bytes
from router.mendable import Mendable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

SIGNATURE = "manifest.sig"
SIGNATURE_BYTES = 64
# A PEM of Ed25519 has about 110: a wrong path must not read a disk image into memory.
_KEY_BYTES_AT_MOST = 10_000


class KeyRefused(Mendable, ValueError):
    """A key file cannot be used; the message names the file and what it should be."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TrustedKeys:
    """Public keys, at least one.

    A version signed by any of them is trusted, so that a key can be replaced.
    """

    keys: tuple[Ed25519PublicKey, ...]

    def signed(self, manifest: bytes, signature: bytes) -> bool:
        """Tells whether one of the keys made the signature over exactly these bytes."""
        from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - only with keys

        # `verify` answers by raising: that one key did not sign says nothing of the others.
        for key in self.keys:
            try:
                key.verify(signature, manifest)
            except InvalidSignature:
                continue
            return True
        return False


def read_trusted_keys(paths: Sequence[Path]) -> TrustedKeys:
    """Reads public keys from PEM files, at least one.

    Raises:
        KeyRefused: if a file is no Ed25519 public key, or `cryptography` is not installed.
    """
    if not paths:
        raise KeyRefused("--trust: no key given; at least one is needed")
    try:
        from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415 - only with keys
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415
        from cryptography.hazmat.primitives.serialization import load_pem_public_key  # noqa: PLC0415
    except ImportError as problem:
        raise KeyRefused(
            "--trust: needs cryptography; install the extra: channel-router[trust]"
        ) from problem
    keys = []
    for path in paths:
        try:
            key = load_pem_public_key(plain_bytes(path, _KEY_BYTES_AT_MOST, links=True))
        except (ValueError, UnsupportedAlgorithm) as problem:
            raise KeyRefused(f"--trust: {path}: is not a public key in PEM: {problem}") from problem
        if not isinstance(key, Ed25519PublicKey):
            raise KeyRefused(f"--trust: {path}: is a public key of another kind than Ed25519")
        keys.append(key)
    return TrustedKeys(keys=tuple(keys))
