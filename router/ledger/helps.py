"""Whether the advice helps, in words: measured against the control group, beside the estimate."""

from __future__ import annotations

from typing import NamedTuple

from router.ledger.account import Ledger
from router.ledger.sequences import Effect
from router.ledger.shown import ENOUGH, Shown
from router.ledger.words import Words

_POINTS = 100
_HOUR = 60


class Row(NamedTuple):
    """What is compared, the difference, its range, and what it rests on."""

    what: str
    value: str
    range: str
    basis: str


class Helps(NamedTuple):
    """What is said of whether the advice helps, and its figures."""

    sentences: tuple[str, ...]
    rows: tuple[Row, ...]


def helps(shown: Shown, ledger: Ledger, words: Words) -> Helps:
    """Tells whether the advice helps; no figure where it cannot be said.

    Hours stand twice, and are never mixed: measured, the minutes by which cases that were shown
    the advice differ, times those cases; estimated, what the plans of the period take less than
    by the office's earlier practice.

    Args:
        shown: of the same offices as the ledger.
        ledger: of the period.
        words: of the page's language.
    """
    effect = shown.outcome
    if not shown.drawn:
        return Helps((words("helps.none"),), ())
    if shown.uneven:
        return Helps((words("helps.uneven"),), ())
    if effect is None:
        return Helps((words("helps.few", enough=words.number(ENOUGH)),), ())
    key = {1: "help", -1: "harm", 0: "unclear"}[effect.sign]
    sentences = [words(f"helps.{key}")]
    sentences += [words("helps.harmed", tier=words.tier(name)) for name in shown.harmed]
    counts = {"shown": words.number(shown.shown), "control": words.number(shown.control)}
    sentences.append(words("helps.intro", **counts))
    rows = [_row(words("helps.of_outcome"), effect, _POINTS, words, 1)]
    rows += [
        _row(words("helps.of_tier", tier=words.tier(name)), one, _POINTS, words, 1)
        for name, one in shown.groups.items()
    ]
    rows.append(_row(words("helps.of_minutes"), shown.minutes, 1, words, 0))
    # With the sign of the minutes: below nothing is time that the advice saves.
    rows.append(_row(words("helps.of_hours"), shown.minutes, shown.shown / _HOUR, words, 0))
    ends = words("interval", low=words.hours(-ledger.left.high), high=words.hours(-ledger.left.low))
    estimated = words.hours(-ledger.left.value)
    rows.append(Row(words("helps.of_practice"), estimated, ends, words("helps.estimated")))
    return Helps(tuple(sentences), tuple(rows))


def _row(what: str, one: Effect | None, times: float, words: Words, digits: int) -> Row:
    if one is None:
        return Row(what, words("helps.few_row"), "\u2013", words("helps.measured"))
    value, low, high = (words.number(times * end, digits) for end in (one.value, one.low, one.high))
    ends = words("interval", low=low, high=high)
    return Row(what, value, ends, words("helps.measured"))
