"""Cases of several policies that are decided in one pass get what each policy gives them alone."""

import dataclasses
from itertools import chain, pairwise

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from router.decision.decide import Decider
from router.decision.decision import NO_MIX, Decision
from router.decision.explain import Explainer
from router.decision.together import Whose, alike, decide_together
from router.decision.weights import Weights
from tests.builders import a_catalogue, a_policy, random_rows, random_tables


def some_deciders(seed: int, number: int) -> list[Decider]:
    """Gives deciders of one model, every third of which differs in more than prices and weights."""
    rng, tables, catalogue = np.random.default_rng(seed), random_tables(seed), a_catalogue()
    weights = [a_policy().weights, a_policy("office-01").weights, Weights()]
    found = []
    for n in range(number):
        policy = dataclasses.replace(
            a_policy(), price=float(rng.uniform(0, 4e-4)), weights=weights[rng.integers(3)]
        )
        if n % 3 == 1:
            limits = dataclasses.replace(policy.abstention, unknown_fields=n % 5)
            policy = dataclasses.replace(policy, abstention=limits)
        if n % 3 == 2:
            policy = dataclasses.replace(policy, menu=(*policy.menu[:1], *policy.menu[-4:]))
        found.append(Decider(tables=tables, catalogue=catalogue, policy=policy))
    return found


def bits(decision: Decision) -> list[bytes]:
    return [np.asarray(value, np.float64).tobytes() for value in decision]


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 10_000), number=st.integers(1, 9))
def test_the_bits_are_those_of_each_policy_alone(seed: int, number: int) -> None:
    rng = np.random.default_rng(seed)
    rows = random_rows(seed, 40).tolist()
    ends = [0, *sorted(rng.integers(0, len(rows), number - 1).tolist()), len(rows)]
    parts = [rows[start:end] for start, end in pairwise(ends)]
    asked = [*zip(some_deciders(seed, number), parts, strict=True)]
    for (decider, part), decisions in zip(asked, decide_together(asked), strict=True):
        assert [*map(bits, decisions)] == [*map(bits, decider.decide_each(part))]


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_explanations_are_those_of_each_policy_alone(seed: int) -> None:
    deciders = some_deciders(seed, 6)
    rows = random_rows(seed, 60)
    for numbers in alike(deciders):
        whose = [deciders[number] for number in numbers]
        parts = np.array_split(rows, len(whose))
        told = [[n for n, one in enumerate(d.decide(part).each()) if one.mix != NO_MIX]
                for d, part in zip(whose, parts, strict=True)]  # fmt: skip
        scored = [part[kept] for part, kept in zip(parts, told, strict=True)]
        decided = [d.decide_each(part.tolist()) for d, part in zip(whose, scored, strict=True)]

        together = Explainer(decider=whose[0]).explain(
            np.concatenate(scored), [*chain(*decided)], Whose(whose, [*map(len, scored)])
        )
        alone = [
            one
            for decider, part, decisions in zip(whose, scored, decided, strict=True)
            for one in Explainer(decider=decider).explain(part, decisions)
        ]
        assert together == alone


def test_policies_that_differ_in_more_than_prices_are_no_group() -> None:
    # Each second of three has its own limits, and each third a menu that the others have not.
    assert alike(some_deciders(1, 6)) == [[0, 3], [1], [2, 5], [4]]
