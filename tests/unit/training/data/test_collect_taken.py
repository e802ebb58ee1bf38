"""Which recommendations become logged cases, whatever happened to them."""

import uuid
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from router.journal.feedback import CHOICE, OUTCOME, VIEW, Choice, Direction, Outcome, WishedBy
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN
from router.journal.standing import Standing, StoredFeedback
from training.data.collect_journal import Advised
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
Stands = dict[bytes, Standing]


def told(history: History) -> tuple[list[Advised], Stands]:
    asked: list[Advised] = []
    stands: Stands = {}
    for number, (ref, disclosure, view, chosen_at, outcome) in enumerate(history):
        decision = uuid.UUID(int=number)
        asked.append(Advised(decision.bytes, ref, disclosure, number))
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
        if found != Standing():
            stands[decision.bytes] = found
    return asked, stands


def with_standing(asked: list[Advised], stands: Stands) -> list[tuple[Advised, Standing]]:
    return [(one, stands.get(one.decision, Standing())) for one in asked]


def outcomes_of(asked: list[Advised], stands: Stands) -> list[Outcome]:
    found = (stands.get(one.decision, Standing()).outcome for one in asked)
    return [one for one in found if one is not None]


def taken(asked: list[Advised], selection: Selection) -> list[Advised]:
    """Gives what is taken; whatever is not is counted, and no case is there twice."""
    found = [one for one in asked if one.decision in selection.taken]
    assert len(found) + selection.left_out.total() == len(asked)
    assert len({one.case_ref for one in found}) == len(found)
    assert "" not in {one.case_ref for one in found}
    return found


def test_a_reference_that_is_refused_today_is_left_out_by_both_treatments() -> None:
    asked, stands = told([("155076|00333", SHOWN, False, 1, True), ("b", SHOWN, False, 2, True)])
    for select in (chosen, recommended):
        found = select(with_standing(asked, stands))
        assert [one.case_ref for one in taken(asked, found)] == ["b"]
        assert found.left_out == {"with a reference that is refused today": 1}


@given(HISTORY)
def test_of_each_case_the_first_complete_choice_is_taken(history: History) -> None:
    asked, stands = told(history)
    selection = chosen(with_standing(asked, stands))
    chosen_at: dict[str, list[int]] = {}
    for one in asked:
        standing = stands.get(one.decision, Standing())
        if standing.outcome is not None and standing.first_choice_at is not None:
            chosen_at.setdefault(one.case_ref, []).append(standing.first_choice_at)
    for one in taken(asked, selection):
        assert selection.taken[one.decision].at == min(chosen_at[one.case_ref])


@given(HISTORY)
def test_of_each_case_the_first_advice_that_was_given_is_taken_with_the_first_outcome_from_then_on(
    history: History,
) -> None:
    asked, stands = told(history)
    selection = recommended(with_standing(asked, stands))
    for one in taken(asked, selection):
        assert stands.get(one.decision, Standing()).advice_seen(one.disclosure)
        own = [other for other in asked if other.case_ref == one.case_ref]
        before, since = own[: own.index(one)], own[own.index(one) :]
        assert not [other for other in before if other.disclosure == SHOWN]
        assert selection.taken[one.decision].outcome == outcomes_of(since, stands)[0].outcome
