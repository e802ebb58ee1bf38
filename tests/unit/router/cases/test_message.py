"""A case from a message: its row of slots, and what is wrong by field."""

import pytest

from router.cases.features import FEATURES
from router.cases.message import encode
from router.cases.problems import FieldProblem
from router.decision.schema import Feature
from router.v1 import case_pb2
from tests.builders import PLAIN, a_case, a_row

NUMBERS = [feature for feature in FEATURES.features if not feature.values]


def read(case: case_pb2.Case, index: int = 0) -> tuple[list[int], list[FieldProblem]]:
    problems: list[FieldProblem] = []
    return encode(case, problems, index), problems


def problems_of(**changes: object) -> dict[str, str]:
    return {problem.field: problem.description for problem in read(a_case(**changes))[1]}


def test_a_case_becomes_the_row_of_its_values() -> None:
    row, problems = read(a_case())
    assert not problems
    assert row == a_row().tolist()


@pytest.mark.parametrize("name", [name for name in PLAIN if name != "shielded"])
def test_each_field_left_out_is_unknown(name: str) -> None:
    row, problems = read(a_case(**{name: None}))
    assert not problems
    assert FEATURES.features[FEATURES.column(name)].value(row[FEATURES.column(name)]) is None


@pytest.mark.parametrize("feature", NUMBERS, ids=lambda feature: feature.name)
def test_each_bound_is_permitted_and_a_value_that_cannot_be_is_a_problem_that_names_the_bound(
    feature: Feature,
) -> None:
    for value in (feature.lower, feature.upper):
        assert problems_of(**{feature.name: value}) == {}
    cannot_be = [feature.lower - 1, -(2**31)]
    if not feature.top_coded:
        cannot_be += [feature.upper + 1, 2**31 - 1]
    for value in cannot_be:
        (problem,) = problems_of(**{feature.name: value}).items()
        assert problem == (
            feature.name,
            f"{value} is outside the permitted values: {feature.bound}",
        )


@pytest.mark.parametrize("feature", [f for f in NUMBERS if f.top_coded], ids=lambda f: f.name)
def test_a_count_or_duration_above_the_highest_told_apart_is_read_as_that_and_said(
    feature: Feature,
) -> None:
    top, _ = read(a_case(**{feature.name: feature.upper}))
    for value in (feature.upper + 1, 2**31 - 1):
        problems, above = list[FieldProblem](), list[str]()
        row = encode(a_case(**{feature.name: value}), problems, top_coded=above)
        assert (row, problems, above) == (top, [], [feature.name])


def test_only_shares_and_levels_have_a_highest_value_that_nothing_can_be_above() -> None:
    assert {feature.name for feature in NUMBERS if not feature.top_coded} == {
        "plan_user_created_percent",
        "channel_preference_strength",
    }


def test_a_case_that_says_nothing_is_a_problem_and_no_shielded_person() -> None:
    _, (problem,) = read(case_pb2.Case())
    assert problem.field == ""
    assert problem.description.startswith("is missing or empty; a shielded case is sent as")
    assert not read(case_pb2.Case(shielded=True))[1]


def test_an_enum_number_that_is_not_in_the_contract_is_a_problem() -> None:
    assert "one of 18_24" in problems_of(age_band=99)["age_band"]


def test_a_shielded_case_is_read_no_further() -> None:
    row, problems = read(a_case(shielded=True, case_ref=None, weeks_registered=5000))
    assert not problems
    assert sum(row) == FEATURES["shielded"].slot("YES")


def test_a_reference_is_required_short_printable_and_no_national_id() -> None:
    assert "must be given" in problems_of(case_ref=None)["case_ref"]
    assert "more than 64" in problems_of(case_ref="x" * 65)["case_ref"]
    assert "control" in problems_of(case_ref="a\x00b")["case_ref"]
    assert "national identity" in problems_of(office_ref="010170 12345")["office_ref"]


def test_a_field_that_the_contract_does_not_know_is_a_problem() -> None:
    case = case_pb2.Case.FromString(a_case().SerializeToString() + b"\xfa\x3f\x04Kari")
    _, problems = read(case)
    assert "contract does not know" in problems[0].description


def test_a_problem_carries_the_number_of_its_case() -> None:
    _, problems = read(a_case(weeks_registered=-1), index=7)
    assert [problem.index for problem in problems] == [7]
