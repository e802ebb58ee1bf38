"""Parts of invented figures: policies, groups, fields, overlap, curve, calibration."""

from dataclasses import replace
from typing import Any

import numpy as np

import bench.evaluation
from router.cases.features import FEATURES
from tests.builders import a_catalogue
from training.evaluation.figures import (
    Calibration,
    CostPoint,
    Estimate,
    FieldFigures,
    GroupFigures,
    MixOverlap,
    PolicyFigures,
    Reliability,
    Tenth,
)

# Invented figures are of these six, whatever other mixes the catalogue has.
CATALOGUE, MIXES = bench.evaluation.CATALOGUE, bench.evaluation.MIXES
_EVERY = dict(zip(a_catalogue().ids, a_catalogue().minutes.tolist(), strict=True))
MINUTES = {mix: _EVERY[mix] for mix in MIXES}
HELD_OUT = 14957
LOGGED = dict(zip(MIXES, (0.154, 0.126, 0.334, 0.201, 0.098, 0.087), strict=True))
_CANDIDATE = dict(zip(MIXES, (0.21, 0.17, 0.30, 0.19, 0.07, 0.06), strict=True))
_PROMOTED = dict(zip(MIXES, (0.18, 0.15, 0.33, 0.20, 0.08, 0.06), strict=True))
_TODAY = dict(zip(MIXES, (0.38, 0.0, 0.24, 0.0, 0.38, 0.0), strict=True))
_GROUPS = {
    ("schema", "age_band"): {
        "18_24": 0.14,
        "25_29": 0.15,
        "30_39": 0.26,
        "40_49": 0.2,
        "50_59": 0.16,
        "60_66": 0.087,
        "OVER_66": 0.002,
        "unknown": 0.001,
    },
    ("schema", "need_group"): {
        "GOOD_OPPORTUNITIES": 0.42,
        "NEEDS_GUIDANCE": 0.27,
        "NEEDS_GUIDANCE_REDUCED_CAPACITY": 0.16,
        "PARTIAL_WORK": 0.05,
        "SMALL_OPPORTUNITY": 0.04,
        "NOT_DECIDED": 0.06,
    },
    ("audit", "country_group"): {"A": 0.71, "B": 0.17, "C": 0.119, "unknown": 0.001},
}


def an_estimate(value: float, error: float) -> Estimate:
    return Estimate(value=value, error=error, low=value - 1.645 * error, high=value + 1.645 * error)


def a_policy_of_figures(
    name: str, value: float, mixes: dict[str, float], **changes: Any
) -> PolicyFigures:
    effective = 2900.0 if name == "candidate" else 2100.0
    estimates = {
        "dr": an_estimate(value, 0.0072),
        "sndr": an_estimate(value + 0.0006, 0.0073),
        "snips": an_estimate(value - 0.0021, 0.0088),
        "ips": an_estimate(value + 0.0063, 0.0127),
    }
    minutes = sum(share * MINUTES[mix] for mix, share in mixes.items())
    found = PolicyFigures(
        name=name,
        estimates=estimates,
        minutes=minutes,
        effective_cases=effective,
        matched=3421,
        rare=0.004,
        mixes=mixes,
        verdict="ok",
    )
    return replace(found, **changes)


def some_policies() -> tuple[PolicyFigures, ...]:
    logged = {name: an_estimate(0.4656, 0.0041) for name in ("dr", "sndr", "snips", "ips")}
    uniform = (0.4291, 0.4402, 0.4713, 0.4768, 0.4781, 0.4903)
    return (
        a_policy_of_figures("candidate", 0.4967, _CANDIDATE),
        a_policy_of_figures("promoted", 0.4874, _PROMOTED),
        a_policy_of_figures(
            "logged",
            0.4656,
            LOGGED,
            estimates=logged,
            effective_cases=float(HELD_OUT),
            matched=HELD_OUT,
        ),
        a_policy_of_figures("todays_rule", 0.4583, _TODAY),
        *(
            a_policy_of_figures(f"uniform:{mix}", value, {mix: 1.0}, rare=0.03 * (mix == MIXES[-1]))
            for mix, value in zip(MIXES, uniform, strict=True)
        ),
    )


def some_groups() -> tuple[GroupFigures, ...]:
    rng = np.random.default_rng(4)
    return tuple(
        a_group(rng, source, field, group, share, place)
        for (source, field), shares in _GROUPS.items()
        for place, (group, share) in enumerate(shares.items())
    )


def a_group(
    rng: np.random.Generator, source: str, field: str, group: str, share: float, place: int
) -> GroupFigures:
    cases = round(share * HELD_OUT)
    # As evaluation suppresses it.
    if cases < 50:
        return GroupFigures(
            source=source,
            field=field,
            group=group,
            cases=cases,
            suppressed=True,
            candidate=None,
            logged=None,
            gain=None,
            minutes=None,
            logged_minutes=None,
            hours_share=None,
            mixes=None,
            calibration=None,
        )
    # Later groups get more personal mixes: a chart must show a difference.
    tilt = np.linspace(1.2, -1.2, len(MIXES)) * (1.2 - 0.45 * place)
    weights = np.array(list(_CANDIDATE.values())) * np.exp(tilt)
    mixes = dict(zip(MIXES, (weights / weights.sum()).tolist(), strict=True))
    minutes = sum(part * MINUTES[mix] for mix, part in mixes.items())
    value = 0.62 - 0.07 * place
    gain = 0.034 - 0.005 * place + rng.normal(0, 0.004)
    error = 0.55 / np.sqrt(cases)
    return GroupFigures(
        source=source,
        field=field,
        group=group,
        cases=cases,
        suppressed=False,
        candidate=an_estimate(value, error),
        logged=an_estimate(value - gain, error * 0.7),
        gain=an_estimate(gain, error),
        minutes=minutes,
        logged_minutes=70 + 22.0 * place,
        hours_share=share * minutes / 98,
        mixes=mixes,
        calibration=float(rng.normal(0, 0.006)),
    )


def some_fields() -> tuple[FieldFigures, ...]:
    rng = np.random.default_rng(5)
    return tuple(
        FieldFigures(
            name=feature.name,
            roles=tuple(sorted(role.value for role in feature.roles)),
            bound=feature.bound,
            unknown=float(rng.beta(1, 30)),
            drift=0.31 if feature.name == "messages_90d" else float(rng.gamma(1, 0.03)),
        )
        for feature in FEATURES.features
    )


def an_overlap() -> tuple[MixOverlap, ...]:
    rng = np.random.default_rng(6)
    found = []
    for mix, share in LOGGED.items():
        drawn = rng.beta(2.2 * share / 0.2, 2.2 * (1 - share) / 0.2, HELD_OUT)
        histogram, _ = np.histogram(drawn, 20, (0, 1))
        low, lower, middle, upper, high = np.quantile(drawn, (0.01, 0.25, 0.5, 0.75, 0.99)).tolist()
        found.append(
            MixOverlap(
                mix=mix,
                logged=share,
                quantiles=(low, lower, middle, upper, high),
                below_one_percent=float((drawn < 0.01).mean()),
                histogram=tuple(histogram.tolist()),
            )
        )
    return tuple(found)


def a_cost_curve() -> tuple[CostPoint, ...]:
    minutes = np.linspace(8, 200, 33)
    outcome = 0.4291 + 0.078 * (1 - np.exp(-(minutes - 8) / 45))
    blind = 0.4291 + 0.058 * (1 - np.exp(-(minutes - 8) / 62))
    return tuple(
        CostPoint(minutes=float(m), outcome=an_estimate(float(o), 0.0066), blind=float(b))
        for m, o, b in zip(minutes, outcome, blind, strict=True)
    )


def a_calibration() -> Calibration:
    rng = np.random.default_rng(8)
    predicted = np.linspace(-0.012, 0.085, 10)
    tenths = tuple(
        Tenth(
            predicted=float(p),
            observed=an_estimate(float(0.9 * p + rng.normal(0, 0.008)), 0.012),
            cases=HELD_OUT // 10,
        )
        for p in predicted
    )
    return Calibration(tenths=tenths, slope=an_estimate(0.91, 0.12), error=0.0061)


def a_reliability() -> Reliability:
    """Gives tenths of shown probabilities, the lowest shown a little too low."""
    rng = np.random.default_rng(9)
    shown = np.linspace(0.14, 0.71, 10)
    tenths = tuple(
        Tenth(
            predicted=float(p),
            observed=an_estimate(float(0.03 + 0.96 * p + rng.normal(0, 0.01)), 0.012),
            cases=HELD_OUT // 10,
        )
        for p in shown
    )
    return Reliability(tenths=tenths, error=0.0132, low=0.0009, high=0.0255, chance=0.0096)
