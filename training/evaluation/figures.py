"""The figures of a version, as plain values: evaluation measures, gate, report and card read.

`models/<version>/figures.json` holds them. Outcomes are on the scale of the log, 0 to 1; minutes
are adviser minutes a case over a mix's weeks; shares run from 0 to 1; intervals are two-sided 90
per cent.
"""

from __future__ import annotations

from dataclasses import dataclass

from router.decision.severity import Proof
from training.evaluation.attainable import Attainable

ESTIMATORS = ("dr", "sndr", "snips", "ips")
"""Doubly robust (primary), self-normalised of both kinds, plain inverse propensity."""
LOGGED, ESTIMATED = "logged", "estimated"
"""Where propensities are from: the log, or a model of it."""
RIVALS = ("promoted", "todays_rule")
"""Policies that a candidate must beat."""
OK, NOT_ENOUGH = "ok", "not enough overlap to say"
"""Verdicts on a policy's overlap with the log."""
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
STRONGEST = 20.0
"""The largest odds ratio that hidden confounding is looked for at."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A mean with its standard error and 90 per cent interval."""

    value: float
    error: float
    low: float
    high: float


@dataclass(frozen=True, slots=True, kw_only=True)
class PolicyFigures:
    """What one policy would be worth on the held-out cases.

    Attributes:
        name: "candidate", "promoted", "logged", "todays_rule" or "uniform:<MIX>".
        estimates: by estimator's name.
        minutes: mean adviser minutes a case.
        effective_cases: (sum of weights)^2 / sum of squared weights, over the cases whose logged
            mix the policy gives.
        matched: cases whose logged mix the policy gives.
        rare: share of cases whose policy mix had a propensity below 0.01.
        mixes: share of cases by mix id.
        verdict: "ok", or "not enough overlap to say".
    """

    name: str
    estimates: dict[str, Estimate]
    minutes: float
    effective_cases: float
    matched: int
    rare: float
    mixes: dict[str, float]
    verdict: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """Doubly robust difference of two policies on the same cases, paired.

    Attributes:
        better: the policy that the other is taken from.
        than: the other.
        outcome: `better` minus `than`.
        minutes: likewise.
    """

    better: str
    than: str
    outcome: Estimate
    minutes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupFigures:
    """One group of held-out cases; a group under 50 cases is suppressed and its figures are None.

    Attributes:
        source: "schema" or "audit".
        field: the field that defines the group.
        group: its value, "unknown" included.
        cases: how many, in tens; 0 where suppressed.
        candidate: value under the candidate.
        logged: value under the logged policy.
        gain: candidate minus logged, paired.
        minutes: mean minutes under the candidate; `logged_minutes` under the logged policy.
        hours_share: share of all the candidate's minutes.
        mixes: the candidate's share of cases by mix id.
        calibration: mean predicted minus mean doubly robust value of the candidate's mixes.
    """

    source: str
    field: str
    group: str
    cases: int
    suppressed: bool
    candidate: Estimate | None
    logged: Estimate | None
    gain: Estimate | None
    minutes: float | None
    logged_minutes: float | None
    hours_share: float | None
    mixes: dict[str, float] | None
    calibration: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenth:
    """One tenth of the held-out cases by what the model predicts, and what was observed."""

    predicted: float
    observed: Estimate
    cases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Predicted contrasts against doubly robust ones: slope 1 and error 0 are perfect."""

    tenths: tuple[Tenth, ...]
    slope: Estimate
    error: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Reliability:
    """Shown probabilities of the mixes that cases were given, against their outcomes.

    Attributes:
        tenths: of the held-out cases by shown probability.
        error: expected calibration error, the mean distance of the tenths from the diagonal.
        low: lower end of its interval, at least 90 per cent.
        high: upper end.
        chance: the error that chance alone would give, were every probability right.
    """

    tenths: tuple[Tenth, ...]
    error: float
    low: float
    high: float
    chance: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Heterogeneity:
    """Permutation test that effects vary at all between cases; `found` if p_value is below 0.05."""

    statistic: float
    p_value: float
    permutations: int
    found: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class CostPoint:
    """The best the model can do at so many minutes a case, and what a rule blind to it does."""

    minutes: float
    outcome: Estimate
    blind: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Sensitivity:
    """How strong hidden confounding must be to take away the gain over another policy.

    Attributes:
        than: the policy compared with.
        gamma: odds ratio by which unseen severity may tilt the choice of mixes until the interval's
            lower bound of the gain is 0; 1 if it is not above 0 to begin with.
        bounds: by odds ratio, lowest and highest gain.
    """

    than: str
    gamma: float
    # Odds ratios as text, since JSON has no other keys.
    bounds: dict[str, tuple[float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class MixOverlap:
    """How often advisers chose a mix where they might have.

    Attributes:
        mix: its id.
        logged: share of cases that got it.
        quantiles: of its propensities, at `QUANTILES`.
        below_one_percent: share of cases whose propensity was.
        histogram: cases by propensity, from 0 to 1.
    """

    mix: str
    logged: float
    quantiles: tuple[float, float, float, float, float]
    below_one_percent: float
    histogram: tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Fidelity:
    """What distillation kept of the stack, on held-out cases.

    Attributes:
        contrasts_r2: share of the variance of the stack's contrasts that the tables explain, 0 to
            1.
        best_differs: share of cases whose best mix differs.
        weights: the stack's weight of each teacher.
        pairs: pairs of fields that the tables combine.
        lost: value of the stack's best mixes less that of the tables', paired DR; a share of a gain
            that may be nothing would have no bound. None in figures of before it was measured.
        contrasts: the interval of `contrasts_r2`; None likewise.
        value_kept: what older figures have in the place of `lost`, a ratio of two gains that may
            both be noise: kept as it was written, and never judged.
    """

    value_kept: float | None = None
    contrasts_r2: float
    best_differs: float
    weights: dict[str, float]
    pairs: tuple[tuple[str, str], ...]
    lost: Estimate | None = None
    contrasts: Estimate | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FieldFigures:
    """One field in the training data.

    Attributes:
        name: of the field.
        roles: of the field, sorted.
        bound: of its values, in words.
        unknown: share of cases without a value.
        drift: population stability index from the promoted model's cases; None if it reads none.
    """

    name: str
    roles: tuple[str, ...]
    bound: str
    unknown: float
    drift: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldOut:
    """The cases that only evaluation saw, by "time" when dates exist, else at "random"."""

    by: str
    cases: int
    first: str
    last: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Suspicion:
    """A reason not to believe the cases.

    Attributes:
        kind: "constant", "leak", "copies", "censored", "reversed", "swapped" or "propensity".
        column: of the file.
        problem: what was found, and the bound.
        fix: the way out.
    """

    kind: str
    column: str
    problem: str
    fix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """Some cases that were decided one after the other, both days included."""

    first: str
    last: str
    cases: int
    outcome: Estimate
    mixes: dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Soundness:
    """Whether the cases can be believed, held-out ones too.

    Attributes:
        suspicions: none if nothing was found.
        periods: outcome and mixes over time; none without days.
        clusters: how many different values each column has by which intervals are clustered; none
            if cases count as independent.
    """

    suspicions: tuple[Suspicion, ...]
    periods: tuple[Period, ...]
    clusters: dict[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFit:
    """How well a nuisance predicts cases that it did not see.

    Attributes:
        log_loss: mean, natural logarithms; None for outcomes that are not all 0 or 1.
        blind_log_loss: of the means alone, without a look at the case.
        brier: mean squared distance, summed over mixes for propensities.
        blind_brier: of the means alone.
        calibration: mean distance of tenths by prediction from what was observed.
    """

    log_loss: float | None
    blind_log_loss: float | None
    brier: float
    blind_brier: float
    calibration: float


@dataclass(frozen=True, slots=True, kw_only=True)
class MixDiagnostics:
    """Nuisances and weights of one mix.

    Attributes:
        mix: its id.
        cases: that got it.
        chance: mean estimated propensity of it, to compare with its share of the cases.
        weight: mean weight by known or estimated propensities, which must be 1
            (`weights_by_fields`).
        expected: mean expected outcome of the cases that got it.
        missed: observed less expected outcome of them.
        apart: largest standardised mean difference of a field between these cases and all.
        apart_weighted: the same, these cases weighed by 1 / propensity.
        field: of the latter.
    """

    mix: str
    cases: int
    chance: float
    weight: Estimate
    expected: float
    missed: Estimate
    apart: float
    apart_weighted: float
    field: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Influence:
    """How much of the candidate's value hangs on few cases.

    Attributes:
        largest: the largest weight, in cases.
        top_share: share of all weight that the heaviest hundredth of the matched cases has.
        without: doubly robust value without the ten heaviest cases.
    """

    largest: float
    top_share: float
    without: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class Diagnostics:
    """What the values rest on: nuisances, balance, and the largest weights.

    Attributes:
        propensity: of the estimated propensities.
        outcome: of the expected outcomes.
        explained: share of the outcomes' variance that the expected outcomes explain; below 0 if
            they are worse than the mean.
        mixes: each of them.
        influence: of the largest weights.
    """

    propensity: ModelFit
    outcome: ModelFit
    explained: Estimate
    mixes: tuple[MixDiagnostics, ...]
    influence: Influence


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """What handing over the cases that are less sure than a threshold would be worth.

    Attributes:
        standard_errors: by which the advised mix must lead the next one to be kept.
        share: of cases handed over, those that must be assessed anyway included.
        kept: gain over the log of advising the cases kept; None of fewer than 50.
        given: gain over the log that advising the others would have had; below 0, advisers did
            better; None likewise.
        added: what handing over adds to advising all, a case of all.
    """

    standard_errors: float
    share: float
    kept: Estimate | None
    given: Estimate | None
    added: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class LearnedFrom:
    """What was learned from a part of the cases, with the same settings.

    Attributes:
        cases: of the part, in tens.
        value: of its advice on the held-out cases.
        more: value of the version's advice, learned from all, above that.
    """

    cases: int
    value: Estimate
    more: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceFigures:
    """How published findings and the log were joined, outcome points centred over mixes.

    Attributes:
        version: of the findings' file.
        sha256: of it.
        slope: of the log's differences between people on the findings': 1 if both say the same.
        slope_error: its standard error; None where no finding tells people apart.
        weight: that the findings' differences between people were given.
        chi_square: how far both are apart on the mixes' means, a contrast; about 1 by chance.
        conflict: whether so far that the log's means alone were taken.
        known: mean value by mix id, as the findings have it.
        logged: as the log has it.
        means: as joined.
    """

    version: str
    sha256: str
    slope: float
    slope_error: float | None
    weight: float
    chi_square: float
    conflict: bool
    known: dict[str, float]
    logged: dict[str, float]
    means: dict[str, float]


BY_MODEL, NOT_IDENTIFIED = "by model only", "not at all"
"""Beside `router.versions.synergies.IDENTIFIED`: mixes and log tell a synergy only so, or not."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SynergyOfGroup:
    """The synergy of two channels in one group of cases; `cases` are in tens."""

    field: str
    group: str
    cases: int
    outcome: Estimate


@dataclass(frozen=True, slots=True, kw_only=True)
class SynergyOfPair:
    """What two channels are worth together beyond what each is worth alone.

    Attributes:
        first: a channel.
        second: another.
        identified: `IDENTIFIED`, `BY_MODEL` or `NOT_IDENTIFIED`.
        squares: ids of both, the first alone, the second alone and neither, of each square that was
            measured; each counts alike. Of a pair that is not identified the nearest square.
        missing: ids of the square's mixes that the log lacks, with their adviser minutes.
        answer: `COMPLEMENT`, `SUBSTITUTE` or `CANNOT_TELL`.
        cases: for whom each of the mixes had a chance, in tens.
        overlap: `OK` or `NOT_ENOUGH`.
        outcome: the synergy, outcome points; None unless identified.
        looked: its interval, 97.5 per cent for all pairs at once, by which the answer is given.
        logit: the synergy on the logit scale; None where a mean is not between 0 and 1.
        needed: cases like the logged ones that would tell a synergy of `Synergies.size`, 4 times in
            5; None unless identified.
        needed_even: the same, were each of the four mixes drawn for a quarter of cases.
        groups: those that have overlap enough.
    """

    first: str
    second: str
    identified: str
    squares: tuple[tuple[str, str, str, str], ...]
    missing: dict[str, int]
    answer: str
    cases: int
    overlap: str
    outcome: Estimate | None
    looked: Estimate | None
    logit: Estimate | None
    needed: int | None
    needed_even: int
    groups: tuple[SynergyOfGroup, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Synergies:
    """Synergies of every two channels of the catalogue.

    Attributes:
        pairs: in the contract's order.
        size: outcome points that `needed` counts cases for.
        none: p-value of "no pair has a synergy"; None unless a pair is identified.
        no_substitutes: p-value of "all pairs are complements, or nothing".
        no_complements: p-value of "all pairs are substitutes, or nothing".
    """

    pairs: tuple[SynergyOfPair, ...]
    size: float
    none: float | None
    no_substitutes: float | None
    no_complements: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownFigures:
    """Effects on the outcome of showing plain advice, each as (value, low, high).

    Attributes:
        overall: at all offices told of together.
        groups: by priority.
    """

    overall: tuple[float, float, float] | None
    groups: dict[str, tuple[float, float, float]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Everything measured of one version.

    Attributes:
        trained_on: cases the model was learned from.
        promoted: name of the promoted version it was compared with, or "".
        abstention: share of held-out cases by status, and "UNKNOWN_FIELDS", "RARE_VALUES",
            "CLOSE_OPTIONS" by doubt.
        error_scale: factor that calibration put on the fold spread.
        propensity: where it is from, `LOGGED` or `ESTIMATED`.
        clipped: share of learning cases whose propensity was raised to the learning bound.
        seconds: time of each step of the fit.
        peak_memory_mib: highest resident memory of the fit.
        reliability: of shown probabilities; None in figures of before they were measured.
        severity: the proof that worse never means less contact; None likewise.
        soundness: whether the cases can be believed; None likewise.
        diagnostics: what the values rest on; None likewise.
        evidence: how findings known beforehand were joined; None without any.
        handed_over: what handing over unsure cases would be worth, by threshold; None likewise.
        attainable: what could be gained at most, of simulated cases whose true values were given.
        synergy: of channels; None in figures of before it was measured.
        learning_curve: of parts of the cases, the smallest first; None if nobody asked.
        shown: what showing advice did, as a ledger's textfile told; None if none was given.
    """

    version: str
    synthetic: bool
    trained_at: str
    trained_on: int
    held_out: HeldOut
    promoted: str
    logged_mixes: dict[str, int]
    propensity: str
    policies: tuple[PolicyFigures, ...]
    differences: tuple[Difference, ...]
    sensitivity: tuple[Sensitivity, ...]
    groups: tuple[GroupFigures, ...]
    calibration: Calibration
    heterogeneity: Heterogeneity
    cost_curve: tuple[CostPoint, ...]
    overlap: tuple[MixOverlap, ...]
    fidelity: Fidelity
    fields: tuple[FieldFigures, ...]
    abstention: dict[str, float]
    error_scale: float
    clipped: float
    seconds: dict[str, float]
    peak_memory_mib: int
    reliability: Reliability | None = None
    severity: Proof | None = None
    soundness: Soundness | None = None
    diagnostics: Diagnostics | None = None
    evidence: EvidenceFigures | None = None
    handed_over: tuple[HandedOver, ...] | None = None
    attainable: Attainable | None = None
    synergy: Synergies | None = None
    learning_curve: tuple[LearnedFrom, ...] | None = None
    shown: ShownFigures | None = None

    def policy(self, name: str) -> PolicyFigures | None:
        """Gives the policy of a name, or None."""
        return next((policy for policy in self.policies if policy.name == name), None)

    def difference(self, than: str) -> Difference | None:
        """Gives the candidate's difference to another policy, or None."""
        of_candidate = (one for one in self.differences if one.better == "candidate")
        return next((one for one in of_candidate if one.than == than), None)
