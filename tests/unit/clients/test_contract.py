"""The contract for callers: made from the server's, and with the server's bounds."""

import base64
import os
import subprocess
import sys
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from clients import contract
from router.cases.features import annotation
from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.journal.feedback import CONTACTS_AT_MOST, MINUTES_AT_MOST
from router.serving.caseload.cases import HOURS_AT_MOST
from router.serving.feedback.requests import (
    asked_answer,
    asked_choice,
    asked_outcome,
    asked_review,
    asked_view,
)
from router.serving.routing.service import CASES_AT_MOST, FULL_AT_MOST
from router.serving.status import InvalidRequest
from router.v1 import case_pb2, caseload_pb2, channel_router_pb2, feedback_pb2, recommendation_pb2
from tests.builders import ROOT, a_case

SERVED = {path.name for path in (ROOT / "proto/router/v1").glob("*.proto")}
ID = str(uuid.UUID("5f0c54a5-2b93-4d8a-9a55-0a4a3a5e0c11"))
CHOICE = feedback_pb2.RecordChoiceRequest(
    request_id=ID, decision_id=ID, mix_id="SELF_SERVICE", wished_by=feedback_pb2.WISHED_BY_USER
)
OUTCOME = feedback_pb2.RecordOutcomeRequest(
    request_id=ID, decision_id=ID, outcome=0.5, observed_on="2026-11-20"
)
REVIEW = feedback_pb2.RequestReviewRequest(
    request_id=ID,
    decision_id=ID,
    asked_by=feedback_pb2.ASKED_BY_USER,
    reason=feedback_pb2.REVIEW_REASON_OTHER,
)
TIME = feedback_pb2.ChannelTime(channel=recommendation_pb2.CHANNEL_PHONE, contacts=1, minutes=1)


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Gives a folder with what a caller generates from the contract with rules."""
    folder = tmp_path_factory.mktemp("stubs")
    protos = ["buf/validate/validate.proto", *(file.name for file in contract.FILES)]
    words = [sys.executable, "-m", "grpc_tools.protoc"]
    words += ["-I", str(contract.FOLDER), "-I", "third_party"]
    subprocess.run([*words, f"--python_out={folder}", *protos], cwd=ROOT, check=True)
    return folder


@pytest.fixture
def judge(stubs: Path) -> Callable[[list[Message]], list[set[str]]]:
    """Gives the fields that protovalidate refuses, of each message."""

    def fields(messages: list[Message]) -> list[set[str]]:
        lines = [
            f"{type(one).__name__} {base64.b64encode(one.SerializeToString()).decode()}\n"
            for one in messages
        ]
        done = subprocess.run(
            [sys.executable, ROOT / "tests/unit/clients/verdicts.py"],
            input="".join(lines),
            cwd=stubs,
            env={**os.environ, "PYTHONPATH": str(stubs)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [set(line.split()) for line in done.stdout.splitlines()]

    return fields


def changed(message: Any, **values: Any) -> Any:
    """Gives a copy with some fields changed."""
    copy = type(message)()
    copy.CopyFrom(message)
    for name, value in values.items():
        if isinstance(value, list):
            copy.ClearField(name)
            getattr(copy, name).extend(value)
        else:
            setattr(copy, name, value)
    return copy


def around_each_bound() -> list[case_pb2.Case]:
    """Gives cases with one field at, below and above each of its bounds, and nothing else."""
    cases = [a_case()]
    for field in case_pb2.Case.DESCRIPTOR.fields:
        note = annotation(field)
        values: list[Any] = []
        if field.type == FieldDescriptor.TYPE_STRING:
            values = ["x" * length for length in (0, 1, note.max_length, note.max_length + 1)]
            values += [ID, "a b", "å/7", " a", "a ", "=a", "a=", "a;b", "a\n", "\u200ba", "名"]
        elif field.enum_type is not None:
            last = max(field.enum_type.values_by_number)
            values = [-1, 0, 1, last, last + 1]
        elif field.type == FieldDescriptor.TYPE_INT32:
            values = [note.lower - 1, note.lower, note.upper, note.upper + 1, 2**31 - 1, -(2**31)]
        for value in values:
            # Each rule takes milliseconds in Python: fields that are not set cost none.
            cases.append(case_pb2.Case(case_ref="c-1", shielded=False))
            setattr(cases[-1], field.name, value)
    return cases


def refused_by_server(case: case_pb2.Case) -> set[str]:
    problems: list[FieldProblem] = []
    encode(case, problems)
    return {problem.field for problem in problems}


def test_the_contract_for_callers_is_what_the_server_s_makes(tmp_path: Path) -> None:
    made = contract.write(tmp_path)
    assert {path.name for path in made} == SERVED
    for path in made:
        kept = contract.FOLDER / path.relative_to(tmp_path)
        assert path.read_text() == kept.read_text(), "make stubs"


def test_a_case_is_refused_for_the_fields_for_which_the_server_refuses_it(
    judge: Callable[[list[Message]], list[set[str]]],
) -> None:
    cases = around_each_bound()
    found = judge([*cases])
    for case, fields in zip(cases, found, strict=True):
        told = {"case_ref" if name == "case_ref.required" else name for name in fields}
        assert told == refused_by_server(case), case


@pytest.mark.parametrize(
    ("asked", "read", "requests"),
    [
        (
            "choice",
            asked_choice,
            [
                CHOICE,
                changed(CHOICE, request_id="1"),
                changed(CHOICE, decision_id=""),
                changed(CHOICE, wished_by=0),
                changed(CHOICE, wished_by=99),
                changed(CHOICE, reason=99),
                changed(CHOICE, corrects=ID),
                changed(CHOICE, corrects="no"),
            ],
        ),
        (
            "outcome",
            asked_outcome,
            [
                OUTCOME,
                changed(OUTCOME, outcome=0),
                changed(OUTCOME, outcome=1),
                changed(OUTCOME, outcome=-0.01),
                changed(OUTCOME, outcome=1.01),
                changed(OUTCOME, outcome=float("nan")),
                changed(OUTCOME, observed_on="20261120"),
                changed(OUTCOME, observed_on=""),
                changed(OUTCOME, time=[TIME]),
                changed(OUTCOME, time=[changed(TIME, channel=0)]),
                changed(OUTCOME, time=[changed(TIME, contacts=CONTACTS_AT_MOST)]),
                changed(OUTCOME, time=[changed(TIME, contacts=CONTACTS_AT_MOST + 1)]),
                changed(OUTCOME, time=[changed(TIME, minutes=MINUTES_AT_MOST)]),
                changed(OUTCOME, time=[changed(TIME, minutes=MINUTES_AT_MOST + 1)]),
                changed(OUTCOME, time=[changed(TIME, minutes=-1)]),
                feedback_pb2.RecordOutcomeRequest(
                    request_id=ID, decision_id=ID, observed_on="2026-11-20"
                ),
            ],
        ),
        (
            "view",
            asked_view,
            [feedback_pb2.RecordOwnViewRequest(request_id=ID, decision_id="x", mix_id="A")],
        ),
        (
            "review",
            asked_review,
            [
                REVIEW,
                changed(REVIEW, asked_by=0),
                changed(REVIEW, reason=0),
                changed(REVIEW, reason=77),
            ],
        ),
        (
            "answer",
            asked_answer,
            [
                feedback_pb2.AnswerReviewRequest(
                    request_id=ID, review_id=ID, result=feedback_pb2.REVIEW_RESULT_UPHELD
                ),
                feedback_pb2.AnswerReviewRequest(request_id=ID, review_id=""),
            ],
        ),
    ],
)
def test_feedback_is_refused_where_the_server_refuses_it(
    judge: Callable[[list[Message]], list[set[str]]],
    asked: str,
    read: Callable[[Any], Any],
    requests: list[Message],
) -> None:
    for request, fields in zip(requests, judge(requests), strict=True):
        try:
            read(request)
            refused = False
        except InvalidRequest:
            refused = True
        assert bool(fields) == refused, (asked, request, fields)


def batch(cases: int, **fields: Any) -> channel_router_pb2.RecommendBatchRequest:
    return channel_router_pb2.RecommendBatchRequest(
        cases=[case_pb2.Case(shielded=True)] * cases, **fields
    )


def test_sizes_ids_and_hours_have_the_bounds_that_the_contract_states(
    judge: Callable[[list[Message]], list[set[str]]],
) -> None:
    one = channel_router_pb2.RecommendRequest(case=a_case())
    expected: list[tuple[Message, bool]] = [
        (one, True),
        (channel_router_pb2.RecommendRequest(), False),
        (channel_router_pb2.RecommendRequest(case=case_pb2.Case(shielded=True)), True),
        (
            channel_router_pb2.RecommendRequest(case=case_pb2.Case(has_eid=case_pb2.TRI_STATE_YES)),
            True,
        ),
        (changed(one, request_id=ID), True),
        (changed(one, request_id="c-1"), False),
        (changed(one, view=9), False),
        (changed(one, language=9), False),
        (batch(0), False),
        (batch(1), True),
        (batch(FULL_AT_MOST, view=channel_router_pb2.VIEW_FULL), True),
        (batch(FULL_AT_MOST + 1, view=channel_router_pb2.VIEW_FULL), False),
        (batch(2, request_ids=[ID, ""]), True),
        (batch(2, request_ids=[ID]), False),
        (batch(1, request_ids=["x"]), False),
        (channel_router_pb2.GetRecommendationRequest(decision_id=ID), True),
        (channel_router_pb2.GetRecommendationRequest(), False),
        (channel_router_pb2.ListRecommendationsRequest(case_ref=ID), True),
        (channel_router_pb2.ListRecommendationsRequest(case_ref=ID, page_size=-1), False),
        (channel_router_pb2.ListRecommendationsRequest(case_ref=ID, page_size=10**6), True),
        (channel_router_pb2.ListRecommendationsRequest(), False),
        (caseload_pb2.PlanHeader(), True),
        (caseload_pb2.PlanHeader(hours=0), True),
        (caseload_pb2.PlanHeader(hours=HOURS_AT_MOST), True),
        (caseload_pb2.PlanHeader(hours=HOURS_AT_MOST + 1), False),
        (caseload_pb2.PlanHeader(hours=float("nan")), False),
    ]
    # Judging a thousand cases in Python takes too long for what one number says.
    bound = f"max_items: {CASES_AT_MOST}\n"
    assert bound in (contract.FOLDER / "router/v1/channel_router.proto").read_text()
    found = judge([message for message, _ in expected])
    for (message, good), fields in zip(expected, found, strict=True):
        assert good == (not fields), (message, fields)


def test_answers_have_no_rules_so_that_they_can_grow() -> None:
    asked = contract.asked_messages()
    assert "Case" in asked
    assert not {"Recommendation", "RecommendResponse", "Review", "CaseloadPlan"} & set(asked)
