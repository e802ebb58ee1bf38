"""PlanCaseload as an office's system meets it, over real gRPC and a real journal."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import grpc
import pytest
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2
from prometheus_client import CollectorRegistry

from router.journal.opening import open_journal
from router.serving.caseload.service import CaseloadPlannerService
from router.serving.durable import DurableJournal
from router.serving.edge import Edge
from router.serving.live import Live, Loader
from router.serving.metrics import Metrics
from router.texts import load_texts
from router.v1 import case_pb2, caseload_pb2, caseload_pb2_grpc
from tests import event_loop
from tests.builders import ROOT, a_case

Request = caseload_pb2.PlanCaseloadRequest
OFFICE = "office-01"
Answer = tuple[caseload_pb2.CaseloadPlan, list[caseload_pb2.PlannedCase]]
Ask = Callable[[Iterable[Request]], Awaitable[Answer]]


@asynccontextmanager
async def serving(journal: Path) -> AsyncIterator[Ask]:
    """Gives a server with nothing but the planner, and a way to ask it."""
    metrics = Metrics(CollectorRegistry())
    loader = Loader(
        models=ROOT / "models",
        policies=ROOT / "policies",
        trusted=None,
        texts=load_texts(),
        metrics=metrics,
    )
    durable = DurableJournal(open_journal(f"sqlite:///{journal}"), metrics, lambda up: None)
    edge = Edge(metrics, 100)
    planner = CaseloadPlannerService(Live(loader), durable)
    edge.add(caseload_pb2_grpc.add_CaseloadPlannerServicer_to_server, planner)
    server = grpc.aio.server()
    server.add_generic_rpc_handlers((edge,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub = caseload_pb2_grpc.CaseloadPlannerStub(channel)

        async def ask(requests: Iterable[Request]) -> Answer:
            answers = [answer async for answer in stub.PlanCaseload(iter(requests), timeout=30)]
            return answers[0].plan, [case for answer in answers[1:] for case in answer.cases.cases]

        try:
            yield ask
        finally:
            await server.stop(None)
            await durable.close(5)


def asked(journal: Path, requests: Iterable[Request]) -> Answer:
    async def once() -> Answer:
        async with serving(journal) as ask:
            return await ask(requests)

    return event_loop.run_whole(once())


def refused(journal: Path, requests: Iterable[Request]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        asked(journal, requests)
    return error.value


def violations(error: grpc.aio.AioRpcError) -> dict[str, str]:
    assert error.code() == grpc.StatusCode.INVALID_ARGUMENT
    request = error_details_pb2.BadRequest()
    assert details(error)[0].Unpack(request)
    return {violation.field: violation.description for violation in request.field_violations}


def details(error: grpc.aio.AioRpcError) -> list[any_pb2.Any]:
    metadata = dict(error.trailing_metadata() or ())
    return list(status_pb2.Status.FromString(metadata["grpc-status-details-bin"]).details)


def a_header(**fields: float) -> Request:
    return Request(header=caseload_pb2.PlanHeader(office_ref=OFFICE, **fields))


def cases(*them: case_pb2.Case) -> Request:
    return Request(cases=caseload_pb2.CaseChunk(cases=them))


def a_caseload(count: int = 60) -> list[case_pb2.Case]:
    groups = ("GOOD_OPPORTUNITIES", "NEEDS_GUIDANCE", "SMALL_OPPORTUNITY")
    return [
        a_case(
            case_ref=f"c-{i}",
            weeks_registered=i % 80,
            need_group=groups[i % 3],
            applications_4w=i % 7,
        )
        for i in range(count)
    ]


def chunks(them: list[case_pb2.Case], size: int = 25) -> Iterator[Request]:
    yield from (cases(*them[start : start + size]) for start in range(0, len(them), size))


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    return tmp_path / "journal.db"


def test_each_case_gets_its_mix_in_order_and_all_stay_within_the_hours(journal: Path) -> None:
    plan, planned = asked(journal, [a_header(hours=70), *chunks(a_caseload())])
    assert [case.case_ref for case in planned] == [f"c-{i}" for i in range(60)]
    assert [case.index for case in planned] == list(range(60))
    assert (
        sum(case.adviser_minutes for case in planned)
        == plan.adviser_minutes
        <= plan.budget_minutes
        == 4200
    )
    assert sum(case.at_floor for case in planned) == plan.at_floor
    assert (plan.cases, plan.weeks, plan.office_ref) == (60, 12, OFFICE)
    assert sum(mix.cases for mix in plan.mixes) == 60
    assert [more.hours for more in plan.more_hours] == [10, 20, 40]
    assert 0 < plan.expected_outcomes < 60
    assert plan.value <= plan.linear_value
    assert plan.policy_version
    assert plan.model_version
    assert plan.price > 0


def test_without_hours_the_offices_minutes_a_week_times_the_mixes_weeks_are_spent(
    journal: Path,
) -> None:
    plan, _ = asked(journal, [a_header(), *chunks(a_caseload())])
    assert plan.budget_minutes == 9000 * 12
    national = Request(header=caseload_pb2.PlanHeader())
    assert (
        "no minutes a week"
        in violations(refused(journal, [national, *chunks(a_caseload())]))["header.hours"]
    )


def test_a_plan_is_on_record_without_any_case_before_it_is_answered(journal: Path) -> None:
    plan, _ = asked(journal, [a_header(hours=100), *chunks(a_caseload())])
    store = open_journal(f"sqlite:///{journal}", create=False)
    (record,) = store.read()
    store.close()
    assert record.kind == "plan"
    assert record.id.hex() == plan.plan_id.replace("-", "")
    payload = json.loads(record.payload or b"")
    assert payload["office_ref"] == OFFICE
    assert payload["adviser_minutes"] == plan.adviser_minutes
    assert payload["policy_version"] == plan.policy_version
    assert payload["model_sha256"]
    assert "c-1" not in json.dumps(payload)


def test_too_few_hours_are_a_failed_precondition_that_names_the_minutes_missing(
    journal: Path,
) -> None:
    error = refused(journal, [a_header(hours=1), *chunks(a_caseload())])
    assert error.code() == grpc.StatusCode.FAILED_PRECONDITION
    failure, info = error_details_pb2.PreconditionFailure(), error_details_pb2.ErrorInfo()
    assert details(error)[0].Unpack(failure)
    assert details(error)[1].Unpack(info)
    assert failure.violations[0].subject == "header.hours"
    missing = float(info.metadata["minutes_missing"])
    assert f"{missing:,.0f} are missing" in failure.violations[0].description
    plan, _ = asked(journal, [a_header(hours=1 + missing / 60), *chunks(a_caseload())])
    assert plan.adviser_minutes == plan.floor_minutes


def test_one_bad_case_refuses_the_whole_plan_and_every_bad_one_is_named_by_its_number(
    journal: Path,
) -> None:
    them = a_caseload()
    them[7].weeks_registered = -1
    them[40].case_ref = "c-3"
    them[59].office_ref = "office-02"
    found = violations(refused(journal, [a_header(hours=100), *chunks(them)]))
    assert found == {
        "cases[7].weeks_registered": "-1 is outside the permitted values: "
        "0 to 520 weeks; 520 means this or more",
        "cases[40].case_ref": "is the same as that of cases[3]",
        "cases[59].office_ref": "is not that of the header",
    }


def test_shielded_cases_are_counted_and_nothing_of_them_is_told_back(journal: Path) -> None:
    them = [*a_caseload(20), a_case(case_ref="secret", shielded=True), case_pb2.Case(shielded=True)]
    plan, planned = asked(journal, [a_header(hours=100), *chunks(them)])
    assert plan.manual_only == 2
    for case in planned[20:]:
        assert (case.case_ref, case.mix_id, case.adviser_minutes, case.status) == ("", "", 0, 3)


def test_a_plan_tells_how_cases_were_read_and_what_the_model_was_trained_on(journal: Path) -> None:
    them = a_caseload(20)
    them[3].weeks_registered = 521
    plan, planned = asked(journal, [a_header(hours=100), *chunks(them)])
    assert plan.synthetic_model
    assert {one.index: list(one.top_coded_fields) for one in planned if one.top_coded_fields} == {
        3: ["weeks_registered"]
    }


@pytest.mark.parametrize(
    ("requests", "field"),
    [
        ([], "header"),
        ([cases(a_case())], "header"),
        ([a_header(hours=1), a_header(hours=1)], "header"),
        ([a_header(hours=1)], "cases"),
        ([Request()], "part"),
        ([a_header(hours=-1)], "header.hours"),
        ([a_header(hours=float("nan"))], "header.hours"),
        ([Request(header=caseload_pb2.PlanHeader(office_ref="010170 12345"))], "header.office_ref"),
        (
            [
                a_header(hours=9e5),
                *(cases(*[case_pb2.Case(shielded=True)] * 10_000) for _ in range(6)),
            ],
            "cases",
        ),
    ],
)
def test_a_stream_that_is_no_caseload_is_refused_by_what_is_wrong(
    journal: Path, requests: list[Request], field: str
) -> None:
    assert field in violations(refused(journal, requests))
