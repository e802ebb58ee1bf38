"""Three servers on one database, balanced by a client or by Envoy; one at a time is ended."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import yaml

from bench.load import free_port
from tests.builders import ROOT
from tests.e2e.callers import Callers, answered
from tests.faults.database import a_database
from tests.faults.fault import NotHere, fault
from tests.faults.served import Served, accounted

BALANCING = ROOT / "deploy" / "balancing"
SERVERS = 3
CALLERS = 8
# How many answers show that those left serve on, and that the one started anew serves too.
BETWEEN = 40
# As deployed: who watches health has turned away before calls are refused.
LAME_DUCK = {"ROUTER_LAME_DUCK_SECONDS": "3"}
Options = Sequence[tuple[str, object]]


@contextmanager
def replicas(folder: Path) -> Iterator[tuple[str, list[Served]]]:
    """Runs servers on one database; gives its URL and them."""
    with a_database() as database:
        servers = [
            Served(folder, journal=database.url, env=LAME_DUCK, wait=False) for _ in range(SERVERS)
        ]
        try:
            for server in servers:
                server.wait()
            yield database.url, servers
        finally:
            for server in servers:
                server.end(signal.SIGKILL)


def round_robin(servers: Sequence[Served]) -> tuple[str, Options]:
    """Gives the target and options of a client that balances by itself."""
    config = (BALANCING / "round_robin.json").read_text()
    addresses = ",".join(server.listen for server in servers)
    return f"ipv4:{addresses}", [("grpc.service_config", config)]


@contextmanager
def behind_envoy(servers: Sequence[Served], folder: Path) -> Iterator[str]:
    """Runs Envoy as it is deployed, in front of these servers; gives its address."""
    program = shutil.which("envoy", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}")
    if program is None:
        raise NotHere("Envoy is not installed")
    config = yaml.safe_load((BALANCING / "envoy.yaml").read_text())
    listen = free_port()
    (listener,) = config["static_resources"]["listeners"]
    listener["address"]["socket_address"] = {"address": "127.0.0.1", "port_value": listen}
    config["admin"]["address"]["socket_address"]["port_value"] = free_port()
    (cluster,) = config["static_resources"]["clusters"]
    (group,) = cluster["load_assignment"]["endpoints"]
    # Here they have ports of their own where a cluster has addresses.
    group["lb_endpoints"] = [
        {
            "endpoint": {
                "address": {"socket_address": {"address": "127.0.0.1", "port_value": one.port}}
            }
        }
        for one in servers
    ]
    file = folder / "envoy.json"
    file.write_text(json.dumps(config))
    words = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]
    process = subprocess.Popen([program, "-c", file, *words])
    try:
        yield f"127.0.0.1:{listen}"
    finally:
        process.terminate()
        process.wait(20)


def under_load(
    target: str, options: Options, servers: Sequence[Served], how: signal.Signals, ends: int
) -> Callers:
    """Ends one server after the other under load, each started again; gives every call."""
    load = Callers(target, CALLERS, options, patient=True)
    try:
        load.wait(answered, BETWEEN, seconds=300)
        for number in range(ends):
            server = servers[number % len(servers)]
            server.end(how)
            load.wait(answered, BETWEEN, seconds=300)
            server.begin()
            server.wait()
            load.wait(answered, BETWEEN, seconds=300)
    finally:
        load.stop()
    return load


def seen(load: Callers, url: str) -> str:
    """Checks that no call failed and all that was answered is kept; says what was seen."""
    counted = accounted(load.answers, url)
    longest = max(one.ended - one.began for one in load.answers)
    return f"{counted}; 0 failed, longest {longest:.1f} s"


KILLED = "one of 3 replicas on PostgreSQL killed (SIGKILL) {} times under load, each started again"
STOPPED = (
    "one of 3 replicas on PostgreSQL told to stop (SIGTERM) {} times under load, each started again"
)
NONE_FAILS = "no failed call, nothing acknowledged is lost"


@fault(
    row="15",
    done=f"{KILLED}; client with round_robin, health and retries",
    passes=NONE_FAILS,
    full=50,
    short=0,
)
def replica_killed(kills: int, folder: Path) -> str:
    with replicas(folder) as (url, servers):
        return seen(under_load(*round_robin(servers), servers, signal.SIGKILL, kills), url)


@fault(row="15", done=f"{KILLED}; behind Envoy", passes=NONE_FAILS, full=50, short=0)
def replica_killed_behind_envoy(kills: int, folder: Path) -> str:
    with replicas(folder) as (url, servers), behind_envoy(servers, folder) as address:
        return seen(under_load(address, (), servers, signal.SIGKILL, kills), url)


@fault(
    row="14",
    done=f"{STOPPED}; client with round_robin, health and retries",
    passes=NONE_FAILS,
    full=50,
    short=0,
)
def replica_stopped(ends: int, folder: Path) -> str:
    with replicas(folder) as (url, servers):
        return seen(under_load(*round_robin(servers), servers, signal.SIGTERM, ends), url)


@fault(row="14", done=f"{STOPPED}; behind Envoy", passes=NONE_FAILS, full=50, short=0)
def replica_stopped_behind_envoy(ends: int, folder: Path) -> str:
    with replicas(folder) as (url, servers), behind_envoy(servers, folder) as address:
        return seen(under_load(address, (), servers, signal.SIGTERM, ends), url)
