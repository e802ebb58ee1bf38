"""`serve --trust`: only versions that a trusted key signed, unchanged, are served."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from router.cases.features import FEATURES
from router.versions.registry import ModelRefused, load_model
from router.versions.trust import KeyRefused, read_trusted_keys
from tests.builders import ROOT, a_catalogue
from tests.unit.training.version.versions_builder import a_version
from training.version.signing import generate_key, sign

VERSION = "v1"
CATALOGUE = a_catalogue()


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "promoted").write_text(f"{VERSION}\n")
    return a_version(tmp_path / "models")


def refusal(folder: Path, *keys: Path) -> str:
    with pytest.raises(ModelRefused) as refused:
        load_model(folder, FEATURES, CATALOGUE, read_trusted_keys(keys))
    return str(refused.value)


def test_a_version_signed_by_any_trusted_key_is_loaded(folder: Path, tmp_path: Path) -> None:
    old, new = generate_key(tmp_path / "old"), generate_key(tmp_path / "new")
    sign(folder, tmp_path / "new")
    trusted = read_trusted_keys([old, new])
    assert load_model(folder, FEATURES, CATALOGUE, trusted).info.version == VERSION


def test_an_unsigned_version_is_loaded_only_without_trust(folder: Path, tmp_path: Path) -> None:
    assert load_model(folder, FEATURES, CATALOGUE).info.version == VERSION
    assert refusal(folder, generate_key(tmp_path / "key")).startswith(
        f"{VERSION}: is not signed: it has no manifest.sig"
    )


def test_a_signature_of_another_key_is_refused(folder: Path, tmp_path: Path) -> None:
    generate_key(tmp_path / "theirs")
    sign(folder, tmp_path / "theirs")
    assert "manifest.sig is of no trusted key" in refusal(folder, generate_key(tmp_path / "ours"))


@pytest.mark.parametrize(
    "name", ["manifest.json", "tables.npz", "report.html", "estimators.joblib", "manifest.sig"]
)
def test_a_change_of_any_file_of_a_signed_version_is_refused(
    folder: Path, tmp_path: Path, name: str
) -> None:
    public = generate_key(tmp_path / "key")
    sign(folder, tmp_path / "key")
    data = bytearray((folder / name).read_bytes())
    data[len(data) // 2] ^= 1
    (folder / name).write_bytes(data)
    assert refusal(folder, public).startswith(f"{VERSION}: ")


def test_a_signed_version_under_another_name_is_refused(folder: Path, tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    sign(folder, tmp_path / "key")
    assert "manifest is of version 'v1'" in refusal(folder.rename(folder.with_name("v2")), public)


def test_the_estimators_need_not_be_where_the_version_is_served(
    folder: Path, tmp_path: Path
) -> None:
    public = generate_key(tmp_path / "key")
    sign(folder, tmp_path / "key")
    (folder / "estimators.joblib").unlink()
    assert load_model(folder, FEATURES, CATALOGUE, read_trusted_keys([public]))


def test_a_link_in_place_of_a_file_is_refused(folder: Path, tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    sign(folder, tmp_path / "key")
    (folder / "report.html").rename(tmp_path / "report.html")
    (folder / "report.html").symlink_to(tmp_path / "report.html")
    assert "report.html is a symbolic link" in refusal(folder, public)


def test_a_file_that_is_no_public_key_is_refused(tmp_path: Path) -> None:
    generate_key(tmp_path / "key")
    (tmp_path / "text").write_text("no key")
    with pytest.raises(KeyRefused, match="text: is not a public key in PEM"):
        read_trusted_keys([tmp_path / "text"])
    with pytest.raises(KeyRefused, match="key: is not a public key in PEM"):
        read_trusted_keys([tmp_path / "key"])
    with pytest.raises(KeyRefused, match="no key given"):
        read_trusted_keys([])


def serve_command(models: Path, *flags: str) -> list[str]:
    words = [
        "serve",
        "--models",
        str(models),
        "--journal",
        f"sqlite:///{models / 'journal.db'}",
        *flags,
    ]
    return [
        sys.executable,
        "-m",
        "router",
        *words,
        "--listen",
        "127.0.0.1:0",
        "--metrics",
        "127.0.0.1:0",
    ]


def serve(models: Path, *flags: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command, env = serve_command(models, *flags), os.environ | environment
    return subprocess.run(
        command, cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=60
    )


def test_the_server_refuses_an_unsigned_version_with_one_clear_line(
    folder: Path, tmp_path: Path
) -> None:
    public = generate_key(tmp_path / "key")
    by_flag = serve(folder.parent, "--trust", str(public))
    by_variable = serve(folder.parent, ROUTER_TRUST=f"{public}:{public}")
    line = "error: v1: is not signed: it has no manifest.sig, and --trust asks for one\n"
    assert (by_flag.returncode, by_flag.stderr) == (2, line)
    assert (by_variable.returncode, by_variable.stderr) == (2, line)


def test_the_server_serves_a_version_that_is_signed(folder: Path, tmp_path: Path) -> None:
    public = generate_key(tmp_path / "key")
    sign(folder, tmp_path / "key")
    command = serve_command(folder.parent, "--trust", str(public))
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE, text=True) as server:
        assert server.stderr is not None
        told = json.loads(server.stderr.readline())
        server.terminate()
    assert (told["message"], told["model_version"]) == ("serving", VERSION)


def test_the_server_refuses_a_key_that_is_not_there(folder: Path) -> None:
    ended = serve(folder.parent, "--trust", "nowhere.pem")
    assert (ended.returncode, ended.stderr) == (
        2,
        "error: --trust: 'nowhere.pem' is not a file: name one with a public key, PEM\n",
    )


def test_cryptography_is_not_imported_unless_keys_are_given() -> None:
    code = (
        "import sys, router.versions.registry, router.versions.trust, router.__main__\n"
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
