"""TLS with certificates of a made-up authority, over real sockets, by clients that are not ours."""

from __future__ import annotations

import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from cryptography import x509

from router.v1 import channel_router_pb2, channel_router_pb2_grpc
from tests.authority import DAY, Authority, Holder, spiffe
from tests.builders import a_case, put
from tests.e2e.conftest import Server, closed, router_command, start, tool

CALLERS = """
version = "test"
anyone = ["grpc.health.v1.Health/Check"]
[roles]
all = ["router.v1.ChannelRouter/Recommend", "grpc.health.v1.Health/Check"]
[[callers]]
name = "case-system"
roles = ["all"]
offices = ["*"]
certificates = ["spiffe://example.org/case-system"]
"""
REQUEST = channel_router_pb2.RecommendRequest(case=a_case())


@dataclass
class World:
    """A server that wants client certificates, and those who call it."""

    server: Server
    certificate: Holder
    authority: Authority
    clients: Authority
    client: Holder

    def ask(self, credentials: grpc.ChannelCredentials, seconds: float = 5) -> grpc.StatusCode:
        """Asks once over a connection of its own."""
        # Its own: channels of one process share connections otherwise.
        alone = (("grpc.use_local_subchannel_pool", 1),)
        with grpc.secure_channel(self.server.listen, credentials, alone) as channel:
            try:
                channel_router_pb2_grpc.ChannelRouterStub(channel).Recommend(
                    REQUEST, timeout=seconds
                )
            except grpc.RpcError as error:
                return error.code()
        return grpc.StatusCode.OK

    def curl(
        self, path: str, holder: Holder | None, *more: str
    ) -> subprocess.CompletedProcess[str]:
        own = ["--cert", str(holder.certificate), "--key", str(holder.key)] if holder else []
        words = [tool("curl"), "-s", "--cacert", str(self.authority.file), *own, *more]
        address = f"https://{self.server.http}{path}"
        return subprocess.run([*words, address], capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    folder = tmp_path_factory.mktemp("tls")
    authority, clients = Authority(folder, "servers"), Authority(folder, "clients")
    certificate, client = authority.server(), clients.issue("case", spiffe("case-system"))
    callers = folder / "callers.toml"
    callers.write_text(CALLERS)
    server = start(
        folder,
        *("--http", "127.0.0.1:0", "--callers", str(callers), "--reload-seconds", "0.05"),
        *("--tls-certificate", str(certificate.certificate), "--tls-key", str(certificate.key)),
        *("--tls-client-ca", str(clients.file)),
        credentials=client.channel(authority.file),
    )
    yield World(server, certificate, authority, clients, client)
    server.channel.close()
    server.process.kill()
    server.process.wait()
    closed(server)


def test_a_caller_with_its_certificate_is_answered(world: World) -> None:
    assert world.ask(world.client.channel(world.authority.file)) is grpc.StatusCode.OK
    body = '{"case": {"caseRef": "c-1", "shielded": false}}'
    sent = ("-H", "Content-Type: application/json", "-d", body)
    answered = world.curl("/router.v1.ChannelRouter/Recommend", world.client, *sent)
    assert '"decisionId"' in answered.stdout


def refused_certificates(world: World, folder: Path) -> dict[str, Holder]:
    stranger = Authority(folder, "strangers")
    return {
        "of another authority": stranger.issue("case", spiffe("case-system")),
        "expired": world.clients.issue("case", spiffe("case-system"), ends=-DAY / 2),
        "not yet valid": world.clients.issue("case", spiffe("case-system"), begins=DAY),
    }


@pytest.mark.parametrize("which", ["of another authority", "expired", "not yet valid"])
def test_a_bad_certificate_is_refused_at_both_doors(
    world: World, tmp_path: Path, which: str
) -> None:
    holder = refused_certificates(world, tmp_path)[which]
    code = world.ask(holder.channel(world.authority.file))
    assert code is grpc.StatusCode.UNAVAILABLE
    assert world.curl("/openapi.json", holder).returncode != 0


def test_without_a_certificate_there_is_no_answer(world: World) -> None:
    trusting = grpc.ssl_channel_credentials(world.authority.file.read_bytes())
    assert world.ask(trusting) is grpc.StatusCode.UNAVAILABLE
    assert world.curl("/openapi.json", None).returncode != 0


def test_a_client_does_not_take_the_server_for_another(world: World) -> None:
    # By the authority that it trusts, and by the name that it calls.
    assert world.ask(world.client.channel(world.clients.file)) is grpc.StatusCode.UNAVAILABLE
    elsewhere = world.curl(
        "/openapi.json", world.client, "--resolve", f"other.example.org:{port(world)}:127.0.0.1"
    )
    assert elsewhere.returncode == 0
    words = [tool("curl"), "-s", "--cacert", str(world.authority.file)]
    words += ["--resolve", f"other.example.org:{port(world)}:127.0.0.1"]
    wrong = subprocess.run([*words, f"https://other.example.org:{port(world)}/"], check=False)
    assert wrong.returncode == 60


def port(world: World) -> str:
    return world.server.http.rpartition(":")[2]


def test_plain_text_is_not_understood(world: World) -> None:
    with (
        grpc.insecure_channel(world.server.listen) as channel,
        pytest.raises(grpc.RpcError) as error,
    ):
        channel_router_pb2_grpc.ChannelRouterStub(channel).Recommend(REQUEST, timeout=5)
    assert error.value.code() is grpc.StatusCode.UNAVAILABLE
    words = [tool("curl"), "-s", f"http://{world.server.http}/openapi.json"]
    assert subprocess.run(words, capture_output=True, check=False).returncode != 0


@pytest.mark.parametrize("door", ["listen", "http"])
@pytest.mark.parametrize(("version", "taken"), [("-tls1_1", False), ("-tls1_3", True)])
def test_old_versions_of_tls_are_refused(
    world: World, door: str, version: str, taken: bool
) -> None:
    words = [tool("openssl"), "s_client", "-connect", getattr(world.server, door), version]
    words += ["-cipher", "DEFAULT@SECLEVEL=0"] if not taken else []
    words += ["-CAfile", str(world.authority.file), "-verify_return_error", "-alpn", "h2,http/1.1"]
    words += ["-cert", str(world.client.certificate), "-key", str(world.client.key)]
    told = subprocess.run(words, input=b"", capture_output=True, check=False).stdout
    assert (b"Cipher is (NONE)" not in told) is taken


def test_certificates_are_replaced_while_it_serves_and_no_call_fails(
    world: World, tmp_path: Path
) -> None:
    codes: list[grpc.StatusCode] = []
    enough = threading.Event()

    def call() -> None:
        while not enough.is_set():
            codes.append(world.ask(world.client.channel(world.authority.file)))

    calling = threading.Thread(target=call)
    calling.start()
    for _ in range(3):
        new = world.authority.server(ends=20 * DAY)
        # The certificate first: for a moment it has another key beside it.
        world.certificate.replace_by(new)
        wait_for(world, new)
    enough.set()
    calling.join()
    assert set(codes) == {grpc.StatusCode.OK}
    assert served_at(world.server.http, world) == new.made.serial_number


def test_certificates_are_replaced_in_the_middle_of_a_storm_of_connections(world: World) -> None:
    host, _, port = world.server.listen.rpartition(":")
    enough = threading.Event()

    def storm() -> None:
        while not enough.is_set() and world.server.process.poll() is None:
            with ExitStack() as opened, suppress(OSError):
                for _ in range(100):
                    opened.enter_context(socket.create_connection((host, int(port))))

    storms = [threading.Thread(target=storm) for _ in range(3)]
    for one in storms:
        one.start()
    # gRPC's core replaces what others are making handshakes from: without care the process ends.
    for _ in range(5):
        new = world.authority.server(ends=20 * DAY)
        world.certificate.replace_by(new)
        wait_for(world, new)
    enough.set()
    for one in storms:
        one.join()
    assert world.server.process.poll() is None
    assert world.ask(world.client.channel(world.authority.file)) == grpc.StatusCode.OK


def wait_for(world: World, holder: Holder) -> None:
    while served_at(world.server.listen, world) != holder.made.serial_number:
        assert world.server.process.poll() is None


def served_at(address: str, world: World) -> int:
    """Tells the serial number of the certificate that a new connection gets."""
    words = [tool("openssl"), "s_client", "-connect", address, "-alpn", "h2,http/1.1"]
    words += ["-cert", str(world.client.certificate), "-key", str(world.client.key)]
    told = subprocess.run(words, input=b"", capture_output=True, check=False).stdout
    pem = told[told.index(b"-----BEGIN") : told.index(b"-----END")] + b"-----END CERTIFICATE-----"
    return x509.load_pem_x509_certificate(pem).serial_number


def test_a_client_authority_that_is_taken_away_opens_no_more(world: World, tmp_path: Path) -> None:
    new = Authority(tmp_path, "new")
    kept = world.clients.file.read_bytes()
    theirs = new.issue("case", spiffe("case-system"))
    try:
        put(world.clients.file, new.file.read_bytes())
        while world.ask(theirs.channel(world.authority.file)) is not grpc.StatusCode.OK:
            pass
        code = world.ask(world.client.channel(world.authority.file))
        assert code is grpc.StatusCode.UNAVAILABLE
        assert world.curl("/openapi.json", world.client).returncode != 0
        assert world.curl("/openapi.json", theirs).returncode == 0
    finally:
        put(world.clients.file, kept)
        while world.ask(world.client.channel(world.authority.file)) is not grpc.StatusCode.OK:
            pass


def test_health_is_asked_over_tls_too(world: World) -> None:
    asked = router_command("health", "--address", world.server.listen)
    asked += ["--tls-ca", str(world.authority.file), "--tls-name", "localhost"]
    asked += ["--tls-certificate", str(world.client.certificate)]
    asked += ["--tls-key", str(world.client.key)]
    assert subprocess.run(asked, capture_output=True, check=False).returncode == 0


def test_the_end_of_certificates_is_a_metric(world: World) -> None:
    # A certificate is issued for ten days, its authority for thirty.
    before = world.clients.issue("none").expires
    lines = world.server.scrape().splitlines()
    ends = {
        line.split('"')[1]: float(line.rpartition(" ")[2])
        for line in lines
        if line.startswith("router_certificate_expiry_timestamp_seconds{")
    }
    assert set(ends) == {"certificate", "client_ca"}
    assert ends["client_ca"] > before


def test_nobody_listens_to_other_machines_in_plain_text_by_mistake() -> None:
    words = router_command("serve", "--listen", "0.0.0.0:0")
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert "--listen: 0.0.0.0:0 can be reached from other machines" in line
    assert "--insecure-listen" in line


def test_a_unix_socket_is_for_its_owner_and_group_alone(tmp_path: Path) -> None:
    path = tmp_path / "router.sock"
    server = start(tmp_path, "--listen", f"unix:{path}")
    try:
        assert path.stat().st_mode & 0o777 == 0o660
        assert server.router.Recommend(REQUEST, timeout=5).recommendation.decision_id
        asked = router_command("health", "--address", f"unix:{path}")
        assert subprocess.run(asked, capture_output=True, check=False).returncode == 0
    finally:
        assert server.stop() == 0
        closed(server)


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (("ca", "certificate"), "--tls-key: is missing; a caller has a certificate and its key"),
        (("ca", "key"), "--tls-certificate: is missing; a caller has a certificate and its key"),
        (("certificate", "key"), "--tls-ca: is missing; it says whose servers are trusted"),
        (("name",), "--tls-ca: is missing; it says whose servers are trusted"),
    ],
)
def test_a_probe_that_lacks_an_option_of_tls_says_which(
    tmp_path: Path, given: tuple[str, ...], told: str
) -> None:
    # Whatever stands in it: what is missing is told before any file is read.
    (tmp_path / "pem").write_text("PEM")
    words = [word for name in given for word in (f"--tls-{name}", str(tmp_path / "pem"))]
    ended = subprocess.run(
        router_command("health", *words), capture_output=True, text=True, check=False
    )
    assert ended.returncode == 2
    assert ended.stderr.startswith(f"error: {told}")
    assert len(ended.stderr.splitlines()) == 1
