"""How cost grows with the journal: `python -m bench.growth`.

Makes journals of several sizes: a year of decisions of 300 offices, interleaved as they would come,
with choices for half of them, outcomes for half, and some cases asked about again, also elsewhere.
Each command then runs in a process of its own; processor time and the largest resident memory are
what the system tells of that process. Printed as Markdown: figures by size, then what a decision
adds between the two largest, and what that makes of 30 million decisions a year: "as now" where it
adds nothing, "flatter" or "steeper" where it added more or less before.

`--postgres` copies these journals into databases of a server of its own, and measures there; beside
the command's own processor time then stands that of the server, "3.0 + 1.2 s". `--expire` then
erases half a year there by age. `--only` names commands, `--seconds` is when one is given up (its
cell then tells so).
"""

from __future__ import annotations

import argparse
import dataclasses
import heapq
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator, Sequence
from contextlib import closing, nullcontext, suppress
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np

from bench.spent import of_server
from router.advice.recommender import Recommender
from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue, Channel
from router.decision.decide import Decider
from router.decision.draws import Draws
from router.journal.backup import restore
from router.journal.feedback import (
    ChannelTime,
    Choice,
    Direction,
    Feedback,
    Outcome,
    WishedBy,
    claim_of,
    feedback_record,
)
from router.journal.opening import open_journal, open_to_read
from router.journal.recommendation import read_recommendation
from router.journal.record import RECOMMENDATION, Record
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.versions.pointers import version_for
from router.versions.registry import load_model
from tests.builders import ROOT
from tests.faults.database import a_database
from tests.postgres_server import PostgresServer
from training.simulation.population import draw_population
from training.simulation.simulate import record
from training.simulation.year_offices import (
    OFFICES_AT_MOST,
    Lots,
    made_up_offices,
    write_policies,
)

SIZES = (10_000, 100_000)
OFFICES = 300
NATIONAL = 30_000_000
"""Decisions of a year."""
FIRST_DAY, DAYS = date(2026, 1, 5), 364
_PEOPLE = 20_000
_AGAIN = 0.1
_BLOCK = 30_000
_TOLD_AT_MOST = 80
# Shares by which processor time and memory differ between runs on a machine that others share.
_SECONDS_NOISE, _MEMORY_NOISE = 0.1, 0.05
# A slope so many times another is another slope.
_BENDS = 2.0
_DAY = 24 * 60 * 60 * 1_000_000
_START = int(datetime.combine(FIRST_DAY, datetime.min.time(), UTC).timestamp()) * 1_000_000
_LAST = FIRST_DAY + timedelta(days=DAYS)


class Cost(NamedTuple):
    """What one command took.

    Attributes:
        seconds: processor time, its own.
        megabytes: peak resident memory, its own.
        ended: how it ended, "" for well.
        database: processor time of the database, seconds; 0 of a file.
    """

    seconds: float
    megabytes: float
    ended: str
    database: float = 0.0


def write_offices(folder: Path, offices: int) -> None:
    """Writes policies of so many offices, each with a version of its own: so many contexts."""
    kinds = made_up_offices(OFFICES_AT_MOST, cases_a_week=60, lots=Lots(control=0.1))
    made = tuple(
        dataclasses.replace(kinds[number % len(kinds)], ref=f"growth-{number:03d}")
        for number in range(offices)
    )
    write_policies(folder, made, ROOT / "policies")


def write_journal(url: str, policies: Path, decisions: int) -> None:
    """Writes a year's journal of so many decisions of all offices that have a policy."""
    recommenders, catalogue = _recommenders(policies)
    rng = np.random.default_rng(0)
    people = record(rng, draw_population(rng, _PEOPLE))
    rows = np.stack([people[name] for name in FEATURES.names], axis=1).tolist()
    waiting: list[tuple[int, int, Record]] = []
    with closing(open_journal(url)) as store:
        for start in range(0, decisions, _BLOCK):
            count = min(_BLOCK, decisions - start)
            advised = _advised(rng, recommenders, rows, start, count, decisions)
            for one in advised:
                for answer in _answers(rng, one, catalogue):
                    heapq.heappush(waiting, (answer.written_at, len(waiting), answer))
            due = advised[-1].written_at
            block = list(advised)
            while waiting and waiting[0][0] <= due:
                block.append(heapq.heappop(waiting)[2])
            block.sort(key=lambda one: one.written_at)
            store.write_batch(block)
        store.write_batch([heapq.heappop(waiting)[2] for _ in range(len(waiting))])


def _recommenders(policies: Path) -> tuple[dict[str, Recommender], Catalogue]:
    catalogue = load_catalogue(policies / "mixes.toml")
    models = ROOT / "models"
    model = load_model(models / version_for(models, ""), FEATURES, catalogue)
    known, draws = load_policies(policies, catalogue), Draws(b"a key of sixteen")
    return {
        office: Recommender(
            model, Decider(tables=model.tables, catalogue=catalogue, policy=policy), draws
        )
        for office, policy in known.offices.items()
    }, catalogue


def _advised(
    rng: np.random.Generator,
    recommenders: dict[str, Recommender],
    rows: list[list[int]],
    start: int,
    count: int,
    decisions: int,
) -> list[Record]:
    """Gives records of so many decisions in the order of their moments, offices drawn for each."""
    offices = list(recommenders)
    office = rng.integers(0, len(offices), count)
    person = rng.integers(0, len(rows), count)
    case = np.arange(start, start + count)
    again = (rng.random(count) < _AGAIN) & (case > 0)
    case[again] = (case[again] * rng.random(int(again.sum()))).astype(np.int64)
    found: list[Record | None] = [None] * count
    for number, ref in enumerate(offices):
        places = np.flatnonzero(office == number).tolist()
        _, records = recommenders[ref].decide(
            [rows[person[place]] for place in places], [f"c-{case[place]}" for place in places]
        )
        for place, one in zip(places, records, strict=True):
            moment = _START + (start + place) * DAYS * _DAY // decisions
            found[place] = one._replace(written_at=moment)
    return [one for one in found if one is not None]


def _answers(rng: np.random.Generator, advised: Record, catalogue: Catalogue) -> Iterator[Record]:
    identity = uuid.UUID(bytes=advised.id)
    chosen, answered, reached, pick = rng.random(4)
    if chosen < 0.5:
        mix = catalogue.ids[int(pick * len(catalogue.ids))]
        choice = Choice(
            decision_id=identity, mix=mix, wished_by=WishedBy.BOTH, direction=Direction.SAME
        )
        yield _kept(choice, advised.written_at + _DAY)
    if answered < 0.5:
        day = advised.written_at + 70 * _DAY
        outcome = Outcome(
            decision_id=identity,
            outcome=float(reached < 0.4),
            time=(ChannelTime(channel=Channel.PHONE, contacts=2, minutes=int(20 + 100 * pick)),),
            observed_on=date(1970, 1, 1) + timedelta(days=day // _DAY),
        )
        yield _kept(outcome, day)


def _kept(feedback: Choice | Outcome, moment: int) -> Record:
    told: Feedback = feedback
    return feedback_record(uuid.uuid4(), told, moment, claim_of(feedback))


def commands(journal: str, policies: Path, folder: Path) -> dict[str, list[str]]:
    """Gives what is measured: the words behind `python -m`, by name."""
    where = ["--journal", journal]
    last = _LAST.isoformat()
    quarter = ["--from", f"{FIRST_DAY.year}-07-01", "--to", f"{FIRST_DAY.year}-09-30"]
    return {
        "export": ["router", "journal", "export", *where, "--to", f"{folder}/out.parquet"],
        "collect": ["training", "collect", *where, "--out", f"{folder}/cases.parquet"],
        "ledger, an office's quarter": [
            "router", "ledger", *where, "--policies", str(policies), "--office", "growth-000",
            *quarter, "--as-of", last, "--csv", f"{folder}/ledger.csv",
        ],
        "price, all offices": [
            "router", "price", *where, "--policies", str(policies), "--office", "ALL",
            "--as-of", last,
        ],
        "erase of one case": [
            "router", "journal", "erase", *where, "--case", _a_case(journal), "--yes",
        ],
        "verify": ["router", "journal", "verify", *where],
        "start-up": [
            "router", "serve", *where, "--policies", str(policies), "--listen", "127.0.0.1:0",
            "--metrics", "127.0.0.1:0", "--draw-key", f"{folder}/key",
        ],
    }  # fmt: skip


def _a_case(journal: str) -> str:
    """Gives the first case that holds content: each erasure takes another one."""
    with closing(open_to_read(journal)) as store:
        for stored in store.read(kinds=(RECOMMENDATION,)):
            found = read_recommendation(stored)
            if found is not None and found.case_ref:
                return found.case_ref
    raise SystemExit(f"{journal} holds no case any more")


def measured(words: list[str], seconds: float) -> Cost:
    """Runs a command in a process of its own; a server is asked to stop once it serves."""
    child = subprocess.Popen(
        [sys.executable, "-m", *words],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert child.stderr is not None
    # From here on the child is waited for by its number, for what the system tells of it alone.
    deadline, told = time.monotonic() + seconds, ""
    if "serve" in words:
        for line in child.stderr:
            if '"serving"' in line:
                child.send_signal(signal.SIGTERM)
                break
            told = line
    peak = 0.0
    while True:
        pid, status, usage = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        peak = max(peak, _peak(child.pid))
        if time.monotonic() > deadline:
            child.kill()
            told = f"stopped after {seconds:.0f} s"
            _, status, usage = os.wait4(child.pid, 0)
            break
        time.sleep(0.01)
    child.returncode = os.waitstatus_to_exitcode(status)
    told = told if told.startswith("stopped") else child.stderr.read().strip().split("\n")[-1]
    child.stderr.close()
    return Cost(
        usage.ru_utime + usage.ru_stime,
        peak,
        "" if child.returncode == 0 else told[:_TOLD_AT_MOST] or f"exit {child.returncode}",
    )


def _peak(pid: int) -> float:
    """Gives the largest resident memory so far, MB; 0 of a process that has ended.

    Not `ru_maxrss`: it counts what this process held when it forked.
    """
    with suppress(ProcessLookupError, FileNotFoundError):
        found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
        return int(found[1]) / 1024 if found else 0.0
    return 0.0


def _cell(cost: Cost | None) -> str:
    if cost is None:
        return "–"
    beside = f" + {cost.database:.1f}" if cost.database else ""
    told = f"{cost.seconds:.1f}{beside} s, {cost.megabytes:,.0f} MB"
    return f"{told} ({cost.ended})" if cost.ended else told


@dataclasses.dataclass(frozen=True, slots=True)
class Growth:
    """How a cost grows, by the two largest sizes: small ones have costs of their own.

    Attributes:
        slope: what one decision more adds; 0 where the cost does not rise by more than noise.
        projected: the cost of so many decisions as were asked for.
        bend: "flatter" or "steeper" than between the sizes before, "" where it is about the same or
            there are two sizes only.
    """

    slope: float
    projected: float
    bend: str

    def told(self, amount: str) -> str:
        """Says what was projected, its amount in words given."""
        return (amount if self.slope else "as now") + (f" ({self.bend})" if self.bend else "")


def growth(sizes: Sequence[int], values: Sequence[float], decisions: int, noise: float) -> Growth:
    """Projects a cost.

    Args:
        sizes: two or more, rising.
        values: the cost of each.
        decisions: whose cost is asked for.
        noise: share of a cost by which it differs from one run to the next.

    Raises:
        ValueError: if there are fewer than two sizes, or not as many values.
    """
    if len(sizes) < 2 or len(sizes) != len(values):
        raise ValueError(f"{len(values)} costs of {len(sizes)} sizes: two of each are needed")
    slopes = [
        0.0 if last <= first * (1 + noise) else (last - first) / (size - before)
        for (before, size), (first, last) in zip(pairwise(sizes), pairwise(values), strict=True)
    ]
    *earlier, slope = slopes
    bend = ""
    if earlier and slope > _BENDS * earlier[-1]:
        bend = "steeper"
    elif earlier and slope and earlier[-1] > _BENDS * slope:
        bend = "flatter"
    return Growth(slope, values[-1] + slope * (decisions - sizes[-1]), bend)


def main() -> None:
    """Prints a table as each size is done, and then what a decision adds and a year makes."""
    parser = argparse.ArgumentParser(
        prog="python -m bench.growth", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES), help="decisions")
    parser.add_argument("--offices", type=int, default=OFFICES)
    parser.add_argument("--only", nargs="+", help="beginnings of names")
    parser.add_argument("--seconds", type=float, default=1800)
    parser.add_argument("--folder", type=Path, help="where journals are kept, and found again")
    parser.add_argument("--postgres", action="store_true", help="in databases, not in files")
    parser.add_argument("--expire", action="store_true", help="there also half a year, by age")
    asked = parser.parse_args()
    # Here, not in the system's folder, which may be memory.
    with tempfile.TemporaryDirectory(dir=".") as name:
        folder = asked.folder or Path(name)
        folder.mkdir(exist_ok=True)
        (folder / "key").write_bytes(b"a key of sixteen")
        (folder / "key").chmod(0o600)
        policies = folder / f"policies-{asked.offices}"
        if not policies.exists():
            write_offices(policies, asked.offices)
        _measure_all(asked, folder, policies)


def _measure_all(asked: argparse.Namespace, folder: Path, policies: Path) -> None:
    found: dict[str, dict[int, Cost]] = {}
    with a_database() if asked.postgres else nullcontext() as server:
        for size in sorted(asked.sizes):
            path = folder / f"journal-{asked.offices}-{size}.db"
            if not path.exists():
                write_journal(f"sqlite:///{path}", policies, size)
            url, held = f"sqlite:///{path}", path.stat().st_size
            if server is not None:
                url, held = _in_database(server, path, size)
            print(f"{size:,} decisions: {held / 1e6:,.0f} MB", file=sys.stderr)
            for name, words in commands(url, policies, folder).items():
                if asked.only and not name.startswith(tuple(asked.only)):
                    continue
                before = _of_database(server)
                cost = measured(words, asked.seconds)
                cost = cost._replace(database=_of_database(server) - before)
                found.setdefault(name, {})[size] = cost
                print(f"  {name}: {_cell(cost)}", file=sys.stderr, flush=True)
            if server is not None and asked.expire:
                print(f"{size:,} decisions, {_expire(server, url, asked.seconds)}\n", flush=True)
    _tell(found, sorted(asked.sizes))
    load = ", ".join(f"{one:.1f}" for one in os.getloadavg())
    print(f"\n{asked.offices} offices, {os.cpu_count()} cores, load {load} at the end")


def _in_database(server: PostgresServer, path: Path, size: int) -> tuple[str, int]:
    """Copies a journal into a database of its own; gives its URL, and its bytes."""
    # Only where it is asked for: a file needs no driver.
    import psycopg

    url = server.url.replace("/postgres", f"/growth_{size}")
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE growth_{size}")
    restore(path, url)
    with psycopg.connect(url, autocommit=True) as connection:
        # As it would be after a night: autovacuum comes when it likes, also in a measurement.
        connection.execute("VACUUM ANALYZE")
        (held,) = connection.execute("SELECT pg_total_relation_size('record')").fetchall()[0]
    return url, int(held)


def _expire(server: PostgresServer, url: str, seconds: float) -> str:
    """Erases the first half of the year by age; tells what that takes, and the room it gives."""
    import psycopg

    days = (date.today() - FIRST_DAY).days - DAYS // 2
    words = ["router", "journal", "expire", "--journal", url, "--older-than", f"{days}d", "--yes"]
    with psycopg.connect(url, autocommit=True) as connection:

        def one(query: str) -> int:
            return int(connection.execute(query).fetchall()[0][0])

        size = "SELECT pg_total_relation_size('record')"
        held = "SELECT count(*) FROM record WHERE payload IS NOT NULL"
        records, first, began = one(held), one(size), time.monotonic()
        before = _of_database(server)
        cost = measured(words, seconds)
        cost = cost._replace(database=_of_database(server) - before)
        took, erased, then = time.monotonic() - began, records - one(held), one(size)
        began = time.monotonic()
        connection.execute("VACUUM FULL record")
        whole = time.monotonic() - began
        return (
            f"expire of {erased:,} of {records:,} records: {took:.0f} s ({_cell(cost)}), "
            f"{erased / took:,.0f} a second; "
            f"table and indexes {first / 1e6:,.0f} MB before, {then / 1e6:,.0f} MB after it, "
            f"{one(size) / 1e6:,.0f} MB after VACUUM FULL, which took {whole:.0f} s"
        )


def _of_database(server: PostgresServer | None) -> float:
    return 0.0 if server is None else of_server(server.postmaster())


def _tell(found: dict[str, dict[int, Cost]], sizes: list[int]) -> None:
    names = " | ".join(f"{size:,}" for size in sizes)
    print(f"| command | {names} | CPU µs a decision | {NATIONAL:,} a year |")
    print("|---|" + "---|" * (len(sizes) + 2))
    for name, by_size in found.items():
        cells = [_cell(by_size.get(size)) for size in sizes]
        good = [size for size in sizes if size in by_size and not by_size[size].ended]
        rate, national = "–", "–"
        if len(good) > 1:
            spent = [by_size[size].seconds + by_size[size].database for size in good]
            time_ = growth(good, spent, NATIONAL, _SECONDS_NOISE)
            held = [by_size[size].megabytes for size in good]
            memory = growth(good, held, NATIONAL, _MEMORY_NOISE)
            rate = f"{1e6 * time_.slope:,.1f}" if time_.slope else "0"
            told = (
                time_.told(f"{time_.projected / 60:,.1f} min"),
                memory.told(f"{memory.projected / 1024:,.1f} GB"),
            )
            # Both once, where neither rises.
            national = ", ".join(dict.fromkeys(told))
        print(f"| {name} | " + " | ".join([*cells, rate, national]) + " |")


if __name__ == "__main__":
    main()
