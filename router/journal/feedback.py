"""Feedback as the journal keeps it: choices, outcomes, own views, reviews and their answers.

Each is one canonical JSON object in UTF-8 (sorted keys, no blanks) with the attributes below as its
keys, and an outcome also holds the sum of its time as `adviser_minutes`. The record's id is the
request id of the call and it is `about` the decision; `router.journal.standing` tells which of them
stands. Reasons are codes: no free text, and nothing that tells who the adviser was.
"""

from __future__ import annotations

import hmac
import json
import uuid
from dataclasses import dataclass, fields
from datetime import date
from enum import StrEnum
from typing import TypeAlias

import msgspec

from router.decision.catalogue import Channel
from router.journal.record import Context, JournalBroken, Record, StoredRecord

CHOICE, OUTCOME, VIEW, REVIEW, ANSWER = "choice", "outcome", "view", "review", "answer"
WITHHELD = "withheld"
"""Kind of the record that keeps a serialised Recommendation until an own view is recorded."""
# Far above any mix over its weeks: what lies beyond is a slip of the keyboard.
CONTACTS_AT_MOST = 200
MINUTES_AT_MOST = 10_000
_CONTEXT = Context(document='{"feedback":1}')
_MINUTES = "adviser_minutes"
_CORRECTS = "corrects"
_CLAIM_BYTES = 16


class WishedBy(StrEnum):
    """Who wished the mix that was chosen."""

    USER = "USER"
    ADVISER = "ADVISER"
    BOTH = "BOTH"
    AGENCY = "AGENCY"


class Direction(StrEnum):
    """A choice against the mix recommended, by adviser minutes."""

    SAME = "SAME"
    MORE = "MORE"
    LESS = "LESS"


class ChoiceReason(StrEnum):
    """Why a choice is what it is; NONE when no reason was given."""

    NONE = ""
    USER_WISHES_LESS = "USER_WISHES_LESS"
    USER_HAS_WORK_OR_PLAN = "USER_HAS_WORK_OR_PLAN"
    ALREADY_FOLLOWED_UP_ELSEWHERE = "ALREADY_FOLLOWED_UP_ELSEWHERE"
    CAPACITY = "CAPACITY"
    ADVICE_MISJUDGES_CASE = "ADVICE_MISJUDGES_CASE"
    OTHER = "OTHER"
    USER_WISHES_MORE = "USER_WISHES_MORE"
    ASSESSED_BY_PERSON = "ASSESSED_BY_PERSON"


class AskedBy(StrEnum):
    """Who contests the advice."""

    USER = "USER"
    ADVISER = "ADVISER"


class ReviewReason(StrEnum):
    """Why advice is contested."""

    TOO_LITTLE_CONTACT = "TOO_LITTLE_CONTACT"
    TOO_MUCH_CONTACT = "TOO_MUCH_CONTACT"
    CHANNEL_NOT_USABLE = "CHANNEL_NOT_USABLE"
    FACTS_WRONG = "FACTS_WRONG"
    NOT_EXPLAINED = "NOT_EXPLAINED"
    OTHER = "OTHER"


class ReviewResult(StrEnum):
    """What a review came to."""

    UPHELD = "UPHELD"
    CHANGED = "CHANGED"
    WITHDRAWN = "WITHDRAWN"


@dataclass(frozen=True, slots=True, kw_only=True)
class Choice:
    """The mix that adviser and user agreed on.

    `adviser_view` is the adviser's own view before the advice and `user_view` the user's, None if
    not asked; `direction` is told also where the recommendation was not seen; `corrects` is the
    choice that it corrects.
    """

    decision_id: uuid.UUID
    mix: str
    wished_by: WishedBy
    reason: ChoiceReason = ChoiceReason.NONE
    adviser_view: str | None = None
    user_view: str | None = None
    direction: Direction
    corrects: uuid.UUID | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChannelTime:
    """Adviser time really spent through one channel.

    Attributes:
        channel: it.
        contacts: 0 to 200.
        minutes: of all of them, 0 to 10,000.
    """

    channel: Channel
    contacts: int
    minutes: int

    def __post_init__(self) -> None:
        if not (0 <= self.contacts <= CONTACTS_AT_MOST and 0 <= self.minutes <= MINUTES_AT_MOST):
            raise ValueError(
                f"{self.contacts} contacts of {self.minutes} minutes: outside the bounds"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What came of it.

    Attributes:
        decision_id: the decision.
        outcome: 0 to 1.
        time: really spent, each channel once; empty when none was reported.
        observed_on: the day on which it was seen.
        corrects: the outcome that it corrects.
    """

    decision_id: uuid.UUID
    outcome: float
    time: tuple[ChannelTime, ...] = ()
    observed_on: date
    corrects: uuid.UUID | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.outcome <= 1:
            raise ValueError(f"outcome: {self.outcome} is outside 0 to 1")
        if (self.adviser_minutes or 0) > MINUTES_AT_MOST:
            raise ValueError(f"adviser_minutes: {self.adviser_minutes} is above {MINUTES_AT_MOST}")

    @property
    def adviser_minutes(self) -> int | None:
        """Minutes through all channels, None when no time was reported."""
        return sum(one.minutes for one in self.time) if self.time else None


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """The mix that the adviser held to be right before withheld advice was revealed."""

    decision_id: uuid.UUID
    mix: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """The advice is contested; the review's id is its record's."""

    decision_id: uuid.UUID
    asked_by: AskedBy
    reason: ReviewReason


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a review came to; `corrects` is the answer that it corrects."""

    decision_id: uuid.UUID
    review_id: uuid.UUID
    result: ReviewResult
    corrects: uuid.UUID | None = None


Feedback: TypeAlias = Choice | Outcome | View | Review | Answer
KINDS: dict[str, type[Feedback]] = {
    CHOICE: Choice,
    OUTCOME: Outcome,
    VIEW: View,
    REVIEW: Review,
    ANSWER: Answer,
}
_KIND_OF = {content: kind for kind, content in KINDS.items()}
# So that msgspec knows them at import: see `router.journal.recommendation`.
_KNOWN = [msgspec.json.Decoder(content) for content in KINDS.values()]


def kind_of(feedback: Feedback) -> str:
    """Names the kind of record that holds the feedback."""
    return _KIND_OF[type(feedback)]


def to_payload(feedback: Feedback) -> bytes:
    """Writes the bytes that the journal keeps; equal feedback has equal bytes."""
    content = msgspec.to_builtins(feedback)
    if isinstance(feedback, Outcome):
        # 1 and 1.0 are equal outcomes, and equal feedback has equal bytes;
        # the sum is for those who read the journal without this code.
        content |= {OUTCOME: float(feedback.outcome), _MINUTES: feedback.adviser_minutes}
    # First answers are written as they were before answers could be corrected.
    if isinstance(feedback, Answer) and feedback.corrects is None:
        del content[_CORRECTS]
    # Not msgspec's own JSON: it writes 1e-5 where the journal has always had 1e-05.
    text = json.dumps(
        content, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False
    )
    return text.encode()


def from_payload(kind: str, payload: bytes) -> Feedback:
    """Reads what `to_payload` wrote.

    Raises:
        ValueError: if the bytes are no feedback of that kind.
    """
    if kind not in KINDS:
        raise ValueError(f"kind: {kind!r} is not one of {', '.join(KINDS)}")
    content = json.loads(payload)
    try:
        found: Feedback = msgspec.convert(content, KINDS[kind])  # noqa: TID251 # known, see above
    except msgspec.ValidationError as problem:
        raise ValueError(f"is not a valid {kind}: {problem}") from problem

    # What is kept is whole: a default is for those who write, never for what was lost.
    expected = {field.name for field in fields(found)}
    if isinstance(found, Answer):
        expected.discard(_CORRECTS)
    if isinstance(found, Outcome):
        expected.add(_MINUTES)
    if missing := expected - content.keys():
        raise ValueError(f"is not a valid {kind}: without {', '.join(sorted(missing))}")
    if isinstance(found, Outcome) and content[_MINUTES] != found.adviser_minutes:
        raise ValueError(f"{_MINUTES}: {content[_MINUTES]!r} is not the sum of time")
    return found


def read_feedback(stored: StoredRecord) -> Feedback | None:
    """Reads a record of one of the `KINDS`; None if its content was erased.

    Raises:
        JournalBroken: if it cannot be read.
    """
    if stored.payload is None:
        return None
    try:
        return from_payload(stored.kind, stored.payload)
    except ValueError as problem:
        raise JournalBroken(f"record {stored.seq}: {problem}") from problem


def feedback_record(
    identity: uuid.UUID, feedback: Feedback, written_at: int, claim: str, caller: str = ""
) -> Record:
    """Makes the record of feedback.

    Args:
        identity: the request id.
        feedback: the content.
        written_at: microseconds since 1970, UTC.
        claim: what no other record about the decision may hold, see `claim_of`.
        caller: who sent it, "" where callers are not told apart.
    """
    return Record(
        identity.bytes,
        kind_of(feedback),
        _CONTEXT,
        to_payload(feedback),
        written_at,
        feedback.decision_id.bytes,
        claim,
        caller=caller,
    )


def claim_of(feedback: Choice | Outcome | View | Answer) -> str:
    """Names what two servers may not both record.

    That is a first choice, or a correction of the same choice, and so on.
    """
    match feedback:
        case Choice() | Outcome() | Answer() if feedback.corrects is not None:
            corrected = feedback.corrects
            return f"{kind_of(feedback)}:{corrected.hex}"
        case Answer():
            return f"{ANSWER}:{feedback.review_id.hex}"
        case _:
            return kind_of(feedback)


def claim_of_review(review: Review, before: int, salt: bytes) -> str:
    """Names what two servers may not both record: the same review asked for at the same time.

    A claim stays when its record is erased. Without the decision's salt, which goes with the
    decision, it tells neither who asked nor why.

    Args:
        review: what is asked for.
        before: how often the same was asked for already; it may be again once it is answered.
        salt: of the decision's record.
    """
    told = f"{review.asked_by}:{review.reason}:{before}"
    return f"{REVIEW}:{hmac.digest(salt, told.encode(), 'sha256')[:_CLAIM_BYTES].hex()}"
