"""Pages of lists, the same for every list call: how many, and from where on (AIP-158).

A token is opaque: it holds the place behind which the next page begins, and a digest of that, the
call and its filters, so that a token of another list, or no token at all, is refused. It is no
secret: whoever may ask for the list may ask for any part of it. So a place is told by what the page
shows, such as an id, and never by a number of the journal, which counts what others record.
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping, Sequence
from typing import NoReturn, TypeVar

from router.journal.store import JournalStore
from router.serving.status import refuse

_T = TypeVar("_T")
PAGE = 50
"""What a page holds when its size is not said, or 0."""
PAGE_AT_MOST = 200
"""The largest page; a larger size is read as this."""
_DIGEST_BYTES = 9
# A position is a number, or a name: far below.
_CHARACTERS_AT_MOST = 1_024
# More may not fit 64 bits.
_DIGITS_AT_MOST = 18
_ID = re.compile(r"[0-9a-f]{32}")


def page_size(asked: int) -> int:
    """Gives how many a page holds: `PAGE` for 0, at most `PAGE_AT_MOST`.

    Raises:
        InvalidRequest: if it is below 0.
    """
    if asked < 0:
        refuse(
            "page_size",
            f"{asked} is below 0; 0 means {PAGE}, and more than {PAGE_AT_MOST} the same "
            f"as {PAGE_AT_MOST}",
        )
    return min(asked or PAGE, PAGE_AT_MOST)


def page_of(
    items: Sequence[_T], method: str, filters: Mapping[str, str], asked: int, token: str
) -> tuple[Sequence[_T], str]:
    """Cuts a page out of a list that is the same as long as its filters are.

    Args:
        items: all of them, in order.
        method: the call's name.
        filters: what else the call asks for, and the version of what is listed.
        asked: page size, as sent.
        token: page token, as sent.

    Returns:
        The page, and the token of the next one; empty on the last.

    Raises:
        InvalidRequest: if size or token are not as they must be.
    """
    size = page_size(asked)
    begin = number_of(position_of(method, filters, token) or "0")
    end = begin + size
    further = next_token(method, filters, str(end)) if end < len(items) else ""
    return items[begin:end], further


def next_token(method: str, filters: Mapping[str, str], position: str) -> str:
    """Gives the token of the page that begins behind a position.

    Args:
        method: the call's name, e.g. "ListModels".
        filters: what else the call asked for, by field, page size and token aside.
        position: of the last one of this page, e.g. its number or name; not empty.
    """
    raw = _digest(method, filters, position) + position.encode()
    return urlsafe_b64encode(raw).decode().rstrip("=")


def position_of(method: str, filters: Mapping[str, str], token: str) -> str | None:
    """Gives the position behind which a page begins; None for the first page.

    Args:
        method: the call's name.
        filters: what else this call asks for.
        token: as sent; empty for the first page.

    Raises:
        InvalidRequest: if the token is none of this method with these filters.
    """
    if not token:
        return None
    position = _position(token)
    if not position or next_token(method, filters, position) != token:
        _refuse_token()
    return position


def number_of(position: str) -> int:
    """Reads a position that is a whole number from 0 of 64 bits.

    Raises:
        InvalidRequest: if it is none: whoever knows how tokens are made can make any.
    """
    if not (position.isascii() and position.isdecimal() and len(position) <= _DIGITS_AT_MOST):
        _refuse_token()
    return int(position)


def record_of(position: str, store: JournalStore) -> int:
    """Gives the number in the journal of the record whose id is a position; it blocks.

    Args:
        position: 32 hexadecimal digits.
        store: the journal.

    Raises:
        InvalidRequest: if there is none.
        JournalUnavailable: if the journal cannot be read now.
        JournalBroken: if it is damaged.
    """
    found = store.find([bytes.fromhex(position)]) if _ID.fullmatch(position) else []
    if not found:
        _refuse_token()
    return found[0].seq


def _refuse_token() -> NoReturn:
    refuse(
        "page_token",
        "is not the next_page_token of an earlier page of this list with the same filters; "
        "leave it empty for the first page",
    )


def _position(token: str) -> str:
    """Reads what a token says, "" if it says nothing; whether it is one is for the digest."""
    if len(token) > _CHARACTERS_AT_MOST:
        return ""
    try:
        raw = urlsafe_b64decode(token + "=" * (-len(token) % 4))
        return raw[_DIGEST_BYTES:].decode()
    # Of what is not ASCII, no base64, or no UTF-8 behind it.
    except (ValueError, binascii.Error):
        return ""


def _digest(method: str, filters: Mapping[str, str], position: str) -> bytes:
    # As pairs of texts with their lengths: no two lists of filters look alike joined.
    parts = [method, position, *(part for pair in sorted(filters.items()) for part in pair)]
    joined = b"".join(b"%d:%s" % (len(part.encode()), part.encode()) for part in parts)
    return hashlib.sha256(joined).digest()[:_DIGEST_BYTES]
