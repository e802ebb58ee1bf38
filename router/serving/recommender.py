"""From a case to an answer: decide, record durably, count, and only then answer. Knows no transport."""

from __future__ import annotations

import json
import struct
import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import uuid_utils

from router.decision.decide import Decider
from router.decision.decide_one import SingleDecider
from router.decision.decision import Decision, Decisions, Status
from router.decision.explain import Explainer
from router.features import FEATURES
from router.journal.payload import layout, pack
from router.journal.record import Context, Record
from router.metrics import AdviceMetrics, Metrics
from router.registry import ModelVersion

KIND = "recommendation"
# Nothing is drawn at random: the answer for a case is the only one it could have got.
_PROPENSITY = 1.0
# Up to so many rows, one at a time is faster than arrays.
_FEW = 8


class Advice(NamedTuple):
    """A decision with its identity; `case_ref` is empty when the case was not scored."""

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

    def decide(self, rows: list[list[int]], case_refs: list[str]) -> tuple[list[Advice], list[Record]]:
        """Decides for rows of slots; the records must be durable before the advice leaves.

        The case reference of a case that is not scored is kept out of advice and records.
        """
        now = time.time_ns() // 1000
        ids = [uuid_utils.uuid7() for _ in rows]
        if len(rows) <= _FEW:
            decisions = [self._single.decide(row) for row in rows]
        else:
            many = self.decider.decide(np.array(rows, np.uint16))
            decisions = many.each()
        lightest = len(self._minutes)
        refs = [
            "" if decision.first_permitted >= lightest else ref
            for decision, ref in zip(decisions, case_refs, strict=True)
        ]
        if len(rows) <= _FEW:
            payloads = [self._payload(*one) for one in zip(rows, decisions, refs, strict=True)]
        else:
            payloads = pack(self._layout, self._packed(rows, many), refs)
        records = [
            Record(identity.bytes, KIND, self._context, payload, now)
            for identity, payload in zip(ids, payloads, strict=True)
        ]
        advice = list(map(Advice, map(str, ids), refs, rows, decisions))
        return advice, records

    def _payload(self, row: list[int], decision: Decision, case_ref: str) -> bytes:
        """As `pack`, for one decision."""
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
        return packed + case_ref.encode()

    def count(self, advice: Sequence[Advice]) -> None:
        """Counts advice that is durable."""
        self._metrics.count([one.decision for one in advice])

    def _packed(self, rows: list[list[int]], decisions: Decisions) -> np.ndarray[tuple[int], np.dtype[np.void]]:
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
