"""More calls than can be answered: `python -m bench.overload` (`make bench-overload`).

It prints a table of three servers, in turns, so that a busy machine slows all alike: plain limits
as in 0.3.0, those of today, and those for callers with deadlines of half a second. What is offered
is a multiple of what the same server answered the second before, and so is what is told.

The servers have one core, and the calls come from a process on the other, which reads grpc-status.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import psutil

from bench.load import LOAD_CORE, bound_to, free_port, pinned
from bench.wire import Call, write_calls
from router.commands.demo import plain_case
from router.v1 import channel_router_pb2
from tests.authority import AUDIENCE, ISSUER, Issuer, key_set

RECOMMEND = "/router.v1.ChannelRouter/Recommend"
SECONDS, WARM, BURST, GREEDY, FEW = 3.0, 1.0, 4_000, 2_000, 4
DEADLINE = 0.5
# Of what a server answers until a deadline, so much may wait: it answers fewer while it refuses
# others.
_SHARE = 0.4
_CALLERS = """version = "bench"

[roles]
all = ["router.v1.ChannelRouter/Recommend"]

[[callers]]
name = "greedy"
roles = ["all"]
offices = ["*"]
tokens = ["greedy"]

[[callers]]
name = "other"
roles = ["all"]
offices = ["*"]
tokens = ["other"]
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """What the client saw of calls.

    Attributes:
        rate: answers a second.
        p50: of what was answered, seconds.
        p99: the same.
        codes: calls by code.
        sent: calls, each as often as it was sent.
    """

    rate: float
    p50: float
    p99: float
    codes: dict[str, int]
    sent: int

    @property
    def others(self) -> str:
        """Tells what became of calls that were not answered, in thousands of all."""
        rest = {code: calls for code, calls in self.codes.items() if code != "OK"}
        ended = sum(self.codes.values()) or 1
        return ", ".join(f"{code} {100 * n / ended:.0f}%" for code, n in sorted(rest.items()))


class Load:
    """Sends calls to one server from a process on the other core."""

    def __init__(self, folder: Path, port: int, metrics: int, issuer: Issuer) -> None:
        self._port, self._metrics, self._issuer = port, metrics, issuer
        self._calls = folder / "calls.json"
        message = channel_router_pb2.RecommendRequest(case=plain_case("c-7f3a91be"))
        write_calls(self._calls, [Call(message.SerializeToString())])

    def begin(self, mode: str, caller: str = "other", **values: Any) -> subprocess.Popen[bytes]:
        """Begins to send calls, see `bench.wire`."""
        how = {"deadline": values.pop("deadline", None), "values": values, "mode": mode}
        where = {"calls": str(self._calls), "port": self._port, "method": RECOMMEND}
        token = {"more": {"authorization": f"Bearer {self._issuer.token(caller)}"}}
        command = [*bound_to(LOAD_CORE), sys.executable, "-m", "bench.wire"]
        told = json.dumps(how | where | token)
        return subprocess.Popen([*command, told], stdout=subprocess.PIPE)

    def end(self, process: subprocess.Popen[bytes]) -> Told:
        """Gives what was seen once all calls have ended.

        Raises:
            SystemExit: if the client failed.
        """
        out, _ = process.communicate()
        if process.returncode:
            raise SystemExit("the client failed")
        seen = json.loads(out)
        return Told(
            rate=seen["rate"],
            p50=seen["p50"] or 0.0,
            p99=seen["p99"] or 0.0,
            codes=seen["codes"],
            sent=seen["sent"] + seen["again"],
        )

    def run(self, mode: str, **values: Any) -> Told:
        """Sends calls, and gives what was seen."""
        return self.end(self.begin(mode, **values))

    def peak(self) -> float:
        """Gives the answers a second of a server that is busy and no more than that.

        Raises:
            SystemExit: if there are none.
        """
        rate = self.run("closed", in_flight=64, seconds=1.0, warm=0.5).rate
        if not rate:
            raise SystemExit("nothing is answered: the machine is too busy to measure anything")
        return rate

    def scraped(self, name: str) -> float:
        """Sums a metric over its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics") as answer:
            text: str = answer.read().decode()
        return sum(map(float, re.findall(rf"^{name}(?:{{.*}})? (\S+)$", text, re.MULTILINE)))


@contextmanager
def server(folder: Path, name: str, flags: Sequence[str]) -> Iterator[tuple[Load, psutil.Process]]:
    """Runs a server on the first core that tells two callers apart."""
    port, metrics, issuer = free_port(), free_port(), Issuer()
    callers, keys = folder / "callers.toml", folder / f"{name}.jwks"
    callers.write_text(_CALLERS)
    keys.write_bytes(key_set(issuer))
    words = ["router", "serve", "--listen", f"127.0.0.1:{port}", "--access-log", "off", *flags]
    words += ["--metrics", f"127.0.0.1:{metrics}", "--journal", f"sqlite:///{folder}/{name}.db"]
    words += ["--callers", str(callers), "--token-jwks", str(keys)]
    words += ["--token-issuer", ISSUER, "--token-audience", AUDIENCE]
    with pinned(*words, ready='"serving"') as process:
        load = Load(folder, port, metrics, issuer)
        load.run("closed", in_flight=64, seconds=1.0)
        yield load, psutil.Process(process.pid)


def share(load: Load, mode: str, *, of_peak: float = 0.0, **values: Any) -> str:
    """Sends calls for some seconds, and tells what part of the peak was answered."""
    peak = load.peak()
    rate = {"rate": of_peak * peak} if of_peak else {}
    told = load.run(mode, seconds=SECONDS, warm=WARM, **rate, **values)
    text = f"{100 * told.rate / peak:.0f}%, p99 {1000 * told.p99:.0f} ms"
    return f"{text}; {told.others}" if told.others else text


def burst(load: Load) -> str:
    """Sends calls all at once, and tells how they ended."""
    told = load.run("burst", calls=BURST)
    return ", ".join(f"{calls} {code}" for code, calls in sorted(told.codes.items()))


def beside_a_greedy_one(load: Load) -> str:
    """Tells how long the calls of one caller take while another has a great many."""
    alone = load.run("closed", in_flight=FEW, seconds=1.0)
    greedy = load.begin("closed", caller="greedy", in_flight=GREEDY, seconds=3 * SECONDS)
    # Its calls are taken up beside those that are answered, which takes a while.
    time.sleep(SECONDS)
    beside = load.run("closed", in_flight=FEW, seconds=SECONDS)
    load.end(greedy)
    return f"p50 {1000 * beside.p50:.0f} ms, {beside.rate:.0f}/s (alone {1000 * alone.p50:.1f} ms)"


def after_a_storm(load: Load) -> str:
    """Tells what is answered while all that is refused comes again at once, and then."""
    before = load.peak()
    storm = load.run("open", rate=2.6 * before, seconds=SECONDS, tries=4)
    after = load.run("closed", in_flight=64, seconds=1.0)
    sent = storm.sent / max(1, sum(storm.codes.values()))
    during = f"{100 * storm.rate / before:.0f}% ({sent:.1f} tries a call)"
    return f"{during}, then {100 * after.rate / before:.0f}%, p99 {1000 * after.p99:.0f} ms"


ROWS: dict[str, Callable[[Load], str]] = {
    "2,000 who wait": partial(share, mode="closed", in_flight=2_000),
    "10,000 who wait": partial(share, mode="closed", in_flight=10_000),
    "a burst of 4,000": burst,
    "1.6 × peak": partial(share, mode="open", of_peak=1.6),
    "2.6 × peak": partial(share, mode="open", of_peak=2.6),
    "5 × peak": partial(share, mode="open", of_peak=5.0),
    "1.6 ×, 500 ms deadline": partial(share, mode="open", of_peak=1.6, deadline=DEADLINE),
    "2.6 ×, 500 ms deadline": partial(share, mode="open", of_peak=2.6, deadline=DEADLINE),
    "4 calls beside a caller with 2,000": beside_a_greedy_one,
    "2.6 ×, refused ones sent 4 times": after_a_storm,
}


def column(load: Load, process: psutil.Process) -> Iterator[str]:
    """Measures one server, row by row."""
    yield f"{load.peak():,.0f}/s"
    for name, measure in ROWS.items():
        told = measure(load)
        print(f"{name}: {told}", file=sys.stderr, flush=True)
        yield told
    yield f"{getattr(process.memory_info(), 'rss') >> 20} MiB"  # noqa: B009 - of Linux alone
    # What waited has been answered or refused by now.
    received = load.scraped("router_grpc_calls_received_total")
    unseen = received - load.scraped("router_grpc_calls_taken_total")
    ended = load.scraped("grpc_server_handled_total")
    yield f"{received:,.0f} in, {ended:,.0f} ended, {unseen:,.0f} not handed on by the core"


def main() -> None:
    """Prints the table."""
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = Path(name)
        with server(folder, "first", ()) as (load, _):
            pending = str(max(64, int(_SHARE * DEADLINE * load.peak())))
        plain = ["--max-pending", "1000", "--max-pending-hard", "3000", "--queue-seconds", "30"]
        servers = {
            "plain limits": [*plain, "--max-in-flight", "1024"],
            "as it is": [],
            f"--max-pending {pending}": ["--max-pending", pending, "--max-pending-hard", pending],
        }
        columns = []
        for number, flags in enumerate(servers.values()):
            with server(folder, str(number), flags) as (load, process):
                columns.append(list(column(load, process)))
    print(f"load of the machine: {os.getloadavg()[0]:.1f}\n")
    print(f"| | {' | '.join(servers)} |")
    print(f"|---|{'---|' * len(servers)}")
    names = ("64 who wait: the peak", *ROWS, "memory at the end", "calls counted")
    for row, *cells in zip(names, *columns, strict=True):
        print(f"| {row} | {' | '.join(cells)} |")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__).parse_args()
    main()
