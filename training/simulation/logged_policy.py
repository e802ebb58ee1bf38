"""The synthetic past: how advisers chose mixes, with exactly known probabilities.

Confounded by need and office, with exploration, overrides, and a drift towards digital half way. It
reads the recorded fields only, so that its probabilities follow from what a learner can see.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import TALK, Catalogue, Channel
from training.simulation.population import Floats, Slots, is_value

# In points of need: how much less advisers think is needed after the drift, where the heaviest mix
# of the catalogue stands, and how widely choices spread (with the long tails of a Cauchy curve:
# advisers differ, and all mixes are in use).
DRIFT = -0.6
HEAVIEST = 4.0
SPREAD = 1.0
# How many times as often a mix is chosen that has a channel as the user wishes it.
_HEEDED: tuple[tuple[str, frozenset[Channel], float], ...] = (
    ("PREFERS_MEETING", frozenset({Channel.OFFICE_MEETING}), 4.0),
    ("PREFERS_REMOTE_TALK", frozenset({Channel.PHONE, Channel.VIDEO}), 2.0),
    ("PREFERS_DIGITAL", frozenset({Channel.DIALOGUE_MESSAGE}), 2.0),
)
MORE_PERSONAL = 0.7
"""Share of overrides that choose the next more personal mix, not the next lighter one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Offices:
    """How offices differ, (offices,) each: leaning in need points, and shares of choices."""

    leaning: Floats
    exploration: Floats
    override: Floats


def draw_offices(rng: np.random.Generator, offices: int) -> Offices:
    """Draws offices: exploration 4 to 10 per cent, overrides 5 to 25 per cent."""
    return Offices(
        leaning=rng.normal(0, 0.5, offices),
        exploration=rng.uniform(0.04, 0.10, offices),
        override=rng.uniform(0.05, 0.25, offices),
    )


def mix_propensities(
    recorded: Slots,
    office: NDArray[np.int64],
    late: NDArray[np.bool_],
    offices: Offices,
    catalogue: Catalogue,
) -> Floats:
    """Gives the probability of each mix, shape (cases, mixes), rows sum to 1.

    Args:
        recorded: slots as recorded, with unknowns.
        office: office number of each case, shape (cases,).
        late: whether a case was decided after the drift, shape (cases,).
        offices: the offices' habits.
        catalogue: the mixes on offer.
    """
    need = perceived_need(recorded) + offices.leaning[office] + DRIFT * late
    places = np.linspace(0, HEAVIEST, len(catalogue.mixes))
    wanted = 1 / (1 + ((places - need[:, None]) / SPREAD) ** 2)
    for wish, channels, times in _HEEDED:
        fits = np.array([mix.has(channels) for mix in catalogue.mixes])
        wishes = is_value(recorded, "channel_preference", wish)
        wanted = np.where(wishes[:, None] & fits, times, 1.0) * wanted
    allowed = floor(recorded, catalogue)
    habit = _normalised(wanted * allowed)

    # An override at either end of the catalogue stays there.
    up = np.column_stack([np.zeros(len(habit)), habit[:, :-1]])
    up[:, -1] += habit[:, -1]
    down = np.column_stack([habit[:, 1:], np.zeros(len(habit))])
    down[:, 0] += habit[:, 0]
    moved = _normalised((MORE_PERSONAL * up + (1 - MORE_PERSONAL) * down) * allowed)

    override = offices.override[office][:, None]
    explore = offices.exploration[office][:, None]
    chosen = (1 - explore) * ((1 - override) * habit + override * moved)
    # Exploration heeds no floor, so that every mix has a known chance for every case.
    chosen += explore / len(places)

    personal = _personal_only(catalogue)
    return np.where(needs_people(recorded)[:, None], personal / personal.sum(), chosen)


def perceived_need(recorded: Slots) -> Floats:
    """Gives how much follow-up an adviser would think of, 0 to about 4, shape (cases,)."""
    guidance = is_value(recorded, "need_group", "NEEDS_GUIDANCE", "NOT_DECIDED") | (
        recorded["need_group"] == 0
    )
    reduced = is_value(recorded, "need_group", "NEEDS_GUIDANCE_REDUCED_CAPACITY", "PARTIAL_WORK")
    need: Floats = (
        0.5
        + 1.0 * guidance
        + 1.7 * reduced
        + 2.1 * is_value(recorded, "need_group", "SMALL_OPPORTUNITY")
    )

    need = need + 0.5 * is_value(recorded, "self_assessed_need", "WANTS_GUIDANCE")
    need = need + 0.5 * is_value(recorded, "channel_preference", "PREFERS_MEETING")
    need = need - 0.5 * is_value(recorded, "channel_preference", "PREFERS_DIGITAL")
    need = need + 0.5 * is_value(recorded, "health_hindrance", "YES", "DOES_NOT_KNOW")
    return need + 0.7 * is_value(recorded, "digital_skill", "WEAK")


def needs_people(recorded: Slots) -> NDArray[np.bool_]:
    """Tells whether nothing digital may be asked of a case, shape (cases,).

    Unknown reservation counts as reserved.
    """
    people: NDArray[np.bool_] = (
        is_value(recorded, "digitally_reserved", "YES")
        | (recorded["digitally_reserved"] == 0)
        | is_value(recorded, "manual_follow_up", "YES")
        | is_value(recorded, "digital_access", "NONE")
        | is_value(recorded, "has_eid", "NO")
        | is_value(recorded, "digital_skill", "NON_USER")
    )
    return people


def floor(recorded: Slots, catalogue: Catalogue) -> NDArray[np.bool_]:
    """Tells which mixes advisers would choose by themselves, shape (cases, mixes).

    With a talk where one is due.
    """
    due = (
        is_value(recorded, "digital_skill", "WEAK")
        | is_value(recorded, "language_support", "INTERPRETER", "SIGN_INTERPRETER")
        | is_value(recorded, "health_hindrance", "YES", "DOES_NOT_KNOW")
        | is_value(recorded, "self_assessed_need", "WANTS_GUIDANCE")
        | is_value(recorded, "channel_preference", "PREFERS_MEETING")
    )
    talk = np.array([mix.has(TALK) for mix in catalogue.mixes])
    allowed: NDArray[np.bool_] = ~due[:, None] | talk[None, :]
    return allowed


def _personal_only(catalogue: Catalogue) -> Floats:
    personal = np.array([not mix.digital_demand for mix in catalogue.mixes], np.float64)
    # Then the most personal that there is.
    if not personal.any():
        personal[-1] = 1.0
    return personal


def _normalised(weights: Floats) -> Floats:
    shares: Floats = weights / weights.sum(axis=1, keepdims=True)
    return shares
