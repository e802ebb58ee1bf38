"""All safeguards, a row each: field, values, what a mix must have, legal basis. A new one: here.

The field of a rule has the role of a safeguard or a hard rule in the contract. Bounds in days and
counts come from the policy: a new one is an attribute of `SafeguardLimits` and a row in
router/policies/policy_values.py. Which channels serve whom is in `suitability`. A legal basis is a
key of `legal` in the texts.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.decision.safeguards import Effect, Requirement, Safeguard
from router.decision.schema import Feature, FeatureSet
from router.decision.suitability import NEEDS, Suitability

UNKNOWN = None
_MANUAL = Requirement.MANUAL_ONLY
_NO_DIGITAL = Requirement.NO_DIGITAL_DEMAND
_TALK = Requirement.PERSONAL_TALK
_DIALOGUE = Requirement.ADVISER_DIALOGUE
_USABLE = Requirement.USABLE_CHANNELS
_REMOTE, _MEETING = Requirement.REMOTE_TALK, Requirement.MEETING

# Unknown asks as much as the worst value for shielding and reservation, which fail closed;
# elsewhere for less: a talk or a dialogue, in which somebody can ask.
# name, field, values, requirement, legal basis
_BY_VALUE: tuple[tuple[str, str, tuple[str | None, ...], Requirement, str], ...] = (
    ("SHIELDED", "shielded", ("YES",), _MANUAL, "SHIELD"),
    ("SHIELDING_UNKNOWN", "shielded", (UNKNOWN,), _MANUAL, "SHIELD"),
    ("DIGITALLY_RESERVED", "digitally_reserved", ("YES",), _NO_DIGITAL, "RESERVATION"),
    ("RESERVATION_UNKNOWN", "digitally_reserved", (UNKNOWN,), _NO_DIGITAL, "RESERVATION"),
    ("MANUAL_FOLLOW_UP", "manual_follow_up", ("YES",), _NO_DIGITAL, "GUIDANCE"),
    ("MANUAL_FOLLOW_UP_UNKNOWN", "manual_follow_up", (UNKNOWN,), _TALK, "GUIDANCE"),
    ("NO_DIGITAL_ACCESS", "digital_access", ("NONE",), _NO_DIGITAL, "USABILITY"),
    ("PHONE_ONLY", "digital_access", ("PHONE_ONLY",), _NO_DIGITAL, "USABILITY"),
    ("DIGITAL_ACCESS_UNKNOWN", "digital_access", (UNKNOWN,), _TALK, "USABILITY"),
    ("NO_EID", "has_eid", ("NO",), _NO_DIGITAL, "USABILITY"),
    ("EID_UNKNOWN", "has_eid", (UNKNOWN,), _TALK, "USABILITY"),
    ("DIGITAL_NON_USER", "digital_skill", ("NON_USER",), _NO_DIGITAL, "USABILITY"),
    ("WEAK_DIGITAL_SKILL", "digital_skill", ("WEAK",), _TALK, "USABILITY"),
    ("DIGITAL_SKILL_UNKNOWN", "digital_skill", (UNKNOWN,), _TALK, "USABILITY"),
    ("SIGN_LANGUAGE", "language_support", ("SIGN_INTERPRETER",), _TALK, "SIGN_LANGUAGE"),
    ("INTERPRETER", "language_support", ("INTERPRETER",), _TALK, "LANGUAGE"),
    ("LANGUAGE_SUPPORT_UNKNOWN", "language_support", (UNKNOWN,), _DIALOGUE, "LANGUAGE"),
    ("CANNOT_USE_PHONE", "can_use_phone", ("NO",), _DIALOGUE, "PHONE"),
    ("PHONE_USE_UNKNOWN", "can_use_phone", (UNKNOWN,), _DIALOGUE, "PHONE"),
    ("FAR_FROM_OFFICE", "travel_minutes_band", ("OVER_60",), _USABLE, "TRAVEL"),
    ("HEALTH_HINDRANCE", "health_hindrance", ("YES", "DOES_NOT_KNOW"), _TALK, "HEALTH"),
    ("HEALTH_HINDRANCE_UNKNOWN", "health_hindrance", (UNKNOWN, "NOT_ASKED"), _DIALOGUE, "HEALTH"),
    ("OTHER_HINDRANCE", "other_hindrance", ("YES", "DOES_NOT_KNOW"), _TALK, "HEALTH"),
    ("OTHER_HINDRANCE_UNKNOWN", "other_hindrance", (UNKNOWN, "NOT_ASKED"), _DIALOGUE, "HEALTH"),
    ("WANTS_GUIDANCE", "self_assessed_need", ("WANTS_GUIDANCE",), _TALK, "VIEW"),
    ("SELF_ASSESSMENT_UNKNOWN", "self_assessed_need", (UNKNOWN, "NOT_ASKED"), _DIALOGUE, "VIEW"),
    ("PREFERS_REMOTE_TALK", "channel_preference", ("PREFERS_REMOTE_TALK",), _REMOTE, "WISH"),
    ("PREFERS_MEETING", "channel_preference", ("PREFERS_MEETING",), _MEETING, "WISH"),
    ("PREFERENCE_UNKNOWN", "channel_preference", (UNKNOWN,), _DIALOGUE, "WISH"),
    ("NEED_GROUP_NOT_DECIDED", "need_group", ("NOT_DECIDED",), _TALK, "GUIDANCE"),
    ("NEED_GROUP_UNKNOWN", "need_group", (UNKNOWN,), _TALK, "GUIDANCE"),
)
# Of some rules, the need of `suitability` that tells which channels serve.
_NEEDS = {need.name: need for need in NEEDS}
_NEED_OF = {
    "RESERVATION_UNKNOWN": "DIGITALLY_RESERVED",
    "INTERPRETER": "SPOKEN_INTERPRETER",
    "PREFERS_REMOTE_TALK": "WISH_FOR_REMOTE_TALK",
    "PREFERS_MEETING": "WISH_FOR_MEETING",
} | {name: name for name in _NEEDS}


@dataclass(frozen=True, slots=True, kw_only=True)
class SafeguardLimits:
    """From which counts and days on a safeguard applies; all inclusive."""

    contact_gap_days: int
    no_shows: int
    unread_messages: int
    silence_days: int
    reply_days: int


def rulebook(features: FeatureSet, limits: SafeguardLimits) -> tuple[Safeguard, ...]:
    """Gives all safeguards, in the order in which they are published."""
    rules = [
        _rule(name, features[field], map(features[field].slot, values), requirement, basis)
        for name, field, values, requirement, basis in _BY_VALUE
    ]

    need = features["need_group"]
    # All that no other rule speaks of, so that a group added to the contract is guarded too.
    spoken_of = map(need.slot, (UNKNOWN, "NOT_DECIDED", "GOOD_OPPORTUNITIES"))
    other_need = set(range(need.slots)) - set(spoken_of)
    rules.append(_rule("NEED_GROUP", need, other_need, _TALK, "GUIDANCE"))

    gap = features["days_since_personal_contact"]
    rules += [
        _rule("CONTACT_GAP", gap, _from(gap, limits.contact_gap_days), _TALK, "CONTACT"),
        _rule("CONTACT_GAP_UNKNOWN", gap, {0}, _TALK, "CONTACT"),
    ]

    for name, field, bound, requirement, basis in (
        ("REPEATED_NO_SHOWS", "no_shows_180d", limits.no_shows, _TALK, "CONTACT"),
        ("UNREAD_MESSAGES", "unread_messages", limits.unread_messages, _TALK, "CONTACT"),
        ("LONG_SILENCE", "days_since_user_plan_activity", limits.silence_days, _TALK, "CONTACT"),
        (
            "WAITING_FOR_REPLY",
            "days_waiting_for_agency_reply",
            limits.reply_days,
            _DIALOGUE,
            "REPLY",
        ),
    ):
        feature = features[field]
        rules.append(_rule(name, feature, _from(feature, bound), requirement, basis))
        rules.append(_rule(f"{name}_UNKNOWN", feature, {0}, _DIALOGUE, basis))
    return tuple(rules)


def _from(feature: Feature, bound: int) -> range:
    return range(feature.slot(bound), feature.slots)


def _rule(
    name: str, feature: Feature, slots: Iterable[int], requirement: Requirement, basis: str
) -> Safeguard:
    need = _NEEDS.get(_NEED_OF.get(name, ""))
    effect = Effect(requirement)
    if need:
        effect = Effect(
            requirement,
            need.all_that_are(Suitability.DOES_NOT_SERVE),
            need.all_that_are(Suitability.IF_WISHED),
        )
    return Safeguard(
        name=name,
        legal_basis=basis,
        feature=feature.name,
        slots=frozenset(slots),
        effect=effect,
    )
