"""The model card and the register entry: both from the same figures as the report."""

import json
import re
from dataclasses import replace
from itertools import pairwise

import pytest

from router.cases.features import FEATURES
from router.decision.schema import Feature
from tests.builders import ROOT
from tests.unit.training.evaluation.figures_builder import (
    a_manifest,
    a_verdict,
    no_overlap,
    some_figures,
)
from training.version.card import card
from training.version.register import STANDARD_VERSION, register_entry

DUTCH_STANDARD = [
    "name",
    "organization",
    "description_short",
    "category",
    "status",
    "begin_date",
    "end_date",
    "contact_email",
    "website",
    "publication_category",
    "url",
    "goal",
    "proportionality",
    "human_intervention",
    "risks",
    "lawful_basis",
    "lawful_basis_grouping",
    "process_index_url",
    "impacttoetsen",
    "impacttoetsen_grouping",
    "source_data",
    "source_data_grouping",
    "methods_and_models",
    "provider",
    "publiccode",
    "lang",
    "standard_version",
    "source_id",
    "tags",
]


def test_the_card_has_the_sections_of_a_model_card() -> None:
    text = card(some_figures(), a_verdict(), a_manifest())
    for title in (
        "Intended use",
        "Out of scope",
        "Data",
        "Method",
        "Figures",
        "Gate",
        "Groups",
        "Limits",
        "Ethics",
        "How to contest",
        "Contact",
    ):
        assert f"\n## {title}\n" in text


def test_the_card_says_that_data_are_synthetic_only_when_they_are() -> None:
    assert "> **TEST. Synthetic data.**" in card(some_figures(), a_verdict(), a_manifest())
    assert "Synthetic" not in card(some_figures(synthetic=False), a_verdict(), a_manifest())


def test_the_card_gives_gains_with_intervals_and_the_fingerprint_of_the_data() -> None:
    text = card(some_figures(), a_verdict(), a_manifest())
    assert "| today's rule | +3.8 | +2.5 to +5.2 | +8 |" in text
    assert "b0226410f1d2c5fc6bc695401f85a6e85cd18c099e143a4ea3c84b77dc8eee99" in text


def test_the_card_of_a_refused_version_names_what_is_not_met() -> None:
    text = card(some_figures(), a_verdict(passed=False), a_manifest())
    assert "**No, it may not be promoted.**" in text
    assert "| no group worse off | **no**, look closer |" in text


def test_the_card_does_not_show_small_groups() -> None:
    assert "over 66" not in card(some_figures(), a_verdict(), a_manifest())


def test_every_table_of_the_card_has_equally_many_cells_in_each_row() -> None:
    lines = card(some_figures(), a_verdict(), a_manifest()).splitlines()
    for line, after in pairwise(lines):
        if line.startswith("|") and after.startswith("|"):
            assert line.count("|") == after.count("|"), after


def test_a_card_without_a_recorded_fingerprint_says_so() -> None:
    assert "`not recorded`" in card(some_figures(), a_verdict(), a_manifest(training={}))


def test_the_register_entry_has_every_key_of_the_publication_standard_and_is_json() -> None:
    entry = json.loads(
        json.dumps(register_entry(some_figures(), a_verdict(), a_manifest()), allow_nan=False)
    )
    assert list(entry)[: len(DUTCH_STANDARD)] == DUTCH_STANDARD
    assert entry["standard_version"] == STANDARD_VERSION


def test_a_synthetic_or_refused_version_is_registered_as_in_development() -> None:
    real = some_figures(synthetic=False)
    assert register_entry(some_figures(), a_verdict(), a_manifest())["status"] == "In ontwikkeling"
    assert (
        register_entry(real, a_verdict(passed=False), a_manifest())["status"] == "In ontwikkeling"
    )
    assert register_entry(real, a_verdict(), a_manifest())["status"].startswith("[AGENCY:")


def test_the_register_entry_gives_performance_by_group_with_intervals() -> None:
    groups = register_entry(some_figures(), a_verdict(), a_manifest())["more"][
        "non_discrimination"
    ]["groups"]
    assert {group["field"] for group in groups} == {"age_band", "need_group", "country_group"}
    assert all(
        group["gain"]["low"] <= group["gain"]["value"] <= group["gain"]["high"] for group in groups
    )
    assert all(group["cases"] >= 50 for group in groups)


def test_what_only_the_agency_knows_is_marked_and_not_invented() -> None:
    entry = register_entry(some_figures(), a_verdict(), a_manifest())
    for key in ("organization", "contact_email", "begin_date", "provider"):
        assert entry[key].startswith("[AGENCY:")


def test_card_and_register_tell_the_same_verdict_when_overlap_is_missing() -> None:
    figures, verdict = no_overlap(some_figures()), a_verdict(passed=False)
    assert "We cannot say yet" in card(figures, verdict, a_manifest())
    assert register_entry(figures, verdict, a_manifest())["more"]["verdict"].startswith(
        "We cannot say yet"
    )


def test_without_groups_the_card_says_that_none_was_measured() -> None:
    assert "none was measured" in card(
        replace(some_figures(), groups=()), a_verdict(), a_manifest()
    )


@pytest.mark.parametrize("feature", FEATURES.features, ids=lambda feature: feature.name)
def test_the_data_protection_template_names_every_field_with_its_roles(feature: Feature) -> None:
    rows = [
        line.split("|")
        for line in (ROOT / "docs" / "dpia.md").read_text(encoding="utf-8").splitlines()
    ]
    roles = [row[3] for row in rows if len(row) == 5 and feature.name in re.findall(r"\w+", row[2])]
    assert [set(re.findall(r"\w+", one)) for one in roles] == [
        {role.value for role in feature.roles}
    ]


@pytest.mark.parametrize("name", ["dpia.md", "fundamental-rights-assessment.md"])
def test_every_file_that_an_assessment_template_names_is_there(name: str) -> None:
    text = (ROOT / "docs" / name).read_text(encoding="utf-8")
    for path in re.findall(r"`((?:router|training|policies|tests|proto)/[\w./-]+)`", text):
        assert (ROOT / path).exists(), path
    for path in re.findall(r"\]\(([\w-]+\.md)\)", text):
        assert (ROOT / "docs" / path).exists(), path


def test_a_name_from_a_file_is_a_text_in_the_card_whatever_it_looks_like() -> None:
    names = ("region\\kommune", "<script>alert(1)</script>", "a|b", "[x](http://evil)", "`x`\n# y")
    plain = some_figures(groups=(some_figures().groups[-1],))
    usual = card(plain, a_verdict(), a_manifest())
    for name in names:
        odd = some_figures(groups=(replace(plain.groups[0], field=name, group=name),))
        text = card(odd, a_verdict(), a_manifest())
        assert text.count("\n") == usual.count("\n")
        # Nothing in it is a mark: each sign that could be one stands behind a backslash.
        for mark in "<|[`":
            marks = re.compile(rf"(?<!\\){re.escape(mark)}")
            assert len(marks.findall(text)) == len(marks.findall(usual)), name
