"""Signs versions with Ed25519: `serve --trust PUBKEY` serves only what its owner released."""

from __future__ import annotations

import os
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.hazmat.primitives.serialization import load_pem_private_key as load_key

from router.files.aside import written_aside
from router.mendable import Mendable
from router.versions.registry import MANIFEST, check_files, read_listed
from router.versions.trust import SIGNATURE, KeyRefused

# A key has some hundred bytes; a device or a mistyped path must not be read to its end.
_KEY_BYTES_AT_MOST = 10_000


class KeyExists(Mendable, FileExistsError):
    """A key is never overwritten."""


class NotSigned(Mendable, ValueError):
    """A version cannot be signed; the message says which file of it is in the way."""


def generate_key(path: Path) -> Path:
    """Makes a key pair: a private key that its owner alone can read, and the public one beside it.

    Args:
        path: of the private key.

    Returns:
        The public key's path, `path` with ".pub" after the name.

    Raises:
        KeyExists: if one of the files exists; a key is never overwritten.
    """
    public_path = path.with_name(f"{path.name}.pub")
    key = Ed25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    # Asked before the private key is written, or it would be left without its public one.
    if public_path.exists():
        raise KeyExists(f"{public_path}: exists; a key is never overwritten, choose another name")
    _create(path, private, 0o600)
    _create(public_path, public, 0o644)
    return public_path


def _create(path: Path, data: bytes, mode: int) -> None:
    try:
        # Made with its mode: there is no moment in which others could read it.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    except FileExistsError:
        raise KeyExists(
            f"{path}: exists; a key is never overwritten, choose another name"
        ) from None
    with open(descriptor, "wb") as file:
        file.write(data)


def sign(folder: Path, key: Path) -> Path:
    """Signs a version: manifest.sig over the exact bytes of manifest.json.

    Args:
        folder: of the version; every file in it must be in the manifest, which the signature then
            vouches for.
        key: the private key, PEM without a password.

    Returns:
        The signature's path.

    Raises:
        KeyRefused: if the key is no private Ed25519 key.
        NotSigned: if a file of the version is not in the manifest.
        ModelRefused: if a file is not as the manifest says.
    """
    private = _private_key(key)
    listed = read_listed(folder)

    others = sorted(
        path.name for path in folder.iterdir() if path.name not in {*listed, MANIFEST, SIGNATURE}
    )
    if others:
        unsigned = f"not in {MANIFEST}, so a signature would not cover it"
        raise NotSigned(f"{folder.name}: {', '.join(others)}: {unsigned}")
    # A signature over a manifest that is wrong about its files would refuse them for ever.
    check_files(folder)
    signature = folder / SIGNATURE
    with written_aside(signature, shared=True) as aside:
        aside.write_bytes(private.sign((folder / MANIFEST).read_bytes()))
    return signature


def check_key(path: Path) -> None:
    """Checks that a file can sign, before hours of work depend on it.

    Raises:
        ValueError: if it is not an Ed25519 private key in PEM.
    """
    _private_key(path)


def _private_key(path: Path) -> Ed25519PrivateKey:
    try:
        with path.open("rb") as file:
            key = load_key(file.read(_KEY_BYTES_AT_MOST), password=None)
    except (OSError, ValueError, TypeError) as problem:
        raise KeyRefused(
            f"key: {path}: is not a private key in PEM without a password: {problem}"
        ) from problem
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused(f"key: {path}: is a private key of another kind than Ed25519")
    return key
