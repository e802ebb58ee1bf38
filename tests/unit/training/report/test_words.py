"""What the sentences and numbers of the report say."""

from tests.unit.training.evaluation.figures_builder import some_figures
from training.evaluation.figures import Heterogeneity, Sensitivity
from training.report.words import confounding_words, heterogeneity_words, percent, points, signed


def test_no_evidence_that_effects_vary_is_said_plainly() -> None:
    none = Heterogeneity(statistic=0.4, p_value=0.41, permutations=500, found=False)
    assert heterogeneity_words(some_figures(heterogeneity=none)).startswith(
        "There is no evidence that effects vary"
    )


def test_hidden_confounding_is_told_for_no_some_and_the_strongest_odds() -> None:
    told = confounding_words(
        some_figures(
            sensitivity=tuple(
                Sensitivity(than="logged", gamma=g, bounds={}) for g in (1.0, 1.31, 20.0)
            )
        )
    )
    assert "no evidence of a gain" in told[0]
    assert "less than a factor of 1.31" in told[1]
    assert "the strongest we tried" in told[2]


def test_numbers_have_true_signs_and_a_small_share_is_not_called_none() -> None:
    assert (points(-0.0123), signed(-0.01, 1), percent(0.0001), percent(0.0)) == (
        "−1.2",
        "0.0",
        "under 0.1%",
        "0.0%",
    )
