"""Does the comparison with the control group claim what is not so? `python -m bench.control`.

Each draw makes a year of offices that withhold a share of their plain advice: cases come week by
week, the expected outcome of each is off by a part of its own, outcomes are reported of most. It is
told in tens and read at the end of each of 52 weeks, as a leader would. Printed, with standard
errors over draws:

- `ever`: share of draws in which the sequence ever leaves the truth outside at a reading. With
  nothing planted that is the share of false claims; it may be 5 per cent.
- `plain`: the same of an ordinary 95 per cent interval, read as often.
- `year`: share of draws whose interval at the end of the year holds the truth.
- `half`: half the width then. `found`: share of draws that have shown an effect by then.

With `--years N` it simulates so many years (`python -m training year --control 0.1`) instead, whose
truth is what showing the advice does to each case on average, and says how often the interval at
the end of the year holds it, for each office and for all.

The seeds begin at 8,000,000: nothing was chosen on them.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.shares import LOOKS, Read, share
from bench.two_tellings import carriers_of
from router.journal.opening import open_to_read
from router.ledger.arithmetic import Tier
from router.ledger.by_case import read_by_case
from router.ledger.entries import EPOCH, NOT_SPENT
from router.ledger.reading import read_entries
from router.ledger.sequences import Effect
from router.ledger.shown import (
    FOLLOWED_DAYS,
    Drawn,
    Draws,
    Shown,
    drawn_in_tens,
    shown_against_control,
    sums_of,
)
from router.ledger.tens import Carriers, days_told
from training.simulation.year import Extent, simulate_year
from training.simulation.year_offices import Lots

FIRST_SEED = 8_000_000
_PLAIN = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is simulated.

    Attributes:
        name: of the row.
        offices: how many.
        a_week: plain advice a week and office.
        control: share withheld.
        points: planted effect on the outcome.
        minutes: planted effect on adviser minutes.
        base: share that reaches the goal without advice.
    """

    name: str
    offices: int = 1
    a_week: int = 60
    control: float = 0.1
    points: float = 0.0
    minutes: float = 0.0
    base: float = 0.4


SETTINGS = (
    Setting(name="1 office, 60 a week"),
    Setting(name="1 office, 20 a week", a_week=20),
    Setting(name="1 office, rare outcome", base=0.05),
    Setting(name="5 offices", offices=5),
    Setting(name="5 offices, half withheld", offices=5, control=0.5),
    Setting(name="20 offices", offices=20),
    Setting(name="1 office, +5 points, -10 min", points=0.05, minutes=-10),
    Setting(name="5 offices, +5 points, -10 min", offices=5, points=0.05, minutes=-10),
    Setting(name="20 offices, +5 points, -10 min", offices=20, points=0.05, minutes=-10),
)


def drawn(setting: Setting, seed: int, weeks: int = LOOKS) -> Drawn:
    """Draws the cases of so many weeks whose outcomes can be there, in order of their advice."""
    rng = np.random.default_rng(seed)
    n = setting.offices * setting.a_week * weeks
    day = np.sort(rng.integers(0, 7 * weeks, n))
    tier = rng.choice(len(Tier), n, p=(0.25, 0.15, 0.55, 0.05))
    # Whose need is greatest reaches the goal least; the model sees a part of what decides.
    centre = np.log(setting.base / (1 - setting.base)) + np.array([-0.8, -0.3, 0.4, 0.0])[tier]
    seen, unseen = rng.normal(0, 0.7, n), rng.normal(0, 0.7, n)
    control = rng.random(n) < setting.control
    truth = 1 / (1 + np.exp(-(centre + seen + unseen)))
    shown = np.clip(truth + np.where(control, 0, setting.points), 0, 1)
    minutes = rng.choice([8.0, 29.0, 50.0, 83.0, 120.0, 150.0], n)
    spent = minutes * rng.lognormal(0.05, 0.4, n) + np.where(control, 0, setting.minutes)
    answered, timed = rng.random(n) < 0.88, rng.random(n) < 0.8
    return Drawn(
        office=np.array(
            [f"office-{one:02d}" for one in rng.integers(0, setting.offices, n)], object
        ),
        day=day.astype(np.int64),
        tier=tier.astype(np.int64),
        control=control,
        chance=np.where(control, setting.control, 1 - setting.control),
        expected=1 / (1 + np.exp(-(centre + seen))) + 0.03,
        minutes=minutes,
        outcome=np.where(answered, (rng.random(n) < shown).astype(float), np.nan),
        spent=np.where(answered & timed, np.maximum(0, np.rint(spent)), NOT_SPENT),
        # What is chosen is not looked into here.
        gain=np.full(n, np.nan),
        longer=np.full(n, np.nan),
    )


def read_weekly(setting: Setting, seed: int) -> list[Shown]:
    """Draws a year's cases and gives what is told of them at the end of each week."""
    cases = drawn(setting, seed)
    told = drawn_in_tens(cases, carriers_of(cases.office, cases.day))
    offices = sorted(set(told.office.tolist()))
    return [compared(told, offices, 7 * (week + 1) + FOLLOWED_DAYS) for week in range(LOOKS)]


def compared(told: Drawn, offices: Sequence[str], as_of: int) -> Shown:
    """Compares the groups of some offices, as the ledger does: summed up office by office."""
    each = (told.where(told.office == office) for office in offices)
    return shown_against_control([sums_of(one, as_of) for one in each])


def _points(setting: Setting) -> float:
    return setting.points


OF: dict[str, tuple[Callable[[Shown], Effect | None], Callable[[Setting], float]]] = {
    "outcome": (lambda one: one.outcome, _points),
    "minutes": (lambda one: one.minutes, lambda setting: setting.minutes),
    "first tier": (lambda one: one.groups.get("FIRST"), _points),
}


def measure(setting: Setting, draws: int, first: int = FIRST_SEED) -> dict[str, list[Read]]:
    """Reads so many draws weekly, by what is told of."""
    years = [read_weekly(setting, first + seed) for seed in range(draws)]
    return {
        name: [Read([of(week) for week in year], truth(setting)) for year in years]
        for name, (of, truth) in OF.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.control", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--draws", type=int, default=400)
    parser.add_argument("--only", type=int, nargs="*", help="settings by place")
    parser.add_argument("--years", type=int, default=0)
    asked = parser.parse_args()
    if asked.years:
        _years(asked.years)
        return
    print("| setting | of | ever wrong | year holds | half | found |")
    print("|---|---|---:|---:|---:|---:|")
    for place, setting in enumerate(SETTINGS):
        if asked.only and place not in asked.only:
            continue
        for name, reads in measure(setting, asked.draws).items():
            last = [one.told[-1] for one in reads if one.told[-1]]
            if not last:
                print(f"| {setting.name} | {name} | too few | | | |", flush=True)
                continue
            held = [one.low <= reads[0].truth <= one.high for one in last]
            half = np.mean([(one.high - one.low) / 2 for one in last])
            cells = [share([one.ever_wrong for one in reads]), share(held), f"{half:.3f}",
                     share([one.ever_claimed for one in reads])]  # fmt: skip
            print(f"| {setting.name} | {name} | " + " | ".join(cells) + " |", flush=True)


def _years(count: int) -> None:
    held: dict[tuple[str, str], list[bool]] = {}
    for number in range(count):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "year"
            extent = Extent(seed=FIRST_SEED + number, lots=Lots(control=0.1))
            truth = simulate_year(folder, extent, models=Path("models"), policies=Path("policies"))
            store = open_to_read(f"sqlite:///{folder}/journal.db")
            entries, _ = read_entries(store)
            days = {
                one: days_told(entries.where(entries.office == one)) for one in truth["offices"]
            }
            told = drawn_in_tens(read_by_case(store, Draws), Carriers(days))
            store.close()
        last = (extent.last_day - EPOCH).days
        for ref, true in truth["shown"].items():
            offices = sorted(truth["offices"]) if ref == "ALL" else [ref]
            found = compared(told, offices, last)
            for of in ("outcome", "minutes"):
                one: Effect | None = getattr(found, of)
                if one is not None:
                    kind = ("all" if ref == "ALL" else "an office", of)
                    held.setdefault(kind, []).append(one.low <= true[of] <= one.high)
    print(f"| of {count} simulated years | of | told | holds the truth |\n|---|---|---:|---:|")
    for (scope, of), flags in sorted(held.items()):
        print(f"| {scope} | {of} | {len(flags)} | {share(flags)} |")


if __name__ == "__main__":
    main()
