"""Which parts of a decision are told to whom: what carries it, and what speaks against it.

A part under half a percentage point is no reason. What is unknown never is one; age, needs and
benefits never are to a user. They count as "other information in the case", so that what is told
still carries the decision.
"""

from __future__ import annotations

from typing import NamedTuple

from router.cases.features import FEATURES
from router.decision.explain import Explanation
from router.decision.safeguards import Safeguard
from router.texts import TOLD_FROM, Reader, Texts

REASONS_AT_MOST = 4
"""Reasons for the mix; an adviser reads as many against it at most as stand for it."""
# What is told carries at least this share of the difference, if so few parts can.
_CARRIES = 0.5
AVERAGE, FEATURE, MINUTES, WEIGHT = "AVERAGE", "FEATURE", "MINUTES", "WEIGHT"
OTHER, SAFEGUARD, NEAR_EQUAL = "OTHER", "SAFEGUARD", "NEAR_EQUAL"
# From so many outcome points on, the other mix does not help "about as much".
_HELPS_MORE = 0.01
# Fields of which nothing is said to the user, also where a safeguard reads them.
_NOT_TO_USERS = frozenset({"shielded", "need_group", "health_hindrance", "other_hindrance"})
BEHIND_A_LOGIN = frozenset(
    {
        "plan_has_goal",
        "goal_by_user",
        "plan_activities_active",
        "plan_activities_overdue",
        "plan_user_created_percent",
        "messages_90d",
    }
)
"""Fields of what a user does in digital services: no word of them to who cannot use those."""


class Told(NamedTuple):
    """A part that is told.

    Attributes:
        kind: AVERAGE, FEATURE, MINUTES, WEIGHT, OTHER, SAFEGUARD or NEAR_EQUAL.
        column: of the field; None if it is of none.
        slot: of the field.
        points: outcome points; below 0 it speaks against the mix.
    """

    kind: str
    column: int | None
    slot: int
    points: float


def told_of(
    explanation: Explanation,
    *,
    reader: Reader,
    words: Texts,
    effects_vary: bool,
    lifted: bool,
    digital: bool = True,
) -> list[Told]:
    """Chooses what is told of a decision, the weightiest first, what speaks against it last.

    Args:
        explanation: of the decision.
        reader: who reads it.
        words: the texts, which say what is told to whom.
        effects_vary: whether there is evidence that mixes help one person more than another;
            without it what helps most people on average is the one reason that an effect is.
        lifted: whether a safeguard lifted the mix above the one worth most.
        digital: whether the user can use digital services.
    """
    if explanation.other is None or lifted:
        return [Told(SAFEGUARD, None, 0, 0.0)]
    difference = explanation.difference
    parts = (
        _tellable(explanation, reader, words, digital=digital)
        if effects_vary
        else _on_average(explanation)
    )
    support = sorted((one for one in parts if one.points > 0), key=lambda one: -one.points)
    # Nothing at all stands for a mix that is worth as much as another to the last bit.
    if not support or support[0].points < TOLD_FROM:
        return [Told(NEAR_EQUAL, None, 0, difference)]

    # A user reads nothing against it.
    against = [] if reader is Reader.USER else _against(parts)
    carrying, carried, told = [], 0.0, 0.0  # `told` is less what is told against it.
    for number, one in enumerate(support[:REASONS_AT_MOST], 1):
        # All that is left is small, and what carries the decision is told.
        if one.points < TOLD_FROM and carried >= _CARRIES * difference and told > 0:
            break
        carrying.append(one)
        carried += one.points
        told = carried + sum(other.points for other in against[:number])
        # What is told for it must outweigh what is told against it: the sum is the reader's check.
        if carried >= difference and told > 0:
            break
    return carrying + against[: len(carrying)]


def _against(parts: list[Told]) -> list[Told]:
    """Gives what speaks against the mix, the weightiest first."""
    return sorted((one for one in parts if one.points <= -TOLD_FROM), key=lambda one: one.points)


def is_told(rule: Safeguard, reader: Reader) -> bool:
    """Tells whether a reader hears of a safeguard's fact."""
    return reader is Reader.ADVISER or rule.feature not in _NOT_TO_USERS


def minutes_told(explanation: Explanation) -> str:
    """Names the text by which a user hears that a mix takes less of the adviser's time.

    It helps about as much as the other, or more, or less but not so much less: by what the adviser
    reads of it. That both are worth about the same, with the price of the minutes, says nothing of
    how much they help.
    """
    effect = explanation.effect
    if effect >= _HELPS_MORE:
        return "MINUTES_TOO"
    return "MINUTES_OVER_EFFECT" if effect <= -_HELPS_MORE else "MINUTES"


def _on_average(explanation: Explanation) -> list[Told]:
    """Gives what helps most people on average, which is all of the effect that there is proof of.

    Where that speaks against the mix, the price of the minutes decided.
    """
    average = Told(AVERAGE, None, 0, explanation.effect)
    return [average] if average.points >= TOLD_FROM else [average, *_price_of(explanation)]


def _price_of(explanation: Explanation) -> list[Told]:
    return [
        Told(MINUTES, None, 0, explanation.minutes),
        Told(WEIGHT, None, 0, explanation.weight),
    ]


def _tellable(
    explanation: Explanation, reader: Reader, words: Texts, *, digital: bool
) -> list[Told]:
    found = [Told(AVERAGE, None, 0, explanation.average), *_price_of(explanation)]
    others = 0.0
    for column, slot, points in explanation.fields:
        # Many small ones may carry together what none of them carries alone.
        if abs(points) < TOLD_FROM:
            others += points
            continue
        feature = FEATURES.features[column]
        # "Other" of an enum is nothing that anybody could check.
        vague = feature.value(slot) == "OTHER"
        hidden = reader is Reader.USER and not digital and feature.name in BEHIND_A_LOGIN
        if vague or hidden or not words.is_told(reader, feature, slot):
            others += points
        else:
            found.append(Told(FEATURE, column, slot, points))
    return [*found, Told(OTHER, None, 0, others)]
