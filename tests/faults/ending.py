"""Servers that are killed, or told to stop, under load."""

from __future__ import annotations

import random
import signal
from pathlib import Path

from tests.builders import ROOT
from tests.e2e.callers import Callers, answered
from tests.faults.fault import fault
from tests.faults.served import OPTIONS, Served, accounted

CALLERS = 4
ROUND_ROBIN = ROOT / "deploy" / "balancing" / "round_robin.json"


@fault(
    row="2",
    done="server killed (SIGKILL) {} times under load, journal in SQLite, its head kept outside",
    passes="nothing acknowledged is lost or doubled, the chain verifies, it starts again each time",
    full=200,
    short=1,
)
def killed(kills: int, folder: Path) -> str:
    server = Served(folder, "--head-file", str(folder / "head"))
    load = Callers(server.listen, CALLERS, OPTIONS, patient=True, patience=120)
    chance = random.Random(1)
    try:
        for _ in range(kills):
            # In the middle of whatever comes next.
            load.wait(answered, chance.randrange(1, 200))
            server.again(signal.SIGKILL)
        load.wait(answered, 20)
    finally:
        answers = load.stop()
        server.end()
    return accounted(answers, server.journal, "UNAVAILABLE")


@fault(
    row="14",
    done="server told to stop (SIGTERM) {} times under load, and started again; the client watches "
    "health and retries (deploy/balancing/round_robin.json)",
    passes="no failed call; it ends with 0 each time, its journal flushed; nothing acknowledged "
    "is lost",
    full=50,
    short=1,
)
def drained(ends: int, folder: Path) -> str:
    server = Served(folder)
    options = (*OPTIONS, ("grpc.service_config", ROUND_ROBIN.read_text()))
    load = Callers(server.listen, CALLERS, options, patient=True, patience=120)
    chance = random.Random(2)
    try:
        for _ in range(ends):
            load.wait(answered, chance.randrange(1, 200))
            assert server.end() == 0
            assert server.log[-1]["journal_flushed"] is True, server.log[-1]
            server.begin()
            server.wait()
        load.wait(answered, 20)
    finally:
        answers = load.stop()
        server.end()
    return accounted(answers, server.journal)
