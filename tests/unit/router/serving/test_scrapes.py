"""Two scrapes around one call: what they differ by says nothing of the case."""

from pathlib import Path
from typing import Any

from prometheus_client import generate_latest

from router.serving.telling import TOLD_TOGETHER
from tests.builders import a_case
from tests.unit.router.serving.service_builder import WITHHOLDS, Service, a_service

# Of calls, of the machine, and of what every call does alike.
_OF_NO_CASE = ("grpc_server_", "router_journal_", "router_calls_", "router_model_age_seconds")


KINDS: tuple[dict[str, Any], ...] = (
    {},
    {"shielded": True},
    {"age_band": None},
    {"language_support": "INTERPRETER"},
)


def scraped(service: Service) -> dict[str, str]:
    """Gives every sample that may tell of a case, as it is read."""
    lines = generate_latest(service.registry).decode().splitlines()
    pairs = (line.rsplit(" ", 1) for line in lines if not line.startswith("#"))
    return {name: value for name, value in pairs if not name.startswith(_OF_NO_CASE)}


def test_nothing_about_a_case_changes_until_twenty_can_be_told_together(tmp_path: Path) -> None:
    with a_service(tmp_path, told_together=TOLD_TOGETHER, withholds=WITHHOLDS) as service:
        before = scraped(service)
        for number in range(TOLD_TOGETHER - 1):
            office = ("", "withholds", "nowhere")[number % 3]
            service.ask(a_case(office_ref=office, case_ref=f"c-{number}", **KINDS[number % 4]))
            assert scraped(service) == before
        service.ask(a_case())
        assert scraped(service) != before
        (told,) = (one for one in service.registry.collect() if one.name == "router_unknown_fields")
        counts = [one.value for one in told.samples if one.name.endswith("_count")]
        assert sum(counts) > 0
