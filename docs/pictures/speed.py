"""Answers a second beside echoes and peers as a picture: `python -m docs.pictures.speed`."""

from __future__ import annotations

import argparse
import json
import math
from pathlib import Path

from bench.serving_peers.summary import Spread, spread
from docs.pictures.svg import BLUE, GREEN, INK, LINE, ORANGE, QUIET, Picture

HERE = Path(__file__).resolve().parent
ROW = "64 in flight"
COLOURS = {"tables": BLUE, "nothing": QUIET, "boosted": ORANGE, "linear": GREEN}
MEANS = {
    "tables": "ours: tables, policy, reasons, journal",
    "nothing": "an echo of our answer: computes nothing",
    "boosted": "a peer, boosted model",
    "linear": "a peer, linear model",
}


def rates() -> dict[tuple[str, str], Spread]:
    """Gives answers a second by server and model, the most first."""
    found: dict[tuple[str, str], list[float]] = {}
    for one in json.loads((HERE.parent / "performance.json").read_text())["found"]:
        if one["row"] == ROW:
            found.setdefault((one["server"], one["model"]), []).append(one["rate"])
    spreads = {key: spread(values) for key, values in found.items()}
    return dict(sorted(spreads.items(), key=lambda one: -one[1].median))


def drawn() -> str:
    """Returns the picture: a dot for each server, a line from its least turn to its most."""
    shown = rates()
    title = f"Answers a second, {ROW}, one core; medians of turns and their range"
    words = "; ".join(f"{name} ({model}) {it.median:,.0f}" for (name, model), it in shown.items())
    picture = Picture(width=900, title=title, words=words)
    left, right, step = 250.0, 800.0, 24.0
    # Each line to the right is ten times as many.
    low = math.floor(math.log10(min(it.least for it in shown.values())))
    high = math.ceil(math.log10(max(it.most for it in shown.values())))

    def across(rate: float) -> float:
        return left + (right - left) * (math.log10(rate) - low) / (high - low)

    picture.text(20, 30, title, bold=True)
    x = 20.0
    for model, meaning in MEANS.items():
        picture.dot(x + 5, 50, 5, COLOURS[model])
        picture.text(x + 16, 54, meaning, size=12, colour=QUIET)
        x += 40 + 6.2 * len(meaning)
    top, bottom = 74.0, 74.0 + step * len(shown) + 8
    for power in range(low, high + 1):
        at = across(10.0**power)
        picture.line((at, top), (at, bottom), colour=LINE)
        picture.text(at, bottom + 18, f"{10**power:,}", size=12, colour=QUIET, anchor="middle")
    y = top + step / 2
    for (name, model), it in shown.items():
        colour = COLOURS[model]
        picture.text(left - 14, y + 4, name, size=12, colour=INK, anchor="end")
        picture.line((across(it.least), y), (across(it.most), y), colour=colour)
        picture.dot(across(it.median), y, 5, colour)
        picture.text(across(it.most) + 10, y + 4, f"{it.median:,.0f}", size=12, colour=colour)
        y += step
    return picture.svg(bottom + 34)


def main() -> None:
    """Writes the picture."""
    (HERE / "speed.svg").write_text(drawn(), encoding="utf-8")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m docs.pictures.speed", description=__doc__).parse_args()
    main()
