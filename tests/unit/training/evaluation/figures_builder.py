"""Realistic figures, invented: 3 points more than practice at slightly fewer minutes."""

from dataclasses import replace
from typing import Any

from router.decision.severity import Fall, Proof
from router.versions.synergies import CANNOT_TELL, IDENTIFIED
from tests.builders import FOLDS
from tests.unit.training.evaluation.parts_builder import (
    HELD_OUT,
    LOGGED,
    MIXES,
    a_calibration,
    a_cost_curve,
    a_policy_of_figures,
    a_reliability,
    an_estimate,
    an_overlap,
    some_fields,
    some_groups,
    some_policies,
)
from training.evaluation.figures import (
    NOT_IDENTIFIED,
    OK,
    Diagnostics,
    Difference,
    Estimate,
    EvidenceFigures,
    Fidelity,
    Figures,
    HandedOver,
    HeldOut,
    Heterogeneity,
    Influence,
    LearnedFrom,
    MixDiagnostics,
    ModelFit,
    Period,
    Sensitivity,
    Soundness,
    Suspicion,
    Synergies,
    SynergyOfPair,
)
from training.evaluation.gate import Condition, Verdict

__all__ = [
    "MIXES",
    "a_fall",
    "a_handed_over",
    "a_joined",
    "a_manifest",
    "a_policy_of_figures",
    "a_proof",
    "a_soundness",
    "a_synergy",
    "a_verdict",
    "an_estimate",
    "no_overlap",
    "some_diagnostics",
    "some_figures",
    "some_synergies",
]


def a_sensitivity() -> tuple[Sensitivity, ...]:
    return tuple(
        Sensitivity(
            than=than,
            gamma=gamma,
            bounds={
                f"{odds:g}": (gain - slope * (odds - 1), gain + slope * (odds - 1))
                for odds in (1, 1.1, 1.25, 1.5, 2)
            },
        )
        for than, gamma, gain, slope in (
            ("logged", 1.31, 0.0311, 0.062),
            ("todays_rule", 1.42, 0.0384, 0.06),
        )
    )


def a_fidelity() -> Fidelity:
    return Fidelity(
        contrasts_r2=0.934,
        best_differs=0.072,
        weights={
            "s_boosted": 0.41,
            "x_boosted": 0.22,
            "dr_spline_ridge": 0.31,
            "dr_forest": 0.09,
            "dr_linear": 0.0,
            "additive": 0.17,
        },
        pairs=(("need_group", "weeks_registered"), ("digital_skill", "age_band")),
        lost=an_estimate(0.0006, 0.0004),
        contrasts=an_estimate(0.934, 0.012),
    )


def a_soundness(*suspicions: Suspicion) -> Soundness:
    """Gives cases that can be believed, but for the suspicions given."""
    periods = tuple(
        Period(
            first=f"2026-{month:02d}-01",
            last=f"2026-{month:02d}-28",
            cases=5000,
            outcome=an_estimate(0.46 - 0.002 * month, 0.006),
            mixes=dict(LOGGED),
        )
        for month in range(1, 13)
    )
    return Soundness(suspicions=suspicions, periods=periods, clusters={"office_ref": 40})


def some_diagnostics(**changes: Any) -> Diagnostics:
    """Gives diagnostics in which nothing is amiss, with some of them changed."""
    fit = ModelFit(
        log_loss=0.612, blind_log_loss=0.69, brier=0.212, blind_brier=0.248, calibration=0.011
    )
    mixes = tuple(
        MixDiagnostics(
            mix=mix,
            cases=round(share * HELD_OUT),
            chance=share,
            weight=an_estimate(1.01, 0.02),
            expected=0.46,
            missed=an_estimate(0.002, 0.004),
            apart=0.41,
            apart_weighted=0.05,
            field="need_group",
        )
        for mix, share in LOGGED.items()
    )
    found = Diagnostics(
        propensity=fit,
        outcome=fit,
        explained=an_estimate(0.15, 0.008),
        mixes=mixes,
        influence=Influence(largest=41.0, top_share=0.08, without=an_estimate(0.492, 0.006)),
    )
    return replace(found, **changes)


def a_proof(**changes: Any) -> Proof:
    """Gives a proof without exceptions, but for those given."""
    proven = Proof(features=("need_group", "digital_skill"), steps=40, falls=(), unordered=())
    return replace(proven, **changes)


def a_fall(by: float = 0.013) -> Fall:
    return Fall(
        feature="need_group",
        better="NEEDS_GUIDANCE",
        worse="SMALL_OPPORTUNITY",
        lighter="DIALOGUE_AND_PHONE",
        heavier="BLENDED_VIDEO",
        by=by,
    )


def a_joined(**changes: Any) -> EvidenceFigures:
    """Gives how findings and a log that agree were joined, with some values changed."""
    joined = EvidenceFigures(
        version="2026-11",
        sha256="0" * 64,
        slope=1.49,
        slope_error=1.29,
        weight=0.95,
        chi_square=0.9,
        conflict=False,
        known=dict.fromkeys(MIXES, 0.01),
        logged=dict.fromkeys(MIXES, 0.02),
        means=dict.fromkeys(MIXES, 0.0123),
    )
    return replace(joined, **changes)


def a_synergy(**changes: Any) -> SynergyOfPair:
    """Gives a synergy of dialogue and phone that cannot be told, with some values changed."""
    found = SynergyOfPair(
        first="DIALOGUE_MESSAGE",
        second="PHONE",
        identified=IDENTIFIED,
        squares=(("DIALOGUE_AND_PHONE", "LIGHT_DIALOGUE", "PHONE_TALKS", "SELF_SERVICE"),),
        missing={},
        answer=CANNOT_TELL,
        cases=4210,
        overlap=OK,
        outcome=an_estimate(0.011, 0.02),
        looked=Estimate(value=0.011, error=0.02, low=-0.034, high=0.056),
        logit=an_estimate(-0.02, 0.08),
        needed=187_340,
        needed_even=80_210,
        groups=(),
    )
    return replace(found, **changes)


def some_synergies(*pairs: SynergyOfPair) -> Synergies:
    """Gives the synergies of some pairs, and of one that was not measured."""
    video = a_synergy(
        second="VIDEO",
        identified=NOT_IDENTIFIED,
        squares=(("NEW", "LIGHT_DIALOGUE", "EARLY_VIDEO", "SELF_SERVICE"),),
        missing={"NEW": 64},
        cases=0,
        outcome=None,
        looked=None,
        logit=None,
        needed=None,
    )
    return Synergies(
        pairs=(*pairs, video), size=0.02, none=0.58, no_substitutes=0.71, no_complements=0.29
    )


def a_handed_over(low: float, high: float) -> HandedOver:
    """Gives what handing over adds, by the ends of its interval."""
    added = Estimate(value=(low + high) / 2, error=(high - low) / 3.3, low=low, high=high)
    return HandedOver(standard_errors=0.5, share=0.11, kept=added, given=None, added=added)


def some_figures(**changes: Any) -> Figures:
    """Gives realistic figures with some values changed."""
    figures = Figures(
        version="2026-12",
        synthetic=True,
        trained_at="2026-12-01T03:12:40+00:00",
        trained_on=44870,
        held_out=HeldOut(by="time", cases=HELD_OUT, first="2026-03-02", last="2026-08-31"),
        promoted="baseline-2026-11",
        logged_mixes={mix: round(share * 59827) for mix, share in LOGGED.items()},
        propensity="logged",
        policies=some_policies(),
        differences=(
            Difference(
                better="candidate",
                than="promoted",
                outcome=an_estimate(0.0093, 0.0046),
                minutes=-4.1,
            ),
            Difference(
                better="candidate",
                than="logged",
                outcome=an_estimate(0.0311, 0.0068),
                minutes=-16.0,
            ),
            Difference(
                better="candidate",
                than="todays_rule",
                outcome=an_estimate(0.0384, 0.0081),
                minutes=8.0,
            ),
        ),
        sensitivity=a_sensitivity(),
        groups=some_groups(),
        calibration=a_calibration(),
        heterogeneity=Heterogeneity(statistic=4.31, p_value=0.002, permutations=500, found=True),
        cost_curve=a_cost_curve(),
        overlap=an_overlap(),
        fidelity=a_fidelity(),
        fields=some_fields(),
        abstention={
            "RECOMMENDED": 0.781,
            "NEEDS_ASSESSMENT": 0.201,
            "MANUAL_ONLY": 0.018,
            "UNKNOWN_FIELDS": 0.021,
            "RARE_VALUES": 0.034,
            "CLOSE_OPTIONS": 0.155,
        },
        error_scale=1.34,
        clipped=0.027,
        seconds={
            "read": 0.9,
            "nuisances": 41.2,
            "teachers": 88.7,
            "stack": 0.4,
            "students": 30.1,
            "evaluation": 22.5,
        },
        peak_memory_mib=913,
        reliability=a_reliability(),
        severity=a_proof(),
        soundness=a_soundness(),
        diagnostics=some_diagnostics(),
        evidence=a_joined(),
        handed_over=(a_handed_over(-0.01, 0.01), a_handed_over(0.002, 0.004)),
        synergy=some_synergies(a_synergy()),
        learning_curve=(
            LearnedFrom(
                cases=11220, value=an_estimate(0.512, 0.006), more=an_estimate(0.011, 0.004)
            ),
            LearnedFrom(
                cases=22440, value=an_estimate(0.519, 0.006), more=an_estimate(0.004, 0.003)
            ),
        ),
    )
    return replace(figures, **changes)


def no_overlap(figures: Figures) -> Figures:
    """Gives the same figures, had too few been followed up as the candidate would."""
    policies = tuple(
        replace(p, verdict="not enough overlap to say", effective_cases=41.0)
        if p.name == "candidate"
        else p
        for p in figures.policies
    )
    return replace(figures, policies=policies)


def a_verdict(*, passed: bool = True) -> Verdict:
    """Gives a verdict of the gate; one that failed misses two conditions."""
    conditions = (
        ("overlap", True, "yes", True, "The log has enough such cases.", ""),
        (
            "effective_cases",
            2900.0,
            "at least 200",
            True,
            "Evenly weighted cases that carry the value.",
            "",
        ),
        (
            "beats_todays_rule",
            0.0251,
            "above 0",
            True,
            "Lower end of the gain over today's rule.",
            "",
        ),
        (
            "beats_promoted",
            0.0017,
            "above 0",
            passed,
            "Lower end of the gain over the promoted model.",
            "",
        ),
        (
            "no_group_worse_off",
            0.0383,
            "at least -0.02",
            passed,
            "Worst group's gain. May lose.",
            "May lose.",
        ),
        (
            "fidelity_value",
            -0.0001,
            "at most 0.005",
            True,
            "What the tables lose of the stack's value.",
            "",
        ),
        (
            "sensitivity_gamma",
            None,
            "at least 1.25",
            True,
            "Not required: the log holds the probabilities.",
            "",
        ),
    )
    made = (
        Condition(name=n, value=v, bound=b, passed=p, explanation=e, warning=w)
        for n, v, b, p, e, w in conditions
    )
    return Verdict(passed=passed, conditions=tuple(made), version="2026-11")


def a_manifest(**changes: Any) -> dict[str, Any]:
    """Gives a manifest as a fit writes it."""
    return {
        "format": 1,
        "version": "2026-12",
        "synthetic": True,
        "trained_at": "2026-12-01T03:12:40+00:00",
        "sha256": {
            "tables.npz": "564d0c24b3211cf228c6c1f45086f1e234cf00de8b7c383c0679ce2da2e875cd"
        },
        "features": [{"name": "age_band", "lower": 1, "upper": 7, "values": []}],
        "mixes": list(MIXES),
        "folds": FOLDS,
        "monotone": ["digital_skill", "days_since_personal_contact"],
        "parity": {"rows": 44870, "slots": 4356, "max_abs_difference": 2.3e-15},
        "training": {
            "cases": 44870,
            "sha256": "b0226410f1d2c5fc6bc695401f85a6e85cd18c099e143a4ea3c84b77dc8eee99",
            "outcome_mean": 0.4656,
            "dates": ["2024-09-01", "2026-08-31"],
            "simulation": {"seed": "7", "world": "published", "cases": "64243"},
            "seed": 1,
            "command": "python -m training fit --cases cases.parquet --out models/2026-12 --seed 1",
        },
        "libraries": {
            "numpy": "2.4.6",
            "scikit-learn": "1.9.1",
            "joblib": "1.6.0",
            "polars": "2.1.0",
        },
        **changes,
    }
