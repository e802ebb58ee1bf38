"""From logged cases to a judged version: learn on the earlier, compile, evaluate on the later."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from router.cases.features import FEATURES
from router.cases.problems import CasesRefused
from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.policy import Policy
from router.decision.rulebook import rulebook
from router.decision.safeguards import CompiledSafeguards
from router.decision.tables import DecisionTables
from training.data.dataset import LoggedCases
from training.data.hold_out import hold_out
from training.data.truth_file import Truth
from training.evaluation.attainable import Attainable, attainable
from training.evaluation.evaluate import Candidate, Rival, evaluate
from training.evaluation.figures import EvidenceFigures, Figures
from training.evaluation.learning_curve import SHARES, Smaller, part_of
from training.evaluation.ready import LEAST_OF_A_MIX, Ready
from training.evidence.evidence import Evidence
from training.evidence.evidence_prior import evidence_prior
from training.learning.at_once import AtOnce, in_threads
from training.learning.compile import Parity, compile_tables
from training.learning.confounders import confounders
from training.learning.crossfit import FOLDS
from training.learning.encoding import Encoding, encoding_for
from training.learning.learned import Learned
from training.learning.learner import Watch, learn, nobody_watches
from training.learning.prior import Prior
from training.learning.scores import CLIP, Floats
from training.learning.teachers import TEACHERS, Teacher

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """What a fit produced.

    Attributes:
        learned: what was learned from the earlier cases.
        encoding: what the students see of a row.
        tables: compiled from the students: what would be served.
        parity: the proof that tables and students are equal.
        cases: the cases it was learned from.
        figures: what was measured on the held-out cases.
    """

    learned: Learned
    encoding: Encoding
    tables: DecisionTables
    parity: Parity
    cases: LoggedCases
    figures: Figures


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run of `fit`.

    Attributes:
        version: name of the version.
        trained_at: time to note, ISO 8601.
        synthetic: whether the cases are.
        rival: the promoted version, if any.
        teachers: by name, whom the stack weighs.
        evidence: findings to know beforehand, or None.
        calibrate: whether standard errors are calibrated; without, they are the folds' spread
            alone, too narrow.
        folds: parts of the cases, 3 to 10 (`learn`).
        at_once: makes the fits.
        curve: whether to learn from parts of the cases too, for the learning curve.
        truth: true values of simulated cases, if known; nothing is learned from them.
        watch: told how far each phase is.
    """

    version: str
    trained_at: str
    synthetic: bool
    rival: Rival | None = None
    teachers: Mapping[str, Teacher] = field(default_factory=lambda: TEACHERS)
    evidence: Evidence | None = None
    calibrate: bool = True
    folds: int = FOLDS
    at_once: AtOnce = field(default_factory=lambda: in_threads(1))
    curve: bool = False
    truth: Truth | None = None
    watch: Watch = nobody_watches


def fit(start: Ready, run: Run) -> Fitted:
    """Fits a version and measures it. Equal arguments give equal tables, to the byte.

    Args:
        start: logged cases, of which the later three tenths are held out, the mixes, and the policy
            with which candidate and rival decide on the held-out cases.
        run: everything else.

    Raises:
        CasesRefused: if there are too few cases for a learning curve that was asked for.
        NotAdditive: if the tables do not reproduce the students.
    """
    # Before minutes are spent: it may be refused.
    parts = curve_parts(start) if run.curve else ()
    catalogue, policy = start.catalogue, start.policy
    earlier, later, by = hold_out(start.cases, start.seed)
    # Of the earlier cases alone: the order of values is learned from outcomes too.
    encoding = encoding_for(FEATURES, earlier.rows, earlier.outcome)
    lightest = _lightest(earlier, catalogue, policy)
    prior = evidence_prior(run.evidence, encoding, catalogue) if run.evidence else None
    learned = _learned(earlier, encoding, lightest, prior, run, start.seed)
    seconds = dict(learned.seconds)

    def compiled() -> tuple[DecisionTables, Parity]:
        return compile_tables(learned.students, encoding, earlier.rows, learned.error_scale)

    tables, parity = _timed("tables", compiled, seconds, run.watch)

    smaller: tuple[Smaller, ...] = ()
    if parts:
        smaller = _timed("curve", partial(_smaller, parts, start, run), seconds, run.watch)

    # In a function, so that the stack's values of the held-out cases count as evaluation's time.
    def measured() -> Figures:
        stack = learned.taught(encoding.inputs(later.rows))
        candidate = replace(
            _candidate(run, earlier, encoding, learned, tables, stack), smaller=smaller
        )
        return evaluate(
            later, by, candidate, run.rival, catalogue, policy, seed=start.seed, at_once=run.at_once
        )

    figures = replace(
        _timed("evaluation", measured, seconds, run.watch),
        soundness=start.sound,
        seconds={phase: round(spent, 1) for phase, spent in seconds.items()},
        # Linux tells it in KiB.
        peak_memory_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        evidence=_joined(run.evidence, learned, catalogue),
        attainable=_attainable(later, tables, catalogue, policy, run.truth),
    )
    return Fitted(
        learned=learned,
        encoding=encoding,
        tables=tables,
        parity=parity,
        cases=earlier,
        figures=figures,
    )


def curve_parts(start: Ready) -> list[LoggedCases]:
    """Gives the parts of the cases that a learning curve learns from, the smallest first.

    Those with too few cases of a mix are left out.

    Raises:
        CasesRefused: if that leaves none, naming the mix and the bound.
    """
    earlier, _, _ = hold_out(start.cases, start.seed)
    least, mixes = LEAST_OF_A_MIX["to learn from"], start.catalogue.ids
    found = []
    for share in SHARES:
        part = earlier.take(part_of(len(earlier.mix), earlier.person_numbers(), share, start.seed))
        counts = np.bincount(part.mix, minlength=len(mixes))
        if counts.min() >= least:
            found.append(part)
    if not found:
        raise CasesRefused(
            f"curve: {SHARES[-1]:.0%} of the cases to learn from hold {counts.min()} of "
            f"{mixes[int(counts.argmin())]}; at least {least} of each mix are needed: give more "
            "cases, or leave --curve out"
        )
    return found


def _smaller(parts: Sequence[LoggedCases], start: Ready, run: Run) -> tuple[Smaller, ...]:
    """Learns from parts of the cases, without calibrated errors: they decide nothing."""
    found = []
    quick = replace(run, calibrate=False, watch=nobody_watches)
    for part in parts:
        encoding = encoding_for(FEATURES, part.rows, part.outcome)
        prior = evidence_prior(run.evidence, encoding, start.catalogue) if run.evidence else None
        lightest = _lightest(part, start.catalogue, start.policy)
        learned = _learned(part, encoding, lightest, prior, quick, start.seed)
        tables, _ = compile_tables(learned.students, encoding, part.rows, learned.error_scale)
        found.append(Smaller(len(part.mix), tables))
    return tuple(found)


def _attainable(
    cases: LoggedCases,
    tables: DecisionTables,
    catalogue: Catalogue,
    policy: Policy,
    truth: Truth | None,
) -> Attainable | None:
    """Measures by the truth what could be gained on these cases, and what the tables get of it."""
    if truth is None:
        return None
    decider = Decider(tables=tables, catalogue=catalogue, policy=policy)
    decided = decider.decide(cases.rows)
    served = np.flatnonzero(decided.permitted.any(axis=1))
    kept = cases.take(served)
    return attainable(
        truth.of(kept.case_refs),
        decided.permitted[served],
        decider.costs(kept.rows),
        decided.mix[served],
    )


def _learned(
    cases: LoggedCases,
    encoding: Encoding,
    lightest: NDArray[np.integer],
    prior: Prior | None,
    run: Run,
    seed: int,
) -> Learned:
    beside = confounders(encoding.others(cases.rows), lightest, cases.office_numbers(), cases.days)
    return learn(
        encoding.inputs(cases.rows),
        cases.mix,
        cases.outcome,
        cases.minutes,
        cases.propensity,
        confounders=beside,
        groups=cases.person_numbers(),
        teachers=run.teachers,
        monotone=encoding.monotone,
        prior=prior,
        calibrate=run.calibrate,
        folds=run.folds,
        seed=seed,
        at_once=run.at_once,
        watch=run.watch,
    )


def _candidate(
    run: Run,
    cases: LoggedCases,
    encoding: Encoding,
    learned: Learned,
    tables: DecisionTables,
    stack: Floats,
) -> Candidate:
    names = [FEATURES.features[column].name for column in encoding.columns.tolist()]
    logged_chance = learned.chances[np.arange(len(cases.mix)), cases.mix]
    return Candidate(
        version=run.version,
        synthetic=run.synthetic,
        trained_at=run.trained_at,
        tables=tables,
        trained_on=cases.rows,
        stack=stack,
        weights=learned.weights,
        pairs=tuple((names[first], names[second]) for first, second in learned.pairs),
        error_scale=learned.error_scale,
        clipped=float((logged_chance < CLIP).mean()),
    )


def _joined(
    evidence: Evidence | None, learned: Learned, catalogue: Catalogue
) -> EvidenceFigures | None:
    joined = learned.joined
    if evidence is None or joined is None:
        return None
    by_mix = {
        name: dict(zip(catalogue.ids, values.tolist(), strict=True))
        for name, values in (
            ("known", joined.known),
            ("logged", joined.logged),
            ("means", joined.means),
        )
    }
    return EvidenceFigures(
        version=evidence.version,
        sha256=evidence.sha256,
        slope=joined.slope,
        # Where no finding tells people apart there is none, and JSON knows no infinity.
        slope_error=joined.slope_error if np.isfinite(joined.slope_error) else None,
        weight=joined.weight,
        chi_square=joined.chi_square,
        conflict=joined.conflict,
        **by_mix,
    )


def _lightest(cases: LoggedCases, catalogue: Catalogue, policy: Policy) -> NDArray[np.integer]:
    rules = rulebook(FEATURES, policy.limits)
    safeguards = CompiledSafeguards(features=FEATURES, catalogue=catalogue, rules=rules)
    return safeguards.lightest(cases.rows)


def _timed(phase: str, call: Callable[[], T], seconds: dict[str, float], watch: Watch) -> T:
    began = time.perf_counter()
    watch(phase, 0, 1)
    found = call()
    watch(phase, 1, 1)
    seconds[phase] = time.perf_counter() - began
    return found
