"""Whether the advice helps, what that is worth, and whether departing from it helps, in words.

The first is measured against the control group; the second stands beside the estimates; the third
is measured where a lottery chose between the adviser's own view and the model's best.
"""

from __future__ import annotations

from typing import NamedTuple

from router.ledger.benefit import Benefit, Measured, Source
from router.ledger.overrides import ENOUGH as ENOUGH_VIEWED
from router.ledger.overrides import Overrides, Place, Side
from router.ledger.sequences import Effect
from router.ledger.shown import ENOUGH, MINUTE_DIGITS, OUTCOME_DIGITS, Shown
from router.ledger.words import Words

_POINTS = 100
_POINT_DIGITS = OUTCOME_DIGITS - 2


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


def helps(shown: Shown, words: Words) -> Helps:
    """Tells whether the advice helps; no figure where it cannot be said.

    Args:
        shown: of the offices that the page is about.
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
    rows = [_row(words("helps.of_outcome"), effect, _POINTS, words, _POINT_DIGITS)]
    rows += [
        _row(words("helps.of_tier", tier=words.tier(name)), one, _POINTS, words, _POINT_DIGITS)
        for name, one in shown.groups.items()
    ]
    # With the sign of the minutes: below nothing is time that the advice saves.
    rows.append(_row(words("helps.of_minutes"), shown.minutes, 1, words, MINUTE_DIGITS))
    return Helps(tuple(sentences), tuple(rows))


def gains(found: Benefit, words: Words) -> Helps:
    """Tells what the advice shown in the period is worth, estimated and measured side by side.

    Hours are told as those that are freed, as everywhere on the page.

    Args:
        found: of the offices that the page is about, of its period.
        words: of the page's language.
    """
    if found.lack is not None:
        return Helps((words(f"gains.{found.lack}"),), ())
    sentences = (
        words("gains.intro", cases=words.number(found.cases)),
        words(f"gains.{_whose(found)}"),
        words("gains.apart"),
    )
    rows = (
        _estimated("users", found.users_by_model, words),
        _measured("users", found.users, words),
        _estimated("hours", found.minutes_by_catalogue, words),
        _measured("hours", found.minutes, words),
    )
    return Helps(sentences, rows)


def _whose(found: Benefit) -> str:
    if found.source is Source.OWN:
        return "own"
    return "all_for_small" if found.own_drawn else "all_for_none"


def _estimated(what: str, value: float | None, words: Words) -> Row:
    told = words("gains.few_row") if value is None else _in_unit(what, value, words)
    return Row(words(f"gains.{what}_estimated"), told, "\u2013", words("gains.estimated"))


def _measured(what: str, sum_: Measured | None, words: Words) -> Row:
    name = words(f"gains.{what}_measured")
    if sum_ is None:
        return Row(name, words("gains.few_row"), "\u2013", "\u2013")
    value, *ends = (_in_unit(what, end, words) for end in sum_)
    low, high = reversed(ends) if what == "hours" else ends
    return Row(name, value, words("interval", low=low, high=high), words("gains.measured"))


def _in_unit(what: str, value: float, words: Words) -> str:
    # Minutes more are minutes that are not freed.
    return words.hours(-value) if what == "hours" else words.number(value)


def departs(found: Overrides, words: Words) -> Helps:
    """Tells whether it helps to depart from the advice; no figure where it cannot be said.

    Args:
        found: of the offices that the page is about.
        words: of the page's language.
    """
    if not found.drawn:
        return Helps((words("overrides.none"),), ())
    counts = {
        "viewed": found.viewed,
        "same": found.places[Place.SAME.name],
        "drawn": found.drawn,
        "elsewhere": found.places[Place.ELSEWHERE.name],
    }
    intro = words("overrides.intro", **{name: words.number(one) for name, one in counts.items()})
    rest = (intro, words("overrides.by_reason"))
    reasons = tuple(
        Row(
            words("overrides.reason", reason=words(f"overrides.reasons.{name}")),
            words("overrides.unsaid"),
            "\u2013",
            words.number(count),
        )
        for name, count in found.reasons.items()
    )
    if found.uneven:
        return Helps((words("overrides.uneven"), *rest), reasons)
    effect, own, best = found.outcome, found.own, found.best
    if effect is None or own is None or best is None:
        few = words("overrides.few", enough=words.number(ENOUGH_VIEWED))
        return Helps((few, *rest), reasons)
    key = {1: "own", -1: "best", 0: "unclear"}[effect.sign]
    value, low, high = (words.number(_POINTS * end, 1) for end in _ends(effect))
    sides = {"own": words.number(effect.shown), "best": words.number(effect.control)}
    rows = (
        Row(
            words("overrides.of_outcome"),
            value,
            words("interval", low=low, high=high),
            words("overrides.both", **sides),
        ),
        *(
            _side(f"overrides.reached_{name}", one, words)
            for name, one in (("own", own), ("best", best))
        ),
        *(
            Row(
                words(f"overrides.followed_{name}"),
                words.percent(one.followed),
                "\u2013",
                sides[name],
            )
            for name, one in (("own", own), ("best", best))
            if one.followed is not None
        ),
    )
    said = (words(f"overrides.{key}"), intro, words("overrides.choices"), rest[1])
    return Helps(said, rows + reasons)


def _side(key: str, side: Side, words: Words) -> Row:
    value, low, high = (words.percent(end) for end in _ends(side.reached))
    return Row(
        words(key),
        value,
        words("interval", low=low, high=high),
        words.number(side.reached.shown),
    )


def _ends(effect: Effect) -> tuple[float, float, float]:
    return effect.value, effect.low, effect.high


def _row(what: str, one: Effect | None, times: float, words: Words, digits: int) -> Row:
    if one is None:
        return Row(what, words("helps.few_row"), "\u2013", words("helps.measured"))
    value, low, high = (words.number(times * end, digits) for end in _ends(one))
    ends = words("interval", low=low, high=high)
    return Row(what, value, ends, words("helps.measured"))
