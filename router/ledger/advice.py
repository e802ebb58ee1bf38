"""The ledger's headline, and what a leader can do about it now: what is said, and when."""

from __future__ import annotations

from dataclasses import dataclass

from router.ledger.account import Ledger
from router.ledger.arithmetic import Tier
from router.ledger.contacts import ChannelFigures
from router.ledger.words import Words

EVEN = 0.1
"""Unaccounted hours up to this share of those released count as used again."""
# Below this share of ended plans with reported time, the estimate stands on the catalogue alone.
MEASURED_ENOUGH = 0.6
# Advice that is nearly always followed is a rubber stamp (in Poland 0.58 %
# was overridden), advice that often is not is ignored (as in a Swiss trial).
FEW_OVERRIDES, MANY_OVERRIDES = 0.02, 0.4
# Of fewer, a share of 2 per cent is a handful of choices.
CHOICES_ENOUGH = 200
WAITING_AT_MOST = 0.1
# A leader reads the page in two minutes.
ADVICE_AT_MOST = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """What the page says first: its state colours it, never by colour alone.

    Attributes:
        state: "pass", "look" or "unknown".
        line: whether what was released was used again.
        sentences: what it rests on.
    """

    state: str
    line: str
    sentences: tuple[str, ...]


def headline(ledger: Ledger, words: Words) -> Headline:
    """Sums up a ledger in a line with its range, and one or two sentences."""
    if not ledger.cases:
        # Not told apart: that there are a few would be a figure about fewer than ten.
        return Headline(
            state="unknown",
            line=words("answer.few"),
            sentences=(words("answer.sentence_few"),),
        )

    total = ledger.total.estimated
    sentences = [
        words(
            "answer.sentence",
            cases=words.number(total.cases),
            released=words.in_hours(total.released),
            reused=words.in_hours(total.reused),
        )
    ]
    if total.reused:
        share = words.percent(priority_share(ledger))
        sentences.append(words("answer.priority", share=share))
    if unknown := ledger.tiers[Tier.UNKNOWN].estimated.reused:
        sentences.append(words("answer.unknown", hours=words.in_hours(unknown)))

    kind = balance_kind(ledger)
    low, high = ledger.left.low, ledger.left.high
    # Of what is used beyond what was released, the smaller figure is the one nearer to nothing.
    ends = (-high, -low) if kind == "over" else (low, high)
    line = words(
        f"answer.{kind}",
        hours=words.in_hours(abs(total.unaccounted)),
        low=words.hours(ends[0]),
        high=words.in_hours(ends[1]),
    )
    return Headline(
        state="pass" if kind == "even" else "look", line=line, sentences=tuple(sentences)
    )


def balance_kind(ledger: Ledger) -> str:
    """Tells whether what was released was used again.

    Returns:
        "even", also where it cannot be told which way it goes; "left", "over", or "none" when
        nothing was released.
    """
    total, left = ledger.total.estimated, ledger.left
    if not total.released and not total.reused:
        return "none"
    if abs(total.unaccounted) <= EVEN * total.released or left.low <= 0 <= left.high:
        return "even"
    return "left" if total.unaccounted > 0 else "over"


def priority_share(ledger: Ledger) -> float:
    """Gives the share of the re-used minutes that went to cases known to have priority."""
    first = sum(ledger.tiers[tier].estimated.reused for tier in (Tier.FIRST, Tier.NEXT))
    total = ledger.total.estimated.reused
    return first / total if total else 0.0


def what_to_do(ledger: Ledger, words: Words) -> tuple[str, ...]:
    """Tells what can be done now and by whom, the most pressing first, at most four things."""
    total, due = ledger.total.estimated, ledger.due
    if not ledger.cases:
        return ()
    found = []
    kind = balance_kind(ledger)
    if ledger.capacity and total.used > ledger.capacity:
        found.append(
            words(
                "advice.capacity",
                planned=words.in_hours(total.used),
                capacity=words.in_hours(ledger.capacity),
            )
        )
    # Not both: who plans more than there is has nothing left to give.
    elif kind in ("left", "over"):
        hours = words.in_hours(abs(total.unaccounted))
        found.append(words(f"advice.{kind}", hours=hours))

    # Of ended plans alone: a report that cannot be there yet is not missing.
    if due.reported < MEASURED_ENOUGH * due.reports:
        share = words.percent(due.reported, due.reports)
        found.append(words("advice.measure", share=share))

    channel = _furthest(ledger.contacts)
    if channel is not None and channel.minutes is not None and channel.catalogue is not None:
        key = "longer" if channel.minutes.value > channel.catalogue else "shorter"
        found.append(
            words(
                f"advice.{key}",
                contact=words(f"contact.{channel.channel}"),
                minutes=words.number(channel.minutes.value, 1),
                catalogue=words.number(channel.catalogue, 1),
            )
        )
    found += _about_choices(ledger, words)

    return tuple(found[:ADVICE_AT_MOST]) or (words("advice.fine"),)


def _about_choices(ledger: Ledger, words: Words) -> list[str]:
    found = []
    overrides = ledger.overrides
    if overrides is not None and overrides.cases >= CHOICES_ENOUGH:
        share = words.percent(overrides.value)
        if overrides.value < FEW_OVERRIDES:
            found.append(words("advice.rubber", share=share))
        elif overrides.value > MANY_OVERRIDES:
            found.append(words("advice.ignored", share=share))
    waiting = ledger.due.without_choice
    if waiting > WAITING_AT_MOST * ledger.cases:
        found.append(words("advice.choices", count=words.number(waiting)))
    return found


def _furthest(figures: tuple[ChannelFigures, ...]) -> ChannelFigures | None:
    """Finds the channel whose reported minutes lie furthest from the catalogue's.

    It counts only if they do so beyond their interval.
    """
    apart = [
        (abs(one.minutes.value / one.catalogue - 1), one)
        for one in figures
        if one.minutes
        and one.catalogue
        and not one.minutes.low <= one.catalogue <= one.minutes.high
    ]
    return max(apart, key=lambda pair: pair[0])[1] if apart else None
