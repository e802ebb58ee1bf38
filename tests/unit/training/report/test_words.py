"""What the sentences and numbers of the report say."""

from tests.unit.training.evaluation.figures_builder import a_fall, a_proof, some_figures
from training.evaluation.figures import Heterogeneity, Sensitivity
from training.report.words import (
    confounding_words,
    heterogeneity_words,
    percent,
    points,
    severity_words,
    signed,
)


def test_no_evidence_that_effects_vary_is_said_plainly() -> None:
    none = Heterogeneity(statistic=0.4, p_value=0.41, permutations=500, found=False)
    assert heterogeneity_words(some_figures(heterogeneity=none)).startswith(
        "There is no evidence that effects vary"
    )


def test_hidden_confounding_is_told_for_no_some_and_the_strongest_odds() -> None:
    told = confounding_words(
        some_figures(
            sensitivity=tuple(
                Sensitivity(than="logged", gamma=g, bounds={}) for g in (1.0, 1.004, 1.31, 20.0)
            )
        )
    )
    assert "no evidence of a gain" in told[0]
    # No odds ratio is told as 1.00, which would be no change.
    assert "no longer shows if that changed the odds by a factor of 1.01" in told[1]
    assert "less than a factor of 1.31" in told[2]
    assert "the strongest we tried" in told[3]


def test_numbers_have_true_signs_and_a_small_share_is_not_called_none() -> None:
    assert (points(-0.0123), signed(-0.01, 1), percent(0.0001), percent(0.0)) == (
        "−1.2",
        "0.0",
        "under 0.1%",
        "0.0%",
    )


def test_whether_worse_ever_means_less_contact_is_told_with_how_much_was_looked_at() -> None:
    proven = severity_words(some_figures(severity=a_proof(steps=15_005)))
    assert proven == "Worse never means less contact: proven for all 15,005 steps of 2 fields."
    broken = severity_words(some_figures(severity=a_proof(falls=(a_fall(), a_fall()))))
    assert broken.startswith("A worse value may mean less contact: in 2 of 40 steps of 2 fields.")
    assert "not looked at" in severity_words(some_figures(severity=None))
