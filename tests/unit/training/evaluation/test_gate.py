"""The promotion gate: its file, and figures that pass, fail, or cannot say."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from router.policies.toml_file import PolicyError
from tests.builders import ROOT
from tests.unit.training.evaluation.figures_builder import a_soundness, some_diagnostics
from training.evaluation.figures import (
    Calibration,
    Difference,
    Estimate,
    Fidelity,
    Figures,
    GroupFigures,
    HeldOut,
    Heterogeneity,
    PolicyFigures,
    Sensitivity,
    ShownFigures,
    Suspicion,
)
from training.evaluation.gate import Condition, Verdict, judge, load_gate
from training.evaluation.shown_file import ShownUnreadable, read_shown

GATE_FILE = ROOT / "policies" / "gate.toml"
GATE = load_gate(GATE_FILE)


def an_estimate(value: float, error: float = 0.005) -> Estimate:
    return Estimate(value=value, error=error, low=value - 1.645 * error, high=value + 1.645 * error)


def a_policy(name: str, value: float, **changes: Any) -> PolicyFigures:
    estimates = {estimator: an_estimate(value) for estimator in ("dr", "sndr", "snips", "ips")}
    found = PolicyFigures(
        name=name,
        estimates=estimates,
        minutes=90.0,
        effective_cases=1500.0,
        matched=3000,
        rare=0.01,
        mixes={},
        verdict="ok",
    )
    return replace(found, **changes)


def a_difference(than: str, value: float, minutes: float = 0.0) -> Difference:
    return Difference(better="candidate", than=than, outcome=an_estimate(value), minutes=minutes)


def a_group(group: str, gain: Estimate | None) -> GroupFigures:
    return GroupFigures(
        source="schema",
        field="age_band",
        group=group,
        cases=300 if gain else 20,
        suppressed=gain is None,
        candidate=gain,
        logged=gain,
        gain=gain,
        minutes=None,
        logged_minutes=None,
        hours_share=None,
        mixes=None,
        calibration=None,
    )


def some_figures(**changes: Any) -> Figures:
    """Figures of a version that meets every condition, with some of them changed."""
    bounds = {"1": (0.02, 0.06), "1.25": (0.005, 0.08), "1.5": (-0.02, 0.1)}
    found = Figures(
        version="a",
        synthetic=True,
        trained_at="",
        trained_on=20_000,
        held_out=HeldOut(by="time", cases=10_000, first="", last=""),
        promoted="b",
        logged_mixes={},
        propensity="estimated",
        policies=(
            a_policy("candidate", 0.5),
            a_policy("promoted", 0.46),
            a_policy("todays_rule", 0.45),
        ),
        differences=(a_difference("promoted", 0.04), a_difference("todays_rule", 0.05)),
        sensitivity=tuple(
            Sensitivity(than=than, gamma=1.3, bounds=bounds) for than in ("promoted", "todays_rule")
        ),
        groups=(a_group("18_24", an_estimate(0.03)), a_group("OVER_66", None)),
        calibration=Calibration(tenths=(), slope=an_estimate(0.9, 0.2), error=0.01),
        heterogeneity=Heterogeneity(statistic=3.0, p_value=0.002, permutations=500, found=True),
        cost_curve=(),
        overlap=(),
        fidelity=Fidelity(
            contrasts_r2=0.9,
            best_differs=0.1,
            weights={},
            pairs=(),
            lost=an_estimate(0.001, 0.001),
        ),
        fields=(),
        abstention={"RECOMMENDED": 0.8, "NEEDS_ASSESSMENT": 0.2, "MANUAL_ONLY": 0.0},
        error_scale=1.0,
        clipped=0.0,
        seconds={},
        peak_memory_mib=0,
        soundness=a_soundness(),
        diagnostics=some_diagnostics(),
    )
    return replace(found, **changes)


def judged(parity: float = 1e-15, features: bool = True, **changes: Any) -> Verdict:
    return judge(some_figures(**changes), GATE, parity_difference=parity, features_ok=features)


def unmet(verdict: Verdict) -> list[str]:
    return [condition.name for condition in verdict.conditions if not condition.passed]


def line(verdict: Verdict, name: str) -> Condition:
    return next(condition for condition in verdict.conditions if condition.name == name)


def test_a_version_that_meets_every_condition_passes_and_says_so_line_by_line() -> None:
    verdict = judged()
    assert verdict.passed
    assert verdict.version == "2026-13"
    assert len(verdict.conditions) == len(GATE.rules) == 22
    assert all(condition.explanation and condition.bound for condition in verdict.conditions)


@pytest.mark.parametrize(
    ("name", "changes"),
    [
        ("held_out_cases", {"held_out": HeldOut(by="time", cases=1999, first="", last="")}),
        (
            "calibration_slope",
            {"calibration": Calibration(tenths=(), slope=an_estimate(0.2, 0.1), error=0.01)},
        ),
        (
            "calibration_error",
            {"calibration": Calibration(tenths=(), slope=an_estimate(1.0), error=0.06)},
        ),
        ("fidelity_value", {"fidelity": replace(some_figures().fidelity, lost=an_estimate(0.02))}),
        ("fidelity_value", {"fidelity": replace(some_figures().fidelity, lost=None)}),
        ("fidelity_contrasts", {"fidelity": replace(some_figures().fidelity, contrasts_r2=0.6)}),
        (
            "abstention",
            {"abstention": {"RECOMMENDED": 0.5, "NEEDS_ASSESSMENT": 0.4, "MANUAL_ONLY": 0.1}},
        ),
        ("feature_set", {"features": False}),
        ("parity", {"parity": 1e-8}),
        ("parity", {"parity": float("nan")}),
        ("sensitivity_gamma", {"sensitivity": ()}),
        ("no_group_worse_off", {"groups": ()}),
        ("sound_cases", {"soundness": None}),
    ],
)
def test_each_condition_refuses_by_itself(name: str, changes: dict[str, Any]) -> None:
    verdict = judged(**changes)
    assert not verdict.passed
    assert unmet(verdict) == [name]


@pytest.mark.parametrize("estimator", ["sndr", "snips"])
def test_estimators_that_disagree_refuse(estimator: str) -> None:
    candidate = a_policy("candidate", 0.5)
    apart = replace(candidate, estimates=candidate.estimates | {estimator: an_estimate(0.51)})
    assert unmet(judged(policies=(apart, *some_figures().policies[1:]))) == [f"{estimator}_agrees"]


def test_a_candidate_without_enough_overlap_never_passes_however_large_its_gain() -> None:
    poor = a_policy(
        "candidate", 0.9, verdict="not enough overlap to say", effective_cases=150.0, rare=0.3
    )
    verdict = judged(policies=(poor, *some_figures().policies[1:]))
    assert unmet(verdict) == [
        "overlap",
        "effective_cases",
        "rare_share",
        "beats_promoted",
        "beats_todays_rule",
    ]


def test_a_rival_without_enough_overlap_cannot_be_beaten() -> None:
    rule = a_policy("todays_rule", 0.1, verdict="not enough overlap to say")
    verdict = judged(policies=(*some_figures().policies[:2], rule))
    assert unmet(verdict) == ["beats_todays_rule"]
    assert "not enough overlap to say" in line(verdict, "beats_todays_rule").explanation


def test_a_gain_whose_interval_reaches_zero_does_not_beat() -> None:
    differences = (a_difference("promoted", 0.008), a_difference("todays_rule", 0.05))
    assert unmet(judged(differences=differences)) == ["beats_promoted"]


def test_as_good_at_fewer_minutes_passes_and_says_why() -> None:
    differences = (a_difference("promoted", 0.0, minutes=-15.0), a_difference("todays_rule", 0.05))
    verdict = judged(differences=differences)
    assert verdict.passed
    assert (
        "Not inferior by more than 0.01, at fewer minutes"
        in line(verdict, "beats_promoted").explanation
    )


def test_as_good_at_as_many_minutes_or_perhaps_much_worse_at_fewer_does_not_pass() -> None:
    rule = a_difference("todays_rule", 0.05)
    assert unmet(judged(differences=(a_difference("promoted", 0.0, minutes=-1.0), rule))) == [
        "beats_promoted"
    ]
    assert unmet(judged(differences=(a_difference("promoted", -0.004, minutes=-50.0), rule))) == [
        "beats_promoted"
    ]


def test_the_first_version_has_nobody_to_beat_but_todays_rule() -> None:
    figures = some_figures()
    first: dict[str, Any] = {
        "promoted": "",
        "policies": figures.policies[::2],
        "differences": figures.differences[1:],
        "sensitivity": figures.sensitivity[1:],
    }
    assert judged(**first).passed
    assert unmet(judged(**first | {"promoted": "b"})) == ["beats_promoted"]
    assert "beats_todays_rule" in unmet(judged(**first | {"differences": ()}))


def test_a_group_that_is_shown_to_lose_refuses_and_one_that_may_lose_warns() -> None:
    losing = judged(
        groups=(a_group("18_24", an_estimate(-0.05)), a_group("30_39", an_estimate(0.1)))
    )
    assert unmet(losing) == ["no_group_worse_off"]
    assert "age_band 18_24" in line(losing, "no_group_worse_off").explanation
    unsure = judged(
        groups=(a_group("18_24", an_estimate(-0.01, 0.03)), a_group("30_39", an_estimate(0.1)))
    )
    assert unsure.passed
    assert line(unsure, "no_group_worse_off").warning == "1 of 2 groups may lose more than 0.02."


def test_weak_hidden_severity_that_would_undo_the_gain_refuses_unless_chances_were_logged() -> None:
    weak = tuple(replace(one, gamma=1.1) for one in some_figures().sensitivity)
    assert unmet(judged(sensitivity=weak)) == ["sensitivity_gamma"]
    logged = judged(sensitivity=weak, propensity="logged")
    assert logged.passed
    assert line(logged, "sensitivity_gamma").value == 1.1
    assert unmet(judged(sensitivity=weak, propensity="a guess")) == ["sensitivity_gamma"]


def test_a_better_version_is_not_refused_because_two_noisy_gains_have_no_ratio() -> None:
    # The stack's own gain over the best single mix may be nothing; a share of it says nothing.
    for lost in (an_estimate(0.004, 0.004), an_estimate(-0.02, 0.01)):
        assert judged(fidelity=replace(some_figures().fidelity, lost=lost)).passed


def test_where_teachers_tell_nobody_apart_nothing_kept_is_no_success() -> None:
    whole = replace(
        some_figures().fidelity,
        contrasts_r2=1.0,
        contrasts=an_estimate(1.0, 0.0),
        lost=an_estimate(0.0, 0.0),
    )
    verdict = judged(fidelity=whole)
    assert verdict.passed
    for name in ("fidelity_value", "fidelity_contrasts"):
        assert line(verdict, name).needless
        assert "there is nothing that the tables could lose" in line(verdict, name).explanation


def test_a_slope_of_which_nothing_is_known_is_warned_of() -> None:
    told = some_figures().calibration
    unsure = judged(calibration=replace(told, slope=an_estimate(1.4, 4.0)))
    assert unsure.passed
    assert "holds 0 as well" in line(unsure, "calibration_slope").warning
    sure = judged(calibration=replace(told, slope=an_estimate(1.1, 0.2)))
    assert line(sure, "calibration_slope").warning == ""


@pytest.mark.parametrize("than", ["promoted", "todays_rule"])
def test_a_gain_without_width_never_passes(than: str) -> None:
    differences = tuple(
        replace(one, outcome=an_estimate(0.5, 0.0)) if one.than == than else one
        for one in some_figures().differences
    )
    assert unmet(judged(differences=differences)) == ["intervals", f"beats_{than}"]


def test_figures_of_an_outcome_that_never_varies_meet_hardly_a_condition_that_compares() -> None:
    sure = an_estimate(1.0, 0.0)
    policies = tuple(
        replace(one, estimates=dict.fromkeys(one.estimates, sure))
        for one in some_figures().policies
    )
    differences = tuple(
        replace(one, outcome=an_estimate(0.0, 0.0), minutes=-30.0)
        for one in some_figures().differences
    )
    verdict = judged(
        policies=policies,
        differences=differences,
        groups=(a_group("18_24", an_estimate(0.0, 0.0)),),
        calibration=Calibration(tenths=(), slope=sure, error=0.0),
    )
    assert unmet(verdict) == [
        "intervals",
        "beats_promoted",
        "beats_todays_rule",
        "no_group_worse_off",
        "sndr_agrees",
        "snips_agrees",
        "calibration_slope",
    ]


def test_a_suspicion_refuses_and_names_column_and_bound() -> None:
    leak = Suspicion(kind="leak", column="age_band", problem="explains 80%", fix="leave it out")
    verdict = judged(soundness=a_soundness(leak))
    assert unmet(verdict) == ["sound_cases"]
    assert "Column age_band: explains 80%." in line(verdict, "sound_cases").explanation


def test_outcomes_that_fields_explain_not_at_all_or_too_well_refuse() -> None:
    for share, said in ((0.001, "may be of other cases"), (0.7, "written after the outcome")):
        verdict = judged(diagnostics=some_diagnostics(explained=an_estimate(share, 0.01)))
        assert unmet(verdict) == ["outcome_explained"]
        assert said in line(verdict, "outcome_explained").explanation


def test_a_mean_weight_far_from_one_refuses_and_a_little_noise_does_not() -> None:
    first, *others = some_diagnostics().mixes
    for weight, error, expected in ((1.5, 0.02, ["mean_weights"]), (1.5, 0.2, [])):
        mixes = (replace(first, weight=an_estimate(weight, error)), *others)
        assert unmet(judged(diagnostics=some_diagnostics(mixes=mixes))) == expected


def test_figures_without_a_candidate_are_refused() -> None:
    with pytest.raises(ValueError, match="lack the policy candidate"):
        judged(policies=some_figures().policies[1:])


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("margin = 0.01", "margin = 0.1", r"gate\.toml: margin: 0\.1 is outside 0 to 0\.05"),
        ('version = "2026-13"', 'version = "2026-13"\nquick = true', r"quick: is not a known key"),
        ("bound = 2000", "bound = 5", r"condition\[4\]\.bound: 5 is outside 100 to"),
        ("bound = true", "bound = false", r"condition\[5\]\.bound: overlap must be true"),
        (
            'name = "parity"',
            'name = "luck"',
            r"condition\[21\]\.name: 'luck' is not one of sound_cases",
        ),
        (
            'name = "parity"',
            'name = "rare_share"',
            r"condition: rare_share is there 2 times; it must be there once",
        ),
        ("bound = 2000", 'bound = 2000\nnote = "x"', r"condition\[4\]\.note: is not a known key"),
    ],
)
def test_a_gate_file_with_a_mistake_is_refused_by_file_key_value_and_bound(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    text = GATE_FILE.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "gate.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    with pytest.raises(PolicyError, match=message):
        load_gate(path)


@pytest.mark.parametrize(
    ("shown", "passes", "said"),
    [
        (None, True, "Nobody knows"),
        (ShownFigures(overall=None, groups={}), True, "too small or uneven"),
        (ShownFigures(overall=(0.03, 0.01, 0.05), groups={}), True, ""),
        (ShownFigures(overall=(0.0, -0.1, 0.1), groups={}), True, "cannot be told for 1 of 1"),
        (ShownFigures(overall=(-0.05, -0.08, -0.02), groups={}), False, ""),
        (
            ShownFigures(overall=(0.03, 0.01, 0.05), groups={"FIRST": (-0.1, -0.15, -0.05)}),
            False,
            "",
        ),
    ],
)
def test_advice_that_is_shown_to_harm_is_refused_and_what_nobody_knows_is_warned_of(
    shown: ShownFigures | None, passes: bool, said: str
) -> None:
    (found,) = [one for one in judged(shown=shown).conditions if one.name == "advice_not_harmful"]
    assert found.passed is passes
    assert said in found.warning
    assert bool(found.warning) is bool(said)


LEDGER = 'router_ledger_cases{office="ALL",basis="estimated"} 100'


def ends(*values: object) -> list[str]:
    """Gives the lines of one office's effect: value, low and high."""
    return [
        f'router_shown_outcome_ratio{{office="a",group="ALL",end="{end}"}} {value}'
        for end, value in zip(("value", "low", "high"), values, strict=True)
    ]


def test_what_the_ledger_wrote_is_read_for_all_offices_or_the_only_one(tmp_path: Path) -> None:
    path = tmp_path / "ledger.prom"
    lines = [
        f'router_shown_outcome_ratio{{office="{office}",group="{group}",end="{end}"}} {value}'
        for office, group in (("a", "ALL"), ("ALL", "ALL"), ("ALL", "FIRST"))
        for end, value in (("value", 0.1), ("low", 0.0), ("high", 0.2))
    ]
    path.write_text("\n".join([LEDGER, *lines]) + "\n")
    both = ShownFigures(overall=(0.1, 0.0, 0.2), groups={"FIRST": (0.1, 0.0, 0.2)})
    assert read_shown(path) == both
    path.write_text("\n".join([LEDGER, *lines[:3]]) + "\n")
    assert read_shown(path) == replace(both, groups={})
    path.write_text("\n".join([LEDGER, *lines[:3], lines[0].replace('"a"', '"b"')]) + "\n")
    with pytest.raises(ShownUnreadable, match="2 offices and not of ALL"):
        read_shown(path)
    path.write_text(f"{LEDGER}\n")
    assert read_shown(path) == ShownFigures(overall=None, groups={})
    with pytest.raises(ShownUnreadable, match="no textfile"):
        read_shown(tmp_path / "missing.prom")


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ((), "holds nothing of the ledger"),
        (("up 1",), "holds nothing of the ledger"),
        ((LEDGER, 'router_shown_outcome_ratio{end="value"} 3'), "lacks the label 'office'"),
        ((LEDGER, *ends(0.1, "NaN", 0.2)), "is 0.1, from nan to 0.2"),
        ((LEDGER, *ends(0.1, 7, -5)), "is 0.1, from 7 to -5"),
        ((LEDGER, *ends(0.1, 0.0, 0.2)[:2]), "lacks end 'high'"),
    ],
)
def test_a_textfile_that_is_not_the_ledgers_or_was_damaged_is_refused(
    tmp_path: Path, lines: tuple[str, ...], said: str
) -> None:
    path = tmp_path / "ledger.prom"
    path.write_text("".join(f"{line}\n" for line in lines))
    with pytest.raises(ShownUnreadable, match=re.escape(said)):
        read_shown(path)
