"""Safeguards, proven over every value of every field that a rule reads."""

import dataclasses
import itertools

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.catalogue import Catalogue
from router.decision.decision import NO_MIX, Status
from router.decision.safeguards import REQUIREMENTS, CompiledSafeguards, Requirement
from router.decision.schema import Role
from tests.builders import a_catalogue, a_decider, a_row, random_rows

# Each field's values from no problem to the worst, in steps: values of one step are equally bad.
# None is unknown.
_EACH_DAY: list[list[str | int | None]] = [[day] for day in range(721)]
SEVERITY: dict[str, list[list[str | int | None]]] = {
    "shielded": [["NO"], ["YES", None]],
    "digitally_reserved": [["NO"], ["YES", None]],
    "manual_follow_up": [["NO"], [None], ["YES"]],
    "digital_access": [["FULL", "PHONE_ONLY"], [None], ["NONE"]],
    "has_eid": [["YES"], [None], ["NO"]],
    "digital_skill": [["STRONG"], ["OK"], [None, "WEAK"], ["NON_USER"]],
    "language_support": [["NONE"], ["PLAIN_LANGUAGE"], [None], ["INTERPRETER", "SIGN_INTERPRETER"]],
    "health_hindrance": [["NO"], ["NOT_ASKED", None], ["DOES_NOT_KNOW"], ["YES"]],
    "other_hindrance": [["NO"], ["NOT_ASKED", None], ["DOES_NOT_KNOW"], ["YES"]],
    "self_assessed_need": [["CAN_MANAGE"], ["NOT_ASKED", None], ["WANTS_GUIDANCE"]],
    "channel_preference": [
        ["PREFERS_DIGITAL", "NO_PREFERENCE"],
        [None],
        ["PREFERS_REMOTE_TALK", "PREFERS_MEETING"],
    ],
    "need_group": [
        ["GOOD_OPPORTUNITIES"],
        [
            None,
            "NOT_DECIDED",
            "NEEDS_GUIDANCE",
            "NEEDS_GUIDANCE_REDUCED_CAPACITY",
            "PARTIAL_WORK",
            "SMALL_OPPORTUNITY",
        ],
    ],
    "days_since_personal_contact": [*_EACH_DAY, [None]],
}
COUNTS = (
    "no_shows_180d",
    "unread_messages",
    "days_since_user_plan_activity",
    "days_waiting_for_agency_reply",
)
SEVERITY |= {name: [[count] for count in range(FEATURES[name].upper + 1)] for name in COUNTS}

DECIDER = a_decider()
RULES = DECIDER.safeguards
RULE_FIELDS = {f.name for f in FEATURES.features if {Role.HARD_RULE, Role.SAFEGUARD} & f.roles}


def lightest(name: str, value: str | int | None) -> int:
    """Gives the number of the lightest mix permitted by one field's value alone."""
    place = FEATURES.offsets[FEATURES.column(name)] + FEATURES[name].slot(value)
    return int(RULES.first_permitted[RULES.requirements[place]])


def test_every_field_that_a_rule_reads_may_be_read_by_rules() -> None:
    # By its role in the contract, which says what a field may be used for.
    assert {rule.feature for rule in RULES.rules} <= RULE_FIELDS


def test_every_field_of_a_hard_rule_or_safeguard_has_a_severity_and_every_value_a_place_in_it() -> (
    None
):
    assert set(SEVERITY) == RULE_FIELDS
    for name in RULE_FIELDS - set(COUNTS):
        placed = sorted(FEATURES[name].slot(value) for step in SEVERITY[name] for value in step)
        assert placed == list(range(FEATURES[name].slots))


@pytest.mark.parametrize("name", SEVERITY)
def test_a_worse_value_never_permits_a_lighter_mix(name: str) -> None:
    steps = [[lightest(name, value) for value in step] for step in SEVERITY[name]]
    for better, worse in itertools.pairwise(steps):
        assert max(better) <= min(worse)


@pytest.mark.parametrize("name", COUNTS)
def test_an_unknown_count_is_never_read_as_no_problem(name: str) -> None:
    assert lightest(name, None) > lightest(name, 0)


@pytest.mark.parametrize("name", sorted(set(SEVERITY) - set(COUNTS)))
def test_unknown_demands_more_than_no_problem(name: str) -> None:
    assert lightest(name, None) > lightest(name, SEVERITY[name][0][0])


def test_more_requirements_never_permit_a_lighter_mix_whatever_the_set() -> None:
    sets = range(1 << len(REQUIREMENTS))
    for fewer in sets:
        for more in sets:
            if fewer & more == fewer:
                assert RULES.first_permitted[fewer] <= RULES.first_permitted[more]


def test_each_set_of_requirements_permits_a_mix_unless_it_is_manual_only() -> None:
    manual = 1 << REQUIREMENTS.index(Requirement.MANUAL_ONLY)
    for number, first in enumerate(RULES.first_permitted):
        assert (first < len(a_catalogue().mixes)) == (not number & manual)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("digitally_reserved", "YES"),
        ("digitally_reserved", None),
        ("manual_follow_up", "YES"),
        ("digital_access", "NONE"),
        ("has_eid", "NO"),
        ("digital_skill", "NON_USER"),
    ],
)
def test_who_cannot_use_digital_services_never_gets_a_digital_demand(
    name: str, value: str | None
) -> None:
    rows = random_rows(1, 4000)
    rows[:, FEATURES.column(name)] = FEATURES[name].slot(value)
    decisions = DECIDER.decide(rows)
    given = decisions.mix[decisions.mix != NO_MIX]
    assert len(given) > 3000
    assert not any(a_catalogue().mixes[mix].digital_demand for mix in np.unique(given))


@pytest.mark.parametrize("value", ["YES", None])
def test_a_shielded_case_or_one_that_does_not_say_is_never_scored(value: str | None) -> None:
    decisions = DECIDER.decide(a_row(shielded=value)[None])
    assert decisions.status[0] == Status.MANUAL_ONLY
    assert decisions.mix[0] == NO_MIX
    assert np.isnan(decisions.expected).all()


@pytest.mark.parametrize("name", [f.name for f in FEATURES.features if f.roles == {Role.SAFEGUARD}])
def test_a_worse_safeguard_field_never_lowers_the_minutes_recommended(name: str) -> None:
    steps = SEVERITY[name]
    steps = steps if len(steps) < 60 else [steps[0], *steps[55:65], steps[-1]]
    for seed in range(3):
        decider = a_decider(seed, effect=0.004, spread=0.003)
        rows = random_rows(seed, 400)
        low = np.zeros(len(rows))
        for step in steps:
            found = []
            for value in step:
                rows[:, FEATURES.column(name)] = FEATURES[name].slot(value)
                found.append(np.append(decider.catalogue.minutes, np.inf)[decider.decide(rows).mix])
            assert (np.min(found, axis=0) >= low).all()
            low = np.max(found, axis=0)


def test_a_catalogue_in_which_more_need_gives_less_contact_is_refused() -> None:
    catalogue = a_catalogue()
    *lighter, heaviest = catalogue.mixes
    mixed = Catalogue(
        version="x",
        mixes=(*lighter, dataclasses.replace(heaviest, elements=lighter[0].elements * 60)),
    )
    with pytest.raises(ValueError, match="less human contact"):
        CompiledSafeguards(features=FEATURES, catalogue=mixed, rules=RULES.rules)


def test_every_safeguard_names_its_legal_basis() -> None:
    assert all(rule.legal_basis for rule in RULES.rules)
