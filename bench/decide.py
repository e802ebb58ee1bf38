"""What a decision costs, in arrays and as `decide_each` takes it: `python -m bench.decide`.

It defends that the rule stands in scalars too (ADR 15). With `--beside FOLDER`, another checkout
with its own .venv, that one is measured in turns, so that a busy machine slows all alike.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from bench.workers import asked, started

COUNTS = (1, 2, 3, 4, 8, 64, 1000)
TURNS = 40
# Runs in either checkout: reads how many rows to decide, says how many microseconds a row took.
_WORKER = """
import sys, time
from pathlib import Path
import numpy as np
from router.commands.score import load_decider

promoted = Path("models/promoted").read_text().strip()
decider = load_decider(Path("models", promoted), Path("policies"))[0]
features = decider.tables.features
random = np.random.default_rng(0)
drawn = [random.integers(0, feature.slots, 1000) for feature in features.features]
rows = np.stack(drawn, axis=1).astype(np.uint16)
rows[:, features.column("shielded")] = features["shielded"].slot("NO")
plain = rows.tolist()
try:  # as 0.3.0 has it
    from router.decision.decide_one import SingleDecider
    one, few = SingleDecider(decider).decide, 8
except ImportError:
    pass

def in_arrays(some):
    return decider.decide(np.array(some, np.uint16)).each()

def each(some):
    if hasattr(decider, "decide_each"):
        return decider.decide_each(some)
    return [one(row) for row in some] if len(some) <= few else in_arrays(some)

for line in sys.stdin:
    way, count = line.split()
    decide, some, count = globals()[way], plain[: int(count)], int(count)
    times = []
    for _ in range(max(3, 200 // count)):
        began = time.perf_counter()
        decide(some)
        times.append(time.perf_counter() - began)
    print(min(times) / count * 1e6, flush=True)
"""


def main() -> None:
    """Prints a table: microseconds a row, the least of many turns."""
    parser = argparse.ArgumentParser(prog="python -m bench.decide", description=__doc__)
    parser.add_argument("--beside", type=Path, help="Another checkout to measure in turns.")
    beside: Path | None = parser.parse_args().beside
    this = started([sys.executable, "-c", _WORKER], Path())
    measured = {"in arrays": (this, "in_arrays"), "decide_each": (this, "each")}
    if beside is not None:
        other = started([str(beside.resolve() / ".venv/bin/python"), "-c", _WORKER], beside)
        measured["the other checkout"] = (other, "each")

    print(f"| rows | {' | '.join(f'{name}, µs a row' for name in measured)} |")
    print(f"|---|{'---|' * len(measured)}")
    for count in COUNTS:
        least = dict.fromkeys(measured, float("inf"))
        # In turns, and the least of each: what else the machine does only ever adds time.
        for _ in range(TURNS):
            for name, (process, way) in measured.items():
                least[name] = min(least[name], asked(process, f"{way} {count}"))
        print(f"| {count:,} | {' | '.join(f'{micro:.1f}' for micro in least.values())} |")

    for process in {process for process, _ in measured.values()}:
        process.terminate()
        process.wait(10)


if __name__ == "__main__":
    main()
