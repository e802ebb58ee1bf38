"""Who may call what, for which offices: every method, by every role, for every office."""

from __future__ import annotations

import itertools
import json
import re
import subprocess
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pool, message_factory
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2

from router.journal.recommendation import read_recommendation
from router.journal.stores.sqlite import SqliteJournal
from router.journal.verification import verify
from router.serving import reflection
from router.serving.callers.rules import RULES, Offices
from router.serving.server import SERVICES
from router.v1 import caseload_pb2, channel_router_pb2, feedback_pb2
from tests.authority import AUDIENCE, ISSUER, Issuer, key_set
from tests.builders import a_case, put
from tests.e2e.conftest import Server, closed, start, tool

OURS, THEIRS = "office-01", "office-02"
ROLES = {
    "case-system": [one for one in RULES if "ChannelRouter/" in one or "/Record" in one],
    "reviewer": [one for one in RULES if "Review" in one],
    "planner": ["router.v1.CaseloadPlanner/PlanCaseload"],
    "observer": [one for one in RULES if ".Models/" in one or one.startswith("grpc.")],
}
OFFICES = {"one": [OURS], "all": ["*"], "none": [""]}
# Seconds.
HOUR = 3600
# A method of health that anyone may call, as probes do.
OPEN = "grpc.health.v1.Health/Check"
DECISION, REVIEW = "decision", "review"


def callers_file() -> str:
    lines = ['version = "matrix"', f'anyone = ["{OPEN}"]', "[roles]"]
    lines += [f"{role} = {json.dumps(methods)}" for role, methods in ROLES.items()]
    lines += [f"everything = {json.dumps(list(RULES))}"]
    for role, (kind, offices) in itertools.product([*ROLES, "everything"], OFFICES.items()):
        name = f"{role}-{kind}"
        lines += ["[[callers]]", f'name = "{name}"', f'roles = ["{role}"]']
        lines += [f"offices = {json.dumps(offices)}", f'tokens = ["{name}"]']
    lines += ["[[callers]]", 'name = "greedy"', 'roles = ["everything"]', 'offices = ["*"]']
    lines += ['tokens = ["greedy"]', "cases_per_second = 2", "burst = 5"]
    return "\n".join(lines)


@dataclass
class World:
    """A server whose callers are known by tokens, and what they do."""

    server: Server
    issuer: Issuer

    def call(self, method: str, caller: str | None, *requests: Any) -> list[Any]:
        """Calls any method by its descriptor; gives the answers.

        Raises:
            grpc.RpcError: if the call fails.
        """
        found = method_of(method)
        answer = message_factory.GetMessageClass(found.output_type)
        kind = f"{_kind(found.client_streaming)}_{_kind(found.server_streaming)}"
        stub = getattr(self.server.channel, kind)(
            f"/{method}", lambda message: message.SerializeToString(), answer.FromString
        )
        token = () if caller is None else (("authorization", f"Bearer {self.token(caller)}"),)
        sent = iter(requests) if found.client_streaming else requests[0]
        came = stub(sent, metadata=token, timeout=10)
        if not found.server_streaming:
            return [came]
        answers = list(itertools.islice(came, 1))
        came.cancel()
        return answers

    def code(self, method: str, caller: str | None, *requests: Any) -> grpc.StatusCode:
        try:
            self.call(method, caller, *requests)
        except grpc.RpcError as error:
            return error.code()
        return grpc.StatusCode.OK

    def error(self, method: str, caller: str | None, *requests: Any) -> status_pb2.Status:
        with pytest.raises(grpc.RpcError) as error:
            self.call(method, caller, *requests)
        trailers: Any = error.value.trailing_metadata()
        details = dict(trailers).get("grpc-status-details-bin", b"")
        plain = status_pb2.Status(code=error.value.code().value[0], message=error.value.details())
        return status_pb2.Status.FromString(details) if details else plain

    def token(self, caller: str) -> str:
        return self.issuer.token(caller)

    def decision(self, office: str) -> Any:
        request = channel_router_pb2.RecommendRequest(case=a_case(office_ref=office or None))
        (answer,) = self.call("router.v1.ChannelRouter/Recommend", "everything-all", request)
        return answer.recommendation

    def review(self, office: str) -> str:
        request = a_review(self.decision(office).decision_id)
        (answer,) = self.call("router.v1.Feedback/RequestReview", "everything-all", request)
        review: str = answer.review.review_id
        return review


# Knows the descriptors of both names of reflection from here on.
reflection.servicer(())
assert health_pb2.DESCRIPTOR.services_by_name


def method_of(method: str) -> Any:
    service, _, name = method.rpartition("/")
    return descriptor_pool.Default().FindServiceByName(service).FindMethodByName(name)


def _kind(streaming: bool) -> str:
    return "stream" if streaming else "unary"


def an_id() -> str:
    return str(uuid.uuid4())


def a_review(decision: str) -> feedback_pb2.RequestReviewRequest:
    return feedback_pb2.RequestReviewRequest(
        request_id=an_id(),
        decision_id=decision,
        asked_by=feedback_pb2.ASKED_BY_USER,
        reason=feedback_pb2.REVIEW_REASON_OTHER,
    )


def requests_of(world: World, method: str, office: str) -> list[Any]:
    """Makes the requests of a good call that has to do with an office."""
    case = a_case(office_ref=office or None)
    name = method.rpartition("/")[2]
    match name:
        case "Recommend":
            return [channel_router_pb2.RecommendRequest(case=case)]
        case "RecommendBatch":
            return [channel_router_pb2.RecommendBatchRequest(cases=[case])]
        case "RecommendStream":
            return [channel_router_pb2.RecommendStreamRequest(case=case)]
        case "ListRecommendations":
            return [channel_router_pb2.ListRecommendationsRequest(case_ref=case.case_ref)]
        case "PlanCaseload":
            part = caseload_pb2.PlanCaseloadRequest
            header = caseload_pb2.PlanHeader(office_ref=office, hours=10)
            return [part(header=header), part(cases=caseload_pb2.CaseChunk(cases=[case]))]
        case "GetReview":
            return [feedback_pb2.GetReviewRequest(review_id=world.review(office))]
        case "AnswerReview":
            asked = world.review(office)
            upheld = feedback_pb2.REVIEW_RESULT_UPHELD
            answer = feedback_pb2.AnswerReviewRequest(
                request_id=an_id(), review_id=asked, result=upheld
            )
            return [answer]
        case "GetRecommendation" | "RecordChoice" | "RecordOutcome" | "RecordOwnView":
            return [about_a_decision(name, world.decision(office))]
        case "RequestReview":
            return [a_review(world.decision(office).decision_id)]
        case _:
            found = method_of(method)
            return [message_factory.GetMessageClass(found.input_type)()]


def about_a_decision(name: str, advice: Any) -> Any:
    about, mix = advice.decision_id, advice.mix.id
    match name:
        case "RecordChoice":
            return feedback_pb2.RecordChoiceRequest(
                request_id=an_id(),
                decision_id=about,
                mix_id=mix,
                wished_by=feedback_pb2.WISHED_BY_BOTH,
            )
        case "RecordOutcome":
            return feedback_pb2.RecordOutcomeRequest(
                request_id=an_id(),
                decision_id=about,
                goal_reached=True,
                observed_on=f"{datetime.now(UTC):%Y-%m-%d}",
            )
        case "RecordOwnView":
            return feedback_pb2.RecordOwnViewRequest(
                request_id=an_id(), decision_id=about, mix_id=mix
            )
        case _:
            return channel_router_pb2.GetRecommendationRequest(decision_id=about)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("callers")
    issuer = Issuer()
    (folder / "keys.json").write_bytes(key_set(issuer))
    (folder / "callers.toml").write_text(callers_file())
    server = start(
        folder,
        *("--http", "127.0.0.1:0", "--callers", str(folder / "callers.toml")),
        *("--audit-log", str(folder / "acts.jsonl")),
        *("--token-issuer", ISSUER, "--token-audience", AUDIENCE, "--reload-seconds", "0.05"),
        *("--token-jwks", str(folder / "keys.json")),
    )
    yield World(server, issuer)
    server.channel.close()
    server.process.kill()
    server.process.wait()
    closed(server)


def expected(method: str, role: str, kind: str, office: str) -> grpc.StatusCode:
    """Says what must come of a call, from the callers' file alone."""
    if method == OPEN:
        return grpc.StatusCode.OK
    if method not in ROLES[role]:
        return grpc.StatusCode.PERMISSION_DENIED
    own: grpc.StatusCode = grpc.StatusCode.OK
    if method.endswith("/RecordOwnView"):
        own = grpc.StatusCode.FAILED_PRECONDITION  # the advice was shown, which its office may know
    if kind == "all" or office in OFFICES[kind]:
        return own
    match RULES[method]:
        case Offices.OF_EACH_CASE | Offices.OF_THE_CALL:
            return grpc.StatusCode.PERMISSION_DENIED
        case Offices.OF_THE_DECISION:
            return grpc.StatusCode.NOT_FOUND
        case _:
            return grpc.StatusCode.OK


def outcome(world: World, method: str, caller: str, requests: list[Any]) -> grpc.StatusCode:
    """Calls, and gives the code: of the one case, where cases are refused alone."""
    try:
        answers = world.call(method, caller, *requests)
    except grpc.RpcError as error:
        return error.code()
    first: Any = answers[0] if answers else None
    if hasattr(first, "results"):
        first = first.results[0]
    if first is not None and "error" in first.DESCRIPTOR.fields_by_name and first.HasField("error"):
        return next(one for one in grpc.StatusCode if one.value[0] == first.error.code)
    return grpc.StatusCode.OK


def test_every_method_that_is_served_has_a_rule() -> None:
    services = [one.full_name for one in SERVICES]
    services += ["grpc.health.v1.Health", *reflection.NAMES]
    pool = descriptor_pool.Default()
    served = {
        f"{service}/{method.name}"
        for service in services
        for method in pool.FindServiceByName(service).methods
    }
    assert served == set(RULES)


@pytest.mark.parametrize("method", RULES)
def test_every_method_is_held_to_roles_and_offices(world: World, method: str) -> None:
    by_office = RULES[method] not in {Offices.NONE, Offices.OF_THE_LIST}
    for office in (OURS, THEIRS, "") if by_office else (OURS,):
        # What is read may be read by all in turn; what is recorded is recorded once.
        again = "/Record" not in method and "/Answer" not in method
        kept = requests_of(world, method, office)
        for role, kind in itertools.product(ROLES, OFFICES):
            requests = (
                kept if again or method not in ROLES[role] else requests_of(world, method, office)
            )
            found = outcome(world, method, f"{role}-{kind}", requests)
            assert found is expected(method, role, kind, office), (role, kind, office)


@pytest.mark.parametrize("method", RULES)
def test_without_credentials_nothing_but_what_is_open_is_answered(
    world: World, method: str
) -> None:
    wanted = grpc.StatusCode.OK if method == OPEN else grpc.StatusCode.UNAUTHENTICATED
    assert world.code(method, None, *requests_of(world, method, "")) is wanted


@pytest.mark.parametrize("method", RULES)
def test_who_is_not_in_the_file_learns_no_more_than_who_may_not(world: World, method: str) -> None:
    if method == OPEN:
        return
    requests = requests_of(world, method, OURS)
    stranger = world.error(method, "stranger", *requests)
    role = next(role for role in ROLES if method not in ROLES[role])
    assert stranger == world.error(method, f"{role}-all", *requests)


@pytest.mark.parametrize(
    "method", [method for method, rule in RULES.items() if rule is Offices.OF_THE_DECISION]
)
def test_what_is_another_offices_looks_as_if_it_did_not_exist(world: World, method: str) -> None:
    (request,) = requests_of(world, method, THEIRS)
    field = "review_id" if hasattr(request, "review_id") else "decision_id"
    theirs = world.error(method, "everything-one", request)
    setattr(request, field, (unknown := an_id()))
    nowhere = world.error(method, "everything-one", request)
    known = next(word for word in theirs.message.split() if len(word.strip(",")) == 36)
    assert theirs.message.replace(known.strip(","), unknown) == nowhere.message
    assert theirs.details == nowhere.details


def test_lists_hold_what_is_of_ones_own_offices(world: World) -> None:
    ours, theirs = world.review(OURS), world.review(THEIRS)
    listing = "router.v1.Feedback/ListReviews"

    def listed(caller: str, **asked: Any) -> tuple[set[str], set[str], int]:
        request = feedback_pb2.ListReviewsRequest(page_size=200, **asked)
        (answer,) = world.call(listing, caller, request)
        offices = {one.office_ref for one in answer.reviews}
        return {one.review_id for one in answer.reviews}, offices, answer.open

    mine, offices, number = listed("reviewer-one")
    assert ours in mine
    assert theirs not in mine
    assert offices == {OURS}
    assert number == len(mine)
    assert {ours, theirs} <= listed("reviewer-all")[0]
    asked = feedback_pb2.ListReviewsRequest(office_ref=THEIRS)
    assert world.code(listing, "reviewer-one", asked) is grpc.StatusCode.PERMISSION_DENIED

    reading = channel_router_pb2.ListRecommendationsRequest(case_ref="c-1", page_size=1)
    seen = set()
    while True:
        method = "router.v1.ChannelRouter/ListRecommendations"
        (page,) = world.call(method, "case-system-one", reading)
        seen |= {one.office_ref for one in page.recommendations}
        if not page.next_page_token:
            break
        reading.page_token = page.next_page_token
        reading.page_size = 200
    assert seen == {OURS}


def test_a_request_id_of_another_office_tells_nothing_of_what_it_recorded(world: World) -> None:
    advice = world.decision(THEIRS)
    theirs = about_a_decision("RecordChoice", advice)
    world.call("router.v1.Feedback/RecordChoice", "everything-all", theirs)
    ours = about_a_decision("RecordChoice", world.decision(OURS))
    ours.request_id = theirs.request_id
    told = world.error("router.v1.Feedback/RecordChoice", "everything-one", ours)
    assert advice.decision_id not in str(told)
    assert advice.mix.id not in str(told)
    (detail,) = told.details
    why = error_details_pb2.ErrorInfo()
    detail.Unpack(why)
    assert (why.reason, dict(why.metadata)) == ("REQUEST_ID_USED", {})


@pytest.mark.parametrize("name", ["RecordChoice", "RecordOutcome"])
def test_who_guesses_what_stands_is_not_told_by_which_id_it_may_be_corrected(
    world: World, name: str
) -> None:
    first = about_a_decision(name, world.decision(OURS))
    (told,) = world.call(f"router.v1.Feedback/{name}", "case-system-one", first)
    assert told.record_id == first.request_id
    again = type(first)()
    again.CopyFrom(first)
    again.request_id = an_id()
    (own,) = world.call(f"router.v1.Feedback/{name}", "case-system-one", again)
    (another,) = world.call(f"router.v1.Feedback/{name}", "case-system-all", again)
    assert (own.record_id, another.record_id) == (first.request_id, "")


def test_a_shielded_case_needs_no_office_and_names_no_caller(world: World) -> None:
    request = channel_router_pb2.RecommendRequest(case=a_case(shielded=True))
    (answer,) = world.call("router.v1.ChannelRouter/Recommend", "case-system-one", request)
    journal = SqliteJournal(world.server.journal, create=False)
    (stored,) = journal.find([uuid.UUID(answer.recommendation.decision_id).bytes])
    journal.close()
    recommended = read_recommendation(stored)
    assert recommended is not None
    assert (stored.caller, recommended.office_ref) == ("", "")


def test_the_journal_names_the_caller_of_each_record(world: World) -> None:
    case = a_case(office_ref=OURS)
    request = channel_router_pb2.RecommendRequest(case=case, request_id=an_id())
    (answer,) = world.call("router.v1.ChannelRouter/Recommend", "case-system-one", request)
    choice = about_a_decision("RecordChoice", answer.recommendation)
    world.call("router.v1.Feedback/RecordChoice", "case-system-all", choice)
    method = "router.v1.CaseloadPlanner/PlanCaseload"
    world.call(method, "planner-one", *requests_of(world, method, OURS))

    journal = SqliteJournal(world.server.journal, create=False)
    by_kind = {stored.kind: stored for stored in journal.read()}
    (own,) = journal.find([uuid.UUID(answer.recommendation.decision_id).bytes])
    intact = verify(journal).intact
    journal.close()
    assert own.caller == by_kind["answered"].caller == "case-system-one"
    assert by_kind["choice"].caller == "case-system-all"
    assert by_kind["plan"].caller == "planner-one"
    assert intact


def test_a_greedy_caller_is_refused_until_its_bucket_fills_and_nobody_else(world: World) -> None:
    batch = channel_router_pb2.RecommendBatchRequest(cases=[a_case()] * 20)
    method = "router.v1.ChannelRouter/RecommendBatch"
    (answer,) = world.call(method, "greedy", batch)
    assert len(answer.results) == 20
    told = world.error(
        "router.v1.ChannelRouter/Recommend",
        "greedy",
        *requests_of(world, "router.v1.ChannelRouter/Recommend", OURS),
    )
    assert told.code == grpc.StatusCode.RESOURCE_EXHAUSTED.value[0]
    retry = error_details_pb2.RetryInfo()
    assert told.details[0].Unpack(retry)
    # Fifteen cases too many, of which two a second come in.
    assert 4 < retry.retry_delay.seconds + retry.retry_delay.nanos / 1e9 <= 8
    assert len(world.call(method, "everything-all", batch)[0].results) == 20
    scraped = world.server.scrape()
    assert 'router_refused_callers_total{caller="greedy",reason="RATE"}' in scraped
    # Health is not what anybody is greedy with.
    health = "grpc.health.v1.Health/Watch"
    assert world.code(health, "greedy", *requests_of(world, health, "")) is grpc.StatusCode.OK


def test_how_many_keys_verify_tokens_and_how_old_they_are_is_told(world: World) -> None:
    scraped = world.server.scrape()
    assert "router_token_keys 1.0" in scraped
    (age,) = re.findall(r"^router_token_keys_age_seconds (\S+)$", scraped, re.MULTILINE)
    assert 0 <= float(age) < HOUR


def test_a_changed_file_is_taken_a_bad_one_is_not_and_both_are_on_record(world: World) -> None:
    folder = world.server.journal.parent
    path, acts = folder / "callers.toml", folder / "acts.jsonl"
    method = "router.v1.Models/ListModels"
    (request,) = requests_of(world, method, "")
    new = '\n[[callers]]\nname = "new"\nroles = ["observer"]\noffices = []\ntokens = ["new"]\n'
    assert world.code(method, "new", request) is grpc.StatusCode.PERMISSION_DENIED
    put(path, callers_file() + new)
    while world.code(method, "new", request) is not grpc.StatusCode.OK:
        pass

    put(path, "no TOML")
    while "router_callers_file_refused 1.0" not in world.server.scrape():
        pass
    assert world.code(method, "new", request) is grpc.StatusCode.OK
    path.unlink()
    assert world.code(method, "new", request) is grpc.StatusCode.OK
    put(path, callers_file())
    while world.code(method, "new", request) is grpc.StatusCode.OK:
        pass

    # What is done is on record a moment after it is in force.
    changed, kinds = ("policy changed", "callers"), list[tuple[str, str]]()
    while kinds.count(changed) < 2:
        lines = [json.loads(line) for line in acts.read_text().splitlines()]
        kinds = [(one["act"], one["part"]) for one in lines]
    assert (kinds[0], kinds[-1]) == (changed, changed)
    assert ("policy refused", "callers") in kinds[1:-1]
    assert lines[0]["before"] == lines[-1]["after"] != lines[0]["after"]
    assert acts.stat().st_mode & 0o777 == 0o600


def bad_tokens(issuer: Issuer) -> dict[str, tuple[str, ...]]:
    """Gives what does not make anybody the caller "everything-all"."""
    name = "everything-all"
    unsigned = issuer.token(name).rpartition(".")[0] + "."
    return {
        "unsigned": (f"Bearer {unsigned}",),
        "expired": (f"Bearer {issuer.token(name, exp=1)}",),
        "for another": (f"Bearer {issuer.token(name, aud='other')}",),
        "of another": (f"Bearer {issuer.token(name, iss='https://evil.example')}",),
        "by another": (f"Bearer {Issuer().token(name)}",),
        "of a person": (f"Bearer {issuer.token(name, idtyp=None, scp='access')}",),
        "without a caller": (f"Bearer {issuer.token(name, azp=None)}",),
        "named otherwise": (f"Bearer {issuer.token(name, azp=None, azp_name=name, appid=name)}",),
        "of another scheme": (f"Basic {issuer.token(name)}",),
        "nothing": ("Bearer ", ""),
        "twice": (f"Bearer {issuer.token(name)}",) * 2,
        "twice, one bad": (f"Bearer {issuer.token(name)}", "Bearer x"),
    }


@pytest.mark.parametrize("which", bad_tokens(Issuer()))
def test_a_bad_token_makes_nobody_a_caller_and_is_not_told_why(world: World, which: str) -> None:
    method = "router.v1.Models/ListModels"
    stub = world.server.models.ListModels
    (request,) = requests_of(world, method, "")
    sent = tuple(("authorization", value) for value in bad_tokens(world.issuer)[which])
    with pytest.raises(grpc.RpcError) as error:
        stub(request, metadata=sent, timeout=5)
    assert error.value.code() is grpc.StatusCode.UNAUTHENTICATED
    assert error.value.details() == "the bearer token is not accepted"


def test_a_name_that_an_owner_chose_makes_nobody_a_caller(world: World) -> None:
    token = world.issuer.token("stranger", azp_name="everything-all", sub="everything-all")
    with pytest.raises(grpc.RpcError) as error:
        (request,) = requests_of(world, "router.v1.Models/ListModels", "")
        sent = (("authorization", f"Bearer {token}"),)
        world.server.models.ListModels(request, metadata=sent, timeout=5)
    assert error.value.code() is grpc.StatusCode.PERMISSION_DENIED


@pytest.mark.parametrize(
    ("sent", "status", "code"),
    [
        (["authorization: Bearer {token}"], 200, ""),
        (["Authorization: bearer {token}"], 200, ""),
        ([], 401, "unauthenticated"),
        (["authorization: Bearer x"], 401, "unauthenticated"),
        (["authorization: Bearer {token}", "authorization: Bearer {token}"], 401, "unauthenti"),
        (["authorization: Bearer {other}"], 403, "permission_denied"),
    ],
)
def test_tokens_are_taken_over_http_too(
    world: World, sent: list[str], status: int, code: str
) -> None:
    words = [tool("curl"), "-s", "-w", "\n%{http_code}", "-d", "{}"]
    words += ["-H", "content-type: application/json"]
    tokens = {"token": world.token("observer-all"), "other": world.token("planner-all")}
    for one in sent:
        words += ["-H", one.format(**tokens)]
    words += [f"http://{world.server.http}/router.v1.Models/ListModels"]
    body, _, told = subprocess.run(
        words, capture_output=True, text=True, check=True
    ).stdout.rpartition("\n")
    assert int(told) == status
    assert code in body
