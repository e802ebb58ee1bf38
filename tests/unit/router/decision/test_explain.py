"""Reasons are exact, and what would change the advice really does."""

import numpy as np

from router.cases.features import FEATURES
from router.decision.decision import Status
from router.decision.explain import REASONS, Explainer
from tests.builders import a_decider, a_policy, random_rows

# With weights, of a changeable field too.
DECIDER = a_decider(5, policy=a_policy("office-01"))
EXPLAINER = Explainer(decider=DECIDER)
ROWS = random_rows(5, 200)
DECISIONS = DECIDER.decide(ROWS).each()
SCORED = np.array([number for number, decision in enumerate(DECISIONS) if decision.mix >= 0])
TOLD = EXPLAINER.explain(ROWS[SCORED], [DECISIONS[number] for number in SCORED])
EACH = [(ROWS[number], DECISIONS[number], told) for number, told in zip(SCORED, TOLD, strict=True)]


def points_of(row: np.ndarray, mix: int, other: int) -> np.ndarray:
    points: np.ndarray
    [points] = EXPLAINER.contributions(row[None], np.array([mix]), np.array([other]))
    return points


def test_contributions_add_up_to_the_contrast_minus_the_average_contrast() -> None:
    tables = DECIDER.tables
    average = tables.average.sum(axis=0) + tables.intercept.mean(axis=1)
    for row, decision, told in EACH:
        if told.other is None:
            continue
        contrast = decision.expected[decision.mix] - decision.expected[told.other]
        total = points_of(row, decision.mix, told.other).sum()
        assert np.isclose(
            total, contrast - (average[decision.mix] - average[told.other]), atol=1e-12
        )


def test_reasons_are_the_three_weightiest_contributions() -> None:
    for row, decision, told in EACH:
        if told.other is None:
            continue
        points = np.abs(points_of(row, decision.mix, told.other))
        assert [abs(reason.points) for reason in told.reasons] == sorted(points, reverse=True)[
            :REASONS
        ]
        for reason in told.reasons:
            assert reason.slot == row[reason.column]


def test_a_cheaper_permitted_mix_is_compared_with_if_there_is_one() -> None:
    for _, decision, told in EACH:
        if decision.mix > decision.first_permitted:
            assert told.other is not None
            assert decision.first_permitted <= told.other < decision.mix


def test_a_named_change_is_of_a_changeable_field_and_changes_the_mix_as_told() -> None:
    named = 0
    for row, decision, told in EACH:
        if (change := told.change) is not None:
            named += 1
            changed = row.copy()
            changed[change.column] = change.slot_then
            assert FEATURES.features[change.column].changeable
            assert DECIDER.decide(changed[None]).each()[0].mix == change.mix != decision.mix
    assert named > len(SCORED) // 4


def test_where_no_change_is_named_none_leads_to_another_recommendation() -> None:
    checked = 0
    for row, decision, told in EACH:
        if told.change is None and decision.status == Status.RECOMMENDED:
            for column in [n for n, feature in enumerate(FEATURES.features) if feature.changeable]:
                tried = np.repeat(row[None], FEATURES.features[column].slots - 1, axis=0)
                tried[:, column] = np.arange(1, FEATURES.features[column].slots)
                decisions = DECIDER.decide(tried)
                recommended = decisions.mix[decisions.status == Status.RECOMMENDED]
                assert (recommended == decision.mix).all()
                checked += 1
    assert checked


def test_an_explanation_is_the_same_alone_and_among_others() -> None:
    for row, decision, told in EACH[:30]:
        assert EXPLAINER.explain(row[None], [decision]) == [told]
