"""From students to the tables that are served: equal on every row, slot and cell."""

import dataclasses
import itertools
from collections.abc import Callable

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.schema import Role
from router.decision.severity import prove
from router.decision.tables import DecisionTables
from router.decision.whole_tens import whole_tens
from router.versions.table_file import tables_bytes
from tests.builders import random_rows
from tests.policies_of_six import CATALOGUE
from tests.unit.training.data.cases_builder import FRAME, a_file
from training import learn
from training.data.dataset import LoggedCases, read_cases
from training.learning.compile import NotAdditive, Parity, compile_tables
from training.learning.encoding import Encoding, encoding_for
from training.learning.learned import Learned
from training.learning.scores import Floats
from training.learning.teachers import TEACHERS

SCALE = 1.7


@dataclasses.dataclass(frozen=True, kw_only=True)
class Compiled:
    """Students, the tables read off them, and the proof that they are equal."""

    learned: Learned
    encoding: Encoding
    tables: DecisionTables
    parity: Parity


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> LoggedCases:
    """Simulates cases, but what mixes are worth turns on fields together.

    On age and travel, and on skill and age.
    """
    path = a_file(tmp_path_factory.mktemp("cases"), FRAME, synthetic="true")
    cases = read_cases([path], CATALOGUE).take(np.arange(2000))
    age, travel, skill = (
        cases.rows[:, FEATURES.column(name)]
        for name in ("age_band", "travel_minutes_band", "digital_skill")
    )
    young = np.where(age <= FEATURES["age_band"].slot("30_39"), 1, -1)
    near = np.where(travel <= 1, 1, -1)
    skilled = np.where(skill >= FEATURES["digital_skill"].slot("OK"), 1, -1)
    dose = np.linspace(-1, 1, len(CATALOGUE.mixes))[cases.mix]
    chance = 0.5 + dose * (0.25 * young * near + 0.1 * young * skilled - 0.1 * skilled)
    outcome = (np.random.default_rng(0).random(len(chance)) < chance).astype(np.float64)
    return dataclasses.replace(cases, outcome=outcome)


@pytest.fixture(scope="module")
def learn_again() -> Callable[[LoggedCases, int], Compiled]:
    def again(logged: LoggedCases, jobs: int) -> Compiled:
        encoding = encoding_for(FEATURES, logged.rows, logged.outcome)
        learned = learn(
            encoding.inputs(logged.rows),
            logged.mix,
            logged.outcome,
            logged.minutes,
            np.tile(np.bincount(logged.mix) / len(logged.mix), (len(logged.mix), 1)),
            confounders=encoding.others(logged.rows),
            monotone=encoding.monotone,
            calibrate=False,
            pairs=2,
            folds=3,
            jobs=jobs,
            teachers={"x_learner": TEACHERS["x_learner"]},
        ).with_error_scale(SCALE)
        tables, parity = compile_tables(learned.students, encoding, logged.rows, SCALE)
        return Compiled(learned=learned, encoding=encoding, tables=tables, parity=parity)

    return again


@pytest.fixture(scope="module")
def fitted(learn_again: Callable[[LoggedCases, int], Compiled], logged: LoggedCases) -> Compiled:
    return learn_again(logged, 1)


def test_what_is_learned_is_reproducible_to_the_byte_of_the_tables_however_many_fits_run_at_once(
    learn_again: Callable[[LoggedCases, int], Compiled], logged: LoggedCases
) -> None:
    few = logged.take(np.arange(600))
    one, other = (tables_bytes(learn_again(few, jobs).tables) for jobs in (1, 2))
    assert one == other


def scaled(learned: Learned, inputs: Floats) -> Floats:
    """Spreads what the folds' students say around their mean by the scale of the errors."""
    values = learned.fold_values(inputs)
    mean = values.mean(axis=2, keepdims=True)
    spread: Floats = mean + SCALE * (values - mean)
    return spread


def test_tables_equal_the_students_on_every_row_pairs_included(
    logged: LoggedCases, fitted: Compiled
) -> None:
    expected = {FEATURES.column("age_band"), FEATURES.column("travel_minutes_band")}
    assert expected in [{one.first, one.second} for one in fitted.tables.pairs]
    for rows in (logged.rows, random_rows(4, 2_000)):
        inputs = fitted.encoding.inputs(rows)
        assert np.abs(fitted.tables.fold_values(rows) - scaled(fitted.learned, inputs)).max() < 1e-9
    assert fitted.parity.rows == len(logged.rows)
    assert fitted.parity.max_abs_difference < 1e-9


def test_tables_equal_the_students_on_every_slot_and_every_cell_of_a_pair(fitted: Compiled) -> None:
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


def test_the_served_errors_are_the_calibrated_ones(logged: LoggedCases, fitted: Compiled) -> None:
    values = fitted.tables.fold_values(logged.rows)
    folds = values.shape[2]
    errors = np.sqrt(
        (folds - 1) / folds * ((values - values.mean(axis=2, keepdims=True)) ** 2).sum(axis=2)
    )
    assert np.allclose(errors, fitted.learned.errors(fitted.encoding.inputs(logged.rows)))


def test_slots_and_cells_hold_the_number_of_training_cases(
    logged: LoggedCases, fitted: Compiled
) -> None:
    by_field = np.split(fitted.tables.counts, fitted.tables.offsets[1:])
    for column, counts in zip(fitted.tables.columns, by_field, strict=True):
        seen = np.bincount(logged.rows[:, column], minlength=len(counts))
        assert np.array_equal(counts, whole_tens(seen))
    for pair in fitted.tables.pairs:
        assert np.array_equal(
            pair.counts,
            whole_tens(np.bincount(pair.cells(logged.rows), minlength=len(pair.counts))),
        )


def test_students_that_no_table_can_hold_are_not_compiled(
    logged: LoggedCases, fitted: Compiled
) -> None:
    @dataclasses.dataclass(frozen=True)
    class Multiplies:
        pairs: tuple[()] = ()

        def values(self, rows: Floats) -> Floats:
            return np.nan_to_num(rows[:, :1] * rows[:, 1:2]) * np.arange(len(CATALOGUE.mixes))

    with pytest.raises(NotAdditive, match="differ from the students by up to"):
        compile_tables([Multiplies(), Multiplies()], fitted.encoding, logged.rows)  # type: ignore[list-item] # no students


def test_a_worse_value_never_makes_the_tables_want_less_human_contact(fitted: Compiled) -> None:
    # Though age and skill interact in the log, and skill turns there the other way.
    assert len(fitted.tables.pairs) > 0
    proof = prove(fitted.tables, CATALOGUE.ids)
    assert proof.features == fitted.encoding.ordered
    assert proof.falls == ()


def test_what_stands_in_no_order_never_counts_as_less_than_the_mildest_value(
    fitted: Compiled,
) -> None:
    # Unknown never means "no problem".
    assert prove(fitted.tables, CATALOGUE.ids).unordered == ()


def test_no_pair_joins_a_field_with_an_order_of_severity(fitted: Compiled) -> None:
    joined = {
        FEATURES.features[column].name
        for one in fitted.tables.pairs
        for column in (one.first, one.second)
    }
    assert not joined & {*fitted.encoding.ordered}
