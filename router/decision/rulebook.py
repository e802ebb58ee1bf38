"""All safeguards, a row each: field, values, what a mix must have, legal basis. A new one: here.

The field of a rule has the role of a safeguard or a hard rule in the contract. Bounds in days and
counts come from the policy: a new one is an attribute of `SafeguardLimits` and a row in
router/policies/policy_values.py.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from router.decision.safeguards import Requirement, Safeguard
from router.decision.schema import Feature, FeatureSet

UNKNOWN = None
_MANUAL = Requirement.MANUAL_ONLY
_NO_DIGITAL = Requirement.NO_DIGITAL_DEMAND
_TALK = Requirement.PERSONAL_TALK
_DIALOGUE = Requirement.ADVISER_DIALOGUE

_SHIELD = "Personopplysningsloven; forvaltningsloven § 13; folkeregisterloven § 10-4"
_RESERVATION = "eForvaltningsforskriften §§ 8-9; forvaltningsloven § 15 a (KRR)"
_GUIDANCE = "Forvaltningsloven § 11; NAV-loven § 14 a"
_USABILITY = "Likestillings- og diskrimineringsloven §§ 17-18; forvaltningsloven § 11"
_LANGUAGE = "Tolkeloven § 6; forvaltningsloven § 11"
_HEALTH = "GDPR art. 9; NAV-loven § 14 a; likestillings- og diskrimineringsloven § 7"
_VIEW = "NAV-loven § 15; GDPR art. 22"
_CONTACT = "NAV-loven § 14 a; forvaltningsloven § 11"
_REPLY = "Forvaltningsloven § 11 a"

# Unknown asks as much as the worst value for shielding and reservation, which fail closed;
# elsewhere for less: a talk or a dialogue, in which somebody can ask.
# name, field, values, requirement, legal basis
_BY_VALUE: tuple[tuple[str, str, tuple[str | None, ...], Requirement, str], ...] = (
    ("SHIELDED", "shielded", ("YES",), _MANUAL, _SHIELD),
    ("SHIELDING_UNKNOWN", "shielded", (UNKNOWN,), _MANUAL, _SHIELD),
    ("DIGITALLY_RESERVED", "digitally_reserved", ("YES",), _NO_DIGITAL, _RESERVATION),
    ("RESERVATION_UNKNOWN", "digitally_reserved", (UNKNOWN,), _NO_DIGITAL, _RESERVATION),
    ("MANUAL_FOLLOW_UP", "manual_follow_up", ("YES",), _NO_DIGITAL, _GUIDANCE),
    ("MANUAL_FOLLOW_UP_UNKNOWN", "manual_follow_up", (UNKNOWN,), _TALK, _GUIDANCE),
    ("NO_DIGITAL_ACCESS", "digital_access", ("NONE",), _NO_DIGITAL, _USABILITY),
    ("DIGITAL_ACCESS_UNKNOWN", "digital_access", (UNKNOWN,), _TALK, _USABILITY),
    ("NO_EID", "has_eid", ("NO",), _NO_DIGITAL, _RESERVATION),
    ("EID_UNKNOWN", "has_eid", (UNKNOWN,), _TALK, _RESERVATION),
    ("DIGITAL_NON_USER", "digital_skill", ("NON_USER",), _NO_DIGITAL, _USABILITY),
    ("WEAK_DIGITAL_SKILL", "digital_skill", ("WEAK",), _TALK, _USABILITY),
    ("DIGITAL_SKILL_UNKNOWN", "digital_skill", (UNKNOWN,), _TALK, _USABILITY),
    ("INTERPRETER", "language_support", ("INTERPRETER", "SIGN_INTERPRETER"), _TALK, _LANGUAGE),
    ("LANGUAGE_SUPPORT_UNKNOWN", "language_support", (UNKNOWN,), _DIALOGUE, _LANGUAGE),
    ("HEALTH_HINDRANCE", "health_hindrance", ("YES", "DOES_NOT_KNOW"), _TALK, _HEALTH),
    ("HEALTH_HINDRANCE_UNKNOWN", "health_hindrance", (UNKNOWN, "NOT_ASKED"), _DIALOGUE, _HEALTH),
    ("OTHER_HINDRANCE", "other_hindrance", ("YES", "DOES_NOT_KNOW"), _TALK, _HEALTH),
    ("OTHER_HINDRANCE_UNKNOWN", "other_hindrance", (UNKNOWN, "NOT_ASKED"), _DIALOGUE, _HEALTH),
    ("WANTS_GUIDANCE", "self_assessed_need", ("WANTS_GUIDANCE",), _TALK, _VIEW),
    ("SELF_ASSESSMENT_UNKNOWN", "self_assessed_need", (UNKNOWN, "NOT_ASKED"), _DIALOGUE, _VIEW),
    (
        "PREFERS_TALK",
        "channel_preference",
        ("PREFERS_REMOTE_TALK", "PREFERS_MEETING"),
        _TALK,
        _VIEW,
    ),
    ("PREFERENCE_UNKNOWN", "channel_preference", (UNKNOWN,), _DIALOGUE, _VIEW),
)


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
        Safeguard(
            name=name,
            legal_basis=basis,
            feature=field,
            slots=frozenset(features[field].slot(value) for value in values),
            requirement=requirement,
        )
        for name, field, values, requirement, basis in _BY_VALUE
    ]

    need = features["need_group"]
    # All but the one that needs least, so that a group added to the contract is guarded too.
    other_need = frozenset(range(need.slots)) - {need.slot("GOOD_OPPORTUNITIES")}
    rules.append(_rule("NEED_GROUP", need, other_need, _TALK, _GUIDANCE))

    gap = features["days_since_personal_contact"]
    rules.append(
        _rule("CONTACT_GAP", gap, {0, *_from(gap, limits.contact_gap_days)}, _TALK, _CONTACT)
    )

    for name, field, bound, requirement, basis in (
        ("REPEATED_NO_SHOWS", "no_shows_180d", limits.no_shows, _TALK, _CONTACT),
        ("UNREAD_MESSAGES", "unread_messages", limits.unread_messages, _TALK, _CONTACT),
        ("LONG_SILENCE", "days_since_user_plan_activity", limits.silence_days, _TALK, _CONTACT),
        (
            "WAITING_FOR_REPLY",
            "days_waiting_for_agency_reply",
            limits.reply_days,
            _DIALOGUE,
            _REPLY,
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
    return Safeguard(
        name=name,
        legal_basis=basis,
        feature=feature.name,
        slots=frozenset(slots),
        requirement=requirement,
    )
