"""Do overrides help? The adviser's own view against the advice, where a lottery chose between them.

Of some plain advice the adviser says first which mix would be right, before the advice is revealed
(`[disclosure] after_own_view`). Where the mix advised is drawn too (`[exploration]`), neither
adviser nor user had a hand in whether the own view or the model's best was advised. So whatever
differs then, beyond chance, is what it does to advise the one or the other; adviser and user still
choose as they will (ADR 37). It cannot be told of cases whose own view could not be drawn, nor by
the reason of an override: that comes after the advice.

What is told is told of tens (ADR 30, 35), in a release of its own. Nothing tells who an adviser is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from enum import IntEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.decision.explore import near_best
from router.files.shelf import Packed
from router.journal.feedback import Choice, ChoiceReason
from router.journal.recommendation import AFTER_OWN_VIEW, Reading, Unpacked
from router.journal.standing import NOTHING, Standing
from router.ledger.arithmetic import Flags, Floats, Whole, added
from router.ledger.by_case import ByCase
from router.ledger.entries import EPOCH, Names
from router.ledger.reading import are_plain
from router.ledger.sequences import Arm, Effect, arm_sums, contrast, reach
from router.ledger.shown import DAY, FOLLOWED_DAYS, outcomes_in_time
from router.ledger.tens import MEAN_OF, TEN, Carriers, days_full, like_all

ENOUGH = 150
"""Cases with an outcome that each side needs: their spread is told by means of ten."""
REASONS = tuple(ChoiceReason)
"""Why a choice is what it is, as `Viewed.reason` numbers it."""
UNTOLD = -1
"""Of a case whose choice is not known."""


class Place(IntEnum):
    """Where the own view lies against the advice.

    SAME: it is the mix that the model holds to be worth most. ELSEWHERE: another one, and no
    lottery could have advised both. Else one could, and what was drawn is OWN, the own view; BEST,
    the one that the model holds to be worth most; or OTHER.
    """

    SAME = 0
    ELSEWHERE = 1
    OWN = 2
    BEST = 3
    OTHER = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class Viewed:
    """Cases whose adviser told an own view before the advice: n, in order of their advice.

    Attributes:
        office: (n,) reference.
        day: (n,) days since 1970-01-01 (UTC) of the advice.
        place: (n,) `Place`.
        weight: (n,) one over the chance with which the mix advised was drawn.
        expected: (n,) outcome that the model's best was expected to have, before the draw.
        outcome: (n,) 0 to 1; NaN where none was seen in time.
        followed: (n,) 1 where the mix advised was chosen, 0 where another was, UNTOLD.
        reason: (n,) why another was, a place in `REASONS`; UNTOLD where none was.
    """

    office: Names
    day: Whole
    place: Whole
    weight: Floats
    expected: Floats
    outcome: Floats
    followed: Whole
    reason: Whole

    def __len__(self) -> int:
        """Counts them."""
        return len(self.day)

    def where(self, which: Flags | NDArray[np.intp]) -> Viewed:
        """Picks some, by flags of shape (n,) or by places."""
        return Viewed(**{one.name: getattr(self, one.name)[which] for one in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Side:
    """What came of advising the own view, or the model's best, in cases where they differ.

    Attributes:
        reached: mean outcome, with the ends of its sequence; `shown` are all cases that it is of,
            and `control` those of them that were advised so.
        followed: share of choices that are what was advised; None of fewer than 30.
    """

    reached: Effect
    followed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overrides:
    """Whether the advisers' own views do better than the advice, as far as it can be told.

    Attributes:
        places: cases told of by `Place` name, in tens.
        answered: effect on the share with an outcome of advising the own view instead of the
            model's best; None while there are too few.
        outcome: effect on the outcome; None while there are too few, or where `uneven`.
        own: what came of advising the own view; likewise.
        best: what came of advising the model's best; likewise.
        reasons: overrides by reason where a lottery could advise either, in tens; nothing can be
            told of what they did.
    """

    places: Mapping[str, int]
    answered: Effect | None
    outcome: Effect | None
    own: Side | None
    best: Side | None
    reasons: Mapping[str, int]

    @property
    def viewed(self) -> int:
        """Cases with an own view."""
        return sum(self.places.values())

    @property
    def drawn(self) -> int:
        """Cases where a lottery could advise the own view as well as the model's best."""
        return sum(self.places.get(one.name, 0) for one in (Place.OWN, Place.BEST, Place.OTHER))

    @property
    def uneven(self) -> bool:
        """Whether outcomes are reported of one side more than of the other: nothing is told then.

        Whoever is missing may differ from who is not.
        """
        return self.answered is not None and self.answered.sign != 0


UNVIEWED = Overrides(places={}, answered=None, outcome=None, own=None, best=None, reasons={})
"""Of offices where no own view came before the advice."""


_NO_VIEW = -1
# Beside what `Viewed` tells: where it stands, whose case it is, whether and when its adviser saw
# it, and on which day its outcome was seen.
_ADVICE = np.dtype(
    [
        ("seq", "<i8"),
        ("case", "<u8"),
        ("office", "<u4"),
        ("seen", "?"),
        ("seen_at", "<i8"),
        ("day", "<i4"),
        ("place", "i1"),
        ("weight", "<f8"),
        ("expected", "<f8"),
        ("outcome", "<f8"),
        ("observed_on", "<i4"),
        ("followed", "i1"),
        ("reason", "i1"),
    ]
)


class OwnViews(ByCase[Viewed]):
    """Whose adviser told an own view before any plain advice on the case was seen.

    Each case once, by the first plain advice that its adviser saw: a later own view knows of it.
    An outcome told about other advice on the case counts, if none was told about that one.
    """

    dtype = _ADVICE

    def told(self, part: Unpacked, standing: Mapping[bytes, Standing]) -> tuple[Packed, Flags]:
        """Gives advice that was seen, or whose outcome was; see `ByCase`."""
        rows = _advice(part, standing)
        return rows, rows["seen"] | ~np.isnan(rows["outcome"])

    def chosen(self, rows: Packed) -> Packed:
        """Gives the advice of each case that was seen first; see `ByCase`."""
        return _first_of_each(rows)

    def found(self, office: Names, cases: Packed) -> Viewed:
        """Gives them as they are compared; see `ByCase`."""
        return Viewed(office=office, **{name: cases[name].astype(kind) for name, kind in _KINDS})


_KINDS: tuple[tuple[str, Any], ...] = (
    ("day", np.int64),
    ("place", np.int64),
    ("weight", np.float64),
    ("expected", np.float64),
    ("outcome", np.float64),
    ("followed", np.int64),
    ("reason", np.int64),
)


def _advice(part: Unpacked, standing: Mapping[bytes, Standing]) -> Packed:
    """Gives advice of one context, as far as it was seen, and the outcome told about it."""
    found = np.zeros(len(part.records), _ADVICE)
    found["outcome"], found["place"] = np.nan, _NO_VIEW
    plain = are_plain(part)
    for at, (record, row, tail) in enumerate(zip(part.records, part.rows, part.tails, strict=True)):
        stands = standing.get(record.id, NOTHING)
        found["day"][at] = record.written_at // DAY
        if stands.outcome is not None:
            found["outcome"][at] = stands.outcome.outcome
            found["observed_on"][at] = (stands.outcome.observed_on - EPOCH).days
        if not plain[at] or not stands.advice_seen(tail.disclosure):
            continue
        view = stands.view_record
        found["seen"][at] = True
        found["seen_at"][at] = record.written_at if view is None else view.written_at
        if tail.disclosure == AFTER_OWN_VIEW:
            _view(found[at], part.reading, row, stands)
    return found


def _view(found: np.void, reading: Reading, row: np.void, stands: Standing) -> None:
    """Notes what an own view that came before the advice tells, if there is one."""
    view = stands.own_view
    if view is None or view.mix not in reading.mix_ids:
        return
    place, best = _place(reading, row, reading.mix_ids.index(view.mix))
    found["place"] = int(place)
    # Elsewhere nothing is weighed, and what was not drawn may have no chance to divide by.
    found["weight"] = 1 / float(row["propensity"]) if place >= Place.OWN else 1.0
    found["expected"] = row["expected"][best]
    advised = reading.mix_ids[int(row["mix"])]
    found["followed"], found["reason"] = _chosen(stands.choice, advised)


def _first_of_each(advice: Packed) -> Packed:
    """Gives the advice of each case that was seen first, where an own view came before it.

    With the first outcome of the case that was seen in time.

    Args:
        advice: whole cases.
    """
    seen = advice[advice["seen"]]
    seen = seen[np.lexsort((seen["seq"], seen["seen_at"], seen["case"]))]
    _, first = np.unique(seen["case"], return_index=True)
    cases = seen[first]
    came, at = outcomes_in_time(advice, cases)
    whose, which = np.unique(at, return_index=True)
    cases["outcome"] = np.nan
    cases["outcome"][whose] = came["outcome"][which]
    found: Packed = cases[cases["place"] != _NO_VIEW]
    return found


def _place(reading: Reading, row: np.void, own: int) -> tuple[Place, int]:
    """Tells where an own view lies, and the mix that the model holds to be worth most.

    It depends on what was known before the draw alone, but for which of the mixes was drawn.
    """
    price = float(row["price"]) / float(row["weight"])
    utility = [
        float(value) - price * float(minutes)
        for value, minutes in zip(row["expected"], row["minutes"], strict=True)
    ]
    permitted, shares = int(row["permitted"]), reading.shares
    offered = [k for k in range(len(utility)) if permitted >> k & 1]
    # Where a safeguard takes a mix from between others, a heavier one may be advised undrawn
    # (`router.decision.lifting`), and the journal does not say which. It is worth less, so that
    # what is near this one is near that one too: the chances stay above nothing.
    best = max(offered, key=lambda k: utility[k])
    if own == best:
        return Place.SAME, best
    if shares is None or not 0 < shares.exploration < 1 or shares.among is None:
        return Place.ELSEWHERE, best
    lets = sum(1 << k for k in offered if reading.mix_ids[k] in shares.among)
    near = near_best(utility, best, lets, shares.margin)
    if own not in near or best not in near:
        return Place.ELSEWHERE, best
    advised = int(row["mix"])
    return {own: Place.OWN, best: Place.BEST}.get(advised, Place.OTHER), best


def _chosen(choice: Choice | None, advised: str) -> tuple[int, int]:
    if choice is None:
        return UNTOLD, UNTOLD
    if choice.mix == advised:
        return 1, UNTOLD
    return 0, REASONS.index(choice.reason)


def viewed_in_tens(viewed: Viewed, carriers: Carriers) -> Viewed:
    """Tells cases in tens: each ten of an office and place as ten cases alike.

    Weights, expectations and outcomes are the means of ten people, of which no sum is off; what was
    chosen, and why, is that of one of them, by the law of `tens.in_tens`. Cases with and without an
    outcome are put in tens apart; a ten is of the day of its carrier. Cases told so, put in tens
    again, stay as they are.

    Args:
        viewed: in order of their advice.
        carriers: the ledger's tens of the same cases; those that are taken are not free any more.
    """
    parts = [viewed.where(np.zeros(0, np.intp))]
    for stream, days in _streams(viewed, carriers):
        here = viewed.where(stream[: len(days) * TEN])
        chosen = like_all(_columns(here), _columns(here))
        weight = _means(here.weight)
        beyond = _means(here.weight * (here.outcome - here.expected)) / weight
        expected = _means(here.expected)
        parts.append(
            replace(
                here.where(chosen),
                day=days,
                weight=weight,
                expected=expected,
                # Such that outcome less expected has the ten's own mean by weight.
                outcome=expected + beyond,
            )
        )
    table = {
        one.name: np.repeat(np.concatenate([getattr(part, one.name) for part in parts]), TEN)
        for one in fields(Viewed)
    }
    return Viewed(**table)


def _means(values: Floats) -> Floats:
    found: Floats = values.reshape(-1, TEN).mean(axis=1)
    return found


def _streams(viewed: Viewed, carriers: Carriers) -> Iterator[tuple[NDArray[np.intp], Whole]]:
    """Yields places of cases that are put in tens together, and the days on which they are told."""
    known = ~np.isnan(viewed.outcome)
    for office in sorted(set(viewed.office.tolist())):
        streams = []
        for place in Place:
            here = (viewed.office == office) & (viewed.place == place)
            streams += [np.flatnonzero(here & known), np.flatnonzero(here & ~known)]
        full = [days_full(viewed.day[stream]) for stream in streams]
        yield from zip(streams, carriers.take(office, full), strict=True)


def _columns(viewed: Viewed) -> Whole:
    """Gives what should add up to the truth, shape (n, columns)."""
    followed = viewed.followed[:, None] == np.arange(2)
    reasons = viewed.reason[:, None] == np.arange(len(REASONS))
    found: Whole = np.concatenate([followed, reasons], axis=1).astype(np.int64)
    return found


_SIDES = (Place.OWN, Place.BEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class ViewedSums:
    """What is compared of the cases of one office, or of several added up: sums, and no cases.

    Two sides each, where the own view was drawn and where the model's best was.

    Attributes:
        offices: of which cases have been followed up.
        places: cases that have been followed up by `Place`, shape (places,); so all below.
        reasons: overrides by place in `REASONS` where a lottery could advise either.
        answered: whether there is an outcome: shape (2, 6) of `arm_sums`.
        outcome: outcome less what was expected, likewise; each value is the mean of ten.
        products: of 1, e, w b and w over tens of all drawn cases with an outcome, each with each,
            shape (2, 4, 4): e is what was expected, b the outcome less that, w the weight of those
            on the side and 0 of the others.
        choices: that are known, shape (2,).
        followed: of them, those of what was advised, shape (2,).
    """

    offices: int
    places: Whole
    reasons: Whole
    answered: Floats
    outcome: Floats
    products: Floats
    choices: Whole
    followed: Whole


def sums_of(told: Viewed, as_of: int) -> ViewedSums:
    """Sums up the cases of one office.

    Args:
        told: in tens, if anything of it is shown to anybody.
        as_of: days since 1970-01-01: cases count once they have been followed so long by then.
    """
    found = told.where(told.day + FOLLOWED_DAYS <= as_of)
    known = ~np.isnan(found.outcome)
    answered, drawn = found.where(known), found.where(found.place >= Place.OWN)
    choices = [
        found.followed[(found.place == side) & (found.followed != UNTOLD)] for side in _SIDES
    ]
    return ViewedSums(
        offices=int(len(found) > 0),
        places=np.array([(found.place == place).sum() for place in Place], np.int64),
        reasons=np.array([(drawn.reason == one).sum() for one in range(len(REASONS))], np.int64),
        answered=_sides(found, known.astype(np.float64)),
        outcome=_sides(answered, answered.outcome - answered.expected, alike=TEN),
        products=_products(answered.where(answered.place >= Place.OWN)),
        choices=np.array([len(one) for one in choices], np.int64),
        followed=np.array([one.sum() for one in choices], np.int64),
    )


def _sides(cases: Viewed, value: Floats, alike: int = 1) -> Floats:
    """Gives the sums of both sides, shape (2, 6).

    Args:
        cases: n of them.
        value: (n,) of each.
        alike: so many cases in a row have the mean of all of them as their value.
    """
    return np.stack(
        [
            arm_sums(value[which][::alike], cases.weight[which][::alike])
            for which in (cases.place == side for side in _SIDES)
        ]
    )


def _products(drawn: Viewed) -> Floats:
    """Gives the `ViewedSums.products` of cases that were drawn, with an outcome."""
    ten = drawn.where(np.arange(0, len(drawn), TEN))
    found = []
    for side in _SIDES:
        weight = np.where(ten.place == side, ten.weight, 0.0)
        table = np.stack(
            [np.ones(len(ten)), ten.expected, weight * (ten.outcome - ten.expected), weight]
        )
        found.append(table @ table.T)
    return np.stack(found)


def own_against_best(parts: Sequence[ViewedSums]) -> Overrides:
    """Compares advising the own view with advising the model's best, of some offices together.

    Args:
        parts: of each office, at least one, of the same day.
    """
    sums = added(parts)
    if not sums.offices:
        return UNVIEWED
    # Of ten that are not full yet, up to nine wait on each side: the shares are off by them.
    answered = _compared(sums.answered, 1, TEN * sums.offices**0.5)
    outcome = _compared(sums.outcome, TEN)
    one = Overrides(
        places={place.name: int(sums.places[place]) for place in Place},
        answered=answered,
        outcome=None,
        own=None,
        best=None,
        reasons={
            reason.name: int(count)
            for reason, count in zip(REASONS, sums.reasons, strict=True)
            if count
        },
    )
    if one.answered is None or one.uneven or outcome is None:
        return one
    own, best = (_side(sums, place) for place in range(len(_SIDES)))
    return replace(one, outcome=outcome, own=own, best=best)


def _compared(sums: Floats, alike: int, off_by: float = 0.0) -> Effect | None:
    """Compares the sides, (2, 6); None where one of them is too small."""
    own, best = (Arm(one, alike) for one in sums)
    if min(len(own), len(best)) < ENOUGH:
        return None
    return contrast(own, best, off_by=off_by * (1 / len(own) + 1 / len(best)))


def _side(sums: ViewedSums, side: int) -> Side:
    """Gives what came of one side: the mean over all cases of the lottery, by AIPW.

        mean m + sum_place w (y - m) / sum_place w

    Its error is that of the sum of both, case by case: they are of the same people.
    """
    products = sums.products[side]
    tens, expected, beyond, weight = products[0].tolist()
    mean, more, scale = expected / tens, beyond / weight, tens / weight
    # Of each ten, e - mean + scale w (b - more): it is 0 in the mean.
    each = np.array([-mean, 1.0, scale, -scale * more])
    # What is left of tens that are all alike may round to below nothing.
    rest = max(0.0, float(each @ products @ each))
    error = (rest / (tens - 1) / tens) ** 0.5
    cases = int(tens) * TEN
    half = reach(error, cases)
    value = mean + more
    choices, followed = int(sums.choices[side]), int(sums.followed[side])
    return Side(
        reached=Effect(
            value=value,
            low=value - half,
            high=value + half,
            shown=cases,
            control=len(Arm(sums.outcome[side], TEN)),
        ),
        followed=followed / choices if choices >= MEAN_OF else None,
    )
