"""The price follows what has arrived: read from the journal, told in words, written when asked."""

import dataclasses
import shutil
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from router.advice.recommender import Recommender
from router.cases.features import FEATURES
from router.commands.price import price
from router.decision.schema import FeatureSet
from router.journal.opening import open_journal
from router.journal.record import JournalBroken
from router.planning.recent_cases import read_arrivals
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from tests.builders import ROOT, a_decider, a_model, a_policy, a_row

OFFICE = "office-01"
WEEK = 7 * 24 * 3600 * 1_000_000
NOW = time.time_ns() // 1000


def recommended(journal: Path, *asked: tuple[str, int, float, str]) -> None:
    """Writes answers for (case reference, weeks registered, weeks ago, office)."""
    decider = a_decider(policy=a_policy(OFFICE))
    recommender = Recommender(a_model(decider.tables), decider)
    store = open_journal(f"sqlite:///{journal}")
    for ref, registered, ago, office in asked:
        row = a_row(weeks_registered=registered).tolist()
        moment = NOW - int(ago * WEEK)
        store.write_batch(recommender.decide([row], [ref], office_refs=[office], now=moment)[1])
    store.close()


def registered(journal: Path, since: float, features: FeatureSet = FEATURES) -> list[int]:
    store = open_journal(f"sqlite:///{journal}", create=False)
    found = read_arrivals(store, features, [OFFICE], NOW - int(since * WEEK), NOW + WEEK)
    store.close()
    slots = found.rows[OFFICE][:, FEATURES.column("weeks_registered")]
    return [int(slot) - 1 for slot in slots]


def test_arrivals_are_the_offices_recent_cases_each_once_as_last_asked_about(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.db"
    recommended(
        journal,
        ("old", 1, 5.0, OFFICE),
        ("a", 2, 3.0, OFFICE),
        ("b", 3, 2.0, "office-02"),
        ("c", 4, 1.0, OFFICE),
        ("a", 5, 0.5, OFFICE),
    )
    assert registered(journal, 4) == [5, 4]
    assert registered(journal, 6) == [1, 5, 4]


def test_a_field_that_came_or_went_since_changes_no_other(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    recommended(journal, ("a", 2, 1.0, OFFICE))
    new = dataclasses.replace(FEATURES.features[0], name="new")
    for now in (FEATURES.features[:-1], (*FEATURES.features, new)):
        assert registered(journal, 4, FeatureSet(features=now)) == [2]


def test_records_with_other_values_of_a_field_than_now_are_refused(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    recommended(journal, ("a", 2, 1.0, OFFICE))
    *others, last = FEATURES.features
    wider = dataclasses.replace(last, values=(*last.values, "SOMETIMES"), upper=last.upper + 1)
    with pytest.raises(JournalBroken, match="can_use_phone has other values"):
        registered(journal, 4, FeatureSet(features=(*others, wider)))


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    return Path(shutil.copytree(ROOT / "policies", tmp_path / "policies"))


def asked(journal: Path, policies: Path, *more: str, office: str = OFFICE) -> Result:
    words = ["--office", office, "--journal", f"sqlite:///{journal}", "--policies", str(policies)]
    return CliRunner().invoke(price, [*words, "--models", str(ROOT / "models"), *more])


def in_force(policies: Path) -> float:
    return load_policies(policies, load_catalogue(policies / "mixes.toml")).usable(OFFICE).price


def test_the_price_is_told_and_written_only_when_asked(tmp_path: Path, policies: Path) -> None:
    journal = tmp_path / "journal.db"
    rng = np.random.default_rng(0)
    recommended(journal, *((f"c-{n}", int(rng.integers(100)), 2.0, OFFICE) for n in range(40)))
    told = asked(journal, policies)
    assert told.exit_code == 0, told.output
    assert "40 cases arrived in 2.0 weeks" in told.output
    # The office has far more minutes than 40 cases need, so the price falls, by a quarter at most.
    assert "Next price: 0.00032" in told.output
    assert in_force(policies) == 0.0004
    assert (
        "The price 0.00032 is in office-01's policy"
        in asked(journal, policies, "--write-price").output
    )
    assert in_force(policies) == 0.00032


def test_as_of_a_day_neither_later_nor_older_cases_are_counted(
    tmp_path: Path, policies: Path
) -> None:
    journal = tmp_path / "journal.db"
    weeks_ago = (9.0, 7.0, 5.0, 3.0, 1.0)
    recommended(journal, *((f"c-{ago}", 2, ago, OFFICE) for ago in weeks_ago))
    day = datetime.fromtimestamp((NOW - 4 * WEEK) / 1_000_000, UTC)
    told = asked(journal, policies, "--as-of", f"{day:%Y-%m-%d}")
    assert "2 cases arrived in 4.0 weeks" in told.output


def test_without_a_week_of_answers_or_any_case_there_is_no_price(
    tmp_path: Path, policies: Path
) -> None:
    young, other = tmp_path / "young.db", tmp_path / "other.db"
    recommended(young, ("a", 2, 0.5, OFFICE))
    recommended(other, ("a", 2, 2.0, "office-02"))
    assert "less than a week" in asked(young, policies, "--write-price").output
    assert "holds no case of office-01" in asked(other, policies, "--write-price").output
    assert in_force(policies) == 0.0004


def test_hours_that_no_price_can_spend_are_told_as_time_to_spare(
    tmp_path: Path, policies: Path
) -> None:
    journal = tmp_path / "journal.db"
    recommended(journal, *((f"c-{n}", 2, 2.0, OFFICE) for n in range(40)))
    told = asked(journal, policies).output
    assert "even at 0 they would take" in told
    assert "there is time to spare" in told


def test_an_office_without_minutes_keeps_no_other_from_its_price(
    tmp_path: Path, policies: Path
) -> None:
    journal = tmp_path / "journal.db"
    (policies / "offices" / "office-02.toml").write_text("")
    recommended(journal, *((f"c-{n}", 2, 2.0, OFFICE) for n in range(40)))
    told = asked(journal, policies, office="ALL")
    assert "Next price" in told.output
    assert "office-02.toml: minutes_per_week: is missing" in told.output
    assert told.exit_code == 1


def test_of_all_offices_each_has_the_price_that_it_has_alone(
    tmp_path: Path, policies: Path
) -> None:
    journal = tmp_path / "journal.db"
    shutil.copy(policies / "offices" / f"{OFFICE}.toml", policies / "offices" / "office-02.toml")
    rng = np.random.default_rng(0)
    cases = [(f"c-{n}", int(rng.integers(100)), 2.0, f"office-0{n % 3 + 1}") for n in range(60)]
    recommended(journal, *cases)
    alone = asked(journal, policies, office="office-02").output
    every = asked(journal, policies, "--write-price", office="ALL")
    assert every.exit_code == 0, every.output
    assert f"office-02:\n{alone}The price 0.00032 is in office-02's policy." in every.output
    assert in_force(policies) == 0.00032


def test_an_office_without_a_price_keeps_none_of_the_others_from_theirs(
    tmp_path: Path, policies: Path
) -> None:
    journal = tmp_path / "journal.db"
    (policies / "offices" / "office-00.toml").write_text("price_per_minute = 0.0005\n")
    shutil.copy(policies / "offices" / f"{OFFICE}.toml", policies / "offices" / "office-02.toml")
    recommended(journal, *((f"c-{n}", n, 2.0, OFFICE) for n in range(40)))
    told = asked(journal, policies, "--write-price", office="ALL")
    assert told.exit_code == 1
    assert "office-00.toml: minutes_per_week: is missing" in told.output
    assert "holds no case of office-02" in told.output
    assert in_force(policies) == 0.00032


def test_a_clock_that_stepped_backwards_hides_no_arrival(tmp_path: Path) -> None:
    journal = tmp_path / "journal.db"
    recommended(
        journal,
        ("from a clock ahead", 1, -9.0, OFFICE),
        ("a", 2, 3.0, OFFICE),
        ("from a clock behind", 3, 500.0, OFFICE),
        ("b", 4, 1.0, OFFICE),
    )
    assert registered(journal, 4) == [2, 4]
