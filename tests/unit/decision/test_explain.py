"""Reasons are exact, and what would change the advice really does."""

import numpy as np

from router.decision.explain import REASONS, Explainer
from router.features import FEATURES
from tests.builders import a_decider, random_rows

DECIDER = a_decider(5)
EXPLAINER = Explainer(decider=DECIDER)
ROWS = random_rows(5, 200)
SCORED = [(row, d) for row, d in zip(ROWS, DECIDER.decide(ROWS).each(), strict=True) if d.mix >= 0]


def test_contributions_add_up_to_the_contrast_minus_the_average_contrast() -> None:
    tables = DECIDER.tables
    for row, decision in SCORED:
        other = EXPLAINER.compared_with(decision)
        if other is None:
            continue
        average = (tables.average + 0.0).sum(axis=0) + tables.intercept.mean(axis=1)
        contrast = decision.expected[decision.mix] - decision.expected[other]
        total = EXPLAINER.contributions(row, decision.mix, other).sum()
        assert np.isclose(total, contrast - (average[decision.mix] - average[other]), atol=1e-12)


def test_reasons_are_the_three_weightiest_contributions() -> None:
    row, decision = SCORED[0]
    other = 0 if decision.mix else 1
    points = np.abs(EXPLAINER.contributions(row, decision.mix, other))
    reasons = EXPLAINER.reasons(row, decision.mix, other)
    assert [abs(reason.points) for reason in reasons] == sorted(points, reverse=True)[:REASONS]


def test_a_cheaper_permitted_mix_is_compared_with_if_there_is_one() -> None:
    for _, decision in SCORED:
        other = EXPLAINER.compared_with(decision)
        if decision.mix > decision.first_permitted:
            assert other is not None
            assert decision.first_permitted <= other < decision.mix


def test_a_named_change_is_of_a_changeable_field_and_changes_the_mix_as_told() -> None:
    told = 0
    for row, decision in SCORED:
        for change in EXPLAINER.changes(row, decision):
            told += 1
            changed = row.copy()
            changed[change.column] = change.slot_then
            assert FEATURES.features[change.column].changeable
            assert DECIDER.decide(changed[None]).each()[0].mix == change.mix != decision.mix
    assert told > len(SCORED) // 4
