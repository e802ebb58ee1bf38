"""Does the range of ten hours moved hold what they truly give? `python -m bench.hours`.

Each draw makes a truth around the promoted version's tables, and tables that were learned of it: a
value's effect is known with an error as large as the effects differ, and shrunk as learning does;
the folds spread as their standard errors say. Offices have cases of the simulated population, some
more hours for a case than others. Each reckons what ten hours more or fewer give, from the cases
of some weeks; the truth is what the same rule gives in 5,000 other cases of the same population,
by the true tables. Printed, with standard errors over draws: how often the 90 per cent range of an
office holds it, how often that of the best move, how often a move is said to help, and how often
one that does not.

The seeds begin at 11,000,000: nothing was chosen on them.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bench.shares import share
from router.cases.features import FEATURES
from router.commands.score import load_decider
from router.decision.decide import Decider
from router.decision.schema import Rows
from router.decision.tables import Floats
from router.planning.allocate import Allocation
from router.planning.hours_elsewhere import (
    HOURS,
    OfficeHours,
    SpendingPath,
    best_move,
    range_of,
    worth_of_hours,
)
from router.planning.plan import MINUTES_PER_HOUR, plan_caseload
from router.versions.pointers import version_for
from training.simulation.population import draw_population

FIRST_SEED = 11_000_000
_OTHERS = 5_000
_PLENTY = 1e9


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What is simulated.

    Attributes:
        name: of the row.
        cases: of each office.
        minutes: a case above the floors, by office.
        effects: standard deviation of a value's effect on a mix, outcome points.
    """

    name: str
    cases: int = 400
    minutes: tuple[float, ...] = (10.0, 20.0, 30.0, 40.0)
    effects: float = 0.02


SETTINGS = (
    Setting(name="4 offices, hours unlike"),
    Setting(name="4 offices, hours alike, small effects", minutes=(25.0,) * 4, effects=0.005),
    Setting(name="2 offices, hours far apart", minutes=(5.0, 60.0), effects=0.01),
)


def _people(rng: np.random.Generator, count: int) -> Rows:
    drawn = draw_population(rng, count)
    return np.stack([drawn[name] for name in FEATURES.names], axis=1).astype(np.uint16)


def learned(decider: Decider, effects: float, rng: np.random.Generator) -> tuple[Decider, Decider]:
    """Gives what was learned, and the truth that it was learned of."""
    tables = decider.tables
    slots, mixes, folds = tables.values.shape
    # Of a prior and data alike: what is learned is half of what was seen, and so is its variance.
    effect = rng.normal(0, effects, (slots, mixes))
    found = 0.5 * (effect + rng.normal(0, effects, (slots, mixes)))
    spread = (0.5 * effects**2 * folds) ** 0.5 / (folds - 1)
    noise = rng.normal(0, spread, (slots, mixes, folds))
    noise -= noise.mean(axis=2, keepdims=True)
    centre = tables.values.mean(axis=2, keepdims=True)
    intercept = np.repeat(tables.intercept.mean(axis=1, keepdims=True), folds, axis=1)
    pairs = tuple(
        replace(one, values=np.repeat(one.values.mean(axis=2, keepdims=True), folds, axis=2))
        for one in tables.pairs
    )
    of_found = replace(
        tables, values=centre + found[:, :, None] + noise, intercept=intercept, pairs=pairs
    )
    of_truth = replace(
        tables,
        values=np.repeat(centre + effect[:, :, None], folds, axis=2),
        intercept=intercept,
        pairs=pairs,
    )
    return replace(decider, tables=of_found), replace(decider, tables=of_truth)


def floors(decider: Decider, rows: Rows) -> float:
    """Gives the minutes a case that floors take."""
    return plan_caseload(decider, rows, _PLENTY).allocation.floor_minutes / len(rows)


def truth_of(
    allocation: Allocation, expected: Floats, cases: int, left: float
) -> tuple[float, float]:
    """Gives what ten hours more and fewer truly do to so many cases.

    Args:
        allocation: of many other cases, whose steps the learned tables choose.
        expected: (others, mixes) truly.
        cases: of the office.
        left: minutes that the others have above their floors.
    """
    hulls, order = replace(allocation.hulls, expected=expected), allocation.order
    path = SpendingPath(hulls.more_minutes(order), hulls.more_outcome(order), left)
    times = len(expected) / cases
    minutes = HOURS * MINUTES_PER_HOUR * times
    return path.bought(minutes) / times, path.given_up(minutes) / times


def draw(
    setting: Setting, decider: Decider, seed: int
) -> tuple[list[bool], bool | None, bool, bool]:
    """Draws offices once: whether their ranges hold, the move's does, and it is wrongly claimed."""
    rng = np.random.default_rng(seed)
    found, true = learned(decider, setting.effects, rng)
    others = _people(rng, _OTHERS)
    allocation = plan_caseload(found, others, _PLENTY).allocation
    expected = true.decide(others).expected
    offices: dict[str, OfficeHours] = {}
    truths: dict[str, tuple[float, float]] = {}
    held = []
    for number, above in enumerate(setting.minutes):
        name, rows = f"o{number}", _people(rng, setting.cases)
        # An office knows its cases: it has so many minutes more than their floors take.
        budget = (floors(found, rows) + above) * len(rows)
        offices[name] = worth_of_hours(found, rows, budget, seed)
        truths[name] = truth_of(allocation, expected, setting.cases, above * _OTHERS)
        one = range_of(offices[name].more)
        held.append(one.low <= truths[name][0] <= one.high)
    move = best_move(offices)
    if move is None:
        return held, None, False, False
    gain = truths[move.taker][0] - truths[move.giver][1]
    claims = move.gain.sign > 0
    return held, move.gain.low <= gain <= move.gain.high, claims, claims and gain <= 0


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m bench.hours", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--draws", type=int, default=60)
    asked = parser.parse_args()
    models = Path("models")
    decider, _ = load_decider(models / version_for(models, ""), Path("policies"))
    print("| setting | office's range holds | move's range holds | said to help | wrongly |")
    print("|---|---:|---:|---:|---:|")
    for setting in SETTINGS:
        draws = [draw(setting, decider, FIRST_SEED + seed) for seed in range(asked.draws)]
        cells = [
            share([one for held, *_ in draws for one in held]),
            share([held for _, held, *_ in draws if held is not None]),
            share([claims for *_, claims, _ in draws]),
            share([wrong for *_, wrong in draws]),
        ]
        print(f"| {setting.name} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
