"""Ten hours more, fewer, or moved to another office: what they give, and when nobody can tell."""

import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from router.commands.hours import hours
from router.planning.allocate import BudgetTooSmall
from router.planning.hours_elsewhere import (
    DRAWS,
    OfficeHours,
    SpendingPath,
    best_move,
    hours_figures,
    range_of,
    worth_of_hours,
)
from router.planning.plan import plan_caseload
from tests.builders import ROOT, a_decider, random_rows
from training.simulation.year import FIRST_DAY, Extent, simulate_year


def test_minutes_buy_the_next_steps_and_give_up_the_last_ones() -> None:
    minutes, worth = np.array([100.0, 300.0, 600.0, 1000.0]), np.array([0.5, 0.6, 0.6, 0.5])
    path = SpendingPath(minutes, worth, 400.0)
    # All of the third step; of the second, two thirds.
    assert path.bought(600) == pytest.approx(0.6)
    assert path.given_up(200) == pytest.approx(0.4)
    # Averaged from minute 100 to 1,300: the second step, the third, and 300 minutes of the last.
    assert path.bought(600, 600) == pytest.approx(600 / 1200 * (0.6 + 0.6 + 0.15))


def test_ten_hours_are_worth_what_a_plan_with_more_hours_gives() -> None:
    decider, rows = a_decider(3, effect=0.05), random_rows(3, 3000)
    floor = plan_caseload(decider, rows, 1e9).allocation.floor_minutes
    budget = floor + 20_000
    found = worth_of_hours(decider, rows, budget)
    # Of ten times as many hours a tenth, since a plan takes whole steps.
    richer, poorer = (plan_caseload(decider, rows, budget + more) for more in (6000, -6000))
    halfway = (richer.allocation.outcome - poorer.allocation.outcome) / 20
    assert found.more[0] == pytest.approx(halfway, rel=0.1)
    assert found.fewer is not None
    assert found.fewer[0] == pytest.approx(halfway, rel=0.1)
    # Each further minute buys less.
    assert found.fewer[0] >= found.more[0]


def test_a_model_that_is_sure_says_so_and_one_that_is_not_has_a_wide_range() -> None:
    rows = random_rows(4, 1000)

    def half(spread: float) -> float:
        decider = a_decider(4, effect=0.05, spread=spread)
        floor = plan_caseload(decider, rows, 1e9).allocation.floor_minutes
        one = range_of(worth_of_hours(decider, rows, floor + 20_000).more)
        return (one.high - one.low) / 2

    assert half(0.1) > 2 * half(0.0)


def test_an_office_whose_floors_take_nearly_all_has_no_ten_hours_to_give() -> None:
    decider, rows = a_decider(5, effect=0.05), random_rows(5, 300)
    floor = plan_caseload(decider, rows, 1e9).allocation.floor_minutes
    assert worth_of_hours(decider, rows, floor + 500).fewer is None
    with pytest.raises(BudgetTooSmall):
        worth_of_hours(decider, rows, floor - 1)
    with pytest.raises(ValueError, match="rows: no case"):
        worth_of_hours(decider, rows[:0], 1000)


def an_office(worth: float, error: float, seed: int, *, gives: bool = True) -> OfficeHours:
    draws = np.append(worth, np.random.default_rng(seed).normal(worth, error, DRAWS))
    return OfficeHours(
        cases=200, price_per_hour=worth / 10, more=draws, fewer=draws if gives else None
    )


def test_the_best_move_goes_from_where_hours_are_worth_least_to_where_most() -> None:
    offices = {name: an_office(worth, 0.02, 1) for name, worth in (("a", 0.3), ("b", 0.1))}
    found = best_move(offices | {"c": an_office(0.7, 0.02, 3), "d": an_office(0.5, 0.02, 4)})
    assert found is not None
    assert (found.giver, found.taker) == ("b", "c")
    assert found.gain.value == pytest.approx(0.6)
    assert found.gain.sign == 1
    # Errors that both have in common move away: what is wrong with both is wrong with neither.
    alike = best_move(offices)
    assert alike is not None
    assert alike.gain.high - alike.gain.low < 1e-9


def test_a_move_among_many_alike_is_not_said_to_help() -> None:
    offices = {f"o{number}": an_office(0.3, 0.1, number) for number in range(12)}
    offices["lucky"] = an_office(0.6, 0.1, 99)
    found = best_move(offices)
    assert found is not None
    # Alone it would be: 0.3 with a standard deviation of 0.14.
    assert found.taker == "lucky"
    assert found.gain.sign == 0
    assert best_move({"a": an_office(0.3, 0.1, 1)}) is None
    none = {name: an_office(0.3, 0.1, 1, gives=False) for name in "ab"}
    assert best_move(none) is None


@pytest.fixture(scope="module")
def year(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hours") / "year"
    extent = Extent(seed=2, offices=2, weeks=4, cases_a_week=60)
    simulate_year(folder, extent, models=ROOT / "models", policies=ROOT / "policies")
    return folder


def asked(year: Path, *more: str) -> Result:
    words = ["--journal", f"sqlite:///{year}/journal.db", "--policies", str(year / "policies")]
    words += ["--models", str(ROOT / "models"), "--as-of", str(FIRST_DAY + timedelta(days=27))]
    return CliRunner().invoke(hours, [*words, *more])


def test_of_all_offices_it_is_told_in_words_and_figures(year: Path, tmp_path: Path) -> None:
    out = tmp_path / "hours.json"
    told = asked(year, "--json", str(out))
    assert told.exit_code == 0, told.output
    figures = json.loads(out.read_text())
    assert sorted(figures["offices"]) == ["synthetic-1", "synthetic-2"]
    assert (figures["hours"], figures["until"]) == (10, str(FIRST_DAY + timedelta(days=27)))
    for one in figures["offices"].values():
        assert one["more"]["low"] < one["more"]["value"] < one["more"]["high"]
    move = figures["best_move"]
    assert {move["from"], move["to"]} == {"synthetic-1", "synthetic-2"}
    between = f"from {move['from']} to {move['to']}"
    said = "cannot be told" if move["gain"]["low"] <= 0 else "would help"
    assert between in told.output.splitlines()[-1]
    assert said in told.output.splitlines()[-1]


def test_figures_are_written_into_json_alone(year: Path) -> None:
    refused = asked(year, "--json", "x.csv").exception
    assert "json: x.csv must end with .json" in str(refused)


def test_the_file_for_the_leaders_page_counts_in_tens() -> None:
    one = replace(an_office(0.3, 0.1, 1), cases=256)
    assert hours_figures({"a": one}, {}, 4.0, "2026-11-28")["offices"]["a"]["cases"] == 250
