"""What report and terminal say of channels together."""

from dataclasses import replace

import pytest

from router.versions.synergies import COMPLEMENT, SUBSTITUTE
from tests.plain_language import faults
from tests.unit.training.evaluation.figures_builder import (
    a_manifest,
    a_synergy,
    a_verdict,
    an_estimate,
    some_figures,
    some_synergies,
)
from tests.unit.training.evaluation.parts_builder import CATALOGUE
from tests.unit.training.evaluation.tables_builder import a_report, some_drawings, some_tables
from training.evaluation.figures import Synergies
from training.report.page import page
from training.report.synergy_drawings import synergies
from training.report.synergy_words import synergy_lines, synergy_sentence

SHOWN = a_synergy(answer=COMPLEMENT, outcome=an_estimate(0.04, 0.01))
LESS = a_synergy(answer=SUBSTITUTE, outcome=an_estimate(-0.04, 0.01))


@pytest.mark.parametrize(
    ("found", "says"),
    [
        (some_synergies(a_synergy()), "about 190,000 cases would show 2.0 percentage points"),
        (some_synergies(), "it lacks the mixes to compare"),
        (
            some_synergies(SHOWN),
            "are complements: together 4.0 percentage points more than the sum",
        ),
        (some_synergies(LESS), "are substitutes: together 4.0 percentage points less than the sum"),
    ],
)
def test_one_sentence_says_what_the_log_shows(found: Synergies, says: str) -> None:
    sentence = synergy_sentence(found)
    assert says in sentence
    assert not list(faults("en", sentence))


def test_the_report_has_the_sentence_and_one_chart() -> None:
    text = a_report()
    section = text[text.index('<h2 id="synergy">') :]
    section = section[: section.index("<h2", 5)]
    assert "190,000 cases" in section
    assert section.count('role="img"') == 2


def test_a_version_of_before_says_that_it_was_not_measured() -> None:
    drawn = some_drawings() | {"synergy_drawing": None}
    figures = some_figures(synergy=None)
    text = page(figures, a_verdict(), some_tables(), CATALOGUE, a_manifest(), drawn)
    section = text[text.index('<h2 id="synergy">') :][:300]
    assert "This version is older than this measurement." in section
    assert synergies(some_figures(synergy=None)) is None


def test_the_table_says_which_mixes_are_missing() -> None:
    told = "\n".join(synergy_lines(some_synergies(a_synergy())))
    assert "DIALOGUE_MESSAGE x VIDEO: lacks NEW (64 min)" in told
    assert "not at all" in told


def test_another_sign_on_the_logit_scale_is_told() -> None:
    told = "\n".join(synergy_lines(some_synergies(a_synergy())))
    assert "on the logit scale the sign is the other" in told
    same = replace(a_synergy(), logit=an_estimate(0.1, 0.1))
    assert "logit" not in "\n".join(synergy_lines(some_synergies(same)))
