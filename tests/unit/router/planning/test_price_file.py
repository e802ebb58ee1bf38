"""The price that a plan writes into an office's policy, and the one that follows arrivals."""

import os
import shutil
from pathlib import Path

import pytest

from router.planning.price_feedback import MOST_CHANGE, next_price
from router.planning.price_file import write_price
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import Policies, load_policies
from router.policies.toml_file import PolicyError
from tests.builders import ROOT

OFFICE = "office-01"
BOUNDS = (0.0001, 0.002)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def loaded(folder: Path) -> Policies:
    return load_policies(folder, load_catalogue(folder / "mixes.toml"))


def office_file(folder: Path) -> Path:
    return folder / "offices" / f"{OFFICE}.toml"


def test_only_the_price_changes_and_every_comment_is_kept(folder: Path) -> None:
    before = office_file(folder).read_text().splitlines()
    assert write_price(loaded(folder), folder, OFFICE, 0.00051239) == 0.0005124
    after = office_file(folder).read_text().splitlines()
    assert [(old, new) for old, new in zip(before, after, strict=True) if old != new] == [
        ("price_per_minute = 0.0004", "price_per_minute = 0.0005124")
    ]
    assert loaded(folder).usable(OFFICE).price == 0.0005124
    assert [
        path.name for path in office_file(folder).parent.iterdir() if path.name.startswith(".")
    ] == []


def test_behind_a_link_the_file_that_it_leads_to_is_written(folder: Path, tmp_path: Path) -> None:
    path, elsewhere = office_file(folder), tmp_path / "mounted.toml"
    path.rename(elsewhere)
    path.symlink_to(elsewhere)
    write_price(loaded(folder), folder, OFFICE, 0.0005)
    assert path.is_symlink()
    assert "price_per_minute = 0.0005\n" in elsewhere.read_text()
    assert loaded(folder).usable(OFFICE).price == 0.0005


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o644])
def test_who_could_read_the_policy_before_can_read_it_afterwards(folder: Path, mode: int) -> None:
    path = office_file(folder)
    path.chmod(mode)
    if os.getuid() == 0:
        # The server's own user and group, where root writes the price.
        os.chown(path, 65_532, 65_533)
    before = path.stat()
    write_price(loaded(folder), folder, OFFICE, 0.0005)
    after = path.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_a_mark_in_front_of_the_text_does_not_stand_in_the_way(folder: Path) -> None:
    path = office_file(folder)
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes())
    write_price(loaded(folder), folder, OFFICE, 0.0005)
    assert loaded(folder).usable(OFFICE).price == 0.0005


def test_a_price_that_was_not_there_is_added_where_it_belongs(folder: Path) -> None:
    path = office_file(folder)
    path.write_text(path.read_text().replace("price_per_minute = 0.0004\n", ""))
    write_price(loaded(folder), folder, OFFICE, 0.00002)
    assert loaded(folder).usable(OFFICE).price == 0.00002


def test_a_price_outside_the_offices_bounds_is_refused_with_the_bound_and_nothing_is_written(
    folder: Path,
) -> None:
    before = office_file(folder).read_bytes()
    with pytest.raises(
        PolicyError, match=r"office-01\.toml: price_per_minute: 0\.003 is outside 0 to 0\.002"
    ):
        write_price(loaded(folder), folder, OFFICE, 0.003)
    assert office_file(folder).read_bytes() == before


def test_an_office_without_a_policy_is_refused_and_gets_none(folder: Path) -> None:
    for office in ("office-77", ""):
        with pytest.raises(PolicyError, match=r"office-77|national"):
            write_price(loaded(folder), folder, office, 0.0005)
    assert [path.name for path in (folder / "offices").glob("office-77*")] == []


def test_a_policy_that_is_refused_is_not_written_to(folder: Path) -> None:
    path = office_file(folder)
    path.write_text(path.read_text().replace("price_per_minute = 0.0004", "price_per_minute = 7"))
    with pytest.raises(PolicyError, match="price_per_minute: 7 is outside"):
        write_price(loaded(folder), folder, OFFICE, 0.0005)
    assert "price_per_minute = 7" in path.read_text()


def test_a_price_moves_to_the_wanted_one_by_a_quarter_at_most() -> None:
    assert next_price(0.0004, 0.00042, BOUNDS) == 0.00042
    assert next_price(0.0004, 0.01, BOUNDS) == pytest.approx(0.0004 * (1 + MOST_CHANGE))
    assert next_price(0.0004, 0.0, BOUNDS) == pytest.approx(0.0004 / (1 + MOST_CHANGE))


def test_a_price_never_leaves_the_offices_bounds() -> None:
    assert next_price(0.0019, 1.0, BOUNDS) == BOUNDS[1]
    assert next_price(0.00011, 0.0, BOUNDS) == BOUNDS[0]
    assert next_price(0.5, 0.5, BOUNDS) == BOUNDS[1]


def test_a_price_of_0_can_rise_again() -> None:
    price = 0.0
    for _ in range(60):
        price = next_price(price, 0.001, (0.0, 0.002))
    assert price == 0.001
