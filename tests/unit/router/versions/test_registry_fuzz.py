"""Versions that were spoilt, by chance or to do harm.

Refused or equal, never a crash. Every mutation is seeded.
"""

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.versions.registry import ModelRefused, ModelVersion, load_model
from router.versions.trust import TrustedKeys, read_trusted_keys
from tests.builders import random_rows, random_tables
from tests.policies_of_six import CATALOGUE
from tests.unit.router.versions.harmful_tables import HARMFUL, Arrays, with_part
from tests.unit.training.version.versions_builder import a_version, write_manifest
from training.version.signing import generate_key, sign

Random = np.random.Generator


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    tables = random_tables(
        0, effect=0.0, spread=0.0, mixes=len(CATALOGUE.mixes)
    )  # small as a file, so that many can be tried
    tables.values[::97] = np.linspace(-0.05, 0.05, tables.values[::97].size).reshape(
        tables.values[::97].shape
    )
    return a_version(tmp_path / "models", tables=tables)


def load(folder: Path, trusted: TrustedKeys | None = None) -> ModelVersion | None:
    """Loads the model; None if it was refused, and any other error ends the test."""
    try:
        return load_model(folder, FEATURES, CATALOGUE, trusted)
    except ModelRefused as refusal:
        assert str(refusal).startswith(f"{folder.name}: ")
        assert len(str(refusal)) < 600
        return None


def same(one: ModelVersion, other: ModelVersion) -> bool:
    pairs = (
        (getattr(one.tables, name), getattr(other.tables, name))
        for name in ("values", "intercept", "counts")
    )
    rows = random_rows(0, 100)
    return all(np.array_equal(a, b) for a, b in pairs) and np.array_equal(
        one.tables.fold_values(rows), other.tables.fold_values(rows)
    )


def spoilt(random: Random, data: bytes) -> bytes:
    """Bytes flipped, cut, moved, doubled or zeroed."""
    changed = bytearray(data)
    places = sorted(random.integers(0, len(data), 2).tolist())
    match int(random.integers(0, 7)):
        case 0 | 1:
            for place in random.integers(0, len(data), random.integers(1, 6)):
                changed[place] ^= 1 << int(random.integers(0, 8))
        case 2:
            del changed[places[0] :]
        case 3:
            del changed[slice(*places)]
        case 4:
            changed[slice(*places)] = bytes(places[1] - places[0])
        case 5:
            changed[places[0] : places[0]] = changed[slice(*places)][:4096]
        case _:
            changed += random.bytes(int(random.integers(1, 100)))
    return bytes(changed)


def read(folder: Path) -> Arrays:
    with np.load(folder / "tables.npz") as arrays:
        return {name: arrays[name] for name in arrays}


def test_spoilt_tables_are_refused_by_their_digest(folder: Path) -> None:
    original = (folder / "tables.npz").read_bytes()
    for seed in range(250):
        data = spoilt(np.random.default_rng(seed), original)
        (folder / "tables.npz").write_bytes(data)
        assert load(folder) is None or data == original


def test_spoilt_tables_with_a_fitting_digest_are_refused_or_sound(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    original, refused = (folder / "tables.npz").read_bytes(), 0
    for seed in range(600):
        (folder / "tables.npz").write_bytes(spoilt(np.random.default_rng(seed), original))
        write_manifest(folder, manifest)
        model = load(folder)
        refused += model is None
        assert (
            model is None
            or np.isfinite(
                model.tables.fold_values(np.zeros((1, len(FEATURES.features)), int))
            ).all()
        )
    assert refused > 500


def test_a_spoilt_manifest_is_refused_or_changes_nothing_that_is_decided(folder: Path) -> None:
    original, model, refused = (folder / "manifest.json").read_bytes(), load(folder), 0
    assert model is not None
    for seed in range(400):
        (folder / "manifest.json").write_bytes(spoilt(np.random.default_rng(seed), original))
        found = load(folder)
        refused += found is None
        assert found is None or same(found, model)
    assert refused > 150


WRONG: tuple[Any, ...] = (
    None,
    True,
    -1,
    0,
    1.5,
    float("nan"),
    1e999,
    10**400,
    "",
    "x" * 99,
    "../v2",
    [],
    {},
    [[]],
    {"a": 1},
)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """Paths to every value within, containers included."""
    yield path
    for key, one in (
        value.items()
        if isinstance(value, dict)
        else enumerate(value[:3])
        if isinstance(value, list)
        else ()
    ):
        yield from leaves(one, (*path, key))


def test_a_manifest_with_values_of_the_wrong_kind_is_refused_or_changes_nothing(
    folder: Path,
) -> None:
    text, model = (folder / "manifest.json").read_text(), load(folder)
    assert model is not None
    paths = [path for path in leaves(json.loads(text)) if path]
    for seed in range(500):
        random = np.random.default_rng(seed)
        manifest = json.loads(text)
        *parents, last = paths[random.integers(len(paths))]
        within = manifest
        for key in parents:
            within = within[key]
        if random.random() < 0.2:
            del within[last]
        else:
            within[last] = WRONG[random.integers(len(WRONG))]
        (folder / "manifest.json").write_text(json.dumps(manifest))
        found = load(folder)
        assert found is None or same(found, model)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        '{"a":' * 200_000,
        "[]",
        "null",
        "",
        '"' + "x" * 5_000_000,
        "1" * 10_000,
        "\x00\xff",
        "{}",
    ],
)
def test_a_manifest_that_is_no_object_of_sane_size_and_depth_is_refused(
    folder: Path, text: str
) -> None:
    (folder / "manifest.json").write_text(text)
    assert load(folder) is None


@pytest.mark.parametrize("kind", HARMFUL)
def test_tables_made_to_do_harm_are_refused_though_their_digest_fits(
    folder: Path, kind: str
) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    arrays = read(folder)
    (folder / "tables.npz").write_bytes(HARMFUL[kind](arrays))
    write_manifest(folder, manifest)
    assert load(folder) is None


def test_nothing_of_a_zip_bomb_is_unpacked(folder: Path) -> None:
    manifest = json.loads((folder / "manifest.json").read_text())
    (folder / "tables.npz").write_bytes(with_part(read(folder), "values", bytes(200 << 20)))
    write_manifest(folder, manifest)
    with pytest.raises(ModelRefused, match=r"tables\.npz unpacks to \d+ bytes, more than"):
        load_model(folder, FEATURES, CATALOGUE)


@pytest.mark.parametrize("name", ["tables.npz", "manifest.json", "."])
def test_links_are_refused(folder: Path, tmp_path: Path, name: str) -> None:
    path = (folder / name).resolve()
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    assert load(folder) is None


@pytest.mark.parametrize("name", ["tables.npz", "manifest.json"])
@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir, lambda path: None])
def test_what_is_no_file_is_refused_and_not_waited_for(
    folder: Path, name: str, make: Callable[[Path], None]
) -> None:
    (folder / name).unlink()
    make(folder / name)
    assert load(folder) is None


def test_nothing_that_was_changed_after_signing_is_trusted(folder: Path, tmp_path: Path) -> None:
    trusted = read_trusted_keys([generate_key(tmp_path / "key")])
    sign(folder, tmp_path / "key")
    assert load(folder, trusted) is not None
    names = sorted(path.name for path in folder.iterdir())
    for seed in range(300):
        random = np.random.default_rng(seed)
        path = folder / names[random.integers(len(names))]
        original = path.read_bytes()
        changed = spoilt(random, original)
        path.write_bytes(changed)
        assert (load(folder, trusted) is None) == (changed != original)
        path.write_bytes(original)
    write_manifest(folder, json.loads((folder / "manifest.json").read_text()) | {"folds": 6})
    assert load(folder, trusted) is None
    assert load(folder) is not None
