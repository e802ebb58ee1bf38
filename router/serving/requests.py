"""Language and view of an answer; cases: `routing/reading`, feedback: `feedback/requests`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from router.serving.status import InvalidRequest, refuse
from router.texts import Reader, Texts
from router.v1 import channel_router_pb2, recommendation_pb2

LANGUAGES: dict[int, str] = {
    recommendation_pb2.LANGUAGE_NB: "nb",
    recommendation_pb2.LANGUAGE_NN: "nn",
    recommendation_pb2.LANGUAGE_EN: "en",
}


READERS: dict[int, Reader] = {
    recommendation_pb2.READER_UNSPECIFIED: Reader.USER,
    recommendation_pb2.READER_USER: Reader.USER,
    recommendation_pb2.READER_ADVISER: Reader.ADVISER,
}


_VIEWS = frozenset(channel_router_pb2.View.values())


class View(NamedTuple):
    """How an answer is written, and what it tells of how its case was read.

    Attributes:
        language: code of the texts' language.
        full: whether it holds all that led to the advice.
        reader: who reads the texts.
        office_unknown: whether the case names an office without a policy of its own.
        top_coded: fields whose number was above the highest that is told apart.
    """

    language: str
    full: bool
    reader: Reader = Reader.USER
    office_unknown: bool = False
    top_coded: Sequence[str] = ()


def language_of(language: int, otherwise: str) -> str:
    """Gives the code of the texts' language; `otherwise` if none is named.

    Raises:
        InvalidRequest: if it is not one of the contract's.
    """
    if language == recommendation_pb2.LANGUAGE_UNSPECIFIED:
        return otherwise
    if language not in LANGUAGES:
        known = ", ".join(recommendation_pb2.Language.keys())
        refuse("language", f"{language} is not one of {known}")
    return LANGUAGES[language]


def reader_of(reader: int) -> Reader:
    """Gives who reads the texts; the user if nobody is named.

    Raises:
        InvalidRequest: if it is not one of the contract's.
    """
    if reader not in READERS:
        known = ", ".join(recommendation_pb2.Reader.keys())
        refuse("reader", f"{reader} is not one of {known}")
    return READERS[reader]


@contextmanager
def told_in(texts: Texts) -> Iterator[None]:
    """Has what is refused within told to people too, in their language.

    Raises:
        InvalidRequest: what is raised within.
    """
    try:
        yield
    except InvalidRequest as refused:
        refused.texts = refused.texts or texts
        raise


def texts_of(language: int, otherwise: str, texts: Mapping[str, Texts]) -> Texts:
    """Gives the texts of the language asked for; of `otherwise` if none is, or an unknown one."""
    return texts[LANGUAGES.get(language, otherwise)]


def is_full(view: int) -> bool:
    """Tells whether the FULL view is asked for.

    Raises:
        InvalidRequest: if the view is not one of the contract's.
    """
    # Enums of proto3 are open: any number comes through.
    if view not in _VIEWS:
        known = ", ".join(channel_router_pb2.View.keys())
        refuse("view", f"{view} is not one of {known}")
    return view == channel_router_pb2.VIEW_FULL
