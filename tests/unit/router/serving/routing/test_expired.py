"""Answers of a model that has expired: the same advice, and the adviser is told."""

from pathlib import Path
from typing import Any

from router.v1 import recommendation_pb2
from tests.builders import a_case
from tests.unit.router.serving.service_builder import Service, a_service
from tests.unit.router.versions.models_builder import another_version, point, shipped_models

FORMER = "2026-01-01T00:00:00+00:00"
VIEWS: tuple[dict[str, Any], ...] = tuple(
    {"reader": reader, "language": recommendation_pb2.LANGUAGE_EN, "view": 2}
    for reader in (recommendation_pb2.READER_USER, recommendation_pb2.READER_ADVISER)
)


def test_the_advice_is_the_same_and_the_adviser_is_told(tmp_path: Path) -> None:
    models = shipped_models(tmp_path)
    another_version(models, "old", expires_at=FORMER)
    another_version(models, "new")

    def answers(service: Service) -> list[recommendation_pb2.Recommendation]:
        return [service.ask(a_case(), **view) for view in VIEWS]

    point(models, "old")
    with a_service(tmp_path, models=models) as service:
        old = answers(service)
        shielded = service.ask(a_case(shielded=True))
        point(models, "new")
        service.live.refresh_pointers()
        new = answers(service)
    assert [one.model_expired for one in (*old, *new)] == [True, True, False, False]
    # Nothing judged it, so nothing that judged has expired.
    assert not shielded.model_expired
    for before, after in zip(old, new, strict=True):
        assert before.mix == after.mix
        assert before.status == after.status
        assert list(before.doubts) == list(after.doubts)
    user, adviser = old
    assert user.notice == new[0].notice
    assert adviser.notice == (
        "What the advice is based on is old. Consider whether the advice still fits. "
        + new[1].notice
    )
    assert adviser.notice in adviser.text


def test_of_withheld_advice_it_is_told_too(tmp_path: Path) -> None:
    models = shipped_models(tmp_path)
    another_version(models, "old", expires_at=FORMER)
    point(models, "old")
    # Half of the cases are withheld for good: the first of them will do.
    control = "minutes_per_week = 9000\n[disclosure]\ncontrol = 0.5\n"
    with a_service(tmp_path, models=models, withholds=control) as service:
        answers = [
            service.ask(a_case(case_ref=f"c-{number}", office_ref="withholds"))
            for number in range(10)
        ]
    withheld = [one for one in answers if one.status == recommendation_pb2.STATUS_WITHHELD]
    assert withheld
    assert all(one.model_expired for one in withheld)
