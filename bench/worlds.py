"""What there is to gain in each world that can be simulated: `python -m bench.worlds`.

Each seed draws people of whom all is known; the best permitted mix of each is found by the truth,
at the shipped price and within the shipped safeguards. Printed as Markdown: the share of people
whose best mix each is, what choosing by case gains over the best single mix for all, in outcome
points of 100 less the price of minutes, and what phone calls and a dialogue add to the plan on
one's own, which the trials measured. Standard errors over seeds are in brackets.

    --learned CASES  also learns from simulated logs, without calibration, and judges the tables
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bench.evaluation import POLICIES, SHIPPED
from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.decision.schema import Rows
from router.policies.offices import load_policy
from training.data.dataset import LoggedCases, read_cases
from training.evaluation.attainable import Attainable, attainable
from training.learning.compile import compile_tables
from training.learning.confounders import confounders
from training.learning.encoding import encoding_for
from training.learning.learner import learn
from training.learning.scores import Floats
from training.simulation.effects import mix_values
from training.simulation.population import draw_population
from training.simulation.simulate import record, simulate, write_simulation
from training.simulation.worlds import WORLDS, World

CATALOGUE = SHIPPED
NATIONAL = load_policy(POLICIES / "national.toml", CATALOGUE)
CASES, FIRST_SEED, FRESH = 20_000, 3000, 500
_SAFEGUARDS = CompiledSafeguards(
    features=FEATURES,
    catalogue=CATALOGUE,
    rules=rulebook(FEATURES, NATIONAL.limits),
    menu=NATIONAL.menu,
)
_COSTS = NATIONAL.price * CATALOGUE.minutes
_TRIAL = ("SELF_SERVICE", "DIALOGUE_AND_PHONE")
"""The contrast that UWV/SEO 2017-18 measured: online alone, and talks beside it."""


def drawn(cases: int, seed: int, world: World) -> tuple[Rows, Floats]:
    """Draws people as recorded, shape (n, fields), and the true value of every mix, (n, K).

    Only those whom a mix may be advised to.
    """
    rng = np.random.default_rng(seed)
    true = draw_population(rng, cases)
    recorded = record(rng, true)
    rows = np.column_stack([recorded[name] for name in FEATURES.names]).astype(np.uint16)
    served = _SAFEGUARDS.offered(rows).any(axis=1)
    return rows[served], mix_values(true, CATALOGUE, world)[served]


def measured(rows: Rows, truth: Floats, decider: Decider | None = None) -> Attainable:
    """Measures what could be gained for these people, and what a decider gets of it."""
    chosen = None if decider is None else decider.decide(rows).mix
    return attainable(truth, _SAFEGUARDS.offered(rows), _COSTS, chosen)


def _log(cases: int, seed: int, world: World) -> LoggedCases:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "cases.parquet"
        write_simulation(simulate(cases, seed, CATALOGUE, world), path)
        return read_cases([path], CATALOGUE)


def learned(logged: LoggedCases, seed: int) -> Decider:
    """Learns as a fit does, from all these cases and without calibrated errors."""
    encoding = encoding_for(FEATURES, logged.rows, logged.outcome)
    lightest = _SAFEGUARDS.lightest(logged.rows)
    beside = confounders(
        encoding.others(logged.rows), lightest, logged.office_numbers(), logged.days
    )
    found = learn(
        encoding.inputs(logged.rows),
        logged.mix,
        logged.outcome,
        logged.minutes,
        logged.propensity,
        confounders=beside,
        monotone=encoding.monotone,
        calibrate=False,
        seed=seed,
    )
    tables, _ = compile_tables(found.students, encoding, logged.rows, found.error_scale)
    return Decider(tables=tables, catalogue=CATALOGUE, policy=NATIONAL)


def _line(name: str, numbers: Sequence[float], digits: int) -> str:
    mean = f"{np.mean(numbers):.{digits}f}"
    if len(numbers) == 1:
        return f"| {name} | {mean} |"
    return f"| {name} | {mean} ({np.std(numbers, ddof=1) / len(numbers) ** 0.5:.{digits}f}) |"


def _table(world: World, seeds: int, cases: int) -> str:
    found, trial = [], []
    light, talks = (CATALOGUE.ids.index(mix) for mix in _TRIAL)
    for seed in range(FIRST_SEED, FIRST_SEED + seeds):
        rows, truth = drawn(CASES, seed + FRESH, world)
        decider = learned(_log(cases, seed, world), seed) if cases else None
        found.append(measured(rows, truth, decider))
        trial.append(100 * float((truth[:, talks] - truth[:, light]).mean()))
        print(world.name, seed, found[-1], file=sys.stderr, flush=True)

    lines = [f"**{world.name}**: {world.about}", "", "| | |", "|---|---:|"]
    for number, mix in enumerate(CATALOGUE.ids):
        lines.append(_line(mix, [100 * one.mixes[number] for one in found], 1))
    lines.append(_line("most to gain, points", [100 * one.gain for one in found], 3))
    if cases:
        shares = [one.share for one in found if one.share is not None]
        lines.append(_line(f"share of it from {cases:,} cases", shares, 2))
    lines.append(_line(f"{_TRIAL[1]} less {_TRIAL[0]}, points", trial, 2))
    return "\n".join(lines) + "\n"


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.worlds", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--world", action="append", choices=list(WORLDS), help="only this one")
    parser.add_argument("--learned", type=int, default=0, metavar="CASES")
    asked = parser.parse_args()
    for name in asked.world or WORLDS:
        print(_table(WORLDS[name], asked.seeds, asked.learned))


if __name__ == "__main__":
    main()
