"""From logged cases to a judged model: learn on the earlier ones, compile, evaluate on the later ones, judge."""

from __future__ import annotations

import dataclasses
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from router.decision.catalogue import Catalogue
from router.decision.decide import Decider
from router.decision.policy import Policy
from router.decision.tables import DecisionTables
from router.features import FEATURES
from training.compile import Parity, compile_tables
from training.dataset import LoggedCases
from training.drift import field_figures
from training.encoding import Encoding, encoding_for
from training.evaluate import Measured, evaluate
from training.figures import Figures, HeldOut
from training.hold_out import hold_out
from training.learned import Learned, Watch, nobody_watches
from training.learner import learn
from training.scores import CLIP, Floats

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rival:
    """The promoted version that a candidate is compared with."""

    version: str
    tables: DecisionTables


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


def fit(
    cases: LoggedCases,
    catalogue: Catalogue,
    policy: Policy,
    *,
    version: str,
    trained_at: str,
    synthetic: bool,
    rival: Rival | None = None,
    seed: int = 1,
    jobs: int = 1,
    watch: Watch = nobody_watches,
) -> Fitted:
    """Fits a version and measures it. Equal arguments give equal tables, to the byte.

    Args:
        cases: all logged cases; the later three tenths are held out.
        catalogue: the mixes.
        policy: with which candidate and rival decide on the held-out cases.
        version: name of the version.
        trained_at: time to note, ISO 8601.
        synthetic: whether the cases are.
        rival: the promoted version, if any.
        seed: of everything random.
        jobs: fits at once.
        watch: told how far each phase is.

    Raises:
        NotAdditive: if the tables do not reproduce the students.
        ValueError: if too few cases are left to learn from or to measure on.
    """
    earlier, later, by = hold_out(cases, seed)
    encoding = encoding_for(FEATURES, earlier.rows, earlier.outcome)
    learned = learn(
        encoding.inputs(earlier.rows),
        earlier.mix,
        earlier.outcome,
        earlier.minutes,
        earlier.propensity,
        confounders=_confounders(encoding, earlier),
        monotone=encoding.monotone,
        seed=seed,
        jobs=jobs,
        watch=watch,
    )
    seconds = dict(learned.seconds)
    tables, parity = _timed(
        "tables", lambda: compile_tables(learned.students, encoding, earlier.rows, learned.error_scale), seconds, watch
    )
    candidate = Decider(tables=tables, catalogue=catalogue, policy=policy)
    promoted = Decider(tables=rival.tables, catalogue=catalogue, policy=policy) if rival else None
    columns = [FEATURES.features[column].name for column in encoding.columns.tolist()]
    measured = _timed(
        "evaluation",
        lambda: evaluate(
            later,
            candidate,
            promoted,
            learned.taught(encoding.inputs(later.rows)),
            weights=learned.weights,
            pairs=tuple((columns[first], columns[second]) for first, second in learned.pairs),
            seed=seed,
        ),
        seconds,
        watch,
    )
    figures = Figures(
        version=version,
        synthetic=synthetic,
        trained_at=trained_at,
        trained_on=len(earlier.mix),
        held_out=HeldOut(by=by, cases=len(later.mix), first=_day(later, 0), last=_day(later, 1)),
        promoted=rival.version if rival else "",
        fields=field_figures(earlier.rows, rival.tables if rival else None),
        error_scale=learned.error_scale,
        clipped=float((learned.chances[np.arange(len(earlier.mix)), earlier.mix] < CLIP).mean()),
        seconds={phase: round(spent, 1) for phase, spent in seconds.items()},
        peak_memory_mib=round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        **_parts(measured),
    )
    return Fitted(
        learned=learned, encoding=encoding, tables=tables, parity=parity, cases=earlier, figures=figures
    )  # fmt: skip


def _parts(measured: Measured) -> dict[str, Any]:
    return {part.name: getattr(measured, part.name) for part in dataclasses.fields(measured)}


def _confounders(encoding: Encoding, cases: LoggedCases) -> Floats:
    """What advisers go by beside the model's features: safeguard fields, office, and the time of the decision."""
    columns = [encoding.others(cases.rows)]
    if cases.offices is not None:
        columns.append(np.unique(cases.offices, return_inverse=True)[1].astype(np.float64)[:, None])
    if cases.days is not None:
        columns.append((cases.days - cases.days.min()).astype(np.float64)[:, None])
    return np.concatenate(columns, axis=1)


def _timed(phase: str, call: Callable[[], T], seconds: dict[str, float], watch: Watch) -> T:
    began = time.perf_counter()
    watch(phase, 0, 1)
    found = call()
    watch(phase, 1, 1)
    seconds[phase] = time.perf_counter() - began
    return found


def _day(cases: LoggedCases, end: int) -> str:
    return cases.dates[end].isoformat() if cases.dates else ""
