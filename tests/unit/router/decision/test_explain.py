"""Reasons are exact sums, and what would change the advice really does."""

from collections.abc import Iterator

import numpy as np

from router.cases.features import FEATURES
from router.decision.changes import ACTIONS, NOT_OF, WISHES
from router.decision.decision import Status
from router.decision.explain import Explainer
from tests.builders import a_decider, a_policy, random_rows

# With weights, of a changeable field too.
DECIDER = a_decider(5, policy=a_policy("office-01"))
EXPLAINER = Explainer(decider=DECIDER)
ROWS = random_rows(5, 300)
DECISIONS = DECIDER.decide(ROWS).each()
SCORED = np.array([number for number, decision in enumerate(DECISIONS) if decision.mix >= 0])
TOLD = EXPLAINER.explain(ROWS[SCORED], [DECISIONS[number] for number in SCORED])
EACH = [(ROWS[number], DECISIONS[number], told) for number, told in zip(SCORED, TOLD, strict=True)]


def test_the_parts_add_up_to_what_the_mix_is_worth_more_than_the_next_best() -> None:
    compared = 0
    for _, decision, told in EACH:
        if told.other is None:
            assert bin(decision.permitted).count("1") == 1
            continue
        assert np.isclose(told.difference, decision.margin, atol=1e-12)
        assert decision.permits(told.other)
        compared += 1
    assert compared > 100


def test_each_part_can_be_recomputed_from_tables_and_policy_alone() -> None:
    tables, price = DECIDER.tables, DECIDER.policy.price
    minutes = DECIDER.catalogue.minutes
    average = tables.intercept.mean(axis=1) + tables.average.sum(axis=0)
    for row, decision, told in EACH:
        if told.other is None:
            continue
        more = minutes[decision.mix] - minutes[told.other]
        assert np.isclose(told.average, average[decision.mix] - average[told.other])
        assert np.isclose(told.minutes, -price * more)
        assert np.isclose(told.weight, price * more * (1 - 1 / decision.weight))
        assert all(slot == row[column] for column, slot, _ in told.fields)


def test_near_equal_is_what_lies_far_away_in_minutes_and_within_the_errors() -> None:
    limits, near = DECIDER.policy.abstention, 0
    for row, decision, told in EACH:
        if told.near_equal is None:
            continue
        near += 1
        minutes = DECIDER.catalogue.minutes[[decision.mix, told.near_equal]]
        assert abs(minutes[0] - minutes[1]) >= limits.far_minutes
        folds = DECIDER.tables.fold_values(row[None])[0]
        apart = folds[decision.mix] - folds[told.near_equal]
        error = np.sqrt(((apart - apart.mean()) ** 2).sum() * DECIDER.jackknife)
        gap = apart.mean() - DECIDER.policy.price / decision.weight * (minutes[0] - minutes[1])
        assert abs(gap) <= limits.standard_errors * error
    assert near


def test_a_named_change_may_be_advised_is_small_and_changes_the_mix_as_told() -> None:
    named = 0
    for row, decision, told in EACH:
        assert len(told.changes) <= 2
        for change in told.changes:
            named += 1
            now = int(row[change.column])
            changed = row.copy()
            changed[change.column] = change.slot_then
            feature = FEATURES.features[change.column]
            assert (feature.name, change.direction) in {*ACTIONS, *WISHES}
            assert feature.changeable
            if change.direction == "MORE":
                assert now < change.slot_then <= now + 10
            elif change.direction == "LESS":
                assert now > change.slot_then >= now - 10
            [answer] = DECIDER.decide(changed[None]).each()
            assert answer.mix == change.mix != decision.mix
            assert answer.status == Status.RECOMMENDED
    assert named > 20


def possible(row: np.ndarray, told: tuple[tuple[str, str], ...]) -> Iterator[tuple[int, int]]:
    """Gives columns and slots of the changes that may be advised, in their order."""
    for name, direction in told:
        column, feature, now = (
            FEATURES.column(name),
            FEATURES[name],
            int(row[FEATURES.column(name)]),
        )
        field, values = NOT_OF.get(name, (name, ()))
        of = int(row[FEATURES.column(field)])
        if now == 0 or of in {FEATURES[field].slot(value) for value in values}:
            continue
        if feature.values:
            yield column, feature.slot(direction)
            continue
        for step in (1, 2, 5, 10):
            yield (
                column,
                np.clip(now + (step if direction == "MORE" else -step), 1, feature.slots - 1),
            )


def test_no_change_is_left_out_that_would_give_a_heavier_mix() -> None:
    tried = 0
    for row, decision, told in EACH:
        if decision.status != Status.RECOMMENDED:
            continue
        for kind in (ACTIONS, WISHES):
            first = None
            for column, slot in possible(row, kind):
                changed = row.copy()
                changed[column] = slot
                [answer] = DECIDER.decide(changed[None]).each()
                tried += 1
                if answer.status == Status.RECOMMENDED and answer.mix > decision.mix:
                    first = (column, slot, answer.mix)
                    break
            found = [one for one in told.changes if one.is_wish == (kind is WISHES)]
            assert [(one.column, one.slot_then, one.mix) for one in found] == [first] * bool(first)
    assert tried > 1000


def test_of_what_is_unknown_or_in_doubt_no_change_is_advised() -> None:
    for row, decision, told in EACH:
        if decision.status != Status.RECOMMENDED:
            assert not told.changes
        assert all(row[change.column] for change in told.changes)


def test_an_explanation_is_the_same_alone_and_among_others() -> None:
    for row, decision, told in EACH[:30]:
        assert EXPLAINER.explain(row[None], [decision]) == [told]
