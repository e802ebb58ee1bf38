"""The clients as their callers have them: built, and run against a real server."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import pytest
from channel_router_client import ChannelRouterClient, Unavailable
from channel_router_client.v1 import case_pb2
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from clients import stubs
from tests.builders import ROOT
from tests.e2e.conftest import Server, router_command, tool

TYPESCRIPT = ROOT / "clients" / "typescript"
NO_PROXY_THERE = "http://127.0.0.1:1"
PROXIES = dict.fromkeys(("http_proxy", "https_proxy", "grpc_proxy"), NO_PROXY_THERE)


def run(*words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        words,
        cwd=ROOT,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )


def needed(path: Path, how: str) -> None:
    """Skips a test that lacks what it needs, or fails it where CI has installed it."""
    if not path.exists():
        (pytest.fail if os.environ.get("ROUTER_REQUIRE_TOOLS") else pytest.skip)(how)


@pytest.fixture
def java() -> str:
    """Gives the command that builds the JVM example and runs it."""
    for name in ("javac", "protoc", "grpc_java_plugin"):
        tool(name)
    needed(Path("/usr/share/java/grpc-netty.jar"), "Debian's libgrpc-java is not installed")
    return "clients/java/run"


@pytest.fixture
def node() -> str:
    """Gives Node's path, once the TypeScript client is built."""
    needed(TYPESCRIPT / "dist" / "index.js", "the TypeScript client is not built: make test")
    return tool("node")


@pytest.fixture
def unhealthy() -> Iterator[str]:
    """Gives the address of a server that says that it does not serve."""
    server = grpc.server(ThreadPoolExecutor(4))
    checks = health.HealthServicer()
    checks.set("router.v1.ChannelRouter", health_pb2.HealthCheckResponse.NOT_SERVING)
    health_pb2_grpc.add_HealthServicer_to_server(checks, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield f"127.0.0.1:{port}"
    server.stop(None).wait()


def test_the_python_example_prints_advice_and_records_the_choice(server: Server) -> None:
    ended = run(sys.executable, "examples/python/recommend.py", server.listen)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("STATUS_")
    assert "not a formal decision" in ended.stdout
    assert "choice recorded: CHOICE_DIRECTION_SAME" in ended.stdout


@pytest.mark.parametrize(
    ("words", "code", "says"),
    [
        (["--help"], 0, "usage: recommend.py [-h] [HOST:PORT]"),
        (["--adress", "127.0.0.1:1"], 2, "recommend.py: error: unrecognized arguments: --adress"),
        (["127.0.0.1:1"], 1, "127.0.0.1:1: UNAVAILABLE: "),
        (["nobody.invalid:50051"], 1, "nobody.invalid:50051: UNAVAILABLE: "),
    ],
)
def test_the_python_example_takes_options_as_others_do_and_says_in_a_line_what_is_wrong(
    words: list[str], code: int, says: str
) -> None:
    ended = run(sys.executable, "examples/python/recommend.py", *words)
    assert ended.returncode == code
    told = ended.stderr if code else ended.stdout
    assert says in told
    assert "Traceback" not in told
    if code == 1:
        assert len(told.splitlines()) == 1


def test_the_python_client_is_a_wheel_of_its_own_package_alone(tmp_path: Path) -> None:
    words = ["wheel", "-q", "--no-deps", "--no-build-isolation", "--wheel-dir", str(tmp_path)]
    # Built from a copy: what a build leaves behind is not the tree's.
    ended = run("cp", "-r", "clients/python", str(tmp_path / "source"))
    assert ended.returncode == 0, ended.stderr
    ended = run(sys.executable, "-m", "pip", *words, str(tmp_path / "source"))
    assert ended.returncode == 0, ended.stderr
    (wheel,) = tmp_path.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    inside = [name for name in names if ".dist-info/" not in name]
    assert {name.partition("/")[0] for name in inside} == {"channel_router_client"}
    assert "channel_router_client/py.typed" in inside
    assert "channel_router_client/v1/case_pb2.pyi" in inside


def test_the_typescript_client_passes_its_tests(server: Server, node: str) -> None:
    ended = run(node, "--test", f"{TYPESCRIPT}/test/client.test.js", ROUTER_ADDRESS=server.listen)
    assert ended.returncode == 0, ended.stdout


def test_the_typescript_example_prints_advice(server: Server, node: str) -> None:
    ended = run(node, "clients/typescript/examples/recommend.js", server.listen, **PROXIES)
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("NEEDS_ASSESSMENT")
    assert "vedtak" in ended.stdout
    asked = run(node, "clients/typescript/examples/recommend.js", "--help")
    assert (asked.returncode, asked.stdout.partition(" (")[0]) == (
        0,
        "usage: node examples/recommend.js [HOST:PORT]",
    )


def test_the_typescript_stubs_are_what_the_contract_generates(tmp_path: Path) -> None:
    needed(stubs.PLUGIN, "the npm packages are not installed: make test")
    stubs.write_typescript(tmp_path)
    made = {path.relative_to(tmp_path) for path in tmp_path.rglob("*.ts")}
    assert made == {path.relative_to(stubs.TYPESCRIPT) for path in stubs.TYPESCRIPT.rglob("*.ts")}
    for path in made:
        assert (tmp_path / path).read_text() == (stubs.TYPESCRIPT / path).read_text(), path


def test_the_jvm_example_gets_the_same_answer_again_and_records_the_choice(
    server: Server, java: str
) -> None:
    # Java's own ways to name a proxy.
    proxies = "-Dhttps.proxyHost=127.0.0.1 -Dhttps.proxyPort=1 -Dhttp.nonProxyHosts="
    ended = run(java, server.listen, JAVA_TOOL_OPTIONS=proxies, GRPC_PROXY_EXP="127.0.0.1:1")
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.startswith("STATUS_NEEDS_ASSESSMENT")
    assert "vedtak" in ended.stdout
    assert "asked again with the same request id: the same answer" in ended.stdout
    assert "choice recorded: CHOICE_DIRECTION_SAME" in ended.stdout


def test_the_jvm_example_leaves_a_server_alone_that_does_not_serve(
    unhealthy: str, java: str
) -> None:
    ended = run(java, unhealthy)
    assert ended.returncode == 1
    assert "the server says NOT_SERVING" in ended.stderr


def test_the_python_client_leaves_a_server_alone_that_does_not_serve(unhealthy: str) -> None:
    with ChannelRouterClient(unhealthy) as router, pytest.raises(Unavailable, match="health"):
        router.recommend(case_pb2.Case(shielded=True))


@pytest.mark.parametrize("name", [*PROXIES, "all_proxy"])
def test_no_proxy_is_asked_for_a_server_on_this_machine(server: Server, name: str) -> None:
    proxy = {name: NO_PROXY_THERE}
    asked = run(*router_command("health", "--address", server.listen), **proxy)
    assert (asked.returncode, asked.stdout.strip()) == (0, "SERVING"), asked.stderr
    example = run(sys.executable, "examples/python/recommend.py", server.listen, **proxy)
    assert example.returncode == 0, example.stderr


def test_the_demo_asks_no_proxy_and_what_it_prints_at_the_end_runs_as_printed(
    server: Server,
) -> None:
    shown = run(*router_command("demo"), **PROXIES)
    assert shown.returncode == 0, shown.stderr
    last = shown.stdout.splitlines()[-1].strip()
    # The address of a server that a person started, as its only argument, is the one change.
    ended = run("bash", "-c", f"{last} {server.listen}")
    assert ended.returncode == 0, ended.stderr
    assert "choice recorded" in ended.stdout
