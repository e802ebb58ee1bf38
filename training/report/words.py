"""Figures in words: numbers with their units, and the names of policies, mixes and groups."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from functools import cache

from router.texts import Texts, load_texts
from training.evaluation.attainable import Attainable
from training.evaluation.figures import (
    OK,
    STRONGEST,
    Diagnostics,
    Estimate,
    EvidenceFigures,
    Fidelity,
    Figures,
    HandedOver,
    LearnedFrom,
    Reliability,
    Soundness,
)

CASES = 1000
"""Hours and goals are told per so many cases."""
MAIN_POLICIES = ("candidate", "promoted", "todays_rule", "logged")
COMPARED = ("todays_rule", "logged", "promoted")
LEAST_GAIN = 0.0005
"""Under so many outcome points, as a share, a gain is next to nothing."""
# Population stability index: the customary bounds for a look, and for action.
DRIFT_WATCH, DRIFT_ACT = 0.1, 0.25
# Odds ratios below it would be told as 1.00, which is no change of the odds.
_HARDLY = 1.01
_POLICIES = {
    "candidate": "this version",
    "promoted": "the promoted model",
    "logged": "the logged practice",
    "todays_rule": "today's rule",
}
_UNIFORM = "uniform:"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """Names in English, and in Bokmål for mixes."""

    english: Texts
    bokmal: Texts

    def mix(self, mix_id: str) -> str:
        """Names a mix in English; by its id where there is no text."""
        return self.english.mix(mix_id)

    def both(self, mix_id: str) -> str:
        """Names a mix in English, and in Norwegian where there is a name."""
        norwegian = self.bokmal.mix(mix_id)
        return self.mix(mix_id) if norwegian == mix_id else f"{self.mix(mix_id)} ({norwegian})"

    def policy(self, name: str) -> str:
        """Names a policy of the figures."""
        if name.startswith(_UNIFORM):
            return f"{self.mix(name.removeprefix(_UNIFORM))} for all"
        return _POLICIES.get(name, name)

    def field(self, name: str) -> str:
        """Labels a field; a field of the audit file keeps its name."""
        label: str = self.english.entries["feature"].get(name, name.replace("_", " "))
        return label

    def group(self, field: str, value: str) -> str:
        """Labels a field's value; what has no text keeps its own."""
        label: str = self.english.entries["value"].get(field, {}).get(value, value)
        return label

    def doubt(self, one: str) -> str:
        """Tells what a status or a doubt of an abstention says."""
        entries = self.english.entries
        label: str = entries["status"].get(one) or entries["doubt"].get(one) or one
        return label


@cache
def names() -> Names:
    """Gives the names that the service's own texts have."""
    texts = load_texts()
    return Names(english=texts["en"], bokmal=texts["nb"])


def number(value: float, digits: int = 0) -> str:
    """Writes a number with thousands separated by a comma and a true minus sign."""
    return f"{value:,.{digits}f}".replace("-", "−")


def signed(value: float, digits: int = 1) -> str:
    """Writes a number with its sign; what rounds to zero has none."""
    text = f"{value:+,.{digits}f}".replace("-", "−")
    return text[1:] if float(f"{abs(value):.{digits}f}") == 0 else text


def percent(share: float, digits: int = 1) -> str:
    """Writes a share, 0 to 1, in per cent; a share that rounds to nothing but is not says so."""
    smallest = 10.0**-digits
    if 0 < share * 100 < smallest / 2:
        return f"under {smallest:.{digits}f}%"
    return f"{number(share * 100, digits)}%"


def points(value: float) -> str:
    """Writes an outcome difference in percentage points, signed."""
    return signed(value * 100)


def point_range(estimate: Estimate) -> str:
    """Writes the interval of an outcome difference in percentage points."""
    return f"{points(estimate.low)} to {points(estimate.high)}"


def share_range(estimate: Estimate) -> str:
    """Writes the interval of a mean outcome in per cent."""
    return f"{number(estimate.low * 100, 1)} to {number(estimate.high * 100, 1)}"


def is_share(estimate: Estimate) -> bool:
    """Tells if a mean outcome is a share of people.

    With too few cases that were followed up so, doubly robust ones leave 0 to 1.
    """
    return 0 <= estimate.value <= 1


def reached(estimate: Estimate) -> str:
    """Writes a mean outcome in per cent; one that is no share of people is not known."""
    return number(estimate.value * 100, 1) if is_share(estimate) else "not known"


def hours(minutes: float) -> float:
    """Gives adviser hours per 1,000 cases at so many minutes a case."""
    return minutes * CASES / 60


def day(iso: str) -> str:
    """Writes a date, YYYY-MM-DD, with its month in words."""
    return f"{date.fromisoformat(iso):%-d %B %Y}"


def figure(value: object) -> str:
    """Writes what was measured for a condition of the gate, numbers shortened."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float):
        # 0 and 1 are shares or ratios more often than counts.
        if float(value).is_integer() and abs(value) >= 2:
            return number(value)
        return f"{value:.4g}".replace("-", "−")
    return "none" if value is None else str(value)


def condition(name: str) -> str:
    """Names a condition of the gate."""
    return name.replace("_", " ").replace("todays", "today's").replace("held out", "test")


def enough_overlap(figures: Figures, name: str = "candidate") -> bool:
    """Says whether a policy's value can be told at all from the cases logged."""
    policy = figures.policy(name)
    return policy is not None and policy.verdict == OK


def heterogeneity_words(figures: Figures) -> str:
    """Says plainly whether effects vary between cases."""
    test = figures.heterogeneity
    p_value = f"p\u00a0=\u00a0{test.p_value:.3f}"
    facts = f"We tested this with {number(test.permutations)}\u00a0permutations, {p_value}."
    if test.found:
        return f"There is evidence that what a mix is worth differs between cases. {facts}"
    return (
        f"There is no evidence that effects vary between cases. {facts} "
        "A mix may still be better than another on average. "
        "These data do not show that a mix is better for some cases than for others."
    )


def severity_words(figures: Figures) -> str:
    """Says whether a worse value ever makes the tables want less contact."""
    proof = figures.severity
    if proof is None:
        return "Whether a worse value ever means less contact was not looked at in this version."
    fields = f"{number(proof.steps)} steps of {number(len(proof.features))} fields"
    if proof.holds:
        return f"Worse never means less contact: proven for all {fields}."
    return (
        f"A worse value may mean less contact: in {number(len(proof.falls))} of {fields}. "
        "Do not use this version where that matters."
    )


def handed_over_words(found: tuple[HandedOver, ...]) -> str:
    """Says at which thresholds advisers would have done better than the advice."""
    better = [one.standard_errors for one in found if one.added.low > 0]
    worse = [one.standard_errors for one in found if one.added.high < 0]
    # At a lead of nought nobody is handed over but who is in doubt anyway.
    if better and max(better) == 0:
        return "Handing over the cases in doubt pays; of no lead beyond them this can be told."
    if better:
        return f"Handing over pays, from a lead below {number(max(better), 2)} standard errors on."
    if worse and min(worse) == 0:
        return "Handing over costs, even of no more than the cases in doubt (a lead of 0)."
    if worse:
        return f"Handing over costs, from a lead below {number(min(worse), 2)} standard errors on."
    return "Whether handing over unsure cases pays cannot be told at any threshold below."


def curve_words(found: tuple[LearnedFrom, ...]) -> str:
    """Says what the last doubling of cases bought, as far as it can be told."""
    last = found[-1].more
    size = f"{number(100 * abs(last.value), 1)} percentage points"
    told = f"90% interval: {point_range(last)}"
    if last.low > 0:
        return (
            f"More cases pay: the last doubling gave {size} more ({told}). The next may give less."
        )
    if last.high < 0:
        return (
            f"More cases did not pay: the last doubling gave {size} less ({told}). "
            "That is most likely chance, or the cases differ."
        )
    return (
        f"We cannot tell whether more cases pay: the last doubling gave {points(last.value)} "
        f"percentage points ({told})."
    )


def evidence_words(found: EvidenceFigures) -> tuple[str, ...]:
    """Says what the log added to what findings say: on people, then on mixes."""
    if found.slope_error is None:
        people = "No finding tells people apart, so differences between people are the log's alone."
    else:
        people = (
            "Where findings say that people differ by one point, the log says "
            f"{number(found.slope, 2)} (standard error {number(found.slope_error, 2)}). "
            f"The model takes {number(found.weight, 2)}."
        )
    means = (
        "On what each mix is worth on average, findings and log contradict each other "
        f"({number(found.chi_square, 1)} times what chance gives). The model takes the log's alone."
        if found.conflict
        else "On what each mix is worth on average, findings and log agree "
        f"({number(found.chi_square, 1)} times what chance gives). "
        "The model weighs both by their errors."
    )
    return people, means


def reliability_words(found: Reliability) -> str:
    """Tells how far shown probabilities are from outcomes."""
    error, low, high, chance = (
        number(100 * one, 1) for one in (found.error, found.low, found.high, found.chance)
    )
    return (
        f"The probabilities are {error} percentage points from outcomes, on average "
        f"(90% interval: {low} to {high}). Chance alone would give {chance}."
    )


def fidelity_words(found: Fidelity) -> str:
    """Tells what the tables lost of the learners."""
    differs = f"In {percent(found.best_differs)} of the cases another mix is the best one."
    if found.lost is None:
        return f"What the tables lose was not measured in this version. {differs}"
    lost = f"{points(found.lost.value)} percentage points"
    return (
        f"The tables lose {lost} of the stack's value (90% interval: {point_range(found.lost)}). "
        f"{differs}"
    )


def nuisance_words(found: Diagnostics) -> str:
    """Tells how well propensities and outcomes are predicted, against a look at the mean alone."""
    chance, outcome = found.propensity, found.outcome
    share = found.explained
    return (
        f"The propensities have a Brier score of {number(chance.brier, 3)}, "
        f"and {number(chance.blind_brier, 3)} without a look at the case. "
        f"For the outcomes it is {number(outcome.brier, 3)} and {number(outcome.blind_brier, 3)}. "
        f"All fields explain {percent(max(0.0, share.value))} of the spread in outcomes "
        f"(90% interval: {number(100 * share.low, 1)} to {number(100 * share.high, 1)})."
    )


def balance_words(found: Diagnostics) -> str:
    """Tells how like all cases those of each mix are, before and after weights."""
    before = max((one.apart for one in found.mixes), default=0.0)
    after = max((one.apart_weighted for one in found.mixes), default=0.0)
    return (
        f"The cases of a mix differ from all by at most {number(before, 2)} standard deviations "
        f"in a field. With weights it is {number(after, 2)}; 0.1 is thought small."
    )


def influence_words(found: Diagnostics) -> str:
    """Tells how much hangs on the largest weights."""
    heavy = found.influence
    return (
        f"The heaviest case counts for {number(heavy.largest)} cases, and the heaviest hundredth "
        f"has {percent(heavy.top_share)} of all weight. "
        f"Without the ten heaviest, {number(100 * heavy.without.value, 1)}% reach their goal."
    )


def cluster_words(found: Soundness) -> str:
    """Tells by what the intervals are clustered, and by how many."""
    if not found.clusters:
        return "The intervals take each case for itself: the log has no offices or persons."
    named = [f"{number(count)} values of {name}" for name, count in found.clusters.items()]
    return f"The intervals are clustered by {' and '.join(named)}."


def soundness_words(found: Soundness) -> tuple[str, ...]:
    """Tells each reason not to believe the cases, and what to do."""
    if not found.suspicions:
        return ("We found no reason not to believe the cases.",)
    return tuple(f"Column {one.column} {one.problem}. {one.fix}." for one in found.suspicions)


def confounding_words(figures: Figures) -> tuple[str, ...]:
    """Tells how strong hidden confounding must be to take each gain away."""
    found = []
    for one in figures.sensitivity:
        name = names().policy(one.than)
        if one.gamma <= 1:
            found.append(f"There is no evidence of a gain over {name} to begin with.")
        elif one.gamma >= STRONGEST:
            found.append(
                f"The gain over {name} still shows at an odds ratio of {STRONGEST:g}, "
                "the strongest we tried."
            )
        elif one.gamma < _HARDLY:
            found.append(
                f"Advisers saw more than the fields hold. The gain over {name} no longer shows "
                f"if that changed the odds by a factor of {_HARDLY:.2f}."
            )
        else:
            found.append(
                f"Advisers saw more than the fields hold. The gain over {name} still shows "
                f"if that changed the odds by less than a factor of {one.gamma:.2f}."
            )
    return tuple(found)


def weight_words(figures: Figures) -> str:
    """Tells how much each teacher counts in the stack."""
    weights = sorted(figures.fidelity.weights.items(), key=lambda item: (-item[1], item[0]))
    counted = [(name, weight) for name, weight in weights if weight >= 0.005]
    if not counted:
        return "No teacher got any weight in the stack: none held on cases that it had not seen."
    told = "; ".join(f"{name.replace('_', ' ')} {number(weight, 2)}" for name, weight in counted)
    none = [name.replace("_", " ") for name, weight in weights if weight < 0.005]
    rest = f" No weight: {'; '.join(none)}." if none else ""
    return f"Weights in the stack, which need not add up to 1: {told}.{rest}"


def attainable_words(found: Attainable) -> str:
    """Tells what could be gained at most on simulated cases, and what of it was."""
    most = f"{100 * found.gain:.2f}"
    told = (
        "These cases are simulated, so the true value of every mix is known. The best mix of each "
        f"case is worth {most} percentage points more than the best single mix for all, less the "
        "price of minutes."
    )
    if found.share is None or found.gain < LEAST_GAIN:
        return f"{told} So there is next to nothing to gain by choosing case by case."
    if found.share < 0:
        return f"{told} This version gets less than that single mix does."
    return f"{told} This version gets {percent(found.share)} of that."
