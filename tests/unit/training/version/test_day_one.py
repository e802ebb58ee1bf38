"""A version from findings alone: served as any other, and honest of itself."""

from pathlib import Path

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import Doubt
from router.policies.catalogue_file import load_catalogue
from router.policies.offices import load_policy
from router.versions.registry import load_model
from training.evaluation.gate import load_gate
from training.evidence.evidence_file import load_evidence
from training.version.day_one import write_day_one
from training.version.files import CARD, VersionUnreadable, read_figures, read_verdict

POLICIES = Path("policies")
CATALOGUE = load_catalogue(POLICIES / "mixes.toml")


def a_day_one(folder: Path) -> Path:
    write_day_one(
        folder / "day-one",
        load_evidence(POLICIES / "evidence.toml"),
        CATALOGUE,
        load_gate(POLICIES / "gate.toml"),
        trained_at="2026-11-26T08:00:00+00:00",
        command="python -m training evidence --out models/day-one",
    )
    return folder / "day-one"


def test_it_is_served_under_the_safeguards_and_no_value_is_rare_to_it(tmp_path: Path) -> None:
    model = load_model(a_day_one(tmp_path), FEATURES, CATALOGUE)
    policy = load_policy(POLICIES / "national.toml", CATALOGUE)
    decider = Decider(tables=model.tables, catalogue=CATALOGUE, policy=policy)
    known = {one.name: one.value(one.slots - 1) for one in FEATURES.features}
    row = FEATURES.row(**known | {"shielded": "NO"})
    decided = decider.decide(row[None])
    assert not decided.doubts & int(Doubt.RARE_VALUES)
    assert np.isfinite(decided.expected).all()


def test_it_says_that_nothing_was_measured(tmp_path: Path) -> None:
    folder = a_day_one(tmp_path)
    verdict = read_verdict(folder)
    assert not verdict.passed
    assert not any(condition.passed for condition in verdict.conditions)
    card = (folder / CARD).read_text()
    assert "never saw a case of yours" in card
    assert all(
        finding.source in card for finding in load_evidence(POLICIES / "evidence.toml").findings
    )


def test_who_asks_for_its_figures_learns_that_there_are_none(tmp_path: Path) -> None:
    with pytest.raises(VersionUnreadable, match="nothing of it was measured"):
        read_figures(a_day_one(tmp_path))


def test_the_same_findings_are_the_same_bytes(tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    tables = [
        (a_day_one(folder) / "tables.npz").read_bytes() for folder in (tmp_path, tmp_path / "again")
    ]
    assert tables[0] == tables[1]
