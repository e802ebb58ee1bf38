"""Simulated cases: the same for the same seed, true to their log, and as hard as real life."""

import numpy as np
import polars as pl
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from router.cases.features import FEATURES
from router.decision.contradictions import CompiledContradictions
from tests.builders import a_catalogue
from training.simulation.population import draw_population
from training.simulation.simulate import simulate
from training.simulation.worlds import WORLDS

CATALOGUE = a_catalogue()


def test_a_simulation_is_the_same_for_the_same_seed() -> None:
    first, second = simulate(300, 5, CATALOGUE), simulate(300, 5, CATALOGUE)
    assert first.cases.equals(second.cases)
    assert first.truth.equals(second.truth)
    assert not first.cases.equals(simulate(300, 6, CATALOGUE).cases)


def test_no_simulated_case_contradicts_itself() -> None:
    drawn = draw_population(np.random.default_rng(1), 50_000)
    rows = np.stack([drawn[name] for name in FEATURES.names], axis=1).astype(np.uint16)
    assert not CompiledContradictions(features=FEATURES).any(rows).sum()


def test_the_truth_agrees_with_the_logged_propensities() -> None:
    simulation = simulate(2000, 5, CATALOGUE)
    joined = simulation.cases.join(simulation.truth, on="case_ref")
    true = np.array([row[f"propensity_{row['mix']}"] for row in joined.iter_rows(named=True)])
    assert np.array_equal(true, joined["propensity"].to_numpy())


def test_in_the_same_world_a_mix_adds_the_same_to_everybody() -> None:
    truth = simulate(2000, 5, CATALOGUE, WORLDS["same"]).truth
    values = truth.select(f"value_{mix}" for mix in CATALOGUE.ids).to_numpy()
    inside = ((values > 0) & (values < 1)).all(axis=1)
    added = np.diff(values[inside], axis=1)
    assert inside.mean() > 0.9
    assert np.allclose(added, added[0])


def test_outcomes_are_about_as_hard_to_predict_as_in_real_life() -> None:
    simulation = simulate(30_000, 5, CATALOGUE).cases.filter(pl.col("shielded") == "NO")
    known = [f.name for f in FEATURES.features if f.name != "shielded"]
    codes = simulation.select(
        pl.col(name).rank("dense") if simulation[name].dtype == pl.String else pl.col(name)
        for name in known
    )
    x, y = codes.to_numpy().astype(float), simulation["outcome"].to_numpy()
    half = len(y) // 2
    model = HistGradientBoostingClassifier(max_leaf_nodes=8, max_iter=100, random_state=0).fit(
        x[:half], y[:half]
    )
    assert 0.70 <= roc_auc_score(y[half:], model.predict_proba(x[half:])[:, 1]) <= 0.76


def test_advisers_use_all_mixes_and_offices_see_many_who_are_new() -> None:
    cases = simulate(5000, 5, CATALOGUE).cases.filter(pl.col("shielded") == "NO")
    shares = np.array([(cases["mix"] == mix).mean() for mix in CATALOGUE.ids])
    assert shares.min() > 0.03
    weeks = cases["weeks_registered"].drop_nulls().to_numpy()
    assert 0.4 <= (weeks < 4).mean() <= 0.6
