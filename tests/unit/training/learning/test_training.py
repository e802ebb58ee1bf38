"""From simulated cases to tables that are served: students, compilation, versions."""

import dataclasses
import itertools
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from router.cases.features import FEATURES
from router.decision.schema import Role
from router.decision.tables import DecisionTables
from router.versions.table_file import tables_bytes
from tests.builders import a_catalogue, random_rows
from tests.unit.training.data.cases_builder import FRAME, a_file
from tests.unit.training.evaluation.figures_builder import a_manifest, a_verdict, some_figures
from training import learn
from training.data.dataset import LoggedCases, read_cases
from training.fit import Fitted
from training.learning.compile import NotAdditive, compile_tables
from training.learning.encoding import LONGER_IS_WORSE, WORSE, encoding_for
from training.learning.learned import Learned
from training.learning.scores import Floats, doubly_robust
from training.learning.teachers import TEACHERS
from training.simulation.simulate import simulate
from training.version.artefact import VersionExists, write_version

CATALOGUE = a_catalogue()
SCALE = 1.7


@pytest.fixture(scope="session")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedCases:
    """Simulated cases, but what mixes are worth turns on fields together: on age and travel, and on skill and age."""
    path = a_file(tmp_path_factory.mktemp("cases"), FRAME, synthetic="true")
    cases = read_cases([path], CATALOGUE).take(np.arange(2000))
    young = np.where(
        cases.rows[:, FEATURES.column("age_band")] <= FEATURES["age_band"].slot("30_39"), 1, -1
    )
    near = np.where(cases.rows[:, FEATURES.column("travel_minutes_band")] <= 1, 1, -1)
    skilled = np.where(
        cases.rows[:, FEATURES.column("digital_skill")] >= FEATURES["digital_skill"].slot("OK"),
        1,
        -1,
    )
    dose = np.linspace(-1, 1, len(CATALOGUE.mixes))[cases.mix]
    chance = 0.5 + dose * (0.25 * young * near + 0.1 * young * skilled - 0.1 * skilled)
    outcome = (np.random.default_rng(0).random(len(chance)) < chance).astype(np.float64)
    return dataclasses.replace(cases, outcome=outcome)


@pytest.fixture(scope="session")
def learn_again(logged: LoggedCases) -> Callable[[int], Fitted]:
    encoding = encoding_for(FEATURES, logged.rows, logged.outcome)

    def again(jobs: int) -> Fitted:
        learned = learn(
            encoding.inputs(logged.rows), logged.mix, logged.outcome, logged.minutes, logged.propensity,
            confounders=encoding.others(logged.rows), monotone=encoding.monotone, calibrate=False, pairs=2, jobs=jobs,
            teachers={"x_learner": TEACHERS["x_learner"]},
        ).with_error_scale(SCALE)  # fmt: skip
        tables, parity = compile_tables(learned.students, encoding, logged.rows, SCALE)
        return Fitted(
            learned=learned, encoding=encoding, tables=tables, parity=parity, cases=logged,
            figures=some_figures(version="v9"),
        )  # fmt: skip

    return again


@pytest.fixture(scope="session")
def fitted(learn_again: Callable[[int], Fitted]) -> Fitted:
    return learn_again(1)


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


def test_without_heterogeneity_a_mix_adds_the_same_to_everybody() -> None:
    truth = simulate(2000, 5, CATALOGUE, heterogeneity=False).truth
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


def test_what_is_learned_is_reproducible_to_the_byte_of_the_tables_however_many_fits_run_at_once(
    learn_again: Callable[[int], Fitted], fitted: Fitted
) -> None:
    assert tables_bytes(learn_again(2).tables) == tables_bytes(fitted.tables)


def scaled(learned: Learned, inputs: Floats) -> Floats:
    """What the folds' students say, spread around their mean by the scale of the errors."""
    values = learned.fold_values(inputs)
    mean = values.mean(axis=2, keepdims=True)
    return mean + SCALE * (values - mean)


def test_tables_equal_the_students_on_every_row_pairs_included(
    logged: LoggedCases, fitted: Fitted
) -> None:
    expected = {FEATURES.column("age_band"), FEATURES.column("travel_minutes_band")}
    assert expected in [{one.first, one.second} for one in fitted.tables.pairs]
    for rows in (logged.rows, random_rows(4, 2_000)):
        inputs = fitted.encoding.inputs(rows)
        assert np.abs(fitted.tables.fold_values(rows) - scaled(fitted.learned, inputs)).max() < 1e-9
    assert fitted.parity.rows == len(logged.rows)
    assert fitted.parity.max_abs_difference < 1e-9


def test_tables_equal_the_students_on_every_slot_and_every_cell_of_a_pair(fitted: Fitted) -> None:
    probes = []
    for column in FEATURES.columns(Role.MODEL):
        for slot in range(FEATURES.features[column].slots):
            probes.append({column: slot})
    assert fitted.parity.slots == len(probes)
    for pair in fitted.tables.pairs:
        sides = [range(FEATURES.features[column].slots) for column in (pair.first, pair.second)]
        probes += [
            {pair.first: one, pair.second: other} for one, other in itertools.product(*sides)
        ]
    rows = np.zeros((len(probes), len(FEATURES.features)), np.uint16)
    for row, probe in zip(rows, probes, strict=True):
        row[list(probe)] = list(probe.values())
    expected = scaled(fitted.learned, fitted.encoding.inputs(rows))
    assert np.abs(fitted.tables.fold_values(rows) - expected).max() < 1e-9


def test_the_served_errors_are_the_calibrated_ones(logged: LoggedCases, fitted: Fitted) -> None:
    values = fitted.tables.fold_values(logged.rows)
    folds = values.shape[2]
    errors = np.sqrt(
        (folds - 1) / folds * ((values - values.mean(axis=2, keepdims=True)) ** 2).sum(axis=2)
    )
    assert np.allclose(errors, fitted.learned.errors(fitted.encoding.inputs(logged.rows)))


def test_slots_and_cells_hold_the_number_of_training_cases(
    logged: LoggedCases, fitted: Fitted
) -> None:
    by_field = np.split(fitted.tables.counts, fitted.tables.offsets[1:])
    for column, counts in zip(fitted.tables.columns, by_field, strict=True):
        assert np.array_equal(counts, np.bincount(logged.rows[:, column], minlength=len(counts)))
    for pair in fitted.tables.pairs:
        assert np.array_equal(
            pair.counts, np.bincount(pair.cells(logged.rows), minlength=len(pair.counts))
        )


def test_students_that_no_table_can_hold_are_not_compiled(
    logged: LoggedCases, fitted: Fitted
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Multiplies:
        pairs: tuple[()] = ()

        def values(self, rows: Floats) -> Floats:
            return np.nan_to_num(rows[:, :1] * rows[:, 1:2]) * np.arange(len(CATALOGUE.mixes))

    with pytest.raises(NotAdditive, match="differ from the students by up to"):
        compile_tables([Multiplies(), Multiplies()], fitted.encoding, logged.rows)  # type: ignore[list-item]


def wishes(tables: DecisionTables, name: str, row: np.ndarray) -> Floats:
    """What each mix is worth more than the one before, for the row with every value of a field, worse by worse."""
    feature = FEATURES[name]
    steps = WORSE.get(name, (*tuple((number,) for number in range(feature.upper + 1)), (None,)))
    order = [feature.slot(value) for step in steps for value in step]
    rows = np.tile(row, (len(order), 1))
    rows[:, FEATURES.column(name)] = order
    return np.diff(tables.fold_values(rows), axis=1)


@pytest.mark.parametrize("name", [*WORSE, LONGER_IS_WORSE])
def test_a_worse_value_never_makes_the_tables_want_less_human_contact(
    fitted: Fitted, name: str
) -> None:
    assert len(fitted.tables.pairs) > 0
    for row in random_rows(8, 40):
        assert (np.diff(wishes(fitted.tables, name, row).mean(axis=2), axis=0) >= -1e-12).all()


def test_no_pair_joins_a_field_with_an_order_of_severity(fitted: Fitted) -> None:
    joined = {
        FEATURES.features[column].name
        for one in fitted.tables.pairs
        for column in (one.first, one.second)
    }
    assert not joined & {*WORSE, LONGER_IS_WORSE}


def test_a_version_that_cannot_be_finished_never_appears(tmp_path: Path, fitted: Fitted) -> None:
    # The tables are written before the estimators, and this one is of no use to joblib.
    learned = dataclasses.replace(fitted.learned, weights={"mine": lambda rows: rows})  # type: ignore[dict-item]
    with pytest.raises(Exception, match="pickle"):
        write_version(
            tmp_path / "v9",
            dataclasses.replace(fitted, learned=learned),
            a_verdict(),
            CATALOGUE,
            a_manifest(),
        )
    assert list(tmp_path.iterdir()) == []


def test_a_version_is_never_overwritten(tmp_path: Path, fitted: Fitted) -> None:
    (tmp_path / "v9").mkdir()
    (tmp_path / "v9" / "note").write_text("mine")
    with pytest.raises(VersionExists, match="v9: exists; a version is never overwritten"):
        write_version(tmp_path / "v9", fitted, a_verdict(), CATALOGUE, a_manifest())
    assert [path.name for path in (tmp_path / "v9").iterdir()] == ["note"]


@pytest.mark.parametrize("name", ["V9", "v 9", ".v9", "v" * 65])
def test_a_name_that_no_version_can_have_is_refused_before_anything_is_written(
    tmp_path: Path, fitted: Fitted, name: str
) -> None:
    with pytest.raises(ValueError, match=r"version .* must be 1 to 64 of"):
        write_version(tmp_path / name, fitted, a_verdict(), CATALOGUE, a_manifest())
    assert list(tmp_path.iterdir()) == []


def test_doubly_robust_scores_recover_the_truth_when_propensities_are_known() -> None:
    rng = np.random.default_rng(0)
    n = 200_000
    value = np.array([0.3, 0.5])
    chance = np.where(rng.random(n) < 0.5, 0.8, 0.2)
    mix = (rng.random(n) < chance).astype(int)
    outcome = (rng.random(n) < value[mix]).astype(float)
    logged_chance = np.where(mix == 1, chance, 1 - chance)
    wrong = np.full((n, 2), 0.9)
    assert np.allclose(
        doubly_robust(wrong, mix, outcome, logged_chance).mean(axis=0), value, atol=0.01
    )
