"""What the report says in sentences is plain enough for a head of department."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import pytest

from tests.builders import ROOT
from tests.plain_language import HARDEST_GRADE, faults, grade, is_prose
from tests.unit.training.evaluation.figures_builder import (
    a_manifest,
    a_verdict,
    no_overlap,
    some_figures,
)
from tests.unit.training.evaluation.tables_builder import a_report
from training.evaluation.figures import Heterogeneity, Sensitivity
from training.evaluation.gate import load_gate
from training.report.cost_drawings import beyond
from training.report.first_screen import first_screen
from training.report.words import confounding_words, heterogeneity_words
from training.version.card import card
from training.version.register import register_entry

PROSE = ("p", "li", "figcaption", "desc")


class Prose(HTMLParser):
    """The sentences of a page by the section that they stand in, the first screen's under ""."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.sections: dict[str, list[str]] = {"": []}
        self.section = ""
        self.is_code = False
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "h2":
            self.section = str(dict(attrs)["id"])
            self.sections[self.section] = []
        elif tag in PROSE:
            self.texts.append("")
        elif tag == "code":
            self.is_code = True
        elif tag == "br" and self.texts:
            self.texts[-1] += ". "

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += "code" if self.is_code else data

    def handle_endtag(self, tag: str) -> None:
        if tag == "code":
            self.is_code = False
        if tag in PROSE and self.texts:
            text = without_names(" ".join(self.texts.pop().split(" ")).replace("\n", " "))
            # Lists of figures, for those who cannot see the drawing, are no sentences.
            if is_prose(text) and ";" not in text:
                self.sections[self.section].append(text)


def without_names(text: str) -> str:
    """Takes out what stands in quotes: names, which the service's own texts give."""
    return re.sub(r"“[^”]*”", "“name”", text)


@pytest.fixture(scope="module")
def sections() -> dict[str, list[str]]:
    return Prose(a_report()).sections


def test_no_sentence_of_the_report_breaks_a_rule_of_plain_language(
    sections: dict[str, list[str]],
) -> None:
    found = [
        (section, fault)
        for section, texts in sections.items()
        for text in texts
        for fault in faults("en", text)
    ]
    assert found == []


def test_every_section_of_the_report_is_easy_to_read(sections: dict[str, list[str]]) -> None:
    grades = {section: grade(texts) for section, texts in sections.items() if texts}
    assert len(grades) >= 10
    assert {name: found for name, found in grades.items() if found > HARDEST_GRADE} == {}


def test_whatever_was_found_is_told_in_plain_sentences() -> None:
    plain = some_figures()
    found = replace(
        plain,
        heterogeneity=Heterogeneity(statistic=4.0, p_value=0.004, permutations=500, found=True),
    )
    gammas = tuple(Sensitivity(than="logged", gamma=g, bounds={}) for g in (1.0, 1.31, 20.0))
    told = [heterogeneity_words(one) for one in (plain, found)]
    told += confounding_words(some_figures(sensitivity=gammas))
    told += [beyond(plain)] if beyond(plain) else []
    for figures in (plain, no_overlap(plain)):
        for passed in (True, False):
            screen = first_screen(figures, a_verdict(passed=passed))
            told += [screen.sentence, *(one.meaning for one in screen.gains)]
    assert [fault for text in told for fault in faults("en", without_names(text))] == []
    assert grade([text for text in told if is_prose(text)]) <= HARDEST_GRADE


def test_the_gates_conditions_are_explained_in_plain_sentences() -> None:
    told = [rule.explanation for rule in load_gate(ROOT / "policies" / "gate.toml").rules]
    assert [fault for text in told for fault in faults("en", text)] == []
    assert grade(told) <= HARDEST_GRADE


def test_the_model_card_is_told_in_plain_sentences() -> None:
    lines = card(some_figures(), a_verdict(), a_manifest()).splitlines()
    # Tables and headings are no sentences, and doubts are the service's own.
    kept = [one for one in lines if not re.match(r"[|#[]|- [A-Z_]+:", one)]
    # A paragraph's lines belong together; a list's do not.
    text = re.sub("`.*?`", "code", "\n".join(kept).replace("\n- ", "\n\n"))
    told = [without_names(" ".join(one.split())) for one in text.split("\n\n")]
    assert [fault for one in told for fault in faults("en", one)] == []
    assert grade([one for one in told if is_prose(one)]) <= HARDEST_GRADE


def test_the_register_entry_tells_the_public_in_plain_sentences() -> None:
    entry = register_entry(some_figures(), a_verdict(), a_manifest())
    told = [
        entry[key]
        for key in (
            "description_short",
            "goal",
            "proportionality",
            "human_intervention",
            "risks",
            "methods_and_models",
        )
    ]
    assert [fault for text in told for fault in faults("en", text)] == []
    assert grade(told) <= HARDEST_GRADE
