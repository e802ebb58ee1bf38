"""Golden cases of a version that is there: written, listed, signed anew."""

import json
from pathlib import Path

import pytest

from router.cases.features import FEATURES
from router.versions.golden import CASES
from router.versions.registry import ModelRefused, load_model
from router.versions.trust import read_trusted_keys
from tests.builders import a_catalogue, a_policy
from tests.unit.router.versions.models_builder import another_version
from tests.unit.training.version.versions_builder import write_manifest
from training.version.golden import NotGolden, add_golden
from training.version.signing import generate_key, sign


def test_a_version_from_before_gets_golden_cases_and_is_held_to_them(tmp_path: Path) -> None:
    folder = another_version(tmp_path, "v1")
    assert load_model(folder, FEATURES, a_catalogue()).golden is None
    assert add_golden(folder, a_catalogue(), a_policy()) == CASES
    golden = load_model(folder, FEATURES, a_catalogue()).golden
    assert golden is not None
    assert len(golden.rows) == CASES
    # Cases that tell little would let a wrong table through.
    assert len({mix for mix, _ in golden.decided}) > 3

    # Other tables are refused, though the manifest is right about every file.
    other = another_version(tmp_path, "v2", seed=2)
    (folder / "tables.npz").write_bytes((other / "tables.npz").read_bytes())
    write_manifest(folder, json.loads((folder / "manifest.json").read_text()))
    with pytest.raises(ModelRefused, match="100 of 100 golden cases are valued otherwise"):
        load_model(folder, FEATURES, a_catalogue())


def test_golden_cases_can_be_written_anew_when_rules_change(tmp_path: Path) -> None:
    folder = another_version(tmp_path, "v1")
    add_golden(folder, a_catalogue(), a_policy())
    first = (folder / "golden.json").read_bytes()
    add_golden(folder, a_catalogue(), a_policy())
    assert (folder / "golden.json").read_bytes() == first


def test_whoever_can_read_the_manifest_can_read_the_golden_cases(tmp_path: Path) -> None:
    folder = another_version(tmp_path, "v1")
    (folder / "manifest.json").chmod(0o644)
    for _ in range(2):
        add_golden(folder, a_catalogue(), a_policy())
        modes = [(folder / name).stat().st_mode for name in ("manifest.json", "golden.json")]
        assert [mode & 0o777 for mode in modes] == [0o644, 0o644]


def test_a_signed_version_is_signed_anew_or_left_as_it_is(tmp_path: Path) -> None:
    folder, key = another_version(tmp_path, "v1"), tmp_path / "key"
    public = generate_key(key)
    sign(folder, key)
    with pytest.raises(NotGolden, match="--sign"):
        add_golden(folder, a_catalogue(), a_policy())
    add_golden(folder, a_catalogue(), a_policy(), key)
    trusted = read_trusted_keys([public])
    assert load_model(folder, FEATURES, a_catalogue(), trusted).golden is not None
