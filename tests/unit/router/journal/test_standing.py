"""What stands for a decision: one law for the service, the ledger and learning."""

import uuid
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from router.journal.feedback import (
    ANSWER,
    CHOICE,
    REVIEW,
    WITHHELD,
    Answer,
    AskedBy,
    Choice,
    Direction,
    Feedback,
    Outcome,
    Review,
    ReviewReason,
    ReviewResult,
    View,
    WishedBy,
    feedback_record,
)
from router.journal.recommendation import AFTER_OWN_VIEW, CONTROL, SHOWN
from router.journal.record import JournalBroken, Record, StoredRecord
from router.journal.standing import (
    NOTHING,
    Standing,
    end_of_chain,
    open_reviews,
    read_standing,
    standing_of,
    stored_feedback,
)
from router.journal.stores.sqlite import SqliteJournal

DECISION, OTHER = uuid.UUID(int=1), uuid.UUID(int=2)


def a_choice(mix: str = "A", decision: uuid.UUID = DECISION) -> Choice:
    return Choice(decision_id=decision, mix=mix, wished_by=WishedBy.BOTH, direction=Direction.SAME)


def an_outcome(value: float = 1.0, decision: uuid.UUID = DECISION) -> Outcome:
    return Outcome(decision_id=decision, outcome=value, observed_on=date(2026, 11, 25))


def a_view(mix: str = "A", decision: uuid.UUID = DECISION) -> View:
    return View(decision_id=decision, mix=mix)


def a_review(reason: ReviewReason = ReviewReason.OTHER) -> Review:
    return Review(decision_id=DECISION, asked_by=AskedBy.USER, reason=reason)


def an_answer(review: uuid.UUID, result: ReviewResult = ReviewResult.UPHELD) -> Answer:
    return Answer(decision_id=DECISION, review_id=review, result=result)


def stored(
    seq: int, feedback: Feedback, *, erased: bool = False, identity: uuid.UUID | None = None
) -> StoredRecord:
    """Gives the record of feedback, written at its place in the chain."""
    record = feedback_record(identity or uuid.UUID(int=1_000 + seq), feedback, seq, "")
    return StoredRecord(
        seq=seq,
        id=record.id,
        kind=record.kind,
        context=record.context,
        written_at=record.written_at,
        payload=None if erased else record.payload,
        salt=None if erased else b"",
        commitment=b"",
        head=b"",
        about=record.about,
    )


def standing(*every: Feedback) -> Standing:
    return standing_of([stored(seq, one) for seq, one in enumerate(every, 1)])


def test_where_nobody_answered_nothing_stands() -> None:
    assert standing_of([]) == NOTHING
    assert (NOTHING.choice, NOTHING.outcome, NOTHING.own_view) == (None, None, None)
    assert NOTHING.counterpart(a_choice()) is None
    assert not NOTHING.open_reviews()


def test_of_choices_and_of_outcomes_the_last_in_the_chain_stands() -> None:
    found = standing(a_choice("A"), an_outcome(0), a_choice("B"), an_outcome(1), a_view("C"))
    assert (found.choice, found.outcome) == (a_choice("B"), an_outcome(1))
    assert found.own_view == a_view("C")


def test_a_correction_does_not_move_the_first_choice() -> None:
    assert standing(an_outcome(), a_choice("A"), a_choice("B")).first_choice_at == 2
    assert standing(an_outcome()).first_choice_at is None


def test_what_was_erased_stands_without_its_content_and_nothing_older_comes_back() -> None:
    every = [stored(1, a_choice("A")), stored(2, a_choice("B"), erased=True)]
    found = standing_of(every)
    assert found.choice is None
    assert found.choice_record is not None
    assert (found.choice_record.seq, found.choice_record.erased) == (2, True)
    assert found.first_choice_at == 1
    assert found.counterpart(a_choice("A")) == found.choice_record
    assert standing_of(every[1:]).first_choice_at is None


def test_records_about_the_decision_that_are_no_feedback_count_for_nothing() -> None:
    withheld = stored(1, a_view())._replace(kind=WITHHELD, payload=b"advice")
    assert standing_of([withheld]) == NOTHING
    other = stored_feedback(withheld)
    assert (other.content, other.erased, other.kind) == (None, False, WITHHELD)


def test_a_record_that_cannot_be_read_is_named() -> None:
    with pytest.raises(JournalBroken, match="record 7"):
        standing_of([stored(7, a_choice())._replace(payload=b"{}")])


@pytest.mark.parametrize(
    ("disclosure", "before", "after"),
    [
        (SHOWN, True, True),
        (AFTER_OWN_VIEW, False, True),
        (CONTROL, False, False),
        ("SOMETHING_NEW", False, False),
    ],
)
def test_advice_is_seen_at_once_or_revealed_by_an_own_view(
    disclosure: str, before: bool, after: bool
) -> None:
    answered = standing(a_choice(), an_outcome())
    assert answered.advice_seen(disclosure) is before
    assert standing(a_view()).advice_seen(disclosure) is after
    erased = standing_of([stored(1, a_view(), erased=True)])
    assert erased.own_view is None
    assert erased.advice_seen(disclosure) is after


def test_the_counterpart_of_a_choice_outcome_or_view_is_the_one_that_stands() -> None:
    found = standing(a_choice(), an_outcome(), a_view())
    assert found.counterpart(a_choice("Z")) == found.choice_record
    assert found.counterpart(an_outcome(0)) == found.outcome_record
    assert found.counterpart(a_view("Z")) == found.view_record


def test_a_review_waits_until_it_is_answered_and_may_be_asked_for_again() -> None:
    review = uuid.UUID(int=77)
    asked = [stored(1, a_review(), identity=review)]
    waiting = standing_of(asked)
    assert list(waiting.open_reviews()) == [review.bytes]
    same = waiting.counterpart(a_review())
    assert same is not None
    assert same.identity == str(review)
    assert waiting.counterpart(a_review(ReviewReason.FACTS_WRONG)) is None

    answered = standing_of([*asked, stored(2, an_answer(review))])
    assert not answered.open_reviews()
    assert answered.counterpart(a_review()) is None


def test_of_the_answers_to_one_review_the_last_stands() -> None:
    first, second = uuid.UUID(int=77), uuid.UUID(int=78)
    found = standing(an_answer(second), an_answer(first), an_answer(first, ReviewResult.CHANGED))
    counterpart = found.counterpart(an_answer(first, ReviewResult.WITHDRAWN))
    assert counterpart is not None
    changed = an_answer(first, ReviewResult.CHANGED)
    assert (counterpart.seq, counterpart.content) == (3, changed)
    assert found.counterpart(an_answer(uuid.UUID(int=79))) is None


def test_reviews_that_were_answered_or_erased_are_open_no_longer() -> None:
    ids = [uuid.UUID(int=number) for number in (70, 71, 72)]
    records = [
        stored_feedback(stored(1, a_review(), identity=ids[0])),
        stored_feedback(stored(2, a_review(), identity=ids[1])),
        stored_feedback(stored(3, an_answer(ids[0]))),
        stored_feedback(stored(4, a_review(), identity=ids[2])),
        stored_feedback(stored(5, a_review(), erased=True)),
        stored_feedback(stored(6, an_answer(ids[2]), erased=True)),
    ]
    assert list(open_reviews(records)) == [ids[1].bytes, ids[2].bytes]


def journal(folder: Path, records: Sequence[Record], erase: Sequence[bytes] = ()) -> SqliteJournal:
    store = SqliteJournal(folder / f"{uuid.uuid4().hex}.db")
    store.write_batch(records)
    store.erase(erase)
    return store


EVERY: dict[uuid.UUID, list[Feedback]] = {
    decision: [
        a_choice("A", decision),
        a_choice("B", decision),
        an_outcome(0, decision),
        an_outcome(1, decision),
        a_view("A", decision),
    ]
    for decision in (DECISION, OTHER)
}
CHAINS = st.lists(
    st.tuples(st.sampled_from([*EVERY[DECISION], *EVERY[OTHER]]), st.booleans()), max_size=9
)


@given(CHAINS)
@settings(max_examples=40, deadline=None)  # each writes a file durably
def test_a_whole_journal_tells_of_each_decision_what_it_tells_alone(
    tmp_path_factory: pytest.TempPathFactory, chain: list[tuple[Feedback, bool]]
) -> None:
    records = [
        feedback_record(uuid.UUID(int=500 + at), feedback, at, "")
        for at, (feedback, _) in enumerate(chain)
    ]
    erase = [record.id for record, (_, erased) in zip(records, chain, strict=True) if erased]
    store = journal(tmp_path_factory.mktemp("standing"), records, erase)
    found = read_standing(store, [DECISION.bytes, OTHER.bytes])
    for decision in (DECISION, OTHER):
        assert found.get(decision.bytes, NOTHING) == standing_of(store.about(decision.bytes))
    assert set(found) == {one.about for one in records}
    store.close()


def test_a_whole_journal_is_read_without_reviews(tmp_path: Path) -> None:
    review = uuid.UUID(int=77)
    every: list[Feedback] = [a_review(), an_answer(review), a_choice(decision=OTHER)]
    records = [feedback_record(uuid.uuid4(), one, 1, "") for one in every]
    assert {one.kind for one in records} == {REVIEW, ANSWER, CHOICE}
    store = journal(tmp_path, records)
    assert set(read_standing(store, [DECISION.bytes, OTHER.bytes])) == {OTHER.bytes}
    store.close()


def test_what_was_recorded_after_the_last_record_asked_for_does_not_stand(tmp_path: Path) -> None:
    records = [
        feedback_record(uuid.uuid4(), a_choice(decision=DECISION), 1, ""),
        feedback_record(uuid.uuid4(), a_choice(decision=OTHER), 2, ""),
    ]
    store = journal(tmp_path, records)
    assert end_of_chain(store) == 2
    asked = [DECISION.bytes, OTHER.bytes]
    assert set(read_standing(store, asked, last=1)) == {DECISION.bytes}
    assert set(read_standing(store, asked, until=2)) == {DECISION.bytes}
    assert set(read_standing(store, asked)) == set(asked)
    store.close()
