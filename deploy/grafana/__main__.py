"""`python -m deploy.grafana` writes the dashboards' JSON anew from `panels.py`."""

from __future__ import annotations

import argparse
from pathlib import Path

from grafana_foundation_sdk.builders import dashboard, prometheus, timeseries
from grafana_foundation_sdk.builders.common import (
    GraphThresholdsStyleConfig,
    StackingConfig,
    VizLegendOptions,
)
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    GraphThresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    StackingMode,
)
from grafana_foundation_sdk.models.dashboard import (
    DataSourceRef,
    Threshold,
    ThresholdsMode,
    VariableOption,
    VariableRefresh,
)

from deploy.grafana.panels import BOARDS, Board, Panel

FOLDER = Path(__file__).parent / "dashboards"
_SOURCE = DataSourceRef(type_val="prometheus", uid="${datasource}")
_WIDTH, _HEIGHT = 12, 8
_COLOURS = ("#e0b400", "#e07b00", "#c4162a")


def _panel(panel: Panel) -> timeseries.Panel:
    # The first step has no lower end.
    steps = [Threshold(value=None, color="#3274d9")] + [
        Threshold(value=float(line), color=colour)
        for line, colour in zip(panel.lines, _COLOURS[-len(panel.lines) :], strict=False)
    ]
    made = (
        timeseries.Panel()
        .title(panel.title)
        .description(panel.description)
        .datasource(_SOURCE)
        .unit(panel.unit)
        .span(_WIDTH)
        .height(_HEIGHT)
        .fill_opacity(20 if panel.stacked else 0)
        .thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(steps))
        .legend(
            VizLegendOptions()
            .display_mode(LegendDisplayMode.LIST)
            .placement(LegendPlacement.BOTTOM)
            .show_legend(True)
        )
    )
    if panel.lines:
        made = made.thresholds_style(
            GraphThresholdsStyleConfig().mode(GraphThresholdsStyleMode.DASHED)
        )
    if panel.stacked:
        made = made.stacking(StackingConfig().mode(StackingMode.NORMAL))
    for number, (legend, expression) in enumerate(
        zip(panel.queries, panel.expressions(), strict=True)
    ):
        made = made.with_target(
            prometheus.Dataquery()
            .expr(expression)
            .legend_format(legend)
            .ref_id(chr(ord("A") + number))
            .datasource(_SOURCE)
            .range()
        )
    return made


def _query(name: str, label: str, query: str) -> dashboard.QueryVariable:
    return (
        dashboard.QueryVariable(name)
        .label(label)
        .datasource(_SOURCE)
        .query(query)
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .include_all(True)
        .all_value(".*")
        .multi(True)
        .current(VariableOption(text="All", value="$__all"))
    )


def build(board: Board) -> str:
    """Gives a dashboard's JSON."""
    made = (
        dashboard.Dashboard(board.title)
        .uid(board.uid)
        .description(board.description)
        .tags(["channel-router"])
        .readonly()
        .refresh("1m")
        .time("now-6h", "now")
        .timezone("browser")
        .with_variable(
            dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus")
        )
        .with_variable(_query("job", "Job", "label_values(router_ready, job)"))
        .with_variable(
            _query("instance", "Server", 'label_values(router_ready{job=~"$job"}, instance)')
        )
    )
    if any("$office" in one for panel in board.panels for one in panel.expressions()):
        made = made.with_variable(
            _query("office", "Office", "label_values(router_ledger_seconds, office)")
        )
    for panel in board.panels:
        made = made.with_panel(_panel(panel))
    return JSONEncoder(sort_keys=True, indent=2).encode(made.build()) + "\n"


def main() -> None:
    """Writes all of them."""
    FOLDER.mkdir(exist_ok=True)
    for board in BOARDS:
        (FOLDER / f"{board.uid}.json").write_text(build(board), encoding="utf-8")


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m deploy.grafana", description=__doc__).parse_args()
    main()
