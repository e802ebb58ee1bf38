"""A journal that 0.3.0 wrote, in a file and in a database: today's commands read the same in it.

It holds every kind of record: recommendations that were shown, explored or withheld, choices,
corrections, views, outcomes, reviews, answers, plans, an erased case and what has expired.
"""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from router.v1 import channel_router_pb2
from tests.compatibility import readings
from tests.compatibility.kept import Asker, Outcome, a_server
from tests.e2e.conftest import router_command
from tests.postgres_server import PostgresServer
from tests.postgres_server import a_server as a_database

KEPT = readings.kept_readings()


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    server = a_database(fsync=False)
    yield server
    server.remove()


@pytest.fixture(params=readings.PLACES)
def place(request: pytest.FixtureRequest) -> str:
    """Where the journal is kept."""
    return str(request.param)


@pytest.fixture
def journal(place: str, request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """URL of a copy that may be written to."""
    server = request.getfixturevalue("postgres") if place == "postgres" else None
    with readings.the_journal(place, tmp_path, server) as url:
        yield url


def test_its_chain_verifies_up_to_the_head_that_was_noted(journal: str, place: str) -> None:
    said = readings.verify(journal, KEPT["heads"][place])
    assert KEPT["heads"][place] in said
    assert f"{KEPT['records']} records, {KEPT['erased']} erased" in said


def test_its_recommendations_are_exported_as_they_were(journal: str, tmp_path: Path) -> None:
    found = readings.exported(journal, tmp_path)
    assert [_like(row, kept) for row, kept in zip(found, KEPT["exported"], strict=True)] == (
        KEPT["exported"]
    )


def test_the_ledger_comes_to_the_same_figures(journal: str, tmp_path: Path) -> None:
    found, kept = readings.ledger(journal, tmp_path, KEPT["days"]), KEPT["ledger"]
    rows = [_like(row, then) for row, then in zip(found["rows"], kept["rows"], strict=False)]
    assert rows == kept["rows"]
    # All offices together are told behind them.
    assert {row["office"] for row in found["rows"][len(rows) :]} == {"ALL"}
    # What is told beside them is new.
    assert found["samples"].items() >= kept["samples"].items()


@pytest.mark.parametrize("treatment", readings.TREATMENTS)
def test_the_same_logged_cases_are_collected(journal: str, tmp_path: Path, treatment: str) -> None:
    assert readings.collected(journal, tmp_path, treatment) == KEPT["collected"][treatment]


@pytest.mark.parametrize("office", readings.OFFICES)
def test_the_price_follows_its_arrivals(journal: str, tmp_path: Path, office: str) -> None:
    readings.make_young(journal)
    assert readings.price(journal, tmp_path, office) == KEPT["prices"][office]


def test_a_server_knows_what_it_holds_and_goes_on_with_the_chain(
    journal: str, place: str, tmp_path: Path
) -> None:
    with a_server(tmp_path, "--journal", journal) as server:
        asker = Asker(server.channel)
        for method, request, outcome in KEPT["known"][place]:
            assert asker.ask(method, [request]) == Outcome(**outcome)
    said = readings.verify(journal, KEPT["heads"][place])
    assert "the chain is intact" in said
    # And one that seals what 0.3.0 wrote, before the chain goes on in its second version.
    assert f"{KEPT['records'] + 1 + KEPT['new']} records" in said


def test_the_recommendations_of_its_cases_are_read_back_and_erased(
    journal: str, tmp_path: Path
) -> None:
    exported = [row["case_ref"] for row in KEPT["exported"] if row["case_ref"]]
    case_ref = max(set(exported), key=exported.count)
    request = channel_router_pb2.ListRecommendationsRequest(case_ref=case_ref)
    with a_server(tmp_path, "--journal", journal) as server:
        listed = server.router.ListRecommendations(request).recommendations
        assert len(listed) == exported.count(case_ref)
        erase = router_command("journal", "erase", "--journal", journal, "--yes")
        subprocess.run([*erase, "--case", case_ref], check=True, capture_output=True)
        assert not server.router.ListRecommendations(request).recommendations


def _like(row: dict[str, Any], kept: dict[str, Any]) -> dict[str, Any]:
    """The columns that 0.3.0 exported; later versions may export more."""
    return {name: row[name] for name in kept}
