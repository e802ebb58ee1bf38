"""The annotated contract is the single source: roles, bounds and slots follow from it."""

from dataclasses import replace

import numpy as np
import pytest
from google.protobuf import descriptor_pb2

from router.cases.features import FEATURES, REFERENCES, are_shielded, slots_of
from router.decision.schema import Feature, FeatureSet, Role
from router.v1 import case_pb2
from tests.builders import a_row


def test_every_feature_has_a_role_and_a_safeguard_field_is_never_a_model_input() -> None:
    for feature in FEATURES.features:
        assert feature.roles
        assert not {Role.SAFEGUARD, Role.MODEL} <= feature.roles


def test_every_enum_starts_with_unspecified_and_integers_track_presence() -> None:
    for field in case_pb2.Case.DESCRIPTOR.fields:
        if field.enum_type is not None:
            assert field.enum_type.values[0].name.endswith("_UNSPECIFIED")
        elif field.type == descriptor_pb2.FieldDescriptorProto.TYPE_INT32:
            assert field.has_presence


def test_every_text_of_the_contract_is_a_reference_with_a_bound() -> None:
    assert set(REFERENCES) == {"case_ref", "office_ref"}
    assert {reference.bound for reference in REFERENCES.values()} == {"1 to 64 characters"}


@pytest.mark.parametrize("feature", FEATURES.features, ids=lambda feature: feature.name)
def test_the_slots_of_a_column_are_those_of_its_values_and_what_is_outside_is_told(
    feature: Feature,
) -> None:
    numbers = np.arange(feature.lower - 2, feature.upper + 3)
    slots, bad = slots_of(numbers, True, feature)
    above = [not feature.top_coded] * 2
    assert bad.tolist() == [True] * 2 + [False] * (feature.slots - 1) + above
    values = [*(feature.values or range(feature.lower, feature.upper + 1))]
    # "This or more" has one slot, the last.
    values += [feature.upper] * 2 if feature.top_coded else []
    assert slots[~bad].tolist() == [feature.slot(value) for value in values]


def test_what_is_unknown_is_not_outside() -> None:
    feature = FEATURES["weeks_registered"]
    unread = np.array([feature.lower - 1, feature.lower - 1, 3])
    slots, bad = slots_of(unread, np.array([False, True, True]), feature)
    assert bad.tolist() == [False, True, False]
    assert slots[~bad].tolist() == [0, feature.slot(3)]


def test_a_number_far_outside_is_outside_and_does_not_wrap() -> None:
    feature = FEATURES["unemployed_per_100_vacancies"]
    far = np.array([-(2**63), 2**63 - 1, 2**16 + feature.lower])
    assert slots_of(far, True, replace(feature, top_coded=False))[1].all()

    slots, bad = slots_of(far, True, feature)
    assert bad.tolist() == [True, False, False]
    assert slots[1:].tolist() == [feature.slots - 1] * 2


def test_a_version_depends_on_what_its_model_reads_and_on_nothing_else() -> None:
    read = [one for one in FEATURES.features if Role.MODEL in one.roles]
    plain = FeatureSet(features=tuple(replace(one, top_coded=False) for one in read))
    assert plain.model_inputs == FEATURES.model_inputs

    first = replace(read[0], values=(*read[0].values, "OTHER"))
    assert FeatureSet(features=(first, *read[1:])).model_inputs != FEATURES.model_inputs


def test_a_bound_says_where_a_number_means_this_or_more() -> None:
    assert FEATURES["weeks_registered"].bound == "0 to 520 weeks; 520 means this or more"
    assert FEATURES["plan_user_created_percent"].bound == "0 to 100 percent"


def test_a_case_that_does_not_say_is_shielded() -> None:
    rows = np.array([a_row(shielded=value) for value in ("NO", "YES", None)])
    assert are_shielded(rows).tolist() == [False, True, True]
