"""What each mix is worth for each synthetic case: the effects of a world on the logit scale."""

from __future__ import annotations

from functools import reduce

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.decision.catalogue import DAYS_PER_WEEK, TALK, Catalogue, Channel, Mix
from training.simulation.population import Floats, Slots, is_value
from training.simulation.worlds import DEFAULT, Term, Who, World

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


def mix_values(slots: Slots, catalogue: Catalogue, world: World = DEFAULT) -> Floats:
    """Gives the chance that the goal is reached under each mix, shape (cases, mixes)."""
    logit = digital_logit(slots)[:, None] + mix_effects(slots, catalogue, world)
    values: Floats = 1 / (1 + np.exp(-logit))
    if world.differing:
        return values
    # Mean of the case plus mean of the mix: nothing is left that differs between cases.
    flat = values.mean(axis=1, keepdims=True) + values.mean(axis=0) - values.mean()
    clipped: Floats = np.clip(flat, 0.0, 1.0)
    return clipped


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


def mix_effects(slots: Slots, catalogue: Catalogue, world: World = DEFAULT) -> Floats:
    """Gives what each mix adds to the logit, shape (cases, mixes)."""
    near = has_relation(slots)
    factor = _factor(slots, world)
    added = [(term, _all(slots, term.who)) for term in world.terms]

    effects = []
    for mix in catalogue.mixes:
        worth = (_talks(mix, world.doses, one) for one in (world.near, world.far))
        terms = sum(term.logit * who for term, who in added if _is_of(mix, term))
        effects.append(np.where(near, *worth) * factor + terms)
    return np.column_stack(effects)


def _talks(mix: Mix, doses: tuple[float, ...], worth: dict[Channel, float]) -> float:
    # Not strict: a mix may have fewer talks than there are doses, or more.
    return sum(dose * worth[talk] for dose, talk in zip(doses, talks_of(mix), strict=False))


def _factor(slots: Slots, world: World) -> Floats:
    """Gives how many times as much talks add, shape (cases,)."""
    product = np.ones(len(slots["shielded"]))
    for group in world.factors:
        who = [_all(slots, one.who) for one in group]
        product = product * np.select(who, [one.times for one in group], 1.0)
    return product


def _all(slots: Slots, who: tuple[Who, ...]) -> NDArray[np.bool_]:
    everybody = np.ones(len(slots["shielded"]), np.bool_)
    return reduce(np.logical_and, (one.are(slots) for one in who), everybody)


def _is_of(mix: Mix, term: Term) -> bool:
    """Tells whether a term speaks of a mix."""
    has = not term.has or mix.has(term.has)
    lacks = not (term.lacks and mix.has(term.lacks))
    return has and lacks and len(talks_of(mix)) >= term.talks


def talks_of(mix: Mix) -> tuple[Channel, ...]:
    """Lists the channels of a mix's talks in order of time."""
    days = [
        ((element.first_week - 1) * DAYS_PER_WEEK + contact * element.every_n_days, element.channel)
        for element in mix.elements
        if element.channel in TALK
        for contact in range(element.contacts(mix.weeks))
    ]
    return tuple(channel for _, channel in sorted(days, key=lambda talk: talk[0]))


def has_relation(slots: Slots) -> NDArray[np.bool_]:
    """Tells whether a case had any talk in the last 90 days, shape (cases,)."""
    held = [
        _integer(slots, name) for name in ("phone_talks_90d", "video_talks_90d", "office_talks_90d")
    ]
    relation: NDArray[np.bool_] = np.sum(held, axis=0) > 0
    return relation


def _integer(slots: Slots, name: str) -> NDArray[np.int64]:
    return slots[name] - 1 + FEATURES[name].lower
