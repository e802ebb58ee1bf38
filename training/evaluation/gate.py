"""The promotion gate: each condition, measured as `_KINDS` says and judged. A new one: there.

Bounds and explanations are data, in policies/gate.toml. A new condition joins in `_KINDS`, at
the end of this file.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from router.policies.toml_file import TomlTable, read_toml
from training.evaluation.figures import LOGGED, OK, RIVALS, Figures, PolicyFigures
from training.evaluation.propensities import apart
from training.evaluation.sensitivity import survived

WORST_GROUP = "no_group_worse_off"
"""The condition whose value is of one group."""
_NOT_REQUIRED = "Not required"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One condition as gate.toml has it."""

    name: str
    bound: float | bool
    explanation: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """The conditions, and what makes a version "not inferior at fewer minutes".

    Attributes:
        version: of the gate.
        margin: by so many outcome points it may be worse.
        fewer_minutes: so many a case it must save.
        rules: the conditions.
    """

    version: str
    margin: float
    fewer_minutes: float
    rules: tuple[Rule, ...]

    def bound(self, name: str) -> float:
        """Gives the bound of a condition that the gate has."""
        return next(float(rule.bound) for rule in self.rules if rule.name == name)


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """One condition judged.

    Attributes:
        name: as in gate.toml.
        value: measured, or None if it was not or need not be.
        bound: in words, such as "at least 200".
        passed: whether it holds or need not; what had to be measured and was not does not hold.
        explanation: what it means, and what was found beside the value.
        warning: what passed but deserves a look, or "".
    """

    name: str
    value: int | float | bool | None
    bound: str
    passed: bool
    explanation: str
    warning: str

    @property
    def needless(self) -> bool:
        """Whether it passed without being measured, or required: that is no success."""
        # Told from what a condition has always held: verdicts that are on disk have no more.
        return self.passed and (self.value is None or _NOT_REQUIRED in self.explanation)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The judgement by a version of the gate: passed only if every condition is."""

    version: str
    passed: bool
    conditions: tuple[Condition, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Evidence:
    figures: Figures
    gate: Gate
    parity: float
    features: bool

    @property
    def candidate(self) -> PolicyFigures:
        # `judge` has made sure that there is one.
        return self.figures.policies[
            [policy.name for policy in self.figures.policies].index("candidate")
        ]

    def bound(self, name: str) -> float:
        return self.gate.bound(name)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    value: int | float | bool | None
    passed: bool | None = None
    remark: str = ""
    warning: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a condition is measured.

    Attributes:
        measure: the figure, or more than that.
        sense: how it is compared with the bound: "at least", "at most", "above" or "is".
        lower: the least that the bound may be.
        upper: the most.
    """

    measure: Callable[[_Evidence], _Found | float]
    sense: str
    lower: float = 0.0
    upper: float = 1.0


def load_gate(path: Path) -> Gate:
    """Reads and checks the gate. Every known condition must be there, once.

    Raises:
        PolicyError: naming file, key, value and bound.
    """
    table = read_toml(path)
    # Up to twice as many are read, so that one given twice is refused by its name.
    gate = Gate(
        version=table.text("version"),
        margin=table.number("margin", 0, 0.05),
        fewer_minutes=table.number("fewer_minutes", 0, 400),
        rules=tuple(_rule(entry) for entry in table.tables("condition", 1, 2 * len(_KINDS))),
    )
    table.finish()

    names = [rule.name for rule in gate.rules]
    for name in _KINDS:
        if names.count(name) != 1:
            raise table.error(
                "condition", f"{name} is there {names.count(name)} times; it must be there once"
            )
    return gate


def _rule(table: TomlTable) -> Rule:
    name = table.one_of("name", tuple(_KINDS))
    kind = _KINDS[name]
    bound = (
        table.boolean("bound")
        if kind.sense == "is"
        else table.number("bound", kind.lower, kind.upper)
    )

    # A condition can be loosened by its bound, never switched off.
    if bound is False:
        raise table.error("bound", f"{name} must be true")
    rule = Rule(name=name, bound=bound, explanation=table.text("explanation"))
    table.finish()
    return rule


def of_any_policy(gate: Gate) -> Gate:
    """Gives the gate without what is asked of tables alone, for policies that were made elsewhere.

    They are never served, so nothing that a user would be shown of them need be right.
    """
    return replace(gate, rules=tuple(rule for rule in gate.rules if rule.name not in _OF_TABLES))


def judge(figures: Figures, gate: Gate, *, parity_difference: float, features_ok: bool) -> Verdict:
    """Judges figures by every condition.

    Args:
        figures: of the candidate.
        gate: the conditions.
        parity_difference: largest difference of the tables from their students, outcome points.
        features_ok: whether the version's feature set is the service's.

    Raises:
        ValueError: if the figures have no candidate.
    """
    if figures.policy("candidate") is None:
        raise ValueError("figures: lack the policy candidate")
    evidence = _Evidence(figures=figures, gate=gate, parity=parity_difference, features=features_ok)
    conditions = tuple(_judged(rule, evidence) for rule in gate.rules)
    passed = all(condition.passed for condition in conditions)
    return Verdict(version=gate.version, passed=passed, conditions=conditions)


def _judged(rule: Rule, evidence: _Evidence) -> Condition:
    kind = _KINDS[rule.name]
    measured = kind.measure(evidence)
    found = measured if isinstance(measured, _Found) else _Found(value=measured)
    # What is not finite was not measured, and does not pass; nor does JSON know a word for it.
    value = None if found.value is None or not math.isfinite(found.value) else found.value
    # "above" is judged by its measure, which sets `passed`; here it would pass when equal.
    holds = value is not None and (
        value <= rule.bound if kind.sense == "at most" else value >= rule.bound
    )

    return Condition(
        name=rule.name,
        value=value,
        bound="yes" if kind.sense == "is" else f"{kind.sense} {rule.bound:g}",
        passed=holds if found.passed is None else found.passed,
        explanation=" ".join(
            text for text in (rule.explanation, found.remark, found.warning) if text
        ),
        warning=found.warning,
    )


def _beats(evidence: _Evidence, than: str) -> _Found:
    figures, gate = evidence.figures, evidence.gate
    if than == "promoted" and not figures.promoted:
        return _Found(value=None, passed=True, remark="Nothing is promoted yet.")
    rival, gain = figures.policy(than), figures.difference(than)
    if rival is None or gain is None:
        return _Found(value=None)
    if not gain.outcome.error > 0:
        # Measured without any doubt: nothing is, so nothing was measured.
        return _Found(value=None, remark="The interval of the gain has no width.")
    if rival.verdict != OK or evidence.candidate.verdict != OK:
        return _Found(
            value=gain.outcome.low, passed=False, remark="There is not enough overlap to say."
        )
    outcome = gain.outcome
    gained = f"{outcome.value:+.4f} ({outcome.low:+.4f} to {outcome.high:+.4f})"
    remark = f"Gain {gained}, at {gain.minutes:+.1f} minutes a case."

    beaten = gain.outcome.low > evidence.bound(f"beats_{than}")
    fewer = gain.outcome.low >= -gate.margin and gain.minutes <= -gate.fewer_minutes
    if fewer and not beaten:
        remark += f" Not inferior by more than {gate.margin:g}, at fewer minutes."
    return _Found(value=gain.outcome.low, passed=beaten or fewer, remark=remark)


def _groups(evidence: _Evidence) -> _Found:
    """Judges groups: one that is shown to lose fails.

    One that merely may lose, as every small group may, is a warning.
    """
    known = [
        (group, group.gain)
        for group in evidence.figures.groups
        if group.gain is not None and group.gain.error > 0
    ]
    if not known:
        return _Found(value=None, remark="No group is large enough to tell.")

    bound = evidence.bound(WORST_GROUP)
    # By the upper end: of many groups some lower end lies below the bound by chance alone.
    worst, gain = min(known, key=lambda one: one[1].high)
    unsure = sum(gain.low < bound <= gain.high for _, gain in known)
    return _Found(
        value=gain.high,
        remark=f"Worst off: {worst.field} {worst.group}, {gain.low:+.3f} to {gain.high:+.3f}.",
        warning=f"{unsure} of {len(known)} groups may lose more than {-bound:g}." if unsure else "",
    )


def _agrees(evidence: _Evidence, estimator: str) -> float:
    primary, other = evidence.candidate.estimates["dr"], evidence.candidate.estimates[estimator]
    # As if the two were independent. They share their cases, so this asks rather too little.
    error = math.hypot(primary.error, other.error)
    apart = abs(primary.value - other.value)
    return apart / error if error > 0 else math.nan


def _slope(evidence: _Evidence) -> _Found:
    slope = evidence.figures.calibration.slope
    if not slope.error > 0:
        return _Found(value=None, remark="The model expects the same gain of every case.")
    away = max(0.0, slope.low - 1, 1 - slope.high)
    return _Found(
        value=away,
        remark=f"Slope {slope.value:.2f} ({slope.low:.2f} to {slope.high:.2f}).",
        warning=""
        if slope.low > 0
        else "The interval of the slope holds 0 as well: so few cases do not tell whether the "
        "gains that the model expects come about.",
    )


def _fidelity_contrasts(evidence: _Evidence) -> _Found:
    return _nothing_to_lose(evidence) or _Found(value=evidence.figures.fidelity.contrasts_r2)


def _nothing_to_lose(evidence: _Evidence) -> _Found | None:
    """Tells of a stack that expects the same contrasts of everybody; else None."""
    kept = evidence.figures.fidelity.contrasts
    if kept is None or kept.error > 0 or kept.value < 1:
        return None
    return _Found(
        value=None,
        passed=True,
        remark="The teachers tell nobody apart: there is nothing that the tables could lose.",
    )


def _fidelity_value(evidence: _Evidence) -> _Found:
    if found := _nothing_to_lose(evidence):
        return found
    lost = evidence.figures.fidelity.lost
    if lost is None:
        return _Found(value=None, remark="Not measured in this version.")
    # By the lower end: whoever differs from the stack in a few cases may have lost nothing.
    return _Found(
        value=lost.low, remark=f"Lost {lost.value:+.4f} ({lost.low:+.4f} to {lost.high:+.4f})."
    )


def _sound_cases(evidence: _Evidence) -> _Found:
    sound = evidence.figures.soundness
    if sound is None:
        return _Found(value=None, remark="Not looked at in this version.")
    told = " ".join(f"Column {one.column}: {one.problem}." for one in sound.suspicions)
    return _Found(value=len(sound.suspicions), remark=told)


def _explained(evidence: _Evidence) -> _Found:
    found = evidence.figures.diagnostics
    if found is None:
        return _Found(value=None, remark="Not measured in this version.")
    share, most = found.explained, evidence.bound("outcome_explained")
    remark = f"Explained {share.value:.3f} ({share.low:.3f} to {share.high:.3f})."
    if share.value > most:
        remark += " The fields together know too much: some were written after the outcome."
    elif not share.low > 0:
        remark += " No field says anything of the outcome: outcomes may be of other cases."
    return _Found(value=share.value, passed=share.low > 0 and share.value <= most, remark=remark)


def _mean_weights(evidence: _Evidence) -> _Found:
    found = evidence.figures.diagnostics
    if found is None:
        return _Found(value=None, remark="Not measured in this version.")
    worst = max(found.mixes, key=lambda one: apart(one.weight), default=None)
    if worst is None:
        return _Found(value=None)
    weight = worst.weight
    remark = f"Farthest: {worst.mix}, {weight.value:.2f} ({weight.low:.2f} to {weight.high:.2f})."
    return _Found(value=apart(weight), remark=remark)


def _intervals(evidence: _Evidence) -> float:
    """Gives the narrowest error: what is known without any doubt was not measured."""
    errors = [one.outcome.error for one in evidence.figures.differences if one.than in RIVALS]
    return min([*errors, evidence.candidate.estimates["dr"].error])


def _sensitivity(evidence: _Evidence) -> _Found:
    figures = evidence.figures
    # Who passed as not inferior gained nothing that could be taken away: the margin must hold.
    levels = {
        gain.than: 0.0
        if gain.outcome.low > evidence.bound(f"beats_{gain.than}")
        else -evidence.gate.margin
        for gain in figures.differences
        if gain.than in RIVALS
    }

    weakest = min(
        (survived(one, levels[one.than]) for one in figures.sensitivity if one.than in levels),
        default=None,
    )

    if figures.propensity != LOGGED:
        return _Found(value=weakest)
    return _Found(
        value=weakest,
        passed=True,
        remark=f"{_NOT_REQUIRED}: the log holds the chances of what was chosen.",
    )


def _not_harmful(evidence: _Evidence) -> _Found:
    """Judges what the service did so far: advice that is shown to harm is not built on.

    Too few cases neither pass in silence nor block: a warning says that nobody knows.
    """
    shown = evidence.figures.shown
    if shown is None or shown.overall is None:
        why = "no textfile of a ledger was given (--shown)."
        if shown is not None:
            why = "there is no control group, or the groups are too small or uneven."
        why = f"Nobody knows whether showing the advice helps: {why}"
        return _Found(value=None, passed=True, warning=why)
    every = {"all": shown.overall, **shown.groups}
    # By the upper end: below the bound it is shown to harm, above it may.
    worst = min(every, key=lambda name: every[name][2])
    value, low, high = every[worst]
    bound = evidence.bound("advice_not_harmful")
    unsure = sum(one[1] < bound <= one[2] for one in every.values())
    return _Found(
        value=high,
        remark=f"Worst: {worst}, {value:+.3f} ({low:+.3f} to {high:+.3f}).",
        warning=f"It cannot be told for {unsure} of {len(every)}." if unsure else "",
    )


# After the functions that it names. A bound beyond its limits here would undo the condition.
_KINDS: dict[str, _Kind] = {
    "sound_cases": _Kind(measure=_sound_cases, sense="at most", upper=0),
    "outcome_explained": _Kind(measure=_explained, sense="at most", lower=0.1, upper=0.9),
    "mean_weights": _Kind(measure=_mean_weights, sense="at most", upper=0.3),
    "intervals": _Kind(measure=_intervals, sense="at least", lower=1e-5, upper=0.01),
    "held_out_cases": _Kind(
        measure=lambda e: e.figures.held_out.cases, sense="at least", lower=100, upper=1e7
    ),
    "overlap": _Kind(measure=lambda e: e.candidate.verdict == OK, sense="is"),
    "effective_cases": _Kind(
        measure=lambda e: e.candidate.effective_cases, sense="at least", lower=50, upper=1e6
    ),
    "rare_share": _Kind(measure=lambda e: e.candidate.rare, sense="at most", upper=0.2),
    "beats_promoted": _Kind(
        measure=lambda e: _beats(e, "promoted"), sense="above", lower=-0.05, upper=0.2
    ),
    "beats_todays_rule": _Kind(
        measure=lambda e: _beats(e, "todays_rule"), sense="above", lower=-0.05, upper=0.2
    ),
    WORST_GROUP: _Kind(measure=_groups, sense="at least", lower=-0.2, upper=0.0),
    "sndr_agrees": _Kind(measure=lambda e: _agrees(e, "sndr"), sense="at most", lower=0.1, upper=2),
    "snips_agrees": _Kind(
        measure=lambda e: _agrees(e, "snips"), sense="at most", lower=0.1, upper=2
    ),
    "calibration_slope": _Kind(measure=_slope, sense="at most", lower=0.1),
    "calibration_error": _Kind(
        measure=lambda e: e.figures.calibration.error, sense="at most", lower=0.005, upper=0.2
    ),
    "fidelity_value": _Kind(measure=_fidelity_value, sense="at most", upper=0.02),
    "fidelity_contrasts": _Kind(measure=_fidelity_contrasts, sense="at least", lower=0.3),
    "sensitivity_gamma": _Kind(measure=_sensitivity, sense="at least", lower=1, upper=5),
    "abstention": _Kind(measure=lambda e: 1 - e.figures.abstention["RECOMMENDED"], sense="at most"),
    "advice_not_harmful": _Kind(measure=_not_harmful, sense="at least", lower=-0.2, upper=0.0),
    "feature_set": _Kind(measure=lambda e: e.features, sense="is"),
    "parity": _Kind(measure=lambda e: e.parity, sense="at most", upper=1e-6),
}
_OF_TABLES = {
    "calibration_slope",
    "calibration_error",
    "fidelity_value",
    "fidelity_contrasts",
    "abstention",
    "feature_set",
    "parity",
}
