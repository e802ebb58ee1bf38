"""Is memory flat, however many calls were answered? `python -m bench.flat --calls 10000000`.

A server with its journal in a file on one core, h2load on the other: the same case again and again,
each call a decision of its own. After each slice of the calls the server's resident memory is read,
with its rate and tail. At the end the journal must hold as many decisions as were asked for: an
error would look like an answer to h2load.
"""

from __future__ import annotations

import argparse
import tempfile
from contextlib import closing
from pathlib import Path

import numpy as np
import psutil

from bench.load import free_port, h2load, pinned
from bench.servers import RECOMMEND, VIEWS
from router.commands.demo import plain_case
from router.journal.opening import open_to_read
from router.journal.standing import end_of_chain
from router.v1 import channel_router_pb2

SLICES = 20
IN_FLIGHT = 64


def main() -> None:
    """Prints a row for each slice, and what a call adds in the second half of them."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.flat", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--calls", type=int, default=10_000_000)
    parser.add_argument("--view", choices=tuple(VIEWS), default="BASIC")
    asked = parser.parse_args()
    request = channel_router_pb2.RecommendRequest(
        case=plain_case("c-7f3a91be"), view=VIEWS[asked.view]
    )
    each = asked.calls // SLICES
    print(
        "| calls | resident MiB | calls/s | p50 ms | p99 ms | p99.9 ms |\n|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder, port, seen = Path(name), free_port(), []
        journal = f"sqlite:///{folder}/journal.db"
        words = ("serve", "--listen", f"127.0.0.1:{port}", "--metrics", "127.0.0.1:0")
        with pinned("router", *words, "--journal", journal, ready='"serving"') as server:
            process = psutil.Process(server.pid)
            for slice_ in range(1, SLICES + 1):
                load = h2load(
                    port,
                    RECOMMEND,
                    request.SerializeToString(),
                    folder,
                    in_flight=IN_FLIGHT,
                    calls=each,
                )
                seen.append(process.memory_info().rss / 2**20)
                times = [f"{one / 1000:.1f}" for one in (load.p50, load.p99, load.p999)]
                cells = [f"{slice_ * each:,}", f"{seen[-1]:.1f}", f"{load.rate:,.0f}", *times]
                print(f"| {' | '.join(cells)} |", flush=True)
        with closing(open_to_read(journal)) as store:
            held = end_of_chain(store)
    half = np.array(seen[SLICES // 2 :])
    slope = float(np.polyfit(np.arange(len(half)) * each, half, 1)[0])
    print(
        f"\nin the second half {slope * 2**20:+.2f} bytes a call; {held:,} records of "
        f"{each * SLICES:,} calls"
    )


if __name__ == "__main__":
    main()
