"""`make bench-peers`: ours and other servers of models, in turns, in one run.

All servers run on the first core, idle but for the one that is called, and each is called in each
turn; calls come from the second core. What was seen is written to docs/performance.json;
`python -m docs.performance` writes the page of it.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path
from typing import Any

from bench.load import LOAD_CORE, bound_to
from bench.serving_peers.lineup import PEERS, ours, servers_of
from bench.serving_peers.problem import cases, models
from bench.serving_peers.servers import ENVIRONMENTS, HERE, ROOT, Running, Server, install, running
from bench.wire import Call, write_calls

IN_FLIGHT = (1, 16, 64, 256)
FLOOD, FLOOD_SECONDS, PATIENCE = 5.0, 3.0, 3.0
# Who starts sooner is started again in each turn, seconds; of the others once has to do.
_SOON = 5.0
OUT = ROOT / "docs" / "performance.json"


def ask(module: str, folder: Path, calls: Sequence[Call], **told: Any) -> dict[str, Any]:
    """Lets a client on the other core send calls, and gives what it saw.

    Raises:
        SystemExit: if it failed.
    """
    write_calls(folder / "calls.json", calls)
    words = json.dumps(told | {"calls": str(folder / "calls.json")})
    command = [*bound_to(LOAD_CORE), sys.executable, "-m", module, words]
    out = subprocess.run(command, stdout=subprocess.PIPE, check=False)
    if out.returncode:
        raise SystemExit(f"{module} failed")
    seen: dict[str, Any] = json.loads(out.stdout)
    return seen


def measured(
    server: Server, it: Running, folder: Path, *, flood: bool
) -> Iterator[tuple[str, dict[str, Any]]]:
    """Measures a server that runs, row by row."""
    rpc = "bench.serving_peers.rpc"

    def asked(module: str, method: str, calls: Sequence[Call], **how: Any) -> dict[str, Any]:
        before = it.cpu_seconds()
        seen = ask(module, folder, calls, port=it.port, method=method, **how)
        return seen | {"processor": (it.cpu_seconds() - before) / max(1, seen["ended"])}

    rate = peak = 0.0
    for many in IN_FLIGHT:
        # Whoever is slow is watched for longer: until everybody in the line was answered twice.
        turn = many / rate if rate else 0.5
        values = {"in_flight": many, "seconds": min(2.0, max(0.8, 2 * turn))}
        values["warm"] = min(1.5, max(0.3, turn))
        seen = asked(server.client, server.method, server.calls, mode="closed", values=values)
        rate = seen["rate"]
        yield f"{many} in flight", seen
        if many == 64:
            yield "memory", {"megabytes": it.memory()}
            peak = rate

    for size, batches in server.batches.items():
        if server.http:
            values = {"in_flight": 4, "seconds": 1.0, "warm": 0.3}
            seen = asked(server.client, server.batch_method, batches, mode="closed", values=values)
        else:
            values = {"seconds": 1.3}
            seen = asked(rpc, server.batch_method, batches, mode="batches", values=values)
        seen["rate"], seen["processor"] = size * seen["rate"], seen["processor"] / size
        yield f"batches of {size}", seen
    if server.stream_method:
        calls = server.stream_calls or server.calls
        values = {"seconds": 1.3}
        yield "stream", asked(rpc, server.stream_method, calls, mode="streams", values=values)
    if flood:
        values = {"rate": FLOOD * peak, "seconds": FLOOD_SECONDS}
        how = {"mode": "open", "deadline": PATIENCE, "values": values}
        yield "flood", asked(server.client, server.method, server.calls, **how) | {"peak": peak}


def main() -> None:
    """Measures, and writes what was seen after each turn."""
    parser = argparse.ArgumentParser(prog="python -m bench.serving_peers", description=__doc__)
    parser.add_argument("--turns", type=int, default=5, help="repetitions; default 5")
    parser.add_argument("--only", default="", help="servers whose name begins so")
    parser.add_argument("--out", type=Path, default=OUT, help="default docs/performance.json")
    asked = parser.parse_args()
    # What waits for servers must not take their core.
    os.sched_setaffinity(0, {int(LOAD_CORE)})

    failed: dict[str, str] = {}
    for name in PEERS:
        try:
            install(name)
        except (OSError, subprocess.CalledProcessError) as error:
            failed[name] = f"cannot be installed: {error}"
    with tempfile.TemporaryDirectory(dir=ENVIRONMENTS) as there:
        folder = Path(there)
        messages, rows = cases()
        made = models(folder, rows)
        lineup = [*ours(folder, messages)]
        for name in PEERS:
            lineup += servers_of(name, made, rows) if name not in failed else []
        lineup = [one for one in lineup if one.name.startswith(asked.only)]
        run = Run(asked.out, folder, failed)
        run.turns([one for one in lineup if not one.restless], asked.turns)
        # Alone, and last: what is busy by itself would slow the others.
        for one in lineup:
            if one.restless:
                run.turns([one], asked.turns)


class Run:
    """What was seen so far, written after each turn."""

    def __init__(self, out: Path, folder: Path, failed: dict[str, str]) -> None:
        self._out, self._folder, self._failed = out, folder, failed
        self._found: list[dict[str, Any]] = []
        self._load: list[float] = []
        self._date = time.strftime("%Y-%m-%d")

    def turns(self, lineup: list[Server], turns: int) -> None:
        """Starts servers, and measures each in each turn; who fails is named and left out."""
        with ExitStack() as stack:
            up: list[tuple[Server, Running]] = []
            for server in lineup:
                try:
                    it = stack.enter_context(self._running(server))
                except SystemExit as error:
                    self._fails(server, error)
                    continue
                self._keep(server, 0, "cold start", {"seconds": it.cold})
                up.append((server, it))
            for turn in range(turns):
                self._load.append(os.getloadavg()[0])
                # Begun elsewhere each time: nobody is always measured after the same one.
                first = turn * len(up) // turns
                up = up[first:] + up[:first]
                for server, it in list(up):
                    try:
                        self._turn(server, it, turn)
                    except SystemExit as error:
                        self._fails(server, error)
                        up.remove((server, it))
                self._write()

    def _turn(self, server: Server, it: Running, turn: int) -> None:
        # A flood takes longer than all else, and its outcome is no matter of a few per cent.
        flood = server.floods and turn == 0
        for row, seen in measured(server, it, self._folder, flood=flood):
            self._keep(server, turn, row, seen)
        if turn and it.cold < _SOON:
            with self._running(server) as another:
                self._keep(server, turn, "cold start", {"seconds": another.cold})

    def _running(self, server: Server) -> AbstractContextManager[Running]:
        return running(server, self._folder, ENVIRONMENTS / f"{server.name}.log")

    def _keep(self, server: Server, turn: int, row: str, seen: dict[str, Any]) -> None:
        key = {"server": server.name, "model": server.model, "turn": turn, "row": row}
        self._found.append(key | seen)
        print(turn, server.name, server.model, row, told(seen), flush=True)

    def _fails(self, server: Server, error: SystemExit) -> None:
        self._failed[f"{server.name}, {server.model}"] = str(error)
        print(server.name, server.model, error, flush=True)

    def _write(self) -> None:
        record = {
            "date": self._date,
            "machine": machine(),
            "load": self._load,
            "versions": versions(),
            "failed": self._failed,
        }
        # A line for each measurement, to as many digits as mean anything.
        found = ",\n".join(json.dumps(short(one)) for one in self._found)
        head = json.dumps(record | {"found": []}, indent=1).removesuffix("[]\n}")
        self._out.write_text(f"{head}[\n{found}\n]}}\n")


def short(value: Any) -> Any:
    """Rounds numbers to five digits, in whatever holds them."""
    if isinstance(value, dict):
        return {name: short(one) for name, one in value.items()}
    return float(f"{value:.5g}") if isinstance(value, float) else value


def versions() -> dict[str, str]:
    """Gives the versions of peers, as they are asked for."""
    found = {}
    for name in PEERS:
        for line in (HERE / f"{name}.in").read_text().splitlines():
            if line.startswith("#"):
                continue
            package, _, version = line.partition("==")
            found[package.partition("[")[0]] = version
    return {package: version for package, version in found.items() if version}


def told(seen: dict[str, Any]) -> str:
    """Writes what one measurement saw in short, for whoever waits."""
    if "rate" not in seen:
        return " ".join(f"{value:.2f}" for value in seen.values())
    times = [f"{1e3 * (seen[name] or 0):.1f}" for name in ("p50", "p99")]
    return f"{seen['rate']:,.0f}/s, p50 {times[0]} ms, p99 {times[1]} ms, {seen['codes']}"


def machine() -> str:
    """Names the processor and the system."""
    names = [
        line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line
    ]
    name = names[0].partition(":")[2].strip() if names else platform.machine()
    return f"{name}, {os.cpu_count()} cores, Python {platform.python_version()}"


if __name__ == "__main__":
    main()
