"""From a case to an answer: decide, record durably, count, and only then answer. Knows no transport."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import uuid_utils

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decide_one import SingleDecider
from router.decision.decision import Decision, Decisions, Status
from router.decision.explain import Explainer
from router.decision.explore import draw, explore
from router.journal.recommendation import (
    AFTER_OWN_VIEW,
    CONTROL,
    SHOWN,
    CodedMix,
    PackedRows,
    Reading,
    Tail,
    coded,
)
from router.journal.record import RECOMMENDATION, Record
from router.versions.registry import ModelVersion

# Up to so many rows, one at a time is faster than arrays.
_FEW = 8
_NOTHING = Tail("")


class Advice(NamedTuple):
    """A decision with its identity.

    Attributes:
        decision_id: UUIDv7.
        case_ref: empty when the case was not scored.
        row: slots.
        decision: what is advised.
        disclosure: SHOWN, AFTER_OWN_VIEW or CONTROL.
        chance: probability with which the mix was drawn, 1 without exploration.
    """

    decision_id: str
    case_ref: str
    row: list[int]
    decision: Decision
    disclosure: str
    chance: float


class Recommender:
    """Recommends with one model and one policy."""

    def __init__(self, model: ModelVersion, decider: Decider) -> None:
        self.model = model
        self.decider = decider
        self.policy = decider.policy
        self.explainer = Explainer(decider=decider)
        self._single = SingleDecider(decider)
        reading = _reading(model, decider)
        self._context = reading.context()
        self._layout = reading.layout
        self._minutes: list[float] = decider.catalogue.minutes.tolist()
        self._offered: list[bool] = decider.menu.tolist()
        self._explores = self.policy.exploration.share > 0
        self.withholds = self.policy.disclosure.control + self.policy.disclosure.after_own_view > 0
        self._menu = sum(1 << number for number, offered in enumerate(decider.menu) if offered)

    def decide(
        self,
        rows: list[list[int]],
        case_refs: Sequence[str],
        *,
        office_refs: Sequence[str] | None = None,
        now: int | None = None,
    ) -> tuple[list[Advice], list[Record]]:
        """Decides for rows of slots; the records must be durable before the advice leaves.

        The references of a case that is not scored are kept out of advice and records.

        Args:
            rows: slots by feature.
            case_refs: one for each.
            office_refs: as sent, one for each; the policy's office if not given.
            now: microseconds since 1970, UTC; the clock's if not given.
        """
        now = time.time_ns() // 1000 if now is None else now
        offices = [self.policy.office] * len(rows) if office_refs is None else office_refs
        ids = [uuid_utils.uuid7() for _ in rows]
        few = len(rows) <= _FEW
        many = None if few else self.decider.decide(np.array(rows, np.uint16))
        decisions = [self._single.decide(row) for row in rows] if many is None else many.each()
        chances = [1.0] * len(rows)
        if self._explores:
            drawn = [self._explored(*one) for one in zip(rows, decisions, case_refs, strict=True)]
            decisions, chances = (
                [decision for decision, _ in drawn],
                [chance for _, chance in drawn],
            )
        lightest = len(self._minutes)
        withholds = self.withholds
        tails = [
            _NOTHING
            if decision.first_permitted >= lightest
            else Tail(ref, office, self._disclosure(ref, decision) if withholds else SHOWN)
            for decision, ref, office in zip(decisions, case_refs, offices, strict=True)
        ]
        if many is None:
            payloads = [
                self._payload(*one) for one in zip(rows, decisions, tails, chances, strict=True)
            ]
        else:
            payloads = self._layout.pack(self._packed(rows, many, decisions, chances), tails)
        records = [
            Record(identity.bytes, RECOMMENDATION, self._context, payload, now)
            for identity, payload in zip(ids, payloads, strict=True)
        ]
        advice = [
            Advice(str(identity), tail.case_ref, row, decision, tail.disclosure, chance)
            for identity, tail, row, decision, chance in zip(
                ids, tails, rows, decisions, chances, strict=True
            )
        ]
        return advice, records

    def _explored(
        self, row: list[int], decision: Decision, case_ref: str
    ) -> tuple[Decision, float]:
        price = self.policy.price / self.policy.weights.of_one(row)
        utility = [
            value - price * minutes
            for value, minutes in zip(decision.expected, self._minutes, strict=True)
        ]
        drawn = draw("exploration", self.model.info.version, self.policy.version, case_ref)
        return explore(decision, utility, self._offered, self.policy.exploration, drawn)

    def _disclosure(self, case_ref: str, decision: Decision) -> str:
        """Whether plain advice is shown; the same case always falls into the same group."""
        shares = self.policy.disclosure
        if decision.status != Status.RECOMMENDED:
            return SHOWN
        drawn = draw("disclosure", case_ref)
        if drawn < shares.control:
            return CONTROL
        return AFTER_OWN_VIEW if drawn < shares.control + shares.after_own_view else SHOWN

    def _payload(self, row: list[int], decision: Decision, tail: Tail, chance: float) -> bytes:
        """Packs one decision, as `_packed` does many."""
        permitted = self._menu >> decision.first_permitted << decision.first_permitted
        return self._layout.pack_one(
            tail,
            row,
            decision.expected,
            decision.error,
            self._minutes,
            permitted,
            decision.mix,
            decision.status,
            decision.safeguards,
            decision.doubts,
            self.policy.price,
            self.policy.weights.of_one(row),
            chance,
        )

    def _packed(
        self,
        rows: list[list[int]],
        many: Decisions,
        decisions: list[Decision],
        chances: list[float],
    ) -> PackedRows:
        packed = self._layout.rows(len(rows))
        packed["row"] = rows
        packed["expected"] = many.expected
        packed["error"] = many.error
        packed["minutes"] = self._minutes
        bits = np.uint64(1) << np.arange(len(self._minutes), dtype=np.uint64)
        packed["permitted"] = (many.permitted * bits).sum(axis=1, dtype=np.uint64)
        packed["mix"] = [decision.mix for decision in decisions]
        packed["status"] = many.status
        packed["safeguards"] = many.safeguards
        packed["doubts"] = many.doubts
        packed["price"] = self.policy.price
        packed["weight"] = self.policy.weights.of(packed["row"])
        packed["propensity"] = chances
        return packed


def _reading(model: ModelVersion, decider: Decider) -> Reading:
    """Tells how to read the records."""
    mixes = decider.catalogue.mixes
    return Reading(
        model_version=model.info.version,
        model_sha256=model.info.sha256,
        synthetic_model=model.info.synthetic,
        policy_version=decider.policy.version,
        catalogue_version=decider.catalogue.version,
        features=coded(FEATURES.features),
        mixes=tuple(CodedMix(id=mix.id, minutes=mix.adviser_minutes) for mix in mixes),
        statuses=("", *(status.name for status in Status)),
        safeguards=tuple(rule.name for rule in decider.safeguards.rules),
    )
