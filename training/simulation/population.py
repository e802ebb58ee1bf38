"""Draws a synthetic population of correlated, plausible cases. It describes no real user."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import DAYS_PER_WEEK
from router.decision.contradictions import SINCE_REGISTRATION

Floats = NDArray[np.float64]
Slots = dict[str, NDArray[np.int64]]
"""Slots of every feature by name, each of shape (cases,)."""

# Share of all others who cannot hold a conversation by phone, assumed.
_CANNOT_USE_PHONE = 0.02
# Share of cases that come up as somebody registers, and for how many weeks they are new, assumed:
# offices decide on a mix most often then.
_NEW, _NEW_WEEKS = 0.4, 4


def draw_population(rng: np.random.Generator, cases: int) -> Slots:
    """Draws the true slots of cases, without unknowns; nobody is shielded.

    Two latent scores tie the fields together: closeness to work, and digital ability.
    """
    strength = rng.normal(size=cases)
    drawn: Slots = {"shielded": np.full(cases, FEATURES["shielded"].slot("NO"))}
    drawn |= _background(rng, strength)

    # After age, on which it depends. The order of draws is part of what a seed means: another order
    # draws other people.
    digital = 0.45 * strength - 0.22 * (drawn["age_band"] - 3) + 0.85 * rng.normal(size=cases)
    drawn |= _work(rng, strength)
    drawn |= _needs(rng, strength)
    drawn |= _plan(rng, strength, digital)
    drawn |= _contacts(rng, strength, digital, drawn["weeks_registered"])
    drawn |= _digital(rng, digital)
    drawn |= _safeguard_fields(rng, strength, digital)
    drawn |= _phone(rng, drawn)

    drawn |= _coherent(drawn)
    drawn |= _of_no_effect(rng, drawn, cases)
    return {name: drawn[name] for name in FEATURES.names}


def _of_no_effect(rng: np.random.Generator, drawn: Slots, cases: int) -> Slots:
    """Draws the fields that nothing above speaks of: evenly, and tied to nothing."""
    return {
        feature.name: rng.integers(1, feature.slots, cases)
        for feature in FEATURES.features
        if feature.name not in drawn
    }


def _coherent(drawn: Slots) -> Slots:
    """Gives the fields anew of which one would contradict another."""
    months = FEATURES["months_since_last_work"]
    never = is_value(drawn, "job_situation", "NEVER_WORKED")
    long_ago = is_value(drawn, "job_situation", "NOT_WORKED_2_YEARS")
    worked = is_value(drawn, "worked_6_of_last_12_months", "YES") & ~never & ~long_ago

    since = drawn[months.name]
    since = np.where(long_ago, np.maximum(since, months.slot(24)), since)
    since = np.where(worked, np.minimum(since, months.slot(6)), since)
    # Somebody registered for a week was met in that week, or never; so with all that comes after.
    weeks = drawn["weeks_registered"] - FEATURES["weeks_registered"].slot(0)
    left, none = FEATURES["benefit_weeks_left"], is_value(drawn, "benefit_type", "NO_BENEFIT")
    return {
        months.name: np.where(never, months.slot(months.upper), since),
        "worked_6_of_last_12_months": _yes("worked_6_of_last_12_months", worked),
        left.name: np.where(none, left.slot(0), drawn[left.name]),
        **{
            name: np.minimum(drawn[name], FEATURES[name].slot(0) + (weeks + 1) * DAYS_PER_WEEK)
            for name in SINCE_REGISTRATION
        },
    }


def _phone(rng: np.random.Generator, drawn: Slots) -> Slots:
    """Draws who can talk by phone: nobody who signs, and few others cannot."""
    signs = is_value(drawn, "language_support", "SIGN_INTERPRETER")
    cannot = rng.random(len(signs)) < _CANNOT_USE_PHONE
    return {"can_use_phone": _yes("can_use_phone", ~signs & ~cannot)}


def is_value(slots: Slots, name: str, *values: str) -> NDArray[np.bool_]:
    """Tells whether each case has one of the values of an enum, shape (cases,)."""
    return np.isin(slots[name], [FEATURES[name].slot(value) for value in values])


def _choose(
    rng: np.random.Generator, name: str, scores: Mapping[str, Floats | float], cases: int
) -> NDArray[np.int64]:
    # Gumbel-max: softmax sampling for all cases at once.
    feature = FEATURES[name]
    noise = rng.gumbel(size=(cases, len(scores)))
    for column, score in enumerate(scores.values()):
        noise[:, column] += score

    slots = np.array([feature.slot(value) for value in scores])
    chosen: NDArray[np.int64] = slots[noise.argmax(axis=1)]
    return chosen


def _whole(name: str, values: Floats | NDArray[np.int64]) -> NDArray[np.int64]:
    feature = FEATURES[name]
    return (
        np.clip(np.rint(values), feature.lower, feature.upper).astype(np.int64) - feature.lower + 1
    )


def _yes(name: str, truth: NDArray[np.bool_]) -> NDArray[np.int64]:
    feature = FEATURES[name]
    return np.where(truth, feature.slot("YES"), feature.slot("NO"))


def _chance(rng: np.random.Generator, logit: Floats) -> NDArray[np.bool_]:
    chance: NDArray[np.bool_] = rng.random(len(logit)) < 1 / (1 + np.exp(-logit))
    return chance


def _background(rng: np.random.Generator, s: Floats) -> Slots:
    n = len(s)
    # Scores below are logits, chosen to look plausible and to correlate; no statistics are behind
    # them.
    ages: list[Floats | float] = [0.0, 0.1, 0.5, 0.35 + 0.05 * s, 0.15, -0.5 - 0.15 * s, -4.0]
    levels = np.linspace(-3.5, 3.5, 8)
    return {
        "age_band": _choose(
            rng, "age_band", dict(zip(FEATURES["age_band"].values, ages, strict=True)), n
        ),
        "education_level": _choose(
            rng,
            "education_level",
            {
                value: -0.5 * ((level - 0.9 * s) / 1.6) ** 2
                for value, level in zip(FEATURES["education_level"].values, levels, strict=True)
            },
            n,
        ),
        "education_recognised": _yes("education_recognised", _chance(rng, 2.0 + 0.4 * s)),
        "travel_minutes_band": _choose(
            rng, "travel_minutes_band", {"UNDER_20": 1.0, "20_TO_60": 0.5, "OVER_60": -0.8}, n
        ),
        "unemployed_per_100_vacancies": _whole(
            "unemployed_per_100_vacancies", np.exp(rng.normal(5.2, 0.45, n))
        ),
    }


def _work(rng: np.random.Generator, s: Floats) -> Slots:
    n = len(s)
    months = rng.exponential(np.exp(2.1 - 0.8 * s))
    registered = np.where(
        rng.random(n) < _NEW,
        rng.uniform(0, _NEW_WEEKS, n),
        rng.exponential(np.exp(3.0 - 0.35 * s)),
    )
    long_ago = months > 24

    situations: dict[str, Floats | float] = dict.fromkeys(FEATURES["job_situation"].values, -0.5)
    situations |= {
        "DISMISSED": 0.8,
        "LAID_OFF_TEMPORARILY": 0.5 * s,
        "RESIGNED": 0.0,
        "TEMPORARY_JOB": 0.3 * s,
    }
    situations |= {
        "NEVER_WORKED": -1.0 - 1.2 * s,
        "NOT_WORKED_2_YEARS": np.where(long_ago, 3.0, -4.0),
    }

    benefits: dict[str, Floats | float] = dict.fromkeys(FEATURES["benefit_type"].values, -1.2)
    benefits |= {
        "UNEMPLOYMENT": 1.2 + 0.6 * s,
        "WORK_ASSESSMENT_ALLOWANCE": 0.6 - 0.9 * s,
        "NO_BENEFIT": 0.2,
    }
    benefits |= {"TEMPORARY_LAYOFF": -0.8 + 0.5 * s, "SOCIAL_ASSISTANCE": -0.5 - 0.7 * s}

    return {
        "job_situation": _choose(rng, "job_situation", situations, n),
        "months_since_last_work": _whole("months_since_last_work", months),
        "worked_6_of_last_12_months": _yes(
            "worked_6_of_last_12_months", _chance(rng, 1.2 - 0.25 * months)
        ),
        "weeks_registered": _whole("weeks_registered", registered),
        "benefit_type": _choose(rng, "benefit_type", benefits, n),
        # Time registered uses benefit up.
        "benefit_weeks_left": _whole(
            "benefit_weeks_left", np.maximum(0, rng.normal(70, 30, n) - registered / 2)
        ),
    }


def _needs(rng: np.random.Generator, s: Floats) -> Slots:
    n = len(s)
    groups: dict[str, Floats | float] = {
        "GOOD_OPPORTUNITIES": 1.0 + 1.5 * s,
        "NEEDS_GUIDANCE": 0.9,
        "NEEDS_GUIDANCE_REDUCED_CAPACITY": 0.1 - 1.0 * s,
        "PARTIAL_WORK": -1.0 - 0.9 * s,
        "SMALL_OPPORTUNITY": -1.6 - 1.5 * s,
        "NOT_DECIDED": -0.6,
    }
    weeks = rng.exponential(np.exp(2.6 - 0.4 * s))
    return {
        "need_group": _choose(rng, "need_group", groups, n),
        "main_goal": _choose(rng, "main_goal", {"GET_WORK": 1.5, "KEEP_WORK": 0.0}, n),
        "self_assessed_need": _choose(
            rng,
            "self_assessed_need",
            {"CAN_MANAGE": 0.6 + 0.5 * s, "WANTS_GUIDANCE": -0.2 * s, "NOT_ASKED": -0.8},
            n,
        ),
        "expected_weeks_to_job": _whole("expected_weeks_to_job", weeks),
    }


def _plan(rng: np.random.Generator, s: Floats, digital: Floats) -> Slots:
    n = len(s)
    # A goal of the user's own can only be where there is a goal.
    has_goal = _chance(rng, 0.9 + 0.4 * s)
    return {
        "applications_4w": _whole("applications_4w", rng.poisson(np.exp(1.2 + 0.35 * s))),
        "plan_has_goal": _yes("plan_has_goal", has_goal),
        "goal_by_user": _yes("goal_by_user", has_goal & _chance(rng, 0.3 + 0.5 * digital)),
        "plan_activities_active": _whole(
            "plan_activities_active", rng.poisson(np.exp(0.9 + 0.2 * s))
        ),
        "plan_activities_overdue": _whole(
            "plan_activities_overdue", rng.poisson(np.exp(-0.4 - 0.3 * s))
        ),
        "plan_user_created_percent": _whole(
            "plan_user_created_percent", rng.normal(45 + 18 * digital, 20, n)
        ),
    }


def _contacts(
    rng: np.random.Generator, s: Floats, digital: Floats, registered: NDArray[np.int64]
) -> Slots:
    n = len(s)
    # Of 90 days, the share in which there could be a contact.
    weeks = registered - FEATURES["weeks_registered"].slot(0)
    share = np.minimum(1.0, (weeks + 1) * DAYS_PER_WEEK / 90)
    talks = {
        name: rng.poisson(share * np.exp(mean - 0.25 * s))
        for name, mean in (
            ("phone_talks_90d", -0.7),
            ("video_talks_90d", -1.6),
            ("office_talks_90d", -1.1),
        )
    }

    # Whoever had a talk in the last 90 days had contact within them, and nobody else had; of who is
    # new, registration itself counts: see `_coherent`.
    recent = sum(talks.values()) > 0
    days = np.where(recent, rng.uniform(0, 90, n), 90 + rng.exponential(110, n))

    preferences: dict[str, Floats | float] = {
        "PREFERS_DIGITAL": 0.2 + 0.6 * digital,
        "PREFERS_REMOTE_TALK": 0.0,
        "PREFERS_MEETING": -0.1 - 0.4 * digital,
        "NO_PREFERENCE": 0.3,
    }

    return {
        "messages_90d": _whole("messages_90d", rng.poisson(share * np.exp(0.8 + 0.3 * digital))),
        **{name: _whole(name, counts) for name, counts in talks.items()},
        "days_since_personal_contact": _whole("days_since_personal_contact", days),
        "channel_preference": _choose(rng, "channel_preference", preferences, n),
        "channel_preference_strength": _whole("channel_preference_strength", rng.integers(1, 4, n)),
    }


def _digital(rng: np.random.Generator, digital: Floats) -> Slots:
    n = len(digital)
    skill: dict[str, Floats | float] = {
        "NON_USER": -4.2 - 1.3 * digital,
        "WEAK": -0.9 - 0.9 * digital,
        "OK": 1.0,
        "STRONG": 0.4 + 1.0 * digital,
    }
    return {
        "digital_skill": _choose(rng, "digital_skill", skill, n),
        "digital_access": _choose(
            rng, "digital_access", {"NONE": -5.0 - digital, "PHONE_ONLY": -1.5, "FULL": 0.8}, n
        ),
        "has_eid": _yes("has_eid", _chance(rng, 5.0 + 0.8 * digital)),
        "digitally_reserved": _yes("digitally_reserved", _chance(rng, -5.2 - 0.8 * digital)),
        "manual_follow_up": _yes("manual_follow_up", _chance(rng, -5.2 - 0.5 * digital)),
    }


def _safeguard_fields(rng: np.random.Generator, s: Floats, digital: Floats) -> Slots:
    n = len(s)
    health: dict[str, Floats | float] = {
        "YES": -0.9 - 0.9 * s,
        "NO": 1.0 + 0.4 * s,
        "DOES_NOT_KNOW": -1.6,
        "NOT_ASKED": -1.3,
    }
    other: dict[str, Floats | float] = {
        "YES": -1.3 - 0.6 * s,
        "NO": 1.2,
        "DOES_NOT_KNOW": -1.8,
        "NOT_ASKED": -1.3,
    }
    language: dict[str, Floats | float] = {
        "NONE": 2.6,
        "PLAIN_LANGUAGE": -0.2 * s,
        "INTERPRETER": -0.8 - 0.4 * s,
        "SIGN_INTERPRETER": -4.5,
    }
    return {
        "health_hindrance": _choose(rng, "health_hindrance", health, n),
        "other_hindrance": _choose(rng, "other_hindrance", other, n),
        "language_support": _choose(rng, "language_support", language, n),
        "no_shows_180d": _whole("no_shows_180d", rng.poisson(np.exp(-1.3 - 0.4 * s))),
        "unread_messages": _whole("unread_messages", rng.poisson(np.exp(-0.4 - 0.5 * digital))),
        "days_since_user_plan_activity": _whole(
            "days_since_user_plan_activity", rng.exponential(np.exp(2.9 - 0.4 * digital))
        ),
        "days_waiting_for_agency_reply": _whole(
            "days_waiting_for_agency_reply", rng.exponential(3.0, n)
        ),
    }
