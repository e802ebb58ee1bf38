"""Keeps errors small enough for every client, whatever was sent: message and details are cut.

They travel in trailers, as `grpc-message` and `grpc-status-details-bin`. Clients and proxies refuse
trailers of more than some kilobytes, and then their callers see that, not what was wrong.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from google.rpc import error_details_pb2

from router.cases.problems import FieldProblem
from router.texts import Texts
from router.texts.problems import problem_for_people

TRAILERS_AT_MOST = 4_096
"""Bytes of both trailers on the wire, names and encodings included."""
STATUS_AT_MOST = 2_700
"""Bytes of a google.rpc.Status; base64, in which it travels, makes 3,600 of them."""
MESSAGE_AT_MOST = 300
"""Bytes of a message as it travels: percent-encoded, three for each byte beyond ASCII."""
_VIOLATIONS_AT_MOST = 2_100
_FIELD, _DESCRIPTION, _VALUE = 120, 500, 200
_IN_THE_MESSAGE = 3
_DOTS = "..."
_PERCENT = 0x25


def message_of(problems: Sequence[FieldProblem]) -> str:
    """Tells the first few problems in one line: a message is read in a log."""
    first = [f"{one.field}: {one.description}" for one in problems[:_IN_THE_MESSAGE]]
    more = len(problems) - len(first)
    end = f"; and {more:,} more" if more else ""
    return short_message("; ".join(first), MESSAGE_AT_MOST - len(end)) + end


def bad_request(
    problems: Sequence[FieldProblem], texts: Texts | None
) -> error_details_pb2.BadRequest:
    """Writes as many problems as fit, and how many more there are.

    Args:
        problems: at least one.
        texts: in which each is told to people too; None where no language was asked for.
    """
    found = error_details_pb2.BadRequest()
    for place, problem in enumerate(problems):
        found.field_violations.append(_violation(problem, texts))
        more = len(problems) - place
        # The last place is kept for what tells of the rest.
        if found.ByteSize() > _VIOLATIONS_AT_MOST and place:
            told = f"and {more:,} more problems, from here on"
            del found.field_violations[-1]
            field = cut(problem.field, _FIELD)
            found.field_violations.add(field=field, description=told)
            break
    return found


def _violation(
    problem: FieldProblem, texts: Texts | None
) -> error_details_pb2.BadRequest.FieldViolation:
    found = error_details_pb2.BadRequest.FieldViolation(
        field=cut(problem.field, _FIELD), description=cut(problem.description, _DESCRIPTION)
    )
    if texts is not None:
        told = problem_for_people(texts, problem.field)
        found.localized_message.locale = texts.language
        found.localized_message.message = cut(told, _DESCRIPTION)
    return found


def short_values(values: Mapping[str, str]) -> dict[str, str]:
    """Cuts what an ErrorInfo tells."""
    return {cut(name, _VALUE): cut(value, _VALUE) for name, value in values.items()}


def short_message(text: str, at_most: int = MESSAGE_AT_MOST) -> str:
    """Cuts a text to so many bytes as it travels in `grpc-message`."""
    # Most are plain, and travel as they are: counting each character would take longer than all
    # else that is done for an error.
    if text.isascii() and text.isprintable() and "%" not in text:
        return cut(text, at_most)
    total, kept = 0, 0
    for one in text:
        coded = one.encode(errors="replace")
        total += sum(1 if 0x20 <= byte <= 0x7E and byte != _PERCENT else 3 for byte in coded)
        if total > at_most:
            return text[:kept] + _DOTS
        # What is kept must leave room for the dots.
        kept += total <= at_most - len(_DOTS)
    return text


def cut(text: str, at_most: int) -> str:
    """Cuts a text to so many bytes in UTF-8, between two characters."""
    coded = text.encode(errors="replace")
    if len(coded) <= at_most:
        return text
    return coded[: at_most - len(_DOTS)].decode(errors="ignore") + _DOTS
