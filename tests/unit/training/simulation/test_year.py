"""The simulated year: the ledger finds what the simulation knows to be true, to the minute."""

import json
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from router.commands.ledger import ledger as ledger_command
from router.journal.opening import open_journal
from router.journal.verification import verify
from router.ledger.account import Ledger, account
from router.ledger.arithmetic import Balance
from router.ledger.by_case import read_by_case
from router.ledger.overrides import OwnViews, Place
from router.ledger.reading import read_entries
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from tests.builders import ROOT
from training.simulation.year import Extent, simulate_year
from training.simulation.year_offices import Lots

Truth = dict[str, Any]
SMALL = Extent(seed=5, offices=2, weeks=26, cases_a_week=40)


def simulated(folder: Path, extent: Extent) -> Truth:
    return simulate_year(folder, extent, models=ROOT / "models", policies=ROOT / "policies")


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("year") / "out"
    simulated(folder, SMALL)
    return folder


@pytest.fixture(scope="module")
def truth(year: Path) -> Truth:
    found: Truth = json.loads((year / "truth.json").read_text(encoding="utf-8"))
    return found


@pytest.fixture(scope="module")
def ledgers(year: Path, truth: Truth) -> dict[str, Ledger]:
    catalogue = load_catalogue(year / "policies" / "mixes.toml")
    policies = load_policies(year / "policies", catalogue)
    store = open_journal(f"sqlite:///{year}/journal.db", create=False)
    entries, erased = read_entries(store)
    store.close()
    assert (policies.refused, erased) == ({}, 0)
    days = (date.fromisoformat(truth["from"]), date.fromisoformat(truth["to"]))
    return {
        office: account(entries, {office: one}, catalogue, *days, as_of=days[1])
        for office, one in policies.offices.items()
    }


def balance_of(true: Truth) -> Balance:
    return Balance(
        **{name: true.get(name, 0) for name in ("cases", "baseline", "used", "released", "reused")}
    )


@pytest.mark.parametrize("basis", ["estimated", "measured"])
def test_the_ledgers_sums_are_the_simulations_to_the_minute(
    ledgers: dict[str, Ledger], truth: Truth, basis: str
) -> None:
    assert set(ledgers) == set(truth["offices"]) == {"synthetic-1", "synthetic-2"}
    for office, ledger in ledgers.items():
        true = truth["offices"][office][basis]
        assert getattr(ledger.total, basis) == balance_of(true)
        assert [getattr(one, basis) for one in ledger.tiers] == [
            balance_of(true["tiers"].get(one.name, {})) for one in ledger.tiers
        ]


def test_choices_outcomes_and_what_is_waited_for_are_counted_right(
    ledgers: dict[str, Ledger], truth: Truth
) -> None:
    for office, ledger in ledgers.items():
        true = truth["offices"][office]
        for direction, count in ledger.choices.items():
            assert count == true["choices"].get(direction, 0)
        assert ledger.reached is not None
        assert round(ledger.reached.value * ledger.outcomes) == true["reached"]
        assert (ledger.cases, ledger.outcomes) == (true["cases"], true["outcomes"])
        waiting = ledger.due.without_choice + ledger.due.lately
        assert waiting == true["waiting_for_choice"]
        # Those whose plan still runs are not waited for yet.
        assert ledger.due.without_outcome <= true["waiting_for_outcome"]


def test_minutes_per_contact_are_those_that_were_spent(
    ledgers: dict[str, Ledger], truth: Truth
) -> None:
    for office, ledger in ledgers.items():
        for one in ledger.contacts:
            true = truth["offices"][office]["channels"][one.channel]
            assert one.reports == true["reports"]
            if one.minutes is not None:
                assert one.minutes.value == pytest.approx(true["minutes"] / true["contacts"])


def test_calls_take_longer_than_the_catalogue_says_as_they_become_fewer(
    ledgers: dict[str, Ledger],
) -> None:
    for ledger in ledgers.values():
        (calls,) = [one for one in ledger.contacts if one.channel == "PHONE"]
        assert calls.minutes is not None
        assert calls.catalogue is not None
        assert calls.minutes.low > calls.catalogue


def test_the_command_tells_it_in_tens(year: Path, truth: Truth) -> None:
    asked = ["--office", "synthetic-1", "--from", truth["from"], "--to", truth["to"]]
    asked += ["--journal", f"sqlite:///{year}/journal.db", "--policies", str(year / "policies")]
    cases, *hours = (
        float(word.replace(",", ""))
        for word in CliRunner().invoke(ledger_command, asked).output.splitlines()[1].split()[2:7]
    )
    true = truth["offices"]["synthetic-1"]["estimated"]
    assert cases % 10 == 0
    assert 0 <= true["cases"] - cases < 10
    for told, name in zip(hours, ("baseline", "used", "released", "reused"), strict=True):
        assert abs(told - true[name] / 60) < 100


def test_the_year_says_that_it_is_synthetic_and_its_chain_is_intact(
    year: Path, truth: Truth, ledgers: dict[str, Ledger]
) -> None:
    assert truth["synthetic"] is True
    assert "SYNTHETIC" in truth["notice"]
    assert all(ledger.synthetic for ledger in ledgers.values())
    store = open_journal(f"sqlite:///{year}/journal.db", create=False)
    assert verify(store).intact
    store.close()


def test_the_same_seed_gives_the_same_truth_and_another_gives_another(tmp_path: Path) -> None:
    tiny = Extent(offices=1, weeks=2, cases_a_week=10)
    one, same, other = (
        simulated(tmp_path / str(place), replace(tiny, seed=seed))["offices"]
        for place, seed in enumerate((1, 1, 2))
    )
    assert one == same
    assert one != other


def test_a_folder_with_something_in_it_is_refused(year: Path) -> None:
    with pytest.raises(ValueError, match="is not empty"):
        simulated(year, SMALL)


def test_own_views_come_before_advice_that_a_lottery_chose(tmp_path: Path) -> None:
    lots = Lots(own_view=0.3, exploration=0.2)
    simulated(tmp_path / "out", replace(SMALL, lots=lots))
    store = open_journal(f"sqlite:///{tmp_path}/out/journal.db", create=False)
    assert verify(store).intact
    found = read_by_case(store, OwnViews)
    store.close()
    counts = {place: int((found.place == place).sum()) for place in Place}
    assert min(counts.values()) > 0
    # By the recorded chances the own view and the model's best each stand for all that were drawn.
    drawn = counts[Place.OWN] + counts[Place.BEST] + counts[Place.OTHER]
    for place in (Place.OWN, Place.BEST):
        assert found.weight[found.place == place].sum() == pytest.approx(drawn, rel=0.4)
    # Some do as they saw it, whatever was advised; others go along with it.
    assert {0, 1} <= set(found.followed[found.place == Place.BEST].tolist())
