"""Records anew what is kept: `python -m tests.compatibility.record answers`, or `readings`.

The requests and the journal stay as they are; see README.md for when this is right.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from router.v1 import case_pb2
from tests.compatibility import readings
from tests.compatibility.kept import FOLDER, GROUPS, Asker, Exchange, a_server, exchanges, keep
from tests.postgres_server import a_server as a_database


def record_answers(folder: Path) -> None:
    """Asks today's service what is kept, and keeps its answers."""
    found: list[Exchange] = []
    for group in GROUPS:
        (folder / group).mkdir()
        with a_server(folder / group) as server:
            asker = Asker(server.channel)
            found += [
                replace(one, outcome=asker.ask(one.method, one.requests))
                for one in exchanges(group)
            ]
    keep(found)


def record_readings(folder: Path) -> None:
    """Reads the journal and scores the cases that are kept, and keeps what comes out."""
    found: dict[str, Any] = readings.kept_readings()
    with readings.the_journal("sqlite", folder, None) as url:
        found["exported"] = readings.exported(url, folder)
        found["ledger"] = readings.ledger(url, folder, found["days"])
        found["collected"] = {
            treatment: readings.collected(url, folder, treatment)
            for treatment in readings.TREATMENTS
        }
        readings.make_young(url)
        found["prices"] = {
            office: readings.price(url, folder, office) for office in readings.OFFICES
        }
    server = a_database(fsync=False)
    for place in readings.PLACES:
        database = server if place == "postgres" else None
        with readings.the_journal(place, folder, database) as url:
            found["known"][place] = _known(folder / place, url, found["known"][place])
    server.remove()
    found["fields"] = [field.name for field in case_pb2.Case.DESCRIPTOR.fields]
    readings.keep_readings(found)
    for office in ("", "office-02"):
        shutil.copyfile(readings.scored(folder, office), FOLDER / _scored(office))


def _known(folder: Path, url: str, calls: list[Any]) -> list[Any]:
    """Asks what is recorded, and gives the calls with today's answers."""
    folder.mkdir()
    with a_server(folder, "--journal", url) as server:
        asker = Asker(server.channel)
        return [
            (method, request, asdict(asker.ask(method, [request]))) for method, request, _ in calls
        ]


def _scored(office: str) -> str:
    return f"scored-{office or 'national'}.parquet"


PARTS = {"answers": record_answers, "readings": record_readings}

if __name__ == "__main__":
    parser = argparse.ArgumentParser(
        prog="python -m tests.compatibility.record", description=__doc__
    )
    parser.add_argument(
        "parts", nargs="*", choices=[[], *PARTS], metavar="PART", help=f"all, or some: {[*PARTS]}"
    )
    for part in parser.parse_args().parts or [*PARTS]:
        with tempfile.TemporaryDirectory() as made:
            PARTS[part](Path(made))
