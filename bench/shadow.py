"""What a shadow costs: the service without, with a second version, and with today's rule, in turns.

`python -m bench.shadow` prints the table. In one run, so that a busy machine slows all; the
processor's time a call, the shadow's and the journal's included, hardly feels neighbours. That of
a database is not in it: it runs beside the load.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path

import psutil

from bench.load import Load, free_port, h2load, median, pinned
from bench.stores import add_store, new_journals
from router.commands.demo import plain_case
from router.v1 import channel_router_pb2
from router.versions.registry import promoted_version

RECOMMEND = "/router.v1.ChannelRouter/Recommend"
CALLS = 20_000
TURNS = 5
# An eighth of them are made one after the other, and their percentiles are told.
LEAST_CALLS = 512


def main() -> None:
    """Prints calls a second, latencies and processor time of each kind of shadow, as Markdown.

    Raises:
        SystemExit: if h2load is not installed, or PostgreSQL is asked for and not installed.
    """
    parser = argparse.ArgumentParser(prog="python -m bench.shadow", description=__doc__)
    parser.add_argument("--calls", type=int, default=CALLS, help="of a run; default: %(default)s")
    parser.add_argument("--turns", type=int, default=TURNS, help="runs; default: %(default)s")
    add_store(parser)
    asked = parser.parse_args()
    calls, turns = asked.calls, asked.turns
    if calls < LEAST_CALLS:
        parser.error(f"--calls: {calls} is not {LEAST_CALLS} or more")
    if turns < 1:
        parser.error(f"--turns: {turns} is not 1 or more")
    request = channel_router_pb2.RecommendRequest(case=plain_case("c-7f3a91be"))
    data = request.SerializeToString()
    # As heavy as any other version: that it is the promoted one makes no difference to it.
    kinds = {"none": (), "version": ("--shadow", promoted_version(Path("models")))}
    kinds["rule"] = ("--shadow", "rule")
    seen: dict[tuple[str, int], list[Load]] = {}
    spent: dict[tuple[str, int], list[float]] = {}
    with tempfile.TemporaryDirectory(dir=".") as name, new_journals(asked.store) as fresh:
        folder = Path(name)
        for _ in range(turns):
            for kind, flags in kinds.items():
                port, metrics = free_port(), free_port()
                words = ["router", "serve", "--listen", f"127.0.0.1:{port}", *flags]
                words += ["--metrics", f"127.0.0.1:{metrics}", "--journal", fresh()]
                with pinned(*words, ready='"serving"') as server:
                    # Warms up, and is not counted.
                    h2load(port, RECOMMEND, data, folder, in_flight=64, calls=500)
                    for many, some in ((1, calls // 8), (64, calls)):
                        before = cpu_micros(server.pid)
                        load = h2load(port, RECOMMEND, data, folder, in_flight=many, calls=some)
                        seen.setdefault((kind, many), []).append(load)
                        used = (cpu_micros(server.pid) - before) / some
                        spent.setdefault((kind, many), []).append(used)
    print("| in flight | shadow | calls/s | p50 µs | p99 µs | of none | CPU µs a call | of none |")
    print("|---|---|---|---|---|---|---|---|")
    for (kind, many), loads in sorted(seen.items(), key=lambda one: one[0][1]):
        cells = " | ".join(f"{median(loads, figure):,.0f}" for figure in ("rate", "p50", "p99"))
        ratio = median(loads, "rate") / median(seen["none", many], "rate")
        cost, alone = (statistics.median(spent[one, many]) for one in (kind, "none"))
        print(f"| {many} | {kind} | {cells} | {ratio:.2f} | {cost:,.0f} | {cost / alone:.2f} |")


def cpu_micros(pid: int) -> float:
    """Gives the processor's time of a process so far, in microseconds."""
    times = psutil.Process(pid).cpu_times()
    return 1e6 * (times.user + times.system)


if __name__ == "__main__":
    main()
