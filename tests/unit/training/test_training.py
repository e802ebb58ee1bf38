"""The offline side, on small simulated data."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from router.decision.schema import Role
from router.features import FEATURES
from router.registry import ModelRefused, load_model
from tests.builders import ROOT, a_catalogue
from training.artefact import tables_bytes, write_version
from training.dataset import CasesRefused, LoggedCases, read_cases
from training.fit import fit
from training.scores import doubly_robust
from training.simulate import simulate, write_simulation
from training.student import LONGER_IS_WORSE, WORSE

CATALOGUE = a_catalogue()
MIXES = len(CATALOGUE.mixes)


@pytest.fixture(scope="session")
def cases_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("cases") / "cases.parquet"
    write_simulation(simulate(6000, 3, CATALOGUE), out, 3)
    return out


@pytest.fixture(scope="session")
def logged(cases_file: Path) -> LoggedCases:
    return read_cases(cases_file, CATALOGUE)


@pytest.fixture(scope="session")
def fitted(logged: LoggedCases):
    return fit(logged, MIXES, seed=1, synthetic=True)


def test_a_simulation_is_the_same_for_the_same_seed() -> None:
    first, second = simulate(300, 5, CATALOGUE), simulate(300, 5, CATALOGUE)
    assert first.cases.equals(second.cases)
    assert first.truth.equals(second.truth)
    assert not first.cases.equals(simulate(300, 6, CATALOGUE).cases)


def test_the_truth_agrees_with_the_logged_propensities() -> None:
    simulation = simulate(2000, 5, CATALOGUE)
    joined = simulation.cases.join(simulation.truth, on="case_ref")
    true = np.array([row[f"propensity_{row['mix']}"] for row in joined.iter_rows(named=True)])
    assert np.array_equal(true, joined["propensity"].to_numpy())


def test_outcomes_are_about_as_hard_to_predict_as_in_real_life() -> None:
    simulation = simulate(30_000, 5, CATALOGUE).cases.filter(pl.col("shielded") == "NO")
    known = [f.name for f in FEATURES.features if f.name != "shielded"]
    codes = simulation.select(
        pl.col(name).rank("dense") if simulation[name].dtype == pl.String else pl.col(name) for name in known
    )
    x, y = codes.to_numpy().astype(float), simulation["outcome"].to_numpy()
    half = len(y) // 2
    model = HistGradientBoostingClassifier(max_leaf_nodes=8, max_iter=100, random_state=0).fit(x[:half], y[:half])
    assert 0.70 <= roc_auc_score(y[half:], model.predict_proba(x[half:])[:, 1]) <= 0.76


def test_a_fit_is_reproducible_to_the_byte(logged: LoggedCases, fitted) -> None:
    again = fit(logged, MIXES, seed=1, synthetic=True)
    assert tables_bytes(again.tables) == tables_bytes(fitted.tables)


def test_tables_equal_the_students_on_every_row_and_slot(logged: LoggedCases, fitted) -> None:
    assert fitted.parity.rows == len(logged.rows)
    assert fitted.parity.slots == sum(FEATURES.features[c].slots for c in FEATURES.columns(Role.MODEL))
    assert fitted.parity.max_abs_difference < 1e-9


@pytest.mark.parametrize("name", [*WORSE, LONGER_IS_WORSE])
def test_a_worse_value_never_makes_the_model_want_less_human_contact(fitted, name: str) -> None:
    tables, feature = fitted.tables, FEATURES[name]
    start = tables.offsets[tables.columns.tolist().index(FEATURES.column(name))]
    steps = WORSE.get(name, (*tuple((day,) for day in range(feature.upper + 1)), (None,)))
    order = [feature.slot(value) for step in steps for value in step]
    wish = np.diff(tables.values[start + np.array(order)], axis=1)
    assert (np.diff(wish, axis=0) >= -1e-12).all()


def test_doubly_robust_scores_recover_the_truth_when_propensities_are_known() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    value = np.array([0.3, 0.5])
    chance = np.where(rng.random(n) < 0.5, 0.8, 0.2)
    mix = (rng.random(n) < chance).astype(int)
    outcome = (rng.random(n) < value[mix]).astype(float)
    logged_chance = np.where(mix == 1, chance, 1 - chance)
    wrong = np.full((n, 2), 0.9)
    assert np.allclose(doubly_robust(wrong, mix, outcome, logged_chance).mean(axis=0), value, atol=0.01)


def changed(cases_file: Path, tmp_path: Path, **columns: object) -> Path:
    frame = pl.read_parquet(cases_file).with_columns(**columns)
    frame.write_csv(tmp_path / "bad.csv")
    return tmp_path / "bad.csv"


@pytest.mark.parametrize(
    ("column", "value", "message"),
    [
        ("weeks_registered", 521, "column weeks_registered: row 1: 521"),
        ("age_band", "OLD", "column age_band: row 1: 'OLD'"),
        ("outcome", 2, "column outcome: row 1: 2"),
        ("mix", "CHAT", "column mix: row 1: 'CHAT'"),
        ("shoe_size", 42, "column shoe_size: is not a field of a case"),
        ("case_ref", "010170 12345", "column case_ref: rows 1, 2"),
        ("weeks_registered", "many", "has type String"),
        ("mix", "SELF_SERVICE", "at least 200 are needed"),
    ],
)
def test_what_is_wrong_with_a_file_is_named_by_column_row_and_bound(
    cases_file: Path, tmp_path: Path, column: str, value: object, message: str
) -> None:
    with pytest.raises(CasesRefused) as refused:
        read_cases(changed(cases_file, tmp_path, **{column: pl.lit(value)}), CATALOGUE)
    assert message in str(refused.value)
    assert "bad.csv" in str(refused.value)


def test_parquet_and_csv_of_the_same_cases_are_the_same(cases_file: Path, tmp_path: Path, logged: LoggedCases) -> None:
    same = read_cases(changed(cases_file, tmp_path), CATALOGUE)
    assert np.array_equal(same.rows, logged.rows)
    assert same.synthetic is None


def test_a_written_version_is_served_and_a_changed_one_refused(tmp_path: Path, logged: LoggedCases, fitted) -> None:
    folder = tmp_path / "v1"
    write_version(folder, fitted, logged, CATALOGUE)
    model = load_model(folder, FEATURES, CATALOGUE)
    assert np.array_equal(model.tables.values, fitted.tables.values)
    assert model.info.synthetic
    assert "Synthetic" in (folder / "CARD.md").read_text()
    other = dataclasses.replace(CATALOGUE, mixes=CATALOGUE.mixes[:-1])
    with pytest.raises(ModelRefused, match="the catalogue has"):
        load_model(folder, FEATURES, other)
    data = bytearray((folder / "tables.npz").read_bytes())
    for place in range(0, len(data), max(1, len(data) // 50)):
        data[place] ^= 0xFF
        (folder / "tables.npz").write_bytes(data)
        data[place] ^= 0xFF
        with pytest.raises(ModelRefused, match="SHA-256"):
            load_model(folder, FEATURES, CATALOGUE)


def command(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, *words], cwd=ROOT, capture_output=True, text=True, check=False, timeout=240)


def test_simulate_fit_promote_and_score_work_from_the_command_line(cases_file: Path, tmp_path: Path) -> None:
    models = tmp_path / "models"
    assert command("-m", "training", "fit", "--cases", str(cases_file), "--out", str(models / "v2")).returncode == 0
    refused = command("-m", "training", "promote", "v3", "--models", str(models))
    assert refused.returncode == 2
    assert command("-m", "training", "promote", "v2", "--models", str(models)).returncode == 0
    for suffix in ("parquet", "csv"):
        out = tmp_path / f"scored.{suffix}"
        scored = command(
            "-m", "router", "score", "--cases", str(cases_file), "--out", str(out), "--models", str(models)
        )
        assert scored.returncode == 0, scored.stderr
        frame = pl.read_parquet(out) if suffix == "parquet" else pl.read_csv(out)
        assert frame.columns[:4] == ["case_ref", "status", "mix", "adviser_minutes"]
        assert {f"{kind}_{mix}" for kind in ("expected", "error", "permitted") for mix in CATALOGUE.ids} == set(
            frame.columns[4:]
        )
        assert len(frame) == 6000


def test_a_file_that_does_not_say_whether_it_is_synthetic_is_not_guessed(cases_file: Path, tmp_path: Path) -> None:
    csv = changed(cases_file, tmp_path)
    ended = command("-m", "training", "fit", "--cases", str(csv), "--out", str(tmp_path / "v"))
    assert ended.returncode == 2
    assert "--synthetic or --real" in ended.stderr
    assert not (tmp_path / "v").exists()
