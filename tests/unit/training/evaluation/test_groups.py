"""Groups of cases by the values of their fields."""

import numpy as np

from tests.builders import a_row
from training.evaluation.groups import schema_groups


def test_groups_name_the_values_of_the_contract() -> None:
    rows = np.stack([a_row(need_group="SMALL_OPPORTUNITY"), a_row(need_group=None)])
    assert schema_groups(rows)["need_group"].tolist() == ["SMALL_OPPORTUNITY", "unknown"]
