"""From a case to an answer: decide, record durably, count, and only then answer. Knows no transport."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import uuid_utils

from router.decision.decide import Decider, Decision, Decisions, Status
from router.decision.decide_one import SingleDecider
from router.decision.explain import Explainer
from router.decision.schema import Rows
from router.features import FEATURES, FieldProblem, encode, encode_one
from router.journal.payload import layout, pack
from router.journal.record import Context, Record
from router.metrics import AdviceMetrics, Metrics
from router.registry import ModelVersion
from router.v1 import case_pb2

KIND = "recommendation"
_MICROSECONDS = 1_000_000
# Nothing is drawn at random: the answer for a case is the only one it could have got.
_PROPENSITY = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Advice:
    """A decision with its identity. `case` is the request's case, or None when it is shielded."""

    decision_id: str
    case_ref: str
    row: list[int]
    decision: Decision


class Recommender:
    """Recommends with one model and one policy."""

    def __init__(self, model: ModelVersion, decider: Decider, metrics: Metrics) -> None:
        self.model = model
        self.decider = decider
        self.explainer = Explainer(decider=decider)
        self._single = SingleDecider(decider)
        self._metrics = AdviceMetrics(metrics, decider, model.info.version)
        self._context = Context(document=_context_document(model, decider))
        mixes = len(decider.catalogue.mixes)
        self._layout = layout(len(FEATURES.features), mixes)
        self._pack_one = struct.Struct(f"<{len(FEATURES.features)}H{2 * mixes}d{mixes}fQbBQBddd").pack
        self._minutes: list[float] = decider.catalogue.minutes.tolist()
        self._menu = sum(1 << number for number, offered in enumerate(decider.menu) if offered)

    def one(self, case: case_pb2.Case) -> tuple[Advice | None, list[FieldProblem], list[Record]]:
        """Decides for one case; the record must be durable before the advice leaves."""
        problems: list[FieldProblem] = []
        row = encode_one(case, problems)
        if problems:
            return None, problems, []
        decision = self._single.decide(row)
        identity = uuid_utils.uuid7()
        case_ref = "" if decision.first_permitted >= len(self._minutes) else case.case_ref
        permitted = self._menu >> decision.first_permitted << decision.first_permitted
        policy = self.decider.policy
        packed = self._pack_one(
            *row,
            *decision.expected,
            *decision.error,
            *self._minutes,
            permitted,
            decision.mix,
            decision.status,
            decision.safeguards,
            decision.doubts,
            policy.price,
            policy.weight,
            _PROPENSITY,
        )
        record = Record(identity.bytes, KIND, self._context, packed + case_ref.encode(), time.time_ns() // 1000)
        advice = Advice(decision_id=str(identity), case_ref=case_ref, row=row, decision=decision)
        return advice, problems, [record]

    def many(self, cases: Sequence[case_pb2.Case]) -> tuple[list[Advice | None], list[FieldProblem], list[Record]]:
        """Decides for cases; a bad one has None for its advice and its problems, by index, beside."""
        rows, problems = encode(cases)
        bad = {problem.index for problem in problems}
        good = [place for place in range(len(cases)) if place not in bad]
        if not good:
            return [None] * len(cases), problems, []
        rows = rows[good]
        decisions = self.decider.decide(rows)
        unscored = (decisions.first_permitted >= len(self._minutes)).tolist()
        refs = ["" if hide else cases[place].case_ref for place, hide in zip(good, unscored, strict=True)]
        ids = [uuid_utils.uuid7() for _ in good]
        payloads = pack(self._layout, self._packed(rows, decisions), refs)
        now = time.time_ns() // 1000
        records = [
            Record(identity.bytes, KIND, self._context, payload, now)
            for identity, payload in zip(ids, payloads, strict=True)
        ]
        advice: list[Advice | None] = [None] * len(cases)
        for place, identity, ref, row, decision in zip(good, ids, refs, rows.tolist(), decisions.each(), strict=True):
            advice[place] = Advice(decision_id=str(identity), case_ref=ref, row=row, decision=decision)
        return advice, problems, records

    def count(self, advice: Sequence[Advice | None]) -> None:
        """Counts advice that is durable."""
        self._metrics.count([one.decision for one in advice if one is not None])

    def _packed(self, rows: Rows, decisions: Decisions) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        packed = np.zeros(len(rows), self._layout)
        packed["row"] = rows
        packed["expected"] = decisions.expected
        packed["error"] = decisions.error
        packed["minutes"] = self._minutes
        bits = np.uint64(1) << np.arange(len(self._minutes), dtype=np.uint64)
        packed["permitted"] = (decisions.permitted * bits).sum(axis=1, dtype=np.uint64)
        packed["mix"] = decisions.mix
        packed["status"] = decisions.status
        packed["safeguards"] = decisions.safeguards
        packed["doubts"] = decisions.doubts
        packed["price"] = self.decider.policy.price
        packed["weight"] = self.decider.policy.weight
        packed["propensity"] = _PROPENSITY
        return packed


def _context_document(model: ModelVersion, decider: Decider) -> str:
    """How to read the records, as the journal's export asks for it."""
    return json.dumps(
        {
            "model_version": model.info.version,
            "model_sha256": model.info.sha256,
            "synthetic_model": model.info.synthetic,
            "policy_version": decider.policy.version,
            "catalogue_version": decider.catalogue.version,
            "features": [
                {
                    "name": feature.name,
                    "lower": feature.lower,
                    "upper": feature.upper,
                    "values": list(feature.values) or None,
                }
                for feature in FEATURES.features
            ],
            "mixes": [{"id": mix.id, "minutes": mix.adviser_minutes} for mix in decider.catalogue.mixes],
            "statuses": ["", *(status.name for status in Status)],
            "safeguards": [rule.name for rule in decider.safeguards.rules],
        },
        sort_keys=True,
        separators=(",", ":"),
    )
