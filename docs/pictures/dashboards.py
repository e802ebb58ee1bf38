"""The dashboards as pictures, drawn from their queries: `python -m docs.pictures.dashboards`.

A real server is called for a minute or two, scraped by a real Prometheus, and gets every fault that
the panels are there to show. What Grafana would draw is drawn here with Matplotlib.
"""

from __future__ import annotations

import argparse
import json
import re
import tempfile
import time
from pathlib import Path

import matplotlib as mpl

mpl.use("agg")

from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from deploy.grafana.panels import BOARDS, Board, Panel
from tests.e2e.watched import Series, Watched

FOLDER = Path(__file__).parent
_ACROSS = 3
_SHOWN_AT_MOST = 5  # legends of more series would hide them
_QUIET_SECONDS = 15
_COLOURS = ("#e0b400", "#e07b00", "#c4162a")
_PARTS = {"percentunit": (100, "%"), "bytes": (1e-6, "MB"), "s": (1, "s"), "h": (1, "h")}


def _legend(template: str, labels: str) -> str:
    found = json.loads(labels)
    return re.sub(r"\{\{(\w+)\}\}", lambda match: str(found.get(match[1], "")), template)


def _draw(axes: Axes, panel: Panel, queries: list[Series], began: float, happened: float) -> None:
    factor, unit = _PARTS.get(panel.unit, (1, panel.unit.replace("short", "")))
    drawn = [
        (_legend(template, labels), points)
        for template, series in zip(panel.queries, queries, strict=True)
        for labels, points in series.items()
    ]
    # The largest last values first: of many series those are told by name.
    drawn.sort(key=lambda one: -max(value for _, value in one[1]))
    for number, (name, points) in enumerate(drawn):
        axes.plot(
            [at - began for at, _ in points],
            [value * factor for _, value in points],
            linewidth=1.2,
            label=name[:34] if number < _SHOWN_AT_MOST else None,
        )
    low, high = axes.get_ylim()
    for line, colour in zip(panel.lines, _COLOURS[-len(panel.lines) :], strict=False):
        # One that is far away would flatten what is drawn.
        if low <= line * factor <= high + 2 * (high - low):
            axes.axhline(line * factor, color=colour, linestyle="--", linewidth=1)
    axes.axvline(happened - began, color="#9aa2ad", linewidth=0.8, linestyle=":")
    axes.set_title(panel.title, fontsize=9, loc="left")
    axes.set_ylabel(unit, fontsize=7)
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    if drawn:
        axes.legend(fontsize=6, loc="upper left", framealpha=0.6)


def _picture(board: Board, watched: Watched, began: float, happened: float) -> None:
    down = -(-len(board.panels) // _ACROSS)
    figure, grid = plt.subplots(
        down, _ACROSS, figsize=(5 * _ACROSS, 2.4 * down), squeeze=False, layout="constrained"
    )
    end = time.time()
    for axes, panel in zip(grid.flat, board.panels, strict=False):
        _draw(axes, panel, watched.prometheus.range(panel, began, end), began, happened)
    for axes in list(grid.flat)[len(board.panels) :]:
        axes.set_visible(False)
    figure.suptitle(
        f"{board.title}. Drawn from the dashboard's queries, not a picture of Grafana; "
        "seconds of a scripted run, faults from the dotted line on",
        fontsize=10,
    )
    figure.savefig(FOLDER / f"dashboard-{board.uid.removeprefix('router-')}.png", dpi=80)
    plt.close(figure)


def main() -> None:
    """Draws all of them."""
    with tempfile.TemporaryDirectory() as folder:
        watched = Watched(Path(folder))
        try:
            began = time.time()
            time.sleep(_QUIET_SECONDS)
            happened = time.time()
            # Those that take something away for good come last.
            for fault in sorted(watched.faults, key=lambda name: name == "another model"):
                watched.faults[fault]()
                time.sleep(1)
            time.sleep(5)
            for board in BOARDS:
                _picture(board, watched, began, happened)
        finally:
            watched.stop()


if __name__ == "__main__":
    argparse.ArgumentParser(
        prog="python -m docs.pictures.dashboards", description=__doc__
    ).parse_args()
    main()
