"""The report: what a leader and a data scientist find in it, whatever the verdict."""

import html
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from router.cases.features import FEATURES
from tests.unit.training.evaluation.figures_builder import (
    MIXES,
    a_fall,
    a_manifest,
    a_proof,
    a_verdict,
    some_figures,
)
from tests.unit.training.evaluation.parts_builder import CATALOGUE
from tests.unit.training.evaluation.tables_builder import (
    a_pair,
    a_report,
    some_drawings,
    some_tables,
)
from training.evaluation.figures import STRONGEST, Estimate, HeldOut, Heterogeneity
from training.report.check_drawings import sensitivity
from training.report.cost_drawings import blind_above, cost_curve
from training.report.effect_tables import effect_tables, effects, weights_in_words
from training.report.page import SECTIONS, policy_page, write_report
from training.report.page import page as report_page
from training.report.pair_tables import bin_labels
from training.report.reproduce import commands, recorded
from training.report.value_drawings import gains, values
from training.report.words import names
from training.version.card import card
from training.version.register import register_entry


class Page(HTMLParser):
    """Ids, headings, links and images of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.addresses: list[str] = []
        self.tags: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = dict(attrs)
        self.tags.append(tag)
        if named.get("id"):
            self.ids.append(str(named["id"]))
        self.addresses += [
            str(v)
            for k, v in attrs
            if k in ("href", "src", "xlink:href", "action", "srcset", "data")
        ]
        if tag == "svg":
            self.pictures.append(named)


@pytest.fixture(scope="module")
def text() -> str:
    return a_report()


@pytest.fixture(scope="module")
def page(text: str) -> Page:
    return Page(text)


def test_the_page_needs_no_network_and_no_script(text: str, page: Page) -> None:
    assert all(address.startswith(("#", "data:,")) for address in page.addresses)
    assert not {"script", "iframe", "img", "object", "embed"} & set(page.tags)
    assert "default-src 'none'" in text
    assert not re.search(r"@import|url\((?!#)", text)


def test_every_section_of_the_contents_is_there(text: str, page: Page) -> None:
    for anchor, title in SECTIONS:
        assert anchor in page.ids
        assert title.replace("'", "&#39;") in text


def test_no_two_parts_of_the_page_have_the_same_id(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))


def test_every_drawing_has_a_title_and_a_description(text: str, page: Page) -> None:
    assert len(page.pictures) >= 10
    for picture in page.pictures:
        # The small ones of a table draw numbers that stand beside them.
        if picture.get("aria-hidden"):
            continue
        assert picture["role"] == "img"
        assert all(
            re.search(rf'id="{one}">[^<]{{3,}}<', text)
            for one in str(picture["aria-labelledby"]).split()
        )


def test_synthetic_data_are_announced_before_anything_else(text: str) -> None:
    assert text.index("Synthetic data.") < text.index("Yes, it may be promoted")


def test_mixes_are_named_in_english_and_norwegian(text: str) -> None:
    assert "Dialogue and phone calls (Dialog og telefonsamtaler)" in text


def test_a_small_group_is_named_but_not_shown(text: str) -> None:
    assert re.search(r"over 66</th><td[^>]*>too few to show: fewer than 50 cases", text)


def test_drift_that_calls_for_action_says_so(text: str) -> None:
    assert "0.31 act" in text


def test_data_fingerprint_seed_libraries_and_memory_are_there(text: str) -> None:
    for part in ("b0226410f1d2c5fc", "--seed 1", "scikit-learn", "1.9.1", "913 MiB"):
        assert part in text


def test_every_condition_of_the_gate_has_its_line(text: str) -> None:
    for condition in a_verdict().conditions:
        assert condition.explanation.replace("'", "&#39;") in text
        assert condition.bound in text
    assert "look closer" in text


def test_equal_figures_give_equal_drawings() -> None:
    assert values(some_figures()) == values(some_figures())


def test_a_drawing_holds_no_date_and_keeps_its_text_as_text() -> None:
    svg = cost_curve(some_figures()).wide.svg
    assert "dc:date" not in svg
    assert "adviser minutes per case</text>" in svg


def test_tables_of_another_catalogue_are_refused_and_nothing_is_written(tmp_path: Path) -> None:
    tables = some_tables()
    fewer = replace(tables, values=tables.values[:, :3], intercept=tables.intercept[:3], pairs=())
    with pytest.raises(ValueError, match="3 mixes, the catalogue has 6"):
        write_report(
            tmp_path / "r.html", some_figures(), a_verdict(), fewer, CATALOGUE, a_manifest()
        )
    assert not list(tmp_path.iterdir())


def test_the_fields_that_shift_contrasts_most_are_told_and_come_first() -> None:
    found = effects(some_tables())
    assert [one.weight for one in found] == sorted((one.weight for one in found), reverse=True)
    (table,) = effect_tables(found[:1], MIXES)
    assert len(table.heads) == len(MIXES) - 1
    # Every training case is in one of the rows.
    assert sum(row.cases for row in table.rows) == found[0].counts.sum()


def test_fields_that_shift_nothing_make_no_table_and_are_counted() -> None:
    tables = some_tables()
    found = effects(replace(tables, values=np.zeros_like(tables.values)))
    assert effect_tables(found, MIXES) == []
    assert weights_in_words(found) == f"all {len(found)} fields at most 0.005"


def test_every_field_table_says_in_a_sentence_what_it_shows() -> None:
    for table in effect_tables(effects(some_tables()), MIXES):
        assert table.sentence.startswith("The largest sure shift: ")
        bold = [cell.words for row in table.rows for cell in row.cells if cell.sure]
        assert any(words in table.sentence for words in bold)


@pytest.mark.parametrize(
    ("blind", "says"),
    [(-0.01, ""), (0.01, "may be chance"), (0.5, "chose worse than one mix for all")],
)
def test_a_blind_line_above_the_version_is_explained(blind: float, says: str) -> None:
    curve = some_figures().cost_curve
    above = [replace(one, blind=one.outcome.value + blind) for one in curve]
    told = blind_above(some_figures(cost_curve=tuple(above)))
    assert says in told
    assert bool(told) == bool(says)


def test_shifts_are_measured_from_the_average_training_case() -> None:
    for one in effects(some_tables()):
        assert one.counts @ one.shift == pytest.approx(0, abs=1e-6 * one.counts.sum())


def test_pairs_of_fields_are_tables_with_their_bins_in_words(text: str) -> None:
    assert "Age with digital skills" in text
    assert "<image" not in text
    pair = a_pair("need_group", "weeks_registered")
    assert bin_labels(FEATURES["weeks_registered"], pair.second_bins)[:3] == [
        "unknown",
        "0 to 64",
        "65 to 129",
    ]
    together = np.array([0, 0, 1, 1, 1, 2, 2], np.uint16)
    labels = bin_labels(FEATURES["need_group"], together)
    assert labels == [
        "good opportunities or unknown",
        "needs guidance and 2 more",
        "small opportunity for work, not assessed",
    ]


def a_page(**changes: Any) -> str:
    """Gives the report of figures with some changed; those drawings that they leave out, too."""
    figures = some_figures(**changes)
    drawn = some_drawings() | {name: None for name in ("reliability",) if name in changes}
    return report_page(figures, a_verdict(), some_tables(), CATALOGUE, a_manifest(), drawn)


def test_shown_probabilities_are_compared_with_outcomes_in_a_drawing_and_a_table(
    text: str,
) -> None:
    assert "The probabilities are 1.3 percentage points from outcomes, on average" in text
    assert "(90% interval: 0.1 to 2.5" in text
    found = some_figures().reliability
    assert found is not None
    for tenth in found.tenths:
        assert f'data-is="shown">{100 * tenth.predicted:.1f}</td>' in text
    assert "shown probability of reaching the goal, %</text>" in text


def test_that_worse_never_means_less_contact_is_told_and_so_is_every_field(text: str) -> None:
    assert "Worse never means less contact: proven for all 40 steps of 2 fields." in text
    assert "Fields: needs assessment (section\u00a014\u00a0a); digital skills." in text
    assert "Where a worse value means less contact" not in text


def test_exceptions_to_it_are_a_table_of_the_largest() -> None:
    falls = tuple(a_fall(by) for by in np.linspace(0.001, 0.03, 30).tolist())
    text = a_page(severity=a_proof(falls=falls, unordered=falls[:1]))
    assert "A worse value may mean less contact: in 30 of 40 steps" in text
    assert "the 20 largest of 30; all are in figures.json" in text
    assert text.count('Dialogue and video calls</td><td class="n"') == 21
    assert "counts as less than the mildest</caption>" in text


def test_a_version_from_before_says_that_it_was_not_measured() -> None:
    text = a_page(severity=None, reliability=None)
    assert "was not looked at in this version" in text
    assert "were not compared with outcomes in this version" in text


def test_without_any_comparison_there_is_no_drawing_of_gains() -> None:
    assert gains(some_figures(differences=())) is None


def test_the_manifest_is_told_in_full_and_what_it_lacks_is_not_recorded() -> None:
    told = dict(recorded(a_manifest(training={"seed": 3, "sha256": None})))
    assert told["training · sha256"] == "not recorded"
    assert told["libraries · numpy"] == "2.4.6"
    command = "python -m training fit --cases 'my cases.csv' --out models/2026-12 --seed 3"
    assert command in commands(some_figures(), a_manifest(training={"command": command}))
    words = {"seed": "3", "world": "$(reboot)", "cases": "5"}
    training = {"command": command, "simulation": words}
    assert "simulate" not in commands(some_figures(), a_manifest(training=training))[0]
    told_not = commands(some_figures(), a_manifest(training={"seed": 3}))[0]
    # Where the version lies is part of how it is looked at again.
    elsewhere = {"command": "python -m training fit --models m --policies p --out 'my models/v'"}
    *_, report, gate = commands(some_figures(), a_manifest(training=elsewhere))
    assert report.endswith("--models 'my models'")
    assert gate.endswith("--models 'my models' --policies p")
    usual = {"command": "python -m training fit --models elsewhere --out models/v"}
    *_, report, _ = commands(some_figures(), a_manifest(training=usual))
    assert report == f"python -m training report {some_figures().version}"
    assert told_not == "# the command of 2026-12 was not recorded"


def test_the_first_version_of_a_small_office_gets_its_report_too(tmp_path: Path) -> None:
    figures = some_figures(
        synthetic=False,
        promoted="",
        held_out=HeldOut(by="random", cases=480, first="", last=""),
        policies=tuple(
            one for one in some_figures().policies if one.name in ("candidate", "logged")
        ),
        differences=(),
        sensitivity=(),
        groups=(),
        cost_curve=some_figures().cost_curve[:1],
        fidelity=replace(some_figures().fidelity, weights={}, pairs=()),
        heterogeneity=Heterogeneity(statistic=0.4, p_value=0.41, permutations=500, found=False),
        fields=tuple(replace(field, drift=None) for field in some_figures().fields),
        seconds={},
    )
    tables = some_tables()
    flat = replace(tables, values=np.zeros_like(tables.values), pairs=())
    write_report(tmp_path / "r.html", figures, a_verdict(passed=False), flat, CATALOGUE, {})
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    for words in (
        "No model is promoted yet",
        "We did not measure the comparison with today&#39;s rule.",
        "drawn at random, without dates",
        "We measured no groups.",
        "There is no evidence that effects vary",
        "We did not measure this.",
        "The cost curve has too few points to tell.",
        "No value of any field shifts what a mix is worth",
    ):
        assert words in text
    # What explains a table is not said where there is none.
    for words in ("Synthetic", "Blue is more", "Bold means", "A number says how a value"):
        assert words not in text


def test_groups_stand_in_the_order_of_the_contract_in_report_card_and_register() -> None:
    order = ("COMPULSORY", "UPPER_SECONDARY", "BACHELOR", "DOCTORATE", "unknown")
    last = some_figures().groups[-1]
    groups = tuple(
        # An audit file's column may be called as the field is.
        replace(some_figures().groups[0], source=source, field="education_level", group=value)
        for source in ("schema", "audit")
        for value in sorted(order)
    )
    figures = some_figures(groups=(*groups, last))
    named = [names().group("education_level", value) for value in order]

    report = html.unescape(a_page(groups=figures.groups))
    section = report.partition('<h2 id="groups">')[2].partition("<h2")[0]
    assert re.findall(r'<tr><th scope="row">([^<]*)', section)[:-1] == [*named, *named]
    rows = card(figures, a_verdict(), a_manifest()).partition("## Groups")[2]
    assert re.findall(r"^\| education[^|]*\| ([^|]*) \|", rows, re.MULTILINE) == [*named, *named]
    entry = register_entry(figures, a_verdict(), a_manifest())
    told = [one["group"] for one in entry["more"]["non_discrimination"]["groups"]]
    assert told[: 2 * len(order)] == [*order, *order]


def test_a_value_that_is_no_share_of_people_is_told_of_no_group_and_no_policy() -> None:
    # As found: 90 cases of a group, hardly any of them with the mix that it would get.
    known = some_figures()
    beyond = Estimate(value=3.467, error=2.022, low=0.089, high=6.844)
    gain = Estimate(value=2.651, error=2.026, low=-0.715, high=6.018)
    one = replace(known.groups[0], candidate=beyond, gain=gain, calibration=-2.775)
    policy = replace(known.policies[0], estimates=known.policies[0].estimates | {"dr": beyond})
    figures = replace(
        known, groups=(one, *known.groups[1:]), policies=(policy, *known.policies[1:])
    )
    report = a_page(groups=figures.groups, policies=figures.policies)
    written = card(figures, a_verdict(), a_manifest())
    assert "below 0% or above 100%, so it is not known" in html.unescape(report)
    assert "below 0% or above 100%, so it is not known.\n\n| field |" in written
    for section in ("value", "groups"):
        text = report.partition(f'<h2 id="{section}">')[2].partition("<h2")[0]
        assert "not known" in text
        assert not re.search(r"346\.7|265\.1|277\.5", text)
    assert not re.search(r"346\.7|265\.1|277\.5", written)
    entry = register_entry(figures, a_verdict(), a_manifest())
    told = entry["more"]["non_discrimination"]["groups"]
    assert len(told) == len([group for group in known.groups if group.gain is not None]) - 1
    assert "below 0%" not in a_page() + card(known, a_verdict(), a_manifest())


@pytest.mark.parametrize(("gamma", "says"), [(1.0, False), (1.31, True), (STRONGEST, False)])
def test_a_dotted_line_is_told_of_where_one_is_drawn(gamma: float, says: bool) -> None:
    found = tuple(replace(one, gamma=gamma) for one in some_figures().sensitivity)
    drawn = sensitivity(some_figures(sensitivity=found))
    assert drawn is not None
    assert ("dotted line" in drawn.wide.description) is says
    assert ("stroke-dasharray" in drawn.wide.svg) is says


# As columns and categories of an audit file may be called.
NAMES = ("region\\kommune", 'x"><form action=//evil>', "<script>alert(1)</script>", "a|b", "$x_{$")


def test_a_name_from_a_file_is_a_text_on_the_page_whatever_it_looks_like() -> None:
    groups = tuple(replace(some_figures().groups[-1], field=name, group=name) for name in NAMES)
    text = a_page(groups=groups)
    assert not {"script", "form"} & set(Page(text).tags)
    for name in NAMES:
        assert name in html.unescape(text)


def test_the_page_of_a_policy_made_elsewhere_speaks_of_no_tables() -> None:
    text = policy_page(some_figures(version="mine"), a_verdict(passed=False), CATALOGUE)
    assert "<title>Policy mine: report</title>" in text
    headings = re.findall(r'<h2 id="(\w+)"', text)
    assert {"value", "groups", "gate", "overlap", "sensitivity"} <= set(headings)
    assert not {"effects", "calibration", "fidelity", "severity", "reproduce"} & set(headings)
    assert "The safeguards lift" not in text
    lifted = policy_page(some_figures(), a_verdict(passed=False), CATALOGUE, lifted=0.25)
    assert "The safeguards lift it to more contact in 25.0% of the test cases." in lifted
    # It predicts nothing, and nothing of it can be made again.
    assert "predicted minus observed" not in text
    assert not set(re.findall(r'href="#(\w+)"', text)) - set(headings)
