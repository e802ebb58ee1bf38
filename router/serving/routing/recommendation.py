"""Writes the Recommendation message from advice: texts, options, reasons, what would change it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from math import inf
from typing import NamedTuple
from uuid import UUID, uuid5

import numpy as np

from router.advice.recommender import Advice, Recommender
from router.cases.features import FEATURES
from router.decision.catalogue import Channel
from router.decision.contradictions import fields_by_name
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision, Doubt, Status
from router.decision.explain import Explainer, Explanation
from router.decision.probability import as_probability
from router.decision.safeguards import Effect, Requirement, numbers_in
from router.decision.together import Whose, alike
from router.journal.feedback import WITHHELD
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN
from router.journal.record import Context, Record
from router.serving.messages import contacts_of, mix_message
from router.serving.requests import View
from router.serving.routing.reasons import (
    AVERAGE,
    BEHIND_A_LOGIN,
    MINUTES,
    NEAR_EQUAL,
    Told,
    is_told,
    minutes_told,
    told_of,
)
from router.texts import Contact, Reader, Texts
from router.v1 import recommendation_pb2

_STATUSES: dict[int, recommendation_pb2.Status.ValueType] = {
    Status.RECOMMENDED: recommendation_pb2.STATUS_RECOMMENDED,
    Status.NEEDS_ASSESSMENT: recommendation_pb2.STATUS_NEEDS_ASSESSMENT,
    Status.MANUAL_ONLY: recommendation_pb2.STATUS_MANUAL_ONLY,
}
_DOUBTS = {doubt: recommendation_pb2.Doubt.Value(f"DOUBT_{doubt.name}") for doubt in Doubt}
_NOT_OFFERED = "MENU"
_DISCLOSURES = {
    AFTER_OWN_VIEW: recommendation_pb2.DISCLOSURE_AFTER_OWN_VIEW,
    CONTROL: recommendation_pb2.DISCLOSURE_CONTROL,
}
_WITHHELD_CONTEXT = Context(document='{"payload":"router.v1.Recommendation"}')
# Language, reader, status, mix, doubts, the channels in whose place others stand, and whether the
# model has expired.
_Same = tuple[str, Reader, int, int, int, frozenset[Channel], bool]


class _Rule(NamedTuple):
    """A safeguard in words.

    Attributes:
        applied: as a message.
        fact: as a reason; None if its reader does not hear of it.
        arranged: what is arranged because of it; "" if nothing is.
    """

    applied: recommendation_pb2.AppliedSafeguard
    fact: recommendation_pb2.Reason | None
    arranged: str


class RecommendationWriter:
    """Writes the answers of one recommender."""

    def __init__(self, recommender: Recommender, texts: Mapping[str, Texts]) -> None:
        self._recommender = recommender
        self.decider: Decider = recommender.decider
        self.explainer: Explainer = recommender.explainer
        self._minutes: list[float] = recommender.decider.catalogue.minutes.tolist()
        self._texts = texts
        policy = recommender.decider.policy.contact
        self._contact = Contact(policy.phone, policy.days)
        expires_at = recommender.model.info.expires_at
        self._expires = inf if expires_at is None else expires_at.timestamp()

        self._same: dict[_Same, recommendation_pb2.Recommendation] = {}
        self._options: dict[tuple[int, str | None], recommendation_pb2.Option] = {}
        self._rules: dict[tuple[str, Reader], list[_Rule]] = {}
        self._contradictions: dict[
            tuple[str, Reader, str, tuple[str, ...]], recommendation_pb2.Contradiction
        ] = {}

    def _expired(self) -> bool:
        """Tells whether the model has expired, which comes to pass while it serves."""
        return time.time() >= self._expires

    @property
    def texts(self) -> Mapping[str, Texts]:
        """The texts by the code of their language."""
        return self._texts

    def _rules_in(self, language: str, reader: Reader) -> list[_Rule]:
        """Gives every rule in words, written when it is first asked for.

        Hundreds of offices are swapped at once, and a rollback must not wait for words.
        """
        kept = self._rules.get((language, reader))
        if kept is None:
            words, count = self._texts[language], len(self.decider.safeguards.rules)
            kept = [self._rule(words, reader, number) for number in range(count)]
            self._rules[language, reader] = kept
        return kept

    def _rule(self, words: Texts, reader: Reader, number: int) -> _Rule:
        rule = self.decider.safeguards.rules[number]
        fact = recommendation_pb2.Reason(
            code=f"SAFEGUARD.{rule.name}", text=words.safeguard(reader, rule.name)
        )
        return _Rule(
            recommendation_pb2.AppliedSafeguard(
                name=rule.name,
                legal_basis=words.legal(rule.legal_basis),
                text=words.rule(reader, rule.name, rule.effect.requirement.value),
            ),
            fact if is_told(rule, reader) else None,
            words.arrangement(reader, rule.name, self._contact),
        )

    def write(
        self,
        advice: Sequence[Advice],
        views: Sequence[View],
        into: Sequence[recommendation_pb2.Recommendation],
        explanations: Mapping[int, Explanation] | None = None,
    ) -> None:
        """Fills in a Recommendation for each piece of advice, in its own view.

        Args:
            advice: n pieces.
            views: n of them.
            into: n empty messages.
            explanations: by number, where they were explained with others' (`explain_together`).
        """
        if explanations is None:
            [explanations] = explain_together([(self, advice, views)])
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
        decision, mixes = advice.decision, self.decider.catalogue.ids
        words, synthetic = self._texts[view.language], self._recommender.model.info.synthetic
        message.decision_id = advice.decision_id
        message.status = recommendation_pb2.STATUS_WITHHELD
        message.model_version = self._recommender.model.info.version
        message.policy_version = self.decider.policy.version
        unusable = self.decider.safeguards.unusable(decision.safeguards)
        message.notice = self._notice(words, view.reader, unusable, mix=False)
        message.plan = _tested(words, words.no_mix(view.reader, self._contact), test=synthetic)
        message.case_ref = advice.case_ref
        message.disclosure = _DISCLOSURES[advice.disclosure]
        message.permitted_mixes.extend(mix for n, mix in enumerate(mixes) if decision.permits(n))
        message.synthetic_model = synthetic
        message.model_expired = self._expired()
        _add_reading(message, view)
        if view.full:
            self._add_safeguards(message, decision, view)
            self._add_text(message, decision, view)

    def _write_advice(
        self,
        message: recommendation_pb2.Recommendation,
        advice: Advice,
        view: View,
        explanation: Explanation | None,
    ) -> None:
        decision = advice.decision
        # First: copying replaces whatever the message held.
        message.CopyFrom(self._same_part(decision, view))
        message.decision_id = advice.decision_id
        message.case_ref = advice.case_ref
        # Of a case that was not scored nothing is told, not even that its office is unknown.
        if decision.is_scored and (view.office_unknown or view.top_coded):
            _add_reading(message, view)
        if decision.doubts & Doubt.CONTRADICTION:
            self._add_contradictions(message, advice.row, view)
        if view.full:
            self._add_safeguards(message, decision, view)
            if decision.is_scored:
                self._add_options(message, decision)
            changes: list[list[str]] = []
            if explanation is not None:
                self._add_reasons(message, decision, explanation, view)
                changes = self._add_changes(message, decision, explanation, view)
            self._add_text(message, decision, view, changes)

    def _same_part(self, decision: Decision, view: View) -> recommendation_pb2.Recommendation:
        """Gives what is the same in many answers, made once."""
        unusable = self.decider.safeguards.unusable(decision.safeguards)
        status, mix, doubts = decision.status, decision.mix, decision.doubts
        expired = self._expired()
        key = (view.language, view.reader, status, mix, doubts, unusable, expired)
        kept = self._same.get(key)
        if kept is None:
            kept = self._same[key] = self._made(decision, view, unusable, expired=expired)
        return kept

    def _is_digital(self, decision: Decision) -> bool:
        """Tells whether the user can use digital services."""
        return Channel.SELF_SERVICE not in self.decider.safeguards.unusable(decision.safeguards)

    def _made(
        self, decision: Decision, view: View, unusable: frozenset[Channel], *, expired: bool
    ) -> recommendation_pb2.Recommendation:
        words, reader, mix = self._texts[view.language], view.reader, decision.mix
        info, catalogue = self._recommender.model.info, self.decider.catalogue
        message = recommendation_pb2.Recommendation(
            status=_STATUSES[decision.status],
            model_version=info.version,
            policy_version=self.decider.policy.version,
        )
        if mix == NO_MIX:
            message.plan = words.no_mix(reader, self._contact)
            message.notice = words.notice(
                reader, self._contact, digital=False, mix=False, manual=True
            )
            return message

        message.mix.CopyFrom(mix_message(catalogue, mix, words, unusable))
        # Absent where no model judged: whether it was synthetic is then not told.
        message.synthetic_model = info.synthetic
        for doubt, number in _DOUBTS.items():
            if decision.doubts & doubt:
                message.doubts.append(number)
                message.doubt_texts.append(words.doubt(reader, str(doubt.name), self._contact))
        contacts = contacts_of(catalogue.mixes[mix], unusable)
        plan = words.plan(reader, contacts, catalogue.mixes[mix].weeks)
        if message.doubt_texts:
            plan = words.until(reader, message.doubt_texts, plan)
        message.plan = _tested(words, plan, test=info.synthetic)
        message.notice = self._notice(words, reader, unusable, mix=True)
        if expired:
            message.model_expired = True
            if reader is Reader.ADVISER:
                # The adviser can look twice; the user could only worry.
                message.notice = f"{words.expired} {message.notice}"
        return message

    def _notice(
        self, words: Texts, reader: Reader, unusable: frozenset[Channel], *, mix: bool
    ) -> str:
        """Writes the notice, which names no way to the office that the user cannot go."""
        phone = "" if Channel.PHONE in unusable else self._contact.phone
        digital = mix and Channel.DIALOGUE_MESSAGE not in unusable
        return words.notice(reader, Contact(phone, self._contact.days), digital=digital, mix=mix)

    def _add_contradictions(
        self, message: recommendation_pb2.Recommendation, row: Sequence[int], view: View
    ) -> None:
        told = fields_by_name(self.decider.contradictions.found(row))
        message.contradictions.extend([self._contradiction(*one, view) for one in told.items()])

    def _contradiction(
        self, name: str, fields: tuple[str, ...], view: View
    ) -> recommendation_pb2.Contradiction:
        key = (view.language, view.reader, name, fields)
        found = self._contradictions.get(key)
        if found is None:
            text = self._texts[view.language].contradiction(view.reader, name)
            found = recommendation_pb2.Contradiction(fields=fields, text=text)
            self._contradictions[key] = found
        return found

    def _add_safeguards(
        self, message: recommendation_pb2.Recommendation, decision: Decision, view: View
    ) -> None:
        written = self._rules_in(view.language, view.reader)
        applied = [written[number] for number in numbers_in(decision.safeguards)]
        message.safeguards.extend([rule.applied for rule in applied])
        message.reasons.extend([rule.fact for rule in applied if rule.fact is not None])

    def _add_options(self, message: recommendation_pb2.Recommendation, decision: Decision) -> None:
        forbidding = self.decider.safeguards.forbidding(decision.safeguards, decision.permitted)
        message.options.extend(
            [self._option(number, forbidding.get(number)) for number in range(len(self._minutes))]
        )
        for option, value, error in zip(
            message.options, decision.expected, decision.error, strict=True
        ):
            option.expected_outcome = as_probability(value)
            option.standard_error = error

    def _option(self, number: int, forbidden_by: str | None) -> recommendation_pb2.Option:
        """Gives an option without what the model says of it, made once."""
        key = (number, forbidden_by)
        found = self._options.get(key)
        if found is None:
            permitted = forbidden_by is None
            found = self._options[key] = recommendation_pb2.Option(
                mix_id=self.decider.catalogue.ids[number],
                adviser_minutes=self._minutes[number],
                permitted=permitted,
                forbidden_by="" if permitted else forbidden_by or _NOT_OFFERED,
                unscored=number in self.decider.tables.unscored,
            )
        return found

    def _add_reasons(
        self,
        message: recommendation_pb2.Recommendation,
        decision: Decision,
        explanation: Explanation,
        view: View,
    ) -> None:
        words, ids = self._texts[view.language], self.decider.catalogue.ids
        told = told_of(
            explanation,
            reader=view.reader,
            words=words,
            effects_vary=self._recommender.model.info.effects_vary,
            # By what decided: sums of parts are rounded in another order.
            lifted=decision.margin < 0,
            digital=self._is_digital(decision),
        )
        mix = ids[decision.mix]
        other = "" if explanation.other is None else ids[explanation.other]
        for one in told:
            reason = self._reason(one, mix, other, view)
            if one.kind == MINUTES and view.reader is Reader.USER:
                kind = minutes_told(explanation)
                reason.text = words.general(view.reader, kind, one.points, mix, other)
            message.reasons.append(reason)
        if explanation.near_equal is not None:
            message.near_equal_mix = ids[explanation.near_equal]

    def _reason(self, told: Told, mix: str, other: str, view: View) -> recommendation_pb2.Reason:
        words = self._texts[view.language]
        if told.column is None:
            code, feature = told.kind, ""
            text = (
                words.near_equal(view.reader, mix, other)
                if told.kind == NEAR_EQUAL
                else words.general(view.reader, told.kind, told.points, mix, other)
            )
        else:
            found = FEATURES.features[told.column]
            code, feature = f"FEATURE.{found.name}", found.name
            text = words.reason(view.reader, found, told.slot, told.points, mix)
        return recommendation_pb2.Reason(
            code=code,
            text=text,
            feature=feature,
            contribution=told.points,
            compared_with=other,
            against=told.points < 0,
        )

    def _add_changes(
        self,
        message: recommendation_pb2.Recommendation,
        decision: Decision,
        explanation: Explanation,
        view: View,
    ) -> list[list[str]]:
        """Adds what would change the mix, and gives the letter's paragraphs of it."""
        words, ids = self._texts[view.language], self.decider.catalogue.ids
        told: list[list[str]] = []
        last = NO_MIX
        for change in explanation.changes:
            # Without proof that effects vary nobody knows that doing otherwise would help.
            if not (change.is_wish or self._recommender.model.info.effects_vary):
                continue
            feature = FEATURES.features[change.column]
            if feature.name in BEHIND_A_LOGIN and not self._is_digital(decision):
                continue
            message.changes.add(
                feature=feature.name,
                from_value=str(feature.value(change.slot_now)),
                to_value=str(feature.value(change.slot_then)),
                mix_id=ids[change.mix],
                text=words.change(view.reader, feature.name, change.direction, ids[change.mix]),
            )
            if change.mix == last:
                told[-1].append(words.same_change(view.reader, feature.name, change.direction))
            else:
                told.append([message.changes[-1].text])
            last = change.mix
        return told

    def _add_text(
        self,
        message: recommendation_pb2.Recommendation,
        decision: Decision,
        view: View,
        changes: Sequence[list[str]] = (),
    ) -> None:
        """Puts all that is told together, in the order in which it is read.

        Args:
            message: with all that the letter tells but what would change the mix.
            decision: that it tells of.
            view: in which it is read.
            changes: what would change the mix, texts of each paragraph.
        """
        words, reader = self._texts[view.language], view.reader
        why = self._rules_told(decision, view)
        reasons = [one for one in message.reasons if not one.code.startswith("SAFEGUARD.")]
        why += [[one.text] for one in reasons]
        # That a mix takes less time is said with the name of the other one.
        named = {one.compared_with for one in reasons if one.code == MINUTES}
        # An adviser reads of the average against what it is.
        vague = {AVERAGE} if reader is Reader.USER else set()
        others = [one.compared_with for one in reasons if one.feature or one.code in vague]
        compared = dict.fromkeys(other for other in others if other not in named)
        why += [[words.compared(reader, other)] for other in compared]
        near = message.near_equal_mix
        offered = {change.mix_id for change in message.changes}
        if near and reader is Reader.ADVISER:
            why.append([words.near_equal(reader, message.mix.id, near)])
        # A user is not offered less than what is advised, and nothing twice.
        elif near and near not in offered and self._is_heavier(near, message.mix.id):
            again = near in named
            why.append(
                [words.rather(near) if again else words.near_equal(reader, message.mix.id, near)]
            )
        why += changes
        message.text = words.letter(
            reader,
            plan=message.plan,
            why=why,
            doubts=message.doubt_texts,
            contradictions=[one.text for one in message.contradictions],
            notice=message.notice,
        )

    def _rules_told(self, decision: Decision, view: View) -> list[list[str]]:
        """Tells the facts of safeguards, what follows and is arranged, and to advisers the law."""
        words, reader = self._texts[view.language], view.reader
        written, rules = self._rules_in(view.language, reader), self.decider.safeguards.rules
        unusable = self.decider.safeguards.unusable(decision.safeguards)
        told = [
            number for number in numbers_in(decision.safeguards) if written[number].fact is not None
        ]
        if decision.mix != NO_MIX and any(rules[number].effect.burdensome for number in told):
            mix = self.decider.catalogue.mixes[decision.mix]
            held = mix.channels_without(unusable) or frozenset()
            # What was too much to ask for, and is asked all the same, explains nothing.
            told = [number for number in told if not rules[number].effect.burdensome & held]

        found = words.grouped(
            reader,
            [(rules[n].name, _requirement_told(rules[n].effect, unusable)) for n in told],
        )
        found += [[written[number].arranged] for number in told if written[number].arranged]
        if reader is Reader.ADVISER and told:
            found.append([words.basis([rules[number].legal_basis for number in told])])
        return found

    def _is_heavier(self, mix: str, other: str) -> bool:
        ids = self.decider.catalogue.ids
        return ids.index(mix) > ids.index(other)


def explain_together(
    asked: Sequence[tuple[RecommendationWriter, Sequence[Advice], Sequence[View]]],
) -> list[dict[int, Explanation]]:
    """Explains what FULL answers tell, of several policies: all at once costs half and less.

    Args:
        asked: writers, with their advice and its views.

    Returns:
        Of each writer, explanations by number of its advice.
    """
    told = [
        [n for n, view in enumerate(views) if view.full and advice[n].decision.mix != NO_MIX]
        for _, advice, views in asked
    ]
    found: list[dict[int, Explanation]] = [{} for _ in asked]
    some = [number for number, its in enumerate(told) if its]
    deciders = [asked[number][0].decider for number in some]
    for places in alike(deciders):
        numbers = [some[place] for place in places]
        advice = [asked[number][1][n] for number in numbers for n in told[number]]
        rows = np.array([one.row for one in advice], np.uint16)
        whose = Whose([deciders[place] for place in places], [len(told[n]) for n in numbers])
        explainer = asked[numbers[0]][0].explainer
        explained = iter(explainer.explain(rows, [one.decision for one in advice], whose))
        for number in numbers:
            found[number] = {n: next(explained) for n in told[number]}
    return found


def _requirement_told(effect: Effect, unusable: frozenset[Channel]) -> str:
    """Names what follows from a rule; of phone or video only what the user can use."""
    remote = effect.requirement is Requirement.REMOTE_TALK
    if remote and unusable & {Channel.PHONE, Channel.VIDEO}:
        return Requirement.PERSONAL_TALK.value
    return effect.requirement.value


def _tested(words: Texts, plan: str, *, test: bool) -> str:
    return f"{words.test_line} {plan}" if test else plan


def _add_reading(message: recommendation_pb2.Recommendation, view: View) -> None:
    """Tells how the case was read where that is not what its sender may expect."""
    message.office_unknown = view.office_unknown
    message.top_coded_fields.extend(view.top_coded)
