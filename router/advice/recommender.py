"""From a case's row to advice and the record of it, with one model and one policy.

Knows no transport: whoever asks makes the records durable before the advice leaves.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple
from uuid import UUID

import uuid_utils

from router.advice.disclosure import group_of
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import Decision, Status
from router.decision.draws import Draws
from router.decision.explain import Explainer
from router.decision.explore import ALL, explore
from router.decision.policy import Policy
from router.journal.recommendation import (
    SHOWN,
    CodedMix,
    Reading,
    Shares,
    Tail,
    coded,
    subject_of,
)
from router.journal.record import RECOMMENDATION, Record
from router.versions.registry import ModelVersion

_NOTHING = Tail("")


class Advice(NamedTuple):
    """A decision with its identity.

    Attributes:
        decision_id: UUIDv7, or what follows from a request id.
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

    def __init__(self, model: ModelVersion, decider: Decider, draws: Draws | None = None) -> None:
        """Takes what decides.

        Args:
            model: it.
            decider: with the policy.
            draws: with a key, if the policy explores or withholds.

        Raises:
            DrawKeyMissing: if it does, and there is none.
        """
        self.model = model
        self.draws = draws or Draws()
        self.decider = decider
        self.policy = decider.policy
        self.explainer = Explainer(decider=decider)

        reading = _reading(model, decider)
        self._context = reading.context()
        self._layout = reading.layout

        self._minutes: list[float] = decider.catalogue.minutes.tolist()
        self._explores = self.policy.exploration.share > 0
        named = set(self.policy.exploration.mixes)
        # As bits, once: cases are many.
        self._among = sum(1 << decider.catalogue.ids.index(mix) for mix in named) if named else ALL
        self.withholds = self.policy.disclosure.control + self.policy.disclosure.after_own_view > 0
        if self._explores or self.withholds:
            self.draws.need_key("exploration.share" if self._explores else "disclosure")

    def decide(
        self,
        rows: list[list[int]],
        case_refs: Sequence[str],
        *,
        decisions: list[Decision] | None = None,
        office_refs: Sequence[str] | None = None,
        ids: Sequence[UUID | None] | None = None,
        now: int | None = None,
    ) -> tuple[list[Advice], list[Record]]:
        """Decides for rows of slots; the records must be durable before the advice leaves.

        The references of a case that is not scored are kept out of advice and records.

        Args:
            rows: slots by feature.
            case_refs: one for each.
            decisions: one for each, where they were decided with others' (`decide_together`).
            office_refs: as sent, one for each; the policy's office if not given.
            ids: of the decisions, one for each; new ones where there is none.
            now: microseconds since 1970, UTC; the clock's if not given.
        """
        # One moment for all: cases that are asked together are recorded together.
        now = time.time_ns() // 1000 if now is None else now
        offices = [self.policy.office] * len(rows) if office_refs is None else office_refs

        # Of version 7: they begin with the time, so that the journal's index grows at its end.
        identities = [given or uuid_utils.uuid7() for given in ids or [None] * len(rows)]
        if decisions is None:
            decisions = self.decider.decide_each(rows)

        chances = [1.0] * len(rows)
        if self._explores:
            drawn = [self._explored(*one) for one in zip(decisions, case_refs, strict=True)]
            decisions = [decision for decision, _ in drawn]
            chances = [chance for _, chance in drawn]

        tails = [self._tail(*one) for one in zip(decisions, case_refs, offices, strict=True)]
        payloads = [
            self._payload(*one) for one in zip(rows, decisions, tails, chances, strict=True)
        ]
        records = [
            Record(
                identity.bytes,
                RECOMMENDATION,
                self._context,
                payload,
                now,
                subject=subject_of(tail.case_ref),
            )
            for identity, payload, tail in zip(identities, payloads, tails, strict=True)
        ]

        advice = [
            Advice(str(identity), tail.case_ref, row, decision, tail.disclosure, chance)
            for identity, tail, row, decision, chance in zip(
                identities, tails, rows, decisions, chances, strict=True
            )
        ]
        return advice, records

    def _explored(self, decision: Decision, case_ref: str) -> tuple[Decision, float]:
        price = self.policy.price / decision.weight
        utility = [
            value - price * minutes
            for value, minutes in zip(decision.expected, self._minutes, strict=True)
        ]
        # With the versions: another model or policy
        # explores other cases, not the same ones for ever.
        versions = self.model.info.version, self.policy.version
        drawn = self.draws.number("exploration", case_ref, *versions)
        return explore(decision, utility, self.policy.exploration, drawn, self._among)

    def _tail(self, decision: Decision, case_ref: str, office_ref: str) -> Tail:
        # Shielded: the journal keeps the fact, but not whose it is.
        if not decision.is_scored:
            return _NOTHING
        if not self.withholds:
            return Tail(case_ref, office_ref)
        return Tail(case_ref, office_ref, self._disclosure(case_ref, decision))

    def _disclosure(self, case_ref: str, decision: Decision) -> str:
        """Tells whether plain advice is shown; the same case always falls into the same group."""
        # Only plain advice is withheld: that a person must look at a case is told at once.
        if decision.status != Status.RECOMMENDED:
            return SHOWN
        return group_of(self.draws, self.policy.disclosure, case_ref)

    def _payload(self, row: list[int], decision: Decision, tail: Tail, chance: float) -> bytes:
        return self._layout.pack(
            tail,
            row,
            decision.expected,
            decision.error,
            self._minutes,
            decision.permitted,
            decision.mix,
            decision.status,
            decision.safeguards,
            decision.doubts,
            self.policy.price,
            decision.weight,
            chance,
        )


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
        shares=_shares(decider.policy),
    )


def _shares(policy: Policy) -> Shares | None:
    """Gives the chances of the policy's draws; None where nothing is drawn."""
    shown, drawn = policy.disclosure, policy.exploration
    if not (shown.control or shown.after_own_view or drawn.share):
        return None
    return Shares(
        after_own_view=shown.after_own_view,
        control=shown.control,
        exploration=drawn.share,
        margin=drawn.margin,
        among=drawn.mixes or policy.menu,
    )
