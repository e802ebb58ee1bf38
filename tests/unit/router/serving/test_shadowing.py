"""A shadow is asked about every case, answers none, and is told of in metrics and journal."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Never

import pytest
from prometheus_client import CollectorRegistry

from router.advice.recommender import Advice
from router.advice.shadow import Shadow
from router.journal.opening import open_journal
from router.journal.record import RECOMMENDATION
from router.journal.retention import of_case
from router.journal.shadow import SHADOW, Compared, compared
from router.journal.store import JournalStore
from router.serving.durable import DurableJournal
from router.serving.metrics import Metrics
from router.serving.shadowing import WAITING_AT_MOST, Shadowing
from router.serving.telling import TOLD_TOGETHER
from router.v1 import recommendation_pb2
from router.versions.registry import read_info
from tests.builders import a_case, a_catalogue
from tests.unit.router.serving.service_builder import Service, a_service
from tests.unit.router.versions.models_builder import SHIPPED, another_version, shipped_models

CASES = 2 * TOLD_TOGETHER
AGES = ("18_24", "25_29", "30_39", "40_49", "50_59", "60_66")


@pytest.fixture
def models(tmp_path: Path) -> Path:
    folder = shipped_models(tmp_path)
    another_version(folder, "second")
    return folder


def serving(models: Path, shadow: str) -> AbstractContextManager[Service]:
    return a_service(models.parent, models, shadow=shadow)


def ask_many(service: Service) -> list[recommendation_pb2.Recommendation]:
    return [
        service.ask(a_case(case_ref=f"c-{n}", weeks_registered=9 * n, age_band=AGES[n % 6]))
        for n in range(CASES)
    ]


def kept(models: Path) -> JournalStore:
    return open_journal(f"sqlite:///{models.parent / 'journal.db'}", create=False)


def total(found: Sequence[Compared], name: str) -> int:
    return sum(getattr(one, name) for one in found)


def test_a_second_version_is_asked_about_every_case_and_answers_none(models: Path) -> None:
    second = read_info(models / "second").sha256
    with serving(models, "second") as service:
        answers = ask_many(service)
        assert service.value("router_shadow_info", shadow="second", sha256=second) == 1
    assert {one.model_version for one in answers} == {SHIPPED}

    found = compared(kept(models))
    assert {one.shadow for one in found} == {"second"}
    assert total(found, "cases") == CASES
    assert 0 < total(found, "agreed") < CASES
    by_mix = {mix.id: mix.adviser_minutes for mix in a_catalogue().mixes}
    assert {one.mix for one in found} <= by_mix.keys()

    # Metrics tell of many together, or not yet: never more than the journal.
    told = {
        (one.mix, agrees): service.value(
            "router_shadow_compared_total", shadow="second", mix=one.mix, agrees=agrees
        )
        for one in found
        for agrees in ("yes", "no")
    }
    assert CASES - TOLD_TOGETHER < sum(told.values()) <= CASES
    assert all(told[one.mix, "yes"] <= one.agreed for one in found)
    ways = [
        service.value(name, shadow="second")
        for name in (
            "router_shadow_more_adviser_seconds_total",
            "router_shadow_less_adviser_seconds_total",
        )
    ]
    assert max(ways) > 0


def test_todays_rule_is_a_shadow_within_the_safeguards(models: Path) -> None:
    with serving(models, "rule") as service:
        # Good opportunities: by the rule self-service, which somebody reserved may not get.
        service.ask(a_case(case_ref="plain"))
        service.ask(a_case(case_ref="reserved", digitally_reserved="YES"))
    store = kept(models)
    found = {one.mix: one for one in compared(store)}
    assert {one.shadow for one in found.values()} == {"rule"}
    assert total(list(found.values()), "cases") == 2


def test_what_a_shadow_said_is_erased_with_its_case(models: Path) -> None:
    with serving(models, "second") as service:
        service.ask(a_case(case_ref="mine"))
        service.ask(a_case(case_ref="other"))
    store = kept(models)
    ids = [one.id for one in of_case(store, "mine")]
    assert [one.kind for one in store.find(ids)] == [RECOMMENDATION, SHADOW]
    store.erase(ids)
    assert total(compared(store), "cases") == 1


def test_of_a_shielded_case_no_shadow_hears(models: Path) -> None:
    with serving(models, "second") as service:
        service.ask(a_case(shielded=True))
    assert not list(kept(models).read(kinds=(SHADOW,)))


class _Failing(Shadow):
    def opinions(self, advice: Sequence[Advice]) -> Never:
        raise ZeroDivisionError


def test_a_shadow_that_fails_is_counted_and_no_caller_sees_it(models: Path) -> None:
    with serving(models, "rule") as service:
        snapshot = service.live.snapshot
        failing = _Failing(snapshot.national.recommender.decider, None)
        service.live.snapshot = replace(
            snapshot, national=replace(snapshot.national, shadow=failing)
        )
        assert service.ask(a_case()).mix.id
        assert service.ask(a_case()).mix.id
    assert service.value("router_shadow_missed_total", reason="failed") == 2
    assert not list(kept(models).read(kinds=(SHADOW,)))


def test_a_shadow_that_cannot_be_loaded_is_told_and_taken_once_it_can(models: Path) -> None:
    with serving(models, "third") as service:
        assert service.ask(a_case()).model_version == SHIPPED
        assert service.value("router_part_refused", part="shadow") == 1
        another_version(models, "third")
        assert service.live.refresh()
        assert service.value("router_part_refused", part="shadow") == 0
        service.ask(a_case())
    assert total(compared(kept(models)), "cases") == 1


def test_cases_that_do_not_fit_the_queue_are_let_go_and_counted(models: Path) -> None:
    with serving(models, "rule") as service:
        national = service.live.snapshot.national
        assert national.shadow is not None
        service.ask(a_case())
        row = [0] * len(national.recommender.decider.tables.features.features)
        advice, _ = national.recommender.decide([row], ["c"])
    told = advice[0]._replace(decision=advice[0].decision._replace(mix=0))

    async def flood() -> float:
        metrics = Metrics(CollectorRegistry())
        store = open_journal(f"sqlite:///{models.parent / 'other.db'}")
        journal = DurableJournal(store, metrics, lambda _: None)
        shadowing = Shadowing(journal, metrics.versions)
        assert national.shadow is not None
        # Before the loop has a turn to work any of it off.
        shadowing.see(national.shadow, [told] * (WAITING_AT_MOST + 3))
        value = metrics.registry.get_sample_value(
            "router_shadow_missed_total", {"reason": "behind"}
        )
        await shadowing.end()
        await journal.close(5)
        return value or 0.0

    assert asyncio.run(flood()) == 3
