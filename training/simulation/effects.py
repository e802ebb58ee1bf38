"""What each mix is worth for each synthetic case: published effect sizes on the logit scale.

Sources: UWV/SEO 2017-18 (first talk, and when it comes), Denmark 2008 (doses), IFAU 2019:27
(distance), Vehkasalo 2020 (online instead of the office). Effects are small on purpose: that is
what the trials found.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import DAYS_PER_WEEK, TALK, Catalogue, Channel, Mix
from training.simulation.population import Floats, Slots, is_value

# Logit that the first to the fourth talk add; no trial tells what a fifth would.
DOSES = (0.09, 0.06, 0.04, 0.03)
DISTANCE_WITH_RELATION = {Channel.PHONE: 0.9, Channel.VIDEO: 0.95, Channel.OFFICE_MEETING: 1.0}
DISTANCE_WITHOUT_RELATION = {Channel.PHONE: 0.7, Channel.VIDEO: 0.7, Channel.OFFICE_MEETING: 1.0}
"""A talk's effect against an office talk; the figure without a relation is assumed."""
NO_CONTACT = -0.10
OWN_GOAL_AND_MEETING = 0.05
DIGITAL_ONLY_WEAK_SKILL = -0.25
# Factors on talks: within 8 weeks of registration and after 26; for whom they help most and least.
EARLY, LATE = 1.3, 0.7
RESPONSIVE, UNRESPONSIVE = 1.4, 0.6
# Months out of work beyond which more change nothing, assumed: who never worked counts as many.
LONGEST_AWAY = 24
# Logits: with digital follow-up alone 0.63 of strong groups reach their goal, 0.16 to 0.35 of weak
# ones.
_BASE = {
    "GOOD_OPPORTUNITIES": 0.53,
    "NEEDS_GUIDANCE": -0.60,
    "NEEDS_GUIDANCE_REDUCED_CAPACITY": -0.85,
    "PARTIAL_WORK": -0.95,
    "SMALL_OPPORTUNITY": -1.65,
    "NOT_DECIDED": -0.30,
}


def mix_values(slots: Slots, catalogue: Catalogue) -> Floats:
    """Gives the chance that the goal is reached under each mix, shape (cases, mixes)."""
    logit = digital_logit(slots)[:, None] + mix_effects(slots, catalogue)
    values: Floats = 1 / (1 + np.exp(-logit))
    return values


def digital_logit(slots: Slots) -> Floats:
    """Gives the logit of reaching the goal with digital follow-up only, shape (cases,).

    Before what removing contact costs.
    """
    groups = np.array([0.0, *(_BASE[value] for value in FEATURES["need_group"].values)])
    # Terms are about 0 for the average case, so that groups keep their published rates.
    logit: Floats = groups[slots["need_group"]]

    logit = logit - 0.30 * is_value(slots, "age_band", "60_66", "OVER_66")
    logit = logit + 0.10 * (slots["education_level"] - 4)
    months = np.minimum(_integer(slots, "months_since_last_work"), LONGEST_AWAY)
    logit = logit - 0.22 * (np.log1p(months) - 1.9)
    logit = logit + 0.30 * (is_value(slots, "worked_6_of_last_12_months", "YES") - 0.5)
    logit = logit - 0.015 * (_integer(slots, "expected_weeks_to_job") - 14)
    logit = logit + 0.05 * (np.minimum(_integer(slots, "applications_4w"), 12) - 3.5)
    logit = logit - 0.30 * (np.log(_integer(slots, "unemployed_per_100_vacancies")) - 5.2)
    return logit - 0.40 * is_value(slots, "health_hindrance", "YES")


def mix_effects(slots: Slots, catalogue: Catalogue) -> Floats:
    """Gives what each mix adds to the logit, shape (cases, mixes)."""
    return np.column_stack([_effect(slots, mix) for mix in catalogue.mixes])


def _effect(slots: Slots, mix: Mix) -> Floats:
    talks = first_talks(mix)
    # Not strict: a mix may have fewer talks than there are doses.
    with_relation = sum(
        dose * DISTANCE_WITH_RELATION[talk] for dose, talk in zip(DOSES, talks, strict=False)
    )
    without = sum(
        dose * DISTANCE_WITHOUT_RELATION[talk] for dose, talk in zip(DOSES, talks, strict=False)
    )

    effect: Floats = (
        np.where(has_relation(slots), with_relation, without) * timing(slots) * response(slots)
    )

    if mix.has(frozenset({Channel.OFFICE_MEETING, Channel.VIDEO})):
        effect = effect + OWN_GOAL_AND_MEETING * is_value(slots, "goal_by_user", "YES")
    if not mix.has(TALK | {Channel.DIALOGUE_MESSAGE}):
        effect = effect + NO_CONTACT
    if not mix.has(TALK):
        effect = effect + DIGITAL_ONLY_WEAK_SKILL * is_value(
            slots, "digital_skill", "WEAK", "NON_USER"
        )
    return effect


def first_talks(mix: Mix) -> tuple[Channel, ...]:
    """Lists the channels of a mix's talks in order of time, at most as many as doses."""
    days = [
        ((element.first_week - 1) * DAYS_PER_WEEK + contact * element.every_n_days, element.channel)
        for element in mix.elements
        if element.channel in TALK
        for contact in range(element.contacts(mix.weeks))
    ]
    return tuple(channel for _, channel in sorted(days, key=lambda talk: talk[0])[: len(DOSES)])


def has_relation(slots: Slots) -> NDArray[np.bool_]:
    """Tells whether a case had any talk in the last 90 days, shape (cases,)."""
    talks = [
        _integer(slots, name) for name in ("phone_talks_90d", "video_talks_90d", "office_talks_90d")
    ]
    relation: NDArray[np.bool_] = np.sum(talks, axis=0) > 0
    return relation


def timing(slots: Slots) -> Floats:
    """Gives the talks' factor for how long the user has been registered, shape (cases,)."""
    weeks = _integer(slots, "weeks_registered")
    return np.select([weeks < 8, weeks > 26], [EARLY, LATE], 1.0)


def response(slots: Slots) -> Floats:
    """Gives the talks' factor for age and for barriers that can be changed, shape (cases,).

    A plan without a goal stands for a changeable barrier (assumed).
    """
    little = is_value(slots, "age_band", "60_66", "OVER_66") | is_value(
        slots, "need_group", "SMALL_OPPORTUNITY"
    )
    much = is_value(slots, "age_band", "18_24", "25_29") | is_value(slots, "plan_has_goal", "NO")
    return np.select([little, much], [UNRESPONSIVE, RESPONSIVE], 1.0)


def _integer(slots: Slots, name: str) -> NDArray[np.int64]:
    return slots[name] - 1 + FEATURES[name].lower
