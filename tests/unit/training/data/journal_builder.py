"""Recommendations and what came of them, as the journal keeps them."""

import dataclasses
import uuid
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import polars as pl

from router.advice.recommender import Recommender
from router.decision.catalogue import Channel
from router.decision.draws import Draws
from router.decision.policy import Exploration
from router.journal.feedback import (
    ChannelTime,
    Choice,
    Direction,
    Feedback,
    Outcome,
    View,
    WishedBy,
    feedback_record,
)
from router.journal.record import Record
from router.versions.registry import ModelInfo, ModelVersion
from tests.builders import a_decider, a_policy, a_row
from training.data.collect import Collected, Treatment, collect

DAY = datetime(2026, 11, 25, 12, tzinfo=UTC)
MONDAY = date(2026, 11, 23)
EXPLORING: dict[str, Any] = {"exploration": Exploration(share=0.5, margin=0.05)}


def a_recommender(**policy: Any) -> Recommender:
    # No field has an effect and nothing is unsure, so that all mixes but the dearest are within
    # 0.05 of the best, and none is in doubt.
    decider = a_decider(1, policy=dataclasses.replace(a_policy(), **policy), effect=0, spread=0)
    info = ModelInfo(version="v1", sha256="0" * 64, trained_at=DAY, cases=1, synthetic=True)
    model = ModelVersion(info=info, tables=decider.tables)
    return Recommender(model, decider, Draws(b"a key of sixteen"))


PLAIN, EXPLORER = a_recommender(), a_recommender(**EXPLORING)


def recommended(
    count: int,
    *,
    by: Recommender = PLAIN,
    first: int = 0,
    day: datetime = DAY,
    office: str = "",
    **changes: Any,
) -> list[Record]:
    # Equal rows: what differs between cases is what was drawn and what came of it.
    rows = [a_row(**changes).tolist() for _ in range(count)]
    refs = [f"c-{first + number}" for number in range(count)]
    return by.decide(rows, refs, office_refs=[office] * count, now=micro(day))[1]


def micro(day: datetime) -> int:
    return int(day.timestamp() * 1e6)


def kept(feedback: Feedback, day: datetime = DAY) -> Record:
    return feedback_record(uuid.uuid4(), feedback, micro(day), "")


def chosen(decision: Record, mix: str = "BLENDED_OFFICE", *, day: datetime = DAY) -> Record:
    identity = uuid.UUID(bytes=decision.id)
    return kept(
        Choice(decision_id=identity, mix=mix, wished_by=WishedBy.BOTH, direction=Direction.MORE),
        day,
    )


def came(decision: Record, outcome: float = 1, minutes: Sequence[int] = (100, 40)) -> Record:
    # Not strict: fewer minutes leave out the channels at the end.
    spent = zip((Channel.PHONE, Channel.OFFICE_MEETING), minutes, strict=False)
    time = tuple(ChannelTime(channel=channel, contacts=2, minutes=one) for channel, one in spent)
    identity = uuid.UUID(bytes=decision.id)
    return kept(Outcome(decision_id=identity, outcome=outcome, time=time, observed_on=DAY.date()))


def viewed(decision: Record) -> Record:
    return kept(View(decision_id=uuid.UUID(bytes=decision.id), mix="BLENDED_VIDEO"))


def both(decisions: list[Record]) -> list[Record]:
    return [chosen(one) for one in decisions] + [came(one) for one in decisions]


def collected(
    tmp_path: Path, treatment: Treatment = Treatment.CHOSEN
) -> tuple[Collected, pl.DataFrame]:
    out = tmp_path / "cases.parquet"
    done = collect(f"sqlite:///{tmp_path / 'journal.db'}", out, 2, treatment)
    return done, pl.read_parquet(out)
