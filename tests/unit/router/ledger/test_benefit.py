"""What the advice shown in a period is worth: estimated and measured, side by side."""

import csv
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bench.control import Setting, compared, drawn
from router.ledger.account import Ledger
from router.ledger.benefit import Benefit, Lack, Measured, Source, benefit
from router.ledger.export import write_csv, write_prometheus
from router.ledger.helps import gains, helps
from router.ledger.shown import (
    FOLLOWED_DAYS,
    UNDRAWN,
    Shown,
)
from router.ledger.words import load_words
from tests.unit.router.ledger.journal_builder import advised, an_effect, chose, told
from tests.unit.router.ledger.test_shown import in_their_tens

WORDS = load_words()["en"]


SHOWN = Shown(
    drawn=True,
    shown=900,
    control=100,
    answered=an_effect(0.0, 0.1),
    outcome=an_effect(0.0498, 0.02),
    minutes=an_effect(-20.4, 5),
    groups={},
    by_model=0.0312,
    by_catalogue=-30.2,
)
FEW = replace(SHOWN, outcome=None, minutes=None, by_model=None, by_catalogue=None)
UNEVEN = replace(FEW, answered=an_effect(0.2, 0.1))
ELSEWHERE = replace(SHOWN, outcome=an_effect(0.01, 0.02))


def test_both_are_the_effect_told_elsewhere_times_the_people_who_were_shown_the_advice(
    ledger: Ledger,
) -> None:
    found = benefit(1200, SHOWN, ELSEWHERE)
    assert found.users == Measured(60.0, 36.0, 84.0)
    assert found.minutes == Measured(-24_000, -30_000, -18_000)
    assert (found.users_by_model, found.minutes_by_catalogue) == (37.2, -36_000)
    # A reader who multiplies what the part above says gets what this part says.
    points = float(helps(SHOWN, WORDS).rows[0].value)
    assert gains(found, WORDS).rows[1].value == f"{points / 100 * 1200:.0f}"


def test_what_rounds_to_nothing_has_no_sign(ledger: Ledger, tmp_path: Path) -> None:
    nothing = an_effect(-0.0002, 0.0001)
    shown = replace(SHOWN, outcome=nothing, minutes=nothing, by_model=-0.0001, by_catalogue=-0.1)
    worth = {"office-a": benefit(1200, shown, ELSEWHERE)}
    write_csv(tmp_path / "l.csv", {"office-a": ledger}, worth)
    write_prometheus(tmp_path / "l.prom", {"office-a": ledger}, {"office-a": shown}, {}, worth)
    for name in ("l.csv", "l.prom"):
        assert not re.search(r"-0\.0\b", (tmp_path / name).read_text())


def test_estimated_and_measured_are_told_apart_and_never_added() -> None:
    said = gains(benefit(1200, SHOWN, ELSEWHERE), WORDS)
    assert [(row.value, row.range, row.basis) for row in said.rows] == [
        ("37", "\u2013", "estimate"),
        ("60", "36 to 84", "measured, 95%"),
        # Minutes fewer are hours released, as everywhere on the page.
        ("600", "\u2013", "estimate"),
        ("400", "300 to 500", "measured, 95%"),
    ]
    assert [row.what.partition(", ")[2] for row in said.rows[:2]] == [
        "estimate by the model",
        "measured against the control group",
    ]


@pytest.mark.parametrize(
    ("own", "said"), [(UNDRAWN, "You have no control group"), (FEW, "control group is too small")]
)
def test_an_office_that_cannot_measure_is_told_what_all_offices_show(own: Shown, said: str) -> None:
    found = benefit(1000, own, ELSEWHERE)
    assert (found.source, found.users) == (Source.ALL, Measured(10.0, -10.0, 30.0))
    assert any(said in one for one in gains(found, WORDS).sentences)


@pytest.mark.parametrize(
    ("cases", "own", "everywhere", "lack", "said"),
    [
        (1000, UNDRAWN, UNDRAWN, Lack.NOT_DRAWN, "no unit withholds advice"),
        (1000, UNDRAWN, FEW, Lack.FEW, "too few cases"),
        (1000, FEW, UNEVEN, Lack.UNEVEN, "outcomes more often"),
        # What all offices show does not mend what is wrong at one.
        (1000, UNEVEN, SHOWN, Lack.UNEVEN, "outcomes more often"),
        (0, SHOWN, SHOWN, Lack.NOT_SHOWN, "saw no advice at once"),
    ],
)
def test_where_nothing_measured_can_be_told_it_says_why(
    cases: int, own: Shown, everywhere: Shown, lack: Lack, said: str
) -> None:
    found = benefit(cases, own, everywhere)
    assert found == Benefit(cases=cases, lack=lack)
    page = gains(found, WORDS)
    assert said in page.sentences[0]
    assert page.rows == ()


def test_files_have_both_with_their_basis_in_the_row_of_all_weeks(
    tmp_path: Path, ledger: Ledger
) -> None:
    benefits = {
        "a": benefit(1200, SHOWN, ELSEWHERE),
        "b": benefit(1200, FEW, UNDRAWN),
    }
    write_csv(tmp_path / "ledger.csv", {"a": ledger, "b": ledger}, benefits)
    rows = list(csv.DictReader((tmp_path / "ledger.csv").read_text().splitlines()))
    first, second = (row for row in rows if row["week"] == row["tier"] == "ALL")
    assert (first["benefit_cases"], first["effect_from"]) == ("1200", "own")
    assert [first[f"users_{one}"] for one in ("by_model", "measured", "measured_low")] == [
        "37.2",
        "60.0",
        "36.0",
    ]
    assert (second["effect_lacks"], second["users_measured"]) == ("not_drawn", "")
    assert {row["benefit_cases"] for row in rows if row["week"] != "ALL"} == {""}

    path = tmp_path / "ledger.prom"
    write_prometheus(path, {"a": ledger, "b": ledger}, benefits=benefits)
    text = path.read_text()
    name = 'router_benefit_users{basis="measured",effect_from="own",end="low",office="a"}'
    assert f"{name} 36.0" in text
    assert 'router_benefit_adviser_seconds{basis="estimated"' in text
    assert 'router_benefit_users{basis="measured",effect_from="own",end="low",office="b"}' not in (
        text
    )


def test_people_shown_the_advice_are_those_whose_advice_neither_waited_nor_was_withheld(
    tmp_path: Path,
) -> None:
    hidden = [
        advised("control", disclosure="CONTROL"),
        advised("waits", disclosure="AFTER_OWN_VIEW"),
    ]
    records = [*hidden, *(chose(one, "DIALOGUE_AND_PHONE") for one in hidden)]
    ledger = told(tmp_path, [*records, advised("shown"), advised("shielded", mix=None)])
    assert (ledger.cases, ledger.shown) == (3, 1)


def test_what_the_model_expects_of_choices_is_compared_by_the_draws_alone() -> None:
    cases = drawn(Setting(name="", offices=3, control=0.3), 7)
    rng = np.random.default_rng(7)
    # Who sees the advice follows it; who does not takes what is worth 3 points less, in 20 minutes.
    gain = np.where(cases.control, -0.03, 0.0) + rng.normal(0, 0.01, len(cases))
    cases = replace(cases, gain=gain, longer=np.where(cases.control, 20.0, 0.0))
    told = in_their_tens(cases)
    offices = sorted(set(told.office.tolist()))
    found = compared(told, offices, 365 + FOLLOWED_DAYS)
    assert found.by_model == pytest.approx(0.03, abs=0.001)
    assert found.by_catalogue == pytest.approx(-20)
    unknown = replace(cases, gain=np.where(cases.control, np.nan, cases.gain))
    assert compared(in_their_tens(unknown), offices, 800).by_model is None
