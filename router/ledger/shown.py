"""Does showing the advice help? Those who were shown it against the control group.

Of plain advice an office's policy may withhold a share for good (`[disclosure] control`); who is
drawn follows from a secret key, and the chance is written with the record. So whatever differs
between the two groups, beyond chance, is what showing the advice does: intention to treat, whatever
was chosen then.

What is told is told of tens here too (ADR 30, 35), in a release of its own: one question, asked of
all that came since the draws began, with no period to choose.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from router.decision.catalogue import DAYS_PER_WEEK
from router.files.shelf import Packed
from router.journal.recommendation import (
    CONTROL,
    SHOWN,
    PackedRows,
    Reading,
    Unpacked,
)
from router.journal.standing import NOTHING, Standing
from router.ledger.arithmetic import Flags, Floats, Tier, Whole, added, tiers_of
from router.ledger.by_case import ByCase
from router.ledger.entries import EPOCH, HORIZON_DAYS, NOT_SPENT
from router.ledger.entries import Names as Texts
from router.ledger.reading import are_plain
from router.ledger.sequences import WRONG, Arm, Effect, arm_sums, contrast
from router.ledger.tens import TEN, Carriers, days_full, like_all

FOLLOWED_DAYS = HORIZON_DAYS + 4 * DAYS_PER_WEEK
"""A case is looked at so many days after its advice: the plan's weeks, and four to agree on it.

What came later counts for neither group, so that no reading chooses which outcomes it waits for.
"""
ENOUGH = 50
"""Cases with an outcome that each group needs before anything is told of them."""
TIMED_ENOUGH = 150
"""Cases with reported time that each needs: the spread of minutes is told by means of ten."""
# By how many the outcomes of one office's group are off in sum since they are told in tens; those
# of several offices by as much times their square root (`python -m bench.control`).
_OFF = 8.0
# What one case too many or too few is worth when a ten is told as one of its cases: outcomes
# before tiers, for the main question is about them.
_CASE, _REACHED, _OF_TIER = 60, 300, 120
OUTCOME_DIGITS, MINUTE_DIGITS = 3, 0
"""Digits with which effects are told anywhere: the last of a sum would tell of its parts."""
DAY = 24 * 60 * 60 * 1_000_000


def rounded(value: float, digits: int) -> float:
    """Rounds what is told; what rounds to nothing has no sign."""
    return round(value, digits) + 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Drawn:
    """Cases whose plain advice was shown or never, by a draw: n of them, in order of their advice.

    Attributes:
        office: (n,) reference.
        day: (n,) days since 1970-01-01 (UTC) of the advice.
        tier: (n,) `Tier` by the weight that the case had then.
        control: (n,) whether the advice is never shown.
        chance: (n,) with which it was drawn into its group.
        expected: (n,) outcome that the advice was expected to have, before the draw.
        minutes: (n,) the catalogue's of the mix advised.
        outcome: (n,) 0 to 1; NaN where none was seen in time.
        spent: (n,) minutes reported with it, NOT_SPENT where none were.
        gain: (n,) expected outcome of the mix chosen less that of the one advised, before the draw;
            NaN where nothing was chosen of this advice.
        longer: (n,) the catalogue's minutes of the mix chosen less those of the one advised;
            likewise.
    """

    office: Texts
    day: Whole
    tier: Whole
    control: Flags
    chance: Floats
    expected: Floats
    minutes: Floats
    outcome: Floats
    spent: Floats
    gain: Floats
    longer: Floats

    def __len__(self) -> int:
        """Counts them."""
        return len(self.day)

    def where(self, which: Flags | NDArray[np.intp]) -> Drawn:
        """Picks some, by flags of shape (n,) or by places."""
        return Drawn(**{one.name: getattr(self, one.name)[which] for one in fields(self)})


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """What showing the advice does, as far as it can be told.

    Attributes:
        drawn: whether any office asked for has a control group.
        shown: cases told of whose advice was shown, with or without an outcome, in tens.
        control: likewise of the control group.
        answered: effect on the share with an outcome; None while there are too few.
        outcome: effect on the outcome; None while there are too few, or where `uneven`.
        minutes: effect on adviser minutes a case; likewise.
        groups: effect on the outcome by tier's name, of those that are large enough; these are as
            wide as they must be for all of them to be read together.
        by_model: what the model expects of the mixes chosen, shown less control: an estimate of
            `outcome` that no outcome was asked for; None as there, and where choices are too few.
        by_catalogue: the catalogue's minutes of the mixes chosen, likewise.
    """

    drawn: bool
    shown: int
    control: int
    answered: Effect | None
    outcome: Effect | None
    minutes: Effect | None
    groups: Mapping[str, Effect]
    by_model: float | None = None
    by_catalogue: float | None = None

    @property
    def uneven(self) -> bool:
        """Whether outcomes are reported of one group more than of the other: nothing is told then.

        Whoever is missing may differ from who is not.
        """
        return self.answered is not None and self.answered.sign != 0

    @property
    def harmed(self) -> tuple[str, ...]:
        """The tiers that are shown to lose by the advice."""
        return tuple(name for name, one in self.groups.items() if one.sign < 0)


UNDRAWN = Shown(
    drawn=False, shown=0, control=0, answered=None, outcome=None, minutes=None, groups={}
)
"""Of offices without a control group."""


# Beside what `Drawn` tells: where it stands, whose case it is, whether it is a draw, and on which
# day its outcome was seen.
_ADVICE = np.dtype(
    [
        ("seq", "<i8"),
        ("case", "<u8"),
        ("office", "<u4"),
        ("draws", "?"),
        ("day", "<i4"),
        ("tier", "i1"),
        ("control", "?"),
        ("chance", "<f8"),
        ("expected", "<f8"),
        ("minutes", "<f4"),
        ("outcome", "<f8"),
        ("spent", "<f8"),
        ("gain", "<f8"),
        ("longer", "<f4"),
        ("observed_on", "<i4"),
    ]
)


class Draws(ByCase[Drawn]):
    """Who was drawn, each case once: by the first plain advice that was.

    Later advice on the case is no fresh draw; but an outcome told about it counts, if none was told
    about the first. Cases whose advice waits for an own view belong to neither group.
    """

    dtype = _ADVICE

    def told(self, part: Unpacked, standing: Mapping[bytes, Standing]) -> tuple[Packed, Flags]:
        """Gives advice with the outcome told about it; see `ByCase`."""
        # All of it: later advice of any policy may have the outcome of a case that was drawn.
        return _advice(part, standing), np.ones(len(part.records), bool)

    def chosen(self, rows: Packed) -> Packed:
        """Gives the first draw of each case; see `ByCase`."""
        return _first_of_each(rows)

    def found(self, office: Texts, cases: Packed) -> Drawn:
        """Gives them as they are compared; see `ByCase`."""
        return Drawn(office=office, **{name: cases[name].astype(kind) for name, kind in _KINDS})


_KINDS: tuple[tuple[str, Any], ...] = (
    ("day", np.int64),
    ("tier", np.int64),
    ("control", np.bool_),
    ("chance", np.float64),
    ("expected", np.float64),
    ("minutes", np.float64),
    ("outcome", np.float64),
    ("spent", np.float64),
    ("gain", np.float64),
    ("longer", np.float64),
)


def _advice(part: Unpacked, standing: Mapping[bytes, Standing]) -> Packed:
    """Gives advice of one context, with the outcome told about it, NaN where none was."""
    reading, rows, count = part.reading, part.rows, len(part.records)
    found = np.zeros(count, _ADVICE)
    found["day"] = [record.written_at // DAY for record in part.records]
    found["outcome"], found["spent"] = np.nan, NOT_SPENT
    found["gain"] = found["longer"] = np.nan
    for place, record in enumerate(part.records):
        came = standing.get(record.id, NOTHING).outcome
        if came is not None:
            found["outcome"][place] = came.outcome
            found["observed_on"][place] = (came.observed_on - EPOCH).days
            if came.adviser_minutes is not None:
                found["spent"][place] = came.adviser_minutes
    shares = reading.shares
    if shares is None or not shares.control or not count:
        return found

    found["draws"] = are_plain(part)
    # Whose advice waits is of neither group: nothing was drawn between these two for it.
    chances = {CONTROL: shares.control, SHOWN: 1 - shares.control - shares.after_own_view}
    found["chance"] = [chances.get(tail.disclosure, 0.0) for tail in part.tails]
    found["control"] = [tail.disclosure == CONTROL for tail in part.tails]
    found["tier"] = tiers_of(np.maximum(rows["weight"], 1.0), _known(reading, rows))
    every, mix = np.arange(count), rows["mix"].astype(np.int64)
    found["expected"], found["minutes"] = rows["expected"][every, mix], rows["minutes"][every, mix]
    chosen, took = _chosen(part, standing, mix)
    for name, of in (("gain", "expected"), ("longer", "minutes")):
        values = rows[of].astype(np.float64)
        found[name] = np.where(took, values[every, chosen] - values[every, mix], np.nan)
    return found


def _chosen(
    part: Unpacked, standing: Mapping[bytes, Standing], advised: Whole
) -> tuple[Whole, Flags]:
    """Gives the mixes chosen, (n,), those advised where nothing was; and whether one was, (n,)."""
    places = {mix: place for place, mix in enumerate(part.reading.mix_ids)}
    choices = [standing.get(record.id, NOTHING).choice for record in part.records]
    chosen = np.array([-1 if one is None else places.get(one.mix, -1) for one in choices], np.int64)
    return np.where(chosen < 0, advised, chosen), chosen >= 0


def _known(reading: Reading, rows: PackedRows) -> Flags:
    """Tells whether the need group is stated, shape (n,)."""
    names = [one.name for one in reading.features]
    if "need_group" not in names:
        return np.zeros(len(rows), bool)
    found: Flags = rows["row"][:, names.index("need_group")] > 0
    return found


def _first_of_each(advice: Packed) -> Packed:
    """Gives the first draw of each case, with the first outcome told in time from then on.

    Args:
        advice: whole cases.
    """
    advice = advice[np.lexsort((advice["seq"], advice["case"]))]
    draws = advice[advice["draws"]]
    _, first = np.unique(draws["case"], return_index=True)
    cases = draws[first]

    came, at = outcomes_in_time(advice, cases)
    counts = came["seq"] >= cases["seq"][at]
    whose, which = np.unique(at[counts], return_index=True)
    cases["outcome"], cases["spent"] = np.nan, NOT_SPENT
    for name in ("outcome", "spent"):
        cases[name][whose] = came[name][counts][which]
    found: Packed = cases[cases["chance"] > 0]
    return found


def outcomes_in_time(advice: Packed, cases: Packed) -> tuple[Packed, NDArray[np.intp]]:
    """Gives the outcomes that were seen while their cases were followed, in the chain's order.

    Args:
        advice: whole cases, with the outcome told about each.
        cases: the advice from which each case is followed, by rising case.

    Returns:
        The advice that they were told about, and the places of its cases among `cases`.
    """
    came = advice[~np.isnan(advice["outcome"])]
    came = came[np.argsort(came["seq"])]
    at = np.searchsorted(cases["case"], came["case"])
    known = at < len(cases)
    known[known] = cases["case"][at[known]] == came["case"][known]
    came, at = came[known], at[known]
    in_time = came["observed_on"] - cases["day"][at] <= FOLLOWED_DAYS
    return came[in_time], at[in_time]


def drawn_in_tens(drawn: Drawn, carriers: Carriers) -> Drawn:
    """Tells cases in tens: each ten of an office's group as ten cases like one of them.

    By the law of `tens.in_tens`: what one ten says too much, the next ones make up for, and cases
    told so already stay as they are. Cases without an outcome, with one, and with one and time are
    put in tens apart, and so are those with an outcome whose choice is not known; a ten is of the
    day of its carrier, and its minutes, and what was chosen, are the mean of the ten.

    Args:
        drawn: in order of their advice.
        carriers: the ledger's tens of the same cases; those that are taken are not free any more.
    """
    spent = np.where(drawn.spent == NOT_SPENT, NOT_SPENT, np.rint(drawn.spent / TEN) * TEN)
    # What was expected has sixteen digits of one person: with two it may be anybody's.
    expected = np.round(drawn.expected, 2)
    # Of who has no outcome nothing is asked: their choices need no tens of their own.
    unknown = np.isnan(drawn.outcome)
    drawn = replace(
        drawn,
        gain=np.where(unknown, np.nan, drawn.gain),
        longer=np.where(unknown, np.nan, drawn.longer),
    )
    came = replace(drawn, outcome=np.rint(drawn.outcome), expected=expected, spent=spent)
    parts = [came.where(np.zeros(0, np.intp))]
    for stream, days in _streams(drawn, carriers):
        full = len(days) * TEN
        here = came.where(stream[:full])
        chosen = like_all(_columns(drawn.where(stream[:full])), _columns(here))
        parts.append(
            replace(
                here.where(chosen),
                day=days,
                # Means of ten people, where one of them would be too far from all.
                minutes=_means(here.minutes),
                gain=_means(here.gain),
                longer=_means(here.longer),
                spent=np.rint(_means(here.spent) / TEN) * TEN
                if len(here) and here.spent[0] != NOT_SPENT
                else np.full(len(chosen), float(NOT_SPENT)),
            )
        )
    table = {
        one.name: np.repeat(np.concatenate([getattr(part, one.name) for part in parts]), TEN)
        for one in fields(Drawn)
    }
    return Drawn(**table)


def _means(values: Floats) -> Floats:
    found: Floats = values.reshape(-1, TEN).mean(axis=1)
    return found


def _streams(drawn: Drawn, carriers: Carriers) -> Iterator[tuple[NDArray[np.intp], Whole]]:
    """Yields places of cases that are put in tens together, and the days on which they are told."""
    # Whether there is an outcome, whether it has time, and whether the choice is known.
    known = (~np.isnan(drawn.outcome)).astype(np.int64) + (drawn.spent != NOT_SPENT)
    kind = 2 * (2 * known + ~np.isnan(drawn.gain)) + drawn.control
    for office in sorted(set(drawn.office.tolist())):
        here = drawn.office == office
        streams = [np.flatnonzero(here & (kind == one)) for one in range(12)]
        full = [days_full(drawn.day[stream]) for stream in streams]
        yield from zip(streams, carriers.take(office, full), strict=True)


def _columns(drawn: Drawn) -> Whole:
    """Gives what should add up to the truth, shape (n, columns)."""
    reached = np.nan_to_num(drawn.outcome)[:, None]
    tiers = (drawn.tier[:, None] == np.arange(len(Tier))).astype(np.float64)
    table = [
        _REACHED * reached,
        _REACHED * drawn.expected[:, None],
        _OF_TIER * tiers * (reached - drawn.expected[:, None]),
        _CASE * tiers,
    ]
    found: Whole = np.rint(np.concatenate(table, axis=1)).astype(np.int64)
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnSums:
    """What is compared of the cases of one office, or of several added up: sums, and no cases.

    Two arms each, of those who were shown the advice and of the control group: shape (2, 6) of
    `arm_sums`.

    Attributes:
        drawn: cases told of.
        offices: of which cases have been followed up.
        answered: whether there is an outcome, of cases that have been followed up; so all below.
        outcome: outcome, less what was expected.
        tiers: likewise by `Tier`, shape (tiers, 2, 6).
        minutes: minutes reported, less the catalogue's; each value is the mean of ten.
        gain: expected outcome of the mix chosen, less that of the one advised.
        longer: the catalogue's minutes of the mix chosen, less those of the one advised.
    """

    drawn: int
    offices: int
    answered: Floats
    outcome: Floats
    tiers: Floats
    minutes: Floats
    gain: Floats
    longer: Floats


def sums_of(told: Drawn, as_of: int) -> DrawnSums:
    """Sums up the cases of one office.

    Args:
        told: in tens, if anything of it is shown to anybody.
        as_of: days since 1970-01-01: cases count once they have been followed so long by then.
    """
    found = told.where(told.day + FOLLOWED_DAYS <= as_of)
    answered = found.where(~np.isnan(found.outcome))
    timed = answered.where(answered.spent != NOT_SPENT)
    beyond = answered.outcome - answered.expected
    return DrawnSums(
        drawn=len(told),
        offices=int(len(found) > 0),
        answered=_arms(found, (~np.isnan(found.outcome)).astype(np.float64)),
        outcome=_arms(answered, beyond),
        tiers=np.stack(
            [
                _arms(answered.where(answered.tier == tier), beyond[answered.tier == tier])
                for tier in Tier
            ]
        ),
        minutes=_arms(timed, timed.spent - timed.minutes, alike=TEN),
        # The mixes advised are alike in both groups but for the draw: what differs is what was
        # chosen.
        gain=_arms(answered, answered.gain),
        longer=_arms(timed, timed.longer),
    )


def _arms(cases: Drawn, value: Floats, alike: int = 1) -> Floats:
    """Gives the sums of both groups, shape (2, 6).

    Args:
        cases: n of them.
        value: (n,) of each; NaN where it is not known.
        alike: so many cases in a row have the mean of all of them as their value.
    """
    known = ~np.isnan(value)
    return np.stack(
        [
            arm_sums(value[which][::alike], 1 / cases.chance[which][::alike])
            for which in (known & ~cases.control, known & cases.control)
        ]
    )


def shown_against_control(parts: Sequence[DrawnSums]) -> Shown:
    """Compares those who were shown the advice with the control group, of some offices together.

    Args:
        parts: of each office, at least one, of the same day.
    """
    sums = added(parts)
    off = max(1, sums.offices) ** 0.5
    # Of ten that are not full yet, up to nine wait in each group: the shares are off by them.
    asked = _compared(sums.answered, TEN * off)
    shown, control = (int(count) for count in sums.answered[:, 0])
    one = Shown(
        drawn=sums.drawn > 0,
        shown=shown,
        control=control,
        answered=asked,
        outcome=None,
        minutes=None,
        groups={},
    )
    if asked is None or one.uneven:
        return one
    groups = {
        tier.name: _compared(sums.tiers[tier], _OFF * off, WRONG / len(Tier)) for tier in Tier
    }
    return replace(
        one,
        outcome=_compared(sums.outcome, _OFF * off),
        minutes=_compared(sums.minutes, alike=TEN),
        groups={name: effect for name, effect in groups.items() if effect is not None},
        by_model=_estimated(sums.gain),
        by_catalogue=_estimated(sums.longer),
    )


def _estimated(sums: Floats) -> float | None:
    """Compares what was chosen in the groups, (2, 6); None where one of them is too small."""
    shown, control = (Arm(one) for one in sums)
    if min(len(shown), len(control)) < ENOUGH:
        return None
    # No range: it would tell of the draw alone, and not of how far the model may be off.
    return shown.mean - control.mean


def _compared(
    sums: Floats, off_by: float = 0.0, wrong: float = WRONG, alike: int = 1
) -> Effect | None:
    """Compares the groups; None where one of them is too small.

    Args:
        sums: of both, shape (2, 6).
        off_by: by how much each group's sum of values may be off.
        wrong: as for `reach`.
        alike: so many cases each value is the mean of.
    """
    shown, control = (Arm(one, alike) for one in sums)
    if min(len(shown), len(control)) < (ENOUGH if alike == 1 else TIMED_ENOUGH):
        return None
    return contrast(shown, control, wrong, off_by * (1 / len(shown) + 1 / len(control)))
