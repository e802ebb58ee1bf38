"""Does the comparison of own views claim what is not so? `python -m bench.overrides`.

Each draw makes a year of offices where advisers tell an own view before the advice, and the mix
advised is drawn among those that the model holds to be about as good. The model is off by a part
of its own for each mix. Advisers know the truly best of these mixes in a share of cases, or name
one at random; a share of them choose their own view whatever is advised. It is told in tens and
read at the end of each of 52 weeks, as a leader would. Printed, with standard errors over draws:

- `ever wrong`: share of draws in which the sequence leaves the truth outside at any reading. With
  nothing planted that is the share of false claims; it may be 5 per cent.
- `90%`: share of draws whose plain 90 per cent interval at the end of the year, read once, holds
  the truth: that the error itself is right. `year`: likewise of the sequence, which must hold more.
- `half`: half the sequence's width then. `found`: share of draws that have shown an effect by then.

The truth is what comes of advising the own view less what comes of advising the model's best, on
average over the cases where they differ and both could be drawn: 400,000 cases are drawn for it.

The seeds begin at 9,000,000: nothing was chosen on them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from bench.shares import LOOKS, Read, share
from bench.two_tellings import carriers_of
from router.ledger.arithmetic import Floats, added
from router.ledger.intervals import Z
from router.ledger.overrides import (
    UNTOLD,
    Overrides,
    Place,
    Viewed,
    own_against_best,
    sums_of,
    viewed_in_tens,
)
from router.ledger.sequences import Arm
from router.ledger.shown import FOLLOWED_DAYS
from router.ledger.tens import TEN

FIRST_SEED = 9_000_000
_TRUTH_CASES = 400_000
_MIXES = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is simulated.

    Attributes:
        name: of the row.
        offices: how many.
        a_week: own views a week and office.
        share: of cases whose mix is drawn.
        spread: standard deviation of what mixes truly differ by, of the model's own error too.
        knows: share of cases where the adviser knows the truly best mix.
        guesses: share of the others where the adviser names one at random, else the model's best.
        insists: share that choose the own view whatever is advised.
        base: share that reaches the goal under a middling mix.
        unlike: standard deviation of that between offices.
    """

    name: str
    offices: int = 20
    a_week: int = 20
    share: float = 0.3
    spread: float = 0.05
    knows: float = 0.0
    guesses: float = 0.3
    insists: float = 0.2
    base: float = 0.4
    unlike: float = 0.0


SETTINGS = (
    Setting(name="mixes alike: nothing to find", spread=0.0, knows=0.3),
    Setting(name="mixes alike, offices unlike", spread=0.0, knows=0.3, unlike=0.15),
    Setting(name="mixes alike, one in twenty", spread=0.0, knows=0.3, base=0.05),
    Setting(name="mixes alike, 5 offices, 60 a week", spread=0.0, offices=5, a_week=60),
    Setting(name="override at random", guesses=0.6, share=0.5),
    Setting(name="override at random, all insist", guesses=0.6, share=0.5, insists=1.0),
    Setting(name="know more in 3 of 10 cases", knows=0.3, share=0.5),
    Setting(name="know more in 8 of 10, large effects", knows=0.8, spread=0.15, share=0.5),
)


class Drawn(NamedTuple):
    """Cases as they came, and what is true of them.

    Attributes:
        viewed: the cases.
        effect: (n,) chance to reach the goal where the own view is advised, less that where the
            model's best is.
    """

    viewed: Viewed
    effect: Floats


def drawn(setting: Setting, seed: int, cases: int | None = None) -> Drawn:
    """Draws the cases of a year whose outcomes can be there, in order of their advice."""
    rng = np.random.default_rng(seed)
    n = cases or setting.offices * setting.a_week * LOOKS
    every = np.arange(n)
    office = rng.integers(0, setting.offices, n)
    base = setting.base + rng.normal(0, setting.unlike, setting.offices)[office]
    truth = base[:, None] + rng.normal(0, 1, (n, _MIXES)) * setting.spread
    truth = np.clip(truth + rng.normal(0, 0.1, n)[:, None] * (setting.base > 0.1), 0.01, 0.99)

    # The model sees a part of it, and only what it holds to be about as good may be drawn.
    seen = truth + rng.normal(0, 1, (n, _MIXES)) * max(setting.spread, 0.01) + 0.03
    best = seen.argmax(axis=1)
    near = seen >= seen.max(axis=1, keepdims=True) - 0.05
    many = near.sum(axis=1)
    order = np.argsort(np.where(near, rng.random((n, _MIXES)), 2.0), axis=1)
    anyone = order[:, 0]
    knows, guesses = rng.random(n) < setting.knows, rng.random(n) < setting.guesses
    own = np.where(guesses, rng.integers(0, _MIXES, n), best)
    own = np.where(knows, np.where(near, truth, -1).argmax(axis=1), own)

    # As `router.decision.explore` draws.
    explored = rng.random(n) < setting.share
    advised = np.where(explored, anyone, best)
    chance = setting.share / many + (1 - setting.share) * (advised == best)
    insists = rng.random(n) < setting.insists
    chosen = np.where(insists, own, advised)
    reached = (rng.random(n) < truth[every, chosen]).astype(np.float64)

    place = np.where(advised == own, Place.OWN, np.where(advised == best, Place.BEST, Place.OTHER))
    place = np.where(near[every, own], place, Place.ELSEWHERE)
    place = np.where(own == best, Place.SAME, place)
    effect = (1 - setting.insists) * (truth[every, own] - truth[every, best])
    names = np.array([f"office-{one:02d}" for one in range(setting.offices)], object)
    viewed = Viewed(
        office=names[office],
        day=np.sort(rng.integers(0, 7 * LOOKS, n)).astype(np.int64),
        place=place.astype(np.int64),
        weight=np.where(place >= Place.OWN, 1 / chance, 1.0),
        expected=seen[every, best],
        outcome=np.where(rng.random(n) < 0.88, reached, np.nan),
        followed=(chosen == advised).astype(np.int64),
        reason=np.full(n, UNTOLD),
    )
    return Drawn(viewed, effect)


def truth_of(setting: Setting, seed: int = FIRST_SEED - 1) -> float:
    """Gives what advising the own view truly does where a lottery can choose between the two."""
    found = drawn(setting, seed, _TRUTH_CASES)
    return float(found.effect[found.viewed.place >= Place.OWN].mean())


@dataclass(frozen=True, slots=True)
class ReadPlainly(Read):
    """One draw, also read once as if nobody had looked before.

    Attributes:
        plain: whether the plain 90 per cent interval at the end holds the truth; None if withheld.
    """

    plain: bool | None


def read_weekly(setting: Setting, seed: int, truth: float) -> ReadPlainly:
    """Draws a year's cases and gives what is told of them at the end of each week."""
    cases = drawn(setting, seed).viewed
    told = viewed_in_tens(cases, carriers_of(cases.office, cases.day))
    offices = sorted(set(told.office.tolist()))
    each = [told.where(told.office == office) for office in offices]
    parts = [
        [sums_of(one, 7 * (week + 1) + FOLLOWED_DAYS) for one in each] for week in range(LOOKS)
    ]
    weeks: list[Overrides] = [own_against_best(week) for week in parts]
    last, plain = weeks[-1].outcome, None
    if last is not None:
        own, best = (Arm(one, TEN) for one in added(parts[-1]).outcome)
        plain = abs(last.value - truth) <= Z * (own.variance + best.variance) ** 0.5
    return ReadPlainly([one.outcome for one in weeks], truth, plain)


def measure(setting: Setting, draws: int, first: int = FIRST_SEED) -> list[ReadPlainly]:
    """Reads so many draws weekly."""
    truth = truth_of(setting)
    return [read_weekly(setting, first + seed, truth) for seed in range(draws)]


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.overrides", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--draws", type=int, default=200)
    parser.add_argument("--only", type=int, nargs="*", help="settings by place")
    asked = parser.parse_args()
    print("| setting | truth, points | ever wrong | 90% | year | half | found |")
    print("|---|---:|---:|---:|---:|---:|---:|")
    for place, setting in enumerate(SETTINGS):
        if asked.only and place not in asked.only:
            continue
        reads = measure(setting, asked.draws)
        told = [one for one in reads if one.told[-1] is not None]
        ends = [one.told[-1] for one in told if one.told[-1] is not None]
        held = [one.low <= reads[0].truth <= one.high for one in ends]
        cells = [f"{100 * reads[0].truth:.2f}", share([one.ever_wrong for one in reads])]
        if told:
            half = np.mean([(one.high - one.low) / 2 for one in ends])
            cells += [share([bool(one.plain) for one in told]), share(held), f"{half:.3f}"]
        else:
            cells += ["too few", "", ""]
        cells.append(share([one.ever_claimed for one in reads]))
        print(f"| {setting.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
