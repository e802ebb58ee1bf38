"""The answer to a request id, kept as it was sent: whoever sends the id again gets it again.

Both the decision's id and the record's follow from the request id. Whichever server writes first,
the other's records are skipped, so that one request is decided once.
"""

from __future__ import annotations

import uuid
from typing import NamedTuple

from router.journal.record import Context, Record, StoredRecord

ANSWERED = "answered"
_CONTEXT = Context(document='{"payload":"SHA-256 of what was asked, router.v1.Recommendation"}')
_DIGEST_BYTES = 32
# Names of what follows from a request id, so that neither is the id of feedback.
_DECISION = uuid.UUID("5f0c1d3e-7a52-4c59-9d0e-2b6f3a1c8e47")
_ANSWER = uuid.UUID("c2a9f6b0-13d8-4e6b-8f51-90d47ab5e6f3")


class RequestId(NamedTuple):
    """A request id, as what follows from it.

    Attributes:
        decision: id of the decision, version 5.
        answer: id of the record of the answer, 16 bytes.
        asked: digest of what is asked under it, 32 bytes.
    """

    decision: uuid.UUID
    answer: bytes
    asked: bytes

    @classmethod
    def of(cls, identity: uuid.UUID, asked: bytes) -> RequestId:
        """Derives it from the caller's id and the digest of what is asked."""
        name = str(identity)
        return cls(uuid.uuid5(_DECISION, name), uuid.uuid5(_ANSWER, name).bytes, asked)


class Answered(NamedTuple):
    """An answer as it was sent.

    Attributes:
        asked: digest of what was asked, 32 bytes.
        answer: the serialized Recommendation.
    """

    asked: bytes
    answer: bytes


def answer_record(request_id: RequestId, answer: bytes, now: int) -> Record:
    """Writes the record of an answer.

    Args:
        request_id: with which it was asked for.
        answer: the serialized Recommendation.
        now: microseconds since 1970, UTC.
    """
    about = request_id.decision.bytes
    return Record(request_id.answer, ANSWERED, _CONTEXT, request_id.asked + answer, now, about)


def read_answer(stored: StoredRecord) -> Answered | None:
    """Reads the record of an answer; None if it was erased."""
    if stored.payload is None:
        return None
    return Answered(stored.payload[:_DIGEST_BYTES], stored.payload[_DIGEST_BYTES:])
