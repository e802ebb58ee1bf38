"""Writes docs/performance.md and its picture from docs/performance.json.

`python -m docs.performance`; `make bench-peers` measures, and calls it.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import jinja2

from bench.serving_peers.lineup import PEERS
from bench.serving_peers.summary import Spread, endings, ratio, share_wrong, spread, verdict
from docs.pictures import speed

PAGE = Path(__file__).with_suffix(".md")
_TEMPLATE = Path(__file__).with_suffix(".md.j2")
FOUND = Path(__file__).with_suffix(".json")
IN_FLIGHT = (1, 16, 64, 256)
Key = tuple[str, str]


class Found:
    """What was measured, by server, model and row."""

    def __init__(self, found: Iterable[dict[str, Any]]) -> None:
        self._rows: dict[tuple[str, str, str], list[dict[str, Any]]] = {}
        for one in found:
            self._rows.setdefault((one["server"], one["model"], one["row"]), []).append(one)
        order = {"ours": 0, "echo": 1}
        keys = dict.fromkeys((server, model) for server, model, _ in self._rows)
        self.servers = sorted(keys, key=lambda key: (order.get(key[0][:4], 2), key[1]))

    def seen(self, key: Key, row: str) -> list[dict[str, Any]]:
        """Gives what each turn saw of a server."""
        return self._rows.get((*key, row), [])

    def values(self, key: Key, row: str, figure: str, by: float = 1.0) -> list[float]:
        """Gives a figure of each turn, multiplied."""
        return [by * one[figure] for one in self.seen(key, row) if one[figure] is not None]

    def told(self, key: Key, row: str, figure: str, by: float = 1.0, digits: int = 0) -> str:
        """Writes a figure with its spread; a dash where there is none."""
        values = self.values(key, row, figure, by)
        return spread(values).told(digits) if values else "–"

    def best(self, model: str, row: str, figure: str) -> Key:
        """Gives the peer of the best median: of the most answers, or of the least time."""
        peers = [key for key in self.servers if key[1] == model and self.seen(key, row)]
        medians = {key: spread(self.values(key, row, figure)).median for key in peers}
        wanted = max if figure == "rate" else min
        return wanted(medians, key=lambda key: medians[key])

    def times(self, ours: Key, theirs: Key, row: str, figure: str) -> Spread:
        """Gives how many times as good ours is, turn by turn."""
        mine, other = self.values(ours, row, figure), self.values(theirs, row, figure)
        # A turn that was cut short lacks the last of them.
        turns = min(len(mine), len(other))
        pair = (mine[:turns], other[:turns])
        return ratio(*pair) if figure == "rate" else ratio(*reversed(pair))


def aims(found: Found) -> Iterator[tuple[str, str, str]]:
    """Tells of every aim what was measured, and whether it is reached."""
    ours = {view: (f"ours, {view}", "tables") for view in ("FULL", "BASIC")}
    echo = {view: (f"echo uvloop, {view}", "nothing") for view in ours}
    for view, least in (("FULL", 0.85), ("BASIC", 1.0)):
        rate = found.times(ours[view], echo[view], "64 in flight", "rate")
        words = f"{view}, 64 in flight: at least {least:g} of a uvloop echo"
        yield (words, rate.told(2), verdict([rate], least, at_least=True))
        cost = found.times(ours[view], echo[view], "64 in flight", "processor")
        yield ("by processor time", cost.told(2), "")
    for view, most in (("FULL", 0.5), ("BASIC", 0.4)):
        pair = [found.values(which[view], "1 in flight", "p50", 1e3) for which in (ours, echo)]
        more = spread([mine - bare for mine, bare in zip(*pair, strict=False)])
        words = f"{view}, a lone call: at most {most:g} ms above the uvloop echo, p50"
        yield (words, f"{more.told(2)} ms", verdict([more], most, at_least=False))
        pair = [
            found.values(which[view], "1 in flight", "processor", 1e3) for which in (ours, echo)
        ]
        more = spread([mine - bare for mine, bare in zip(*pair, strict=False)])
        yield ("by processor time", f"{more.told(2)} ms", "")
    for name, least in (("ours", 60_000), ("ours, no journal", 150_000)):
        key = (f"{name}, BASIC", "tables")
        rate = spread(found.values(key, "batches of 1000", "rate"))
        words = f"{name}: batches of 1,000, BASIC, at least {least:,} cases a second"
        yield (words, rate.told(), verdict([rate], least, at_least=True))
        cost = spread([1 / one for one in found.values(key, "batches of 1000", "processor")])
        yield ("cases a second of processor time", cost.told(), "")
    for model, least in (("boosted", 20.0), ("linear", 5.0)):
        for view, key in ours.items():
            rates, told = _beside(found, key, model, "rate")
            words = f"{view}: at least {least:g} × the best peer, {model}, at 1, 16, 64, 256"
            yield (words, told, verdict(rates, least, at_least=True))
            yield ("by processor time", _beside(found, key, model, "processor")[1], "")
        words = f"the uvloop echo, which computes nothing, beside the same peers, {model}"
        yield (words, _beside(found, echo["FULL"], model, "rate")[1], "")
    cold = spread(found.values(ours["FULL"], "cold start", "seconds"))
    yield ("cold start: at most 0.5 s", f"{cold.told(2)} s", verdict([cold], 0.5, at_least=False))
    memory = spread(found.values(ours["FULL"], "memory", "megabytes"))
    yield (
        "resident memory: at most 100 MB",
        f"{memory.told()} MB",
        verdict([memory], 100, at_least=False),
    )


def _beside(found: Found, key: Key, model: str, figure: str) -> tuple[list[Spread], str]:
    """Gives how many times as good as the best peer a server is at each number in flight."""
    rows = [f"{many} in flight" for many in IN_FLIGHT]
    best = [found.best(model, row, figure) for row in rows]
    times = [found.times(key, peer, row, figure) for peer, row in zip(best, rows, strict=True)]
    pairs = zip(times, best, strict=True)
    return times, ", ".join(f"{one.median:.1f} ({peer[0]})" for one, peer in pairs)


def batches(found: Found) -> Iterator[tuple[str, ...]]:
    """Tells of batches and streams."""
    for key in found.servers:
        cells = [
            found.told(key, "batches of 100", "rate"),
            found.told(key, "batches of 1000", "rate"),
            found.told(key, "batches of 1000", "processor", 1e6, 1),
            found.told(key, "stream", "rate"),
        ]
        if set(cells) != {"–"}:
            yield (*key, *cells)


def floods(found: Found) -> Iterator[tuple[str, ...]]:
    """Tells what became of too many calls."""
    for key in found.servers:
        for one in found.seen(key, "flood"):
            share, p99 = one["rate"] / one["peak"], one["p99"] or 0.0
            yield (*key, f"{100 * share:.0f}%", f"{p99:.1f}", endings([one["codes"]]))


def page(record: dict[str, Any]) -> str:
    """Gives the page of what was measured."""
    found = Found(record["found"])
    turns = max(one["turn"] for one in record["found"]) + 1
    wrong = [
        f"{one['server']}, {one['model']}, {one['row']}: {endings([one['codes']])}"
        for one in record["found"]
        if one["row"] != "flood" and "codes" in one and share_wrong(one["codes"])
    ]

    def by_calls(figure: str, by: float = 1.0, digits: int = 0) -> str:
        return _table(
            ("server", "model", *map(str, IN_FLIGHT)),
            (
                (*key, *(found.told(key, f"{n} in flight", figure, by, digits) for n in IN_FLIGHT))
                for key in found.servers
            ),
        )

    template = jinja2.Template(_TEMPLATE.read_text("utf-8"), undefined=jinja2.StrictUndefined)
    rendered: str = template.render(
        date=record["date"],
        machine=record["machine"],
        turns=f"{turns} turn{'s' if turns > 1 else ''}",
        load=spread(record["load"]).told(1),
        versions=", ".join(f"{name} {version}" for name, version in record["versions"].items()),
        aims=_table(("aim", "measured", "reached"), aims(found)),
        rate=by_calls("rate"),
        p50=by_calls("p50", 1e3, 1),
        p99=by_calls("p99", 1e3, 1),
        processor=by_calls("processor", 1e6),
        batches=_table(
            ("server", "model", "of 100", "of 1,000", "of 1,000, CPU µs a case", "stream"),
            batches(found),
        ),
        floods=_table(
            ("server", "model", "of its peak", "p99 s", "how calls ended"), floods(found)
        ),
        starts=_table(
            ("server", "model", "cold start, s", "MB"),
            (
                (
                    *key,
                    found.told(key, "cold start", "seconds", digits=2),
                    found.told(key, "memory", "megabytes"),
                )
                for key in found.servers
            ),
        ),
        wrong="; ".join(wrong) or "none",
        failed="; ".join(f"{name} ({why})" for name, why in record["failed"].items()) or "none",
        settings=_table(
            ("peer", "settings"), ((name, peer.settings) for name, peer in PEERS.items())
        ),
    )
    return rendered.rstrip() + "\n"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [head, ("---",) * len(head), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def main() -> None:
    """Writes the page and the picture."""
    PAGE.write_text(page(json.loads(FOUND.read_text("utf-8"))), encoding="utf-8")
    speed.main()


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.performance", description=__doc__).parse_args()
    main()
