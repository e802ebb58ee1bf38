"""Three servers, balanced by a client or by Envoy; one at a time is killed, or told to stop.

`python -m bench.replicas --ends 10` prints how many calls failed (`make replicas`). Each server has
a journal of its own: what is asked is whether callers notice.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import grpc
import yaml

from bench.load import free_port
from tests.e2e.callers import Answer, Callers, answered
from tests.e2e.conftest import tool

BALANCING = Path(__file__).parents[1] / "deploy" / "balancing"
SERVERS = 3
# How many answers show that those left serve on, and that the one started anew serves too.
BETWEEN = 300


class Replica:
    """A server that is started again where it was."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self._journal = folder / f"{self.port}.db"
        self.start()

    def start(self) -> None:
        words = ["serve", "--listen", f"127.0.0.1:{self.port}", "--metrics", "127.0.0.1:0"]
        words += ["--journal", f"sqlite:///{self._journal}"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "router", *words],
            stderr=subprocess.PIPE,
            # As deployed: who watches health has turned away before calls are refused.
            env={**os.environ, "ROUTER_LAME_DUCK_SECONDS": "3"},
        )
        assert self._process.stderr is not None
        for line in self._process.stderr:
            if json.loads(line)["message"] == "serving":
                return
        raise SystemExit("a server did not start")

    def end(self, how: signal.Signals) -> None:
        self._process.send_signal(how)
        self._process.wait(20)
        assert self._process.stderr is not None
        self._process.stderr.close()


def round_robin(replicas: Sequence[Replica]) -> tuple[str, list[tuple[str, Any]]]:
    """Gives the target and options of a client that balances by itself."""
    config = (BALANCING / "round_robin.json").read_text()
    addresses = ",".join(f"127.0.0.1:{replica.port}" for replica in replicas)
    return f"ipv4:{addresses}", [("grpc.service_config", config)]


@contextmanager
def envoy(replicas: Sequence[Replica], folder: Path) -> Iterator[str]:
    """Runs Envoy as it is deployed, in front of these servers; gives its address."""
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
        for one in replicas
    ]
    file = folder / "envoy.json"
    file.write_text(json.dumps(config))
    words = ["--concurrency", "1", "--use-dynamic-base-id", "--log-level", "error"]
    process = subprocess.Popen([tool("envoy"), "-c", file, *words])
    try:
        yield f"127.0.0.1:{listen}"
    finally:
        process.terminate()
        process.wait(20)


def told(name: str, how: signal.Signals, ends: int, answers: Sequence[Answer]) -> None:
    failed = [answer for answer in answers if not answered(answer)]
    longest = max(1000 * (answer.ended - answer.began) for answer in answers)
    codes = sorted({answer.code.name for answer in failed})
    print(
        f"{name:12} {how.name:8} × {ends:<3} {len(answers):7} calls {len(failed):5} failed "
        f"{' '.join(codes)} longest {longest:.0f} ms"
    )


def under_load(
    target: str,
    options: Sequence[tuple[str, Any]],
    replicas: Sequence[Replica],
    how: signal.Signals,
    ends: int,
) -> list[Answer]:
    """Ends one server after the other under load, each started again; gives every call."""
    with grpc.insecure_channel(target, options) as channel:
        grpc.channel_ready_future(channel).result(timeout=20)
    load = Callers(target, 8, options)
    try:
        load.wait(answered, BETWEEN, seconds=300)
        for number in range(ends):
            replica = replicas[number % len(replicas)]
            replica.end(how)
            load.wait(answered, BETWEEN, seconds=300)
            replica.start()
            load.wait(answered, BETWEEN, seconds=300)
    finally:
        answers = load.stop()
    return answers


def main() -> int:
    """Measures both balancers under both ends; 1 if a call failed."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--ends", type=int, default=10, help="of each kind, for each balancer")
    ends = options.parse_args().ends
    failed = 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        replicas = [Replica(folder) for _ in range(SERVERS)]
        try:
            for how in (signal.SIGKILL, signal.SIGTERM):
                answers = under_load(*round_robin(replicas), replicas, how, ends)
                told("round_robin", how, ends, answers)
                failed += sum(not answered(answer) for answer in answers)
                with envoy(replicas, folder) as address:
                    answers = under_load(address, (), replicas, how, ends)
                told("envoy", how, ends, answers)
                failed += sum(not answered(answer) for answer in answers)
        finally:
            for replica in replicas:
                replica.end(signal.SIGTERM)
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
