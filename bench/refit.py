"""What refitting on all cases would be worth, and change: `python -m bench.refit`.

`fit` learns from the earlier seven tenths of the cases, measures on the later three, and serves
what it measured (ADR 9). On problems with known counterfactuals, the tables of seven tenths and
those of all 20,000 cases choose for the same fresh cases. Printed as Markdown: what the tables of
all are worth more, as a share of the attainable gain, without a budget and at each, and the share
of cases whose mix differs. Standard errors over seeds are in brackets.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass

import numpy as np

from bench.learning.known import logged_and_fresh, scored
from bench.learning.worth import BUDGETS
from bench.plans import PROBLEMS, Problem
from training import learn
from training.data.hold_out import SHARE
from training.learning.scores import Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Refitted:
    """Both tables on one seed.

    Attributes:
        kept: share of the attainable gain of the tables of seven tenths, without a budget and at
            each.
        all: of the tables of all cases.
        differ: share of cases whose best mix differs.
    """

    kept: tuple[float, ...]
    all: tuple[float, ...]
    differ: float


def refitted(name: str, seed: int) -> Refitted:
    """Learns from seven tenths and from all, and judges both on fresh cases."""
    logged, fresh = logged_and_fresh(name, seed)
    part, whole = (
        _values(logged, cases, fresh, seed)
        for cases in (round((1 - SHARE) * len(logged.mix)), len(logged.mix))
    )
    return Refitted(
        kept=scored(fresh, 0.0, part).gains,
        all=scored(fresh, 0.0, whole).gains,
        differ=float((part.argmax(axis=1) != whole.argmax(axis=1)).mean()),
    )


def _values(logged: Problem, cases: int, fresh: Problem, seed: int) -> Floats:
    learned = learn(
        logged.rows[:cases],
        logged.mix[:cases],
        logged.outcome[:cases],
        calibrate=False,
        seed=seed,
        jobs=1,
    )
    return learned.values(fresh.rows)


def _told(numbers: Floats) -> str:
    return f"{numbers.mean():.3f} ({numbers.std(ddof=1) / len(numbers) ** 0.5:.3f})"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.refit", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5, choices=range(2, 101), metavar="N")
    parser.add_argument("--problem", action="append", choices=list(PROBLEMS))
    asked = parser.parse_args()

    at = ["free", *(f"at {budget:.0f} min" for budget in BUDGETS)]
    print(
        "| problem | seven tenths, free |", " | ".join(f"more, {one}" for one in at), "| differ |"
    )
    print("|---|---:|" + "---:|" * (len(at) + 1))
    for name in asked.problem or PROBLEMS:
        found = []
        for seed in range(asked.seeds):
            found.append(refitted(name, seed))
            print(name, seed, found[-1], file=sys.stderr, flush=True)
        kept, more = np.array([one.kept for one in found]), np.array([one.all for one in found])
        cells = [_told(kept[:, 0]), *(_told(one) for one in (more - kept).T)]
        cells.append(_told(np.array([one.differ for one in found])))
        print(f"| {name} |", " | ".join(cells), "|", flush=True)


if __name__ == "__main__":
    main()
