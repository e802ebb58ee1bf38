"""Writes the Recommendation message from advice: texts, options, reasons, what would change it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from uuid import UUID, uuid5

import numpy as np

from router.advice.recommender import Advice, Recommender
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision, Doubt, Status
from router.decision.explain import Change, Explainer, Explanation
from router.journal.feedback import WITHHELD
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN
from router.journal.record import Context, Record
from router.serving.messages import mix_message
from router.serving.requests import View
from router.texts import Texts
from router.v1 import recommendation_pb2

_STATUSES: dict[int, recommendation_pb2.Status.ValueType] = {
    Status.RECOMMENDED: recommendation_pb2.STATUS_RECOMMENDED,
    Status.NEEDS_ASSESSMENT: recommendation_pb2.STATUS_NEEDS_ASSESSMENT,
    Status.MANUAL_ONLY: recommendation_pb2.STATUS_MANUAL_ONLY,
}
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
# When so many are kept all are dropped: simpler than
# telling the oldest, and it hardly ever happens.
_TEMPLATES_AT_MOST = 4096
_REASONS_AT_MOST = 16_384
_ReasonKey = tuple[str, int, int, int, int, bool]


class RecommendationWriter:
    """Writes the answers of one recommender."""

    def __init__(self, recommender: Recommender, texts: dict[str, Texts]) -> None:
        self._recommender = recommender
        self._decider: Decider = recommender.decider
        self._explainer: Explainer = recommender.explainer
        self._minutes: list[float] = recommender.decider.catalogue.minutes.tolist()
        self._texts = texts

        self._same: dict[tuple[str, int, int, int], recommendation_pb2.Recommendation] = {}
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

    @property
    def texts(self) -> Mapping[str, Texts]:
        """The texts by the code of their language."""
        return self._texts

    def write(
        self,
        advice: Sequence[Advice],
        views: Sequence[View],
        into: Sequence[recommendation_pb2.Recommendation],
    ) -> None:
        """Fills in a Recommendation for each piece of advice, in its own view.

        Args:
            advice: n pieces.
            views: n of them.
            into: n empty messages.
        """
        told = [n for n, view in enumerate(views) if view.full and advice[n].decision.mix != NO_MIX]
        # All at once: a burst of FULL answers then costs half.
        explanations: dict[int, Explanation] = {}
        if told:
            rows = np.array([advice[n].row for n in told], np.uint16)
            explained = self._explainer.explain(rows, [advice[n].decision for n in told])
            explanations = dict(zip(told, explained, strict=True))

        for n, (one, view, message) in enumerate(zip(advice, views, into, strict=True)):
            if one.disclosure == SHOWN:
                self._write_advice(message, one, view, explanations.get(n))
            else:
                self._write_withheld(message, one, view)

    def withheld(self, advice: Sequence[Advice], views: Sequence[View], now: int) -> list[Record]:
        """Gives records of the advice that is shown once the adviser has recorded an own view."""
        # Most offices withhold nothing, and then a call need not look.
        if not self._recommender.withholds:
            return []
        kept = [n for n, one in enumerate(advice) if one.disclosure == AFTER_OWN_VIEW]
        shown = [advice[n]._replace(disclosure=SHOWN) for n in kept]
        answers = [recommendation_pb2.Recommendation() for _ in kept]
        self.write(shown, [views[n] for n in kept], answers)
        return [
            Record(
                # It follows from the decision's: what is asked twice is withheld once.
                uuid5(UUID(one.decision_id), WITHHELD).bytes,
                WITHHELD,
                _WITHHELD_CONTEXT,
                answer.SerializeToString(),
                now,
                UUID(one.decision_id).bytes,
            )
            for one, answer in zip(shown, answers, strict=True)
        ]

    def _write_withheld(
        self, message: recommendation_pb2.Recommendation, advice: Advice, view: View
    ) -> None:
        """Tells what the safeguards demand, and nothing that the model thinks."""
        decision, mixes = advice.decision, self._decider.catalogue.ids
        message.decision_id = advice.decision_id
        message.status = recommendation_pb2.STATUS_WITHHELD
        message.model_version = self._recommender.model.info.version
        message.policy_version = self._decider.policy.version
        message.notice = self._texts[view.language].notice
        message.case_ref = advice.case_ref
        message.disclosure = _DISCLOSURES[advice.disclosure]
        message.permitted_mixes.extend(
            mix
            for n, mix in enumerate(mixes)
            if n >= decision.first_permitted and self._decider.menu[n]
        )
        message.synthetic_model = self._recommender.model.info.synthetic
        _add_reading(message, view)
        if view.full:
            self._add_safeguards(message, decision, view.language)

    def _write_advice(
        self,
        message: recommendation_pb2.Recommendation,
        advice: Advice,
        view: View,
        explanation: Explanation | None,
    ) -> None:
        decision, language = advice.decision, view.language
        # First: copying replaces whatever the message held.
        message.CopyFrom(self._same_part(language, decision.status, decision.mix, decision.doubts))
        message.decision_id = advice.decision_id
        message.case_ref = advice.case_ref
        # Of a case that was not scored nothing is told, not even that its office is unknown.
        told = decision.first_permitted < len(self._decider.menu)
        if told and (view.office_unknown or view.top_coded):
            _add_reading(message, view)
        if view.full:
            self._add_full(message, decision, language)
        if explanation is not None:
            self._add_reasons(message, decision, explanation, self._texts[language])
            self._add_change(message, explanation.change, self._texts[language])

    def _same_part(
        self, language: str, status: int, mix: int, doubts: int
    ) -> recommendation_pb2.Recommendation:
        """Gives what is the same in many answers, made once."""
        key = (language, status, mix, doubts)
        kept = self._same.get(key)
        if kept is None:
            texts = self._texts[language]
            kept = self._same[key] = recommendation_pb2.Recommendation(
                status=_STATUSES[status],
                mix=mix_message(self._decider.catalogue, mix, texts) if mix >= 0 else None,
                model_version=self._recommender.model.info.version,
                policy_version=self._decider.policy.version,
                notice=texts.notice,
                doubts=[number for doubt, number in _DOUBTS.items() if doubts & doubt],
                # Absent where no model judged: whether it was synthetic is then not told.
                synthetic_model=self._recommender.model.info.synthetic if mix >= 0 else None,
            )
        return kept

    def _add_full(
        self, message: recommendation_pb2.Recommendation, decision: Decision, language: str
    ) -> None:
        self._add_safeguards(message, decision, language)
        if decision.first_permitted < len(self._decider.menu):  # otherwise nothing was scored
            self._add_options(message, decision)

    def _add_safeguards(
        self, message: recommendation_pb2.Recommendation, decision: Decision, language: str
    ) -> None:
        bits = decision.safeguards
        applied = [
            self._safeguards[language, number]
            for number in range(bits.bit_length())
            if bits >> number & 1
        ]
        message.safeguards.extend(safeguard for safeguard, _ in applied)
        message.reasons.extend(reason for _, reason in applied)

    def _add_options(self, message: recommendation_pb2.Recommendation, decision: Decision) -> None:
        # What forbids a mix depends on these two alone.
        key = (decision.first_permitted, decision.safeguards)
        template = self._options.get(key)
        if template is None:
            if len(self._options) >= _TEMPLATES_AT_MOST:
                self._options.clear()
            template = self._options[key] = recommendation_pb2.Recommendation(
                options=self._unvalued(decision)
            )
        message.MergeFrom(template)
        for option, value, error in zip(
            message.options, decision.expected, decision.error, strict=True
        ):
            # Tables add up without bounds; whoever reads the answer expects a share.
            option.expected_outcome = min(1.0, max(0.0, value))
            option.standard_error = error

    def _unvalued(self, decision: Decision) -> list[recommendation_pb2.Option]:
        """Gives the options without what the model says of them."""
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
            # The first in the catalogue's order that forbids it: one is enough to tell why.
            for rule in self._decider.safeguards.applied(decision.safeguards):
                if not rule.requirement.permits(mix):
                    return rule.name
        return "" if self._decider.menu[number] else _NOT_OFFERED

    def _add_reasons(
        self,
        message: recommendation_pb2.Recommendation,
        decision: Decision,
        explanation: Explanation,
        texts: Texts,
    ) -> None:
        if explanation.other is None:
            return
        for column, slot, points in explanation.reasons:
            key = (texts.language, column, slot, decision.mix, explanation.other, points > 0)
            message.reasons.append(self._reasons.get(key) or self._keep_reason(key, texts))
            # Into the copy that the message made: the one kept has none.
            message.reasons[-1].contribution = points

    def _keep_reason(self, key: _ReasonKey, texts: Texts) -> recommendation_pb2.Reason:
        """Gives a reason without its contribution, made once.

        Few of the many that there could be are given again and again.
        """
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
        self, message: recommendation_pb2.Recommendation, change: Change | None, texts: Texts
    ) -> None:
        if change is None:
            return
        feature, mix_id = FEATURES.features[change.column], self._decider.catalogue.ids[change.mix]
        now, then = feature.value(change.slot_now), feature.value(change.slot_then)
        message.changes.add(
            feature=feature.name,
            from_value="" if now is None else str(now),
            to_value=str(then),
            mix_id=mix_id,
            text=texts.change(feature, change.slot_now, change.slot_then, mix_id),
        )


def _add_reading(message: recommendation_pb2.Recommendation, view: View) -> None:
    """Tells how the case was read where that is not what its sender may expect."""
    message.office_unknown = view.office_unknown
    message.top_coded_fields.extend(view.top_coded)
