"""`policy check|show|diff` as an office's leader would use them."""

import shutil
from pathlib import Path

import pytest

from tests.builders import ROOT
from tests.e2e.conftest import router_command
from tests.e2e.test_operations import run
from tests.in_process import Ended, router


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return tmp_path / "policies"


def policy(folder: Path, *words: str) -> Ended:
    return router("policy", *words, "--policies", folder)


def test_check_names_each_version_and_fails_for_a_file_that_would_be_refused(
    policies: Path,
) -> None:
    fine = policy(policies, "check")
    assert fine.code == 0
    assert "office-01: 2027-01+" in fine.out
    (policies / "offices" / "bad.toml").write_text("minutes_per_week = 1\n")
    bad = run(*router_command("policy", "check", "--policies", str(policies)))
    assert bad.returncode == 1
    assert "bad: refused: " in bad.stderr
    assert "minutes_per_week: 1 is outside 60.0 to 1000000.0" in bad.stderr
    assert policy(policies, "check", "office-01").code == 0


def test_check_refuses_a_catalogue_that_the_server_would_refuse(policies: Path) -> None:
    mixes = policies / "mixes.toml"
    without = mixes.read_text().replace(', instead = ["VIDEO", "OFFICE_MEETING"]', "")
    mixes.write_text(without)
    ended = policy(policies, "check")
    assert ended.code == 1
    assert "national: refused: catalogue 2027-01: " in ended.err
    assert "forbids INTENSIVE_PERSONAL, the mix with most minutes" in ended.err
    assert "office-01: refused: " in ended.err


def test_diff_shows_only_what_differs(policies: Path) -> None:
    told = policy(policies, "diff", "office-01").out.splitlines()
    assert "-safeguards.contact_gap_days = 90" in told
    assert "+safeguards.contact_gap_days = 60" in told
    assert "+weights.need_group.SMALL_OPPORTUNITY = 1.5" in told
    assert not any("no_shows" in line for line in told)


def test_show_tells_values_and_bounds(policies: Path) -> None:
    told = policy(policies, "show", "office-01").out
    assert "safeguards.contact_gap_days = 60   (national: 90)" in told
    assert "contact_gap_days = 14 to 90" in told


def test_an_office_without_a_policy_is_an_error(policies: Path) -> None:
    ended = policy(policies, "show", "nowhere")
    assert ended.code == 2
    assert "office: 'nowhere' has no policy; known are office-01" in ended.err
