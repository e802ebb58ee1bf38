"""What stands for a decision: its choice, outcome, own view and reviews; and was the advice seen.

Nothing in the journal is overwritten, so this is the one law of what counts. Of choices, outcomes,
own views and the answers to a review the last in the chain stands. A record whose content was
erased still stands: what it said is not known any more, and nothing older comes back.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, NamedTuple, TypeVar, cast

from router.journal.feedback import (
    CHOICE,
    KINDS,
    OUTCOME,
    VIEW,
    Answer,
    Choice,
    Feedback,
    Outcome,
    Review,
    View,
    kind_of,
    read_feedback,
)
from router.journal.form import sound
from router.journal.recommendation import AFTER_OWN_VIEW, SHOWN
from router.journal.record import StoredRecord
from router.journal.store import JournalReader

Content_co = TypeVar("Content_co", bound=Feedback, covariant=True)


class StoredFeedback(NamedTuple, Generic[Content_co]):
    """A stored record as far as feedback is concerned.

    Attributes:
        seq: its place in the chain.
        id: the request id under which it was recorded, 16 bytes.
        kind: of the record.
        written_at: microseconds since 1970, UTC.
        erased: whether its content was erased.
        content: what was answered; None once erased, and of a record that is no feedback.
        caller: who recorded it, "" where callers are not told apart.
    """

    seq: int
    id: bytes
    kind: str
    written_at: int
    erased: bool
    content: Content_co | None
    caller: str = ""

    @property
    def identity(self) -> str:
        """The id in its usual form."""
        return str(uuid.UUID(bytes=self.id))


OpenReviews = Mapping[bytes, StoredFeedback[Review]]
"""Reviews that wait for an answer, by id, oldest first."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What stands for one decision; None where nothing was recorded.

    Attributes:
        choice_record: the choice that stands.
        first_choice_at: when the first choice was recorded, microseconds since 1970, UTC; a
            correction does not move it, and an erased choice is none.
        outcome_record: the outcome that stands.
        view_record: the adviser's own view, recorded before withheld advice was revealed.
        others: reviews, their answers and whatever else was answered, in the order of the chain.
    """

    choice_record: StoredFeedback[Choice] | None = None
    first_choice_at: int | None = None
    outcome_record: StoredFeedback[Outcome] | None = None
    view_record: StoredFeedback[View] | None = None
    others: tuple[StoredFeedback[Feedback], ...] = ()

    @property
    def choice(self) -> Choice | None:
        """The mix agreed on; None without a choice, or once it was erased."""
        return self.choice_record.content if self.choice_record is not None else None

    @property
    def outcome(self) -> Outcome | None:
        """What came of it; None without an outcome, or once it was erased."""
        return self.outcome_record.content if self.outcome_record is not None else None

    @property
    def own_view(self) -> View | None:
        """The adviser's own view; None without one, or once it was erased."""
        return self.view_record.content if self.view_record is not None else None

    def after(self, one: StoredFeedback[Any]) -> Standing:
        """Tells what stands once another record has followed."""
        if one.kind == CHOICE:
            first = self.first_choice_at
            # An erased choice tells of no day any more, as if it had never been the first.
            if first is None and not one.erased:
                first = one.written_at
            return replace(self, choice_record=one, first_choice_at=first)
        if one.kind == OUTCOME:
            return replace(self, outcome_record=one)
        if one.kind == VIEW:
            return replace(self, view_record=one)
        return replace(self, others=(*self.others, one))

    def advice_seen(self, disclosure: str) -> bool:
        """Tells whether the adviser could see the advice: at once, or revealed by an own view.

        Args:
            disclosure: of the recommendation, see `router.journal.recommendation`.
        """
        # That a view was recorded reveals the advice; what it said may be erased since.
        if disclosure == AFTER_OWN_VIEW:
            return self.view_record is not None
        return disclosure == SHOWN

    def open_reviews(self) -> OpenReviews:
        """Gives the reviews without an answer."""
        return open_reviews(self.others)

    def counterpart(self, feedback: Feedback) -> StoredFeedback[Feedback] | None:
        """Finds the record that stands where this feedback would; None if its place is free.

        That is the last of its kind about the decision; but an answer to the same review, and an
        open review that says the same.
        """
        match feedback:
            case Answer():
                answers = [one for one in self.others if _same_review(one, feedback)]
                return answers[-1] if answers else None
            case Review():
                waiting = self.open_reviews().values()
                return next((one for one in waiting if one.content == feedback), None)
            case _:
                return self._last(kind_of(feedback))

    def _last(self, kind: str) -> StoredFeedback[Feedback] | None:
        every = (self.choice_record, self.outcome_record, self.view_record, *self.others)
        of_kind = [one for one in every if one is not None and one.kind == kind]
        return of_kind[-1] if of_kind else None


NOTHING = Standing()
"""What stands for a decision that nobody answered."""


def stored_feedback(stored: StoredRecord) -> StoredFeedback[Feedback]:
    """Reads a record of any kind.

    Raises:
        JournalBroken: if it is feedback and cannot be read.
    """
    return StoredFeedback(
        seq=stored.seq,
        id=stored.id,
        kind=stored.kind,
        written_at=stored.written_at,
        erased=stored.payload is None,
        content=read_feedback(stored) if stored.kind in KINDS else None,
        caller=stored.caller,
    )


def standing_of(about: Iterable[StoredRecord]) -> Standing:
    """Tells what stands for one decision.

    Args:
        about: the records about it, in the order of the chain; those that are no feedback count for
            nothing.

    Raises:
        JournalBroken: if a record cannot be read.
    """
    found = NOTHING
    for stored in _that_count(about):
        found = found.after(stored_feedback(stored))
    return found


def _that_count(about: Iterable[StoredRecord]) -> list[StoredRecord]:
    """Leaves out what was corrected: however many corrections there are, few are read.

    Of choices the first one stays too, for its day.
    """
    kept: dict[object, StoredRecord] = {}
    for stored in about:
        if stored.kind == CHOICE and stored.payload is not None:
            kept.setdefault("first", stored)
        if stored.kind in (CHOICE, OUTCOME, VIEW):
            kept[stored.kind] = stored
        # Plans, withheld advice and kinds of later versions stand for nothing here.
        elif stored.kind in KINDS:
            kept[stored.id] = stored
    unique = {stored.seq: stored for stored in kept.values()}
    return [unique[seq] for seq in sorted(unique)]


def read_standing(
    store: JournalReader,
    decisions: Sequence[bytes],
    until: int | None = None,
    last: int | None = None,
) -> dict[bytes, Standing]:
    """Reads choices, outcomes and own views about some decisions: what stands, by decision id.

    Decisions that nobody answered are not there, and reviews are left out.

    Args:
        store: the journal.
        decisions: ids; of a whole journal some at a time, for what stands may not fit in memory.
        until: only what was written before, microseconds since 1970, UTC: what stood then.
        last: only records up to this number, so that one moment is read of several times.

    Raises:
        JournalBroken: if a record cannot be read.
        JournalUnavailable: if the journal cannot be read now.
    """
    found: dict[bytes, Standing] = {}
    for stored in map(sound, store.about_any(decisions, (CHOICE, OUTCOME, VIEW))):
        if stored.about is None or (last is not None and stored.seq > last):
            continue
        if until is not None and stored.written_at >= until:
            continue
        before = found.get(stored.about, NOTHING)
        found[stored.about] = before.after(stored_feedback(stored))
    return found


def end_of_chain(store: JournalReader) -> int:
    """Gives the number of the last record, 0 of an empty journal.

    Raises:
        JournalUnavailable: if the journal cannot be read now.
    """
    return max(head.seq for head in store.heads())


def open_reviews(records: Iterable[StoredFeedback[Feedback]]) -> OpenReviews:
    """Finds the reviews that wait for an answer.

    Args:
        records: in the order of the chain, about any decisions.
    """
    waiting: dict[bytes, StoredFeedback[Review]] = {}
    for one in records:
        match one.content:
            case Review():
                waiting[one.id] = cast("StoredFeedback[Review]", one)
            case Answer(review_id=review_id):
                waiting.pop(review_id.bytes, None)
    return waiting


def _same_review(one: StoredFeedback[Feedback], answer: Answer) -> bool:
    return isinstance(one.content, Answer) and one.content.review_id == answer.review_id
