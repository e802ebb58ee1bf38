"""What findings are worth, right and wrong: `python -m bench.evidence`.

Each seed simulates a log of 20,000 cases, and as many others to be judged on, whose true values are
known. All findings but "shipped" have the sizes that fit the simulated truth best, so a best case:

    right sizes    those of policies/evidence.toml: of its people, and of its kinds of mixes
    right          these, and one for each difference of the simulated world that is no talk's
    flipped        the right ones with the opposite sign
    wrong people   the right ones, each for the people of the next that names any

"Joined" is with the log, "day one" is the findings alone, "limit" is what is left of a gain when
nothing has to be learned: where a gain is lost is seen beside it.

    share of the attainable = (net - best single mix's) / (the oracle's - best single mix's)
    net = mean over cases of (true value - price * minutes)

"Free" may choose any mix, "safe" only what safeguards permit. Of the stack, before distillation,
without teachers: at this size their weight is 0 in this world. `--tables` also learns as a fit
does, with all teachers, and judges the tables that would be served: minutes a seed. Printed as
Markdown; regret is in outcome, 0.001 is a tenth of a point.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

import bench.evaluation
from bench.evaluation import CATALOGUE, NATIONAL, POLICIES
from router.cases.features import FEATURES
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.decision.schema import Rows
from training.data.dataset import LoggedCases
from training.evidence.evidence import Evidence, Finding
from training.evidence.evidence_file import load_evidence
from training.evidence.evidence_prior import evidence_prior
from training.evidence.evidence_tables import evidence_tables
from training.learning.compile import compile_tables
from training.learning.confounders import confounders
from training.learning.crossfit import NestedNuisances, cross_fit_nested
from training.learning.distil import distil, strongest_pairs
from training.learning.encoding import Encoding, encoding_for
from training.learning.learner import PAIRS, learn
from training.learning.prior import Prior
from training.learning.scores import Floats
from training.learning.stack import centred
from training.learning.weigh import Weighed, weigh
from training.simulation.worlds import DEFAULT, WORLDS, World

CASES, FIRST_SEED, FRESH = 20_000, 3000, 500
# Below a thousandth of a point there is nothing to have a share of.
_LEAST_GAIN = 1e-5
Judge = Callable[[Floats], tuple[float, float]]


def of_this_world(evidence: Evidence, world: World) -> Evidence:
    """Adds a finding for each of a world's terms: its people and its mixes, of no size yet.

    Raises:
        ValueError: if a term's people are told apart by more than one field.
    """
    # Of a study like the others, or the log would have to believe it more or less than them.
    error = float(np.median([one.error for one in evidence.findings]))
    more = []
    for number, term in enumerate(world.terms):
        (who,) = term.who
        slots = {who.field: np.arange(FEATURES[who.field].slots)}
        more.append(
            Finding(
                name=f"{world.name} {number}",
                effect=0.0,
                error=error,
                source=term.source,
                carries_over=1.0,
                talks=term.talks,
                has=term.has,
                lacks=term.lacks,
                field=who.field,
                slots=tuple(np.flatnonzero(who.are(slots)).tolist()),
            )
        )
    return replace(evidence, findings=(*evidence.findings, *more))


def right(evidence: Evidence, rows: Rows, truth: Floats) -> Evidence:
    """Gives findings the sizes that fit the truth of these cases best."""
    kinds = evidence.kinds(CATALOGUE)
    design = np.stack(
        [
            centred(_named(one.field, one.slots, rows)[:, None] * kind[None])
            for one, kind in zip(evidence.findings, kinds, strict=True)
        ],
        axis=-1,
    ).reshape(-1, len(kinds))
    sizes = np.linalg.lstsq(design, centred(truth).ravel(), rcond=None)[0]
    return replace(
        evidence,
        findings=tuple(
            replace(one, effect=float(size), carries_over=1.0)
            for one, size in zip(evidence.findings, sizes, strict=True)
        ),
    )


def flipped(evidence: Evidence) -> Evidence:
    """Turns every finding round."""
    findings = (replace(one, effect=-one.effect) for one in evidence.findings)
    return replace(evidence, findings=tuple(findings))


def for_wrong_people(evidence: Evidence) -> Evidence:
    """Gives each finding for some people the people of the next."""
    some = [one for one in evidence.findings if one.field]
    after = {one.name: other for one, other in zip(some, [*some[1:], some[0]], strict=True)}
    findings = (
        replace(one, field=after[one.name].field, slots=after[one.name].slots) if one.field else one
        for one in evidence.findings
    )
    return replace(evidence, findings=tuple(findings))


def _named(field: str, slots: tuple[int, ...], rows: Rows) -> Floats:
    if not field:
        return np.ones(len(rows))
    return np.isin(rows[:, FEATURES.column(field)], slots).astype(np.float64)


def judge(truth: Floats, price: float, permitted: NDArray[np.bool_] | None) -> Judge:
    """Gives what values are worth: share of the attainable, and what is lost to the best mix."""
    cost = price * CATALOGUE.minutes
    open_to = np.ones(truth.shape, np.bool_) if permitted is None else permitted
    each = np.arange(len(truth))

    def net(values: Floats) -> float:
        mix = np.where(open_to, values - cost, -np.inf).argmax(axis=1)
        return float((truth[each, mix] - cost[mix]).mean())

    oracle = net(truth)
    # One mix for all, or where safeguards forbid it the best by the same average.
    single = net(np.broadcast_to(truth.mean(axis=0), truth.shape))
    gain = oracle - single

    def judged(values: Floats) -> tuple[float, float]:
        found = net(values)
        return (found - single) / gain if gain > _LEAST_GAIN else np.nan, oracle - found

    return judged


def one_seed(
    seed: int, price: float, world: World, *, tables: bool
) -> dict[str, tuple[float, float, float, float]]:
    """Gives each way's share and regret, free and safe."""
    cases, truth = bench.evaluation.simulated(CASES, seed, 1.0, world=world)
    fresh, fresh_truth = bench.evaluation.simulated(CASES, seed + FRESH, 1.0, world=world)
    encoding = encoding_for(FEATURES, cases.rows, cases.outcome)
    rows, others = encoding.inputs(cases.rows), encoding.inputs(fresh.rows)
    nuisances = _nuisances(cases, encoding.others(cases.rows), rows, seed)
    scores = nuisances.scores(nuisances.mu, cases.mix, cases.outcome)
    nobody = np.zeros((1, *scores.shape))

    rules = rulebook(FEATURES, NATIONAL.limits)
    guards = CompiledSafeguards(
        features=FEATURES, catalogue=CATALOGUE, rules=rules, menu=NATIONAL.menu
    )
    free = judge(fresh_truth, price, None)
    safe = judge(fresh_truth, price, guards.offered(fresh.rows))

    def prior(evidence: Evidence | None) -> Prior | None:
        return evidence_prior(evidence, encoding, CATALOGUE) if evidence else None

    def weighed(evidence: Evidence | None) -> Weighed:
        found = weigh(
            nobody,
            scores,
            fold=nuisances.fold,
            chances=nuisances.chances,
            mean=nuisances.mean,
            rows=rows,
            mix=cases.mix,
            outcome=cases.outcome,
            prior=prior(evidence),
        )
        told = found.joined
        if told:
            line = f"slope {told.slope:.2f} ({told.slope_error:.2f}), taken {told.weight:.2f}"
            print(seed, line, f"chi-square {told.chi_square:.1f}", file=sys.stderr, flush=True)
        return found

    def valued(found: Weighed, means: Floats) -> Floats:
        return found.with_prior(lambda some: np.tile(means, (len(some), 1)))(others)

    shipped = load_evidence(POLICIES / "evidence.toml")
    sized = right(shipped, cases.rows, truth)
    fitting = right(of_this_world(shipped, world), cases.rows, truth)
    kinds = {
        "shipped": shipped,
        "right sizes": sized,
        "right": fitting,
        "flipped": flipped(fitting),
        "wrong people": for_wrong_people(fitting),
    }
    means = centred(truth).mean(axis=0)
    one_mix = np.broadcast_to(fresh_truth.mean(axis=0), fresh_truth.shape)
    believed = {name: weighed(one) for name, one in kinds.items()}
    alone = weighed(None)

    values = {"one mix for all": one_mix, "learned alone": valued(alone, alone.means.mean(axis=0))}
    for name, found in believed.items():
        values[f"joined, {name}"] = valued(found, found.means.mean(axis=0))
    for name, one in kinds.items():
        known = evidence_tables(one, FEATURES, CATALOGUE)
        values[f"day one, {name}"] = known.fold_values(fresh.rows).mean(axis=2)

    values["limit: joined, right, true means"] = valued(believed["right"], means)
    for name in ("right", "right sizes"):
        whole = replace(believed[name], belief=1.0)
        values[f"limit: {name}, true means, believed wholly"] = valued(whole, means)
    for name, one in (("right sizes", shipped), ("right", fitting)):
        values[f"limit: people of {name}, any mix"] = _of_people(one, cases, truth, fresh)
    values["limit: the truth as tables"] = _distilled(encoding, rows, truth, others)

    if tables:
        for name in ("learned alone", "right", "flipped", "wrong people"):
            learned = learn(
                rows,
                cases.mix,
                cases.outcome,
                monotone=encoding.monotone,
                prior=prior(kinds.get(name)),
                nuisances=nuisances,
                # Errors turn no choice of a mix.
                calibrate=False,
                seed=seed,
            )
            served, _ = compile_tables(learned.students, encoding, cases.rows, learned.error_scale)
            values[f"tables, {name}"] = served.fold_values(fresh.rows).mean(axis=2)
    return {name: (*free(one), *safe(one)) for name, one in values.items()}


def _of_people(evidence: Evidence, cases: LoggedCases, truth: Floats, fresh: LoggedCases) -> Floats:
    """Fits the truth by the people that findings name, each mix of each as it is."""
    people = dict.fromkeys((one.field, one.slots) for one in evidence.findings)
    design, others = (
        np.column_stack([_named(*one, rows) for one in people]) for rows in (cases.rows, fresh.rows)
    )
    found: Floats = others @ np.linalg.lstsq(design, centred(truth), rcond=None)[0]
    return found


def _distilled(encoding: Encoding, rows: Floats, truth: Floats, others: Floats) -> Floats:
    target, order = centred(truth), encoding.monotone
    pairs = strongest_pairs(rows, target, PAIRS, 0, order)
    return distil(rows, target, np.zeros(len(rows)), pairs, 0, order).values(others)


def _nuisances(cases: LoggedCases, beside: Floats, rows: Floats, seed: int) -> NestedNuisances:
    guards = CompiledSafeguards(
        features=FEATURES, catalogue=CATALOGUE, rules=rulebook(FEATURES, NATIONAL.limits)
    )
    confounding = confounders(
        beside, guards.lightest(cases.rows), cases.office_numbers(), cases.days
    )
    return cross_fit_nested(
        np.column_stack([rows, confounding]),
        cases.mix,
        cases.outcome,
        len(CATALOGUE.mixes),
        propensity=cases.propensity,
        seed=seed,
    )


def main() -> None:
    """Measures and prints."""
    parser = argparse.ArgumentParser(prog="python -m bench.evidence", description=__doc__)
    parser.add_argument("--seeds", type=int, default=5)
    parser.add_argument("--price", type=float, default=0.001, help="of a minute; default 0.001")
    parser.add_argument("--world", choices=WORLDS, default=DEFAULT.name)
    parser.add_argument("--first-seed", type=int, default=FIRST_SEED)
    parser.add_argument("--tables", action="store_true", help="also learn and judge tables")
    asked = parser.parse_args()

    world, seeds = WORLDS[asked.world], range(asked.first_seed, asked.first_seed + asked.seeds)
    found = [one_seed(seed, asked.price, world, tables=asked.tables) for seed in seeds]
    print(f"{asked.seeds} logs of {CASES:,} cases, world {world.name}, price {asked.price:g}\n")
    print("| findings | free: share | regret | safe: share | regret |\n|---|---:|---:|---:|---:|")
    for name in found[0]:
        cells = []
        for number in range(4):
            column = np.array([one[name][number] for one in found])
            error = column.std(ddof=1) / len(column) ** 0.5 if len(column) > 1 else np.nan
            form = ".3f" if number in (0, 2) else ".5f"
            cells.append(f"{column.mean():{form}} ({error:{form}})")
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
