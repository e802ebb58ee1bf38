"""The service as ops meet it.

Settings, drain, the journal's failures, and clients that we did not write.
"""

import json
import resource
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import pyarrow.parquet as pq
import pytest

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.builders import ROOT, a_case
from tests.e2e.conftest import Server, router_command, tool, until

REQUEST = channel_router_pb2.RecommendRequest(case=a_case())
StartServer = Callable[..., Server]


def run(*words: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, cwd=cwd, capture_output=True, text=True, check=False, timeout=60)


@pytest.mark.parametrize(
    ("flag", "value"),
    [
        ("--listen", "nowhere"),
        ("--metrics", "127.0.0.1:70000"),
        ("--max-in-flight", "0"),
        ("--models", "/nonexistent/models"),
        ("--shadow", "../x"),
        ("--model-expires-days", "0"),
    ],
)
def test_a_wrong_setting_refuses_to_start_with_one_line_that_names_it(
    flag: str, value: str
) -> None:
    ended = run(*router_command("serve", flag, value))
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith(f"error: {flag}: ")


def test_a_journal_of_no_kind_that_there_is_refuses_to_start_with_one_line() -> None:
    ended = run(*router_command("serve", "--journal", "mysql://x"))
    assert ended.returncode == 2
    (line,) = ended.stderr.splitlines()
    assert line.startswith("error: journal: cannot use 'mysql' this way; accepted are sqlite:///")


def test_settings_come_from_the_environment_too(start_server: StartServer) -> None:
    server = start_server(env={"ROUTER_LOG_LEVEL": "INFO", "ROUTER_REFLECTION": "false"})
    reflect: grpc.StreamStreamMultiCallable[bytes, bytes] = server.channel.stream_stream(
        "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo",
        request_serializer=None,
        response_deserializer=None,
    )
    with pytest.raises(grpc.RpcError) as error:
        list(reflect(iter([b""]), timeout=5))
    assert error.value.code() == grpc.StatusCode.UNIMPLEMENTED


def test_a_changed_model_is_refused_and_the_server_does_not_start(tmp_path: Path) -> None:
    version = (ROOT / "models" / "promoted").read_text().strip()
    folder = tmp_path / "models" / version
    folder.mkdir(parents=True)
    for name in ("manifest.json", "tables.npz"):
        data = bytearray((ROOT / "models" / version / name).read_bytes())
        if name == "tables.npz":
            data[len(data) // 2] ^= 1
        (folder / name).write_bytes(data)
    (tmp_path / "models" / "promoted").write_text(f"{version}\n")
    ended = run(*router_command("serve", "--models", str(tmp_path / "models")))
    assert ended.returncode == 2
    assert "SHA-256" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


def test_a_policy_value_outside_its_bound_is_refused_by_file_and_key(tmp_path: Path) -> None:
    for name in ("mixes.toml", "national.toml"):
        text = (ROOT / "policies" / name).read_text()
        (tmp_path / name).write_text(
            text.replace("price_per_minute = 0.0004", "price_per_minute = 7")
        )
    ended = run(*router_command("serve", "--policies", str(tmp_path)))
    assert ended.returncode == 2
    assert "national.toml: price_per_minute: 7 is outside 0 to 0.05" in ended.stderr


@pytest.mark.parametrize(
    ("place", "told"),
    [
        (":memory:", "journal: must be kept, and memory is not; name a file"),
        ("{folder}", "journal: {folder} is a folder; name a file in it"),
    ],
)
@pytest.mark.parametrize("words", [("serve",), ("journal", "verify")])
def test_where_no_journal_can_be_is_told_in_a_line_and_nothing_is_left_there(
    tmp_path: Path, place: str, told: str, words: tuple[str, ...]
) -> None:
    journal = f"sqlite:///{place.format(folder=tmp_path)}"
    ended = run(*router_command(*words, "--journal", journal))
    assert ended.returncode == 2
    assert ended.stderr == f"error: {told.format(folder=tmp_path)}\n"
    assert list(tmp_path.iterdir()) == []


def test_a_journal_in_a_folder_that_is_missing_is_told_as_such(tmp_path: Path) -> None:
    ended = run(*router_command("serve", "--journal", f"sqlite:///{tmp_path}/no/j.db"))
    assert ended.returncode == 2
    assert ended.stderr == f"error: journal: there is no folder {tmp_path}/no for it; make it\n"


def said_until_it_serves(journal: Path) -> list[str]:
    words = ("--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0")
    command = router_command("serve", *words, "--journal", f"sqlite:///{journal}")
    with subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE) as server:
        assert server.stderr is not None
        said: list[str] = []
        while "serving" not in said:
            said.append(json.loads(server.stderr.readline())["message"])
        server.kill()
    return said


def test_a_start_that_finds_the_key_of_the_draws_and_no_journal_warns_that_it_may_be_lost(
    tmp_path: Path,
) -> None:
    journal = tmp_path / "journal.db"
    assert said_until_it_serves(journal) == ["serving"]
    assert said_until_it_serves(journal) == ["serving"]
    for file in tmp_path.glob("journal.db*"):
        if not file.name.endswith(".draw-key"):
            file.unlink()
    warning, _ = said_until_it_serves(journal)
    assert f"journal {journal} was not there, though the key of its draws" in warning
    assert "restore it (`journal restore`)" in warning


def test_sigterm_finishes_calls_in_flight_flushes_the_journal_and_exits_0(
    start_server: StartServer,
) -> None:
    server = start_server()
    pending = [server.router.Recommend.future(REQUEST, timeout=10) for _ in range(200)]
    answered = [call.result().recommendation.decision_id for call in pending]
    assert server.stop() == 0
    with sqlite3.connect(server.journal) as database:
        kept = {bytes(row[0]) for row in database.execute("SELECT id FROM record")}
    database.close()
    assert {bytes.fromhex(one.replace("-", "")) for one in answered} <= kept


def test_answers_are_in_the_journal_which_verifies_and_exports(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server()
    advice = server.router.Recommend(REQUEST, timeout=5).recommendation
    server.router.Recommend(
        channel_router_pb2.RecommendRequest(case=a_case(shielded=True)), timeout=5
    )
    assert server.stop() == 0
    url = f"sqlite:///{server.journal}"
    verified = run(*router_command("journal", "verify", "--journal", url))
    assert (verified.returncode, "the chain is intact" in verified.stdout) == (0, True)
    out = tmp_path / "export.parquet"
    assert (
        run(*router_command("journal", "export", "--journal", url, "--to", str(out))).returncode
        == 0
    )
    plain, shielded = pq.read_table(out).to_pylist()
    assert plain["decision_id"] == advice.decision_id
    assert plain["mix"] == advice.mix.id
    assert plain["case_ref"] == "c-1"
    assert plain["age_band"] == "30_39"
    assert plain["weeks_registered"] == 10
    assert plain["has_eid"] == "YES"
    assert plain["propensity"] == 1.0
    assert shielded["status"] == "MANUAL_ONLY"
    assert not shielded["case_ref"]
    assert shielded["age_band"] is None


def test_the_journals_length_is_told_and_that_its_head_could_not_be_noted_outside(
    start_server: StartServer, tmp_path: Path
) -> None:
    volume = tmp_path / "volume"
    volume.mkdir()
    server = start_server("--head-file", str(volume / "head"))
    assert "router_journal_head_failures_total 0.0" in server.scrape()
    # As one that is mounted no longer.
    volume.rename(tmp_path / "elsewhere")
    server.router.Recommend(REQUEST, timeout=5)
    until(lambda: "router_journal_head_failures_total 1.0" in server.scrape())
    assert "router_journal_head_sequence 1.0" in server.scrape()


def until_answered(server: Server) -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline:
        try:
            server.router.Recommend(REQUEST, timeout=5)
            return
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNAVAILABLE
    raise AssertionError("the service did not recover")


def test_a_locked_journal_answers_unavailable_and_recovers_by_itself(
    start_server: StartServer,
) -> None:
    server = start_server()
    server.router.Recommend(REQUEST, timeout=5)
    lock = sqlite3.connect(server.journal, isolation_level=None)
    lock.execute("BEGIN EXCLUSIVE")
    with pytest.raises(grpc.RpcError) as error:
        server.router.Recommend(REQUEST, timeout=10)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    assert "nothing was acknowledged" in (error.value.details() or "")
    assert "router_journal_up 0.0" in server.scrape()
    lock.execute("ROLLBACK")
    lock.close()
    until_answered(server)


def test_a_full_disk_answers_unavailable_and_recovers_by_itself(start_server: StartServer) -> None:
    server = start_server()
    server.router.Recommend(REQUEST, timeout=5)
    none = resource.RLIM_INFINITY
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (1, none))
    with pytest.raises(grpc.RpcError) as error:
        for _ in range(50):
            server.router.Recommend(REQUEST, timeout=10)
    assert error.value.code() == grpc.StatusCode.UNAVAILABLE
    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (none, none))
    until_answered(server)


def test_too_many_calls_in_flight_are_refused_as_resource_exhausted(
    start_server: StartServer,
) -> None:
    server = start_server("--max-in-flight", "1")
    calls = [server.router.Recommend.future(REQUEST, timeout=10) for _ in range(100)]
    codes = {call.code() for call in calls}
    assert codes == {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}


def test_of_a_burst_over_many_connections_no_call_is_cancelled(start_server: StartServer) -> None:
    # Not by their number. That some wait for longer than usual is the machine's doing.
    server = start_server("--queue-seconds", "30")
    options = (("grpc.use_local_subchannel_pool", 1), ("grpc.enable_http_proxy", 0))
    channels = [grpc.insecure_channel(server.listen, options) for _ in range(40)]
    for channel in channels:
        grpc.channel_ready_future(channel).result(timeout=20)
    stubs = [channel_router_pb2_grpc.ChannelRouterStub(channel) for channel in channels]
    calls = [stub.Recommend.future(REQUEST, timeout=60) for _ in range(90) for stub in stubs]
    codes = {call.code() for call in calls}
    assert codes <= {grpc.StatusCode.OK, grpc.StatusCode.RESOURCE_EXHAUSTED}
    for channel in channels:
        channel.close()


def test_logs_are_json_and_hold_no_value_of_a_case(start_server: StartServer) -> None:
    server = start_server()
    server.router.Recommend(
        channel_router_pb2.RecommendRequest(case=a_case(case_ref="find-me-not")), timeout=5
    )
    server.stop()
    assert server.process.stderr is not None
    log = server.process.stderr.read().decode()
    assert all(json.loads(line)["message"] for line in log.splitlines())
    assert "find-me-not" not in log


def test_buf_curl_gets_an_answer_through_reflection(server: Server) -> None:
    case = '{"case_ref": "c-9", "shielded": false}'
    data = f'{{"case": {case}, "view": "VIEW_FULL", "language": "LANGUAGE_EN"}}'
    words = [tool("buf"), "curl", "--protocol", "grpc", "--http2-prior-knowledge", "-d", data]
    answer = run(*words, f"http://{server.listen}/router.v1.ChannelRouter/Recommend")
    assert json.loads(answer.stdout)["recommendation"]["status"] == "STATUS_NEEDS_ASSESSMENT"


def test_the_server_imports_neither_scikit_learn_nor_the_offline_side() -> None:
    code = (
        "import sys, router.__main__, router.serving.server\n"
        "import router.advice.score, router.journal.export\n"
        "offline = ('sklearn', 'scipy', 'pandas', 'training', 'joblib')\n"
        "print([name for name in offline if name in sys.modules])"
    )
    assert run(sys.executable, "-c", code).stdout.strip() == "[]"


def test_the_demo_shows_each_status() -> None:
    shown = run(*router_command("demo")).stdout
    for text in (
        "RECOMMENDED",
        "NEEDS_ASSESSMENT",
        "MANUAL_ONLY",
        "INVALID_ARGUMENT",
        "router_recommendations_total",
    ):
        assert text in shown


def test_committed_stubs_are_what_the_contract_generates(tmp_path: Path) -> None:
    protos = [
        str(path.relative_to(ROOT)) for path in sorted((ROOT / "proto/router/v1").glob("*.proto"))
    ]
    words = [sys.executable, "-m", "grpc_tools.protoc", "-I", "proto", "-I", "third_party"]
    run(*words, f"--python_out={tmp_path}", *protos)
    served = ("channel_router.proto", "models.proto", "feedback.proto", "caseload.proto")
    services = [proto for proto in protos if proto.endswith(served)]
    run(*words, f"--grpc_python_out={tmp_path}", *services)
    made = sorted((tmp_path / "router/v1").glob("*.py"))
    assert len(made) == len(protos) + len(services)
    for path in made:
        assert path.read_text() == (ROOT / "router/v1" / path.name).read_text(), path.name
