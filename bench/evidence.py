"""What findings are worth, right and wrong: `python -m bench.evidence`.

Each seed simulates a log of 20,000 cases, and as many others to be judged on, whose true values are
known. "Right" findings are those of policies/evidence.toml with the sizes that fit the simulated
truth best, so a best case; "flipped" have the opposite sign; "wrong people" the right sizes, each
for the people of the next finding that names any. Day one is the findings alone.

    share of the attainable = (net - best single mix's) / (the oracle's - best single mix's)
    net = mean over cases of (true value - price * minutes)

"Free" may choose any mix, "safe" only what safeguards permit. Of the stack, before distillation,
without teachers: at this size their weight is 0 in this world. Printed as Markdown; losses are in
outcome, 0.001 is a tenth of a point.
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
from training.evidence.evidence import Evidence
from training.evidence.evidence_file import load_evidence
from training.evidence.evidence_prior import evidence_prior
from training.evidence.evidence_tables import evidence_tables
from training.learning.confounders import confounders
from training.learning.crossfit import NestedNuisances, cross_fit_nested
from training.learning.encoding import encoding_for
from training.learning.scores import Floats
from training.learning.stack import centred
from training.learning.weigh import weigh

CASES, FIRST_SEED, FRESH = 20_000, 3000, 500
Judge = Callable[[Floats], tuple[float, float]]


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

    def judged(values: Floats) -> tuple[float, float]:
        found = net(values)
        return (found - single) / (oracle - single), oracle - found

    return judged


def one_seed(seed: int, price: float) -> dict[str, tuple[float, float, float, float]]:
    """Gives each way's share and regret, free and safe."""
    cases, truth = bench.evaluation.simulated(CASES, seed, 1.0)
    fresh, fresh_truth = bench.evaluation.simulated(CASES, seed + FRESH, 1.0)
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

    def joined(evidence: Evidence | None) -> Floats:
        prior = evidence_prior(evidence, encoding, CATALOGUE) if evidence else None
        found = weigh(
            nobody,
            scores,
            fold=nuisances.fold,
            chances=nuisances.chances,
            mean=nuisances.mean,
            rows=rows,
            mix=cases.mix,
            outcome=cases.outcome,
            prior=prior,
        )
        told = found.joined
        if told:
            line = f"slope {told.slope:.2f} ({told.slope_error:.2f}), taken {told.weight:.2f}"
            print(seed, line, f"chi-square {told.chi_square:.1f}", file=sys.stderr, flush=True)
        means = found.means.mean(axis=0)
        return found.with_prior(lambda some: np.tile(means, (len(some), 1)))(others)

    shipped = load_evidence(POLICIES / "evidence.toml")
    fitting = right(shipped, cases.rows, truth)
    kinds = {
        "shipped": shipped,
        "right": fitting,
        "flipped": flipped(fitting),
        "wrong people": for_wrong_people(fitting),
    }
    values = {"learned alone": joined(None)}
    values |= {f"joined, {name}": joined(one) for name, one in kinds.items()}
    for name, one in kinds.items():
        tables = evidence_tables(one, FEATURES, CATALOGUE)
        values[f"day one, {name}"] = tables.fold_values(fresh.rows).mean(axis=2)
    return {name: (*free(one), *safe(one)) for name, one in values.items()}


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
    asked = parser.parse_args()

    found = [one_seed(FIRST_SEED + number, asked.price) for number in range(asked.seeds)]
    print(f"{asked.seeds} logs of {CASES:,} cases, price {asked.price:g}\n")
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
