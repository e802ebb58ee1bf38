"""A plan tells nothing that Recommend withholds, whatever is asked for around it."""

from collections.abc import Iterator

import grpc
import pytest

from router.v1 import case_pb2, caseload_pb2
from router.v1 import recommendation_pb2 as pb
from tests.builders import a_case
from tests.unit.router.serving.service_builder import (
    FULL,
    WITHHOLDS,
    Service,
    a_plan_of,
    a_service,
    status_in,
    violations,
)

OFFICE = "withholds"
COUNT = 120


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    with a_service(tmp_path_factory.mktemp("withheld"), withholds=WITHHOLDS) as found:
        yield found


def cases() -> list[case_pb2.Case]:
    """Gives cases of which some are plain, some in doubt and one shielded."""
    kinds = ("NO_PREFERENCE", "PREFERS_MEETING", "PREFERS_DIGITAL", None)
    found = [
        a_case(
            case_ref=f"c-{number}",
            office_ref=OFFICE,
            channel_preference=kinds[number % len(kinds)],
            weeks_registered=number,
            age_band=None if number % 5 == 0 else "30_39",
        )
        for number in range(COUNT - 1)
    ]
    return [*found, case_pb2.Case(shielded=True)]


def _with_months(case: case_pb2.Case, months: int) -> case_pb2.Case:
    other = case_pb2.Case()
    other.CopyFrom(case)
    other.months_since_last_work = months
    return other


def answers(service: Service) -> list[pb.Recommendation]:
    return [service.ask(case, view=FULL) for case in cases()]


@pytest.mark.parametrize("hours", [150, 250, 700])
def test_the_plan_withholds_the_same_cases_as_recommend_and_plans_them_at_their_public_floor(
    service: Service, hours: float
) -> None:
    plan, planned = service.plan(*a_plan_of(cases(), OFFICE, hours))
    alone = answers(service)
    held = [one.status == pb.STATUS_WITHHELD for one in alone]
    assert 20 < sum(held) < COUNT - 20
    assert [one.status == pb.STATUS_WITHHELD for one in planned] == held
    assert plan.withheld == sum(held)
    assert plan.floor_minutes <= plan.adviser_minutes <= plan.budget_minutes == hours * 60
    assert sum(one.adviser_minutes for one in planned) == plan.adviser_minutes

    mixes = service.live.snapshot.catalogue.mixes
    minutes = {mix.id: mix.adviser_minutes for mix in mixes}
    for one, answer in zip(planned, alone, strict=True):
        if one.status == pb.STATUS_WITHHELD:
            assert not one.mix_id
            assert one.at_floor
            assert one.adviser_minutes == min(minutes[mix] for mix in answer.permitted_mixes)
        else:
            assert bool(one.mix_id) == (one.status != pb.STATUS_MANUAL_ONLY)


def test_a_plan_for_one_withheld_case_is_the_same_whatever_the_model_thinks_of_it(
    service: Service,
) -> None:
    # Only plain advice is withheld: a case that gets it with either value.
    held, other = next(
        (case, other)
        for case in cases()
        for other in [_with_months(case, 6)]
        if service.ask(case).disclosure == pb.DISCLOSURE_CONTROL
        and service.ask(other).disclosure == pb.DISCLOSURE_CONTROL
    )
    plans = []
    for one in (held, other):
        plan, planned = service.plan(*a_plan_of([one], OFFICE, 100))
        plan.plan_id = ""
        plans.append((plan, planned))
    assert plans[0] == plans[1]
    assert plans[0][0].expected_outcomes == 0
    assert not any(more.cases for more in plans[0][0].more_hours)


def test_too_few_hours_are_told_with_the_floors_of_all_cases(service: Service) -> None:
    with pytest.raises(grpc.RpcError) as error:
        service.plan(*a_plan_of(cases(), OFFICE, 0))
    assert error.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    plan, _ = service.plan(*a_plan_of(cases(), OFFICE, 10_000))
    assert "0 adviser minutes are too few" in str(error.value.details())
    assert plan.adviser_minutes > 0


@pytest.mark.parametrize(("office", "unknown"), [("", False), ("office-01", False), ("x", True)])
def test_a_plan_tells_that_its_office_has_no_policy(
    service: Service, office: str, unknown: bool
) -> None:
    before = service.value("router_unknown_office_total")
    plan, _ = service.plan(*a_plan_of([a_case()], office, 10))
    assert plan.office_unknown == unknown
    assert service.value("router_unknown_office_total") == before + unknown


@pytest.mark.parametrize(
    ("cases_", "field"), [([], "cases"), ([case_pb2.Case()], "cases[0]")], ids=["none", "empty"]
)
def test_a_message_without_a_case_is_refused(
    service: Service, cases_: list[case_pb2.Case], field: str
) -> None:
    with pytest.raises(grpc.RpcError) as error:
        service.plan(*a_plan_of(cases_, "", 10))
    assert error.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    assert "empty" in violations(status_in(error.value))[field]


def test_a_message_that_is_neither_header_nor_cases_is_refused(service: Service) -> None:
    with pytest.raises(grpc.RpcError) as error:
        service.plan(caseload_pb2.PlanCaseloadRequest())
    assert "part" in violations(status_in(error.value))
