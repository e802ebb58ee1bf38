"""Offices' own policies, swapped under a running server; exploration and withheld advice."""

import json
import re
import shutil
import threading
import uuid
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest

from router.cases.features import FEATURES
from router.v1 import channel_router_pb2, feedback_pb2, models_pb2, recommendation_pb2
from tests.builders import ROOT, a_case, put
from tests.e2e.conftest import Server, router_command, until
from tests.e2e.test_operations import run

StartServer = Callable[..., Server]
Request = channel_router_pb2.RecommendRequest


@pytest.fixture
def policies(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    return tmp_path / "policies"


def ask(
    server: Server,
    case_ref: str = "c-1",
    office: str = "",
    *,
    full: bool = False,
    **changes: object,
) -> recommendation_pb2.Recommendation:
    view = channel_router_pb2.VIEW_FULL if full else channel_router_pb2.VIEW_BASIC
    case = a_case(case_ref=case_ref, **changes)
    case.office_ref = office
    return server.router.Recommend(Request(case=case, view=view), timeout=5).recommendation


def write(policies: Path, office: str, text: str) -> None:
    put(policies / "offices" / f"{office}.toml", f"minutes_per_week = 9000\n{text}")


def test_when_a_look_at_the_disk_last_ended_is_told(start_server: StartServer) -> None:
    server = start_server("--reload-seconds", "0.05")

    def looked_at() -> float:
        (told,) = re.findall(
            r"^router_last_look_timestamp_seconds (\S+)$", server.scrape(), re.MULTILINE
        )
        return float(told)

    before = looked_at()
    assert before > 0
    until(lambda: looked_at() > before)


def test_each_answer_names_the_policy_of_its_office(
    start_server: StartServer, policies: Path
) -> None:
    write(policies, "dear", "price_per_minute = 0.002\n")
    server = start_server("--policies", str(policies))
    plain, dear = ask(server), ask(server, office="dear")
    assert "/dear+" in dear.policy_version
    assert dear.policy_version.startswith(plain.policy_version)
    assert ask(server, office="nowhere").policy_version == plain.policy_version
    cases = [a_case(case_ref=f"c-{n}") for n in range(6)]
    for case, office in zip(cases, ["", "dear"] * 3, strict=True):
        case.office_ref = office
    batch = server.router.RecommendBatch(
        channel_router_pb2.RecommendBatchRequest(cases=cases), timeout=5
    )
    assert [result.index for result in batch.results] == list(range(6))
    assert [result.recommendation.case_ref for result in batch.results] == [
        case.case_ref for case in cases
    ]
    versions = [result.recommendation.policy_version for result in batch.results]
    assert versions == [plain.policy_version, dear.policy_version] * 3


def test_a_changed_policy_is_taken_without_a_dropped_call_and_a_bad_one_is_refused(
    start_server: StartServer, policies: Path
) -> None:
    write(policies, "a", "")
    server = start_server("--policies", str(policies), "--reload-seconds", "0.05")
    first = ask(server, office="a").policy_version
    stop, failed = threading.Event(), list[grpc.RpcError]()
    seen: Counter[str] = Counter()

    def call() -> None:
        while not stop.is_set():
            try:
                seen[ask(server, office="a").policy_version] += 1
            except grpc.RpcError as error:
                failed.append(error)

    callers = [threading.Thread(target=call) for _ in range(4)]
    for caller in callers:
        caller.start()
    try:
        write(policies, "a", "price_per_minute = 0.0009\n")
        until(lambda: len(seen) > 1)
        second = ask(server, office="a").policy_version
        write(policies, "a", "price_per_minute = 9.0\n")
        until(lambda: 'router_policy_refused{office="a"} 1.0' in server.scrape())
    finally:
        stop.set()
        for caller in callers:
            caller.join()
    assert not failed
    assert set(seen) == {first, second}
    assert ask(server, office="a").policy_version == second
    assert 'router_reloads_total{part="office_policy",result="refused"}' in server.scrape()
    write(policies, "a", "")
    until(lambda: ask(server, office="a").policy_version == first)
    assert 'router_policy_refused{office="a"} 0.0' in server.scrape()


def test_another_promoted_model_is_taken_and_a_broken_one_is_not(
    start_server: StartServer, tmp_path: Path
) -> None:
    models = tmp_path / "models"
    before = (ROOT / "models" / "promoted").read_text().strip()
    shutil.copytree(ROOT / "models" / before, models / before)
    shutil.copytree(ROOT / "models" / before, models / "next")
    manifest = json.loads((models / "next" / "manifest.json").read_text())
    (models / "next" / "manifest.json").write_text(json.dumps(manifest | {"version": "next"}))
    (models / "promoted").write_text(f"{before}\n")
    server = start_server("--models", str(models), "--reload-seconds", "0.05")
    assert ask(server).model_version == before
    put(models / "promoted", "next\n")
    until(lambda: ask(server).model_version == "next")
    assert (
        server.models.GetPromotedModel(
            models_pb2.GetPromotedModelRequest(), timeout=5
        ).model.version
        == "next"
    )
    put(models / "promoted", "missing\n")
    until(lambda: 'router_reloads_total{part="model",result="refused"} 1.0' in server.scrape())
    assert ask(server).model_version == "next"
    assert 'version="next"' in server.scrape()


def test_advice_is_withheld_for_the_set_shares_of_cases_and_the_safeguards_are_told(
    start_server: StartServer, policies: Path, tmp_path: Path
) -> None:
    write(policies, "a", "[disclosure]\nafter_own_view = 0.3\ncontrol = 0.1\n")
    server = start_server("--policies", str(policies))
    answers = [
        ask(server, f"c-{n}", "a", full=True, language_support="INTERPRETER") for n in range(150)
    ]
    kinds = Counter(answer.disclosure for answer in answers)
    assert 0.15 < kinds[recommendation_pb2.DISCLOSURE_AFTER_OWN_VIEW] / 150 < 0.45
    assert 0.02 < kinds[recommendation_pb2.DISCLOSURE_CONTROL] / 150 < 0.2
    again = ask(server, "c-7", "a", full=True, language_support="INTERPRETER")
    assert again.disclosure == answers[7].disclosure
    for answer in answers:
        if answer.disclosure:
            assert answer.status == recommendation_pb2.STATUS_WITHHELD
            assert (answer.mix.id, len(answer.options), len(answer.changes)) == ("", 0, 0)
            assert [reason.code for reason in answer.reasons] == ["SAFEGUARD.INTERPRETER"]
            assert "SELF_SERVICE" not in answer.permitted_mixes
            assert "INTENSIVE_PERSONAL" in answer.permitted_mixes
    assert server.stop() == 0
    out = tmp_path / "export.parquet"
    url = f"sqlite:///{server.journal}"
    assert (
        run(*router_command("journal", "export", "--journal", url, "--to", str(out))).returncode
        == 0
    )
    rows = pq.read_table(out).to_pylist()
    assert Counter(row["disclosure"] for row in rows)["SHOWN"] == kinds[
        recommendation_pb2.DISCLOSURE_UNSPECIFIED
    ] + (again.disclosure == recommendation_pb2.DISCLOSURE_UNSPECIFIED)
    assert {row["office_ref"] for row in rows} == {"a"}
    assert all(row["mix"] for row in rows)


def test_withheld_advice_is_revealed_once_the_own_view_is_recorded_and_never_to_the_control_group(
    start_server: StartServer, policies: Path
) -> None:
    write(policies, "a", "[disclosure]\nafter_own_view = 0.3\ncontrol = 0.1\n")
    write(policies, "open", "")
    server = start_server("--policies", str(policies))
    answers = {
        answer.disclosure: answer
        for answer in (ask(server, f"c-{n}", "a", full=True) for n in range(80))
    }
    waiting = answers[recommendation_pb2.DISCLOSURE_AFTER_OWN_VIEW]
    own = feedback_pb2.RecordOwnViewRequest(
        request_id=str(uuid.uuid4()), decision_id=waiting.decision_id, mix_id="BLENDED_OFFICE"
    )
    revealed = server.feedback.RecordOwnView(own, timeout=5).recommendation
    shown = ask(server, waiting.case_ref, "open", full=True)
    assert (revealed.decision_id, revealed.case_ref) == (waiting.decision_id, waiting.case_ref)
    assert (revealed.status, revealed.mix, list(revealed.reasons)) == (
        shown.status,
        shown.mix,
        list(shown.reasons),
    )
    assert server.feedback.RecordOwnView(own, timeout=5).recommendation == revealed
    own.request_id, own.decision_id = (
        str(uuid.uuid4()),
        answers[recommendation_pb2.DISCLOSURE_CONTROL].decision_id,
    )
    with pytest.raises(grpc.RpcError) as error:
        server.feedback.RecordOwnView(own, timeout=5)
    assert error.value.code() is grpc.StatusCode.FAILED_PRECONDITION


def test_explored_mixes_are_near_the_best_and_logged_with_their_chance(
    start_server: StartServer, policies: Path, tmp_path: Path
) -> None:
    write(policies, "a", "[exploration]\nshare = 0.2\nmargin = 0.03\n")
    national = (
        policies / "national.toml"
    )  # a wide margin, so that the mixes of some cases are within it
    national.write_text(
        national.read_text().replace(
            "exploration_margin = [0.0, 0.01]", "exploration_margin = [0.0, 0.05]"
        )
    )

    server = start_server("--policies", str(policies))
    ages = FEATURES["age_band"].values
    cases = [
        a_case(case_ref=f"c-{n}", weeks_registered=n, age_band=ages[n % 6]) for n in range(400)
    ]
    for case in cases:
        case.office_ref = "a"
    request = channel_router_pb2.RecommendBatchRequest(cases=cases)
    server.router.RecommendBatch(request, timeout=20)
    assert server.stop() == 0
    out = tmp_path / "export.parquet"
    url = f"sqlite:///{server.journal}"
    assert (
        run(*router_command("journal", "export", "--journal", url, "--to", str(out))).returncode
        == 0
    )
    rows = pq.read_table(out).to_pylist()
    drawn = [row for row in rows if row["propensity"] < 1]
    other = [row for row in drawn if row["propensity"] < 0.5]
    assert drawn
    assert 0.01 < len(other) / len(drawn) < 0.25
    assert all(row[f"permitted_{row['mix']}"] for row in rows)
