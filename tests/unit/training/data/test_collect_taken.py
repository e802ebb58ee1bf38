"""Which recommendations become logged cases, whatever happened to them."""

import uuid
from collections import Counter
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from router.cases.features import CASE_REF, REFERENCES
from router.journal.feedback import CHOICE, OUTCOME, VIEW, Choice, Direction, Outcome, WishedBy
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN
from router.journal.standing import Standing, StoredFeedback
from training.data.collect_taken import TOLD, Advised, Treatment, select, told

HISTORY = st.lists(
    st.tuples(
        st.sampled_from(["", "a", "b", "c"]),
        st.sampled_from([SHOWN, AFTER_OWN_VIEW, CONTROL]),
        st.booleans(),  # a view
        st.none() | st.integers(0, 9),  # a choice, and when
        st.booleans(),  # an outcome
    ),
    max_size=12,
)
History = list[tuple[str, str, bool, int | None, bool]]


def journal_of(history: History) -> tuple[list[Advised], list[Standing]]:
    asked, stands = [], []
    for number, (ref, disclosure, view, chosen_at, outcome) in enumerate(history):
        decision = uuid.UUID(int=number)
        asked.append(Advised(ref, disclosure, number))
        found = Standing()
        if view:
            found = found.after(StoredFeedback(1, b"", VIEW, 0, True, None))
        if chosen_at is not None:
            choice = Choice(
                decision_id=decision,
                mix="SELF_SERVICE",
                wished_by=WishedBy.BOTH,
                direction=Direction.SAME,
            )
            found = found.after(StoredFeedback(2, b"", CHOICE, chosen_at, False, choice))
        if outcome:
            came = Outcome(
                decision_id=decision, outcome=number / 12, observed_on=date(2026, 11, 25)
            )
            found = found.after(StoredFeedback(3, b"", OUTCOME, 0, False, came))
        stands.append(found)
    return asked, stands


def selected(
    treatment: Treatment, asked: list[Advised], stands: list[Standing]
) -> tuple[dict[int, Any], Counter[str]]:
    """Gives the rows taken by their places, and how many are left out by reason.

    Whatever is not taken is counted, and no case is there twice.
    """
    rows, left_out = [], Counter[str]()
    for place, (one, standing) in enumerate(zip(asked, stands, strict=True)):
        found = told(treatment, one, standing)
        if isinstance(found, str):
            left_out[found] += 1
        else:
            rows.append((place, one.case_ref.encode(), 0, *found[1:]))
    # In any order: files keep them as they may.
    taken, counted = select(treatment, np.array(rows[::-1], TOLD))
    left_out += counted
    assert len(taken) + left_out.total() == len(asked)
    assert len(set(taken["case"].tolist())) == len(taken)
    assert b"" not in taken["case"]
    return {row["place"].item(): row for row in taken}, left_out


def outcomes_of(stands: list[Standing]) -> list[Outcome]:
    return [one.outcome for one in stands if one.outcome is not None]


@pytest.mark.parametrize("treatment", Treatment)
def test_a_reference_that_is_refused_today_is_left_out_by_both_treatments(
    treatment: Treatment,
) -> None:
    asked, stands = journal_of(
        [("155076|00333", SHOWN, False, 1, True), ("b", SHOWN, False, 2, True)]
    )
    taken, left_out = selected(treatment, asked, stands)
    assert list(taken) == [1]
    assert left_out == {"with a reference that is refused today": 1}


@pytest.mark.parametrize("treatment", Treatment)
def test_cases_are_told_apart_by_their_whole_reference(treatment: Treatment) -> None:
    longest = "ſ" * REFERENCES[CASE_REF].longest
    refs = [longest, longest[:-1] + "s", longest[:-1], longest]
    asked, stands = journal_of([(ref, SHOWN, False, 1, True) for ref in refs])
    taken, left_out = selected(treatment, asked, stands)
    assert [taken[place]["case"].decode() for place in sorted(taken)] == refs[:3]
    assert left_out == {"again for the same case": 1}


@given(HISTORY)
def test_of_each_case_the_first_complete_choice_is_taken(history: History) -> None:
    asked, stands = journal_of(history)
    chosen_at: dict[str, list[int]] = {}
    for one, standing in zip(asked, stands, strict=True):
        if standing.outcome is not None and standing.first_choice_at is not None:
            chosen_at.setdefault(one.case_ref, []).append(standing.first_choice_at)
    taken, _ = selected(Treatment.CHOSEN, asked, stands)
    assert {asked[place].case_ref for place in taken} == chosen_at.keys() - {""}
    for place, row in taken.items():
        # Of equal moments, that of the decision made first.
        ref = asked[place].case_ref
        before = [other for other in range(place) if asked[other].case_ref == ref]
        complete = [stands[other] for other in before if stands[other].outcome is not None]
        assert row["at"] == min(chosen_at[ref])
        assert row["at"] not in [one.first_choice_at for one in complete]


@given(HISTORY)
def test_of_each_case_the_first_advice_that_was_given_is_taken_with_the_first_outcome_from_then_on(
    history: History,
) -> None:
    asked, stands = journal_of(history)
    taken, _ = selected(Treatment.RECOMMENDED, asked, stands)
    for place, row in taken.items():
        assert stands[place].advice_seen(asked[place].disclosure)
        own = [other for other, one in enumerate(asked) if one.case_ref == asked[place].case_ref]
        assert not [other for other in own if other < place and asked[other].disclosure == SHOWN]
        since = [stands[other] for other in own if other >= place]
        assert row["outcome"] == outcomes_of(since)[0].outcome
