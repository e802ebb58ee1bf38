"""National and office policies: what may be set, what is refused, what stands in."""

import re
import shutil
from pathlib import Path

import pytest

from router.cases.features import FEATURES
from router.policies.offices import Policies, keep_good, load_policies
from router.policies.toml_file import PolicyError
from tests.builders import ROOT, a_catalogue, a_row

LEAST = "minutes_per_week = 9000\n"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "policies", tmp_path / "policies")
    shutil.rmtree(tmp_path / "policies" / "offices")
    (tmp_path / "policies" / "offices").mkdir()
    return tmp_path / "policies"


def loaded(folder: Path, last_good: Policies | None = None, **offices: str) -> Policies:
    for name, text in offices.items():
        (folder / "offices" / f"{name}.toml").write_text(text)
    return load_policies(folder, a_catalogue(), last_good)


def test_the_shipped_policies_can_be_used() -> None:
    found = load_policies(ROOT / "policies", a_catalogue())
    assert not found.refused
    assert found.offices


def test_what_an_office_leaves_out_is_as_in_the_national_policy(folder: Path) -> None:
    found = loaded(folder, a=LEAST)
    office, national = found.of("a"), found.national
    assert (office.office, office.minutes_per_week) == ("a", 9000)
    for name in ("price", "menu", "abstention", "limits", "languages", "exploration", "disclosure"):
        assert getattr(office, name) == getattr(national, name)


def test_an_office_without_a_file_has_the_national_policy(folder: Path) -> None:
    found = loaded(folder, a=LEAST)
    assert found.of("b") is found.national
    assert found.of("") is found.national


def test_another_value_is_another_version_and_the_national_version_is_part_of_it(
    folder: Path,
) -> None:
    first = loaded(folder, a=LEAST)
    second = loaded(folder, a=LEAST + "price_per_minute = 0.0005\n")
    assert first.of("a").version != second.of("a").version
    assert all(
        found.of("a").version.startswith(f"{found.national.version}/a+")
        for found in (first, second)
    )
    national = folder / "national.toml"
    national.write_text(national.read_text().replace("no_shows = 2", "no_shows = 3"))
    assert loaded(folder).of("a").version != second.of("a").version


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("price_per_minute = 0.003", "price_per_minute: 0.003 is outside 0.0 to 0.002"),
        ("price_per_minute = true", "price_per_minute: True is not a number"),
        (
            "[safeguards]\ncontact_gap_days = 91",
            "safeguards.contact_gap_days: 91.* is outside 14 to 90",
        ),
        ("[safeguards]\nno_shows = 5", "safeguards.no_shows: is not a known key"),
        ("[abstention]\nunknown_fields = 9", "abstention.unknown_fields: 9.* is outside 2 to 8"),
        (
            "[abstention]\nstandard_errors = 0.1",
            "abstention.standard_errors: 0.1 is outside 0.5 to 2.0",
        ),
        (
            "[weights.need_group]\nSMALL_OPPORTUNITY = 3.5",
            "weights.need_group.SMALL_OPPORTUNITY: 3.5 is outside 1.0 to 3",
        ),
        ("[weights.need_group]\nTINY = 2", "weights.need_group.TINY: is not a known key"),
        (
            "[weights.need_group]\nGOOD_OPPORTUNITIES = 2\nNEEDS_GUIDANCE = 1",
            "weights: need_group.NEEDS_GUIDANCE: 1.0 is below the 2.0 of GOOD",
        ),
        (
            "[weights.digital_skill]\nWEAK = 2\nNON_USER = 1",
            "weights: digital_skill.NON_USER: 1.0 is below the 2.0 of WEAK",
        ),
        ("[weights.education_level]\nNONE = 2", "weights.education_level: is not a known key"),
        ("[exploration]\nshare = 0.3", "exploration.share: 0.3 is outside 0.0 to 0.2"),
        (
            '[exploration]\nmixes = ["EMAIL"]',
            "exploration.mixes: .* must be a list of SELF_SERVICE",
        ),
        ("[disclosure]\ncontrol = 0.2", "disclosure.control: 0.2 is outside 0.0 to 0.1"),
        (
            'menu = ["INTENSIVE_PERSONAL"]',
            "menu: lacks DIALOGUE_AND_PHONE, which every office must offer",
        ),
        ('languages = ["de"]', "languages: .* must be a list of nb, nn, en"),
        ("languages = []", "languages: names none"),
        ("[baseline_minutes]\nUNKNOWN = 80", "baseline_minutes.GOOD_OPPORTUNITIES: is missing"),
        (
            '[contact]\nphone = "155076 00333"',
            "contact.phone: looks like a national identity number",
        ),
        (
            # No number that may stand there, and not repeated for that.
            '[contact]\nphone = "155076-00333"',
            "contact.phone: looks like a national identity number",
        ),
        ("ofice = 1", "ofice: is not a known key"),
        ("price_per_minute = ", "cannot be read"),
    ],
)
def test_a_value_outside_its_bound_is_refused_by_file_key_value_and_bound(
    folder: Path, line: str, problem: str
) -> None:
    found = loaded(folder, a=LEAST + line, b=LEAST)
    assert re.search(r"offices/a\.toml: " + problem, found.refused["a"])
    assert found.of("a") is found.national
    assert found.of("b").office == "b"
    with pytest.raises(PolicyError, match="offices/a"):
        found.usable("a")


def test_an_office_whose_file_is_refused_runs_on_its_last_good_policy(folder: Path) -> None:
    good = loaded(folder, a=LEAST)
    found = loaded(folder, good, a=LEAST + "price_per_minute = 1.0")
    assert "price_per_minute" in found.refused["a"]
    assert found.of("a") is good.of("a")


def test_a_copy_of_the_last_good_policy_stands_in_after_a_restart(
    folder: Path, tmp_path: Path
) -> None:
    kept = tmp_path / "kept"
    good = loaded(
        folder, a=LEAST + "[safeguards]\ncontact_gap_days = 30\n", b="minutes_per_week = 1\n"
    )
    keep_good(good, kept)
    (folder / "offices" / "a.toml").write_text("minutes_per_week = 'many'\n")
    found = load_policies(folder, a_catalogue(), None, kept)
    assert "a" in found.refused
    assert found.of("a").version == good.of("a").version
    assert found.of("a").limits.contact_gap_days == 30
    assert found.of("b") is found.national
    keep_good(found, kept)  # what is refused now does not replace the copy
    assert load_policies(folder, a_catalogue(), None, kept).of("a").version == good.of("a").version


def test_a_copy_outside_todays_bounds_does_not_stand_in(folder: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    keep_good(loaded(folder, a=LEAST + "price_per_minute = 0.002\n"), kept)
    national = folder / "national.toml"
    national.write_text(
        national.read_text().replace(
            "price_per_minute = [0.0, 0.002]", "price_per_minute = [0.0, 0.001]"
        )
    )
    found = load_policies(folder, a_catalogue(), None, kept)
    assert found.of("a") is found.national


def test_a_file_whose_name_is_no_office_reference_is_refused(folder: Path) -> None:
    (folder / "offices" / "a b.toml").write_text(LEAST)
    assert "must be the office's reference" in loaded(folder).refused["a b"]


@pytest.mark.parametrize("name", ["B.TOML", "b.toml.txt", "b.Toml"])
def test_a_policy_as_some_systems_save_it_is_refused_and_not_passed_over(
    folder: Path, name: str
) -> None:
    (folder / "offices" / name).write_text(LEAST)
    found = loaded(folder, a=LEAST)
    assert list(found.offices) == ["a"]
    (problem,) = found.refused.values()
    assert "its name must end with .toml, in small letters" in problem


@pytest.mark.parametrize("name", ["15507600333", "1550 7600333", "a\u200bb", "x" * 65])
def test_a_file_with_a_bad_reference_for_a_name_is_told_by_its_place(
    folder: Path, name: str
) -> None:
    (folder / "offices" / f"{name}.toml").write_text(LEAST)
    found = loaded(folder, a=LEAST)
    assert list(found.offices) == ["a"]
    ((key, problem),) = found.refused.items()
    assert re.fullmatch(r"\(file [12]\)", key)
    assert "file" in problem
    assert name not in problem


@pytest.mark.parametrize("name", ["15507600333", "1550\u20137600333"])
def test_an_office_asked_for_by_a_number_is_refused_and_not_repeated(
    folder: Path, name: str
) -> None:
    with pytest.raises(PolicyError, match="looks like a national identity number") as refused:
        loaded(folder, a=LEAST).usable(name)
    assert name not in str(refused.value)


def test_a_national_policy_that_cannot_be_used_is_refused(folder: Path) -> None:
    national = folder / "national.toml"
    national.write_text(
        national.read_text().replace("control = [0.0, 0.1]", "control = [0.1, 0.0]")
    )
    with pytest.raises(
        PolicyError,
        match=r"national.toml: offices.bounds.control: \[0.1, 0.0\] is not \[lowest, high",
    ):
        loaded(folder)


def test_weights_of_fields_multiply_and_unknown_weighs_as_the_largest_or_as_its_equals(
    folder: Path,
) -> None:
    text = LEAST + "[weights.need_group]\nSMALL_OPPORTUNITY = 1.5\n"
    text += "[weights.digital_skill]\nWEAK = 1.2\nNON_USER = 2\n"
    text += "[[weights.benefit_weeks_left]]\nat_most = 13\nweight = 1.5\n"
    text += "[[weights.benefit_weeks_left]]\nat_most = 4\nweight = 2\n"
    weights = loaded(folder, a=text).of("a").weights

    def weight(**changes: str | int | None) -> float:
        return float(weights.of(a_row(**changes)[None])[0])

    assert weight() == 1.0
    assert weight(need_group="SMALL_OPPORTUNITY", digital_skill="WEAK") == 1.5 * 1.2
    assert weight(need_group=None) == 1.5
    # The order of digital skill calls it as bad as WEAK, which must not get less.
    assert weight(digital_skill=None) == 1.2
    assert [weight(benefit_weeks_left=weeks) for weeks in (0, 4, 5, 13, 14)] == [
        2.0,
        2.0,
        1.5,
        1.5,
        1.0,
    ]
    assert weight(benefit_weeks_left=None) == 2.0
    assert FEATURES["benefit_weeks_left"].upper > 14
