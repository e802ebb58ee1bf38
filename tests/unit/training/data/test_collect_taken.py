"""Which recommendations become logged cases, whatever happened to them."""

import uuid
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from router.journal.feedback import Outcome
from router.journal.payload import AFTER_OWN_VIEW, CONTROL, SHOWN
from training.data.collect_journal import Agreed, Answers, Asked
from training.data.collect_taken import Selection, chosen, recommended

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


def told(history: History) -> tuple[list[Asked], Answers]:
    asked, answers = [], Answers(choices={}, outcomes={}, viewed=set())
    for number, (ref, disclosure, view, choice, outcome) in enumerate(history):
        decision = uuid.UUID(int=number)
        asked.append(Asked(decision.bytes, ref, disclosure, number))
        if view:
            answers.viewed.add(decision.bytes)
        if choice is not None:
            answers.choices[decision.bytes] = Agreed("SELF_SERVICE", choice)
        if outcome:
            answers.outcomes[decision.bytes] = Outcome(
                decision_id=decision, outcome=number / 12, observed_on=date(2026, 11, 25)
            )
    return asked, answers


def taken(asked: list[Asked], selection: Selection) -> list[Asked]:
    """What is taken; whatever is not is counted, and no case is there twice."""
    found = [one for one in asked if one.decision in selection.taken]
    assert len(found) + selection.left_out.total() == len(asked)
    assert len({one.case_ref for one in found}) == len(found)
    assert "" not in {one.case_ref for one in found}
    return found


@given(HISTORY)
def test_of_each_case_the_first_complete_choice_is_taken(history: History) -> None:
    asked, answers = told(history)
    selection = chosen(asked, answers)
    complete = [
        one for one in asked if one.decision in answers.choices and one.decision in answers.outcomes
    ]
    for one in taken(asked, selection):
        own = [
            answers.choices[other.decision].at
            for other in complete
            if other.case_ref == one.case_ref
        ]
        assert selection.taken[one.decision].at == min(own)


@given(HISTORY)
def test_of_each_case_the_first_advice_that_was_given_is_taken_with_the_first_outcome_from_then_on(
    history: History,
) -> None:
    asked, answers = told(history)
    selection = recommended(asked, answers)
    for one in taken(asked, selection):
        assert one.disclosure == SHOWN or (
            one.disclosure == AFTER_OWN_VIEW and one.decision in answers.viewed
        )
        own = [other for other in asked if other.case_ref == one.case_ref]
        before, since = own[: own.index(one)], own[own.index(one) :]
        assert not [other for other in before if other.disclosure == SHOWN]
        came = [
            answers.outcomes[other.decision]
            for other in since
            if other.decision in answers.outcomes
        ]
        assert selection.taken[one.decision].outcome == came[0]
