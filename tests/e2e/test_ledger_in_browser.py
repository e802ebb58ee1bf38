"""The ledger's page as a leader sees it.

In a real browser, on a desk, on a phone and on paper, in three languages.
"""

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from router.journal.opening import open_journal
from router.ledger.account import account
from router.ledger.benefit import Benefit, Measured, Source
from router.ledger.elsewhere import read_hours
from router.ledger.page import ledger_page
from router.ledger.practice import agreed, practices
from router.ledger.reading import read_entries
from router.ledger.tens import in_tens
from router.ledger.words import load_words
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from tests.builders import ROOT
from tests.e2e.browser import browse, measured
from tests.unit.router.ledger.test_overrides import PLAIN, compared
from training.simulation.year import FIRST_DAY, Extent, simulate_year

WIDTHS = (1280, 500, 380)
PEOPLE = {"value": 0.21, "low": -0.1, "high": 0.5}
HOURS = {
    "hours": 10,
    "weeks": 4.0,
    "until": "2026-03-01",
    "offices": {
        f"synthetic-{one}": {"cases": 210, "more": PEOPLE, "fewer": PEOPLE} for one in (1, 2, 3)
    },
    "best_move": {"from": "synthetic-1", "to": "synthetic-3", "gain": PEOPLE},
}

BENEFIT = Benefit(
    cases=12_610,
    source=Source.ALL,
    own_drawn=True,
    users_by_model=252.2,
    users=Measured(353.08, -592.67, 1286.22),
    minutes_by_catalogue=-252_200.0,
    minutes=Measured(-277_420.0, -403_520.0, -151_320.0),
)


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, str], Path]:
    """Pages by office and language.

    One with hours left over, one that gave more than it released.
    """
    folder = tmp_path_factory.mktemp("pages")
    extent = Extent(seed=3, offices=5, weeks=20, cases_a_week=30)
    simulate_year(folder / "year", extent, models=ROOT / "models", policies=ROOT / "policies")
    catalogue = load_catalogue(folder / "year" / "policies" / "mixes.toml")
    policies = load_policies(folder / "year" / "policies", catalogue)
    store = open_journal(f"sqlite:///{folder}/year/journal.db", create=False)
    entries, erased = read_entries(store)
    store.close()
    words = load_words()
    days: tuple[date, date] = (FIRST_DAY, FIRST_DAY + timedelta(days=7 * extent.weeks))
    found = {}
    hours = folder / "hours.json"
    hours.write_text(json.dumps(HOURS), encoding="utf-8")
    for office, language in (
        ("synthetic-1", "nb"),
        ("synthetic-3", "nb"),
        ("synthetic-2", "nn"),
        ("synthetic-3", "en"),
    ):
        told = in_tens(entries, policies.offices)
        one = {office: policies.offices[office]}
        ledger = account(told, one, catalogue, *days, as_of=days[1])
        each = {ref: agreed(told.where(told.office == ref), *days) for ref in policies.offices}
        beside = practices(each, [office])
        path = folder / f"{office}-{language}.html"
        page = ledger_page(
            ledger,
            beside,
            {},
            catalogue,
            words[language],
            erased=erased,
            benefit=BENEFIT,
            overrides=compared(PLAIN),
            elsewhere=read_hours(hours),
        )
        path.write_text(page, encoding="utf-8")
        found[office, language] = path
    return found


@pytest.fixture(scope="module")
def seen(
    pages: dict[tuple[str, str], Path], tmp_path_factory: pytest.TempPathFactory
) -> dict[int, list[dict[str, Any]]]:
    """What is measured of every page, by its width."""
    views = [(page, width) for width in WIDTHS for page in pages.values()]
    found = measured(tmp_path_factory.mktemp("seen"), *views)
    each = list(zip(views, found, strict=True))
    return {width: [told for (_, at), told in each if at == width] for width in WIDTHS}


@pytest.mark.parametrize("width", WIDTHS)
def test_on_a_desk_and_on_a_phone_nothing_overlaps_is_cut_or_too_small(
    seen: dict[int, list[dict[str, Any]]], width: int
) -> None:
    assert len(seen[width]) == 4
    for found in seen[width]:
        assert found["headings"] == [
            "flow",
            "now",
            "measured",
            "helps",
            "gains",
            "overrides",
            "elsewhere",
            "weeks",
            "contacts",
            "practice",
            "figures",
            "method",
        ]
        assert found["drawings"] == 5
        assert {name: found[name] for name in ("overlaps", "cut", "small")} == {
            "overlaps": [],
            "cut": [],
            "small": [],
        }
        assert found["wide"] <= 0
        assert found["tables"] == []


def test_no_figure_leaves_its_tile_however_long_it_is(
    pages: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    text = pages["synthetic-1", "nb"].read_text(encoding="utf-8")
    long = re.sub(r'(<p class="figure">)[^<]*', "\\1−1\u00a0029\u00a0388 ", text)
    page = tmp_path / "long.html"
    page.write_text(long, encoding="utf-8")
    found = measured(tmp_path, (page, 1280), (page, 500), (page, 390))
    assert [one["out"] for one in found] == [[], [], []]


def test_no_office_is_cut_however_long_its_reference_is(
    pages: dict[tuple[str, str], Path], tmp_path: Path
) -> None:
    reference = "AnOfficeWhoseReferenceHasNoPlaceToBreakAndAllOf63CharactersInIt"
    text = pages["synthetic-3", "en"].read_text(encoding="utf-8")
    # As on the page of several: linked at its top, and a row of a table.
    text = text.replace("<h1>", '<nav><a href="one.html">synthetic-3</a></nav><h1>')
    text = re.sub("highest priority(?=</th>)", '<a href="one.html">synthetic-3</a>', text)
    page = tmp_path / "long.html"
    page.write_text(text.replace("synthetic-3", reference), encoding="utf-8")
    for found in measured(tmp_path, *((page, width) for width in WIDTHS)):
        assert found["wide"] <= 0
        assert found["tables"] == []


def test_it_prints_on_a_few_sheets(pages: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    paper = tmp_path / "ledger.pdf"
    browse(
        tmp_path, pages["synthetic-1", "nb"], "--no-pdf-header-footer", f"--print-to-pdf={paper}"
    )
    assert 3 <= len(re.findall(rb"/Type\s*/Page\b", paper.read_bytes())) <= 7


def test_it_paints_on_a_screen(pages: dict[tuple[str, str], Path], tmp_path: Path) -> None:
    picture = tmp_path / "ledger.png"
    browse(tmp_path, pages["synthetic-1", "nb"], f"--screenshot={picture}")
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert picture.stat().st_size > 50_000  # a blank page of this size has some 5 kB
