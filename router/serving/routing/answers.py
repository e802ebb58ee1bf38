"""Answers as bytes.

What is the same for many answers is serialised once and joined: protobuf messages merge by
concatenation, so a recommendation's fixed fields and its own may be written apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

import numpy as np
import uuid_utils

from router.advice.recommender import Advice, Recommender
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision, Doubt
from router.decision.explain import Change, Explainer, Explanation
from router.journal.feedback import WITHHELD
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN
from router.journal.record import Context, Record
from router.serving.messages import mix_message
from router.texts import Texts
from router.v1 import recommendation_pb2

_DOUBTS = {
    Doubt.UNKNOWN_FIELDS: recommendation_pb2.DOUBT_UNKNOWN_FIELDS,
    Doubt.RARE_VALUES: recommendation_pb2.DOUBT_RARE_VALUES,
    Doubt.CLOSE_OPTIONS: recommendation_pb2.DOUBT_CLOSE_OPTIONS,
}
_NOT_OFFERED = "MENU"
_DISCLOSURES = {
    AFTER_OWN_VIEW: recommendation_pb2.DISCLOSURE_AFTER_OWN_VIEW,
    CONTROL: recommendation_pb2.DISCLOSURE_CONTROL,
}
_WITHHELD_CONTEXT = Context(document='{"payload":"router.v1.Recommendation"}')
_TEMPLATES_AT_MOST = 4096
_REASONS_AT_MOST = 16_384
_ReasonKey = tuple[str, int, int, int, int, bool]


class Answers:
    """Writes answers of one recommender."""

    def __init__(self, recommender: Recommender, texts: dict[str, Texts]) -> None:
        self._recommender = recommender
        self._decider: Decider = recommender.decider
        self._explainer: Explainer = recommender.explainer
        self._minutes: list[float] = recommender.decider.catalogue.minutes.tolist()
        self._texts = texts
        self._fixed: dict[tuple[str, int, int, int], bytes] = {}
        self._reasons: dict[_ReasonKey, recommendation_pb2.Reason] = {}
        self._options: dict[tuple[int, int], recommendation_pb2.Recommendation] = {}
        self._safeguards = {
            (language, number): (
                recommendation_pb2.AppliedSafeguard(
                    name=rule.name, legal_basis=rule.legal_basis, text=words.safeguard(rule.name)
                ),
                recommendation_pb2.Reason(
                    code=f"SAFEGUARD.{rule.name}", text=words.safeguard(rule.name)
                ),
            )
            for language, words in texts.items()
            for number, rule in enumerate(self._decider.safeguards.rules)
        }

    def recommendations(
        self, advice: Sequence[Advice], views: Sequence[tuple[str, bool]]
    ) -> list[bytes]:
        """Serialised Recommendations, each in its own view: a language's code, and whether it is FULL."""
        told = [n for n, (_, full) in enumerate(views) if full and advice[n].decision.mix != NO_MIX]
        explanations: dict[int, Explanation] = {}
        if told:
            rows = np.array([advice[n].row for n in told], np.uint16)
            explained = self._explainer.explain(rows, [advice[n].decision for n in told])
            explanations = dict(zip(told, explained, strict=True))
        return [
            self._recommendation(one, *view, explanations.get(n))
            if one.disclosure == SHOWN
            else self._without_advice(one, *view)
            for n, (one, view) in enumerate(zip(advice, views, strict=True))
        ]

    def withheld(
        self, advice: Sequence[Advice], views: Sequence[tuple[str, bool]], now: int
    ) -> list[Record]:
        """Records of the advice that is shown only once the adviser has recorded an own view."""
        if not self._recommender.withholds:
            return []
        kept = [n for n, one in enumerate(advice) if one.disclosure == AFTER_OWN_VIEW]
        shown = [advice[n]._replace(disclosure=SHOWN) for n in kept]
        answers = self.recommendations(shown, [views[n] for n in kept])
        return [
            Record(
                uuid_utils.uuid7().bytes,
                WITHHELD,
                _WITHHELD_CONTEXT,
                answer,
                now,
                UUID(one.decision_id).bytes,
            )
            for one, answer in zip(shown, answers, strict=True)
        ]

    def _without_advice(self, advice: Advice, language: str, full: bool) -> bytes:
        """What is told where the advice is withheld: what the safeguards demand, and nothing that the model thinks."""
        decision = advice.decision
        permitted = [
            mix for n, mix in enumerate(self._decider.catalogue.ids)
            if n >= decision.first_permitted and self._decider.menu[n]
        ]  # fmt: skip
        message = recommendation_pb2.Recommendation(
            decision_id=advice.decision_id,
            status=recommendation_pb2.STATUS_WITHHELD,
            model_version=self._recommender.model.info.version,
            policy_version=self._decider.policy.version,
            notice=self._texts[language].notice,
            case_ref=advice.case_ref,
            disclosure=_DISCLOSURES[advice.disclosure],
            permitted_mixes=permitted,
        )
        if full:
            self._add_safeguards(message, decision, language)
        return message.SerializeToString()

    def _recommendation(
        self, advice: Advice, language: str, full: bool, explanation: Explanation | None
    ) -> bytes:
        decision = advice.decision
        fixed = self._fixed_part(language, decision.status, decision.mix, decision.doubts)
        own = recommendation_pb2.Recommendation(
            decision_id=advice.decision_id, case_ref=advice.case_ref
        )
        if full:
            self._add_full(own, decision, language)
        if explanation is not None:
            self._add_reasons(own, decision, explanation, self._texts[language])
            self._add_change(own, explanation.change, self._texts[language])
        return fixed + own.SerializeToString()

    def _fixed_part(self, language: str, status: int, mix: int, doubts: int) -> bytes:
        key = (language, status, mix, doubts)
        if key not in self._fixed:
            texts = self._texts[language]
            message = recommendation_pb2.Recommendation(
                status=status,  # type: ignore[arg-type]
                mix=mix_message(self._decider.catalogue, mix, texts) if mix >= 0 else None,
                model_version=self._recommender.model.info.version,
                policy_version=self._decider.policy.version,
                notice=texts.notice,
                doubts=[number for doubt, number in _DOUBTS.items() if doubts & doubt],
            )
            self._fixed[key] = message.SerializeToString()
        return self._fixed[key]

    def _add_full(
        self, own: recommendation_pb2.Recommendation, decision: Decision, language: str
    ) -> None:
        self._add_safeguards(own, decision, language)
        if decision.first_permitted < len(self._decider.menu):  # otherwise nothing was scored
            self._add_options(own, decision)

    def _add_safeguards(
        self, own: recommendation_pb2.Recommendation, decision: Decision, language: str
    ) -> None:
        own.synthetic_model = self._recommender.model.info.synthetic
        bits = decision.safeguards
        applied = [
            self._safeguards[language, number]
            for number in range(bits.bit_length())
            if bits >> number & 1
        ]
        own.safeguards.extend(safeguard for safeguard, _ in applied)
        own.reasons.extend(reason for _, reason in applied)

    def _add_options(self, own: recommendation_pb2.Recommendation, decision: Decision) -> None:
        key = (decision.first_permitted, decision.safeguards)
        template = self._options.get(key)
        if template is None:
            if len(self._options) >= _TEMPLATES_AT_MOST:
                self._options.clear()
            template = self._options[key] = recommendation_pb2.Recommendation(
                options=self._unvalued(decision)
            )
        own.MergeFrom(template)
        for option, value, error in zip(
            own.options, decision.expected, decision.error, strict=True
        ):
            option.expected_outcome = min(1.0, max(0.0, value))
            option.standard_error = error

    def _unvalued(self, decision: Decision) -> list[recommendation_pb2.Option]:
        """The options without what the model says of them."""
        options = []
        for number, mix in enumerate(self._decider.catalogue.mixes):
            forbidden_by = self._forbidden_by(decision, number)
            options.append(
                recommendation_pb2.Option(
                    mix_id=mix.id,
                    adviser_minutes=self._minutes[number],
                    permitted=not forbidden_by,
                    forbidden_by=forbidden_by,
                )
            )
        return options

    def _forbidden_by(self, decision: Decision, number: int) -> str:
        if number < decision.first_permitted:
            mix = self._decider.catalogue.mixes[number]
            for rule in self._decider.safeguards.applied(decision.safeguards):
                if not rule.requirement.permits(mix):
                    return rule.name
        return "" if self._decider.menu[number] else _NOT_OFFERED

    def _add_reasons(
        self,
        own: recommendation_pb2.Recommendation,
        decision: Decision,
        explanation: Explanation,
        texts: Texts,
    ) -> None:
        if explanation.other is None:
            return
        for column, slot, points in explanation.reasons:
            key = (texts.language, column, slot, decision.mix, explanation.other, points > 0)
            own.reasons.append(self._reasons.get(key) or self._keep_reason(key, texts))
            own.reasons[-1].contribution = points

    def _keep_reason(self, key: _ReasonKey, texts: Texts) -> recommendation_pb2.Reason:
        """A reason without its contribution; few of the many that there could be are given again and again."""
        if len(self._reasons) >= _REASONS_AT_MOST:
            self._reasons.clear()
        _, column, slot, mix, other, speaks_for = key
        feature, ids = FEATURES.features[column], self._decider.catalogue.ids
        reason = self._reasons[key] = recommendation_pb2.Reason(
            code=f"FEATURE.{feature.name}",
            text=texts.reason(feature, slot, ids[mix], ids[other], speaks_for=speaks_for),
            feature=feature.name,
            compared_with=ids[other],
        )
        return reason

    def _add_change(
        self, own: recommendation_pb2.Recommendation, change: Change | None, texts: Texts
    ) -> None:
        if change is None:
            return
        feature, mix_id = FEATURES.features[change.column], self._decider.catalogue.ids[change.mix]
        now, then = feature.value(change.slot_now), feature.value(change.slot_then)
        own.changes.add(
            feature=feature.name,
            from_value="" if now is None else str(now),
            to_value=str(then),
            mix_id=mix_id,
            text=texts.change(feature, change.slot_now, change.slot_then, mix_id),
        )
