"""The dashboards: fresh, complete, and moved by what each panel is there to show."""

import json
import re
import time
from collections.abc import Iterator

import promql_parser
import pytest

from deploy.grafana.__main__ import FOLDER, build
from deploy.grafana.panels import BOARDS, Board
from tests.e2e.watched import WITHIN, Watched, moved

PANELS = [panel for board in BOARDS for panel in board.panels]
# In the order of the panels: other people come before the large batches, beside which nobody would
# see them.
FAULTS = list(dict.fromkeys(panel.fault for panel in PANELS))
# Of six seconds, so that what happens anyway is known before a fault is made.
BEFORE = 6
# In which a fault shows, if Prometheus did not miss it.
SHOWS = 6
# In which it has gone again.
UNDONE = 4


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    found = Watched(tmp_path_factory.mktemp("watched"))
    yield found
    found.stop()


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_what_is_committed_is_what_the_code_makes(board: Board) -> None:
    assert (FOLDER / f"{board.uid}.json").read_text(encoding="utf-8") == build(board)


@pytest.mark.parametrize("board", BOARDS, ids=lambda board: board.uid)
def test_a_dashboard_is_what_ops_expect_of_one(board: Board) -> None:
    made = json.loads(build(board))
    names = [variable["name"] for variable in made["templating"]["list"]]
    assert names[:3] == ["datasource", "job", "instance"]
    assert made["editable"] is False
    for panel in made["panels"]:
        assert panel["title"]
        assert len(panel["description"]) > 20
        assert panel["datasource"]["uid"] == "${datasource}"
        assert panel["fieldConfig"]["defaults"]["unit"]
        for target in panel["targets"]:
            expression = target["expr"]
            promql_parser.parse(expression.replace("$__rate_interval", "1m"))
            # Recorded rules and the ledger are not of a job.
            own = re.search(r"(grpc_server|process|router)_[a-z_]+(?<!_ratio){", expression)
            of_ledger = (
                "router_ledger",
                "router_contact",
                "router_shown",
                "router_benefit",
                "router_own_view",
            )
            if own and not any(name in expression for name in of_ledger):
                assert 'job=~"$job", instance=~"$instance"' in expression
            if "rate(" in expression:
                assert "[$__rate_interval]" in expression


def test_every_panel_has_data(watched: Watched) -> None:
    assert not without_data(watched)


# One after the other, so that a panel is not moved by what another one waits for.
@pytest.mark.parametrize("fault", FAULTS)
def test_every_panel_shows_its_fault(watched: Watched, fault: str) -> None:
    assert not unmoved(watched, fault)


def nothing() -> None:
    """Undoes a fault that does not stay."""


def without_data(watched: Watched) -> list[str]:
    """Waits until every panel has data; gives those that get none."""
    end, empty = time.time() + WITHIN, PANELS
    while empty and time.time() < end:
        time.sleep(1)
        now = time.time()
        empty = [one for one in empty if not all(watched.prometheus.range(one, now - BEFORE, now))]
    return [panel.title for panel in empty]


def unmoved(watched: Watched, fault: str) -> list[str]:
    """Makes a fault until its panels have moved; gives those that do not."""
    end = time.time() + WITHIN
    still = [panel for panel in PANELS if panel.fault == fault]
    while still and time.time() < end:
        began = time.time()
        before = {one.title: watched.prometheus.range(one, began - BEFORE, began) for one in still}
        watched.faults[fault]()
        while still and time.time() < began + SHOWS:
            time.sleep(0.5)
            now = time.time()
            still = [
                one
                for one in still
                if not moved(one, before[one.title], watched.prometheus.range(one, began, now))
            ]
        # Prometheus missed it, the server took it up too late, or an earlier fault was too near for
        # this one to stand out.
        if still:
            watched.undo.get(fault, nothing)()
            time.sleep(UNDONE + BEFORE)
    return [panel.title for panel in still]
