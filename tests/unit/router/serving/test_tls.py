"""Files of TLS are taken together or not at all, and what is refused is told once."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)
from prometheus_client import CollectorRegistry

from router.serving.metrics import Metrics
from router.serving.settings import SettingsError, TlsFiles
from router.serving.tls import PEM_BYTES_AT_MOST, Tls
from tests.authority import DAY, Authority, Holder


class World:
    """A server's files, and what the metrics tell of them."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.registry = folder, CollectorRegistry()
        self.authority, self.clients = Authority(folder, "servers"), Authority(folder, "clients")
        self.holder = self.authority.server()
        self.metrics = Metrics(self.registry)

    def open(self) -> Tls:
        holder = self.holder
        files = TlsFiles(
            certificate=holder.certificate, key=holder.key, client_ca=self.clients.file
        )
        return Tls(files, self.metrics)

    def looks(self, result: str) -> float | None:
        labels = {"part": "tls", "result": result}
        return self.registry.get_sample_value("router_reloads_total", labels)

    def expires(self) -> float | None:
        name = "router_certificate_expiry_timestamp_seconds"
        return self.registry.get_sample_value(name, {"file": "certificate"})


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def test_a_new_certificate_is_taken_once_its_key_is_there(world: World) -> None:
    tls = world.open()
    assert world.expires() == world.holder.expires
    new = world.authority.server(ends=20 * DAY)
    world.holder.certificate.write_bytes(new.certificate.read_bytes())
    for _ in range(3):
        tls.refresh()
    assert (world.looks("refused"), world.looks("taken")) == (1, None)
    assert world.expires() == world.holder.expires

    world.holder.key.write_bytes(new.key.read_bytes())
    for _ in range(3):
        tls.refresh()
    assert (world.looks("refused"), world.looks("taken")) == (1, 1)
    assert world.expires() == new.expires


def test_links_are_followed_as_platforms_swap_them(world: World) -> None:
    old, new = world.holder, world.authority.server(ends=20 * DAY)
    for name, holder in (("v1", old), ("v2", new)):
        (world.folder / name).mkdir()
        (world.folder / name / "tls.crt").write_bytes(holder.certificate.read_bytes())
        (world.folder / name / "tls.key").write_bytes(holder.key.read_bytes())
    data = world.folder / "..data"
    data.symlink_to("v1")
    world.holder = Holder(data / "tls.crt", data / "tls.key", old.made)
    tls = world.open()
    (world.folder / "next").symlink_to("v2")
    (world.folder / "next").replace(data)
    tls.refresh()
    assert (world.looks("taken"), world.expires()) == (1, new.expires)


def broken(world: World, how: str) -> None:
    certificate, key = world.holder.certificate, world.holder.key
    match how:
        case "expired":
            world.holder.replace_by(world.authority.server(ends=-DAY / 2))
        case "not yet":
            world.holder.replace_by(world.authority.server(begins=DAY))
        case "another key":
            key.write_bytes(world.authority.server().key.read_bytes())
        case "encrypted":
            made = load_pem_private_key(key.read_bytes(), None)
            secret = BestAvailableEncryption(b"pw")
            key.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, secret))
        case "no certificate":
            certificate.write_text("hello")
        case "no key":
            key.write_text("hello")
        case "gone":
            key.unlink()
        case "a pipe":
            key.unlink()
            os.mkfifo(key)
        case "endless":
            certificate.unlink()
            certificate.symlink_to("/dev/zero")
        case "large":
            with certificate.open("ab") as file:
                file.truncate(PEM_BYTES_AT_MOST + 1)
        case "authorities":
            world.clients.file.write_text("hello")


HOWS = {
    "expired": r"^--tls-certificate: .* and not now$",
    "not yet": r"^--tls-certificate: .* and not now$",
    "another key": r"^--tls-key: .* is not the key of the certificate$",
    "encrypted": r"^--tls-key: .* is encrypted; give it without a password$",
    "no certificate": r"^--tls-certificate: .* holds no PEM certificate",
    "no key": r"^--tls-key: .* holds no PEM private key",
    "gone": r"^--tls-key: .* cannot be read: No such file",
    "a pipe": r"^--tls-key: .* is not a plain file$",
    "endless": r"^--tls-certificate: .* is not a plain file$",
    "large": r"^--tls-certificate: .* is larger than 1048576 bytes$",
    "authorities": r"^--tls-client-ca: .* holds no PEM certificate",
}


@pytest.mark.parametrize("how", HOWS)
def test_what_cannot_be_used_is_refused_at_start_and_not_taken_later(
    world: World, how: str
) -> None:
    tls = world.open()
    broken(world, how)
    for _ in range(2):
        tls.refresh()
    assert (world.looks("refused"), world.looks("taken")) == (1, None)
    with pytest.raises(SettingsError, match=HOWS[how]):
        world.open()
