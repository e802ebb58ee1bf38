"""A real server under scripted traffic, scraped by a real Prometheus, and what can go wrong."""

from __future__ import annotations

import http.server
import json
import math
import os
import random
import shutil
import socket
import sqlite3
import subprocess
import threading
import time
import urllib.parse
import urllib.request
import uuid
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from deploy.grafana.panels import Panel
from router.journal.feedback import AskedBy, Review, ReviewReason, feedback_record
from router.journal.record import Record
from router.journal.stores.sqlite import SqliteJournal
from router.v1 import case_pb2, channel_router_pb2, recommendation_pb2
from router.v1 import feedback_pb2 as pb
from router.versions.registry import promoted_version
from tests.authority import DAY, Authority
from tests.builders import (
    ROOT,
    a_case,
    a_catalogue,
    a_reading,
    a_recorded_recommendation,
    put,
)
from tests.e2e.conftest import Server, closed, start, tool

WITHIN = 120
# As long as the rates of the test look back.
BUSY_SECONDS = 5
_DAY = 86_400
_MICRO = 1_000_000
_LATE = 22
# How often a fault may be tried that uses up what was there before the server.
_TRIES = 8
_LEDGER = """\
# TYPE router_ledger_seconds gauge
router_ledger_seconds{{office="ALL",kind="baseline",basis="estimated"}} {before}
router_ledger_seconds{{office="ALL",kind="used",basis="estimated"}} {used}
router_ledger_seconds{{office="ALL",kind="released",basis="estimated"}} {released}
# TYPE router_ledger_capacity_seconds gauge
router_ledger_capacity_seconds{{office="ALL"}} 3600000
# TYPE router_ledger_cases gauge
router_ledger_cases{{office="ALL",basis="estimated"}} {cases}
# TYPE router_contact_seconds gauge
router_contact_seconds{{office="ALL",channel="PHONE",basis="measured"}} {contact}
# TYPE router_shown_outcome_ratio gauge
router_shown_outcome_ratio{{office="ALL",group="ALL",end="high"}} {helps}
router_shown_outcome_ratio{{office="ALL",group="FIRST",end="high"}} {helps}
# TYPE router_shown_adviser_seconds gauge
router_shown_adviser_seconds{{office="ALL",group="ALL",end="high"}} {contact}
# TYPE router_benefit_users gauge
router_benefit_users{{office="ALL",basis="measured",effect_from="own",end="value"}} {cases}
# TYPE router_benefit_adviser_seconds gauge
router_benefit_adviser_seconds{{office="ALL",basis="measured",effect_from="own",end="value"}} {used}
# TYPE router_own_view_outcome_ratio gauge
router_own_view_outcome_ratio{{office="ALL",end="high"}} {helps}
# TYPE router_own_view_cases gauge
router_own_view_cases{{office="ALL",place="own"}} {cases}
# TYPE router_ledger_period_seconds gauge
router_ledger_period_seconds{{end="last"}} {last}
"""
_CONFIG = """\
global: {{scrape_interval: 1s, scrape_timeout: 1s, evaluation_interval: 1s}}
rule_files: ['{rules}/*.rules.yml']
scrape_configs:
  - job_name: router
    static_configs: [{{targets: ['{server}']}}]
  - job_name: node
    static_configs: [{{targets: ['{node}']}}]
"""
Series = dict[str, list[tuple[float, float]]]


def plain(number: int) -> case_pb2.Case:
    """Gives one of the people who ask day by day."""
    drawn = random.Random(number)
    return a_case(
        case_ref=f"plain-{number}",
        weeks_registered=drawn.randrange(30),
        age_band=drawn.choice(["25_29", "30_39", "40_49", "50_59"]),
        education_level=drawn.choice(["UPPER_SECONDARY", "BACHELOR", "MASTER"]),
        months_since_last_work=drawn.randrange(8),
        digital_skill=drawn.choice(["OK", "STRONG"]),
        channel_preference=drawn.choice(["PREFERS_DIGITAL", "NO_PREFERENCE"]),
        self_assessed_need=drawn.choice(["CAN_MANAGE", "WANTS_GUIDANCE"]),
    )


def other(number: int) -> case_pb2.Case:
    """Gives one of other people, for whom digital contact is hard."""
    return a_case(
        case_ref=f"other-{number}",
        age_band="60_66",
        education_level="COMPULSORY",
        digital_skill="NON_USER",
        digital_access="NONE",
        digitally_reserved="YES",
        need_group="SMALL_OPPORTUNITY",
        self_assessed_need="WANTS_GUIDANCE",
        channel_preference="PREFERS_MEETING",
        channel_preference_strength=3,
        months_since_last_work=60,
        weeks_registered=200,
        language_support="INTERPRETER",
    )


def sparse(number: int) -> case_pb2.Case:
    """Gives a case of which hardly anything is known."""
    return case_pb2.Case(case_ref=f"sparse-{number}", shielded=False)


class Prometheus:
    """A real Prometheus that scrapes a server, and the ledger's textfile beside it."""

    def __init__(self, folder: Path, server: str, node: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            port = free.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        config = folder / "prometheus.yml"
        rules = ROOT / "deploy" / "prometheus"
        config.write_text(_CONFIG.format(rules=rules, server=server, node=node))
        self.process = subprocess.Popen(
            [
                tool("prometheus"),
                f"--config.file={config}",
                f"--storage.tsdb.path={folder / 'tsdb'}",
                f"--web.listen-address={self.address}",
                "--log.level=error",
            ],
        )

    def range(self, panel: Panel, start: float, end: float) -> list[Series]:
        """Runs a panel's queries over a time; by query, the finite points of each series."""
        return [self._range(one, start, end) for one in panel.expressions()]

    def _range(self, expression: str, start: float, end: float) -> Series:
        # As Grafana puts its variables in.
        for name, value in (
            ("$__rate_interval", "5s"),
            ("$job", "router"),
            ("$instance", ".*"),
            ("$office", ".*"),
        ):
            expression = expression.replace(name, value)
        asked = urllib.parse.urlencode(
            {"query": expression, "start": start, "end": end, "step": "1"}
        )
        url = f"http://{self.address}/api/v1/query_range?{asked}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            found = json.load(answer)["data"]["result"]
        series: Series = {}
        for one in found:
            points = [(at, float(value)) for at, value in one["values"]]
            points = [(at, value) for at, value in points if math.isfinite(value)]
            if points:
                series[json.dumps(one["metric"], sort_keys=True)] = points
        return series


class _Textfile(http.server.BaseHTTPRequestHandler):
    """Answers with the ledger's textfile as node_exporter would."""

    text = ""

    def do_GET(self) -> None:
        # Prometheus may have given up waiting.
        with suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(type(self).text.encode())

    def log_message(self, format: str, *args: Any) -> None:
        """Says nothing."""


class Watched:
    """A server that is watched, its people, and what can go wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.models, self.policies = folder / "models", folder / "policies"
        self._lay_out()
        self._old, self._reviews = self._old_decisions(folder / "journal.db")
        self._authority = Authority(folder, "servers")
        self._certificate = self._authority.server()
        self.server: Server = start(
            folder,
            *("--models", str(self.models), "--policies", str(self.policies)),
            *("--reload-seconds", "0.1", "--max-in-flight", "32"),
            *("--tls-certificate", str(self._certificate.certificate)),
            *("--tls-key", str(self._certificate.key)),
            credentials=grpc.ssl_channel_credentials(self._authority.file.read_bytes()),
        )
        # Read, or the server would wait for somebody to; the last of it is shown if a test fails.
        self._last_lines: deque[str] = deque(maxlen=30)
        self._log = threading.Thread(target=self._read_log, daemon=True)
        self._log.start()

        self._write_ledger()
        self._node = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Textfile)
        threading.Thread(target=self._node.serve_forever, daemon=True).start()
        node = f"127.0.0.1:{self._node.server_address[1]}"
        self.prometheus = Prometheus(folder, self.server.metrics, node)

        self._end = threading.Event()
        self._connections: list[socket.socket] = []
        self._number = 0
        self._people = threading.Thread(target=self._daily, daemon=True)
        self._people.start()
        self.batch(plain)
        # A series that begins with a fault shows no rise: each is begun before.
        for office in ("office-01", "withholds", "draws"):
            for number in range(20):
                self._advised(office_ref=office, case_ref=f"{office}-{number}")
        self.wrong_feedback()
        self.faults: dict[str, Callable[[], None]] = {
            "other people": self.other_people,
            "sparse cases": partial(self.batch, sparse),
            "large batches": self.large_batches,
            "wrong calls": self.wrong_calls,
            "overload": self.overload,
            "slow journal": partial(self.locked, 0.8),
            "journal down": partial(self.locked, 3.0),
            "many connections": self.many_connections,
            "bad model": self.bad_model,
            "a short certificate": self.short_certificate,
            "another model": self.another_model,
            "an office asks": partial(self.batch, plain, "office-01"),
            "an office draws": partial(self.batch, plain, "draws"),
            "an office withholds": partial(self.batch, plain, "withholds"),
            "a new office": partial(self.batch, plain, "nowhere"),
            "overrides": self.overrides,
            "below the floor": self.below_the_floor,
            "late feedback": self.late_feedback,
            "bad outcomes": self.bad_outcomes,
            "wrong feedback": self.wrong_feedback,
            "a review is answered": self.answer_review,
            "disk fills": self.fill_disk,
            "a new ledger": partial(self._write_ledger, 2),
        }
        # By fault, of those that change something that stays: else they could be made once only.
        self.undo: dict[str, Callable[[], None]] = {
            "bad model": self._shipped_model,
            "a short certificate": self._long_certificate,
            "another model": self._shipped_model,
            "disk fills": (self.folder / "filler").unlink,
            "a new ledger": partial(self._write_ledger, 1),
        }

    def stop(self) -> None:
        self._end.set()
        self._people.join()
        for connection in self._connections:
            connection.close()
        for process in (self.prometheus.process, self.server.process):
            process.kill()
            process.wait()
        self.server.channel.close()
        self._log.join()
        print("the server's last words:", *self._last_lines, sep="\n")
        closed(self.server)
        self._node.shutdown()
        self._node.server_close()

    # Faults. What they change stays, but for locks.

    def batch(self, kind: Callable[[int], case_pb2.Case], office: str = "") -> None:
        """Sends a thousand cases of a kind."""
        cases = [kind(number) for number in range(100)]
        for case in cases:
            case.office_ref = office
        half = channel_router_pb2.RecommendBatchRequest(cases=cases * 5)
        for _ in range(2):
            with suppress(grpc.RpcError):
                self.server.router.RecommendBatch(half, timeout=WITHIN)

    def other_people(self) -> None:
        """Sends as many as drift is told of, so that nobody else is among them."""
        for _ in range(2):
            self.batch(other)

    def large_batches(self) -> None:
        """Sends batches for as long as a rate looks back: less would not stand out."""
        end = time.monotonic() + BUSY_SECONDS

        def send() -> None:
            while time.monotonic() < end:
                self.batch(plain)

        threads = [threading.Thread(target=send) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    def wrong_calls(self) -> None:
        for _ in range(20):
            with suppress(grpc.RpcError):
                self._ask(a_case(weeks_registered=-1))

    def overload(self) -> None:
        with self._lock():
            asked = channel_router_pb2.RecommendRequest(case=plain(0))
            calls = [self.server.router.Recommend.future(asked, timeout=10) for _ in range(100)]
            # Longer than from one scrape to the next: who is in flight is seen by one.
            time.sleep(1.5)
        for call in calls:
            with suppress(grpc.RpcError):
                call.result()

    def locked(self, seconds: float) -> None:
        """Holds the journal's lock while some call."""
        asked = channel_router_pb2.RecommendRequest(case=plain(0))
        with self._lock():
            calls = []
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                calls += [self.server.router.Recommend.future(asked, timeout=5) for _ in range(3)]
                time.sleep(0.1)
        for call in calls:
            with suppress(grpc.RpcError):
                call.result()

    def many_connections(self) -> None:
        host, _, port = self.server.listen.rpartition(":")
        where = (host, int(port))
        self._connections += [socket.create_connection(where) for _ in range(200)]

    def bad_model(self) -> None:
        put(self.models / "promoted", "missing\n")

    def another_model(self) -> None:
        put(self.models / "promoted", "next\n")

    def _shipped_model(self) -> None:
        shipped = promoted_version(ROOT / "models")
        put(self.models / "promoted", f"{shipped}\n")
        while self._advised().model_version != shipped:
            pass
        # Drift's window began anew, which can be seen only of one that was filled.
        self.batch(plain)

    def short_certificate(self) -> None:
        self._certificate.replace_by(self._authority.server(ends=2 * DAY))

    def _long_certificate(self) -> None:
        self._certificate.replace_by(self._authority.server())

    def overrides(self) -> None:
        for _ in range(22):
            advice = self._advised()
            heaviest = a_catalogue().ids[-1]
            self._choose(
                advice.decision_id,
                heaviest,
                reason=pb.CHOICE_REASON_ADVICE_MISJUDGES_CASE,
                adviser_view=heaviest,
                user_view=advice.mix.id,
            )

    def below_the_floor(self) -> None:
        for _ in range(22):
            advice = self._advised(health_hindrance="YES", case_ref=uuid.uuid4().hex)
            reason = pb.CHOICE_REASON_USER_WISHES_LESS
            self._choose(advice.decision_id, "SELF_SERVICE", reason=reason)

    def late_feedback(self) -> None:
        for _ in range(_LATE):
            decision = self._old.pop()
            self._choose(decision, "EARLY_VIDEO")
            self._came(decision, reached=True)

    def bad_outcomes(self) -> None:
        for _ in range(22):
            advice = self._advised()
            self._choose(advice.decision_id, "EARLY_VIDEO", reason=pb.CHOICE_REASON_OTHER)
            self._came(advice.decision_id, reached=False)

    def wrong_feedback(self) -> None:
        for _ in range(22):
            self._choose(str(uuid.uuid4()), "EARLY_VIDEO")

    def answer_review(self) -> None:
        answered = pb.AnswerReviewRequest(
            request_id=str(uuid.uuid4()),
            review_id=self._reviews.pop(0),
            result=pb.REVIEW_RESULT_UPHELD,
        )
        self.server.feedback.AnswerReview(answered, timeout=5)

    def fill_disk(self) -> None:
        with (self.folder / "filler").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, 64 << 20)

    # People, day by day.

    def _daily(self) -> None:
        while not self._end.wait(0.05):
            self._number += 1
            with suppress(grpc.RpcError):
                advice = self._ask(plain(self._number))
                chosen = "EARLY_VIDEO" if self._number % 3 else advice.mix.id
                self._choose(
                    advice.decision_id,
                    chosen,
                    reason=pb.CHOICE_REASON_OTHER
                    if chosen != advice.mix.id
                    else pb.CHOICE_REASON_UNSPECIFIED,
                    adviser_view=chosen,
                    user_view=chosen,
                )
                self._came(advice.decision_id, reached=True)

    def _ask(self, case: case_pb2.Case) -> recommendation_pb2.Recommendation:
        request = channel_router_pb2.RecommendRequest(case=case)
        return self.server.router.Recommend(request, timeout=5).recommendation

    def _advised(self, **changes: object) -> recommendation_pb2.Recommendation:
        return self._ask(a_case(**changes))

    def _choose(self, decision: str, mix: str, **options: Any) -> None:
        values: dict[str, Any] = {"request_id": str(uuid.uuid4())} | options
        values = {"wished_by": pb.WISHED_BY_BOTH} | values
        choice = pb.RecordChoiceRequest(decision_id=decision, mix_id=mix, **values)
        with suppress(grpc.RpcError):
            self.server.feedback.RecordChoice(choice, timeout=5)

    def _came(self, decision: str, *, reached: bool) -> None:
        outcome = pb.RecordOutcomeRequest(
            request_id=str(uuid.uuid4()),
            decision_id=decision,
            goal_reached=reached,
            observed_on=datetime.now(UTC).date().isoformat(),
        )
        with suppress(grpc.RpcError):
            self.server.feedback.RecordOutcome(outcome, timeout=5)

    # What is there before the server.

    def _lay_out(self) -> None:
        promoted = (ROOT / "models" / "promoted").read_text().strip()
        for name in (promoted, "next"):
            shutil.copytree(ROOT / "models" / promoted, self.models / name)
        manifest = json.loads((self.models / "next" / "manifest.json").read_text())
        older = {"version": "next", "trained_at": "2025-01-01T00:00:00+00:00"}
        (self.models / "next" / "manifest.json").write_text(json.dumps(manifest | older))
        (self.models / "promoted").write_text(f"{promoted}\n")
        shutil.copytree(ROOT / "policies", self.policies)
        own = "minutes_per_week = 9000\n"
        for office, text in (
            ("draws", f"{own}[exploration]\nshare = 0.2\nmargin = 0.01\n"),
            ("withholds", f"{own}[disclosure]\nafter_own_view = 0.3\ncontrol = 0.1\n"),
        ):
            (self.policies / "offices" / f"{office}.toml").write_text(text)

    def _old_decisions(self, journal: Path) -> tuple[list[str], list[str]]:
        """Writes decisions of forty days ago, and reviews of twenty days ago and less.

        Returns:
            Ids of decisions of which there is no review, and of reviews, the oldest first.
        """
        now = time.time_ns() // 1000
        reading = a_reading()
        everything = (1 << len(reading.mixes)) - 1
        records: list[Record] = [
            a_recorded_recommendation(
                reading,
                f"old-{number}",
                at=now - 40 * _DAY * _MICRO,
                mix=3,
                status=1,
                permitted=everything,
            )
            for number in range(_TRIES * (_LATE + 1))
        ]
        decisions = [uuid.UUID(bytes=record.id) for record in records]
        reviews = [uuid.uuid4() for _ in range(_TRIES)]
        for number, (identity, decision) in enumerate(zip(reviews, decisions, strict=False)):
            review = Review(decision_id=decision, asked_by=AskedBy.USER, reason=ReviewReason.OTHER)
            at = now - (20 - number) * _DAY * _MICRO
            records.append(feedback_record(identity, review, at, "review:0"))
        store = SqliteJournal(journal)
        store.write_batch(records)
        store.close()
        return [str(one) for one in decisions[_TRIES:]], [str(one) for one in reviews]

    def _write_ledger(self, factor: int = 1) -> None:
        last = (date(2026, 1, 1) - date(1970, 1, 1)).days + 90 * factor
        _Textfile.text = _LEDGER.format(
            before=3_000_000 * factor,
            used=2_000_000 * factor,
            released=1_000_000 * factor,
            cases=400 * factor,
            contact=900 * factor,
            helps=0.01 * factor,
            last=last * _DAY,
        )

    @contextmanager
    def _lock(self) -> Iterator[None]:
        database = sqlite3.connect(self.server.journal, timeout=5)
        try:
            database.execute("BEGIN IMMEDIATE")
            yield
        finally:
            database.rollback()
            database.close()

    def _read_log(self) -> None:
        assert self.server.process.stderr is not None
        for line in self.server.process.stderr:
            self._last_lines.append(line.decode())


def moved(panel: Panel, before: list[Series], after: list[Series]) -> bool:
    """Tells whether any series of a panel has moved as the panel says it would."""
    for then, now in zip(before, after, strict=True):
        if panel.moves == "new" and set(now) - set(then):
            return True
        for name, points in now.items():
            values = [value for _, value in points]
            known = [value for _, value in then.get(name, [(0.0, 0.0)])]
            if panel.moves == "up" and max(values) > max(known):
                return True
            if panel.moves == "down" and min(values) < min(known):
                return True
    return False
