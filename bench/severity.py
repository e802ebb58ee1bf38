"""What it costs that worse never means less contact: `python -m bench.severity`.

Each seed simulates two logs of 20,000 cases with the true value of every mix: one to learn from,
one to be judged on. The same values are distilled into tables under several orders, and each
version's best permitted mixes at the shipped price are judged by the truth:

    net value = mean over cases of (true value of the mix - price * its minutes)

"truth" distils the true values themselves: what is lost is the order's alone, the most there is to
lose. "learned" distils the stack that was learned from the log, as a fit does. Differences are
paired by seed; standard errors are over seeds. Printed as Markdown, in outcome points of 100.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

import bench.evaluation
from bench.evaluation import POLICIES
from bench.evaluation import SHIPPED as CATALOGUE
from router.cases.features import FEATURES
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.decision.schema import Role
from router.policies.offices import load_policy
from training import learn
from training.data.dataset import LoggedCases
from training.learning.confounders import confounders
from training.learning.distil import distil, strongest_pairs
from training.learning.encoding import Encoding, encoding_for
from training.learning.learner import PAIRS
from training.learning.scores import Floats
from training.learning.stack import centred

NATIONAL = load_policy(POLICIES / "national.toml", CATALOGUE)
CASES, FRESH = 20_000, 500
FIRST_SEED = 2000
FOUR = ("self_assessed_need", "days_since_personal_contact", "digital_skill", "channel_preference")
"""The fields that had an order before the contract stated one for each."""
ONE, NONE, BEFORE, ALL = "one mix for all", "no field", "the four of before", "all fields"


@dataclass(frozen=True, slots=True, kw_only=True)
class Worth:
    """What one version is worth on fresh cases: net value and outcome in points, minutes a case."""

    net: float
    outcome: float
    minutes: float


@dataclass(frozen=True, kw_only=True)
class Seed:
    """One seed's cases to be judged on, and how values are distilled from those to learn from.

    Attributes:
        encoding: what students see of a row.
        rows: (n, fields) of the cases to learn from.
        target: (n, mixes) values to distil, centred.
        fresh: (m, fields) of the cases to be judged on.
        truth: (m, mixes) their true values.
        permitted: (m, mixes) by safeguards and menu.
    """

    encoding: Encoding
    rows: Floats
    target: Floats
    fresh: Floats
    truth: Floats
    permitted: NDArray[np.bool_]

    def worth(self, ordered: Iterable[str]) -> Worth:
        """Distils with an order for some fields alone, and judges what is then chosen."""
        chosen = set(ordered)
        columns = self.encoding.columns.tolist()
        monotone = [int(FEATURES.features[column].name in chosen) for column in columns]
        # The level is the same for every mix, and no choice turns on it.
        level = np.zeros(len(self.rows))
        pairs = strongest_pairs(self.rows, self.target, PAIRS, 0, monotone)
        student = distil(self.rows, self.target, level, pairs, 0, monotone)
        return self._judged(student.values(self.fresh))

    def of_one_mix(self) -> Worth:
        """Judges the mix that is best on average, or the best permitted one by that average."""
        return self._judged(np.broadcast_to(self.target.mean(axis=0), self.truth.shape))

    def _judged(self, values: Floats) -> Worth:
        cost = NATIONAL.price * CATALOGUE.minutes
        mix = np.where(self.permitted, values - cost, -np.inf).argmax(axis=1)
        each = np.arange(len(mix))
        outcome, minutes = self.truth[each, mix], CATALOGUE.minutes[mix]
        return Worth(
            net=100 * float((outcome - cost[mix]).mean()),
            outcome=100 * float(outcome.mean()),
            minutes=float(minutes.mean()),
        )


def seed_of(number: int, strength: float, *, learned: bool) -> Seed:
    """Simulates a seed's two logs, and learns from the first if asked to."""
    cases, truth = bench.evaluation.simulated(CASES, number, strength, CATALOGUE)
    fresh, fresh_truth = bench.evaluation.simulated(CASES, number + FRESH, strength, CATALOGUE)
    encoding = encoding_for(FEATURES, cases.rows, cases.outcome)
    rows = encoding.inputs(cases.rows)
    values = _stack(cases, encoding, rows) if learned else truth

    return Seed(
        encoding=encoding,
        rows=rows,
        target=centred(values),
        fresh=encoding.inputs(fresh.rows),
        truth=fresh_truth,
        permitted=_safeguards(NATIONAL.menu).offered(fresh.rows),
    )


def _safeguards(menu: tuple[str, ...] = ()) -> CompiledSafeguards:
    rules = rulebook(FEATURES, NATIONAL.limits)
    return CompiledSafeguards(features=FEATURES, catalogue=CATALOGUE, rules=rules, menu=menu)


def _stack(cases: LoggedCases, encoding: Encoding, rows: Floats) -> Floats:
    """Learns as a fit does, and gives the stack's values before distillation."""
    lightest = _safeguards().lightest(cases.rows)
    beside = confounders(encoding.others(cases.rows), lightest, cases.office_numbers(), cases.days)
    learned = learn(
        rows,
        cases.mix,
        cases.outcome,
        propensity=cases.propensity,
        confounders=beside,
        monotone=encoding.monotone,
        calibrate=False,
    )
    return learned.taught(rows)


def orders(
    encoding: Encoding, without: Iterable[str], besides: Iterable[str]
) -> dict[str, tuple[str, ...]]:
    """Gives the fields of each order: all but each of some, and all and each of others."""
    ordered = encoding.ordered
    found: dict[str, tuple[str, ...]] = {NONE: (), BEFORE: FOUR, ALL: ordered}
    for name in without:
        found[f"all but {name}"] = tuple(one for one in ordered if one != name)
    for name in besides:
        found[f"all and {name}"] = (*ordered, name)
    return found


def table(worths: Sequence[Mapping[str, Worth]]) -> str:
    """Writes each order's worth, and what it costs beside no order and beside all."""
    lines = [
        "| order | net value | outcome | minutes | less than with no order | more than with all |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name in worths[0]:
        own = [one[name] for one in worths]
        means = (_mean(one.net for one in own), _mean(one.outcome for one in own))
        lost = _paired(worths, NONE, name)
        won = _paired(worths, name, ALL)
        minutes = _mean(one.minutes for one in own)
        lines.append(
            f"| {name} | {means[0]:.3f} | {means[1]:.3f} | {minutes:.1f} | {lost} | {won} |"
        )
    return "\n".join(lines)


def _mean(numbers: Iterable[float]) -> float:
    return float(np.mean(list(numbers)))


def _paired(worths: Sequence[Mapping[str, Worth]], one: str, other: str) -> str:
    differences = np.array([found[one].net - found[other].net for found in worths])
    error = differences.std(ddof=1) / len(differences) ** 0.5 if len(differences) > 1 else np.nan
    return f"{differences.mean():.4f} ({error:.4f})"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.severity", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument(
        "--strength", type=float, default=1.0, help="times the effects of the default world"
    )
    parser.add_argument("--learned", action="store_true", help="learn from the log; else the truth")
    model = [one for one in FEATURES.features if Role.MODEL in one.roles]
    parser.add_argument(
        "--without",
        action="append",
        default=[],
        choices=[one.name for one in model if one.severity],
        metavar="FIELD",
        help="also all but this one",
    )
    parser.add_argument(
        "--besides",
        action="append",
        default=[],
        choices=[one.name for one in model if not (one.severity or one.nominal)],
        metavar="FIELD",
        help="also all and this one, its later values worse than its earlier ones",
    )
    asked = parser.parse_args()

    worths: list[dict[str, Worth]] = []
    for number in range(FIRST_SEED, FIRST_SEED + asked.seeds):
        seed = seed_of(number, asked.strength, learned=asked.learned)
        worths.append({ONE: seed.of_one_mix()})
        for name, ordered in orders(seed.encoding, asked.without, asked.besides).items():
            worths[-1][name] = seed.worth(ordered)
            print(number, name, worths[-1][name], file=sys.stderr, flush=True)
    kind = "learned" if asked.learned else "truth"
    print(f"{kind}, effects times {asked.strength:g}, {asked.seeds} seeds of {CASES:,} cases\n")
    print(table(worths))


if __name__ == "__main__":
    main()
