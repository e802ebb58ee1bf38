"""Signing a version."""

import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_public_key,
)

from router.versions.registry import ModelRefused
from router.versions.trust import KeyRefused
from tests.unit.training.version.versions_builder import a_version
from training.version.signing import NotSigned, generate_key, sign


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return a_version(tmp_path / "models")


def test_the_signature_is_over_the_exact_bytes_of_the_manifest(
    folder: Path, tmp_path: Path
) -> None:
    public = load_pem_public_key(generate_key(tmp_path / "key").read_bytes())
    signature = sign(folder, tmp_path / "key")
    assert signature == folder / "manifest.sig"
    assert isinstance(public, Ed25519PublicKey)
    public.verify(signature.read_bytes(), (folder / "manifest.json").read_bytes())


def test_signing_again_gives_the_same_signature(folder: Path, tmp_path: Path) -> None:
    generate_key(tmp_path / "key")
    first = sign(folder, tmp_path / "key").read_bytes()
    assert sign(folder, tmp_path / "key").read_bytes() == first


def test_only_the_owner_may_read_a_private_key_and_no_key_is_overwritten(tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    assert stat.S_IMODE((tmp_path / "key").stat().st_mode) == 0o600
    assert public == tmp_path / "key.pub"
    before = (tmp_path / "key").read_bytes()
    with pytest.raises(FileExistsError, match="a key is never overwritten"):
        generate_key(tmp_path / "key")
    public.unlink()
    with pytest.raises(FileExistsError, match="a key is never overwritten"):
        generate_key(tmp_path / "key")
    assert (tmp_path / "key").read_bytes() == before


def test_a_version_with_a_file_that_the_manifest_does_not_list_is_not_signed(
    folder: Path, tmp_path: Path
) -> None:
    generate_key(tmp_path / "key")
    (folder / "extra.txt").write_text("no one vouches for this")
    with pytest.raises(NotSigned, match=r"v1: extra\.txt: not in manifest\.json"):
        sign(folder, tmp_path / "key")
    assert not (folder / "manifest.sig").exists()


def test_a_changed_version_is_not_signed(folder: Path, tmp_path: Path) -> None:
    generate_key(tmp_path / "key")
    (folder / "report.html").write_text("changed")
    with pytest.raises(ModelRefused, match=r"report\.html has SHA-256"):
        sign(folder, tmp_path / "key")


def test_a_key_of_another_kind_is_refused(folder: Path, tmp_path: Path) -> None:
    other = X25519PrivateKey.generate().private_bytes(
        Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()
    )
    (tmp_path / "other").write_bytes(other)
    with pytest.raises(KeyRefused, match="another kind than Ed25519"):
        sign(folder, tmp_path / "other")
    with pytest.raises(KeyRefused, match=r"key\.pub: is not a private key"):
        sign(folder, generate_key(tmp_path / "key"))
