"""Right findings of the benchmark are right: they tell what the simulated truth differs by."""

import numpy as np
import pytest

from bench.evaluation import CATALOGUE, POLICIES, simulated
from bench.evidence import judge, of_this_world, right
from router.cases.features import FEATURES
from router.decision.schema import Rows
from training.evidence.evidence import Evidence
from training.evidence.evidence_file import load_evidence
from training.evidence.evidence_tables import evidence_tables
from training.learning.scores import Floats
from training.learning.stack import centred
from training.simulation.worlds import DEFAULT


def explained(evidence: Evidence, rows: Rows, truth: Floats) -> float:
    """Gives the share of the truth's variance between people and mixes that findings explain."""
    tables = evidence_tables(evidence, FEATURES, CATALOGUE, lifted=False)
    left = centred(truth) - centred(tables.fold_values(rows).mean(axis=2))
    return float(1 - left.var() / centred(truth).var())


def test_findings_of_the_world_tell_its_differences_and_those_of_the_file_do_not() -> None:
    cases, truth = simulated(3000, 7, 1.0)
    shipped = load_evidence(POLICIES / "evidence.toml")

    of_file = explained(right(shipped, cases.rows, truth), cases.rows, truth)
    world = of_this_world(shipped, DEFAULT)
    of_world = explained(right(world, cases.rows, truth), cases.rows, truth)

    assert of_file < 0.6
    assert of_world > 0.8


def test_where_nothing_is_to_be_gained_there_is_no_share_of_it() -> None:
    truth = np.tile(np.linspace(0.3, 0.4, len(CATALOGUE.mixes)), (50, 1))

    share, regret = judge(truth, 0.0, None)(-truth)

    assert np.isnan(share)
    assert regret == pytest.approx(0.1)
