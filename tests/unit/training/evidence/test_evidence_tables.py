"""Tables of findings alone: what they say, how surely, and that worse never means less."""

from dataclasses import replace

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.severity import prove
from tests.builders import a_catalogue
from training.evidence.evidence import Evidence, Finding
from training.evidence.evidence_prior import evidence_prior
from training.evidence.evidence_tables import evidence_tables
from training.learning.encoding import Encoding
from training.learning.learned import jackknife

TALK = Finding(name="a talk", effect=0.03, error=0.01, source="a trial", carries_over=1.0, talks=1)
YOUNG = replace(
    TALK,
    name="a talk to the young",
    effect=0.02,
    error=0.02,
    field="age_band",
    slots=(FEATURES["age_band"].slot("18_24"),),
)
EVIDENCE = Evidence(
    version="1",
    sha256="",
    reached=0.4,
    reached_error=0.1,
    mix_error=0.005,
    findings=(TALK, YOUNG),
)
WITHOUT, WITH = map(a_catalogue().ids.index, ("DIGITAL_DIALOGUE", "DIALOGUE_AND_PHONE"))
"""Mixes of the catalogue without and with talks."""


def contrast(evidence: Evidence, **case: str | int) -> tuple[float, float]:
    """Gives what talks are worth to a case, and its standard error."""
    tables = evidence_tables(evidence, FEATURES, a_catalogue())
    folds = tables.fold_values(FEATURES.row(**case)[None])[0]
    apart = folds[WITH] - folds[WITHOUT]
    return float(apart.mean()), float(jackknife(apart))


def test_findings_add_up_and_so_do_their_errors() -> None:
    worth, error = contrast(EVIDENCE, age_band="18_24")
    assert worth == pytest.approx(0.05)
    # Of both findings, and of what no finding says of either mix.
    assert error == pytest.approx((0.01**2 + 0.02**2 + 2 * 0.005**2) ** 0.5)


def test_who_a_finding_does_not_name_gets_none_of_it() -> None:
    worth, error = contrast(EVIDENCE, age_band="40_49")
    assert worth == pytest.approx(0.03)
    assert error == pytest.approx((0.01**2 + 2 * 0.005**2) ** 0.5)
    assert contrast(EVIDENCE)[0] == pytest.approx(0.03)


def test_a_finding_that_gives_the_worse_off_less_is_lifted() -> None:
    group = FEATURES["need_group"]
    less = replace(
        YOUNG, effect=-0.05, field="need_group", slots=(group.slot("SMALL_OPPORTUNITY"),)
    )
    evidence = replace(EVIDENCE, findings=(TALK, less))
    tables = evidence_tables(evidence, FEATURES, a_catalogue())
    proof = prove(tables, a_catalogue().ids)
    assert proof.holds
    assert not proof.unordered
    assert contrast(evidence, need_group="SMALL_OPPORTUNITY")[0] == pytest.approx(0.03)


def test_learners_are_told_the_same_by_their_own_numbers() -> None:
    encoding = Encoding(features=FEATURES)
    prior = evidence_prior(EVIDENCE, encoding, a_catalogue())
    rows = np.concatenate([FEATURES.row(age_band=one)[None] for one in ("18_24", "40_49")])
    values = prior.values(encoding.inputs(rows))
    assert values[:, WITH] - values[:, WITHOUT] == pytest.approx([0.05, 0.03])

    means, covariance = prior.means(encoding.inputs(rows))
    assert means[WITH] - means[WITHOUT] == pytest.approx(0.04)
    apart = np.zeros(len(means))
    apart[[WITH, WITHOUT]] = 1, -1
    # Half of the cases are young: half of that finding's error.
    expected = 0.01**2 + 0.01**2 + 2 * 0.005**2
    assert apart @ covariance @ apart == pytest.approx(expected)
