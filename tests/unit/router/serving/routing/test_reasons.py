"""What is told of a decision carries it, has its sign, and can be recomputed from tables alone."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from router.cases.features import FEATURES
from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision
from router.decision.explain import Explainer, Explanation
from router.serving.routing.reasons import (
    NEAR_EQUAL,
    OTHER,
    REASONS_AT_MOST,
    SAFEGUARD,
    Told,
    minutes_told,
    told_of,
)
from router.texts import TOLD_FROM, Reader, load_texts
from tests.builders import (
    a_catalogue,
    a_decider,
    a_policy,
    a_row,
    random_tables,
    the_promoted_model,
)
from training.simulation.population import draw_population

WORDS = load_texts()["en"]
NEVER_TO_A_USER = {"age_band", "need_group", "benefit_type", "benefit_weeks_left"}
NEVER_TO_A_USER |= {"health_hindrance", "other_hindrance", "shielded"}

_Each = list[tuple[np.ndarray, Decision, Explanation]]


def simulated(cases: int) -> np.ndarray:
    drawn = draw_population(np.random.default_rng(20261126), cases)
    return np.column_stack([drawn[name] for name in FEATURES.names]).astype(np.uint16)


def by_hand() -> np.ndarray:
    """Gives 200 cases: five situations, each with other goals, contacts, activity and views."""
    situations: tuple[dict[str, str | int | None], ...] = (
        {"age_band": "18_24", "job_situation": "FINISHED_EDUCATION", "weeks_registered": 3},
        {"age_band": "60_66", "job_situation": "EMPLOYER_BANKRUPT", "benefit_weeks_left": 6},
        {"need_group": "SMALL_OPPORTUNITY", "digital_skill": "WEAK", "weeks_registered": 150},
        {"benefit_type": "SOCIAL_ASSISTANCE", "plan_has_goal": "NO", "goal_by_user": "NO"},
        {"main_goal": "KEEP_WORK", "job_situation": "PART_TIME_WANTS_MORE"},
    )
    applications, contacts = (0, 2, 8, 20), (5, 40)
    views, weeks = ("CAN_MANAGE", "WANTS_GUIDANCE", None, "NOT_ASKED", "CAN_MANAGE"), (4, 30)
    rows = [
        a_row(
            **situation,
            applications_4w=sent,
            days_since_personal_contact=days,
            self_assessed_need=view,
            expected_weeks_to_job=expected,
        )
        for situation, sent, days, view, expected in product(
            situations, applications, contacts, views, weeks
        )
    ]
    return np.array(rows)[::2]


def explained(decider: Decider, rows: np.ndarray) -> _Each:
    decisions = decider.decide(rows).each()
    scored = [n for n, one in enumerate(decisions) if one.mix != NO_MIX]
    told = Explainer(decider=decider).explain(rows[scored], [decisions[n] for n in scored])
    return [(rows[n], decisions[n], one) for n, one in zip(scored, told, strict=True)]


def reasons(one: Explanation, reader: Reader, *, effects_vary: bool = True) -> list[Told]:
    return told_of(
        one,
        reader=reader,
        words=WORDS,
        effects_vary=effects_vary,
        lifted=one.other is not None and one.difference < 0,
    )


DECIDERS = {
    "promoted": Decider(
        tables=the_promoted_model().tables, catalogue=a_catalogue(), policy=a_policy("office-01")
    ),
    "strong effects": a_decider(3, effect=0.02, policy=a_policy("office-01")),
    "weak effects": a_decider(4, effect=0.004, policy=a_policy("office-01")),
}
CASES = {"simulated": simulated(2000), "by hand": by_hand()}


@pytest.mark.parametrize("reader", Reader)
@pytest.mark.parametrize("cases", CASES)
@pytest.mark.parametrize("name", DECIDERS)
def test_reasons_have_the_decisions_sign_and_carry_at_least_half_of_it(
    name: str, cases: str, reader: Reader
) -> None:
    carried = []
    for _, decision, one in explained(DECIDERS[name], CASES[cases]):
        told = reasons(one, reader)
        if told[0].kind in (NEAR_EQUAL, SAFEGUARD):
            continue
        # The sum is the decision's own margin, from tables, price and weight alone.
        assert one.difference == pytest.approx(decision.margin, abs=1e-12)
        support = [part.points for part in told if part.points > 0]
        assert [part.points for part in told][: len(support)] == support
        carried.append(sum(support) >= one.difference / 2)
    assert len(carried) > len(CASES[cases]) / 20
    assert np.mean(carried) >= 0.95


@pytest.mark.parametrize("cases", CASES)
@pytest.mark.parametrize("name", DECIDERS)
def test_what_an_adviser_reads_for_a_mix_outweighs_what_speaks_against_it(
    name: str, cases: str
) -> None:
    # An adviser who adds the points up must not find that the other mix is the better one.
    summed = 0
    for _, _, one in explained(DECIDERS[name], CASES[cases]):
        told = reasons(one, Reader.ADVISER)
        if told[0].kind in (NEAR_EQUAL, SAFEGUARD):
            continue
        support = [part for part in told if part.points > 0]
        assert sum(part.points for part in told) > 0 or len(support) == REASONS_AT_MOST
        summed += len(support) < len(told)
    assert summed


@pytest.mark.parametrize("name", DECIDERS)
def test_what_is_told_to_whom(name: str) -> None:
    for row, _, one in explained(DECIDERS[name], CASES["simulated"][:500]):
        for part in reasons(one, Reader.USER):
            assert part.points >= 0
            if part.column is not None:
                assert FEATURES.features[part.column].name not in NEVER_TO_A_USER
                assert part.slot == row[part.column] != 0
                assert part.points >= TOLD_FROM
        adviser = reasons(one, Reader.ADVISER)
        against = [part for part in adviser if part.points < 0]
        # What speaks against it comes last, and is never more than what speaks for it.
        assert adviser[len(adviser) - len(against) :] == against
        assert len(against) <= max(1, len(adviser) - len(against))


def test_what_is_told_is_of_the_tables_and_nothing_is_told_twice() -> None:
    decider = DECIDERS["strong effects"]
    explainer = Explainer(decider=decider)
    columns = decider.tables.columns.tolist()
    for row, decision, one in explained(decider, CASES["simulated"][:300]):
        told = reasons(one, Reader.ADVISER)
        assert len({(part.kind, part.column) for part in told}) == len(told)
        if one.other is None:
            continue
        pair = np.array([decision.mix]), np.array([one.other])
        [points] = explainer.contributions(row[None], *pair)
        for part in told:
            if part.column is not None:
                assert part.points == pytest.approx(points[columns.index(part.column)])


def test_without_evidence_that_effects_vary_what_helps_most_on_average_is_the_one_reason() -> None:
    for _, _, one in explained(DECIDERS["strong effects"], CASES["simulated"][:300]):
        told = reasons(one, Reader.USER, effects_vary=False)
        kinds = {part.kind for part in told}
        # Where the average speaks against the mix, it is its minutes that decide.
        assert kinds <= {"AVERAGE", "MINUTES", "WEIGHT", SAFEGUARD, NEAR_EQUAL}
        for part in told:
            if part.kind == "AVERAGE":
                assert part.points == pytest.approx(one.effect)
                assert one.effect > 0


def test_where_all_mixes_are_worth_the_same_to_the_last_bit_just_that_is_told() -> None:
    tables = random_tables(0, effect=0.0, spread=0.0)
    tables = replace(tables, intercept=np.full_like(tables.intercept, 0.4))
    free = replace(a_policy(), price=0.0)
    decider = Decider(tables=tables, catalogue=a_catalogue(), policy=free)
    for reader, effects_vary in product(Reader, (True, False)):
        told = [
            reasons(one, reader, effects_vary=effects_vary)
            for _, _, one in explained(decider, CASES["simulated"][:200])
        ]
        # Where safeguards leave one mix, there is no other to be equal to.
        assert {tuple(part.kind for part in parts) for parts in told} == {
            (NEAR_EQUAL,),
            (SAFEGUARD,),
        }


def test_an_unknown_value_is_no_reason_but_counts_among_the_others() -> None:
    decider = DECIDERS["strong effects"]
    rows = CASES["simulated"][:300].copy()
    rows[:, FEATURES.column("job_situation")] = 0
    kinds = set()
    for _, _, one in explained(decider, rows):
        told = reasons(one, Reader.ADVISER)
        kinds |= {part.kind for part in told}
        assert FEATURES.column("job_situation") not in {part.column for part in told}
    assert OTHER in kinds


@pytest.mark.parametrize(
    ("effect", "text"),
    [(-0.034, "MINUTES_OVER_EFFECT"), (-0.004, "MINUTES"), (0.02, "MINUTES_TOO")],
)
@pytest.mark.parametrize("near_equal", [None, 5])
def test_a_user_hears_how_much_a_lighter_mix_helps_whether_or_not_both_are_worth_the_same(
    effect: float, text: str, near_equal: int | None
) -> None:
    explanation = Explanation(5, effect, 0.03, 0.0, (), (), (), near_equal, [])
    assert minutes_told(explanation) == text
