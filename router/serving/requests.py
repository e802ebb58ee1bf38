"""What a request asks for: parsed, its language, its view."""

from __future__ import annotations

from typing import TypeVar

from google.protobuf.message import DecodeError, Message

from router.serving.status import refuse
from router.v1 import channel_router_pb2, recommendation_pb2

_Request = TypeVar("_Request", bound=Message)
LANGUAGES = {
    recommendation_pb2.LANGUAGE_NB: "nb",
    recommendation_pb2.LANGUAGE_NN: "nn",
    recommendation_pb2.LANGUAGE_EN: "en",
}


def parse(kind: type[_Request], data: bytes) -> _Request:
    """Parses a request.

    Raises:
        InvalidRequest: if the bytes are no such message.
    """
    try:
        return kind.FromString(data)
    except DecodeError:
        raise refuse("request", f"the bytes are not a {kind.DESCRIPTOR.full_name}") from None


def language_of(language: int, otherwise: str) -> str:
    """Code of the texts' language; `otherwise` if none is named.

    Raises:
        InvalidRequest: if it is not one of the contract's.
    """
    if language == recommendation_pb2.LANGUAGE_UNSPECIFIED:
        return otherwise
    if language not in LANGUAGES:
        raise refuse(
            "language", f"{language} is not one of {', '.join(recommendation_pb2.Language.keys())}"
        )
    return LANGUAGES[language]  # type: ignore[index]


def is_full(view: int) -> bool:
    """Whether the FULL view is asked for.

    Raises:
        InvalidRequest: if the view is not one of the contract's.
    """
    if view not in channel_router_pb2.View.values():
        raise refuse("view", f"{view} is not one of {', '.join(channel_router_pb2.View.keys())}")
    return view == channel_router_pb2.VIEW_FULL
