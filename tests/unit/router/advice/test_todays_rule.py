"""Today's rule: the published profile, and unknown as the more personal side."""

from dataclasses import replace

import pytest

from router.advice.todays_rule import todays_rule
from router.decision.catalogue import Catalogue
from tests.builders import a_catalogue, a_row

CATALOGUE = a_catalogue()


def test_a_catalogue_without_the_rules_mixes_is_refused_by_name() -> None:
    renamed = tuple(replace(mix, id=f"{mix.id}_2") for mix in CATALOGUE.mixes)
    with pytest.raises(ValueError, match="has no mix SELF_SERVICE, which today's rule gives"):
        todays_rule(a_row()[None], Catalogue(version="x", mixes=renamed))


@pytest.mark.parametrize(
    ("changes", "mix"),
    [
        ({}, "SELF_SERVICE"),
        ({"health_hindrance": "YES"}, "BLENDED_OFFICE"),
        ({"other_hindrance": "NOT_ASKED"}, "BLENDED_OFFICE"),
        ({"health_hindrance": None}, "BLENDED_OFFICE"),
        ({"age_band": "OVER_66"}, "DIALOGUE_AND_PHONE"),
        ({"age_band": None}, "DIALOGUE_AND_PHONE"),
        ({"worked_6_of_last_12_months": "NO"}, "DIALOGUE_AND_PHONE"),
        ({"worked_6_of_last_12_months": None}, "DIALOGUE_AND_PHONE"),
        ({"education_level": "UPPER_SECONDARY"}, "SELF_SERVICE"),
        ({"education_level": "COMPULSORY"}, "DIALOGUE_AND_PHONE"),
        ({"education_level": None}, "DIALOGUE_AND_PHONE"),
        ({"education_recognised": None}, "DIALOGUE_AND_PHONE"),
    ],
)
def test_todays_rule_gives_the_published_profile_and_unknown_is_the_more_personal_side(
    changes: dict[str, str | None], mix: str
) -> None:
    found = todays_rule(a_row(**changes)[None], CATALOGUE)
    assert [CATALOGUE.ids[number] for number in found] == [mix]
