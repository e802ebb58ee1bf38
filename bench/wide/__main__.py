"""What mixes and fields cost a decision, as ratios to today's in one run: `python -m bench.wide`.

Each agency (`agency`) is served by a process of its own with random tables of its size, through the
real loaders; they are asked in turns, so that a busy machine slows all alike. Printed as Markdown:
processor time and, in brackets, how many times today's it is, both medians of turns.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path
from statistics import median

from bench.wide.agency import ROOT, make_agency
from bench.workers import asked, started, told
from router.cases.features import FEATURES
from router.policies.catalogue_file import load_catalogue

TODAY = (len(load_catalogue(ROOT / "policies/mixes.toml").ids), len(FEATURES.features))
WAYS = {
    "served": ("a call of Recommend, BASIC, µs of the server", 1e6),
    "served full": ("a call of Recommend, FULL, µs of the server", 1e6),
    "one": ("the same without transport and journal, BASIC, µs", 1e6),
    "one full": ("without transport and journal, FULL, µs", 1e6),
    "batch": ("of 1,000 cases, BASIC, µs a case", 1e6),
    "batch full": ("of 250 cases, FULL, µs a case", 1e6),
    "score": ("`score`, µs a case", 1e6),
    "load": ("load and first answer, ms", 1e3),
}
HELD = {
    "memory": "memory, MiB",
    "tables": "tables.npz, MiB",
    "request": "request of 1,000 cases, MiB",
    "answer": "answers to 250 cases, FULL, MiB",
}


def main() -> None:
    """Prints a row for each size."""
    parser = argparse.ArgumentParser(prog="python -m bench.wide", description=__doc__)
    parser.add_argument("--mixes", type=int, nargs="+", default=[TODAY[0], 30, 60])
    parser.add_argument("--fields", type=int, nargs="+", default=[TODAY[1], 300])
    parser.add_argument("--turns", type=int, default=7)
    parser.add_argument("--ways", nargs="+", choices=list(WAYS), default=list(WAYS))
    options = parser.parse_args()
    sizes = [(mixes, fields) for fields in options.fields for mixes in options.mixes]
    # What all others are compared with.
    sizes = [TODAY, *(size for size in sizes if size != TODAY)]

    with tempfile.TemporaryDirectory() as made:
        workers = {}
        for mixes, fields in sizes:
            folder = Path(made, f"{mixes}-{fields}")
            make_agency(folder, mixes, fields)
            workers[mixes, fields] = started([sys.executable, "-m", "bench.wide.worker"], folder)
        held = {size: json.loads(told(one)) for size, one in workers.items()}
        turns: dict[tuple[tuple[int, int], str], list[float]] = {}
        for _ in range(options.turns):
            for way in options.ways:
                for size, process in workers.items():
                    turns.setdefault((size, way), []).append(asked(process, way))
        for process in workers.values():
            # The end of what it reads: it then ends, and its server with it.
            process.communicate(timeout=60)

    names = [*(WAYS[way][0] for way in options.ways), *HELD.values()]
    print(f"| mixes | fields | {' | '.join(names)} |\n|---:|---:|{'---:|' * len(names)}")
    for size in sizes:
        cells = []
        for way in options.ways:
            # Within a turn: what else the machine did then slowed both.
            ratios = [a / b for a, b in zip(turns[size, way], turns[TODAY, way], strict=True)]
            cells.append(f"{median(turns[size, way]) * WAYS[way][1]:,.0f} ({median(ratios):.1f})")
        for name in HELD:
            cells.append(f"{held[size][name]:,.1f} ({held[size][name] / held[TODAY][name]:.1f})")
        print(f"| {size[0]} | {size[1]} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
