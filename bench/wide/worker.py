"""Measures in the project that it is run in; `bench.wide` asks it line by line.

Processor time, since what else the machine does changes it least. Every field of a case is given.
"""

from __future__ import annotations

import argparse
import atexit
import gc
import hashlib
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import grpc
import numpy as np
import psutil
import pyarrow.parquet as pq

from bench.cases import random_cases
from bench.load import free_port
from router.advice.recommender import Recommender
from router.advice.score import score_file
from router.cases.features import CODED, FEATURES
from router.cases.message import encode
from router.commands.score import decider_of
from router.decision.pairs import Pair
from router.decision.schema import Role
from router.decision.tables import DecisionTables, Floats
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policies
from router.serving.requests import View
from router.serving.routing.recommendation import RecommendationWriter
from router.texts import load_texts
from router.v1 import (
    case_pb2,
    channel_router_pb2,
    channel_router_pb2_grpc,
    recommendation_pb2,
)
from router.versions.registry import FORMAT, MANIFEST, TABLES, load_model
from router.versions.table_file import tables_bytes

VERSION = Path("models/wide")
POLICIES = Path("policies")
FOLDS = 5
# As the fitted version of today has them: an integer field has some 30 levels, few of its slots.
LEVELS = 30
PAIRS = 4
CASES, FULL_CASES, SCORED = 1000, 250, 4096
CALLS = 250


def write_version() -> None:
    """Writes a version with random tables of this project's fields and mixes."""
    rng = np.random.default_rng(0)
    catalogue = load_catalogue(POLICIES / "mixes.toml")
    mixes = len(catalogue.ids)

    def drawn(slots: int) -> Floats:
        levels = min(slots, LEVELS)
        values = rng.normal(0, 0.02, (levels, mixes, 1)) + rng.normal(0, 0.004, (levels, mixes, 5))
        # Slot 0, unknown, is a level of its own.
        known = np.arange(slots - 1) * (levels - 1) // (slots - 1)
        found: Floats = values[np.append(0, 1 + known)]
        return found

    columns = FEATURES.columns(Role.MODEL).tolist()
    sizes = [FEATURES.features[column].slots for column in columns]
    pairs = []
    for first, second in zip(columns[:PAIRS], columns[PAIRS : 2 * PAIRS], strict=True):
        slots = [FEATURES.features[column].slots for column in (first, second)]
        sides = [(np.arange(one) * min(13, one) // one).astype(np.uint16) for one in slots]
        cells = (int(sides[0].max()) + 1) * (int(sides[1].max()) + 1)
        pairs.append(
            Pair(
                first=first,
                second=second,
                first_bins=sides[0],
                second_bins=sides[1],
                values=rng.normal(0, 0.004, (cells, mixes, FOLDS)),
                counts=rng.integers(10, 90, cells) * 10,
            )
        )
    tables = DecisionTables(
        features=FEATURES,
        values=np.concatenate([drawn(size) for size in sizes]),
        intercept=0.4 + np.repeat(0.002 * np.arange(mixes)[:, None], FOLDS, axis=1),
        counts=rng.integers(10, 500, sum(sizes)) * 10,
        pairs=tuple(pairs),
    )
    data = tables_bytes(tables)
    manifest = {
        "format": FORMAT,
        "version": VERSION.name,
        "synthetic": True,
        "effects_vary": True,
        "trained_at": "2026-11-27T12:00:00+00:00",
        "features": FEATURES.model_inputs,
        "mixes": list(catalogue.ids),
        "training": {"cases": 100_000},
        "sha256": {TABLES: hashlib.sha256(data).hexdigest()},
    }
    VERSION.mkdir(parents=True)
    (VERSION / TABLES).write_bytes(data)
    (VERSION / MANIFEST).write_text(json.dumps(manifest))


def sent_cases(count: int) -> list[bytes]:
    """Gives cases as they are sent, every field known and even over its values."""
    rng = np.random.default_rng(1)
    found = []
    for number in range(count):
        case = case_pb2.Case(case_ref=f"c-{number:08x}")
        for field, feature in zip(CODED, FEATURES.features, strict=True):
            value = int(rng.integers(feature.lower, feature.upper + 1))
            # Of a truth value, whose slots are YES and NO; nobody is shielded.
            setattr(case, field.name, False if field.name == "shielded" else value)
        found.append(case.SerializeToString())
    return found


class Served:
    """A version as the server has it, but for transport and journal."""

    def __init__(self) -> None:
        catalogue = load_catalogue(POLICIES / "mixes.toml")
        policies = load_policies(POLICIES, catalogue)
        model = load_model(VERSION, FEATURES, catalogue)
        self.decider = decider_of(model, catalogue, policies.usable(""), POLICIES)
        self.recommender = Recommender(model, self.decider)
        self.writer = RecommendationWriter(self.recommender, load_texts())

    def answer(self, sent: list[bytes], *, full: bool) -> list[bytes]:
        """Reads cases, decides, packs the records, writes and serialises the answers."""
        cases = [case_pb2.Case.FromString(one) for one in sent]
        rows = [encode(case, []) for case in cases]
        advice, _ = self.recommender.decide(rows, [case.case_ref for case in cases])
        answers = [recommendation_pb2.Recommendation() for _ in advice]
        self.writer.write(advice, [View("nb", full=full)] * len(advice), answers)
        return [one.SerializeToString() for one in answers]


class Server:
    """`serve` on this version, with its journal, as a process of its own."""

    def __init__(self) -> None:
        VERSION.with_name("promoted").write_text(VERSION.name)
        address = f"127.0.0.1:{free_port()}"
        command = [sys.executable, "-m", "router", "serve", "--listen", address]
        # What it says would stand between the answers of this process.
        self.process = subprocess.Popen(
            [*command, "--metrics", f"127.0.0.1:{free_port()}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        atexit.register(self.process.kill)
        self.channel = grpc.insecure_channel(address)
        grpc.channel_ready_future(self.channel).result(120)
        self.stub = channel_router_pb2_grpc.ChannelRouterStub(self.channel)

    def spent(self, sent: list[bytes], *, full: bool) -> float:
        """Gives the seconds of processor time that the server takes for calls, one by one."""
        view = channel_router_pb2.VIEW_FULL if full else channel_router_pb2.VIEW_BASIC
        cases = [case_pb2.Case.FromString(one) for one in sent]
        began = self._cpu()
        for case in cases:
            self.stub.Recommend(channel_router_pb2.RecommendRequest(case=case, view=view))
        return self._cpu() - began

    def _cpu(self) -> float:
        user, system, *_ = psutil.Process(self.process.pid).cpu_times()
        return user + system


def spent(call: Callable[[], object]) -> float:
    """Gives the seconds of processor time of a call."""
    gc.collect()
    began = time.process_time()
    call()
    return time.process_time() - began


def resident() -> float:
    """Gives the resident MiB of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def main() -> None:
    """Answers each line on standard input with the seconds of what it names."""
    write_version()
    sent, file, out = sent_cases(CASES), Path("cases.parquet"), Path("scored.parquet")
    pq.write_table(random_cases(np.random.default_rng(2), SCORED), file)

    before = resident()
    first = spent(lambda: Served().answer(sent[:1], full=True))
    served = Served()
    for count, full in ((1, False), (1, True), (CASES, False), (FULL_CASES, True)):
        answers = served.answer(sent[:count], full=full)
    held = resident() - before
    request = channel_router_pb2.RecommendBatchRequest(
        cases=[case_pb2.Case.FromString(one) for one in sent]
    )
    print(
        json.dumps(
            {
                "memory": held,
                "tables": os.path.getsize(VERSION / TABLES) / 2**20,
                "request": request.ByteSize() / 2**20,
                "answer": sum(map(len, answers)) / 2**20,
                "first": first,
            }
        ),
        flush=True,
    )

    some, server = 40, Server()
    # The first answers make what later ones find.
    for full in (False, True):
        server.spent(sent[:some], full=full)
    ways: dict[str, Callable[[], float]] = {
        # Many, since the system counts a process's time in hundredths of a second.
        "served": lambda: server.spent(sent[:CALLS], full=False) / CALLS,
        "served full": lambda: server.spent(sent[:CALLS], full=True) / CALLS,
        "one": lambda: spent(lambda: [served.answer([x], full=False) for x in sent[:some]]) / some,
        "one full": lambda: (
            spent(lambda: [served.answer([x], full=True) for x in sent[:some]]) / some
        ),
        "batch": lambda: spent(lambda: served.answer(sent, full=False)) / CASES,
        "batch full": lambda: (
            spent(lambda: served.answer(sent[:FULL_CASES], full=True)) / FULL_CASES
        ),
        "score": lambda: spent(lambda: score_file(file, out, served.decider)) / SCORED,
        "load": lambda: spent(lambda: Served().answer(sent[:1], full=True)),
    }
    for line in sys.stdin:
        print(ways[line.strip()](), flush=True)


if __name__ == "__main__":
    argparse.ArgumentParser(prog="python -m bench.wide.worker", description=__doc__).parse_args()
    main()
